//! What the platform asks for in a person's name.

use crate::support::{APP_SECRET, World};
use amana_core::Clock as _;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) fn signed(secret: &str, issued_at: i64) -> String {
    let payload = format!(r#"{{"algorithm":"HMAC-SHA256","user_id":"218471","issued_at":{issued_at}}}"#);
    let payload = URL_SAFE_NO_PAD.encode(payload);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    format!("{}.{payload}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, payload.as_bytes())))
}

pub(crate) fn post(path: &str, body: String) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .expect("a request")
}

#[tokio::test]
async fn a_signed_request_is_answered_with_a_page_that_says_what_became_of_it() {
    let world = World::new().await;
    let now = world.clock.now().as_second();
    for (path, said) in [("data-deletion", "deleted"), ("deauthorise", "took our access back")] {
        let path = format!("/webhooks/messenger/{path}");
        let answer = world.send(post(&path, format!("signed_request={}", signed(APP_SECRET, now)))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let (url, code) = (answer.json()["url"].clone(), answer.json()["confirmation_code"].clone());
        let (url, code) = (url.as_str().expect("a url"), code.as_str().expect("a code"));
        assert!(url.ends_with(&format!("/privacy/deletion/{code}")), "{url}");
        let page = world.get(&format!("/privacy/deletion/{code}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(said) && !page.text().contains("218471"), "{}", page.text());

        for wrong in [signed("other", now), signed(APP_SECRET, now - 90_000), String::new(), "a.b".into()] {
            let answer = world.send(post(&path, format!("signed_request={wrong}"))).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong}");
        }
        assert_eq!(world.send(post(&path, "x=1".into())).await.status, StatusCode::FORBIDDEN);
    }
    for code in ["x", "00000000000000000000000000000000"] {
        assert_eq!(world.get(&format!("/privacy/deletion/{code}")).await.status, StatusCode::NOT_FOUND);
    }
}
