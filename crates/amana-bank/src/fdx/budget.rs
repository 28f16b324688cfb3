//! How many calls a day a connection makes: they cost money, and banks count those for which no customer waits.

use crate::bank::Actor;
use crate::error::BankErrorClass;
use crate::limits;
use crate::profile::Budget;
use crate::tokens::Tokens;
use amana_core::{CustomerId, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const DAY_S: i64 = 86_400;

/// Who pays for a call: a connection, that is one link's grant. Two chats of one customer have a budget each, as they
/// have a grant each at the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Payer([u8; 16]);

impl Payer {
    /// The link of the tokens; the customer while there is no link yet.
    pub(crate) fn of(tokens: &Tokens, customer: CustomerId) -> Self {
        Self(tokens.connection.map_or(*customer.as_bytes(), |link| *link.as_bytes()))
    }
}

/// What one connection has spent on a day.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    day: i64,
    calls: u32,
    batch: u32,
}

/// What each connection has spent today (UTC). In memory: a restart begins anew, so the bound is one of this process.
#[derive(Default)]
pub(crate) struct Spending(Mutex<HashMap<Payer, Spent>>);

impl Spending {
    /// Takes one call from the budget.
    ///
    /// # Errors
    /// `Wait` until midnight when it is spent. The customer's own questions are never refused because of calls for
    /// which nobody waited: those have a share of their own.
    pub(crate) fn take(
        &self,
        budget: Budget,
        payer: Payer,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), BankErrorClass> {
        let day = now.as_second().div_euclid(DAY_S);
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= limits::CONNECTIONS_COUNTED_MAX && !spent.contains_key(&payer) {
            spent.retain(|_, spent| spent.day == day);
        }
        let mine = spent.entry(payer).or_default();
        if mine.day != day {
            *mine = Spent { day, ..Spent::default() };
        }
        let over = |count: u32, most: u32| most > 0 && count >= most;
        if over(mine.calls, budget.calls) || (actor == Actor::Batch && over(mine.batch, budget.batch_calls)) {
            let left = DAY_S.saturating_sub(now.as_second().rem_euclid(DAY_S));
            return Err(BankErrorClass::Wait {
                what: "the connection's calls of today are spent",
                retry_after: Some(Duration::from_secs(u64::try_from(left).unwrap_or_default())),
            });
        }
        mine.calls = mine.calls.saturating_add(1);
        if actor == Actor::Batch {
            mine.batch = mine.batch.saturating_add(1);
        }
        Ok(())
    }

    /// The calls for which nobody waited that a connection has made today.
    pub(crate) fn batch(&self, payer: Payer, now: Timestamp) -> u32 {
        let spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now.as_second().div_euclid(DAY_S);
        spent.get(&payer).filter(|spent| spent.day == day).map_or(0, |spent| spent.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_calls_have_a_share_of_their_own_and_a_new_day_a_new_budget() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let (spending, budget) = (Spending::default(), Budget { calls: 3, batch_calls: 1 });
        let (one, other) = (Payer([1; 16]), Payer([2; 16]));
        let noon = at("2026-11-24T12:00:00Z");
        let take = |who, actor, at| spending.take(budget, who, actor, at);
        assert_eq!(take(one, Actor::Batch, noon), Ok(()));
        let Err(BankErrorClass::Wait { retry_after, .. }) = take(one, Actor::Batch, noon) else {
            panic!("the second batch call is one too many");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(12 * 3600)), "until midnight");
        assert_eq!(take(one, Actor::User, noon), Ok(()));
        assert_eq!(take(one, Actor::User, noon), Ok(()));
        assert!(take(one, Actor::User, noon).is_err(), "three calls in all");
        assert_eq!(take(other, Actor::User, noon), Ok(()), "each connection for itself");
        assert_eq!((spending.batch(one, noon), spending.batch(other, noon)), (1, 0));
        assert_eq!(take(one, Actor::Batch, at("2026-11-25T00:00:00Z")), Ok(()));
        for _ in 0..1_000 {
            assert_eq!(spending.take(Budget::default(), one, Actor::Batch, noon), Ok(()), "no bound");
        }
    }
}
