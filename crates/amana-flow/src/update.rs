//! A bank's event: is there something new to say, may it be said, and then how.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::EVENT_AGE_DAYS_MAX;
use crate::rules::RulesRead;
use crate::sealed::BankWork;
use crate::worker::{Effects, Trouble};
use amana_core::{Address, BankEventKind, Lang, MessageId, Purpose};
use amana_gate::{Disclosure, Refusal, purpose};
use amana_render::{Encoding, Story as Telling, UpdateArgs};
use amana_store::{Command, InboxRow, LinkState, Story, StoryState};

/// What an event means for what the customer was told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Say it.
    Tell(Telling, StoryState),
    /// Nothing new to say, but remember how far it has come.
    Remember(StoryState),
    /// Nothing to say and nothing to remember: a duplicate, or news that later news have overtaken.
    Drop,
}

/// The purpose that an event serves.
pub(crate) fn purpose_of(kind: BankEventKind) -> Purpose {
    match kind {
        BankEventKind::BalanceChanged => Purpose::BalanceUpdate,
        BankEventKind::TransactionAuthorised
        | BankEventKind::TransactionPosted
        | BankEventKind::TransactionReversed => Purpose::TransactionUpdate,
    }
}

/// What was told before: under the event's own id, and under the id that it refers to (the authorization that it
/// settles, the transaction that it undoes).
struct Before {
    own: Option<Story>,
    referred: Option<Story>,
}

/// The story of a transaction: authorised once, booked without a second message unless something changed, undone once.
/// Whatever order the events come in, the customer hears each fact at most once, and never an older one after a newer.
///
/// A posting under a second id for an authorization that was settled already (the second part of a split shipment), and
/// a refund that refers to a purchase, are facts of their own.
///
/// `says` answers whether the event says what was told in a story. The gate is asked only where that decides.
fn next(kind: BankEventKind, told: &Before, says: impl Fn(&Story) -> bool) -> Step {
    use StoryState::{Authorised, Posted, Reversed, Untold};
    let state = |story: &Option<Story>| story.as_ref().map(|s| s.state);
    let same = |story: &Option<Story>| story.as_ref().is_some_and(&says);
    match kind {
        BankEventKind::TransactionAuthorised if told.own.is_none() => Step::Tell(Telling::New, Authorised),
        BankEventKind::TransactionPosted => match (state(&told.own), state(&told.referred)) {
            // Booked under the authorization's own id.
            (Some(Authorised), None) if same(&told.own) => Step::Remember(Posted),
            (Some(Authorised), None) => Step::Tell(Telling::Changed, Posted),
            (Some(_), _) | (None, Some(Reversed)) => Step::Drop,
            (None, Some(Authorised)) if same(&told.referred) => Step::Remember(Posted),
            (None, Some(Authorised)) => Step::Tell(Telling::Changed, Posted),
            (None, Some(Posted | Untold) | None) => Step::Tell(Telling::New, Posted),
        },
        BankEventKind::TransactionReversed => match (&told.own, state(&told.referred)) {
            (_, Some(Reversed)) | (Some(Story { state: Reversed, .. }), _) => Step::Drop,
            _ => Step::Tell(Telling::Reversed, Reversed),
        },
        BankEventKind::BalanceChanged if !same(&told.own) => Step::Tell(Telling::New, Posted),
        BankEventKind::TransactionAuthorised | BankEventKind::BalanceChanged => Step::Drop,
    }
}

impl Gateway {
    pub(crate) async fn on_bank(&self, row: &InboxRow) -> Result<Effects, Trouble> {
        let Some(work) = self.open_bank(row).await? else { return Ok(Vec::new()) };
        let effects = self.consider(&work, Some(row), &RulesRead::default()).await?;
        effects.ok_or_else(|| Trouble::Never("an event of a row needs a row".to_owned()))
    }

    /// What an event leads to. `row` is where it waits; `None` for one that is decided as it comes in, of which the
    /// answer is `None` where it would have to wait.
    pub(crate) async fn consider(
        &self,
        work: &BankWork,
        row: Option<&InboxRow>,
        rules: &RulesRead,
    ) -> Result<Option<Effects>, Trouble> {
        if work.link.state != LinkState::Active {
            return Ok(Some(Vec::new()));
        }
        let keys = Keys::of(work);
        let read = |key: Option<[u8; 32]>| async move {
            match key {
                Some(key) => self.store.story(work.link.shard, work.customer.id, &key).await,
                None => Ok(None),
            }
        };
        let mut told = Before { own: read(keys.own).await?, referred: read(keys.referred).await? };
        // Of what waited until it might not be told any more nothing was told: it is as if it had never come.
        let event = &work.event;
        let names = [(&mut told.own, &event.transaction_id), (&mut told.referred, &event.reference_id)];
        let mut untold = Vec::new();
        for (story, id) in names {
            if story.as_ref().is_some_and(|story| story.state == StoryState::Untold) {
                *story = None;
                untold.extend(id.clone());
            }
        }
        // A source whose clock runs ahead must not silence what comes after it.
        let at = work.event.occurred.min(self.now());
        let overtaken = told.own.as_ref().is_some_and(|s| s.at >= at);
        if work.event.kind == BankEventKind::BalanceChanged && overtaken {
            return Ok(Some(Vec::new()));
        }
        // The book knows what a bank calls by several names; the stories know what was told before the book begins.
        let remembered = told.own.is_some() || told.referred.is_some();
        let (mut keys, mut book, mut again) = (keys, None, Vec::new());
        let step = match self.by_the_book(work, remembered, untold).await? {
            Some(plan) => {
                keys.referred = keys.referred.or(plan.referred.filter(|key| Some(*key) != keys.own));
                (book, again) = (plan.book, plan.again);
                plan.step
            }
            None => next(work.event.kind, &told, |story| {
                work.body.is_told(&story.told, &work.customer.key, &story.key)
            }),
        };
        let (state, telling) = match step {
            Step::Drop => return Ok(Some(Vec::new())),
            Step::Remember(state) => (state, None),
            Step::Tell(..) if self.too_old(work) => {
                tracing::info!(position = row.map(|row| row.position), "an event is too old to be news");
                return Ok(Some(Vec::new()));
            }
            Step::Tell(telling, state) => (state, Some(telling)),
        };
        let (shard, customer) = (work.link.shard, work.customer.id);
        let mut effects = match telling {
            Some(telling) => {
                let told = self.tell_or_wait(row, work, (telling, keys.subject(telling)), rules).await?;
                let Some(effects) = told else { return Ok(None) };
                effects
            }
            None => Effects::new(),
        };
        // A refusal is on record, and leaves no story: should the customer allow it later, the posting is news.
        if effects.iter().any(|effect| matches!(effect, Command::Record { .. })) {
            return Ok(Some(effects));
        }
        let new = telling.filter(|telling| *telling == Telling::New).map(|telling| keys.subject(telling));
        let by = message_of(&effects);
        effects.extend(keys.written(work.event.kind).map(|key| {
            let told = work.body.mark_told(&work.customer.key, &key, &*self.entropy);
            let by = by.filter(|_| new == Some(key));
            Command::PutStory(Story { shard, customer, key, state, told, at, by })
        }));
        effects.extend(book);
        for again in again {
            // It is an event of its own, which may have to wait: it needs a place of its own, too.
            let Some(row) = row else { return Ok(None) };
            let telling = crate::book::telling_of(again.news);
            let (row, work) = self.again(row, work, again)?;
            tracing::info!(
                position = row.position,
                "a match was taken back, and what it was silent about is told"
            );
            metrics::counter!("amana_matches_undone_total").increment(1);
            let subject = Keys::of(&work).subject(telling);
            let more = self.tell_or_wait(Some(&row), &work, (telling, subject), rules).await?;
            let mut more = more.unwrap_or_default();
            if let Some(message) = message_of(&more).filter(|_| telling == Telling::New) {
                more.push(Command::ToldBy { shard, customer, stories: vec![subject], message });
            }
            // Where both wait, the customer was told of it just now.
            let waits = more.iter().any(|effect| matches!(effect, Command::PutWaiting(_)));
            let noticed = effects.iter().any(|effect| matches!(effect, Command::NoticeWaiting { .. }));
            let notice =
                |effect: &Command| matches!(effect, Command::Disclose { .. } | Command::NoticeWaiting { .. });
            effects.extend(more.into_iter().filter(|effect| !(waits && noticed && notice(effect))));
        }
        Ok(Some(effects))
    }

    /// Tells the customer, or puts it off until they are there: `None` where it would be, and has no row. What is
    /// refused is a record alone.
    async fn tell_or_wait(
        &self,
        row: Option<&InboxRow>,
        work: &BankWork,
        (telling, subject): (Telling, [u8; 32]),
        rules: &RulesRead,
    ) -> Result<Option<Effects>, Trouble> {
        let (shard, customer) = (work.link.shard, work.customer.id);
        let person = self.store.conversation(&work.link.conversation()).await?;
        let before = self.store.waiting(shard, work.link.id).await?;
        // What waits goes first, and this with it.
        let at_once = before.is_empty() && self.is_reachable(person.as_ref());
        // Behind a held message, and where nothing goes out, each would come singly later: they wait and are told as
        // one.
        let kept = self.store.kept_back(&work.link.conversation()).await?;
        if !at_once || kept.held || kept.stopped {
            let Some(row) = row else { return Ok(None) };
            let waits =
                self.put_news_off(row, work, (telling, subject), (person.as_ref(), &before), kept).await?;
            return Ok(Some(waits));
        }
        let lang = person.map_or(Lang::English, |person| person.lang);
        let encoding = self.channel.encoding(false);
        Ok(Some(vec![match self.tell_in(work, telling, (encoding, lang), rules).await? {
            Ok(disclosure) => Command::Disclose { shard, disclosure, at: self.now() },
            Err(refusal) => {
                metrics::counter!("amana_denials_total", "reason" => refusal.denial.as_str()).increment(1);
                Command::Record { shard, customer, receipt: refusal.receipt }
            }
        }]))
    }

    pub(crate) async fn tell(
        &self,
        work: &BankWork,
        telling: Telling,
        encoding: Encoding,
    ) -> Result<Result<Disclosure, Box<Refusal>>, FlowError> {
        let person = self.store.conversation(&work.link.conversation()).await?;
        let lang = person.map_or(Lang::English, |person| person.lang);
        self.tell_in(work, telling, (encoding, lang), &RulesRead::default()).await
    }

    async fn tell_in(
        &self,
        work: &BankWork,
        telling: Telling,
        (encoding, lang): (Encoding, Lang),
        rules: &RulesRead,
    ) -> Result<Result<Disclosure, Box<Refusal>>, FlowError> {
        let institution = self.institution(&work.link.institution)?;
        let gathered = self.gather_in(&work.link, rules).await?;
        let recipient = Address { channel: work.link.channel.clone(), psid: work.link.psid.clone() };
        let context = self.render_context(institution, lang);
        let accounts = [work.event.account.clone()];
        let args = UpdateArgs { story: telling, account: None };
        let policy = &*gathered.policy;
        let message = self.message_id();
        let (facts, body, key) = (gathered.facts(), &work.body, &*work.customer.key);
        Ok(match work.event.kind {
            BankEventKind::BalanceChanged => self.gate.disclose::<purpose::BalanceUpdate, _>(
                &facts,
                policy,
                body,
                (&accounts, Purpose::BalanceUpdate.clusters()),
                &recipient,
                &args,
                &context,
                encoding,
                message,
                key,
                &*self.entropy,
            ),
            _ => self.gate.disclose::<purpose::TransactionUpdate, _>(
                &facts,
                policy,
                body,
                (&accounts, Purpose::TransactionUpdate.clusters()),
                &recipient,
                &args,
                &context,
                encoding,
                message,
                key,
                &*self.entropy,
            ),
        })
    }

    pub(crate) fn too_old(&self, work: &BankWork) -> bool {
        let age = self.now().as_second().saturating_sub(work.event.occurred.as_second());
        age > EVENT_AGE_DAYS_MAX * 86_400
    }
}

/// The message that tells the news, if they are told now: a notice says only that there are some.
fn message_of(effects: &Effects) -> Option<MessageId> {
    let waits = effects.iter().any(|effect| matches!(effect, Command::PutWaiting(_)));
    effects.iter().filter(|_| !waits).find_map(|effect| match effect {
        Command::Disclose { disclosure, .. } => Some(disclosure.row.message),
        _ => None,
    })
}

/// Of which kind the key of a transaction's story is.
pub(crate) const STORY: &[u8] = b"story transaction";

/// The keys of an event's stories: MACs of what it is about, so that the store holds no transaction id in clear. The
/// conversation is in them: who is linked in two chats hears it in both.
pub(crate) struct Keys {
    own: Option<[u8; 32]>,
    referred: Option<[u8; 32]>,
}

impl Keys {
    /// A MAC about something of this account in this conversation.
    pub(crate) fn mac(work: &BankWork, kind: &[u8], id: &str) -> [u8; 32] {
        let link = &work.link;
        work.customer.key.mac(&[
            kind,
            link.channel.as_str().as_bytes(),
            link.psid.as_str().as_bytes(),
            work.event.account.as_str().as_bytes(),
            id.as_bytes(),
        ])
    }

    fn of(work: &BankWork) -> Self {
        let event = &work.event;
        if event.kind == BankEventKind::BalanceChanged {
            return Self { own: Some(Self::mac(work, b"story balance", "")), referred: None };
        }
        let of = |id: &Option<String>| id.as_deref().map(|id| Self::mac(work, STORY, id));
        let (own, referred) = (of(&event.transaction_id), of(&event.reference_id));
        Self { own, referred: referred.filter(|key| Some(*key) != own) }
    }

    /// What it is news of: the story that it goes on with, or its own. What is new is a fact of its own, whatever it
    /// refers to: the second part of a shipment must not take the place of the first.
    fn subject(&self, telling: Telling) -> [u8; 32] {
        let (first, second) = match telling {
            Telling::New => (self.own, self.referred),
            _ => (self.referred, self.own),
        };
        first.or(second).unwrap_or_default()
    }

    /// What an event is remembered under. A reversal ends the story of what it undoes; it has none of its own unless it
    /// refers to nothing.
    fn written(&self, kind: BankEventKind) -> impl Iterator<Item = [u8; 32]> {
        let own = match (kind, self.referred) {
            (BankEventKind::TransactionReversed, Some(_)) => None,
            _ => self.own,
        };
        own.into_iter().chain(self.referred)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BankEventKind::{TransactionAuthorised as A, TransactionPosted as P, TransactionReversed as R};
    use amana_core::{CustomerId, Shard};
    use amana_gate::Told;
    use std::collections::BTreeMap;

    fn story(state: StoryState, told: u8) -> Story {
        Story {
            shard: Shard(0),
            customer: CustomerId::from_bytes([0; 16]),
            key: [0; 32],
            state,
            told: Told::from_stored([told; 32]),
            at: amana_core::from_micros(0),
            by: None,
        }
    }

    /// Plays events (kind, own id, id referred to, amount) and gives what was said, as (telling, own id).
    fn play(
        events: &[(BankEventKind, &'static str, Option<&'static str>, u8)],
    ) -> Vec<(Telling, &'static str)> {
        let mut told: BTreeMap<&str, Story> = BTreeMap::new();
        let mut said = Vec::new();
        for (kind, own, referred, amount) in events.iter().copied() {
            let before =
                Before { own: told.get(own).cloned(), referred: referred.and_then(|r| told.get(r)).cloned() };
            let keys = Keys {
                own: Some([own.as_bytes()[0]; 32]),
                referred: referred.map(|r| [r.as_bytes()[0]; 32]),
            };
            let state = match next(kind, &before, |story| story.told == Told::from_stored([amount; 32])) {
                Step::Tell(telling, state) => {
                    said.push((telling, own));
                    state
                }
                Step::Remember(state) => state,
                Step::Drop => continue,
            };
            for key in keys.written(kind) {
                let name = if key == [own.as_bytes()[0]; 32] { own } else { referred.expect("referred") };
                told.insert(name, story(state, amount));
            }
        }
        said
    }

    /// Every order of authorised, posted (same or other amount), reversed, with every event again and again: each fact
    /// is told at most once, nothing older after something newer, and the reversal always.
    #[test]
    fn every_order_of_events_is_one_story() {
        let rank = |t: &Telling| match t {
            Telling::New => 0,
            Telling::Changed | Telling::Posted => 1,
            Telling::Reversed => 2,
        };
        for (posted, undone) in [(1u8, "a"), (2, "a"), (1, "p"), (2, "p")] {
            let base = [(A, "a", None, 1u8), (P, "p", Some("a"), posted), (R, "r", Some(undone), posted)];
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let events: Vec<_> =
                    order.iter().flat_map(|i| [*i, *i]).chain(order).map(|i| base[i]).collect();
                let said: Vec<Telling> = play(&events).into_iter().map(|(t, _)| t).collect();
                let undone_first = order[0] == 2 && undone == "p";
                // A reversal that refers to a posting which has not come says nothing of the authorization.
                assert!(
                    undone_first || said.windows(2).all(|w| rank(&w[0]) < rank(&w[1])),
                    "{order:?}: {said:?}"
                );
                assert_eq!(
                    said.iter().filter(|t| **t == Telling::Reversed).count(),
                    1,
                    "{order:?}: {said:?}"
                );
                if order == [0, 1, 2] && posted == 1 {
                    assert_eq!(
                        said,
                        [Telling::New, Telling::Reversed],
                        "a posting alone is no second message"
                    );
                }
            }
        }
    }

    #[test]
    fn a_split_shipment_and_a_refund_are_facts_of_their_own() {
        let said = play(&[
            (A, "a", None, 100),
            (P, "p", Some("a"), 30),
            (P, "q", Some("a"), 70),
            (P, "q", Some("a"), 70),
        ]);
        assert_eq!(said, [(Telling::New, "a"), (Telling::Changed, "p"), (Telling::New, "q")]);
        let said = play(&[(P, "p", None, 50), (P, "f", Some("p"), 50), (P, "f", Some("p"), 50)]);
        assert_eq!(
            said,
            [(Telling::New, "p"), (Telling::New, "f")],
            "the refund of a purchase that had no authorization"
        );
        let said = play(&[(A, "a", None, 9), (P, "a", None, 9), (P, "a", None, 9)]);
        assert_eq!(said, [(Telling::New, "a")], "booked under the same id");
    }
}
