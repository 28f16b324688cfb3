//! What one demonstration keeps between starts beside its databases: secrets, made at the first.

use crate::ambient::OsEntropy;
use crate::files;
use crate::sandbox::APP_ID;
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The file's name in the data directory.
const FILE: &str = "demo.json";
/// Everything that a demonstration makes in its data directory, for `--fresh`.
const OWN: &[&str] = &[
    "amana.sqlite",
    "amana.sqlite-wal",
    "amana.sqlite-shm",
    "amana.sqlite-journal",
    "master.key",
    "custody.sqlite",
    "custody.sqlite-journal",
    "bank",
    "messenger",
    "log",
    FILE,
];
/// The Page that all banks share.
pub(super) const SHARED_PAGE: &str = "1000";

/// The secrets of one demonstration. It does not print.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) verify_token: String,
    pub(super) client_secret: String,
    /// By Page.
    pub(super) page_tokens: BTreeMap<String, String>,
    /// By institution.
    pub(super) event_tokens: BTreeMap<String, String>,
}

impl State {
    /// The state of a data directory; made if there is none.
    ///
    /// # Errors
    /// When the directory cannot be used, or its file is not one.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            let fresh = Self::fresh();
            files::write_private(&path, &serde_json::to_vec_pretty(&fresh)?).with_context(|| {
                format!(
                    "the data directory `{}` cannot be written: choose another with `--data-dir`",
                    folder.display()
                )
            })?;
            return Ok(fresh);
        }
        let text = files::read_text(&path, crate::limits::CONFIG_BYTES_MAX)
            .map_err(|why| anyhow::anyhow!("`{}` {why}", path.display()))?;
        serde_json::from_str(&text).ok().with_context(|| {
            format!("`{}` is not of this version, or damaged: `--fresh` begins anew", path.display())
        })
    }

    fn fresh() -> Self {
        let brands = amana_sandbox_bank::brand::all();
        let pages = std::iter::once(SHARED_PAGE.to_owned()).chain((0..brands.len()).map(own_page));
        Self {
            app_id: APP_ID.to_owned(),
            app_secret: OsEntropy::hex::<16>(),
            verify_token: OsEntropy::hex::<16>(),
            client_secret: OsEntropy::hex::<24>(),
            page_tokens: pages.map(|page| (page, format!("EAA{}", OsEntropy::hex::<24>()))).collect(),
            event_tokens: brands.iter().map(|b| (b.id.to_owned(), OsEntropy::hex::<24>())).collect(),
        }
    }
}

/// The Page of the bank at this place.
pub(super) fn own_page(index: usize) -> String {
    (1001 + index).to_string()
}

/// Removes what an earlier demonstration left, and only that.
///
/// # Errors
/// When the directory was not a demonstration's, or something cannot be removed.
pub(super) fn forget(folder: &Path) -> anyhow::Result<()> {
    let anything = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if !anything {
        return Ok(());
    }
    if !folder.join(FILE).exists() {
        bail!(
            "`{}` holds no demonstration (there is no `{FILE}`), so nothing in it is removed: choose another directory",
            folder.display()
        );
    }
    // The state last: what is interrupted can be done again.
    for name in OWN {
        let path = folder.join(name);
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        match removed {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => bail!("`{}` cannot be removed ({})", path.display(), files::plain(&e)),
        }
    }
    Ok(())
}
