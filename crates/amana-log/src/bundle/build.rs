//! Building a bundle from the log's tiles and the customer's receipts.

use super::{AbsencePart, After, Bundle, Included, LeafPart, Receipt, Segment, Since};
use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, IndexEntry};
use crate::index::{Absence, IndexTree, Neighbour, TiledIndex};
use crate::note::{Note, VerifierKey};
use crate::tiles::{TileRead, TreeReader};
use crate::{CustomerKey, LogError};

/// The customer's receipts, in the order of `seq`: the log index of each, and its exact bytes.
pub type Receipts = Vec<(u64, Vec<u8>)>;

/// One segment of the bundle. It must hold all of the customer's receipts in it whose log index is below `index`.
pub struct SegmentPart<'a> {
    /// Its number.
    pub segment: u64,
    /// The customer's receipts in it.
    pub count: u64,
    /// Where in the log its newest index entry is: the final one of a segment that has ended, the checkpoint's last
    /// leaf for the open one.
    pub index: u64,
    /// The index of the open segment as that entry has it ([`crate::index::SegmentIndex::tree`]); `None` for a segment
    /// that has ended, whose index is read from its tiles.
    pub open: Option<&'a IndexTree>,
}

/// What a bundle is made from.
pub struct Parts<'a> {
    /// The log's key.
    pub vkey: &'a VerifierKey,
    /// The checkpoint, with the witnesses' cosignatures.
    pub checkpoint: &'a Note,
    /// The customer's key.
    pub key: &'a CustomerKey,
    /// The segments, ascending: all from 0, or from that of `after`, to the open one; with `more`, to the one that the
    /// next part begins in.
    pub segments: Vec<SegmentPart<'a>>,
    /// The receipts that the checkpoint covers. Later ones wait for the next checkpoint.
    pub receipts: Receipts,
    /// The size of the last checkpoint that the customer saved.
    pub since: Option<u64>,
    /// Where this part begins; `None` for one that begins with the first receipt.
    pub after: Option<After>,
    /// Whether another part follows.
    pub more: bool,
}

/// Builds a bundle. `store` holds the log's tiles, at least up to the checkpoint's size, and those of the ended
/// segments' indexes.
///
/// # Errors
/// When a tile cannot be read, or what is given contradicts the log: then the bundle would not verify.
pub fn build(store: impl TileRead + Copy, parts: Parts<'_>) -> Result<Bundle, LogError> {
    let checkpoint = Checkpoint::parse(parts.checkpoint.text())?;
    let size = checkpoint.size;
    let reader = TreeReader::new(store, size);
    let last = parts.segments.len().checked_sub(1).filter(|_| parts.more);
    let segments = parts.segments.iter().enumerate();
    let segments = segments
        .map(|(place, part)| segment(store, &reader, parts.key, (part, Some(place) == last)))
        .collect::<Result<_, _>>();
    let receipts = parts.receipts.into_iter().map(|(log_index, receipt)| {
        Ok(Receipt { log_index, receipt, proof: reader.inclusion(log_index, size)? })
    });
    let since = match parts.since {
        None => None,
        Some(old) => {
            Some(Since { size: old, root: reader.root(old)?, proof: reader.consistency(old, size)? })
        }
    };
    Ok(Bundle {
        v: 1,
        vkey: parts.vkey.to_string(),
        checkpoint: parts.checkpoint.to_string(),
        key: *parts.key.expose(),
        segments: segments?,
        receipts: receipts.collect::<Result<_, LogError>>()?,
        since,
        after: parts.after,
        more: parts.more,
    })
}

fn segment<S: TileRead + Copy>(
    store: S,
    reader: &TreeReader<S>,
    key: &CustomerKey,
    (part, goes_on): (&SegmentPart<'_>, bool),
) -> Result<Segment, LogError> {
    let bad = |what| LogError::Bundle { what };
    let entry = reader.entry(part.index)?;
    let index: IndexEntry = match Entry::decode(&entry)? {
        Entry::Index(index) if index.segment == part.segment => index,
        _ => return Err(bad("there is no index entry of this segment at its log index")),
    };
    let absence = if goes_on {
        None
    } else {
        let next = part.count.checked_add(1).ok_or(bad("the count is too large"))?;
        let label = key.label(part.segment, next);
        let absence = match part.open {
            Some(tree) if tree.size() != index.size || tree.root()? != index.root => {
                return Err(bad("the open segment's index is not the one of its index entry"));
            }
            Some(tree) => tree.absence(&label)?,
            None => TiledIndex::new(store, part.segment, index.size).absence(&label)?,
        };
        Some(absence.ok_or(bad("the customer has more receipts in a segment than were given"))?.into())
    };
    let proof = reader.inclusion(part.index, reader.size())?;
    Ok(Segment {
        segment: part.segment,
        first: index.first,
        count: part.count,
        index: Included { log_index: part.index, entry, proof },
        absence,
    })
}

impl From<Absence> for AbsencePart {
    fn from(absence: Absence) -> Self {
        let side = |side: Neighbour| LeafPart {
            position: side.position,
            leaf: side.leaf.encode().to_vec(),
            proof: side.proof,
        };
        Self { low: side(absence.low), high: side(absence.high) }
    }
}
