//! How long a bank takes to book: its habit, read off the pairs in the book itself, so that no bank's is built in.

use super::fit::Fit;
use super::{Book, Line};
use alloc::collections::BTreeMap;
use amana_core::{Timestamp, Transaction};

/// Pairs from which on a habit is known well enough to say that something is not the bank's way.
const PAIRS_MIN: u64 = 40;
/// What one pair weighs beside what is thought of a bank of which nothing is known.
const PAIR: u64 = 1_000;
/// Of so many holds one is never booked.
const NEVER_ONE_IN: u64 = 50;
/// By how much one of two postings must be likelier to take a hold from the other.
const FAR_LIKELIER: u64 = 20;

/// Days from a purchase to the posting's own time and to its arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Days {
    /// None at all where it is the very second; else one more than the days.
    written: i64,
    booked: i64,
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

impl Days {
    pub(super) fn between(hold: &Transaction, posting: &Transaction, booked: Timestamp) -> Self {
        let apart = day(posting.at).saturating_sub(day(hold.at));
        let written = match apart {
            _ if posting.at == hold.at => 0,
            0.. => apart.saturating_add(1),
            early => early,
        };
        Self { written, booked: day(booked).saturating_sub(day(hold.at)) }
    }
}

/// How many pairs took how long.
#[derive(Default)]
pub(super) struct Habit {
    pairs: BTreeMap<Days, u64>,
    all: u64,
}

impl Habit {
    pub(super) fn of(book: &Book) -> Self {
        let mut habit = Self::default();
        let holds: BTreeMap<&str, &Line> =
            book.lines.iter().filter(|line| line.is_hold()).map(|line| (line.id(), line)).collect();
        for line in &book.lines {
            let Some(of) = &line.of else { continue };
            let Some(hold) = holds.get(of.hold.as_str()) else { continue };
            if matches!(of.fit, Fit::Named | Fit::Instant | Fit::Exact)
                && hold.facts.amount == line.facts.amount
            {
                let days = Days::between(&hold.facts, &line.facts, line.occurred);
                *habit.pairs.entry(days).or_default() += 1;
                habit.all += 1;
            }
        }
        habit
    }

    /// How likely a booking after so many days is, in no unit.
    pub(super) fn weight(&self, days: Days) -> u64 {
        let seen = self.pairs.get(&days).copied().unwrap_or_default();
        seen.saturating_mul(PAIR).saturating_add(unknown(days))
    }

    /// The same of a hold that was not booked before: the odds that it is now, in a million.
    pub(super) fn now_or_never(&self, days: Days) -> u64 {
        let rest = self.later(days.booked);
        self.weight(days).saturating_mul(1_000_000) / rest.max(1)
    }

    /// How likely it is that a hold of which nothing is booked by now was to be left so, or still comes.
    pub(super) fn open(&self, hold: &Transaction, now: Timestamp) -> u64 {
        self.later(day(now).saturating_sub(day(hold.at)).saturating_add(1))
    }

    /// How likely a booking after so many days or more is, or none.
    fn later(&self, days: i64) -> u64 {
        let later: u64 = self.pairs.iter().filter(|(of, _)| of.booked >= days).map(|(_, n)| *n).sum();
        let unknown: u64 = UNKNOWN.iter().skip(usize::try_from(days).unwrap_or_default()).sum();
        let all = self.all.saturating_mul(PAIR).saturating_add(UNKNOWN.iter().sum());
        later.saturating_mul(PAIR).saturating_add(unknown).saturating_add(all / NEVER_ONE_IN)
    }

    /// Whether this bank never booked like that, of many: twice as late as the latest, or of another day where it
    /// writes the purchase's.
    pub(super) fn is_strange(&self, days: Days) -> bool {
        let written = || self.pairs.keys().map(|days| days.written);
        let (Some(first), Some(last)) = (written().min(), written().max()) else { return false };
        let last = if last > 1 { last.saturating_mul(2) } else { last };
        self.all >= PAIRS_MIN && !(first..=last).contains(&days.written)
    }

    /// Whether one is so much likelier than the other that it outdoes what seems a match.
    pub(super) fn far_likelier(&self, one: Days, other: Days) -> bool {
        self.weight(one) > self.weight(other).saturating_mul(FAR_LIKELIER)
    }
}

/// What is thought of a bank of which nothing is known, by days until the booking: the next days, hardly after a week.
const UNKNOWN: [u64; 9] = [900, 900, 600, 300, 120, 40, 12, 4, 1];

/// The same of a posting: it bears the time of the purchase or that of the booking.
fn unknown(days: Days) -> u64 {
    let soon = usize::try_from(days.booked).ok().and_then(|days| UNKNOWN.get(days)).copied().unwrap_or(1);
    let usual = days.written == 0 || days.written == 1 || days.written == days.booked.saturating_add(1);
    if usual { soon } else { (soon / 8).max(1) }
}
