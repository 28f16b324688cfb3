//! Merkle trees as in RFC 6962, section 2.1, and RFC 9162, section 2.1: hashes, proofs, and their verification.

use sha2::{Digest, Sha256};

use crate::LogError;
use crate::limits::{PROOF_MAX_HASHES, TREE_MAX_LEAVES};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The root of the empty tree: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The hash of a leaf: SHA-256(0x00 ‖ bytes).
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    sha256(&bytes)
}

/// Where the hashes of a tree's *complete* subtrees come from.
pub trait HashReader {
    /// The hash over leaves `index * 2^level` to `(index + 1) * 2^level - 1`, all of which are in the tree.
    ///
    /// # Errors
    /// When it cannot be read.
    fn hash(&self, level: u32, index: u64) -> Result<Hash, LogError>;
}

/// The largest power of two that is smaller than `size`; `size` is at least 2.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// The root over the leaves `start..end` (RFC 6962's `MTH(D[start:end])`), where `start` is a multiple of the smallest
/// power of two that is not below `end - start`.
fn range_root(reader: &impl HashReader, start: u64, end: u64) -> Result<Hash, LogError> {
    let size = end - start;
    if size == 0 {
        return Ok(EMPTY_ROOT);
    }
    // Complete subtrees, one for each bit of the size, hang on the right edge; they are joined from the right.
    let mut rest = size;
    let mut at = end;
    let mut root: Option<Hash> = None;
    while rest != 0 {
        let level = rest.trailing_zeros();
        at -= 1 << level;
        let left = reader.hash(level, at >> level)?;
        root = Some(match root {
            None => left,
            Some(right) => node_hash(&left, &right),
        });
        rest &= rest - 1;
    }
    Ok(root.unwrap_or(EMPTY_ROOT))
}

/// The root of the tree's first `size` leaves.
///
/// # Errors
/// When a hash cannot be read.
pub fn root(reader: &impl HashReader, size: u64) -> Result<Hash, LogError> {
    range_root(reader, 0, size)
}

/// The proof that leaf `index` is in the tree of the first `size` leaves (RFC 6962, section 2.1.1).
///
/// # Errors
/// When `index` is not below `size`, or a hash cannot be read.
pub fn inclusion_proof(reader: &impl HashReader, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
    check_size(size)?;
    if index >= size {
        return Err(LogError::Range { what: "leaf", value: index, size });
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_root(reader, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(reader, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of the first `old` leaves is a beginning of the tree of the first `size` (RFC 6962, section
/// 2.1.2). Empty when `old` is 0 or `size`.
///
/// # Errors
/// When `old` is above `size`, or a hash cannot be read.
pub fn consistency_proof(reader: &impl HashReader, old: u64, size: u64) -> Result<Vec<Hash>, LogError> {
    check_size(size)?;
    if old > size {
        return Err(LogError::Range { what: "old size", value: old, size });
    }
    let mut proof = Vec::new();
    if old == 0 || old == size {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, size);
    // As long as the old tree is the left edge of what is looked at, its root is known to the verifier.
    let mut known = true;
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range_root(reader, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(reader, start, middle)?);
            start = middle;
            known = false;
        }
    }
    if !known {
        proof.push(range_root(reader, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

fn check_size(size: u64) -> Result<(), LogError> {
    if size > TREE_MAX_LEAVES {
        return Err(LogError::Range { what: "size", value: size, size: TREE_MAX_LEAVES });
    }
    Ok(())
}

/// Checks that the leaf with hash `leaf` is at `index` of the tree with `size` leaves and root `root` (RFC 9162,
/// section 2.1.3.2).
///
/// # Errors
/// When it is not, or the proof has another length than the tree gives it.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), LogError> {
    const BAD: LogError = LogError::Proof { what: "inclusion" };
    if index >= size || proof.len() > PROOF_MAX_HASHES {
        return Err(BAD);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(BAD);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A node on the right edge without a sibling is its own parent.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(BAD) }
}

/// Checks that the tree with `old` leaves and root `old_root` is a beginning of the one with `size` leaves and root
/// `root` (RFC 9162, section 2.1.4.2). From size 0 the proof is empty and `old_root` is [`EMPTY_ROOT`].
///
/// # Errors
/// When it is not, or the proof has another length than the two sizes give it.
pub fn verify_consistency(
    old: u64,
    size: u64,
    old_root: &Hash,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), LogError> {
    const BAD: LogError = LogError::Proof { what: "consistency" };
    if old > size || proof.len() > PROOF_MAX_HASHES {
        return Err(BAD);
    }
    if old == size {
        return if proof.is_empty() && old_root == root { Ok(()) } else { Err(BAD) };
    }
    if old == 0 {
        return if proof.is_empty() && *old_root == EMPTY_ROOT { Ok(()) } else { Err(BAD) };
    }
    let mut hashes = proof.iter();
    // An old tree that is one complete subtree of the new one: its root is the first hash.
    let first = if old.is_power_of_two() { old_root } else { hashes.next().ok_or(BAD)? };
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return Err(BAD);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(hash, &old_hash);
            new_hash = node_hash(hash, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && old_hash == *old_root && new_hash == *root { Ok(()) } else { Err(BAD) }
}

/// The right edge of a growing tree (a compact range): as many hashes as the size has bits set. Appending is one
/// leaf's worth of hashing on average, without allocation.
#[derive(Clone, Debug)]
pub struct Frontier {
    size: u64,
    /// At level *l* the root of the complete subtree of 2^l leaves on the right edge, valid where bit *l* of the size
    /// is set.
    edge: [Hash; 64],
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self { size: 0, edge: [[0; 32]; 64] }
    }

    /// The tree of the first `size` leaves of `reader`.
    ///
    /// # Errors
    /// When a hash cannot be read.
    pub fn read(reader: &impl HashReader, size: u64) -> Result<Self, LogError> {
        check_size(size)?;
        let mut frontier = Self::new();
        frontier.size = size;
        let mut start = 0;
        for (level, slot) in (0..u64::BITS).rev().zip(frontier.edge.iter_mut().rev()) {
            if size >> level & 1 == 1 {
                *slot = reader.hash(level, start >> level)?;
                start += 1 << level;
            }
        }
        Ok(frontier)
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn append(&mut self, leaf: Hash) {
        self.append_with(leaf, |_, _| ());
    }

    /// Appends a leaf by its hash and calls `complete` with level and hash of each subtree that is complete by it, the
    /// leaf itself (level 0) first.
    pub fn append_with(&mut self, leaf: Hash, mut complete: impl FnMut(u32, &Hash)) {
        let mut hash = leaf;
        for (level, slot) in (0u32..).zip(&mut self.edge) {
            complete(level, &hash);
            if self.size >> level & 1 == 0 {
                *slot = hash;
                break;
            }
            hash = node_hash(slot, &hash);
        }
        self.size += 1;
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for (level, left) in (0u32..).zip(&self.edge) {
            if self.size >> level & 1 == 1 {
                root = Some(match root {
                    None => *left,
                    Some(right) => node_hash(left, &right),
                });
            }
        }
        root.unwrap_or(EMPTY_ROOT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962's definition, word by word.
    fn naive_root(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => sha256(b""),
            [leaf] => leaf_hash(leaf),
            _ => {
                let middle = leaves.len().next_power_of_two() / 2;
                node_hash(&naive_root(&leaves[..middle]), &naive_root(&leaves[middle..]))
            }
        }
    }

    struct Naive(Vec<Vec<u8>>);

    impl HashReader for Naive {
        fn hash(&self, level: u32, index: u64) -> Result<Hash, LogError> {
            let width = 1 << level;
            let start = usize::try_from(index).unwrap() * width;
            Ok(naive_root(&self.0[start..start + width]))
        }
    }

    /// The leaves of the well-known test vectors of Certificate Transparency.
    fn known() -> Vec<Vec<u8>> {
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .map(|leaf| hex::decode(leaf).unwrap())
            .to_vec()
    }

    fn hash(text: &str) -> Hash {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn roots_of_the_known_vectors() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::new();
        for (size, expected) in roots.iter().enumerate() {
            assert_eq!(frontier.root(), hash(expected), "size {size}");
            assert_eq!(root(&Naive(known()), size as u64).unwrap(), hash(expected), "size {size}");
            if let Some(leaf) = known().get(size) {
                frontier.append(leaf_hash(leaf));
            }
        }
    }

    #[test]
    fn proofs_of_the_known_vectors() {
        let tree = Naive(known());
        assert_eq!(
            inclusion_proof(&tree, 0, 8).unwrap(),
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
            .map(hash)
        );
        assert_eq!(
            consistency_proof(&tree, 6, 8).unwrap(),
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
            .map(hash)
        );
        assert_eq!(consistency_proof(&tree, 4, 8).unwrap().len(), 1);
    }

    #[test]
    fn every_proof_of_small_trees_holds_and_no_other_does() {
        let leaves: Vec<Vec<u8>> = (0..40_u8).map(|leaf| vec![leaf]).collect();
        let tree = Naive(leaves.clone());
        for size in 1..=40_u64 {
            let now = root(&tree, size).unwrap();
            for index in 0..size {
                let leaf = leaf_hash(&leaves[usize::try_from(index).unwrap()]);
                let mut proof = inclusion_proof(&tree, index, size).unwrap();
                verify_inclusion(&leaf, index, size, &proof, &now).unwrap();
                for wrong in (0..size + 2).filter(|wrong| *wrong != index) {
                    verify_inclusion(&leaf, wrong, size, &proof, &now).unwrap_err();
                }
                proof.push(now);
                verify_inclusion(&leaf, index, size, &proof, &now).unwrap_err();
                proof.truncate(proof.len().saturating_sub(2));
                assert_eq!(verify_inclusion(&leaf, index, size, &proof, &now).is_ok(), size == 1);
            }
            for old in 0..=size {
                let before = root(&tree, old).unwrap();
                let mut proof = consistency_proof(&tree, old, size).unwrap();
                verify_consistency(old, size, &before, &now, &proof).unwrap();
                if old > 0 {
                    assert_eq!(verify_consistency(old, size, &now, &before, &proof).is_ok(), old == size);
                    verify_consistency(old - 1, size, &before, &now, &proof).unwrap_err();
                }
                proof.push(now);
                verify_consistency(old, size, &before, &now, &proof).unwrap_err();
            }
        }
    }

    #[test]
    fn an_index_outside_the_tree_is_an_error() {
        let tree = Naive(known());
        assert!(inclusion_proof(&tree, 8, 8).is_err());
        assert!(consistency_proof(&tree, 9, 8).is_err());
        assert!(inclusion_proof(&tree, 0, u64::MAX).is_err());
        assert!(verify_inclusion(&EMPTY_ROOT, 0, 0, &[], &EMPTY_ROOT).is_err());
        assert!(verify_consistency(u64::MAX, u64::MAX - 1, &EMPTY_ROOT, &EMPTY_ROOT, &[]).is_err());
        assert!(verify_inclusion(&EMPTY_ROOT, u64::MAX - 1, u64::MAX, &[[0; 32]; 63], &EMPTY_ROOT).is_err());
    }
}
