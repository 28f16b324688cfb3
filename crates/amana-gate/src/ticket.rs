//! Egress tickets: the gate's signature over bytes that may leave now, and the guard that checks it where they leave.
//!
//! An outbox row's own ticket is a MAC, and whoever could check it could make one. An egress ticket is signed
//! (Ed25519), so that the process which holds the platform's token holds nothing with which it could allow itself a
//! message: it has the verifying key alone.
//!
//! What a ticket vouches for: the SHA-256 of the bytes, the recipient, the message, whose data it is, for which purpose
//! and on which link (so that egress can look once more whether that is stopped or unbound), a serial number, and a
//! minute's time.

use crate::limits::{EGRESS_BODY_BYTES_MAX, EGRESS_CLOCK_SKEW, EGRESS_TICKET_LIFE, EGRESS_TICKETS_MAX};
use crate::release::Released;
use amana_core::ids::sha256;
use amana_core::{
    Address, CustomerId, InstitutionId, KillSwitches, LinkId, MessageId, Purpose, Timestamp, micros,
};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whose data a message holds, and on which link it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketSubject {
    /// From which institution.
    pub institution: InstitutionId,
    /// Whose.
    pub customer: CustomerId,
    /// The link: the binding of the customer to the recipient. When it ends, so do its tickets.
    pub link: LinkId,
    /// For which purpose. None for what a human wrote: no data of the bank's, so no purpose.
    pub purpose: Option<Purpose>,
}

/// The gate's word that these bytes may leave, to this recipient, once, within a minute. It is no secret: it holds ids
/// and a hash, and is of no use without the bytes and the platform's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgressTicket {
    message: MessageId,
    recipient: Address,
    /// None for a message that holds no bank data, unless a human wrote it: then every active link of the chat.
    subjects: Vec<TicketSubject>,
    #[serde(with = "hex_bytes")]
    payload_sha256: [u8; 32],
    serial: u64,
    issued_us: i64,
    expires_us: i64,
    #[serde(with = "hex_bytes")]
    signature: [u8; 64],
}

/// Why egress sends nothing. It names no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum TicketError {
    /// The signature is not the gate's, or not over this ticket.
    #[error("the egress ticket is not the gate's")]
    Forged,
    /// The bytes are not those that the ticket was made for.
    #[error("the egress ticket is for other bytes")]
    OtherBytes,
    /// Its time is over.
    #[error("the egress ticket is over")]
    Expired,
    /// It is from before this egress began, or from the future: what was used before cannot be known.
    #[error("the egress ticket is not of this time")]
    NotOfThisTime,
    /// It was used.
    #[error("the egress ticket was used already")]
    Used,
    /// So many tickets are in use that no more can be remembered.
    #[error("too many egress tickets at once")]
    TooMany,
    /// The bytes are more than any message.
    #[error("the message is too large")]
    TooLarge,
    /// A kill switch is on.
    #[error("a kill switch is on")]
    Killed,
    /// The link on which it goes has ended.
    #[error("the link that the egress ticket names has ended")]
    Unbound,
    /// It could not be looked up whether a switch is on or the link has ended.
    #[error("the kill switches cannot be read")]
    NoAnswer,
}

impl TicketError {
    /// A stable word for receipts and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forged => "ticket-forged",
            Self::OtherBytes => "ticket-other-bytes",
            Self::Expired => "ticket-expired",
            Self::NotOfThisTime => "ticket-not-of-this-time",
            Self::Used => "ticket-used",
            Self::TooMany => "ticket-too-many",
            Self::TooLarge => "ticket-too-large",
            Self::Killed => "killed",
            Self::Unbound => "unbound",
            Self::NoAnswer => "no-answer",
        }
    }
}

impl EgressTicket {
    /// The message; an echo names it.
    #[must_use]
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// To whom it goes.
    #[must_use]
    pub fn recipient(&self) -> &Address {
        &self.recipient
    }

    /// Whose data it is, or whose chat a human wrote in; nobody's for other messages without bank data.
    #[must_use]
    pub fn subjects(&self) -> &[TicketSubject] {
        &self.subjects
    }

    /// Whether a switch that is on stops this message.
    #[must_use]
    pub fn is_stopped(&self, kills: &KillSwitches) -> bool {
        let channel = &self.recipient.channel;
        kills.stop_channel(channel)
            || self
                .subjects
                .iter()
                .any(|of| kills.stop(&of.institution, channel, of.customer, of.purpose).is_some())
    }

    /// What is signed: every field, each with its length, so that none can be taken for another.
    fn signed_bytes(&self) -> Vec<u8> {
        let (serial, issued, expires) =
            (self.serial.to_be_bytes(), self.issued_us.to_be_bytes(), self.expires_us.to_be_bytes());
        let mut parts: Vec<&[u8]> = vec![
            b"amana/egress-ticket/v1",
            self.message.as_bytes(),
            self.recipient.channel.as_str().as_bytes(),
            self.recipient.psid.as_str().as_bytes(),
            &self.payload_sha256,
            &serial,
            &issued,
            &expires,
        ];
        for of in &self.subjects {
            let (customer, link) = (of.customer.as_bytes().as_slice(), of.link.as_bytes().as_slice());
            let purpose = of.purpose.map_or("", Purpose::as_str).as_bytes();
            parts.extend([of.institution.as_str().as_bytes(), customer, link, purpose]);
        }
        parts
            .iter()
            .flat_map(|p| (p.len() as u64).to_be_bytes().into_iter().chain(p.iter().copied()))
            .collect()
    }
}

/// The gate's signing key for egress tickets, and the number of the next.
pub(crate) struct TicketSigner {
    key: Option<Ed25519KeyPair>,
    serial: AtomicU64,
}

impl TicketSigner {
    /// The signer of this seed.
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        // Any 32 bytes are a seed. Without a key nothing is signed, so nothing leaves.
        Self { key: Ed25519KeyPair::from_seed_unchecked(seed).ok(), serial: AtomicU64::new(1) }
    }

    /// The key by which egress checks; `None` if there is no key.
    pub(crate) fn verifying_key(&self) -> Option<[u8; 32]> {
        self.key.as_ref()?.public_key().as_ref().try_into().ok()
    }

    /// Signs for bytes of this hash.
    pub(crate) fn sign(
        &self,
        message: MessageId,
        recipient: Address,
        subjects: Vec<TicketSubject>,
        payload_sha256: [u8; 32],
        now: Timestamp,
    ) -> Option<EgressTicket> {
        let issued_us = micros(now);
        let mut ticket = EgressTicket {
            message,
            recipient,
            subjects,
            payload_sha256,
            serial: self.serial.fetch_add(1, Ordering::Relaxed),
            issued_us,
            expires_us: issued_us.saturating_add(in_micros(EGRESS_TICKET_LIFE)),
            signature: [0; 64],
        };
        ticket.signature = self.key.as_ref()?.sign(&ticket.signed_bytes()).as_ref().try_into().ok()?;
        Some(ticket)
    }
}

fn in_micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Bytes with their ticket on the way from the gate's process to egress's. As closed as [`Released`]: it is written to
/// that socket and read from it, and nothing else.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "released bytes are sent or dropped, once"]
pub struct EgressFrame {
    pub(crate) ticket: EgressTicket,
    /// The exact bytes for the platform: they are in clear, as the platform will see them.
    #[serde(with = "base64_bytes")]
    pub(crate) body: Vec<u8>,
}

/// Checks tickets where bytes leave. It holds no secret: the gate's verifying key, and the tickets that were used.
pub struct TicketGuard {
    key: UnparsedPublicKey<[u8; 32]>,
    since_us: i64,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    known: HashSet<[u8; 32]>,
    /// The same, in the order in which they end.
    ends: BTreeSet<(i64, [u8; 32])>,
}

impl TicketGuard {
    /// The guard that believes this key. Tickets from before `began` are refused, since it cannot know which of them
    /// were used.
    #[must_use]
    pub fn new(verifying_key: [u8; 32], began: Timestamp) -> Self {
        Self {
            key: UnparsedPublicKey::new(&ED25519, verifying_key),
            since_us: micros(began),
            used: Mutex::default(),
        }
    }

    /// Uses a ticket up for the bytes that come with it. The caller looks at the kill switches after this, and sends at
    /// once.
    ///
    /// # Errors
    /// The first thing that is wrong. Only a good ticket is used up.
    pub fn admit(&self, frame: EgressFrame, now: Timestamp) -> Result<Released, TicketError> {
        let EgressFrame { ticket, body } = frame;
        let signed = ticket.signed_bytes();
        self.key.verify(&signed, &ticket.signature).map_err(|_| TicketError::Forged)?;
        if body.len() > EGRESS_BODY_BYTES_MAX {
            return Err(TicketError::TooLarge);
        }
        if sha256(&[&body]) != ticket.payload_sha256 {
            return Err(TicketError::OtherBytes);
        }
        self.in_time(&ticket, now)?;
        self.use_up(sha256(&[&signed]), ticket.expires_us, micros(now))?;
        Ok(Released::admitted(ticket, body))
    }

    /// Whether the ticket's time is not over.
    ///
    /// # Errors
    /// When it is, or the ticket is of another time.
    pub fn in_time(&self, ticket: &EgressTicket, now: Timestamp) -> Result<(), TicketError> {
        let now = micros(now);
        if now >= ticket.expires_us {
            return Err(TicketError::Expired);
        }
        // The gate gives a minute; a signature over more would be a mistake of ours, and is not believed.
        let too_long = ticket.expires_us.saturating_sub(ticket.issued_us) > in_micros(EGRESS_TICKET_LIFE);
        let ahead = ticket.issued_us.saturating_sub(now) > in_micros(EGRESS_CLOCK_SKEW);
        if too_long || ahead || ticket.issued_us < self.since_us {
            return Err(TicketError::NotOfThisTime);
        }
        Ok(())
    }

    fn use_up(&self, id: [u8; 32], expires_us: i64, now_us: i64) -> Result<(), TicketError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(&(end, over)) = used.ends.first() {
            if end > now_us {
                break;
            }
            used.ends.remove(&(end, over));
            used.known.remove(&over);
        }
        if used.known.contains(&id) {
            return Err(TicketError::Used);
        }
        if used.known.len() >= EGRESS_TICKETS_MAX {
            return Err(TicketError::TooMany);
        }
        used.known.insert(id);
        used.ends.insert((expires_us, id));
        Ok(())
    }
}

mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(d: D) -> Result<[u8; N], D::Error> {
        let mut bytes = [0; N];
        hex::decode_to_slice(String::deserialize(d)?, &mut bytes)
            .map_err(|_| D::Error::custom("expected hex digits of the right number"))?;
        Ok(bytes)
    }
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(d)?).map_err(|_| D::Error::custom("expected base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{ChannelId, Psid, from_micros};

    const NOW: i64 = 1_795_000_000_000_000;

    fn signed(signer: &TicketSigner, body: &[u8], issued_us: i64) -> EgressFrame {
        let recipient =
            Address { channel: ChannelId::new("1001").expect("an id"), psid: Psid::new("2").expect("an id") };
        let message = MessageId::from_bytes([4; 16]);
        let ticket = signer.sign(message, recipient, Vec::new(), sha256(&[body]), from_micros(issued_us));
        EgressFrame { ticket: ticket.expect("signed"), body: body.to_vec() }
    }

    fn resigned(
        signer: &TicketSigner,
        mut frame: EgressFrame,
        change: impl FnOnce(&mut EgressTicket),
    ) -> EgressFrame {
        change(&mut frame.ticket);
        let signature = signer.key.as_ref().expect("a key").sign(&frame.ticket.signed_bytes());
        frame.ticket.signature = signature.as_ref().try_into().expect("64 bytes");
        frame
    }

    fn rig() -> (TicketSigner, TicketGuard) {
        let signer = TicketSigner::new(&[6; 32]);
        let guard = TicketGuard::new(signer.verifying_key().expect("a key"), from_micros(NOW));
        (signer, guard)
    }

    /// Each bound to the last byte and microsecond.
    #[test]
    fn the_bounds_are_where_they_are_said_to_be() {
        let (signer, guard) = rig();
        let at = |us: i64| from_micros(us);
        assert_eq!((EGRESS_BODY_BYTES_MAX, in_micros(EGRESS_TICKET_LIFE)), (262_144, 60_000_000));
        let largest = signed(&signer, &vec![7; EGRESS_BODY_BYTES_MAX], NOW);
        assert!(guard.admit(largest, at(NOW)).is_ok());
        let larger = signed(&signer, &vec![7; EGRESS_BODY_BYTES_MAX + 1], NOW);
        assert_eq!(guard.admit(larger, at(NOW)).err(), Some(TicketError::TooLarge));

        let skew = in_micros(EGRESS_CLOCK_SKEW);
        assert!(guard.admit(signed(&signer, b"a", NOW + skew), at(NOW)).is_ok());
        let ahead = signed(&signer, b"b", NOW + skew + 1);
        assert_eq!(guard.admit(ahead, at(NOW)).err(), Some(TicketError::NotOfThisTime));
        let longer = resigned(&signer, signed(&signer, b"c", NOW), |ticket| ticket.expires_us += 1);
        assert_eq!(guard.admit(longer, at(NOW)).err(), Some(TicketError::NotOfThisTime));
        let shorter = resigned(&signer, signed(&signer, b"d", NOW), |ticket| ticket.expires_us -= 1);
        assert!(guard.admit(shorter, at(NOW)).is_ok());
        let end = NOW + in_micros(EGRESS_TICKET_LIFE);
        assert!(guard.admit(signed(&signer, b"e", NOW), at(end - 1)).is_ok());
        assert_eq!(guard.admit(signed(&signer, b"f", NOW), at(end)).err(), Some(TicketError::Expired));
    }

    /// A ticket that is over is forgotten at its end, and not before.
    #[test]
    fn what_is_over_is_forgotten() {
        let (signer, guard) = rig();
        let life = in_micros(EGRESS_TICKET_LIFE);
        let known = || guard.used.lock().expect("whole").known.len();
        assert!(guard.admit(signed(&signer, b"a", NOW), from_micros(NOW)).is_ok());
        assert!(guard.admit(signed(&signer, b"b", NOW + 1), from_micros(NOW + life - 1)).is_ok());
        assert_eq!(known(), 2);
        assert!(guard.admit(signed(&signer, b"c", NOW + 2), from_micros(NOW + life)).is_ok());
        assert_eq!(known(), 2, "the first is over");
    }

    /// The words stand in receipts and metrics: they do not change.
    #[test]
    fn the_words_of_refusals() {
        use TicketError::{
            Expired, Forged, Killed, NoAnswer, NotOfThisTime, OtherBytes, TooLarge, TooMany, Unbound, Used,
        };
        let all =
            [Forged, OtherBytes, Expired, NotOfThisTime, Used, TooMany, TooLarge, Killed, Unbound, NoAnswer];
        let words: Vec<_> = all.iter().map(|error| error.as_str()).collect();
        let said = "ticket-forged ticket-other-bytes ticket-expired ticket-not-of-this-time ticket-used \
                    ticket-too-many ticket-too-large killed unbound no-answer";
        assert_eq!(words.join(" "), said);
    }
}
