//! What only PostgreSQL can show: several gateways on one database, and connections that are lost.

use crate::place::{Place, postgres_client};
use crate::world::*;
use amana_core::*;
use amana_gate::ReceiptKind;
use amana_store::*;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_open_an_empty_database_at_once() {
    let place = Place::postgres().await;
    let (entropy, clock) = (Arc::new(SeededEntropy::new(1)), Arc::new(ManualClock::at(at(0))));
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let (url, entropy, clock) = (place.url(), Arc::clone(&entropy), Arc::clone(&clock));
        tasks.push(tokio::spawn(async move { open_at(&url, MASTER, &entropy, &clock).await.map(|_| ()) }));
    }
    for task in tasks {
        task.await.expect("runs").expect("opens");
    }
    let report = migrate(&place.url(), &*clock).await.expect("migrates");
    assert!(report.applied.is_empty());
    place.sql("INSERT INTO schema_change VALUES (99, 'later', '', 0)").await;
    let newer = open_at(&place.url(), MASTER, &entropy, &clock).await.err().expect("refused");
    assert!(matches!(newer, OpenError::Newer { found: 99, known: 1 }), "{newer}");
    place.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_database_agree() {
    let world = World::on(Place::postgres().await).await;
    let other = world.another().await;
    world.customer(1).await;
    world.customer(2).await;
    world.one(Command::PutToken(token(1))).await;
    let mut tasks = Vec::new();
    for n in 0..64u8 {
        let store = Arc::clone(if n % 2 == 0 { &world.store } else { &other });
        tasks.push(tokio::spawn(async move {
            // Two customers in both orders: the stores' batches wait for each other, and may deadlock.
            let record = |customer: u8| Command::Record {
                shard: Shard(u16::from(customer)),
                customer: customer_id(customer),
                receipt: draft(ReceiptKind::Denial),
            };
            let order = if n % 4 < 2 { [1, 2] } else { [2, 1] };
            let commands = vec![record(order[0]), Command::Accept(event(1, n % 32)), record(order[1])];
            let receipts = store.submit(commands).await.expect("kept");
            let token = store.submit(vec![Command::ConsumeToken { hash: [1; 32], now: at(1) }]).await;
            (receipts, token.is_ok())
        }));
    }
    let (mut new, mut won) = (0, 0);
    for task in tasks {
        let (outcomes, token) = task.await.expect("runs");
        new += usize::from(outcomes[1] == Outcome::Changed);
        won += usize::from(token);
    }
    assert_eq!((new, won), (32, 1));
    assert_eq!((world.chain(1).await.len(), world.chain(2).await.len()), (64, 64));
    drop(other);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_made_anew() {
    let world = World::on(Place::postgres().await).await;
    world.customer(1).await;
    for n in 0..5u8 {
        let client = postgres_client(&world.place.url()).await;
        client
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid()",
                &[],
            )
            .await
            .expect("ends them");
        let record =
            Command::Record { shard: Shard(1), customer: customer_id(1), receipt: draft(ReceiptKind::View) };
        let outcomes = world.store.submit(vec![record, Command::Accept(event(1, n))]).await.expect("kept");
        assert_eq!(outcomes, [Outcome::Receipt(u64::from(n) + 1), Outcome::Changed]);
        assert_eq!(world.chain(1).await.len(), usize::from(n) + 1);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_lost_under_load_lose_nothing_and_repeat_nothing() {
    let world = World::on(Place::postgres().await).await;
    world.customer(1).await;
    let mut tasks = Vec::new();
    for worker in 0..4u8 {
        let store = Arc::clone(&world.store);
        tasks.push(tokio::spawn(async move {
            let mut kept = Vec::new();
            for n in 0..40 {
                let n = worker * 40 + n;
                let record = Command::Record {
                    shard: Shard(1),
                    customer: customer_id(1),
                    receipt: draft(ReceiptKind::View),
                };
                // A commit whose answer was lost is an error that the caller sees; it may be durable.
                match store.submit(vec![Command::Accept(event(1, n)), record]).await {
                    Ok(outcomes) => kept.push((n, outcomes)),
                    Err(SubmitError::Store(_)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            kept
        }));
    }
    let client = postgres_client(&world.place.url()).await;
    for _ in 0..8 {
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                    AND pid <> pg_backend_pid()";
        client.execute(kill, &[]).await.expect("ends them");
    }
    let mut kept = Vec::new();
    for task in tasks {
        kept.extend(task.await.expect("runs"));
    }
    let receipts = world.chain(1).await.len();
    let events = world.store.counts().await.expect("answers").inbox_waiting;
    assert_eq!(u64::try_from(receipts).expect("small"), events, "event and receipt are one commit");
    assert!(receipts >= kept.len(), "what was answered is there");
    for (n, outcomes) in kept {
        assert_eq!(outcomes[0], Outcome::Changed);
        assert_eq!(world.one(Command::Accept(event(1, n))).await, Outcome::Duplicate);
    }
    world.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let (entropy, clock) = (Arc::new(SeededEntropy::new(1)), Arc::new(ManualClock::at(at(0))));
    // A port that was free a moment ago.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("binds").local_addr().expect("has one").port();
    let url = format!("postgres://me:secret@127.0.0.1:{port}/x");
    let error = open_at(&url, MASTER, &entropy, &clock).await.err().expect("refused").to_string();
    assert!(error.contains("cannot be reached") && !error.contains("secret"), "{error}");
}
