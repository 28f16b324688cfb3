//! What a platform signs, and what it does not: `cargo +nightly fuzz run signed_request`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::signed_request(bytes));
