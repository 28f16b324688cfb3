//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

use crate::bodies::{FILES, fixtures};
use amana_channel::webhook::parse;
use serde_json::json;

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

#[test]
fn fuzz_webhook() {
    let [items, bodies] = FILES.map(fixtures);
    let mut seeds: Vec<Vec<u8>> =
        bodies.iter().map(|fixture| fixture["body"].as_str().expect("a body").as_bytes().to_vec()).collect();
    // Every item in an envelope of its own, else only its text would be changed and nothing of it read.
    for (n, fixture) in items.iter().enumerate() {
        let array = if n % 5 == 0 { "standby" } else { "messaging" };
        let mut item = fixture["item"].clone();
        let (from, to) = if fixture["echo"] == true { ("1001", "2") } else { ("2", "1001") };
        item["sender"] = json!({ "id": from });
        item["recipient"] = json!({ "id": to });
        item["timestamp"] = fixture.get("timestamp").cloned().unwrap_or(json!(1_764_000_000_000_i64));
        let body = json!({"object": "page", "entry": [{"id": "1001", "time": 1_764_000_000_000_i64, array: [item]}]});
        seeds.push(body.to_string().into_bytes());
    }
    let read = seeds.iter().filter_map(|seed| parse(seed).ok()).filter(|parsed| !parsed.events.is_empty());
    assert!(read.count() >= items.len(), "the seeds are read, so that what is changed is what is read");
    harness::run(&seeds, checks::webhook);
}

#[test]
fn fuzz_display() {
    let text = r#"{"recipient":{"id":"2"},"messaging_type":"RESPONSE","message":{"text":"hello","quick_replies":[{"content_type":"text","title":"Yes","payload":"yes"}],"metadata":"msg_1"}}"#;
    let card = r#"{"recipient":{"id":"2"},"message":{"attachment":{"type":"template","payload":{"template_type":"button","text":"see","buttons":[{"type":"web_url","url":"https://a.example","title":"Open"}]}}}}"#;
    let list = r#"{"recipient":{"id":"2"},"message":{"attachment":{"type":"template","payload":{"template_type":"generic","elements":[{"title":"Savings","subtitle":"5","buttons":[{"type":"account_unlink"}]}]}}}}"#;
    let receipt = r#"{"recipient":{"id":"2"},"message":{"attachment":{"type":"template","payload":{"template_type":"receipt","merchant_name":"B","order_number":"1","currency":"USD","elements":[{"title":"a","price":1.50}],"summary":{"total_cost":1.50}}}}}"#;
    let media = r#"{"recipient":{"id":"2"},"message":{"attachment":{"type":"template","payload":{"template_type":"media","elements":[{"media_type":"image","attachment_id":"7"}]}}}}"#;
    let utility = r#"{"recipient":{"id":"2"},"messaging_type":"UTILITY","message":{"template":{"name":"amana_news_1","language":{"code":"ar"},"components":[{"type":"body","parameters":[{"type":"text","text":"B"}]},{"type":"buttons","parameters":[{"type":"POSTBACK","payload":"v1:news"}]}]}}}"#;
    let seeds = [text, card, list, receipt, media, utility].map(|text| text.as_bytes().to_vec());
    for seed in &seeds {
        assert!(amana_render::messenger::decode_for_display(seed).is_some(), "what is changed can be read");
    }
    harness::run(&seeds, checks::display);
}
