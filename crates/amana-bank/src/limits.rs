//! Every bound of this crate, in one place.

use std::time::Duration;

/// The largest answer that is read from a bank, in bytes. A page of 500 transactions is below 1 MiB.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a connection to a bank may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one call to a bank may take, from the first byte sent to the last one read.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How long all pages of one list together may take.
pub const LIST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the server's metadata are believed.
pub const METADATA_TTL: Duration = Duration::from_secs(3600);
/// How long metadata whose time is over are good for while the server does not answer: it is asked again after that,
/// and not by everybody who waits.
pub const METADATA_AGAIN: Duration = Duration::from_secs(60);
/// How long the server's signing keys are believed.
pub const JWKS_TTL: Duration = Duration::from_secs(3600);
/// The shortest time between two reads of the signing keys because a key was not among them.
pub const JWKS_RELOAD_MIN: Duration = Duration::from_secs(10);
/// How many signing keys of a server are looked at.
pub const JWKS_KEYS_MAX: usize = 32;
/// How many pages of one list are read.
pub const PAGES_MAX: usize = 40;
/// How many rows of one list are kept.
pub const ROWS_MAX: usize = 5_000;
/// How many rows are asked for in one page.
pub const PAGE_ROWS: usize = 200;
/// How many accounts of one customer are kept.
pub const ACCOUNTS_MAX: usize = 200;
/// How many accounts' currencies are remembered, so that a transaction's amount has one.
pub const CURRENCIES_REMEMBERED_MAX: usize = 50_000;
/// How many connections' calls of a day are counted before those of other days are forgotten.
pub const CONNECTIONS_COUNTED_MAX: usize = 50_000;
/// From which decimal on the digits of a number are no money, but what binary arithmetic left behind. A bank that
/// computes in doubles is right to fifteen digits or more, so for amounts below ten millions.
pub const FLOAT_DUST_DECIMALS: u32 = 8;
/// The longest name of an account or shop that is kept, in characters.
pub const NAME_CHARS_MAX: usize = 80;
/// The longest line of text of a transaction that is kept, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 200;
/// The longest token, code or state that is taken, in bytes. JWT access tokens of banks reach 8 KiB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The longest wait that a bank can ask for with `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// How far the bank's clock and ours may differ, in seconds.
pub const CLOCK_SKEW_SECS: i64 = 60;
/// How long a client assertion is good, in seconds (FAPI 2.0: at most 60).
pub const ASSERTION_LIFE_SECS: i64 = 55;
/// How long a signed request object is good, in seconds: its browser comes at once, its push as well.
pub const REQUEST_OBJECT_LIFE_SECS: i64 = 300;
/// The longest DPoP nonce that is taken, in bytes. It is in each proof, and headers of 8 KiB are too long for many
/// servers.
pub const NONCE_BYTES_MAX: usize = 512;
/// How many servers' nonces are remembered: an institution has two or three.
pub const NONCES_MAX: usize = 16;
/// How often random bytes are drawn for a key before the source is called broken: one draw is good but for one in 2^32.
pub const KEY_DRAWS_MAX: usize = 8;
/// How long an access token is believed to live when the server does not say, in seconds.
pub const TOKEN_LIFE_DEFAULT_SECS: i64 = 300;
/// The longest life of an access token that is believed, in seconds.
pub const TOKEN_LIFE_MAX_SECS: i64 = 30 * 86_400;
/// The longest time between two readings for news, in minutes: a week, after which what is read is too old to be told.
pub const POLLING_MINUTES_MAX: u32 = 7 * 24 * 60;
/// How many events a batch may hold.
pub const EVENTS_MAX: usize = 1_000;
/// The longest id in a notification (of a consent, an account or a customer), or of a subscription, in bytes.
pub const HINT_ID_BYTES_MAX: usize = 256;
/// How long a publisher's token may live, in seconds: it is made for one request.
pub const PUBLISHER_TOKEN_LIFE_SECS: i64 = 300;
/// How many publishers' tokens are remembered while they live; more notifications in five minutes come again.
pub const PUBLISHER_TOKENS_MAX: usize = 100_000;
/// How long before its end the client's own token is not used any more, in seconds.
pub const OWN_TOKEN_MARGIN_SECS: i64 = 30;
/// The longest event id, source or type, in bytes.
pub const EVENT_ATTRIBUTE_BYTES_MAX: usize = 512;

/// The longest claim of an ID token that is kept as evidence, in characters.
pub const CLAIM_CHARS_MAX: usize = 256;
/// Methods of a sign-in (`amr`) that are kept as evidence.
pub const AMR_MAX: usize = 8;
/// Notifications that are asked for in one page of what a bank keeps.
pub const MISSED_ROWS: usize = 100;
/// Longest key of such a page, in bytes: it is kept from one time to the next.
pub const PAGE_KEY_BYTES_MAX: usize = 1_024;
