//! The inbox worker: the head of every lane at once, each lane in order.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{FOUND_FOR, GATHER, GATHER_BUSY, INBOX_ATTEMPTS_MAX, LANES_AT_ONCE_MAX, STORE_PAUSE};
use amana_store::{Command, InboxResult, InboxRow, InboxSource, SubmitError};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// What processing an event leads to: commands that become durable together with the event's end.
pub(crate) type Effects = Vec<Command>;

/// Why an event is not processed now.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The store could not answer.
    Store,
    /// It cannot be processed, ever.
    Never(String),
}

impl From<FlowError> for Trouble {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Store(error) | FlowError::Submit(SubmitError::Store(error)) => error.into(),
            FlowError::Submit(_) => Self::Store,
            other => Self::Never(other.to_string()),
        }
    }
}

impl From<amana_store::StoreError> for Trouble {
    fn from(error: amana_store::StoreError) -> Self {
        // Waiting mends a store that is away, not a row that does not open.
        if error.is_damage() { Self::Never(error.to_string()) } else { Self::Store }
    }
}

/// What a look at the store found and is not begun yet. All of it is begun before the next look: each look reads what
/// is under way, too, so that one for each few that end would read the same again and again.
pub(crate) struct Found<T> {
    rows: VecDeque<T>,
    at: Instant,
}

impl<T> Found<T> {
    /// What is found now, in the order of its turns.
    pub(crate) fn now(rows: impl IntoIterator<Item = T>) -> Self {
        Self { rows: rows.into_iter().collect(), at: Instant::now() }
    }

    /// Whose turn it is; none where another look is due.
    pub(crate) fn next(&mut self) -> Option<T> {
        if self.at.elapsed() >= FOUND_FOR {
            self.rows.clear();
        }
        self.rows.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Adds to what ended what ends within a moment, up to `enough`.
pub(crate) async fn gather(
    tasks: &mut JoinSet<()>,
    ended: &mut Vec<Result<(Id, ()), JoinError>>,
    enough: usize,
) {
    let busy = tasks.len() + ended.len() > enough / 2;
    let over = tokio::time::sleep(if busy { GATHER_BUSY } else { GATHER });
    tokio::pin!(over);
    while ended.len() < enough && !tasks.is_empty() {
        tokio::select! {
            Some(done) = tasks.join_next_with_id() => ended.push(done),
            () = &mut over => return,
        }
    }
}

impl Gateway {
    /// Works until the token is cancelled; then finishes what is begun and returns. Chats and banks have lanes of their
    /// own, so that neither waits for the other.
    pub async fn run_inbox(self: Arc<Self>, stop: CancellationToken) {
        tokio::join!(
            self.clone().work(InboxSource::Chat, stop.clone()),
            self.clone().work(InboxSource::Bank, stop.clone())
        );
    }

    /// Has every worker look now for what is due, instead of within `limits::POLL_EVERY`: for whoever moves the clock,
    /// which makes something due without a word.
    pub fn look_now(&self) {
        for filled in [&self.chat_filled, &self.bank_filled, &self.outbox_filled, &self.jobs_filled] {
            filled.notify_one();
        }
    }

    fn filled(&self, source: InboxSource) -> &tokio::sync::Notify {
        match source {
            InboxSource::Chat => &self.chat_filled,
            InboxSource::Bank => &self.bank_filled,
        }
    }

    async fn work(self: Arc<Self>, source: InboxSource, stop: CancellationToken) {
        let mut lanes = JoinSet::new();
        // What each task works on, so that the row of one that panics can be put off, and nothing else is disturbed.
        let mut busy: HashMap<Id, InboxRow> = HashMap::new();
        let mut found: Found<InboxRow> = Found::now([]);
        loop {
            let mut looked = false;
            while busy.len() < LANES_AT_ONCE_MAX && !stop.is_cancelled() {
                let Some(row) = found.next() else {
                    if looked {
                        break;
                    }
                    looked = true;
                    // Heads of busy lanes come back too: ask for enough to see past them.
                    let heads = self.store.inbox_heads(self.now(), source, LANES_AT_ONCE_MAX * 2).await;
                    let heads = heads.unwrap_or_else(|error| {
                        tracing::error!(%error, "cannot read the inbox");
                        Vec::new()
                    });
                    let working: HashSet<[u8; 32]> = busy.values().map(|row| row.lane).collect();
                    found = Found::now(heads.into_iter().filter(|row| !working.contains(&row.lane)));
                    continue;
                };
                let Some(inside) = self.shards.enter(row.shard) else { continue };
                // A bank's lane in which an event is decided as it comes in has its turn after that.
                let turn = match source {
                    InboxSource::Chat => None,
                    InboxSource::Bank => match self.lanes.take(row.lane) {
                        None => continue,
                        turn => turn,
                    },
                };
                let gateway = self.clone();
                let task = row.clone();
                let id = lanes
                    .spawn(async move {
                        gateway.process(task).await;
                        drop((turn, inside));
                    })
                    .id();
                busy.insert(id, row);
            }
            if stop.is_cancelled() && lanes.is_empty() {
                return;
            }
            let mut ended = Vec::new();
            tokio::select! {
                Some(done) = lanes.join_next_with_id(), if !lanes.is_empty() => ended.push(done),
                () = self.filled(source).notified() => {}
                () = tokio::time::sleep(self.poll_every()) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
            if found.is_empty() {
                gather(&mut lanes, &mut ended, LANES_AT_ONCE_MAX / 2).await;
            }
            for done in ended {
                match done {
                    Ok((id, ())) => drop(busy.remove(&id)),
                    Err(error) => {
                        if let Some(row) = busy.remove(&error.id()) {
                            tracing::error!(position = row.position, "processing an event panicked");
                            self.put_off(&row, "a defect in processing").await;
                        }
                    }
                }
            }
        }
    }

    /// A row whose processing ended badly: another attempt later, or put aside when it had its attempts.
    async fn put_off(&self, row: &InboxRow, why: &str) {
        let result = if row.attempts < INBOX_ATTEMPTS_MAX {
            InboxResult::Retry { not_before: self.backoff(row.attempts), counts: true }
        } else {
            InboxResult::Failed { reason: why.to_owned() }
        };
        let finish = Command::FinishInbox { shard: row.shard, position: row.position, result };
        if let Err(error) = self.store.submit(vec![finish]).await {
            tracing::warn!(position = row.position, %error, "an event could not be put off");
            tokio::time::sleep(STORE_PAUSE).await;
        }
    }

    /// Processes one row to its end.
    pub(crate) async fn process(&self, row: InboxRow) {
        let source = match row.source {
            InboxSource::Chat => "chat",
            InboxSource::Bank => "bank",
        };
        let span = tracing::info_span!(
            target: "amana::trace", "event", source, result = tracing::field::Empty
        );
        self.process_row(row).instrument(span).await;
    }

    async fn process_row(&self, row: InboxRow) {
        let since = self.now();
        let (shard, position, attempts) = (row.shard, row.position, row.attempts);
        let (source, effects) = match row.source {
            InboxSource::Chat => ("chat", self.on_chat(&row).await),
            InboxSource::Bank => ("bank", self.on_bank(&row).await),
        };
        let (mut commands, result) = match effects {
            Ok(commands) => (commands, InboxResult::Done),
            // A store that is away is no fault of the event's: it waits as long as it takes.
            Err(Trouble::Store) => {
                tracing::warn!(position, "an event waits for the store");
                (Vec::new(), InboxResult::Retry { not_before: self.backoff(attempts), counts: false })
            }
            Err(Trouble::Never(reason)) => (Vec::new(), InboxResult::Failed { reason }),
        };
        let word = match &result {
            InboxResult::Done => "done",
            InboxResult::Retry { .. } => "retry",
            InboxResult::Failed { reason } => {
                tracing::error!(position, reason, "an event is put aside");
                "failed"
            }
        };
        tracing::Span::current().record("result", word);
        commands.push(Command::FinishInbox { shard, position, result });
        match self.store.submit(commands).await {
            Ok(_) => {
                self.note_time(if source == "chat" { "chat-event" } else { "bank-event" }, since);
                metrics::counter!("amana_events_total", "source" => source, "result" => word).increment(1);
            }
            // Somebody else changed what this rests on (a revocation, a consumed row): it is processed anew, from fresh
            // facts.
            Err(SubmitError::Conflict { what, .. }) => {
                tracing::info!(position, what, "an event is processed anew");
                self.put_off(&row, "a conflict that does not end").await;
            }
            // What it leads to cannot be recorded for its customer, and no wait mends that.
            Err(SubmitError::Store(damage)) if damage.is_damage() => {
                tracing::error!(position, %damage, "an event is put aside");
                let result = InboxResult::Failed { reason: damage.to_string() };
                match self.store.submit(vec![Command::FinishInbox { shard, position, result }]).await {
                    Ok(_) => {
                        metrics::counter!("amana_events_total", "source" => source, "result" => "failed")
                            .increment(1);
                    }
                    Err(error) => {
                        tracing::error!(position, %error, "an event could not be put aside");
                        tokio::time::sleep(STORE_PAUSE).await;
                    }
                }
            }
            Err(error) => {
                tracing::error!(position, %error, "an event's end could not be stored");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
        self.outbox_filled.notify_one();
        self.jobs_filled.notify_one();
    }

    /// Works off everything that is due, one thing after the other, until nothing is: for simulation and tests, where
    /// time stands still and order must be repeatable.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn settle(&self) -> Result<(), FlowError> {
        loop {
            let mut idle = true;
            for source in [InboxSource::Chat, InboxSource::Bank] {
                while let Some(row) = self.store.inbox_heads(self.now(), source, 1).await?.pop() {
                    idle = false;
                    self.process(row).await;
                }
            }
            self.look_after_owners().await?;
            if self.tell_news().await? {
                idle = false;
            }
            while let Some(entry) = self.store.outbox_heads(self.now(), &self.paused(), 1).await?.pop() {
                idle = false;
                self.send_one(entry).await;
            }
            self.pass_due().await;
            while let Some(job) = self.store.jobs_due(self.now(), 1).await?.pop() {
                idle = false;
                self.work_job(job).await;
            }
            while let Some(job) = self.store.grant_looks_due(self.now(), 1).await?.pop() {
                idle = false;
                self.work_job(job).await;
            }
            while let Some(job) = self.store.polls_due(self.now(), 1).await?.pop() {
                idle = false;
                self.work_job(job).await;
            }
            if idle {
                return Ok(());
            }
        }
    }
}
