//! To whom a send goes (messenger reference 2, "Recipient"): a page-scoped id, or one of the other names that a person
//! has for one message.

use serde::{Deserialize, Serialize};

use super::error::GraphError;
use super::params::{Params, text};
use crate::hub::{Hub, Inner};
use crate::limits;
use crate::model::ThreadKey;

const KEYS: [&str; 13] = [
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

/// By what a person is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// A page-scoped id.
    Id,
    /// A plugin's name for a person who has no page-scoped id yet: no `recipient_id`, no echo, no delivery (1.6).
    UserRef,
    /// A comment: one private reply.
    Comment,
    /// A visitor's post on the page: one private reply.
    Post,
    /// A token that the person gave for one message, whatever the window.
    OneTime,
}

impl By {
    fn key(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::UserRef => "user_ref",
            Self::Comment => "comment_id",
            Self::Post => "post_id",
            Self::OneTime => "one_time_notif_token",
        }
    }
    /// Whether the name is for one message alone.
    pub(crate) fn once(self) -> bool {
        matches!(self, Self::Comment | Self::Post | Self::OneTime)
    }
}

/// Another name of a person, and until when it is one.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) by: By,
    pub(crate) key: ThreadKey,
    pub(crate) until_ms: i64,
}

/// A recipient as the call names it.
#[derive(Debug, Clone)]
pub(crate) struct To {
    pub(crate) by: By,
    pub(crate) value: String,
}

/// Gives a person another name, good for so long. The oldest go where there are too many.
pub(crate) fn name(inner: &mut Inner, hub: &Hub, by: By, key: &ThreadKey, value: &str, for_ms: i64) {
    let now = hub.now_ms(inner);
    inner.data.names.retain(|_, name| name.until_ms > now);
    if inner.data.names.len() >= limits::NAMES {
        inner.data.names.clear();
    }
    let name = Name { by, key: key.clone(), until_ms: now + for_ms };
    inner.data.names.insert(value.to_owned(), name);
}

/// Exactly one way to name the recipient.
pub(super) fn named(params: &Params) -> Result<To, GraphError> {
    let recipient = params
        .object("recipient")?
        .ok_or_else(|| GraphError::param("The parameter recipient is required"))?;
    let unknown: Vec<String> = recipient.keys().filter(|k| !KEYS.contains(&k.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(GraphError::unknown_keys(&unknown, "recipient"));
    }
    let named: Vec<&str> = recipient.keys().map(String::as_str).filter(|k| *k != "name").collect();
    let by = match named.as_slice() {
        ["id"] => By::Id,
        ["user_ref"] => By::UserRef,
        ["comment_id"] => By::Comment,
        ["post_id"] => By::Post,
        ["one_time_notif_token"] => By::OneTime,
        ["notification_messages_token"] => {
            return Err(GraphError::param(
                "Messages by notification_messages_token ended on 10 February 2026",
            ));
        }
        [other] => return Err(GraphError::not_built(&format!("a recipient by {other}"))),
        _ => return Err(GraphError::param("Param recipient must have exactly one of its keys")),
    };
    let value = named.first().and_then(|key| recipient.get(*key)).and_then(text);
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
        let key = by.key();
        GraphError::param(format!("Param recipient[{key}] must be a valid ID string (e.g., \"123\")"))
    })?;
    Ok(To { by, value })
}

/// The page-scoped id of a recipient.
pub(super) fn resolve(inner: &Inner, hub: &Hub, page: &str, to: &To) -> Result<String, GraphError> {
    if to.by == By::Id {
        return Ok(to.value.clone());
    }
    let now = hub.now_ms(inner);
    let name = inner.data.names.get(&to.value);
    let name = name.filter(|name| name.by == to.by && name.key.page == page && name.until_ms > now);
    let thread = name.and_then(|name| inner.data.threads.get(&name.key));
    thread.map(|thread| thread.psid.clone()).ok_or_else(GraphError::no_user)
}
