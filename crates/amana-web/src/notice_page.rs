//! The page behind a notice: what Messenger was not told, for the customer alone.
//!
//! Its address is the same for everybody. Which message it is stands behind `#`, which no browser sends; the page's
//! program puts it into the one form. Only the last form uses anything up, after the bank's login.

use crate::WebState;
use crate::assets::{self, Asset};
use crate::browser::{self, Fields};
use crate::form;
use crate::guard::Scripted;
use crate::pages::Message;
use crate::privacy::bank_name;
use crate::respond::{link_error, page, page_with, see_other};
use crate::words::Words;
use amana_flow::{LinkError, NoticePage, Opening};
use amana_render::Arg;
use amana_render::format::date_time;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;

/// Where the page is.
pub(crate) const HERE: &str = "/m";

#[derive(Debug, Template)]
#[template(path = "notice.html")]
struct Notice {
    w: Words,
    /// Whether there are passkeys at this address.
    passkeys: bool,
    script: &'static Asset,
}

#[derive(Debug, Template)]
#[template(path = "notice_in_app.html")]
struct InApp {
    w: Words,
    script: &'static Asset,
    address: String,
}

#[derive(Debug, Template)]
#[template(path = "notice_ready.html")]
struct ReadyPage {
    w: Words,
    csrf: String,
}

/// The page around what the gate shows. It is never logged, and no cache keeps it.
#[derive(Template)]
#[template(path = "notice_shown.html")]
struct ShownPage {
    w: Words,
    bank: String,
    at: String,
    receipts: String,
    passkeys: bool,
}

/// Whether an address is that of the page behind a notice, or of one of its steps.
pub(crate) fn is_here(path: &str) -> bool {
    path == HERE || path.starts_with("/m/")
}

/// `GET /m`: the same for everybody, whatever stands in the address.
pub(crate) async fn show(State(state): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    let w = Words::new(browser::lang(&headers, None), HERE);
    let passkeys = state.gateway.has_passkeys();
    scripted(page(StatusCode::OK, &Notice { w, passkeys, script: assets::notice() }))
}

/// The way out of a browser that belongs to the platform: the address to open in another one.
pub(crate) fn refused(state: &WebState, headers: &HeaderMap) -> Response {
    let w = Words::new(browser::lang(headers, None), HERE);
    let address = state.public_url.join("m").map_or_else(|_| String::new(), |url| url.to_string());
    scripted(page(StatusCode::FORBIDDEN, &InApp { w, script: assets::notice(), address }))
}

fn scripted(mut response: Response) -> Response {
    response.extensions_mut().insert(Scripted::Notice);
    response
}

/// `POST /m/open`: the page of a customer who is signed in already, else the bank's login.
pub(crate) async fn open(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let lang = fields.lang().unwrap_or_else(|| browser::lang(&headers, None));
    let token = fields.one("t").unwrap_or_default();
    match state.gateway.notice_open(token, browser::session(&state, &headers), lang).await {
        Ok(Opening::Shown(view)) => shown(&state, &headers, *view),
        Ok(Opening::SignIn(begun)) => {
            let mut response = see_other(begun.url.as_str());
            browser::set_session(&state, &mut response, &begun.cookie);
            browser::hint_lang(&state, &mut response, lang);
            response
        }
        Err(error) => failed(&error, Words::new(lang, HERE)),
    }
}

/// `GET /m/ready`: back from the bank. It uses nothing up: that is the button's.
pub(crate) async fn ready(State(state): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    let ready = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.notice_ready(cookie).await,
        None => Err(LinkError::Over),
    };
    match ready {
        Ok(ready) => {
            let w = Words::new(browser::lang(&headers, Some(ready.lang)), "/m/ready");
            page(StatusCode::OK, &ReadyPage { w, csrf: ready.csrf })
        }
        Err(error) => failed(&error, Words::new(browser::lang(&headers, None), HERE)),
    }
}

/// `POST /m/show`: the look.
pub(crate) async fn look(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields): (HeaderMap, Fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let view = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.notice_show(cookie, fields.one("csrf").unwrap_or_default()).await,
        None => Err(LinkError::Over),
    };
    match view {
        Ok(view) => shown(&state, &headers, view),
        Err(error) => failed(&error, Words::new(browser::lang(&headers, None), HERE)),
    }
}

/// The page itself, once.
pub(crate) fn shown(state: &WebState, headers: &HeaderMap, view: NoticePage) -> Response {
    // No language switch: it would leave the page, which is not shown again.
    let w = Words::new(browser::lang(headers, Some(view.lang)), "");
    let (look, notice) = (view.receipt.to_string(), view.notice_receipt.to_string());
    let receipts =
        w.with("notice-shown-receipts", &[("look", Arg::Text(&look)), ("notice", Arg::Text(&notice))]);
    let bank = bank_name(state, &view.institution_id, &view.institution, w.lang);
    let passkeys = state.gateway.has_passkeys();
    let frame = ShownPage { at: date_time(w.lang, view.at, view.at), bank, receipts, passkeys, w };
    page_with(StatusCode::OK, &frame, [view.said])
}

/// What cannot be opened, and the way on.
pub(crate) fn failed(error: &LinkError, w: Words) -> Response {
    let (status, what) = match error {
        LinkError::PageOver => (StatusCode::GONE, "page-over"),
        LinkError::PageOfAnother => (StatusCode::FORBIDDEN, "page-another"),
        LinkError::Over => (StatusCode::GONE, "page-late"),
        LinkError::Passkey(_) => (StatusCode::FORBIDDEN, "page-passkey"),
        other => return link_error(other, w),
    };
    let links = vec![
        ("/privacy/accounts".to_owned(), w.t("title-accounts")),
        ("/privacy".to_owned(), w.t("foot-privacy")),
    ];
    let (heading, texts) = (w.t(&format!("error-{what}-heading")), vec![w.t(&format!("error-{what}"))]);
    page(status, &Message { heading, texts, links, good: false, w })
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn nothing_else_is_taken_for_the_page() {
        assert!(is_here("/m") && is_here("/m/") && is_here("/m/open") && is_here("/m/whatever-comes"));
        assert!(!is_here("/metrics") && !is_here("/") && !is_here("/privacy/m"));
    }
}
