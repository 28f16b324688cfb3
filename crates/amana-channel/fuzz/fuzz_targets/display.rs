//! `cargo +nightly fuzz run display` in `crates/amana-channel/fuzz`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::display(bytes));
