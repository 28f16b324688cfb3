//! A bank's notifications (FDX `POST /notifications`): who sends, then what, then what follows from it durable before
//! it is acknowledged. Nothing that a notification says is believed but that it is worth looking.

use crate::body::{self, BodyError};
use crate::limits::{NOTIFICATION_BODY_BYTES_MAX, PUBLISHER_TOKEN_BYTES_MAX};
use crate::respond::{no_room, not_stored, problem};
use crate::{Shared, WebState};
use amana_bank::parse_hint;
use amana_core::{InstitutionId, Secret};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// How soon a bank whose keys could not be read may come again, in seconds.
const RETRY_KEYS_S: u32 = 30;

/// `POST /events/{institution}/notifications`: one FDX Notification. 204 once it is durable, also when it comes again,
/// concerns nobody here, or is of a kind that is not used.
pub(crate) async fn receive(
    State(shared): State<Shared>,
    Path(institution): Path<String>,
    request: Request,
) -> Response {
    let state = &shared.state;
    let (head, content) = request.into_parts();
    // Before a byte of the body is read.
    let institution = match sender(state, &institution, &head.headers).await {
        Ok(institution) => institution,
        Err(response) => return *response,
    };
    let media = head.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media != "application/json" && !(media.starts_with("application/") && media.ends_with("+json")) {
        refused("media");
        let detail = "the content type must be `application/json`; encrypted notifications are not taken";
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail, Value::Null);
    }
    let raw = match body::read(content, NOTIFICATION_BODY_BYTES_MAX, &shared.room).await {
        Ok(raw) => raw,
        Err(BodyError::TooLarge) => {
            refused("too-large");
            let detail = format!("the body is larger than {NOTIFICATION_BODY_BYTES_MAX} bytes");
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
    let hint = match parse_hint(&raw) {
        Ok(hint) => hint,
        Err(error) => {
            refused("shape");
            tracing::warn!(%institution, %error, "a notification of a bank was not taken");
            return problem(StatusCode::BAD_REQUEST, &error.to_string(), Value::Null);
        }
    };
    match state.gateway.accept_hint(&institution, &hint).await {
        Ok(hinted) => {
            metrics::counter!("amana_notifications_total", "result" => hinted.as_str()).increment(1);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => not_stored(&error),
    }
}

fn refused(reason: &'static str) {
    metrics::counter!("amana_notifications_rejected_total", "reason" => reason).increment(1);
}

/// The institution, if the token is one with which it notifies us here. What is not known takes the same answer.
async fn sender(state: &WebState, named: &str, headers: &HeaderMap) -> Result<InstitutionId, Box<Response>> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && token.len() <= PUBLISHER_TOKEN_BYTES_MAX
        })
        .map(|(_, token)| Secret::new(token.trim()));
    if let (Ok(institution), Some(token)) = (InstitutionId::new(named), token) {
        match state.gateway.is_publisher(&institution, &token).await {
            Ok(()) => return Ok(institution),
            Err(error) if error.class.is_transient() => {
                refused("keys");
                tracing::warn!(%institution, %error, "whether a bank notifies cannot be known now");
                let detail = "your keys cannot be read now: deliver it again";
                let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail, Value::Null);
                response.headers_mut().insert(header::RETRY_AFTER, RETRY_KEYS_S.into());
                return Err(Box::new(response));
            }
            Err(_) => {}
        }
    }
    refused("sender");
    let mut response = problem(
        StatusCode::UNAUTHORIZED,
        "send `Authorization: Bearer` with a JWT that the bank's own key signs: `iss` and `sub` the bank's issuer, \
         `aud` this address, `scope` `fdx:notifications:publish`, a `jti` of its own, and `exp` within five minutes; a \
         TLS certificate alone proves nobody here, since TLS may end before this server",
        Value::Null,
    );
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Err(Box::new(response))
}
