//! What a person does in the chat, whether by the chat page or by the control API, and the webhooks it causes.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::hub::{Hub, Inner, NewEvent};
use crate::limits;
use crate::model::{From, LinkToken, Progress, ThreadKey};
use crate::{Error, acts, ids, routing};

/// Why an action could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActionError {
    #[error(
        "page `{0}` is not configured, or the user name is empty, longer than 64 characters or not printable"
    )]
    NoThread(String),
    #[error("the text is empty or has {limit} characters or more", limit = limits::TEXT_CHARS)]
    Text,
    #[error("no button of kind `{kind}` with this payload or title is in the thread")]
    NoButton { kind: String },
    #[error(
        "kind `{0}` is unknown: use postback, quick_reply, get_started, menu, account_link or account_unlink"
    )]
    Kind(String),
    #[error("too many account links are open; wait five minutes")]
    Busy,
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    State(#[from] Error),
}

/// What a tap leads to.
#[derive(Debug)]
pub(crate) enum Tapped {
    /// An event was caused; the person's message, if the tap writes one.
    Done(Option<String>),
    /// The browser goes to this address (account linking).
    Open(String),
}

/// The person writes a text.
pub(crate) fn say(hub: &Arc<Hub>, key: &ThreadKey, text: &str) -> Result<String, ActionError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() >= limits::TEXT_CHARS {
        return Err(ActionError::Text);
    }
    hub.with(|inner, hub| write(inner, hub, key, text, None))?
        .ok_or_else(|| ActionError::NoThread(key.page.clone()))
}

fn write(inner: &mut Inner, hub: &Hub, key: &ThreadKey, text: &str, payload: Option<&str>) -> Option<String> {
    let message = match payload {
        Some(payload) => json!({"text": text, "quick_reply": {"payload": payload}}),
        None => json!({"text": text}),
    };
    acts::write(inner, hub, key, message.clone(), message)
}

/// Notes an action that opens the 24-hour window (reference 3) and returns the page-scoped id.
pub(crate) fn inbound(inner: &mut Inner, hub: &Hub, key: &ThreadKey) -> Option<String> {
    let now = hub.now_ms(inner);
    let thread = inner.thread(hub, key)?;
    thread.last_inbound_ms = Some(now);
    let psid = thread.psid.clone();
    routing::active(inner, hub, key);
    inner.save_thread(key);
    Some(psid)
}

/// The person taps something: a button, a quick reply, a menu entry, Get started.
pub(crate) fn tap(
    hub: &Arc<Hub>,
    key: &ThreadKey,
    kind: &str,
    payload: &str,
    title: &str,
) -> Result<Tapped, ActionError> {
    let no_thread = || ActionError::NoThread(key.page.clone());
    match kind {
        "quick_reply" => {
            let mid = hub.with(|inner, hub| write(inner, hub, key, title, Some(payload)))?;
            Ok(Tapped::Done(Some(mid.ok_or_else(no_thread)?)))
        }
        "postback" | "get_started" | "menu" => {
            let mid = hub.with(|inner, hub| postback(inner, hub, key, payload, title))?;
            Ok(Tapped::Done(Some(mid.ok_or_else(no_thread)?)))
        }
        "account_link" => {
            let url = hub.with(|inner, _| find_link_url(inner, key))?;
            let url = url.ok_or_else(|| ActionError::NoButton { kind: kind.to_owned() })?;
            Ok(Tapped::Open(start_link(hub, key, &url)?))
        }
        "account_unlink" => {
            hub.with(|inner, hub| unlink(inner, hub, key))?.ok_or_else(no_thread)?;
            Ok(Tapped::Done(None))
        }
        _ => Err(ActionError::Kind(kind.to_owned())),
    }
}

fn postback(inner: &mut Inner, hub: &Hub, key: &ThreadKey, payload: &str, title: &str) -> Option<String> {
    let psid = inbound(inner, hub, key)?;
    let mid = inner.mid(hub, key);
    let postback = json!({"mid": mid, "title": title, "payload": payload});
    let body = json!({"text": title, "postback": {"payload": payload}});
    let shown = inner.add_message(hub, key, From::User, mid.clone(), body, Progress::Sending)?;
    let item = json!({"sender": {"id": psid}, "recipient": {"id": key.page}, "postback": postback});
    let mut event = NewEvent::new(key, "messaging_postbacks", item);
    event.message = Some(shown.seq);
    if inner.push_event(hub, event).is_none() {
        inner.set_progress(key, shown.seq, Progress::Unheard);
    }
    Some(mid)
}

/// The address of the newest Log In button of the thread.
fn find_link_url(inner: &Inner, key: &ThreadKey) -> Option<String> {
    let thread = inner.data.threads.get(key)?;
    thread.messages.iter().rev().find_map(|message| link_url(&message.body))
}

/// The address of an `account_link` button anywhere in a message.
fn link_url(body: &Value) -> Option<String> {
    match body {
        Value::Object(map) => {
            let is_link = map
                .get("type")
                .and_then(Value::as_str)
                .is_some_and(|t| t.eq_ignore_ascii_case("account_link"));
            if is_link {
                return map.get("url").and_then(Value::as_str).map(str::to_owned);
            }
            map.values().find_map(link_url)
        }
        Value::Array(items) => items.iter().find_map(link_url),
        _ => None,
    }
}

/// Starts account linking (reference 5): a token of five minutes, and the address that the browser opens.
fn start_link(hub: &Arc<Hub>, key: &ThreadKey, button_url: &str) -> Result<String, ActionError> {
    let token = ids::link_token(&hub.entropy);
    hub.with(|inner, hub| {
        let now = hub.now_ms(inner);
        inner.data.link_tokens.retain(|_, t| t.expires_ms > now);
        if inner.data.link_tokens.len() >= limits::LINK_TOKENS {
            return Err(ActionError::Busy);
        }
        let expires_ms = now + limits::LINK_TOKEN_MS;
        inner.data.link_tokens.insert(token.clone(), LinkToken { key: key.clone(), expires_ms });
        Ok(())
    })??;
    let unusable = || ActionError::NoButton { kind: "account_link".to_owned() };
    let mut back = hub.config.public_base_url.join("/messenger/account_linking").map_err(|_| unusable())?;
    back.query_pairs_mut().append_pair("account_linking_token", &token);
    let mut url = url::Url::parse(button_url).map_err(|_| unusable())?;
    url.query_pairs_mut()
        .append_pair("account_linking_token", &token)
        .append_pair("redirect_uri", back.as_str());
    Ok(url.into())
}

/// Unlinks, by button or by the app's call, and says so to the app.
pub(crate) fn unlink(inner: &mut Inner, hub: &Hub, key: &ThreadKey) -> Option<()> {
    let thread = inner.thread(hub, key)?;
    let psid = thread.psid.clone();
    thread.linked = false;
    inner.save_thread(key);
    note(inner, hub, key, "unlinked");
    let item = json!({
        "sender": {"id": psid}, "recipient": {"id": key.page}, "account_linking": {"status": "unlinked"},
    });
    inner.push_event(hub, NewEvent::new(key, "messaging_account_linking", item));
    Some(())
}

/// A line of the platform itself in the thread: `linked`, `unlinked`, `link_failed`, `link_aborted`.
pub(crate) fn note(inner: &mut Inner, hub: &Hub, key: &ThreadKey, what: &str) {
    let mid = inner.mid(hub, key);
    inner.add_message(hub, key, From::System, mid, json!({"system": what}), Progress::Read);
}

/// Every page message of the thread that has not reached `to` yet does so now; the app hears a delivery or a read.
/// Returns how many messages moved.
pub(crate) fn advance(inner: &mut Inner, hub: &Hub, key: &ThreadKey, to: Progress) -> usize {
    let Some(thread) = inner.data.threads.get(key) else { return 0 };
    let psid = thread.psid.clone();
    let behind = |progress: Progress| match to {
        Progress::Delivered => progress == Progress::Sent,
        Progress::Read => matches!(progress, Progress::Sent | Progress::Delivered),
        _ => false,
    };
    let moved: Vec<_> = thread
        .messages
        .iter()
        .filter(|m| m.from == From::Page && behind(m.progress))
        .map(|m| (m.seq, m.mid.clone(), m.at_ms, m.progress))
        .collect();
    let Some(watermark) = moved.iter().map(|(_, _, at_ms, _)| *at_ms).max() else { return 0 };
    for (seq, ..) in &moved {
        inner.set_progress(key, *seq, to);
    }
    let parties =
        |what: &str, body: Value| json!({"sender": {"id": psid}, "recipient": {"id": key.page}, what: body});
    // What is read was delivered first; a message that skips the middle state still reports both.
    let mids: Vec<_> = moved
        .iter()
        .filter(|(.., progress)| *progress == Progress::Sent)
        .map(|(_, mid, ..)| mid.clone())
        .collect();
    if !mids.is_empty() {
        let item = parties("delivery", json!({"mids": mids, "watermark": watermark}));
        inner.push_event(hub, NewEvent::new(key, "message_deliveries", item));
    }
    if to == Progress::Read {
        let item = parties("read", json!({"watermark": watermark}));
        inner.push_event(hub, NewEvent::new(key, "message_reads", item));
    }
    moved.len()
}
