//! No offset before the commit; and what happens while nothing can be committed.

use crate::support::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Goal: an offset is committed only when what it stands for is durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_follow_the_durable_commit() {
    let (cluster, kept) = (Cluster::new(), Arc::new(Kept::default()));
    kept.held.store(true, Ordering::SeqCst);
    for n in 0..30 {
        cluster.put_event(i32::try_from(n % 3).unwrap(), &format!("a{}", n % 3), n / 3);
    }
    cluster.flush();
    let member = Member::start(cluster.source(), &kept);
    until("events are brought", || kept.waiting.load(Ordering::SeqCst)).await;
    // Longer than offsets wait to be committed.
    tokio::time::sleep(amana_kafka::limits::OFFSETS_EVERY + std::time::Duration::from_secs(1)).await;
    assert_eq!(cluster.committed(), [-1, -1, -1], "nothing is durable yet");
    kept.held.store(false, Ordering::SeqCst);
    until("all are kept", || kept.count() == 30).await;
    member.stop().await;
    assert_eq!(cluster.committed(), [10, 10, 10]);
    for account in ["a0", "a1", "a2"] {
        assert_eq!(kept.events.lock().unwrap()[account], ids(account, 0..10));
    }
    // Who comes next begins behind it.
    let next = Member::start(cluster.source(), &kept);
    cluster.put_event(0, "a0", 10);
    cluster.flush();
    until("the next is kept", || kept.count() == 31).await;
    next.stop().await;
    assert_eq!((kept.duplicates.load(Ordering::SeqCst), cluster.committed()), (0, vec![11, 10, 10]));
}

/// Goal: records share commits, in bounded batches, and each partition's order is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_share_commits_and_keep_their_order() {
    const EACH: usize = 4_000;
    let (cluster, kept) = (Cluster::new(), Arc::new(Kept::default()));
    for n in 0..EACH {
        for partition in 0..PARTITIONS {
            cluster.put_event(partition, &format!("a{partition}"), n);
        }
    }
    cluster.flush();
    let member = Member::start(cluster.source(), &kept);
    until("all are kept", || kept.count() == 3 * EACH).await;
    member.stop().await;
    let commits = kept.commits.load(Ordering::SeqCst);
    assert!(commits < 3 * EACH / 20, "{commits} commits for {} records", 3 * EACH);
    assert!(kept.largest.load(Ordering::SeqCst) <= amana_kafka::limits::BATCH_RECORDS_MAX);
    for account in ["a0", "a1", "a2"] {
        assert_eq!(kept.events.lock().unwrap()[account], ids(account, 0..EACH));
    }
}

/// Goal: while nothing can be made durable the partitions are paused, the group is kept, and nothing is lost, doubled
/// or out of order afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_holds_it_up_and_no_more() {
    const EACH: usize = 2_000;
    let (cluster, kept) = (Cluster::new(), Arc::new(Kept::default()));
    kept.fails.store(true, Ordering::SeqCst);
    let member = Member::start(cluster.source(), &kept);
    for n in 0..EACH {
        for partition in 0..PARTITIONS {
            cluster.put_event(partition, &format!("a{partition}"), n);
        }
    }
    cluster.flush();
    until("it was tried some times", || kept.failures.load(Ordering::SeqCst) >= 7).await;
    assert_eq!((kept.count(), cluster.committed()), (0, vec![-1, -1, -1]));
    kept.fails.store(false, Ordering::SeqCst);
    until("all are kept", || kept.count() == 3 * EACH).await;
    member.stop().await;
    assert_eq!(kept.duplicates.load(Ordering::SeqCst), 0, "the group was never left");
    for account in ["a0", "a1", "a2"] {
        assert_eq!(kept.events.lock().unwrap()[account], ids(account, 0..EACH));
    }
}
