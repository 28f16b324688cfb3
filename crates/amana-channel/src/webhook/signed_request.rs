//! Signed requests: how the platform asks, outside of the webhook, to delete a person's data or says that our access
//! was taken back (messenger reference, section 8).

use crate::limits;
use crate::webhook::loose;
use amana_core::{Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::Value;

/// What a signed request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Who: the app's own id of the person, which no chat is known by.
    pub user_id: String,
    /// When it was signed.
    pub issued_at: Timestamp,
}

/// Why a signed request is not believed. It holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignedRequestError {
    /// Not two parts of base64url with a dot between them, or too long.
    #[error("the signed request is malformed: expected two parts of base64url with a dot between them")]
    Malformed,
    /// The signature is not that of this payload under our app secret.
    #[error("the signature of the signed request does not match: check `app_secret`")]
    Mismatch,
    /// The payload names another algorithm, nobody, or no time.
    #[error("the signed request is incomplete: expected `algorithm` HMAC-SHA256, `user_id` and `issued_at`")]
    Incomplete,
    /// It is from too long ago, or from the future: somebody may be playing it again.
    #[error("the signed request is not of this time")]
    NotOfThisTime,
}

/// Checks a `signed_request`: the signature over the payload as it was encoded, in constant time, before anything of it
/// is read; then that it is of this time, since a request that is played again could end what was linked anew.
///
/// # Errors
/// When it is malformed, wrong, incomplete or too old.
pub fn verify_signed_request(
    app_secret: &Secret,
    text: &str,
    now: Timestamp,
) -> Result<SignedRequest, SignedRequestError> {
    let malformed = SignedRequestError::Malformed;
    if text.len() > limits::SIGNED_REQUEST_BYTES_MAX {
        return Err(malformed);
    }
    let (signature, payload) = text.trim().split_once('.').ok_or(malformed)?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| malformed);
    let signature = decoded(signature)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.expose().as_bytes());
    hmac::verify(&key, payload.as_bytes(), &signature).map_err(|_| SignedRequestError::Mismatch)?;

    let incomplete = SignedRequestError::Incomplete;
    let payload: Value = serde_json::from_slice(&decoded(payload)?).map_err(|_| incomplete)?;
    let algorithm = payload.get("algorithm").and_then(Value::as_str).ok_or(incomplete)?;
    if !algorithm.eq_ignore_ascii_case("HMAC-SHA256") {
        return Err(incomplete);
    }
    let user_id = payload.get("user_id").and_then(loose::id).ok_or(incomplete)?;
    let issued_at = payload.get("issued_at").and_then(loose::instant).ok_or(incomplete)?;
    let age = now.as_second().saturating_sub(issued_at.as_second());
    if !(-limits::SIGNED_REQUEST_SKEW_S..=limits::SIGNED_REQUEST_AGE_S).contains(&age) {
        return Err(SignedRequestError::NotOfThisTime);
    }
    Ok(SignedRequest { user_id, issued_at })
}
