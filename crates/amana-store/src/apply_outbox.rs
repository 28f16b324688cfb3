//! What the commands about outgoing messages do.

use crate::apply::{Applied, Refused, basis_context, bounded, changed, maybe, record, record_with_key};
use crate::codec::outbox_code;
use crate::db::{Counter, Db, values};
use crate::vault::Vault;
use crate::{Delivery, OutboxState, Outcome, StoreError};
use amana_core::{ConversationId, CustomerId, MessageId, Shard, Timestamp};
use amana_gate::{Disclosure, ReceiptDraft};

/// Receipt first, then the row, in one transaction: there is no message with bank data without its receipt.
pub(crate) async fn disclose<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    disclosure: &Disclosure,
    at: Timestamp,
) -> Applied {
    let row = &disclosure.row;
    bounded(&row.payload)?;
    let (seq, basis) = match (&disclosure.receipt, &row.basis) {
        (Some(receipt), Some(basis)) => {
            let place = (shard, basis.customer);
            let (seq, key) = record_with_key(db, vault, place, receipt, Some(row.message)).await?;
            let document = serde_json::to_vec(basis)
                .map_err(|_| StoreError::new("a basis cannot be written as JSON"))?;
            (Some(seq), Some(vault.seal(&key, &basis_context(row.message), &document)?))
        }
        (None, None) => (None, None),
        // Bank data without a receipt, or a receipt of nobody: the gate makes neither.
        (None, Some(_)) | (Some(_), None) => return Err(Refused::Conflict("receipt")),
    };
    let conversation =
        ConversationId { channel: row.recipient.channel.clone(), psid: row.recipient.psid.clone() };
    let position = db.next(Counter::Outbox).await?;
    let rows = db
        .run(
            "INSERT INTO outbox (shard, position, message, channel, psid, customer, sealed_basis, payload, \
             payload_sha256, expires_at, ticket, state, due_at, attempts, customer_shard, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, 0, $13, $12) ON CONFLICT (message) DO NOTHING",
            values![
                conversation.shard(),
                position,
                row.message,
                conversation.channel.as_str(),
                conversation.psid.as_str(),
                row.basis.as_ref().map(|basis| basis.customer),
                basis,
                row.payload.as_slice(),
                row.payload_sha256,
                row.expires_at,
                row.ticket,
                at,
                shard
            ],
        )
        .await?;
    changed(rows, "message").map(|done| seq.map_or(done, Outcome::Receipt))
}

pub(crate) async fn claim<D: Db>(
    db: &mut D,
    message: MessageId,
    from: OutboxState,
    until: Timestamp,
) -> Applied {
    // What is sent, dead or denied is over: no claim brings it back.
    let rows = db
        .run(
            "UPDATE outbox SET state = $1, due_at = $2, attempts = attempts + 1 \
             WHERE message = $3 AND state = $4 AND state < 4",
            values![outbox_code(OutboxState::Sending), until, message, outbox_code(from)],
        )
        .await?;
    changed(rows, "message")
}

pub(crate) async fn finish<D: Db>(
    db: &mut D,
    vault: &Vault,
    message: MessageId,
    delivery: &Delivery,
    receipt: Option<&(Shard, CustomerId, ReceiptDraft)>,
    at: Timestamp,
) -> Applied {
    let (state, due_at, mid, reason) = match delivery {
        Delivery::Sent { mid } => (OutboxState::Sent, None, some(mid), None),
        Delivery::Retry { due_at } => (OutboxState::Pending, Some(*due_at), None, None),
        Delivery::Held => (OutboxState::Held, None, None, None),
        Delivery::Unconfirmed { until } => (OutboxState::Unconfirmed, Some(*until), None, None),
        Delivery::Dead { reason } => (OutboxState::Dead, None, None, some(reason)),
        Delivery::Denied { reason } => (OutboxState::Denied, None, None, some(reason)),
    };
    let sent_at = (state == OutboxState::Sent).then_some(at);
    let rows = db
        .run(
            "UPDATE outbox SET state = $1, due_at = coalesce($2, due_at), mid = $3, reason = $4, sent_at = $5 \
             WHERE message = $6 AND state < 4",
            values![outbox_code(state), due_at, mid, reason, sent_at, message],
        )
        .await?;
    let done = changed(rows, "message")?;
    match receipt {
        Some((shard, customer, draft)) => {
            record(db, vault, (*shard, *customer), draft, Some(message)).await.map(Outcome::Receipt)
        }
        None => Ok(done),
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

pub(crate) async fn echoed<D: Db>(db: &mut D, message: MessageId, mid: &str, at: Timestamp) -> Applied {
    let rows = db
        .run(
            "UPDATE outbox SET state = $1, mid = $2, sent_at = $3 WHERE message = $4 AND state IN (1, 2)",
            values![outbox_code(OutboxState::Sent), some(mid), at, message],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn open_window<D: Db>(db: &mut D, conversation: &ConversationId) -> Applied {
    let rows = db
        .run(
            "UPDATE outbox SET state = 0 WHERE channel = $1 AND psid = $2 AND state = 3 AND state < 4",
            values![conversation.channel.as_str(), conversation.psid.as_str()],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn replay_dead<D: Db>(db: &mut D, message: MessageId, due_at: Timestamp) -> Applied {
    let rows = db
        .run(
            "UPDATE outbox SET state = 0, due_at = $1, attempts = 0, reason = NULL \
             WHERE message = $2 AND state = 5",
            values![due_at, message],
        )
        .await?;
    changed(rows, "message")
}
