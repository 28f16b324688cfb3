//! What the simulator is told at the start.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::Error;

/// One Facebook Page of the simulated platform.
#[derive(Clone)]
pub struct PageConfig {
    /// Page id: digits, as a string.
    pub id: String,
    /// Name shown in the chat.
    pub name: String,
    /// Page access token. Secret.
    pub token: String,
    /// Picture colour as `#rrggbb`; `None` picks one from the id.
    pub colour: Option<String>,
    /// Webhook fields the app is subscribed to on this Page from the first start, as if somebody had ticked
    /// them in the dashboard. `POST subscribed_apps` replaces them. Empty: nothing is delivered until that
    /// call.
    pub subscribed_fields: Vec<String>,
}

impl PageConfig {
    /// A Page with a picked colour and no subscription.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            token: token.into(),
            colour: None,
            subscribed_fields: Vec::new(),
        }
    }
}

// The token stays out of logs.
impl std::fmt::Debug for PageConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageConfig").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Configuration of one simulator.
#[derive(Clone)]
pub struct MessengerConfig {
    /// Address under which browsers and the gateway reach the simulator, for example `http://127.0.0.1:8480/`.
    pub public_base_url: Url,
    /// Where the state lives; `None` keeps it in memory only.
    pub data_dir: Option<PathBuf>,
    /// The Pages. At least one.
    pub pages: Vec<PageConfig>,
    /// App id: digits.
    pub app_id: String,
    /// App secret: signs webhooks, checks `appsecret_proof`. Secret.
    pub app_secret: String,
    /// Verify token sent to `webhook_url` at the start.
    pub verify_token: String,
    /// Callback of the app. `None`: the callback of an earlier `POST /{app-id}/subscriptions`, if any.
    pub webhook_url: Option<Url>,
    /// How long a webhook may take: Meta gives 5 s.
    pub webhook_timeout: Duration,
    /// Refuse Graph calls without `appsecret_proof`.
    pub require_appsecret_proof: bool,
    /// Draw every id from this seed, so that runs repeat; `None`: from the entropy passed to [`crate::serve`].
    pub seed: Option<u64>,
}

impl MessengerConfig {
    /// Meta's webhook time-out.
    pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);

    /// A configuration with Meta's defaults: 5 s time-out, proof checked when present, state in memory, no
    /// callback.
    #[must_use]
    pub fn new(
        public_base_url: Url,
        app_id: impl Into<String>,
        app_secret: impl Into<String>,
        pages: Vec<PageConfig>,
    ) -> Self {
        Self {
            public_base_url,
            data_dir: None,
            pages,
            app_id: app_id.into(),
            app_secret: app_secret.into(),
            verify_token: String::new(),
            webhook_url: None,
            webhook_timeout: Self::WEBHOOK_TIMEOUT,
            require_appsecret_proof: false,
            seed: None,
        }
    }

    /// Checks what can be checked before listening.
    ///
    /// # Errors
    /// [`Error::Config`] for an id that is not digits, a repeated page id or token, an empty secret or no page.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let bad = |what: String, mend| Err(Error::Config { what, mend });
        if !is_digits(&self.app_id) {
            return bad(
                format!("app id `{}` is not a number", self.app_id),
                "use digits, such as `1900000000000001`",
            );
        }
        if self.app_secret.is_empty() {
            return bad("the app secret is empty".to_owned(), "set any non-empty secret");
        }
        if self.pages.is_empty() {
            return bad("no page is configured".to_owned(), "configure at least one page");
        }
        for (i, page) in self.pages.iter().enumerate() {
            if !is_digits(&page.id) || page.id == self.app_id {
                return bad(
                    format!("page id `{}` is not a number of its own", page.id),
                    "use digits, different from the app id",
                );
            }
            if page.token.is_empty() {
                return bad(format!("page `{}` has no token", page.id), "set any non-empty token");
            }
            if page.colour.as_deref().is_some_and(|c| !is_colour(c)) {
                return bad(
                    format!("the colour of page `{}` is not `#rrggbb`", page.id),
                    "write it as `#1a6b54`",
                );
            }
            if self.pages.iter().take(i).any(|p| p.id == page.id || p.token == page.token) {
                return bad(
                    format!("page `{}` shares its id or token with another", page.id),
                    "give each page its own id and token",
                );
            }
        }
        Ok(())
    }

    /// The page with this id.
    pub(crate) fn page(&self, id: &str) -> Option<&PageConfig> {
        self.pages.iter().find(|p| p.id == id)
    }
}

// Secrets stay out of logs.
impl std::fmt::Debug for MessengerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessengerConfig")
            .field("public_base_url", &self.public_base_url.as_str())
            .field("data_dir", &self.data_dir)
            .field("pages", &self.pages)
            .field("app_id", &self.app_id)
            .field("webhook_url", &self.webhook_url.as_ref().map(Url::as_str))
            .field("webhook_timeout", &self.webhook_timeout)
            .finish_non_exhaustive()
    }
}

fn is_digits(s: &str) -> bool {
    !s.is_empty() && s.len() <= 20 && s.bytes().all(|b| b.is_ascii_digit())
}

fn is_colour(s: &str) -> bool {
    s.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}
