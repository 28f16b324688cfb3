//! What can be wrong with a source before anything is read.

/// A source that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The program has no TLS to brokers.
    #[error(
        "the source `{0}` needs TLS or SCRAM, and this program was built without it: build it with `--features kafka-tls`"
    )]
    NoTls(String),
    /// librdkafka refuses the settings.
    #[error("the source `{id}` cannot be read: {error}")]
    Refused {
        /// Which source.
        id: String,
        /// In librdkafka's words.
        error: rdkafka::error::KafkaError,
    },
}
