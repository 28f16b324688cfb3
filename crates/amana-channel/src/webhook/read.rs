//! One messaging item: what happened, and the key under which it is stored once (messenger reference, 1.5 and
//! 1.6).

use super::event::{ChannelEventKind, EchoWords, Handover, InboundKind, ReactionAction, Referral, TopicWish};
use super::loose::{self, Object};
use super::parse::WebhookError;
use crate::limits;
use amana_core::{ChannelId, EventKey, Timestamp, ids::sha256};
use serde_json::Value;

/// The name of an event, and its time if a redelivery cannot change it.
pub(super) struct Key {
    time: Option<Timestamp>,
    name: String,
}

impl Key {
    /// Named by the platform's own id; a redelivery has another time, so none is in it.
    fn named(parts: &[&str]) -> Self {
        Self { time: None, name: joined(parts) }
    }
    /// There is no id, so the time is part of the name.
    pub(super) fn dated(at: Timestamp, parts: &[&str]) -> Self {
        Self { time: Some(at), name: joined(parts) }
    }
    /// Nothing is known about it, so all of it is the name.
    pub(super) fn unknown(item: &Object, parts: &[&str]) -> Self {
        let hash = sha256(&[Value::Object(item.clone()).to_string().as_bytes()]);
        let hash = hex::encode(hash);
        Self { time: None, name: joined(&[&["unknown", hash.as_str()], parts].concat()) }
    }
    pub(super) fn of(&self, page: &ChannelId) -> EventKey {
        EventKey::new(self.time, page.as_str(), &self.name)
    }
}

/// The keys under which the edits of a message are stored, whether they came or not: the first edit first, at most
/// [`limits::EDITS_MAX`].
#[must_use]
pub fn edit_keys(mid: &str, page: &ChannelId) -> Vec<EventKey> {
    let edits = (1..=limits::EDITS_MAX).map(|n| Key::named(&["edited", mid, &n.to_string()]));
    edits.map(|key| key.of(page)).collect()
}

/// The key under which a message, or a tap on a button, is stored that its webhook brings.
#[must_use]
pub fn message_key(mid: &str, page: &ChannelId) -> EventKey {
    Key::named(&["message", mid]).of(page)
}

/// Joined so that different parts never give the same text (texts from outside hold no NUL, see
/// `loose::text`).
fn joined(parts: &[&str]) -> String {
    parts.join("\0")
}

/// Sorts one item by the keys it has. `at` is its time, if it or its entry has one.
pub(super) fn kind(
    item: &Object,
    psid: &str,
    at: Option<Timestamp>,
    place: &str,
) -> Result<(InboundKind, Key), WebhookError> {
    let now = at.unwrap_or(Timestamp::UNIX_EPOCH);
    let within = |key: &str| loose::object(item, key).map(|object| (object, format!("{place}.{key}")));
    if let Some((message, place)) = within("message") {
        return of_message(message, &place);
    }
    if let Some((edit, place)) = within("message_edit") {
        let mid = mid(edit, &place)?;
        let edits = loose::count(edit.get("num_edit"));
        let text = edit.get("text").and_then(loose::text).unwrap_or_default();
        let key = Key::named(&["edited", &mid, &edits.to_string()]);
        return Ok((InboundKind::Edited { mid, text, edits }, key));
    }
    if let Some((postback, place)) = within("postback") {
        return of_postback(postback, psid, now, &place);
    }
    if let Some((reaction, place)) = within("reaction") {
        return of_reaction(reaction, psid, now, &place);
    }
    if let Some((delivery, place)) = within("delivery") {
        let watermark = watermark(delivery, &place)?;
        let mids = loose::list(delivery, "mids").iter().filter_map(loose::id);
        let mids: Vec<String> = mids.filter(|mid| mid.len() <= limits::MID_BYTES_MAX).collect();
        let key = Key::dated(watermark, &["delivery", psid, &mids.join(" ")]);
        return Ok((InboundKind::Delivery { mids, watermark }, key));
    }
    if let Some((read, place)) = within("read") {
        let watermark = watermark(read, &place)?;
        return Ok((InboundKind::Read { watermark }, Key::dated(watermark, &["read", psid])));
    }
    if let Some((linking, place)) = within("account_linking") {
        return of_linking(linking, psid, now, &place);
    }
    if let Some(found) = of_handover(item, psid, now, place)? {
        return Ok(found);
    }
    if let Some((optin, place)) = within("optin") {
        let kind = short(optin, "type", &place)?;
        let reference = match short(optin, "payload", &place)? {
            Some(payload) => Some(payload),
            None => short(optin, "ref", &place)?,
        };
        let status = short(optin, "notification_messages_status", &place)?.unwrap_or_default();
        let topic = match status.trim().to_ascii_uppercase().as_str() {
            "STOP NOTIFICATIONS" => Some(TopicWish::Stop),
            "RESUME NOTIFICATIONS" => Some(TopicWish::Resume),
            _ => None,
        };
        let (of, to) = (kind.as_deref().unwrap_or_default(), reference.as_deref().unwrap_or_default());
        let key = Key::dated(now, &["optin", psid, of, to, &status]);
        return Ok((InboundKind::Optin { kind, reference, topic }, key));
    }
    if let Some((from, place)) = within("referral") {
        let referral = referral(from, &place)?;
        let key = Key::dated(now, &["referral", psid, referral.reference.as_deref().unwrap_or_default()]);
        return Ok((InboundKind::Referral(referral), key));
    }
    for name in ["response_feedback", "messaging_feedback"] {
        if let Some((feedback, place)) = within(name) {
            let mid = short(feedback, "mid", &place)?;
            let said = short(feedback, "feedback", &place)?.unwrap_or_default();
            let good = match said.trim().to_ascii_lowercase().as_str() {
                "good response" => Some(true),
                "bad response" => Some(false),
                _ => None,
            };
            let key = Key::dated(now, &[name, psid, mid.as_deref().unwrap_or_default(), &said]);
            return Ok((InboundKind::Feedback { mid, good }, key));
        }
    }
    let keys = keys(item);
    let key = Key::unknown(item, &[psid]);
    Ok((InboundKind::Unknown { keys }, key))
}

fn of_message(message: &Object, place: &str) -> Result<(InboundKind, Key), WebhookError> {
    let mid = mid(message, place)?;
    if flag(message, "is_echo") {
        // Metadata that is not ours (another app's, or a person's in the inbox) is not ours to keep.
        let metadata = message.get("metadata").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let app_id = message.get("app_id").and_then(loose::id);
        let key = Key::named(&["echo", &mid]);
        return Ok((InboundKind::Echo { mid, metadata, app_id, words: words(message) }, key));
    }
    if flag(message, "is_deleted") {
        let key = Key::named(&["deleted", &mid]);
        return Ok((InboundKind::Deleted { mid }, key));
    }
    let key = Key::named(&["message", &mid]);
    let text = message.get("text").and_then(loose::text).filter(|text| !text.trim().is_empty());
    if let Some(reply) = loose::object(message, "quick_reply")
        && let Some(payload) = short(reply, "payload", &format!("{place}.quick_reply"))?
    {
        return Ok((InboundKind::QuickReply { mid, payload, text: text.unwrap_or_default() }, key));
    }
    let kinds: Vec<String> = loose::list(message, "attachments")
        .iter()
        .map(|a| a.get("type").and_then(Value::as_str).map_or_else(|| "unsupported".to_owned(), name))
        .collect();
    // A link in a text comes with a `fallback` attachment that only repeats it.
    let only_text = kinds.iter().all(|kind| kind == "fallback");
    let kind = match text {
        Some(text) if only_text => InboundKind::Text { mid, text },
        text if kinds.is_empty() => {
            InboundKind::Attachment { mid, kinds: vec!["unsupported".to_owned()], text }
        }
        text => InboundKind::Attachment { mid, kinds, text },
    };
    Ok((kind, key))
}

/// Everything that an echo says, wherever it stands (section 1.5). The title and the address of an attachment itself
/// are left out: they are the platform's summary of it.
fn words(message: &Object) -> EchoWords {
    let mut words: Vec<String> = message.get("text").and_then(loose::text).into_iter().collect();
    for attachment in loose::list(message, "attachments") {
        match attachment.get("type").and_then(Value::as_str) {
            // The platform's own preview of an address that stands in the text.
            Some("fallback") => {}
            Some("template") => {
                attachment.get("payload").into_iter().for_each(|payload| gather(payload, &mut words));
            }
            // A picture, a voice, a file: nothing that we send says this.
            kind => words.push(format!("[{}]", name(kind.unwrap_or("unsupported")))),
        }
    }
    if words.len() > limits::ECHO_WORDS_MAX {
        words.truncate(limits::ECHO_WORDS_MAX);
        words.push("[more]".to_owned());
    }
    EchoWords(words)
}

/// The texts, titles and addresses within a template.
fn gather(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, words)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(_) if SAID.contains(&name.as_str()) => words.extend(loose::text(field)),
                    Value::Array(_) | Value::Object(_) => gather(field, words),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The members of a template that a person reads, or is led to.
const SAID: [&str; 5] = ["text", "title", "subtitle", "url", "image_url"];

fn of_postback(
    postback: &Object,
    psid: &str,
    at: Timestamp,
    place: &str,
) -> Result<(InboundKind, Key), WebhookError> {
    let mid = match postback.get("mid") {
        Some(Value::Null) | None => None,
        Some(_) => Some(mid(postback, place)?),
    };
    let payload = short(postback, "payload", place)?;
    let title = short(postback, "title", place)?;
    let referral =
        loose::object(postback, "referral").map(|r| referral(r, &format!("{place}.referral"))).transpose()?;
    let key = match &mid {
        // As a message has it: the platform's record of the conversation shows a tap as one.
        Some(mid) => Key::named(&["message", mid]),
        None => Key::dated(at, &["postback", psid, payload.as_deref().unwrap_or_default()]),
    };
    Ok((InboundKind::Postback { mid, payload, title, referral }, key))
}

fn of_reaction(
    reaction: &Object,
    psid: &str,
    at: Timestamp,
    place: &str,
) -> Result<(InboundKind, Key), WebhookError> {
    let mid = mid(reaction, place)?;
    let action = match short(reaction, "action", place)?.map(|a| a.to_ascii_lowercase()).as_deref() {
        Some("react") => ReactionAction::React,
        Some("unreact") => ReactionAction::Unreact,
        _ => return Err(WebhookError::new(format!("{place}.action"), "expected `react` or `unreact`")),
    };
    let emoji = short(reaction, "emoji", place)?;
    let name = short(reaction, "reaction", place)?;
    let direction = if action == ReactionAction::React { "react" } else { "unreact" };
    let key = Key::dated(at, &["reaction", &mid, psid, direction, emoji.as_deref().unwrap_or_default()]);
    Ok((InboundKind::Reaction { mid, action, reaction: name, emoji }, key))
}

fn of_linking(
    linking: &Object,
    psid: &str,
    at: Timestamp,
    place: &str,
) -> Result<(InboundKind, Key), WebhookError> {
    match short(linking, "status", place)?.map(|s| s.to_ascii_lowercase()).as_deref() {
        Some("linked") => {
            let authorization_code = short(linking, "authorization_code", place)?;
            let key = match &authorization_code {
                Some(code) => Key::named(&["linked", psid, code]),
                None => Key::dated(at, &["linked", psid]),
            };
            Ok((InboundKind::Linked { authorization_code }, key))
        }
        Some("unlinked") => Ok((InboundKind::Unlinked, Key::dated(at, &["unlinked", psid]))),
        _ => Err(WebhookError::new(format!("{place}.status"), "expected `linked` or `unlinked`")),
    }
}

fn of_handover(
    item: &Object,
    psid: &str,
    at: Timestamp,
    place: &str,
) -> Result<Option<(InboundKind, Key)>, WebhookError> {
    for name in ["pass_thread_control", "take_thread_control", "request_thread_control"] {
        let Some(control) = loose::object(item, name) else { continue };
        let app = |key: &str| control.get(key).and_then(loose::id);
        let metadata = short(control, "metadata", &format!("{place}.{name}"))?;
        let (from, to, by) =
            (app("previous_owner_app_id"), app("new_owner_app_id"), app("requested_owner_app_id"));
        let owners = [&from, &to, &by].map(|id| id.as_deref().unwrap_or_default());
        let key = Key::dated(at, &[&[name, psid], owners.as_slice()].concat());
        let handover = match name {
            "pass_thread_control" => Handover::Passed { from, to, metadata },
            "take_thread_control" => Handover::Taken { from, to, metadata },
            _ => Handover::Requested { by, metadata },
        };
        return Ok(Some((InboundKind::Handover(handover), key)));
    }
    Ok(None)
}

/// What became of a text that was to be approved. It has no time of its own, and a text may be paused and approved
/// again, so the entry's time is part of its name.
pub(super) fn template_status(
    value: &Object,
    at: Timestamp,
    place: &str,
) -> Result<(ChannelEventKind, Key), WebhookError> {
    let needed = |key: &str| {
        short(value, key, place)?
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| WebhookError::new(format!("{place}.{key}"), "expected a text"))
    };
    let status = needed("event")?.to_ascii_uppercase();
    let (name, language) = (needed("message_template_name")?, needed("message_template_language")?);
    // Meta writes `NONE` where there is no reason.
    let reason = short(value, "reason", place)?.filter(|reason| !reason.eq_ignore_ascii_case("none"));
    let key = Key::dated(at, &["template", &name, &language, &status]);
    Ok((ChannelEventKind::TemplateStatus { status, name, language, reason }, key))
}

fn referral(from: &Object, place: &str) -> Result<Referral, WebhookError> {
    Ok(Referral {
        reference: short(from, "ref", place)?,
        source: short(from, "source", place)?,
        ad_id: from.get("ad_id").and_then(loose::id),
    })
}

fn mid(from: &Object, place: &str) -> Result<String, WebhookError> {
    from.get("mid")
        .and_then(loose::id)
        .filter(|mid| mid.len() <= limits::MID_BYTES_MAX)
        .ok_or_else(|| WebhookError::new(format!("{place}.mid"), "expected a message id"))
}

fn watermark(from: &Object, place: &str) -> Result<Timestamp, WebhookError> {
    from.get("watermark")
        .and_then(loose::instant)
        .ok_or_else(|| WebhookError::new(format!("{place}.watermark"), "expected an instant"))
}

/// A short text, or a number as text; anything else counts as absent.
pub(super) fn short(from: &Object, key: &str, place: &str) -> Result<Option<String>, WebhookError> {
    let text = from.get(key).and_then(loose::text);
    if text.as_ref().is_some_and(|text| text.len() > limits::SHORT_TEXT_BYTES_MAX) {
        let what = format!("longer than {} bytes", limits::SHORT_TEXT_BYTES_MAX);
        return Err(WebhookError::new(format!("{place}.{key}"), what));
    }
    Ok(text)
}

/// Whether a flag is set, as `true` or `"true"`.
pub(super) fn flag(from: &Object, key: &str) -> bool {
    match from.get(key) {
        Some(Value::Bool(set)) => *set,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// The names of an item's keys, without those that every item has.
pub(super) fn keys(item: &Object) -> Vec<String> {
    let mut keys: Vec<&String> =
        item.keys().filter(|key| !["sender", "recipient", "timestamp"].contains(&key.as_str())).collect();
    // The same keys in whatever order the platform writes them.
    keys.sort_unstable();
    keys.into_iter().take(limits::UNKNOWN_KEYS_MAX).map(|key| name(key)).collect()
}

/// A foreign name, fit to be shown and kept: bounded, and only of letters, digits, `_`, `-` and `.`.
pub(super) fn name(foreign: &str) -> String {
    foreign
        .chars()
        .take(limits::UNKNOWN_KEY_CHARS_MAX)
        .map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &serde_json::Value) -> Vec<String> {
        words(message.as_object().expect("an object")).0
    }

    #[test]
    fn everything_that_an_echo_says_is_read_and_nothing_of_the_platforms() {
        let button = serde_json::json!({"type": "web_url", "title": "Open", "url": "https://bank.example/m"});
        let template = serde_json::json!({"template_type": "generic", "elements": [
            {"title": "Checking", "subtitle": "42.10 USD", "image_url": "https://thief.example/i", "buttons": [button]},
        ]});
        let echo = serde_json::json!({"mid": "m", "text": "hello", "attachments": [
            {"type": "template", "title": "a summary", "url": "https://platform.example", "payload": template},
            {"type": "fallback", "title": "a preview", "payload": {"title": "a preview"}},
            {"type": "image", "payload": {"url": "https://platform.example/i"}},
        ]});
        let mut all = read(&echo);
        all.sort();
        let mut expected = [
            "hello",
            "Checking",
            "42.10 USD",
            "https://thief.example/i",
            "Open",
            "https://bank.example/m",
            "[image]",
        ];
        expected.sort_unstable();
        assert_eq!(all, expected);
        let many: Vec<_> = (0..500).map(|n| serde_json::json!({"title": n.to_string()})).collect();
        let many =
            read(&serde_json::json!({"attachments": [{"type": "template", "payload": {"elements": many}}]}));
        assert_eq!(
            (many.len(), many.last().map(String::as_str)),
            (limits::ECHO_WORDS_MAX + 1, Some("[more]"))
        );
        assert!(read(&serde_json::json!({"mid": "m"})).is_empty());
        assert_eq!(format!("{:?}", EchoWords(vec!["42.10 USD".into()])), "EchoWords(1)");
    }
}
