//! Token introspection (RFC 7662), for the client to whom the token was given and for nobody else.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::presented::{Binding, Presented};
use super::{OAuthError, client_auth, form, no_store};
use crate::app::{AtBank, Shared, sha256_hex};
use crate::records::TokenUse;

/// `POST …/introspect`: `active: false` for whatever is not this client's own live token (§2.2).
pub(crate) async fn introspect(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    presented: Presented,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let params = form(&headers, &body)?;
    let client = client_auth::authenticate(&app, brand, &headers, &params, &presented)?;
    let hash = sha256_hex(params.need("token")?);
    let now = app.now();
    let found = app.bank(brand, |bank, _| {
        let token = bank.tokens.get(&hash).filter(|token| token.client_id == client.client_id)?;
        let live = token.usage != TokenUse::Rotated && token.expires.is_none_or(|end| end > now);
        let consent = match &token.consent_id {
            Some(id) => Some(bank.consents.get(id).filter(|consent| consent.is_active(now))?),
            None => None,
        };
        live.then(|| (token.clone(), consent.cloned()))
    });
    let answer = match found.flatten() {
        None => json!({ "active": false }),
        Some((token, consent)) => {
            let mut answer = json!({
                "active": true,
                "client_id": token.client_id,
                "iss": app.issuer(brand),
                "token_type": token.binding.token_type(),
                "scope": token.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
            });
            let mut put = |name: &str, value: Value| {
                if let Some(object) = answer.as_object_mut() {
                    object.insert(name.to_owned(), value);
                }
            };
            if let Some(end) = token.expires {
                put("exp", json!(end.as_second()));
            }
            if let Some(consent) = consent {
                put("sub", json!(consent.customer_id));
                put("grant_id", json!(consent.id));
            }
            match &token.binding {
                Binding::Bearer => {}
                Binding::Dpop(jkt) => put("cnf", json!({ "jkt": jkt })),
                Binding::Mtls(x5t) => put("cnf", json!({ "x5t#S256": x5t })),
            }
            answer
        }
    };
    Ok((no_store(), Json(answer)).into_response())
}
