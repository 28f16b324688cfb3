//! The OAuth 2.0 authorization server in the FAPI 2.0 security profile: RFC 6749 with PKCE (RFC 7636), PAR (RFC 9126),
//! RAR (RFC 9396), JAR (RFC 9101), DPoP (RFC 9449), mutual TLS (RFC 8705), `iss` (RFC 9207), revocation (RFC 7009),
//! introspection (RFC 7662) and discovery (RFC 8414). Authorization code only; confidential clients only.

pub(crate) mod client_auth;
pub(crate) mod dpop;
pub(crate) mod introspect;
mod jar;
mod jwt;
pub(crate) mod metadata;
pub(crate) mod presented;
pub(crate) mod request;
pub(crate) mod resource;
pub(crate) mod revoke;
pub(crate) mod token;

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;
use crate::limits;

/// A nonce for DPoP proofs (RFC 9449 §8).
pub(crate) static DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// An error in the shape of RFC 6749 §5.2.
#[derive(Debug, Clone)]
pub(crate) struct OAuthError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) description: String,
    /// `DPoP-Nonce` for the next proof.
    pub(crate) nonce: Option<String>,
}

impl OAuthError {
    pub(crate) fn new(code: &'static str, description: impl Into<String>) -> Self {
        let status =
            if code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Self { status, code, description: description.into(), nonce: None }
    }

    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "the bank's state could not be written");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "server_error",
            description: "the bank could not store the change".to_owned(),
            nonce: None,
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.code, "error_description": self.description }));
        let mut response = (self.status, no_store(), body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\""),
            );
        }
        if let Some(nonce) = self.nonce.and_then(|nonce| HeaderValue::from_str(&nonce).ok()) {
            response.headers_mut().insert(DPOP_NONCE.clone(), nonce);
        }
        response
    }
}

/// Headers of every answer with tokens in it (RFC 6749 §5.1).
pub(crate) fn no_store() -> [(header::HeaderName, &'static str); 2] {
    [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")]
}

/// Parameters of a request. RFC 6749 §3.1: none may occur twice; empty ones count as absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub(crate) fn of(map: BTreeMap<String, String>) -> Self {
        Self(map)
    }

    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        let mut map = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if value.len() > limits::PARAMETER_BYTES_MAX {
                return Err(OAuthError::invalid_request("a parameter is too long"));
            }
            if value.is_empty() {
                continue;
            }
            if map.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OAuthError::invalid_request("a parameter occurs more than once"));
            }
        }
        Ok(Self(map))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn need(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid_request(format!("`{name}` is missing")))
    }
}

/// Checks the content type of a form post and parses it.
pub(crate) fn form(headers: &axum::http::HeaderMap, body: &[u8]) -> Result<Params, OAuthError> {
    let is_form =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().unwrap_or("").trim() == "application/x-www-form-urlencoded"
        });
    if !is_form {
        return Err(OAuthError::invalid_request("the body must be `application/x-www-form-urlencoded`"));
    }
    Params::parse(body)
}
