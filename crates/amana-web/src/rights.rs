//! What a customer may do with everything about them: take it along, and have it erased.

use crate::WebState;
use crate::browser;
use crate::form;
use crate::pages::{Erase, Message};
use crate::respond::{link_error, page, see_other};
use crate::words::Words;
use amana_flow::LinkError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use std::sync::Arc;

/// `GET /privacy/export`: everything about oneself as one JSON file, written page after page. Who is not signed in goes
/// to the entrance. An error on the way cuts the file, so that it is no JSON and nobody takes it for the whole.
pub(crate) async fn export(State(state): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    let Some(cookie) = browser::session(&state, &headers) else { return see_other("/privacy") };
    let export = match state.gateway.export(cookie).await {
        Ok(export) => export,
        Err(LinkError::Over) => return see_other("/privacy"),
        Err(error) => return link_error(&error, Words::new(browser::lang(&headers, None), "/privacy")),
    };
    let name = format!("attachment; filename=\"amana-{}.json\"", export.day());
    let pieces = stream::unfold(Some(export), |export| async move {
        let mut export = export?;
        match export.next().await {
            Ok(Some(piece)) => Some((Ok(Bytes::from(piece)), Some(export))),
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "an export was cut");
                Some((Err(std::io::Error::other("the export was cut")), None))
            }
        }
    });
    let disposition = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (StatusCode::OK, head, Body::from_stream(pieces)).into_response()
}

/// `POST /privacy/erase`: without `word`, the page that asks once more; with the word from that page, it is done.
pub(crate) async fn erase(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let words = Words::new(browser::lang(&headers, None), "/privacy");
    let Some(cookie) = browser::session(&state, &headers) else { return link_error(&LinkError::Over, words) };
    let csrf = fields.one("csrf").unwrap_or_default();
    let Some(word) = fields.one("word") else {
        return match state.gateway.privacy_erase_ask(cookie, csrf).await {
            Ok(word) => page(StatusCode::OK, &Erase { w: words, csrf: csrf.to_owned(), word }),
            Err(error) => link_error(&error, words),
        };
    };
    match state.gateway.privacy_erase(cookie, csrf, word).await {
        Ok(()) => {
            let mut response = page(StatusCode::OK, &erased(words));
            browser::clear_session(&state, &mut response);
            response
        }
        Err(error) => link_error(&error, words),
    }
}

fn erased(w: Words) -> Message {
    Message {
        heading: w.t("erased-heading"),
        texts: vec![w.t("erased-text"), w.t("erased-log"), w.t("erased-again")],
        links: vec![("/".to_owned(), w.t("error-home"))],
        good: true,
        w,
    }
}
