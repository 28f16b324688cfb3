//! Into which bytes a message is put: a closed list, since what is put into bytes is bank data on its way out.

use crate::messenger;
use amana_core::{Address, Content, Form, MessageId};

/// A message that a channel's rules do not allow. The text names the limit, never the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{limit}")]
pub struct EncodeError {
    /// Which limit, in a sentence.
    pub limit: String,
}

/// A human agent's own keystroke: what alone may carry Messenger's `HUMAN_AGENT` tag. There is no way to make one yet:
/// it comes with the agents' desk, where the keystroke is recorded. No automatic message can ever carry the tag.
///
/// ```compile_fail,E0451
/// let act = amana_render::HumanAgentAct { _keystroke: () };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HumanAgentAct {
    _keystroke: (),
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
            Self::MessengerHumanAgent(_) => messenger::encode_human_agent(content, to, message),
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

    /// Whether the platform takes such bytes also when the person has been away for longer than its window.
    #[must_use]
    pub fn passes_window(self) -> bool {
        matches!(self, Self::MessengerUtility | Self::MessengerHumanAgent(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{ChannelId, Psid};
    use serde_json::Value;

    /// A keystroke can be made here alone, where the field can be seen: whoever builds the desk puts its only maker
    /// beside the record of the keystroke.
    const KEYSTROKE: HumanAgentAct = HumanAgentAct { _keystroke: () };

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
        let own_words = call(Encoding::MessengerHumanAgent(KEYSTROKE));
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
