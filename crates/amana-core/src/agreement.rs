//! An agreement: what an institution lets a channel carry. No agreement, nothing flows.

use crate::{AgreementId, ChannelId, Clusters, Form, InstitutionId, Purpose, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Per purpose, the clusters allowed and the most open form. A purpose that is absent is not allowed.
    pub terms: BTreeMap<Purpose, (Clusters, Form)>,
    /// Counts every change, from 1. A tightened agreement binds old consents at once.
    pub version: u32,
    /// When this version came.
    pub changed_at: Timestamp,
}

impl Agreement {
    /// The clusters and the most open form for a purpose, if the agreement is in force and has it.
    #[must_use]
    pub fn allows(&self, purpose: Purpose) -> Option<(Clusters, Form)> {
        (self.state == AgreementState::Active).then(|| self.terms.get(&purpose).copied()).flatten()
    }
}
