//! The authorization server's modules of the OpenID Foundation's conformance suite for the FAPI 2.0 Security Profile
//! (Final), each as a test of its name. `docs/fapi.md` lists all of them, also those of the client and those that are
//! not ours, and says why; the last test here holds that list against this file.

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
        let url = self.bank.fdx("/accounts");
        let ath = challenge(access);
        let mut nonce: Option<String> = None;
        loop {
            let proof = self.proof_with("GET", &url, nonce.as_deref(), |header, claims| {
                claims["ath"] = json!(ath);
                change(header, claims);
            });
            let request = self.bank.http.get(&url).header("authorization", format!("{scheme} {access}"));
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

// S1: discovery and complete flows.

#[tokio::test]
async fn discovery_end_point_verification() {
    let bank = blue().await;
    let url = bank.url("/.well-known/openid-configuration");
    let document = json_of(bank.http.get(url).send().await.unwrap()).await;
    assert_eq!(document["issuer"], bank.issuer.as_str());
    assert_eq!(document["response_types_supported"], json!(["code"]));
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["require_pushed_authorization_requests"], true);
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!("authorization_code")) && !grants.contains(&json!("implicit")));
    for name in [
        "token_endpoint_auth_signing_alg_values_supported",
        "dpop_signing_alg_values_supported",
        "request_object_signing_alg_values_supported",
        "id_token_signing_alg_values_supported",
    ] {
        let algorithms = document[name].as_array().unwrap();
        let allowed = [json!("ES256"), json!("PS256"), json!("EdDSA")];
        assert!(!algorithms.is_empty() && algorithms.iter().all(|one| allowed.contains(one)), "{name}");
    }
    for scope in SCOPE.split(' ') {
        assert!(document["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
    for endpoint in ["authorization", "token", "pushed_authorization_request", "revocation", "introspection"]
    {
        assert!(document[format!("{endpoint}_endpoint")].as_str().unwrap().starts_with(&bank.issuer));
    }
}

#[tokio::test]
async fn happy_flow() {
    let bank = blue().await;
    for client in [first(&bank), second(&bank)] {
        let tokens = client.tokens().await;
        assert_eq!(tokens["token_type"], "DPoP");
        assert_eq!(id_claims(&tokens)["aud"], client.id);
        assert_eq!(client.read(&tokens).await, StatusCode::OK);
        // Sender-constrained: whoever has the token alone has nothing.
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::UNAUTHORIZED);
        let thief = Client { dpop: key(99), ..first(&bank) };
        assert_eq!(thief.read(&tokens).await, StatusCode::UNAUTHORIZED);
    }
    // A variant: a signed request.
    let client = signed(&bank);
    let opening = client.opening(&client.push_object(client.object_with(|_| {})).await.ok());
    let code = client.allow(&opening).await["code"].clone();
    let tokens = client.send("/token", client.exchange(&code)).await.ok();
    assert_eq!(client.read(&tokens).await, StatusCode::OK);
}

#[tokio::test]
async fn user_rejects_authentication() {
    let bank = blue().await;
    let client = first(&bank);
    let opening = client.pushed(&client.request()).await;
    let mut browser = Browser::new(&bank);
    let page = browser.sign_in(&opening, "layla").await;
    let back = crate::util::callback(&browser.decide(&page, "deny", &[]).await);
    assert_eq!(back["error"], "access_denied");
    assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("st&te ü", bank.issuer.as_str()));
}

#[tokio::test]
async fn ensure_other_scope_order_succeeds() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert("scope", SCOPE.split(' ').rev().collect::<Vec<_>>().join(" "));
    let code = client.allow(&client.pushed(&request).await).await["code"].clone();
    let tokens = client.send("/token", client.exchange(&code)).await.ok();
    assert!(tokens["id_token"].is_string());
}

#[tokio::test]
async fn test_essential_acr_sca_claim() {
    let bank = blue().await;
    let client = first(&bank);
    let asked = |values: Value| {
        let mut request = client.request();
        let claims = json!({ "id_token": { "acr": { "essential": true, "values": values } } });
        request.insert("claims", claims.to_string());
        request
    };
    let refused = client.push(&asked(json!(["urn:openbanking:psd2:sca"]))).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "access_denied"));
    // What the bank does do can be asked for, and is said.
    let opening = client.pushed(&asked(json!(["urn:amana:sandbox:password"]))).await;
    let code = client.allow(&opening).await["code"].clone();
    let tokens = client.send("/token", client.exchange(&code)).await.ok();
    assert_eq!(id_claims(&tokens)["acr"], "urn:amana:sandbox:password");
}

// S2: the pushed request and the authorization request.

#[tokio::test]
async fn par_without_duplicate_parameters() {
    let bank = blue().await;
    let client = first(&bank);
    let opening = client.pushed(&client.request()).await;
    assert_eq!(opening.keys().copied().collect::<Vec<_>>(), ["client_id", "request_uri"]);
    assert!(client.allow(&opening).await.contains_key("code"));
}

#[tokio::test]
async fn par_attempt_invalid_http_method() {
    let bank = blue().await;
    for method in [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::DELETE] {
        let response = bank.http.request(method.clone(), bank.url("/par")).send().await.unwrap();
        let status = response.status();
        assert!(
            status == StatusCode::METHOD_NOT_ALLOWED || status == StatusCode::NOT_FOUND,
            "{method} {status}"
        );
    }
}

#[tokio::test]
async fn par_attempt_reuse_request_uri() {
    let bank = blue().await;
    let client = first(&bank);
    let opening = client.pushed(&client.request()).await;
    client.allow(&opening).await;
    refused_on_a_page(&bank, &opening).await;
}

#[tokio::test]
async fn par_ensure_reused_request_uri_prior_to_auth_completion_succeeds() {
    let bank = blue().await;
    let client = first(&bank);
    let opening = client.pushed(&client.request()).await;
    // Looked at, left, and opened again, elsewhere.
    Browser::new(&bank).sign_in(&opening, "layla").await;
    assert!(client.allow(&opening).await.contains_key("code"));
}

#[tokio::test]
async fn par_attempt_to_use_expired_request_uri() {
    let bank = blue().await;
    let client = first(&bank);
    let pushed = client.push(&client.request()).await.ok();
    bank.clock.forward(pushed["expires_in"].as_i64().unwrap() + 1);
    refused_on_a_page(&bank, &client.opening(&pushed)).await;
}

#[tokio::test]
async fn par_attempt_to_use_request_uri_for_different_client() {
    let bank = blue().await;
    let client = first(&bank);
    let mut opening = client.pushed(&client.request()).await;
    opening.insert("client_id", "second".to_owned());
    refused_on_a_page(&bank, &opening).await;
}

#[tokio::test]
async fn par_authorization_request_containing_request_uri() {
    let bank = blue().await;
    let client = signed(&bank);
    let object =
        client.object_with(|claims| claims["request_uri"] = json!("urn:ietf:params:oauth:request_uri:x"));
    let refused = client.push_object(object).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request_object"));
}

#[tokio::test]
async fn par_authorization_request_containing_request_uri_form_param() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert("request_uri", "urn:ietf:params:oauth:request_uri:x".to_owned());
    let refused = client.push(&request).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request"));
}

#[tokio::test]
async fn ensure_unsigned_authorization_request_without_using_par_fails() {
    let bank = blue().await;
    let response = Browser::new(&bank).authorize(&first(&bank).request()).await;
    assert_eq!(crate::util::callback(&location(&response))["error"], "invalid_request");
}

async fn response_type_fails(response_type: &str) {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert("response_type", response_type.to_owned());
    let refused = client.push(&request).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "unsupported_response_type"));
}

#[tokio::test]
async fn ensure_response_type_code_idtoken_fails() {
    response_type_fails("code id_token").await;
}

#[tokio::test]
async fn ensure_response_type_token_fails() {
    response_type_fails("token").await;
}

#[tokio::test]
async fn ensure_registered_redirect_uri() {
    let bank = blue().await;
    let client = first(&bank);
    for other in [
        "https://evil.example/callback",
        SECOND,
        "http://127.0.0.1:9/callback/",
        "http://127.0.0.1:9/callback?x",
    ] {
        let mut request = client.request();
        request.insert("redirect_uri", other.to_owned());
        let refused = client.push(&request).await;
        assert_eq!(
            (refused.status, refused.error()),
            (StatusCode::BAD_REQUEST, "invalid_request"),
            "{other}"
        );
        // And never a redirect to it.
        refused_on_a_page(&bank, &request).await;
    }
}

#[tokio::test]
async fn ensure_redirect_uri_in_authorization_request() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.remove("redirect_uri");
    let refused = client.push(&request).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request"));
}

/// The whole way with one parameter of the request changed; gives the callback and the tokens.
async fn whole_way(name: &'static str, value: Option<String>) -> (BTreeMap<String, String>, Value) {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.remove(name);
    request.extend(value.map(|value| (name, value)));
    let back = client.allow(&client.pushed(&request).await).await;
    let tokens = client.send("/token", client.exchange(&back["code"])).await.ok();
    (back, tokens)
}

#[tokio::test]
async fn ensure_authorization_request_without_nonce_success() {
    let (_, tokens) = whole_way("nonce", None).await;
    assert!(id_claims(&tokens).get("nonce").is_none());
}

#[tokio::test]
async fn ensure_authorization_request_with_64_char_nonce_success() {
    let nonce = "n".repeat(64);
    let (_, tokens) = whole_way("nonce", Some(nonce.clone())).await;
    assert_eq!(id_claims(&tokens)["nonce"], nonce);
}

#[tokio::test]
async fn ensure_authorization_request_with_long_nonce() {
    let nonce = "0123456789ab".repeat(32);
    let (_, tokens) = whole_way("nonce", Some(nonce.clone())).await;
    assert_eq!(id_claims(&tokens)["nonce"], nonce);
}

#[tokio::test]
async fn ensure_authorization_request_without_state_success() {
    let (back, tokens) = whole_way("state", None).await;
    assert!(!back.contains_key("state"));
    assert!(id_claims(&tokens).get("s_hash").is_none());
}

#[tokio::test]
async fn ensure_authorization_request_with_long_state() {
    let state = "state-".repeat(200);
    let (back, _) = whole_way("state", Some(state.clone())).await;
    assert_eq!(back["state"], state);
}

// S3: PKCE.

#[tokio::test]
async fn par_ensure_pkce_required() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.remove("code_challenge");
    request.remove("code_challenge_method");
    assert_eq!(client.push(&request).await.error(), "invalid_request");
}

#[tokio::test]
async fn par_plain_pkce_rejected() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert("code_challenge_method", "plain".to_owned());
    request.insert("code_challenge", VERIFIER.to_owned());
    assert_eq!(client.push(&request).await.error(), "invalid_request");
}

/// Redeems a code with a changed form; the error.
async fn redeemed(change: impl FnOnce(&mut Form)) -> String {
    let bank = blue().await;
    let client = first(&bank);
    let mut form = client.exchange(&client.code().await);
    change(&mut form);
    let answer = client.send("/token", form).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    answer.error().to_owned()
}

#[tokio::test]
async fn ensure_pkce_code_verifier_required() {
    assert_eq!(redeemed(|form| drop(form.remove("code_verifier"))).await, "invalid_grant");
}

#[tokio::test]
async fn incorrect_pkce_code_verifier_rejected() {
    let other = "another-verifier-that-is-long-enough-to-be-one-0123".to_owned();
    assert_eq!(redeemed(|form| drop(form.insert("code_verifier", other))).await, "invalid_grant");
}

// S4: client authentication.

/// Asks for a client's own token with this assertion: the cheapest call that needs one.
async fn with_assertion(client: &Client<'_>, assertion: String) -> Answer {
    let form = Form::from([("client_assertion", assertion), ("grant_type", "client_credentials".to_owned())]);
    client.send("/token", form).await
}

/// Such an assertion, changed, is refused at the token endpoint and at PAR.
async fn assertion_fails(change: impl Fn(&mut Value, i64, &str)) {
    let bank = blue().await;
    let client = first(&bank);
    let good = with_assertion(&client, client.assertion_with(|_| {})).await;
    // The first answer asks for a nonce and uses the assertion up.
    assert!(good.status == StatusCode::OK || good.error() == "invalid_client", "{}", good.body);
    let make = || client.assertion_with(|claims| change(claims, client.now(), &bank.issuer));
    let url = bank.url("/token");
    let form = Form::from([
        ("client_assertion_type", ASSERTION_TYPE.to_owned()),
        ("client_assertion", make()),
        ("grant_type", "client_credentials".to_owned()),
    ]);
    let refused = client.post(&url, &form, Some(&client.proof_with("POST", &url, None, |_, _| {}))).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    let mut request = client.request();
    request.insert("client_assertion_type", ASSERTION_TYPE.to_owned());
    request.insert("client_assertion", make());
    let refused = client.post(&bank.url("/par"), &request, None).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test]
async fn ensure_client_assertion_in_token_endpoint() {
    let bank = blue().await;
    let client = first(&bank);
    let url = bank.url("/token");
    let mut form = client.exchange(&client.code().await);
    form.insert("client_id", client.id.to_owned());
    let refused = client.post(&url, &form, Some(&client.proof_with("POST", &url, None, |_, _| {}))).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test]
async fn ensure_client_id_in_token_endpoint() {
    let bank = blue().await;
    let client = first(&bank);
    let mut form = client.exchange(&client.code().await);
    form.insert("client_id", "second".to_owned());
    let refused = client.send("/token", form).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test]
async fn ensure_client_assertion_with_exp_is_5_minutes_in_past_fails() {
    assertion_fails(|claims, now, _| {
        claims["iat"] = json!(now - 360);
        claims["exp"] = json!(now - 300);
    })
    .await;
}

#[tokio::test]
async fn ensure_client_assertion_with_no_sub_fails() {
    assertion_fails(|claims, _, _| drop(claims.as_object_mut().unwrap().remove("sub"))).await;
}

#[tokio::test]
async fn ensure_client_assertion_with_wrong_aud_fails() {
    assertion_fails(|claims, _, _| claims["aud"] = json!("https://another.example")).await;
}

#[tokio::test]
async fn par_test_array_as_audience_fails() {
    assertion_fails(|claims, _, issuer| claims["aud"] = json!([issuer])).await;
}

#[tokio::test]
async fn par_test_par_endpoint_url_as_audience_fails() {
    assertion_fails(|claims, _, issuer| claims["aud"] = json!(format!("{issuer}/par"))).await;
}

#[tokio::test]
async fn par_test_token_endpoint_url_as_audience_fails() {
    assertion_fails(|claims, _, issuer| claims["aud"] = json!(format!("{issuer}/token"))).await;
}

#[tokio::test]
async fn par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert(
        "client_assertion",
        client.assertion_with(|claims| {
            claims["nbf"] = json!(client.now() + 8);
            claims["iat"] = json!(client.now() + 8);
        }),
    );
    client.push(&request).await.ok();
}

#[tokio::test]
async fn par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails() {
    assertion_fails(|claims, now, _| {
        claims["nbf"] = json!(now + 70);
        claims["iat"] = json!(now + 70);
        claims["exp"] = json!(now + 130);
    })
    .await;
}

/// A JWT with this `alg` in its header and a signature that was made with the right key.
fn with_algorithm(jwt: &str, key: &SigningKey, alg: &str) -> String {
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap();
    jws(key, &json!({ "alg": alg, "kid": "k1" }), &claims)
}

#[tokio::test]
async fn ensure_signed_client_assertion_with_rs256_fails() {
    let bank = blue().await;
    let client = first(&bank);
    for alg in ["RS256", "none", "HS256"] {
        let mut request = client.request();
        request.insert("client_assertion", with_algorithm(&client.assertion_with(|_| {}), &client.own, alg));
        let refused = client.push(&request).await;
        assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{alg}");
    }
}

// S5: code, tokens, who may use them.

#[tokio::test]
async fn ensure_holder_of_key_required() {
    let bank = blue().await;
    let client = first(&bank);
    let mut form = client.exchange(&client.code().await);
    form.extend(client.authenticated());
    let refused = client.post(&bank.url("/token"), &form, None).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
}

#[tokio::test]
async fn ensure_authorization_code_is_bound_to_client() {
    let bank = blue().await;
    let (client, other) = (first(&bank), second(&bank));
    let code = client.code().await;
    let mut form = client.exchange(&code);
    form.insert("redirect_uri", CALLBACK.to_owned());
    let refused = other.send("/token", form).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    // Nor has the attempt spoiled it for its owner.
    client.send("/token", client.exchange(&code)).await.ok();
}

#[tokio::test]
async fn ensure_token_endpoint_fails_with_expired_auth_code() {
    let bank = blue().await;
    let client = first(&bank);
    let code = client.code().await;
    bank.clock.forward(61);
    assert_eq!(client.send("/token", client.exchange(&code)).await.error(), "invalid_grant");
}

#[tokio::test]
async fn attempt_reuse_authorization_code_after_one_second() {
    let bank = blue().await;
    let client = first(&bank);
    let code = client.code().await;
    let tokens = client.send("/token", client.exchange(&code)).await.ok();
    assert_eq!(client.read(&tokens).await, StatusCode::OK);
    bank.clock.forward(1);
    assert_eq!(client.send("/token", client.exchange(&code)).await.error(), "invalid_grant");
    assert_eq!(client.read(&tokens).await, StatusCode::UNAUTHORIZED, "what it gave lives on");
}

#[tokio::test]
async fn refresh_token() {
    let bank = blue().await;
    let client = first(&bank);
    let tokens = client.tokens().await;
    for _ in 0..2 {
        let again = client.send("/token", Client::refresh(&tokens)).await.ok();
        assert_eq!(again["token_type"], "DPoP");
        assert!(again.get("refresh_token").is_none(), "FAPI 2.0 forbids rotation");
        assert_eq!(client.read(&again).await, StatusCode::OK);
    }
    let foreign = second(&bank).send("/token", Client::refresh(&tokens)).await;
    assert_eq!(foreign.error(), "invalid_grant");
    let nobody = client.post(&bank.url("/token"), &Client::refresh(&tokens), None).await;
    assert_eq!((nobody.status, nobody.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    let mut form = Client::refresh(&tokens);
    form.extend(client.authenticated());
    let unproved = client.post(&bank.url("/token"), &form, None).await;
    assert_eq!(unproved.error(), "invalid_dpop_proof");
}

#[tokio::test]
async fn access_token_type_header_case_sensitivity() {
    let bank = blue().await;
    let client = first(&bank);
    let tokens = client.tokens().await;
    let access = tokens["access_token"].as_str().unwrap();
    for scheme in ["DPoP", "dpop", "DPOP", "dPoP"] {
        assert_eq!(client.read_with(access, scheme, |_, _| {}).await.status, StatusCode::OK, "{scheme}");
    }
}

// S6: DPoP.

#[tokio::test]
async fn dpop_negative_tests() {
    type Change = fn(&mut Value, &mut Value);
    const WRONG: [(&str, Change); 14] = [
        ("typ missing", |header, _| drop(header.as_object_mut().unwrap().remove("typ"))),
        ("typ another", |header, _| header["typ"] = json!("jwt")),
        ("alg none", |header, _| header["alg"] = json!("none")),
        ("alg RS256", |header, _| header["alg"] = json!("RS256")),
        ("jwk missing", |header, _| drop(header.as_object_mut().unwrap().remove("jwk"))),
        ("jwk of another key", |header, _| header["jwk"] = jwk(&key(55), "x")),
        ("jwk with the private part", |header, _| header["jwk"]["d"] = json!("AAAA")),
        ("htm missing", |_, claims| drop(claims.as_object_mut().unwrap().remove("htm"))),
        ("htm another", |_, claims| claims["htm"] = json!("PUT")),
        ("htu missing", |_, claims| drop(claims.as_object_mut().unwrap().remove("htu"))),
        ("htu another", |_, claims| claims["htu"] = json!("https://another.example/token")),
        ("jti missing", |_, claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        ("iat missing", |_, claims| drop(claims.as_object_mut().unwrap().remove("iat"))),
        ("iat long ago", |_, claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 600)),
    ];
    let bank = blue().await;
    let client = first(&bank);
    let tokens = client.tokens().await;
    let access = tokens["access_token"].as_str().unwrap();
    for (what, change) in WRONG {
        let refused = client.send_with("/token", Client::refresh(&tokens), change).await;
        assert_eq!(
            (refused.status, refused.error()),
            (StatusCode::BAD_REQUEST, "invalid_dpop_proof"),
            "{what}"
        );
        let refused = client.read_with(access, "DPoP", change).await;
        let asks = refused.headers["www-authenticate"].to_str().unwrap().to_owned();
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{what}");
        assert!(asks.starts_with("DPoP ") && asks.contains("invalid_dpop_proof"), "{what}: {asks}");
    }
    for ath in [Value::Null, json!(challenge("another token"))] {
        let refused = client.read_with(access, "DPoP", |_, claims| claims["ath"] = ath.clone()).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    // A nonce that the bank never gave is asked for again, never taken.
    let refused =
        client.send_with("/token", Client::refresh(&tokens), |_, claims| claims["nonce"] = json!("mine"));
    assert_eq!(refused.await.error(), "use_dpop_nonce");
    // Twice the same proof.
    let url = bank.url("/token");
    let asked = client.send_with("/token", Client::refresh(&tokens), |_, _| {}).await;
    let nonce = asked.headers["dpop-nonce"].to_str().unwrap().to_owned();
    let proof = client.proof_with("POST", &url, Some(&nonce), |_, _| {});
    let form = || {
        let mut form = Client::refresh(&tokens);
        form.extend(client.authenticated());
        form
    };
    client.post(&url, &form(), Some(&proof)).await.ok();
    assert_eq!(client.post(&url, &form(), Some(&proof)).await.error(), "invalid_dpop_proof");
    // Two proofs at once.
    let request = bank.http.post(&url).form(&form());
    let proof = || client.proof_with("POST", &url, Some(&nonce), |_, _| {});
    let twice = request.header("DPoP", proof()).header("DPoP", proof()).send().await.unwrap();
    assert_eq!(json_of(twice).await["error"], "invalid_dpop_proof");
    // With all that, the right one works.
    assert_eq!(client.read(&tokens).await, StatusCode::OK);
}

/// Goes the whole way with changed proofs: PAR, token, resource.
async fn proofs_succeed(change: impl Fn(&mut Value, &mut Value)) {
    let bank = blue().await;
    let client = first(&bank);
    let opening = client.opening(&client.send_with("/par", client.request(), &change).await.ok());
    let code = client.allow(&opening).await["code"].clone();
    let tokens = client.send_with("/token", client.exchange(&code), &change).await.ok();
    let read = client.read_with(tokens["access_token"].as_str().unwrap(), "DPoP", &change).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.body);
}

#[tokio::test]
async fn check_dpop_proof_nbf_exp() {
    proofs_succeed(|_, claims| {
        let now = claims["iat"].as_i64().unwrap();
        claims["nbf"] = json!(now);
        claims["exp"] = json!(now + 60);
    })
    .await;
}

#[tokio::test]
async fn ensure_dpopproof_with_iat_10seconds_before_succeeds() {
    proofs_succeed(|_, claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 10)).await;
}

#[tokio::test]
async fn ensure_dpopproof_with_iat_10seconds_after_succeeds() {
    proofs_succeed(|_, claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 10)).await;
}

#[tokio::test]
async fn ensure_dpop_auth_code_binding_success() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert("dpop_jkt", thumbprint(&client.dpop));
    let code = client.allow(&client.opening(&client.send("/par", request).await.ok())).await["code"].clone();
    client.send("/token", client.exchange(&code)).await.ok();
}

#[tokio::test]
async fn ensure_dpopproof_at_par_endpoint_binding_success() {
    proofs_succeed(|_, _| {}).await;
}

#[tokio::test]
async fn ensure_mismatched_dpop_jkt_fails() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert("dpop_jkt", thumbprint(&key(77)));
    let refused = client.send("/par", request).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
}

#[tokio::test]
async fn ensure_token_endpoint_fails_with_mismatched_dpop_jkt() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.insert("dpop_jkt", thumbprint(&key(77)));
    let code = client.allow(&client.pushed(&request).await).await["code"].clone();
    let refused = client.send("/token", client.exchange(&code)).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_grant"));
}

#[tokio::test]
async fn ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt() {
    let bank = blue().await;
    let client = first(&bank);
    let opening = client.opening(&client.send("/par", client.request()).await.ok());
    let code = client.allow(&opening).await["code"].clone();
    let other = Client { dpop: key(78), ..first(&bank) };
    let refused = other.send("/token", other.exchange(&code)).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_grant"));
}

// S7: signed request objects, and parameters given twice.

#[tokio::test]
async fn ensure_unsigned_request_at_par_endpoint_fails() {
    let bank = blue().await;
    let client = signed(&bank);
    let refused = client.push(&client.request()).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request"));
}

async fn object_fails(change: impl FnOnce(&mut Value, i64)) {
    let bank = blue().await;
    let client = signed(&bank);
    let now = client.now();
    let refused = client.push_object(client.object_with(|claims| change(claims, now))).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request_object"));
}

async fn object_succeeds(change: impl FnOnce(&mut Value, i64)) {
    let bank = blue().await;
    let client = signed(&bank);
    let now = client.now();
    client.push_object(client.object_with(|claims| change(claims, now))).await.ok();
}

#[tokio::test]
async fn ensure_expired_request_object_fails() {
    object_fails(|claims, now| {
        claims["nbf"] = json!(now - 600);
        claims["exp"] = json!(now - 300);
    })
    .await;
}

#[tokio::test]
async fn ensure_request_object_with_exp_over_60_fails() {
    object_fails(|claims, now| claims["exp"] = json!(now + 70 * 60)).await;
}

#[tokio::test]
async fn ensure_request_object_with_nbf_over_60_fails() {
    object_fails(|claims, now| claims["nbf"] = json!(now - 70 * 60)).await;
}

#[tokio::test]
async fn ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted() {
    object_succeeds(|claims, now| claims["nbf"] = json!(now + 8)).await;
}

#[tokio::test]
async fn ensure_request_object_without_exp_fails() {
    object_fails(|claims, _| drop(claims.as_object_mut().unwrap().remove("exp"))).await;
}

#[tokio::test]
async fn ensure_request_object_without_nbf_fails() {
    object_fails(|claims, _| drop(claims.as_object_mut().unwrap().remove("nbf"))).await;
}

#[tokio::test]
async fn ensure_request_object_without_redirect_uri_fails() {
    let bank = blue().await;
    let client = signed(&bank);
    let object = client.object_with(|claims| drop(claims.as_object_mut().unwrap().remove("redirect_uri")));
    let refused = client.push_object(object).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request"));
}

#[tokio::test]
async fn ensure_request_object_with_bad_aud_fails() {
    object_fails(|claims, _| claims["aud"] = json!("https://another.example")).await;
}

#[tokio::test]
async fn ensure_request_object_with_multiple_aud_succeeds() {
    object_succeeds(|claims, _| claims["aud"] = json!(["https://another.example", claims["aud"]])).await;
}

#[tokio::test]
async fn ensure_request_object_with_invalid_signature_fails() {
    let bank = blue().await;
    let client = signed(&bank);
    let object = client.object_with(|_| {});
    let (text, signature) = object.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    signature[5] ^= 0x5a;
    let refused = client.push_object(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request_object"));
}

async fn object_algorithm_fails(alg: &str) {
    let bank = blue().await;
    let client = signed(&bank);
    let object = with_algorithm(&client.object_with(|_| {}), &client.own, alg);
    let refused = client.push_object(object).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request_object"));
}

#[tokio::test]
async fn ensure_request_object_signature_algorithm_is_not_none() {
    object_algorithm_fails("none").await;
}

#[tokio::test]
async fn ensure_signed_request_object_with_rs256_fails() {
    object_algorithm_fails("RS256").await;
}

#[tokio::test]
async fn ensure_matching_key_in_authorization_request() {
    let bank = blue().await;
    let client = signed(&bank);
    let forged = Client { own: key(12), ..signed(&bank) }.object_with(|_| {});
    let refused = client.push_object(forged).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, "invalid_request_object"));
}

/// A parameter that is given again where the browser opens the request: the pushed one counts.
async fn given_again(name: &'static str) -> (BTreeMap<String, String>, Value) {
    let bank = blue().await;
    let client = first(&bank);
    let mut opening = client.pushed(&client.request()).await;
    opening.insert(name, "another".to_owned());
    let back = client.allow(&opening).await;
    let tokens = client.send("/token", client.exchange(&back["code"])).await.ok();
    (back, tokens)
}

#[tokio::test]
async fn ensure_different_nonce_inside_and_outside_request_object() {
    let (_, tokens) = given_again("nonce").await;
    assert_eq!(id_claims(&tokens)["nonce"], "n-1");
}

#[tokio::test]
async fn ensure_different_state_inside_and_outside_request_object() {
    let (back, _) = given_again("state").await;
    assert_eq!(back["state"], "st&te ü");
}

#[tokio::test]
async fn state_only_outside_request_object_not_used() {
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    request.remove("state");
    let mut opening = client.pushed(&request).await;
    opening.insert("state", "outside".to_owned());
    let back = client.allow(&opening).await;
    assert!(!back.contains_key("state"));
    let tokens = client.send("/token", client.exchange(&back["code"])).await.ok();
    assert!(id_claims(&tokens).get("s_hash").is_none());
}

/// `docs/fapi.md` names each module once, and each of the server's that is ours is a test here.
#[test]
fn the_list_is_whole() {
    let list = include_str!("../../../../docs/fapi.md");
    let tests = include_str!("fapi.rs");
    let named = |name: &str| tests.contains(&format!("async fn {}()", name.replace('-', "_").to_lowercase()));
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
            }
            "client" => assert!(name.starts_with("client-"), "`{name}`"),
            "not ours" => assert!(cells[2].len() > 10, "`{name}`: why?"),
            other => panic!("`{name}`: {other}?"),
        }
    }
    assert_eq!(seen.len(), 128);
    assert_eq!(tests.matches("#[tokio::test]").count() - 1, ours, "a test without a line in the list");
}
