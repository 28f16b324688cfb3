//! What is due is found without walking through what waits behind it: rows are counted, not time.

use crate::outbox::messages;
use crate::place::{Place, postgres_client};
use crate::sql::{Macros, statements};
use crate::world::*;
use amana_core::*;
use amana_store::*;
use std::sync::Arc;
use std::time::Instant;

/// How many rows wait behind the heads of six lanes and six chats.
const BEHIND: i64 = 20_000;
/// What a look may come to: the rows that are due and looked at first, and some for each lane. Each row that is found
/// is counted where it is read and again in what leads on from there.
const ROWS_MAX: u64 = 5_000;
/// The same as steps of SQLite's machine, of which one row takes some.
const STEPS_MAX: i32 = 60_000;
/// Random tables on each engine.
const CASES: u64 = 60;
/// Heads that are asked for at once.
const LIMIT: usize = 128;

/// Six heads of lanes and chats that come back only later than what is behind them: as after an attempt that failed.
async fn deep(w: &World) {
    for n in 1..=6 {
        w.one(Command::Accept(event(2 * n, n))).await;
        let shard = conversation(n).shard();
        w.one(Command::Disclose { shard, disclosure: w.plain(n, n), at: at(40) }).await;
    }
    let (key, half) = match w.place {
        Place::Sqlite { .. } => ("CAST(printf('%016d', g.n) AS BLOB)", "CAST(printf('%032d', g.n) AS BLOB)"),
        Place::Postgres { .. } => {
            ("decode(lpad(to_hex(g.n), 32, '0'), 'hex')", "decode(lpad(to_hex(g.n), 64, '0'), 'hex')")
        }
    };
    let numbers =
        format!("WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {BEHIND})");
    w.place
        .sql(&format!(
            "{numbers} INSERT INTO outbox (shard, position, message, channel, person, customer, sealed_basis, sealed_to, \
             payload, said, expires_at, ticket, state, due_at, attempts, customer_shard, created_at, \
             anytime, doubtful, about) SELECT o.shard, 1000000 + g.n, {key}, o.channel, o.person, o.customer, o.sealed_basis, \
             o.sealed_to, o.payload, o.said, o.expires_at, o.ticket, 0, 7 + 0 * o.due_at, 0, \
             o.customer_shard, o.created_at, 0, 0, o.about FROM g JOIN (SELECT *, row_number() OVER (ORDER BY position) AS n \
             FROM outbox) o ON o.n = 1 + g.n % 6; \
             {numbers} INSERT INTO inbox (shard, position, lane, key, source, body, state, not_before, attempts, \
             received_at) SELECT i.shard, 1000000 + g.n, i.lane, {half}, i.source, i.body, 0, 0, 0, i.received_at \
             FROM g JOIN (SELECT *, row_number() OVER (ORDER BY position) AS n FROM inbox) i ON i.n = 1 + g.n % 5;"
        ))
        .await;
    // One lane's head is behind all that waits in the others.
    w.place.sql("UPDATE inbox SET position = 9000000 WHERE shard = 12").await;
}

/// A chat or a lane of its own for each row.
fn own(place: &Place) -> &'static str {
    match place {
        Place::Sqlite { .. } => "CAST(printf('%032d', position) AS BLOB)",
        Place::Postgres { .. } => "decode(lpad(to_hex(position), 64, '0'), 'hex')",
    }
}

async fn finds_all(w: &World) {
    let due = w.store.outbox_heads(at(50), &[], LIMIT).await.expect("answers");
    assert_eq!(messages(&due), [1, 2, 3, 4, 5, 6]);
    assert!(w.store.outbox_heads(at(39), &[], LIMIT).await.expect("answers").is_empty(), "none is due");
    let channel = conversation(1).channel;
    let paused = w.store.outbox_heads(at(50), &[channel], LIMIT).await.expect("answers");
    assert!(paused.is_empty(), "all are of one channel");
    let lanes = w.store.inbox_heads(at(50), InboxSource::Chat, LIMIT).await.expect("answers");
    assert_eq!(lanes.iter().map(|row| row.shard.0).collect::<Vec<_>>(), [2, 4, 6, 8, 10, 12]);
}

/// The statements that find heads, as they are in the source.
fn looks() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the source");
    let (heads, queries) = (read("queries_heads.rs"), read("queries.rs"));
    let macros = Macros::read([heads.as_str(), queries.as_str()]);
    let found = statements("queries_heads.rs", &heads, &macros, &["inbox", "outbox"]);
    found.into_iter().flat_map(|statement| statement.forms).collect()
}

fn is_postgresqls(sql: &str) -> bool {
    ["LATERAL", "ARRAY", "($1, $5)"].iter().any(|text| sql.contains(text))
}

fn is_sqlites(sql: &str) -> bool {
    ["position IN", "chats(at)"].iter().any(|text| sql.contains(text)) && !is_postgresqls(sql)
}

/// The values of such a statement: now, what is paused or which source, a number of rows, the node, and an end.
fn values(sql: &str) -> Vec<String> {
    let (now, many, far) = (at(50).as_microsecond().to_string(), LIMIT.to_string(), (4 * LIMIT).to_string());
    let (nothing, nobody, behind) = ("''".to_owned(), "0".to_owned(), "BEHIND".to_owned());
    let chat = "0".to_owned();
    if sql.ends_with("OFFSET $1") {
        vec![far, nothing, behind]
    } else if sql.contains("OFFSET") {
        vec![if sql.contains("inbox") { chat } else { now }, far]
    } else if sql.contains("FROM inbox") {
        vec![chat, now, many, nobody, "1000512".to_owned()]
    } else if sql.contains("($1, $5)") {
        vec!["7".to_owned(), nothing, many, nobody, "1000512".to_owned()]
    } else if sql.contains("WITH RECURSIVE") {
        vec![now, nothing, many, nobody, behind]
    } else {
        vec![now, nothing, many, nobody, far]
    }
    .into_iter()
    .enumerate()
    .filter(|(n, _)| sql.contains(&format!("${}", n + 1)))
    .map(|(_, value)| value)
    .collect()
}

/// The rows that each step of a plan read or threw away.
fn rows(plan: &serde_json::Value) -> u64 {
    let number = |key: &str| plan[key].as_f64().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of rows")]
    let own =
        ((number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Join Filter"))
            * number("Actual Loops")) as u64;
    own + plan["Plans"].as_array().into_iter().flatten().map(rows).sum::<u64>()
}

/// The plan by which PostgreSQL runs a statement whatever its values are, with what it came to for these.
async fn postgres_plan(client: &tokio_postgres::Client, sql: &str, values: &str) -> serde_json::Value {
    let values = values.replace("BEHIND", "'\\xff'");
    let prepare = format!("SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE look AS {sql}");
    client.batch_execute(&prepare).await.expect("prepares");
    let text = format!("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE look({values})");
    let Json(mut plan) = client.query_one(&text, &[]).await.expect("explains").get(0);
    plan[0]["Plan"].take()
}

/// The steps that a statement takes on SQLite, and the rows that it answers with.
fn sqlite_steps(conn: &rusqlite::Connection, sql: &str) -> (i32, usize) {
    let mut bound = sql.to_owned();
    for (n, value) in values(sql).iter().enumerate() {
        bound = bound.replace(&format!("${}", n + 1), &value.replace("BEHIND", "x'ff'"));
    }
    let mut statement = conn.prepare(&bound).expect("prepares");
    let mut rows = statement.query([]).expect("runs");
    let mut answered = 0;
    while rows.next().expect("reads").is_some() {
        answered += 1;
    }
    drop(rows);
    (statement.get_status(rusqlite::StatementStatus::VmStep), answered)
}

/// Goal: on PostgreSQL what is due in six chats and lanes is found by looking at few rows, though twenty thousand wait
/// behind it; as the database itself counts them, with and without statistics.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_does_not_walk_through_what_waits() {
    let w = World::on(Place::postgres().await).await;
    deep(&w).await;
    let client = postgres_client(&w.place.url()).await;
    for statistics in ["SELECT 1", "ANALYZE"] {
        client.batch_execute(statistics).await.expect("runs");
        finds_all(&w).await;
        let mut seen = 0;
        for sql in looks().iter().filter(|sql| !is_sqlites(sql)) {
            let plan = postgres_plan(&client, sql, &values(sql).join(", ")).await;
            let count = rows(&plan);
            assert!(count > 0 && count < ROWS_MAX, "{count} rows: {sql}\n{plan:#}");
            seen += 1;
        }
        assert_eq!(seen, 8, "for lanes and for chats: how far, the first rows, how many lanes, all lanes");
    }
    timed(&w).await;
    w.close().await;
}

struct Json(serde_json::Value);

impl<'a> tokio_postgres::types::FromSql<'a> for Json {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(serde_json::from_slice(raw)?))
    }
    fn accepts(ty: &tokio_postgres::types::Type) -> bool {
        *ty == tokio_postgres::types::Type::JSON
    }
}

/// Goal: the same on SQLite, by the steps of its machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_does_not_walk_through_what_waits() {
    let w = World::on(Place::sqlite()).await;
    deep(&w).await;
    finds_all(&w).await;
    let conn = rusqlite::Connection::open(w.place.file()).expect("opens");
    let mut seen = 0;
    for sql in looks().iter().filter(|sql| !is_postgresqls(sql)) {
        let (steps, _) = sqlite_steps(&conn, sql);
        assert!(steps > 0 && steps < STEPS_MAX, "{steps} steps: {sql}");
        seen += 1;
    }
    assert_eq!(seen, 8, "for lanes and for chats: how far, the first rows, how many lanes, all lanes");
    timed(&w).await;
    w.close().await;
}

/// Goal: where each lane and chat is another one, it is soon seen that there are too many to go through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_lanes_are_not_gone_through() {
    for place in [Place::sqlite(), Place::postgres().await] {
        let w = World::on(place).await;
        deep(&w).await;
        let own = own(&w.place);
        w.place.sql(&format!("UPDATE outbox SET person = {own}; UPDATE inbox SET lane = {own}")).await;
        let probes = || looks().into_iter().filter(|sql| sql.ends_with("OFFSET $1"));
        match &w.place {
            Place::Sqlite { .. } => {
                let conn = rusqlite::Connection::open(w.place.file()).expect("opens");
                for sql in probes().filter(|sql| !is_postgresqls(sql)) {
                    let (steps, rows) = sqlite_steps(&conn, &sql);
                    assert_eq!(rows, 1, "there are more: {sql}");
                    assert!(steps < STEPS_MAX, "{steps} steps: {sql}");
                }
            }
            Place::Postgres { .. } => {
                let client = postgres_client(&w.place.url()).await;
                for sql in probes().filter(|sql| !is_sqlites(sql)) {
                    let plan = postgres_plan(&client, &sql, &values(&sql).join(", ")).await;
                    assert!(rows(&plan) < ROWS_MAX, "{sql}\n{plan:#}");
                }
            }
        }
        w.close().await;
    }
}

/// What is said first, in one statement: the meaning that the looks have, however they find it.
const FIRST_MESSAGES: &str = "SELECT o.position FROM outbox o WHERE o.state < 3 AND o.due_at <= $1 AND NOT EXISTS \
    (SELECT 1 FROM outbox b WHERE b.state < 4 AND b.channel = o.channel AND b.person = o.person \
    AND b.position < o.position AND (b.state < 3 OR o.anytime = 0)) \
    AND replace(CAST($2 AS TEXT), '\n' || o.channel || '\n', '') = CAST($2 AS TEXT) \
    AND (CAST($4 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM lease h WHERE h.shard = o.shard AND h.node = $4)) \
    ORDER BY o.due_at, o.position LIMIT $3";
const FIRST_EVENTS: &str = "SELECT i.position FROM inbox i WHERE i.state = 0 AND i.source = $1 \
    AND i.not_before <= $2 AND NOT EXISTS (SELECT 1 FROM inbox b WHERE b.state = 0 AND b.lane = i.lane \
    AND b.position < i.position) \
    AND (CAST($4 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM lease h WHERE h.shard = i.shard AND h.node = $4)) \
    ORDER BY i.position LIMIT $3";

/// A connection of the test's own.
enum Plain {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

impl Plain {
    async fn on(place: &Place) -> Self {
        match place {
            Place::Sqlite { .. } => Self::Sqlite(rusqlite::Connection::open(place.file()).expect("opens")),
            Place::Postgres { .. } => Self::Postgres(postgres_client(&place.url()).await),
        }
    }

    /// The numbers that a statement answers with, when these stand for its parameters.
    async fn answer(&self, sql: &str, values: &[String; 4]) -> Vec<i64> {
        let mut sql = sql.to_owned();
        for (n, value) in values.iter().enumerate() {
            sql = sql.replace(&format!("${}", n + 1), value);
        }
        match self {
            Self::Sqlite(conn) => {
                let mut statement = conn.prepare(&sql).expect("prepares");
                let rows = statement.query_map([], |row| row.get(0)).expect("runs");
                rows.collect::<Result<_, _>>().expect("reads")
            }
            Self::Postgres(client) => {
                client.query(&sql, &[]).await.expect("runs").iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

/// Prints how long a look takes, and how long the one statement takes which it stands for (`docs/benchmarks.md`).
#[expect(clippy::print_stdout, reason = "whoever asks for the figures reads them")]
async fn timed(w: &World) {
    const TIMES: u32 = 10;
    let plain = Plain::on(&w.place).await;
    let (now, many) = (micros(at(50)).to_string(), LIMIT.to_string());
    let messages = [now.clone(), "''".to_owned(), many.clone(), "0".to_owned()];
    let events = ["0".to_owned(), now, many, "0".to_owned()];
    for (what, sql, values) in [("messages", FIRST_MESSAGES, messages), ("events", FIRST_EVENTS, events)] {
        let begun = Instant::now();
        for _ in 0..TIMES {
            assert_eq!(plain.answer(sql, &values).await.len(), 6);
        }
        let one = begun.elapsed() / TIMES;
        let begun = Instant::now();
        for _ in 0..TIMES {
            let found = match what {
                "messages" => w.store.outbox_heads(at(50), &[], LIMIT).await.expect("answers").len(),
                _ => w.store.inbox_heads(at(50), InboxSource::Chat, LIMIT).await.expect("answers").len(),
            };
            assert_eq!(found, 6);
        }
        println!("{what}: one statement {one:?}, a look {:?}", begun.elapsed() / TIMES);
    }
}

/// Numbers that follow from a seed.
struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, end: u8) -> u8 {
        let [byte] = self.0.bytes();
        byte % end
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        all[usize::from(self.below(u8::try_from(all.len()).expect("few")))]
    }

    /// A time of the first seconds, as it is stored.
    fn time(&self) -> i64 {
        micros(at(i64::from(self.below(20))))
    }

    fn shard(&self) -> u16 {
        u16::from_be_bytes(self.0.bytes()) % 4096
    }
}

/// A table of each kind, as it may have come to be: few or many chats and lanes, in any state, due in any order.
async fn anything(place: &Place, dice: &Dice) {
    let (rows, kinds) = (dice.one_of(&[3_u16, 30, 60, 400]), dice.one_of(&[1, 3, 40]));
    let hash = |n: u8| if n == 0 { [0xff; 32] } else { [n; 32] };
    let mut positions: Vec<u16> = (1..=rows).collect();
    for last in (1..positions.len()).rev() {
        positions.swap(last, usize::from(dice.shard()) % (last + 1));
    }
    let (mut outbox, mut inbox) = (Vec::new(), Vec::new());
    for position in positions {
        let id = u128::from(position).to_be_bytes();
        outbox.push(format!(
            "({}, {position}, {}, '{}', {}, {}, {}, 0, {}, {}, {}, 0, 0, 0, {}, 0, 0)",
            dice.shard(),
            place.bytes(&id),
            dice.one_of(&["1001", "1002", "1003"]),
            place.bytes(&hash(dice.below(kinds))),
            place.bytes(b"{}"),
            place.bytes(&[]),
            place.bytes(&[0; 32]),
            dice.one_of(&[0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 6]),
            dice.time(),
            dice.one_of(&[0, 0, 0, 1]),
        ));
        inbox.push(format!(
            "({}, {position}, {}, {}, {}, {}, {}, {}, 0, 0)",
            dice.shard(),
            place.bytes(&hash(dice.below(kinds))),
            place.bytes(&[id, id].concat()),
            dice.below(2),
            place.bytes(b"{}"),
            dice.one_of(&[0, 0, 0, 0, 1, 2]),
            dice.time(),
        ));
    }
    place
        .sql(&format!(
            "DELETE FROM outbox; DELETE FROM inbox; INSERT INTO outbox (shard, position, message, channel, person, \
             payload, said, expires_at, ticket, state, due_at, attempts, customer_shard, created_at, anytime, doubtful, \
             about) VALUES {}; INSERT INTO inbox (shard, position, lane, key, source, body, state, not_before, attempts, \
             received_at) VALUES {};",
            outbox.join(", "),
            inbox.join(", ")
        ))
        .await;
}

/// The heads that a store finds, and those that the one statement finds: of messages, and of the events of each source.
async fn both(
    plain: &Plain,
    (node, store): &(i64, Arc<dyn Store>),
    (now, paused): (Timestamp, &[ChannelId]),
    limit: usize,
) -> (Vec<Vec<i64>>, Vec<Vec<i64>>) {
    let of = |first: String, second: String| [first, second, limit.to_string(), node.to_string()];
    let text: String = paused.iter().map(|channel| format!("\n{}\n", channel.as_str())).collect();
    let said = of(micros(now).to_string(), format!("'{text}'"));
    let mut expected = vec![plain.answer(FIRST_MESSAGES, &said).await];
    let messages = store.outbox_heads(now, paused, limit).await.expect("answers");
    let mut found = vec![messages.iter().map(|entry| entry.position).collect()];
    for (code, source) in [(0, InboxSource::Chat), (1, InboxSource::Bank)] {
        let said = of(code.to_string(), micros(now).to_string());
        expected.push(plain.answer(FIRST_EVENTS, &said).await);
        let events = store.inbox_heads(now, source, limit).await.expect("answers");
        found.push(events.iter().map(|row| row.position).collect());
    }
    (found, expected)
}

/// Goal: whichever way a look goes, it finds what the one statement finds: on random tables, for a node and for who is
/// none, with channels paused, and few and many asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_find_what_one_statement_finds() {
    for place in [Place::sqlite(), Place::postgres().await] {
        let w = World::on(place).await;
        let mut stores = vec![(0, w.another().await)];
        if matches!(w.place, Place::Postgres { .. }) {
            let node = w.another().await;
            let id = node.join_nodes("a").await.expect("joins").expect("a node");
            let half = Command::TakeShards { node: id, most: 2048, until: at(100) };
            node.submit(vec![half]).await.expect("taken");
            stores.push((id, node));
        }
        let plain = Plain::on(&w.place).await;
        let (mut heads, mut enough) = (0, 0);
        for case in 0..CASES {
            let dice = Dice(SeededEntropy::new(case));
            anything(&w.place, &dice).await;
            let paused: &[&str] = dice.one_of(&[&[], &[], &["1002"], &["1001", "1003"]]);
            let paused: Vec<ChannelId> = paused.iter().map(|channel| id(channel)).collect();
            let now = at(i64::from(dice.below(20)));
            for limit in [1, 2, 7, 200] {
                for store in &stores {
                    let (found, expected) = both(&plain, store, (now, &paused), limit).await;
                    assert_eq!(found, expected, "case {case}: {limit} for node {} at {now}", store.0);
                    heads += found.iter().map(Vec::len).sum::<usize>();
                    enough += found.iter().filter(|found| found.len() == limit).count();
                }
            }
        }
        assert!(heads > 1000 && enough > 100, "{heads} heads, {enough} times as many as asked for");
        drop((stores, plain));
        w.close().await;
    }
}

/// Goal: where both ways are long, all is gone through: a chat of which much waits is before many others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_far_behind_is_found() {
    for place in [Place::sqlite(), Place::postgres().await] {
        let w = World::on(place).await;
        deep(&w).await;
        let own = own(&w.place);
        // One chat and one lane whose first is not due, and behind them each row is a chat and a lane of its own.
        let (due, later) = (micros(at(30)), micros(at(90)));
        w.place
            .sql(&format!(
                "UPDATE outbox SET due_at = {due}, person = {own} WHERE position > 1000600; \
                 UPDATE inbox SET lane = {own}, source = 0 WHERE position > 1000600; \
                 UPDATE outbox SET person = {one}, due_at = 8 WHERE position <= 1000600; \
                 UPDATE inbox SET lane = {one}, source = 0 WHERE position <= 1000600; \
                 UPDATE outbox SET due_at = {later} WHERE position IN (SELECT min(position) FROM outbox); \
                 UPDATE inbox SET not_before = {later} WHERE position IN (SELECT min(position) FROM inbox);",
                one = w.place.bytes(&[1; 32]),
            ))
            .await;
        let plain = Plain::on(&w.place).await;
        for limit in [1, 2] {
            let (found, expected) = both(&plain, &(0, w.another().await), (at(50), &[]), limit).await;
            assert_eq!(found, expected, "{limit}");
            assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [limit, limit, 0]);
        }
        drop(plain);
        w.close().await;
    }
}
