//! The sandbox bank over real HTTP on loopback.

// Helpers outside of test functions are tests too: a wrong answer of the bank is to fail them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::needless_pass_by_value)]

mod completeness;
mod consents;
mod events;
mod fapi;
mod fdx;
mod import;
mod notifications;
mod oauth;
mod openapi;
mod operations;
mod pages;
mod resources;
mod util;
