//! The end between the commit and the offset.

use crate::support::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Goal: what was durable when a member was cut off, and whose offset was not committed, comes again and is known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_durable_without_its_offset_comes_again_and_is_known() {
    let (cluster, kept) = (Cluster::new(), Arc::new(Kept::default()));
    for n in 0..10 {
        cluster.put_event(0, "a0", n);
    }
    cluster.flush();
    let member = Member::start(cluster.source(), &kept);
    until("these are kept", || kept.count() == 10).await;
    // The next batch is held up inside, and there the member ends: its offsets stay where they are.
    kept.waiting.store(false, Ordering::SeqCst);
    kept.held.store(true, Ordering::SeqCst);
    for n in 10..20 {
        cluster.put_event(0, "a0", n);
    }
    cluster.flush();
    until("more are brought", || kept.waiting.load(Ordering::SeqCst)).await;
    member.cut().await;
    assert!(cluster.committed()[0] <= 10, "{:?}", cluster.committed());
    kept.held.store(false, Ordering::SeqCst);
    assert_eq!(kept.count(), 10);
    let next = Member::start(cluster.source(), &kept);
    until("all are kept", || kept.count() == 20).await;
    next.stop().await;
    assert_eq!(kept.events.lock().unwrap()["a0"], ids("a0", 0..20));
    assert_eq!(cluster.committed()[0], 20);
}
