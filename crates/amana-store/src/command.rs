//! What can be made durable.

use crate::rows::{
    AlarmKind, AsideRecords, BankGrant, BookRow, ChannelHealth, Conversation, Elsewhere, InboxSource, Job,
    Link, LinkState, OutboxState, Passkey, PlatformRequest, Session, StoredPolicy, StoredText, Story, Token,
    Waiting,
};
use crate::{Retention, StoreError};
use amana_core::{
    Agreement, AgreementEvent, ChannelId, Consent, ConsentBasis, ConsentEnd, ConsentId, ConversationId,
    CustomerId, EventKey, InstitutionId, Kill, KillScope, Lang, LinkId, MessageId, Psid, Shard, Timestamp,
};
use amana_gate::{Disclosure, ReceiptDraft};

/// An event that came in.
#[derive(Debug, Clone)]
pub struct NewInbox {
    /// The shard of its conversation or customer.
    pub shard: Shard,
    /// The unit within which order is kept: a conversation (chat) or a customer (bank), as 32 bytes.
    pub lane: [u8; 32],
    /// The key under which it is stored once.
    pub key: EventKey,
    /// Where it came from.
    pub source: InboxSource,
    /// The event, encrypted.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxResult {
    /// Its effects are in this submission. The body is dropped; the key stays, so that a redelivery still collides.
    Done,
    /// Not now: it stays the head of its lane until then.
    Retry {
        /// When to try again.
        not_before: Timestamp,
        /// Whether it counts as an attempt; it does not when nothing was tried.
        counts: bool,
    },
    /// Given up, for a stable reason that names no data. The body stays for the operator.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What became of a message at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Accepted; the platform's message id.
    Sent {
        /// `message_id`, or empty where the platform gives none.
        mid: String,
    },
    /// Surely not sent in this attempt; try again. A message of which an earlier attempt may have arrived stays
    /// unconfirmed.
    Retry {
        /// When.
        due_at: Timestamp,
        /// Whether it counts as an attempt; if not, the one that [`Command::ClaimOutbox`] counted is taken back.
        counts: bool,
    },
    /// The window is closed: it waits for the customer, and so do the conversation's later messages. If the customer
    /// wrote since, it is pending and due at once instead.
    Held {
        /// The conversation's `last_inbound_at` by which the window was found closed.
        seen: Option<Timestamp>,
    },
    /// The person does not receive messages: as [`Delivery::Held`].
    Unreachable {
        /// As in [`Delivery::Held`].
        seen: Option<Timestamp>,
    },
    /// May have been sent: wait for an echo until then, and only then send again.
    Unconfirmed {
        /// When the wait is over.
        until: Timestamp,
    },
    /// Will not be sent, for a stable reason that names no data. Operators see it and can replay it.
    Dead {
        /// Why.
        reason: String,
    },
    /// The gate said no at the send. Where the receipt says so, too, nothing of it has left: what it would have
    /// told for the first time was not told after all ([`crate::StoryState::Untold`]).
    Denied {
        /// Why.
        reason: String,
    },
}

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOutcome {
    /// Done: it is deleted.
    Done,
    /// Put off, and an attempt is counted.
    Retry {
        /// Until when.
        at: Timestamp,
    },
    /// Given up, and an attempt is counted. It stays for the operator and is never due again.
    Dead,
}

/// What is said of a message that was seen at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It bears the id of a message of ours: whether that is so is looked up.
    Message {
        /// Whose id it bears.
        message: MessageId,
        /// The app that sent it.
        app_id: Option<String>,
        /// Why it is not that message all the same, where its sender or its words show that.
        odd: Option<AlarmKind>,
    },
    /// It was delivered to the person. If nothing names it within [`crate::limits::DELIVERY_WAIT_S`] it is an alarm.
    Delivered,
    /// It is not ours and need not be: an app that the configuration allows sent it.
    Explained {
        /// Which.
        app_id: String,
    },
    /// It is nobody's that we know.
    Unexplained {
        /// Why.
        kind: AlarmKind,
        /// The app that sent it.
        app_id: Option<String>,
    },
}

/// A message that was seen at the platform, on one of our channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The channel.
    pub channel: ChannelId,
    /// In whose chat; `None` where that was said at an earlier sighting of the same message.
    pub psid: Option<Psid>,
    /// The platform's id of the message.
    pub mid: String,
    /// What is said of it.
    pub claim: Claim,
    /// Whether an alarm also turns the channel's kill switch on.
    pub kill: bool,
    /// When it was seen.
    pub at: Timestamp,
}

/// One change. Each says its precondition; where it does not hold, the submission is refused as a whole.
#[derive(Debug)]
pub enum Command {
    /// Takes an event in, once. Never refused: a duplicate answers [`Outcome::Duplicate`].
    Accept(NewInbox),
    /// Keeps the key of an event that was decided as it came in; its effects are in the same submission. Refused if the
    /// key is known, or if an event of its lane waits: that one comes first.
    AcceptDecided(NewInbox),
    /// Ends the processing of an event. Refused if it is not waiting.
    FinishInbox {
        /// Its shard.
        shard: Shard,
        /// Its position.
        position: i64,
        /// What became of it.
        result: InboxResult,
    },
    /// Empties an event that its sender took back: one that waits is over, one that was given up is forgotten, and one
    /// that is yet to come counts as there already. What was worked off is gone anyhow.
    TakeBack {
        /// Its shard.
        shard: Shard,
        /// Its lane.
        lane: [u8; 32],
        /// Its key, as it is stored.
        key: EventKey,
        /// Where it comes from.
        source: InboxSource,
        /// When it was taken back.
        at: Timestamp,
    },
    /// Makes or replaces a conversation's record. `last_inbound_at` never moves back.
    PutConversation(Conversation),
    /// Makes a customer with a fresh key. Refused if (institution, subject) exists, or the key does not open; an error,
    /// to be tried again, while the key custody is away.
    CreateCustomer {
        /// The shard: that of the conversation of the first link.
        shard: Shard,
        /// The id.
        id: CustomerId,
        /// The institution.
        institution: InstitutionId,
        /// The bank's own id of the customer, blinded.
        subject: [u8; 32],
        /// The customer's key, wrapped as [`crate::Store::new_customer_key`] gave it.
        wrapped_key: Vec<u8>,
        /// When.
        at: Timestamp,
    },
    /// Makes a link (pending or active) with its accounts. Refused if the id exists, if the customer does not, or if
    /// it is active and the conversation has an active link at the institution.
    CreateLink(Link),
    /// Moves a link to another state. Its code is forgotten when it is no longer pending. Refused if it is not in
    /// `from`, or if it would be a second active link of the conversation at the institution.
    SetLink {
        /// Its shard.
        shard: Shard,
        /// The link.
        id: LinkId,
        /// The state it must be in.
        from: LinkState,
        /// The state it gets.
        to: LinkState,
        /// When.
        at: Timestamp,
    },
    /// Records a consent and its receipt. Refused if the link has an active one that has not been revoked in the same
    /// submission before, or if [`Consent::check`] fails.
    GrantConsent {
        /// The customer's shard.
        shard: Shard,
        /// The consent.
        consent: Consent,
        /// What was known when it was given.
        basis: Box<ConsentBasis>,
        /// The receipt.
        receipt: ReceiptDraft,
    },
    /// Takes a consent back. Refused if it is not active.
    RevokeConsent {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
        /// The consent.
        consent: ConsentId,
        /// Why it ends.
        why: ConsentEnd,
        /// When.
        at: Timestamp,
        /// The receipt.
        receipt: ReceiptDraft,
    },
    /// Puts a decided message into the outbox, with its receipt in the same commit. Refused if the message exists,
    /// if receipt and row are not of one decision ([`Disclosure::is_consistent`]), or if the customer does not exist
    /// in `shard`. The page behind a notice is kept in the same commit, while its link binds. The message is held from
    /// the start where the conversation has a held message, unless the platform takes it also from a person who has
    /// been away.
    Disclose {
        /// The customer's shard, where the receipt goes (the conversation's where there is no customer).
        shard: Shard,
        /// The decision.
        disclosure: Disclosure,
        /// When.
        at: Timestamp,
    },
    /// Puts in what a human of the institution wrote, with the receipt of each customer whose chat it is: they name the
    /// message, and what becomes of it is recorded for each of them in the commit that knows it. Refused if no human
    /// wrote it, a receipt is not of it, they are not those of the chat's active links (`link`: read them anew), there
    /// is no such customer (any more), or the message's id is known.
    WriteAsAgent {
        /// The conversation's shard.
        shard: Shard,
        /// The message.
        disclosure: Disclosure,
        /// Whose chat it is: the customer's shard, the customer, and the receipt.
        records: Vec<(Shard, CustomerId, ReceiptDraft)>,
        /// When.
        at: Timestamp,
    },
    /// Records a receipt alone: a denial, a view.
    Record {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
        /// The receipt.
        receipt: ReceiptDraft,
    },
    /// Marks a message as being sent, before its bytes leave: after a crash it is known that they may have. Counts
    /// as an attempt. Refused if the row is not in state `from`, or is sent, dead or denied.
    ClaimOutbox {
        /// The message.
        message: MessageId,
        /// The state it must be in.
        from: OutboxState,
        /// When the claim is over: after a crash the row is treated as unconfirmed until then.
        until: Timestamp,
    },
    /// Ends an attempt to send. Refused unless the row is being sent, unconfirmed, pending or held.
    FinishOutbox {
        /// The message.
        message: MessageId,
        /// What became of it.
        delivery: Delivery,
        /// The outcome's receipt with the customer's shard and id, for a message that held bank data.
        receipt: Option<(Shard, CustomerId, ReceiptDraft)>,
        /// When.
        at: Timestamp,
    },
    /// Holds a message at the platform against the outbox. A row that covers it was sent, whatever was thought of it,
    /// and for one with bank data the outcome's receipt is in the same commit. What is not of ours in a linked chat has
    /// a receipt of whoever's chat it is, in the same commit; whose history was changed in the database goes without
    /// one, and nothing else of the command hangs on it. Never refused; [`Outcome::Changed`] if it
    /// raised an alarm, [`Outcome::Unchanged`] if it is covered, explained, waiting or known.
    Sighted(Sighting),
    /// An operator has looked at an alarm; whoever was told of it is told so. Refused if there is no such open one.
    CloseAlarm {
        /// Which.
        id: [u8; 16],
        /// Who, as it is to be read by whoever's chat it was.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Raises an alarm about a channel itself. Never refused; [`Outcome::Unchanged`] if it was raised before.
    RaiseAlarm {
        /// Which channel.
        channel: ChannelId,
        /// What it is about: the same is one alarm.
        about: String,
        /// What it is.
        kind: AlarmKind,
        /// When.
        at: Timestamp,
    },
    /// How a channel stands at its platform from now on. Never refused; [`Outcome::Unchanged`] if it stood so before.
    SetChannelHealth {
        /// Which.
        channel: ChannelId,
        /// How.
        health: ChannelHealth,
        /// Since when.
        at: Timestamp,
    },
    /// Keeps how a text stands that the platform approves beforehand. An older word changes nothing. Never refused.
    PutApprovedText(StoredText),
    /// Who has a conversation. Never refused; without a record of the conversation nothing is written, nor where a
    /// later word is known: what the platform says of this comes in any order.
    SetOwner {
        /// The conversation.
        conversation: ConversationId,
        /// Another app; `None`: nobody, or we.
        elsewhere: Option<Elsewhere>,
        /// Of when this is said.
        said_at: Timestamp,
    },
    /// Keeps news that the customer cannot be told now. Newer news of the same story take their place; what was
    /// not heard of yet stays new, whatever has changed since.
    PutWaiting(Waiting),
    /// The customer was told that there is news. Never refused.
    NoticeWaiting {
        /// The customer's shard.
        shard: Shard,
        /// The link.
        link: LinkId,
        /// When.
        at: Timestamp,
    },
    /// Takes news out, because they are told in this submission, or never will be. Refused if one of them is not there
    /// (any more).
    TakeWaiting {
        /// The customer's shard.
        shard: Shard,
        /// The link.
        link: LinkId,
        /// Their places, and of which story each is: what one event left has one place.
        taken: Vec<(i64, [u8; 32])>,
    },
    /// Keeps what a platform asked for. Refused if its code exists.
    PutPlatformRequest(PlatformRequest),
    /// How far what a platform asked for has come. Never refused; what is done stays so.
    NotePlatformRequest {
        /// Its code.
        code: [u8; 16],
        /// Chats in which it was done now: they count beside those of before.
        chats: u32,
        /// Of how many channels the platform does not tell whose chats it is about.
        untold: u32,
        /// When everything was done, if it is.
        done_at: Option<Timestamp>,
    },
    /// A person wants nothing kept of a chat: the texts that were said in it without bank data, its one-time links and
    /// what was given up of its events go, and so does its row, unless an answer is still to be sent; then the row
    /// keeps when the person last wrote alone, until the sweep finds it a week later. Nothing of a customer's: that is
    /// [`Command::BeginErasure`]. A row whose chat has a link that is not ended stays. Never refused.
    ForgetChat {
        /// The chat.
        conversation: ConversationId,
        /// Its lane, in which its events are.
        lane: [u8; 32],
        /// Whether what is still to be sent or worked off goes, too: then nobody waits for an answer.
        unsent: bool,
    },
    /// The customer wrote: held messages of the conversation are pending again, and due.
    OpenWindow {
        /// The conversation.
        conversation: ConversationId,
    },
    /// What was being sent or was unconfirmed when the process ended is unconfirmed, and not due before `until`: the
    /// echoes of that time must be able to arrive first. For the start, before anything is sent. Never refused.
    RecoverOutbox {
        /// The earliest time at which such a message may be sent again.
        until: Timestamp,
    },
    /// Ends the nodes whose time is over, by the database's clock: nothing of theirs becomes durable any more, and
    /// their shards are free. One that is in a transaction is left for the next time. [`Outcome::Changed`] if there was
    /// one.
    FenceNodes {
        /// Who does it.
        node: i64,
    },
    /// Takes free shards for a node, the lowest first, and what was being sent or was unconfirmed there is
    /// unconfirmed, as after a crash of this process ([`Command::RecoverOutbox`]).
    TakeShards {
        /// The node.
        node: i64,
        /// How many at most.
        most: u32,
        /// The earliest time at which such a message may be sent again.
        until: Timestamp,
    },
    /// Frees a node's shards from this one on. The node must have no work under way in them.
    GiveShards {
        /// The node.
        node: i64,
        /// The first.
        from: Shard,
    },
    /// A node ends: its shards are free, and nothing of it becomes durable after this.
    EndNode {
        /// The node.
        node: i64,
    },
    /// An operator replays a dead message: pending, with no attempts. Refused if it is not dead.
    ReplayDead {
        /// The message.
        message: MessageId,
        /// When it is due.
        due_at: Timestamp,
    },
    /// Makes or replaces what was told of a transaction. Refused if there is no such customer (any more).
    PutStory(Story),
    /// What waited is told by a message of this submission, for the first time. Never refused.
    ToldBy {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
        /// The keys of the stories.
        stories: Vec<[u8; 32]>,
        /// The message.
        message: MessageId,
    },
    /// Makes or replaces the book of an account in a conversation. Refused if there is no such customer (any more).
    PutBook(BookRow),
    /// Keeps the bank's tokens. Refused if the stored version is not `expected` (0: none yet), so that of two
    /// refreshes one wins.
    PutBankGrant {
        /// The grant; its `version` becomes `expected + 1`.
        grant: BankGrant,
        /// The version that must be stored now.
        expected: i64,
    },
    /// Forgets the bank's tokens of a link. Refused if the stored version is not `expected`, so that tokens that were
    /// refreshed meanwhile are not lost; with 0 (none) there is nothing to do.
    DropBankGrant {
        /// The customer's shard.
        shard: Shard,
        /// The link.
        link: LinkId,
        /// The version that must be stored now.
        expected: i64,
    },
    /// Removes a bounded number of the messages with bank data that a customer was sent in the chat of a link that has
    /// ended, and with the last link the books of what was told. The receipts stay, and one more says what was removed.
    /// Nothing to do while the customer has another link in that chat. Refused if there is something and the customer
    /// is being erased.
    ForgetSaid {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
        /// The link that has ended.
        link: LinkId,
        /// When it is done.
        at: Timestamp,
        /// The receipt of it; what was removed is put in here.
        receipt: ReceiptDraft,
    },
    /// Makes a one-time token. Refused if its hash exists.
    PutToken(Token),
    /// Uses a one-time token up. Refused if it is unknown, used, or over at `now`.
    ConsumeToken {
        /// Its hash.
        hash: [u8; 32],
        /// Now.
        now: Timestamp,
    },
    /// Opens the page behind a notice, once: what it says is removed. Refused if it is unknown, was opened, or is over
    /// at `now`.
    OpenPage {
        /// The hash of its token.
        hash: [u8; 32],
        /// Now.
        now: Timestamp,
    },
    /// Keeps a new passkey, unused. Refused if it is known already, anybody's, or if the customer has
    /// [`crate::limits::PASSKEYS_MAX`].
    PutPasskey(Passkey),
    /// A passkey was used: keeps what is known of it now. Refused if it was removed, or used meanwhile.
    UsePasskey {
        /// The passkey as it is now, with the uses that are stored now: these become one more.
        passkey: Passkey,
    },
    /// Forgets a passkey. Refused if it is not there.
    DropPasskey {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
        /// The passkey.
        id: [u8; 16],
    },
    /// Makes or replaces a browser session.
    PutSession(Session),
    /// Ends a browser session. Refused if it is not there (so that a page posted twice acts once).
    TakeSession {
        /// The hash of its cookie.
        hash: [u8; 32],
    },
    /// Records what was done to an agreement, and the new version that it got by it, if it got one. Refused if the
    /// stored version is not one less, if [`Agreement::check`] fails, or if event and version are not about the same.
    PutAgreement {
        /// What was done.
        event: AgreementEvent,
        /// The new version. Only a request, its refusal, and a *no* to a wider request leave the agreement as it is.
        agreement: Option<Agreement>,
    },
    /// Makes a policy document the institution's own from now on; its hash becomes an entry of the log. Refused if the
    /// stored version is not one less, or the hash is not that of the document. Whether the document may become a
    /// policy is asked before (`amana-policy`).
    PutPolicy(StoredPolicy),
    /// Turns a kill switch on; on twice is once.
    SetKill(Kill),
    /// Turns a kill switch off; off twice is once.
    ClearKill(KillScope),
    /// Notes records of a topic that were set aside. The same ones again (their first offset says it) are noted once;
    /// with a later last offset it is that one that counts.
    SetAside(AsideRecords),
    /// Puts a job into the durable queue. Refused if its id exists.
    Enqueue(Job),
    /// Ends a job, or puts it off. Refused if it is gone or dead.
    FinishJob {
        /// The job.
        id: [u8; 16],
        /// What became of it.
        outcome: JobOutcome,
    },
    /// A job that goes on: what it needs next time, no attempts, and due again `at`. What hastened it while it was
    /// being worked on holds: it stays due as it is unless it is due when it `was`, and a look at a grant keeps what a
    /// [`Command::Hint`] made of its body. Refused if it is gone or dead.
    ContinueJob {
        /// The job.
        id: [u8; 16],
        /// When it was due as it was begun.
        was: Timestamp,
        /// When it is due again.
        at: Timestamp,
        /// What it needs then.
        body: Vec<u8>,
    },
    /// A job is due `at`, if it is not due earlier. Never refused; [`Outcome::Unchanged`] if that changes nothing.
    HastenJob {
        /// The job.
        id: [u8; 16],
        /// When.
        at: Timestamp,
    },
    /// A bank's notification, taken for a hint: its key is kept as that of an event that is done, and a job is due
    /// `at`, if it is not due earlier, or is being worked on. [`Outcome::Duplicate`], and nothing else, when the key is
    /// known.
    Hint {
        /// The shard of its customer.
        shard: Shard,
        /// The lane of its link.
        lane: [u8; 32],
        /// The key under which it is taken once.
        key: EventKey,
        /// When it came.
        received_at: Timestamp,
        /// The job.
        job: [u8; 16],
        /// Whether it is being worked on: it may have read before this came, and is due once more.
        running: bool,
        /// When.
        at: Timestamp,
        /// What the job's body becomes, if the hint is more than that it is time: then it is due `at`, whatever it was.
        body: Option<Vec<u8>>,
    },
    /// Takes a job out of the queue, dead or not. Never refused; [`Outcome::Unchanged`] if it is gone.
    CancelJob {
        /// The job.
        id: [u8; 16],
    },
    /// An operator replays an event that was given up: it waits again, with no attempts. Refused if it is not failed.
    ReplayInbox {
        /// Its shard.
        shard: Shard,
        /// Its position.
        position: i64,
    },
    /// Reserves the log's next place for an index entry; where the segment is then long or old enough, the entry is its
    /// final one. Never refused; [`Outcome::Unchanged`] when nothing came since the last index entry, or when a
    /// reserved one is not filled yet.
    ReserveIndex {
        /// Now.
        now: Timestamp,
        /// Entries after which a segment ends.
        segment_entries: u64,
        /// Seconds after its first entry at which a segment ends.
        segment_seconds: u64,
    },
    /// Writes the content of a reserved index entry. Refused if it has one.
    FillIndex {
        /// Its place.
        log_index: u64,
        /// The entry.
        entry: Vec<u8>,
    },
    /// Keeps a published checkpoint; [`Outcome::Unchanged`] when a newer one is kept.
    PutCheckpoint {
        /// Its size.
        size: u64,
        /// The signed note.
        note: String,
    },
    /// Removes what is over: ended tokens and sessions, and of each kind what `keep` no longer wants kept, and puts on
    /// record how much that was. Messages that wait with a ticket that is over are dead, for the reason `expired`,
    /// each with its outcome (`dead:expired`) on its customer's record, or an alarm where none can be made. At most
    /// [`crate::limits::SWEEP_ROWS`] rows of each, and [`crate::limits::EXPIRED_ROWS`] messages: [`Outcome::More`]
    /// where there were as many of any. Never refused.
    Sweep {
        /// Now.
        now: Timestamp,
        /// How long each kind is kept.
        keep: Retention,
    },
    /// Puts what waits in a customer's chats and is said to the conversation alone ([`amana_gate::About::Chat`]) under
    /// the key of another customer, where the chat is another's, too: for one who is removed without
    /// [`Command::BeginErasure`], which does this itself. What does not open stays.
    LeaveWords {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
    },
    /// Records a customer's last receipt. From here on there is no such customer for any other command or query, and
    /// [`Command::Erase`] must follow. What waits in their chats without bank data is over, but for what is another
    /// customer's, too ([`Command::LeaveWords`]). Refused if there is no such customer (any more), or while a link of
    /// theirs is not ended.
    BeginErasure {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
        /// When.
        at: Timestamp,
        /// The receipt of the erasure.
        receipt: ReceiptDraft,
    },
    /// Removes a bounded number of an erased customer's rows (of the jobs not those that take a grant back or erase),
    /// and at the end the customer: [`Outcome::Changed`] while
    /// something may be left, [`Outcome::Unchanged`] when nothing is. Refused while the share of the customer's key is
    /// still in the custody.
    Erase {
        /// The customer's shard.
        shard: Shard,
        /// The customer.
        customer: CustomerId,
        /// When.
        at: Timestamp,
    },
    /// The language that the customer chose; makes the conversation's record if there is none.
    SetLang {
        /// The conversation.
        conversation: ConversationId,
        /// The language.
        lang: Lang,
    },
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Changed,
    /// Done in part: there is more of it, and the same command does some of that.
    More,
    /// There was nothing to change.
    Unchanged,
    /// The event is there already.
    Duplicate,
    /// A receipt was recorded, under this number.
    Receipt(u64),
}

/// Why a submission was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// A command's precondition does not hold.
    #[error("the {what} (command {index} of the submission) is not as expected; nothing was changed")]
    Conflict {
        /// Which command, from 0.
        index: usize,
        /// What was not as expected: `token`, `link`, `consent`, …
        what: &'static str,
    },
    /// The writer's queue is full.
    #[error("the store is busy; try again shortly")]
    Overloaded,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Command {
    /// Whether it is about this process's being a node, and about nothing that the process works on.
    pub(crate) fn is_of_nodes(&self) -> bool {
        matches!(
            self,
            Self::FenceNodes { .. }
                | Self::TakeShards { .. }
                | Self::GiveShards { .. }
                | Self::EndNode { .. }
        )
    }

    /// Whether it may record a receipt, which locks the log's head, or lock rows that other processes want together
    /// with the head. These are all but the ones that surely do not: a new command that is forgotten here costs time,
    /// and no deadlock.
    pub(crate) fn may_lock_head(&self) -> bool {
        !matches!(
            self,
            Self::Accept(_)
                | Self::AcceptDecided(_)
                | Self::FinishInbox { .. }
                | Self::TakeBack { .. }
                | Self::ClaimOutbox { .. }
                | Self::PutConversation(_)
                | Self::SetLang { .. }
                | Self::PutWaiting(_)
                | Self::NoticeWaiting { .. }
                | Self::TakeWaiting { .. }
                | Self::PutStory(_)
                | Self::ToldBy { .. }
                | Self::PutBook(_)
                | Self::PutBankGrant { .. }
                | Self::DropBankGrant { .. }
                | Self::PutToken(_)
                | Self::ConsumeToken { .. }
                | Self::OpenPage { .. }
                | Self::PutSession(_)
                | Self::TakeSession { .. }
                | Self::Enqueue(_)
                | Self::FinishJob { .. }
                | Self::ContinueJob { .. }
                | Self::HastenJob { .. }
                | Self::Hint { .. }
                | Self::CancelJob { .. }
                | Self::SetChannelHealth { .. }
                | Self::FillIndex { .. }
                | Self::PutCheckpoint { .. }
                | Self::FenceNodes { .. }
                | Self::GiveShards { .. }
                | Self::EndNode { .. }
        )
    }
}
