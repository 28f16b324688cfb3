//! What a customer may do with everything about them: take it along, and have it erased.

use crate::support::{BANK, Browser, HARBOR, NOW, PERSON, World, conversation, purchase, value_of};
use amana_core::{Clock as _, ConversationId, Lang, Psid};
use amana_log::bundle::{Trust, verify};
use amana_store::{Command, Token};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

const OTHER: &str = "77077";

/// Somebody else, in a chat of their own, at the other bank.
async fn somebody_else(world: &World) -> Browser<'_> {
    let token = Token {
        hash: amana_core::ids::token_hash("t-other"),
        conversation: ConversationId { psid: Psid::new(OTHER).expect("an id"), ..conversation() },
        expires_at: world.clock.now().checked_add(Duration::from_secs(600)).expect("an instant"),
        consumed_at: None,
    };
    *world.bank.subject.lock().expect("lock") = "customer-2".into();
    world.gateway.store().submit(vec![Command::PutToken(token)]).await.expect("kept");
    let other = Browser::new(world, Lang::English);
    other.link_by(HARBOR, "t-other").await;
    *world.bank.subject.lock().expect("lock") = "customer-1".into();
    other
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_export_is_everything_about_one_and_nothing_of_another() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let other = somebody_else(&world).await;
    world.says("m1", "what's my balance?").await;
    world.pushes(&purchase("e1", "a1")).await;

    let answer = browser.get("/privacy/export").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"amana-2026-11-24.json\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    let export = answer.json();
    let mut names = keys(&export);
    names.sort_unstable();
    let expected = [
        "agreements",
        "consents",
        "customer",
        "customer_since",
        "institution",
        "kept_without_content",
        "links",
        "made_at",
        "passkeys",
        "proof",
        "receipts",
        "retention_days",
        "schema",
        "told",
    ];
    assert_eq!(names, expected);
    assert_eq!((&export["schema"], &export["made_at"]), (&json!("amana/export/v1"), &json!(NOW)));
    let customer = export["customer"].as_str().expect("an id");
    assert!(customer.starts_with("cus_"));
    assert_eq!(export["customer_since"], NOW);
    assert_eq!(export["institution"], json!({"id": BANK, "name": "Cedar Bank"}));

    // The consent with its events, the link with its chat, the terms under which both stand.
    let [given] = export["consents"].as_array().expect("a list").as_slice() else { panic!("one consent") };
    assert_eq!(
        (&given["consent"]["customer"], &given["consent"]["psid"]),
        (&json!(customer), &json!(PERSON))
    );
    assert_eq!(given["consent"]["state"], "active");
    assert_eq!(keys(&given["consent"]["grants"]), ["BalanceOnRequest", "TransactionUpdate"]);
    assert_eq!(given["events"].as_array().map(Vec::len), Some(1), "{given}");
    assert!(given["head"].is_string() || given["head"].is_array(), "{given}");
    let [link] = export["links"].as_array().expect("a list").as_slice() else { panic!("one link") };
    assert_eq!(link["id"], given["consent"]["link"]);
    assert_eq!((&link["page_scoped_id"], &link["state"]), (&json!(PERSON), &json!("active")));
    assert_eq!((&link["created_at"], &link["ended_at"]), (&json!(NOW), &Value::Null));
    assert_eq!((&link["channel"], &link["accounts"]), (&json!("1001"), &json!(["a1", "a2", "a3"])));
    assert_eq!(link["chat"]["language"], "en");
    assert!(link["chat"]["last_wrote_at"].is_string());
    let [agreement] = export["agreements"].as_array().expect("a list").as_slice() else { panic!("one") };
    assert_eq!(agreement["institution"], BANK);
    assert_eq!(export["told"], json!([{"state": "authorised", "told_at": NOW}]));
    let kept = json!({
        "bank_access_tokens": 1, "books": 1, "browser_sessions": 1, "news_waiting": 0, "notice_pages": 0,
    });
    assert_eq!(export["kept_without_content"], kept);
    assert_eq!(export["retention_days"]["customer"], 1_096);
    assert_eq!(export["retention_days"]["session"], Value::Null, "minutes");

    // Every receipt: its fields, exactly its bytes, and for a disclosure what was said and what became of it.
    let receipts = export["receipts"].as_array().expect("a list");
    let kinds: Vec<&str> = receipts.iter().filter_map(|receipt| receipt["fields"]["kind"].as_str()).collect();
    assert_eq!(kinds, ["consent", "disclosure", "outcome", "disclosure", "outcome", "view"]);
    for (receipt, seq) in receipts.iter().zip(1u64..) {
        let bytes = STANDARD.decode(receipt["bytes"].as_str().expect("bytes")).expect("base64");
        let fields: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!((&fields, fields["seq"].as_u64()), (&receipt["fields"], Some(seq)));
        assert_eq!(receipt["message"].is_object(), fields["kind"] == "disclosure", "{receipt}");
    }
    for (at, said) in [(1, "2,480.15"), (3, "Blue Bottle Coffee")] {
        let message = &receipts[at]["message"];
        assert!(message["said"].to_string().contains(said), "{message}");
        assert_eq!((&message["state"], &message["sent_at"]), (&json!("sent"), &json!(NOW)));
        assert!(message["id"].as_str().is_some_and(|id| id.starts_with("msg_")));
    }
    assert_eq!(receipts[5]["fields"]["template"], "export", "this look is the last one");

    // The proof that these are all: the bundle itself, of the same receipts.
    let good = verify(&export["proof"].to_string(), &Trust::default());
    let good = good.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!((good.receipts, good.kinds["view"]), (6, 1));
    let proved = export["proof"]["receipts"].as_array().expect("a list");
    assert_eq!(proved.len(), receipts.len());

    // Nothing of the other one, and the other way round.
    let mine = answer.text();
    let theirs = other.get("/privacy/export").await;
    assert_eq!(theirs.status, StatusCode::OK);
    let other_customer = theirs.json()["customer"].as_str().expect("an id").to_owned();
    for of_the_other in [OTHER, HARBOR, "Harbor Savings", other_customer.as_str()] {
        assert!(!mine.contains(of_the_other), "`{of_the_other}` is in the export");
        assert!(theirs.text().contains(of_the_other), "`{of_the_other}` is in their own");
    }
    for own in [PERSON, BANK, "Cedar Bank", customer] {
        assert!(mine.contains(own) && !theirs.text().contains(own), "`{own}`");
    }
    // The shop is also the example on the consent page, whose text is in both.
    let said = |export: &Value| export["receipts"].to_string().contains("Blue Bottle");
    assert!(said(&export) && !said(&theirs.json()), "what was said is its customer's");
    // Nor a secret of anybody: the cookie, the bank's tokens.
    let secrets: Vec<String> = browser.cookies().into_values().filter(|value| value.len() > 20).collect();
    assert!(!secrets.is_empty() && secrets.iter().all(|cookie| !mine.contains(cookie)));
    assert!(!mine.contains("refresh") && !mine.contains("customer-1"));
    // The look is on the page.
    assert!(browser.get("/privacy").await.text().contains("You took everything about you with you"));
}

#[tokio::test]
async fn an_export_is_for_who_is_signed_in() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    assert_eq!(browser.get("/privacy/export").await.location(), "/privacy");
    // Before the bank has said who comes, nobody is signed in.
    browser.to_consent("t1").await;
    assert_eq!(browser.get("/privacy/export").await.location(), "/privacy");
    browser.link("t2").await;
    assert_eq!(browser.get("/privacy/export").await.status, StatusCode::OK);
    world.clock.advance_s(1_801);
    assert_eq!(browser.get("/privacy/export").await.location(), "/privacy");
    // Nothing but a GET.
    assert_eq!(browser.post("/privacy/export", &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn everything_is_erased_in_two_steps() {
    for (lang, words) in [
        (
            Lang::English,
            [
                "Erase everything about me …",
                "Erase everything about you?",
                "No, keep it",
                "Everything is erased",
            ],
        ),
        (Lang::Arabic, ["محو كل ما يخصني …", "هل تريد محو كل ما يخصك؟", "لا، احتفظوا به", "تم محو كل شيء"]),
    ] {
        let [button, question, back, done] = words;
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        let other = somebody_else(&world).await;
        let page = browser.get("/privacy").await.text();
        assert!(page.contains(button));
        let csrf = value_of(&page, "csrf");

        // The first step asks, and changes nothing.
        let asked = browser.post("/privacy/erase", &[("csrf", &csrf)]).await;
        assert_eq!(asked.status, StatusCode::OK);
        let asked = asked.text();
        assert!(asked.contains(question) && asked.contains(back), "{asked}");
        assert!(asked.contains("href=\"/privacy/export\""), "a copy first");
        assert!(asked.contains(if lang == Lang::Arabic { "dir=\"rtl\"" } else { "dir=\"ltr\"" }));
        let word = value_of(&asked, "word");
        assert_eq!(value_of(&asked, "csrf"), csrf);
        assert!(browser.get("/privacy").await.text().contains(button), "still there");

        // Neither another's form, nor a guess, nor a form of another site does it.
        for fields in [
            [("csrf", "guessed"), ("word", word.as_str())],
            [("csrf", ""), ("word", word.as_str())],
            [("csrf", csrf.as_str()), ("word", "guessed")],
        ] {
            assert_eq!(browser.post("/privacy/erase", &fields).await.status, StatusCode::GONE, "{fields:?}");
        }
        let fields = [("csrf", csrf.as_str()), ("word", word.as_str())];
        assert_eq!(other.post("/privacy/erase", &fields).await.status, StatusCode::GONE, "another session");
        let stranger = Browser::new(&world, lang);
        assert_eq!(stranger.post("/privacy/erase", &fields).await.status, StatusCode::GONE, "no session");
        assert_eq!(
            browser.post_from("cross-site", "/privacy/erase", &fields).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(browser.get("/privacy/erase").await.status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(browser.get("/privacy").await.text().contains(button), "still there");

        // The second step does it, says so, and signs the browser out.
        let cookies = browser.cookies();
        let erased = browser.post("/privacy/erase", &fields).await;
        assert_eq!(erased.status, StatusCode::OK);
        assert!(erased.text().contains(done), "{}", erased.text());
        assert_ne!(browser.cookies(), cookies, "the cookie is taken away");
        browser.bring(cookies);
        assert_eq!(browser.post("/privacy/erase", &fields).await.status, StatusCode::GONE, "once");
        assert!(!browser.get("/privacy").await.text().contains(button), "signed out");
        assert_eq!(browser.get("/privacy/export").await.location(), "/privacy");
        assert_eq!(browser.get("/privacy/bundle").await.status, StatusCode::GONE);
        world.gateway.settle().await.expect("settled");

        // The other one is untouched; who is erased can link again, as a new customer.
        assert_eq!(other.get("/privacy/export").await.json()["receipts"].as_array().map(Vec::len), Some(2));
        *world.bank.subject.lock().expect("lock") = "customer-1".into();
        let again = Browser::new(&world, lang);
        again.link("t3").await;
        let export = again.get("/privacy/export").await.json();
        let kinds: Vec<_> = export["receipts"].as_array().expect("a list").iter().collect();
        assert_eq!((kinds.len(), &export["links"][0]["state"]), (2, &json!("active")), "from the beginning");
        assert_eq!(export["links"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn the_word_of_an_erasure_is_good_for_a_while() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let csrf = value_of(&browser.get("/privacy").await.text(), "csrf");
    let ask = async || value_of(&browser.post("/privacy/erase", &[("csrf", &csrf)]).await.text(), "word");
    let first = ask().await;
    world.clock.advance_s(amana_flow::limits::ERASE_ASKED_S);
    let late = browser.post("/privacy/erase", &[("csrf", &csrf), ("word", &first)]).await;
    assert_eq!(late.status, StatusCode::GONE);
    assert_eq!(browser.get("/privacy").await.status, StatusCode::OK);
    let second = ask().await;
    assert_ne!(first, second);
    let done = browser.post("/privacy/erase", &[("csrf", &csrf), ("word", &second)]).await;
    assert!(done.status == StatusCode::OK && done.text().contains("Everything is erased"));
}
