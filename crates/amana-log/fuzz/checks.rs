//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_log::Entry;
use amana_log::bundle::{Bundle, Trust, verify};
use amana_log::checkpoint::Checkpoint;
use amana_log::note::{Note, VerifierKey, parse_signatures};
use amana_log::policy::Policy;
use amana_log::tiles::{Resource, parse_bundle};
use amana_log::witness::AddCheckpoint;

/// What verifies is read again from what it is written as, and verifies still.
pub(crate) fn bundle(text: &str) {
    match verify(text, &Trust::default()) {
        Ok(verified) => {
            let again = Bundle::parse(text).and_then(|bundle| bundle.to_json()).expect("it was read before");
            assert_eq!(verify(&again, &Trust::default()).as_ref(), Ok(&verified));
        }
        Err(rejected) => assert!(!rejected.detail.is_empty()),
    }
}

/// Every other format that comes from outside: none panics, and what is read is written as it was.
pub(crate) fn texts(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode().as_ref(), bytes);
    }
    if let Some(entries) = parse_bundle(bytes) {
        let mut again = Vec::with_capacity(bytes.len());
        for entry in &entries {
            let length = u16::try_from(entry.len()).expect("an entry has two bytes of length");
            again.extend_from_slice(&length.to_be_bytes());
            again.extend_from_slice(entry);
        }
        assert_eq!(again, bytes);
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.body().as_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Some(resource) = Resource::parse(text) {
        assert_eq!(resource.path(), text);
    }
    if let Ok(lines) = parse_signatures(text) {
        assert_eq!(lines.iter().map(ToString::to_string).collect::<String>(), text);
    }
    let _ = Policy::parse(text);
}
