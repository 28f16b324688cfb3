//! An agreement: what an institution lets a channel carry, and the acts by which it comes, changes and ends. No
//! agreement, nothing flows.

use crate::{AgreementId, ChannelId, Clusters, Form, InstitutionId, Purpose, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Per purpose, the clusters and the most open form. A purpose that is absent is not allowed.
pub type Terms = BTreeMap<Purpose, (Clusters, Form)>;

/// Where an agreement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgreementState {
    /// Asked for by the platform side; nothing flows.
    Proposed,
    /// Refused by the institution; nothing flows, and the refusal stays on record.
    Declined,
    /// In force.
    Active,
    /// Paused by the institution; nothing flows until it is active again.
    Suspended,
    /// Ended for good.
    Terminated,
}

impl AgreementState {
    /// The word as it is written in lists and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Declined => "declined",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
        }
    }

    /// Whether the agreement was accepted and has not ended: active, or paused.
    #[must_use]
    pub fn stands(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }
}

/// What an institution lets one channel carry: purposes, and for each the clusters and the most open form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Its id.
    pub id: AgreementId,
    /// The institution.
    pub institution: InstitutionId,
    /// The channel.
    pub channel: ChannelId,
    /// Where it stands.
    pub state: AgreementState,
    /// What it allows.
    pub terms: Terms,
    /// Counts every change between the two, from 1. A tightened agreement binds old consents at once.
    pub version: u32,
    /// When this version came.
    pub changed_at: Timestamp,
}

/// Why something is not an agreement that can be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgreementFault {
    /// It names no purpose.
    #[error("an agreement names at least one purpose")]
    NoPurpose,
    /// A purpose with data that it does not need.
    #[error("the purpose `{0}` names data that it does not need")]
    TooMuch(Purpose),
    /// A purpose that needs data, without any.
    #[error("the purpose `{0}` names no data")]
    NoCluster(Purpose),
}

impl Agreement {
    /// The clusters and the most open form for a purpose, if the agreement is in force and has it.
    #[must_use]
    pub fn allows(&self, purpose: Purpose) -> Option<(Clusters, Form)> {
        (self.state == AgreementState::Active).then(|| self.terms.get(&purpose).copied()).flatten()
    }

    /// Checks what must hold of every agreement when it is recorded.
    ///
    /// # Errors
    /// As [`check_terms`].
    pub fn check(&self) -> Result<(), AgreementFault> {
        check_terms(&self.terms)
    }
}

/// Checks what must hold of all terms: a purpose at least, and for each the data that it needs and no more.
///
/// # Errors
/// The first purpose for which it does not hold.
pub fn check_terms(terms: &Terms) -> Result<(), AgreementFault> {
    if terms.is_empty() {
        return Err(AgreementFault::NoPurpose);
    }
    for (purpose, (clusters, _)) in terms {
        let needed = purpose.clusters();
        if !needed.covers(*clusters) {
            return Err(AgreementFault::TooMuch(*purpose));
        }
        if clusters.is_empty() && !needed.is_empty() {
            return Err(AgreementFault::NoCluster(*purpose));
        }
    }
    Ok(())
}

/// Whether `inner` allows nothing that `outer` does not.
#[must_use]
pub fn within(inner: &Terms, outer: &Terms) -> bool {
    inner.iter().all(|(purpose, (clusters, form))| {
        outer.get(purpose).is_some_and(|(most, open)| most.covers(*clusters) && form <= open)
    })
}

/// What was done to an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgreementAct {
    /// The platform side asked.
    Requested,
    /// The request was none that could become an agreement; it was refused before anybody was asked.
    Refused,
    /// The institution accepted, whole or in part, or changed what it accepts.
    Accepted,
    /// The institution said no.
    Declined,
    /// The institution paused it.
    Suspended,
    /// The institution let it go on.
    Resumed,
    /// The institution ended it for good.
    Ended,
}

impl AgreementAct {
    /// Every act.
    pub const ALL: &'static [Self] = &[
        Self::Requested,
        Self::Refused,
        Self::Accepted,
        Self::Declined,
        Self::Suspended,
        Self::Resumed,
        Self::Ended,
    ];

    /// The word as it is written in histories.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Ended => "ended",
        }
    }
}

/// One act, as it stays on record. Nothing in it is about a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementEvent {
    /// What was done.
    pub act: AgreementAct,
    /// The institution; `None` only where a refused request named none that can be one.
    pub institution: Option<InstitutionId>,
    /// The channel; `None` as above.
    pub channel: Option<ChannelId>,
    /// Who did it, such as `cli:omar`, `api:console` or `configuration`.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The exact document: the request's text, or the new version of the agreement. `None` for a refused request: what
    /// may not be asked for is not kept, only its hash.
    pub document: Option<String>,
    /// SHA-256 of the document, in hex. For a refused request of the bytes that were given.
    pub sha256: String,
    /// SHA-256 of the request that an acceptance rests on, in hex.
    pub request_sha256: Option<String>,
    /// Why: the refusal's reason, or what the one who acted wrote.
    pub note: Option<String>,
    /// The version that the agreement got by it, if it got one.
    pub version: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cluster;

    fn terms(purpose: Purpose, clusters: &[Cluster], form: Form) -> Terms {
        Terms::from([(purpose, (Clusters::of(clusters), form))])
    }

    #[test]
    fn terms_name_a_purpose_and_the_data_it_needs() {
        let balances = &[Cluster::Balances];
        assert_eq!(check_terms(&Terms::new()), Err(AgreementFault::NoPurpose));
        assert_eq!(check_terms(&terms(Purpose::BalanceOnRequest, balances, Form::Detail)), Ok(()));
        let much = terms(Purpose::BalanceOnRequest, &[Cluster::Transactions], Form::Notice);
        assert_eq!(check_terms(&much), Err(AgreementFault::TooMuch(Purpose::BalanceOnRequest)));
        let none = terms(Purpose::BalanceOnRequest, &[], Form::Notice);
        assert_eq!(check_terms(&none), Err(AgreementFault::NoCluster(Purpose::BalanceOnRequest)));
        assert_eq!(check_terms(&terms(Purpose::BankOffer, &[], Form::Notice)), Ok(()));
    }

    #[test]
    fn what_is_within_allows_nothing_more() {
        let all =
            terms(Purpose::BalanceOnRequest, &[Cluster::AccountBasic, Cluster::Balances], Form::Summary);
        let less = terms(Purpose::BalanceOnRequest, &[Cluster::Balances], Form::Notice);
        assert!(within(&less, &all) && within(&all, &all) && within(&Terms::new(), &all));
        assert!(!within(&all, &less));
        let open = terms(Purpose::BalanceOnRequest, &[Cluster::Balances], Form::Detail);
        assert!(!within(&open, &all));
        assert!(!within(&terms(Purpose::BankOffer, &[], Form::Notice), &all));
    }
}
