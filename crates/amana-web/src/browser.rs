//! What a browser brings: cookies, language, forms; and what it is given.

use crate::WebState;
use crate::limits::{BACK_BYTES_MAX, COOKIE_BYTES_MAX, FORM_FIELDS_MAX, LANG_COOKIE_S, SESSION_COOKIE_S};
use amana_core::Lang;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;

/// The language that a person chose on a page.
const LANG_COOKIE: &str = "amana_lang";
/// The language of the page from which a person went to the bank, for the pages after it.
const HINT_COOKIE: &str = "amana_lang_hint";

fn cookie_named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty() && value.len() <= COOKIE_BYTES_MAX)
        .map(|(_, value)| value)
}

/// The session cookie's name: with HTTPS one that no other host and no plain connection can set (RFC 6265bis
/// §4.1.3.2).
fn session_name(state: &WebState) -> &'static str {
    if state.secure_cookies { "__Host-amana" } else { "amana" }
}

/// The value of the session cookie.
pub(crate) fn session<'a>(state: &WebState, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie_named(headers, session_name(state))
}

fn set(state: &WebState, response: &mut Response, name: &str, value: &str, age_s: i64) {
    let secure = if state.secure_cookies { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={age_s}{secure}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Gives the browser its session.
pub(crate) fn set_session(state: &WebState, response: &mut Response, value: &str) {
    set(state, response, session_name(state), value, SESSION_COOKIE_S);
}

/// Takes the session from the browser.
pub(crate) fn clear_session(state: &WebState, response: &mut Response) {
    set(state, response, session_name(state), "", 0);
}

/// Remembers the language that was chosen on a page.
pub(crate) fn set_lang(state: &WebState, response: &mut Response, lang: Lang) {
    set(state, response, LANG_COOKIE, lang.tag(), LANG_COOKIE_S);
}

/// Remembers the language in which a person went to the bank: it gives way to that of any conversation.
pub(crate) fn hint_lang(state: &WebState, response: &mut Response, lang: Lang) {
    set(state, response, HINT_COOKIE, lang.tag(), LANG_COOKIE_S);
}

/// The language of a page: what was chosen on a page, else what the conversation is held in, else that of the page
/// before the bank, else what the browser asks for.
pub(crate) fn lang(headers: &HeaderMap, conversation: Option<Lang>) -> Lang {
    let of_cookie = |name| cookie_named(headers, name).and_then(Lang::from_tag);
    let asked = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok().and_then(Lang::negotiate);
    of_cookie(LANG_COOKIE)
        .or(conversation)
        .or_else(|| of_cookie(HINT_COOKIE))
        .or_else(asked)
        .unwrap_or_default()
}

/// Where the language switch of a page leads back to: its own address.
pub(crate) fn back(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// An address on this site, from a form; anything else becomes the first page. (`//host` and `/\host` lead
/// elsewhere.)
pub(crate) fn local(back: &str) -> &str {
    let own = back.starts_with('/')
        && !back.starts_with("//")
        && !back.contains('\\')
        && back.len() <= BACK_BYTES_MAX
        && back.bytes().all(|b| b.is_ascii_graphic());
    if own { back } else { "/" }
}

/// The fields of a form or query, in their order. Invalid UTF-8 becomes U+FFFD, which no field of ours holds.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(
            url::form_urlencoded::parse(encoded)
                .take(FORM_FIELDS_MAX)
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }

    /// The first field of a name, if it is not empty.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Every field of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every field whose name begins with a prefix, by the rest of the name.
    pub(crate) fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }

    /// The language that the page was in, for forms that say so.
    pub(crate) fn lang(&self) -> Option<Lang> {
        self.one("lang").and_then(Lang::from_tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_this_site() {
        for good in ["/", "/privacy", "/link/start?t=a-b_c"] {
            assert_eq!(local(good), good);
        }
        for bad in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "javascript:x", "/ü"]
        {
            assert_eq!(local(bad), "/", "{bad}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(BACK_BYTES_MAX))), "/");
    }

    #[test]
    fn the_page_speaks_what_was_chosen_then_the_chat_then_the_browser() {
        let mut headers = HeaderMap::new();
        assert_eq!(lang(&headers, None), Lang::English);
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("ar-SA, en;q=0.5"));
        assert_eq!(lang(&headers, None), Lang::Arabic);
        assert_eq!(lang(&headers, Some(Lang::English)), Lang::English);
        headers.insert(header::COOKIE, HeaderValue::from_static("amana_lang_hint=en"));
        assert_eq!(lang(&headers, None), Lang::English);
        assert_eq!(lang(&headers, Some(Lang::Arabic)), Lang::Arabic);
        headers.insert(header::COOKIE, HeaderValue::from_static("x=1; amana_lang=ar"));
        assert_eq!(lang(&headers, Some(Lang::English)), Lang::Arabic);
    }

    #[test]
    fn fields_keep_order_and_repeats() {
        let fields = Fields::parse(b"a=1&b=%FF&a=2&c=");
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.one("b"), Some("\u{FFFD}"));
        assert_eq!(fields.one("c"), None);
    }
}
