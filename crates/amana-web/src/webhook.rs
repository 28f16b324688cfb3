//! The platform's webhook: signature before everything, then durable before it is acknowledged.

use crate::body::{self, BodyError};
use crate::limits::WEBHOOK_BODY_BYTES_MAX;
use crate::respond::{no_room, not_stored, problem};
use crate::{Shared, WebState};
use amana_channel::webhook::{
    ChannelEvent, ChannelEventKind, KeptItem, Parsed, SignatureError, parse, verify_signature,
    verify_subscription,
};
use axum::extract::{RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::Arc;

fn rejected(reason: &'static str) {
    metrics::counter!("amana_webhook_rejected_total", "reason" => reason).increment(1);
}

/// `GET /webhooks/messenger`: the subscription handshake.
pub(crate) async fn verify(State(state): State<Arc<WebState>>, RawQuery(query): RawQuery) -> Response {
    match verify_subscription(&state.verify_token, query.as_deref().unwrap_or_default()) {
        Ok(verified) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], verified.challenge).into_response()
        }
        Err(error) => {
            rejected("handshake");
            tracing::warn!(%error, "a webhook handshake was refused");
            problem(StatusCode::FORBIDDEN, &error.to_string(), Value::Null)
        }
    }
}

/// `POST /webhooks/messenger`: events. 200 means that they are durable; anything else makes the platform
/// deliver again.
pub(crate) async fn receive(State(shared): State<Shared>, request: Request) -> Response {
    let state = &shared.state;
    let (head, content) = request.into_parts();
    let signature = head.headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    // Before a byte of the body is read; whether it is that of the body shows after.
    if let Err(error @ (SignatureError::Missing | SignatureError::Malformed)) =
        verify_signature(&state.app_secret, b"", signature)
    {
        return not_believed(error);
    }
    let raw = match body::read(content, WEBHOOK_BODY_BYTES_MAX, &shared.room).await {
        Ok(raw) => raw,
        Err(BodyError::TooLarge) => {
            rejected("too-large");
            let detail = format!("the body is larger than {WEBHOOK_BODY_BYTES_MAX} bytes");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, &detail, Value::Null);
        }
        Err(BodyError::NoRoom) => {
            rejected("no-room");
            return no_room();
        }
        Err(BodyError::Broken) => {
            return problem(StatusCode::BAD_REQUEST, "the body ended too early", Value::Null);
        }
    };
    if let Err(error) = verify_signature(&state.app_secret, &raw, signature) {
        return not_believed(error);
    }
    let parsed = match parse(&raw) {
        Ok(parsed) => parsed,
        // It is the platform's, and would come again for an hour, until the webhooks are switched off.
        Err(error) => {
            metrics::counter!("amana_webhook_faults_total").increment(1);
            tracing::error!(%error, "a signed webhook could not be read; it is kept as it came");
            Parsed { kept: vec![KeptItem::whole(&raw, &error)], ..Parsed::default() }
        }
    };
    note(&parsed);
    let stored = async {
        state.gateway.accept_unread(&parsed.kept).await?;
        state.gateway.accept_channel(&parsed.channel_events).await?;
        state.gateway.accept_chat(&parsed.events).await
    };
    match stored.await {
        Ok(_) => "EVENT_RECEIVED".into_response(),
        Err(error) => not_stored(&error),
    }
}

fn not_believed(error: SignatureError) -> Response {
    rejected("signature");
    tracing::warn!(%error, "a webhook was not believed");
    let status = match error {
        SignatureError::Missing => StatusCode::UNAUTHORIZED,
        SignatureError::Malformed | SignatureError::Mismatch => StatusCode::FORBIDDEN,
    };
    problem(status, &error.to_string(), Value::Null)
}

/// What is not an event of a conversation: counted, and told to the operator where it matters.
fn note(parsed: &Parsed) {
    metrics::counter!("amana_webhook_faults_total").increment(parsed.faults.len() as u64);
    metrics::counter!("amana_webhook_ignored_total").increment(parsed.ignored.into());
    for fault in &parsed.faults {
        tracing::warn!(%fault, "an item of a webhook could not be read; its neighbours were");
    }
    for ChannelEvent { channel, kind, .. } in &parsed.channel_events {
        match kind {
            ChannelEventKind::PolicyEnforcement { action, reason } => {
                metrics::counter!("amana_policy_enforcement_total", "action" => known(action)).increment(1);
                tracing::error!(%channel, action, reason, "the platform enforces a policy on a page: look into its support inbox");
            }
            ChannelEventKind::TemplateStatus { status, name, language, reason } => {
                tracing::info!(%channel, status, name, language, reason, "the platform decided about a text");
            }
            ChannelEventKind::AppRoles { apps } => {
                tracing::info!(%channel, ?apps, "the roles of apps on a page changed");
            }
            ChannelEventKind::Unknown { keys } => {
                tracing::debug!(%channel, ?keys, "an event of a page that this version does not know");
            }
        }
    }
}

/// An action as a metric's label: of a closed list, so that nobody can make labels without end.
fn known(action: &str) -> &'static str {
    match action {
        "warning" => "warning",
        "block" => "block",
        "unblock" => "unblock",
        _ => "other",
    }
}
