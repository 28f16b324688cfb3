//! `cargo +nightly fuzz run texts corpus/texts` in `crates/amana-log/fuzz`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::texts(bytes));
