//! Opening a store by its URL: which engine, migrations, and whether the master key is the right one.

use crate::db::{Db, values};
use crate::keyring::RootError;
use crate::vault::{Vault, context, open as open_sealed};
use crate::{Keys, MigrationReport, Retention, Store, StoreError, postgres, sqlite};
use amana_core::{Clock, Entropy};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a store does not open, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of neither kind.
    #[error("`{scheme}` is not a store; give `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")]
    Url {
        /// What stands before the first colon; the rest may hold a password.
        scheme: String,
    },
    /// The PostgreSQL URL cannot be read.
    #[error("the PostgreSQL url cannot be read: {0}")]
    PostgresUrl(String),
    /// PostgreSQL on another machine, which would need TLS.
    #[error(
        "the PostgreSQL host `{host}` is not this machine, and the store speaks no TLS to a database yet; \
         use a local socket or a tunnel that ends on a loopback address"
    )]
    NotLocal {
        /// The host.
        host: String,
    },
    /// The URL asks for TLS.
    #[error(
        "`sslmode=require` cannot be met: the store speaks no TLS to a database yet; give `sslmode=disable` \
         with a local socket or a loopback address"
    )]
    Tls,
    /// The database's file or folder.
    #[error("the database file `{path}` cannot be opened: {why}; check the path and its permissions")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// PostgreSQL cannot be reached.
    #[error(
        "PostgreSQL cannot be reached: {0}; check that it runs, and the url's host, user, password and database"
    )]
    Unreachable(String),
    /// The database is from a later version of Amana.
    #[error(
        "the database has schema {found}, this version of amana knows schemas up to {known}; install the newer version"
    )]
    Newer {
        /// The database's number.
        found: i64,
        /// The highest number of this version.
        known: i64,
    },
    /// A step is recorded with another checksum.
    #[error(
        "schema change {number} in the database is not the one of this version; restore it from a backup"
    )]
    Changed {
        /// The step.
        number: i64,
    },
    /// Migrations are missing and were not to be run.
    #[error("the database has schema {found}, this version needs {needed}; run `amana migrate`")]
    Pending {
        /// The database's number.
        found: i64,
        /// The number that is needed.
        needed: i64,
    },
    /// The database was made under another master key, or with another key custody.
    #[error(
        "the master key is not the one that this database and its key custody were made with; \
         give the files that belong to it"
    )]
    WrongKey,
    /// The master key cannot be used now.
    #[error("the master key cannot be used: {0}")]
    MasterAway(String),
    /// The database was used before, and the custody holds no root key.
    #[error(
        "the database is in use, and its key custody is empty: put the custody file back from its backup; \
         without it nothing stored can be read"
    )]
    NoRoot,
    /// The custody.
    #[error(transparent)]
    Custody(#[from] crate::CustodyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    /// Whether missing migrations are run; if not, they are an error.
    pub auto_migrate: bool,
    /// How long each kind of data is kept.
    pub retention: Retention,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { auto_migrate: true, retention: Retention::default() }
    }
}

/// Which engine a URL names.
pub(crate) enum Place<'a> {
    Sqlite(&'a Path),
    Postgres(&'a str),
}

pub(crate) fn place(url: &str) -> Result<Place<'_>, OpenError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        // `sqlite://relative` and `sqlite:///absolute` are written often enough to be understood.
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.is_empty() {
            return Ok(Place::Sqlite(Path::new(path)));
        }
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Place::Postgres(url));
    }
    let scheme = url.split(':').next().unwrap_or_default().chars().take(32).collect();
    Err(OpenError::Url { scheme })
}

/// Which database a URL of [`open()`] names, for people: without its password, a file by its whole path.
#[must_use]
pub fn shown(url: &str) -> String {
    match place(url) {
        Ok(Place::Sqlite(path)) => {
            let whole = std::path::absolute(path);
            format!("sqlite:{}", whole.as_deref().unwrap_or(path).display())
        }
        Ok(Place::Postgres(url)) => postgres::shown(url),
        Err(error) => error.to_string(),
    }
}

/// Opens the store at `sqlite:PATH` (made if it is not there: file 0600, folder 0700) or `postgres://…`, and runs
/// missing migrations. Needs a Tokio runtime.
///
/// # Errors
/// [`OpenError`], which says how to mend it.
pub async fn open(
    url: &str,
    keys: Keys,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, OpenError> {
    open_with(url, keys, entropy, clock, OpenOptions::default()).await
}

/// As [`open`], with options.
///
/// # Errors
/// As [`open`].
pub async fn open_with(
    url: &str,
    keys: Keys,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    options: OpenOptions,
) -> Result<Arc<dyn Store>, OpenError> {
    match place(url)? {
        Place::Sqlite(path) => {
            let path = path.to_owned();
            // Opening reads and may write the disk.
            let store = tokio::task::spawn_blocking(move || {
                sqlite::open(&path, &keys, entropy, clock.now(), options)
            });
            Ok(Arc::new(store.await.map_err(|_| StoreError::new("opening it was interrupted"))??))
        }
        Place::Postgres(url) => {
            Ok(Arc::new(postgres::open(url, &keys, entropy, clock.now(), options).await?))
        }
    }
}

/// Brings the database at `url` to this version's schema; makes it if it is not there.
///
/// # Errors
/// [`OpenError`], which says how to mend it. What was applied before the error stays.
pub async fn migrate(url: &str, clock: &dyn Clock) -> Result<MigrationReport, OpenError> {
    let now = clock.now();
    match place(url)? {
        Place::Sqlite(path) => {
            let path = path.to_owned();
            let work = tokio::task::spawn_blocking(move || sqlite::migrate(&path, now));
            work.await.map_err(|_| StoreError::new("the migration was interrupted"))?
        }
        Place::Postgres(url) => postgres::migrate(url, now).await,
    }
}

/// Opens the keys: those that the database was made with. A new database gets a root key, should the custody have none.
pub(crate) async fn unlock<D: Db>(
    db: &mut D,
    keys: &Keys,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Vault>, OpenError> {
    const PLAIN: &[u8] = b"amana";
    const STORED: &str = "SELECT value FROM setting WHERE name = 'key_check'";
    let used = db.row(STORED, values![]).await?.is_some();
    let keyring = keys.keyring(!used, &*entropy).map_err(|error| match error {
        RootError::WrongKey => OpenError::WrongKey,
        RootError::Away(why) => OpenError::MasterAway(why),
        RootError::Custody(error) => error.into(),
    })?;
    let vault = Vault::new(keyring.ok_or(OpenError::NoRoot)?, Arc::clone(&keys.custody), entropy);
    let context = context("key check", &[]);
    let key = vault.keyring().deployment();
    let sealed = vault.seal(key, &context, PLAIN)?;
    db.run(
        "INSERT INTO setting (name, value) VALUES ('key_check', $1) ON CONFLICT DO NOTHING",
        values![sealed],
    )
    .await?;
    let row = db.row(STORED, values![]).await?;
    let mut row = row.ok_or_else(|| StoreError::new("the key check was not kept"))?;
    match open_sealed(key, &context, &row.bytes()?) {
        Ok(plain) if plain == PLAIN => Ok(Arc::new(vault)),
        Ok(_) | Err(_) => Err(OpenError::WrongKey),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_database_is_shown_without_its_password() {
        for (url, expected) in [
            ("sqlite:/var/lib/amana.sqlite", "sqlite:/var/lib/amana.sqlite"),
            ("sqlite:///var/lib/amana.sqlite", "sqlite:/var/lib/amana.sqlite"),
            ("postgres://u:hidden@db.example:5433/amana", "postgres://u@db.example:5433/amana"),
            ("postgresql://u:hidden@db.example", "postgres://u@db.example:5432/u"),
            ("postgres://u@h/amana?password=hidden&options=-c%20x=hidden", "postgres://u@h:5432/amana"),
            ("postgres:///amana?host=/run/pg&user=u&password=hidden", "postgres://u@/run/pg/amana"),
            ("postgres://u@a:1,b:2/amana", "postgres://u@a:1,b:2/amana"),
            ("postgres://u:hidden@h/amana?no_such=hidden", "a PostgreSQL database"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
        let relative = shown("sqlite:amana.sqlite");
        let here = std::env::current_dir().expect("a folder");
        assert_eq!(relative, format!("sqlite:{}", here.join("amana.sqlite").display()));
        assert!(!shown("mysql://u:hidden@h/amana").contains("hidden"));
    }
}
