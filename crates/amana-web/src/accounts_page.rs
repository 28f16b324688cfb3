//! The page behind a notice: balances and the latest transactions, as the bank tells them now.

use crate::words::Words;
use amana_core::Timestamp;
use amana_render::format::date_time;
use askama::Template;

/// The page of a customer who is signed in, around what the gate shows. It is never logged, and no cache keeps it.
#[derive(Template)]
#[template(path = "accounts.html")]
pub(crate) struct AccountsPage {
    w: Words,
    bank: String,
    at: String,
    incomplete: bool,
}

impl AccountsPage {
    /// The page. `bank` is the institution's name in the page's language, `at` when the bank was asked, `incomplete`
    /// whether it has more than could be read.
    pub(crate) fn new(w: Words, bank: String, at: Timestamp, incomplete: bool) -> Self {
        Self { bank, at: date_time(w.lang, at, at), incomplete, w }
    }
}
