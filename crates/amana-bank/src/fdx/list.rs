//! Lists in pages: three ways to the next one, within a budget, never in a circle, never to another origin.

use super::calls::Call;
use crate::connector::{Failure, FdxBank};
use crate::error::BankErrorClass;
use crate::limits::{PAGES_MAX, ROWS_MAX};
use crate::profile::Paging;
use amana_core::ids::token_hash;
use serde_json::Value;
use std::collections::HashSet;
use url::Url;

/// Rows as the bank sent them.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Value>,
    /// Whether the bank has more than was read.
    pub(crate) truncated: bool,
}

/// Where the next page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Key(String),
    Link(String),
    Offset(String),
}

/// The keys under which the rows of a list may stand.
pub(crate) const ACCOUNTS: &[&str] = &["accounts"];
pub(crate) const TRANSACTIONS: &[&str] =
    &["transactions", "depositTransactions", "locTransactions", "loanTransactions"];

impl FdxBank {
    /// Reads a whole list, within time, pages and rows.
    pub(crate) async fn list(&self, call: &Call<'_>, keys: &[&str]) -> Result<Rows, Failure> {
        tokio::time::timeout(self.http.list_timeout(), self.pages(call, keys))
            .await
            .unwrap_or_else(|_| Err(BankErrorClass::Retry("a list was not complete in time").into()))
    }

    async fn pages(&self, call: &Call<'_>, keys: &[&str]) -> Result<Rows, Failure> {
        let paging = self.config.profile.api.paging;
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        let mut url = call.url.clone();
        for _ in 0..PAGES_MAX {
            let (body, interaction) = self.get_json(call, &url).await?;
            let nonsense = |what| Failure {
                class: BankErrorClass::Nonsense(what),
                interaction: Some(interaction.clone()),
            };
            let Some(value) = body.value else { return Ok(Rows { rows, truncated: false }) };
            take_rows(&value, keys, &mut rows).map_err(nonsense)?;
            if rows.len() > ROWS_MAX {
                rows.truncate(ROWS_MAX);
                return Ok(Rows { rows, truncated: true });
            }
            // Some banks say 206 of every page but the last, FDX of a list that could not be read as a whole.
            let Some(next) = next(&value, paging) else { return Ok(Rows { rows, truncated: body.partial }) };
            // The same continuation twice is a circle: what was read stays, and the list is not called complete.
            if !seen.insert(next_hash(&next)) {
                return Ok(Rows { rows, truncated: true });
            }
            url = follow(&call.url, &url, &next).map_err(nonsense)?;
        }
        Ok(Rows { rows, truncated: true })
    }
}

/// Puts the rows of a page after those of the pages before.
pub(crate) fn take_rows(body: &Value, keys: &[&str], rows: &mut Vec<Value>) -> Result<(), &'static str> {
    let Some(object) = body.as_object() else { return Err("a list is not a json object") };
    let mut found = false;
    for key in keys {
        match object.get(*key) {
            Some(Value::Array(some)) => {
                found = true;
                // One row past the limit is enough to know that there are more.
                rows.extend(some.iter().take(ROWS_MAX + 1 - rows.len().min(ROWS_MAX)).cloned());
            }
            Some(Value::Null) => found = true,
            Some(_) => return Err("the rows of a list are not an array"),
            None => {}
        }
    }
    if found || object.contains_key("page") || object.contains_key("links") {
        return Ok(());
    }
    Err("a list has no rows")
}

/// Where the page says that the next one is.
pub(crate) fn next(body: &Value, paging: Paging) -> Option<Next> {
    let in_page = |name| super::value::text(body.get("page")?, name);
    let key = || in_page("nextPageKey").map(Next::Key);
    let link = || super::value::text(body.get("links")?.get("next")?, "href").map(Next::Link);
    let offset = || in_page("nextOffset").map(Next::Offset);
    match paging {
        Paging::Auto => key().or_else(link).or_else(offset),
        Paging::PageKey => key(),
        Paging::Link => link(),
        Paging::Offset => offset(),
    }
}

fn next_hash(next: &Next) -> [u8; 32] {
    match next {
        Next::Key(text) | Next::Link(text) | Next::Offset(text) => token_hash(text),
    }
}

/// The address of the next page: on the origin of the first one, or nowhere.
pub(crate) fn follow(first: &Url, here: &Url, next: &Next) -> Result<Url, &'static str> {
    let with = |name: &str, value: &str| {
        let mut url = first.clone();
        let kept: Vec<(String, String)> = first
            .query_pairs()
            .filter(|(k, _)| k != name)
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
        url
    };
    match next {
        Next::Key(key) => Ok(with("pageKey", key)),
        Next::Offset(offset) => Ok(with("offset", offset)),
        Next::Link(href) => {
            let url = here.join(href).map_err(|_| "the link to the next page is not a url")?;
            // The token goes where the link leads.
            if url.origin() != first.origin() || !url.username().is_empty() || url.password().is_some() {
                return Err("the link to the next page leads to another origin");
            }
            Ok(url)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn the_next_page_by_key_then_link_then_offset() {
        let all = parse(
            r#"{"page":{"nextPageKey":"k","nextOffset":20},"links":{"next":{"href":"/a?x=1"}},"accounts":[]}"#,
        );
        assert_eq!(next(&all, Paging::Auto), Some(Next::Key("k".into())));
        assert_eq!(next(&all, Paging::Link), Some(Next::Link("/a?x=1".into())));
        assert_eq!(next(&all, Paging::Offset), Some(Next::Offset("20".into())));
        for last in [
            r#"{"page":{}}"#,
            r#"{}"#,
            r#"{"page":{"nextPageKey":""}}"#,
            r#"{"page":null,"links":{"next":null}}"#,
        ] {
            assert_eq!(next(&parse(last), Paging::Auto), None, "{last}");
        }
    }

    #[test]
    fn links_are_followed_on_their_own_origin_only() {
        let url = |text: &str| Url::parse(text).expect("a url");
        let first = url("https://bank.example/fdx/v6/accounts?limit=2");
        let go = |href: &str| follow(&first, &first, &Next::Link(href.into())).map(|u| u.to_string());
        assert_eq!(
            go("/fdx/v6/accounts?pageKey=2").as_deref(),
            Ok("https://bank.example/fdx/v6/accounts?pageKey=2")
        );
        for elsewhere in [
            "https://evil.example/fdx/v6/accounts",
            "http://bank.example/fdx/v6/accounts",
            "//evil.example/x",
            "https://bank.example:8443/x",
            "https://user@bank.example/x",
            "javascript:alert(1)",
            "file:///etc/passwd",
        ] {
            assert!(go(elsewhere).is_err(), "{elsewhere}");
        }
        let keyed = follow(&first, &first, &Next::Key("a b&c".into())).expect("a url");
        assert_eq!(keyed.query(), Some("limit=2&pageKey=a+b%26c"));
    }
}
