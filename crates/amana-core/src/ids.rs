//! Typed ids. Ours are prefixed and in time order (UUIDv7); those of banks and platforms are opaque, bounded strings.

use crate::{Clock, Entropy, Timestamp, micros};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The longest foreign id that is accepted, in bytes. FDX allows 256 characters; Messenger's are below 40.
pub const FOREIGN_ID_BYTES_MAX: usize = 256;
/// The number of logical shards. Every hot table's key begins with one; nodes lease them (`design.md` §6).
pub const SHARDS: u16 = 4096;

/// A text that is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {what}: expected {expected}")]
pub struct IdError {
    given: String,
    what: &'static str,
    expected: &'static str,
}

impl IdError {
    fn new(given: &str, what: &'static str, expected: &'static str) -> Self {
        Self { given: given.chars().take(64).collect(), what, expected }
    }
}

/// A new UUIDv7 from the given clock and randomness.
#[must_use]
pub fn new_v7(clock: &dyn Clock, entropy: &dyn Entropy) -> Uuid {
    let random: [u8; 10] = entropy.array();
    let millis = u64::try_from(micros(clock.now()) / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one, in time order.
            #[must_use]
            pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Self { Self(new_v7(clock, entropy)) }
            /// The one of these 16 bytes (as a store keeps it).
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self { Self(Uuid::from_bytes(bytes)) }
            /// Its 16 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] { self.0.as_bytes() }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(s: &str) -> Result<Self, IdError> {
                s.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| IdError::new(s, stringify!($name), concat!("`", $prefix, "_` and 32 hex digits")))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

own_id!(
    /// A person who holds accounts at one institution.
    CustomerId, "cus"
);
own_id!(
    /// A chat identity bound to a customer at one institution.
    LinkId, "lnk"
);
own_id!(
    /// What a customer allows on a link.
    ConsentId, "con"
);
own_id!(
    /// What an institution lets a channel carry.
    AgreementId, "agr"
);
own_id!(
    /// One outgoing message; it travels as the platform's `metadata`, so that an echo names its row.
    MessageId, "msg"
);

macro_rules! foreign_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes it as it came, bounded.
            ///
            /// # Errors
            /// When it is empty, longer than [`FOREIGN_ID_BYTES_MAX`] or holds a control character.
            pub fn new(value: impl Into<String>) -> Result<Self, IdError> {
                let value = value.into();
                if value.is_empty() || value.len() > FOREIGN_ID_BYTES_MAX || value.chars().any(char::is_control) {
                    return Err(IdError::new(&value, $what, "1 to 256 bytes without control characters"));
                }
                Ok(Self(value))
            }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(s: &str) -> Result<Self, IdError> { Self::new(s) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

foreign_id!(
    /// A bank connected as a data provider: the `id` of its `[[institution]]` in the configuration.
    InstitutionId, "an institution id"
);
foreign_id!(
    /// A connected account of a platform: the id of a Facebook Page.
    ChannelId, "a channel id"
);
foreign_id!(
    /// A person on a channel: Messenger's page-scoped id.
    Psid, "a page-scoped id"
);
foreign_id!(
    /// An account, as the institution names it to us (FDX `accountId`): opaque, not an account number.
    AccountId, "an account id"
);

/// A conversation: one person on one channel. Order is kept within it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId {
    /// The channel.
    pub channel: ChannelId,
    /// The person on it.
    pub psid: Psid,
}

impl ConversationId {
    /// The shard of everything that belongs to the conversation, and of a customer first linked in it.
    #[must_use]
    pub fn shard(&self) -> Shard {
        let hash = sha256(&[
            b"amana/shard/v1",
            self.channel.as_str().as_bytes(),
            b"\0",
            self.psid.as_str().as_bytes(),
        ]);
        Shard(u16::from_be_bytes([hash[0], hash[1]]) % SHARDS)
    }
}

/// One of the [`SHARDS`] logical shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shard(pub u16);

/// The key under which an event is stored once: 48 bits of the event's own time, then a hash of where it came from
/// and what it is called there. A redelivery has the same time and name, so it collides; time order makes inserts
/// local, which is worth 7 to 9 times the write rate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(pub [u8; 32]);

impl EventKey {
    /// The key of the event that `source` calls `name` and dates `occurred`. The time must be one that the source
    /// never changes on redelivery; where a source has none (Messenger redelivers with a new timestamp), give
    /// `None`.
    #[must_use]
    pub fn new(occurred: Option<Timestamp>, source: &str, name: &str) -> Self {
        let hash = sha256(&[
            b"amana/event/v1",
            &(source.len() as u64).to_be_bytes(),
            source.as_bytes(),
            name.as_bytes(),
        ]);
        let millis = occurred.map_or(0, |at| u64::try_from(micros(at) / 1000).unwrap_or(0));
        let mut key = [0u8; 32];
        for (to, from) in key.iter_mut().zip(millis.to_be_bytes().iter().skip(2).chain(&hash)) {
            *to = *from;
        }
        Self(key)
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// SHA-256 over the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// SHA-256 of one text, for looking up a token by its hash.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, SeededEntropy};

    #[test]
    fn own_ids_are_prefixed_ordered_and_parsed_strictly() {
        let clock = ManualClock::at("2026-11-24T10:00:00Z".parse().expect("instant"));
        let entropy = SeededEntropy::new(1);
        let first = CustomerId::new(&clock, &entropy);
        clock.advance_s(1);
        let second = CustomerId::new(&clock, &entropy);
        assert!(first < second);
        assert_eq!(first.to_string().parse::<CustomerId>().as_ref(), Ok(&first));
        assert!(first.to_string().replace("cus", "lnk").parse::<CustomerId>().is_err());
        assert!("cus_12".parse::<CustomerId>().is_err());
    }

    #[test]
    fn foreign_ids_are_bounded() {
        assert!(Psid::new("").is_err());
        assert!(Psid::new("a\nb").is_err());
        assert!(Psid::new("9".repeat(257)).is_err());
        assert!(Psid::new("24601").is_ok());
    }

    #[test]
    fn a_redelivery_collides_and_later_events_sort_later() {
        let at = |s: &str| Some(s.parse().expect("instant"));
        let a = EventKey::new(at("2026-11-24T10:00:00Z"), "bank", "1");
        assert_eq!(a, EventKey::new(at("2026-11-24T10:00:00Z"), "bank", "1"));
        assert_ne!(a, EventKey::new(at("2026-11-24T10:00:00Z"), "ban", "k1"));
        assert!(a < EventKey::new(at("2026-11-24T10:00:01Z"), "bank", "0"));
    }
}
