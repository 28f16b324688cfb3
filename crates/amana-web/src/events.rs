//! The banks' events: who sends, then what, then durable before it is acknowledged.

use crate::body::{self, BodyError};
use crate::limits::EVENTS_BODY_BYTES_MAX;
use crate::respond::{no_room, not_stored, problem};
use crate::{Shared, WebState};
use amana_bank::{IntakeError, is_xml, parse_binary_event, parse_events, parse_notification};
use amana_core::InstitutionId;
use amana_core::ids::token_hash;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// `POST /events/{institution}`: CloudEvents 1.0 over HTTP, structured, batched or binary; and ISO 20022 camt.054.
pub(crate) async fn receive(
    State(shared): State<Shared>,
    Path(institution): Path<String>,
    request: Request,
) -> Response {
    let state = &shared.state;
    let (head, content) = request.into_parts();
    // Before a byte of the body is read.
    let Some(institution) = sender(state, &institution, &head.headers) else {
        refused("sender");
        let mut response = problem(
            StatusCode::UNAUTHORIZED,
            "no institution of this name has this token: send `Authorization: Bearer` with the institution's `event_token`",
            Value::Null,
        );
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    };
    let raw = match body::read(content, EVENTS_BODY_BYTES_MAX, &shared.room).await {
        Ok(raw) => raw,
        Err(BodyError::TooLarge) => {
            refused("too-large");
            let detail =
                format!("the body is larger than {EVENTS_BODY_BYTES_MAX} bytes: send smaller batches");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, &detail, Value::Null);
        }
        Err(BodyError::NoRoom) => {
            refused("no-room");
            return no_room();
        }
        Err(BodyError::Broken) => {
            return problem(StatusCode::BAD_REQUEST, "the body ended too early", Value::Null);
        }
    };
    let media = head.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let attributes: Vec<(&str, &str)> = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().strip_prefix("ce-")?, value.to_str().ok()?)))
        .collect();
    let structured = media.trim_start().to_ascii_lowercase().starts_with("application/cloudevents");
    let intake = if is_xml(media) && attributes.is_empty() {
        parse_notification(&institution, &raw)
    } else if attributes.is_empty() || structured {
        parse_events(&institution, media, &raw)
    } else {
        parse_binary_event(&institution, media, &attributes, &raw)
    };
    let intake = match intake {
        Ok(intake) => intake,
        Err(error) => {
            refused("shape");
            tracing::warn!(%institution, %error, "events of a bank were not taken");
            return wrong(&error);
        }
    };
    match state.gateway.accept_bank(&intake.events).await {
        Ok(accepted) => {
            let body = json!({
                "stored": accepted.stored,
                "duplicates": accepted.duplicates,
                "unmatched": accepted.unmatched,
                "ignored": intake.ignored,
            });
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
        Err(error) => not_stored(&error),
    }
}

fn refused(reason: &'static str) {
    metrics::counter!("amana_events_rejected_total", "reason" => reason).increment(1);
}

/// The institution whose token was brought. An unknown institution and a wrong token take the same way and time.
fn sender(state: &WebState, named: &str, headers: &HeaderMap) -> Option<InstitutionId> {
    let brought = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty())
        .map_or("", |(_, token)| token.trim());
    let known = InstitutionId::new(named).ok();
    let expected =
        known.as_ref().and_then(|id| state.event_tokens.get(id)).map_or("", |token| token.expose());
    // Hashes are compared, all of their bytes: the time says nothing about the token.
    let difference = token_hash(expected)
        .iter()
        .zip(token_hash(brought))
        .fold(0u8, |all, (ours, theirs)| all | (ours ^ theirs));
    if expected.is_empty() || difference != 0 { None } else { known }
}

fn wrong(error: &IntakeError) -> Response {
    let detail = error.to_string();
    match error {
        IntakeError::ContentType => problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, &detail, Value::Null),
        IntakeError::TooMany { .. } => problem(StatusCode::PAYLOAD_TOO_LARGE, &detail, Value::Null),
        IntakeError::Event { index, attribute, .. } => problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            &detail,
            json!({ "index": index, "attribute": attribute }),
        ),
        IntakeError::File { line, column, .. } => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, &detail, json!({ "line": line, "column": column }))
        }
        IntakeError::NotJson { .. } | IntakeError::Shape(_) => {
            problem(StatusCode::BAD_REQUEST, &detail, Value::Null)
        }
    }
}
