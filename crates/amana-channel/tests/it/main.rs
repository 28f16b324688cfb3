//! The channel against a Graph server of its own, over HTTP, and against every shape of webhook on record.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; clippy exempts only functions marked as tests, not their helpers"
)]

mod abuse;
mod attachments;
mod bodies;
mod calls;
mod classes;
mod egress;
mod forms;
mod fuzz;
mod graph;
mod inbound;
mod limits;
mod profile;
mod signature;
mod simulator;
