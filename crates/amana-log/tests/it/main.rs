//! The log's integration tests.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests fail loudly, too"
)]

mod anew;
mod audit;
mod bounds;
mod bundle;
mod changes;
mod formats;
mod fuzz;
mod independent;
mod index;
mod led_on;
mod strict;
mod tiles;
mod vectors;
mod world;
