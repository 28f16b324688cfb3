//! The Conversations API: what was said in a conversation, as the platform keeps it (messenger reference, section 1.6).
//!
//! Two calls per second and page. Of all messages it tells id and time, page by page, details of the newest 20 alone.
//! It names no `metadata`, so a message of ours is known by its words, and only a plain text has any there. What is
//! older than the newest 20 is known by its id, or not at all.

use super::http::Params;
use super::{Messenger, text_id};
use crate::channel::{History, SaidThere, SendError};
use crate::limits;
use crate::webhook::EchoWords;
use amana_core::{Address, Timestamp};
use reqwest::Method;
use serde_json::Value;

impl Messenger {
    /// What was said to the person by the page from `since` on, or by whom it is not told.
    pub(super) async fn history(&self, to: &Address, since: Timestamp) -> Result<History, SendError> {
        let page = &to.channel;
        let query = [("platform", "messenger"), ("user_id", to.psid.as_str()), ("fields", "id")];
        let params = Params { query: &query, ..Params::default() };
        let path = [page.as_str(), "conversations"];
        let answer = self.graph.call(page, Method::GET, &path, params).await.map_err(|r| r.class)?;
        let Some(thread) = rows(&answer).first().and_then(|row| row.get("id")).and_then(text_id) else {
            return Ok(History::Untold);
        };
        // It becomes part of a path, so it must be one segment of plain characters.
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'=');
        if thread.len() > limits::THREAD_ID_BYTES_MAX || !thread.bytes().all(plain) {
            return Ok(History::Untold);
        }
        let path = [thread.as_str(), "messages"];
        let most = limits::CONVERSATION_DETAILS.to_string();
        let query = [("fields", "id,created_time,from,message"), ("limit", most.as_str())];
        let params = Params { query: &query, ..Params::default() };
        let answer = self.graph.call(page, Method::GET, &path, params).await.map_err(|r| r.class)?;
        let Some(mut part) = read(&answer, page.as_str(), since, limits::CONVERSATION_DETAILS) else {
            return Ok(History::Untold);
        };
        let mut said = part.said;
        let most = limits::HISTORY_PAGE.to_string();
        for _ in 0..limits::HISTORY_PAGES_MAX {
            let after = match part.older {
                Older::Known => return Ok(History::Said(said)),
                Older::After(cursor) => cursor,
                Older::Unknown => return Ok(History::Untold),
            };
            tokio::time::sleep(limits::HISTORY_PACE).await;
            // Only the cursor is taken of what the platform names as the next page: an address of its own would be
            // called with our token.
            let query = [("fields", "id,created_time"), ("limit", most.as_str()), ("after", after.as_str())];
            let params = Params { query: &query, ..Params::default() };
            let answer = self.graph.call(page, Method::GET, &path, params).await.map_err(|r| r.class)?;
            match read(&answer, page.as_str(), since, limits::HISTORY_PAGE) {
                Some(next) => part = next,
                None => return Ok(History::Untold),
            }
            said.append(&mut part.said);
        }
        Ok(if matches!(part.older, Older::Known) { History::Said(said) } else { History::Untold })
    }
}

/// A part of a conversation, newest first.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    said: Vec<SaidThere>,
    older: Older,
}

/// What is behind a part.
#[derive(Debug, PartialEq, Eq)]
enum Older {
    /// Nothing, or only what is older than what was asked about.
    Known,
    /// What is found with this cursor.
    After(String),
    /// It cannot be asked for.
    Unknown,
}

fn rows(answer: &Value) -> &[Value] {
    answer.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whatever is not understood makes the whole of it unknown: that nothing was said must be sure.
fn read(answer: &Value, page: &str, since: Timestamp, most: usize) -> Option<Part> {
    answer.get("data").and_then(Value::as_array)?;
    let mut said = Vec::new();
    // A short page that names a next one is not the last.
    let mut reached = rows(answer).len() < most && answer.pointer("/paging/next").is_none();
    for row in rows(answer) {
        // Whole seconds: what was said in the same one counts as after.
        if time(row.get("created_time")?.as_str()?)?.as_second() < since.as_second() {
            reached = true;
            continue;
        }
        let from = row.get("from").and_then(|from| from.get("id")).and_then(text_id);
        if from.as_deref().is_some_and(|from| from != page) {
            continue;
        }
        let text = row.get("message").and_then(Value::as_str).unwrap_or_default();
        let words = if text.trim().is_empty() { Vec::new() } else { vec![text.to_owned()] };
        said.push(SaidThere { mid: row.get("id").and_then(text_id)?, words: EchoWords(words) });
    }
    let cursor = || answer.pointer("/paging/cursors/after").and_then(Value::as_str);
    let usable = |cursor: &&str| !cursor.is_empty() && cursor.len() <= limits::CURSOR_BYTES_MAX;
    let older = match cursor().filter(usable) {
        _ if reached => Older::Known,
        // A page without any row leads nowhere.
        Some(after) if !rows(answer).is_empty() => Older::After(after.to_owned()),
        _ => Older::Unknown,
    };
    Some(Part { said, older })
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
            let part = read(&json!({ "data": rows }), "1001", since, 20)?;
            let all = part.said.into_iter().map(|one| (one.mid, one.words.0)).collect::<Vec<_>>();
            (part.older == Older::Known).then_some(all)
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
        assert_eq!(of(vec![theirs.clone(); 20]), None, "what came before is not told");
        let bare = json!({"id": "m_5", "created_time": "2026-11-24T10:00:11+0000"});
        assert_eq!(
            of(vec![bare, old.clone()]),
            Some(vec![("m_5".to_owned(), vec![])]),
            "of whom is not told"
        );
        for odd in [json!({}), json!({"id": "m_1"}), row("m_1", "yesterday", "1001", "x")] {
            assert_eq!(of(vec![old.clone(), odd]), None, "not understood is not nothing");
        }
        assert_eq!(read(&json!({"error": 1}), "1001", since, 20), None);
        let older = |rows: Vec<Value>, paging: Value| {
            read(&json!({"data": rows, "paging": paging}), "1001", since, 20).map(|part| part.older)
        };
        let more = json!({"cursors": {"before": "a", "after": "b"}, "next": "https://graph.example/x"});
        let full = || vec![theirs.clone(); 20];
        assert_eq!(older(full(), more.clone()), Some(Older::After("b".to_owned())));
        assert_eq!(
            older(vec![theirs.clone()], more.clone()),
            Some(Older::After("b".to_owned())),
            "a short one"
        );
        assert_eq!(older(vec![theirs.clone(), old], more.clone()), Some(Older::Known), "far enough");
        assert_eq!(older(vec![], more), Some(Older::Unknown), "no end, and nothing on the way to it");
        assert_eq!(older(full(), json!({"next": "https://graph.example/x"})), Some(Older::Unknown));
    }
}
