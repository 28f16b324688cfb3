//! How an institution is configured.

use crate::limits;
use crate::profile::{Profile, Sender};
use amana_core::{InstitutionId, Secret};
use std::time::Duration;
use url::Url;

/// How the client proves itself to the authorization server.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// `client_secret_basic` (RFC 6749 §2.3.1).
    SecretBasic(Secret),
    /// `client_secret_post` (RFC 6749 §2.3.1).
    SecretPost(Secret),
    /// `private_key_jwt` (RFC 7523; FAPI 2.0: the audience is the issuer), with [`InstitutionConfig::signing_key`].
    PrivateKeyJwt,
    /// `tls_client_auth` or `self_signed_tls_client_auth` (RFC 8705 §2), with [`Tls::certificate`].
    Tls,
}

/// The client's private key.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// PEM: P-256 (PKCS#8) signs ES256, RSA (PKCS#8 or PKCS#1) signs PS256.
    pub pem: Secret,
    /// Its id in the client's published JWKS.
    pub kid: Option<String>,
}

/// The certificate that the client shows wherever a server asks for one.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate and what leads to its authority, PEM.
    pub chain_pem: String,
    /// Its private key, PEM.
    pub key_pem: Secret,
}

/// What is special about TLS to one institution.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Our certificate, for mutual TLS (RFC 8705).
    pub certificate: Option<ClientCertificate>,
    /// Authorities that are trusted for this institution beside the operating system's, PEM.
    pub authorities_pem: Option<String>,
}

/// One institution.
#[derive(Debug, Clone)]
pub struct InstitutionConfig {
    /// Its id in the configuration.
    pub id: InstitutionId,
    /// The name that customers know.
    pub name: String,
    /// How it differs from the standard.
    pub profile: Profile,
    /// The authorization server's issuer identifier, exactly as its metadata say it. It stays a text: a URL type
    /// would add a slash, and issuers are compared byte by byte (RFC 8414 §3.3).
    pub issuer: String,
    /// The base of the FDX API, such as `https://api.fi.com/fdx/v6`.
    pub api_url: Url,
    /// Which bank it is below an aggregator's base, where the profile's paths name one.
    pub provider_id: Option<String>,
    /// Our id there.
    pub client_id: String,
    /// How we prove that it is us.
    pub client_auth: ClientAuth,
    /// Our private key, for [`ClientAuth::PrivateKeyJwt`] and for signed requests.
    pub signing_key: Option<SigningKey>,
    /// What our tokens are bound to, among the profile's; its first if it is not said.
    pub sender: Option<Sender>,
    /// What is special about TLS to it.
    pub tls: Tls,
}

/// How HTTP is done.
#[derive(Debug, Clone, Copy)]
pub struct HttpClientOptions {
    /// Whether a bank may be on a loopback or private address, and be spoken to without TLS there. For sandboxes.
    pub allow_private_addresses: bool,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long one call may take in all.
    pub call_timeout: Duration,
    /// How long all pages of one list together may take.
    pub list_timeout: Duration,
    /// The largest body that is read, in bytes.
    pub body_bytes_max: usize,
}

impl Default for HttpClientOptions {
    fn default() -> Self {
        Self {
            allow_private_addresses: false,
            connect_timeout: limits::CONNECT_TIMEOUT,
            call_timeout: limits::CALL_TIMEOUT,
            list_timeout: limits::LIST_TIMEOUT,
            body_bytes_max: limits::BODY_BYTES_MAX,
        }
    }
}
