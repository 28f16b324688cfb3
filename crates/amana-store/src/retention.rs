//! How long each kind of data is kept. The reasons are in `docs/keys.md`.

use crate::limits::{
    ALARM_DAYS, BOOK_DAYS, CONVERSATION_DAYS, CUSTOMER_DAYS, DEAD_JOB_DAYS, ENDED_MESSAGE_DAYS,
    FAILED_EVENT_DAYS, INBOX_KEY_DAYS, MESSAGE_DAYS, PLAIN_MESSAGE_DAYS, SIGHTING_DAYS, STORY_DAYS,
    WAITING_DAYS,
};
use amana_core::Timestamp;

/// Days for which each kind of data is kept, counted from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The keys of events that were processed.
    pub event_key_days: i64,
    /// Events that were given up, encrypted.
    pub failed_event_days: i64,
    /// Messages with bank data that were sent, given up or denied: what the privacy page shows as said.
    pub message_days: i64,
    /// The same, from the end of the link of their chat on, if that is sooner.
    pub ended_message_days: i64,
    /// The rows of messages without bank data; their text goes when they are sent, or cannot be sent any more.
    pub plain_message_days: i64,
    /// What was told of a transaction.
    pub story_days: i64,
    /// Chats that are silent and have no link.
    pub conversation_days: i64,
    /// Jobs that were given up.
    pub dead_job_days: i64,
    /// Customers without a link: after that they are erased as a whole, with receipts and consents.
    pub customer_days: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            event_key_days: INBOX_KEY_DAYS,
            failed_event_days: FAILED_EVENT_DAYS,
            message_days: MESSAGE_DAYS,
            ended_message_days: ENDED_MESSAGE_DAYS,
            plain_message_days: PLAIN_MESSAGE_DAYS,
            story_days: STORY_DAYS,
            conversation_days: CONVERSATION_DAYS,
            dead_job_days: DEAD_JOB_DAYS,
            customer_days: CUSTOMER_DAYS,
        }
    }
}

/// A kind of data that ends by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataKind {
    /// One-time links; minutes.
    OneTimeLink,
    /// Browser sessions; minutes.
    Session,
    /// What notices did not say, for the pages behind them; days.
    SealedPage,
    /// Keys of events that were processed.
    EventKey,
    /// Events that were given up.
    FailedEvent,
    /// Messages with bank data.
    Message,
    /// Messages without bank data.
    PlainMessage,
    /// What was told of a transaction.
    Story,
    /// What a customer was told of an account's transactions, in full, to know them again when they are booked.
    Book,
    /// News that wait for their customer.
    Waiting,
    /// Chats that are silent and have no link.
    Conversation,
    /// Jobs that were given up.
    DeadJob,
    /// Which messages of others were seen at the platform.
    Sighting,
    /// Alarms that were closed, with whose chats they were about.
    Alarm,
    /// Where records lie in a topic that were set aside.
    AsideRecord,
    /// Customers without a link, with their receipts, consents and ended links.
    Customer,
}

impl DataKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::OneTimeLink,
        Self::Session,
        Self::SealedPage,
        Self::EventKey,
        Self::FailedEvent,
        Self::Message,
        Self::PlainMessage,
        Self::Story,
        Self::Book,
        Self::Waiting,
        Self::Conversation,
        Self::DeadJob,
        Self::Sighting,
        Self::Alarm,
        Self::AsideRecord,
        Self::Customer,
    ];

    /// Its name in reports and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneTimeLink => "one-time-link",
            Self::Session => "session",
            Self::SealedPage => "sealed-page",
            Self::EventKey => "event-key",
            Self::FailedEvent => "failed-event",
            Self::Message => "message",
            Self::PlainMessage => "plain-message",
            Self::Story => "story",
            Self::Book => "book",
            Self::Waiting => "waiting-news",
            Self::Conversation => "conversation",
            Self::DeadJob => "dead-job",
            Self::Sighting => "sighting",
            Self::Alarm => "alarm",
            Self::AsideRecord => "aside-record",
            Self::Customer => "customer",
        }
    }

    /// For how many days it is kept; `None` where the row itself says until when.
    #[must_use]
    pub fn days(self, keep: &Retention) -> Option<i64> {
        match self {
            Self::OneTimeLink | Self::Session | Self::SealedPage => None,
            Self::EventKey => Some(keep.event_key_days),
            Self::FailedEvent | Self::AsideRecord => Some(keep.failed_event_days),
            Self::Message => Some(keep.message_days),
            Self::PlainMessage => Some(keep.plain_message_days),
            Self::Story => Some(keep.story_days),
            // Nothing is matched that is older.
            Self::Book => Some(BOOK_DAYS),
            // Not a matter of taste: older ones are no news.
            Self::Waiting => Some(WAITING_DAYS),
            Self::Conversation => Some(keep.conversation_days),
            Self::DeadJob => Some(keep.dead_job_days),
            Self::Sighting => Some(SIGHTING_DAYS),
            // As long as the messages that it may be about.
            Self::Alarm => Some(ALARM_DAYS),
            Self::Customer => Some(keep.customer_days),
        }
    }
}

/// How much of a kind there is that will end by time, and what was removed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The kind.
    pub kind: DataKind,
    /// Rows.
    pub rows: u64,
    /// From when the oldest is: that is what its days count from.
    pub oldest: Option<Timestamp>,
    /// Rows that were removed when last any were, and when that was.
    pub removed_last: Option<(u64, Timestamp)>,
    /// Rows that were ever removed.
    pub removed_total: u64,
}

impl Holding {
    /// For how many seconds the oldest is kept longer than it should be; 0 where none is. A minute is a sweep's, and an
    /// hour a customer's. Of chats the oldest says nothing: one that is linked stays.
    #[must_use]
    pub fn overdue_s(&self, now: Timestamp, keep: &Retention) -> i64 {
        let Some(oldest) = self.oldest.filter(|_| self.kind != DataKind::Conversation) else { return 0 };
        let days = self.kind.days(keep).unwrap_or(0);
        let over = oldest.as_second().saturating_add(days.saturating_mul(86_400));
        now.as_second().saturating_sub(over).max(0)
    }
}

/// What is kept of one customer under their key, and soon goes: told in messages already, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptOf {
    /// Books: what was told of an account's transactions lately.
    pub books: u64,
    /// News that wait for their return.
    pub news: u64,
    /// Pages behind notices that were not opened.
    pub pages: u64,
}

/// What is kept, and when it was last gone through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionReport {
    /// Each kind, in the order of [`DataKind::ALL`].
    pub holdings: Vec<Holding>,
    /// When the last sweep was.
    pub swept_at: Option<Timestamp>,
}
