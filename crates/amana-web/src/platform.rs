//! What a platform asks for outside of its webhook: a person wants their data deleted, or took our access back. And the
//! page on which the person sees what became of it.

use crate::body::{self, BodyError};
use crate::browser::{self, Fields};
use crate::limits::FORM_BODY_BYTES_MAX;
use crate::pages::Message;
use crate::respond::{no_room, page, problem, say};
use crate::words::Words;
use crate::{Shared, WebState};
use amana_channel::webhook::verify_signed_request;
use amana_store::{PlatformRequest, PlatformRequestKind};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /webhooks/messenger/data-deletion`: a person wants their data deleted.
pub(crate) async fn data_deletion(shared: State<Shared>, request: Request) -> Response {
    answer(shared, request, PlatformRequestKind::Deletion).await
}

/// `POST /webhooks/messenger/deauthorise`: a person took our access back.
pub(crate) async fn deauthorise(shared: State<Shared>, request: Request) -> Response {
    answer(shared, request, PlatformRequestKind::Deauthorisation).await
}

async fn answer(State(shared): State<Shared>, request: Request, kind: PlatformRequestKind) -> Response {
    let state = &shared.state;
    let (_, content) = request.into_parts();
    let raw = match body::read(content, FORM_BODY_BYTES_MAX, &shared.room).await {
        Ok(raw) => raw,
        Err(BodyError::NoRoom) => return no_room(),
        Err(BodyError::TooLarge | BodyError::Broken) => {
            return problem(
                StatusCode::BAD_REQUEST,
                "the form is too large, or ended too early",
                Value::Null,
            );
        }
    };
    let fields = Fields::parse(&raw);
    let now = state.gateway.clock().now();
    let text = fields.one("signed_request").unwrap_or_default();
    let signed = match verify_signed_request(&state.app_secret, text, now) {
        Ok(signed) => signed,
        Err(error) => {
            metrics::counter!("amana_webhook_rejected_total", "reason" => "signed-request").increment(1);
            tracing::warn!(%error, "a signed request was not believed");
            return problem(StatusCode::FORBIDDEN, &error.to_string(), Value::Null);
        }
    };
    match state.gateway.on_platform_request(kind, &signed.user_id).await {
        Ok(answer) => Json(json!({ "url": answer.url, "confirmation_code": answer.code })).into_response(),
        Err(error) => {
            tracing::error!(%error, "a platform's request could not be kept; it is asked to come again");
            problem(StatusCode::SERVICE_UNAVAILABLE, "not taken in: ask again", Value::Null)
        }
    }
}

/// `GET /privacy/deletion/{code}`: what became of a request. It names nobody: whoever has the code sees as much as
/// anybody who has it.
pub(crate) async fn status(
    State(state): State<Arc<WebState>>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Response {
    let words = Words::new(browser::lang(&headers, None), "/privacy");
    match state.gateway.platform_request(&code).await {
        Ok(Some(request)) => page(StatusCode::OK, &about(words, &request)),
        Ok(None) => say(words, StatusCode::NOT_FOUND, "deletion", false),
        Err(error) => {
            tracing::error!(%error, "a platform's request could not be looked up");
            say(words, StatusCode::SERVICE_UNAVAILABLE, "busy", false)
        }
    }
}

fn about(w: Words, request: &PlatformRequest) -> Message {
    let kind = match request.kind {
        PlatformRequestKind::Deletion => "deletion",
        PlatformRequestKind::Deauthorisation => "deauthorised",
    };
    let done = request.done_at.is_some();
    let what = match (done, request.chats, request.untold) {
        (_, _, 1..) => "untold",
        (false, ..) => "waiting",
        (true, 0, _) => "nobody",
        (true, ..) => "done",
    };
    let texts = vec![w.t(&format!("{kind}-{what}")), w.t("deletion-chat")];
    let links = vec![("/privacy".to_owned(), w.t("deletion-privacy"))];
    Message { heading: w.t(&format!("{kind}-heading")), texts, links, good: done, w }
}

/// The words of the page, for the test that reads every text.
#[cfg(test)]
pub(crate) const TEXTS: [&str; 10] = [
    "deletion-heading",
    "deletion-waiting",
    "deletion-nobody",
    "deletion-done",
    "deletion-untold",
    "deauthorised-heading",
    "deauthorised-waiting",
    "deauthorised-nobody",
    "deauthorised-done",
    "deauthorised-untold",
];

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::Lang;

    #[test]
    fn every_state_has_its_words() {
        for lang in Lang::ALL {
            let words = Words::new(*lang, "/");
            assert!(TEXTS.iter().all(|id| words.has(id)));
        }
    }
}
