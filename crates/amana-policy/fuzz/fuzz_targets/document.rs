//! `cargo +nightly fuzz run document` in `crates/amana-policy/fuzz`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::document(bytes));
