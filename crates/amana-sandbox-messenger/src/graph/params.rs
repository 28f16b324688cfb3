//! Parameters in every encoding that real clients use (messenger reference 2): JSON body, form body whose
//! objects are JSON strings, multipart with a file, query string.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::GraphError;

/// The parameters of one call, by name. The body wins over the query.
#[derive(Debug, Default, Clone)]
pub(crate) struct Params(BTreeMap<String, Value>);

impl Params {
    /// Reads query and body.
    ///
    /// # Errors
    /// `(#100)` for a body that is not what its content type says, or of a content type nobody uses.
    pub(crate) fn read(query: &str, headers: &HeaderMap, body: &[u8]) -> Result<Self, GraphError> {
        let mut all = BTreeMap::new();
        form(&mut all, query.as_bytes());
        let whole = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(all));
        }
        match kind.as_str() {
            "application/x-www-form-urlencoded" => form(&mut all, body),
            "application/json" | "text/plain" | "" => match serde_json::from_slice(body) {
                Ok(Value::Object(map)) => all.extend(map),
                _ => return Err(GraphError::param("The request body is not a JSON object")),
            },
            "multipart/form-data" => multipart(&mut all, whole, body)?,
            _ => return Err(GraphError::param(format!("Unsupported content type \"{kind}\""))),
        }
        Ok(Self(all))
    }

    /// The parameter as it came; form and query values that hold a JSON object or array are parsed.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    /// The parameter as text; a number counts as its digits.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }

    /// The parameter as an object.
    ///
    /// # Errors
    /// `(#100)` when it is there and is not an object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, GraphError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(GraphError::param(format!("Param {name} must be a JSON object"))),
        }
    }

    /// A list: JSON array, JSON array in a string, or a comma list with or without spaces; lower-cased.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(text).map(|s| s.to_lowercase()).collect(),
            Some(value) => text(value)
                .unwrap_or_default()
                .split(',')
                .map(|s| s.trim().to_lowercase())
                .filter(|s| !s.is_empty())
                .collect(),
            None => Vec::new(),
        }
    }

    /// All parameters without secrets, for the wire log and `GET /control/sends`.
    pub(crate) fn shown(&self) -> Value {
        let hidden = ["access_token", "appsecret_proof"];
        Value::Object(
            self.0
                .iter()
                .filter(|(k, _)| !hidden.contains(&k.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// Names of all parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn form(all: &mut BTreeMap<String, Value>, bytes: &[u8]) {
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let looks_like_json = value.starts_with(['{', '[']);
        let parsed = looks_like_json.then(|| serde_json::from_str(&value).ok()).flatten();
        all.insert(name.into_owned(), parsed.unwrap_or_else(|| Value::String(value.into_owned())));
    }
}

/// The parts of an upload: fields as in a form, and the file as `filedata` with its name, type and size. Its bytes are
/// not kept.
fn multipart(all: &mut BTreeMap<String, Value>, kind: &str, body: &[u8]) -> Result<(), GraphError> {
    let broken = || GraphError::param("The multipart body is not what its content type says");
    let boundary = kind.split(';').skip(1).find_map(|p| p.trim().strip_prefix("boundary="));
    let boundary = boundary.map(|b| b.trim_matches('"')).filter(|b| !b.is_empty()).ok_or_else(broken)?;
    let delimiter = format!("--{boundary}");
    let mut rest = body;
    let start = find(rest, delimiter.as_bytes()).ok_or_else(broken)?;
    rest = rest.get(start + delimiter.len()..).unwrap_or_default();
    let end = format!("\r\n{delimiter}");
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let length = find(part, end.as_bytes()).ok_or_else(broken)?;
        let (part, after) = part.split_at_checked(length).ok_or_else(broken)?;
        rest = after.get(end.len()..).unwrap_or_default();
        let gap = find(part, b"\r\n\r\n").ok_or_else(broken)?;
        let (head, content) = part.split_at_checked(gap).ok_or_else(broken)?;
        let content = content.get(4..).unwrap_or_default();
        let head = String::from_utf8_lossy(head);
        let of = |header: &str| {
            head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.trim().eq_ignore_ascii_case(header).then(|| value.trim().to_owned())
            })
        };
        let disposition = of("content-disposition").unwrap_or_default();
        let word = |name: &str| {
            let parts = disposition.split(';').map(str::trim);
            parts
                .filter_map(|p| p.split_once('='))
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.trim_matches('"').to_owned())
        };
        let name = word("name").ok_or_else(broken)?;
        match word("filename") {
            Some(filename) => {
                let kind = of("content-type").unwrap_or_default();
                let file = serde_json::json!({"filename": filename, "type": kind, "size": content.len()});
                all.insert("filedata".to_owned(), file);
            }
            None => {
                let value = String::from_utf8_lossy(content).into_owned();
                let looks_like_json = value.starts_with(['{', '[']);
                let parsed = looks_like_json.then(|| serde_json::from_str(&value).ok()).flatten();
                all.insert(name, parsed.unwrap_or(Value::String(value)));
            }
        }
    }
    Ok(())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A string, or a number as its digits: ids come both ways.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap());
        let json = Params::read("", &headers, br#"{"recipient":{"id":"1"},"fields":["A","b"]}"#).unwrap();
        headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        let encoded = b"recipient=%7B%22id%22%3A%221%22%7D&fields=%5B%22A%22%2C%22b%22%5D";
        let form = Params::read("", &headers, encoded).unwrap();
        let query = Params::read(std::str::from_utf8(encoded).unwrap(), &HeaderMap::new(), b"").unwrap();
        for params in [&json, &form, &query] {
            assert_eq!(params.object("recipient").unwrap().unwrap()["id"], "1");
            assert_eq!(params.list("fields"), ["a", "b"]);
        }
        let spaced = Params::read("fields=messages,%20message_echoes", &HeaderMap::new(), b"").unwrap();
        assert_eq!(spaced.list("fields"), ["messages", "message_echoes"]);
        assert!(Params::read("", &HeaderMap::new(), b"{").is_err());
    }

    /// Goal: an upload gives its fields and its file's name, type and size; a cut one is refused.
    #[test]
    fn an_upload_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "multipart/form-data; boundary=\"x y\"".parse().unwrap());
        let body = b"--x y\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n{\"a\":1}\r\n\
            --x y\r\ncontent-disposition: form-data; name=filedata; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
            \x89PNG\r\n--\r\n--x y--\r\n";
        let params = Params::read("", &headers, body).unwrap();
        assert_eq!(params.object("message").unwrap().unwrap()["a"], 1);
        let file = params.get("filedata").unwrap();
        assert_eq!(file, &serde_json::json!({"filename": "a.png", "type": "image/png", "size": 8}));
        for cut in 1..body.len() - 6 {
            let cut = Params::read("", &headers, &body[..cut]);
            assert!(cut.is_err() || cut.unwrap().get("filedata").is_none());
        }
        headers.insert(CONTENT_TYPE, "multipart/form-data".parse().unwrap());
        assert!(Params::read("", &headers, body).is_err());
    }
}
