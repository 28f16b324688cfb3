//! Whatever the authorization server answers: `cargo +nightly fuzz run oauth`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|body: &[u8]| checks::oauth(body));
