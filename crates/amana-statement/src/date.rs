//! Dates and times of both formats.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use crate::error::{ErrorKind, StatementError, shown};
use crate::limits;
use crate::tree::El;

/// A day as written, and the instant if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) date: Date,
    pub(crate) time: Option<Timestamp>,
}

/// An OFX date-time (OFX 1.6 §3.2.8) found in `el`.
pub(crate) fn ofx(el: El<'_>, value: &str) -> Result<When, StatementError> {
    parse_ofx(value).ok_or_else(|| not_a_date(el, value, "20260301"))
}

/// An ISO 8601 date or date-time (XML Schema `date`, `dateTime`) found in `el`.
pub(crate) fn iso(el: El<'_>, value: &str) -> Result<When, StatementError> {
    parse_iso(value).ok_or_else(|| not_a_date(el, value, "2026-03-01"))
}

fn not_a_date(el: El<'_>, value: &str, example: &'static str) -> StatementError {
    el.error(ErrorKind::NotADate { element: el.name(), value: shown(value), example })
}

/// `YYYYMMDD[HHMM[SS[.XXX]]][[offset[:name]]]`, and `YYYY-MM-DD…` as some banks write.
fn parse_ofx(value: &str) -> Option<When> {
    if value.as_bytes().get(4) == Some(&b'-') {
        return parse_iso(value);
    }
    let (stamp, zone) = value.split_once('[').map_or((value, None), |(stamp, zone)| (stamp, Some(zone)));
    let stamp = stamp.trim();
    let (digits, fraction) = stamp.split_once(['.', ',']).unwrap_or((stamp, ""));
    let date = date(digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?)?;
    let clock = digits.get(8..)?;
    let time = match clock.len() {
        0 if fraction.is_empty() => return Some(When { date, time: None }),
        4 if fraction.is_empty() => time(clock.get(..2)?, clock.get(2..)?, "00", "")?,
        6 => time(clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?, fraction)?,
        _ => return None,
    };
    let offset = zone.map_or(Some(Offset::UTC), ofx_offset);
    Some(When { date, time: instant(date, time, offset) })
}

/// The offset in `-5:EST]`, `+3]`, `5.5:IST]`, `+5.30]`, `-03:30]`, `GMT]`; `None` if it cannot be told.
fn ofx_offset(zone: &str) -> Option<Offset> {
    let zone = zone.split(']').next().unwrap_or("").trim();
    let (number, name) = zone.split_once(':').unwrap_or((zone, ""));
    let number = number.trim();
    if !number.contains(|c: char| c.is_ascii_digit()) {
        let name = if name.is_empty() { number } else { name };
        let hours = match name.trim_start_matches(['+', '-']).to_ascii_uppercase().as_str() {
            "GMT" | "UTC" | "Z" => 0,
            "EST" | "CDT" => -5,
            "EDT" => -4,
            "CST" | "MDT" => -6,
            "MST" | "PDT" => -7,
            "PST" => -8,
            _ => return None,
        };
        return Offset::from_seconds(hours * 3600).ok();
    }
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (hours, part) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let hours: i32 = number_of(hours)?;
    // Decimals of an hour by the specification; but no zone is at 0.30 or 0.45 of an hour, so these are minutes.
    let minutes = match part {
        "" | "0" | "00" => match name.get(..2) {
            Some(after) if after.bytes().all(|b| b.is_ascii_digit()) => number_of(after)?,
            _ => 0,
        },
        "5" | "50" | "3" | "30" => 30,
        "75" | "45" => 45,
        "25" | "15" => 15,
        _ => return None,
    };
    let seconds = hours.checked_mul(3600)?.checked_add(minutes * 60)?;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
}

fn parse_iso(value: &str) -> Option<When> {
    let dashes = value.get(4..5)? == "-" && value.get(7..8)? == "-";
    let date = date(value.get(..4)?, value.get(5..7)?, value.get(8..10)?).filter(|_| dashes)?;
    let rest = value.get(10..)?;
    let Some(rest) = rest.strip_prefix('T').or_else(|| rest.strip_prefix(' ')) else {
        // XML Schema allows a zone behind a date; it does not change the day.
        return iso_offset(rest).map(|_| When { date, time: None });
    };
    let colons = rest.get(2..3)? == ":" && rest.get(5..6)? == ":";
    let tail = rest.get(8..)?;
    let zone_at = tail.find(['Z', '+', '-']).unwrap_or(tail.len());
    let (fraction, zone) = tail.split_at(zone_at);
    let fraction = match fraction.strip_prefix('.') {
        Some(digits) if !digits.is_empty() => digits,
        _ if fraction.is_empty() => "",
        _ => return None,
    };
    let time = time(rest.get(..2)?, rest.get(3..5)?, rest.get(6..8)?, fraction).filter(|_| colons)?;
    let offset = iso_offset(zone)?;
    Some(When { date, time: instant(date, time, offset) })
}

/// Outer `None`: not an offset. Inner `None`: there is none.
fn iso_offset(zone: &str) -> Option<Option<Offset>> {
    if zone.is_empty() {
        return Some(None);
    }
    if zone == "Z" {
        return Some(Some(Offset::UTC));
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let seconds = (i32::from(hours) * 60 + i32::from(minutes)) * 60;
    Offset::from_seconds(sign * seconds).ok().filter(|_| minutes < 60).map(Some)
}

/// Midnight to the second is how a day without a time is written.
fn instant(date: Date, time: Time, offset: Option<Offset>) -> Option<Timestamp> {
    if time == Time::midnight() { None } else { offset?.to_timestamp(DateTime::from_parts(date, time)).ok() }
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    let year: i16 = number_of(year).filter(|y| (limits::YEAR_MIN..=limits::YEAR_MAX).contains(y))?;
    Date::new(year, two(month)?, two(day)?).ok()
}

fn time(hour: &str, minute: &str, second: &str, fraction: &str) -> Option<Time> {
    let digits = fraction.bytes().all(|b| b.is_ascii_digit());
    // Nanoseconds: the first nine digits, filled up with zeros.
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos = number_of(&nanos).filter(|_| digits)?;
    Time::new(two(hour)?, two(minute)?, two(second)?, nanos).ok()
}

fn two(digits: &str) -> Option<i8> {
    number_of(digits).filter(|_| digits.len() == 2)
}

/// Digits only: `parse` alone would take a sign.
fn number_of<T: std::str::FromStr>(digits: &str) -> Option<T> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(when: Option<When>) -> String {
        when.map_or("-".to_owned(), |w| match w.time {
            Some(time) => format!("{} {time}", w.date),
            None => w.date.to_string(),
        })
    }

    #[test]
    fn ofx_dates() {
        let table = [
            ("20260301", "2026-03-01"),
            ("20260301000000[-5:EST]", "2026-03-01"),
            ("202603011430", "2026-03-01 2026-03-01T14:30:00Z"),
            ("20260301143015", "2026-03-01 2026-03-01T14:30:15Z"),
            ("20260301143015.123", "2026-03-01 2026-03-01T14:30:15.123Z"),
            ("20260301233015.123[-5:EST]", "2026-03-01 2026-03-02T04:30:15.123Z"),
            ("20260301013015[+3]", "2026-03-01 2026-02-28T22:30:15Z"),
            ("20260301120000[5.5:IST]", "2026-03-01 2026-03-01T06:30:00Z"),
            ("20260301120000[+5.30:IST]", "2026-03-01 2026-03-01T06:30:00Z"),
            ("20260301120000[-03:30]", "2026-03-01 2026-03-01T15:30:00Z"),
            ("20260301120000[GMT]", "2026-03-01 2026-03-01T12:00:00Z"),
            ("20260301120000[-5:EST", "2026-03-01 2026-03-01T17:00:00Z"),
            ("20260301120000[:Nowhere]", "2026-03-01"),
            ("20260301120000[]", "2026-03-01"),
            ("2026-03-01", "2026-03-01"),
            ("20240229", "2024-02-29"),
            ("20260229", "-"),
            ("00000000", "-"),
            ("20261301", "-"),
            ("2026030", "-"),
            ("2026030114", "-"),
            ("20260301250000", "-"),
            ("20260301.5", "-"),
            ("01/03/2026", "-"),
            ("+2260301", "-"),
            ("٢٠٢٦٠٣٠١", "-"),
        ];
        for (value, expected) in table {
            assert_eq!(show(parse_ofx(value)), expected, "{value}");
        }
    }

    #[test]
    fn iso_dates() {
        let table = [
            ("2026-03-01", "2026-03-01"),
            ("2026-03-01Z", "2026-03-01"),
            ("2026-03-01+03:00", "2026-03-01"),
            ("2026-03-01T14:30:00", "2026-03-01"),
            ("2026-03-01T14:30:00Z", "2026-03-01 2026-03-01T14:30:00Z"),
            ("2026-03-01T01:30:00.25+03:00", "2026-03-01 2026-02-28T22:30:00.25Z"),
            ("2026-03-01T00:00:00+03:00", "2026-03-01"),
            ("2026-02-30", "-"),
            ("2026-3-1", "-"),
            ("20260301", "-"),
            ("2026-03-01T14:30", "-"),
            ("2026-03-01T14:30:00.Z", "-"),
            ("2026-03-01T14:30:00+3", "-"),
            ("2026-03-01T14:30:00+03:99", "-"),
            ("2026/03/01", "-"),
            ("", "-"),
        ];
        for (value, expected) in table {
            assert_eq!(show(parse_iso(value)), expected, "{value}");
        }
    }
}
