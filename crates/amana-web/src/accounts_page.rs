//! The page behind a notice: balances and the latest transactions, as the bank tells them now.

use crate::words::Words;
use amana_flow::{AccountsPart, AccountsView, PartAccounts};
use amana_gate::Shown;
use amana_render::format::{date, date_time};
use askama::Template;

/// The page of a customer who is signed in, around what the gate shows. It is never logged, and no cache keeps it.
#[derive(Template)]
#[template(path = "accounts.html")]
pub(crate) struct AccountsPage {
    w: Words,
    bank: String,
    at: String,
    incomplete: bool,
    parts: Vec<Part>,
}

/// One link. Where there is only one, nobody needs to be told which.
#[derive(Debug)]
struct Part {
    heading: Option<String>,
    linked: String,
    ends: String,
    purposes: String,
    /// What stands in the place of its accounts.
    instead: Option<String>,
}

impl AccountsPage {
    /// The page and the pieces that go into it.
    pub(crate) fn new(w: Words, view: AccountsView) -> (Self, Vec<Shown>) {
        let (mut parts, mut pieces) = (Vec::new(), Vec::new());
        let several = view.parts.len() > 1;
        for (place, part) in view.parts.into_iter().enumerate() {
            let AccountsPart { linked_at, ends_at, purposes, accounts } = part;
            let instead = match accounts {
                PartAccounts::Shown(shown) => {
                    pieces.push(shown);
                    None
                }
                PartAccounts::Same => Some(w.t("accounts-same")),
                PartAccounts::Unread => Some(w.t("accounts-unread")),
            };
            let purposes: Vec<String> = purposes.into_iter().map(|purpose| w.purpose(purpose)).collect();
            parts.push(Part {
                heading: several.then(|| w.count("accounts-link", place.saturating_add(1))),
                linked: date(w.lang, linked_at, view.at),
                ends: date(w.lang, ends_at, view.at),
                purposes: w.list(&purposes),
                instead,
            });
        }
        let (bank, at) = (view.institution, date_time(w.lang, view.at, view.at));
        (Self { bank, at, incomplete: view.incomplete, parts, w }, pieces)
    }
}
