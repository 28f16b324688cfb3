//! Every bound of the log, with its reason.

/// Hashes in a full tile, and entries in a full entry bundle (C2SP `tlog-tiles`).
pub const TILE_WIDTH: u64 = 256;

/// Levels of the tree that one tile spans: 2^8 = [`TILE_WIDTH`].
pub const TILE_HEIGHT: u32 = 8;

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// The largest tree. Sizes and indexes travel as JSON numbers, which are exact up to 2^53 − 1 only.
pub const TREE_MAX_LEAVES: u64 = (1 << 53) - 1;

/// The most hashes in an inclusion or consistency proof: one for each level of a tree of 2^64 leaves, less one.
/// `tlog-witness` has the same bound.
pub const PROOF_MAX_HASHES: usize = 63;

/// The longest entry, a receipt's or an index's. Foreign entries in a tile are refused above it.
pub const ENTRY_MAX_BYTES: usize = 65;

/// Bytes of a leaf of the index tree: a label and a log index.
pub const INDEX_LEAF_BYTES: usize = 40;

/// Bytes of a full tile of hashes.
pub const TILE_HASHES_BYTES: usize = 256 * HASH_BYTES;

/// The longest file that is read from a log's address: a full bundle of the longest entries with their length
/// prefixes has 17,152 bytes, a full tile 8,192.
pub const TILE_FILE_MAX_BYTES: usize = 256 * (ENTRY_MAX_BYTES + 2);

/// Tiles that a reader keeps in memory (each with its inner nodes, 16 KiB): enough for the path from one leaf to the
/// root of the largest tree, and for the bundle of a customer whose receipts are spread over the log.
pub const READER_CACHE_TILES: usize = 64;
