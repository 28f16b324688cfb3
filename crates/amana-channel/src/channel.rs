//! What a chat platform must be able to do for us, whichever it is.

use crate::messenger::shown;
use crate::webhook::EchoWords;
use amana_core::{Address, ChannelId, Lang, Psid, Timestamp};
use amana_gate::{Released, TicketError};
use amana_render::Encoding;
use std::time::Duration;

/// The platform took the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The platform's own id of the message.
    pub mid: String,
    /// Whether one is to rest, because a share of calls is nearly used up. The message itself was taken.
    pub rest: Option<Rest>,
}

/// A rest that a platform's counts of calls ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// How long.
    pub time: Duration,
    /// Whether it is the app's share that is used up, which all of its channels have in common; else this channel's.
    pub whole_app: bool,
}

/// Why a call did not succeed, sorted by what the caller may do next. Texts hold no content, name or token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The person's window is closed. Do not repeat; hold the message until the person writes.
    #[error("the platform's window for this conversation is closed: wait for the person's next message")]
    WindowClosed,
    /// The person cannot be reached now (blocked us, left). Try at the person's next message.
    #[error("the person cannot receive messages now: wait for the person's next message")]
    Unreachable,
    /// The platform refuses this message for good. Do not repeat.
    #[error("the platform refused the call for good ({}): correct what was sent or the app's settings", shown(*.code, *.sub))]
    Permanent {
        /// The platform's code; 0 if it gave none.
        code: i64,
        /// Its finer code.
        sub: Option<i64>,
    },
    /// The platform does not let this app send on this channel at all: a permission is missing, the app is not live, or
    /// is not the one that the token is of. No fault of the message's. Stop the channel, keep the queue, tell the
    /// operator.
    #[error("the platform does not let the app do this ({}): grant its permissions, `pages_messaging` first, and switch the app live", shown(*.code, *.sub))]
    NotAllowed {
        /// The platform's code.
        code: i64,
        /// Its finer code.
        sub: Option<i64>,
    },
    /// Surely not sent: there is no way to the platform now. No fault of the message's, and the same for all of them:
    /// rest the channel, keep the queue.
    #[error("not sent, since there is no way to the platform ({what})")]
    NoWay {
        /// What is in the way.
        what: &'static str,
    },
    /// The channel's token is dead. Stop the channel, keep the queue, tell the operator.
    #[error("the page's access token is no longer valid: issue a new one and set it in the configuration")]
    TokenDead,
    /// The platform restricts the whole channel. Stop it, keep the queue, tell the operator.
    #[error("the platform restricts this page from sending: look into the page's support inbox")]
    PageBlocked,
    /// Too fast. Nothing was sent.
    #[error("the platform limits the rate: try again in {} s", .retry_after.as_secs())]
    Throttled {
        /// How long to wait at least.
        retry_after: Duration,
    },
    /// Too fast, all channels of the app together. Nothing was sent, and nothing of the others would be either.
    #[error("the platform limits the rate of the whole app: try again in {} s", .retry_after.as_secs())]
    ThrottledApp {
        /// How long to wait at least.
        retry_after: Duration,
    },
    /// Too fast for this one person. Nothing was sent; others are not concerned.
    #[error("the platform limits the rate for this person: try again in {} s", .retry_after.as_secs())]
    ThrottledPerson {
        /// How long to wait at least.
        retry_after: Duration,
    },
    /// Surely not sent, and may go through later: the platform's own passing trouble with this call.
    #[error("not sent ({what}): try again later")]
    Transient {
        /// What went wrong.
        what: &'static str,
    },
    /// It may have been sent. Messenger has no idempotency key, so it must not be repeated blindly; the echo
    /// may tell.
    #[error("it is not known whether it was sent ({what}): do not repeat; wait for the echo")]
    Ambiguous {
        /// What went wrong.
        what: &'static str,
    },
    /// Another app or a person in the platform's own inbox holds the conversation.
    #[error("another app controls this conversation now")]
    NotThreadOwner,
    /// The last look before the platform said no: surely not sent. Whoever wants it sent decides anew.
    #[error("not sent: {why}")]
    Refused {
        /// Why.
        why: TicketError,
    },
    /// No such channel is configured here.
    #[error("the channel is not configured here: add its page to the configuration")]
    UnknownChannel,
}

impl SendError {
    /// A stable word for receipts and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::WindowClosed => "window-closed",
            Self::Unreachable => "unreachable",
            Self::Permanent { .. } => "permanent",
            Self::NotAllowed { .. } => "not-allowed",
            Self::NoWay { .. } => "no-way",
            Self::TokenDead => "token-dead",
            Self::PageBlocked => "page-blocked",
            Self::Throttled { .. } => "throttled",
            Self::ThrottledApp { .. } => "throttled-app",
            Self::ThrottledPerson { .. } => "throttled-person",
            Self::Transient { .. } => "transient",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NotThreadOwner => "not-thread-owner",
            Self::Refused { why } => why.as_str(),
            Self::UnknownChannel => "unknown-channel",
        }
    }

    /// Whether what the app may not do is one kind of sending alone, such as that of approved texts, which needs a
    /// permission of its own: then other messages go all the same.
    #[must_use]
    pub fn is_of_one_kind(&self) -> bool {
        matches!(self, Self::NotAllowed { code, .. } if *code == crate::messenger::LACKS_PERMISSION)
    }

    /// Whether the same bytes may be sent again by themselves after a while: surely nothing was sent, and
    /// time heals it.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. }
                | Self::ThrottledApp { .. }
                | Self::ThrottledPerson { .. }
                | Self::Transient { .. }
                | Self::NoWay { .. }
                | Self::Refused { .. }
        )
    }
}

/// A message in a conversation, as the platform keeps it: of the channel's own side, or of whom it does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidThere {
    /// The platform's id of it.
    pub mid: String,
    /// What it says; empty where the platform does not tell, which it does of the newest alone.
    pub words: EchoWords,
    /// Whether that is all it says, so that a message with other words is another one. Of what has buttons or lines the
    /// platform tells a part, in a form of its own: there words that are those of a message say that it is that one,
    /// and other words say nothing.
    pub whole: bool,
}

/// What a platform tells of what was said in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum History {
    /// It keeps nothing of the kind, so that a missing echo alone can tell.
    Unkept,
    /// It keeps it, and does not tell all of it: what was said there is not known.
    Untold,
    /// All that was said there since, but what the person said where it tells that it was them.
    Said(Vec<SaidThere>),
}

/// Why a linking token names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkingError {
    /// The token is wrong, used or over (Messenger: five minutes).
    #[error("the account linking token is not valid any more: start linking again from the chat")]
    BadToken,
    /// The platform's answer is not about this channel, or not understood.
    #[error(
        "the platform's answer does not name a person on this channel: start linking again from the chat"
    )]
    Unclear,
    /// The call itself failed.
    #[error(transparent)]
    Call(#[from] SendError),
}

/// How a text that the platform approves beforehand stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApprovedText {
    /// Its name.
    pub name: String,
    /// Its language.
    pub lang: Lang,
    /// Whether it may be sent now.
    pub approved: bool,
    /// The platform's word: `APPROVED`, `PENDING`, `REJECTED`, …; `MISSING` if the platform does not know it.
    pub status: String,
    /// Why not, in the platform's words.
    pub reason: Option<String>,
}

/// How long after a person's last act a platform lets us write freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowPolicy {
    /// The window, less a safety margin; `None` where there is none and one may always write.
    pub open_for: Option<Duration>,
}

impl WindowPolicy {
    /// Until when the window that `last_inbound` opened is open. [`Timestamp::MAX`] where there is no window.
    #[must_use]
    pub fn open_until(&self, last_inbound: Timestamp) -> Timestamp {
        match self.open_for {
            Some(open_for) => last_inbound.checked_add(open_for).unwrap_or(Timestamp::MAX),
            None => Timestamp::MAX,
        }
    }

    /// Whether one may write freely now. Without any inbound act only a platform without windows says yes.
    #[must_use]
    pub fn is_open(&self, last_inbound: Option<Timestamp>, now: Timestamp) -> bool {
        match (self.open_for, last_inbound) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(last)) => now < self.open_until(last),
        }
    }
}

/// Whose chats an id of the app's stands for, as the platform says.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct People {
    /// The persons, each on their channel.
    pub known: Vec<Address>,
    /// The channels of which it refused to tell: somebody may be known there all the same.
    pub untold: Vec<ChannelId>,
}

impl ApprovedText {
    /// Whether the platform does not let it out, and will not by itself.
    #[must_use]
    pub fn is_unusable(&self) -> bool {
        ["REJECTED", "PAUSED", "DISABLED"].iter().any(|bad| self.status.eq_ignore_ascii_case(bad))
    }
}

/// What a channel can do, beside sending: what would do something else, or nothing, where it cannot, is asked here
/// first. How much a message may hold is no part of it: that is the [`Encoding`]'s, which refuses what does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// When one may write freely.
    pub window: WindowPolicy,
    /// Whether there are texts that the platform approves beforehand and lets out beside the window.
    pub approved_texts: bool,
    /// The platform's own inbox, in which people can take a conversation over, by the id that it has among apps.
    /// `None`: people answer elsewhere, or not at all.
    pub inbox: Option<&'static str>,
    /// Whether it shows that an answer is on its way.
    pub typing: bool,
    /// Whether the platform keeps what was said and tells it ([`Channel::said_since`], [`Channel::talked_since`]).
    pub history: bool,
}

/// What a person wrote or tapped, as the platform keeps it: of a tap it tells what the button said, and not what was
/// put behind it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Heard {
    /// Who.
    pub psid: Psid,
    /// The platform's id of the message.
    pub mid: String,
    /// What they wrote. `None`: something that is no text.
    pub text: Option<String>,
    /// When, to the second.
    pub at: Timestamp,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heard").field("mid", &self.mid).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Who has a conversation, as the platform says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ThreadOwner {
    /// Nobody: it is idle, or everybody may write in it.
    Nobody,
    /// Somebody.
    Owned {
        /// Which app. `None`: it is not told to us, so it is not ours.
        app: Option<String>,
        /// Until when, if it is told.
        until: Option<Timestamp>,
    },
}

/// A chat platform. Narrow enough for others than Messenger:
///
/// | here | WhatsApp Cloud | Telegram |
/// |---|---|---|
/// | `send` | `POST /{phone_number_id}/messages` | `sendMessage` |
/// | `typing`, `mark_seen` | one call on the last message | `sendChatAction`; nothing to mark |
/// | `linking_recipient`, `unlink` | no such flow: [`LinkingError::Unclear`], nothing to do | the same |
/// | `locale` | unknown: `None` | `language_code` of the update, kept by the adapter |
/// | `approved_texts`, `encoding_outside` | its own templates, another entry of [`Encoding`] | nothing: empty, `None` |
/// | `pass_to_people`, `take_back` | none: an error | none: an error |
/// | `owner` | nobody else: [`ThreadOwner::Nobody`] | the same |
/// | `people` | nothing: both empty | the same |
/// | `said_since` | nothing of the kind: [`History::Unkept`] | the same |
/// | `talked_since`, `heard_in` | nothing of the kind: `None`, nothing | the same: updates are kept for a day and come |
/// | `listen` | the same | `getWebhookInfo`, `setWebhook` |
/// | `capabilities` | window of 24 hours, no inbox, typing | no window, no inbox, no approved texts, no history |
///
/// The bytes of [`Released`] were made by the gate, in the [`Encoding`] that the channel names.
/// Implementations keep no order and repeat nothing: the outbox sends one message of a conversation at a
/// time.
#[async_trait::async_trait]
pub trait Channel: Send + Sync {
    /// Sends the released bytes, exactly once or not at all or [`SendError::Ambiguous`].
    ///
    /// # Errors
    /// See the classes of [`SendError`].
    async fn send(&self, released: Released) -> Result<Sent, SendError>;

    /// Shows or hides "is typing".
    ///
    /// # Errors
    /// As `send`; nobody need act on them.
    async fn typing(&self, to: &Address, on: bool) -> Result<(), SendError>;

    /// Tells the person that the message was seen.
    ///
    /// # Errors
    /// As `send`; nobody need act on them.
    async fn mark_seen(&self, to: &Address) -> Result<(), SendError>;

    /// Who it is that the platform's linking token stands for, asked at the platform itself (never from the
    /// browser).
    ///
    /// # Errors
    /// When the token is not good, or the call fails.
    async fn linking_recipient(&self, channel: &ChannelId, token: &str) -> Result<Psid, LinkingError>;

    /// Asks the platform to forget that the person's account is linked.
    ///
    /// # Errors
    /// As `send`.
    async fn unlink(&self, to: &Address) -> Result<(), SendError>;

    /// The person's language, if the platform tells. `None` on any doubt or error: it is only a first guess.
    async fn locale(&self, of: &Address) -> Option<Lang>;

    /// The person's first name and the initial of the last, if the platform tells: shown where a chat is linked, so
    /// that whoever was sent somebody else's link sees it. `None` on any doubt or error.
    async fn name(&self, of: &Address) -> Option<String>;

    /// Gives the conversation to the people who answer in the platform's own inbox.
    ///
    /// # Errors
    /// As `send`; the conversation is ours then, as before.
    async fn pass_to_people(&self, of: &Address) -> Result<(), SendError>;

    /// Who has the conversation. A platform tells by events, too, and not of everything: that people in its inbox are
    /// done, say.
    ///
    /// # Errors
    /// As `send`; nothing is known then.
    async fn owner(&self, of: &Address) -> Result<ThreadOwner, SendError>;

    /// Takes the conversation back from whoever has it.
    ///
    /// # Errors
    /// As `send`; the other has it then, as before.
    async fn take_back(&self, of: &Address) -> Result<(), SendError>;

    /// How the texts stand that the platform approves beforehand.
    ///
    /// # Errors
    /// As `send`.
    async fn approved_texts(&self, channel: &ChannelId) -> Result<Vec<ApprovedText>, SendError>;

    /// The persons on our channels whom the platform knows under an id of the app's (it names people so where they take
    /// our access back), and of which channels it does not tell. Both empty where it has no such ids.
    ///
    /// # Errors
    /// As `send`; a refusal for good is none.
    async fn people(&self, app_scoped: &str) -> Result<People, SendError>;

    /// What was said to the person on the channel from that instant on, by whichever app, as the platform keeps it:
    /// what tells whether a call without an answer was carried out where no echo comes.
    ///
    /// # Errors
    /// As `send`; nothing is known then.
    async fn said_since(&self, to: &Address, since: Timestamp) -> Result<History, SendError>;

    /// The conversations of a channel in which something was said from that instant on, by the platform's ids of them,
    /// at most [`crate::limits::TALKED_MAX`], the newest first: for what people wrote while we heard nothing. `None`
    /// where it cannot tell.
    ///
    /// # Errors
    /// As `send`.
    async fn talked_since(
        &self,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<Option<Vec<String>>, SendError>;

    /// What the person wrote in one of them from that instant on, as far as the platform tells, the oldest first: words
    /// alone, of nothing else is told what it was.
    ///
    /// # Errors
    /// As `send`.
    async fn heard_in(
        &self,
        channel: &ChannelId,
        thread: &str,
        since: Timestamp,
    ) -> Result<Vec<Heard>, SendError>;

    /// Of which events that we live by the platform does not tell us on the channel: an hour of failures ends a
    /// subscription, and nobody is told. As a rule none. Changes nothing.
    ///
    /// # Errors
    /// As `send`.
    async fn unheard(&self, channel: &ChannelId) -> Result<Vec<String>, SendError>;

    /// Has the platform tell us all the events of the channel that we live by, where it does not any more. Answers
    /// which it did not tell.
    ///
    /// # Errors
    /// As `send`.
    async fn listen(&self, channel: &ChannelId) -> Result<Vec<String>, SendError>;

    /// Into which bytes a message is put: one that answers the person, or any other.
    fn encoding(&self, reply: bool) -> Encoding;

    /// Into which bytes a message is put for a person who has been away for longer than the window. `None` where there
    /// is no such way, or no need.
    fn encoding_outside(&self) -> Option<Encoding>;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// When one may write freely.
    fn window(&self) -> WindowPolicy {
        self.capabilities().window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_open_and_close() {
        let at = |s: &str| -> Timestamp { s.parse().expect("instant") };
        let day = WindowPolicy { open_for: Some(Duration::from_secs(24 * 3600 - 900)) };
        let last = at("2026-11-24T10:00:00Z");
        assert!(day.is_open(Some(last), at("2026-11-25T09:44:59Z")));
        assert!(!day.is_open(Some(last), at("2026-11-25T09:45:00Z")));
        assert!(!day.is_open(None, last));
        assert!(WindowPolicy { open_for: None }.is_open(None, last));
        assert_eq!(day.open_until(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn only_what_surely_was_not_sent_may_be_retried() {
        assert!(SendError::Transient { what: "x" }.may_retry());
        assert!(!SendError::Ambiguous { what: "x" }.may_retry());
        assert!(!SendError::WindowClosed.may_retry());
        let text = SendError::Permanent { code: 100, sub: Some(2_018_001) }.to_string();
        assert!(text.contains("100, subcode 2018001"), "{text}");
    }
}
