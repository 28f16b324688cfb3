//! The bank has the last word on a grant: each link's is looked at once in a cycle, and what is over there is over
//! here.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::jobs::Step;
use crate::limits::{
    CONFLICT_TRIES, GRANT_ASK_TIME, GRANT_LOOK_AGAIN_S, GRANT_LOOK_S, GRANT_LOOK_TIME,
    GRANT_LOOKS_AT_ONCE_MAX, GRANT_REST_S, LOOK_GIVES_WAY_S, LOOKS_DUE_MAX, LOOKS_KEPT_FREE,
    LOOKS_OF_ONE_BANK_MAX, POLL_EVERY, POLLS_AT_ONCE_MAX,
};
use amana_bank::{Actor, BankError, BankErrorClass, GrantState, GrantStatus, Once, Tokens, UNANSWERED};
use amana_core::{
    AccountId, Cluster, Clusters, ConsentEnd, ConsentState, CustomerId, InstitutionId, LinkId, Shard,
    Timestamp,
};
use amana_gate::Subject;
use amana_store::{Command, Job, JobKind, Link, LinkState, SubmitError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

/// How a grant stands at the bank.
enum Stands {
    /// As ours does.
    Good,
    /// The bank does not say; when the tokens end that keep it up, if that is before ours does.
    Unsaid(Option<Timestamp>),
    /// It is over, and why.
    Over(ConsentEnd),
    /// It is less than ours: it holds this, if it does not hold all of ours, or lasts less long, if it ends before.
    Less { held: Option<Held>, ends: Option<Timestamp> },
}

/// What becomes of a consent whose grant is less at the bank.
pub(crate) enum Narrowed {
    /// Nothing: it is no more than that, or over.
    Same,
    /// It ends, and why.
    Over(ConsentEnd),
    /// It goes on with what is left, by these commands.
    Less(Vec<Command>),
}

/// What a grant holds at the bank.
pub(crate) struct Held {
    accounts: BTreeSet<AccountId>,
    /// Of an account that is not here the bank does not say what kinds of data.
    clusters: BTreeMap<AccountId, Clusters>,
}

impl Held {
    /// Whether a purpose that needs these kinds of data of an account can go on. Only the data itself counts: the
    /// account's name comes with either.
    fn keeps(&self, account: &AccountId, wanted: Clusters) -> bool {
        let data = wanted.intersection(Clusters::of(&[Cluster::Balances, Cluster::Transactions]));
        let all = |held: &Clusters| held.covers(data);
        self.accounts.contains(account) && self.clusters.get(account).is_none_or(all)
    }
}

/// How a bank fails while nobody waits.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    /// The link for which it failed last, since it last answered.
    link: Option<LinkId>,
    /// Until when it is left alone.
    rests_until: Option<Timestamp>,
}

/// What is asked of banks while nobody waits; each has a queue and slots of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    /// How grants stand.
    Grants,
    /// What has come about.
    News,
}

/// The id of a link's look: it has one, which can be hastened.
pub(crate) fn look_id(link: LinkId) -> [u8; 16] {
    crate::poll::job_id(b"look at grant", link.as_bytes())
}

/// The body of a link's look: the link, and a byte more while the bank's publisher says that its grant is over and
/// nothing has contradicted it, so that the word outlives the process that heard it.
pub(crate) fn look_body(link: LinkId, called_over: bool) -> Vec<u8> {
    let mut body = link.as_bytes().to_vec();
    body.extend(called_over.then_some(CALLED_OVER));
    body
}

/// What follows the link in the body of its look.
const CALLED_OVER: u8 = 1;

/// The slots for looks, of either kind.
struct Slots {
    most: usize,
    /// Whether there is one bank only: then all of them are its.
    only_one: bool,
}

impl Slots {
    /// Whether a bank that `has` so many of the `busy` ones may have another.
    fn are_free(&self, busy: usize, has: usize) -> bool {
        let of_one = has < LOOKS_OF_ONE_BANK_MAX && busy.saturating_add(LOOKS_KEPT_FREE) < self.most;
        busy < self.most && (self.only_one || has == 0 || of_one)
    }
}

impl Gateway {
    /// Whose bank a look, or a poll, asks. One whose link is gone asks none: it comes to its end as any does.
    async fn bank_of(&self, job: &Job) -> Option<InstitutionId> {
        let nobody = || InstitutionId::new("none").ok();
        let Some((link, _)) = job.body.split_first_chunk::<16>() else { return nobody() };
        match self.store.link(job.shard, LinkId::from_bytes(*link)).await {
            Ok(Some(link)) => Some(link.institution),
            Ok(None) => nobody(),
            Err(error) => {
                tracing::error!(%error, "cannot read whose bank is to be looked at");
                None
            }
        }
    }

    /// Puts looks of banks that have their share off for a moment, so that those of others are seen behind them.
    async fn give_way(&self, jobs: Vec<Job>) {
        let later = jobs.into_iter().map(|job| {
            let at = self.after_about(LOOK_GIVES_WAY_S);
            self.store.submit(vec![Command::ContinueJob { id: job.id, was: job.due_at, at, body: job.body }])
        });
        // One that was hastened or ended meanwhile is left as it is.
        for result in futures_util::future::join_all(later).await {
            if let Err(error) = result
                && !matches!(error, SubmitError::Conflict { .. })
            {
                tracing::warn!(%error, "a look could not be put off");
            }
        }
    }

    /// The job that asks the bank, a cycle from now and then each cycle, how a link's grant stands.
    pub(crate) fn look_at_grant(&self, shard: Shard, customer: CustomerId, link: LinkId) -> Command {
        let (body, kind) = (look_body(link, false), JobKind::LookAtGrant);
        let (id, due_at) = (look_id(link), self.after_about(GRANT_LOOK_S));
        Command::Enqueue(Job { id, shard, customer, kind, body, due_at, attempts: 0 })
    }

    /// Looks until the token is cancelled, a few at a time.
    pub(crate) async fn run_looks(self: Arc<Self>, what: Looks, stop: CancellationToken) {
        let most = match what {
            Looks::Grants => GRANT_LOOKS_AT_ONCE_MAX,
            Looks::News => POLLS_AT_ONCE_MAX,
        };
        let slots = Slots { most, only_one: self.institutions.len() < 2 };
        let mut looks = JoinSet::new();
        let mut busy: HashMap<Id, ([u8; 16], InstitutionId)> = HashMap::new();
        loop {
            if busy.len() < most && !stop.is_cancelled() {
                let due = match what {
                    Looks::Grants => self.store.grant_looks_due(self.now(), LOOKS_DUE_MAX).await,
                    Looks::News => self.store.polls_due(self.now(), LOOKS_DUE_MAX).await,
                };
                let due = due.unwrap_or_else(|error| {
                    tracing::error!(%error, ?what, "cannot read what is to be looked at");
                    Vec::new()
                });
                // Perhaps those of other banks stand behind these.
                let more = due.len() == LOOKS_DUE_MAX;
                let mut giving_way = Vec::new();
                for job in due {
                    if busy.len() >= most || busy.values().any(|(id, _)| *id == job.id) {
                        continue;
                    }
                    let Some(bank) = self.bank_of(&job).await else { continue };
                    let has = busy.values().filter(|(_, at)| *at == bank).count();
                    if slots.are_free(busy.len(), has) {
                        let Some(inside) = self.shards.enter(job.shard) else { continue };
                        let (gateway, id) = (self.clone(), job.id);
                        let task = looks
                            .spawn(async move {
                                gateway.work_job(job).await;
                                drop(inside);
                            })
                            .id();
                        busy.insert(task, (id, bank));
                    } else if more {
                        giving_way.push(job);
                    }
                }
                self.give_way(giving_way).await;
            }
            if stop.is_cancelled() && looks.is_empty() {
                return;
            }
            tokio::select! {
                Some(done) = looks.join_next_with_id(), if !looks.is_empty() => {
                    let task = done.map_or_else(|error| error.id(), |(id, ())| id);
                    busy.remove(&task);
                }
                () = tokio::time::sleep(POLL_EVERY) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// One look. Whatever the bank answers, there is a next one, unless the link is over.
    pub(crate) async fn look(&self, job: &Job) -> Result<Step, FlowError> {
        let Some((link, word)) = job.body.split_first_chunk::<16>() else { return Ok(Step::Done) };
        let id = LinkId::from_bytes(*link);
        let Some(link) = self.store.link(job.shard, id).await? else {
            return Ok(Step::Done);
        };
        if link.state == LinkState::Ended {
            return Ok(Step::Done);
        }
        if self.institution(&link.institution).is_err() {
            return Ok(Step::GoOn(self.after_about(GRANT_LOOK_S), job.body.clone(), Vec::new()));
        }
        // A word that was heard is over with this look, whatever the bank says.
        let in_s = |seconds| Ok(Step::GoOn(self.after_about(seconds), look_body(id, false), Vec::new()));
        // The publisher's signed word, and nothing from the bank that contradicts it: to stop, it is enough.
        let called_over = word == [CALLED_OVER];
        if self.rests(&link.institution) && !called_over {
            return in_s(GRANT_LOOK_AGAIN_S);
        }
        let stands = tokio::time::timeout(GRANT_LOOK_TIME, self.stands_at_bank(&link)).await;
        let over = match stands {
            Ok(Ok(Stands::Over(why))) => why,
            Ok(Ok(Stands::Unsaid(_)) | Err(_)) | Err(_) if called_over => {
                tracing::info!(institution = %link.institution, "a bank notifies that a grant is over, and does not \
                    say how it stands: it is taken at its word");
                ConsentEnd::AtBank
            }
            Ok(Ok(Stands::Good | Stands::Unsaid(None))) => return in_s(GRANT_LOOK_S),
            Ok(Ok(Stands::Unsaid(ends))) => {
                self.narrow_as_at_bank(link.clone(), None, ends).await?;
                return in_s(GRANT_LOOK_S);
            }
            Ok(Ok(Stands::Less { held, ends })) => {
                self.narrow_as_at_bank(link.clone(), held.as_ref(), ends).await?;
                return in_s(GRANT_LOOK_S);
            }
            Ok(Err(error)) => {
                tracing::debug!(institution = %link.institution, %error, "how a grant stands is not known");
                if matches!(error.class, BankErrorClass::Retry(_)) {
                    self.failed(&link, error.class);
                    return in_s(GRANT_LOOK_AGAIN_S);
                }
                return in_s(GRANT_LOOK_S);
            }
            Err(_) => {
                tracing::warn!(institution = %link.institution, "a bank does not say in time how a grant stands");
                self.failed(&link, BankErrorClass::Retry(UNANSWERED));
                return in_s(GRANT_LOOK_AGAIN_S);
            }
        };
        self.end_as_at_bank(link, over).await?;
        Ok(Step::Done)
    }

    /// How the grant stands at the bank. Only a clear word counts: the grant's own state, or a refresh token that is
    /// refused. What cannot be asked or understood ends nothing.
    async fn stands_at_bank(&self, link: &Link) -> Result<Stands, BankError> {
        let error = |class| BankError { institution: link.institution.clone(), interaction: None, class };
        let institution = self
            .institution(&link.institution)
            .map_err(|_| error(BankErrorClass::OurRequest("the institution is not configured")))?;
        let Some(tokens) = self.tokens_or_refused(link, None).await? else {
            return Ok(Stands::Over(ConsentEnd::AtBank));
        };
        let stored = self.store.bank_grant(link.shard, link.id).await;
        let stored = stored.map_err(|_| error(BankErrorClass::Retry("the store is away")))?;
        let mut renewed_at = stored.as_ref().map_or(link.created_at, |grant| grant.at);
        let consent = stored.and_then(|grant| grant.bank_consent);
        let subject = Subject { institution: link.institution.clone(), customer: link.customer };
        let mut state = institution.bank.grant(&tokens, &subject, consent.as_deref()).await;
        let mut tokens = tokens;
        let doubtful = match &state {
            Ok(state) => state.status == GrantStatus::Missing,
            Err(error) => matches!(error.class, BankErrorClass::RelinkNeeded(_)),
        };
        if doubtful {
            let Some(fresh) = self.tokens_or_refused(link, Some(&tokens)).await? else {
                return Ok(Stands::Over(ConsentEnd::AtBank));
            };
            state = institution.bank.grant(&fresh, &subject, consent.as_deref()).await;
            (tokens, renewed_at) = (fresh, self.now());
        }
        let state = match state {
            // What cannot be asked there tells nothing, as where there is nothing to ask.
            Err(error) if !error.class.is_transient() => {
                tracing::debug!(institution = %link.institution, %error, "a bank does not say how a grant stands");
                GrantState::default()
            }
            state => state?,
        };
        self.answered(&link.institution);
        if state.status == GrantStatus::Unknown && tokens.refresh.is_some() {
            // Nothing says how it stands but a renewal. Tokens that live for days would hide for days that it is over.
            let age_s = self.now().as_second().saturating_sub(renewed_at.as_second());
            if age_s >= GRANT_LOOK_AGAIN_S {
                let Some(fresh) = self.tokens_or_refused(link, Some(&tokens)).await? else {
                    return Ok(Stands::Over(ConsentEnd::AtBank));
                };
                tokens = fresh;
            }
        }
        match state.status {
            GrantStatus::Revoked => return Ok(Stands::Over(ConsentEnd::AtBank)),
            GrantStatus::Expired => return Ok(Stands::Over(ConsentEnd::Expired)),
            GrantStatus::Active | GrantStatus::Missing | GrantStatus::Unknown => {}
        }
        let ours = self.store.consent_of_link(link.shard, link.id).await;
        let ours = ours.map_err(|_| error(BankErrorClass::Retry("the store is away")))?;
        let sooner = |ends: &Timestamp| ours.as_ref().is_some_and(|ours| *ends < ours.expires_at);
        // (What is counted anew with each answer differs by seconds: the margin keeps that from being a change.)
        let tokens_end = tokens.refresh_ends.filter(sooner).map(crate::gateway::ends_with_tokens);
        if state.status != GrantStatus::Active {
            return Ok(Stands::Unsaid(tokens_end));
        }
        let ends = state.expires.filter(sooner).into_iter().chain(tokens_end).min();
        let good = || match ends {
            None => Stands::Good,
            ends => Stands::Less { held: None, ends },
        };
        // A grant that names no account says nothing of accounts.
        let held: BTreeSet<AccountId> = state.accounts.unwrap_or_default().into_iter().collect();
        if held.is_empty() {
            return Ok(good());
        }
        let held = Held { accounts: held, clusters: state.clusters };
        let grants = || ours.iter().flat_map(|consent| consent.grants.values());
        if grants().all(|grant| grant.accounts.iter().all(|account| held.keeps(account, grant.clusters))) {
            return Ok(good());
        }
        let ours: BTreeSet<AccountId> = grants().flat_map(|grant| grant.accounts.iter().cloned()).collect();
        // (The accounts of a grant for one reading are not listed for this: that may be the reading.)
        if ours.is_disjoint(&held.accounts) && tokens.once == Once::Not {
            // All of them at once: perhaps the bank's grants call accounts by other names. Then its list has the word.
            let listed = institution.bank.accounts(&tokens, &subject, Actor::Batch).await?;
            if listed.skipped > 0 || listed.ids.iter().any(|id| ours.contains(id)) {
                return Ok(good());
            }
        }
        Ok(Stands::Less { held: Some(held), ends })
    }

    /// When the bank says that a new grant ends, if it says it and the grant is in force, and whether it is for one
    /// reading.
    pub(crate) async fn grant_ends(
        &self,
        subject: &Subject,
        tokens: &Tokens,
        bank_consent: Option<&str>,
    ) -> (Option<Timestamp>, Once) {
        let Ok(institution) = self.institution(&subject.institution) else { return (None, Once::Not) };
        let bank = &institution.bank;
        let asked = tokio::time::timeout(GRANT_ASK_TIME, bank.grant(tokens, subject, bank_consent)).await;
        let state = match asked {
            Ok(Ok(state)) if state.status == GrantStatus::Active => state,
            Ok(Err(error)) => {
                tracing::debug!(%error, "when a grant ends is not known");
                return (None, Once::Not);
            }
            _ => return (None, Once::Not),
        };
        let once = if state.once { Once::Unread } else { Once::Not };
        (state.expires.filter(|ends| self.now() < *ends), once)
    }

    /// What the grant does not hold any more at the bank we do not read any more either, nor longer than it lasts
    /// there: the consent goes on with the rest, or ends if nothing is left of it.
    async fn narrow_as_at_bank(
        &self,
        link: Link,
        held: Option<&Held>,
        ends: Option<Timestamp>,
    ) -> Result<(), FlowError> {
        for attempt in 1.. {
            let commands = match self.narrowing(&link, held, ends, self.now()).await? {
                Narrowed::Same => return Ok(()),
                Narrowed::Over(why) => return self.end_as_at_bank(link, why).await,
                Narrowed::Less(commands) => commands,
            };
            match self.store.submit(commands).await {
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => {
                    result?;
                    break;
                }
            }
        }
        tracing::info!(link = %link.id, institution = %link.institution, "a grant is less at the bank: so is ours");
        self.outbox_filled.notify_one();
        Ok(())
    }

    /// What it takes that the consent of a link holds no more than `held`, and ends no later than `ends`.
    pub(crate) async fn narrowing(
        &self,
        link: &Link,
        held: Option<&Held>,
        ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Narrowed, FlowError> {
        let old = self.store.consent_of_link(link.shard, link.id).await?;
        let Some(old) = old.filter(|old| old.state == ConsentState::Active) else {
            return Ok(Narrowed::Same);
        };
        let mut grants = old.grants.clone();
        for grant in grants.values_mut() {
            let wanted = grant.clusters;
            grant.accounts.retain(|account| held.is_none_or(|held| held.keeps(account, wanted)));
        }
        grants.retain(|_, grant| !grant.accounts.is_empty());
        let expires_at = ends.map_or(old.expires_at, |ends| ends.min(old.expires_at));
        let (fewer, sooner) = (grants != old.grants, expires_at < old.expires_at);
        if !fewer && !sooner {
            return Ok(Narrowed::Same);
        }
        if grants.is_empty() {
            return Ok(Narrowed::Over(ConsentEnd::AtBank));
        }
        if expires_at <= now {
            return Ok(Narrowed::Over(ConsentEnd::Expired));
        }
        let rest = (grants, expires_at);
        let (mut commands, fresh) = self.replacing(link, &old, rest, ConsentEnd::AtBank, now).await?;
        if sooner {
            commands.push(self.ending(link.shard, link.customer, link.id, expires_at));
            commands.push(self.reminding_by(link.shard, &fresh, now));
        }
        if fewer && link.state == LinkState::Active {
            let conversation = link.conversation();
            let lang = self.store.conversation(&conversation).await?.map_or(old.lang, |c| c.lang);
            let bank = self.institution(&link.institution)?.name_in(lang);
            let say = amana_chat::plain::narrowed_at_bank(lang, bank);
            commands.push(self.say_of(link, &say, false).await?);
        }
        Ok(Narrowed::Less(commands))
    }

    /// Good tokens; `None` when the bank refuses to renew them because it does not know the grant (any more).
    async fn tokens_or_refused(
        &self,
        link: &Link,
        rejected: Option<&Tokens>,
    ) -> Result<Option<Tokens>, BankError> {
        match self.tokens(link, rejected).await {
            Ok(tokens) => Ok(Some(tokens)),
            Err(error) if error.class.ends_grant() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends the link here, tells the customer, and lets the bank be told in turn: what is left of the tokens goes, too.
    pub(crate) async fn end_as_at_bank(&self, mut link: Link, why: ConsentEnd) -> Result<(), FlowError> {
        for attempt in 1.. {
            let now = self.now();
            let mut commands = self.end_link(&link, why, now).await?;
            commands.extend(self.telling_ended(&link, why, now).await?);
            match self.store.submit(commands).await {
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => {
                    result?;
                    break;
                }
            }
            match self.store.link(link.shard, link.id).await? {
                Some(now) if now.state != LinkState::Ended => link = now,
                _ => return Ok(()),
            }
        }
        tracing::info!(link = %link.id, institution = %link.institution, "a grant is over at the bank: its link was ended");
        self.outbox_filled.notify_one();
        self.jobs_filled.notify_one();
        Ok(())
    }

    /// A bank failed for a link while nobody waited. It is left alone for a while if it is away, or failed for two
    /// links one after the other: one person's account that cannot be read says nothing of the others'.
    pub(crate) fn failed(&self, link: &Link, class: BankErrorClass) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = resting.entry(link.institution.clone()).or_default();
        let another = failing.link.replace(link.id).is_some_and(|before| before != link.id);
        if class.is_away() || another {
            failing.rests_until = Some(self.after(GRANT_REST_S));
        }
    }

    /// A bank answered: what failed before was not the bank.
    pub(crate) fn answered(&self, institution: &InstitutionId) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.remove(institution);
    }

    pub(crate) fn rests(&self, institution: &InstitutionId) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let until = resting.get(institution).and_then(|failing| failing.rests_until);
        until.is_some_and(|until| self.now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However much one bank has to be asked, and another, a third one finds a slot.
    #[test]
    fn no_bank_has_all_the_slots_where_there_are_several() {
        let slots = Slots { most: POLLS_AT_ONCE_MAX, only_one: false };
        let mut has = [0_usize; 3];
        for bank in [0, 1, 2] {
            for _ in 0..100 {
                if slots.are_free(has.iter().sum(), has[bank]) {
                    has[bank] += 1;
                }
            }
        }
        assert_eq!(has[0], LOOKS_OF_ONE_BANK_MAX);
        assert!(has.iter().all(|has| *has > 0), "{has:?}");
        assert!(has.iter().sum::<usize>() <= POLLS_AT_ONCE_MAX);
        let alone = Slots { most: POLLS_AT_ONCE_MAX, only_one: true };
        assert!(alone.are_free(POLLS_AT_ONCE_MAX - 1, POLLS_AT_ONCE_MAX - 1));
        assert!(!alone.are_free(POLLS_AT_ONCE_MAX, POLLS_AT_ONCE_MAX));
    }
}
