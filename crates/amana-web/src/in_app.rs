//! Pages with a customer's own data are not shown in a browser that belongs to the platform.
//!
//! A link that is opened in Messenger, Facebook, Instagram or WhatsApp opens in a browser inside that app, which can
//! watch the page and what is typed on it: what a *notice* did not say to the platform would be said to it there. So
//! everything below `/privacy` answers such a browser with a page that says how to open the address elsewhere, before
//! any session is made or read.
//!
//! It goes by what the browser says about itself, so it is best effort: an app that hides is not noticed.

use crate::WebState;
use crate::browser;
use crate::pages::Message;
use crate::respond::page;
use crate::words::Words;
use amana_render::Arg;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// What the browsers inside Meta's apps have in their `User-Agent`, in lower case.
const MARKS: &[&str] = &[
    "fban/",
    "fbav/",
    "fb_iab/",
    "fbios",
    "fbss/",
    "iabmv/",
    "orca-android",
    "messengerforios",
    "messengerlite",
    "instagram",
    "barcelona",
    "whatsapp/",
];
/// The apps that an Android web view names in `X-Requested-With`.
const APPS: &[&str] = &["com.facebook.", "com.instagram.", "com.whatsapp"];

/// Whether a request comes from a browser inside one of the platform's apps.
pub(crate) fn is_in_app(headers: &HeaderMap) -> bool {
    let says = |name: header::HeaderName| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase())
    };
    says(header::USER_AGENT).is_some_and(|agent| MARKS.iter().any(|mark| agent.contains(mark)))
        || says(header::HeaderName::from_static("x-requested-with"))
            .is_some_and(|app| APPS.iter().any(|prefix| app.starts_with(prefix)))
}

/// Whether an address shows a customer's own data. Whatever comes below `/privacy` one day is meant too.
fn is_own(path: &str) -> bool {
    path == "/privacy" || path.starts_with("/privacy/")
}

/// Keeps own pages out of the platform's browsers.
pub(crate) async fn refuse(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    if !is_own(request.uri().path()) || !is_in_app(request.headers()) {
        return next.run(request).await;
    }
    metrics::counter!("amana_http_in_app_total").increment(1);
    let w = Words::new(browser::lang(request.headers(), None), "/");
    // The path alone: what stands behind it is not for a page that somebody may be watching.
    let address =
        state.public_url.join(request.uri().path()).map_or_else(|_| String::new(), |u| u.to_string());
    let texts = vec![w.t("error-in-app"), w.with("error-in-app-how", &[("address", Arg::Text(&address))])];
    page(
        StatusCode::FORBIDDEN,
        &Message { heading: w.t("error-in-app-heading"), texts, links: Vec::new(), good: false, w },
    )
}
