//! The connector against a small strict bank of its own, over real HTTP on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::type_complexity,
    clippy::useless_vec,
    reason = "tests"
)]

mod abuse;
mod bound;
mod check;
mod counted;
mod data;
mod events;
mod fake;
mod fapi;
mod fronts;
mod fuzz;
mod link;
mod logged;
mod notification;
mod refusals;
mod sandbox;
