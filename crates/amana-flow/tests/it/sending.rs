//! Sending: windows, doubts, dead ends, restarts.

use crate::support::*;
use amana_channel::SendError;
use amana_channel::webhook::InboundKind;
use amana_core::*;

async fn purchase(rig: &Rig, id: &str, minor: i64) {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, id, None, minor)).await;
}

#[tokio::test]
async fn outside_the_window_an_update_waits_for_the_customer() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(86_400);
    purchase(&rig, "t1", 450).await;
    purchase(&rig, "t2", 460).await;
    assert!(rig.sees("1").is_empty());
    assert_eq!(
        rig.store.counts().await.unwrap().outbox_held,
        1,
        "the first is held, the second stays behind it"
    );
    rig.says("1", "hello").await;
    let said = rig.sees("1");
    assert!(said[0].contains("4.50") && said[1].contains("4.60"), "in order, before the answer: {said:?}");
    assert_eq!(said.len(), 3);
}

#[tokio::test]
async fn a_doubtful_send_waits_for_its_echo_and_is_not_repeated() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::DeliverSilently);
    purchase(&rig, "t1", 450).await;
    purchase(&rig, "t2", 460).await;
    let (_, _, message) = rig.channel.seen.lock().unwrap()[0].clone();
    assert_eq!(rig.sees("1").len(), 1, "what comes after it waits");
    rig.event("1", InboundKind::Echo { mid: "m_1".into(), metadata: Some(message), app_id: None }).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("4.60"), "{said:?}");
    rig.clock.advance_s(3_600);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty());
}

#[tokio::test]
async fn a_doubtful_send_without_an_echo_is_sent_again() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::LoseSilently);
    purchase(&rig, "t1", 450).await;
    assert!(rig.sees("1").is_empty());
    rig.clock.advance_s(5);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty(), "not before the echo had its time");
    rig.clock.advance_s(10);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1").len(), 1);
}

#[tokio::test]
async fn a_dead_token_keeps_the_queue_and_a_refused_message_is_put_aside() {
    let rig = Rig::new().await;
    rig.link("1").await;
    *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
    purchase(&rig, "t1", 450).await;
    purchase(&rig, "t2", 460).await;
    *rig.channel.error.lock().unwrap() = None;
    rig.clock.advance_s(61);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1").len(), 2, "nothing lost");
    *rig.channel.error.lock().unwrap() = Some(SendError::Permanent { code: 100, sub: None });
    purchase(&rig, "t3", 470).await;
    *rig.channel.error.lock().unwrap() = None;
    purchase(&rig, "t4", 480).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("4.80"), "a refused one does not block: {said:?}");
    let dead = rig.store.dead_letters(10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].reason.as_deref(), Some("permanent"));
}

#[tokio::test]
async fn a_process_that_died_while_sending_neither_loses_nor_repeats() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    // Claimed, and then the process is gone: delivered in one case, not in the other.
    for (id, delivered) in [("t1", true), ("t2", false)] {
        let event = rig.transaction(BankEventKind::TransactionAuthorised, id, None, 450);
        rig.gateway.accept_bank(&[event]).await.unwrap();
        let row = rig.store.inbox_heads(rig.clock.now(), 1).await.unwrap().pop().expect("accepted");
        assert_eq!(row.attempts, 0);
        rig.channel.fates.lock().unwrap().push(if delivered {
            Fate::DeliverSilently
        } else {
            Fate::LoseSilently
        });
        rig.gateway.settle().await.unwrap();
        rig.restart().await;
        let message = rig.channel.seen.lock().unwrap().last().map(|(_, _, message)| *message);
        if let (true, Some(message)) = (delivered, message) {
            rig.event("1", InboundKind::Echo { mid: "m".into(), metadata: Some(message), app_id: None })
                .await;
        }
        rig.clock.advance_s(60);
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.sees("1").len(), 1, "{id}: once");
    }
}

#[tokio::test]
async fn two_conversations_do_not_wait_for_each_other() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::LoseSilently);
    purchase(&rig, "t1", 450).await;
    rig.says("2", "help").await;
    assert!(!rig.sees("2").is_empty());
}
