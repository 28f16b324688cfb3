//! `/events/{institution}/notifications`: who sends is asked before what, and what comes is taken once.

use crate::support::{Answer, BANK, Browser, World};
use amana_core::Lang;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

const JSON: &str = "application/json";

fn of(id: &str, kind: &str, whose: (&str, &str)) -> Value {
    json!({
        "notificationId": id, "type": kind, "category": "NEW_DATA", "sentOn": "2026-11-24T10:00:00Z",
        "publisher": { "name": "Cedar Bank", "type": "DATA_PROVIDER" },
        "notificationPayload": { "idType": whose.0, "id": whose.1 },
    })
}

/// One delivery; a good token is one that the bank made for it.
async fn deliver(
    world: &World,
    to: &str,
    authorization: Option<&str>,
    media: &str,
    body: impl Into<Body>,
) -> Answer {
    let mut request =
        Request::post(format!("/events/{to}/notifications")).header(header::CONTENT_TYPE, media);
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    world.send(request.body(body.into()).expect("a request")).await
}

fn signed(world: &World, token: &str) -> String {
    world.bank.publishers.lock().expect("lock").insert(token.to_owned());
    format!("Bearer {token}")
}

#[tokio::test]
async fn who_does_not_sign_is_refused_before_the_body_is_read_and_all_refusals_are_alike() {
    let world = World::new().await;
    let good = signed(&world, "jwt-1");
    let endless =
        || Body::from_stream(futures_util::stream::pending::<Result<axum::body::Bytes, std::io::Error>>());
    let long = format!("Bearer {}", "x".repeat(64 * 1024));
    let mut texts = Vec::new();
    for (to, authorization) in [
        (BANK, None),
        (BANK, Some("Bearer forged")),
        (BANK, Some("Bearer")),
        (BANK, Some("Basic and-1")),
        (BANK, Some("DPoP jwt-1")),
        (BANK, Some(long.as_str())),
        // Another bank, which notifies of nothing; none; and none that could be.
        ("harbor", Some(good.as_str())),
        ("nobody", Some(good.as_str())),
        ("%2e%2e", Some(good.as_str())),
    ] {
        let asked = deliver(&world, to, authorization, JSON, endless());
        let answer = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await;
        let answer = answer.expect("before the body");
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{to} {authorization:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        texts.push(answer.text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // Keys that cannot be read now say neither yes nor no.
    *world.bank.keyless.lock().expect("lock") = true;
    let answer = deliver(&world, BANK, Some(&good), JSON, "{}").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "30"));
}

#[tokio::test]
async fn a_token_is_good_once_and_a_notification_is_taken_once() {
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let body = of("n-1", "BALANCE", ("ACCOUNT", "a1")).to_string();
    let first = signed(&world, "jwt-1");
    let answer = deliver(&world, BANK, Some(&first), JSON, body.clone()).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::NO_CONTENT, ""));
    let replayed = deliver(&world, BANK, Some(&first), JSON, body.clone()).await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED, "the request of somebody who listened");
    let again = signed(&world, "jwt-2");
    let again = deliver(&world, BANK, Some(&again), "application/json; charset=utf-8", body).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT, "the bank's own redelivery");
    // Of accounts, consents and customers that are nobody's here, and of what is not known: no error for the bank.
    for (n, (kind, whose)) in [
        ("BALANCE", ("ACCOUNT", "not-ours")),
        ("CONSENT_REVOKED", ("CONSENT", "not-ours")),
        ("BALANCE", ("CUSTOMER", "not-ours")),
        ("SOMETHING_NEW", ("A_THING", "x")),
    ]
    .into_iter()
    .enumerate()
    {
        let token = signed(&world, &format!("jwt-of-nobody-{n}"));
        let body = of(&format!("nobody-{n}"), kind, whose).to_string();
        let answer = deliver(&world, BANK, Some(&token), JSON, body).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{kind}");
    }
}

#[tokio::test]
async fn what_is_no_notification_is_refused_with_its_reason_and_nothing_of_its_content() {
    let world = World::new().await;
    let good = of("n-1", "BALANCE", ("ACCOUNT", "secret-account"));
    let mut lacking = good.clone();
    lacking["notificationPayload"]["id"] = json!("");
    let jose = "eyJhbGciOiJSU0EtT0FFUCJ9.e30.e30.e30.e30".to_owned();
    let large = format!("{{\"notificationId\": \"{}\"}}", "x".repeat(128 * 1024));
    for (n, (media, body, status)) in [
        ("application/jose", jose, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("text/plain", good.to_string(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", good.to_string(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (JSON, large, StatusCode::PAYLOAD_TOO_LARGE),
        (JSON, "{".to_owned(), StatusCode::BAD_REQUEST),
        (JSON, "[]".to_owned(), StatusCode::BAD_REQUEST),
        (JSON, lacking.to_string(), StatusCode::BAD_REQUEST),
    ]
    .into_iter()
    .enumerate()
    {
        let token = signed(&world, &format!("jwt-{n}"));
        let answer = deliver(&world, BANK, Some(&token), media, body).await;
        assert_eq!(answer.status, status, "{n}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(!answer.text().contains("secret-account"));
    }
}
