//! The pages in both languages, and the till.

use reqwest::StatusCode;

use crate::util::{Browser, Page, location, start};

#[tokio::test]
async fn pages_speak_the_customers_language() {
    let bank = start().await;
    let mut browser = Browser::new(&bank);
    browser.language = "ar-KW,en;q=0.5";
    let page = browser.sign_in(&bank.ask(), "layla").await;
    assert_eq!((page.one("html", "lang"), page.one("html", "dir")), ("ar".to_owned(), "rtl".to_owned()));
    assert!(
        page.text.contains("أمانة") && page.text.contains("ليلى حداد") && page.text.contains("أرصدة الحساب")
    );
    // The switch shows the same page in the other language.
    let english = Page::of(browser.open(&page.one("a.switch", "href")).await).await;
    assert_eq!(
        (english.one("html", "lang"), english.one("html", "dir")),
        ("en".to_owned(), "ltr".to_owned())
    );
    for label in [
        "Account identifying information",
        "Account balances",
        "Transaction data",
        "Layla Haddad",
        "24 November 2027",
    ] {
        assert!(english.text.contains(label), "{label}");
    }
    // The application's wish goes before the browser's.
    let mut ask = bank.ask();
    ask.insert("ui_locales", "fr en".to_owned());
    let response = browser.authorize(&ask).await;
    let page = Page::of(browser.open(&location(&response)).await).await;
    assert_eq!(page.one("html", "lang"), "en");
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages_at_every_bank() {
    let bank = start().await;
    let mut browser = Browser::new(&bank);
    for institution in ["cedar-bank", "harbor-bank", "palm-credit"] {
        for lang in ["en", "ar"] {
            for path in ["", "/", "/till", "/till?c=noura", "/login?i=gone", "/nothing/here"] {
                let joint = if path.contains('?') { '&' } else { '?' };
                let response = browser.open(&format!("/{institution}{path}{joint}lang={lang}")).await;
                let policy = response.headers()["content-security-policy"].to_str().unwrap();
                assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
                let page = Page::of(response).await;
                assert_eq!(page.one("html", "lang"), lang, "{institution}{path}");
                assert!(
                    !page.text.contains("<script")
                        && !page.text.contains("{}")
                        && !page.text.contains("style=")
                );
            }
            let style = browser.open(&format!("/{institution}/assets/bank.css")).await;
            assert_eq!(style.status(), StatusCode::OK);
        }
    }
    assert_eq!(browser.open("/?lang=ar").await.status(), StatusCode::OK);
    assert_eq!(browser.open("/no-bank/").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_style_sheet_has_logical_properties_only() {
    let bank = start().await;
    let style = Page::of(Browser::new(&bank).open("/cedar-bank/assets/bank.css").await).await.text;
    for physical in ["left", "right", "margin-top", "padding-bottom", "width:2", " height"] {
        assert!(!style.replace("min-width", "").replace("max-width", "").contains(physical), "{physical}");
    }
}

#[tokio::test]
async fn the_till_makes_things_happen() {
    let bank = start().await;
    let mut browser = Browser::new(&bank);
    let page = Page::of(browser.open("/cedar-bank/till").await).await;
    let (action, token) = (page.one("form", "action"), page.one("input[name=form_token]", "value"));
    let (customer, account) =
        (page.one("input[name=customer]", "value"), page.one("input[name=account]", "value"));
    assert_eq!(customer, "layla");
    let base =
        [("form_token", token.as_str()), ("customer", customer.as_str()), ("account", account.as_str())];
    let with = |more: &[(&'static str, &'static str)]| [&base[..], more].concat();
    for (form, said) in [
        (with(&[("do", "buy"), ("chip", "0")]), "buy"),
        (with(&[("do", "buy"), ("shop", "متجر"), ("amount", "٣٫٢٥")]), "buy"),
        (with(&[("do", "buy"), ("shop", "X")]), "amount"),
        (with(&[("do", "buy"), ("amount", "1")]), "shop"),
        (with(&[("do", "buy"), ("chip", "0"), ("amount", "99999")]), "funds"),
        (with(&[("do", "refund"), ("chip", "1")]), "refund"),
        (with(&[("do", "salary")]), "salary"),
        (with(&[("do", "post"), ("transaction", "none")]), "missing"),
    ] {
        let response = browser.send(&action, &form).await;
        let to = location(&response);
        assert!(to.contains(&format!("said={said}")), "{to} {form:?}");
        let page = Page::of(browser.open(&to).await).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.all(".notice", "role").len(), 1);
    }
    let page = Page::of(browser.open(&format!("/cedar-bank/till?c=layla&a={account}")).await).await;
    assert!(page.text.contains("3.25") && page.text.contains("متجر"));
    let pending = page.one("input[name=transaction]", "value");
    let form = [&base[..], &[("do", "post"), ("transaction", pending.as_str()), ("final", "4.00")]].concat();
    assert!(location(&browser.send(&action, &form).await).contains("said=post"));
    assert!(location(&browser.send(&action, &form).await).contains("said=state"));
    let forged = [("form_token", "x"), ("customer", "layla"), ("account", &account), ("do", "salary")];
    assert_eq!(browser.send(&action, &forged).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_people_type_is_shown_as_text() {
    let bank = start().await;
    let name = "<img src=x onerror=alert(1)>";
    let (status, _) = bank
        .control("purchase", serde_json::json!({ "customer": "layla", "merchant": name, "amount": 1 }))
        .await;
    assert_eq!(status, StatusCode::OK);
    let page = Page::of(Browser::new(&bank).open("/cedar-bank/till").await).await;
    assert!(!page.text.contains("<img") && page.text.contains("&#60;img"));
    let mut ask = bank.ask();
    ask.insert("client_id", "<b>x</b>".to_owned());
    let page = Page::of(Browser::new(&bank).authorize(&ask).await).await;
    assert!(!page.text.contains("<b>x</b>"));
}
