//! Reconciliation: every message that the platform says our Pages sent is held against what we have receipts of.
//!
//! One-sided: an echo that nothing of ours covers is an alarm; a message of ours without an echo is only unknown
//! (echoes can be missing).

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{CLOCKS_DIFFER, LOOK_THERE_EVERY, LOOK_THERE_MAX, OVERDUE_MAX};
use amana_channel::webhook::{EchoWords, Inbound, InboundKind, message_key};
use amana_channel::{History, SaidThere, SendError};
use amana_core::{Address, ChannelId, ConversationId, EventKey, MessageId, Psid};
use amana_store::{AlarmKind, Claim, Command, OutboxEntry, Outcome, PlainKey, Sighting, SubmitError};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::PoisonError;

/// What an alarm does beside being raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// Nothing: an operator looks.
    #[default]
    Alarm,
    /// It also turns the channel's kill switch on, in the same commit.
    Kill,
}

/// Whose messages on our Pages are whose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconcile {
    /// What an alarm does.
    pub on_unknown: OnUnknown,
    /// Apps that may send on our Pages beside us: the platform's inbox, where humans answer, or an agents' desk.
    pub allowed_apps: BTreeSet<String>,
    /// After how long without a sign of another app a conversation for which something waits is taken back from it;
    /// `None`: never. The platform lets the Page's default app alone do that.
    pub take_back_after: Option<std::time::Duration>,
}

/// An echo, as the platform tells it.
#[derive(Clone, Copy)]
pub(crate) struct Echo<'a> {
    pub(crate) mid: &'a str,
    pub(crate) message: Option<MessageId>,
    pub(crate) app: Option<&'a str>,
    words: &'a EchoWords,
}

/// What a look at the platform says of a message in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    /// It is there, and on record now.
    Found,
    /// It is not there: it may be sent.
    Nothing,
    /// Something is there that may be it, or may be: it is not sent again.
    Unclear,
    /// The platform keeps nothing of the kind, or nothing that is there could be known as it.
    Unkept,
    /// It is to be asked later.
    AskLater,
}

/// The echo in an event, also while another app controls the thread.
pub(crate) fn echo_in(kind: &InboundKind) -> Option<Echo<'_>> {
    match kind {
        InboundKind::Echo { mid, metadata, app_id, words } => {
            Some(Echo { mid, message: *metadata, app: app_id.as_deref(), words })
        }
        InboundKind::Standby(inner) => echo_in(inner),
        _ => None,
    }
}

impl Gateway {
    /// An echo as a sighting. One with an id of our form is looked up; one without is explained only by an app that the
    /// configuration allows.
    pub(crate) async fn sighting_of_echo(
        &self,
        inbound: &Inbound,
        echo: Echo<'_>,
    ) -> Result<Command, FlowError> {
        let app = echo.app.map(str::to_owned);
        let claim = match (echo.message, echo.app) {
            (Some(message), _) => {
                let odd = match self.oddity(message, echo).await {
                    // What cannot be compared any more is not odd for that; and others' events are not held up by it.
                    Err(error) if error.is_damage() => {
                        tracing::error!(id = %message, %error, "an echo cannot be held against what was sent");
                        None
                    }
                    odd => odd?,
                };
                Claim::Message { message, app_id: app, odd }
            }
            (None, Some(id)) if self.reconcile.allowed_apps.contains(id) => {
                Claim::Explained { app_id: id.to_owned() }
            }
            (None, Some(id)) if self.own_app.as_deref() != Some(id) => {
                Claim::Unexplained { kind: AlarmKind::OtherApp, app_id: app }
            }
            (None, _) => Claim::Unexplained { kind: AlarmKind::NoMetadata, app_id: app },
        };
        let conversation = &inbound.conversation;
        Ok(self.sighting(&conversation.channel, Some(&conversation.psid), echo.mid, claim))
    }

    /// Why an echo that bears the id of a message of ours is not that message: another app sent it, or it says what
    /// that message does not say. Only the answer leaves the gate. What cannot be compared (a message without bank data
    /// is not kept once it is sent; a damaged row or key does not open) is not odd for that.
    async fn oddity(&self, message: MessageId, echo: Echo<'_>) -> Result<Option<AlarmKind>, FlowError> {
        if let (Some(app), Some(own)) = (echo.app, self.own_app.as_deref())
            && app != own
        {
            return Ok(Some(AlarmKind::OtherApp));
        }
        let entry = self.store.outbox_entry(message).await?;
        let comparable = |entry: &OutboxEntry| entry.closed.is_none() && !entry.row.payload.is_empty();
        let Some(entry) = entry.filter(|entry| comparable(entry) && !echo.words.0.is_empty()) else {
            return Ok(None);
        };
        let texts: Vec<&str> = echo.words.0.iter().map(String::as_str).collect();
        let says = match &entry.row.basis {
            None => match PlainKey::of_row(&*self.store, &entry.row).await? {
                Some(key) => self.gate.row_says_all(&entry.row, &key, &texts),
                None => return Ok(None),
            },
            Some(basis) => match self.store.customer(entry.customer_shard, basis.customer).await? {
                Some(customer) => self.gate.row_says_all(&entry.row, &customer.key, &texts),
                // Erased: nobody can know any more.
                None => return Ok(None),
            },
        };
        // Bytes that are not what the ticket vouches for were not sent by us.
        Ok((says != Ok(true)).then_some(AlarmKind::OtherWords))
    }

    /// Whether a message in doubt is at the platform, by what the platform keeps of the conversation; then it is on
    /// record as sent when this returns. Messages of before count as well: their ids are known.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn look_there(&self, entry: &OutboxEntry) -> Result<There, FlowError> {
        let (message, to) = (entry.row.message, &entry.row.recipient);
        // Without its words any other message would pass for it.
        if entry.row.payload.is_empty() {
            return Ok(There::Unkept);
        }
        // Whatever is there may be it.
        if entry.closed.is_some() {
            return Ok(There::Unclear);
        }
        let of_basis = entry.row.basis.as_ref().map(|basis| (entry.customer_shard, basis.customer));
        if let Some((shard, customer)) = of_basis.or(entry.row.under)
            && self.store.customer(shard, customer).await?.is_none()
        {
            return Ok(There::Unkept);
        }
        if !self.channel.capabilities().history {
            return Ok(There::Unkept);
        }
        if !self.may_look_there(&to.channel) {
            return Ok(There::AskLater);
        }
        // It was made before it was sent. The platform's clock may differ from ours.
        let since = entry.created_at.checked_sub(CLOCKS_DIFFER).unwrap_or(entry.created_at);
        let said = self.channel.said_since(to, since).await;
        self.looked_there(&to.channel);
        let there = match said {
            Ok(History::Said(there)) => there,
            Ok(History::Unkept) => return Ok(There::Unkept),
            // Whatever was said there may be it.
            Ok(History::Untold) => {
                tracing::info!(id = %message, "the platform does not tell all that was said in a conversation");
                return Ok(There::Unclear);
            }
            Err(error @ SendError::Permanent { .. }) => {
                tracing::warn!(id = %message, %error, "the platform refuses to tell what was said in a conversation");
                return Ok(There::Unclear);
            }
            // It will tell when it is there again, and lets us.
            Err(error) => {
                tracing::info!(id = %message, %error, "the platform cannot be asked what was said in a conversation");
                return Ok(There::AskLater);
            }
        };
        let there = self.unknown_of(to, there).await?;
        let mut unclear = false;
        for one in &there {
            if one.words.0.is_empty() {
                unclear = true;
                continue;
            }
            let app = self.own_app.as_deref();
            let echo = Echo { mid: &one.mid, message: Some(message), app, words: &one.words };
            let odd = match self.oddity(message, echo).await {
                // What cannot be compared may be it.
                Err(error) if error.is_damage() => {
                    unclear = true;
                    continue;
                }
                odd => odd?,
            };
            if odd.is_none() {
                let claim = Claim::Message { message, app_id: app.map(str::to_owned), odd: None };
                let seen = self.sighting(&to.channel, Some(&to.psid), &one.mid, claim);
                self.reconcile(vec![seen]).await?;
                // An alarm may be what became of it, or a history that cannot be led on: then nothing was settled.
                if !self.is_sent(message).await {
                    return Ok(There::Unclear);
                }
                self.no_doubt(message);
                return Ok(There::Found);
            }
            // Of what is told in part only other words than ours are known, not that it is another message.
            unclear |= !one.whole;
        }
        Ok(if unclear { There::Unclear } else { There::Nothing })
    }

    /// What is there without the messages of which it is known whose they are: those of our side that are on record,
    /// and what the person said, which came to us.
    async fn unknown_of(&self, to: &Address, mut there: Vec<SaidThere>) -> Result<Vec<SaidThere>, FlowError> {
        let mids: Vec<String> = there.iter().map(|one| one.mid.clone()).collect();
        let known = self.store.known_mids(&to.channel, &mids).await?;
        there.retain(|one| !known.contains(&one.mid));
        let conversation = ConversationId { channel: to.channel.clone(), psid: to.psid.clone() };
        let key =
            |one: &SaidThere| self.store.keyring().event_key(&message_key(&one.mid, &conversation.channel));
        // What has words is of our side.
        let keys: Vec<EventKey> = there.iter().filter(|one| one.words.0.is_empty()).map(key).collect();
        if !keys.is_empty() {
            let came = self.store.known_events(conversation.shard(), &keys).await?;
            there.retain(|one| !one.words.0.is_empty() || !came.contains(&key(one)));
        }
        Ok(there)
    }

    /// The platform answers such questions seldom: one at a time, spread.
    fn may_look_there(&self, channel: &ChannelId) -> bool {
        let now = self.now();
        let mut next = self.look_there_at.lock().unwrap_or_else(PoisonError::into_inner);
        if next.get(channel).is_some_and(|at| *at > now) {
            return false;
        }
        next.insert(channel.clone(), now.checked_add(LOOK_THERE_MAX).unwrap_or(now));
        true
    }

    /// A look is over.
    fn looked_there(&self, channel: &ChannelId) {
        let now = self.now();
        let mut next = self.look_there_at.lock().unwrap_or_else(PoisonError::into_inner);
        next.insert(channel.clone(), now.checked_add(LOOK_THERE_EVERY).unwrap_or(now));
    }

    pub(crate) fn sighting(
        &self,
        channel: &ChannelId,
        psid: Option<&Psid>,
        mid: &str,
        claim: Claim,
    ) -> Command {
        Command::Sighted(Sighting {
            channel: channel.clone(),
            psid: psid.cloned(),
            mid: mid.to_owned(),
            claim,
            kill: self.reconcile.on_unknown == OnUnknown::Kill,
            at: self.now(),
        })
    }

    /// Holds sightings against the outbox, and says loudly what is not covered.
    pub(crate) async fn reconcile(&self, sightings: Vec<Command>) -> Result<(), FlowError> {
        if sightings.is_empty() {
            return Ok(());
        }
        let about: Vec<(ChannelId, Claim)> = sightings
            .iter()
            .filter_map(|command| match command {
                Command::Sighted(sighting) => Some((sighting.channel.clone(), sighting.claim.clone())),
                _ => None,
            })
            .collect();
        // Each on its own, handed over in their order: whatever is wrong with one, the others are held against the
        // outbox.
        let outcomes = join_all(sightings.into_iter().map(|one| self.store.submit(vec![one]))).await;
        // What was in doubt may be known to be sent by now, and what comes after it may go.
        self.outbox_filled.notify_one();
        let mut failed = None;
        for ((channel, claim), outcome) in about.iter().zip(outcomes) {
            let outcome = match outcome {
                Ok(outcomes) => outcomes.into_iter().next(),
                // The platform would deliver it again and again, and with it what is sound.
                Err(SubmitError::Store(damage)) if damage.is_damage() => {
                    tracing::error!(%channel, %damage, "ALARM: a message on the Page could not be looked into");
                    continue;
                }
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            if let Claim::Explained { .. } = claim {
                metrics::counter!("amana_allowed_app_messages_total").increment(1);
            }
            if outcome != Some(Outcome::Changed) {
                continue;
            }
            let (message, app) = match claim {
                Claim::Message { message, app_id, .. } => (Some(message.to_string()), app_id.as_deref()),
                Claim::Unexplained { app_id, .. } => (None, app_id.as_deref()),
                Claim::Delivered | Claim::Explained { .. } => (None, None),
            };
            let killed = self.reconcile.on_unknown == OnUnknown::Kill;
            tracing::error!(
                %channel, message, app, killed,
                "ALARM: a message on the Page that no receipt of ours covers; see `amana alarms list`"
            );
            metrics::counter!("amana_alarms_total").increment(1);
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Delivered messages that nothing named in time become alarms.
    pub(crate) async fn reconcile_deliveries(&self) {
        let overdue = match self.store.deliveries_overdue(self.now(), OVERDUE_MAX).await {
            Ok(overdue) => overdue,
            Err(error) => return tracing::warn!(%error, "deliveries could not be looked through"),
        };
        let sightings = overdue
            .iter()
            .map(|(channel, mid)| {
                let claim = Claim::Unexplained { kind: AlarmKind::UnknownDelivery, app_id: None };
                self.sighting(channel, None, mid, claim)
            })
            .collect();
        if let Err(error) = self.reconcile(sightings).await {
            tracing::warn!(%error, "overdue deliveries could not be recorded");
        }
    }
}
