//! The events, as the rest of the house sees them (messenger reference, sections 1.5 and 3).

use amana_core::{ChannelId, ConversationId, EventKey, MessageId, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that happened in one conversation. It is stored in the durable inbox as it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// Where it happened.
    pub conversation: ConversationId,
    /// When, as the platform says. A redelivery may have another time, so it is no part of a message's key.
    pub at: Timestamp,
    /// The key under which it is stored once (section 1.6). In JSON: 64 hex digits.
    #[serde(with = "hex_key")]
    pub key: EventKey,
    /// What happened.
    pub kind: InboundKind,
}

impl Inbound {
    /// What a person wrote, tapped or sent, fetched from the platform's own record: under the key that its webhook has,
    /// so that whichever of the two comes second is a duplicate. A tap is what the button said; without a text it is
    /// something that we cannot read.
    #[must_use]
    pub fn fetched(conversation: ConversationId, mid: String, text: Option<String>, at: Timestamp) -> Self {
        let key = super::read::message_key(&mid, &conversation.channel);
        let kind = match text {
            Some(text) => InboundKind::Text { mid, text },
            None => InboundKind::Attachment { mid, kinds: vec!["unsupported".to_owned()], text: None },
        };
        Self { conversation, at, key, kind }
    }

    /// The keys of what this event takes back: of a message that the person deleted, and of its edits. Empty for any
    /// other event.
    #[must_use]
    pub fn takes_back(&self) -> Vec<EventKey> {
        let kind = match &self.kind {
            InboundKind::Standby(inner) => inner,
            kind => kind,
        };
        match kind {
            InboundKind::Deleted { mid } => {
                let page = &self.conversation.channel;
                let edits = super::read::edit_keys(mid, page);
                std::iter::once(super::read::message_key(mid, page)).chain(edits).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What a message of the page says: its texts, titles and addresses, as the platform shows them. They may be a bank's,
/// so they print nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EchoWords(pub Vec<String>);

impl std::fmt::Debug for EchoWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EchoWords({})", self.0.len())
    }
}

/// Something about a whole channel, without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelEvent {
    /// Which channel.
    pub channel: ChannelId,
    /// When, as the platform says.
    pub at: Timestamp,
    /// The key under which it is stored once. In JSON: 64 hex digits.
    #[serde(with = "hex_key")]
    pub key: EventKey,
    /// What happened.
    pub kind: ChannelEventKind,
}

/// What can happen to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelEventKind {
    /// The platform warns, blocks or unblocks the page.
    PolicyEnforcement {
        /// `warning`, `block` or `unblock`.
        action: String,
        /// Why, in the platform's words.
        reason: Option<String>,
    },
    /// The platform decided about a text that was to be approved, or takes its approval back.
    TemplateStatus {
        /// `APPROVED`, `REJECTED`, `PAUSED`, …, in capitals.
        status: String,
        /// The text's name.
        name: String,
        /// Its language, as the platform writes it.
        language: String,
        /// Why, in the platform's words.
        reason: Option<String>,
    },
    /// Which part an app plays on the page (the old hand-over protocol).
    AppRoles {
        /// The apps.
        apps: Vec<String>,
    },
    /// Something that this version does not know: the keys, or the name of the changed field.
    Unknown {
        /// The names found, at most [`crate::limits::UNKNOWN_KEYS_MAX`].
        keys: Vec<String>,
    },
}

/// What can happen in a conversation. Platform message ids (`mid`) are opaque.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboundKind {
    /// The person wrote.
    Text {
        /// The message.
        mid: String,
        /// What was written, untrusted.
        text: String,
    },
    /// The person tapped a quick reply.
    QuickReply {
        /// The message.
        mid: String,
        /// What we had put behind it.
        payload: String,
        /// What it said.
        text: String,
    },
    /// The person tapped a button, the menu or *Get started*.
    Postback {
        /// The tap. Old versions had none.
        mid: Option<String>,
        /// What we had put behind it; absent for an app that did not send the button (standby).
        payload: Option<String>,
        /// What it said.
        title: Option<String>,
        /// How the person came here, in a new thread.
        referral: Option<Referral>,
    },
    /// The person sent something that is no text, or nothing that we can read.
    Attachment {
        /// The message.
        mid: String,
        /// The kinds (`image`, `audio`, `sticker`, …); `unsupported` if the platform could not pass it on.
        kinds: Vec<String>,
        /// A text beside it.
        text: Option<String>,
    },
    /// The person finished account linking at our page.
    Linked {
        /// The code that our page issued. `None` if the platform left it out.
        authorization_code: Option<String>,
    },
    /// The person unlinked.
    Unlinked,
    /// A message of the page itself: of ours, of another app or of a person in the platform's inbox.
    Echo {
        /// The message.
        mid: String,
        /// Our own message, if its metadata names one.
        metadata: Option<MessageId>,
        /// The app that sent it.
        app_id: Option<String>,
        /// What it says. It is compared and not kept.
        #[serde(skip)]
        words: EchoWords,
    },
    /// Everything up to the watermark was delivered.
    Delivery {
        /// Some of the messages, sometimes.
        mids: Vec<String>,
        /// The watermark.
        watermark: Timestamp,
    },
    /// Everything up to the watermark was read.
    Read {
        /// The watermark.
        watermark: Timestamp,
    },
    /// The person reacted to a message.
    Reaction {
        /// The message reacted to.
        mid: String,
        /// Whether the reaction was set or taken back.
        action: ReactionAction,
        /// `smile`, `love`, …
        reaction: Option<String>,
        /// The sign itself.
        emoji: Option<String>,
    },
    /// The person changed what was written.
    Edited {
        /// The message.
        mid: String,
        /// The new text, untrusted.
        text: String,
        /// How many times it was changed.
        edits: u32,
    },
    /// The person deleted a message; its text is to be forgotten.
    Deleted {
        /// The message.
        mid: String,
    },
    /// The person allowed something through a plugin or a token request.
    Optin {
        /// The platform's type; `None` for plugins.
        kind: Option<String>,
        /// Our reference or payload.
        reference: Option<String>,
        /// For messages of a topic: whether they are wanted no more, or again.
        topic: Option<TopicWish>,
    },
    /// Who controls the thread changes, or is asked to.
    Handover(Handover),
    /// The person came back to an existing thread by a link.
    Referral(Referral),
    /// The person rated a message or the service.
    Feedback {
        /// The message, if one is named.
        mid: Option<String>,
        /// Whether that message was good; `None` for anything but thumbs, or a word that is not known.
        good: Option<bool>,
    },
    /// Another app controls the thread; we only look on.
    Standby(Box<InboundKind>),
    /// Something that this version does not know.
    Unknown {
        /// The keys found, at most [`crate::limits::UNKNOWN_KEYS_MAX`].
        keys: Vec<String>,
    },
}

/// A reaction's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReactionAction {
    /// Set.
    React,
    /// Taken back.
    Unreact,
}

/// What a person wants of the messages of a topic (`notification_messages_status`, section 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicWish {
    /// No more of them.
    Stop,
    /// Them again.
    Resume,
}

/// How a person came to the thread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// Our own reference in the link.
    pub reference: Option<String>,
    /// `SHORTLINK`, `ADS`, …
    pub source: Option<String>,
    /// The ad.
    pub ad_id: Option<String>,
}

/// Thread control (section 6). App ids come as numbers or strings; here they are strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handover {
    /// Control was passed.
    Passed {
        /// From whom; `None`: the thread was idle.
        from: Option<String>,
        /// To whom.
        to: Option<String>,
        /// A note of the one who passed it.
        metadata: Option<String>,
    },
    /// Control was taken.
    Taken {
        /// From whom.
        from: Option<String>,
        /// By whom.
        to: Option<String>,
        /// A note of the one who took it.
        metadata: Option<String>,
    },
    /// Control is asked for.
    Requested {
        /// Who asks.
        by: Option<String>,
        /// A note of the one who asks.
        metadata: Option<String>,
    },
}

/// Whether the event opens the 24-hour window: an act of the person towards the page (section 3). Also while
/// another app controls the thread. An opt-in opens nothing, nor does taking something back (a deleted
/// message, a removed reaction), an edit, a receipt or an echo. `Linked` is an act in the browser, not in the
/// chat; Meta does not list it.
#[must_use]
pub fn opens_window(kind: &InboundKind) -> bool {
    match kind {
        InboundKind::Text { .. }
        | InboundKind::QuickReply { .. }
        | InboundKind::Postback { .. }
        | InboundKind::Attachment { .. }
        | InboundKind::Referral(_)
        | InboundKind::Reaction { action: ReactionAction::React, .. } => true,
        InboundKind::Standby(inner) => opens_window(inner),
        InboundKind::Reaction { action: ReactionAction::Unreact, .. }
        | InboundKind::Linked { .. }
        | InboundKind::Unlinked
        | InboundKind::Echo { .. }
        | InboundKind::Delivery { .. }
        | InboundKind::Read { .. }
        | InboundKind::Edited { .. }
        | InboundKind::Deleted { .. }
        | InboundKind::Optin { .. }
        | InboundKind::Handover(_)
        | InboundKind::Feedback { .. }
        | InboundKind::Unknown { .. } => false,
    }
}

/// An [`EventKey`] as 64 hex digits.
mod hex_key {
    use amana_core::EventKey;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &EventKey, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(key.0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<EventKey, D::Error> {
        let text = String::deserialize(d)?;
        let mut key = [0u8; 32];
        hex::decode_to_slice(&text, &mut key).map_err(|_| D::Error::custom("expected 64 hex digits"))?;
        Ok(EventKey(key))
    }
}
