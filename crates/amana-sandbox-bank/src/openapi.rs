//! The description of every route here, `GET /openapi.json` (OpenAPI 3.1). It is written by hand (`openapi.json` beside
//! this crate's manifest); a test holds it against the routes, and schemathesis holds the bank against it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::Shared;
use crate::pages;

const DOCUMENT: &str = include_str!("../openapi.json");

/// The document, with the institutions that run here.
pub(crate) async fn document(State(app): State<Shared>) -> Response {
    // A front has the routes of another provider.
    if app.config.front.is_some() {
        return pages::not_found();
    }
    let Ok(mut document) = serde_json::from_str::<Value>(DOCUMENT) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Some(banks) = document.pointer_mut("/components/parameters/Bank/schema/enum") {
        *banks = json!(app.wake.keys().collect::<Vec<_>>());
    }
    Json(document).into_response()
}
