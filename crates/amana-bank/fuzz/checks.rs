//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_bank::{Profile, event_key, events, parse_binary_event, parse_events, probe};
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
