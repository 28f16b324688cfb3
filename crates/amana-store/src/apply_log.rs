//! The disclosure log inside the commit: places for receipts and rule changes, and reserved places for index entries
//! (`docs/disclosure-log.md`).
//!
//! The log's head is one row that every appending transaction locks first. On PostgreSQL that makes writers of
//! receipts take turns, which is what one log is; on SQLite they do anyway. It is written at the end of the transaction
//! (`kept.rs`).

use crate::apply::{Applied, Refused, changed, customer_end, receipt_context};
use crate::db::{Db, locking, values};
use crate::kept::{LogEnd, write_back};
use crate::vault::{Vault, open};
use crate::{Outcome, StoreError};
use amana_core::{CustomerId, Shard, Timestamp, micros};
use amana_gate::DataKey;
use amana_log::Entry;

/// Which receipt of a customer was the last: its number and hash, and the place that it names. Kept in the customer's
/// row with a MAC under their key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastReceipt {
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
    pub(crate) segment: i64,
    pub(crate) n: i64,
}

impl LastReceipt {
    /// Before the first.
    pub(crate) const NONE: Self = Self { seq: 0, hash: [0; 32], segment: 0, n: 0 };

    pub(crate) fn mac(&self, key: &DataKey, customer: CustomerId) -> [u8; 32] {
        let numbers = [self.seq, self.segment, self.n].map(i64::to_be_bytes);
        let [seq, segment, n] = &numbers;
        key.mac(&[b"amana/last-receipt/v1", customer.as_bytes(), seq, segment, n, &self.hash])
    }

    /// That this was written with the customer's key, and that the receipt is there, as it was.
    pub(crate) fn check(
        &self,
        key: &DataKey,
        customer: CustomerId,
        (mac, sealed): (&[u8], Option<&[u8]>),
    ) -> Result<(), StoreError> {
        // Both sides are MACs of our own, and nobody can ask this question who cannot read the row.
        if self.mac(key, customer) != mac {
            return Err(StoreError::damaged(
                "a customer's receipt numbers are not as they were written: the row was changed or put back; nothing is \
                 recorded or sent for them",
            ));
        }
        let seq = u64::try_from(self.seq).map_err(|_| StoreError::damaged("a receipt number is negative"))?;
        let there = match sealed {
            None => seq == 0,
            Some(sealed) => {
                let bytes = open(key, &receipt_context(customer, seq), sealed)?;
                amana_core::ids::sha256(&[&bytes]) == self.hash
            }
        };
        if there {
            return Ok(());
        }
        Err(StoreError::damaged(
            "a customer's last receipt is missing or another one: rows were removed or put back; nothing is recorded or \
             sent for them",
        ))
    }
}

/// Whether a receipt can be recorded for a customer, without recording one: the same look as
/// [`crate::apply::record_with_key`] has at their history. Damage is an answer here, for what must be kept whether or
/// not there can be a receipt of it; one who is gone or erased has none either.
pub(crate) async fn leads_on<D: Db>(
    db: &mut D,
    vault: &Vault,
    place: (Shard, CustomerId),
) -> Result<bool, StoreError> {
    log_end(db).await?;
    match customer_end(db, vault, place).await {
        Ok(_) => Ok(true),
        Err(Refused::Conflict(_)) => Ok(false),
        Err(Refused::Store(damage)) if damage.is_damage() => {
            tracing::error!(customer = %place.1, %damage, "nothing can be recorded for a customer");
            Ok(false)
        }
        Err(Refused::Store(error)) => Err(error),
    }
}

/// Where an entry goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) log_index: i64,
    pub(crate) segment: i64,
}

/// The log's head, read once in a transaction, which locks it until its end: writers of receipts take turns by it.
pub(crate) async fn log_end<D: Db>(db: &mut D) -> Result<LogEnd, StoreError> {
    if let Some(end) = db.kept().log() {
        return Ok(end);
    }
    let row = db
        .row(locking!(D, "SELECT size, segment, segment_began FROM log_head WHERE id = 1"), values![])
        .await?;
    let mut row = row.ok_or_else(|| StoreError::damaged("the head of the disclosure log is missing"))?;
    let end = LogEnd { size: row.int()?, segment: row.int()?, began: row.opt_int()? };
    db.kept().keep_log(end, false);
    Ok(end)
}

/// Takes the next place of the log, and keeps the head locked until the end of the transaction.
pub(crate) async fn take_place<D: Db>(db: &mut D, at: Timestamp) -> Result<Place, StoreError> {
    let end = log_end(db).await?;
    let size = end.size.checked_add(1).ok_or_else(|| StoreError::damaged("the disclosure log is full"))?;
    let began = end.began.or(Some(micros(at)));
    db.kept().keep_log(LogEnd { size, began, ..end }, true);
    Ok(Place { log_index: end.size, segment: end.segment })
}

/// Writes an entry at the place that was taken for it.
pub(crate) async fn put_entry<D: Db>(db: &mut D, log_index: i64, entry: &[u8]) -> Result<(), StoreError> {
    db.run("INSERT INTO log_entry (log_index, entry) VALUES ($1, $2)", values![log_index, entry]).await?;
    Ok(())
}

/// Appends that a public document (a policy, an agreement) came into force.
pub(crate) async fn rule_change<D: Db>(db: &mut D, document: &str, at: Timestamp) -> Result<(), StoreError> {
    let sha256 = amana_core::ids::sha256(&[document.as_bytes()]);
    let place = take_place(db, at).await?;
    put_entry(db, place.log_index, Entry::Rule { sha256 }.encode().as_ref()).await?;
    db.run(
        "INSERT INTO log_rule (sha256, log_index, document) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING",
        values![sha256, place.log_index, document],
    )
    .await?;
    Ok(())
}

/// Reserves the next place for an index entry, if anything came after the last one and none is open. Where the segment
/// is long or old enough, the entry is its final one and the next segment begins after it.
pub(crate) async fn reserve_index<D: Db>(
    db: &mut D,
    now: Timestamp,
    (entries, seconds): (u64, u64),
) -> Applied {
    write_back(db).await?;
    db.kept().forget_log();
    let row = db
        .row(
            "UPDATE log_head SET size = size + 1, reserved = size + 1 \
             WHERE id = 1 AND (size > reserved OR size = 0) \
             AND NOT EXISTS (SELECT 1 FROM log_entry WHERE entry IS NULL) \
             RETURNING size - 1, segment, segment_first, segment_began",
            values![],
        )
        .await?;
    let Some(mut row) = row else { return Ok(Outcome::Unchanged) };
    let (log_index, segment, first, began) = (row.int()?, row.int()?, row.int()?, row.opt_time()?);
    db.run("INSERT INTO log_entry (log_index, entry) VALUES ($1, NULL)", values![log_index]).await?;
    let long = u64::try_from(log_index.saturating_sub(first)).is_ok_and(|covered| covered >= entries);
    let age = began.map_or(0, |began| micros(now).saturating_sub(micros(began)));
    let old = u64::try_from(age).is_ok_and(|age| age >= seconds.saturating_mul(1_000_000));
    if long || old {
        db.run(
            "INSERT INTO log_segment (segment, first, last) VALUES ($1, $2, $3)",
            values![segment, first, log_index],
        )
        .await?;
        db.run(
            "UPDATE log_head SET segment = segment + 1, segment_first = size, segment_began = NULL WHERE id = 1",
            values![],
        )
        .await?;
    }
    Ok(Outcome::Changed)
}

/// Writes the content of a reserved index entry.
pub(crate) async fn fill_index<D: Db>(db: &mut D, log_index: u64, entry: &[u8]) -> Applied {
    let index = i64::try_from(log_index).map_err(|_| Refused::Conflict("index entry"))?;
    let rows = db
        .run("UPDATE log_entry SET entry = $1 WHERE log_index = $2 AND entry IS NULL", values![entry, index])
        .await?;
    changed(rows, "index entry")
}

/// Keeps the newest checkpoint.
pub(crate) async fn put_checkpoint<D: Db>(db: &mut D, size: u64, note: &str) -> Applied {
    let size = i64::try_from(size).map_err(|_| Refused::Conflict("checkpoint"))?;
    let rows = db
        .run(
            "INSERT INTO log_checkpoint (id, size, note) VALUES (1, $1, $2) \
             ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note \
             WHERE log_checkpoint.size < excluded.size",
            values![size, note],
        )
        .await?;
    crate::apply::maybe(rows)
}
