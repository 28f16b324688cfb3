//! The binary from outside: real processes, real HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly"
)]

mod bench;
mod browser;
#[expect(dead_code, reason = "the tests of amana-object use the rest")]
#[path = "../../../amana-object/tests/it/bucket.rs"]
mod bucket;
mod canary;
mod chat;
mod command_line;
mod config;
mod demo;
mod erasure;
mod kafka;
mod keep;
mod kill;
mod latency;
mod messenger;
mod metrics;
mod misbehaviour;
mod nodes;
mod objects;
mod process;
mod profiles;
mod proof;
mod restart;
mod roles;
mod serve;
mod statement;
mod story;
mod upkeep;
