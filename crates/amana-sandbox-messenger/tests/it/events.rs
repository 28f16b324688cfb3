//! Every other kind of event that a person causes, and events of any kind.

use serde_json::{Value, json};

use crate::support::{PAGE, Rig};

async fn act(rig: &Rig, body: Value) -> Value {
    rig.post("/control/users/amal/act", body).await
}

#[tokio::test]
async fn what_a_person_can_do() {
    let rig = Rig::new().await;
    rig.say("amal", "hi").await;
    let mid = rig.thread("amal").await["messages"][0]["mid"].clone();
    act(&rig, json!({"kind": "attachment", "page": PAGE, "type": "image", "url": "https://x.example/a.png"}))
        .await;
    rig.wait(1, |i| i["message"]["attachments"][0]["payload"]["url"] == "https://x.example/a.png").await;
    act(&rig, json!({"kind": "sticker", "page": PAGE, "sticker_id": 369_239_263_222_822_u64})).await;
    rig.wait(1, |i| i["message"]["attachments"][0]["type"] == "sticker").await;
    act(&rig, json!({"kind": "reply", "page": PAGE, "mid": mid, "text": "as I said"})).await;
    let reply = rig.wait(1, |i| i["message"]["reply_to"].is_object()).await.remove(0);
    assert_eq!(reply.item()["message"]["reply_to"], json!({"mid": mid, "is_self_reply": true}));
    let reaction =
        json!({"kind": "reaction", "page": PAGE, "mid": mid, "reaction": "love", "emoji": "\u{2764}"});
    act(&rig, reaction).await;
    let got = rig.wait(1, |i| i["reaction"].is_object()).await.remove(0);
    assert_eq!(got.item()["reaction"]["action"], "react");
    for n in 1..=5 {
        act(&rig, json!({"kind": "edit", "page": PAGE, "mid": mid, "text": format!("hi {n}")})).await;
    }
    let edits = rig.wait(5, |i| i["message_edit"].is_object()).await;
    assert_eq!(edits[4].item()["message_edit"]["num_edit"], 5);
    let sixth = act(&rig, json!({"kind": "edit", "page": PAGE, "mid": mid, "text": "hi 6"})).await;
    assert!(sixth["error"].as_str().unwrap().contains("edited"), "{sixth}");
    act(&rig, json!({"kind": "unsend", "page": PAGE, "mid": mid})).await;
    let gone = rig.wait(1, |i| i["message"]["is_deleted"] == true).await.remove(0);
    assert_eq!(gone.item()["message"]["mid"], mid);
    assert!(rig.thread("amal").await["messages"][0]["body"]["text"].is_null(), "the text is gone here too");
    act(&rig, json!({"kind": "unsupported", "page": PAGE})).await;
    rig.wait(1, |i| i["message"]["is_unsupported"] == true).await;
    act(&rig, json!({"kind": "referral", "page": PAGE, "ref": "poster"})).await;
    rig.wait(1, |i| i["referral"]["ref"] == "poster").await;
    let missing = act(&rig, json!({"kind": "unsend", "page": PAGE, "mid": "m_x"})).await;
    assert!(missing["error"].is_string());
}

/// Goal: a message after an advertisement keeps the window open for longer.
#[tokio::test]
async fn an_advertisement_opens_a_longer_window() {
    let rig = Rig::new().await;
    let body = json!({"kind": "ad_message", "page": PAGE, "text": "hi", "ad_id": "77"});
    rig.post("/control/users/amal/act", body).await;
    let hook = rig.wait(1, |i| i["message"]["referral"].is_object()).await.remove(0);
    assert_eq!(hook.item()["message"]["referral"]["ad_id"], "77");
    let psid = rig.psid("amal").await;
    rig.post("/control/clock", json!({"advance_s": 6 * 86_400})).await;
    assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200);
    rig.post("/control/clock", json!({"advance_s": 86_400 + 60})).await;
    let (_, body) = rig.send(&psid, json!({"text": "a"})).await;
    assert_eq!(body["error"]["error_subcode"], 2_018_278);
    rig.post("/control/settings", json!({"window_subcode": 2_534_022})).await;
    let (_, body) = rig.send(&psid, json!({"text": "a"})).await;
    assert_eq!(body["error"]["error_subcode"], 2_534_022);
}

/// Goal: any event goes out as it is, in `messaging` or in `changes`, with or without a person.
#[tokio::test]
async fn raw_events() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let item = json!({"something_new": {"x": [1]}});
    let body = json!({"page": PAGE, "user": "amal", "field": "messages", "item": item});
    assert_eq!(rig.post("/control/webhook", body).await["queued"], true);
    let hook = rig.wait(1, |i| i["something_new"].is_object()).await.remove(0);
    assert_eq!((&hook.item()["sender"]["id"], &hook.item()["recipient"]["id"]), (&json!(psid), &json!(PAGE)));
    let body = json!({"page": PAGE, "field": "message_template_status_update", "value": {"event": "PAUSED"}});
    assert_eq!(rig.post("/control/webhook", body).await["queued"], true);
    rig.idle().await;
    let hooks = rig.hooks();
    let change = &hooks.last().unwrap().json["entry"][0]["changes"][0];
    assert_eq!(
        (&change["field"], &change["value"]["event"]),
        (&json!("message_template_status_update"), &json!("PAUSED"))
    );
    let body = json!({"page": PAGE, "field": "feed", "value": {}});
    assert_eq!(rig.post("/control/webhook", body).await["queued"], false, "not subscribed");
}

/// Goal: the event log says what was sent, how it was answered and how often it was tried.
#[tokio::test]
async fn the_log_shows_attempts() {
    let rig = Rig::new().await;
    rig.answer_with(503);
    let psid = rig.say("amal", "hi").await;
    rig.until("/control/webhooks", |w| w["attempts_failed"].as_u64() >= Some(2)).await;
    rig.answer_with(200);
    rig.idle().await;
    rig.send(&psid, json!({"text": ""})).await;
    let log = rig.get("/control/log").await;
    let lines = log.as_array().unwrap();
    let attempts: Vec<_> = lines
        .iter()
        .filter(|l| l["kind"] == "webhook" && l["title"] == "messages")
        .map(|l| (l["attempt"].as_u64().unwrap(), l["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(attempts[..2], [(1, 503), (2, 503)]);
    assert_eq!(attempts.last().unwrap().1, 200);
    let refused = lines.iter().find(|l| l["kind"] == "call" && l["status"] == 400).unwrap();
    assert!(refused["note"].as_str().unwrap().starts_with("100: "), "{refused}");
    let n = refused["n"].as_u64().unwrap();
    assert_eq!(rig.get(&format!("/control/log?after={n}")).await, json!([]));
}

/// Goal: the Conversations API gives what webhooks do not repeat: ids of all, details of the newest twenty.
#[tokio::test]
async fn conversations() {
    let rig = Rig::new().await;
    rig.post("/control/settings", json!({"conversations_per_s": 0})).await;
    let psid = rig.say("amal", "first").await;
    let first = rig.thread("amal").await["messages"][0]["mid"].as_str().unwrap().to_owned();
    for i in 0..20 {
        rig.send(&psid, json!({"text": format!("answer {i}")})).await;
    }
    // What has buttons or lines is shown as a generic template, and has no words of its own.
    let button = json!({"type": "postback", "title": "Details", "payload": "v1:more"});
    let payload = json!({"template_type": "button", "text": "You paid", "buttons": [button]});
    let template = json!({"attachment": {"type": "template", "payload": payload}});
    let (_, sent) = rig.send(&psid, template).await;
    let card = sent["message_id"].as_str().unwrap();
    let (_, card) = rig.graph("GET", &format!("{card}?fields=message,attachments"), None).await;
    let cta = json!([{"title": "Details", "type": "postback"}]);
    assert_eq!(card["message"], "");
    assert_eq!(card["attachments"]["data"][0]["generic_template"], json!({"title": "You paid", "cta": cta}));
    rig.send(&psid, json!({"text": "answer 20"})).await;
    let (_, list) =
        rig.graph("GET", &format!("me/conversations?platform=messenger&user_id={psid}"), None).await;
    let id = list["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list["data"][0]["is_owner"], true);
    let (_, thread) = rig.graph("GET", &format!("{id}?fields=messages"), None).await;
    let mids: Vec<_> =
        thread["messages"]["data"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!((mids.len(), mids.last().unwrap().as_str()), (23, Some(first.as_str())));
    let newest = mids[0].as_str().unwrap();
    let (_, message) = rig.graph("GET", &format!("{newest}?fields=message,from"), None).await;
    assert_eq!((&message["message"], &message["from"]["id"]), (&json!("answer 20"), &json!(PAGE)));
    let (status, old) = rig.graph("GET", &format!("{first}?fields=message"), None).await;
    assert!(status == 400 && old["error"]["message"].as_str().unwrap().contains("20 most recent"), "{old}");
    // Page by page, in both directions, until nothing is named beside; details of the newest twenty all the same.
    let read = async |query: String| {
        rig.graph("GET", &format!("{id}/messages?fields=message,created_time{query}"), None).await
    };
    let (_, one) = read("&limit=19".to_owned()).await;
    assert_eq!((one["data"].as_array().unwrap().len(), &one["paging"]["previous"]), (19, &Value::Null));
    let after = one["paging"]["cursors"]["after"].as_str().unwrap();
    let next = one["paging"]["next"].as_str().unwrap();
    assert!(next.contains(&format!("/{id}/messages?")) && next.contains(after), "{next}");
    let (_, two) = read(format!("&limit=19&after={after}")).await;
    let rest: Vec<_> = two["data"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!((rest.as_slice(), &two["paging"]["next"]), (&mids[19..], &Value::Null), "the last page");
    assert_eq!((&two["data"][0]["message"], &two["data"][1]["message"]), (&json!("answer 2"), &Value::Null));
    let before = two["paging"]["cursors"]["before"].as_str().unwrap();
    let (_, back) = read(format!("&limit=19&before={before}")).await;
    assert_eq!(back["data"], one["data"]);
    let last = two["paging"]["cursors"]["after"].as_str().unwrap();
    assert_eq!(read(format!("&after={last}")).await.1, json!({"data": []}));
    assert_eq!(read("&after=x".to_owned()).await.0, 400);
    rig.post("/control/settings", json!({"conversations_per_s": 2})).await;
    rig.post("/control/clock", json!({"freeze": true})).await;
    let mut last = 0;
    for _ in 0..3 {
        last = rig.graph("GET", "me/conversations", None).await.0;
    }
    assert_eq!(last, 400, "two in a second");
}

/// Goal: each act of the person's that opens the window does, and nothing else.
#[tokio::test]
async fn what_opens_the_window_and_what_does_not() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let own = rig.thread("amal").await["messages"][0]["mid"].clone();
    let (_, sent) = rig.send(&psid, json!({"text": "hello"})).await;
    let mid = sent["message_id"].clone();
    let of = |kind: &str, more: Value| {
        let mut body = json!({"kind": kind, "page": PAGE});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let tap = |kind: &str| of(kind, json!({"payload": "P", "title": "t"}));
    let attachment = json!({"type": "image", "url": "https://x.example/i.png"});
    let react = |un: bool| json!({"mid": mid, "reaction": "love", "emoji": "x", "unreact": un});
    let cases = [
        ("say", json!({"page": PAGE, "text": "again"}), true),
        ("tap", tap("postback"), true),
        ("tap", tap("quick_reply"), true),
        ("tap", tap("get_started"), true),
        ("tap", tap("menu"), true),
        ("act", of("attachment", attachment), true),
        ("act", of("sticker", json!({"sticker_id": 369_239_263_222_822_u64})), true),
        ("act", of("reply", json!({"mid": mid, "text": "to this"})), true),
        ("act", of("reaction", react(false)), true),
        ("act", of("unsupported", json!({})), true),
        ("act", of("referral", json!({"ref": "r"})), true),
        ("act", of("optin", json!({"ref": "r"})), false),
        ("act", of("optin", json!({"ref": "r", "user_ref": "U"})), false),
        ("act", of("comment", json!({"text": "nice"})), false),
        ("act", of("post", json!({"text": "nice"})), false),
        ("act", of("reaction", react(true)), false),
        ("act", of("edit", json!({"mid": own, "text": "hi!"})), false),
        ("act", of("unsend", json!({"mid": own})), false),
        ("act", of("feedback", json!({"mid": mid, "good": true})), false),
        ("read", json!({"page": PAGE}), false),
        // The last one: its window is longer.
        ("act", of("ad_message", json!({"text": "from the ad", "ad_id": "6"})), true),
    ];
    for (call, body, opens) in cases {
        rig.post("/control/clock", json!({"advance_s": 86_400})).await;
        assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 400, "closed before {body}");
        let done = rig.post(&format!("/control/users/amal/{call}"), body.clone()).await;
        assert!(done["error"].is_null(), "{body}: {done}");
        let (status, answer) = rig.send(&psid, json!({"text": "a"})).await;
        assert_eq!(status, if opens { 200 } else { 400 }, "{call} {body}: {answer}");
    }
}

/// Goal: with the setting that takes the other reading, what is said in public opens the window, also for who never
/// wrote.
#[tokio::test]
async fn a_comment_and_a_visitors_post_open_the_window_where_the_setting_says_so() {
    let rig = Rig::new().await;
    for kind in ["comment", "post"] {
        let user = format!("who-{kind}s");
        let says = async || {
            let body = json!({"page": PAGE, "kind": kind, "text": "when do you open?"});
            let said = rig.post(&format!("/control/users/{user}/act"), body).await;
            assert!(said["mid"].is_string(), "{said}");
        };
        let status = async || {
            let psid = rig.psid(&user).await;
            rig.send(&psid, json!({"text": "at nine"})).await.0
        };
        rig.post("/control/settings", json!({"comment_opens": false})).await;
        says().await;
        assert_eq!(status().await, 400, "{kind}: the default");
        rig.post("/control/settings", json!({"comment_opens": true})).await;
        assert_eq!(status().await, 400, "{kind}: what was before opens nothing");
        says().await;
        assert_eq!(status().await, 200, "{kind}");
        rig.post("/control/clock", json!({"advance_s": 86_460})).await;
        assert_eq!(status().await, 400, "{kind}: a day later");
    }
}
