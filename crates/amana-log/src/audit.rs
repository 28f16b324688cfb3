//! Auditing a whole log from its public files, with no customer's data: every root, every index, every tile.
//!
//! One segment is in memory at a time. A monitor keeps the [`State`] of its last audit and reads on from the segment
//! that was open then. Reading is through [`TileRead`], which may be a folder or HTTP; nothing else is asked of it.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use crate::bundle::{hash, whole};
use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, IndexEntry, IndexLeaf};
use crate::index::SegmentIndex;
use crate::limits::{SEGMENT_MAX_RECEIPTS, TILE_WIDTH};
use crate::merkle::{EMPTY_ROOT, Hash, sha256};
use crate::note::{Note, VerifierKey};
use crate::policy::Policy;
use crate::tiles::{TileRead, TileStore, TreeReader, TreeWriter};
use crate::{LogError, bytes};

/// What an auditor checks, in the order in which it is checked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The files can be read. When not, nothing is said of the log.
    Read,
    /// The checkpoint parses and is of the expected log.
    Checkpoint,
    /// The log signed it.
    Signature,
    /// The policy's quorum cosigned it.
    Witness,
    /// The log still contains what an earlier audit saw.
    Consistency,
    /// Every entry is one of the three kinds.
    Entries,
    /// Each index entry covers all before it in its segment, with the right root and size.
    Index,
    /// Segments follow each other without a gap, and none is too long.
    Segments,
    /// The index files of ended segments are those of their final index entry.
    IndexTiles,
    /// The documents of the rule entries are published.
    Rules,
    /// The hash tiles are those of the entries.
    Tiles,
    /// The entries have the root that was signed.
    Root,
    /// The last leaf is an index entry.
    Freshness,
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Read => "read",
            Self::Checkpoint => "checkpoint",
            Self::Signature => "signature",
            Self::Witness => "witness",
            Self::Consistency => "consistency",
            Self::Entries => "entries",
            Self::Index => "index",
            Self::Segments => "segments",
            Self::IndexTiles => "index-tiles",
            Self::Rules => "rules",
            Self::Tiles => "tiles",
            Self::Root => "root",
            Self::Freshness => "freshness",
        })
    }
}

/// The first thing that an auditor finds wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {detail}")]
pub struct Fault {
    /// What was checked.
    pub check: Check,
    /// Where, and what is wrong.
    pub detail: String,
}

impl Fault {
    fn new(check: Check, detail: impl Into<String>) -> Self {
        Self { check, detail: detail.into() }
    }

    /// A tree's files that cannot be read, or are missing or damaged.
    fn of(error: LogError, check: Check) -> Self {
        match error {
            LogError::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                Self::new(check, source.to_string())
            }
            LogError::Io { path, action, source } => {
                Self::new(Check::Read, format!("`{path}` cannot be {action}: {source}"))
            }
            other => Self::new(check, other.to_string()),
        }
    }
}

/// Where an audit ended: a monitor keeps it, and gives it to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The log.
    pub origin: String,
    /// Its size.
    #[serde(with = "whole")]
    pub size: u64,
    /// Its root.
    #[serde(with = "hash")]
    pub root: Hash,
    /// The segment that was open.
    #[serde(with = "whole")]
    pub segment: u64,
    /// Where it begins.
    #[serde(with = "whole")]
    pub first: u64,
    /// The root of the tree of all leaves before it.
    #[serde(with = "hash")]
    pub first_root: Hash,
}

/// What an audit that found nothing wrong has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log index from which entries were read; those before it were audited earlier.
    pub from: u64,
    /// Receipts read.
    pub receipts: u64,
    /// Index entries read.
    pub indexes: u64,
    /// Rule entries read.
    pub rules: u64,
    /// Segments that ended in what was read.
    pub ended: u64,
    /// The policy's witnesses whose cosignatures are good; `None` without a policy.
    pub witnesses: Option<Vec<String>>,
    /// Where it ended.
    pub state: State,
}

/// Audits the log at `source`. `progress` is called with the entries read and the log's size, after each bundle.
///
/// # Errors
/// The first thing that is wrong.
pub fn audit(
    source: &impl TileRead,
    vkey: &VerifierKey,
    policy: Option<&Policy>,
    before: Option<&State>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, Fault> {
    let (now, witnesses) = checkpoint(source, vkey, policy)?;
    if let Some(before) = before {
        let grew = before.origin == now.origin && before.size <= now.size && before.first <= before.size;
        if !grew || (before.size == now.size && before.root != now.root) {
            return Err(Fault::new(
                Check::Consistency,
                "the log was taken back or replaced since the last audit",
            ));
        }
    }
    let mut audit = Audit::begin(source, &now, before)?;
    let reader = TreeReader::new(source, now.size);
    let from = audit.writer.size();
    while audit.writer.size() < now.size {
        let done = audit.writer.size();
        let entries = reader.entries(done / TILE_WIDTH).map_err(|error| Fault::of(error, Check::Entries))?;
        let skip = usize::try_from(done % TILE_WIDTH).unwrap_or(usize::MAX);
        for entry in entries.iter().skip(skip) {
            audit.entry(entry)?;
        }
        audit.writer.flush_full().map_err(|error| Fault::of(error, Check::Tiles))?;
        progress(audit.writer.size(), now.size);
    }
    if audit.writer.root() != now.root {
        return Err(Fault::new(Check::Root, "the entries do not have the root that was signed"));
    }
    if now.size > 0 && audit.last_index != now.size.checked_sub(1) {
        return Err(Fault::new(Check::Freshness, "the last leaf is no index entry"));
    }
    audit.writer.flush().map_err(|error| Fault::of(error, Check::Tiles))?;
    let Audit { index, first_root, receipts, indexes, rules, ended, .. } = audit;
    let (segment, first) = (index.segment(), index.first());
    let state = State { origin: now.origin, size: now.size, root: now.root, segment, first, first_root };
    Ok(Report { from, receipts, indexes, rules, ended, witnesses, state })
}

fn checkpoint(
    source: &impl TileRead,
    vkey: &VerifierKey,
    policy: Option<&Policy>,
) -> Result<(Checkpoint, Option<Vec<String>>), Fault> {
    let read = source.read("checkpoint");
    let read =
        read.map_err(|error| Fault::new(Check::Read, format!("`checkpoint` cannot be read: {error}")))?;
    let note = read.ok_or_else(|| Fault::new(Check::Read, "there is no `checkpoint`"))?;
    let note = String::from_utf8(note).map_err(|_| Fault::new(Check::Checkpoint, "it is not UTF-8"))?;
    let bad = |error: LogError| Fault::new(Check::Checkpoint, error.to_string());
    let note = Note::parse(&note).map_err(bad)?;
    let now = Checkpoint::parse(note.text()).map_err(bad)?;
    if now.origin != vkey.name() {
        return Err(Fault::new(Check::Checkpoint, "it is another log's"));
    }
    if note.signed_by(vkey).is_none() {
        return Err(Fault::new(Check::Signature, "the checkpoint has no good signature of the log"));
    }
    let Some(policy) = policy else { return Ok((now, None)) };
    if !policy.knows(vkey) {
        return Err(Fault::new(Check::Witness, "the policy file does not know the log"));
    }
    let weighed = policy.weigh(&note);
    if !weighed.quorum {
        let good = weighed.witnesses.len();
        return Err(Fault::new(
            Check::Witness,
            format!("{good} good cosignatures are no quorum of the policy file"),
        ));
    }
    Ok((now, Some(weighed.witnesses)))
}

/// An audit under way.
struct Audit<'a, R> {
    source: &'a R,
    /// Makes the log's tiles again; its store holds them against the published ones.
    writer: TreeWriter<Compare<'a, R>>,
    /// The open segment's index, as of its last index entry.
    index: SegmentIndex,
    /// The index's root, as long as nothing was added.
    root: Option<Hash>,
    /// Receipts since that entry: of this segment, or of the next.
    pending: Vec<IndexLeaf>,
    last_index: Option<u64>,
    /// The root of all leaves up to and with the last index entry, and of all before the open segment.
    index_root: Hash,
    first_root: Hash,
    /// What an earlier audit has seen: its size, and the root there.
    seen: Option<(u64, Hash)>,
    receipts: u64,
    indexes: u64,
    rules: u64,
    ended: u64,
}

impl<'a, R: TileRead> Audit<'a, R> {
    fn begin(source: &'a R, now: &Checkpoint, before: Option<&State>) -> Result<Self, Fault> {
        let (segment, first) = before.map_or((0, 0), |before| (before.segment, before.first));
        let store = Compare { source, entries: false };
        let writer = TreeWriter::open_within(store, None, first, now.size)
            .map_err(|error| Fault::of(error, Check::Tiles))?;
        let first_root = before.map_or(EMPTY_ROOT, |before| before.first_root);
        if writer.root() != first_root {
            return Err(Fault::new(Check::Consistency, "the log before the open segment is not what it was"));
        }
        Ok(Self {
            source,
            writer,
            index: SegmentIndex::new(segment, first),
            root: None,
            pending: Vec::new(),
            last_index: None,
            index_root: first_root,
            first_root,
            seen: before.map(|before| (before.size, before.root)),
            receipts: 0,
            indexes: 0,
            rules: 0,
            ended: 0,
        })
    }

    fn entry(&mut self, entry: &[u8]) -> Result<(), Fault> {
        let at = self.writer.size();
        let decoded = Entry::decode(entry)
            .map_err(|error| Fault::new(Check::Entries, format!("at log index {at}: {error}")))?;
        self.writer.append_bytes(entry);
        match decoded {
            Entry::Receipt { label, .. } => {
                self.receipts += 1;
                self.pending.push(IndexLeaf { label, log_index: at });
                if self.index.size() + self.pending.len() as u64 > SEGMENT_MAX_RECEIPTS {
                    let segment = self.index.segment();
                    return Err(Fault::new(Check::Segments, format!("segment {segment} is too long")));
                }
            }
            Entry::Index(entry) => {
                self.indexes += 1;
                self.index_entry(at, &entry)?;
            }
            Entry::Rule { sha256 } => {
                self.rules += 1;
                self.rule(at, &sha256)?;
            }
        }
        if let Some((size, root)) = self.seen
            && size == at + 1
            && root != self.writer.root()
        {
            return Err(Fault::new(Check::Consistency, "the log does not contain what an earlier audit saw"));
        }
        Ok(())
    }

    fn index_entry(&mut self, at: u64, entry: &IndexEntry) -> Result<(), Fault> {
        let (segment, first) = (self.index.segment(), self.index.first());
        if (entry.segment, entry.first) != (segment, first) {
            let begins = self.last_index.map(|last| last + 1);
            if Some(entry.segment) != segment.checked_add(1) || Some(entry.first) != begins {
                let detail = format!("the index entry at {at} is of no segment that may be open there");
                return Err(Fault::new(Check::Segments, detail));
            }
            self.end_segment(entry)?;
        }
        let bad = |what: &str| Fault::new(Check::Index, format!("the index entry at {at}: {what}"));
        if at.checked_sub(entry.first) != Some(entry.covered) {
            return Err(bad("it does not cover all before it in its segment"));
        }
        if !self.pending.is_empty() {
            let mut pending = std::mem::take(&mut self.pending);
            // One label is one number of one customer: twice, it is a chain that was led on anew from an earlier
            // receipt.
            pending.sort_unstable();
            let twice = pending.windows(2).any(|two| matches!(two, [a, b] if a.label == b.label))
                || pending.iter().any(|leaf| self.index.holds(&leaf.label));
            if twice {
                return Err(bad("two receipts of its segment have one label"));
            }
            self.index.add(pending).map_err(|error| bad(&error.to_string()))?;
            self.root = None;
        }
        if entry.size != self.index.size() {
            return Err(bad("its index has another size than the segment's receipts give it"));
        }
        // An earlier audit has seen these roots.
        if self.seen.is_none_or(|(size, _)| at >= size) {
            let root = *self.root.get_or_insert_with(|| self.index.root());
            if entry.root != root {
                return Err(bad("its root is not that of the segment's receipts"));
            }
        }
        self.last_index = Some(at);
        self.index_root = self.writer.root();
        Ok(())
    }

    /// The segment ended at its last index entry; `next` is the first of the one after it.
    fn end_segment(&mut self, next: &IndexEntry) -> Result<(), Fault> {
        let opened = SegmentIndex::new(next.segment, next.first);
        let ended = std::mem::replace(&mut self.index, opened);
        let tiles = Compare { source: self.source, entries: true };
        let segment = ended.segment();
        ended.into_tree().write_tiles(&tiles).map_err(|error| {
            let mut fault = Fault::of(error, Check::IndexTiles);
            fault.detail = format!("segment {segment}: {}", fault.detail);
            fault
        })?;
        self.root = None;
        self.first_root = self.index_root;
        self.ended += 1;
        Ok(())
    }

    fn rule(&self, at: u64, hash: &Hash) -> Result<(), Fault> {
        let path = format!("rules/{}", hex::encode(hash));
        match self.source.read(&path) {
            Ok(Some(document)) if sha256(&document) == *hash => Ok(()),
            Ok(Some(_)) => {
                Err(Fault::new(Check::Rules, format!("`{path}` is not the document of entry {at}")))
            }
            Ok(None) => Err(Fault::new(
                Check::Rules,
                format!("`{path}`, the document of entry {at}, is not published"),
            )),
            Err(error) => Err(Fault::new(Check::Read, format!("`{path}` cannot be read: {error}"))),
        }
    }
}

/// A store that writes nothing: it holds what would be written against what is published.
struct Compare<'a, R> {
    source: &'a R,
    /// Whether entry bundles are compared, too. Of the log itself they are what everything is computed from.
    entries: bool,
}

impl<R: TileRead> TileRead for Compare<'_, R> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.source.read(path)
    }
}

impl<R: TileRead> TileStore for Compare<'_, R> {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        if !self.entries && path.starts_with("tile/entries/") {
            return Ok(());
        }
        let full = path.split_once(".p/").map(|(full, _)| full);
        let published = match (self.source.read(path)?, full) {
            // Once the tree has grown, the full file may stand for the partial one.
            (None, Some(full)) => self.source.read(full)?.map(|mut published| {
                published.truncate(bytes.len());
                published
            }),
            (published, _) => published,
        };
        let wrong = match published {
            Some(published) if published == bytes => return Ok(()),
            Some(_) => format!("`{path}` is not what the entries make of it"),
            None => format!("`{path}` is not published"),
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, wrong))
    }

    fn replace(&self, _path: &str, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn drop_partials(&self, _paths: &[&str]) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { origin, size, root, segment, .. } = &self.state;
        writeln!(out, "log {origin}: {size} entries, root {}", bytes::to_base64(root))?;
        writeln!(
            out,
            "read from entry {}: {} receipts, {} index entries, {} rules",
            self.from, self.receipts, self.indexes, self.rules
        )?;
        write!(out, "segments: {} ended, segment {segment} is open", self.ended)
    }
}
