//! How well anybody could do: a reader after the fact who knows the lives' odds to the last figure, each event's true
//! shop, what was given back, what is a copy, and the parts of every shipment. What it does not know is what no bank
//! says: which of several purchases a posting is of. For each posting it believes the hold that is likeliest over all
//! ways in which the whole history can have come about (sampled: Metropolis and Hastings), which is the most that can
//! be had.

use super::life::{Event, Life, Mix, Random};
use super::measure::Figures;
use amana_core::{BankEventKind, Direction};
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400;
/// Days from the purchase to the booking, in a hundred (`Writer::booking`).
const LAGS: [(i64, f64); 5] = [(1, 0.45), (2, 0.30), (3, 0.15), (4, 0.07), (6, 0.03)];
/// Purchases a day, on average.
const PURCHASES: f64 = 2.5;
/// Passes over all postings, of which the first fifth is not counted.
const PASSES: usize = 2_500;
/// What cannot be.
const NEVER: f64 = 1e-12;
/// The first shop of each list in `life.rs`.
const TABLES: usize = 20;
const PUMPS: usize = 24;
const BEDS: usize = 27;
const PARCELS: usize = 30;
const BRANDS: usize = 33;

fn day(second: i64) -> i64 {
    second.div_euclid(DAY)
}

fn lag(days: i64) -> f64 {
    LAGS.iter().find(|(lag, _)| *lag == days).map_or(0.0, |(_, odds)| *odds)
}

struct Hold {
    id: String,
    shop: usize,
    minor: i64,
    at: i64,
}

/// What the postings' times are: the purchase's, its day, or the day of the booking.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Purchase,
    Day,
    Booking,
}

struct Oracle<'a> {
    mix: &'a Mix,
    times: Times,
    holds: Vec<Hold>,
}

impl Oracle<'_> {
    /// The odds of a hold's being booked like this, in days and cents.
    fn booked(&self, hold: &Hold, posting: &Event) -> f64 {
        let (at, booked) = (posting.t.at.as_second(), day(posting.occurred.as_second()));
        let of_day = match self.times {
            Times::Purchase => at == hold.at,
            Times::Day => day(at) == day(hold.at),
            Times::Booking => true,
        };
        if !of_day || hold.shop != posting.shop {
            return 0.0;
        }
        let days = booked - day(hold.at);
        let minor = posting.t.amount.minor;
        let share = |all: std::ops::RangeInclusive<i64>, becomes: &dyn Fn(i64) -> i64| {
            let count = all.clone().count() as f64;
            all.filter(|part| becomes(*part) == minor).count() as f64 / count
        };
        let m = self.mix;
        match hold.shop {
            shop if shop < TABLES => {
                let (same, abroad) = ((m.plain + m.undone + m.raised) as f64, m.foreign as f64);
                let all = same + abroad + m.expired as f64;
                let same = if minor == hold.minor { same } else { 0.0 };
                let abroad = abroad * share(975..=1_025, &|rate| (hold.minor * rate / 1_000).max(1));
                (same + abroad) / all * lag(days)
            }
            shop if shop < PUMPS => lag(days) * share(10..=25, &|tip| hold.minor + hold.minor * tip / 100),
            shop if shop < BEDS => lag(days) * share(1_800..=9_500, &|filled| filled),
            shop if shop < PARCELS => {
                let left: f64 = (1..=12).map(|stay| lag(days - stay)).sum();
                left / 12.0 * share(55..=130, &|part| hold.minor * part / 100)
            }
            shop if shop >= BRANDS && minor == hold.minor => lag(days),
            _ => 0.0,
        }
    }

    /// The odds of a hold's never being booked; what was given back is known and not asked.
    fn never_booked(&self, hold: &Hold) -> f64 {
        let m = self.mix;
        if hold.shop < TABLES {
            m.expired as f64 / (m.plain + m.undone + m.raised + m.foreign + m.expired) as f64
        } else {
            NEVER
        }
    }

    /// How many postings like this one there are a day without having been authorised.
    fn unannounced(&self, posting: &Event) -> f64 {
        let m = self.mix;
        let minor = posting.t.amount.minor;
        if posting.shop >= TABLES {
            return NEVER;
        }
        let cases = m.plain + m.tip + m.fuel + m.lodging + m.split + m.foreign + m.voided + m.expired;
        let cases = cases + m.undone + m.unannounced + m.refund + m.renamed + m.raised;
        let rate = PURCHASES * m.unannounced as f64 / cases as f64;
        let within = |low: i64, high: i64| {
            if (low..=high).contains(&minor) { 1.0 / (high - low + 1) as f64 } else { 0.0 }
        };
        let round = if minor % 500 == 0 { within(2, 60 * 500) * 500.0 } else { 0.0 };
        let price = 0.55 * within(250, 4_000)
            + 0.30 * within(4_000, 12_000)
            + 0.12 * within(12_000, 40_000)
            + 0.03 * round;
        let habit = m.habit as f64 / 1_000.0;
        let of_habit = [475, 625, 1_290].get(posting.shop) == Some(&minor);
        let own = habit * if of_habit { 1.0 / 3.0 } else { 0.0 } + (1.0 - habit) * price / TABLES as f64;
        // At the shop and price of the hold before it.
        let (at, booked) = (posting.t.at.as_second(), day(posting.occurred.as_second()));
        let mut shadow = 0.0;
        let mut days = 0.0;
        for (days_ago, odds) in LAGS {
            let bought = booked - days_ago;
            if self.times != Times::Booking && bought != day(at) {
                continue;
            }
            days += odds;
            let (from, to) = match self.times {
                Times::Purchase => (at, at + 1),
                _ => (bought * DAY + 7 * 3_600, bought * DAY + 22 * 3_600),
            };
            for (i, hold) in self.holds.iter().enumerate() {
                if (hold.shop, hold.minor) != (posting.shop, minor) {
                    continue;
                }
                let next = self.holds.get(i + 1).map_or(i64::MAX, |next| next.at);
                let overlap = (next.min(to) - hold.at.max(from)).max(0);
                shadow += odds * overlap as f64 / (to - from) as f64;
            }
        }
        let share = m.shadow as f64 / 1_000.0;
        (rate * ((1.0 - share) * own * days + share * shadow)).max(NEVER)
    }
}

/// What it believes of one life, against its truth.
pub(super) fn figures(life: &Life, mix: &Mix, seed: u64) -> Figures {
    let first = |kind| life.events.iter().filter(move |e| e.kind == kind && !e.copy);
    let mut by_id: BTreeMap<&str, Hold> = BTreeMap::new();
    for event in first(BankEventKind::TransactionAuthorised) {
        let t = &event.t;
        let hold =
            || Hold { id: t.id.clone(), shop: event.shop, minor: t.amount.minor, at: t.at.as_second() };
        // A hold that was raised is what it was raised to.
        let known = by_id.entry(&t.id).or_insert_with(hold);
        known.minor = known.minor.max(t.amount.minor);
    }
    let postings: Vec<&Event> = first(BankEventKind::TransactionPosted).collect();
    let out: Vec<&Event> = postings.iter().copied().filter(|e| e.t.direction == Direction::Out).collect();
    let on_the_hour = |e: &&Event| e.t.at.as_second().rem_euclid(DAY) == 0;
    let times = if !out.iter().all(on_the_hour) {
        Times::Purchase
    } else if out.iter().all(|e| day(e.t.at.as_second()) == day(e.occurred.as_second())) {
        Times::Booking
    } else {
        Times::Day
    };
    let truth = |e: &Event| e.hold.clone().filter(|hold| *hold != e.t.id);
    let mut figures = Figures { postings: postings.len(), ..Figures::default() };
    figures.true_pairs = postings.iter().filter(|e| truth(e).is_some()).count();
    let of_none = |e: &&&Event| truth(e).is_some() && e.t.reference_id.is_none();
    figures.unnamed[3] = postings.iter().filter(of_none).count();

    let mut gone: BTreeSet<&str> = life.undone.iter().map(String::as_str).collect();
    gone.retain(|id| by_id.contains_key(id));
    let mut open = Vec::new();
    for event in out {
        if event.hold.as_deref() == Some(event.t.id.as_str()) {
            gone.insert(&event.t.id);
        } else if event.shop >= PARCELS && event.shop < BRANDS {
            // Known, by assumption.
            figures.believed += usize::from(truth(event).is_some());
            figures.found += usize::from(truth(event).is_some());
            let unnamed = usize::from(truth(event).is_some() && event.t.reference_id.is_none());
            (figures.unnamed[0], figures.unnamed[1]) =
                (figures.unnamed[0] + unnamed, figures.unnamed[1] + unnamed);
        } else if let Some(named) = event.t.reference_id.as_deref() {
            gone.insert(named);
            figures.believed += 1;
            figures.found += usize::from(truth(event).as_deref() == Some(named));
        } else {
            open.push(event);
        }
    }
    let mut holds: Vec<Hold> = by_id.into_values().collect();
    holds.sort_by_key(|hold| hold.at);
    let oracle = Oracle { mix, times, holds };
    let weights: Vec<(f64, Vec<(usize, f64)>)> = open
        .iter()
        .map(|posting| {
            let fits = oracle.holds.iter().enumerate().filter(|(_, hold)| !gone.contains(hold.id.as_str()));
            let fits = fits.map(|(i, hold)| (i, oracle.booked(hold, posting) / oracle.never_booked(hold)));
            (oracle.unannounced(posting), fits.filter(|(_, weight)| *weight > 0.0).collect())
        })
        .collect();
    let marginals = sample(&weights, oracle.holds.len(), seed);
    for (posting, (counts, (_, fits))) in open.iter().zip(marginals.iter().zip(&weights)) {
        // The first count is that of none.
        let best = (0..counts.len()).max_by_key(|i| counts[*i]).expect("one at least");
        let Some((hold, _)) = best.checked_sub(1).map(|i| fits[i]) else { continue };
        let right = usize::from(truth(posting).as_deref() == Some(oracle.holds[hold].id.as_str()));
        (figures.believed, figures.found) = (figures.believed + 1, figures.found + right);
        (figures.unnamed[0], figures.unnamed[1]) = (figures.unnamed[0] + right, figures.unnamed[1] + 1);
    }
    figures
}

/// How often each posting has none, and each of its holds, over ways in which all of it can have come about, each as
/// often as it is likely.
fn sample(weights: &[(f64, Vec<(usize, f64)>)], holds: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut random = Random::new(seed ^ 0xACE5);
    let mut has: Vec<usize> = vec![0; weights.len()];
    let mut owner: Vec<Option<usize>> = vec![None; holds];
    let mut counts: Vec<Vec<u32>> = weights.iter().map(|(_, fits)| vec![0; fits.len() + 1]).collect();
    let weight = |p: usize, choice: usize| match choice.checked_sub(1) {
        None => weights[p].0,
        Some(i) => weights[p].1[i].1,
    };
    let hold_of = |p: usize, choice: usize| choice.checked_sub(1).map(|i| weights[p].1[i].0);
    for pass in 0..PASSES {
        for p in 0..weights.len() {
            let choices = weights[p].1.len() + 1;
            let new = random.between(0, choices as i64 - 1) as usize;
            let old = has[p];
            if new == old {
                continue;
            }
            let (wanted, mine) = (hold_of(p, new), hold_of(p, old));
            let mut ratio = weight(p, new) / weight(p, old);
            let other = wanted.and_then(|hold| owner[hold]);
            let mut others = None;
            if let Some(q) = other {
                // It takes what this one leaves, if it can.
                let fits = &weights[q].1;
                let theirs = match mine {
                    None => Some(0),
                    Some(mine) => fits.iter().position(|(hold, _)| *hold == mine).map(|i| i + 1),
                };
                let Some(theirs) = theirs else { continue };
                ratio *= weight(q, theirs) / weight(q, has[q]);
                if mine.is_none() {
                    ratio *= choices as f64 / (fits.len() + 1) as f64;
                }
                others = Some((q, theirs));
            }
            if ratio < 1.0 && random.between(0, 1 << 40) as f64 / (1_i64 << 40) as f64 >= ratio {
                continue;
            }
            if let Some(mine) = mine {
                owner[mine] = None;
            }
            if let Some((q, theirs)) = others {
                has[q] = theirs;
                if let Some(hold) = hold_of(q, theirs) {
                    owner[hold] = Some(q);
                }
            }
            has[p] = new;
            if let Some(hold) = wanted {
                owner[hold] = Some(p);
            }
        }
        if pass >= PASSES / 5 {
            for (counts, has) in counts.iter_mut().zip(&has) {
                counts[*has] += 1;
            }
        }
    }
    counts
}
