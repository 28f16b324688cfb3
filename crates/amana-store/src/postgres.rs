//! The PostgreSQL engine: one writer task with a connection of its own, reads over a pool.

use crate::db::{Backend, Counter, Db, Reading, Row, Value};
use crate::engine::Engine;
use crate::fence::Fence;
use crate::kept::{Kept, write_back};
use crate::limits::{
    LEASE_LOOK, POSTGRES_CONNECT_WAIT, POSTGRES_CONNECTIONS, POSTGRES_IDLE_TRANSACTION_MS_MAX,
    POSTGRES_MIGRATION_LOCK_MS_MAX, POSTGRES_STATEMENT_MS_MAX, WRITER_QUEUE_MAX,
};
use crate::migrate::{POSTGRES, SCHEMA_CHANGE_POSTGRES, missing, note};
use crate::open::unlock;
use crate::writer::{Locks, Submission, WriterConn, apart, commit_batch, drain};
use crate::{Keys, MigrationReport, NewInbox, OpenError, OpenOptions, Outcome, StoreError, codec};
use amana_core::{Entropy, Timestamp, micros};
use bytes::BytesMut;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, NoTls};

/// The advisory lock under which migrations run: `amana` in ASCII.
const MIGRATION_LOCK: i64 = 0x61_6d_61_6e_61;

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        // Of the server's error only code and message: its detail holds values.
        let Some(server) = error.as_db_error() else {
            return if error.is_closed() {
                // Before a commit was sent, a lost connection is a rolled back transaction.
                Self::lost_race("the connection to PostgreSQL was lost")
            } else {
                Self::new(error.to_string())
            };
        };
        let text = format!("PostgreSQL says {}: {}", server.code().code(), server.message());
        let lost = [
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            // Another writer made the row since the statement looked: looking again finds it.
            SqlState::UNIQUE_VIOLATION,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::CRASH_SHUTDOWN,
        ];
        if lost.contains(server.code()) { Self::lost_race(text) } else { Self::new(text) }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            other => Self::new(format!("no connection to PostgreSQL: {other}")),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT8 => value.to_sql(ty, out),
            Self::Text(value) if *ty == Type::TEXT => value.as_ref().to_sql(ty, out),
            Self::Blob(value) if *ty == Type::BYTEA => value.as_ref().to_sql(ty, out),
            Self::Id(value) if *ty == Type::BYTEA => value.as_slice().to_sql(ty, out),
            Self::Hash(value) if *ty == Type::BYTEA => value.as_slice().to_sql(ty, out),
            Self::Int(_) | Self::Text(_) | Self::Blob(_) | Self::Id(_) | Self::Hash(_) => {
                Err("a value of another type".into())
            }
        }
    }
    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(ty)
    }
    to_sql_checked!();
}

/// A connection of the pool; the writer keeps its own.
pub(crate) struct Pg {
    pool: Pool,
    client: Option<Object>,
    kept: Kept,
    /// The writer's: which node it writes for.
    fence: Option<Arc<Fence>>,
    /// When the transaction that is open began to renew the node's lease.
    renewing: Option<tokio::time::Instant>,
}

impl Pg {
    async fn connected(pool: &Pool) -> Result<Self, StoreError> {
        Ok(Self {
            pool: pool.clone(),
            client: Some(pool.get().await?),
            kept: Kept::default(),
            fence: None,
            renewing: None,
        })
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client.as_ref().ok_or_else(|| StoreError::lost_race("the connection to PostgreSQL was lost"))
    }

    async fn simple(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.client()?.batch_execute(sql).await?)
    }

    /// A node's transaction begins with the renewal of its lease, which locks the node's row until the end: who ends a
    /// node waits for what it is committing, and after that it commits nothing.
    async fn renew(&mut self) -> Result<(), StoreError> {
        self.renewing = None;
        let Some(fence) = self.fence.clone() else { return Ok(()) };
        let Some(node) = fence.lease().node else { return Ok(()) };
        let began = tokio::time::Instant::now();
        if crate::node::renew(self, node).await? == 0 {
            fence.lose();
            return Err(StoreError::new("this node's lease is over: others have its shards"));
        }
        self.renewing = Some(began);
        Ok(())
    }

    /// Whether it writes for one of several nodes.
    fn is_node(&self) -> bool {
        self.fence.as_ref().is_some_and(|fence| fence.lease().node.is_some())
    }

    /// Closes the connection: whatever state it is in, no one gets it again.
    fn discard(&mut self) {
        drop(self.client.take().map(Object::take));
    }
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Db for Pg {
    const LOCKS_ROWS: bool = true;
    const POSITION_IS_KEY: bool = false;

    fn kept(&mut self) -> &mut Kept {
        &mut self.kept
    }

    async fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.execute(&statement, &parameters(values)).await?)
    }

    async fn rows(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await?;
        let rows = client.query(&statement, &parameters(values)).await?;
        rows.iter()
            .map(|row| {
                let columns = row.columns().iter().enumerate();
                let values = columns.map(|(index, column)| match *column.type_() {
                    Type::INT8 => Ok(Value::from(row.try_get::<_, Option<i64>>(index)?)),
                    Type::TEXT => Ok(Value::from(row.try_get::<_, Option<String>>(index)?)),
                    Type::BYTEA => Ok(Value::from(row.try_get::<_, Option<Vec<u8>>>(index)?)),
                    _ => Err(StoreError::new("a column has a type that the store does not use")),
                });
                values.collect::<Result<_, StoreError>>().map(Row::new)
            })
            .collect()
    }

    async fn next(&mut self, counter: Counter) -> Result<i64, StoreError> {
        let sql = match counter {
            Counter::Inbox => "SELECT nextval('inbox_position')",
            Counter::Outbox => "SELECT nextval('outbox_position')",
            Counter::Link => "SELECT nextval('link_position')",
            Counter::Consent => "SELECT nextval('consent_position')",
        };
        let row = self.row(sql, &[]).await?;
        row.ok_or_else(|| StoreError::new("a sequence gave no number"))?.int()
    }
}

impl WriterConn for Pg {
    async fn begin(&mut self, locks: Locks) -> Result<(), StoreError> {
        self.kept.clear();
        if self.client.as_ref().is_none_or(|client| client.is_closed()) {
            self.discard();
            self.client = Some(self.pool.get().await?);
        }
        self.simple("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        self.renew().await?;
        // A message's row may be wanted by two nodes: by the one that sent it, and by the one to which its echo came.
        // Whoever locked the row before the head would wait for one that has the head and waits for the row.
        if locks == Locks::Head && self.renewing.is_some() {
            crate::apply_log::log_end(self).await?;
        }
        Ok(())
    }
    async fn commit(&mut self) -> Result<(), StoreError> {
        // What fails up to here was not committed.
        write_back(self).await?;
        // Whoever waited long for what another had locked, the log's head before all, would otherwise be late in the
        // very moment in which it is done, and could be ended before its next transaction.
        if self.renewing.is_some_and(|began| began.elapsed() >= LEASE_LOOK) {
            self.renew().await?;
        }
        self.simple("COMMIT").await.map_err(StoreError::final_)?;
        if let (Some(fence), Some(began)) = (&self.fence, self.renewing.take()) {
            fence.renewed(began);
        }
        Ok(())
    }
    async fn rollback(&mut self) {
        self.kept.clear();
        if self.client.is_some() && self.simple("ROLLBACK").await.is_err() {
            self.discard();
        }
    }
    async fn savepoint(&mut self) -> Result<(), StoreError> {
        self.simple("SAVEPOINT submission").await?;
        self.kept.savepoint();
        Ok(())
    }
    async fn release(&mut self) -> Result<(), StoreError> {
        self.simple("RELEASE submission").await?;
        self.kept.release();
        Ok(())
    }
    async fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.simple("ROLLBACK TO submission").await?;
        self.kept.roll_back();
        Ok(())
    }

    async fn accept_many(&mut self, events: &[&NewInbox]) -> Result<Option<Vec<Outcome>>, StoreError> {
        const SQL: &str = "INSERT INTO inbox (shard, position, lane, key, source, body, state, not_before, attempts, \
             received_at) SELECT e.shard, nextval('inbox_position'), e.lane, e.key, e.source, e.body, 0, 0, 0, \
             e.received_at FROM (SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], \
             $5::bytea[], $6::bigint[]) WITH ORDINALITY AS u (shard, lane, key, source, body, received_at, n) \
             ORDER BY n) e ON CONFLICT (shard, key) DO NOTHING RETURNING shard, key";
        let shards: Vec<i64> = events.iter().map(|e| i64::from(e.shard.0)).collect();
        let lanes: Vec<&[u8]> = events.iter().map(|e| e.lane.as_slice()).collect();
        let keys: Vec<&[u8]> = events.iter().map(|e| e.key.0.as_slice()).collect();
        let sources: Vec<i64> = events.iter().map(|e| codec::source_code(e.source)).collect();
        let bodies: Vec<&[u8]> = events.iter().map(|e| e.body.as_slice()).collect();
        let times: Vec<i64> = events.iter().map(|e| micros(e.received_at)).collect();
        let client = self.client()?;
        let statement = client.prepare_cached(SQL).await?;
        let inserted = client.query(&statement, &[&shards, &lanes, &keys, &sources, &bodies, &times]).await?;
        let mut new = HashMap::with_capacity(inserted.len());
        for row in &inserted {
            new.insert((row.try_get::<_, i64>(0)?, row.try_get::<_, Vec<u8>>(1)?), ());
        }
        // Of an event that is twice in the batch, the first is the one that was taken in.
        let outcome = |event: &&NewInbox| {
            let key = (i64::from(event.shard.0), event.key.0.to_vec());
            if new.remove(&key).is_some() { Outcome::Changed } else { Outcome::Duplicate }
        };
        Ok(Some(events.iter().map(outcome).collect()))
    }
}

/// The connections that read.
pub(crate) struct Readers(Pool);

impl Backend for Readers {
    type Conn = Pg;

    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Pg) -> Reading<'a, T> + Send + 'static,
    {
        let mut conn = Pg::connected(&self.0).await?;
        query(&mut conn).await
    }
}

/// Whether a host is this machine: a socket's folder, or a loopback name or address.
fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The URL with the store's own settings; refuses what would send data over a network in the clear.
fn config(url: &str, statement_ms: u32) -> Result<Config, OpenError> {
    let mut config: Config =
        url.parse().map_err(|e: tokio_postgres::Error| OpenError::PostgresUrl(e.to_string()))?;
    for host in config.get_hosts() {
        if let Host::Tcp(host) = host
            && config.get_hostaddrs().is_empty()
            && !is_local(host)
        {
            return Err(OpenError::NotLocal { host: host.clone() });
        }
    }
    if let Some(address) = config.get_hostaddrs().iter().find(|address| !address.is_loopback()) {
        return Err(OpenError::NotLocal { host: address.to_string() });
    }
    if config.get_ssl_mode() == SslMode::Require {
        return Err(OpenError::Tls);
    }
    let given = config.get_options().unwrap_or_default().to_owned();
    config
        .ssl_mode(SslMode::Disable)
        .connect_timeout(POSTGRES_CONNECT_WAIT)
        .application_name("amana")
        .options(
            format!(
                "{given} -c statement_timeout={statement_ms} \
                 -c idle_in_transaction_session_timeout={POSTGRES_IDLE_TRANSACTION_MS_MAX}"
            )
            .trim(),
        );
    Ok(config)
}

/// A URL's database for people. What it is not made of, a password above all, is left out.
pub(crate) fn shown(url: &str) -> String {
    let Ok(config) = url.parse::<Config>() else { return "a PostgreSQL database".to_owned() };
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let host = match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(folder) => folder.display().to_string(),
            };
            // One port is that of all hosts.
            let port = ports.get(index).or(ports.first()).map(|port| format!(":{port}"));
            host + &port.unwrap_or_default()
        })
        .collect();
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    // Without a name it is the user's.
    let name = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{}/{name}", hosts.join(","))
}

fn pool(config: Config, connections: usize) -> Result<Pool, OpenError> {
    let manager =
        Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let pool = Pool::builder(manager)
        .max_size(connections)
        .wait_timeout(Some(POSTGRES_CONNECT_WAIT))
        .create_timeout(Some(POSTGRES_CONNECT_WAIT))
        .recycle_timeout(Some(POSTGRES_CONNECT_WAIT))
        .runtime(Runtime::Tokio1)
        // An answer must mean durable, whatever the server's default is.
        .post_create(deadpool_postgres::Hook::async_fn(|client, _| {
            Box::pin(async move {
                client
                    .batch_execute(
                        "SELECT set_config('synchronous_commit', 'on', false) \
                         WHERE current_setting('synchronous_commit') = 'off'",
                    )
                    .await
                    .map_err(deadpool_postgres::HookError::Backend)
            })
        }))
        .build();
    pool.map_err(|error| OpenError::Unreachable(error.to_string()))
}

/// Connections that read the database at a URL; none is opened yet.
pub(crate) fn readers(url: &str) -> Result<Readers, OpenError> {
    Ok(Readers(pool(config(url, POSTGRES_STATEMENT_MS_MAX)?, POSTGRES_CONNECTIONS)?))
}

/// Connections that write by themselves, each statement in a transaction of its own, on a database that has this
/// version's schema.
pub(crate) async fn alone(url: &str, at: Timestamp) -> Result<Readers, OpenError> {
    steps(url, at, false).await?;
    readers(url)
}

/// A first connection, with the reason why there is none.
async fn reach(pool: &Pool) -> Result<Pg, OpenError> {
    Pg::connected(pool).await.map_err(|error| OpenError::Unreachable(error.text))
}

/// Brings the database to this version's schema.
pub(crate) async fn migrate(url: &str, at: Timestamp) -> Result<MigrationReport, OpenError> {
    steps(url, at, true).await
}

async fn steps(url: &str, at: Timestamp, run: bool) -> Result<MigrationReport, OpenError> {
    // A connection of its own, closed at the end whatever happens: with it goes the lock.
    let mut conn = reach(&pool(config(url, POSTGRES_MIGRATION_LOCK_MS_MAX)?, 1)?).await?;
    let report = steps_locked(&mut conn, at, run).await;
    conn.discard();
    report
}

async fn steps_locked(conn: &mut Pg, at: Timestamp, run: bool) -> Result<MigrationReport, OpenError> {
    conn.simple(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
    conn.simple(SCHEMA_CHANGE_POSTGRES).await?;
    let (from, todo) = missing(conn, POSTGRES).await?;
    let to = todo.last().map_or(from, |m| m.number);
    if !run && to != from {
        return Err(OpenError::Pending { found: from, needed: to });
    }
    for step in todo {
        conn.simple("BEGIN").await?;
        conn.simple(step.sql).await?;
        note(conn, step, at).await?;
        conn.simple("COMMIT").await?;
    }
    Ok(MigrationReport { from, to, applied: todo.iter().map(|m| m.name.to_owned()).collect() })
}

/// Opens the store and starts its writer, which ends when the store is dropped and its queue is empty.
pub(crate) async fn open(
    url: &str,
    keys: &Keys,
    entropy: Arc<dyn Entropy>,
    at: Timestamp,
    options: OpenOptions,
) -> Result<Engine<Readers>, OpenError> {
    steps(url, at, options.auto_migrate).await?;
    let pool = pool(config(url, POSTGRES_STATEMENT_MS_MAX)?, POSTGRES_CONNECTIONS + 1)?;
    let mut conn = reach(&pool).await?;
    let vault = unlock(&mut conn, keys, entropy).await?;
    let (sender, mut queue) = mpsc::channel::<Submission>(WRITER_QUEUE_MAX);
    let for_writer = Arc::clone(&vault);
    let fence = Arc::new(Fence::default());
    conn.fence = Some(Arc::clone(&fence));
    tokio::spawn(async move {
        let mut careful = false;
        while let Some(first) = queue.recv().await {
            let batch = drain(first, &mut queue, crate::limits::BATCH_COMMANDS_MAX);
            let (looks, work) = if conn.is_node() { apart(batch) } else { (Vec::new(), batch) };
            if !looks.is_empty() {
                commit_batch(&mut conn, &for_writer, looks, &mut true).await;
            }
            if !work.is_empty() {
                commit_batch(&mut conn, &for_writer, work, &mut careful).await;
            }
        }
    });
    Ok(Engine { backend: Readers(pool), vault, writer: sender, retention: options.retention, fence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        let refused = |url: &str| config(url, 1).expect_err("refused").to_string();
        for local in [
            "postgres://a@127.0.0.1/b",
            "postgres://a@localhost:5433/b?sslmode=prefer",
            "postgres://a@%2Fvar%2Frun%2Fpostgresql/b",
            "postgres://a@db.example/b?hostaddr=127.0.0.1",
        ] {
            assert!(config(local, 1).is_ok(), "{local}");
        }
        assert!(refused("postgres://a:secret@db.example/b").contains("`db.example` is not this machine"));
        assert!(refused("postgres://a@localhost,10.0.0.1/b").contains("`10.0.0.1`"));
        assert!(refused("postgres://a@localhost/b?hostaddr=10.0.0.1").contains("`10.0.0.1`"));
        assert!(refused("postgres://a@localhost/b?sslmode=require").contains("sslmode=require"));
        assert!(!refused("postgres://a:secret@localhost:x/b").contains("secret"));
    }
}
