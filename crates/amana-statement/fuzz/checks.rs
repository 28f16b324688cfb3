//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

/// Any bytes as a statement: read or refused, and the refusal can be told.
pub(crate) fn parse(bytes: &[u8]) {
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
}
