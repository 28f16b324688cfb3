//! Making things happen: purchases, postings, deposits, refunds, reversals. Each is one commit of the books together
//! with the events that tell about it.

use jiff::Timestamp;

use crate::app::App;
use crate::bank::Bank;
use crate::brand::Brand;
use crate::db::{Change, Db};
use crate::error::Error;
use crate::events::{self, EventType};
use crate::limits;
use crate::model::{Account, AccountKind, HAND_MADE, Txn, TxnKind, TxnState};
use crate::money::Currency;
use crate::notifications;
use crate::records::kind;

/// Why the teller says no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no such customer")]
    NoCustomer,
    #[error("there is no such account, or it is not this customer's")]
    NoAccount,
    #[error("there is no such transaction")]
    NoTransaction,
    #[error("{0}")]
    Amount(String),
    #[error("the merchant must have between 1 and 80 characters")]
    Merchant,
    #[error("the currency is not known to this bank")]
    Currency,
    #[error("there is not enough money on the account")]
    NoFunds,
    #[error("the transaction is not in a state that allows this")]
    State,
    #[error(transparent)]
    Store(#[from] Error),
}

/// Which account is meant.
pub(crate) struct Where<'a> {
    /// User name.
    pub(crate) customer: &'a str,
    /// Absent: the customer's first account of `or_kind`, or the first at all.
    pub(crate) account_id: Option<&'a str>,
    pub(crate) or_kind: AccountKind,
}

/// Buys: holds the amount as pending. `currency` other than the account's is converted.
pub(crate) fn purchase(
    app: &App,
    brand: &'static Brand,
    at: &Where<'_>,
    merchant: &str,
    amount: &str,
    currency: Option<&str>,
) -> Result<Txn, Refused> {
    act(app, brand, |bank, db| {
        let merchant = merchant_name(merchant)?;
        let account = find(bank, at)?;
        let priced = priced(account, amount, currency)?;
        if account.balances().available_minor < priced.minor {
            return Err(Refused::NoFunds);
        }
        let now = app.now();
        let txn = Txn {
            state: TxnState::Pending,
            posted_at: None,
            foreign: priced.foreign,
            ..drafted(app, account, TxnKind::Purchase, -priced.minor, merchant, now)
        };
        enter(app, bank, db, vec![txn.clone()], EventType::Authorised, &txn)?;
        Ok(txn)
    })
}

/// Posts a pending transaction under a new id, perhaps with another amount (a tip).
pub(crate) fn post(app: &App, brand: &'static Brand, id: &str, amount: Option<&str>) -> Result<Txn, Refused> {
    act(app, brand, |bank, db| {
        let (account, pending) = bank.find_txn(id).ok_or(Refused::NoTransaction)?;
        if pending.state != TxnState::Pending {
            return Err(Refused::State);
        }
        let minor = match amount {
            None => pending.amount_minor,
            Some(text) => {
                let minor = account.currency.parse_positive(text).map_err(Refused::Amount)?;
                if pending.amount_minor < 0 { -minor } else { minor }
            }
        };
        let now = app.now();
        let mut ended = pending.clone();
        ended.state = TxnState::Gone;
        let posted = Txn {
            id: app.id(HAND_MADE),
            reference_id: Some(pending.id.clone()),
            state: TxnState::Posted,
            amount_minor: minor,
            posted_at: Some(now),
            // An amount that changed is not the foreign price any more.
            foreign: pending.foreign.filter(|_| minor == pending.amount_minor),
            ..pending.clone()
        };
        enter(app, bank, db, vec![ended, posted.clone()], EventType::Posted, &posted)?;
        Ok(posted)
    })
}

/// Pays money in, posted at once.
pub(crate) fn deposit(
    app: &App,
    brand: &'static Brand,
    at: &Where<'_>,
    from: &str,
    amount: &str,
    salary: bool,
) -> Result<Txn, Refused> {
    act(app, brand, |bank, db| {
        let from = merchant_name(from)?;
        let account = find(bank, at)?;
        let minor = account.currency.parse_positive(amount).map_err(Refused::Amount)?;
        let kind = match (account.kind.is_deposit(), salary) {
            (false, _) => TxnKind::Payment,
            (true, true) => TxnKind::DirectDeposit,
            (true, false) => TxnKind::Deposit,
        };
        let mut txn = drafted(app, account, kind, minor, from, app.now());
        txn.merchant = None;
        enter(app, bank, db, vec![txn.clone()], EventType::Deposit, &txn)?;
        Ok(txn)
    })
}

/// A shop gives money back, posted at once.
pub(crate) fn refund(
    app: &App,
    brand: &'static Brand,
    at: &Where<'_>,
    merchant: &str,
    amount: &str,
) -> Result<Txn, Refused> {
    act(app, brand, |bank, db| {
        let merchant = merchant_name(merchant)?;
        let account = find(bank, at)?;
        let minor = account.currency.parse_positive(amount).map_err(Refused::Amount)?;
        let txn = drafted(app, account, TxnKind::Refund, minor, merchant, app.now());
        enter(app, bank, db, vec![txn.clone()], EventType::Posted, &txn)?;
        Ok(txn)
    })
}

/// Makes a movement that was thought of before (`live.rs`): a hold if it is booked later, else in the books at once.
/// The time is now.
pub(crate) fn play(
    app: &App,
    brand: &'static Brand,
    thought: &Txn,
    reference: Option<String>,
) -> Result<Txn, Refused> {
    act(app, brand, |bank, db| {
        let account = bank.accounts.get(&thought.account_id).ok_or(Refused::NoAccount)?;
        if account.balances().available_minor.saturating_add(thought.amount_minor) < 0 {
            return Err(Refused::NoFunds);
        }
        let now = app.now();
        let held = thought.posted_at.is_some_and(|booked| booked > thought.at);
        let txn = Txn {
            id: app.id(HAND_MADE),
            reference_id: reference,
            state: if held { TxnState::Pending } else { TxnState::Posted },
            at: now,
            posted_at: (!held).then_some(now),
            ..thought.clone()
        };
        let event = match txn.kind {
            _ if held => EventType::Authorised,
            TxnKind::DirectDeposit | TxnKind::Deposit | TxnKind::Payment if txn.amount_minor > 0 => {
                EventType::Deposit
            }
            _ => EventType::Posted,
        };
        enter(app, bank, db, vec![txn.clone()], event, &txn)?;
        Ok(txn)
    })
}

/// Takes a transaction back: a pending one is released, a posted one gets a counter-entry.
pub(crate) fn reverse(app: &App, brand: &'static Brand, id: &str) -> Result<Txn, Refused> {
    act(app, brand, |bank, db| {
        let (account, original) = bank.find_txn(id).ok_or(Refused::NoTransaction)?;
        let reversed_before = account
            .txns
            .iter()
            .any(|txn| txn.kind == TxnKind::Reversal && txn.reference_id.as_deref() == Some(id));
        if original.state == TxnState::Gone || original.kind == TxnKind::Reversal || reversed_before {
            return Err(Refused::State);
        }
        let now = app.now();
        let was_pending = original.state == TxnState::Pending;
        let mut reversal = Txn {
            id: app.id(HAND_MADE),
            reference_id: Some(original.id.clone()),
            kind: TxnKind::Reversal,
            amount_minor: original.amount_minor.saturating_neg(),
            at: now,
            posted_at: Some(now),
            foreign: None,
            ..original.clone()
        };
        let mut entries = Vec::new();
        if was_pending {
            // Nothing was booked, so nothing is booked back: the hold goes, and the reversal is told about only.
            let mut ended = original.clone();
            ended.state = TxnState::Gone;
            entries.push(ended);
            reversal.state = TxnState::Gone;
            reversal.posted_at = None;
        }
        entries.push(reversal.clone());
        enter(app, bank, db, entries, EventType::Reversed, &reversal)?;
        Ok(reversal)
    })
}

fn act(
    app: &App,
    brand: &'static Brand,
    run: impl FnOnce(&mut Bank, &mut Db) -> Result<Txn, Refused>,
) -> Result<Txn, Refused> {
    let done = app.bank(brand, run).unwrap_or(Err(Refused::NoAccount))?;
    app.wake(brand);
    Ok(done)
}

/// Commits the entries and the events about `told` together, then changes the memory.
fn enter(
    app: &App,
    bank: &mut Bank,
    db: &mut Db,
    entries: Vec<Txn>,
    event_type: EventType,
    told: &Txn,
) -> Result<(), Refused> {
    let mut after = bank.accounts.get(&told.account_id).cloned().ok_or(Refused::NoAccount)?;
    let mut changes = Vec::new();
    for entry in entries {
        changes.push(Change::put(kind::TXN, bank.brand.id, &entry.id, &entry)?);
        after.apply(entry);
    }
    let events = events::number(bank, events::about(app, bank, &after, event_type, told), &mut changes)?;
    let notices = notifications::about_account(bank, &after, app.now(), &told.id);
    let notices = notifications::number(bank, notices, &mut changes)?;
    db.commit(&changes)?;
    bank.accounts.insert(after.id.clone(), after);
    bank.events.extend(events);
    notifications::take_in(bank, notices);
    Ok(())
}

fn find<'b>(bank: &'b Bank, at: &Where<'_>) -> Result<&'b Account, Refused> {
    let customer = bank.customer_by_username(at.customer).ok_or(Refused::NoCustomer)?;
    let accounts = bank.accounts_of(customer);
    let found = match at.account_id {
        Some(id) => accounts.iter().find(|account| account.id == id),
        None => accounts.iter().find(|account| account.kind == at.or_kind).or_else(|| accounts.first()),
    };
    found.copied().ok_or(Refused::NoAccount)
}

fn merchant_name(text: &str) -> Result<&str, Refused> {
    let text = text.trim();
    let right = !text.is_empty()
        && text.chars().count() <= limits::MERCHANT_CHARS_MAX
        && !text.chars().any(char::is_control);
    if right { Ok(text) } else { Err(Refused::Merchant) }
}

struct Priced {
    minor: i64,
    foreign: Option<(i64, Currency)>,
}

fn priced(account: &Account, amount: &str, currency: Option<&str>) -> Result<Priced, Refused> {
    let paid_in = match currency {
        None => account.currency,
        Some(code) => Currency::parse(code).ok_or(Refused::Currency)?,
    };
    let price = paid_in.parse_positive(amount).map_err(Refused::Amount)?;
    let minor =
        paid_in.convert(price, account.currency).filter(|minor| *minor > 0).ok_or(Refused::Currency)?;
    Ok(Priced { minor, foreign: (paid_in != account.currency).then_some((price, paid_in)) })
}

fn drafted(app: &App, account: &Account, kind: TxnKind, minor: i64, name: &str, now: Timestamp) -> Txn {
    let known = crate::merchants::code_of(name);
    Txn {
        id: app.id(HAND_MADE),
        account_id: account.id.clone(),
        reference_id: None,
        state: TxnState::Posted,
        kind,
        amount_minor: minor,
        at: now,
        posted_at: Some(now),
        description: name.to_uppercase(),
        merchant: Some(name.to_owned()),
        mcc: known.map(str::to_owned),
        foreign: None,
    }
}
