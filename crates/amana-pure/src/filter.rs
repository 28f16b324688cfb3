//! Which accounts and transactions a question is about.

use crate::{normalise, sound};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::{Account, AccountId, AccountKind, Page, Transaction};
use core::cmp::Reverse;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Which transactions are meant. Days are counted in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only of this shop, as the customer wrote it.
    pub merchant: Option<String>,
    /// From this day …
    pub from: Option<Date>,
    /// … to before this one.
    pub to: Option<Date>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl Filter {
    /// Whether a transaction is meant (the limit aside).
    #[must_use]
    pub fn matches(&self, t: &Transaction) -> bool {
        let day = TimeZone::UTC.to_datetime(t.at).date();
        self.from.is_none_or(|from| from <= day)
            && self.to.is_none_or(|to| day < to)
            && self.merchant.as_deref().is_none_or(|m| {
                merchant_matches(m, t.merchant.as_deref().unwrap_or_default())
                    || merchant_matches(m, &t.description)
            })
    }
}

/// The accounts that are in the set (those that a consent names).
#[must_use]
pub fn filter_accounts(accounts: Vec<Account>, ids: &BTreeSet<AccountId>) -> Vec<Account> {
    accounts.into_iter().filter(|a| ids.contains(&a.id)).collect()
}

/// The accounts of a kind; all of them if no kind was named, or if there is none of it.
#[must_use]
pub fn filter_kind(accounts: Vec<Account>, kind: &Option<AccountKind>) -> Vec<Account> {
    match kind {
        Some(kind) if accounts.iter().any(|a| a.kind == *kind) => {
            accounts.into_iter().filter(|a| a.kind == *kind).collect()
        }
        _ => accounts,
    }
}

/// The transactions that are meant, newest first. `truncated` stays what it was: the limit is the customer's own.
#[must_use]
pub fn filter_transactions(page: Page<Transaction>, filter: &Filter) -> Page<Transaction> {
    let mut rows: Vec<Transaction> = page.rows.into_iter().filter(|t| filter.matches(t)).collect();
    newest_first(&mut rows);
    rows.truncate(filter.limit.unwrap_or(usize::MAX));
    Page { rows, truncated: page.truncated }
}

/// The pages of several accounts as one, newest first; truncated if one of them is.
#[must_use]
pub fn merge(pages: Vec<Page<Transaction>>) -> Page<Transaction> {
    let truncated = pages.iter().any(|p| p.truncated);
    let mut rows: Vec<Transaction> = pages.into_iter().flat_map(|p| p.rows).collect();
    newest_first(&mut rows);
    Page { rows, truncated }
}

fn newest_first(rows: &mut [Transaction]) {
    rows.sort_by(|a, b| Reverse(a.at).cmp(&Reverse(b.at)).then_with(|| a.id.cmp(&b.id)));
}

/// Whether what a customer wrote means a shop as the bank writes it: the words of one at the start of words of the
/// other, spelling of spaces and marks aside ("7 eleven" and `7-ELEVEN #12`); between the scripts, by sound
/// ("بلو بوتل" and `Blue Bottle`).
#[must_use]
pub fn merchant_matches(wanted: &str, merchant: &str) -> bool {
    let (wanted, merchant) = (shop_words(wanted), shop_words(merchant));
    let wanted_joined = wanted.concat();
    if wanted_joined.is_empty() || merchant.is_empty() {
        return false;
    }
    let short = wanted_joined.chars().count() < 3;
    let by_letters = (0..merchant.len()).any(|start| {
        let tail = merchant.get(start..).unwrap_or_default();
        if short { tail.first() == Some(&wanted_joined) } else { tail.concat().starts_with(&wanted_joined) }
    });
    by_letters || sound::alike(&wanted, &merchant)
}

/// The words of a shop's name, normalised; an Arabic article does not count.
fn shop_words(name: &str) -> Vec<String> {
    normalise(name)
        .split_whitespace()
        .map(|w| match w.strip_prefix("ال") {
            Some(rest) if rest.chars().count() >= 3 => rest.to_owned(),
            _ => w.to_owned(),
        })
        .collect()
}
