//! Client authentication, codes, tokens, DPoP: sections S4 to S6 of `docs/fapi.md`.

use super::*;

// S4: client authentication.

/// Such an assertion, changed, is refused at the token endpoint and at PAR; unchanged it is what gets through.
async fn assertion_fails(change: impl Fn(&mut Value, i64, &str)) {
    let bank = blue().await;
    let client = first(&bank);
    let at_token = async |assertion: String| {
        let url = bank.url("/token");
        let form = Form::from([
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", assertion),
            ("grant_type", "client_credentials".to_owned()),
        ]);
        client.post(&url, &form, Some(&client.proof_with("POST", &url, None, |_, _| {}))).await
    };
    let at_par = async |assertion: String| {
        let mut request = client.request();
        request.insert("client_assertion_type", ASSERTION_TYPE.to_owned());
        request.insert("client_assertion", assertion);
        client.post(&bank.url("/par"), &request, None).await
    };
    // Who the client is comes before the proof, and the proof lacks its nonce.
    let good = at_token(client.assertion_with(|_| {})).await;
    assert_eq!(good.error(), "use_dpop_nonce", "{}", good.body);
    at_par(client.assertion_with(|_| {})).await.ok();
    let make = || client.assertion_with(|claims| change(claims, client.now(), &bank.issuer));
    for refused in [at_token(make()).await, at_par(make()).await] {
        assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    }
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
    // `exp` alone, more than a minute ahead (and the ten seconds that clocks may differ): begun now, it lives too long.
    assertion_fails(|claims, now, _| claims["exp"] = json!(now + 75)).await;
    let bank = blue().await;
    let client = first(&bank);
    let mut request = client.request();
    let assertion = client.assertion_with(|claims| claims["exp"] = json!(client.now() + 68));
    request.insert("client_assertion", assertion);
    client.push(&request).await.ok();
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
    const WRONG: [(&str, Change); 15] = [
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
        ("iat far ahead", |_, claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 600)),
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
