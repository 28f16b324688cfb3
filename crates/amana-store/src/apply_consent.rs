//! Consents: the document as it stands, and beside it every event, chained. Both under the customer's key.

use crate::Outcome;
use crate::StoreError;
use crate::apply::{Applied, Refused, changed, customer_key, json, record};
use crate::codec::{CONSENT_ACTIVE, CONSENT_REVOKED};
use crate::db::{Counter, Db, values};
use crate::vault::{Vault, context, open};
use amana_core::{
    CONSENT_EVENT_V, Consent, ConsentAct, ConsentBasis, ConsentEnd, ConsentEvent, ConsentId, ConsentRecord,
    ConsentState, CustomerId, Shard, Timestamp, event_hash, no_event,
};
use amana_gate::{DataKey, ReceiptDraft, ReceiptKind};

/// Where a consent's document is sealed to.
pub(crate) fn consent_context(customer: CustomerId, consent: ConsentId) -> Vec<u8> {
    context("consent", &[customer.as_bytes(), consent.as_bytes()])
}

/// Where a consent's event is sealed to.
fn event_context(customer: CustomerId, consent: ConsentId, number: u32) -> Vec<u8> {
    context("consent event", &[customer.as_bytes(), consent.as_bytes(), &number.to_be_bytes()])
}

pub(crate) async fn grant_consent<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    (consent, basis): (&Consent, &ConsentBasis),
    receipt: &ReceiptDraft,
) -> Applied {
    if consent.check().is_err() || consent.state != ConsentState::Active {
        return Err(Refused::Conflict("consent"));
    }
    let key = customer_key(db, vault, shard, consent.customer).await?;
    let document = json(consent)?;
    let sealed = vault.seal(&key, &consent_context(consent.customer, consent.id), document.as_bytes())?;
    let position = db.next(Counter::Consent).await?;
    // The unique index on active consents refuses a second one on the link.
    let rows = db
        .run(
            "INSERT INTO consent (shard, id, position, customer, link, state, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            values![shard, consent.id, position, consent.customer, consent.link, CONSENT_ACTIVE, sealed],
        )
        .await?;
    changed(rows, "consent")?;
    let act = ConsentAct::Given {
        notice_sha256: consent.notice_sha256.clone(),
        lang: consent.lang,
        expires_at: consent.expires_at,
        basis: Box::new(basis.clone()),
    };
    let event = ConsentEvent {
        v: CONSENT_EVENT_V,
        consent: consent.id,
        number: 1,
        at: consent.granted_at,
        prev: no_event(),
        act,
    };
    append(db, vault, &key, (shard, consent.customer), &event).await?;
    record(db, vault, (shard, consent.customer), receipt, None).await.map(Outcome::Receipt)
}

pub(crate) async fn revoke_consent<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    id: ConsentId,
    (why, at): (ConsentEnd, Timestamp),
    receipt: &ReceiptDraft,
) -> Applied {
    // The receipt is what everybody is shown for ever: it says the same as the record.
    if receipt.kind != ReceiptKind::Revocation || receipt.template.as_deref() != Some(why.as_str()) {
        return Err(Refused::Conflict("receipt"));
    }
    let row = db
        .row(
            "UPDATE consent SET state = $1 WHERE shard = $2 AND id = $3 AND customer = $4 AND state = 0 \
             RETURNING sealed",
            values![CONSENT_REVOKED, shard, id, customer],
        )
        .await?;
    let sealed = row.ok_or(Refused::Conflict("consent"))?.bytes()?;
    let key = customer_key(db, vault, shard, customer).await?;
    let mut consent = open_consent(&key, customer, id, &sealed)?;
    consent.state = ConsentState::Revoked;
    consent.revoked_at = Some(at);
    let sealed = vault.seal(&key, &consent_context(customer, id), json(&consent)?.as_bytes())?;
    db.run("UPDATE consent SET sealed = $1 WHERE shard = $2 AND id = $3", values![sealed, shard, id]).await?;

    match read_events(db, &key, (shard, customer), id).await {
        // A history that does not open cannot be led on. It keeps no consent from being taken back (on record).
        Err(error) if error.is_damage() => tracing::error!(%error, "a consent's history ends before its end"),
        events => {
            let events = events?;
            let number = u32::try_from(events.len()).unwrap_or(u32::MAX).saturating_add(1);
            let prev = events.into_iter().next_back().map_or_else(no_event, |(_, hash)| hash);
            let act = ConsentAct::Ended { why };
            let event = ConsentEvent { v: CONSENT_EVENT_V, consent: id, number, at, prev, act };
            append(db, vault, &key, (shard, customer), &event).await?;
        }
    }
    record(db, vault, (shard, customer), receipt, None).await.map(Outcome::Receipt)
}

async fn append<D: Db>(
    db: &mut D,
    vault: &Vault,
    key: &DataKey,
    (shard, customer): (Shard, CustomerId),
    event: &ConsentEvent,
) -> Applied {
    let place = event_context(customer, event.consent, event.number);
    let sealed = vault.seal(key, &place, json(event)?.as_bytes())?;
    let rows = db
        .run(
            "INSERT INTO consent_event (shard, consent, number, sealed) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
            values![shard, event.consent, event.number, sealed],
        )
        .await?;
    changed(rows, "consent")
}

/// The consent of a stored document.
pub(crate) fn open_consent(
    key: &DataKey,
    customer: CustomerId,
    id: ConsentId,
    sealed: &[u8],
) -> Result<Consent, StoreError> {
    let document = open(key, &consent_context(customer, id), sealed)?;
    serde_json::from_slice(&document).map_err(|_| StoreError::damaged("a stored consent cannot be read"))
}

/// A consent's events with the hashes of their bytes, oldest first.
async fn read_events<D: Db>(
    db: &mut D,
    key: &DataKey,
    (shard, customer): (Shard, CustomerId),
    id: ConsentId,
) -> Result<Vec<(ConsentEvent, String)>, StoreError> {
    let rows = db
        .rows(
            "SELECT number, sealed FROM consent_event WHERE shard = $1 AND consent = $2 ORDER BY number",
            values![shard, id],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            let bytes = open(key, &event_context(customer, id, row.number()?), &row.bytes()?)?;
            let event = serde_json::from_slice(&bytes)
                .map_err(|_| StoreError::damaged("a stored event of a consent cannot be read"))?;
            Ok((event, event_hash(&bytes)))
        })
        .collect()
}

/// A consent with its events; damaged where they do not chain or do not lead to where it stands.
pub(crate) async fn consent_record<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    id: ConsentId,
) -> Result<Option<ConsentRecord>, StoreError> {
    let row = db
        .row(
            "SELECT c.sealed, k.wrapped_key FROM consent c \
             JOIN customer k ON k.shard = c.shard AND k.id = c.customer \
             WHERE c.shard = $1 AND c.customer = $2 AND c.id = $3",
            values![shard, customer, id],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let sealed = row.bytes()?;
    let key = vault.customer_key(customer, &row.bytes()?)?;
    let consent = open_consent(&key, customer, id, &sealed)?;
    let events = read_events(db, &key, (shard, customer), id).await?;
    ConsentRecord::of(consent, events).map(Some).map_err(|e| StoreError::damaged(e.to_string()))
}
