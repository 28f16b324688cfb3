//! What can be asked of the disclosure log.

use crate::db::{Db, values};
use crate::queries::at_most;
use crate::vault::Vault;
use crate::{Answer, LogHead, LogSegment, ReservedIndex, StoreError, StoredReceipt};
use amana_core::{CustomerId, MessageId, Shard};
use amana_log::CustomerKey;
use std::sync::Arc;

pub(crate) async fn log_head<D: Db>(db: &mut D) -> Answer<LogHead> {
    // One statement, so that the answer is of one moment.
    let row = db
        .row(
            "SELECT h.size, h.segment, h.segment_first, e.log_index, s.segment, s.first FROM log_head h \
             LEFT JOIN log_entry e ON e.entry IS NULL LEFT JOIN log_segment s ON s.last = e.log_index \
             WHERE h.id = 1",
            values![],
        )
        .await?;
    let mut row = row.ok_or_else(|| StoreError::damaged("the head of the disclosure log is missing"))?;
    let (size, segment, first) = (row.number()?, row.number()?, row.number()?);
    let (reserved, ended, ended_first) = (row.opt_number()?, row.opt_number()?, row.opt_number()?);
    let reserved = reserved.map(|log_index| ReservedIndex {
        log_index,
        segment: ended.unwrap_or(segment),
        first: ended_first.unwrap_or(first),
        is_final: ended.is_some(),
    });
    Ok(LogHead { size, segment, first, reserved })
}

pub(crate) async fn log_entries<D: Db>(db: &mut D, from: u64, limit: usize) -> Answer<Vec<Vec<u8>>> {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let rows = db
        .rows(
            "SELECT log_index, entry FROM log_entry WHERE log_index >= $1 ORDER BY log_index LIMIT $2",
            values![from, at_most(limit)],
        )
        .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for (mut row, expected) in rows.into_iter().zip(from..) {
        // A place that is not written yet ends the answer; one that is missing is damage.
        if row.int()? != expected {
            return Err(StoreError::damaged("an entry of the disclosure log is missing"));
        }
        let Some(entry) = row.opt_bytes()? else { break };
        entries.push(entry);
    }
    Ok(entries)
}

pub(crate) async fn log_checkpoint<D: Db>(db: &mut D) -> Answer<Option<(u64, String)>> {
    let row = db.row("SELECT size, note FROM log_checkpoint WHERE id = 1", values![]).await?;
    row.map(|mut row| Ok((row.number()?, row.text()?))).transpose()
}

pub(crate) async fn log_segments<D: Db>(db: &mut D, from: u64) -> Answer<Vec<LogSegment>> {
    let rows = db
        .rows(
            "SELECT segment, first, last FROM log_segment WHERE segment >= $1 ORDER BY segment",
            values![i64::try_from(from).unwrap_or(i64::MAX)],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok(LogSegment { segment: row.number()?, first: row.number()?, last: row.number()? }))
        .collect()
}

pub(crate) async fn log_rule<D: Db>(db: &mut D, sha256: [u8; 32]) -> Answer<Option<String>> {
    let row = db.row("SELECT document FROM log_rule WHERE sha256 = $1", values![sha256]).await?;
    row.map(|mut row| row.text()).transpose()
}

pub(crate) async fn log_key<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
) -> Answer<Option<Arc<CustomerKey>>> {
    let row = db
        .row(
            "SELECT wrapped_key, sealed_log_key FROM customer \
             WHERE shard = $1 AND id = $2 AND erased_at IS NULL",
            values![shard, customer],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let key = vault.customer_key(customer, &row.bytes()?)?;
    vault.log_key(&key, customer, &row.bytes()?).map(Some)
}

pub(crate) async fn receipts_of_message<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    after: u64,
    message: MessageId,
) -> Answer<Vec<StoredReceipt>> {
    let rows = db
        .rows(
            "SELECT seq, sealed, message, log_index FROM receipt \
             WHERE shard = $1 AND customer = $2 AND seq > $3 AND message = $4 ORDER BY seq",
            values![shard, customer, i64::try_from(after).unwrap_or(i64::MAX), message],
        )
        .await?;
    crate::queries::read_receipts(db, vault, (shard, customer), rows).await
}

/// The newest receipts about a message, the newest first: found from the end of the customer's record, so that what was
/// written lately costs no look through all of it.
pub(crate) async fn newest_of_message<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    message: MessageId,
    limit: usize,
) -> Answer<Vec<StoredReceipt>> {
    let rows = db
        .rows(
            "SELECT seq, sealed, message, log_index FROM receipt \
             WHERE shard = $1 AND customer = $2 AND message = $3 ORDER BY seq DESC LIMIT $4",
            values![shard, customer, message, at_most(limit)],
        )
        .await?;
    crate::queries::read_receipts(db, vault, (shard, customer), rows).await
}
