//! What cannot be read is set aside with its place, and nothing waits for it.

use crate::support::*;
use amana_kafka::limits::RECORD_BYTES_MAX;
use std::sync::Arc;

/// Goal: each kind of record that cannot be taken is set aside with its place and why, without what is in it; all
/// others are taken, in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_is_set_aside_and_the_partition_goes_on() {
    const SECRET: &str = "Corner Shop 4711";
    let (cluster, kept) = (Cluster::new(), Arc::new(Kept::default()));
    let mut source = cluster.source();
    source.institutions.push(bank("harbor"));
    let cedar: &[(&str, &str)] = &[("institution", "cedar-bank")];
    let harbor: &[(&str, &str)] = &[("institution", "harbor")];
    let good = |n| event("a1", n).to_string().into_bytes();
    let mut no_time = event("a1", 99);
    no_time.as_object_mut().unwrap().remove("time");
    no_time["data"]["memo"] = SECRET.into();

    cluster.put(1, cedar, &good(0));
    cluster.put(1, cedar, format!("{{\"{SECRET}\"").as_bytes());
    cluster.put(1, cedar, format!("{{\"{SECRET}\"").as_bytes());
    cluster.put(1, harbor, &good(1));
    cluster.put(1, cedar, no_time.to_string().as_bytes());
    cluster.put(1, &[("institution", SECRET)], &good(2));
    cluster.put(1, &[], &good(3));
    cluster.put_later(1, cedar, None);
    cluster.flush();
    cluster.put(1, cedar, &vec![b' '; RECORD_BYTES_MAX + 1]);
    cluster.put(1, &[("institution", "cedar-bank"), ("content-type", "text/plain")], &good(4));
    // As the binding's binary mode has it, and as a batch.
    let mut data = event("a1", 5);
    let data = data["data"].take().to_string();
    let binary = [
        ("institution", "cedar-bank"),
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", "a1-5"),
        ("ce_source", "https://cedar.example/core"),
        ("ce_type", "bank.balance.changed.v1"),
        ("ce_time", "2026-11-24T10:00:00Z"),
    ];
    cluster.put(1, &binary, data.as_bytes());
    let batch = serde_json::json!([event("a1", 6), event("a1", 7)]).to_string();
    let batched = [("institution", "cedar-bank"), ("Content-Type", "application/cloudevents-batch+json")];
    cluster.put(1, &batched, batch.as_bytes());

    let member = Member::start(source, &kept);
    until("the good ones are kept", || kept.count() == 5).await;
    member.stop().await;
    let expected: Vec<String> = [0..2, 5..8].into_iter().flat_map(|some| ids("a1", some)).collect();
    assert_eq!(kept.events.lock().unwrap()["a1"], expected);
    assert_eq!(cluster.committed(), [-1, 12, -1]);

    // Neighbours of one batch with one reason may be one entry.
    let aside = kept.aside.lock().unwrap().clone();
    let mut places: Vec<(i64, String)> = Vec::new();
    for records in &aside {
        assert_eq!((records.source.as_str(), records.topic.as_str(), records.partition), ("cedar", TOPIC, 1));
        assert!(!records.reason.contains("Corner"), "{}", records.reason);
        places.extend((records.first..=records.last).map(|offset| (offset, records.reason.clone())));
    }
    let offsets: Vec<i64> = places.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, [1, 2, 4, 5, 6, 7, 8, 9]);
    for ((_, reason), word) in places.iter().zip([
        "not json",
        "not json",
        "`time` is missing",
        "no institution",
        "no institution",
        "empty",
        "bytes",
        "content type",
    ]) {
        assert!(reason.contains(word), "{reason}: {word}");
    }
}

/// Goal: a customer whose rows do not open keeps nobody else's events waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_customer_is_set_aside_and_the_others_go_on() {
    let (cluster, kept) = (Cluster::new(), Arc::new(Kept::default()));
    *kept.damaged.lock().unwrap() = Some("a7".to_owned());
    for n in 0..5 {
        cluster.put_event(0, "a1", n);
        cluster.put_event(0, "a7", n);
    }
    cluster.flush();
    let member = Member::start(cluster.source(), &kept);
    until("the others are kept", || kept.count() == 5).await;
    until("the rest is noted", || kept.aside.lock().unwrap().len() == 5).await;
    member.stop().await;
    assert_eq!(kept.events.lock().unwrap()["a1"], ids("a1", 0..5));
    let offsets: Vec<i64> = kept.aside.lock().unwrap().iter().map(|aside| aside.first).collect();
    assert_eq!((offsets, cluster.committed()), (vec![1, 3, 5, 7, 9], vec![10, -1, -1]));
}
