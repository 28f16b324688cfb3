//! The customer's privacy page, its entrance, and the language switch.

use crate::WebState;
use crate::accounts_page::AccountsPage;
use crate::browser::{self, Fields};
use crate::form;
use crate::limits::PERIODS_DAYS;
use crate::pages::{BankChoice, Home, PrivacyOut};
use crate::privacy_page::{Asked, PrivacyPage};
use crate::respond::{link_error, page, page_with, say, see_other};
use crate::words::Words;
use amana_core::{ConsentId, InstitutionId, Lang, Purpose, Timestamp};
use amana_flow::{BundleAsk, LinkError, Looked, OwnPage, PrivacyView, TimelineFilter};
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// `GET /`.
pub(crate) async fn home(headers: HeaderMap) -> Response {
    page(StatusCode::OK, &Home { w: Words::new(browser::lang(&headers, None), "/") })
}

/// `POST /lang`: another language, on the page where it was asked for.
pub(crate) async fn lang(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let lang = fields.lang().unwrap_or_default();
    if let Some(cookie) = browser::session(&state, &headers) {
        // Signed in: the session remembers it, too. Anything else is not signed in, and the cookie alone will do.
        if let Err(error @ LinkError::Flow(_)) = state.gateway.privacy_lang(cookie, lang).await {
            tracing::warn!(%error, "the language of a session could not be kept");
        }
    }
    let mut response = see_other(browser::local(fields.one("back").unwrap_or("/")));
    browser::set_lang(&state, &mut response, lang);
    response
}

/// What was just done, by the word in the address.
fn status(words: &Words, done: Option<&str>) -> Option<String> {
    match done? {
        "all" => Some(words.t("privacy-done-all")),
        "one" => Some(words.t("privacy-done-one")),
        "renewed" => Some(words.t("privacy-done-renewed")),
        "left" => Some(words.t("privacy-left")),
        _ => None,
    }
}

/// What of the timeline an address asks for. What is not a choice of the page is left out.
fn asked(query: &Fields, now: Timestamp) -> Asked {
    let days =
        query.one("days").and_then(|days| days.parse().ok()).filter(|days| PERIODS_DAYS.contains(days));
    Asked {
        days,
        filter: TimelineFilter {
            purpose: query.one("for").and_then(|purpose| purpose.parse().ok()),
            kind: query.one("kind").and_then(|kind| Looked::ALL.iter().copied().find(|k| k.as_str() == kind)),
            since: days.and_then(|days| now.checked_sub(Duration::from_secs(u64::from(days) * 86_400)).ok()),
            before: query.one("before").and_then(|seq| seq.parse().ok()),
        },
    }
}

/// `GET /privacy`: the page, or the way to it. `?for=`, `?kind=` and `?days=` narrow the timeline, `?before=` turns to
/// older entries.
pub(crate) async fn show(
    State(state): State<Arc<WebState>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let now = state.gateway.clock().now();
    let asked = asked(&query, now);
    let view = match browser::session(&state, &headers) {
        Some(cookie) => part(&state, cookie, &asked, query.one("key") == Some("show")).await,
        None => Err(LinkError::Over),
    };
    match view {
        Ok((view, key)) => {
            let w = Words::new(browser::lang(&headers, Some(view.lang)), browser::back(&uri));
            // The word in the address is anybody's: "all is stopped" is said only while it is true.
            let done =
                query.one("done").filter(|done| *done != "all" || view.consents.iter().all(|c| !c.in_force));
            let status = status(&w, done);
            let bank = bank_name(&state, &view.institution_id, &view.institution, w.lang);
            let page = PrivacyPage::new(w, &view, &asked, bank, status, now).with_key(key);
            page_with(StatusCode::OK, &page, view.timeline.into_iter().filter_map(|entry| entry.said))
        }
        Err(LinkError::Over) => {
            let w = Words::new(browser::lang(&headers, None), "/privacy");
            let status = status(&w, query.one("done").filter(|done| *done == "left"));
            entrance(&state, w, OwnPage::Privacy, status)
        }
        Err(error) => link_error(&error, Words::new(browser::lang(&headers, None), "/privacy")),
    }
}

/// The part of the page that was asked for, and the customer's key where that was asked for, too.
async fn part(
    state: &WebState,
    cookie: &str,
    asked: &Asked,
    with_key: bool,
) -> Result<(PrivacyView, Option<String>), LinkError> {
    let view = state.gateway.privacy_part(cookie, &asked.filter).await?;
    let key = if with_key { Some(state.gateway.privacy_key(cookie).await?) } else { None };
    Ok((view, key))
}

/// `GET /privacy/bundle`: the customer's receipts with their proof, as a file; `?since=` is the size of the checkpoint
/// that they saved. For a later part `seq` and `segment` say where the one before ended; an answer that another part
/// follows says where that is in its `Link`.
pub(crate) async fn bundle(
    State(state): State<Arc<WebState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let number = |name| fields.one(name).and_then(|n| n.parse().ok());
    let after = number("seq").zip(number("segment"));
    let ask = BundleAsk { since: number("since"), after, ..BundleAsk::default() };
    let bundle = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.bundle(cookie, ask).await,
        None => Err(LinkError::Over),
    };
    match bundle {
        Ok(part) => {
            let head = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"amana-proof.json\""),
            ];
            let next = part.next.and_then(|next| next.since.zip(next.after));
            let link = next.map(|(since, (seq, segment))| {
                let link =
                    format!("</privacy/bundle?since={since}&seq={seq}&segment={segment}>; rel=\"next\"");
                [(header::LINK, link)]
            });
            match link {
                Some(link) => (head, link, part.json).into_response(),
                None => (head, part.json).into_response(),
            }
        }
        Err(error) => link_error(&error, Words::new(browser::lang(&headers, None), "/privacy")),
    }
}

/// `GET /privacy/accounts`: what a notice in the chat did not say, read live from the bank.
pub(crate) async fn accounts(State(state): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    const HERE: &str = "/privacy/accounts";
    let view = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.accounts_view(cookie, |own| browser::lang(&headers, Some(own))).await,
        None => Err(LinkError::Over),
    };
    match view {
        Ok(view) => {
            let w = Words::new(view.lang, HERE);
            let (frame, pieces) = AccountsPage::new(w, view);
            page_with(StatusCode::OK, &frame, pieces)
        }
        Err(LinkError::Over) => {
            entrance(&state, Words::new(browser::lang(&headers, None), HERE), OwnPage::Accounts, None)
        }
        Err(error) => link_error(&error, Words::new(browser::lang(&headers, None), HERE)),
    }
}

/// Who comes? The bank's own sign-in says it; there is no secret in the address.
pub(crate) fn entrance(state: &WebState, w: Words, to: OwnPage, status: Option<String>) -> Response {
    let institutions = state.gateway.institutions();
    let banks = institutions.iter().map(|(id, i)| BankChoice::new(id, i.name_in(w.lang))).collect();
    let to = match to {
        OwnPage::Privacy => "privacy",
        OwnPage::Accounts | OwnPage::Notice => "accounts",
        OwnPage::Passkeys => "passkeys",
    };
    page(StatusCode::OK, &PrivacyOut { lang: w.lang.tag(), to, banks, status, w })
}

/// An institution's name in the page's language; one that is not configured any more keeps the name it had.
pub(crate) fn bank_name(state: &WebState, id: &InstitutionId, name: &str, lang: Lang) -> String {
    state.gateway.institutions().get(id).map_or(name, |i| i.name_in(lang)).to_owned()
}

/// `POST /privacy/sign-in`: to the bank's sign-in.
pub(crate) async fn sign_in(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let lang = fields.lang().unwrap_or_else(|| browser::lang(&headers, None));
    let words = Words::new(lang, "/");
    let Some(institution) = fields.one("institution").and_then(|id| InstitutionId::new(id).ok()) else {
        return link_error(&LinkError::NoSuchInstitution, words);
    };
    let to = match fields.one("to") {
        Some("accounts") => OwnPage::Accounts,
        Some("passkeys") => OwnPage::Passkeys,
        _ => OwnPage::Privacy,
    };
    match state.gateway.sign_in(to, &institution, lang).await {
        Ok(begun) => {
            let mut response = see_other(begun.url.as_str());
            browser::set_session(&state, &mut response, &begun.cookie);
            browser::hint_lang(&state, &mut response, lang);
            response
        }
        Err(error) => link_error(&error, words),
    }
}

/// `POST /privacy/revoke`: stops one purpose, or all.
pub(crate) async fn revoke(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let words = Words::new(browser::lang(&headers, None), "/privacy");
    let Some(cookie) = browser::session(&state, &headers) else { return link_error(&LinkError::Over, words) };
    let consent: Option<ConsentId> = fields.one("consent").and_then(|id| id.parse().ok());
    // A purpose that is not one must not become "all".
    let purpose: Result<Option<Purpose>, _> = fields.one("purpose").map(str::parse).transpose();
    let (Some(consent), Ok(purpose)) = (consent, purpose) else {
        return say(words, StatusCode::UNPROCESSABLE_ENTITY, "consent", false);
    };
    let csrf = fields.one("csrf").unwrap_or_default();
    match state.gateway.privacy_revoke(cookie, csrf, consent, purpose).await {
        Ok(()) if purpose.is_some() => see_other("/privacy?done=one"),
        Ok(()) => see_other("/privacy?done=all"),
        Err(error) => link_error(&error, words),
    }
}

/// `POST /privacy/leave`: signs out.
pub(crate) async fn leave(State(state): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    if let Some(cookie) = browser::session(&state, &headers) {
        match state.gateway.privacy_leave(cookie).await {
            // Over already is what was asked for.
            Ok(()) | Err(LinkError::Over) => {}
            Err(error) => return link_error(&error, Words::new(browser::lang(&headers, None), "/privacy")),
        }
    }
    let mut response = see_other("/privacy?done=left");
    browser::clear_session(&state, &mut response);
    response
}
