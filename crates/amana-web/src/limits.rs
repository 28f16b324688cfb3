//! Every bound of the HTTP surface, in one place.

use std::time::Duration;

/// The largest body of a bank's event request, in bytes: a full batch of 1,000 events of about 4 KiB.
pub const EVENTS_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest body of one notification of a bank, in bytes: it holds ids and words.
pub const NOTIFICATION_BODY_BYTES_MAX: usize = 64 * 1024;
/// The longest token of a publisher that is looked at, in bytes.
pub const PUBLISHER_TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The largest body of the platform's webhook, in bytes; the parser's own bound.
pub const WEBHOOK_BODY_BYTES_MAX: usize = amana_channel::limits::WEBHOOK_BODY_BYTES_MAX;
/// The largest form of a page, in bytes. The consent page with a hundred accounts needs less than 40 KiB.
pub const FORM_BODY_BYTES_MAX: usize = 64 * 1024;
/// Fields of one form.
pub const FORM_FIELDS_MAX: usize = 1_024;
/// How much of a body that is too large is read and thrown away, in bytes, so that the sender hears the answer
/// instead of a broken connection.
pub const DRAIN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The longest address that the language switch leads back to, in bytes: an account-linking address is below 2 KiB.
pub const BACK_BYTES_MAX: usize = 4 * 1024;
/// The longest cookie value that is looked up, in bytes; ours have 43.
pub const COOKIE_BYTES_MAX: usize = 128;
/// The bodies of events and webhooks that are held at once, in bytes, over all requests: sixteen of the largest, or
/// some ten thousand ordinary ones. (Forms need no such bound: the connections' times the largest form is as much.)
pub const BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How many people a second may begin a sign-in, all together: each costs the bank or the platform a call.
pub const BEGIN_RATE_PER_S: u32 = 30;
/// How many of them may come at once.
pub const BEGIN_BURST: u32 = 60;
/// How long a request may take in all: longer than a call to a bank may take, so that the bank's own error is told.
pub const REQUEST_TIME: Duration = Duration::from_secs(60);
/// How long the store may take to show that it can be written.
pub const READY_TIME: Duration = Duration::from_secs(2);
/// After how many seconds a sender should try again when the writer's queue is full.
pub const RETRY_BUSY_S: u64 = 2;
/// After how many seconds a browser should try again when too many begin at once.
pub const RETRY_BEGIN_S: u64 = 5;
/// After how many seconds a sender should try again when the store is away.
pub const RETRY_STORE_S: u64 = 10;
/// How long the browser remembers the language, in seconds.
pub const LANG_COOKIE_S: i64 = 1_800;
/// How long the browser keeps the session cookie, in seconds: the longest session behind it.
pub const SESSION_COOKIE_S: i64 = amana_flow::limits::PRIVACY_SESSION_S;
/// The durations that the consent page offers, in days; none is longer than a consent may last.
pub const CONSENT_DAYS: [i64; 4] = [30, 90, 180, 365];
/// The duration that is chosen until the customer chooses another, in days.
pub const CONSENT_DAYS_DEFAULT: i64 = 90;
/// The periods to which the privacy page's timeline can be narrowed, in days.
pub const PERIODS_DAYS: [u32; 3] = [7, 30, 365];
/// How long a browser may keep a style sheet or picture whose name holds its hash, in seconds.
pub const STATIC_AGE_S: u32 = 31_536_000;

/// The largest body of the administrators' API, in bytes: a request for data at its own bound.
pub const ADMIN_BODY_BYTES_MAX: usize = amana_core::REQUEST_BYTES_MAX;

/// Messages, and events, that the list of what was given up shows; it says how many there are in all.
pub const ADMIN_DEAD_MAX: usize = 200;

const _: () = assert!(DRAIN_BYTES_MAX > EVENTS_BODY_BYTES_MAX && DRAIN_BYTES_MAX > WEBHOOK_BODY_BYTES_MAX);
const _: () =
    assert!(BODIES_BYTES_MAX >= 4 * EVENTS_BODY_BYTES_MAX && BODIES_BYTES_MAX >= 4 * WEBHOOK_BODY_BYTES_MAX);
const _: () = assert!(CONSENT_DAYS[3] <= amana_core::CONSENT_DAYS_MAX);
