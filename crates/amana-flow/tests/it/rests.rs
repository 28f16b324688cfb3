//! Waits: those that a platform asks for, those between attempts, and those for a conversation that others have.

use crate::support::*;
use amana_channel::messenger::INBOX_APP;
use amana_channel::webhook::{Handover, Inbound, InboundKind};
use amana_channel::{Rest, SendError, ThreadOwner};
use amana_core::*;
use amana_flow::limits::{RETRY_BASE_S, RETRY_MAX_S, TRANSIENT_ATTEMPTS_MAX};
use amana_flow::*;
use amana_store::{ChannelHealth, OutboxEntry};
use std::sync::Arc;
use std::time::Duration;

async fn purchase(rig: &Rig, id: &str, minor: i64) {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, id, None, minor)).await;
}

async fn settle_after(rig: &Rig, seconds: i64) {
    rig.clock.advance_s(seconds);
    rig.gateway.settle().await.expect("settled");
}

/// What waits to be sent, whenever it is due.
async fn outbox(rig: &Rig) -> Vec<OutboxEntry> {
    rig.store.outbox_heads(Timestamp::MAX, &[], 10).await.expect("answers")
}

/// Goal: a rest that comes with an answer (`x-business-use-case-usage`, `x-app-usage`) is kept: of the Page, or of all
/// of them where it is the app's. The message that it came with was taken, and nothing that came meanwhile is lost.
#[tokio::test]
async fn a_rest_that_an_answer_asks_for_is_kept_and_then_all_goes_on() {
    for whole_app in [false, true] {
        let mut rig = Rig::new().await;
        rig.link("1").await;
        let other = ConversationId {
            channel: ChannelId::new("1002").expect("an id"),
            psid: Psid::new("7").expect("an id"),
        };
        rig.gateway = build_on(
            &[PAGE, other.channel.as_str()],
            rig.store.clone(),
            &rig.bank,
            rig.channel.clone(),
            rig.clock.clone(),
            Arc::new(SeededEntropy::new(12)),
            (log_parts(), Reconcile::default()),
        );
        *rig.channel.rest.lock().unwrap() = Some(Rest { time: Duration::from_secs(300), whole_app });
        purchase(&rig, "t1", 450).await;
        assert_eq!(rig.sees("1").len(), 1, "it was taken, and comes once");

        purchase(&rig, "t2", 460).await;
        purchase(&rig, "t3", 470).await;
        let asks = Inbound {
            conversation: other.clone(),
            at: rig.clock.now(),
            key: EventKey::new(None, other.channel.as_str(), "1"),
            kind: InboundKind::Text { mid: "m_1".into(), text: "help".into() },
        };
        rig.gateway.accept_chat(&[asks]).await.expect("accepted");
        for _ in 0..10 {
            settle_after(&rig, 29).await;
            assert!(rig.sees("1").is_empty(), "the Page rests");
        }
        assert_eq!(rig.sees("7").is_empty(), whole_app, "the other Page");
        let states = rig.store.channel_states().await.unwrap();
        let states: Vec<_> = states.iter().map(|state| (state.channel.as_str(), state.health)).collect();
        assert_eq!(states, [(PAGE, ChannelHealth::Throttled)], "operators see it");
        let attempts: Vec<_> = outbox(&rig).await.iter().map(|entry| entry.attempts).collect();
        assert_eq!(attempts, vec![0; 1 + usize::from(whole_app)], "nothing was tried");

        settle_after(&rig, 90).await;
        let said = rig.sees("1");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("4.60") && said[1].contains("4.70"), "in order: {said:?}");
        assert_eq!(rig.sees("7").is_empty(), !whole_app);
        assert!(rig.store.channel_states().await.unwrap().is_empty());
        let counts = rig.store.counts().await.unwrap();
        assert_eq!((counts.outbox_open, counts.outbox_dead), (0, 0));
    }
}

/// Goal: the limit of one person (613, subcode 2018338) is theirs alone, as long as it was told, and costs no attempt
/// however often it comes.
#[tokio::test]
async fn the_limit_of_a_person_holds_up_that_person_alone_and_costs_no_attempt() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let error = SendError::ThrottledPerson { retry_after: Duration::from_secs(60) };
    rig.channel.errors_of.lock().unwrap().insert("1".into(), error);
    purchase(&rig, "t1", 450).await;
    for round in 0..20 {
        let waits = outbox(&rig).await;
        assert_eq!((waits.len(), waits[0].attempts), (1, 0), "round {round}");
        rig.says("2", "help").await;
        assert!(!rig.sees("2").is_empty(), "others are served at once");
        settle_after(&rig, 76).await;
    }
    assert!(rig.store.channel_states().await.unwrap().is_empty(), "it says nothing of the Page");
    rig.channel.errors_of.lock().unwrap().clear();
    settle_after(&rig, 59).await;
    assert!(rig.sees("1").is_empty(), "not before it was told");
    settle_after(&rig, 17).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("4.50"), "{said:?}");
}

/// Goal: what failed together does not come back together: each wait is a base and up to a quarter more, by chance, and
/// the base doubles until it is the longest.
#[tokio::test]
async fn waits_between_attempts_grow_and_are_spread_by_chance() {
    let mut all = Vec::new();
    for seed in [21, 22] {
        let mut rig = Rig::new().await;
        rig.link("1").await;
        rig.gateway = build_with(
            rig.store.clone(),
            &rig.bank,
            rig.channel.clone(),
            rig.clock.clone(),
            Arc::new(SeededEntropy::new(seed)),
            (log_parts(), Reconcile::default()),
        );
        rig.channel.errors_of.lock().unwrap().insert("1".into(), SendError::Transient { what: "a test" });
        purchase(&rig, "t1", 450).await;
        let database = rusqlite::Connection::open(rig.folder.path().join("amana.sqlite")).expect("opens");
        let due = || -> i64 {
            database
                .query_row("SELECT due_at FROM outbox ORDER BY position DESC LIMIT 1", [], |row| row.get(0))
                .expect("a message waits")
        };
        let mut waits = Vec::new();
        for attempt in 0..i64::from(TRANSIENT_ATTEMPTS_MAX) + 3 {
            let base = RETRY_BASE_S.saturating_mul(1 << attempt).min(RETRY_MAX_S) * 1_000_000;
            let wait = due() - micros(rig.clock.now());
            assert!((base..=base + base / 4).contains(&wait), "attempt {attempt}: {wait} for {base}");
            waits.push(wait);
            rig.clock.advance_ms(wait / 1_000 + 1);
            rig.gateway.settle().await.expect("settled");
        }
        let spread = waits.iter().any(|wait| wait % 1_000_000 != 0);
        assert!(spread, "no wait is its base alone: {waits:?}");
        all.push(waits);
    }
    let same = all[0].iter().zip(&all[1]).filter(|(one, other)| one == other).count();
    assert_eq!(same, 0, "two that failed together: {all:?}");
}

fn handover(kind: Handover) -> InboundKind {
    InboundKind::Handover(kind)
}

/// A gateway that takes conversations back after four hours, whose customer's conversation is the inbox's.
async fn taken_by_the_inbox(until: Option<Timestamp>) -> Rig {
    let take_back_after = Some(Duration::from_secs(4 * 3_600));
    let allowed_apps = [INBOX_APP.to_owned()].into();
    let rig = Rig::with(Reconcile { allowed_apps, take_back_after, ..Reconcile::default() }).await;
    rig.link("1").await;
    *rig.channel.owner.lock().unwrap() = Ok(ThreadOwner::Owned { app: Some(INBOX_APP.into()), until });
    let passed = Handover::Passed { from: None, to: Some(INBOX_APP.into()), metadata: None };
    rig.event("1", handover(passed)).await;
    rig
}

/// Goal: a Page without a default app (#27): nobody can take a conversation back. We are silent, lose nothing, and go
/// on when people let go of it.
#[tokio::test]
async fn without_a_default_app_what_waits_goes_on_when_nobody_has_the_conversation() {
    let rig = taken_by_the_inbox(None).await;
    *rig.channel.take_back_error.lock().unwrap() = Some(SendError::Permanent { code: 27, sub: None });
    purchase(&rig, "t1", 450).await;
    for _ in 0..9 {
        settle_after(&rig, 3_600).await;
        assert!(rig.sees("1").is_empty());
    }
    purchase(&rig, "t2", 460).await;
    let counts = rig.store.counts().await.unwrap();
    assert_eq!((counts.news_waiting, counts.outbox_dead, counts.jobs_dead), (2, 0, 0));
    assert!(rig.sees("1").is_empty() && rig.channel.taken.lock().unwrap().is_empty());
    *rig.channel.owner.lock().unwrap() = Ok(ThreadOwner::Nobody);
    settle_after(&rig, 900).await;
    let said = rig.sees("1").concat();
    assert!(said.matches("4.50").count() == 1 && said.matches("4.60").count() == 1, "{said}");
    assert_eq!(rig.store.counts().await.unwrap().news_waiting, 0);
}

/// Goal: what the platform says of the owner is believed: that it is us, and until when another has it.
#[tokio::test]
async fn a_conversation_is_ours_when_the_platform_says_so_or_when_the_others_time_is_over() {
    let rig = taken_by_the_inbox(None).await;
    purchase(&rig, "t1", 450).await;
    assert!(rig.sees("1").is_empty());
    *rig.channel.owner.lock().unwrap() = Ok(ThreadOwner::Owned { app: Some("4242".into()), until: None });
    settle_after(&rig, 900).await;
    assert!(rig.sees("1").concat().contains("4.50"), "it is ours");

    let start: Timestamp = "2026-11-24T10:00:00Z".parse().expect("an instant");
    let until = start.checked_add(Duration::from_secs(3_600)).expect("an instant");
    let rig = taken_by_the_inbox(Some(until)).await;
    purchase(&rig, "t1", 450).await;
    settle_after(&rig, 1_800).await;
    settle_after(&rig, 1_700).await;
    assert!(rig.sees("1").is_empty(), "theirs until then");
    settle_after(&rig, 900).await;
    assert!(rig.sees("1").concat().contains("4.50"), "and not for longer");
    assert!(rig.channel.taken.lock().unwrap().is_empty(), "there was nothing to take back");
}
