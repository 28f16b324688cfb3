//! What a platform asks us to forget: a person's data, or our access to them. The platform names people by an id of the
//! app's, which says nothing of a chat; where it tells whose chats those are, everything of them goes at once. A person
//! who is known by a chat alone asks in the chat, or on the privacy page.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::jobs::Step;
use crate::limits::{PLATFORM_GIVE_UP_S, PLATFORM_LATE_S, PLATFORM_UNTOLD_S};
use amana_channel::People;
use amana_core::{Address, ChannelId, ConversationId};
use amana_store::{AlarmKind, Command, Job, JobKind, PlatformRequest, PlatformRequestKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the platform is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformAnswer {
    /// The page on which the person sees what became of it.
    pub url: String,
    /// The code by which it is found there, as hexadecimal digits.
    pub code: String,
}

/// What the job of a request knows. The id is a person's, so it is sealed.
#[derive(Serialize, Deserialize)]
struct Work {
    code: [u8; 16],
    deletion: bool,
    app_scoped: String,
    /// When it came, in Unix seconds.
    since: i64,
    /// The channels of which the platform has not told; before the first answer all. Where it told, it is done, and not
    /// done again to whoever linked anew meanwhile.
    #[serde(default)]
    untold: Option<BTreeSet<ChannelId>>,
}

impl Gateway {
    /// Takes in what the platform asks for in the name of a person, whose id of the app's this is. The request must
    /// have been verified. When it returns, it is durable; a job does it, again and again until it is done
    /// ([`JobKind::PlatformRequest`]): nothing says that a platform that got no answer asks again.
    ///
    /// # Errors
    /// When the store fails: then nothing is on record.
    pub async fn on_platform_request(
        &self,
        kind: PlatformRequestKind,
        app_scoped: &str,
    ) -> Result<PlatformAnswer, LinkError> {
        let code: [u8; 16] = self.entropy.array();
        let now = self.now();
        let work = Work {
            code,
            deletion: kind == PlatformRequestKind::Deletion,
            app_scoped: app_scoped.to_owned(),
            since: now.as_second(),
            untold: None,
        };
        let job = self.nobodys_job(JobKind::PlatformRequest, &work, now).await?;
        let request = PlatformRequest { code, kind, chats: 0, untold: 0, at: now, done_at: None };
        self.store.submit(vec![Command::PutPlatformRequest(request), Command::Enqueue(job)]).await?;
        self.jobs_filled.notify_one();
        metrics::counter!("amana_platform_requests_total").increment(1);
        let code = hex::encode(code);
        let url =
            self.page(&format!("privacy/deletion/{code}")).map_or_else(String::new, |url| url.to_string());
        Ok(PlatformAnswer { url, code })
    }

    /// Does what a platform asked for, as far as it goes.
    pub(crate) async fn do_platform_request(&self, job: &Job) -> Result<Step, LinkError> {
        let lost = "the key custody has no key for it, so it is not known whose data a platform wants deleted: the \
                    custody is older than the job";
        let work: Work = match self.open_work(job, lost).await? {
            Ok(work) => work,
            Err(step) => return Ok(step),
        };
        let done = self.advance(job, &work).await;
        let age_s = self.now().as_second().saturating_sub(work.since);
        if let Err(error) = &done
            && age_s >= PLATFORM_LATE_S
        {
            tracing::warn!(%error, "what a platform asked for in a person's name is not done yet");
            let about = format!("deletion-late:{}", hex::encode(work.code));
            for channel in self.channels.keys() {
                self.raise(channel, &about, AlarmKind::DeletionLate).await?;
            }
        }
        done
    }

    async fn advance(&self, job: &Job, work: &Work) -> Result<Step, LinkError> {
        let People { known, untold } =
            self.channel.people(&work.app_scoped).await.map_err(|error| LinkError::Platform(error.into()))?;
        let kind =
            if work.deletion { PlatformRequestKind::Deletion } else { PlatformRequestKind::Deauthorisation };
        let wanted = |channel: &ChannelId| work.untold.as_ref().is_none_or(|left| left.contains(channel));
        let mut chats = 0;
        for chat in known.iter().filter(|chat| wanted(&chat.channel)) {
            self.forget_chat(kind, chat).await?;
            chats += 1;
        }
        let untold: BTreeSet<ChannelId> = untold.into_iter().filter(|channel| wanted(channel)).collect();
        let (code, now) = (hex::encode(work.code), self.now());
        // The page says so to the person, who can do it in the chat at once; an alarm to the operator, who may have a
        // permission to mend: then it is still done.
        for channel in &untold {
            self.raise(channel, &format!("{}:{code}", kind.as_str()), AlarmKind::DeletionUntold).await?;
        }
        let note = Command::NotePlatformRequest {
            code: work.code,
            chats,
            untold: u32::try_from(untold.len()).unwrap_or(u32::MAX),
            done_at: untold.is_empty().then_some(now),
        };
        let age_s = now.as_second().saturating_sub(work.since);
        if untold.is_empty() || age_s >= PLATFORM_GIVE_UP_S {
            return Ok(Step::DoneWith(vec![note]));
        }
        let left = Work { app_scoped: work.app_scoped.clone(), untold: Some(untold), ..*work };
        let body = self.seal_work(job.id, &left).await?;
        Ok(Step::GoOn(self.after_about(PLATFORM_UNTOLD_S), body, vec![note]))
    }

    /// What became of a request, by the code of its page.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn platform_request(&self, code: &str) -> Result<Option<PlatformRequest>, FlowError> {
        let mut bytes = [0; 16];
        if hex::decode_to_slice(code, &mut bytes).is_err() {
            return Ok(None);
        }
        Ok(self.store.platform_request(&bytes).await?)
    }

    /// The command that leaves nothing of a chat; with what is still to be sent, too (`unsent`).
    pub(crate) fn forget_command(&self, chat: &ConversationId, unsent: bool) -> Command {
        let (conversation, lane) = (chat.clone(), self.lane_of_conversation(chat));
        Command::ForgetChat { conversation, lane, unsent }
    }

    async fn forget_chat(&self, kind: PlatformRequestKind, chat: &Address) -> Result<(), LinkError> {
        let conversation = ConversationId { channel: chat.channel.clone(), psid: chat.psid.clone() };
        match kind {
            // Nothing may flow any more; what was proved stays, as the customer's own.
            PlatformRequestKind::Deauthorisation => {
                let commands = self.end_links(&conversation).await?;
                if !commands.is_empty() {
                    self.store.submit(commands).await?;
                }
            }
            PlatformRequestKind::Deletion => {
                let customers: BTreeSet<_> = self
                    .store
                    .links_ever(&conversation)
                    .await?
                    .iter()
                    .filter(|link| link.was_confirmed())
                    .map(|link| link.customer)
                    .collect();
                let stranger = customers.is_empty();
                for customer in customers {
                    self.erase_customer(customer).await?;
                }
                // A customer's erasure is told in their chat, and then nothing is left of that either. Of a chat that
                // was never linked everything goes now.
                let forget = self.forget_command(&conversation, stranger);
                self.store.submit(vec![forget]).await?;
            }
        }
        Ok(())
    }
}
