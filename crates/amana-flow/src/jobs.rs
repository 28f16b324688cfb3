//! The durable queue of things that must be done later, whatever happens meanwhile: telling a bank that a grant is
//! taken back, ending a link whose consent is over.

use crate::error::FlowError;
use crate::gateway::{Gateway, shard_context};
use crate::grant_look::Looks;
use crate::limits::{
    CONFLICT_TRIES, JOB_ATTEMPTS_MAX, JOBS_AT_ONCE_MAX, POLL_EVERY, POLL_TIME, REMIND_DAYS_BEFORE,
    REMIND_DAYS_BEFORE_TOKENS_END, REMIND_LOOK_S, SHARED_GRANT_WAIT_S, STORE_PAUSE,
};
use amana_bank::{Actor, Doubt, TakenBack, Tokens};
use amana_core::{
    Consent, ConsentEnd, Content, CustomerId, InstitutionId, LinkId, MessageId, Rich, Shard, Timestamp,
};
use amana_gate::ReceiptDraft;
use amana_render::messenger::utility;
use amana_store::{
    Command, Job, JobKind, JobOutcome, JobWork, Link, LinkState, OutboxState, Outcome, SubmitError,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// What a bank is told: the tokens and the consent to take back. It is kept under a key of its own, not the customer's:
/// it must still be possible when the customer's key is gone, and must be gone when it is done.
#[derive(Serialize, Deserialize)]
struct Revocation {
    institution: InstitutionId,
    tokens: Vec<u8>,
    bank_consent: Option<String>,
    why: ConsentEnd,
}

/// A grant that is to be taken back, and why.
pub(crate) struct TakenBackGrant<'a> {
    /// As they are stored.
    pub(crate) tokens: &'a [u8],
    /// The bank's id of it.
    pub(crate) bank_consent: Option<&'a str>,
    /// What became of the consent that it was for.
    pub(crate) why: ConsentEnd,
}

/// How far a job came.
pub(crate) enum Step {
    Done,
    /// Done, with what becomes durable together with its end.
    DoneWith(Vec<Command>),
    Later(Timestamp),
    /// It goes on at that time with this body; what becomes durable together with it.
    GoOn(Timestamp, Vec<u8>, Vec<Command>),
    /// It can never be done, and somebody must know: why.
    Never(&'static str),
}

/// Whether a grant at the bank is still needed by another link.
enum Shared {
    No,
    Yes,
    Perhaps,
}

/// In the body of a reminder, in place of the message: the platform did not take the approved text.
const REFUSED: [u8; 1] = [0];

impl Gateway {
    /// A job that takes a bank's grant back, due at `due_at`: its id, and the command that puts it into the queue.
    pub(crate) async fn revocation(
        &self,
        (shard, customer): (Shard, CustomerId),
        institution: &InstitutionId,
        TakenBackGrant { tokens, bank_consent, why }: TakenBackGrant<'_>,
        due_at: Timestamp,
    ) -> Result<([u8; 16], Command), FlowError> {
        let id: [u8; 16] = self.entropy.array();
        let work = Revocation {
            institution: institution.clone(),
            tokens: tokens.to_vec(),
            bank_consent: bank_consent.map(str::to_owned),
            why,
        };
        let work = serde_json::to_vec(&work).map_err(|_| FlowError::Unreadable("job"))?;
        let work = Zeroizing::new(work);
        let body = self.store.seal_job(id, &shard_context("job", shard, &id), &work, self.now()).await?;
        let kind = JobKind::RevokeAtBank;
        Ok((id, Command::Enqueue(Job { id, shard, customer, kind, body, due_at, attempts: 0 })))
    }

    /// A job that ends a link at `due_at`, unless there is a good reason for it by then.
    pub(crate) fn ending(
        &self,
        shard: Shard,
        customer: CustomerId,
        link: LinkId,
        due_at: Timestamp,
    ) -> Command {
        let body = link.as_bytes().to_vec();
        let kind = JobKind::EndLink;
        Command::Enqueue(Job { id: self.entropy.array(), shard, customer, kind, body, due_at, attempts: 0 })
    }

    /// A job of nobody's, with what it needs sealed under a key of its own.
    pub(crate) async fn nobodys_job<T: Serialize>(
        &self,
        kind: JobKind,
        work: &T,
        due_at: Timestamp,
    ) -> Result<Job, FlowError> {
        let id: [u8; 16] = self.entropy.array();
        let body = self.seal_work(id, work).await?;
        let customer = CustomerId::from_bytes([0; 16]);
        Ok(Job { id, shard: Shard(0), customer, kind, body, due_at, attempts: 0 })
    }

    /// What such a job needs, sealed.
    pub(crate) async fn seal_work<T: Serialize>(&self, id: [u8; 16], work: &T) -> Result<Vec<u8>, FlowError> {
        let plain = Zeroizing::new(serde_json::to_vec(work).map_err(|_| FlowError::Unreadable("job"))?);
        Ok(self.store.seal_job(id, &shard_context("job", Shard(0), &id), &plain, self.now()).await?)
    }

    /// What such a job needs; the step that is left where it does not open any more, with `lost` for why.
    pub(crate) async fn open_work<T: DeserializeOwned>(
        &self,
        job: &Job,
        lost: &'static str,
    ) -> Result<Result<T, Step>, FlowError> {
        let context = shard_context("job", job.shard, &job.id);
        match self.store.open_job(job.id, &context, &job.body).await? {
            JobWork::Open(plain) => {
                let plain = Zeroizing::new(plain);
                Ok(Ok(serde_json::from_slice(&plain).map_err(|_| FlowError::Unreadable("job"))?))
            }
            // Done before, and back from a copy of the database.
            JobWork::Over => Ok(Err(Step::Done)),
            JobWork::Lost => Ok(Err(Step::Never(lost))),
        }
    }

    /// Works until the token is cancelled.
    pub async fn run_jobs(self: Arc<Self>, stop: CancellationToken) {
        let mut jobs = JoinSet::new();
        let mut busy: HashMap<Id, [u8; 16]> = HashMap::new();
        let looking = tokio::spawn(self.clone().run_looks(Looks::Grants, stop.clone()));
        let polling = tokio::spawn(self.clone().run_looks(Looks::News, stop.clone()));
        let owners = tokio::spawn(self.clone().run_owners(stop.clone()));
        let watching = tokio::spawn(self.clone().run_watch(stop.clone()));
        let keeping = tokio::spawn(self.clone().run_retention(stop.clone()));
        if let Err(error) = self.look_after_subscriptions().await {
            tracing::warn!(%error, "subscriptions to banks' notifications could not be looked after");
        }
        loop {
            if !stop.is_cancelled()
                && let Err(error) = self.tell_news().await
            {
                tracing::warn!(%error, "what waits for customers who are back could not be looked through");
            }
            if busy.len() < JOBS_AT_ONCE_MAX && !stop.is_cancelled() {
                let due =
                    self.store.jobs_due(self.now(), JOBS_AT_ONCE_MAX * 2).await.unwrap_or_else(|error| {
                        tracing::error!(%error, "cannot read the jobs");
                        Vec::new()
                    });
                for job in due {
                    if busy.len() < JOBS_AT_ONCE_MAX && !busy.values().any(|id| *id == job.id) {
                        let Some(inside) = self.shards.enter(job.shard) else { continue };
                        let (gateway, id) = (self.clone(), job.id);
                        let task = jobs
                            .spawn(async move {
                                gateway.work_job(job).await;
                                drop(inside);
                            })
                            .id();
                        busy.insert(task, id);
                    }
                }
            }
            if stop.is_cancelled() && jobs.is_empty() {
                let _ = looking.await;
                let _ = polling.await;
                let _ = owners.await;
                let _ = watching.await;
                let _ = keeping.await;
                return;
            }
            tokio::select! {
                Some(done) = jobs.join_next_with_id(), if !jobs.is_empty() => {
                    let task = done.map_or_else(|error| error.id(), |(id, ())| id);
                    busy.remove(&task);
                }
                () = self.jobs_filled.notified() => {}
                () = tokio::time::sleep(POLL_EVERY) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    pub(crate) async fn work_job(&self, job: Job) {
        let _working = Working::of(&self.working, job.id);
        self.work_on(job).await;
    }

    async fn work_on(&self, job: Job) {
        let (id, attempts) = (job.id, job.attempts);
        let mut commands = Vec::new();
        let outcome = match self.do_job(&job).await {
            Ok(Step::GoOn(at, body, effects)) => return self.go_on(&job, at, body, effects).await,
            Ok(Step::Done) => JobOutcome::Done,
            Ok(Step::DoneWith(effects)) => {
                commands = effects;
                JobOutcome::Done
            }
            Ok(Step::Later(at)) => JobOutcome::Retry { at },
            Ok(Step::Never(why)) => {
                tracing::error!(job = hex::encode(id), why, "a job is put aside");
                JobOutcome::Dead
            }
            Err(why) if attempts < JOB_ATTEMPTS_MAX => {
                tracing::warn!(job = hex::encode(id), why, attempts, "a job is put off");
                JobOutcome::Retry { at: self.job_backoff(attempts) }
            }
            Err(why) => {
                tracing::error!(job = hex::encode(id), why, "a job is put aside");
                JobOutcome::Dead
            }
        };
        commands.push(Command::FinishJob { id, outcome });
        match self.store.submit(commands).await {
            // A conflict: it was cancelled meanwhile.
            Ok(_) | Err(SubmitError::Conflict { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, "a job's end could not be stored; it will be done again");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
        self.outbox_filled.notify_one();
    }

    async fn go_on(&self, job: &Job, at: Timestamp, body: Vec<u8>, mut commands: Vec<Command>) {
        let taken_in = !commands.is_empty();
        commands.push(Command::ContinueJob { id: job.id, was: job.due_at, at, body });
        match self.store.submit(commands).await {
            Ok(_) | Err(SubmitError::Conflict { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, "what a job found could not be stored; it will be done again");
                // It asks a bank: not in a circle with a store that can only be read.
                tokio::time::sleep(POLL_TIME).await;
            }
        }
        if taken_in {
            self.bank_filled.notify_one();
            self.outbox_filled.notify_one();
        }
    }

    async fn do_job(&self, job: &Job) -> Result<Step, String> {
        match job.kind {
            JobKind::RevokeAtBank => self.revoke_at_bank(job).await,
            JobKind::Erase => self.erase_by_job(job).await.map(|()| Step::Done).map_err(|e| e.to_string()),
            JobKind::EndLink => self.end_if_over(job).await.map(|()| Step::Done).map_err(|e| e.to_string()),
            JobKind::RemindConsent => self.remind(job).await.map_err(|e| e.to_string()),
            JobKind::LookAtGrant => self.look(job).await.map_err(|e| e.to_string()),
            JobKind::Poll => self.poll(job).await.map_err(|e| e.to_string()),
            JobKind::TellEnded => self.tell_ended(job).await.map_err(|e| e.to_string()),
            JobKind::ForgetSaid => self.forget_said(job).await.map_err(|e| e.to_string()),
            JobKind::Subscriptions => self.subscriptions(job).await.map_err(|e| e.to_string()),
            JobKind::PassThread => self.pass_thread(job).await.map_err(|e| e.to_string()),
            JobKind::CatchUp => self.do_catch_up(job).await.map_err(|e| e.to_string()),
            JobKind::PlatformRequest => self.do_platform_request(job).await.map_err(|e| e.to_string()),
        }
    }

    async fn revoke_at_bank(&self, job: &Job) -> Result<Step, String> {
        let context = shard_context("job", job.shard, &job.id);
        let opened = self.store.open_job(job.id, &context, &job.body).await.map_err(|e| e.to_string())?;
        let plain = match opened {
            JobWork::Open(plain) => Zeroizing::new(plain),
            // Done before, and back from a copy of the database.
            JobWork::Over => return Ok(Step::Done),
            JobWork::Lost => {
                return Ok(Step::Never(
                    "the key custody has no key for it, so the bank is not told that a grant is taken back: the custody \
                     is older than the job; the grant must be ended at the bank",
                ));
            }
        };
        let work: Revocation = serde_json::from_slice(&plain).map_err(|_| "unreadable".to_owned())?;
        let tokens = Tokens::from_bytes(&work.tokens).map_err(|e| e.to_string())?;
        let bank = &self.institution(&work.institution).map_err(|e| e.to_string())?.bank;
        match self.shared(job, &work).await.map_err(|e| e.to_string())? {
            Shared::No => {}
            // The same grant lives on under another link, and goes with it. Another person's token is not that grant's,
            // and nobody else's here: it goes now, and it alone.
            Shared::Yes => {
                let others = tokens.refresh.filter(|_| tokens.doubt == Doubt::NotTheirs);
                if let Some(others) = others.filter(|_| tokens.own_refresh.is_some()) {
                    let revoked = bank.revoke_refresh(&others).await;
                    revoked.map_err(|e| e.class.as_str().to_owned())?;
                }
                return Ok(Step::Done);
            }
            Shared::Perhaps => return Ok(Step::Later(self.after(SHARED_GRANT_WAIT_S))),
        }
        let by_customer = work.why == ConsentEnd::Withdrawn;
        // Who waits, waits for the first attempt.
        let waits = by_customer && job.attempts == 0;
        let why = TakenBack { by_customer, actor: if waits { Actor::User } else { Actor::Batch } };
        let revoked = bank.revoke(&tokens, work.bank_consent.as_deref(), why).await;
        revoked.map(|()| Step::Done).map_err(|e| e.class.as_str().to_owned())
    }

    /// Whether another link of the customer lives on the same grant at the bank. The bank's ids of grants say it; where
    /// there are none, the tokens do: other tokens are another grant, unless the profile says that the bank keeps one
    /// grant for a person and an application, so that whoever revokes one of its tokens ends them all.
    async fn shared(&self, job: &Job, work: &Revocation) -> Result<Shared, FlowError> {
        let one_for_all = self.institution(&work.institution).is_ok_and(|i| i.upkeep.one_grant_per_person);
        let mut shared = Shared::No;
        for link in self.store.links_of_customer(job.shard, job.customer).await? {
            if link.institution != work.institution || link.state == LinkState::Ended {
                continue;
            }
            let Some(grant) = self.store.bank_grant(link.shard, link.id).await? else { continue };
            match (&grant.bank_consent, &work.bank_consent) {
                (Some(live), Some(gone)) if live == gone => return Ok(Shared::Yes),
                (Some(_), Some(_)) => {}
                _ if one_for_all => shared = Shared::Perhaps,
                _ if same_grant(&grant.tokens, &work.tokens) => return Ok(Shared::Yes),
                _ => {}
            }
        }
        Ok(shared)
    }

    /// A job that tells the customer before a consent ends that was to be for so many days; none for one that is short.
    pub(crate) fn reminding(&self, shard: Shard, consent: &Consent, days: i64) -> Option<Command> {
        let before =
            |days: u64| consent.expires_at.checked_sub(Duration::from_secs(days.saturating_mul(86_400))).ok();
        let due_at = before(REMIND_DAYS_BEFORE).filter(|due_at| *due_at > consent.granted_at);
        // An end that the customer did not choose is told, however short the time was.
        let life = consent.expires_at.as_second().saturating_sub(consent.granted_at.as_second());
        let bound = life < days.saturating_mul(86_400);
        let due_at = due_at.or_else(|| before(REMIND_DAYS_BEFORE_TOKENS_END).filter(|_| bound))?;
        (due_at > consent.granted_at).then(|| self.reminding_at(shard, consent, due_at))
    }

    /// A job that tells the customer when the consent ends, thirty days before or at `soonest`, whichever is later. It
    /// says of which end it tells: if another one holds by then, another job tells of that.
    pub(crate) fn reminding_by(&self, shard: Shard, consent: &Consent, soonest: Timestamp) -> Command {
        let before = Duration::from_secs(REMIND_DAYS_BEFORE.saturating_mul(86_400));
        let due_at = consent.expires_at.checked_sub(before).map_or(soonest, |due| due.max(soonest));
        self.reminding_at(shard, consent, due_at)
    }

    fn reminding_at(&self, shard: Shard, consent: &Consent, due_at: Timestamp) -> Command {
        let ends = consent.expires_at.as_second().to_be_bytes();
        let body = [consent.link.as_bytes().as_slice(), &ends].concat();
        let (id, kind, customer) = (self.entropy.array(), JobKind::RemindConsent, consent.customer);
        Command::Enqueue(Job { id, shard, customer, kind, body, due_at, attempts: 0 })
    }

    /// Tells the customer, once, that what they allow ends soon. While the chat's window is closed it is a text that
    /// the platform approved; where there is none, or the platform did not take it, it waits for the window: a message
    /// that is held would be too old after three days.
    async fn remind(&self, job: &Job) -> Result<Step, FlowError> {
        let Some((link, rest)) = job.body.split_first_chunk::<16>() else { return Ok(Step::Done) };
        let Some((ends, told)) = rest.split_first_chunk::<8>() else { return Ok(Step::Done) };
        if let Ok(message) = <[u8; 16]>::try_from(told) {
            let Some(entry) = self.store.outbox_entry(MessageId::from_bytes(message)).await? else {
                // Cleared away since: it is long over.
                return Ok(Step::Done);
            };
            match entry.state {
                // It may have arrived, and it is said once.
                OutboxState::Dead | OutboxState::Denied if entry.doubtful => return Ok(Step::Done),
                // Written down: the message itself may be cleared away before the window opens.
                OutboxState::Dead | OutboxState::Denied => {
                    let body = [link.as_slice(), ends, &REFUSED].concat();
                    return Ok(Step::GoOn(self.now(), body, Vec::new()));
                }
                OutboxState::Sent => return Ok(Step::Done),
                _ => return Ok(Step::Later(self.after(REMIND_LOOK_S))),
            }
        }
        let refused = told == REFUSED;
        let Some(link) = self.store.link(job.shard, LinkId::from_bytes(*link)).await? else {
            return Ok(Step::Done);
        };
        let now = self.now();
        let consent = self.store.consent_of_link(link.shard, link.id).await?;
        let tells = |c: &Consent| c.expires_at.as_second().to_be_bytes() == *ends;
        let stands = |c: &Consent| link.state == LinkState::Active && c.in_force(now) && tells(c);
        let Some(consent) = consent.filter(stands) else {
            return Ok(Step::Done);
        };
        if self.is_once(&link).await? {
            return Ok(Step::Done);
        }
        let conversation = link.conversation();
        let person = self.store.conversation(&conversation).await?;
        let last_inbound = person.as_ref().and_then(|person| person.last_inbound_at);
        let elsewhere = self.is_elsewhere(person.as_ref());
        let lang = person.map_or(consent.lang, |person| person.lang);
        let bank = self.institution(&link.institution)?.name_in(lang);
        if !self.channel.window().is_open(last_inbound, now) {
            let look = self.after(REMIND_LOOK_S);
            let outside = self.channel.encoding_outside().filter(|_| !refused && !elsewhere);
            let Some(encoding) = outside else { return Ok(Step::Later(look)) };
            if !self.is_approved(&link.channel, utility::ENDS, lang).await? {
                return Ok(Step::Later(look));
            }
            let form = utility::ends(lang, bank, consent.expires_at, now);
            let content = Content { rich: Some(Rich::Approved(form)), ..Content::default() };
            let said = self.say_as(&link, &content, encoding).await?;
            let Command::Disclose { disclosure, .. } = &said else { return Ok(Step::Later(look)) };
            // The job stays until the platform has it.
            let body = [job.body.as_slice(), disclosure.row.message.as_bytes()].concat();
            return Ok(Step::GoOn(look, body, vec![said]));
        }
        let (renew, token) = self.reminders_link(&link, consent.expires_at);
        let content = amana_chat::plain::ends_soon(lang, bank, consent.expires_at, now, &renew);
        Ok(Step::DoneWith(vec![token, self.say_of(&link, &content, false).await?]))
    }

    /// The job that removes what was said under a link, a while after its end.
    pub(crate) fn forgetting(&self, link: &Link, now: Timestamp) -> Command {
        let days = self.store.retention().ended_message_days;
        let due_at =
            now.saturating_add(jiff::SignedDuration::from_hours(days.saturating_mul(24))).unwrap_or(now);
        let (id, kind, body) = (self.entropy.array(), JobKind::ForgetSaid, link.id.as_bytes().to_vec());
        let (shard, customer) = (link.shard, link.customer);
        Command::Enqueue(Job { id, shard, customer, kind, body, due_at, attempts: 0 })
    }

    async fn forget_said(&self, job: &Job) -> Result<Step, FlowError> {
        let Ok(link) = <[u8; 16]>::try_from(job.body.as_slice()) else { return Ok(Step::Done) };
        let (shard, customer, link) = (job.shard, job.customer, LinkId::from_bytes(link));
        let Some(ended) = self.store.link(shard, link).await? else { return Ok(Step::Done) };
        // That it cannot be read is no reason to keep what was said under it.
        let consent = match self.store.consent_of_link(shard, link).await {
            Err(error) if error.is_damage() => None,
            consent => consent?,
        };
        loop {
            let at = self.now();
            let receipt = ReceiptDraft::of_deletion(&ended.institution, consent.as_ref(), at);
            let step = Command::ForgetSaid { shard, customer, link, at, receipt };
            match self.store.submit(vec![step]).await {
                Ok(outcomes) if outcomes == [Outcome::Changed] => {}
                // With a conflict an erasure is under way, which takes all of it.
                Ok(_) | Err(SubmitError::Conflict { .. }) => return Ok(Step::Done),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends a link whose consent is over, or which the platform never confirmed. Does nothing if all is well.
    async fn end_if_over(&self, job: &Job) -> Result<(), FlowError> {
        let Ok(link) = <[u8; 16]>::try_from(job.body.as_slice()) else { return Ok(()) };
        let link = LinkId::from_bytes(link);
        for attempt in 1.. {
            let Some(link) = self.store.link(job.shard, link).await? else { return Ok(()) };
            let now = self.now();
            let consent = self.store.consent_of_link(job.shard, link.id).await?;
            let good = link.state == LinkState::Active && consent.as_ref().is_some_and(|c| c.in_force(now));
            if good || link.state == LinkState::Ended {
                return Ok(());
            }
            let over = consent.as_ref().is_some_and(|c| now >= c.expires_at);
            let why = if over { ConsentEnd::Expired } else { ConsentEnd::Unconfirmed };
            let mut commands = self.end_link(&link, why, now).await?;
            commands.extend(self.telling_ended(&link, why, now).await?);
            match self.store.submit(commands).await {
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => {
                    result?;
                    self.outbox_filled.notify_one();
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Whether two sets of tokens are one grant's: the same refresh token, or without any the same access token. What
/// cannot be read is nobody's.
fn same_grant(one: &[u8], other: &[u8]) -> bool {
    let (Ok(one), Ok(other)) = (Tokens::from_bytes(one), Tokens::from_bytes(other)) else { return false };
    match (&one.refresh, &other.refresh) {
        (None, None) => one.access == other.access,
        (one, other) => one == other,
    }
}

/// A job that is being worked on, until this is dropped, by a panic, too.
struct Working<'a>(&'a Mutex<HashSet<[u8; 16]>>, [u8; 16]);

impl<'a> Working<'a> {
    fn of(all: &'a Mutex<HashSet<[u8; 16]>>, job: [u8; 16]) -> Self {
        all.lock().unwrap_or_else(PoisonError::into_inner).insert(job);
        Self(all, job)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}
