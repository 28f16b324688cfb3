//! A cluster, what a bank puts into its topics, and an intake that can be held up and can fail.

use amana_core::{InstitutionId, ManualClock, Timestamp};
use amana_flow::{Accepted, FlowError};
use amana_kafka::{Consumer, Event, Intake, Source};
use amana_store::AsideRecords;
use async_trait::async_trait;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const TOPIC: &str = "cedar.events";
pub(crate) const PARTITIONS: i32 = 3;
pub(crate) const GROUP: &str = "amana-cedar";
/// How long anything may take on a machine that builds something else beside.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "it did not come to this: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An event about an account; the account says which key it has in the topic.
pub(crate) fn event(account: &str, number: usize) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{account}-{number}"), "source": "https://cedar.example/core",
        "type": "bank.balance.changed.v1", "time": "2026-11-24T10:00:00Z",
        "data": {"accountId": account, "currency": "USD",
                 "balance": {"accountType": "CHECKING", "currentBalance": number, "availableBalance": number}},
    })
}

pub(crate) struct Cluster {
    mock: MockCluster<'static, DefaultProducerContext>,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let mock = MockCluster::new(3).expect("a cluster");
        mock.create_topic(TOPIC, PARTITIONS, 3).expect("a topic");
        let producer = ClientConfig::new()
            .set("bootstrap.servers", mock.bootstrap_servers())
            .set("message.max.bytes", "16000000")
            .set("linger.ms", "5")
            .create()
            .expect("a producer");
        Self { mock, producer }
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            id: "cedar".to_owned(),
            brokers: self.mock.bootstrap_servers().split(',').map(str::to_owned).collect(),
            topics: vec![TOPIC.to_owned()],
            institutions: vec![bank("cedar-bank")],
            group: GROUP.to_owned(),
            tls: None,
            login: None,
        }
    }

    /// Puts a record into a partition; gives it back only when the brokers have it.
    pub(crate) fn put(&self, partition: i32, headers: &[(&str, &str)], value: &[u8]) {
        self.put_later(partition, headers, Some(value));
        self.flush();
    }

    pub(crate) fn put_later(&self, partition: i32, headers: &[(&str, &str)], value: Option<&[u8]>) {
        let all = headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: Some(value.as_bytes()) })
        });
        let mut record = BaseRecord::<str, [u8]>::to(TOPIC).key("k").partition(partition).headers(all);
        if let Some(value) = value {
            record = record.payload(value);
        }
        self.producer.send(record).map_err(|(error, _)| error).expect("queued");
    }

    pub(crate) fn put_event(&self, partition: i32, account: &str, number: usize) {
        self.put_later(partition, &[], Some(event(account, number).to_string().as_bytes()));
    }

    pub(crate) fn flush(&self) {
        self.producer.flush(PATIENCE).expect("flushed");
    }

    /// What the group has committed, by partition; -1 is nothing.
    pub(crate) fn committed(&self) -> Vec<i64> {
        let looker: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.mock.bootstrap_servers())
            .set("group.id", GROUP)
            .create()
            .expect("a consumer");
        let mut places = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            places.add_partition(TOPIC, partition);
        }
        let committed = looker.committed_offsets(places, PATIENCE).expect("offsets");
        let of = |offset| if let Offset::Offset(offset) = offset { offset } else { -1 };
        committed.elements().iter().map(|place| of(place.offset())).collect()
    }
}

pub(crate) fn bank(id: &str) -> InstitutionId {
    InstitutionId::new(id).expect("an id")
}

/// What came in, once each; it can be held up, and fail.
#[derive(Default)]
pub(crate) struct Kept {
    /// The ids of new events by account, in the order of their commits.
    pub(crate) events: Mutex<BTreeMap<String, Vec<String>>>,
    known: Mutex<HashSet<String>>,
    pub(crate) aside: Mutex<Vec<AsideRecords>>,
    pub(crate) commits: AtomicUsize,
    pub(crate) duplicates: AtomicUsize,
    pub(crate) failures: AtomicUsize,
    /// While on, nothing becomes durable and nobody is answered.
    pub(crate) held: AtomicBool,
    /// While on, nothing becomes durable.
    pub(crate) fails: AtomicBool,
    /// Whose stored rows do not open.
    pub(crate) damaged: Mutex<Option<String>>,
    pub(crate) waiting: AtomicBool,
    /// The most events that were brought at once.
    pub(crate) largest: AtomicUsize,
}

impl Kept {
    pub(crate) fn count(&self) -> usize {
        self.events.lock().unwrap().values().map(Vec::len).sum()
    }
}

#[async_trait]
impl Intake for Kept {
    async fn take(&self, events: &[Event]) -> Result<Accepted, FlowError> {
        self.waiting.store(true, Ordering::SeqCst);
        while self.held.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if self.fails.load(Ordering::SeqCst) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            return Err(FlowError::NotConfigured("store"));
        }
        let damaged = self.damaged.lock().unwrap().clone();
        if events.iter().any(|(event, _)| damaged.as_deref() == Some(event.account.as_str())) {
            return Err(FlowError::Unreadable("customer"));
        }
        self.largest.fetch_max(events.len(), Ordering::SeqCst);
        self.commits.fetch_add(1, Ordering::SeqCst);
        let mut accepted = Accepted::default();
        for (event, _) in events {
            if self.known.lock().unwrap().insert(event.id.clone()) {
                accepted.stored += 1;
                let account = event.account.as_str().to_owned();
                self.events.lock().unwrap().entry(account).or_default().push(event.id.clone());
            } else {
                accepted.duplicates += 1;
            }
        }
        self.duplicates.fetch_add(accepted.duplicates, Ordering::SeqCst);
        Ok(accepted)
    }

    async fn set_aside(&self, records: Vec<AsideRecords>) -> Result<(), FlowError> {
        self.aside.lock().unwrap().extend(records);
        Ok(())
    }
}

/// A consumer that runs.
pub(crate) struct Member {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Member {
    pub(crate) fn start(source: Source, kept: &Arc<Kept>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let consumer = Consumer::new(source, clock).expect("a consumer");
        let (stop, kept) = (CancellationToken::new(), kept.clone());
        let told = stop.clone();
        let task = tokio::spawn(async move { consumer.run(&*kept, told).await });
        Self { stop, task }
    }

    /// Stops it as a gateway does.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("it ends");
    }

    /// Ends it where it stands.
    pub(crate) async fn cut(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// The ids of so many events of an account, in their order.
pub(crate) fn ids(account: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("https://cedar.example/core {account}-{n}")).collect()
}
