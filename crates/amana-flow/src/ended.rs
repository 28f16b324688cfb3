//! Telling a customer that a consent has ended without them: its time was over, or it was taken back at the bank. Once,
//! in the chat, while the platform lets us write there.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::jobs::Step;
use crate::limits::{ENDED_TOLD_S, REMIND_LOOK_S};
use amana_core::{ConsentEnd, Lang, LinkId, Timestamp};
use amana_store::{Command, Job, JobKind, Link, LinkState};

/// How a job's body says why; what the customer did is not told to the customer.
fn code(why: ConsentEnd) -> Option<u8> {
    match why {
        ConsentEnd::Expired => Some(0),
        ConsentEnd::AtBank => Some(1),
        ConsentEnd::Withdrawn | ConsentEnd::Replaced | ConsentEnd::Renewed | ConsentEnd::Unconfirmed => None,
    }
}

impl Gateway {
    /// What goes into the commit that ends a link: the message, if the chat's window is open, or else the job that
    /// waits for it. (A message that is held is over after three days.)
    pub(crate) async fn telling_ended(
        &self,
        link: &Link,
        why: ConsentEnd,
        now: Timestamp,
    ) -> Result<Vec<Command>, FlowError> {
        let Some(code) = code(why).filter(|_| link.state == LinkState::Active) else { return Ok(Vec::new()) };
        let person = self.store.conversation(&link.conversation()).await?;
        if self.channel.window().is_open(person.and_then(|person| person.last_inbound_at), now) {
            return self.say_ended(link, why).await;
        }
        let body = [link.id.as_bytes().as_slice(), &[code]].concat();
        Ok(vec![Command::Enqueue(Job {
            id: crate::poll::job_id(b"tell that it has ended", link.id.as_bytes()),
            shard: link.shard,
            customer: link.customer,
            kind: JobKind::TellEnded,
            body,
            due_at: self.after(REMIND_LOOK_S),
            attempts: 0,
        })])
    }

    async fn say_ended(&self, link: &Link, why: ConsentEnd) -> Result<Vec<Command>, FlowError> {
        let conversation = link.conversation();
        let consent = self.store.consent_of_link(link.shard, link.id).await?;
        let person = self.store.conversation(&conversation).await?;
        let lang = person.map(|person| person.lang).or(consent.as_ref().map(|consent| consent.lang));
        let lang: Lang = lang.unwrap_or_default();
        let bank = self.institution(&link.institution)?.name_in(lang);
        match (why, consent) {
            (ConsentEnd::Expired, Some(consent)) => {
                let (renew, token) = self.reminders_link(link, consent.expires_at);
                let content = amana_chat::plain::ended_by_time(lang, bank, &renew);
                let content = self.and_there(content, std::iter::once(&link.institution), lang);
                Ok(vec![token, self.say_of(link, &content, false).await?])
            }
            _ => {
                let content = amana_chat::plain::ended_at_bank(lang, bank);
                Ok(vec![self.say_of(link, &content, false).await?])
            }
        }
    }

    /// One look whether the customer can be told. Who has linked the bank again meanwhile knows.
    pub(crate) async fn tell_ended(&self, job: &Job) -> Result<Step, FlowError> {
        let Some((id, code)) = job.body.split_first_chunk::<16>() else { return Ok(Step::Done) };
        let why = if code == [0] { ConsentEnd::Expired } else { ConsentEnd::AtBank };
        let Some(link) = self.store.link(job.shard, LinkId::from_bytes(*id)).await? else {
            return Ok(Step::Done);
        };
        let (now, conversation) = (self.now(), link.conversation());
        let ended = link.ended_at.unwrap_or(now).as_second();
        let linked = self.store.links_of_conversation(&conversation).await?;
        let again = linked.iter().any(|other| other.institution == link.institution);
        if again || now.as_second().saturating_sub(ended) > ENDED_TOLD_S {
            return Ok(Step::Done);
        }
        let person = self.store.conversation(&conversation).await?;
        if !self.channel.window().is_open(person.and_then(|person| person.last_inbound_at), now) {
            return Ok(Step::Later(self.after(REMIND_LOOK_S)));
        }
        Ok(Step::DoneWith(self.say_ended(&link, why).await?))
    }
}
