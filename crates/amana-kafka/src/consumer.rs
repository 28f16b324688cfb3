//! The consumer of one source: batch by batch, and no offset before what it stands for is durable.

use crate::batch::{Batch, Event};
use crate::context::Context;
use crate::error::SourceError;
use crate::limits::{BROKER_ERROR_WAIT, LEAVE, PAUSE_AFTER, RETRY_FIRST, RETRY_LONGEST};
use crate::record::Reason;
use crate::source::Source;
use amana_core::Clock;
use amana_flow::{Accepted, FlowError, Gateway};
use amana_store::{AsideRecords, Command};
use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _};
use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Where events go: the gateway, by the same door as those that come over HTTP.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes events in. When it returns, they are durable.
    ///
    /// # Errors
    /// When they are not; then they are brought again.
    async fn take(&self, events: &[Event]) -> Result<Accepted, FlowError>;

    /// Notes which records were set aside, durably.
    ///
    /// # Errors
    /// When it is not durable; then it is brought again.
    async fn set_aside(&self, records: Vec<AsideRecords>) -> Result<(), FlowError>;
}

#[async_trait]
impl Intake for Gateway {
    async fn take(&self, events: &[Event]) -> Result<Accepted, FlowError> {
        self.accept_bank(events).await
    }

    async fn set_aside(&self, records: Vec<AsideRecords>) -> Result<(), FlowError> {
        self.store().submit(records.into_iter().map(Command::SetAside).collect()).await?;
        Ok(())
    }
}

/// Reads one source.
pub struct Consumer {
    source: Source,
    consumer: StreamConsumer<Context>,
    clock: Arc<dyn Clock>,
    /// What came although the partitions are paused: what was on its way.
    slipped: Batch,
}

impl Consumer {
    /// Joins the group. Nothing is waited for: brokers that are away are tried again for ever.
    ///
    /// # Errors
    /// When librdkafka refuses the settings, or the program lacks what they ask for.
    pub fn new(source: Source, clock: Arc<dyn Clock>) -> Result<Self, SourceError> {
        if source.needs_tls() && !crate::HAS_TLS {
            return Err(SourceError::NoTls(source.id));
        }
        let refused = |error| SourceError::Refused { id: source.id.clone(), error };
        let context = Context::new(&source.id);
        let consumer: StreamConsumer<Context> =
            source.client().create_with_context(context).map_err(refused)?;
        let topics: Vec<&str> = source.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(refused)?;
        Ok(Self { source, consumer, clock, slipped: Batch::default() })
    }

    /// Brings records to the intake until stopped. What is durable then has its offsets committed.
    pub async fn run(mut self, intake: &dyn Intake, stop: CancellationToken) {
        while let Some(mut batch) = self.gather(&stop).await {
            if !self.make_durable(&mut batch, intake, &stop).await {
                break;
            }
            self.store_offsets(&batch);
        }
        // Leaving commits the stored offsets and gives the partitions to others. It waits for brokers, on a thread
        // that may wait; the process does not wait longer for one that is away.
        let source = self.source.id.clone();
        let left = tokio::task::spawn_blocking(move || {
            let committed = self.consumer.commit_consumer_state(CommitMode::Sync);
            drop(self.consumer);
            committed
        });
        match tokio::time::timeout(LEAVE, left).await {
            Ok(Ok(Ok(()))) => {}
            // Nothing to commit is an error there, too.
            Ok(Ok(Err(error))) => tracing::debug!(source, %error, "no offsets were committed at the end"),
            _ => {
                tracing::warn!(source, "the group was left without a word: its partitions wait for a moment");
            }
        }
    }

    /// Waits for a record, and takes all that is there already. `None` when stopped.
    async fn gather(&mut self, stop: &CancellationToken) -> Option<Batch> {
        let mut batch = std::mem::take(&mut self.slipped);
        while batch.is_empty() {
            let came = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                came = self.consumer.recv() => came,
            };
            match came {
                Ok(record) => self.add(&mut batch, &record),
                Err(error) => {
                    self.consumer.context().refused(&error);
                    tracing::warn!(source = self.source.id, %error, "records cannot be read");
                    tokio::select! {
                        () = stop.cancelled() => return None,
                        () = tokio::time::sleep(BROKER_ERROR_WAIT) => {}
                    }
                }
            }
        }
        self.consumer.context().came();
        let mut ahead = self.consumer.stream();
        while !batch.is_full() {
            match ahead.next().now_or_never() {
                Some(Some(Ok(record))) => self.add(&mut batch, &record),
                // An error comes again when it is waited for.
                _ => break,
            }
        }
        drop(ahead);
        Some(batch)
    }

    fn add(&self, batch: &mut Batch, record: &BorrowedMessage<'_>) {
        batch.add(&self.source, record, self.clock.now());
    }

    /// Whether all of it is durable; `false` when stopped before. While it takes long the partitions are paused:
    /// nothing more is fetched, and the group hears that we live.
    async fn make_durable(
        &mut self,
        batch: &mut Batch,
        intake: &dyn Intake,
        stop: &CancellationToken,
    ) -> bool {
        let mut wait = RETRY_FIRST;
        let mut slipped = std::mem::take(&mut self.slipped);
        let done = loop {
            let span = tracing::info_span!(target: "amana::trace", "topic", records = batch.records() as u64);
            let commit = self.commit(batch, intake).instrument(span);
            let damaged = match self.meanwhile(commit, &mut slipped).await {
                Ok(()) => break true,
                Err(error) if error.is_damage() => true,
                Err(error) => {
                    tracing::warn!(source = self.source.id, %error, "records wait: they cannot be made durable");
                    false
                }
            };
            metrics::counter!("amana_kafka_retries_total", "source" => self.source.id.clone()).increment(1);
            if damaged && self.meanwhile(self.part(batch, intake), &mut slipped).await.is_ok() {
                continue;
            }
            self.pause(true);
            let over = self.meanwhile(
                async {
                    tokio::select! {
                        () = stop.cancelled() => true,
                        () = tokio::time::sleep(wait) => false,
                    }
                },
                &mut slipped,
            );
            if over.await {
                break false;
            }
            wait = (wait * 2).min(RETRY_LONGEST);
        };
        self.pause(false);
        self.slipped = slipped;
        done
    }

    async fn commit(&self, batch: &Batch, intake: &dyn Intake) -> Result<(), FlowError> {
        if !batch.aside.is_empty() {
            intake.set_aside(batch.aside.clone()).await?;
        }
        let accepted = intake.take(&batch.events).await?;
        for (result, count) in [
            ("stored", accepted.stored),
            ("duplicate", accepted.duplicates),
            ("unmatched", accepted.unmatched),
        ] {
            let source = self.source.id.clone();
            metrics::counter!("amana_kafka_events_total", "source" => source, "result" => result)
                .increment(count as u64);
        }
        for aside in &batch.aside {
            tracing::warn!(
                source = self.source.id,
                topic = aside.topic,
                partition = aside.partition,
                first = aside.first,
                last = aside.last,
                reason = aside.reason,
                "records were set aside"
            );
        }
        Ok(())
    }

    /// One record at a time: those about whom stored rows do not open are set aside, so that the others go on. What is
    /// durable already is known when the batch is brought again.
    async fn part(&self, batch: &mut Batch, intake: &dyn Intake) -> Result<(), FlowError> {
        let mut hurt = Vec::new();
        for (index, place) in batch.taken.iter().enumerate() {
            let events = batch.events.get(place.events.clone()).unwrap_or_default();
            match intake.take(events).await {
                Ok(_) => {}
                Err(error) if error.is_damage() => hurt.push(index),
                Err(error) => return Err(error),
            }
        }
        let now = self.clock.now();
        let mut taken = std::mem::take(&mut batch.taken);
        for index in hurt {
            if let Some(place) = taken.get_mut(index) {
                let at = (place.topic.as_str(), place.partition, place.offset);
                batch.set_aside(&self.source, at, &Reason::Damage, now);
            }
        }
        // All of them are durable, or set aside.
        taken.clear();
        batch.events.clear();
        Ok(())
    }

    /// Waits for something of ours. If it takes long, partitions are paused and the group is served.
    async fn meanwhile<T>(&self, ours: impl Future<Output = T>, slipped: &mut Batch) -> T {
        let mut ours = std::pin::pin!(ours);
        let mut patience = std::pin::pin!(tokio::time::sleep(PAUSE_AFTER));
        loop {
            let paused = self.consumer.context().paused.load(Ordering::SeqCst);
            tokio::select! {
                biased;
                done = &mut ours => return done,
                () = &mut patience, if !paused => self.pause(true),
                came = self.consumer.recv(), if paused => match came {
                    Ok(record) => {
                        self.add(slipped, &record);
                        self.pause(true);
                    }
                    Err(error) => {
                        self.consumer.context().refused(&error);
                        // What is ours goes on meanwhile.
                        tokio::select! {
                            biased;
                            done = &mut ours => return done,
                            () = tokio::time::sleep(BROKER_ERROR_WAIT) => {}
                        }
                    }
                },
            }
        }
    }

    /// Pauses or resumes every partition that is ours.
    fn pause(&self, pause: bool) {
        let was = self.consumer.context().paused.swap(pause, Ordering::SeqCst);
        if !pause && !was {
            return;
        }
        let changed = self
            .consumer
            .assignment()
            .and_then(|ours| if pause { self.consumer.pause(&ours) } else { self.consumer.resume(&ours) });
        if let Err(error) = changed {
            tracing::warn!(source = self.source.id, %error, pause, "partitions could not be paused or resumed");
        }
        let paused = metrics::gauge!("amana_kafka_paused", "source" => self.source.id.clone());
        paused.set(if pause { 1.0 } else { 0.0 });
    }

    /// What is durable need not come again. A partition that went to another member meanwhile brings it once more; it
    /// is known.
    fn store_offsets(&self, batch: &Batch) {
        for ((topic, partition), next) in &batch.next {
            let mut places = TopicPartitionList::with_capacity(1);
            let placed = places.add_partition_offset(topic, *partition, Offset::Offset(*next));
            if let Err(error) = placed.and_then(|()| self.consumer.store_offsets(&places)) {
                tracing::debug!(source = self.source.id, topic, partition, %error, "an offset is not ours to store");
            }
        }
    }
}
