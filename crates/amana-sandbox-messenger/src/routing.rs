//! Conversation Routing (messenger reference 6): who controls a thread, and the events when that changes.
//!
//! A thread is *idle* (only the default app may send) or has an *owner*. A page without a default app is Meta's
//! "zero config": every app may send, until a human takes the thread in the Page Inbox.

use serde_json::{Value, json};

use crate::graph::error::GraphError;
use crate::hub::{Hub, Inner, NewEvent};
use crate::limits;
use crate::model::{Owner, ThreadKey};

/// Fields whose events go to `standby` while another app controls the thread.
pub(crate) const STANDBY_FIELDS: [&str; 5] =
    ["messages", "messaging_postbacks", "message_deliveries", "message_reads", "message_echoes"];

/// The owner, if its time is not over.
pub(crate) fn owner(inner: &Inner, hub: &Hub, key: &ThreadKey) -> Option<Owner> {
    let now = hub.now_ms(inner);
    inner.data.threads.get(key)?.owner.clone().filter(|owner| owner.until_ms > now)
}

fn default_app(inner: &Inner, page: &str) -> Option<String> {
    inner.data.pages.get(page).and_then(|p| p.default_app.clone())
}

/// Whether our app may send: it owns the thread, or the thread is idle and it is the default app (or there is none).
pub(crate) fn may_send(inner: &Inner, hub: &Hub, key: &ThreadKey) -> bool {
    let ours = &hub.config.app_id;
    match owner(inner, hub, key) {
        Some(owner) => owner.app == *ours,
        None => default_app(inner, &key.page).is_none_or(|app| app == *ours),
    }
}

/// Whether our app only listens.
pub(crate) fn in_standby(inner: &Inner, hub: &Hub, key: &ThreadKey) -> bool {
    inner.data.threads.contains_key(key) && !may_send(inner, hub, key)
}

/// The person did something in the thread: an idle one goes to the default app, an owned one stays owned for longer.
/// What the page itself sends keeps nothing: a thread is idle a day after the *person's* last word (reference 6).
pub(crate) fn active(inner: &mut Inner, hub: &Hub, key: &ThreadKey) {
    let until_ms = hub.now_ms(inner) + limits::OWNER_MS;
    let new = match owner(inner, hub, key) {
        Some(owner) => Some(Owner { until_ms: owner.until_ms.max(until_ms), ..owner }),
        None => default_app(inner, &key.page).map(|app| Owner { app, until_ms }),
    };
    if let Some(thread) = inner.data.threads.get_mut(key).filter(|_| new.is_some()) {
        thread.owner = new;
    }
}

/// An advertisement gives its app the thread, also on a page without a default app: for as long as it says, at most 30
/// days, whether anybody writes or not.
///
/// # Errors
/// 100/2018164 for an app that the page does not have, (#100) for a time that cannot be.
pub(crate) fn campaign(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    app: &str,
    seconds: Option<i64>,
) -> Result<(), GraphError> {
    if !known(inner, hub, &key.page, app) {
        return Err(GraphError::param("Incorrect App ID").sub(2_018_164));
    }
    let for_ms = match seconds {
        None => limits::OWNER_MS,
        Some(seconds) if (1..=limits::AD_OWNER_S).contains(&seconds) => seconds * 1_000,
        Some(_) => {
            return Err(GraphError::param(format!(
                "receiving_app_control_expiration must be between 1 and {}",
                limits::AD_OWNER_S
            )));
        }
    };
    let until_ms = hub.now_ms(inner) + for_ms;
    set(inner, key, Some(Owner { app: app.to_owned(), until_ms }));
    Ok(())
}

/// An app id as webhooks show it: a number.
pub(crate) fn number(app: &str) -> Value {
    app.parse::<u64>().map_or_else(|_| json!(app), |n| json!(n))
}

fn set(inner: &mut Inner, key: &ThreadKey, owner: Option<Owner>) {
    if let Some(thread) = inner.data.threads.get_mut(key) {
        thread.owner = owner;
    }
    inner.save_thread(key);
    inner.tell(&key.user, &json!({"type": "owner", "page": key.page}));
}

/// The event of a change, to our app when it has a part in it.
fn tell(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    kind: &str,
    previous: Option<&str>,
    new: &str,
    metadata: Option<&str>,
) {
    let ours = hub.config.app_id.as_str();
    let involved =
        previous == Some(ours) || new == ours || default_app(inner, &key.page).as_deref() == Some(ours);
    // In "zero config" every app hears everything.
    if !involved && default_app(inner, &key.page).is_some() {
        return;
    }
    let Some(psid) = inner.data.threads.get(key).map(|t| t.psid.clone()) else { return };
    let mut body = json!({"previous_owner_app_id": previous.map(number), "new_owner_app_id": number(new)});
    if let (Value::Object(map), Some(metadata)) = (&mut body, metadata) {
        map.insert("metadata".to_owned(), json!(metadata));
    }
    let item = json!({"sender": {"id": psid}, "recipient": {"id": key.page}, kind: body});
    inner.push_event(hub, NewEvent::new(key, "messaging_handovers", item));
    inner.log_state(hub, &key.page, format!("{kind} → {new}"));
}

/// Whether this is an app of the page.
fn known(inner: &Inner, hub: &Hub, page: &str, app: &str) -> bool {
    app == hub.config.app_id
        || app == limits::PAGE_INBOX
        || inner.data.pages.get(page).is_some_and(|p| p.apps.contains(app))
}

fn not_owner() -> GraphError {
    GraphError::param("Only the app that controls this thread can do this").sub(2_534_037)
}

fn no_default() -> GraphError {
    GraphError::param("This is only supported on pages with a default application for Conversation Routing")
}

/// Passes the thread from `by` to `target`.
///
/// # Errors
/// 100/2018164 for an app that the page does not have, 100/2534037 when `by` does not control the thread, (#100)
/// without a default app unless the thread is idle.
pub(crate) fn pass(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    by: &str,
    target: &str,
    metadata: Option<&str>,
) -> Result<(), GraphError> {
    if !known(inner, hub, &key.page, target) {
        return Err(GraphError::param("Incorrect App ID").sub(2_018_164));
    }
    let now = hub.now_ms(inner);
    let previous = owner(inner, hub, key).map(|owner| owner.app);
    match (&previous, &default_app(inner, &key.page)) {
        (Some(app), _) | (None, Some(app)) if app != by => return Err(not_owner()),
        (Some(_), _) | (None, Some(_)) => {}
        (None, None) => {
            let last = inner.data.threads.get(key).and_then(|t| t.last_inbound_ms);
            if last.is_some_and(|at| now - at < limits::OWNER_MS) {
                return Err(no_default());
            }
        }
    }
    set(inner, key, Some(Owner { app: target.to_owned(), until_ms: now + limits::OWNER_MS }));
    tell(inner, hub, key, "pass_thread_control", previous.as_deref(), target, metadata);
    Ok(())
}

/// Lets the thread go idle.
///
/// # Errors
/// (#100) without a default app, 100/2534037 when `by` does not control the thread.
pub(crate) fn release(inner: &mut Inner, hub: &Hub, key: &ThreadKey, by: &str) -> Result<(), GraphError> {
    match owner(inner, hub, key) {
        Some(owner) if owner.app == by => {}
        _ if default_app(inner, &key.page).is_none() => return Err(no_default()),
        _ => return Err(not_owner()),
    }
    set(inner, key, None);
    inner.log_state(hub, &key.page, "released");
    Ok(())
}

/// Takes the thread: the default app may, and the Page Inbox.
///
/// # Errors
/// (#27) without a default app, (#100) for another app.
pub(crate) fn take(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    by: &str,
    metadata: Option<&str>,
) -> Result<(), GraphError> {
    if by != limits::PAGE_INBOX {
        match default_app(inner, &key.page) {
            None => {
                return Err(GraphError::new(27, "(#27) This page has no default application"));
            }
            Some(app) if app != by => {
                return Err(GraphError::param("Only the default application can take thread control"));
            }
            Some(_) => {}
        }
    }
    let now = hub.now_ms(inner);
    let previous = owner(inner, hub, key).map(|owner| owner.app);
    if previous.as_deref() == Some(by) {
        return Ok(());
    }
    // Whoever loses a thread by being the default app of an idle one loses nothing that it could name.
    let told = previous.clone().or_else(|| default_app(inner, &key.page).filter(|app| app != by));
    set(inner, key, Some(Owner { app: by.to_owned(), until_ms: now + limits::OWNER_MS }));
    tell(inner, hub, key, "take_thread_control", told.as_deref(), by, metadata);
    Ok(())
}

/// Asks the owner for the thread. The event goes to the owner: to us, when another app asks.
///
/// # Errors
/// (#100) without a default app.
pub(crate) fn request(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    by: &str,
    metadata: Option<&str>,
) -> Result<(), GraphError> {
    if default_app(inner, &key.page).is_none() {
        return Err(no_default());
    }
    let asked = owner(inner, hub, key).map(|o| o.app).or_else(|| default_app(inner, &key.page));
    inner.log_state(hub, &key.page, format!("request_thread_control by {by}"));
    if by == hub.config.app_id || asked.as_deref() != Some(hub.config.app_id.as_str()) {
        return Ok(());
    }
    let Some(psid) = inner.data.threads.get(key).map(|t| t.psid.clone()) else { return Ok(()) };
    let mut body = json!({"requested_owner_app_id": number(by)});
    if let (Value::Object(map), Some(metadata)) = (&mut body, metadata) {
        map.insert("metadata".to_owned(), json!(metadata));
    }
    let item = json!({"sender": {"id": psid}, "recipient": {"id": key.page}, "request_thread_control": body});
    inner.push_event(hub, NewEvent::new(key, "messaging_handovers", item));
    Ok(())
}

/// Keeps the thread for `duration_s` from now.
///
/// # Errors
/// 100/2534037 when `by` does not control the thread, (#100) for a duration that is not between 1 s and 7 days.
pub(crate) fn extend(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    by: &str,
    duration_s: i64,
) -> Result<(), GraphError> {
    if !(1..=limits::EXTEND_S).contains(&duration_s) {
        return Err(GraphError::param(format!("Param duration must be between 1 and {}", limits::EXTEND_S)));
    }
    let owner = owner(inner, hub, key).filter(|owner| owner.app == by).ok_or_else(not_owner)?;
    let until_ms = hub.now_ms(inner) + duration_s * 1_000;
    set(inner, key, Some(Owner { until_ms, ..owner }));
    Ok(())
}
