//! The record of a consent: its events, append-only and chained, and what was known when it was given. The fields are
//! those of ISO/IEC TS 27560:2023 with clusters, form, accounts and the channel's binding.

use crate::ids::sha256;
use crate::{Aggregator, Consent, ConsentId, ConsentState, Controller, Lang, Timestamp};
use serde::{Deserialize, Serialize};

/// How the customer proved to the bank who they are: never a text of the chat. From the verified ID token (`OpenID
/// Connect` Core §2); hashes stand for what identifies the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who vouches: the token's `iss`.
    pub issuer: String,
    /// When the customer signed in.
    pub auth_time: Option<Timestamp>,
    /// The class of the sign-in (`acr`), in the bank's own words.
    pub acr: Option<String>,
    /// The methods of the sign-in (`amr`).
    pub amr: Vec<String>,
    /// SHA-256 of the token's `jti`, in hex, if it has one.
    pub jti_sha256: Option<String>,
    /// SHA-256 of the whole token, in hex: the bank can be held to it.
    pub token_sha256: String,
}

/// What was known when a consent was given, beside what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentBasis {
    /// Who answers for it.
    pub controller: Controller,
    /// Who else learns of it: the platform of the chat.
    pub recipient: String,
    /// The exact text that was shown, whose hash the event names: the customer's copy (12 CFR 1033.411, 1033.441).
    /// `None` where nothing was shown: see `replaces`.
    pub notice: Option<String>,
    /// How far back the bank was asked to show transactions, in days.
    pub lookback_days: u32,
    /// The bank-side proof of who consented; `None` where the bank gives no ID token.
    pub evidence: Option<Evidence>,
    /// The consent that this one goes on from, where one purpose was taken back and the rest granted anew.
    pub replaces: Option<ConsentId>,
    /// Through whom the bank is read, if it is not asked itself (12 CFR 1033.431).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregator: Option<Aggregator>,
}

/// Why a consent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentEnd {
    /// The customer took it back.
    Withdrawn,
    /// The customer took back a part of it: another one holds for the rest.
    Replaced,
    /// The customer gave it anew, by renewing it or by linking again.
    Renewed,
    /// Its time was over.
    Expired,
    /// The platform never confirmed whose chat it is.
    Unconfirmed,
    /// The bank does not stand behind it any more: it was taken back there, by the customer or by the bank.
    AtBank,
}

impl ConsentEnd {
    /// All.
    pub const ALL: &'static [Self] =
        &[Self::Withdrawn, Self::Replaced, Self::Renewed, Self::Expired, Self::Unconfirmed, Self::AtBank];

    /// The stable word, as receipts and events have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Replaced => "replaced",
            Self::Renewed => "renewed",
            Self::Expired => "expired",
            Self::Unconfirmed => "unconfirmed",
            Self::AtBank => "at-bank",
        }
    }
}

/// What happened to a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum ConsentAct {
    /// It was given on the bank's authenticated surface.
    Given {
        /// SHA-256 of the exact text that was shown, in hex.
        notice_sha256: String,
        /// The language of that text.
        lang: Lang,
        /// Until when it is valid.
        expires_at: Timestamp,
        /// What was known.
        basis: Box<ConsentBasis>,
    },
    /// It ended.
    Ended {
        /// Why.
        why: ConsentEnd,
    },
}

/// One event of a consent. Its JSON bytes are kept as they are; the next event names their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEvent {
    /// The version of this form.
    pub v: u8,
    /// Whose event.
    pub consent: ConsentId,
    /// Its number among the consent's events, from 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the previous event's bytes, in hex; zeros for the first.
    pub prev: String,
    /// What happened.
    #[serde(flatten)]
    pub act: ConsentAct,
}

/// The version of [`ConsentEvent`]'s form.
pub const CONSENT_EVENT_V: u8 = 1;

/// A consent with all its events, the chain between them checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// What it allows, as it stands now.
    pub consent: Consent,
    /// What happened to it, oldest first.
    pub events: Vec<ConsentEvent>,
    /// SHA-256 of the last event's bytes, in hex.
    pub head: String,
}

/// A record that is not what was written: an event is missing, changed or out of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the events of a consent do not chain: one is missing, changed or out of place")]
pub struct BrokenRecord;

/// The hash that the first event names.
#[must_use]
pub fn no_event() -> String {
    "0".repeat(64)
}

/// The hash of an event's bytes, as the next one names it.
#[must_use]
pub fn event_hash(bytes: &[u8]) -> String {
    hex::encode(sha256(&[bytes]))
}

impl ConsentRecord {
    /// The record of a consent and its events with the hashes of their bytes, oldest first.
    ///
    /// # Errors
    /// When the events do not chain, are of another consent, or do not lead to where the consent stands.
    pub fn of(consent: Consent, events: Vec<(ConsentEvent, String)>) -> Result<Self, BrokenRecord> {
        let mut head = no_event();
        for (number, (event, hash)) in (1..).zip(&events) {
            if event.number != number || event.consent != consent.id || event.prev != head {
                return Err(BrokenRecord);
            }
            // Given once, at the beginning; then it can only end.
            let given = matches!(event.act, ConsentAct::Given { .. });
            if given != (number == 1) {
                return Err(BrokenRecord);
            }
            head.clone_from(hash);
        }
        let record = Self { consent, events: events.into_iter().map(|(event, _)| event).collect(), head };
        if record.events.is_empty() || record.state() != record.consent.state {
            return Err(BrokenRecord);
        }
        Ok(record)
    }

    /// Where it stands: the fold of its events.
    #[must_use]
    pub fn state(&self) -> ConsentState {
        if self.ended().is_some() { ConsentState::Revoked } else { ConsentState::Active }
    }

    /// When and why it ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<(Timestamp, ConsentEnd)> {
        self.events.iter().find_map(|event| match event.act {
            ConsentAct::Ended { why } => Some((event.at, why)),
            ConsentAct::Given { .. } => None,
        })
    }

    /// What was known when it was given.
    #[must_use]
    pub fn basis(&self) -> Option<&ConsentBasis> {
        self.events.iter().find_map(|event| match &event.act {
            ConsentAct::Given { basis, .. } => Some(&**basis),
            ConsentAct::Ended { .. } => None,
        })
    }
}
