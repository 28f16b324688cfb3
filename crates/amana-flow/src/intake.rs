//! Intake: events become durable before they are acknowledged.

use crate::direct::{Arrival, Direct};
use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{CHAT_EVENT_BYTES_MAX, DELIVERED_MIDS_MAX, DIRECT_YIELD};
use crate::reconcile::echo_in;
use amana_channel::webhook::{Inbound, InboundKind};
use amana_core::{BankEvent, BankEventBody, CustomerId, EventKey, InstitutionId, MessageId, Timestamp};
use amana_gate::Unaddressed;
use amana_store::{Claim, Command, Elsewhere, InboxSource, Link, NewInbox, OutboxState, Outcome};
use std::collections::BTreeSet;
use tracing::Instrument as _;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Events that are new and durable now.
    pub stored: usize,
    /// Events that were there already.
    pub duplicates: usize,
    /// Events that concern nobody here: no link holds the account, or the page is not ours.
    pub unmatched: usize,
}

impl Accepted {
    /// In the span within which it came.
    fn note(self) {
        let span = tracing::Span::current();
        span.record("stored", self.stored as u64).record("duplicates", self.duplicates as u64);
        span.record("unmatched", self.unmatched as u64);
    }
}

/// The span of a delivery: how many, never which.
fn intake(source: &'static str, events: usize) -> tracing::Span {
    use tracing::field::Empty;
    tracing::info_span!(
        target: "amana::trace", "intake", source, events = events as u64, stored = Empty, duplicates = Empty,
        unmatched = Empty
    )
}

/// `None` where stored rows of one customer do not open: they are told nothing, and nobody waits for them.
fn unless_damaged<T>(answer: Result<T, FlowError>) -> Result<Option<T>, FlowError> {
    match answer {
        Err(error) if error.is_damage() => {
            tracing::error!(%error, "a customer is left out of a bank's event");
            Ok(None)
        }
        answer => answer.map(Some),
    }
}

impl Gateway {
    /// Takes the platform's events in. When it returns, they are durable.
    ///
    /// # Errors
    /// When the store does not take them; then the platform must be told to deliver again.
    pub async fn accept_chat(&self, events: &[Inbound]) -> Result<Accepted, FlowError> {
        self.accept_chat_events(events).instrument(intake("chat", events.len())).await
    }

    async fn accept_chat_events(&self, events: &[Inbound]) -> Result<Accepted, FlowError> {
        let since = self.now();
        let mut accepted = Accepted::default();
        let mut commands = Vec::with_capacity(events.len());
        let (mut sightings, mut signs) = (Vec::new(), Vec::new());
        for inbound in events {
            if !self.channels.contains_key(&inbound.conversation.channel) {
                accepted.unmatched += 1;
                continue;
            }
            let (channel, psid) = (&inbound.conversation.channel, &inbound.conversation.psid);
            if let InboundKind::Delivery { mids, .. } = &inbound.kind {
                // A message that was delivered was sent: by us, or by somebody who is to be found.
                let mids = mids.iter().filter(|mid| !mid.is_empty()).take(DELIVERED_MIDS_MAX);
                sightings.extend(mids.map(|mid| self.sighting(channel, Some(psid), mid, Claim::Delivered)));
                continue;
            }
            // Read marks change nothing that we keep; they are answered and forgotten.
            if matches!(inbound.kind, InboundKind::Read { .. }) {
                continue;
            }
            // An echo says that a message of ours arrived, if it is one. It needs no lane: it may come before our own
            // call returns.
            if let Some(echo) = echo_in(&inbound.kind) {
                if let Some(message) = echo.message {
                    self.echo_came(channel);
                    self.passing_echoed(message);
                }
                // Whoever has the conversation has it as long as they write, not only as long as the person does.
                if matches!(inbound.kind, InboundKind::Standby(_)) && echo.message.is_none() {
                    let at = Some(inbound.at).filter(|at| *at != Timestamp::UNIX_EPOCH);
                    let since = at.map_or(self.now(), |at| at.min(self.now()));
                    signs.push(Command::SetOwner {
                        conversation: inbound.conversation.clone(),
                        said_at: since,
                        elsewhere: Some(Elsewhere { app: echo.app.map(str::to_owned), since }),
                    });
                }
                sightings.push(self.sighting_of_echo(inbound, echo).await?);
                continue;
            }
            // What was deleted is not to be read here either, though it may wait, or come later.
            commands.extend(inbound.takes_back().iter().map(|key| Command::TakeBack {
                shard: inbound.conversation.shard(),
                lane: self.lane_of_conversation(&inbound.conversation),
                key: self.store.keyring().event_key(key),
                source: InboxSource::Chat,
                at: self.now(),
            }));
            let key = self.store.keyring().event_key(&inbound.key);
            let body = self.seal_chat(inbound, &key).await?;
            if body.len() > CHAT_EVENT_BYTES_MAX {
                // Beyond anything that the platform lets a person write. Refusing the whole delivery would hold up
                // others.
                tracing::warn!(bytes = body.len(), "an event of a chat is too large and is left out");
                metrics::counter!("amana_events_total", "source" => "chat", "result" => "too-large")
                    .increment(1);
                accepted.unmatched += 1;
                continue;
            }
            commands.push(Command::Accept(NewInbox {
                shard: inbound.conversation.shard(),
                lane: self.lane_of_conversation(&inbound.conversation),
                key,
                source: InboxSource::Chat,
                body,
                received_at: self.now(),
            }));
        }
        let signed = async {
            if signs.is_empty() {
                return Ok(());
            }
            self.store.submit(signs).await.map(drop).map_err(FlowError::from)
        };
        // Side by side, in this order: the platform waits for one commit, not for three of them one after the other.
        let (kept, signed, reconciled) =
            tokio::join!(self.keep(commands, &mut accepted), signed, self.reconcile(sightings));
        kept.and(signed).and(reconciled)?;
        // Only now: until what an echo settles is durable the message is still in doubt. And only what it settles: an
        // echo of others may bear an id of ours.
        for message in events.iter().filter_map(|inbound| echo_in(&inbound.kind)?.message) {
            if self.is_in_doubt(message) && self.is_sent(message).await {
                self.no_doubt(message);
            }
        }
        for of in events.iter().map(|inbound| &inbound.conversation).collect::<BTreeSet<_>>() {
            if self.channels.contains_key(&of.channel) {
                self.webhook_came(of);
            }
        }
        accepted.note();
        self.note_time("chat-intake", since);
        Ok(accepted)
    }

    /// Takes a bank's events in, for each link that holds the account: decided at once where it can be
    /// ([`crate::direct`]), else as a row that waits. When it returns, they are durable.
    ///
    /// # Errors
    /// When the store does not take them; then the bank must deliver again.
    pub async fn accept_bank(
        &self,
        events: &[(BankEvent, Unaddressed<BankEventBody>)],
    ) -> Result<Accepted, FlowError> {
        self.accept_bank_events(events).instrument(intake("bank", events.len())).await
    }

    async fn accept_bank_events(
        &self,
        events: &[(BankEvent, Unaddressed<BankEventBody>)],
    ) -> Result<Accepted, FlowError> {
        let since = self.now();
        let mut accepted = Accepted::default();
        let mut direct = Direct::default();
        for some in events.chunks(DIRECT_YIELD) {
            let arrivals = self.arrivals(some, &mut accepted).await?;
            self.take_directly(&mut direct, arrivals).await?;
            // Looks at the embedded database wait for nothing, so a long batch would keep others from their turn.
            tokio::task::yield_now().await;
        }
        let queued = self.finish_direct(&mut direct).await?;
        accepted.stored += direct.stored;
        accepted.duplicates += direct.duplicates;
        let mut commands = Vec::with_capacity(queued.len());
        for Arrival { event, body, link, customer, key } in queued {
            commands.push(Command::Accept(NewInbox {
                shard: link.shard,
                lane: Self::lane_of_link(&link),
                key,
                source: InboxSource::Bank,
                body: self.seal_bank(&customer, &link, event, body, &key.0)?,
                received_at: self.now(),
            }));
        }
        self.keep(commands, &mut accepted).await?;
        direct.let_go();
        self.bank_filled.notify_one();
        if direct.stored > 0 {
            self.outbox_filled.notify_one();
        }
        metrics::counter!("amana_bank_events_total", "result" => "unmatched")
            .increment(accepted.unmatched as u64);
        accepted.note();
        self.note_time("bank-intake", since);
        Ok(accepted)
    }

    /// Whom events concern: once for each link that asks for it. Looked up as of one moment.
    async fn arrivals<'a>(
        &self,
        events: &'a [(BankEvent, Unaddressed<BankEventBody>)],
        accepted: &mut Accepted,
    ) -> Result<Vec<Arrival<'a>>, FlowError> {
        let (mut arrivals, mut failed) = (Vec::with_capacity(events.len()), Ok(()));
        let looked_up = async {
            for (event, body) in events {
                match self.arrivals_of(event, body).await {
                    Ok(of_one) if of_one.is_empty() => accepted.unmatched += 1,
                    Ok(of_one) => arrivals.extend(of_one),
                    Err(error) => {
                        failed = Err(error);
                        return;
                    }
                }
            }
        };
        self.store.at_one_moment(Box::pin(looked_up)).await?;
        failed.map(|()| arrivals)
    }

    async fn arrivals_of<'a>(
        &self,
        event: &'a BankEvent,
        body: &'a Unaddressed<BankEventBody>,
    ) -> Result<Vec<Arrival<'a>>, FlowError> {
        let mut links = self.store.links_of_account(&event.institution, &event.account).await?;
        if let Some(subject) = &event.subject {
            links = self.links_of_subject(event, subject, links).await?;
        }
        let mut arrivals = Vec::with_capacity(links.len());
        for link in self.links_that_ask(event, links).await? {
            // One customer's rows that do not open must not keep a whole request, and so others, waiting for ever.
            let Some(customer) = unless_damaged(self.customer_of(link.shard, link.customer).await)? else {
                metrics::counter!("amana_bank_events_total", "result" => "unreadable").increment(1);
                continue;
            };
            let name = format!("{}\0{}", link.id, event.id);
            let key = EventKey::new(Some(event.occurred), event.institution.as_str(), &name);
            let key = self.store.keyring().event_key(&key);
            arrivals.push(Arrival { event, body, link, customer, key });
        }
        Ok(arrivals)
    }

    /// Where the bank says whose event it is, the other holders of the account do not get it. A customer whom the bank
    /// did not name when it was linked is known by the accounts alone, and gets what is about them.
    async fn links_of_subject(
        &self,
        event: &BankEvent,
        subject: &str,
        links: Vec<Link>,
    ) -> Result<Vec<Link>, FlowError> {
        let blind = self.store.keyring().blind(&event.institution, subject);
        let named = self.customer_named(&event.institution, &blind).await?;
        let mut kept = Vec::with_capacity(links.len());
        for link in links {
            let theirs = named == Some(link.customer) || {
                let unnamed = self.blind_unnamed(&link.institution, link.customer);
                self.customer_named(&link.institution, &unnamed).await? == Some(link.customer)
            };
            if theirs {
                kept.push(link);
            }
        }
        Ok(kept)
    }

    async fn customer_named(
        &self,
        institution: &InstitutionId,
        blind: &[u8; 32],
    ) -> Result<Option<CustomerId>, FlowError> {
        let customer = self.store.customer_by_subject(institution, blind).await.map_err(FlowError::from);
        Ok(unless_damaged(customer)?.flatten().map(|customer| customer.id))
    }

    /// Nobody asked for what no consent names: such an event is not even kept.
    async fn links_that_ask(&self, event: &BankEvent, links: Vec<Link>) -> Result<Vec<Link>, FlowError> {
        let purpose = crate::update::purpose_of(event.kind);
        let mut kept = Vec::with_capacity(links.len());
        for link in links {
            let consent = self.store.consent_of_link(link.shard, link.id).await.map_err(FlowError::from);
            let consent = unless_damaged(consent)?.flatten();
            let grant = consent.as_ref().and_then(|c| c.grants.get(&purpose));
            if grant.is_some_and(|grant| grant.accounts.contains(&event.account)) {
                kept.push(link);
            }
        }
        Ok(kept)
    }

    /// Whether it is on record as sent. Where that cannot be read, it stays in doubt.
    pub(crate) async fn is_sent(&self, message: MessageId) -> bool {
        let entry = self.store.outbox_entry(message).await.ok().flatten();
        entry.is_some_and(|entry| entry.state == OutboxState::Sent)
    }

    async fn keep(&self, commands: Vec<Command>, accepted: &mut Accepted) -> Result<(), FlowError> {
        if commands.is_empty() {
            return Ok(());
        }
        for outcome in self.store.submit(commands).await? {
            match outcome {
                Outcome::Duplicate => accepted.duplicates += 1,
                _ => accepted.stored += 1,
            }
        }
        self.chat_filled.notify_one();
        self.bank_filled.notify_one();
        self.outbox_filled.notify_one();
        Ok(())
    }
}
