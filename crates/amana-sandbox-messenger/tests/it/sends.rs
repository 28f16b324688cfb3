//! The Send API: encodings, limits, errors, windows, templates.

use serde_json::{Value, json};

use crate::support::{OTHER, PAGE, Rig, SECRET, TOKEN};

fn code(body: &Value) -> (u64, Option<u64>) {
    let error = &body["error"];
    assert!(
        error["message"].is_string() && error["type"].is_string() && error["fbtrace_id"].is_string(),
        "{body}"
    );
    (error["code"].as_u64().unwrap(), error["error_subcode"].as_u64())
}

#[track_caller]
fn refused((status, body): (u16, Value), wanted: (u64, Option<u64>)) {
    assert_eq!(status, 400, "{body}");
    assert_eq!(code(&body), wanted, "{body}");
}

#[tokio::test]
async fn every_encoding_and_address_sends() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let (status, body) = rig.send(&psid, json!({"text": "one"})).await;
    assert_eq!((status, body["recipient_id"].as_str()), (200, Some(psid.as_str())));
    assert!(
        body["message_id"].as_str().unwrap().starts_with("m_")
            && body["message_id"].as_str().unwrap().len() == 82
    );

    // Meta's SDK: a form whose fields are JSON strings, the page in the path, a proof in the query, an older version.
    let proof = amana_sandbox_messenger::wire::appsecret_proof(SECRET, TOKEN);
    let recipient = json!({"id": psid}).to_string();
    let form = [
        ("recipient", recipient.as_str()),
        ("messaging_type", "response"),
        ("message", r#"{"text":"two \u00e4"}"#),
    ];
    let url = format!("{}/v21.0/{PAGE}/messages", rig.base);
    let sent = rig
        .client
        .post(format!("{url}?access_token={TOKEN}&appsecret_proof={proof}"))
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 200);

    // Meta's Python sample: everything in the query; the token as a header.
    let query = [("recipient", recipient.as_str()), ("message", r#"{"text":"three"}"#)];
    let sent = rig.client.post(&url).query(&query).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(sent.status(), 200);

    let thread = rig.thread("amal").await;
    let texts: Vec<_> =
        thread["messages"].as_array().unwrap().iter().filter_map(|m| m["body"]["text"].as_str()).collect();
    assert_eq!(texts, ["hi", "one", "two ä", "three"]);
    let sends = rig.get("/control/sends").await;
    assert_eq!(sends.as_array().unwrap().len(), 3);
    assert!(sends[0]["arrived_us"].as_i64().unwrap() > 1_795_500_000_000_000);
    assert!(!sends.to_string().contains(TOKEN), "tokens are not shown");
}

#[tokio::test]
async fn limits_of_text_and_quick_replies() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let bad = (100, None);
    assert_eq!(rig.send(&psid, json!({"text": "ا".repeat(1_999)})).await.0, 200);
    refused(rig.send(&psid, json!({"text": "a".repeat(2_000)})).await, bad);
    refused(rig.send(&psid, json!({"text": ""})).await, bad);
    refused(rig.send(&psid, json!({})).await, bad);
    refused(rig.send(&psid, json!({"text": 5})).await, bad);
    refused(rig.send(&psid, json!({"text": "a", "colour": "red"})).await, bad);
    refused(rig.send(&psid, json!({"text": "a", "metadata": "m".repeat(1_000)})).await, bad);
    assert_eq!(rig.send(&psid, json!({"text": "a", "metadata": "m".repeat(999)})).await.0, 200);
    let both = json!({"text": "a", "attachment": button(&json!([{"type": "account_unlink"}]))});
    refused(rig.send(&psid, both).await, bad);

    let reply = |title: &str| json!({"content_type": "text", "title": title, "payload": "P"});
    let many = |n: usize| json!({"text": "a", "quick_replies": vec![reply("x"); n]});
    assert_eq!(rig.send(&psid, many(13)).await.0, 200);
    refused(rig.send(&psid, many(14)).await, bad);
    assert_eq!(rig.send(&psid, json!({"text": "a", "quick_replies": [reply(&"ك".repeat(20))]})).await.0, 200);
    refused(rig.send(&psid, json!({"text": "a", "quick_replies": [reply(&"k".repeat(21))]})).await, bad);
    refused(
        rig.send(&psid, json!({"text": "a", "quick_replies": [{"content_type": "text", "title": "x"}]}))
            .await,
        bad,
    );
    refused(
        rig.send(&psid, json!({"text": "a", "quick_replies": [{"content_type": "location"}]})).await,
        bad,
    );
}

fn button(buttons: &Value) -> Value {
    json!({"type": "template", "payload": {"template_type": "button", "text": "t", "buttons": buttons}})
}

#[tokio::test]
async fn limits_of_templates() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let bad = (100, None);
    let send = async |attachment: Value| rig.send(&psid, json!({ "attachment": attachment })).await;
    let ok = json!({"type": "POSTBACK", "title": "Go", "payload": "GO"});
    assert_eq!(send(button(&json!([ok, ok, ok]))).await.0, 200);
    refused(send(button(&json!([ok, ok, ok, ok]))).await, bad);
    refused(send(button(&json!([]))).await, bad);
    refused(send(button(&json!([{"type": "log_in", "url": "https://bank.example/"}]))).await, bad);
    refused(send(button(&json!([{"type": "postback", "title": "x".repeat(21), "payload": "P"}]))).await, bad);
    refused(
        send(button(&json!([{"type": "postback", "title": "x", "payload": "P".repeat(1_001)}]))).await,
        bad,
    );
    refused(
        send(button(&json!([{"type": "web_url", "title": "x", "url": "javascript:alert(1)"}]))).await,
        bad,
    );
    refused(send(button(&json!([{"type": "account_link", "url": "http://bank.example/link"}]))).await, bad);
    assert_eq!(
        send(button(&json!([{"type": "account_link", "url": "https://bank.example/link"}]))).await.0,
        200
    );
    let long = json!({"type": "template", "payload": {"template_type": "button", "text": "t".repeat(641), "buttons": [ok]}});
    refused(send(long).await, bad);

    let generic = |elements: Value| json!({"type": "template", "payload": {"template_type": "generic", "elements": elements}});
    assert_eq!(send(generic(json!([{"title": "A", "subtitle": "b"}]))).await.0, 200);
    refused(send(generic(json!([{"title": "A"}]))).await, bad);
    refused(send(generic(json!([{"title": "A".repeat(81), "subtitle": "b"}]))).await, bad);
    refused(send(generic(json!(vec![json!({"title": "A", "subtitle": "b"}); 11]))).await, bad);

    let receipt = json!({"template_type": "receipt", "recipient_name": "Sam", "order_number": "1", "currency": "USD",
        "payment_method": "Visa 1", "summary": {"total_cost": 1}, "elements": [{"title": "x", "price": 0}]});
    let with = |name: &str, value: Value| {
        let mut payload = receipt.clone();
        payload[name] = value;
        json!({"type": "template", "payload": payload})
    };
    assert_eq!(send(with("merchant_name", json!("Shop"))).await.0, 200);
    for name in ["recipient_name", "order_number", "currency", "payment_method", "summary"] {
        refused(send(with(name, Value::Null)).await, bad);
    }
    refused(send(with("summary", json!({"subtotal": 1}))).await, bad);
    refused(send(with("summary", json!({"total_cost": "1,50"}))).await, bad);
    let priced = |currency: &str, price: &str| {
        let mut payload = with("currency", json!(currency));
        payload["payload"]["summary"]["total_cost"] = json!(price);
        payload["payload"]["order_number"] = json!(format!("{currency} {price}"));
        payload
    };
    refused(send(priced("USD", "1.505")).await, bad);
    refused(send(priced("KWD", "1.5055")).await, bad);
    for (currency, price) in [("USD", "1.50"), ("KWD", "1.505"), ("JPY", "150")] {
        assert_eq!(send(priced(currency, price)).await.0, 200, "{currency}");
    }
    // A number is a receipt's own; one that was refused has used up none.
    refused(send(with("merchant_name", json!("Shop"))).await, bad);
    assert_eq!(send(with("order_number", json!("2"))).await.0, 200);
    refused(send(with("elements", json!([{"title": "x"}]))).await, bad);
    refused(send(with("address", json!({"street_1": "x"}))).await, bad);
    let (_, body) = send(json!({"type": "template", "payload": {"template_type": "utility_messages"}})).await;
    assert_eq!(body["error"]["message"], "(#100) Invalid template type");
}

#[tokio::test]
async fn recipients_tokens_and_paths() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    refused(rig.send("1234567890123456", json!({"text": "a"})).await, (100, Some(2_018_001)));
    let on_other = rig.post("/control/users/amal/say", json!({"page": OTHER, "text": "hi"})).await;
    assert!(on_other["mid"].is_string());
    let other = rig.get(&format!("/control/threads/{OTHER}/amal")).await["psid"].as_str().unwrap().to_owned();
    assert_ne!(other, psid, "page-scoped");
    refused(rig.send(&other, json!({"text": "a"})).await, (100, Some(2_018_001)));
    let number: Value = serde_json::from_str(&psid).unwrap();
    let body = json!({"recipient": {"id": number}, "message": {"text": "as a number"}});
    assert_eq!(rig.graph("POST", "me/messages", Some(body)).await.0, 200);
    let two = json!({"recipient": {"id": psid, "user_ref": "x"}, "message": {"text": "a"}});
    refused(rig.graph("POST", "me/messages", Some(two)).await, (100, None));
    refused(rig.graph("POST", "me/messages", Some(json!({"message": {"text": "a"}}))).await, (100, None));
    refused(rig.graph("POST", &format!("{OTHER}/messages"), Some(json!({}))).await, (100, Some(33)));
    refused(rig.graph("GET", "me/messages", None).await, (100, Some(33)));

    let call = async |url: String| {
        let response = rig.client.post(url).json(&json!({})).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let base = &rig.base;
    refused(call(format!("{base}/v26.0/me/messages?access_token=wrong")).await, (190, None));
    refused(call(format!("{base}/v26.0/me/messages")).await, (104, None));
    refused(call(format!("{base}/v20.0/me/messages?access_token={TOKEN}")).await, (2_500, None));
    refused(
        call(format!("{base}/v26.0/me/messages?access_token={TOKEN}&appsecret_proof=00")).await,
        (100, None),
    );
    rig.post("/control/faults", json!({"token_dead": true})).await;
    refused(rig.send(&psid, json!({"text": "a"})).await, (190, Some(460)));
}

#[tokio::test]
async fn a_proof_can_be_required() {
    let rig = Rig::with(None, |config| config.require_appsecret_proof = true).await;
    refused(rig.graph("GET", "me", None).await, (100, None));
    let proof = amana_sandbox_messenger::wire::appsecret_proof(SECRET, TOKEN);
    let (status, body) = rig.graph("GET", &format!("me?appsecret_proof={proof}"), None).await;
    assert_eq!((status, body["id"].as_str()), (200, Some(PAGE)));
}

#[tokio::test]
async fn the_window_closes_after_24_hours() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let body = |kind: &str, tag: Option<&str>| {
        let mut body = json!({"recipient": {"id": psid}, "messaging_type": kind, "message": {"text": "a"}});
        if let Some(tag) = tag {
            body["tag"] = json!(tag);
        }
        Some(body)
    };
    rig.post("/control/clock", json!({"advance_s": 24 * 3_600 - 60})).await;
    assert_eq!(rig.graph("POST", "me/messages", body("UPDATE", None)).await.0, 200);
    rig.post("/control/clock", json!({"advance_s": 120})).await;
    let closed = rig.graph("POST", "me/messages", body("RESPONSE", None)).await;
    assert!(closed.1["error"]["message"].as_str().unwrap().starts_with("(#10) This message is sent outside"));
    refused(closed, (10, Some(2_018_278)));
    for tag in ["ACCOUNT_UPDATE", "post_purchase_update", "CONFIRMED_EVENT_UPDATE"] {
        refused(
            rig.graph("POST", "me/messages", body("MESSAGE_TAG", Some(tag))).await,
            (100, Some(1_893_061)),
        );
    }
    assert_eq!(rig.graph("POST", "me/messages", body("MESSAGE_TAG", Some("HUMAN_AGENT"))).await.0, 200);
    refused(rig.graph("POST", "me/messages", body("MESSAGE_TAG", Some("NEWS"))).await, (100, None));
    refused(rig.graph("POST", "me/messages", body("MESSAGE_TAG", None)).await, (100, None));
    refused(rig.graph("POST", "me/messages", body("PROMO", None)).await, (100, None));
    rig.post("/control/clock", json!({"advance_s": 7 * 24 * 3_600})).await;
    refused(
        rig.graph("POST", "me/messages", body("MESSAGE_TAG", Some("HUMAN_AGENT"))).await,
        (10, Some(2_018_278)),
    );
    rig.say("amal", "again").await;
    assert_eq!(
        rig.graph("POST", "me/messages", body("RESPONSE", None)).await.0,
        200,
        "an action opens it again"
    );
}

#[tokio::test]
async fn utility_templates_go_out_of_the_window() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.post("/control/clock", json!({"advance_s": 90_000})).await;
    let template = json!({"name": "card_alert", "language": "ar", "category": "utility", "components": [
        {"type": "BODY", "text": "عملية جديدة: {{1}} لدى {{2}}.", "example": {"body_text": [["1.00", "متجر"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "POSTBACK", "text": "Open", "payload": "open_{{1}}"}]}]});
    let (status, made) = rig.graph("POST", "me/message_templates", Some(template.clone())).await;
    assert_eq!((status, made["status"].as_str()), (200, Some("APPROVED")), "{made}");
    refused(rig.graph("POST", "me/message_templates", Some(template)).await, (100, None));
    let send = async |kind: &str, name: &str, components: Value| {
        let message =
            json!({"template": {"name": name, "language": {"code": "ar"}, "components": components}});
        let body = json!({"recipient": {"id": psid}, "messaging_type": kind, "message": message});
        rig.graph("POST", "me/messages", Some(body)).await
    };
    let body = json!({"type": "body", "parameters": [{"type": "text", "text": "6.75"}, {"type": "text", "text": "Blue"}]});
    let tap = json!({"type": "buttons", "parameters": [{"type": "POSTBACK", "payload": "77"}]});
    let sent = send("UTILITY", "card_alert", json!([body, tap])).await;
    assert_eq!(sent.0, 200, "{}", sent.1);
    let shown = &rig.thread("amal").await["messages"][1]["body"]["attachment"]["payload"];
    assert_eq!(shown["text"], "عملية جديدة: 6.75 لدى Blue.");
    assert_eq!(shown["buttons"][0]["payload"], "open_77");
    refused(send("UTILITY", "card_alert", json!([body])).await, (100, Some(1_893_029)));
    refused(send("UTILITY", "unknown", json!([body, tap])).await, (100, None));
    refused(send("RESPONSE", "card_alert", json!([body, tap])).await, (100, None));
    let indexed =
        json!({"type": "buttons", "parameters": [{"type": "POSTBACK", "payload": "77", "index": 0}]});
    refused(send("UTILITY", "card_alert", json!([body, indexed])).await, (100, None));
    let few = json!({"type": "body", "parameters": [{"type": "text", "text": "6.75"}]});
    refused(send("UTILITY", "card_alert", json!([few, tap])).await, (100, None));
    let text = json!({"recipient": {"id": psid}, "messaging_type": "UTILITY", "message": {"text": "free"}});
    refused(rig.graph("POST", "me/messages", Some(text)).await, (100, None));

    let (_, list) = rig.graph("GET", "me/message_templates?name=card_alert&summary=true", None).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(rig.graph("DELETE", "me/message_templates?name=card_alert", None).await.0, 200);
    refused(send("UTILITY", "card_alert", json!([body, tap])).await, (100, None));
}

#[tokio::test]
async fn sender_actions() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let act = async |body: Value| rig.graph("POST", "me/messages", Some(body)).await;
    for action in ["typing_on", "TYPING_OFF", "Mark_Seen"] {
        let (status, body) = act(json!({"recipient": {"id": psid}, "sender_action": action})).await;
        assert_eq!((status, body), (200, json!({"recipient_id": psid})));
    }
    let both = json!({"recipient": {"id": psid}, "sender_action": "typing_on", "message": {"text": "a"}});
    refused(act(both).await, (100, Some(2_018_014)));
    refused(act(json!({"recipient": {"id": psid}, "sender_action": "dance"})).await, (100, None));
}

#[tokio::test]
async fn injected_failures() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.post("/control/faults", json!({"fail_next": {"code": 2, "times": 2}})).await;
    for _ in 0..2 {
        let (status, body) = rig.send(&psid, json!({"text": "a"})).await;
        assert_eq!((status, code(&body), &body["error"]["is_transient"]), (400, (2, None), &json!(true)));
    }
    assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200);

    // Carried out, but nobody hears of it: what makes blind resends wrong.
    rig.post("/control/faults", json!({"drop_connection_next": 1})).await;
    let url = format!("{}/v26.0/me/messages?access_token={TOKEN}", rig.base);
    let body = json!({"recipient": {"id": psid}, "message": {"text": "lost answer"}});
    let lost = match rig.client.post(url).json(&body).send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(lost, "the connection breaks");
    let thread = rig.thread("amal").await;
    assert_eq!(thread["messages"].as_array().unwrap().last().unwrap()["body"]["text"], "lost answer");
    assert_eq!(rig.send(&psid, json!({"text": "a"})).await.0, 200, "once only");
    let unknown = rig.post("/control/faults", json!({"explode": true})).await;
    assert!(unknown["error"].as_str().unwrap().contains("explode"));
}
