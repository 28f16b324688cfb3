//! Provider profiles: what differs from bank to bank, as data. One TOML file each, built in.

use crate::error::ConfigError;
use amana_core::Cluster;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The profiles that are built in: name and text.
const BUILT_IN: &[(&str, &str)] = &[
    ("fdx", include_str!("../profiles/fdx.toml")),
    ("fdx-green", include_str!("../profiles/fdx-green.toml")),
    ("plaid-core-exchange", include_str!("../profiles/plaid-core-exchange.toml")),
];

/// What a provider needs that another does not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name; the same as the file's.
    pub name: String,
    /// What it is for, in a sentence.
    pub about: String,
    /// Whether anybody has seen it work.
    pub status: Status,
    /// The authorization server.
    pub oauth: OAuth,
    /// The data API.
    pub api: Api,
}

/// Whether anybody has seen a profile work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It follows the standard.
    Standard,
    /// Tried against the real thing or the provider's own example.
    Verified,
    /// From public papers only.
    Unverified,
}

/// Whether pushed authorization requests are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Par {
    /// Always; a server without it is not accepted.
    Required,
    /// If the server has it.
    Optional,
    /// Never.
    None,
}

/// Whether `authorization_details` are sent (RFC 9396, type `fdx_v1.0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rar {
    /// Always.
    On,
    /// If the server's metadata list the type.
    Auto,
    /// Never.
    Off,
}

/// The ways of client authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// HTTP Basic.
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
    /// A signed assertion.
    PrivateKeyJwt,
}

/// Which token the API takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The access token.
    AccessToken,
    /// The ID token.
    IdToken,
}

/// How rows are shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// FDX 4.6 to 5.3: each row in an object with one key.
    Wrapped,
    /// FDX 6: flat.
    Flat,
    /// Whatever each row is.
    Auto,
}

/// How the next page is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paging {
    /// `page.nextPageKey`, then `links.next`, then `page.nextOffset`.
    Auto,
    /// Only `page.nextPageKey`.
    PageKey,
    /// Only `links.next.href`, on the same origin.
    Link,
    /// Only `page.nextOffset`.
    Offset,
}

/// Which parameters bound a list in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateParams {
    /// `startDate` and `endDate`.
    Date,
    /// `startTime` and `endTime`.
    Time,
    /// All four.
    Both,
}

/// Whether the bank has the FDX consent API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentApi {
    /// `PUT /consents/{id}/revocation`.
    Fdx,
    /// None.
    None,
}

/// Whether the bank must give back the interaction id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InteractionEcho {
    /// An answer without it is logged as a deviation.
    Expected,
    /// Not looked at.
    Ignored,
}

/// Endpoints of a server without discovery. `{issuer}` stands for the institution's issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// `authorization_endpoint`.
    pub authorization: String,
    /// `token_endpoint`.
    pub token: String,
    /// `pushed_authorization_request_endpoint`.
    #[serde(default)]
    pub par: Option<String>,
    /// `revocation_endpoint`.
    #[serde(default)]
    pub revocation: Option<String>,
    /// `jwks_uri`.
    #[serde(default)]
    pub jwks: Option<String>,
    /// `authorization_response_iss_parameter_supported`.
    #[serde(default)]
    pub iss_parameter: bool,
}

/// The authorization server's switches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// Where things are, if the server has no metadata.
    #[serde(default)]
    pub endpoints: Option<Endpoints>,
    /// Pushed authorization requests.
    pub par: Par,
    /// Rich authorization requests.
    pub rar: Rar,
    /// The ways of client authentication that the provider takes.
    pub client_auth: Vec<ClientAuthMethod>,
    /// Whether a callback without `iss` is refused even if the server does not promise one (FAPI 2.0).
    pub iss_required: bool,
    /// Scopes besides those of the clusters.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The scope of each cluster, where it is not FDX's own.
    #[serde(default)]
    pub scopes_map: BTreeMap<Cluster, String>,
    /// Whether the clusters' scopes are asked for at all.
    #[serde(default = "yes")]
    pub cluster_scopes: bool,
    /// More parameters of the authorization request, such as `prompt`.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, String>,
    /// `resource` (RFC 8707), sent with every request for tokens.
    #[serde(default)]
    pub resource: Option<String>,
    /// `audience`, sent likewise.
    #[serde(default)]
    pub audience: Option<String>,
}

/// The data API's switches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The version of FDX, for the operator.
    pub fdx_version: String,
    /// How rows are shaped.
    pub shape: Shape,
    /// How the next page is found.
    pub paging: Paging,
    /// How a list is bounded in time.
    pub date_params: DateParams,
    /// Which token it takes.
    pub bearer: Bearer,
    /// Whether it has the consent API.
    pub consent_api: ConsentApi,
    /// Whether it gives back the interaction id.
    pub interaction_id_echo: InteractionEcho,
    /// How many rows are asked for in one page; 0 leaves it to the bank.
    #[serde(default)]
    pub page_rows: usize,
    /// The currency of an account that has none.
    #[serde(default)]
    pub default_currency: Option<String>,
    /// More headers of every call.
    #[serde(default)]
    pub extra_headers: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

impl Profile {
    /// The names of the profiles that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The profile of a name.
    ///
    /// # Errors
    /// When there is none; the error lists those that there are.
    pub fn built_in(institution: &str, name: &str) -> Result<Self, ConfigError> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            return Err(ConfigError::UnknownProfile {
                institution: institution.to_owned(),
                name: name.chars().take(64).collect(),
                known: Self::names().collect::<Vec<_>>().join(", "),
            });
        };
        Self::parse(name, text)
    }

    /// The profile of a TOML text, checked.
    ///
    /// # Errors
    /// When the text is not TOML, has unknown or missing keys, or contradicts itself.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let wrong = |what: String| ConfigError::Profile { name: name.to_owned(), what };
        let profile: Self = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if profile.name != name {
            return Err(wrong(format!("`name` is `{}`; it must be the profile's own", profile.name)));
        }
        if profile.oauth.client_auth.is_empty() {
            return Err(wrong("`oauth.client_auth` names no method; name at least one".to_owned()));
        }
        if profile.oauth.par == Par::Required
            && profile.oauth.endpoints.as_ref().is_some_and(|e| e.par.is_none())
        {
            return Err(wrong(
                "`oauth.par` is `required`, so `oauth.endpoints.par` must be given".to_owned(),
            ));
        }
        if let Some(code) = &profile.api.default_currency {
            amana_core::Currency::from_code(code)
                .map_err(|e| wrong(format!("`api.default_currency`: {e}")))?;
        }
        for (key, value) in &profile.api.extra_headers {
            if reqwest::header::HeaderName::from_bytes(key.as_bytes()).is_err()
                || reqwest::header::HeaderValue::from_str(value).is_err()
            {
                return Err(wrong(format!("`api.extra_headers`: `{key}` is not a header that can be sent")));
            }
        }
        const OURS: &[&str] =
            &["client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge"];
        if let Some(key) = profile.oauth.authorize_params.keys().find(|k| OURS.contains(&k.as_str())) {
            return Err(wrong(format!("`oauth.authorize_params`: `{key}` is set by the client itself")));
        }
        Ok(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_good_and_unknown_ones_are_named() {
        for name in Profile::names() {
            let profile = Profile::built_in("bank", name).expect("a good profile");
            assert_eq!(profile.name, name);
        }
        let e = Profile::built_in("bank", "chase9").expect_err("unknown").to_string();
        assert!(e.contains("`chase9`") && e.contains("plaid-core-exchange"), "{e}");
    }

    #[test]
    fn a_profile_that_contradicts_itself_is_refused() {
        let good = include_str!("../profiles/fdx.toml");
        let refused = |text: &str| Profile::parse("fdx", text).expect_err("refused").to_string();
        assert!(refused(&good.replace("par =", "parr =")).contains("parr"));
        assert!(refused(&good.replace("name = \"fdx\"", "name = \"other\"")).contains("`other`"));
        assert!(refused(&format!("{good}\ndefault_currency = \"XQQ\"")).contains("XQQ"));
        assert!(refused(&good.replace("{ prompt =", "{ state =")).contains("`state`"));
    }
}
