//! A bank's event: is there something new to say, may it be said, and then how.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::EVENT_AGE_DAYS_MAX;
use crate::sealed::BankWork;
use crate::worker::{Effects, Trouble};
use amana_chat::{Story as Telling, UPDATE, UpdateArgs};
use amana_core::{Address, BankEventKind, Cluster, Clusters, Lang};
use amana_gate::{Disclosure, Refusal, purpose};
use amana_store::{Command, Customer, InboxRow, LinkState, Story, StoryState};

/// What an event means for what the customer was told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Say it.
    Tell(Telling, StoryState),
    /// Nothing new to say, but remember how far it has come.
    Remember(StoryState),
    /// Nothing to say and nothing to remember: a duplicate, or news that later news have overtaken.
    Drop,
}

/// The story of a transaction: authorised once, booked without a second message unless something changed, undone once.
/// Whatever order the events come in, the customer hears each fact at most once, and never an older one after a newer.
fn next(kind: BankEventKind, told: Option<&Story>, fingerprint: &[u8; 32]) -> Step {
    use StoryState::{Authorised, Posted, Reversed};
    match (kind, told.map(|s| s.state)) {
        (BankEventKind::TransactionAuthorised, None) => Step::Tell(Telling::New, Authorised),
        (BankEventKind::TransactionPosted | BankEventKind::BalanceChanged, None) => {
            Step::Tell(Telling::New, Posted)
        }
        (BankEventKind::TransactionPosted, Some(Authorised)) => {
            if told.is_some_and(|s| s.told == *fingerprint) {
                Step::Remember(Posted)
            } else {
                Step::Tell(Telling::Changed, Posted)
            }
        }
        (BankEventKind::TransactionReversed, None | Some(Authorised | Posted)) => {
            Step::Tell(Telling::Reversed, Reversed)
        }
        (BankEventKind::BalanceChanged, Some(_)) if told.is_some_and(|s| s.told != *fingerprint) => {
            Step::Tell(Telling::New, Posted)
        }
        _ => Step::Drop,
    }
}

impl Gateway {
    pub(crate) async fn on_bank(&self, row: &InboxRow) -> Result<Effects, Trouble> {
        let Some(work) = self.open_bank(row).await? else { return Ok(Vec::new()) };
        if work.link.state != LinkState::Active {
            return Ok(Vec::new());
        }
        let key = story_key(&work.customer, &work);
        let told = self.store.story(work.link.shard, work.customer.id, &key).await?;
        let fingerprint = work.body.fingerprint(&work.customer.key);
        if work.event.kind == BankEventKind::BalanceChanged
            && told.as_ref().is_some_and(|s| s.at >= work.event.occurred)
        {
            // A balance that an already told one has overtaken.
            return Ok(Vec::new());
        }
        let step = next(work.event.kind, told.as_ref(), &fingerprint);
        let (state, telling) = match step {
            Step::Drop => return Ok(Vec::new()),
            Step::Remember(state) => (state, None),
            Step::Tell(state, _) if self.too_old(&work) => {
                tracing::info!(position = row.position, ?state, "an event is too old to be news");
                return Ok(Vec::new());
            }
            Step::Tell(telling, state) => (state, Some(telling)),
        };
        let story = Story {
            shard: work.link.shard,
            customer: work.customer.id,
            key,
            state,
            told: fingerprint,
            at: work.event.occurred,
        };
        let Some(telling) = telling else { return Ok(vec![Command::PutStory(story)]) };

        let shard = work.link.shard;
        let customer = work.customer.id;
        match self.tell(&work, telling).await? {
            Ok(disclosure) => {
                Ok(vec![Command::Disclose { shard, disclosure, at: self.now() }, Command::PutStory(story)])
            }
            // A refusal is on record, and leaves no story: should the customer allow it later, the posting is news.
            Err(refusal) => {
                metrics::counter!("amana_denials_total", "reason" => refusal.denial.as_str()).increment(1);
                Ok(vec![Command::Record { shard, customer, receipt: refusal.receipt }])
            }
        }
    }

    async fn tell(
        &self,
        work: &BankWork,
        telling: Telling,
    ) -> Result<Result<Disclosure, Box<Refusal>>, FlowError> {
        let institution = self.institution(&work.link.institution)?;
        let conversation = work.link.conversation();
        let lang = self.store.conversation(&conversation).await?.map_or(Lang::English, |c| c.lang);
        let gathered = self.gather(&work.link).await?;
        let recipient = Address { channel: work.link.channel.clone(), psid: work.link.psid.clone() };
        let context = self.render_context(institution, lang);
        let accounts = [work.event.account.clone()];
        let args = UpdateArgs { story: telling, account: None };
        let policy = &*institution.policy;
        let message = self.message_id();
        let (facts, body, key) = (gathered.facts(), &work.body, &*work.customer.key);
        Ok(match work.event.kind {
            BankEventKind::BalanceChanged => self.gate.disclose::<purpose::BalanceUpdate, _, _>(
                &facts,
                policy,
                body,
                (&accounts, Clusters::of(&[Cluster::Balances])),
                &recipient,
                &UPDATE,
                &args,
                &context,
                self.encode.0,
                message,
                key,
                &*self.entropy,
            ),
            _ => self.gate.disclose::<purpose::TransactionUpdate, _, _>(
                &facts,
                policy,
                body,
                (&accounts, Clusters::of(&[Cluster::Transactions])),
                &recipient,
                &UPDATE,
                &args,
                &context,
                self.encode.0,
                message,
                key,
                &*self.entropy,
            ),
        })
    }

    fn too_old(&self, work: &BankWork) -> bool {
        let age = self.now().as_second().saturating_sub(work.event.occurred.as_second());
        age > EVENT_AGE_DAYS_MAX * 86_400
    }
}

/// The key of a story: a MAC of the transaction that it began with, so that the store holds no transaction id in clear.
fn story_key(customer: &Customer, work: &BankWork) -> [u8; 32] {
    let event = &work.event;
    let account = event.account.as_str().as_bytes();
    match event.kind {
        BankEventKind::BalanceChanged => customer.key.mac(&[b"story balance", account]),
        _ => {
            let first = event.reference_id.as_ref().or(event.transaction_id.as_ref()).map_or("", |id| id);
            customer.key.mac(&[b"story transaction", account, first.as_bytes()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{CustomerId, Shard};

    fn story(state: StoryState, told: u8) -> Story {
        Story {
            shard: Shard(0),
            customer: CustomerId::from_bytes([0; 16]),
            key: [0; 32],
            state,
            told: [told; 32],
            at: amana_core::from_micros(0),
        }
    }

    /// Every order of authorised, posted (same or other amount), reversed, with every event twice: each fact is told at
    /// most once, nothing older after something newer.
    #[test]
    fn every_order_of_events_is_one_story() {
        use BankEventKind::{TransactionAuthorised as A, TransactionPosted as P, TransactionReversed as R};
        let rank = |t: Telling| match t {
            Telling::New => 0,
            Telling::Changed | Telling::Posted => 1,
            Telling::Reversed => 2,
        };
        for posted_amount in [1u8, 2] {
            let base = [(A, 1u8), (P, posted_amount), (R, posted_amount)];
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let mut told: Option<Story> = None;
                let mut said = Vec::new();
                for i in order.iter().flat_map(|i| [*i, *i]).chain(order) {
                    let (kind, amount) = base[i];
                    match next(kind, told.as_ref(), &[amount; 32]) {
                        Step::Tell(telling, state) => {
                            said.push(telling);
                            told = Some(story(state, amount));
                        }
                        Step::Remember(state) => told = Some(story(state, amount)),
                        Step::Drop => {}
                    }
                }
                assert!(said.windows(2).all(|w| rank(w[0]) < rank(w[1])), "{order:?}: {said:?}");
                assert_eq!(said.last(), Some(&Telling::Reversed), "{order:?}");
                if order == [0, 1, 2] && posted_amount == 1 {
                    assert_eq!(
                        said,
                        [Telling::New, Telling::Reversed],
                        "a posting alone is no second message"
                    );
                }
            }
        }
    }
}
