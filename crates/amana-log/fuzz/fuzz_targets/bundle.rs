//! `cargo +nightly fuzz run bundle corpus/bundle` in `crates/amana-log/fuzz`; fill the corpus with the `bundle` members
//! of `verifiers/vectors/*.json`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::bundle(text));
