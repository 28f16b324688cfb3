//! Every bound of the sandbox bank, with its unit last in the name and its reason beside it.

use std::time::Duration;

/// Life of a pushed authorization request (RFC 9126 §2.2 suggests 5 to 600 s; FAPI 2.0 asks for less than 600 s).
pub const PUSHED_REQUEST_LIFE_SECS: i64 = 60;
/// Life of an authorization code (FAPI 2.0 §5.3.2.1 item 11: at most 60 s).
pub const CODE_LIFE_SECS: i64 = 60;
/// Life of an access token (FDX Security Model v5.0: at most 900 s).
pub const ACCESS_TOKEN_LIFE_SECS: i64 = 900;
/// Life of an ID token: as long as the access token beside it.
pub const ID_TOKEN_LIFE_SECS: i64 = ACCESS_TOKEN_LIFE_SECS;
/// How long a customer may take from the authorization request to the answer.
pub const INTERACTION_LIFE_SECS: i64 = 15 * 60;
/// How long a customer stays signed in at the bank's pages.
pub const SESSION_LIFE_SECS: i64 = 15 * 60;
/// Wrong passwords on one sign-in before it has to be started again.
pub const LOGIN_ATTEMPTS: u32 = 8;
/// How far ahead `exp` of a client assertion may be: those of FAPI 2.0 live for a minute.
pub const ASSERTION_LIFE_SECS: i64 = 60;
/// Difference of clocks that is tolerated in assertions (FAPI 2.0 §5.3.2.1 item 13: 10 s, at most 60 s).
pub const CLOCK_SKEW_SECS: i64 = 10;
/// How old a DPoP proof may be, in seconds (RFC 9449 §11.1: seconds to minutes).
pub const DPOP_AGE_SECS: i64 = 60;
/// How long a DPoP nonce is given out, in seconds.
pub const DPOP_NONCE_SECS: i64 = 60;
/// For how many such times more it is taken.
pub const DPOP_NONCE_SLOTS: i64 = 2;
/// Most DPoP proofs remembered at a time; then new ones are refused until some have run out.
pub const DPOP_PROOFS_MAX: usize = 200_000;
/// Longest life of a request object, and the age at which it is not taken any more, in seconds (FAPI 2.0 Message
/// Signing §5.3.1: 60 minutes).
pub const REQUEST_OBJECT_LIFE_SECS: i64 = 3600;
/// Smallest modulus of an RSA key, in bytes (FAPI 2.0 §5.4.1: 2048 bits).
pub const RSA_BYTES_MIN: usize = 256;
/// Connections with a finished TLS handshake that wait to be served.
pub const TLS_CONNECTIONS_WAITING: usize = 64;
/// Time a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed `accept`, such as for want of file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Longest consent, in days (CFPB §1033.421: one year).
pub const CONSENT_DAYS_MAX: i64 = 365;
/// Consent length when the request names none, in days.
pub const CONSENT_DAYS_DEFAULT: i64 = 365;
/// Life of a consent for one retrieval, in seconds: as long as its code and the access token that it buys.
pub const ONE_TIME_LIFE_SECS: i64 = CODE_LIFE_SECS + ACCESS_TOKEN_LIFE_SECS;
/// How long a consent that was asked for (`POST /consents`) waits for its customer, in seconds.
pub const CONSENT_REQUEST_LIFE_SECS: i64 = 3600;
/// Most such consents of one client at an institution.
pub const CONSENT_REQUESTS_MAX: usize = 1_000;
/// How far back a consent reaches when the request names no `lookbackPeriod`, in days.
pub const LOOKBACK_DAYS_DEFAULT: i64 = 730;
/// Window of `/transactions` without dates, in days (FDX: last seven days).
pub const TRANSACTIONS_WINDOW_DAYS: i64 = 7;
/// Pages of the bank's own that a front with offsets reads for one of its own, so that no list keeps it for ever.
pub const FRONT_PAGES_MAX: usize = 100;
/// Largest answer that a front translates, in bytes: some pages of the most rows.
pub const FRONT_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Rows of a page when `limit` is absent.
pub const PAGE_ROWS_DEFAULT: usize = 100;
/// Most rows of a page; a larger `limit` is lowered to this.
pub const PAGE_ROWS_MAX: usize = 500;
/// Most monthly statements of one account: a hundred years.
pub const STATEMENTS_MAX: usize = 1_200;
/// Days from a card's statement to the day when it is due.
pub const BILL_DAYS: i64 = 25;
/// Lines of a statement on one page.
pub const PDF_LINES: usize = 56;
/// History made up for a demonstration customer, in days.
pub const HISTORY_DAYS: i64 = 365;
/// Days the generator will simulate at most, so that a wrong clock cannot keep it busy for ever.
pub const SIMULATION_DAYS_MAX: i64 = 10 * 366;
/// Longest time from a made-up hold to its booking, in days (the generator draws 60 hours at most).
pub const HOLD_DAYS_MAX: i64 = 3;
/// How many days of life are thought ahead at a time: a month's rhythm, made in a few milliseconds.
pub const LIVE_DAYS_AHEAD: i64 = 30;
/// Made-up movements remembered, so that they can be booked and given back: some months of all customers.
pub const LIVE_REMEMBERED: usize = 10_000;
/// Largest speed-up: a day in less than a second. Faster, the till would be the only thing this process does.
pub const SPEED_UP_MAX: u32 = 100_000;
/// Largest request body, in bytes: forms and small JSON only.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Longest identifier of a customer that a client hands in, in characters: twice those of this bank.
pub const ID_CHARS_MAX: usize = 64;
/// Longest value of a request parameter, in bytes.
pub const PARAMETER_BYTES_MAX: usize = 16 * 1024;
/// Of a parameter's name that an error message shows, in characters.
pub const NAME_CHARS_SHOWN: usize = 40;
/// Longest merchant name or description typed by a person, in characters.
pub const MERCHANT_CHARS_MAX: usize = 80;
/// Largest single amount, in minor units: keeps every sum far from `i64` overflow.
pub const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000;
/// Most transactions of one imported account.
pub const IMPORT_TRANSACTIONS_MAX: usize = 200_000;
/// Most accounts of one imported customer.
pub const IMPORT_ACCOUNTS_MAX: usize = 100;
/// Delivered events kept for redelivery, per institution.
pub const DELIVERED_KEPT: usize = 1_000;
/// Most events redelivered by one call.
pub const REDELIVER_MAX: usize = 200;
/// Most events in one batch.
pub const BATCH_EVENTS_MAX: usize = 50;
/// First pause after a failed delivery; doubled each time.
pub const RETRY_FIRST: Duration = Duration::from_millis(250);
/// Longest pause between deliveries of one event.
pub const RETRY_MAX: Duration = Duration::from_secs(60);
/// An event that could not be delivered for this long is given up.
pub const EVENT_LIFE_SECS: i64 = 3 * 86_400;
/// Most subscriptions to notifications of one client.
pub const SUBSCRIPTIONS_MAX: usize = 100;
/// Life of the token with which the bank shows who it is when it notifies, in seconds.
pub const PUBLISHER_TOKEN_LIFE_SECS: i64 = 60;
/// How often it is looked whether a consent has run out, or a notification may be tried again.
pub const NOTICE_LOOK: Duration = Duration::from_millis(200);
/// For how long after its end it is told that a consent has run out, in seconds.
pub const EXPIRY_TOLD_SECS: i64 = 86_400;
/// Time one delivery may take.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a reordered pair waits for its second event.
pub const REORDER_WAIT: Duration = Duration::from_secs(30);
/// Longest delay that a `slow` fault may ask for.
pub const SLOW_MAX: Duration = Duration::from_secs(120);
/// How long open connections may take to finish after the shutdown signal.
pub const DRAIN: Duration = Duration::from_secs(5);
/// Rows of the till's list of recent transactions.
pub const TILL_ROWS: usize = 12;

const _: () = assert!(PAGE_ROWS_DEFAULT <= PAGE_ROWS_MAX);
const _: () = assert!(ACCESS_TOKEN_LIFE_SECS <= 900);
const _: () = assert!(CONSENT_DAYS_DEFAULT <= CONSENT_DAYS_MAX);
