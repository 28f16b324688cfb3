//! FDX's event notifications (6.6): who wants to hear of what, and what there is to be told. Sending is
//! [`crate::publish`]'s, the calls are [`crate::fdx::notifications`]'.
//!
//! What is about a consent goes to the client that holds it; what is about data goes out only while an active consent
//! of that client covers the account and the cluster. A notification carries an id and never the data itself.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bank::{Bank, event_key};
use crate::brand::Brand;
use crate::db::{Change, Db};
use crate::error::Error;
use crate::limits;
use crate::model::Account;
use crate::prng::stable_id;
use crate::records::{Cluster, Consent, EventStatus, kind};

/// The scope of a client's token for subscriptions.
pub(crate) const SUBSCRIBE: &str = "fdx:notifications:subscribe";
/// The scope of the bank's own token when it notifies.
pub(crate) const PUBLISH: &str = "fdx:notifications:publish";

/// FDX's event types, as far as this bank has something to tell of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Told {
    /// A consent was taken back.
    ConsentRevoked,
    /// A consent holds fewer accounts or clusters.
    ConsentUpdated,
    /// A consent has run out.
    ConsentExpired,
    /// A balance moved.
    Balance,
    /// Transactions were added or changed: FDX has no type of their own for them.
    Custom,
}

impl Told {
    fn name(self) -> &'static str {
        match self {
            Self::ConsentRevoked => "CONSENT_REVOKED",
            Self::ConsentUpdated => "CONSENT_UPDATED",
            Self::ConsentExpired => "CONSENT_EXPIRED",
            Self::Balance => "BALANCE",
            Self::Custom => "CUSTOM",
        }
    }

    /// FDX's category: what is about data is `NEW_DATA`, whatever its type.
    pub(crate) fn category(self) -> &'static str {
        match self {
            Self::ConsentRevoked | Self::ConsentUpdated | Self::ConsentExpired => "CONSENT",
            Self::Balance | Self::Custom => "NEW_DATA",
        }
    }
}

/// What a client wants to hear of (FDX `NotificationSubscription`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) told: Told,
    pub(crate) callback_url: String,
    /// FDX `Party`, as it was given.
    pub(crate) subscriber: Value,
    pub(crate) effective: Option<Date>,
}

/// One notification for one subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) client_id: String,
    pub(crate) subscription_id: String,
    /// The account and the cluster that a consent must still hold when it goes out; absent for what is about a consent.
    pub(crate) needs: Option<(String, Cluster)>,
    /// FDX `Notification`; the same each time it is sent.
    pub(crate) body: Value,
    pub(crate) created: Timestamp,
    /// Not sent before.
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) status: EventStatus,
    /// Status code or failure of the last attempt.
    pub(crate) last: Option<String>,
}

/// Notices with their numbers, stored but not in memory yet.
pub(crate) type Numbered = Vec<(u64, Notice)>;

/// What there is to tell of a consent: to its own client, for each of the client's subscriptions to this.
pub(crate) fn about_consent(bank: &Bank, told: Told, consent: &Consent, at: Timestamp) -> Vec<Notice> {
    let revoked = consent.revoked.as_ref();
    let event = json!({
        "status": consent.status(at),
        "reason": revoked.map_or("OTHER", |revocation| revocation.reason.as_str()),
        "initiator": revoked.map_or("DATA_PROVIDER", |revocation| revocation.initiator.as_str()),
        "updatedTime": at,
    });
    let payload = json!({ "id": consent.id, "idType": "CONSENT", "event": event });
    let id = notification_id(bank.brand, told, &consent.id, at);
    wanted(bank, told, at)
        .filter(|subscription| subscription.client_id == consent.client_id)
        .map(|subscription| notice(bank.brand, subscription, None, (&id, &payload), at))
        .collect()
}

/// What there is to tell after an account moved: that there is something new of it, and of which kind.
pub(crate) fn about_account(bank: &Bank, account: &Account, at: Timestamp, occasion: &str) -> Vec<Notice> {
    let mut notices = Vec::new();
    for (told, cluster) in [(Told::Custom, Cluster::Transactions), (Told::Balance, Cluster::Balances)] {
        let attributes = json!([{ "name": "dataCluster", "value": cluster.name() }]);
        let payload = json!({ "id": account.id, "idType": "ACCOUNT", "attributes": attributes });
        let id = stable_id("ntf_", &[bank.brand.id, told.name(), &account.id, occasion]);
        notices.extend(
            wanted(bank, told, at)
                .filter(|subscription| bank.consented(&subscription.client_id, &account.id, cluster, at))
                .map(|subscription| {
                    let needs = Some((account.id.clone(), cluster));
                    notice(bank.brand, subscription, needs, (&id, &payload), at)
                }),
        );
    }
    notices
}

/// The same for the same happening, whatever is asked or restarted meanwhile.
fn notification_id(brand: &Brand, told: Told, consent: &str, at: Timestamp) -> String {
    // A consent ends once, but it may be narrowed again and again.
    let at = if told == Told::ConsentUpdated { at.to_string() } else { String::new() };
    stable_id("ntf_", &[brand.id, told.name(), consent, &at])
}

/// The subscriptions to this that are in force.
fn wanted(bank: &Bank, told: Told, at: Timestamp) -> impl Iterator<Item = &Subscription> {
    let today = crate::generator::day_of(at);
    bank.subscriptions
        .values()
        .filter(move |one| one.told == told && one.effective.is_none_or(|effective| effective <= today))
}

fn notice(
    brand: &Brand,
    subscription: &Subscription,
    needs: Option<(String, Cluster)>,
    (id, payload): (&str, &Value),
    at: Timestamp,
) -> Notice {
    let told = subscription.told;
    let body = json!({
        "notificationId": id,
        "type": told.name(),
        "sentOn": at,
        "category": told.category(),
        "severity": "INFO",
        "priority": if told.category() == "CONSENT" { "HIGH" } else { "MEDIUM" },
        "publisher": { "name": brand.name, "type": "DATA_PROVIDER" },
        "subscriber": subscription.subscriber,
        "notificationPayload": payload,
    });
    Notice {
        client_id: subscription.client_id.clone(),
        subscription_id: subscription.id.clone(),
        needs,
        body,
        created: at,
        due: at,
        attempts: 0,
        status: EventStatus::Waiting,
        last: None,
    }
}

/// Numbers the notices and makes their records' changes; the caller commits them with what they tell of.
pub(crate) fn number(
    bank: &Bank,
    notices: Vec<Notice>,
    changes: &mut Vec<Change>,
) -> Result<Numbered, Error> {
    let first = bank.notices.last_key_value().map_or(1, |(last, _)| last.saturating_add(1));
    let numbered: Numbered = (first..).zip(notices).collect();
    for (number, notice) in &numbered {
        changes.push(Change::put(kind::NOTICE, bank.brand.id, &event_key(*number), notice)?);
    }
    Ok(numbered)
}

/// Takes numbered notices into memory, once they are committed, and wakes who sends them.
pub(crate) fn take_in(bank: &mut Bank, numbered: Numbered) {
    if !numbered.is_empty() {
        bank.notices.extend(numbered);
        bank.noticed.notify_one();
    }
}

/// Consents whose time came since it was last looked: nobody did anything to them, so nobody else tells.
pub(crate) fn tell_expired(bank: &mut Bank, db: &mut Db, now: Timestamp) -> Result<(), Error> {
    let second = now.as_second();
    let told: Vec<Notice> =
        bank.consents
            .values()
            .filter(|consent| consent.revoked.is_none() && consent.expires <= now)
            .filter(|consent| second.saturating_sub(consent.expires.as_second()) < limits::EXPIRY_TOLD_SECS)
            .flat_map(|consent| about_consent(bank, Told::ConsentExpired, consent, consent.expires))
            .filter(|new| {
                let id = new.body.get("notificationId");
                !bank.notices.values().any(|old| {
                    old.subscription_id == new.subscription_id && old.body.get("notificationId") == id
                })
            })
            .collect();
    let mut changes = Vec::new();
    let numbered = number(bank, told, &mut changes)?;
    if !changes.is_empty() {
        db.commit(&changes)?;
        take_in(bank, numbered);
    }
    Ok(())
}
