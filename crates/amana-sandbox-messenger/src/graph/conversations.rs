//! The Conversations API (messenger reference 1.6): what a client reads after an outage, since webhooks have no replay.
//! Details only of the newest 20 messages of a conversation.

use std::sync::Arc;

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

/// `GET /t_{id}?fields=messages` and `GET /t_{id}/messages`: ids and times, newest first; the latter with the fields
/// that are asked for.
pub(super) fn read(
    hub: &Arc<Hub>,
    call: &Call,
    page: &str,
    psid: &str,
    edge: &str,
) -> Result<Value, GraphError> {
    let limit = call.params.text("limit").and_then(|l| l.parse().ok()).unwrap_or(25_usize).min(500);
    hub.with(|inner, hub| {
        charge(inner, hub, page)?;
        let key = inner.data.psids.get(psid).ok_or_else(|| GraphError::no_object("GET", psid))?;
        let thread = inner.data.threads.get(key).ok_or_else(|| GraphError::no_object("GET", psid))?;
        let messages: Vec<_> = visible(thread)
            .take(limit)
            .enumerate()
            .map(|(place, m)| {
                let short = json!({"id": m.mid, "created_time": time(m.at_ms)});
                // Details only where they are asked for, and of the newest.
                if edge != "messages"
                    || call.params.get("fields").is_none()
                    || place >= limits::CONVERSATION_DETAILS
                {
                    return short;
                }
                super::node::pick(call, details(hub, thread, m, page))
            })
            .collect();
        if edge == "messages" {
            return Ok(json!({ "data": messages }));
        }
        Ok(json!({"id": format!("t_{psid}"), "messages": {"data": messages}}))
    })?
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
    json!({
        "id": message.mid, "created_time": time(message.at_ms), "from": from, "to": {"data": [to]}, "message": text,
    })
}
