//! The direct lane: a bank's event that is the next one of its lane is decided in the request that brings it. Its key,
//! its receipt and its message are one commit, and it is never kept as a row that waits.
//!
//! Order is kept, because a lane is one's alone while an event of it is under way, here or in the worker; and because
//! an event goes this way only if none of its lane waits. One whose lane is another's has its turn after that, for a
//! while ([`crate::limits::LANE_WAIT`]), and waits with empty hands: what the request has decided by then is durable,
//! so no two requests wait for each other. Everything else goes the long way, through the inbox: what comes behind such
//! an event, what cannot be told now, and whatever goes wrong. So nothing is lost or decided twice: the key is refused
//! where it is known, and then nothing of the submission is kept.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{DIRECT_EVENTS, DIRECT_YIELD, LANE_WAIT};
use crate::nodes::InShard;
use crate::rules::RulesRead;
use crate::sealed::BankWork;
use crate::worker::Effects;
use amana_core::{BankEvent, BankEventBody, EventKey};
use amana_gate::{Subject, Unaddressed};
use amana_store::{Command, Customer, InboxSource, Link, NewInbox, SubmitError};
use std::collections::HashSet;
use std::future::{Future as _, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The lanes of banks in which an event is under way in this process.
#[derive(Default)]
pub(crate) struct Lanes {
    taken: Mutex<HashSet<[u8; 32]>>,
    /// Told whenever a lane is free again.
    freed: Notify,
}

impl Lanes {
    /// The lane, unless somebody else has it.
    pub(crate) fn take(self: &Arc<Self>, lane: [u8; 32]) -> Option<Turn> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(lane).then(|| Turn { lanes: Arc::clone(self), lane, inside: None })
    }

    /// Waits until a lane of these is free, at most so long. It may be another's by the time one takes it.
    async fn until_free(&self, lanes: &HashSet<[u8; 32]>, at_most: Duration) {
        let one_is_free = || {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.iter().any(|lane| !taken.contains(lane))
        };
        let waited = async {
            loop {
                // Before the look, so that what is freed just after it is heard of.
                let mut freed = pin!(self.freed.notified());
                freed.as_mut().enable();
                if one_is_free() {
                    return;
                }
                freed.await;
            }
        };
        let _ = tokio::time::timeout(at_most, waited).await;
    }
}

/// A lane that is one's own until this is dropped.
pub(crate) struct Turn {
    lanes: Arc<Lanes>,
    lane: [u8; 32],
    /// Keeps the lane's shard this process's.
    inside: Option<InShard>,
}

impl Turn {
    /// The same, within the lane's shard, which is this process's for as long.
    fn within(mut self, inside: InShard) -> Self {
        self.inside = Some(inside);
        self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.lanes.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.lane);
        self.lanes.freed.notify_waiters();
    }
}

/// An event of a request, for one link.
pub(crate) struct Arrival<'a> {
    pub(crate) event: &'a BankEvent,
    pub(crate) body: &'a Unaddressed<BankEventBody>,
    pub(crate) link: Link,
    pub(crate) customer: Customer,
    pub(crate) key: EventKey,
}

/// How a submission ended; with the lanes of its events, where they must go another way.
type Ended = Result<(), (SubmitError, Vec<Turn>)>;

/// A submission that is under way, and the events that it is of, by their place in the request.
type UnderWay<'a> = (JoinHandle<Ended>, Vec<(usize, Arrival<'a>)>);

/// What a request's events led to so far.
#[derive(Default)]
pub(crate) struct Direct<'a> {
    /// Decided, not handed to the store yet.
    commands: Vec<Command>,
    turns: Vec<Turn>,
    decided: Vec<(usize, Arrival<'a>)>,
    /// Handed to the store.
    under_way: Vec<UnderWay<'a>>,
    /// For the inbox, by their place in the request.
    queued: Vec<(usize, Arrival<'a>)>,
    queued_lanes: HashSet<[u8; 32]>,
    /// Whose lanes are others', or this request's own with an event before it; in their order.
    busy: Vec<(usize, Arrival<'a>)>,
    busy_lanes: HashSet<[u8; 32]>,
    /// The lanes of those that were decided and not kept, until they are in the inbox: nothing overtakes them.
    kept_back: Vec<Turn>,
    places: usize,
    /// Events that are known already.
    pub(crate) duplicates: usize,
    /// Events that were decided here and are durable.
    pub(crate) stored: usize,
}

impl Gateway {
    /// Takes events the direct way, or puts them with those for the inbox.
    ///
    /// First the lanes are taken, then the store is looked at, as of one moment: so what is known of a lane's stories
    /// is what the last event of it left, also where that became durable just before.
    pub(crate) async fn take_directly<'a>(
        &self,
        direct: &mut Direct<'a>,
        arrivals: Vec<Arrival<'a>>,
    ) -> Result<(), FlowError> {
        let first = direct.places;
        direct.places += arrivals.len();
        self.take_placed(direct, (first..).zip(arrivals)).await
    }

    async fn take_placed<'a>(
        &self,
        direct: &mut Direct<'a>,
        arrivals: impl Iterator<Item = (usize, Arrival<'a>)> + Send,
    ) -> Result<(), FlowError> {
        let mut taken = Vec::new();
        for (place, arrival) in arrivals {
            let lane = Self::lane_of_link(&arrival.link);
            if direct.queued_lanes.contains(&lane) {
                direct.queue(place, lane, arrival);
            } else if direct.busy_lanes.contains(&lane) {
                direct.busy.push((place, arrival));
            } else if let Some(inside) = self.shards.enter(arrival.link.shard) {
                if let Some(turn) = self.lanes.take(lane) {
                    taken.push((place, turn.within(inside), arrival));
                } else {
                    direct.busy_lanes.insert(lane);
                    direct.busy.push((place, arrival));
                }
            } else {
                // Another node's lane goes through the inbox.
                direct.queue(place, lane, arrival);
            }
        }
        let rules = RulesRead::default();
        let mut failed = Ok(());
        let decided = async {
            for (place, turn, arrival) in taken {
                if let Err(error) = self.decide_directly(direct, (place, turn), arrival, &rules).await {
                    failed = Err(error);
                    return;
                }
            }
        };
        self.store.at_one_moment(Box::pin(decided)).await?;
        failed?;
        if direct.decided.len() >= DIRECT_EVENTS {
            self.hand_over(direct);
        }
        Ok(())
    }

    /// One of them, whose lane is ours.
    async fn decide_directly<'a>(
        &self,
        direct: &mut Direct<'a>,
        (place, turn): (usize, Turn),
        arrival: Arrival<'a>,
        rules: &RulesRead,
    ) -> Result<(), FlowError> {
        let (shard, lane) = (arrival.link.shard, turn.lane);
        let (known, waits) = self.store.inbox_look(shard, &arrival.key, &lane).await?;
        if known {
            direct.duplicates += 1;
            return Ok(());
        }
        let effects = if waits { None } else { self.decide_now(&arrival, rules).await };
        let Some(effects) = effects else {
            direct.queue(place, lane, arrival);
            return Ok(());
        };
        direct.commands.push(Command::AcceptDecided(NewInbox {
            shard,
            lane,
            key: arrival.key,
            source: InboxSource::Bank,
            body: Vec::new(),
            received_at: self.now(),
        }));
        direct.commands.extend(effects);
        direct.turns.push(turn);
        direct.decided.push((place, arrival));
        Ok(())
    }

    /// What an event leads to, if that can be said here. An error is the worker's: it tries again, or puts aside. So is
    /// a panic, which must not keep the request's other events out for ever.
    async fn decide_now(&self, arrival: &Arrival<'_>, rules: &RulesRead) -> Option<Effects> {
        let subject =
            Subject { institution: arrival.link.institution.clone(), customer: arrival.customer.id };
        let work = BankWork {
            customer: arrival.customer.clone(),
            link: arrival.link.clone(),
            event: arrival.event.clone(),
            body: arrival.body.about(subject),
        };
        let mut considered = std::pin::pin!(self.consider(&work, None, rules));
        let caught = poll_fn(|context| {
            let polled = AssertUnwindSafe(|| considered.as_mut().poll(context));
            match catch_unwind(polled) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(effects)) => Poll::Ready(effects.unwrap_or_default()),
                Err(_) => {
                    tracing::error!("deciding an event panicked; it goes the long way");
                    Poll::Ready(None)
                }
            }
        });
        caught.await
    }

    /// Hands what is decided to the store, and goes on meanwhile. The lanes are free when it is durable, also where the
    /// request that brought them is gone by then; where it is not kept they stay the request's, so that a later event
    /// of one of them goes behind.
    fn hand_over(&self, direct: &mut Direct<'_>) {
        let commands = std::mem::take(&mut direct.commands);
        if commands.is_empty() {
            return;
        }
        let (turns, decided) = (std::mem::take(&mut direct.turns), std::mem::take(&mut direct.decided));
        let store = Arc::clone(&self.store);
        let submitted = tokio::spawn(async move {
            let answer = store.submit(commands).await;
            answer.map(|_| ()).map_err(|error| (error, turns))
        });
        direct.under_way.push((submitted, decided));
    }

    /// Waits until what was decided is durable, and what others kept from its turn too; then what is left for the
    /// inbox, in the order of the request.
    ///
    /// # Errors
    /// When the store does not take it. Then nothing is queued: the bank delivers again, and what is durable is known.
    pub(crate) async fn finish_direct<'a>(
        &self,
        direct: &mut Direct<'a>,
    ) -> Result<Vec<Arrival<'a>>, FlowError> {
        self.settle_direct(direct).await?;
        let until = Instant::now() + LANE_WAIT;
        while !direct.busy.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            // Whose hands are not empty waits for nobody.
            if left.is_zero() || !direct.kept_back.is_empty() {
                for (place, arrival) in std::mem::take(&mut direct.busy) {
                    direct.queue(place, Self::lane_of_link(&arrival.link), arrival);
                }
                break;
            }
            self.lanes.until_free(&direct.busy_lanes, left).await;
            direct.busy_lanes.clear();
            let mut again = std::mem::take(&mut direct.busy).into_iter();
            while again.len() > 0 {
                self.take_placed(direct, again.by_ref().take(DIRECT_YIELD)).await?;
                tokio::task::yield_now().await;
            }
            self.settle_direct(direct).await?;
        }
        let mut queued = std::mem::take(&mut direct.queued);
        queued.sort_by_key(|(place, _)| *place);
        Ok(queued.into_iter().map(|(_, arrival)| arrival).collect())
    }

    /// Waits until what was decided is durable.
    async fn settle_direct(&self, direct: &mut Direct<'_>) -> Result<(), FlowError> {
        self.hand_over(direct);
        let mut failed = None;
        for (submitted, decided) in std::mem::take(&mut direct.under_way) {
            match submitted.await {
                Ok(Ok(())) => {
                    direct.stored += decided.len();
                    metrics::counter!("amana_events_total", "source" => "bank", "result" => "direct")
                        .increment(decided.len() as u64);
                }
                // Something that it rests on has changed, or one of the events came by another way: all of them go
                // through the inbox, where each is decided anew. So too where one customer's history does not lead on:
                // there it is put aside alone, and the others' go.
                Ok(Err((error, turns))) if is_of_one(&error) => {
                    tracing::info!(%error, events = decided.len(), "events are processed anew");
                    direct.queued_lanes.extend(turns.iter().map(|turn| turn.lane));
                    direct.kept_back.extend(turns);
                    direct.queued.extend(decided);
                }
                Ok(Err((error, _))) => failed = Some(error.into()),
                Err(_) => failed = Some(FlowError::Unreadable("event")),
            }
        }
        // Who found a lane of these taken looks again.
        self.bank_filled.notify_one();
        failed.map_or(Ok(()), Err)
    }
}

/// Whether the others of a submission are sound.
fn is_of_one(error: &SubmitError) -> bool {
    match error {
        SubmitError::Conflict { .. } => true,
        SubmitError::Store(error) => error.is_damage(),
        SubmitError::Overloaded => false,
    }
}

impl<'a> Direct<'a> {
    /// What goes through the inbox is there: its lanes are free.
    pub(crate) fn let_go(&mut self) {
        self.kept_back.clear();
    }

    fn queue(&mut self, place: usize, lane: [u8; 32], arrival: Arrival<'a>) {
        self.queued_lanes.insert(lane);
        self.queued.push((place, arrival));
    }
}
