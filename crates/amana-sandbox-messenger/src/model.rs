//! The state of the simulated platform.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::chaos::{Chaos, Counts};
pub(crate) use crate::faults::Faults;
use crate::graph::recipient::Name;
use crate::settings::Settings;
use crate::usage::Usage;

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

/// Which app controls a thread, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) app: String,
    pub(crate) until_ms: i64,
}

/// Whether a person can be reached by a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reach {
    #[default]
    Open,
    /// The person blocked the page: 551/1545041.
    Blocked,
    /// The person cannot receive messages now: 10/2018108.
    Unavailable,
    /// The account is gone: 100/2018001.
    Gone,
    /// In an automated flow of Messenger's own: 2018321.
    Automated,
    /// Was sent too much: 613/2018338.
    Flooded,
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
    /// Until when a message after an advertisement keeps the window open.
    #[serde(default)]
    pub(crate) ad_window_until_ms: i64,
    /// The app that controls the thread.
    #[serde(default)]
    pub(crate) owner: Option<Owner>,
    /// Whether the person can be reached.
    #[serde(default)]
    pub(crate) reach: Reach,
    /// The person's own menu (`custom_user_settings`).
    #[serde(default)]
    pub(crate) own_menu: Option<Value>,
    /// How many send calls and webhook events the thread has had; the chaos mode draws by them.
    #[serde(default)]
    pub(crate) sends: u64,
    #[serde(default)]
    pub(crate) events: u64,
    /// Message ids made.
    #[serde(default)]
    pub(crate) minted: u64,
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
    /// `APPROVED`, `PENDING`, `REJECTED`, …
    #[serde(default = "approved")]
    pub(crate) status: String,
    /// Why it was rejected.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) changed_ms: i64,
}

fn approved() -> String {
    "APPROVED".to_owned()
}

/// A persona of a page. Deleting is soft: past messages keep it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Persona {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) picture: String,
    pub(crate) deleted: bool,
}

/// A saved attachment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) url: String,
    pub(crate) at_ms: i64,
}

/// The state of a page's access token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenHealth {
    #[default]
    Alive,
    /// 190/458: the app is not installed on the page any more.
    AppRemoved,
    /// 190/460: the person behind it changed the password.
    PasswordChanged,
    /// 190/463: expired.
    Expired,
    /// 190/467: invalid.
    Invalid,
}

/// What apps have set up on a page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PageState {
    pub(crate) profile: BTreeMap<String, Value>,
    pub(crate) subscribed_fields: BTreeSet<String>,
    pub(crate) templates: Vec<Template>,
    #[serde(default)]
    pub(crate) personas: Vec<Persona>,
    #[serde(default)]
    pub(crate) saved: Vec<Saved>,
    /// The order numbers of the receipts that were sent, the newest last.
    #[serde(default)]
    pub(crate) orders: VecDeque<String>,
    /// The default app of Conversation Routing; `None` is Meta's "zero config".
    #[serde(default)]
    pub(crate) default_app: Option<String>,
    /// Other apps of the page, beside ours and the Page Inbox.
    #[serde(default)]
    pub(crate) apps: BTreeSet<String>,
    /// Meta restricted the page: sends get 10/1893063.
    #[serde(default)]
    pub(crate) restricted: bool,
    #[serde(default)]
    pub(crate) token: TokenHealth,
    /// Permissions that the token lacks.
    #[serde(default)]
    pub(crate) denied: BTreeSet<String>,
    /// Since when every webhook of the page has failed.
    #[serde(default)]
    pub(crate) failing_since_ms: Option<i64>,
    /// An alert was raised for it.
    #[serde(default)]
    pub(crate) alerted: bool,
    /// Set once the configured first subscription was taken over, so that a later DELETE stays deleted.
    pub(crate) seeded: bool,
}

/// The app's own subscription to the object `page`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct AppState {
    pub(crate) callback: Option<String>,
    /// `None`: all fields (as with a callback from the configuration).
    pub(crate) fields: Option<BTreeSet<String>>,
    #[serde(default)]
    pub(crate) clock_offset_ms: i64,
    /// The virtual clock stands still here.
    #[serde(default)]
    pub(crate) frozen_at_ms: Option<i64>,
}

/// A demo user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    /// `en_US` or `ar_AR`.
    pub(crate) locale: String,
    /// App-scoped id: what Facebook Login and the data deletion callback call this person.
    #[serde(default)]
    pub(crate) asid: String,
}

/// Where in an entry an event stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    #[default]
    Messaging,
    /// Another app controls the thread.
    Standby,
    /// `changes: [{field, value}]`.
    Changes,
}

/// A webhook event on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) key: ThreadKey,
    /// Subscription field.
    pub(crate) field: String,
    /// Where it stands.
    #[serde(default)]
    pub(crate) place: Place,
    /// The messaging item without its timestamp, or the value of a change.
    pub(crate) item: Value,
    /// The how manieth event of its conversation.
    #[serde(default)]
    pub(crate) n: u64,
    /// Never to be delivered (an echo that the chaos mode swallows).
    #[serde(default)]
    pub(crate) swallowed: bool,
    pub(crate) at_ms: i64,
    /// Until when it rests (a delay, the wait before another attempt).
    #[serde(default)]
    pub(crate) due_ms: i64,
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

/// One line of the event log.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LogEntry {
    pub(crate) n: u64,
    pub(crate) at_ms: i64,
    /// `webhook`, `call`, `callback` or `state`.
    pub(crate) kind: &'static str,
    pub(crate) page: String,
    pub(crate) user: String,
    /// Field, edge or what happened.
    pub(crate) title: String,
    pub(crate) status: Option<u16>,
    /// The attempt of a webhook, from 1.
    pub(crate) attempt: Option<usize>,
    pub(crate) took_ms: Option<u64>,
    /// The error of a call or of an attempt.
    pub(crate) note: Option<String>,
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
    /// Other names of persons, beside their page-scoped ids.
    pub(crate) names: HashMap<String, Name>,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
    pub(crate) chaos: Option<Chaos>,
    pub(crate) chaos_counts: Counts,
    pub(crate) usage: Usage,
    pub(crate) log: VecDeque<LogEntry>,
    pub(crate) log_next: u64,
    pub(crate) sends: VecDeque<SendRecord>,
    /// Chat pages open per user.
    pub(crate) online: HashMap<String, usize>,
    /// How many webhooks were answered 200 after so many milliseconds of real time.
    pub(crate) answered: BTreeMap<u64, u64>,
    /// Counters of the webhook engine: delivered, failed attempts, given up.
    pub(crate) delivered: u64,
    pub(crate) attempts_failed: u64,
    pub(crate) given_up: u64,
    /// Outcome of the verification handshake with the configured callback.
    pub(crate) callback_verified: Option<bool>,
}
