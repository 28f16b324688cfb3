//! Egress: from the outbox to the platform, in order within a conversation, once.

use crate::error::FlowError;
use crate::gateway::{Gateway, Gathered};
use crate::limits::{CLAIM_S, ECHO_WAIT_S, PAGE_PAUSE_S, POLL_EVERY, SEND_ATTEMPTS_MAX, SENDS_AT_ONCE_MAX};
use amana_channel::SendError;
use amana_core::{ConversationId, MessageId};
use amana_gate::{Denial, ReceiptDraft, ReceiptKind, StandardPolicy};
use amana_store::{Command, Delivery, OutboxEntry, OutboxState, SubmitError};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

impl Gateway {
    /// Sends until the token is cancelled; then finishes what is on its way and returns.
    pub async fn run_outbox(self: Arc<Self>, stop: CancellationToken) {
        let mut sends = JoinSet::new();
        let mut busy: HashSet<MessageId> = HashSet::new();
        loop {
            let heads = if busy.len() >= SENDS_AT_ONCE_MAX || stop.is_cancelled() {
                Vec::new()
            } else {
                self.store.outbox_heads(self.now(), SENDS_AT_ONCE_MAX * 2).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "cannot read the outbox");
                    Vec::new()
                })
            };
            for entry in heads {
                if busy.len() < SENDS_AT_ONCE_MAX && busy.insert(entry.row.message) {
                    let gateway = self.clone();
                    sends.spawn(async move {
                        let message = entry.row.message;
                        gateway.send_one(entry).await;
                        message
                    });
                }
            }
            if stop.is_cancelled() && sends.is_empty() {
                return;
            }
            tokio::select! {
                Some(done) = sends.join_next(), if !sends.is_empty() => match done {
                    Ok(message) => { busy.remove(&message); }
                    Err(error) => {
                        tracing::error!(panicked = error.is_panic(), "a send ended badly");
                        busy.clear();
                        sends.abort_all();
                    }
                },
                () = self.outbox_filled.notified() => {}
                () = tokio::time::sleep(POLL_EVERY) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// One message: claim, decide again, send, record.
    pub(crate) async fn send_one(&self, entry: OutboxEntry) {
        let message = entry.row.message;
        if let Err(error) = self.attempt(entry).await {
            tracing::error!(%message, %error, "a message could not be handled now");
        }
        self.outbox_filled.notify_one();
    }

    async fn attempt(&self, entry: OutboxEntry) -> Result<(), FlowError> {
        let message = entry.row.message;
        let conversation = ConversationId {
            channel: entry.row.recipient.channel.clone(),
            psid: entry.row.recipient.psid.clone(),
        };
        let person = self.store.conversation(&conversation).await?;
        let last_inbound = person.and_then(|c| c.last_inbound_at);
        if !self.channel.window().is_open(last_inbound, self.now()) {
            return self.finish(&entry, Delivery::Held).await;
        }

        // From here on the bytes may leave at any moment: that is written down first.
        let claim = Command::ClaimOutbox { message, from: entry.state, until: self.after(CLAIM_S) };
        match self.store.submit(vec![claim]).await {
            Ok(_) => {}
            // An echo or another worker was faster.
            Err(SubmitError::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if matches!(entry.state, OutboxState::Unconfirmed | OutboxState::Sending) {
            tracing::warn!(%message, "no echo came for a message that may have been sent; it is sent again");
        }

        let released = match self.release(&entry).await? {
            Ok(released) => released,
            Err(denial) => {
                metrics::counter!("amana_sends_total", "result" => "denied").increment(1);
                return self.finish(&entry, Delivery::Denied { reason: denial.as_str().to_owned() }).await;
            }
        };
        let result = self.channel.send(released).await;
        metrics::counter!(
            "amana_sends_total",
            "result" => result.as_ref().map_or_else(SendError::as_str, |_| "sent")
        )
        .increment(1);
        let delivery = match result {
            Ok(sent) => Delivery::Sent { mid: sent.mid },
            Err(error) => self.after_failure(&entry, &error),
        };
        self.finish(&entry, delivery).await
    }

    /// Opens the bytes if the answer is still yes, on facts read now.
    async fn release(&self, entry: &OutboxEntry) -> Result<Result<amana_gate::Released, Denial>, FlowError> {
        let Some(basis) = &entry.row.basis else {
            let gathered = Gathered {
                agreement: None,
                consent: None,
                kills: self.store.kills().await?,
                now: self.now(),
            };
            let key = self.store.keyring().deployment();
            return Ok(self.gate.release(entry.row.clone(), &gathered.facts(), &StandardPolicy, key));
        };
        let customer = self.customer_of(entry.customer_shard, basis.customer).await?;
        let consents = self.store.consents(entry.customer_shard, basis.customer).await?;
        let gathered = Gathered {
            agreement: self.store.agreement(&basis.institution, &entry.row.recipient.channel).await?,
            // The very consent it was rendered under: a newer one does not make an older message good.
            consent: consents.into_iter().find(|c| c.id == basis.consent),
            kills: self.store.kills().await?,
            now: self.now(),
        };
        let Ok(institution) = self.institution(&basis.institution) else {
            return Ok(Err(Denial::NoAgreement));
        };
        Ok(self.gate.release(entry.row.clone(), &gathered.facts(), &*institution.policy, &customer.key))
    }

    fn after_failure(&self, entry: &OutboxEntry, error: &SendError) -> Delivery {
        let message = entry.row.message;
        let given_up = entry.attempts >= SEND_ATTEMPTS_MAX;
        match error {
            SendError::WindowClosed | SendError::Unreachable => Delivery::Held,
            SendError::TokenDead | SendError::PageBlocked | SendError::UnknownChannel => {
                tracing::error!(%message, channel = %entry.row.recipient.channel, %error, "the channel is stopped; its queue is kept");
                Delivery::Retry { due_at: self.after(PAGE_PAUSE_S) }
            }
            SendError::Ambiguous { what } => {
                tracing::warn!(%message, what, "it is not known whether a message was sent; its echo is waited for");
                Delivery::Unconfirmed { until: self.after(ECHO_WAIT_S) }
            }
            SendError::Throttled { retry_after } => Delivery::Retry {
                due_at: self.after(i64::try_from(retry_after.as_secs()).unwrap_or(PAGE_PAUSE_S).max(1)),
            },
            _ if !given_up && (error.may_retry() || matches!(error, SendError::NotThreadOwner)) => {
                Delivery::Retry { due_at: self.backoff(entry.attempts) }
            }
            error => {
                tracing::error!(%message, %error, "a message is put aside");
                Delivery::Dead { reason: error.as_str().to_owned() }
            }
        }
    }

    async fn finish(&self, entry: &OutboxEntry, delivery: Delivery) -> Result<(), FlowError> {
        let at = self.now();
        let word = match &delivery {
            Delivery::Sent { .. } => Some((ReceiptKind::Outcome, "sent".to_owned())),
            Delivery::Dead { reason } => Some((ReceiptKind::Outcome, format!("dead:{reason}"))),
            Delivery::Denied { reason } => Some((ReceiptKind::Denial, reason.clone())),
            Delivery::Retry { .. } | Delivery::Held | Delivery::Unconfirmed { .. } => None,
        };
        let receipt = word.zip(entry.row.basis.as_ref()).map(|((kind, word), basis)| {
            let mut draft = ReceiptDraft::of_outcome(&entry.row, basis, &word, at);
            draft.kind = kind;
            (entry.customer_shard, basis.customer, draft)
        });
        let finish = Command::FinishOutbox { message: entry.row.message, delivery, receipt, at };
        match self.store.submit(vec![finish]).await {
            // A conflict: the echo came before our call returned, and the row is sent already.
            Ok(_) | Err(SubmitError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
