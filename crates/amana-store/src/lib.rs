//! One [`Store`], two backends: SQLite (bundled, the default) and PostgreSQL.
//!
//! What is **not** here: no decision, no rendering, no HTTP. Callers never see SQL, a connection or an engine's
//! error: they submit [`Command`]s, which become durable together or not at all, and ask named queries.
//!
//! Invariants:
//! - [`Store::submit`] returns `Ok` only after its commands are durable (SQLite `synchronous=FULL`, PostgreSQL a
//!   committed transaction). Submissions share transactions (group commit), each in a savepoint of its own.
//! - A receipt gets its number inside the commit, so a customer's receipts have no gaps; a disclosure's receipt and
//!   its outbox row are one commit.
//! - Every stored byte about what a customer has or did is under the customer's key, which opens with a share outside
//!   of the database; people and accounts are found by keyed hashes. What is not, and why, is in `docs/keys.md`.
//! - The key of every table of customers or chats begins with the shard where tables can be spread (PostgreSQL). Which
//!   statements do not name it yet, and why, is listed in `tests/it/shard.rs`.
//!
//! Commands and queries are written once, over the small trait `db::Db`; an engine is a connection (`sqlite.rs`,
//! `postgres.rs`) and its schema. To add to the store: add the command or query here, implement it in `apply.rs` or
//! `queries.rs`, add a numbered migration for both engines if the schema changes, and a case to the conformance
//! suite, which runs against both.

mod apply;
mod apply_agent;
mod apply_agreement;
mod apply_alarm;
mod apply_aside;
mod apply_consent;
mod apply_erase;
mod apply_hint;
mod apply_log;
mod apply_outbox;
mod apply_page;
mod apply_passkey;
mod apply_policy;
mod apply_shared;
mod apply_sweep;
mod apply_waiting;
mod codec;
mod command;
mod custody;
mod db;
mod engine;
mod fence;
mod flags;
mod kept;
mod keyring;
pub mod limits;
mod migrate;
mod node;
mod open;
mod plain_key;
mod postgres;
mod queries;
mod queries_heads;
mod queries_hint;
mod queries_inbox;
mod queries_jobs;
mod queries_keep;
mod queries_log;
mod retention;
mod rows;
mod sqlite;
mod vault;
mod writer;

pub use command::{
    Claim, Command, Delivery, InboxResult, JobOutcome, NewInbox, Outcome, Sighting, SubmitError,
};
pub use custody::{Custody, CustodyError, Holder, MemoryCustody, Share, SqliteCustody};
pub use fence::Lease;
pub use flags::{Flags, Switches, open_flags, open_switches};
pub use keyring::{Keyring, Keys, MasterKey, MasterKeyError, RootError};
pub use migrate::MigrationReport;
pub use node::{Node, ShardView};
pub use open::{OpenError, OpenOptions, migrate, open, open_with, shown};
pub use plain_key::PlainKey;
pub use retention::{DataKind, Holding, KeptOf, Retention, RetentionReport};
pub use rows::{
    Alarm, AlarmKind, AsideRecords, BankGrant, BookRow, ChannelHealth, ChannelQueue, ChannelState,
    ConsentCount, Conversation, Counts, Customer, CustomerPlace, Elsewhere, FailedEvent, InboxRow,
    InboxSource, Job, JobKind, JobWork, KeptBack, KeptPage, KnownEvent, Link, LinkState, LogHead, LogSegment,
    OutboxEntry, OutboxState, Passkey, PlatformRequest, PlatformRequestKind, ReservedIndex, Session,
    StoredPolicy, StoredReceipt, StoredText, Story, StoryState, Token, Waiting, WaitingTelling,
};
pub use vault::NewCustomerKey;

use amana_core::{
    AccountId, Agreement, AgreementEvent, ChannelId, Consent, ConsentId, ConsentRecord, ConversationId,
    CustomerId, EventKey, InstitutionId, KillSwitches, LinkId, MessageId, Shard, Timestamp,
};
use amana_log::CustomerKey;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

/// A store that could not answer. It is opaque: nobody decides by what went wrong in a database. The text is for the
/// operator's log and names no data.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store is not available: {text}")]
pub struct StoreError {
    text: String,
    again: bool,
    damaged: bool,
}

impl StoreError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), again: false, damaged: false }
    }
    /// A transaction that lost against another and changed nothing.
    pub(crate) fn lost_race(text: impl Into<String>) -> Self {
        Self { text: text.into(), again: true, damaged: false }
    }
    /// A stored row that cannot be read: waiting does not mend it.
    pub(crate) fn damaged(text: impl Into<String>) -> Self {
        Self { text: text.into(), again: false, damaged: true }
    }
    /// Whether a stored row cannot be read (another key, a damaged row): what needs it can only be put aside.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        self.damaged
    }
    /// A damaged row of everybody's (a kill switch, an agreement): it keeps everything waiting until it is mended, and
    /// is no reason to put anybody's message aside.
    pub(crate) fn of_everybody(self) -> Self {
        Self { damaged: false, ..self }
    }
    pub(crate) fn may_be_tried_again(&self) -> bool {
        self.again
    }
    /// What became of a commit is not known: it must not be tried again.
    pub(crate) fn final_(self) -> Self {
        Self { again: false, ..self }
    }
}

/// What a query answers.
pub type Answer<T> = Result<T, StoreError>;

/// The store of one deployment.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes the commands durable, in their order, all or none; the outcomes are one for each.
    ///
    /// # Errors
    /// [`SubmitError::Conflict`] when a command's precondition does not hold (nothing of the submission is kept),
    /// [`SubmitError::Overloaded`] when the writer's queue is full, [`SubmitError::Store`] when the database fails.
    async fn submit(&self, commands: Vec<Command>) -> Result<Vec<Outcome>, SubmitError>;

    /// Runs work whose queries of this store may all be answered as of one moment, not before this call: cheaper than
    /// each at its own. What is submitted meanwhile, also by the work itself, may not be seen. It must be short and
    /// wait for nothing but these queries: one of few connections is the work's until its end.
    ///
    /// # Errors
    /// When the database cannot be read; then the work was not begun.
    async fn at_one_moment<'a>(&'a self, work: Pin<Box<dyn Future<Output = ()> + Send + 'a>>) -> Answer<()>;
    /// The conversation, if anything ever came from it.
    async fn conversation(&self, id: &ConversationId) -> Answer<Option<Conversation>>;
    /// The links of a conversation that are not ended, in the order of their making.
    async fn links_of_conversation(&self, id: &ConversationId) -> Answer<Vec<Link>>;
    /// The links of a customer that are not ended, in the order of their making.
    async fn links_of_customer(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Link>>;
    /// The links that a conversation ever had, ended ones too, newest first, at most
    /// [`limits::LINKS_EVER_MAX`].
    async fn links_ever(&self, id: &ConversationId) -> Answer<Vec<Link>>;
    /// The links that a customer ever had, ended ones too, newest first, at most [`limits::LINKS_EVER_MAX`].
    async fn links_ever_of_customer(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Link>>;
    /// The active links of an institution that hold an account: whom an event about the account may concern.
    async fn links_of_account(&self, institution: &InstitutionId, account: &AccountId) -> Answer<Vec<Link>>;
    /// The links of an institution that are not ended and rest on the consent of this id there: whom a notification
    /// about it may concern.
    async fn links_of_bank_consent(&self, institution: &InstitutionId, id: &str) -> Answer<Vec<Link>>;
    /// Whether any link rests on a consent at this institution of which the id is known.
    async fn has_bank_consents(&self, institution: &InstitutionId) -> Answer<bool>;
    /// One link.
    async fn link(&self, shard: Shard, id: LinkId) -> Answer<Option<Link>>;
    /// Whether this link is active: whether it binds its customer to its conversation now.
    async fn is_link_active(&self, id: LinkId) -> Answer<bool>;
    /// A pending link by the hash of the authorization code that its webhook must bring.
    async fn link_by_code(&self, code_hash: &[u8; 32]) -> Answer<Option<Link>>;
    /// One customer, with the unwrapped key.
    async fn customer(&self, shard: Shard, id: CustomerId) -> Answer<Option<Customer>>;
    /// A customer by the bank's own id, blinded with [`Keyring::blind`].
    async fn customer_by_subject(
        &self,
        institution: &InstitutionId,
        subject: &[u8; 32],
    ) -> Answer<Option<Customer>>;
    /// The consents of a customer, newest first, ended ones too.
    async fn consents(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Consent>>;
    /// A customer's consent with all its events. Damaged where they do not chain, or do not lead to where it stands.
    async fn consent_record(
        &self,
        shard: Shard,
        customer: CustomerId,
        consent: ConsentId,
    ) -> Answer<Option<ConsentRecord>>;
    /// The newest consent on a link, whatever its state.
    async fn consent_of_link(&self, shard: Shard, link: LinkId) -> Answer<Option<Consent>>;
    /// The agreement between an institution and a channel.
    async fn agreement(&self, institution: &InstitutionId, channel: &ChannelId) -> Answer<Option<Agreement>>;
    /// Every agreement.
    async fn agreements(&self) -> Answer<Vec<Agreement>>;
    /// What was done to the agreement between an institution and a channel, oldest first. Refused requests that named
    /// the two are among it.
    async fn agreement_events(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
    ) -> Answer<Vec<AgreementEvent>>;
    /// Requests that were refused where they were read, newest first, whomever they named.
    async fn refused_requests(&self, limit: usize) -> Answer<Vec<AgreementEvent>>;
    /// Version and SHA-256 (hex) of the institution's newest policy document; `None` while it has none of its own.
    async fn policy_version(&self, institution: &InstitutionId) -> Answer<Option<(u32, String)>>;
    /// One version of an institution's policy.
    async fn policy(&self, institution: &InstitutionId, version: u32) -> Answer<Option<StoredPolicy>>;
    /// The versions of an institution's policy, newest first, at most [`limits::POLICIES_MAX`].
    async fn policies(&self, institution: &InstitutionId) -> Answer<Vec<StoredPolicy>>;
    /// How many consents are in force and how many have ended, per institution and channel.
    async fn consent_counts(&self) -> Answer<Vec<ConsentCount>>;
    /// The kill switches that are on.
    async fn kills(&self) -> Answer<KillSwitches>;

    /// The heads of lanes that wait, are due and come from `source`, oldest first: the first waiting row of each
    /// lane, at most `limit`.
    async fn inbox_heads(&self, now: Timestamp, source: InboxSource, limit: usize) -> Answer<Vec<InboxRow>>;
    /// Whether an event is known by its key, and whether any event of the lane waits.
    async fn inbox_look(&self, shard: Shard, key: &EventKey, lane: &[u8; 32]) -> Answer<(bool, bool)>;
    /// How the events of a shard stand that have these keys, by key; what is unknown is left out.
    async fn inbox_known(&self, shard: Shard, keys: &[EventKey]) -> Answer<BTreeMap<EventKey, KnownEvent>>;
    /// Events that were given up, newest first.
    async fn inbox_failed(&self, limit: usize) -> Answer<Vec<FailedEvent>>;
    /// The heads of conversations whose next message is due: pending ones, and unconfirmed or interrupted ones whose
    /// time is over; at most `limit`, by the time at which they were due, then by position. A held, sending or
    /// unconfirmed row before it keeps a conversation's later rows back. Rows of `paused` channels are left out.
    async fn outbox_heads(
        &self,
        now: Timestamp,
        paused: &[ChannelId],
        limit: usize,
    ) -> Answer<Vec<OutboxEntry>>;
    /// Messages that were put in between two instants, whatever became of them, after a row (shard and position), in
    /// the order of the table. For an operator's comparison: it reads the whole table.
    async fn outbox_between(
        &self,
        after: (Shard, i64),
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Answer<Vec<OutboxEntry>>;
    /// One outgoing message.
    async fn outbox_entry(&self, message: MessageId) -> Answer<Option<OutboxEntry>>;
    /// Messages that were given up, newest first.
    async fn dead_letters(&self, limit: usize) -> Answer<Vec<OutboxEntry>>;
    /// A customer's receipts with number at least `from`, in order, decrypted.
    async fn receipts(
        &self,
        shard: Shard,
        customer: CustomerId,
        from: u64,
        limit: usize,
    ) -> Answer<Vec<StoredReceipt>>;

    /// A customer's receipts of one message with a number above `after`, in order, decrypted. There is no index for it:
    /// the customer's receipts are read through.
    async fn receipts_of_message(
        &self,
        shard: Shard,
        customer: CustomerId,
        after: u64,
        message: MessageId,
    ) -> Answer<Vec<StoredReceipt>>;
    /// The receipts that a human of the institution wrote this message (`agent-wrote`), one of each customer whose chat
    /// it was, decrypted; a record that does not open is left out. None for any other message.
    async fn receipts_of_words(&self, message: MessageId) -> Answer<Vec<(CustomerId, StoredReceipt)>>;
    /// A customer's receipts with number below `before` (all, if `None`), newest first, decrypted.
    async fn receipts_before(
        &self,
        shard: Shard,
        customer: CustomerId,
        before: Option<u64>,
        limit: usize,
    ) -> Answer<Vec<StoredReceipt>>;

    /// The disclosure log: how long it is, its open segment, and whether an index entry is reserved.
    async fn log_head(&self) -> Answer<LogHead>;
    /// The log's entries from index `from` on, in order; at most `limit`, and none from a reserved place on.
    async fn log_entries(&self, from: u64, limit: usize) -> Answer<Vec<Vec<u8>>>;
    /// The newest published checkpoint: its size and the signed note.
    async fn log_checkpoint(&self) -> Answer<Option<(u64, String)>>;
    /// The segments that have ended, from number `from` on, in order.
    async fn log_segments(&self, from: u64) -> Answer<Vec<LogSegment>>;
    /// The document behind a rule change, by its hash.
    async fn log_rule(&self, sha256: &[u8; 32]) -> Answer<Option<String>>;
    /// The key of a customer's entries in the log.
    async fn log_key(&self, shard: Shard, customer: CustomerId) -> Answer<Option<Arc<CustomerKey>>>;

    /// What was told of a transaction.
    async fn story(&self, shard: Shard, customer: CustomerId, key: &[u8; 32]) -> Answer<Option<Story>>;
    /// A customer's stories in the order of their keys, those after `after`.
    async fn stories(
        &self,
        shard: Shard,
        customer: CustomerId,
        after: Option<[u8; 32]>,
        limit: usize,
    ) -> Answer<Vec<Story>>;
    /// What a conversation was told of an account's transactions.
    async fn book(&self, shard: Shard, customer: CustomerId, key: &[u8; 32]) -> Answer<Option<BookRow>>;
    /// The bank's tokens of a link, decrypted.
    async fn bank_grant(&self, shard: Shard, link: LinkId) -> Answer<Option<BankGrant>>;
    /// A one-time token by its hash, without using it up.
    async fn token(&self, hash: &[u8; 32]) -> Answer<Option<Token>>;
    /// The page behind a notice by the hash of its token, opened or not, also when its time is over. Opens nothing.
    async fn sealed_page(&self, hash: &[u8; 32]) -> Answer<Option<KeptPage>>;
    /// A customer's passkeys, at most [`limits::PASSKEYS_MAX`].
    async fn passkeys(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Passkey>>;
    /// A browser session by the hash of its cookie, if it has not ended at `now`.
    async fn session(&self, hash: &[u8; 32], now: Timestamp) -> Answer<Option<Session>>;
    /// Jobs that are due and not dead, but for looks at grants and polls.
    async fn jobs_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<Job>>;
    /// Looks at grants ([`JobKind::LookAtGrant`]) that are due.
    async fn grant_looks_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<Job>>;
    /// Polls ([`JobKind::Poll`]) that are due.
    async fn polls_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<Job>>;

    /// Alarms, newest first: those that nobody has closed, or all.
    async fn alarms(&self, closed_too: bool, limit: usize) -> Answer<Vec<Alarm>>;
    /// Records of topics that were set aside, the newest first.
    async fn aside(&self, limit: usize) -> Answer<Vec<AsideRecords>>;
    /// Delivered messages that nothing has named for [`limits::DELIVERY_WAIT_S`], oldest first.
    async fn deliveries_overdue(&self, now: Timestamp, limit: usize) -> Answer<Vec<(ChannelId, String)>>;

    /// The news that wait on a link, oldest first, at most [`limits::WAITING_MAX`].
    async fn waiting(&self, shard: Shard, link: LinkId) -> Answer<Vec<Waiting>>;
    /// Links with news whose chat's person acted after `since` and whose conversation no other app has had after
    /// `elsewhere_since`: who can be told now. With the position of the oldest of each one's news, in that order, those
    /// after the position `after`: a look that goes on where the last one ended.
    async fn waiting_reachable(
        &self,
        since: Option<Timestamp>,
        elsewhere_since: Timestamp,
        after: i64,
        limit: usize,
    ) -> Answer<Vec<(Shard, LinkId, i64)>>;
    /// Links with news whose conversation another app has had after `elsewhere_since`, those without a sign of it for
    /// longest first.
    async fn waiting_elsewhere(
        &self,
        elsewhere_since: Timestamp,
        limit: usize,
    ) -> Answer<Vec<(Shard, LinkId)>>;
    /// Which of these ids of messages at the channel's platform are known to be whose: of a message that was sent, or
    /// seen and settled.
    async fn known_mids(&self, channel: &ChannelId, mids: &[String]) -> Answer<Vec<String>>;
    /// Which of these events came in, by their keys as stored ([`Keyring::event_key`]); a key is kept as long as it
    /// guards against a second one.
    async fn known_events(&self, shard: Shard, keys: &[EventKey]) -> Answer<Vec<EventKey>>;
    /// What keeps news back in a conversation, beside its window and its owner.
    async fn kept_back(&self, conversation: &ConversationId) -> Answer<KeptBack>;
    /// The channels that do not stand well at their platform.
    async fn channel_states(&self) -> Answer<Vec<ChannelState>>;
    /// What waits on a channel, and why. Counts: not for each second.
    async fn channel_queue(&self, channel: &ChannelId) -> Answer<ChannelQueue>;
    /// When anybody last wrote on a channel; `None` if nobody ever did.
    async fn last_heard(&self, channel: &ChannelId) -> Answer<Option<Timestamp>>;
    /// How the texts stand that the channel's platform approves beforehand, as far as was heard.
    async fn approved_texts(&self, channel: &ChannelId) -> Answer<Vec<StoredText>>;
    /// What a platform asked for, by the code of its status page.
    async fn platform_request(&self, code: &[u8; 16]) -> Answer<Option<PlatformRequest>>;

    /// How many rows wait, for metrics and the doctor.
    async fn counts(&self) -> Answer<Counts>;
    /// Submissions that wait for the writer; of more than [`limits::WRITER_QUEUE_MAX`] the next is refused.
    fn writer_waiting(&self) -> usize;
    /// Whether the store can be written now: commits an empty transaction.
    async fn writable(&self) -> Answer<()>;
    /// Makes this process one of the nodes that work on the database side by side, under a name for operators: its
    /// number. From here on each of its transactions first renews its lease ([`limits::LEASE`], by the database's
    /// clock) and is refused once others have ended it; and [`Store::inbox_heads`], [`Store::outbox_heads`], the jobs
    /// and the news that are due are those of its shards alone, of which it has none yet. `None` on SQLite, which has
    /// one process.
    async fn join_nodes(&self, name: &str) -> Answer<Option<i64>>;
    /// How this process's lease stands.
    fn lease(&self) -> Lease;
    /// Whether nobody has ended this node, by the database's word: until then its shards are its own. Asked before
    /// what no database can refuse is begun. Always on SQLite, and where the process is no node.
    async fn is_leased(&self) -> Answer<bool>;
    /// Forgets the opened keys of customers who were erased from that time on, here or by another node; how many
    /// customers these were. What was opened stays in memory otherwise until others need the room.
    async fn forget_erased(&self, since: Timestamp) -> Answer<usize>;
    /// This node's shards, and what there is beside it.
    async fn shards(&self) -> Answer<ShardView>;
    /// The nodes, those that have ended within a day too, in the order in which they came.
    async fn nodes(&self) -> Answer<Vec<Node>>;
    /// The keys of this deployment.
    fn keyring(&self) -> &Keyring;
    /// How long each kind of data is kept.
    fn retention(&self) -> &Retention;

    /// A fresh key for a new customer, wrapped and opened; its share is in the custody, durably, when this returns.
    /// `None` for an id that was erased: there is never another key for it.
    async fn new_customer_key(
        &self,
        institution: &InstitutionId,
        id: CustomerId,
        at: Timestamp,
    ) -> Answer<Option<NewCustomerKey>>;
    /// Destroys the share of a customer's key, durably: from here on nothing that was ever stored under the key opens,
    /// in this database or in a copy of it. Twice is once.
    async fn destroy_customer_key(&self, id: CustomerId, at: Timestamp) -> Answer<()>;
    /// The customers whose keys were destroyed, in the order of their ids, those after `after`; a bounded number.
    async fn destroyed_keys(&self, after: Option<CustomerId>) -> Answer<Vec<CustomerId>>;
    /// Seals what a job needs under a key of its own, which ends when the job is done or cancelled.
    async fn seal_job(&self, id: [u8; 16], context: &[u8], plain: &[u8], at: Timestamp) -> Answer<Vec<u8>>;
    /// Opens what [`Store::seal_job`] sealed.
    async fn open_job(&self, id: [u8; 16], context: &[u8], sealed: &[u8]) -> Answer<JobWork>;
    /// Destroys the keys of jobs that are not in the queue any more and were made before `before`; how many.
    async fn forget_lost_jobs(&self, before: Timestamp) -> Answer<usize>;
    /// A customer's row by the id alone, also while an erasure is under way.
    async fn customer_place(&self, id: CustomerId) -> Answer<Option<CustomerPlace>>;
    /// Customers whose last link ended before `before` and whose erasure has not begun, in the order of their places,
    /// from the one after `after` on.
    async fn customers_idle(
        &self,
        before: Timestamp,
        after: Option<(Shard, CustomerId)>,
        limit: usize,
    ) -> Answer<Vec<CustomerPlace>>;
    /// The customers whose erasure was finished in this database, in the order of their ids, those after `after`.
    async fn erased(&self, after: Option<CustomerId>, limit: usize) -> Answer<Vec<CustomerId>>;
    /// How much is kept of a customer that their export only counts.
    async fn kept_of(&self, shard: Shard, customer: CustomerId) -> Answer<KeptOf>;
    /// What is kept of each kind, and what was removed. Counts: not for each minute.
    async fn retention_report(&self) -> Answer<RetentionReport>;
}
