//! `[[kafka]]`: topics that hold banks' events.

use super::super::Institution;
use super::{Reader, shown};
use amana_core::InstitutionId;
use amana_kafka::{Login, Mechanism, Source, Tls};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use toml::Value;

impl Reader<'_> {
    /// The sources. Only the gate reads them: it makes what they bring durable.
    pub(super) fn kafka(
        &mut self,
        institutions: &[Option<Institution>],
        private: bool,
    ) -> Option<Vec<Source>> {
        let known: BTreeSet<InstitutionId> = institutions.iter().flatten().map(|i| i.id().clone()).collect();
        let all_known = institutions.iter().all(Option::is_some);
        let count = self.blocks("kafka");
        let all: Vec<_> =
            (0..count).map(|index| self.kafka_source(index, (&known, all_known), private)).collect();
        self.twice("kafka", count);
        all.into_iter().collect()
    }

    fn kafka_source(
        &mut self,
        index: usize,
        (known, all_known): (&BTreeSet<InstitutionId>, bool),
        private: bool,
    ) -> Option<Source> {
        let key = |name: &str| format!("kafka[{index}].{name}");
        let id = self.kafka_word(&key("id"), "a word for it, in metrics and logs");
        let brokers = self.kafka_list(&key("brokers"), "a broker, as `host:port`", |broker| {
            broker
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        });
        let topics = self.kafka_list(&key("topics"), "a topic: letters, digits, `.`, `_` and `-`", |topic| {
            is_word(topic) && topic.len() <= 249
        });
        let named = self.kafka_list(&key("institutions"), "an institution's id", |_| true);
        let mut institutions = Vec::new();
        for name in named.iter().flatten() {
            match InstitutionId::new(name.clone()) {
                Ok(id) if known.contains(&id) => institutions.push(id),
                _ if !all_known => {}
                _ => {
                    let what = format!("names `{}`, and no `[[institution]]` has this id", shown(name));
                    self.wrong(&key("institutions"), what);
                }
            }
        }
        let group = self.kafka_word(&key("group"), "the consumer group");
        let login = self.kafka_login(index)?;
        let tls = self.kafka_tls(index)?;
        let brokers = brokers?;
        if tls.is_none() && !private && !brokers.iter().all(|broker| is_here(broker)) {
            self.missing(
                &key("tls"),
                "events must not travel in clear: `tls = true` (without it only brokers of this machine, or with \
                 `allow_private_addresses`)",
            );
            return None;
        }
        let source = Source { id: id?, brokers, topics: topics?, institutions, group: group?, tls, login };
        if source.needs_tls() && !amana_kafka::HAS_TLS {
            self.wrong(
                &key(if source.tls.is_some() { "tls" } else { "mechanism" }),
                "needs a program that was built with `--features kafka-tls`, which this one was not",
            );
            return None;
        }
        Some(source)
    }

    fn kafka_word(&mut self, key: &str, what: &str) -> Option<String> {
        let word = self.needed(key, what)?;
        if !is_word(&word) {
            self.wrong(key, format!("is `{}`; it must be letters, digits, `.`, `_` and `-`", shown(&word)));
            return None;
        }
        Some(word)
    }

    fn kafka_list(&mut self, key: &str, one: &str, good: impl Fn(&str) -> bool) -> Option<Vec<String>> {
        let list = self.list(key).unwrap_or_default();
        if list.is_empty() && !self.said(key) {
            self.missing(key, &format!("name at least {one}"));
            return None;
        }
        for item in list.iter().filter(|item| !good(item)) {
            self.wrong(key, format!("holds `{}`; each must be {one}", shown(item)));
        }
        Some(list)
    }

    /// The outer `None` is a problem that was written down.
    #[expect(clippy::option_option, reason = "wrong, none, this")]
    fn kafka_login(&mut self, index: usize) -> Option<Option<Login>> {
        let key = |name: &str| format!("kafka[{index}].{name}");
        let Some(mechanism) = self.text(&key("mechanism")) else {
            if self.text(&key("username")).is_some() {
                self.missing(&key("mechanism"), "say how the password of `username` is proved");
                return None;
            }
            return Some(None);
        };
        let Some(mechanism) = Mechanism::ALL.into_iter().find(|m| m.as_str() == mechanism) else {
            let all = Mechanism::ALL.map(|m| format!("`{}`", m.as_str())).join(", ");
            self.wrong(&key("mechanism"), format!("is `{}`; it must be one of {all}", shown(&mechanism)));
            return None;
        };
        let username = self.needed(&key("username"), "who we are at the brokers");
        let password = self.needed_secret(&key("password"), "the password of `username`");
        Some(Some(Login { mechanism, username: username?, password: password? }))
    }

    #[expect(clippy::option_option, reason = "wrong, none, this")]
    fn kafka_tls(&mut self, index: usize) -> Option<Option<Tls>> {
        let key = |name: &str| format!("kafka[{index}].{name}");
        let file = |name: &str| self.text(&key(name)).map(PathBuf::from);
        let (ca_file, certificate, private) =
            (file("ca_file"), file("certificate_file"), file("certificate_key_file"));
        let identity = match (certificate, private) {
            (Some(certificate), Some(private)) => Some((certificate, private)),
            (None, None) => None,
            _ => {
                self.missing(&key("certificate_file"), "certificate and key belong together: give both");
                return None;
            }
        };
        if self.values.get(&key("tls")).and_then(Value::as_bool) == Some(true) {
            return Some(Some(Tls { ca_file, identity }));
        }
        if ca_file.is_some() || identity.is_some() {
            self.missing(&key("tls"), "files for TLS are given: `tls = true` belongs to them");
            return None;
        }
        Some(None)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Whether a broker is on this machine.
fn is_here(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
