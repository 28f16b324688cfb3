//! Reconciliation: what the platform says was sent, held against the outbox, inside the commit.
//!
//! It is one-sided. A message at the platform that no row of ours covers raises an alarm; a row without an echo is only
//! unknown.

use crate::apply::{Applied, Refused, changed, maybe};
use crate::apply_outbox::settle;
use crate::db::{Db, values};
use crate::limits::{DELIVERY_WAIT_S, SIGHTING_DAYS, SWEEP_ROWS};
use crate::vault::Vault;
use crate::{Alarm, AlarmKind, Answer, Claim, Outcome, Sighting, StoreError, codec};
use amana_core::ids::sha256;
use amana_core::{
    ChannelId, ConversationId, Kill, KillScope, MessageId, Psid, Timestamp, from_micros, micros,
};

/// A sighting that waits for an explanation.
const WAITING: i64 = 0;
/// A sighting that needs none any more.
const SETTLED: i64 = 1;
/// The codes of [`crate::OutboxState`] that matter here.
const SENT: i64 = 4;
const DENIED: i64 = 6;

/// The id of an alarm: the same message raises one, however often it is seen.
pub(crate) fn alarm_id(channel: &ChannelId, mid: &str) -> [u8; 16] {
    let hash = sha256(&[b"alarm", channel.as_str().as_bytes(), b"\0", mid.as_bytes()]);
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(hash) {
        *to = from;
    }
    id
}

pub(crate) async fn sighted<D: Db>(db: &mut D, vault: &Vault, sighting: &Sighting) -> Applied {
    let Sighting { channel, mid, claim, kill, at } = sighting;
    let known = db
        .row(
            "SELECT state FROM sighting WHERE channel = $1 AND mid = $2",
            values![channel.as_str(), mid.as_str()],
        )
        .await?;
    let known = known.map(|mut row| row.int()).transpose()?;
    if known == Some(SETTLED) {
        return Ok(Outcome::Unchanged);
    }
    let (kind, app_id, message) = match claim {
        Claim::Delivered => {
            if known == Some(WAITING) || is_ours(db, channel, mid).await? {
                return Ok(Outcome::Unchanged);
            }
            note(db, sighting, WAITING, None).await?;
            return Ok(Outcome::Unchanged);
        }
        Claim::Explained => {
            note(db, sighting, SETTLED, None).await?;
            return Ok(Outcome::Unchanged);
        }
        Claim::Unexplained { kind, app_id } => (*kind, app_id.as_deref(), None),
        Claim::Message { message, psid, app_id } => {
            match covers(db, vault, sighting, *message, psid).await? {
                Ok(()) => return Ok(Outcome::Unchanged),
                Err(kind) => (kind, app_id.as_deref(), Some(*message)),
            }
        }
    };
    note(db, sighting, SETTLED, None).await?;
    let rows = db
        .run(
            "INSERT INTO alarm (id, channel, mid, kind, app_id, message, at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT DO NOTHING",
            values![
                alarm_id(channel, mid),
                channel.as_str(),
                mid.as_str(),
                codec::alarm_code(kind),
                app_id,
                message,
                *at
            ],
        )
        .await?;
    if rows > 0 && *kill {
        let reason = format!("alarm: {}", kind.as_str());
        let kill = Kill { scope: KillScope::Channel(channel.clone()), reason, since: *at };
        crate::apply::set_kill(db, &kill).await?;
    }
    maybe(rows)
}

/// Whether a row of the outbox was sent under this id.
async fn is_ours<D: Db>(db: &mut D, channel: &ChannelId, mid: &str) -> Result<bool, StoreError> {
    let row = db
        .row(
            "SELECT position FROM outbox WHERE mid = $1 AND mid IS NOT NULL AND channel = $2",
            values![mid, channel.as_str()],
        )
        .await?;
    Ok(row.is_some())
}

async fn note<D: Db>(
    db: &mut D,
    sighting: &Sighting,
    state: i64,
    message: Option<MessageId>,
) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO sighting (channel, mid, state, message, at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (channel, mid) DO UPDATE SET state = $3, message = $4",
        values![sighting.channel.as_str(), sighting.mid.as_str(), state, message, sighting.at],
    )
    .await?;
    Ok(())
}

/// Whether a row of the outbox covers a message that bears its id: it was tried before it was seen, on this channel, to
/// this person, and not less often than it was seen. Then it was sent, and is on record as sent from this commit on.
async fn covers<D: Db>(
    db: &mut D,
    vault: &Vault,
    sighting: &Sighting,
    message: MessageId,
    psid: &Psid,
) -> Result<Result<(), AlarmKind>, Refused> {
    let row = db
        .row("SELECT channel, person, state, attempts, doubtful, mid FROM outbox WHERE message = $1", values![message])
        .await?;
    let Some(mut row) = row else { return Ok(Err(AlarmKind::UnknownMessage)) };
    let (channel, to, state): (_, [u8; 32], _) = (row.text()?, row.array()?, row.int()?);
    let (attempts, doubtful) = (row.int()?, row.int()?);
    let seen = ConversationId { channel: sighting.channel.clone(), psid: psid.clone() };
    let mid = row.opt_text()?;
    if channel != sighting.channel.as_str() || to != vault.keyring().blind_person(&seen) {
        return Ok(Err(AlarmKind::OtherRecipient));
    }
    // The claim of an attempt that the gate denied is counted, and nothing was sent in it.
    let tries = if state == DENIED { (attempts - 1).max(doubtful) } else { attempts };
    if tries < 1 {
        return Ok(Err(AlarmKind::NeverSent));
    }
    if mid.as_deref() == Some(sighting.mid.as_str()) {
        return Ok(Ok(()));
    }
    // Another id than the one that we were told: an attempt in doubt that was repeated, or somebody who copied ours.
    let others = db
        .row(
            "SELECT count(*) FROM sighting WHERE message = $1 AND mid <> $2",
            values![message, sighting.mid.as_str()],
        )
        .await?;
    let others = others.map_or(Ok(0), |mut row| row.int())?;
    if others + i64::from(mid.is_some()) + 1 > tries {
        return Ok(Err(AlarmKind::TooMany));
    }
    if state == SENT {
        note(db, sighting, SETTLED, Some(message)).await?;
    } else {
        // From here on the row itself names it.
        note(db, sighting, SETTLED, None).await?;
        settle(db, vault, message, &sighting.mid, sighting.at).await?;
    }
    Ok(Ok(()))
}

pub(crate) async fn close<D: Db>(db: &mut D, id: [u8; 16], at: Timestamp) -> Applied {
    let rows = db
        .run("UPDATE alarm SET closed_at = $1 WHERE id = $2 AND closed_at IS NULL", values![at, id])
        .await?;
    changed(rows, "alarm")
}

/// An operator sends a message once more: what was seen of it before does not count against the new attempts.
pub(crate) async fn forget_sightings<D: Db>(db: &mut D, message: MessageId) -> Result<(), Refused> {
    db.run("UPDATE sighting SET message = NULL WHERE message = $1", values![message]).await?;
    Ok(())
}

/// Removes sightings that are old, and those that a row of the outbox explains by now.
pub(crate) async fn sweep<D: Db>(db: &mut D, now: Timestamp) -> Result<u64, StoreError> {
    let old = from_micros(micros(now).saturating_sub(SIGHTING_DAYS.saturating_mul(86_400_000_000)));
    let removed = db
        .run(
            "DELETE FROM sighting WHERE (channel, mid) IN (SELECT channel, mid FROM sighting WHERE at < $1 \
             ORDER BY at LIMIT $2)",
            values![old, SWEEP_ROWS],
        )
        .await?;
    let explained = db
        .run(
            "DELETE FROM sighting WHERE state = 0 AND (channel, mid) IN (SELECT s.channel, s.mid FROM sighting s \
             JOIN outbox o ON o.mid = s.mid AND o.channel = s.channel WHERE s.state = 0 AND o.mid IS NOT NULL \
             ORDER BY s.at LIMIT $1)",
            values![SWEEP_ROWS],
        )
        .await?;
    Ok(removed + explained)
}

pub(crate) async fn overdue<D: Db>(
    db: &mut D,
    now: Timestamp,
    limit: usize,
) -> Answer<Vec<(ChannelId, String)>> {
    let before = from_micros(micros(now).saturating_sub(DELIVERY_WAIT_S.saturating_mul(1_000_000)));
    let rows = db
        .rows(
            "SELECT s.channel, s.mid FROM sighting s WHERE s.state = 0 AND s.at <= $1 AND NOT EXISTS (SELECT 1 \
             FROM outbox o WHERE o.mid = s.mid AND o.mid IS NOT NULL AND o.channel = s.channel) \
             ORDER BY s.at LIMIT $2",
            values![before, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    rows.into_iter().map(|mut row| Ok((row.parsed()?, row.text()?))).collect()
}

pub(crate) async fn alarms<D: Db>(db: &mut D, closed_too: bool, limit: usize) -> Answer<Vec<Alarm>> {
    let rows = db
        .rows(
            "SELECT id, channel, mid, kind, app_id, message, at, closed_at FROM alarm \
             WHERE closed_at IS NULL OR $1 > CAST(0 AS BIGINT) ORDER BY at DESC, id LIMIT $2",
            values![i64::from(closed_too), i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Alarm {
                id: row.array()?,
                channel: row.parsed()?,
                mid: row.text()?,
                kind: row.code(codec::alarm)?,
                app_id: row.opt_text()?,
                message: row.opt_array()?.map(MessageId::from_bytes),
                at: row.time()?,
                closed_at: row.opt_time()?,
            })
        })
        .collect()
}
