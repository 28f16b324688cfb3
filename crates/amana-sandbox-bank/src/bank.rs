//! One institution in memory, and everything of it that is loaded at the start.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::Notify;

use crate::brand::Brand;
use crate::db::{Change, Db};
use crate::error::Error;
use crate::faults::Fault;
use crate::generator::{PERSONAS, generate};
use crate::import::{self, ImportedCustomer};
use crate::limits;
use crate::model::{Account, Customer, Txn};
use crate::notifications::{self, Notice, Subscription, Told};
use crate::records::{
    Cluster, Code, Consent, EventRecord, EventStatus, Interaction, Pushed, Requested, Revocation, Session,
    Token, kind,
};

/// One institution.
pub(crate) struct Bank {
    pub(crate) brand: &'static Brand,
    pub(crate) customers: BTreeMap<String, Customer>,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) imports: BTreeMap<String, ImportedCustomer>,
    pub(crate) consents: BTreeMap<String, Consent>,
    /// Consents that wait for their customers.
    pub(crate) requested: BTreeMap<String, Requested>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) pushed: BTreeMap<String, Pushed>,
    pub(crate) interactions: BTreeMap<String, Interaction>,
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Client assertions already seen, with their end.
    pub(crate) assertions: BTreeMap<String, Timestamp>,
    /// Events by sequence number; the number orders delivery.
    pub(crate) events: BTreeMap<u64, EventRecord>,
    /// What clients want to be notified of.
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    /// Notifications by sequence number.
    pub(crate) notices: BTreeMap<u64, Notice>,
    /// Wakes who sends them.
    pub(crate) noticed: Arc<Notify>,
    pub(crate) faults: Vec<Fault>,
    /// Deliver the next two events swapped.
    pub(crate) reorder: bool,
    /// Send the next deliveries as one batch, whatever the target's mode.
    pub(crate) batch_once: bool,
}

impl Bank {
    /// Reads everything back and makes the demonstration customers' history up to `now`.
    pub(crate) fn load(
        db: &Db,
        brand: &'static Brand,
        seed: u64,
        first_day: Date,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let id = brand.id;
        let mut bank = Self {
            brand,
            customers: BTreeMap::new(),
            accounts: BTreeMap::new(),
            imports: BTreeMap::new(),
            consents: db.load(kind::CONSENT, id)?.into_iter().collect(),
            requested: db.load(kind::REQUESTED, id)?.into_iter().collect(),
            tokens: db.load(kind::TOKEN, id)?.into_iter().collect(),
            codes: db.load(kind::CODE, id)?.into_iter().collect(),
            pushed: db.load(kind::PUSHED, id)?.into_iter().collect(),
            interactions: db.load(kind::INTERACTION, id)?.into_iter().collect(),
            sessions: db.load(kind::SESSION, id)?.into_iter().collect(),
            assertions: db.load(kind::ASSERTION, id)?.into_iter().collect(),
            events: BTreeMap::new(),
            subscriptions: db.load(kind::SUBSCRIPTION, id)?.into_iter().collect(),
            notices: BTreeMap::new(),
            noticed: Arc::default(),
            faults: Vec::new(),
            reorder: false,
            batch_once: false,
        };
        for persona in &PERSONAS {
            let made = generate(persona, id, seed, first_day, now);
            bank.add_customer(made.customer, made.accounts);
        }
        for (username, imported) in db.load::<ImportedCustomer>(kind::IMPORT, id)? {
            let (customer, accounts) = import::build(id, &imported)?;
            bank.add_customer(customer, accounts);
            bank.imports.insert(username, imported);
        }
        for (_, txn) in db.load::<Txn>(kind::TXN, id)? {
            bank.apply_txn(txn);
        }
        let numbered = |kind: &str, number: &str| {
            number
                .parse()
                .map_err(|_| Error::Record { kind: kind.to_owned(), reason: "its number is none".to_owned() })
        };
        for (number, event) in db.load::<EventRecord>(kind::EVENT, id)? {
            bank.events.insert(numbered(kind::EVENT, &number)?, event);
        }
        for (number, notice) in db.load::<Notice>(kind::NOTICE, id)? {
            bank.notices.insert(numbered(kind::NOTICE, &number)?, notice);
        }
        Ok(bank)
    }

    /// Adds a customer or replaces the accounts of one that was imported before.
    pub(crate) fn add_customer(&mut self, customer: Customer, accounts: Vec<Account>) {
        for account in accounts {
            self.accounts.insert(account.id.clone(), account);
        }
        self.customers.insert(customer.id.clone(), customer);
    }

    /// Enters a transaction in its account, if that exists.
    pub(crate) fn apply_txn(&mut self, txn: Txn) {
        if let Some(account) = self.accounts.get_mut(&txn.account_id) {
            account.apply(txn);
        }
    }

    /// Demonstration customers first, then imported ones, each by user name.
    pub(crate) fn customers_in_order(&self) -> Vec<&Customer> {
        let mut customers: Vec<_> = self.customers.values().collect();
        customers.sort_by(|a, b| (a.imported, &a.username).cmp(&(b.imported, &b.username)));
        customers
    }

    pub(crate) fn customer_by_username(&self, username: &str) -> Option<&Customer> {
        self.customers.values().find(|customer| customer.username == username)
    }

    pub(crate) fn accounts_of(&self, customer: &Customer) -> Vec<&Account> {
        customer.account_ids.iter().filter_map(|id| self.accounts.get(id)).collect()
    }

    pub(crate) fn find_txn(&self, id: &str) -> Option<(&Account, &Txn)> {
        self.accounts.values().find_map(|account| {
            let txn = account.txns.iter().find(|txn| txn.id == id)?;
            Some((account, txn))
        })
    }

    /// Whether an active consent of this client lets this kind of data of this account go out.
    pub(crate) fn consented(
        &self,
        client_id: &str,
        account_id: &str,
        cluster: Cluster,
        now: Timestamp,
    ) -> bool {
        self.consents.values().any(|consent| {
            consent.client_id == client_id
                && consent.is_active(now)
                && consent.clusters_of(account_id).contains(&cluster)
        })
    }

    /// Ends a consent and all its tokens and codes, and tells its client, if that wants to hear of it. Does nothing if
    /// it has ended already.
    pub(crate) fn end_consent(
        &mut self,
        db: &mut Db,
        id: &str,
        revocation: &Revocation,
    ) -> Result<bool, Error> {
        let Some(consent) = self.consents.get(id) else { return Ok(false) };
        if !consent.is_active(revocation.at) {
            return Ok(false);
        }
        let mut consent = consent.clone();
        consent.revoked = Some(revocation.clone());
        let mut changes = vec![Change::put(kind::CONSENT, self.brand.id, id, &consent)?];
        let tokens: Vec<String> = self
            .tokens
            .iter()
            .filter(|(_, token)| token.consent_id.as_deref() == Some(id))
            .map(|(hash, _)| hash.clone())
            .collect();
        changes.extend(tokens.iter().map(|hash| Change::delete(kind::TOKEN, self.brand.id, hash)));
        let told = notifications::about_consent(self, Told::ConsentRevoked, &consent, revocation.at);
        let told = notifications::number(self, told, &mut changes)?;
        db.commit(&changes)?;
        notifications::take_in(self, told);
        self.consents.insert(id.to_owned(), consent);
        for hash in tokens {
            self.tokens.remove(&hash);
        }
        Ok(true)
    }

    /// Forgets what has run out, so that the state file does not grow for ever.
    pub(crate) fn prune(&mut self, db: &mut Db, now: Timestamp) -> Result<(), Error> {
        let id = self.brand.id;
        let mut changes = Vec::new();
        // A code is remembered past its end, so that its reuse is still noticed.
        let used_codes = now.checked_sub(jiff::SignedDuration::from_hours(24)).unwrap_or(now);
        expire(&mut self.codes, kind::CODE, id, &mut changes, |code| code.expires > used_codes);
        expire(&mut self.requested, kind::REQUESTED, id, &mut changes, |asked| asked.expires > now);
        // A pushed request is used up when its authorization ends, which may be later than it could be opened.
        let opened =
            now.checked_sub(jiff::SignedDuration::from_secs(limits::INTERACTION_LIFE_SECS)).unwrap_or(now);
        expire(&mut self.pushed, kind::PUSHED, id, &mut changes, |pushed| pushed.expires > opened);
        expire(&mut self.interactions, kind::INTERACTION, id, &mut changes, |interaction| {
            interaction.expires > now
        });
        expire(&mut self.sessions, kind::SESSION, id, &mut changes, |session| session.expires > now);
        expire(&mut self.assertions, kind::ASSERTION, id, &mut changes, |end| *end > now);
        expire(&mut self.tokens, kind::TOKEN, id, &mut changes, |token| {
            token.expires.is_none_or(|end| end > now)
        });
        let finished: Vec<u64> = self
            .events
            .iter()
            .filter(|(_, e)| e.status != EventStatus::Waiting)
            .map(|(number, _)| *number)
            .collect();
        let surplus = finished.len().saturating_sub(limits::DELIVERED_KEPT);
        for number in finished.into_iter().take(surplus) {
            self.events.remove(&number);
            changes.push(Change::delete(kind::EVENT, id, &event_key(number)));
        }
        let done: Vec<u64> = self
            .notices
            .iter()
            .filter(|(_, notice)| notice.status != EventStatus::Waiting)
            .map(|(number, _)| *number)
            .collect();
        let surplus = done.len().saturating_sub(limits::DELIVERED_KEPT);
        for number in done.into_iter().take(surplus) {
            self.notices.remove(&number);
            changes.push(Change::delete(kind::NOTICE, id, &event_key(number)));
        }
        if changes.is_empty() { Ok(()) } else { db.commit(&changes) }
    }
}

/// Key of an event: sorts as its number does.
pub(crate) fn event_key(number: u64) -> String {
    format!("{number:020}")
}

fn expire<T>(
    map: &mut BTreeMap<String, T>,
    kind: &'static str,
    bank: &str,
    changes: &mut Vec<Change>,
    keep: impl Fn(&T) -> bool,
) {
    map.retain(|id, value| {
        let kept = keep(value);
        if !kept {
            changes.push(Change::delete(kind, bank, id));
        }
        kept
    });
}
