//! What is known of single events of the inbox, by their keys.

use crate::db::{Db, values};
use crate::{Answer, KnownEvent, codec};
use amana_core::{EventKey, Shard};
use std::collections::BTreeMap;

/// How events stand, one by one: a few at a time are asked after.
pub(crate) async fn inbox_known<D: Db>(
    db: &mut D,
    shard: Shard,
    keys: &[EventKey],
) -> Answer<BTreeMap<EventKey, KnownEvent>> {
    let mut known = BTreeMap::new();
    for key in keys {
        let row = db
            .row("SELECT state, body FROM inbox WHERE shard = $1 AND key = $2", values![shard, key.0])
            .await?;
        let Some(mut row) = row else { continue };
        let stands = match row.int()? {
            codec::INBOX_WAITING => KnownEvent::Waits(row.bytes()?),
            codec::INBOX_FAILED => KnownEvent::GivenUp,
            _ => KnownEvent::Over,
        };
        known.insert(*key, stands);
    }
    Ok(known)
}
