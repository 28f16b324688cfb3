//! What stands first in its lane or conversation and is due, found without walking through what waits behind it.
//!
//! There are two ways to it, and each has its bad day. In order of time: the heads of many lanes are among the first
//! rows, but where few lanes wait with many rows each, nearly all rows that are passed are behind a head. By lane: one
//! step in the index for each, however many rows wait in it, but all lanes have to be gone through. So both are tried
//! in turns, further each time, and whichever comes to its end first answers. What is found is the same by either.

use crate::db::{Db, Row, values};
use crate::queries::{at_most, outbox_columns};
use crate::{Answer, StoreError};
use amana_core::{Timestamp, micros};

/// How many rows, and then lanes, are looked at for each head that is wanted, before the other way is tried further.
/// After the last it is all rows, in order.
const LOOKED_AT: [usize; 3] = [4, 32, 256];

/// Whether a row is of a shard that is this node's, or of any where it is the only one.
macro_rules! ours {
    ($row:literal) => {
        concat!(
            " AND (CAST($4 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM lease h WHERE h.shard = ",
            $row,
            ".shard AND h.node = $4))"
        )
    };
}

/// The lanes in which events wait, and one that is null behind them: one step in the index for each.
macro_rules! lanes {
    () => {
        "WITH RECURSIVE lanes(lane) AS (SELECT (SELECT lane FROM inbox WHERE state = 0 ORDER BY lane LIMIT 1) \
         UNION ALL SELECT (SELECT n.lane FROM inbox n WHERE n.state = 0 AND n.lane > l.lane \
         ORDER BY n.lane LIMIT 1) FROM lanes l WHERE l.lane IS NOT NULL) "
    };
}

/// The events of one source that are first in their lanes and due, in order.
pub(crate) async fn inbox<D: Db>(
    db: &mut D,
    node: i64,
    (now, source): (Timestamp, i64),
    limit: usize,
) -> Answer<Vec<Row>> {
    for far in LOOKED_AT.map(|each| at_most(limit.saturating_mul(each))) {
        let end = db
            .row(
                "SELECT position FROM inbox WHERE state = 0 AND source = $1 ORDER BY position LIMIT 1 OFFSET $2",
                values![source, far],
            )
            .await?;
        let end = end.map(|mut row| row.int()).transpose()?;
        let rows = inbox_before(db, node, (now, source), (end, limit)).await?;
        if end.is_none() || rows.len() >= limit {
            return Ok(rows);
        }
        let more = db
            .row(
                concat!(
                    "SELECT l.lane FROM (",
                    lanes!(),
                    "SELECT lane FROM lanes) l WHERE l.lane IS NOT NULL LIMIT 1 OFFSET $1"
                ),
                values![far],
            )
            .await?;
        if more.is_none() {
            return inbox_by_lane(db, node, (now, source), limit).await;
        }
    }
    inbox_before(db, node, (now, source), (None, limit)).await
}

/// Those of them that stand before a position.
async fn inbox_before<D: Db>(
    db: &mut D,
    node: i64,
    (now, source): (Timestamp, i64),
    (end, limit): (Option<i64>, usize),
) -> Answer<Vec<Row>> {
    // A subquery of its own for each row, which no planner turns into a join of all that waits.
    db.rows(
        concat!(
            "SELECT i.shard, i.position, i.lane, i.key, i.source, i.body, i.attempts, i.received_at FROM inbox i \
             WHERE i.state = 0 AND i.source = $1 AND i.position < $5 AND i.not_before <= $2 \
             AND i.position = (SELECT b.position FROM inbox b WHERE b.state = 0 AND b.lane = i.lane \
             ORDER BY b.position LIMIT 1)",
            ours!("i"),
            " ORDER BY i.position LIMIT $3"
        ),
        values![source, now, at_most(limit), node, end.unwrap_or(i64::MAX)],
    )
    .await
}

/// The same, by going through all lanes.
async fn inbox_by_lane<D: Db>(
    db: &mut D,
    node: i64,
    (now, source): (Timestamp, i64),
    limit: usize,
) -> Answer<Vec<Row>> {
    // SQLite knows no LATERAL, and PostgreSQL has no index of positions alone. What adds nothing (`+`) keeps SQLite
    // from walking through all that waits by another index.
    let sql = if D::POSITION_IS_KEY {
        concat!(
            "SELECT i.shard, i.position, i.lane, i.key, i.source, i.body, i.attempts, i.received_at FROM inbox i \
             WHERE i.position IN (",
            lanes!(),
            "SELECT (SELECT b.position FROM inbox b WHERE b.state = 0 AND b.lane = l.lane ORDER BY b.position LIMIT 1) \
             FROM lanes l) AND i.state = 0 AND +i.source = $1 AND i.not_before <= $2",
            ours!("i"),
            " ORDER BY i.position LIMIT $3"
        )
    } else {
        concat!(
            "SELECT i.shard, i.position, i.lane, i.key, i.source, i.body, i.attempts, i.received_at FROM (",
            lanes!(),
            "SELECT lane FROM lanes) l CROSS JOIN LATERAL (SELECT b.shard, b.position, b.lane, b.key, b.source, b.body, b.attempts, \
             b.received_at, b.not_before FROM inbox b WHERE b.state = 0 AND b.lane = l.lane \
             ORDER BY b.position LIMIT 1) i WHERE i.source = $1 AND i.not_before <= $2",
            ours!("i"),
            " ORDER BY i.position LIMIT $3"
        )
    };
    db.rows(sql, values![source, now, at_most(limit), node]).await
}

/// Whether a row's channel is not paused: the paused ones are one text, each between line feeds.
macro_rules! goes {
    ($row:literal) => {
        concat!("replace(CAST($2 AS TEXT), '\n' || ", $row, ".channel || '\n', '') = CAST($2 AS TEXT)")
    };
}

/// Its channel is not paused, and it is ours; in the order in which they are due.
macro_rules! in_order {
    () => {
        concat!(" AND ", goes!("o"), ours!("o"), " ORDER BY o.due_at, o.position LIMIT $3")
    };
}

/// Nothing is before it in its conversation. A subquery of its own for each row: no planner turns it into a join of all
/// that waits.
macro_rules! first {
    () => {
        concat!(
            " AND (SELECT b.position FROM outbox b WHERE b.state < 4 AND b.channel = o.channel \
             AND b.person = o.person AND b.position < o.position AND (b.state < 3 OR o.anytime = 0) \
             ORDER BY b.position LIMIT 1) IS NULL",
            in_order!()
        )
    };
}

/// Nothing that is held is before the first of its conversation that is not, unless that may go at any time.
macro_rules! first_of_all {
    () => {
        concat!(
            " AND (o.anytime = 1 OR (SELECT b.position FROM outbox b WHERE b.state = 3 AND b.channel = o.channel \
             AND b.person = o.person AND b.position < o.position LIMIT 1) IS NULL)",
            in_order!()
        )
    };
}

/// Behind whom the walk through a channel's conversations goes on: the last one, or everybody if the channel is paused.
macro_rules! behind {
    ($all:literal) => {
        concat!("CASE WHEN ", goes!("l"), " THEN l.person ELSE ", $all, " END")
    };
}

/// A row of each conversation in which anything is open or held, as its position, and one that is null behind them. For
/// SQLite, which begins at what is equal when it compares channel and person as one.
macro_rules! chats_by_position {
    ($all:literal) => {
        concat!(
            "WITH RECURSIVE chats(at) AS (SELECT (SELECT position FROM outbox WHERE state < 4 \
             ORDER BY channel, person LIMIT 1) UNION ALL SELECT coalesce((SELECT n.position FROM outbox n \
             WHERE n.state < 4 AND n.channel = l.channel AND n.person > ",
            behind!($all),
            " ORDER BY n.person LIMIT 1), (SELECT n.position FROM outbox n WHERE n.state < 4 \
             AND n.channel > l.channel ORDER BY n.channel, n.person LIMIT 1)) \
             FROM chats c CROSS JOIN outbox l ON l.position = c.at) "
        )
    };
}

/// The same, as channel and person. For PostgreSQL.
macro_rules! chats {
    ($all:literal) => {
        concat!(
            "WITH RECURSIVE chats(channel, person) AS ((SELECT channel, person FROM outbox WHERE state < 4 \
             ORDER BY channel, person LIMIT 1) UNION ALL SELECT n.channel, n.person FROM chats l \
             CROSS JOIN LATERAL (SELECT n.channel, n.person FROM outbox n WHERE n.state < 4 \
             AND (n.channel, n.person) > (l.channel, ",
            behind!($all),
            ") ORDER BY n.channel, n.person LIMIT 1) n) "
        )
    };
}

/// Behind every person of a channel: these are hashes of 32 bytes.
const BEHIND_ALL: [u8; 33] = [0xff; 33];

/// The messages that are first in their conversations and due, in order. What is held is passed by what may go at any
/// time.
pub(crate) async fn outbox<D: Db>(
    db: &mut D,
    node: i64,
    (now, paused): (Timestamp, &str),
    limit: usize,
) -> Answer<Vec<Row>> {
    for far in LOOKED_AT.map(|each| at_most(limit.saturating_mul(each))) {
        let end = db
            .row(
                "SELECT due_at, position FROM outbox WHERE state < 3 AND due_at <= $1 \
                 ORDER BY due_at, position LIMIT 1 OFFSET $2",
                values![now, far],
            )
            .await?;
        let end = end.map(|mut row| Ok::<_, StoreError>((row.int()?, row.int()?))).transpose()?;
        let rows = outbox_before(db, node, (now, paused), (end, far), limit).await?;
        if end.is_none() || rows.len() >= limit {
            return Ok(rows);
        }
        let more = if D::POSITION_IS_KEY {
            concat!(
                "SELECT l.at FROM (",
                chats_by_position!("$3"),
                "SELECT at FROM chats) l WHERE l.at IS NOT NULL LIMIT 1 OFFSET $1"
            )
        } else {
            concat!("SELECT l.channel FROM (", chats!("$3"), "SELECT channel FROM chats) l LIMIT 1 OFFSET $1")
        };
        if db.row(more, values![far, paused, BEHIND_ALL]).await?.is_none() {
            return outbox_by_chat(db, node, (now, paused), limit).await;
        }
    }
    outbox_before(db, node, (now, paused), (None, i64::MAX), limit).await
}

/// Those of them that are due before a time and position: so many rows.
async fn outbox_before<D: Db>(
    db: &mut D,
    node: i64,
    (now, paused): (Timestamp, &str),
    (end, many): (Option<(i64, i64)>, i64),
    limit: usize,
) -> Answer<Vec<Row>> {
    // SQLite does not end a walk in the middle of one time by the position, which is its key.
    if D::POSITION_IS_KEY {
        let sql = concat!(
            "SELECT ",
            outbox_columns!(),
            " WHERE o.position IN (SELECT position FROM outbox WHERE state < 3 AND due_at <= $1 \
             ORDER BY due_at, position LIMIT $5) AND +o.state < 3",
            first!()
        );
        return db.rows(sql, values![now, paused, at_most(limit), node, many]).await;
    }
    let (due_at, position) = end.unwrap_or((micros(now), i64::MAX));
    let sql = concat!(
        "SELECT ",
        outbox_columns!(),
        " WHERE o.state < 3 AND (o.due_at, o.position) < ($1, $5)",
        first!()
    );
    db.rows(sql, values![due_at, paused, at_most(limit), node, position]).await
}

/// The same, by going through all conversations.
async fn outbox_by_chat<D: Db>(
    db: &mut D,
    node: i64,
    (now, paused): (Timestamp, &str),
    limit: usize,
) -> Answer<Vec<Row>> {
    // What adds nothing (`+`, `+ 0`) keeps an engine that knows no better from walking through all that waits by
    // another index.
    let sql = if D::POSITION_IS_KEY {
        concat!(
            "SELECT ",
            outbox_columns!(),
            " WHERE o.position IN (",
            chats_by_position!("$5"),
            "SELECT (SELECT b.position FROM outbox b WHERE b.state < 4 AND +b.state < 3 \
             AND b.channel = l.channel AND b.person = l.person ORDER BY b.position LIMIT 1) \
             FROM chats c CROSS JOIN outbox l ON l.position = c.at) AND +o.due_at <= $1",
            first_of_all!()
        )
    } else {
        concat!(
            "SELECT ",
            outbox_columns!(),
            " WHERE o.message = ANY(ARRAY(",
            chats!("$5"),
            "SELECT (SELECT b.message FROM outbox b WHERE b.state < 4 \
             AND b.state < 3 AND b.channel = l.channel AND b.person = l.person ORDER BY b.position LIMIT 1) \
             FROM chats l)) AND o.state + 0 < 3 AND o.due_at + 0 <= $1",
            first_of_all!()
        )
    };
    db.rows(sql, values![now, paused, at_most(limit), node, BEHIND_ALL]).await
}
