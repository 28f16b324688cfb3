//! Every bound of the simulator in one place: Meta's documented limits first, then our own.

use std::time::Duration;

/// Oldest Graph API version answered, as `(major, minor)`; older ones have been removed by Meta.
pub(crate) const GRAPH_VERSION_MIN: (u32, u32) = (21, 0);
/// The version that the platform names where it names one itself.
pub(crate) const GRAPH_VERSION: &str = "v26.0";
/// `message.text` must be shorter than this many characters.
pub(crate) const TEXT_CHARS: usize = 2_000;
/// `message.metadata` must be shorter than this many characters.
pub(crate) const METADATA_CHARS: usize = 1_000;
/// Most quick replies on one message.
pub(crate) const QUICK_REPLIES: usize = 13;
/// Longest title of a quick reply or a button, in characters.
pub(crate) const BUTTON_TITLE_CHARS: usize = 20;
/// Longest payload of a quick reply or a postback, in characters.
pub(crate) const PAYLOAD_CHARS: usize = 1_000;
/// Longest text of a button template, in characters.
pub(crate) const BUTTON_TEXT_CHARS: usize = 640;
/// Most buttons of a button template or of one generic element.
pub(crate) const BUTTONS: usize = 3;
/// Most elements of a generic template.
pub(crate) const GENERIC_ELEMENTS: usize = 10;
/// Longest title or subtitle of a generic element, in characters.
pub(crate) const GENERIC_TITLE_CHARS: usize = 80;
/// Most elements of a receipt.
pub(crate) const RECEIPT_ELEMENTS: usize = 100;
/// Longest body text of a utility template, in characters.
pub(crate) const TEMPLATE_BODY_CHARS: usize = 1_024;
/// Longest greeting, in characters.
pub(crate) const GREETING_CHARS: usize = 160;
/// Most entries of one persistent menu.
pub(crate) const MENU_ITEMS: usize = 20;
/// Longest title of a persistent menu entry, in characters.
pub(crate) const MENU_TITLE_CHARS: usize = 30;
/// Most ice breakers per locale.
pub(crate) const ICE_BREAKERS: usize = 4;
/// Most whitelisted domains.
pub(crate) const WHITELISTED_DOMAINS: usize = 50;
/// The standard messaging window, in milliseconds since the person's last action.
pub(crate) const WINDOW_MS: i64 = 24 * 3_600 * 1_000;
/// How long the `HUMAN_AGENT` and `CUSTOMER_FEEDBACK` tags reach, in milliseconds.
pub(crate) const TAG_WINDOW_MS: i64 = 7 * 24 * 3_600 * 1_000;
/// How long a message after an advertisement may keep the window open, in milliseconds: "up to 7 days".
pub(crate) const AD_WINDOW_MS: i64 = 7 * 24 * 3_600 * 1_000;
/// Webhook failures for so long raise an alert, in milliseconds.
pub(crate) const ALERT_AFTER_MS: i64 = 15 * 60 * 1_000;
/// Webhook failures for so long unsubscribe the app from the page, in milliseconds. There is no replay.
pub(crate) const UNSUBSCRIBE_AFTER_MS: i64 = 3_600 * 1_000;
/// Sends of a page per second.
pub(crate) const TEXT_PER_S: u32 = 300;
/// Sends of a page with audio or video per second.
pub(crate) const MEDIA_PER_S: u32 = 10;
/// Calls of a page's profile in ten minutes; also of one person's menu.
pub(crate) const PROFILE_PER_10MIN: u32 = 10;
/// Conversations API calls of a page per second.
pub(crate) const CONVERSATIONS_PER_S: u32 = 2;
/// Calls of a page per engaged person in 24 hours.
pub(crate) const CALLS_PER_PERSON: u32 = 200;
/// Messages of a conversation on one page of the Conversations API, where the client names no number, and at the most.
pub(crate) const MESSAGES_PAGE: usize = 25;
pub(crate) const MESSAGES_PAGE_MAX: usize = 500;
/// The newest messages of a conversation whose details the Conversations API gives.
pub(crate) const CONVERSATION_DETAILS: usize = 20;
/// How long an advertisement may give an app the thread at most, in seconds: 30 days.
pub(crate) const AD_OWNER_S: i64 = 30 * 24 * 3_600;
/// How long a thread stays with its owner without activity, in milliseconds.
pub(crate) const OWNER_MS: i64 = 24 * 3_600 * 1_000;
/// Longest extension of an ownership, in seconds.
pub(crate) const EXTEND_S: i64 = 7 * 24 * 3_600;
/// The app id of the Page Inbox.
pub(crate) const PAGE_INBOX: &str = "263902037430900";
/// Most edits of one message.
pub(crate) const EDITS: u64 = 5;
/// Longest name of a persona, in characters.
pub(crate) const PERSONA_NAME_CHARS: usize = 50;
/// Life of a saved attachment, in milliseconds: 90 days.
pub(crate) const SAVED_MS: i64 = 90 * 24 * 3_600 * 1_000;
/// Most images of one message (`attachments`).
pub(crate) const IMAGES: usize = 30;
/// How long a comment or a visitor's post can be answered privately, in milliseconds (seven days; Meta's text that was
/// read names none).
pub(crate) const COMMENT_MS: i64 = 7 * 24 * 3_600 * 1_000;
/// How long a token for one notification is good, in milliseconds: a year.
pub(crate) const ONE_TIME_MS: i64 = 365 * 24 * 3_600 * 1_000;
/// Life of an account linking token, in milliseconds.
pub(crate) const LINK_TOKEN_MS: i64 = 5 * 60 * 1_000;
/// How long typing dots stay without another `typing_on`, in milliseconds.
pub(crate) const TYPING_MS: i64 = 20_000;

/// Longest webhook time-out a setting may ask for, in milliseconds.
pub(crate) const WEBHOOK_TIMEOUT_MS_MAX: u64 = 60_000;
/// Most events of one batched webhook.
pub(crate) const BATCH_EVENTS: u32 = 1_000;
/// How long a batch waits for more events.
pub(crate) const BATCH_HOLD: Duration = Duration::from_millis(15);
/// Most lines of the event log kept for `GET /control/log`.
pub(crate) const LOG_ENTRIES: usize = 2_000;
/// Most personas and most saved attachments of a page.
pub(crate) const PAGE_OBJECTS: usize = 1_000;
/// Most utility templates of a page.
pub(crate) const TEMPLATES: usize = 1_000;
/// Largest uploaded file, in bytes: Meta's 25 MB.
pub(crate) const UPLOAD_BYTES: u64 = 25 * 1_000_000;
/// Largest upload with what is around the file, in bytes.
pub(crate) const MULTIPART_BYTES: usize = 27 << 20;
/// Largest request body of any other kind, in bytes.
pub(crate) const BODY_BYTES: usize = 1 << 20;
/// Most messages kept per thread; the oldest go first.
pub(crate) const THREAD_MESSAGES: usize = 2_000;
/// Most wire log entries kept per thread.
pub(crate) const THREAD_WIRE: usize = 200;
/// Longest body kept in a wire log entry, in bytes.
pub(crate) const WIRE_BODY_BYTES: usize = 64 * 1_024;
/// Most accepted sends kept for `GET /control/sends`.
pub(crate) const SENDS: usize = 100_000;
/// Most demo users.
pub(crate) const USERS: usize = 10_000;
/// Longest name of a demo user, in characters.
pub(crate) const USER_NAME_CHARS: usize = 64;
/// Most other names of persons (comments, plugins, tokens) at once; beyond it all are forgotten.
pub(crate) const NAMES: usize = 10_000;
/// Most account linking tokens alive at once.
pub(crate) const LINK_TOKENS: usize = 10_000;
/// Most webhook events waiting per conversation; beyond it the newest is dropped, as a platform under water does.
pub(crate) const QUEUE_EVENTS: usize = 10_000;
/// Live updates kept for a slow chat page before it is told to load the thread anew.
pub(crate) const BUS_EVENTS: usize = 1_024;

/// Delay before each further webhook attempt; the last one repeats.
pub(crate) const RETRY_DELAYS: [Duration; 8] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];
/// How long the engine holds an event back, waiting for a second to swap with, when the reorder fault is on.
pub(crate) const REORDER_HOLD: Duration = Duration::from_millis(250);
/// The same in the chaos mode, whose runs are long.
pub(crate) const CHAOS_HOLD: Duration = Duration::from_millis(20);
/// An echo follows the answer of the send call by this much in the normal mode, in milliseconds.
pub(crate) const ECHO_HOLD_MS: u64 = 20;
/// Longest delay a fault switch may ask for, in milliseconds.
pub(crate) const FAULT_DELAY_MS: u64 = 60_000;
/// How long the return page of account linking waits for the webhook's answer, beyond the webhook time-out.
pub(crate) const LINK_WAIT_EXTRA: Duration = Duration::from_secs(3);
/// How long `serve` waits for its own tasks after the last connection closed.
pub(crate) const STOP_WAIT: Duration = Duration::from_secs(2);
/// A comment line goes to every chat page this often, so that a dead connection is noticed.
pub(crate) const SSE_KEEP_ALIVE: Duration = Duration::from_secs(15);
