//! What else a person can do in a chat, beside writing and tapping: the rest of Meta's event kinds (messenger reference
//! 1.5). And what people at the bank's Page Inbox do (6).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::actions::{ActionError, inbound};
use crate::graph::recipient::{self, By};
use crate::hub::{Hub, Inner, NewEvent};
use crate::model::{From, Progress, ThreadKey};
use crate::routing;
use crate::{ids, limits};

/// One act of a person.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Act {
    /// Sends a picture, a sound, a film or a file by its address.
    Attachment {
        page: String,
        #[serde(rename = "type")]
        media: String,
        url: String,
    },
    /// Sends a sticker (369239263222822 is the thumb).
    Sticker { page: String, sticker_id: u64 },
    /// Answers one message.
    Reply { page: String, mid: String, text: String },
    /// Puts a reaction on a message, or takes it away.
    Reaction {
        page: String,
        mid: String,
        reaction: String,
        emoji: String,
        #[serde(default)]
        unreact: bool,
    },
    /// Changes an own message; five times at most.
    Edit { page: String, mid: String, text: String },
    /// Takes an own message back.
    Unsend { page: String, mid: String },
    /// Sends what the platform cannot show.
    Unsupported { page: String },
    /// Comes by an m.me link.
    Referral {
        page: String,
        #[serde(rename = "ref")]
        reference: String,
    },
    /// Writes after an advertisement: the window may stay open for longer, and the app that the advertisement names may
    /// have the thread for so many seconds.
    AdMessage {
        page: String,
        text: String,
        ad_id: String,
        #[serde(default)]
        receiving_app: Option<String>,
        #[serde(default)]
        receiving_app_control_expiration: Option<i64>,
    },
    /// Says that an answer was good or bad.
    Feedback { page: String, mid: String, good: bool },
    /// Fills in a customer feedback form.
    Survey { page: String, question: String, answer: String, more: String },
    /// Opts in by a plugin; with `user_ref` as somebody whose page-scoped id the app is not told.
    Optin {
        page: String,
        #[serde(rename = "ref")]
        reference: String,
        #[serde(default)]
        user_ref: Option<String>,
    },
    /// Comments on a post of the page: one private reply may follow.
    Comment { page: String, text: String },
    /// Posts on the page as a visitor: one private reply may follow.
    Post { page: String, text: String },
    /// Says yes to a one-time notification request: a token for one message.
    NotifyMe { page: String, mid: String },
}

impl Act {
    fn page(&self) -> &str {
        match self {
            Self::Attachment { page, .. }
            | Self::Sticker { page, .. }
            | Self::Reply { page, .. }
            | Self::Reaction { page, .. }
            | Self::Edit { page, .. }
            | Self::Unsend { page, .. }
            | Self::Unsupported { page }
            | Self::Referral { page, .. }
            | Self::AdMessage { page, .. }
            | Self::Feedback { page, .. }
            | Self::Survey { page, .. }
            | Self::Optin { page, .. }
            | Self::Comment { page, .. }
            | Self::Post { page, .. }
            | Self::NotifyMe { page, .. } => page,
        }
    }
}

/// Carries an act out; gives the message id that it made, if any.
///
/// # Errors
/// [`ActionError::NoThread`], and [`ActionError::Refused`] for a message that is not there or no longer editable.
pub(crate) fn act(hub: &Arc<Hub>, user: &str, act: Act) -> Result<Option<String>, ActionError> {
    let key = ThreadKey { page: act.page().to_owned(), user: user.to_owned() };
    hub.with(|inner, hub| {
        if inner.thread(hub, &key).is_none() {
            return Err(ActionError::NoThread(key.page.clone()));
        }
        perform(inner, hub, &key, act)
    })?
}

fn perform(inner: &mut Inner, hub: &Hub, key: &ThreadKey, act: Act) -> Result<Option<String>, ActionError> {
    match act {
        Act::Attachment { media, url, .. } => {
            let kind = media.to_ascii_lowercase();
            if !["image", "audio", "video", "file", "fallback"].contains(&kind.as_str()) {
                return Err(ActionError::Kind(media));
            }
            let attachments = json!([{"type": kind, "payload": {"url": url}}]);
            let body = json!({"attachments": attachments});
            Ok(write(inner, hub, key, body.clone(), body))
        }
        Act::Sticker { sticker_id, .. } => {
            // Since 30 August 2026 without the twin of type image.
            let url = "https://scontent.xx.fbcdn.net/v/t39.1997-6/sticker.png";
            let attachments = json!([{"type": "sticker", "payload": {"url": url, "sticker_id": sticker_id}}]);
            let body = json!({"attachments": attachments});
            Ok(write(inner, hub, key, body.clone(), body))
        }
        Act::Reply { mid, text, .. } => {
            let from = find(inner, key, &mid).map(|(from, _)| from).ok_or_else(|| no_message(&mid))?;
            let reply = json!({"mid": mid, "is_self_reply": from == From::User});
            let shown = json!({"text": text, "reply_to": {"mid": mid}});
            Ok(write(inner, hub, key, json!({"text": text, "reply_to": reply}), shown))
        }
        Act::Reaction { mid, reaction, emoji, unreact, .. } => {
            find(inner, key, &mid).ok_or_else(|| no_message(&mid))?;
            let action = if unreact { "unreact" } else { "react" };
            let body = json!({"reaction": reaction, "emoji": emoji, "action": action, "mid": mid});
            Ok(event(inner, hub, key, "message_reactions", "reaction", &body, !unreact))
        }
        Act::Edit { mid, text, .. } => edit(inner, hub, key, &mid, &text),
        Act::Unsend { mid, .. } => {
            let Some((From::User, _)) = find(inner, key, &mid) else { return Err(no_message(&mid)) };
            change(inner, key, &mid, |body| {
                body.clear();
                body.insert("deleted".to_owned(), json!(true));
            });
            let body = json!({"mid": mid, "is_deleted": true});
            Ok(event(inner, hub, key, "messages", "message", &body, false))
        }
        Act::Unsupported { .. } => {
            let body = json!({"is_unsupported": true});
            Ok(write(inner, hub, key, body.clone(), body))
        }
        Act::Referral { reference, .. } => {
            let body = json!({"ref": reference, "source": "SHORTLINK", "type": "OPEN_THREAD"});
            Ok(event(inner, hub, key, "messaging_referrals", "referral", &body, true))
        }
        Act::AdMessage { text, ad_id, receiving_app, receiving_app_control_expiration: seconds, .. } => {
            if let Some(app) = receiving_app {
                routing::campaign(inner, hub, key, &app, seconds)
                    .map_err(|error| ActionError::Refused(error.message))?;
            }
            let until = hub.now_ms(inner) + inner.data.settings.ad_window_ms;
            if let Some(thread) = inner.data.threads.get_mut(key) {
                thread.ad_window_until_ms = until;
            }
            let mut message = json!({"text": text});
            // The referral needs both fields (1.5).
            if inner.subscribed(&key.page, "messaging_referrals") {
                let referral = json!({"ref": "", "ad_id": ad_id, "source": "ADS", "type": "OPEN_THREAD"});
                if let Value::Object(map) = &mut message {
                    map.insert("referral".to_owned(), referral);
                }
            }
            Ok(write(inner, hub, key, message, json!({"text": text})))
        }
        Act::Feedback { mid, good, .. } => {
            let word = if good { "Good response" } else { "Bad response" };
            let body = json!({"feedback": word, "mid": mid});
            Ok(event(inner, hub, key, "response_feedback", "response_feedback", &body, false))
        }
        Act::Survey { question, answer, more, .. } => {
            let follow_up = json!({"type": "free_form", "payload": more});
            let questions = json!({question: {"type": "csat", "payload": answer, "follow_up": follow_up}});
            let body = json!({"feedback_screens": [{"screen_id": 0, "questions": questions}]});
            Ok(event(inner, hub, key, "messaging_feedback", "messaging_feedback", &body, false))
        }
        Act::Optin { reference, user_ref: None, .. } => {
            let body = json!({"ref": reference});
            // What opens the window is a message by the plugin (3), not the opt-in.
            Ok(event(inner, hub, key, "messaging_optins", "optin", &body, false))
        }
        Act::Optin { reference, user_ref: Some(user_ref), .. } => {
            recipient::name(inner, hub, By::UserRef, key, &user_ref, limits::WINDOW_MS);
            let optin = json!({"ref": reference, "user_ref": user_ref});
            let item = json!({"recipient": {"id": key.page}, "optin": optin});
            inner.push_event(hub, NewEvent::new(key, "messaging_optins", item));
            Ok(None)
        }
        Act::Comment { text, .. } => {
            let (post, comment) = (ids::object_id(&hub.entropy), ids::object_id(&hub.entropy));
            let value = json!({"item": "comment", "comment_id": comment, "post_id": post});
            Ok(in_public(inner, hub, key, (By::Comment, &comment), (value, &text)))
        }
        Act::Post { text, .. } => {
            let post = ids::object_id(&hub.entropy);
            let value = json!({"item": "post", "post_id": post});
            Ok(in_public(inner, hub, key, (By::Post, &post), (value, &text)))
        }
        Act::NotifyMe { mid, .. } => {
            let asked = find(inner, key, &mid).filter(|(from, _)| *from == From::Page);
            let payload = asked.as_ref().and_then(|(_, body)| body.pointer("/attachment/payload"));
            let asked = payload.filter(|payload| payload["template_type"] == "one_time_notif_req");
            let payload = asked.map(|payload| payload["payload"].clone()).ok_or_else(|| no_message(&mid))?;
            let token = ids::object_id(&hub.entropy);
            recipient::name(inner, hub, By::OneTime, key, &token, limits::ONE_TIME_MS);
            let body =
                json!({"type": "one_time_notif_req", "payload": payload, "one_time_notif_token": token});
            event(inner, hub, key, "messaging_optins", "optin", &body, false);
            Ok(Some(token))
        }
    }
}

/// What a person says on the page's wall: told as a change of `feed`, and a name for one private reply.
fn in_public(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    (by, id): (By, &str),
    (mut value, text): (Value, &str),
) -> Option<String> {
    let psid = if inner.data.settings.comment_opens {
        inbound(inner, hub, key)?
    } else {
        inner.data.threads.get(key)?.psid.clone()
    };
    recipient::name(inner, hub, by, key, id, limits::COMMENT_MS);
    if let Value::Object(value) = &mut value {
        value.insert("verb".to_owned(), json!("add"));
        value.insert("from".to_owned(), json!({"id": psid, "name": key.user}));
        value.insert("message".to_owned(), json!(text));
    }
    inner.push_event(hub, NewEvent::change(&key.page, "feed", value));
    Some(id.to_owned())
}

fn no_message(mid: &str) -> ActionError {
    ActionError::Refused(format!("no message `{mid}` of the right kind is in the thread"))
}

fn find(inner: &Inner, key: &ThreadKey, mid: &str) -> Option<(From, Value)> {
    let thread = inner.data.threads.get(key)?;
    thread.messages.iter().rev().find(|m| m.mid == mid).map(|m| (m.from, m.body.clone()))
}

fn change(inner: &mut Inner, key: &ThreadKey, mid: &str, with: impl FnOnce(&mut Map<String, Value>)) {
    let Some(thread) = inner.data.threads.get_mut(key) else { return };
    let found = thread.messages.iter_mut().rev().find(|m| m.mid == mid);
    let Some(message) = found else { return };
    if let Value::Object(body) = &mut message.body {
        with(body);
    }
    let message = message.clone();
    inner.show_changed(key, &message);
}

fn edit(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    mid: &str,
    text: &str,
) -> Result<Option<String>, ActionError> {
    let Some((From::User, body)) = find(inner, key, mid) else { return Err(no_message(mid)) };
    let times = body.get("edits").and_then(Value::as_u64).unwrap_or(0) + 1;
    if times > limits::EDITS || body.get("text").is_none() {
        return Err(ActionError::Refused(format!("`{mid}` cannot be edited any more")));
    }
    change(inner, key, mid, |body| {
        body.insert("text".to_owned(), json!(text));
        body.insert("edits".to_owned(), json!(times));
    });
    let body = json!({"mid": mid, "text": text, "num_edit": times});
    // Not among the acts that open the window (3).
    Ok(event(inner, hub, key, "message_edits", "message_edit", &body, false))
}

/// A message of the person, with its webhook.
pub(crate) fn write(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    sent: Value,
    shown: Value,
) -> Option<String> {
    let psid = inbound(inner, hub, key)?;
    let mid = inner.mid(hub, key);
    let mut message = json!({"mid": mid});
    if let (Value::Object(message), Value::Object(sent)) = (&mut message, sent) {
        message.extend(sent);
    }
    let shown = inner.add_message(hub, key, From::User, mid.clone(), shown, Progress::Sending)?;
    let item = json!({"sender": {"id": psid}, "recipient": {"id": key.page}, "message": message});
    let mut event = NewEvent::new(key, "messages", item);
    event.message = Some(shown.seq);
    if inner.push_event(hub, event).is_none() {
        inner.set_progress(key, shown.seq, Progress::Unheard);
    }
    Some(mid)
}

/// An event without a message of its own; `opens` the window or not (3).
fn event(
    inner: &mut Inner,
    hub: &Hub,
    key: &ThreadKey,
    field: &'static str,
    name: &str,
    body: &Value,
    opens: bool,
) -> Option<String> {
    let psid = if opens {
        inbound(inner, hub, key)?
    } else {
        inner.data.threads.get(key).map(|t| t.psid.clone())?
    };
    let item = json!({"sender": {"id": psid}, "recipient": {"id": key.page}, name: body});
    inner.push_event(hub, NewEvent::new(key, field, item));
    None
}

/// What a human agent does in the Page Inbox, or another app of the page does by its own calls.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Inbox {
    /// Answers the person. Takes the thread.
    Reply { page: String, text: String },
    /// Moves the thread to Main. Takes it.
    Take { page: String },
    /// Marks it as done: the thread goes idle.
    Done { page: String },
    /// Hands the thread to an app (ours when not named).
    Pass {
        page: String,
        #[serde(default)]
        to: Option<String>,
        #[serde(default)]
        metadata: Option<String>,
    },
    /// Another app asks for the thread.
    Request { page: String, app: String },
}

/// Carries out what happens in the Page Inbox.
///
/// # Errors
/// [`ActionError::NoThread`], and [`ActionError::Refused`] with Meta's words.
pub(crate) fn inbox(hub: &Arc<Hub>, user: &str, what: Inbox) -> Result<Option<String>, ActionError> {
    let page = match &what {
        Inbox::Reply { page, .. }
        | Inbox::Take { page }
        | Inbox::Done { page }
        | Inbox::Pass { page, .. }
        | Inbox::Request { page, .. } => page.clone(),
    };
    let key = ThreadKey { page, user: user.to_owned() };
    let refused = |error: crate::graph::error::GraphError| ActionError::Refused(error.message);
    hub.with(|inner, hub| {
        if inner.thread(hub, &key).is_none() {
            return Err(ActionError::NoThread(key.page.clone()));
        }
        match what {
            Inbox::Reply { text, .. } => {
                if inner.data.settings.inbox_takes_over {
                    routing::take(inner, hub, &key, limits::PAGE_INBOX, None).map_err(refused)?;
                }
                Ok(answer(inner, hub, &key, &text))
            }
            Inbox::Take { .. } => {
                routing::take(inner, hub, &key, limits::PAGE_INBOX, None).map_err(refused)?;
                Ok(None)
            }
            Inbox::Done { .. } => {
                routing::release(inner, hub, &key, limits::PAGE_INBOX).map_err(refused)?;
                Ok(None)
            }
            Inbox::Pass { to, metadata, .. } => {
                let to = to.unwrap_or_else(|| hub.config.app_id.clone());
                routing::pass(inner, hub, &key, limits::PAGE_INBOX, &to, metadata.as_deref())
                    .map_err(refused)?;
                Ok(None)
            }
            Inbox::Request { app, .. } => {
                routing::request(inner, hub, &key, &app, None).map_err(refused)?;
                Ok(None)
            }
        }
    })?
}

/// A message that a human wrote: shown to the person, and echoed with the inbox's app id.
fn answer(inner: &mut Inner, hub: &Hub, key: &ThreadKey, text: &str) -> Option<String> {
    let mid = inner.mid(hub, key);
    let shown = json!({"text": text, "agent": true});
    inner.add_message(hub, key, From::Page, mid.clone(), shown, Progress::Sent)?;
    let psid = inner.data.threads.get(key)?.psid.clone();
    let message =
        json!({"is_echo": true, "mid": mid, "app_id": routing::number(limits::PAGE_INBOX), "text": text});
    let item = json!({"sender": {"id": key.page}, "recipient": {"id": psid}, "message": message});
    inner.push_event(hub, NewEvent::new(key, "message_echoes", item));
    if inner.data.online.get(&key.user).copied().unwrap_or(0) > 0 {
        crate::actions::advance(inner, hub, key, Progress::Delivered);
    }
    Some(mid)
}
