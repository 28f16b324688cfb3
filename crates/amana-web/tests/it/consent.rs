//! The consent page.

use crate::support::{Answer, BANK, Browser, HARBOR, World, notice_of};
use amana_core::{AccountId, Form, InstitutionId, Lang, Purpose};
use amana_flow::{ConsentForm, PurposeChoice};
use amana_web::notice_text;
use axum::http::StatusCode;
use scraper::{Html, Selector};

fn select(page: &Answer, selector: &str) -> Vec<(String, Option<String>)> {
    let html = Html::parse_document(&page.text());
    let selector = Selector::parse(selector).expect("a selector");
    let name = |e: scraper::ElementRef<'_>| e.value().attr("name").unwrap_or_default().to_owned();
    html.select(&selector).map(|e| (name(e), e.value().attr("value").map(str::to_owned))).collect()
}

fn values(page: &Answer, selector: &str) -> Vec<String> {
    select(page, selector).into_iter().filter_map(|(_, value)| value).collect()
}

#[tokio::test]
async fn nothing_is_ticked_and_the_least_open_form_stands_chosen() {
    let world = World::new().await;
    let page = Browser::new(&world, Lang::English).to_consent("t1").await;
    assert!(select(&page, "input[type=checkbox][checked]").is_empty());
    assert_eq!(
        values(&page, "input[name=purpose]"),
        ["BalanceOnRequest", "TransactionUpdate", "BalanceUpdate"]
    );
    assert_eq!(values(&page, "input[name=account]"), ["a1", "a2", "a3"]);
    assert_eq!(values(&page, "input[type=radio][checked]"), ["notice", "notice", "notice"]);
    assert_eq!(values(&page, "option"), ["30", "90", "180", "365"]);
    assert_eq!(values(&page, "option[selected]"), ["90"]);
    let text = page.text();
    assert!(text.contains("What may <bdi>Cedar Bank</bdi> share with Messenger?"));
    assert!(text.contains("Meta runs Messenger and can read what appears in the chat."));
    for label in ["Account identifying information", "Account balances", "Transaction data"] {
        assert!(text.contains(label), "{label}");
    }
    assert!(
        text.contains("••1234") && text.contains("حساب الادخار &lt;b&gt;"),
        "names are text, never markup"
    );
}

#[tokio::test]
async fn what_is_missing_is_said_and_what_was_chosen_stays() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let notice = notice_of(&browser.to_consent("t1").await);
    let again = browser
        .post(
            "/link/consent",
            &[
                ("notice", &notice),
                ("lang", "en"),
                ("purpose", "TransactionUpdate"),
                ("form.TransactionUpdate", "summary"),
                ("days", "180"),
            ],
        )
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.text().contains("href=\"#accounts\"") && again.text().contains("Tick at least one account.")
    );
    assert!(!again.text().contains("Tick at least one purpose"));
    assert_eq!(values(&again, "input[type=checkbox][checked]"), ["TransactionUpdate"]);
    assert_eq!(values(&again, "input[name='form.TransactionUpdate'][checked]"), ["summary"]);
    assert_eq!(values(&again, "option[selected]"), ["180"]);

    // What the page does not offer is no choice: a purpose without an agreement, another's account, ten years.
    for (name, value, error) in [
        ("purpose", "BankOffer", "Tick at least one purpose"),
        ("account", "somebody-elses", "Tick at least one account."),
        ("days", "3650", "Choose for how long."),
        ("form.BalanceOnRequest", "everything", "Choose how much"),
        ("notice", "0000", "has changed while this page was open"),
    ] {
        let mut fields = vec![
            ("notice", notice.as_str()),
            ("lang", "en"),
            ("purpose", "BalanceOnRequest"),
            ("form.BalanceOnRequest", "detail"),
            ("account", "a1"),
            ("days", "90"),
        ];
        for field in &mut fields {
            if field.0 == name {
                field.1 = value;
            }
        }
        let answer = browser.post("/link/consent", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.text().contains(error), "{name}: {error}");
    }
}

/// A valid choice with one thing beside it that is none: nothing is recorded, not even the valid part.
#[tokio::test]
async fn what_exists_nowhere_is_refused_and_not_left_out() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let notice = notice_of(&browser.to_consent("t1").await);
    let valid = [
        ("notice", notice.as_str()),
        ("lang", "en"),
        ("purpose", "BalanceOnRequest"),
        ("form.BalanceOnRequest", "detail"),
        ("account", "a1"),
        ("days", "90"),
    ];
    for beside in [
        ("purpose", "Everything"),
        ("purpose", ""),
        ("purpose", "BankOffer"),
        ("form.TransactionUpdate", "everything"),
        ("form.TransactionUpdate", ""),
        ("form.Everything", "detail"),
        ("account", "somebody-elses"),
    ] {
        let mut fields = valid.to_vec();
        fields.push(beside);
        let answer = browser.post("/link/consent", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{beside:?}");
        let counts = world.gateway.store().counts().await.expect("counts");
        assert_eq!((counts.links_active, counts.receipts), (0, 0), "{beside:?}");
    }
    assert_eq!(browser.post("/link/consent", &valid).await.location(), "/link/done");
}

#[tokio::test]
async fn a_page_posted_twice_gives_one_consent() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let notice = notice_of(&browser.to_consent("t1").await);
    let before = browser.cookies();
    let fields = [
        ("notice", notice.as_str()),
        ("lang", "en"),
        ("purpose", "BalanceOnRequest"),
        ("form.BalanceOnRequest", "detail"),
        ("account", "a1"),
        ("days", "90"),
    ];
    assert_eq!(browser.post("/link/consent", &fields).await.location(), "/link/done");
    // With the new cookie, and as a second press of the button would, with the old one.
    assert_eq!(browser.post("/link/consent", &fields).await.status, StatusCode::GONE);
    let twin = Browser::new(&world, Lang::English);
    twin.bring(before);
    let twice = twin.post("/link/consent", &fields).await;
    assert_eq!(twice.status, StatusCode::GONE);
    assert!(twice.text().contains("your choice was recorded once"));
    assert_eq!(world.gateway.store().counts().await.expect("counts").links_active, 1);
    assert_eq!(world.gateway.store().counts().await.expect("counts").receipts, 1);
}

#[tokio::test]
async fn not_allowing_shares_nothing() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::Arabic);
    browser.to_consent("t1").await;
    let answer = browser.post("/link/cancel", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text().contains("لم يُربط شيء"));
    assert_eq!(browser.get("/link/consent").await.status, StatusCode::GONE);
    assert_eq!(world.gateway.store().counts().await.expect("counts").links_active, 0);
}

fn form(lang: Lang, form_max: Form) -> ConsentForm {
    let purpose = Purpose::TransactionUpdate;
    ConsentForm {
        person: Some("Sam H.".into()),
        lang,
        institution_id: InstitutionId::new("cedar").expect("an id"),
        institution: "Cedar Bank".into(),
        purposes: vec![PurposeChoice { purpose, clusters: purpose.clusters(), form_max }],
        accounts: vec![AccountId::new("a1").expect("an id")],
        accounts_sha256: "ab12".into(),
        days_max: None,
        aggregator: None,
    }
}

/// The hashed text is the page's, the same for the same form, another for another language or offer.
#[test]
fn the_notice_is_deterministic_and_whole() {
    let text = notice_text(&form(Lang::English, Form::Detail));
    assert_eq!(text, notice_text(&form(Lang::English, Form::Detail)));
    for part in [
        "Cedar Bank",
        "Transaction data",
        "All the details",
        "sha256:ab12",
        "Meta runs Messenger",
        "365 days",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let less = notice_text(&form(Lang::English, Form::Summary));
    assert!(!less.contains("All the details") && less.contains("Amounts, without names"));
    assert_ne!(text, notice_text(&form(Lang::Arabic, Form::Detail)));
    assert!(!text.contains("consent-") && !text.contains("purpose-"), "no text is missing");
}

/// A bank whose tokens end after a month is not offered for a year, in either language, and the text says whose doing
/// it is.
#[test]
fn no_longer_is_offered_than_the_bank_keeps_up() {
    for (days_max, offered, not) in [
        (30, vec!["( ) 30 days"], vec!["( ) 90", "365"]),
        (45, vec!["( ) 30 days", "( ) 45 days"], vec!["( ) 90"]),
    ] {
        let text =
            notice_text(&ConsentForm { days_max: Some(days_max), ..form(Lang::English, Form::Detail) });
        let bound = format!("Cedar Bank lets it be for {days_max} days at most");
        let plain: String = text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect();
        assert!(plain.contains(&bound), "{plain}");
        for label in offered {
            assert!(plain.contains(label), "{label}: {plain}");
        }
        for label in not {
            assert!(
                !plain.lines().any(|line| line.starts_with("( )") && line.contains(label)),
                "{label}: {plain}"
            );
        }
    }
    let arabic = notice_text(&ConsentForm { days_max: Some(30), ..form(Lang::Arabic, Form::Detail) });
    assert!(arabic.contains("لا يسمح") && !arabic.contains("سنة كاملة"), "{arabic}");
    let free = notice_text(&form(Lang::English, Form::Detail));
    assert!(free.contains("365 days") && !free.contains("at most. Before"));
}

/// 12 CFR 1033.431: on the page (so in the notice that is recorded), in the receipt and on the customer's own page, in
/// either language; and nowhere where the bank itself is asked.
#[tokio::test]
async fn an_aggregator_is_named_wherever_a_consent_is() {
    let world = World::new().await;
    for (n, (bank, lang)) in
        [(HARBOR, Lang::English), (HARBOR, Lang::Arabic), (BANK, Lang::English)].into_iter().enumerate()
    {
        let through = bank == HARBOR;
        let name = if lang == Lang::English { "Akoya" } else { "أكويا" };
        let browser = Browser::new(&world, lang);
        let token = world.token(&format!("read-{n}")).await;
        let page = browser.to_consent_of(bank, &token).await.text();
        assert_eq!(page.contains(name), through, "{bank} {lang:?}");
        browser.link_with(bank, &format!("link-{n}")).await;
        let own = browser.get("/privacy").await.text();
        assert_eq!(own.contains(name), through, "{bank} {lang:?}");
        let consent = crate::support::value_of(&own, "consent");
        let receipt = browser.get(&format!("/privacy/consent/{consent}.jsonld")).await.json();
        let named = &receipt["dpv:hasEntity"]["this:aggregator"]["dpv:hasName"];
        assert_eq!(named.as_str(), through.then_some("Akoya"), "{receipt}");
        let recipients = receipt["dpv:hasProcess"][0]["dpv:hasRecipient"].to_string();
        assert_eq!(recipients.contains("this:aggregator"), through);
        let text = receipt.to_string();
        assert_eq!(text.contains("\"dpv:DataProcessor\""), through);
        for term in text.split("\"dpv:").skip(1).filter_map(|rest| rest.split('"').next()) {
            let known = amana_flow::DPV_TERMS.contains(&term) || amana_flow::DPV_PURPOSES.contains(&term);
            assert!(known, "`dpv:{term}` is not on the list");
        }
    }
    let named =
        notice_text(&ConsentForm { aggregator: Some("Akoya".into()), ..form(Lang::English, Form::Detail) });
    let plain: String = named.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect();
    assert!(plain.contains("through Akoya, a data aggregator") && plain.contains("It certifies"), "{plain}");
}

#[tokio::test]
async fn the_consents_receipt_is_downloaded_by_its_holder_alone() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let consent = crate::support::value_of(&browser.get("/privacy").await.text(), "consent");
    let path = format!("/privacy/consent/{consent}.jsonld");
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/ld+json");
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{consent}.jsonld\""));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["dct:source"]["dpv:hasIdentifier"], consent.as_str());

    let unknown = "con_00000000000000000000000000000000";
    for path in [
        format!("/privacy/consent/{consent}"),
        format!("/privacy/consent/{unknown}.jsonld"),
        "/privacy/consent/x.jsonld".to_owned(),
    ] {
        assert_eq!(browser.get(&path).await.status, StatusCode::GONE, "{path}");
    }
    let stranger = Browser::new(&world, Lang::Arabic);
    let answer = stranger.get(&path).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(!answer.text().contains("dpv:"));
}
