//! Numbered migrations, forward only. Each is recorded with its checksum, so that a changed one is noticed.

use crate::db::{Db, values};
use crate::{OpenError, StoreError};
use amana_core::Timestamp;
use amana_core::ids::sha256;

/// A step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

macro_rules! migrations {
    ($engine:literal, $(($number:literal, $name:literal)),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../migrations/", $engine, "/", $name, ".sql")),
        }),+]
    };
}

pub(crate) const SQLITE: &[Migration] = migrations!("sqlite", (1, "0001_start"));
pub(crate) const POSTGRES: &[Migration] = migrations!("postgres", (1, "0001_start"));

/// The table of what was applied. It is the same on both engines but for the name of the bytes' type.
pub(crate) const SCHEMA_CHANGE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS schema_change (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT";
pub(crate) const SCHEMA_CHANGE_POSTGRES: &str = "CREATE TABLE IF NOT EXISTS schema_change (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BYTEA NOT NULL,
    at BIGINT NOT NULL
)";

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The schema's number before; 0 for an empty database.
    pub from: i64,
    /// The schema's number now.
    pub to: i64,
    /// The names of the steps that were applied, in order.
    pub applied: Vec<String>,
}

/// The steps that are missing in a database that has `schema_change`, after checking those that are there.
pub(crate) async fn missing<D: Db>(
    db: &mut D,
    known: &'static [Migration],
) -> Result<(i64, &'static [Migration]), OpenError> {
    let rows = db.rows("SELECT number, checksum FROM schema_change ORDER BY number", values![]).await?;
    let newest = known.last().map_or(0, |m| m.number);
    let mut at = 0;
    for mut row in rows {
        let (number, checksum) = (row.int()?, row.bytes()?);
        if number > newest {
            return Err(OpenError::Newer { found: number, known: newest });
        }
        let step = known.iter().find(|m| m.number == number);
        if step.is_none_or(|m| sha256(&[m.sql.as_bytes()]).as_slice() != checksum) {
            return Err(OpenError::Changed { number });
        }
        at = number;
    }
    let done = known.iter().take_while(|m| m.number <= at).count();
    Ok((at, known.get(done..).unwrap_or_default()))
}

/// Records a step, in the transaction that made it.
pub(crate) async fn note<D: Db>(db: &mut D, step: &Migration, at: Timestamp) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO schema_change (number, name, checksum, at) VALUES ($1, $2, $3, $4)",
        values![step.number, step.name, sha256(&[step.sql.as_bytes()]), at],
    )
    .await
    .map(|_| ())
}
