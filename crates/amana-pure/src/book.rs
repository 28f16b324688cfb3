//! The book of one account: what a customer was told of its transactions, so that each is told once whatever the bank
//! calls it. A posting is an authorization's if the bank says so; else if amount, shop and days say so.
//!
//! A match without the bank's word is held loosely. Evidence that it was wrong takes it back, and what was silent
//! because of it is told then. Silence needs the same amount at the same shop; whatever differs is said, as a change.
//! Where nothing decides, a customer hears twice of one purchase rather than never of a second.

mod compact;
mod equals;
mod fit;
mod habit;
mod lonely;
mod names;
mod parts;

use crate::limits::{
    BOOK_DAYS, BOOK_IDS_MAX, BOOK_LINES_MAX, BOOK_TEXT_BYTES_MAX, RENAMED_AFTER_SECONDS_MIN,
};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::{BankEventKind, Money, Timestamp, Transaction, TransactionState};
use core::cmp::Reverse;
use fit::{Fit, fit, only_a_day};
use habit::{Days, Habit};
use names::{Trade, alike, other_branch, trade};

/// In which words a transaction is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is heard of for the first time.
    New,
    /// Its amount has changed.
    Changed,
    /// It is booked, under a name that was not said yet.
    Posted,
    /// It is undone.
    Reversed,
}

/// What an event means for what the customer was told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Say it.
    Tell(News),
    /// Nothing new to say, but the book has changed.
    Remember,
    /// Nothing to say and nothing to remember: a duplicate, or news that later news have overtaken.
    Drop,
}

/// What comes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Of the event itself.
    pub step: Step,
    /// What else is news now: earlier transactions that were taken for another one.
    pub again: Vec<(News, Transaction)>,
}

impl Verdict {
    fn only(step: Step) -> Self {
        Self { step, again: Vec::new() }
    }
}

/// A posting and the authorization that it is believed to settle, by the ids under which they came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The posting.
    pub posting: String,
    /// The authorization.
    pub hold: String,
    /// Whether the bank says so.
    pub named: bool,
}

/// The book. Its content is bank data: at rest it is under the customer's key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// What the bank says, with the amount that was authorised.
    facts: Transaction,
    /// The ids under which it came, the first one first.
    ids: Vec<String>,
    /// The amount that was said last.
    told: Money,
    /// When the bank says that it came about.
    occurred: Timestamp,
    /// When it was undone.
    undone: Option<Timestamp>,
    /// The authorization that it settles.
    of: Option<Settles>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Settles {
    hold: String,
    fit: Fit,
}

impl Line {
    fn new(facts: &Transaction, occurred: Timestamp) -> Self {
        let mut facts = facts.clone();
        cut(&mut facts.description);
        if let Some(merchant) = &mut facts.merchant {
            cut(merchant);
        }
        Self {
            ids: Vec::from([facts.id.clone()]),
            told: facts.amount,
            facts,
            occurred,
            undone: None,
            of: None,
        }
    }

    fn id(&self) -> &str {
        self.ids.first().map_or(self.facts.id.as_str(), String::as_str)
    }

    fn is_hold(&self) -> bool {
        self.facts.state == TransactionState::Pending
    }

    /// A posting that was told by itself, and of which nothing is known.
    fn is_untied(&self) -> bool {
        !self.is_hold() && self.of.is_none() && self.undone.is_none() && self.facts.reference_id.is_none()
    }

    fn settles(&self, hold: &str) -> bool {
        self.of.as_ref().is_some_and(|of| of.hold == hold)
    }
}

fn cut(text: &mut String) {
    if text.len() > BOOK_TEXT_BYTES_MAX {
        let end = (0..=BOOK_TEXT_BYTES_MAX).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
}

impl Book {
    /// Whether the book knows a transaction under this id.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// Takes out a transaction of which the customer was never told, and with it what was silent because of it.
    pub fn forget_untold(&mut self, id: &str) {
        let Some(untold) = self.find(id).and_then(|i| self.lines.get(i)).map(|line| String::from(line.id()))
        else {
            return;
        };
        self.lines.retain(|line| line.id() != untold && !line.settles(&untold));
    }

    /// What is believed to settle what.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.lines.iter().filter_map(|line| {
            line.of.as_ref().map(|of| Pair {
                posting: line.id().into(),
                hold: of.hold.clone(),
                named: of.fit == Fit::Named,
            })
        })
    }

    /// The authorization that a posting is believed to settle, by the id under which it came first.
    #[must_use]
    pub fn settled_by(&self, posting: &str) -> Option<&str> {
        let line = self.find(posting).and_then(|i| self.lines.get(i))?;
        line.of.as_ref().map(|of| of.hold.as_str())
    }

    /// Takes an event about a transaction in, which came about at `occurred`, and says what is news of it. Days are
    /// counted from `now`.
    pub fn advance(
        &mut self,
        kind: BankEventKind,
        t: &Transaction,
        occurred: Timestamp,
        now: Timestamp,
    ) -> Verdict {
        let verdict = match kind {
            BankEventKind::TransactionAuthorised => self.authorised(t, occurred),
            BankEventKind::TransactionPosted => {
                let verdict = self.posted(t, occurred);
                self.still_lonely();
                verdict
            }
            BankEventKind::TransactionReversed => self.reversed(t, occurred),
            BankEventKind::BalanceChanged => Verdict::only(Step::Drop),
        };
        self.forget(now);
        verdict
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.ids.iter().any(|known| known == id))
    }

    fn authorised(&mut self, t: &Transaction, occurred: Timestamp) -> Verdict {
        if let Some(line) = self.find(&t.id).and_then(|i| self.lines.get_mut(i)) {
            // A hotel that holds more, a pump that holds less: an update of the hold itself.
            let later = line.is_hold() && line.undone.is_none() && occurred > line.occurred;
            if !later || line.facts.amount == t.amount {
                return Verdict::only(Step::Drop);
            }
            let settled = self.lines.iter().any(|line| line.settles(&t.id));
            let Some(line) = self.find(&t.id).and_then(|i| self.lines.get_mut(i)).filter(|_| !settled) else {
                return Verdict::only(Step::Drop);
            };
            (line.facts.amount, line.told, line.occurred) = (t.amount, t.amount, occurred);
            return Verdict::only(Step::Tell(News::Changed));
        }
        if self.renamed(t, occurred) {
            return Verdict::only(Step::Remember);
        }
        let mut hold = Line::new(t, occurred);
        // The posting overtook it: what it says is old.
        let id = t.id.clone();
        let late =
            self.lines.iter_mut().filter(|line| !line.is_hold() && line.of.is_none()).find_map(|line| {
                let named = line.facts.reference_id.as_deref() == Some(id.as_str())
                    && line.facts.direction == t.direction;
                let fit = if named { Some(Fit::Named) } else { fit(t, &line.facts) };
                let silent = match fit {
                    Some(Fit::Named) => true,
                    Some(Fit::Instant | Fit::Exact) => {
                        occurred < line.occurred && !is_before(line.facts.at, t.at)
                    }
                    _ => false,
                };
                fit.filter(|_| silent).map(|fit| (line, fit))
            });
        let step = match late {
            Some((line, fit)) => {
                hold.told = line.told;
                hold.undone = line.undone;
                line.of = Some(Settles { hold: id, fit });
                Step::Remember
            }
            None => {
                self.overtaken(t);
                Step::Tell(News::New)
            }
        };
        self.lines.push(hold);
        Verdict::only(step)
    }

    fn posted(&mut self, t: &Transaction, occurred: Timestamp) -> Verdict {
        if let Some(i) = self.find(&t.id) {
            return self.booked_under_its_id(i, t, occurred);
        }
        if self.renamed(t, occurred) {
            return Verdict::only(Step::Remember);
        }
        let mut line = Line::new(t, occurred);
        if let Some(i) = t.reference_id.as_deref().and_then(|id| self.find(id)) {
            return self.posted_for(i, line);
        }
        let best = self.best(t, occurred);
        let best = best.and_then(|(i, fit)| Some((String::from(self.lines.get(i)?.id()), fit)));
        let found = match best {
            Some(found) => found,
            None => match self.part(&mut line) {
                Some(step) => {
                    self.lines.push(line);
                    return Verdict::only(step);
                }
                None => match self.lonely(t, occurred).map(|hold| String::from(hold.id())) {
                    Some(hold) => (hold, Fit::Renamed),
                    None => {
                        self.lines.push(line);
                        return Verdict::only(Step::Tell(News::New));
                    }
                },
            },
        };
        let (hold, fit) = found;
        let id = String::from(line.id());
        let (step, again) = self.take(&hold, Settles { hold: hold.clone(), fit }, line);
        self.among_equals(&id, occurred);
        Verdict { step, again }
    }

    /// A posting that the bank books under the id of the authorization.
    fn booked_under_its_id(&mut self, i: usize, t: &Transaction, occurred: Timestamp) -> Verdict {
        let Some(line) = self.lines.get_mut(i) else { return Verdict::only(Step::Drop) };
        if !line.is_hold() || line.undone.is_some() {
            return Verdict::only(Step::Drop);
        }
        let hold: String = line.id().into();
        let told = line.told;
        let ids = core::mem::take(&mut line.ids);
        *line = Line { ids, of: None, ..Line::new(t, occurred) };
        line.facts.state = TransactionState::Posted;
        let again = self.free(&hold);
        let step = if told == t.amount { Step::Remember } else { Step::Tell(News::Changed) };
        Verdict { step, again }
    }

    /// A posting that says which transaction it belongs to, and we know that one.
    fn posted_for(&mut self, i: usize, mut line: Line) -> Verdict {
        let Some(hold) = self.lines.get(i) else { return Verdict::only(Step::Drop) };
        let id: String = hold.id().into();
        // A refund is a fact of its own, and so is what is booked after a purchase that was booked itself.
        if hold.facts.direction != line.facts.direction || !hold.is_hold() {
            if hold.undone.is_some() && hold.facts.direction == line.facts.direction {
                return Verdict::only(Step::Drop);
            }
            self.lines.push(line);
            return Verdict::only(Step::Tell(News::New));
        }
        match hold.undone {
            // The reversal has overtaken it.
            Some(undone) if line.occurred <= undone => return Verdict::only(Step::Drop),
            Some(_) => {
                self.lines.push(line);
                return Verdict::only(Step::Tell(News::New));
            }
            None => {}
        }
        let named = |line: &Line| line.of.as_ref().is_some_and(|of| of.hold == id && of.fit == Fit::Named);
        if let Some(same) = self.same_part(&id, hold.facts.amount, &line) {
            if let Some(known) = self.lines.get_mut(same).filter(|known| known.ids.len() < BOOK_IDS_MAX) {
                known.ids.push(line.facts.id);
            }
            return Verdict::only(Step::Remember);
        }
        if self.lines.iter().any(named) || self.has_room(&id, hold.facts.amount.minor, &line.facts) {
            // The second part of a split shipment.
            line.of = Some(Settles { hold: id.clone(), fit: Fit::Named });
            self.lines.push(line);
            self.complete(&id);
            return Verdict::only(Step::Tell(News::New));
        }
        let (step, again) = self.take(&id.clone(), Settles { hold: id.clone(), fit: Fit::Named }, line);
        // Parts that came before without a name; they were told.
        self.complete(&id);
        Verdict { step, again }
    }

    /// The posting of a hold that comes again under another id: the bank names the same hold for both, everything is
    /// the same, and the hold was for less than both. (Two equal parts of a shipment fit into theirs; those are told.)
    fn same_part(&self, hold: &str, held: Money, again: &Line) -> Option<usize> {
        let named = |line: &Line| line.of.as_ref().is_some_and(|of| of.hold == hold && of.fit == Fit::Named);
        let booked = self.lines.iter().filter(|line| named(line) && line.undone.is_none());
        let all =
            booked.fold(again.facts.amount.minor, |sum, line| sum.saturating_add(line.facts.amount.minor));
        if all <= held.minor {
            return None;
        }
        self.lines.iter().position(|line| {
            let (facts, t) = (&line.facts, &again.facts);
            let apart = again.occurred.as_second().saturating_sub(line.occurred.as_second());
            named(line)
                && line.undone.is_none()
                && (facts.at, facts.amount, facts.direction) == (t.at, t.amount, t.direction)
                && facts.merchant == t.merchant
                && apart >= RENAMED_AFTER_SECONDS_MIN
        })
    }

    /// Gives a hold to a posting; whatever had it finds another one, or is news of its own.
    fn take(&mut self, hold: &str, by: Settles, mut line: Line) -> (Step, Vec<(News, Transaction)>) {
        let freed = self.loosen(hold);
        let fit = by.fit;
        line.of = Some(by);
        let amount = line.facts.amount;
        self.lines.push(line);
        let step = self.say(hold, fit, amount).map_or(Step::Remember, Step::Tell);
        (step, self.resettle(freed))
    }

    /// What is to be said of a hold that is booked with this amount.
    fn say(&mut self, hold: &str, fit: Fit, amount: Money) -> Option<News> {
        let line = self.find(hold).and_then(|i| self.lines.get_mut(i))?;
        let same = line.told == amount;
        line.told = amount;
        match fit {
            _ if !same => Some(News::Changed),
            Fit::Renamed => Some(News::Posted),
            _ => None,
        }
    }

    /// Takes a hold from those who had it without the bank's word, and settles them anew.
    fn free(&mut self, hold: &str) -> Vec<(News, Transaction)> {
        let freed = self.loosen(hold);
        self.resettle(freed)
    }

    fn loosen(&mut self, hold: &str) -> Vec<String> {
        let mut freed = Vec::new();
        for line in &mut self.lines {
            let Some(fit) = line.of.as_ref().filter(|of| of.hold == hold).map(|of| of.fit) else { continue };
            if fit == Fit::Named {
                continue;
            }
            line.of = None;
            // A part was told: there is nothing to make good.
            if fit != Fit::Part {
                freed.push(String::from(line.id()));
            }
        }
        freed
    }

    /// The undo: postings whose hold was another's.
    fn resettle(&mut self, freed: Vec<String>) -> Vec<(News, Transaction)> {
        let mut again = Vec::new();
        for id in freed {
            let line = self.find(&id).and_then(|i| self.lines.get(i));
            let Some((facts, occurred)) = line.map(|line| (line.facts.clone(), line.occurred)) else {
                continue;
            };
            // Only what nobody has: one wrong match must not start a row of others.
            let found = self.best(&facts, occurred).and_then(|(i, fit)| {
                let hold = String::from(self.lines.get(i)?.id());
                (!self.lines.iter().any(|line| line.settles(&hold))).then_some((hold, fit))
            });
            let news = match found {
                Some((hold, fit)) => {
                    let news = self.say(&hold, fit, facts.amount);
                    if let Some(line) = self.find(&id).and_then(|i| self.lines.get_mut(i)) {
                        line.of = Some(Settles { hold, fit });
                    }
                    news
                }
                None => Some(News::New),
            };
            again.extend(news.map(|news| (news, facts)));
        }
        again
    }

    /// The hold that fits a posting best: the strongest evidence, then what is free, then the same branch, then what
    /// the bank's habit says, then the oldest. One that somebody has is taken from them by stronger evidence alone,
    /// or by a far likelier day; and a far likelier day keeps a changed amount.
    fn best(&self, t: &Transaction, booked: Timestamp) -> Option<(usize, Fit)> {
        let habit = Habit::of(self);
        let mut had: BTreeMap<&str, (Fit, &Line)> = BTreeMap::new();
        for line in &self.lines {
            if let Some(of) = &line.of {
                let best = had.entry(of.hold.as_str()).or_insert((of.fit, line));
                if of.fit > best.0 {
                    *best = (of.fit, line);
                }
            }
        }
        self.lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.is_hold() && line.undone.is_none() && line.id() != t.id)
            .filter_map(|(i, line)| {
                let had = had.get(line.id()).copied();
                if had.is_some_and(|(had, _)| had == Fit::Named) {
                    return None;
                }
                // It names another one, which we do not know: only the very second says more than that.
                let fit =
                    fit(&line.facts, t).filter(|fit| t.reference_id.is_none() || *fit == Fit::Instant)?;
                let days = Days::between(&line.facts, t, booked);
                if fit == Fit::Exact && habit.is_strange(days) && trade(&line.facts) != Trade::Lodging {
                    return None;
                }
                let wins = had.is_none_or(|(had, other)| {
                    let theirs = Days::between(&line.facts, &other.facts, other.occurred);
                    match fit {
                        Fit::Exact if had == Fit::Exact => habit.far_likelier(days, theirs),
                        Fit::Exact if had == Fit::Adjusted => !habit.far_likelier(theirs, days),
                        _ => had < fit,
                    }
                });
                let likely = habit.now_or_never(days);
                wins.then_some((i, line, fit, had.is_none(), likely))
            })
            .max_by_key(|(_, line, fit, free, likely)| {
                (*fit, *free, !other_branch(&line.facts, t), *likely, Reverse(line.facts.at))
            })
            .map(|(i, _, fit, ..)| (i, fit))
    }

    fn reversed(&mut self, t: &Transaction, occurred: Timestamp) -> Verdict {
        let own = self.find(&t.id);
        if let Some(line) = own.and_then(|i| self.lines.get(i))
            && (line.undone.is_some() || line.facts.state == TransactionState::Reversed)
        {
            return Verdict::only(Step::Drop);
        }
        let named = t.reference_id.as_deref().and_then(|id| self.find(id));
        let Some(i) = named.or(own).or_else(|| t.reference_id.is_none().then(|| self.undoes(t)).flatten())
        else {
            // What it undoes is not known yet, or no more.
            let mut line = Line::new(t, occurred);
            line.facts.state = TransactionState::Reversed;
            line.undone = Some(occurred);
            line.ids.extend(t.reference_id.clone());
            self.lines.push(line);
            return Verdict::only(Step::Tell(News::Reversed));
        };
        let Some(line) = self.lines.get_mut(i) else { return Verdict::only(Step::Drop) };
        if line.undone.is_some() {
            return Verdict::only(Step::Drop);
        }
        line.undone = Some(occurred);
        if line.ids.len() < BOOK_IDS_MAX && !line.ids.contains(&t.id) {
            line.ids.push(t.id.clone());
        }
        let (id, of) = (String::from(line.id()), line.of.clone());
        let mut again = Vec::new();
        if line.is_hold() {
            // It was given back, so what took it without the bank's word was another purchase.
            again = self.free(&id);
        }
        // What the bank itself joins is undone together.
        for line in &mut self.lines {
            let joined = line.of.as_ref().is_some_and(|of| of.hold == id && of.fit == Fit::Named)
                || of.as_ref().is_some_and(|of| of.fit == Fit::Named && of.hold == line.id());
            if joined && line.undone.is_none() {
                line.undone = Some(occurred);
            }
        }
        Verdict { step: Step::Tell(News::Reversed), again }
    }

    /// What a reversal undoes that names nothing: the newest of that amount and shop, a booked one first.
    fn undoes(&self, t: &Transaction) -> Option<usize> {
        self.lines
            .iter()
            .enumerate()
            .filter(|(_, line)| {
                line.undone.is_none()
                    && line.facts.amount == t.amount
                    && line.facts.at <= t.at
                    && alike(&line.facts, t)
                    && !(line.is_hold() && self.lines.iter().any(|l| l.settles(line.id())))
            })
            .max_by_key(|(_, line)| (line.facts.at == t.at, !line.is_hold(), line.facts.at))
            .map(|(i, _)| i)
    }

    /// Whether a transaction came before under another id: everything the same to the second, and the bank says so
    /// later. Then the new id is one more of its names.
    fn renamed(&mut self, t: &Transaction, occurred: Timestamp) -> bool {
        if only_a_day(t.at) {
            return false;
        }
        let same = self.lines.iter_mut().find(|line| {
            let facts = &line.facts;
            let apart = occurred.as_second().saturating_sub(line.occurred.as_second());
            facts.state == t.state
                && (facts.at, facts.amount, facts.direction) == (t.at, t.amount, t.direction)
                && facts.reference_id == t.reference_id
                && facts.merchant == t.merchant
                && apart >= RENAMED_AFTER_SECONDS_MIN
        });
        let Some(line) = same else { return false };
        if line.ids.len() < BOOK_IDS_MAX {
            line.ids.push(t.id.clone());
        }
        true
    }

    /// Forgets what is too old to matter, and the oldest of too many: what is over first.
    fn forget(&mut self, now: Timestamp) {
        let since = now.as_second().saturating_sub(BOOK_DAYS * 86_400);
        self.lines.retain(|line| line.occurred.as_second() >= since);
        while self.lines.len() > BOOK_LINES_MAX {
            let open = |line: &Line| line.is_hold() && line.undone.is_none();
            let Some((i, _)) =
                self.lines.iter().enumerate().min_by_key(|(_, line)| (open(line), line.occurred))
            else {
                return;
            };
            self.lines.remove(i);
        }
    }
}

/// Whether a posting's time is before its authorization's; of one that is only a day, whether the day is over by then.
fn is_before(posting: Timestamp, hold: Timestamp) -> bool {
    let day = if only_a_day(posting) { 86_400 } else { 0 };
    posting.as_second().saturating_add(day) < hold.as_second()
}
