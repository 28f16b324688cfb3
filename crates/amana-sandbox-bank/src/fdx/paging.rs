//! Pages: `limit` and an opaque `pageKey` (FDX 6.3+); the answer names the next page twice, as key and as link.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::FdxError;
use crate::limits;
use crate::oauth::Params;

/// Rows asked for.
pub(crate) fn limit(params: &Params) -> Result<usize, FdxError> {
    let Some(text) = params.get("limit") else { return Ok(limits::PAGE_ROWS_DEFAULT) };
    match text.parse::<usize>() {
        Ok(rows) if rows > 0 => Ok(rows.min(limits::PAGE_ROWS_MAX)),
        _ => Err(FdxError::invalid_input("`limit` must be a whole number above zero")),
    }
}

/// A key from its parts.
pub(crate) fn key(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(parts.join("|"))
}

/// The parts of a key that [`key`] made.
pub(crate) fn parts<const N: usize>(key: &str) -> Result<[String; N], FdxError> {
    URL_SAFE_NO_PAD
        .decode(key)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| <[String; N]>::try_from(text.split('|').map(str::to_owned).collect::<Vec<_>>()).ok())
        .ok_or_else(wrong_key)
}

pub(crate) fn wrong_key() -> FdxError {
    FdxError::invalid_input("`pageKey` is not one that this bank gave")
}

/// The body of a list: rows, `page` and, if there is more, `links.next`.
pub(crate) fn body(name: &str, rows: Vec<Value>, total: usize, next: Option<(String, String)>) -> Value {
    let mut page = Map::new();
    page.insert("totalElements".to_owned(), json!(total));
    let mut out = Map::new();
    if let Some((key, href)) = next {
        page.insert("nextPageKey".to_owned(), json!(key));
        out.insert("links".to_owned(), json!({ "next": { "href": href } }));
    }
    out.insert("page".to_owned(), Value::Object(page));
    out.insert(name.to_owned(), Value::Array(rows));
    Value::Object(out)
}
