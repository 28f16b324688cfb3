//! What the bank tells about: CloudEvents 1.0 envelopes around FDX bodies.

use serde_json::{Value, json};

use crate::app::App;
use crate::bank::Bank;
use crate::db::Change;
use crate::error::Error;
use crate::fdx::entity;
use crate::model::{Account, AccountKind, Txn};
use crate::records::{Cluster, EventRecord, EventStatus, kind};

/// Types of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    Authorised,
    Posted,
    Deposit,
    Balance,
    Reversed,
}

impl EventType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authorised => "bank.transaction.authorised.v1",
            Self::Posted => "bank.transaction.posted.v1",
            Self::Deposit => "bank.deposit.posted.v1",
            Self::Balance => "bank.balance.changed.v1",
            Self::Reversed => "bank.transaction.reversed.v1",
        }
    }

    fn cluster(self) -> Cluster {
        if self == Self::Balance { Cluster::Balances } else { Cluster::Transactions }
    }
}

/// Events to tell about one transaction and, if it moved, the balance after it. Only those that an active consent of
/// the target's client covers; none if the institution pushes nothing.
pub(crate) fn about(
    app: &App,
    bank: &Bank,
    after: &Account,
    event_type: EventType,
    txn: &Txn,
) -> Vec<EventRecord> {
    let Some(target) = app.config.event_targets.get(bank.brand.id) else { return Vec::new() };
    let now = app.now();
    let told = |event_type: EventType, body: (&str, Value)| {
        let cluster = event_type.cluster();
        if !bank.consented(&target.client_id, &after.id, cluster, now) {
            return None;
        }
        let (name, value) = body;
        let event = json!({
            "specversion": "1.0",
            "id": app.uuid(),
            "source": app.issuer(bank.brand),
            "type": event_type.name(),
            "subject": after.id,
            "time": now,
            "datacontenttype": "application/json",
            "data": {
                "customerId": after.customer_id,
                "accountId": after.id,
                "currency": after.currency.code(),
                name: value,
            },
        });
        Some(EventRecord {
            account_id: after.id.clone(),
            cluster,
            event,
            created: now,
            attempts: 0,
            status: EventStatus::Waiting,
            last: None,
        })
    };
    let balances = after.balances();
    let current =
        if after.kind.is_deposit() { balances.ledger_minor } else { balances.ledger_minor.saturating_neg() };
    let available = after.currency.number(balances.available_minor);
    let mut balance = json!({
        "accountCategory": after.kind.category(),
        "accountType": after.kind.account_type(),
        "currentBalance": after.currency.number(current),
        "currency": after.currency.code(),
        "asOf": now,
    });
    if let Some(fields) = balance.as_object_mut() {
        // A card's is named as in FDX, too; of a loan nothing is left to spend.
        if after.kind == AccountKind::CreditCard {
            fields.insert("availableCredit".to_owned(), available.clone());
        }
        if after.kind != AccountKind::Loan {
            fields.insert("availableBalance".to_owned(), available);
        }
    }
    [
        told(event_type, ("transaction", entity::transaction(after, txn))),
        told(EventType::Balance, ("balance", balance)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Numbers the events and makes their records' changes; the caller commits them with what they tell about.
pub(crate) fn number(
    bank: &Bank,
    events: Vec<EventRecord>,
    changes: &mut Vec<Change>,
) -> Result<Vec<(u64, EventRecord)>, Error> {
    let first = bank.events.last_key_value().map_or(1, |(last, _)| last.saturating_add(1));
    let numbered: Vec<(u64, EventRecord)> = (first..).zip(events).collect();
    for (number, event) in &numbered {
        changes.push(Change::put(kind::EVENT, bank.brand.id, &crate::bank::event_key(*number), event)?);
    }
    Ok(numbered)
}
