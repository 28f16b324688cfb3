//! What is not shown in a browser that belongs to the platform: a customer's own data, and the way to them.
//!
//! A link that is opened in Messenger, Facebook, Instagram or WhatsApp opens in a browser inside that app, which can
//! watch the page and what is typed on it: what a *notice* did not say to the platform would be said to it there, and
//! so would the password at the bank, to which linking leads (RFC 8252 §8.12 forbids such browsers to OAuth). So
//!
//! - everything below `/privacy` and the page behind a notice answer such a browser with a page that says how to open
//!   the address elsewhere, before any session is made or read;
//! - linking begins in the chat, so its entrances answer with a way out ([`crate::link`]) before the platform or a
//!   bank is asked, and name nobody; everything else below `/link` is refused there.
//!
//! The same holds of other apps' own browsers, as far as they are known here. It goes by what the browser says about
//! itself, so it is best effort: an app that hides is not noticed.

use crate::WebState;
use crate::browser;
use crate::notice_page;
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
/// The same of other apps that show pages in browsers of their own, into which they can put scripts: a link that is
/// passed on is opened there.
const OTHERS: &[&str] = &[
    "bytedancewebview",
    "musical_ly",
    " trill_",
    "snapchat",
    "linkedinapp",
    "twitter for ",
    "twitterandroid",
    "micromessenger",
    " line/",
    "kakaotalk",
    "[pinterest/",
    "telegram-android/",
];
/// The apps that an Android web view names in `X-Requested-With`.
const APPS: &[&str] = &[
    "com.facebook.",
    "com.instagram.",
    "com.whatsapp",
    "com.zhiliaoapp.musically",
    "com.ss.android.ugc.trill",
    "com.snapchat.android",
    "com.linkedin.android",
    "com.twitter.android",
    "com.tencent.mm",
    "jp.naver.line.android",
    "com.kakao.talk",
    "com.pinterest",
    "org.telegram.messenger",
];

/// Whether a request comes from a browser inside one of the platform's apps.
pub(crate) fn is_in_app(headers: &HeaderMap) -> bool {
    let says = |name: header::HeaderName| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase())
    };
    says(header::USER_AGENT).is_some_and(|agent| MARKS.iter().chain(OTHERS).any(|mark| agent.contains(mark)))
        || says(header::HeaderName::from_static("x-requested-with"))
            .is_some_and(|app| APPS.iter().any(|prefix| app.starts_with(prefix)))
}

/// What an address leads to, as far as a browser of the platform's is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A customer's own data. Whatever comes below `/privacy` one day is meant too.
    Own,
    /// What a notice did not say.
    Notice,
    /// On the way to the bank and back.
    Linking,
    /// Shown everywhere; the entrances of linking answer for themselves.
    Open,
}

fn place(path: &str) -> Place {
    let below =
        |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if below("/privacy") {
        Place::Own
    } else if notice_page::is_here(path) {
        Place::Notice
    } else if matches!(path, "/link/start" | "/link/messenger" | "/link/elsewhere" | "/link/renew") {
        Place::Open
    } else if below("/link") {
        Place::Linking
    } else {
        Place::Open
    }
}

/// Counts a page that was not shown in a browser of the platform's.
pub(crate) fn count() {
    metrics::counter!("amana_http_in_app_total").increment(1);
}

/// Keeps own pages, and linking, out of the platform's browsers.
pub(crate) async fn refuse(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    let place = place(request.uri().path());
    if place == Place::Open || !is_in_app(request.headers()) {
        return next.run(request).await;
    }
    count();
    if place == Place::Notice {
        return notice_page::refused(&state, request.headers());
    }
    let w = Words::new(browser::lang(request.headers(), None), "/");
    let texts = if place == Place::Own {
        // The path alone: what stands behind it is not for a page that somebody may be watching.
        let address =
            state.public_url.join(request.uri().path()).map_or_else(|_| String::new(), |u| u.to_string());
        vec![w.t("error-in-app"), w.with("error-in-app-how", &[("address", Arg::Text(&address))])]
    } else {
        vec![w.t("error-in-app-link"), w.t("error-again")]
    };
    page(
        StatusCode::FORBIDDEN,
        &Message { heading: w.t("error-in-app-heading"), texts, links: Vec::new(), good: false, w },
    )
}
