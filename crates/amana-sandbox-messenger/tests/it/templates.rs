//! Utility templates: review, states, the webhook of each change.

use serde_json::{Value, json};

use crate::support::{PAGE, Rig};

fn template(name: &str, body: &Value) -> Option<Value> {
    Some(json!({"name": name, "language": "en", "category": "UTILITY", "components": [body]}))
}

fn body(text: &str, examples: &[&str]) -> Value {
    json!({"type": "BODY", "text": text, "example": {"body_text": [examples]}})
}

async fn statuses(rig: &Rig) -> Vec<(String, String)> {
    rig.idle().await;
    let hooks = rig.hooks();
    let changes = hooks.iter().filter_map(|h| h.json["entry"][0]["changes"][0].as_object().cloned());
    changes
        .map(|c| {
            assert_eq!(c["field"], "message_template_status_update");
            let of = |name: &str| c["value"][name].as_str().unwrap().to_owned();
            (of("message_template_name"), format!("{} {}", of("event"), of("reason")))
        })
        .collect()
}

/// Goal: the recorded rules of Meta's review reject, and the app hears why.
#[tokio::test]
async fn the_review_rejects_by_rule() {
    let rig = Rig::new().await;
    let make = async |name: &str, body: Value| {
        let (_, made) = rig.graph("POST", "me/message_templates", template(name, &body)).await;
        made["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(make("good", body("Card {{1}} was used at {{2}}.", &["4242", "a shop"])).await, "APPROVED");
    assert_eq!(make("first", body("{{1}} was used.", &["x"])).await, "REJECTED");
    assert_eq!(make("gap", body("Use of {{1}} and {{3}} today.", &["x", "y"])).await, "REJECTED");
    assert_eq!(make("nothing", json!({"type": "BODY", "text": "Use of {{1}} today."})).await, "REJECTED");
    assert_eq!(make("dense", body("a {{1}} {{2}} {{3}} b", &["x", "y", "z"])).await, "REJECTED");
    let heard = statuses(&rig).await;
    let of = |name: &str| heard.iter().find(|(n, _)| n == name).unwrap().1.clone();
    assert_eq!(of("good"), "APPROVED NONE");
    assert_eq!(of("first"), "REJECTED INCORRECT_PARAMS");
    assert_eq!(of("gap"), "REJECTED INCORRECT_PARAMS");
    assert_eq!(of("nothing"), "REJECTED TEMPLATE_VARIABLES_MISSING_SAMPLE_VALUES");
    assert_eq!(of("dense"), "REJECTED PARAMS_TO_WORD_RATIO_EXCEED_LIMIT");
    // Whose words advertise, ask for whole numbers, or threaten: in both languages.
    for (name, text, why) in [
        ("sale_en", "Only this week: a discount on your card.", "TAG_SHOULD_BE_MARKETING"),
        ("sale_ar", "خصم على بطاقتك هذا الأسبوع.", "TAG_SHOULD_BE_MARKETING"),
        ("asks", "Please reply with your whole card number.", "NONE"),
        ("threat", "Pay today, else we take legal action.", "NONE"),
    ] {
        assert_eq!(make(name, json!({"type": "BODY", "text": text})).await, "REJECTED", "{name}");
        let heard = statuses(&rig).await;
        assert!(heard.contains(&(name.to_owned(), format!("REJECTED {why}"))), "{name}: {heard:?}");
    }
    let last4 = body("The card number that ends in {{1}} was used.", &["4242"]);
    assert_eq!(make("last4", last4).await, "APPROVED", "four digits are none");
    let (_, list) = rig.graph("GET", "me/message_templates?status=REJECTED&fields=name", None).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 8);
    assert_eq!(list["data"][0]["rejected_reason"], "INCORRECT_PARAMS");
}

/// Goal: a template is pending for as long as the review lasts by the virtual clock, and cannot be sent meanwhile.
#[tokio::test]
async fn a_review_takes_its_time() {
    let rig = Rig::new().await;
    rig.post("/control/clock", json!({"freeze": true})).await;
    rig.post("/control/settings", json!({"template_review_ms": 30_000})).await;
    let psid = rig.say("amal", "hi").await;
    let (_, made) = rig
        .graph(
            "POST",
            "me/message_templates",
            template("slow", &body("A notice about {{1}} for you.", &["x"])),
        )
        .await;
    assert_eq!(made["status"], "PENDING");
    let send = async || {
        let message = json!({"template": {"name": "slow", "language": {"code": "en"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "rent"}]}]}});
        let body = json!({"recipient": {"id": psid}, "messaging_type": "UTILITY", "message": message});
        rig.graph("POST", "me/messages", Some(body)).await.0
    };
    assert_eq!(send().await, 400);
    rig.post("/control/clock", json!({"advance_s": 30})).await;
    rig.until("/control/pages", |p| p[0]["templates"][0]["status"] == "APPROVED").await;
    assert_eq!(send().await, 200);
    assert_eq!(statuses(&rig).await, [("slow".to_owned(), "APPROVED NONE".to_owned())]);

    let id = made["id"].as_str().unwrap();
    let edit = Some(json!({"components": [body("Another notice about {{1}} for you.", &["x"])]}));
    assert_eq!(rig.graph("POST", id, edit.clone()).await.0, 400, "approved ones are fixed");
    let change = json!({"status": "PAUSED", "language": "en", "reason": "QUALITY"});
    assert_eq!(rig.post(&format!("/control/templates/{PAGE}/slow"), change).await["changed"], 1);
    assert_eq!(send().await, 400);
    assert_eq!(statuses(&rig).await.last().unwrap().1, "PAUSED QUALITY");
    assert_eq!(rig.graph("POST", id, edit).await.0, 200);
    let (_, read) = rig.graph("GET", &format!("{id}?fields=status"), None).await;
    assert_eq!(read["status"], "PENDING");
    rig.post("/control/settings", json!({"template_review": "hold"})).await;
    rig.post("/control/clock", json!({"advance_s": 86_400})).await;
    assert_eq!(rig.graph("GET", &format!("{id}?fields=status"), None).await.1["status"], "PENDING");
    let unknown = rig.post(&format!("/control/templates/{PAGE}/slow"), json!({"status": "FINE"})).await;
    assert!(unknown["error"].is_string());
}

/// Goal: named parameters, both languages, a clone from the library.
#[tokio::test]
async fn named_parameters_and_the_library() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let named = json!({"name": "named", "language": "en", "category": "UTILITY", "parameter_format": "NAMED",
        "components": [{"type": "BODY", "text": "A payment to {{shop}} of {{amount}} was posted.",
            "example": {"body_text_named_params": [{"param_name": "shop", "example": "x"}, {"param_name": "amount", "example": "1"}]}}]});
    let (_, made) = rig.graph("POST", "me/message_templates", Some(named)).await;
    assert_eq!(made["status"], "APPROVED");
    let send = async |parameters: Value| {
        let message = json!({"template": {"name": "named", "language": {"code": "en"},
            "components": [{"type": "body", "parameters": parameters}]}});
        let body = json!({"recipient": {"id": psid}, "messaging_type": "UTILITY", "message": message});
        rig.graph("POST", "me/messages", Some(body)).await.0
    };
    let parameter = |name: &str, text: &str| json!({"type": "text", "parameter_name": name, "text": text});
    assert_eq!(send(json!([parameter("amount", "5"), parameter("shop", "Blue")])).await, 200);
    assert_eq!(rig.thread("amal").await["messages"][1]["body"]["text"], "A payment to Blue of 5 was posted.");
    assert_eq!(send(json!([parameter("amount", "5"), parameter("colour", "Blue")])).await, 400);

    let (_, library) =
        rig.graph("GET", "me/message_template_library?name_or_content=payment&language=ar", None).await;
    let name = library["data"][0]["name"].as_str().unwrap().to_owned();
    let clone =
        json!({"name": "cloned", "language": "ar", "category": "UTILITY", "library_template_name": name});
    assert_eq!(rig.graph("POST", "me/message_templates", Some(clone)).await.1["status"], "APPROVED");
}

/// Goal: what a send fills in is checked: how many, of which kind, what is in it, how long it gets; and the state of
/// the template stands in the refusal.
#[tokio::test]
async fn parameters_are_checked() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let components = json!([
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["handle"]}},
        body("Card {{1}} was used at {{2}} just now.", &["4242", "a shop"]),
        {"type": "BUTTONS", "buttons": [
            {"type": "POSTBACK", "text": "It was me", "payload": "mine_{{1}}"},
            {"type": "URL", "text": "Look", "url": "https://bank.example/{{1}}", "example": {"url_suffix_example": "x"}}]},
    ]);
    let made = |name: &str, components: &Value| {
        Some(json!({"name": name, "language": "en", "category": "UTILITY", "components": components}))
    };
    let (_, answer) = rig.graph("POST", "me/message_templates", made("whole", &components)).await;
    assert_eq!(answer["status"], "APPROVED", "{answer}");
    let text = |text: &str| json!({"type": "text", "text": text});
    let image = json!({"type": "header", "parameters": [{"type": "image", "image": {"link": "https://bank.example/a.png"}}]});
    let said = json!({"type": "body", "parameters": [text("4242"), text("Blue")]});
    let taps = json!({"type": "buttons", "parameters": [{"type": "POSTBACK", "payload": "7"}, {"type": "URL", "url": "t7"}]});
    let send = async |components: Value| {
        let message =
            json!({"template": {"name": "whole", "language": {"code": "en"}, "components": components}});
        let body = json!({"recipient": {"id": psid}, "messaging_type": "UTILITY", "message": message});
        let (status, answer) = rig.graph("POST", "me/messages", Some(body)).await;
        (status, answer["error"]["message"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(send(json!([image, said, taps])).await.0, 200);
    let with = |parameters: Value| json!([image, {"type": "body", "parameters": parameters}, taps]);
    let tapping = |parameters: Value| json!([image, said, {"type": "buttons", "parameters": parameters}]);
    for (components, why) in [
        (json!([said, taps]), "type image"),
        (with(json!([text("4242")])), "expected 2, found 1"),
        (with(json!([text("4242"), text("Blue"), text("x")])), "expected 2, found 3"),
        (with(json!([text("4242"), text(" ")])), "empty parameter"),
        (with(json!([text("4242"), text("a\nb")])), "new lines"),
        (with(json!([text("4242"), text("{{1}}")])), "placeholder"),
        (with(json!([text("4242"), text(&"x".repeat(1_100))])), "less than or equal to 1024"),
        (with(json!([text("4242"), {"type": "currency", "text": "x"}])), "type text"),
        (tapping(json!([{"type": "POSTBACK", "payload": "7"}])), "less payload"),
        (
            tapping(
                json!([{"type": "POSTBACK", "payload": "7"}, {"type": "URL", "url": "https://evil.example"}]),
            ),
            "suffix",
        ),
        (tapping(json!([{"type": "URL", "url": "t7"}, {"type": "URL", "url": "t7"}])), "is of type URL"),
        (tapping(json!([{"type": "POSTBACK"}, {"type": "URL", "url": "t7"}])), "needs payload"),
        (json!([image, said, said, taps]), "more than one BODY"),
        (json!([image, said, taps, {"type": "footer"}]), "has not"),
    ] {
        let (status, said) = send(components.clone()).await;
        assert!(status == 400 && said.contains(why), "`{why}`: {status} {said} to {components}");
    }
    let change = json!({"status": "PAUSED", "language": "en", "reason": "QUALITY"});
    rig.post(&format!("/control/templates/{PAGE}/whole"), change).await;
    let (status, said) = send(json!([image, said, taps])).await;
    assert!(status == 400 && said.contains("its status is PAUSED"), "{said}");

    // Samples of an image and of an open address are needed, too; and a library template has its own buttons.
    for (name, at, without) in [("no_image", 0, "example"), ("no_suffix", 2, "example")] {
        let mut components = components.clone();
        let of = if at == 2 { &mut components[2]["buttons"][1] } else { &mut components[at] };
        of.as_object_mut().expect("an object").remove(without);
        let (_, answer) = rig.graph("POST", "me/message_templates", made(name, &components)).await;
        assert_eq!(answer["status"], "REJECTED", "{name}: {answer}");
    }
    let mut open = components.clone();
    open[2]["buttons"][1]["url"] = json!("https://bank.example/{{1}}/x");
    assert_eq!(rig.graph("POST", "me/message_templates", made("open", &open)).await.0, 400);
    let clone = json!({"name": "cloned", "language": "ar", "category": "UTILITY",
        "library_template_name": "payment_posted_1", "library_template_button_inputs": [{"type": "URL"}]});
    assert_eq!(rig.graph("POST", "me/message_templates", Some(clone)).await.0, 400);
}
