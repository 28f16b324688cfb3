//! Whatever a bank notifies of, it is at most a hint: `cargo +nightly fuzz run hints`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|body: &[u8]| checks::hints(body));
