//! Bounds.

use std::time::Duration;

/// Files that are written, or dropped, at once.
pub const AT_ONCE: usize = 32;

/// How long each try of a request may take; a tile has at most 17 KiB.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it takes to connect at most.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a request is made again, after the first try, that failed, or was answered with 429 or 5xx. After that
/// the round of the log fails, and the next one begins where it ended.
pub const RETRIES: usize = 3;

/// How long a request is made again for.
pub const RETRY_FOR: Duration = Duration::from_secs(10);

/// The longest file that is read, in bytes; rule documents are the longest. As from a folder.
pub const FILE_BYTES_MAX: u64 = 64 * amana_log::limits::TILE_FILE_MAX_BYTES as u64;
