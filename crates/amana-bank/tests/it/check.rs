//! What the doctor is told.

use crate::fake::*;
use amana_bank::{Bank, ClientAuth, FdxBank};
use amana_core::{Clock, Entropy, ManualClock, Secret, SeededEntropy};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_healthy_bank_is_reported_in_order() {
    let b = bench(Knobs::default(), |seen| {
        assert!(!seen.headers.contains_key("authorization"));
        say(401, r#"{"code":"603"}"#)
    })
    .await;
    let report = b.bank.check().await.unwrap();
    let what: Vec<_> = report.checked.iter().map(|c| c.what).collect();
    assert_eq!(
        what,
        [
            "profile",
            "tls",
            "issuer",
            "client authentication",
            "tokens",
            "authorization requests",
            "revocation",
            "client credentials",
            "interaction id",
            "api"
        ]
    );
    let warned: Vec<_> = report.checked.iter().filter(|c| c.warning.is_some()).map(|c| c.what).collect();
    assert_eq!(warned, ["tls"], "plain http is warned of, nothing else");
}

#[tokio::test]
async fn each_trouble_comes_with_how_to_mend_it() {
    let b =
        bench(Knobs { metadata_extra: json!({"issuer": "https://x.example"}), ..Knobs::default() }, |_| {
            say(401, "")
        })
        .await;
    let e = b.bank.check().await.unwrap_err();
    assert!(e.mend.contains("`issuer`"), "{e:?}");

    for (status, word) in [(404, "api_url"), (200, "api_url")] {
        let b = bench(Knobs::default(), move |_| say(status, "{}")).await;
        let e = b.bank.check().await.unwrap_err();
        assert!(e.mend.contains(word) && e.checked.len() == 9, "{e:?}");
    }

    let b = bench(Knobs { auth: "client_secret_post", ..Knobs::default() }, |_| say(401, "")).await;
    let mut config = config(&b.fake.issuer, &format!("{}/fdx/v6", b.fake.issuer), "client_secret_post");
    config.client_auth = ClientAuth::SecretPost(Secret::new("wrong-secret"));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(start()));
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    let e = FdxBank::new(config, options(), clock, entropy).unwrap().check().await.unwrap_err();
    assert!(e.mend.contains("client_secret") && !format!("{e:?}").contains("wrong-secret"), "{e:?}");
}

/// What a profile only guesses, and what only the customer can do, is said before anybody relies on it.
#[tokio::test]
async fn guesses_and_what_we_cannot_do_are_said() {
    let change = |profile: &mut amana_bank::Profile| {
        let chase = amana_bank::Profile::built_in("b", "chase").unwrap();
        (profile.status, profile.guesses) = (chase.status, chase.guesses);
        profile.oauth.revocation = chase.oauth.revocation;
        profile.api.consent_api = chase.api.consent_api;
    };
    let b = bench_with(Knobs::default(), change, |_| say(401, r#"{"code":"603"}"#)).await;
    let report = b.bank.check().await.unwrap();
    let warned = |what: &str| {
        report.checked.iter().find(|c| c.what == what).and_then(|c| c.warning.clone()).unwrap_or_default()
    };
    assert!(
        warned("profile").contains("guesses, ask the bank: oauth.client_auth, "),
        "{}",
        warned("profile")
    );
    assert!(warned("revocation").contains("does not reach the bank"), "{}", warned("revocation"));
}

#[tokio::test]
async fn only_a_server_that_judges_the_token_is_said_to_know_the_client() {
    for (status, body) in [(400, r#"{"error":"invalid_request"}"#), (200, "<html>"), (404, "")] {
        let elsewhere = bench(Knobs::default(), move |_| say(status, body)).await;
        let token_endpoint = format!("{}/fdx/v6/token", elsewhere.fake.issuer);
        let knobs = Knobs { metadata_extra: json!({ "token_endpoint": token_endpoint }), ..Knobs::default() };
        let report = bench(knobs, |_| say(401, "")).await.bank.check().await.unwrap();
        let credentials = report.checked.iter().find(|c| c.what == "client credentials").unwrap();
        assert!(credentials.warning.is_some() && !credentials.found.contains("knows"), "{credentials:?}");
    }
}
