//! How channels stand at their platform: on record, so that operators see it, and found by itself when it mends.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{CHANNEL_LOOK_S, PAGE_PAUSE_S, WATCH_EVERY};
use amana_channel::SendError;
use amana_channel::webhook::{ChannelEvent, ChannelEventKind};
use amana_core::ids::sha256;
use amana_core::{ChannelId, Lang, Timestamp};
use amana_store::{AlarmKind, ChannelHealth, Command, Outcome, StoredText};
use std::sync::PoisonError;
use tokio_util::sync::CancellationToken;

impl Gateway {
    /// Takes in what the platform says of whole channels: enforcement of its rules, approvals. When it returns, it is
    /// durable.
    ///
    /// # Errors
    /// When the store does not take it; then the platform must be told to deliver again.
    pub async fn accept_channel(&self, events: &[ChannelEvent]) -> Result<(), FlowError> {
        for event in events.iter().filter(|event| self.channels.contains_key(&event.channel)) {
            match &event.kind {
                ChannelEventKind::PolicyEnforcement { action, reason } => {
                    self.on_enforcement(event, action, reason.as_deref()).await?;
                }
                ChannelEventKind::TemplateStatus { status, name, language, reason } => {
                    let Some(lang) = Lang::from_tag(language) else { continue };
                    let text = StoredText {
                        channel: event.channel.clone(),
                        name: name.clone(),
                        lang,
                        status: status.clone(),
                        reason: reason.clone(),
                        at: event.at.min(self.now()),
                    };
                    self.store.submit(vec![Command::PutApprovedText(text)]).await?;
                }
                ChannelEventKind::AppRoles { .. } | ChannelEventKind::Unknown { .. } => {}
            }
        }
        Ok(())
    }

    async fn on_enforcement(
        &self,
        event: &ChannelEvent,
        action: &str,
        reason: Option<&str>,
    ) -> Result<(), FlowError> {
        {
            // They come again, and in any order: a block that is older than what is known blocks nothing.
            let mut enforced = self.enforced.lock().unwrap_or_else(PoisonError::into_inner);
            let known = enforced.entry(event.channel.clone()).or_insert(event.at);
            if event.at < *known {
                return Ok(());
            }
            *known = event.at;
        }
        let (kind, health) = match action {
            "warning" => (AlarmKind::ChannelWarned, ChannelHealth::Warned),
            "unblock" => {
                self.set_health(&event.channel, ChannelHealth::Good).await?;
                self.resume(&event.channel);
                return Ok(());
            }
            // What is not known is taken for the worse.
            _ => (AlarmKind::ChannelBlocked, ChannelHealth::Blocked),
        };
        // A redelivery has another time, so one alarm of each reason a day.
        let reason = hex::encode(sha256(&[reason.unwrap_or_default().as_bytes()]));
        let day = event.at.as_second() / 86_400;
        self.raise(&event.channel, &format!("policy:{action}:{day}:{reason}"), kind).await?;
        self.set_health(&event.channel, health).await?;
        if health == ChannelHealth::Blocked {
            self.pause(&event.channel, PAGE_PAUSE_S);
        }
        Ok(())
    }

    pub(crate) async fn raise(
        &self,
        channel: &ChannelId,
        about: &str,
        kind: AlarmKind,
    ) -> Result<(), FlowError> {
        let (channel, about) = (channel.clone(), about.to_owned());
        tracing::error!(%channel, kind = kind.as_str(), "ALARM: see `amana alarms list` and `amana messenger status`");
        let raise = Command::RaiseAlarm { channel, about, kind, at: self.now() };
        if self.store.submit(vec![raise]).await?.contains(&Outcome::Changed) {
            metrics::counter!("amana_alarms_total").increment(1);
        }
        Ok(())
    }

    /// Writes down how a channel stands; whether that is new.
    async fn set_health(&self, channel: &ChannelId, health: ChannelHealth) -> Result<bool, FlowError> {
        let mut known = self.health.lock().await;
        if known.is_none() {
            let states = self.store.channel_states().await?;
            *known = Some(states.into_iter().map(|state| (state.channel, state.health)).collect());
        }
        let Some(known) = known.as_mut() else { return Ok(false) };
        let before = known.get(channel).copied().unwrap_or(ChannelHealth::Good);
        if before == health {
            return Ok(false);
        }
        let set = Command::SetChannelHealth { channel: channel.clone(), health, at: self.now() };
        self.store.submit(vec![set]).await?;
        known.insert(channel.clone(), health);
        tracing::warn!(%channel, health = health.as_str(), before = before.as_str(), "how a channel stands has changed");
        metrics::gauge!("amana_channel_health", "channel" => channel.as_str().to_owned())
            .set(f64::from(health as u8));
        Ok(true)
    }

    /// What a send says of its channel. A warning stays until the platform takes it back.
    pub(crate) async fn note_health(&self, channel: &ChannelId, health: ChannelHealth) {
        let passing = matches!(health, ChannelHealth::Good | ChannelHealth::Throttled);
        let warned = {
            let known = self.health.lock().await;
            known.as_ref().and_then(|known| known.get(channel)) == Some(&ChannelHealth::Warned)
        };
        if warned && passing {
            return;
        }
        let noted = async {
            let new = self.set_health(channel, health).await?;
            match health {
                ChannelHealth::TokenDead if new => {
                    self.raise(channel, &format!("token:{}", self.now()), AlarmKind::TokenDead).await
                }
                ChannelHealth::Blocked if new => {
                    self.raise(channel, &format!("blocked:{}", self.now()), AlarmKind::ChannelBlocked).await
                }
                ChannelHealth::NotAllowed if new => {
                    self.raise(channel, &format!("allowed:{}", self.now()), AlarmKind::NotAllowed).await
                }
                _ => Ok(()),
            }
        };
        if let Err(error) = noted.await {
            tracing::error!(%channel, %error, "how a channel stands could not be written down");
        }
    }

    /// Rests a channel for about so many seconds.
    pub(crate) fn pause(&self, channel: &ChannelId, seconds: i64) {
        let until = self.after_about(seconds);
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = paused.get(channel).copied().map_or(until, |there| there.max(until));
        paused.insert(channel.clone(), longest);
    }

    /// All channels rest: they are one app's at the platform, and what is used up is the app's.
    pub(crate) fn pause_all(&self, seconds: i64) {
        for channel in self.channels.keys() {
            self.pause(channel, seconds);
        }
    }

    fn resume(&self, channel: &ChannelId) {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).remove(channel);
        self.outbox_filled.notify_one();
    }

    /// Looks after the channels until the token is cancelled: apart from everything else, since a platform that hangs
    /// must hold up nothing but this.
    pub(crate) async fn run_watch(self: std::sync::Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(self.look_after_channels()).await.is_some() {
            if stop.run_until_cancelled(tokio::time::sleep(WATCH_EVERY)).await.is_none() {
                return;
            }
        }
    }

    /// Asks each platform whether we still hear of its channel, and after the texts that it approves beforehand, where
    /// it is time.
    pub(crate) async fn look_after_channels(&self) {
        let channels: Vec<ChannelId> = self.channels.keys().cloned().collect();
        for channel in channels {
            let before = {
                let looked = self.looked_after.lock().unwrap_or_else(PoisonError::into_inner);
                looked.get(&channel).copied()
            };
            if before.is_none_or(|at| self.now() >= at) {
                self.look_after(&channel, before.is_none()).await;
                let next = self.after_about(CHANNEL_LOOK_S);
                self.looked_after.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, next);
            }
        }
    }

    /// `first`: since the start. What is missing then is most often what was never set up, so it is no alarm.
    async fn look_after(&self, channel: &ChannelId, first: bool) {
        match self.channel.listen(channel).await {
            Ok(missed) => {
                // A token that is good again is found also where nobody writes.
                if matches!(self.health_of(channel).await, ChannelHealth::TokenDead | ChannelHealth::NoWay) {
                    self.note_health(channel, ChannelHealth::Good).await;
                    self.resume(channel);
                }
                if first && !missed.is_empty() {
                    tracing::info!(%channel, ?missed, "the platform did not tell us everything; it was asked to");
                } else if !missed.is_empty() {
                    tracing::error!(%channel, ?missed, "the platform did not tell us everything; it was asked to");
                    let about = format!("webhooks:{}", self.now());
                    if let Err(error) = self.raise(channel, &about, AlarmKind::Deaf).await {
                        tracing::error!(%channel, %error, "an alarm could not be raised");
                    }
                }
            }
            Err(SendError::TokenDead) => {
                self.note_health(channel, ChannelHealth::TokenDead).await;
                self.pause(channel, PAGE_PAUSE_S);
                return;
            }
            Err(error) => {
                tracing::warn!(%channel, %error, "the platform does not say of which events it tells us");
            }
        }
        self.look_after_texts(channel).await;
    }

    async fn health_of(&self, channel: &ChannelId) -> ChannelHealth {
        let known = self.health.lock().await;
        let health = known.as_ref().and_then(|known| known.get(channel));
        health.copied().unwrap_or(ChannelHealth::Good)
    }

    /// Asks after the texts that the platform approves beforehand, and keeps what it says.
    async fn look_after_texts(&self, channel: &ChannelId) {
        if self.channel.encoding_outside().is_none() {
            return;
        }
        let texts = match self.channel.approved_texts(channel).await {
            Ok(texts) => texts,
            Err(error) => {
                tracing::warn!(%channel, %error, "the platform does not say which texts it has approved");
                return;
            }
        };
        let at: Timestamp = self.now();
        let keep = texts
            .into_iter()
            .map(|text| {
                Command::PutApprovedText(StoredText {
                    channel: channel.clone(),
                    name: text.name,
                    lang: text.lang,
                    status: text.status,
                    reason: text.reason,
                    at,
                })
            })
            .collect::<Vec<_>>();
        if !keep.is_empty()
            && let Err(error) = self.store.submit(keep).await
        {
            tracing::warn!(%channel, %error, "which texts are approved could not be kept");
        }
    }
}
