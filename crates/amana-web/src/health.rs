//! For the operator's machines: alive, ready, metrics.

use crate::WebState;
use crate::limits::READY_TIME;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: the store can be written now, so events can be taken.
pub(crate) async fn ready(State(state): State<Arc<WebState>>) -> Response {
    let store = match tokio::time::timeout(READY_TIME, state.gateway.store().writable()).await {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready");
            "not writable"
        }
        Err(_) => "too slow",
    };
    let (status, word) = if store == "ok" {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    (status, Json(json!({ "status": word, "store": store }))).into_response()
}

/// `GET /metrics`: Prometheus text.
pub(crate) async fn metrics(State(state): State<Arc<WebState>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (state.metrics)()).into_response()
}
