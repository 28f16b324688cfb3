//! The schema files say what the migrations make, and both engines have the same tables.

use crate::place::{Place, postgres_client};
use crate::world::{World, at};
use amana_core::ManualClock;
use std::collections::BTreeSet;

fn words(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn sqlite_schema(conn: &rusqlite::Connection) -> BTreeSet<String> {
    let mut statement = conn
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
        .expect("reads");
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("reads");
    rows.map(|sql| words(&sql.expect("a text"))).collect()
}

#[tokio::test]
async fn sqlite_migrations_make_the_schema_file() {
    let world = World::on(Place::sqlite()).await;
    let migrated = sqlite_schema(&rusqlite::Connection::open(world.place.file()).expect("opens"));
    let fresh = rusqlite::Connection::open_in_memory().expect("opens");
    fresh.execute_batch(include_str!("../../schema/sqlite.sql")).expect("the schema file runs");
    let written = sqlite_schema(&fresh);
    assert!(written.len() > 20);
    assert_eq!(migrated, written, "write what the migrations make into schema/sqlite.sql");
}

const COLUMNS: &str = "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable \
     FROM information_schema.columns WHERE table_schema = 'public'";

async fn postgres_schema(url: &str) -> BTreeSet<String> {
    let client = postgres_client(url).await;
    let mut all = BTreeSet::new();
    for sql in [
        COLUMNS,
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE connamespace = 'public'::regnamespace",
        "SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public'",
    ] {
        for row in client.query(sql, &[]).await.expect("reads") {
            all.insert(row.get::<_, String>(0));
        }
    }
    all
}

#[tokio::test]
async fn postgres_migrations_make_the_schema_file() {
    let (migrated, written) = (Place::postgres().await, Place::postgres().await);
    amana_store::migrate(&migrated.url(), &ManualClock::at(at(0))).await.expect("migrates");
    written.sql(include_str!("../../schema/postgres.sql")).await;
    let (a, b) = (postgres_schema(&migrated.url()).await, postgres_schema(&written.url()).await);
    assert!(b.len() > 80);
    assert_eq!(a, b, "write what the migrations make into schema/postgres.sql");
    migrated.close().await;
    written.close().await;
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let (world, other) = (World::on(Place::sqlite()).await, Place::postgres().await);
    amana_store::migrate(&other.url(), &ManualClock::at(at(0))).await.expect("migrates");
    let conn = rusqlite::Connection::open(world.place.file()).expect("opens");
    let mut statement = conn
        .prepare(
            "SELECT t.name || '.' || c.name || ' ' || CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' \
             ELSE lower(c.type) END || CASE c.\"notnull\" WHEN 1 THEN ' NO' ELSE ' YES' END \
             FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name <> 'counter'",
        )
        .expect("reads");
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("reads");
    let sqlite: BTreeSet<String> = rows.map(|row| row.expect("a text")).collect();
    let client = postgres_client(&other.url()).await;
    let rows = client.query(COLUMNS, &[]).await.expect("reads");
    let postgres: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(sqlite, postgres);
    other.close().await;
}
