//! Every other format that comes from outside: none panics, and what is read is written as it was.
//! `cargo +nightly fuzz run texts corpus/texts` in `crates/amana-log/fuzz`.
#![no_main]

use amana_log::Entry;
use amana_log::checkpoint::Checkpoint;
use amana_log::note::{Note, VerifierKey, parse_signatures};
use amana_log::policy::Policy;
use amana_log::tiles::{Resource, parse_bundle};
use amana_log::witness::AddCheckpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode().as_ref(), bytes);
    }
    let _ = parse_bundle(bytes);
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
    let _ = (Policy::parse(text), parse_signatures(text));
});
