//! How well postings find their authorizations, and what the customer hears meanwhile.

use super::life::{Life, Mix, life};
use amana_core::{BankEventKind, Timestamp, Transaction};
use amana_pure::{Book, News, Step, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Something that takes events and says what is news.
pub(super) trait Reader {
    fn advance(
        &mut self,
        kind: BankEventKind,
        t: &Transaction,
        occurred: Timestamp,
        now: Timestamp,
    ) -> Verdict;
    fn pairs(&self) -> Vec<(String, String)>;
    /// Whether it still knows a posting: what it forgot it believed to the end.
    fn knows(&self, id: &str) -> bool;
}

impl Reader for Book {
    fn advance(
        &mut self,
        kind: BankEventKind,
        t: &Transaction,
        occurred: Timestamp,
        now: Timestamp,
    ) -> Verdict {
        Book::advance(self, kind, t, occurred, now)
    }
    fn pairs(&self) -> Vec<(String, String)> {
        Book::pairs(self).map(|pair| (pair.posting, pair.hold)).collect()
    }
    fn knows(&self, id: &str) -> bool {
        Book::knows(self, id)
    }
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Figures {
    pub(super) events: usize,
    pub(super) postings: usize,
    pub(super) found: usize,
    pub(super) believed: usize,
    /// Of the wrong ones: two of the same shop and amount, one taken for the other.
    pub(super) swapped: usize,
    pub(super) true_pairs: usize,
    /// Of `found`, `believed`, `swapped` and `true_pairs` those whose posting bears no word of the bank's.
    pub(super) unnamed: [usize; 4],
    /// Purchases, refunds and parts of shipments.
    pub(super) purchases: i64,
    /// Of which the customer never heard.
    pub(super) silent: i64,
    /// Of which the customer heard twice.
    pub(super) twice: i64,
    pub(super) undone: usize,
}

impl Figures {
    pub(super) fn precision(&self) -> f64 {
        self.found as f64 / self.believed.max(1) as f64
    }
    pub(super) fn recall(&self) -> f64 {
        self.found as f64 / self.true_pairs.max(1) as f64
    }
    /// The same, where it is no error to take one of two equal purchases for the other.
    pub(super) fn precision_alike(&self) -> f64 {
        (self.found + self.swapped) as f64 / self.believed.max(1) as f64
    }
    pub(super) fn recall_alike(&self) -> f64 {
        (self.found + self.swapped) as f64 / self.true_pairs.max(1) as f64
    }
    /// Precision, recall, and both where equal purchases are alike, of the pairs that the bank does not name.
    pub(super) fn of_unnamed(&self) -> [f64; 4] {
        let [found, believed, swapped, pairs] = self.unnamed;
        shares(found, believed, swapped, pairs)
    }
    /// The same of those that it names.
    pub(super) fn of_named(&self) -> [f64; 4] {
        let [found, believed, swapped, pairs] = self.unnamed;
        shares(self.found - found, self.believed - believed, self.swapped - swapped, self.true_pairs - pairs)
    }
    pub(super) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.postings += other.postings;
        self.found += other.found;
        self.believed += other.believed;
        self.swapped += other.swapped;
        self.true_pairs += other.true_pairs;
        for (own, more) in self.unnamed.iter_mut().zip(other.unnamed) {
            *own += more;
        }
        self.purchases += other.purchases;
        self.silent += other.silent;
        self.twice += other.twice;
        self.undone += other.undone;
    }
}

fn shares(found: usize, believed: usize, swapped: usize, pairs: usize) -> [f64; 4] {
    let of = |some: usize, all: usize| some as f64 / all.max(1) as f64;
    [of(found, believed), of(found, pairs), of(found + swapped, believed), of(found + swapped, pairs)]
}

pub(super) fn measure<R: Reader>(
    seeds: std::ops::Range<u64>,
    mix: &Mix,
    days: i64,
    new: impl Fn() -> R,
) -> Figures {
    let mut all = Figures::default();
    for seed in seeds {
        all.add(one(&life(seed, mix, days), new()));
    }
    all
}

fn one(life: &Life, mut reader: impl Reader) -> Figures {
    let mut figures = Figures { events: life.events.len(), ..Figures::default() };
    let mut believed: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut truth: BTreeMap<&str, &str> = BTreeMap::new();
    let mut shops: BTreeMap<&str, usize> = BTreeMap::new();
    let mut heard = vec![0; life.news.len()];
    for event in &life.events {
        let verdict = reader.advance(event.kind, &event.t, event.occurred, event.arrives());
        shops.insert(&event.t.id, event.shop);
        if event.kind == BankEventKind::TransactionPosted && !event.copy {
            figures.postings += 1;
            if let Some(hold) = event.hold.as_deref().filter(|hold| *hold != event.t.id) {
                truth.insert(&event.t.id, hold);
            }
        }
        if verdict.step == Step::Tell(News::New) {
            heard[event.shop] += 1;
        }
        for (news, t) in &verdict.again {
            figures.undone += 1;
            if *news == News::New {
                heard[shops[t.id.as_str()]] += 1;
            }
        }
        // What was believed last: the book forgets.
        let pairs: BTreeMap<String, String> = reader.pairs().into_iter().collect();
        for (posting, hold) in &mut believed {
            if let Some(now) = pairs.get(posting) {
                *hold = Some(now.clone());
            } else if reader.knows(posting) {
                *hold = None;
            }
        }
        for (posting, hold) in pairs {
            believed.entry(posting).or_insert(Some(hold));
        }
    }
    let believed: BTreeSet<(&str, &str)> =
        believed.iter().filter_map(|(p, h)| h.as_deref().map(|h| (p.as_str(), h))).collect();
    let truth: BTreeSet<(&str, &str)> = truth.into_iter().collect();
    figures.believed = believed.len();
    figures.true_pairs = truth.len();
    figures.found = believed.intersection(&truth).count();
    let holds: BTreeMap<&str, (usize, i64)> = life
        .events
        .iter()
        .filter(|e| e.kind == BankEventKind::TransactionAuthorised)
        .map(|e| (e.t.id.as_str(), (e.shop, e.t.amount.minor)))
        .collect();
    let by_posting: BTreeMap<&str, &str> = truth.iter().copied().collect();
    // The believed hold is of the same shop and amount as the true one: nobody but the bank could tell them apart.
    let alike = |p: &str, h: &str| by_posting.get(p).is_some_and(|hold| holds.get(hold) == holds.get(h));
    figures.swapped = believed.difference(&truth).filter(|(p, h)| alike(p, h)).count();
    let by_bank: BTreeSet<&str> =
        life.events.iter().filter(|e| e.t.reference_id.is_some()).map(|e| e.t.id.as_str()).collect();
    let unnamed = |pair: &&(&str, &str)| !by_bank.contains(pair.0);
    figures.unnamed = [
        believed.intersection(&truth).filter(unnamed).count(),
        believed.iter().filter(unnamed).count(),
        believed.difference(&truth).filter(unnamed).filter(|(p, h)| alike(p, h)).count(),
        truth.iter().filter(unnamed).count(),
    ];
    for (heard, should) in heard.iter().zip(&life.news) {
        figures.purchases += should;
        figures.silent += (should - heard).max(0);
        figures.twice += (heard - should).max(0);
    }
    figures
}
