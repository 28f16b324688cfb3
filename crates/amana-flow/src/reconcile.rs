//! Reconciliation: every message that the platform says our Pages sent is held against what we have receipts of.
//!
//! One-sided: an echo that nothing of ours covers is an alarm; a message of ours without an echo is only unknown
//! (echoes can be missing).

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::OVERDUE_MAX;
use amana_channel::webhook::{Inbound, InboundKind};
use amana_core::{ChannelId, MessageId};
use amana_store::{AlarmKind, Claim, Command, Outcome, Sighting};
use std::collections::BTreeSet;

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
}

/// The echo in an event, also while another app controls the thread.
pub(crate) fn echo_in(kind: &InboundKind) -> Option<(&str, Option<MessageId>, Option<&str>)> {
    match kind {
        InboundKind::Echo { mid, metadata, app_id } => Some((mid, *metadata, app_id.as_deref())),
        InboundKind::Standby(inner) => echo_in(inner),
        _ => None,
    }
}

impl Gateway {
    /// An echo as a sighting. One with an id of our form is looked up; one without is explained only by an app that the
    /// configuration allows.
    pub(crate) fn sighting_of_echo(
        &self,
        inbound: &Inbound,
        mid: &str,
        metadata: Option<MessageId>,
        app_id: Option<&str>,
    ) -> Command {
        let app = app_id.map(str::to_owned);
        let claim = match (metadata, app_id) {
            (Some(message), _) => {
                Claim::Message { message, psid: inbound.conversation.psid.clone(), app_id: app }
            }
            (None, Some(id)) if self.reconcile.allowed_apps.contains(id) => Claim::Explained,
            (None, Some(id)) if self.own_app.as_deref() != Some(id) => {
                Claim::Unexplained { kind: AlarmKind::OtherApp, app_id: app }
            }
            (None, _) => Claim::Unexplained { kind: AlarmKind::NoMetadata, app_id: app },
        };
        self.sighting(&inbound.conversation.channel, mid, claim)
    }

    pub(crate) fn sighting(&self, channel: &ChannelId, mid: &str, claim: Claim) -> Command {
        Command::Sighted(Sighting {
            channel: channel.clone(),
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
        let outcomes = self.store.submit(sightings).await?;
        // What was in doubt may be known to be sent by now, and what comes after it may go.
        self.outbox_filled.notify_one();
        for ((channel, claim), outcome) in about.iter().zip(outcomes) {
            if outcome != Outcome::Changed {
                continue;
            }
            let (message, app) = match claim {
                Claim::Message { message, app_id, .. } => (Some(message.to_string()), app_id.as_deref()),
                Claim::Unexplained { app_id, .. } => (None, app_id.as_deref()),
                Claim::Delivered | Claim::Explained => (None, None),
            };
            let killed = self.reconcile.on_unknown == OnUnknown::Kill;
            tracing::error!(
                %channel, message, app, killed,
                "ALARM: a message on the Page that no receipt of ours covers; see `amana alarms list`"
            );
            metrics::counter!("amana_alarms_total").increment(1);
        }
        Ok(())
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
                self.sighting(channel, mid, claim)
            })
            .collect();
        if let Err(error) = self.reconcile(sightings).await {
            tracing::warn!(%error, "overdue deliveries could not be recorded");
        }
    }
}
