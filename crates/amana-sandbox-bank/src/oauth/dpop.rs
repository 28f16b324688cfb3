//! DPoP (RFC 9449): the proof that a request's sender holds a key.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use ring::{digest, hmac};
use serde::Deserialize;

use super::OAuthError;
use super::jwt::Unproved;
use super::presented::Presented;
use crate::app::{App, sha256_hex};
use crate::limits;

/// The members of a JWK that are nobody's but its owner's (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a proof is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProofError {
    /// It is wrong.
    Invalid(&'static str),
    /// It needs a nonce of ours that is not too old.
    Nonce,
}

#[derive(Clone, Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    exp: Option<i64>,
    #[serde(default)]
    ath: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// The proofs that were seen while they could be used again, and the key of the nonces. Both live as long as the
/// process: a proof of before a restart carries a nonce that is not known any more.
pub(crate) struct Proofs {
    key: hmac::Key,
    seen: Mutex<BTreeMap<String, i64>>,
}

impl Proofs {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), seen: Mutex::default() }
    }

    /// The nonce of this minute.
    pub(crate) fn nonce(&self, now: Timestamp) -> String {
        self.nonce_of(slot(now))
    }

    fn nonce_of(&self, slot: i64) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, &slot.to_be_bytes()))
    }

    fn nonce_ok(&self, nonce: &str, now: Timestamp) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(nonce) else { return false };
        // This minute's, and those before that a proof may still carry.
        (0..=limits::DPOP_NONCE_SLOTS).any(|back| {
            let slot = slot(now).saturating_sub(back);
            hmac::verify(&self.key, &slot.to_be_bytes(), &given).is_ok()
        })
    }

    /// Remembers a proof; false if it was seen before, or there is no more room.
    fn first_time(&self, id: String, now: i64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= limits::DPOP_PROOFS_MAX {
            seen.retain(|_, end| *end > now);
        }
        if seen.len() >= limits::DPOP_PROOFS_MAX || seen.get(&id).is_some_and(|end| *end > now) {
            return false;
        }
        seen.insert(id, now.saturating_add(limits::DPOP_AGE_SECS + 2 * limits::CLOCK_SKEW_SECS));
        true
    }
}

fn slot(now: Timestamp) -> i64 {
    now.as_second().div_euclid(limits::DPOP_NONCE_SECS)
}

/// The thumbprint (RFC 7638) of the key that sent this request, if it carries a proof. With `access_token`, the proof
/// must be for it (`ath`).
pub(crate) fn check(
    app: &App,
    presented: &Presented,
    access_token: Option<&str>,
) -> Result<Option<String>, ProofError> {
    use ProofError::Invalid;
    let text = match presented.proofs.as_slice() {
        [] => return Ok(None),
        [one] => one.as_str(),
        _ => return Err(Invalid("there is more than one `DPoP` header")),
    };
    let proof = Unproved::read(text).ok_or(Invalid("the proof is not a JWT of ES256, PS256 or EdDSA"))?;
    if proof.header_text("typ") != Some("dpop+jwt") {
        return Err(Invalid("`typ` of the proof must be `dpop+jwt`"));
    }
    let jwk = proof.header.get("jwk").and_then(|jwk| jwk.as_object()).ok_or(Invalid("`jwk` is missing"))?;
    if PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
        return Err(Invalid("`jwk` holds a private key"));
    }
    let key: Jwk = serde_json::from_value(serde_json::Value::Object(jwk.clone()))
        .map_err(|_| Invalid("`jwk` is not a key that is taken"))?;
    let claims: Claims = proof
        .proved_by(&key)
        .ok_or(Invalid("the proof is not signed with its own key, or lacks `jti`, `htm`, `htu` or `iat`"))?;
    let jkt = key.thumbprint(ThumbprintHash::SHA256).map_err(|_| Invalid("`jwk` has no thumbprint"))?;
    if claims.htm != presented.method.as_str() {
        return Err(Invalid("`htm` is not the method"));
    }
    if !app.is_own_url(&claims.htu, &presented.path) {
        return Err(Invalid("`htu` is not the address"));
    }
    let now = app.now();
    let second = now.as_second();
    if claims.iat < second.saturating_sub(limits::DPOP_AGE_SECS)
        || claims.iat > second.saturating_add(limits::CLOCK_SKEW_SECS)
        || claims.nbf.is_some_and(|nbf| nbf > second.saturating_add(limits::CLOCK_SKEW_SECS))
        || claims.exp.is_some_and(|exp| exp <= second.saturating_sub(limits::CLOCK_SKEW_SECS))
    {
        return Err(Invalid("the proof is not of this time"));
    }
    if let Some(token) = access_token {
        let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
        if claims.ath.as_deref() != Some(hash.as_str()) {
            return Err(Invalid("`ath` is not the hash of the access token"));
        }
    }
    if claims.jti.is_empty() {
        return Err(Invalid("`jti` is empty"));
    }
    // A nonce that is there must be right, also where none is asked for.
    match claims.nonce.as_deref() {
        Some(nonce) if !app.proofs.nonce_ok(nonce, now) => return Err(ProofError::Nonce),
        None if app.config.dpop_nonces => return Err(ProofError::Nonce),
        _ => {}
    }
    let id = sha256_hex(&format!("{jkt}\n{}", claims.jti));
    if !app.proofs.first_time(id, second) {
        return Err(Invalid("the proof was used before (`jti`)"));
    }
    Ok(Some(jkt))
}

impl ProofError {
    /// As the authorization server says it (RFC 9449 §5 and §8).
    pub(crate) fn at_server(self, app: &App) -> OAuthError {
        match self {
            Self::Invalid(what) => OAuthError::new("invalid_dpop_proof", what),
            Self::Nonce => OAuthError {
                nonce: Some(app.proofs.nonce(app.now())),
                ..OAuthError::new("use_dpop_nonce", "the proof must carry the nonce of `DPoP-Nonce`")
            },
        }
    }
}
