//! The Conversations API: what was said in a conversation, as the platform keeps it (messenger reference, section 1.6).
//!
//! Two calls per second and page. Of all messages it tells id and time, page by page, details of the newest 20 alone.
//! It names no `metadata`, so a message of ours is known by its words: a plain text by all of it, what has buttons or
//! lines by what `attachments` tells of it as a `generic_template`, where it does. What is older than the newest 20 is
//! known by its id, or not at all.

use super::http::Params;
use super::{Messenger, text_id};
use crate::channel::{Heard, History, SaidThere, SendError};
use crate::limits;
use crate::webhook::EchoWords;
use amana_core::{Address, ChannelId, Psid, Timestamp};
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
        if !is_segment(&thread) {
            return Ok(History::Untold);
        }
        let path = [thread.as_str(), "messages"];
        let most = limits::CONVERSATION_DETAILS.to_string();
        // Without fields of its own: with them the platform leaves templates out.
        let query = [("fields", "id,created_time,from,message,attachments"), ("limit", most.as_str())];
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

impl Messenger {
    /// The page's conversations in which something was said from `since` on, newest first; `None` if it is not told.
    pub(super) async fn talked(
        &self,
        page: &ChannelId,
        since: Timestamp,
    ) -> Result<Option<Vec<String>>, SendError> {
        let most = limits::TALKED_PAGE.to_string();
        let path = [page.as_str(), "conversations"];
        let (mut threads, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
        while threads.len() < limits::TALKED_MAX {
            let mut query =
                vec![("platform", "messenger"), ("fields", "id,updated_time"), ("limit", most.as_str())];
            query.extend(after.as_deref().map(|after| ("after", after)));
            if after.is_some() {
                tokio::time::sleep(limits::TALK_EVERY).await;
            }
            let params = Params { query: &query, ..Params::default() };
            let answer = self.graph.call(page, Method::GET, &path, params).await.map_err(|r| r.class)?;
            let Some((found, more)) = read_threads(&answer, since) else { return Ok(None) };
            threads.extend(found);
            // The list is ordered: behind an older one there are only older ones.
            match more {
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => break,
            }
        }
        threads.truncate(limits::TALKED_MAX);
        Ok(Some(threads))
    }

    /// What the person wrote in a conversation from `since` on, oldest first.
    pub(super) async fn heard(
        &self,
        page: &ChannelId,
        thread: &str,
        since: Timestamp,
    ) -> Result<Vec<Heard>, SendError> {
        if !is_segment(thread) {
            return Ok(Vec::new());
        }
        let most = limits::CONVERSATION_DETAILS.to_string();
        let query =
            [("fields", "id,created_time,from,message,attachments,sticker"), ("limit", most.as_str())];
        let params = Params { query: &query, ..Params::default() };
        let answer = self.graph.call(page, Method::GET, &[thread, "messages"], params).await;
        Ok(read_heard(&answer.map_err(|r| r.class)?, page.as_str(), since))
    }
}

/// Whether an id can be part of a path: one segment of plain characters.
fn is_segment(thread: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'=');
    !thread.is_empty() && thread.len() <= limits::THREAD_ID_BYTES_MAX && thread.bytes().all(plain)
}

/// The conversations of a page of the list that changed from `since` on, and the place to go on from, if there may be
/// more of them.
fn read_threads(answer: &Value, since: Timestamp) -> Option<(Vec<String>, Option<String>)> {
    let listed = answer.get("data").and_then(Value::as_array)?;
    let mut threads = Vec::new();
    let mut older = false;
    for row in listed {
        // Of what has no time it is looked into.
        let at = row.get("updated_time").and_then(Value::as_str).and_then(time);
        if at.is_some_and(|at| at.as_second() < since.as_second()) {
            older = true;
            continue;
        }
        threads.extend(row.get("id").and_then(text_id));
    }
    let next = answer.pointer("/paging/next").and(answer.pointer("/paging/cursors/after"));
    let next = next.and_then(Value::as_str).filter(|next| !older && next.len() <= limits::CURSOR_BYTES_MAX);
    Some((threads, next.map(str::to_owned)))
}

/// What is not understood is left out: something that is found is more than nothing.
fn read_heard(answer: &Value, page: &str, since: Timestamp) -> Vec<Heard> {
    let one = |row: &Value| {
        let at = time(row.get("created_time")?.as_str()?)?;
        let from = row.get("from").and_then(|from| from.get("id")).and_then(text_id)?;
        let text = row.get("message").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let mid = row.get("id").and_then(text_id)?;
        let wanted = at.as_second() >= since.as_second()
            && from != page
            && (text.is_some() || bears_something(row))
            && mid.len() <= limits::MID_BYTES_MAX;
        wanted.then_some(Heard { psid: Psid::new(from).ok()?, mid, text: text.map(str::to_owned), at })
    };
    let mut heard: Vec<Heard> = rows(answer).iter().filter_map(one).collect();
    // Newest first, as the platform has them; within a second its order is all there is.
    heard.reverse();
    heard
}

/// Whether a message without words holds something else. One with neither may be one that the person took back.
fn bears_something(row: &Value) -> bool {
    let attached = row.get("attachments").map(|there| there.get("data").unwrap_or(there));
    attached.and_then(Value::as_array).is_some_and(|list| !list.is_empty())
        || row.get("sticker").and_then(Value::as_str).is_some_and(|sticker| !sticker.is_empty())
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
        let whole = !text.trim().is_empty();
        let words = match from {
            _ if whole => vec![text.to_owned()],
            // Only the page's own: what the person sent is known by its id.
            Some(_) => of_template(row),
            None => Vec::new(),
        };
        said.push(SaidThere { mid: row.get("id").and_then(text_id)?, words: EchoWords(words), whole });
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

/// What is told of a template: title, subtitle and the titles of the buttons of each part that has a title. Without
/// one it is nothing: by its buttons alone no message is known.
fn of_template(row: &Value) -> Vec<String> {
    let attached = row.get("attachments").map(|there| there.get("data").unwrap_or(there));
    let attached = attached.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |of: &Value, name: &str| {
        of.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
    };
    let told = attached.iter().filter_map(|one| one.get("generic_template"));
    let said = |told: &Value| {
        let mut words = vec![text(told, "title")?];
        words.extend(text(told, "subtitle"));
        let buttons = told.get("cta").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        words.extend(buttons.iter().filter_map(|button| text(button, "title")));
        Some(words)
    };
    told.filter_map(said).flatten().take(limits::ECHO_WORDS_MAX).collect()
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
    fn what_people_wrote_meanwhile_is_found_with_what_it_needs_to_be_known_again() {
        let since: Timestamp = "2026-11-24T10:00:00.7Z".parse().expect("an instant");
        let picture = |mid: &str, attachments: Value| {
            let mut row = row(mid, "2026-11-24T10:00:06+0000", "7", "");
            row["attachments"] = attachments;
            row
        };
        let rows = json!({"data": [
            row("m_4", "2026-11-24T10:00:09+0000", "7", "stop"),
            row("m_3", "2026-11-24T10:00:08+0000", "1001", "ours"),
            row("m_2", "2026-11-24T10:00:00+0000", "7", "same second"),
            row("m_5", "2026-11-24T10:00:07+0000", "7", " "),
            {"id": "m_6"}, picture("m_7", json!({"data": [{"mime_type": "image/png"}]})),
            picture("m_8", json!([])), row("m_1", "2026-11-24T09:59:59+0000", "7", "before"),
        ]});
        let heard = read_heard(&rows, "1001", since);
        let mids: Vec<&str> = heard.iter().map(|one| one.mid.as_str()).collect();
        assert_eq!(mids, ["m_7", "m_2", "m_4"], "the oldest first");
        assert_eq!((heard[2].psid.as_str(), heard[2].text.as_deref()), ("7", Some("stop")));
        assert_eq!(heard[0].text, None, "a picture is one, and an empty message nothing");
        assert!(!format!("{heard:?}").contains("stop"), "words print nothing");

        let listed = |last: &str, paging: Value| {
            json!({"data": [{"id": "t_1", "updated_time": "2026-11-24T10:00:09+0000"},
                {"id": "t_2", "updated_time": last}], "paging": paging})
        };
        let more = || json!({"next": "https://x", "cursors": {"after": "A"}});
        let new = "2026-11-24T10:00:00+0000";
        let both = || vec!["t_1".to_owned(), "t_2".to_owned()];
        assert_eq!(read_threads(&listed(new, more()), since), Some((both(), Some("A".to_owned()))));
        assert_eq!(read_threads(&listed(new, json!({})), since), Some((both(), None)));
        let old = listed("2026-11-24T09:00:00+0000", more());
        assert_eq!(read_threads(&old, since), Some((vec!["t_1".to_owned()], None)), "only older ones follow");
        assert_eq!(read_threads(&json!({}), since), None);
        assert!(is_segment("t_100:3=") && !is_segment("../me") && !is_segment(""));
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
        // A template's words are those of the page's alone, and not all that it says; without a title it has none.
        let template = |from: &str, told: Value| {
            let mut row = row("m_6", "2026-11-24T10:00:12+0000", from, "");
            row["attachments"] = json!({"data": [{"id": "1"}, {"id": "2", "generic_template": told}]});
            read(&json!({ "data": [row, old.clone()] }), "1001", since, 20).expect("understood").said
        };
        let cta = json!([{"title": "Details", "type": "postback"}, {"type": "web_url", "url": "https://x.example"}]);
        let told = template("1001", json!({"title": "You paid", "subtitle": "", "cta": cta}));
        assert_eq!((told[0].words.0.join("|").as_str(), told[0].whole), ("You paid|Details", false));
        assert!(template("1001", json!({"title": " ", "cta": cta}))[0].words.0.is_empty());
        assert!(template("1001", json!("odd"))[0].words.0.is_empty());
        assert!(template("7", json!({"title": "theirs"})).is_empty());
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
