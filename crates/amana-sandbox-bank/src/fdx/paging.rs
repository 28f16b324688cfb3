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

/// A page of these rows, which do not change while somebody turns pages, with the address of the next one: the list's
/// own with those of its parameters that are named here.
pub(crate) fn list(
    name: &str,
    rows: Vec<Value>,
    params: &Params,
    (address, kept): (&str, &[&str]),
) -> Result<Value, FdxError> {
    let limit = limit(params)?;
    let begin = match params.get("pageKey") {
        None => 0,
        Some(key) => {
            let [number] = parts::<1>(key)?;
            number.parse::<usize>().map_err(|_| wrong_key())?
        }
    };
    let total = rows.len();
    let page: Vec<Value> = rows.into_iter().skip(begin).take(limit).collect();
    let end = begin.saturating_add(page.len());
    let next = (end < total && !page.is_empty()).then(|| {
        let key = key(&[&end.to_string()]);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in kept.iter().chain(&["limit"]) {
            if let Some(value) = params.get(name) {
                query.append_pair(name, value);
            }
        }
        let query = query.append_pair("pageKey", &key).finish();
        (key, format!("{address}?{query}"))
    });
    Ok(body(name, page, total, next))
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
