//! A bank that pushes no events: what happens there is told in the chat because it notifies, or because it is read; and
//! what is taken back there is over here.

use crate::chat::{Chat, Till, link};
use crate::process::{PATIENCE, folder};
use crate::serve::World;
use serde_json::json;
use std::time::{Duration, Instant};

/// Waits until so many lines of the gateway's log say this.
pub(crate) async fn logged(world: &World, what: &str, times: usize) {
    let until = Instant::now() + PATIENCE;
    while world.log().matches(what).count() < times {
        assert!(Instant::now() < until, "`{what}` is not there {times} times: {}", world.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until so many links were read for the first time: what is there then is where each begins.
pub(crate) async fn first_read(world: &World, links: u64) {
    let client = crate::browser::client();
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = client.get(format!("{}/metrics", world.gateway_url)).send().await.expect("an answer");
        let text = answer.text().await.expect("text");
        let polls =
            text.lines().find_map(|line| line.strip_prefix("amana_polls_total ")?.parse::<u64>().ok());
        if polls.is_some_and(|polls| polls >= links) {
            return;
        }
        assert!(Instant::now() < until, "no link was read");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Over real HTTP, with the real client and the real sandbox bank: the gateway subscribes when the first link is there;
/// a purchase, accounts that are taken out of the consent, and its end are told within seconds, though the hour of the
/// next poll and of the next look is far; a forged notification is refused; and with the last link the subscriptions
/// go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bank_notifies_of_is_told_at_once() {
    let (keep, _) = folder();
    let mut world = World::start_reading(keep.path(), None, "");
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    let till = Till::new(&world.bank_url, "harbor-bank");
    let done = link(&chat, "harbor-bank", "sam", "detail").await;
    assert!(done.status.is_success(), "{}", done.text());
    chat.hears(0, "is linked").await;
    logged(&world, "a bank's notifications are subscribed to", 5).await;
    first_read(&world, 1).await;

    let before = chat.said().await.len();
    till.act("fault", json!({"kind": "forged", "place": "notifications", "times": 1})).await;
    let order = json!({"customer": "sam", "merchant": "Amazon.com", "amount": "59.99"});
    let bought = till.act("purchase", order).await;
    chat.hears(before, "59.99").await;

    let before = chat.said().await.len();
    till.act("consents/narrow", json!({"customer": "sam", "keep": [bought["accountId"]]})).await;
    chat.hears(before, "share less").await;

    let before = chat.said().await.len();
    till.act("consents/revoke", json!({"customer": "sam"})).await;
    chat.hears(before, "was taken back").await;
    logged(&world, "a bank's notifications were ended", 5).await;
    let heard = chat.said().await.concat();
    assert_eq!(heard.matches("was taken back").count(), 1, "{heard}");
}

/// A purchase at the bank is told through polling alone, to one customer in detail and to another by a notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_at_a_bank_that_tells_nothing_is_told_as_the_consent_says() {
    let (keep, _) = folder();
    let reading = "agreement = \"detail\"\npolling_minutes = 1";
    let mut world = World::start_reading(keep.path(), Some("fdx-green"), reading);
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let till = Till::new(&world.bank_url, "harbor-bank");
    let mut chats = Vec::new();
    for (person, customer, form) in [("you", "sam", "detail"), ("other", "layla", "notice")] {
        let chat = Chat::new(&world.chat_url, "55", person);
        let done = link(&chat, "harbor-bank", customer, form).await;
        assert!(done.status.is_success(), "{}", done.text());
        chat.hears(0, "is linked").await;
        chats.push((chat, customer));
    }
    first_read(&world, 2).await;
    let mut before = Vec::new();
    for (chat, customer) in &chats {
        before.push(chat.said().await.len());
        till.buy(customer, "Blue Bottle Coffee", "7.77").await;
    }
    let [(detailed, _), (noticed, _)] = chats.as_slice() else { panic!("two chats") };
    // A minute to the next poll, and a quarter more.
    let patience = PATIENCE + Duration::from_secs(75);
    let said = detailed.hears_within(before[0], "7.77", patience).await;
    assert!(said.contains("Blue Bottle"), "{said}");
    noticed.hears_within(before[1], "Harbor Bank", patience).await;
    let heard = noticed.said().await.concat();
    for detail in ["7.77", "Blue Bottle", "$"] {
        assert!(!heard.contains(detail), "`{detail}` is in the chat: {heard}");
    }
    assert!(!world.log().contains("notifications are subscribed"), "this profile has none");
}
