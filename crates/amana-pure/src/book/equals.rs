//! Equal purchases: which posting is of which, seen together. The customer cannot hear the difference, so it may change
//! with every posting that comes.

use super::fit::{Fit, fit};
use super::habit::{Days, Habit};
use super::names::other_branch;
use super::{Book, Line, Settles};
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::Timestamp;

/// Equal postings, and equal holds, that are looked at together: the newest.
const EQUALS_MAX: usize = 8;
/// Changes that one event may bring.
const CHANGES_MAX: usize = 16;

/// What is chosen from: for each posting its hold, for each of both how likely they belong together.
struct Choice {
    has: Vec<usize>,
    weights: Vec<Vec<Option<u64>>>,
    /// How likely each hold is still to come, should nobody have it.
    open: Vec<u64>,
}

impl Book {
    /// Gives equal postings that have their holds by the same shop and amount to those that are likelier for all.
    pub(super) fn among_equals(&mut self, posting: &str, now: Timestamp) {
        let Some(line) = self.find(posting).and_then(|i| self.lines.get(i)) else { return };
        let loose = |line: &Line| line.of.as_ref().is_some_and(|of| of.fit == Fit::Exact);
        let equal = |other: &&Line| {
            (other.facts.amount, other.facts.direction) == (line.facts.amount, line.facts.direction)
                && other.undone.is_none()
        };
        if !loose(line) {
            return;
        }
        let newest = || self.lines.iter().rev().filter(equal);
        let postings: Vec<&Line> = newest().filter(|other| loose(other)).take(EQUALS_MAX).collect();
        let of_these = |hold: &Line| postings.iter().any(|line| line.settles(hold.id()));
        let free = |hold: &Line| !self.lines.iter().any(|line| line.settles(hold.id()));
        let mut holds: Vec<&Line> = newest().filter(|hold| hold.is_hold() && of_these(hold)).collect();
        holds.extend(newest().filter(|hold| hold.is_hold() && free(hold)).take(EQUALS_MAX));
        // A hold that the book forgot is not at stake.
        let (postings, has): (Vec<&Line>, Vec<usize>) = postings
            .into_iter()
            .filter_map(|line| Some((line, holds.iter().position(|hold| line.settles(hold.id()))?)))
            .unzip();
        if holds.len() < 2 {
            return;
        }
        let habit = Habit::of(self);
        let weight = |posting: &Line, hold: &Line, own: bool| {
            let days = Days::between(&hold.facts, &posting.facts, posting.occurred);
            let fits = fit(&hold.facts, &posting.facts) == Some(Fit::Exact)
                && !habit.is_strange(days)
                && !other_branch(&hold.facts, &posting.facts);
            (fits || own).then(|| habit.weight(days))
        };
        let weights = postings.iter().zip(&has).map(|(posting, has)| {
            holds.iter().enumerate().map(|(i, hold)| weight(posting, hold, i == *has)).collect()
        });
        let mut choice = Choice {
            weights: weights.collect(),
            open: holds.iter().map(|hold| habit.open(&hold.facts, now)).collect(),
            has,
        };
        let changes = (0..CHANGES_MAX).take_while(|_| choice.improve()).count();
        if changes == 0 {
            return;
        }
        let id = |line: &&Line| String::from(line.id());
        let new: Vec<(String, String)> = postings
            .iter()
            .zip(&choice.has)
            .filter_map(|(posting, has)| Some((id(posting), holds.get(*has).map(id)?)))
            .collect();
        for (posting, hold) in new {
            if let Some(line) = self.find(&posting).and_then(|i| self.lines.get_mut(i)) {
                line.of = Some(Settles { hold, fit: Fit::Exact });
            }
        }
    }
}

impl Choice {
    fn weight(&self, posting: usize, hold: usize) -> Option<u128> {
        self.weights.get(posting)?.get(hold).copied().flatten().map(u128::from)
    }

    fn open(&self, hold: usize) -> Option<u128> {
        self.open.get(hold).copied().map(u128::from)
    }

    /// Makes one change for the likelier: two postings change places, or one goes to a hold that nobody has.
    fn improve(&mut self) -> bool {
        for (one, mine) in self.has.clone().into_iter().enumerate() {
            for hold in 0..self.open.len() {
                let other = self.has.iter().position(|has| *has == hold);
                if hold == mine || !self.is_better(one, mine, hold, other).unwrap_or(false) {
                    continue;
                }
                if let Some(theirs) = other.and_then(|other| self.has.get_mut(other)) {
                    *theirs = mine;
                }
                if let Some(has) = self.has.get_mut(one) {
                    *has = hold;
                }
                return true;
            }
        }
        false
    }

    fn is_better(&self, one: usize, mine: usize, hold: usize, other: Option<usize>) -> Option<bool> {
        let (before, after) = match other {
            Some(other) => (
                self.weight(one, mine)? * self.weight(other, hold)?,
                self.weight(one, hold)? * self.weight(other, mine)?,
            ),
            None => (self.weight(one, mine)? * self.open(hold)?, self.weight(one, hold)? * self.open(mine)?),
        };
        // By a tenth at least: what is as good stays.
        Some(after / 11 > before / 10)
    }
}
