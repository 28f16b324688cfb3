//! Passkeys: the customer's page of them, and the page behind a notice opened by one.
//!
//! The browser's own function is asked by `passkey.js`, from what stands in the page; it fetches nothing. Where there
//! is no such function, or no program runs, the page says so, and the bank's login is the way.

use crate::WebState;
use crate::assets::{self, Asset};
use crate::browser::{self, Fields};
use crate::form;
use crate::guard::Scripted;
use crate::notice_page;
use crate::privacy::{bank_name, entrance};
use crate::respond::{link_error, page, see_other};
use crate::words::Words;
use amana_core::{Lang, Timestamp};
use amana_flow::{LinkError, OwnPage, PasskeyAsk, PasskeyOpening, PasskeyView, PasskeysView};
use amana_passkey::{Assertion, Registration};
use amana_render::Arg;
use amana_render::format::date_time;
use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;

/// Where the customer's passkeys are.
const HERE: &str = "/privacy/passkeys";

#[derive(Debug, Template)]
#[template(path = "notice_passkey.html")]
struct AskPage<'a> {
    w: Words,
    script: &'static Asset,
    ask: PasskeyAsk,
    /// For the other way, the bank's login.
    token: &'a str,
}

#[derive(Debug, Template)]
#[template(path = "passkey_make.html")]
struct MakePage {
    w: Words,
    script: &'static Asset,
    ask: PasskeyAsk,
    csrf: String,
    /// What the device calls the passkey: the bank, and nobody's name.
    name: String,
    algorithms: String,
}

#[derive(Debug, Template)]
#[template(path = "passkeys.html")]
struct PasskeysPage {
    w: Words,
    bank: String,
    institution: String,
    status: Option<String>,
    csrf: String,
    lines: Vec<Line>,
    offered: bool,
    room: bool,
    just_signed_in: bool,
}

#[derive(Debug)]
struct Line {
    id: String,
    made: String,
    used: String,
    where_: String,
    remove_label: String,
}

fn scripted(mut response: Response) -> Response {
    response.extensions_mut().insert(Scripted::Passkey);
    response
}

/// Bytes of a form's field; what is none is empty, which is no passkey's.
fn bytes(fields: &Fields, name: &str) -> Vec<u8> {
    fields.one(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default()
}

/// `POST /m/passkey`: the page of a customer who is signed in already, else what asks the browser for a passkey.
pub(crate) async fn ask(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let lang = fields.lang().unwrap_or_else(|| browser::lang(&headers, None));
    let token = fields.one("t").unwrap_or_default();
    match state.gateway.notice_by_passkey(token, browser::session(&state, &headers), lang).await {
        Ok(PasskeyOpening::Shown(view)) => notice_page::shown(&state, &headers, *view),
        Ok(PasskeyOpening::Ask { cookie, ask }) => {
            // No language switch: it would leave the page, whose challenge is good once.
            let frame = AskPage { w: Words::new(lang, ""), script: assets::passkey(), ask, token };
            let mut response = scripted(page(StatusCode::OK, &frame));
            browser::set_session(&state, &mut response, &cookie);
            browser::hint_lang(&state, &mut response, lang);
            response
        }
        Err(error) => notice_page::failed(&error, Words::new(lang, notice_page::HERE)),
    }
}

/// `POST /m/passkey/show`: the look, for who brings the passkey's answer.
pub(crate) async fn look(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let answer = Assertion {
        id: bytes(&fields, "id"),
        client_data: bytes(&fields, "client"),
        authenticator_data: bytes(&fields, "data"),
        signature: bytes(&fields, "signature"),
        user_handle: fields.one("user").map(|_| bytes(&fields, "user")),
    };
    let view = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.notice_show_by_passkey(cookie, &answer).await,
        None => Err(LinkError::Over),
    };
    let mut response = match view {
        Ok(view) => notice_page::shown(&state, &headers, view),
        Err(error) => {
            notice_page::failed(&error, Words::new(browser::lang(&headers, None), notice_page::HERE))
        }
    };
    // It was good for this one answer.
    browser::clear_session(&state, &mut response);
    response
}

/// `GET /privacy/passkeys`: the customer's passkeys, or the way to them.
pub(crate) async fn show(
    State(state): State<Arc<WebState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let view = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.passkeys_view(cookie).await,
        None => Err(LinkError::Over),
    };
    match view {
        Ok(view) => {
            let w = Words::new(browser::lang(&headers, Some(view.lang)), HERE);
            let status = match query.one("done") {
                Some("added") => Some(w.t("passkeys-done-added")),
                Some("removed") => Some(w.t("passkeys-done-removed")),
                _ => None,
            };
            page(StatusCode::OK, &passkeys_page(&state, w, view, status))
        }
        Err(LinkError::Over) => {
            entrance(&state, Words::new(browser::lang(&headers, None), HERE), OwnPage::Passkeys, None)
        }
        Err(error) => link_error(&error, Words::new(browser::lang(&headers, None), HERE)),
    }
}

fn passkeys_page(state: &WebState, w: Words, view: PasskeysView, status: Option<String>) -> PasskeysPage {
    let now = state.gateway.clock().now();
    let lines = view.passkeys.iter().map(|passkey| line(&w, passkey, now)).collect();
    PasskeysPage {
        bank: bank_name(state, &view.institution_id, &view.institution, w.lang),
        institution: view.institution_id.as_str().to_owned(),
        status,
        csrf: view.csrf,
        lines,
        offered: state.gateway.has_passkeys(),
        room: view.room,
        just_signed_in: view.just_signed_in,
        w,
    }
}

fn line(w: &Words, passkey: &PasskeyView, now: Timestamp) -> Line {
    let said = |id: &str, at: Timestamp| {
        // Without its own isolates: the text isolates the whole.
        let at: String =
            date_time(w.lang, at, now).chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect();
        w.with(id, &[("at", Arg::Text(&at))])
    };
    Line {
        id: passkey.id.clone(),
        made: said("passkeys-made", passkey.made_at),
        used: passkey.used_at.map_or_else(|| w.t("passkeys-unused"), |at| said("passkeys-used", at)),
        where_: w.t(if passkey.may_be_copied { "passkeys-synced" } else { "passkeys-one-device" }),
        remove_label: said("passkeys-remove-label", passkey.made_at),
    }
}

/// `POST /privacy/passkeys/begin`: what asks the browser to make a passkey.
pub(crate) async fn begin(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let csrf = fields.one("csrf").unwrap_or_default();
    let begun = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.passkey_begin(cookie, csrf).await,
        None => Err(LinkError::Over),
    };
    match begun {
        Ok(ask) => {
            let w = Words::new(browser::lang(&headers, Some(ask.lang)), "");
            let name = device_name(&state, &w, &ask);
            let algorithms = amana_passkey::ALGORITHMS.map(|number| number.to_string()).join(" ");
            let csrf = csrf.to_owned();
            let script = assets::passkey();
            scripted(page(StatusCode::OK, &MakePage { w, script, ask, csrf, name, algorithms }))
        }
        // The bank's login first; the page says so.
        Err(LinkError::Over) => see_other(HERE),
        Err(error) => link_error(&error, Words::new(browser::lang(&headers, None), HERE)),
    }
}

fn device_name(state: &WebState, w: &Words, ask: &PasskeyAsk) -> String {
    let bank = bank_name(state, &ask.institution, ask.institution.as_str(), w.lang);
    // A device shows it where nothing isolates.
    let name = w.with("passkey-name", &[("bank", Arg::Text(&bank))]);
    name.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect()
}

/// `POST /privacy/passkeys/add`: the passkey that the browser made.
pub(crate) async fn add(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let made = Registration { client_data: bytes(&fields, "client"), attestation: bytes(&fields, "made") };
    let csrf = fields.one("csrf").unwrap_or_default();
    let listed = fields.one("unlisted").is_none();
    let added = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.passkey_add(cookie, csrf, &made, listed).await,
        None => Err(LinkError::Over),
    };
    done(added, &headers, "/privacy/passkeys?done=added")
}

/// `POST /privacy/passkeys/remove`.
pub(crate) async fn remove(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let (csrf, id) = (fields.one("csrf").unwrap_or_default(), fields.one("id").unwrap_or_default());
    let removed = match browser::session(&state, &headers) {
        Some(cookie) => state.gateway.passkey_remove(cookie, csrf, id).await,
        None => Err(LinkError::Over),
    };
    done(removed, &headers, "/privacy/passkeys?done=removed")
}

fn done(outcome: Result<(), LinkError>, headers: &HeaderMap, to: &str) -> Response {
    match outcome {
        Ok(()) => see_other(to),
        Err(error) => {
            let lang: Lang = browser::lang(headers, None);
            link_error(&error, Words::new(lang, HERE))
        }
    }
}
