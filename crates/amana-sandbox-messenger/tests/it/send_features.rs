//! Personas, media, the less common templates, answers to a message, reactions, own menus.

use serde_json::{Value, json};

use crate::support::{PAGE, Rig, TOKEN};

fn code((status, body): &(u16, Value)) -> (Option<u64>, Option<u64>) {
    assert_eq!(*status, 400, "{body}");
    (body["error"]["code"].as_u64(), body["error"]["error_subcode"].as_u64())
}

#[tokio::test]
async fn personas() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let picture = "https://bank.example/lina.png";
    let new = |name: &str| Some(json!({"name": name, "profile_picture_url": picture}));
    assert_eq!(code(&rig.graph("POST", "me/personas", new(&"x".repeat(51))).await), (Some(100), None));
    assert_eq!(code(&rig.graph("POST", "me/personas", Some(json!({"name": "x"}))).await), (Some(100), None));
    let (_, made) = rig.graph("POST", "me/personas", new("Lina")).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let (_, read) = rig.graph("GET", &id, None).await;
    assert_eq!(read, json!({"id": id, "name": "Lina", "profile_picture_url": picture}));
    let send = |persona: &str| {
        Some(json!({"recipient": {"id": psid}, "message": {"text": "I am Lina"}, "persona_id": persona}))
    };
    assert_eq!(rig.graph("POST", "me/messages", send(&id)).await.0, 200);
    let typing = json!({"recipient": {"id": psid}, "sender_action": "typing_on", "persona_id": id});
    assert_eq!(rig.graph("POST", "me/messages", Some(typing)).await.0, 200);
    let thread = rig.thread("amal").await;
    assert_eq!(thread["messages"][1]["body"]["persona"]["name"], "Lina");
    assert_eq!(code(&rig.graph("POST", "me/messages", send("77")).await), (Some(100), None));
    assert_eq!(rig.graph("DELETE", &id, None).await.1, json!({"success": true}));
    assert_eq!(code(&rig.graph("POST", "me/messages", send(&id)).await), (Some(100), None));
    assert_eq!(rig.graph("GET", "me/personas", None).await.1["data"], json!([]));
    assert_eq!(rig.thread("amal").await["messages"][1]["body"]["persona"]["name"], "Lina", "soft");
}

#[tokio::test]
async fn media_by_address_and_by_id() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let by = |payload: Value| json!({"attachment": {"type": "image", "payload": payload}});
    let url = "https://bank.example/card.png";
    let (_, plain) = rig.send(&psid, by(json!({"url": url}))).await;
    assert!(plain["message_id"].is_string() && plain["attachment_id"].is_null());
    let (_, saved) = rig.send(&psid, by(json!({"url": url, "is_reusable": true}))).await;
    let id = saved["attachment_id"].as_str().unwrap().to_owned();
    assert_eq!(rig.send(&psid, by(json!({"attachment_id": id}))).await.0, 200);
    let upload = json!({"message": by(json!({"url": url, "is_reusable": true}))});
    assert!(rig.graph("POST", "me/message_attachments", Some(upload)).await.1["attachment_id"].is_string());
    let echo = rig.wait(1, |i| i["message"]["attachments"][0]["type"] == "image").await.remove(0);
    assert_eq!(echo.item()["message"]["attachments"][0]["payload"]["url"], url);
    let both = by(json!({"url": url, "attachment_id": id}));
    assert_eq!(code(&rig.send(&psid, both).await), (Some(100), None));
    let as_video = json!({"attachment": {"type": "video", "payload": {"attachment_id": id}}});
    assert_eq!(code(&rig.send(&psid, as_video).await), (Some(100), Some(2_018_074)));
    for sub in [2_018_008, 2_018_047, 2_018_109, 2_018_294] {
        rig.post("/control/faults", json!({"media_error": sub})).await;
        assert_eq!(code(&rig.send(&psid, by(json!({"url": url}))).await), (Some(100), Some(sub)));
    }
    rig.post("/control/faults", json!({"media_error": null})).await;
    rig.post("/control/clock", json!({"advance_s": 91 * 86_400})).await;
    rig.say("amal", "later").await;
    assert_eq!(code(&rig.send(&psid, by(json!({"attachment_id": id}))).await), (Some(100), Some(2_018_074)));
    let images =
        |n: usize| json!({"attachments": vec![json!({"type": "image", "payload": {"url": url}}); n]});
    assert_eq!(rig.send(&psid, images(30)).await.0, 200);
    assert_eq!(code(&rig.send(&psid, images(31)).await), (Some(100), None));
    assert_eq!(rig.send(&psid, json!({"sticker_id": "369239263222822"})).await.0, 200);
    assert_eq!(code(&rig.send(&psid, json!({"sticker_id": "thumb"})).await), (Some(100), None));
}

/// Goal: an upload as multipart is saved and sent; its size and kind are checked.
#[tokio::test]
async fn uploads() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let post = async |kind: &str, size: usize| {
        let attachment =
            json!({"attachment": {"type": "image", "payload": {"is_reusable": true}}}).to_string();
        let mut body = format!(
            "--B\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n{attachment}\r\n--B\r\nContent-Disposition: \
             form-data; name=\"filedata\"; filename=\"card 1.png\"\r\nContent-Type: {kind}\r\n\r\n"
        )
        .into_bytes();
        body.resize(body.len() + size, 7);
        body.extend_from_slice(b"\r\n--B--\r\n");
        let url = format!("{}/v26.0/me/message_attachments?access_token={TOKEN}", rig.base);
        let request =
            rig.client.post(url).header("content-type", "multipart/form-data; boundary=B").body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (_, saved) = post("image/png", 2 << 20).await;
    let by = json!({"attachment": {"type": "image", "payload": {"attachment_id": saved["attachment_id"]}}});
    assert_eq!(rig.send(&psid, by).await.0, 200);
    let shown = rig.thread("amal").await["messages"][1]["body"]["attachment"]["payload"]["url"].clone();
    assert!(shown.as_str().unwrap().ends_with("/card%201.png"), "{shown}");
    assert_eq!(code(&post("text/plain", 10).await), (Some(100), Some(2_018_047)));
    assert_eq!(code(&post("image/png", 25_000_001).await), (Some(100), Some(2_018_109)));
}

#[tokio::test]
async fn less_common_templates() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let send = async |payload: Value| {
        rig.send(&psid, json!({"attachment": {"type": "template", "payload": payload}})).await.0
    };
    let media = |element: Value| json!({"template_type": "media", "elements": [element]});
    let button = json!({"type": "postback", "title": "x", "payload": "P"});
    let facebook = "https://www.facebook.com/bank/videos/1";
    assert_eq!(send(media(json!({"media_type": "video", "url": facebook, "buttons": [button]}))).await, 200);
    assert_eq!(send(media(json!({"media_type": "video", "url": "https://bank.example/v"}))).await, 400);
    assert_eq!(send(media(json!({"media_type": "video", "url": facebook, "attachment_id": "1"}))).await, 400);
    let coupon = |code: &str| json!({"template_type": "coupon", "title": "t", "coupon_code": code});
    assert_eq!(send(coupon("SAVE10")).await, 200);
    assert_eq!(send(coupon("SAVE 10")).await, 400);
    let feedback = |days: u32| {
        json!({"template_type": "customer_feedback", "title": "t", "subtitle": "s", "button_title": "b",
            "feedback_screens": [{"questions": [{"id": "q", "type": "csat"}]}], "expires_in_days": days})
    };
    assert_eq!(send(feedback(7)).await, 200);
    assert_eq!(send(feedback(8)).await, 400);
    let grid = |n: usize| {
        let images = vec![json!({"url": "https://bank.example/i.png"}); n];
        json!({"template_type": "image_grid", "elements": [{"title": "t", "images": images}]})
    };
    assert_eq!(send(grid(6)).await, 200);
    assert_eq!(send(grid(7)).await, 400);
    let with = |button: Value| {
        let mut payload = grid(2);
        payload["elements"][0]["buttons"] = json!([button]);
        payload
    };
    assert_eq!(send(with(button.clone())).await, 200);
    let phone = json!({"type": "phone_number", "title": "x", "payload": "+15550100"});
    assert_eq!(send(with(phone)).await, 400, "addresses and payloads alone");
    assert_eq!(send(json!({"template_type": "one_time_notif_req", "title": "t", "payload": "P"})).await, 200);
    // No page here has a form, and what is not built says so.
    let form = json!({"template_type": "instant_form", "form_id": "1"});
    let answer = rig.send(&psid, json!({"attachment": {"type": "template", "payload": form}})).await;
    assert_eq!(code(&answer), (Some(1), Some(2_018_382)));
    for kind in ["product", "customer_information"] {
        let message = json!({"attachment": {"type": "template", "payload": {"template_type": kind}}});
        let answer = rig.send(&psid, message).await;
        assert!(answer.1["error"]["message"].as_str().unwrap().contains("not built"), "{}", answer.1);
    }
    // The feedback tag carries its own template out of the window, and nothing else.
    rig.post("/control/clock", json!({"advance_s": 3 * 86_400})).await;
    let tagged = async |message: Value| {
        let body = json!({"recipient": {"id": psid}, "messaging_type": "MESSAGE_TAG", "tag": "CUSTOMER_FEEDBACK",
            "message": message});
        rig.graph("POST", "me/messages", Some(body)).await.0
    };
    assert_eq!(tagged(json!({"attachment": {"type": "template", "payload": feedback(1)}})).await, 200);
    assert_eq!(tagged(json!({"text": "how was it?"})).await, 400);
    // A human's tag carries no sticker there, and a utility template no tag.
    let human = async |message: Value, kind: &str| {
        let body = json!({"recipient": {"id": psid}, "messaging_type": kind, "tag": "HUMAN_AGENT", "message": message});
        rig.graph("POST", "me/messages", Some(body)).await
    };
    assert_eq!(human(json!({"text": "I looked into it"}), "MESSAGE_TAG").await.0, 200);
    let sticker = human(json!({"sticker_id": "369239263222822"}), "MESSAGE_TAG").await;
    assert_eq!(code(&sticker), (Some(10), Some(2_018_278)));
    let utility = human(json!({"template": {"name": "x", "language": {"code": "en"}}}), "UTILITY").await;
    assert!(utility.1["error"]["message"].as_str().unwrap().contains("tag cannot"), "{}", utility.1);
}

#[tokio::test]
async fn answers_and_reactions() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let mid = rig.thread("amal").await["messages"][0]["mid"].clone();
    let reply = |mid: &Value| json!({"recipient": {"id": psid}, "message": {"text": "yes"}, "reply_to": {"mid": mid}});
    assert_eq!(rig.graph("POST", "me/messages", Some(reply(&mid))).await.0, 200);
    assert_eq!(code(&rig.graph("POST", "me/messages", Some(reply(&json!("m_x")))).await), (Some(100), None));
    let echo = rig.wait(1, |i| i["message"]["is_echo"] == true).await.remove(0);
    assert_eq!(echo.item()["message"]["reply_to"]["mid"], mid);
    let react = |action: &str| {
        Some(
            json!({"recipient": {"id": psid}, "sender_action": action, "payload": {"message_id": mid, "reaction": "love"}}),
        )
    };
    assert_eq!(rig.graph("POST", "me/messages", react("REACT")).await.0, 200);
    assert_eq!(rig.thread("amal").await["messages"][0]["body"]["reaction"], "love");
    assert_eq!(rig.graph("POST", "me/messages", react("unreact")).await.0, 200);
    assert!(rig.thread("amal").await["messages"][0]["body"]["reaction"].is_null());
}

#[tokio::test]
async fn a_persons_own_menu() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let menu = json!([{"locale": "default", "call_to_actions": [{"type": "postback", "title": "Mine", "payload": "M"}]}]);
    let set = json!({"psid": psid, "persistent_menu": menu});
    assert_eq!(rig.graph("POST", "me/custom_user_settings", Some(set)).await.1["result"], "success");
    let (_, got) = rig.graph("GET", &format!("me/custom_user_settings?psid={psid}"), None).await;
    assert_eq!(got["data"][0]["user_level_persistent_menu"], menu);
    let shown = rig.get(&format!("/chat/api/thread?page={PAGE}&user=amal")).await;
    assert_eq!(shown["menu"][0]["title"], "Mine");
    let path = format!("me/custom_user_settings?psid={psid}&params=[\"persistent_menu\"]");
    assert_eq!(rig.graph("DELETE", &path, None).await.0, 200);
    for _ in 0..7 {
        rig.graph("GET", &format!("me/custom_user_settings?psid={psid}"), None).await;
    }
    let over = rig.graph("GET", &format!("me/custom_user_settings?psid={psid}"), None).await;
    assert_eq!(code(&over), (Some(613), None), "ten in ten minutes");
}

/// Goal: without the right to profiles the answer is an empty object; without the locale permission it lacks the
/// locale.
#[tokio::test]
async fn profiles_need_access() {
    let rig = Rig::new().await;
    let psid = rig.say("you", "hi").await;
    rig.post(&format!("/control/pages/{PAGE}"), json!({"denied": ["pages_user_locale"]})).await;
    let path = format!("{psid}?fields=first_name,locale");
    assert_eq!(rig.graph("GET", &path, None).await.1, json!({"id": psid, "first_name": "Sam"}));
    rig.post("/control/settings", json!({"profile_access": false})).await;
    assert_eq!(rig.graph("GET", &path, None).await.1, json!({}));
}

/// Goal: other names of persons than their ids: what each is good for, how often, and for how long.
#[tokio::test]
async fn recipients_that_are_no_ids() {
    let rig = Rig::new().await;
    let all = json!({"subscribed_fields": ["messages", "message_echoes", "messaging_optins", "feed"]});
    assert_eq!(rig.graph("POST", "me/subscribed_apps", Some(all)).await.0, 200);
    let act = async |body: Value| rig.post("/control/users/amal/act", body).await;
    let send = async |to: Value| {
        rig.graph("POST", "me/messages", Some(json!({"recipient": to, "message": {"text": "hi"}}))).await
    };
    // A comment: one private reply, to somebody who never wrote.
    let comment =
        act(json!({"kind": "comment", "page": PAGE, "text": "opening hours?"})).await["mid"].clone();
    rig.idle().await;
    let changes: Vec<Value> =
        rig.hooks().iter().map(|hook| hook.json["entry"][0]["changes"][0].clone()).collect();
    let told = |change: &Value| change["field"] == "feed" && change["value"]["comment_id"] == comment;
    assert!(changes.iter().any(told), "{changes:?}");
    let (status, answer) = send(json!({"comment_id": comment})).await;
    assert!(status == 200 && answer["recipient_id"].is_string(), "{answer}");
    rig.wait(1, |item| item["message"]["is_echo"] == true).await;
    assert_eq!(code(&send(json!({"comment_id": comment})).await), (Some(100), Some(2_018_001)), "one reply");
    let psid = rig.psid("amal").await;
    assert_eq!(
        code(&send(json!({"id": psid})).await),
        (Some(100), Some(2_018_001)),
        "the reply opens nothing"
    );
    // A plugin: no id in the answer, and no echo.
    act(json!({"kind": "optin", "page": PAGE, "ref": "R", "user_ref": "U1"})).await;
    let optin = rig.wait(1, |item| item["optin"]["user_ref"] == "U1").await.remove(0);
    assert!(optin.item().get("sender").is_none());
    let (status, answer) = send(json!({"user_ref": "U1"})).await;
    assert!(
        status == 200 && answer["message_id"].is_string() && answer.get("recipient_id").is_none(),
        "{answer}"
    );
    assert_eq!(code(&send(json!({"user_ref": "U2"})).await), (Some(100), Some(2_018_001)));
    rig.idle().await;
    let echoes = rig.hooks().iter().filter(|hook| hook.item()["message"]["is_echo"] == true).count();
    assert_eq!(echoes, 1, "the private reply's alone");
    // A token for one message, whatever the window.
    rig.say("amal", "hello").await;
    let ask =
        json!({"template_type": "one_time_notif_req", "title": "When it is there?", "payload": "there"});
    let (_, asked) = rig.send(&psid, json!({"attachment": {"type": "template", "payload": ask}})).await;
    let notify = json!({"kind": "notify_me", "page": PAGE, "mid": asked["message_id"]});
    let token = act(notify).await["mid"].clone();
    let optin = rig.wait(1, |item| item["optin"]["type"] == "one_time_notif_req").await.remove(0);
    let optin = &optin.item()["optin"];
    assert_eq!((&optin["one_time_notif_token"], &optin["payload"]), (&token, &json!("there")));
    rig.post("/control/clock", json!({"advance_s": 30 * 86_400})).await;
    assert_eq!(code(&send(json!({"id": psid})).await), (Some(10), Some(2_018_278)));
    assert_eq!(send(json!({"one_time_notif_token": token})).await.0, 200);
    assert_eq!(
        code(&send(json!({"one_time_notif_token": token})).await),
        (Some(100), Some(2_018_001)),
        "once"
    );
    assert_eq!(code(&send(json!({"comment_id": token})).await), (Some(100), Some(2_018_001)));
    // What ended, what is not built, and two at once.
    let ended = send(json!({"notification_messages_token": "T"})).await;
    assert!(
        ended.1["error"]["message"].as_str().unwrap().contains("ended on 10 February 2026"),
        "{}",
        ended.1
    );
    assert_eq!(code(&send(json!({"phone_number": "+15550100"})).await), (Some(100), None));
    assert_eq!(code(&send(json!({"id": psid, "user_ref": "U1"})).await), (Some(100), None));
}

/// Goal: a visitor's post is told as a change of `feed`, and takes one private reply, by its own name alone.
#[tokio::test]
async fn a_visitors_post_takes_one_private_reply() {
    let rig = Rig::new().await;
    let all = json!({"subscribed_fields": ["messages", "message_echoes", "feed"]});
    assert_eq!(rig.graph("POST", "me/subscribed_apps", Some(all)).await.0, 200);
    let act = async |body: Value| rig.post("/control/users/amal/act", body).await;
    let send = async |to: Value| {
        rig.graph("POST", "me/messages", Some(json!({"recipient": to, "message": {"text": "hi"}}))).await
    };
    let post = act(json!({"kind": "post", "page": PAGE, "text": "closed again?"})).await["mid"].clone();
    rig.idle().await;
    let told = rig.hooks().iter().any(|hook| {
        let value = &hook.json["entry"][0]["changes"][0]["value"];
        value["item"] == "post" && value["post_id"] == post && value["message"] == "closed again?"
    });
    assert!(told, "a change of `feed`");
    assert_eq!(code(&send(json!({"comment_id": post})).await), (Some(100), Some(2_018_001)), "no comment");
    let (status, answer) = send(json!({"post_id": post})).await;
    assert!(status == 200 && answer["recipient_id"].is_string(), "{answer}");
    assert_eq!(code(&send(json!({"post_id": post})).await), (Some(100), Some(2_018_001)), "one reply");
    rig.wait(1, |item| item["message"]["is_echo"] == true).await;
}
