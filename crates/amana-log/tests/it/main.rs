//! The log's integration tests.

mod index;
mod tiles;
