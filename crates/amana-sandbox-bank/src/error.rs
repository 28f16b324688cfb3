//! The crate's one error type.

/// What can go wrong when the sandbox bank is opened, fed or served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration contradicts itself or names something unknown.
    #[error("the sandbox bank's configuration is wrong: {0}")]
    Config(String),
    /// The data directory cannot be used.
    #[error("cannot use the data directory `{path}`: {reason}; check that it exists and is writable")]
    DataDir {
        /// The directory.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The state file cannot be read or written.
    #[error("the bank's state file failed: {0}; is another sandbox bank using the same data directory?")]
    State(#[from] rusqlite::Error),
    /// A record of the state file does not read back.
    #[error(
        "record `{kind}` in the bank's state file is not readable: {reason}; move the data directory away to start afresh"
    )]
    Record {
        /// Kind of record.
        kind: String,
        /// What is wrong.
        reason: String,
    },
    /// An imported customer was refused; nothing of it was kept.
    #[error("the imported customer was refused: {0}")]
    Import(String),
    /// The listener failed.
    #[error("the bank's listener failed: {0}")]
    Listen(#[from] std::io::Error),
    /// The HTTP client for pushing events could not be built.
    #[error("the event pusher could not be set up: {0}")]
    Pusher(#[from] reqwest::Error),
}
