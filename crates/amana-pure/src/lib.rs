//! Pure functions over a bank's data: narrowing, joining, adding up. The gate applies them to what it keeps closed.
//!
//! This crate is `no_std`: it has no way to print, log, store, send, or ask for the time. `cargo xtask tidy` makes sure
//! that it stays so (no `std`, no statics), and that no crate below it brings a network or a log. So whoever reads the
//! gate need not read these functions to know that they keep what they see to themselves.
//!
//! What is **not** here: no text that a person reads (`amana-render`), no decision (`amana-gate`).

#![no_std]

extern crate alloc;

mod book;
mod filter;
mod latest;
pub mod limits;
mod own;
mod sound;
mod spending;
mod text;

pub use book::{Book, News, Pair, Step, Verdict};
pub use filter::{Filter, filter_accounts, filter_kind, filter_transactions, merchant_matches, merge};
pub use latest::latest;
pub use spending::{Spent, Total, spent, totals};
pub use text::normalise;
