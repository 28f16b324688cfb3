//! Integration tests, one binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;
mod fuzz;
mod limits;
mod properties;
mod show;
