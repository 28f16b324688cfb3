//! Content to the bytes of one Send API call, and back for the privacy page (messenger reference, section 2).

use amana_core::{Address, Content, MessageId};
use amana_gate::EncodeError;

/// Encodes a message that nobody asked for just now (`messaging_type: UPDATE`). An [`amana_gate::Encode`].
///
/// # Errors
/// When a limit of Messenger is broken; the error names it.
pub fn encode(content: &Content, to: &Address, message: MessageId) -> Result<Vec<u8>, EncodeError> {
    let _ = (content, to, message);
    Err(EncodeError { limit: "not encoded yet".to_owned() })
}

/// Encodes an answer to what the person just did (`messaging_type: RESPONSE`). An [`amana_gate::Encode`].
///
/// # Errors
/// As [`encode`].
pub fn encode_reply(content: &Content, to: &Address, message: MessageId) -> Result<Vec<u8>, EncodeError> {
    encode(content, to, message)
}

/// What was said, read back from our own bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The text; may be empty.
    pub text: String,
    /// The lines of a card: title and subtitle.
    pub lines: Vec<(String, String)>,
    /// What the buttons and quick replies said.
    pub buttons: Vec<String>,
}

/// Reads our own encoding back for a person's eyes. `None` if the bytes are not of this encoding.
#[must_use]
pub fn decode_for_display(bytes: &[u8]) -> Option<Said> {
    let _ = bytes;
    None
}
