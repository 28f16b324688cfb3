//! Into which bytes a message is put: a closed list, since what is put into bytes is bank data on its way out.

use crate::messenger;
use amana_core::ids::sha256;
use amana_core::{Address, Content, Form, MediaForm, MediaKind, MessageId, Rich, Timestamp};

/// A message that a channel's rules do not allow. The text names the limit, never the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{limit}")]
pub struct EncodeError {
    /// Which limit, in a sentence.
    pub limit: String,
}

/// How long after a person's last act a human may still write to them, less a margin: the platform's clock decides
/// (messenger reference, section 3). In seconds.
pub const HUMAN_AGENT_FOR_S: i64 = 7 * 86_400 - 900;

/// A human agent's own keystroke: what alone may carry Messenger's `HUMAN_AGENT` tag, and these words alone. It is made
/// where the act is recorded (`amana-gate`, `agent.rs`; tidy looks for any other place). No automatic message can carry
/// the tag.
///
/// ```compile_fail,E0451
/// let act = amana_render::HumanAgentAct { words: [0; 32], until: amana_core::Timestamp::MAX };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HumanAgentAct {
    words: [u8; 32],
    until: Timestamp,
}

impl HumanAgentAct {
    /// That `by` wrote these words by hand. `None` if nobody is named, nothing was written, or the person's last act is
    /// [`HUMAN_AGENT_FOR_S`] or more ago.
    #[must_use]
    pub fn of_keystroke(by: &str, words: &str, last_inbound: Timestamp, now: Timestamp) -> Option<Self> {
        (!words.trim().is_empty())
            .then(|| Self::made(by, sha256(&[words.trim().as_bytes()]), last_inbound, now))?
    }

    /// The same of a picture or film of the bank's that `by` chose by hand. No words go with it.
    #[must_use]
    pub fn of_choice(by: &str, media: &MediaForm, last_inbound: Timestamp, now: Timestamp) -> Option<Self> {
        Self::made(by, hash_of(media), last_inbound, now)
    }

    fn made(by: &str, words: [u8; 32], last_inbound: Timestamp, now: Timestamp) -> Option<Self> {
        let until =
            Timestamp::from_second(last_inbound.as_second().saturating_add(HUMAN_AGENT_FOR_S)).ok()?;
        (!by.trim().is_empty() && now < until).then_some(Self { words, until })
    }

    /// Whether it is these words that were written, or this that was chosen, and nothing beside it.
    fn is_of(self, content: &Content) -> bool {
        let alone = Content { persona: content.persona.clone(), ..Content::text(content.text.clone()) };
        match &content.rich {
            Some(Rich::Media(media)) => {
                let chosen = Content { text: String::new(), rich: content.rich.clone(), ..alone };
                hash_of(media) == self.words && chosen == *content
            }
            _ => sha256(&[content.text.as_bytes()]) == self.words && alone == *content,
        }
    }
}

/// Hashes of hashes: no words that anybody writes have the same.
fn hash_of(media: &MediaForm) -> [u8; 32] {
    let kind: &[u8] = match media.media {
        MediaKind::Image => b"image",
        MediaKind::Video => b"video",
    };
    sha256(&[&sha256(&[kind]), &sha256(&[media.attachment_id.as_bytes()])])
}

/// The bytes that a platform's API takes. Another platform is another entry here, and a module beside
/// [`messenger`]. Messenger's retired message tags are no entries, so no message can bear one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// A call of Messenger's Send API for what nobody asked for just now (`messaging_type: UPDATE`).
    MessengerUpdate,
    /// The same for an answer to what the person just did (`messaging_type: RESPONSE`).
    MessengerReply,
    /// A text that the platform approved beforehand, for a person who has been away (`messaging_type: UTILITY`).
    MessengerUtility,
    /// What a human agent wrote, up to seven days after the person did (`tag: HUMAN_AGENT`).
    MessengerHumanAgent(HumanAgentAct),
}

impl Encoding {
    /// The exact bytes.
    ///
    /// # Errors
    /// When a limit of the platform is broken; the error names it.
    pub fn encode(self, content: &Content, to: &Address, message: MessageId) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::MessengerUpdate => messenger::encode(content, to, message),
            Self::MessengerReply => messenger::encode_reply(content, to, message),
            Self::MessengerUtility => messenger::encode_utility(content, to, message),
            Self::MessengerHumanAgent(act) if act.is_of(content) => {
                messenger::encode_human_agent(content, to, message)
            }
            Self::MessengerHumanAgent(_) => {
                Err(EncodeError { limit: "the tag of a human agent bears their own words alone".to_owned() })
            }
        }
    }

    /// The most open form that such bytes may hold. An approved text is read by the platform beforehand and has room
    /// for a name, so it says that there is something and never what.
    #[must_use]
    pub fn most_open(self) -> Form {
        match self {
            Self::MessengerUtility => Form::Notice,
            Self::MessengerUpdate | Self::MessengerReply | Self::MessengerHumanAgent(_) => Form::Detail,
        }
    }

    /// Whether such bytes have room for an address that is the message's own. An approved text has none.
    #[must_use]
    pub fn has_link(self) -> bool {
        !matches!(self, Self::MessengerUtility)
    }

    /// Whether the platform takes such bytes also when the person has been away for longer than its window.
    #[must_use]
    pub fn passes_window(self) -> bool {
        matches!(self, Self::MessengerUtility | Self::MessengerHumanAgent(_))
    }

    /// Until when the platform takes such bytes, where that depends on what they are of.
    #[must_use]
    pub fn good_until(self) -> Option<Timestamp> {
        match self {
            Self::MessengerHumanAgent(act) => Some(act.until),
            Self::MessengerUpdate | Self::MessengerReply | Self::MessengerUtility => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{Action, ChannelId, Psid};
    use serde_json::Value;

    #[test]
    fn the_tag_of_a_human_agent_comes_with_a_keystroke_and_with_nothing_else() {
        let to =
            Address { channel: ChannelId::new("1001").expect("an id"), psid: Psid::new("2").expect("an id") };
        let content = Content { persona: Some("77".into()), ..Content::text("I look into it, Huda") };
        let message = MessageId::from_bytes([7; 16]);
        let call = |encoding: Encoding| {
            let bytes = encoding.encode(&content, &to, message).expect("fits");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        };
        let last: Timestamp = "2026-11-20T10:00:00Z".parse().expect("an instant");
        let act = |words: &str| HumanAgentAct::of_keystroke("huda", words, last, last).expect("at once");
        let tagged = Encoding::MessengerHumanAgent(act("I look into it, Huda"));
        let own_words = call(tagged);
        let others = [
            Content { text: "Dear customer, we have an offer".into(), ..content.clone() },
            Content {
                suggestions: vec![Action::Postback { title: "More".into(), payload: "v1:more".into() }],
                ..content.clone()
            },
        ];
        for other in others {
            assert!(tagged.encode(&other, &to, message).is_err(), "not what the human wrote: {other:?}");
        }
        assert!(tagged.good_until().is_some_and(|until| until > last));
        // A picture that they chose, and no other, nor as a film, nor with words.
        let picture = |id: &str, media| MediaForm { media, attachment_id: id.into() };
        let sends = |media: MediaForm| Content { rich: Some(Rich::Media(media)), ..Content::text("") };
        let chosen = picture("4711", MediaKind::Image);
        let act = HumanAgentAct::of_choice("huda", &chosen, last, last).expect("at once");
        let tagged_picture = Encoding::MessengerHumanAgent(act);
        let bytes = tagged_picture.encode(&sends(chosen.clone()), &to, message).expect("fits");
        let sent: Value = serde_json::from_slice(&bytes).expect("JSON");
        let element = &sent["message"]["attachment"]["payload"]["elements"][0];
        assert_eq!((&sent["tag"], &element["attachment_id"]), (&"HUMAN_AGENT".into(), &"4711".into()));
        for other in [
            sends(picture("4712", MediaKind::Image)),
            sends(picture("4711", MediaKind::Video)),
            Content { text: "look".into(), ..sends(chosen.clone()) },
            content.clone(),
        ] {
            assert!(
                tagged_picture.encode(&other, &to, message).is_err(),
                "not what the human chose: {other:?}"
            );
        }
        assert!(tagged.encode(&sends(chosen), &to, message).is_err());
        assert_eq!(
            (&own_words["messaging_type"], &own_words["tag"]),
            (&"MESSAGE_TAG".into(), &"HUMAN_AGENT".into())
        );
        assert_eq!(
            (&own_words["persona_id"], &own_words["message"]["metadata"]),
            (&"77".into(), &message.to_string().into())
        );
        for automatic in [Encoding::MessengerUpdate, Encoding::MessengerReply] {
            let sent = call(automatic);
            assert!(sent.get("tag").is_none() && sent["messaging_type"] != "MESSAGE_TAG", "{sent}");
            assert!(!automatic.passes_window());
        }
        assert!(
            Encoding::MessengerUtility.encode(&content, &to, message).is_err(),
            "free words are no approved text"
        );
    }
}
