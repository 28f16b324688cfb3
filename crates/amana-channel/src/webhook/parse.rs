//! From the bytes of one webhook to events (messenger reference, sections 1.3 and 1.5).

use super::event::{ChannelEvent, Inbound};

/// What one webhook body held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Events of conversations, in the order given.
    pub events: Vec<Inbound>,
    /// Events of whole channels.
    pub channel_events: Vec<ChannelEvent>,
    /// Items that hold nothing for us: unknown ones and those in `faults`.
    pub ignored: u32,
    /// Items that are broken. Their neighbours are not affected.
    pub faults: Vec<WebhookError>,
}

/// What is wrong with a webhook body, or with one of its items. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook: {what} at `{place}`")]
pub struct WebhookError {
    /// Where, as a path such as `entry[0].messaging[2].sender.id`.
    pub place: String,
    /// What is wrong, and what was expected.
    pub what: String,
}

/// Reads one webhook body. Call [`super::verify_signature`] on the same bytes first.
///
/// # Errors
/// When the body as a whole is no webhook of a page: too large, not JSON, no `object: page`, no `entry` list.
pub fn parse(raw: &[u8]) -> Result<Parsed, WebhookError> {
    let _ = raw;
    Err(WebhookError { place: "$".to_owned(), what: "not read yet".to_owned() })
}
