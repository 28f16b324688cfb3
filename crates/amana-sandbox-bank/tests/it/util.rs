//! A bank, a client and a browser for the tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amana_sandbox_bank::{
    BankConfig, ClientAuth, ClientRegistration, Clock, Entropy, EventMode, EventTarget, SandboxBank,
    Security, SenderConstraint,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) const BANK: &str = "cedar-bank";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";
pub(crate) const SCOPE: &str =
    "fdx:accountbasic:read fdx:balances:read fdx:transactions:read openid offline_access";
pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";

/// Fixed key of the `private_key_jwt` client.
pub(crate) fn client_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

pub(crate) fn jwk(key: &p256::ecdsa::SigningKey, kid: &str) -> Value {
    let point = key.verifying_key().to_encoded_point(false);
    json!({
        "kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "use": "sig",
        "x": URL_SAFE_NO_PAD.encode(point.x().unwrap()),
        "y": URL_SAFE_NO_PAD.encode(point.y().unwrap()),
    })
}

pub(crate) fn sign(key: &p256::ecdsa::SigningKey, kid: &str, claims: &Value) -> String {
    use p256::ecdsa::signature::Signer;
    let header = json!({ "alg": "ES256", "kid": kid });
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature: p256::ecdsa::Signature = key.sign(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn start() -> Self {
        let at: Timestamp = "2026-11-24T15:30:00Z".parse().unwrap();
        Self(Arc::new(AtomicI64::new(at.as_second())))
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn clock(&self) -> Clock {
        let own = self.clone();
        Arc::new(move || own.now())
    }
}

/// Unpredictable enough for tests, and different in each bank of a process.
fn entropy() -> Arc<dyn Entropy> {
    static BANKS: AtomicU64 = AtomicU64::new(1);
    let state = Mutex::new(BANKS.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Arc::new(move |out: &mut [u8]| {
        let mut state = state.lock().unwrap();
        for byte in out {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
    })
}

pub(crate) struct Running {
    pub(crate) base: String,
    pub(crate) issuer: String,
    pub(crate) clock: HandClock,
    pub(crate) bank: SandboxBank,
    pub(crate) http: reqwest::Client,
    dir: Arc<tempfile::TempDir>,
    config: BankConfig,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) async fn start() -> Running {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut BankConfig)) -> Running {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut config = BankConfig::new(&base, dir.path());
    config.security = Security::Green;
    let client = |id: &str, auth| ClientRegistration {
        client_id: id.to_owned(),
        name: "Amana".to_owned(),
        name_ar: "أمانة".to_owned(),
        auth,
        redirect_uris: vec![CALLBACK.to_owned(), "http://127.0.0.1:9/other?x=1".to_owned()],
        sender: SenderConstraint::None,
        signed_requests: false,
    };
    let keys = serde_json::from_value(json!({ "keys": [jwk(&client_key(), "k1")] })).unwrap();
    config.clients = vec![
        client("amana", ClientAuth::SecretBasic("s3cret:/+ ü".to_owned())),
        client("poster", ClientAuth::SecretPost("posted".to_owned())),
        client("keyed", ClientAuth::PrivateKeyJwt(keys)),
    ];
    change(&mut config);
    launch(dir, config, HandClock::start(), listener).await
}

async fn launch(
    dir: Arc<tempfile::TempDir>,
    config: BankConfig,
    clock: HandClock,
    listener: TcpListener,
) -> Running {
    let bank = SandboxBank::open(config.clone(), clock.clock(), entropy()).unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn({
        let (bank, shutdown) = (bank.clone(), shutdown.clone());
        async move { bank.run(listener, shutdown).await.unwrap() }
    });
    let base = config.public_base_url.clone();
    Running { issuer: format!("{base}/{BANK}"), base, clock, bank, http: http(), dir, config, shutdown, task }
}

impl Running {
    /// Stops the bank as a kill would (nothing is flushed or said goodbye) and starts another on its data and address.
    pub(crate) async fn restart(self, change: impl FnOnce(&mut BankConfig)) -> Running {
        let Self { dir, mut config, clock, bank, shutdown, task, http, .. } = self;
        drop(http);
        drop(bank);
        task.abort();
        let _ = task.await;
        shutdown.cancel();
        change(&mut config);
        let address = config.public_base_url.trim_start_matches("http://").to_owned();
        // Tasks of open connections may hold the state file a moment longer.
        for _ in 0..200 {
            if let Ok(probe) = SandboxBank::open(config.clone(), clock.clock(), entropy()) {
                drop(probe);
                let listener = TcpListener::bind(&address).await.unwrap();
                return launch(dir, config, clock, listener).await;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the state file stayed locked");
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    pub(crate) fn fdx(&self, path: &str) -> String {
        format!("{}/fdx/v6{path}", self.issuer)
    }

    pub(crate) async fn get(&self, token: &str, url: &str) -> Response {
        self.http
            .get(url)
            .bearer_auth(token)
            .header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a")
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn get_ok(&self, token: &str, url: &str) -> Value {
        let response = self.get(token, url).await;
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        json_of(response).await
    }

    pub(crate) async fn control(&self, what: &str, body: Value) -> (StatusCode, Value) {
        let response = self
            .http
            .post(self.url(&format!("/control/{what}")))
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        (response.status(), json_of(response).await)
    }

    /// Posts to the token endpoint as the `amana` client.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let response = self
            .http
            .post(self.url("/token"))
            .header("authorization", basic())
            .form(form)
            .send()
            .await
            .unwrap();
        (response.status(), json_of(response).await)
    }

    /// Parameters of a right authorization request.
    pub(crate) fn ask(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("client_id", "amana".to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("response_type", "code".to_owned()),
            ("scope", SCOPE.to_owned()),
            ("state", "st&te ü".to_owned()),
            ("nonce", "n-1".to_owned()),
            ("code_challenge", challenge(VERIFIER)),
            ("code_challenge_method", "S256".to_owned()),
        ])
    }

    /// Goes through sign-in and consent as `layla`, ticking the accounts that `pick` chooses from the page's order
    /// (checking, savings, card). Gives the callback's parameters.
    pub(crate) async fn consent(
        &self,
        ask: &BTreeMap<&str, String>,
        pick: &[usize],
    ) -> BTreeMap<String, String> {
        let mut browser = Browser::new(self);
        let page = browser.sign_in(ask, "layla").await;
        let accounts = page.all("input[name=account]", "value");
        let chosen: Vec<&str> = pick.iter().map(|at| accounts[*at].as_str()).collect();
        callback(&browser.decide(&page, "allow", &chosen).await)
    }

    /// The whole link: consent and code exchange. Gives the token answer.
    pub(crate) async fn link(&self, ask: &BTreeMap<&str, String>, pick: &[usize]) -> Value {
        let back = self.consent(ask, pick).await;
        let (status, answer) = self.exchange(&back["code"]).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    pub(crate) async fn exchange(&self, code: &str) -> (StatusCode, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub(crate) async fn accounts(&self, token: &str) -> Vec<Value> {
        let body = self.get_ok(token, &self.fdx("/accounts?resultType=details")).await;
        body["accounts"].as_array().unwrap().clone()
    }
}

/// HTTP Basic of the `amana` client, form-urlencoded first as RFC 6749 wants.
pub(crate) fn basic() -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode("amana"), encode("s3cret:/+ ü"));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

pub(crate) async fn json_of(response: Response) -> Value {
    let text = response.text().await.unwrap();
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Parameters of a redirect to the client.
pub(crate) fn callback(location: &str) -> BTreeMap<String, String> {
    assert!(location.starts_with(CALLBACK), "{location}");
    url::Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

pub(crate) fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// A page as read by a person.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Page {
    pub(crate) async fn of(response: Response) -> Self {
        Self { status: response.status(), text: response.text().await.unwrap() }
    }

    pub(crate) fn all(&self, selector: &str, attribute: &str) -> Vec<String> {
        let document = scraper::Html::parse_document(&self.text);
        document
            .select(&scraper::Selector::parse(selector).unwrap())
            .filter_map(|element| element.value().attr(attribute).map(str::to_owned))
            .collect()
    }

    pub(crate) fn one(&self, selector: &str, attribute: &str) -> String {
        self.all(selector, attribute)
            .first()
            .unwrap_or_else(|| panic!("no {selector} in {}", self.text))
            .clone()
    }
}

/// A browser with cookies, without scripts.
pub(crate) struct Browser<'a> {
    bank: &'a Running,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) language: &'static str,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(bank: &'a Running) -> Self {
        Self { bank, cookies: BTreeMap::new(), language: "en" }
    }

    fn keep(&mut self, response: &Response) {
        for cookie in response.headers().get_all("set-cookie") {
            let text = cookie.to_str().unwrap();
            assert!(text.contains("HttpOnly") && text.contains("SameSite=Lax"), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) async fn open(&mut self, path: &str) -> Response {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.bank.base) };
        let request = self.bank.http.get(url).header("accept-language", self.language);
        let response = request.header("cookie", self.cookie_header()).send().await.unwrap();
        self.keep(&response);
        response
    }

    pub(crate) async fn send(&mut self, path: &str, form: &[(&str, &str)]) -> Response {
        let request =
            self.bank.http.post(format!("{}{path}", self.bank.base)).header("accept-language", self.language);
        let response = request.header("cookie", self.cookie_header()).form(form).send().await.unwrap();
        self.keep(&response);
        response
    }

    pub(crate) async fn authorize(&mut self, ask: &BTreeMap<&str, String>) -> Response {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(ask).finish();
        self.open(&format!("{}?{query}", self.bank.url("/authorize"))).await
    }

    /// From the application's link to the consent page.
    pub(crate) async fn sign_in(&mut self, ask: &BTreeMap<&str, String>, username: &str) -> Page {
        let response = self.authorize(ask).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let login = Page::of(self.open(&location(&response)).await).await;
        assert_eq!(login.status, StatusCode::OK, "{}", login.text);
        let action = login.one("form", "action");
        let token = login.one("input[name=form_token]", "value");
        let form = [("form_token", token.as_str()), ("username", username), ("password", "demo")];
        let response = self.send(&action, &form).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let page = Page::of(self.open(&location(&response)).await).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        page
    }

    /// Answers the consent page; gives where the browser is sent.
    pub(crate) async fn decide(&mut self, page: &Page, decision: &str, accounts: &[&str]) -> String {
        let response = self.answer(page, decision, accounts).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        location(&response)
    }

    pub(crate) async fn answer(&mut self, page: &Page, decision: &str, accounts: &[&str]) -> Response {
        let token = page.one("input[name=form_token]", "value");
        let mut form = vec![("form_token", token.as_str()), ("decision", decision)];
        form.extend(accounts.iter().map(|account| ("account", *account)));
        self.send(&page.one("form", "action"), &form).await
    }
}

/// One POST that a receiver got.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) authorization: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

/// A gateway that notes what it gets and answers as told.
pub(crate) struct Receiver {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Received>>>,
    /// Status codes for the next requests; then 204.
    pub(crate) answers: Arc<Mutex<Vec<u16>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        Self::start_on("127.0.0.1:0").await
    }

    pub(crate) async fn start_on(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/events/{BANK}", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(Vec::<u16>::new()));
        let handler = {
            let (got, answers) = (got.clone(), answers.clone());
            move |headers: axum::http::HeaderMap, body: String| async move {
                let header = |name: &str| {
                    headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
                };
                got.lock().unwrap().push(Received {
                    authorization: header("authorization"),
                    content_type: header("content-type"),
                    body: serde_json::from_str(&body).unwrap_or_default(),
                });
                let mut answers = answers.lock().unwrap();
                let status = if answers.is_empty() { 204 } else { answers.remove(0) };
                StatusCode::from_u16(status).unwrap()
            }
        };
        let router = axum::Router::new().route("/events/{bank}", axum::routing::post(handler));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, got, answers, task }
    }

    pub(crate) fn target(&self) -> EventTarget {
        EventTarget {
            url: self.url.clone(),
            token: "event-token".to_owned(),
            client_id: "amana".to_owned(),
            mode: EventMode::Single,
        }
    }

    pub(crate) fn got(&self) -> Vec<Received> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        for _ in 0..400 {
            let got = self.got();
            if got.len() >= count {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("only {} of {count} requests came", self.got().len());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
