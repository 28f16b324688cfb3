//! Every key that the configuration may have. `config.default.toml` says what each means; a test keeps the two equal.

use toml::Value;

/// What kind of value a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text that is never shown. It may also be given as a file, under the name with `_file` behind it.
    Secret,
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Number,
    /// A list of texts.
    List,
}

/// The keys. `[]` stands for the place in a list of blocks.
pub(super) const KEYS: &[(&str, Kind)] = &[
    ("server.listen", Kind::Text),
    ("server.public_url", Kind::Text),
    ("server.allow_private_addresses", Kind::Switch),
    ("store.url", Kind::Secret),
    ("keys.master_key_file", Kind::Text),
    ("keys.master_key_command", Kind::List),
    ("disclosure_log.origin", Kind::Text),
    ("disclosure_log.dir", Kind::Text),
    ("disclosure_log.bucket", Kind::Text),
    ("disclosure_log.bucket_endpoint", Kind::Text),
    ("disclosure_log.bucket_region", Kind::Text),
    ("disclosure_log.bucket_key_id", Kind::Text),
    ("disclosure_log.bucket_secret", Kind::Secret),
    ("disclosure_log.bucket_secret_file", Kind::Text),
    ("disclosure_log.witness_policy_file", Kind::Text),
    ("keys.custody_file", Kind::Text),
    ("retention.event_key_days", Kind::Number),
    ("retention.failed_event_days", Kind::Number),
    ("retention.message_days", Kind::Number),
    ("retention.ended_message_days", Kind::Number),
    ("retention.plain_message_days", Kind::Number),
    ("retention.story_days", Kind::Number),
    ("retention.conversation_days", Kind::Number),
    ("retention.dead_job_days", Kind::Number),
    ("retention.customer_days", Kind::Number),
    ("messenger.graph_url", Kind::Text),
    ("messenger.graph_version", Kind::Text),
    ("messenger.app_id", Kind::Text),
    ("messenger.app_secret", Kind::Secret),
    ("messenger.app_secret_file", Kind::Text),
    ("messenger.app_token", Kind::Secret),
    ("messenger.app_token_file", Kind::Text),
    ("messenger.app_proof", Kind::Secret),
    ("messenger.app_proof_file", Kind::Text),
    ("messenger.verify_token", Kind::Secret),
    ("messenger.verify_token_file", Kind::Text),
    ("messenger.redirect_hosts", Kind::List),
    ("roles.folder", Kind::Text),
    ("roles.flags_url", Kind::Secret),
    ("roles.flags_url_file", Kind::Text),
    ("roles.egress_key", Kind::Text),
    ("roles.separate_users", Kind::Switch),
    ("roles.link_key_file", Kind::Text),
    ("reconcile.on_unknown", Kind::Text),
    ("reconcile.allowed_apps", Kind::List),
    ("reconcile.take_back_hours", Kind::Number),
    ("messenger.page[].id", Kind::Text),
    ("messenger.page[].token", Kind::Secret),
    ("messenger.page[].token_file", Kind::Text),
    ("messenger.page[].proof", Kind::Secret),
    ("messenger.page[].proof_file", Kind::Text),
    ("messenger.page[].institutions", Kind::List),
    ("institution[].id", Kind::Text),
    ("institution[].name", Kind::Text),
    ("institution[].name_ar", Kind::Text),
    ("institution[].profile", Kind::Text),
    ("institution[].profile_file", Kind::Text),
    ("institution[].issuer", Kind::Text),
    ("institution[].login_origins", Kind::List),
    ("institution[].api_url", Kind::Text),
    ("institution[].provider_id", Kind::Text),
    ("institution[].client_id", Kind::Text),
    ("institution[].client_secret", Kind::Secret),
    ("institution[].client_secret_file", Kind::Text),
    ("institution[].client_auth", Kind::Text),
    ("institution[].private_key_file", Kind::Text),
    ("institution[].private_key_id", Kind::Text),
    ("institution[].sender", Kind::Text),
    ("institution[].certificate_file", Kind::Text),
    ("institution[].certificate_key_file", Kind::Text),
    ("institution[].ca_file", Kind::Text),
    ("institution[].event_token", Kind::Secret),
    ("institution[].event_token_file", Kind::Text),
    ("institution[].polling_minutes", Kind::Number),
    ("institution[].agreement", Kind::Text),
    ("institution[].legal_name", Kind::Text),
    ("institution[].address", Kind::Text),
    ("institution[].contact", Kind::Text),
    ("institution[].jurisdiction", Kind::Text),
    ("institution[].retention", Kind::Text),
    ("institution[].storage", Kind::Text),
    ("institution[].privacy_notice", Kind::Text),
    ("kafka[].id", Kind::Text),
    ("kafka[].brokers", Kind::List),
    ("kafka[].topics", Kind::List),
    ("kafka[].institutions", Kind::List),
    ("kafka[].group", Kind::Text),
    ("kafka[].tls", Kind::Switch),
    ("kafka[].ca_file", Kind::Text),
    ("kafka[].certificate_file", Kind::Text),
    ("kafka[].certificate_key_file", Kind::Text),
    ("kafka[].mechanism", Kind::Text),
    ("kafka[].username", Kind::Text),
    ("kafka[].password", Kind::Secret),
    ("kafka[].password_file", Kind::Text),
    ("admin.listen", Kind::Text),
    ("admin.user[].id", Kind::Text),
    ("admin.user[].token", Kind::Secret),
    ("admin.user[].token_file", Kind::Text),
    ("admin.user[].personas", Kind::List),
    ("traces.endpoint", Kind::Text),
    ("traces.token", Kind::Secret),
    ("traces.token_file", Kind::Text),
    ("traces.one_in", Kind::Number),
    ("log.format", Kind::Text),
    ("log.level", Kind::Text),
];

/// How the URLs of databases begin.
pub(super) const STORE_KINDS: [&str; 3] = ["sqlite:", "postgres://", "postgresql://"];

/// The lists of blocks.
pub(super) const BLOCKS: &[&str] = &["messenger.page", "institution", "kafka", "admin.user"];

/// The kind of the key at a path such as `messenger.page[].id`.
pub(super) fn kind_of(pattern: &str) -> Option<Kind> {
    KEYS.iter().find(|(key, _)| *key == pattern).map(|(_, kind)| *kind)
}

/// The known key that an unknown one was probably meant to be.
pub(super) fn nearest(pattern: &str) -> Option<&'static str> {
    KEYS.iter()
        .map(|(key, _)| (edits(pattern, key), *key))
        .min()
        .filter(|(edits, _)| *edits <= crate::limits::SLIP_EDITS_MAX)
        .map(|(_, key)| key)
}

/// Whether what was not understood may have been meant to say where the database is: by a name that is like the
/// store's, or by what stands there.
pub(super) fn may_mean_the_store(path: &str, value: Option<&Value>) -> bool {
    // The address of something on the web is no database's.
    let on_the_web = value.and_then(Value::as_str).is_some_and(|text| text.trim_start().starts_with("http"));
    let like = path.starts_with("store")
        || (path.rsplit('.').next() == Some("url") && !on_the_web)
        || nearest(path).is_some_and(|key| key.starts_with("store."));
    like || match value {
        Some(Value::Table(inner)) => {
            inner.iter().any(|(name, value)| may_mean_the_store(&format!("{path}.{name}"), Some(value)))
        }
        Some(Value::Array(items)) => items.iter().any(|item| may_mean_the_store(path, Some(item))),
        Some(Value::String(text)) => {
            let text = text.trim_start().to_ascii_lowercase();
            STORE_KINDS.iter().any(|kind| text.starts_with(kind))
        }
        _ => false,
    }
}

/// How many letters must be added, taken away or changed to make one text of the other.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut corner = i;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let above = *cell;
            left = (corner + usize::from(x != *y)).min(above + 1).min(left + 1);
            corner = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        assert_eq!((edits("listen", "listen"), edits("lisen", "listen"), edits("", "abc")), (0, 1, 3));
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(nearest("server.lisen"), Some("server.listen"));
        assert_eq!(nearest("messenger.page[].tokn"), Some("messenger.page[].token"));
        assert_eq!(nearest("colour.of.the.moon"), None);
    }
}
