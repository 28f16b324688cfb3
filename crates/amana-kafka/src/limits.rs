//! Every bound of the Kafka intake, in one place.

use std::time::Duration;

/// The largest record that is read, in bytes: as large as the largest body of an event request over HTTP.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Records that share one commit. As many as an HTTP batch has events.
pub const BATCH_RECORDS_MAX: usize = 1_000;
/// Bytes of records that share one commit, in bytes. One more record of the largest kind may come on top.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What librdkafka may hold ahead of us over all partitions of a source, in KiB. It fetches the next batch while this
/// one is being made durable.
pub const AHEAD_KIB_MAX: usize = 16 * 1024;
/// The most that one answer of a broker brings, in bytes, but for a single record that is larger.
pub const FETCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The largest answer of a broker that is read at all, in bytes: room for a record far beyond what brokers allow (1 MiB
/// unless they are told otherwise), so that it can be set aside.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a commit may take before the partitions are paused and the group is told that we live.
pub const PAUSE_AFTER: Duration = Duration::from_secs(1);
/// How long it waits after the first failure to make a batch durable; twice as long after each more.
pub const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest of these waits.
pub const RETRY_LONGEST: Duration = Duration::from_secs(5);
/// How long it waits after an error of the brokers, so that a source that is away costs nothing. librdkafka connects
/// again by itself.
pub const BROKER_ERROR_WAIT: Duration = Duration::from_millis(500);
/// A member of the group that is silent for so long is gone and its partitions are others'. The shortest that most
/// brokers allow is six seconds.
pub const SESSION: Duration = Duration::from_secs(10);
/// How often offsets of what is durable are committed to the brokers. What was read since comes again after a crash,
/// and is known.
pub const OFFSETS_EVERY: Duration = Duration::from_secs(1);
/// How often lag is measured.
pub const STATISTICS_EVERY: Duration = Duration::from_secs(5);
/// How long leaving the group may take at the end.
pub const LEAVE: Duration = Duration::from_secs(5);
