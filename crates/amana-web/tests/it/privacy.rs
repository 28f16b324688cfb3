//! The privacy page.

use crate::support::{BANK, Browser, HARBOR, World, purchase, value_of};
use amana_core::Lang;
use axum::http::StatusCode;

/// Beginning costs a bank or the platform a call, and anybody may begin.
#[tokio::test]
async fn so_many_may_begin_at_once_and_then_so_many_a_second() {
    use amana_web::limits::{BEGIN_BURST, BEGIN_RATE_PER_S};
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::Arabic);
    let sign_in = async || {
        let fields = [("institution", BANK), ("to", "privacy"), ("lang", "ar")];
        browser.post("/privacy/sign-in", &fields).await
    };
    for _ in 0..BEGIN_BURST {
        assert_eq!(sign_in().await.status, StatusCode::SEE_OTHER);
    }
    let refused = [
        sign_in().await,
        browser.post("/link/begin", &[("t", "unknown"), ("institution", BANK)]).await,
        browser.get("/link/messenger?page=1001&account_linking_token=x&redirect_uri=y").await,
    ];
    for answer in refused {
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "5"));
        assert!(answer.text().contains("لحظة من فضلك") && answer.text().contains("dir=\"rtl\""));
    }
    // What asks nobody is not held up.
    assert_eq!(browser.get("/privacy").await.status, StatusCode::OK);
    assert_eq!(browser.get("/link/start?t=unknown").await.status, StatusCode::GONE);
    assert_eq!(browser.get("/link/begin").await.status, StatusCode::METHOD_NOT_ALLOWED);

    world.clock.advance_s(1);
    for _ in 0..BEGIN_RATE_PER_S {
        assert_eq!(sign_in().await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(sign_in().await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn it_lists_what_was_said_why_and_in_which_form() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    world.says("m1", "what's my balance?").await;
    world.pushes(&purchase("e1", "a1")).await;
    // Nobody asked for news of this account: nothing is kept, and nothing is listed.
    assert_eq!(world.pushes(&purchase("e2", "a2")).await.json()["unmatched"], 1);
    let page = browser.get("/privacy").await.text();
    for part in [
        "Messenger was told:",
        "4.51",
        "Blue Bottle Coffee",
        "2,480.15",
        "You asked for your balance",
        "Money moved, or you asked about it",
        "Transaction data",
        "all the details",
        "Delivered",
        "You gave your consent",
        "10:00 UTC",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("Blue Bottle Coffee").count(), 1);
    let newest = page.find("Blue Bottle Coffee").expect("there");
    assert!(newest < page.find("You gave your consent").expect("there"), "newest first");
}

#[tokio::test]
async fn one_purpose_stops_and_then_all_of_it() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let page = browser.get("/privacy").await.text();
    let (csrf, consent) = (value_of(&page, "csrf"), value_of(&page, "consent"));

    // A form that is not ours, another's consent, and a purpose that is none: nothing changes.
    let forged = [("csrf", "x"), ("consent", consent.as_str())];
    assert_eq!(browser.post("/privacy/revoke", &forged).await.status, StatusCode::GONE);
    let others = [("csrf", csrf.as_str()), ("consent", "con_00000000000000000000000000000000")];
    assert_eq!(browser.post("/privacy/revoke", &others).await.status, StatusCode::GONE);
    let odd = [("csrf", csrf.as_str()), ("consent", consent.as_str()), ("purpose", "Everything")];
    assert_eq!(browser.post("/privacy/revoke", &odd).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.get("/privacy").await.text().contains(&consent));

    let one = [("csrf", csrf.as_str()), ("consent", consent.as_str()), ("purpose", "BalanceOnRequest")];
    assert_eq!(browser.post("/privacy/revoke", &one).await.location(), "/privacy?done=one");
    let page = browser.get("/privacy?done=one").await.text();
    assert!(page.contains("What you took back will not be sent again"));
    let rest = value_of(&page, "consent");
    assert_ne!(rest, consent);

    let forged = browser.get("/privacy?done=all").await.text();
    assert!(
        !forged.contains("nothing more will be sent"),
        "a link that somebody sent does not claim what is not so"
    );
    let all = [("csrf", csrf.as_str()), ("consent", rest.as_str())];
    assert_eq!(browser.post("/privacy/revoke", &all).await.location(), "/privacy?done=all");
    // Twice is once.
    assert_eq!(browser.post("/privacy/revoke", &all).await.location(), "/privacy?done=all");
    let page = browser.get("/privacy?done=all").await.text();
    assert!(page.contains("nothing more will be sent") && page.contains("You allow nothing at the moment."));
    assert!(page.contains("You took your consent back") && page.contains("Earlier consents"));
    let pushed = world.pushes(&purchase("e1", "a1")).await;
    assert_eq!(pushed.json()["stored"], 0, "no link holds the account any more");
    assert!(!browser.get("/privacy").await.text().contains("Blue Bottle"));
}

#[tokio::test]
async fn the_entrance_asks_the_bank_who_it_is() {
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let browser = Browser::new(&world, Lang::English);
    let page = browser.get("/privacy").await.text();
    assert!(
        page.contains("Sign in with <bdi>Cedar Bank</bdi>")
            && page.contains("Sign in with <bdi>Harbor Savings</bdi>")
    );
    let fields = [("to", "accounts"), ("institution", BANK), ("lang", "en")];
    assert_eq!(browser.post("/privacy/sign-in", &fields).await.location(), "https://bank.example/authorize");
    let before = browser.cookies();
    assert_eq!(browser.get("/link/callback?code=c&state=s").await.location(), "/privacy/accounts");
    assert_ne!(browser.cookies(), before, "new rights, new cookie");
    let accounts = browser.get("/privacy/accounts").await.text();
    assert!(
        accounts.contains("Everyday Checking") && accounts.contains("Your accounts at <bdi>Cedar Bank</bdi>")
    );
    let page = browser.get("/privacy").await.text();
    assert!(page.contains("What <bdi>Cedar Bank</bdi> shared with Messenger"));
    assert!(page.contains("Your data was looked at"), "the look is a receipt");

    // The language of the session follows the switch; signing out ends it everywhere.
    assert_eq!(browser.post("/lang", &[("lang", "ar"), ("back", "/privacy")]).await.location(), "/privacy");
    assert!(browser.get("/privacy").await.text().contains("ما شاركه <bdi>بنك الأرز</bdi> مع ماسنجر"));
    let cookies = browser.cookies();
    assert_eq!(browser.post("/privacy/leave", &[]).await.location(), "/privacy?done=left");
    browser.bring(cookies);
    assert!(browser.get("/privacy").await.text().contains("تسجيل الدخول لدى بنكك"));
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    assert!(browser.get("/privacy").await.text().contains("Cedar Bank"));
    world.clock.advance_s(1_801);
    let page = browser.get("/privacy").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("Cedar Bank</bdi> shared"));
}

#[tokio::test]
async fn with_two_banks_each_page_is_about_its_own() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    browser.link_with(HARBOR, "t2").await;
    assert!(browser.get("/privacy").await.text().contains("What <bdi>Harbor Savings</bdi> shared"));
    world.pushes(&purchase("e1", "a1")).await;
    assert!(!browser.get("/privacy").await.text().contains("Blue Bottle"));
}
