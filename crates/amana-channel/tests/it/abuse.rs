//! Abuse cases at the platform's side: what its errors say stays there (11), and a message goes to one host (21).

use crate::graph::{self, Answer, Graph, TOKEN, address, page, released};
use amana_channel::{Channel, Messenger};
use amana_core::Content;
use serde_json::json;

const MARK: &str = "Kq7Zx4Wv";

/// Whatever the platform says when something goes wrong, no error of ours repeats it, nor what was to be sent.
#[tokio::test]
async fn abuse_11_errors_repeat_nothing_that_the_platform_or_a_message_said() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    let codes = [
        0, 1, 2, 4, 9, 10, 17, 27, 32, 100, 190, 200, 230, 368, 551, 613, 1200, 2022, 80_006, 2_018_300,
        99_999,
    ];
    let mut bodies: Vec<String> = codes
        .iter()
        .map(|code| {
            json!({"error": {"message": MARK, "type": MARK, "code": code, "error_subcode": 7, "fbtrace_id": MARK,
                "error_user_title": MARK, "error_user_msg": MARK, "error_data": {"details": MARK}}})
            .to_string()
        })
        .collect();
    bodies.extend([
        json!({"error": {"message": MARK, "code": MARK}}).to_string(),
        json!({"message_id": [MARK]}).to_string(),
        json!({"recipient": MARK, "id": MARK}).to_string(),
        format!("{{\"{MARK}\""),
        MARK.into(),
    ]);
    let mut met = 0;
    for status in [200, 301, 400, 401, 403, 404, 413, 429, 500, 503] {
        for body in &bodies {
            let answer = || {
                ["location", "retry-after", "x-business-use-case-usage", "www-authenticate"]
                    .iter()
                    .fold(Answer::new(status, body.clone()), |answer, name| answer.header(name, MARK))
            };
            for _ in 0..4 {
                graph.then(answer());
            }
            let errors = [
                messenger
                    .send(released(&Content::text(MARK), &address()))
                    .await
                    .err()
                    .map(|e| format!("{e} {e:?}")),
                messenger.typing(&address(), true).await.err().map(|e| format!("{e} {e:?}")),
                messenger.unlink(&address()).await.err().map(|e| format!("{e} {e:?}")),
                messenger.linking_recipient(&page(), MARK).await.err().map(|e| format!("{e} {e:?}")),
            ];
            for error in errors.into_iter().flatten() {
                met += 1;
                assert!(!error.contains(MARK) && !error.contains(TOKEN), "{status} {body:.80}: {error}");
            }
        }
    }
    assert!(met > 500, "only {met} errors were met");
    assert!(!format!("{messenger:?}").contains(TOKEN));
}

/// A message goes to the configured host and to no other: not by a redirect, not by a page id or a person's id that
/// looks like an address, and a host that is not Graph's takes TLS.
#[tokio::test]
async fn abuse_21_messages_go_to_one_host_alone() {
    let (home, away) = (Graph::start().await, Graph::start().await);
    let messenger = home.messenger();
    for status in [301, 302, 303, 307, 308] {
        home.then(Answer::new(status, "").header("location", format!("{}/v26.0/1001/messages", away.url)));
        assert!(messenger.send(released(&Content::text("hello"), &address())).await.is_err());
    }
    assert!(away.asked().is_empty(), "no redirect is followed");
    assert_eq!(home.asked().len(), 5);
    let host = |url: &str| {
        let mut config = graph::config(&home.url);
        config.graph_url = url.parse().expect("a url");
        Messenger::new(config)
    };
    for foreign in [
        "http://graph.facebook.com/",
        "http://example.com/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "ftp://graph.facebook.com/",
        "https://user:password@graph.facebook.com/",
    ] {
        assert!(host(foreign).is_err(), "{foreign}");
    }
    let _ = host("https://graph.facebook.com/");
}
