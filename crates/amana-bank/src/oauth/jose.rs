//! The server's signing keys (RFC 7517) and the tokens that they sign.

use crate::error::BankErrorClass;
use crate::http::{Answer, Http};
use crate::limits;
use crate::profile::TokenAlgorithm;
use amana_core::{Evidence, Timestamp};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;

/// The claims of a token whose signature is good.
pub(crate) type Claims = Map<String, Value>;

const BAD_SIGNATURE: BankErrorClass =
    BankErrorClass::Nonsense("the id token is not signed by the server's keys");

/// The server's keys, read when needed.
#[derive(Default)]
pub(crate) struct Keys(Mutex<Kept>);

/// What was read, and when it was last tried.
#[derive(Default)]
struct Kept {
    keys: Option<(Timestamp, Vec<Jwk>)>,
    tried: Option<Timestamp>,
}

impl Keys {
    /// The claims of a JWT, if one of the server's keys signed it with one of these algorithms. Only the signature is
    /// checked here: what the claims must say depends on the token.
    pub(crate) async fn verify(
        &self,
        http: &Http,
        (jwks_uri, algorithms): (&Url, &[TokenAlgorithm]),
        token: &str,
        now: Timestamp,
    ) -> Result<Claims, BankErrorClass> {
        let header = header(token, algorithms)?;
        let mut kept = self.0.lock().await;
        if let Some((read, keys)) = kept.keys.as_ref()
            && within(*read, now, limits::JWKS_TTL)
            && let Some(claims) = try_keys(keys, header.alg, header.kid.as_deref(), token)
        {
            return Ok(claims);
        }
        // The keys may have been changed; but a bad token must not make us hammer the server, least of all one that is
        // in trouble.
        if kept.tried.is_some_and(|tried| within(tried, now, limits::JWKS_RELOAD_MIN)) {
            let known = kept.keys.as_ref().is_some_and(|(read, _)| within(*read, now, limits::JWKS_TTL));
            return Err(if known { BAD_SIGNATURE } else { UNREAD });
        }
        kept.tried = Some(now);
        let keys = fetch(http, jwks_uri).await?;
        let claims = try_keys(&keys, header.alg, header.kid.as_deref(), token).ok_or(BAD_SIGNATURE);
        kept.keys = Some((now, keys));
        claims
    }
}

const UNREAD: BankErrorClass = BankErrorClass::Retry("the server's signing keys cannot be read");

/// The header of a JWT that is signed with one of these algorithms.
pub(crate) fn header(token: &str, algorithms: &[TokenAlgorithm]) -> Result<Header, BankErrorClass> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| BAD_SIGNATURE)?;
    let named = match header.alg {
        Algorithm::ES256 => Some(TokenAlgorithm::Es256),
        Algorithm::PS256 => Some(TokenAlgorithm::Ps256),
        Algorithm::EdDSA => Some(TokenAlgorithm::EdDsa),
        Algorithm::RS256 => Some(TokenAlgorithm::Rs256),
        _ => None,
    };
    if !named.is_some_and(|named| algorithms.contains(&named)) {
        return Err(BankErrorClass::Nonsense("a token is signed with an algorithm that is not accepted"));
    }
    Ok(header)
}

fn within(read: Timestamp, now: Timestamp, life: Duration) -> bool {
    u64::try_from(now.as_second().saturating_sub(read.as_second())).is_ok_and(|age| age < life.as_secs())
}

async fn fetch(http: &Http, url: &Url) -> Result<Vec<Jwk>, BankErrorClass> {
    let answer = http.send(http.get(url.clone()).header(reqwest::header::ACCEPT, "application/json")).await?;
    if !answer.status.is_success() {
        return Err(UNREAD);
    }
    key_set(&answer)
}

/// The keys of a JWK set, those of a kind that we know.
pub(crate) fn key_set(answer: &Answer) -> Result<Vec<Jwk>, BankErrorClass> {
    let value = answer.json().ok_or(BankErrorClass::Nonsense("the server's signing keys are not json"))?;
    let keys = value
        .get("keys")
        .and_then(Value::as_array)
        .ok_or(BankErrorClass::Nonsense("the server's signing keys are not a jwk set"))?;
    // One by one: a key of a kind that we do not know must not hide the others.
    Ok(keys
        .iter()
        .take(limits::JWKS_KEYS_MAX)
        .filter_map(|key| serde_json::from_value(key.clone()).ok())
        .collect())
}

/// The claims of a token that one of the keys has signed.
pub(crate) fn try_keys(keys: &[Jwk], algorithm: Algorithm, kid: Option<&str>, token: &str) -> Option<Claims> {
    // Times and audience are checked by the caller against the injected clock.
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    keys.iter()
        .filter(|key| key.common.public_key_use != Some(PublicKeyUse::Encryption))
        .filter(|key| kid.is_none() || key.common.key_id.is_none() || key.common.key_id.as_deref() == kid)
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .find_map(|key| jsonwebtoken::decode::<Claims>(token, &key, &validation).ok())
        .map(|data| data.claims)
}

/// A text claim.
pub(crate) fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// What a verified ID token says of the sign-in (`OpenID Connect` Core §2), each text bounded.
pub(crate) fn evidence(claims: &Claims, issuer: &str, token: &str) -> Evidence {
    let short = |text: &str| text.chars().take(crate::limits::CLAIM_CHARS_MAX).collect::<String>();
    let hash = |text: &str| amana_core::event_hash(text.as_bytes());
    let amr = claims.get("amr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Evidence {
        issuer: short(issuer),
        auth_time: seconds(claims, "auth_time").and_then(|at| Timestamp::from_second(at).ok()),
        acr: text(claims, "acr").map(short),
        amr: amr.iter().filter_map(Value::as_str).take(crate::limits::AMR_MAX).map(short).collect(),
        jti_sha256: text(claims, "jti").map(hash),
        token_sha256: hash(token),
    }
}

pub(crate) fn seconds(claims: &Claims, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    // RFC 7519 §2: a NumericDate may have decimals.
    value.as_i64().or_else(|| value.as_number()?.as_str().split('.').next()?.parse().ok())
}

/// Whether the times of a token hold now: `exp` must be there, `nbf` and `iat` may be.
pub(crate) fn in_time(claims: &Claims, now: Timestamp) -> bool {
    let now = now.as_second();
    seconds(claims, "exp").is_some_and(|exp| exp.saturating_add(limits::CLOCK_SKEW_SECS) > now)
        && ["nbf", "iat"].iter().all(|name| {
            seconds(claims, name).is_none_or(|at| at <= now.saturating_add(limits::CLOCK_SKEW_SECS))
        })
}

/// Checks an ID token's claims (OpenID Connect Core 1.0 §3.1.3.7). `nonce` is `None` for one that came by a refresh.
pub(crate) fn check_id_token(
    claims: &Claims,
    issuer: &str,
    client_id: &str,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<(), BankErrorClass> {
    if text(claims, "iss") != Some(issuer) {
        return Err(BankErrorClass::Nonsense("the id token's `iss` is not the issuer"));
    }
    let (for_us, others) = match claims.get("aud") {
        Some(Value::String(aud)) => (aud == client_id, false),
        Some(Value::Array(all)) => (all.iter().any(|a| a.as_str() == Some(client_id)), all.len() > 1),
        _ => (false, false),
    };
    let azp = text(claims, "azp");
    if !for_us || (others && azp.is_none()) || azp.is_some_and(|azp| azp != client_id) {
        return Err(BankErrorClass::Nonsense("the id token is not for this client"));
    }
    if !in_time(claims, now) {
        return Err(BankErrorClass::Nonsense("the id token is not in force: check this machine's clock"));
    }
    if let Some(nonce) = nonce
        && text(claims, "nonce") != Some(nonce)
    {
        return Err(BankErrorClass::Nonsense("the id token's `nonce` is not the request's"));
    }
    Ok(())
}
