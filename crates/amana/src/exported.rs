//! A thread as the platform itself exports it ("download your information", JSON): read, and held against a time.
//! Nothing here knows a store: `amana audit reconcile` does the rest.

use serde::Deserialize;

/// One file of an export: `messages/inbox/THREAD/message_1.json`, by whatever names the folders above have today.
#[derive(Debug, Deserialize)]
struct Thread {
    #[serde(default)]
    title: String,
    #[serde(default)]
    messages: Vec<Exported>,
}

#[derive(Debug, Deserialize)]
struct Exported {
    #[serde(default)]
    sender_name: String,
    timestamp_ms: i64,
    content: Option<String>,
}

/// A message of the Page, as the export has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) at_ms: i64,
    pub(crate) text: Option<String>,
}

/// What a file of a thread says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The messages of the Page, in the file's order.
    pub(crate) told: Vec<Told>,
    /// Who sent something: one name for each message.
    pub(crate) senders: Vec<String>,
}

/// Reads a file of a thread. The Page is the sender of that name, or the one after whom the thread is named: in the
/// customer's own export that is the other side.
///
/// # Errors
/// The line at which it is not such a file.
pub(crate) fn thread(text: &str, page: Option<&str>) -> Result<Heard, usize> {
    let thread: Thread = serde_json::from_str(text).map_err(|error| error.line())?;
    let title = mended(&thread.title);
    let mut heard = Heard { told: Vec::new(), senders: Vec::new() };
    for message in thread.messages {
        let sender = mended(&message.sender_name);
        if sender == page.unwrap_or(&title) {
            let text = message.content.as_deref().map(mended);
            heard.told.push(Told { at_ms: message.timestamp_ms, text });
        }
        heard.senders.push(sender);
    }
    Ok(heard)
}

/// The platform writes UTF-8 as if each byte were a character of Latin-1. What is no such text is left as it is.
fn mended(text: &str) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

/// When a message of ours was or may have been sent, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) sent_ms: Option<i64>,
    /// Whether it may have been sent all the same.
    pub(crate) tried: bool,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: i64,
}

impl Sending {
    /// How far off an exported message's time is, if it may be this one. The export may say any time at all.
    pub(crate) fn distance_ms(self, at_ms: i64, tolerance_ms: i64) -> Option<i64> {
        match self.sent_ms {
            Some(sent) => {
                Some(sent.saturating_sub(at_ms).saturating_abs()).filter(|off| *off <= tolerance_ms)
            }
            // It may have arrived at any of its attempts.
            None if self.tried => {
                let after = at_ms.saturating_sub(self.created_ms);
                let life = self.expires_ms.saturating_sub(self.created_ms);
                (after >= -tolerance_ms && after <= life.saturating_add(tolerance_ms))
                    .then_some(tolerance_ms.saturating_add(after.saturating_abs()))
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_way_of_writing_utf8_is_mended() {
        assert_eq!(mended("caf\u{c3}\u{a9}"), "café");
        assert_eq!(mended("\u{d8}\u{b1}\u{d8}\u{b5}\u{d9}\u{8a}\u{d8}\u{af}"), "رصيد");
        assert_eq!(mended("plain"), "plain");
        assert_eq!(mended("رصيد"), "رصيد", "what was right already");
        assert_eq!(mended("caf\u{e9}"), "caf\u{e9}", "Latin-1 that is no UTF-8");
    }

    /// An export with a time at the edge of what a number holds once ended the command with an overflow.
    #[test]
    fn any_time_in_an_export_is_only_far_off() {
        let sent = Sending { sent_ms: Some(1_795_514_400_000), tried: true, created_ms: 1, expires_ms: 2 };
        let tried = Sending { sent_ms: None, created_ms: 1_795_514_400_000, expires_ms: i64::MAX, ..sent };
        for at in [i64::MIN, i64::MIN + 1, 0, i64::MAX] {
            assert_eq!(sent.distance_ms(at, 60_000), None, "{at}");
        }
        assert_eq!(sent.distance_ms(1_795_514_400_007, 60_000), Some(7));
        assert_eq!(tried.distance_ms(i64::MIN, 60_000), None);
        assert_eq!(tried.distance_ms(1_795_514_400_007, 60_000), Some(60_007));
        let read = thread(&format!(r#"{{"messages":[{{"timestamp_ms":{}}}]}}"#, i64::MIN), Some(""));
        assert_eq!(read.map(|heard| heard.told), Ok(vec![Told { at_ms: i64::MIN, text: None }]));
    }
}
