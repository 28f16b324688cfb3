//! Every bound of the binary, in one place.

use std::time::Duration;

/// How long open requests and begun work may take after the first stop signal.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// The same in the demonstration, where nobody waits for anything.
pub(crate) const DEMO_DRAIN: Duration = Duration::from_secs(3);
/// How often the gauges of waiting rows are read from the store.
pub(crate) const GAUGES_EVERY: Duration = Duration::from_secs(5);
/// From how many seconds over its time on what is kept is called overdue: customers are erased once an hour.
pub(crate) const OVERDUE_S: i64 = 2 * 3_600;
/// The bounds between which the times of stages are counted, in seconds: from a look in memory to a bank that does not
/// answer.
pub(crate) const STAGE_BUCKETS_S: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];
/// How often the metrics' histograms are tidied.
pub(crate) const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// A connection of the doctor.
pub(crate) const CHECK_CONNECT: Duration = Duration::from_secs(5);
/// A whole call of the doctor.
pub(crate) const CHECK_CALL: Duration = Duration::from_secs(15);
/// The largest answer that the doctor reads, in bytes.
pub(crate) const CHECK_BYTES_MAX: usize = 64 * 1024;
/// How far this machine's clock may be off before the doctor complains, in seconds. Signed assertions and tokens of
/// banks allow little more.
pub(crate) const CLOCK_OFF_S_MAX: i64 = 30;
/// The longest name that `--by` gives, in characters: with `cli:` and the user's number it fits into the histories
/// (`amana_flow::limits::ACTOR_CHARS_MAX`).
pub(crate) const BY_CHARS_MAX: usize = 64;
/// How long the demonstration waits for its own parts to answer.
pub(crate) const START_WAIT: Duration = Duration::from_secs(15);
/// How often it asks meanwhile.
pub(crate) const START_POLL: Duration = Duration::from_millis(50);
/// How long the command of a master key may take, for one key.
pub(crate) const KEY_COMMAND_TIME: Duration = Duration::from_secs(30);
/// How often it is looked at meanwhile.
pub(crate) const KEY_COMMAND_POLL: Duration = Duration::from_millis(10);
/// The most that is read of what it prints, in bytes: a wrapped key is some hundred.
pub(crate) const KEY_COMMAND_BYTES_MAX: usize = 16 * 1024;
/// The largest bundle or saved state that is read, in bytes.
pub(crate) const BUNDLE_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// The largest file of a log that an auditor reads, in bytes.
pub(crate) const TILE_BYTES_MAX: usize = 128 * 1024;
/// How long one call of an auditor, or to a witness, may take.
pub(crate) const AUDIT_CALL: Duration = Duration::from_secs(10);
/// The largest file with certificates, in bytes: a bundle of all authorities of an operating system is half as large.
pub(crate) const CERTIFICATE_FILE_BYTES_MAX: u64 = 512 * 1024;
/// The largest file with a secret or a key, in bytes.
pub(crate) const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;
/// The shortest token of the administrators' API, in characters: 128 bits in hexadecimal digits.
pub(crate) const ADMIN_TOKEN_BYTES_MIN: usize = 32;
/// The longest name of one who may call it, in bytes: with `api:` before it, it stands in each event of the history.
pub(crate) const ADMIN_USER_BYTES_MAX: usize = 64;
/// The largest configuration file, in bytes.
pub(crate) const CONFIG_BYTES_MAX: u64 = 1024 * 1024;
/// Dead letters that are listed.
pub(crate) const DEAD_LISTED_MAX: usize = 200;
/// The longest reason of a kill switch, in characters.
pub(crate) const REASON_CHARS_MAX: usize = 200;
/// How different an unknown key may be from a known one to be taken for a slip of the pen, in edits.
pub(crate) const SLIP_EDITS_MAX: usize = 3;
/// How long a connection may take to bring a request's head, and how long it may be idle between two requests. A sender
/// that is slower holds a place that others wait for.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);
/// Connections at once. More wait in the system's queue until one ends. Each needs a descriptor: `LimitNOFILE` must
/// leave room for the database and the calls to banks beside them.
pub(crate) const CONNECTIONS_MAX: usize = 1_024;
/// How long accepting rests after the system had no descriptor or memory for a connection.
pub(crate) const ACCEPT_REST: Duration = Duration::from_millis(500);
/// Until a process of ours is reached over its socket.
pub(crate) const ROLE_CONNECT: Duration = Duration::from_secs(2);
/// The largest answer of a process of ours, in bytes: a year of a busy account's transactions, sealed, in hexadecimal.
pub(crate) const ROLE_ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The largest question to a process of ours, in bytes: a message with its ticket.
pub(crate) const ROLE_ASK_BYTES_MAX: usize = 1024 * 1024;
/// A call to a bank through the connector. Each step of it has its own, shorter bound there.
pub(crate) const BANK_CALL_TIME: Duration = Duration::from_secs(120);
/// A send through egress: shorter than the claim on a message, longer than a call to the platform and the last look.
pub(crate) const SEND_CALL_TIME: Duration = Duration::from_secs(35);
/// A request from the public port to the gate.
pub(crate) const FORWARD_TIME: Duration = Duration::from_secs(60);
/// How long egress waits at the start for the gate to write its verifying key.
pub(crate) const ROLE_PATIENCE: Duration = Duration::from_secs(120);
/// How many folders deep an export of the platform is looked through.
pub(crate) const EXPORT_DEPTH_MAX: usize = 8;
/// Files of messages in an export.
pub(crate) const EXPORT_FILES_MAX: usize = 1_000;
/// The largest file of an export, in bytes.
pub(crate) const EXPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How far the platform's time of a message may be from ours, in seconds.
pub(crate) const EXPORT_TOLERANCE_S: i64 = 300;
/// Rows that are read at a time when an export is compared.
pub(crate) const EXPORT_ROWS: usize = 500;
/// Messages of ours that an export is compared with at most.
pub(crate) const EXPORT_ROWS_MAX: usize = 100_000;

const _: () = assert!(SEND_CALL_TIME.as_secs() < amana_flow::limits::CLAIM_S.unsigned_abs());
/// The fewest days for which a kind of data can be kept.
pub(crate) const RETENTION_DAYS_MIN: i64 = 1;
/// The most days for which a kind of data can be kept: ten years.
pub(crate) const RETENTION_DAYS_MAX: i64 = 3_660;

/// The longest name of a customer at an institution that is read from standard input: an OpenID Connect `sub` has at
/// most 255 characters (Core 1.0 §2).
pub(crate) const SUBJECT_BYTES_MAX: u64 = 1_024;
/// The longest wait that a bench tells apart, in microseconds: ten minutes.
pub(crate) const BENCH_WAIT_US_MAX: u64 = 600_000_000;
/// Digits to which a bench's waits are exact.
pub(crate) const BENCH_DIGITS: u8 = 3;
/// What a bench's look at the disk writes over and over, in bytes: a page of the file system.
pub(crate) const BENCH_SYNC_BYTES: usize = 4_096;
/// How long it looks.
pub(crate) const BENCH_SYNC_TIME: Duration = Duration::from_millis(500);
/// Customers that a bench makes in one commit: four commands each, as many as the writer takes at once.
pub(crate) const BENCH_CUSTOMERS_AT_ONCE: u32 = 250;
/// How long a bench waits for what was taken to be worked off, without any progress.
pub(crate) const BENCH_DRAIN: Duration = Duration::from_secs(120);
/// After how long a bench offers again what was put off. Shorter than senders are asked to wait: it wants the limit.
pub(crate) const BENCH_RETRY: Duration = Duration::from_millis(5);
/// How often a bench looks how far the log is published, with what a look takes: the error of those waits.
pub(crate) const BENCH_LOOK: Duration = Duration::from_millis(5);
/// How long a gateway that is started to be measured may take for each thing that is waited for.
pub(crate) const BENCH_START: Duration = Duration::from_secs(120);
/// How long it is left alone before its memory is read.
pub(crate) const BENCH_REST: Duration = Duration::from_secs(2);
/// Customers whose receipts a bench counts one by one.
pub(crate) const BENCH_SAMPLE: u32 = 200;
/// Rounds of a step that is measured on its own: some tenths of a second of the slowest.
pub(crate) const BENCH_STAGE_ROUNDS: u32 = 2_000;
/// Rounds before them.
pub(crate) const BENCH_STAGE_WARM: u32 = 200;
/// What is read of standard input for a reply in a chat, in bytes: more than any platform takes.
pub(crate) const REPLY_BYTES_MAX: u64 = 16 * 1024;
/// Spans that wait for their collector. What comes beyond is dropped and counted.
pub(crate) const TRACES_WAITING_MAX: usize = 4_096;
/// Spans of one request to the collector.
pub(crate) const TRACES_AT_ONCE_MAX: usize = 512;
/// How often spans are brought away.
pub(crate) const TRACES_EVERY: Duration = Duration::from_secs(2);
/// How long the collector may take to answer.
pub(crate) const TRACES_CALL: Duration = Duration::from_secs(5);
/// The longest text in a span, in bytes: a route's pattern, a word of ours.
pub(crate) const TRACES_WORD_BYTES_MAX: usize = 64;
