//! What each query asks, written once for both engines.

use crate::apply::{
    SealedLink, bank_consent_context, grant_context, link_context, receipt_context, recipient_context,
    session_context, token_context,
};
pub(crate) use crate::apply_alarm::{alarms, overdue};
pub(crate) use crate::apply_consent::consent_record;
use crate::apply_consent::open_consent;
use crate::apply_outbox::read_basis;
use crate::db::{Db, Row, values};
use crate::limits::{LINKS_EVER_MAX, QUERY_ROWS_MAX};
use crate::queries_heads;
use crate::vault::{Vault, open};
use crate::{
    Answer, BankGrant, BookRow, ConsentCount, Conversation, Counts, Customer, Elsewhere, FailedEvent,
    InboxRow, InboxSource, Link, OutboxEntry, Session, StoreError, StoredReceipt, Story, Token, codec,
};
use amana_core::{
    AccountId, Address, Agreement, AgreementEvent, ChannelId, Consent, ConsentId, ConversationId, CustomerId,
    EventKey, InstitutionId, Kill, KillSwitches, Lang, LinkId, MessageId, Psid, Shard, Timestamp,
};
use amana_gate::{DataKey, OutboxRow, Told};

pub(crate) fn at_most(limit: usize) -> i64 {
    i64::try_from(limit.min(QUERY_ROWS_MAX)).unwrap_or(i64::MAX)
}

pub(crate) async fn conversation<D: Db>(
    db: &mut D,
    vault: &Vault,
    id: &ConversationId,
) -> Answer<Option<Conversation>> {
    let row = db
        .row(
            "SELECT lang, lang_chosen, last_inbound_at, welcomed_at, owner, owner_since FROM conversation \
             WHERE shard = $1 AND channel = $2 AND person = $3",
            values![id.shard(), id.channel.as_str(), vault.keyring().blind_person(id)],
        )
        .await?;
    row.map(|mut row| {
        Ok(Conversation {
            id: id.clone(),
            lang: Lang::from_tag(&row.text()?).unwrap_or_default(),
            lang_chosen: row.flag()?,
            last_inbound_at: row.opt_time()?,
            welcomed_at: row.opt_time()?,
            elsewhere: {
                let (app, since) = (row.opt_text()?, row.opt_time()?);
                since.map(|since| Elsewhere { app: app.filter(|app| !app.is_empty()), since })
            },
        })
    })
    .transpose()
}

macro_rules! link_columns {
    () => {
        "l.id, l.shard, l.customer, l.institution, l.channel, l.sealed, l.state, l.code_hash, l.created_at, \
         l.ended_at, k.wrapped_key FROM link l JOIN customer k \
         ON k.shard = l.shard AND k.id = l.customer AND k.erased_at IS NULL"
    };
}
pub(crate) use link_columns;

fn read_link(vault: &Vault, mut row: Row) -> Answer<Link> {
    let (id, shard) = (LinkId::from_bytes(row.array()?), row.shard()?);
    let customer = CustomerId::from_bytes(row.array()?);
    let (institution, channel, sealed) = (row.parsed()?, row.parsed()?, row.bytes()?);
    let (state, code_hash) = (row.code(codec::link_state)?, row.opt_array()?);
    let (created_at, ended_at) = (row.time()?, row.opt_time()?);
    let key = vault.customer_key(customer, &row.bytes()?)?;
    let document = open(&key, &link_context(customer, id), &sealed)?;
    let SealedLink { psid, accounts } =
        serde_json::from_slice(&document).map_err(|_| StoreError::damaged("a stored link cannot be read"))?;
    Ok(Link {
        id,
        shard,
        customer,
        institution,
        channel,
        psid,
        accounts,
        state,
        code_hash,
        created_at,
        ended_at,
    })
}

pub(crate) fn read_links(vault: &Vault, rows: Vec<Row>) -> Answer<Vec<Link>> {
    rows.into_iter().map(|row| read_link(vault, row)).collect()
}

pub(crate) async fn links_of_conversation<D: Db>(
    db: &mut D,
    vault: &Vault,
    id: &ConversationId,
) -> Answer<Vec<Link>> {
    let rows = db
        .rows(
            concat!(
                "SELECT ",
                link_columns!(),
                " WHERE l.channel = $1 AND l.person = $2 AND l.state < 2 ORDER BY l.position"
            ),
            values![id.channel.as_str(), vault.keyring().blind_person(id)],
        )
        .await?;
    read_links(vault, rows)
}

pub(crate) async fn is_link_active<D: Db>(db: &mut D, id: LinkId) -> Answer<bool> {
    let row = db.row("SELECT state FROM link WHERE id = $1 AND state = 1", values![id]).await?;
    Ok(row.is_some())
}

pub(crate) async fn links_of_customer<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    customer: CustomerId,
) -> Answer<Vec<Link>> {
    let rows = db
        .rows(
            concat!(
                "SELECT ",
                link_columns!(),
                " WHERE l.shard = $1 AND l.customer = $2 AND l.state < 2 ORDER BY l.position"
            ),
            values![shard, customer],
        )
        .await?;
    read_links(vault, rows)
}

pub(crate) async fn links_ever_of_customer<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    customer: CustomerId,
) -> Answer<Vec<Link>> {
    let rows = db
        .rows(
            concat!(
                "SELECT ",
                link_columns!(),
                " WHERE l.shard = $1 AND l.customer = $2 ORDER BY l.position DESC LIMIT $3"
            ),
            values![shard, customer, LINKS_EVER_MAX],
        )
        .await?;
    read_links(vault, rows)
}

pub(crate) async fn links_ever<D: Db>(db: &mut D, vault: &Vault, id: &ConversationId) -> Answer<Vec<Link>> {
    let rows = db
        .rows(
            concat!(
                "SELECT ",
                link_columns!(),
                " WHERE l.channel = $1 AND l.person = $2 ORDER BY l.position DESC LIMIT $3"
            ),
            values![id.channel.as_str(), vault.keyring().blind_person(id), LINKS_EVER_MAX],
        )
        .await?;
    read_links(vault, rows)
}

pub(crate) async fn links_of_account<D: Db>(
    db: &mut D,
    vault: &Vault,
    institution: &InstitutionId,
    account: &AccountId,
) -> Answer<Vec<Link>> {
    let rows = db
        .rows(
            concat!(
                "SELECT ",
                link_columns!(),
                " JOIN link_account a ON a.shard = l.shard AND a.link = l.id \
                 WHERE a.institution = $1 AND a.account = $2 AND l.state = 1 ORDER BY l.position"
            ),
            values![institution.as_str(), vault.keyring().blind_account(institution, account)],
        )
        .await?;
    // One holder's damaged row must not keep the others of a joint account from hearing of it.
    rows.into_iter()
        .filter_map(|row| match read_link(vault, row) {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "a link is skipped");
                None
            }
            read => Some(read),
        })
        .collect()
}

pub(crate) async fn link<D: Db>(db: &mut D, vault: &Vault, shard: Shard, id: LinkId) -> Answer<Option<Link>> {
    let row = db
        .row(concat!("SELECT ", link_columns!(), " WHERE l.shard = $1 AND l.id = $2"), values![shard, id])
        .await?;
    row.map(|row| read_link(vault, row)).transpose()
}

pub(crate) async fn link_by_code<D: Db>(
    db: &mut D,
    vault: &Vault,
    code_hash: [u8; 32],
) -> Answer<Option<Link>> {
    let row = db
        .row(
            concat!(
                "SELECT ",
                link_columns!(),
                " WHERE l.code_hash = $1 AND l.state = 0 ORDER BY l.position DESC LIMIT 1"
            ),
            values![code_hash],
        )
        .await?;
    row.map(|row| read_link(vault, row)).transpose()
}

fn read_customer(vault: &Vault, mut row: Row) -> Answer<Customer> {
    let id = CustomerId::from_bytes(row.array()?);
    Ok(Customer {
        id,
        shard: row.shard()?,
        institution: row.parsed()?,
        key: vault.customer_key(id, &row.bytes()?)?,
        created_at: row.time()?,
    })
}

pub(crate) async fn customer<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    id: CustomerId,
) -> Answer<Option<Customer>> {
    let row = db
        .row(
            "SELECT id, shard, institution, wrapped_key, created_at FROM customer \
             WHERE shard = $1 AND id = $2 AND erased_at IS NULL",
            values![shard, id],
        )
        .await?;
    row.map(|row| read_customer(vault, row)).transpose()
}

pub(crate) async fn customer_by_subject<D: Db>(
    db: &mut D,
    vault: &Vault,
    institution: &InstitutionId,
    subject: [u8; 32],
) -> Answer<Option<Customer>> {
    let row = db
        .row(
            "SELECT id, shard, institution, wrapped_key, created_at FROM customer \
             WHERE institution = $1 AND subject = $2 AND erased_at IS NULL",
            values![institution.as_str(), subject],
        )
        .await?;
    row.map(|row| read_customer(vault, row)).transpose()
}

fn read_consent(vault: &Vault, mut row: Row) -> Answer<Consent> {
    let id = ConsentId::from_bytes(row.array()?);
    let customer = CustomerId::from_bytes(row.array()?);
    let sealed = row.bytes()?;
    let key = vault.customer_key(customer, &row.bytes()?)?;
    open_consent(&key, customer, id, &sealed)
}

pub(crate) async fn consents<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    customer: CustomerId,
) -> Answer<Vec<Consent>> {
    let rows = db
        .rows(
            "SELECT c.id, c.customer, c.sealed, k.wrapped_key FROM consent c \
             JOIN customer k ON k.shard = c.shard AND k.id = c.customer AND k.erased_at IS NULL \
             WHERE c.shard = $1 AND c.customer = $2 ORDER BY c.position DESC",
            values![shard, customer],
        )
        .await?;
    rows.into_iter().map(|row| read_consent(vault, row)).collect()
}

pub(crate) async fn consent_of_link<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    link: LinkId,
) -> Answer<Option<Consent>> {
    let row = db
        .row(
            "SELECT c.id, c.customer, c.sealed, k.wrapped_key FROM consent c \
             JOIN customer k ON k.shard = c.shard AND k.id = c.customer AND k.erased_at IS NULL \
             WHERE c.shard = $1 AND c.link = $2 ORDER BY c.position DESC LIMIT 1",
            values![shard, link],
        )
        .await?;
    row.map(|row| read_consent(vault, row)).transpose()
}

pub(crate) async fn agreement<D: Db>(
    db: &mut D,
    institution: &InstitutionId,
    channel: &ChannelId,
) -> Answer<Option<Agreement>> {
    let row = db
        .row(
            "SELECT document FROM agreement WHERE institution = $1 AND channel = $2 ORDER BY version DESC LIMIT 1",
            values![institution.as_str(), channel.as_str()],
        )
        .await?;
    row.map(|mut row| row.json()).transpose().map_err(StoreError::of_everybody)
}

pub(crate) async fn agreements<D: Db>(db: &mut D) -> Answer<Vec<Agreement>> {
    let rows = db
        .rows(
            "SELECT document FROM agreement a WHERE version = (SELECT max(b.version) FROM agreement b \
             WHERE b.institution = a.institution AND b.channel = a.channel) ORDER BY institution, channel",
            values![],
        )
        .await?;
    rows.into_iter().map(|mut row| row.json()).collect()
}

pub(crate) async fn agreement_events<D: Db>(
    db: &mut D,
    institution: &InstitutionId,
    channel: &ChannelId,
) -> Answer<Vec<AgreementEvent>> {
    let rows = db
        .rows(
            "SELECT record FROM agreement_event WHERE institution = $1 AND channel = $2 ORDER BY number",
            values![institution.as_str(), channel.as_str()],
        )
        .await?;
    rows.into_iter().map(|mut row| row.json()).collect()
}

pub(crate) async fn refused_requests<D: Db>(db: &mut D, limit: usize) -> Answer<Vec<AgreementEvent>> {
    let rows = db
        .rows(
            "SELECT record FROM agreement_event WHERE act = 1 ORDER BY number DESC LIMIT $1",
            values![at_most(limit)],
        )
        .await?;
    rows.into_iter().map(|mut row| row.json()).collect()
}

pub(crate) async fn consent_counts<D: Db>(db: &mut D) -> Answer<Vec<ConsentCount>> {
    let rows = db
        .rows(
            "SELECT l.institution, l.channel, \
             CAST(sum(CASE WHEN c.state = 0 THEN 1 ELSE 0 END) AS BIGINT), \
             CAST(sum(CASE WHEN c.state = 0 THEN 0 ELSE 1 END) AS BIGINT) \
             FROM consent c JOIN link l ON l.shard = c.shard AND l.id = c.link \
             GROUP BY l.institution, l.channel ORDER BY l.institution, l.channel",
            values![],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(ConsentCount {
                institution: row.parsed()?,
                channel: row.parsed()?,
                active: row.number()?,
                ended: row.number()?,
            })
        })
        .collect()
}

pub(crate) async fn kills<D: Db>(db: &mut D) -> Answer<KillSwitches> {
    let rows = db.rows("SELECT scope, reason, since FROM kill ORDER BY since, scope", values![]).await?;
    let kills = rows
        .into_iter()
        .map(|mut row| Ok(Kill { scope: row.json()?, reason: row.text()?, since: row.time()? }))
        .collect::<Answer<_>>()
        .map_err(StoreError::of_everybody)?;
    Ok(KillSwitches(kills))
}

pub(crate) async fn inbox_heads<D: Db>(
    db: &mut D,
    node: i64,
    (now, source): (Timestamp, InboxSource),
    limit: usize,
) -> Answer<Vec<InboxRow>> {
    let rows = queries_heads::inbox(db, node, (now, codec::source_code(source)), limit).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(InboxRow {
                shard: row.shard()?,
                position: row.int()?,
                lane: row.array()?,
                key: EventKey(row.array()?),
                source: row.code(codec::source)?,
                body: row.bytes()?,
                attempts: row.number()?,
                received_at: row.time()?,
            })
        })
        .collect()
}

/// Whether an event is known, and whether one of the lane waits.
pub(crate) async fn inbox_look<D: Db>(
    db: &mut D,
    shard: Shard,
    key: EventKey,
    lane: [u8; 32],
) -> Answer<(bool, bool)> {
    let known =
        db.row("SELECT position FROM inbox WHERE shard = $1 AND key = $2", values![shard, key.0]).await?;
    let waits =
        db.row("SELECT position FROM inbox WHERE lane = $1 AND state = 0 LIMIT 1", values![lane]).await?;
    Ok((known.is_some(), waits.is_some()))
}

pub(crate) async fn inbox_failed<D: Db>(db: &mut D, limit: usize) -> Answer<Vec<FailedEvent>> {
    let rows = db
        .rows(
            "SELECT shard, position, source, reason, attempts, received_at FROM inbox WHERE state = 2 \
             ORDER BY position DESC LIMIT $1",
            values![at_most(limit)],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(FailedEvent {
                shard: row.shard()?,
                position: row.int()?,
                source: row.code(codec::source)?,
                reason: row.text()?,
                attempts: row.number()?,
                received_at: row.time()?,
            })
        })
        .collect()
}

macro_rules! outbox_columns {
    () => {
        "o.shard, o.position, o.message, o.channel, o.sealed_to, o.key_of, k.wrapped_key, o.customer, o.sealed_basis, k.wrapped_key, \
         o.payload, o.said, o.expires_at, o.anytime, o.agent, o.about, o.ticket, o.state, o.due_at, o.attempts, o.mid, o.reason, o.customer_shard, \
         o.created_at, o.sent_at, o.doubtful, o.person FROM outbox o \
         LEFT JOIN customer k ON k.shard = o.customer_shard AND k.id = coalesce(o.customer, o.key_of)"
    };
}
pub(crate) use outbox_columns;

/// Who stands for a recipient that cannot be read. No ticket is for them.
const NOBODY: &str = "unreadable";

/// To whom a message without bank data goes, and the hash of what it says: in the clear that would let anyone who reads
/// the database try which text it was.
type SentTo = (Psid, [u8; 32]);

/// What is sealed under this key of a message without bank data.
fn read_sent_to(key: &DataKey, context: &[u8], sealed: &[u8]) -> Answer<SentTo> {
    let plain = open(key, context, sealed)?;
    let (hash, psid) = plain.split_first_chunk().ok_or_else(no_recipient)?;
    Ok((read_psid(psid)?, *hash))
}

/// A page-scoped id that was sealed.
fn read_psid(plain: &[u8]) -> Answer<Psid> {
    let text = std::str::from_utf8(plain).map_err(|_| no_recipient())?;
    Psid::new(text).map_err(|_| no_recipient())
}

fn no_recipient() -> StoreError {
    StoreError::damaged("a stored recipient cannot be read")
}

/// To whom a message without bank data goes, with the hash of what it says. `None` where that does not open: it is
/// damaged, or the customer under whose key it is was erased. An error where it cannot be known now.
fn read_plain_recipient(
    vault: &Vault,
    message: MessageId,
    sealed: &[u8],
    under: (Option<CustomerId>, Option<Vec<u8>>),
) -> Answer<Option<SentTo>> {
    let context = recipient_context(message);
    let opened = match under {
        (None, _) => read_sent_to(vault.keyring().deployment(), &context, sealed),
        (Some(_), None) => return Ok(None),
        (Some(customer), Some(wrapped)) => {
            vault.customer_key(customer, &wrapped).and_then(|key| read_sent_to(&key, &context, sealed))
        }
    };
    match opened {
        Err(error) if error.is_damage() => Ok(None),
        opened => opened.map(Some),
    }
}

fn read_outbox(vault: &Vault, mut row: Row) -> Answer<OutboxEntry> {
    let (shard, position, message) = (row.shard()?, row.int()?, MessageId::from_bytes(row.array()?));
    let (channel, sealed_to) = (row.parsed()?, row.opt_bytes()?);
    // An id that is none is nobody's.
    let key_of =
        row.opt_bytes().map_or_else(|_| Some([0; 16]), |id| id.map(|id| id.try_into().unwrap_or_default()));
    let (key_of, wrapped) = (key_of.map(CustomerId::from_bytes), row.opt_bytes()?);
    // What does not open, or is not there, is left out: the ticket vouches for recipient, basis and hash, so the gate
    // denies the message, and a damaged row ends as denied instead of blocking its conversation.
    let (sealed, closed) =
        read_basis(vault, message, &mut row)?.map_or_else(|of| (None, Some(of)), |b| (b, None));
    let payload = row.bytes()?;
    let (basis, payload_sha256, psid) = match sealed {
        Some(sealed) => {
            (Some(sealed.basis.into_owned()), sealed.payload_sha256, Some(sealed.psid.into_owned()))
        }
        None => {
            let to = sealed_to.map(|to| read_plain_recipient(vault, message, &to, (key_of, wrapped)));
            let (psid, hash) = to.transpose()?.flatten().unzip();
            (None, hash.unwrap_or_default(), psid)
        }
    };
    let psid = psid.map_or_else(|| Psid::new(NOBODY).map_err(|_| StoreError::new("an id is none")), Ok)?;
    let recipient = Address { channel, psid };
    let (said, expires_at, anytime) = (row.bytes()?, row.time()?, row.flag()?);
    let (agent, about, ticket) = (row.opt_array()?, row.code(codec::about)?, row.array()?);
    let (state, due_at, attempts) = (row.code(codec::outbox_state)?, row.time()?, row.number()?);
    let (mid, reason, customer_shard) = (row.opt_text()?, row.opt_text()?, row.shard()?);
    Ok(OutboxEntry {
        shard,
        position,
        row: OutboxRow {
            message,
            recipient,
            basis,
            payload,
            payload_sha256,
            said,
            expires_at,
            anytime,
            agent,
            under: key_of.map(|customer| (customer_shard, customer)),
            about,
            ticket,
        },
        state,
        due_at,
        attempts,
        mid,
        reason,
        customer_shard,
        created_at: row.time()?,
        sent_at: row.opt_time()?,
        doubtful: row.flag()?,
        person: row.array()?,
        closed,
    })
}

pub(crate) async fn outbox_heads<D: Db>(
    db: &mut D,
    vault: &Vault,
    node: i64,
    (now, paused): (Timestamp, &[ChannelId]),
    limit: usize,
) -> Answer<Vec<OutboxEntry>> {
    // The paused channels as one text, each between line feeds, which no id holds: a channel that is among them can
    // be taken out of it. Neither engine has a list as a parameter in the way of the other.
    let paused: String = paused.iter().map(|channel| format!("\n{}\n", channel.as_str())).collect();
    let mut read = Vec::new();
    for wider in HEADS_WIDER {
        let many = limit.saturating_mul(wider);
        let rows = queries_heads::outbox(db, node, (now, &paused), many).await?;
        let all = rows.len() < many;
        // One damaged row, or one customer whose key cannot be had now, must not keep every other conversation waiting.
        let (good, bad): (Vec<_>, Vec<_>) =
            rows.into_iter().map(|row| read_outbox(vault, row)).partition(Result::is_ok);
        read = good.into_iter().flatten().collect();
        let Some(Err(error)) = bad.first() else { break };
        tracing::error!(rows = bad.len(), %error, "outbox rows cannot be read now; they are skipped");
        if all || read.len() >= limit {
            break;
        }
    }
    read.truncate(limit);
    Ok(read)
}

/// Rows that cannot be read now stay due, and stand before others: it is looked so many times as far, then.
const HEADS_WIDER: [usize; 3] = [1, 8, 64];

pub(crate) async fn outbox_between<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, position): (Shard, i64),
    (from, to): (Timestamp, Timestamp),
    limit: usize,
) -> Answer<Vec<OutboxEntry>> {
    let rows = db
        .rows(
            if D::POSITION_IS_KEY {
                concat!(
                    "SELECT ",
                    outbox_columns!(),
                    " WHERE $1 = $1 AND o.position > $2 AND o.created_at >= $3 AND o.created_at <= $4 \
                     ORDER BY o.position LIMIT $5"
                )
            } else {
                concat!(
                    "SELECT ",
                    outbox_columns!(),
                    " WHERE (o.shard, o.position) > ($1, $2) AND o.created_at >= $3 AND o.created_at <= $4 \
                     ORDER BY o.shard, o.position LIMIT $5"
                )
            },
            values![shard, position, from, to, at_most(limit)],
        )
        .await?;
    // Were one left out without a word, its message would be called nobody's.
    rows.into_iter().map(|row| read_outbox(vault, row)).collect()
}

pub(crate) async fn outbox_entry<D: Db>(
    db: &mut D,
    vault: &Vault,
    message: MessageId,
) -> Answer<Option<OutboxEntry>> {
    let row =
        db.row(concat!("SELECT ", outbox_columns!(), " WHERE o.message = $1"), values![message]).await?;
    row.map(|row| read_outbox(vault, row)).transpose()
}

pub(crate) async fn dead_letters<D: Db>(db: &mut D, vault: &Vault, limit: usize) -> Answer<Vec<OutboxEntry>> {
    let rows = db
        .rows(
            concat!("SELECT ", outbox_columns!(), " WHERE o.state = 5 ORDER BY o.position DESC LIMIT $1"),
            values![at_most(limit)],
        )
        .await?;
    rows.into_iter().map(|row| read_outbox(vault, row)).collect()
}

pub(crate) async fn receipts<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    from: u64,
    limit: usize,
) -> Answer<Vec<StoredReceipt>> {
    let rows = db
        .rows(
            "SELECT seq, sealed, message, log_index FROM receipt WHERE shard = $1 AND customer = $2 AND seq >= $3 \
             ORDER BY seq LIMIT $4",
            values![shard, customer, i64::try_from(from).unwrap_or(i64::MAX), at_most(limit)],
        )
        .await?;
    read_receipts(db, vault, (shard, customer), rows).await
}

pub(crate) async fn receipts_before<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    before: Option<u64>,
    limit: usize,
) -> Answer<Vec<StoredReceipt>> {
    let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
    let rows = db
        .rows(
            "SELECT seq, sealed, message, log_index FROM receipt WHERE shard = $1 AND customer = $2 AND seq < $3 \
             ORDER BY seq DESC LIMIT $4",
            values![shard, customer, before, at_most(limit)],
        )
        .await?;
    read_receipts(db, vault, (shard, customer), rows).await
}

pub(crate) async fn read_receipts<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    rows: Vec<Row>,
) -> Answer<Vec<StoredReceipt>> {
    let wrapped = db
        .row(
            "SELECT wrapped_key FROM customer WHERE shard = $1 AND id = $2 AND erased_at IS NULL",
            values![shard, customer],
        )
        .await?;
    let Some(mut wrapped) = wrapped else { return Ok(Vec::new()) };
    let key = vault.customer_key(customer, &wrapped.bytes()?)?;
    rows.into_iter()
        .map(|mut row| {
            let seq: u64 = row.number()?;
            Ok(StoredReceipt {
                seq,
                bytes: open(&key, &receipt_context(customer, seq), &row.bytes()?)?,
                message: row.opt_array()?.map(MessageId::from_bytes),
                log_index: row.number()?,
            })
        })
        .collect()
}

pub(crate) async fn story<D: Db>(
    db: &mut D,
    (shard, customer): (Shard, CustomerId),
    key: [u8; 32],
) -> Answer<Option<Story>> {
    let row = db
        .row(
            "SELECT state, told, told_at, told_by FROM story WHERE shard = $1 AND customer = $2 AND key = $3",
            values![shard, customer, key],
        )
        .await?;
    row.map(|mut row| {
        Ok(Story {
            shard,
            customer,
            key,
            state: row.code(codec::story_state)?,
            told: Told::from_stored(row.array()?),
            at: row.time()?,
            by: row.opt_array()?.map(MessageId::from_bytes),
        })
    })
    .transpose()
}

pub(crate) async fn stories<D: Db>(
    db: &mut D,
    (shard, customer): (Shard, CustomerId),
    after: Option<[u8; 32]>,
    limit: usize,
) -> Answer<Vec<Story>> {
    let after: Vec<u8> = after.map(Vec::from).unwrap_or_default();
    let rows = db
        .rows(
            "SELECT key, state, told, told_at, told_by FROM story WHERE shard = $1 AND customer = $2 AND key > $3 \
             ORDER BY key LIMIT $4",
            values![shard, customer, after, at_most(limit)],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Story {
                shard,
                customer,
                key: row.array()?,
                state: row.code(codec::story_state)?,
                told: Told::from_stored(row.array()?),
                at: row.time()?,
                by: row.opt_array()?.map(MessageId::from_bytes),
            })
        })
        .collect()
}

pub(crate) async fn book<D: Db>(
    db: &mut D,
    (shard, customer): (Shard, CustomerId),
    key: [u8; 32],
) -> Answer<Option<BookRow>> {
    let row = db
        .row(
            "SELECT sealed, changed_at FROM book WHERE shard = $1 AND customer = $2 AND key = $3",
            values![shard, customer, key],
        )
        .await?;
    row.map(|mut row| Ok(BookRow { shard, customer, key, sealed: row.bytes()?, changed_at: row.time()? }))
        .transpose()
}

pub(crate) async fn bank_grant<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    link: LinkId,
) -> Answer<Option<BankGrant>> {
    let row = db
        .row(
            "SELECT g.customer, g.version, g.sealed, g.sealed_bank_consent, g.changed_at, k.wrapped_key \
             FROM bank_grant g JOIN customer k ON k.shard = g.shard AND k.id = g.customer \
             AND k.erased_at IS NULL \
             WHERE g.shard = $1 AND g.link = $2",
            values![shard, link],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let customer = CustomerId::from_bytes(row.array()?);
    let (version, sealed, bank_consent, at) = (row.int()?, row.bytes()?, row.opt_bytes()?, row.time()?);
    let key = vault.customer_key(customer, &row.bytes()?)?;
    let bank_consent = bank_consent
        .map(|sealed| {
            String::from_utf8(open(&key, &bank_consent_context(link, version), &sealed)?)
                .map_err(|_| StoreError::damaged("a bank's consent id is not UTF-8"))
        })
        .transpose()?;
    let tokens = open(&key, &grant_context(link, version), &sealed)?;
    Ok(Some(BankGrant { shard, customer, link, version, tokens, bank_consent, at }))
}

pub(crate) async fn token<D: Db>(db: &mut D, vault: &Vault, hash: [u8; 32]) -> Answer<Option<Token>> {
    let row = db
        .row("SELECT channel, sealed_to, expires_at, consumed_at FROM token WHERE hash = $1", values![hash])
        .await?;
    row.map(|mut row| {
        let channel = row.parsed()?;
        let psid = open(vault.keyring().deployment(), &token_context(&hash), &row.bytes()?)?;
        Ok(Token {
            hash,
            conversation: ConversationId { channel, psid: read_psid(&psid)? },
            expires_at: row.time()?,
            consumed_at: row.opt_time()?,
        })
    })
    .transpose()
}

pub(crate) async fn session<D: Db>(
    db: &mut D,
    vault: &Vault,
    hash: [u8; 32],
    now: Timestamp,
) -> Answer<Option<Session>> {
    let row = db
        .row("SELECT sealed, expires_at FROM session WHERE hash = $1 AND expires_at > $2", values![hash, now])
        .await?;
    row.map(|mut row| {
        let body = open(vault.keyring().deployment(), &session_context(&hash), &row.bytes()?)?;
        Ok(Session { hash, body, expires_at: row.time()? })
    })
    .transpose()
}

/// Each count is answered from a partial index, except receipts, which are summed over the customers.
pub(crate) async fn counts<D: Db>(db: &mut D) -> Answer<Counts> {
    let row = db
        .row(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 0), (SELECT count(*) FROM inbox WHERE state = 2), \
             (SELECT count(*) FROM outbox WHERE state < 3), \
             (SELECT count(*) FROM outbox WHERE state = 3), \
             (SELECT count(*) FROM outbox WHERE state = 5), (SELECT count(*) FROM waiting), \
             (SELECT count(*) FROM link WHERE state = 1), \
             (SELECT CAST(coalesce(sum(receipt_seq), 0) AS BIGINT) FROM customer), \
             (SELECT count(*) FROM job WHERE state = 1), \
             (SELECT count(*) FROM alarm WHERE closed_at IS NULL)",
            values![],
        )
        .await?;
    let mut row = row.ok_or_else(|| StoreError::new("the database does not count"))?;
    Ok(Counts {
        inbox_waiting: row.number()?,
        inbox_failed: row.number()?,
        outbox_open: row.number()?,
        outbox_held: row.number()?,
        outbox_dead: row.number()?,
        news_waiting: row.number()?,
        links_active: row.number()?,
        receipts: row.number()?,
        jobs_dead: row.number()?,
        alarms_open: row.number()?,
    })
}
