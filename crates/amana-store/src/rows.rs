//! What the store hands out.

use amana_core::{
    AccountId, ChannelId, ConversationId, CustomerId, EventKey, InstitutionId, Lang, LinkId, MessageId, Psid,
    Shard, Timestamp,
};
use amana_gate::{DataKey, OutboxRow, SealedPage, Told};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A conversation: one person on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// In which language it is held.
    pub lang: Lang,
    /// Whether the customer chose the language (then it is not guessed again).
    pub lang_chosen: bool,
    /// When the customer last did something that opens the window.
    pub last_inbound_at: Option<Timestamp>,
    /// When we welcomed them.
    pub welcomed_at: Option<Timestamp>,
    /// Another app of the platform has it: since then we only look on. [`crate::Command::PutConversation`] leaves it as
    /// it is; [`crate::Command::SetOwner`] writes it.
    pub elsewhere: Option<Elsewhere>,
}

/// Who else has a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The app, if it is told.
    pub app: Option<String>,
    /// Since when, or the last sign of it.
    pub since: Timestamp,
}

/// What keeps news back that could be told, had they only the window to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptBack {
    /// An earlier message is held until the person does something.
    pub held: bool,
    /// It is held because the person cannot receive anything, and not because the window is closed.
    pub unreachable: bool,
    /// Nothing goes out on the channel until somebody has mended it ([`ChannelHealth::is_stopped`]), and there is
    /// a message that tries whether they have.
    pub stopped: bool,
    /// A text that announces news is in the outbox and not sent yet.
    pub announced: bool,
}

/// Which part of a story news tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingTelling {
    /// The customer hears of it for the first time.
    New,
    /// Something of it has changed.
    Changed,
    /// It is undone.
    Reversed,
    /// It is booked.
    Posted,
}

/// News that a customer was not told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The customer's shard.
    pub shard: Shard,
    /// Its place; grows with time.
    pub position: i64,
    /// Whose.
    pub customer: CustomerId,
    /// On which link.
    pub link: LinkId,
    /// What it is news of.
    pub story: [u8; 32],
    /// Which part of that.
    pub telling: WaitingTelling,
    /// The key of the event, to which its encryption is bound.
    pub key: EventKey,
    /// The event as it came in, encrypted.
    pub body: Vec<u8>,
    /// In which chat it is to be told.
    pub conversation: ConversationId,
    /// When the customer was told that there is news.
    pub noticed_at: Option<Timestamp>,
    /// When it came.
    pub created_at: Timestamp,
}

/// How a channel stands at its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChannelHealth {
    /// Well.
    Good,
    /// It was asked to slow down, and rests.
    Throttled,
    /// The platform warned it.
    Warned,
    /// The platform keeps it from sending.
    Blocked,
    /// Its token is dead.
    TokenDead,
    /// The platform does not let the app send on it: a permission is missing, or the app is not live.
    NotAllowed,
    /// There is no way to the platform.
    NoWay,
}

impl ChannelHealth {
    /// Whether nothing goes out until somebody has mended something, so that what there is to say waits.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(self, Self::Blocked | Self::TokenDead | Self::NotAllowed | Self::NoWay)
    }
}

impl ChannelHealth {
    /// A stable word for lists, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Throttled => "throttled",
            Self::Warned => "warned",
            Self::Blocked => "blocked",
            Self::TokenDead => "token-dead",
            Self::NotAllowed => "not-allowed",
            Self::NoWay => "no-way",
        }
    }
}

/// A channel that does not stand well, and what waits on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelState {
    /// Which.
    pub channel: ChannelId,
    /// How it stands.
    pub health: ChannelHealth,
    /// Since when.
    pub since: Timestamp,
}

/// What waits on a channel, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelQueue {
    /// Messages that are due or on their way.
    pub open: u64,
    /// Messages that wait for the person, whose window is closed.
    pub held: u64,
    /// Of those, the ones whose person does not receive messages.
    pub unreachable: u64,
    /// News that wait for the person.
    pub waiting: u64,
    /// Chats that another app has.
    pub elsewhere: u64,
    /// When the first of the messages that are due, on their way or held for the person is over, and not sent any more.
    pub expires_at: Option<Timestamp>,
}

/// A text that a platform approves beforehand, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    /// On which channel.
    pub channel: ChannelId,
    /// Its name.
    pub name: String,
    /// Its language.
    pub lang: Lang,
    /// The platform's word.
    pub status: String,
    /// Why not, in the platform's words.
    pub reason: Option<String>,
    /// When it was heard.
    pub at: Timestamp,
}

/// What a platform asks us to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformRequestKind {
    /// A person wants their data deleted.
    Deletion,
    /// A person took our access back.
    Deauthorisation,
}

impl PlatformRequestKind {
    /// A stable word for lists and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deletion => "deletion",
            Self::Deauthorisation => "deauthorisation",
        }
    }
}

/// A platform's request, as its status page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformRequest {
    /// The code of the status page.
    pub code: [u8; 16],
    /// What is asked.
    pub kind: PlatformRequestKind,
    /// In how many chats it was done.
    pub chats: u32,
    /// Of how many of our channels the platform did not tell whose chats it is about.
    pub untold: u32,
    /// When it came.
    pub at: Timestamp,
    /// When everything was done.
    pub done_at: Option<Timestamp>,
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Waits for the platform's word that the chat identity is the right one.
    Pending,
    /// In force.
    Active,
    /// Ended.
    Ended,
}

/// A chat identity bound to a customer at one institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// The customer's shard.
    pub shard: Shard,
    /// The customer.
    pub customer: CustomerId,
    /// The institution.
    pub institution: InstitutionId,
    /// The channel.
    pub channel: ChannelId,
    /// The chat identity.
    pub psid: Psid,
    /// The accounts that the bank shared on it.
    pub accounts: BTreeSet<AccountId>,
    /// Where it stands.
    pub state: LinkState,
    /// SHA-256 of the code that the account-linking webhook must bring: while pending, and for good if it never did.
    pub code_hash: Option<[u8; 32]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Link {
    /// The conversation of the link.
    #[must_use]
    pub fn conversation(&self) -> ConversationId {
        ConversationId { channel: self.channel.clone(), psid: self.psid.clone() }
    }

    /// Whether the link binds its customer to its chat, or did. One that waited for the chat's word and never had it
    /// says nothing about who is in the chat.
    #[must_use]
    pub fn was_confirmed(&self) -> bool {
        self.state != LinkState::Pending && self.code_hash.is_none()
    }
}

/// A customer, with the key under which everything about them is stored.
#[derive(Clone)]
pub struct Customer {
    /// The id.
    pub id: CustomerId,
    /// The shard.
    pub shard: Shard,
    /// The institution.
    pub institution: InstitutionId,
    /// The customer's key.
    pub key: Arc<DataKey>,
    /// When we first met.
    pub created_at: Timestamp,
}

/// Where a customer's row is, whether or not their key still opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPlace {
    /// The id.
    pub id: CustomerId,
    /// The shard.
    pub shard: Shard,
    /// The institution.
    pub institution: InstitutionId,
    /// Since when an erasure is under way.
    pub erased_at: Option<Timestamp>,
}

/// Where an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxSource {
    /// The chat platform's webhook.
    Chat,
    /// A bank's push.
    Bank,
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Its shard.
    pub shard: Shard,
    /// Its place; grows with time.
    pub position: i64,
    /// Its lane.
    pub lane: [u8; 32],
    /// Its key.
    pub key: EventKey,
    /// Where it came from.
    pub source: InboxSource,
    /// The event, encrypted.
    pub body: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it came.
    pub received_at: Timestamp,
}

/// How an event stands whose key is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownEvent {
    /// It waits; the event, encrypted.
    Waits(Vec<u8>),
    /// It was given up.
    GivenUp,
    /// It was worked off or taken back: nothing of it is kept but its key.
    Over,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedEvent {
    /// Its shard.
    pub shard: Shard,
    /// Its place.
    pub position: i64,
    /// Where it came from.
    pub source: InboxSource,
    /// Why it was given up: a stable reason that names no data.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it came.
    pub received_at: Timestamp,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxState {
    /// Waits for its turn.
    Pending,
    /// Its bytes may be leaving now.
    Sending,
    /// May have been sent.
    Unconfirmed,
    /// Waits for the customer to open the window.
    Held,
    /// The platform has it.
    Sent,
    /// Given up.
    Dead,
    /// The gate said no at the send.
    Denied,
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The conversation's shard.
    pub shard: Shard,
    /// Its place; grows with time.
    pub position: i64,
    /// The message with its ticket.
    pub row: OutboxRow,
    /// Where it stands.
    pub state: OutboxState,
    /// When it is due.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// The platform's id, once sent.
    pub mid: Option<String>,
    /// Why it is dead or denied.
    pub reason: Option<String>,
    /// The shard of the customer whose bank data it holds, or under whose key it is.
    pub customer_shard: Shard,
    /// When it was put in.
    pub created_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// Whether an attempt may have arrived without our knowing. Never taken back: until an echo says that it was sent,
    /// it is not known whether the platform has it.
    pub doubtful: bool,
    /// Whose chat it is for, as a keyed hash: it stays where the recipient does not (without bank data, once it is sent
    /// or denied).
    pub person: [u8; 32],
    /// Whose bank data it holds, if that does not open: the row or the customer's key is damaged, or they were erased.
    /// Then there is no basis, it says nothing that could be compared, and no receipt can be made of it.
    pub closed: Option<CustomerId>,
}

/// A receipt as it is kept, decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Its number.
    pub seq: u64,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// The message that it is about.
    pub message: Option<MessageId>,
    /// Where its entry stands in the log.
    pub log_index: u64,
}

/// The disclosure log as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// Entries, the reserved one included.
    pub size: u64,
    /// The open segment.
    pub segment: u64,
    /// Its first entry.
    pub first: u64,
    /// Where an index entry is reserved that is not filled yet.
    pub reserved: Option<ReservedIndex>,
}

/// The place of an index entry whose content is not written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedIndex {
    /// Where it stands.
    pub log_index: u64,
    /// The segment that it is of.
    pub segment: u64,
    /// The segment's first entry.
    pub first: u64,
    /// Whether it is the segment's final one.
    pub is_final: bool,
}

/// A segment that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSegment {
    /// Its number.
    pub segment: u64,
    /// Its first entry.
    pub first: u64,
    /// Its final index entry.
    pub last: u64,
}

/// How far a transaction's story was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoryState {
    /// Told as authorised.
    Authorised,
    /// Told as booked, or booked without anything new to tell.
    Posted,
    /// Told as undone.
    Reversed,
    /// Not told after all: it waited, until it might not be said any more, or the gate denied its message at the send.
    Untold,
}

/// What was told of a transaction: never the data, only a keyed hash of its id and the gate's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The customer's shard.
    pub shard: Shard,
    /// The customer.
    pub customer: CustomerId,
    /// The transaction, as a MAC of its id under the customer's key.
    pub key: [u8; 32],
    /// How far it was told.
    pub state: StoryState,
    /// The gate's mark of what was told.
    pub told: Told,
    /// When.
    pub at: Timestamp,
    /// The message that says it for the first time. `None` keeps who did before.
    pub by: Option<MessageId>,
}

/// What a conversation was told of an account's transactions: the gate's own bytes, which it alone opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookRow {
    /// The customer's shard.
    pub shard: Shard,
    /// The customer.
    pub customer: CustomerId,
    /// Conversation and account, as a MAC under the customer's key.
    pub key: [u8; 32],
    /// The book, encrypted under the customer's key.
    pub sealed: Vec<u8>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// The bank's tokens of a link, decrypted: the connector's own bytes.
#[derive(Clone)]
pub struct BankGrant {
    /// The customer's shard.
    pub shard: Shard,
    /// The customer.
    pub customer: CustomerId,
    /// The link that they were given for.
    pub link: LinkId,
    /// Counts every change, from 1.
    pub version: i64,
    /// The tokens in the connector's own form. Encrypted at rest.
    pub tokens: Vec<u8>,
    /// The bank's id of its consent.
    pub bank_consent: Option<String>,
    /// When it was last changed.
    pub at: Timestamp,
}

/// A customer's passkey, decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The customer's shard.
    pub shard: Shard,
    /// The customer.
    pub customer: CustomerId,
    /// A random id of ours.
    pub id: [u8; 16],
    /// A keyed hash of the authenticator's own id of it ([`crate::Keyring::blind_passkey`]).
    pub hash: [u8; 32],
    /// How often it was used.
    pub uses: i64,
    /// What it is verified with, in the caller's own form. Encrypted at rest.
    pub credential: Vec<u8>,
}

/// A one-time token, known by its hash only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// The conversation that it was given to.
    pub conversation: ConversationId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
}

/// The page behind a notice, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPage {
    /// The customer's shard.
    pub shard: Shard,
    /// The page.
    pub page: SealedPage,
    /// The number of the notice's receipt.
    pub receipt: u64,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
}

/// A browser session, known by the hash of its cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie's value.
    pub hash: [u8; 32],
    /// What it holds, sealed by who keeps it under a key that only the browser's cookie makes; once more encrypted at
    /// rest.
    pub body: Vec<u8>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Tells the bank that a consent was taken back (RFC 7009 and FDX consent revocation).
    RevokeAtBank,
    /// Ends a link.
    EndLink,
    /// Tells the customer that a consent ends soon.
    RemindConsent,
    /// Finishes a customer's erasure: destroys the share of the key, then removes the rows.
    Erase,
    /// Asks the bank how a link's grant stands. It has a queue of its own ([`crate::Store::grant_looks_due`]), so that
    /// a bank that hangs keeps nothing else from being done.
    LookAtGrant,
    /// Reads at the bank what has come about since it was last read, for a bank that pushes nothing. Each link has one,
    /// which goes on ([`crate::Command::ContinueJob`]); it has a queue of its own, too ([`crate::Store::polls_due`]).
    Poll,
    /// Tells the customer that a consent has ended without them, once their chat can be written to.
    TellEnded,
    /// Removes what was said under a link that ended, a while after its end.
    ForgetSaid,
    /// Looks after our subscriptions to a bank's notifications. It is an institution's and goes on, too.
    Subscriptions,
    /// Does what a platform asks for in a person's name ([`PlatformRequest`]). It is nobody's until the platform tells
    /// whose chats it is about.
    PlatformRequest,
    /// Gives a conversation to the people who answer in the platform's own inbox.
    PassThread,
    /// Fetches what people wrote on a channel while the platform did not tell us.
    CatchUp,
}

/// A job in the durable queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: [u8; 16],
    /// The customer's shard.
    pub shard: Shard,
    /// The customer.
    pub customer: CustomerId,
    /// What it does.
    pub kind: JobKind,
    /// What it needs, encrypted by [`crate::Store::seal_job`] where it says anything about the customer.
    pub body: Vec<u8>,
    /// When it is due.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// What [`crate::Store::open_job`] found of a job's work.
#[derive(Debug, PartialEq, Eq)]
pub enum JobWork {
    /// The work.
    Open(Vec<u8>),
    /// Its key was destroyed when the job was done or cancelled: the row is back from a copy of the database.
    Over,
    /// Its key is not in the custody and was never destroyed there: the custody is from before the job, or another one.
    Lost,
}

/// How many consents there are between an institution and a channel. One that is past its end counts as in force until
/// the job that ends its link has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentCount {
    /// The institution.
    pub institution: InstitutionId,
    /// The channel.
    pub channel: ChannelId,
    /// Those in force.
    pub active: u64,
    /// Those that were taken back or are over.
    pub ended: u64,
}

/// Why a message at the platform is an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlarmKind {
    /// It bears none of our ids: somebody used the Page's token or our app beside the gateway.
    NoMetadata,
    /// An app sent it that the configuration does not allow.
    OtherApp,
    /// It bears an id of our form that no message of ours has.
    UnknownMessage,
    /// It bears the id of a message that we have not sent.
    NeverSent,
    /// It bears the id of a message of ours, and went to somebody else.
    OtherRecipient,
    /// It bears the id of a message of ours, which we have not sent so often.
    TooMany,
    /// It bears the id of a message of ours, and says something else.
    OtherWords,
    /// It was delivered, and neither our calls nor an echo ever named it.
    UnknownDelivery,
    /// No message: the platform warned the channel for a breach of its rules.
    ChannelWarned,
    /// No message: the platform keeps the channel from sending.
    ChannelBlocked,
    /// No message: the channel's token is dead.
    TokenDead,
    /// What became of a message of ours, or that what was said went after a link's end, has no receipt: its customer's
    /// history was changed or put back.
    Unrecorded,
    /// No message: another app asks for a conversation of ours.
    ThreadRequested,
    /// No message: the platform does not let the app send on the channel.
    NotAllowed,
    /// No message: the app does not hear all of the channel's events that it should.
    Deaf,
    /// No message: the platform wants a person's data deleted, and does not tell whose chat on the channel that is.
    DeletionUntold,
    /// No message: what the platform asked for in a person's name could not be done for an hour.
    DeletionLate,
    /// No message: the platform does not let a text out that it approves beforehand, so whoever is away is told
    /// nothing.
    TemplateUnusable,
    /// No message: the channel sends nothing, and within a day the first message that waits is over.
    WaitingExpires,
}

impl AlarmKind {
    /// A stable word for lists, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoMetadata => "no-metadata",
            Self::OtherApp => "other-app",
            Self::UnknownMessage => "unknown-message",
            Self::NeverSent => "never-sent",
            Self::OtherRecipient => "other-recipient",
            Self::TooMany => "too-many",
            Self::OtherWords => "other-words",
            Self::UnknownDelivery => "unknown-delivery",
            Self::ChannelWarned => "page-warned",
            Self::ChannelBlocked => "page-blocked",
            Self::TokenDead => "token-dead",
            Self::Unrecorded => "unrecorded",
            Self::ThreadRequested => "thread-requested",
            Self::NotAllowed => "not-allowed",
            Self::Deaf => "webhooks-missing",
            Self::DeletionUntold => "deletion-untold",
            Self::DeletionLate => "deletion-late",
            Self::TemplateUnusable => "template-unusable",
            Self::WaitingExpires => "waiting-expires",
        }
    }

    /// What an alarm is about of a message whose outcome has no receipt, or of a link under which what was said went
    /// without one ([`AlarmKind::Unrecorded`]).
    #[must_use]
    pub fn unrecorded(what: impl std::fmt::Display) -> String {
        format!("unrecorded:{what}")
    }
}

/// Neighbouring records of a partition of a topic that were set aside for the same reason: where they lie, and why.
/// What is in them is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideRecords {
    /// The configuration's word for where they come from.
    pub source: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The first one's offset.
    pub first: i64,
    /// The last one's offset.
    pub last: i64,
    /// Why, in words of ours; at most [`crate::limits::ASIDE_REASON_BYTES_MAX`] bytes.
    pub reason: String,
    /// When they were first set aside.
    pub at: Timestamp,
}

/// A message at the platform that no receipt and no row of ours covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its id: of the channel and the platform's message id, so that one message raises one alarm.
    pub id: [u8; 16],
    /// On which channel.
    pub channel: ChannelId,
    /// The platform's id of the message; for an alarm about the channel itself, what it is about.
    pub mid: String,
    /// Why it is one.
    pub kind: AlarmKind,
    /// The app that sent it, as the platform says.
    pub app_id: Option<String>,
    /// The message of ours whose id it bears.
    pub message: Option<MessageId>,
    /// When it was seen.
    pub at: Timestamp,
    /// When an operator closed it.
    pub closed_at: Option<Timestamp>,
    /// Who.
    pub closed_by: Option<String>,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events not processed yet.
    pub inbox_waiting: u64,
    /// Events given up.
    pub inbox_failed: u64,
    /// Messages pending or being sent.
    pub outbox_open: u64,
    /// Messages that wait for the customer.
    pub outbox_held: u64,
    /// Messages given up.
    pub outbox_dead: u64,
    /// News that wait for their customer.
    pub news_waiting: u64,
    /// Active links.
    pub links_active: u64,
    /// Receipts.
    pub receipts: u64,
    /// Jobs given up.
    pub jobs_dead: u64,
    /// Alarms that nobody has closed.
    pub alarms_open: u64,
}

// Masked: tokens and session contents never print.
impl std::fmt::Debug for BankGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BankGrant")
            .field("customer", &self.customer)
            .field("link", &self.link)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A version of an institution's policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Whose.
    pub institution: InstitutionId,
    /// Counts from 1; the newest is in force.
    pub version: u32,
    /// SHA-256 of the document, in hex.
    pub sha256: String,
    /// The exact text. It is public.
    pub document: String,
    /// How it was seen that it is safe: a stable word.
    pub accepted_how: String,
    /// Since when it is in force.
    pub uploaded_at: Timestamp,
    /// Who brought it: `cli:` or `api:` and a name.
    pub uploaded_by: String,
}
