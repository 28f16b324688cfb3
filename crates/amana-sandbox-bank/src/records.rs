//! The records of consents, tokens and sign-ins. Secrets (codes, tokens, cookies) are kept as SHA-256 only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::presented::Binding;

/// Kinds of record in the state file.
pub(crate) mod kind {
    pub(crate) const META: &str = "meta";
    pub(crate) const CONSENT: &str = "consent";
    pub(crate) const REQUESTED: &str = "requested";
    pub(crate) const TOKEN: &str = "token";
    pub(crate) const CODE: &str = "code";
    pub(crate) const PUSHED: &str = "pushed";
    pub(crate) const INTERACTION: &str = "interaction";
    pub(crate) const SESSION: &str = "session";
    pub(crate) const ASSERTION: &str = "assertion";
    pub(crate) const TXN: &str = "txn";
    pub(crate) const IMPORT: &str = "import";
    pub(crate) const EVENT: &str = "event";
    pub(crate) const SUBSCRIPTION: &str = "subscription";
    pub(crate) const NOTICE: &str = "notice";
}

/// The data clusters that this bank serves, with FDX's scope for each (FDX 6.x, UX v3.0 table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Cluster {
    #[serde(rename = "ACCOUNT_BASIC")]
    AccountBasic,
    #[serde(rename = "ACCOUNT_DETAILED")]
    AccountDetailed,
    #[serde(rename = "BALANCES")]
    Balances,
    #[serde(rename = "BILLS")]
    Bills,
    #[serde(rename = "TRANSACTIONS")]
    Transactions,
    #[serde(rename = "STATEMENTS")]
    Statements,
    #[serde(rename = "CUSTOMER_CONTACT")]
    CustomerContact,
    #[serde(rename = "CUSTOMER_PERSONAL")]
    CustomerPersonal,
    #[serde(rename = "PAYMENT_SUPPORT")]
    PaymentSupport,
    #[serde(rename = "TERMS_AND_CONDITIONS")]
    TermsAndConditions,
    #[serde(rename = "IMAGES")]
    Images,
    #[serde(rename = "REWARDS")]
    Rewards,
}

impl Cluster {
    pub(crate) const ALL: [Self; 12] = [
        Self::AccountBasic,
        Self::AccountDetailed,
        Self::Balances,
        Self::Bills,
        Self::Transactions,
        Self::Statements,
        Self::CustomerContact,
        Self::CustomerPersonal,
        Self::PaymentSupport,
        Self::TermsAndConditions,
        Self::Images,
        Self::Rewards,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccountBasic => "ACCOUNT_BASIC",
            Self::AccountDetailed => "ACCOUNT_DETAILED",
            Self::Balances => "BALANCES",
            Self::Bills => "BILLS",
            Self::Transactions => "TRANSACTIONS",
            Self::Statements => "STATEMENTS",
            Self::CustomerContact => "CUSTOMER_CONTACT",
            Self::CustomerPersonal => "CUSTOMER_PERSONAL",
            Self::PaymentSupport => "PAYMENT_SUPPORT",
            Self::TermsAndConditions => "TERMS_AND_CONDITIONS",
            Self::Images => "IMAGES",
            Self::Rewards => "REWARDS",
        }
    }

    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::AccountBasic => "fdx:accountbasic:read",
            Self::AccountDetailed => "fdx:accountdetailed:read",
            Self::Balances => "fdx:balances:read",
            Self::Bills => "fdx:bills:read",
            Self::Transactions => "fdx:transactions:read",
            Self::Statements => "fdx:statements:read",
            Self::CustomerContact => "fdx:customercontact:read",
            Self::CustomerPersonal => "fdx:customerpersonal:read",
            Self::PaymentSupport => "fdx:paymentsupport:read",
            Self::TermsAndConditions => "fdx:termsconditions:read",
            Self::Images => "fdx:images:read",
            Self::Rewards => "fdx:rewards:read",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cluster| cluster.name() == name)
    }

    pub(crate) fn by_scope(scope: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cluster| cluster.scope() == scope)
    }
}

/// How long a consent lasts (FDX ConsentDurationType).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DurationType {
    #[serde(rename = "ONE_TIME")]
    OneTime,
    #[serde(rename = "PERSISTENT")]
    Persistent,
    #[serde(rename = "TIME_BOUND")]
    TimeBound,
}

impl DurationType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneTime => "ONE_TIME",
            Self::Persistent => "PERSISTENT",
            Self::TimeBound => "TIME_BOUND",
        }
    }
}

/// What a customer is asked to allow (FDX ConsentRequest).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) clusters: BTreeSet<Cluster>,
    pub(crate) duration_type: DurationType,
    pub(crate) duration_days: i64,
    pub(crate) lookback_days: i64,
}

/// A consent that a client has asked for and no customer has given yet (FDX `POST /consents`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Requested {
    pub(crate) client_id: String,
    /// Nobody else may give it.
    pub(crate) customer_id: Option<String>,
    pub(crate) ask: Ask,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

/// A checked authorization request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AuthRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) state: Option<String>,
    /// PKCE S256 challenge (RFC 7636).
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) ui_locales: Option<String>,
    pub(crate) clusters: BTreeSet<Cluster>,
    pub(crate) duration_type: DurationType,
    pub(crate) duration_days: i64,
    pub(crate) lookback_days: i64,
    pub(crate) prompt_none: bool,
    pub(crate) prompt_login: bool,
    /// Thumbprint of the key that must redeem the code (RFC 9449 §10).
    #[serde(default)]
    pub(crate) jkt: Option<String>,
    /// The consent that was asked for before ([`Requested`]), and the only customer who may give it.
    #[serde(default)]
    pub(crate) requested: Option<(String, Option<String>)>,
}

impl AuthRequest {
    /// Asks who the customer is and for nothing else (scope `openid` alone).
    pub(crate) fn is_sign_in_only(&self) -> bool {
        self.clusters.is_empty()
    }
}

/// A pushed request, waiting to be used once (RFC 9126).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pushed {
    pub(crate) request: AuthRequest,
    pub(crate) expires: Timestamp,
}

/// A sign-in and consent on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) request: AuthRequest,
    /// Hash of the pushed request's name, which is used up when this ends.
    #[serde(default)]
    pub(crate) pushed: Option<String>,
    /// SHA-256 of the cookie of the browser that started it.
    pub(crate) browser: String,
    pub(crate) expires: Timestamp,
    pub(crate) attempts: u32,
    /// The customer who signed in for this interaction.
    pub(crate) customer_id: Option<String>,
}

/// A signed-in browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) customer_id: String,
    pub(crate) expires: Timestamp,
}

/// An authorization code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Code {
    /// Absent when the customer only signed in.
    pub(crate) consent_id: Option<String>,
    pub(crate) customer_id: String,
    /// When the customer signed in or consented.
    pub(crate) at: Timestamp,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) expires: Timestamp,
    pub(crate) used: bool,
    /// Thumbprint of the key that must redeem it.
    #[serde(default)]
    pub(crate) jkt: Option<String>,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TokenUse {
    /// Access to a customer's data.
    Access,
    /// Exchangeable for access tokens.
    Refresh,
    /// A refresh token that was replaced; using it again is a sign of theft.
    Rotated,
    /// Access of the client itself (client credentials).
    Client,
}

/// A token, by its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    #[serde(rename = "use")]
    pub(crate) usage: TokenUse,
    pub(crate) client_id: String,
    /// Absent for [`TokenUse::Client`] and after a mere sign-in.
    pub(crate) consent_id: Option<String>,
    pub(crate) scopes: BTreeSet<String>,
    /// Absent for refresh tokens, which live as long as their consent.
    pub(crate) expires: Option<Timestamp>,
    /// What must be shown with it. Refresh tokens are bound to their client, who proves itself anyway.
    #[serde(default)]
    pub(crate) binding: Binding,
}

/// How a consent ended before its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Revocation {
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
    pub(crate) other_reason: Option<String>,
    pub(crate) initiator: String,
}

/// A consent given by a customer at this bank (FDX ConsentGrant).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Consent {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) customer_id: String,
    pub(crate) account_ids: BTreeSet<String>,
    pub(crate) clusters: BTreeSet<Cluster>,
    /// What the customer took out afterwards, by account.
    #[serde(default)]
    pub(crate) without: BTreeMap<String, BTreeSet<Cluster>>,
    pub(crate) duration_type: DurationType,
    pub(crate) duration_days: i64,
    pub(crate) lookback_days: i64,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) revoked: Option<Revocation>,
}

impl Consent {
    /// `ACTIVE`, `EXPIRED` or `REVOKED`; the last two are final.
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        if self.revoked.is_some() {
            "REVOKED"
        } else if self.expires <= now {
            "EXPIRED"
        } else {
            "ACTIVE"
        }
    }

    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires > now
    }

    /// The clusters that it holds of an account; none of one that is not among its own.
    pub(crate) fn clusters_of(&self, account_id: &str) -> BTreeSet<Cluster> {
        if !self.account_ids.contains(account_id) {
            return BTreeSet::new();
        }
        let mut clusters = self.clusters.clone();
        clusters.retain(|one| !self.without.get(account_id).is_some_and(|without| without.contains(one)));
        clusters
    }

    /// First instant that the consent's look-back reaches.
    pub(crate) fn reaches_back_to(&self) -> Timestamp {
        let days = self.lookback_days.clamp(0, 36_500);
        self.created.checked_sub(SignedDuration::from_hours(days * 24)).unwrap_or(self.created)
    }
}

/// An event on its way out, or delivered and kept for redelivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    pub(crate) account_id: String,
    /// Cluster that a consent must hold for the event to go out.
    pub(crate) cluster: Cluster,
    /// The CloudEvents envelope, exactly as sent each time.
    pub(crate) event: Value,
    pub(crate) created: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) status: EventStatus,
    /// Status code or failure of the last attempt.
    pub(crate) last: Option<String>,
}

/// Where an event stands. The aliases read state files of before the names were in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventStatus {
    #[serde(alias = "Waiting")]
    Waiting,
    #[serde(alias = "Delivered")]
    Delivered,
    /// Its consent ended, or it was too old.
    #[serde(alias = "Dropped")]
    Dropped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_status_is_written_in_lower_case_and_read_in_both() {
        for (status, new, old) in [
            (EventStatus::Waiting, "\"waiting\"", "\"Waiting\""),
            (EventStatus::Delivered, "\"delivered\"", "\"Delivered\""),
            (EventStatus::Dropped, "\"dropped\"", "\"Dropped\""),
        ] {
            assert_eq!(serde_json::to_string(&status).unwrap(), new);
            assert_eq!(serde_json::from_str::<EventStatus>(new).unwrap(), status);
            assert_eq!(serde_json::from_str::<EventStatus>(old).unwrap(), status);
        }
    }
}
