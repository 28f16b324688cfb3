//! Records of a topic that were set aside: their place and the reason. What is in them stays in the topic.

use crate::apply::{Applied, Refused, maybe};
use crate::db::{Db, values};
use crate::limits::ASIDE_REASON_BYTES_MAX;
use crate::{Answer, AsideRecords};

pub(crate) async fn set_aside<D: Db>(db: &mut D, records: &AsideRecords) -> Applied {
    let AsideRecords { source, topic, partition, first, last, reason, at } = records;
    if first > last || reason.len() > ASIDE_REASON_BYTES_MAX {
        return Err(Refused::Conflict("aside records"));
    }
    let rows = db
        .run(
            "INSERT INTO aside_record (source, topic, partition_no, first_offset, last_offset, reason, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source, topic, partition_no, first_offset) \
             DO UPDATE SET last_offset = excluded.last_offset \
             WHERE aside_record.last_offset < excluded.last_offset",
            values![
                source.as_str(),
                topic.as_str(),
                i64::from(*partition),
                *first,
                *last,
                reason.as_str(),
                *at
            ],
        )
        .await?;
    maybe(rows)
}

/// The newest ones first.
pub(crate) async fn aside<D: Db>(db: &mut D, limit: usize) -> Answer<Vec<AsideRecords>> {
    let rows = db
        .rows(
            "SELECT source, topic, partition_no, first_offset, last_offset, reason, at FROM aside_record \
             ORDER BY at DESC, source, topic, partition_no, first_offset LIMIT $1",
            values![i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(AsideRecords {
                source: row.text()?,
                topic: row.text()?,
                partition: row.number()?,
                first: row.int()?,
                last: row.int()?,
                reason: row.text()?,
                at: row.time()?,
            })
        })
        .collect()
}
