//! The webhook engine: form, signatures, order, retries, faults, subscriptions, restart.

use std::time::Duration;

use ring::hmac;
use serde_json::{Value, json};

use crate::support::{APP_ID, PAGE, Rig, SECRET};

fn is_text(item: &Value) -> bool {
    item["message"]["text"].is_string() && item["message"]["is_echo"].is_null()
}

fn is_echo(item: &Value) -> bool {
    item["message"]["is_echo"] == true
}

#[tokio::test]
async fn a_text_arrives_signed_and_escaped() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "كم رصيدي؟ a/b 😀").await;
    let hook = rig.wait(1, is_text).await.remove(0);
    assert_eq!(hook.json["object"], "page");
    assert_eq!(hook.json["entry"][0]["id"], PAGE);
    assert!(hook.json["entry"][0]["time"].as_i64().unwrap() > 1_795_500_000_000);
    let item = hook.item();
    assert_eq!((&item["sender"]["id"], &item["recipient"]["id"]), (&json!(psid), &json!(PAGE)));
    assert!((16..=17).contains(&psid.len()) && psid.bytes().all(|b| b.is_ascii_digit()), "{psid}");
    assert_eq!(item["message"]["text"], "كم رصيدي؟ a/b 😀");
    let raw = String::from_utf8(hook.raw.clone()).unwrap();
    assert!(
        raw.is_ascii()
            && raw.contains(r"\u0643\u0645")
            && raw.contains(r"a\/b")
            && raw.contains(r"\ud83d\ude00"),
        "{raw}"
    );

    let check = |algorithm, header: &str| {
        let tag = hex::decode(header).unwrap();
        hmac::verify(&hmac::Key::new(algorithm, SECRET.as_bytes()), &hook.raw, &tag).unwrap();
    };
    check(hmac::HMAC_SHA256, hook.sha256.strip_prefix("sha256=").unwrap());
    check(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, hook.sha1.strip_prefix("sha1=").unwrap());
    rig.idle().await;
    assert_eq!(rig.thread("amal").await["messages"][0]["progress"], "delivered");
}

#[tokio::test]
async fn taps_and_quick_replies() {
    let rig = Rig::new().await;
    rig.say("amal", "hi").await;
    let tap = json!({"page": PAGE, "kind": "postback", "payload": "BALANCE", "title": "Balance"});
    rig.post("/control/users/amal/tap", tap).await;
    let reply = json!({"page": PAGE, "kind": "quick_reply", "payload": "YES", "title": "Yes"});
    rig.post("/control/users/amal/tap", reply).await;
    let postback = rig.wait(1, |i| i["postback"].is_object()).await.remove(0);
    assert_eq!(postback.item()["postback"]["payload"], "BALANCE");
    assert_eq!(postback.item()["postback"]["title"], "Balance");
    assert!(postback.item()["postback"]["mid"].is_string());
    let reply = rig.wait(1, |i| i["message"]["quick_reply"].is_object()).await.remove(0);
    assert_eq!(reply.item()["message"]["quick_reply"]["payload"], "YES");
    assert_eq!(reply.item()["message"]["text"], "Yes");
}

#[tokio::test]
async fn failures_are_tried_again_in_order() {
    let rig = Rig::new().await;
    rig.answer_with(500);
    rig.say("amal", "one").await;
    rig.say("amal", "two").await;
    rig.wait(2, is_text).await;
    assert_eq!(rig.thread("amal").await["messages"][0]["progress"], "retrying");
    rig.answer_with(200);
    rig.wait(1, |i| i["message"]["text"] == "two").await;
    rig.idle().await;
    let hooks = rig.hooks();
    let texts: Vec<_> = hooks.iter().map(|h| h.item()["message"]["text"].as_str().unwrap()).collect();
    assert_eq!(texts.iter().filter(|t| **t == "two").count(), 1);
    assert_eq!(texts.last(), Some(&"two"), "the second waits for the first: {texts:?}");
    let first: Vec<_> = hooks.iter().filter(|h| h.item()["message"]["text"] == "one").collect();
    assert!(first.len() >= 2);
    assert!(
        first.windows(2).all(|w| w[0].item()["message"]["mid"] == w[1].item()["message"]["mid"]),
        "same mid"
    );
    assert!(
        first.windows(2).all(|w| w[0].item()["timestamp"].as_i64() < w[1].item()["timestamp"].as_i64()),
        "new timestamp"
    );
    let gaps: Vec<_> = first.windows(2).map(|w| w[1].at - w[0].at).collect();
    assert!(gaps[0] >= Duration::from_millis(180), "{gaps:?}");
}

#[tokio::test]
async fn a_slow_answer_is_no_answer() {
    let rig = Rig::with(None, |config| config.webhook_timeout = Duration::from_millis(400)).await;
    rig.answer_after(Duration::from_millis(700));
    rig.say("amal", "one").await;
    rig.wait(2, is_text).await;
    rig.answer_after(Duration::ZERO);
    rig.idle().await;
    let thread = rig.thread("amal").await;
    assert_eq!(thread["wire"][0]["response"], "no answer in time");
    assert_eq!(thread["messages"][0]["progress"], "delivered");
}

#[tokio::test]
async fn one_slow_conversation_does_not_hold_another() {
    let rig = Rig::new().await;
    rig.answer_after(Duration::from_millis(1_500));
    for user in ["a", "b", "c", "d"] {
        rig.say(user, "hi").await;
    }
    let hooks = rig.wait(4, is_text).await;
    let spread = hooks[3].at - hooks[0].at;
    assert!(spread < Duration::from_millis(1_400), "delivered one after the other: {spread:?}");
}

#[tokio::test]
async fn echoes_deliveries_and_reads() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.idle().await;
    let (_, sent) = rig.send(&psid, json!({"text": "hello", "metadata": "receipt-7"})).await;
    let echo = rig.wait(1, is_echo).await.remove(0);
    let message = &echo.item()["message"];
    assert_eq!((&echo.item()["sender"]["id"], &echo.item()["recipient"]["id"]), (&json!(PAGE), &json!(psid)));
    assert_eq!(message["mid"], sent["message_id"]);
    assert_eq!(message["metadata"], "receipt-7");
    assert_eq!(message["app_id"].to_string(), APP_ID, "a number");
    assert_eq!(rig.thread("amal").await["messages"][1]["progress"], "sent", "nobody looks");

    assert_eq!(rig.post("/control/users/amal/read", json!({"page": PAGE})).await["read"], 1);
    let delivery = rig.wait(1, |i| i["delivery"].is_object()).await.remove(0);
    assert_eq!(delivery.item()["delivery"]["mids"], json!([sent["message_id"]]));
    let read = rig.wait(1, |i| i["read"].is_object()).await.remove(0);
    assert_eq!(read.item()["read"]["watermark"], delivery.item()["delivery"]["watermark"]);
    assert_eq!(rig.post("/control/users/amal/read", json!({"page": PAGE})).await["read"], 0, "once");
}

#[tokio::test]
async fn an_open_chat_page_is_a_device() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.send(&psid, json!({"text": "before"})).await;
    let mut stream = rig.client.get(format!("{}/chat/events?user=amal", rig.base)).send().await.unwrap();
    rig.wait(1, |i| i["delivery"].is_object()).await;
    rig.send(&psid, json!({"text": "while open"})).await;
    rig.wait(2, |i| i["delivery"].is_object()).await;
    let mut seen = String::new();
    while !seen.contains("while open") {
        let chunk =
            tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await.unwrap().unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
    drop(stream);
    // The server notices the closed stream at one of the next things it writes.
    let mut progress = String::new();
    for _ in 0..100 {
        rig.send(&psid, json!({"text": "anybody?"})).await;
        let thread = rig.thread("amal").await;
        progress =
            thread["messages"].as_array().unwrap().last().unwrap()["progress"].as_str().unwrap().to_owned();
        if progress == "sent" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(progress, "sent", "a closed page is no device");
}

#[tokio::test]
async fn fault_duplicate_and_drop_echo() {
    let rig = Rig::new().await;
    rig.post("/control/faults", json!({"duplicate": true, "drop_echo": true})).await;
    let psid = rig.say("amal", "hi").await;
    let hooks = rig.wait(2, is_text).await;
    assert_eq!(hooks[0].item()["message"]["mid"], hooks[1].item()["message"]["mid"]);
    assert_ne!(hooks[0].raw, hooks[1].raw, "another timestamp");
    rig.send(&psid, json!({"text": "quiet"})).await;
    rig.idle().await;
    assert!(!rig.hooks().iter().any(|h| is_echo(h.item())));
}

#[tokio::test]
async fn fault_reorder() {
    let rig = Rig::new().await;
    rig.post("/control/faults", json!({"reorder": true})).await;
    rig.say("amal", "one").await;
    rig.say("amal", "two").await;
    let hooks = rig.wait(2, is_text).await;
    let texts: Vec<_> = hooks.iter().map(|h| h.item()["message"]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["two", "one"]);
    assert!(hooks[0].item()["timestamp"].as_i64() >= hooks[1].item()["timestamp"].as_i64());
}

#[tokio::test]
async fn fault_echo_first() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.idle().await;
    rig.post("/control/faults", json!({"echo_first": true})).await;
    rig.answer_after(Duration::from_millis(150));
    let (status, sent) = rig.send(&psid, json!({"text": "hello"})).await;
    assert_eq!(status, 200);
    let hooks = rig.hooks();
    let echo = hooks.iter().find(|h| is_echo(h.item())).expect("the echo came before the answer");
    assert_eq!(echo.item()["message"]["mid"], sent["message_id"]);
}

#[tokio::test]
async fn only_subscribed_fields_are_delivered() {
    let rig = Rig::new().await;
    let (_, body) =
        rig.graph("POST", "me/subscribed_apps", Some(json!({"subscribed_fields": ["messages"]}))).await;
    assert_eq!(body["success"], true);
    let psid = rig.say("amal", "hi").await;
    rig.send(&psid, json!({"text": "no echo"})).await;
    rig.post("/control/users/amal/read", json!({"page": PAGE})).await;
    rig.wait(1, is_text).await;
    rig.idle().await;
    assert_eq!(rig.hooks().len(), 1);
    rig.graph("DELETE", "me/subscribed_apps", None).await;
    rig.say("amal", "anybody?").await;
    rig.idle().await;
    assert_eq!(rig.hooks().len(), 1);
    let thread = rig.thread("amal").await;
    assert_eq!(thread["messages"].as_array().unwrap().last().unwrap()["progress"], "unheard");
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(Some(dir.path().to_owned()), |_| {}).await;
    rig.answer_with(503);
    let psid = rig.say("amal", "before the restart").await;
    rig.wait(1, is_text).await;
    rig.graph("POST", "me/messenger_profile", Some(json!({"get_started": {"payload": "GS"}}))).await;
    // An open chat page does not hold the stop up.
    let open = rig.client.get(format!("{}/chat/events?user=amal", rig.base)).send().await.unwrap();
    rig.stop().await;
    drop(open);

    let rig = Rig::with(Some(dir.path().to_owned()), |_| {}).await;
    let hook = rig.wait(1, is_text).await.remove(0);
    assert_eq!(hook.item()["message"]["text"], "before the restart");
    rig.idle().await;
    let thread = rig.thread("amal").await;
    assert_eq!((&thread["psid"], &thread["messages"][0]["progress"]), (&json!(psid), &json!("delivered")));
    let (_, profile) = rig.graph("GET", "me/messenger_profile?fields=get_started", None).await;
    assert_eq!(profile["data"][0]["get_started"]["payload"], "GS");
    assert_eq!(rig.send(&psid, json!({"text": "still open"})).await.0, 200);
    let seqs: Vec<_> =
        rig.thread("amal").await["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64()).collect();
    assert!(seqs.windows(2).all(|w| w[0] < w[1]), "{seqs:?}");
}
