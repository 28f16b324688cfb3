//! The whole story over HTTP: link, ask in two languages, a purchase, the privacy page, stop, and the purchase that
//! is not told.

use crate::browser::Browser;
use crate::chat::{Chat, Till, link, link_from, through_the_bank};
use crate::process::{Demo, folder};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_ask_update_look_stop() {
    let (_keep, data) = folder();
    let demo = Demo::start(&data, [0; 3], &["--log", "debug"]);
    let chat = Chat::new(&demo.chat, "1000", "you");

    let done = link(&chat, "cedar-bank", "layla", "detail").await;
    assert!(done.status.is_success(), "{}", done.text());
    chat.hears(0, "Your account at Cedar Bank is linked").await;

    let english = chat.ask("what is my balance?", "$").await;
    let arabic = chat.ask("كم رصيدي؟", "بنك الأرز").await;
    assert!(
        english.contains("Cedar Bank") && arabic.chars().any(|c| ('\u{0600}'..='\u{06ff}').contains(&c)),
        "{english} / {arabic}"
    );
    chat.ask("switch to english", "").await;

    let before = chat.said().await.len();
    let till = Till::new(&demo.bank, "cedar-bank");
    let transaction = till.buy("layla", "Blue Bottle Coffee", "4.51").await;
    let told = chat.hears(before, "4.51").await;
    assert!(told.contains("Blue Bottle"), "{told}");

    // It posts, is delivered again, and stays one story.
    till.act("post", serde_json::json!({"transactionId": transaction})).await;
    till.act("redeliver", serde_json::json!({"last": 4, "batch": true})).await;
    settled(&till).await;
    let stories = chat.said().await.iter().skip(before).filter(|m| m.contains("4.51")).count();
    assert_eq!(stories, 1, "{:#?}", chat.said().await);

    // The privacy page lists it, with what was said.
    chat.ask("my privacy", "").await;
    let mut browser = Browser::new();
    let page = browser.open(&chat.address("/privacy").await).await;
    let enter = page.form("/privacy/sign-in").with("institution", "cedar-bank");
    let login = browser.submit(&page, enter).await;
    let page = if login.url.path().ends_with("/privacy") {
        login
    } else {
        through_the_bank(&mut browser, login, "layla").await
    };
    assert!(page.url.path().ends_with("/privacy"), "{}: {}", page.url, page.text());
    let text = page.text();
    assert!(text.contains("4.51") && text.contains("Blue Bottle"), "{text}");
    assert!(text.contains("Account balances") && text.contains("Transaction data"), "{text}");

    // Stop, and the next purchase is not told.
    let everything = page.forms("/privacy/revoke").into_iter().last().expect("a stop button");
    let page = browser.submit(&page, everything).await;
    assert!(page.status.is_success(), "{}", page.text());
    // What was on its way may arrive; then it is still.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = chat.said().await.len();
    till.buy("layla", "Trader Joe's", "36.75").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = chat.said().await;
    assert_eq!(after.len(), before, "{:#?}", after.get(before..));

    // Nothing protected was logged, not even at `debug`.
    let log = demo.process.log();
    for secret in ["$4.51", "Blue Bottle", "$36.75", "layla"] {
        assert!(!log.contains(secret), "`{secret}` is in the log");
    }
    let (status, took) = demo.process.interrupt();
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
}

/// Waits until the bank has nothing left to push.
async fn settled(till: &Till) {
    for _ in 0..500 {
        let events = till.events().await;
        let words: Vec<String> = events
            .iter()
            .map(|event| event["status"].as_str().expect("a word").to_ascii_lowercase())
            .collect();
        for word in &words {
            assert!(
                ["waiting", "delivered", "dropped"].contains(&word.as_str()),
                "`{word}` is not known here"
            );
        }
        if words.iter().all(|word| word != "waiting") {
            tokio::time::sleep(Duration::from_millis(700)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the bank does not get rid of its events");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_link_button_works_too() {
    let (_keep, data) = folder();
    let demo = Demo::start(&data, [0; 3], &[]);
    // A bank's own Page, in Arabic.
    let chat = Chat::new(&demo.chat, "1002", "noura");
    chat.say("اربط مصرفي").await;
    chat.address("/link/start?").await;
    let address = chat.tap("account_link", "", "").await.expect("the browser opens");
    let mut browser = Browser::new();
    let picker = browser.open(&address).await;
    let done = link_from(&mut browser, picker, "harbor-bank", "noura", "summary").await;
    assert!(done.url.as_str().starts_with(&demo.chat), "back at the platform: {} {}", done.url, done.text());
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(chat.thread().await["linked"], true);
    chat.hears(0, "مرتبط الآن").await;
    let balance = chat.ask("كم رصيدي؟", "بنك المرفأ").await;
    assert!(balance.contains("د.ك") || balance.contains("KWD"), "{balance}");
}
