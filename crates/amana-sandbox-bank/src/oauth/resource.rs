//! The access token at the data API (RFC 6750, RFC 9449 §7, RFC 8705 §3): live, and shown by its owner.

use axum::http::HeaderMap;
use axum::http::header;

use super::dpop::{self, ProofError};
use super::presented::{Binding, Presented};
use crate::app::{App, sha256_hex};
use crate::brand::Brand;
use crate::records::{Token, TokenUse};

/// Why a request does not come through.
pub(crate) struct Refused {
    pub(crate) message: &'static str,
    /// `WWW-Authenticate`.
    pub(crate) challenge: String,
    /// `DPoP-Nonce`.
    pub(crate) nonce: Option<String>,
}

fn refused(message: &'static str, scheme: &str, error: Option<&str>) -> Refused {
    let algs = if scheme == "DPoP" {
        format!(", algs=\"{}\"", super::jwt::ALGORITHMS.join(" "))
    } else {
        String::new()
    };
    let error = error.map(|error| format!(", error=\"{error}\"")).unwrap_or_default();
    Refused { message, challenge: format!("{scheme} realm=\"fdx\"{error}{algs}"), nonce: None }
}

/// The token of a request, if whoever sent it may use it. Schemes are compared without regard to case (RFC 9110 §11.1).
pub(crate) fn token_of(
    app: &App,
    brand: &'static Brand,
    headers: &HeaderMap,
    presented: &Presented,
) -> Result<Token, Refused> {
    let ours = if presented.proofs.is_empty() { "Bearer" } else { "DPoP" };
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| refused("the access token is missing", ours, None))?;
    let (scheme, secret) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .map(|(scheme, token)| (scheme, token.trim()))
        .ok_or_else(|| refused("the scheme must be Bearer or DPoP", ours, None))?;
    let with_proof = scheme.eq_ignore_ascii_case("dpop");
    if !with_proof && !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused("the scheme must be Bearer or DPoP", ours, None));
    }
    let scheme = if with_proof { "DPoP" } else { "Bearer" };
    let invalid = |message| refused(message, scheme, Some("invalid_token"));
    let now = app.now();
    let token = app
        .bank(brand, |bank, _| bank.tokens.get(&sha256_hex(secret)).cloned())
        .flatten()
        .filter(|token| matches!(token.usage, TokenUse::Access | TokenUse::Client))
        .filter(|token| token.expires.is_some_and(|end| end > now))
        .ok_or_else(|| invalid("the token is not valid any more"))?;
    match &token.binding {
        Binding::Bearer if with_proof => Err(invalid("this token is not bound to a key")),
        Binding::Bearer => Ok(token),
        Binding::Mtls(x5t) if !with_proof && presented.peer.x5t.as_ref() == Some(x5t) => Ok(token),
        Binding::Mtls(_) => Err(invalid("this token is bound to a certificate that is not shown")),
        Binding::Dpop(_) if !with_proof => Err(Refused {
            challenge: refused("", "DPoP", Some("invalid_token")).challenge,
            ..invalid("this token is bound to a key: the scheme must be DPoP")
        }),
        Binding::Dpop(jkt) => match dpop::check(app, presented, Some(secret)) {
            Ok(Some(key)) if key == *jkt => Ok(token),
            Ok(Some(_)) => Err(invalid("the proof is of another key than the token's")),
            Ok(None) => Err(refused("the `DPoP` header is missing", "DPoP", Some("invalid_dpop_proof"))),
            Err(ProofError::Invalid(what)) => Err(refused(what, "DPoP", Some("invalid_dpop_proof"))),
            Err(ProofError::Nonce) => Err(Refused {
                nonce: Some(app.proofs.nonce(now)),
                ..refused("the proof must carry the nonce of `DPoP-Nonce`", "DPoP", Some("use_dpop_nonce"))
            }),
        },
    }
}
