//! The edges of Conversation Routing (messenger reference 6).

use std::sync::Arc;

use serde_json::{Value, json};

use super::Call;
use super::error::GraphError;
use super::params::text;
use crate::hub::{Hub, Inner};
use crate::limits;
use crate::model::ThreadKey;
use crate::routing;

/// The conversation that `recipient` names: an object with `id`, or the bare id.
fn conversation(inner: &Inner, call: &Call, page: &str) -> Result<ThreadKey, GraphError> {
    let recipient = call
        .params
        .get("recipient")
        .ok_or_else(|| GraphError::param("The parameter recipient is required"))?;
    let psid = recipient.get("id").and_then(text).or_else(|| text(recipient)).unwrap_or_default();
    inner.data.psids.get(&psid).filter(|k| k.page == page).cloned().ok_or_else(GraphError::no_user)
}

/// `GET /{page}/thread_owner?recipient=PSID`. Empty when the thread is idle; the app id only for the owner and the
/// default app. Without a default app our app counts as the owner of a thread that is not idle.
pub(super) fn owner(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    hub.with(|inner, hub| {
        let key = conversation(inner, call, page)?;
        let now = hub.now_ms(inner);
        let ours = hub.config.app_id.as_str();
        let default = inner.data.pages.get(page).and_then(|p| p.default_app.clone());
        let (app, until) = match (routing::owner(inner, hub, &key), &default) {
            (Some(owner), _) => (owner.app, owner.until_ms),
            (None, Some(_)) => return Ok(json!({"data": []})),
            (None, None) => {
                let last = inner.data.threads.get(&key).and_then(|t| t.last_inbound_ms);
                match last.map(|at| at + limits::OWNER_MS).filter(|end| *end > now) {
                    Some(end) => (ours.to_owned(), end),
                    None => return Ok(json!({"data": []})),
                }
            }
        };
        let mut shown = json!({"expiration": until / 1_000});
        let may_know = app == ours || default.as_deref().is_none_or(|d| d == ours);
        if let (Value::Object(map), true) = (&mut shown, may_know) {
            map.insert("app_id".to_owned(), json!(app));
        }
        Ok(json!({"data": [{"thread_owner": shown}]}))
    })?
}

/// The five `POST …_thread_control` edges.
pub(super) fn control(hub: &Arc<Hub>, call: &Call, page: &str, edge: &str) -> Result<Value, GraphError> {
    let metadata = call.params.text("metadata");
    if metadata.as_ref().is_some_and(|m| m.chars().count() >= limits::METADATA_CHARS) {
        return Err(GraphError::param("Length of param metadata must be less than 1000"));
    }
    hub.with(|inner, hub| {
        let key = conversation(inner, call, page)?;
        let ours = hub.config.app_id.clone();
        let metadata = metadata.as_deref();
        match edge {
            "pass_thread_control" => {
                let target = call
                    .params
                    .text("target_app_id")
                    .ok_or_else(|| GraphError::param("The parameter target_app_id is required"))?;
                routing::pass(inner, hub, &key, &ours, &target, metadata)?;
            }
            "release_thread_control" => routing::release(inner, hub, &key, &ours)?,
            "take_thread_control" => routing::take(inner, hub, &key, &ours, metadata)?,
            "request_thread_control" => routing::request(inner, hub, &key, &ours, metadata)?,
            _ => {
                let duration = call
                    .params
                    .text("duration")
                    .and_then(|d| d.parse::<i64>().ok())
                    .ok_or_else(|| GraphError::param("The parameter duration is required"))?;
                routing::extend(inner, hub, &key, &ours, duration)?;
            }
        }
        Ok(json!({"success": true}))
    })?
}

/// `thread_control: {control_type, app_id?}` of a send: done with it, or not at all.
pub(super) fn with_send(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    control: &Value,
) -> Result<(), GraphError> {
    let ours = hub.config.app_id.clone();
    let kind = control.get("control_type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "pass" => {
            let target = control
                .get("app_id")
                .and_then(text)
                .ok_or_else(|| GraphError::param("Param thread_control[app_id] is required"))?;
            routing::pass(inner, hub, key, &ours, &target, None)
        }
        "release" => routing::release(inner, hub, key, &ours),
        _ => Err(GraphError::param("Param thread_control[control_type] must be one of {pass, release}")),
    }
}
