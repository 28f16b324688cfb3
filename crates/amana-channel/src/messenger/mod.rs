//! Messenger: its Send API, profile and subscriptions (messenger reference, sections 2, 2.1 and 5).

mod attachment;
mod codes;
mod config;
mod error;
mod history;
mod http;
mod persona;
mod routing;
mod setup;
mod template;

pub use attachment::{Saved, Upload};
pub(crate) use codes::{LACKS_PERMISSION, shown};
pub use config::{
    AppCredentials, AppWebhook, Area, ChannelProblem, MessengerConfig, PageConfig, PageStatus, PageToken,
    Profile, SetupError, SetupReport, Timeouts, TokenState,
};
pub use persona::Persona;
pub use routing::INBOX_APP;
pub use setup::FIELDS;

use crate::channel::{
    ApprovedText, Capabilities, Channel, Heard, History, LinkingError, People, SendError, Sent, ThreadOwner,
    WindowPolicy,
};
use crate::limits;
use amana_core::{Address, ChannelId, Lang, Psid, Timestamp};
use amana_gate::Released;
use amana_render::Encoding;
use error::{LINKING_TOKEN, Refused};
use http::{Graph, Params};
use reqwest::Method;
use serde_json::{Value, json};

/// The Messenger client: the only holder of page tokens. It calls one host, follows no redirect and uses no
/// proxy.
pub struct Messenger {
    graph: Graph,
    app_id: String,
}

impl std::fmt::Debug for Messenger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messenger").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Messenger {
    /// A client for these pages.
    ///
    /// # Errors
    /// When the configuration cannot be used, with the key to mend.
    pub fn new(config: MessengerConfig) -> Result<Self, ChannelProblem> {
        let app_id = config.app_id.clone();
        if app_id.is_empty() || !app_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(ChannelProblem {
                key: "messenger.app_id",
                what: "expected the app's number from its dashboard".to_owned(),
            });
        }
        Ok(Self { graph: Graph::new(config)?, app_id })
    }

    /// A sender action: its own call, with recipient and action only (section 2, limits).
    async fn action(&self, to: &Address, action: &str) -> Result<(), SendError> {
        let body = json!({"recipient": {"id": to.psid.as_str()}, "sender_action": action});
        let params = Params { json: Some(body.to_string().into_bytes()), ..Params::default() };
        let page = &to.channel;
        self.graph.turn(page).await;
        let sent = self.graph.call(page, Method::POST, &[page.as_str(), "messages"], params).await;
        sent.map(|_| ()).map_err(|refused| refused.class)
    }
}

#[async_trait::async_trait]
impl Channel for Messenger {
    async fn send(&self, released: Released) -> Result<Sent, SendError> {
        let page = released.recipient().channel.clone();
        let message = released.message();
        let params = Params { json: Some(released.into_body()), ..Params::default() };
        let path = [page.as_str(), "messages"];
        self.graph.turn(&page).await;
        let answer = self.graph.call_paced(&page, Method::POST, &path, params).await;
        let (answer, rest) = answer.map_err(|refused| refused.class)?;
        match answer.get("message_id").and_then(Value::as_str) {
            Some(mid) if !mid.is_empty() && mid.len() <= limits::MID_BYTES_MAX => {
                tracing::debug!(channel = %page, id = %message, "sent");
                Ok(Sent { mid: mid.to_owned(), rest })
            }
            _ => Err(SendError::Ambiguous { what: "the answer names no message" }),
        }
    }

    async fn typing(&self, to: &Address, on: bool) -> Result<(), SendError> {
        self.action(to, if on { "typing_on" } else { "typing_off" }).await
    }

    async fn mark_seen(&self, to: &Address) -> Result<(), SendError> {
        self.action(to, "mark_seen").await
    }

    async fn linking_recipient(&self, channel: &ChannelId, token: &str) -> Result<Psid, LinkingError> {
        if !self.graph.knows(channel) {
            return Err(SendError::UnknownChannel.into());
        }
        let plausible = !token.is_empty() && token.len() <= limits::LINKING_TOKEN_BYTES_MAX;
        if !plausible || token.chars().any(char::is_control) {
            return Err(LinkingError::BadToken);
        }
        let query = [("fields", "recipient"), ("account_linking_token", token)];
        let params = Params { query: &query, ..Params::default() };
        let answer = match self.graph.call(channel, Method::GET, &["me"], params).await {
            Ok(answer) => answer,
            Err(Refused { graph: Some(error), .. }) if error.code == Some(LINKING_TOKEN) => {
                return Err(LinkingError::BadToken);
            }
            Err(refused) => return Err(refused.class.into()),
        };
        // The page in the answer must be the one asked about: ids of persons mean nothing on another page.
        let same = answer.get("id").and_then(text_id).is_some_and(|id| id == channel.as_str());
        let person = answer.get("recipient").and_then(text_id).and_then(|id| Psid::new(id).ok());
        person.filter(|_| same).ok_or(LinkingError::Unclear)
    }

    async fn unlink(&self, to: &Address) -> Result<(), SendError> {
        let body = json!({"psid": to.psid.as_str()});
        let params = Params { json: Some(body.to_string().into_bytes()), ..Params::default() };
        let done = self.graph.call(&to.channel, Method::POST, &["me", "unlink_accounts"], params).await;
        done.map(|_| ()).map_err(|refused| refused.class)
    }

    async fn locale(&self, of: &Address) -> Option<Lang> {
        Lang::from_tag(self.person(of, "locale").await?.get("locale")?.as_str()?)
    }

    async fn name(&self, of: &Address) -> Option<String> {
        let profile = self.person(of, "first_name,last_name").await?;
        let first = profile.get("first_name")?.as_str()?.trim();
        let last =
            profile.get("last_name").and_then(Value::as_str).and_then(|last| last.trim().chars().next());
        let whole = last.map_or_else(|| first.to_owned(), |initial| format!("{first} {initial}."));
        let clean: String = whole
            .chars()
            .filter(|c| !c.is_control() && !is_direction(*c))
            .take(limits::NAME_CHARS_MAX)
            .collect();
        (!clean.is_empty()).then_some(clean)
    }

    async fn pass_to_people(&self, of: &Address) -> Result<(), SendError> {
        self.pass_thread(of, INBOX_APP, None).await
    }

    async fn owner(&self, of: &Address) -> Result<ThreadOwner, SendError> {
        self.thread_owner(of).await
    }

    async fn take_back(&self, of: &Address) -> Result<(), SendError> {
        self.take_thread(of, None).await
    }

    async fn approved_texts(&self, channel: &ChannelId) -> Result<Vec<ApprovedText>, SendError> {
        self.templates(channel).await
    }

    /// The persons of an app-scoped id on our pages: `ids_for_pages` (section 8), which is asked with the app's own
    /// token: such an id is the app's, and means nothing to a page. A page whose question is refused is named: that
    /// nobody is known there cannot be said then.
    async fn people(&self, app_scoped: &str) -> Result<People, SendError> {
        let mut people = People::default();
        if app_scoped.is_empty() || !app_scoped.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(people);
        }
        for page in self.graph.pages() {
            let path = [app_scoped, "ids_for_pages"];
            let Some(asked) = self.graph.look_as_app(&path, &[("page", page.as_str())]).await else {
                people.untold.push(page.clone());
                continue;
            };
            let answer = match asked {
                Ok(answer) => answer,
                Err(Refused {
                    class: SendError::Permanent { .. } | SendError::NotAllowed { .. }, ..
                }) => {
                    people.untold.push(page.clone());
                    continue;
                }
                Err(refused) => return Err(refused.class),
            };
            let Some(rows) = answer.get("data").and_then(Value::as_array) else {
                people.untold.push(page.clone());
                continue;
            };
            for row in rows.iter().take(limits::PEOPLE_MAX) {
                let on = row.get("page").and_then(|of| of.get("id")).and_then(text_id);
                let psid = row.get("id").and_then(text_id).and_then(|id| Psid::new(id).ok());
                if let Some(psid) = psid.filter(|_| on.as_deref() == Some(page.as_str())) {
                    people.known.push(Address { channel: page.clone(), psid });
                }
            }
        }
        Ok(people)
    }

    async fn said_since(&self, to: &Address, since: Timestamp) -> Result<History, SendError> {
        self.history(to, since).await
    }

    async fn talked_since(
        &self,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<Option<Vec<String>>, SendError> {
        self.talked(channel, since).await
    }

    async fn heard_in(
        &self,
        channel: &ChannelId,
        thread: &str,
        since: Timestamp,
    ) -> Result<Vec<Heard>, SendError> {
        self.heard(channel, thread, since).await
    }

    async fn unheard(&self, channel: &ChannelId) -> Result<Vec<String>, SendError> {
        let missing = self.unsubscribed(channel).await.map_err(|refused| refused.class)?;
        Ok(missing.into_iter().map(str::to_owned).collect())
    }

    async fn listen(&self, channel: &ChannelId) -> Result<Vec<String>, SendError> {
        let subscribed = self.subscribe(channel).await.map_err(|refused| refused.class)?;
        Ok(subscribed.into_iter().map(str::to_owned).collect())
    }

    fn encoding(&self, reply: bool) -> Encoding {
        encoding(reply)
    }

    fn encoding_outside(&self) -> Option<Encoding> {
        encoding_outside()
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }
}

/// Into which bytes a message on Messenger is put: one that answers the person, or any other.
#[must_use]
pub fn encoding(reply: bool) -> Encoding {
    if reply { Encoding::MessengerReply } else { Encoding::MessengerUpdate }
}

/// Into which bytes a message is put on Messenger for a person who has been away: a utility template.
#[must_use]
pub fn encoding_outside() -> Option<Encoding> {
    Some(Encoding::MessengerUtility)
}

/// What Messenger can do.
#[must_use]
pub fn capabilities() -> Capabilities {
    Capabilities {
        window: window(),
        approved_texts: encoding_outside().is_some(),
        inbox: Some(INBOX_APP),
        typing: true,
        history: true,
    }
}

/// When one may write freely on Messenger.
#[must_use]
pub fn window() -> WindowPolicy {
    WindowPolicy { open_for: Some(limits::WINDOW.saturating_sub(limits::WINDOW_MARGIN)) }
}

/// Characters that turn the direction of what stands around them.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

impl Messenger {
    /// Fields of a person's profile (section 8). Without access Messenger answers an empty object.
    async fn person(&self, of: &Address, fields: &str) -> Option<Value> {
        // The id becomes part of a path, so it must be one segment of plain characters; Messenger's are digits.
        let psid = of.psid.as_str();
        if !psid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return None;
        }
        let params = Params { query: &[("fields", fields)], ..Params::default() };
        self.graph.call(&of.channel, Method::GET, &[psid], params).await.ok()
    }
}

/// An id as string or number (section 1.3).
fn text_id(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}
