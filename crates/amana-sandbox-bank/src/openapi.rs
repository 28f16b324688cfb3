//! The description of every route here, `GET /openapi.json` (OpenAPI 3.1). It is written by hand (`openapi.json` beside
//! this crate's manifest); a test holds it against the routes, and schemathesis holds the bank against it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::Shared;
use crate::config::{ClientAuth, ClientRegistration, SenderConstraint};
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
    secure(&mut document, &app.config.clients);
    Json(document).into_response()
}

/// Says at each operation what these clients must show there: the written document names a token and a client alone,
/// and what that takes (a proof, a certificate) is not the same for each.
fn secure(document: &mut Value, clients: &[ClientRegistration]) {
    let (mut token, mut client) = (Vec::new(), Vec::new());
    let add = |all: &mut Vec<Value>, one: Value| {
        if !all.contains(&one) {
            all.push(one);
        }
    };
    for one in clients {
        add(
            &mut token,
            match one.sender {
                SenderConstraint::None => json!({"token": []}),
                SenderConstraint::Dpop => json!({"boundToken": [], "proof": []}),
                SenderConstraint::Mtls => json!({"token": [], "certificate": []}),
            },
        );
        add(
            &mut client,
            match one.auth {
                ClientAuth::SecretBasic(_) => json!({"client": []}),
                ClientAuth::SecretPost(_) | ClientAuth::PrivateKeyJwt(_) => json!({"assertion": []}),
                ClientAuth::Tls(_) => json!({"certificate": []}),
            },
        );
    }
    let operations = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    for operation in operations.filter_map(|(_, path)| path.as_object_mut()).flatten().map(|(_, one)| one) {
        let Some(security) = operation.get_mut("security") else { continue };
        if security.pointer("/0/token").is_some() {
            *security = json!(token);
        } else if security.pointer("/0/client").is_some() {
            *security = json!(client);
        }
    }
}
