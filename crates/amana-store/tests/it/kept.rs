//! What the writer keeps in memory until the commit (the log's head, customers' last receipts) is what the rows say
//! afterwards, whatever else shares the batch.

use crate::disclosure_log::place;
use crate::world::*;
use amana_core::*;
use amana_gate::ReceiptKind;
use amana_store::*;
use std::sync::Arc;

/// Far more than a test writes.
const LONG: u64 = 1 << 20;

fn view(customer: u8) -> Command {
    Command::Record {
        shard: Shard(u16::from(customer)),
        customer: customer_id(customer),
        receipt: draft(ReceiptKind::View),
    }
}

fn reserve(segment_entries: u64) -> Command {
    Command::ReserveIndex { now: at(0), segment_entries, segment_seconds: 86_400 }
}

/// What no store takes: it was not there.
fn refused() -> Command {
    Command::TakeSession { hash: [1; 32] }
}

async fn size(w: &World) -> u64 {
    w.store.log_head().await.expect("answers").size
}

/// The goal: in one commit numbers go on, also over an entry of another kind, and over the end of a segment.
pub(crate) async fn many_receipts_of_a_commit_follow_each_other(w: &World) {
    for customer in 1..=3 {
        w.customer(customer).await;
    }
    let mut commands: Vec<Command> = (0..30u8).map(|n| view(1 + n % 3)).collect();
    commands.insert(10, agreed(AgreementAct::Accepted, agreement(1)));
    // The reserved entry is the final one of the first segment: what follows begins the next.
    commands.insert(20, reserve(1));
    let numbers: Vec<u64> = (w.store.submit(commands).await.expect("is kept").into_iter())
        .filter_map(|outcome| if let Outcome::Receipt(seq) = outcome { Some(seq) } else { None })
        .collect();
    assert_eq!(numbers, (1..=10u64).flat_map(|n| [n; 3]).collect::<Vec<_>>());
    assert_eq!(size(w).await, 32);
    w.one(Command::FillIndex { log_index: 20, entry: vec![1; 65] }).await;
    for customer in 1..=3 {
        let places: Vec<_> = w.chain(customer).await.iter().map(place).collect();
        assert_eq!(places.len(), 10);
        let first = places.iter().filter(|(segment, _)| *segment == 0).count();
        assert!((5..=7).contains(&first), "{places:?}");
        w.one(view(customer)).await;
        assert_eq!(w.chain(customer).await.len(), 11, "the next commit goes on from there");
    }
}

/// The goal: random submissions at once, some of them refused at the end, lead to what one after the other would.
pub(crate) async fn what_a_batch_keeps_is_what_it_writes(w: &World) {
    for customer in 1..=4 {
        w.customer(customer).await;
    }
    let (mut expected, mut rules) = ([0usize; 5], 0u32);
    for round in 0..12u8 {
        let mut tasks = Vec::new();
        for _ in 0..40 {
            let [count, who, fate, other] = w.entropy.bytes::<4>();
            let whose: Vec<u8> = (0..=count % 5).map(|n| 1 + (who ^ n.wrapping_mul(other)) % 4).collect();
            let mut commands: Vec<Command> = whose.iter().map(|customer| view(*customer)).collect();
            if fate % 16 == 1 {
                commands.insert(1, reserve(LONG));
            }
            // In some rounds nothing is refused, so that batches with savepoints and without both come.
            let refused_at = (round % 3 > 0 && fate.is_multiple_of(4)).then_some(commands.len());
            commands.extend(refused_at.map(|_| refused()));
            let store = Arc::clone(&w.store);
            tasks.push((tokio::spawn(async move { store.submit(commands).await }), whose, refused_at));
        }
        for (task, whose, refused_at) in tasks {
            let answer = task.await.expect("runs");
            if let Some(index) = refused_at {
                assert_eq!(conflict(answer), (index, "session"));
                continue;
            }
            answer.expect("is kept");
            whose.iter().for_each(|customer| expected[usize::from(*customer)] += 1);
        }
        rules += 1;
        w.one(agreed(AgreementAct::Accepted, agreement(rules))).await;
        let head = w.store.log_head().await.expect("answers");
        if let Some(reserved) = head.reserved {
            w.one(Command::FillIndex { log_index: reserved.log_index, entry: vec![1; 65] }).await;
        }
    }
    let mut receipts = 0;
    for customer in 1..=4u8 {
        let chain = w.chain(customer).await;
        assert_eq!(chain.len(), expected[usize::from(customer)]);
        receipts += chain.len();
    }
    let entries = w.store.log_entries(0, 10_000).await.expect("answers");
    assert_eq!(entries.len() as u64, size(w).await, "no place is empty, and none is taken twice");
    let of_kind = |kind: u8| entries.iter().filter(|entry| entry.first() == Some(&kind)).count();
    assert_eq!((of_kind(0), of_kind(2)), (receipts, rules as usize), "receipts and rule changes");
}

/// The goal: nothing is kept from one commit to the next. Another store on the same database (another process: roles
/// may be apart) writes between.
pub(crate) async fn another_store_writes_between(w: &World) {
    let other = w.another().await;
    w.customer(1).await;
    w.customer(2).await;
    for n in 0..6u8 {
        let store = if n % 2 == 0 { &w.store } else { &other };
        store.submit(vec![view(1), view(2), view(1)]).await.expect("is kept");
    }
    let mut tasks = Vec::new();
    for n in 0..40u8 {
        let store = Arc::clone(if n % 2 == 0 { &w.store } else { &other });
        let mut commands = vec![view(1 + n % 2), view(1)];
        if n % 5 == 0 {
            commands.push(refused());
        }
        tasks.push(tokio::spawn(async move { store.submit(commands).await.is_ok() }));
    }
    let mut kept = 0;
    for task in tasks {
        kept += usize::from(task.await.expect("runs"));
    }
    assert_eq!(kept, 32);
    let both = w.chain(1).await.len() + w.chain(2).await.len();
    assert_eq!((both, size(w).await), (18 + 64, 18 + 64));
}

/// The goal: an erasure in the same commit ends what is kept of that customer, and only theirs.
pub(crate) async fn an_erasure_ends_what_is_kept(w: &World) {
    w.customer(1).await;
    w.customer(2).await;
    let erase = |customer: u8| Command::BeginErasure {
        shard: Shard(u16::from(customer)),
        customer: customer_id(customer),
        at: at(1),
        receipt: draft(ReceiptKind::Erasure),
    };
    // After it the customer is no more, in the same submission too: and then all of it is refused.
    assert_eq!(w.refused(vec![view(1), view(2), erase(1), view(1)]).await, (3, "customer"));
    assert_eq!(size(w).await, 0);
    w.store.submit(vec![view(1), view(2), erase(1), view(2)]).await.expect("is kept");
    assert_eq!(w.refused(vec![view(1)]).await, (0, "customer"));
    assert_eq!((w.chain(2).await.len(), size(w).await), (2, 4));
}
