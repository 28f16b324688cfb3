//! What waits in a chat that is several customers', when one of them is erased: what is said to the conversation alone
//! goes over to one who stays. Text, recipient and the name of the key change in one statement for each row; its place,
//! its ticket and what was tried stay.

use crate::apply::{Refused, recipient_context};
use crate::codec::about_code;
use crate::db::{Db, Row, values};
use crate::vault::{Vault, open};
use crate::{Answer, StoreError};
use amana_core::{CustomerId, MessageId, Shard};
use amana_gate::{About, DataKey, reseal_plain};
use std::sync::Arc;

/// Puts what is said to the conversation under the key of another customer in each chat that is another's, too, by an
/// active link. What a human wrote is not among it: it leaves only while the chat is whose it was. What does not open
/// stays as it is, and ends with the customer, as does everything where their key does not open any more.
pub(crate) async fn leave_words<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
) -> Result<(), Refused> {
    let chats = db
        .rows(
            "SELECT DISTINCT channel, person FROM link WHERE shard = $1 AND customer = $2 AND state <> 0 \
             AND code_hash IS NULL",
            values![shard, customer],
        )
        .await?;
    let mut own = None;
    for mut chat in chats {
        let (channel, person) = (chat.text()?, chat.array::<32>()?);
        // One statement for each of the indexes: what waits, and what was given up and may be sent once more.
        for statement in [
            "SELECT message, payload, sealed_to FROM outbox WHERE channel = $1 AND person = $2 \
             AND state < 4 AND customer IS NULL AND key_of = $3 AND about = $4 AND agent IS NULL \
             AND sealed_to IS NOT NULL",
            "SELECT message, payload, sealed_to FROM outbox WHERE channel = $1 AND person = $2 \
             AND state > 3 AND customer IS NULL AND key_of = $3 AND about = $4 AND agent IS NULL \
             AND sealed_to IS NOT NULL",
        ] {
            let about = about_code(About::Chat);
            let rows = db.rows(statement, values![channel.as_str(), person, customer, about]).await?;
            if rows.is_empty() {
                continue;
            }
            let Some((heir, to)) = heir(db, vault, (&channel, person), customer).await? else { continue };
            if own.is_none() {
                own = key_of(db, vault, (shard, customer)).await?;
            }
            let Some(from) = &own else { return Ok(()) };
            for row in rows {
                match resealed(vault, row, (from, &to)) {
                    Ok((message, payload, sealed_to)) => {
                        // What was sent or taken back meanwhile has neither any more.
                        db.run(
                            "UPDATE outbox SET payload = $2, sealed_to = $3, key_of = $4, customer_shard = $5 \
                             WHERE message = $1 AND key_of = $6 AND sealed_to IS NOT NULL",
                            values![message, payload, sealed_to, heir.1, heir.0, customer],
                        )
                        .await?;
                    }
                    Err(error) if error.is_damage() => {
                        tracing::error!(%error, "what waits in a chat of several customers ends with one of them");
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(())
}

/// Who keeps what is said in a chat that is this customer's, too: of the others with an active link the one with the
/// oldest, as with what is said from now on ([`crate::PlainKey::of_chat`]), or the next one whose key opens. An error
/// where it cannot be known now.
async fn heir<D: Db>(
    db: &mut D,
    vault: &Vault,
    (channel, person): (&str, [u8; 32]),
    customer: CustomerId,
) -> Answer<Option<((Shard, CustomerId), Arc<DataKey>)>> {
    let others = db
        .rows(
            "SELECT k.shard, k.id, k.wrapped_key FROM link other JOIN customer k ON k.shard = other.shard \
             AND k.id = other.customer WHERE other.channel = $1 AND other.person = $2 AND other.state = 1 \
             AND other.customer <> $3 AND k.erased_at IS NULL ORDER BY other.id",
            values![channel, person, customer],
        )
        .await?;
    for mut other in others {
        let mut read = || -> Answer<_> {
            let (shard, id) = (other.shard()?, CustomerId::from_bytes(other.array()?));
            Ok(((shard, id), vault.customer_key(id, &other.bytes()?)?))
        };
        if let Some(heir) = unless_damaged(read())? {
            return Ok(Some(heir));
        }
    }
    Ok(None)
}

/// The key of the customer who is erased, also where that has begun. `None` if it does not open any more.
async fn key_of<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
) -> Answer<Option<Arc<DataKey>>> {
    let row = db
        .row("SELECT wrapped_key FROM customer WHERE shard = $1 AND id = $2", values![shard, customer])
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    unless_damaged(vault.customer_key(customer, &row.bytes()?))
}

fn unless_damaged<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Err(error) if error.is_damage() => Ok(None),
        answer => answer.map(Some),
    }
}

/// Text of a message, and its recipient with the text's hash, under the other key.
fn resealed(
    vault: &Vault,
    mut row: Row,
    (from, to): (&DataKey, &DataKey),
) -> Answer<(MessageId, Vec<u8>, Vec<u8>)> {
    let message = MessageId::from_bytes(row.array()?);
    let (payload, sealed_to) = (row.bytes()?, row.bytes()?);
    let recipient = recipient_context(message);
    let sent_to = open(from, &recipient, &sealed_to)?;
    let damaged = || StoreError::damaged("a message without bank data does not open under its key");
    let hash = *sent_to.first_chunk().ok_or_else(damaged)?;
    let payload =
        reseal_plain(message, (&payload, hash), (from, to), vault.entropy()).map_err(|_| damaged())?;
    Ok((message, payload, vault.seal(to, &recipient, &sent_to)?))
}
