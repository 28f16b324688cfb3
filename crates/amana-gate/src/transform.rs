//! What may be done with a value that stays closed: the whole list. Each is a function of `amana-pure`.

use crate::protected::Protected;
use amana_core::{
    Account, AccountId, AccountKind, BankEventBody, BankEventKind, Page, Timestamp, Transaction,
};
use amana_pure::{Book, Filter, News, Step, filter_accounts, filter_kind, filter_transactions, merge};
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

/// What comes of an event for a customer's book.
pub struct Advance {
    /// Of the event itself.
    pub step: Step,
    /// The transaction that it is believed to settle, by the id under which that came first.
    pub of: Option<String>,
    /// What else is news now: earlier transactions that were taken for another one.
    pub again: Vec<Again>,
}

/// A transaction that is news after all.
pub struct Again {
    /// In which words.
    pub news: News,
    /// Its id.
    pub id: String,
    /// The transaction.
    pub body: Protected<BankEventBody>,
}

impl Protected<Book> {
    /// Takes an event about a transaction in, which came about at `occurred`, and says what is news of it. `None`, and
    /// nothing taken in, when it is somebody else's or about no transaction.
    pub fn advance(
        &mut self,
        kind: BankEventKind,
        event: &Protected<BankEventBody>,
        occurred: Timestamp,
        now: Timestamp,
    ) -> Option<Advance> {
        let subject = self.subject().clone();
        let BankEventBody::Transaction(transaction) = event.open_for(&subject)? else { return None };
        let verdict = self.open_mut().advance(kind, transaction, occurred, now);
        let of = self.open().settled_by(&transaction.id).map(str::to_owned);
        let about = |(news, t): (News, Transaction)| Again {
            news,
            id: t.id.clone(),
            body: Protected::new(subject.clone(), BankEventBody::Transaction(t)),
        };
        Some(Advance { step: verdict.step, of, again: verdict.again.into_iter().map(about).collect() })
    }

    /// Whether the book knows a transaction under this id.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.open().knows(id)
    }

    /// Takes out the transaction of this id, of which the customer was never told, and what was silent because of it.
    pub fn forget_untold(&mut self, id: &str) {
        self.open_mut().forget_untold(id);
    }
}
