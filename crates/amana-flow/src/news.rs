//! News for a customer who cannot be told now: the window is closed, or somebody else has the conversation.
//!
//! The content waits, sealed as it came in. Meanwhile the customer is told at most once a day that there is something,
//! by a text that the platform approved and that holds no bank data. When the customer is back, everything of one
//! purpose is one message, decided then and with a receipt of its own.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{ELSEWHERE_S, NEWS_LOOK_LINKS, NOTICE_EVERY_S};
use crate::sealed::BankWork;
use crate::update::purpose_of;
use crate::worker::{Effects, Trouble};
use amana_core::{AccountId, Address, ChannelId, CustomerId, Entropy, Lang, LinkId, Purpose, Shard};
use amana_gate::{Ask, Denial, Disclosure, Protected, Refusal, Subject, decide, purpose};
use amana_render::{Story as Telling, UpdatesArgs, messenger};
use amana_store::{
    Command, Conversation, InboxRow, KeptBack, LinkState, StoredText, Story, StoryState, SubmitError,
    Waiting, WaitingTelling,
};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn stored(telling: Telling) -> WaitingTelling {
    match telling {
        Telling::New => WaitingTelling::New,
        Telling::Changed => WaitingTelling::Changed,
        Telling::Reversed => WaitingTelling::Reversed,
        Telling::Posted => WaitingTelling::Posted,
    }
}

fn telling_of(stored: WaitingTelling) -> Telling {
    match stored {
        WaitingTelling::New => Telling::New,
        WaitingTelling::Changed => Telling::Changed,
        WaitingTelling::Reversed => Telling::Reversed,
        WaitingTelling::Posted => Telling::Posted,
    }
}

/// News that waited, opened.
struct Opened {
    place: (i64, [u8; 32]),
    work: BankWork,
    telling: Telling,
}

/// What becomes of what waited on a link.
#[derive(Default)]
struct Fold {
    /// What is told now, or never will be.
    taken: Vec<(i64, [u8; 32])>,
    effects: Effects,
}

impl Fold {
    fn refused(&mut self, (shard, customer): (Shard, CustomerId), refusal: Box<Refusal>) {
        metrics::counter!("amana_denials_total", "reason" => refusal.denial.as_str()).increment(1);
        self.effects.push(Command::Record { shard, customer, receipt: refusal.receipt });
    }
}

/// That nothing was told after all of news whose story says that it was: of what the customer would have heard for the
/// first time. What comes later of it must not be a change of something that they never heard of.
fn untold(one: &Opened, entropy: &dyn Entropy) -> Option<Command> {
    let Opened { place: (_, key), work, telling } = one;
    (*telling == Telling::New).then(|| {
        Command::PutStory(Story {
            shard: work.link.shard,
            customer: work.customer.id,
            key: *key,
            state: StoryState::Untold,
            told: work.body.mark_told(&work.customer.key, key, entropy),
            at: work.event.occurred,
            by: None,
        })
    })
}

/// Whether a refusal is one of others than the customer, which may be over while the news are still news.
fn may_pass(denial: Denial) -> bool {
    use Denial as D;
    matches!(
        denial,
        D::Killed
            | D::PurposeKilled
            | D::NoAgreement
            | D::AgreementNotInForce
            | D::PurposeNotAgreed
            | D::ClusterNotAgreed
            | D::Policy
    )
}

impl Gateway {
    /// Whether the customer can be told now.
    pub(crate) fn is_reachable(&self, person: Option<&Conversation>) -> bool {
        let last = person.and_then(|person| person.last_inbound_at);
        self.channel.window().is_open(last, self.now()) && !self.is_elsewhere(person)
    }

    /// Keeps news that cannot be told now, and says that there are some, if it is time for that. `story` is what they
    /// are news of; `before`, what waits already.
    pub(crate) async fn put_news_off(
        &self,
        row: &InboxRow,
        work: &BankWork,
        (telling, story): (Telling, [u8; 32]),
        (person, before): (Option<&Conversation>, &[Waiting]),
        kept: KeptBack,
    ) -> Result<Effects, Trouble> {
        let (shard, link) = (work.link.shard, work.link.id);
        // Should it not be said at all, that is on record now.
        if let Err(refusal) = self.may_be_told(work).await? {
            metrics::counter!("amana_denials_total", "reason" => refusal.denial.as_str()).increment(1);
            let customer = work.customer.id;
            return Ok(vec![Command::Record { shard, customer, receipt: refusal.receipt }]);
        }
        let mut effects = vec![Command::PutWaiting(Waiting {
            shard,
            position: row.position,
            customer: work.customer.id,
            link,
            story,
            telling: stored(telling),
            key: row.key,
            body: row.body.clone(),
            conversation: work.link.conversation(),
            noticed_at: None,
            created_at: self.now(),
        })];
        let noticed = before.iter().filter_map(|there| there.noticed_at).max();
        let due = noticed.is_none_or(|at| self.now().as_second() - at.as_second() >= NOTICE_EVERY_S);
        // Who is here hears of it by the news themselves, as soon as they may be told; who receives nothing, not at
        // all. And one announcement is enough.
        let away = (!self.is_reachable(person) || kept.held) && !kept.unreachable;
        if due
            && away
            && !kept.announced
            && let Some(notice) = self.notice(work, telling, person).await?
        {
            effects.push(Command::Disclose { shard, disclosure: notice, at: self.now() });
            effects.push(Command::NoticeWaiting { shard, link, at: self.now() });
        }
        Ok(effects)
    }

    /// The message that there is news, if the platform takes one from somebody who has been away. It goes through the
    /// gate like everything else, for the very purpose, in the form *notice*.
    async fn notice(
        &self,
        work: &BankWork,
        telling: Telling,
        person: Option<&Conversation>,
    ) -> Result<Option<Disclosure>, FlowError> {
        let Some(encoding) = self.channel.encoding_outside() else { return Ok(None) };
        if self.is_elsewhere(person) {
            return Ok(None);
        }
        let lang = person.map_or(Lang::English, |person| person.lang);
        if !self.is_approved(&work.link.channel, messenger::utility::NEWS, lang).await? {
            return Ok(None);
        }
        Ok(self.tell(work, telling, encoding).await?.ok())
    }

    /// Whether the platform has approved this text, as far as we know.
    pub(crate) async fn is_approved(
        &self,
        channel: &ChannelId,
        name: &str,
        lang: Lang,
    ) -> Result<bool, FlowError> {
        let texts = self.store.approved_texts(channel).await?;
        let good = |text: &StoredText| {
            text.name == name && text.lang == lang && text.status.eq_ignore_ascii_case("APPROVED")
        };
        Ok(texts.iter().any(good))
    }

    /// Whether what an event says may be said now; a refusal comes with its receipt.
    async fn may_be_told(&self, work: &BankWork) -> Result<Result<(), Box<Refusal>>, FlowError> {
        let subject = Subject { institution: work.link.institution.clone(), customer: work.customer.id };
        let recipient = Address { channel: work.link.channel.clone(), psid: work.link.psid.clone() };
        let purpose = purpose_of(work.event.kind);
        let accounts = [work.event.account.clone()];
        let gathered = self.gather(&work.link).await?;
        let ask = Ask {
            subject: &subject,
            recipient: &recipient,
            accounts: &accounts,
            clusters: purpose.clusters(),
        };
        if decide(purpose, &ask, &gathered.facts(), &*gathered.policy).is_ok() {
            return Ok(Ok(()));
        }
        let told = self.tell(work, Telling::New, self.channel.encoding(false)).await?;
        // Allowed between the two looks: then it is.
        Ok(told.map(drop))
    }

    /// Tells the customers who are back what waited for them. Whether there was any.
    pub(crate) async fn tell_news(&self) -> Result<bool, FlowError> {
        let before = |seconds: u64| {
            self.now().checked_sub(Duration::from_secs(seconds)).unwrap_or(amana_core::Timestamp::MIN)
        };
        let since = self.channel.window().open_for.map(|open_for| before(open_for.as_secs()));
        let elsewhere = before(u64::try_from(ELSEWHERE_S).unwrap_or(0));
        let after = self.news_after.load(Ordering::Relaxed);
        let mut found = self.store.waiting_reachable(since, elsewhere, after, NEWS_LOOK_LINKS).await?;
        let left = NEWS_LOOK_LINKS.saturating_sub(found.len());
        if after > 0 && left > 0 {
            let first = self.store.waiting_reachable(since, elsewhere, 0, left).await?;
            found.extend(first.into_iter().take_while(|(_, _, position)| *position <= after));
        }
        let full = found.len() >= NEWS_LOOK_LINKS;
        let next = found.last().filter(|_| full).map_or(0, |(_, _, position)| *position);
        self.news_after.store(next, Ordering::Relaxed);
        let mut any = false;
        for (shard, link, _) in found {
            match self.tell_link(shard, link).await {
                Ok(told) => any |= told,
                // One link whose rows cannot be read must not keep the others from their news.
                Err(error) => tracing::error!(%link, %error, "what waits on a link cannot be told now"),
            }
        }
        if any {
            self.outbox_filled.notify_one();
        }
        Ok(any)
    }

    async fn tell_link(&self, shard: Shard, link: LinkId) -> Result<bool, FlowError> {
        let Some(_inside) = self.shards.enter(shard) else { return Ok(false) };
        let Some(of) = self.store.link(shard, link).await?.filter(|of| of.state == LinkState::Active) else {
            return Ok(false);
        };
        // An event of this lane that is under way reads what waits, and may put newer news in its place: it would bring
        // back as new what is told here. The next look finds it done.
        let Some(_turn) = self.lanes.take(Self::lane_of_link(&of)) else { return Ok(false) };
        let rows = self.store.waiting(shard, link).await?;
        let Some(first) = rows.first() else { return Ok(false) };
        // What is stopped waits. (A switch of one purpose is seen when that purpose's news are decided.)
        let kills = self.store.kills().await?;
        if kills.stop(&of.institution, &of.channel, first.customer, None).is_some() {
            return Ok(false);
        }
        let (mut fold, mut works) = (Fold::default(), Vec::with_capacity(rows.len()));
        for row in &rows {
            let place = (row.position, row.story);
            match self.open_bank_body(shard, &row.key, &row.body).await {
                Ok(Some(work)) if self.too_old(&work) => {
                    fold.taken.push(place);
                    // Should they have waited because they may not be said, that is on record at their end.
                    if let Err(refusal) = self.may_be_told(&work).await? {
                        fold.refused((shard, work.customer.id), refusal);
                    }
                    fold.effects.extend(untold(
                        &Opened { place, work, telling: telling_of(row.telling) },
                        &*self.entropy,
                    ));
                }
                Ok(Some(work)) => works.push(Opened { place, work, telling: telling_of(row.telling) }),
                Ok(None) => fold.taken.push(place),
                Err(error) if error.is_damage() => {
                    tracing::error!(%link, %error, "news that waited cannot be opened; they are dropped");
                    fold.taken.push(place);
                }
                // The store or the custody is away: they wait on.
                Err(error) => return Err(error),
            }
        }
        for purpose in [Purpose::TransactionUpdate, Purpose::BalanceUpdate] {
            let (these, rest): (Vec<_>, Vec<_>) =
                works.into_iter().partition(|one| purpose_of(one.work.event.kind) == purpose);
            works = rest;
            self.fold(purpose, these, &mut fold).await?;
        }
        // All of it waits on.
        if fold.taken.is_empty() {
            return Ok(false);
        }
        let mut commands = vec![Command::TakeWaiting { shard, link, taken: fold.taken }];
        commands.append(&mut fold.effects);
        match self.store.submit(commands).await {
            Ok(_) => Ok(true),
            // Newer news came, or the link ended: the next look sees it.
            Err(SubmitError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What waited for one purpose as one message. What the customer does not allow any more is on record instead; what
    /// others do not allow now waits on, since they may again: the customer's book says that it was told.
    async fn fold(&self, purpose: Purpose, news: Vec<Opened>, fold: &mut Fold) -> Result<(), FlowError> {
        let Some(first) = news.first() else { return Ok(()) };
        let (shard, customer) = (first.work.link.shard, first.work.customer.id);
        let consent = self.store.consent_of_link(shard, first.work.link.id).await?;
        let granted: BTreeSet<AccountId> = consent
            .and_then(|consent| consent.grants.get(&purpose).map(|grant| grant.accounts.clone()))
            .unwrap_or_default();
        let (mut told, mut places, mut never) = (Vec::new(), Vec::new(), Vec::new());
        let mut new = Vec::new();
        for one in news {
            if !granted.contains(&one.work.event.account)
                // Where it is allowed after all, it is told with the others.
                && let Err(refusal) = self.may_be_told(&one.work).await?
            {
                if !may_pass(refusal.denial) {
                    fold.taken.push(one.place);
                    fold.refused((shard, customer), refusal);
                    fold.effects.extend(untold(&one, &*self.entropy));
                }
                continue;
            }
            places.push(one.place);
            never.extend(untold(&one, &*self.entropy));
            new.extend((one.telling == Telling::New).then_some(one.place.1));
            told.push((one.work, one.telling));
        }
        let decided = match <[(BankWork, Telling); 1]>::try_from(told) {
            Ok([(work, telling)]) => self.tell(&work, telling, self.channel.encoding(false)).await?,
            Err(many) if many.is_empty() => return Ok(()),
            Err(many) => self.tell_many(purpose, many).await?,
        };
        match decided {
            Ok(disclosure) => {
                let message = disclosure.row.message;
                fold.effects.push(Command::Disclose { shard, disclosure, at: self.now() });
                if !new.is_empty() {
                    fold.effects.push(Command::ToldBy { shard, customer, stories: new, message });
                }
            }
            Err(refusal) if may_pass(refusal.denial) => {
                tracing::debug!(
                    denial = refusal.denial.as_str(),
                    "what waited may not be told now; it waits on"
                );
                return Ok(());
            }
            Err(refusal) => {
                fold.refused((shard, customer), refusal);
                fold.effects.append(&mut never);
            }
        }
        fold.taken.append(&mut places);
        Ok(())
    }

    async fn tell_many(
        &self,
        purpose: Purpose,
        works: Vec<(BankWork, Telling)>,
    ) -> Result<Result<Disclosure, Box<Refusal>>, FlowError> {
        let unreadable = || FlowError::Unreadable("event");
        let accounts: Vec<AccountId> = works
            .iter()
            .map(|(work, _)| work.event.account.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let stories = works.iter().map(|(_, telling)| *telling).collect();
        let mut link = None;
        let mut bodies = Vec::with_capacity(works.len());
        for (work, _) in works {
            bodies.push(work.body);
            link.get_or_insert((work.link, work.customer.key));
        }
        let (link, key) = link.ok_or_else(unreadable)?;
        let data = Protected::gather(bodies).ok_or_else(unreadable)?;
        let institution = self.institution(&link.institution)?;
        let lang = self.store.conversation(&link.conversation()).await?.map_or(Lang::English, |c| c.lang);
        let gathered = self.gather(&link).await?;
        let recipient = Address { channel: link.channel.clone(), psid: link.psid.clone() };
        let context = self.render_context(institution, lang);
        let args = UpdatesArgs { stories };
        let (facts, about) = (gathered.facts(), (accounts.as_slice(), purpose.clusters()));
        let (encoding, message) = (self.channel.encoding(false), self.message_id());
        macro_rules! disclose {
            ($purpose:ty) => {
                self.gate.disclose::<$purpose, _>(
                    &facts,
                    &*gathered.policy,
                    &data,
                    about,
                    &recipient,
                    &args,
                    &context,
                    encoding,
                    message,
                    &key,
                    &*self.entropy,
                )
            };
        }
        Ok(match purpose {
            Purpose::BalanceUpdate => disclose!(purpose::BalanceUpdate),
            _ => disclose!(purpose::TransactionUpdate),
        })
    }
}
