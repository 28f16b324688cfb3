//! What a person corrects after it was written (messenger reference, section 1.5: five times at most, no opener of the
//! window). Of a message that still waits in its lane the last words count, in its place and from its time. Of one
//! that was answered nothing can be called back: what ends something, or asks for a person, is done all the same, since
//! whoever turns "balance" into "stop" means it; anything else is told to be written anew, because bank data leaves for
//! what was asked and not for what a question became.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::worker::Effects;
use amana_channel::limits::EDITS_MAX;
use amana_channel::webhook::{Inbound, InboundKind, edit_keys, message_key};
use amana_chat::Intent;
use amana_core::EventKey;
use amana_store::{Command, InboxRow, InboxSource, KnownEvent};

/// What an event says when its corrections are known.
pub(crate) enum Said {
    /// This.
    Is(InboundKind),
    /// These words, for others that were answered already.
    Late(String),
    /// Nothing: later words stand for it.
    Nothing,
}

impl Said {
    /// What is to be answered, where something is.
    pub(crate) fn kind(&self) -> Option<&InboundKind> {
        match self {
            Self::Is(kind) => Some(kind),
            Self::Late(_) | Self::Nothing => None,
        }
    }
}

impl Gateway {
    /// What the event says by now. `effects` takes up what ends with it.
    pub(crate) async fn said(
        &self,
        row: &InboxRow,
        inbound: &Inbound,
        effects: &mut Effects,
    ) -> Result<Said, FlowError> {
        match &inbound.kind {
            InboundKind::Text { mid, .. } => self.said_last(row, inbound, mid, effects).await,
            InboundKind::Edited { mid, text, edits } if (1..=EDITS_MAX).contains(edits) => {
                let keys =
                    self.keys_of_edits(inbound, mid).into_iter().skip(*edits as usize).collect::<Vec<_>>();
                if !self.store.inbox_known(row.shard, &keys).await?.is_empty() {
                    return Ok(Said::Nothing);
                }
                let first = message_key(mid, &inbound.conversation.channel);
                let first = self.store.keyring().event_key(&first);
                let known = self.store.inbox_known(row.shard, &[first]).await?;
                Ok(if known.get(&first) == Some(&KnownEvent::Over) {
                    Said::Late(text.clone())
                } else {
                    // It came before what it corrects, or that was given up or never came: these are the words.
                    Said::Is(InboundKind::Text { mid: mid.clone(), text: text.clone() })
                })
            }
            kind => Ok(Said::Is(kind.clone())),
        }
    }

    /// A message in its last words. Its edits are over with it.
    async fn said_last(
        &self,
        row: &InboxRow,
        inbound: &Inbound,
        mid: &str,
        effects: &mut Effects,
    ) -> Result<Said, FlowError> {
        let keys = self.keys_of_edits(inbound, mid);
        let mut known = self.store.inbox_known(row.shard, &keys).await?;
        let mut said = None;
        for key in keys.iter().rev() {
            let last = match (known.remove(key), &said) {
                (None, _) => continue,
                (Some(KnownEvent::Waits(body)), None) => {
                    match self.open_chat_body(key, &body).await?.map(|edit| of_whoever(edit.kind)) {
                        Some(InboundKind::Edited { text, .. }) => {
                            Said::Is(InboundKind::Text { mid: mid.to_owned(), text })
                        }
                        _ => Said::Nothing,
                    }
                }
                // Its turn came before, or will not come; or later words stand for it.
                (Some(KnownEvent::Over | KnownEvent::GivenUp), None) | (Some(_), Some(_)) => Said::Nothing,
            };
            said.get_or_insert(last);
            effects.push(Command::TakeBack {
                shard: row.shard,
                lane: row.lane,
                key: *key,
                source: InboxSource::Chat,
                at: self.now(),
            });
        }
        Ok(said.unwrap_or_else(|| Said::Is(inbound.kind.clone())))
    }

    fn keys_of_edits(&self, inbound: &Inbound, mid: &str) -> Vec<EventKey> {
        let keys = edit_keys(mid, &inbound.conversation.channel);
        keys.iter().map(|key| self.store.keyring().event_key(key)).collect()
    }
}

/// An edit is one, whoever has the conversation by now.
fn of_whoever(kind: InboundKind) -> InboundKind {
    match kind {
        InboundKind::Standby(inner) => *inner,
        kind => kind,
    }
}

/// Whether it is done though the words came too late: it ends something, or asks for a person.
pub(crate) fn holds_late(intent: &Intent) -> bool {
    matches!(intent, Intent::Stop | Intent::Unlink | Intent::Erase { .. } | Intent::Person)
}
