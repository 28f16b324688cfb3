//! Whatever a bank pushes, the intake answers: `cargo +nightly fuzz run events`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|body: &[u8]| checks::events(body));
