//! The bytes of a webhook as Meta writes them, and the two signatures over them (messenger reference 1.2, 2.4).

use ring::hmac;
use serde_json::Value;

/// The two signature headers of one webhook body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// Value of `X-Hub-Signature-256`: `sha256=` and 64 lower-case hex digits.
    pub sha256: String,
    /// Value of the old `X-Hub-Signature`: `sha1=` and 40 lower-case hex digits.
    pub sha1: String,
}

/// Signs the raw bytes of a webhook body with the app secret (1.2).
#[must_use]
pub fn webhook_signatures(app_secret: &str, body: &[u8]) -> Signatures {
    let sha256 = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes()), body);
    let sha1 = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, app_secret.as_bytes()), body);
    Signatures {
        sha256: format!("sha256={}", hex::encode(sha256)),
        sha1: format!("sha1={}", hex::encode(sha1)),
    }
}

/// The `appsecret_proof` of a token: hex HMAC-SHA256 of the token under the app secret (2.4).
#[must_use]
pub fn appsecret_proof(app_secret: &str, access_token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    hex::encode(hmac::sign(&key, access_token.as_bytes()))
}

/// Whether `proof` is the right proof for `access_token`, compared in constant time.
pub(crate) fn proof_holds(app_secret: &str, access_token: &str, proof: &str) -> bool {
    let Ok(tag) = hex::decode(proof) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    hmac::verify(&key, access_token.as_bytes(), &tag).is_ok()
}

/// Writes JSON in the escaped form that Meta signs and sends: non-ASCII characters as lower-case `\uXXXX` (pairs
/// beyond the basic plane) and `/` as `\/` (1.2). The envelope's keys come in Meta's order, all others sorted.
#[must_use]
pub fn meta_json(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    write_value(&mut out, value);
    out
}

/// Escapes `@`, `<` and `%` as well: people who re-serialised found that Meta does, its text does not say so.
pub(crate) fn escape_at(json: &str) -> String {
    json.replace('@', "\\u0040").replace('<', "\\u003c").replace('%', "\\u0025")
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) => write_string(out, s),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| rank(key));
            out.push('{');
            for (i, (key, item)) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_value(out, item);
            }
            out.push('}');
        }
    }
}

/// Place of a key in the envelope; a stable sort leaves the others as they were.
fn rank(key: &str) -> u8 {
    match key {
        "object" | "id" | "sender" | "is_echo" | "mid" => 0,
        "entry" | "time" | "recipient" | "app_id" => 1,
        "timestamp" => 2,
        _ => 3,
    }
}

fn write_string(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0_u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_meta_does() {
        let value = serde_json::json!({"text": "äöå https://x.y 😀 كم\u{7f}", "sender": {"id": "2"}});
        assert_eq!(
            meta_json(&value),
            r#"{"sender":{"id":"2"},"text":"\u00e4\u00f6\u00e5 https:\/\/x.y \ud83d\ude00 \u0643\u0645\u007f"}"#
        );
        let back: Value = serde_json::from_str(&meta_json(&value)).unwrap();
        assert_eq!(back, value, "the escaped form is the same JSON");
    }
}
