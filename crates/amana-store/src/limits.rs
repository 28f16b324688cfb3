//! Every bound of the store, in one place.

/// Submissions that may wait for the writer. Past it, callers are told to come back: overload shows at the door, not as
/// memory.
pub const WRITER_QUEUE_MAX: usize = 8_192;
/// Commands that share one transaction. An fsync costs the same for one row as for a thousand; past a thousand the gain is
/// small and the wait of the first grows.
pub const BATCH_COMMANDS_MAX: usize = 1_000;
/// Rows that one query hands out at most, whatever it is asked for.
pub const QUERY_ROWS_MAX: usize = 10_000;
/// Read connections of the SQLite backend.
pub const SQLITE_READERS: usize = 4;
/// Connections of the PostgreSQL backend's pool.
pub const POSTGRES_CONNECTIONS: usize = 8;
/// The largest sealed body that is stored, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

const _: () = assert!(BATCH_COMMANDS_MAX <= WRITER_QUEUE_MAX);
