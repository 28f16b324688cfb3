//! Writing a tree's tiles as it grows.

use std::collections::BTreeMap;

use super::path::prefix;
use super::{TileStore, TreeReader, entries_path, tile_path};
use crate::LogError;
use crate::entry::Entry;
use crate::limits::{TILE_FILE_MAX_BYTES, TILE_HASHES_BYTES, TILE_HEIGHT, TILE_WIDTH};
use crate::merkle::{Frontier, Hash, HashReader as _, leaf_hash};

/// Appends to a tree and writes its tiles. Appending is in memory; [`TreeWriter::flush`] writes. Between two flushes
/// it keeps what is not written yet, about 100 bytes for each entry.
///
/// One writer per tree. After a crash, [`TreeWriter::open`] at any size that was flushed goes on from there: entries
/// that are appended again give the same files.
pub struct TreeWriter<S> {
    store: S,
    prefix: String,
    frontier: Frontier,
    /// The unfinished tile of each level, level 0 first.
    levels: Vec<Edge>,
    /// The unfinished entry bundle.
    entries: Edge,
    /// Full files that are not written yet.
    full: BTreeMap<String, Full>,
}

/// A file that is full.
struct Full {
    bytes: Vec<u8>,
    /// Whether a part of it was written before.
    has_partials: bool,
}

/// How many full files are written at once: 4 MiB or so.
const AT_ONCE: usize = 256;

/// The file at the right edge of a level.
#[derive(Default)]
struct Edge {
    n: u64,
    bytes: Vec<u8>,
    /// How many hashes or entries are in it.
    width: u64,
    /// How many of them the newest partial file has.
    written: u64,
    /// Whether a writer before this one may have written a partial file of it.
    is_first: bool,
}

impl Edge {
    /// The first one of its level that a writer has.
    fn first() -> Self {
        Self { is_first: true, ..Self::default() }
    }

    /// Adds one; gives the content once the file is full.
    fn push(&mut self, bytes: &[&[u8]]) -> Option<(u64, Full)> {
        for part in bytes {
            self.bytes.extend_from_slice(part);
        }
        self.width += 1;
        if self.width < TILE_WIDTH {
            return None;
        }
        let full =
            Full { bytes: std::mem::take(&mut self.bytes), has_partials: self.is_first || self.written > 0 };
        let full = (self.n, full);
        *self = Self { n: self.n + 1, ..Self::default() };
        Some(full)
    }
}

impl<S: TileStore> TreeWriter<S> {
    /// Goes on with the log's tree at `size`, whose tiles were flushed; 0 begins an empty one.
    ///
    /// # Errors
    /// When a tile of that size is missing or cannot be read.
    pub fn open(store: S, size: u64) -> Result<Self, LogError> {
        Self::open_tree(store, None, size)
    }

    /// Goes on with the index tree of `segment`.
    pub(crate) fn open_tree(store: S, segment: Option<u64>, size: u64) -> Result<Self, LogError> {
        Self::open_within(store, segment, size, size)
    }

    /// Goes on at `size`, reading the tiles of a tree that has grown to `published`.
    pub(crate) fn open_within(
        store: S,
        segment: Option<u64>,
        size: u64,
        published: u64,
    ) -> Result<Self, LogError> {
        let prefix = prefix(segment);
        let mut levels = Vec::new();
        let mut entries = Edge::first();
        let mut frontier = Frontier::new();
        if size > 0 {
            let reader = match segment {
                None => TreeReader::new(&store, published),
                Some(segment) => TreeReader::of_index(&store, segment, published),
            };
            frontier = Frontier::read(&reader, size)?;
            let mut hashes = size;
            for level in (0u32..).step_by(TILE_HEIGHT as usize) {
                if hashes == 0 {
                    break;
                }
                let width = hashes % TILE_WIDTH;
                let mut edge = Edge { n: hashes / TILE_WIDTH, width, written: width, ..Edge::first() };
                for index in hashes - width..hashes {
                    edge.bytes.extend_from_slice(&reader.hash(level, index)?);
                }
                levels.push(edge);
                hashes /= TILE_WIDTH;
            }
            let width = size % TILE_WIDTH;
            entries = Edge { n: size / TILE_WIDTH, width, written: width, ..Edge::first() };
            if width > 0 {
                for entry in reader.entries(entries.n)?.iter().take(usize::try_from(width).unwrap_or(0)) {
                    entries.bytes.extend_from_slice(&length(entry));
                    entries.bytes.extend_from_slice(entry);
                }
            }
        }
        Ok(Self { store, prefix, frontier, levels, entries, full: BTreeMap::new() })
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Appends an entry and returns its log index.
    pub fn append(&mut self, entry: &Entry) -> u64 {
        self.append_bytes(entry.encode().as_ref())
    }

    /// Appends a leaf of at most 65,535 bytes.
    pub(crate) fn append_bytes(&mut self, entry: &[u8]) -> u64 {
        self.append_hashed(entry, leaf_hash(entry))
    }

    /// Appends a leaf whose hash is known.
    pub(crate) fn append_hashed(&mut self, entry: &[u8], leaf: Hash) -> u64 {
        let index = self.frontier.size();
        if self.entries.bytes.capacity() == 0 {
            self.entries.bytes.reserve_exact(TILE_FILE_MAX_BYTES);
        }
        if let Some((n, file)) = self.entries.push(&[&length(entry), entry]) {
            self.full.insert(format!("{}{}", self.prefix, entries_path(n, TILE_WIDTH)), file);
        }
        let Self { frontier, levels, full, prefix, .. } = self;
        frontier.append_with(leaf, |height, hash| {
            if !height.is_multiple_of(TILE_HEIGHT) {
                return;
            }
            let level = height / TILE_HEIGHT;
            let at = level as usize;
            if levels.len() <= at {
                levels.resize_with(at + 1, Edge::first);
            }
            let Some(edge) = levels.get_mut(at) else { return };
            if edge.bytes.capacity() == 0 {
                edge.bytes.reserve_exact(TILE_HASHES_BYTES);
            }
            if let Some((n, file)) = edge.push(&[hash]) {
                full.insert(format!("{prefix}{}", tile_path(level, n, TILE_WIDTH)), file);
            }
        });
        index
    }

    /// Writes all that is not written: every full file, and a partial one for each right edge. When it returns, all
    /// proofs for the present size can be read from the store. What could not be written is tried again by the next.
    ///
    /// # Errors
    /// When a file cannot be written, or is there with other content.
    pub fn flush(&mut self) -> Result<(), LogError> {
        self.flush_full()?;
        self.flush_partial()
    }

    /// Writes the full files alone, so that they do not wait in memory.
    ///
    /// # Errors
    /// As [`TreeWriter::flush`].
    pub fn flush_full(&mut self) -> Result<(), LogError> {
        while !self.full.is_empty() {
            let files: Vec<_> = self.full.iter().take(AT_ONCE).collect();
            let written: Vec<_> =
                files.iter().map(|(path, file)| (path.as_str(), file.bytes.as_slice())).collect();
            self.store.write_all(&written).map_err(not_written)?;
            let replaced: Vec<_> =
                files.iter().filter(|(_, file)| file.has_partials).map(|(path, _)| path.as_str()).collect();
            // A partial file that stays is a waste of space, no error.
            let _ = self.store.drop_partials(&replaced);
            let rest = files.last().map(|(path, _)| format!("{path}\0")).unwrap_or_default();
            self.full = self.full.split_off(&rest);
        }
        Ok(())
    }

    fn flush_partial(&mut self) -> Result<(), LogError> {
        let Self { store, prefix, levels, entries, .. } = self;
        let tiles = (0u32..).zip(levels.iter()).map(|(level, edge)| (Some(level), edge));
        let grown = tiles.chain([(None, &*entries)]).filter(|(_, edge)| edge.width != edge.written);
        let files: Vec<_> = grown
            .map(|(level, edge)| {
                let path = match level {
                    Some(level) => tile_path(level, edge.n, edge.width),
                    None => entries_path(edge.n, edge.width),
                };
                (format!("{prefix}{path}"), edge.bytes.as_slice())
            })
            .collect();
        let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
        store.write_all(&files).map_err(not_written)?;
        for edge in levels.iter_mut().chain([entries]) {
            edge.written = edge.width;
        }
        Ok(())
    }

    /// The store it writes to.
    pub fn store(&self) -> &S {
        &self.store
    }
}

fn not_written((path, source): (String, std::io::Error)) -> LogError {
    LogError::Io { path, action: "written", source }
}

/// The length before an entry in its bundle.
fn length(entry: &[u8]) -> [u8; 2] {
    u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes()
}
