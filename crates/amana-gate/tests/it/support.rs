//! One customer with one consent, and what a case changes about them.

use amana_core::*;
use amana_gate::*;
use amana_render::RenderContext;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const BANK: &str = "cedar-bank";
pub(crate) const PAGE: &str = "1001";
pub(crate) const PSID: &str = "24601";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(crate) fn now() -> Timestamp {
    at("2026-11-24T10:00:00Z")
}

pub(crate) fn customer(n: u8) -> CustomerId {
    CustomerId::from_bytes([n; 16])
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).expect("an id")
}

pub(crate) fn bank(name: &str) -> InstitutionId {
    InstitutionId::new(name).expect("an id")
}

/// A switch of one purpose: of a bank or of all, on a page or on all.
pub(crate) fn flow(purpose: Purpose, institution: Option<&str>, channel: Option<&str>) -> KillScope {
    let (institution, channel) =
        (institution.map(bank), channel.map(|id| ChannelId::new(id).expect("an id")));
    KillScope::Purpose(PurposeScope { purpose, institution, channel })
}

pub(crate) fn to(page: &str, psid: &str) -> Address {
    Address { channel: ChannelId::new(page).expect("an id"), psid: Psid::new(psid).expect("an id") }
}

pub(crate) fn paid(minor: i64) -> BankEventBody {
    BankEventBody::Transaction(Transaction {
        id: "t1".into(),
        reference_id: None,
        account: account("a1"),
        state: TransactionState::Posted,
        direction: Direction::Out,
        amount: Money::new(minor, Currency::from_code("USD").expect("a currency")),
        merchant: Some("Blue Bottle".into()),
        description: String::new(),
        at: now(),
    })
}

pub(crate) fn context(now: Timestamp) -> RenderContext {
    RenderContext { lang: Lang::English, institution_name: "Cedar Bank".into(), now, open_url: None }
}

pub(crate) fn agreement() -> Agreement {
    let terms = Purpose::ALL.iter().map(|p| (*p, (p.clusters(), Form::Detail))).collect();
    Agreement {
        id: AgreementId::from_bytes([9; 16]),
        institution: bank(BANK),
        channel: ChannelId::new(PAGE).expect("an id"),
        state: AgreementState::Active,
        terms,
        version: 1,
        changed_at: now(),
    }
}

pub(crate) fn consent() -> Consent {
    let grant = |p: Purpose| Grant {
        accounts: BTreeSet::from([account("a1")]),
        clusters: p.clusters(),
        form: Form::Detail,
    };
    Consent {
        id: ConsentId::from_bytes([7; 16]),
        customer: customer(1),
        link: LinkId::from_bytes([8; 16]),
        institution: bank(BANK),
        channel: ChannelId::new(PAGE).expect("an id"),
        psid: Psid::new(PSID).expect("an id"),
        grants: BTreeMap::from([
            (Purpose::BalanceOnRequest, grant(Purpose::BalanceOnRequest)),
            (Purpose::TransactionUpdate, grant(Purpose::TransactionUpdate)),
        ]),
        lang: Lang::English,
        notice_sha256: "00".into(),
        granted_at: at("2026-11-01T00:00:00Z"),
        expires_at: at("2027-01-01T00:00:00Z"),
        state: ConsentState::Active,
        revoked_at: None,
    }
}

pub(crate) struct World {
    pub(crate) agreement: Option<Agreement>,
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
        Self {
            agreement: Some(agreement()),
            consent: Some(consent()),
            kills: KillSwitches::default(),
            now: now(),
            subject: Subject { institution: bank(BANK), customer: customer(1) },
            recipient: to(PAGE, PSID),
            accounts: vec![account("a1")],
            clusters: Clusters::of(&[Cluster::Transactions]),
        }
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            agreement: self.agreement.as_ref(),
            consent: self.consent.as_ref(),
            kills: &self.kills,
            now: self.now,
        }
    }

    pub(crate) fn decide(&self, purpose: Purpose) -> Result<Form, Denial> {
        let ask = Ask {
            subject: &self.subject,
            recipient: &self.recipient,
            accounts: &self.accounts,
            clusters: self.clusters,
        };
        decide(purpose, &ask, &self.facts(), &StandardPolicy)
    }
}
