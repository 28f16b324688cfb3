//! The disclosure log as pure code: `docs/disclosure-log.md` is the format, this crate writes, reads and checks it.
//!
//! | module | what |
//! |---|---|
//! | [`merkle`] | RFC 6962 trees: hashes, proofs, [`merkle::Frontier`] for appending |
//! | [`entry`], [`key`] | what is in the log, and what a customer's key makes of a receipt |
//! | [`index`] | a segment's sorted index, which proves a label's absence |
//! | [`note`], [`checkpoint`] | C2SP `signed-note`, `tlog-checkpoint`, `tlog-cosignature` |
//! | [`policy`], [`witness`] | C2SP `tlog-policy`, `tlog-witness`: who must have signed, and signing for others' logs |
//! | [`bundle`] | what a customer takes home: building it, and verifying it with nothing else |
//! | [`audit`] | checking a whole log from its public files |
//! | [`tiles`] | C2SP `tlog-tiles`: the log as files that never change |
//!
//! **What is not here:** no clock, no randomness, no network, no async. Files are read and written through
//! [`tiles::TileRead`] and [`tiles::TileStore`] alone. Nothing here knows a bank, a customer or a receipt's meaning.

pub mod audit;
pub mod bundle;
mod bytes;
pub mod checkpoint;
pub mod entry;
mod error;
pub mod index;
pub mod key;
pub mod limits;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod tiles;
pub mod witness;

pub use entry::{Entry, IndexEntry, IndexLeaf};
pub use error::LogError;
pub use key::CustomerKey;
pub use merkle::Hash;
