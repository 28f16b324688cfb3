//! A customer whose rows were changed or put back in the database: nothing more is recorded or sent for them, what
//! happened is kept all the same, and nobody else notices.

use crate::support::*;
use amana_channel::webhook::{EchoWords, InboundKind};
use amana_core::*;
use amana_store::{AlarmKind, OutboxEntry, OutboxState};
use std::time::Duration;

/// As after a backup of one row was put back: the history of every customer here does not lead on.
const PUT_BACK: &str = "UPDATE customer SET receipt_mac = zeroblob(32)";

fn purchase(rig: &Rig, id: &str) -> (BankEvent, amana_gate::Unaddressed<BankEventBody>) {
    rig.transaction(BankEventKind::TransactionAuthorised, id, None, 450)
}

/// The message that was sent last.
fn last(rig: &Rig) -> MessageId {
    rig.channel.seen.lock().unwrap().last().expect("a message").2
}

async fn entry(rig: &Rig, message: MessageId) -> OutboxEntry {
    rig.store.outbox_entry(message).await.expect("answers").expect("is there")
}

async fn alarms(rig: &Rig) -> Vec<AlarmKind> {
    rig.store.alarms(false, 10).await.expect("answers").into_iter().map(|alarm| alarm.kind).collect()
}

fn echo(message: MessageId) -> InboundKind {
    let mid = format!("m_{message}");
    InboundKind::Echo {
        mid,
        metadata: Some(message),
        app_id: Some("4242".into()),
        words: EchoWords::default(),
    }
}

/// What the platform took is sent, whether or not a receipt can say so; with an alarm, and never again.
#[tokio::test]
async fn a_message_whose_outcome_cannot_be_recorded_is_sent_once() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    let folder = rig.folder.path().to_owned();
    *rig.channel.meanwhile.lock().unwrap() = Some(Box::new(move || sql_in(&folder, PUT_BACK)));
    rig.pushes(purchase(&rig, "t1")).await;
    let message = last(&rig);
    let sent = entry(&rig, message).await;
    assert_eq!((sent.state, sent.mid), (OutboxState::Sent, Some(format!("m_{message}"))));
    assert_eq!(alarms(&rig).await, [AlarmKind::Unrecorded]);
    rig.hears(600).await;
    rig.restart().await;
    rig.hears(600).await;
    assert_eq!(rig.sees("1").len(), 1);
    assert_eq!(alarms(&rig).await, [AlarmKind::Unrecorded], "once");
}

/// The same where the answer was lost: the echo settles it.
#[tokio::test]
async fn an_echo_settles_a_message_whose_outcome_cannot_be_recorded() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::DeliverSilently);
    rig.pushes(purchase(&rig, "t1")).await;
    let message = last(&rig);
    rig.sql(PUT_BACK);
    rig.event("1", echo(message)).await;
    assert_eq!(entry(&rig, message).await.state, OutboxState::Sent);
    assert_eq!(alarms(&rig).await, [AlarmKind::Unrecorded]);
    rig.hears(600).await;
    assert_eq!(rig.sees("1").len(), 1);
}

/// The platform took it, and the store is away when that is to be written down. What this process knows it does not
/// forget: neither does it send again, nor is the receipt left out.
#[tokio::test]
async fn what_the_platform_took_is_not_sent_again_because_the_store_was_away() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.hears(600).await;
    rig.sql(
        "CREATE TRIGGER away BEFORE UPDATE ON outbox WHEN NEW.state = 4 BEGIN SELECT RAISE(ABORT, 'away'); END",
    );
    rig.gateway.accept_bank(&[purchase(&rig, "t1")]).await.expect("accepted");
    // Longer than the end of a send is offered, without the wait: the task is gone.
    let gone = tokio::time::timeout(Duration::from_millis(1_500), rig.gateway.settle()).await;
    assert!(gone.is_err(), "the end of the send is offered again and again");
    let message = last(&rig);
    assert_eq!(entry(&rig, message).await.state, OutboxState::Sending);
    rig.sql("DROP TRIGGER away");
    rig.clock.advance_s(90);
    rig.gateway.settle().await.expect("settled");
    assert_eq!(entry(&rig, message).await.state, OutboxState::Sent);
    rig.hears(600).await;
    assert_eq!(rig.sees("1").len(), 1);
    assert!(alarms(&rig).await.is_empty());
    let link = &rig.store.links_of_conversation(&conversation("1")).await.expect("answers")[0];
    let receipts = rig.store.receipts(link.shard, link.customer, 1, 100).await.expect("answers");
    let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
    assert!(receipts.iter().any(|r| read(&r.bytes)["kind"] == "outcome"), "with its receipt");
}

/// Webhooks from before a send say nothing of its echo, whatever others send under its id meanwhile.
#[tokio::test]
async fn an_echo_that_settles_nothing_leaves_a_message_in_doubt_from_when_it_was_sent() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.hears(600).await;
    rig.channel.fates.lock().unwrap().push(Fate::DeliverSilently);
    rig.pushes(purchase(&rig, "t1")).await;
    let message = last(&rig);
    rig.clock.advance_s(5);
    rig.event("2", echo(message)).await;
    assert_eq!(alarms(&rig).await, [AlarmKind::OtherRecipient]);
    rig.clock.advance_s(120);
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.sees("1").len(), 1, "no webhook has come since");
    assert_eq!(entry(&rig, message).await.state, OutboxState::Unconfirmed);
}

/// One customer's history that does not lead on stops neither the request of a bank nor the others of it: theirs is put
/// aside alone.
#[tokio::test]
async fn what_cannot_be_recorded_for_one_customer_stops_no_others_event() {
    let rig = Rig::new().await;
    rig.link("1").await;
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    rig.link("2").await;
    rig.sql("UPDATE customer SET receipt_mac = zeroblob(32) WHERE id = (SELECT customer FROM link ORDER BY position LIMIT 1)");
    let events = ["customer-1", "customer-2"].map(|subject| {
        let (mut event, body) = purchase(&rig, subject);
        event.subject = Some(subject.into());
        (event, body)
    });
    for _ in 0..2 {
        let accepted = rig.gateway.accept_bank(&events).await.expect("accepted, also when it comes again");
        assert_eq!(accepted.stored + accepted.duplicates, 2);
        rig.gateway.settle().await.expect("settled");
    }
    assert_eq!((rig.sees("1").len(), rig.sees("2").len()), (0, 1));
    assert_eq!(rig.store.inbox_failed(9).await.expect("answers").len(), 1, "put aside, not tried for ever");
    assert_eq!(rig.store.counts().await.expect("answers").inbox_waiting, 0);
}

/// The same where not even the customer's key opens.
#[tokio::test]
async fn a_customer_whose_key_does_not_open_stops_no_others_event() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    rig.link("2").await;
    rig.sql("UPDATE customer SET wrapped_key = zeroblob(80) WHERE id = (SELECT customer FROM link ORDER BY position LIMIT 1)");
    rig.restart().await;
    let (mut event, body) = purchase(&rig, "t1");
    event.subject = None;
    rig.gateway.accept_bank(&[(event, body)]).await.expect("accepted");
    rig.gateway.settle().await.expect("settled");
    assert_eq!((rig.sees("1").len(), rig.sees("2").len()), (0, 1));
}
