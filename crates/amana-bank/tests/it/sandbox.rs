//! The connector against the sandbox bank, whose authorization server is FAPI 2.0's: link, read, refresh, revoke.

use crate::fake::{self, P256, options, subject};
use amana_bank::profile::{Profile, Sender};
use amana_bank::{
    Actor, Bank, BankErrorClass as Class, Callback, ClientAuth, ClientCertificate, Doubt, FdxBank,
    GrantStatus, HttpClientOptions, InstitutionConfig, Of, SigningKey, Tls, Topic,
};
use amana_core::{BankEventKind, Clock, Cluster, Entropy, ManualClock, Secret, SeededEntropy};
use amana_sandbox_bank as sandbox;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey};
use sandbox::{BankConfig, ClientRegistration, MutualTls, SandboxBank, SenderConstraint};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

const BANK: &str = "cedar-bank";
const CLIENT: &str = "amana";

/// How the client is registered and configured.
#[derive(Clone, Copy)]
struct Case {
    tls_auth: bool,
    sender: Sender,
    signed: bool,
}

struct Running {
    issuer: String,
    mtls: String,
    clock: Arc<ManualClock>,
    http: reqwest::Client,
    /// Where this client may be notified, and with what it was.
    callback: Url,
    shown: Arc<Mutex<Vec<String>>>,
    _stop: DropGuard,
    _folder: tempfile::TempDir,
}

fn key() -> SigningKey {
    SigningKey { pem: Secret::new(P256), kid: Some("k1".into()) }
}

fn public_keys() -> JwkSet {
    let key = EncodingKey::from_ec_pem(P256.as_bytes()).unwrap();
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("k1".into());
    JwkSet { keys: vec![jwk] }
}

async fn run(case: Case) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", plain.local_addr().unwrap());
    let (callback, shown) = hear().await;
    let mtls = format!("https://{}", secure.local_addr().unwrap());
    // Blue, and nonces wanted: that is how it is made.
    let mut config = BankConfig::new(&base, folder.path());
    config.institutions = vec![BANK.to_owned()];
    config.mutual_tls = Some(MutualTls {
        base_url: mtls.clone(),
        certificate_pem: include_str!("keys/tls/server.pem").into(),
        key_pem: include_str!("keys/tls/server.key.pem").into(),
        client_authorities_pem: include_str!("keys/tls/ca.pem").into(),
    });
    config.clients = vec![ClientRegistration {
        client_id: CLIENT.to_owned(),
        name: "Amana".to_owned(),
        name_ar: "أمانة".to_owned(),
        auth: match case.tls_auth {
            true => sandbox::ClientAuth::Tls("amana.example".to_owned()),
            false => sandbox::ClientAuth::PrivateKeyJwt(public_keys()),
        },
        redirect_uris: vec![fake::REDIRECT.to_owned(), callback.to_string()],
        sender: match case.sender {
            Sender::Mtls => SenderConstraint::Mtls,
            _ => SenderConstraint::Dpop,
        },
        signed_requests: case.signed,
    }];
    let clock = Arc::new(ManualClock::at(fake::start()));
    let entropy = SeededEntropy::new(5);
    let now = Arc::clone(&clock);
    let bank = SandboxBank::open(
        config,
        Arc::new(move || now.now()),
        Arc::new(move |out: &mut [u8]| entropy.fill(out)),
    )
    .unwrap();
    let stop = CancellationToken::new();
    let (first, second) = (bank.clone(), bank);
    let (stop_first, stop_second) = (stop.clone(), stop.clone());
    tokio::spawn(async move { first.run(plain, stop_first).await });
    tokio::spawn(async move { second.run_mutual_tls(secure, stop_second).await });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .no_proxy()
        .build()
        .unwrap();
    let issuer = format!("{base}/{BANK}");
    Running { issuer, mtls, clock, http, callback, shown, _stop: stop.drop_guard(), _folder: folder }
}

/// A server that takes notifications, and notes the tokens with which they come.
async fn hear() -> (Url, Arc<Mutex<Vec<String>>>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = Url::parse(&format!("http://{}/notifications", listener.local_addr().unwrap())).unwrap();
    let noted = Arc::clone(&shown);
    let note = move |headers: axum::http::HeaderMap| async move {
        let token = headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
        noted.lock().unwrap().push(token);
        axum::http::StatusCode::NO_CONTENT
    };
    let router = axum::Router::new().route("/notifications", axum::routing::post(note));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (callback, shown)
}

impl Running {
    /// The token of the next notification.
    async fn shown(&self) -> Secret {
        for _ in 0..400 {
            if let Some(token) = self.shown.lock().unwrap().pop() {
                return Secret::new(token);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no notification came");
    }

    async fn control(&self, what: &str, body: serde_json::Value) {
        let done =
            self.http.post(format!("{}/control/{what}", self.issuer)).json(&body).send().await.unwrap();
        assert!(done.status().is_success(), "{what}");
    }

    fn config(&self, case: Case, certificate: (&str, &str)) -> InstitutionConfig {
        let mut profile = Profile::built_in(BANK, "fdx-blue").unwrap();
        profile.oauth.signed_requests = case.signed;
        let secure = case.sender == Sender::Mtls;
        let api =
            if secure { format!("{}/{BANK}/fdx/v6", self.mtls) } else { format!("{}/fdx/v6", self.issuer) };
        InstitutionConfig {
            client_id: CLIENT.into(),
            client_auth: if case.tls_auth { ClientAuth::Tls } else { ClientAuth::PrivateKeyJwt },
            signing_key: (!case.tls_auth).then(key),
            sender: Some(case.sender),
            profile,
            tls: Tls {
                certificate: (secure || case.tls_auth).then(|| ClientCertificate {
                    chain_pem: certificate.0.into(),
                    key_pem: Secret::new(certificate.1),
                }),
                authorities_pem: Some(include_str!("keys/tls/ca.pem").into()),
            },
            ..fake::config(&self.issuer, &api, "private_key_jwt")
        }
    }

    fn client(&self, config: InstitutionConfig) -> FdxBank {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let patient = HttpClientOptions {
            call_timeout: Duration::from_secs(60),
            list_timeout: Duration::from_secs(60),
            body_bytes_max: 8 << 20,
            ..options()
        };
        FdxBank::new(config, patient, Arc::clone(&self.clock) as Arc<dyn Clock>, entropy).unwrap()
    }

    /// What the customer does in the browser.
    async fn authorize(&self, url: &Url) -> Callback {
        let origin = Url::parse(&self.issuer).unwrap();
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let mut keep = |response: &reqwest::Response| {
            for cookie in response.headers().get_all("set-cookie") {
                let (name, value) =
                    cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let line = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ");
            let next = response.headers().get("location").map(|l| origin.join(l.to_str().unwrap()).unwrap());
            (line, next)
        };
        let get = |url: Url, cookie: String| self.http.get(url).header("cookie", cookie).send();
        let response = get(url.clone(), String::new()).await.unwrap();
        let status = response.status();
        let (cookie, next) = keep(&response);
        let next = next.unwrap_or_else(|| panic!("no way to the login: {status}"));
        let response = get(next, cookie).await.unwrap();
        let (cookie, _) = keep(&response);
        let page = response.text().await.unwrap();
        let form = [
            ("form_token", attribute(&page, "input[name=form_token]", "value").remove(0)),
            ("username", "layla".to_owned()),
            ("password", "demo".to_owned()),
        ];
        let action = origin.join(&attribute(&page, "form", "action").remove(0)).unwrap();
        let response = self.http.post(action).header("cookie", cookie).form(&form).send().await.unwrap();
        let (cookie, next) = keep(&response);
        let page = get(next.unwrap(), cookie.clone()).await.unwrap().text().await.unwrap();
        let mut form = vec![
            ("form_token", attribute(&page, "input[name=form_token]", "value").remove(0)),
            ("decision", "allow".to_owned()),
        ];
        form.extend(attribute(&page, "input[name=account]", "value").into_iter().map(|id| ("account", id)));
        let action = origin.join(&attribute(&page, "form", "action").remove(0)).unwrap();
        let response = self.http.post(action).header("cookie", cookie).form(&form).send().await.unwrap();
        let back = keep(&response).1.unwrap();
        assert!(back.as_str().starts_with(fake::REDIRECT), "{back}");
        let mut query = fake::pairs(back.query().unwrap());
        Callback {
            code: query.remove("code").map(Secret::new),
            state: query.remove("state"),
            iss: query.remove("iss"),
            error: query.remove("error"),
            error_description: None,
        }
    }
}

fn attribute(page: &str, selector: &str, name: &str) -> Vec<String> {
    let document = scraper::Html::parse_document(page);
    let found: Vec<String> = document
        .select(&scraper::Selector::parse(selector).unwrap())
        .filter_map(|element| element.value().attr(name).map(str::to_owned))
        .collect();
    assert!(!found.is_empty(), "no {selector} in {page}");
    found
}

const OURS: (&str, &str) = (fake::CLIENT_CERTIFICATE, fake::CLIENT_KEY);
const STRANGERS: (&str, &str) =
    (include_str!("keys/tls/stranger.pem"), include_str!("keys/tls/stranger.key.pem"));

async fn the_whole_way(case: Case) -> (Running, FdxBank, amana_bank::Tokens) {
    let running = run(case).await;
    let bank = running.client(running.config(case, OURS));
    let begun = bank.begin(&fake::ask()).await.unwrap();
    let callback = running.authorize(&begun.url).await;
    let granted = bank.complete(&begun.pending, &callback).await.unwrap();
    assert!(granted.subject.is_some() && granted.bank_consent.is_some() && granted.evidence.is_some());
    assert_eq!(granted.tokens.dpop.is_some(), case.sender == Sender::Dpop);
    let tokens = amana_bank::Tokens::from_bytes(&granted.tokens.to_bytes()).unwrap();
    let accounts = bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
    assert!(accounts.ids.len() >= 2 && accounts.skipped == 0, "{accounts:?}");
    let (to, from) = (running.clock.now(), "2026-11-01T00:00:00Z".parse().unwrap());
    let page = bank.transactions(&tokens, &subject(), &accounts.ids[0], from, to, Actor::User).await.unwrap();
    assert!(!fake::open(&page)["rows"].as_array().unwrap().is_empty());
    let renewed = bank.refresh(&tokens).await.unwrap();
    assert_ne!(renewed.access, tokens.access);
    bank.accounts(&renewed, &subject(), Actor::Batch).await.unwrap();
    bank.revoke(&renewed, granted.bank_consent.as_deref(), amana_bank::TakenBack::BY_CUSTOMER).await.unwrap();
    for dead in [&tokens, &renewed] {
        let e = bank.accounts(dead, &subject(), Actor::Batch).await.unwrap_err();
        assert!(matches!(e.class, Class::RelinkNeeded(_)), "{e}");
    }
    let e = bank.refresh(&renewed).await.unwrap_err();
    assert!(matches!(e.class, Class::RelinkNeeded(_)), "{e}");
    (running, bank, renewed)
}

#[tokio::test]
async fn with_a_key_of_the_connection() {
    let case = Case { tls_auth: false, sender: Sender::Dpop, signed: false };
    let (_running, bank, _) = the_whole_way(case).await;
    let report = bank.check().await.unwrap();
    let tokens = report.checked.iter().find(|c| c.what == "tokens").unwrap();
    assert!(tokens.found.contains("dpop") && tokens.warning.is_none(), "{tokens:?}");
}

#[tokio::test]
async fn with_a_key_of_the_connection_and_signed_requests() {
    the_whole_way(Case { tls_auth: false, sender: Sender::Dpop, signed: true }).await;
}

#[tokio::test]
async fn with_a_certificate_that_proves_the_client_and_binds_its_tokens() {
    the_whole_way(Case { tls_auth: true, sender: Sender::Mtls, signed: false }).await;
}

#[tokio::test]
async fn with_an_assertion_signed_requests_and_tokens_bound_to_the_certificate() {
    the_whole_way(Case { tls_auth: false, sender: Sender::Mtls, signed: true }).await;
}

#[tokio::test]
async fn another_ones_certificate_opens_nothing() {
    let case = Case { tls_auth: false, sender: Sender::Mtls, signed: false };
    let running = run(case).await;
    let bank = running.client(running.config(case, OURS));
    let begun = bank.begin(&fake::ask()).await.unwrap();
    let callback = running.authorize(&begun.url).await;
    let tokens = bank.complete(&begun.pending, &callback).await.unwrap().tokens;
    // The tokens with another certificate of the same authority, and with none.
    let stranger = running.client(running.config(case, STRANGERS));
    let mut bare = running.config(Case { sender: Sender::Dpop, ..case }, OURS);
    bare.api_url = format!("{}/{BANK}/fdx/v6", running.mtls).parse().unwrap();
    for thief in [stranger, running.client(bare)] {
        let e = thief.accounts(&tokens, &subject(), Actor::User).await.unwrap_err();
        assert!(matches!(e.class, Class::RelinkNeeded(_)), "{e}");
    }
    assert!(bank.accounts(&tokens, &subject(), Actor::User).await.is_ok());

    // The client that proves itself by its certificate, with another one.
    let case = Case { tls_auth: true, ..case };
    let running = run(case).await;
    let e = running.client(running.config(case, STRANGERS)).begin(&fake::ask()).await.unwrap_err();
    assert_eq!(e.class, Class::OurRequest("invalid_client"));
    // A server of an authority that nobody trusts is not spoken to.
    let mut config = running.config(case, OURS);
    config.tls.authorities_pem = None;
    let e = running.client(config).begin(&fake::ask()).await.unwrap_err();
    assert_eq!(e.class, Class::Nonsense("its tls certificate is not trusted"));
}

/// What came about is read as the events that would have been pushed; whatever goes wrong at the bank has its class,
/// and the next reading has it all. What a grant holds there is what it says.
#[tokio::test]
async fn news_are_read_and_faults_have_their_class() {
    let case = Case { tls_auth: false, sender: Sender::Dpop, signed: false };
    let running = run(case).await;
    let bank = running.client(running.config(case, OURS));
    let begun = bank.begin(&fake::ask()).await.unwrap();
    let callback = running.authorize(&begun.url).await;
    let granted = bank.complete(&begun.pending, &callback).await.unwrap();
    let (tokens, consent) = (granted.tokens, granted.bank_consent);
    let till = async |what: &str, body: serde_json::Value| -> serde_json::Value {
        let url = format!("{}/control/{what}", running.issuer);
        let answer = running.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
        answer.json().await.unwrap()
    };
    let bought =
        till("purchase", json!({"customer": "layla", "merchant": "Blue Bottle", "amount": "4.50"})).await;
    let account = amana_core::AccountId::new(bought["accountId"].as_str().unwrap()).unwrap();
    let (from, to) = ("2026-11-20T00:00:00Z".parse().unwrap(), "2026-11-26T00:00:00Z".parse().unwrap());
    let rows = Of::Transactions { account: account.clone(), from, to };
    let of = |id: &serde_json::Value, news: &amana_bank::News| {
        let found = news.events.iter().find(|(event, _)| event.transaction_id.as_deref() == id.as_str());
        found.map(|(event, _)| (event.kind, event.reference_id.clone(), event.id.clone()))
    };
    let news = bank.news(&tokens, &subject(), &rows).await.unwrap();
    assert!(news.whole);
    assert!(news.events.is_sorted_by_key(|(event, _)| event.occurred));
    let (kind, _, id) = of(&bought["transactionId"], &news).expect("the purchase");
    assert_eq!(kind, BankEventKind::TransactionAuthorised);
    let again = bank.news(&tokens, &subject(), &rows).await.unwrap();
    assert_eq!(of(&bought["transactionId"], &again).unwrap().2, id, "the same row is the same event");
    let posted = till("post", json!({"transactionId": bought["transactionId"]})).await;
    let news = bank.news(&tokens, &subject(), &rows).await.unwrap();
    let (kind, reference, _) = of(&posted["transactionId"], &news).expect("its posting");
    assert_eq!(
        (kind, reference.as_deref()),
        (BankEventKind::TransactionPosted, bought["transactionId"].as_str())
    );
    let balances = bank.news(&tokens, &subject(), &Of::Balances).await.unwrap();
    assert!(balances.whole && balances.events.iter().any(|(event, _)| event.account == account));

    for (fault, class) in [
        (json!({"kind": "too_many_requests", "times": 1, "retryAfter": 30}), "wait"),
        (json!({"kind": "unavailable", "times": 1}), "wait"),
        (json!({"kind": "server_error", "times": 1}), "retry"),
        (json!({"kind": "nonsense", "times": 1}), "nonsense"),
        (json!({"kind": "unauthorized", "times": 1}), "relink-needed"),
    ] {
        till("fault", fault.clone()).await;
        let error = bank.news(&tokens, &subject(), &rows).await.unwrap_err();
        assert_eq!(error.class.as_str(), class, "{fault}");
    }
    till("fault", json!({"kind": "partial", "times": 1})).await;
    let partial = bank.news(&tokens, &subject(), &rows).await.unwrap();
    assert!(!partial.whole && partial.events.len() < news.events.len(), "{partial:?}");
    assert!(bank.news(&tokens, &subject(), &rows).await.unwrap().whole);

    let held = bank.grant(&tokens, &subject(), consent.as_deref()).await.unwrap().accounts.unwrap();
    assert!(held.len() >= 2 && held.contains(&account));
    till("consents/narrow", json!({"customer": "layla", "keep": [account]})).await;
    let state = bank.grant(&tokens, &subject(), consent.as_deref()).await.unwrap();
    assert_eq!((state.status, state.accounts), (GrantStatus::Active, Some(vec![account])));
    till("consents/revoke", json!({"customer": "layla"})).await;
    let e = bank.refresh(&tokens).await.unwrap_err();
    assert!(e.class.ends_grant(), "{e}");
}

/// Lists whose rows stand there twice or under other ids, an answer that takes its time, an ID token of somebody else,
/// and a consent whose time is over: what the client makes of them is what the customer may then be told.
#[tokio::test]
async fn rows_twice_other_ids_other_people_and_a_time_that_is_over() {
    let case = Case { tls_auth: false, sender: Sender::Dpop, signed: false };
    let running = run(case).await;
    let bank = running.client(running.config(case, OURS));
    let begun = bank.begin(&fake::ask()).await.unwrap();
    let callback = running.authorize(&begun.url).await;
    let granted = bank.complete(&begun.pending, &callback).await.unwrap();
    let (tokens, consent) = (granted.tokens, granted.bank_consent);
    let accounts = bank.accounts(&tokens, &subject(), Actor::User).await.unwrap().ids;
    let of = |account: &amana_core::AccountId| Of::Transactions {
        account: account.clone(),
        from: "2026-11-01T00:00:00Z".parse().unwrap(),
        to: "2026-11-26T00:00:00Z".parse().unwrap(),
    };
    let rows = of(&accounts[0]);
    let fault = async |kind: &str, place: &str| {
        running.control("fault", json!({ "kind": "none" })).await;
        running.control("fault", json!({ "kind": kind, "place": place, "ms": 300 })).await;
    };
    let read = async || {
        let news = bank.news(&tokens, &subject(), &rows).await.unwrap();
        assert!(news.whole);
        news.events.into_iter().map(|(event, _)| (event.transaction_id, event.occurred)).collect::<Vec<_>>()
    };
    let before = read().await;
    assert!(before.len() > 5);
    for kind in ["duplicates", "slow"] {
        fault(kind, "fdx").await;
        assert_eq!(read().await, before, "{kind}");
        assert_eq!(bank.accounts(&tokens, &subject(), Actor::User).await.unwrap().ids, accounts, "{kind}");
    }
    fault("changed_ids", "fdx").await;
    let renamed = read().await;
    let times = |rows: &[(Option<String>, jiff::Timestamp)]| {
        let mut times: Vec<_> = rows.iter().map(|(_, at)| *at).collect();
        times.sort();
        times
    };
    assert_eq!(times(&renamed), times(&before));
    assert!(renamed.iter().all(|(id, _)| before.iter().all(|(old, _)| old != id)));

    fault("other_subject", "token").await;
    let kept = bank.refresh(&tokens).await.unwrap();
    assert_eq!(
        kept,
        amana_bank::Tokens { doubt: Doubt::NotTheirs, ..tokens.clone() },
        "nothing of theirs is taken"
    );
    running.control("fault", json!({ "kind": "none" })).await;
    let tokens = bank.refresh(&tokens).await.expect("the person's own again");
    running.control("expire", json!({ "customer": "layla" })).await;
    let state = bank.grant(&tokens, &subject(), consent.as_deref()).await.map(|grant| grant.status);
    assert!(matches!(state, Ok(GrantStatus::Expired)), "{state:?}");
    assert!(bank.refresh(&tokens).await.unwrap_err().class.ends_grant());
    let e = bank.accounts(&tokens, &subject(), Actor::User).await.unwrap_err();
    assert!(matches!(e.class, Class::RelinkNeeded(_)), "{e}");
}

/// What FDX 6.4 added to accounts (rates, named APRs, overdrafts) is read over: nothing of an account is lost by it.
#[tokio::test]
async fn accounts_with_all_their_details_are_read_as_without() {
    let case = Case { tls_auth: false, sender: Sender::Dpop, signed: false };
    let mut read = Vec::new();
    for more in [None, Some("fdx:accountdetailed:read")] {
        let running = run(case).await;
        let mut config = running.config(case, OURS);
        config.profile.oauth.rar = amana_bank::profile::Rar::Off;
        config.profile.oauth.scopes.extend(more.map(str::to_owned));
        let bank = running.client(config);
        let begun = bank.begin(&fake::ask()).await.unwrap();
        let callback = running.authorize(&begun.url).await;
        let granted = bank.complete(&begun.pending, &callback).await.unwrap();
        let scope = granted.tokens.scope.clone().unwrap();
        assert_eq!(scope.contains("accountdetailed"), more.is_some(), "{scope}");
        let accounts = bank.accounts(&granted.tokens, &subject(), Actor::User).await.unwrap();
        assert_eq!(accounts.skipped, 0, "{more:?}");
        let rows = fake::open(&accounts.data);
        let rows = rows.as_array().unwrap().iter().map(|row| row["current"].clone()).collect::<Vec<_>>();
        read.push((accounts.ids, rows));
    }
    assert_eq!(read[0], read[1]);
}

/// Subscriptions, made by a token of the client's own that is bound as the customers' are; and the bank's own proof
/// when it notifies, which nobody else can make and which is good once and here alone.
#[tokio::test]
async fn it_subscribes_and_knows_the_bank_that_notifies() {
    for (tls_auth, sender) in [(false, Sender::Dpop), (true, Sender::Mtls)] {
        let case = Case { tls_auth, sender, signed: false };
        let running = run(case).await;
        let bank = running.client(running.config(case, OURS));
        let begun = bank.begin(&fake::ask()).await.unwrap();
        let callback = running.authorize(&begun.url).await;
        let granted = bank.complete(&begun.pending, &callback).await.unwrap();
        let elsewhere = Url::parse("https://elsewhere.example/notifications").unwrap();
        let e = bank.subscribe(Topic::Custom, &elsewhere).await.unwrap_err();
        assert!(matches!(e.class, Class::OurRequest(_)), "{e}");
        let mut ids = Vec::new();
        for topic in Topic::OF_GRANTS.iter().chain(Topic::OF_NEWS) {
            let id = bank.subscribe(*topic, &running.callback).await.unwrap();
            assert!(bank.subscribed(&id).await.unwrap() && !ids.contains(&id));
            ids.push(id);
        }
        // The client's own token ends before the subscriptions do.
        running.clock.advance_s(1_000);
        bank.unsubscribe(&ids[4]).await.unwrap();
        bank.unsubscribe(&ids[4]).await.unwrap();
        assert!(!bank.subscribed(&ids[4]).await.unwrap());

        running.control("consents/revoke", json!({ "customer": "layla" })).await;
        let token = running.shown().await;
        bank.publisher(&token, &running.callback).await.unwrap();
        for (token, address) in
            [(&token, &running.callback), (&token, &elsewhere), (&granted.tokens.access, &running.callback)]
        {
            let e = bank.publisher(token, address).await.unwrap_err();
            assert!(!e.class.is_transient(), "shown before, for another address, or nobody's: {e}");
        }
        let begun = bank.begin(&fake::ask()).await.unwrap();
        let callback = running.authorize(&begun.url).await;
        bank.complete(&begun.pending, &callback).await.unwrap();
        running.control("fault", json!({ "kind": "forged", "place": "notifications", "times": 1 })).await;
        running.control("consents/revoke", json!({ "customer": "layla" })).await;
        let forged = running.shown().await;
        // Keys are not read again and again because somebody shows nonsense.
        running.clock.advance_s(11);
        let e = bank.publisher(&forged, &running.callback).await.unwrap_err();
        assert!(!e.class.is_transient(), "{e}");
    }
}

/// The bank's record of a grant says which kinds of data it holds of each account.
#[tokio::test]
async fn a_grant_names_accounts_and_kinds_of_data() {
    let case = Case { tls_auth: false, sender: Sender::Dpop, signed: false };
    let running = run(case).await;
    let bank = running.client(running.config(case, OURS));
    let begun = bank.begin(&fake::ask()).await.unwrap();
    let callback = running.authorize(&begun.url).await;
    let granted = bank.complete(&begun.pending, &callback).await.unwrap();
    let ids = bank.accounts(&granted.tokens, &subject(), Actor::User).await.unwrap().ids;
    let order = json!({ "customer": "layla", "keep": [ids[0], ids[1]], "without": { (ids[1].as_str()): ["TRANSACTIONS"] } });
    running.control("consents/narrow", order).await;
    let grant = bank.grant(&granted.tokens, &subject(), granted.bank_consent.as_deref()).await.unwrap();
    assert_eq!(grant.accounts.unwrap(), ids[..2]);
    let holds = |place: usize, cluster| grant.clusters[&ids[place]].contains(cluster);
    assert!(holds(0, Cluster::Transactions) && holds(0, Cluster::Balances));
    assert!(!holds(1, Cluster::Transactions) && holds(1, Cluster::Balances));
    let (to, from) = (running.clock.now(), "2026-11-01T00:00:00Z".parse().unwrap());
    let refused = bank.transactions(&granted.tokens, &subject(), &ids[1], from, to, Actor::Batch).await;
    assert!(matches!(refused.err().expect("refused").class, Class::RelinkNeeded(_)));
    let _page =
        bank.transactions(&granted.tokens, &subject(), &ids[0], from, to, Actor::Batch).await.unwrap();
}

/// The generic profile at a bank whose consent API takes the client's own token alone (FDX 6.x): it is found out at the
/// first call, and not again. So what is narrowed, for one reading, and taken back there is known here.
#[tokio::test]
async fn the_generic_profile_finds_out_whose_token_the_consent_api_takes() {
    let case = Case { tls_auth: false, sender: Sender::Dpop, signed: false };
    let running = run(case).await;
    let mut config = running.config(case, OURS);
    config.profile = Profile::built_in(BANK, "fdx").unwrap();
    let bank = running.client(config);
    let link = async || {
        let begun = bank.begin(&fake::ask()).await.unwrap();
        let callback = running.authorize(&begun.url).await;
        bank.complete(&begun.pending, &callback).await.unwrap()
    };
    let granted = link().await;
    let id = granted.bank_consent.as_deref();
    let grant = bank.grant(&granted.tokens, &subject(), id).await.unwrap();
    let accounts = grant.accounts.unwrap();
    assert!(grant.status == GrantStatus::Active && accounts.len() > 1 && !grant.once);
    running.control("consents/narrow", json!({ "customer": "layla", "keep": [accounts[0]] })).await;
    assert_eq!(bank.grant(&granted.tokens, &subject(), id).await.unwrap().accounts.unwrap(), accounts[..1]);
    running.control("consents/revoke", json!({ "customer": "layla" })).await;
    // The customer's token is dead with the grant; ours is not.
    assert_eq!(bank.grant(&granted.tokens, &subject(), id).await.unwrap().status, GrantStatus::Revoked);
    // And the other way: taken back by us, and seen there, whatever became of the customer's tokens.
    let granted = link().await;
    let id = granted.bank_consent.as_deref();
    let dead = amana_bank::Tokens { access: Secret::new("none"), refresh: None, ..granted.tokens.clone() };
    bank.revoke(&dead, id, amana_bank::TakenBack::BY_CUSTOMER).await.unwrap();
    assert_eq!(bank.grant(&granted.tokens, &subject(), id).await.unwrap().status, GrantStatus::Revoked);
    let e = bank.accounts(&granted.tokens, &subject(), Actor::Batch).await.unwrap_err();
    assert!(matches!(e.class, Class::RelinkNeeded(_)), "{e}");
}
