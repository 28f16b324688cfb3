//! Servers that are not what they should be, and configurations that cannot work.

use crate::fake::*;
use amana_bank::profile::{Par, Profile};
use amana_bank::{
    Bank, BankErrorClass as Class, ClientAuth, ConfigError, FdxBank, HttpClientOptions, SigningKey,
};
use amana_core::{Clock, Entropy, ManualClock, Secret, SeededEntropy};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn begin_error(knobs: Knobs) -> Class {
    bench(knobs, |_| say(404, "")).await.bank.begin(&ask()).await.expect_err("refused").class
}

#[tokio::test]
async fn metadata_that_cannot_be_trusted_stop_everything() {
    for metadata_extra in [
        json!({"issuer": "https://evil.example"}),
        json!({"token_endpoint": null}),
        json!({"token_endpoint": "not a url"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"code_challenge_methods_supported": ["plain"]}),
    ] {
        let class = begin_error(Knobs { metadata_extra: metadata_extra.clone(), ..Knobs::default() }).await;
        assert!(matches!(class, Class::Nonsense(_)), "{metadata_extra}: {class:?}");
    }
    let none = Knobs { well_known: "rfc8414", metadata_extra: json!({"issuer": null}), ..Knobs::default() };
    assert!(matches!(begin_error(none).await, Class::Nonsense(_)));
}

#[tokio::test]
async fn a_profile_and_a_server_that_disagree_about_par() {
    let required = |profile: &mut Profile| profile.oauth.par = Par::Required;
    let b = bench_with(Knobs { par: false, ..Knobs::default() }, required, |_| say(404, "")).await;
    assert!(matches!(b.bank.begin(&ask()).await.unwrap_err().class, Class::Nonsense(_)));
    let never = |profile: &mut Profile| profile.oauth.par = Par::None;
    let b = bench_with(Knobs { require_par: true, ..Knobs::default() }, never, |_| say(404, "")).await;
    assert!(matches!(b.bank.begin(&ask()).await.unwrap_err().class, Class::OurRequest(_)));
}

#[tokio::test]
async fn a_profile_without_discovery_names_its_endpoints_and_audience() {
    let change = |profile: &mut Profile| {
        let text = r#"
            authorization = "{issuer}/authorize?tenant=1"
            token = "{issuer}/token"
            par = "{issuer}/par"
            jwks = "{issuer}/jwks"
            iss_parameter = true
        "#;
        profile.oauth.endpoints = Some(toml::from_str(text).unwrap());
        profile.oauth.resource = Some("api://my-api".into());
        profile.oauth.authorize_params = [("prompt".to_owned(), "consent".to_owned())].into();
    };
    let b = bench_with(Knobs { well_known: "nowhere", ..Knobs::default() }, change, |_| say(404, "")).await;
    let granted = b.link().await;
    assert_eq!(granted.subject.as_deref(), Some("customer-42"));
    b.bank.refresh(&granted.tokens).await.unwrap();
    let pushed = &b.fake.forms_to("/par")[0];
    assert_eq!((pushed["resource"].as_str(), pushed["prompt"].as_str()), ("api://my-api", "consent"));
    assert!(b.fake.forms_to("/token").iter().all(|form| form["resource"] == "api://my-api"));
}

#[tokio::test]
async fn metadata_are_kept_for_an_hour() {
    let b = bench(Knobs::default(), |_| say(404, "")).await;
    let reads = || b.fake.discoveries.load(std::sync::atomic::Ordering::SeqCst);
    b.bank.begin(&ask()).await.unwrap();
    b.bank.begin(&ask()).await.unwrap();
    assert_eq!(reads(), 1);
    b.clock.advance_s(3_601);
    b.bank.begin(&ask()).await.unwrap();
    assert_eq!(reads(), 2);
}

/// A server that has stopped answering: what was read stays good, and it is asked again once a minute, not by everyone.
#[tokio::test]
async fn old_metadata_are_good_while_nobody_answers_and_nobody_waits_for_that_twice() {
    let b = bench(Knobs::default(), |_| say(404, "")).await;
    let silent = |silent| b.fake.silent.store(silent, std::sync::atomic::Ordering::SeqCst);
    let reads = || b.fake.discoveries.load(std::sync::atomic::Ordering::SeqCst);
    b.bank.begin(&ask()).await.unwrap();
    silent(true);
    b.clock.advance_s(3_601);
    for (wait, wanted) in [(0, 2), (0, 2), (59, 2), (2, 3), (0, 3)] {
        b.clock.advance_s(wait);
        b.bank.begin(&ask()).await.unwrap();
        assert_eq!(reads(), wanted);
    }
    silent(false);
    b.clock.advance_s(61);
    for _ in 0..2 {
        b.bank.begin(&ask()).await.unwrap();
        assert_eq!(reads(), 4, "good for an hour again");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_our_mistake() {
    let b = bench(Knobs { auth: "client_secret_post", ..Knobs::default() }, |_| say(404, "")).await;
    let mut config = config(&b.fake.issuer, &format!("{}/fdx/v6", b.fake.issuer), "client_secret_post");
    config.client_auth = ClientAuth::SecretPost(Secret::new("wrong"));
    let bank = make(config, options()).unwrap();
    assert_eq!(bank.begin(&ask()).await.unwrap_err().class, Class::OurRequest("invalid_client"));
}

fn make(config: amana_bank::InstitutionConfig, options: HttpClientOptions) -> Result<FdxBank, ConfigError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(start()));
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    FdxBank::new(config, options, clock, entropy)
}

#[test]
fn configurations_that_cannot_work_are_refused_at_the_start() {
    let strict = HttpClientOptions::default();
    let good = || config("https://bank.example", "https://bank.example/fdx/v6", "client_secret_basic");
    assert!(make(good(), strict).is_ok());

    for issuer in
        ["http://bank.example", "bank.example", "", "https://bank.example?x=1", "https://u:p@bank.example"]
    {
        let e = make(amana_bank::InstitutionConfig { issuer: issuer.into(), ..good() }, strict).unwrap_err();
        assert!(matches!(&e, ConfigError::Address { key: "issuer", .. }), "{issuer}: {e}");
    }
    let mut plain = good();
    plain.api_url = "http://bank.example/fdx".parse().unwrap();
    assert!(matches!(make(plain, strict), Err(ConfigError::Address { key: "api_url", .. })));

    for (pem, ok) in [
        (P256, true),
        (RSA, true),
        (include_str!("keys/p384.pem"), false),
        (include_str!("keys/ed25519.pem"), false),
        ("", false),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", false),
    ] {
        let mut keyed = good();
        keyed.client_auth = ClientAuth::PrivateKeyJwt;
        keyed.signing_key = Some(SigningKey { pem: Secret::new(pem), kid: None });
        let made = make(keyed, strict);
        assert_eq!(made.is_ok(), ok, "{made:?}");
        if let Err(e) = made {
            assert!(!e.to_string().contains("AAAA"));
        }
    }
    let mut unfit = good();
    unfit.profile = Profile::built_in("x", "plaid-core-exchange").unwrap();
    unfit.client_auth = client_auth("private_key_jwt");
    assert!(matches!(make(unfit, strict), Err(ConfigError::ClientAuth { .. })));
}

#[tokio::test]
async fn private_addresses_need_permission_by_number_and_by_name() {
    for host in ["127.0.0.1", "10.0.0.1", "[::1]", "localhost", "169.254.169.254"] {
        let strict =
            HttpClientOptions { call_timeout: Duration::from_secs(3), ..HttpClientOptions::default() };
        let issuer = format!("https://{host}:9");
        let bank = make(config(&issuer, &format!("{issuer}/fdx"), "client_secret_basic"), strict).unwrap();
        let e = bank.begin(&ask()).await.unwrap_err();
        assert!(matches!(e.class, Class::OurRequest(what) if what.contains("private")), "{host}: {e}");
    }
}

/// A server that sends these bytes and then waits, whatever is asked.
async fn raw_server(head: Vec<u8>, more: Option<Vec<u8>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (head, more) = (head.clone(), more.clone());
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = socket.read(&mut buffer).await;
                let _ = socket.write_all(&head).await;
                for _ in 0..200 {
                    match &more {
                        Some(more) => {
                            if socket.write_all(more).await.is_err() {
                                return;
                            }
                        }
                        None => tokio::time::sleep(Duration::from_millis(100)).await,
                    }
                }
            });
        }
    });
    origin
}

async fn raw_error(head: &str, more: Option<Vec<u8>>) -> (Class, Duration) {
    let origin = raw_server(head.as_bytes().to_vec(), more).await;
    let bank = make(config(&origin, &format!("{origin}/fdx"), "client_secret_basic"), options()).unwrap();
    let began = Instant::now();
    let e = tokio::time::timeout(Duration::from_secs(10), bank.begin(&ask())).await.unwrap().unwrap_err();
    assert!(e.to_string().contains("`cedar-bank`"));
    (e.class, began.elapsed())
}

#[tokio::test]
async fn slow_endless_and_broken_answers_end_in_a_class_and_in_time() {
    let slow = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"iss";
    let (class, took) = raw_error(slow, None).await;
    assert!(matches!(class, Class::Retry(_)), "{class:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    let endless = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let (class, _) = raw_error(endless, Some(vec![b' '; 8192])).await;
    assert_eq!(class, Class::Nonsense("the answer is larger than the limit"));

    let (class, _) = raw_error("SSH-2.0-OpenSSH_9.2\r\n", Some(b"\r\n".to_vec())).await;
    assert!(matches!(class, Class::Retry(_)), "{class:?}");

    let (class, _) = raw_error("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", None).await;
    assert!(matches!(class, Class::Retry(_)), "{class:?}");

    // A redirect is not followed.
    let (class, _) =
        raw_error("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", None)
            .await;
    assert!(matches!(class, Class::Nonsense(_)), "{class:?}");

    // Nobody listens.
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let bank = make(config(&closed, &format!("{closed}/fdx"), "client_secret_basic"), options()).unwrap();
    assert_eq!(bank.begin(&ask()).await.unwrap_err().class, Class::Retry("no connection"));
}
