//! `POST /{page}/messages`: the Send API (messenger reference 2, 3).

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::check::check_message;
use super::error::GraphError;
use super::fate::{self, After, Before};
use super::params::{Params, text};
use super::recipient::{self, By};
use super::{Answer, Call, saved, template};
use crate::hub::{Hub, Inner, NewEvent};
use crate::model::{From, LogEntry, Owner, Progress, Reach, SendRecord, ThreadKey, WireEntry};
use crate::usage::Meter;
use crate::{limits, routing};

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
    let refuse = |error: GraphError| {
        let to = recipient::named(&call.params).ok();
        hub.with(|inner, hub| {
            let psid = to.and_then(|to| recipient::resolve(inner, hub, page, &to).ok()).unwrap_or_default();
            log(inner, hub, page, &psid, call, error.status, &error.body(""));
        })?;
        Err(error)
    };
    if let Err(error) = hub.with(|inner, hub| admitted(inner, hub, call, page))? {
        return refuse(error);
    }
    let after = match hub.with(|inner, _| fate::of(inner, call, page))? {
        Ok(after) => after,
        Err(Before::Refused(error)) => return refuse(error),
        Err(Before::Lost) => return Ok(Answer::Drop),
    };
    let done = recipient::named(&call.params).and_then(|to| {
        let action = action(&call.params)?;
        hub.with(|inner, hub| {
            let psid = recipient::resolve(inner, hub, page, &to)?;
            let Some(action) = action else {
                let sent = message(inner, hub, call, page, (&psid, to.by), &after)?;
                if to.by.once() {
                    inner.data.names.remove(&to.value);
                }
                return Ok(sent);
            };
            if to.by.once() {
                return Err(GraphError::param("A sender action needs the ID of a person"));
            }
            sender_action(inner, hub, call, page, &psid, &action)
        })?
    });
    let sent = match done {
        Ok(sent) => sent,
        Err(error) => return refuse(error),
    };
    if let Some(echo) = sent.echo {
        // The app hears of its message before the call is answered.
        let wait = hub.config.webhook_timeout + Duration::from_millis(limits::FAULT_DELAY_MS);
        let _ = tokio::time::timeout(wait, echo).await;
    }
    if after.slow_ms > 0 {
        tokio::time::sleep(Duration::from_millis(after.slow_ms)).await;
    }
    if after.dropped {
        return Ok(Answer::Drop);
    }
    if after.maybe_sent {
        return Err(GraphError::maybe_sent());
    }
    Ok(sent.answer.into())
}

struct Sent {
    answer: Value,
    echo: Option<oneshot::Receiver<bool>>,
}

/// What holds for every send of a page: throttles, the page's own state, its rate.
fn admitted(inner: &mut Inner, hub: &Hub, call: &Call, page: &str) -> Result<(), GraphError> {
    let now = hub.now_ms(inner);
    if let Some(throttle) = inner.data.faults.throttle.as_ref().filter(|t| t.holds(now, page)) {
        return Err(GraphError::throttled(throttle.code));
    }
    if inner.data.pages.get(page).is_some_and(|p| p.restricted) {
        return Err(GraphError::restricted());
    }
    let kind = call.params.get("message").and_then(|m| m.pointer("/attachment/type")).and_then(Value::as_str);
    let heavy = kind.is_some_and(|k| ["audio", "video"].contains(&k.to_ascii_lowercase().as_str()));
    let settings = &inner.data.settings;
    let (meter, limit) =
        if heavy { (Meter::Media, settings.media_per_s) } else { (Meter::Text, settings.text_per_s) };
    let code = settings.rate_code;
    if inner.data.usage.charge(now, meter, page, u64::from(limit)) {
        Ok(())
    } else {
        Err(GraphError::throttled(code))
    }
}

fn action(params: &Params) -> Result<Option<String>, GraphError> {
    let Some(action) = params.text("sender_action") else { return Ok(None) };
    if params.get("message").is_some() {
        return Err(GraphError::param("Cannot send both message and state at the same time.").sub(2_018_014));
    }
    let action = action.to_ascii_lowercase();
    match action.as_str() {
        "typing_on" | "typing_off" | "mark_seen" | "react" | "unreact" => Ok(Some(action)),
        _ => Err(GraphError::param(
            "Param sender_action must be one of {TYPING_ON, TYPING_OFF, MARK_SEEN, REACT, UNREACT}",
        )),
    }
}

/// The conversation of a page-scoped id, and when the person last did something. A person who never wrote is no
/// recipient yet, except by a name that they gave.
fn conversation(inner: &Inner, page: &str, (psid, by): (&str, By)) -> Result<(ThreadKey, i64), GraphError> {
    let key = inner.data.psids.get(psid).filter(|key| key.page == page).ok_or_else(GraphError::no_user)?;
    let thread = inner.data.threads.get(key).ok_or_else(GraphError::no_user)?;
    let never = if by == By::Id { Err(GraphError::no_user()) } else { Ok(0) };
    let last = thread.last_inbound_ms.map_or(never, Ok)?;
    match thread.reach {
        Reach::Open => Ok((key.clone(), last)),
        Reach::Blocked => Err(GraphError::blocked()),
        Reach::Unavailable => Err(GraphError::unavailable()),
        Reach::Gone => Err(GraphError::no_user()),
        Reach::Automated => Err(GraphError::automated(inner.data.settings.not_owner_code)),
        Reach::Flooded => Err(GraphError::too_many_to_person()),
    }
}

/// The name and picture that the call speaks under.
fn persona(inner: &Inner, call: &Call, page: &str) -> Result<Option<Value>, GraphError> {
    let Some(id) = call.params.text("persona_id") else { return Ok(None) };
    let persona = super::personas::find(inner, page, &id)
        .ok_or_else(|| GraphError::param("Param persona_id must be the ID of a persona of this page"))?;
    Ok(Some(json!({"name": persona.name, "picture": persona.picture})))
}

fn sender_action(
    inner: &mut Inner,
    hub: &Hub,
    call: &Call,
    page: &str,
    psid: &str,
    action: &str,
) -> Result<Sent, GraphError> {
    let (key, _) = conversation(inner, page, (psid, By::Id))?;
    if !routing::may_send(inner, hub, &key) {
        return Err(GraphError::other_app(inner.data.settings.not_owner_code));
    }
    persona(inner, call, page)?;
    let now = hub.now_ms(inner);
    if action.ends_with("react") {
        react(inner, call, &key, action == "react")?;
    } else if let Some(thread) = inner.data.threads.get_mut(&key) {
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
        "react" | "unreact" => json!({"type": "resync"}),
        _ => json!({"type": "typing", "page": page, "on": action == "typing_on"}),
    };
    inner.tell(&key.user, &update);
    let answer = json!({"recipient_id": psid});
    record(inner, hub, call, &key, psid, None, &answer);
    Ok(Sent { answer, echo: None })
}

/// `react` and `unreact` with `payload {message_id, reaction}`: the page's mark on a message of the person.
fn react(inner: &mut Inner, call: &Call, key: &ThreadKey, on: bool) -> Result<(), GraphError> {
    let payload = call.params.object("payload")?;
    let payload = payload.ok_or_else(|| GraphError::param("The parameter payload is required"))?;
    let mid = payload.get("message_id").and_then(text).unwrap_or_default();
    let reaction = payload.get("reaction").and_then(text).unwrap_or_else(|| "love".to_owned());
    let thread = inner.data.threads.get_mut(key).ok_or_else(GraphError::no_user)?;
    let message = thread
        .messages
        .iter_mut()
        .rev()
        .find(|m| m.mid == mid && m.from == From::User)
        .ok_or_else(|| GraphError::param("Param payload[message_id] must be a message of this person"))?;
    if let Value::Object(body) = &mut message.body {
        body.remove("reaction");
        if on {
            body.insert("reaction".to_owned(), json!(reaction));
        }
    }
    let message = message.clone();
    inner.show_changed(key, &message);
    Ok(())
}

fn message(
    inner: &mut Inner,
    hub: &Hub,
    call: &Call,
    page: &str,
    (psid, by): (&str, By),
    after: &After,
) -> Result<Sent, GraphError> {
    for name in ["suggestion_action", "folder"] {
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
    let (key, last) = conversation(inner, page, (psid, by))?;
    let lacks = inner.data.pages.get(page).is_some_and(|p| p.denied.contains("human_agent"));
    if kind == Kind::HumanAgent && lacks {
        return Err(GraphError::permission("human_agent"));
    }
    let takes = kind == Kind::HumanAgent && inner.data.settings.human_agent_takes;
    if !routing::may_send(inner, hub, &key) && !takes {
        return Err(GraphError::other_app(inner.data.settings.not_owner_code));
    }
    // What the person gave for one message, and a plugin, have times of their own.
    if by == By::Id {
        // A sticker goes within the window alone, whoever sends it.
        let sticker = message.get("sticker_id").is_some_and(|v| !v.is_null());
        check_window(inner, hub, if sticker { Kind::Standard } else { kind }, last, &key)?;
    }
    let persona = persona(inner, call, page)?;
    let mut shown = message.clone();
    shown.remove("metadata");
    if let Some(Value::Object(named)) = message.get("template") {
        shown = template::render(inner, page, named)?;
    }
    let order = order(inner, page, message)?;
    let saved = media(inner, hub, call, page, message, &mut shown)?;
    let reply_to = reply_to(inner, call, &key)?;
    if let Some(control) = call.params.get("thread_control") {
        super::threads::with_send(inner, hub, &key, control)?;
    } else if takes {
        let until_ms = hub.now_ms(inner) + limits::OWNER_MS;
        if let Some(thread) = inner.data.threads.get_mut(&key) {
            thread.owner = Some(Owner { app: hub.config.app_id.clone(), until_ms });
        }
    }
    inner.save_thread(&key);
    if let Some((order, state)) = order.zip(inner.data.pages.get_mut(page)) {
        state.orders.push_back(order);
        if state.orders.len() > limits::PAGE_OBJECTS {
            state.orders.pop_front();
        }
        inner.save_page(page);
    }
    let mid = inner.mid(hub, &key);
    let online = inner.data.online.get(&key.user).copied().unwrap_or(0) > 0;
    if let Some(thread) = inner.data.threads.get_mut(&key) {
        thread.typing_until_ms = 0;
    }
    let mut visible = shown.clone();
    visible.extend(persona.map(|persona| ("persona".to_owned(), persona)));
    visible.extend(reply_to.clone().map(|mid| ("reply_to".to_owned(), json!({"mid": mid}))));
    inner.add_message(hub, &key, From::Page, mid.clone(), Value::Object(visible), Progress::Sent);
    let mut answer = json!({"recipient_id": psid, "message_id": mid});
    if by == By::UserRef
        && let Value::Object(map) = &mut answer
    {
        map.remove("recipient_id");
    }
    if let (Value::Object(map), Some(saved)) = (&mut answer, saved) {
        map.insert("attachment_id".to_owned(), json!(saved));
    }
    record(inner, hub, call, &key, psid, Some(&mid), &answer);
    if let Some(mid) = reply_to {
        shown.insert("reply_to".to_owned(), json!({"mid": mid}));
    }
    if by == By::UserRef {
        return Ok(Sent { answer, echo: None });
    }
    let echo = echo(inner, hub, &key, psid, &mid, message, &shown, after);
    if online {
        crate::actions::advance(inner, hub, &key, Progress::Delivered);
    }
    Ok(Sent { answer, echo })
}

/// The order number of a receipt: unique on the page.
fn order(inner: &Inner, page: &str, message: &Map<String, Value>) -> Result<Option<String>, GraphError> {
    let payload = message.get("attachment").and_then(|attachment| attachment.get("payload"));
    let of = |name: &str| payload.and_then(|payload| payload.get(name)).and_then(Value::as_str);
    if !of("template_type").is_some_and(|kind| kind.eq_ignore_ascii_case("receipt")) {
        return Ok(None);
    }
    let Some(order) = of("order_number") else { return Ok(None) };
    if inner.data.pages.get(page).is_some_and(|state| state.orders.iter().any(|known| known == order)) {
        return Err(GraphError::param(
            "Param message[attachment][payload][order_number] must be unique: a receipt has it already",
        ));
    }
    Ok(Some(order.to_owned()))
}

/// Resolves media: the address is shown, and the id under which it was saved returned.
fn media(
    inner: &mut Inner,
    hub: &Hub,
    call: &Call,
    page: &str,
    message: &Map<String, Value>,
    shown: &mut Map<String, Value>,
) -> Result<Option<String>, GraphError> {
    if let Some(images) = message.get("attachments").and_then(Value::as_array) {
        for image in images {
            if let Value::Object(image) = image {
                saved::resolve(inner, hub, page, image, None, false)?;
            }
        }
    }
    let Some(Value::Object(attachment)) = message.get("attachment") else { return Ok(None) };
    let kind = attachment.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind.eq_ignore_ascii_case("template") {
        let element = attachment.get("payload").and_then(|payload| payload.pointer("/elements/0"));
        if let Some(Value::Object(element)) = element
            && element.contains_key("media_type")
            && element.contains_key("attachment_id")
        {
            saved::of_template(inner, hub, page, element)?;
        }
        return Ok(None);
    }
    let media = saved::resolve(inner, hub, page, attachment, call.params.get("filedata"), false)?;
    shown.insert("attachment".to_owned(), json!({"type": media.kind, "payload": {"url": media.url}}));
    Ok(media.saved)
}

/// The message that this one answers: of the same thread.
fn reply_to(inner: &Inner, call: &Call, key: &ThreadKey) -> Result<Option<String>, GraphError> {
    let Some(reply) = call.params.object("reply_to")? else { return Ok(None) };
    let mid = reply.get("mid").and_then(text).unwrap_or_default();
    let known = inner.data.threads.get(key).is_some_and(|t| t.messages.iter().any(|m| m.mid == mid));
    if known {
        return Ok(Some(mid));
    }
    Err(GraphError::param("Param reply_to[mid] must be a message of this conversation"))
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
        ("UTILITY", Some(_)) => {
            Err(GraphError::param("Param tag cannot be used with messaging_type UTILITY"))
        }
        ("UTILITY", None) if templated => Ok(Kind::Utility),
        ("UTILITY", _) => {
            Err(GraphError::param("Param message[template] is required with messaging_type UTILITY"))
        }
        _ if templated => Err(GraphError::param("A utility template needs messaging_type UTILITY")),
        ("RESPONSE" | "UPDATE", None) => Ok(Kind::Standard),
        ("MESSAGE_TAG" | "RESPONSE" | "UPDATE", Some("HUMAN_AGENT")) => Ok(Kind::HumanAgent),
        ("MESSAGE_TAG" | "RESPONSE" | "UPDATE", Some("CUSTOMER_FEEDBACK")) => {
            let template = message.get("attachment").and_then(|a| a.pointer("/payload/template_type"));
            match template.and_then(Value::as_str) {
                Some(kind) if kind.eq_ignore_ascii_case("customer_feedback") => Ok(Kind::CustomerFeedback),
                _ => Err(GraphError::param(
                    "The tag CUSTOMER_FEEDBACK needs a template of type customer_feedback",
                )),
            }
        }
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

fn check_window(inner: &Inner, hub: &Hub, kind: Kind, last: i64, key: &ThreadKey) -> Result<(), GraphError> {
    let settings = &inner.data.settings;
    let now = hub.now_ms(inner);
    let ad = inner.data.threads.get(key).map_or(0, |t| t.ad_window_until_ms);
    let standard = now - last < settings.window_ms || now < ad;
    let open = match kind {
        Kind::Utility => true,
        Kind::Standard => standard,
        Kind::HumanAgent | Kind::CustomerFeedback => standard || now - last < settings.tag_window_ms,
    };
    if open { Ok(()) } else { Err(GraphError::window_closed(settings.window_subcode)) }
}

/// Writes the send into `GET /control/sends` and the wire log.
fn record(
    inner: &mut Inner,
    hub: &Hub,
    call: &Call,
    key: &ThreadKey,
    psid: &str,
    mid: Option<&str>,
    answer: &Value,
) {
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
    let at_ms = hub.now_ms(inner);
    let title = call.params.text("sender_action").map_or_else(|| "messages".to_owned(), |a| a.to_lowercase());
    inner.log(LogEntry {
        n: 0,
        at_ms,
        kind: "call",
        page: key.page.clone(),
        user: key.user.clone(),
        title: format!("POST {title}"),
        status: Some(200),
        attempt: None,
        took_ms: None,
        note: None,
    });
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
#[allow(clippy::too_many_arguments, reason = "the parts of one webhook")]
fn echo(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    psid: &str,
    mid: &str,
    sent: &Map<String, Value>,
    shown: &Map<String, Value>,
    after: &After,
) -> Option<oneshot::Receiver<bool>> {
    let mut message = Map::new();
    message.insert("is_echo".to_owned(), json!(true));
    message.insert("mid".to_owned(), json!(mid));
    message.insert("app_id".to_owned(), routing::number(&hub.config.app_id));
    if let Some(metadata) = sent.get("metadata") {
        message.insert("metadata".to_owned(), metadata.clone());
    }
    if let Some(text) = shown.get("text") {
        message.insert("text".to_owned(), text.clone());
    }
    for name in ["reply_to", "attachments"] {
        if let Some(value) = shown.get(name) {
            message.insert(name.to_owned(), value.clone());
        }
    }
    let attachment = shown.get("attachment");
    let kind = attachment.and_then(|a| a.get("type")).and_then(Value::as_str).unwrap_or_default();
    if let Some(payload) = attachment.and_then(|a| a.get("payload")) {
        let title = payload.get("text").cloned().unwrap_or_else(|| json!(""));
        let attachment = if kind.eq_ignore_ascii_case("template") {
            json!({"type": "template", "title": title, "url": null, "payload": payload})
        } else {
            json!({"type": kind, "payload": payload})
        };
        message.insert("attachments".to_owned(), json!([attachment]));
    }
    let item = json!({"sender": {"id": key.page}, "recipient": {"id": psid}, "message": message});
    let mut event = NewEvent::new(key, "message_echoes", item);
    event.swallowed = after.no_echo;
    let first = after.echo_first;
    let (sender, receiver) = oneshot::channel();
    if first {
        event.wait = Some(sender);
    } else {
        event.hold_ms = limits::ECHO_HOLD_MS;
    }
    inner.push_event(hub, event)?;
    first.then_some(receiver)
}
