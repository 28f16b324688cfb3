//! Into which bytes a message is put: a closed list, since what is put into bytes is bank data on its way out.

use crate::messenger;
use amana_core::{Address, Content, MessageId};

/// A message that a channel's rules do not allow. The text names the limit, never the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{limit}")]
pub struct EncodeError {
    /// Which limit, in a sentence.
    pub limit: String,
}

/// The bytes that a platform's API takes. Another platform is another entry here, and a module beside
/// [`messenger`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// A call of Messenger's Send API for what nobody asked for just now (`messaging_type: UPDATE`).
    MessengerUpdate,
    /// The same for an answer to what the person just did (`messaging_type: RESPONSE`).
    MessengerReply,
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
        }
    }
}
