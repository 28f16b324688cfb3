//! The simulator over real HTTP: a client that calls it, and a receiver that records its webhooks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod graph;
mod linking;
mod pages;
mod sends;
mod support;
mod vectors;
mod webhooks;
