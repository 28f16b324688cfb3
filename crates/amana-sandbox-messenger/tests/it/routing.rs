//! Conversation Routing: owners, standby, expiry, the Page Inbox.

use serde_json::{Value, json};

use crate::support::{APP_ID, PAGE, Rig};

const INBOX: &str = "263902037430900";

fn error((_, body): &(u16, Value)) -> (Option<u64>, Option<u64>) {
    (body["error"]["code"].as_u64(), body["error"]["error_subcode"].as_u64())
}

async fn control(rig: &Rig, edge: &str, psid: &str, more: Value) -> (u16, Value) {
    let mut body = json!({"recipient": {"id": psid}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.graph("POST", &format!("me/{edge}_thread_control"), Some(body)).await
}

async fn owner(rig: &Rig, psid: &str) -> Value {
    let (_, body) = rig.graph("GET", &format!("me/thread_owner?recipient={psid}"), None).await;
    body["data"][0]["thread_owner"]["app_id"].clone()
}

/// Goal: without a default app everybody may send, take is (#27), release and request and an active pass are (#100).
#[tokio::test]
async fn zero_config() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let target = json!({"target_app_id": INBOX});
    assert_eq!(error(&control(&rig, "take", &psid, json!({})).await), (Some(27), None));
    assert_eq!(error(&control(&rig, "pass", &psid, target.clone()).await), (Some(100), None));
    assert_eq!(error(&control(&rig, "release", &psid, json!({})).await), (Some(100), None));
    assert_eq!(error(&control(&rig, "request", &psid, json!({})).await), (Some(100), None));
    rig.post("/control/clock", json!({"advance_s": 25 * 3_600})).await;
    assert_eq!(owner(&rig, &psid).await, Value::Null, "idle");
    assert_eq!(control(&rig, "pass", &psid, target).await.1, json!({"success": true}), "allowed when idle");
    assert_eq!(owner(&rig, &psid).await, INBOX);
}

/// Goal: pass, standby, take back, extend, expiry, release, in Meta's words and with numbers for app ids.
#[tokio::test]
async fn a_default_app_hands_over_and_takes_back() {
    let rig = Rig::new().await;
    rig.post(&format!("/control/pages/{PAGE}"), json!({"default_app": APP_ID})).await;
    let psid = rig.say("amal", "hi").await;
    assert_eq!(owner(&rig, &psid).await, APP_ID);
    let wrong = control(&rig, "pass", &psid, json!({"target_app_id": 4_242})).await;
    assert_eq!(error(&wrong), (Some(100), Some(2_018_164)));
    // messaging-api-messenger sends a number.
    let target = json!({"target_app_id": 263_902_037_430_900_u64, "metadata": "why"});
    assert_eq!(control(&rig, "pass", &psid, target).await.1, json!({"success": true}));
    let event = rig.wait(1, |i| i["pass_thread_control"].is_object()).await.remove(0);
    let body = &event.item()["pass_thread_control"];
    assert_eq!(body["new_owner_app_id"].to_string(), INBOX, "a number");
    assert_eq!(body["previous_owner_app_id"].to_string(), APP_ID);
    assert_eq!(body["metadata"], "why");

    let refused = rig.send(&psid, json!({"text": "mine?"})).await;
    assert_eq!(error(&refused), (Some(10), Some(2_018_300)));
    assert_eq!(
        error(&control(&rig, "pass", &psid, json!({"target_app_id": APP_ID})).await),
        (Some(100), Some(2_534_037))
    );
    assert_eq!(
        error(&control(&rig, "extend", &psid, json!({"duration": 60})).await),
        (Some(100), Some(2_534_037))
    );
    let before = rig.hooks().len();
    rig.post("/control/users/amal/say", json!({"page": PAGE, "text": "to a human"})).await;
    let tap = json!({"page": PAGE, "kind": "postback", "payload": "SECRET", "title": "T"});
    rig.post("/control/users/amal/tap", tap).await;
    rig.idle().await;
    let standby: Vec<_> =
        rig.hooks().split_off(before).into_iter().map(|h| h.json["entry"][0]["standby"][0].clone()).collect();
    assert_eq!(standby[0]["message"]["text"], "to a human");
    assert_eq!(standby[1]["postback"]["title"], "T");
    assert!(standby[1]["postback"]["payload"].is_null(), "no payload in standby");

    assert_eq!(control(&rig, "take", &psid, json!({})).await.1, json!({"success": true}));
    let event = rig.wait(1, |i| i["take_thread_control"].is_object()).await.remove(0);
    assert_eq!(event.item()["take_thread_control"]["previous_owner_app_id"].to_string(), INBOX);
    assert_eq!(rig.send(&psid, json!({"text": "mine"})).await.0, 200);

    assert_eq!(
        error(&control(&rig, "extend", &psid, json!({"duration": 8 * 86_400})).await),
        (Some(100), None)
    );
    assert_eq!(control(&rig, "extend", &psid, json!({"duration": 3 * 86_400})).await.0, 200);
    rig.post("/control/clock", json!({"advance_s": 2 * 86_400})).await;
    assert_eq!(owner(&rig, &psid).await, APP_ID, "extended");
    rig.post("/control/clock", json!({"advance_s": 2 * 86_400})).await;
    assert_eq!(owner(&rig, &psid).await, Value::Null, "over");

    rig.say("amal", "again").await;
    assert_eq!(control(&rig, "release", &psid, json!({})).await.0, 200);
    assert_eq!(owner(&rig, &psid).await, Value::Null, "idle");
    assert_eq!(rig.send(&psid, json!({"text": "default app"})).await.0, 200, "may send when idle");
}

/// Goal: what the page sends keeps no thread: a bot that writes every day, and hears nothing, loses it.
#[tokio::test]
async fn what_the_page_sends_keeps_no_thread() {
    let rig = Rig::new().await;
    rig.post(&format!("/control/pages/{PAGE}"), json!({"default_app": APP_ID})).await;
    let psid = rig.say("amal", "hi").await;
    rig.post("/control/clock", json!({"advance_s": 23 * 3_600})).await;
    assert_eq!(rig.send(&psid, json!({"text": "still there?"})).await.0, 200);
    assert_eq!(owner(&rig, &psid).await, APP_ID);
    rig.post("/control/clock", json!({"advance_s": 2 * 3_600})).await;
    assert_eq!(owner(&rig, &psid).await, Value::Null, "idle: the person said nothing for a day");
    // What the person says does.
    rig.say("amal", "yes").await;
    rig.post("/control/clock", json!({"advance_s": 23 * 3_600})).await;
    rig.say("amal", "and again").await;
    rig.post("/control/clock", json!({"advance_s": 23 * 3_600})).await;
    assert_eq!(owner(&rig, &psid).await, APP_ID);
}

/// Goal: an advertisement gives its app the thread for as long as it says, at most 30 days, whoever is silent.
#[tokio::test]
async fn an_advertisement_gives_the_thread_for_thirty_days() {
    let rig = Rig::new().await;
    rig.post(&format!("/control/pages/{PAGE}"), json!({"default_app": INBOX})).await;
    let ad = async |seconds: i64| {
        let act = json!({"kind": "ad_message", "page": PAGE, "text": "hi", "ad_id": "7", "receiving_app": APP_ID,
            "receiving_app_control_expiration": seconds});
        rig.post("/control/users/amal/act", act).await
    };
    assert!(
        ad(30 * 86_400 + 1).await["error"].as_str().unwrap().contains("receiving_app_control_expiration")
    );
    assert!(ad(30 * 86_400).await["error"].is_null());
    let psid = rig.psid("amal").await;
    let seen = async || rig.get(&format!("/control/threads/{PAGE}/amal")).await["owner"].clone();
    rig.post("/control/clock", json!({"advance_s": 30 * 86_400 - 60})).await;
    assert_eq!(owner(&rig, &psid).await, APP_ID, "{}", seen().await);
    rig.post("/control/clock", json!({"advance_s": 120})).await;
    assert_eq!(owner(&rig, &psid).await, Value::Null);
}

/// Goal: a human's answer takes the thread, and nobody gives it back by itself.
#[tokio::test]
async fn the_inbox_takes_over() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "a human please").await;
    let answer = json!({"do": "reply", "page": PAGE, "text": "Hello, Lina here"});
    assert!(rig.post("/control/users/amal/inbox", answer).await["mid"].is_string());
    let take = rig.wait(1, |i| i["take_thread_control"].is_object()).await.remove(0);
    assert_eq!(take.item()["take_thread_control"]["new_owner_app_id"].to_string(), INBOX);
    rig.idle().await;
    let hooks = rig.hooks();
    let echo = hooks.iter().find_map(|h| h.json["entry"][0]["standby"][0]["message"].as_object()).unwrap();
    assert_eq!((echo["is_echo"].clone(), echo["app_id"].to_string()), (json!(true), INBOX.to_owned()));
    assert_eq!(error(&rig.send(&psid, json!({"text": "me too"})).await), (Some(10), Some(2_018_300)));
    rig.post("/control/users/amal/inbox", json!({"do": "pass", "page": PAGE, "metadata": "done"})).await;
    let ours: u64 = APP_ID.parse().unwrap();
    rig.wait(1, |i| i["pass_thread_control"]["new_owner_app_id"] == ours).await;
    assert_eq!(rig.send(&psid, json!({"text": "back"})).await.0, 200);
    rig.post("/control/users/amal/inbox", json!({"do": "take", "page": PAGE})).await;
    rig.post("/control/users/amal/inbox", json!({"do": "done", "page": PAGE})).await;
    assert_eq!(rig.send(&psid, json!({"text": "idle again"})).await.0, 200);
}

/// Goal: another default app owns the thread; it can ask us for it; a send can pass it with itself.
#[tokio::test]
async fn other_apps_and_atomic_control() {
    let rig = Rig::new().await;
    let pages = format!("/control/pages/{PAGE}");
    rig.post(&pages, json!({"default_app": APP_ID, "apps": ["4242"]})).await;
    let psid = rig.say("amal", "hi").await;
    rig.post("/control/users/amal/inbox", json!({"do": "request", "page": PAGE, "app": "4242"})).await;
    let asked = rig.wait(1, |i| i["request_thread_control"].is_object()).await.remove(0);
    assert_eq!(asked.item()["request_thread_control"]["requested_owner_app_id"], 4_242);
    let body = json!({"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": {"text": "over to you"},
        "thread_control": {"control_type": "pass", "app_id": "4242"}});
    assert_eq!(rig.graph("POST", "me/messages", Some(body)).await.0, 200);
    assert_eq!(owner(&rig, &psid).await, "4242");
    let nonsense =
        json!({"recipient": {"id": psid}, "message": {"text": "x"}, "thread_control": {"control_type": "y"}});
    assert_eq!(rig.graph("POST", "me/messages", Some(nonsense)).await.0, 400);

    rig.post(&pages, json!({"default_app": "4242"})).await;
    let other = rig.say("basil", "hi").await;
    assert_eq!(error(&rig.send(&other, json!({"text": "a"})).await), (Some(10), Some(2_018_300)));
    assert_eq!(error(&control(&rig, "take", &other, json!({})).await), (Some(100), None));
    assert_eq!(control(&rig, "request", &other, json!({"metadata": "please"})).await.0, 200);
    assert_eq!(owner(&rig, &other).await, Value::Null, "the id is only for the owner and the default app");
}
