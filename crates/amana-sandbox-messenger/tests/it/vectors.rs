//! Signatures against vectors that other implementations put on record.

use amana_sandbox_messenger::wire::{appsecret_proof, meta_json, webhook_signatures};
use serde_json::Value;

fn vectors() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/reference/messenger/vectors.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("the reference vectors are needed at `{}`: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn signatures_match_the_recorded_ones() {
    let all = vectors();
    let text = |v: &Value| v.as_str().unwrap().to_owned();

    let proof = &all["appsecret_proof"];
    let made = appsecret_proof(&text(&proof["app_secret"]), &text(&proof["access_token"]));
    assert_eq!(made, text(&proof["hmac_sha256_hex"]));

    let hello = &all["x_hub_signature_256_hello"];
    let made = webhook_signatures(&text(&hello["app_secret"]), text(&hello["body"]).as_bytes());
    assert_eq!(made.sha256, text(&hello["header"]));

    let escaped = &all["x_hub_signature_escaped_unicode"];
    let body = text(&escaped["body_raw"]);
    let made = webhook_signatures(&text(&escaped["app_secret"]), body.as_bytes());
    assert_eq!(made.sha256, format!("sha256={}", text(&escaped["sha256"])));
    assert_eq!(made.sha1, format!("sha1={}", text(&escaped["sha1"])));
}

#[test]
fn the_escaped_form_is_what_meta_sends() {
    let all = vectors();
    let body = all["x_hub_signature_escaped_unicode"]["body_raw"].as_str().unwrap();
    let parsed: Value = serde_json::from_str(body).unwrap();
    assert_eq!(meta_json(&parsed), body, "written anew, byte for byte");
}
