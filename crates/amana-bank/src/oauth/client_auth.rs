//! How the client proves itself: RFC 6749 §2.3.1, RFC 7523 with FAPI 2.0's rule that the audience is the issuer, RFC
//! 8705 §2; and how it signs its requests (RFC 9101).

use crate::config::{ClientAuth, SigningKey};
use crate::error::BankErrorClass;
use crate::limits;
use crate::profile::ClientAuthMethod;
use amana_core::{Entropy, Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Map, Value, json};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A form that is being filled.
pub(crate) type Form = Vec<(&'static str, String)>;

/// A way of authentication, ready to use.
pub(crate) enum Authenticator {
    Basic(Secret),
    Post(Secret),
    Jwt,
    /// The certificate of the connection says it all.
    Tls,
}

/// The client's private key, ready to use.
pub(crate) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    kid: Option<String>,
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

impl Signer {
    /// Reads the key and tries it once, so that a bad one is known at the start.
    pub(crate) fn new(key: &SigningKey) -> Result<Self, &'static str> {
        let (pem, kid) = (key.pem.expose().as_bytes(), key.kid.clone());
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
        Ok(Self { key, algorithm, kid })
    }

    /// The algorithm as metadata name it.
    pub(crate) fn algorithm(&self) -> &'static str {
        if self.algorithm == Algorithm::ES256 { "ES256" } else { "PS256" }
    }

    fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, BankErrorClass> {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid.clone_from(&self.kid);
        jsonwebtoken::encode(&header, claims, &self.key)
            .map_err(|_| BankErrorClass::OurRequest("the client's private key does not sign"))
    }

    /// A signed request object (RFC 9101 §4; FAPI 2.0 Message Signing §5.3.1: `nbf`, `exp`, and the issuer as
    /// audience).
    pub(crate) fn request_object<'a>(
        &self,
        client_id: &str,
        issuer: &str,
        params: impl Iterator<Item = (&'a str, &'a str)>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String, BankErrorClass> {
        let second = now.as_second();
        let mut claims = Map::new();
        for (name, value) in params {
            // RFC 9396 §3: here it is an array and not the text of one.
            let array = (name == "authorization_details").then(|| serde_json::from_str(value).ok()).flatten();
            claims.insert(name.to_owned(), array.unwrap_or_else(|| Value::from(value)));
        }
        let of_the_jwt = [
            ("iss", json!(client_id)),
            ("aud", json!(issuer)),
            ("iat", json!(second)),
            ("nbf", json!(second)),
            ("exp", json!(second.saturating_add(limits::REQUEST_OBJECT_LIFE_SECS))),
            ("jti", json!(URL_SAFE_NO_PAD.encode(entropy.array::<16>()))),
        ];
        claims.extend(of_the_jwt.map(|(name, value)| (name.to_owned(), value)));
        self.sign("oauth-authz-req+jwt", &claims)
    }
}

impl Authenticator {
    pub(crate) fn new(auth: &ClientAuth) -> Self {
        match auth {
            ClientAuth::SecretBasic(secret) => Self::Basic(secret.clone()),
            ClientAuth::SecretPost(secret) => Self::Post(secret.clone()),
            ClientAuth::PrivateKeyJwt => Self::Jwt,
            ClientAuth::Tls => Self::Tls,
        }
    }

    pub(crate) fn method(&self) -> ClientAuthMethod {
        match self {
            Self::Basic(_) => ClientAuthMethod::ClientSecretBasic,
            Self::Post(_) => ClientAuthMethod::ClientSecretPost,
            Self::Jwt => ClientAuthMethod::PrivateKeyJwt,
            Self::Tls => ClientAuthMethod::TlsClientAuth,
        }
    }

    /// Adds the proof to a form; the result is the `Authorization` header, if the method uses one.
    pub(crate) fn prove(
        &self,
        client_id: &str,
        issuer: &str,
        signer: Option<&Signer>,
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
            Self::Jwt => {
                let claims = Assertion {
                    iss: client_id,
                    sub: client_id,
                    aud: issuer,
                    jti: URL_SAFE_NO_PAD.encode(entropy.array::<16>()),
                    iat: now.as_second(),
                    exp: now.as_second().saturating_add(limits::ASSERTION_LIFE_SECS),
                };
                let signer = signer.ok_or(BankErrorClass::OurRequest("there is no private key"))?;
                form.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
                form.push(("client_assertion", signer.sign("JWT", &claims)?));
            }
            Self::Tls => {}
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
