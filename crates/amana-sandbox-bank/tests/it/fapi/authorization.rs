//! Discovery, the authorization request (pushed, signed), PKCE: sections S1 to S3 and S7 of `docs/fapi.md`.

use super::*;

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

/// The id is that of a consent that another client has asked for.
#[tokio::test]
async fn ensure_server_handles_non_matching_intent_id() {
    let bank = blue().await;
    let (client, stranger) = (first(&bank), second(&bank));
    let wanted = json!({
        "durationType": "TIME_BOUND", "durationPeriod": 30,
        "resources": [{ "resourceType": "ACCOUNT", "resourceId": "any", "dataClusters": ["BALANCES"] }],
    });
    let asked = client.call("POST", "/consents", &client.own_token().await, Some(&wanted)).await.ok();
    let id = asked["id"].as_str().unwrap();
    let naming = |client: &Client<'_>, id: &str| {
        let mut request = client.request();
        let details = json!([{ "type": "fdx_v1.0", "fdxConsentId": id }]);
        request.insert("authorization_details", details.to_string());
        request
    };
    for (who, id) in [(&stranger, id), (&client, "3f0c2d0e-0000-4000-8000-000000000000")] {
        let refused = who.push(&naming(who, id)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.error(), "invalid_authorization_details");
    }
    let back = client.allow(&client.pushed(&naming(&client, id)).await).await;
    let tokens = client.send("/token", client.exchange(&back["code"])).await.ok();
    assert_eq!(tokens["grant_id"], id, "its own it may name");
}
