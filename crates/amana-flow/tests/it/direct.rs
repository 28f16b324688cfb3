//! The direct lane: what is decided in the request that brings it, and what is not.

use crate::support::{Rig, conversation};
use amana_core::BankEventKind::{TransactionAuthorised, TransactionPosted};
use amana_core::{Form, Purpose};
use amana_flow::Accepted;

/// Messages that wait, and events that do.
async fn waits(rig: &Rig) -> (u64, u64) {
    let counts = rig.store.counts().await.expect("answers");
    (counts.outbox_open, counts.inbox_waiting)
}

async fn receipts(rig: &Rig) -> u64 {
    rig.store.counts().await.expect("answers").receipts
}

#[tokio::test]
async fn an_event_is_decided_in_the_request_that_brings_it() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let before = receipts(&rig).await;
    let event = [rig.transaction(TransactionAuthorised, "t1", None, 1_234)];
    let accepted = rig.gateway.accept_bank(&event).await.expect("accepted");
    assert_eq!(accepted, Accepted { stored: 1, ..Accepted::default() });
    assert_eq!(waits(&rig).await, (1, 0));
    assert_eq!(receipts(&rig).await, before + 1, "with its receipt");
    let accepted = rig.gateway.accept_bank(&event).await.expect("accepted");
    assert_eq!(accepted, Accepted { duplicates: 1, ..Accepted::default() });
    assert_eq!((waits(&rig).await, receipts(&rig).await), ((1, 0), before + 1));
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.sees("1").len(), 1);
    // A posting of the same amount is nothing new: remembered, and nothing said.
    let posted = [rig.transaction(TransactionPosted, "t1", None, 1_234)];
    assert_eq!(rig.gateway.accept_bank(&posted).await.expect("accepted").stored, 1);
    assert_eq!(
        (waits(&rig).await, receipts(&rig).await),
        ((0, 0), before + 2),
        "the outcome's receipt alone"
    );
}

/// Goal: who comes while their lane is under way is decided after that, in the same request, and nothing of it waits as
/// a row.
#[tokio::test]
async fn events_of_one_lane_are_decided_one_after_the_other() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let event = |n: i64| rig.transaction(TransactionAuthorised, &format!("t{n}"), None, 100 * n);
    let accepted = rig.gateway.accept_bank(&[event(1), event(2), event(3)]).await.expect("accepted");
    assert_eq!(accepted.stored, 3);
    assert_eq!(waits(&rig).await, (3, 0));
    let requests = (4..=20).map(|n| {
        let (gateway, event) = (rig.gateway.clone(), [event(n)]);
        async move { gateway.accept_bank(&event).await.expect("accepted").stored }
    });
    let stored: usize = futures_util::future::join_all(requests).await.into_iter().sum();
    assert_eq!((stored, waits(&rig).await), (17, (20, 0)));
    rig.gateway.settle().await.expect("settled");
    let seen = rig.sees("1");
    let amounts = |from: i64, to: i64| {
        let at = |n: i64| seen.iter().position(|said| said.contains(&format!("${n}.00")));
        (from..=to).map(at).collect::<Option<Vec<_>>>()
    };
    assert!(amounts(1, 3).is_some_and(|at| at.is_sorted()), "those of one request in its order: {seen:?}");
    assert!(amounts(4, 20).is_some() && seen.len() == 20, "each is told once: {seen:?}");
}

#[tokio::test]
async fn what_comes_behind_waits_its_turn_and_order_is_kept() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let event = |n: i64| rig.transaction(TransactionAuthorised, &format!("t{n}"), None, 100 * n);
    rig.clock.advance_s(86_400);
    rig.gateway.accept_bank(&[event(1), event(2)]).await.expect("accepted");
    assert_eq!(waits(&rig).await, (0, 2), "the person is not there, and what comes behind goes behind");
    rig.clock.advance_s(-86_400);
    // It could be told now, in a request of its own, and is still behind those that wait.
    rig.gateway.accept_bank(&[event(3)]).await.expect("accepted");
    assert_eq!(waits(&rig).await, (0, 3));
    rig.gateway.settle().await.expect("settled");
    let seen = rig.sees("1");
    let amounts: Vec<bool> =
        (1..=3).map(|n| seen.get(n - 1).is_some_and(|said| said.contains(&format!("{n}.00")))).collect();
    assert_eq!((amounts, seen.len()), (vec![true; 3], 3), "{seen:?}");
}

#[tokio::test]
async fn two_requests_with_the_same_event_tell_it_once() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let event = [rig.transaction(TransactionAuthorised, "t1", None, 1_234)];
    let (one, other) = tokio::join!(rig.gateway.accept_bank(&event), rig.gateway.accept_bank(&event));
    let (one, other) = (one.expect("accepted"), other.expect("accepted"));
    assert_eq!((one.stored + other.stored, one.duplicates + other.duplicates), (1, 1));
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.sees("1").len(), 1);
}

#[tokio::test]
async fn what_cannot_be_told_now_goes_the_long_way() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(86_400);
    rig.gateway
        .accept_bank(&[rig.transaction(TransactionAuthorised, "t1", None, 1_234)])
        .await
        .expect("accepted");
    assert_eq!(waits(&rig).await, (0, 1));
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.store.counts().await.expect("answers").news_waiting, 1);
    rig.says("1", "hello").await;
    assert!(rig.sees("1").iter().any(|said| said.contains("12.34")));
}

/// What the customer took back meanwhile is refused in the request, and after it at the send.
#[tokio::test]
async fn a_stop_binds_what_was_decided_before_it_and_what_comes_after() {
    let rig = Rig::new().await;
    rig.link_for("1", &[Purpose::TransactionUpdate], Form::Detail).await;
    let event = |id| rig.transaction(TransactionAuthorised, id, None, 1_234);
    rig.gateway.accept_bank(&[event("t1")]).await.expect("accepted");
    rig.says("1", "stop").await;
    let after = rig.gateway.accept_bank(&[event("t2")]).await.expect("accepted");
    assert_eq!(after, Accepted { unmatched: 1, ..Accepted::default() });
    rig.gateway.settle().await.expect("settled");
    assert!(rig.sees("1").iter().all(|said| !said.contains("12.34")), "neither left");
    assert!(rig.store.links_of_conversation(&conversation("1")).await.expect("answers").is_empty());
}
