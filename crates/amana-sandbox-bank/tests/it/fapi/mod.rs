//! The authorization server's modules of the OpenID Foundation's conformance suite for the FAPI 2.0 Security Profile
//! (Final), each as a test of its name. `docs/fapi.md` lists all of them, also those of the client and those that are
//! not ours, and says why; the last test here holds that list against this file.

mod authorization;
mod consents;
mod mtls;
mod tokens;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use amana_sandbox_bank::{ClientAuth, ClientRegistration, Security, SenderConstraint};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::util::{
    Browser, CALLBACK, Page, Running, SCOPE, VERIFIER, challenge, json_of, jwk, location, start_with,
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The second client's redirect URI.
const SECOND: &str = "https://second.example/callback";

type Form = BTreeMap<&'static str, String>;

fn key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

/// What nobody has used before.
fn fresh() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("once-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn jws(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature: p256::ecdsa::Signature = key.sign(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn thumbprint(key: &SigningKey) -> String {
    let jwk = jwk(key, "x");
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
    challenge(&canonical)
}

/// One of the bank's clients, with the key that it binds its tokens to.
struct Client<'a> {
    bank: &'a Running,
    id: &'static str,
    own: SigningKey,
    dpop: SigningKey,
    redirect_uri: &'static str,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }
}

/// A FAPI 2.0 bank with two clients whose tokens are bound to keys, and one whose requests must be signed as well.
async fn blue() -> Running {
    start_with(|config| {
        config.security = Security::Blue;
        let client = |id: &str, byte: u8, redirect_uri: &str, signed_requests| ClientRegistration {
            client_id: id.to_owned(),
            name: "Amana".to_owned(),
            name_ar: "أمانة".to_owned(),
            auth: ClientAuth::PrivateKeyJwt(
                serde_json::from_value(json!({ "keys": [jwk(&key(byte), "k1")] })).unwrap(),
            ),
            redirect_uris: vec![redirect_uri.to_owned()],
            sender: SenderConstraint::Dpop,
            signed_requests,
        };
        config.clients = vec![
            client("first", 11, CALLBACK, false),
            client("second", 12, SECOND, false),
            client("signed", 13, CALLBACK, true),
        ];
    })
    .await
}

fn first(bank: &Running) -> Client<'_> {
    Client { bank, id: "first", own: key(11), dpop: key(21), redirect_uri: CALLBACK }
}

fn second(bank: &Running) -> Client<'_> {
    Client { bank, id: "second", own: key(12), dpop: key(22), redirect_uri: SECOND }
}

fn signed(bank: &Running) -> Client<'_> {
    Client { bank, id: "signed", own: key(13), dpop: key(23), redirect_uri: CALLBACK }
}

impl Client<'_> {
    fn now(&self) -> i64 {
        self.bank.clock.now().as_second()
    }

    fn assertion_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = self.now();
        let mut claims = json!({
            "iss": self.id, "sub": self.id, "aud": self.bank.issuer, "iat": now, "exp": now + 60, "jti": fresh(),
        });
        change(&mut claims);
        jws(&self.own, &json!({ "alg": "ES256", "kid": "k1" }), &claims)
    }

    fn authenticated(&self) -> Form {
        Form::from([
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", self.assertion_with(|_| {})),
        ])
    }

    fn request(&self) -> Form {
        let mut ask = self.bank.ask();
        ask.insert("client_id", self.id.to_owned());
        ask.insert("redirect_uri", self.redirect_uri.to_owned());
        ask
    }

    fn proof_with(
        &self,
        method: &str,
        url: &str,
        nonce: Option<&str>,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> String {
        let mut public = jwk(&self.dpop, "x");
        for extra in ["kid", "use", "alg"] {
            public.as_object_mut().unwrap().remove(extra);
        }
        let mut header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public });
        let mut claims = json!({ "jti": fresh(), "htm": method, "htu": url, "iat": self.now() });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        change(&mut header, &mut claims);
        jws(&self.dpop, &header, &claims)
    }

    async fn post(&self, url: &str, form: &Form, proof: Option<&str>) -> Answer {
        let mut request = self.bank.http.post(url).form(form);
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: json_of(response).await,
        }
    }

    /// Posts as this client, with a proof (and the nonce that the bank then asks for).
    async fn send_with(&self, path: &str, form: Form, change: impl Fn(&mut Value, &mut Value)) -> Answer {
        let url = self.bank.url(path);
        let mut body = self.authenticated();
        body.extend(form.clone());
        let got = self.post(&url, &body, Some(&self.proof_with("POST", &url, None, &change))).await;
        if got.error() != "use_dpop_nonce" {
            return got;
        }
        let nonce = got.headers["dpop-nonce"].to_str().unwrap();
        let mut body = self.authenticated();
        body.extend(form);
        self.post(&url, &body, Some(&self.proof_with("POST", &url, Some(nonce), &change))).await
    }

    async fn send(&self, path: &str, form: Form) -> Answer {
        self.send_with(path, form, |_, _| {}).await
    }

    /// Pushes without a proof: then nothing but `dpop_jkt` binds the code.
    async fn push(&self, request: &Form) -> Answer {
        let mut body = self.authenticated();
        body.extend(request.clone());
        self.post(&self.bank.url("/par"), &body, None).await
    }

    async fn pushed(&self, request: &Form) -> Form {
        let body = self.push(request).await.ok();
        self.opening(&body)
    }

    /// What the browser brings to `/authorize`.
    fn opening(&self, pushed: &Value) -> Form {
        Form::from([
            ("client_id", self.id.to_owned()),
            ("request_uri", pushed["request_uri"].as_str().unwrap().to_owned()),
        ])
    }

    /// Signs in, allows the first account, and gives the parameters of the callback.
    async fn allow(&self, opening: &Form) -> BTreeMap<String, String> {
        let mut browser = Browser::new(self.bank);
        let page = browser.sign_in(opening, "layla").await;
        let accounts = page.all("input[name=account]", "value");
        let back = browser.decide(&page, "allow", &[&accounts[0]]).await;
        assert!(back.starts_with(self.redirect_uri), "{back}");
        url::Url::parse(&back).unwrap().query_pairs().into_owned().collect()
    }

    async fn code(&self) -> String {
        self.allow(&self.pushed(&self.request()).await).await["code"].clone()
    }

    fn exchange(&self, code: &str) -> Form {
        Form::from([
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect_uri.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ])
    }

    /// A token of the client's own.
    async fn own_token(&self) -> String {
        let form = Form::from([("grant_type", "client_credentials".to_owned())]);
        self.send("/token", form).await.ok()["access_token"].as_str().unwrap().to_owned()
    }

    async fn tokens(&self) -> Value {
        self.send("/token", self.exchange(&self.code().await)).await.ok()
    }

    fn refresh(tokens: &Value) -> Form {
        Form::from([
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap().to_owned()),
        ])
    }

    /// Reads the accounts, by the scheme as spelled, with a proof that was changed.
    async fn read_with(&self, access: &str, scheme: &str, change: impl Fn(&mut Value, &mut Value)) -> Answer {
        self.call_with(("GET", "/accounts", None), access, scheme, change).await
    }

    /// Calls the API with this token and a right proof.
    async fn call(&self, method: &str, path: &str, access: &str, body: Option<&Value>) -> Answer {
        self.call_with((method, path, body), access, "DPoP", |_, _| {}).await
    }

    async fn call_with(
        &self,
        (method, path, body): (&str, &str, Option<&Value>),
        access: &str,
        scheme: &str,
        change: impl Fn(&mut Value, &mut Value),
    ) -> Answer {
        let url = self.bank.fdx(path);
        let bare = url.split('?').next().unwrap();
        let ath = challenge(access);
        let mut nonce: Option<String> = None;
        loop {
            let proof = self.proof_with(method, bare, nonce.as_deref(), |header, claims| {
                claims["ath"] = json!(ath);
                change(header, claims);
            });
            let mut request = self.bank.http.request(method.parse().unwrap(), &url);
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let request = request.header("authorization", format!("{scheme} {access}"));
            let response = request
                .header("DPoP", proof)
                .header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a")
                .send()
                .await
                .unwrap();
            let (status, headers) = (response.status(), response.headers().clone());
            if nonce.is_none() && headers.contains_key("dpop-nonce") {
                nonce = Some(headers["dpop-nonce"].to_str().unwrap().to_owned());
                continue;
            }
            return Answer { status, headers, body: json_of(response).await };
        }
    }

    async fn read(&self, tokens: &Value) -> StatusCode {
        self.read_with(tokens["access_token"].as_str().unwrap(), "DPoP", |_, _| {}).await.status
    }

    /// A signed request object (RFC 9101) over the request.
    fn object_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = self.now();
        let mut claims =
            json!({ "iss": self.id, "aud": self.bank.issuer, "iat": now, "nbf": now, "exp": now + 300 });
        for (name, value) in self.request() {
            claims[name] = json!(value);
        }
        change(&mut claims);
        jws(&self.own, &json!({ "alg": "ES256", "kid": "k1", "typ": "oauth-authz-req+jwt" }), &claims)
    }

    async fn push_object(&self, object: String) -> Answer {
        self.push(&Form::from([("client_id", self.id.to_owned()), ("request", object)])).await
    }
}

/// Opens `/authorize` and expects to be told on a page, without a redirect, that it cannot be.
async fn refused_on_a_page(bank: &Running, opening: &Form) -> Page {
    let response = Browser::new(bank).authorize(opening).await;
    assert!(response.headers().get("location").is_none(), "it redirects");
    let page = Page::of(response).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text);
    page
}

/// What the ID token says, unproved.
fn id_claims(tokens: &Value) -> Value {
    let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A JWT with this `alg` in its header and a signature that was made with the right key.
fn with_algorithm(jwt: &str, key: &SigningKey, alg: &str) -> String {
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap();
    jws(key, &json!({ "alg": alg, "kid": "k1" }), &claims)
}

/// `docs/fapi.md` names each module once, and each of the server's that is ours is a test here.
#[test]
fn the_list_is_whole() {
    let list = include_str!("../../../../../docs/fapi.md");
    let tests = concat!(include_str!("authorization.rs"), include_str!("tokens.rs"));
    let named = |name: &str| tests.contains(&format!("async fn {}()", name.replace('-', "_").to_lowercase()));
    let bound = include_str!("mtls.rs");
    let mut with_tls = 0;
    let mut seen = std::collections::BTreeSet::new();
    let mut ours = 0;
    for line in list.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].trim_matches('`');
        assert!(seen.insert(name.to_owned()), "{name} stands there twice");
        match cells[1] {
            "server" => {
                assert!(named(name), "no test for `{name}`");
                ours += 1;
                if cells[2].contains("also with mutual TLS") {
                    let test = format!("async fn {}_with_mutual_tls()", name.replace('-', "_"));
                    assert!(bound.contains(&test), "no test for `{name}` with mutual TLS");
                    with_tls += 1;
                }
            }
            "client" => assert!(name.starts_with("client-"), "`{name}`"),
            "not ours" => assert!(cells[2].len() > 10, "`{name}`: why?"),
            other => panic!("`{name}`: {other}?"),
        }
    }
    assert_eq!(seen.len(), 128);
    assert_eq!(tests.matches("#[tokio::test]").count(), ours, "a test without a line in the list");
    assert_eq!(bound.matches("#[tokio::test]").count(), with_tls, "the same with mutual TLS");
}
