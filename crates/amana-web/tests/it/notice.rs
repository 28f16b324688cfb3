//! The page behind a notice: the same for everybody until the bank has said who comes, and then shown once.

use crate::pages::check;
use crate::support::*;
use amana_core::Lang;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

/// A customer who allows notices alone, and the token of the notice of a purchase.
pub(crate) async fn noticed(world: &World, lang: Lang) -> (Browser<'_>, String) {
    let browser = Browser::new(world, lang);
    let token = world.token("t1").await;
    browser.link_in(BANK, &token, "notice").await;
    let token = told(world, "e1").await;
    (browser, token)
}

pub(crate) async fn told(world: &World, id: &str) -> String {
    world.pushes(&purchase(id, "a1")).await;
    let body = world.channel.last.lock().expect("lock").clone();
    assert!(!body.contains("Blue Bottle") && !body.contains("4.51"), "{body}");
    let rest = body.split("https://gateway.example/m#").nth(1).expect("a link to the page");
    rest.split('"').next().expect("a token").to_owned()
}

pub(crate) fn words(answer: &Answer) -> String {
    answer.text().replace(['\u{2066}', '\u{2068}', '\u{2069}'], "")
}

/// From the link to the look, in both languages.
#[tokio::test]
async fn the_page_is_shown_once_after_the_banks_login() {
    for (lang, amount) in [(Lang::English, "$4.51"), (Lang::Arabic, "4.51")] {
        let world = World::new().await;
        let (own, token) = noticed(&world, lang).await;
        let browser = Browser::new(&world, lang);
        let page = browser.get("/m").await;
        check(&page, lang, "/m");
        assert!(page.text().contains("<noscript>") && page.text().contains("href=\"/privacy/accounts\""));

        let begun = browser.post("/m/open", &[("t", &token), ("lang", lang.tag())]).await;
        assert_eq!(begun.location(), "https://bank.example/authorize");
        let before = browser.cookies();
        assert_eq!(browser.get("/link/callback?code=c&state=s").await.location(), "/m/ready");
        assert_ne!(browser.cookies(), before, "new rights, new cookie");
        let ready = browser.get("/m/ready").await;
        check(&ready, lang, "signed in");
        assert!(!words(&ready).contains("4.51"), "looking at the button shows nothing");
        let csrf = value_of(&ready.text(), "csrf");
        assert_eq!(browser.post("/m/show", &[("csrf", "forged")]).await.status, StatusCode::GONE);

        let shown = browser.post("/m/show", &[("csrf", &csrf)]).await;
        assert_eq!(shown.status, StatusCode::OK);
        let text = words(&shown);
        assert!(text.contains(amount) && text.contains("Blue Bottle"), "{text}");
        assert_eq!(shown.header("cache-control"), "no-store");
        assert_eq!(shown.header("referrer-policy"), "no-referrer");
        assert!(!shown.header("content-security-policy").contains("script-src"), "no program beside it");
        assert!(!text.contains("action=\"/lang\""), "no switch that would leave it");

        // A second form, a reload, the other door, and the owner's own browser.
        for again in [
            browser.post("/m/show", &[("csrf", &csrf)]).await,
            browser.post("/m/open", &[("t", &token)]).await,
            own.post("/m/open", &[("t", &token)]).await,
            Browser::new(&world, lang).post("/m/open", &[("t", &token)]).await,
        ] {
            assert_eq!(again.status, StatusCode::GONE);
            check(&again, lang, "opened already");
            assert!(again.text().contains("href=\"/privacy/accounts\"") && !words(&again).contains("4.51"));
        }
        let timeline = words(&own.get("/privacy?kind=looks").await);
        let look = if lang == Lang::English { "You opened a message" } else { "فتحت رسالة" };
        assert!(timeline.contains(look), "{timeline}");

        // Who is signed in goes without a second login.
        let next = told(&world, "e2").await;
        let shown = own.post("/m/open", &[("t", &next)]).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        assert!(words(&shown).contains(amount));
    }
}

/// Previews, crawlers and scanners, with and without the form: the page is the same for all, and nothing is used up.
#[tokio::test]
async fn abuse_12_no_crawler_opens_the_page_behind_a_notice() {
    const AGENTS: &[&str] = &[
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "BarracudaURLScanner/1.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) HeadlessChrome/126.0.0.0 Safari/537.36",
        "",
    ];
    let world = World::new().await;
    let (own, token) = noticed(&world, Lang::English).await;
    let page = world.get("/m").await;
    for agent in AGENTS {
        for method in [Method::GET, Method::HEAD] {
            // A client that sends what stands behind `#` as a query learns nothing by it.
            for address in ["/m".to_owned(), format!("/m?{token}"), format!("/m?t={token}")] {
                for (name, value) in
                    [("x-nothing", "1"), ("purpose", "prefetch"), ("sec-purpose", "prefetch;prerender")]
                {
                    let request = Request::builder().method(method.clone()).uri(&address);
                    let request = request.header(header::USER_AGENT, *agent).header(name, value);
                    let answer = world.send(request.body(Body::empty()).expect("a request")).await;
                    assert_eq!(answer.status, StatusCode::OK);
                    assert!(answer.headers.get(header::SET_COOKIE).is_none(), "no session is made");
                    if method == Method::GET {
                        assert_eq!(answer.body, page.body, "{agent}: the same for everybody");
                    }
                }
            }
        }
        // One that runs the program and sends the form gets to the bank's login, and no further.
        let scanner = Browser::new(&world, Lang::English);
        assert!(
            scanner.post("/m/open", &[("t", &token)]).await.location().starts_with("https://bank.example/")
        );
        assert_eq!(scanner.get("/m/ready").await.status, StatusCode::GONE);
        assert_eq!(scanner.post("/m/show", &[("csrf", "")]).await.status, StatusCode::GONE);
    }
    let foreign = own.post_from("cross-site", "/m/open", &[("t", &token)]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "a form of another site");
    let shown = own.post("/m/open", &[("t", &token)]).await;
    assert!(words(&shown).contains("$4.51"), "it is still there for its customer: {}", shown.text());
}

/// The link was passed on, or stolen: whoever signs in as somebody else sees nothing, and uses nothing up.
#[tokio::test]
async fn abuse_16_a_notices_link_opens_for_its_customer_alone() {
    let world = World::new().await;
    *world.bank.subject.lock().expect("lock") = "customer-2".into();
    let other = Browser::new(&world, Lang::English);
    other.link("t0").await;
    *world.bank.subject.lock().expect("lock") = "customer-1".into();
    let (own, token) = noticed(&world, Lang::English).await;

    *world.bank.subject.lock().expect("lock") = "customer-3".into();
    let thief = Browser::new(&world, Lang::English);
    thief.post("/m/open", &[("t", &token)]).await;
    let back = thief.get("/link/callback?code=c&state=s").await;
    assert_eq!(back.status, StatusCode::FORBIDDEN, "nobody whom we know");
    let refused = other.post("/m/open", &[("t", &token)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    check(&refused, Lang::English, "somebody else's");
    assert!(!words(&refused).contains("4.51") && !refused.text().contains("Blue"));
    // Signing in for it as that other one comes to the same.
    *world.bank.subject.lock().expect("lock") = "customer-2".into();
    let thief = Browser::new(&world, Lang::English);
    thief.post("/m/open", &[("t", &token)]).await;
    assert_eq!(thief.get("/link/callback?code=c&state=s").await.location(), "/m/ready");
    let csrf = value_of(&thief.get("/m/ready").await.text(), "csrf");
    assert_eq!(thief.post("/m/show", &[("csrf", &csrf)]).await.status, StatusCode::FORBIDDEN);
    let shown = own.post("/m/open", &[("t", &token)]).await;
    assert!(words(&shown).contains("$4.51"), "nothing was used up: {}", shown.text());
}

/// In the platform's own browser there is the way out, which keeps what stands behind `#`, and nothing else.
#[tokio::test]
async fn abuse_13_the_page_behind_a_notice_leads_out_of_the_platforms_browsers() {
    for lang in Lang::ALL.iter().copied() {
        let world = World::new().await;
        let (own, token) = noticed(&world, lang).await;
        let cookies: Vec<String> = own.cookies().iter().map(|(k, v)| format!("{k}={v}")).collect();
        for agent in crate::abuse::IN_APP {
            for (method, path) in [
                (Method::GET, "/m"),
                (Method::POST, "/m/open"),
                (Method::GET, "/m/ready"),
                (Method::POST, "/m/show"),
                (Method::POST, "/m/passkey"),
                (Method::POST, "/m/passkey/show"),
            ] {
                let request = Request::builder()
                    .method(method)
                    .uri(path)
                    .header(header::COOKIE, cookies.join("; "))
                    .header(header::ACCEPT_LANGUAGE, lang.tag())
                    .header(header::USER_AGENT, *agent)
                    .header("sec-fetch-site", "same-origin")
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(Body::from(format!("t={token}")));
                let answer = world.send(request.expect("a request")).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} in {agent}");
                check(&answer, lang, "out of an app, to the page");
                let text = answer.text();
                assert!(text.contains("https://gateway.example/m</bdi>"), "it says where to go: {text}");
                assert!(
                    text.contains("id=\"address\"") && text.contains("<script type=\"module\""),
                    "with its program"
                );
                assert!(!text.contains("<form method=\"post\" action=\"/m") && !text.contains("4.51"));
                assert!(answer.headers.get(header::SET_COOKIE).is_none());
            }
        }
        let shown = own.post("/m/open", &[("t", &token)]).await;
        assert_eq!(shown.status, StatusCode::OK, "nothing was used up");
    }
}

/// One small program, by its address and its hash; it may fetch nothing.
#[tokio::test]
async fn its_program_is_one_readable_file_that_fetches_nothing() {
    let world = World::new().await;
    let answer = world.get("/m").await;
    has_one_readable_program(&world, &answer, include_str!("../../assets/notice.js"), 45).await;
}
