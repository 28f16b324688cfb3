//! The log's integration tests.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests fail loudly, too"
)]

mod audit;
mod bundle;
mod formats;
mod fuzz;
mod independent;
mod index;
mod led_on;
mod tiles;
mod vectors;
mod world;
