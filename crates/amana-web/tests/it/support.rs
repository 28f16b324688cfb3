//! A gateway on SQLite with a bank and a channel of the test's own, and a browser that keeps cookies.

use amana_bank::*;
use amana_channel::{
    ApprovedText, Channel, LinkingError, People, SendError, Sent, ThreadOwner, WindowPolicy,
};
use amana_chat::Rules;
use amana_core::*;
use amana_flow::{ChannelConfig, Gateway, GatewayParts, Institution, LogParts, Reconcile, Upkeep};
use amana_gate::{DataKey, Protected, Released, Subject};
use amana_log::note::LogSigner;
use amana_log::tiles::MemoryTiles;
use amana_render::Encoding;
use amana_store::{Command, Keys, SqliteCustody, Token};
use amana_web::{WebState, router};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

pub(crate) const BANK: &str = "cedar-bank";
pub(crate) const HARBOR: &str = "harbor";
pub(crate) const PAGE: &str = "1001";
pub(crate) const PERSON: &str = "24601";
pub(crate) const APP_SECRET: &str = "app-secret";
pub(crate) const EVENT_TOKEN: &str = "event-token";
pub(crate) const PLATFORM_TOKEN: &str = "linking-token";
pub(crate) const NOW: &str = "2026-11-24T10:00:00Z";

fn institution(id: &str) -> InstitutionId {
    InstitutionId::new(id).expect("an id")
}

pub(crate) fn conversation() -> ConversationId {
    ConversationId { channel: ChannelId::new(PAGE).expect("an id"), psid: Psid::new(PERSON).expect("an id") }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("USD").expect("a currency"))
}

/// A bank of one customer with three accounts, whose sign-in page is at `url`.
pub(crate) struct FakeBank {
    id: InstitutionId,
    url: String,
    clock: Arc<dyn Clock>,
    pub(crate) error: Mutex<Option<BankErrorClass>>,
    pub(crate) no_accounts: Mutex<bool>,
    /// Who signs in.
    pub(crate) subject: Mutex<String>,
    /// The tokens with which it notifies, each good once.
    pub(crate) publishers: Mutex<BTreeSet<String>>,
    /// Its keys cannot be read.
    pub(crate) keyless: Mutex<bool>,
}

impl FakeBank {
    fn error(&self) -> Result<(), BankError> {
        match *self.error.lock().expect("lock") {
            Some(class) => Err(BankError { institution: self.id.clone(), interaction: None, class }),
            None => Ok(()),
        }
    }

    fn tokens(&self) -> Tokens {
        Tokens {
            access: Secret::new("access"),
            refresh: Some(Secret::new("refresh")),
            id_token: None,
            expires_at: self.clock.now().checked_add(Duration::from_secs(86_400)).expect("an instant"),
            refresh_ends: None,
            scope: None,
            subject_sha256: None,
            dpop: None,
            connection: None,
            once: amana_bank::Once::Not,
            doubt: amana_bank::Doubt::None,
            own_refresh: None,
            renewing: None,
        }
    }
}

#[async_trait]
impl Bank for FakeBank {
    fn id(&self) -> &InstitutionId {
        &self.id
    }
    async fn begin(&self, ask: &AuthorizeAsk) -> Result<Authorization, BankError> {
        self.error()?;
        let pending: Pending = serde_json::from_value(serde_json::json!({
            "state": "s", "verifier": "v", "nonce": "n", "redirect_uri": ask.redirect_uri.as_str(),
            "issuer": "https://bank.example", "login_only": ask.login_only,
        }))
        .expect("the stored form of a pending authorization");
        Ok(Authorization { url: self.url.parse().expect("a url"), pending })
    }
    async fn complete(&self, pending: &Pending, callback: &Callback) -> Result<Granted, BankError> {
        self.error()?;
        let error = |class| BankError { institution: self.id.clone(), interaction: None, class };
        if callback.state.as_deref() != Some(pending.state()) {
            return Err(error(BankErrorClass::BadCallback("state")));
        }
        if callback.error.is_some() {
            return Err(error(BankErrorClass::Declined("access_denied")));
        }
        Ok(Granted {
            tokens: self.tokens(),
            subject: Some(self.subject.lock().expect("lock").clone()),
            bank_consent: None,
            evidence: None,
        })
    }
    /// As the real one does it with signatures (`amana-bank`'s `publishers`): who is not the publisher here is refused.
    async fn publisher(&self, token: &Secret, callback: &url::Url) -> Result<(), BankError> {
        let error = |class| BankError { institution: self.id.clone(), interaction: None, class };
        if *self.keyless.lock().expect("lock") {
            return Err(error(BankErrorClass::Retry("a test")));
        }
        assert_eq!(callback.as_str(), format!("https://gateway.example/events/{BANK}/notifications"));
        let known = self.publishers.lock().expect("lock").remove(token.expose());
        known.then_some(()).ok_or_else(|| error(BankErrorClass::OurRequest("not the publisher")))
    }
    async fn refresh(&self, _: &Tokens) -> Result<Tokens, BankError> {
        Ok(self.tokens())
    }
    async fn accounts(&self, _: &Tokens, subject: &Subject, _: Actor) -> Result<Accounts, BankError> {
        self.error()?;
        let make = |id: &str, name: &str, kind, last: &str, minor| Account {
            id: AccountId::new(id).expect("an id"),
            name: name.into(),
            kind,
            last_four: Some(last.into()),
            current: Some(usd(minor)),
            available: Some(usd(minor)),
            as_of: None,
        };
        let mut rows = vec![
            make("a1", "Everyday Checking", AccountKind::Checking, "1234", 248_015),
            make("a2", "حساب الادخار <b>", AccountKind::Savings, "5678", 1_910_000),
            make("a3", "Travel Card", AccountKind::CreditCard, "9001", 31_240),
        ];
        if *self.no_accounts.lock().expect("lock") {
            rows.clear();
        }
        let ids = rows.iter().map(|a| a.id.clone()).collect();
        Ok(Accounts { ids, data: Protected::new(subject.clone(), rows), skipped: 0 })
    }
    async fn transactions(
        &self,
        _: &Tokens,
        subject: &Subject,
        _: &AccountId,
        _: Timestamp,
        _: Timestamp,
        _: Actor,
    ) -> Result<Protected<Page<Transaction>>, BankError> {
        Ok(Protected::new(subject.clone(), Page { rows: Vec::new(), truncated: false }))
    }
    async fn news(&self, _: &Tokens, _: &Subject, _: &Of) -> Result<News, BankError> {
        Ok(News { events: Vec::new(), whole: true, calls: 1 })
    }
    async fn grant(
        &self,
        _: &Tokens,
        _: &Subject,
        _: Option<&str>,
    ) -> Result<amana_bank::GrantState, BankError> {
        Ok(amana_bank::GrantState::default())
    }

    async fn revoke(&self, _: &Tokens, _: Option<&str>, _: amana_bank::TakenBack) -> Result<(), BankError> {
        Ok(())
    }
    async fn revoke_refresh(&self, _: &Secret) -> Result<(), BankError> {
        Ok(())
    }
    async fn check(&self) -> Result<CheckReport, CheckError> {
        Ok(CheckReport::default())
    }
}

/// A channel that takes everything, unless it is to refuse, and remembers the last message.
#[derive(Default)]
pub(crate) struct FakeChannel {
    pub(crate) error: Mutex<Option<SendError>>,
    pub(crate) last: Mutex<String>,
}

#[async_trait]
impl Channel for FakeChannel {
    async fn send(&self, released: Released) -> Result<Sent, SendError> {
        if let Some(error) = self.error.lock().expect("lock").clone() {
            return Err(error);
        }
        let mid = format!("m_{}", released.message());
        *self.last.lock().expect("lock") = String::from_utf8(released.into_body()).expect("UTF-8");
        Ok(Sent { mid, rest: None })
    }
    async fn typing(&self, _: &Address, _: bool) -> Result<(), SendError> {
        Ok(())
    }
    async fn mark_seen(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn linking_recipient(&self, _: &ChannelId, token: &str) -> Result<Psid, LinkingError> {
        if token == PLATFORM_TOKEN { Ok(conversation().psid) } else { Err(LinkingError::BadToken) }
    }
    async fn unlink(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn locale(&self, _: &Address) -> Option<Lang> {
        None
    }
    async fn name(&self, _: &Address) -> Option<String> {
        Some("Sam H.".into())
    }
    async fn pass_to_people(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn owner(&self, _: &Address) -> Result<ThreadOwner, SendError> {
        Ok(ThreadOwner::Nobody)
    }
    async fn take_back(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn approved_texts(&self, _: &ChannelId) -> Result<Vec<ApprovedText>, SendError> {
        Ok(Vec::new())
    }
    async fn people(&self, _: &str) -> Result<People, SendError> {
        Ok(People::default())
    }
    fn encoding_outside(&self) -> Option<amana_render::Encoding> {
        None
    }
    async fn said_since(&self, _: &Address, _: Timestamp) -> Result<amana_channel::History, SendError> {
        Ok(amana_channel::History::Unkept)
    }
    async fn talked_since(&self, _: &ChannelId, _: Timestamp) -> Result<Option<Vec<String>>, SendError> {
        Ok(None)
    }
    async fn heard_in(
        &self,
        _: &ChannelId,
        _: &str,
        _: Timestamp,
    ) -> Result<Vec<amana_channel::Heard>, SendError> {
        Ok(Vec::new())
    }
    async fn unheard(&self, _: &ChannelId) -> Result<Vec<String>, SendError> {
        Ok(Vec::new())
    }
    async fn listen(&self, _: &ChannelId) -> Result<Vec<String>, SendError> {
        Ok(Vec::new())
    }
    fn encoding(&self, reply: bool) -> Encoding {
        if reply { Encoding::MessengerReply } else { Encoding::MessengerUpdate }
    }
    fn capabilities(&self) -> amana_channel::Capabilities {
        let window = WindowPolicy { open_for: None };
        amana_channel::Capabilities { window, ..amana_channel::messenger::capabilities() }
    }
}

/// The deployment under test.
pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) bank: Arc<FakeBank>,
    pub(crate) channel: Arc<FakeChannel>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) app: Router,
    pub(crate) folder: tempfile::TempDir,
    /// Every request that was answered: method, path without query, answer.
    pub(crate) answered: Mutex<Vec<(Method, String, Answer)>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::at("https://gateway.example/", "https://bank.example/authorize").await
    }

    /// A deployment at an address, whose bank signs people in at another.
    pub(crate) async fn at(public_url: &str, bank_url: &str) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().expect("an instant")));
        let entropy = Arc::new(SeededEntropy::new(7));
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("amana.sqlite").display());
        let custody = SqliteCustody::open(&folder.path().join("custody.sqlite"), true).expect("a custody");
        let keys = Keys::new(Arc::new(DataKey::new([1; 32])), Arc::new(custody));
        let store = amana_store::open(&url, keys, entropy.clone(), clock.clone()).await.expect("a store");
        let bank = Arc::new(FakeBank {
            id: institution(BANK),
            url: bank_url.into(),
            clock: clock.clone(),
            error: Mutex::default(),
            no_accounts: Mutex::default(),
            subject: Mutex::new("customer-1".into()),
            publishers: Mutex::default(),
            keyless: Mutex::default(),
        });
        let named = |en: &str, ar: &str| Institution::new(en.into(), ar.into(), bank.clone());
        let upkeep = Upkeep { notifications: true, ..Upkeep::default() };
        let through = Some(Aggregator { name: "Akoya".into(), name_ar: "أكويا".into() });
        let page = conversation().channel;
        let channel = Arc::new(FakeChannel::default());
        let gateway = Gateway::new(GatewayParts {
            store,
            log: LogParts {
                signer: LogSigner::new("gateway.example/log", &[7; 32]).expect("a signer"),
                tiles: Arc::new(MemoryTiles::new()),
                witnesses: None,
                segment_entries: 1 << 20,
                segment_seconds: 86_400,
            },
            channel: channel.clone(),
            read_policy: |_, _| Err("no test here has a policy".to_owned()),
            institutions: BTreeMap::from([
                (institution(BANK), named("Cedar Bank", "بنك الأرز").with_upkeep(upkeep)),
                (institution(HARBOR), named("Harbor Savings", "مصرف الميناء").with_aggregator(through)),
            ]),
            channels: BTreeMap::from([(
                page.clone(),
                ChannelConfig { institutions: vec![institution(BANK), institution(HARBOR)] },
            )]),
            understand: Box::new(Rules),
            clock: clock.clone(),
            entropy,
            public_url: public_url.parse().expect("a url"),
            redirect_hosts: BTreeSet::from(["www.facebook.com".to_owned()]),
            own_app: Some("4242".to_owned()),
            reconcile: Reconcile::default(),
        });
        for bank in [BANK, HARBOR] {
            gateway
                .ensure_agreement(&institution(bank), &page, AgreementState::Active, Form::Detail)
                .await
                .expect("an agreement");
        }
        let public_url: url::Url = public_url.parse().expect("a url");
        let app = router(Self::surface(&gateway, public_url));
        Self { gateway, bank, channel, clock, app, folder, answered: Mutex::default() }
    }

    fn surface(gateway: &Arc<Gateway>, public_url: url::Url) -> WebState {
        WebState {
            gateway: gateway.clone(),
            app_secret: Secret::new(APP_SECRET),
            verify_token: Secret::new("verify me"),
            event_tokens: BTreeMap::from([(institution(BANK), Secret::new(EVENT_TOKEN))]),
            secure_cookies: public_url.scheme() == "https",
            public_url,
            metrics: Box::new(|| "# TYPE amana_test counter\namana_test 1\n".to_owned()),
            form_action_origins: vec!["https://bank.example".into(), "https://www.facebook.com".into()],
        }
    }

    /// The same deployment with one thing of its surface changed.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut WebState)) -> Self {
        let mut state = Self::surface(&self.gateway, "https://gateway.example/".parse().expect("a url"));
        change(&mut state);
        self.app = router(state);
        self
    }

    /// A one-time link as the chat would give it.
    pub(crate) async fn token(&self, token: &str) -> String {
        let row = Token {
            hash: amana_core::ids::token_hash(token),
            conversation: conversation(),
            expires_at: self.clock.now().checked_add(Duration::from_secs(600)).expect("an instant"),
            consumed_at: None,
        };
        self.gateway.store().submit(vec![Command::PutToken(row)]).await.expect("kept");
        token.to_owned()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.app.clone().oneshot(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 16 << 20).await.expect("a body");
        let answer = Answer { status: head.status, headers: head.headers, body };
        self.answered.lock().expect("lock").push((method, path, answer.clone()));
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// Posts what the platform would, signed.
    pub(crate) async fn webhook(&self, body: impl Into<Vec<u8>>) -> Answer {
        let body = body.into();
        let signature = sign(&body);
        let request =
            Request::post("/webhooks/messenger").header("x-hub-signature-256", signature).body(body.into());
        self.send(request.expect("a request")).await
    }

    /// The person writes in the chat, and everything that follows is done.
    pub(crate) async fn says(&self, mid: &str, text: &str) {
        let body = message(mid, text);
        assert_eq!(self.webhook(body).await.status, StatusCode::OK);
        self.gateway.settle().await.expect("settled");
    }

    /// The bank pushes an event, and everything that follows is done.
    pub(crate) async fn pushes(&self, event: &serde_json::Value) -> Answer {
        let answer =
            self.events(BANK, Some(EVENT_TOKEN), "application/cloudevents+json", event.to_string()).await;
        self.gateway.settle().await.expect("settled");
        answer
    }

    pub(crate) async fn events(
        &self,
        institution: &str,
        token: Option<&str>,
        media: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::post(format!("/events/{institution}")).header(header::CONTENT_TYPE, media);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(body.into()).expect("a request")).await
    }
}

/// `X-Hub-Signature-256` of a body.
pub(crate) fn sign(body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, APP_SECRET.as_bytes());
    format!("sha256={}", hex::encode(ring::hmac::sign(&key, body)))
}

pub(crate) fn message(mid: &str, text: &str) -> String {
    serde_json::json!({"object": "page", "entry": [{"id": PAGE, "time": 1_795_514_400_000i64, "messaging": [{
        "sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": 1_795_514_400_000i64,
        "message": {"mid": mid, "text": text}}]}]})
    .to_string()
}

pub(crate) fn purchase(id: &str, account: &str) -> serde_json::Value {
    serde_json::json!({
        "specversion": "1.0", "id": id, "source": "https://bank.example/cedar",
        "type": "bank.transaction.authorised.v1", "time": NOW,
        "data": {"customerId": "customer-1", "accountId": account, "currency": "USD", "transaction": {
            "accountId": account, "transactionId": id, "amount": 4.51, "debitCreditMemo": "DEBIT",
            "status": "AUTHORIZATION", "description": "BLUE BOTTLE", "transactionTimestamp": NOW,
            "transactionPayee": {"merchantName": "Blue Bottle Coffee"}}}
    })
}

/// An answer, read.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text());
        self.header("location")
    }
}

/// A browser: cookies and a language.
pub(crate) struct Browser<'a> {
    world: &'a World,
    lang: Lang,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(world: &'a World, lang: Lang) -> Self {
        Self { world, lang, cookies: Mutex::default() }
    }

    async fn send(&self, request: axum::http::request::Builder, body: Body) -> Answer {
        self.send_from("same-origin", request, body).await
    }

    async fn send_from(&self, site: &str, request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> =
            self.cookies.lock().expect("lock").iter().map(|(k, v)| format!("{k}={v}")).collect();
        let request = request
            .header(header::ACCEPT_LANGUAGE, self.lang.tag())
            .header(header::COOKIE, cookies.join("; "))
            .header("sec-fetch-site", site)
            .body(body)
            .expect("a request");
        let answer = self.world.send(request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            let (name, value) = cookie.split(';').next().and_then(|c| c.split_once('=')).expect("a cookie");
            let mut cookies = self.cookies.lock().expect("lock");
            if value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().expect("lock").clone()
    }

    pub(crate) fn bring(&self, cookies: BTreeMap<String, String>) {
        *self.cookies.lock().expect("lock") = cookies;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from("same-origin", path, fields).await
    }

    /// A form that a page of such a site posts.
    pub(crate) async fn post_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send_from(site, request, Body::from(body)).await
    }

    /// Goes to the consent page by a one-time link: gives the page.
    pub(crate) async fn to_consent(&self, token: &str) -> Answer {
        let token = self.world.token(token).await;
        self.to_consent_of(BANK, &token).await
    }

    pub(crate) async fn to_consent_of(&self, bank: &str, token: &str) -> Answer {
        let begun =
            self.post("/link/begin", &[("t", token), ("institution", bank), ("lang", self.lang.tag())]).await;
        assert!(begun.location().starts_with("https://bank.example/"), "{}", begun.location());
        let back = self.get("/link/callback?code=c&state=s").await;
        assert_eq!(back.location(), "/link/consent");
        let page = self.get("/link/consent").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        page
    }

    /// Links and allows two purposes on one account, in detail.
    pub(crate) async fn link(&self, token: &str) {
        self.link_with(BANK, token).await;
    }

    pub(crate) async fn link_with(&self, bank: &str, token: &str) {
        let token = self.world.token(token).await;
        self.link_by(bank, &token).await;
    }

    /// The same, by a one-time link that is there already.
    pub(crate) async fn link_by(&self, bank: &str, token: &str) {
        self.link_in(bank, token, "detail").await;
    }

    /// The same, in a form.
    pub(crate) async fn link_in(&self, bank: &str, token: &str, form: &str) {
        let notice = notice_of(&self.to_consent_of(bank, token).await);
        let given = self
            .post(
                "/link/consent",
                &[
                    ("notice", &notice),
                    ("lang", self.lang.tag()),
                    ("purpose", "BalanceOnRequest"),
                    ("form.BalanceOnRequest", form),
                    ("purpose", "TransactionUpdate"),
                    ("form.TransactionUpdate", form),
                    ("account", "a1"),
                    ("days", "90"),
                ],
            )
            .await;
        assert_eq!(given.location(), "/link/done");
        self.world.gateway.settle().await.expect("settled");
    }
}

/// The hash of the notice that a consent page carries.
pub(crate) fn notice_of(page: &Answer) -> String {
    value_of(&page.text(), "notice")
}

/// The value of a hidden field.
pub(crate) fn value_of(page: &str, name: &str) -> String {
    let html = scraper::Html::parse_document(page);
    let selector = scraper::Selector::parse(&format!("input[name='{name}']")).expect("a selector");
    html.select(&selector).next().and_then(|e| e.value().attr("value")).expect("a field").to_owned()
}

/// The page has one program: a file of this site by its hash, short enough to be read, that fetches nothing.
pub(crate) async fn has_one_readable_program(world: &World, answer: &Answer, source: &str, lines: usize) {
    let page = answer.text();
    assert_eq!(page.matches("<script").count(), 1);
    let after = |mark: &str| {
        page.split(mark).nth(1).and_then(|rest| rest.split('"').next()).expect("there").to_owned()
    };
    let (path, integrity) = (after("<script type=\"module\" src=\""), after("integrity=\""));
    let csp = answer.header("content-security-policy");
    assert!(csp.starts_with("default-src 'none';") && !csp.contains("unsafe"), "{csp}");
    assert!(csp.contains(&format!("script-src https://gateway.example{path};")), "{csp}");
    assert!(csp.contains("connect-src 'none';") && csp.contains("trusted-types 'none'"), "{csp}");
    let program = world.get(&path).await;
    assert_eq!((program.status, program.text().as_str()), (StatusCode::OK, source));
    assert!(integrity.starts_with("sha256-"), "{integrity}");
    assert!(source.lines().count() < lines, "small enough to be read");
    for word in
        ["fetch(", "XMLHttp", "sendBeacon", "import", "cookie", "Storage", "innerHTML", "eval", "http"]
    {
        assert!(!source.contains(word), "{word}");
    }
}
