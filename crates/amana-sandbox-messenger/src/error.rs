//! The crate's error at its boundary.

/// What can stop the simulator from starting or from keeping its state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration value that cannot work.
    #[error("messenger simulator: {what}; {mend}")]
    Config {
        /// What is wrong, with the value in backticks where it is not a secret.
        what: String,
        /// What to do about it.
        mend: &'static str,
    },
    /// The data directory cannot be made or opened.
    #[error(
        "messenger simulator: cannot use data directory `{dir}`: {source}; check that it exists and may be written"
    )]
    DataDir {
        /// The directory of the configuration.
        dir: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The state file cannot be read or written.
    #[error("messenger simulator: state file: {0}; if it is damaged, move it away and start again")]
    Store(#[from] rusqlite::Error),
    /// A stored document does not parse.
    #[error(
        "messenger simulator: stored document `{key}` does not parse: {source}; move the state file away and start again"
    )]
    Document {
        /// The document's key.
        key: String,
        /// The parser's reason.
        source: serde_json::Error,
    },
    /// The HTTP client for webhooks cannot be built.
    #[error("messenger simulator: cannot build the webhook client: {0}")]
    Client(#[from] reqwest::Error),
    /// The server stopped with an input/output error.
    #[error("messenger simulator: server: {0}")]
    Serve(#[source] std::io::Error),
}
