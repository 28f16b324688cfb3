//! The SQLite engine: one writer on a thread of its own, a few connections that only read.

use crate::db::{Backend, Counter, Db, Reading, Row, Value, Work};
use crate::engine::Engine;
use crate::kept::{Kept, write_back};
use crate::limits::{
    SQLITE_BATCH_COMMANDS_MAX, SQLITE_BUSY_WAIT, SQLITE_CHECKPOINT_PAGES, SQLITE_READERS, STATEMENTS_KEPT,
    WRITER_QUEUE_MAX,
};
use crate::migrate::{Migration, SCHEMA_CHANGE_SQLITE, SQLITE, missing, note};
use crate::open::unlock;
use crate::writer::{Locks, Submission, WriterConn, commit_batch, drain};
use crate::{Keys, MigrationReport, OpenError, OpenOptions, StoreError};
use amana_core::{Entropy, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};
use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite's texts name tables, columns and constraints, never values.
        Self::new(error.to_string())
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
            Self::Id(value) => ValueRef::Blob(value),
            Self::Hash(value) => ValueRef::Blob(value),
        }))
    }
}

/// Finishes a future that never waits, which is what the shared code is over this engine.
fn now<T>(future: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    finish(future).unwrap_or_else(|| Err(waited()))
}

fn finish<F: Future>(future: F) -> Option<F::Output> {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn waited() -> StoreError {
    StoreError::new("a step of the embedded database waited for something else")
}

/// One connection.
pub(crate) struct Lite {
    conn: Connection,
    /// The counters' values in this transaction, once read.
    counters: Option<[i64; Counter::ALL.len()]>,
    kept: Kept,
    texts: Texts,
}

impl Lite {
    fn new(conn: Connection) -> Self {
        Self { conn, counters: None, kept: Kept::default(), texts: Texts::default() }
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.conn.execute_batch(sql)?)
    }

    fn counters(&mut self) -> Result<&mut [i64; Counter::ALL.len()], StoreError> {
        if self.counters.is_none() {
            let mut values = [0; Counter::ALL.len()];
            let mut statement = self.conn.prepare_cached("SELECT value FROM counter WHERE name = ?1")?;
            for (value, counter) in values.iter_mut().zip(Counter::ALL) {
                *value = statement.query_row([counter.name()], |row| row.get(0))?;
            }
            self.counters = Some(values);
        }
        self.counters.as_mut().ok_or_else(waited)
    }

    fn keep_counters(&mut self) -> Result<(), StoreError> {
        let Some(values) = self.counters.take() else { return Ok(()) };
        let mut statement =
            self.conn.prepare_cached("UPDATE counter SET value = ?1 WHERE name = ?2 AND value < ?1")?;
        for (value, counter) in values.iter().zip(Counter::ALL) {
            statement.execute((value, counter.name()))?;
        }
        Ok(())
    }
}

/// The text of a statement for SQLite: `$1` is a name there, `?1` is the number that is meant. Each is made once: a
/// statement is known by where its text lies, which never changes.
#[derive(Default)]
struct Texts(HashMap<(usize, usize), String>);

impl Texts {
    fn of(&mut self, sql: &'static str) -> &str {
        let place = (sql.as_ptr().addr(), sql.len());
        self.0.entry(place).or_insert_with(|| sql.replace('$', "?"))
    }
}

impl Db for Lite {
    const LOCKS_ROWS: bool = false;
    const POSITION_IS_KEY: bool = true;

    fn kept(&mut self) -> &mut Kept {
        &mut self.kept
    }

    async fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let changed = self.conn.prepare_cached(self.texts.of(sql))?.execute(params_from_iter(values))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    async fn rows(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.conn.prepare_cached(self.texts.of(sql))?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let mut read = Vec::with_capacity(columns);
            for column in 0..columns {
                read.push(match row.get_ref(column)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(value) => Value::Int(value),
                    ValueRef::Text(value) => std::str::from_utf8(value)
                        .map_err(|_| StoreError::damaged("a stored text is not UTF-8"))?
                        .to_owned()
                        .into(),
                    ValueRef::Blob(value) => value.to_vec().into(),
                    ValueRef::Real(_) => return Err(StoreError::damaged("a stored number is not whole")),
                });
            }
            out.push(Row::new(read));
        }
        Ok(out)
    }

    async fn next(&mut self, counter: Counter) -> Result<i64, StoreError> {
        let index = Counter::ALL.iter().position(|c| *c == counter);
        let value = index.and_then(|index| self.counters().map(|all| all.get_mut(index)).transpose());
        let value = value.ok_or_else(waited)??;
        *value = value.checked_add(1).ok_or_else(|| StoreError::new("the positions are used up"))?;
        Ok(*value)
    }
}

impl WriterConn for Lite {
    async fn begin(&mut self, _: Locks) -> Result<(), StoreError> {
        self.counters = None;
        self.kept.clear();
        self.batch("BEGIN IMMEDIATE")
    }
    async fn commit(&mut self) -> Result<(), StoreError> {
        write_back(self).await?;
        self.keep_counters()?;
        self.batch("COMMIT")
    }
    async fn rollback(&mut self) {
        self.counters = None;
        self.kept.clear();
        // SQLite ends some failed transactions itself.
        if !self.conn.is_autocommit()
            && let Err(error) = self.batch("ROLLBACK")
        {
            tracing::error!(%error, "a rollback failed");
        }
    }
    async fn savepoint(&mut self) -> Result<(), StoreError> {
        self.conn.prepare_cached("SAVEPOINT submission")?.execute([])?;
        self.kept.savepoint();
        Ok(())
    }
    async fn release(&mut self) -> Result<(), StoreError> {
        self.conn.prepare_cached("RELEASE submission")?.execute([])?;
        self.kept.release();
        Ok(())
    }
    async fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.conn.prepare_cached("ROLLBACK TO submission")?.execute([])?;
        self.kept.roll_back();
        Ok(())
    }
}

/// The connections that read.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Lite>>>,
    free: Arc<Semaphore>,
}

impl Backend for Readers {
    type Conn = Lite;

    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Lite) -> Reading<'a, T> + Send + 'static,
    {
        let query = match self.at_the_moment(query) {
            Ok(answer) => return answer,
            Err(query) => query,
        };
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::new("it is closed"))?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        let work = tokio::task::spawn_blocking(move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut conn = kept.map_or_else(|| reader(&path), Ok)?;
            let answer = now(query(&mut conn));
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            drop(permit);
            answer
        });
        work.await.map_err(|_| StoreError::new("a query was interrupted"))?
    }

    /// On the caller's own thread: a row by its key is a few microseconds from the page cache, and waking another
    /// thread costs several times that. Readers never wait for the writer (WAL), so at worst this is a read from the
    /// disk.
    async fn look<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Lite) -> Reading<'a, T> + Send + 'static,
    {
        let query = match self.at_the_moment(query) {
            Ok(answer) => return answer,
            Err(query) => query,
        };
        let permit = self.free.acquire().await;
        let _permit = permit.map_err(|_| StoreError::new("it is closed"))?;
        let mut conn = self.take()?;
        let answer = now(query(&mut conn));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        answer
    }

    /// One read transaction for all of it. A connection whose snapshot is another one than last time, which under load
    /// is each time, begins with an empty page cache: a dozen looks at a dozen moments read every page a dozen times.
    async fn at_one_moment(&self, work: Work<'_>) -> Result<(), StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::new("it is closed"))?;
        let conn = self.take()?;
        // The snapshot is that of its first statement.
        conn.batch("BEGIN")?;
        let moment = Moment { conn: Mutex::new(Some(conn)), idle: Arc::clone(&self.idle), _permit: permit };
        MOMENT.scope(moment, work).await;
        Ok(())
    }
}

tokio::task_local! {
    /// The connection on which this task reads at one moment.
    static MOMENT: Moment;
}

/// A connection in a read transaction. It ends when this is dropped, also where the work was given up.
struct Moment {
    conn: Mutex<Option<Lite>>,
    idle: Arc<Mutex<Vec<Lite>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Moment {
    fn drop(&mut self) {
        let conn = self.conn.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // One that cannot end its transaction is closed.
        if let Some(conn) = conn.filter(|conn| conn.batch("ROLLBACK").is_ok()) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}

impl Readers {
    fn take(&self) -> Result<Lite, StoreError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.map_or_else(|| reader(&self.path), Ok)
    }

    /// Answers a query on the task's own connection; gives it back where the task has none of this store.
    fn at_the_moment<T, F>(&self, query: F) -> Result<Result<T, StoreError>, F>
    where
        F: for<'a> FnOnce(&'a mut Lite) -> Reading<'a, T>,
    {
        let mut query = Some(query);
        let answer = MOMENT.try_with(|moment| {
            if !Arc::ptr_eq(&moment.idle, &self.idle) {
                return None;
            }
            // No query of this store waits, so no two of a task are under way at once.
            let mut conn = moment.conn.lock().unwrap_or_else(PoisonError::into_inner);
            let conn = conn.as_mut()?;
            query.take().map(|query| now(query(conn)))
        });
        match (answer, query) {
            (Ok(Some(answer)), _) => Ok(answer),
            (_, Some(query)) => Err(query),
            (_, None) => Ok(Err(waited())),
        }
    }
}

/// Connections that read the file at a path; none is opened yet.
pub(crate) fn readers(path: &Path) -> Readers {
    Readers { path: path.to_owned(), idle: Arc::default(), free: Arc::new(Semaphore::new(SQLITE_READERS)) }
}

fn reader(path: &Path) -> Result<Lite, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(SQLITE_BUSY_WAIT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16384;")?;
    prepare_once(&conn)?;
    Ok(Lite::new(conn))
}

/// A kept statement is used as it was prepared. Without this ("query planner stability guarantee") SQLite prepares each
/// anew when a value is bound that could have changed its plan, which for a new version of it is every comparison with
/// a parameter, at every use: an eighth of the processor time of a gateway under load. No plan of ours depends on a
/// value: what a partial index asks for stands in the statement.
fn prepare_once(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Makes folder and file where they are missing, readable by their owner alone, and opens the file for writing.
fn writer(path: &Path) -> Result<Lite, OpenError> {
    let failed = |error: std::io::Error| OpenError::File { path: path.to_owned(), why: error.to_string() };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(parent).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path).map_err(failed)?);
    let unusable = |error: rusqlite::Error| OpenError::File { path: path.to_owned(), why: error.to_string() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(unusable)?;
    conn.busy_timeout(SQLITE_BUSY_WAIT).map_err(unusable)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA trusted_schema = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
    )
    .map_err(unusable)?;
    conn.pragma_update(None, "wal_autocheckpoint", SQLITE_CHECKPOINT_PAGES).map_err(unusable)?;
    prepare_once(&conn).map_err(unusable)?;
    Ok(Lite::new(conn))
}

/// Brings the database to this version's schema.
pub(crate) fn migrate(path: &Path, at: Timestamp) -> Result<MigrationReport, OpenError> {
    steps(&mut writer(path)?, at, true)
}

fn steps(conn: &mut Lite, at: Timestamp, run: bool) -> Result<MigrationReport, OpenError> {
    // One transaction around the reading and the steps: two processes that open the same file at once take turns.
    conn.batch("BEGIN IMMEDIATE")?;
    let report = steps_in_transaction(conn, at, run);
    conn.batch(if report.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    report
}

fn steps_in_transaction(conn: &mut Lite, at: Timestamp, run: bool) -> Result<MigrationReport, OpenError> {
    conn.batch(SCHEMA_CHANGE_SQLITE)?;
    let (from, todo) = finish(missing(conn, SQLITE)).ok_or_else(waited)??;
    let to = todo.last().map_or(from, |m: &Migration| m.number);
    if !run && to != from {
        return Err(OpenError::Pending { found: from, needed: to });
    }
    for step in todo {
        conn.batch(step.sql)?;
        now(note(conn, step, at))?;
    }
    Ok(MigrationReport { from, to, applied: todo.iter().map(|m| m.name.to_owned()).collect() })
}

/// A connection that writes by itself, each statement in a transaction of its own, beside the one of the store.
pub(crate) struct Alone(Arc<Mutex<Lite>>);

impl Backend for Alone {
    type Conn = Lite;

    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Lite) -> Reading<'a, T> + Send + 'static,
    {
        let conn = Arc::clone(&self.0);
        // It may wait for the store's writer.
        let work = tokio::task::spawn_blocking(move || {
            let mut conn = conn.lock().unwrap_or_else(PoisonError::into_inner);
            now(query(&mut conn))
        });
        work.await.map_err(|_| StoreError::new("a query was interrupted"))?
    }
}

/// Such a connection to a file that is there, with this version's schema.
pub(crate) fn alone(path: &Path, at: Timestamp) -> Result<Alone, OpenError> {
    if !path.exists() {
        return Err(OpenError::File { path: path.to_owned(), why: "it is not there".to_owned() });
    }
    let mut conn = writer(path)?;
    steps(&mut conn, at, false)?;
    Ok(Alone(Arc::new(Mutex::new(conn))))
}

/// Opens the store and starts its writer, which ends when the store is dropped and its queue is empty.
pub(crate) fn open(
    path: &Path,
    keys: &Keys,
    entropy: Arc<dyn Entropy>,
    at: Timestamp,
    options: OpenOptions,
) -> Result<Engine<Readers>, OpenError> {
    let mut conn = writer(path)?;
    steps(&mut conn, at, options.auto_migrate)?;
    let vault = finish(unlock(&mut conn, keys, entropy)).ok_or_else(waited)??;
    let (sender, mut queue) = mpsc::channel::<Submission>(WRITER_QUEUE_MAX);
    let for_writer = Arc::clone(&vault);
    std::thread::Builder::new()
        .name("amana-store-writer".to_owned())
        .spawn(move || {
            let mut careful = false;
            while let Some(first) = queue.blocking_recv() {
                let batch = drain(first, &mut queue, SQLITE_BATCH_COMMANDS_MAX);
                if finish(commit_batch(&mut conn, &for_writer, batch, &mut careful)).is_none() {
                    tracing::error!("a batch was left: {}", waited());
                }
            }
        })
        .map_err(|error| StoreError::new(format!("its writer cannot start: {error}")))?;
    Ok(Engine {
        backend: readers(path),
        vault,
        writer: sender,
        retention: options.retention,
        fence: Arc::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::values;
    use rusqlite::StatementStatus;

    /// Goal: a statement that is used again, with other values, is not prepared again, by readers and writer alike.
    #[test]
    fn a_kept_statement_is_prepared_once() {
        const LOOK: &str = "SELECT b FROM t WHERE a = $1 AND b >= $2 ORDER BY b LIMIT $3";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let writes = writer(&path).unwrap();
        writes.batch("CREATE TABLE t (a INTEGER, b INTEGER); CREATE INDEX t_b ON t (b) WHERE a = 1").unwrap();
        for mut conn in [writes, reader(&path).unwrap()] {
            for n in 0..5_i64 {
                now(conn.rows(LOOK, values![n, n + 1, n + 2])).unwrap();
            }
            let again = conn.conn.prepare_cached(conn.texts.of(LOOK)).unwrap();
            assert_eq!(again.get_status(StatementStatus::RePrepare), 0);
            assert!(again.get_status(StatementStatus::Run) >= 5, "it is the one that was kept");
        }
    }
}
