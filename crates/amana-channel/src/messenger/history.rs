//! The Conversations API: what was said in a conversation, as the platform keeps it (messenger reference, section 1.6).
//!
//! Two calls per second and page, details of the newest 20 messages alone. It names no `metadata`, so a message of ours
//! is known by its words, and only a plain text has any there.

use super::http::Params;
use super::{Messenger, text_id};
use crate::channel::{SaidThere, SendError};
use crate::limits;
use crate::webhook::EchoWords;
use amana_core::{Address, Timestamp};
use reqwest::Method;
use serde_json::Value;

impl Messenger {
    /// What the page said to the person from `since` on; `None` if the platform does not tell, or not so far back.
    pub(super) async fn history(
        &self,
        to: &Address,
        since: Timestamp,
    ) -> Result<Option<Vec<SaidThere>>, SendError> {
        let page = &to.channel;
        let query = [("platform", "messenger"), ("user_id", to.psid.as_str()), ("fields", "id")];
        let params = Params { query: &query, ..Params::default() };
        let path = [page.as_str(), "conversations"];
        let answer = self.graph.call(page, Method::GET, &path, params).await.map_err(|r| r.class)?;
        let Some(thread) = rows(&answer).first().and_then(|row| row.get("id")).and_then(text_id) else {
            return Ok(None);
        };
        // It becomes part of a path, so it must be one segment of plain characters.
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'=');
        if thread.len() > limits::THREAD_ID_BYTES_MAX || !thread.bytes().all(plain) {
            return Ok(None);
        }
        let most = limits::CONVERSATION_DETAILS.to_string();
        let query = [("fields", "id,created_time,from,message"), ("limit", most.as_str())];
        let params = Params { query: &query, ..Params::default() };
        let answer = self.graph.call(page, Method::GET, &[&thread, "messages"], params).await;
        Ok(read(&answer.map_err(|r| r.class)?, page.as_str(), since))
    }
}

fn rows(answer: &Value) -> &[Value] {
    answer.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whatever is not understood makes the whole of it unknown: that nothing was said must be sure.
fn read(answer: &Value, page: &str, since: Timestamp) -> Option<Vec<SaidThere>> {
    answer.get("data").and_then(Value::as_array)?;
    let mut said = Vec::new();
    // A short page that names a next one is not the last.
    let mut reached =
        rows(answer).len() < limits::CONVERSATION_DETAILS && answer.pointer("/paging/next").is_none();
    for row in rows(answer) {
        // Whole seconds: what was said in the same one counts as after.
        if time(row.get("created_time")?.as_str()?)?.as_second() < since.as_second() {
            reached = true;
            continue;
        }
        if row.get("from").and_then(|from| from.get("id")).and_then(text_id)? != page {
            continue;
        }
        let text = row.get("message").and_then(Value::as_str).unwrap_or_default();
        let words = if text.trim().is_empty() { Vec::new() } else { vec![text.to_owned()] };
        said.push(SaidThere { mid: row.get("id").and_then(text_id)?, words: EchoWords(words) });
    }
    reached.then_some(said)
}

/// `2026-11-24T10:00:00+0000`.
fn time(text: &str) -> Option<Timestamp> {
    let utc = text.strip_suffix("+0000").map(|local| format!("{local}Z"));
    utc.as_deref().unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(mid: &str, at: &str, from: &str, text: &str) -> Value {
        json!({"id": mid, "created_time": at, "from": {"id": from, "name": "x"}, "message": text})
    }

    #[test]
    fn what_is_sure_is_told_and_nothing_else() {
        let since: Timestamp = "2026-11-24T10:00:00.7Z".parse().expect("an instant");
        let of = |rows: Vec<Value>| {
            let said = read(&json!({ "data": rows }), "1001", since);
            said.map(|all| all.into_iter().map(|one| (one.mid, one.words.0)).collect::<Vec<_>>())
        };
        let old = row("m_0", "2026-11-24T09:59:59+0000", "1001", "before");
        assert_eq!(of(vec![old.clone()]), Some(vec![]));
        assert_eq!(of(vec![]), Some(vec![]), "nothing at all was said");
        let ours = row("m_2", "2026-11-24T10:00:00+0000", "1001", "hello");
        let theirs = row("m_3", "2026-11-24T10:00:09+0000", "7", "a question");
        let card = row("m_4", "2026-11-24T10:00:10+0000", "1001", "");
        assert_eq!(
            of(vec![card, theirs.clone(), ours, old.clone()]),
            Some(vec![("m_4".to_owned(), vec![]), ("m_2".to_owned(), vec!["hello".to_owned()])])
        );
        assert_eq!(of(vec![theirs; limits::CONVERSATION_DETAILS]), None, "what came before is not told");
        for odd in [json!({}), json!({"id": "m_1"}), row("m_1", "yesterday", "1001", "x")] {
            assert_eq!(of(vec![old.clone(), odd]), None, "not understood is not nothing");
        }
        assert_eq!(read(&json!({"error": 1}), "1001", since), None);
    }
}
