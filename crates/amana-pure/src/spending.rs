//! What was spent: a sum for each currency, of purchases less refunds.

use crate::{normalise, own};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::{AccountId, Currency, Direction, Money, Transaction, TransactionState};

/// The sum in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Purchases and payments out, never negative.
    pub out: Money,
    /// Refunds, never negative.
    pub refunded: Money,
    /// How many payments out.
    pub count: usize,
    /// How many refunds.
    pub refunds: usize,
}

impl Total {
    /// What was spent after refunds; negative if more came back.
    #[must_use]
    pub fn net(&self) -> Money {
        Money::new(self.out.minor.saturating_sub(self.refunded.minor), self.out.currency)
    }
}

/// The sums of a page for each currency, the most used first.
///
/// Counted: money out, pending or booked. Not counted: what was undone, an authorization whose posting is there too,
/// memo lines, and money that came and is no refund. Money that came is a refund if it refers to a payment of the page
/// or comes from a shop that was paid on it; so salary is none.
#[must_use]
pub fn totals(rows: &[&Transaction]) -> Vec<Total> {
    spent(rows, false).totals
}

/// What was spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The sum of each currency, the most used first.
    pub totals: Vec<Total>,
    /// How many payments stayed the customer's own and are not in the sums.
    pub own: usize,
}

/// The sums; `without_own` leaves out what only changed the customer's own pockets.
#[must_use]
pub fn spent(rows: &[&Transaction], without_own: bool) -> Spent {
    let by_id: BTreeMap<&str, &Transaction> = rows.iter().map(|t| (t.id.as_str(), *t)).collect();
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    let mut refunds: BTreeSet<&str> = BTreeSet::new();
    for t in rows {
        if t.state == TransactionState::Reversed {
            gone.insert(&t.id);
        }
        let Some(earlier) = t.reference_id.as_deref().and_then(|id| by_id.get(id)) else { continue };
        if t.state == TransactionState::Reversed || t.direction == earlier.direction {
            gone.insert(&earlier.id);
        } else if t.direction == Direction::In {
            refunds.insert(&t.id);
        }
    }
    let mut counted: Vec<&Transaction> =
        rows.iter().copied().filter(|t| !gone.contains(t.id.as_str())).collect();
    let mut left_out = 0;
    if without_own {
        // A shop pays back to the account that paid it; a transfer arrives on another.
        let bought: BTreeSet<(&AccountId, String)> = counted
            .iter()
            .filter(|t| t.direction == Direction::Out)
            .filter_map(|t| Some((&t.account, shop(t)?)))
            .collect();
        let own = own::own(&counted, |t| {
            refunds.contains(t.id.as_str()) || shop(t).is_some_and(|s| bought.contains(&(&t.account, s)))
        });
        left_out = counted
            .iter()
            .enumerate()
            .filter(|(i, t)| t.direction == Direction::Out && own.contains(i))
            .count();
        counted = counted.into_iter().enumerate().filter(|(i, _)| !own.contains(i)).map(|(_, t)| t).collect();
    }
    let paid: BTreeSet<String> =
        counted.iter().filter(|t| t.direction == Direction::Out).filter_map(|t| shop(t)).collect();

    let mut totals: Vec<Total> = Vec::new();
    for t in counted {
        let refund = t.direction == Direction::In
            && (refunds.contains(t.id.as_str()) || shop(t).is_some_and(|s| paid.contains(&s)));
        if t.direction != Direction::Out && !refund {
            continue;
        }
        let at = totals.iter().position(|total| total.out.currency == t.amount.currency);
        let at = at.unwrap_or_else(|| {
            totals.push(empty(t.amount.currency));
            totals.len() - 1
        });
        let Some(total) = totals.get_mut(at) else { continue };
        let (sum, count) = if refund {
            (&mut total.refunded, &mut total.refunds)
        } else {
            (&mut total.out, &mut total.count)
        };
        sum.minor = sum.minor.saturating_add(t.amount.minor);
        *count += 1;
    }
    totals.sort_by_key(|t| core::cmp::Reverse(t.count + t.refunds));
    Spent { totals, own: left_out }
}

fn empty(currency: Currency) -> Total {
    let zero = Money::new(0, currency);
    Total { out: zero, refunded: zero, count: 0, refunds: 0 }
}

fn shop(t: &Transaction) -> Option<String> {
    t.merchant.as_deref().map(normalise).filter(|s| !s.is_empty())
}
