//! The simulator over real HTTP: a client that calls it, and a receiver that records its webhooks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod callbacks;
mod chaos;
mod clock;
mod events;
mod faults;
mod graph;
mod linking;
mod pages;
mod recorded;
mod routing;
mod send_features;
mod sends;
mod support;
mod templates;
mod vectors;
mod webhooks;
