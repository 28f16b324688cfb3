//! The consent receipt: a consent's record as JSON-LD in the terms of the W3C Data Privacy Vocabulary, with the fields
//! of ISO/IEC TS 27560:2023. It needs no network to be read: its context is within it, and says which values are names
//! of things (`@type: @id`), so that a processor of JSON-LD 1.1 finds them as such.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::limits::LOOKBACK_DAYS;
use crate::session::Browser;
use amana_core::{
    Cluster, ConsentAct, ConsentBasis, ConsentEnd, ConsentId, ConsentRecord, Evidence, InstitutionId,
    Purpose, Timestamp,
};
use serde_json::{Value, json};

/// The profile of the receipt (DPV's schema for ISO/IEC TS 27560).
const PROFILE: &str = "https://w3id.org/dpv/schema/dpv-27560#receipt";
/// The profile of the record that it is of.
const RECORD_PROFILE: &str = "https://w3id.org/dpv/schema/dpv-27560#record";
/// Who learns of it beside the bank: the platform that carries the chat.
const PLATFORM: &str = "Messenger (Meta Platforms)";

/// The parties, as nodes of their own below the receipt's id.
const CUSTOMER: &str = "this:customer";
const CONTROLLER: &str = "this:controller";
const PLATFORM_NODE: &str = "this:platform";
const AGGREGATOR: &str = "this:aggregator";

/// Every term of DPV 2.2 that a receipt uses. A test holds the receipts against it.
pub const DPV_TERMS: &[&str] = &[
    "Consent",
    "ConsentExpired",
    "ConsentGiven",
    "ConsentInvalidated",
    "ConsentNotice",
    "ConsentReceipt",
    "ConsentRecord",
    "ConsentRevoked",
    "ConsentWithdrawn",
    "DataController",
    "DataControllerDataSource",
    "DataProcessor",
    "DataSubject",
    "ExplicitlyExpressedConsent",
    "PrivacyNotice",
    "Process",
    "StorageDuration",
    "StorageLocation",
    "ThirdParty",
    "UntilTimeDuration",
    "WithdrawConsent",
    "hasAddress",
    "hasConsentControl",
    "hasConsentStatus",
    "hasContact",
    "hasDataController",
    "hasDataSource",
    "hasDataSubject",
    "hasDuration",
    "hasEntity",
    "hasIdentifier",
    "hasJurisdiction",
    "hasLegalBasis",
    "hasLocation",
    "hasName",
    "hasNotice",
    "hasPersonalData",
    "hasProcess",
    "hasPurpose",
    "hasRecipient",
    "hasStorageCondition",
    "isExercisedAt",
    "isIndicatedAtTime",
    "isIndicatedBy",
];

/// The terms of DPV 2.2's purposes to which ours map. What DPV puts below them (delivery of goods below a requested
/// service, countering money laundering below preventing fraud) is none of the prohibited uses.
pub const DPV_PURPOSES: &[&str] = &[
    "CommunicationForCustomerCare",
    "DeliveryOfGoods",
    "DirectMarketing",
    "FraudPreventionAndDetection",
    "PaymentManagement",
    "RequestedServiceProvision",
];

impl Gateway {
    /// What is known when a consent is given, for its record.
    pub(crate) fn consent_basis(
        &self,
        institution: &InstitutionId,
        evidence: Option<Evidence>,
        notice: Option<String>,
        replaces: Option<ConsentId>,
    ) -> Result<ConsentBasis, FlowError> {
        let known = self.institution(institution)?;
        Ok(ConsentBasis {
            controller: known.controller.clone(),
            aggregator: known.aggregator.clone(),
            recipient: PLATFORM.to_owned(),
            notice,
            lookback_days: LOOKBACK_DAYS,
            evidence,
            replaces,
        })
    }

    /// The receipt of one of the viewer's own consents, as JSON-LD in UTF-8, to be downloaded as
    /// `application/ld+json`. Ended consents have theirs, too.
    ///
    /// # Errors
    /// When the session is over, the consent is not the viewer's, or the store fails.
    pub async fn consent_receipt(&self, cookie: &str, consent: ConsentId) -> Result<Vec<u8>, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let record = self.store.consent_record(viewer.shard, viewer.customer, consent).await?;
        let record = record.ok_or(LinkError::Over)?;
        let withdraw = self.privacy_url();
        let psid = format!("channel:{}:{}", record.consent.channel, record.consent.psid);
        let binding = hex::encode(self.store.keyring().blind(&viewer.institution, &psid));
        let document = receipt(&record, &withdraw, &binding, self.now());
        serde_json::to_vec_pretty(&document).map_err(|_| FlowError::Unreadable("consent").into())
    }
}

fn dpv(term: &str) -> String {
    format!("dpv:{term}")
}

/// A purpose in the vocabulary's short form.
fn purpose_term(purpose: Purpose) -> String {
    dpv(purpose.dpv_term().rsplit('#').next().unwrap_or_default())
}

/// A data cluster as a term of our own: FDX's name.
fn cluster_term(cluster: Cluster) -> String {
    format!("amana:{}", cluster.as_str())
}

fn receipt(record: &ConsentRecord, withdraw: &str, binding: &str, now: Timestamp) -> Value {
    let consent = &record.consent;
    let basis = record.basis();
    let controller = basis.map(|basis| &basis.controller);
    let aggregator = basis.and_then(|basis| basis.aggregator.as_ref());
    let mut recipients = vec![CONTROLLER, PLATFORM_NODE];
    recipients.extend(aggregator.map(|_| AGGREGATOR));
    let (entities, id) = (entities(record), format!("urn:amana:consent-receipt:{}", consent.id));
    let of = |field: fn(&amana_core::Controller) -> Option<&String>| controller.and_then(field);
    let processes: Vec<Value> = consent
        .grants
        .iter()
        .map(|(purpose, grant)| {
            json!({
                "@type": dpv("Process"),
                (dpv("hasIdentifier")): purpose.as_str(),
                (dpv("hasPurpose")): [purpose_term(*purpose)],
                (dpv("hasPersonalData")): grant.clusters.iter().map(cluster_term).collect::<Vec<_>>(),
                (dpv("hasDataSubject")): [CUSTOMER],
                (dpv("hasDataController")): [CONTROLLER],
                (dpv("hasDataSource")): [dpv("DataControllerDataSource")],
                (dpv("hasRecipient")): recipients,
                (dpv("hasLegalBasis")): [dpv("Consent")],
                (dpv("hasStorageCondition")): [
                    {
                        "@type": [dpv("StorageLocation")],
                        (dpv("hasLocation")): of(|c| c.storage.as_ref()),
                    },
                    {
                        "@type": [dpv("StorageDuration")],
                        (dpv("hasDuration")): of(|c| c.retention.as_ref()),
                    },
                ],
                (dpv("hasJurisdiction")): of(|c| c.jurisdiction.as_ref()),
                "amana:form": grant.form,
                "amana:accounts": grant.accounts,
            })
        })
        .collect();
    json!({
        "@context": context(&id),
        "@id": id,
        "@type": dpv("ConsentReceipt"),
        "dct:conformsTo": PROFILE,
        "dct:issued": now.to_string(),
        "dct:source": {
            "@type": dpv("ConsentRecord"),
            "dct:conformsTo": RECORD_PROFILE,
            (dpv("hasIdentifier")): consent.id.to_string(),
            (dpv("hasDataSubject")): CUSTOMER,
            "amana:record-head": record.head,
        },
        "dct:language": consent.lang.tag(),
        (dpv("hasNotice")): [
            {
                "@type": [dpv("ConsentNotice")],
                (dpv("hasIdentifier")): format!("sha256:{}", consent.notice_sha256),
                "dct:language": consent.lang.tag(),
                "dct:date": consent.granted_at.to_string(),
            },
            {
                "@type": [dpv("PrivacyNotice")],
                (dpv("hasLocation")): of(|c| c.privacy_notice.as_ref()),
            },
        ],
        (dpv("hasEntity")): entities,
        (dpv("hasProcess")): processes,
        (dpv("hasConsentStatus")): statuses(record, now),
        (dpv("hasConsentControl")): [{
            "@type": [dpv("WithdrawConsent")],
            (dpv("isExercisedAt")): [withdraw, "the word `stop` in the chat"],
        }],
        "amana:channel-binding": {
            "amana:channel": consent.channel.as_str(),
            "amana:person-blind-index": binding,
        },
        "amana:lookback-days": basis.map(|basis| basis.lookback_days),
        "amana:evidence": basis.and_then(|basis| basis.evidence.as_ref()),
        "amana:replaces": basis.and_then(|basis| basis.replaces),
    })
}

/// What the keys mean (JSON-LD 1.1 §4.1), and which values are no texts but names of things, or instants.
fn context(id: &str) -> Value {
    let (name, instant) = (json!({ "@type": "@id" }), json!({ "@type": "xsd:dateTime" }));
    json!({
        "dpv": "https://w3id.org/dpv#",
        "dct": "http://purl.org/dc/terms/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "amana": "urn:amana:consent-receipt:v1#",
        "this": format!("{id}#"),
        (dpv("hasEntity")): { "@container": "@id" },
        (dpv("hasDataController")): name,
        (dpv("hasDataSource")): name,
        (dpv("hasDataSubject")): name,
        (dpv("hasLegalBasis")): name,
        (dpv("hasPersonalData")): name,
        (dpv("hasPurpose")): name,
        (dpv("hasRecipient")): name,
        (dpv("isIndicatedBy")): name,
        "dct:conformsTo": name,
        "dct:issued": instant,
        "dct:date": instant,
        (dpv("isIndicatedAtTime")): instant,
        "amana:evidence": { "@type": "@json" },
    })
}

/// The parties, by the ids under which the rest of the receipt names them.
fn entities(record: &ConsentRecord) -> Value {
    let (consent, basis) = (&record.consent, record.basis());
    let controller = basis.map(|basis| &basis.controller);
    let of = |field: fn(&amana_core::Controller) -> Option<&String>| controller.and_then(field);
    let mut all = json!({
        CUSTOMER: {
            "@type": [dpv("DataSubject")],
            (dpv("hasIdentifier")): consent.customer.to_string(),
        },
        CONTROLLER: {
            "@type": [dpv("DataController")],
            (dpv("hasIdentifier")): consent.institution.as_str(),
            (dpv("hasName")): controller.map(|c| &c.name),
            (dpv("hasAddress")): of(|c| c.address.as_ref()),
            (dpv("hasContact")): of(|c| c.contact.as_ref()),
            (dpv("hasJurisdiction")): of(|c| c.jurisdiction.as_ref()),
        },
        PLATFORM_NODE: {
            "@type": [dpv("ThirdParty")],
            (dpv("hasIdentifier")): consent.channel.as_str(),
            (dpv("hasName")): basis.map(|basis| &basis.recipient),
        },
    });
    // On the controller's behalf (12 CFR 1033.431). None where the bank itself is asked.
    let aggregator = basis.and_then(|basis| basis.aggregator.as_ref());
    if let (Value::Object(all), Some(aggregator)) = (&mut all, aggregator) {
        let node = json!({ "@type": [dpv("DataProcessor")], (dpv("hasName")): aggregator.name });
        all.insert(AGGREGATOR.to_owned(), node);
    }
    all
}

/// The events as states. One that is past its end is expired, also before the job that ends it has run.
fn statuses(record: &ConsentRecord, now: Timestamp) -> Vec<Value> {
    let mut all: Vec<Value> = record
        .events
        .iter()
        .map(|event| match &event.act {
            ConsentAct::Given { expires_at, .. } => json!({
                "@type": [dpv("ConsentGiven"), dpv("ExplicitlyExpressedConsent")],
                (dpv("isIndicatedAtTime")): event.at.to_string(),
                (dpv("isIndicatedBy")): CUSTOMER,
                (dpv("isExercisedAt")): "the bank's consent page, after the bank's own sign-in",
                (dpv("hasDuration")): {
                    "@type": [dpv("UntilTimeDuration")],
                    "rdf:value": expires_at.to_string(),
                },
                "amana:previous-event": event.prev,
            }),
            ConsentAct::Ended { why } => {
                let (state, by) = match why {
                    ConsentEnd::Withdrawn | ConsentEnd::Replaced | ConsentEnd::Renewed => {
                        ("ConsentWithdrawn", Some(CUSTOMER))
                    }
                    ConsentEnd::Expired => ("ConsentExpired", None),
                    ConsentEnd::Unconfirmed => ("ConsentInvalidated", None),
                    ConsentEnd::AtBank => ("ConsentRevoked", Some(CONTROLLER)),
                };
                json!({
                    "@type": [dpv(state)],
                    (dpv("isIndicatedAtTime")): event.at.to_string(),
                    (dpv("isIndicatedBy")): by,
                    "amana:why": why,
                    "amana:previous-event": event.prev,
                })
            }
        })
        .collect();
    if record.ended().is_none() && now >= record.consent.expires_at {
        all.push(json!({
            "@type": [dpv("ConsentExpired")],
            (dpv("isIndicatedAtTime")): record.consent.expires_at.to_string(),
        }));
    }
    all
}
