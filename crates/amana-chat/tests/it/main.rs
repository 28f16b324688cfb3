//! The crate from outside.
#![allow(clippy::expect_used, reason = "a test may fail where it stands")]

mod cases;
mod fuzz;
mod texts;

use amana_core::Timestamp;

/// Monday, 23 November 2026, noon UTC.
fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("an instant")
}
