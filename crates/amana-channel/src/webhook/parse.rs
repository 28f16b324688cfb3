//! From the bytes of one webhook to events: envelope and addressing (messenger reference, section 1.3).
//!
//! Events are told apart by the keys they have, not by the array they come in: hand-over events come in
//! `messaging`. Only
//! `standby` is taken at its word, since nothing else says that another app controls the thread.

use super::event::{ChannelEvent, ChannelEventKind, Inbound, InboundKind};
use super::loose::{self, Object};
use super::read::{self, Key};
use crate::limits;
use amana_core::ids::sha256;
use amana_core::{ChannelId, ConversationId, EventKey, Psid, Timestamp};
use serde_json::{Value, json};

/// What one webhook body held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Events of conversations, in the order given.
    pub events: Vec<Inbound>,
    /// Events of whole channels.
    pub channel_events: Vec<ChannelEvent>,
    /// Items that hold nothing for us: unknown ones (they are in the lists, too) and those in `faults`.
    pub ignored: u32,
    /// Items that are broken. Their neighbours are not affected.
    pub faults: Vec<WebhookError>,
    /// The broken items and those that this version does not know, as they came: a later version may read them.
    pub kept: Vec<KeptItem>,
}

/// Something of a webhook that is kept as it came, since it could not be read, or means nothing to this version.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptItem {
    /// The key under which it is stored once: of its content.
    pub key: EventKey,
    /// Why it is kept: what is wrong with it and where, or the names of its keys. Holds no content.
    pub why: String,
    /// Whether it is readable, and unknown.
    pub unknown: bool,
    /// A webhook body with this item alone. It may be what a person wrote, so it prints nothing.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for KeptItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptItem").field("why", &self.why).finish_non_exhaustive()
    }
}

impl KeptItem {
    /// A body that could not be read at all.
    #[must_use]
    pub fn whole(raw: &[u8], error: &WebhookError) -> Self {
        Self { key: key_of(raw), why: error.to_string(), unknown: false, body: raw.to_vec() }
    }

    /// In whose chat it came, as far as that can be read: who has everything of a chat deleted means this, too.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        // Several people's items are nobody's alone.
        let [entry] = body.get("entry")?.as_array()?.as_slice() else { return None };
        let page = loose::id(entry.get("id")?)?;
        let lists = ["messaging", "standby"].iter().filter_map(|name| entry.get(*name)?.as_array());
        let items: Vec<&Value> = lists.flatten().collect();
        let [item] = items.as_slice() else { return None };
        let id = |side: &str| item.get(side).and_then(|of| of.get("id")).and_then(loose::id);
        let person = [id("sender"), id("recipient")].into_iter().flatten().find(|id| *id != page)?;
        Some(ConversationId { channel: ChannelId::new(&page).ok()?, psid: Psid::new(&person).ok()? })
    }
}

fn key_of(raw: &[u8]) -> EventKey {
    EventKey::new(None, "unread", &hex::encode(sha256(&[raw])))
}

/// What is wrong with a webhook body, or with one of its items. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook: {what} at `{place}`")]
pub struct WebhookError {
    /// Where, as a path such as `entry[0].messaging[2].sender.id`.
    pub place: String,
    /// What is wrong, and what was expected.
    pub what: String,
}

impl WebhookError {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// Reads one webhook body. Call [`super::verify_signature`] on the same bytes first.
///
/// # Errors
/// When the body as a whole is no webhook: larger than [`limits::WEBHOOK_BODY_BYTES_MAX`], not JSON, no `object`, no
/// `entry` list. One broken item is no error: it is in [`Parsed::faults`]. Entries of another object than `page` (the
/// app is subscribed to more than it reads) are no error either but [`Parsed::ignored`]: the platform repeats what is
/// refused and ends by switching the webhooks off.
pub fn parse(raw: &[u8]) -> Result<Parsed, WebhookError> {
    if raw.len() > limits::WEBHOOK_BODY_BYTES_MAX {
        let what = format!("the body is larger than {} bytes", limits::WEBHOOK_BODY_BYTES_MAX);
        return Err(WebhookError::new("$", what));
    }
    let body = read_json(raw)?;
    let body = body.as_object().ok_or_else(|| WebhookError::new("$", "expected a JSON object"))?;
    let entries = body.get("entry").and_then(Value::as_array);
    match (body.get("object").and_then(Value::as_str), entries) {
        (Some("page"), _) => {}
        (Some(_), Some(entries)) if !entries.is_empty() => {
            let ignored = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            return Ok(Parsed { ignored, ..Parsed::default() });
        }
        // Without entries there is nothing that was subscribed to: somebody's mistake, not the platform's webhook.
        _ => return Err(WebhookError::new("object", "expected `page`")),
    }
    let entries = entries.ok_or_else(|| WebhookError::new("entry", "expected a list"))?;
    let mut parsed = Parsed::default();
    for (i, entry) in entries.iter().enumerate() {
        let place = format!("entry[{i}]");
        match entry.as_object() {
            Some(entry) => parsed.entry(entry, &place),
            None => {
                let error = WebhookError::new(place, "expected an object");
                parsed.keep(entry, &json!({ "object": "page", "entry": [entry] }), error.to_string(), false);
                parsed.fault(error);
            }
        }
    }
    Ok(parsed)
}

fn read_json(raw: &[u8]) -> Result<Value, WebhookError> {
    let first = match serde_json::from_slice(raw) {
        Ok(value) => return Ok(value),
        Err(e) => e,
    };
    // Broken text in one message must not lose the others.
    if let Some(value) = loose::mend(raw).and_then(|mended| serde_json::from_str(&mended).ok()) {
        return Ok(value);
    }
    // serde_json's own text may quote the input, so only its place is told.
    let what = format!("not JSON (line {}, column {})", first.line(), first.column());
    Err(WebhookError::new("$", what))
}

/// What the items of one entry share.
struct Entry {
    page: Option<ChannelId>,
    time: Option<Timestamp>,
}

impl Parsed {
    fn keep(&mut self, item: &Value, body: &Value, why: String, unknown: bool) {
        let key = key_of(item.to_string().as_bytes());
        self.kept.push(KeptItem { key, why, unknown, body: body.to_string().into_bytes() });
    }

    /// The names of what was read since and means nothing to this version.
    fn unknown_since(&self, (events, channel_events): (usize, usize)) -> Option<String> {
        let of_person = self.events.iter().skip(events).find_map(|event| match &event.kind {
            InboundKind::Unknown { keys } => Some(keys.join(", ")),
            InboundKind::Standby(inner) => match &**inner {
                InboundKind::Unknown { keys } => Some(keys.join(", ")),
                _ => None,
            },
            _ => None,
        });
        let of_page = || {
            self.channel_events.iter().skip(channel_events).find_map(|event| match &event.kind {
                ChannelEventKind::Unknown { keys } => Some(keys.join(", ")),
                ChannelEventKind::AppRoles { .. } => Some("app_roles".to_owned()),
                _ => None,
            })
        };
        of_person.or_else(of_page)
    }

    fn fault(&mut self, error: WebhookError) {
        self.ignored = self.ignored.saturating_add(1);
        self.faults.push(error);
    }

    fn entry(&mut self, entry: &Object, place: &str) {
        let shared = Entry {
            page: entry.get("id").and_then(loose::id).and_then(|id| ChannelId::new(id).ok()),
            time: entry.get("time").and_then(loose::instant),
        };
        for (name, value) in entry {
            let Some(items) = value.as_array() else { continue };
            let expected = name == "standby" || name.starts_with("messaging");
            for (i, item) in items.iter().enumerate() {
                let place = format!("{place}.{}[{i}]", shown(name));
                let before = (self.events.len(), self.channel_events.len());
                let read = match item.as_object() {
                    Some(change) if name == "changes" => self.change(&shared, change, &place),
                    Some(item) if expected || addressed(item) => {
                        self.item(&shared, item, name == "standby", &place)
                    }
                    None if expected || name == "changes" => {
                        Err(WebhookError::new(place, "expected an object"))
                    }
                    // An array of something else, such as `hop_context`.
                    Some(_) | None => Ok(()),
                };
                let why = match &read {
                    Err(error) => Some((error.to_string(), false)),
                    Ok(()) => self.unknown_since(before).map(|names| (names, true)),
                };
                if let Some((why, unknown)) = why {
                    let mut alone = entry.clone();
                    // Its neighbours are read already.
                    alone.retain(|_, value| !value.is_array());
                    alone.insert(name.clone(), json!([item]));
                    self.keep(item, &json!({ "object": "page", "entry": [alone] }), why, unknown);
                }
                if let Err(error) = read {
                    self.fault(error);
                }
            }
        }
    }

    /// A change of a field that is no message: kept by its field's name.
    fn change(&mut self, entry: &Entry, change: &Object, place: &str) -> Result<(), WebhookError> {
        let field = change.get("field").and_then(Value::as_str).map_or_else(|| "changes".to_owned(), shown);
        let page = entry.page.clone().ok_or_else(|| no_page(place))?;
        let at = entry.time.unwrap_or(Timestamp::UNIX_EPOCH);
        // The webhooks page of the documentation prints the second name, production sends the first (section 1.4).
        if field == "message_template_status_update" || field == "messenger_template_status_update" {
            let place = format!("{place}.value");
            let value = loose::object(change, "value")
                .ok_or_else(|| WebhookError::new(place.clone(), "expected an object"))?;
            let (kind, key) = read::template_status(value, at, &place)?;
            self.channel_events.push(ChannelEvent { key: key.of(&page), channel: page, at, kind });
            return Ok(());
        }
        let key = Key::unknown(change, &[&field]).of(&page);
        self.unknown(page, at, key, vec![field]);
        Ok(())
    }

    fn unknown(&mut self, channel: ChannelId, at: Timestamp, key: EventKey, keys: Vec<String>) {
        self.ignored = self.ignored.saturating_add(1);
        self.channel_events.push(ChannelEvent { channel, at, key, kind: ChannelEventKind::Unknown { keys } });
    }

    fn item(&mut self, entry: &Entry, item: &Object, standby: bool, place: &str) -> Result<(), WebhookError> {
        let sender = party(item, "sender");
        let recipient = party(item, "recipient");
        let is_echo = loose::object(item, "message").is_some_and(|m| read::flag(m, "is_echo"));
        // An echo goes from the page to the person, everything else the other way.
        let (person, page) = if is_echo { (recipient, sender) } else { (sender, recipient) };
        let page = match &entry.page {
            Some(page) => page.clone(),
            None => page.clone().and_then(|id| ChannelId::new(id).ok()).ok_or_else(|| no_page(place))?,
        };
        // Some events about a thread name the page as their sender.
        let person = match person {
            Some(id) if id == page.as_str() && !is_echo => {
                party(item, "recipient").filter(|r| r != page.as_str())
            }
            other => other,
        };
        let at = item.get("timestamp").and_then(loose::instant).or(entry.time);
        let Some(person) = person else { return self.without_person(page, at, item, place) };
        let psid = Psid::new(person).map_err(|_| {
            WebhookError::new(format!("{place}.sender.id"), "expected 1 to 256 bytes of an id")
        })?;

        let (kind, key) = read::kind(item, psid.as_str(), at, place)?;
        let watermark = match &kind {
            InboundKind::Delivery { watermark, .. } | InboundKind::Read { watermark } => Some(*watermark),
            _ => None,
        };
        if matches!(kind, InboundKind::Unknown { .. }) {
            self.ignored = self.ignored.saturating_add(1);
        }
        let key = key.of(&page);
        let kind = if standby { InboundKind::Standby(Box::new(kind)) } else { kind };
        let at = at.or(watermark).unwrap_or(Timestamp::UNIX_EPOCH);
        self.events.push(Inbound { conversation: ConversationId { channel: page, psid }, at, key, kind });
        Ok(())
    }

    /// An item without a page-scoped id: about the page, from a plugin's `user_ref`, or broken.
    fn without_person(
        &mut self,
        page: ChannelId,
        at: Option<Timestamp>,
        item: &Object,
        place: &str,
    ) -> Result<(), WebhookError> {
        let at = at.unwrap_or(Timestamp::UNIX_EPOCH);
        let policy =
            loose::object(item, "policy_enforcement").or_else(|| loose::object(item, "policy-enforcement"));
        if let Some(policy) = policy {
            let place = format!("{place}.policy_enforcement");
            let action = read::short(policy, "action", &place)?
                .ok_or_else(|| WebhookError::new(format!("{place}.action"), "expected a text"))?
                .to_ascii_lowercase();
            let reason = read::short(policy, "reason", &place)?;
            let key = Key::dated(at, &["policy", &action, reason.as_deref().unwrap_or_default()]).of(&page);
            let kind = ChannelEventKind::PolicyEnforcement { action, reason };
            self.channel_events.push(ChannelEvent { channel: page, at, key, kind });
            return Ok(());
        }
        if let Some(roles) = loose::object(item, "app_roles") {
            let mut apps: Vec<String> = roles.keys().map(|app| shown(app)).collect();
            apps.sort_unstable();
            apps.truncate(limits::UNKNOWN_KEYS_MAX);
            let names: Vec<&str> = apps.iter().map(String::as_str).collect();
            let key = Key::dated(at, &[&["app_roles"], names.as_slice()].concat()).of(&page);
            let kind = ChannelEventKind::AppRoles { apps };
            self.channel_events.push(ChannelEvent { channel: page, at, key, kind });
            return Ok(());
        }
        let from_plugin = loose::object(item, "sender").is_some_and(|s| s.contains_key("user_ref"));
        if item.contains_key("message") && !from_plugin {
            return Err(WebhookError::new(format!("{place}.sender.id"), "expected the id of a person"));
        }
        let keys = read::keys(item);
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let key = Key::unknown(item, &names).of(&page);
        self.unknown(page, at, key, keys);
        Ok(())
    }
}

fn no_page(place: &str) -> WebhookError {
    WebhookError::new(place, "no page id: expected `id` in the entry")
}

/// Whether an item of an array of unknown name looks like a messaging item.
fn addressed(item: &Object) -> bool {
    item.contains_key("sender") && item.contains_key("recipient")
}

/// The id in `sender` or `recipient`.
fn party(item: &Object, name: &str) -> Option<String> {
    loose::object(item, name)?.get("id").and_then(loose::id)
}

/// A foreign name, fit to be shown and kept.
fn shown(name: &str) -> String {
    read::name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_another_object_are_ignored() {
        let item = r#"{"id":"1","time":1,"messaging":[{"sender":{"id":"2"},"recipient":{"id":"1"}}]}"#;
        for object in ["instagram", "user", "Page", ""] {
            let body = format!(r#"{{"object":"{object}","entry":[{item},{item},7]}}"#);
            assert_eq!(parse(body.as_bytes()), Ok(Parsed { ignored: 3, ..Parsed::default() }), "{object}");
        }
    }

    #[test]
    fn what_names_no_object_or_is_no_json_is_an_error() {
        for body in [r#"{"entry":[{}]}"#, r#"{"object":7,"entry":[{}]}"#, r#"{"object":"instagram"}"#] {
            assert_eq!(parse(body.as_bytes()).expect_err(body).place, "object");
        }
        let broken = parse(br#"{"object":"instagram","entry":[{}"#).expect_err("cut off");
        assert!(broken.what.starts_with("not JSON"), "{broken}");
    }
}
