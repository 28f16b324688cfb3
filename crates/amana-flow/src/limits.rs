//! Every bound of the flows, in one place.

use std::time::Duration;

/// Lanes (conversations and customers) that are worked on at once.
pub const LANES_AT_ONCE_MAX: usize = 64;
/// Messages that are on their way to the platform at once; one per conversation.
pub const SENDS_AT_ONCE_MAX: usize = 64;
/// How often the workers look for due rows when nobody wakes them: the bound on how late a retry is.
pub const POLL_EVERY: Duration = Duration::from_millis(500);
/// Attempts at one event before it is put aside for the operator.
pub const INBOX_ATTEMPTS_MAX: u32 = 8;
/// Attempts at one message before it is put aside for the operator.
pub const SEND_ATTEMPTS_MAX: u32 = 12;
/// The first wait between attempts, doubled each time, in seconds.
pub const RETRY_BASE_S: i64 = 1;
/// The longest wait between attempts, in seconds.
pub const RETRY_MAX_S: i64 = 300;
/// How long the echo of a message that may have been sent is waited for before it is sent again, in seconds. Messenger
/// retries a webhook at once and for an hour; ten seconds is far beyond a healthy echo.
pub const ECHO_WAIT_S: i64 = 10;
/// How long a claim on a message lasts, in seconds: longer than a call to the platform may take, so that a row whose
/// claim is over belongs to a process that is gone.
pub const CLAIM_S: i64 = 45;
/// The pause of a page whose token is dead or which is blocked, in seconds. Its queue is kept.
pub const PAGE_PAUSE_S: i64 = 60;
/// The life of a one-time link to the linking page or the privacy page, in seconds.
pub const TOKEN_LIFE_S: i64 = 600;
/// The life of a browser session while linking, in seconds: long enough for a bank's login with a second factor.
pub const LINK_SESSION_S: i64 = 900;
/// The life of a browser session on the privacy page, in seconds.
pub const PRIVACY_SESSION_S: i64 = 1_800;
/// Access tokens are refreshed when they have less than this left, in seconds.
pub const TOKEN_MARGIN_S: i64 = 30;
/// How far back a bank is asked for the transactions of a question without a period, in days.
pub const LOOKBACK_DAYS: u32 = 365;
/// Receipts on one privacy page.
pub const TIMELINE_MAX: usize = 500;
/// Attempts to tell a bank that a consent was taken back. With the longest wait between them it is tried for days.
pub const JOB_ATTEMPTS_MAX: u32 = 1_000;
/// How old an event may be to be told as news, in days. An older one is recorded as known and not told.
pub const EVENT_AGE_DAYS_MAX: i64 = 7;

const _: () = assert!(CLAIM_S > ECHO_WAIT_S);
