//! `cargo +nightly fuzz run parse corpus/parse ../tests/fixtures/good ../tests/fixtures/broken` in
//! `crates/amana-statement/fuzz`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::parse(bytes));
