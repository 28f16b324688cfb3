//! Whatever an authenticator says, the verifier answers: `cargo +nightly fuzz run authenticator_data`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::authenticator_data(bytes));
