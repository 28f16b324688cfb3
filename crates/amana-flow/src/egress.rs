//! Egress: from the outbox to the platform, in order within a conversation, once.

use crate::error::FlowError;
use crate::gateway::{Gateway, Gathered};
use crate::limits::{
    CLAIM_S, DOUBT_LOOK_S, ECHO_WAIT_AFTER_START_S, ECHO_WAIT_S, ECHOES_FLOW_S, FINISH_TRIES_MAX,
    LOOK_THERE_SOON_S, NO_WAY_PAUSE_S, PAGE_PAUSE_S, SEND_ATTEMPTS_MAX, SENDS_AT_ONCE_MAX, STOPPED_LOOK_S,
    STORE_PAUSE, TRANSIENT_ATTEMPTS_MAX,
};
use crate::reconcile::There;
use crate::worker::{Found, gather};
use amana_channel::SendError;
use amana_core::{ChannelId, ConversationId, MessageId, Timestamp};
use amana_gate::{Denial, ReceiptDraft, ReceiptKind, StandardPolicy, TicketError};
use amana_store::{
    AlarmKind, ChannelHealth, Command, Delivery, OutboxEntry, OutboxState, Outcome, PlainKey, SubmitError,
};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

impl Gateway {
    /// Sends until the token is cancelled; then finishes what is on its way and returns.
    pub async fn run_outbox(self: Arc<Self>, stop: CancellationToken) {
        // A node takes up what was being sent with each shard that it takes.
        if self.store.lease().node.is_none() {
            self.recover_outbox(&stop).await;
        }
        let mut sends = JoinSet::new();
        let mut busy: HashMap<Id, MessageId> = HashMap::new();
        let mut found: Found<OutboxEntry> = Found::now([]);
        loop {
            let mut looked = false;
            while busy.len() < SENDS_AT_ONCE_MAX && !stop.is_cancelled() {
                let Some(entry) = found.next() else {
                    if looked {
                        break;
                    }
                    looked = true;
                    self.pass_due().await;
                    let heads =
                        self.store.outbox_heads(self.now(), &self.paused(), SENDS_AT_ONCE_MAX * 2).await;
                    let heads = heads.unwrap_or_else(|error| {
                        tracing::error!(%error, "cannot read the outbox");
                        Vec::new()
                    });
                    let sending: HashSet<MessageId> = busy.values().copied().collect();
                    found =
                        Found::now(heads.into_iter().filter(|entry| !sending.contains(&entry.row.message)));
                    continue;
                };
                // Paused since it was found: its queue is kept.
                if self.is_paused(&entry.row.recipient.channel) {
                    continue;
                }
                let Some(inside) = self.shards.enter(entry.shard) else { continue };
                let message = entry.row.message;
                let gateway = self.clone();
                let id = sends
                    .spawn(async move {
                        gateway.send_one(entry).await;
                        drop(inside);
                    })
                    .id();
                busy.insert(id, message);
            }
            if stop.is_cancelled() && sends.is_empty() {
                return;
            }
            let mut ended = Vec::new();
            tokio::select! {
                Some(done) = sends.join_next_with_id(), if !sends.is_empty() => ended.push(done),
                () = self.outbox_filled.notified() => {}
                () = tokio::time::sleep(self.poll_every()) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
            if found.is_empty() {
                gather(&mut sends, &mut ended, SENDS_AT_ONCE_MAX / 2).await;
            }
            for done in ended {
                let id = done.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
                // After a panic the row stays claimed; when the claim is over it is one that may have been sent.
                if let (Some(message), Err(_)) = (busy.remove(&id), done) {
                    tracing::error!(id = %message, "sending a message panicked");
                }
            }
        }
    }

    /// What was on its way when the last process ended may have arrived, and its echo may still be on the way to us.
    async fn recover_outbox(&self, stop: &CancellationToken) {
        loop {
            let recover = Command::RecoverOutbox { until: self.after(ECHO_WAIT_AFTER_START_S) };
            match self.store.submit(vec![recover]).await {
                Ok(_) => return,
                Err(error) => tracing::error!(%error, "the outbox cannot be taken up yet"),
            }
            tokio::select! {
                () = tokio::time::sleep(STORE_PAUSE) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// The channels that are paused now.
    pub(crate) fn paused(&self) -> Vec<ChannelId> {
        let now = self.now();
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.retain(|_, until| *until > now);
        paused.keys().cloned().collect()
    }

    fn is_paused(&self, channel: &ChannelId) -> bool {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.get(channel).is_some_and(|until| *until > self.now())
    }

    pub(crate) fn echo_came(&self, channel: &ChannelId) {
        let mut echoed = self.echoed.lock().unwrap_or_else(PoisonError::into_inner);
        echoed.insert(channel.clone(), self.now());
    }

    fn echoes_flow(&self, channel: &ChannelId) -> bool {
        let echoed = self.echoed.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: &Timestamp| self.now().as_second() - at.as_second() < ECHOES_FLOW_S;
        echoed.get(channel).is_some_and(fresh)
    }

    /// One message: claim, decide again, send, record.
    pub(crate) async fn send_one(&self, entry: OutboxEntry) {
        let message = entry.row.message;
        if let Err(error) = self.attempt(entry).await {
            tracing::error!(id = %message, %error, "a message could not be handled now");
            tokio::time::sleep(STORE_PAUSE).await;
        }
    }

    async fn attempt(&self, entry: OutboxEntry) -> Result<(), FlowError> {
        let message = entry.row.message;
        // The platform took it, and the store did not take that in then: it is never sent again, whatever came between.
        if let Some(mid) = self.taken_as(message) {
            return self.finish(&entry, Delivery::Sent { mid }).await;
        }
        // A claim that ended without a word: its bytes may be at the platform, whatever becomes of the message now.
        if entry.state == OutboxState::Sending {
            return self.finish(&entry, Delivery::Unconfirmed { until: self.now() }).await;
        }
        // Nobody will let it go any more, so nothing else about it is asked.
        if entry.doubtful && self.now() >= entry.row.expires_at {
            let reason = Denial::TicketExpired.as_str().to_owned();
            return self.finish(&entry, Delivery::Denied { reason }).await;
        }
        let conversation = ConversationId {
            channel: entry.row.recipient.channel.clone(),
            psid: entry.row.recipient.psid.clone(),
        };
        let person = self.store.conversation(&conversation).await?;
        let last_inbound = person.as_ref().and_then(|c| c.last_inbound_at);
        // While another app has the conversation nothing of ours is let through: it waits, and is not tried.
        if self.is_elsewhere(person.as_ref()) && self.look_at_owner(&conversation).await != Some(true) {
            // There was no claim, so that there is no attempt to take back.
            let later = Delivery::Retry { due_at: self.after_about(PAGE_PAUSE_S), counts: true };
            return self.finish(&entry, later).await;
        }
        // A recipient that does not open is nobody's window: the gate says what becomes of the row.
        let away = person.is_some() && !self.channel.window().is_open(last_inbound, self.now());
        if !entry.row.anytime && away {
            return self.finish(&entry, Delivery::Held { seen: last_inbound }).await;
        }

        if entry.doubtful {
            // The platform itself is asked first; where it keeps nothing, a missing echo may tell.
            let wait = Delivery::Unconfirmed { until: self.after_about(DOUBT_LOOK_S) };
            match self.look_there(&entry).await? {
                There::Found => return Ok(()),
                There::Nothing => {}
                There::Unkept if self.echo_is_missed(&conversation, message) => {}
                // Something is there that nobody explained in all that time, and it may be this: an operator looks.
                There::Unclear if self.echo_is_lost(message) => {
                    tracing::error!(id = %message, "a message stays in doubt; it is put aside");
                    return self.finish(&entry, Delivery::Dead { reason: UNCONFIRMED.to_owned() }).await;
                }
                There::AskLater => {
                    let soon = Delivery::Unconfirmed { until: self.after_about(LOOK_THERE_SOON_S) };
                    return self.finish(&entry, soon).await;
                }
                There::Unkept | There::Unclear => return self.finish(&entry, wait).await,
            }
        }
        // Every claim counts, whatever the platform said in it and whether or not that was kept.
        if entry.doubtful && entry.attempts >= SEND_ATTEMPTS_MAX {
            tracing::error!(id = %message, "a message stays in doubt after its last attempt; it is put aside");
            return self.finish(&entry, Delivery::Dead { reason: UNCONFIRMED.to_owned() }).await;
        }

        // From here on the bytes may leave at any moment: that is written down first.
        let claim = Command::ClaimOutbox { message, from: entry.state, until: self.after(CLAIM_S) };
        match self.store.submit(vec![claim]).await {
            Ok(_) => {}
            // An echo or another worker was faster.
            Err(SubmitError::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let released = match self.release(&entry).await {
            // What does not open today does not open tomorrow: it must not keep the conversation for ever.
            Err(FlowError::Store(damage)) if damage.is_damage() => {
                tracing::error!(id = %message, %damage, "a message cannot be opened; it is put aside");
                let reason = Denial::Unreadable.as_str().to_owned();
                return self.finish(&entry, Delivery::Dead { reason }).await;
            }
            // It is read anew, and everything about it decided by that.
            Err(FlowError::Moved) => {
                return self.finish(&entry, Delivery::Retry { due_at: self.now(), counts: false }).await;
            }
            // Nothing of it has left, so nothing of it is in doubt: the attempt is taken back.
            Err(error) => {
                tracing::error!(id = %message, %error, "whether a message may leave cannot be decided now; it waits");
                let delivery = if self.now() >= entry.row.expires_at {
                    Delivery::Denied { reason: Denial::TicketExpired.as_str().to_owned() }
                } else {
                    Delivery::Retry { due_at: self.backoff(entry.attempts), counts: false }
                };
                return self.finish(&entry, delivery).await;
            }
            Ok(released) => released,
        };
        let released = match released {
            Ok(released) => released,
            // A kill switch stops what flows; what waits is kept for the time of its ticket, and decided anew.
            Err(Denial::Killed) => {
                let later = Delivery::Retry { due_at: self.after(PAGE_PAUSE_S), counts: false };
                return self.finish(&entry, later).await;
            }
            // A switch of one purpose must not hold up the others: what waits of it ends, as if it were agreed no more.
            Err(denial) => {
                metrics::counter!("amana_sends_total", "result" => "denied").increment(1);
                return self.finish(&entry, Delivery::Denied { reason: denial.as_str().to_owned() }).await;
            }
        };
        // Between the claim and here this process may have stood still, or its machine.
        if !self.may_begin().await.unwrap_or(false) {
            tracing::warn!(id = %message, "this node's lease is not fresh, so a message is not sent now");
            let later = Delivery::Retry { due_at: self.now(), counts: false };
            return self.finish(&entry, later).await;
        }
        self.doubt(message);
        if entry.doubtful {
            tracing::warn!(id = %message, "no echo came for a message that may have been sent; it is sent again");
        }
        let since = self.now();
        let span = tracing::info_span!(target: "amana::trace", "send", result = tracing::field::Empty);
        let sending = self.channel.send(released).instrument(span.clone());
        let Some(result) = self.while_leased(sending).await else {
            // Whatever of it has left: whoever has the shard now holds it for one in doubt.
            return Err(FlowError::NotLeased);
        };
        span.record("result", result.as_ref().map_or_else(SendError::as_str, |_| "sent"));
        // A call that was not answered may have been carried out until it ended.
        if matches!(result, Err(SendError::Ambiguous { .. })) {
            self.doubt_from_now(message);
        }
        self.note_time("send", since);
        metrics::counter!(
            "amana_sends_total",
            "result" => result.as_ref().map_or_else(SendError::as_str, |_| "sent")
        )
        .increment(1);
        let channel = &entry.row.recipient.channel;
        let delivery = match result {
            Ok(sent) => {
                self.taken(message, &sent.mid);
                if let Some(rest) = sent.rest {
                    if rest.whole_app {
                        self.pause_all(seconds(rest.time));
                    } else {
                        self.pause(channel, seconds(rest.time));
                    }
                    self.note_health(channel, ChannelHealth::Throttled).await;
                } else {
                    self.note_health(channel, ChannelHealth::Good).await;
                }
                self.passing_sent(message);
                Delivery::Sent { mid: sent.mid }
            }
            Err(error) => {
                match &error {
                    SendError::TokenDead => self.note_health(channel, ChannelHealth::TokenDead).await,
                    SendError::PageBlocked => self.note_health(channel, ChannelHealth::Blocked).await,
                    // What goes beside the window needs a permission of its own; all else goes without it.
                    error if entry.row.anytime && error.is_of_one_kind() => {
                        let about = format!("allowed:anytime:{}", self.now().as_second() / 86_400);
                        if let Err(error) = self.raise(channel, &about, AlarmKind::NotAllowed).await {
                            tracing::error!(%error, "an alarm could not be raised");
                        }
                    }
                    SendError::NotAllowed { .. } => {
                        self.note_health(channel, ChannelHealth::NotAllowed).await;
                    }
                    SendError::NoWay { .. } => self.note_health(channel, ChannelHealth::NoWay).await,
                    SendError::Throttled { .. } | SendError::ThrottledApp { .. } => {
                        self.note_health(channel, ChannelHealth::Throttled).await;
                    }
                    SendError::NotThreadOwner => self.not_ours(&conversation).await,
                    _ => {}
                }
                self.after_failure(&entry, &error, last_inbound)
            }
        };
        self.finish(&entry, delivery).await
    }

    /// Opens the bytes if the answer is still yes, on facts read now, as of one moment.
    async fn release(&self, entry: &OutboxEntry) -> Result<Result<amana_gate::Released, Denial>, FlowError> {
        let mut released = None;
        let decided = async { released = Some(self.decide_release(entry).await) };
        self.store.at_one_moment(Box::pin(decided)).await?;
        // Given up before its end: nothing is decided, and nothing leaves.
        released.unwrap_or(Err(FlowError::Moved))
    }

    async fn decide_release(
        &self,
        entry: &OutboxEntry,
    ) -> Result<Result<amana_gate::Released, Denial>, FlowError> {
        if entry.row.agent.is_some() {
            return Ok(self.release_agent(entry.row.clone()).await?);
        }
        let Some(basis) = &entry.row.basis else {
            let gathered = Gathered {
                agreement: None,
                consent: None,
                kills: Arc::new(self.store.kills().await?),
                policy: Arc::new(StandardPolicy),
                now: self.now(),
            };
            let Some(key) = PlainKey::of_row(&*self.store, &entry.row).await? else {
                // Erased since it was read: then it may be another's, who stays.
                let now = self.store.outbox_entry(entry.row.message).await?;
                if now.is_some_and(|now| now.row.under.is_some() && now.row.under != entry.row.under) {
                    return Err(FlowError::Moved);
                }
                // As with bank data.
                return Ok(Err(Denial::NoConsent));
            };
            return Ok(self.gate.release(entry.row.clone(), &gathered.facts(), &*gathered.policy, &key));
        };
        // Erased since: nothing of theirs leaves, and there is no key that would open it.
        let Some(customer) = self.store.customer(entry.customer_shard, basis.customer).await? else {
            return Ok(Err(Denial::NoConsent));
        };
        let consents = self.store.consents(entry.customer_shard, basis.customer).await?;
        // The consent now in force on the link that it was rendered for: where one purpose was taken back and the rest
        // granted anew, what is still allowed still goes. A new link does not make an older message good.
        let link = consents.iter().find(|c| c.id == basis.consent).map(|c| c.link);
        let consent = match link {
            Some(link) => self.store.consent_of_link(entry.customer_shard, link).await?,
            None => None,
        };
        let gathered = Gathered {
            agreement: self
                .store
                .agreement(&basis.institution, &entry.row.recipient.channel)
                .await?
                .map(Arc::new),
            consent,
            kills: Arc::new(self.store.kills().await?),
            policy: self.policy_of(&basis.institution).await?,
            now: self.now(),
        };
        if self.institution(&basis.institution).is_err() {
            return Ok(Err(Denial::NoAgreement));
        }
        Ok(self.gate.release(entry.row.clone(), &gathered.facts(), &*gathered.policy, &customer.key))
    }

    fn after_failure(&self, entry: &OutboxEntry, error: &SendError, seen: Option<Timestamp>) -> Delivery {
        let id = entry.row.message;
        let given_up = entry.attempts >= SEND_ATTEMPTS_MAX;
        match error {
            // An approved text is let through at any time, so waiting for the person would not mend it; what it
            // announces waits by itself.
            SendError::WindowClosed | SendError::Unreachable if entry.row.anytime => {
                Delivery::Dead { reason: error.as_str().to_owned() }
            }
            error if entry.row.anytime && error.is_of_one_kind() => {
                tracing::error!(%id, %error, "a message beside the window is put aside: `pages_utility_messaging` or the review for human agents is missing");
                Delivery::Dead { reason: error.as_str().to_owned() }
            }
            SendError::WindowClosed => Delivery::Held { seen },
            SendError::Unreachable => Delivery::Unreachable { seen },
            // No fault of the message's: the channel is paused, its queue kept, and the attempt does not count.
            SendError::TokenDead
            | SendError::PageBlocked
            | SendError::NotAllowed { .. }
            | SendError::UnknownChannel => {
                let channel = &entry.row.recipient.channel;
                tracing::error!(%id, %channel, %error, "the channel is paused; its queue is kept");
                self.pause(channel, PAGE_PAUSE_S);
                Delivery::Retry { due_at: self.now(), counts: false }
            }
            SendError::NoWay { .. } => {
                let channel = &entry.row.recipient.channel;
                tracing::warn!(%id, %channel, %error, "the channel rests; its queue is kept");
                self.pause(channel, NO_WAY_PAUSE_S);
                Delivery::Retry { due_at: self.now(), counts: false }
            }
            SendError::Ambiguous { what } => {
                // Where echoes reach us, one that does not come says that nothing arrived, and an outage is ridden out.
                // Where they do not, twice is enough: a person's eyes are cheaper than a customer's trust.
                let again = entry.doubtful;
                let hopeless = given_up || !self.echoes_flow(&entry.row.recipient.channel);
                if again && hopeless {
                    tracing::error!(%id, what, "a message stays in doubt; it is put aside");
                    return Delivery::Dead { reason: UNCONFIRMED.to_owned() };
                }
                tracing::warn!(%id, what, "it is not known whether a message was sent; its echo is waited for");
                let wait = ECHO_WAIT_S.saturating_mul(1 << entry.attempts.min(5));
                Delivery::Unconfirmed { until: self.after(if again { wait } else { ECHO_WAIT_S }) }
            }
            // The limit is the channel's: all of it rests, and so nothing of it is refused one after the other.
            SendError::Throttled { retry_after } => {
                self.pause(&entry.row.recipient.channel, seconds(*retry_after));
                Delivery::Retry { due_at: self.now(), counts: false }
            }
            SendError::ThrottledApp { retry_after } => {
                self.pause_all(seconds(*retry_after));
                Delivery::Retry { due_at: self.now(), counts: false }
            }
            SendError::ThrottledPerson { retry_after } => {
                Delivery::Retry { due_at: self.after_about(seconds(*retry_after)), counts: false }
            }
            // The ticket does not say whether the switch keeps what waits or ends it. The gate does, which sees it now.
            SendError::Refused { why: TicketError::Killed } => {
                Delivery::Retry { due_at: self.after(STOPPED_LOOK_S), counts: false }
            }
            SendError::NotThreadOwner => {
                Delivery::Retry { due_at: self.after_about(PAGE_PAUSE_S), counts: false }
            }
            // Surely nothing was sent, and the platform says that time heals it: until the message is over, in order.
            // Its attempts count as long as they make the waits longer, and none of them is the last.
            SendError::Transient { .. } => {
                tracing::warn!(%id, %error, attempts = entry.attempts, "the platform could not take a message; it is tried again");
                let counts = entry.attempts < TRANSIENT_ATTEMPTS_MAX;
                Delivery::Retry { due_at: self.backoff(entry.attempts), counts }
            }
            error if !given_up && error.may_retry() => {
                Delivery::Retry { due_at: self.backoff(entry.attempts), counts: true }
            }
            error => {
                tracing::error!(%id, %error, "a message is put aside");
                Delivery::Dead { reason: error.as_str().to_owned() }
            }
        }
    }

    async fn finish(&self, entry: &OutboxEntry, delivery: Delivery) -> Result<(), FlowError> {
        let message = entry.row.message;
        let at = self.now();
        let word = match &delivery {
            Delivery::Sent { .. } => Some((ReceiptKind::Outcome, "sent".to_owned())),
            // An earlier attempt may have arrived, or this one: no receipt says that it did not.
            Delivery::Dead { .. } | Delivery::Denied { .. } if entry.doubtful => {
                Some((ReceiptKind::Outcome, UNKNOWN.to_owned()))
            }
            Delivery::Dead { reason } => Some((ReceiptKind::Outcome, format!("dead:{reason}"))),
            Delivery::Denied { reason } => Some((ReceiptKind::Denial, reason.clone())),
            Delivery::Retry { .. }
            | Delivery::Held { .. }
            | Delivery::Unreachable { .. }
            | Delivery::Unconfirmed { .. } => None,
        };
        // Bank data of which no receipt can be made is an alarm instead.
        let mut alarm = word.is_some() && self.is_closed(entry).await?;
        let mut receipt = word.zip(entry.row.basis.as_ref()).map(|((kind, word), basis)| {
            let mut draft = ReceiptDraft::of_outcome(&entry.row, basis, &word, at);
            draft.kind = kind;
            (entry.customer_shard, basis.customer, draft)
        });
        // The platform has answered: that must not be forgotten because the store is busy for a moment.
        for attempt in 1.. {
            let recorded = receipt.clone();
            let delivery = delivery.clone();
            let mut commands = vec![Command::FinishOutbox { message, delivery, receipt: recorded, at }];
            commands.extend(alarm.then(|| unrecorded(&entry.row.recipient.channel, message, at)));
            match self.store.submit(commands).await {
                Ok(outcomes) => {
                    if alarm && outcomes.last() == Some(&Outcome::Changed) {
                        metrics::counter!("amana_alarms_total").increment(1);
                    }
                    break;
                }
                // The echo came before our call returned, and the row is sent already.
                Err(SubmitError::Conflict { what: "message", .. }) => break,
                // The customer's history does not lead on, and no wait mends it. What became of the message is kept
                // all the same: else it would be in doubt, and be sent again.
                Err(error) if receipt.is_some() && cannot_be_recorded(&error) => {
                    tracing::error!(id = %message, %error, "ALARM: what became of a message cannot be recorded");
                    receipt = None;
                    alarm = true;
                }
                Err(error) if attempt >= FINISH_TRIES_MAX => return Err(error.into()),
                Err(_) => tokio::time::sleep(STORE_PAUSE).await,
            }
        }
        // Only now, when it is durable. What is put off or held may be in doubt still, from when it was.
        if matches!(delivery, Delivery::Sent { .. } | Delivery::Dead { .. } | Delivery::Denied { .. }) {
            self.no_doubt(message);
        }
        Ok(())
    }

    /// Whether it holds bank data that does not open, of somebody who is not erased.
    async fn is_closed(&self, entry: &OutboxEntry) -> Result<bool, FlowError> {
        let Some(customer) = entry.closed else { return Ok(false) };
        let place = self.store.customer_place(customer).await?;
        Ok(place.is_none_or(|place| place.erased_at.is_none()))
    }
}

fn cannot_be_recorded(error: &SubmitError) -> bool {
    match error {
        SubmitError::Conflict { .. } => true,
        SubmitError::Store(error) => error.is_damage(),
        SubmitError::Overloaded => false,
    }
}

/// The alarm that what became of a message has no receipt.
fn unrecorded(channel: &ChannelId, message: MessageId, at: Timestamp) -> Command {
    let about = AlarmKind::unrecorded(message);
    Command::RaiseAlarm { channel: channel.clone(), about, kind: AlarmKind::Unrecorded, at }
}

/// Why a message is dead that stays in doubt.
const UNCONFIRMED: &str = "unconfirmed";

/// The outcome of a message that is over, and may be at the platform.
pub(crate) const UNKNOWN: &str = "unknown";

/// A wait in whole seconds, at least one.
fn seconds(wait: std::time::Duration) -> i64 {
    i64::try_from(wait.as_secs()).unwrap_or(PAGE_PAUSE_S).max(1)
}
