//! The client's modules of the OpenID Foundation's conformance suite for the FAPI 2.0 Security Profile (Final), each as
//! a test of its name; the whole list and the server's: `docs/fapi.md`.

use crate::fake::*;
use amana_bank::{Actor, Bank, BankErrorClass as Class, Callback};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

/// A bank as FAPI 2.0 wants it, and the profile that a gateway has for one.
fn blue() -> Knobs {
    let token_extra = json!({"token_type": "DPoP"});
    Knobs { auth: "private_key_jwt", require_par: true, profile: "fdx-blue", token_extra, ..Knobs::default() }
}

// C1: complete flows.

#[tokio::test]
async fn client_test_happy_path() {
    let b = bench(blue(), |_| say(200, json!({"accounts": []}))).await;
    let granted = b.link().await;
    assert_eq!(granted.subject.as_deref(), Some("customer-42"));
    b.bank.accounts(&granted.tokens, &subject(), Actor::User).await.unwrap();
    let access = format!("DPoP {}", granted.tokens.access.expose());
    assert_eq!(b.fake.calls()[0].headers["authorization"].to_str().unwrap(), access);
}

#[tokio::test]
async fn client_refresh_token_test() {
    // The access token of the link and that of the first refresh are not taken.
    let knobs = Knobs { rotate: true, ..blue() };
    let b = bench(knobs, |seen| {
        let access = seen.headers["authorization"].to_str().unwrap().to_owned();
        let number: u32 = access.rsplit('-').next().unwrap().parse().unwrap();
        if number < 5 { say(401, json!({"code": 603})) } else { say(200, json!({"accounts": []})) }
    })
    .await;
    let mut tokens = b.link().await.tokens;
    let mut refused = 0;
    while let Err(error) = b.bank.accounts(&tokens, &subject(), Actor::User).await {
        assert!(matches!(error.class, Class::RelinkNeeded(_)), "{error}");
        refused += 1;
        assert!(refused < 5, "never taken");
        let next = b.bank.refresh(&tokens).await.unwrap();
        assert_ne!(next.refresh, tokens.refresh, "the new refresh token is used from then on");
        tokens = next;
    }
    assert!(refused >= 2, "refreshed {refused} times");
}

/// A bank whose tokens are bound to a key, and what its data API says.
async fn with_dpop(api: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> Bench {
    bench(blue(), api).await
}

#[tokio::test]
async fn client_test_happy_path_no_dpop_nonce() {
    let b = with_dpop(|_| say(200, json!({"accounts": []}))).await;
    let tokens = b.link().await.tokens;
    b.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
    let calls = b.fake.calls();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].headers["authorization"].to_str().unwrap().starts_with("DPoP "));
}

#[tokio::test]
async fn client_test_rs_dpop_auth_scheme_case_insensitivity() {
    for scheme in ["dpop", "DPOP", "dPoP"] {
        let first = std::sync::atomic::AtomicBool::new(true);
        let b = with_dpop(move |_| {
            if !first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                return say(200, json!({"accounts": []}));
            }
            let mut said = say(401, "");
            said.headers.push(("www-authenticate", format!("{scheme} error=\"use_dpop_nonce\"")));
            said.headers.push(("dpop-nonce", "n-1".into()));
            said
        })
        .await;
        let tokens = b.link().await.tokens;
        b.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
        assert_eq!(b.fake.calls().len(), 2, "{scheme}");
    }
}

async fn links_with(token_extra: Value) {
    let mut knobs = blue();
    for (name, value) in token_extra.as_object().unwrap() {
        knobs.token_extra[name] = value.clone();
    }
    let b = bench(knobs, |_| say(404, "")).await;
    let tokens = b.link().await.tokens;
    b.bank.refresh(&tokens).await.unwrap_or_else(|error| panic!("{token_extra}: {error}"));
}

#[tokio::test]
async fn client_test_token_endpoint_response_without_expires_in() {
    links_with(json!({"expires_in": null})).await;
}

#[tokio::test]
async fn client_test_token_type_case_insensitivity() {
    links_with(json!({"token_type": "dpOP"})).await;
}

#[tokio::test]
async fn client_test_valid_aud_as_array() {
    let b = bench(Knobs { id_claims: json!({"aud": [CLIENT_ID]}), ..blue() }, |_| say(404, "")).await;
    assert_eq!(b.link().await.subject.as_deref(), Some("customer-42"));
}

// C2: must stop.

#[tokio::test]
async fn client_test_discovery_issuer_mismatch() {
    let knobs = Knobs { metadata_extra: json!({"issuer": "https://another.example"}), ..blue() };
    let b = bench(knobs, |_| say(404, "")).await;
    let error = b.bank.begin(&ask()).await.expect_err("it goes on");
    assert!(matches!(error.class, Class::Nonsense(_)), "{error}");
    assert!(b.fake.forms.lock().unwrap().is_empty(), "another endpoint was called");
}

/// A callback that was changed is refused, and no endpoint is called after it.
async fn callback_stops(change: impl FnOnce(&mut Callback)) {
    let b = bench(blue(), |_| say(200, "")).await;
    let begun = b.bank.begin(&ask()).await.unwrap();
    let mut callback = b.fake.authorize(&begun.url).unwrap();
    let good = callback.clone();
    change(&mut callback);
    let calls = b.fake.forms.lock().unwrap().len();
    let error = b.bank.complete(&begun.pending, &callback).await.expect_err("it goes on");
    assert!(matches!(error.class, Class::BadCallback(_)), "{error}");
    assert_eq!(b.fake.forms.lock().unwrap().len(), calls, "another endpoint was called");
    assert!(b.bank.complete(&begun.pending, &good).await.is_ok(), "the right one works");
}

#[tokio::test]
async fn client_test_invalid_authorization_response_iss() {
    callback_stops(|callback| callback.iss = Some("https://another.example".into())).await;
}

#[tokio::test]
async fn client_test_remove_authorization_response_iss() {
    callback_stops(|callback| callback.iss = None).await;
}

#[tokio::test]
async fn client_test_ensure_authorization_response_with_invalid_state_fails() {
    callback_stops(|callback| callback.state.as_mut().unwrap().push('x')).await;
}

#[tokio::test]
async fn client_test_ensure_authorization_response_with_invalid_missing_state_fails() {
    callback_stops(|callback| callback.state = None).await;
}

/// An ID token that was made so is not believed; nothing is read from the bank.
async fn id_token_stops(knobs: Knobs) {
    let b = bench(knobs, |_| say(200, "")).await;
    let begun = b.bank.begin(&ask()).await.unwrap();
    let callback = b.fake.authorize(&begun.url).unwrap();
    let error = b.bank.complete(&begun.pending, &callback).await.expect_err("it goes on");
    assert!(matches!(error.class, Class::Nonsense(_)), "{error}");
    assert!(b.fake.calls().is_empty());
}

async fn id_claims_stop(id_claims: Value) {
    id_token_stops(Knobs { id_claims, ..blue() }).await;
}

#[tokio::test]
async fn client_test_invalid_iss() {
    id_claims_stop(json!({"iss": "https://another.example"})).await;
}

#[tokio::test]
async fn client_test_invalid_missing_iss() {
    id_claims_stop(json!({"iss": null})).await;
}

#[tokio::test]
async fn client_test_invalid_aud() {
    id_claims_stop(json!({"aud": "another client"})).await;
}

#[tokio::test]
async fn client_test_invalid_missing_aud() {
    id_claims_stop(json!({"aud": null})).await;
}

#[tokio::test]
async fn client_test_invalid_secondary_aud() {
    id_claims_stop(json!({"aud": [CLIENT_ID, "another client"]})).await;
}

#[tokio::test]
async fn client_test_invalid_expired_exp() {
    id_claims_stop(json!({"exp": start().as_second() - 301})).await;
}

#[tokio::test]
async fn client_test_invalid_missing_exp() {
    id_claims_stop(json!({"exp": null})).await;
}

#[tokio::test]
async fn client_test_invalid_nonce() {
    id_claims_stop(json!({"nonce": "another"})).await;
}

#[tokio::test]
async fn client_test_invalid_missing_nonce() {
    id_claims_stop(json!({"nonce": null})).await;
}

#[tokio::test]
async fn client_test_invalid_null_alg() {
    id_token_stops(Knobs { unsigned_id_token: true, ..blue() }).await;
}

#[tokio::test]
async fn client_test_invalid_alternate_alg() {
    // With the client's secret for a key; and with what OpenID Connect allows and FAPI 2.0 (§5.4.1) does not.
    for algorithm in [Algorithm::HS256, Algorithm::RS256] {
        id_token_stops(Knobs { id_token: Some(algorithm), ..blue() }).await;
    }
}

/// Each of the client's modules in `docs/fapi.md` is a test here.
#[test]
fn the_list_is_whole() {
    let (list, tests) = (include_str!("../../../../docs/fapi.md"), include_str!("fapi.rs"));
    let mut ours = 0;
    for line in list.lines().filter(|line| line.starts_with("| `") && line.contains("| client |")) {
        let name = line.split('`').nth(1).unwrap();
        assert!(tests.contains(&format!("async fn {}()", name.replace('-', "_"))), "no test for `{name}`");
        ours += 1;
    }
    assert_eq!(tests.matches("#[tokio::test]").count() - 1, ours, "a test without a line in the list");
}
