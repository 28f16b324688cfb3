//! What a sweep removes: a bounded number of rows of each kind, so that it never holds the writer for long. What it
//! removed is on record (`retention`).

use crate::apply::{Applied, maybe, record};
use crate::db::{Db, by_position, values};
use crate::limits::{CONVERSATION_SHARD_S, EXPIRED_ROWS, FORGOTTEN_CHAT_DAYS, SWEEP_ROWS};
use crate::vault::Vault;
use crate::{AlarmKind, DataKind, Outcome, Retention, StoreError};
use amana_core::ids::SHARDS;
use amana_core::{ChannelId, CustomerId, LinkId, Shard, Timestamp, from_micros, micros};
use amana_gate::ReceiptDraft;

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The name under which the time of the last sweep is kept.
pub(crate) const SWEEP: &str = "sweep";

/// The instant so many days before.
pub(crate) fn days_before(now: Timestamp, days: i64) -> Timestamp {
    from_micros(micros(now).saturating_sub(days.saturating_mul(DAY_MICROS)))
}

/// The statement that removes what is over of a kind: by a time, at most so many rows.
fn removal<D: Db>(kind: DataKind) -> Option<&'static str> {
    Some(match kind {
        DataKind::OneTimeLink => {
            "DELETE FROM token WHERE hash IN (SELECT hash FROM token WHERE expires_at <= $1 \
             ORDER BY expires_at LIMIT $2)"
        }
        DataKind::Session => {
            "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE expires_at <= $1 \
             ORDER BY expires_at LIMIT $2)"
        }
        DataKind::SealedPage => {
            "DELETE FROM sealed_page WHERE hash IN (SELECT hash FROM sealed_page WHERE expires_at <= $1 \
             ORDER BY expires_at LIMIT $2)"
        }
        DataKind::EventKey => {
            by_position!(
                D,
                "DELETE FROM inbox WHERE ",
                " FROM inbox \
             WHERE state = 1 AND received_at < $1 ORDER BY received_at LIMIT $2)"
            )
        }
        DataKind::FailedEvent => {
            by_position!(
                D,
                "DELETE FROM inbox WHERE ",
                " FROM inbox \
             WHERE state = 2 AND received_at < $1 ORDER BY position LIMIT $2)"
            )
        }
        DataKind::Message => {
            by_position!(
                D,
                "DELETE FROM outbox WHERE ",
                " FROM outbox \
             WHERE state > 3 AND customer IS NOT NULL AND created_at < $1 ORDER BY created_at LIMIT $2)"
            )
        }
        DataKind::PlainMessage => {
            by_position!(
                D,
                "DELETE FROM outbox WHERE ",
                " FROM outbox \
             WHERE state > 3 AND customer IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2)"
            )
        }
        DataKind::Story => {
            // As a range of times, with whatever is of the last one's microsecond: SQLite reads a whole shard to find
            // rows by the three columns of this key.
            "DELETE FROM story WHERE told_at <= (SELECT max(s.told_at) FROM (SELECT told_at FROM story \
             WHERE told_at < $1 ORDER BY told_at LIMIT $2) s)"
        }
        DataKind::Book => {
            "DELETE FROM book WHERE changed_at <= (SELECT max(b.changed_at) FROM (SELECT changed_at FROM book \
             WHERE changed_at < $1 ORDER BY changed_at LIMIT $2) b)"
        }
        DataKind::Waiting => {
            "DELETE FROM waiting WHERE (shard, link, story) IN (SELECT shard, link, story FROM waiting \
             WHERE created_at < $1 ORDER BY created_at LIMIT $2)"
        }
        DataKind::DeadJob => {
            "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state = 1 AND due_at < $1 \
             ORDER BY due_at LIMIT $2)"
        }
        DataKind::Sighting => {
            "DELETE FROM sighting WHERE (channel, mid) IN (SELECT channel, mid FROM sighting WHERE at < $1 \
             ORDER BY at LIMIT $2)"
        }
        // One that nobody has closed is not over.
        DataKind::Alarm => {
            "DELETE FROM alarm WHERE id IN (SELECT id FROM alarm WHERE closed_at < $1 ORDER BY closed_at, id LIMIT $2)"
        }
        DataKind::AsideRecord => {
            "DELETE FROM aside_record WHERE (source, topic, partition_no, first_offset) IN (SELECT source, topic, \
             partition_no, first_offset FROM aside_record WHERE at < $1 ORDER BY at LIMIT $2)"
        }
        // Chats go a shard at a time; customers are erased, which is more than removing rows.
        DataKind::Conversation | DataKind::Customer => return None,
    })
}

const TOLD_OF_OVER: &str = "DELETE FROM alarm_told WHERE alarm IN (SELECT id FROM alarm WHERE closed_at < $1 \
                            ORDER BY closed_at, id LIMIT $2)";

pub(crate) async fn sweep<D: Db>(db: &mut D, vault: &Vault, now: Timestamp, keep: &Retention) -> Applied {
    let reached = |rows: u64, most: i64| i64::try_from(rows).is_ok_and(|rows| rows >= most);
    let (mut removed, mut more) = (0, false);
    for kind in DataKind::ALL {
        let rows = match removal::<D>(kind) {
            Some(statement) => {
                let before = kind.days(keep).map_or(now, |days| days_before(now, days));
                if kind == DataKind::Alarm {
                    // With whom it was about, which no key of the table ties to it.
                    db.run(TOLD_OF_OVER, values![before, SWEEP_ROWS]).await?;
                }
                db.run(statement, values![before, SWEEP_ROWS]).await?
            }
            None if kind == DataKind::Conversation => silent_conversations(db, now, keep).await?,
            None => 0,
        };
        if rows > 0 {
            note(db, kind.as_str(), now, rows).await?;
        }
        // All silent chats of a shard go at once, so there are no more of them.
        more |= kind != DataKind::Conversation && reached(rows, SWEEP_ROWS);
        removed += rows;
    }
    let sightings = crate::apply_alarm::sweep(db).await?;
    note(db, SWEEP, now, removed).await?;
    // Late, since the head of the log is locked from the first of their receipts on.
    let expired = crate::apply_outbox::end_expired(db, vault, now).await?;
    // What was given up keeps its text while it could be sent again. Of messages with bank data it is what was said.
    let emptied = db
        .run(
            "UPDATE outbox SET payload = $3, sealed_to = NULL, key_of = NULL WHERE state = 5 AND customer IS NULL AND length(payload) > 0 \
             AND message IN (SELECT message FROM outbox WHERE state = 5 AND customer IS NULL \
             AND length(payload) > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)",
            values![now, SWEEP_ROWS, Vec::new()],
        )
        .await?;
    more |= reached(expired, EXPIRED_ROWS) || reached(emptied, SWEEP_ROWS) || reached(sightings, SWEEP_ROWS);
    if more { Ok(Outcome::More) } else { maybe(removed + expired + emptied + sightings) }
}

/// Messages are found by the customer's receipts, which stay: they have no amounts.
pub(crate) async fn forget_said<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    link: LinkId,
    at: Timestamp,
    receipt: &ReceiptDraft,
) -> Applied {
    let said = db
        .run(
            "DELETE FROM outbox WHERE state > 3 AND customer IS NOT NULL AND message IN (SELECT r.message FROM receipt r \
             JOIN link l ON l.shard = r.shard AND l.customer = r.customer \
             JOIN outbox o ON o.message = r.message AND o.channel = l.channel AND o.person = l.person \
             WHERE r.shard = $1 AND r.customer = $2 AND l.id = $3 AND l.state = 2 AND o.state > 3 AND o.customer IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM link other WHERE other.shard = l.shard AND other.customer = l.customer \
             AND other.channel = l.channel AND other.person = l.person AND other.state < 2) LIMIT $4)",
            values![shard, customer, link, SWEEP_ROWS],
        )
        .await?;
    let books = db
        .run(
            "DELETE FROM book WHERE shard = $1 AND customer = $2 AND NOT EXISTS (SELECT 1 FROM link l \
             WHERE l.shard = $1 AND l.customer = $2 AND l.state < 2)",
            values![shard, customer],
        )
        .await?;
    let removed = [(DataKind::Message.as_str(), said), (DataKind::Book.as_str(), books)];
    for (kind, rows) in removed {
        if rows > 0 {
            note(db, kind, at, rows).await?;
        }
    }
    if said + books > 0 {
        // It goes whether or not there can be a receipt of it.
        if crate::apply_log::leads_on(db, vault, (shard, customer)).await? {
            record(db, vault, (shard, customer), &receipt.deleted(&removed), None).await?;
        } else {
            let of_link = "SELECT channel FROM link WHERE shard = $1 AND id = $2";
            if let Some(mut row) = db.row(of_link, values![shard, link]).await? {
                let (channel, about) = (row.parsed::<ChannelId>()?, AlarmKind::unrecorded(link));
                crate::apply_waiting::raise_alarm(db, &channel, &about, AlarmKind::Unrecorded, at).await?;
            }
        }
    }
    maybe(said + books)
}

/// The silent chats of one shard, and those that wanted to be forgotten (or never said anything): nobody was welcomed
/// in them, and after a week no human may answer there either. There is no index for them, which each message would
/// have to keep up; a shard is read through in a moment.
async fn silent_conversations<D: Db>(
    db: &mut D,
    now: Timestamp,
    keep: &Retention,
) -> Result<u64, StoreError> {
    let turn = now.as_second().div_euclid(CONVERSATION_SHARD_S).rem_euclid(i64::from(SHARDS));
    let shard = Shard(u16::try_from(turn).unwrap_or_default());
    db.run(
        "DELETE FROM conversation WHERE shard = $1 AND (coalesce(last_inbound_at, welcomed_at, 0) < $2 \
         OR (welcomed_at IS NULL AND last_inbound_at < $3)) AND NOT EXISTS (SELECT 1 FROM link l WHERE l.channel = conversation.channel \
         AND l.person = conversation.person)",
        values![
            shard,
            days_before(now, keep.conversation_days),
            days_before(now, FORGOTTEN_CHAT_DAYS.min(keep.conversation_days))
        ],
    )
    .await
}

/// Puts on record what was removed.
pub(crate) async fn note<D: Db>(
    db: &mut D,
    kind: &'static str,
    now: Timestamp,
    rows: u64,
) -> Result<(), StoreError> {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    db.run(
        "INSERT INTO retention (kind, last_run, removed_last, removed_total) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (kind) DO UPDATE SET last_run = excluded.last_run, removed_last = excluded.removed_last, \
         removed_total = retention.removed_total + excluded.removed_last",
        values![kind, now, rows],
    )
    .await
    .map(|_| ())
}
