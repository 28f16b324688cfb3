//! Consent: what a customer allows on a link. Never edited: changed means revoked and granted anew.

use crate::{
    AccountId, ChannelId, Clusters, ConsentId, CustomerId, Form, InstitutionId, Lang, LinkId, Psid, Purpose,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest a consent can last, in days (12 CFR 1033.421(b); the UAE and the large banks ask the same).
pub const CONSENT_DAYS_MAX: i64 = 365;

/// What is allowed for one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The accounts, by the bank's ids.
    pub accounts: BTreeSet<AccountId>,
    /// The clusters; at most those that the purpose needs.
    pub clusters: Clusters,
    /// The most open form in which the platform may see it.
    pub form: Form,
}

/// Where a consent stands. Both ends are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentState {
    /// In force until it expires.
    Active,
    /// Taken back.
    Revoked,
}

/// What a customer allows on a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Its id.
    pub id: ConsentId,
    /// Who allowed it.
    pub customer: CustomerId,
    /// On which link.
    pub link: LinkId,
    /// At which institution.
    pub institution: InstitutionId,
    /// To which channel it may go …
    pub channel: ChannelId,
    /// … and to whom on it: the customer's own chat identity.
    pub psid: Psid,
    /// Per purpose, what is allowed. A purpose that is absent is not allowed.
    pub grants: BTreeMap<Purpose, Grant>,
    /// The language in which the notice was shown.
    pub lang: Lang,
    /// SHA-256 of the exact text that was shown, in hex.
    pub notice_sha256: String,
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it ends by itself; at most [`CONSENT_DAYS_MAX`] after it was given.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: ConsentState,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// Why a consent cannot be recorded as it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    /// Longer than a year, or not in the future.
    #[error("a consent lasts from 1 to {CONSENT_DAYS_MAX} days")]
    Duration,
    /// No purpose was chosen.
    #[error("a consent names at least one purpose")]
    NoPurpose,
    /// A purpose without an account.
    #[error("the purpose `{0}` names no account")]
    NoAccount(Purpose),
    /// A purpose with clusters that it does not need.
    #[error("the purpose `{0}` names data that it does not need")]
    TooMuch(Purpose),
}

impl Consent {
    /// Checks what must hold of every consent when it is recorded.
    ///
    /// # Errors
    /// When it lasts too long, has no purpose, or a purpose has no account or more clusters than it needs.
    pub fn check(&self) -> Result<(), ConsentError> {
        let lasts = self.expires_at.as_second().saturating_sub(self.granted_at.as_second());
        if lasts <= 0 || lasts > CONSENT_DAYS_MAX * 86_400 {
            return Err(ConsentError::Duration);
        }
        if self.grants.is_empty() {
            return Err(ConsentError::NoPurpose);
        }
        for (purpose, grant) in &self.grants {
            if grant.accounts.is_empty() && !purpose.clusters().is_empty() {
                return Err(ConsentError::NoAccount(*purpose));
            }
            if !purpose.clusters().covers(grant.clusters) {
                return Err(ConsentError::TooMuch(*purpose));
            }
        }
        Ok(())
    }

    /// Whether it is in force at an instant.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.state == ConsentState::Active && now < self.expires_at && now >= self.granted_at
    }
}
