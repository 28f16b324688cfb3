//! The page behind a notice: balances and the latest transactions, as the bank tells them now.

use crate::words::Words;
use amana_chat::format::{date, date_time, masked, money};
use amana_core::{Account, AccountKind, Direction, Transaction, TransactionState};
use amana_flow::AccountsView;
use askama::Template;

/// The page of a customer who is signed in. It is never logged, and no cache keeps it.
#[derive(Template)]
#[template(path = "accounts.html")]
pub(crate) struct AccountsPage {
    w: Words,
    bank: String,
    at: String,
    accounts: Vec<AccountCard>,
}

struct AccountCard {
    name: String,
    masked: Option<String>,
    balances: Vec<(String, String)>,
    rows: Vec<RowLine>,
}

struct RowLine {
    day: String,
    what: String,
    amount: String,
    pending: bool,
}

impl AccountsPage {
    /// The page. `bank` is the institution's name in the page's language.
    pub(crate) fn new(w: Words, view: &AccountsView, bank: String) -> Self {
        let accounts =
            view.accounts.iter().map(|(account, latest)| card(&w, view, account, latest)).collect();
        Self { bank, at: date_time(w.lang, view.at, view.at), accounts, w }
    }
}

fn card(w: &Words, view: &AccountsView, account: &Account, latest: &[Transaction]) -> AccountCard {
    let owed = matches!(account.kind, AccountKind::CreditCard | AccountKind::Loan);
    let current = w.t(if owed { "accounts-owed" } else { "accounts-booked" });
    let balances = [(current, account.current), (w.t("accounts-available"), account.available)];
    AccountCard {
        name: if account.name.is_empty() { w.kind(account.kind) } else { account.name.clone() },
        masked: account.last_four.as_deref().map(masked),
        balances: balances.into_iter().filter_map(|(term, m)| Some((term, money(w.lang, m?)))).collect(),
        rows: latest
            .iter()
            .map(|t| RowLine {
                day: date(w.lang, t.at, view.at),
                what: t.merchant.clone().unwrap_or_else(|| t.description.clone()),
                amount: match t.direction {
                    Direction::In => format!("+{}", money(w.lang, t.amount)),
                    Direction::Out | Direction::Memo => money(w.lang, t.amount),
                },
                pending: t.state == TransactionState::Pending,
            })
            .collect(),
    }
}
