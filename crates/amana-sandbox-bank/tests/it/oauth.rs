//! The authorization server: the way through, and every way to be refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::util::{
    BANK, Browser, CALLBACK, Page, Running, VERIFIER, basic, callback, client_key, json_of, location, sign,
    start, start_with,
};

fn details(clusters: &[&str]) -> String {
    json!([{
        "type": "fdx_v1.0",
        "consentRequest": {
            "durationType": "TIME_BOUND", "durationPeriod": 90, "lookbackPeriod": 365,
            "resources": [{ "resourceType": "ACCOUNT", "resourceId": "any", "dataClusters": clusters }],
        },
    }])
    .to_string()
}

async fn push(bank: &Running, form: &[(&str, String)]) -> (StatusCode, Value) {
    let request = bank.http.post(bank.url("/par")).header("authorization", basic());
    let response = request.form(form).send().await.unwrap();
    (response.status(), json_of(response).await)
}

async fn pushed_uri(bank: &Running) -> String {
    let mut ask = bank.ask();
    ask.insert("authorization_details", details(&["ACCOUNT_BASIC", "BALANCES"]));
    let (status, body) = push(bank, &ask.into_iter().collect::<Vec<_>>()).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    assert_eq!(body["expires_in"], 60);
    body["request_uri"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn discovery_in_all_its_places() {
    let bank = start().await;
    for path in [
        format!("/.well-known/oauth-authorization-server/{BANK}"),
        format!("/{BANK}/.well-known/oauth-authorization-server"),
        format!("/{BANK}/.well-known/openid-configuration"),
    ] {
        let document: Value =
            json_of(bank.http.get(format!("{}{path}", bank.base)).send().await.unwrap()).await;
        assert_eq!(document["issuer"], bank.issuer.as_str(), "{path}");
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(document["authorization_details_types_supported"], json!(["fdx_v1.0"]));
    }
    let missing = bank
        .http
        .get(format!("{}/.well-known/oauth-authorization-server/no-bank", bank.base))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_whole_way_with_a_plain_request() {
    let bank = start().await;
    let ask = bank.ask();
    let back = bank.consent(&ask, &[0, 2]).await;
    assert_eq!(back["state"], "st&te ü");
    assert_eq!(back["iss"], bank.issuer);
    let (status, answer) = bank.exchange(&back["code"]).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 900);
    assert_eq!(answer["grant_id"], answer["fdxConsentId"]);
    let scopes: Vec<&str> = answer["scope"].as_str().unwrap().split(' ').collect();
    assert!(scopes.contains(&"fdx:balances:read") && scopes.contains(&"offline_access"));
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(bank.accounts(access).await.len(), 2);
    // The ID token verifies with the published key and answers the nonce.
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(json_of(bank.http.get(bank.url("/jwks")).send().await.unwrap()).await)
            .unwrap();
    let id_token = answer["id_token"].as_str().unwrap();
    let kid = jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&["amana"]);
    validation.set_issuer(&[&bank.issuer]);
    let claims = jsonwebtoken::decode::<Value>(id_token, &key, &validation).unwrap().claims;
    assert_eq!(claims["nonce"], "n-1");
    let customer = bank.get_ok(access, &bank.fdx("/customers/current")).await;
    assert_eq!(customer["customerId"], claims["sub"]);
    // Refreshing keeps the refresh token and gives another access token.
    let refresh = answer["refresh_token"].as_str().unwrap();
    let (status, again) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(status, StatusCode::OK, "{again}");
    assert!(again.get("refresh_token").is_none());
    assert_ne!(again["access_token"], answer["access_token"]);
    bank.clock.forward(901);
    assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_whole_way_with_a_pushed_request_and_consent_details() {
    let bank = start_with(|config| config.require_par = true).await;
    let uri = pushed_uri(&bank).await;
    let ask = [("client_id", "amana".to_owned()), ("request_uri", uri)].into();
    let answer = bank.link(&ask, &[1]).await;
    let access = answer["access_token"].as_str().unwrap();
    assert!(
        !answer["scope"].as_str().unwrap().contains("transactions"),
        "a scope without its cluster was granted"
    );
    let consent_id = answer["grant_id"].as_str().unwrap();
    let consent = bank.get_ok(access, &bank.fdx(&format!("/consents/{consent_id}"))).await;
    assert_eq!(consent["status"], "ACTIVE");
    assert_eq!(consent["durationPeriod"], 90);
    assert_eq!(consent["resources"].as_array().unwrap().len(), 1);
    assert_eq!(consent["resources"][0]["dataClusters"], json!(["ACCOUNT_BASIC", "BALANCES"]));
    // Used once.
    let again = Browser::new(&bank).authorize(&ask).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    // Not before its time, not after it, not by another client.
    let late = pushed_uri(&bank).await;
    bank.clock.forward(61);
    let refused = Browser::new(&bank)
        .authorize(&[("client_id", "amana".to_owned()), ("request_uri", late)].into())
        .await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let other = pushed_uri(&bank).await;
    let refused = Browser::new(&bank)
        .authorize(&[("client_id", "poster".to_owned()), ("request_uri", other)].into())
        .await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    // A plain request is refused, to the client.
    let response = Browser::new(&bank).authorize(&bank.ask()).await;
    let back = callback(&location(&response));
    assert_eq!(back["error"], "invalid_request");
    assert_eq!(back["iss"], bank.issuer);
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let bank = start().await;
    let refusals: [(&str, Option<&str>, &str); 9] = [
        ("code_challenge", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("scope", Some("fdx:tax:read"), "invalid_scope"),
        ("scope", Some("openid offline_access"), "invalid_scope"),
        ("prompt", Some("none"), "login_required"),
        ("request", Some("e30.e30."), "request_not_supported"),
    ];
    for (name, value, error) in refusals {
        let mut ask = bank.ask();
        ask.remove(name);
        if let Some(value) = value {
            ask.insert(name, value.to_owned());
        }
        let response = Browser::new(&bank).authorize(&ask).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{name} {value:?}");
        let back = callback(&location(&response));
        assert_eq!(back["error"], error, "{name} {value:?}");
        assert_eq!(back["state"], "st&te ü");
        if name != "prompt" {
            let (status, body) = push(&bank, &ask.into_iter().collect::<Vec<_>>()).await;
            assert_eq!(
                (status, &body["error"]),
                (StatusCode::BAD_REQUEST, &json!(error)),
                "pushed {name} {value:?}"
            );
        }
    }
    // These must never redirect.
    for (name, value) in [
        ("redirect_uri", "http://127.0.0.1:9/callback/"),
        ("redirect_uri", "https://evil.example/callback"),
        ("client_id", "nobody"),
    ] {
        let mut ask = bank.ask();
        ask.insert(name, value.to_owned());
        let response = Browser::new(&bank).authorize(&ask).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{name}");
        assert!(response.headers().get("location").is_none());
    }
}

#[tokio::test]
async fn wrong_consent_details_are_refused() {
    let bank = start().await;
    let too_long = details(&["BALANCES"]).replace("90", "366");
    let other_type = details(&["BALANCES"]).replace("fdx_v1.0", "payment");
    for wrong in [
        "[]",
        "{",
        "[{\"type\":\"fdx_v1.0\"}]",
        &too_long,
        &other_type,
        &details(&["TAX"]),
        &details(&["ACCOUNT_DETAILED"]),
    ] {
        let mut ask = bank.ask();
        ask.insert("authorization_details", wrong.to_owned());
        let (status, body) = push(&bank, &ask.into_iter().collect::<Vec<_>>()).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_authorization_details")),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_code_works_once_for_its_client_and_verifier() {
    let bank = start().await;
    let code = bank.consent(&bank.ask(), &[0]).await["code"].clone();
    let form = |verifier: &'static str, redirect: &'static str| {
        [("grant_type", "authorization_code"), ("code_verifier", verifier), ("redirect_uri", redirect)]
    };
    for (verifier, redirect) in [
        ("another-verifier-that-is-long-enough-to-be-one-0123", CALLBACK),
        ("short", CALLBACK),
        (VERIFIER, "http://127.0.0.1:9/other?x=1"),
    ] {
        let mut form = form(verifier, redirect).to_vec();
        form.push(("code", &code));
        let (status, body) = bank.token(&form).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_grant")),
            "{verifier}"
        );
    }
    // Another client cannot use it.
    let mut foreign = form(VERIFIER, CALLBACK).to_vec();
    foreign.extend([("code", code.as_str()), ("client_id", "poster"), ("client_secret", "posted")]);
    let response = bank.http.post(bank.url("/token")).form(&foreign).send().await.unwrap();
    assert_eq!(json_of(response).await["error"], "invalid_grant");
    let (status, answer) = bank.exchange(&code).await;
    assert_eq!(status, StatusCode::OK);
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::OK);
    // The second use is refused and takes back what the first gave.
    let (status, body) = bank.exchange(&code).await;
    assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::UNAUTHORIZED);
    // And a code that waited too long is refused.
    let late = bank.consent(&bank.ask(), &[0]).await["code"].clone();
    bank.clock.forward(61);
    assert_eq!(bank.exchange(&late).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn clients_must_authenticate_their_own_way() {
    let bank = start().await;
    let ask: Vec<(&str, String)> = bank.ask().into_iter().collect();
    let none = bank.http.post(bank.url("/par")).form(&ask).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::UNAUTHORIZED);
    assert!(none.headers().contains_key("www-authenticate"));
    let wrong =
        bank.http.post(bank.url("/par")).basic_auth("amana", Some("wrong")).form(&ask).send().await.unwrap();
    assert_eq!(
        (wrong.status(), json_of(wrong).await["error"].clone()),
        (StatusCode::UNAUTHORIZED, json!("invalid_client"))
    );
    let mut posted = ask.clone();
    posted.push(("client_secret", "s3cret:/+ ü".to_owned()));
    let wrong_way = bank.http.post(bank.url("/par")).form(&posted).send().await.unwrap();
    assert_eq!(wrong_way.status(), StatusCode::UNAUTHORIZED);
    let twice =
        bank.http.post(bank.url("/par")).header("authorization", basic()).form(&posted).send().await.unwrap();
    assert_eq!(json_of(twice).await["error"], "invalid_request");
    let json_body =
        bank.http.post(bank.url("/token")).header("authorization", basic()).body("{}").send().await.unwrap();
    assert_eq!(json_of(json_body).await["error"], "invalid_request");
}

#[tokio::test]
async fn private_key_jwt_is_checked_in_every_part() {
    let bank = start().await;
    let now = bank.clock.now().as_second();
    let claims = |jti: &str| json!({ "iss": "keyed", "sub": "keyed", "aud": bank.issuer, "iat": now, "exp": now + 60, "jti": jti });
    let attempt = async |assertion: String| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        bank.http.post(bank.url("/token")).form(&form).send().await.unwrap().status()
    };
    let good = sign(&client_key(), "k1", &claims("a"));
    assert_eq!(attempt(good.clone()).await, StatusCode::OK);
    assert_eq!(attempt(good).await, StatusCode::UNAUTHORIZED, "an assertion was taken twice");
    let other_key = p256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    assert_eq!(attempt(sign(&other_key, "k1", &claims("b"))).await, StatusCode::UNAUTHORIZED);
    assert_eq!(attempt(sign(&client_key(), "k2", &claims("c"))).await, StatusCode::UNAUTHORIZED);
    for (name, value) in [
        ("aud", json!(format!("{}/token", bank.issuer))),
        ("aud", json!([bank.issuer])),
        ("exp", json!(now - 11)),
        ("exp", json!(now + 3_600)),
        ("iat", json!(now + 60)),
        ("iss", json!("amana")),
        ("sub", json!("amana")),
    ] {
        let mut claims = claims(&format!("d{name}{value}"));
        claims[name] = value;
        assert_eq!(attempt(sign(&client_key(), "k1", &claims)).await, StatusCode::UNAUTHORIZED, "{name}");
    }
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"),
        URL_SAFE_NO_PAD.encode(claims("e").to_string())
    );
    assert_eq!(attempt(unsigned).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_customer_can_say_no_and_must_tick_something() {
    let bank = start().await;
    let mut browser = Browser::new(&bank);
    let page = browser.sign_in(&bank.ask(), "layla").await;
    assert!(page.all("input[name=account]", "checked").is_empty(), "an account is ticked beforehand");
    let nothing = browser.answer(&page, "allow", &[]).await;
    assert_eq!(nothing.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let foreign = browser.answer(&page, "allow", &["acc_of_somebody_else"]).await;
    assert_eq!(foreign.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let back = callback(&browser.decide(&page, "deny", &[]).await);
    assert_eq!(back["error"], "access_denied");
    assert!(!back.contains_key("code"));
    // The page is used up.
    let again = browser.answer(&page, "allow", &["x"]).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn sign_in_is_bound_to_its_browser_and_form() {
    let bank = start().await;
    let mut browser = Browser::new(&bank);
    let response = browser.authorize(&bank.ask()).await;
    let path = location(&response);
    let login = Page::of(browser.open(&path).await).await;
    let (action, token) = (login.one("form", "action"), login.one("input[name=form_token]", "value"));
    let form = |token: &'static str| [("form_token", token), ("username", "layla"), ("password", "demo")];
    assert_eq!(browser.send(&action, &form("forged")).await.status(), StatusCode::FORBIDDEN);
    // Another browser with the same address gets nowhere.
    assert_eq!(Browser::new(&bank).open(&path).await.status(), StatusCode::BAD_REQUEST);
    // Consent before sign-in leads to sign-in.
    let early = browser.open(&path.replace("/login", "/consent")).await;
    assert!(location(&early).contains("/login"));
    for attempt in 0..10 {
        let wrong = [("form_token", token.as_str()), ("username", "layla"), ("password", "wrong")];
        let status = browser.send(&action, &wrong).await.status();
        let expected = if attempt < 8 { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(status, expected, "attempt {attempt}");
    }
}

#[tokio::test]
async fn a_signed_in_customer_is_not_asked_again_unless_the_client_wants_it() {
    let bank = start().await;
    let mut browser = Browser::new(&bank);
    let page = browser.sign_in(&bank.ask(), "layla").await;
    browser.decide(&page, "deny", &[]).await;
    assert!(location(&browser.authorize(&bank.ask()).await).contains("/consent?"));
    let mut ask = bank.ask();
    ask.insert("prompt", "login".to_owned());
    assert!(location(&browser.authorize(&ask).await).contains("/login?"));
}

#[tokio::test]
async fn signing_in_alone_shows_no_consent_page_and_opens_nothing() {
    let bank = start().await;
    let linked = bank.link(&bank.ask(), &[0]).await;
    let mut ask = bank.ask();
    ask.insert("scope", "openid".to_owned());
    let mut browser = Browser::new(&bank);
    let response = browser.authorize(&ask).await;
    let login = Page::of(browser.open(&location(&response)).await).await;
    let token = login.one("input[name=form_token]", "value");
    let form = [("form_token", token.as_str()), ("username", "layla"), ("password", "demo")];
    let response = browser.send(&login.one("form", "action"), &form).await;
    let (status, answer) = bank.exchange(&callback(&location(&response))["code"]).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer.get("refresh_token").is_none() && answer.get("grant_id").is_none());
    let payload = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    let own = bank.get_ok(linked["access_token"].as_str().unwrap(), &bank.fdx("/customers/current")).await;
    assert_eq!(claims["sub"], own["customerId"]);
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::FORBIDDEN);
    let consent = linked["grant_id"].as_str().unwrap();
    let reached = bank.get(access, &bank.fdx(&format!("/consents/{consent}"))).await;
    assert_eq!(reached.status(), StatusCode::NOT_FOUND, "a sign-in reached a consent");
    // Signed in already: straight back, even without asking.
    ask.insert("prompt", "none".to_owned());
    assert!(callback(&location(&browser.authorize(&ask).await)).contains_key("code"));
}

#[tokio::test]
async fn revoking_tokens() {
    let bank = start().await;
    let answer = bank.link(&bank.ask(), &[0]).await;
    let (access, refresh) =
        (answer["access_token"].as_str().unwrap(), answer["refresh_token"].as_str().unwrap());
    let revoke = async |token: &str| {
        let request = bank.http.post(bank.url("/revoke")).header("authorization", basic());
        request.form(&[("token", token)]).send().await.unwrap().status()
    };
    assert_eq!(revoke("unknown").await, StatusCode::OK);
    assert_eq!(revoke(access).await, StatusCode::OK);
    assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::UNAUTHORIZED);
    let (_, again) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    let access = again["access_token"].as_str().unwrap();
    assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::OK);
    assert_eq!(revoke(refresh).await, StatusCode::OK);
    assert_eq!(bank.get(access, &bank.fdx("/accounts")).await.status(), StatusCode::UNAUTHORIZED);
    let (_, gone) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(gone["error"], "invalid_grant");
}

#[tokio::test]
async fn rotated_refresh_tokens_betray_a_thief() {
    let bank = start_with(|config| config.rotate_refresh_tokens = true).await;
    let answer = bank.link(&bank.ask(), &[0]).await;
    let first = answer["refresh_token"].as_str().unwrap();
    let (_, second) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", first)]).await;
    let fresh = second["refresh_token"].as_str().unwrap();
    assert_ne!(fresh, first);
    let (_, stolen) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", first)]).await;
    assert_eq!(stolen["error"], "invalid_grant");
    let (_, ended) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", fresh)]).await;
    assert_eq!(ended["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_but_not_for_more() {
    let bank = start().await;
    let answer = bank.link(&bank.ask(), &[0]).await;
    let refresh = answer["refresh_token"].as_str().unwrap();
    let form = |scope: &'static str| [("grant_type", "refresh_token"), ("scope", scope)];
    let mut less = form("fdx:accountbasic:read").to_vec();
    less.push(("refresh_token", refresh));
    let (_, narrow) = bank.token(&less).await;
    let account = &bank.accounts(narrow["access_token"].as_str().unwrap()).await[0];
    assert!(account.get("currentBalance").is_none(), "a balance went out under a narrowed token");
    let mut more = form("fdx:accountbasic:read fdx:customercontact:read").to_vec();
    more.push(("refresh_token", refresh));
    assert_eq!(bank.token(&more).await.1["error"], "invalid_scope");
}
