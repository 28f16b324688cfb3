//! Topics over real TCP: brokers of librdkafka's mock cluster, whose consumer groups are its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod crash;
mod durable;
mod group;
mod poison;
mod support;
