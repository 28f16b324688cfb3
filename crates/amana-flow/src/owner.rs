//! Who has a conversation: we, or another app of the platform, such as the inbox where people answer.
//!
//! While another has it we are silent: what there is to say waits. We have it again when the platform sends us what the
//! person says as ours, when it is passed to us, when the platform, asked, says that nobody else has it (people who are
//! done let go of it without a word to us), or when the other shows no sign of itself for as long as the platform lets
//! anybody keep it. What the platform says comes in any order: what counts is of when it is.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{
    ELSEWHERE_S, OWNER_LOOK_EVERY, OWNER_LOOK_LINKS, OWNER_LOOK_S, OWNER_LOOKS_MAX, OWNER_RETRY_S,
    PASSING_MAX,
};
use amana_channel::ThreadOwner;
use amana_channel::webhook::{Handover, Inbound, InboundKind};
use amana_core::{Address, ConversationId, Timestamp};
use amana_store::{Command, Conversation, Elsewhere};
use std::sync::{Arc, PoisonError};
use tokio_util::sync::CancellationToken;

/// Whether an act comes to us because the conversation is ours. Everybody hears of a reaction or of a link that was
/// followed, and a tap on another app's button comes without what that app put behind it.
fn is_ours_by(kind: &InboundKind) -> bool {
    matches!(
        kind,
        InboundKind::Text { .. }
            | InboundKind::QuickReply { .. }
            | InboundKind::Attachment { .. }
            | InboundKind::Postback { payload: Some(_), .. }
    )
}

impl Gateway {
    /// What an event says of who has the conversation, if anything.
    pub(crate) fn owner_after(&self, inbound: &Inbound, person: &Conversation) -> Option<Command> {
        // Of when it is, by the platform's clock; ours may be behind. Without a time it is of now.
        let said_at =
            if inbound.at == Timestamp::UNIX_EPOCH { self.now() } else { inbound.at.min(self.now()) };
        let (kind, standby) = match &inbound.kind {
            InboundKind::Standby(inner) => (&**inner, true),
            kind => (kind, false),
        };
        let elsewhere = match kind {
            InboundKind::Handover(Handover::Passed { to, .. } | Handover::Taken { to, .. }) => {
                let other = to.as_ref().filter(|to| self.own_app.as_ref() != Some(to));
                other.map(|app| Elsewhere { app: Some(app.clone()), since: said_at })
            }
            InboundKind::Handover(Handover::Requested { .. }) => return None,
            // That something was read or delivered is no sign of anybody who has the conversation.
            InboundKind::Read { .. } | InboundKind::Delivery { .. } if person.elsewhere.is_some() => {
                return None;
            }
            // On standby the platform says with each event that somebody else has it.
            _ if standby => {
                let app = person.elsewhere.as_ref().and_then(|other| other.app.clone());
                Some(Elsewhere { app, since: said_at })
            }
            kind if person.elsewhere.is_some() && is_ours_by(kind) => None,
            _ => return None,
        };
        Some(Command::SetOwner { conversation: inbound.conversation.clone(), elsewhere, said_at })
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
        self.set_owner(conversation, Some(Elsewhere { app: None, since }), self.now()).await;
    }

    /// Asks the platform whose the conversations are for which news wait, and takes back what is over.
    pub(crate) async fn look_after_owners(&self) -> Result<(), FlowError> {
        let since = self.now().checked_sub(std::time::Duration::from_secs(ELSEWHERE_S.unsigned_abs()));
        let since = since.unwrap_or(Timestamp::MIN);
        let mut asked = 0;
        for (shard, link) in self.store.waiting_elsewhere(since, OWNER_LOOK_LINKS).await? {
            let Some(link) = self.store.link(shard, link).await? else { continue };
            asked += usize::from(self.look_at_owner(&link.conversation()).await.is_some());
            if asked == OWNER_LOOKS_MAX {
                break;
            }
        }
        Ok(())
    }

    /// The same, until the token is cancelled.
    pub(crate) async fn run_owners(self: Arc<Self>, stop: CancellationToken) {
        while let Some(looked) = stop.run_until_cancelled(self.look_after_owners()).await {
            if let Err(error) = looked {
                tracing::warn!(%error, "whose the conversations are could not be looked through");
            }
            tokio::select! {
                () = tokio::time::sleep(OWNER_LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Asks the platform whose a conversation is, if it was not asked just before: whether it is ours now. `None` if it
    /// was not asked.
    pub(crate) async fn look_at_owner(&self, conversation: &ConversationId) -> Option<bool> {
        let now = self.now();
        {
            let mut due = self.owners_due.lock().unwrap_or_else(PoisonError::into_inner);
            due.retain(|_, at| *at > now);
            if due.contains_key(conversation) || due.len() >= PASSING_MAX {
                return None;
            }
            due.insert(conversation.clone(), self.after_about(OWNER_LOOK_S));
        }
        let of = Address { channel: conversation.channel.clone(), psid: conversation.psid.clone() };
        let owner = match self.channel.owner(&of).await {
            Ok(owner) => owner,
            Err(error) => {
                tracing::info!(%error, "the platform does not say whose a conversation is");
                return Some(false);
            }
        };
        let app = match owner {
            ThreadOwner::Nobody => None,
            ThreadOwner::Owned { app, .. } if app.is_some() && app == self.own_app => None,
            // It had it until then. Should it not be so, the platform refuses what is sent, and it is tried later.
            ThreadOwner::Owned { until: Some(until), .. } if until <= now => None,
            // It is not told: whoever it is has it still.
            ThreadOwner::Owned { app: None, .. } => return Some(false),
            ThreadOwner::Owned { app, .. } => app,
        };
        let known =
            self.store.conversation(conversation).await.ok().flatten().and_then(|person| person.elsewhere);
        match (app, known) {
            (None, _) => {}
            // That it is they is the first sign of them.
            (Some(app), known) if known.as_ref().and_then(|known| known.app.as_ref()) != Some(&app) => {
                self.set_owner(conversation, Some(Elsewhere { app: Some(app), since: now }), now).await;
                return Some(false);
            }
            (Some(_), known) => {
                let silent = known.map_or(0, |known| now.as_second() - known.since.as_second());
                let over = self
                    .reconcile
                    .take_back_after
                    .is_some_and(|after| u64::try_from(silent).is_ok_and(|silent| silent >= after.as_secs()));
                if !over {
                    return Some(false);
                }
                if let Err(error) = self.channel.take_back(&of).await {
                    tracing::info!(%error, "a conversation could not be taken back");
                    return Some(false);
                }
                metrics::counter!("amana_taken_back_total").increment(1);
            }
        }
        self.set_owner(conversation, None, now).await;
        Some(true)
    }

    /// `said_at`: before the platform was asked, so that what it says meanwhile has the last word.
    pub(crate) async fn set_owner(
        &self,
        conversation: &ConversationId,
        elsewhere: Option<Elsewhere>,
        said_at: Timestamp,
    ) {
        let set = Command::SetOwner { conversation: conversation.clone(), elsewhere, said_at };
        if let Err(error) = self.store.submit(vec![set]).await {
            tracing::warn!(%error, "who has a conversation could not be written down");
        }
    }
}
