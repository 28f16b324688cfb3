//! The authorization server's metadata (RFC 8414, OpenID Connect Discovery 1.0), or the profile's endpoints.

use crate::error::BankErrorClass;
use crate::http::{Answer, Http};
use crate::limits;
use crate::profile::{OAuth, Par, Pkce};
use amana_core::Timestamp;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Mutex;
use url::Url;

/// What is used of a server's metadata.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: Url,
    pub(crate) token_endpoint: Url,
    #[serde(default)]
    pub(crate) pushed_authorization_request_endpoint: Option<Url>,
    #[serde(default)]
    pub(crate) require_pushed_authorization_requests: bool,
    #[serde(default)]
    pub(crate) revocation_endpoint: Option<Url>,
    #[serde(default)]
    pub(crate) jwks_uri: Option<Url>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub(crate) authorization_details_types_supported: Vec<String>,
    #[serde(default)]
    pub(crate) scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) dpop_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) tls_client_certificate_bound_access_tokens: bool,
    #[serde(default)]
    pub(crate) request_object_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) mtls_endpoint_aliases: Aliases,
}

/// Where a client shows its certificate, if it is somewhere else (RFC 8705 §5).
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Aliases {
    #[serde(default)]
    token_endpoint: Option<Url>,
    #[serde(default)]
    pushed_authorization_request_endpoint: Option<Url>,
    #[serde(default)]
    revocation_endpoint: Option<Url>,
}

impl Metadata {
    /// The metadata as they are for a client with a certificate. An alias of what the server does not have otherwise is
    /// none.
    fn for_certificate(mut self) -> Self {
        let aliases = std::mem::take(&mut self.mtls_endpoint_aliases);
        if let Some(url) = aliases.token_endpoint {
            self.token_endpoint = url;
        }
        for (own, alias) in [
            (&mut self.pushed_authorization_request_endpoint, aliases.pushed_authorization_request_endpoint),
            (&mut self.revocation_endpoint, aliases.revocation_endpoint),
        ] {
            if own.is_some() && alias.is_some() {
                *own = alias;
            }
        }
        self
    }
}

/// The metadata, read when needed and kept for a while.
#[derive(Default)]
pub(crate) struct Discovery(Mutex<Option<(Timestamp, Arc<Metadata>)>>);

impl Discovery {
    /// The metadata. One reader at a time asks the server; when it does not answer, what was read last stays good.
    pub(crate) async fn get(
        &self,
        http: &Http,
        issuer: &str,
        oauth: &OAuth,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, BankErrorClass> {
        let mut kept = self.0.lock().await;
        if let Some((read, metadata)) = kept.as_ref()
            && fresh(*read, now)
        {
            return Ok(Arc::clone(metadata));
        }
        let read = match &oauth.endpoints {
            Some(_) => from_profile(issuer, oauth),
            None => fetch(http, issuer).await,
        };
        let read = read.map(|read| if http.has_certificate() { read.for_certificate() } else { read });
        match (read.and_then(|metadata| accept(metadata, oauth)), kept.as_ref()) {
            (Ok(metadata), _) => {
                let metadata = Arc::new(metadata);
                *kept = Some((now, Arc::clone(&metadata)));
                Ok(metadata)
            }
            (Err(e), Some((_, old))) if e.is_transient() => {
                let old = Arc::clone(old);
                // Who waited here for the answer must not wait for another one that does not come.
                let spared = limits::METADATA_TTL.saturating_sub(limits::METADATA_AGAIN);
                *kept = Some((now.checked_sub(spared).unwrap_or(now), Arc::clone(&old)));
                Ok(old)
            }
            (Err(e), _) => Err(e),
        }
    }

    /// Forgets what was read.
    pub(crate) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

fn fresh(read: Timestamp, now: Timestamp) -> bool {
    // Who has waited for the reader came before it: a little less than nothing is no age.
    now.as_second().saturating_sub(read.as_second()).unsigned_abs() < limits::METADATA_TTL.as_secs()
}

/// What must hold of any server before anything is sent to it.
pub(crate) fn accept(metadata: Metadata, oauth: &OAuth) -> Result<Metadata, BankErrorClass> {
    let no_s256 = |methods: &Vec<String>| !methods.iter().any(|method| method == "S256");
    if oauth.pkce == Pkce::S256 && metadata.code_challenge_methods_supported.as_ref().is_some_and(no_s256) {
        return Err(BankErrorClass::Nonsense("the server's metadata do not offer PKCE with S256"));
    }
    if oauth.par == Par::Required && metadata.pushed_authorization_request_endpoint.is_none() {
        return Err(BankErrorClass::Nonsense(
            "the profile requires pushed authorization requests, but the metadata have no endpoint for them",
        ));
    }
    let tls = metadata.issuer.starts_with("https:");
    let endpoints = [Some(&metadata.authorization_endpoint), Some(&metadata.token_endpoint)];
    let more = [
        metadata.pushed_authorization_request_endpoint.as_ref(),
        metadata.revocation_endpoint.as_ref(),
        metadata.jwks_uri.as_ref(),
    ];
    // No step down from TLS, and nothing but web addresses: one of them is opened in the customer's browser.
    let good = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && !tls);
    if !endpoints.into_iter().chain(more).flatten().all(good) {
        return Err(BankErrorClass::Nonsense(
            "the server's metadata have an endpoint that is not an https url",
        ));
    }
    Ok(metadata)
}

fn from_profile(issuer: &str, oauth: &OAuth) -> Result<Metadata, BankErrorClass> {
    let at = |template: &str| {
        Url::parse(&template.replace("{issuer}", issuer.trim_end_matches('/')))
            .map_err(|_| BankErrorClass::OurRequest("an endpoint of the profile is not a url"))
    };
    let Some(endpoints) = &oauth.endpoints else {
        return Err(BankErrorClass::OurRequest("the profile has no endpoints"));
    };
    let optional = |template: &Option<String>| template.as_deref().map(at).transpose();
    Ok(Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: at(&endpoints.authorization)?,
        token_endpoint: at(&endpoints.token)?,
        pushed_authorization_request_endpoint: optional(&endpoints.par)?,
        require_pushed_authorization_requests: false,
        revocation_endpoint: optional(&endpoints.revocation)?,
        jwks_uri: optional(&endpoints.jwks)?,
        authorization_response_iss_parameter_supported: endpoints.iss_parameter,
        authorization_details_types_supported: Vec::new(),
        scopes_supported: None,
        code_challenge_methods_supported: None,
        token_endpoint_auth_methods_supported: None,
        dpop_signing_alg_values_supported: None,
        tls_client_certificate_bound_access_tokens: false,
        request_object_signing_alg_values_supported: None,
        mtls_endpoint_aliases: Aliases::default(),
    })
}

/// Where the metadata of an issuer may be, in the order of trying.
fn candidates(issuer: &str) -> Vec<Url> {
    let Ok(parsed) = Url::parse(issuer) else { return Vec::new() };
    let base = issuer.trim_end_matches('/');
    let path = parsed.path().trim_end_matches('/');
    let origin = parsed.origin().ascii_serialization();
    let mut out: Vec<Url> = Vec::new();
    for text in [
        // RFC 8414 §3.1: the well-known part goes between host and path.
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        // What many servers do instead.
        format!("{base}/.well-known/oauth-authorization-server"),
        // OpenID Connect Discovery 1.0 §4.
        format!("{base}/.well-known/openid-configuration"),
    ] {
        if let Ok(url) = Url::parse(&text)
            && !out.contains(&url)
        {
            out.push(url);
        }
    }
    out
}

async fn fetch(http: &Http, issuer: &str) -> Result<Metadata, BankErrorClass> {
    let mut found = BankErrorClass::Nonsense("the server has no metadata at any of the known places");
    for url in candidates(issuer) {
        let answer = http.send(http.get(url).header(reqwest::header::ACCEPT, "application/json")).await?;
        if answer.status.is_server_error() || answer.status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return Err(BankErrorClass::Retry("the server's metadata cannot be read now"));
        }
        // A place that is not there, or answers with a page, is not the place.
        let place = if answer.status.is_success() { read(&answer, issuer) } else { Place::Empty };
        match place {
            Place::Empty => {}
            Place::Foreign(class) => return Err(class),
            Place::Broken(class) => found = class,
            Place::Found(metadata) => return Ok(*metadata),
        }
    }
    Err(found)
}

/// What stands at a place where the metadata may be.
pub(crate) enum Place {
    /// No metadata.
    Empty,
    /// Somebody else's: looking further would be looking for a yes.
    Foreign(BankErrorClass),
    /// The issuer's, which cannot be used.
    Broken(BankErrorClass),
    /// The issuer's.
    Found(Box<Metadata>),
}

/// Reads what stands at a place. RFC 8414 §3.3: metadata that name another issuer are somebody else's.
pub(crate) fn read(answer: &Answer, issuer: &str) -> Place {
    let Some(value) = answer.json() else { return Place::Empty };
    let Some(claimed) = value.get("issuer").and_then(serde_json::Value::as_str) else { return Place::Empty };
    if claimed != issuer {
        return Place::Foreign(BankErrorClass::Nonsense("the server's metadata name another issuer"));
    }
    match serde_json::from_value::<Metadata>(value) {
        Ok(metadata) => Place::Found(Box::new(metadata)),
        Err(_) => Place::Broken(BankErrorClass::Nonsense(
            "the server's metadata lack an endpoint or hold one that is no url",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_an_issuer_with_and_without_a_path() {
        let places = |issuer| candidates(issuer).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            places("https://bank.example/cedar/"),
            [
                "https://bank.example/.well-known/oauth-authorization-server/cedar",
                "https://bank.example/cedar/.well-known/oauth-authorization-server",
                "https://bank.example/cedar/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            places("http://localhost:3001"),
            [
                "http://localhost:3001/.well-known/oauth-authorization-server",
                "http://localhost:3001/.well-known/openid-configuration",
            ]
        );
        assert!(places("not a url").is_empty());
    }
}
