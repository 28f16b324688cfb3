//! A segment's index: its receipts' labels in order, as a tree, so that a label's *absence* can be proved.

use crate::LogError;
use crate::entry::{IndexEntry, IndexLeaf};
use crate::limits::TREE_MAX_LEAVES;
use crate::merkle::{self, Frontier, Hash, HashReader, node_hash};
use crate::tiles::{TileRead, TileStore, TreeReader, TreeWriter};

/// The index of the segment that is open, as it grows. In memory: 72 bytes for each receipt of the segment.
///
/// Adding is a merge into the sorted leaves, and the root is one hash for each leaf (their own hashes are kept), so
/// that a checkpoint's cost is bounded by the segment.
#[derive(Clone)]
pub struct SegmentIndex {
    segment: u64,
    first: u64,
    leaves: Vec<IndexLeaf>,
    /// The leaves' hashes, in the same order.
    hashes: Vec<Hash>,
}

impl SegmentIndex {
    /// The index of a segment that begins at log index `first`: the two sentinels.
    #[must_use]
    pub fn new(segment: u64, first: u64) -> Self {
        let leaves = vec![IndexLeaf::LOW, IndexLeaf::HIGH];
        let hashes = leaves.iter().map(IndexLeaf::leaf_hash).collect();
        Self { segment, first, leaves, hashes }
    }

    /// The segment's number.
    #[must_use]
    pub fn segment(&self) -> u64 {
        self.segment
    }

    /// The log index at which the segment begins.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The leaves, sentinels counted.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Adds the receipt entries of a batch, in any order.
    ///
    /// # Errors
    /// When one is not in the segment, since it comes before its beginning. Then none is added.
    pub fn add(&mut self, mut batch: Vec<IndexLeaf>) -> Result<(), LogError> {
        let outside = |leaf: &&IndexLeaf| leaf.log_index < self.first || leaf.log_index >= TREE_MAX_LEAVES;
        if let Some(leaf) = batch.iter().find(outside) {
            return Err(LogError::Range { what: "receipt", value: leaf.log_index, size: self.first });
        }
        batch.sort_unstable();
        // Both vectors grow by the batch and are filled from their ends: the run of old leaves after each new one
        // moves once, as a whole.
        let mut kept = self.leaves.len();
        let mut to = kept + batch.len();
        self.leaves.resize(to, IndexLeaf::HIGH);
        self.hashes.resize(to, [0; 32]);
        for leaf in batch.iter().rev() {
            let old = self.leaves.get(..kept).unwrap_or_default();
            let run = old.partition_point(|known| known < leaf)..kept;
            kept = run.start;
            to -= run.len() + 1;
            self.leaves.copy_within(run.clone(), to + 1);
            self.hashes.copy_within(run, to + 1);
            if let (Some(slot), Some(hash)) = (self.leaves.get_mut(to), self.hashes.get_mut(to)) {
                *slot = *leaf;
                *hash = leaf.leaf_hash();
            }
        }
        Ok(())
    }

    /// Whether a receipt with this label is in it. (A label is a MAC over segment and number: an honest log has none
    /// twice.)
    #[must_use]
    pub fn holds(&self, label: &Hash) -> bool {
        self.leaves.binary_search_by(|leaf| leaf.label.cmp(label)).is_ok()
    }

    /// The root of the index tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut frontier = Frontier::new();
        for hash in &self.hashes {
            frontier.append(*hash);
        }
        frontier.root()
    }

    /// The index entry for a checkpoint whose last leaf is at `log_index`. All receipts of the segment before it must
    /// have been added, and none after it.
    ///
    /// # Errors
    /// When `log_index` comes before the segment's beginning.
    pub fn entry(&self, log_index: u64) -> Result<IndexEntry, LogError> {
        let Some(covered) = log_index.checked_sub(self.first) else {
            return Err(LogError::Range { what: "index entry", value: log_index, size: self.first });
        };
        let (segment, first) = (self.segment, self.first);
        Ok(IndexEntry { segment, first, covered, root: self.root(), size: self.size() })
    }

    /// The whole tree over the receipts whose log index is below `end`, for proofs: the index that the entry at log
    /// index `end` has the root of, also when more receipts have been added since. Costs as much as two roots and 104
    /// bytes for each leaf; keep it as long as the checkpoint is the newest.
    #[must_use]
    pub fn tree(&self, end: u64) -> IndexTree {
        let covered = |leaf: &IndexLeaf| leaf.log_index < end || leaf.log_index == u64::MAX;
        let (leaves, hashes) = self.leaves.iter().zip(&self.hashes).filter(|(leaf, _)| covered(leaf)).unzip();
        IndexTree::new(self.segment, leaves, hashes)
    }

    /// The whole tree over all receipts.
    #[must_use]
    pub fn into_tree(self) -> IndexTree {
        IndexTree::new(self.segment, self.leaves, self.hashes)
    }
}

/// One side of an absence: a leaf of the index, where it is, and the proof of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its position in the index.
    pub position: u64,
    /// The leaf.
    pub leaf: IndexLeaf,
    /// The proof of inclusion in the index tree.
    pub proof: Vec<Hash>,
}

/// That a label is not in an index: the leaves before and after it are neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The last leaf before the label.
    pub low: Neighbour,
    /// The first leaf after it.
    pub high: Neighbour,
}

impl Absence {
    /// Checks that `label` is absent from the index tree with `size` leaves and root `root`.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn verify(&self, label: &Hash, size: u64, root: &Hash) -> Result<(), &'static str> {
        if self.low.position.checked_add(1) != Some(self.high.position) {
            return Err("the two leaves are not neighbours");
        }
        if *label <= self.low.leaf.label {
            return Err("the label is not after the lower leaf");
        }
        if *label >= self.high.leaf.label {
            return Err("the label is not before the upper leaf");
        }
        for (side, wrong) in [
            (&self.low, "the lower leaf is not in the index"),
            (&self.high, "the upper leaf is not in the index"),
        ] {
            merkle::verify_inclusion(&side.leaf.leaf_hash(), side.position, size, &side.proof, root)
                .map_err(|_| wrong)?;
        }
        Ok(())
    }
}

/// An index with all of its inner nodes, for proofs and for writing its tiles.
#[derive(Clone)]
pub struct IndexTree {
    segment: u64,
    leaves: Vec<IndexLeaf>,
    /// `levels[h]` are the roots of the complete subtrees of 2^h leaves.
    levels: Vec<Vec<Hash>>,
}

impl IndexTree {
    fn new(segment: u64, leaves: Vec<IndexLeaf>, hashes: Vec<Hash>) -> Self {
        let mut levels = vec![hashes];
        while let Some(below) = levels.last()
            && below.len() > 1
        {
            let (pairs, _) = below.as_chunks::<2>();
            levels.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        Self { segment, leaves, levels }
    }

    /// The leaves, sentinels counted.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The root.
    ///
    /// # Errors
    /// Never for a tree that was made here; the signature is that of all readers.
    pub fn root(&self) -> Result<Hash, LogError> {
        merkle::root(self, self.size())
    }

    /// The proof that `label` is absent; `None` when it is there.
    ///
    /// # Errors
    /// Never for a tree that was made here; the signature is that of all readers.
    pub fn absence(&self, label: &Hash) -> Result<Option<Absence>, LogError> {
        absence(self, self.size(), label, |position| {
            let leaf = usize::try_from(position).ok().and_then(|position| self.leaves.get(position));
            leaf.copied().ok_or(LogError::Range { what: "index leaf", value: position, size: self.size() })
        })
    }

    /// Writes the tiles of a segment that has ended, below `index/<segment>/`.
    ///
    /// # Errors
    /// When a file cannot be written, or is there with other content.
    pub fn write_tiles(&self, store: impl TileStore) -> Result<(), LogError> {
        let mut writer = TreeWriter::open_tree(store, Some(self.segment), 0)?;
        let hashes = self.levels.first().map(Vec::as_slice).unwrap_or_default();
        for (leaf, hash) in self.leaves.iter().zip(hashes) {
            writer.append_hashed(&leaf.encode(), *hash);
        }
        writer.flush()
    }
}

impl HashReader for IndexTree {
    fn hash(&self, level: u32, index: u64) -> Result<Hash, LogError> {
        let level = usize::try_from(level).ok().and_then(|level| self.levels.get(level));
        let hash = usize::try_from(index).ok().and_then(|index| level?.get(index));
        hash.copied().ok_or(LogError::Range { what: "hash", value: index, size: self.size() })
    }
}

/// The index of a segment that has ended, read from its tiles.
pub struct TiledIndex<S> {
    reader: TreeReader<S>,
}

impl<S: TileRead> TiledIndex<S> {
    /// The index of `segment`, whose final index entry says `size`.
    pub fn new(store: S, segment: u64, size: u64) -> Self {
        Self { reader: TreeReader::of_index(store, segment, size) }
    }

    /// The proof that `label` is absent; `None` when it is there. Reads about as many files as the size has bits.
    ///
    /// # Errors
    /// When a tile cannot be read.
    pub fn absence(&self, label: &Hash) -> Result<Option<Absence>, LogError> {
        absence(&self.reader, self.reader.size(), label, |position| {
            let leaf = self.reader.entry(position)?;
            IndexLeaf::decode(&leaf).ok_or(LogError::Entry { bytes: leaf.len() })
        })
    }
}

/// Finds the neighbours of `label` by halving, and proves them.
fn absence(
    reader: &impl HashReader,
    size: u64,
    label: &Hash,
    leaf: impl Fn(u64) -> Result<IndexLeaf, LogError>,
) -> Result<Option<Absence>, LogError> {
    let (mut low, mut high) = (0, size.saturating_sub(1));
    if *label <= leaf(low)?.label || *label >= leaf(high)?.label {
        return Ok(None);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match leaf(middle)?.label.cmp(label) {
            std::cmp::Ordering::Less => low = middle,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Ok(None),
        }
    }
    let side = |position: u64| -> Result<Neighbour, LogError> {
        let proof = merkle::inclusion_proof(reader, position, size)?;
        Ok(Neighbour { position, leaf: leaf(position)?, proof })
    };
    Ok(Some(Absence { low: side(low)?, high: side(high)? }))
}
