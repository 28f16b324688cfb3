//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

#[test]
fn fuzz_webhook() {
    let all: serde_json::Value = serde_json::from_str(include_str!("inbound.json")).expect("JSON");
    let mut seeds = vec![include_bytes!("inbound.json").to_vec()];
    let mut open = vec![&all];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(members) => {
                if members.contains_key("object") {
                    seeds.push(value.to_string().into_bytes());
                }
                open.extend(members.values());
            }
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    let event = r#"{"object":"page","entry":[{"id":"1","time":1764000000000,"messaging":[{"sender":{"id":"2"},"recipient":{"id":"1"},"timestamp":1764000000000,"message":{"mid":"m_1","text":"hi"}}]}]}"#;
    seeds.push(event.as_bytes().to_vec());
    harness::run(&seeds, checks::webhook);
}

#[test]
fn fuzz_display() {
    let text = r#"{"recipient":{"id":"2"},"messaging_type":"RESPONSE","message":{"text":"hello","quick_replies":[{"content_type":"text","title":"Yes","payload":"yes"}],"metadata":"msg_1"}}"#;
    let card = r#"{"recipient":{"id":"2"},"message":{"attachment":{"type":"template","payload":{"template_type":"button","text":"see","buttons":[{"type":"web_url","url":"https://a.example","title":"Open"}]}}}}"#;
    harness::run(&[text, card].map(|text| text.as_bytes().to_vec()), checks::display);
}

#[test]
fn fuzz_signed_request() {
    let payload = br#"{"user_id":"218471","algorithm":"HMAC-SHA256","issued_at":1795514400}"#;
    let number =
        br#"{"algorithm":"hmac-sha256","expires":1795514800,"issued_at":"1795514400","user_id":218471}"#;
    let genuine = checks::signed(payload);
    let now = "2026-11-24T10:00:00Z".parse().expect("an instant");
    let secret = amana_core::Secret::new("sandbox-app-secret");
    let believed = amana_channel::webhook::verify_signed_request(&secret, &genuine, now);
    assert!(believed.is_ok(), "the seed is a good one: {believed:?}");
    harness::run(&[payload.to_vec(), number.to_vec(), genuine.into_bytes()], checks::signed_request);
}
