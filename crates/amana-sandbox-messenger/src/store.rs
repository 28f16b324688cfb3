//! Where the state survives a restart: one SQLite table of documents, written in one transaction per change.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::Error;

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
        std::fs::create_dir_all(dir)
            .map_err(|source| Error::DataDir { dir: dir.display().to_string(), source })?;
        let conn = Connection::open(dir.join("messenger.sqlite"))?;
        conn.busy_timeout(std::time::Duration::from_secs(2))?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS document (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Self { conn: Some(conn) })
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
