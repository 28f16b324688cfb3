//! Linking: the authorization code flow, refresh, revocation.

use crate::fake::*;
use amana_bank::profile::Bearer;
use amana_bank::{Actor, Bank, BankErrorClass as Class, Callback, Doubt, GrantStatus, Pending, Tokens};
use amana_core::Secret;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_pushed_request_becomes_tokens_with_every_client_authentication() {
    for auth in ["client_secret_basic", "client_secret_post", "private_key_jwt", "private_key_jwt_rsa"] {
        let b = bench(Knobs { auth, require_par: true, ..Knobs::default() }, |_| say(404, "")).await;
        let granted = b.link().await;
        assert_eq!(granted.subject.as_deref(), Some("customer-42"), "{auth}");
        assert_eq!(granted.bank_consent.as_deref(), Some("consent-7"));
        assert!(granted.tokens.refresh.is_some());
        assert_eq!(granted.tokens.expires_at.as_second(), start().as_second() + 900);

        let pushed = &b.fake.forms_to("/par")[0];
        assert_eq!(
            pushed["scope"],
            "openid offline_access fdx:accountbasic:read fdx:balances:read fdx:transactions:read"
        );
        assert_eq!(pushed["ui_locales"], "ar en");
        let details: Value = serde_json::from_str(&pushed["authorization_details"]).unwrap();
        assert_eq!(
            details,
            json!([{"type": "fdx_v1.0", "consentRequest": {"durationType": "TIME_BOUND", "durationPeriod": 365,
                "lookbackPeriod": 730, "resources": [{"resourceType": "ACCOUNT",
                "dataClusters": ["ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS"]}]}}])
        );
    }
}

#[tokio::test]
async fn without_par_the_request_stands_in_the_url_and_every_request_is_new() {
    let b = bench(Knobs { par: false, rar: false, iss: false, ..Knobs::default() }, |_| say(404, "")).await;
    let first = b.bank.begin(&ask()).await.unwrap();
    let second = b.bank.begin(&ask()).await.unwrap();
    let query = |url: &url::Url| pairs(url.query().unwrap());
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(query(&first.url)[name], query(&second.url)[name], "{name}");
    }
    assert!(!query(&first.url).contains_key("authorization_details"));
    assert!(!format!("{:?}", first.pending).contains(first.pending.state()));

    // What is pending survives being stored.
    let stored = serde_json::to_vec(&first.pending).unwrap();
    let pending: Pending = serde_json::from_slice(&stored).unwrap();
    let callback = b.fake.authorize(&first.url).unwrap();
    assert!(b.bank.complete(&pending, &callback).await.is_ok());
    // The code is spent.
    let again = b.bank.complete(&pending, &callback).await.unwrap_err();
    assert_eq!(again.class, Class::RelinkNeeded("invalid_grant"));
}

#[tokio::test]
async fn every_form_of_discovery_is_found() {
    for (well_known, path) in
        [("rfc8414", "/cedar"), ("appended", "/cedar"), ("oidc", "/cedar"), ("rfc8414", ""), ("oidc", "")]
    {
        let b = bench(Knobs { well_known, path, ..Knobs::default() }, |_| say(404, "")).await;
        assert!(b.bank.begin(&ask()).await.is_ok(), "{well_known} {path}");
    }
}

#[tokio::test]
async fn id_tokens_of_four_algorithms_are_verified() {
    for algorithm in [Algorithm::ES256, Algorithm::PS256, Algorithm::EdDSA, Algorithm::RS256] {
        let b = bench(Knobs { id_token: Some(algorithm), ..Knobs::default() }, |_| say(404, "")).await;
        assert_eq!(b.link().await.subject.as_deref(), Some("customer-42"), "{algorithm:?}");
    }
    // Several audiences need an authorized party.
    let id_claims = json!({"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID});
    let b = bench(Knobs { id_claims, ..Knobs::default() }, |_| say(404, "")).await;
    assert_eq!(b.link().await.subject.as_deref(), Some("customer-42"));
}

async fn link_error(knobs: Knobs) -> Class {
    let b = bench(knobs, |_| say(404, "")).await;
    let begun = b.bank.begin(&ask()).await.unwrap();
    let callback = b.fake.authorize(&begun.url).unwrap();
    b.bank.complete(&begun.pending, &callback).await.expect_err("refused").class
}

#[tokio::test]
async fn an_id_token_that_is_not_ours_is_not_believed() {
    let now = start().as_second();
    for id_claims in [
        json!({"iss": "https://evil.example"}),
        json!({"aud": "another client"}),
        json!({"aud": [CLIENT_ID, "other"]}),
        json!({"azp": "another client"}),
        json!({"exp": now - 61}),
        json!({"exp": null}),
        json!({"iat": now + 120}),
        json!({"nonce": "another"}),
        json!({"nonce": null}),
    ] {
        let class = link_error(Knobs { id_claims: id_claims.clone(), ..Knobs::default() }).await;
        assert!(matches!(class, Class::Nonsense(_)), "{id_claims}: {class:?}");
    }
    let class = link_error(Knobs { id_token: Some(Algorithm::HS256), ..Knobs::default() }).await;
    assert!(matches!(class, Class::Nonsense(_)), "signed with the client secret: {class:?}");
    let class = link_error(Knobs { token_extra: json!({"id_token": "a.b.c"}), ..Knobs::default() }).await;
    assert!(matches!(class, Class::Nonsense(_)), "{class:?}");
}

#[tokio::test]
async fn without_an_id_token_a_signed_access_token_names_the_customer_and_the_consent() {
    let now = start().as_second();
    let says = |claims: Option<serde_json::Value>| async move {
        let token_extra = json!({"grant_id": null});
        let knobs = Knobs { id_token: None, access_claims: claims, token_extra, ..Knobs::default() };
        let granted = bench(knobs, |_| say(404, "")).await.link().await;
        (granted.subject, granted.bank_consent)
    };
    let (subject, consent) = says(Some(json!({}))).await;
    assert_eq!((subject.as_deref(), consent.as_deref()), (Some("customer-43"), Some("consent-9")));
    assert_eq!(says(None).await, (None, None), "an opaque one says nothing");
    for claims in
        [json!({"iss": "https://elsewhere.example"}), json!({"exp": now - 120}), json!({"exp": null})]
    {
        assert_eq!(says(Some(claims.clone())).await, (None, None), "{claims}");
    }
}

#[tokio::test]
async fn signing_in_asks_for_nothing_else_and_needs_an_id_token() {
    let login = amana_bank::AuthorizeAsk { login_only: true, ..ask() };
    let b = bench(Knobs::default(), |_| say(404, "")).await;
    let begun = b.bank.begin(&login).await.unwrap();
    let form = &b.fake.forms_to("/par")[0];
    assert_eq!(form["scope"], "openid");
    assert!(!form.contains_key("authorization_details"));
    let callback = b.fake.authorize(&begun.url).unwrap();
    let granted = b.bank.complete(&begun.pending, &callback).await.unwrap();
    assert_eq!(granted.subject.as_deref(), Some("customer-42"));

    let b = bench(Knobs { id_token: None, ..Knobs::default() }, |_| say(404, "")).await;
    let begun = b.bank.begin(&login).await.unwrap();
    let callback = b.fake.authorize(&begun.url).unwrap();
    let e = b.bank.complete(&begun.pending, &callback).await.unwrap_err();
    assert!(matches!(e.class, Class::Nonsense(_)));
}

#[tokio::test]
async fn a_callback_that_is_not_the_requests_is_refused_before_the_code_is_used() {
    let b = bench(Knobs::default(), |_| say(404, "")).await;
    let begun = b.bank.begin(&ask()).await.unwrap();
    let good = b.fake.authorize(&begun.url).unwrap();
    let bad: Vec<(&str, Callback)> = vec![
        ("no state", Callback { state: None, ..good.clone() }),
        ("another state", Callback { state: Some("x".into()), ..good.clone() }),
        ("no iss", Callback { iss: None, ..good.clone() }),
        ("another iss", Callback { iss: Some("https://evil.example".into()), ..good.clone() }),
        ("iss with a slash", Callback { iss: good.iss.clone().map(|i| i + "/"), ..good.clone() }),
        ("no code", Callback { code: None, ..good.clone() }),
        ("empty code", Callback { code: Some(Secret::new("")), ..good.clone() }),
        (
            "an error of another issuer",
            Callback {
                error: Some("access_denied".into()),
                iss: Some("https://evil.example".into()),
                ..good.clone()
            },
        ),
    ];
    for (what, callback) in bad {
        let e = b.bank.complete(&begun.pending, &callback).await.unwrap_err();
        assert!(matches!(e.class, Class::BadCallback(_)), "{what}: {e}");
    }
    assert!(b.fake.forms_to("/token").is_empty(), "nothing was redeemed");
    assert!(b.bank.complete(&begun.pending, &good).await.is_ok());

    let denied = Callback { code: None, error: Some("access_denied".into()), ..good };
    let e = b.bank.complete(&begun.pending, &denied).await.unwrap_err();
    assert_eq!(e.class, Class::Declined("access_denied"));
}

/// OpenID Connect Core 1.0 §12.2: what comes with a refresh says of the same issuer, client and person. Where it does
/// not, nothing of the answer is taken but its refresh token: the bank has rotated by then, and without the new one the
/// grant could be neither renewed nor taken back.
#[tokio::test]
async fn the_id_token_of_a_refresh_is_of_the_same_person() {
    let refreshed = async |claims: Value| {
        let knobs = Knobs { refreshed_claims: Some(claims), rotate: true, ..Knobs::default() };
        let b = bench(knobs, |_| say(404, "")).await;
        let tokens = b.link().await.tokens;
        // As they are kept: the first one's subject is among them, as a hash.
        let stored = Tokens::from_bytes(&tokens.to_bytes()).unwrap();
        let fresh = b.bank.refresh(&stored).await.unwrap();
        (b, tokens, fresh)
    };
    let (_, first, after) = refreshed(json!({})).await;
    assert!(first.subject_sha256.is_some() && after.subject_sha256 == first.subject_sha256, "still known");
    assert!(after.doubt == Doubt::None && after.access != first.access);
    for (wrong, doubt) in [
        (json!({ "sub": "customer-43" }), Doubt::NotTheirs),
        (json!({ "sub": null }), Doubt::Unproved),
        (json!({ "iss": "https://other.example" }), Doubt::Unproved),
        (json!({ "aud": "somebody-else" }), Doubt::Unproved),
        (json!({ "exp": 1 }), Doubt::Unproved),
    ] {
        let (b, first, kept) = refreshed(wrong.clone()).await;
        assert_ne!(kept.refresh, first.refresh, "{wrong}");
        let own_refresh = first.refresh.clone();
        let expected = Tokens { refresh: kept.refresh.clone(), doubt, own_refresh, ..first.clone() };
        assert_eq!(kept, expected, "{wrong}");
        assert_eq!(Tokens::from_bytes(&kept.to_bytes()), Ok(kept.clone()), "{wrong}: as they are kept");
        let spent = b.bank.refresh(&first).await.unwrap_err();
        assert!(spent.class.ends_grant(), "{wrong}: the old one is spent");
        let again = b.bank.refresh(&kept).await.unwrap();
        assert_ne!(again.refresh, kept.refresh, "{wrong}: and the kept one is good");
        b.bank.revoke(&kept, None, amana_bank::TakenBack::BY_CUSTOMER).await.unwrap();
        let revoked = b.fake.revoked.lock().unwrap().clone();
        let (own, came) = (first.refresh.unwrap(), kept.refresh.clone().unwrap());
        let (one, other) = if doubt == Doubt::NotTheirs { (own, came) } else { (came, own) };
        let secrets = [one, other, first.access];
        assert_eq!(
            revoked,
            secrets.map(|secret| secret.expose().to_owned()),
            "{wrong}: the likelier one first"
        );
        // That one alone, where the customer's grant lives on elsewhere: no access token goes with it.
        b.fake.revoked.lock().unwrap().clear();
        let refresh = kept.refresh.unwrap();
        b.bank.revoke_refresh(&refresh).await.unwrap();
        assert_eq!(*b.fake.revoked.lock().unwrap(), [refresh.expose()]);
    }
}

/// The customer says "stop" after a refresh that nothing proved, when the access token is over: the bank's consent is
/// ended by the refresh token that came with it, since the one before is spent. Another person's is not used for it.
#[tokio::test]
async fn after_a_refresh_in_doubt_the_consent_is_ended_all_the_same() {
    for others in [false, true] {
        let claims = if others { json!({ "sub": "customer-43" }) } else { json!({}) };
        let knobs = Knobs { refreshed_claims: Some(claims), rotate: true, ..Knobs::default() };
        let fresh = |seen: &Seen| seen.headers["authorization"] != "Bearer at-stale";
        let b = bench(knobs, move |seen| say(if fresh(seen) { 204 } else { 401 }, "")).await;
        let first = b.link().await.tokens;
        b.clock.advance_s(3_601);
        b.fake.jwks_away.store(!others, Ordering::SeqCst);
        let mut kept = b.bank.refresh(&first).await.unwrap();
        b.fake.jwks_away.store(false, Ordering::SeqCst);
        b.clock.advance_s(61);
        assert_eq!(kept.doubt, if others { Doubt::NotTheirs } else { Doubt::Unproved });
        kept.access = Secret::new("at-stale");
        b.bank.revoke(&kept, Some("consent-7"), amana_bank::TakenBack::BY_CUSTOMER).await.unwrap();
        let told: Vec<bool> = b.fake.calls().iter().map(fresh).collect();
        assert_eq!(told, if others { vec![false] } else { vec![false, true] });
        let came = kept.refresh.unwrap();
        let shown = b.fake.forms_to("/token");
        let uses = shown.iter().filter(|form| form.get("refresh_token").is_some_and(|t| t == came.expose()));
        assert_eq!(uses.count(), usize::from(!others));
    }
}

/// Where the API takes the ID token as bearer, one that cannot be checked is not used, and its refresh token not lost.
#[tokio::test]
async fn an_id_token_that_is_the_bearer_waits_for_the_keys() {
    let knobs = Knobs { refreshed_claims: Some(json!({})), rotate: true, ..Knobs::default() };
    let b = bench_with(knobs, |profile| profile.api.bearer = Bearer::IdToken, |_| say(404, "")).await;
    let first = b.link().await.tokens;
    b.clock.advance_s(3_601);
    b.fake.jwks_away.store(true, Ordering::SeqCst);
    let kept = b.bank.refresh(&first).await.unwrap();
    assert_eq!((kept.doubt, &kept.id_token), (Doubt::Unproved, &first.id_token));
    b.fake.jwks_away.store(false, Ordering::SeqCst);
    b.clock.advance_s(61);
    let fresh = b.bank.refresh(&kept).await.unwrap();
    assert!(fresh.doubt == Doubt::None && fresh.id_token != first.id_token);
}

/// The old refresh token is used up by then: what a server gives whose keys cannot be read for a moment is not lost,
/// and not used before they can.
#[tokio::test]
async fn a_refresh_is_not_lost_when_the_keys_cannot_be_read() {
    let knobs = Knobs { refreshed_claims: Some(json!({})), rotate: true, ..Knobs::default() };
    let b = bench(knobs, |_| say(404, "")).await;
    let first = b.link().await.tokens;
    b.clock.advance_s(3_601);
    b.fake.jwks_away.store(true, Ordering::SeqCst);
    let kept = b.bank.refresh(&first).await.unwrap();
    assert_eq!(
        (kept.doubt, &kept.access),
        (Doubt::Unproved, &first.access),
        "nobody knows whose the new one is"
    );
    assert!(kept.refresh != first.refresh && kept.subject_sha256 == first.subject_sha256);
    b.fake.jwks_away.store(false, Ordering::SeqCst);
    b.clock.advance_s(61);
    let fresh = b.bank.refresh(&kept).await.unwrap();
    assert!(fresh.doubt == Doubt::None && fresh.access != first.access);
}

#[tokio::test]
async fn tokens_are_refreshed_with_and_without_rotation() {
    for rotate in [false, true] {
        let b = bench(Knobs { rotate, ..Knobs::default() }, |_| say(404, "")).await;
        let first = b.link().await.tokens;
        let second = b.bank.refresh(&first).await.unwrap();
        assert_ne!(second.access, first.access);
        assert_eq!(second.refresh == first.refresh, !rotate);
        let third = b.bank.refresh(&second).await.unwrap();
        assert_ne!(third.access, second.access, "refreshed twice in a row");
        if rotate {
            let e = b.bank.refresh(&first).await.unwrap_err();
            assert_eq!(e.class, Class::RelinkNeeded("invalid_grant"));
        }
        let none = Tokens { refresh: None, ..first };
        assert!(matches!(b.bank.refresh(&none).await.unwrap_err().class, Class::RelinkNeeded(_)));
    }
}

#[tokio::test]
async fn revoking_tells_the_consent_api_and_both_tokens() {
    let b = bench(Knobs::default(), |seen| {
        assert_eq!(seen.method, "PUT");
        assert!(seen.path.ends_with("/fdx/v6/consents/consent-7/revocation"), "{}", seen.path);
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        let actor = seen.headers["fdx-api-actor-type"].to_str().unwrap();
        // Who did it, and whether anybody waits.
        let said = [body["reason"].as_str().unwrap(), body["initiator"].as_str().unwrap(), actor];
        assert!(
            said == ["USER_ACTION", "INDIVIDUAL", "USER"]
                || said == ["BUSINESS_RULE", "DATA_RECIPIENT", "BATCH"],
            "{said:?}"
        );
        say(204, "")
    })
    .await;
    let granted = b.link().await;
    b.bank
        .revoke(&granted.tokens, granted.bank_consent.as_deref(), amana_bank::TakenBack::BY_CUSTOMER)
        .await
        .unwrap();
    let revoked = b.fake.revoked.lock().unwrap().clone();
    assert_eq!(revoked, [granted.tokens.refresh.unwrap().expose(), granted.tokens.access.expose()]);
    let of_itself = amana_bank::TakenBack { by_customer: false, actor: Actor::Batch };
    b.bank.revoke(&b.tokens(), Some("consent-7"), of_itself).await.unwrap();
    let bodies: Vec<bool> = b.fake.calls().iter().map(|seen| seen.body.contains("BUSINESS_RULE")).collect();
    assert_eq!(bodies, [false, true]);
}

#[tokio::test]
async fn revoking_what_is_gone_is_done_and_what_fails_is_told() {
    for (status, ok) in [(404, true), (409, true), (401, true), (405, true), (500, false), (503, false)] {
        let b = bench(Knobs::default(), move |_| say(status, "")).await;
        let granted = b.link().await;
        let outcome =
            b.bank.revoke(&granted.tokens, Some("consent-7"), amana_bank::TakenBack::BY_CUSTOMER).await;
        assert_eq!(outcome.is_ok(), ok, "{status}: {outcome:?}");
        // Whatever the consent api says, the tokens are revoked.
        assert_eq!(b.fake.revoked.lock().unwrap().len(), 2, "{status}");
    }
    // An old access token is renewed to say it.
    let b = bench(Knobs::default(), |seen| {
        let bearer = seen.headers["authorization"].to_str().unwrap().to_owned();
        say(if bearer == "Bearer at-stale" { 401 } else { 204 }, "")
    })
    .await;
    let mut tokens = b.link().await.tokens;
    tokens.access = Secret::new("at-stale");
    b.bank.revoke(&tokens, Some("consent-7"), amana_bank::TakenBack::BY_CUSTOMER).await.unwrap();
    assert_eq!(b.fake.calls().len(), 2);

    // No way to tell the bank at all.
    let b = bench(Knobs { metadata_extra: json!({"revocation_endpoint": null}), ..Knobs::default() }, |_| {
        say(404, "")
    })
    .await;
    // A consent that is not there was not revoked by us: it may be there under another name.
    for consent in [None, Some("consent-7")] {
        let e = b.bank.revoke(&b.tokens(), consent, amana_bank::TakenBack::BY_CUSTOMER).await.unwrap_err();
        assert!(matches!(e.class, Class::OurRequest(_)), "{consent:?}: {e}");
    }
}

/// Where the consent API refuses the customer's token the client's own is tried: once, and then it is known that it is
/// taken; and where the client has none, the bank's first word stands.
#[tokio::test]
async fn whose_token_the_consent_api_takes_is_found_out_once() {
    for own_tokens in [true, false] {
        for status in [401, 403] {
            let b = bench(Knobs { own_tokens, ..Knobs::default() }, move |seen| {
                let own = seen.headers["authorization"].to_str().unwrap().starts_with("Bearer own-");
                say(if own { 200 } else { status }, r#"{"status":"ACTIVE"}"#)
            })
            .await;
            let tokens = b.link().await.tokens;
            for calls in if own_tokens { [2, 3] } else { [1, 2] } {
                let state = b.bank.grant(&tokens, &subject(), Some("consent-7")).await;
                match state {
                    Ok(state) => assert!(own_tokens && state.status == GrantStatus::Active),
                    Err(e) => assert!(!own_tokens && matches!(e.class, Class::RelinkNeeded(_)), "{e}"),
                }
                assert_eq!(b.fake.calls().len(), calls, "{own_tokens} {status}");
            }
            b.bank.revoke(&tokens, Some("consent-7"), amana_bank::TakenBack::BY_CUSTOMER).await.unwrap();
            let taken_back = b.fake.calls().last().map(|seen| seen.headers["authorization"].clone()).unwrap();
            assert_eq!(taken_back.to_str().unwrap().starts_with("Bearer own-"), own_tokens);
        }
    }
}
