//! Who may post to the webhook (messenger reference, sections 1.1, 1.2 and 2.4).

use amana_core::Secret;
use ring::hmac;

const PREFIX: &str = "sha256=";

/// Why a body is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No `X-Hub-Signature-256`.
    #[error("no `X-Hub-Signature-256` header: only signed webhooks are accepted (sha1 is not enough)")]
    Missing,
    /// The header is not `sha256=` and 64 hex digits.
    #[error("the `X-Hub-Signature-256` header is malformed: expected `sha256=` and 64 hex digits")]
    Malformed,
    /// The signature is not that of this body under our app secret.
    #[error("the `X-Hub-Signature-256` header does not match the body: check `app_secret`")]
    Mismatch,
}

/// Checks `X-Hub-Signature-256` over the raw bytes as they came, in constant time. The old sha1 header is not
/// looked at.
///
/// # Errors
/// When the header is missing, malformed or wrong.
pub fn verify_signature(app_secret: &Secret, raw: &[u8], header: Option<&str>) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let digits = header.trim().strip_prefix(PREFIX).ok_or(SignatureError::Malformed)?;
    let mut tag = [0u8; 32];
    hex::decode_to_slice(digits, &mut tag).map_err(|_| SignatureError::Malformed)?;
    hmac::verify(&key(app_secret), raw, &tag).map_err(|_| SignatureError::Mismatch)
}

/// `appsecret_proof` of an access token: hex of HMAC-SHA256(app secret, token).
#[must_use]
pub fn app_secret_proof(app_secret: &Secret, token: &Secret) -> String {
    hex::encode(hmac::sign(&key(app_secret), token.expose().as_bytes()))
}

fn key(app_secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, app_secret.expose().as_bytes())
}

/// Why a subscription handshake is refused (answer 403).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// `hub.mode` is not `subscribe`.
    #[error("`hub.mode` is not `subscribe`")]
    Mode,
    /// `hub.verify_token` is not ours.
    #[error("`hub.verify_token` is not the configured `verify_token`")]
    Token,
    /// `hub.challenge` is missing, too long or not printable.
    #[error("`hub.challenge` is missing or not a short printable text")]
    Challenge,
}

/// The challenge to answer 200 with, as the bare `text/plain` body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The text to send back.
    pub challenge: String,
}

/// The longest challenge that is echoed, in bytes; Meta's are ten digits.
const CHALLENGE_BYTES_MAX: usize = 256;

/// Checks the handshake `GET ?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`. `query` is the raw
/// query string.
///
/// # Errors
/// When the mode or token is wrong or there is no usable challenge.
pub fn verify_subscription(verify_token: &Secret, query: &str) -> Result<Verified, SubscriptionError> {
    let of =
        |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| v);
    if of("hub.mode").as_deref() != Some("subscribe") {
        return Err(SubscriptionError::Mode);
    }
    let given = of("hub.verify_token").ok_or(SubscriptionError::Token)?;
    if !same(verify_token.expose().as_bytes(), given.as_bytes()) {
        return Err(SubscriptionError::Token);
    }
    let challenge = of("hub.challenge").ok_or(SubscriptionError::Challenge)?;
    // The challenge is sent back as a body, so it must not be able to become markup.
    let plain = challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=".contains(&b));
    if challenge.is_empty() || challenge.len() > CHALLENGE_BYTES_MAX || !plain {
        return Err(SubscriptionError::Challenge);
    }
    Ok(Verified { challenge: challenge.into_owned() })
}

/// Equality in constant time: both sides under the same key, so that only MACs are compared. An empty token
/// matches nothing.
fn same(ours: &[u8], theirs: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"amana/verify-token/v1");
    !ours.is_empty() && hmac::verify(&key, theirs, hmac::sign(&key, ours).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_is_strict() {
        let token = Secret::new("check me");
        let ok = "hub.mode=subscribe&hub.verify_token=check+me&hub.challenge=1158201444";
        assert_eq!(verify_subscription(&token, ok).map(|v| v.challenge).as_deref(), Ok("1158201444"));
        for (query, why) in [
            ("", SubscriptionError::Mode),
            ("hub.mode=unsubscribe&hub.verify_token=check+me&hub.challenge=1", SubscriptionError::Mode),
            ("hub.mode=subscribe&hub.challenge=1", SubscriptionError::Token),
            ("hub.mode=subscribe&hub.verify_token=check+m&hub.challenge=1", SubscriptionError::Token),
            ("hub.mode=subscribe&hub.verify_token=check+me", SubscriptionError::Challenge),
            ("hub.mode=subscribe&hub.verify_token=check+me&hub.challenge=", SubscriptionError::Challenge),
            (
                "hub.mode=subscribe&hub.verify_token=check+me&hub.challenge=%3Cb%3E",
                SubscriptionError::Challenge,
            ),
        ] {
            assert_eq!(verify_subscription(&token, query), Err(why), "{query}");
        }
        let empty = "hub.mode=subscribe&hub.verify_token=&hub.challenge=1";
        assert_eq!(verify_subscription(&Secret::new(""), empty), Err(SubscriptionError::Token));
    }
}
