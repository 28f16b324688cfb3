//! What may be done with a value that stays closed: the whole list. Each is a function of `amana-pure`.

use crate::protected::Protected;
use amana_core::{Account, AccountId, AccountKind, BankEventBody, Page, Transaction};
use amana_pure::{Filter, filter_accounts, filter_kind, filter_transactions, merge};
use std::collections::BTreeSet;

impl Protected<Vec<Account>> {
    /// The accounts that are in the set: those that a consent names.
    pub fn only(self, ids: &BTreeSet<AccountId>) -> Self {
        self.map(|accounts| filter_accounts(accounts, ids))
    }

    /// The accounts of a kind; all of them if no kind was named, or if there is none of it.
    pub fn of_kind(self, kind: &Option<AccountKind>) -> Self {
        self.map(|accounts| filter_kind(accounts, kind))
    }
}

impl Protected<Page<Transaction>> {
    /// The pages of several accounts of one person as one, newest first; `None` when there is none, or when they are
    /// not all about the same person.
    #[must_use]
    pub fn merge(pages: Vec<Self>) -> Option<Self> {
        Self::join(pages, merge)
    }

    /// The transactions that are meant, newest first.
    pub fn matching(self, filter: &Filter) -> Self {
        self.map(|page| filter_transactions(page, filter))
    }
}

impl Protected<BankEventBody> {
    /// Several events of one person as one list, in this order; `None` when there is none, or when they are not all
    /// about the same person.
    #[must_use]
    pub fn gather(events: Vec<Self>) -> Option<Protected<Vec<BankEventBody>>> {
        Self::join(events, |bodies| bodies)
    }
}
