//! The gate from outside: what must never compile, and what must never be released.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests fail loudly, too"
)]

mod abuse;
mod bypass;
mod consistency;
mod decisions;
mod egress;
mod histories;
mod lives;
mod model;
mod said;
mod sealed_pages;
mod support;
mod tickets;
mod told;
