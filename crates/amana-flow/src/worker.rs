//! The inbox worker: the head of every lane at once, each lane in order.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{INBOX_ATTEMPTS_MAX, LANES_AT_ONCE_MAX, POLL_EVERY};
use amana_store::{Command, InboxResult, InboxRow, InboxSource, SubmitError};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What processing an event leads to: commands that become durable together with the event's end.
pub(crate) type Effects = Vec<Command>;

/// Why an event is not processed now.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Try again later: something it needs is away.
    Later(&'static str),
    /// It cannot be processed, ever.
    Never(String),
}

impl From<FlowError> for Trouble {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Store(_) | FlowError::Submit(_) => Self::Later("store"),
            other => Self::Never(other.to_string()),
        }
    }
}

impl From<amana_store::StoreError> for Trouble {
    fn from(_: amana_store::StoreError) -> Self {
        Self::Later("store")
    }
}

impl Gateway {
    /// Works until the token is cancelled; then finishes what is begun and returns.
    pub async fn run_inbox(self: Arc<Self>, stop: CancellationToken) {
        let mut lanes = JoinSet::new();
        let mut busy: HashSet<[u8; 32]> = HashSet::new();
        loop {
            let room = LANES_AT_ONCE_MAX.saturating_sub(busy.len());
            // Heads of busy lanes come back from the query too, so ask for enough to see past them.
            let heads = if room == 0 || stop.is_cancelled() {
                Vec::new()
            } else {
                self.store.inbox_heads(self.now(), LANES_AT_ONCE_MAX * 2).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "cannot read the inbox");
                    Vec::new()
                })
            };
            for row in heads.into_iter().take(LANES_AT_ONCE_MAX * 2) {
                if busy.len() < LANES_AT_ONCE_MAX && busy.insert(row.lane) {
                    let gateway = self.clone();
                    lanes.spawn(async move {
                        let lane = row.lane;
                        gateway.process(row).await;
                        lane
                    });
                }
            }
            if stop.is_cancelled() && lanes.is_empty() {
                return;
            }
            tokio::select! {
                Some(done) = lanes.join_next(), if !lanes.is_empty() => match done {
                    Ok(lane) => { busy.remove(&lane); }
                    Err(error) => {
                        // A panic in a lane: its row is still waiting and is tried again.
                        tracing::error!(panicked = error.is_panic(), "a lane ended badly");
                        busy.clear();
                        lanes.abort_all();
                    }
                },
                () = self.inbox_filled.notified() => {}
                () = tokio::time::sleep(POLL_EVERY) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// Processes one row to its end.
    pub(crate) async fn process(&self, row: InboxRow) {
        let (shard, position, attempts) = (row.shard, row.position, row.attempts);
        let source = match row.source {
            InboxSource::Chat => "chat",
            InboxSource::Bank => "bank",
        };
        let effects = match row.source {
            InboxSource::Chat => self.on_chat(&row).await,
            InboxSource::Bank => self.on_bank(&row).await,
        };
        let (mut commands, result) = match effects {
            Ok(commands) => (commands, InboxResult::Done),
            Err(Trouble::Later(what)) if attempts < INBOX_ATTEMPTS_MAX => {
                tracing::warn!(position, what, attempts, "an event is put off");
                (Vec::new(), InboxResult::Retry { not_before: self.backoff(attempts) })
            }
            Err(Trouble::Later(what)) => {
                (Vec::new(), InboxResult::Failed { reason: format!("{what} was away too long") })
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
        commands.push(Command::FinishInbox { shard, position, result });
        match self.store.submit(commands).await {
            Ok(_) => {
                metrics::counter!("amana_events_total", "source" => source, "result" => word).increment(1);
            }
            // Somebody else changed what this rests on (a revocation, a consumed row): it is processed anew from fresh facts.
            Err(SubmitError::Conflict { what, .. }) => {
                tracing::info!(position, what, "an event is processed anew");
                let retry = Command::FinishInbox {
                    shard,
                    position,
                    result: InboxResult::Retry { not_before: self.backoff(attempts) },
                };
                if let Err(error) = self.store.submit(vec![retry]).await {
                    tracing::warn!(position, %error, "an event could not be put off");
                }
            }
            Err(error) => tracing::error!(position, %error, "an event's end could not be stored"),
        }
        self.outbox_filled.notify_one();
        self.inbox_filled.notify_one();
        self.jobs_filled.notify_one();
    }

    /// Works off everything that is due, one thing after the other, until nothing is: for simulation and tests, where time
    /// stands still and order must be repeatable.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn settle(&self) -> Result<(), FlowError> {
        loop {
            let mut idle = true;
            while let Some(row) = self.store.inbox_heads(self.now(), 1).await?.pop() {
                idle = false;
                self.process(row).await;
            }
            while let Some(entry) = self.store.outbox_heads(self.now(), 1).await?.pop() {
                idle = false;
                self.send_one(entry).await;
            }
            while let Some(job) = self.store.jobs_due(self.now(), 1).await?.pop() {
                idle = false;
                self.work_job(job).await;
            }
            if idle {
                return Ok(());
            }
        }
    }
}
