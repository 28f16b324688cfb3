//! The FDX 6.4 data API, and of FDX 6.6 the consent, notification and meta APIs. Every request is checked against the
//! consent that its token stands for.

pub(crate) mod accounts;
pub(crate) mod consents;
pub(crate) mod customers;
pub(crate) mod entity;
pub(crate) mod images;
pub(crate) mod meta;
pub(crate) mod networks;
pub(crate) mod notifications;
pub(crate) mod paging;
pub(crate) mod rewards;
pub(crate) mod statements;
pub(crate) mod transactions;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::{App, AtBank, Shared};
use crate::brand::Brand;
use crate::error::Error;
use crate::faults::{self, Struck};
use crate::limits;
use crate::oauth::presented::Presented;
use crate::oauth::resource::{Refused, token_of};
use crate::oauth::{DPOP_NONCE, Params};
use crate::records::{Cluster, Consent, Token};

/// Correlates a request and its answer; a UUID, required by FDX 6.x and echoed.
static INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// An error in FDX's shape, with the HTTP status that belongs to its code.
#[derive(Debug)]
pub(crate) struct FdxError {
    status: StatusCode,
    code: &'static str,
    message: String,
    challenge: Option<String>,
    /// `DPoP-Nonce`.
    nonce: Option<String>,
}

impl FdxError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), challenge: None, nonce: None }
    }

    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "401", message)
    }

    pub(crate) fn account_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "701", "account not found")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self {
            challenge: Some("Bearer error=\"insufficient_scope\"".to_owned()),
            ..Self::new(StatusCode::FORBIDDEN, "403", message)
        }
    }

    fn unauthenticated(refused: Refused) -> Self {
        Self {
            challenge: Some(refused.challenge),
            nonce: refused.nonce,
            ..Self::new(StatusCode::UNAUTHORIZED, "603", refused.message)
        }
    }
}

impl From<Error> for FdxError {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "the bank's state could not be written");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "500", "the bank could not store the change")
    }
}

impl IntoResponse for FdxError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "code": self.code, "message": self.message }));
        let mut response = (self.status, body).into_response();
        let mut put = |name: &HeaderName, value: Option<String>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.headers_mut().insert(name.clone(), value);
            }
        };
        put(&header::WWW_AUTHENTICATE, self.challenge);
        put(&DPOP_NONCE, self.nonce);
        response
    }
}

/// Wraps every FDX route: the interaction id, then the faults, then the route; the id is echoed in any case.
pub(crate) async fn envelope(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    request: Request,
    next: Next,
) -> Response {
    let id = interaction_id(request.headers());
    let began = app.now();
    let mut response = match &id {
        None => FdxError::invalid_input("the header `x-fapi-interaction-id` must be present and a UUID")
            .into_response(),
        Some(_) => match faults::strike(&app, brand, faults::Place::Fdx, request.uri().path()).await {
            Struck::Answer(response) => response,
            Struck::No => next.run(request).await,
            Struck::Distort(kind) => faults::distort(kind, next.run(request).await).await,
        },
    };
    app.metrics.count(response.status(), app.now().duration_since(began).unsigned_abs());
    if let Some(id) = id {
        response.headers_mut().insert(INTERACTION_ID.clone(), id);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn interaction_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(&INTERACTION_ID)?;
    uuid::Uuid::try_parse(value.to_str().ok()?).ok()?;
    Some(value.clone())
}

/// A path that the API has not.
pub(crate) async fn no_such_path() -> FdxError {
    FdxError::new(StatusCode::NOT_FOUND, "1107", "there is no such resource")
}

/// A method that the path has not.
pub(crate) async fn no_such_method() -> FdxError {
    FdxError::new(StatusCode::METHOD_NOT_ALLOWED, "1206", "the method is not allowed here")
}

/// The access token of a request, live, and shown by its owner.
pub(crate) struct Bearer(pub(crate) Token);

/// A customer's consent, behind the bearer token of a request, active at this moment.
pub(crate) struct Consented {
    pub(crate) brand: &'static Brand,
    pub(crate) consent: Consent,
}

impl Consented {
    /// Refuses unless the account is the consent's, and one of these clusters was granted for it.
    pub(crate) fn need_of(&self, account_id: &str, clusters: &[Cluster]) -> Result<(), FdxError> {
        if !self.consent.account_ids.contains(account_id) {
            return Err(FdxError::account_not_found());
        }
        let held = self.consent.clusters_of(account_id);
        if clusters.iter().any(|cluster| held.contains(cluster)) {
            Ok(())
        } else {
            Err(FdxError::forbidden("the consent does not cover this kind of data of the account"))
        }
    }

    /// Refuses unless one of these clusters was granted.
    pub(crate) fn need_any(&self, clusters: &[Cluster]) -> Result<(), FdxError> {
        if clusters.iter().any(|cluster| self.consent.clusters.contains(cluster)) {
            Ok(())
        } else {
            Err(FdxError::forbidden("the consent does not cover this kind of data"))
        }
    }
}

fn bearer_of(app: &App, brand: &'static Brand, parts: &Parts) -> Result<Token, FdxError> {
    token_of(app, brand, &parts.headers, &Presented::of(parts)).map_err(FdxError::unauthenticated)
}

impl FromRequestParts<Shared> for Bearer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Response> {
        let AtBank(brand) = AtBank::from_request_parts(parts, app).await?;
        bearer_of(app, brand, parts).map(Self).map_err(IntoResponse::into_response)
    }
}

impl FromRequestParts<Shared> for Consented {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Response> {
        let AtBank(brand) = AtBank::from_request_parts(parts, app).await?;
        let token = bearer_of(app, brand, parts).map_err(IntoResponse::into_response)?;
        let now = app.now();
        let consent = token
            .consent_id
            .and_then(|id| app.bank(brand, |bank, _| bank.consents.get(&id).cloned()).flatten())
            .filter(|consent| consent.is_active(now));
        let Some(mut consent) = consent else {
            let error = FdxError::new(StatusCode::FORBIDDEN, "602", "the customer has not authorised this");
            return Err(error.into_response());
        };
        // A token with narrower scopes than its consent (RFC 6749 §6) reaches only what the scopes name.
        consent.clusters.retain(|cluster| token.scopes.contains(cluster.scope()));
        Ok(Self { brand, consent })
    }
}

/// Query parameters, none twice and none without a value: half a window must not count as none.
pub(crate) struct Query(pub(crate) Params);

impl FromRequestParts<Shared> for Query {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Response> {
        let encoded = parts.uri.query().unwrap_or_default().as_bytes();
        if let Some((name, _)) = url::form_urlencoded::parse(encoded).find(|(_, value)| value.is_empty()) {
            let name: String = name.chars().take(limits::NAME_CHARS_SHOWN).collect();
            return Err(FdxError::invalid_input(format!("`{name}` has no value")).into_response());
        }
        Params::parse(encoded)
            .map(Self)
            .map_err(|error| FdxError::invalid_input(error.description).into_response())
    }
}
