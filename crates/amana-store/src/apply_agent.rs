//! What humans of the institution write in chats, and what becomes of it, on the record of each customer whose chat it
//! is. Such a row has no basis: its receipts lead to the customers, and a MAC of the chat's links is with it.

use crate::apply::{Applied, Refused, record};
use crate::apply_outbox::record_unless_erased;
use crate::db::{Db, values};
use crate::queries_log::newest_of_message;
use crate::vault::Vault;
use crate::{AlarmKind, Answer, StoredReceipt};
use amana_core::{ChannelId, ConversationId, CustomerId, MessageId, Shard, Timestamp};
use amana_gate::{Disclosure, ReceiptDraft};
use std::collections::BTreeSet;

/// Receipts first, then the row.
pub(crate) async fn write<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    disclosure: &Disclosure,
    records: &[(Shard, CustomerId, ReceiptDraft)],
    at: Timestamp,
) -> Applied {
    let row = &disclosure.row;
    let hash = hex::encode(row.payload_sha256);
    let of_it = |draft: &ReceiptDraft| draft.is_of_agent() && draft.payload_sha256.as_ref() == Some(&hash);
    if row.agent.is_none() || records.iter().any(|(_, _, draft)| !of_it(draft)) {
        return Err(Refused::Conflict("receipt"));
    }
    // A link that was made or ended since they were read: whose chat it is, is read anew.
    let recipient = &row.recipient;
    let chat = ConversationId { channel: recipient.channel.clone(), psid: recipient.psid.clone() };
    let person = vault.keyring().blind_person(&chat);
    let linked = db
        .rows(
            "SELECT DISTINCT shard, customer FROM link WHERE channel = $1 AND person = $2 AND state = 1",
            values![chat.channel.as_str(), person],
        )
        .await?;
    let mut whose = BTreeSet::new();
    for mut row in linked {
        whose.insert((row.shard()?, CustomerId::from_bytes(row.array()?)));
    }
    if whose != records.iter().map(|(shard, customer, _)| (*shard, *customer)).collect() {
        return Err(Refused::Conflict("link"));
    }
    for (shard, customer, draft) in records {
        record(db, vault, (*shard, *customer), draft, Some(row.message)).await?;
    }
    crate::apply_outbox::disclose(db, vault, shard, disclosure, at).await
}

/// What became of a message, if it is a human's: a receipt for each customer that has one of its writing. Nothing for
/// any other message.
pub(crate) async fn outcome<D: Db>(
    db: &mut D,
    vault: &Vault,
    message: MessageId,
    word: &str,
    at: Timestamp,
) -> Result<(), Refused> {
    let row = db
        .row(
            "SELECT channel, person, doubtful FROM outbox WHERE message = $1 AND agent IS NOT NULL",
            values![message],
        )
        .await?;
    let Some(mut row) = row else { return Ok(()) };
    let (channel, person, doubtful) = (row.parsed::<ChannelId>()?, row.array::<32>()?, row.int()? == 1);
    // An earlier attempt may have arrived: no receipt says that it did not.
    let word = if doubtful && word != SENT { UNKNOWN } else { word };
    for (customer, receipt) in writings(db, vault, (&channel, person), message).await? {
        let Some(draft) = ReceiptDraft::of_agent_outcome(&receipt.bytes, word, at) else { continue };
        if crate::apply_log::leads_on(db, vault, customer).await? {
            record_unless_erased(db, vault, customer, &draft, message).await?;
        } else {
            let about = AlarmKind::unrecorded(message);
            crate::apply_waiting::raise_alarm(db, &channel, &about, AlarmKind::Unrecorded, at).await?;
        }
    }
    Ok(())
}

/// The receipts that a human wrote this message, one of each customer whose chat it was. One whose record does not open
/// is left out.
async fn writings<D: Db>(
    db: &mut D,
    vault: &Vault,
    (channel, person): (&ChannelId, [u8; 32]),
    message: MessageId,
) -> Answer<Vec<((Shard, CustomerId), StoredReceipt)>> {
    let rows = db
        .rows(
            "SELECT DISTINCT shard, customer FROM link WHERE channel = $1 AND person = $2",
            values![channel.as_str(), person],
        )
        .await?;
    let mut found = Vec::new();
    for mut row in rows {
        let customer = (row.shard()?, CustomerId::from_bytes(row.array()?));
        // The newest is it, unless something came of the message already.
        for limit in [1, usize::MAX] {
            let receipts = match newest_of_message(db, vault, customer, message, limit).await {
                Ok(receipts) => receipts,
                Err(error) if error.is_damage() => break,
                Err(error) => return Err(error),
            };
            let none = receipts.is_empty();
            if let Some(written) = receipts.into_iter().find(|receipt| is_writing(&receipt.bytes)) {
                found.push((customer, written));
                break;
            }
            if none {
                break;
            }
        }
    }
    Ok(found)
}

fn is_writing(receipt: &[u8]) -> bool {
    // The time is that of an outcome which is not recorded here.
    ReceiptDraft::of_agent_outcome(receipt, SENT, Timestamp::UNIX_EPOCH).is_some()
}

/// As [`crate::Store::receipts_of_words`].
pub(crate) async fn receipts_of_words<D: Db>(
    db: &mut D,
    vault: &Vault,
    message: MessageId,
) -> Answer<Vec<(CustomerId, StoredReceipt)>> {
    let row = db
        .row("SELECT channel, person FROM outbox WHERE message = $1 AND agent IS NOT NULL", values![message])
        .await?;
    let Some(mut row) = row else { return Ok(Vec::new()) };
    let (channel, person) = (row.parsed::<ChannelId>()?, row.array()?);
    let found = writings(db, vault, (&channel, person), message).await?;
    Ok(found.into_iter().map(|((_, customer), receipt)| (customer, receipt)).collect())
}

/// The outcome of what the platform took.
pub(crate) const SENT: &str = "sent";
/// The outcome of what may have arrived.
const UNKNOWN: &str = "unknown";
