//! Receipts: the record of a disclosure, a denial, a consent event, an outcome. The format is `disclosure-log.md`'s.

use amana_core::{AgreementId, ChannelId, Clusters, ConsentId, Form, InstitutionId, Purpose, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What a receipt records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptKind {
    /// Protected data was released.
    Disclosure,
    /// What became of it at the platform.
    Outcome,
    /// A release was refused.
    Denial,
    /// A consent was given.
    Consent,
    /// A consent was taken back.
    Revocation,
    /// The customer's keys were destroyed.
    Erasure,
    /// The customer or an agent looked.
    View,
    /// A message in the customer's chat that is not of ours, or what came of one.
    Sighting,
}

/// Who received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// The customer.
    Customer,
    /// A human of the bank, by pseudonym.
    Agent(String),
}

/// A receipt that has not been given its place among the customer's receipts yet: the store's writer does that, inside
/// the commit, so that numbers have no gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptDraft {
    /// What it records.
    pub kind: ReceiptKind,
    /// The institution.
    pub institution: InstitutionId,
    /// The agreement that allowed it.
    pub agreement: Option<AgreementId>,
    /// The consent that allowed it, and SHA-256 of the consent's record in hex.
    pub consent: Option<(ConsentId, String)>,
    /// Why.
    pub purpose: Option<Purpose>,
    /// What kinds of data.
    pub clusters: Clusters,
    /// By which channel.
    pub channel: Option<ChannelId>,
    /// To whom.
    pub recipient: Recipient,
    /// How much of it the platform could see.
    pub form: Option<Form>,
    /// Which message template; for a denial the reason, for an outcome what became of it, for a sighting what it is.
    pub template: Option<String>,
    /// SHA-256 of the exact bytes handed to the platform, in hex.
    pub payload_sha256: Option<String>,
    /// SHA-256 of the policy set that was asked, in hex.
    pub policy_set_sha256: Option<String>,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// A receipt with its place: the exact bytes, and their hash for the next one's `prev`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedReceipt {
    /// Its number among the customer's receipts, from 1.
    pub seq: u64,
    /// Canonical JSON (RFC 8785), UTF-8.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
}

/// Room for most receipts, in bytes, so that writing one does not move it about.
const RECEIPT_BYTES: usize = 1_024;

/// The wire form. Fields stand in the order that RFC 8785 asks (sorted by name); all values are strings, small
/// integers, arrays of strings, or null, for which `serde_json`'s compact output is the canonical one.
#[derive(Serialize)]
struct Wire<'a> {
    agreement: Option<String>,
    channel: Option<&'a str>,
    clusters: Vec<&'static str>,
    consent: Option<WireConsent<'a>>,
    decided_at: String,
    form: Option<&'static str>,
    institution: &'a str,
    kind: ReceiptKind,
    n: u64,
    payload_sha256: Option<&'a str>,
    policy_set_sha256: Option<&'a str>,
    prev: String,
    purpose: Option<&'static str>,
    recipient: String,
    segment: u64,
    seq: u64,
    template: Option<&'a str>,
    v: u8,
}

#[derive(Serialize)]
struct WireConsent<'a> {
    hash: &'a str,
    id: String,
}

impl ReceiptDraft {
    /// A receipt of this kind with nothing else in it: what it is about is put in by who makes one.
    #[must_use]
    pub fn bare(kind: ReceiptKind, institution: InstitutionId, recipient: Recipient, at: Timestamp) -> Self {
        Self {
            kind,
            institution,
            agreement: None,
            consent: None,
            purpose: None,
            clusters: Clusters::default(),
            channel: None,
            recipient,
            form: None,
            template: None,
            payload_sha256: None,
            policy_set_sha256: None,
            decided_at: at,
        }
    }

    /// Gives the receipt its place: number `seq`, after the receipt whose bytes hash to `prev` (32 zero bytes for the
    /// first), and in the log number `n` of the customer's receipts in `segment`.
    #[must_use]
    pub fn seal(&self, seq: u64, prev: [u8; 32], (segment, n): (u64, u64)) -> SealedReceipt {
        let mut clusters: Vec<_> = self.clusters.iter().map(amana_core::Cluster::as_str).collect();
        clusters.sort_unstable();
        let wire = Wire {
            agreement: self.agreement.map(|id| id.to_string()),
            channel: self.channel.as_ref().map(ChannelId::as_str),
            clusters,
            consent: self.consent.as_ref().map(|(id, hash)| WireConsent { hash, id: id.to_string() }),
            decided_at: self.decided_at.to_string(),
            form: self.form.map(Form::as_str),
            institution: self.institution.as_str(),
            kind: self.kind,
            n,
            payload_sha256: self.payload_sha256.as_deref(),
            policy_set_sha256: self.policy_set_sha256.as_deref(),
            prev: STANDARD.encode(prev),
            purpose: self.purpose.map(Purpose::as_str),
            recipient: match &self.recipient {
                Recipient::Customer => "customer".to_owned(),
                Recipient::Agent(pseudonym) => format!("agent:{pseudonym}"),
            },
            segment,
            seq,
            template: self.template.as_deref(),
            v: 1,
        };
        // Serialising strings and integers into memory has no failing case.
        let mut bytes = Vec::with_capacity(RECEIPT_BYTES);
        if serde_json::to_writer(&mut bytes, &wire).is_err() {
            bytes.clear();
        }
        let hash = amana_core::ids::sha256(&[&bytes]);
        SealedReceipt { seq, bytes, hash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::Cluster;

    #[test]
    fn a_receipt_is_canonical_and_chained() {
        let draft = ReceiptDraft {
            kind: ReceiptKind::Disclosure,
            institution: InstitutionId::new("cedar-bank").expect("id"),
            agreement: None,
            consent: None,
            purpose: Some(Purpose::BalanceOnRequest),
            clusters: Clusters::of(&[Cluster::Balances, Cluster::AccountBasic]),
            channel: Some(ChannelId::new("1001").expect("id")),
            recipient: Recipient::Customer,
            form: Some(Form::Detail),
            template: Some("balance".into()),
            payload_sha256: Some("00".into()),
            policy_set_sha256: None,
            decided_at: "2026-11-24T10:00:00Z".parse().expect("instant"),
        };
        let first = draft.seal(1, [0; 32], (3, 7));
        let text = String::from_utf8(first.bytes.clone()).expect("UTF-8");
        assert_eq!(
            text,
            concat!(
                r#"{"agreement":null,"channel":"1001","clusters":["ACCOUNT_BASIC","BALANCES"],"consent":null,"#,
                r#""decided_at":"2026-11-24T10:00:00Z","form":"detail","institution":"cedar-bank","kind":"disclosure","#,
                r#""n":7,"payload_sha256":"00","policy_set_sha256":null,"#,
                r#""prev":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","purpose":"BalanceOnRequest","#,
                r#""recipient":"customer","segment":3,"seq":1,"template":"balance","v":1}"#
            )
        );
        // Canonical: keys in order, which a parse into a sorted map shows.
        let sorted: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&text).expect("JSON");
        assert_eq!(serde_json::to_string(&sorted).expect("JSON"), text);
        let second = draft.seal(2, first.hash, (3, 8));
        assert!(String::from_utf8_lossy(&second.bytes).contains(&STANDARD.encode(first.hash)));
    }
}
