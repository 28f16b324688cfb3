//! What the commands about outgoing messages do.

use crate::apply::{
    Applied, Refused, basis_context, bounded, changed, customer_key, maybe, recipient_context, record,
    record_with_key,
};
use crate::apply_agent::SENT;
use crate::codec::{about_code, outbox_code};
use crate::db::{Counter, Db, Row, by_position, values};
use crate::limits::{EXPIRED_ROWS, SWEEP_ROWS};
use crate::vault::{Vault, open};
use crate::{AlarmKind, Answer, Delivery, OutboxEntry, OutboxState, Outcome, StoreError};
use amana_core::{ChannelId, ConversationId, CustomerId, MessageId, Psid, Shard, Timestamp, micros};
use amana_gate::{Basis, Disclosure, ReceiptDraft, ReceiptKind};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is sealed beside a message with bank data: why it may leave, to whom it goes, and the hash of what it says,
/// which in the clear would let anyone who reads the database try which balance it was.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedBasis<'a> {
    pub(crate) basis: Cow<'a, Basis>,
    pub(crate) payload_sha256: [u8; 32],
    pub(crate) psid: Cow<'a, Psid>,
}

/// The basis of a message and the hash of its bytes, under its customer's key; or whose they are if they do not open.
pub(crate) fn read_basis(
    vault: &Vault,
    message: MessageId,
    row: &mut Row,
) -> Answer<Result<Option<SealedBasis<'static>>, CustomerId>> {
    // All three are taken before any is judged, so that what follows is read from its own column.
    let [customer, sealed, wrapped] = [row.opt_bytes(), row.opt_bytes(), row.opt_bytes()];
    if matches!((&customer, &sealed), (Ok(None), Ok(None))) {
        return Ok(Ok(None));
    }
    // An id that is none is nobody's.
    let customer = customer.ok().flatten().and_then(|id| id.try_into().ok()).unwrap_or_default();
    let customer = CustomerId::from_bytes(customer);
    let (Ok(Some(sealed)), Ok(Some(wrapped))) = (sealed, wrapped) else { return Ok(Err(customer)) };
    let opened = vault.customer_key(customer, &wrapped).and_then(|key| {
        let document = open(&key, &basis_context(message), &sealed)?;
        serde_json::from_slice(&document).map_err(|_| StoreError::damaged("a stored basis cannot be read"))
    });
    match opened {
        Ok(basis) => Ok(Ok(Some(basis))),
        Err(damage) if damage.is_damage() => Ok(Err(customer)),
        // The custody is away: it is waited for.
        Err(away) => Err(away),
    }
}

/// Room for most of them, in bytes.
const BASIS_BYTES: usize = 1_024;

/// A conversation's place in the tables.
type Place<'a> = (Shard, &'a str, [u8; 32]);

/// Locks the conversation's row, where there is one, and answers when the customer last wrote. Who holds messages back
/// and who sets them free take turns by it, also on different connections.
async fn lock_conversation<D: Db>(
    db: &mut D,
    (shard, channel, person): Place<'_>,
) -> Result<Option<Timestamp>, Refused> {
    let row = db
        .row(
            "UPDATE conversation SET last_inbound_at = last_inbound_at \
             WHERE shard = $1 AND channel = $2 AND person = $3 RETURNING last_inbound_at",
            values![shard, channel, person],
        )
        .await?;
    Ok(row.map(|mut row| row.opt_time()).transpose()?.flatten())
}

async fn has_held<D: Db>(db: &mut D, (_, channel, person): Place<'_>) -> Result<bool, Refused> {
    let row = db
        .row(
            "SELECT position FROM outbox WHERE channel = $1 AND person = $2 AND state = 3 LIMIT 1",
            values![channel, person],
        )
        .await?;
    Ok(row.is_some())
}

fn place<'a>(vault: &Vault, conversation: &'a ConversationId) -> Place<'a> {
    (conversation.shard(), conversation.channel.as_str(), vault.keyring().blind_person(conversation))
}

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
    // Whoever made the two: what is recorded is what is sent.
    if !disclosure.is_consistent() {
        return Err(Refused::Conflict("receipt"));
    }
    let psid = &row.recipient.psid;
    let (seq, key, basis, sealed_to) = match (&disclosure.receipt, &row.basis) {
        (Some(receipt), Some(basis)) => {
            let place = (shard, basis.customer);
            let (seq, key) = record_with_key(db, vault, place, receipt, Some(row.message)).await?;
            let (basis, psid) = (Cow::Borrowed(basis), Cow::Borrowed(psid));
            let sealed = SealedBasis { basis, payload_sha256: row.payload_sha256, psid };
            let mut document = Vec::with_capacity(BASIS_BYTES);
            serde_json::to_writer(&mut document, &sealed)
                .map_err(|_| StoreError::new("a basis cannot be written as JSON"))?;
            let sealed = vault.seal(&key, &basis_context(row.message), &document)?;
            (Some(seq), Some(key), Some(sealed), None)
        }
        (None, None) => {
            let context = recipient_context(row.message);
            let sent_to = [&row.payload_sha256[..], psid.as_str().as_bytes()].concat();
            let sealed = match row.under {
                None => vault.seal(vault.keyring().deployment(), &context, &sent_to)?,
                // Whoever was erased since the text was put under their key is nobody here.
                Some((shard, customer)) => {
                    let key = customer_key(db, vault, shard, customer).await?;
                    vault.seal(&key, &context, &sent_to)?
                }
            };
            (None, None, None, Some(sealed))
        }
        // Refused above.
        (None, Some(_)) | (Some(_), None) => return Err(Refused::Conflict("receipt")),
    };
    let conversation = ConversationId { channel: row.recipient.channel.clone(), psid: psid.clone() };
    let place = place(vault, &conversation);
    // Behind a held message it is held too. Asked again under the lock: the customer may be writing just now.
    // What the platform takes at any time waits for nobody.
    let held = !row.anytime && has_held(db, place).await? && {
        lock_conversation(db, place).await?;
        has_held(db, place).await?
    };
    let state = if held { OutboxState::Held } else { OutboxState::Pending };
    let position = db.next(Counter::Outbox).await?;
    let rows = db
        .run(
            "INSERT INTO outbox (shard, position, message, channel, person, customer, sealed_basis, payload, \
             expires_at, ticket, state, due_at, attempts, customer_shard, created_at, sealed_to, anytime, \
             said, doubtful, agent, key_of, about) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13, $11, 0, $12, $11, $14, $15, $16, 0, $17, $18, $19) \
             ON CONFLICT (message) DO NOTHING",
            values![
                place.0,
                position,
                row.message,
                place.1,
                place.2,
                row.basis.as_ref().map(|basis| basis.customer),
                basis,
                row.payload.as_slice(),
                row.expires_at,
                row.ticket,
                at,
                row.under.map_or(shard, |(shard, _)| shard),
                outbox_code(state),
                sealed_to,
                row.anytime,
                row.said.as_slice(),
                row.agent,
                row.under.map(|(_, customer)| customer),
                about_code(row.about)
            ],
        )
        .await?;
    let done = changed(rows, "message")?;
    match (&disclosure.page, seq, key) {
        (Some(page), Some(seq), Some(key)) => {
            crate::apply_page::put(db, vault, (shard, &key), page, seq).await?;
        }
        // A page is of bank data, and so has a receipt.
        (Some(_), ..) => return Err(Refused::Conflict("receipt")),
        (None, ..) => {}
    }
    Ok(seq.map_or(done, Outcome::Receipt))
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
            "UPDATE outbox SET state = $1, due_at = $2, attempts = attempts + 1, \
             doubtful = CASE WHEN state IN (1, 2) THEN 1 ELSE doubtful END \
             WHERE message = $3 AND state = $4 AND state < 4",
            values![outbox_code(OutboxState::Sending), until, message, outbox_code(from)],
        )
        .await?;
    changed(rows, "message")
}

/// What an attempt came to. The message is `$6`.
macro_rules! finish {
    () => {
        "UPDATE outbox SET state = CASE WHEN CAST($1 AS BIGINT) = 0 AND doubtful = 1 THEN 2 ELSE CAST($1 AS BIGINT) END, \
         doubtful = CASE WHEN CAST($1 AS BIGINT) = 2 THEN 1 ELSE doubtful END, \
         due_at = coalesce($2, due_at), mid = $3, reason = $4, sent_at = $5, \
         payload = CASE WHEN CAST($1 AS BIGINT) IN (4, 6) AND customer IS NULL THEN $8 ELSE payload END, \
         sealed_to = CASE WHEN CAST($1 AS BIGINT) IN (4, 6) THEN NULL ELSE sealed_to END, \
         key_of = CASE WHEN CAST($1 AS BIGINT) IN (4, 6) THEN NULL ELSE key_of END, \
         attempts = CASE WHEN attempts > $7 THEN attempts - $7 ELSE 0 END WHERE message = $6 AND state < 4"
    };
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
        Delivery::Retry { due_at, counts: _ } => (OutboxState::Pending, Some(*due_at), None, None),
        Delivery::Held { seen } => hold(db, message, *seen, None, at).await?,
        Delivery::Unreachable { seen } => hold(db, message, *seen, Some("unreachable"), at).await?,
        Delivery::Unconfirmed { until } => (OutboxState::Unconfirmed, Some(*until), None, None),
        Delivery::Dead { reason } => (OutboxState::Dead, None, None, some(reason)),
        Delivery::Denied { reason } => (OutboxState::Denied, None, None, some(reason)),
    };
    let sent_at = (state == OutboxState::Sent).then_some(at);
    // An attempt that does not count is taken back.
    let taken_back = matches!(delivery, Delivery::Retry { counts: false, .. });
    // What may have arrived is never a plain *pending* again, whatever became of a later attempt. Of a message without
    // bank data that is over neither text nor recipient stays: an echo finds its row by keyed hashes.
    let how = values![outbox_code(state), due_at, mid, reason, sent_at, message, taken_back, Vec::new()];
    let over = matches!(state, OutboxState::Sent | OutboxState::Dead | OutboxState::Denied);
    // What ends without a receipt may be a human's words, which have some of their own.
    let agent = if over && receipt.is_none() {
        let row = db.row(concat!(finish!(), " RETURNING agent"), how).await?;
        row.ok_or(Refused::Conflict("message"))?.opt_bytes()?.is_some()
    } else {
        changed(db.run(finish!(), how).await?, "message")?;
        false
    };
    let done = Outcome::Changed;
    match receipt {
        Some((shard, customer, draft)) => {
            // On record as never sent: so nothing was told by it.
            if draft.kind == ReceiptKind::Denial {
                crate::apply_waiting::untell(db, (*shard, *customer), message).await?;
            }
            let seq = record_unless_erased(db, vault, (*shard, *customer), draft, message).await?;
            Ok(seq.map_or(done, Outcome::Receipt))
        }
        None if agent => {
            let word = match delivery {
                Delivery::Sent { .. } => SENT.to_owned(),
                Delivery::Dead { reason } => format!("dead:{reason}"),
                Delivery::Denied { reason } => format!("denied:{reason}"),
                _ => return Ok(done),
            };
            crate::apply_agent::outcome(db, vault, message, &word, at).await?;
            Ok(done)
        }
        None => Ok(done),
    }
}

/// Whether a message that egress found to be outside of the window is held, and with it the later ones; or is due
/// again, because the customer wrote since.
async fn hold<D: Db>(
    db: &mut D,
    message: MessageId,
    seen: Option<Timestamp>,
    why: Option<&'static str>,
    at: Timestamp,
) -> Result<(OutboxState, Option<Timestamp>, Option<&'static str>, Option<&'static str>), Refused> {
    let row = db
        .row(
            "SELECT shard, channel, person, position FROM outbox WHERE message = $1 AND state < 4",
            values![message],
        )
        .await?;
    let mut row = row.ok_or(Refused::Conflict("message"))?;
    let (shard, channel, person, position) = (row.shard()?, row.text()?, row.array()?, row.int()?);
    // `None`, never, is before every time; both are compared as they are stored.
    let last = lock_conversation(db, (shard, &channel, person)).await?.map(micros);
    if last > seen.map(micros) {
        return Ok((OutboxState::Pending, Some(at), None, None));
    }
    db.run(
        "UPDATE outbox SET state = 3 WHERE channel = $1 AND person = $2 AND state < 4 AND state = 0 \
         AND anytime = 0 AND position > $3",
        values![channel, person, position],
    )
    .await?;
    Ok((OutboxState::Held, None, None, why))
}

/// An outcome's receipt. The receipt of an erasure is the customer's last: what becomes known later is not recorded.
pub(crate) async fn record_unless_erased<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    draft: &ReceiptDraft,
    message: MessageId,
) -> Result<Option<u64>, Refused> {
    if is_erased(db, (shard, customer)).await? {
        return Ok(None);
    }
    record(db, vault, (shard, customer), draft, Some(message)).await.map(Some)
}

async fn is_erased<D: Db>(db: &mut D, (shard, customer): (Shard, CustomerId)) -> Result<bool, StoreError> {
    let erased = db
        .row(
            "SELECT erased_at FROM customer WHERE shard = $1 AND id = $2 AND erased_at IS NOT NULL",
            values![shard, customer],
        )
        .await?;
    Ok(erased.is_some())
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The platform shows a message of ours, to whom it was for: it was sent, whatever was thought of it before. What was
/// said of it in an earlier receipt is corrected by this one.
pub(crate) async fn settle<D: Db>(
    db: &mut D,
    vault: &Vault,
    message: MessageId,
    mid: &str,
    at: Timestamp,
) -> Result<(), Refused> {
    let rows = db
        .run(
            "UPDATE outbox SET state = $1, mid = $2, sent_at = $3, reason = NULL, sealed_to = NULL, key_of = NULL, \
             payload = CASE WHEN customer IS NULL THEN $5 ELSE payload END WHERE message = $4 AND state <> 4",
            values![outbox_code(OutboxState::Sent), some(mid), at, message, Vec::new()],
        )
        .await?;
    if rows == 0 {
        return Ok(());
    }
    // The answer of the platform will find the row done, or was lost: this is the commit that knows the outcome.
    // (It was sent, whether or not that can be recorded: else it would be sent again.)
    let Some(entry) = crate::queries::outbox_entry(db, vault, message).await? else { return Ok(()) };
    record_outcome(db, vault, &entry, SENT, at).await
}

/// Ends what no ticket lets go any more (a bounded number; how many), each with the receipt that says so. What is being
/// sent or unconfirmed is left alone: it may be at the platform. So may what is held after an attempt: egress ends it,
/// with a receipt of its own.
pub(crate) async fn end_expired<D: Db>(db: &mut D, vault: &Vault, now: Timestamp) -> Result<u64, Refused> {
    let doubtful = db
        .run(
            by_position!(
                D,
                "UPDATE outbox SET state = 2, due_at = $1 WHERE state IN (0, 3) AND doubtful = 1 AND ",
                " FROM outbox WHERE state < 4 AND state IN (0, 3) AND doubtful = 1 AND expires_at < $1 \
             ORDER BY expires_at LIMIT $2)"
            ),
            values![now, SWEEP_ROWS],
        )
        .await?;
    let over = db
        .rows(
            "SELECT shard, message, channel FROM outbox WHERE state < 4 AND state IN (0, 3) AND doubtful = 0 \
             AND expires_at < $1 ORDER BY expires_at LIMIT $2",
            values![now, EXPIRED_ROWS],
        )
        .await?;
    let mut ended = 0;
    for mut row in over {
        let (shard, message) = (row.shard()?, MessageId::from_bytes(row.array()?));
        let channel = row.parsed::<ChannelId>();
        let entry = match crate::queries::outbox_entry(db, vault, message).await {
            Ok(entry) => entry,
            Err(damage) if damage.is_damage() => None,
            // The custody is away: no message ends without its receipt, so the rest waits for a later sweep.
            Err(away) => {
                tracing::warn!(%away, "messages whose time is over cannot be ended now");
                break;
            }
        };
        // Asked once more, for a row that another writer claims meanwhile.
        let rows = db
            .run(
                "UPDATE outbox SET state = 5, reason = 'expired' \
                 WHERE shard = $1 AND message = $2 AND state IN (0, 3) AND doubtful = 0",
                values![shard, message],
            )
            .await?;
        if rows == 0 {
            continue;
        }
        ended += rows;
        match (entry, channel) {
            (Some(entry), _) => record_outcome(db, vault, &entry, EXPIRED, now).await?,
            // Whoever it was for: the row does not say it any more.
            (None, Ok(channel)) => unrecorded(db, &channel, message, now).await?,
            (None, Err(damage)) => tracing::error!(id = %message, %damage, "ALARM: nobody's message is over"),
        }
    }
    Ok(doubtful + ended)
}

/// Puts what became of a message on the record of whom it is about. One whose history does not lead on has an alarm
/// instead: it came to what it came to, whether or not that can be recorded.
async fn record_outcome<D: Db>(
    db: &mut D,
    vault: &Vault,
    entry: &OutboxEntry,
    word: &str,
    at: Timestamp,
) -> Result<(), Refused> {
    let message = entry.row.message;
    let customer = match (&entry.row.basis, entry.closed) {
        (Some(basis), _) => {
            let customer = (entry.customer_shard, basis.customer);
            if crate::apply_log::leads_on(db, vault, customer).await? {
                let receipt = ReceiptDraft::of_outcome(&entry.row, basis, word, at);
                record_unless_erased(db, vault, customer, &receipt, message).await?;
                return Ok(());
            }
            customer
        }
        (None, Some(customer)) => (entry.customer_shard, customer),
        (None, None) if entry.row.agent.is_none() => return Ok(()),
        (None, None) => return crate::apply_agent::outcome(db, vault, message, word, at).await,
    };
    if !is_erased(db, customer).await? {
        unrecorded(db, &entry.row.recipient.channel, message, at).await?;
    }
    Ok(())
}

/// Raises the alarm that what became of a message has no receipt.
async fn unrecorded<D: Db>(
    db: &mut D,
    channel: &ChannelId,
    message: MessageId,
    at: Timestamp,
) -> Result<(), Refused> {
    let (about, kind) = (AlarmKind::unrecorded(message), AlarmKind::Unrecorded);
    crate::apply_waiting::raise_alarm(db, channel, &about, kind, at).await?;
    Ok(())
}

/// The outcome of what the sweep ended.
const EXPIRED: &str = "dead:expired";

pub(crate) async fn recover<D: Db>(db: &mut D, until: Timestamp) -> Applied {
    let rows = db
        .run(
            "UPDATE outbox SET state = $1, doubtful = 1, due_at = CASE WHEN due_at < $2 THEN $2 ELSE due_at END \
             WHERE state < 3 AND state > 0",
            values![outbox_code(OutboxState::Unconfirmed), until],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn open_window<D: Db>(db: &mut D, vault: &Vault, conversation: &ConversationId) -> Applied {
    let (shard, channel, person) = place(vault, conversation);
    lock_conversation(db, (shard, channel, person)).await?;
    // Due at once: since it was made. What stands there is the end of the claim under which it was held.
    let rows = db
        .run(
            "UPDATE outbox SET state = CASE WHEN doubtful = 1 THEN 2 ELSE 0 END, due_at = created_at, reason = NULL \
             WHERE channel = $1 AND person = $2 AND state = 3",
            values![channel, person],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn replay_dead<D: Db>(db: &mut D, message: MessageId, due_at: Timestamp) -> Applied {
    crate::apply_alarm::forget_sightings(db, message).await?;
    // What is out of date is decided by nobody any more: it stays where operators see it. Of what may have arrived one
    // attempt stays on record: its echo may still come.
    let rows = db
        .run(
            "UPDATE outbox SET state = CASE WHEN doubtful = 1 THEN 2 ELSE 0 END, due_at = $1, attempts = doubtful, \
             reason = NULL WHERE message = $2 AND state = 5 AND expires_at > $1 \
             AND (sealed_to IS NOT NULL OR sealed_basis IS NOT NULL)",
            values![due_at, message],
        )
        .await?;
    changed(rows, "message")
}
