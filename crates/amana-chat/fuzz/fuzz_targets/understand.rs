//! `cargo +nightly fuzz run understand` in `crates/amana-chat/fuzz`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::understand(bytes));
