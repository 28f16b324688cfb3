//! Every bound of this crate. Messenger's own are those of its Send API reference; characters are Unicode
//! scalar values. Those of a message are `amana_render::limits::messenger`.

use std::time::Duration;

/// The largest webhook body that is read, in bytes. Meta batches at most about 1,000 updates in one.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest platform message id that is kept, in bytes (Messenger's have about 80).
pub const MID_BYTES_MAX: usize = 512;
/// The texts, titles and addresses of an echo that are compared: more than any message of ours has (ten elements of
/// three texts and three buttons).
pub const ECHO_WORDS_MAX: usize = 128;
/// How often a person can edit a message (messenger reference, section 1.5).
pub const EDITS_MAX: u32 = 5;
/// Hexadecimal digits of an `appsecret_proof`, which is an HMAC-SHA256.
pub const PROOF_DIGITS: usize = 64;
/// The longest short text (payload, title, reference, code) that is kept, in bytes; longer ones fail the
/// item.
pub const SHORT_TEXT_BYTES_MAX: usize = 8 * 1024;
/// The longest name that is kept of an item that is not understood, in characters.
pub const UNKNOWN_KEY_CHARS_MAX: usize = 64;
/// The most keys that are named for an item that is not understood.
pub const UNKNOWN_KEYS_MAX: usize = 16;

/// The longest signed request, in bytes.
pub const SIGNED_REQUEST_BYTES_MAX: usize = 8 * 1024;
/// How old a signed request may be, in seconds: longer than the platform tries again.
pub const SIGNED_REQUEST_AGE_S: i64 = 86_400;
/// How far the platform's clock may be before ours, in seconds.
pub const SIGNED_REQUEST_SKEW_S: i64 = 300;

/// The greeting.
pub const GREETING_CHARS_MAX: usize = 160;
/// The title of an entry of the persistent menu.
pub const MENU_TITLE_CHARS_MAX: usize = 30;
/// Entries of the persistent menu.
pub const MENU_ITEMS_MAX: usize = 20;

/// Domains on the list of allowed ones, ours and others'.
pub const DOMAINS_MAX: usize = 50;
/// Ice breakers per language.
pub const ICE_BREAKERS_MAX: usize = 4;
/// The question of an ice breaker, in characters (Meta states none; its composer takes 80).
pub const ICE_BREAKER_CHARS_MAX: usize = 80;
/// The name of a persona.
pub const PERSONA_NAME_CHARS_MAX: usize = 50;
/// Personas of a page that are read.
pub const PERSONAS_MAX: usize = 200;
/// The file of an attachment, in bytes: 25 MB.
pub const UPLOAD_BYTES_MAX: usize = 25_000_000;
/// How long an upload may take: the platform fetches a film for up to 75 seconds, and a file of 25 MB takes as long at
/// two and a half megabits a second.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_secs(90);
/// How long the id of a saved attachment can be used: 90 days.
pub const SAVED_FOR: Duration = Duration::from_secs(90 * 24 * 3_600);
/// Metadata of a hand-over.
pub const HANDOVER_METADATA_CHARS_MAX: usize = 999;
/// How long control of a thread can be extended for.
pub const EXTEND_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// Texts to be approved that are read of a page.
pub const TEMPLATES_MAX: usize = 200;
/// Persons that are read for one id of the app's.
pub const PEOPLE_MAX: usize = 20;

/// The share of calls, in percent, above which a channel rests for [`USAGE_REST`] after each message.
pub const USAGE_HIGH_PERCENT: u64 = 90;
/// The share at which the platform is about to refuse: the channel rests for [`THROTTLE_DEFAULT`].
pub const USAGE_FULL_PERCENT: u64 = 100;
/// See [`USAGE_HIGH_PERCENT`].
pub const USAGE_REST: Duration = Duration::from_secs(5);

/// The least time between two calls of the Send API for one page: 250 a second, of the 300 that the platform takes.
/// (Audio and video have a pace of their own, ten a second; the gateway sends none.)
pub const SEND_EVERY: Duration = Duration::from_millis(4);

/// The largest answer of the Graph API that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Connecting, if not configured.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A whole call, if not configured.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an idle connection is kept: shorter than a server keeps it, since a send into a closing
/// connection is ambiguous.
pub const IDLE_CONNECTION_TIME: Duration = Duration::from_secs(30);
/// Idle connections kept to the platform.
pub const IDLE_CONNECTIONS_MAX: usize = 32;

/// The longest account linking token that is asked about, in bytes.
pub const LINKING_TOKEN_BYTES_MAX: usize = 4 * 1024;

/// The free window after a person's act.
pub const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// What is left of it unused, since Meta's clock decides.
pub const WINDOW_MARGIN: Duration = Duration::from_secs(15 * 60);

/// How long to wait when the platform limits the rate and names no time.
pub const THROTTLE_DEFAULT: Duration = Duration::from_secs(30);
/// The longest wait that is believed.
pub const THROTTLE_MAX: Duration = Duration::from_secs(3600);

const _: () = assert!(WINDOW_MARGIN.as_secs() < WINDOW.as_secs());
const _: () = assert!(CONNECT_TIMEOUT.as_secs() < CALL_TIMEOUT.as_secs());

/// The most of a person's name that is shown when a chat is linked, in characters.
pub const NAME_CHARS_MAX: usize = 60;
/// The newest messages of a conversation of which Messenger tells details.
pub const CONVERSATION_DETAILS: usize = 20;
/// How many messages of a conversation are asked for at once beyond those, by their ids and times alone.
pub const HISTORY_PAGE: usize = 100;
/// How many such pages at the most. What does not reach back far enough with them is not known.
pub const HISTORY_PAGES_MAX: usize = 5;
/// The time before each of them: Messenger answers two calls of the Conversations API in a second and page, and to find
/// the conversation and its newest messages took them.
pub const HISTORY_PACE: Duration = Duration::from_millis(1_100);
/// The longest cursor of a list that is taken as one, in bytes (ours; Meta's have about 200).
pub const CURSOR_BYTES_MAX: usize = 2_048;
/// Conversations on one page of the platform's list (ours; Meta allows more).
pub const TALKED_PAGE: usize = 100;
/// The pace of looks at conversations: two a second of a page (section 1.6).
pub const TALK_EVERY: Duration = Duration::from_millis(500);
/// Conversations that are looked through for what people wrote while we heard nothing: five minutes of looks. Of a
/// longer list the oldest are left out, and it is said.
pub const TALKED_MAX: usize = 500;
/// The longest id of a conversation that is taken as one, in bytes (ours; Meta's have about 60).
pub const THREAD_ID_BYTES_MAX: usize = 256;
