//! Every bound of the store, in one place.

use std::time::Duration;

/// Submissions that may wait for the writer. Past it, callers are told to come back: overload shows at the door, not
/// as memory.
pub const WRITER_QUEUE_MAX: usize = 8_192;
/// Commands that share one transaction. An fsync costs the same for one row as for a thousand; on a server, where each
/// statement is a way there and back, a longer batch only makes its first wait.
pub const BATCH_COMMANDS_MAX: usize = 1_000;
/// The same of the embedded engine: a page that many of them change is written once (measured: a fifth more than with a
/// thousand, `docs/benchmarks.md`).
pub const SQLITE_BATCH_COMMANDS_MAX: usize = 4_000;
/// Pages of the write-ahead log before they are written into the database: a page that changes often is written
/// there once for all of them. At 4 KiB each, about 40 MB of disk.
pub const SQLITE_CHECKPOINT_PAGES: u32 = 10_000;
/// How often a batch is run again after the database said that it lost against another writer (a deadlock).
pub const BATCH_TRIES_MAX: u32 = 5;
/// Rows that one query hands out at most, whatever it is asked for.
pub const QUERY_ROWS_MAX: usize = 10_000;
/// Read connections of the SQLite backend.
pub const SQLITE_READERS: usize = 4;
/// How long SQLite waits for another process's lock.
pub const SQLITE_BUSY_WAIT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection: more than there are statements.
pub const STATEMENTS_KEPT: usize = 128;
/// Connections of the PostgreSQL backend's pool.
pub const POSTGRES_CONNECTIONS: usize = 8;
/// How long one attempt to reach PostgreSQL may take, and how long a read waits for a connection of the pool.
pub const POSTGRES_CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a PostgreSQL statement may run, in milliseconds.
pub const POSTGRES_STATEMENT_MS_MAX: u32 = 30_000;
/// How long an opening store waits for another that is migrating the same PostgreSQL database, in milliseconds.
pub const POSTGRES_MIGRATION_LOCK_MS_MAX: u32 = 60_000;
/// The largest sealed body that is stored, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Unwrapped customer keys kept in memory.
pub const CUSTOMER_KEYS_KEPT: usize = 8_192;
/// How long the key custody waits for another process's lock.
pub const CUSTODY_BUSY_WAIT: Duration = Duration::from_secs(5);
/// Ids that the key custody lists at once.
pub const CUSTODY_PAGE_ROWS: usize = 1_000;
/// Links that the history of a conversation shows at most.
pub const LINKS_EVER_MAX: i64 = 100;
/// Days for which the key of a processed event is kept: a redelivery after that would be taken in again. Platforms
/// stop redelivering after hours.
pub const INBOX_KEY_DAYS: i64 = 30;
/// Days for which it is kept what was told of a transaction. Past a year a bank does not change one any more.
pub const STORY_DAYS: i64 = 400;
/// Days for which it is kept which messages of others were seen at the platform. Platforms stop redelivering after
/// hours.
pub const SIGHTING_DAYS: i64 = 30;
/// Days for which an alarm is kept after it was closed: as long as what was said is ([`MESSAGE_DAYS`]).
pub const ALARM_DAYS: i64 = 396;
/// The reason why a record of a topic was set aside: words of ours, with the name of an attribute.
pub const ASIDE_REASON_BYTES_MAX: usize = 512;
/// How long a delivered message may go without an echo or an answer of ours that names it, in seconds: then it is an
/// alarm.
pub const DELIVERY_WAIT_S: i64 = 180;
/// Alarms that a list shows at most.
pub const ALARMS_LISTED_MAX: usize = 500;
/// Days for which an event that was given up is kept: an operator looks within a month or never.
pub const FAILED_EVENT_DAYS: i64 = 30;
/// Days for which a message with bank data is kept after it was made: 13 months, the time in which European customers
/// may contest a payment, so that the privacy page shows what was said for as long as it may matter.
pub const MESSAGE_DAYS: i64 = 396;
/// Days for which it is still kept when what was allowed has ended: a month to look at it on the privacy page, to
/// export it or to complain. The evidence, which has no amounts, stays for [`CUSTOMER_DAYS`].
pub const ENDED_MESSAGE_DAYS: i64 = 30;
/// Days for which the row of a message without bank data is kept, without its text: for echoes that come late.
pub const PLAIN_MESSAGE_DAYS: i64 = 30;
/// Days for which a silent chat without a link is remembered (its language, and when it last wrote).
pub const CONVERSATION_DAYS: i64 = 396;
/// Days for which a job that was given up is kept.
pub const DEAD_JOB_DAYS: i64 = 30;
/// Days after the end of the last link for which receipts and consents are kept as proof: three years.
pub const CUSTOMER_DAYS: i64 = 1_096;
/// A chat in which nobody was welcomed (it wanted to be forgotten, or nothing was ever said) is over after so many
/// days: for seven a human of the institution may still answer there.
pub const FORGOTTEN_CHAT_DAYS: i64 = 8;

/// Every so many seconds a sweep takes the silent chats of the next shard: all of them in three days.
pub const CONVERSATION_SHARD_S: i64 = 60;
/// Rows of each kind that one step of an erasure removes.
pub const ERASE_ROWS: i64 = 2_000;
/// Rows of a kind that one sweep removes at most, so that it does not hold the writer for long.
pub const SWEEP_ROWS: i64 = 10_000;
/// Messages whose time is over that one sweep ends at most: each has a receipt, and is opened for it.
pub const EXPIRED_ROWS: i64 = 1_000;
/// The largest policy document that is kept, in bytes.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;
/// Versions of a policy that its history shows at most.
pub const POLICIES_MAX: u32 = 1_000;

const _: () =
    assert!(BATCH_COMMANDS_MAX <= WRITER_QUEUE_MAX && SQLITE_BATCH_COMMANDS_MAX <= WRITER_QUEUE_MAX);
/// News that wait on one link; of more the oldest are told first, in as many messages.
pub const WAITING_MAX: usize = 200;
/// Days for which news wait for their customer. Older ones are no news: the accounts page shows how things stand.
pub const WAITING_DAYS: i64 = 7;
/// Consents at the bank behind one grant by which it is found: some banks name several.
pub const BANK_CONSENTS_MAX: usize = 16;
/// Texts to be approved that are read of one channel.
pub const APPROVED_TEXTS_MAX: usize = 200;
/// Passkeys that one customer may have: a few devices and a key in a drawer.
pub const PASSKEYS_MAX: i64 = 10;
/// Days for which an account's book is kept after its last change. Each change removes from it what is older.
pub const BOOK_DAYS: i64 = 45;
/// For how long a node has its shards after the transaction that renewed its lease, by the database's clock. A node
/// that dies or stands still is followed within this and two looks ([`LEASE_LOOK`]), one that ends it and one in which
/// the last of the others takes its part: three seconds, which leaves two of the five for commits of a busy database.
pub const LEASE: Duration = Duration::from_millis(2_500);
/// How often a node renews its lease where nothing else does, and looks whose time is over.
pub const LEASE_LOOK: Duration = Duration::from_millis(250);
/// After what part of its lease a node trusts it no more for what no database can refuse: a call to the platform.
pub const LEASE_TRUST: Duration = Duration::from_millis(1_500);
/// For how long a connection may hold a transaction open without a word before the database ends it, in milliseconds:
/// else a process that stands still would keep what it locked, the log's head before all, from every other.
pub const POSTGRES_IDLE_TRANSACTION_MS_MAX: u32 = 1_000;
/// Days for which it is kept which nodes there were.
pub const NODE_DAYS: i64 = 1;
