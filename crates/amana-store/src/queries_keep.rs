//! Queries about what is kept and what was erased; none of them opens anything.

use crate::apply_sweep::SWEEP;
use crate::db::{Db, Row, values};
use crate::limits::QUERY_ROWS_MAX;
use crate::{Answer, CustomerPlace, DataKind, Holding, KeptOf, RetentionReport, StoreError};
use amana_core::{CustomerId, Shard, Timestamp};

fn at_most(limit: usize) -> i64 {
    i64::try_from(limit.min(QUERY_ROWS_MAX)).unwrap_or(i64::MAX)
}

fn read_place(mut row: Row) -> Answer<CustomerPlace> {
    Ok(CustomerPlace {
        id: CustomerId::from_bytes(row.array()?),
        shard: row.shard()?,
        institution: row.parsed()?,
        erased_at: row.opt_time()?,
    })
}

pub(crate) async fn customer_place<D: Db>(db: &mut D, id: CustomerId) -> Answer<Option<CustomerPlace>> {
    let row =
        db.row("SELECT id, shard, institution, erased_at FROM customer WHERE id = $1", values![id]).await?;
    row.map(read_place).transpose()
}

pub(crate) async fn customers_idle<D: Db>(
    db: &mut D,
    before: Timestamp,
    after: Option<(Shard, CustomerId)>,
    limit: usize,
) -> Answer<Vec<CustomerPlace>> {
    let (shard, customer) = after
        .map_or((-1, Vec::new()), |(shard, customer)| (i64::from(shard.0), customer.as_bytes().to_vec()));
    let rows = db
        .rows(
            "SELECT DISTINCT k.id, k.shard, k.institution, k.erased_at FROM link l JOIN customer k \
             ON k.shard = l.shard AND k.id = l.customer AND k.erased_at IS NULL \
             WHERE l.state = 2 AND l.ended_at < $1 AND (l.shard > $2 OR (l.shard = $2 AND l.customer > $3)) \
             AND NOT EXISTS (SELECT 1 FROM link o WHERE o.shard = l.shard AND o.customer = l.customer \
             AND (o.state < 2 OR o.ended_at >= $1)) ORDER BY k.shard, k.id LIMIT $4",
            values![before, shard, customer, at_most(limit)],
        )
        .await?;
    rows.into_iter().map(read_place).collect()
}

pub(crate) async fn erased<D: Db>(
    db: &mut D,
    after: Option<CustomerId>,
    limit: usize,
) -> Answer<Vec<CustomerId>> {
    let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let rows = db
        .rows("SELECT id FROM erased WHERE id > $1 ORDER BY id LIMIT $2", values![after, at_most(limit)])
        .await?;
    rows.into_iter().map(|mut row| Ok(CustomerId::from_bytes(row.array()?))).collect()
}

pub(crate) async fn erased_since<D: Db>(db: &mut D, since: Timestamp) -> Answer<Vec<CustomerId>> {
    let rows = db.rows("SELECT id FROM erased WHERE at >= $1", values![since]).await?;
    rows.into_iter().map(|mut row| Ok(CustomerId::from_bytes(row.array()?))).collect()
}

pub(crate) async fn job_is_there<D: Db>(db: &mut D, id: [u8; 16]) -> Answer<bool> {
    Ok(db.row("SELECT state FROM job WHERE id = $1", values![id]).await?.is_some())
}

pub(crate) async fn kept_of<D: Db>(db: &mut D, (shard, customer): (Shard, CustomerId)) -> Answer<KeptOf> {
    let row = db
        .row(
            "SELECT (SELECT count(*) FROM book WHERE shard = $1 AND customer = $2), \
             (SELECT count(*) FROM waiting WHERE shard = $1 AND customer = $2), \
             (SELECT count(*) FROM sealed_page WHERE shard = $1 AND customer = $2 AND length(sealed) > 0)",
            values![shard, customer],
        )
        .await?;
    let mut row = row.ok_or_else(|| StoreError::new("the database does not count"))?;
    Ok(KeptOf { books: row.number()?, news: row.number()?, pages: row.number()? })
}

/// How many rows of a kind there are that will end by time, and the time of the oldest.
fn held(kind: DataKind) -> &'static str {
    match kind {
        DataKind::OneTimeLink => "SELECT count(*), min(expires_at) FROM token",
        DataKind::Session => "SELECT count(*), min(expires_at) FROM session",
        DataKind::SealedPage => "SELECT count(*), min(expires_at) FROM sealed_page",
        DataKind::EventKey => "SELECT count(*), min(received_at) FROM inbox WHERE state = 1",
        DataKind::FailedEvent => "SELECT count(*), min(received_at) FROM inbox WHERE state = 2",
        DataKind::Message => {
            "SELECT count(*), min(created_at) FROM outbox WHERE state > 3 AND customer IS NOT NULL"
        }
        DataKind::PlainMessage => {
            "SELECT count(*), min(created_at) FROM outbox WHERE state > 3 AND customer IS NULL"
        }
        DataKind::Story => "SELECT count(*), min(told_at) FROM story",
        DataKind::Book => "SELECT count(*), min(changed_at) FROM book",
        DataKind::Waiting => "SELECT count(*), min(created_at) FROM waiting",
        DataKind::Conversation => "SELECT count(*), min(last_inbound_at) FROM conversation",
        DataKind::DeadJob => "SELECT count(*), min(due_at) FROM job WHERE state = 1",
        DataKind::Sighting => "SELECT count(*), min(at) FROM sighting",
        DataKind::Alarm => "SELECT count(*), min(closed_at) FROM alarm WHERE closed_at IS NOT NULL",
        DataKind::AsideRecord => "SELECT count(*), min(at) FROM aside_record",
        DataKind::Customer => {
            "SELECT count(*), min(i.since) FROM (SELECT max(l.ended_at) AS since FROM link l \
             GROUP BY l.shard, l.customer HAVING min(l.state) = 2) i"
        }
    }
}

/// Counts everything, which takes a while on a large database: for a report, not for each minute.
pub(crate) async fn retention_report<D: Db>(db: &mut D) -> Answer<RetentionReport> {
    const REMOVED: &str = "SELECT removed_last, last_run, removed_total FROM retention WHERE kind = $1";
    let mut holdings = Vec::with_capacity(DataKind::ALL.len());
    for kind in DataKind::ALL {
        let counted = db.row(held(kind), values![]).await?;
        let mut counted = counted.ok_or_else(|| StoreError::new("the database does not count"))?;
        let removed = db.row(REMOVED, values![kind.as_str()]).await?;
        let removed = removed
            .map(|mut row| Ok::<_, StoreError>(((row.number()?, row.time()?), row.number()?)))
            .transpose()?;
        holdings.push(Holding {
            kind,
            rows: counted.number()?,
            oldest: counted.opt_time()?,
            removed_last: removed.map(|(last, _)| last),
            removed_total: removed.map_or(0, |(_, total)| total),
        });
    }
    let swept = db.row(REMOVED, values![SWEEP]).await?;
    let swept_at = swept
        .map(|mut row| {
            row.int()?;
            row.time()
        })
        .transpose()?;
    Ok(RetentionReport { holdings, swept_at })
}
