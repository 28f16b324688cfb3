//! Every error on record, as a client sees it: its shape, and Meta's words where the reference has them.

use crate::support::{PAGE, Rig};
use serde_json::{Value, json};

fn rows() -> Vec<Value> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/reference/messenger/errors.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("the reference errors are needed at `{}`: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// What the reference has of them without being their words: two errors in one row, what somebody says of them, or what
/// they are for. Of the rows without a code nothing can be injected; the calls that lead to them say them.
const NOT_WORDS: [(u64, Option<u64>); 10] = [
    (2, Some(2_018_344)),
    (4, Some(2_018_022)),
    (4, Some(2_018_354)),
    (10, Some(2_018_065)),
    (10, Some(1_404_170)),
    (27, None),
    (200, None),
    (230, None),
    (613, Some(1_893_016)),
    (80_006, None),
];

/// Whether a message is the recorded one: `*` and `...` stand for what the record leaves out, and a remark of the
/// record's own is no part of it.
fn says(message: &str, code: u64, recorded: &str) -> bool {
    let number = format!("(#{code}) ");
    let bare = |text: &str| text.strip_prefix(&number).unwrap_or(text).to_owned();
    let recorded = bare(recorded.trim_end_matches(" (75 s)").trim_end_matches(" (retired message tag)"));
    let mut rest = bare(message);
    recorded.replace("...", "*").split('*').all(|part| match rest.split_once(part.trim()) {
        Some((_, after)) => {
            rest = after.to_owned();
            true
        }
        None => false,
    })
}

#[tokio::test]
async fn every_error_on_record_has_meta_s_shape_and_its_words_where_they_are_known() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let rows = rows();
    let (mut own, mut generic, mut without_code) = (0, 0, 0);
    for row in &rows {
        let Some(code) = row["code"].as_u64() else {
            without_code += 1;
            continue;
        };
        let sub = row["sub"].as_u64();
        rig.post("/control/faults", json!({"fail_next": {"code": code, "subcode": sub, "times": 1}})).await;
        let (status, body) = rig.send(&psid, json!({"text": "a"})).await;
        let error = &body["error"];
        assert_eq!(
            (status, error["code"].as_u64(), error["error_subcode"].as_u64()),
            (400, Some(code), sub),
            "{row}"
        );
        let kind = if (code, sub) == (100, Some(33)) { "GraphMethodException" } else { "OAuthException" };
        assert_eq!(error["type"], kind, "{row}");
        assert!(error["fbtrace_id"].is_string(), "{row}");
        let passes = matches!(row["class"].as_str(), Some("retry" | "ambiguous-sent"));
        assert_eq!(error["is_transient"].as_bool().unwrap_or(false), passes, "{row}");
        let message = error["message"].as_str().unwrap();
        if NOT_WORDS.contains(&(code, sub)) {
            assert!(message.contains("injected") && message.contains("not on record"), "{row}: {message}");
            generic += 1;
        } else {
            assert!(says(message, code, row["msg"].as_str().unwrap()), "{row}: {message}");
            own += 1;
        }
    }
    assert_eq!((own, generic, without_code, rows.len()), (40, 10, 2, 52));
    assert_eq!(rig.send(&psid, json!({"text": PAGE})).await.0, 200);
    // One that nobody knows is as honest.
    rig.post("/control/faults", json!({"fail_next": {"code": 190, "subcode": 463, "times": 1}})).await;
    let (_, body) = rig.send(&psid, json!({"text": "a"})).await;
    assert!(body["error"]["message"].as_str().unwrap().contains("not on record"), "{body}");
}
