//! Fronts: how the gateways of known providers make the same bank look. Data, one TOML file each, built in. What of
//! them is public and what is made up stands in each file; none was compared with the live one.

mod facade;
mod rows;

pub(crate) use facade::wrap;

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;

use crate::error::Error;

const BUILT_IN: [(&str, &str); 8] = [
    ("akoya", include_str!("../fronts/akoya.toml")),
    ("chase", include_str!("../fronts/chase.toml")),
    ("citi", include_str!("../fronts/citi.toml")),
    ("fdx-blue", include_str!("../fronts/fdx-blue.toml")),
    ("fdx-green", include_str!("../fronts/fdx-green.toml")),
    ("plaid-core-exchange", include_str!("../fronts/plaid-core-exchange.toml")),
    ("us-bank", include_str!("../fronts/us-bank.toml")),
    ("wells-fargo", include_str!("../fronts/wells-fargo.toml")),
];

/// How a provider makes the bank look.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// Its name; the same as the file's.
    pub name: String,
    /// The authorization server.
    pub oauth: FrontOAuth,
    /// The data API.
    pub api: FrontApi,
}

/// Whether requests are pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontPar {
    /// Only pushed requests are taken.
    Required,
    /// Both.
    Optional,
    /// There is no such endpoint.
    None,
}

/// Where the id of a consent is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum GrantId {
    /// `grant_id` of the token answer.
    #[serde(rename = "grant_id")]
    GrantId,
    /// `fdxConsentId` of the token answer.
    #[serde(rename = "fdxConsentId")]
    FdxConsentId,
    /// The claim `fdxConsentId` of a JWT access token.
    #[serde(rename = "claim")]
    Claim,
    /// Nowhere.
    #[serde(rename = "none")]
    None,
}

/// Which tokens can be revoked (RFC 7009).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revokes {
    /// Each.
    #[default]
    Any,
    /// Refresh tokens; for others it answers `unsupported_token_type`.
    RefreshToken,
    /// None: there is no such endpoint.
    None,
}

/// The authorization server's looks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontOAuth {
    /// Whether there are metadata (RFC 8414).
    #[serde(default = "yes")]
    pub metadata: bool,
    /// Where an endpoint is, if not at its own name.
    #[serde(default)]
    pub endpoints: BTreeMap<String, String>,
    /// The ways of client authentication that are taken.
    pub client_auth: Vec<String>,
    /// Pushed requests.
    pub par: FrontPar,
    /// Whether PKCE is known; otherwise its parameters are refused.
    #[serde(default = "yes")]
    pub pkce: bool,
    /// Whether `authorization_details` are read; otherwise they are passed over.
    pub rar: bool,
    /// Whether a callback names the issuer (RFC 9207).
    pub iss: bool,
    /// The one scope that stands for all data, in place of FDX's.
    #[serde(default)]
    pub data_scope: Option<String>,
    /// Whether there is a refresh token without `offline_access`.
    #[serde(default)]
    pub refresh_always: bool,
    /// Whether there is one only after `prompt=consent`.
    #[serde(default)]
    pub refresh_needs_prompt: bool,
    /// `resource` (RFC 8707) that each request for tokens must name.
    #[serde(default)]
    pub resource: Option<String>,
    /// Whether refreshing gives a new refresh token.
    #[serde(default)]
    pub rotate: bool,
    /// How long a code lives, in seconds, if not as long as the bank's own.
    #[serde(default)]
    pub code_secs: Option<i64>,
    /// How long a refresh token lives, in seconds, if not as long as its consent.
    #[serde(default)]
    pub refresh_secs: Option<i64>,
    /// How long an access token lives, in seconds, if not as long as the bank's own.
    #[serde(default)]
    pub access_secs: Option<i64>,
    /// How long the answer says that it lives.
    #[serde(default)]
    pub says_secs: Option<i64>,
    /// Where the consent's id is told.
    pub grant_id: GrantId,
    /// What can be revoked.
    #[serde(default)]
    pub revokes: Revokes,
    /// More members of the token answer.
    #[serde(default)]
    pub answer: BTreeMap<String, serde_json::Value>,
}

/// How rows are shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontShape {
    /// FDX 4.6 to 5.3.
    Wrapped,
    /// FDX 6.
    Flat,
}

/// How the next page is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontPaging {
    /// `page.nextPageKey`.
    PageKey,
    /// `links.next`, without a host.
    Link,
    /// `page.nextOffset`.
    Offset,
}

/// Which parameters bound a list in time; the others are passed over, so that who sends them gets the last seven days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontDates {
    /// `startDate`, `endDate`.
    Date,
    /// `startTime`, `endTime`.
    Time,
    /// None: all that there is is told, whatever is asked for.
    Ignored,
}

/// How an error of the API is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontErrors {
    /// FDX 6: `code` is a string.
    String,
    /// `code` is a number.
    Number,
    /// `{code, error}` without `message`; of a bad id `{error, details}` with 400, and no code.
    Plain,
}

/// Which token opens the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrontBearer {
    /// The access token.
    #[default]
    AccessToken,
    /// The ID token; the access token opens nothing.
    IdToken,
}

/// How far back it tells of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontHistory {
    /// As far as the consent.
    #[default]
    Open,
    /// So many days.
    Days(i64),
    /// From the first day of the last calendar year.
    LastCalendarYear,
}

/// What an older range is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BeforeHistory {
    /// Error 703.
    #[default]
    Error,
    /// 200, without what is older.
    Empty,
}

/// The data API's looks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontApi {
    /// Its base, below the institution; empty if there is none.
    pub base: String,
    /// What stands for `{provider}` in the paths.
    #[serde(default)]
    pub provider: String,
    /// All accounts.
    #[serde(default = "accounts")]
    pub accounts: String,
    /// One account; empty if there is no such call.
    #[serde(default = "account")]
    pub account: String,
    /// An account's transactions.
    #[serde(default = "transactions")]
    pub transactions: String,
    /// How rows are shaped.
    pub shape: FrontShape,
    /// How the next page is named.
    pub paging: FrontPaging,
    /// Which parameters bound a list in time.
    pub dates: FrontDates,
    /// How errors are spelled.
    pub errors: FrontErrors,
    /// Which token opens it.
    #[serde(default)]
    pub bearer: FrontBearer,
    /// Headers that each call must have.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Whether `x-fapi-interaction-id` is required, and given back.
    #[serde(default)]
    pub interaction_id: bool,
    /// Whether the consent, customer and meta calls are there.
    #[serde(default)]
    pub consents: bool,
    /// Types of transactions that go by another word.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// Whether the last page's `page` is empty.
    #[serde(default)]
    pub bare_last_page: bool,
    /// Whether accounts name their currency.
    #[serde(default = "yes")]
    pub currency: bool,
    /// How far back it tells of transactions.
    #[serde(default)]
    pub history: FrontHistory,
    /// What an older range is answered with.
    #[serde(default)]
    pub before_history: BeforeHistory,
    /// Most rows of a page.
    pub rows_max: usize,
    /// Calls of one token in a minute; then 429 until the next one.
    #[serde(default)]
    pub calls_a_minute: Option<u32>,
}

fn yes() -> bool {
    true
}
fn accounts() -> String {
    "accounts".to_owned()
}
fn account() -> String {
    "accounts/{account}".to_owned()
}
fn transactions() -> String {
    "accounts/{account}/transactions".to_owned()
}

impl Front {
    /// The names of the fronts that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The front of a name.
    ///
    /// # Errors
    /// [`Error::Config`] when there is none; it lists those that there are.
    pub fn built_in(name: &str) -> Result<Self, Error> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let known = Self::names().collect::<Vec<_>>().join(", ");
            let name: String = name.chars().take(64).collect();
            return Err(Error::Config(format!("there is no front `{name}`; known are: {known}")));
        };
        toml::from_str(text).map_err(|e| Error::Config(format!("the front `{name}` cannot be read: {e}")))
    }

    /// Where one of the authorization server's endpoints is, below the institution.
    pub(crate) fn endpoint<'a>(&'a self, name: &'a str) -> &'a str {
        self.oauth.endpoints.get(name).map_or(name, String::as_str)
    }
}

impl FrontHistory {
    /// The first instant that it tells of.
    fn begins(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Days(days) => now.checked_sub(SignedDuration::from_hours(days.saturating_mul(24))).ok(),
            Self::LastCalendarYear => {
                let year = TimeZone::UTC.to_datetime(now).year().checked_sub(1)?;
                let first = Date::new(year, 1, 1).ok()?;
                TimeZone::UTC.to_timestamp(first.at(0, 0, 0, 0)).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_front_is_good_and_unknown_ones_are_named() {
        for name in Front::names() {
            assert_eq!(Front::built_in(name).unwrap().name, name);
        }
        let error = Front::built_in("chase9").unwrap_err().to_string();
        assert!(error.contains("`chase9`") && error.contains("wells-fargo"), "{error}");
    }
}
