//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_core::InstitutionId;
use amana_policy::CedarPolicy;

/// Whatever is uploaded as a policy is read or refused with a reason, and what is read keeps its text.
pub(crate) fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let institution = InstitutionId::new("cedar-bank").expect("an id");
    match CedarPolicy::parse(&institution, text) {
        Ok(policy) => assert_eq!(policy.document(), text),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
