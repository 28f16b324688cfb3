//! What a request shows of its sender besides its words: DPoP proofs and a TLS certificate. And what tokens are bound
//! to by it (FAPI 2.0 §5.3.2.1 items 5 and 6: only sender-constrained tokens).

use std::convert::Infallible;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::Method;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use super::{OAuthError, dpop};
use crate::app::{App, Shared};
use crate::config::{ClientRegistration, SenderConstraint};
use crate::tls::Peer;

/// The path under which a request came, where a front has put it to another one: proofs are for this one.
#[derive(Clone)]
pub(crate) struct SeenPath(pub(crate) String);

/// The sender's proofs.
pub(crate) struct Presented {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Every `DPoP` header; one that is no text is kept as an empty one, which no proof is.
    pub(crate) proofs: Vec<String>,
    pub(crate) peer: Peer,
}

impl FromRequestParts<Shared> for Presented {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl Presented {
    pub(crate) fn of(parts: &Parts) -> Self {
        let proofs = parts.headers.get_all("dpop");
        Self {
            method: parts.method.clone(),
            path: parts
                .extensions
                .get::<SeenPath>()
                .map_or_else(|| parts.uri.path().to_owned(), |seen| seen.0.clone()),
            proofs: proofs.iter().map(|value| value.to_str().unwrap_or_default().to_owned()).collect(),
            peer: parts.extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.clone()).unwrap_or_default(),
        }
    }
}

/// What a token is bound to: whoever shows it must show this, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Binding {
    /// To nothing: a bearer token.
    #[default]
    Bearer,
    /// To a key, by its JWK thumbprint (RFC 9449 §6, `cnf.jkt`).
    Dpop(String),
    /// To a certificate, by its hash (RFC 8705 §3.1, `cnf.x5t#S256`).
    Mtls(String),
}

impl Binding {
    /// The `token_type` of RFC 6749 §7.1.
    pub(crate) fn token_type(&self) -> &'static str {
        if matches!(self, Self::Dpop(_)) { "DPoP" } else { "Bearer" }
    }
}

/// What tokens for this client are bound to when this request asks for them.
pub(crate) fn bind(
    app: &App,
    client: &ClientRegistration,
    presented: &Presented,
) -> Result<Binding, OAuthError> {
    match client.sender {
        SenderConstraint::Mtls => presented.peer.x5t.clone().map(Binding::Mtls).ok_or_else(|| {
            OAuthError::invalid_request("this client's tokens are bound to its certificate, which is missing")
        }),
        SenderConstraint::Dpop | SenderConstraint::None => {
            match dpop::check(app, presented, None).map_err(|error| error.at_server(app))? {
                Some(jkt) => Ok(Binding::Dpop(jkt)),
                None if client.sender == SenderConstraint::None => Ok(Binding::Bearer),
                None => Err(OAuthError::new(
                    "invalid_dpop_proof",
                    "this client's tokens are bound to a key: the `DPoP` header is missing",
                )),
            }
        }
    }
}
