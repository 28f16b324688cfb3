//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_chat::{Rules, Understand as _};
use amana_core::{Lang, Timestamp};

/// Whatever somebody types, it means something or nothing, the same each time.
pub(crate) fn understand(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("an instant");
    for lang in [Lang::English, Lang::Arabic] {
        let first = format!("{:?}", Rules.understand(&text, lang, now));
        assert_eq!(format!("{:?}", Rules.understand(&text, lang, now)), first);
    }
}
