//! Whatever the FDX API answers: `cargo +nightly fuzz run fdx`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|body: &[u8]| checks::fdx(body));
