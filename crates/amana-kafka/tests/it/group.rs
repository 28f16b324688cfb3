//! Members of a group come and go while records flow.

use crate::support::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Goal: through members that join, leave and are cut off, each event is taken once and in its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_taken_once_through_rebalances() {
    const ROUNDS: usize = 6;
    const EACH: usize = 100;
    let cluster = Cluster::new();
    let kept = Arc::new(Kept::default());
    let mut members = vec![Member::start(cluster.source(), &kept)];
    for round in 0..ROUNDS {
        for n in round * EACH..(round + 1) * EACH {
            for partition in 0..PARTITIONS {
                cluster.put_event(partition, &format!("a{partition}"), n);
            }
        }
        cluster.flush();
        // Each is another kind of change, with the records of this round on their way.
        match round {
            0 | 2 => members.push(Member::start(cluster.source(), &kept)),
            1 => members.remove(0).stop().await,
            3 => {
                members.remove(0).cut().await;
                members.push(Member::start(cluster.source(), &kept));
            }
            _ => {}
        }
        let so_far = (round + 1) * EACH;
        until("this round is kept", || kept.count() >= 3 * so_far - EACH).await;
    }
    until("all are kept", || kept.count() == 3 * ROUNDS * EACH).await;
    // A commit that came while partitions moved is refused, and whoever has the partition then reads it once more.
    let all = i64::try_from(ROUNDS * EACH).unwrap();
    until("the offsets have followed", || cluster.committed() == [all; 3]).await;
    for member in members {
        member.stop().await;
    }
    for account in ["a0", "a1", "a2"] {
        assert_eq!(kept.events.lock().unwrap()[account], ids(account, 0..ROUNDS * EACH), "{account}");
    }
    println!("{} came twice and were known", kept.duplicates.load(Ordering::SeqCst));
}
