//! Keeping up with a bank that pushes nothing: each link is read for news, in windows that overlap, and what is new
//! goes the way of what a bank pushes. What is known of it from one time to the next is in the link's job.

use crate::error::FlowError;
use crate::gateway::{Gateway, Gathered};
use crate::jobs::Step;
use crate::limits::{
    GRANT_LOOK_AGAIN_S, HINTED_FOR_S, PENDING_LINK_S, POLL_BACK_S, POLL_BEFORE_CONSENT_S, POLL_FIRST_S,
    POLL_IDLE_S, POLL_MARKS_MAX, POLL_NEWS_MAX, POLL_OVERLAP_S, POLL_SOON_S, POLL_TIME,
};
use amana_bank::{BankError, BankErrorClass, News, Of, Tokens, UNANSWERED};
use amana_core::{
    AccountId, Address, BankEvent, BankEventBody, BankEventKind, Consent, ConsentEnd, ConsentState,
    CustomerId, EventKey, LinkId, Purpose, Shard, Timestamp,
};
use amana_gate::{Ask, DataKey, Protected, ReadHow, ReadRow, Seen, Subject, Told, Unseen, decide};
use amana_store::{Command, Customer, InboxSource, Job, JobKind, Link, LinkState, NewInbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How far the accounts of a link were read, by the MACs of their ids.
#[derive(Default, Serialize, Deserialize)]
struct Progress(BTreeMap<String, Read>);

impl Progress {
    /// Notes from when on there is news of accounts that are to be read for the first time: from the consent on, or
    /// from now where that was long ago. Whether there were such.
    fn begin(&mut self, accounts: impl Iterator<Item = String>, consent: &Consent, now: Timestamp) -> bool {
        let (granted, now) = (consent.granted_at.as_second(), now.as_second());
        let since = if now.saturating_sub(granted) <= POLL_FIRST_S { granted } else { now };
        let mut begun = false;
        for account in accounts {
            let read = self.0.entry(account).or_default();
            begun |= read.since.is_none();
            read.since.get_or_insert(since);
        }
        begun
    }

    /// The body of the link's job.
    fn of(&self, link: LinkId) -> Result<Vec<u8>, FlowError> {
        let known = serde_json::to_vec(self).map_err(|_| FlowError::Unreadable("job"))?;
        Ok([link.as_bytes().as_slice(), &known].concat())
    }
}

/// How far an account was read.
#[derive(Default, Clone, Serialize, Deserialize)]
struct Read {
    /// Up to when its transactions were read as a whole, in Unix seconds; `None`: never yet.
    to: Option<i64>,
    /// From when on what comes about is news, in Unix seconds, whenever the first reading succeeds; `None`: it was not
    /// yet to be read.
    #[serde(default)]
    since: Option<i64>,
    /// The transactions in the window ([`Seen`]), sealed: the gate alone knows them again.
    #[serde(default)]
    seen: String,
    /// The mark of its balance ([`Told`]).
    balance: Option<String>,
}

impl Read {
    /// What is known of its rows. What does not open is as nothing: then the inbox's keys and the stories know them.
    fn known(&self, of: (&Subject, &DataKey), place: &[u8]) -> Seen {
        let sealed = STANDARD_NO_PAD.decode(&self.seen).unwrap_or_default();
        if sealed.is_empty() {
            return Seen::default();
        }
        Seen::unseal(of, place, &sealed).unwrap_or_else(|error| {
            tracing::error!(%error, "what a link's readings found is looked for anew");
            Seen::default()
        })
    }

    /// The mark of its balance.
    fn balance(&self) -> Option<Told> {
        let bytes = STANDARD_NO_PAD.decode(self.balance.as_deref()?).ok()?;
        bytes.try_into().ok().map(Told::from_stored)
    }

    /// Whether something is news at the first reading that succeeds, which may be hours after the consent.
    fn is_news_at_first(&self, occurred: i64, now: i64) -> bool {
        let since = self.since.unwrap_or(now);
        // A bank that knows only days cannot tell whether it was before: after a failure it is told rather than lost.
        let day = since - since.rem_euclid(86_400);
        // (Nor can one that knows only seconds, of the very second of the consent.)
        occurred >= since || (since < now && occurred >= day && occurred % 86_400 == 0)
    }
}

/// How a reading went.
enum Reading {
    /// What could be read was.
    Done,
    /// Nothing more can be read now; in so many seconds it may.
    Again(i64),
    /// The bank does not know the grant any more.
    Over,
}

/// One poll.
struct Poll<'a> {
    link: &'a Link,
    customer: &'a Customer,
    consent: &'a Consent,
    subject: Subject,
    now: Timestamp,
    effects: Vec<Command>,
    /// The calls that it took.
    calls: u32,
    /// Whether there is more than was taken in.
    more: bool,
}

/// The id of a link's poll: it has one, which can be hastened.
pub(crate) fn poll_id(link: LinkId) -> [u8; 16] {
    job_id(b"poll", link.as_bytes())
}

/// The id of the one job of its kind that something has.
pub(crate) fn job_id(kind: &[u8], of: &[u8]) -> [u8; 16] {
    let [id, _] = *amana_core::ids::sha256(&[kind, of]).as_chunks::<16>().0 else { return [0; 16] };
    id
}

impl Gateway {
    /// The job that reads a link for news, due at once: what is there then is where it begins.
    pub(crate) fn polling(&self, shard: Shard, customer: CustomerId, link: LinkId) -> Command {
        let (body, kind, due_at) = (link.as_bytes().to_vec(), JobKind::Poll, self.now());
        Command::Enqueue(Job { id: poll_id(link), shard, customer, kind, body, due_at, attempts: 0 })
    }

    /// One poll of a link. Whatever the bank answers, there is a next one, unless the link is over.
    pub(crate) async fn poll(&self, job: &Job) -> Result<Step, FlowError> {
        let Some((id, progress)) = job.body.split_first_chunk::<16>() else { return Ok(Step::Done) };
        let Some(link) = self.store.link(job.shard, LinkId::from_bytes(*id)).await? else {
            return Ok(Step::Done);
        };
        let now = self.now();
        let old_enough = now.as_second().saturating_sub(link.created_at.as_second()) > PENDING_LINK_S;
        match link.state {
            LinkState::Active => {}
            LinkState::Ended => return Ok(Step::Done),
            LinkState::Pending if old_enough => return Ok(Step::Later(self.after_about(POLL_IDLE_S))),
            LinkState::Pending => return Ok(Step::Later(self.after(POLL_SOON_S))),
        }
        let unread = |seconds| Ok(Step::GoOn(self.after_about(seconds), job.body.clone(), Vec::new()));
        if self.is_once(&link).await? {
            return Ok(Step::Done);
        }
        let Ok(institution) = self.institution(&link.institution) else { return unread(POLL_IDLE_S) };
        let upkeep = institution.upkeep;
        let Some(every) = upkeep.poll_every_s else { return unread(POLL_IDLE_S) };
        let every = self.poll_wait(&link.institution, every);
        let gathered = self.gather(&link).await?;
        let in_force = |c: &&Consent| c.state == ConsentState::Active && c.in_force(now);
        let Some(consent) = gathered.consent.as_ref().filter(in_force) else { return unread(every) };
        let subject = Subject { institution: link.institution.clone(), customer: link.customer };
        // Decided before the bank is asked: what may not be said is not read.
        let balances = self.readable(&link, &subject, &gathered, Purpose::BalanceUpdate);
        let moving = self.readable(&link, &subject, &gathered, Purpose::TransactionUpdate);
        let least = u32::try_from(moving.len() + usize::from(!balances.is_empty())).unwrap_or(u32::MAX);
        if least == 0 {
            return unread(every);
        }
        // A day's calls are spread over the day.
        let spread = |calls: u32| match i64::from(upkeep.poll_calls) {
            0 => 0,
            budget => i64::from(calls).saturating_mul(86_400) / budget,
        };
        let customer = self.customer_of(link.shard, link.customer).await?;
        let mut known: Progress = serde_json::from_slice(progress).unwrap_or_default();
        let begun = known.begin(moving.iter().map(|account| name_of(&customer, account)), consent, now);
        if self.rests(&link.institution) {
            let at = self.after_about(GRANT_LOOK_AGAIN_S.min(every));
            return Ok(Step::GoOn(at, if begun { known.of(link.id)? } else { job.body.clone() }, Vec::new()));
        }
        let mut poll = Poll {
            link: &link,
            customer: &customer,
            consent,
            subject,
            now,
            effects: Vec::new(),
            calls: 0,
            more: false,
        };
        let next = match self.read_all(&mut poll, &mut known, (&balances, &moving)).await? {
            Reading::Over => {
                self.end_as_at_bank(link, ConsentEnd::AtBank).await?;
                return Ok(Step::Done);
            }
            Reading::Done => None,
            Reading::Again(seconds) => Some(seconds),
        };
        if !poll.effects.is_empty() && !self.was_hinted(job.id, HINTED_FOR_S) {
            self.not_heard(&link.institution);
        }
        // What the customer took back is not remembered either.
        let kept: BTreeSet<String> = consent
            .grants
            .values()
            .flat_map(|grant| &grant.accounts)
            .map(|account| name_of(&customer, account))
            .collect();
        known.0.retain(|account, _| kept.contains(account));
        let at = match next {
            Some(seconds) => self.after_about(seconds.max(spread(poll.calls))),
            None if poll.more => self.after_about(POLL_SOON_S),
            // The next one takes as many calls as this one did, if not more: a list has as many as it has pages.
            None => self.after_about(every.max(spread(poll.calls.max(least)))),
        };
        metrics::counter!("amana_polls_total").increment(1);
        metrics::counter!("amana_poll_news_total").increment(poll.effects.len() as u64);
        Ok(Step::GoOn(at, known.of(link.id)?, poll.effects))
    }

    /// The accounts of a purpose of updates that may be told of now.
    fn readable(
        &self,
        link: &Link,
        subject: &Subject,
        gathered: &Gathered,
        purpose: Purpose,
    ) -> BTreeSet<AccountId> {
        let grant = gathered.consent.as_ref().and_then(|consent| consent.grants.get(&purpose));
        let Some(grant) = grant else { return BTreeSet::new() };
        let accounts: Vec<AccountId> = grant.accounts.iter().cloned().collect();
        let recipient = Address { channel: link.channel.clone(), psid: link.psid.clone() };
        let ask = Ask { subject, recipient: &recipient, accounts: &accounts, clusters: purpose.clusters() };
        match decide(purpose, &ask, &gathered.facts(), &*gathered.policy) {
            Ok(_) => grant.accounts.clone(),
            Err(_) => BTreeSet::new(),
        }
    }

    /// Reads what may be read, one call after the other. A call that fails leaves the others be, but for a bank that is
    /// away or asks to wait, and a grant that is over.
    async fn read_all(
        &self,
        poll: &mut Poll<'_>,
        known: &mut Progress,
        (balances, moving): (&BTreeSet<AccountId>, &BTreeSet<AccountId>),
    ) -> Result<Reading, FlowError> {
        let marks_max = POLL_MARKS_MAX / moving.len().max(1);
        let mut tokens = match self.tokens(poll.link, None).await {
            Ok(tokens) => tokens,
            Err(error) => return Ok(self.poll_failed(poll.link, &error).unwrap_or(Reading::Done)),
        };
        let (mut read_some, mut again) = (false, None);
        if !balances.is_empty() {
            match self.read_news(poll, &mut tokens, Of::Balances).await {
                Ok(news) => {
                    read_some = true;
                    self.take_balances(poll, known, balances, news)?;
                }
                Err(error) => match self.poll_failed(poll.link, &error) {
                    // This one call failed: what is asked for next may be there.
                    Some(soon) if error.class.is_one_calls() => again = Some(soon),
                    Some(whole) => return Ok(whole),
                    None => {}
                },
            }
        }
        for account in moving {
            let read = known.0.get(&name_of(poll.customer, account));
            let to = read.and_then(|read| read.to.or(read.since)).unwrap_or(poll.now.as_second());
            let oldest = poll.now.as_second().saturating_sub(POLL_BACK_S);
            let from = Timestamp::from_second(to.saturating_sub(POLL_OVERLAP_S).max(oldest));
            let of = Of::Transactions {
                account: account.clone(),
                from: from.unwrap_or(poll.now),
                // Some banks know only days, and some clocks run ahead.
                to: self.after(86_400),
            };
            match self.read_news(poll, &mut tokens, of).await {
                Ok(news) => {
                    read_some = true;
                    self.take_transactions(poll, known, (account, marks_max), news)?;
                }
                Err(error) => match self.poll_failed(poll.link, &error) {
                    Some(soon) if error.class.is_one_calls() => again = Some(soon),
                    Some(whole) => return Ok(whole),
                    None => {}
                },
            }
        }
        if read_some {
            self.answered(&poll.link.institution);
            return Ok(Reading::Done);
        }
        Ok(again.unwrap_or(Reading::Done))
    }

    /// One call; once more with fresh tokens if these are not taken.
    async fn read_news(&self, poll: &mut Poll<'_>, tokens: &mut Tokens, of: Of) -> Result<News, BankError> {
        let bank = &self.institution(&poll.link.institution).map_err(|_| BankError {
            institution: poll.link.institution.clone(),
            interaction: None,
            class: BankErrorClass::OurRequest("the institution is not configured"),
        })?;
        let bank = &bank.bank;
        let call = async |tokens: &Tokens| {
            let asked = tokio::time::timeout(POLL_TIME, bank.news(tokens, &poll.subject, &of)).await;
            asked.unwrap_or_else(|_| {
                Err(BankError {
                    institution: poll.link.institution.clone(),
                    interaction: None,
                    class: BankErrorClass::Retry(UNANSWERED),
                })
            })
        };
        let (answer, tries) = match call(tokens).await {
            Err(BankError { class: BankErrorClass::RelinkNeeded(_), .. }) => {
                *tokens = self.tokens(poll.link, Some(tokens)).await?;
                (call(tokens).await, 1)
            }
            answer => (answer, 0),
        };
        let made = answer.as_ref().map_or(1, |news| news.calls);
        poll.calls = poll.calls.saturating_add(made).saturating_add(tries);
        answer
    }

    /// Counts a failure; what follows from it, if more than that this is not read now.
    fn poll_failed(&self, link: &Link, error: &BankError) -> Option<Reading> {
        metrics::counter!("amana_poll_errors_total", "class" => error.class.as_str()).increment(1);
        tracing::debug!(institution = %error.institution, %error, "a link could not be read for news");
        match error.class {
            BankErrorClass::Wait { retry_after, .. } => {
                let asked = retry_after.map_or(0, |wait| i64::try_from(wait.as_secs()).unwrap_or(i64::MAX));
                Some(Reading::Again(asked.max(GRANT_LOOK_AGAIN_S)))
            }
            BankErrorClass::Retry(_) => {
                self.failed(link, error.class);
                Some(Reading::Again(GRANT_LOOK_AGAIN_S))
            }
            // The bank's clear word: it is not only this access token that is over.
            class if class.ends_grant() => Some(Reading::Over),
            _ => None,
        }
    }

    /// A balance is news when it is not what it was; the first one is where it begins.
    fn take_balances(
        &self,
        poll: &mut Poll<'_>,
        known: &mut Progress,
        wanted: &BTreeSet<AccountId>,
        news: News,
    ) -> Result<(), FlowError> {
        for (event, body) in news.events {
            if !wanted.contains(&event.account) || event.kind != BankEventKind::BalanceChanged {
                continue;
            }
            let name = name_of(poll.customer, &event.account);
            let (key, place) = (&poll.customer.key, poll.place(b"poll balance", &name));
            let read = known.0.entry(name).or_default();
            if read.balance().is_some_and(|told| body.is_told(&told, key, &place)) {
                continue;
            }
            let mark = STANDARD_NO_PAD.encode(body.mark_told(key, &place, &*self.entropy).stored());
            if read.balance.replace(mark.clone()).is_some() {
                // What comes and goes and comes again is news each time.
                let name = format!("{mark} {}", event.occurred);
                poll.effects.push(self.take_in(poll, &event, &body, &name)?);
            }
        }
        Ok(())
    }

    /// A transaction is news when it was not there as it is now; at the first reading that succeeds, when it came about
    /// since the consent.
    fn take_transactions(
        &self,
        poll: &mut Poll<'_>,
        known: &mut Progress,
        (account, marks_max): (&AccountId, usize),
        news: News,
    ) -> Result<(), FlowError> {
        let name = name_of(poll.customer, account);
        let place = poll.place(b"poll rows", &name);
        let read = known.0.entry(name).or_default();
        let (first, now) = (read.to.is_none(), poll.now.as_second());
        let since = poll.consent.granted_at.as_second().saturating_sub(POLL_BEFORE_CONSENT_S);
        let fresh = |event: &BankEvent| {
            let occurred = event.occurred.as_second();
            if first { read.is_news_at_first(occurred, now) } else { occurred >= since }
        };
        let moves =
            |event: &BankEvent| event.account == *account && event.kind != BankEventKind::BalanceChanged;
        let rows = news.events.into_iter().filter(|(event, _)| moves(event));
        let rows = rows.map(|(event, body)| ReadRow { fresh: fresh(&event), event, body }).collect();
        let reading = ReadHow { whole: news.whole, news_max: POLL_NEWS_MAX, rows_max: marks_max };
        let subject = poll.subject.clone();
        let of = (&subject, &*poll.customer.key);
        let mut seen = read.known(of, &place);
        let found = seen.take_in(rows, of, &reading);
        for Unseen { event, body, name } in found.news {
            poll.effects.push(self.take_in(poll, &event, &body, &STANDARD_NO_PAD.encode(name))?);
        }
        if news.whole && !found.more {
            read.to = Some(now);
        } else if first {
            // What is there is known; the rest is looked for from the same place.
            read.to = Some(read.since.unwrap_or(now));
        }
        read.seen = STANDARD_NO_PAD.encode(seen.seal(of, &place, &*self.entropy)?);
        poll.more |= found.more;
        Ok(())
    }

    /// The inbox row of something that was read, as of something that was pushed.
    fn take_in(
        &self,
        poll: &Poll<'_>,
        event: &BankEvent,
        body: &Protected<BankEventBody>,
        name: &str,
    ) -> Result<Command, FlowError> {
        let name = format!("{}\0{}\0{name}", poll.link.id, event.id);
        let key = EventKey::new(Some(event.occurred), event.institution.as_str(), &name);
        let key = self.store.keyring().event_key(&key);
        Ok(Command::Accept(NewInbox {
            shard: poll.link.shard,
            lane: Self::lane_of_link(poll.link),
            body: self.seal_event(poll.customer, poll.link, event, body, &key.0)?,
            key,
            source: InboxSource::Bank,
            received_at: poll.now,
        }))
    }
}

impl Poll<'_> {
    /// Whose and of what a mark or a list in the progress is: it means nothing anywhere else.
    fn place(&self, kind: &[u8], account: &str) -> Vec<u8> {
        [kind, self.link.id.as_bytes(), account.as_bytes()].concat()
    }
}

/// What an account is called in the progress: it must not be in clear.
fn name_of(customer: &Customer, account: &AccountId) -> String {
    let mac = customer.key.mac(&[b"poll account", account.as_str().as_bytes()]);
    hex::encode(mac.first_chunk::<16>().copied().unwrap_or_default())
}
