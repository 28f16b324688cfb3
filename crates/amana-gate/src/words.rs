//! Whether a message of ours says a text: asked by who has the platform's own record of a thread, answered without
//! handing the message out.

use crate::decision::Denial;
use crate::key::DataKey;
use crate::release::{Gate, OutboxRow, open_payload};
use amana_core::MessageId;
use amana_render::messenger::decode_for_display;
use serde_json::Value;

/// A text as it is compared: what a platform changes on the way (white space, marks of direction) does not count.
fn plain(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'))
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(leaf) => plain(leaf) == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(fields) => fields.values().any(|field| holds(field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The texts of a message that a person reads, each once: of what is longer than [`SAID_MAX`] only the first.
fn leaves(value: &Value, of: &mut Vec<String>) {
    match value {
        Value::String(leaf) => {
            let leaf = plain(leaf);
            if of.len() < SAID_MAX && !leaf.is_empty() && !of.contains(&leaf) {
                of.push(leaf);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, of)),
        // An export has no address and no payload of a button.
        Value::Object(fields) => {
            let read = |name: &str| {
                matches!(
                    name,
                    "message" | "attachment" | "payload" | "elements" | "text" | "title" | "subtitle"
                )
            };
            fields.iter().filter(|(name, _)| read(name)).for_each(|(_, field)| leaves(field, of));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The most texts of one message that are remembered: a carousel of ten cards with a title and a line each.
const SAID_MAX: usize = 20;
/// The bytes of a MAC that are kept of each: 64 bits, forged once in 2^64 tries that only the gate could make.
const SAID_BYTES: usize = 8;

impl Gate {
    /// What remains of the words of a message without bank data when its bytes go: a short MAC of each text, bound to
    /// the message, so that equal texts look different.
    pub(crate) fn words_of(&self, message: MessageId, body: &[u8]) -> Vec<u8> {
        let mut texts = Vec::new();
        if let Ok(body) = serde_json::from_slice::<Value>(body) {
            leaves(&body, &mut texts);
        }
        texts.iter().flat_map(|text| self.mac_of_words(message, text)).collect()
    }

    fn mac_of_words(&self, message: MessageId, text: &str) -> [u8; SAID_BYTES] {
        let mac = self.mac(&[b"amana/said/v1", message.as_bytes(), text.as_bytes()]);
        let mut short = [0; SAID_BYTES];
        short.copy_from_slice(mac.split_at(SAID_BYTES).0);
        short
    }

    /// Whether the message of this row said exactly this text, by what remains of its words ([`OutboxRow::said`]).
    #[must_use]
    pub fn row_said(&self, row: &OutboxRow, text: &str) -> bool {
        let text = plain(text);
        !text.is_empty()
            && row.said.chunks_exact(SAID_BYTES).any(|said| said == self.mac_of_words(row.message, &text))
    }

    /// Whether the message in this row says exactly this text somewhere (its text, a title, a line). Only that is
    /// answered; the bytes stay here.
    ///
    /// # Errors
    /// When the row does not open, or holds no message.
    pub fn row_says(&self, row: &OutboxRow, key: &DataKey, text: &str) -> Result<bool, Denial> {
        Ok(!plain(text).is_empty() && self.row_says_all(row, key, &[text])?)
    }

    /// Whether the message in this row says each of these texts somewhere; a text of nothing is said by every message.
    ///
    /// # Errors
    /// As [`Gate::row_says`].
    pub fn row_says_all(&self, row: &OutboxRow, key: &DataKey, texts: &[&str]) -> Result<bool, Denial> {
        let body = zeroize::Zeroizing::new(open_payload(row, key)?);
        let message: Value = serde_json::from_slice(&body).map_err(|_| Denial::Unreadable)?;
        // A text that was approved beforehand is named in the bytes, and reads as the platform has it.
        let as_read = message.pointer("/message/template").and_then(|_| decode_for_display(&body));
        let reads = |text: &str| {
            as_read
                .as_ref()
                .is_some_and(|said| said.buttons.iter().chain([&said.text]).any(|t| plain(t) == text))
        };
        Ok(texts
            .iter()
            .map(|text| plain(text))
            .all(|text| text.is_empty() || holds(&message, &text) || reads(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_platform_changes_does_not_count_and_the_rest_does() {
        let message =
            serde_json::json!({"message": {"text": "You paid \u{2066}42.10\u{2069} USD\n at Blue Bottle"}});
        assert!(holds(&message, &plain("You paid 42.10 USD at Blue Bottle")));
        assert!(!holds(&message, &plain("You paid 42.11 USD at Blue Bottle")));
        assert!(!holds(&message, &plain("42.10")), "a part is not the whole");
    }

    #[test]
    fn each_text_that_is_read_is_remembered_once_up_to_a_number() {
        let texts: Vec<_> =
            (0..2 * SAID_MAX).map(|n| serde_json::json!({"text": (n / 2).to_string()})).collect();
        let of = |message: Value| {
            let mut found = Vec::new();
            leaves(&message, &mut found);
            found
        };
        let all: Vec<_> = (0..SAID_MAX).map(|n| n.to_string()).collect();
        assert_eq!(of(serde_json::json!({"message": texts})), all, "each once");
        let more: Vec<_> = (0..=SAID_MAX).map(|n| n.to_string()).collect();
        assert_eq!(of(serde_json::json!({"message": more})), all, "no more than so many");
        let unread = serde_json::json!({"message": {"text": " ", "title": "a", "url": "https://x.example", "metadata": "m"}});
        assert_eq!(of(unread), ["a"], "what nobody reads is left out");
    }
}
