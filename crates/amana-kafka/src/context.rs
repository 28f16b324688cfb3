//! What librdkafka tells beside records: its log, its statistics, and who has which partition.

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) struct Context {
    source: String,
    /// Whether nothing may come in now: what is assigned meanwhile begins paused.
    pub(crate) paused: AtomicBool,
    /// A topic is not there, or not for us: until partitions are assigned or a record comes.
    refused: AtomicBool,
}

impl Context {
    pub(crate) fn new(source: &str) -> Self {
        Self { source: source.to_owned(), paused: AtomicBool::new(false), refused: AtomicBool::new(false) }
    }

    /// Whether records come, or could come.
    pub(crate) fn up(&self, up: bool) {
        let gauge = metrics::gauge!("amana_kafka_up", "source" => self.source.clone());
        gauge.set(if up { 1.0 } else { 0.0 });
    }

    /// A record came.
    pub(crate) fn came(&self) {
        self.refused.store(false, Ordering::SeqCst);
        self.up(true);
    }

    /// Records cannot be read.
    pub(crate) fn refused(&self, error: &KafkaError) {
        let lasting = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::GroupAuthorizationFailed
            )
        );
        if lasting {
            self.refused.store(true, Ordering::SeqCst);
        }
        self.up(false);
    }
}

impl ClientContext for Context {
    /// Its lines name brokers, topics and offsets, never what is in a record.
    fn log(&self, level: RDKafkaLogLevel, area: &str, line: &str) {
        let source = &self.source;
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(source, area, "librdkafka: {line}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(source, area, "librdkafka: {line}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(source, area, "librdkafka: {line}"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        // An error is told once; that it is over is told by nobody.
        let connected = statistics.brokers.values().any(|broker| broker.state == "UP");
        self.up(connected && !self.refused.load(Ordering::SeqCst));
        // Of partitions that are others', or of which nothing is known yet, it is -1.
        let lag: i64 = statistics
            .topics
            .values()
            .flat_map(|topic| topic.partitions.values())
            .map(|partition| partition.consumer_lag_stored.max(0))
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("amana_kafka_lag", "source" => self.source.clone()).set(lag as f64);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.refused(&error);
        tracing::warn!(source = self.source, %error, reason, "a source of records is in trouble");
    }
}

impl ConsumerContext for Context {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let (what, partitions) = match rebalance {
            Rebalance::Assign(partitions) => ("assigned", partitions),
            Rebalance::Revoke(partitions) => ("revoked", partitions),
            Rebalance::Error(error) => {
                tracing::warn!(source = self.source, %error, "partitions could not be shared out");
                return;
            }
        };
        tracing::info!(source = self.source, partitions = partitions.count(), "partitions were {what}");
        if what == "assigned" && partitions.count() > 0 {
            self.refused.store(false, Ordering::SeqCst);
        }
        if self.paused.load(Ordering::SeqCst)
            && what == "assigned"
            && let Err(error) = consumer.pause(partitions)
        {
            tracing::warn!(source = self.source, %error, "new partitions could not be paused");
        }
    }
}
