//! The parts of a shipment: one hold, several postings, and no word of the bank's about it. A part is news of its own
//! whatever it is a part of, so that a later look may give it to another hold without a word.

use super::fit::{Fit, fit};
use super::names::alike;
use super::{Book, Line, News, Settles, Step};
use crate::limits::{EXACT_DAYS_MAX, PARTS_MAX};
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::Transaction;
use core::cmp::Reverse;

impl Book {
    /// Finds the hold of which a posting is a part, and says what to say. Best is one that it makes whole, with others
    /// that were told as new if need be: then all that was said adds up. Else one of which others have a part.
    pub(super) fn part(&mut self, line: &mut Line) -> Option<Step> {
        let open = self.lines.iter().filter(|hold| hold.is_hold() && hold.undone.is_none());
        let found = open
            .filter(|hold| may_be_part(&line.facts, &hold.facts))
            .filter_map(|hold| {
                let (booked, parts, strong) = self.booked(hold.id())?;
                let rest =
                    hold.facts.amount.minor.checked_sub(booked)?.checked_sub(line.facts.amount.minor)?;
                let whole = match rest {
                    0 if parts > 0 => Some(Vec::new()),
                    _ => self.parts(&hold.facts, hold.id(), rest),
                };
                let fits = whole.is_some() || (rest >= 0 && strong);
                fits.then(|| (String::from(hold.id()), whole, parts, hold.facts.at))
            })
            .max_by_key(|(_, whole, _, at)| {
                (*at == line.facts.at, whole.is_some(), *at <= line.facts.at, {
                    // The nearest.
                    Reverse(line.facts.at.as_second().abs_diff(at.as_second()))
                })
            });
        let (hold, whole, parts, _) = found?;
        let last = whole.is_some() && parts == 0;
        self.join(&whole.unwrap_or_default(), &hold);
        if last {
            // The hold becomes this last part.
            line.of = Some(Settles { hold: hold.clone(), fit: Fit::Adjusted });
            return self.say(&hold, Fit::Adjusted, line.facts.amount).map(Step::Tell);
        }
        line.of = Some(Settles { hold, fit: Fit::Part });
        Some(Step::Tell(News::New))
    }

    /// What is booked of a hold in parts: how much, in how many, and whether one of them is beyond doubt. `None` if it
    /// is booked otherwise.
    fn booked(&self, hold: &str) -> Option<(i64, usize, bool)> {
        self.lines.iter().filter(|line| line.settles(hold)).try_fold(
            (0_i64, 0, false),
            |(sum, parts, strong), line| {
                let fit = line.of.as_ref()?.fit;
                let sum = sum.checked_add(line.facts.amount.minor)?;
                let part = matches!(fit, Fit::Named | Fit::Moment | Fit::Part);
                part.then_some((
                    sum,
                    parts + 1,
                    strong || fit != Fit::Part || line.facts.at == self.at(hold)?,
                ))
            },
        )
    }

    /// Whether another posting fits into a hold beside those that have it by the bank's word or the very second.
    pub(super) fn has_room(&self, hold: &str, held: i64, t: &Transaction) -> bool {
        self.booked(hold).is_some_and(|(booked, parts, strong)| {
            parts > 0 && strong && booked.checked_add(t.amount.minor).is_some_and(|all| all <= held)
        })
    }

    /// Gives what came before to a hold that they make whole.
    pub(super) fn complete(&mut self, hold: &str) {
        let Some(facts) = self.find(hold).and_then(|i| self.lines.get(i)).map(|line| line.facts.clone())
        else {
            return;
        };
        let rest = self.booked(hold).and_then(|(booked, ..)| facts.amount.minor.checked_sub(booked));
        if let Some(parts) = rest.and_then(|rest| self.parts(&facts, hold, rest)) {
            self.join(&parts, hold);
        }
    }

    /// Gives what was booked of a hold at its very second, and was told, to it when it comes late.
    pub(super) fn overtaken(&mut self, hold: &Transaction) {
        let at_once = |line: &Line| line.is_untied() && fit(hold, &line.facts) == Some(Fit::Moment);
        let mut parts: Vec<&Line> = self.lines.iter().filter(|line| at_once(line)).collect();
        let all = parts.iter().fold(0_i64, |sum, line| sum.saturating_add(line.facts.amount.minor));
        if parts.len() > 1 && all > hold.amount.minor {
            parts.clear();
        }
        let parts: Vec<String> = parts.into_iter().map(|line| line.id().into()).collect();
        self.join(&parts, &hold.id);
    }

    /// Postings that were told by themselves and together make exactly `rest` of this hold.
    fn parts(&self, hold: &Transaction, id: &str, rest: i64) -> Option<Vec<String>> {
        if rest <= 0 {
            return None;
        }
        let parts: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| line.is_untied() || self.is_loose_part(line, id))
            .filter(|line| line.facts.amount.minor <= rest && may_be_part(&line.facts, hold))
            .take(PARTS_MAX * 2)
            .collect();
        adds_up(&parts, rest)
    }

    /// Whether a posting is a part of another hold that is not whole with it.
    fn is_loose_part(&self, line: &Line, hold: &str) -> bool {
        let Some(of) = line.of.as_ref().filter(|of| of.fit == Fit::Part && of.hold != hold) else {
            return false;
        };
        let Some(other) = self.find(&of.hold).and_then(|i| self.lines.get(i)) else { return true };
        self.booked(&of.hold).is_some_and(|(booked, ..)| booked != other.facts.amount.minor)
            && other.facts.at != line.facts.at
    }

    fn at(&self, id: &str) -> Option<amana_core::Timestamp> {
        self.find(id).and_then(|i| self.lines.get(i)).map(|line| line.facts.at)
    }

    fn join(&mut self, parts: &[String], hold: &str) {
        for line in &mut self.lines {
            if parts.iter().any(|part| part == line.id()) {
                line.of = Some(Settles { hold: hold.into(), fit: Fit::Part });
            }
        }
    }
}

/// Whether a posting may be of this hold as far as everything but the amount goes.
fn may_be_part(t: &Transaction, hold: &Transaction) -> bool {
    let apart = t.at.as_second().saturating_sub(hold.at.as_second());
    t.direction == hold.direction
        && t.amount.currency == hold.amount.currency
        && (-86_400..=EXACT_DAYS_MAX * 86_400).contains(&apart)
        && alike(t, hold)
}

/// The ids of the lines whose amounts make exactly `rest`: at most one less than [`PARTS_MAX`] of them, fewest first.
fn adds_up(lines: &[&Line], rest: i64) -> Option<Vec<String>> {
    let mut sets: Vec<u32> = (1..1_u32 << lines.len().min(10)).collect();
    sets.sort_by_key(|set| set.count_ones());
    sets.into_iter().take_while(|set| (set.count_ones() as usize) < PARTS_MAX).find_map(|set| {
        let chosen = lines.iter().enumerate().filter(|(i, _)| set & (1 << *i) != 0).map(|(_, line)| *line);
        let sum = chosen.clone().try_fold(0_i64, |sum, line| sum.checked_add(line.facts.amount.minor))?;
        (sum == rest).then(|| chosen.map(|line| String::from(line.id())).collect())
    })
}
