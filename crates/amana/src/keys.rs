//! The keys: the master key (read from its file, made for a new SQLite database, or kept by somebody else behind a
//! command), and the key custody.

use crate::ambient::OsEntropy;
use crate::config::Settings;
use crate::files;
use crate::key_command::CommandKey;
use amana_gate::DataKey;
use amana_store::{Keys, MasterKey, SqliteCustody};
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The master key's file beside a SQLite database.
const BESIDE: &str = "master.key";
/// The custody's file beside the master key.
const CUSTODY: &str = "custody.sqlite";

/// The keys of the deployment. `may_make` allows to make the files for a database that is not there yet.
///
/// # Errors
/// When a file cannot be read or made, or holds no key.
pub(crate) fn keys(settings: &Settings, may_make: bool) -> anyhow::Result<Keys> {
    let database = sqlite_path(settings.store_url.expose());
    let used = database.as_ref().is_some_and(|database| database.exists());
    let (master, beside): (Arc<dyn MasterKey>, PathBuf) = match CommandKey::new(&settings.master_key_command)
    {
        Some(command) => {
            let beside = database.or_else(|| settings.custody_file.clone());
            (Arc::new(command), beside.context("`keys.custody_file` is missing")?)
        }
        None => {
            let path = file(settings, database.as_deref(), used, may_make)?;
            (Arc::new(read(&path)?), path)
        }
    };
    let custody = match &settings.custody_file {
        Some(named) => named.clone(),
        None => beside.with_file_name(CUSTODY),
    };
    if !custody.exists() && (used || !may_make) {
        bail!(
            "the key custody `{}` is not there: put the file back from its own backup; without it nothing stored can be read \
             (`amana serve` makes it for a new database)",
            custody.display()
        );
    }
    warn_if_open(&custody);
    let custody = SqliteCustody::open(&custody, may_make).with_context(|| {
        format!(
            "the key custody `{}` cannot be opened; `keys.custody_file` says where it is, in a folder that this user may write",
            custody.display()
        )
    })?;
    Ok(Keys::new(master, Arc::new(custody)))
}

/// The master key's file: the one that is named, or the one beside a SQLite database, made for a new one.
fn file(settings: &Settings, database: Option<&Path>, used: bool, may_make: bool) -> anyhow::Result<PathBuf> {
    let path = match (&settings.master_key_file, database) {
        (Some(named), _) => named.clone(),
        (None, Some(database)) => database.with_file_name(BESIDE),
        (None, None) => bail!("`keys.master_key_file` is missing: it must be given with PostgreSQL"),
    };
    if path.exists() {
        return Ok(path);
    }
    if settings.master_key_file.is_some() {
        bail!(
            "the master key's file `{}` is not there: put it back, or make one with `openssl rand -hex 32` for a new database",
            path.display()
        );
    }
    if used {
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
    make(&path)?;
    tracing::info!(file = %path.display(), "a new master key was made: keep a copy of this file in a safe place, apart from the database");
    Ok(path)
}

fn make(path: &Path) -> anyhow::Result<()> {
    let fresh = Zeroizing::new(format!("{}\n", OsEntropy::hex::<32>()));
    files::write_private(path, fresh.as_bytes())
        .with_context(|| format!("the master key cannot be written to `{}`", path.display()))
}

/// The master key of a file.
///
/// # Errors
/// When it cannot be read, or holds no key.
fn read(path: &Path) -> anyhow::Result<DataKey> {
    warn_if_open(path);
    let text = files::read_text(path, crate::limits::SECRET_FILE_BYTES_MAX)
        .map(Zeroizing::new)
        .map_err(|why| anyhow::anyhow!("the master key's file `{}` {why}", path.display()))?;
    let mut bytes = Zeroizing::new([0; 32]);
    if hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).is_err() {
        bail!("the master key's file `{}` must hold 64 hexadecimal digits and nothing else", path.display());
    }
    Ok(DataKey::new(*bytes))
}

/// `amana keys rotate --new`: puts the key of another file in the place of the master key.
///
/// # Errors
/// When a key cannot be read, or the root key is not under the present one; nothing changed then.
pub(crate) fn rotate(settings: &Settings, new: &Path) -> anyhow::Result<()> {
    let keys = keys(settings, false)?;
    if !new.exists() {
        make(new)?;
        crate::output::line(&format!("made a new master key: {}", new.display()));
    }
    keys.rotate(&read(new)?, &OsEntropy)?;
    crate::output::line(&format!(
        "the root key is under the master key in `{}` now. Put that file in the place of the old one (or name it in \
         `keys.master_key_file`, without `keys.master_key_command`) before the next start, and destroy the old one with its copies.",
        new.display()
    ));
    Ok(())
}

/// `amana keys rotate --new-command`: puts the key that a command keeps in the place of the master key.
///
/// # Errors
/// When the command does not wrap and unwrap, or the root key is not under the present master key; nothing changed
/// then.
pub(crate) fn rotate_to_command(settings: &Settings, command: &[String]) -> anyhow::Result<()> {
    let new = CommandKey::new(command).context("give the command's program")?;
    keys(settings, false)?.rotate(&new, &OsEntropy)?;
    crate::output::line(&format!(
        "the root key is under the key of the command now. Before the next start set `keys.master_key_command = {}` in the \
         place of `keys.master_key_file`, and destroy the old key with its copies.",
        serde_json::to_string(command)?
    ));
    Ok(())
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
        tracing::warn!(file = %path.display(), "other users may read a file of keys: `chmod 600` it");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}
