//! Erasure: the last receipt, then, once the key's share is destroyed, every row.

use crate::apply::{Applied, Refused, json, maybe, record};
use crate::apply_shared::leave_words;
use crate::apply_sweep::note;
use crate::codec::INBOX_DONE;
use crate::custody::Holder;
use crate::db::{Db, values};
use crate::kept::write_back;
use crate::limits::ERASE_ROWS;
use crate::vault::Vault;
use crate::{DataKind, Outcome, StoreError};
use amana_core::{ConversationId, CustomerId, KillScope, Lang, MessageId, Shard, Timestamp};
use amana_gate::ReceiptDraft;

/// The last receipt. From its commit on there is no such customer for any other command or query. Refused while a link
/// of theirs is not ended: one that came into being after the erasure had looked would take the bank's grant with it,
/// and nobody would be left who takes that back.
pub(crate) async fn begin<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    at: Timestamp,
    receipt: &ReceiptDraft,
) -> Applied {
    // This takes the customer's row, as every consent does: whoever links at this moment has done it, or will find
    // nobody.
    let seq = record(db, vault, (shard, customer), receipt, None).await?;
    let open = db
        .row(
            "SELECT id FROM link WHERE shard = $1 AND customer = $2 AND state < 2 LIMIT 1",
            values![shard, customer],
        )
        .await?;
    if open.is_some() {
        return Err(Refused::Conflict("link"));
    }
    // In this commit: before it nothing has changed, and after it their key is needed for nothing.
    leave_words(db, vault, (shard, customer)).await?;
    mark(db, (shard, customer), at).await?;
    deny_what_waits(db, vault, (shard, customer), at).await?;
    Ok(Outcome::Receipt(seq))
}

/// What makes an unsent message without bank data over: text and recipient are gone. What is on its way may be at the
/// platform, and is in doubt for ever.
macro_rules! over_unsent {
    ($empty:literal) => {
        concat!(
            "payload = ",
            $empty,
            ", sealed_to = NULL, key_of = NULL, reason = 'erased', state = CASE WHEN state IN (1, 2) THEN 5 ELSE 6 - doubtful END, \
             doubtful = CASE WHEN state IN (1, 2) THEN 1 ELSE doubtful END"
        )
    };
}

/// The messages of the chats that the customer `$2` of the shard `$1` is known to have had
/// ([`crate::Link::was_confirmed`]): a link that waited for a chat's word and never had it says nothing about who is in
/// it.
macro_rules! messages_of_chats {
    () => {
        "link l JOIN outbox o ON o.channel = l.channel AND o.person = l.person WHERE l.shard = $1 AND l.customer = $2 \
         AND l.state <> 0 AND l.code_hash IS NULL"
    };
}

/// That the chat of the link `l` is another customer's, too.
macro_rules! is_anothers {
    () => {
        "EXISTS (SELECT 1 FROM link other WHERE other.channel = l.channel AND other.person = l.person \
         AND other.state = 1 AND other.customer <> l.customer)"
    };
}

/// Those of them that are over with the customer: where no other customer's link is active, and elsewhere what is under
/// this one's key or about several links, and what a human wrote while the chat was theirs, too, under whoever's key:
/// it may be about them, and they have a receipt of it.
macro_rules! own_messages {
    () => {
        concat!(
            messages_of_chats!(),
            " AND (o.key_of = l.customer OR o.about = 1 OR (o.agent IS NOT NULL AND EXISTS (SELECT 1 FROM receipt r \
             WHERE r.shard = l.shard AND r.customer = l.customer AND r.message = o.message)) OR NOT ",
            is_anothers!(),
            ")"
        )
    };
}

/// What waits for their chats without bank data is over now, whether it is under their key or, from before they were
/// linked, under the deployment's, which is not destroyed: text and recipient are gone, and a human's words with it.
/// What is for those to whom a chat still belongs was put under a key of theirs before this. What tells them that they
/// are erased is put in after this, under the deployment's key. What is on its way may be at the platform, and stays as
/// such.
async fn deny_what_waits<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    at: Timestamp,
) -> Result<(), Refused> {
    let words = db
        .rows(
            concat!(
                "SELECT DISTINCT o.message FROM ",
                own_messages!(),
                " AND o.state < 4 AND o.agent IS NOT NULL"
            ),
            values![shard, customer],
        )
        .await?;
    db.run(
        concat!(
            "UPDATE outbox SET ",
            over_unsent!("$3"),
            " WHERE message IN (SELECT o.message FROM ",
            own_messages!(),
            " AND o.state < 4 AND o.customer IS NULL)"
        ),
        values![shard, customer, Vec::new()],
    )
    .await?;
    // Whoever's chat it was, too, has it on record.
    for mut row in words {
        let message = MessageId::from_bytes(row.array()?);
        crate::apply_agent::outcome(db, vault, message, "denied:erased", at).await?;
    }
    Ok(())
}

async fn mark<D: Db>(
    db: &mut D,
    (shard, customer): (Shard, CustomerId),
    at: Timestamp,
) -> Result<(), StoreError> {
    write_back(db).await?;
    db.kept().forget_customer((shard, customer));
    db.run(
        // The bank's id for them is free again: who comes back is a new customer. Without a good MAC nothing is
        // recorded for this one any more, should the row be made to look as before.
        "UPDATE customer SET erased_at = $1, subject = id, receipt_mac = $4 \
         WHERE shard = $2 AND id = $3 AND erased_at IS NULL",
        values![at, shard, customer, Vec::new()],
    )
    .await
    .map(|_| ())
}

/// Removes a bounded number of the customer's rows; the customer's own row goes last. `Changed` while something may be
/// left. Nothing of it is needed for the erasure to hold, which the destroyed share makes: so it is refused before.
pub(crate) async fn step<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    at: Timestamp,
) -> Applied {
    if vault.custody().share(Holder::Customer(customer)).map_err(StoreError::from)?.is_some() {
        return Err(Refused::Conflict("share of the customer's key"));
    }
    mark(db, (shard, customer), at).await?;
    // Each of these is found by the beginning of a key. Messages are found by their receipts, so they go before them.
    // Of a message an empty row stays for as long as of one without bank data, so that an echo that comes late is no
    // alarm: what may be at the platform is dead, what never left is denied.
    db.run(
        "UPDATE outbox SET customer = NULL, sealed_basis = NULL, payload = $4, \
         reason = CASE WHEN state < 4 THEN 'erased' ELSE reason END, \
         state = CASE WHEN state IN (1, 2) THEN 5 WHEN state IN (0, 3) THEN 6 - doubtful ELSE state END \
         WHERE message IN (SELECT message FROM receipt WHERE shard = $1 AND customer = $2 AND message IS NOT NULL \
         AND seq <= (SELECT coalesce(min(r.seq), 0) FROM receipt r WHERE r.shard = $1 AND r.customer = $2) + $3)",
        values![shard, customer, ERASE_ROWS, Vec::new()],
    )
    .await?;
    // What was given up of what was said to their chats without bank data may be under the deployment's key: text and
    // recipient go, too, but for what is another customer's as well. Of what is sent or denied they are gone. It is
    // found by the links, so those wait for it.
    let emptied = db
        .run(
            concat!(
                "UPDATE outbox SET payload = $3, sealed_to = NULL, key_of = NULL WHERE message IN (SELECT o.message FROM ",
                own_messages!(),
                " AND o.state > 3 AND o.customer IS NULL AND o.sealed_to IS NOT NULL ORDER BY o.message LIMIT $4)"
            ),
            values![shard, customer, Vec::new(), ERASE_ROWS],
        )
        .await?;
    if emptied > 0 {
        return Ok(Outcome::Changed);
    }
    let mut removed = 0;
    for statement in [
        // The ways to link and to renew that their chats were given, under the deployment's key as well. Where a chat
        // is another's, too, messages that stay lead there; they name the chat alone.
        concat!(
            "DELETE FROM token WHERE hash IN (SELECT t.hash FROM link l JOIN token t ON t.channel = l.channel \
             AND t.person = l.person WHERE l.shard = $1 AND l.customer = $2 AND l.state <> 0 AND l.code_hash IS NULL \
             AND NOT ",
            is_anothers!(),
            " ORDER BY t.hash LIMIT $3)"
        ),
        "DELETE FROM receipt WHERE shard = $1 AND customer = $2 AND seq <= (SELECT coalesce(min(r.seq), 0) \
         FROM receipt r WHERE r.shard = $1 AND r.customer = $2) + $3",
        "DELETE FROM story WHERE shard = $1 AND customer = $2 AND key IN (SELECT s.key FROM story s \
         WHERE s.shard = $1 AND s.customer = $2 ORDER BY s.key LIMIT $3)",
        "DELETE FROM book WHERE shard = $1 AND customer = $2 AND key IN (SELECT b.key FROM book b \
         WHERE b.shard = $1 AND b.customer = $2 ORDER BY b.key LIMIT $3)",
        "DELETE FROM waiting WHERE shard = $1 AND customer = $2 AND position IN (SELECT w.position FROM waiting w \
         WHERE w.shard = $1 AND w.customer = $2 ORDER BY w.position LIMIT $3)",
        "DELETE FROM alarm_told WHERE shard = $1 AND customer = $2 AND alarm IN (SELECT t.alarm FROM alarm_told t \
         WHERE t.shard = $1 AND t.customer = $2 ORDER BY t.alarm LIMIT $3)",
        "DELETE FROM sealed_page WHERE shard = $1 AND customer = $2 AND hash IN (SELECT p.hash FROM sealed_page p \
         WHERE p.shard = $1 AND p.customer = $2 ORDER BY p.hash LIMIT $3)",
        "DELETE FROM passkey WHERE shard = $1 AND customer = $2 AND id IN (SELECT p.id FROM passkey p \
         WHERE p.shard = $1 AND p.customer = $2 ORDER BY p.id LIMIT $3)",
        "DELETE FROM bank_grant WHERE shard = $1 AND link IN (SELECT l.id FROM link l WHERE l.shard = $1 \
         AND l.customer = $2 ORDER BY l.position LIMIT $3)",
        "DELETE FROM bank_consent WHERE shard = $1 AND link IN (SELECT l.id FROM link l WHERE l.shard = $1 \
         AND l.customer = $2 ORDER BY l.position LIMIT $3)",
        "DELETE FROM link_account WHERE shard = $1 AND link IN (SELECT l.id FROM link l WHERE l.shard = $1 \
         AND l.customer = $2 ORDER BY l.position LIMIT $3)",
        "DELETE FROM link WHERE shard = $1 AND customer = $2 AND id IN (SELECT l.id FROM link l \
         WHERE l.shard = $1 AND l.customer = $2 ORDER BY l.position LIMIT $3)",
        // What was to end a link, to remind of its end, to forget what was said or to read for news has nothing to do
        // any more. What takes a grant back stays until it is done, and so does the job that brought us here.
        "DELETE FROM job WHERE shard = $1 AND customer = $2 AND kind IN (1, 2, 5, 7, 11) AND id IN (SELECT j.id FROM job j \
         WHERE j.shard = $1 AND j.customer = $2 AND j.kind IN (1, 2, 5, 7, 11) ORDER BY j.id LIMIT $3)",
        // With their events.
        "DELETE FROM consent WHERE shard = $1 AND customer = $2 AND id IN (SELECT c.id FROM consent c \
         WHERE c.shard = $1 AND c.customer = $2 ORDER BY c.position LIMIT $3)",
    ] {
        removed += db.run(statement, values![shard, customer, ERASE_ROWS]).await?;
    }
    if removed > 0 {
        return Ok(Outcome::Changed);
    }
    // A switch that was on for them alone stops nobody any more; it names them, and why is an operator's free text.
    db.run("DELETE FROM kill WHERE scope = $1", values![json(&KillScope::Customer(customer))?]).await?;
    let gone = db.run("DELETE FROM customer WHERE shard = $1 AND id = $2", values![shard, customer]).await?;
    db.run("INSERT INTO erased (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", values![customer, at])
        .await?;
    if gone > 0 {
        note(db, DataKind::Customer.as_str(), at, gone).await?;
    }
    maybe(gone)
}

/// What is kept of a chat under the deployment's key, or in clear, unless a link there is open. Customers' rows are not
/// touched.
pub(crate) async fn forget_chat<D: Db>(
    db: &mut D,
    vault: &Vault,
    conversation: &ConversationId,
    lane: [u8; 32],
    unsent: bool,
) -> Applied {
    let (shard, channel) = (conversation.shard(), conversation.channel.as_str());
    let person = vault.keyring().blind_person(conversation);
    let linked = db
        .row(
            "SELECT id FROM link WHERE channel = $1 AND person = $2 AND state < 2 LIMIT 1",
            values![channel, person],
        )
        .await?;
    if linked.is_some() {
        return Ok(Outcome::Unchanged);
    }
    // The keys of events stay, so that a redelivery is noticed; what they say goes. Whoever works on one that waits
    // finds it over when it ends, as with one that was taken back. (The states stand in the statement: the index of
    // each is partial.)
    let mut rows = db
        .run(
            "UPDATE inbox SET state = $1, body = $2, reason = NULL WHERE shard = $3 AND lane = $4 AND state = 2",
            values![INBOX_DONE, Vec::new(), shard, lane],
        )
        .await?;
    // A row stays, as of an erased customer's messages: an echo that comes late is no alarm.
    if unsent {
        rows += db
            .run(
                "UPDATE inbox SET state = $1, body = $2, reason = NULL WHERE shard = $3 AND lane = $4 AND state = 0",
                values![INBOX_DONE, Vec::new(), shard, lane],
            )
            .await?;
        rows += db
            .run(
                concat!(
                    "UPDATE outbox SET ",
                    over_unsent!("$4"),
                    " WHERE shard = $1 AND channel = $2 AND person = $3 AND state < 4 AND customer IS NULL"
                ),
                values![shard, channel, person, Vec::new()],
            )
            .await?;
    }
    rows += db
        .run(
            "UPDATE outbox SET payload = $4, sealed_to = NULL, key_of = NULL WHERE shard = $1 AND channel = $2 AND person = $3 \
             AND state > 3 AND customer IS NULL AND sealed_to IS NOT NULL",
            values![shard, channel, person, Vec::new()],
        )
        .await?;
    rows += db.run("DELETE FROM token WHERE channel = $1 AND person = $2", values![channel, person]).await?;
    // An answer that is still to be sent needs to know that the window is open.
    rows += db
        .run(
            "DELETE FROM conversation WHERE shard = $1 AND channel = $2 AND person = $3 AND NOT EXISTS (SELECT 1 \
             FROM outbox o WHERE o.shard = $1 AND o.channel = $2 AND o.person = $3 AND o.state < 4)",
            values![shard, channel, person],
        )
        .await?;
    rows += db
        .run(
            "UPDATE conversation SET lang = $4, lang_chosen = 0, welcomed_at = NULL, owner = NULL, \
             owner_since = NULL, owner_said_at = NULL WHERE shard = $1 AND channel = $2 AND person = $3",
            values![shard, channel, person, Lang::default().tag()],
        )
        .await?;
    maybe(rows)
}
