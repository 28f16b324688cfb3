//! The decision: agreement ∧ consent ∧ policy ∧ kill switches ∧ recipient is subject. A pure function.

use crate::protected::Subject;
use amana_core::{
    AccountId, Address, Agreement, Clusters, Consent, ConsentState, Form, KillSwitches, Purpose, Stop,
    Timestamp,
};
use std::fmt;

/// What is known at the moment of deciding. Whoever gathers it must read it afresh, at the decision and at the send.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The agreement between institution and channel, if there is one.
    pub agreement: Option<&'a Agreement>,
    /// The customer's consent on this link, if there is one.
    pub consent: Option<&'a Consent>,
    /// The kill switches that are on.
    pub kills: &'a KillSwitches,
    /// Now.
    pub now: Timestamp,
}

/// What is to be released, to whom.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Whose data.
    pub subject: &'a Subject,
    /// To whom it would go.
    pub recipient: &'a Address,
    /// The accounts it is about.
    pub accounts: &'a [AccountId],
    /// What kinds of data it holds.
    pub clusters: Clusters,
}

/// Why the answer is no. It names no data, so it may be logged and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denial {
    /// A kill switch is on.
    Killed,
    /// A kill switch is on for this purpose; others may flow.
    PurposeKilled,
    /// No agreement between the institution and the channel.
    NoAgreement,
    /// The agreement is not in force, or not for this institution and channel.
    AgreementNotInForce,
    /// The agreement has not this purpose.
    PurposeNotAgreed,
    /// The agreement has the purpose without this kind of data.
    ClusterNotAgreed,
    /// The customer has given no consent.
    NoConsent,
    /// The consent was taken back.
    ConsentRevoked,
    /// The consent has ended, or has not begun.
    ConsentExpired,
    /// The consent has not this purpose.
    PurposeNotConsented,
    /// The consent has not this account.
    AccountNotConsented,
    /// The consent has not this kind of data.
    ClusterNotConsented,
    /// The recipient is not the person whose data it is.
    RecipientNotSubject,
    /// The institution's policy says no.
    Policy,
    /// The message cannot be put into the channel's form.
    NotEncodable,
    /// The ticket is not ours, or not for these bytes.
    BadTicket,
    /// The ticket's time is over.
    TicketExpired,
    /// The bytes or keys could not be read.
    Unreadable,
    /// What a human wrote: since then a link of the chat ended, or another was made.
    LinksChanged,
}

impl Denial {
    /// A stable word for receipts, metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::PurposeKilled => "purpose-killed",
            Self::NoAgreement => "no-agreement",
            Self::AgreementNotInForce => "agreement-not-in-force",
            Self::PurposeNotAgreed => "purpose-not-agreed",
            Self::ClusterNotAgreed => "cluster-not-agreed",
            Self::NoConsent => "no-consent",
            Self::ConsentRevoked => "consent-revoked",
            Self::ConsentExpired => "consent-expired",
            Self::PurposeNotConsented => "purpose-not-consented",
            Self::AccountNotConsented => "account-not-consented",
            Self::ClusterNotConsented => "cluster-not-consented",
            Self::RecipientNotSubject => "recipient-not-subject",
            Self::Policy => "policy",
            Self::NotEncodable => "not-encodable",
            Self::BadTicket => "bad-ticket",
            Self::TicketExpired => "ticket-expired",
            Self::Unreadable => "unreadable",
            Self::LinksChanged => "links-changed",
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Denial {}

/// What an institution's policy is asked.
#[derive(Debug, Clone, Copy)]
pub struct PolicyRequest<'a> {
    /// The purpose.
    pub purpose: Purpose,
    /// The ask.
    pub ask: Ask<'a>,
    /// The form that agreement and consent leave.
    pub form: Form,
    /// What was known when it was decided: a policy holds consent and kill switches against its own rules.
    pub facts: Facts<'a>,
}

/// An institution's own policy: it can only narrow. (Cedar policies come in here.)
pub trait Policy: Send + Sync {
    /// The most open form it allows for this request; `None` denies. An error inside must be `None`.
    fn allows(&self, request: &PolicyRequest<'_>) -> Option<Form>;
    /// SHA-256 of the policy set in force, in hex; it stands in every receipt.
    fn set_sha256(&self) -> &str;
}

/// The policy of an institution that has uploaded none: what agreement and consent allow.
#[derive(Debug)]
pub struct StandardPolicy;

impl Policy for StandardPolicy {
    fn allows(&self, request: &PolicyRequest<'_>) -> Option<Form> {
        Some(request.form)
    }
    /// SHA-256 of nothing: there is no policy document.
    fn set_sha256(&self) -> &'static str {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    }
}

/// Decides, and if the answer is yes gives the form in which the thing may be seen: the strictest of all.
///
/// # Errors
/// The first reason for which the answer is no, in this fixed order: kill switches, recipient, agreement, consent,
/// policy.
pub fn decide(
    purpose: Purpose,
    ask: &Ask<'_>,
    facts: &Facts<'_>,
    policy: &dyn Policy,
) -> Result<Form, Denial> {
    let Subject { institution, customer } = ask.subject;
    match facts.kills.stop(institution, &ask.recipient.channel, *customer, Some(purpose)) {
        Some(Stop::Whole) => return Err(Denial::Killed),
        Some(Stop::Purpose) => return Err(Denial::PurposeKilled),
        None => {}
    }

    let agreement = facts.agreement.ok_or(Denial::NoAgreement)?;
    if agreement.institution != *institution
        || agreement.channel != ask.recipient.channel
        || agreement.state != amana_core::AgreementState::Active
    {
        return Err(Denial::AgreementNotInForce);
    }
    let (agreed, agreed_form) = agreement.allows(purpose).ok_or(Denial::PurposeNotAgreed)?;
    // No agreement gives a purpose data that it does not need, even if one was recorded that would.
    if !agreed.intersection(purpose.clusters()).covers(ask.clusters) {
        return Err(Denial::ClusterNotAgreed);
    }

    let consent = facts.consent.ok_or(Denial::NoConsent)?;
    // The recipient is the subject: the consent is this customer's, and binds one chat identity.
    if consent.customer != *customer
        || consent.institution != *institution
        || consent.channel != ask.recipient.channel
        || consent.psid != ask.recipient.psid
    {
        return Err(Denial::RecipientNotSubject);
    }
    if consent.state == ConsentState::Revoked {
        return Err(Denial::ConsentRevoked);
    }
    if !consent.in_force(facts.now) {
        return Err(Denial::ConsentExpired);
    }
    let grant = consent.grants.get(&purpose).ok_or(Denial::PurposeNotConsented)?;
    // Data of accounts names its accounts: an empty list would pass the next test for any data.
    if ask.accounts.is_empty() && !ask.clusters.is_empty() {
        return Err(Denial::AccountNotConsented);
    }
    if !ask.accounts.iter().all(|account| grant.accounts.contains(account)) {
        return Err(Denial::AccountNotConsented);
    }
    if !grant.clusters.covers(ask.clusters) {
        return Err(Denial::ClusterNotConsented);
    }

    let form = agreed_form.min(grant.form);
    let request = PolicyRequest { purpose, ask: *ask, form, facts: *facts };
    policy.allows(&request).map(|allowed| allowed.min(form)).ok_or(Denial::Policy)
}
