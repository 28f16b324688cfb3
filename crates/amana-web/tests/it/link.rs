//! Linking: the entrance, the bank, the way back.

use crate::support::{BANK, Browser, PAGE, PLATFORM_TOKEN, World, notice_of};
use amana_bank::BankErrorClass;
use amana_core::Lang;
use axum::http::StatusCode;

const REDIRECT: &str = "https://www.facebook.com/messenger_platform/account_linking/?account_linking_token=x";

#[tokio::test]
async fn opening_a_link_uses_nothing_up_and_beginning_does() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let token = world.token("t1").await;
    let path = format!("/link/start?t={token}");
    for _ in 0..3 {
        assert_eq!(browser.get(&path).await.status, StatusCode::OK);
    }
    let fields = [("t", token.as_str()), ("institution", BANK), ("lang", "en")];
    assert_eq!(browser.post("/link/begin", &fields).await.location(), "https://bank.example/authorize");
    assert_eq!(browser.get(&path).await.status, StatusCode::GONE);
    assert_eq!(browser.post("/link/begin", &fields).await.status, StatusCode::GONE);

    // A bank that does not answer costs nobody the link.
    let token = world.token("t2").await;
    *world.bank.error.lock().expect("lock") = Some(BankErrorClass::Retry("down"));
    let fields = [("t", token.as_str()), ("institution", BANK), ("lang", "en")];
    let answer = browser.post("/link/begin", &fields).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("The bank does not answer"));
    *world.bank.error.lock().expect("lock") = None;
    assert_eq!(browser.post("/link/begin", &fields).await.status, StatusCode::SEE_OTHER);

    // Nor does a link over its time.
    let token = world.token("t4").await;
    world.clock.advance_s(601);
    assert_eq!(browser.get(&format!("/link/start?t={token}")).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn the_session_cookie_is_closed() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let token = world.token("t1").await;
    let begun = browser.post("/link/begin", &[("t", &token), ("institution", BANK)]).await;
    let cookie = begun.header("set-cookie");
    assert!(cookie.starts_with("__Host-amana="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let plain = World::at("http://127.0.0.1:8080/", "https://bank.example/authorize").await;
    let token = plain.token("t1").await;
    let begun = Browser::new(&plain, Lang::English)
        .post("/link/begin", &[("t", &token), ("institution", BANK)])
        .await;
    assert!(begun.header("set-cookie").starts_with("amana="), "{}", begun.header("set-cookie"));
    assert!(begun.header("strict-transport-security").is_empty());
}

#[tokio::test]
async fn the_platforms_button_leads_back_to_the_platform_alone() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let path = |token: &str, redirect: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("page", PAGE), ("account_linking_token", token), ("redirect_uri", redirect)])
            .finish();
        format!("/link/messenger?{query}")
    };
    let foreign = browser.get(&path(PLATFORM_TOKEN, "https://evil.example/")).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    assert!(!foreign.text().contains("evil.example/\""), "no way on to it");
    assert_eq!(browser.get(&path("wrong", REDIRECT)).await.status, StatusCode::GONE);

    let picker = browser.get(&path(PLATFORM_TOKEN, REDIRECT)).await;
    assert_eq!(picker.status, StatusCode::OK);
    assert_eq!(crate::support::value_of(&picker.text(), "redirect_uri"), REDIRECT);
    let fields = [
        ("page", PAGE),
        ("account_linking_token", PLATFORM_TOKEN),
        ("redirect_uri", REDIRECT),
        ("institution", BANK),
        ("lang", "en"),
    ];
    browser.post("/link/begin", &fields).await.location();
    assert_eq!(browser.get("/link/callback?code=c&state=s").await.location(), "/link/consent");
    let notice = notice_of(&browser.get("/link/consent").await);
    let given = browser
        .post(
            "/link/consent",
            &[
                ("notice", &notice),
                ("lang", "en"),
                ("purpose", "BalanceOnRequest"),
                ("form.BalanceOnRequest", "notice"),
                ("account", "a1"),
                ("days", "30"),
            ],
        )
        .await;
    assert!(given.location().starts_with(&format!("{REDIRECT}&authorization_code=")), "{}", given.location());
}

#[tokio::test]
async fn saying_no_and_bad_callbacks() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    begin(&world, &browser, "t1").await;
    let declined =
        browser.get("/link/callback?error=access_denied&error_description=%3Cb%3Esecret&state=s").await;
    assert_eq!(declined.status, StatusCode::OK);
    assert!(declined.text().contains("Nothing was linked") && !declined.text().contains("secret"));
    assert!(!browser.cookies().contains_key("__Host-amana"));

    // The page after the bank speaks as the page before it did.
    let token = world.token("t3").await;
    browser.post("/link/begin", &[("t", &token), ("institution", BANK), ("lang", "ar")]).await.location();
    let declined = browser.get("/link/callback?error=access_denied&state=s").await;
    assert!(declined.text().contains("لم يُربط شيء"), "{}", declined.text());

    begin(&world, &browser, "t2").await;
    for query in ["code=c&state=forged", "code=c&state=s&state=s", "code=c", ""] {
        assert_eq!(browser.get(&format!("/link/callback?{query}")).await.status, StatusCode::GONE, "{query}");
    }
    *world.bank.no_accounts.lock().expect("lock") = true;
    assert_eq!(browser.get("/link/callback?code=c&state=s").await.status, StatusCode::CONFLICT);
    *world.bank.no_accounts.lock().expect("lock") = false;
    // A code is redeemed once: another try begins anew.
    begin(&world, &browser, "t4").await;
    *world.bank.error.lock().expect("lock") = Some(BankErrorClass::Nonsense("html"));
    assert_eq!(browser.get("/link/callback?code=c&state=s").await.status, StatusCode::BAD_GATEWAY);
}

/// To the bank by a one-time link.
async fn begin(world: &World, browser: &Browser<'_>, token: &str) {
    let token = world.token(token).await;
    browser.post("/link/begin", &[("t", &token), ("institution", BANK)]).await.location();
}
