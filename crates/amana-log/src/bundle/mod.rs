//! The customer's bundle: everything that proves which receipts there are, in one JSON document
//! (`docs/disclosure-log.md`, "The customer's bundle").

mod build;
mod saved;
mod strict;
mod verify;

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::BUNDLE_MAX_BYTES;
use crate::merkle::Hash;
use crate::{LogError, bytes};

pub use build::{Parts, Receipts, SegmentPart, build};
pub use saved::{After, Mine, Saved};
pub use verify::{Rejected, Rule, Trust, Verified, verify};

/// A bundle. Without `Debug`: it holds the customer's key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Bundle {
    /// The format's version, 1.
    #[serde(with = "whole")]
    pub v: u64,
    /// The log's key in its text form.
    pub vkey: String,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
    /// The customer's key.
    #[serde(with = "hash")]
    pub key: Hash,
    /// All segments from 0, or from where the part before ended, to the open one; with `more`, to that of the next
    /// part's first receipt.
    #[serde(deserialize_with = "objects")]
    pub segments: Vec<Segment>,
    /// All receipts, in the order of `seq`; in a part, its own.
    #[serde(deserialize_with = "objects")]
    pub receipts: Vec<Receipt>,
    /// The last checkpoint that the customer saved.
    #[serde(default, deserialize_with = "perhaps_object")]
    pub since: Option<Since>,
    /// Where this part begins; `None` for one that begins with the first receipt.
    #[serde(default, deserialize_with = "perhaps_object")]
    pub after: Option<After>,
    /// Whether another part follows.
    #[serde(default)]
    pub more: bool,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// When the text is not of a bundle's shape; its content is [`verify`]'s.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        Self::read(text).map_err(|_| LogError::Bundle { what: "it is not JSON of a bundle's shape" })
    }

    /// Reads a bundle; where that fails, says where and never what, since the text holds a key.
    fn read(text: &str) -> Result<Self, String> {
        if text.len() > BUNDLE_MAX_BYTES {
            return Err("it is too long".to_owned());
        }
        strict::check(text)
            .map_err(|at| format!("it is not the JSON that the format takes, at byte {at}"))?;
        let bundle: Self = serde_json::from_str(text).map_err(|error| {
            format!("it is not of a bundle's shape at line {}, column {}", error.line(), error.column())
        })?;
        // Only of the last segment of a part that another one follows nothing is said: the next one begins in it.
        let last = bundle.segments.len().checked_sub(1).filter(|_| bundle.more);
        for (place, segment) in bundle.segments.iter().enumerate() {
            if segment.absence.is_none() != (Some(place) == last) {
                return Err(format!("the absence of segment {} must not be as it is", segment.segment));
            }
        }
        Ok(bundle)
    }

    /// The JSON, on one line.
    ///
    /// # Errors
    /// When a number is above what JSON holds exactly.
    pub fn to_json(&self) -> Result<String, LogError> {
        serde_json::to_string(self).map_err(|_| LogError::Bundle { what: "a number is too large for JSON" })
    }
}

/// What a bundle says of a segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Segment {
    /// Its number.
    #[serde(with = "whole")]
    pub segment: u64,
    /// The log index at which it begins.
    #[serde(with = "whole")]
    pub first: u64,
    /// The customer's receipts in it.
    #[serde(with = "whole")]
    pub count: u64,
    /// Its newest index entry.
    #[serde(deserialize_with = "object")]
    pub index: Included,
    /// That the customer's next label is not in it; `None` for the last one of a part that another one follows.
    #[serde(deserialize_with = "perhaps_object")]
    pub absence: Option<AbsencePart>,
}

/// An index entry, and the proof that it is in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Included {
    /// Where in the log.
    #[serde(with = "whole")]
    pub log_index: u64,
    /// The entry's bytes.
    #[serde(with = "base64")]
    pub entry: Vec<u8>,
    /// The proof of inclusion.
    #[serde(with = "hashes")]
    pub proof: Vec<Hash>,
}

/// Two neighbours in the index, with nothing between them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AbsencePart {
    /// The last leaf before the label.
    #[serde(deserialize_with = "object")]
    pub low: LeafPart,
    /// The first leaf after it.
    #[serde(deserialize_with = "object")]
    pub high: LeafPart,
}

/// A leaf of the index, and the proof that it is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeafPart {
    /// Its position in the index.
    #[serde(with = "whole")]
    pub position: u64,
    /// Its 40 bytes.
    #[serde(with = "base64")]
    pub leaf: Vec<u8>,
    /// The proof of inclusion in the index.
    #[serde(with = "hashes")]
    pub proof: Vec<Hash>,
}

/// A receipt, and the proof that its entry is in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// Where in the log.
    #[serde(with = "whole")]
    pub log_index: u64,
    /// The receipt's exact bytes.
    #[serde(with = "base64")]
    pub receipt: Vec<u8>,
    /// The proof of inclusion of the entry that is computed from it.
    #[serde(with = "hashes")]
    pub proof: Vec<Hash>,
}

/// An earlier checkpoint, and the proof that this one grew from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Since {
    /// Its size.
    #[serde(with = "whole")]
    pub size: u64,
    /// Its root.
    #[serde(with = "hash")]
    pub root: Hash,
    /// The proof of consistency.
    #[serde(with = "hashes")]
    pub proof: Vec<Hash>,
}

/// A value that is read from a JSON object alone: what is derived would also take a list of its members.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        from.deserialize_map(Members(PhantomData)).map(Self)
    }
}

fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Object::deserialize(from).map(|object| object.0)
}

fn perhaps_object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::<Object<T>>::deserialize(from).map(|object| object.map(|object| object.0))
}

fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(from)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// Whole numbers that JSON holds exactly.
pub(crate) mod whole {
    use super::{Deserialize, Deserializer, Serializer};
    use crate::limits::TREE_MAX_LEAVES;

    pub(crate) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        if *number > TREE_MAX_LEAVES {
            return Err(serde::ser::Error::custom("a number above 2^53 - 1"));
        }
        to.serialize_u64(*number)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let number = u64::deserialize(from)?;
        if number > TREE_MAX_LEAVES {
            return Err(serde::de::Error::custom("a number above 2^53 - 1"));
        }
        Ok(number)
    }
}

/// Bytes in base64.
mod base64 {
    use super::{Deserialize, Deserializer, Serializer, bytes};

    pub(super) fn serialize<S: Serializer>(data: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&bytes::to_base64(data))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        bytes::from_base64(&text).ok_or_else(|| serde::de::Error::custom("no base64"))
    }
}

/// A hash in base64.
pub(crate) mod hash {
    use super::{Deserialize, Deserializer, Hash, Serializer, bytes};

    pub(crate) fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&bytes::to_base64(hash))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(from)?;
        bytes::hash_from_base64(&text)
            .ok_or_else(|| serde::de::Error::custom("no hash of 32 bytes in base64"))
    }
}

/// Hashes in base64.
mod hashes {
    use super::{Deserialize, Deserializer, Hash, Serializer, bytes};
    use crate::limits::BUNDLE_PROOF_MAX_HASHES;

    pub(super) fn serialize<S: Serializer>(hashes: &[Hash], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(hashes.iter().map(|hash| bytes::to_base64(hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Hash>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        if texts.len() > BUNDLE_PROOF_MAX_HASHES {
            return Err(serde::de::Error::custom("a proof that is too long"));
        }
        let hashes: Option<Vec<Hash>> = texts.iter().map(|text| bytes::hash_from_base64(text)).collect();
        hashes.ok_or_else(|| serde::de::Error::custom("no hash of 32 bytes in base64"))
    }
}
