//! Who has a conversation: we, or another app of the platform, such as the inbox where people answer.
//!
//! While another has it we are silent: what there is to say waits. We have it again when the platform sends us the
//! person's acts as ours, when it is passed to us, or when the other shows no sign of itself for as long as the
//! platform lets anybody keep it.

use crate::gateway::Gateway;
use crate::limits::{ELSEWHERE_S, OWNER_RETRY_S, PASS_AFTER_S, PASSING_MAX};
use amana_channel::webhook::{Handover, Inbound, InboundKind, opens_window};
use amana_core::{Address, ConversationId, MessageId, Timestamp};
use amana_store::{Command, Conversation, Elsewhere};
use std::sync::PoisonError;

/// A conversation that is to be passed on.
#[derive(Debug, Clone)]
pub(crate) struct Passing {
    to: Address,
    /// When its last message was sent; `None` while it waits.
    due_at: Option<Timestamp>,
}

impl Gateway {
    /// What an event says of who has the conversation: `None` if nothing.
    #[expect(clippy::option_option, reason = "nothing said, nobody else, somebody else")]
    pub(crate) fn owner_after(&self, inbound: &Inbound, person: &Conversation) -> Option<Option<Elsewhere>> {
        let since = self.now();
        let (kind, standby) = match &inbound.kind {
            InboundKind::Standby(inner) => (&**inner, true),
            kind => (kind, false),
        };
        match kind {
            InboundKind::Handover(Handover::Passed { to, .. } | Handover::Taken { to, .. }) => {
                let other = to.as_ref().filter(|to| self.own_app.as_ref() != Some(to));
                Some(other.map(|app| Elsewhere { app: Some(app.clone()), since }))
            }
            InboundKind::Handover(Handover::Requested { .. }) => None,
            // On standby the platform says with each event that somebody else has it.
            _ if standby => {
                let app = person.elsewhere.as_ref().and_then(|other| other.app.clone());
                Some(Some(Elsewhere { app, since }))
            }
            kind if person.elsewhere.is_some() && opens_window(kind) => Some(None),
            _ => None,
        }
    }

    /// Whether another app has the conversation now.
    pub(crate) fn is_elsewhere(&self, person: Option<&Conversation>) -> bool {
        let other = person.and_then(|person| person.elsewhere.as_ref());
        other.is_some_and(|other| self.now().as_second() - other.since.as_second() < ELSEWHERE_S)
    }

    /// The platform says that a conversation is not ours, and not whose it is: it is tried again after a while.
    pub(crate) async fn not_ours(&self, conversation: &ConversationId) {
        let back = u64::try_from(ELSEWHERE_S - OWNER_RETRY_S).unwrap_or(0);
        let since = self.now().checked_sub(std::time::Duration::from_secs(back)).unwrap_or(self.now());
        self.set_owner(conversation, Some(Elsewhere { app: None, since })).await;
    }

    async fn set_owner(&self, conversation: &ConversationId, elsewhere: Option<Elsewhere>) {
        let set = Command::SetOwner { conversation: conversation.clone(), elsewhere };
        if let Err(error) = self.store.submit(vec![set]).await {
            tracing::warn!(%error, "who has a conversation could not be written down");
        }
    }

    /// The conversation goes to people once this message is out and its echo here. Kept in memory alone: people who
    /// answer take control by answering, too.
    pub(crate) fn pass_after(&self, message: MessageId, to: Address) {
        let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        if passing.len() < PASSING_MAX {
            passing.insert(message, Passing { to, due_at: None });
        }
    }

    /// The message was sent: its echo has a moment to come.
    pub(crate) fn passing_sent(&self, message: MessageId) {
        let due = self.after(PASS_AFTER_S);
        let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(passing) = passing.get_mut(&message) {
            passing.due_at = passing.due_at.or(Some(due));
        }
    }

    /// Its echo is here.
    pub(crate) fn passing_echoed(&self, message: MessageId) {
        let now = self.now();
        let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(passing) = passing.get_mut(&message) {
            passing.due_at = Some(now);
        }
    }

    /// Passes on what is due.
    pub(crate) async fn pass_due(&self) {
        let now = self.now();
        let due: Vec<Address> = {
            let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
            let ready: Vec<MessageId> = passing
                .iter()
                .filter(|(_, passing)| passing.due_at.is_some_and(|at| at <= now))
                .map(|(message, _)| *message)
                .collect();
            ready.iter().filter_map(|message| passing.remove(message)).map(|passing| passing.to).collect()
        };
        for to in due {
            match self.channel.pass_to_people(&to).await {
                Ok(()) => {
                    let conversation = ConversationId { channel: to.channel, psid: to.psid };
                    let elsewhere = Elsewhere { app: None, since: self.now() };
                    self.set_owner(&conversation, Some(elsewhere)).await;
                    metrics::counter!("amana_passed_total").increment(1);
                }
                // The people in the inbox see the conversation all the same, and take it by answering.
                Err(error) => tracing::info!(%error, "a conversation could not be passed to the inbox"),
            }
        }
    }
}
