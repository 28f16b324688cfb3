//! What the client is told, and what it tells about a page.

use crate::channel::{ApprovedText, SendError};
use crate::limits;
use crate::webhook::app_secret_proof;
use amana_core::{Action, ChannelId, Lang, Secret};
use std::time::Duration;
use url::Url;

/// The `[messenger]` part of the configuration.
#[derive(Debug, Clone)]
pub struct MessengerConfig {
    /// The Graph API, `https://graph.facebook.com`; plain http only to a loopback address. The only host that
    /// is called.
    pub graph_url: Url,
    /// Its version, `v26.0`.
    pub graph_version: String,
    /// The app's id.
    pub app_id: String,
    /// The app's own token, for what no Page's token may ask: whose chats a request to delete is about. Without it
    /// nobody is told that.
    pub app: Option<AppCredentials>,
    /// The pages.
    pub pages: Vec<PageConfig>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// One page.
#[derive(Debug, Clone)]
pub struct PageConfig {
    /// Its id.
    pub id: ChannelId,
    /// Its access token.
    pub token: PageToken,
    /// The `appsecret_proof` of this token, [`PageToken::proof`]. Not the app's secret itself, which also signs what
    /// the platform sends to us: whoever speaks to the platform has no need of it.
    pub proof: Secret,
}

/// The app's own token, and what goes with it.
#[derive(Debug, Clone)]
pub struct AppCredentials {
    token: PageToken,
    proof: Secret,
}

impl AppCredentials {
    /// A token of the app's (`GET /oauth/access_token?grant_type=client_credentials`) and its `appsecret_proof`,
    /// [`PageToken::proof`]: for a process that is not to have the app's secret.
    #[must_use]
    pub fn new(token: PageToken, proof: Secret) -> Self {
        Self { token, proof }
    }

    /// The token that the app's secret is by itself.
    #[must_use]
    pub fn of_secret(app_id: &str, app_secret: &Secret) -> Self {
        let token = PageToken::new(Secret::new(format!("{app_id}|{}", app_secret.expose())));
        let proof = token.proof(app_secret);
        Self { token, proof }
    }

    /// The `appsecret_proof` of its token.
    #[must_use]
    pub fn proof(&self) -> &Secret {
        &self.proof
    }

    pub(crate) fn parts(&self) -> (&Secret, &Secret) {
        (self.token.secret(), &self.proof)
    }
}

/// A page's access token: whoever has it can write to every person of that page. Made where the configuration is read,
/// and from then on readable in this crate alone, whose client sends nothing that is not released.
///
/// ```compile_fail,E0624
/// fn steal(token: &amana_channel::PageToken) -> &str {
///     token.secret().expose()
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PageToken(Secret);

impl PageToken {
    /// The token of this text.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self(token)
    }

    /// What each call must bring beside the token, where the platform asks for it: `appsecret_proof`.
    #[must_use]
    pub fn proof(&self, app_secret: &Secret) -> Secret {
        Secret::new(app_secret_proof(app_secret, &self.0))
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.0
    }
}

impl std::fmt::Debug for PageToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How long to wait for the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For a whole call, connection included.
    pub call: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: limits::CONNECT_TIMEOUT, call: limits::CALL_TIMEOUT }
    }
}

/// What is wrong with the configuration of a channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct ChannelProblem {
    /// The key, such as `messenger.graph_url`.
    pub key: &'static str,
    /// What is wrong and what is expected. No secret.
    pub what: String,
}

/// Why a page could not be set up, or what belongs to it could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The profile, a persona or an attachment breaks a limit of the platform; nothing was written.
    #[error(transparent)]
    Profile(#[from] ChannelProblem),
    /// A call failed; what was written before stays, and the next run writes the rest.
    #[error(transparent)]
    Call(#[from] SendError),
}

/// What a person sees of a page before and beside the messages (Messenger profile, section 2.1). English is
/// the profile's default, Arabic its `ar_AR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What *Get started* sends back.
    pub get_started_payload: String,
    /// The greeting per language, ≤ 160 characters; English is required.
    pub greeting: Vec<(Lang, String)>,
    /// The persistent menu per language: postbacks and URLs, ≤ 20 entries with titles ≤ 30; English is
    /// required.
    pub menu: Vec<(Lang, Vec<Action>)>,
    /// Questions to begin with, per language, each with what it sends back, ≤ 4; none, or English at least.
    pub ice_breakers: Vec<(Lang, Vec<(String, String)>)>,
    /// Our account-linking page.
    pub account_linking_url: Option<String>,
    /// Our public origin, whitelisted if it is https with a domain name.
    pub public_url: Option<String>,
}

/// What `setup` changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetupReport {
    /// Webhook fields that were added to the subscription.
    pub subscribed: Vec<&'static str>,
    /// Profile properties that were written.
    pub written: Vec<&'static str>,
}

/// How a page's token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// It works and is this page's.
    Valid,
    /// It works, but for another page, whose id this is.
    OtherPage(String),
    /// It does not work any more.
    Dead,
    /// It could not be tried; why.
    NotTried(String),
}

/// A part of the platform, and the permission that opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Subscribing the page's events.
    Webhooks,
    /// The profile: greeting, menu, account linking. It is a setting of the page, as its webhooks are.
    Profile,
    /// Sending.
    Messaging,
    /// Utility templates.
    Templates,
}

impl Area {
    /// The permission of the app that opens it.
    #[must_use]
    pub fn permission(self) -> &'static str {
        match self {
            Self::Webhooks | Self::Profile => "pages_manage_metadata",
            Self::Messaging => "pages_messaging",
            // The documentation prints `page_`; the login dialogue knows this one alone.
            Self::Templates => "pages_utility_messaging",
        }
    }

    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::Profile => "profile",
            Self::Messaging => "messaging",
            Self::Templates => "templates",
        }
    }
}

/// Where the platform sends the events of an app's pages. It is a setting of the app, not of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppWebhook {
    /// The address; `None`: no webhook is set up for pages, and nothing is heard of any.
    pub callback: Option<String>,
    /// Whether the platform calls it.
    pub active: bool,
    /// Webhook fields that the app has not subscribed.
    pub missing_fields: Vec<&'static str>,
}

/// How a page stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageStatus {
    /// Which page.
    pub page: ChannelId,
    /// Its name at the platform.
    pub name: Option<String>,
    /// Its token.
    pub token: TokenState,
    /// Webhook fields that are not subscribed; `None` if it could not be read.
    pub missing_fields: Option<Vec<&'static str>>,
    /// Profile properties that differ from what they should be; `None` if it could not be read.
    pub profile_differs: Option<Vec<&'static str>>,
    /// How the texts stand that the platform approves beforehand; `None` if it could not be read.
    pub templates: Option<Vec<ApprovedText>>,
    /// What the platform refused to show, and what it said.
    pub closed: Vec<(Area, String)>,
}

impl PageStatus {
    /// A page about which nothing is known: it is not configured here.
    pub(crate) fn unknown(page: &ChannelId) -> Self {
        Self {
            page: page.clone(),
            name: None,
            token: TokenState::NotTried("the page is not configured here".to_owned()),
            missing_fields: None,
            profile_differs: None,
            templates: None,
            closed: Vec::new(),
        }
    }

    /// Whether all that the gateway cannot do without is as it should be. Without templates a customer who has been
    /// away is not told that there is news: one that is not there yet, or not decided on, is a matter of time, one
    /// that the platform does not let out is none.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.token == TokenState::Valid
            && self.missing_fields.as_ref().is_some_and(Vec::is_empty)
            && self.profile_differs.as_ref().is_some_and(Vec::is_empty)
            && !self.closed.iter().any(|(area, _)| *area == Area::Messaging)
            && !self.templates.iter().flatten().any(ApprovedText::is_unusable)
    }
}
