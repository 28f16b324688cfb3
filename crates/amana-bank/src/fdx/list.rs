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
        let mut walk = Walk::new(&call.url, self.config.profile.api.paging);
        loop {
            let (body, interaction) = self.get_json(call, &walk.here).await?;
            let nonsense = |what| Failure {
                class: BankErrorClass::Nonsense(what),
                interaction: Some(interaction.clone()),
            };
            match walk.page(body.value.as_ref(), body.partial, keys).map_err(nonsense)? {
                Walked::On => {}
                Walked::End { truncated } => return Ok(Rows { rows: walk.rows, truncated }),
            }
        }
    }
}

/// What a page means for the walk.
#[derive(Debug, PartialEq, Eq)]
enum Walked {
    /// There is another one, at the new `here`.
    On,
    /// That was the last one, or the last that is read.
    End { truncated: bool },
}

/// A walk from page to page.
struct Walk<'a> {
    first: &'a Url,
    here: Url,
    paging: Paging,
    rows: Vec<Value>,
    /// The addresses that were asked.
    seen: HashSet<[u8; 32]>,
    pages: usize,
    /// Of the pages that led to another one: those that were called whole, and those that were called partial (206).
    whole: usize,
    partial: usize,
}

impl<'a> Walk<'a> {
    fn new(first: &'a Url, paging: Paging) -> Self {
        let (rows, seen) = (Vec::new(), HashSet::from([token_hash(first.as_str())]));
        Self { first, here: first.clone(), paging, rows, seen, pages: 0, whole: 0, partial: 0 }
    }

    /// Takes a page in; one without a body has nothing and leads nowhere.
    fn page(&mut self, body: Option<&Value>, partial: bool, keys: &[&str]) -> Result<Walked, &'static str> {
        self.pages = self.pages.saturating_add(1);
        let Some(body) = body else { return Ok(Walked::End { truncated: self.gaps(partial) }) };
        take_rows(body, keys, &mut self.rows)?;
        if self.rows.len() > ROWS_MAX {
            self.rows.truncate(ROWS_MAX);
            return Ok(Walked::End { truncated: true });
        }
        let Some(next) = next(body, self.paging) else {
            return Ok(Walked::End { truncated: self.gaps(partial) });
        };
        if partial {
            self.partial = self.partial.saturating_add(1);
        } else {
            self.whole = self.whole.saturating_add(1);
        }
        self.here = follow(self.first, &self.here, &next)?;
        // The same address twice is a circle: what was read stays, and the list is not called complete.
        let circle = !self.seen.insert(token_hash(self.here.as_str()));
        Ok(if circle || self.pages >= PAGES_MAX { Walked::End { truncated: true } } else { Walked::On })
    }

    /// Whether what was read has gaps, the last page being `partial`. Some banks say 206 of every page but the last,
    /// FDX of what could not be read as a whole: so it counts on the last page, and where some pages have it and some
    /// not.
    fn gaps(&self, partial: bool) -> bool {
        partial || (self.partial > 0 && self.whole > 0)
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
    use proptest::prelude::*;
    use serde_json::json;

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

    /// A page that leads on to the place that is named.
    type PageTo = fn(&str) -> Value;

    /// The three ways to the next page, as banks write them.
    const WAYS: [(Paging, PageTo); 3] = [
        (Paging::PageKey, |to| json!({ "accounts": [{}], "page": { "nextPageKey": to } })),
        (
            Paging::Link,
            |to| json!({ "accounts": [{}], "links": { "next": { "href": format!("/a?to={to}") } } }),
        ),
        (Paging::Offset, |to| json!({ "accounts": [{}], "page": { "nextOffset": to } })),
    ];

    /// A partial answer (206) with another page behind it is read on, by whichever way; only on the last page, or here
    /// and not there, does it mean a gap.
    #[test]
    fn a_partial_page_is_not_the_last_one() {
        let first = Url::parse("https://bank.example/fdx/v6/accounts?limit=2").expect("a url");
        for (paging, page) in WAYS {
            for asked in [paging, Paging::Auto] {
                for (statuses, gaps) in [
                    ([false, false, false], false),
                    ([true, true, false], false),
                    ([true, true, true], true),
                    ([false, false, true], true),
                    ([true, false, false], true),
                    ([false, true, false], true),
                ] {
                    let mut walk = Walk::new(&first, asked);
                    for (n, partial) in statuses.into_iter().enumerate() {
                        let last = n == 2;
                        let body = if last { json!({ "accounts": [{}] }) } else { page(&n.to_string()) };
                        let wanted = if last { Walked::End { truncated: gaps } } else { Walked::On };
                        let walked = walk.page(Some(&body), partial, ACCOUNTS);
                        assert_eq!(walked, Ok(wanted), "{paging:?} {statuses:?} {n}");
                    }
                    assert_eq!(walk.rows.len(), 3);
                }
            }
        }
    }

    proptest! {
        /// However a bank's pages lead to one another, by whichever way: no address is asked twice, the walk ends
        /// within its pages, it stays on the origin, and what was cut off is not called the whole.
        #[test]
        fn every_walk_ends(
            way in 0..3_usize,
            auto in any::<bool>(),
            leads in proptest::collection::vec(proptest::option::weighted(0.98, 0..40_u32), 40),
        ) {
            let first = Url::parse("https://bank.example/fdx/v6/accounts?limit=2").expect("a url");
            let (paging, page) = WAYS[way];
            let mut walk = Walk::new(&first, if auto { Paging::Auto } else { paging });
            let (mut asked, mut at) = (HashSet::new(), 0_usize);
            loop {
                prop_assert!(asked.insert(walk.here.to_string()), "{} twice", walk.here);
                prop_assert!(asked.len() <= PAGES_MAX);
                prop_assert_eq!(walk.here.origin(), first.origin());
                let leads_to = leads[at];
                let body = leads_to.map_or_else(|| json!({ "accounts": [{}] }), |to| page(&to.to_string()));
                match walk.page(Some(&body), false, ACCOUNTS) {
                    Ok(Walked::On) => at = leads_to.expect("it leads on") as usize,
                    Ok(Walked::End { truncated }) => {
                        prop_assert_eq!(truncated, leads_to.is_some());
                        break;
                    }
                    Err(what) => prop_assert!(false, "{what}"),
                }
            }
            prop_assert_eq!(walk.rows.len(), asked.len());
        }

        /// Whatever a bank writes as the next page, the token goes to its own origin or nowhere.
        #[test]
        fn no_continuation_leaves_the_origin(
            text in prop_oneof![
                any::<String>(),
                "(https?:)?//?[a-z@:.\\\\/%0-9]{0,12}(bank|evil)\\.example(:[0-9]{1,5})?[/a-z?#@]{0,8}",
            ],
            way in 0..3_usize,
        ) {
            let first = Url::parse("https://bank.example/fdx/v6/accounts?limit=2").expect("a url");
            let next = [Next::Key(text.clone()), Next::Link(text.clone()), Next::Offset(text)][way].clone();
            if let Ok(url) = follow(&first, &first, &next) {
                prop_assert_eq!(url.origin(), first.origin());
                prop_assert!(url.username().is_empty() && url.password().is_none());
            } else {
                prop_assert!(matches!(next, Next::Link(_)));
            }
        }
    }
}
