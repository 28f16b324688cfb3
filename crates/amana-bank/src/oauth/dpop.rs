//! Proofs of possession (RFC 9449): a key for each connection, a proof for each request, and the servers' nonces.

use crate::error::BankErrorClass;
use crate::http::Answer;
use crate::limits;
use amana_core::{Entropy, Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// The algorithm of our proofs.
pub(crate) const ALGORITHM: &str = "ES256";
/// The header of a proof.
pub(crate) const PROOF: &str = "dpop";
const NONCE: &str = "dpop-nonce";
const ASKED: &str = "use_dpop_nonce";

/// The private key (P-256) to which a connection's tokens are bound. Each connection has its own, so that what one
/// bank's log says of it tells nothing of another; it is kept where the tokens are, and is worth as much as they.
#[derive(Clone, PartialEq, Eq)]
pub struct DpopKey(SigningKey);

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopKey(…)")
    }
}

impl DpopKey {
    /// A new key.
    pub(crate) fn fresh(entropy: &dyn Entropy) -> Result<Self, BankErrorClass> {
        // One of about 2^32 draws is no number below the order of the curve.
        (0..limits::KEY_DRAWS_MAX)
            .find_map(|_| SigningKey::from_slice(&entropy.array::<32>()).ok())
            .map(Self)
            .ok_or(BankErrorClass::OurRequest("no key can be made: the source of randomness is broken"))
    }

    /// The key as text, in the clear: for [`crate::Tokens::to_bytes`] and [`crate::Pending`] alone.
    pub(crate) fn to_text(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0.to_bytes()))
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        SigningKey::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok().map(Self)
    }

    fn coordinates(&self) -> (String, String) {
        let point = self.0.verifying_key().to_encoded_point(false);
        let text =
            |half: Option<&p256::FieldBytes>| half.map(|x| URL_SAFE_NO_PAD.encode(x)).unwrap_or_default();
        (text(point.x()), text(point.y()))
    }

    /// RFC 7638: the hash over the members that are required, in the order of the alphabet.
    pub(crate) fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        hash(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
    }

    /// The proof for one request (§4.2). `access`: the token that goes with it.
    pub(crate) fn proof(
        &self,
        (method, url): (&str, &Url),
        access: Option<&Secret>,
        nonce: Option<&str>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> String {
        let (x, y) = self.coordinates();
        let header = json!({
            "typ": "dpop+jwt", "alg": ALGORITHM, "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y },
        });
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let mut claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(entropy.array::<16>()),
            "htm": method,
            "htu": target.as_str(),
            "iat": now.as_second(),
        });
        let mut add = |name: &str, value: String| {
            if let Some(claims) = claims.as_object_mut() {
                claims.insert(name.to_owned(), Value::from(value));
            }
        };
        if let Some(access) = access {
            add("ath", hash(access.expose()));
        }
        if let Some(nonce) = nonce {
            add("nonce", nonce.to_owned());
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        // Deterministic (RFC 6979): it needs no randomness of its own.
        let signature: Signature = self.0.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

/// Who asks for a nonce: both kinds of server may be on one origin, each with nonces of its own (§9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Server {
    /// The authorization server.
    Authorization,
    /// What the token is for.
    Resource,
}

/// The last nonce of each server (§8.2: until it gives another one).
#[derive(Default)]
pub(crate) struct Nonces(Mutex<HashMap<(Server, String), String>>);

impl Nonces {
    pub(crate) fn get(&self, server: Server, url: &Url) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(server, url.origin().ascii_serialization())).cloned()
    }

    /// Keeps the nonce that an answer brings, and says whether the answer is the demand to try again with it.
    pub(crate) fn take(&self, server: Server, url: &Url, answer: &Answer) -> bool {
        let Some(nonce) = nonce_of(answer) else { return false };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::NONCES_MAX {
            known.clear();
        }
        known.insert((server, url.origin().ascii_serialization()), nonce);
        asked(server, answer)
    }
}

/// The nonce, if it is one (§8.1: visible ASCII but quotes and backslashes).
fn nonce_of(answer: &Answer) -> Option<String> {
    let text = answer.headers.get(NONCE)?.to_str().ok()?;
    let good = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (!text.is_empty() && text.len() <= limits::NONCE_BYTES_MAX && text.bytes().all(good))
        .then(|| text.to_owned())
}

fn asked(server: Server, answer: &Answer) -> bool {
    match server {
        Server::Authorization => {
            answer.status.is_client_error()
                && answer.json().is_some_and(|body| body.get("error").and_then(Value::as_str) == Some(ASKED))
        }
        Server::Resource => answer.status.as_u16() == 401 && challenged(answer, ASKED),
    }
}

/// Whether a resource server's 401 gives this error (§7.1).
pub(crate) fn challenged(answer: &Answer, error: &str) -> bool {
    answer.headers.get_all(reqwest::header::WWW_AUTHENTICATE).iter().any(|challenge| {
        challenge.to_str().is_ok_and(|text| {
            text.split([',', ' ']).any(|part| {
                part.split_once('=').is_some_and(|(name, value)| {
                    name.trim().eq_ignore_ascii_case("error") && value.trim().trim_matches('"') == error
                })
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::SeededEntropy;
    use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue};

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a header"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        Answer { status, headers: map, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_proof_is_for_one_request_and_another_library_believes_it() {
        let entropy = SeededEntropy::new(3);
        let key = DpopKey::fresh(&entropy).expect("a key");
        assert_ne!(DpopKey::fresh(&entropy).expect("a key"), key);
        assert_eq!(DpopKey::from_text(key.to_text().expose()), Some(key.clone()));
        let url = Url::parse("https://api.example/fdx/v6/accounts?limit=2#x").expect("a url");
        let now = "2026-11-24T10:00:00Z".parse().expect("an instant");
        let access = Secret::new("at-1");
        let make = || key.proof(("GET", &url), Some(&access), Some("n-1"), now, &entropy);
        let proof = make();
        assert_ne!(proof, make(), "`jti` is new each time");
        let header = jsonwebtoken::decode_header(&proof).expect("a header");
        assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
        let jwk: Jwk = header.jwk.expect("a key");
        assert_eq!(jwk.thumbprint(ThumbprintHash::SHA256).expect("thumbprint"), key.thumbprint());
        let public = jsonwebtoken::DecodingKey::from_jwk(&jwk).expect("a key");
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(&proof, &public, &validation).expect("signed").claims;
        assert_eq!(claims["htu"], "https://api.example/fdx/v6/accounts");
        assert_eq!((&claims["htm"], &claims["nonce"]), (&json!("GET"), &json!("n-1")));
        assert_eq!(claims["ath"], hash("at-1"));
        assert!(!format!("{key:?}").contains(key.to_text().expose()));
    }

    #[test]
    fn nonces_are_kept_for_each_server_and_bad_ones_are_not() {
        let nonces = Nonces::default();
        let url = Url::parse("https://bank.example/token").expect("a url");
        let demand = r#"{"error":"use_dpop_nonce"}"#;
        assert!(!nonces.take(Server::Authorization, &url, &answer(400, &[], demand)), "without a nonce");
        for bad in ["", "a b", "a\"b", &"x".repeat(limits::NONCE_BYTES_MAX + 1)] {
            assert!(!nonces.take(Server::Authorization, &url, &answer(400, &[("dpop-nonce", bad)], demand)));
        }
        assert_eq!(nonces.get(Server::Authorization, &url), None);
        assert!(nonces.take(Server::Authorization, &url, &answer(400, &[("dpop-nonce", "a")], demand)));
        // A good answer brings the next one, and is not to be asked again.
        assert!(!nonces.take(Server::Authorization, &url, &answer(200, &[("dpop-nonce", "b")], "{}")));
        assert_eq!(nonces.get(Server::Authorization, &url).as_deref(), Some("b"));
        assert_eq!(nonces.get(Server::Resource, &url), None);
        let challenge = r#"DPoP realm="x", error="use_dpop_nonce", algs="ES256""#;
        let refused = [("www-authenticate", "Bearer"), ("www-authenticate", challenge), ("dpop-nonce", "c")];
        assert!(nonces.take(Server::Resource, &url, &answer(401, &refused, "")));
        let other = [("www-authenticate", r#"DPoP error="invalid_token""#), ("dpop-nonce", "d")];
        assert!(!nonces.take(Server::Resource, &url, &answer(401, &other, "")));
    }
}
