//! The Conversations API (messenger reference 1.6): what a client reads after an outage, since webhooks have no replay.
//! Ids and times of all messages, page by page; details only of the newest 20 of a conversation.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Call;
use super::error::GraphError;
use crate::hub::{Hub, Inner};
use crate::limits;
use crate::model::{From, Message, Thread};
use crate::routing;
use crate::usage::Meter;

fn charge(inner: &mut Inner, hub: &Hub, page: &str) -> Result<(), GraphError> {
    let now = hub.now_ms(inner);
    let limit = u64::from(inner.data.settings.conversations_per_s);
    if inner.data.usage.charge(now, Meter::Conversations, page, limit) {
        Ok(())
    } else {
        Err(GraphError::throttled(613))
    }
}

fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string())
        .unwrap_or_default()
}

/// `GET /{page}/conversations?platform=messenger&user_id=PSID`: newest first.
pub(super) fn list(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let user = call.params.text("user_id");
    hub.with(|inner, hub| {
        charge(inner, hub, page)?;
        let mut found: Vec<(i64, Value)> = inner
            .data
            .threads
            .values()
            .filter(|t| t.key.page == page && user.as_ref().is_none_or(|u| *u == t.psid))
            .filter_map(|t| Some((t.messages.back()?.at_ms, t)))
            .map(|(at, t)| {
                let is_owner = routing::may_send(inner, hub, &t.key);
                let id = format!("t_{}", t.psid);
                (at, json!({"id": id, "updated_time": time(at), "is_owner": is_owner}))
            })
            .collect();
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let data: Vec<_> = found.into_iter().map(|(_, value)| value).collect();
        Ok(json!({ "data": data }))
    })?
}

fn visible(thread: &Thread) -> impl Iterator<Item = &Message> {
    thread.messages.iter().rev().filter(|m| m.from != From::System && m.body.get("deleted").is_none())
}

/// `GET /t_{id}?fields=messages` and `GET /t_{id}/messages`: ids and times, newest first, page by page; the latter with
/// the fields that are asked for. `after` leads to what is older, `before` to what is newer.
pub(super) fn read(
    hub: &Arc<Hub>,
    call: &Call,
    page: &str,
    psid: &str,
    edge: &str,
) -> Result<Value, GraphError> {
    let limit = call.params.text("limit").and_then(|l| l.parse().ok()).unwrap_or(limits::MESSAGES_PAGE);
    let limit = limit.clamp(1, limits::MESSAGES_PAGE_MAX);
    let (after, before) = (cursor(call, "after")?, cursor(call, "before")?);
    hub.with(|inner, hub| {
        charge(inner, hub, page)?;
        let key = inner.data.psids.get(psid).ok_or_else(|| GraphError::no_object("GET", psid))?;
        let thread = inner.data.threads.get(key).ok_or_else(|| GraphError::no_object("GET", psid))?;
        let all: Vec<(usize, &Message)> = visible(thread).enumerate().collect();
        // A message that is gone has its place all the same: what is older is still older.
        let first = match (after, before) {
            (Some(seq), _) => all.partition_point(|(_, m)| m.seq >= seq),
            (None, Some(seq)) => all.partition_point(|(_, m)| m.seq > seq).saturating_sub(limit),
            (None, None) => 0,
        };
        let end = match (after, before) {
            (None, Some(seq)) => all.partition_point(|(_, m)| m.seq > seq),
            _ => first.saturating_add(limit).min(all.len()),
        };
        let shown = all.get(first..end).unwrap_or_default();
        let data: Vec<_> = shown
            .iter()
            .map(|(place, m)| {
                let short = json!({"id": m.mid, "created_time": time(m.at_ms)});
                // Details only where they are asked for, and of the newest.
                if edge != "messages"
                    || call.params.get("fields").is_none()
                    || *place >= limits::CONVERSATION_DETAILS
                {
                    return short;
                }
                super::node::pick(call, details(hub, thread, m, page))
            })
            .collect();
        let mut messages = serde_json::Map::new();
        messages.insert("data".to_owned(), json!(data));
        if let (Some((_, newest)), Some((_, oldest))) = (shown.first(), shown.last()) {
            let (before, after) = (cursor_to(newest), cursor_to(oldest));
            let mut paging = serde_json::Map::new();
            paging.insert("cursors".to_owned(), json!({"before": before, "after": after}));
            // The platform names the pages beside this one only where there are any.
            let beside = |name: &str, to: &str| {
                let mut url = hub.config.public_base_url.clone();
                url.set_path(&format!("{}/t_{psid}/messages", limits::GRAPH_VERSION));
                url.query_pairs_mut().append_pair("limit", &limit.to_string()).append_pair(name, to);
                url.to_string()
            };
            if end < all.len() {
                paging.insert("next".to_owned(), json!(beside("after", &after)));
            }
            if first > 0 {
                paging.insert("previous".to_owned(), json!(beside("before", &before)));
            }
            messages.insert("paging".to_owned(), paging.into());
        }
        if edge == "messages" {
            return Ok(messages.into());
        }
        Ok(json!({"id": format!("t_{psid}"), "messages": messages}))
    })?
}

/// Opaque to the client, as the platform's are.
fn cursor_to(message: &Message) -> String {
    URL_SAFE_NO_PAD.encode(format!("m:{}", message.seq))
}

fn cursor(call: &Call, name: &str) -> Result<Option<u64>, GraphError> {
    let Some(text) = call.params.text(name) else { return Ok(None) };
    let read = URL_SAFE_NO_PAD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let seq = read.as_deref().and_then(|text| text.strip_prefix("m:")).and_then(|seq| seq.parse().ok());
    seq.map(Some).ok_or_else(|| GraphError::param("Invalid cursors values"))
}

/// `GET /{mid}?fields=id,created_time,from,to,message`.
pub(super) fn message(hub: &Arc<Hub>, call: &Call, page: &str, mid: &str) -> Result<Value, GraphError> {
    hub.with(|inner, hub| {
        charge(inner, hub, page)?;
        let found = inner
            .data
            .threads
            .values()
            .filter(|t| t.key.page == page)
            .find_map(|t| visible(t).position(|m| m.mid == mid).map(|place| (t, place)));
        let (thread, place) = found.ok_or_else(|| GraphError::no_object("GET", mid))?;
        if place >= limits::CONVERSATION_DETAILS {
            return Err(GraphError::param(
                "Only the details of the 20 most recent messages of a conversation can be read; this one has been \
                 deleted",
            ));
        }
        let message = visible(thread).nth(place).ok_or_else(|| GraphError::no_object("GET", mid))?;
        Ok(super::node::pick(call, details(hub, thread, message, page)))
    })?
}

fn details(hub: &Hub, thread: &Thread, message: &Message, page: &str) -> Value {
    let page_party = json!({"id": page, "name": hub.config.page(page).map(|p| p.name.clone())});
    let person = json!({"id": thread.psid, "name": thread.key.user});
    let (from, to) = if message.from == From::User { (person, page_party) } else { (page_party, person) };
    let text = message.body.get("text").and_then(Value::as_str).unwrap_or_default();
    // The shape is inferred: the reference has none.
    let attached = message.body.get("attachments").and_then(Value::as_array);
    let (stickers, files): (Vec<&Value>, Vec<&Value>) = attached
        .into_iter()
        .flatten()
        .partition(|attachment| attachment.get("type").and_then(Value::as_str) == Some("sticker"));
    let url = |attachment: &Value| attachment.pointer("/payload/url").cloned().unwrap_or_default();
    let mut shown: Vec<Value> = files.into_iter().map(|file| json!({"file_url": url(file)})).collect();
    shown.extend(message.body.get("attachment").and_then(generic));
    let details = json!({
        "id": message.mid, "created_time": time(message.at_ms), "from": from, "to": {"data": [to]}, "message": text,
        "sticker": stickers.first().map(|sticker| url(sticker)),
        "attachments": (!shown.is_empty()).then(|| json!({ "data": shown })),
    });
    said(details)
}

/// An object without what is not there.
fn said(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

/// How a template of the page's is shown: as a generic template, whatever it is, with its text as the title (reference
/// 4, for utility templates; that it is so for others is inferred from public clients). Of several elements the first,
/// and of a receipt or a picture nothing: of these nobody tells.
fn generic(attachment: &Value) -> Option<Value> {
    let payload = attachment.get("payload")?;
    let first = payload.pointer("/elements/0").unwrap_or(payload);
    let text = |name: &str| first.get(name).and_then(Value::as_str);
    let title = text("text").or_else(|| text("title"))?;
    let buttons = first.get("buttons").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let button =
        |of: &Value| said(json!({"title": of.get("title"), "type": of.get("type"), "url": of.get("url")}));
    let cta: Vec<Value> = buttons.iter().map(button).collect();
    let cta = (!cta.is_empty()).then_some(cta);
    let told = said(json!({"title": title, "subtitle": text("subtitle"), "cta": cta}));
    Some(json!({ "generic_template": told }))
}
