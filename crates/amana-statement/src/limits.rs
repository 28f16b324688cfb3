//! Every bound of this crate, in one place, with its reason.

/// Longest file that is read, in bytes (64 MiB): some 300,000 OFX transactions, ten years of a busy business.
pub const FILE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Most transactions in one file, over all its statements.
pub const TRANSACTIONS_MAX_COUNT: usize = 1_000_000;

/// Most elements in one file. Bounds the memory of the element tree (24 bytes each) for files that are nothing
/// but tags; a file of [`FILE_MAX_BYTES`] with real content has about a third of it.
pub const ELEMENTS_MAX_COUNT: usize = 8_000_000;

/// Deepest nesting of elements. The formats need about 12.
pub const NESTING_MAX_DEPTH: usize = 64;

/// Longest text of one element, in bytes. The longest that the formats define is some 4,000 characters.
pub const TEXT_MAX_BYTES: usize = 16 * 1024;

/// Most digits and separators of an amount, in characters. `i64` minor units need 19 digits.
pub const AMOUNT_MAX_CHARS: usize = 40;

/// How much of a wrong value an error message shows, in characters.
pub const SHOWN_MAX_CHARS: usize = 32;

/// Lowest camt.053 and camt.054 version that is read: `.001.01` has another shape.
pub const CAMT_VERSION_MIN: u32 = 2;

/// Highest camt.053 and camt.054 version that is read: the newest whose published schema keeps the elements
/// that are read here.
pub const CAMT_VERSION_MAX: u32 = 13;

/// The years a date of a statement may lie in. Outside of it a date is a slip (`00000000`, `9999…`).
pub const YEAR_MIN: i16 = 1900;
/// See [`YEAR_MIN`].
pub const YEAR_MAX: i16 = 2200;

/// Positions are kept as `u32`; decoding makes at most three bytes of one.
const _: () = assert!(FILE_MAX_BYTES < (u32::MAX as usize) / 4);
const _: () = assert!(ELEMENTS_MAX_COUNT < u32::MAX as usize);
