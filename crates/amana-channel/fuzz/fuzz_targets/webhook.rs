//! `cargo +nightly fuzz run webhook` in `crates/amana-channel/fuzz`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::webhook(bytes));
