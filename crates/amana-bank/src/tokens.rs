//! What must be kept of an authorization: while it is pending, and when it is granted. At rest only encrypted.

use crate::oauth::DpopKey;
use amana_core::{LinkId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Stored bytes that are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored {0} cannot be read: a damaged row, or one of a newer version")]
pub struct StoredError(pub &'static str);

/// An authorization that waits for its callback. It holds secrets: whoever stores it stores it encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub(crate) state: String,
    pub(crate) verifier: String,
    pub(crate) nonce: String,
    pub(crate) redirect_uri: String,
    pub(crate) issuer: String,
    pub(crate) login_only: bool,
    /// The key to which the tokens will be bound, if they will.
    #[serde(default)]
    pub(crate) dpop: Option<String>,
}

impl Pending {
    /// The `state` by which the callback names its request: whoever keeps many pendings looks them up by its hash.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Whether a grant is for one reading (FDX `durationType: ONE_TIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Once {
    /// It is for many.
    #[default]
    Not,
    /// It is for one, which has not been yet.
    Unread,
    /// It was for one, which has been: nothing is read with it any more.
    Read,
}

impl Once {
    fn is_not(&self) -> bool {
        *self == Self::Not
    }
}

/// Whether what a refresh gave can be used. A bank that rotates has taken the old refresh token back by then, so the
/// new one is kept whatever the answer is worth otherwise: without it the grant could be neither renewed nor taken
/// back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// It can.
    #[default]
    None,
    /// Its ID token was not good, or could not be checked then: only the refresh token is the answer's, to be used for
    /// the next ones.
    Unproved,
    /// Its ID token is another person's: only the refresh token is the answer's, to be taken back.
    NotTheirs,
}

impl Doubt {
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// The tokens of one grant. Serialised only by [`Tokens::to_bytes`], whose result belongs under the customer's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// What the API takes.
    pub access: Secret,
    /// What buys the next access token.
    pub refresh: Option<Secret>,
    /// The ID token, kept only for banks whose API takes it as bearer.
    pub id_token: Option<Secret>,
    /// When the access token ends; a guess on the short side if the bank does not say.
    pub expires_at: Timestamp,
    /// When the refresh token ends, and what it keeps up with it; none if the bank does not say, or begins its life
    /// anew with each refresh (`oauth.refresh_renews`).
    pub refresh_ends: Option<Timestamp>,
    /// The scope that was granted.
    pub scope: Option<String>,
    /// SHA-256 of the `sub` of the first ID token, in hexadecimal; none if there was no ID token. Those that come with
    /// a refresh must name the same person (OpenID Connect Core 1.0 §12.2).
    pub subject_sha256: Option<String>,
    /// The key to which the access token is bound (RFC 9449); none for a bearer token and for one that is bound to the
    /// client's certificate.
    pub dpop: Option<DpopKey>,
    /// The link whose grant it is, which pays for the calls; none before there is one.
    pub connection: Option<LinkId>,
    /// Whether the grant is for one reading.
    pub once: Once,
    /// Whether nothing but the refresh token is good.
    pub doubt: Doubt,
    /// In doubt: the last refresh token that was the customer's for sure. A bank that gave another person's may not
    /// have taken it back, so it is taken back with the grant.
    pub own_refresh: Option<Secret>,
    /// Who is getting new ones for them. Who else wants some waits: a refresh token that is shown twice ends the grant
    /// at a bank that rotates them (RFC 9700 §4.14.2).
    pub renewing: Option<Renewing>,
}

/// That new tokens are being got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewing {
    /// By which process: random bytes of its own.
    pub by: [u8; 16],
    /// From when on.
    pub since: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    v: u8,
    access: std::borrow::Cow<'a, str>,
    refresh: Option<std::borrow::Cow<'a, str>>,
    id_token: Option<std::borrow::Cow<'a, str>>,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_ends: Option<Timestamp>,
    scope: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject_sha256: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    dpop: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connection: Option<LinkId>,
    #[serde(default, skip_serializing_if = "Once::is_not")]
    once: Once,
    #[serde(default, skip_serializing_if = "Doubt::is_none")]
    doubt: Doubt,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own_refresh: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renewing: Option<Renewing>,
}

impl Tokens {
    /// These tokens after a refresh whose answer is in doubt: of that nothing is taken but its refresh token, and
    /// `refresh_ends` with it. The one that was the customer's for sure is kept beside it.
    #[must_use]
    pub fn doubted(&self, doubt: Doubt, refresh: Option<Secret>, refresh_ends: Option<Timestamp>) -> Self {
        let own = self.own_refresh.as_ref().or(self.refresh.as_ref());
        // A bank that does not rotate has given nothing else.
        let own_refresh = own.filter(|own| refresh.as_ref() != Some(*own)).cloned();
        Self { refresh, refresh_ends, doubt, own_refresh, renewing: None, ..self.clone() }
    }

    /// Whether the access token is over, or will be within so many seconds.
    #[must_use]
    pub fn stale(&self, now: Timestamp, margin_s: i64) -> bool {
        self.expires_at.as_second().saturating_sub(now.as_second()) <= margin_s
    }

    /// The tokens as bytes, in the clear: to be encrypted by the caller.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let dpop = self.dpop.as_ref().map(DpopKey::to_text);
        let stored = Stored {
            v: 1,
            access: self.access.expose().into(),
            refresh: self.refresh.as_ref().map(|s| s.expose().into()),
            id_token: self.id_token.as_ref().map(|s| s.expose().into()),
            expires_at: self.expires_at,
            refresh_ends: self.refresh_ends,
            scope: self.scope.as_deref().map(Into::into),
            subject_sha256: self.subject_sha256.as_deref().map(Into::into),
            dpop: dpop.as_ref().map(|key| key.expose().into()),
            connection: self.connection,
            once: self.once,
            doubt: self.doubt,
            own_refresh: self.own_refresh.as_ref().map(|s| s.expose().into()),
            renewing: self.renewing,
        };
        // Serialising strings into memory has no failing case.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// The tokens of [`Tokens::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are not those.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        let stored: Stored<'_> = serde_json::from_slice(bytes).map_err(|_| StoredError("tokens"))?;
        if stored.v != 1 {
            return Err(StoredError("tokens"));
        }
        let dpop = match stored.dpop {
            Some(text) => Some(DpopKey::from_text(&text).ok_or(StoredError("tokens"))?),
            None => None,
        };
        Ok(Self {
            access: Secret::new(stored.access),
            refresh: stored.refresh.map(Secret::new),
            id_token: stored.id_token.map(Secret::new),
            expires_at: stored.expires_at,
            refresh_ends: stored.refresh_ends,
            scope: stored.scope.map(std::borrow::Cow::into_owned),
            subject_sha256: stored.subject_sha256.map(std::borrow::Cow::into_owned),
            dpop,
            connection: stored.connection,
            once: stored.once,
            doubt: stored.doubt,
            own_refresh: stored.own_refresh.map(Secret::new),
            renewing: stored.renewing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_their_bytes_and_never_print() {
        let key = DpopKey::fresh(&amana_core::SeededEntropy::new(1)).expect("a key");
        let tokens = Tokens {
            access: Secret::new("at-secret"),
            refresh: Some(Secret::new("rt-secret")),
            id_token: None,
            expires_at: "2026-11-24T10:15:00Z".parse().expect("instant"),
            refresh_ends: Some("2026-12-24T10:15:00Z".parse().expect("instant")),
            scope: Some("openid".into()),
            subject_sha256: Some(amana_core::event_hash(b"customer-42")),
            dpop: Some(key),
            connection: Some(LinkId::from_bytes([7; 16])),
            once: Once::Unread,
            doubt: Doubt::NotTheirs,
            own_refresh: Some(Secret::new("rt-own-secret")),
            renewing: Some(Renewing { by: [9; 16], since: "2026-11-24T10:14:00Z".parse().expect("instant") }),
        };
        assert_eq!(Tokens::from_bytes(&tokens.to_bytes()), Ok(tokens.clone()));
        assert!(Tokens::from_bytes(b"{}").is_err() && Tokens::from_bytes(b"\xff").is_err());
        assert!(!format!("{tokens:?}").contains("secret"));
        assert!(tokens.stale("2026-11-24T10:14:30Z".parse().expect("instant"), 60));
        assert!(!tokens.stale("2026-11-24T10:00:00Z".parse().expect("instant"), 60));
    }
}
