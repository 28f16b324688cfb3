//! The one holder of the state: lock, change, save, tell the chat pages, start deliveries.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{broadcast, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ids::{self, Entropy};
use crate::limits;
use crate::model::{Data, Event, From, Message, PageState, Progress, Thread, ThreadKey, User, WireEntry};
use crate::store::{Op, Store};
use crate::{Error, MessengerConfig};

/// The clock passed to [`crate::serve`]: the real time, or a test's.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A live update for the chat pages of one user.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) user: String,
    pub(crate) json: String,
}

/// The data and what a change leaves to be done after it.
pub(crate) struct Inner {
    pub(crate) data: Data,
    store: Store,
    ops: Vec<Op>,
    live: Vec<Live>,
    kicks: Vec<ThreadKey>,
}

/// The simulator's shared heart.
pub(crate) struct Hub {
    pub(crate) config: MessengerConfig,
    pub(crate) clock: Clock,
    pub(crate) entropy: Arc<dyn Entropy>,
    inner: Mutex<Inner>,
    pub(crate) bus: broadcast::Sender<Live>,
    pub(crate) http: reqwest::Client,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Hub {
    /// Loads the state and prepares the webhook client.
    pub(crate) fn open(
        config: MessengerConfig,
        clock: Clock,
        entropy: Arc<dyn Entropy>,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        config.validate()?;
        let store = Store::open(config.data_dir.as_deref())?;
        let mut data = Data { next_seq: 1, ..Data::default() };
        for (key, body) in store.load()? {
            load(&mut data, &key, &body).map_err(|source| Error::Document { key, source })?;
        }
        if let Some(url) = &config.webhook_url {
            data.app.callback = Some(url.to_string());
            data.app.fields = None;
        }
        let mut inner = Inner { data, store, ops: Vec::new(), live: Vec::new(), kicks: Vec::new() };
        inner.save_app();
        for page in &config.pages {
            let state = inner.data.pages.entry(page.id.clone()).or_default();
            if !state.seeded {
                state.seeded = true;
                state.subscribed_fields = page.subscribed_fields.iter().cloned().collect();
            }
            inner.save_page(&page.id);
        }
        // A second provider in one process is no fault: whoever came first set it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(config.webhook_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("facebookexternalua")
            .build()?;
        let (bus, _) = broadcast::channel(limits::BUS_EVENTS);
        let hub = Arc::new(Self {
            config,
            clock,
            entropy,
            inner: Mutex::new(inner),
            bus,
            http,
            tasks: TaskTracker::new(),
            shutdown,
        });
        hub.with(|inner, _| {
            let waiting: Vec<_> = inner.data.queues.keys().cloned().collect();
            inner.kicks.extend(waiting);
        })?;
        Ok(hub)
    }

    /// Runs one change under the lock, saves it, then tells the chat pages and starts deliveries.
    ///
    /// # Errors
    /// [`Error::Store`] when the change could not be saved.
    pub(crate) fn with<T>(self: &Arc<Self>, change: impl FnOnce(&mut Inner, &Self) -> T) -> Result<T, Error> {
        let (out, live, kicks) = {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let out = change(&mut inner, self);
            let ops = std::mem::take(&mut inner.ops);
            let live = std::mem::take(&mut inner.live);
            let kicks = std::mem::take(&mut inner.kicks);
            inner.store.apply(&ops)?;
            // Sent under the lock, so that pages see changes in their order. Nobody listening is no fault.
            for update in &live {
                let _ = self.bus.send(update.clone());
            }
            (out, live.len(), kicks)
        };
        tracing::trace!(live, kicks = kicks.len(), "state changed");
        for key in kicks {
            crate::webhook::kick(self, key);
        }
        Ok(out)
    }

    /// The simulator's time in milliseconds: the clock plus the virtual offset.
    pub(crate) fn now_ms(&self, inner: &Inner) -> i64 {
        (self.clock)().as_millisecond().saturating_add(inner.data.app.clock_offset_s.saturating_mul(1_000))
    }
}

fn load(data: &mut Data, key: &str, body: &str) -> Result<(), serde_json::Error> {
    let (kind, rest) = key.split_once('/').unwrap_or((key, ""));
    match kind {
        // Documents come in key order, and `head` sorts before `message` and `wire`: a thread is there before its
        // messages.
        "app" => data.app = serde_json::from_str(body)?,
        "page" => {
            data.pages.insert(rest.to_owned(), serde_json::from_str::<PageState>(body)?);
        }
        "user" => {
            let user: User = serde_json::from_str(body)?;
            data.users.insert(user.name.clone(), user);
        }
        "head" => {
            let thread: Thread = serde_json::from_str(body)?;
            data.psids.insert(thread.psid.clone(), thread.key.clone());
            data.threads.insert(thread.key.clone(), thread);
        }
        "message" | "wire" => {
            let psid = rest.split('/').next().unwrap_or_default();
            let thread = data.psids.get(psid).and_then(|key| data.threads.get_mut(key));
            if let Some(thread) = thread {
                if kind == "message" {
                    let message: Message = serde_json::from_str(body)?;
                    data.next_seq = data.next_seq.max(message.seq + 1);
                    thread.messages.push_back(message);
                } else {
                    let entry: WireEntry = serde_json::from_str(body)?;
                    data.next_seq = data.next_seq.max(entry.seq + 1);
                    thread.wire.push_back(entry);
                }
            }
        }
        "event" => {
            let event: Event = serde_json::from_str(body)?;
            data.next_seq = data.next_seq.max(event.seq + 1);
            data.queues.entry(event.key.clone()).or_default().push_back(event);
        }
        _ => {}
    }
    Ok(())
}

impl Inner {
    fn put(&mut self, key: String, body: &impl serde::Serialize) {
        match serde_json::to_string(body) {
            Ok(body) => self.ops.push(Op::Put(key, body)),
            Err(error) => tracing::error!(%error, key, "a document does not serialise"),
        }
    }

    fn seq(&mut self) -> u64 {
        let seq = self.data.next_seq;
        self.data.next_seq += 1;
        seq
    }

    /// Saves the app's subscription and the clock offset.
    pub(crate) fn save_app(&mut self) {
        let app = self.data.app.clone();
        self.put("app".to_owned(), &app);
    }

    /// Saves what apps have set up on a page, and has open chat pages load it.
    pub(crate) fn save_page(&mut self, page: &str) {
        if let Some(state) = self.data.pages.get(page).cloned() {
            self.put(format!("page/{page}"), &state);
        }
        let users: Vec<_> =
            self.data.threads.keys().filter(|k| k.page == page).map(|k| k.user.clone()).collect();
        for user in users {
            self.tell(&user, &json!({"type": "profile", "page": page}));
        }
    }

    /// Saves a thread's head (without messages).
    pub(crate) fn save_thread(&mut self, key: &ThreadKey) {
        if let Some(thread) = self.data.threads.get(key) {
            let mut head = thread.clone();
            head.messages.clear();
            head.wire.clear();
            self.put(format!("head/{}", head.psid), &head);
        }
    }

    /// Queues a live update for the user's chat pages.
    pub(crate) fn tell(&mut self, user: &str, update: &Value) {
        self.live.push(Live { user: user.to_owned(), json: update.to_string() });
    }

    /// The user, made on the first visit. `None` when the name cannot be one or there are too many.
    pub(crate) fn user(&mut self, name: &str) -> Option<&mut User> {
        if !self.data.users.contains_key(name) {
            let fits = !name.trim().is_empty()
                && name.chars().count() <= limits::USER_NAME_CHARS
                && !name.chars().any(char::is_control)
                && self.data.users.len() < limits::USERS;
            if !fits {
                return None;
            }
            let user = User { name: name.to_owned(), locale: "en_US".to_owned() };
            self.put(format!("user/{name}"), &user);
            self.data.users.insert(name.to_owned(), user);
        }
        self.data.users.get_mut(name)
    }

    /// Sets a user's locale and saves it.
    pub(crate) fn set_locale(&mut self, name: &str, locale: &str) -> bool {
        let Some(user) = self.user(name) else { return false };
        locale.clone_into(&mut user.locale);
        let user = user.clone();
        self.put(format!("user/{name}"), &user);
        self.tell(name, &json!({"type": "locale", "locale": locale}));
        true
    }

    /// The thread of a page and a user, made with a fresh page-scoped id on the first visit.
    pub(crate) fn thread(&mut self, hub: &Hub, key: &ThreadKey) -> Option<&mut Thread> {
        hub.config.page(&key.page)?;
        self.user(&key.user)?;
        if !self.data.threads.contains_key(key) {
            let mut psid = ids::psid(&*hub.entropy);
            while self.data.psids.contains_key(&psid) || hub.config.page(&psid).is_some() {
                psid = ids::psid(&*hub.entropy);
            }
            self.data.psids.insert(psid.clone(), key.clone());
            let thread = Thread {
                key: key.clone(),
                psid,
                last_inbound_ms: None,
                linked: false,
                page_seen_ms: 0,
                typing_until_ms: 0,
                messages: std::collections::VecDeque::new(),
                wire: std::collections::VecDeque::new(),
            };
            self.data.threads.insert(key.clone(), thread);
            self.save_thread(key);
        }
        self.data.threads.get_mut(key)
    }

    /// Adds a message to an existing thread, saves it and shows it.
    pub(crate) fn add_message(
        &mut self,
        hub: &Hub,
        key: &ThreadKey,
        from: From,
        mid: String,
        body: Value,
        progress: Progress,
    ) -> Option<Message> {
        let at_ms = hub.now_ms(self);
        let seq = self.seq();
        let thread = self.data.threads.get_mut(key)?;
        let message = Message { seq, mid, from, at_ms, body, progress };
        thread.messages.push_back(message.clone());
        let psid = thread.psid.clone();
        let dropped = (thread.messages.len() > limits::THREAD_MESSAGES).then(|| thread.messages.pop_front());
        if let Some(Some(old)) = dropped {
            self.ops.push(Op::Delete(format!("message/{psid}/{:020}", old.seq)));
        }
        self.show_message(key, &psid, &message);
        Some(message)
    }

    fn show_message(&mut self, key: &ThreadKey, psid: &str, message: &Message) {
        self.put(format!("message/{psid}/{:020}", message.seq), message);
        self.tell(&key.user, &json!({"type": "message", "page": key.page, "message": message}));
    }

    /// Changes a message's progress, saves it and shows it.
    pub(crate) fn set_progress(&mut self, key: &ThreadKey, seq: u64, progress: Progress) {
        let Some(thread) = self.data.threads.get_mut(key) else { return };
        let psid = thread.psid.clone();
        let Some(message) = thread.messages.iter_mut().rev().find(|m| m.seq == seq) else { return };
        if message.progress == progress {
            return;
        }
        message.progress = progress;
        let message = message.clone();
        self.show_message(key, &psid, &message);
    }

    /// Adds an exchange to a thread's wire log.
    pub(crate) fn add_wire(&mut self, key: &ThreadKey, mut entry: WireEntry) {
        entry.seq = self.seq();
        truncate(&mut entry.request);
        truncate(&mut entry.response);
        let Some(thread) = self.data.threads.get_mut(key) else { return };
        let psid = thread.psid.clone();
        thread.wire.push_back(entry.clone());
        let dropped = (thread.wire.len() > limits::THREAD_WIRE).then(|| thread.wire.pop_front());
        if let Some(Some(old)) = dropped {
            self.ops.push(Op::Delete(format!("wire/{psid}/{:020}", old.seq)));
        }
        self.put(format!("wire/{psid}/{:020}", entry.seq), &entry);
        self.tell(&key.user, &json!({"type": "wire", "page": key.page, "entry": entry}));
    }

    /// Whether the app hears this field of this page.
    pub(crate) fn subscribed(&self, page: &str, field: &str) -> bool {
        self.data.app.callback.is_some()
            && self.data.app.fields.as_ref().is_none_or(|fields| fields.contains(field))
            && self.data.pages.get(page).is_some_and(|p| p.subscribed_fields.contains(field))
    }

    /// Queues a webhook event, if the app is subscribed to its field. Returns its sequence number.
    pub(crate) fn push_event(&mut self, hub: &Hub, new: NewEvent) -> Option<u64> {
        if !self.subscribed(&new.key.page, new.field) {
            return None;
        }
        if self.data.queues.get(&new.key).map_or(0, std::collections::VecDeque::len) >= limits::QUEUE_EVENTS {
            tracing::warn!("a conversation's webhook queue is full; the newest event is dropped");
            return None;
        }
        let seq = self.seq();
        let event = Event {
            seq,
            at_ms: hub.now_ms(self),
            field: new.field.to_owned(),
            item: new.item,
            hold_ms: new.hold_ms,
            once: new.wait.is_some() && new.once,
            message: new.message,
            key: new.key.clone(),
        };
        if let Some(sender) = new.wait {
            self.data.waiters.insert(seq, sender);
        }
        self.put(format!("event/{seq:020}"), &event);
        self.data.queues.entry(new.key.clone()).or_default().push_back(event);
        self.kicks.push(new.key);
        Some(seq)
    }

    /// Takes an event off its queue.
    pub(crate) fn drop_event(&mut self, key: &ThreadKey, seq: u64) {
        self.ops.push(Op::Delete(format!("event/{seq:020}")));
        if let Some(queue) = self.data.queues.get_mut(key) {
            queue.retain(|e| e.seq != seq);
        }
    }

    /// Forgets threads' messages, waiting events, sends, faults and the clock offset; with `all` the
    /// page-scoped ids, profiles, subscriptions and templates too.
    pub(crate) fn reset(&mut self, hub: &Hub, all: bool) {
        for prefix in ["message/", "wire/", "event/"] {
            self.ops.push(Op::DeletePrefix(prefix.to_owned()));
        }
        self.data.queues.clear();
        self.data.waiters.clear();
        self.data.sends.clear();
        self.data.link_tokens.clear();
        self.data.faults = crate::model::Faults::default();
        self.data.app.clock_offset_s = 0;
        if all {
            for prefix in ["head/", "page/", "user/"] {
                self.ops.push(Op::DeletePrefix(prefix.to_owned()));
            }
            self.data.threads.clear();
            self.data.psids.clear();
            self.data.users.clear();
            self.data.pages.clear();
            self.data.app.callback = hub.config.webhook_url.as_ref().map(ToString::to_string);
            self.data.app.fields = None;
            for page in &hub.config.pages {
                let state = self.data.pages.entry(page.id.clone()).or_default();
                state.seeded = true;
                state.subscribed_fields = page.subscribed_fields.iter().cloned().collect();
                self.save_page(&page.id);
            }
        }
        self.save_app();
        let keys: Vec<_> = self.data.threads.keys().cloned().collect();
        for key in keys {
            if let Some(thread) = self.data.threads.get_mut(&key) {
                thread.messages.clear();
                thread.wire.clear();
                thread.last_inbound_ms = None;
                thread.linked = false;
                thread.page_seen_ms = 0;
                thread.typing_until_ms = 0;
            }
            self.save_thread(&key);
        }
        let users: Vec<_> = self.data.online.keys().cloned().collect();
        for user in users {
            self.tell(&user, &json!({"type": "resync"}));
        }
    }
}

/// A webhook event to be queued.
pub(crate) struct NewEvent {
    pub(crate) key: ThreadKey,
    pub(crate) field: &'static str,
    pub(crate) item: Value,
    pub(crate) hold_ms: u64,
    pub(crate) once: bool,
    pub(crate) message: Option<u64>,
    pub(crate) wait: Option<oneshot::Sender<bool>>,
}

impl NewEvent {
    /// An ordinary event: retried until answered 200, nobody waits.
    pub(crate) fn new(key: &ThreadKey, field: &'static str, item: Value) -> Self {
        Self { key: key.clone(), field, item, hold_ms: 0, once: false, message: None, wait: None }
    }
}

fn truncate(text: &mut String) {
    if text.len() > limits::WIRE_BODY_BYTES {
        let mut end = limits::WIRE_BODY_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}
