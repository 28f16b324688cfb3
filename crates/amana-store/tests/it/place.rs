//! A database of a test's own, on either engine.

use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::NoTls;

/// Where the PostgreSQL tests find a server on which they may create databases.
const POSTGRES_URL: &str = "AMANA_TEST_POSTGRES_URL";

/// A database that ends with its test.
pub(crate) enum Place {
    Sqlite { dir: tempfile::TempDir },
    Postgres { admin: String, name: String },
}

#[expect(clippy::disallowed_methods, reason = "a test is told by the environment where its server is")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A new, empty database.
    pub(crate) async fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(admin) = variable(POSTGRES_URL) else {
            panic!(
                "{POSTGRES_URL} is not set: run `cargo xtask test`, which starts a PostgreSQL cluster, or set it to \
                 the url of a superuser on a throw-away server"
            );
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("store_{}_{number}", std::process::id());
        let place = Self::Postgres { admin, name };
        place.gone().await;
        place.admin(&format!("CREATE DATABASE {}", place.name())).await;
        place
    }

    /// A copy of the database as it is now, with its custody where a store of the copy would look for one. No store may
    /// be open on it.
    pub(crate) async fn copy(&self) -> Self {
        let copy = match self {
            Self::Sqlite { .. } => {
                let copy = Self::sqlite();
                std::fs::create_dir_all(copy.file().parent().expect("a folder")).expect("made");
                for end in ["", "-wal", "-shm"] {
                    let of = |place: &Self| format!("{}{end}", place.file().display());
                    if std::path::Path::new(&of(self)).exists() {
                        std::fs::copy(of(self), of(&copy)).expect("copied");
                    }
                }
                copy
            }
            Self::Postgres { admin, name } => {
                let copy = Self::Postgres { admin: admin.clone(), name: format!("{name}_copy") };
                copy.gone().await;
                // The server waits for a few seconds for connections that are about to end.
                copy.admin(&format!("CREATE DATABASE {} TEMPLATE {name}", copy.name())).await;
                copy
            }
        };
        std::fs::copy(custody_of(&self.url()), custody_of(&copy.url())).expect("copied");
        copy
    }

    async fn gone(&self) {
        self.admin(&format!("DROP DATABASE IF EXISTS {}", self.name())).await;
        let _ = std::fs::remove_file(custody_of(&self.url()));
    }

    fn name(&self) -> &str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres { name, .. } => name,
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite { .. } => format!("sqlite:{}", self.file().display()),
            Self::Postgres { admin, name } => {
                let (server, _) = admin.rsplit_once('/').expect("a url with a database");
                format!("{server}/{name}")
            }
        }
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        match self {
            Self::Sqlite { dir } => dir.path().join("data").join("amana.db"),
            Self::Postgres { .. } => panic!("PostgreSQL has no file of the test's"),
        }
    }

    async fn admin(&self, sql: &str) {
        if let Self::Postgres { admin, .. } = self {
            postgres_sql(admin, sql).await;
        }
    }

    /// A literal of bytes.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> String {
        match self {
            Self::Sqlite { .. } => format!("X'{}'", hex::encode(bytes)),
            Self::Postgres { .. } => format!("'\\x{}'::bytea", hex::encode(bytes)),
        }
    }

    /// Changes the database behind the store's back.
    pub(crate) async fn sql(&self, sql: &str) {
        match self {
            Self::Sqlite { .. } => {
                let conn = rusqlite::Connection::open(self.file()).expect("opens");
                conn.busy_timeout(std::time::Duration::from_secs(5)).expect("waits");
                conn.execute_batch(sql).expect("runs");
            }
            Self::Postgres { .. } => postgres_sql(&self.url(), sql).await,
        }
    }

    /// Removes the database.
    pub(crate) async fn close(&self) {
        let _ = std::fs::remove_file(custody_of(&self.url()));
        self.admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name())).await;
    }
}

/// The key custody that goes with a database: a process that knows the one finds the other.
pub(crate) fn custody_of(url: &str) -> std::path::PathBuf {
    match url.strip_prefix("sqlite:") {
        Some(path) => std::path::PathBuf::from(format!("{path}.custody")),
        None => {
            let name = url.rsplit('/').next().expect("a database");
            std::env::temp_dir().join(format!("amana-{name}.custody"))
        }
    }
}

pub(crate) async fn postgres_client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

async fn postgres_sql(url: &str, sql: &str) {
    postgres_client(url).await.batch_execute(sql).await.expect("runs");
}
