//! Exact money: integer minor units inside, decimals on the wire. No floating point anywhere.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::limits;

/// A currency that the sandbox's accounts may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Currency {
    code: [u8; 3],
    exponent: u32,
}

/// Codes with other than two decimal places (ISO 4217, the ones in circulation).
const EXPONENTS: [(&str, u32); 23] = [
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Exchange rates to the US dollar used for purchases abroad, as (code, numerator, denominator).
const RATES: [(&str, i64, i64); 6] = [
    ("USD", 1, 1),
    ("EUR", 108, 100),
    ("GBP", 127, 100),
    ("AED", 2723, 10_000),
    ("SAR", 2667, 10_000),
    ("KWD", 325, 100),
];

impl Currency {
    /// US dollar.
    pub(crate) const USD: Self = Self { code: *b"USD", exponent: 2 };
    /// Euro.
    pub(crate) const EUR: Self = Self { code: *b"EUR", exponent: 2 };
    /// Kuwaiti dinar, three decimal places.
    pub(crate) const KWD: Self = Self { code: *b"KWD", exponent: 3 };

    /// Reads a three-letter code; `None` if it is not three capital letters.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        if !bytes.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        let exponent =
            EXPONENTS.iter().find(|(known, _)| *known == code).map_or(2, |(_, exponent)| *exponent);
        Some(Self { code: bytes, exponent })
    }

    /// The ISO 4217 code.
    pub(crate) fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// Decimal places.
    pub(crate) fn exponent(&self) -> u32 {
        self.exponent
    }

    fn rate(self) -> Option<(i128, i128)> {
        RATES.iter().find(|(code, ..)| *code == self.code()).map(|(_, n, d)| (i128::from(*n), i128::from(*d)))
    }

    /// Converts minor units of `self` into minor units of `to` at the sandbox's fixed rates, half up.
    /// `None` if a rate is unknown or the result does not fit.
    pub(crate) fn convert(self, minor: i64, to: Self) -> Option<i64> {
        if self == to {
            return Some(minor);
        }
        let (from_n, from_d) = self.rate()?;
        let (to_n, to_d) = to.rate()?;
        let up = 10_i128.checked_pow(to.exponent)?;
        let down = 10_i128.checked_pow(self.exponent)?;
        let numerator = i128::from(minor).checked_mul(from_n)?.checked_mul(to_d)?.checked_mul(up)?;
        let denominator = from_d.checked_mul(to_n)?.checked_mul(down)?;
        let half = denominator / 2;
        let rounded = if numerator >= 0 { numerator + half } else { numerator - half };
        i64::try_from(rounded / denominator).ok()
    }

    /// Minor units as a plain decimal (`450` → `4.50`, KWD `1250` → `1.250`).
    pub(crate) fn decimal(&self, minor: i64) -> String {
        let Some(unit) = 10_u64.checked_pow(self.exponent) else { return minor.to_string() };
        let sign = if minor < 0 { "-" } else { "" };
        let absolute = minor.unsigned_abs();
        if self.exponent == 0 {
            return format!("{sign}{absolute}");
        }
        let width = usize::try_from(self.exponent).unwrap_or(2);
        format!("{sign}{}.{:0width$}", absolute / unit, absolute % unit)
    }

    /// Minor units with thousands separators, for people (`1,234.50`).
    pub(crate) fn grouped(&self, minor: i64) -> String {
        let plain = self.decimal(minor);
        let (sign, rest) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("\u{2212}", rest));
        let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
        let mut out = String::from(sign);
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        if let Some(fraction) = fraction {
            out.push('.');
            out.push_str(fraction);
        }
        out
    }

    /// Minor units as a JSON number that keeps every digit.
    pub(crate) fn number(&self, minor: i64) -> serde_json::Value {
        serde_json::Number::from_str(&self.decimal(minor))
            .map_or(serde_json::Value::Null, serde_json::Value::Number)
    }

    /// Reads a positive decimal such as `4.50`, `1,234.50` or `٤٫٥٠`.
    ///
    /// # Errors
    /// Says what is wrong with the text: not a number, commas that do not stand between groups of three digits, too
    /// many decimal places, not positive, too large.
    pub(crate) fn parse_positive(&self, text: &str) -> Result<i64, String> {
        let western: String = text
            .trim()
            .chars()
            .filter_map(|c| match c {
                '٠'..='٩' => char::from_digit(u32::from(c) - u32::from('٠'), 10),
                '۰'..='۹' => char::from_digit(u32::from(c) - u32::from('۰'), 10),
                '٫' => Some('.'),
                '٬' | '_' => Some(','),
                other => Some(other),
            })
            .collect();
        let western = ungrouped(&western).ok_or_else(|| {
            "the amount's commas do not stand between groups of three digits: write `12.34` or `1,234.00`"
                .to_owned()
        })?;
        let value =
            Decimal::from_str_exact(&western).map_err(|_| "the amount is not a decimal number".to_owned())?;
        let value = value.normalize();
        if value.scale() > self.exponent {
            return Err(format!(
                "the amount has more than {} decimal places, which {} has not",
                self.exponent, self
            ));
        }
        let unit = Decimal::from(10_u64.checked_pow(self.exponent).unwrap_or(100));
        let minor = value
            .checked_mul(unit)
            .and_then(|scaled| scaled.to_i64())
            .ok_or_else(|| "the amount is too large".to_owned())?;
        if minor <= 0 {
            return Err("the amount must be more than zero".to_owned());
        }
        if minor > limits::AMOUNT_MINOR_MAX {
            return Err("the amount is too large".to_owned());
        }
        Ok(minor)
    }
}

/// The number without its grouping commas; `None` if they are anything else, such as decimal commas (`12,34`).
fn ungrouped(number: &str) -> Option<String> {
    if !number.contains(',') {
        return Some(number.to_owned());
    }
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(w, f)| (w, Some(f)));
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let (first, rest) = unsigned.split_once(',')?;
    let proper = (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && digits(first)
        && rest.split(',').all(|group| group.len() == 3 && digits(group))
        && !fraction.is_some_and(|fraction| fraction.contains(','));
    proper.then(|| number.replace(',', ""))
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("not an ISO 4217 code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(Currency::USD.decimal(450), "4.50");
        assert_eq!(Currency::USD.decimal(-5), "-0.05");
        assert_eq!(Currency::KWD.decimal(1_250), "1.250");
        assert_eq!(Currency::parse("JPY").unwrap().decimal(700), "700");
        assert_eq!(Currency::KWD.number(1_250).to_string(), "1.250");
        assert_eq!(Currency::USD.grouped(123_456_789), "1,234,567.89");
        assert_eq!(Currency::USD.grouped(-12_300), "\u{2212}123.00");
    }

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        assert_eq!(Currency::USD.parse_positive("4.5"), Ok(450));
        assert_eq!(Currency::USD.parse_positive("1,250.00"), Ok(125_000));
        assert_eq!(Currency::USD.parse_positive("٤٫٥٠"), Ok(450));
        assert_eq!(Currency::KWD.parse_positive("0.005"), Ok(5));
        for wrong in ["", "x", "0", "-1", "1.005", "1e999", "99999999999999999999", "4.5.1"] {
            assert!(Currency::USD.parse_positive(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn commas_only_group_three_digits() {
        for (right, minor) in [
            ("1,234", 123_400),
            ("12,345.6", 1_234_560),
            ("1,234,567.89", 123_456_789),
            ("١٬٢٣٤٫٥٠", 123_450),
        ] {
            assert_eq!(Currency::USD.parse_positive(right), Ok(minor), "{right}");
        }
        for wrong in [
            "12,34",
            "1,2",
            "1234,567",
            "1,23,456",
            "1,2345",
            ",123",
            "1,",
            "1,,234",
            "0,500",
            "1.234,50",
            "1,234,56",
            "1.5,000",
            "x,123",
            "١٢٬٣٤",
            "12_34",
        ] {
            let error = Currency::USD.parse_positive(wrong).expect_err(wrong);
            assert!(error.contains("groups of three"), "{wrong}: {error}");
        }
        assert_eq!(
            Currency::USD.parse_positive("-1,234"),
            Err("the amount must be more than zero".to_owned())
        );
    }

    #[test]
    fn conversion_rounds_half_up() {
        assert_eq!(Currency::EUR.convert(1_000, Currency::USD), Some(1_080));
        assert_eq!(Currency::USD.convert(325, Currency::KWD), Some(1_000));
        assert_eq!(Currency::parse("XTS").and_then(|c| c.convert(1, Currency::USD)), None);
    }
}
