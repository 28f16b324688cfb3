//! Values as Messenger writes them: ids as strings or numbers, times in seconds or milliseconds (section
//! 1.3).

use amana_core::Timestamp;
use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Numbers below are seconds, others milliseconds: as milliseconds it is March 1973, as seconds the year
/// 5138.
const MILLIS_FROM: i64 = 100_000_000_000;

/// An id: a non-empty string, or a whole number with all its digits (they may exceed 2^53).
pub(super) fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.trim().is_empty() => Some(clean(s.trim())),
        Value::Number(n) => Some(n.to_string()).filter(|s| s.bytes().all(|b| b.is_ascii_digit())),
        _ => None,
    }
}

/// A string, or a number as its digits. NUL becomes U+FFFD, since no store takes it.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(clean(s)),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// An instant in seconds or milliseconds, as number or string. `None` for nonsense and for zero.
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    let number: i64 = text(value)?.trim().parse().ok()?;
    match number {
        ..=0 => None,
        1..MILLIS_FROM => Timestamp::from_second(number).ok(),
        _ => Timestamp::from_millisecond(number).ok(),
    }
}

/// A small count, as number or string; nonsense is 0.
pub(super) fn count(value: Option<&Value>) -> u32 {
    value.and_then(text).and_then(|s| s.trim().parse().ok()).unwrap_or(0)
}

/// `object[key]` as an object.
pub(super) fn object<'a>(from: &'a Object, key: &str) -> Option<&'a Object> {
    from.get(key).and_then(Value::as_object)
}

/// `object[key]` as a list, empty if it is none.
pub(super) fn list<'a>(from: &'a Object, key: &str) -> &'a [Value] {
    from.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn clean(s: &str) -> String {
    s.replace('\0', "\u{fffd}")
}

/// Makes JSON readable that is JSON but for broken text: bytes that are not UTF-8, and escapes of half a
/// surrogate pair (a platform that cuts a text may cut an emoji in two). Both become U+FFFD; `None` if
/// nothing had to be mended.
pub(super) fn mend(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    let mut mended = matches!(text, std::borrow::Cow::Owned(_));
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let taken = match (surrogate(escape), surrogate(escape.get(6..).unwrap_or_default())) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                mended = true;
                out.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            // Two bytes, so that the second of `\\` does not begin an escape.
            (None, _) => escape.char_indices().nth(2).map_or(escape.len(), |(i, _)| i),
        };
        let (kept, after) = escape.split_at_checked(taken).unwrap_or((escape, ""));
        out.push_str(kept);
        rest = after;
    }
    out.push_str(rest);
    mended.then_some(out)
}

enum Half {
    High,
    Low,
}

/// Whether the text begins with the escape of half a surrogate pair.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Half::High),
        0xDC00..=0xDFFF => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_keep_every_digit() {
        let big: Value = serde_json::from_str("123456789012345678901").expect("json");
        assert_eq!(id(&big).as_deref(), Some("123456789012345678901"));
        assert_eq!(id(&json!(" 24 ")).as_deref(), Some("24"));
        for none in [json!(""), json!(-1), json!(1.5), json!(true), json!(null), json!({}), json!([])] {
            assert_eq!(id(&none), None, "{none}");
        }
    }

    #[test]
    fn seconds_and_milliseconds() {
        let ms = instant(&json!(1_458_692_752_478_i64)).expect("instant");
        assert_eq!(ms.to_string(), "2016-03-23T00:25:52.478Z");
        assert_eq!(instant(&json!("1458692752")).map(Timestamp::as_second), Some(ms.as_second()));
        assert_eq!(instant(&json!("soon")), None);
        assert_eq!(instant(&json!(0)), None);
        assert_eq!(instant(&json!(i64::MAX)), None);
    }

    #[test]
    fn broken_text_is_mended_and_good_text_left_alone() {
        assert_eq!(mend(br#"{"a":"\ud83d\ude00 \\ud83d \u00e4"}"#), None);
        assert_eq!(mend(br#"{"a":"\ud83d"}"#).as_deref(), Some(r#"{"a":"\ufffd"}"#));
        assert_eq!(mend(br#"{"a":"\ude00\ud83d\ude00"}"#).as_deref(), Some(r#"{"a":"\ufffd\ud83d\ude00"}"#));
        assert_eq!(mend(b"\"\xff\"").as_deref(), Some("\"\u{fffd}\""));
        assert_eq!(mend(b"\"\\"), None);
    }
}
