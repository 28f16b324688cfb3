//! The surface as its callers see it: every route, in both languages, with good and bad input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod abuse;
mod admin;
#[path = "../../../amana-passkey/tests/it/authenticator.rs"]
mod authenticator;
mod consent;
mod events;
mod headers;
mod link;
mod notice;
mod notifications;
mod own_site;
mod pages;
mod passkeys;
mod platform;
mod privacy;
mod renew;
mod rights;
mod support;
mod webhook;
