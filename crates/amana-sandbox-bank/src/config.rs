//! What a caller hands to the sandbox bank: configuration, clock and randomness.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::front::{Front, FrontBearer, FrontPar, GrantId};
use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;

/// The time, as the caller tells it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A source of unpredictable bytes (tokens, codes, cookies, keys).
pub trait Entropy: Send + Sync {
    /// Fills all of `out`.
    fn fill(&self, out: &mut [u8]);
}

impl<F: Fn(&mut [u8]) + Send + Sync> Entropy for F {
    fn fill(&self, out: &mut [u8]) {
        self(out);
    }
}

/// How a client proves who it is at the PAR, token and revocation endpoints.
#[derive(Clone)]
pub enum ClientAuth {
    /// `client_secret_basic` (RFC 6749 §2.3.1).
    SecretBasic(String),
    /// `client_secret_post` (RFC 6749 §2.3.1).
    SecretPost(String),
    /// `private_key_jwt` (RFC 7523, OpenID Connect Core §9), ES256 or PS256; `aud` must be the issuer.
    PrivateKeyJwt(JwkSet),
    /// `tls_client_auth` (RFC 8705 §2.1): a certificate of a known authority with this DNS name
    /// (`tls_client_auth_san_dns`).
    Tls(String),
}

impl ClientAuth {
    /// The registered `token_endpoint_auth_method`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::Tls(_) => "tls_client_auth",
        }
    }
}

impl std::fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.method())
    }
}

/// One application that may ask this bank's customers for data.
#[derive(Clone, Debug)]
pub struct ClientRegistration {
    /// The `client_id`; known at every institution of the process.
    pub client_id: String,
    /// Name shown on the consent page.
    pub name: String,
    /// Name shown on the Arabic consent page.
    pub name_ar: String,
    /// How it authenticates.
    pub auth: ClientAuth,
    /// Redirect URIs, compared exactly (RFC 9700 §2.1).
    pub redirect_uris: Vec<String>,
    /// What its tokens are bound to.
    pub sender: SenderConstraint,
    /// Its authorization requests must be signed (RFC 9101); the keys are those of [`ClientAuth::PrivateKeyJwt`].
    pub signed_requests: bool,
}

/// What a client's tokens are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SenderConstraint {
    /// Nothing, or a key if the client sends a DPoP proof of its own accord.
    #[default]
    None,
    /// A key (RFC 9449); a request without a proof is refused.
    Dpop,
    /// The client's certificate (RFC 8705); a request without one is refused.
    Mtls,
}

/// The security profile (FDX Security Model v5.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Security {
    /// FAPI 2.0: pushed requests only, clients with keys or certificates only, sender-constrained tokens only, refresh
    /// tokens that stay.
    #[default]
    Blue,
    /// OAuth 2.0 (RFC 9700): what [`BankConfig`] and each client say.
    Green,
}

/// The address for clients with certificates.
#[derive(Clone)]
pub struct MutualTls {
    /// Where the outside world sees it, like [`BankConfig::public_base_url`]; announced as `mtls_endpoint_aliases`.
    pub base_url: String,
    /// The bank's certificate chain, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM.
    pub key_pem: String,
    /// The authorities whose client certificates are taken, PEM.
    pub client_authorities_pem: String,
}

impl std::fmt::Debug for MutualTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MutualTls").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// How events travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EventMode {
    /// One event per request, `application/cloudevents+json`.
    #[default]
    Single,
    /// All waiting events in one request, `application/cloudevents-batch+json`.
    Batched,
}

/// Where an institution pushes its events.
#[derive(Clone)]
pub struct EventTarget {
    /// Address that takes the POST.
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub token: String,
    /// Only accounts under an active consent given to this client are told about.
    pub client_id: String,
    /// Single or batched.
    pub mode: EventMode,
}

impl std::fmt::Debug for EventTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventTarget")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// Configuration of one process with one or more institutions.
#[derive(Clone, Debug)]
pub struct BankConfig {
    /// Address at which the outside world sees the listener, without a path and without a trailing slash
    /// (`http://127.0.0.1:7001`). Issuers are `{public_base_url}/{institution}`.
    pub public_base_url: String,
    /// Directory for the state file; made if absent.
    pub data_dir: PathBuf,
    /// Institutions to run, from [`crate::brand::all`]; empty = all of them.
    pub institutions: Vec<String>,
    /// Registered applications.
    pub clients: Vec<ClientRegistration>,
    /// Event targets by institution. An institution without one pushes nothing.
    pub event_targets: BTreeMap<String, EventTarget>,
    /// Seed of the made-up customers and their history.
    pub seed: u64,
    /// Life goes on while the bank runs, so many times faster than it would; absent = only what somebody does at the
    /// till.
    pub speed_up: Option<u32>,
    /// The security profile. Blue overrides [`Self::require_par`] and [`Self::rotate_refresh_tokens`].
    pub security: Security,
    /// DPoP proofs must carry a nonce of the bank's (RFC 9449 §8 and §9).
    pub dpop_nonces: bool,
    /// The address for clients with certificates, if there is one.
    pub mutual_tls: Option<MutualTls>,
    /// Refuse authorization requests that were not pushed first (RFC 9126 §5).
    pub require_par: bool,
    /// Issue a new refresh token with each refresh; the old one stops working, and using it again ends the
    /// consent's tokens (RFC 9700 §4.14).
    pub rotate_refresh_tokens: bool,
    /// How a known provider's gateway makes the bank look; its switches come before those above.
    pub front: Option<Front>,
}

impl BankConfig {
    /// A configuration with all institutions, no clients and no event targets.
    #[must_use]
    pub fn new(public_base_url: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            public_base_url: public_base_url.into(),
            data_dir: data_dir.into(),
            institutions: Vec::new(),
            clients: Vec::new(),
            event_targets: BTreeMap::new(),
            seed: 1,
            speed_up: None,
            security: Security::Blue,
            dpop_nonces: true,
            mutual_tls: None,
            require_par: false,
            rotate_refresh_tokens: false,
            front: None,
        }
    }

    pub(crate) fn is_blue(&self) -> bool {
        self.security == Security::Blue
    }

    pub(crate) fn pushed_only(&self) -> bool {
        self.is_blue()
            || self.require_par
            || self.front.as_ref().is_some_and(|front| front.oauth.par == FrontPar::Required)
    }

    /// FAPI 2.0 §5.3.2.1 item 9: no rotation.
    pub(crate) fn rotates(&self) -> bool {
        let rotates = self.front.as_ref().map_or(self.rotate_refresh_tokens, |front| front.oauth.rotate);
        !self.is_blue() && rotates
    }

    /// How long a code lives, in seconds.
    pub(crate) fn code_secs(&self) -> i64 {
        let front = self.front.as_ref().and_then(|front| front.oauth.code_secs);
        front.unwrap_or(crate::limits::CODE_LIFE_SECS)
    }

    /// How long a refresh token lives, in seconds; `None`: as long as its consent.
    pub(crate) fn refresh_secs(&self) -> Option<i64> {
        self.front.as_ref().and_then(|front| front.oauth.refresh_secs)
    }

    /// How long an access token lives, in seconds.
    pub(crate) fn access_secs(&self) -> i64 {
        let front = self.front.as_ref().and_then(|front| front.oauth.access_secs);
        front.unwrap_or(crate::limits::ACCESS_TOKEN_LIFE_SECS)
    }

    /// The API takes the ID token, and the access token opens nothing.
    pub(crate) fn id_token_opens(&self) -> bool {
        self.front.as_ref().is_some_and(|front| front.api.bearer == FrontBearer::IdToken)
    }

    /// Access tokens are JWTs with the consent's id.
    pub(crate) fn claims_consent(&self) -> bool {
        self.front.as_ref().is_some_and(|front| front.oauth.grant_id == GrantId::Claim)
    }
}
