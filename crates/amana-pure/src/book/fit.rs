//! How well a posting fits an authorization.

use super::names::{Trade, alike, trade};
use crate::limits::{
    ADJUSTED_DAYS_MAX, CLOCKS_DIFFER_SECONDS_MAX, DAYS_DIFFER_SECONDS_MAX, EXACT_DAYS_MAX, LODGING_DAYS_MAX,
    LONELY_DAYS_MAX, RENAMED_DAYS_MAX,
};
use amana_core::{Timestamp, Transaction};
use serde::{Deserialize, Serialize};

/// The evidence for a posting's being an authorization's, from the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fit {
    /// Told as news of its own: one of several of a hold, or too weak for silence.
    Part,
    /// The same amount to the cent within days; the shop has another name.
    Renamed,
    /// The same shop, and an amount that such a hold may become.
    Adjusted,
    /// The same shop and the same amount.
    Exact,
    /// The same shop at the very same second; the amount is another, or a part of it.
    Moment,
    /// The same amount at the very same second.
    Instant,
    /// The bank says so.
    Named,
}

const DAY: i64 = 86_400;

/// A bank that only knows the day writes it as midnight or noon, in a time zone of its own.
pub(super) fn only_a_day(at: Timestamp) -> bool {
    at.as_second().rem_euclid(3_600) == 0
}

/// The evidence, if there is any; an id is none of its business.
pub(super) fn fit(hold: &Transaction, posting: &Transaction) -> Option<Fit> {
    if hold.direction != posting.direction || hold.amount.currency != posting.amount.currency {
        return None;
    }
    let apart = posting.at.as_second().saturating_sub(hold.at.as_second());
    let day = only_a_day(posting.at) || only_a_day(hold.at);
    let early = if day { DAYS_DIFFER_SECONDS_MAX } else { CLOCKS_DIFFER_SECONDS_MAX };
    if apart < early.saturating_neg() {
        return None;
    }
    let within = |days: i64| apart <= days * DAY;
    let same = hold.amount == posting.amount;
    if same && apart == 0 && !day {
        return Some(Fit::Instant);
    }
    if apart == 0 && !day && posting.amount.minor > 0 && alike(hold, posting) {
        return Some(Fit::Moment);
    }
    // The cheap question first: reading names is most of the work.
    let any = [Trade::Fuel, Trade::Lodging].iter().any(|trade| may_become(hold, posting, *trade));
    if !within(LODGING_DAYS_MAX) || !(same || any) {
        return None;
    }
    let trade = trade(hold);
    let days = |days: i64| if trade == Trade::Lodging { LODGING_DAYS_MAX } else { days };
    if alike(hold, posting) {
        if same && within(days(EXACT_DAYS_MAX)) {
            return Some(Fit::Exact);
        }
        let becomes = may_become(hold, posting, trade) && within(days(ADJUSTED_DAYS_MAX));
        return becomes.then_some(Fit::Adjusted);
    }
    (same && tells_apart(hold) && within(RENAMED_DAYS_MAX)).then_some(Fit::Renamed)
}

/// Minor units of one unit of the currency.
fn unit(t: &Transaction) -> i64 {
    10_i64.saturating_pow(t.amount.currency.decimals())
}

/// An amount that two purchases do not share by chance: at least ten, and not round. Without decimals every amount is
/// round.
fn tells_apart(t: &Transaction) -> bool {
    let (minor, unit) = (t.amount.minor, unit(t));
    minor >= 10 * unit && minor % (unit / 10).max(1) != 0 && unit > 1
}

/// An amount in whole units, which is nobody's; without decimals every amount is.
pub(super) fn is_round(t: &Transaction) -> bool {
    t.amount.minor % unit(t) == 0
}

/// Whether the days allow that a posting of another name is this hold's.
pub(super) fn may_be_renamed(hold: &Transaction, posting: &Transaction) -> bool {
    let apart = posting.at.as_second().saturating_sub(hold.at.as_second());
    let day = only_a_day(posting.at) || only_a_day(hold.at);
    let early = if day { DAYS_DIFFER_SECONDS_MAX } else { CLOCKS_DIFFER_SECONDS_MAX };
    (early.saturating_neg()..=LONELY_DAYS_MAX * DAY).contains(&apart)
}

/// Whether a hold of this amount may be booked with that one.
fn may_become(hold: &Transaction, posting: &Transaction, trade: Trade) -> bool {
    let (held, booked, unit) = (hold.amount.minor, posting.amount.minor, unit(hold));
    if held <= 0 || booked <= 0 {
        return false;
    }
    let percent = |n: i64| held.saturating_mul(n) / 100;
    let part_of = |low: i64, high: i64| booked >= percent(low) && booked <= percent(high);
    // A tip, a service charge, another day's rate of exchange, a weighed article.
    let tip = part_of(95, 135) || (held >= 2 * unit && booked > held && booked - held <= 2 * unit);
    // A hold of one stands for whatever comes; a pump holds a round sum and books what was filled.
    let token = held <= unit && booked <= 250 * unit;
    let pump = held >= 25 * unit && held % unit == 0 && booked < held;
    match trade {
        Trade::Fuel => tip || token || pump,
        Trade::Lodging => tip || part_of(40, 200),
        Trade::Other => tip || (token && held == unit),
    }
}
