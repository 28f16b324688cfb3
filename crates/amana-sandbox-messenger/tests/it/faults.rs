//! Every fault switch does what it says, and no more.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{OTHER, PAGE, Rig, TOKEN};

fn error((status, body): &(u16, Value)) -> (u16, Option<u64>, Option<u64>) {
    assert!(body["error"]["fbtrace_id"].is_string(), "{body}");
    (*status, body["error"]["code"].as_u64(), body["error"]["error_subcode"].as_u64())
}

/// A send whose answer may not come; whether it came.
async fn raw_send(rig: &Rig, psid: &str, text: &str) -> bool {
    let url = format!("{}/v26.0/me/messages?access_token={TOKEN}", rig.base);
    let body = json!({"recipient": {"id": psid}, "message": {"text": text}});
    match rig.client.post(url).json(&body).send().await {
        Ok(response) => response.bytes().await.is_ok(),
        Err(_) => false,
    }
}

async fn texts(rig: &Rig) -> Vec<String> {
    let thread = rig.thread("amal").await;
    let messages = thread["messages"].as_array().unwrap();
    messages.iter().filter_map(|m| m["body"]["text"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_call_can_be_lost_before_and_after() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.post("/control/faults", json!({"lose_request_next": 1})).await;
    assert!(!raw_send(&rig, &psid, "lost before").await);
    rig.post("/control/faults", json!({"drop_connection_next": 1})).await;
    assert!(!raw_send(&rig, &psid, "lost after").await);
    rig.post("/control/faults", json!({"sent_error_next": 1})).await;
    let answer = rig.send(&psid, json!({"text": "sent all the same"})).await;
    assert_eq!(error(&answer), (400, Some(1), Some(1_357_046)));
    assert_eq!(answer.1["error"]["is_transient"], true);
    rig.post("/control/faults", json!({"slow_next": {"ms": 300}})).await;
    let started = Instant::now();
    assert_eq!(rig.send(&psid, json!({"text": "late"})).await.0, 200);
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(texts(&rig).await, ["hi", "lost after", "sent all the same", "late"]);
    let echoes = rig.wait(3, |i| i["message"]["is_echo"] == true).await;
    assert_eq!(echoes.len(), 3, "each that was carried out has its echo");
}

#[tokio::test]
async fn throttles_and_their_headers() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let calm = rig.graph_headers("me").await;
    let app: Value = serde_json::from_str(calm["x-app-usage"].to_str().unwrap()).unwrap();
    assert!(app["call_count"].as_u64().unwrap() < 100 && app["total_time"].is_u64(), "{app}");
    for code in [4, 32, 613, 80_006] {
        rig.post("/control/faults", json!({"throttle": {"code": code, "for_s": 120}})).await;
        assert_eq!(error(&rig.send(&psid, json!({"text": "a"})).await), (400, Some(code), None));
        let headers = rig.graph_headers("me").await;
        let of = |name: &str| serde_json::from_str::<Value>(headers[name].to_str().unwrap()).unwrap();
        let (app, page) = (of("x-app-usage"), of("x-business-use-case-usage"));
        assert_eq!(app["call_count"] == 100, code == 4, "{app}");
        let page = &page[PAGE][0];
        assert_eq!(page["type"], "messenger");
        assert_eq!(page["call_count"] == 100, code != 4, "{page}");
        assert_eq!(page["estimated_time_to_regain_access"], if code == 4 { 0 } else { 2 });
        rig.post("/control/clock", json!({"advance_s": 121})).await;
        assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200, "over after its time");
    }
    rig.post("/control/faults", json!({"usage": {"app": 95, "page": 81, "regain_min": 3}})).await;
    let headers = rig.graph_headers("me").await;
    assert!(headers["x-app-usage"].to_str().unwrap().contains("95"));
    assert!(headers["x-business-use-case-usage"].to_str().unwrap().contains("81"));
}

#[tokio::test]
async fn rates_are_counted() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.post("/control/clock", json!({"freeze": true})).await;
    rig.post("/control/settings", json!({"text_per_s": 5, "rate_code": 32})).await;
    for _ in 0..5 {
        assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200);
    }
    assert_eq!(error(&rig.send(&psid, json!({"text": "a"})).await), (400, Some(32), None));
    rig.post("/control/clock", json!({"advance_s": 1})).await;
    assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200);

    for _ in 0..10 {
        assert_eq!(rig.graph("GET", "me/messenger_profile?fields=greeting", None).await.0, 200);
    }
    let over = rig.graph("GET", "me/messenger_profile?fields=greeting", None).await;
    assert_eq!(error(&over), (400, Some(613), None));
    rig.post("/control/clock", json!({"advance_s": 600})).await;
    assert_eq!(rig.graph("GET", "me/messenger_profile?fields=greeting", None).await.0, 200);

    // In a day, for each person who wrote: 200, unless a test says otherwise.
    let until_refused = async || {
        for n in 0.. {
            let answer = rig.graph("GET", "me", None).await;
            if answer.0 != 200 {
                assert_eq!(error(&answer), (400, Some(80_006), None));
                return n;
            }
        }
        0
    };
    rig.post("/control/clock", json!({"advance_s": 86_400})).await;
    rig.say("amal", "hi").await;
    assert_eq!(until_refused().await, 200);
    rig.say("basil", "hi").await;
    assert_eq!(until_refused().await, 200, "one more person");
    rig.post("/control/clock", json!({"advance_s": 86_400})).await;
    rig.post("/control/settings", json!({"calls_per_person": 30})).await;
    assert_eq!(until_refused().await, 30);
    rig.post("/control/settings", json!({"calls_per_person": 0})).await;
    for _ in 0..300 {
        assert_eq!(rig.graph("GET", "me", None).await.0, 200);
    }
}

#[tokio::test]
async fn states_of_person_page_and_token() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let other = rig.say("basil", "hi").await;
    for (reach, wanted) in [
        ("blocked", (400, Some(551), Some(1_545_041))),
        ("unavailable", (400, Some(10), Some(2_018_108))),
        ("gone", (400, Some(100), Some(2_018_001))),
    ] {
        rig.post("/control/users/amal/reach", json!({"page": PAGE, "reach": reach})).await;
        assert_eq!(error(&rig.send(&psid, json!({"text": "a"})).await), wanted);
        assert_eq!(rig.send(&other, json!({"text": "a"})).await.0, 200, "nobody else");
    }
    rig.post("/control/users/amal/reach", json!({"page": PAGE, "reach": "open"})).await;

    rig.post(&format!("/control/pages/{PAGE}"), json!({"restricted": true})).await;
    assert_eq!(error(&rig.send(&psid, json!({"text": "a"})).await), (400, Some(10), Some(1_893_063)));
    let told = rig.wait(1, |i| i["policy_enforcement"]["action"] == "block").await.remove(0);
    assert!(told.item()["sender"].is_null() && told.item()["policy_enforcement"]["reason"].is_string());
    rig.post(&format!("/control/pages/{PAGE}"), json!({"restricted": false})).await;
    rig.wait(1, |i| i["policy_enforcement"]["action"] == "unblock").await;
    assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200);

    for (token, sub) in [("app_removed", 458), ("password_changed", 460), ("expired", 463), ("invalid", 467)]
    {
        rig.post(&format!("/control/pages/{PAGE}"), json!({"token": token})).await;
        assert_eq!(error(&rig.send(&psid, json!({"text": "a"})).await), (400, Some(190), Some(sub)));
    }
    rig.post(&format!("/control/pages/{PAGE}"), json!({"token": "alive"})).await;

    for (scope, path, wanted) in [
        ("pages_messaging", "me/personas", (400, Some(200), Some(2_018_028))),
        ("pages_manage_metadata", "me/subscribed_apps", (400, Some(200), None)),
        ("pages_utility_messaging", "me/message_templates", (400, Some(10), None)),
    ] {
        rig.post(&format!("/control/pages/{PAGE}"), json!({"denied": [scope]})).await;
        assert_eq!(error(&rig.graph("GET", path, None).await), wanted);
        let (_, debug) = rig.graph("GET", &format!("debug_token?input_token={TOKEN}"), None).await;
        assert!(!debug["data"]["scopes"].as_array().unwrap().contains(&json!(scope)));
    }
    rig.post(&format!("/control/pages/{PAGE}"), json!({"denied": []})).await;
    assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200);
    let url = format!("{}/control/pages/{PAGE}", rig.base);
    let unknown = rig.client.post(url).json(&json!({"colour": "red"})).send().await.unwrap();
    assert_eq!(unknown.status(), 422);
}

#[tokio::test]
async fn events_come_batched() {
    let rig = Rig::new().await;
    rig.post("/control/faults", json!({"batch": 10})).await;
    rig.answer_after(Duration::from_millis(100));
    let users = ["a", "b", "c", "d", "e", "f"];
    for user in users {
        rig.say(user, user).await;
        rig.post(&format!("/control/users/{user}/say"), json!({"page": OTHER, "text": user})).await;
    }
    rig.idle().await;
    let hooks = rig.hooks();
    let mut seen = Vec::new();
    for hook in &hooks {
        let entries = hook.json["entry"].as_array().unwrap();
        for entry in entries {
            let items = entry["messaging"].as_array().unwrap();
            for item in items {
                assert_eq!(item["recipient"]["id"], entry["id"]);
                seen.push((entry["id"].to_string(), item["message"]["text"].to_string()));
            }
        }
    }
    assert_eq!(seen.len(), 12, "each once: {seen:?}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 12);
    assert!(hooks.len() < 12, "in fewer webhooks: {}", hooks.len());
}

#[tokio::test]
async fn a_lost_answer_brings_the_event_again() {
    let rig = Rig::new().await;
    rig.post("/control/faults", json!({"lose_answer_next": 1})).await;
    rig.say("amal", "hi").await;
    let hooks = rig.wait(2, |i| i["message"]["text"] == "hi").await;
    assert_eq!(hooks[0].item()["message"]["mid"], hooks[1].item()["message"]["mid"]);
    assert_ne!(hooks[0].item()["timestamp"], hooks[1].item()["timestamp"]);
    rig.idle().await;
    assert_eq!(rig.thread("amal").await["messages"][0]["progress"], "delivered");
}

#[tokio::test]
async fn loose_types_and_the_disputed_escape() {
    let rig = Rig::new().await;
    rig.post("/control/faults", json!({"loose_types": true})).await;
    rig.post("/control/settings", json!({"escape_at": true})).await;
    let psid = rig.say("amal", "a@b <c> 5%").await;
    let hook = rig.wait(1, |i| i["message"]["text"] == "a@b <c> 5%").await.remove(0);
    assert!(String::from_utf8_lossy(&hook.raw).contains(r"a\u0040b \u003cc> 5\u0025"));
    assert_eq!(hook.item()["sender"]["id"].to_string(), psid, "a number");
    let tap = json!({"page": PAGE, "kind": "postback", "payload": "P", "title": "T"});
    rig.post("/control/users/amal/tap", tap).await;
    let hook = rig.wait(1, |i| i["postback"].is_object()).await.remove(0);
    assert_eq!(hook.item()["timestamp"].as_str().unwrap().len(), 10, "seconds in a string");
}

#[tokio::test]
async fn switches_that_cannot_be_are_refused() {
    let rig = Rig::new().await;
    for (path, body) in [
        ("faults", json!({"throttle": {"code": 5, "for_s": 1}})),
        ("faults", json!({"delay_ms": 60_001})),
        ("faults", json!({"batch": 1_001})),
        ("faults", json!({"media_error": 1})),
        ("settings", json!({"window_subcode": 1})),
        ("settings", json!({"colour": 1})),
        ("settings", json!([1])),
        ("chaos", json!({"seed": 1, "duplicate": 1_001})),
        ("chaos", json!({"seed": 1, "explode": 1})),
        ("webhook", json!({"page": "9", "field": "messages", "item": {}})),
        ("webhook", json!({"page": PAGE, "field": "mesages", "item": {}})),
        ("webhook", json!({"page": PAGE, "field": "messages"})),
    ] {
        let url = format!("{}/control/{path}", rig.base);
        let answer = rig.client.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{path} {body}");
        let said: Value = answer.json().await.unwrap();
        assert!(said["error"].is_string(), "{path} {body} {said}");
    }
}

/// Goal: a throttle of one page leaves others alone, and the app's own does not; what a person is shown of an error is
/// there; a person can be in a flow of Messenger's own, or have been sent too much; the tag of a human needs its
/// review.
#[tokio::test]
async fn less_common_refusals_can_be_switched_on() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let send = async |extra: Value| {
        let mut body =
            json!({"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": {"text": "hello"}});
        if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
            body.extend(extra);
        }
        let (status, answer) = rig.graph("POST", "me/messages", Some(body)).await;
        (status, answer["error"].clone())
    };
    let plain = || json!({});
    rig.post("/control/faults", json!({"throttle": {"code": 613, "for_s": 60, "page": "another"}})).await;
    assert_eq!(send(plain()).await.0, 200);
    rig.post("/control/faults", json!({"throttle": {"code": 613, "for_s": 60, "page": PAGE}})).await;
    assert_eq!(send(plain()).await.1["code"], 613);
    rig.post("/control/faults", json!({"throttle": {"code": 4, "for_s": 60, "page": "another"}})).await;
    assert_eq!(send(plain()).await.1["code"], 4, "the app's, so every page's");
    rig.post("/control/faults", json!({"throttle": null})).await;

    for (reach, code, sub) in
        [("automated", 10, 2_018_321), ("flooded", 613, 2_018_338), ("blocked", 551, 1_545_041)]
    {
        rig.post("/control/users/amal/reach", json!({"page": PAGE, "reach": reach})).await;
        let (status, error) = send(plain()).await;
        assert_eq!(
            (status, &error["code"], &error["error_subcode"]),
            (400, &json!(code), &json!(sub)),
            "{error}"
        );
        assert!(error["fbtrace_id"].is_string() && error["type"] == "OAuthException", "{error}");
        assert_eq!(error["error_user_msg"].is_string(), reach == "blocked", "{error}");
        assert_eq!(error["error_user_title"].is_string(), reach == "blocked", "{error}");
    }
    rig.post("/control/users/amal/reach", json!({"page": PAGE, "reach": "open"})).await;

    let human = || json!({"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"});
    assert_eq!(send(human()).await.0, 200);
    rig.post(&format!("/control/pages/{PAGE}"), json!({"denied": ["human_agent"]})).await;
    let (_, error) = send(human()).await;
    assert!(error["message"].as_str().is_some_and(|text| text.contains("human_agent")), "{error}");
    assert_eq!(send(plain()).await.0, 200, "nothing else needs it");
}
