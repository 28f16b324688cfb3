//! Sending: windows, doubts, dead ends, restarts.

use crate::support::*;
use amana_channel::SendError;
use amana_channel::webhook::{EchoWords, InboundKind};
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
    assert_eq!(rig.store.counts().await.unwrap().news_waiting, 2);
    rig.says("1", "hello").await;
    let said = rig.sees("1");
    assert!(said[1].contains("4.50") && said[1].contains("4.60"), "the answer, then both as one: {said:?}");
    assert_eq!(said.len(), 2);
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
    rig.event(
        "1",
        InboundKind::Echo {
            mid: "m_1".into(),
            metadata: Some(message),
            app_id: None,
            words: EchoWords::default(),
        },
    )
    .await;
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
    rig.hears(60).await;
    assert!(rig.sees("1").is_empty(), "not before the echo had its time");
    rig.hears(120).await;
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1").len(), 1);
}

/// While our door is shut echoes cannot come, and while it has just opened they may be on their way.
#[tokio::test]
async fn a_shut_door_says_nothing_of_an_echo() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.hears(600).await;
    rig.channel.fates.lock().unwrap().push(Fate::DeliverSilently);
    purchase(&rig, "t1", 450).await;
    let (_, _, message) = rig.channel.seen.lock().unwrap()[0].clone();
    rig.sees("1");
    for _ in 0..60 {
        rig.clock.advance_s(60);
        rig.gateway.settle().await.unwrap();
    }
    assert!(rig.sees("1").is_empty(), "an hour without a webhook: it is not sent again");
    rig.hears(60).await;
    assert!(rig.sees("1").is_empty(), "the door has only just opened");
    rig.event(
        "1",
        InboundKind::Echo {
            mid: "m_1".into(),
            metadata: Some(message),
            app_id: None,
            words: amana_channel::webhook::EchoWords::default(),
        },
    )
    .await;
    rig.hears(3_600).await;
    assert!(rig.sees("1").is_empty());
    assert_eq!(rig.store.outbox_entry(message).await.unwrap().unwrap().state, amana_store::OutboxState::Sent);

    // Nobody writes and nothing comes for longer than the platform tries: the message is worth more than the doubt.
    rig.channel.fates.lock().unwrap().push(Fate::LoseSilently);
    rig.clock.advance_s(600);
    purchase(&rig, "t2", 460).await;
    for _ in 0..130 {
        rig.clock.advance_s(60);
        rig.gateway.settle().await.unwrap();
    }
    assert_eq!(rig.sees("1").len(), 1);
}

#[tokio::test]
async fn in_doubt_twice_is_put_aside_and_never_sent_again_and_again() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().extend([Fate::DeliverSilently; 5]);
    purchase(&rig, "t1", 450).await;
    rig.hears(6_000).await;
    assert_eq!(rig.sees("1").len(), 2, "no echoes at all: twice at the most");
    assert_eq!(rig.store.dead_letters(10).await.unwrap()[0].reason.as_deref(), Some("unconfirmed"));
}

#[tokio::test]
async fn where_echoes_reach_us_a_long_outage_is_ridden_out() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let message = MessageId::from_bytes([1; 16]);
    rig.event(
        "1",
        InboundKind::Echo {
            mid: "m".into(),
            metadata: Some(message),
            app_id: None,
            words: EchoWords::default(),
        },
    )
    .await;
    rig.channel.fates.lock().unwrap().extend([Fate::LoseSilently; 4]);
    purchase(&rig, "t1", 450).await;
    rig.hears(3_600).await;
    assert_eq!(rig.sees("1").len(), 1);
    assert!(rig.store.dead_letters(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_kill_switch_keeps_what_waits_and_lets_it_go_afterwards() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    purchase(&rig, "t1", 450).await;
    let kill = Kill { scope: KillScope::All, reason: "drill".into(), since: rig.clock.now() };
    rig.store.submit(vec![amana_store::Command::SetKill(kill)]).await.unwrap();
    for _ in 0..30 {
        rig.clock.advance_s(61);
        rig.gateway.settle().await.unwrap();
    }
    assert!(rig.sees("1").is_empty());
    rig.store.submit(vec![amana_store::Command::ClearKill(KillScope::All)]).await.unwrap();
    rig.clock.advance_s(61);
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
    for _ in 0..30 {
        *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
        rig.clock.advance_s(80);
        rig.gateway.settle().await.unwrap();
    }
    *rig.channel.error.lock().unwrap() = None;
    rig.clock.advance_s(80);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1").len(), 2, "nothing lost, however long it took");
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

/// The process is gone after the claim: the platform has the message in one case and not in the other, and nothing was
/// recorded. The echo comes long after the claim is over, as a platform's redelivery does.
#[tokio::test]
async fn a_process_that_died_while_sending_neither_loses_nor_repeats() {
    for delivered in [true, false] {
        let mut rig = Rig::new().await;
        rig.link("1").await;
        rig.channel.fates.lock().unwrap().push(Fate::Fail);
        purchase(&rig, "t1", 450).await;
        rig.clock.advance_s(30);
        let heads = rig.store.outbox_heads(rig.clock.now(), &[], 1).await.unwrap();
        let message = heads[0].row.message;
        let until = rig.clock.now().checked_add(std::time::Duration::from_secs(45)).unwrap();
        let from = amana_store::OutboxState::Pending;
        rig.store.submit(vec![amana_store::Command::ClaimOutbox { message, from, until }]).await.unwrap();
        // Here the process dies, and is away for longer than its claim.
        rig.clock.advance_s(100);
        rig.restart().await;
        let stop = tokio_util::sync::CancellationToken::new();
        let running = tokio::spawn(rig.gateway.clone().run_outbox(stop.clone()));
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(rig.sees("1").is_empty(), "the echo must have time to arrive");
        if delivered {
            rig.event(
                "1",
                InboundKind::Echo {
                    mid: "m".into(),
                    metadata: Some(message),
                    app_id: None,
                    words: EchoWords::default(),
                },
            )
            .await;
        }
        for _ in 0..4 {
            rig.clock.advance_s(60);
            rig.event("1", InboundKind::Read { watermark: rig.clock.now() }).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        stop.cancel();
        running.await.expect("ends by itself");
        assert_eq!(rig.sees("1").len(), usize::from(!delivered), "delivered: {delivered}");
        let state = rig.store.outbox_entry(message).await.unwrap().unwrap().state;
        assert_eq!(state, amana_store::OutboxState::Sent);
    }
}

/// The real loops, with a defect in one send: the others go on, and nothing is sent twice.
#[tokio::test]
async fn a_panic_in_one_conversation_disturbs_no_other() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.says("2", "hello").await;
    rig.sees("2");
    let stop = tokio_util::sync::CancellationToken::new();
    let running = [
        tokio::spawn(rig.gateway.clone().run_outbox(stop.clone())),
        tokio::spawn(rig.gateway.clone().run_inbox(stop.clone())),
        tokio::spawn(rig.gateway.clone().run_jobs(stop.clone())),
    ];
    *rig.channel.panics.lock().unwrap() = true;
    let event = rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450);
    rig.gateway.accept_bank(&[event]).await.expect("accepted");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    for _ in 0..5 {
        let text = InboundKind::Text { mid: format!("m{}", rig.next()), text: "help".into() };
        let inbound = amana_channel::webhook::Inbound {
            conversation: conversation("2"),
            at: rig.clock.now(),
            key: EventKey::new(None, PAGE, &rig.next().to_string()),
            kind: text,
        };
        rig.gateway.accept_chat(&[inbound]).await.expect("accepted");
    }
    for _ in 0..50 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if rig.channel.seen.lock().unwrap().iter().filter(|(p, ..)| p == "2").count() == 5 {
            break;
        }
    }
    stop.cancel();
    for task in running {
        task.await.expect("ends by itself");
    }
    assert_eq!(rig.sees("2").len(), 5);
    assert!(rig.sees("1").is_empty(), "what panicked may have been sent: it waits for its echo");
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
