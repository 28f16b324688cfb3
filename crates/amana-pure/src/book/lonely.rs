//! A brand and the company behind it: names that say nothing of each other, at an amount of which there is one
//! authorization and one posting.

use super::fit::{Fit, is_round, may_be_renamed};
use super::habit::{Days, Habit};
use super::names::alike;
use super::{Book, Line, Settles};
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::{Timestamp, Transaction};

impl Book {
    /// The hold of a posting's amount, if nobody has it, and no other hold and no other posting wait at this amount.
    pub(super) fn lonely(&self, t: &Transaction, booked: Timestamp) -> Option<&Line> {
        if is_round(t) || t.reference_id.is_some() {
            return None;
        }
        let equal = |line: &&Line| (line.facts.amount, line.facts.direction) == (t.amount, t.direction);
        let mut holds = self.lines.iter().filter(equal).filter(|line| {
            line.is_hold()
                && line.undone.is_none()
                && may_be_renamed(&line.facts, t)
                && !self.lines.iter().any(|other| other.settles(line.id()))
        });
        let hold = holds.next()?;
        let others = self.lines.iter().filter(equal).any(|line| {
            line.is_untied() && line.facts.id != t.id && may_be_renamed(&hold.facts, &line.facts)
        });
        let alone = holds.next().is_none() && !others && !alike(&hold.facts, t);
        let usual = || !Habit::of(self).is_strange(Days::between(&hold.facts, t, booked));
        (alone && usual()).then_some(hold)
    }

    /// Looks once more at the postings that were told by themselves, when another one has found its hold.
    pub(super) fn still_lonely(&mut self) {
        let untied = self.lines.iter().filter(|line| line.is_untied());
        let found: Vec<(String, String)> = untied
            .filter_map(|line| Some((line.id().into(), self.lonely(&line.facts, line.occurred)?.id().into())))
            .collect();
        for (posting, hold) in found {
            if let Some(line) = self.find(&posting).and_then(|i| self.lines.get_mut(i)) {
                // It was told.
                line.of = Some(Settles { hold, fit: Fit::Part });
            }
        }
    }
}
