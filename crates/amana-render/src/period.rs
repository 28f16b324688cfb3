//! A stretch of days that a question is about. Questions look back.

use crate::limits::{PERIOD_DAYS_DEFAULT, PERIOD_DAYS_MAX};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

/// How a period was named, so that the answer can name it likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodLabel {
    /// Today.
    Today,
    /// Yesterday.
    Yesterday,
    /// From the first day of this week until now.
    ThisWeek,
    /// The week before.
    LastWeek,
    /// From the first of this month until now.
    ThisMonth,
    /// The calendar month before.
    LastMonth,
    /// From the first of January until now.
    ThisYear,
    /// The calendar year before.
    LastYear,
    /// One calendar month by its name.
    Month,
    /// One calendar year by its number.
    Year,
    /// So many days until now, today among them.
    LastDays(u16),
    /// From a day until now.
    Since,
    /// One day.
    Day,
    /// From one day to another.
    Range,
}

/// Days from `from` to before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub to: Date,
    /// How it was named.
    pub label: PeriodLabel,
}

impl PeriodLabel {
    /// The word in a payload.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::ThisWeek => "this-week",
            Self::LastWeek => "last-week",
            Self::ThisMonth => "this-month",
            Self::LastMonth => "last-month",
            Self::ThisYear => "this-year",
            Self::LastYear => "last-year",
            Self::Month => "month",
            Self::Year => "year",
            Self::LastDays(_) => "days",
            Self::Since => "since",
            Self::Day => "day",
            Self::Range => "range",
        }
    }

    /// The label of a word in a payload. A button may be tapped weeks later, when "last month" is another month: what
    /// was relative comes back as the days that it meant.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "today" | "yesterday" | "day" => Self::Day,
            "last-month" | "month" => Self::Month,
            "last-year" | "year" => Self::Year,
            "this-week" | "last-week" | "this-month" | "this-year" | "days" | "since" | "range" => {
                Self::Range
            }
            _ => return None,
        })
    }
}

impl Period {
    /// The last [`PERIOD_DAYS_DEFAULT`] days: what a question means that names no time.
    #[must_use]
    pub fn default_at(today: Date) -> Self {
        Self::last_days(today, PERIOD_DAYS_DEFAULT)
    }

    /// So many days until now, today among them; at most [`PERIOD_DAYS_MAX`].
    #[must_use]
    pub fn last_days(today: Date, days: u16) -> Self {
        let days = days.clamp(1, PERIOD_DAYS_MAX);
        let to = next(today);
        let from = to.saturating_sub(i64::from(days).days());
        Self { from, to, label: PeriodLabel::LastDays(days) }
    }

    /// So many calendar months until now, from the same day of the month.
    #[must_use]
    pub fn last_months(today: Date, months: u16) -> Self {
        let from = today.saturating_sub(i64::from(months.clamp(1, PERIOD_DAYS_MAX / 31)).months());
        Self::since(today, from)
    }

    /// From a day until now; no earlier than [`PERIOD_DAYS_MAX`] days ago.
    #[must_use]
    pub fn since(today: Date, from: Date) -> Self {
        let earliest = today.saturating_sub(i64::from(PERIOD_DAYS_MAX).days());
        Self { from: from.clamp(earliest, today), to: next(today), label: PeriodLabel::Since }
    }

    /// One day.
    #[must_use]
    pub fn day(day: Date) -> Self {
        Self { from: day, to: next(day), label: PeriodLabel::Day }
    }

    /// Today.
    #[must_use]
    pub fn today(today: Date) -> Self {
        Self { label: PeriodLabel::Today, ..Self::day(today) }
    }

    /// Yesterday.
    #[must_use]
    pub fn yesterday(today: Date) -> Self {
        Self { label: PeriodLabel::Yesterday, ..Self::day(today.yesterday().unwrap_or(today)) }
    }

    /// This week until now, from its first day.
    #[must_use]
    pub fn this_week(today: Date, first: Weekday) -> Self {
        Self { from: week_start(today, first), to: next(today), label: PeriodLabel::ThisWeek }
    }

    /// The week before.
    #[must_use]
    pub fn last_week(today: Date, first: Weekday) -> Self {
        let to = week_start(today, first);
        Self { from: to.saturating_sub(7.days()), to, label: PeriodLabel::LastWeek }
    }

    /// This month until now.
    #[must_use]
    pub fn this_month(today: Date) -> Self {
        Self { from: today.first_of_month(), to: next(today), label: PeriodLabel::ThisMonth }
    }

    /// The calendar month before.
    #[must_use]
    pub fn last_month(today: Date) -> Self {
        let to = today.first_of_month();
        Self { from: to.saturating_sub(1.month()), to, label: PeriodLabel::LastMonth }
    }

    /// This year until now.
    #[must_use]
    pub fn this_year(today: Date) -> Self {
        Self { from: today.first_of_year(), to: next(today), label: PeriodLabel::ThisYear }
    }

    /// The calendar year before.
    #[must_use]
    pub fn last_year(today: Date) -> Self {
        let to = today.first_of_year();
        Self { from: to.saturating_sub(1.year()), to, label: PeriodLabel::LastYear }
    }

    /// One calendar month of a year (1 to 12), until now if it has not ended; `None` if it is not a month or has not
    /// begun.
    #[must_use]
    pub fn month(today: Date, year: i16, month: i8) -> Option<Self> {
        let from = Date::new(year, month, 1).ok().filter(|from| *from <= today)?;
        let to = from.saturating_add(1.month()).min(next(today));
        Some(Self { from, to, label: PeriodLabel::Month })
    }

    /// The latest month of this number (1 to 12) that has begun: questions look back.
    #[must_use]
    pub fn latest_month(today: Date, month: i8) -> Option<Self> {
        Self::month(today, today.year(), month)
            .or_else(|| Self::month(today, today.year().saturating_sub(1), month))
    }

    /// One calendar year, until now if it has not ended; `None` if it is not one of the last few.
    #[must_use]
    pub fn year(today: Date, year: i16) -> Option<Self> {
        if !(2000..=today.year()).contains(&year) {
            return None;
        }
        let to = date(year, 12, 31).tomorrow().unwrap_or(today).min(next(today));
        Some(Self { from: date(year, 1, 1), to, label: PeriodLabel::Year })
    }

    /// The last day of it.
    #[must_use]
    pub fn last_day(&self) -> Date {
        self.to.yesterday().unwrap_or(self.to)
    }
}

fn next(day: Date) -> Date {
    day.tomorrow().unwrap_or(day)
}

fn week_start(today: Date, first: Weekday) -> Date {
    today.saturating_sub(i64::from(first.until(today.weekday())).days())
}
