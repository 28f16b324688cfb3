//! `[disclosure_log]`: its name, and where its public files are.

use super::super::{DisclosureLog, LogFiles};
use super::{Reader, is_loopback};
use amana_core::Secret;
use amana_object::{Access, ObjectTiles};
use std::path::PathBuf;
use url::Url;

impl Reader<'_> {
    /// Its name, once published, must not change: checkpoints and verifiers carry it.
    pub(super) fn disclosure_log(
        &mut self,
        public_url: &Url,
        store_url: Option<&Secret>,
    ) -> Option<DisclosureLog> {
        let witness_policy_file = self.text("disclosure_log.witness_policy_file").map(PathBuf::from);
        let files = self.log_files(store_url);
        let origin = self.text("disclosure_log.origin").unwrap_or_else(|| {
            let port = public_url.port().map_or_else(String::new, |port| format!(":{port}"));
            format!("{}{port}/log", public_url.host_str().unwrap_or("localhost"))
        });
        if origin.chars().any(|c| c.is_whitespace() || c == '+' || c.is_control()) {
            self.wrong("disclosure_log.origin", "must hold no space and no `+`: it is a signer's name");
            return None;
        }
        Some(DisclosureLog { origin, files: files?, witness_policy_file })
    }

    /// A folder, or a bucket.
    fn log_files(&mut self, store_url: Option<&Secret>) -> Option<LogFiles> {
        const BUCKET: &str = "disclosure_log.bucket";
        const ENDPOINT: &str = "disclosure_log.bucket_endpoint";
        const SECRET: &str = "disclosure_log.bucket_secret";
        let dir = self.text("disclosure_log.dir").map(PathBuf::from);
        let Some(url) = self.text(BUCKET) else {
            if dir.is_none() && store_url.is_some_and(|url| url.expose().starts_with("postgres")) {
                self.missing(
                    "disclosure_log.dir",
                    "a folder for the log's public files must be given with PostgreSQL, or a `bucket`",
                );
            }
            // With the bucket's name forgotten the log would be in a folder that nobody watches.
            for key in [ENDPOINT, "disclosure_log.bucket_region", "disclosure_log.bucket_key_id"] {
                if self.text(key).is_some() {
                    self.wrong(
                        key,
                        "is given without `disclosure_log.bucket`: name the bucket, or leave this out",
                    );
                    return None;
                }
            }
            return Some(LogFiles::Folder(dir));
        };
        if dir.is_some() {
            self.wrong(BUCKET, "and `disclosure_log.dir` are both given: the log's files are in one place");
            return None;
        }
        if let Err(error) = ObjectTiles::named(&url) {
            self.wrong(BUCKET, error.to_string());
            return None;
        }
        let endpoint = match self.text(ENDPOINT) {
            None => None,
            Some(_) => {
                let url: Url = self.parsed(ENDPOINT, "a URL, such as `https://objects.bank.example`")?;
                if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
                    self.wrong(ENDPOINT, "must be https: plain http only to this machine");
                    return None;
                }
                Some(url.to_string())
            }
        };
        let secret = self.secret(SECRET);
        let key = match (self.text("disclosure_log.bucket_key_id"), secret) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            // Another role's: it keeps no log.
            (None, Some(secret)) if secret.expose().is_empty() => None,
            (Some(_), None) => {
                if !self.said(SECRET) && !self.said("disclosure_log.bucket_secret_file") {
                    self.missing(
                        SECRET,
                        "the secret of `bucket_key_id`; give it here or as `bucket_secret_file`",
                    );
                }
                return None;
            }
            (None, Some(_)) => {
                self.missing("disclosure_log.bucket_key_id", "the id of the key whose secret is given");
                return None;
            }
        };
        let region = self.text("disclosure_log.bucket_region");
        Some(LogFiles::Bucket(Access { url, endpoint, region, key }))
    }
}
