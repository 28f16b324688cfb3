//! Giving a conversation to the people who answer in the platform's own inbox: asked for in the chat, or by the inbox.
//!
//! The customer is told that a person comes, so it is a job, durable with that very message, which tries on while the
//! platform does not take it, and of which an operator hears where it does not succeed. Its message goes out first:
//! passed earlier, it would be let out by nobody.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::jobs::Step;
use crate::limits::{PASS_AFTER_S, PASS_GIVE_UP_S, PASS_LATE_S, PASS_LOOK_S, PASSING_MAX};
use amana_channel::SendError;
use amana_channel::webhook::Inbound;
use amana_core::{Address, ConversationId, MessageId, Timestamp};
use amana_store::{AlarmKind, Command, Elsewhere, Job, JobKind, OutboxState};
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

/// A conversation that is passed on once its last message is out.
#[derive(Debug, Clone)]
pub(crate) struct Passing {
    job: [u8; 16],
    /// When, if that is known already.
    due_at: Option<Timestamp>,
}

/// What the job knows. It names a person, so it is sealed.
#[derive(Serialize, Deserialize)]
struct Work {
    to: Address,
    /// The message that goes out before.
    message: Option<MessageId>,
    /// When it was asked for, in Unix seconds.
    since: i64,
}

impl Gateway {
    /// Another app asks for the conversation: the command that gives it to the people in the platform's inbox, where
    /// they are to answer; anybody else is an operator's business.
    pub(crate) async fn on_request(
        &self,
        inbound: &Inbound,
        by: Option<&str>,
    ) -> Result<Option<Command>, FlowError> {
        let conversation = &inbound.conversation;
        if by.is_some() && by == self.channel.capabilities().inbox && self.people_answer() {
            let to = Address { channel: conversation.channel.clone(), psid: conversation.psid.clone() };
            let work = Work { to, message: None, since: self.now().as_second() };
            let job = self.nobodys_job(JobKind::PassThread, &work, self.now()).await?;
            return Ok(Some(Command::Enqueue(job)));
        }
        let about = format!("request:{}", hex::encode(inbound.key.0));
        self.raise(&conversation.channel, &about, AlarmKind::ThreadRequested).await?;
        Ok(None)
    }

    /// The command by which the conversation goes to people once this message is out and its echo here.
    pub(crate) async fn pass_after(&self, message: MessageId, to: Address) -> Result<Command, FlowError> {
        let work = Work { to, message: Some(message), since: self.now().as_second() };
        let job = self.nobodys_job(JobKind::PassThread, &work, self.after(PASS_LOOK_S)).await?;
        let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        if passing.len() < PASSING_MAX {
            passing.insert(message, Passing { job: job.id, due_at: None });
        }
        Ok(Command::Enqueue(job))
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

    /// Has the jobs done now whose message is out.
    pub(crate) async fn pass_due(&self) {
        let now = self.now();
        let due: Vec<[u8; 16]> = {
            let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
            let ready: Vec<MessageId> = passing
                .iter()
                .filter(|(_, passing)| passing.due_at.is_some_and(|at| at <= now))
                .map(|(message, _)| *message)
                .collect();
            ready.iter().filter_map(|message| passing.remove(message)).map(|passing| passing.job).collect()
        };
        if due.is_empty() {
            return;
        }
        let hasten = due.into_iter().map(|id| Command::HastenJob { id, at: now }).collect();
        // Else it is looked at by itself, half a minute later.
        if let Err(error) = self.store.submit(hasten).await {
            tracing::warn!(%error, "a conversation is passed on a little later");
        }
        self.jobs_filled.notify_one();
    }

    /// Passes a conversation on, once its last message is out.
    pub(crate) async fn pass_thread(&self, job: &Job) -> Result<Step, FlowError> {
        let lost = "the key custody has no key for it, so it is not known which conversation was to go to people: the \
                    custody is older than the job";
        let Work { to, message, since } = match self.open_work(job, lost).await? {
            Ok(work) => work,
            Err(step) => return Ok(step),
        };
        let age_s = self.now().as_second().saturating_sub(since);
        if let Some(message) = message
            && age_s < PASS_LATE_S
            && self.is_unsent(message).await?
        {
            return Ok(Step::Later(self.after(PASS_LOOK_S)));
        }
        let error = match self.channel.pass_to_people(&to).await {
            Ok(()) => {
                let conversation = ConversationId { channel: to.channel, psid: to.psid };
                let elsewhere = Elsewhere { app: None, since: self.now() };
                self.set_owner(&conversation, Some(elsewhere), self.now()).await;
                metrics::counter!("amana_passed_total").increment(1);
                return Ok(Step::Done);
            }
            // Another has it already.
            Err(SendError::NotThreadOwner) => return Ok(Step::Done),
            Err(error) => error,
        };
        tracing::warn!(channel = %to.channel, %error, age_s, "a conversation could not be passed to the inbox");
        // The people in the inbox see the conversation all the same, and take it by answering. A page without routing
        // refuses each time: one alarm a day.
        if matches!(error, SendError::Permanent { .. } | SendError::Unreachable | SendError::WindowClosed) {
            let about = format!("pass:{}", self.now().as_second() / 86_400);
            self.raise(&to.channel, &about, AlarmKind::ThreadRequested).await?;
            return Ok(Step::Done);
        }
        if age_s >= PASS_LATE_S {
            let about = format!("pass:{}", hex::encode(job.id));
            self.raise(&to.channel, &about, AlarmKind::ThreadRequested).await?;
        }
        if age_s >= PASS_GIVE_UP_S {
            return Ok(Step::Done);
        }
        Ok(Step::Later(self.job_backoff(job.attempts)))
    }

    /// Whether a message is still to be sent. While its sending is on record here, it is hastened when it is out.
    /// Another node may be sending it.
    async fn is_unsent(&self, message: MessageId) -> Result<bool, FlowError> {
        if self.passing.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&message) {
            return Ok(true);
        }
        let entry = self.store.outbox_entry(message).await?;
        Ok(entry.is_some_and(|entry| matches!(entry.state, OutboxState::Pending | OutboxState::Sending)))
    }
}
