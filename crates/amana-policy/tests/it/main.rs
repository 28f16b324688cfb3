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
mod narrowing;
mod solver;
mod support;
mod traps;
