//! Reconciliation: what the platform says was sent, held against the outbox, inside the commit.
//!
//! It is one-sided. A message at the platform that no row of ours covers raises an alarm; a row without an echo is only
//! unknown.

use crate::apply::{Applied, Refused, maybe, record};
use crate::apply_log::leads_on;
use crate::apply_outbox::settle;
use crate::db::{Db, values};
use crate::limits::{DELIVERY_WAIT_S, SWEEP_ROWS};
use crate::vault::Vault;
use crate::{Alarm, AlarmKind, Answer, Claim, Outcome, Sighting, StoreError, codec};
use amana_core::ids::sha256;
use amana_core::{
    ChannelId, ConversationId, CustomerId, EventKey, Kill, KillScope, MessageId, Psid, Shard, Timestamp,
    from_micros, micros,
};
use amana_gate::{ReceiptDraft, Recipient};

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
    let Sighting { channel, psid, mid, claim, kill, at } = sighting;
    let known = db
        .row(
            "SELECT state, person, at FROM sighting WHERE channel = $1 AND mid = $2",
            values![channel.as_str(), mid.as_str()],
        )
        .await?;
    let known =
        known.map(|mut row| Ok::<_, StoreError>((row.int()?, row.opt_array()?, row.time()?))).transpose()?;
    if known.is_some_and(|(state, ..)| state == SETTLED) {
        return Ok(Outcome::Unchanged);
    }
    let blind = |psid: &Psid| {
        let chat = ConversationId { channel: channel.clone(), psid: psid.clone() };
        vault.keyring().blind_person(&chat)
    };
    let person: Option<[u8; 32]> = psid.as_ref().map(blind).or(known.and_then(|(_, person, _)| person));
    let seen = Seen { sighting, person };
    let (kind, app_id, message) = match claim {
        Claim::Delivered => {
            if known.is_some() || is_ours(db, channel, mid).await? {
                return Ok(Outcome::Unchanged);
            }
            note(db, &seen, WAITING, None).await?;
            return Ok(Outcome::Unchanged);
        }
        Claim::Explained { app_id } => {
            note(db, &seen, SETTLED, None).await?;
            tell(db, vault, &seen, &format!("{ALLOWED}{app_id}"), None).await?;
            return Ok(Outcome::Unchanged);
        }
        Claim::Unexplained { kind, app_id } => {
            if *kind == AlarmKind::UnknownDelivery
                && let Some((_, _, first)) = known
                && let Some(message) = may_be_of(db, &seen, first).await?
            {
                note(db, &seen, WAITING, Some(message)).await?;
                return Ok(Outcome::Unchanged);
            }
            (*kind, app_id.as_deref(), None)
        }
        Claim::Message { message, app_id, odd } => match covers(db, vault, &seen, *message, *odd).await? {
            Ok(()) => return Ok(Outcome::Unchanged),
            Err(kind) => (kind, app_id.as_deref(), Some(*message)),
        },
    };
    note(db, &seen, SETTLED, None).await?;
    let id = alarm_id(channel, mid);
    let rows = db
        .run(
            "INSERT INTO alarm (id, channel, mid, kind, app_id, message, at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT DO NOTHING",
            values![id, channel.as_str(), mid.as_str(), codec::alarm_code(kind), app_id, message, *at],
        )
        .await?;
    if rows > 0 {
        tell(db, vault, &seen, kind.as_str(), Some(id)).await?;
    }
    if rows > 0 && *kill {
        let reason = format!("alarm: {}", kind.as_str());
        let kill = Kill { scope: KillScope::Channel(channel.clone()), reason, since: *at };
        crate::apply::set_kill(db, &kill).await?;
    }
    maybe(rows)
}

/// The words of sightings' receipts beside those of alarms: of an app that may send, and of an alarm that was closed.
const ALLOWED: &str = "allowed-app:";
const CLOSED: &str = "closed";

/// A sighting, and in whose chat it was.
struct Seen<'a> {
    sighting: &'a Sighting,
    person: Option<[u8; 32]>,
}

/// A receipt for whoever has this chat linked now, one for each bank: that there was a message which is not of ours.
/// One whose history was changed in the database has none, and is on record in the log of the process alone.
async fn tell<D: Db>(
    db: &mut D,
    vault: &Vault,
    seen: &Seen<'_>,
    what: &str,
    alarm: Option<[u8; 16]>,
) -> Result<(), Refused> {
    let channel = &seen.sighting.channel;
    let rows = db
        .rows(
            "SELECT l.shard, l.customer, l.institution FROM link l JOIN customer c ON c.shard = l.shard \
             AND c.id = l.customer WHERE l.channel = $1 AND l.person = $2 AND l.state = 1 AND c.erased_at IS NULL \
             ORDER BY l.position",
            values![channel.as_str(), seen.person],
        )
        .await?;
    for mut row in rows {
        let (shard, customer) = (row.shard()?, CustomerId::from_bytes(row.array()?));
        let institution = row.parsed()?;
        // Alarm and kill switch do not hang on a receipt, nor do the receipts of others.
        if !leads_on(db, vault, (shard, customer)).await? {
            continue;
        }
        let draft = ReceiptDraft::of_sighting(
            institution,
            channel.clone(),
            what,
            Recipient::Customer,
            seen.sighting.at,
        );
        record(db, vault, (shard, customer), &draft, None).await?;
        if let Some(alarm) = alarm {
            db.run(
                "INSERT INTO alarm_told (shard, customer, alarm) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                values![shard, customer, alarm],
            )
            .await?;
        }
    }
    Ok(())
}

/// The message in doubt that a delivery without a name may be of: one to this person that was made before and whose
/// ticket lasted, whose id at the platform nobody told us, and of which not as many deliveries are explained so as it
/// was tried. It is only unknown then, and its echo may still name it; what is delivered beyond that is an alarm.
async fn may_be_of<D: Db>(
    db: &mut D,
    seen: &Seen<'_>,
    first: Timestamp,
) -> Result<Option<MessageId>, StoreError> {
    let Some(person) = seen.person else { return Ok(None) };
    let row = db
        .row(
            "SELECT o.message FROM outbox o WHERE o.channel = $1 AND o.person = $2 AND o.doubtful = 1 \
             AND o.mid IS NULL AND o.created_at <= $3 AND o.expires_at >= $3 AND o.attempts > (SELECT count(*) \
             FROM sighting e WHERE e.message = o.message AND e.mid <> $4) ORDER BY o.position LIMIT 1",
            values![seen.sighting.channel.as_str(), person, first, seen.sighting.mid.as_str()],
        )
        .await?;
    row.map(|mut row| Ok(MessageId::from_bytes(row.array()?))).transpose()
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

/// Those ids that a row of the outbox bears, or that are settled.
pub(crate) async fn known<D: Db>(db: &mut D, channel: &ChannelId, mids: &[String]) -> Answer<Vec<String>> {
    let mut known = Vec::new();
    for mid in mids {
        let row = db
            .row(
                "SELECT position FROM outbox WHERE mid = $1 AND mid IS NOT NULL AND channel = $2 \
                 UNION ALL SELECT at FROM sighting WHERE channel = $2 AND mid = $1 AND state = 1 LIMIT 1",
                values![mid.as_str(), channel.as_str()],
            )
            .await?;
        if row.is_some() {
            known.push(mid.clone());
        }
    }
    Ok(known)
}

/// Those keys under which an event is kept.
pub(crate) async fn known_events<D: Db>(
    db: &mut D,
    shard: Shard,
    keys: &[EventKey],
) -> Answer<Vec<EventKey>> {
    let mut known = Vec::new();
    for key in keys {
        let row = db
            .row("SELECT position FROM inbox WHERE key = $1 AND shard = $2 LIMIT 1", values![key.0, shard])
            .await?;
        if row.is_some() {
            known.push(*key);
        }
    }
    Ok(known)
}

async fn note<D: Db>(
    db: &mut D,
    Seen { sighting, person }: &Seen<'_>,
    state: i64,
    message: Option<MessageId>,
) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO sighting (channel, mid, state, message, at, person) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (channel, mid) DO UPDATE SET state = $3, message = $4",
        values![sighting.channel.as_str(), sighting.mid.as_str(), state, message, sighting.at, *person],
    )
    .await?;
    Ok(())
}

/// Whether a row of the outbox covers a message that bears its id: it was tried before it was seen, on this channel, to
/// this person, not less often than it was seen, and nothing about it is odd. Then it was sent, and is on record as
/// sent from this commit on.
async fn covers<D: Db>(
    db: &mut D,
    vault: &Vault,
    seen: &Seen<'_>,
    message: MessageId,
    odd: Option<AlarmKind>,
) -> Result<Result<(), AlarmKind>, Refused> {
    let sighting = seen.sighting;
    let row = db
        .row(
            "SELECT channel, person, state, attempts, doubtful, mid FROM outbox WHERE message = $1",
            values![message],
        )
        .await?;
    let Some(mut row) = row else { return Ok(Err(AlarmKind::UnknownMessage)) };
    let (channel, to, state): (_, [u8; 32], _) = (row.text()?, row.array()?, row.int()?);
    let (attempts, doubtful) = (row.int()?, row.int()?);
    let mid = row.opt_text()?;
    if channel != sighting.channel.as_str() || Some(to) != seen.person {
        return Ok(Err(AlarmKind::OtherRecipient));
    }
    // The claim of an attempt that the gate denied is counted, and nothing was sent in it.
    let tries = if state == DENIED { (attempts - 1).max(doubtful) } else { attempts };
    if tries < 1 {
        return Ok(Err(AlarmKind::NeverSent));
    }
    if let Some(odd) = odd {
        return Ok(Err(odd));
    }
    if mid.as_deref() == Some(sighting.mid.as_str()) {
        return Ok(Ok(()));
    }
    // Another id than the one that we were told: an attempt in doubt that was repeated, or somebody who copied ours.
    let others = db
        .row(
            // What is only said to be perhaps of this message is not counted against its own echo.
            "SELECT count(*) FROM sighting WHERE message = $1 AND mid <> $2 AND state = 1",
            values![message, sighting.mid.as_str()],
        )
        .await?;
    let others = others.map_or(Ok(0), |mut row| row.int())?;
    if others + i64::from(mid.is_some()) + 1 > tries {
        return Ok(Err(AlarmKind::TooMany));
    }
    if state == SENT {
        note(db, seen, SETTLED, Some(message)).await?;
    } else {
        // From here on the row itself names it.
        note(db, seen, SETTLED, None).await?;
        settle(db, vault, message, &sighting.mid, sighting.at).await?;
    }
    Ok(Ok(()))
}

pub(crate) async fn close<D: Db>(
    db: &mut D,
    vault: &Vault,
    id: [u8; 16],
    by: &str,
    at: Timestamp,
) -> Applied {
    let row = db
        .row(
            "UPDATE alarm SET closed_at = $1, closed_by = $2 WHERE id = $3 AND closed_at IS NULL RETURNING channel",
            values![at, by, id],
        )
        .await?;
    let channel: ChannelId = row.ok_or(Refused::Conflict("alarm"))?.parsed()?;
    // Whoever had a receipt of it has one of its end, whatever became of the link since.
    let told = db
        .rows(
            "SELECT t.shard, t.customer, c.institution FROM alarm_told t JOIN customer c ON c.shard = t.shard \
             AND c.id = t.customer WHERE t.alarm = $1 AND c.erased_at IS NULL ORDER BY t.shard, t.customer",
            values![id],
        )
        .await?;
    for mut row in told {
        let (shard, customer) = (row.shard()?, CustomerId::from_bytes(row.array()?));
        let institution = row.parsed()?;
        if !leads_on(db, vault, (shard, customer)).await? {
            continue;
        }
        let who = Recipient::Agent(by.to_owned());
        let draft = ReceiptDraft::of_sighting(institution, channel.clone(), CLOSED, who, at);
        record(db, vault, (shard, customer), &draft, None).await?;
    }
    Ok(Outcome::Changed)
}

/// An operator sends a message once more: what was seen of it before does not count against the new attempts.
pub(crate) async fn forget_sightings<D: Db>(db: &mut D, message: MessageId) -> Result<(), Refused> {
    db.run("UPDATE sighting SET message = NULL WHERE message = $1", values![message]).await?;
    Ok(())
}

/// Removes the sightings that a row of the outbox explains by now.
pub(crate) async fn sweep<D: Db>(db: &mut D) -> Result<u64, StoreError> {
    let explained = db
        .run(
            "DELETE FROM sighting WHERE state = 0 AND (channel, mid) IN (SELECT s.channel, s.mid FROM sighting s \
             JOIN outbox o ON o.mid = s.mid AND o.channel = s.channel WHERE s.state = 0 AND o.mid IS NOT NULL \
             ORDER BY s.at LIMIT $1)",
            values![SWEEP_ROWS],
        )
        .await?;
    Ok(explained)
}

pub(crate) async fn overdue<D: Db>(
    db: &mut D,
    now: Timestamp,
    limit: usize,
) -> Answer<Vec<(ChannelId, String)>> {
    let before = from_micros(micros(now).saturating_sub(DELIVERY_WAIT_S.saturating_mul(1_000_000)));
    let rows = db
        .rows(
            "SELECT s.channel, s.mid FROM sighting s WHERE s.state = 0 AND s.at <= $1 \
             AND (s.message IS NULL OR EXISTS (SELECT 1 FROM outbox x WHERE x.message = s.message \
             AND x.mid IS NOT NULL AND x.mid <> s.mid AND x.attempts < 1 + (SELECT count(*) FROM sighting e \
             WHERE e.message = s.message))) AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.mid = s.mid AND o.mid IS NOT NULL AND o.channel = s.channel) \
             ORDER BY s.at LIMIT $2",
            values![before, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    rows.into_iter().map(|mut row| Ok((row.parsed()?, row.text()?))).collect()
}

pub(crate) async fn alarms<D: Db>(db: &mut D, closed_too: bool, limit: usize) -> Answer<Vec<Alarm>> {
    let rows = db
        .rows(
            "SELECT id, channel, mid, kind, app_id, message, at, closed_at, closed_by FROM alarm \
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
                closed_by: row.opt_text()?,
            })
        })
        .collect()
}
