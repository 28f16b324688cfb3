//! Any bytes as a webhook body: read or refused, and what was read can be stored and read again.
#![no_main]

use amana_channel::webhook::{Inbound, parse};

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    let Ok(parsed) = parse(raw) else { return };
    for event in &parsed.events {
        let stored = serde_json::to_vec(event).expect("an event can be stored");
        let again: Inbound = serde_json::from_slice(&stored).expect("a stored event can be read");
        assert_eq!(&again, event);
    }
});
