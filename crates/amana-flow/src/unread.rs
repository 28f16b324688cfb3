//! What came signed from the platform and could not be read, or means nothing to this version: kept as it came, listed
//! with what was given up (`amana dead list`), and read again when it is tried again, by a later version perhaps.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{CHAT_EVENT_BYTES_MAX, UNKNOWN_KEPT_PER_DAY, UNKNOWN_NAMES_MAX};
use crate::worker::{Effects, Trouble};
use amana_channel::webhook::{KeptItem, parse};
use amana_core::{Shard, ids::sha256};
use amana_store::{Command, InboxSource, NewInbox};
use std::sync::PoisonError;

impl Gateway {
    /// Keeps what a webhook held that could not be read. When it returns, it is durable.
    ///
    /// # Errors
    /// When the store does not take it; then the platform must be told to deliver again.
    pub async fn accept_unread(&self, items: &[KeptItem]) -> Result<(), FlowError> {
        let mut commands = Vec::with_capacity(items.len());
        for item in items {
            if item.unknown && !self.is_worth_keeping(&item.why) {
                metrics::counter!("amana_events_total", "source" => "chat", "result" => "unknown")
                    .increment(1);
                continue;
            }
            let key = self.store.keyring().event_key(&item.key);
            let body = self.seal_unread(&item.body, &key)?;
            if body.len() > CHAT_EVENT_BYTES_MAX {
                tracing::error!(
                    bytes = body.len(),
                    why = item.why,
                    "what could not be read is too large to be kept"
                );
                continue;
            }
            // In the chat's own lane, where that is known, so that it goes when the chat is forgotten. Where it is not,
            // nothing waits for it, and it waits for nothing.
            let (shard, lane) = item.conversation().map_or_else(
                || (Shard(0), sha256(&[b"lane/unread", &key.0])),
                |chat| (chat.shard(), self.lane_of_conversation(&chat)),
            );
            commands.push(Command::Accept(NewInbox {
                shard,
                lane,
                key,
                source: InboxSource::Chat,
                body,
                received_at: self.now(),
            }));
        }
        if !commands.is_empty() {
            self.store.submit(commands).await?;
            self.chat_filled.notify_one();
        }
        Ok(())
    }

    /// A few of each kind in a day: what the platform begins to send to everybody must not bury what was given up.
    fn is_worth_keeping(&self, names: &str) -> bool {
        let day = self.now().as_second() / 86_400;
        let mut kept = self.unknown_kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (of, _)| *of == day);
        if kept.len() >= UNKNOWN_NAMES_MAX && !kept.contains_key(names) {
            return false;
        }
        let (_, count) = kept.entry(names.to_owned()).or_insert((day, 0));
        *count += 1;
        *count <= UNKNOWN_KEPT_PER_DAY
    }

    /// Reads it again: what this version knows by now is taken in, and the rest put aside.
    pub(crate) async fn on_unread(&self, raw: &[u8]) -> Result<Effects, Trouble> {
        let parsed = parse(raw).map_err(|error| Trouble::Never(error.to_string()))?;
        if let Some(fault) = parsed.faults.first() {
            return Err(Trouble::Never(fault.to_string()));
        }
        if let Some(item) = parsed.kept.first() {
            return Err(Trouble::Never(format!("webhook: this version does not know `{}`", item.why)));
        }
        self.accept_channel(&parsed.channel_events).await?;
        self.accept_chat(&parsed.events).await?;
        Ok(Effects::new())
    }
}
