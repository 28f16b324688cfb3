//! The entries of the log (`docs/disclosure-log.md`, "Entries").

use crate::limits::{ENTRY_MAX_BYTES, INDEX_LEAF_BYTES};
use crate::merkle::{Hash, leaf_hash};
use crate::{LogError, bytes};

const RECEIPT: u8 = 0x00;
const INDEX: u8 = 0x01;
const RULE: u8 = 0x02;
const RULE_BYTES: usize = 33;

/// One entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A customer's receipt, blinded: it tells nothing without the customer's key.
    Receipt {
        /// Under which the customer finds it.
        label: Hash,
        /// The commitment to the receipt's bytes.
        commit: Hash,
    },
    /// The root of a segment's index.
    Index(IndexEntry),
    /// A policy or agreement came into force.
    Rule {
        /// SHA-256 of the public document.
        sha256: Hash,
    },
}

/// What an index entry says. It covers all entries of its segment that come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The segment's number, from 0.
    pub segment: u64,
    /// The log index at which the segment begins.
    pub first: u64,
    /// How many log entries from `first` it covers: its own log index less `first`.
    pub covered: u64,
    /// The root of the segment's index tree.
    pub root: Hash,
    /// The leaves of the index tree, sentinels counted.
    pub size: u64,
}

/// An encoded entry, at most [`ENTRY_MAX_BYTES`] long, without allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryBytes {
    bytes: [u8; ENTRY_MAX_BYTES],
    len: usize,
}

impl AsRef<[u8]> for EntryBytes {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Entry {
    /// The entry's bytes, which are the leaf of the log.
    #[must_use]
    pub fn encode(&self) -> EntryBytes {
        let mut bytes = [0; ENTRY_MAX_BYTES];
        let mut len = ENTRY_MAX_BYTES;
        match self {
            Self::Receipt { label, commit } => {
                bytes[0] = RECEIPT;
                bytes[1..33].copy_from_slice(label);
                bytes[33..].copy_from_slice(commit);
            }
            Self::Index(index) => {
                bytes[0] = INDEX;
                bytes[1..9].copy_from_slice(&index.segment.to_be_bytes());
                bytes[9..17].copy_from_slice(&index.first.to_be_bytes());
                bytes[17..25].copy_from_slice(&index.covered.to_be_bytes());
                bytes[25..57].copy_from_slice(&index.root);
                bytes[57..].copy_from_slice(&index.size.to_be_bytes());
            }
            Self::Rule { sha256 } => {
                bytes[0] = RULE;
                bytes[1..RULE_BYTES].copy_from_slice(sha256);
                len = RULE_BYTES;
            }
        }
        EntryBytes { bytes, len }
    }

    /// Reads an entry. Every entry has exactly one encoding.
    ///
    /// # Errors
    /// When the first byte is no kind of entry, or the length is not that kind's.
    pub fn decode(entry: &[u8]) -> Result<Self, LogError> {
        Self::take(entry).ok_or(LogError::Entry { bytes: entry.len() })
    }

    fn take(entry: &[u8]) -> Option<Self> {
        let (kind, rest) = entry.split_first()?;
        let (decoded, rest) = match *kind {
            RECEIPT => {
                let (label, rest) = bytes::hash(rest)?;
                let (commit, rest) = bytes::hash(rest)?;
                (Self::Receipt { label, commit }, rest)
            }
            INDEX => {
                let (segment, rest) = bytes::number(rest)?;
                let (first, rest) = bytes::number(rest)?;
                let (covered, rest) = bytes::number(rest)?;
                let (root, rest) = bytes::hash(rest)?;
                let (size, rest) = bytes::number(rest)?;
                (Self::Index(IndexEntry { segment, first, covered, root, size }), rest)
            }
            RULE => {
                let (sha256, rest) = bytes::hash(rest)?;
                (Self::Rule { sha256 }, rest)
            }
            _ => return None,
        };
        rest.is_empty().then_some(decoded)
    }

    /// The entry's leaf hash.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(self.encode().as_ref())
    }
}

/// A leaf of a segment's index. Leaves are ordered by their 40 bytes, which is by label, then by log index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexLeaf {
    /// The label of a receipt entry.
    pub label: Hash,
    /// Where in the log that entry is.
    pub log_index: u64,
}

impl IndexLeaf {
    /// The leaf before all others.
    pub const LOW: Self = Self { label: [0x00; 32], log_index: u64::MAX };
    /// The leaf after all others.
    pub const HIGH: Self = Self { label: [0xff; 32], log_index: u64::MAX };

    /// The leaf's bytes: label ‖ u64 log index.
    #[must_use]
    pub fn encode(&self) -> [u8; INDEX_LEAF_BYTES] {
        let mut bytes = [0; INDEX_LEAF_BYTES];
        bytes[..32].copy_from_slice(&self.label);
        bytes[32..].copy_from_slice(&self.log_index.to_be_bytes());
        bytes
    }

    /// Reads a leaf; `None` unless it has [`INDEX_LEAF_BYTES`].
    #[must_use]
    pub fn decode(leaf: &[u8]) -> Option<Self> {
        let (label, rest) = bytes::hash(leaf)?;
        let (log_index, rest) = bytes::number(rest)?;
        rest.is_empty().then_some(Self { label, log_index })
    }

    /// The leaf's hash in the index tree.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }
}
