//! Every profile against the sandbox bank behind that provider's front, over HTTP: link, balance, transactions,
//! refresh, grant, revoke. What the client reads through each front must be what it reads without one.

use crate::fake::{CLIENT_ID, CLIENT_SECRET, P256, account, institution, open, signing_pem, start, subject};
use amana_bank::profile::{ClientAuthMethod, ConsentApi, History, Par, Pkce, Profile, RevocationBy, Sender};
use amana_bank::{
    Actor, AuthorizeAsk, Bank, BankErrorClass, Callback, ClientAuth, FdxBank, GrantStatus, Granted,
    HttpClientOptions, InstitutionConfig, Tokens,
};
use amana_core::{Cluster, Clusters, Lang, ManualClock, Secret, SeededEntropy, Timestamp};
use amana_sandbox_bank::{
    BankConfig, ClientRegistration, Front, FrontPar, GrantId, SandboxBank, SenderConstraint,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use url::Url;

const BRAND: &str = "cedar-bank";
const REDIRECT: &str = "http://127.0.0.1:9/link/callback";

struct World {
    bank: FdxBank,
    front: Option<Front>,
    clock: Arc<ManualClock>,
    base: String,
    http: reqwest::Client,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The sandbox's registration and the client's own word for the same way of authentication.
fn ways(method: ClientAuthMethod) -> (amana_sandbox_bank::ClientAuth, ClientAuth) {
    use amana_sandbox_bank::ClientAuth as Registered;
    let secret = || Secret::new(CLIENT_SECRET);
    match method {
        ClientAuthMethod::ClientSecretBasic => {
            (Registered::SecretBasic(CLIENT_SECRET.to_owned()), ClientAuth::SecretBasic(secret()))
        }
        ClientAuthMethod::ClientSecretPost => {
            (Registered::SecretPost(CLIENT_SECRET.to_owned()), ClientAuth::SecretPost(secret()))
        }
        _ => {
            let key = jsonwebtoken::EncodingKey::from_ec_pem(P256.as_bytes()).unwrap();
            let mut jwk =
                jsonwebtoken::jwk::Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).unwrap();
            jwk.common.key_id = Some("k1".to_owned());
            let keys = jsonwebtoken::jwk::JwkSet { keys: vec![jwk] };
            (Registered::PrivateKeyJwt(keys), ClientAuth::PrivateKeyJwt)
        }
    }
}

/// The bank behind the front of this name (or none), and the client with this profile.
async fn world(front: Option<&str>, profile: &str) -> World {
    let profile = Profile::built_in(BRAND, profile).unwrap();
    world_of(front.map(|name| Front::built_in(name).unwrap()), profile).await
}

async fn world_of(front: Option<Front>, profile: Profile) -> World {
    let dir = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (registered, client_auth) = ways(profile.oauth.client_auth[0]);
    let mut config = BankConfig::new(&base, dir.path());
    config.institutions = vec![BRAND.to_owned()];
    // FAPI 2.0 where the profile binds its tokens.
    let bound = profile.oauth.senders.first() == Some(&Sender::Dpop);
    config.security =
        if bound { amana_sandbox_bank::Security::Blue } else { amana_sandbox_bank::Security::Green };
    config.clients = vec![ClientRegistration {
        client_id: CLIENT_ID.to_owned(),
        name: "Amana".to_owned(),
        name_ar: "أمانة".to_owned(),
        auth: registered,
        redirect_uris: vec![REDIRECT.to_owned()],
        sender: if bound { SenderConstraint::Dpop } else { SenderConstraint::None },
        signed_requests: false,
    }];
    config.front.clone_from(&front);
    let clock = Arc::new(ManualClock::at(start()));
    let told = clock.clone();
    let random = SeededEntropy::new(5);
    let bank = SandboxBank::open(
        config,
        Arc::new(move || amana_core::Clock::now(&*told)),
        Arc::new(move |out: &mut [u8]| amana_core::Entropy::fill(&random, out)),
    )
    .unwrap();
    let stop = CancellationToken::new();
    let until = stop.clone();
    tokio::spawn(async move { bank.run(listener, until).await });
    let api = front.as_ref().map_or("fdx/v6".to_owned(), |front| front.api.base.clone());
    let config = InstitutionConfig {
        id: institution(),
        name: "Cedar Bank".into(),
        issuer: format!("{base}/{BRAND}"),
        api_url: format!("{base}/{BRAND}/{api}").parse().unwrap(),
        provider_id: profile.api.paths.name_provider().then(|| "mikomo".to_owned()),
        client_id: CLIENT_ID.into(),
        client_auth,
        signing_key: Some(signing_pem("private_key_jwt")),
        sender: None,
        tls: amana_bank::Tls::default(),
        profile,
    };
    let options = HttpClientOptions {
        allow_private_addresses: true,
        call_timeout: Duration::from_secs(60),
        list_timeout: Duration::from_secs(240),
        ..HttpClientOptions::default()
    };
    let bank = FdxBank::new(config, options, clock.clone(), Arc::new(SeededEntropy::new(6))).unwrap();
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    World { bank, front, clock, base, http, stop, _dir: dir }
}

fn attribute(html: &str, selector: &str, name: &str) -> Vec<String> {
    let html = scraper::Html::parse_document(html);
    let selector = scraper::Selector::parse(selector).unwrap();
    html.select(&selector).filter_map(|found| found.value().attr(name).map(str::to_owned)).collect()
}

impl World {
    /// A browser's way from our redirect to the callback: sign-in and consent to all accounts.
    async fn through_the_bank(&self, url: &Url) -> BTreeMap<String, String> {
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let (mut url, mut form): (Url, Option<Vec<(String, String)>>) = (url.clone(), None);
        for _ in 0..12 {
            if url.as_str().starts_with(REDIRECT) {
                return url.query_pairs().into_owned().collect();
            }
            let request = match form.take() {
                Some(form) => self.http.post(url.clone()).form(&form),
                None => self.http.get(url.clone()),
            };
            let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.header("cookie", jar.join("; ")).send().await.unwrap();
            for cookie in answer.headers().get_all("set-cookie") {
                let (name, value) =
                    cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            if let Some(to) = answer.headers().get("location") {
                url = url.join(to.to_str().unwrap()).unwrap();
                continue;
            }
            let (status, html) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{url}: {status} {html}");
            let one = |selector, name| attribute(&html, selector, name).into_iter().next().unwrap();
            let mut fields = vec![("form_token".to_owned(), one("input[name=form_token]", "value"))];
            let accounts = attribute(&html, "input[name=account]", "value");
            if accounts.is_empty() {
                fields.push(("username".to_owned(), "layla".to_owned()));
                fields.push(("password".to_owned(), "demo".to_owned()));
            } else {
                fields.extend(accounts.into_iter().map(|id| ("account".to_owned(), id)));
                fields.push(("decision".to_owned(), "allow".to_owned()));
            }
            url = url.join(&one("form[method=post]", "action")).unwrap();
            form = Some(fields);
        }
        panic!("the bank's pages lead in a circle");
    }

    async fn link(&self) -> Granted {
        self.link_after(0).await.unwrap()
    }

    /// What a customer does at the bank itself.
    async fn at_the_bank(&self, what: &str, body: &str) {
        let request = self.http.post(format!("{}/{BRAND}/control/{what}", self.base));
        let done =
            request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
        assert!(done.status().is_success(), "{what}: {}", done.status());
    }

    /// The same with a code that is redeemed so many seconds after it was given.
    async fn link_after(&self, wait_s: i64) -> Result<Granted, amana_bank::BankError> {
        let begun = self.bank.begin(&ask()).await.unwrap();
        let callback = self.callback(&begun.url).await;
        self.clock.advance_s(wait_s);
        self.bank.complete(&begun.pending, &callback).await
    }

    /// A callback with a good code, of a request that nobody completes.
    async fn ask_only(&self) -> Callback {
        let begun = self.bank.begin(&ask()).await.unwrap();
        self.callback(&begun.url).await
    }

    async fn callback(&self, url: &Url) -> Callback {
        let back = self.through_the_bank(url).await;
        let front_says = self.front.as_ref().is_none_or(|front| front.oauth.iss);
        assert_eq!(back.contains_key("iss"), front_says, "{back:?}");
        let get = |name: &str| back.get(name).cloned();
        Callback {
            code: get("code").map(Secret::new),
            state: get("state"),
            iss: get("iss"),
            error: get("error"),
            error_description: None,
        }
    }

    /// Accounts with balances, and each one's transactions of forty days.
    async fn all(&self, tokens: &Tokens) -> Value {
        let accounts = self.bank.accounts(tokens, &subject(), Actor::User).await.unwrap();
        assert_eq!(accounts.skipped, 0);
        let mut rows = Vec::new();
        let (from, to) = (days_ago(40), midnight());
        for id in &accounts.ids {
            let page = self.bank.transactions(tokens, &subject(), id, from, to, Actor::User).await.unwrap();
            let page = open(&page);
            assert_eq!(page["truncated"], false, "{id}");
            // A bank that knows no dates tells of what was made before and booked within, which is read as well.
            let made = |row: &&Value| row["at"].as_str().unwrap().parse::<Timestamp>().unwrap() >= from;
            rows.push(page["rows"].as_array().unwrap().iter().filter(made).cloned().collect::<Vec<_>>());
        }
        let mut balances = open(&accounts.data);
        for balance in balances.as_array_mut().unwrap() {
            balance.as_object_mut().unwrap().remove("as_of");
        }
        json!({ "accounts": balances, "transactions": rows })
    }
}

fn ask() -> AuthorizeAsk {
    AuthorizeAsk {
        redirect_uri: REDIRECT.parse().unwrap(),
        clusters: Clusters::from_iter([Cluster::AccountBasic, Cluster::Balances, Cluster::Transactions]),
        duration_days: 90,
        lookback_days: 365,
        lang: Lang::English,
        login_only: false,
    }
}

fn midnight() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

fn days_ago(days: u64) -> Timestamp {
    midnight().checked_sub(Duration::from_secs(days * 86_400)).unwrap()
}

/// Whether the bank takes these tokens no more.
async fn refused(world: &World, tokens: &Tokens) -> bool {
    let asked = world.bank.accounts(tokens, &subject(), Actor::User).await;
    matches!(asked.map_err(|error| error.class), Err(BankErrorClass::RelinkNeeded(_)))
}

/// Every profile has a front, and every front a profile: one that is missing would not be noticed otherwise.
#[test]
fn every_profile_of_a_provider_has_its_front() {
    let mut profiles: Vec<_> = Profile::names().filter(|name| *name != "fdx").collect();
    profiles.sort_unstable();
    assert_eq!(profiles, Front::names().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_profile_links_reads_refreshes_and_revokes_behind_its_front() {
    let plain = world(None, "fdx").await;
    let truth = plain.all(&plain.link().await.tokens).await;
    let known = |pointer: &str| truth.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    assert!(known("/accounts") >= 2 && known("/transactions/0") > 20, "enough for several pages: {truth}");
    for name in Front::names() {
        let world = world(Some(name), name).await;
        let front = world.front.clone().unwrap();
        let profile = Profile::built_in(BRAND, name).unwrap();
        let granted = world.link().await;
        assert!(granted.subject.is_some(), "{name}: who it is");
        let told = front.oauth.grant_id != GrantId::None;
        assert_eq!(granted.bank_consent.is_some(), told, "{name}: the consent's id");
        let tokens = granted.tokens;
        assert_eq!(world.all(&tokens).await, truth, "{name}");

        // What lies before the bank's history is not asked for, and the answer is not called the whole.
        let first = account(truth["accounts"][0]["id"].as_str().unwrap());
        let long = world
            .bank
            .transactions(&tokens, &subject(), &first, days_ago(800), midnight(), Actor::User)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let long = open(&long);
        // Behind small pages our own bound is met first.
        let rows = long["rows"].as_array().map_or(0, Vec::len);
        let bounded = rows >= amana_bank::limits::PAGES_MAX * front.api.rows_max;
        let whole = profile.api.history == History::Open && !bounded;
        assert_eq!(long["truncated"], !whole, "{name}: {rows} rows");

        // The access token ends when the bank says, whatever the answer said; refreshing gives a good one.
        let life = front.oauth.access_secs.unwrap_or(900);
        world.clock.advance_s(life + 1);
        assert!(refused(&world, &tokens).await, "{name}: its time is over");
        let fresh = world.bank.refresh(&tokens).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let rotated =
            fresh.refresh.as_ref().map(Secret::expose) != tokens.refresh.as_ref().map(Secret::expose);
        assert_eq!(rotated, front.oauth.rotate, "{name}");
        assert_eq!(world.all(&fresh).await, truth, "{name}, after a refresh");

        let consent = granted.bank_consent.as_deref();
        let state = world.bank.grant(&fresh, &subject(), consent).await.unwrap();
        let expected = match profile.api.consent_api {
            ConsentApi::Fdx => GrantStatus::Active,
            ConsentApi::None => GrantStatus::Unknown,
        };
        assert_eq!(state.status, expected, "{name}");

        world
            .bank
            .revoke(&fresh, consent, amana_bank::TakenBack::BY_CUSTOMER)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        if profile.oauth.revocation == RevocationBy::Portal {
            assert!(!refused(&world, &fresh).await, "{name}: only its own pages can");
            world.at_the_bank("consents/revoke", r#"{"customer":"layla"}"#).await;
        }
        assert!(refused(&world, &fresh).await, "{name}: revoked");
        let again = world.bank.refresh(&fresh).await.map_err(|error| error.class);
        assert!(again.is_err_and(BankErrorClass::ends_grant), "{name}: no refresh after it");
    }
}

/// A list that the bank calls partial is partial behind every front, also where pages are counted by offsets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_list_is_called_a_part_behind_every_front() {
    for name in Front::names() {
        let world = world(Some(name), name).await;
        let tokens = world.link().await.tokens;
        let whole = world.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
        assert_eq!(whole.skipped, 0, "{name}");
        world.at_the_bank("fault", r#"{"kind":"partial"}"#).await;
        let part = world.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
        assert!(part.skipped > 0 && part.ids.len() < whole.ids.len(), "{name}: {part:?}");
        let (from, to) = (days_ago(60), midnight());
        let page = world.bank.transactions(&tokens, &subject(), &part.ids[0], from, to, Actor::User).await;
        assert_eq!(open(&page.unwrap())["truncated"], true, "{name}");
    }
}

/// The fronts really stand in the way: what a provider has not, or wants, is not passed through to the bank behind.
#[tokio::test]
async fn a_front_hides_what_its_provider_has_not_and_asks_for_what_it_wants() {
    let w = world(Some("chase"), "chase").await;
    let at = |path: &str| format!("{}/{BRAND}/{path}", w.base);
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    for hidden in ["fdx/v6/accounts", ".well-known/oauth-authorization-server", "par", "token", "jwks"] {
        assert_eq!(status(w.http.get(at(hidden))).await, 404, "{hidden}");
    }
    let tokens = w.link().await.tokens;
    let base = "jpmc/servicing/inquiry-maintenance/fdx/v4";
    let get = |path: &str| w.http.get(at(path)).bearer_auth(tokens.access.expose());
    let bare = get(&format!("{base}/accounts")).send().await.unwrap();
    assert_eq!(bare.status().as_u16(), 400, "without the header that it wants");
    let body: Value = serde_json::from_slice(&bare.bytes().await.unwrap()).unwrap();
    assert_eq!(body["code"], 401, "a number: {body}");
    let dressed = |path: &str| get(path).header("fdx-api-actor-type", "USER");
    let answer = dressed(&format!("{base}/accounts?resultType=details")).send().await.unwrap();
    assert!(answer.status().is_success() && !answer.headers().contains_key("x-fapi-interaction-id"));
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let deposit =
        body["accounts"].as_array().unwrap().iter().find_map(|account| account.get("depositAccount"));
    let deposit = deposit.unwrap_or_else(|| panic!("wrapped: {body}"));
    assert_eq!(status(dressed(&format!("{base}/consents/x"))).await, 404, "no consent api");
    // A range that begins before its history is an error, not a shorter answer.
    let id = deposit["accountId"].as_str().unwrap();
    let old = format!("{base}/accounts/{id}/transactions?startDate=2024-12-31&endDate=2026-11-23");
    let answer = dressed(&old).send().await.unwrap();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body["code"], 703, "{body}");
    // So many calls a minute, then the client hears that it must wait.
    let mut waits = false;
    for _ in 0..130 {
        let asked = w.bank.accounts(&tokens, &subject(), Actor::User).await;
        if matches!(asked.map_err(|e| e.class), Err(BankErrorClass::Wait { retry_after: Some(_), .. })) {
            waits = true;
            break;
        }
    }
    assert!(waits);
}

/// A provider without PKCE that refuses what it does not know: the profile's switch leaves its parameters out, and the
/// ID token's nonce binds the code. With the switch as it is everywhere else the bank refuses, and a code without an ID
/// token is not redeemed.
#[tokio::test]
async fn a_provider_without_pkce_is_linked_with_the_switch_alone() {
    let made = async |pkce, pushed| {
        let mut profile = Profile::built_in(BRAND, "wells-fargo").unwrap();
        let mut front = Front::built_in("wells-fargo").unwrap();
        front.oauth.pkce = false;
        if pushed {
            profile.oauth.par = Par::Required;
            front.oauth.par = FrontPar::Required;
        }
        profile.oauth.pkce = pkce;
        world_of(Some(front), profile).await
    };
    for pushed in [false, true] {
        let world = made(Pkce::None, pushed).await;
        let granted = world.link().await;
        assert!(granted.subject.is_some() && !refused(&world, &granted.tokens).await, "pushed: {pushed}");
        let callback_of_another = world.ask_only().await;
        let here = world.bank.begin(&ask()).await.unwrap();
        let mixed = Callback { state: Some(here.pending.state().to_owned()), ..callback_of_another };
        let stolen = world.bank.complete(&here.pending, &mixed).await.map_err(|error| error.class);
        assert!(
            matches!(stolen, Err(BankErrorClass::Nonsense(_))),
            "the nonce is another request's: {stolen:?}"
        );
    }
    let strict = made(Pkce::S256, true).await;
    let refused = strict.bank.begin(&ask()).await.map_err(|error| error.class);
    assert!(matches!(refused, Err(BankErrorClass::OurRequest(_))), "{refused:?}");
}

/// Akoya's API takes the ID token; its access token opens nothing.
#[tokio::test]
async fn where_the_id_token_is_the_bearer_the_access_token_is_not() {
    let w = world(Some("akoya"), "akoya").await;
    let tokens = w.link().await.tokens;
    let url = format!("{}/{BRAND}/accounts/v2/mikomo", w.base);
    let status = async |token: &Secret, url: &str| {
        let request = w.http.get(url).bearer_auth(token.expose());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&tokens.access, &url).await, 401);
    let id_token = tokens.id_token.as_ref().unwrap();
    assert_eq!(status(id_token, &url).await, 200);
    assert_eq!(status(id_token, &url.replace("mikomo", "other")).await, 404, "another bank of the network");
}

/// Codes of 120 seconds and refresh tokens of thirty days, as they are said to be at Citi.
#[tokio::test]
async fn what_ends_at_citi_ends_when_it_is_said_to() {
    let w = world(Some("citi"), "citi").await;
    w.link_after(100).await.expect("within 120 seconds");
    let late = w.link_after(121).await.map_err(|error| error.class);
    assert!(late.is_err_and(BankErrorClass::ends_grant), "a code is good for two minutes");
    let tokens = w.link().await.tokens;
    let days = i64::from(Profile::built_in(BRAND, "citi").unwrap().oauth.refresh_days.unwrap());
    w.clock.advance_s(days * 86_400 - 60);
    let fresh = w.bank.refresh(&tokens).await.expect("on the last day");
    assert!(!refused(&w, &fresh).await);
    w.clock.advance_s(61);
    let over = w.bank.refresh(&fresh).await.map_err(|error| error.class);
    assert!(over.is_err_and(BankErrorClass::ends_grant), "refreshing made it no longer");
    // Elsewhere the code is good for one minute.
    let late = world(Some("chase"), "chase").await.link_after(61).await.map_err(|error| error.class);
    assert!(late.is_err_and(BankErrorClass::ends_grant));
}

/// The example of Plaid Core Exchange, as it was seen to answer.
#[tokio::test]
async fn plaids_example_answers_as_it_was_seen_to() {
    let w = world(Some("plaid-core-exchange"), "plaid-core-exchange").await;
    let tokens = w.link().await.tokens;
    let get = async |path: &str, with_token: bool| {
        let request = w.http.get(format!("{}/{BRAND}/api/fdx/v6/{path}", w.base));
        let request = if with_token { request.bearer_auth(tokens.access.expose()) } else { request };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap())
    };
    let (status, body) = get("accounts", false).await;
    assert_eq!((status, &body["code"], &body["error"]), (401, &json!(401), &json!("error")), "{body}");
    let (status, body) = get("accounts/nobody/transactions", true).await;
    assert_eq!((status, &body["error"]), (400, &json!("Validation failed")), "{body}");
    assert!(body["details"].is_array() && body.get("code").is_none(), "{body}");
    let (_, body) = get("accounts", true).await;
    assert_eq!(body["page"], json!({}), "the last page says nothing");
    let id = body["accounts"][0]["accountId"].as_str().unwrap();
    let day = "startDate=2026-11-20&endDate=2026-11-20";
    let (_, body) = get(&format!("accounts/{id}/transactions?{day}"), true).await;
    let rows = body["transactions"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["transactionType"] == "DEBITCARD"));
    let elsewhere = |row: &&Value| !row["transactionTimestamp"].as_str().unwrap().starts_with("2026-11-20");
    assert!(rows.iter().filter(elsewhere).count() > 50, "the dates are passed over");
}
