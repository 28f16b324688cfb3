//! Every bound of the commands in one place: how long a wait may last, how large a file may be.

use std::time::Duration;

/// How long a fresh PostgreSQL cluster may take to accept connections. Two seconds is usual; a busy two-core
/// machine needs more.
pub(crate) const PG_START_WAIT: Duration = Duration::from_secs(60);
/// How long `pg_ctl stop` waits before the next, harsher way of stopping is tried, in seconds.
pub(crate) const PG_STOP_WAIT_SECONDS: u64 = 15;
/// How many ports are tried: a port that was free a moment ago can be taken by the time the server binds it.
pub(crate) const PG_PORT_ATTEMPTS_MAX: u32 = 5;
/// Connections the test cluster allows: each test of the conformance suite has its own small pool, and cargo runs
/// test threads in parallel.
pub(crate) const PG_CONNECTIONS_MAX: u32 = 200;
/// Random bytes in the test cluster's password (hex doubles them).
pub(crate) const PG_PASSWORD_BYTES: usize = 16;
/// How often a wait looks again.
pub(crate) const POLL: Duration = Duration::from_millis(50);
/// How long a stopped child process has to end by itself before it is killed.
pub(crate) const CHILD_STOP_WAIT: Duration = Duration::from_secs(5);
/// A progress line with the elapsed time is printed this often while a long step is silent.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(60);
/// One test program. The longest takes two minutes.
pub(crate) const BINARY_WAIT: Duration = Duration::from_secs(20 * 60);
/// A build of everything, or one check of CI. A cold build on two cores takes about ten minutes.
pub(crate) const UNIT_WAIT: Duration = Duration::from_secs(40 * 60);
/// The browser story, both languages.
pub(crate) const BROWSER_WAIT: Duration = Duration::from_secs(10 * 60);
/// The verifiers over all vectors. Ten seconds is usual.
pub(crate) const VERIFIERS_WAIT: Duration = Duration::from_secs(5 * 60);
/// Other people's clients against the simulator, and schemathesis at the sandbox bank, of which each run ends itself
/// after nine minutes. A minute is usual.
pub(crate) const OUTSIDE_WAIT: Duration = Duration::from_secs(10 * 60);
/// By how many percent a hot function may need more instructions than the repository says.
pub(crate) const COUNTS_WORSE_PERCENT_MAX: u64 = 10;
/// Installing packages.
pub(crate) const INSTALL_WAIT: Duration = Duration::from_secs(15 * 60);

/// Longest line of a Rust file, in characters.
pub(crate) const LINE_CHARS_MAX: usize = 120;
/// Longest Rust file, in lines: past that it holds more than one idea.
pub(crate) const FILE_LINES_MAX: usize = 900;
/// Largest file that `tidy` reads, in bytes. Larger ones are reported: a source file is never that big.
pub(crate) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
