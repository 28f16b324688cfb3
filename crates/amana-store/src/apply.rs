//! What each command does, written once for both engines. Every precondition is part of the statement that writes,
//! or of a unique index, so that it also holds against another writer on the same database.

use crate::apply_hint::Hint;
use crate::apply_log::{LastReceipt, log_end, put_entry, take_place};
use crate::codec::{INBOX_DONE, INBOX_FAILED, INBOX_WAITING, JOB_DEAD, JOB_WAITING};
use crate::db::{Counter, Db, locking, values};
use crate::kept::CustomerEnd;
use crate::limits::BODY_BYTES_MAX;
use crate::vault::{Vault, context};
use crate::{
    BankGrant, BookRow, Command, Conversation, InboxResult, InboxSource, Job, JobOutcome, Link, LinkState,
    NewInbox, Outcome, Session, StoreError, Story, Token, codec,
};
use amana_core::{
    AccountId, ConversationId, CustomerId, EventKey, Kill, KillScope, Lang, LinkId, MessageId, Psid, Shard,
    Timestamp,
};
use amana_gate::{DataKey, ReceiptDraft};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why a command was not applied.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its precondition does not hold: what was not as expected.
    Conflict(&'static str),
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(crate) type Applied = Result<Outcome, Refused>;

/// A command whose statement changed no row was not as expected.
pub(crate) fn changed(rows: u64, what: &'static str) -> Applied {
    if rows == 0 { Err(Refused::Conflict(what)) } else { Ok(Outcome::Changed) }
}

/// A command that may find nothing to do.
pub(crate) fn maybe(rows: u64) -> Applied {
    Ok(if rows == 0 { Outcome::Unchanged } else { Outcome::Changed })
}

pub(crate) fn bounded(body: &[u8]) -> Result<(), Refused> {
    if body.len() > BODY_BYTES_MAX { Err(Refused::Conflict("size of the body")) } else { Ok(()) }
}

pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::new("a record cannot be written as JSON"))
}

/// Applies one command inside the writer's transaction.
pub(crate) async fn apply<D: Db>(db: &mut D, vault: &Vault, command: &Command) -> Applied {
    match command {
        Command::Accept(event) => accept(db, event).await,
        Command::AcceptDecided(event) => accept_decided(db, event).await,
        Command::FinishInbox { shard, position, result } => finish_inbox(db, *shard, *position, result).await,
        Command::TakeBack { shard, lane, key, source, at } => {
            take_back(db, *shard, (*lane, *key, *source), *at).await
        }
        Command::PutConversation(conversation) => put_conversation(db, vault, conversation).await,
        Command::CreateCustomer { shard, id, institution, subject, wrapped_key, at } => {
            let key = vault.customer_key(*id, wrapped_key).map_err(|error| match error {
                closed if closed.is_damage() => Refused::Conflict("customer key"),
                // The custody is away: it is waited for, and the key is good.
                away => Refused::Store(away),
            })?;
            let sealed_log_key = vault.new_log_key(&key, *id)?;
            let rows = db
                .run(
                    "INSERT INTO customer (shard, id, institution, subject, wrapped_key, receipt_seq, \
                     receipt_hash, created_at, sealed_log_key, log_segment, log_n, receipt_mac) \
                     VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, 0, 0, $9) ON CONFLICT DO NOTHING",
                    values![
                        *shard,
                        *id,
                        institution.as_str(),
                        *subject,
                        wrapped_key.as_slice(),
                        [0u8; 32],
                        *at,
                        sealed_log_key,
                        LastReceipt::NONE.mac(&key, *id)
                    ],
                )
                .await?;
            // Asked after the row is there, so that it sees an erasure which ended while this waited for its row: of an
            // id that was erased there is never another customer, whoever still holds a key.
            let erased = db.row("SELECT id FROM erased WHERE id = $1", values![*id]).await?;
            if erased.is_some() {
                return Err(Refused::Conflict("customer key"));
            }
            changed(rows, "customer")
        }
        Command::CreateLink(link) => create_link(db, vault, link).await,
        Command::SetLink { shard, id, from, to, at } => set_link(db, *shard, *id, (*from, *to), *at).await,
        Command::GrantConsent { shard, consent, basis, receipt } => {
            crate::apply_consent::grant_consent(db, vault, *shard, (consent, basis), receipt).await
        }
        Command::RevokeConsent { shard, customer, consent, why, at, receipt } => {
            crate::apply_consent::revoke_consent(
                db,
                vault,
                (*shard, *customer),
                *consent,
                (*why, *at),
                receipt,
            )
            .await
        }
        // What a human wrote has its records, or is not taken.
        Command::Disclose { disclosure, .. } if disclosure.row.agent.is_some() => {
            Err(Refused::Conflict("receipt"))
        }
        Command::Disclose { shard, disclosure, at } => {
            crate::apply_outbox::disclose(db, vault, *shard, disclosure, *at).await
        }
        Command::Record { shard, customer, receipt } => {
            record(db, vault, (*shard, *customer), receipt, None).await.map(Outcome::Receipt)
        }
        Command::ClaimOutbox { message, from, until } => {
            crate::apply_outbox::claim(db, *message, *from, *until).await
        }
        Command::FinishOutbox { message, delivery, receipt, at } => {
            crate::apply_outbox::finish(db, vault, *message, delivery, receipt.as_ref(), *at).await
        }
        Command::Sighted(sighting) => crate::apply_alarm::sighted(db, vault, sighting).await,
        Command::CloseAlarm { id, by, at } => crate::apply_alarm::close(db, vault, *id, by, *at).await,
        Command::RaiseAlarm { channel, about, kind, at } => {
            crate::apply_waiting::raise_alarm(db, channel, about, *kind, *at).await
        }
        Command::SetChannelHealth { channel, health, at } => {
            crate::apply_waiting::set_health(db, channel, *health, *at).await
        }
        Command::PutApprovedText(text) => crate::apply_waiting::put_text(db, text).await,
        Command::SetOwner { conversation, elsewhere, said_at } => {
            crate::apply_waiting::set_owner(db, vault, conversation, elsewhere.as_ref(), *said_at).await
        }
        Command::PutWaiting(waiting) => crate::apply_waiting::put(db, vault, waiting).await,
        Command::NoticeWaiting { shard, link, at } => {
            crate::apply_waiting::notice(db, *shard, *link, *at).await
        }
        Command::TakeWaiting { shard, link, taken } => {
            crate::apply_waiting::take(db, *shard, *link, taken).await
        }
        Command::WriteAsAgent { shard, disclosure, records, at } => {
            crate::apply_agent::write(db, vault, *shard, disclosure, records, *at).await
        }
        Command::ForgetChat { conversation, lane, unsent } => {
            crate::apply_erase::forget_chat(db, vault, conversation, *lane, *unsent).await
        }
        Command::PutPlatformRequest(request) => crate::apply_waiting::put_request(db, request).await,
        Command::NotePlatformRequest { code, chats, untold, done_at } => {
            crate::apply_waiting::note_request(db, *code, (*chats, *untold), *done_at).await
        }
        Command::OpenWindow { conversation } => {
            crate::apply_outbox::open_window(db, vault, conversation).await
        }
        Command::RecoverOutbox { until } => crate::apply_outbox::recover(db, *until).await,
        Command::FenceNodes { node } => crate::node::fence(db, *node).await,
        Command::TakeShards { node, most, until } => crate::node::take(db, *node, *most, *until).await,
        Command::GiveShards { node, from } => crate::node::give(db, *node, *from).await,
        Command::EndNode { node } => crate::node::end(db, *node).await,
        Command::ReplayDead { message, due_at } => {
            crate::apply_outbox::replay_dead(db, *message, *due_at).await
        }
        Command::PutStory(story) => put_story(db, story).await,
        Command::ToldBy { shard, customer, stories, message } => {
            crate::apply_waiting::told_by(db, (*shard, *customer), stories, *message).await
        }
        Command::PutBook(book) => put_book(db, book).await,
        Command::PutBankGrant { grant, expected } => put_bank_grant(db, vault, grant, *expected).await,
        Command::DropBankGrant { shard, link, expected } => {
            drop_bank_grant(db, *shard, *link, *expected).await
        }
        Command::ForgetSaid { shard, customer, link, at, receipt } => {
            crate::apply_sweep::forget_said(db, vault, (*shard, *customer), *link, *at, receipt).await
        }
        Command::PutToken(token) => put_token(db, vault, token).await,
        Command::ConsumeToken { hash, now } => changed(
            db.run(
                "UPDATE token SET consumed_at = $1 WHERE hash = $2 AND consumed_at IS NULL AND expires_at > $1",
                values![*now, *hash],
            )
            .await?,
            "token",
        ),
        Command::OpenPage { hash, now } => crate::apply_page::open(db, *hash, *now).await,
        Command::PutPasskey(passkey) => crate::apply_passkey::put(db, vault, passkey).await,
        Command::UsePasskey { passkey } => crate::apply_passkey::used(db, vault, passkey).await,
        Command::DropPasskey { shard, customer, id } => {
            crate::apply_passkey::forget(db, (*shard, *customer), *id).await
        }
        Command::PutSession(session) => put_session(db, vault, session).await,
        Command::TakeSession { hash } => {
            changed(db.run("DELETE FROM session WHERE hash = $1", values![*hash]).await?, "session")
        }
        Command::PutAgreement { event, agreement } => {
            crate::apply_agreement::put_agreement(db, event, agreement.as_ref()).await
        }
        Command::PutPolicy(policy) => crate::apply_policy::put_policy(db, policy).await,
        Command::SetKill(kill) => set_kill(db, kill).await,
        Command::ClearKill(scope) => clear_kill(db, scope).await,
        Command::SetAside(records) => crate::apply_aside::set_aside(db, records).await,
        Command::Enqueue(job) => enqueue(db, job).await,
        Command::FinishJob { id, outcome } => finish_job(db, *id, *outcome).await,
        Command::ContinueJob { id, was, at, body } => continue_job(db, *id, (*was, *at), body).await,
        Command::HastenJob { id, at } => maybe(
            db.run(
                "UPDATE job SET due_at = $1 WHERE id = $2 AND state = 0 AND due_at > $1",
                values![*at, *id],
            )
            .await?,
        ),
        Command::Hint { shard, lane, key, received_at, job, running, at, body } => {
            let (shard, lane, key, received_at) = (*shard, *lane, *key, *received_at);
            let (job, running, at, body) = (*job, *running, *at, body.as_deref());
            let hint = Hint { shard, lane, key, received_at, job, running, at, body };
            crate::apply_hint::hint(db, &hint).await
        }
        Command::CancelJob { id } => maybe(db.run("DELETE FROM job WHERE id = $1", values![*id]).await?),
        Command::ReplayInbox { shard, position } => changed(
            db.run(
                "UPDATE inbox SET state = $1, not_before = 0, attempts = 0, reason = NULL \
                 WHERE shard = $2 AND position = $3 AND state = 2",
                values![INBOX_WAITING, *shard, *position],
            )
            .await?,
            "inbox event",
        ),
        Command::ReserveIndex { now, segment_entries, segment_seconds } => {
            crate::apply_log::reserve_index(db, *now, (*segment_entries, *segment_seconds)).await
        }
        Command::FillIndex { log_index, entry } => {
            crate::apply_log::fill_index(db, *log_index, entry).await
        }
        Command::PutCheckpoint { size, note } => crate::apply_log::put_checkpoint(db, *size, note).await,
        Command::Sweep { now, keep } => crate::apply_sweep::sweep(db, vault, *now, keep).await,
        Command::SetLang { conversation, lang } => set_lang(db, vault, conversation, *lang).await,
        Command::LeaveWords { shard, customer } => {
            crate::apply_shared::leave_words(db, vault, (*shard, *customer)).await?;
            Ok(Outcome::Changed)
        }
        Command::BeginErasure { shard, customer, at, receipt } => {
            crate::apply_erase::begin(db, vault, (*shard, *customer), *at, receipt).await
        }
        Command::Erase { shard, customer, at } => {
            crate::apply_erase::step(db, vault, (*shard, *customer), *at).await
        }
    }
}

/// Puts an event into the inbox, unless its key is there; how many rows that made. Only the key makes a duplicate: a
/// position that is taken is a fault, and must not pass for a known event.
async fn put_inbox<D: Db>(
    db: &mut D,
    event: &NewInbox,
    (state, attempts): (i64, i64),
) -> Result<u64, Refused> {
    let position = db.next(Counter::Inbox).await?;
    let rows = db
        .run(
            "INSERT INTO inbox (shard, position, lane, key, source, body, state, not_before, attempts, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $9, $8) ON CONFLICT (shard, key) DO NOTHING",
            values![
                event.shard,
                position,
                event.lane,
                event.key.0,
                codec::source_code(event.source),
                event.body.as_slice(),
                state,
                event.received_at,
                attempts
            ],
        )
        .await?;
    Ok(rows)
}

/// An event that is known from here on, and needs nothing more; how many rows that made.
pub(crate) async fn put_done<D: Db>(db: &mut D, event: &NewInbox) -> Result<u64, Refused> {
    put_inbox(db, event, (INBOX_DONE, 1)).await
}

async fn accept<D: Db>(db: &mut D, event: &NewInbox) -> Applied {
    bounded(&event.body)?;
    let rows = put_inbox(db, event, (INBOX_WAITING, 0)).await?;
    Ok(if rows == 0 { Outcome::Duplicate } else { Outcome::Changed })
}

async fn accept_decided<D: Db>(db: &mut D, event: &NewInbox) -> Applied {
    let waits = db
        .row("SELECT position FROM inbox WHERE lane = $1 AND state = 0 LIMIT 1", values![event.lane])
        .await?;
    if waits.is_some() {
        return Err(Refused::Conflict("order of events"));
    }
    let rows = put_done(db, event).await?;
    changed(rows, "event")
}

/// Whoever works on the event now finds it over when it ends, and nothing of what it did is kept.
async fn take_back<D: Db>(
    db: &mut D,
    shard: Shard,
    (lane, key, source): ([u8; 32], EventKey, InboxSource),
    at: Timestamp,
) -> Applied {
    let emptied = db
        .run(
            "UPDATE inbox SET state = $1, body = $2, reason = NULL WHERE shard = $3 AND key = $4 AND state <> $1",
            values![INBOX_DONE, Vec::new(), shard, key.0],
        )
        .await?;
    let event = NewInbox { shard, lane, key, source, body: Vec::new(), received_at: at };
    let taken = put_inbox(db, &event, (INBOX_DONE, 0)).await?;
    maybe(emptied + taken)
}

async fn finish_inbox<D: Db>(db: &mut D, shard: Shard, position: i64, result: &InboxResult) -> Applied {
    let rows = match result {
        InboxResult::Done => {
            db.run(
                "UPDATE inbox SET state = $1, body = $2, attempts = attempts + 1 \
                 WHERE shard = $3 AND position = $4 AND state = 0",
                values![INBOX_DONE, Vec::new(), shard, position],
            )
            .await?
        }
        InboxResult::Retry { not_before, counts } => {
            db.run(
                "UPDATE inbox SET not_before = $1, attempts = attempts + $2 \
                 WHERE shard = $3 AND position = $4 AND state = 0",
                values![*not_before, *counts, shard, position],
            )
            .await?
        }
        InboxResult::Failed { reason } => {
            db.run(
                "UPDATE inbox SET state = $1, reason = $2, attempts = attempts + 1 \
                 WHERE shard = $3 AND position = $4 AND state = 0",
                values![INBOX_FAILED, reason.as_str(), shard, position],
            )
            .await?
        }
    };
    changed(rows, "inbox event")
}

async fn put_conversation<D: Db>(db: &mut D, vault: &Vault, conversation: &Conversation) -> Applied {
    let id = &conversation.id;
    let rows = db
        .run(
            "INSERT INTO conversation (shard, channel, person, lang, lang_chosen, last_inbound_at, welcomed_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (shard, channel, person) DO UPDATE SET \
             lang = excluded.lang, lang_chosen = excluded.lang_chosen, welcomed_at = excluded.welcomed_at, \
             last_inbound_at = CASE \
               WHEN excluded.last_inbound_at IS NULL THEN conversation.last_inbound_at \
               WHEN conversation.last_inbound_at > excluded.last_inbound_at THEN conversation.last_inbound_at \
               ELSE excluded.last_inbound_at END",
            values![
                id.shard(),
                id.channel.as_str(),
                vault.keyring().blind_person(id),
                conversation.lang.tag(),
                conversation.lang_chosen,
                conversation.last_inbound_at,
                conversation.welcomed_at
            ],
        )
        .await?;
    changed(rows, "conversation")
}

async fn set_lang<D: Db>(db: &mut D, vault: &Vault, id: &ConversationId, lang: Lang) -> Applied {
    let rows = db
        .run(
            "INSERT INTO conversation (shard, channel, person, lang, lang_chosen) VALUES ($1, $2, $3, $4, 1) \
             ON CONFLICT (shard, channel, person) DO UPDATE SET lang = excluded.lang, lang_chosen = 1",
            values![id.shard(), id.channel.as_str(), vault.keyring().blind_person(id), lang.tag()],
        )
        .await?;
    changed(rows, "conversation")
}

/// What is sealed of a link: who it is on the channel, and the accounts.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedLink {
    pub(crate) psid: Psid,
    pub(crate) accounts: BTreeSet<AccountId>,
}

async fn create_link<D: Db>(db: &mut D, vault: &Vault, link: &Link) -> Applied {
    let key = customer_key(db, vault, link.shard, link.customer).await?;
    let sealed = json(&SealedLink { psid: link.psid.clone(), accounts: link.accounts.clone() })?;
    let sealed = vault.seal(&key, &link_context(link.customer, link.id), sealed.as_bytes())?;
    let position = db.next(Counter::Link).await?;
    let rows = db
        .run(
            "INSERT INTO link (shard, id, position, customer, institution, channel, person, sealed, state, code_hash, \
             created_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
            values![
                link.shard,
                link.id,
                position,
                link.customer,
                link.institution.as_str(),
                link.channel.as_str(),
                vault.keyring().blind_person(&link.conversation()),
                sealed,
                codec::link_code(link.state),
                link.code_hash,
                link.created_at,
                link.ended_at
            ],
        )
        .await?;
    changed(rows, "link")?;
    for account in &link.accounts {
        db.run(
            "INSERT INTO link_account (institution, account, shard, link) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
            values![
                link.institution.as_str(),
                vault.keyring().blind_account(&link.institution, account),
                link.shard,
                link.id
            ],
        )
        .await?;
    }
    Ok(Outcome::Changed)
}

async fn set_link<D: Db>(
    db: &mut D,
    shard: Shard,
    id: LinkId,
    (from, to): (LinkState, LinkState),
    at: Timestamp,
) -> Applied {
    let ended = (to == LinkState::Ended).then_some(at);
    // The code was for the pending link alone: it works once. A link that ends without it keeps its hash: its chat
    // never confirmed it, and has no say about its customer. A second active link is refused here, and by the unique
    // index where another writer makes one at the same time.
    let rows = db
        .run(
            "UPDATE link SET state = $1, ended_at = $2, code_hash = CASE WHEN CAST($1 AS BIGINT) <> $6 THEN code_hash END \
             WHERE shard = $3 AND id = $4 AND state = $5 AND NOT (CAST($1 AS BIGINT) = $6 AND EXISTS (SELECT 1 \
             FROM link o WHERE o.channel = link.channel AND o.person = link.person AND o.institution = link.institution \
             AND o.state = 1 AND NOT (o.shard = link.shard AND o.id = link.id)))",
            values![
                codec::link_code(to),
                ended,
                shard,
                id,
                codec::link_code(from),
                codec::link_code(LinkState::Active)
            ],
        )
        .await?;
    // What waits on it is nobody's any more.
    if rows > 0 && to == LinkState::Ended {
        crate::apply_waiting::drop_of_link(db, shard, id).await?;
        crate::apply_page::drop_of_link(db, shard, id).await?;
    }
    changed(rows, "link")
}

/// The customer's wrapped key; refused where there is no such customer.
async fn customer_key_wrapped<D: Db>(
    db: &mut D,
    shard: Shard,
    customer: CustomerId,
) -> Result<Vec<u8>, Refused> {
    let row = db
        .row(
            "SELECT wrapped_key FROM customer WHERE shard = $1 AND id = $2 AND erased_at IS NULL",
            values![shard, customer],
        )
        .await?;
    Ok(row.ok_or(Refused::Conflict("customer"))?.bytes()?)
}

pub(crate) async fn customer_key<D: Db>(
    db: &mut D,
    vault: &Vault,
    shard: Shard,
    customer: CustomerId,
) -> Result<Arc<DataKey>, Refused> {
    let wrapped = customer_key_wrapped(db, shard, customer).await?;
    Ok(vault.customer_key(customer, &wrapped)?)
}

/// Where a receipt is sealed to.
pub(crate) fn receipt_context(customer: CustomerId, seq: u64) -> Vec<u8> {
    context("receipt", &[customer.as_bytes(), &seq.to_be_bytes()])
}

/// Where a link's bank tokens are sealed to. The version is in it: an older row put back does not open.
pub(crate) fn grant_context(link: LinkId, version: i64) -> Vec<u8> {
    context("bank grant", &[link.as_bytes(), &version.to_be_bytes()])
}

/// Where the bank's id of its consent is sealed to.
pub(crate) fn bank_consent_context(link: LinkId, version: i64) -> Vec<u8> {
    context("bank consent", &[link.as_bytes(), &version.to_be_bytes()])
}

/// Where a browser session is sealed to.
pub(crate) fn session_context(hash: &[u8; 32]) -> Vec<u8> {
    context("session", &[hash])
}

/// Where a link's person and accounts are sealed to.
pub(crate) fn link_context(customer: CustomerId, link: LinkId) -> Vec<u8> {
    context("link", &[customer.as_bytes(), link.as_bytes()])
}

/// Where the conversation of a one-time token is sealed to.
pub(crate) fn token_context(hash: &[u8; 32]) -> Vec<u8> {
    context("token", &[hash])
}

/// Where the recipient of a message without bank data is sealed to.
pub(crate) fn recipient_context(message: MessageId) -> Vec<u8> {
    context("recipient", &[message.as_bytes()])
}

/// Where the basis of a message is sealed to.
pub(crate) fn basis_context(message: MessageId) -> Vec<u8> {
    context("basis", &[message.as_bytes()])
}

/// Records a receipt; its number.
pub(crate) async fn record<D: Db>(
    db: &mut D,
    vault: &Vault,
    place: (Shard, CustomerId),
    draft: &ReceiptDraft,
    message: Option<MessageId>,
) -> Result<u64, Refused> {
    record_with_key(db, vault, place, draft, message).await.map(|(seq, _)| seq)
}

/// Where the customer's receipts end, and the keys for the next one: read once in a transaction, which locks the row
/// until its end, and checked. The last receipt is read in the same statement; the log's head, which is locked before,
/// keeps any other writer from adding one meanwhile. Refused where there is no such customer; an error where the
/// numbers or the last receipt are not those that were written: a history is not begun anew.
pub(crate) async fn customer_end<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
) -> Result<CustomerEnd, Refused> {
    if let Some(end) = db.kept().customer((shard, customer)) {
        return Ok(end.clone());
    }
    let row = db
        .row(
            locking!(
                D,
                "SELECT c.receipt_seq, c.receipt_hash, c.wrapped_key, c.sealed_log_key, c.log_segment, c.log_n, \
                 c.receipt_mac, (SELECT r.sealed FROM receipt r WHERE r.shard = $1 AND r.customer = $2 \
                 AND r.seq = c.receipt_seq) FROM customer c WHERE c.shard = $1 AND c.id = $2 AND c.erased_at IS NULL"
            ),
            values![shard, customer],
        )
        .await?;
    let mut row = row.ok_or(Refused::Conflict("customer"))?;
    let (seq, hash, wrapped, sealed_log_key) = (row.int()?, row.array()?, row.bytes()?, row.bytes()?);
    let (segment, n, mac, sealed_last) = (row.int()?, row.int()?, row.bytes()?, row.opt_bytes()?);
    let key = vault.customer_key(customer, &wrapped)?;
    let last = LastReceipt { seq, hash, segment, n };
    last.check(&key, customer, (&mac, sealed_last.as_deref()))?;
    let log_key = vault.log_key(&key, customer, &sealed_log_key)?;
    let end = CustomerEnd { last, key, log_key };
    db.kept().keep_customer((shard, customer), end.clone(), false);
    Ok(end)
}

/// Gives a receipt its place in the log and the customer's next numbers, and keeps it. The log's head is locked first,
/// then the customer's row, so that numbers have no gaps and the chain does not fork, whoever else writes. Refused
/// where the history before it is not whole ([`customer_end`]). Answers the customer's key too.
pub(crate) async fn record_with_key<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
    draft: &ReceiptDraft,
    message: Option<MessageId>,
) -> Result<(u64, Arc<DataKey>), Refused> {
    log_end(db).await?;
    let CustomerEnd { last, key, log_key } = customer_end(db, vault, (shard, customer)).await?;
    let place = take_place(db, draft.decided_at).await?;
    let number = last.seq.saturating_add(1);
    let log_n = if last.segment == place.segment { last.n.saturating_add(1) } else { 1 };
    let seq = u64::try_from(number).map_err(|_| StoreError::damaged("a receipt number is negative"))?;
    let segment = u64::try_from(place.segment).map_err(|_| StoreError::damaged("a segment is negative"))?;
    let n = u64::try_from(log_n).map_err(|_| StoreError::damaged("a receipt's place is negative"))?;
    let receipt = draft.seal(seq, last.hash, (segment, n));
    let entry = log_key.entry(segment, n, &receipt.bytes).encode();
    put_entry(db, place.log_index, entry.as_ref()).await?;
    let sealed = vault.seal(&key, &receipt_context(customer, seq), &receipt.bytes)?;
    db.run(
        "INSERT INTO receipt (shard, customer, seq, sealed, message, log_index) VALUES ($1, $2, $3, $4, $5, $6)",
        values![shard, customer, number, sealed, message, place.log_index],
    )
    .await?;
    let last = LastReceipt { seq: number, hash: receipt.hash, segment: place.segment, n: log_n };
    let end = CustomerEnd { last, key: Arc::clone(&key), log_key };
    db.kept().keep_customer((shard, customer), end, true);
    Ok((seq, key))
}

async fn put_story<D: Db>(db: &mut D, story: &Story) -> Applied {
    let rows = db
        .run(
            "INSERT INTO story (shard, customer, key, state, told, told_at, told_by) SELECT $1, $2, $3, $4, $5, $6, $7 \
             WHERE EXISTS (SELECT 1 FROM customer c WHERE c.shard = $1 AND c.id = $2 AND c.erased_at IS NULL) \
             ON CONFLICT (shard, customer, key) DO UPDATE SET state = excluded.state, told = excluded.told, \
             told_at = excluded.told_at, told_by = coalesce(excluded.told_by, story.told_by)",
            values![
                story.shard,
                story.customer,
                story.key,
                codec::story_code(story.state),
                story.told.stored(),
                story.at,
                story.by
            ],
        )
        .await?;
    changed(rows, "customer")
}

async fn put_book<D: Db>(db: &mut D, book: &BookRow) -> Applied {
    bounded(&book.sealed)?;
    let rows = db
        .run(
            "INSERT INTO book (shard, customer, key, sealed, changed_at) SELECT $1, $2, $3, $4, $5 \
             WHERE EXISTS (SELECT 1 FROM customer c WHERE c.shard = $1 AND c.id = $2 AND c.erased_at IS NULL) \
             ON CONFLICT (shard, customer, key) DO UPDATE SET sealed = excluded.sealed, \
             changed_at = excluded.changed_at",
            values![book.shard, book.customer, book.key, book.sealed.as_slice(), book.changed_at],
        )
        .await?;
    changed(rows, "customer")
}

async fn put_bank_grant<D: Db>(db: &mut D, vault: &Vault, grant: &BankGrant, expected: i64) -> Applied {
    bounded(&grant.tokens)?;
    let key = customer_key(db, vault, grant.shard, grant.customer).await?;
    let version = expected.checked_add(1).ok_or(Refused::Conflict("bank grant"))?;
    let sealed = vault.seal(&key, &grant_context(grant.link, version), &grant.tokens)?;
    let bank_consent = grant
        .bank_consent
        .as_ref()
        .map(|id| vault.seal(&key, &bank_consent_context(grant.link, version), id.as_bytes()))
        .transpose()?;
    let rows = if expected == 0 {
        db.run(
            "INSERT INTO bank_grant (shard, link, customer, version, sealed, sealed_bank_consent, changed_at) \
             VALUES ($1, $2, $3, 1, $4, $5, $6) ON CONFLICT DO NOTHING",
            values![grant.shard, grant.link, grant.customer, sealed, bank_consent, grant.at],
        )
        .await?
    } else {
        db.run(
            "UPDATE bank_grant SET version = $1, sealed = $2, sealed_bank_consent = $3, changed_at = $4 \
             WHERE shard = $5 AND link = $6 AND customer = $7 AND version = $8",
            values![
                version,
                sealed,
                bank_consent,
                grant.at,
                grant.shard,
                grant.link,
                grant.customer,
                expected
            ],
        )
        .await?
    };
    changed(rows, "bank grant")?;
    crate::apply_hint::index(db, vault, grant).await?;
    Ok(Outcome::Changed)
}

async fn drop_bank_grant<D: Db>(db: &mut D, shard: Shard, link: LinkId, expected: i64) -> Applied {
    let rows = db
        .run(
            "DELETE FROM bank_grant WHERE shard = $1 AND link = $2 AND version = $3",
            values![shard, link, expected],
        )
        .await?;
    if rows == 0 && expected == 0 {
        let there = db
            .row("SELECT version FROM bank_grant WHERE shard = $1 AND link = $2", values![shard, link])
            .await?;
        if there.is_none() {
            return Ok(Outcome::Unchanged);
        }
    }
    changed(rows, "bank grant")?;
    crate::apply_hint::forget(db, shard, link).await?;
    Ok(Outcome::Changed)
}

async fn put_token<D: Db>(db: &mut D, vault: &Vault, token: &Token) -> Applied {
    let psid = token.conversation.psid.as_str().as_bytes();
    let sealed = vault.seal(vault.keyring().deployment(), &token_context(&token.hash), psid)?;
    let rows = db
        .run(
            "INSERT INTO token (hash, channel, sealed_to, person, expires_at, consumed_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            values![
                token.hash,
                token.conversation.channel.as_str(),
                sealed,
                vault.keyring().blind_person(&token.conversation),
                token.expires_at,
                token.consumed_at
            ],
        )
        .await?;
    changed(rows, "token")
}

async fn put_session<D: Db>(db: &mut D, vault: &Vault, session: &Session) -> Applied {
    bounded(&session.body)?;
    let sealed = vault.seal(vault.keyring().deployment(), &session_context(&session.hash), &session.body)?;
    let rows = db
        .run(
            "INSERT INTO session (hash, sealed, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (hash) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at",
            values![session.hash, sealed, session.expires_at],
        )
        .await?;
    changed(rows, "session")
}

pub(crate) async fn set_kill<D: Db>(db: &mut D, kill: &Kill) -> Applied {
    let rows = db
        .run(
            "INSERT INTO kill (scope, reason, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            values![json(&kill.scope)?, kill.reason.as_str(), kill.since],
        )
        .await?;
    maybe(rows)
}

pub(crate) async fn clear_kill<D: Db>(db: &mut D, scope: &KillScope) -> Applied {
    maybe(db.run("DELETE FROM kill WHERE scope = $1", values![json(scope)?]).await?)
}

async fn enqueue<D: Db>(db: &mut D, job: &Job) -> Applied {
    bounded(&job.body)?;
    let rows = db
        .run(
            "INSERT INTO job (id, shard, customer, kind, body, state, due_at, attempts) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            values![
                job.id,
                job.shard,
                job.customer,
                codec::job_code(job.kind),
                job.body.as_slice(),
                JOB_WAITING,
                job.due_at,
                job.attempts
            ],
        )
        .await?;
    changed(rows, "job")
}

async fn finish_job<D: Db>(db: &mut D, id: [u8; 16], outcome: JobOutcome) -> Applied {
    let rows = match outcome {
        JobOutcome::Done => db.run("DELETE FROM job WHERE id = $1 AND state = 0", values![id]).await?,
        JobOutcome::Retry { at } => {
            db.run(
                "UPDATE job SET due_at = $1, attempts = attempts + 1 WHERE id = $2 AND state = 0",
                values![at, id],
            )
            .await?
        }
        JobOutcome::Dead => {
            db.run(
                "UPDATE job SET state = $1, attempts = attempts + 1 WHERE id = $2 AND state = 0",
                values![JOB_DEAD, id],
            )
            .await?
        }
    };
    changed(rows, "job")
}

async fn continue_job<D: Db>(
    db: &mut D,
    id: [u8; 16],
    (was, at): (Timestamp, Timestamp),
    body: &[u8],
) -> Applied {
    bounded(body)?;
    let rows = db
        .run(
            "UPDATE job SET body = CASE WHEN due_at = $2 OR kind <> $5 THEN $1 ELSE body END, attempts = 0, \
             due_at = CASE WHEN due_at = $2 THEN $3 ELSE due_at END WHERE id = $4 AND state = 0",
            values![body, was, at, id, codec::job_code(crate::JobKind::LookAtGrant)],
        )
        .await?;
    changed(rows, "job")
}
