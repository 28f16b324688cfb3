//! One customer with one consent, and what a case changes about them.

use amana_core::*;
use amana_gate::{Ask, Denial, Facts, Policy, PolicyRequest, Subject, decide};
use amana_policy::CedarPolicy;
use std::collections::BTreeSet;

pub(crate) const NOTICE_ONLY: &str = include_str!("../../policies/example-notice-only.cedar");
pub(crate) const QUIET_NIGHTS: &str = include_str!("../../policies/example-quiet-nights.cedar");

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(crate) fn bank() -> InstitutionId {
    InstitutionId::new("cedar-bank").expect("an id")
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).expect("an id")
}

pub(crate) fn policy(text: &str) -> CedarPolicy {
    CedarPolicy::parse(&bank(), text).expect("a policy")
}

/// The default policy and something more.
pub(crate) fn default_and(more: &str) -> String {
    format!("{}\n{more}", amana_policy::DEFAULT)
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) agreement: Agreement,
    pub(crate) consent: Option<Consent>,
    pub(crate) kills: KillSwitches,
    pub(crate) now: Timestamp,
    pub(crate) subject: Subject,
    pub(crate) recipient: Address,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) clusters: Clusters,
}

impl World {
    pub(crate) fn good() -> Self {
        let channel = ChannelId::new("1001").expect("an id");
        let psid = Psid::new("24601").expect("an id");
        let customer = CustomerId::from_bytes([1; 16]);
        let grant = |p: Purpose| Grant {
            accounts: BTreeSet::from([account("a1")]),
            clusters: p.clusters(),
            form: Form::Detail,
        };
        let chosen = [Purpose::BalanceOnRequest, Purpose::TransactionUpdate, Purpose::BankOffer];
        Self {
            agreement: Agreement {
                id: AgreementId::from_bytes([9; 16]),
                institution: bank(),
                channel: channel.clone(),
                state: AgreementState::Active,
                terms: Purpose::ALL.iter().map(|p| (*p, (p.clusters(), Form::Detail))).collect(),
                version: 1,
                changed_at: at("2026-11-01T00:00:00Z"),
            },
            consent: Some(Consent {
                id: ConsentId::from_bytes([7; 16]),
                customer,
                link: LinkId::from_bytes([8; 16]),
                institution: bank(),
                channel: channel.clone(),
                psid: psid.clone(),
                grants: chosen.iter().map(|p| (*p, grant(*p))).collect(),
                lang: Lang::English,
                notice_sha256: "00".into(),
                granted_at: at("2026-11-01T00:00:00Z"),
                expires_at: at("2027-01-01T00:00:00Z"),
                state: ConsentState::Active,
                revoked_at: None,
            }),
            kills: KillSwitches::default(),
            now: at("2026-11-24T10:00:00Z"),
            subject: Subject { institution: bank(), customer },
            recipient: Address { channel, psid },
            accounts: vec![account("a1")],
            clusters: Clusters::of(&[Cluster::Transactions]),
        }
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            agreement: Some(&self.agreement),
            consent: self.consent.as_ref(),
            kills: &self.kills,
            now: self.now,
        }
    }

    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask {
            subject: &self.subject,
            recipient: &self.recipient,
            accounts: &self.accounts,
            clusters: self.clusters,
        }
    }

    pub(crate) fn request(&self, purpose: Purpose, form: Form) -> PolicyRequest<'_> {
        PolicyRequest { purpose, ask: self.ask(), form, facts: self.facts() }
    }

    /// The whole decision of the gate, with this policy in it.
    pub(crate) fn decide(&self, purpose: Purpose, policy: &dyn Policy) -> Result<Form, Denial> {
        decide(purpose, &self.ask(), &self.facts(), policy)
    }
}
