//! The disclosure log's files in an object store that speaks S3 (Amazon's, `MinIO`, …), instead of a folder: every
//! node can reach it, and it serves the log to auditors by itself.
//!
//! A tile never changes, so it is written with `If-None-Match: *`: the store refuses a second writer, and what is there
//! then must be the same bytes. The checkpoint alone is written over, by the one node that keeps the log.
//!
//! What is **not** here: nothing of the log's format, no decision which file is written when (`amana_log::tiles`,
//! `amana_flow::disclosure_log`), and no secret but the store's own.

pub mod limits;
mod tiles;

pub use tiles::{Access, ObjectError, ObjectTiles};
