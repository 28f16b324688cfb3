//! Provider profiles: what differs from bank to bank, as data. One TOML file each, built in.

mod api;

pub use api::{
    Api, Bearer, Budget, ConsentApi, ConsentToken, DateParams, FdxVersion, History, InteractionEcho,
    Notifications, Paging, Paths, Shape,
};

use crate::error::ConfigError;
use amana_core::{Aggregator, Cluster, Form};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The profiles that are built in: name and text.
const BUILT_IN: &[(&str, &str)] = &[
    ("fdx", include_str!("../profiles/fdx.toml")),
    ("fdx-blue", include_str!("../profiles/fdx-blue.toml")),
    ("fdx-green", include_str!("../profiles/fdx-green.toml")),
    ("akoya", include_str!("../profiles/akoya.toml")),
    ("chase", include_str!("../profiles/chase.toml")),
    ("citi", include_str!("../profiles/citi.toml")),
    ("plaid-core-exchange", include_str!("../profiles/plaid-core-exchange.toml")),
    ("us-bank", include_str!("../profiles/us-bank.toml")),
    ("wells-fargo", include_str!("../profiles/wells-fargo.toml")),
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
    /// The keys whose values are guesses (`api.paging`): neither published by the provider nor seen. The doctor says
    /// them.
    #[serde(default)]
    pub guesses: Vec<String>,
    /// The most open form that the configuration may say the bank agrees to have carried to a chat. A bank that
    /// declines the details of transactions has `notice` here: notices, and sealed pages for what they leave out.
    #[serde(default)]
    pub agreement: Option<Form>,
    /// The data aggregator that stands between the bank and us, if one does. The customer is told of it
    /// (12 CFR 1033.431).
    #[serde(default)]
    pub aggregator: Option<Aggregator>,
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

/// Whether a code is bound to who asked for it by RFC 7636.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Pkce {
    /// By the hash of a secret of each request.
    #[default]
    S256,
    /// It is not, at a server that refuses parameters that it does not know: then the ID token's `nonce` has to do it
    /// (RFC 9700 §2.1.1), and no code is redeemed without one.
    #[serde(rename = "none")]
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
    /// The client's TLS certificate, of an authority or (`self_signed_tls_client_auth`) of its own.
    TlsClientAuth,
}

impl ClientAuthMethod {
    /// Whether it is a shared secret.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

/// How a grant is taken back at the bank, besides its consent API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationBy {
    /// By the server's revocation endpoint (RFC 7009), if it has one.
    #[default]
    Endpoint,
    /// By the customer alone, on the bank's own pages: an application cannot. What was given to us is destroyed, and
    /// the customer is told where to go.
    Portal,
}

/// What access tokens are bound to, so that a stolen one is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// Nothing: bearer tokens.
    None,
    /// A key of each connection (RFC 9449).
    Dpop,
    /// The client's certificate (RFC 8705 §3).
    Mtls,
}

impl std::str::FromStr for Sender {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "none" => Ok(Self::None),
            "dpop" => Ok(Self::Dpop),
            "mtls" => Ok(Self::Mtls),
            _ => Err(()),
        }
    }
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
    /// Proof keys for codes.
    #[serde(default)]
    pub pkce: Pkce,
    /// Rich authorization requests.
    pub rar: Rar,
    /// The ways of client authentication that the provider takes.
    pub client_auth: Vec<ClientAuthMethod>,
    /// What tokens may be bound to; the first unless the institution's configuration names another.
    #[serde(default = "bearer")]
    pub senders: Vec<Sender>,
    /// Whether authorization requests are signed (RFC 9101), pushed or not.
    #[serde(default)]
    pub signed_requests: bool,
    /// Under which names a token answer may give the id of the grant, the first that is there.
    #[serde(default = "grant_ids")]
    pub grant_ids: Vec<String>,
    /// With which algorithms the provider may sign ID tokens, and access tokens that are read. FAPI 2.0 §5.4.1 allows
    /// PS256, ES256 and EdDSA with Ed25519; RS256 is OpenID Connect's default elsewhere.
    #[serde(default = "token_algorithms")]
    pub token_algorithms: Vec<TokenAlgorithm>,
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
    /// Whether the server keeps one grant for a person and an application, so that revoking the tokens of one link ends
    /// the others', too. Then a link's tokens are taken back only when no other one lives on the grant.
    #[serde(default)]
    pub one_grant_per_person: bool,
    /// How many days after it was given a refresh token ends, where that is before the grant does. No consent is for
    /// longer; the customer is reminded and asked to renew.
    #[serde(default)]
    pub refresh_days: Option<u32>,
    /// Whether each refresh begins the refresh token's life anew. Then the life that a token answer says
    /// (`refresh_token_expires_in`) is not the grant's, and bounds no consent.
    #[serde(default)]
    pub refresh_renews: bool,
    /// How a grant is taken back.
    #[serde(default)]
    pub revocation: RevocationBy,
}

fn yes() -> bool {
    true
}

fn bearer() -> Vec<Sender> {
    vec![Sender::None]
}

/// An algorithm of a signature with the provider's key. One with a shared secret cannot be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TokenAlgorithm {
    /// ECDSA on P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PSS.
    #[serde(rename = "PS256")]
    Ps256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PKCS1-v1_5.
    #[serde(rename = "RS256")]
    Rs256,
}

/// Those of OpenID Connect that need no shared secret.
pub(crate) fn token_algorithms() -> Vec<TokenAlgorithm> {
    vec![TokenAlgorithm::Es256, TokenAlgorithm::Ps256, TokenAlgorithm::EdDsa, TokenAlgorithm::Rs256]
}

/// FDX's own, and what others call it.
fn grant_ids() -> Vec<String> {
    ["grant_id", "fdxConsentId"].map(str::to_owned).into()
}

impl OAuth {
    /// What tokens are bound to unless something else is asked for.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.senders.first().copied().unwrap_or(Sender::None)
    }

    fn check(&self) -> Result<(), String> {
        if self.client_auth.is_empty() {
            return Err("`oauth.client_auth` names no method; name at least one".to_owned());
        }
        if self.senders.is_empty() {
            return Err("`oauth.senders` is empty; `none` stands for bearer tokens".to_owned());
        }
        if self.grant_ids.iter().any(String::is_empty) {
            return Err("`oauth.grant_ids` has an empty name".to_owned());
        }
        if self.token_algorithms.is_empty() {
            return Err("`oauth.token_algorithms` is empty; name at least one, such as `ES256`".to_owned());
        }
        if self.par == Par::Required && self.endpoints.as_ref().is_some_and(|e| e.par.is_none()) {
            return Err("`oauth.par` is `required`, so `oauth.endpoints.par` must be given".to_owned());
        }
        if self.pkce == Pkce::None && (self.iss_required || !self.senders.contains(&Sender::None)) {
            return Err(
                "`oauth.pkce` is `none`, which FAPI 2.0 does not know: not with `iss_required`, nor where tokens are always bound"
                    .to_owned(),
            );
        }
        if self.pkce == Pkce::None && !self.scopes.iter().any(|scope| scope == crate::oauth::OPENID) {
            return Err(
                "`oauth.pkce` is `none`, so `oauth.scopes` needs `openid`: the id token's `nonce` stands in for it"
                    .to_owned(),
            );
        }
        if self.refresh_days == Some(0) {
            return Err(
                "`oauth.refresh_days` is 0; a refresh token lives a day at least, or leave it out".to_owned()
            );
        }
        if self.refresh_days.is_some() && self.refresh_renews {
            return Err(
                "`oauth.refresh_days` and `oauth.refresh_renews`: a life that begins anew with each refresh has no end"
                    .to_owned(),
            );
        }
        let endpoint = self.endpoints.as_ref().is_some_and(|e| e.revocation.is_some());
        if self.revocation == RevocationBy::Portal && endpoint {
            return Err(
                "`oauth.revocation` is `portal`, so `oauth.endpoints.revocation` is never called".to_owned()
            );
        }
        const OURS: &[&str] = &[
            "client_id",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "dpop_jkt",
            "request",
            "request_uri",
            "client_secret",
            "client_assertion",
            "client_assertion_type",
            "iss",
            "aud",
            "ui_locales",
        ];
        // A parameter that came twice would have the whole request refused (RFC 6749 §3.1).
        let set = |key: &str| match key {
            "authorization_details" => self.rar != Rar::Off,
            "resource" => self.resource.is_some(),
            "audience" => self.audience.is_some(),
            key => OURS.contains(&key),
        };
        if let Some(key) = self.authorize_params.keys().find(|key| set(key)) {
            return Err(format!("`oauth.authorize_params`: `{key}` is set by the client itself"));
        }
        Ok(())
    }
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
        profile.oauth.check().map_err(wrong)?;
        profile.api.check().map_err(wrong)?;
        let keys: toml::Table = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if let Some(guess) = profile.guesses.iter().find(|guess| !has(&keys, guess)) {
            return Err(wrong(format!("`guesses` names `{guess}`, which the profile does not have")));
        }
        if profile.oauth.revocation == RevocationBy::Portal && profile.api.consent_api == ConsentApi::Fdx {
            return Err(wrong("`oauth.revocation` is `portal`, but `api.consent_api` can revoke".to_owned()));
        }
        let unnamed = |name: &str| {
            name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control)
        };
        if profile.aggregator.as_ref().is_some_and(|it| unnamed(&it.name) || unnamed(&it.name_ar)) {
            return Err(wrong(
                "`aggregator` needs `name` and `name_ar`, of 100 characters at most".to_owned(),
            ));
        }
        if profile.api.bearer == Bearer::IdToken && profile.oauth.senders.contains(&Sender::Dpop) {
            return Err(wrong(
                "`api.bearer` is `id_token`, which no proof can be bound to: take `dpop` from `oauth.senders`"
                    .to_owned(),
            ));
        }
        Ok(profile)
    }
}

/// Whether a text of TOML has the value of a dotted key.
fn has(table: &toml::Table, key: &str) -> bool {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    match (table.get(first), rest) {
        (Some(toml::Value::Table(inner)), Some(rest)) => has(inner, rest),
        (found, rest) => found.is_some() && rest.is_none(),
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
        let all = ["akoya", "chase", "citi", "plaid-core-exchange", "us-bank", "wells-fargo"];
        for name in all {
            let profile = Profile::built_in("bank", name).expect("a good profile");
            assert_eq!(
                profile.status,
                Status::Unverified,
                "{name}: nobody has tried it against the live one"
            );
        }
        assert_eq!(Profile::built_in("bank", "chase").expect("good").agreement, Some(Form::Notice));
        // What no bank has published is said to be a guess, wherever a profile needs it.
        for name in ["chase", "citi", "us-bank", "wells-fargo"] {
            let guesses = Profile::built_in("bank", name).expect("good").guesses;
            assert!(guesses.iter().any(|guess| guess == "api.paging"), "{name}: {guesses:?}");
        }
    }

    #[test]
    fn history_begins_where_the_bank_says() {
        let now = "2026-11-24T12:00:00Z".parse().expect("an instant");
        let begins = |history: History| history.begins(now).map(|at| at.to_string());
        assert_eq!(begins(History::Open), None);
        assert_eq!(begins(History::Days(360)).as_deref(), Some("2025-11-30T00:00:00Z"));
        assert_eq!(begins(History::LastCalendarYear).as_deref(), Some("2025-01-01T00:00:00Z"));
    }

    #[test]
    fn a_profile_that_contradicts_itself_is_refused() {
        let good = include_str!("../profiles/fdx.toml");
        let refused = |text: &str| Profile::parse("fdx", text).expect_err("refused").to_string();
        assert!(refused(&good.replace("par =", "parr =")).contains("parr"));
        assert!(refused(&good.replace("name = \"fdx\"", "name = \"other\"")).contains("`other`"));
        assert!(refused(&format!("{good}\ndefault_currency = \"XQQ\"")).contains("XQQ"));
        assert!(refused(&good.replace("{ prompt =", "{ state =")).contains("`state`"));
        let senders = "senders = [\"none\", \"dpop\", \"mtls\"]";
        assert!(refused(&good.replace(senders, "senders = []")).contains("`oauth.senders`"));
        assert!(refused(&good.replace(senders, "senders = [\"tls\"]")).contains("tls"));
        assert!(
            refused(&good.replace("signed_requests = false", "signed_requests = \"no\"")).contains("boolean")
        );
        assert!(refused(&good.replace("[\"grant_id\",", "[\"\",")).contains("`oauth.grant_ids`"));
        let with =
            |algorithms| good.replace("[oauth]\n", &format!("[oauth]\ntoken_algorithms = {algorithms}\n"));
        assert!(refused(&with("[]")).contains("`oauth.token_algorithms`"));
        assert!(refused(&with("[\"HS256\"]")).contains("HS256"));
        let id_token = good.replace("bearer = \"access_token\"", "bearer = \"id_token\"");
        assert!(refused(&id_token).contains("`oauth.senders`"));
        for key in ["dpop_jkt", "ui_locales", "authorization_details"] {
            let twice = good.replace("{ prompt =", &format!("{{ {key} ="));
            assert!(refused(&twice).contains(&format!("`{key}`")), "{key}");
        }
        let resource = good.replace("[oauth]\n", "[oauth]\nresource = \"https://api.example\"\n");
        assert!(refused(&resource.replace("{ prompt =", "{ resource =")).contains("`resource`"));
        let once = good.replace("{ prompt =", "{ authorization_details =");
        assert!(
            Profile::parse("fdx", &once.replace("rar = \"auto\"", "rar = \"off\"")).is_ok(),
            "in the client's place"
        );
        let with = |text: &str| refused(&format!("{good}\n[api.paths]\n{text}"));
        assert!(with("transactions = \"accounts/transactions\"").contains("must have one `{account}`"));
        assert!(with("accounts = \"x/{account}\"").contains("must not have `{account}`"));
        assert!(with("accounts = \"x/{bank}\"").contains("`{bank}` is no placeholder"));
        assert!(with("account = \"a{account}\"").contains("each a whole segment"));
        assert!(refused(&format!("guesses = [\"api.pagin\"]\n{good}")).contains("`api.pagin`"));
        let oauth = |line: &str| refused(&good.replace("[oauth]\n", &format!("[oauth]\n{line}\n")));
        assert!(oauth("refresh_days = 0").contains("`oauth.refresh_days`"));
        let without = good.replace("pkce = \"S256\"", "pkce = \"none\"");
        assert!(Profile::parse("fdx", &without).is_ok_and(|profile| profile.oauth.pkce == Pkce::None));
        assert!(
            refused(&without.replace("iss_required = false", "iss_required = true")).contains("FAPI 2.0")
        );
        assert!(refused(&without.replace(senders, "senders = [\"dpop\", \"mtls\"]")).contains("FAPI 2.0"));
        assert!(refused(&without.replace("[\"openid\", ", "[")).contains("`openid`"));
        assert!(refused(&good.replace("\"S256\"", "\"plain\"")).contains("plain"));
        let renews = good.replace("refresh_renews = false", "refresh_renews = true\nrefresh_days = 30");
        assert!(refused(&renews).contains("`oauth.refresh_renews`"));
        let nameless = format!("{good}\n[aggregator]\nname = \"Net\"\nname_ar = \" \"");
        assert!(refused(&nameless).contains("`aggregator`"));
        let portal = good.replace("revocation = \"endpoint\"", "revocation = \"portal\"");
        assert!(refused(&portal).contains("`api.consent_api`"));
        let version = |version: &str| refused(&good.replace("\"6.4\"", version));
        assert!(version("\"6.9\"").contains("6.9") && version("\"5.x\"").contains("unknown"));
        let flat = good.replace("shape = \"auto\"", "shape = \"flat\"").replace("\"6.4\"", "\"5.3\"");
        assert!(refused(&flat).contains("`api.shape`"));
        let budget = good.replace("calls = 0, batch_calls = 200", "calls = 10, batch_calls = 11");
        assert!(refused(&budget).contains("batch_calls"));
        assert!(refused(&good.replace("\"open\"", "{ days = 0 }")).contains("0 days"));
    }
}
