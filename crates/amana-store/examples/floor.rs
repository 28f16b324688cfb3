//! What SQLite alone makes durable in a second of the bytes that one decided event leaves behind, in the fewest rows
//! that could hold them: no cryptography, no decision, no look at anything. A gateway that writes these rows for each
//! event cannot be faster than this on the same machine.
//!
//! ```text
//! cargo run --release -p amana-store --example floor -- FILE CUSTOMERS EVENTS [PER_COMMIT]
//! ```
//!
//! Two layouts over a new file: *appended* puts the event's key and one row (entry of the log, receipt, sealed message)
//! at the end of their tables; *with state* also writes one row of its customer anew (the end of the receipts, the book
//! of an account), which lies anywhere among as many as there are customers.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use rusqlite::Connection;
use std::path::Path;
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// Bytes of a receipt, of a sealed message with why it may leave and its ticket, and of what is kept of a customer: as
/// the gateway writes them.
const RECEIPT: usize = 700;
const MESSAGE: usize = 800;
const STATE: usize = 800;

/// Bytes that do not compress and differ from call to call, without a system call for each.
struct Bytes(u64);

impl Bytes {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }

    fn fill(&mut self, out: &mut [u8]) {
        for eight in out.chunks_mut(8) {
            let number = self.number().to_be_bytes();
            eight.copy_from_slice(number.get(..eight.len()).unwrap_or_default());
        }
    }
}

fn new(file: &Path, customers: i64) -> Result<Connection, Failure> {
    if file.exists() {
        return Err("the file is there: name one that is not".into());
    }
    let db = Connection::open(file)?;
    // As the store's writer has it.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; \
         PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 10000; \
         CREATE TABLE event_key (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID; \
         CREATE TABLE event (position INTEGER PRIMARY KEY, entry BLOB, receipt BLOB, message BLOB) STRICT; \
         CREATE TABLE state (customer INTEGER PRIMARY KEY, state BLOB) STRICT; BEGIN",
    )?;
    for customer in 0..customers {
        db.prepare_cached("INSERT INTO state VALUES (?1, ?2)")?.execute((customer, [0u8; STATE]))?;
    }
    db.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(db)
}

/// Events a second.
fn run(
    db: &Connection,
    (customers, events, per_commit): (i64, i64, i64),
    state: bool,
) -> Result<f64, Failure> {
    let mut bytes = Bytes(7);
    let (mut key, mut entry) = ([0u8; 32], [0u8; 65]);
    let (mut receipt, mut message, mut kept) = ([0u8; RECEIPT], [0u8; MESSAGE], [0u8; STATE]);
    let started = Instant::now();
    let first: i64 = db.query_row("SELECT coalesce(max(position), 0) FROM event", [], |row| row.get(0))?;
    for position in first + 1..=first + events {
        if (position - first) % per_commit == 1 || per_commit == 1 {
            db.execute_batch("BEGIN IMMEDIATE")?;
        }
        for out in [&mut key[..], &mut entry, &mut receipt, &mut message] {
            bytes.fill(out);
        }
        // Keys begin with the event's time.
        let (time, _) = key.split_at_mut(8);
        time.copy_from_slice(&position.to_be_bytes());
        db.prepare_cached("INSERT INTO event_key VALUES (?1)")?.execute([&key[..]])?;
        db.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4)")?.execute((
            position,
            &entry[..],
            &receipt[..],
            &message[..],
        ))?;
        if state {
            bytes.fill(&mut kept);
            let customer = i64::try_from(bytes.number())? % customers;
            db.prepare_cached("UPDATE state SET state = ?1 WHERE customer = ?2")?
                .execute((&kept[..], customer))?;
        }
        if (position - first) % per_commit == 0 || position == first + events {
            db.execute_batch("COMMIT")?;
        }
    }
    Ok(f64::from(i32::try_from(events)?) / started.elapsed().as_secs_f64())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, customers, events, rest @ ..] = arguments.as_slice() else {
        return Err("give FILE CUSTOMERS EVENTS [PER_COMMIT]".into());
    };
    let per_commit: i64 = rest.first().map_or(Ok(500), |n| n.parse())?;
    let orders: (i64, i64, i64) = (customers.parse()?, events.parse()?, per_commit);
    if orders.0 < 1 || orders.1 < 1 || per_commit < 1 {
        return Err("the numbers begin at 1".into());
    }
    let db = new(Path::new(file), orders.0)?;
    println!("appended: {:.0} events a second, {per_commit} in a commit", run(&db, orders, false)?);
    println!("with state: {:.0} events a second, of {customers} customers", run(&db, orders, true)?);
    Ok(())
}
