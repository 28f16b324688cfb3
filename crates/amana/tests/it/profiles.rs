//! `serve` with each provider's profile against `amana sandbox bank --profile`: from linking to the end, and what the
//! profile's bank agrees to holds from the first message on.

use crate::browser::Browser;
use crate::chat::{Chat, Till, allow, link, through_the_bank};
use crate::process::{PATIENCE, folder};
use crate::serve::World;
use amana_sandbox_bank::Front;
use serde_json::json;
use std::time::{Duration, Instant};

/// How many consents of a customer stand at the bank.
async fn standing(till: &Till) -> u64 {
    let done = till.act("consents/narrow", json!({"customer": "sam", "keep": []})).await;
    done["consents"].as_u64().expect("a number")
}

/// Every profile whose bank lets details through: link, balance, transactions, a purchase, stop; and the bank's own
/// record says that the grant is over. The bank behind each front is the same, so is what the customer reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_profile_goes_from_linking_to_its_end_in_the_gateway() {
    for name in Front::names().filter(|name| *name != "chase") {
        let (keep, _) = folder();
        let mut world = World::start_as(keep.path(), name);
        world.serve().await;
        let said = world.says(&["messenger", "setup"]);
        assert_eq!(said.code, Some(0), "{name}: {}", said.err);
        let chat = Chat::new(&world.chat_url, "55", "you");
        let till = Till::new(&world.bank_url, "harbor-bank");
        let done = link(&chat, "harbor-bank", "sam", "detail").await;
        assert!(done.status.is_success(), "{name}: {}", done.text());
        chat.hears(0, "is linked").await;
        let before = chat.said().await.len();
        till.buy("sam", "Amazon.com", "59.99").await;
        let told = chat.hears(before, "59.99").await;
        assert!(told.contains("Amazon"), "{name}: {told}");
        let balance = chat.ask("what is my balance?", "Here are your balances").await;
        assert!(balance.contains('$'), "{name}: {balance}");
        let rows = chat.ask("show my last transactions", "59.99").await;
        assert!(rows.contains("Amazon"), "{name}: {rows}");
        assert_eq!(standing(&till).await, 1, "{name}");
        let stopped = chat.ask("stop", "Stopped").await;
        assert!(!stopped.contains("only from you"), "{name}: {stopped}");
        let until = Instant::now() + PATIENCE;
        while standing(&till).await > 0 {
            assert!(Instant::now() < until, "{name}: the bank was not told: {}", world.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        world.stop();
    }
}

/// A consent for one reading (FDX `ONE_TIME`) at a bank in the strict profile. Listing the accounts for the customer to
/// choose from, as often as the page is opened, is not the reading: the first question is answered, and nothing after
/// it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consent_for_one_reading_outlives_the_linking_and_answers_once() {
    let (keep, _) = folder();
    let mut world = World::start_as(keep.path(), "fdx-blue");
    // The gateway asks for consents that last. A profile that asks for another in its place stands for a bank that
    // gives no other.
    let details = json!([{ "type": "fdx_v1.0", "consentRequest": {
        "durationType": "ONE_TIME",
        "lookbackPeriod": 90,
        "resources": [{ "resourceType": "ACCOUNT", "dataClusters": ["ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS"] }],
    } }]);
    let blue = include_str!("../../../amana-bank/profiles/fdx-blue.toml");
    let asks = format!("authorize_params = {{ prompt = \"consent\", authorization_details = '{details}' }}");
    let once = blue
        .replace("rar = \"on\"", "rar = \"off\"")
        .replace("authorize_params = { prompt = \"consent\" }", &asks)
        .replace("name = \"fdx-blue\"", "name = \"once\"");
    let file = keep.path().join("once.toml");
    std::fs::write(&file, once).expect("written");
    let config = std::fs::read_to_string(&world.config).expect("a file");
    let config = config.replace("profile = \"fdx-blue\"", &format!("profile_file = \"{}\"", file.display()));
    std::fs::write(&world.config, config).expect("written");

    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    chat.say("link my bank").await;
    let mut browser = Browser::new();
    let picker = browser.open(&chat.address("/link/start?").await).await;
    let choice = picker.form("/link/begin").with("institution", "harbor-bank");
    let login = browser.submit(&picker, choice).await;
    let mut page = through_the_bank(&mut browser, login, "sam").await;
    for _ in 0..2 {
        page = browser.open(page.url.as_str()).await;
        assert!(page.values("account").len() > 1, "{}", page.text());
    }
    let done = allow(&mut browser, page, "detail").await;
    assert!(done.status.is_success(), "{}", done.text());
    chat.hears(0, "is linked").await;
    let balance = chat.ask("what is my balance?", "Here are your balances").await;
    assert!(balance.contains('$'), "{balance}");
    for question in ["what is my balance?", "show my last transactions"] {
        let over = chat.ask(question, "asks you to sign in again").await;
        assert!(!over.contains('$'), "{over}");
    }
    world.stop();
}

/// Chase declines the details of transactions. A new deployment that says nothing of an agreement begins with that: the
/// customer hears that there is something, and reads it on our own sealed pages. What was allowed is taken back there
/// by the customer alone, who is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_deployment_with_chase_tells_of_transactions_by_notices_only() {
    let (keep, _) = folder();
    let mut world = World::start_as(keep.path(), "chase");
    world.serve().await;
    let said = world.says(&["messenger", "setup"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = world.says(&["agreement", "list"]);
    assert!(said.out.starts_with("harbor-bank page:55 active"), "{}", said.out);
    let said = world.says(&["doctor"]);
    assert!(said.code == Some(0) && said.out.contains("not tried against the bank itself"), "{}", said.out);
    for doubt in ["guesses, ask the bank: oauth.client_auth", "on the bank's own pages"] {
        assert!(said.out.contains(doubt), "`{doubt}`: {}", said.out);
    }

    let chat = Chat::new(&world.chat_url, "55", "you");
    let till = Till::new(&world.bank_url, "harbor-bank");
    let done = link(&chat, "harbor-bank", "sam", "notice").await;
    assert!(done.status.is_success(), "{}", done.text());
    chat.hears(0, "is linked").await;
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "59.99").await;
    chat.hears(before, "Harbor Bank").await;

    // The balance has changed, too: two notices, in whatever order they came.
    let until = Instant::now() + PATIENCE;
    while chat.addresses("/m#").await.len() < 2 {
        assert!(Instant::now() < until, "two notices: {:#?}", chat.said().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What a notice did not say is on the page behind it, once, after the bank's login.
    let mut browser = Browser::new();
    let mut told = String::new();
    for address in chat.addresses("/m#").await {
        let token = address.split('#').nth(1).expect("a token").to_owned();
        let page = browser.open(&address).await;
        let opened = browser.submit(&page, page.form("/m/open").set("t", &token)).await;
        // Who is signed in at that bank already is shown it at once.
        let shown = if opened.url.path().ends_with("/m/open") {
            opened
        } else {
            let ready = through_the_bank(&mut browser, opened, "sam").await;
            assert!(ready.url.path().ends_with("/m/ready"), "{}: {}", ready.url, ready.text());
            browser.submit(&ready, ready.form("/m/show")).await
        };
        let page = browser.open(&address).await;
        let again = browser.submit(&page, page.form("/m/open").set("t", &token)).await.text();
        assert!(!again.contains('$') && !again.contains("Amazon"), "{again}");
        told.push_str(&shown.text());
    }
    assert!(told.contains("59.99") && told.contains("Amazon"), "{told}");

    chat.ask("show my last transactions", "Harbor Bank").await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    let stopped = chat.ask("stop", "Stopped").await;
    assert!(stopped.contains("only from you"), "{stopped}");
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "61.01").await;
    assert_eq!(standing(&till).await, 1, "an application cannot take it back");
    chat.ask("what is my balance?", "link").await;
    let heard = chat.said().await;
    assert!(heard.len() == before + 1, "nothing of the purchase: {:#?}", heard.get(before..));
    for detail in ["59.99", "61.01", "Amazon", "$"] {
        assert!(!heard.concat().contains(detail), "`{detail}` is in the chat: {heard:#?}");
    }
}
