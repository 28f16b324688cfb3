//! How channels stand at their platform: on record, so that operators see it, and found by itself when it mends.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{
    APPROVAL_LATE_S, CHANNEL_LOOK_AGAIN_S, CHANNEL_LOOK_S, EXPIRES_SOON_S, NO_WAY_PAUSE_S, PAGE_PAUSE_S,
    WATCH_EVERY,
};
use amana_channel::SendError;
use amana_channel::webhook::{ChannelEvent, ChannelEventKind};
use amana_core::ids::sha256;
use amana_core::{ChannelId, Lang, Timestamp};
use amana_store::{AlarmKind, ChannelHealth, Command, Outcome, StoredText};
use std::sync::PoisonError;
use std::time::Duration;
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
                    self.on_text(&text).await?;
                    self.store.submit(vec![Command::PutApprovedText(text)]).await?;
                }
                ChannelEventKind::AppRoles { .. } | ChannelEventKind::Unknown { .. } => {}
            }
        }
        Ok(())
    }

    /// An alarm where a text of ours cannot be used, or is not decided on for long: whoever is away is told nothing
    /// then. Once a week while it lasts.
    async fn on_text(&self, text: &StoredText) -> Result<(), FlowError> {
        let status = text.status.to_ascii_uppercase();
        let StoredText { channel, name, lang, .. } = text;
        let place = (channel.clone(), format!("{name}:{}", lang.tag()));
        let unusable = {
            let mut pending = self.texts_pending.lock().unwrap_or_else(PoisonError::into_inner);
            match status.as_str() {
                "REJECTED" | "PAUSED" | "DISABLED" => true,
                "PENDING" => {
                    let since = *pending.entry(place).or_insert(text.at);
                    text.at.as_second().saturating_sub(since.as_second()) >= APPROVAL_LATE_S
                }
                _ => {
                    pending.remove(&place);
                    false
                }
            }
        };
        if !unusable {
            return Ok(());
        }
        let about = format!("template:{name}:{}:{status}:{}", lang.tag(), text.at.as_second() / 604_800);
        self.raise(channel, &about, AlarmKind::TemplateUnusable).await
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

    /// Writes down how a channel stands; whether that is new. One that goes on is looked after soon.
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
        if before.is_stopped() && !health.is_stopped() {
            self.look_soon(channel);
        }
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
    pub async fn look_after_channels(&self) {
        if !self.shards.keeps_cell() {
            return;
        }
        let channels: Vec<ChannelId> = self.channels.keys().cloned().collect();
        for channel in channels {
            let before = {
                let looked = self.looked_after.lock().unwrap_or_else(PoisonError::into_inner);
                looked.get(&channel).copied()
            };
            if before.is_none_or(|at| self.now() >= at) {
                let Some(again) = self.look_after(&channel).await else { continue };
                if let Err(error) = self.look_after_expiry(&channel).await {
                    tracing::warn!(%channel, %error, "until when what waits can be sent is not known");
                }
                let next = self.after_about(again);
                self.looked_after.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, next);
            }
        }
    }

    /// The next look is soon after the last one, if it is not sooner.
    fn look_soon(&self, channel: &ChannelId) {
        let mut looked = self.looked_after.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = looked.get_mut(channel) {
            let earlier = Duration::from_secs(CHANNEL_LOOK_S.abs_diff(CHANNEL_LOOK_AGAIN_S));
            *next = next.checked_sub(earlier).unwrap_or(*next).max(self.now());
        }
    }

    /// An alarm where a channel sends nothing and what waits for it is soon over.
    async fn look_after_expiry(&self, channel: &ChannelId) -> Result<(), FlowError> {
        if !self.health_of(channel).await.is_stopped() {
            return Ok(());
        }
        let Some(first) = self.store.channel_queue(channel).await?.expires_at else { return Ok(()) };
        if first.as_second().saturating_sub(self.now().as_second()) >= EXPIRES_SOON_S {
            return Ok(());
        }
        let about = format!("expires:{}", first.as_second() / 86_400);
        self.raise(channel, &about, AlarmKind::WaitingExpires).await
    }

    /// On a channel on which nobody ever wrote, what is missing was never set up, and is no alarm. Else people were not
    /// heard, most often because we were not there for an hour: an alarm, and what they wrote is fetched. In how many
    /// seconds it is looked at again; at once where the store failed.
    async fn look_after(&self, channel: &ChannelId) -> Option<i64> {
        // Before it is asked: what is heard from then on comes by itself.
        let heard = match self.store.last_heard(channel).await {
            Ok(heard) => heard,
            Err(error) => {
                tracing::error!(%channel, %error, "when anybody was last heard cannot be read; it is looked at later");
                return None;
            }
        };
        match self.channel.unheard(channel).await {
            Ok(missed) => {
                // A token that is good again is found also where nobody writes.
                if matches!(self.health_of(channel).await, ChannelHealth::TokenDead | ChannelHealth::NoWay) {
                    self.note_health(channel, ChannelHealth::Good).await;
                    self.resume(channel);
                }
                match heard {
                    _ if missed.is_empty() => {}
                    None => {
                        tracing::info!(%channel, ?missed, "the platform does not tell us everything; it is asked to");
                        self.listen_again(channel).await;
                    }
                    Some(since) => {
                        if let Err(error) = self.on_deafness(channel, &missed, since).await {
                            tracing::error!(%channel, %error, "what people write cannot be fetched yet");
                            return None;
                        }
                    }
                }
            }
            Err(SendError::TokenDead) => {
                self.note_health(channel, ChannelHealth::TokenDead).await;
                self.pause(channel, PAGE_PAUSE_S);
                return Some(CHANNEL_LOOK_S);
            }
            Err(error) => {
                tracing::warn!(%channel, %error, "the platform does not say of which events it tells us");
                match error {
                    SendError::NoWay { .. } => {}
                    SendError::Transient { .. } => return Some(CHANNEL_LOOK_AGAIN_S),
                    // Calls are what it has too few of, or what would be refused again.
                    _ => return Some(CHANNEL_LOOK_S),
                }
                // Operators see it also where nobody writes. What is worse stays as it is: a way mends none of that.
                if !self.health_of(channel).await.is_stopped() {
                    self.note_health(channel, ChannelHealth::NoWay).await;
                }
                return Some(NO_WAY_PAUSE_S);
            }
        }
        self.look_after_texts(channel).await;
        Some(CHANNEL_LOOK_S)
    }

    /// People were not heard since then: what they wrote is fetched, and an operator hears of it. That is durable
    /// before the platform is asked to tell us again: once it does, nothing says any more that it did not.
    async fn on_deafness(
        &self,
        channel: &ChannelId,
        missed: &[String],
        since: Timestamp,
    ) -> Result<(), FlowError> {
        tracing::error!(%channel, ?missed, "the platform does not tell us everything; it is asked to");
        self.queue_catch_up(channel, since).await?;
        self.listen_again(channel).await;
        self.raise(channel, &format!("webhooks:{}", self.now()), AlarmKind::Deaf).await
    }

    /// Where it fails, the next look finds it.
    async fn listen_again(&self, channel: &ChannelId) {
        if let Err(error) = self.channel.listen(channel).await {
            tracing::warn!(%channel, %error, "the platform could not be asked to tell us everything");
        }
    }

    async fn health_of(&self, channel: &ChannelId) -> ChannelHealth {
        let known = self.health.lock().await;
        let health = known.as_ref().and_then(|known| known.get(channel));
        health.copied().unwrap_or(ChannelHealth::Good)
    }

    /// Asks after the texts that the platform approves beforehand, and keeps what it says.
    async fn look_after_texts(&self, channel: &ChannelId) {
        if !self.channel.capabilities().approved_texts {
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
        let mut keep = Vec::with_capacity(texts.len());
        for text in texts {
            let (name, lang, status, reason) = (text.name, text.lang, text.status, text.reason);
            let text = StoredText { channel: channel.clone(), name, lang, status, reason, at };
            if let Err(error) = self.on_text(&text).await {
                tracing::error!(%channel, %error, "an alarm could not be raised");
            }
            keep.push(Command::PutApprovedText(text));
        }
        if !keep.is_empty()
            && let Err(error) = self.store.submit(keep).await
        {
            tracing::warn!(%channel, %error, "which texts are approved could not be kept");
        }
    }
}
