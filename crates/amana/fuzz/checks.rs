//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`src/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use crate::config::{Source, of_text};
use crate::exported::{Sending, thread};
use crate::roles::Role;

/// The keys whose values nobody may see.
const SECRETS: [&str; 5] = ["app_secret", "verify_token", "token", "client_secret", "event_token"];

/// Any text as a configuration: settings, or what is wrong, each on a line of its own; in neither stands a secret.
/// Lines `#AMANA_…=…` are its variables.
pub(crate) fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let variables: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#AMANA_")?.split_once('='))
        .map(|(name, value)| (format!("AMANA_{name}"), value.to_owned()))
        .collect();
    let source = Source::File("amana.toml".to_owned());
    for role in [None, Some(Role::Web), Some(Role::Connector)] {
        let said = match of_text(text, &source, variables.iter().cloned(), role) {
            Ok(settings) => format!("{settings:?}"),
            Err(errors) => {
                assert!(!errors.0.is_empty(), "refused without a reason");
                for problem in &errors.0 {
                    assert!(!problem.what.is_empty() && !problem.what.contains('\n'), "{problem}");
                }
                errors.to_string()
            }
        };
        for secret in secrets(text) {
            assert!(!said.contains(&secret), "a secret is shown");
        }
    }
}

/// The secrets of a configuration that stand in it once: what stands elsewhere too is not only a secret.
fn secrets(text: &str) -> Vec<String> {
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return Vec::new() };
    let mut found = Vec::new();
    let mut open = vec![("", toml::Value::Table(table))];
    let mut others = Vec::new();
    while let Some((name, value)) = open.pop() {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let name = SECRETS.iter().find(|secret| **secret == key).copied().unwrap_or_default();
                    others.push(key);
                    open.push((name, value));
                }
            }
            toml::Value::Array(items) => open.extend(items.into_iter().map(|item| ("", item))),
            toml::Value::String(text) if name.is_empty() => others.push(text),
            toml::Value::String(text) => found.push(text),
            _ => {}
        }
    }
    // A short one may stand in any sentence by chance.
    found.retain(|secret| secret.len() >= 12 && !others.iter().any(|other| other.contains(secret.as_str())));
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    found.retain(|secret| !lines.iter().any(|line| line.contains(secret.as_str())));
    found
}

/// Any text as a file of an exported thread: read or refused, and whatever times it says can be held against a row.
pub(crate) fn export(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for page in [None, Some("Harbor"), Some("")] {
        let Ok(heard) = thread(text, page) else { continue };
        assert!(heard.told.len() <= heard.senders.len());
        for told in &heard.told {
            for (sent_ms, tried) in [(Some(1_795_514_400_000), true), (None, true), (None, false)] {
                for (created_ms, expires_ms) in [(1_795_514_400_000, 1_795_773_600_000), (i64::MIN, i64::MAX)]
                {
                    let row = Sending { sent_ms, tried, created_ms, expires_ms };
                    let off = row.distance_ms(told.at_ms, 120_000);
                    assert!(off.is_none_or(|off| off >= 0) && (tried || off.is_none()));
                }
            }
        }
    }
}
