//! The master key: read from its file, or made for a new SQLite database.

use crate::ambient::OsEntropy;
use crate::config::Settings;
use crate::files;
use amana_gate::DataKey;
use amana_store::Keyring;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file's name beside a SQLite database.
const BESIDE: &str = "master.key";

/// The keys of the deployment. `may_make` allows to make the file for a database that is not there yet.
///
/// # Errors
/// When the file cannot be read or made, or holds no key.
pub(crate) fn keyring(settings: &Settings, may_make: bool) -> anyhow::Result<Keyring> {
    let database = sqlite_path(settings.store_url.expose());
    let path = match (&settings.master_key_file, &database) {
        (Some(named), _) => named.clone(),
        (None, Some(database)) => database.with_file_name(BESIDE),
        (None, None) => bail!("`keys.master_key_file` is missing: it must be given with PostgreSQL"),
    };
    if !path.exists() {
        if settings.master_key_file.is_some() {
            bail!(
                "the master key's file `{}` is not there: put it back, or make one with `openssl rand -hex 32` for a new database",
                path.display()
            );
        }
        if database.is_some_and(|database| database.exists()) {
            bail!(
                "the database is there, and its master key `{}` is not: put the file back from the backup; without it nothing stored can be read",
                path.display()
            );
        }
        if !may_make {
            bail!(
                "the master key `{}` is not there yet: `amana serve` makes it at the first start",
                path.display()
            );
        }
        let fresh = Zeroizing::new(format!("{}\n", OsEntropy::hex::<32>()));
        files::write_private(&path, fresh.as_bytes())
            .with_context(|| format!("the master key cannot be written to `{}`", path.display()))?;
        tracing::info!(file = %path.display(), "a new master key was made: keep a copy of this file in a safe place, apart from the database");
    }
    warn_if_open(&path);
    let text = files::read_text(&path, crate::limits::SECRET_FILE_BYTES_MAX)
        .map(Zeroizing::new)
        .map_err(|why| anyhow::anyhow!("the master key's file `{}` {why}", path.display()))?;
    let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let Some(bytes) = bytes else {
        bail!("the master key's file `{}` must hold 64 hexadecimal digits and nothing else", path.display());
    };
    Ok(Keyring::new(&DataKey::new(bytes)))
}

/// The database's file, for a SQLite URL.
pub(crate) fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let open = std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    if open {
        tracing::warn!(file = %path.display(), "other users may read the master key's file: `chmod 600` it");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}
