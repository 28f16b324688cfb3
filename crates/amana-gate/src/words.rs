//! Whether a message of ours says a text: asked by who has the platform's own record of a thread, answered without
//! handing the message out.

use crate::decision::Denial;
use crate::key::DataKey;
use crate::release::{Gate, OutboxRow, open_payload};
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

impl Gate {
    /// Whether the message in this row says exactly this text somewhere (its text, a title, a line). Only that is
    /// answered; the bytes stay here.
    ///
    /// # Errors
    /// When the row does not open, or holds no message.
    pub fn row_says(&self, row: &OutboxRow, key: &DataKey, text: &str) -> Result<bool, Denial> {
        let text = plain(text);
        let body = zeroize::Zeroizing::new(open_payload(row, key)?);
        let message: Value = serde_json::from_slice(&body).map_err(|_| Denial::Unreadable)?;
        Ok(!text.is_empty() && holds(&message, &text))
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
}
