//! Whatever an attestation object is, the verifier answers: `cargo +nightly fuzz run cbor`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::cbor(bytes));
