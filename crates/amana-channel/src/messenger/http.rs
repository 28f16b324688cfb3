//! One call to the Graph API: where it may go, what it carries, and how much of the answer is read.

use super::config::{AppCredentials, ChannelProblem, MessengerConfig, PageConfig};
use super::error::{Refused, of_transport, read_answer, rest};
use crate::channel::{Rest, SendError};
use crate::limits;
use amana_core::{ChannelId, Secret};
use amana_render::messenger::is_loopback;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// The way out: one HTTP client that can reach one host, and the tokens of the pages.
pub(super) struct Graph {
    client: Client,
    /// `graph_url` and version.
    base: Url,
    /// When each page may call the Send API next, at the pace that the platform allows.
    pace: Mutex<BTreeMap<ChannelId, Instant>>,
    pages: BTreeMap<ChannelId, Page>,
    /// The app's own credentials, where there are any.
    app: Option<Page>,
}

/// A page's credentials (or the app's own), ready to be sent. Neither can be printed.
struct Page {
    authorization: HeaderValue,
    proof: Secret,
}

/// What a call says beside its path.
#[derive(Default)]
pub(super) struct Params<'a> {
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) json: Option<Vec<u8>>,
    /// In place of `json`: a body with its content type.
    pub(super) form: Option<Form>,
    /// How long the whole call may take, if not as long as any other.
    pub(super) patience: Option<Duration>,
}

/// A body that is not JSON.
pub(super) struct Form {
    pub(super) kind: String,
    pub(super) body: Vec<u8>,
}

impl Graph {
    pub(super) fn new(config: MessengerConfig) -> Result<Self, ChannelProblem> {
        let base = base(&config)?;
        if config.timeouts.connect.is_zero() || config.timeouts.call <= config.timeouts.connect {
            return Err(problem(
                "messenger.timeouts",
                "the call's time-out is above the connection's, and both above zero",
            ));
        }
        let mut pages = BTreeMap::new();
        for page in config.pages {
            let PageConfig { id, token, proof } = page;
            let credentials = Page::new(token.secret(), proof)?;
            if pages.insert(id.clone(), credentials).is_some() {
                return Err(problem(
                    "messenger.page.id",
                    &format!("`{id}` is there twice: one block per page"),
                ));
            }
        }
        let app = match config.app.as_ref().map(AppCredentials::parts) {
            None => None,
            Some((token, proof)) => Some(Page::new(token, proof.clone()).map_err(|wrong| {
                let key =
                    if wrong.key.ends_with("proof") { "messenger.app_proof" } else { "messenger.app_token" };
                problem(key, &wrong.what)
            })?),
        };
        // `reqwest` is built without a crypto provider of its own. A second installation fails, which is as
        // good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(config.timeouts.connect)
            .timeout(config.timeouts.call)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy from the environment would be a second host that sees everything.
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(limits::IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(limits::IDLE_CONNECTION_TIME)
            .user_agent(concat!("amana/", env!("CARGO_PKG_VERSION")));
        if base.scheme() == "http" {
            // Loopback needs no roots, and a bare machine has none, which would fail the client's start.
            builder = builder.tls_certs_only([]);
        } else {
            builder = builder.https_only(true);
        }
        let client = builder.build().map_err(|e| {
            let why =
                if e.is_builder() { "no usable root certificates on this machine" } else { "unknown reason" };
            problem("messenger.graph_url", &format!("no HTTPS client ({why}): install `ca-certificates`"))
        })?;
        Ok(Self { client, base, pace: Mutex::default(), pages, app })
    }

    pub(super) fn pages(&self) -> impl Iterator<Item = &ChannelId> {
        self.pages.keys()
    }

    pub(super) fn knows(&self, page: &ChannelId) -> bool {
        self.pages.contains_key(page)
    }

    /// Waits for the page's turn at the Send API, which takes so many calls a second of each (section 2.3): more would
    /// be refused, and the page would rest for much longer than this wait.
    pub(super) async fn turn(&self, page: &ChannelId) {
        let now = Instant::now();
        let turn = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = pace.get(page).map_or(now, |next| now.max(*next));
            pace.insert(page.clone(), turn + limits::SEND_EVERY);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }

    /// Calls `{graph_url}/{version}/{path…}` as the page.
    pub(super) async fn call(
        &self,
        page: &ChannelId,
        method: Method,
        path: &[&str],
        params: Params<'_>,
    ) -> Result<Value, Refused> {
        self.call_paced(page, method, path, params).await.map(|(answer, _)| answer)
    }

    /// A look with the app's own token.
    pub(super) async fn call_as_app(
        &self,
        token: &Secret,
        proof: Secret,
        path: &[&str],
    ) -> Result<Value, Refused> {
        let app = Page::new(token, proof).map_err(|_| SendError::UnknownChannel)?;
        let (answer, _) = self.ask(&app, "app", Method::GET, path, Params::default()).await?;
        Ok(answer)
    }

    /// A look with the app's own token that the configuration gives; `None` where it gives none.
    pub(super) async fn look_as_app(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Option<Result<Value, Refused>> {
        let params = Params { query, ..Params::default() };
        let looked = self.ask(self.app.as_ref()?, "app", Method::GET, path, params).await;
        Some(looked.map(|(answer, _)| answer))
    }

    /// The same, with whether to rest now.
    pub(super) async fn call_paced(
        &self,
        page: &ChannelId,
        method: Method,
        path: &[&str],
        params: Params<'_>,
    ) -> Result<(Value, Option<Rest>), Refused> {
        let credentials = self.pages.get(page).ok_or(SendError::UnknownChannel)?;
        self.ask(credentials, page.as_str(), method, path, params).await
    }

    async fn ask(
        &self,
        credentials: &Page,
        who: &str,
        method: Method,
        path: &[&str],
        params: Params<'_>,
    ) -> Result<(Value, Option<Rest>), Refused> {
        let url = self.url(path, params.query, credentials.proof.expose())?;
        let mut request =
            self.client.request(method, url).header(AUTHORIZATION, credentials.authorization.clone());
        if let Some(json) = params.json {
            request = request.header(CONTENT_TYPE, "application/json").body(json);
        } else if let Some(form) = params.form {
            request = request.header(CONTENT_TYPE, form.kind).body(form.body);
        }
        if let Some(patience) = params.patience {
            request = request.timeout(patience);
        }
        let result = match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => Err(of_transport(&error).into()),
        };
        if let Err(refused) = &result {
            let (code, sub) = refused.graph.as_ref().map_or((None, None), |e| (e.code, e.error_subcode));
            tracing::warn!(channel = who, class = refused.class.as_str(), code, sub, "graph call failed");
        }
        result
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)], proof: &str) -> Result<Url, SendError> {
        const NOWHERE: SendError = SendError::Transient { what: "the call could not be built" };
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| NOWHERE)?.extend(path);
        url.query_pairs_mut().extend_pairs(query).append_pair("appsecret_proof", proof);
        // Whatever the path was made of, it must not have led to another host.
        if url.origin() == self.base.origin() { Ok(url) } else { Err(NOWHERE) }
    }
}

impl Page {
    fn new(token: &Secret, proof: Secret) -> Result<Self, ChannelProblem> {
        let bad = || problem("messenger.page.token", "is empty or holds characters that no token has");
        if token.expose().trim().is_empty() {
            return Err(bad());
        }
        let digits = proof.expose();
        if digits.len() != limits::PROOF_DIGITS || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            let what = "is no `appsecret_proof`: 64 hexadecimal digits, made of this page's token and the app's secret";
            return Err(problem("messenger.page.proof", what));
        }
        let bearer = format!("Bearer {}", token.expose());
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| bad())?;
        authorization.set_sensitive(true);
        Ok(Self { authorization, proof })
    }
}

/// The answer's value. A larger one is not read to its end; whether the call succeeded is unknown then.
async fn read(mut response: Response) -> Result<(Value, Option<Rest>), Refused> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= limits::ANSWER_BYTES_MAX => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Err(SendError::Ambiguous { what: "the answer is too large" }.into()),
            Ok(None) => break,
            Err(error) => return Err(of_transport(&error).into()),
        }
    }
    let answer = read_answer(status, response.headers(), &body)?;
    Ok((answer, rest(response.headers())))
}

fn base(config: &MessengerConfig) -> Result<Url, ChannelProblem> {
    let url = &config.graph_url;
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    if !allowed || url.host().is_none() {
        return Err(problem("messenger.graph_url", "expected https, or http on a loopback address"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(problem("messenger.graph_url", "expected no user name, query or fragment"));
    }
    let version = config.graph_version.strip_prefix('v').and_then(|v| v.split_once('.'));
    let digits = |s: &str| !s.is_empty() && s.len() <= 3 && s.bytes().all(|b| b.is_ascii_digit());
    if !version.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
        return Err(problem("messenger.graph_version", "expected a version such as `v26.0`"));
    }
    let mut base = url.clone();
    base.path_segments_mut()
        .map_err(|()| problem("messenger.graph_url", "expected a URL with a host"))?
        .pop_if_empty()
        .push(&config.graph_version);
    Ok(base)
}

fn problem(key: &'static str, what: &str) -> ChannelProblem {
    ChannelProblem { key, what: what.to_owned() }
}
