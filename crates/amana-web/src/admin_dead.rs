//! The administrators' API: what was given up, and trying it again. Of a message only the random id, the Page, times
//! and the reason are told; nothing of its content, and nobody's name.

use crate::admin::AdminState;
use crate::body;
use crate::limits::{ADMIN_BODY_BYTES_MAX, ADMIN_DEAD_MAX};
use crate::respond::problem;
use amana_core::Shard;
use amana_flow::GivenUp;
use amana_store::{FailedEvent, InboxSource, OutboxEntry, StoreError, SubmitError};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What is to be tried again, as the list names it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    id: String,
}

/// `GET /admin/dead`: messages and events that were given up, the newest [`ADMIN_DEAD_MAX`] of each.
pub(crate) async fn list(State(state): State<Arc<AdminState>>) -> Response {
    let store = state.gateway.store();
    let given_up = async {
        let messages = store.dead_letters(ADMIN_DEAD_MAX).await?;
        let events = store.inbox_failed(ADMIN_DEAD_MAX).await?;
        Ok::<_, StoreError>((messages, events, store.counts().await?))
    };
    match given_up.await {
        Ok((messages, events, counts)) => Json(json!({
            "messages": messages.iter().map(message).collect::<Vec<_>>(),
            "messages_in_all": counts.outbox_dead,
            "events": events.iter().map(event).collect::<Vec<_>>(),
            "events_in_all": counts.inbox_failed,
        }))
        .into_response(),
        Err(error) => away(&error),
    }
}

fn message(letter: &OutboxEntry) -> Value {
    json!({
        "id": letter.row.message, "channel": letter.row.recipient.channel, "created_at": letter.created_at,
        "attempts": letter.attempts, "reason": letter.reason.as_deref().unwrap_or("unknown"),
    })
}

fn event(event: &FailedEvent) -> Value {
    let source = match event.source {
        InboxSource::Chat => "chat",
        InboxSource::Bank => "bank",
    };
    json!({
        "id": format!("event:{}/{}", event.shard.0, event.position), "source": source,
        "received_at": event.received_at, "attempts": event.attempts, "reason": event.reason,
    })
}

/// `POST /admin/dead/replay`: one of them is tried again, if the gate still allows it.
pub(crate) async fn replay(State(state): State<Arc<AdminState>>, request: Request) -> Response {
    let room = Semaphore::new(ADMIN_BODY_BYTES_MAX);
    let again: Option<Again> = match body::read(request.into_body(), ADMIN_BODY_BYTES_MAX, &room).await {
        Ok(raw) => serde_json::from_slice(&raw).ok(),
        Err(error) => return crate::admin::bad_body(error),
    };
    let Some(what) = again.and_then(|again| given_up(&again.id)) else {
        let detail = "send `{\"id\": …}` with an id as `GET /admin/dead` gives it";
        return problem(StatusCode::BAD_REQUEST, detail, Value::Null);
    };
    match state.gateway.try_again(what).await {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "again": true }))).into_response(),
        Err(SubmitError::Conflict { .. }) => {
            problem(StatusCode::NOT_FOUND, "nothing that was given up has this id", Value::Null)
        }
        Err(error) => away(&error),
    }
}

fn given_up(id: &str) -> Option<GivenUp> {
    let Some(place) = id.strip_prefix("event:") else { return Some(GivenUp::Message(id.parse().ok()?)) };
    let (shard, position) = place.split_once('/')?;
    Some(GivenUp::Event(Shard(shard.parse().ok()?), position.parse().ok()?))
}

fn away(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "the administrators' API could not answer");
    problem(StatusCode::SERVICE_UNAVAILABLE, "the store is not available", Value::Null)
}
