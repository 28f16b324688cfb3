//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_channel::webhook::{Inbound, InboundKind, parse, verify_signed_request};
use amana_core::{Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// Any bytes as a webhook body: read or refused, and what was read can be stored and read again.
pub(crate) fn webhook(raw: &[u8]) {
    let Ok(parsed) = parse(raw) else { return };
    // The platform delivers again, perhaps with other bytes around it: the same event must have the same name.
    assert_eq!(parse(raw).as_ref(), Ok(&parsed), "the same bytes are read the same");
    assert!(parsed.faults.len() <= parsed.ignored as usize, "what is left out is counted");
    for fault in &parsed.faults {
        assert!(fault.to_string().len() < 400, "a fault tells a place, not what stood there");
    }
    for event in &parsed.events {
        let stored = serde_json::to_vec(event).expect("an event can be stored");
        let again: Inbound = serde_json::from_slice(&stored).expect("a stored event can be read");
        let mut kept = event.clone();
        forget_words(&mut kept.kind);
        assert_eq!(again, kept);
    }
}

/// What an echo says is read and not kept.
fn forget_words(kind: &mut InboundKind) {
    match kind {
        InboundKind::Standby(inner) => forget_words(inner),
        InboundKind::Echo { words, .. } => words.0.clear(),
        _ => {}
    }
}

/// Any bytes as a message of ours: read back or not, without harm.
pub(crate) fn display(bytes: &[u8]) {
    let _ = amana_render::messenger::decode_for_display(bytes);
}

const APP_SECRET: &str = "sandbox-app-secret";

/// The platform's form of a payload that it signs.
pub(crate) fn signed(payload: &[u8]) -> String {
    let payload = URL_SAFE_NO_PAD.encode(payload);
    let key = hmac::Key::new(hmac::HMAC_SHA256, APP_SECRET.as_bytes());
    format!("{}.{payload}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, payload.as_bytes())))
}

/// Any bytes as a request of the platform to delete or to forget: believed only where the signature is good, and then
/// of somebody and of this time.
pub(crate) fn signed_request(bytes: &[u8]) {
    let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("an instant");
    let secret = Secret::new(APP_SECRET);
    let this_time = |at: Timestamp| (now.as_second() - at.as_second()).abs() <= 86_400;
    // As a payload that the platform has signed.
    if let Ok(request) = verify_signed_request(&secret, &signed(bytes), now) {
        assert!(!request.user_id.is_empty() && this_time(request.issued_at));
    }
    // As the whole request: its own payload, signed again, must be what was signed.
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if verify_signed_request(&secret, text, now).is_ok() {
        let payload = text.trim().split_once('.').expect("two parts").1;
        let key = hmac::Key::new(hmac::HMAC_SHA256, APP_SECRET.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, payload.as_bytes()));
        assert!(text.trim().starts_with(&signature), "a signature that is not ours is believed");
    }
}
