//! The administrators' API: a human answers in a chat, in their own words. The one place of this API that is about a
//! person: who may call it knows the person's page-scoped id from the Page's own inbox, and is told nothing but whether
//! the words were taken.

use crate::admin::{self, AdminState};
use crate::body;
use crate::limits::ADMIN_BODY_BYTES_MAX;
use crate::respond::problem;
use amana_core::{ChannelId, ConversationId, Psid};
use amana_flow::{AgentError, AgentReply};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What is to be said to whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    channel: ChannelId,
    person: Psid,
    text: String,
}

/// `POST /admin/replies`: the words of the caller, who stands on the customer's record as `api:` and their name, under
/// the persona that the configuration gives them on that page.
pub(crate) async fn reply(State(state): State<Arc<AdminState>>, request: Request) -> Response {
    let (head, content) = request.into_parts();
    let room = Semaphore::new(ADMIN_BODY_BYTES_MAX);
    let reply: Option<Reply> = match body::read(content, ADMIN_BODY_BYTES_MAX, &room).await {
        Ok(raw) => serde_json::from_slice(&raw).ok(),
        Err(error) => return admin::bad_body(error),
    };
    let Some(reply) = reply else {
        let detail = "send `{\"channel\": …, \"person\": …, \"text\": …}`";
        return problem(StatusCode::BAD_REQUEST, detail, Value::Null);
    };
    let by = match admin::actor(&head) {
        Ok(by) => by,
        Err(response) => return response,
    };
    let persona =
        by.strip_prefix("api:").and_then(|name| state.personas.get(name)?.get(&reply.channel)).cloned();
    let to = ConversationId { channel: reply.channel, psid: reply.person };
    let words = AgentReply { by, text: reply.text, media: None, persona };
    match state.gateway.agent_replies(&to, &words).await {
        Ok(message) => (StatusCode::ACCEPTED, Json(json!({ "message": message }))).into_response(),
        Err(error) => wrong(&error),
    }
}

fn wrong(error: &AgentError) -> Response {
    let status = match error {
        AgentError::Unknown => StatusCode::NOT_FOUND,
        AgentError::Away | AgentError::Elsewhere | AgentError::Killed => StatusCode::CONFLICT,
        AgentError::Text | AgentError::Who => StatusCode::UNPROCESSABLE_ENTITY,
        AgentError::Store(_) | AgentError::Submit(_) => {
            tracing::error!(%error, "what a human wrote could not be kept");
            return problem(StatusCode::SERVICE_UNAVAILABLE, "the store is not available", Value::Null);
        }
    };
    problem(status, &error.to_string(), Value::Null)
}
