//! Kill switches: an operator's hand on the tap, at four widths.

use crate::{ChannelId, CustomerId, InstitutionId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a switch stops.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "scope", content = "id")]
pub enum KillScope {
    /// Everything.
    All,
    /// One institution.
    Institution(InstitutionId),
    /// One channel.
    Channel(ChannelId),
    /// One customer.
    Customer(CustomerId),
}

/// A switch that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// What it stops.
    pub scope: KillScope,
    /// Why, for the operators' list.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// The switches that are on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KillSwitches(pub Vec<Kill>);

impl KillSwitches {
    /// Whether anything stops this customer's data of this institution on this channel.
    #[must_use]
    pub fn stop(&self, institution: &InstitutionId, channel: &ChannelId, customer: CustomerId) -> bool {
        self.0.iter().any(|kill| match &kill.scope {
            KillScope::All => true,
            KillScope::Institution(id) => id == institution,
            KillScope::Channel(id) => id == channel,
            KillScope::Customer(id) => *id == customer,
        })
    }

    /// Whether anything stops every message on this channel (messages without bank data too).
    #[must_use]
    pub fn stop_channel(&self, channel: &ChannelId) -> bool {
        self.0.iter().any(|kill| match &kill.scope {
            KillScope::All => true,
            KillScope::Channel(id) => id == channel,
            KillScope::Institution(_) | KillScope::Customer(_) => false,
        })
    }
}
