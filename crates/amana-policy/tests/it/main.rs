//! The policy crate from outside: traps, narrowing, documents, acceptance.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails, helpers too"
)]

mod acceptance;
mod documents;
mod fuzz;
mod histories;
#[path = "../../../amana-gate/tests/it/lives.rs"]
#[allow(dead_code, reason = "the gate's tests use all of it")]
mod lives;
mod narrowing;
mod solver;
mod support;
mod traps;
