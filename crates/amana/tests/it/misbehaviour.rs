//! Banks that misbehave, as their customers meet it in the chat: nothing is told twice, nobody hears of anybody else's
//! data, and what has run out is renewed.

use crate::browser::Browser;
use crate::chat::{Chat, Till, link, through_the_bank};
use crate::process::{PATIENCE, folder};
use crate::serve::World;
use crate::upkeep::{first_read, logged};
use serde_json::json;
use std::time::Duration;

/// A notification hastens a poll a minute after the last one at the soonest, and a quarter more.
const NEXT_POLL: Duration = Duration::from_secs(75);

/// A customer of the bank and their chat.
struct Person {
    chat: Chat,
    username: &'static str,
    /// The amounts of which they are to hear, once each.
    told: Vec<&'static str>,
}

impl Person {
    async fn buys(&mut self, till: &Till, amount: &'static str) {
        let before = self.chat.said().await.len();
        till.buy(self.username, "Blue Bottle Coffee", amount).await;
        self.chat.hears_within(before, amount, PATIENCE + NEXT_POLL).await;
        self.told.push(amount);
    }
}

async fn fault(till: &Till, kind: &str, place: &str, more: serde_json::Value) {
    let mut order = json!({ "kind": kind, "place": place });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    till.act("fault", order).await;
}

/// Over real HTTP, with the real client, reading because the bank notifies: rows twice, rows under other ids, answers
/// and notifications that are late, doubled, in each other's place or about somebody else's account, an ID token of
/// somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_bank_does_nothing_is_told_twice_and_nobody_hears_of_anothers() {
    let (keep, _) = folder();
    let mut world = World::start_reading(keep.path(), None, "");
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let till = Till::new(&world.bank_url, "harbor-bank");
    let mut people = Vec::new();
    for (user, username) in [("u1", "sam"), ("u2", "layla"), ("u3", "omar"), ("u4", "noura")] {
        let chat = Chat::new(&world.chat_url, "55", user);
        let done = link(&chat, "harbor-bank", username, "detail").await;
        assert!(done.status.is_success(), "{}", done.text());
        chat.hears(0, "is linked").await;
        people.push(Person { chat, username, told: Vec::new() });
    }
    logged(&world, "a bank's notifications are subscribed to", 5).await;
    first_read(&world, 4).await;
    let [sam, layla, omar, noura] = people.as_mut_slice() else { panic!("four") };
    let forever = json!({});
    let once = json!({ "times": 1 });

    // Every row twice, in each answer.
    fault(&till, "duplicates", "fdx", forever.clone()).await;
    sam.buys(&till, "59.99").await;
    fault(&till, "none", "fdx", forever.clone()).await;

    // Two notifications of it (of the row and of the balance), late, in each other's place and each of them twice.
    fault(&till, "slow", "notifications", json!({ "times": 1, "ms": 500 })).await;
    fault(&till, "reordered", "notifications", once.clone()).await;
    fault(&till, "duplicates", "notifications", json!({ "times": 4 })).await;
    layla.buys(&till, "41.41").await;
    fault(&till, "none", "fdx", forever.clone()).await;

    // A notification about somebody else's account leads to nothing of theirs being said, here or there.
    fault(&till, "misdirected", "notifications", once.clone()).await;
    omar.buys(&till, "32.23").await;

    // An answer that takes its time.
    fault(&till, "slow", "fdx", json!({ "ms": 3_000 })).await;
    noura.buys(&till, "27.72").await;
    fault(&till, "none", "fdx", forever.clone()).await;

    // A token is refused, and the one in its place comes with somebody else's name: nothing is read with it, and the
    // link is over, here and at the bank. (Only its own: the others' go on.)
    fault(&till, "unauthorized", "fdx", once.clone()).await;
    fault(&till, "other_subject", "token", once).await;
    let refused = noura.chat.ask("what is my balance?", "asks you to sign in again").await;
    assert!(!refused.contains('$'), "{refused}");
    let refused = noura.chat.ask("what is my balance?", "link").await;
    assert!(!refused.contains('$'), "{refused}");
    layla.chat.ask("what is my balance?", "Here are your balances").await;

    // The rows that Sam was told of are there under other ids from now on, and one that is new.
    fault(&till, "changed_ids", "fdx", forever).await;
    sam.buys(&till, "61.16").await;

    for person in &people {
        let said = person.chat.said().await.concat();
        for amount in people.iter().flat_map(|other| &other.told) {
            let times = usize::from(person.told.contains(amount));
            assert_eq!(said.matches(amount).count(), times, "`{amount}` to {}: {said}", person.username);
        }
    }
}

/// The time of a consent is over at the bank. It is said once, and one tap renews it: what was allowed goes on, and
/// what is bought then is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consent_that_runs_out_at_the_bank_is_renewed_by_one_tap() {
    let (keep, _) = folder();
    let mut world = World::start_reading(keep.path(), None, "");
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let till = Till::new(&world.bank_url, "harbor-bank");
    let chat = Chat::new(&world.chat_url, "55", "you");
    let done = link(&chat, "harbor-bank", "yusuf", "detail").await;
    assert!(done.status.is_success(), "{}", done.text());
    chat.hears(0, "is linked").await;
    logged(&world, "a bank's notifications are subscribed to", 5).await;
    first_read(&world, 1).await;
    let before = chat.said().await.len();
    till.act("expire", json!({ "customer": "yusuf" })).await;
    chat.hears(before, "The time of what you allowed").await;
    let mut browser = Browser::new();
    let page = browser.open(&chat.address("/link/renew?").await).await;
    let login = browser.submit(&page, page.form("/link/renew")).await;
    let done = through_the_bank(&mut browser, login, "yusuf").await;
    assert!(done.url.path().ends_with("/privacy") && done.text().contains("Renewed."), "{}", done.text());
    // At once: nothing has been read on the renewed link yet.
    let before = chat.said().await.len();
    till.buy("yusuf", "Blue Bottle Coffee", "18.81").await;
    chat.hears_within(before, "18.81", PATIENCE + NEXT_POLL).await;
    let said = chat.said().await.concat();
    assert_eq!(said.matches("The time of what you allowed").count(), 1, "{said}");
    assert_eq!(said.matches("18.81").count(), 1, "{said}");
}
