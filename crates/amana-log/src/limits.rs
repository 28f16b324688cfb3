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

/// Receipts of one segment that an auditor holds in memory (72 bytes each). A segment ends after 2^20 entries; what
/// comes in while it ends is far less than as many again.
pub const SEGMENT_MAX_RECEIPTS: u64 = 1 << 21;

/// The longest note: a checkpoint with the sixteen signatures that `signed-note` asks for, each as long as post-quantum
/// ones are (5 kB).
pub const NOTE_MAX_BYTES: usize = 128 * 1024;

/// Signature lines of a note. `signed-note` asks for at least 16.
pub const NOTE_MAX_SIGNATURES: usize = 64;

/// The longest policy file: room for 256 lines with long names and addresses.
pub const POLICY_MAX_BYTES: usize = 128 * 1024;

/// Names in a policy file, those of logs, witnesses and groups together. `tlog-policy` asks for at least 32 of each.
pub const POLICY_MAX_NAMES: usize = 256;

/// The longest `add-checkpoint` request: a note and 63 lines of 45 bytes, with the old size before them.
pub const REQUEST_MAX_BYTES: usize = NOTE_MAX_BYTES + 4 * 1024;

/// The longest bundle that is read: the proofs of about 40,000 receipts in a log of 2^30 entries. Whoever has more is
/// given several parts.
pub const BUNDLE_MAX_BYTES: usize = 128 * 1024 * 1024;

/// Hashes in a proof within a bundle: a tree of 2^53 leaves has 53 for inclusion, twice that for consistency.
pub const BUNDLE_PROOF_MAX_HASHES: usize = 107;

/// How deep the JSON of a bundle or a receipt may lie; a bundle needs six, a receipt two. Without a bound of our own
/// each parser would have another.
pub const JSON_MAX_DEPTH: usize = 16;

/// Characters kept of a receipt's own texts (its kind, its time) in a verifier's report.
pub const SHOWN_MAX_CHARS: usize = 40;

/// Kinds of receipt that a verifier's report counts apart. There are eight; a longer list would be somebody's game.
pub const KINDS_MAX: usize = 16;
