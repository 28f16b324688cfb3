//! Amounts, dates, numbers and names as a person reads them.
//!
//! Arabic uses Latin digits, as most banking apps of the Gulf do and as references meant for copying need;
//! [`digits_of`] is the one place to change that.

use crate::catalogue::{Arg, texts};
use crate::limits::NAME_CHARS_MAX;
use crate::period::{Period, PeriodLabel};
use amana_core::{Lang, Money, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// LEFT-TO-RIGHT ISOLATE: before amounts and numbers.
const LRI: char = '\u{2066}';
/// FIRST STRONG ISOLATE: before names, whose direction is their own.
const FSI: char = '\u{2068}';
/// POP DIRECTIONAL ISOLATE: after each.
const PDI: char = '\u{2069}';
/// RIGHT-TO-LEFT MARK: before an Arabic text that does not begin with an Arabic letter.
const RLM: char = '\u{200F}';
/// A space at which a line does not break.
const NBSP: char = '\u{00A0}';

/// Which digits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// `0123456789`.
    Latin,
    /// `٠١٢٣٤٥٦٧٨٩`.
    ArabicIndic,
}

/// The digits of a language.
#[must_use]
pub fn digits_of(lang: Lang) -> Digits {
    match lang {
        Lang::English | Lang::Arabic => Digits::Latin,
    }
}

fn with_digits(text: String, digits: Digits) -> String {
    match digits {
        Digits::Latin => text,
        Digits::ArabicIndic => text
            .chars()
            .map(|c| match c {
                '0'..='9' => char::from_u32(u32::from(c) - u32::from('0') + 0x0660).unwrap_or(c),
                '.' => '٫',
                ',' => '٬',
                c => c,
            })
            .collect(),
    }
}

/// An amount: grouped by thousands, with the currency's decimals, isolated left to right. English writes the sign of
/// the currencies that have one of their own (`-$1,234.50`) and the code of others (`AED 1,234.50`); Arabic writes the
/// code after the number (`1,234.500 KWD`), since signs jump about in mixed text. The minus stands before everything.
#[must_use]
pub fn money(lang: Lang, money: Money) -> String {
    let decimals = usize::try_from(money.currency.decimals()).unwrap_or(0);
    let digits = format!("{:0>width$}", money.minor.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let mut number = group(whole);
    if !fraction.is_empty() {
        number.push('.');
        number.push_str(fraction);
    }
    let number = with_digits(number, digits_of(lang));
    let minus = if money.minor < 0 { "-" } else { "" };
    let code = money.currency.code();
    match (lang, sign(code)) {
        (Lang::English, Some(sign)) => format!("{LRI}{minus}{sign}{number}{PDI}"),
        (Lang::English, None) => format!("{LRI}{minus}{code}{NBSP}{number}{PDI}"),
        (Lang::Arabic, _) => format!("{LRI}{minus}{number}{NBSP}{code}{PDI}"),
    }
}

/// The sign of a currency, where English readers know it for that currency alone.
fn sign(code: &str) -> Option<&'static str> {
    match code {
        "USD" => Some("$"),
        "EUR" => Some("€"),
        "GBP" => Some("£"),
        "JPY" => Some("¥"),
        _ => None,
    }
}

fn group(whole: &str) -> String {
    let mut out = String::with_capacity(whole.len() + whole.len() / 3);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A day: `Mar 15`, `15 مارس`; with the year if it is not the year of `now`.
#[must_use]
pub fn day(lang: Lang, day: Date, now: Timestamp) -> String {
    let this_year = date_of(now).year() == day.year();
    let month = month(lang, day.month());
    let number = with_digits(day.day().to_string(), digits_of(lang));
    let year = with_digits(day.year().to_string(), digits_of(lang));
    let id = if this_year { "date-day" } else { "date-day-year" };
    plain_text(&texts().text(
        lang,
        id,
        &[("day", Arg::Text(&number)), ("month", Arg::Text(&month)), ("year", Arg::Text(&year))],
    ))
}

/// The day of an instant, in UTC, as [`day`] writes it.
#[must_use]
pub fn date(lang: Lang, at: Timestamp, now: Timestamp) -> String {
    day(lang, date_of(at), now)
}

/// Day and time of an instant: `Mar 15, 14:05 UTC`.
#[must_use]
pub fn date_time(lang: Lang, at: Timestamp, now: Timestamp) -> String {
    let zoned = TimeZone::UTC.to_datetime(at);
    let clock = with_digits(format!("{:02}:{:02}", zoned.hour(), zoned.minute()), digits_of(lang));
    format!("{}{} {LRI}{clock} UTC{PDI}", date(lang, at, now), if lang == Lang::Arabic { "،" } else { "," })
}

/// The day of an instant, in UTC.
#[must_use]
pub fn date_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// A month's name, from 1 to 12.
pub(crate) fn month(lang: Lang, month: i8) -> String {
    texts().text(lang, &format!("month-{month}"), &[])
}

/// A period as an answer names it: "last month (Oct 1 – Oct 31)".
#[must_use]
pub fn period(lang: Lang, period: &Period, now: Timestamp) -> String {
    let (from, last) = (day(lang, period.from, now), day(lang, period.last_day(), now));
    let month = month(lang, period.from.month());
    let year = with_digits(period.from.year().to_string(), digits_of(lang));
    let count = if let PeriodLabel::LastDays(n) = period.label { usize::from(n) } else { 0 };
    let args = [
        ("from", Arg::Text(&from)),
        ("to", Arg::Text(&last)),
        ("month", Arg::Text(&month)),
        ("year", Arg::Text(&year)),
        ("count", Arg::Count(count)),
    ];
    plain_text(&texts().text(lang, &format!("period-{}", period.label.word()), &args))
}

/// The last digits of an account's number, masked and isolated: `••1234`.
#[must_use]
pub fn masked(last_four: &str) -> String {
    let digits: String = last_four.chars().filter(char::is_ascii_alphanumeric).take(4).collect();
    format!("{LRI}••{digits}{PDI}")
}

/// A name from a bank or a person, isolated: without control and direction characters, cut at
/// [`NAME_CHARS_MAX`] characters. Names come cleaned; this makes it so whatever came.
#[must_use]
pub fn name(name: &str) -> String {
    format!("{FSI}{}{PDI}", clean(name))
}

/// A name without control and direction characters, cut, for a text that isolates it itself.
#[must_use]
pub fn clean(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_direction(*c)).collect();
    let words = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= NAME_CHARS_MAX {
        return words;
    }
    words.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}

/// A text of our own that is put into another: its inner isolates go, since the outer text isolates the whole.
fn plain_text(text: &str) -> String {
    text.chars().filter(|c| !is_direction(*c)).collect()
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{061C}' | '\u{FEFF}')
}

/// A finished bubble or title: an Arabic one that does not begin with an Arabic letter gets a mark in front, since
/// chats take a text's direction from its first letter.
#[must_use]
pub fn bubble(lang: Lang, text: String) -> String {
    if lang == Lang::Arabic && Lang::of_text(&text.chars().take(1).collect::<String>()) != Some(Lang::Arabic)
    {
        return format!("{RLM}{text}");
    }
    text
}
