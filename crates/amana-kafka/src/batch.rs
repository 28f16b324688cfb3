//! Records that share one commit, in the order in which they came.

use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use crate::record::{self, Reason};
use crate::source::Source;
use amana_core::{BankEvent, BankEventBody, Timestamp};
use amana_gate::Unaddressed;
use amana_store::AsideRecords;
use amana_store::limits::ASIDE_REASON_BYTES_MAX;
use rdkafka::Message;
use std::collections::BTreeMap;
use std::ops::Range;

/// An event as the intake takes it.
pub type Event = (BankEvent, Unaddressed<BankEventBody>);

/// The place of a record that was taken, and which events of the batch are its.
pub(crate) struct Place {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) events: Range<usize>,
}

/// What was read and is not durable yet.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Event>,
    pub(crate) taken: Vec<Place>,
    pub(crate) aside: Vec<AsideRecords>,
    /// The offset that comes next in each partition, once all of this is durable.
    pub(crate) next: BTreeMap<(String, i32), i64>,
    records: usize,
    bytes: usize,
}

impl Batch {
    /// How many were read.
    pub(crate) fn records(&self) -> usize {
        self.records
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.records >= BATCH_RECORDS_MAX
            || self.bytes >= BATCH_BYTES_MAX
            || self.events.len() >= amana_bank::limits::EVENTS_MAX
    }

    /// Reads a record, or sets it aside.
    pub(crate) fn add(&mut self, source: &Source, record: &impl Message, now: Timestamp) {
        let (topic, partition, offset) = (record.topic(), record.partition(), record.offset());
        self.records += 1;
        self.bytes += record.payload().map_or(0, <[u8]>::len);
        self.next.insert((topic.to_owned(), partition), offset.saturating_add(1));
        match record::read(record, &source.institutions) {
            Ok(intake) => {
                let from = self.events.len();
                self.events.extend(intake.events);
                let events = from..self.events.len();
                self.taken.push(Place { topic: topic.to_owned(), partition, offset, events });
            }
            Err(reason) => self.set_aside(source, (topic, partition, offset), &reason, now),
        }
    }

    /// Neighbours with one reason are one entry: a topic that is wrong as a whole fills no table.
    pub(crate) fn set_aside(
        &mut self,
        source: &Source,
        (topic, partition, offset): (&str, i32, i64),
        reason: &Reason,
        now: Timestamp,
    ) {
        metrics::counter!("amana_kafka_aside_total", "source" => source.id.clone(), "reason" => reason.as_str())
            .increment(1);
        let reason = shortened(reason.to_string());
        let partition = u32::try_from(partition).unwrap_or_default();
        let last = self.aside.iter_mut().rev().find(|a| a.topic == topic && a.partition == partition);
        if let Some(last) = last
            && last.last.saturating_add(1) == offset
            && last.reason == reason
        {
            last.last = offset;
            return;
        }
        self.aside.push(AsideRecords {
            source: source.id.clone(),
            topic: topic.to_owned(),
            partition,
            first: offset,
            last: offset,
            reason,
            at: now,
        });
    }
}

fn shortened(mut reason: String) -> String {
    while reason.len() > ASIDE_REASON_BYTES_MAX {
        reason.pop();
    }
    reason
}
