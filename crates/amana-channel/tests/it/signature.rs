//! Signatures against the vectors on record.

use amana_channel::webhook::InboundKind;
use amana_channel::webhook::{
    SignatureError, SignedRequestError, app_secret_proof, parse, verify_signature, verify_signed_request,
};
use amana_core::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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

/// The vectors of the reference (section 8).
#[test]
fn a_signed_request_is_believed_only_whole_and_in_time() {
    const DELETION: &str = "-fwBSpSRt5D9U-ha4XKiZ9gMrcQ2raVsTIJ8JnSTzeM.eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3JpdGhtIjoiSE1BQy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjEyOTE4MzY4MDAsImV4cGlyZXMiOjEyOTE4NDA0MDB9";
    const OTHER: &str = "Mf_s6nTb38UYqioBmPqu0Ewm9souPZB9I2fIGwV729U.eyJ1c2VyX2lkIjoiMCIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjoxNjI0MjQ0MTU2fQ";
    let at = |second| amana_core::Timestamp::from_second(second).expect("instant");
    let check =
        |secret: &str, text: &str, second| verify_signed_request(&Secret::new(secret), text, at(second));
    let good = check("secret", DELETION, 1_291_836_900).expect("good");
    assert_eq!((good.user_id.as_str(), good.issued_at), ("218471", at(1_291_836_800)));
    assert_eq!(check("key", OTHER, 1_624_244_200).map(|r| r.user_id).as_deref(), Ok("0"));
    let padded = DELETION.replacen('.', "=.", 1) + "=";
    assert_eq!(
        check("secret", &padded, 1_291_836_900),
        Err(SignedRequestError::Mismatch),
        "signed as it is encoded"
    );
    assert_eq!(check("other", DELETION, 1_291_836_900), Err(SignedRequestError::Mismatch));
    assert_eq!(check("secret", DELETION, 1_291_836_800 + 86_401), Err(SignedRequestError::NotOfThisTime));
    assert_eq!(check("secret", DELETION, 1_291_836_800 - 301), Err(SignedRequestError::NotOfThisTime));
    let (_, payload) = DELETION.split_once('.').expect("two parts");
    for text in [
        "",
        ".",
        "a.b.c",
        &format!("!!.{payload}"),
        &"x".repeat(9_000),
        &format!("{}{DELETION}", "y".repeat(9_000)),
    ] {
        assert!(check("secret", text, 1_291_836_900).is_err(), "{text:.20}");
    }
    // Signed, and yet incomplete.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
    let signed = |payload: &str| {
        let payload = URL_SAFE_NO_PAD.encode(payload);
        let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, payload.as_bytes()));
        check("secret", &format!("{signature}.{payload}"), 1_000_000)
    };
    assert!(signed(r#"{"algorithm":"hmac-sha256","user_id":5,"issued_at":"1000000"}"#).is_ok());
    for payload in [
        "[]",
        r#"{"user_id":"5","issued_at":1000000}"#,
        r#"{"algorithm":"none","user_id":"5","issued_at":1000000}"#,
        r#"{"algorithm":"HMAC-SHA256","issued_at":1000000}"#,
        r#"{"algorithm":"HMAC-SHA256","user_id":"5"}"#,
    ] {
        assert_eq!(signed(payload), Err(SignedRequestError::Incomplete), "{payload}");
    }
}
