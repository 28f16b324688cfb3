//! Kill switches: an operator's hand on the tap, at five widths.

use crate::{ChannelId, CustomerId, InstitutionId, Purpose, Timestamp};
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
    /// One purpose, of one institution or on one channel or anywhere.
    Purpose(PurposeScope),
}

/// What flows for one purpose. It has no meaning for messages without bank data, which have no purpose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeScope {
    /// The purpose.
    pub purpose: Purpose,
    /// From this institution; from all if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<InstitutionId>,
    /// On this channel; on all if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
}

impl PurposeScope {
    fn holds(&self, institution: &InstitutionId, channel: &ChannelId, purpose: Purpose) -> bool {
        self.purpose == purpose
            && self.institution.as_ref().is_none_or(|id| id == institution)
            && self.channel.as_ref().is_none_or(|id| id == channel)
    }
}

/// How much of what was asked about is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Whatever the purpose.
    Whole,
    /// This purpose; others may flow.
    Purpose,
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
    /// Whether anything stops this customer's data of this institution on this channel for this purpose; the widest if
    /// several do. `None` as purpose is for what has none: no switch of a purpose stops it.
    #[must_use]
    pub fn stop(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
        customer: CustomerId,
        purpose: Option<Purpose>,
    ) -> Option<Stop> {
        let mut stop = None;
        for kill in &self.0 {
            let whole = match &kill.scope {
                KillScope::All => true,
                KillScope::Institution(id) => id == institution,
                KillScope::Channel(id) => id == channel,
                KillScope::Customer(id) => *id == customer,
                KillScope::Purpose(flow) => {
                    if purpose.is_some_and(|purpose| flow.holds(institution, channel, purpose)) {
                        stop = Some(Stop::Purpose);
                    }
                    false
                }
            };
            if whole {
                return Some(Stop::Whole);
            }
        }
        stop
    }

    /// Whether anything stops every message on this channel (messages without bank data too).
    #[must_use]
    pub fn stop_channel(&self, channel: &ChannelId) -> bool {
        self.0.iter().any(|kill| match &kill.scope {
            KillScope::All => true,
            KillScope::Channel(id) => id == channel,
            KillScope::Institution(_) | KillScope::Customer(_) | KillScope::Purpose(_) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(institution: Option<&str>, channel: Option<&str>) -> KillScope {
        KillScope::Purpose(PurposeScope {
            purpose: Purpose::TransactionUpdate,
            institution: institution.map(|id| id.parse().expect("an id")),
            channel: channel.map(|id| id.parse().expect("an id")),
        })
    }

    fn on(scopes: &[KillScope]) -> KillSwitches {
        let kill = |scope: &KillScope| Kill {
            scope: scope.clone(),
            reason: String::new(),
            since: crate::from_micros(0),
        };
        KillSwitches(scopes.iter().map(kill).collect())
    }

    fn stop(scopes: &[KillScope], purpose: Option<Purpose>) -> Option<Stop> {
        let (bank, page) = ("cedar".parse().expect("an id"), "1001".parse().expect("an id"));
        on(scopes).stop(&bank, &page, CustomerId::from_bytes([1; 16]), purpose)
    }

    #[test]
    fn a_flow_is_stopped_by_each_thing_that_its_switch_names() {
        let told = Some(Purpose::TransactionUpdate);
        for (institution, channel, stops) in [
            (None, None, true),
            (Some("cedar"), None, true),
            (None, Some("1001"), true),
            (Some("cedar"), Some("1001"), true),
            (Some("pine"), None, false),
            (None, Some("1002"), false),
            (Some("pine"), Some("1001"), false),
            (Some("cedar"), Some("1002"), false),
        ] {
            let scope = flow(institution, channel);
            let expected = stops.then_some(Stop::Purpose);
            assert_eq!(stop(std::slice::from_ref(&scope), told), expected, "{scope:?}");
            for other in Purpose::ALL.iter().filter(|purpose| Some(**purpose) != told) {
                assert_eq!(stop(std::slice::from_ref(&scope), Some(*other)), None, "{scope:?} {other:?}");
            }
            assert_eq!(stop(std::slice::from_ref(&scope), None), None, "{scope:?}: what has no purpose");
            assert!(!on(&[scope]).stop_channel(&"1001".parse().expect("an id")));
        }
    }

    /// Whichever was turned on first: what stops more is what is said.
    #[test]
    fn the_widest_switch_is_said() {
        let told = Some(Purpose::TransactionUpdate);
        for wide in [
            KillScope::All,
            KillScope::Institution("cedar".parse().expect("an id")),
            KillScope::Channel("1001".parse().expect("an id")),
            KillScope::Customer(CustomerId::from_bytes([1; 16])),
        ] {
            assert_eq!(stop(&[flow(None, None), wide.clone()], told), Some(Stop::Whole), "{wide:?}");
            assert_eq!(stop(&[wide.clone(), flow(None, None)], told), Some(Stop::Whole), "{wide:?}");
            assert_eq!(stop(std::slice::from_ref(&wide), None), Some(Stop::Whole), "{wide:?}");
        }
        assert_eq!(stop(&[], told), None);
    }

    /// The text is the row's key in the store: one scope has one.
    #[test]
    fn a_scope_is_kept_as_one_text() {
        for (scope, text) in [
            (KillScope::All, r#"{"scope":"all"}"#),
            (flow(None, None), r#"{"scope":"purpose","id":{"purpose":"TransactionUpdate"}}"#),
            (
                flow(Some("cedar"), Some("1001")),
                r#"{"scope":"purpose","id":{"purpose":"TransactionUpdate","institution":"cedar","channel":"1001"}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&scope).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<KillScope>(text).expect("a scope"), scope);
        }
    }
}
