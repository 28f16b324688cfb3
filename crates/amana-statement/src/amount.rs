//! Amounts and currencies: text to exact minor units.

use iso_currency::Currency;
use rust_decimal::Decimal;

use crate::error::{ErrorKind, StatementError, shown};
use crate::limits;
use crate::tree::El;

/// How amounts are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// A sign, and `.` or `,` before the decimals (OFX 1.6 §3.2.9.1). Thousands separators are not allowed there but
    /// written; they are read where they leave no doubt.
    Ofx,
    /// XML Schema `decimal` without a sign (ISO 20022 `ActiveOrHistoricCurrencyAndAmount`).
    Iso,
}

enum Problem {
    NotAnAmount,
    Ambiguous,
}

/// A currency and its number of decimals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) code: &'static str,
    exponent: u16,
}

/// The currency that `value`, found in `el`, names. Currencies without minor units (gold, test codes) are none.
pub(crate) fn unit(el: El<'_>, value: &str) -> Result<Unit, StatementError> {
    let currency = Currency::from_code(&value.to_ascii_uppercase());
    match currency.and_then(|c| c.exponent().map(|exponent| Unit { code: c.code(), exponent })) {
        Some(unit) => Ok(unit),
        None => Err(el.error(ErrorKind::NotACurrency { element: el.name(), value: shown(value) })),
    }
}

/// Minor units of the amount `value`, found in `el`.
pub(crate) fn minor(el: El<'_>, value: &str, unit: Unit, notation: Notation) -> Result<i64, StatementError> {
    let (element, value_shown) = (el.name(), shown(value));
    let plain = match notation {
        _ if value.chars().nth(limits::AMOUNT_MAX_CHARS).is_some() => Err(Problem::NotAnAmount),
        Notation::Ofx => ofx(value, unit.exponent),
        Notation::Iso => iso(value),
    };
    let plain = match plain {
        Ok(plain) => plain,
        Err(Problem::NotAnAmount) => {
            let example = if notation == Notation::Ofx { "-1234.56" } else { "1234.56" };
            return Err(el.error(ErrorKind::NotAnAmount { element, value: value_shown, example }));
        }
        Err(Problem::Ambiguous) => {
            return Err(el.error(ErrorKind::AmbiguousAmount { element, value: value_shown }));
        }
    };
    if plain.fraction.len() > usize::from(unit.exponent) {
        return Err(el.error(ErrorKind::TooManyDecimals {
            element,
            value: value_shown,
            currency: unit.code.to_owned(),
            exponent: unit.exponent,
        }));
    }
    plain
        .to_minor(unit.exponent)
        .ok_or_else(|| el.error(ErrorKind::AmountTooLarge { element, value: value_shown }))
}

/// An amount taken apart: only digits, the fraction without trailing zeros.
#[derive(Debug, PartialEq, Eq)]
struct Plain {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Plain {
    fn new(negative: bool, whole: &str, fraction: &str) -> Result<Self, Problem> {
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return Err(Problem::NotAnAmount);
        }
        let whole = if whole.is_empty() { "0" } else { whole };
        Ok(Self { negative, whole: whole.to_owned(), fraction: fraction.trim_end_matches('0').to_owned() })
    }

    fn to_minor(&self, exponent: u16) -> Option<i64> {
        let sign = if self.negative { "-" } else { "" };
        let mut amount = Decimal::from_str_exact(&format!("{sign}{}.{}0", self.whole, self.fraction)).ok()?;
        amount.rescale(u32::from(exponent));
        // `rescale` stops short when the number has no room for the zeros.
        (amount.scale() == u32::from(exponent)).then(|| i64::try_from(amount.mantissa()).ok())?
    }
}

fn iso(value: &str) -> Result<Plain, Problem> {
    let value = value.strip_prefix('+').unwrap_or(value);
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    Plain::new(false, whole, fraction)
}

fn ofx(value: &str, exponent: u16) -> Result<Plain, Problem> {
    let value: String = value.chars().map(western).collect();
    let (negative, body) = sign(&value)?;
    let separators: Vec<char> = body.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some(&last) = separators.last() else { return Plain::new(negative, body, "") };
    let last_count = separators.iter().filter(|&&c| c == last).count();
    if matches!(last, '.' | ',') && last_count == 1 {
        let (whole, fraction) = body.rsplit_once(last).ok_or(Problem::NotAnAmount)?;
        if let Some(&thousands) = separators.first().filter(|_| separators.len() > 1) {
            return Plain::new(negative, &ungrouped(whole, thousands)?, fraction);
        }
        // One separator. OFX makes it the decimal one, but a comma before three digits is what people write who
        // mean thousands.
        if last == ',' && fraction.len() == 3 && matches!(whole.len(), 1..=3) && !whole.starts_with('0') {
            return match exponent {
                0 => Plain::new(negative, &ungrouped(body, last)?, ""),
                3.. => Plain::new(negative, whole, fraction),
                _ => Err(Problem::Ambiguous),
            };
        }
        return Plain::new(negative, whole, fraction);
    }
    Plain::new(negative, &ungrouped(body, last)?, "")
}

/// Arabic-Indic digits and separators, typographic signs and apostrophes as ASCII.
fn western(c: char) -> char {
    let digit = |zero: char| char::from_digit((c as u32) - (zero as u32), 10).unwrap_or(c);
    match c {
        '٠'..='٩' => digit('٠'),
        '۰'..='۹' => digit('۰'),
        '٫' => '.',
        '٬' | '’' => '\'',
        '−' => '-',
        _ => c,
    }
}

/// The sign, before or behind the number, and the rest.
fn sign(value: &str) -> Result<(bool, &str), Problem> {
    let is_sign = |c: char| matches!(c, '+' | '-');
    let (mark, body) = if value.starts_with(is_sign) {
        (value.chars().next(), value.get(1..))
    } else if value.ends_with(is_sign) {
        (value.chars().next_back(), value.get(..value.len() - 1))
    } else {
        (None, Some(value))
    };
    let body = body.unwrap_or("").trim();
    if body.contains(is_sign) { Err(Problem::NotAnAmount) } else { Ok((mark == Some('-'), body)) }
}

/// Takes the thousands separators out: groups of three, or of two before a last one of three (1,23,45,678).
fn ungrouped(whole: &str, separator: char) -> Result<String, Problem> {
    if !matches!(separator, ',' | '.' | ' ' | '\'') {
        return Err(Problem::NotAnAmount);
    }
    let groups: Vec<&str> = whole.split(separator).collect();
    let [first, middle @ .., last] = groups.as_slice() else { return Err(Problem::NotAnAmount) };
    let of = |n: usize| middle.iter().all(|g| g.len() == n);
    let western = matches!(first.len(), 1..=3) && of(3);
    let indian = matches!(first.len(), 1..=2) && of(2);
    if last.len() == 3 && (western || indian) { Ok(groups.concat()) } else { Err(Problem::NotAnAmount) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(value: &str, exponent: u16) -> Result<i64, &'static str> {
        match ofx(value, exponent) {
            Err(Problem::NotAnAmount) => Err("not an amount"),
            Err(Problem::Ambiguous) => Err("ambiguous"),
            Ok(plain) if plain.fraction.len() > usize::from(exponent) => Err("decimals"),
            Ok(plain) => plain.to_minor(exponent).ok_or("large"),
        }
    }

    #[test]
    fn ofx_amounts_as_banks_write_them() {
        let table: &[(&str, u16, i64)] = &[
            ("-12.34", 2, -1234),
            ("+12.34", 2, 1234),
            ("12,34", 2, 1234),
            ("12", 2, 1200),
            ("12.", 2, 1200),
            (".5", 2, 50),
            ("-0.00", 2, 0),
            ("12.3400", 2, 1234),
            ("1,234.56", 2, 123_456),
            ("1.234,56", 2, 123_456),
            ("1 234,56", 2, 123_456),
            ("1'234.56", 2, 123_456),
            ("1,234,567", 2, 123_456_700),
            ("12,34,567.89", 2, 123_456_789),
            ("12.34-", 2, -1234),
            ("−12.34", 2, -1234),
            ("- 12.34", 2, -1234),
            ("١٬٢٣٤٫٥٠", 2, 123_450),
            ("1,234", 3, 1234),
            ("1,234", 0, 1234),
            ("0,500", 2, 50),
            ("1.250", 3, 1250),
            ("92233720368547758.07", 2, i64::MAX),
            ("-92233720368547758.08", 2, i64::MIN),
        ];
        for &(value, exponent, expected) in table {
            assert_eq!(cents(value, exponent), Ok(expected), "{value}");
        }
    }

    #[test]
    fn ofx_amounts_that_are_none() {
        let table: &[(&str, u16, &str)] = &[
            ("12,3,4", 2, "not an amount"),
            ("", 2, "not an amount"),
            ("-", 2, "not an amount"),
            (".", 2, "not an amount"),
            ("+-5", 2, "not an amount"),
            ("1.2.3", 2, "not an amount"),
            ("1,23.4,5", 2, "not an amount"),
            ("$12.00", 2, "not an amount"),
            ("1e5", 2, "not an amount"),
            ("12 USD", 2, "not an amount"),
            ("12,345.678.90", 2, "not an amount"),
            ("1,234", 2, "ambiguous"),
            ("12.345", 2, "decimals"),
            ("1.5", 0, "decimals"),
            ("92233720368547758.08", 2, "large"),
            ("99999999999999999999999999999999", 2, "large"),
        ];
        for &(value, exponent, expected) in table {
            assert_eq!(cents(value, exponent), Err(expected), "{value}");
        }
    }
}
