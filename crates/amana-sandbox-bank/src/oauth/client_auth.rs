//! Client authentication: `client_secret_basic`, `client_secret_post` (RFC 6749 §2.3.1), `private_key_jwt`
//! (RFC 7523 with FAPI 2.0 §5.3.2.1: `aud` is the issuer, as a string) and `tls_client_auth` (RFC 8705 §2.1).

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::jwt::Unproved;
use super::presented::Presented;
use super::{OAuthError, Params};
use crate::app::{App, sha256_hex};
use crate::brand::Brand;
use crate::config::{ClientAuth, ClientRegistration};
use crate::db::Change;
use crate::limits;
use crate::records::kind;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn refused(description: &str) -> OAuthError {
    OAuthError::new("invalid_client", description)
}

/// The client that sent this request, authenticated by the one method it is registered with.
pub(crate) fn authenticate<'a>(
    app: &'a App,
    brand: &'static Brand,
    headers: &HeaderMap,
    params: &Params,
    presented: &Presented,
) -> Result<&'a ClientRegistration, OAuthError> {
    let basic = headers.get(header::AUTHORIZATION);
    let assertion = params.get("client_assertion");
    let secret = params.get("client_secret");
    if usize::from(basic.is_some()) + usize::from(assertion.is_some()) + usize::from(secret.is_some()) > 1 {
        return Err(OAuthError::invalid_request("more than one way of client authentication is used"));
    }
    let client = if let Some(basic) = basic {
        let (id, secret) = basic.to_str().ok().and_then(decode_basic).ok_or_else(|| {
            refused("the `Authorization` header is not HTTP Basic with a client id and secret")
        })?;
        let client = app.client(&id).ok_or_else(|| refused("the client is not known"))?;
        let ClientAuth::SecretBasic(expected) = &client.auth else {
            return Err(refused("the client is registered with another authentication method"));
        };
        same_secret(expected, &secret)?;
        client
    } else if let Some(assertion) = assertion {
        if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(OAuthError::invalid_request("`client_assertion_type` must be that of RFC 7523"));
        }
        by_assertion(app, brand, params, assertion)?
    } else if let Some(secret) = secret {
        let client =
            app.client(params.need("client_id")?).ok_or_else(|| refused("the client is not known"))?;
        let ClientAuth::SecretPost(expected) = &client.auth else {
            return Err(refused("the client is registered with another authentication method"));
        };
        same_secret(expected, secret)?;
        client
    } else {
        by_certificate(app, params, presented)?
    };
    match params.get("client_id") {
        Some(named) if named != client.client_id => {
            Err(OAuthError::invalid_request("`client_id` differs from the authenticated client"))
        }
        _ => Ok(client),
    }
}

/// Compares hashes, so that the time tells nothing about the secret.
fn same_secret(expected: &str, given: &str) -> Result<(), OAuthError> {
    if sha256_hex(expected) == sha256_hex(given) {
        Ok(())
    } else {
        Err(refused("the client's secret is wrong"))
    }
}

fn decode_basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    // Both are form-urlencoded before they are joined (RFC 6749 §2.3.1).
    Some((decode_component(id), decode_component(secret)))
}

fn decode_component(text: &str) -> String {
    // A single name without `=` or `&` decodes as one pair with an empty value; those two are escaped in `text`.
    let safe = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(safe.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// `tls_client_auth`: TLS has checked that the certificate is of a known authority; here it must be the client's.
fn by_certificate<'a>(
    app: &'a App,
    params: &Params,
    presented: &Presented,
) -> Result<&'a ClientRegistration, OAuthError> {
    let missing = || refused("client authentication is missing");
    let client = params.get("client_id").and_then(|id| app.client(id)).ok_or_else(missing)?;
    let ClientAuth::Tls(name) = &client.auth else { return Err(missing()) };
    if presented.peer.dns.iter().any(|own| own == name) {
        Ok(client)
    } else {
        Err(refused("the client's certificate is missing, or not the one that is registered"))
    }
}

#[derive(Clone, Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Value,
    exp: i64,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
}

fn by_assertion<'a>(
    app: &'a App,
    brand: &'static Brand,
    params: &Params,
    assertion: &str,
) -> Result<&'a ClientRegistration, OAuthError> {
    let signed = Unproved::read(assertion)
        .ok_or_else(|| refused("the client assertion is not a JWT of ES256, PS256 or EdDSA"))?;
    // The claims name the client whose keys decide whether the claims can be believed.
    let unproved: AssertionClaims = signed
        .claims()
        .ok_or_else(|| refused("the client assertion lacks `iss`, `sub`, `aud`, `exp` or `jti`"))?;
    if params.get("client_id").is_some_and(|id| id != unproved.sub) {
        return Err(refused("`client_id` differs from the assertion's subject"));
    }
    let client = app.client(&unproved.sub).ok_or_else(|| refused("the client is not known"))?;
    let ClientAuth::PrivateKeyJwt(keys) = &client.auth else {
        return Err(refused("the client is registered with another authentication method"));
    };
    let claims: AssertionClaims = signed
        .proved(keys)
        .ok_or_else(|| refused("the assertion is not signed with a registered key of the client"))?;
    if claims.iss != client.client_id || claims.sub != client.client_id {
        return Err(refused("`iss` and `sub` of the assertion must be the client id"));
    }
    if claims.aud.as_str() != Some(app.issuer(brand).as_str()) {
        return Err(refused("`aud` of the assertion must be the issuer identifier, as a string"));
    }
    let now = app.now().as_second();
    if claims.exp <= now - limits::CLOCK_SKEW_SECS {
        return Err(refused("the assertion has expired"));
    }
    if claims.exp > now + limits::ASSERTION_LIFE_SECS + limits::CLOCK_SKEW_SECS {
        return Err(refused("the assertion lives too long"));
    }
    if [claims.nbf, claims.iat].into_iter().flatten().any(|start| start > now + limits::CLOCK_SKEW_SECS) {
        return Err(refused("the assertion is not valid yet"));
    }
    let seen = sha256_hex(&format!("{}\n{}", client.client_id, claims.jti));
    let end = app.later(limits::ASSERTION_LIFE_SECS + 2 * limits::CLOCK_SKEW_SECS);
    let fresh = app
        .bank(brand, |bank, db| {
            if bank.assertions.contains_key(&seen) {
                return Ok(false);
            }
            db.commit(&[Change::put(kind::ASSERTION, brand.id, &seen, &end)?])?;
            bank.assertions.insert(seen.clone(), end);
            Ok::<_, crate::Error>(true)
        })
        .unwrap_or(Ok(false))?;
    if fresh { Ok(client) } else { Err(refused("the assertion was used before (`jti`)")) }
}
