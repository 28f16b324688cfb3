//! Signatures against the vectors on record.

use amana_channel::webhook::InboundKind;
use amana_channel::webhook::{SignatureError, app_secret_proof, parse, verify_signature};
use amana_core::Secret;

const HELLO: &str = "sha256=88aab3ede8d3adf94d26ab90d3bafd4a2083070c3bcce9c014ee04a443847c0b";

/// The bytes as Meta writes them: `\uXXXX` and `\/` literally.
const ESCAPED: &[u8] = br#"{"object":"page","entry":[{"id":"1","time":1458692752478,"messaging":[{"sender":{"id":"2"},"recipient":{"id":"1"},"timestamp":1458692752478,"message":{"mid":"m_1","text":"\u00e4\u00f6\u00e5 https:\/\/x.y \ud83d\ude00"}}]}]}"#;

#[test]
fn the_vectors_verify() {
    let secret = Secret::new("secret");
    assert_eq!(verify_signature(&secret, b"hello", Some(HELLO)), Ok(()));
    let escaped = "sha256=9a60936fb39e2a4946b5e1ff0cfeefdbf10ee24874e1fbbd821bff366295b7c8";
    assert_eq!(verify_signature(&secret, ESCAPED, Some(escaped)), Ok(()));
    let proof = app_secret_proof(&Secret::new("APPSECRET"), &Secret::new("PAGETOKEN"));
    assert_eq!(proof, "543b6bc33cf8757f08c5664154a9762d4db96767364c99392e418970a245fa55");

    let parsed = parse(ESCAPED).expect("a webhook");
    assert_eq!(
        parsed.events[0].kind,
        InboundKind::Text { mid: "m_1".to_owned(), text: "äöå https://x.y 😀".to_owned() }
    );
    // A receiver that writes the body again has other bytes, and must fail.
    let again = serde_json::from_slice::<serde_json::Value>(ESCAPED).expect("json").to_string();
    assert_eq!(verify_signature(&secret, again.as_bytes(), Some(escaped)), Err(SignatureError::Mismatch));
}

#[test]
fn anything_else_is_refused() {
    let secret = Secret::new("secret");
    let of = |header: &str| verify_signature(&secret, b"hello", Some(header));
    assert_eq!(verify_signature(&secret, b"hello", None), Err(SignatureError::Missing));
    assert_eq!(of(""), Err(SignatureError::Malformed));
    // Right, but by the old algorithm: not looked at.
    assert_eq!(of("sha1=5112055c05f944f85755efc5cd8970e194e9f45b"), Err(SignatureError::Malformed));
    assert_eq!(of(HELLO.strip_prefix("sha256=").expect("prefix")), Err(SignatureError::Malformed));
    assert_eq!(of(HELLO.get(..70).expect("cut")), Err(SignatureError::Malformed));
    assert_eq!(of(&format!("{HELLO}00")), Err(SignatureError::Malformed));
    assert_eq!(of(&HELLO.replace("88aa", "88ab")), Err(SignatureError::Mismatch));
    assert_eq!(verify_signature(&secret, b"hello ", Some(HELLO)), Err(SignatureError::Mismatch));
    assert_eq!(
        verify_signature(&Secret::new("Secret"), b"hello", Some(HELLO)),
        Err(SignatureError::Mismatch)
    );
}

/// Whoever has the shared reference beside the repository also checks against its file.
#[test]
fn the_shared_file_says_the_same() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/messenger/vectors.json");
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let vectors: serde_json::Value = serde_json::from_str(&text).expect("json");
    let hello = &vectors["x_hub_signature_256_hello"];
    assert_eq!(hello["header"], HELLO);
    let escaped = &vectors["x_hub_signature_escaped_unicode"];
    assert_eq!(escaped["body_raw"].as_str().map(str::as_bytes), Some(ESCAPED));
}
