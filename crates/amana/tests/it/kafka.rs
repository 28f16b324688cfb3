//! A bank's events from a topic, through the real binary: told once, also when the process dies between what is durable
//! and its offset; and what cannot be read is listed.

use crate::canary::{BANK, Class, World, account_id, psid, subject, text};
use crate::process::{Running, amana, folder, run};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const TOPIC: &str = "cedar.events";
const OWNER: usize = 0;
const PATIENCE: Duration = Duration::from_secs(120);
/// What stands in the record that cannot be read.
const INSIDE: &str = "Corner Shop 4711";

struct Topic {
    mock: MockCluster<'static, DefaultProducerContext>,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Topic {
    fn new() -> Self {
        let mock = MockCluster::new(1).expect("a cluster");
        mock.create_topic(TOPIC, 2, 1).expect("a topic");
        let servers = mock.bootstrap_servers();
        let producer = ClientConfig::new().set("bootstrap.servers", servers).create().expect("a producer");
        Self { mock, producer }
    }

    fn put(&self, value: &[u8]) {
        let record = BaseRecord::<str, [u8]>::to(TOPIC).key("omar").partition(1).payload(value);
        self.producer.send(record).map_err(|(error, _)| error).expect("queued");
        self.producer.flush(PATIENCE).expect("the brokers have it");
    }

    fn config(&self) -> String {
        let brokers = self.mock.bootstrap_servers();
        format!(
            "[[kafka]]\nid = \"cedar\"\nbrokers = [\"{brokers}\"]\ntopics = [\"{TOPIC}\"]\ninstitutions = [\"{BANK}\"]\ngroup = \"amana\"\n"
        )
    }
}

/// When everything happened: what comes twice says the same time, and what is a week old is not told.
static AT: LazyLock<String> = LazyLock::new(|| jiff::Timestamp::now().to_string());

fn purchase(world: &World, n: usize) -> Value {
    let id = account_id(OWNER, 0);
    json!({
        "specversion": "1.0", "id": format!("e{n}"), "source": "https://bank.example/core",
        "type": "bank.transaction.authorised.v1", "time": *AT,
        "data": {"customerId": subject(OWNER), "accountId": id, "currency": "USD",
                 "transaction": world.bank.transaction_of(OWNER, &id, n, "AUTHORIZATION", world.bank.amount(OWNER, 0))},
    })
}

/// The shop of a purchase, as the customer reads it. These numbers are neither Arabic names nor without one.
const PURCHASES: [usize; 6] = [1, 2, 4, 5, 7, 8];

async fn told(world: &World, numbers: &[usize]) {
    let until = Instant::now() + PATIENCE;
    for n in numbers {
        let shop = text(Class::Merchant, OWNER, *n);
        while !world.platform.to(&psid(OWNER)).iter().any(|m| m.to_string().contains(&shop)) {
            assert!(Instant::now() < until, "purchase {n} was not told");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn metric(world: &World, name: &str, at_least: u64) {
    let until = Instant::now() + PATIENCE;
    while world.gauge(name).await.is_none_or(|value| value < at_least) {
        assert!(Instant::now() < until, "{name} does not come to {at_least}: {:?}", world.gauge(name).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_topic_are_told_once_through_a_kill_before_their_offsets() {
    let topic = Topic::new();
    let (_keep, data) = folder();
    std::fs::create_dir_all(&data).expect("a folder");
    let (world, running) = World::start_with(&data, &topic.config()).await;
    world.link(OWNER).await;

    // No offset is committed from here on, so that the end comes between the two.
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS; 2_000];
    topic.mock.request_errors(RDKafkaApiKey::OffsetCommit, &refused);
    let (first, rest) = PURCHASES.split_at(4);
    for n in first {
        topic.put(purchase(&world, *n).to_string().as_bytes());
    }
    topic.put(format!("{{\"{INSIDE}\"").as_bytes());
    told(&world, first).await;
    // The same event by the other door is the same event.
    let again = purchase(&world, first[0]).to_string().into_bytes();
    let (status, answer) = world.events("application/cloudevents+json", again).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(status == 202 && answer.contains("\"duplicates\":1"), "{answer}");
    // Nothing is on its way to the platform: only the offsets are missing.
    metric(&world, "amana_kafka_aside_total{source=\"cedar\",reason=\"shape\"}", 1).await;
    let until = Instant::now() + PATIENCE;
    let mut still = 0;
    while still < 2 {
        assert!(Instant::now() < until, "it does not come to rest");
        tokio::time::sleep(Duration::from_millis(5_100)).await;
        still = if world.gauge("amana_outbox_open").await == Some(0) { still + 1 } else { 0 };
    }
    let log = running.log();
    running.kill();

    topic.mock.clear_request_errors(RDKafkaApiKey::OffsetCommit);
    let mut command = amana();
    command.arg("serve").arg("--config").arg(data.join("amana.toml"));
    let running = Running::start(command);
    for n in rest {
        topic.put(purchase(&world, *n).to_string().as_bytes());
    }
    told(&world, rest).await;
    // All came again, and was known.
    metric(&world, "amana_kafka_events_total{source=\"cedar\",result=\"duplicate\"}", 4).await;
    metric(&world, "amana_kafka_up{source=\"cedar\"}", 1).await;
    let said = world.platform.to(&psid(OWNER));
    for n in PURCHASES {
        let shop = text(Class::Merchant, OWNER, n);
        let times = said.iter().filter(|m| m.to_string().contains(&shop)).count();
        assert_eq!(times, 1, "purchase {n} was told {times} times");
    }

    let mut list = amana();
    list.args(["dead", "list", "--config"]).arg(data.join("amana.toml"));
    let list = run(list);
    let lines: Vec<&str> = list.out.lines().filter(|line| line.starts_with("kafka:")).collect();
    assert_eq!(lines.len(), 1, "{}", list.out);
    assert!(lines[0].starts_with("kafka:cedar topic cedar.events partition 1 offset 4 "), "{}", lines[0]);
    assert!(lines[0].ends_with("the body is not json (line 1, column 19)"), "{}", lines[0]);
    let log = log + &running.log();
    assert!(log.contains("records were set aside") && !log.contains(INSIDE), "{log}");
    let (status, _) = running.interrupt();
    assert!(status.success());
    // It left in order: the next start has nothing to read again.
    let committed = topic.committed();
    assert_eq!(committed, 7);
}

impl Topic {
    /// What the group has committed of the partition.
    fn committed(&self) -> i64 {
        use rdkafka::consumer::{BaseConsumer, Consumer as _};
        let looker: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.mock.bootstrap_servers())
            .set("group.id", "amana")
            .create()
            .expect("a consumer");
        let mut places = rdkafka::TopicPartitionList::new();
        places.add_partition(TOPIC, 1);
        let places = looker.committed_offsets(places, PATIENCE).expect("offsets");
        let offset =
            places.elements().first().map(rdkafka::topic_partition_list::TopicPartitionListElem::offset);
        if let Some(rdkafka::Offset::Offset(offset)) = offset { offset } else { -1 }
    }
}
