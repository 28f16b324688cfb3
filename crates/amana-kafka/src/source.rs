//! Where records come from: brokers, topics, and whose they are.

use crate::limits::{
    AHEAD_KIB_MAX, ANSWER_BYTES_MAX, FETCH_BYTES_MAX, OFFSETS_EVERY, SESSION, STATISTICS_EVERY,
};
use amana_core::{InstitutionId, Secret};
use rdkafka::ClientConfig;
use std::path::PathBuf;

/// Topics of one cluster that hold events of banks.
#[derive(Debug, Clone)]
pub struct Source {
    /// Our word for it, in metrics, logs and `amana dead list`.
    pub id: String,
    /// Brokers to begin with, as `host:port`; the others are learned from them.
    pub brokers: Vec<String>,
    /// The topics.
    pub topics: Vec<String>,
    /// Whose events they hold. With more than one, each record must say whose it is, in its header
    /// [`crate::INSTITUTION_HEADER`].
    pub institutions: Vec<InstitutionId>,
    /// The consumer group. All nodes of a deployment have the same one and share the partitions.
    pub group: String,
    /// TLS; without it the connection is in clear.
    pub tls: Option<Tls>,
    /// Who we are at the brokers.
    pub login: Option<Login>,
}

/// TLS to the brokers.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Authorities (PEM) instead of the operating system's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its key (PEM).
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A SASL login.
#[derive(Debug, Clone)]
pub struct Login {
    /// How the password is proved.
    pub mechanism: Mechanism,
    /// The user.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// A SASL mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The password itself travels: over TLS only.
    Plain,
    /// RFC 5802 with SHA-256.
    ScramSha256,
    /// RFC 5802 with SHA-512.
    ScramSha512,
}

impl Mechanism {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Its registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Source {
    /// Whether it needs what only a program with the feature `tls` has.
    #[must_use]
    pub fn needs_tls(&self) -> bool {
        self.tls.is_some() || self.login.as_ref().is_some_and(|login| login.mechanism != Mechanism::Plain)
    }

    /// What librdkafka is told.
    pub(crate) fn client(&self) -> ClientConfig {
        let ms = |time: std::time::Duration| time.as_millis().to_string();
        let mut client = ClientConfig::new();
        client
            .set("client.id", "amana")
            .set("bootstrap.servers", self.brokers.join(","))
            .set("group.id", &self.group)
            // Offsets are stored when what they are of is durable, and committed some time after.
            .set("enable.auto.offset.store", "false")
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", ms(OFFSETS_EVERY))
            // A group that is new, or whose place is gone, begins with what is there: nothing is passed over.
            .set("auto.offset.reset", "earliest")
            .set("allow.auto.create.topics", "false")
            // Members that come and go leave the others their partitions.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", ms(SESSION))
            .set("heartbeat.interval.ms", ms(SESSION / 4))
            .set("statistics.interval.ms", ms(STATISTICS_EVERY))
            .set("queued.max.messages.kbytes", AHEAD_KIB_MAX.to_string())
            .set("fetch.max.bytes", FETCH_BYTES_MAX.to_string())
            .set("receive.message.max.bytes", ANSWER_BYTES_MAX.to_string());
        let protocol = match (&self.tls, &self.login) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            if let Some(ca) = &tls.ca_file {
                client.set("ssl.ca.location", ca.to_string_lossy());
            }
            if let Some((certificate, key)) = &tls.identity {
                client.set("ssl.certificate.location", certificate.to_string_lossy());
                client.set("ssl.key.location", key.to_string_lossy());
            }
        }
        if let Some(login) = &self.login {
            client
                .set("sasl.mechanism", login.mechanism.as_str())
                .set("sasl.username", &login.username)
                .set("sasl.password", login.password.expose());
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Consumer, SourceError};
    use amana_core::{ManualClock, Timestamp};
    use std::sync::Arc;

    fn source(tls: Option<Tls>, mechanism: Option<Mechanism>) -> Source {
        let login = mechanism.map(|mechanism| Login {
            mechanism,
            username: "amana".to_owned(),
            password: Secret::new("a secret"),
        });
        Source {
            id: "cedar".to_owned(),
            brokers: vec!["127.0.0.1:1".to_owned()],
            topics: vec!["cedar.events".to_owned()],
            institutions: vec![InstitutionId::new("cedar-bank").expect("an id")],
            group: "amana".to_owned(),
            tls,
            login,
        }
    }

    /// Goal: what needs TLS is refused with a word where the program has none, and taken by librdkafka where it has.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_program_without_tls_says_so() {
        let clock = || Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        for (tls, mechanism) in [
            (Some(Tls::default()), None),
            (None, Some(Mechanism::ScramSha256)),
            (Some(Tls::default()), Some(Mechanism::ScramSha512)),
            (Some(Tls::default()), Some(Mechanism::Plain)),
        ] {
            let made = Consumer::new(source(tls, mechanism), clock());
            if crate::HAS_TLS {
                assert!(made.is_ok());
            } else {
                let error = made.err().expect("no TLS");
                assert!(matches!(error, SourceError::NoTls(_)), "{error}");
                assert!(error.to_string().contains("kafka-tls") && !error.to_string().contains("secret"));
            }
        }
        assert!(Consumer::new(source(None, Some(Mechanism::Plain)), clock()).is_ok());
    }

    /// Goal: offsets are stored by us alone, and what is fetched ahead is bounded.
    #[test]
    fn librdkafka_is_told_what_the_crate_promises() {
        let client = source(Some(Tls::default()), Some(Mechanism::ScramSha512)).client();
        for (key, value) in [
            ("enable.auto.offset.store", "false"),
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("queued.max.messages.kbytes", "16384"),
            ("auto.offset.reset", "earliest"),
        ] {
            assert_eq!(client.get(key), Some(value), "{key}");
        }
        assert_eq!(source(None, None).client().get("security.protocol"), Some("plaintext"));
    }
}
