//! Keys that cannot be had: for a moment, while the custody is away, everything waits; for good, nothing of it leaves,
//! and what can have no receipt is an alarm.

use crate::erasing::{Faults, process_with};
use crate::support::*;
use amana_channel::webhook::{EchoWords, Inbound, InboundKind};
use amana_channel::{History, SaidThere};
use amana_core::*;
use amana_flow::limits::ECHO_LOST_S;
use amana_flow::*;
use amana_store::{AlarmKind, OutboxState, Store};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One customer with a purchase whose first send ends like this.
async fn purchase(rig: &Rig, fate: Fate) {
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(fate);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
}

/// A process after a restart, which has no key in memory, and stops a Page on an alarm.
async fn restarted(rig: &Rig, faults: Faults) -> (Arc<Gateway>, Arc<Faults>) {
    let faults = Arc::new(faults);
    let kills = Reconcile { on_unknown: OnUnknown::Kill, ..Reconcile::default() };
    (process_with(rig, rig.folder.path(), &faults, kills).await, faults)
}

/// The customer of the chat, read where nothing is away.
async fn customer(rig: &Rig) -> CustomerId {
    rig.store.links_of_conversation(&conversation("1")).await.expect("answers")[0].customer
}

/// The echo of the last message, in the words that the platform took.
fn echo(rig: &Rig) -> (MessageId, Inbound) {
    let message = rig.channel.seen.lock().unwrap().last().expect("a message").2;
    let bytes = rig.channel.last.lock().unwrap().clone();
    let sent: serde_json::Value = serde_json::from_str(&bytes).expect("JSON");
    let words = EchoWords(vec![sent["message"]["text"].as_str().expect("a text").to_owned()]);
    let mid = format!("m_{message}");
    let kind = InboundKind::Echo { mid, metadata: Some(message), app_id: Some("4242".into()), words };
    let key = EventKey::new(None, PAGE, &format!("echo{}", rig.next()));
    (message, Inbound { conversation: conversation("1"), at: rig.clock.now(), key, kind })
}

async fn alarms(store: &Arc<dyn Store>) -> Vec<AlarmKind> {
    store.alarms(false, 10).await.expect("answers").into_iter().map(|alarm| alarm.kind).collect()
}

/// What receipts say of what became of messages.
async fn outcomes(rig: &Rig) -> Vec<String> {
    let customer = &rig.store.links_of_conversation(&conversation("1")).await.expect("answers")[0];
    let receipts = rig.store.receipts(customer.shard, customer.customer, 1, 100).await.expect("answers");
    let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
    let receipts = receipts.iter().map(|r| read(&r.bytes));
    let ends = receipts.filter(|r| r["kind"] == "outcome" || r["kind"] == "denial");
    ends.map(|r| r["template"].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test]
async fn what_waits_while_the_custody_is_away_is_sent_when_it_is_back() {
    let rig = Rig::new().await;
    purchase(&rig, Fate::Fail).await;
    let away = Faults::default();
    away.away.store(true, Ordering::SeqCst);
    let (gateway, faults) = restarted(&rig, away).await;
    for _ in 0..5 {
        rig.clock.advance_s(600);
        gateway.settle().await.expect("settled");
    }
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!((counts.outbox_open, counts.outbox_dead), (1, 0), "it waits");
    assert!(rig.sees("1").is_empty());
    faults.away.store(false, Ordering::SeqCst);
    gateway.settle().await.expect("settled");
    assert!(rig.sees("1").concat().contains("4.50"));
    assert_eq!((outcomes(&rig).await, alarms(&rig.store).await), (vec!["sent".to_owned()], vec![]));
}

/// An echo that cannot be held against its row now is taken when it comes again.
#[tokio::test]
async fn an_echo_while_the_custody_is_away_is_no_alarm() {
    let rig = Rig::new().await;
    purchase(&rig, Fate::DeliverSilently).await;
    let away = Faults::default();
    away.away.store(true, Ordering::SeqCst);
    let (gateway, faults) = restarted(&rig, away).await;
    let (message, echo) = echo(&rig);
    assert!(gateway.accept_chat(std::slice::from_ref(&echo)).await.is_err(), "the platform brings it again");
    assert_eq!(alarms(&rig.store).await, []);
    faults.away.store(false, Ordering::SeqCst);
    gateway.accept_chat(&[echo]).await.expect("accepted");
    let entry = rig.store.outbox_entry(message).await.expect("answers").expect("is there");
    assert_eq!(entry.state, OutboxState::Sent);
    assert_eq!((outcomes(&rig).await, alarms(&rig.store).await), (vec!["sent".to_owned()], vec![]));
}

/// One customer whose key is lost stops no Page: of their message it is known that it was sent, and that nothing can
/// be recorded of it.
#[tokio::test]
async fn an_echo_of_a_row_that_does_not_open_is_not_of_other_words() {
    let rig = Rig::new().await;
    purchase(&rig, Fate::DeliverSilently).await;
    let faults = Faults::default();
    *faults.lost.lock().unwrap() = Some(customer(&rig).await);
    let (gateway, _) = restarted(&rig, faults).await;
    let (message, echo) = echo(&rig);
    gateway.accept_chat(&[echo]).await.expect("accepted");
    let entry = gateway.store().outbox_entry(message).await.expect("answers").expect("is there");
    assert_eq!((entry.state, entry.closed), (OutboxState::Sent, Some(customer(&rig).await)));
    assert_eq!(alarms(&rig.store).await, [AlarmKind::Unrecorded]);
    assert!(rig.store.kills().await.expect("answers").0.is_empty());
}

/// What never left is denied, and somebody hears of it.
#[tokio::test]
async fn a_message_that_does_not_open_is_denied_with_an_alarm() {
    let rig = Rig::new().await;
    purchase(&rig, Fate::Fail).await;
    let faults = Faults::default();
    *faults.lost.lock().unwrap() = Some(customer(&rig).await);
    let (gateway, _) = restarted(&rig, faults).await;
    rig.clock.advance_s(600);
    gateway.settle().await.expect("settled");
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!(counts.outbox_open, 0);
    assert!(rig.sees("1").is_empty());
    assert_eq!(alarms(&rig.store).await, [AlarmKind::Unrecorded]);
}

/// What may have left stays in doubt: whatever the platform has there may be it. It is neither sent again nor called
/// nobody's, and in the end an operator looks.
#[tokio::test]
async fn a_message_in_doubt_that_does_not_open_is_put_aside_with_an_alarm() {
    let rig = Rig::new().await;
    purchase(&rig, Fate::DeliverSilently).await;
    let words = EchoWords(vec!["something".to_owned()]);
    let there = SaidThere { mid: "m_there".into(), words, whole: true };
    *rig.channel.there.lock().unwrap() = Ok(History::Said(vec![there]));
    let (message, _) = echo(&rig);
    let faults = Faults::default();
    *faults.lost.lock().unwrap() = Some(customer(&rig).await);
    let (gateway, _) = restarted(&rig, faults).await;
    let state = async || rig.store.outbox_entry(message).await.expect("answers").expect("is there").state;
    rig.clock.advance_s(600);
    gateway.settle().await.expect("settled");
    assert_eq!((state().await, alarms(&rig.store).await), (OutboxState::Unconfirmed, vec![]));
    rig.clock.advance_s(ECHO_LOST_S);
    gateway.settle().await.expect("settled");
    assert_eq!((state().await, alarms(&rig.store).await), (OutboxState::Dead, vec![AlarmKind::Unrecorded]));
    assert_eq!(rig.sees("1").len(), 1, "never again");
}

/// What cannot be decided now has not left: however often that is so, it is not in doubt, and no receipt says that it
/// may be at the platform.
#[tokio::test]
async fn what_cannot_be_decided_for_long_is_no_message_in_doubt() {
    for in_time in [true, false] {
        let rig = Rig::new().await;
        purchase(&rig, Fate::Fail).await;
        rig.sql("ALTER TABLE kill RENAME TO away");
        for _ in 0..15 {
            rig.clock.advance_s(600);
            rig.gateway.settle().await.expect("settled");
        }
        assert!(rig.sees("1").is_empty());
        if !in_time {
            rig.clock.advance_s(amana_gate::NEWS_TICKET_HOURS * 3_600);
            // They wrote just now: else it would be held.
            rig.sql(&format!("UPDATE conversation SET last_inbound_at = {}", micros(rig.clock.now())));
            rig.gateway.settle().await.expect("settled");
        }
        rig.sql("ALTER TABLE away RENAME TO kill");
        rig.clock.advance_s(600);
        rig.gateway.settle().await.expect("settled");
        let said: Vec<_> = outcomes(&rig).await;
        let expected = if in_time { "sent" } else { "ticket-expired" };
        assert_eq!(said, [expected], "the ways of both ends");
        assert_eq!(rig.sees("1").len(), usize::from(in_time));
        let counts = rig.store.counts().await.expect("answers");
        assert_eq!((counts.outbox_open, counts.outbox_dead), (0, 0));
    }
}
