//! Every bound of this crate. Messenger's own are those of its Send API reference; characters are Unicode
//! scalar values.

use std::time::Duration;

/// The largest webhook body that is read, in bytes. Meta batches at most about 1,000 updates in one.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest platform message id that is kept, in bytes (Messenger's have about 80).
pub const MID_BYTES_MAX: usize = 512;
/// The longest short text (payload, title, reference, code) that is kept, in bytes; longer ones fail the
/// item.
pub const SHORT_TEXT_BYTES_MAX: usize = 8 * 1024;
/// The longest name that is kept of an item that is not understood, in characters.
pub const UNKNOWN_KEY_CHARS_MAX: usize = 64;
/// The most keys that are named for an item that is not understood.
pub const UNKNOWN_KEYS_MAX: usize = 16;

/// A text has less than 2,000 characters.
pub const TEXT_CHARS_MAX: usize = 1_999;
/// The text of a button template.
pub const BUTTON_TEXT_CHARS_MAX: usize = 640;
/// Buttons of a template.
pub const BUTTONS_MAX: usize = 3;
/// The title of a button or quick reply.
pub const BUTTON_TITLE_CHARS_MAX: usize = 20;
/// The payload of a postback or quick reply.
pub const PAYLOAD_CHARS_MAX: usize = 1_000;
/// Quick replies of a message.
pub const QUICK_REPLIES_MAX: usize = 13;
/// Elements of a generic template.
pub const ELEMENTS_MAX: usize = 10;
/// Title and subtitle of an element.
pub const ELEMENT_CHARS_MAX: usize = 80;
/// The longest URL of a button, in bytes (ours; Meta states none).
pub const URL_BYTES_MAX: usize = 2_048;
/// The greeting.
pub const GREETING_CHARS_MAX: usize = 160;
/// The title of an entry of the persistent menu.
pub const MENU_TITLE_CHARS_MAX: usize = 30;
/// Entries of the persistent menu.
pub const MENU_ITEMS_MAX: usize = 20;

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
const _: () = assert!(BUTTON_TEXT_CHARS_MAX < TEXT_CHARS_MAX);
const _: () = assert!(CONNECT_TIMEOUT.as_secs() < CALL_TIMEOUT.as_secs());

/// The most of a person's name that is shown when a chat is linked, in characters.
pub const NAME_CHARS_MAX: usize = 60;
