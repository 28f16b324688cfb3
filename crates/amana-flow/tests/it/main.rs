//! The flows under a clock of their own: a real store, a bank and a channel that do as they are told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests fail loudly, too"
)]

mod abuse;
mod agents;
mod agreements;
mod asking;
mod away;
mod bare;
mod consents;
mod crash;
mod damaged;
mod deleting;
mod direct;
mod doubts;
mod edits;
mod erasing;
mod fake_channel;
mod form_policy;
mod grants;
mod hints;
mod linking;
#[path = "../../../amana-gate/tests/it/lives.rs"]
#[allow(dead_code, reason = "the record in memory is for the crates that have no store")]
mod lives;
mod lives_kept;
mod matching;
mod meanwhile;
mod news;
mod notice_pages;
mod policies;
mod polling;
mod proving;
mod reconciling;
mod renewing;
mod rests;
mod sending;
mod soak;
mod stopping;
mod stories;
mod support;
mod theft;
mod timeline;
mod updates;
