//! What survives a restart: one SQLite file of JSON records, read whole at the start and written record by record.
//!
//! A command first commits its records in one transaction (`synchronous=FULL`), then changes the memory. A process
//! killed anywhere finds either all of a command or nothing of it.

use std::path::Path;

use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

const FILE: &str = "sandbox-bank.sqlite";

/// One record to write or to remove.
pub(crate) struct Change {
    kind: &'static str,
    bank: String,
    id: String,
    /// `None` removes.
    body: Option<String>,
}

impl Change {
    /// Writes a record, replacing an older one.
    pub(crate) fn put<T: Serialize>(
        kind: &'static str,
        bank: &str,
        id: &str,
        record: &T,
    ) -> Result<Self, Error> {
        let body = serde_json::to_string(record)
            .map_err(|error| Error::Record { kind: kind.to_owned(), reason: error.to_string() })?;
        Ok(Self { kind, bank: bank.to_owned(), id: id.to_owned(), body: Some(body) })
    }

    /// Removes a record, if it is there.
    pub(crate) fn delete(kind: &'static str, bank: &str, id: &str) -> Self {
        Self { kind, bank: bank.to_owned(), id: id.to_owned(), body: None }
    }
}

/// The state file.
pub(crate) struct Db(Connection);

impl Db {
    /// Opens or makes the file and takes it for this process alone.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let unusable = |error: std::io::Error| Error::DataDir {
            path: dir.display().to_string(),
            reason: error.to_string(),
        };
        let file = dir.join(FILE);
        make_private(dir, &file).map_err(unusable)?;
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS record (
                 kind TEXT NOT NULL, bank TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
                 PRIMARY KEY (kind, bank, id)
             ) STRICT, WITHOUT ROWID;
             COMMIT;",
        )?;
        Ok(Self(connection))
    }

    /// Writes all the changes or none.
    pub(crate) fn commit(&mut self, changes: &[Change]) -> Result<(), Error> {
        let transaction = self.0.transaction()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT OR REPLACE INTO record (kind, bank, id, body) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut delete =
                transaction.prepare_cached("DELETE FROM record WHERE kind = ?1 AND bank = ?2 AND id = ?3")?;
            for change in changes {
                match &change.body {
                    Some(body) => put.execute(params![change.kind, change.bank, change.id, body])?,
                    None => delete.execute(params![change.kind, change.bank, change.id])?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// All records of a kind at a bank, by id.
    pub(crate) fn load<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        bank: &str,
    ) -> Result<Vec<(String, T)>, Error> {
        let mut statement =
            self.0.prepare_cached("SELECT id, body FROM record WHERE kind = ?1 AND bank = ?2 ORDER BY id")?;
        let rows = statement
            .query_map(params![kind, bank], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut out = Vec::new();
        for row in rows {
            let (id, body) = row?;
            let record = serde_json::from_str(&body)
                .map_err(|error| Error::Record { kind: kind.to_owned(), reason: error.to_string() })?;
            out.push((id, record));
        }
        Ok(out)
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
        let first = Db::open(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.iter().any(|file| file.ends_with(FILE)), "{files:?}");
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        drop(first);
        assert!(Db::open(&dir).is_ok());
    }
}
