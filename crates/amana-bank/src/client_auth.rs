//! How the client proves itself: RFC 6749 §2.3.1, RFC 7523 with FAPI 2.0's rule that the audience is the issuer.

use crate::config::ClientAuth;
use crate::error::BankErrorClass;
use crate::limits;
use crate::profile::ClientAuthMethod;
use amana_core::{Entropy, Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A form that is being filled.
pub(crate) type Form = Vec<(&'static str, String)>;

/// A way of authentication, ready to use.
pub(crate) enum Authenticator {
    Basic(Secret),
    Post(Secret),
    Jwt { key: EncodingKey, algorithm: Algorithm, kid: Option<String> },
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Authenticator {
    /// Reads the key and tries it once, so that a bad one is known at the start.
    pub(crate) fn new(auth: &ClientAuth) -> Result<Self, &'static str> {
        let (pem, kid) = match auth {
            ClientAuth::SecretBasic(secret) => return Ok(Self::Basic(secret.clone())),
            ClientAuth::SecretPost(secret) => return Ok(Self::Post(secret.clone())),
            ClientAuth::PrivateKeyJwt { key_pem, kid } => (key_pem.expose().as_bytes(), kid.clone()),
        };
        let (key, algorithm) = if let Ok(key) = EncodingKey::from_ec_pem(pem) {
            (key, Algorithm::ES256)
        } else if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
            (key, Algorithm::PS256)
        } else {
            return Err("the private key is not a PEM file with an unencrypted P-256 (PKCS#8) or RSA key");
        };
        jsonwebtoken::crypto::sign(b"a trial", &key, algorithm).map_err(
            |_| "the private key does not sign: an EC key must be on P-256, an RSA key have 2048 bits",
        )?;
        Ok(Self::Jwt { key, algorithm, kid })
    }

    pub(crate) fn method(&self) -> ClientAuthMethod {
        match self {
            Self::Basic(_) => ClientAuthMethod::ClientSecretBasic,
            Self::Post(_) => ClientAuthMethod::ClientSecretPost,
            Self::Jwt { .. } => ClientAuthMethod::PrivateKeyJwt,
        }
    }

    /// Adds the proof to a form; the result is the `Authorization` header, if the method uses one.
    pub(crate) fn prove(
        &self,
        client_id: &str,
        issuer: &str,
        form: &mut Form,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Option<String>, BankErrorClass> {
        match self {
            Self::Basic(secret) => {
                let pair = format!("{}:{}", component(client_id), component(secret.expose()));
                return Ok(Some(format!("Basic {}", STANDARD.encode(pair))));
            }
            Self::Post(secret) => form.push(("client_secret", secret.expose().to_owned())),
            Self::Jwt { key, algorithm, kid } => {
                let mut header = Header::new(*algorithm);
                header.kid.clone_from(kid);
                let claims = Assertion {
                    iss: client_id,
                    sub: client_id,
                    aud: issuer,
                    jti: URL_SAFE_NO_PAD.encode(entropy.array::<16>()),
                    iat: now.as_second(),
                    exp: now.as_second().saturating_add(limits::ASSERTION_LIFE_SECS),
                };
                let assertion = jsonwebtoken::encode(&header, &claims, key)
                    .map_err(|_| BankErrorClass::OurRequest("the client assertion cannot be signed"))?;
                form.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
                form.push(("client_assertion", assertion));
            }
        }
        if !form.iter().any(|(name, _)| *name == "client_id") {
            form.push(("client_id", client_id.to_owned()));
        }
        Ok(None)
    }
}

/// `application/x-www-form-urlencoded` of one value, which HTTP Basic asks of both halves (RFC 6749 §2.3.1).
fn component(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
