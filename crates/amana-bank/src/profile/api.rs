//! The data API's switches of a provider profile.

use amana_core::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeMap;

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

/// A version of FDX, or that it is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum FdxVersion {
    /// The bank does not say.
    Unknown,
    /// Major and minor.
    Known(u8, u8),
}

/// Those that this client was written for. 4.0 is what one bank's page still says.
const FDX_VERSIONS: &[(u8, u8)] =
    &[(4, 0), (4, 6), (5, 0), (5, 1), (5, 2), (5, 3), (6, 0), (6, 1), (6, 2), (6, 3), (6, 4), (6, 5), (6, 6)];

impl FdxVersion {
    /// Whether its rows stand in objects with one key each, as they do up to 5.3; `None` if it is not known.
    fn wraps(self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Known(major, _) => Some(major < 6),
        }
    }
}

impl TryFrom<String> for FdxVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "unknown" {
            return Ok(Self::Unknown);
        }
        let found = FDX_VERSIONS.iter().find(|(major, minor)| text == format!("{major}.{minor}"));
        found.map(|(major, minor)| Self::Known(*major, *minor)).ok_or_else(|| {
            format!("`{text}` is no version of fdx that is read; there are 4.0, 4.6 to 6.6 and `unknown`")
        })
    }
}

impl std::fmt::Display for FdxVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("of an unknown version"),
            Self::Known(major, minor) => write!(f, "{major}.{minor}"),
        }
    }
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

/// Whose token the consent API takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentToken {
    /// The connection's.
    #[default]
    Customer,
    /// The client's own (FDX 6.x: client credentials).
    Client,
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

/// Whether the bank has FDX's event notifications (`POST /notification-subscriptions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notifications {
    /// It has, and calls us.
    Fdx,
    /// It has, and keeps them until they are fetched (`GET /notifications`): it cannot call us.
    FdxPull,
    /// It has not: its connections are polled.
    #[default]
    None,
}

/// Where the calls are, below the API's base. `{account}` stands for the account's id, `{provider}` for the
/// institution's `provider_id` (an aggregator serves many banks below one base).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// All accounts.
    pub accounts: String,
    /// One account; empty where there is no such call.
    pub account: String,
    /// An account's transactions.
    pub transactions: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            accounts: "accounts".to_owned(),
            account: "accounts/{account}".to_owned(),
            transactions: "accounts/{account}/transactions".to_owned(),
        }
    }
}

impl Paths {
    /// Whether an institution needs a `provider_id`.
    #[must_use]
    pub fn name_provider(&self) -> bool {
        [&self.accounts, &self.account, &self.transactions].iter().any(|path| path.contains("{provider}"))
    }

    /// The segments of a path, each placeholder replaced as a whole.
    pub(crate) fn segments<'a>(path: &'a str, provider: &'a str, account: &'a str) -> Vec<&'a str> {
        path.split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| match segment {
                "{account}" => account,
                "{provider}" => provider,
                word => word,
            })
            .collect()
    }
}

/// How far back a bank tells of transactions. Asking for more is an error at some banks (703) and silence at others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum History {
    /// Not known, or not bounded.
    #[default]
    Open,
    /// So many days.
    Days(u32),
    /// From the first day of the last calendar year.
    LastCalendarYear,
}

impl History {
    /// The first instant that may be asked for: the begin of a day (UTC), so that a bank that is asked by dates is not
    /// asked for the part of a day that lies before it.
    #[must_use]
    pub fn begins(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Days(days) => {
                let first = now.as_second().checked_sub(i64::from(days) * 86_400)?;
                let midnight = first.div_euclid(86_400) + i64::from(first.rem_euclid(86_400) > 0);
                Timestamp::from_second(midnight.checked_mul(86_400)?).ok()
            }
            Self::LastCalendarYear => {
                let this = jiff::tz::TimeZone::UTC.to_datetime(now).year();
                let first = Date::new(this.checked_sub(1)?, 1, 1).ok()?;
                jiff::tz::TimeZone::UTC.to_timestamp(first.at(0, 0, 0, 0)).ok()
            }
        }
    }
}

/// How many calls a day (UTC) one connection may make. Calls cost money, and banks count those for which no customer
/// waits. 0 is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// All calls.
    pub calls: u32,
    /// Those for which nobody waits.
    pub batch_calls: u32,
}

/// The data API's switches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The version of FDX that the bank speaks; it must go with the shape of the rows.
    pub fdx_version: FdxVersion,
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
    /// Whose token it takes.
    #[serde(default)]
    pub consent_token: ConsentToken,
    /// Whether it gives back the interaction id.
    pub interaction_id_echo: InteractionEcho,
    /// Where the calls are, below the API's base.
    #[serde(default)]
    pub paths: Paths,
    /// How far back the bank tells of transactions.
    #[serde(default)]
    pub history: History,
    /// How many calls a day one connection may make.
    #[serde(default)]
    pub budget: Budget,
    /// Whether the bank has FDX's event notifications.
    #[serde(default)]
    pub notifications: Notifications,
    /// How often a connection is read for news, in minutes, where the bank pushes nothing; 0: never. An institution's
    /// `polling_minutes` has the last word.
    #[serde(default)]
    pub polling_minutes: u32,
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

impl Api {
    /// Whether it says what can be done.
    pub(super) fn check(&self) -> Result<(), String> {
        let other = match self.shape {
            Shape::Wrapped => Some(false),
            Shape::Flat => Some(true),
            Shape::Auto => None,
        };
        if other.is_some() && other == self.fdx_version.wraps() {
            return Err(format!(
                "`api.shape` is not the one of fdx {}: rows are wrapped up to 5.3 and flat from 6.0 on",
                self.fdx_version
            ));
        }
        if let Some(code) = &self.default_currency {
            amana_core::Currency::from_code(code).map_err(|e| format!("`api.default_currency`: {e}"))?;
        }
        for (key, value) in &self.extra_headers {
            if reqwest::header::HeaderName::from_bytes(key.as_bytes()).is_err()
                || reqwest::header::HeaderValue::from_str(value).is_err()
            {
                return Err(format!("`api.extra_headers`: `{key}` is not a header that can be sent"));
            }
        }
        let paths = [
            ("accounts", &self.paths.accounts, false),
            ("account", &self.paths.account, !self.paths.account.is_empty()),
            ("transactions", &self.paths.transactions, true),
        ];
        for (key, path, of_account) in paths {
            let placeholders = path.split('/').filter(|segment| segment.contains(['{', '}']));
            let mut accounts = 0;
            for placeholder in placeholders {
                match placeholder {
                    "{account}" => accounts += 1,
                    "{provider}" => {}
                    _ => {
                        return Err(format!(
                            "`api.paths.{key}`: `{placeholder}` is no placeholder; there are `{{account}}` and \
                             `{{provider}}`, each a whole segment"
                        ));
                    }
                }
            }
            if accounts != usize::from(of_account) {
                return Err(format!(
                    "`api.paths.{key}` must {} `{{account}}`",
                    if of_account { "have one" } else { "not have" }
                ));
            }
        }
        if self.budget.calls > 0 && self.budget.batch_calls > self.budget.calls {
            return Err("`api.budget.batch_calls` is more than all `calls`".to_owned());
        }
        if self.polling_minutes > crate::limits::POLLING_MINUTES_MAX {
            return Err(format!(
                "`api.polling_minutes` is more than a week ({} minutes)",
                crate::limits::POLLING_MINUTES_MAX
            ));
        }
        if self.history == History::Days(0) {
            return Err("`api.history`: 0 days would be no history at all".to_owned());
        }
        Ok(())
    }
}
