//! The jobs that are due, in their three queues.

use crate::codec;
use crate::db::{Db, Row, values};
use crate::queries::at_most;
use crate::{Answer, Job};
use amana_core::{CustomerId, Timestamp};

/// The jobs of a queue that are due, in order; a node's own, where there are several.
macro_rules! due {
    ($queue:literal) => {
        concat!(
            "SELECT id, shard, customer, kind, body, due_at, attempts FROM job WHERE state = 0 AND ",
            $queue,
            " AND due_at <= $1 \
             AND (CAST($3 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM lease h WHERE h.shard = job.shard AND h.node = $3)) \
             ORDER BY due_at, id LIMIT $2"
        )
    };
}

pub(crate) async fn jobs_due<D: Db>(db: &mut D, node: i64, now: Timestamp, limit: usize) -> Answer<Vec<Job>> {
    jobs(db.rows(due!("kind <> 4 AND kind <> 5"), values![now, at_most(limit), node]).await?)
}

pub(crate) async fn grant_looks_due<D: Db>(
    db: &mut D,
    node: i64,
    now: Timestamp,
    limit: usize,
) -> Answer<Vec<Job>> {
    jobs(db.rows(due!("kind = 4"), values![now, at_most(limit), node]).await?)
}

pub(crate) async fn polls_due<D: Db>(
    db: &mut D,
    node: i64,
    now: Timestamp,
    limit: usize,
) -> Answer<Vec<Job>> {
    jobs(db.rows(due!("kind = 5"), values![now, at_most(limit), node]).await?)
}

fn jobs(rows: Vec<Row>) -> Answer<Vec<Job>> {
    rows.into_iter()
        .map(|mut row| {
            Ok(Job {
                id: row.array()?,
                shard: row.shard()?,
                customer: CustomerId::from_bytes(row.array()?),
                kind: row.code(codec::job_kind)?,
                body: row.bytes()?,
                due_at: row.time()?,
                attempts: row.number()?,
            })
        })
        .collect()
}
