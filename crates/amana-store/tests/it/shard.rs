//! The shard is in every key and in every statement that runs for each event or message, so that an engine which
//! spreads the tables by it can carry them (`docs/scale.md`). What is not so yet is on a list here, with what it takes.

use crate::place::{Place, postgres_client};
use crate::sql::{Macros, statements, without_shard};
use crate::world::at;
use amana_core::ManualClock;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Tables of customers and of chats. Their keys begin with the shard.
const SHARDED: [&str; 14] = [
    "alarm_told",
    "bank_grant",
    "book",
    "consent",
    "consent_event",
    "conversation",
    "customer",
    "inbox",
    "link",
    "outbox",
    "passkey",
    "receipt",
    "story",
    "waiting",
];

/// Tables that are asked where something is, by what alone is known then, or that hold little and short-lived things
/// under a random key. They are spread by that key.
const BY_OWN_KEY: [(&str, &str); 7] = [
    ("bank_consent", "consent"),
    ("job", "id"),
    ("link_account", "account"),
    ("sealed_page", "hash"),
    ("session", "hash"),
    ("sighting", "mid"),
    ("token", "hash"),
];

/// Tables that `docs/scale.md` adds: what is unique across shards moves there.
const PLANNED: [(&str, &str); 2] = [("link_of_chat", "person"), ("subject_of", "subject")];

/// Small tables that every node reads and nearly nobody writes: copied everywhere.
const EVERYWHERE: [&str; 8] =
    ["agreement", "agreement_event", "alarm", "approved_text", "channel_state", "erased", "kill", "policy"];

/// Tables of which a cell has one, on one machine: its disclosure log, and what it notes about itself.
const OF_THE_CELL: [&str; 12] = [
    "aside_record",
    "lease",
    "log_checkpoint",
    "log_entry",
    "log_head",
    "log_rule",
    "log_segment",
    "node",
    "platform_request",
    "retention",
    "schema_change",
    "setting",
];

/// Unique indexes on sharded tables that do not hold the shard: no engine that spreads the tables can keep them.
const UNIQUE_ACROSS: [(&str, &str); 4] = [
    ("customer_id", "ids are random: the key (shard, id) does; an operator's search by id asks every shard"),
    ("customer_subject", "one customer for each of a bank's people: needs a table of its own, by subject"),
    ("link_one_active", "one active link for each chat and bank: needs a table of its own, by person"),
    ("outbox_message", "ids are random: (shard, message) does, once each statement knows the shard"),
];

/// Why a statement goes without the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It runs for each event, message or send: with the tables spread it asks every machine. It has to change first.
    Owed,
    /// It runs when somebody links, signs in, or looks a page up; asking every machine costs little.
    Seldom,
    /// It counts, lists or sweeps a whole cell, in the background or for an operator.
    CellWide,
}
use Why::{CellWide, Owed, Seldom};

struct Exception {
    /// A table, or several.
    table: &'static str,
    /// What stands in the statement.
    text: &'static str,
    /// How many tables of statements it may excuse: one more must be looked at.
    most: usize,
    why: Why,
    /// The reason, or what it takes.
    because: &'static str,
}

const fn may(
    table: &'static str,
    text: &'static str,
    most: usize,
    why: Why,
    because: &'static str,
) -> Exception {
    Exception { table, text, most, why, because }
}

#[rustfmt::skip]
const EXCEPTIONS: &[Exception] = &[
    may("outbox", "WHERE message = $1 AND agent IS NOT NULL", 2, Seldom, "what became of a message without bank data: is it a human's, and whose chat it was"),
    may("outbox", "customer IS NULL AND key_of = $3 AND about = $4", 2, Seldom, "an erasure: what is said in a chat that is another customer's, too"),
    may("outbox", "WHERE message = $1 AND key_of = $6", 1, Seldom, "the same: what goes over to that one"),
    may("link", "other.channel = $1 AND other.person = $2", 1, Seldom, "the same: whose the chat is"),
    may("inbox", "state = 0 AND source = $1 ORDER BY position LIMIT 1 OFFSET", 1, Owed, "how far a node looks for heads"),
    may("inbox", "FROM inbox WHERE lane = $1", 2, Owed, "the lane's shard is known there; the index must begin with it"),
    may("inbox", "b.lane = i.lane", 2, Owed, "the heads of a node's shards: by its leases, not by one shard"),
    may("inbox", "RECURSIVE lanes(lane)", 9, Owed, "the same, by going through the lanes"),
    may("outbox", "WHERE message = $", 7, Owed, "a command that names a message must name its shard, too (what an attempt came to is one, in two forms)"),
    may("outbox", "WHERE o.message = $", 1, Owed, "the same"),
    may("outbox", "ON CONFLICT (message)", 1, Owed, "the same index"),
    may("outbox", "person = $2 AND", 7, Owed, "the chat's shard is known there; the index must begin with it"),
    may("outbox", "(o.due_at, o.position) < ($1, $5)", 2, Owed, "the heads of a node's shards: by its leases, not by one shard"),
    may("outbox", "state < 3 AND due_at <= $1 ORDER BY due_at, position LIMIT", 4, Owed, "how far a node looks for heads, and the same for the engine that is not spread"),
    may("outbox", "RECURSIVE chats(", 19, Owed, "the same, by going through the chats"),
    may("outbox", "mid = $1 AND mid IS NOT NULL", 2, Owed, "an echo names the chat, so its shard can be asked"),
    may("customer", "k.shard = o.customer_shard", 8, Owed, "a message is of its chat's shard, its key of its customer's: two look-ups"),
    may("link", "l.channel = $1 AND l.person = $2", 3, Owed, "a chat's links are of their customers' shards: needs a table of its own, by person"),
    may("link", "a.institution = $1 AND a.account = $2", 1, Owed, "link_account says which shards; then one look-up in each"),
    may("link", "FROM link WHERE id = $1 AND state = 1", 1, Owed, "egress asks before each send: its ticket must carry the shard"),
    may("waiting conversation outbox", "c.shard = w.conversation_shard", 6, Owed, "asked every half second; news are of the customer's shard, when they can be told of the chat's"),

    may("link", "o.institution = link.institution", 1, Seldom, "when a link becomes active"),
    may("link", "l.code_hash = $1", 1, Seldom, "when a link is confirmed by the platform"),
    may("link", "AND person = $2 AND state < 2", 1, Seldom, "when somebody wants nothing kept of a chat"),
    may("outbox", "o.channel = waiting.channel", 1, Seldom, "a notice that was denied: of what waits it told nobody"),
    may("link", "other.person = l.person", 4, Seldom, "an erasure leaves what waits in a chat that is another customer's, too"),
    may("link", "SELECT DISTINCT shard, customer FROM link", 2, Seldom, "what became of what a human wrote; whose chat it is"),
    may("customer", "institution = $1 AND subject = $2", 1, Seldom, "when somebody signs in"),
    may("customer", "FROM customer WHERE id = $1", 1, Seldom, "an operator's search"),
    may("customer", "WHERE p.hash = $1", 1, Seldom, "a page behind a notice; the row that is found names the shard"),
    may("alarm_told", "t.alarm = $1", 1, Seldom, "when an alarm is closed"),
    may("outbox", "message IN (SELECT message FROM receipt", 1, Seldom, "an erasure"),
    may("outbox", "JOIN outbox o ON o.channel = l.channel", 5, Seldom, "an erasure"),
    may("outbox", "message IN (SELECT o.message FROM", 1, Seldom, "an erasure: what is not sent yet in the customer's own chats"),
    may("link", "b.institution = $1 AND b.consent = $2", 1, Seldom, "when a bank tells that a grant changed; bank_consent says which shards"),

    may("inbox", "DELETE FROM inbox WHERE (shard, position) IN", 2, CellWide, "the sweep"),
    may("outbox", "WHERE (shard, position) IN (SELECT shard, position FROM outbox", 2, CellWide, "the sweep"),
    may("outbox", "state IN (0, 3) AND (shard, position) IN", 1, CellWide, "the sweep"),
    may("story", "DELETE FROM story WHERE told_at <=", 2, CellWide, "the sweep"),
    may("book", "DELETE FROM book WHERE changed_at <=", 2, CellWide, "the sweep"),
    may("waiting", "DELETE FROM waiting WHERE (shard, link, story) IN", 1, CellWide, "the sweep"),
    may("link", "l.channel = conversation.channel", 1, CellWide, "the sweep"),
    may("outbox", "length(payload) > 0", 2, CellWide, "the sweep"),
    may("outbox", "state IN (0, 3) AND doubtful = 1 AND", 1, CellWide, "the sweep"),
    may("outbox", "state IN (0, 3) AND doubtful = 0 AND", 1, CellWide, "the sweep"),
    may("outbox receipt link", "JOIN outbox o ON o.message = r.message AND o.channel = l.channel", 2, CellWide, "a month after a consent's end: a customer's receipts name the messages of the chat's shard"),
    may("conversation", "SELECT max(last_inbound_at) FROM conversation WHERE channel", 1, CellWide, "an operator's status, and once when the platform tells again"),
    may("alarm_told", "SELECT id FROM alarm WHERE closed_at", 1, CellWide, "the sweep"),
    may("outbox", "JOIN outbox o ON o.mid = s.mid", 1, CellWide, "the sweep"),
    may("outbox", "FROM outbox o WHERE o.mid = s.mid", 2, CellWide, "deliveries that nothing names, once in a while"),
    may("outbox", "WHERE state < 3 AND state > 0", 1, CellWide, "once at the start"),
    may("outbox", "o.created_at >= $3 AND o.created_at <= $4", 2, CellWide, "an operator's comparison; walks through the table"),
    may("outbox", "WHERE o.state = 5", 1, CellWide, "an operator's list"),
    may("outbox", "state IN (1, 2) AND shard = ANY", 1, CellWide, "when a node takes shards"),
    may("inbox", "WHERE state = 2 ORDER BY position DESC", 1, CellWide, "an operator's list"),
    may("link", "l.ended_at < $1", 1, CellWide, "customers without a link, once an hour"),
    may("inbox", "SELECT count(*)", 4, CellWide, "gauges and reports"),
    may("outbox", "SELECT count(*)", 9, CellWide, "gauges and reports"),
    may("waiting", "SELECT count(*)", 3, CellWide, "gauges and reports"),
    may("link", "SELECT count(*)", 2, CellWide, "gauges and reports"),
    may("conversation", "SELECT count(*)", 2, CellWide, "reports"),
    may("story", "SELECT count(*)", 1, CellWide, "a report"),
    may("book", "SELECT count(*)", 1, CellWide, "a report"),
    may("customer", "sum(receipt_seq)", 1, CellWide, "a gauge"),
    may("consent", "GROUP BY l.institution, l.channel", 1, CellWide, "a report"),
];

/// The PostgreSQL schema: its tables with the columns of their keys, and its unique indexes with table and columns.
struct Schema {
    keys: BTreeMap<String, Vec<String>>,
    unique: BTreeMap<String, (String, Vec<String>)>,
}

fn columns(text: &str) -> Vec<String> {
    let inside = text.split('(').nth(1).and_then(|rest| rest.split(')').next()).expect("columns in brackets");
    inside.split(',').map(|column| column.trim().to_owned()).collect()
}

fn schema() -> Schema {
    let text = include_str!("../../schema/postgres.sql");
    let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default().trim());
    let text = lines.collect::<Vec<_>>().join(" ");
    let (mut keys, mut unique) = (BTreeMap::new(), BTreeMap::new());
    for statement in text.split(';').map(str::trim) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        if let Some(rest) = statement.strip_prefix("CREATE TABLE ") {
            let name = rest.split_whitespace().next().expect("a name").to_owned();
            let key = match statement.split("PRIMARY KEY (").nth(1) {
                Some(rest) => columns(&format!("({rest}")),
                None => {
                    let column = rest.split([',', '(']).find(|column| column.contains("PRIMARY KEY"));
                    vec![column.expect("a key").split_whitespace().next().expect("a column").to_owned()]
                }
            };
            keys.insert(name, key);
        } else if let ["CREATE", "UNIQUE", "INDEX", name, "ON", table, ..] = words[..] {
            unique.insert(name.to_owned(), (table.to_owned(), columns(statement)));
        }
    }
    // The table of the migrations themselves is not among them.
    keys.insert("schema_change".to_owned(), vec!["number".to_owned()]);
    Schema { keys, unique }
}

/// Goal: no table is forgotten, and every key of a table of customers or chats begins with the shard.
#[test]
fn the_keys_of_customers_and_chats_begin_with_the_shard() {
    let Schema { keys, unique } = schema();
    let own = BY_OWN_KEY.map(|(table, _)| table);
    let listed: Vec<&str> = SHARDED.into_iter().chain(own).chain(EVERYWHERE).chain(OF_THE_CELL).collect();
    let known: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(known.len(), listed.len(), "a table is on two lists");
    let there: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
    assert_eq!(there, known, "put a new table on the list where it belongs, and into docs/scale.md");
    for table in SHARDED {
        assert_eq!(keys[table][0], "shard", "the key of `{table}` does not begin with the shard");
    }
    for (table, column) in BY_OWN_KEY {
        assert!(keys[table].iter().any(|key| key == column), "`{table}` has no `{column}` in its key");
    }
    // What is unique across shards is known.
    let across: BTreeSet<&str> = unique
        .iter()
        .filter(|(_, (table, columns))| {
            SHARDED.contains(&table.as_str()) && !columns.iter().any(|column| column == "shard")
        })
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(across, UNIQUE_ACROSS.iter().map(|(name, _)| *name).collect());
}

/// Goal: `docs/scale.md` spreads every table as the lists here say.
#[test]
fn the_document_spreads_every_table() {
    let text = include_str!("../../../../docs/scale.md");
    let mut said = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let names: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
        let how = if line.starts_with("SELECT create_distributed_table(") {
            names.get(1).copied().expect("a column")
        } else if line.starts_with("SELECT create_reference_table(") {
            "everywhere"
        } else if line.starts_with("SELECT citus_add_local_table_to_metadata(") {
            "of the cell"
        } else {
            continue;
        };
        assert!(said.insert(names[0].to_owned(), how.to_owned()).is_none(), "twice: {line}");
    }
    let mut here: BTreeMap<String, String> = BTreeMap::new();
    here.extend(SHARDED.map(|table| (table.to_owned(), "shard".to_owned())));
    here.extend(BY_OWN_KEY.map(|(table, column)| (table.to_owned(), column.to_owned())));
    here.extend(PLANNED.map(|(table, column)| (table.to_owned(), column.to_owned())));
    here.extend(EVERYWHERE.map(|table| (table.to_owned(), "everywhere".to_owned())));
    here.extend(OF_THE_CELL.map(|table| (table.to_owned(), "of the cell".to_owned())));
    assert_eq!(said, here);
    for (index, _) in UNIQUE_ACROSS {
        assert!(text.contains(index), "docs/scale.md does not say what becomes of `{index}`");
    }
}

/// What stands for Citus here: it refuses what Citus refuses for want of the column in a unique index, or for a foreign
/// key between tables of which one is not spread. (No Citus can be had for the tests.)
const STUBS: &str = "
CREATE TABLE spread (name TEXT PRIMARY KEY, by TEXT NOT NULL);
CREATE FUNCTION create_distributed_table(it regclass, by text, colocate_with text DEFAULT 'default') RETURNS void
LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = it AND i.indisunique AND NOT EXISTS (SELECT 1
        FROM pg_attribute a WHERE a.attrelid = it AND a.attname = by AND a.attnum = ANY (i.indkey))) THEN
        RAISE EXCEPTION 'a unique index of % is without %', it, by;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_constraint c WHERE c.contype = 'f' AND it IN (c.conrelid, c.confrelid)) THEN
        RAISE EXCEPTION '% has a foreign key', it;
    END IF;
    INSERT INTO spread VALUES (it::text, by);
END $$;
CREATE FUNCTION create_reference_table(it regclass) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO spread VALUES (it::text, 'everywhere') $$;
CREATE FUNCTION citus_add_local_table_to_metadata(it regclass) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO spread VALUES (it::text, 'of the cell') $$;";

/// Goal: the statements of `docs/scale.md` that spread the schema run on it, and forget no table.
#[tokio::test]
async fn the_documents_statements_run_on_the_schema() {
    let place = Place::postgres().await;
    amana_store::migrate(&place.url(), &ManualClock::at(at(0))).await.expect("migrates");
    place.sql(STUBS).await;
    let text = include_str!("../../../../docs/scale.md");
    let statements =
        text.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).expect("statements");
    place.sql(statements).await;
    let client = postgres_client(&place.url()).await;
    let left = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
         AND relname <> 'spread' AND NOT EXISTS (SELECT 1 FROM spread s WHERE s.name = relname)";
    let left: Vec<String> =
        client.query(left, &[]).await.expect("reads").iter().map(|row| row.get(0)).collect();
    assert_eq!(left, [""; 0], "tables that the document does not spread");
    let keys =
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace";
    let keys: i64 = client.query_one(keys, &[]).await.expect("reads").get(0);
    assert_eq!(keys, 4, "foreign keys that came back");
    place.close().await;
}

/// Goal: a statement that finds rows of customers or chats names their shard, or is on the list with its reason; what
/// is owed is on it no longer than it is.
#[test]
fn statements_name_the_shard() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the source") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        // The key custody is a small database of its own, with no customer's rows but their shares of keys.
        if name != "custody.rs" && name.ends_with(".rs") {
            sources.insert(name, std::fs::read_to_string(&path).expect("reads"));
        }
    }
    let macros = Macros::read(sources.values().map(String::as_str));
    let mut read = 0;
    let mut used = vec![0; EXCEPTIONS.len()];
    let mut wrong = Vec::new();
    for (name, source) in &sources {
        for statement in statements(name, source, &macros, &SHARDED) {
            read += 1;
            let (sql, missing) = statement.without_shard(&SHARDED);
            for table in missing {
                match EXCEPTIONS
                    .iter()
                    .position(|e| e.table.split(' ').any(|name| name == table) && sql.contains(e.text))
                {
                    Some(at) => used[at] += 1,
                    None => wrong.push(format!("{name}:{} `{table}`: {sql}", statement.line)),
                }
            }
        }
    }
    assert!(read > 100, "only {read} statements were found");
    assert!(
        wrong.is_empty(),
        "bind the shard, or put the statement on the list in tests/it/shard.rs with its reason:\n{}",
        wrong.join("\n")
    );
    for (exception, used) in EXCEPTIONS.iter().zip(used) {
        let Exception { table, text, most, why, .. } = exception;
        let gone = *why == Owed && used == 0;
        assert!(
            !gone,
            "no statement on `{table}` with `{text}` is without its shard any more: strike it off"
        );
        assert!(used <= *most, "`{table}`, `{text}`: {used} tables of statements, {most} are known");
    }
    // What runs for each event and still goes without is said in public.
    let owed = EXCEPTIONS.iter().filter(|e| e.why == Owed).count();
    let document = include_str!("../../../../docs/scale.md");
    assert!(
        document.contains(&format!("{owed} kinds of statements")),
        "docs/scale.md: {owed} kinds are owed"
    );
    assert!(EXCEPTIONS.iter().all(|e| !e.because.is_empty()));
    let of = |why: Why| EXCEPTIONS.iter().any(|e| e.why == why);
    assert!(of(Seldom) && of(CellWide));
}

/// Goal: the reader of statements sees a shard that is missing, and none where one is named.
#[test]
fn a_statement_without_its_shard_is_seen() {
    let missing = |sql: &str| without_shard(sql, &SHARDED).join(" ");
    for (sql, expected) in [
        ("SELECT a FROM outbox WHERE shard = $1 AND message = $2", ""),
        ("SELECT a FROM outbox WHERE message = $2", "outbox"),
        ("SELECT a FROM outbox WHERE shard = $1 OR message = $2", "outbox"),
        ("SELECT a FROM outbox WHERE NOT (shard = $1) AND message = $2", "outbox"),
        ("SELECT a FROM outbox WHERE (shard = $1 AND message = $2)", ""),
        ("SELECT shard = $1 FROM outbox WHERE message = $2", "outbox"),
        ("UPDATE outbox SET shard = $1 WHERE message = $2", "outbox"),
        (
            "SELECT a FROM link l JOIN customer k ON k.shard = l.shard AND k.id = l.customer WHERE l.shard = $1",
            "",
        ),
        ("SELECT a FROM link l JOIN customer k ON k.id = l.customer WHERE l.shard = $1", "customer"),
        ("SELECT a FROM link l JOIN customer k ON k.shard = l.shard WHERE l.channel = $1", "link"),
        (
            "SELECT a FROM outbox o LEFT JOIN customer k ON k.shard = o.customer_shard WHERE o.shard = $1",
            "customer",
        ),
        (
            "SELECT a FROM inbox i WHERE i.shard = $1 AND EXISTS (SELECT 1 FROM inbox b WHERE b.shard = i.shard)",
            "",
        ),
        (
            "SELECT a FROM inbox i WHERE i.shard = $1 AND EXISTS (SELECT 1 FROM inbox b WHERE b.lane = i.lane)",
            "inbox",
        ),
        (
            "DELETE FROM inbox WHERE (shard, position) IN (SELECT shard, position FROM inbox WHERE shard = $1)",
            "",
        ),
        (
            "DELETE FROM inbox WHERE (shard, position) IN (SELECT shard, position FROM inbox WHERE a = $1)",
            "inbox",
        ),
        ("DELETE FROM inbox WHERE a IN (SELECT a FROM inbox WHERE shard = $1)", "inbox"),
        ("INSERT INTO story (shard, key) VALUES ($1, $2) ON CONFLICT (shard, key) DO UPDATE SET a = $1", ""),
        ("INSERT INTO story (customer, key) VALUES ($1, $2)", "story"),
        ("INSERT INTO story (shard, key) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", "story"),
        (
            "INSERT INTO waiting (shard, a) SELECT $1, $2 WHERE EXISTS (SELECT 1 FROM link l WHERE l.shard = $1)",
            "",
        ),
        (
            "INSERT INTO waiting (shard, a) SELECT $1, $2 WHERE EXISTS (SELECT 1 FROM link l WHERE l.id = $1)",
            "link",
        ),
    ] {
        assert_eq!(missing(sql), expected, "{sql}");
    }
    let source = "macro_rules! cols { () => { \"o.a FROM outbox o\" }; }\n\
         fn a<'a>() { /* b */ run(concat!(\"SELECT \", cols!(), \" WHERE o.message = $1\")); }\n\
         fn b() { run(\"DELETE FROM inbox \\\n   WHERE lane = $1\"); } // \"SELECT a FROM inbox\"\n\
         macro_rules! by { ($db:ty, $b:literal) => { if $db { concat!($b, \"c = $1\") } else { concat!($b, \"shard = $1\") } }; }\n\
         fn c() { run(by!(D, \"DELETE FROM inbox WHERE \")); }\n\
         macro_rules! lane { ($n:literal) => { concat!(\" lane = \", $n) }; }\n\
         macro_rules! where_ { ($n:literal) => { concat!(\" WHERE\", lane!($n), \" AND shard = $2\") }; }\n\
         fn d() { run(concat!(\"DELETE FROM inbox\", where_!(\"$1\"))); }\n";
    let found = statements("a.rs", source, &Macros::read([source]), &SHARDED);
    let found: Vec<String> = found
        .iter()
        .map(|statement| (statement.line, statement.without_shard(&SHARDED)))
        .map(|(line, (sql, missing))| format!("{line} {sql} {}", missing.join(" ")))
        .collect();
    assert_eq!(
        found,
        [
            "2 SELECT o.a FROM outbox o WHERE o.message = $1 outbox",
            "3 DELETE FROM inbox WHERE lane = $1 inbox",
            "6 DELETE FROM inbox WHERE shard = $1 ",
            "9 DELETE FROM inbox WHERE lane = $1 AND shard = $2 ",
        ]
    );
}
