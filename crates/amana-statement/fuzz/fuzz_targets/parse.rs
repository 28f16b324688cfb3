//! `cargo +nightly fuzz run parse corpus/parse ../tests/fixtures/good ../tests/fixtures/broken` in
//! `crates/amana-statement/fuzz`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match amana_statement::parse(bytes) {
        Ok(statements) => {
            for statement in &statements {
                assert_eq!(statement.keys().len(), statement.transactions.len());
            }
        }
        Err(error) => {
            let shown = [error.to_string(), error.for_log(), error.arabic()];
            assert!(shown.iter().all(|text| !text.is_empty() && !text.contains('\n')));
        }
    }
});
