//! Signed request objects (RFC 9101, FAPI 2.0 Message Signing §5.3), pushed in the parameter `request`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::jwt::Unproved;
use super::{OAuthError, Params};
use crate::app::App;
use crate::brand::Brand;
use crate::config::{ClientAuth, ClientRegistration};
use crate::limits;

/// The parameters that count: those of the request object if there is one, else the plain ones.
pub(crate) fn unwrap(
    app: &App,
    brand: &'static Brand,
    client: &ClientRegistration,
    params: Params,
) -> Result<Params, OAuthError> {
    match params.get("request") {
        Some(object) => read(app, brand, client, object),
        None if client.signed_requests => {
            Err(OAuthError::invalid_request("this client's requests must be signed: `request` is missing"))
        }
        None => Ok(params),
    }
}

fn read(
    app: &App,
    brand: &'static Brand,
    client: &ClientRegistration,
    object: &str,
) -> Result<Params, OAuthError> {
    let wrong = |what: &str| OAuthError::new("invalid_request_object", what);
    let ClientAuth::PrivateKeyJwt(keys) = &client.auth else {
        return Err(OAuthError::new("request_not_supported", "this client has no keys registered"));
    };
    let object = Unproved::read(object)
        .ok_or_else(|| wrong("the request object is not a JWT of ES256, PS256 or EdDSA"))?;
    // RFC 9101 §10.8: an explicit type, if there is one, must be this one.
    if object.header_text("typ").is_some_and(|typ| {
        !typ.eq_ignore_ascii_case("oauth-authz-req+jwt") && !typ.eq_ignore_ascii_case("jwt")
    }) {
        return Err(wrong("`typ` must be `oauth-authz-req+jwt`"));
    }
    let claims: Map<String, Value> =
        object.proved(keys).ok_or_else(|| wrong("the request object is not signed by this client"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(client.client_id.as_str()) || text("client_id") != Some(client.client_id.as_str())
    {
        return Err(wrong("`iss` and `client_id` must be the client"));
    }
    let issuer = app.issuer(brand);
    let for_us = match claims.get("aud") {
        Some(Value::String(aud)) => *aud == issuer,
        Some(Value::Array(all)) => all.iter().any(|aud| aud.as_str() == Some(issuer.as_str())),
        _ => false,
    };
    if !for_us {
        return Err(wrong("`aud` must be the issuer"));
    }
    let second = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = app.now().as_second();
    let (Some(nbf), Some(exp)) = (second("nbf"), second("exp")) else {
        return Err(wrong("`nbf` or `exp` is missing"));
    };
    if nbf > now.saturating_add(limits::CLOCK_SKEW_SECS)
        || nbf < now.saturating_sub(limits::REQUEST_OBJECT_LIFE_SECS)
        || exp <= now.saturating_sub(limits::CLOCK_SKEW_SECS)
        || exp > nbf.saturating_add(limits::REQUEST_OBJECT_LIFE_SECS)
    {
        return Err(wrong("the request object is not of this time, or lives longer than an hour"));
    }
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(wrong("a request object cannot hold another one"));
    }
    const OF_THE_JWT: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];
    let mut params = BTreeMap::new();
    for (name, value) in claims.iter().filter(|(name, _)| !OF_THE_JWT.contains(&name.as_str())) {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if value.len() > limits::PARAMETER_BYTES_MAX {
            return Err(wrong("a parameter is too long"));
        }
        if !value.is_empty() {
            params.insert(name.clone(), value);
        }
    }
    Ok(Params::of(params))
}
