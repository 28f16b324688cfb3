//! `GET /log/…`: the disclosure log's public files, for verifiers, auditors and witnesses (C2SP `tlog-tiles`).

use crate::WebState;
use crate::respond::problem;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::Arc;

/// Full tiles and closed indexes never change, as C2SP asks.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The checkpoint changes every second; partial tiles are soon replaced by full ones.
const FOR_NOW: HeaderValue = HeaderValue::from_static("no-cache");

/// One file. Anybody may read it, from any origin: it holds nothing of anybody without that customer's key.
pub(crate) async fn file(State(state): State<Arc<WebState>>, Path(path): Path<String>) -> Response {
    match state.gateway.log_file(&path).await {
        Ok(Some(file)) => {
            let cache = if file.immutable { FOR_EVER } else { FOR_NOW };
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(file.content_type)),
                (header::CACHE_CONTROL, cache),
                (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            ];
            (headers, file.bytes).into_response()
        }
        Ok(None) => problem(StatusCode::NOT_FOUND, "the log has no such file", Value::Null),
        Err(error) => {
            tracing::error!(%error, "a file of the disclosure log could not be read");
            problem(StatusCode::SERVICE_UNAVAILABLE, "the log cannot be read now; try again", Value::Null)
        }
    }
}
