//! A bank that is strict about OAuth and whose data API says whatever a test wants.

use amana_bank::{
    Actor, AuthorizeAsk, Bank, Callback, ClientAuth, FdxBank, Granted, HttpClientOptions, InstitutionConfig,
    Profile, SigningKey, Tls, Tokens,
};
use amana_core::{
    AccountId, Clock, Cluster, Clusters, CustomerId, Entropy, InstitutionId, Lang, ManualClock, Secret,
    SeededEntropy, Timestamp,
};
use amana_gate::{BankData, Protected, Subject};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

pub const CLIENT_ID: &str = "amana & co";
pub const CLIENT_SECRET: &str = "s3cret:with/odd chars+";
pub const REDIRECT: &str = "https://gateway.example/link/callback";
pub const RSA: &str = include_str!("keys/rsa.pem");
pub const P256: &str = include_str!("keys/p256.pem");
pub const CLIENT_CERTIFICATE: &str = include_str!("keys/tls/client.pem");
pub const CLIENT_KEY: &str = include_str!("keys/tls/client.key.pem");

pub type Pairs = HashMap<String, String>;

/// What a test sets before the bank opens.
#[derive(Clone)]
pub struct Knobs {
    pub par: bool,
    pub require_par: bool,
    pub iss: bool,
    pub rar: bool,
    /// The method that the client is registered with.
    pub auth: &'static str,
    pub id_token: Option<Algorithm>,
    /// The ID token has `alg: none` and no signature.
    pub unsigned_id_token: bool,
    /// Claims that replace the right ones in the ID token.
    pub id_claims: Value,
    /// With a refresh comes an ID token, too, with these claims in place of the right ones.
    pub refreshed_claims: Option<Value>,
    /// More members of the token answer.
    pub token_extra: Value,
    /// Claims of a JWT access token, if it is one.
    pub access_claims: Option<Value>,
    pub metadata_extra: Value,
    /// Which well-known form answers: `rfc8414`, `appended` or `oidc`.
    pub well_known: &'static str,
    pub rotate: bool,
    /// The client gets tokens of its own.
    pub own_tokens: bool,
    pub path: &'static str,
    /// The client's profile.
    pub profile: &'static str,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            par: true,
            require_par: false,
            iss: true,
            rar: true,
            auth: "client_secret_basic",
            id_token: Some(Algorithm::ES256),
            unsigned_id_token: false,
            id_claims: json!({}),
            refreshed_claims: None,
            token_extra: json!({}),
            access_claims: None,
            metadata_extra: json!({}),
            well_known: "rfc8414",
            rotate: false,
            own_tokens: false,
            path: "/cedar",
            profile: "fdx",
        }
    }
}

/// A request as it came to the data API.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: Pairs,
    pub headers: HeaderMap,
    pub body: String,
}

/// What the data API says.
pub struct Say {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub delay: Duration,
}

pub fn say(status: u16, body: impl ToString) -> Say {
    Say { status, headers: Vec::new(), body: body.to_string(), delay: Duration::ZERO }
}

type Api = dyn Fn(&Seen) -> Say + Send + Sync;

pub struct Fake {
    pub knobs: Knobs,
    pub origin: String,
    pub issuer: String,
    clock: Arc<ManualClock>,
    api: Box<Api>,
    pub seen: Mutex<Vec<Seen>>,
    /// Forms that came to the authorization server, by endpoint.
    pub forms: Mutex<Vec<(String, Pairs)>>,
    /// Proofs of possession that came to it, by endpoint.
    proofs: Mutex<Vec<(String, String)>>,
    /// Its keys cannot be read.
    pub jwks_away: AtomicBool,
    pushed: Mutex<HashMap<String, Pairs>>,
    codes: Mutex<HashMap<String, Pairs>>,
    refresh: Mutex<Vec<String>>,
    pub revoked: Mutex<Vec<String>>,
    jtis: Mutex<Vec<String>>,
    count: Mutex<u32>,
    /// How often the metadata were read.
    pub discoveries: std::sync::atomic::AtomicU32,
    /// Whether the metadata cannot be read now.
    pub silent: std::sync::atomic::AtomicBool,
}

/// A running bank and the connector to it.
pub struct Bench {
    pub fake: Arc<Fake>,
    pub bank: FdxBank,
    pub clock: Arc<ManualClock>,
}

pub fn subject() -> Subject {
    let (clock, entropy) = (ManualClock::at(start()), SeededEntropy::new(9));
    Subject { institution: institution(), customer: CustomerId::new(&clock, &entropy) }
}

pub fn institution() -> InstitutionId {
    InstitutionId::new("cedar-bank").unwrap()
}

pub fn start() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

pub fn account(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

pub fn ask() -> AuthorizeAsk {
    AuthorizeAsk {
        redirect_uri: Url::parse(REDIRECT).unwrap(),
        clusters: Clusters::of(&[Cluster::AccountBasic, Cluster::Balances, Cluster::Transactions]),
        duration_days: 365,
        lookback_days: 730,
        lang: Lang::Arabic,
        login_only: false,
    }
}

/// The content of a protected value, by the door that only tests have.
pub fn open<T: BankData>(value: &Protected<T>) -> Value {
    serde_json::to_value(value.open_in_test()).unwrap()
}

pub fn client_auth(method: &str) -> ClientAuth {
    match method {
        "client_secret_basic" => ClientAuth::SecretBasic(Secret::new(CLIENT_SECRET)),
        "client_secret_post" => ClientAuth::SecretPost(Secret::new(CLIENT_SECRET)),
        "tls_client_auth" => ClientAuth::Tls,
        _ => ClientAuth::PrivateKeyJwt,
    }
}

pub fn signing_pem(auth: &str) -> SigningKey {
    match auth {
        "private_key_jwt_rsa" => SigningKey { pem: Secret::new(RSA), kid: None },
        _ => SigningKey { pem: Secret::new(P256), kid: Some("k1".into()) },
    }
}

pub fn config(issuer: &str, api: &str, auth: &str) -> InstitutionConfig {
    InstitutionConfig {
        id: institution(),
        name: "Cedar Bank".into(),
        profile: Profile::built_in("cedar-bank", "fdx").unwrap(),
        issuer: issuer.into(),
        provider_id: None,
        api_url: Url::parse(api).unwrap(),
        client_id: CLIENT_ID.into(),
        client_auth: client_auth(auth),
        signing_key: auth.starts_with("private_key_jwt").then(|| signing_pem(auth)),
        sender: None,
        tls: Tls::default(),
    }
}

pub fn options() -> HttpClientOptions {
    HttpClientOptions {
        allow_private_addresses: true,
        call_timeout: Duration::from_millis(900),
        list_timeout: Duration::from_secs(4),
        body_bytes_max: 64 * 1024,
        ..HttpClientOptions::default()
    }
}

pub async fn bench(knobs: Knobs, api: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> Bench {
    bench_with(knobs, |_| {}, api).await
}

pub async fn bench_with(
    knobs: Knobs,
    change: impl FnOnce(&mut Profile),
    api: impl Fn(&Seen) -> Say + Send + Sync + 'static,
) -> Bench {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let issuer = format!("{origin}{}", knobs.path);
    let clock = Arc::new(ManualClock::at(start()));
    let (auth, profile) = (knobs.auth, knobs.profile);
    let fake = Arc::new(Fake {
        knobs,
        origin,
        issuer: issuer.clone(),
        clock: Arc::clone(&clock),
        api: Box::new(api),
        seen: Mutex::default(),
        forms: Mutex::default(),
        proofs: Mutex::default(),
        jwks_away: AtomicBool::new(false),
        pushed: Mutex::default(),
        codes: Mutex::default(),
        refresh: Mutex::default(),
        revoked: Mutex::default(),
        jtis: Mutex::default(),
        count: Mutex::default(),
        discoveries: std::sync::atomic::AtomicU32::new(0),
        silent: std::sync::atomic::AtomicBool::new(false),
    });
    let app = axum::Router::new().fallback(serve).with_state(Arc::clone(&fake));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut config = config(&issuer, &format!("{issuer}/fdx/v6/"), auth);
    config.profile = Profile::built_in("cedar-bank", profile).unwrap();
    if profile != "fdx" {
        config.sender = Some(config.profile.oauth.sender());
    }
    change(&mut config.profile);
    config.provider_id = config.profile.api.paths.name_provider().then(|| "mikomo".into());
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    let bank = FdxBank::new(config, options(), Arc::clone(&clock) as Arc<dyn Clock>, entropy).unwrap();
    Bench { fake, bank, clock }
}

impl Bench {
    /// The whole way to tokens.
    pub async fn link(&self) -> Granted {
        let begun = self.bank.begin(&ask()).await.unwrap();
        let callback = self.fake.authorize(&begun.url).unwrap();
        self.bank.complete(&begun.pending, &callback).await.unwrap()
    }

    /// Tokens without the way.
    pub fn tokens(&self) -> Tokens {
        Tokens {
            access: Secret::new("at-1"),
            refresh: Some(Secret::new("rt-1")),
            id_token: None,
            expires_at: self.clock.now(),
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

    pub async fn rows(&self, account_id: &str) -> Result<Value, amana_bank::BankError> {
        let (from, to) = ("2026-11-01T00:00:00Z".parse().unwrap(), "2026-12-01T00:00:00Z".parse().unwrap());
        self.bank
            .transactions(&self.tokens(), &subject(), &account(account_id), from, to, Actor::User)
            .await
            .map(|page| open(&page))
    }
}

async fn serve(State(fake): State<Arc<Fake>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let said = fake.answer(&seen);
    tokio::time::sleep(said.delay).await;
    let mut response = Response::builder().status(StatusCode::from_u16(said.status).unwrap());
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(said.body)).unwrap()
}

pub fn pairs(form: &str) -> Pairs {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

fn merge(mut into: Value, extra: &Value) -> Value {
    for (key, value) in extra.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(key);
        } else {
            into[key] = value.clone();
        }
    }
    into
}

pub fn signing_key(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(P256.as_bytes()).unwrap(),
        Algorithm::HS256 => EncodingKey::from_secret(CLIENT_SECRET.as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(include_str!("keys/ed25519.pem").as_bytes()).unwrap(),
        _ => EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap(),
    }
}

impl Fake {
    fn next(&self) -> u32 {
        let mut count = self.count.lock().unwrap();
        *count += 1;
        *count
    }

    fn answer(&self, seen: &Seen) -> Say {
        let base = self.knobs.path;
        let well_known = match self.knobs.well_known {
            "rfc8414" => format!("/.well-known/oauth-authorization-server{base}"),
            "appended" => format!("{base}/.well-known/oauth-authorization-server"),
            _ => format!("{base}/.well-known/openid-configuration"),
        };
        if seen.path == well_known {
            self.discoveries.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if self.silent.load(std::sync::atomic::Ordering::SeqCst) {
                return say(503, "");
            }
            return say(200, self.metadata());
        }
        if seen.path.contains("/.well-known/") {
            return say(200, "<html>the app's start page</html>");
        }
        let Some(path) = seen.path.strip_prefix(base) else { return say(404, "") };
        if path.starts_with("/fdx/v6") {
            self.seen.lock().unwrap().push(seen.clone());
            let mut said = (self.api)(seen);
            // A test that says the header itself says what is answered: an empty one is none.
            let echo = "x-fapi-interaction-id";
            if let Some(id) = seen.headers.get(echo)
                && !said.headers.iter().any(|(name, _)| *name == echo)
            {
                said.headers.push((echo, id.to_str().unwrap().to_owned()));
            }
            said.headers.retain(|(name, value)| *name != echo || !value.is_empty());
            return said;
        }
        let form = pairs(&seen.body);
        self.forms.lock().unwrap().push((path.to_owned(), form.clone()));
        for proof in seen.headers.get_all("dpop") {
            self.proofs.lock().unwrap().push((path.to_owned(), proof.to_str().unwrap().to_owned()));
        }
        match path {
            "/jwks" if self.jwks_away.load(Ordering::SeqCst) => return say(503, ""),
            "/jwks" => return say(200, self.jwks()),
            "/par" | "/token" | "/revoke" if seen.method == "POST" => {}
            _ => return say(404, ""),
        }
        if let Err(said) = self.authenticate(seen, &form) {
            return said;
        }
        match path {
            "/par" => {
                if form.contains_key("request_uri") {
                    return say(400, json!({"error":"invalid_request"}));
                }
                let uri = format!("urn:ietf:params:oauth:request_uri:{}", self.next());
                self.pushed.lock().unwrap().insert(uri.clone(), form);
                say(201, json!({"request_uri": uri, "expires_in": 60}))
            }
            "/token" => self.token(&form).unwrap_or_else(|code| say(400, json!({"error": code}))),
            _ => {
                self.revoked.lock().unwrap().push(form["token"].clone());
                self.refresh.lock().unwrap().retain(|t| *t != form["token"]);
                say(200, "")
            }
        }
    }

    fn metadata(&self) -> Value {
        let i = &self.issuer;
        let mut all = json!({
            "issuer": i,
            "authorization_endpoint": format!("{i}/authorize?tenant=1"),
            "token_endpoint": format!("{i}/token"),
            "revocation_endpoint": format!("{i}/revoke"),
            "jwks_uri": format!("{i}/jwks"),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.knobs.iss,
            "require_pushed_authorization_requests": self.knobs.require_par,
            "something_of_the_future": {"x": [1]},
        });
        if self.knobs.par {
            all["pushed_authorization_request_endpoint"] = json!(format!("{i}/par"));
        }
        if self.knobs.rar {
            all["authorization_details_types_supported"] = json!(["fdx_v1.0"]);
        }
        merge(all, &self.knobs.metadata_extra)
    }

    fn jwks(&self) -> Value {
        let jwk = |algorithm, kid: &str| {
            let mut jwk = Jwk::from_encoding_key(&signing_key(algorithm), algorithm).unwrap();
            jwk.common.key_id = Some(kid.into());
            jwk.common.key_algorithm = None;
            serde_json::to_value(jwk).unwrap()
        };
        json!({"keys": [
            {"kty": "AKP", "alg": "ML-DSA-44", "kid": "future", "pub": "AA"},
            jwk(Algorithm::ES256, "ec"),
            jwk(Algorithm::EdDSA, "ed"),
            jwk(Algorithm::PS256, "rsa"),
        ]})
    }

    fn authenticate(&self, seen: &Seen, form: &Pairs) -> Result<(), Say> {
        let refused = || say(401, json!({"error":"invalid_client"}));
        let header = seen.headers.get("authorization").map(|h| h.to_str().unwrap());
        let good = match self.knobs.auth {
            "client_secret_basic" => header.and_then(|h| h.strip_prefix("Basic ")).is_some_and(|h| {
                let pair = String::from_utf8(STANDARD.decode(h).unwrap()).unwrap();
                let (id, secret) = pair.split_once(':').unwrap();
                let decoded = |t: &str| pairs(&format!("x={t}"))["x"].clone();
                decoded(id) == CLIENT_ID
                    && decoded(secret) == CLIENT_SECRET
                    && !form.contains_key("client_secret")
            }),
            "client_secret_post" => {
                header.is_none()
                    && form.get("client_id").is_some_and(|id| id == CLIENT_ID)
                    && form.get("client_secret").is_some_and(|s| s == CLIENT_SECRET)
            }
            _ => header.is_none() && self.assertion(form).is_some(),
        };
        if good { Ok(()) } else { Err(refused()) }
    }

    fn assertion(&self, form: &Pairs) -> Option<()> {
        if form.get("client_assertion_type")? != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            return None;
        }
        let (algorithm, key) = if self.knobs.auth == "private_key_jwt_rsa" {
            (Algorithm::PS256, signing_key(Algorithm::PS256))
        } else {
            (Algorithm::ES256, signing_key(Algorithm::ES256))
        };
        let key = DecodingKey::from_jwk(&Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = jsonwebtoken::decode::<Value>(form.get("client_assertion")?, &key, &validation).ok()?;
        if algorithm == Algorithm::ES256 && token.header.kid.as_deref() != Some("k1") {
            return None;
        }
        let claims = token.claims;
        let now = self.clock.now().as_second();
        let jti = claims["jti"].as_str()?.to_owned();
        let mut jtis = self.jtis.lock().unwrap();
        let fresh = !jtis.contains(&jti);
        jtis.push(jti);
        // FAPI 2.0: the audience is the issuer, as one string.
        (claims["aud"] == json!(self.issuer)
            && claims["iss"] == CLIENT_ID
            && claims["sub"] == CLIENT_ID
            && (now + 1..=now + 60).contains(&claims["exp"].as_i64()?)
            && fresh)
            .then_some(())
    }

    fn token(&self, form: &Pairs) -> Result<Say, &'static str> {
        let mut granted = Pairs::new();
        match form["grant_type"].as_str() {
            "authorization_code" => {
                granted = self.codes.lock().unwrap().remove(&form["code"]).ok_or("invalid_grant")?;
                let digest = ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
                if granted["code_challenge"] != URL_SAFE_NO_PAD.encode(digest)
                    || granted["redirect_uri"] != form["redirect_uri"]
                    || form["code_verifier"].len() < 43
                {
                    return Err("invalid_grant");
                }
            }
            "refresh_token" => {
                let mut known = self.refresh.lock().unwrap();
                if !known.contains(&form["refresh_token"]) {
                    return Err("invalid_grant");
                }
                if self.knobs.rotate {
                    known.retain(|t| *t != form["refresh_token"]);
                }
            }
            "client_credentials" if self.knobs.own_tokens => {}
            _ => return Err("unsupported_grant_type"),
        }
        let n = self.next();
        let mut answer =
            json!({"access_token": format!("at-{n}"), "token_type": "Bearer", "expires_in": 900});
        if form["grant_type"] == "client_credentials" {
            answer["access_token"] = json!(format!("own-{n}"));
        } else if form["grant_type"] == "authorization_code" || self.knobs.rotate {
            answer["refresh_token"] = json!(format!("rt-{n}"));
            self.refresh.lock().unwrap().push(format!("rt-{n}"));
        }
        if form["grant_type"] == "authorization_code" {
            answer["grant_id"] = json!("consent-7");
            if let Some(algorithm) = self.knobs.id_token {
                answer["id_token"] = json!(self.sign(algorithm, granted.get("nonce"), &self.knobs.id_claims));
            }
        } else if let (Some(algorithm), Some(claims)) = (self.knobs.id_token, &self.knobs.refreshed_claims) {
            answer["id_token"] = json!(self.sign(algorithm, None, claims));
        }
        if let Some(extra) = &self.knobs.access_claims {
            let claims = json!({"iss": self.issuer, "sub": "customer-43", "exp": self.clock.now().as_second() + 900,
                "aud": "the api", "fdxConsentId": "consent-9"});
            let header = Header::new(Algorithm::ES256);
            let token = jsonwebtoken::encode(&header, &merge(claims, extra), &signing_key(Algorithm::ES256));
            answer["access_token"] = json!(token.unwrap());
        }
        Ok(say(200, merge(answer, &self.knobs.token_extra)))
    }

    fn sign(&self, algorithm: Algorithm, nonce: Option<&String>, with: &Value) -> String {
        let now = self.clock.now().as_second();
        let claims = json!({
            "iss": self.issuer, "sub": "customer-42", "aud": CLIENT_ID, "exp": now + 600, "iat": now, "nonce": nonce,
        });
        let claims = merge(claims, with);
        if self.knobs.unsigned_id_token {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            return format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims));
        }
        let mut header = Header::new(algorithm);
        let kid = match algorithm {
            Algorithm::ES256 => "ec",
            Algorithm::EdDSA => "ed",
            _ => "rsa",
        };
        header.kid = Some(kid.into());
        jsonwebtoken::encode(&header, &claims, &signing_key(algorithm)).unwrap()
    }

    /// What the browser does at the authorization endpoint, with a customer who says yes.
    pub fn authorize(&self, url: &Url) -> Result<Callback, &'static str> {
        assert_eq!(url.path(), format!("{}/authorize", self.knobs.path));
        let mut query = pairs(url.query().unwrap());
        assert_eq!(query.remove("tenant").as_deref(), Some("1"), "the endpoint's own query stays");
        let request = match query.get("request_uri") {
            Some(uri) => {
                assert_eq!(query.len(), 2, "beside a request_uri there is only the client id");
                self.pushed.lock().unwrap().remove(uri).ok_or("request_uri unknown or used")?
            }
            None if self.knobs.require_par => return Err("par required"),
            None => query.clone(),
        };
        assert_eq!(query["client_id"], CLIENT_ID);
        assert_eq!(request["client_id"], CLIENT_ID);
        assert_eq!(request["response_type"], "code");
        assert_eq!(request["redirect_uri"], REDIRECT);
        assert_eq!(request["code_challenge_method"], "S256");
        assert!(request["state"].len() >= 32 && request["code_challenge"].len() == 43);
        let (state, code) = (request["state"].clone(), format!("code-{}", self.next()));
        self.codes.lock().unwrap().insert(code.clone(), request);
        Ok(Callback {
            code: Some(Secret::new(code)),
            state: Some(state),
            iss: self.knobs.iss.then(|| self.issuer.clone()),
            ..Callback::default()
        })
    }

    /// The forms that came to an endpoint.
    pub fn forms_to(&self, endpoint: &str) -> Vec<Pairs> {
        self.forms
            .lock()
            .unwrap()
            .iter()
            .filter(|(path, _)| path == endpoint)
            .map(|(_, f)| f.clone())
            .collect()
    }

    pub fn proofs_to(&self, endpoint: &str) -> Vec<String> {
        let proofs = self.proofs.lock().unwrap();
        proofs.iter().filter(|(path, _)| path == endpoint).map(|(_, proof)| proof.clone()).collect()
    }

    pub fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}
