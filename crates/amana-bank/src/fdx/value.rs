//! Small tolerant readers of JSON values. What they cannot read is `None` or an `Unreadable`, never a panic.

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

/// An amount, exactly as it is written: a JSON number, or a string as some banks send it.
pub(crate) fn money(of: &Value, name: &str, currency: Currency) -> Result<Option<Money>, Unreadable> {
    let written = match of.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) => return Err(Unreadable),
    };
    Money::from_decimal(decimal(&written)?, currency).map(Some).map_err(|_| Unreadable)
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
        for bad in [
            "1.234",
            "92233720368547758.08",
            "\"\"",
            "\"4,50\"",
            "{}",
            "true",
            "1e400",
            "0.00000000000000000000000000001",
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
