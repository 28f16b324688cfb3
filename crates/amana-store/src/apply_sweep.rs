//! What a sweep removes: a bounded number of rows of each kind, so that it never holds the writer for long.

use crate::apply::{Applied, maybe};
use crate::db::{Db, values};
use crate::limits::{INBOX_KEY_DAYS, STORY_DAYS, SWEEP_ROWS};
use amana_core::{Timestamp, from_micros, micros};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The instant so many days before.
fn days_before(now: Timestamp, days: i64) -> Timestamp {
    from_micros(micros(now).saturating_sub(days.saturating_mul(DAY_MICROS)))
}

pub(crate) async fn sweep<D: Db>(db: &mut D, now: Timestamp) -> Applied {
    let tokens = db
        .run(
            "DELETE FROM token WHERE hash IN (SELECT hash FROM token WHERE expires_at <= $1 \
             ORDER BY expires_at LIMIT $2)",
            values![now, SWEEP_ROWS],
        )
        .await?;
    let sessions = db
        .run(
            "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE expires_at <= $1 \
             ORDER BY expires_at LIMIT $2)",
            values![now, SWEEP_ROWS],
        )
        .await?;
    let events = db
        .run(
            "DELETE FROM inbox WHERE (shard, position) IN (SELECT shard, position FROM inbox \
             WHERE state = 1 AND received_at < $1 ORDER BY received_at LIMIT $2)",
            values![days_before(now, INBOX_KEY_DAYS), SWEEP_ROWS],
        )
        .await?;
    let stories = db
        .run(
            // As a range of times, with whatever is of the last one's microsecond: SQLite reads a whole shard to find
            // rows by the three columns of this key.
            "DELETE FROM story WHERE told_at <= (SELECT max(s.told_at) FROM (SELECT told_at FROM story \
             WHERE told_at < $1 ORDER BY told_at LIMIT $2) s)",
            values![days_before(now, STORY_DAYS), SWEEP_ROWS],
        )
        .await?;
    // What is being sent or unconfirmed is left alone: it may be at the platform. The state is asked once more
    // outside, for a row that another writer claims meanwhile.
    let messages = db
        .run(
            "UPDATE outbox SET state = 5, reason = 'expired' WHERE state IN (0, 3) AND (shard, position) IN \
             (SELECT shard, position FROM outbox WHERE state < 4 AND state IN (0, 3) AND expires_at < $1 \
             ORDER BY expires_at LIMIT $2)",
            values![now, SWEEP_ROWS],
        )
        .await?;
    let sightings = crate::apply_alarm::sweep(db, now).await?;
    maybe(tokens + sessions + events + stories + messages + sightings)
}
