//! What a person corrects: the last words count, and "stop" is "stop" whenever it comes.

use crate::support::*;
use amana_channel::webhook::{Inbound, parse};
use amana_core::Clock as _;
use amana_store::Command;
use serde_json::{Value, json};

/// As the platform's webhook brings it.
fn inbound(name: &str, item: &Value) -> Vec<Inbound> {
    let at = 1_795_514_400_000_i64;
    let item = json!({"sender": {"id": "1"}, "recipient": {"id": PAGE}, "timestamp": at, name: item});
    let body = json!({"object": "page", "entry": [{"id": PAGE, "time": at, "messaging": [item]}]});
    parse(body.to_string().as_bytes()).expect("a webhook").events
}

fn wrote(mid: &str, text: &str) -> Vec<Inbound> {
    inbound("message", &json!({"mid": mid, "text": text}))
}

/// The sample of the reference types `num_edit` as a string, its table as a number.
fn changed(mid: &str, text: &str, times: u32) -> Vec<Inbound> {
    let times = if times == 1 { json!("1") } else { json!(times) };
    inbound("message_edit", &json!({"mid": mid, "text": text, "num_edit": times}))
}

async fn comes(rig: &Rig, events: &[Vec<Inbound>]) {
    for events in events {
        rig.gateway.accept_chat(events).await.expect("accepted");
    }
}

async fn settled(rig: &Rig) -> String {
    rig.gateway.settle().await.expect("settled");
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!((counts.inbox_waiting, counts.inbox_failed), (0, 0));
    plain(&rig.sees("1").concat())
}

async fn is_linked(rig: &Rig) -> bool {
    !rig.store.links_of_conversation(&conversation("1")).await.expect("answers").is_empty()
}

#[tokio::test]
async fn the_old_words_of_a_message_that_waits_are_not_answered() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.sees("1");
    let calls = rig.bank.called("accounts");
    // Whatever order the platform keeps: the message first, one edit of two before it, both before it.
    let orders: [&[Vec<Inbound>]; 4] = [
        &[wrote("m_1", "my balance"), changed("m_1", "hello", 1), changed("m_1", "thanks", 2)],
        &[changed("m_2", "hello", 1), wrote("m_2", "my balance"), changed("m_2", "thanks", 2)],
        &[changed("m_3", "thanks", 2), changed("m_3", "hello", 1), wrote("m_3", "my balance")],
        &[wrote("m_4", "my balance"), changed("m_4", "thanks", 2), changed("m_4", "hello", 1)],
    ];
    for order in orders {
        comes(&rig, order).await;
        assert_eq!(settled(&rig).await, "You are very welcome!", "{order:?}");
        // All of it once more.
        comes(&rig, order).await;
        assert_eq!(settled(&rig).await, "", "{order:?}");
    }
    assert_eq!(rig.bank.called("accounts"), calls, "nothing was asked of the bank");

    // Others keep their place: the answer stands where the message stood.
    let text = |mid: &str, text: &str| wrote(mid, text);
    comes(&rig, &[text("m_5", "thanks"), text("m_6", "tell me a joke"), changed("m_5", "my balance", 1)])
        .await;
    let said = settled(&rig).await;
    let (balance, joke) = (said.find("1,234.56"), said.find("did not understand"));
    assert!(balance.is_some() && balance < joke, "{said}");
}

#[tokio::test]
async fn whoever_corrects_to_stop_is_stopped_before_and_after_the_answer() {
    for answered in [false, true] {
        let rig = Rig::new().await;
        rig.link("1").await;
        rig.sees("1");
        comes(&rig, &[wrote("m_1", "my balance")]).await;
        if answered {
            assert!(settled(&rig).await.contains("1,234.56"));
        }
        comes(&rig, &[changed("m_1", "stop", 1)]).await;
        let said = settled(&rig).await;
        assert!(!said.contains("1,234.56"), "{said}");
        assert!(!is_linked(&rig).await, "{answered}");
        assert!(!said.contains("already answered"), "{said}");
    }
}

/// Bank data leaves for what was asked, not for what a question became.
#[tokio::test]
async fn what_was_answered_is_to_be_written_anew_in_both_languages() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.sees("1");
    comes(&rig, &[wrote("m_1", "thanks")]).await;
    settled(&rig).await;
    let calls = rig.bank.called("accounts");
    comes(&rig, &[changed("m_1", "what is my balance?", 1)]).await;
    assert_eq!(
        settled(&rig).await,
        "What you wrote before was already answered. Please write it again as a new message."
    );
    comes(&rig, &[changed("m_1", "كم رصيدي الآن؟", 2)]).await;
    assert_eq!(settled(&rig).await, "تمت الإجابة عن رسالتك قبل تعديلها. يُرجى كتابتها من جديد في رسالة جديدة.");
    assert_eq!(rig.bank.called("accounts"), calls);
    assert!(is_linked(&rig).await);
}

/// An edit opens no window, and what it stands for does, from the time at which that was written.
#[tokio::test]
async fn the_first_words_ever_are_answered_also_when_they_are_corrected() {
    let rig = Rig::new().await;
    comes(&rig, &[wrote("m_1", "helo"), changed("m_1", "hello", 1)]).await;
    assert!(!settled(&rig).await.is_empty());
    let person = rig.store.conversation(&conversation("1")).await.expect("answers").expect("known");
    assert!(person.last_inbound_at.is_some());

    // A message that was given up was not answered: the correction is.
    comes(&rig, &[wrote("m_2", "helo")]).await;
    let row =
        rig.store.inbox_heads(rig.clock.now(), amana_store::InboxSource::Chat, 1).await.expect("answers");
    let (shard, position) = (row[0].shard, row[0].position);
    let result = amana_store::InboxResult::Failed { reason: "a test".into() };
    rig.store.submit(vec![Command::FinishInbox { shard, position, result }]).await.expect("kept");
    comes(&rig, &[changed("m_2", "thanks", 1)]).await;
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.sees("1").concat(), "You are very welcome!");
    // And tried again, it has nothing to say any more.
    rig.store.submit(vec![Command::ReplayInbox { shard, position }]).await.expect("kept");
    assert_eq!(settled(&rig).await, "");
}
