//! What can go wrong here.

use std::io;

/// The one error of this crate's boundary. A refused bundle is not an error but a [`crate::bundle::Rejected`], and a
/// log that an auditor finds wrong is a [`crate::audit::Fault`]: each is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// An entry that is none of the three kinds, or has another length than its kind.
    #[error("an entry of {bytes} bytes is no receipt, index or rule entry; the log's data is damaged")]
    Entry {
        /// The length found.
        bytes: usize,
    },
    /// A leaf index, size or range that the tree does not have.
    #[error("{what} {value} is outside a tree of {size} leaves; ask for one inside it")]
    Range {
        /// What was asked for.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The tree's size.
        size: u64,
    },
    /// A proof that does not lead where it must.
    #[error("the {what} proof does not lead to the root; one of the two is not of this tree")]
    Proof {
        /// `inclusion` or `consistency`.
        what: &'static str,
    },
    /// A file of the log cannot be read or written.
    #[error("`{path}` of the log cannot be {action}")]
    Io {
        /// Its path below the log's address.
        path: String,
        /// `read` or `written`.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A tile that the tree's size requires is not there.
    #[error("`{path}` of the log is missing; write the tiles again from the entries")]
    TileMissing {
        /// Its path below the log's address.
        path: String,
    },
    /// A tile with the wrong length, or an entry bundle that does not parse.
    #[error("`{path}` of the log is damaged; write the tiles again from the entries")]
    TileDamaged {
        /// Its path below the log's address.
        path: String,
    },
    /// A verifier key or a key's name that is none.
    #[error("the verifier key is not usable: {what}")]
    Key {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A signed note that does not parse.
    #[error("this is no signed note: {what}")]
    Note {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A note whose text is no checkpoint.
    #[error("this is no checkpoint: {what}")]
    Checkpoint {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A policy file that does not parse.
    #[error("line {line} of the policy file: {what}")]
    Policy {
        /// The line, from 1; 0 where it is about the whole file.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A bundle cannot be built, since what the store says contradicts itself.
    #[error("the bundle cannot be built: {what}")]
    Bundle {
        /// What does not fit.
        what: &'static str,
    },
}
