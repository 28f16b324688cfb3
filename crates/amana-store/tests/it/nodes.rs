//! Nodes on one database: shards are shared, what comes of a lease that others have ended is refused, and a node that
//! stands still in the middle of a transaction holds nobody up for long.

use crate::outbox::{claim, finish};
use crate::place::{Place, postgres_client};
use crate::world::*;
use amana_core::*;
use amana_gate::ReceiptKind;
use amana_store::limits::POSTGRES_IDLE_TRANSACTION_MS_MAX;
use amana_store::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A test here takes seconds.
const TEST_MAX: Duration = Duration::from_secs(90);

/// Runs a test that waits for PostgreSQL; one that it never answers fails, and says what to look at.
async fn in_time(test: impl Future<Output = ()>) {
    assert!(
        tokio::time::timeout(TEST_MAX, test).await.is_ok(),
        "not done after {TEST_MAX:?}: has the PostgreSQL at AMANA_TEST_POSTGRES_URL stopped answering (stopped, out of \
         connections, its disk full), or do two nodes wait for each other's locks (`pg_stat_activity`, `pg_locks`)?"
    );
}

async fn joined(store: &Arc<dyn Store>, name: &str) -> i64 {
    store.join_nodes(name).await.expect("joins").expect("a node")
}

async fn take(store: &Arc<dyn Store>, node: i64, most: u32) {
    let take = Command::TakeShards { node, most, until: at(100) };
    store.submit(vec![take]).await.expect("taken");
}

async fn held(store: &Arc<dyn Store>) -> Vec<u16> {
    store.shards().await.expect("reads").held.iter().map(|shard| shard.0).collect()
}

/// Ends a node's time, as if it had not renewed for long.
async fn late(w: &World, node: i64) {
    w.place.sql(&format!("UPDATE node SET until = 0 WHERE id = {node}")).await;
}

/// Goal: a shard is one node's; its rows are seen by that node alone; it is given back and taken by another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_are_shared_and_handed_on() {
    in_time(async {
        let w = World::on(Place::postgres().await).await;
        let other = w.another().await;
        let shard = event(1, 1).shard;
        w.one(Command::Accept(event(1, 1))).await;
        assert_eq!(waiting(&w.store, 1, 9).await.len(), 1, "who is no node sees all");
        let (a, b) = (joined(&w.store, "a").await, joined(&other, "b").await);
        assert!(waiting(&w.store, 1, 9).await.is_empty(), "a node has nothing yet");
        take(&w.store, a, u32::from(shard.0)).await;
        take(&other, b, 4096).await;
        assert_eq!(held(&w.store).await, (0..shard.0).collect::<Vec<_>>());
        assert_eq!(held(&other).await, (shard.0..4096).collect::<Vec<_>>());
        assert!(waiting(&w.store, 1, 9).await.is_empty(), "it is the other's");
        assert_eq!(waiting(&other, 1, 9).await.len(), 1);
        let view = w.store.shards().await.expect("reads");
        assert_eq!((view.free, view.nodes), (0, 2));

        other.submit(vec![Command::GiveShards { node: b, from: shard }]).await.expect("given");
        take(&w.store, a, 1).await;
        assert_eq!(waiting(&w.store, 1, 9).await.len(), 1);
        other.submit(vec![Command::EndNode { node: b }]).await.expect("ends");
        let ended = other.submit(vec![Command::Accept(event(1, 2))]).await;
        assert!(matches!(ended, Err(SubmitError::Store(_))) && other.lease().is_lost, "{ended:?}");
        w.close().await;
    })
    .await;
}

/// Goal: a node whose time is over is ended by another: its shards are free, its sends are in doubt with whoever takes
/// them, and nothing that it submits is kept, whatever it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_ended_commits_nothing() {
    in_time(async {
        let w = World::on(Place::postgres().await).await;
        let other = w.another().await;
        let (a, b) = (joined(&w.store, "a").await, joined(&other, "b").await);
        take(&w.store, a, 4096).await;
        let shard = conversation(1).shard();
        w.one(Command::Disclose { shard, disclosure: w.plain(1, 1), at: at(1) }).await;
        w.one(claim(1, OutboxState::Pending, 50)).await;
        let fence = || async { other.submit(vec![Command::FenceNodes { node: b }]).await.expect("looks") };
        assert_eq!(fence().await, [Outcome::Unchanged], "it is in time");
        late(&w, a).await;
        // Late, and not ended: it renews, and goes on.
        w.one(Command::Accept(event(1, 1))).await;
        assert_eq!(fence().await, [Outcome::Unchanged]);
        late(&w, a).await;
        assert_eq!(fence().await, [Outcome::Changed]);
        take(&other, b, 4096).await;
        assert_eq!(held(&other).await.len(), 4096);

        assert!(!w.store.lease().is_lost, "it does not know yet");
        assert!(!w.store.is_leased().await.expect("reads") && other.is_leased().await.expect("reads"));
        for command in [
            Command::Accept(event(2, 2)),
            finish(1, Delivery::Sent { mid: "m".to_owned() }),
            Command::TakeShards { node: a, most: 1, until: at(100) },
        ] {
            let refused = w.store.submit(vec![command]).await;
            assert!(matches!(refused, Err(SubmitError::Store(_))), "{refused:?}");
        }
        assert!(w.store.writable().await.is_err());
        let lease = w.store.lease();
        assert!(lease.is_lost && !lease.is_fresh);
        let entry = other.outbox_entry(message(1)).await.expect("reads").expect("there");
        assert_eq!((entry.state, entry.doubtful, entry.due_at), (OutboxState::Unconfirmed, true, at(100)));
        assert_eq!(waiting(&other, 9, 9).await.len(), 1, "nothing of it was kept");
        let nodes = other.nodes().await.expect("reads");
        let states: Vec<_> = nodes.iter().map(|n| (n.id, n.fenced, n.shards)).collect();
        assert_eq!(states, [(a, true, 0), (b, false, 4096)]);
        w.close().await;
    })
    .await;
}

/// Goal: a node that is in a transaction is not ended until that is over; one that stands still in it is ended soon,
/// and what it locked is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_stands_still_ends() {
    in_time(async {
        let w = World::on(Place::postgres().await).await;
        let other = w.another().await;
        let (a, b) = (joined(&w.store, "a").await, joined(&other, "b").await);
        // What a process that is stopped in the middle of a commit leaves: its own row and the log's head are locked.
        let stopped = postgres_client(&w.place.url()).await;
        let lock = format!(
            "SET idle_in_transaction_session_timeout = {POSTGRES_IDLE_TRANSACTION_MS_MAX}; BEGIN; \
         UPDATE node SET until = 0 WHERE id = {a}; SELECT 1 FROM log_head FOR NO KEY UPDATE"
        );
        late(&w, a).await;
        stopped.batch_execute(&lock).await.expect("locks");
        let begun = Instant::now();
        let fence = || async { other.submit(vec![Command::FenceNodes { node: b }]).await.expect("looks") };
        assert_eq!(fence().await, [Outcome::Unchanged], "nobody waits for it");
        while fence().await == [Outcome::Unchanged] {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is never ended");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let rule = agreed(AgreementAct::Accepted, agreement(1));
        other.submit(vec![rule]).await.expect("the log's head is free");
        w.close().await;
    })
    .await;
}

/// Goal: a node that waited for longer than its lease for what another had locked is in time when it is done: nobody
/// ends it before its next transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waited_for_a_lock_is_in_time() {
    in_time(async {
        let w = World::on(Place::postgres().await).await;
        let other = w.another().await;
        let (a, b) = (joined(&w.store, "a").await, joined(&other, "b").await);
        let busy = postgres_client(&w.place.url()).await;
        let lock =
            "SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT 1 FROM log_head FOR NO KEY UPDATE";
        busy.batch_execute(lock).await.expect("locks");
        let waiting = tokio::spawn({
            let store = Arc::clone(&w.store);
            async move { store.submit(vec![agreed(AgreementAct::Accepted, agreement(1))]).await }
        });
        let left =
            || async { other.nodes().await.expect("reads").iter().find(|n| n.id == a).map(|n| n.left_us) };
        while left().await.is_some_and(|left| left >= 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!waiting.is_finished(), "the head is locked");
        busy.batch_execute("COMMIT").await.expect("lets go");
        waiting.await.expect("no panic").expect("written");
        assert!(left().await.is_some_and(|left| left > 0), "it is late in the moment in which it is done");
        assert!(w.store.lease().is_fresh);
        let look = other.submit(vec![Command::FenceNodes { node: b }]).await.expect("looks");
        assert_eq!(look, [Outcome::Unchanged]);
        w.close().await;
    })
    .await;
}

/// Goal: two nodes that want the log's head and the same message do not wait for each other: whoever records a receipt
/// has the head first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_lock_in_one_order() {
    in_time(async {
    let w = World::on(Place::postgres().await).await;
    let (patient, finished) = (30, Duration::from_secs(20));
    // A deadlock is found out only long after this test has lost its patience. It holds for connections from now on.
    let slow = format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''{patient}s''', current_database()); \
         END $$"
    );
    w.place.sql(&slow).await;
    let (one, two) = (w.another().await, w.another().await);
    let (a, b) = (joined(&one, "a").await, joined(&two, "b").await);
    take(&one, a, 4096).await;
    take(&two, b, 4096).await;
    w.one(Command::Disclose { shard: conversation(1).shard(), disclosure: w.plain(1, 1), at: at(1) }).await;
    w.one(claim(1, OutboxState::Pending, 50)).await;

    // Both come to the message's row, or to the head before it, while somebody else has that row.
    let busy = postgres_client(&w.place.url()).await;
    let lock = "SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT 1 FROM outbox FOR UPDATE";
    busy.batch_execute(lock).await.expect("locks");
    // Another session: within a transaction the view stays as it was when it was first looked at.
    let look = postgres_client(&w.place.url()).await;
    let waiting = async |many: i64| {
        let text = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND wait_event_type = 'Lock'";
        while look.query_one(text, &[]).await.expect("reads").get::<_, i64>(0) < many {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let row = || finish(1, Delivery::Retry { due_at: at(60), counts: true });
    let head = |version| agreed(AgreementAct::Accepted, agreement(version));
    let submit = |store: &Arc<dyn Store>, commands| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.submit(commands).await })
    };
    let first = submit(&one, vec![row(), head(1)]);
    waiting(1).await;
    let second = submit(&two, vec![head(2), row()]);
    waiting(2).await;
    busy.batch_execute("COMMIT").await.expect("lets go");
    let both = tokio::time::timeout(finished, async { (first.await, second.await) });
    let (first, second) = both.await.expect("neither waits for the other");
    first.expect("no panic").expect("written");
    second.expect("no panic").expect("written");
    w.close().await;
    })
    .await;
}

/// Goal: shards are taken in a moment, however many messages are open: these are walked through once, not once for each
/// shard, which took two seconds of five with three thousand of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_are_taken_in_a_moment() {
    in_time(async {
    let w = World::on(Place::postgres().await).await;
    let shard = conversation(1).shard();
    w.one(Command::Disclose { shard, disclosure: w.plain(1, 1), at: at(1) }).await;
    w.place
        .sql(
            "INSERT INTO outbox SELECT (s.r).* FROM (SELECT jsonb_populate_record(o, jsonb_build_object(\
             'message', '\\x' || lpad(to_hex(n), 32, '0'), 'position', o.position + n, 'shard', n % 4096)) AS r \
             FROM outbox o, generate_series(1, 12000) n) s; ANALYZE",
        )
        .await;
    w.one(claim(1, OutboxState::Pending, 50)).await;
    let a = joined(&w.store, "a").await;
    let begun = Instant::now();
    take(&w.store, a, 4096).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(held(&w.store).await.len(), 4096);
    let entry = w.store.outbox_entry(message(1)).await.expect("reads").expect("there");
    assert_eq!((entry.state, entry.doubtful), (OutboxState::Unconfirmed, true));
    w.close().await;
    })
    .await;
}

/// Goal: whom one node erased, another learns of, and forgets what it had opened of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_erased_by_another_is_forgotten() {
    in_time(async {
        let w = World::on(Place::postgres().await).await;
        let other = w.another().await;
        let (shard, customer) = (Shard(1), w.customer(1).await.id);
        let receipt = draft(ReceiptKind::Erasure);
        w.one(Command::BeginErasure { shard, customer, at: at(80), receipt }).await;
        assert_eq!(other.forget_erased(at(0)).await.expect("reads"), 0, "it is not done yet");
        w.store.destroy_customer_key(customer, at(80)).await.expect("destroyed");
        while w.one(Command::Erase { shard, customer, at: at(81) }).await == Outcome::Changed {}
        assert_eq!(other.forget_erased(at(81)).await.expect("reads"), 1);
        assert_eq!(other.forget_erased(at(82)).await.expect("reads"), 0);
        w.close().await;
    })
    .await;
}

/// Goal: SQLite has no nodes.
#[tokio::test]
async fn sqlite_is_one_process() {
    in_time(async {
        let w = World::on(Place::sqlite()).await;
        assert_eq!(w.store.join_nodes("a").await.expect("asks"), None);
        assert_eq!(w.store.lease(), Lease { node: None, is_fresh: true, is_over: false, is_lost: false });
        assert!(w.store.nodes().await.expect("reads").is_empty());
        w.close().await;
    })
    .await;
}
