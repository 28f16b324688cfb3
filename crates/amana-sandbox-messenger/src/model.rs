//! The state of the simulated platform.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

/// A conversation: page id and demo user's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ThreadKey {
    pub(crate) page: String,
    pub(crate) user: String,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum From {
    User,
    Page,
    System,
}

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// A person's message whose webhook has not been answered yet.
    Sending,
    /// A person's message whose webhook failed and is being tried again.
    Retrying,
    /// A person's message that was given up.
    Failed,
    /// A person's message that no app is subscribed to.
    Unheard,
    /// A page's message that was accepted; the person's device is not online.
    Sent,
    /// Arrived: webhook answered 200, or shown on a device.
    Delivered,
    /// Seen by the person.
    Read,
}

/// One bubble (or system line) of a thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) mid: String,
    pub(crate) from: From,
    pub(crate) at_ms: i64,
    pub(crate) body: Value,
    pub(crate) progress: Progress,
}

/// One exchange with the app, as bytes, for the "What Meta sees" panel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WireEntry {
    pub(crate) seq: u64,
    pub(crate) at_ms: i64,
    /// `webhook` (platform to app) or `send` (app to platform).
    pub(crate) direction: String,
    pub(crate) title: String,
    pub(crate) request: String,
    pub(crate) status: Option<u16>,
    pub(crate) response: String,
    pub(crate) took_ms: Option<u64>,
}

/// One conversation of a person with a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Thread {
    pub(crate) key: ThreadKey,
    pub(crate) psid: String,
    /// The person's last action that opens the 24-hour window.
    pub(crate) last_inbound_ms: Option<i64>,
    pub(crate) linked: bool,
    /// Until when the page has seen (`mark_seen`).
    pub(crate) page_seen_ms: i64,
    #[serde(skip)]
    pub(crate) typing_until_ms: i64,
    #[serde(skip)]
    pub(crate) messages: VecDeque<Message>,
    #[serde(skip)]
    pub(crate) wire: VecDeque<WireEntry>,
}

/// A registered utility template; identity is (name, language).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) named: bool,
    pub(crate) components: Value,
}

/// What apps have set up on a page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PageState {
    pub(crate) profile: BTreeMap<String, Value>,
    pub(crate) subscribed_fields: BTreeSet<String>,
    pub(crate) templates: Vec<Template>,
    /// Set once the configured first subscription was taken over, so that a later DELETE stays deleted.
    pub(crate) seeded: bool,
}

/// The app's own subscription to the object `page`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct AppState {
    pub(crate) callback: Option<String>,
    /// `None`: all fields (as with a callback from the configuration).
    pub(crate) fields: Option<BTreeSet<String>>,
    pub(crate) clock_offset_s: i64,
}

/// A demo user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    /// `en_US` or `ar_AR`.
    pub(crate) locale: String,
}

/// A webhook event on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) key: ThreadKey,
    /// Subscription field.
    pub(crate) field: String,
    /// The messaging item without its timestamp.
    pub(crate) item: Value,
    pub(crate) at_ms: i64,
    pub(crate) hold_ms: u64,
    /// Try once only: the platform waits for the answer (account linking).
    pub(crate) once: bool,
    /// The person's message whose progress follows this event.
    pub(crate) message: Option<u64>,
}

/// A token of an account linking in the browser.
#[derive(Debug, Clone)]
pub(crate) struct LinkToken {
    pub(crate) key: ThreadKey,
    pub(crate) expires_ms: i64,
}

/// An accepted send, for tests.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SendRecord {
    pub(crate) page: String,
    pub(crate) user: String,
    pub(crate) psid: String,
    pub(crate) mid: Option<String>,
    /// Arrival at the simulator by its real clock, microseconds since the epoch.
    pub(crate) arrived_us: i64,
    /// The call's parameters, without the token.
    pub(crate) request: Value,
}

/// Errors that the next sends get.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailNext {
    /// Error code, for example 2.
    pub(crate) code: u32,
    /// Error subcode.
    #[serde(default)]
    pub(crate) subcode: Option<u32>,
    /// Message; a plain one when absent.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// HTTP status; 400 when absent.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// How many sends fail; 1 when absent.
    #[serde(default = "one")]
    pub(crate) times: u32,
}

fn one() -> u32 {
    1
}

/// The fault switches of `/control/faults`. All off is the normal mode.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// Deliver every event twice: same `mid`, new timestamp.
    pub(crate) duplicate: bool,
    /// Swap neighbouring events of a conversation.
    pub(crate) reorder: bool,
    /// Delay before every event, in milliseconds.
    pub(crate) delay_ms: u64,
    /// Deliver no echoes.
    pub(crate) drop_echo: bool,
    /// Deliver the echo before the send call is answered.
    pub(crate) echo_first: bool,
    /// So many next sends are carried out, but their connection is dropped without an answer.
    pub(crate) drop_connection_next: u32,
    /// Errors for the next sends.
    pub(crate) fail_next: Option<FailNext>,
    /// Every page token is dead: 190/460.
    pub(crate) token_dead: bool,
}

/// Everything.
#[derive(Default)]
pub(crate) struct Data {
    pub(crate) app: AppState,
    pub(crate) next_seq: u64,
    pub(crate) pages: BTreeMap<String, PageState>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) threads: BTreeMap<ThreadKey, Thread>,
    pub(crate) psids: HashMap<String, ThreadKey>,
    pub(crate) queues: HashMap<ThreadKey, VecDeque<Event>>,
    /// Conversations with a delivery task.
    pub(crate) running: HashSet<ThreadKey>,
    /// Who waits for the outcome of an event: `true` = answered 200.
    pub(crate) waiters: HashMap<u64, oneshot::Sender<bool>>,
    pub(crate) link_tokens: HashMap<String, LinkToken>,
    pub(crate) faults: Faults,
    pub(crate) sends: VecDeque<SendRecord>,
    /// Chat pages open per user.
    pub(crate) online: HashMap<String, usize>,
    /// Counters of the webhook engine: delivered, failed attempts, given up.
    pub(crate) delivered: u64,
    pub(crate) attempts_failed: u64,
    pub(crate) given_up: u64,
    /// Outcome of the verification handshake with the configured callback.
    pub(crate) callback_verified: Option<bool>,
}
