//! Every page in both languages: language and direction, no text missing, nothing that a strict policy would block.

use crate::support::{Answer, Browser, World, purchase};
use amana_core::Lang;
use axum::http::StatusCode;
use scraper::{Html, Selector};

/// The pages that have a program.
const VERIFY: &str = "/privacy/verify";
/// See [`VERIFY`]: the page behind a notice, the way to it out of the platform's browsers, and where the browser is
/// asked for a passkey.
pub(crate) const NOTICE: &[&str] =
    &["/m", "out of an app, to the page", "asked for a passkey", "making a passkey"];

/// What must hold of every page.
pub(crate) fn check(page: &Answer, lang: Lang, what: &str) {
    let text = page.text();
    let html = Html::parse_document(&text);
    let all = |selector: &str| html.select(&Selector::parse(selector).expect("a selector")).count();
    let root = html.root_element();
    assert_eq!(root.value().attr("lang"), Some(lang.tag()), "{what}");
    assert_eq!(root.value().attr("dir"), Some(lang.dir()), "{what}");
    assert!(page.header("content-type").starts_with("text/html"), "{what}");
    assert_eq!(all("title"), 1, "{what}");
    assert_eq!(all("h1"), 1, "{what} has one heading");
    assert_eq!(all("main"), 1, "{what}");
    assert_eq!(
        all("script, style, [style], [onclick], iframe, object"),
        usize::from(what == VERIFY || NOTICE.contains(&what)),
        "{what}: the policy blocks these"
    );
    assert_eq!(all("form[action^='http'], a[href^='http']"), 0, "{what} leads to another site");
    // A missing text shows its id.
    let words: String = root.text().collect();
    for id in [
        "home-",
        "link-",
        "elsewhere-",
        "enter-",
        "consent-",
        "purpose-",
        "why-",
        "example-",
        "cluster-",
        "entry-",
        "state-",
        "denial-",
        "because-",
        "privacy-",
        "error-",
        "title-",
        "foot-",
        "out-",
        "done-",
        "verify-",
        "rule-",
        "notice-",
        "passkey-",
        "passkeys-",
        "{",
        "}",
    ] {
        assert!(!words.contains(id), "{what}: `{id}` is in the text: {words}");
    }
    // Every form control has a name that a screen reader can say.
    for input in html.select(&Selector::parse("input:not([type=hidden]), select").expect("a selector")) {
        let id = input.value().attr("id").unwrap_or("-");
        let labelled = input.value().attr("aria-labelledby").is_some()
            || all(&format!("label[for='{id}']")) > 0
            || input.ancestors().filter_map(scraper::ElementRef::wrap).any(|e| e.value().name() == "label");
        assert!(labelled, "{what}: {:?} has no label", input.value());
    }
    let mut ids: Vec<&str> =
        html.select(&Selector::parse("[id]").expect("ok")).filter_map(|e| e.value().id()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "{what} has an id twice");
    if lang == Lang::Arabic {
        let letters = words.chars().filter(|c| c.is_alphabetic());
        let arabic = letters.clone().filter(|c| Lang::of_text(&c.to_string()) == Some(Lang::Arabic)).count();
        assert!(arabic * 10 > letters.count() * 6, "{what} is not Arabic");
    }
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    for lang in Lang::ALL.iter().copied() {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        for path in [
            "/",
            "/privacy",
            "/link/done",
            "/nothing",
            "/link/start?t=x",
            "/privacy?done=left",
            VERIFY,
            "/m",
            "/m/ready",
        ] {
            check(&browser.get(path).await, lang, path);
        }
        let token = world.token("t0").await;
        browser.post("/lang", &[("lang", lang.tag()), ("back", "/")]).await;
        let picker = browser.get(&format!("/link/start?t={token}")).await;
        check(&picker, lang, "picker");
        assert!(picker.text().contains(if lang == Lang::Arabic {
            "بنك الأرز"
        } else {
            "Cedar Bank"
        }));

        let consent = browser.to_consent("t1").await;
        check(&consent, lang, "consent");
        let again = browser.post("/link/consent", &[("lang", lang.tag())]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        check(&again, lang, "consent with errors");

        browser.link("t2").await;
        check(&browser.get("/privacy").await, lang, "privacy, nothing shared");
        world.says("m1", "what's my balance?").await;
        world.pushes(&purchase("e1", "a1")).await;
        let privacy = browser.get("/privacy").await;
        check(&privacy, lang, "privacy");
        check(&browser.get("/privacy/accounts").await, lang, "accounts");
        let stranger = Browser::new(&world, lang);
        stranger.post("/lang", &[("lang", lang.tag()), ("back", "/")]).await;
        check(&stranger.get("/privacy/accounts").await, lang, "entrance");
    }
}

#[tokio::test]
async fn the_language_can_be_changed_on_every_page_and_stays() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let token = world.token("t1").await;
    let path = format!("/link/start?t={token}");
    let english = browser.get(&path).await;
    check(&english, Lang::English, "picker");
    let back = crate::support::value_of(&english.text(), "back");
    assert_eq!(back, path);
    let switched = browser.post("/lang", &[("lang", "ar"), ("back", &back)]).await;
    assert_eq!(switched.location(), path);
    check(&browser.get(&path).await, Lang::Arabic, "picker");
    let elsewhere = browser.post("/lang", &[("lang", "en"), ("back", "//evil.example/")]).await;
    assert_eq!(elsewhere.location(), "/");
}

/// The style sheet names no physical side, so that Arabic mirrors by itself.
#[test]
fn the_style_sheet_is_logical() {
    let css = include_str!("../../assets/web.css");
    for side in [
        "margin-left",
        "margin-right",
        "padding-left",
        "padding-right",
        "border-left",
        "border-right",
        "text-align: left",
        "text-align: right",
        "float:",
        " left:",
        " right:",
    ] {
        assert!(!css.contains(side), "{side}");
    }
    assert!(!css.contains("url(") && !css.contains("@import"), "nothing is loaded from elsewhere");
}
