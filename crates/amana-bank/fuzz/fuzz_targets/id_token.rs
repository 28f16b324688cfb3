//! Any bytes as an ID token, its claims, or a key set: `cargo +nightly fuzz run id_token`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::id_token(bytes));
