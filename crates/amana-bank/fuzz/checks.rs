//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_bank::{event_key, events, parse_binary_event, parse_events};
use amana_core::InstitutionId;

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
