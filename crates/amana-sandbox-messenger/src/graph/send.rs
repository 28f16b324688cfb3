//! `POST /{page}/messages`: the Send API (messenger reference 2, 3).

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::check::check_message;
use super::error::GraphError;
use super::params::{Params, text};
use super::{Answer, Call, template};
use crate::hub::{Hub, Inner, NewEvent};
use crate::model::{From, Progress, SendRecord, ThreadKey, WireEntry};
use crate::{ids, limits};

const RECIPIENT_KEYS: [&str; 13] = [
    "id",
    "user_ref",
    "comment_id",
    "post_id",
    "one_time_notif_token",
    "notification_messages_token",
    "phone_number",
    "login_id",
    "player_id",
    "follow_id",
    "story_id",
    "poll_response_id",
    "name",
];
const RETIRED_TAGS: [&str; 3] = ["ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE", "CONFIRMED_EVENT_UPDATE"];

/// Why a message may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Standard,
    HumanAgent,
    CustomerFeedback,
    Utility,
}

/// Carries out one send call, answers it and queues its echo.
pub(super) async fn messages(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Answer, GraphError> {
    if let Some(error) = hub.with(|inner, _| fault(inner))? {
        let psid = recipient(&call.params).unwrap_or_default();
        hub.with(|inner, hub| log(inner, hub, page, &psid, call, error.status, &error.body("")))?;
        return Err(error);
    }
    let psid = recipient(&call.params)?;
    let done = match action(&call.params)? {
        Some(action) => hub.with(|inner, hub| sender_action(inner, hub, call, page, &psid, &action))?,
        None => hub.with(|inner, hub| message(inner, hub, call, page, &psid))?,
    };
    let sent = match done {
        Ok(sent) => sent,
        Err(error) => {
            hub.with(|inner, hub| log(inner, hub, page, &psid, call, error.status, &error.body("")))?;
            return Err(error);
        }
    };
    if let Some(echo) = sent.echo {
        // Only with the fault switch: the app hears of its message before the call is answered.
        let wait = hub.config.webhook_timeout + Duration::from_millis(limits::FAULT_DELAY_MS);
        let _ = tokio::time::timeout(wait, echo).await;
    }
    if sent.drop_connection {
        return Ok(Answer::Drop);
    }
    Ok(sent.answer.into())
}

struct Sent {
    answer: Value,
    echo: Option<oneshot::Receiver<bool>>,
    drop_connection: bool,
}

/// The error the fault switches have for this send, if any.
fn fault(inner: &mut Inner) -> Option<GraphError> {
    let next = inner.data.faults.fail_next.as_mut()?;
    let mut error = GraphError::new(
        next.code,
        next.message.clone().unwrap_or_else(|| format!("(#{}) injected error", next.code)),
    );
    error.subcode = next.subcode;
    error.transient = matches!(next.code, 1 | 2 | 1_200);
    if let Some(status) = next.status.and_then(|s| StatusCode::from_u16(s).ok()) {
        error.status = status;
    }
    next.times = next.times.saturating_sub(1);
    if next.times == 0 {
        inner.data.faults.fail_next = None;
    }
    Some(error)
}

/// Exactly one way to name the recipient; only `id` is built.
fn recipient(params: &Params) -> Result<String, GraphError> {
    let recipient = params
        .object("recipient")?
        .ok_or_else(|| GraphError::param("The parameter recipient is required"))?;
    let unknown: Vec<String> =
        recipient.keys().filter(|k| !RECIPIENT_KEYS.contains(&k.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(GraphError::unknown_keys(&unknown, "recipient"));
    }
    let named: Vec<&str> = recipient.keys().map(String::as_str).filter(|k| *k != "name").collect();
    match named.as_slice() {
        ["id"] => recipient.get("id").and_then(text).filter(|id| !id.is_empty()).ok_or_else(|| {
            GraphError::param("Param recipient[id] must be a valid ID string (e.g., \"123\")")
        }),
        [other] => Err(GraphError::not_built(&format!("a recipient by {other}"))),
        _ => Err(GraphError::param("Param recipient must have exactly one of its keys")),
    }
}

fn action(params: &Params) -> Result<Option<String>, GraphError> {
    let Some(action) = params.text("sender_action") else { return Ok(None) };
    if params.get("message").is_some() {
        return Err(GraphError::param("Cannot send both message and state at the same time.").sub(2_018_014));
    }
    let action = action.to_ascii_lowercase();
    match action.as_str() {
        "typing_on" | "typing_off" | "mark_seen" => Ok(Some(action)),
        "react" | "unreact" => Err(GraphError::not_built("the sender action react")),
        _ => Err(GraphError::param(
            "Param sender_action must be one of {TYPING_ON, TYPING_OFF, MARK_SEEN, REACT, UNREACT}",
        )),
    }
}

/// The conversation of a page-scoped id. A person who never wrote is no recipient yet.
fn conversation(inner: &Inner, page: &str, psid: &str) -> Result<(ThreadKey, i64), GraphError> {
    let key = inner.data.psids.get(psid).filter(|key| key.page == page).ok_or_else(GraphError::no_user)?;
    let last = inner.data.threads.get(key).and_then(|t| t.last_inbound_ms).ok_or_else(GraphError::no_user)?;
    Ok((key.clone(), last))
}

fn sender_action(
    inner: &mut Inner,
    hub: &Hub,
    call: &Call,
    page: &str,
    psid: &str,
    action: &str,
) -> Result<Sent, GraphError> {
    let (key, _) = conversation(inner, page, psid)?;
    let now = hub.now_ms(inner);
    if let Some(thread) = inner.data.threads.get_mut(&key) {
        match action {
            "typing_on" => thread.typing_until_ms = now + limits::TYPING_MS,
            "typing_off" => thread.typing_until_ms = 0,
            _ => thread.page_seen_ms = now,
        }
    }
    let update = match action {
        "mark_seen" => {
            inner.save_thread(&key);
            json!({"type": "seen", "page": page, "at_ms": now})
        }
        _ => json!({"type": "typing", "page": page, "on": action == "typing_on"}),
    };
    inner.tell(&key.user, &update);
    let answer = json!({"recipient_id": psid});
    let drop_connection = record(inner, hub, call, &key, psid, None, &answer);
    Ok(Sent { answer, echo: None, drop_connection })
}

fn message(inner: &mut Inner, hub: &Hub, call: &Call, page: &str, psid: &str) -> Result<Sent, GraphError> {
    for name in ["persona_id", "thread_control", "suggestion_action", "folder"] {
        if call.params.get(name).is_some() {
            return Err(GraphError::not_built(&format!("the parameter {name}")));
        }
    }
    let message = call
        .params
        .object("message")?
        .ok_or_else(|| GraphError::param("Message cannot be empty, must provide valid attachment or text"))?;
    let kind = kind(&call.params, message)?;
    if let Some(n) = call.params.text("notification_type")
        && !["REGULAR", "SILENT_PUSH", "NO_PUSH"].contains(&n.to_ascii_uppercase().as_str())
    {
        return Err(GraphError::param(
            "Param notification_type must be one of {REGULAR, SILENT_PUSH, NO_PUSH}",
        ));
    }
    check_message(message)?;
    let (key, last) = conversation(inner, page, psid)?;
    check_window(kind, hub.now_ms(inner) - last)?;
    let mut shown = message.clone();
    shown.remove("metadata");
    if let Some(Value::Object(named)) = message.get("template") {
        shown = template::render(inner, page, named)?;
    }
    let mid = ids::mid(&*hub.entropy);
    let online = inner.data.online.get(&key.user).copied().unwrap_or(0) > 0;
    if let Some(thread) = inner.data.threads.get_mut(&key) {
        thread.typing_until_ms = 0;
    }
    inner.add_message(hub, &key, From::Page, mid.clone(), Value::Object(shown.clone()), Progress::Sent);
    let answer = json!({"recipient_id": psid, "message_id": mid});
    let drop_connection = record(inner, hub, call, &key, psid, Some(&mid), &answer);
    let echo = echo(inner, hub, &key, psid, &mid, message, &shown);
    if online {
        crate::actions::advance(inner, hub, &key, Progress::Delivered);
    }
    Ok(Sent { answer, echo, drop_connection })
}

/// `messaging_type` and `tag` (reference 2 and 3). An absent type is RESPONSE.
fn kind(params: &Params, message: &Map<String, Value>) -> Result<Kind, GraphError> {
    let templated = message.get("template").is_some_and(|v| !v.is_null());
    let tag = params.text("tag").map(|t| t.to_ascii_uppercase());
    if tag.as_deref().is_some_and(|t| RETIRED_TAGS.contains(&t)) {
        return Err(GraphError::retired_tag());
    }
    let kind = params.text("messaging_type").unwrap_or_else(|| "RESPONSE".to_owned()).to_ascii_uppercase();
    match (kind.as_str(), tag.as_deref()) {
        ("UTILITY", _) if templated => Ok(Kind::Utility),
        ("UTILITY", _) => {
            Err(GraphError::param("Param message[template] is required with messaging_type UTILITY"))
        }
        _ if templated => Err(GraphError::param("A utility template needs messaging_type UTILITY")),
        ("RESPONSE" | "UPDATE", None) => Ok(Kind::Standard),
        ("MESSAGE_TAG" | "RESPONSE" | "UPDATE", Some("HUMAN_AGENT")) => Ok(Kind::HumanAgent),
        ("MESSAGE_TAG" | "RESPONSE" | "UPDATE", Some("CUSTOMER_FEEDBACK")) => Ok(Kind::CustomerFeedback),
        ("MESSAGE_TAG", None) => {
            Err(GraphError::param("The parameter tag is required with messaging_type MESSAGE_TAG"))
        }
        ("MESSAGE_TAG" | "RESPONSE" | "UPDATE", Some(_)) => {
            Err(GraphError::param("Param tag must be one of {HUMAN_AGENT, CUSTOMER_FEEDBACK}"))
        }
        _ => Err(GraphError::param(
            "Param messaging_type must be one of {MESSAGE_TAG, RESPONSE, UPDATE, UTILITY}",
        )),
    }
}

fn check_window(kind: Kind, age_ms: i64) -> Result<(), GraphError> {
    let open = match kind {
        Kind::Utility => true,
        // The feedback template itself is not built, so there is nothing a feedback tag could carry out of the
        // window.
        Kind::Standard | Kind::CustomerFeedback => age_ms < limits::WINDOW_MS,
        Kind::HumanAgent => age_ms < limits::TAG_WINDOW_MS,
    };
    if open { Ok(()) } else { Err(GraphError::window_closed()) }
}

/// Writes the send into `GET /control/sends` and the wire log. Says whether a fault switch drops this connection.
fn record(
    inner: &mut Inner,
    hub: &Hub,
    call: &Call,
    key: &ThreadKey,
    psid: &str,
    mid: Option<&str>,
    answer: &Value,
) -> bool {
    inner.data.sends.push_back(SendRecord {
        page: key.page.clone(),
        user: key.user.clone(),
        psid: psid.to_owned(),
        mid: mid.map(str::to_owned),
        arrived_us: call.arrived_us,
        request: call.params.shown(),
    });
    if inner.data.sends.len() > limits::SENDS {
        inner.data.sends.pop_front();
    }
    log(inner, hub, &key.page, psid, call, StatusCode::OK, answer);
    let drop = inner.data.faults.drop_connection_next > 0;
    inner.data.faults.drop_connection_next = inner.data.faults.drop_connection_next.saturating_sub(1);
    drop
}

/// Shows the call and its answer in the thread's wire log, if it names one.
fn log(
    inner: &mut Inner,
    hub: &Hub,
    page: &str,
    psid: &str,
    call: &Call,
    status: StatusCode,
    answer: &Value,
) {
    let Some(key) = inner.data.psids.get(psid).filter(|k| k.page == page).cloned() else { return };
    let title = match call.params.text("sender_action") {
        Some(action) => format!("messages · {}", action.to_ascii_lowercase()),
        None => "messages".to_owned(),
    };
    let entry = WireEntry {
        seq: 0,
        at_ms: hub.now_ms(inner),
        direction: "send".to_owned(),
        title,
        request: call.params.shown().to_string(),
        status: Some(status.as_u16()),
        response: answer.to_string(),
        took_ms: None,
    };
    inner.add_wire(&key, entry);
}

/// Queues the echo (1.5): sender is the page, `app_id` a number. Returns what to wait for when echoes come first.
fn echo(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    psid: &str,
    mid: &str,
    sent: &Map<String, Value>,
    shown: &Map<String, Value>,
) -> Option<oneshot::Receiver<bool>> {
    let mut message = Map::new();
    message.insert("is_echo".to_owned(), json!(true));
    message.insert("mid".to_owned(), json!(mid));
    let app_id = hub.config.app_id.parse::<u64>().map_or_else(|_| json!(hub.config.app_id), |n| json!(n));
    message.insert("app_id".to_owned(), app_id);
    if let Some(metadata) = sent.get("metadata") {
        message.insert("metadata".to_owned(), metadata.clone());
    }
    if let Some(text) = shown.get("text") {
        message.insert("text".to_owned(), text.clone());
    }
    if let Some(payload) = shown.get("attachment").and_then(|a| a.get("payload")) {
        let title = payload.get("text").cloned().unwrap_or_else(|| json!(""));
        let attachment = json!({"type": "template", "title": title, "url": null, "payload": payload});
        message.insert("attachments".to_owned(), json!([attachment]));
    }
    let item = json!({"sender": {"id": key.page}, "recipient": {"id": psid}, "message": message});
    let mut event = NewEvent::new(key, "message_echoes", item);
    let first = inner.data.faults.echo_first;
    let (sender, receiver) = oneshot::channel();
    if first {
        event.wait = Some(sender);
    } else {
        event.hold_ms = limits::ECHO_HOLD_MS;
    }
    inner.push_event(hub, event)?;
    first.then_some(receiver)
}
