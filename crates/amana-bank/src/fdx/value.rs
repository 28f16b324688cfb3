//! Small tolerant readers of JSON values. What they cannot read is `None` or an `Unreadable`, never a panic.

use crate::limits;
use amana_core::{Currency, Money, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

/// Something is there, but cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// A text, or a number as text.
pub(crate) fn text(of: &Value, name: &str) -> Option<String> {
    match of.get(name)? {
        Value::String(text) => Some(text.clone()).filter(|t| !t.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A word of an enum: upper case, letters and digits only, so that `Credit_Card` is `CREDITCARD`.
pub(crate) fn word(of: &Value, name: &str) -> Option<String> {
    let text = of.get(name)?.as_str()?;
    let word: String = text.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    (!word.is_empty()).then(|| word.to_ascii_uppercase())
}

/// An amount, exactly as it is written: a JSON number, or a string as some banks send it. Only what binary arithmetic
/// leaves behind in a number (`33.370000000000005`) is taken off.
pub(crate) fn money(of: &Value, name: &str, currency: Currency) -> Result<Option<Money>, Unreadable> {
    let exact = |amount| Money::from_decimal(amount, currency).map(Some).map_err(|_| Unreadable);
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let written = number.to_string();
            if is_float_dust(&written) {
                return exact(Decimal::ZERO);
            }
            let amount = decimal(&written)?;
            exact(amount).or_else(|_| exact(without_float_dust(amount, currency).ok_or(Unreadable)?))
        }
        Some(Value::String(text)) => exact(decimal(text.trim())?),
        Some(_) => Err(Unreadable),
    }
}

/// The amount in the currency's decimals, if it is so far from it as only binary arithmetic is.
fn without_float_dust(amount: Decimal, currency: Currency) -> Option<Decimal> {
    let whole = amount.round_dp(currency.decimals());
    let dust = Decimal::new(1, limits::FLOAT_DUST_DECIMALS);
    ((amount - whole).abs() < dust).then_some(whole)
}

/// Whether a number is what is left of a zero, as `1.4210854715202004e-14`: such numbers have more decimals than
/// [`Decimal`] holds.
fn is_float_dust(written: &str) -> bool {
    let Some((digits, exponent)) = written.split_once(['e', 'E']) else { return false };
    let (whole, _) = digits.trim_start_matches('-').split_once('.').unwrap_or((digits, ""));
    let below = exponent.strip_prefix('-').and_then(|e| e.parse::<u32>().ok());
    whole.trim_start_matches('-').len() <= 1 && below.is_some_and(|e| e > limits::FLOAT_DUST_DECIMALS)
}

fn decimal(written: &str) -> Result<Decimal, Unreadable> {
    // Forty characters hold every amount of money; more is an attack on the parser.
    if written.len() > 40 {
        return Err(Unreadable);
    }
    let parsed = if written.contains(['e', 'E']) {
        Decimal::from_scientific(written)
    } else {
        Decimal::from_str_exact(written)
    };
    parsed.map_err(|_| Unreadable)
}

/// A currency: `"USD"`, or FDX's `{"currencyCode": "USD"}`.
pub(crate) fn currency(of: &Value, name: &str) -> Option<Currency> {
    let value = of.get(name)?;
    let code = value.as_str().or_else(|| value.get("currencyCode")?.as_str())?;
    Currency::from_code(code.trim()).ok()
}

/// An instant: RFC 3339; without an offset it is taken as UTC; a mere date is its midnight UTC.
pub(crate) fn instant(of: &Value, name: &str) -> Option<Timestamp> {
    let text = of.get(name)?.as_str()?.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local = text
        .parse::<jiff::civil::DateTime>()
        .or_else(|_| text.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0)))
        .ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn amounts_are_exact_or_unreadable() {
        let usd = Currency::from_code("USD").expect("a currency");
        let kwd = Currency::from_code("KWD").expect("a currency");
        let minor = |json: &str, currency| {
            money(&parse(&format!("{{\"a\":{json}}}")), "a", currency).map(|m| m.map(|m| m.minor))
        };
        assert_eq!(minor("4.50", usd), Ok(Some(450)));
        assert_eq!(minor("0.1", usd), Ok(Some(10)));
        assert_eq!(minor("1.234", kwd), Ok(Some(1234)));
        assert_eq!(minor("\"12.5\"", usd), Ok(Some(1250)));
        assert_eq!(minor("1.2e2", usd), Ok(Some(12_000)));
        assert_eq!(minor("92233720368547758.07", usd), Ok(Some(i64::MAX)));
        assert_eq!(minor("null", usd), Ok(None));
        for (dusty, clean) in [
            ("33.370000000000005", 3337),
            ("-0.30000000000000004", -30),
            ("1234567.8900000001", 123_456_789),
            ("1.4210854715202004e-14", 0),
            ("-5e-17", 0),
        ] {
            assert_eq!(minor(dusty, usd), Ok(Some(clean)), "{dusty}");
            assert_eq!(minor(&format!("\"{dusty}\""), usd), Err(Unreadable), "no arithmetic writes texts");
        }
        for bad in [
            "1.234",
            "92233720368547758.08",
            "\"\"",
            "\"4,50\"",
            "{}",
            "true",
            "1e400",
            "0.00000000000000000000000000001",
            "1.2300001",
            "1.2349999999999999",
            "123456789e-9",
        ] {
            assert_eq!(minor(bad, usd), Err(Unreadable), "{bad}");
        }
    }

    #[test]
    fn instants_words_and_currencies_come_in_many_forms() {
        let at = |json: &str| instant(&parse(json), "t").map(|t| t.to_string());
        assert_eq!(at(r#"{"t":"2026-11-24T10:00:00+03:00"}"#).as_deref(), Some("2026-11-24T07:00:00Z"));
        assert_eq!(at(r#"{"t":"2026-11-24T10:00:00.5"}"#).as_deref(), Some("2026-11-24T10:00:00.5Z"));
        assert_eq!(at(r#"{"t":"2026-11-24"}"#).as_deref(), Some("2026-11-24T00:00:00Z"));
        assert_eq!(at(r#"{"t":"yesterday"}"#), None);
        assert_eq!(at(r#"{"t":20261124}"#), None);
        assert_eq!(word(&parse(r#"{"w":"credit_card"}"#), "w").as_deref(), Some("CREDITCARD"));
        assert_eq!(currency(&parse(r#"{"c":{"currencyCode":"kwd"}}"#), "c").map(Currency::code), Some("KWD"));
        assert_eq!(currency(&parse(r#"{"c":"USD"}"#), "c").map(Currency::code), Some("USD"));
        assert_eq!(currency(&parse(r#"{"c":{}}"#), "c"), None);
    }
}
