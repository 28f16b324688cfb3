//! Signed JWTs of clients: assertions, DPoP proofs, request objects. Only the signature is checked here; what the
//! claims must say depends on the use, and times are held against the bank's own clock.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::limits;

/// The algorithms of FAPI 2.0 §5.4.1: never RS256, never `none`.
pub(crate) const ALGORITHMS: [&str; 3] = ["ES256", "PS256", "EdDSA"];

/// A JWT whose signature has not been looked at.
pub(crate) struct Unproved<'a> {
    text: &'a str,
    /// The header as it stands there, with members that a typed one would drop.
    pub(crate) header: Map<String, Value>,
    algorithm: Algorithm,
}

impl<'a> Unproved<'a> {
    /// Reads the header. `None` if this is no JWT of an algorithm that is taken.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let header = URL_SAFE_NO_PAD.decode(text.split('.').next()?).ok()?;
        let header: Map<String, Value> = serde_json::from_slice(&header).ok()?;
        let algorithm = match header.get("alg")?.as_str()? {
            "ES256" => Algorithm::ES256,
            "PS256" => Algorithm::PS256,
            "EdDSA" => Algorithm::EdDSA,
            _ => return None,
        };
        // RFC 7515 §4.1.11: what is marked critical and not understood makes it invalid.
        (!header.contains_key("crit")).then_some(Self { text, header, algorithm })
    }

    /// A text member of the header.
    pub(crate) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// The claims, unproved: only for finding the key that proves them.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        jsonwebtoken::dangerous::insecure_decode_claims(self.text).ok()
    }

    /// The claims, if one of these keys signed them.
    pub(crate) fn proved<T: DeserializeOwned + Clone>(&self, keys: &JwkSet) -> Option<T> {
        let kid = self.header_text("kid");
        keys.keys
            .iter()
            .filter(|key| kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid)))
            .find_map(|key| self.proved_by(key))
    }

    /// The claims, if this key signed them.
    pub(crate) fn proved_by<T: DeserializeOwned + Clone>(&self, key: &Jwk) -> Option<T> {
        if !strong(key) {
            return None;
        }
        let mut validation = Validation::new(self.algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_jwk(key).ok()?;
        jsonwebtoken::decode::<T>(self.text, &key, &validation).ok().map(|data| data.claims)
    }
}

/// RSA keys have 2048 bits or more (FAPI 2.0 §5.4.1).
fn strong(key: &Jwk) -> bool {
    match &key.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            URL_SAFE_NO_PAD.decode(&rsa.n).is_ok_and(|n| n.len() >= limits::RSA_BYTES_MIN)
        }
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKeyPair(_) => true,
        _ => false,
    }
}
