//! Nodes and the leases of their shards (PostgreSQL).
//!
//! A node is one run of a process, with a number that is never used again. Each of its transactions begins by renewing
//! the node's own row (`renew`), which locks that row until the commit. A shard changes hands in two ways only:
//! - its node, alive, gives it back, when nothing is under way in it (`give`, in a transaction of the node's own);
//! - its node's time is over by the database's clock, and another one ends the node (`fence`): it needs the lock on
//!   the node's row, so it waits for what the node is committing, and from then on nothing of the node can begin to.
//!
//! So no command needs an epoch of its own: what a node commits, it commits as the holder of its shards.

use crate::apply::{Applied, Refused, maybe};
use crate::codec::outbox_code;
use crate::db::{Db, values};
use crate::limits::{LEASE, NODE_DAYS};
use crate::{Answer, OutboxState, Outcome, StoreError};
use amana_core::{Shard, Timestamp};

/// A node, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub id: i64,
    /// The name that it gave itself.
    pub name: String,
    /// When it came, by the database's clock.
    pub began_at: Timestamp,
    /// Microseconds that its lease lasts from now on, less than none where it is over.
    pub left_us: i64,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether others ended it.
    pub fenced: bool,
    /// How many shards it has.
    pub shards: u64,
}

/// A node's shards, and what there is beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShardView {
    /// The node's, in order.
    pub held: Vec<Shard>,
    /// How many nobody has.
    pub free: u64,
    /// How many nodes live, this one among them.
    pub nodes: u64,
}

/// The database's clock, in microseconds.
macro_rules! clock {
    () => {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}

fn micros_of(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A new node. `None` where the engine has one process.
pub(crate) async fn join<D: Db>(db: &mut D, name: &str) -> Answer<Option<i64>> {
    if !D::LOCKS_ROWS {
        return Ok(None);
    }
    let row = db
        .row(
            concat!(
                "INSERT INTO node (id, name, began_at, until, ended_at, fenced) \
                 SELECT nextval('node_number'), $1, c.now, c.now + $2, NULL, 0 FROM (SELECT ",
                clock!(),
                " AS now) c RETURNING id"
            ),
            values![name, micros_of(LEASE)],
        )
        .await?;
    row.ok_or_else(|| StoreError::new("a node got no number"))?.int().map(Some)
}

/// Renews a node's lease and locks it until the end of the transaction; 0 if it was ended.
pub(crate) async fn renew<D: Db>(db: &mut D, node: i64) -> Result<u64, StoreError> {
    db.run(
        concat!("UPDATE node SET until = ", clock!(), " + $2 WHERE id = $1 AND ended_at IS NULL"),
        values![node, micros_of(LEASE)],
    )
    .await
}

/// Whether nobody has ended a node.
pub(crate) async fn lives<D: Db>(db: &mut D, node: i64) -> Answer<bool> {
    if !D::LOCKS_ROWS || node == 0 {
        return Ok(true);
    }
    let row = db.row("SELECT id FROM node WHERE id = $1 AND ended_at IS NULL", values![node]).await?;
    Ok(row.is_some())
}

/// Ends the nodes whose time is over.
pub(crate) async fn fence<D: Db>(db: &mut D, by: i64) -> Applied {
    if !D::LOCKS_ROWS {
        return Ok(Outcome::Unchanged);
    }
    // A row that is locked is of a node which is in a transaction: it is alive, or the database ends its session soon.
    let over = db
        .rows(
            concat!(
                "SELECT id, name FROM node WHERE ended_at IS NULL AND id <> $1 AND until < ",
                clock!(),
                " ORDER BY id FOR UPDATE SKIP LOCKED"
            ),
            values![by],
        )
        .await?;
    let mut rows = 0;
    for mut row in over {
        let (node, name) = (row.int()?, row.text()?);
        free(db, node, Shard(0)).await?;
        rows += ended(db, node, 1).await?;
        tracing::warn!(node, name, "a node's time is over; its shards are free");
    }
    db.run(
        concat!("DELETE FROM node WHERE ended_at < ", clock!(), " - $1"),
        values![NODE_DAYS.saturating_mul(86_400_000_000)],
    )
    .await?;
    maybe(rows)
}

async fn free<D: Db>(db: &mut D, node: i64, from: Shard) -> Result<u64, StoreError> {
    db.run(
        "UPDATE lease SET node = NULL, epoch = epoch + 1 WHERE node = $1 AND shard >= $2",
        values![node, from],
    )
    .await
}

async fn ended<D: Db>(db: &mut D, node: i64, fenced: i64) -> Result<u64, StoreError> {
    db.run(
        concat!("UPDATE node SET ended_at = ", clock!(), ", fenced = $2 WHERE id = $1 AND ended_at IS NULL"),
        values![node, fenced],
    )
    .await
}

/// Takes free shards, and takes up what was being sent in them.
pub(crate) async fn take<D: Db>(db: &mut D, node: i64, most: u32, until: Timestamp) -> Applied {
    if !D::LOCKS_ROWS {
        return Ok(Outcome::Unchanged);
    }
    // Those that are being taken stand under the negative number, within this transaction alone.
    let rows = db
        .run(
            concat!(
                "UPDATE lease SET node = -CAST($1 AS BIGINT), epoch = epoch + 1, since = ",
                clock!(),
                " WHERE shard IN (SELECT shard FROM lease WHERE node IS NULL ORDER BY shard LIMIT $2 \
                 FOR UPDATE SKIP LOCKED)"
            ),
            values![node, most],
        )
        .await?;
    if rows == 0 {
        return Ok(Outcome::Unchanged);
    }
    // The shards as one value, before the messages are looked at. Joined, they are taken for one row, since no
    // statistics know a node that has just come, and all open messages are walked through once for each of them.
    db.run(
        "UPDATE outbox SET state = $1, doubtful = 1, due_at = CASE WHEN due_at < $2 THEN $2 ELSE due_at END \
         WHERE state IN (1, 2) \
         AND shard = ANY(ARRAY(SELECT shard FROM lease WHERE node = -CAST($3 AS BIGINT)))",
        values![outbox_code(OutboxState::Unconfirmed), until, node],
    )
    .await?;
    db.run("UPDATE lease SET node = $1 WHERE node = -CAST($1 AS BIGINT)", values![node]).await?;
    Ok(Outcome::Changed)
}

/// Frees a node's shards from one on.
pub(crate) async fn give<D: Db>(db: &mut D, node: i64, from: Shard) -> Applied {
    maybe(free(db, node, from).await?)
}

/// A node ends by itself.
pub(crate) async fn end<D: Db>(db: &mut D, node: i64) -> Applied {
    if !D::LOCKS_ROWS {
        return Ok(Outcome::Unchanged);
    }
    free(db, node, Shard(0)).await?;
    match ended(db, node, 0).await? {
        0 => Err(Refused::Conflict("node")),
        _ => Ok(Outcome::Changed),
    }
}

/// A node's shards, and what there is beside it.
pub(crate) async fn shards<D: Db>(db: &mut D, node: i64) -> Answer<ShardView> {
    if !D::LOCKS_ROWS {
        return Ok(ShardView::default());
    }
    let rows = db.rows("SELECT shard FROM lease WHERE node = $1 ORDER BY shard", values![node]).await?;
    let held = rows.into_iter().map(|mut row| row.shard()).collect::<Answer<_>>()?;
    let row = db
        .row(
            concat!(
                "SELECT (SELECT count(*) FROM lease WHERE node IS NULL), \
                 (SELECT count(*) FROM node WHERE ended_at IS NULL AND until >= ",
                clock!(),
                ")"
            ),
            values![],
        )
        .await?;
    let mut row = row.ok_or_else(|| StoreError::new("a count gave no number"))?;
    Ok(ShardView { held, free: row.number()?, nodes: row.number()? })
}

/// The nodes.
pub(crate) async fn nodes<D: Db>(db: &mut D) -> Answer<Vec<Node>> {
    if !D::LOCKS_ROWS {
        return Ok(Vec::new());
    }
    let rows = db
        .rows(
            concat!(
                "SELECT n.id, n.name, n.began_at, n.until - ",
                clock!(),
                ", n.ended_at, n.fenced, (SELECT count(*) FROM lease l WHERE l.node = n.id) FROM node n ORDER BY n.id"
            ),
            values![],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Node {
                id: row.int()?,
                name: row.text()?,
                began_at: row.time()?,
                left_us: row.int()?,
                ended_at: row.opt_time()?,
                fenced: row.flag()?,
                shards: row.number()?,
            })
        })
        .collect()
}
