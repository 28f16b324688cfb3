//! Reading a tree from its tiles.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::path::prefix;
use super::{TileRead, entries_path, tile_path};
use crate::LogError;
use crate::limits::{HASH_BYTES, READER_CACHE_TILES, TILE_HEIGHT, TILE_WIDTH};
use crate::merkle::{self, Hash, HashReader, node_hash};

/// The tree of a published size, read from its tiles: proofs for any size up to that one.
///
/// It believes its tiles, as fits one's own; who audits a foreign log uses [`crate::audit`]. Tiles that were read are
/// kept, at most [`READER_CACHE_TILES`].
pub struct TreeReader<S> {
    store: S,
    prefix: String,
    size: u64,
    cache: RefCell<HashMap<(u32, u64), Rc<Tile>>>,
}

/// A tile with the nodes inside it: `levels[h]` are the complete subtrees of 2^h of its hashes.
struct Tile {
    levels: Vec<Vec<Hash>>,
}

impl Tile {
    fn new(hashes: Vec<Hash>) -> Self {
        let mut levels = vec![hashes];
        while let Some(below) = levels.last()
            && below.len() > 1
        {
            let (pairs, _) = below.as_chunks::<2>();
            levels.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        Self { levels }
    }
}

impl<S: TileRead> TreeReader<S> {
    /// The log's tree at a published size (or any later one whose tiles are written).
    pub fn new(store: S, size: u64) -> Self {
        Self::of(store, None, size)
    }

    /// The index tree of a segment that has ended.
    pub fn of_index(store: S, segment: u64, size: u64) -> Self {
        Self::of(store, Some(segment), size)
    }

    fn of(store: S, segment: Option<u64>, size: u64) -> Self {
        Self { store, prefix: prefix(segment), size, cache: RefCell::default() }
    }

    /// The size it reads at.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    /// When `size` is above [`TreeReader::size`], or a tile cannot be read.
    pub fn root(&self, size: u64) -> Result<Hash, LogError> {
        self.within("size", size)?;
        merkle::root(self, size)
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// When these are not in the tree, or a tile cannot be read.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        self.within("size", size)?;
        merkle::inclusion_proof(self, index, size)
    }

    /// The proof that the tree of the first `old` leaves is a beginning of the one of the first `size`.
    ///
    /// # Errors
    /// When these are not in the tree, or a tile cannot be read.
    pub fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        self.within("size", size)?;
        merkle::consistency_proof(self, old, size)
    }

    /// The bytes of leaf `index`.
    ///
    /// # Errors
    /// When it is not in the tree, or its bundle cannot be read.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        let (bundle, within) = (index / TILE_WIDTH, index % TILE_WIDTH);
        let entries = self.entries(bundle)?;
        usize::try_from(within)
            .ok()
            .and_then(|within| entries.into_iter().nth(within))
            .ok_or(LogError::Range { what: "leaf", value: index, size: self.size })
    }

    /// The entries of bundle `n`, which holds the leaves from 256 `n` on: as many as the tree's size gives it.
    ///
    /// # Errors
    /// When there is no such bundle, or it cannot be read.
    pub fn entries(&self, n: u64) -> Result<Vec<Vec<u8>>, LogError> {
        let start = n.saturating_mul(TILE_WIDTH);
        if start >= self.size {
            return Err(LogError::Range { what: "leaf", value: start, size: self.size });
        }
        let width = (self.size - start).min(TILE_WIDTH);
        let (path, bytes) = self.file(width, |width| entries_path(n, width))?;
        let Some(mut entries) = parse_bundle(&bytes) else {
            return Err(LogError::TileDamaged { path });
        };
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        if entries.len() < width {
            return Err(LogError::TileDamaged { path });
        }
        entries.truncate(width);
        Ok(entries)
    }

    fn within(&self, what: &'static str, value: u64) -> Result<(), LogError> {
        if value > self.size { Err(LogError::Range { what, value, size: self.size }) } else { Ok(()) }
    }

    /// The file of this width, or the full one, which takes its place once the tree has grown.
    fn file(&self, width: u64, path: impl Fn(u64) -> String) -> Result<(String, Vec<u8>), LogError> {
        let name = |width: u64| format!("{}{}", self.prefix, path(width));
        let wanted = name(width);
        for path in [wanted.clone(), name(TILE_WIDTH)] {
            match self.store.read(&path) {
                Ok(Some(bytes)) => return Ok((path, bytes)),
                Ok(None) => {}
                Err(source) => return Err(LogError::Io { path, action: "read", source }),
            }
        }
        Err(LogError::TileMissing { path: wanted })
    }

    fn tile(&self, level: u32, n: u64) -> Result<Rc<Tile>, LogError> {
        if let Some(tile) = self.cache.borrow().get(&(level, n)) {
            return Ok(Rc::clone(tile));
        }
        let hashes = self.size.checked_shr(level * TILE_HEIGHT).unwrap_or(0);
        let start = n.saturating_mul(TILE_WIDTH);
        if start >= hashes {
            return Err(LogError::Range { what: "hash", value: start, size: hashes });
        }
        let width = (hashes - start).min(TILE_WIDTH);
        let (path, bytes) = self.file(width, |width| tile_path(level, n, width))?;
        let (all, rest) = bytes.as_chunks::<HASH_BYTES>();
        let kept = usize::try_from(width).ok().and_then(|width| all.get(..width));
        let (Some(kept), true) = (kept, rest.is_empty()) else {
            return Err(LogError::TileDamaged { path });
        };
        let tile = Rc::new(Tile::new(kept.to_vec()));
        let mut cache = self.cache.borrow_mut();
        if cache.len() >= READER_CACHE_TILES {
            // The upper tiles are on the way to every leaf; they are few.
            cache.retain(|(level, _), _| *level > 0);
            if cache.len() >= READER_CACHE_TILES {
                cache.clear();
            }
        }
        cache.insert((level, n), Rc::clone(&tile));
        Ok(tile)
    }
}

impl<S: TileRead> HashReader for TreeReader<S> {
    fn hash(&self, level: u32, index: u64) -> Result<Hash, LogError> {
        let (tile_level, inner) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        // The node is the root of 2^inner hashes of a tile of that level.
        let range = LogError::Range { what: "hash", value: index, size: self.size };
        let Some(first) = index.checked_mul(1 << inner) else {
            return Err(range);
        };
        let tile = self.tile(tile_level, first / TILE_WIDTH)?;
        let within = (first % TILE_WIDTH) >> inner;
        let found = usize::try_from(inner).ok().and_then(|inner| tile.levels.get(inner));
        let found = usize::try_from(within).ok().and_then(|within| found?.get(within));
        found.copied().ok_or(range)
    }
}

/// The entries of a bundle, each with its big-endian u16 length before it; `None` when the bytes end within one, or
/// hold more than a full bundle.
#[must_use]
pub fn parse_bundle(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        bytes = rest;
        if entries.len() as u64 > TILE_WIDTH {
            return None;
        }
    }
    bytes.is_empty().then_some(entries)
}
