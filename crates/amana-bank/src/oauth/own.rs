//! What the client does in its own name: a token of its own (RFC 6749 §4.4), and who notifies it (the Security Model
//! v5.0: by a JWT that the publisher's key signs).

use super::client_auth::Form;
use super::{Client, DpopKey, jose};
use crate::error::BankErrorClass;
use crate::limits;
use crate::profile::{Sender, TokenAlgorithm};
use amana_core::ids::token_hash;
use amana_core::{Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What a publisher may sign with (FAPI 2.0 §5.4.1), whatever else the bank's ID tokens are signed with.
const OF_PUBLISHERS: &[TokenAlgorithm] =
    &[TokenAlgorithm::Es256, TokenAlgorithm::Ps256, TokenAlgorithm::EdDsa];

/// The client's own tokens by scope, while they live.
pub(super) type OwnTokens = HashMap<Option<&'static str>, OwnToken>;

/// One of them.
pub(super) struct OwnToken {
    token: Secret,
    key: Option<DpopKey>,
    expires_at: Timestamp,
}

const NOT_THE_PUBLISHER: BankErrorClass =
    BankErrorClass::Nonsense("the token is not one of the bank's own for this address");

impl Client {
    /// A token of the client's own for this scope, or without one, bound as the customers' are. It is kept in memory
    /// while it lives; one at a time is asked for.
    pub(crate) async fn own_token(
        &self,
        scope: Option<&'static str>,
    ) -> Result<(Secret, Option<DpopKey>), BankErrorClass> {
        let mut kept = self.own.lock().await;
        let now = self.clock.now();
        let good = |own: &&OwnToken| {
            own.expires_at.as_second() > now.as_second().saturating_add(limits::OWN_TOKEN_MARGIN_SECS)
        };
        if let Some(own) = kept.get(&scope).filter(good) {
            return Ok((own.token.clone(), own.key.clone()));
        }
        let metadata = self.metadata().await?;
        let key = match self.sender {
            Sender::Dpop => Some(DpopKey::fresh(self.entropy.as_ref())?),
            Sender::None | Sender::Mtls => None,
        };
        let mut form: Form = vec![("grant_type", "client_credentials".to_owned())];
        form.extend(scope.map(|scope| ("scope", scope.to_owned())));
        self.add_audience(&mut form);
        let answer = self.post_form(&metadata.token_endpoint, &form, key.as_ref()).await?;
        let token = self.read_token(&answer, key.as_ref()).map_err(|class| match class {
            BankErrorClass::RelinkNeeded(what) | BankErrorClass::Declined(what) => {
                BankErrorClass::OurRequest(what)
            }
            other => other,
        })?;
        let own = OwnToken { token: token.access.clone(), key: key.clone(), expires_at: token.expires_at };
        kept.insert(scope, own);
        Ok((token.access, key))
    }

    /// Forgets its own tokens: one was not taken.
    pub(crate) async fn forget_own_tokens(&self) {
        self.own.lock().await.clear();
    }

    /// Whether a token proves that who shows it is this server's owner: a JWT signed by one of its keys, by itself
    /// (`iss`, `sub`), for `audience` alone, in force and short-lived, with `scope`, and not shown before (`jti`).
    pub(crate) async fn publisher(
        &self,
        token: &Secret,
        audience: &str,
        scope: &str,
    ) -> Result<(), BankErrorClass> {
        let token = token.expose();
        // Looked at before anybody is asked for keys: what does not even claim to be the bank's costs nothing.
        let claimed = token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claimed = claimed.and_then(|claims| serde_json::from_slice(&claims).ok());
        let claimed: jose::Claims = claimed.ok_or(NOT_THE_PUBLISHER)?;
        let now = self.clock.now();
        check_publisher(&claimed, &self.issuer, audience, scope, now)?;
        if jose::header(token, OF_PUBLISHERS).is_err() {
            return Err(NOT_THE_PUBLISHER);
        }
        let metadata = self.metadata().await?;
        let jwks = metadata.jwks_uri.as_ref().ok_or(BankErrorClass::Nonsense(
            "the server's metadata have no `jwks_uri` for a publisher's token",
        ))?;
        let claims = self.publisher_keys.verify(&self.http, (jwks, OF_PUBLISHERS), token, now).await?;
        check_publisher(&claims, &self.issuer, audience, scope, now)?;
        self.shown.once(&claims, now)
    }
}

/// The tokens of publishers that were shown, while they live.
#[derive(Default)]
pub(super) struct Shown(Mutex<HashMap<[u8; 32], i64>>);

impl Shown {
    /// Once for each `jti`.
    fn once(&self, claims: &jose::Claims, now: Timestamp) -> Result<(), BankErrorClass> {
        let jti = jose::text(claims, "jti").ok_or(NOT_THE_PUBLISHER)?;
        let end = jose::seconds(claims, "exp").unwrap_or_default().saturating_add(limits::CLOCK_SKEW_SECS);
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() >= limits::PUBLISHER_TOKENS_MAX {
            shown.retain(|_, end| *end > now.as_second());
        }
        if shown.len() >= limits::PUBLISHER_TOKENS_MAX {
            return Err(BankErrorClass::Wait { what: "too many notifications", retry_after: None });
        }
        match shown.insert(token_hash(jti), end) {
            None => Ok(()),
            Some(_) => Err(NOT_THE_PUBLISHER),
        }
    }
}

fn check_publisher(
    claims: &jose::Claims,
    issuer: &str,
    audience: &str,
    scope: &str,
    now: Timestamp,
) -> Result<(), BankErrorClass> {
    let by_itself = ["iss", "sub"].iter().all(|name| jose::text(claims, name) == Some(issuer));
    let for_us = match claims.get("aud") {
        Some(Value::String(aud)) => aud == audience,
        Some(Value::Array(all)) => matches!(all.as_slice(), [one] if one.as_str() == Some(audience)),
        _ => false,
    };
    let may = jose::text(claims, "scope").is_some_and(|all| all.split(' ').any(|one| one == scope));
    let longest = now.as_second().saturating_add(limits::PUBLISHER_TOKEN_LIFE_SECS + limits::CLOCK_SKEW_SECS);
    let once = jose::text(claims, "jti").is_some_and(|jti| !jti.is_empty());
    let short = jose::seconds(claims, "exp").is_some_and(|exp| exp <= longest);
    if by_itself && for_us && may && once && short && jose::in_time(claims, now) {
        Ok(())
    } else {
        Err(NOT_THE_PUBLISHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_publisher_speaks_for_itself_to_us_alone_and_briefly() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("an instant");
        let second = now.as_second();
        let good = json!({
            "iss": "https://bank.example", "sub": "https://bank.example", "aud": "https://us.example/n",
            "iat": second, "exp": second + 60, "jti": "j", "scope": "a fdx:notifications:publish",
        });
        let checked = |claims: &Value| {
            let claims = claims.as_object().expect("an object");
            let (issuer, audience) = ("https://bank.example", "https://us.example/n");
            check_publisher(claims, issuer, audience, "fdx:notifications:publish", now).is_ok()
        };
        assert!(checked(&good));
        for (name, wrong) in [
            ("iss", json!("https://other.example")),
            ("sub", json!("customer-1")),
            ("aud", json!("https://us.example/other")),
            ("aud", json!(["https://us.example/n", "https://other.example"])),
            ("scope", json!("fdx:notifications:publisher")),
            ("exp", json!(second - 61)),
            ("exp", json!(second + 3_600)),
            ("iat", json!(second + 600)),
            ("nbf", json!(second + 600)),
            ("jti", json!("")),
        ] {
            let mut claims = good.clone();
            claims[name] = wrong.clone();
            assert!(!checked(&claims), "{name} {wrong}");
            claims.as_object_mut().expect("an object").remove(name);
            assert_eq!(checked(&claims), matches!(name, "iat" | "nbf"), "without {name}");
        }
        // Shown again it is somebody else's.
        let (shown, claims) = (Shown::default(), good.as_object().expect("an object"));
        assert_eq!(shown.once(claims, now), Ok(()));
        assert_eq!(shown.once(claims, now), Err(NOT_THE_PUBLISHER));
    }
}
