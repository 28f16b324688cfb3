//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_bank::{
    Hint, Profile, Prompt, Whose, event_key, events, limits, parse_binary_event, parse_events, parse_hint,
    probe,
};
use amana_core::{InstitutionId, Timestamp};

/// Whatever a bank pushes, the intake answers.
pub(crate) fn events(body: &[u8]) {
    let institution = InstitutionId::new("cedar-bank").expect("an id");
    for content_type in [events::STRUCTURED, events::BATCH] {
        if let Ok(intake) = parse_events(&institution, content_type, body) {
            assert!(intake.events.len() <= amana_bank::limits::EVENTS_MAX);
            for (event, _) in &intake.events {
                let _ = event_key(event);
            }
        }
    }
    let attributes = [
        ("specversion", "1.0"),
        ("id", "1"),
        ("source", "bank"),
        ("type", "bank.transaction.authorised.v1"),
        ("time", "2026-11-24T10:00:00Z"),
    ];
    let _ = parse_binary_event(&institution, "application/json", &attributes, body);
}

/// Whatever is in a notification: what is taken from it is bounded, names one thing, and says that a grant is over only
/// where its type does.
pub(crate) fn hints(body: &[u8]) {
    let Ok(hint) = parse_hint(body) else { return };
    assert!(!hint.id.is_empty() && hint.id.len() <= limits::EVENT_ATTRIBUTE_BYTES_MAX);
    let kept: Hint = serde_json::from_str(&serde_json::to_string(&hint).expect("json")).expect("a hint");
    assert!(kept == hint, "a hint is the same on the other side of a socket");
    assert!(!format!("{hint:?}").contains(&hint.id) || hint.id.len() < 16, "no ids in a log");
    let Some((prompt, whose)) = &hint.about else { return };
    match whose {
        Whose::Consent(id) | Whose::Customer(id) => {
            assert!(!id.is_empty() && id.len() <= limits::HINT_ID_BYTES_MAX);
        }
        Whose::Account(id) => assert!(!id.as_str().is_empty()),
    }
    if *prompt == Prompt::LookOrStop {
        let said: serde_json::Value = serde_json::from_slice(body).expect("it was read");
        assert!(matches!(said["type"].as_str(), Some("CONSENT_REVOKED" | "CONSENT_EXPIRED")));
    }
}

fn now() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().expect("an instant")
}

fn holds(rules: Result<(), probe::Broken>) {
    if let Err(broken) = rules {
        panic!("this rule does not hold: {broken}");
    }
}

/// Whatever the FDX API answers.
pub(crate) fn fdx(body: &[u8]) {
    holds(probe::fdx(body, now()));
}

/// Whatever the authorization server answers; and any text as a provider's profile.
pub(crate) fn oauth(body: &[u8]) {
    holds(probe::oauth(body, now()));
    if let Ok(text) = std::str::from_utf8(body) {
        let _ = Profile::parse("profile", text);
    }
}

pub(crate) const KEYS: &[u8] = include_bytes!("seeds/jwks.json");
pub(crate) const CLAIMS: &[u8] = include_bytes!("seeds/claims.json");

/// Any bytes as an ID token under the bank's keys, as its claims, and as a key set for a genuine token. Keys and token
/// may both be in the bytes, with an empty line between.
pub(crate) fn id_token(bytes: &[u8]) {
    holds(probe::id_token(KEYS, bytes.trim_ascii(), CLAIMS, now()));
    let genuine = include_bytes!("seeds/es256.jwt").trim_ascii();
    holds(probe::id_token(bytes, genuine, CLAIMS, now()));
    if let Some(at) = bytes.windows(2).position(|pair| pair == b"\n\n") {
        let (keys, token) = bytes.split_at(at);
        holds(probe::id_token(keys, token.trim_ascii(), CLAIMS, now()));
    }
}
