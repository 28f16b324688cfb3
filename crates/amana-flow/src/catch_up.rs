//! What people wrote while the platform did not tell us: after an hour of failures it ends a subscription and keeps
//! nothing for later, so "stop" and "delete my data" of that time are fetched from its record of the conversations
//! (messenger reference, section 1.6), and worked off like all else. What came by the webhook as well is a duplicate by
//! its key. Of a tap the record has what the button said, which is understood as if it had been written, and of a
//! picture that there is one. What it has not: reactions, and of what was corrected only the last words.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::jobs::Step;
use crate::limits::{CATCH_UP_BACK_S, CATCH_UP_EVERY, CATCH_UP_GIVE_UP_S};
use amana_channel::SendError;
use amana_channel::webhook::{Inbound, InboundKind};
use amana_core::{ChannelId, ConversationId, Timestamp};
use amana_store::{Command, Job, JobKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the job knows. No person is in it.
#[derive(Serialize, Deserialize)]
struct Work {
    channel: ChannelId,
    /// From when on, in Unix seconds: when anybody was last heard.
    since: i64,
    /// When it was found out, in Unix seconds.
    found: i64,
}

impl Gateway {
    /// Queues the job that has the platform tell us again, and fetches what was said on a channel from `since` on.
    pub(crate) async fn queue_catch_up(
        &self,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<(), FlowError> {
        let now = self.now().as_second();
        let since = since.as_second().max(now.saturating_sub(CATCH_UP_BACK_S));
        let work = Work { channel: channel.clone(), since, found: now };
        let job = self.nobodys_job(JobKind::CatchUp, &work, self.now()).await?;
        self.store.submit(vec![Command::Enqueue(job)]).await?;
        self.jobs_filled.notify_one();
        Ok(())
    }

    /// Fetches it. Where the platform fails in the middle, all of it is looked at once more.
    pub(crate) async fn do_catch_up(&self, job: &Job) -> Result<Step, FlowError> {
        let lost = "the key custody has no key for it, so what was written on a channel meanwhile is not fetched: the \
                    custody is older than the job";
        let Work { channel, since, found } = match self.open_work(job, lost).await? {
            Ok(work) => work,
            Err(step) => return Ok(step),
        };
        let since = Timestamp::from_second(since).unwrap_or(Timestamp::UNIX_EPOCH);
        // What is written between the last look and the subscription is in no webhook, so that comes first.
        let fetched = match self.channel.listen(&channel).await {
            Ok(_) if !self.channel.capabilities().history => {
                tracing::warn!(%channel, %since, "the platform keeps no record of what people wrote while we were not told");
                return Ok(Step::Done);
            }
            Ok(_) => self.fetch(&channel, since).await?,
            Err(error) => Err(error),
        };
        match fetched {
            Ok((threads, heard)) => {
                tracing::warn!(%channel, %since, threads, heard, "what people wrote while we were not told was fetched");
                metrics::counter!("amana_fetched_messages_total")
                    .increment(u64::try_from(heard).unwrap_or(0));
                Ok(Step::Done)
            }
            Err(error) if self.now().as_second().saturating_sub(found) < CATCH_UP_GIVE_UP_S => {
                tracing::warn!(%channel, %error, "what people wrote while we were not told cannot be fetched yet");
                Ok(Step::Later(self.job_backoff(job.attempts)))
            }
            Err(error) => {
                tracing::error!(%channel, %error, "what people wrote while we were not told is given up");
                Ok(Step::Done)
            }
        }
    }

    /// In how many conversations something was said, and how much of it people wrote.
    async fn fetch(
        &self,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<Result<(usize, usize), SendError>, FlowError> {
        let threads = match self.channel.talked_since(channel, since).await {
            Ok(threads) => threads.unwrap_or_default(),
            Err(error) => return Ok(Err(error)),
        };
        if threads.len() >= amana_channel::limits::TALKED_MAX {
            tracing::error!(%channel, "more was said while we were not told than is fetched: the oldest is left out");
        }
        let (count, mut heard) = (threads.len(), 0);
        for thread in threads {
            tokio::time::sleep(CATCH_UP_EVERY).await;
            let said = match self.channel.heard_in(channel, &thread, since).await {
                Err(SendError::Throttled { retry_after } | SendError::ThrottledApp { retry_after }) => {
                    tokio::time::sleep(retry_after.min(Duration::from_secs(60))).await;
                    self.channel.heard_in(channel, &thread, since).await
                }
                said => said,
            };
            let said = match said {
                Ok(said) => said,
                // One that cannot be read holds no other up.
                Err(SendError::Permanent { .. }) => continue,
                Err(error) => return Ok(Err(error)),
            };
            let mut events = Vec::with_capacity(said.len());
            for one in said {
                let conversation = ConversationId { channel: channel.clone(), psid: one.psid };
                let person = self.store.conversation(&conversation).await?;
                let mut event = Inbound::fetched(conversation, one.mid, one.text, one.at);
                // The record does not tell whose the conversation was: what people in the inbox have is not ours for
                // it.
                if self.is_elsewhere(person.as_ref()) {
                    event.kind = InboundKind::Standby(Box::new(event.kind));
                }
                events.push(event);
            }
            heard += events.len();
            if !events.is_empty() {
                self.accept_chat(&events).await?;
            }
        }
        Ok(Ok((count, heard)))
    }
}
