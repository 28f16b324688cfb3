//! A customer's key, and what is derived from it (`docs/disclosure-log.md`, "Keys and labels").

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::entry::Entry;
use crate::limits::HASH_BYTES;
use crate::merkle::Hash;

const LABEL: &[u8] = b"amana/label/v1";
const BLIND: &[u8] = b"amana/blind/v1";
const COMMIT: &[u8] = b"amana/commit/v1";

/// `K_c`: the 32 random bytes that tie entries of the log to one customer. Wiped from memory when dropped; without
/// `Debug`, `Display` or `Clone`, so that it is in no log and no copy that nobody wrote.
pub struct CustomerKey {
    bytes: Zeroizing<[u8; HASH_BYTES]>,
    /// The key already taken in, which halves the work of each derivation.
    mac: Hmac<Sha256>,
}

impl CustomerKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; HASH_BYTES]) -> Self {
        // HMAC fills a key up to its block with zeros itself; a whole block cannot have a wrong length.
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self { bytes: Zeroizing::new(*bytes), mac: <Hmac<Sha256> as KeyInit>::new((&*block).into()) }
    }

    /// The key itself, for the customer's bundle and for sealing it at rest: who has it can find all of the customer's
    /// entries.
    #[must_use]
    pub fn expose(&self) -> &[u8; HASH_BYTES] {
        &self.bytes
    }

    fn derive(&self, domain: &[u8], segment: u64, n: u64) -> Hash {
        let mut mac = self.mac.clone();
        mac.update(domain);
        mac.update(&segment.to_be_bytes());
        mac.update(&n.to_be_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Under which the customer's `n`th receipt (from 1) of a segment is found.
    #[must_use]
    pub fn label(&self, segment: u64, n: u64) -> Hash {
        self.derive(LABEL, segment, n)
    }

    /// What blinds the commitment to that receipt, so that nobody can confirm a guess.
    #[must_use]
    pub fn blind(&self, segment: u64, n: u64) -> Hash {
        self.derive(BLIND, segment, n)
    }

    /// The commitment to a receipt's exact bytes.
    #[must_use]
    pub fn commit(&self, segment: u64, n: u64, receipt: &[u8]) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(COMMIT);
        hasher.update(self.blind(segment, n));
        hasher.update(receipt);
        hasher.finalize().into()
    }

    /// The log's entry for a receipt.
    #[must_use]
    pub fn entry(&self, segment: u64, n: u64, receipt: &[u8]) -> Entry {
        Entry::Receipt { label: self.label(segment, n), commit: self.commit(segment, n, receipt) }
    }
}
