//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_channel::webhook::{Inbound, parse};

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
        assert_eq!(&again, event);
    }
}

/// Any bytes as a message of ours: read back or not, without harm.
pub(crate) fn display(bytes: &[u8]) {
    let _ = amana_render::messenger::decode_for_display(bytes);
}
