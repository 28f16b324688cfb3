//! News that wait for their customer, who has a conversation, and how channels stand at their platform.

use crate::apply::{Applied, bounded, changed, maybe};
use crate::apply_alarm::alarm_id;
use crate::db::{Db, Row, values};
use crate::limits::{APPROVED_TEXTS_MAX, WAITING_MAX};
use crate::vault::Vault;
use crate::{
    AlarmKind, Answer, ChannelHealth, ChannelQueue, ChannelState, Elsewhere, KeptBack, Outcome,
    PlatformRequest, StoreError, StoredText, Waiting, codec,
};
use amana_core::{
    ChannelId, ConversationId, CustomerId, EventKey, Lang, LinkId, MessageId, Shard, Timestamp,
};

/// The channels on which nothing goes out, and a message tries whether it does again (without one nobody would find
/// out): the rest of a subquery over `channel_state s`. A test holds the codes against [`ChannelHealth::is_stopped`].
macro_rules! stopped {
    () => {
        "s.state IN (3, 4, 5, 6) AND EXISTS (SELECT 1 FROM outbox t WHERE t.channel = s.channel AND t.state < 4 \
         AND t.state <> 3)"
    };
}

pub(crate) async fn put<D: Db>(db: &mut D, vault: &Vault, waiting: &Waiting) -> Applied {
    bounded(&waiting.body)?;
    let to = &waiting.conversation;
    // Only a link that binds has news, asked under the lock that ends it. Who never heard of it (0) hears of it for the
    // first time, whether it was changed (1) or booked (3) since.
    let rows = db
        .run(
            "INSERT INTO waiting (shard, position, customer, link, story, telling, key, body, conversation_shard, \
             channel, person, noticed_at, created_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 \
             WHERE EXISTS (SELECT 1 FROM link l WHERE l.shard = $1 AND l.id = $4 AND l.state = 1) \
             ON CONFLICT (shard, link, story) DO UPDATE SET position = excluded.position, \
             telling = CASE WHEN waiting.telling = 0 AND excluded.telling IN (1, 3) THEN 0 \
             ELSE excluded.telling END, key = excluded.key, body = excluded.body, \
             noticed_at = coalesce(excluded.noticed_at, waiting.noticed_at), created_at = excluded.created_at",
            values![
                waiting.shard,
                waiting.position,
                waiting.customer,
                waiting.link,
                waiting.story,
                codec::telling_code(waiting.telling),
                waiting.key.0,
                waiting.body.as_slice(),
                to.shard(),
                to.channel.as_str(),
                vault.keyring().blind_person(to),
                waiting.noticed_at,
                waiting.created_at
            ],
        )
        .await?;
    changed(rows, "link")
}

pub(crate) async fn notice<D: Db>(db: &mut D, shard: Shard, link: LinkId, at: Timestamp) -> Applied {
    let rows = db
        .run("UPDATE waiting SET noticed_at = $1 WHERE shard = $2 AND link = $3", values![at, shard, link])
        .await?;
    maybe(rows)
}

pub(crate) async fn take<D: Db>(
    db: &mut D,
    shard: Shard,
    link: LinkId,
    taken: &[(i64, [u8; 32])],
) -> Applied {
    for (position, story) in taken {
        let rows = db
            .run(
                "DELETE FROM waiting WHERE shard = $1 AND link = $2 AND position = $3 AND story = $4",
                values![shard, link, *position, *story],
            )
            .await?;
        changed(rows, "waiting news")?;
    }
    Ok(Outcome::Changed)
}

/// What waited on a link that ends. What its customer would have heard of for the first time was not told after all.
pub(crate) async fn drop_of_link<D: Db>(db: &mut D, shard: Shard, link: LinkId) -> Result<(), StoreError> {
    db.run(
        "UPDATE story SET state = 3 WHERE shard = $1 AND customer = (SELECT l.customer FROM link l \
         WHERE l.shard = $1 AND l.id = $2) AND key IN (SELECT w.story FROM waiting w WHERE w.shard = $1 \
         AND w.link = $2 AND w.telling = 0)",
        values![shard, link],
    )
    .await?;
    db.run("DELETE FROM waiting WHERE shard = $1 AND link = $2", values![shard, link]).await.map(|_| ())
}

pub(crate) async fn told_by<D: Db>(
    db: &mut D,
    (shard, customer): (Shard, CustomerId),
    stories: &[[u8; 32]],
    message: MessageId,
) -> Applied {
    for key in stories {
        db.run(
            "UPDATE story SET told_by = $1 WHERE shard = $2 AND customer = $3 AND key = $4",
            values![message, shard, customer, *key],
        )
        .await?;
    }
    Ok(Outcome::Changed)
}

/// A message was denied before anything of it left: what it would have told for the first time was not told after all,
/// and of what waits nobody heard by it.
pub(crate) async fn untell<D: Db>(
    db: &mut D,
    (shard, customer): (Shard, CustomerId),
    message: MessageId,
) -> Result<(), StoreError> {
    let of = values![shard, customer, message];
    // What waits to be told as changed (1) or booked (3) since is new to them, and its story goes on with that.
    db.run(
        "UPDATE waiting SET telling = 0 WHERE shard = $1 AND customer = $2 AND telling IN (1, 3) AND story IN \
         (SELECT s.key FROM story s WHERE s.shard = $1 AND s.customer = $2 AND s.told_by = $3)",
        of,
    )
    .await?;
    db.run(
        "UPDATE story SET state = 3 WHERE shard = $1 AND customer = $2 AND told_by = $3 AND NOT EXISTS \
         (SELECT 1 FROM waiting w WHERE w.shard = $1 AND w.customer = $2 AND w.story = story.key)",
        of,
    )
    .await?;
    // Where it was the notice itself, the next news may bring another one.
    db.run(
        "UPDATE waiting SET noticed_at = NULL WHERE shard = $1 AND customer = $2 AND EXISTS (SELECT 1 FROM outbox o \
         WHERE o.anytime = 1 AND o.message = $3 AND o.channel = waiting.channel AND o.person = waiting.person)",
        of,
    )
    .await
    .map(|_| ())
}

pub(crate) async fn of_link<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    link: LinkId,
) -> Answer<Vec<Waiting>> {
    let Some(found) = crate::queries::link(db, vault, shard, link).await? else { return Ok(Vec::new()) };
    let conversation = found.conversation();
    let rows = db
        .rows(
            "SELECT position, customer, story, telling, key, body, noticed_at, created_at FROM waiting \
             WHERE shard = $1 AND link = $2 ORDER BY position, story LIMIT $3",
            values![shard, link, i64::try_from(WAITING_MAX).unwrap_or(i64::MAX)],
        )
        .await?;
    let read = |mut row: Row| {
        Ok(Waiting {
            shard,
            position: row.int()?,
            customer: CustomerId::from_bytes(row.array()?),
            link,
            story: row.array()?,
            telling: row.code(codec::telling)?,
            key: EventKey(row.array()?),
            body: row.bytes()?,
            conversation: conversation.clone(),
            noticed_at: row.opt_time()?,
            created_at: row.time()?,
        })
    };
    rows.into_iter().map(read).collect()
}

pub(crate) async fn reachable<D: Db>(
    db: &mut D,
    node: i64,
    (since, elsewhere_since, after): (Option<Timestamp>, Timestamp, i64),
    limit: usize,
) -> Answer<Vec<(Shard, LinkId, i64)>> {
    // Without a window everybody can be told.
    let since = since.unwrap_or(Timestamp::MIN);
    let rows = db
        .rows(
            concat!(
                "SELECT w.shard, w.link, min(w.position) AS first FROM waiting w JOIN conversation c \
                 ON c.shard = w.conversation_shard AND c.channel = w.channel AND c.person = w.person \
                 WHERE coalesce(c.last_inbound_at, $2) > $1 AND coalesce(c.owner_since, $3) <= $3 \
                 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.channel = w.channel AND o.person = w.person \
                 AND o.state = 3) \
                 AND NOT EXISTS (SELECT 1 FROM channel_state s WHERE s.channel = w.channel AND ",
                stopped!(),
                ") AND (CAST($6 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM lease h WHERE h.shard = w.shard AND h.node = $6)) \
                 GROUP BY w.shard, w.link HAVING min(w.position) > $4 ORDER BY first LIMIT $5"
            ),
            values![
                since,
                Timestamp::MIN,
                elsewhere_since,
                after,
                i64::try_from(limit).unwrap_or(i64::MAX),
                node
            ],
        )
        .await?;
    rows.into_iter().map(|mut row| Ok((row.shard()?, LinkId::from_bytes(row.array()?), row.int()?))).collect()
}

pub(crate) async fn waiting_elsewhere<D: Db>(
    db: &mut D,
    node: i64,
    elsewhere_since: Timestamp,
    limit: usize,
) -> Answer<Vec<(Shard, LinkId)>> {
    let rows = db
        .rows(
            "SELECT w.shard, w.link, min(c.owner_since) AS first FROM waiting w JOIN conversation c \
             ON c.shard = w.conversation_shard AND c.channel = w.channel AND c.person = w.person \
             WHERE c.owner_since > $1 \
             AND (CAST($3 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM lease h WHERE h.shard = w.shard AND h.node = $3)) \
             GROUP BY w.shard, w.link ORDER BY first LIMIT $2",
            values![elsewhere_since, i64::try_from(limit).unwrap_or(i64::MAX), node],
        )
        .await?;
    rows.into_iter().map(|mut row| Ok((row.shard()?, LinkId::from_bytes(row.array()?)))).collect()
}

pub(crate) async fn kept_back<D: Db>(
    db: &mut D,
    vault: &Vault,
    conversation: &ConversationId,
) -> Answer<KeptBack> {
    let row = db
        .row(
            concat!(
                "SELECT (SELECT coalesce(o.reason, '') FROM outbox o WHERE o.channel = $1 AND o.person = $2 \
                 AND o.state = 3 ORDER BY o.position LIMIT 1), \
                 CAST(CASE WHEN EXISTS (SELECT 1 FROM channel_state s WHERE s.channel = $1 AND ",
                stopped!(),
                ") THEN 1 ELSE 0 END AS BIGINT), \
                 CAST(CASE WHEN EXISTS (SELECT 1 FROM outbox o WHERE o.channel = $1 AND o.person = $2 AND o.state < 4 \
                 AND o.anytime = 1 AND o.customer IS NOT NULL) THEN 1 ELSE 0 END AS BIGINT)"
            ),
            values![conversation.channel.as_str(), vault.keyring().blind_person(conversation)],
        )
        .await?;
    let Some(mut row) = row else { return Ok(KeptBack::default()) };
    let why = row.opt_text()?;
    Ok(KeptBack {
        held: why.is_some(),
        unreachable: why.as_deref() == Some("unreachable"),
        stopped: row.int()? != 0,
        announced: row.int()? != 0,
    })
}

pub(crate) async fn set_owner<D: Db>(
    db: &mut D,
    vault: &Vault,
    conversation: &ConversationId,
    elsewhere: Option<&Elsewhere>,
    said_at: Timestamp,
) -> Applied {
    let owner = elsewhere.map(|other| other.app.clone().unwrap_or_default());
    let rows = db
        .run(
            "UPDATE conversation SET owner = $1, owner_since = $2, owner_said_at = $3 \
             WHERE shard = $4 AND channel = $5 AND person = $6 AND coalesce(owner_said_at, $3) <= $3",
            values![
                owner,
                elsewhere.map(|other| other.since),
                said_at,
                conversation.shard(),
                conversation.channel.as_str(),
                vault.keyring().blind_person(conversation)
            ],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn raise_alarm<D: Db>(
    db: &mut D,
    channel: &ChannelId,
    about: &str,
    kind: AlarmKind,
    at: Timestamp,
) -> Applied {
    let rows = db
        .run(
            "INSERT INTO alarm (id, channel, mid, kind, app_id, message, at) VALUES ($1, $2, $3, $4, NULL, NULL, $5) \
             ON CONFLICT DO NOTHING",
            values![alarm_id(channel, about), channel.as_str(), about, codec::alarm_code(kind), at],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn set_health<D: Db>(
    db: &mut D,
    channel: &ChannelId,
    health: ChannelHealth,
    at: Timestamp,
) -> Applied {
    let code = codec::health_code(health);
    let rows = match health {
        ChannelHealth::Good => {
            db.run("DELETE FROM channel_state WHERE channel = $1", values![channel.as_str()]).await?
        }
        _ => {
            db.run(
                "INSERT INTO channel_state (channel, state, since) VALUES ($1, $2, $3) ON CONFLICT (channel) \
                 DO UPDATE SET state = excluded.state, since = excluded.since \
                 WHERE channel_state.state <> excluded.state",
                values![channel.as_str(), code, at],
            )
            .await?
        }
    };
    maybe(rows)
}

pub(crate) async fn channel_states<D: Db>(db: &mut D) -> Answer<Vec<ChannelState>> {
    let rows = db.rows("SELECT channel, state, since FROM channel_state ORDER BY channel", values![]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(ChannelState { channel: row.parsed()?, health: row.code(codec::health)?, since: row.time()? })
        })
        .collect()
}

pub(crate) async fn channel_queue<D: Db>(db: &mut D, channel: &ChannelId) -> Answer<ChannelQueue> {
    let row = db
        .row(
            "SELECT (SELECT count(*) FROM outbox WHERE channel = $1 AND state < 3), \
             (SELECT count(*) FROM outbox WHERE channel = $1 AND state = 3), \
             (SELECT count(*) FROM outbox WHERE channel = $1 AND state = 3 AND reason = 'unreachable'), \
             (SELECT count(*) FROM waiting WHERE channel = $1), \
             (SELECT count(*) FROM conversation WHERE channel = $1 AND owner_since IS NOT NULL), \
             (SELECT min(expires_at) FROM outbox WHERE channel = $1 AND state < 4)",
            values![channel.as_str()],
        )
        .await?;
    let mut row = row.ok_or_else(|| StoreError::new("the database does not count"))?;
    Ok(ChannelQueue {
        open: row.number()?,
        held: row.number()?,
        unreachable: row.number()?,
        waiting: row.number()?,
        elsewhere: row.number()?,
        expires_at: row.opt_time()?,
    })
}

pub(crate) async fn last_heard<D: Db>(db: &mut D, channel: &ChannelId) -> Answer<Option<Timestamp>> {
    let row = db
        .row("SELECT max(last_inbound_at) FROM conversation WHERE channel = $1", values![channel.as_str()])
        .await?;
    row.map_or(Ok(None), |mut row| row.opt_time())
}

pub(crate) async fn put_text<D: Db>(db: &mut D, text: &StoredText) -> Applied {
    let rows = db
        .run(
            "INSERT INTO approved_text (channel, name, lang, status, reason, at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (channel, name, lang) DO UPDATE SET status = excluded.status, reason = excluded.reason, \
             at = excluded.at WHERE approved_text.at <= excluded.at",
            values![
                text.channel.as_str(),
                text.name.as_str(),
                text.lang.tag(),
                text.status.as_str(),
                text.reason.as_deref(),
                text.at
            ],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn texts<D: Db>(db: &mut D, channel: &ChannelId) -> Answer<Vec<StoredText>> {
    let rows = db
        .rows(
            "SELECT name, lang, status, reason, at FROM approved_text WHERE channel = $1 ORDER BY name, lang LIMIT $2",
            values![channel.as_str(), i64::try_from(APPROVED_TEXTS_MAX).unwrap_or(i64::MAX)],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(StoredText {
                channel: channel.clone(),
                name: row.text()?,
                lang: Lang::from_tag(&row.text()?).unwrap_or_default(),
                status: row.text()?,
                reason: row.opt_text()?,
                at: row.time()?,
            })
        })
        .collect()
}

pub(crate) async fn put_request<D: Db>(db: &mut D, request: &PlatformRequest) -> Applied {
    let rows = db
        .run(
            "INSERT INTO platform_request (code, kind, chats, untold, at, done_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT DO NOTHING",
            values![
                request.code,
                codec::request_code(request.kind),
                request.chats,
                request.untold,
                request.at,
                request.done_at
            ],
        )
        .await?;
    changed(rows, "code of the request")
}

pub(crate) async fn note_request<D: Db>(
    db: &mut D,
    code: [u8; 16],
    (chats, untold): (u32, u32),
    done_at: Option<Timestamp>,
) -> Applied {
    let rows = db
        .run(
            "UPDATE platform_request SET chats = chats + $1, untold = $2, done_at = $3 \
             WHERE code = $4 AND done_at IS NULL",
            values![chats, untold, done_at, code],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn request<D: Db>(db: &mut D, code: [u8; 16]) -> Answer<Option<PlatformRequest>> {
    let row = db
        .row("SELECT kind, chats, untold, at, done_at FROM platform_request WHERE code = $1", values![code])
        .await?;
    row.map(|mut row| {
        Ok(PlatformRequest {
            code,
            kind: row.code(codec::request)?,
            chats: row.number()?,
            untold: row.number()?,
            at: row.time()?,
            done_at: row.opt_time()?,
        })
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_in_which_nothing_goes_out_are_those_of_the_list() {
        let all = (0..16).filter_map(codec::health);
        let stopped: Vec<String> =
            all.filter(|health| health.is_stopped()).map(|h| codec::health_code(h).to_string()).collect();
        assert!(stopped!().starts_with(&format!("s.state IN ({}) ", stopped.join(", "))), "{stopped:?}");
    }
}
