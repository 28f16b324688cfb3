//! Whatever a browser says, the verifier answers: `cargo +nightly fuzz run client_data`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::client_data(bytes));
