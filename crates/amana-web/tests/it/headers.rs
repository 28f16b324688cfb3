//! What every answer carries, and who may post.

use crate::support::{World, message};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};

/// Every route with the status that a stranger gets.
const ROUTES: &[(&str, &str, u16)] = &[
    ("GET", "/", 200),
    ("GET", "/privacy", 200),
    ("GET", "/privacy/accounts", 200),
    ("GET", "/privacy/verify?x", 200),
    ("GET", "/m", 200),
    ("HEAD", "/m", 200),
    ("GET", "/m/ready", 410),
    ("POST", "/m/open", 410),
    ("POST", "/m/show", 410),
    ("GET", "/m/open", 405),
    ("GET", "/m/whatever", 404),
    ("GET", "/privacy/bundle", 410),
    ("GET", "/privacy/bundle?since=7", 410),
    ("GET", "/privacy?for=BankOffer&kind=told&days=30&before=7", 200),
    ("GET", "/link/start?t=x", 410),
    ("GET", "/link/start", 410),
    ("GET", "/link/messenger", 410),
    ("GET", "/link/callback?code=c&state=s", 410),
    ("GET", "/link/consent", 410),
    ("GET", "/link/done", 200),
    ("POST", "/link/begin", 410),
    ("POST", "/link/elsewhere", 410),
    ("POST", "/link/consent", 410),
    ("POST", "/link/cancel", 410),
    ("POST", "/privacy/sign-in", 404),
    ("POST", "/privacy/revoke", 410),
    ("POST", "/privacy/renew", 410),
    ("GET", "/link/renew?t=x&bank=cedar-bank", 410),
    ("POST", "/link/renew", 410),
    ("POST", "/privacy/leave", 303),
    ("POST", "/lang", 303),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/log/checkpoint", 404),
    ("GET", "/log/tile/0/000", 404),
    ("GET", "/robots.txt", 200),
    ("GET", "/favicon.ico", 200),
    ("GET", "/static/web.0.css", 404),
    ("GET", "/nothing", 404),
    ("PUT", "/privacy", 405),
    ("PUT", "/events/x", 405),
    ("GET", "/link/begin", 405),
    ("POST", "/webhooks/messenger", 401),
    ("POST", "/events/x", 401),
];

#[tokio::test]
async fn every_answer_is_closed_and_says_what_happened() {
    let world = World::new().await;
    for (method, path, status) in ROUTES {
        let request = Request::builder().method(*method).uri(*path).body(Body::empty()).expect("a request");
        let answer = world.send(request).await;
        assert_eq!(answer.status.as_u16(), *status, "{method} {path}: {}", answer.text());
        let csp = answer.header("content-security-policy");
        assert!(csp.starts_with("default-src 'none';"), "{path}: {csp}");
        assert!(
            csp.contains("form-action 'self' https://bank.example https://www.facebook.com;"),
            "{path}: {csp}"
        );
        let program = path.starts_with("/privacy/verify") || *path == "/m";
        assert!(!csp.contains("unsafe") && csp.contains("script-src") == program, "{path}: {csp}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            (
                "referrer-policy",
                if *path == "/m" || path.starts_with("/m/") { "no-referrer" } else { "same-origin" },
            ),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{method} {path}: {name}");
        }
        if answer.status != StatusCode::SEE_OTHER && *method != "HEAD" {
            assert!(!answer.body.is_empty(), "{method} {path} says nothing");
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let world = World::new().await;
    let post = |name: &'static str, value: &'static str| {
        Request::post("/privacy/leave").header(name, value).body(Body::empty()).expect("a request")
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://gateway.example"),
    ] {
        assert_eq!(world.send(post(name, value)).await.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", "https://gateway.example")] {
        assert_eq!(world.send(post(name, value)).await.status, StatusCode::SEE_OTHER, "{name}: {value}");
    }
    // Machines bring no such headers, or others; they are known by what they sign.
    let event = Request::post("/events/x").header("sec-fetch-site", "cross-site").body(Body::empty());
    assert_eq!(world.send(event.expect("a request")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused_clearly() {
    let world = World::new().await;
    for path in [
        "/link/begin",
        "/link/elsewhere",
        "/link/consent",
        "/privacy/revoke",
        "/privacy/sign-in",
        "/lang",
        "/m/open",
        "/m/show",
    ] {
        let request = Request::post(path).body(Body::from(vec![b'a'; 10 << 20])).expect("a request");
        let answer = world.send(request).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert!(answer.text().contains("larger than this page takes"), "{path}");
        // Invalid UTF-8 is a form without anything of ours, never a panic.
        let request = Request::post(path).body(Body::from(&b"lang=\xff\xfe&t=%ff&consent=\xc3"[..]));
        assert!(world.send(request.expect("a request")).await.status.as_u16() < 500, "{path}");
    }
}

#[tokio::test]
async fn machines_get_health_metrics_and_the_logs_place() {
    let world = World::new().await;
    assert_eq!(world.get("/healthz").await.json()["status"], "ok");
    assert_eq!(world.get("/readyz").await.json(), serde_json::json!({"status": "ready", "store": "ok"}));
    let metrics = world.get("/metrics").await;
    assert!(metrics.text().contains("amana_test 1"));
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let log = world.get("/log/checkpoint").await;
    assert_eq!(log.header("content-type"), "application/problem+json");
    assert!(log.json()["detail"].as_str().is_some_and(|d| d.contains("no such file")));
    assert!(world.get("/robots.txt").await.text().contains("Disallow: /"));
    assert_eq!(world.get("/link/begin").await.header("allow"), "POST");
}

#[tokio::test]
async fn the_style_sheet_may_be_kept_for_ever() {
    let world = World::new().await;
    let page = world.get("/").await.text();
    let path =
        page.split("rel=\"stylesheet\" href=\"").nth(1).and_then(|s| s.split('"').next()).expect("a link");
    let css = world.get(path).await;
    assert_eq!(css.status, StatusCode::OK);
    assert_eq!(css.header(header::CACHE_CONTROL.as_str()), "public, max-age=31536000, immutable");
    assert!(css.header("content-type").starts_with("text/css"));
}

/// The store cannot be written: whoever delivers is asked to come again, and nothing is half done.
#[tokio::test]
async fn a_store_that_is_away_is_told_as_come_again() {
    let world = World::new().await;
    let file = world.folder.path().join("amana.sqlite");
    let lock = rusqlite::Connection::open(file).expect("opens");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("locks");
    let (ready, chat) = tokio::join!(world.get("/readyz"), world.webhook(message("m1", "hello")));
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["status"], "not ready");
    assert_eq!(chat.status, StatusCode::SERVICE_UNAVAILABLE, "{}", chat.text());
    assert!(chat.header("retry-after").parse::<u64>().is_ok_and(|s| s > 0));
    assert_eq!(world.get("/healthz").await.status, StatusCode::OK);
    lock.execute_batch("COMMIT").expect("unlocks");
    assert_eq!(world.webhook(message("m1", "hello")).await.status, StatusCode::OK);
    assert_eq!(world.get("/readyz").await.status, StatusCode::OK);
    assert_eq!(world.gateway.store().counts().await.expect("counts").inbox_waiting, 1);
}

#[tokio::test]
async fn a_panic_is_an_answer_without_detail() {
    let broken = |state: &mut amana_web::WebState| state.metrics = Box::new(|| panic!("with a secret"));
    let world = World::new().await.changed(broken);
    let answer = world.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.text().contains("secret"));
    assert_eq!(world.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_origin_that_is_none_does_not_reach_the_policy() {
    let origins = vec!["https://a.example; script-src *".to_owned(), "https://b.example".to_owned()];
    let world = World::new().await.changed(|state| state.form_action_origins = origins);
    let csp = world.get("/").await.header("content-security-policy").to_owned();
    assert!(csp.contains("form-action 'self' https://b.example;") && !csp.contains("script-src"), "{csp}");
}
