//! Where the state survives a restart: one SQLite table of documents, written in one transaction per change.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::Error;

const FILE: &str = "messenger.sqlite";

/// One change to the stored documents.
#[derive(Debug)]
pub(crate) enum Op {
    /// Write a document.
    Put(String, String),
    /// Remove a document.
    Delete(String),
    /// Remove every document whose key starts so.
    DeletePrefix(String),
}

/// The state file, or nothing when the state lives in memory only.
pub(crate) struct Store {
    conn: Option<Connection>,
}

impl Store {
    /// Opens (or makes) `messenger.sqlite` in `dir`.
    ///
    /// `synchronous = NORMAL` in WAL mode: a killed process loses nothing, a power cut may lose the last moments.
    /// That is right for a sandbox, and keeps a send call fast.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Self, Error> {
        let Some(dir) = dir else { return Ok(Self { conn: None }) };
        let file = dir.join(FILE);
        make_private(dir, &file)
            .map_err(|source| Error::DataDir { dir: dir.display().to_string(), source })?;
        let conn = Connection::open(file)?;
        conn.busy_timeout(std::time::Duration::from_secs(2))?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS document (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Self { conn: Some(conn) })
    }

    /// Whether the state outlives the process at all.
    pub(crate) fn keeps(&self) -> bool {
        self.conn.is_some()
    }

    /// Every document, in key order.
    pub(crate) fn load(&self) -> Result<Vec<(String, String)>, Error> {
        let Some(conn) = &self.conn else { return Ok(Vec::new()) };
        let mut statement = conn.prepare("SELECT key, body FROM document ORDER BY key")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Applies the changes in one transaction.
    pub(crate) fn apply(&mut self, ops: &[Op]) -> Result<(), Error> {
        let Some(conn) = &mut self.conn else { return Ok(()) };
        if ops.is_empty() {
            return Ok(());
        }
        let tx = conn.transaction()?;
        for op in ops {
            match op {
                Op::Put(key, body) => tx
                    .prepare_cached(
                        "INSERT INTO document VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET body = ?2",
                    )?
                    .execute(params![key, body])?,
                Op::Delete(key) => {
                    tx.prepare_cached("DELETE FROM document WHERE key = ?1")?.execute(params![key])?
                }
                Op::DeletePrefix(prefix) => tx
                    .prepare_cached("DELETE FROM document WHERE key >= ?1 AND key < ?2")?
                    .execute(params![prefix, format!("{prefix}\u{7f}")])?,
            };
        }
        tx.commit()?;
        Ok(())
    }
}

/// Makes the folder (0700) and the file (0600) where they are missing, for their owner alone; SQLite gives the files
/// beside it the same mode. A file that is there is not opened: closing it would end another connection's locks.
fn make_private(dir: &Path, file: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_state_is_its_owners_alone() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("state");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let first = Store::open(Some(&dir)).unwrap();
        assert_eq!(mode(&dir), 0o700);
        let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.iter().any(|file| file.ends_with(FILE)), "{files:?}");
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        drop(first);
        assert!(Store::open(Some(&dir)).is_ok());
    }
}
