//! The one holder of the state: lock, change, save, tell the chat pages, start deliveries.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ids::{self, Entropy, Random};
use crate::limits;
use crate::model::{
    Data, Event, From, LogEntry, Message, PageState, Place, Progress, Thread, ThreadKey, User, WireEntry,
};
use crate::settings::Settings;
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
    pub(crate) entropy: Random,
    inner: Mutex<Inner>,
    /// Rings when the virtual clock was moved.
    moved: Notify,
    pub(crate) batch: crate::webhook::Batch,
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
        let settings = Settings::from_config(&config);
        let mut data = Data { next_seq: 1, settings, log_next: 1, ..Data::default() };
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
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("facebookexternalua")
            .build()?;
        let (bus, _) = broadcast::channel(limits::BUS_EVENTS);
        let entropy = Random::new(entropy);
        entropy.seed(config.seed);
        let hub = Arc::new(Self {
            config,
            clock,
            entropy,
            inner: Mutex::new(inner),
            moved: Notify::new(),
            batch: crate::webhook::Batch::default(),
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

    /// The simulator's time in milliseconds: the clock plus the virtual offset, or where it stands still.
    pub(crate) fn now_ms(&self, inner: &Inner) -> i64 {
        inner
            .data
            .app
            .frozen_at_ms
            .unwrap_or_else(|| (self.clock)().as_millisecond().saturating_add(inner.data.app.clock_offset_ms))
    }

    /// Moves the virtual clock, stops it or lets it go on; whoever sleeps by it looks again.
    pub(crate) fn move_clock(&self, inner: &mut Inner, advance_ms: i64, freeze: Option<bool>) {
        let now = self.now_ms(inner).saturating_add(advance_ms);
        let app = &mut inner.data.app;
        let still = freeze.unwrap_or(app.frozen_at_ms.is_some());
        app.frozen_at_ms = still.then_some(now);
        app.clock_offset_ms = now.saturating_sub((self.clock)().as_millisecond());
        inner.save_app();
        self.moved.notify_waiters();
    }

    /// Sleeps for so long by the virtual clock.
    pub(crate) async fn sleep(self: &Arc<Self>, ms: u64) {
        let clock =
            |inner: &mut Inner, hub: &Self| (hub.now_ms(inner), inner.data.app.frozen_at_ms.is_some());
        let Ok((start, _)) = self.with(clock) else { return };
        let due = start.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Enabled before the clock is read: a move in between is not missed.
            moved.as_mut().enable();
            let Ok((now, frozen)) = self.with(clock) else { return };
            if now >= due {
                return;
            }
            if frozen {
                moved.await;
            } else {
                let left = std::time::Duration::from_millis(u64::try_from(due - now).unwrap_or(1));
                let _ = tokio::time::timeout(left, moved).await;
            }
        }
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
        // A state in memory only is not written down for nobody.
        if !self.store.keeps() {
            return;
        }
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
        // What makes a thread large is not in its head, and not copied either.
        let Some(thread) = self.data.threads.get_mut(key).filter(|_| self.store.keeps()) else { return };
        let large = (std::mem::take(&mut thread.messages), std::mem::take(&mut thread.wire));
        let head = thread.clone();
        (thread.messages, thread.wire) = large;
        self.put(format!("head/{}", head.psid), &head);
    }

    /// Queues a live update for the user's chat pages, where one is open.
    pub(crate) fn tell(&mut self, user: &str, update: &Value) {
        if self.is_online(user) {
            self.live.push(Live { user: user.to_owned(), json: update.to_string() });
        }
    }

    /// Whether a chat page of the user is open.
    fn is_online(&self, user: &str) -> bool {
        self.data.online.contains_key(user)
    }

    /// The user, made on the first visit. `None` when the name cannot be one or there are too many.
    pub(crate) fn user(&mut self, hub: &Hub, name: &str) -> Option<&mut User> {
        if !self.data.users.contains_key(name) {
            let fits = !name.trim().is_empty()
                && name.chars().count() <= limits::USER_NAME_CHARS
                && !name.chars().any(char::is_control)
                && self.data.users.len() < limits::USERS;
            if !fits {
                return None;
            }
            let asid = ids::psid(&hub.entropy.at(&["asid", name]));
            let user = User { name: name.to_owned(), locale: "en_US".to_owned(), asid };
            self.put(format!("user/{name}"), &user);
            self.data.users.insert(name.to_owned(), user);
        }
        self.data.users.get_mut(name)
    }

    /// Sets a user's locale and saves it.
    pub(crate) fn set_locale(&mut self, hub: &Hub, name: &str, locale: &str) -> bool {
        let Some(user) = self.user(hub, name) else { return false };
        locale.clone_into(&mut user.locale);
        let user = user.clone();
        self.put(format!("user/{name}"), &user);
        self.tell(name, &json!({"type": "locale", "locale": locale}));
        true
    }

    /// The thread of a page and a user, made with a fresh page-scoped id on the first visit.
    pub(crate) fn thread(&mut self, hub: &Hub, key: &ThreadKey) -> Option<&mut Thread> {
        hub.config.page(&key.page)?;
        self.user(hub, &key.user)?;
        if !self.data.threads.contains_key(key) {
            let source = hub.entropy.at(&["psid", &key.page, &key.user]);
            let mut psid = ids::psid(&source);
            while self.data.psids.contains_key(&psid) || hub.config.page(&psid).is_some() {
                psid = ids::psid(&source);
            }
            self.data.psids.insert(psid.clone(), key.clone());
            let thread = Thread {
                key: key.clone(),
                psid,
                last_inbound_ms: None,
                linked: false,
                page_seen_ms: 0,
                typing_until_ms: 0,
                ad_window_until_ms: 0,
                owner: None,
                reach: crate::model::Reach::default(),
                own_menu: None,
                sends: 0,
                events: 0,
                minted: 0,
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

    /// Saves and shows a message whose content changed.
    pub(crate) fn show_changed(&mut self, key: &ThreadKey, message: &Message) {
        let Some(psid) = self.data.threads.get(key).map(|t| t.psid.clone()) else { return };
        self.show_message(key, &psid, message);
    }

    fn show_message(&mut self, key: &ThreadKey, psid: &str, message: &Message) {
        self.put(format!("message/{psid}/{:020}", message.seq), message);
        if self.is_online(&key.user) {
            self.tell(&key.user, &json!({"type": "message", "page": key.page, "message": message}));
        }
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
        if self.is_online(&key.user) {
            self.tell(&key.user, &json!({"type": "wire", "page": key.page, "entry": entry}));
        }
    }

    /// A fresh message id of a conversation.
    pub(crate) fn mid(&mut self, hub: &Hub, key: &ThreadKey) -> String {
        let n = self.data.threads.get_mut(key).map_or(0, |thread| {
            thread.minted += 1;
            thread.minted
        });
        ids::mid(&hub.entropy.at(&["mid", &key.page, &key.user, &n.to_string()]))
    }

    /// Adds a line to the event log, and shows it to the open panels.
    pub(crate) fn log(&mut self, mut entry: LogEntry) {
        entry.n = self.data.log_next;
        self.data.log_next += 1;
        let users: Vec<_> = self.data.online.keys().cloned().collect();
        for user in users {
            self.tell(&user, &json!({"type": "log", "entry": entry}));
        }
        self.data.log.push_back(entry);
        if self.data.log.len() > limits::LOG_ENTRIES {
            self.data.log.pop_front();
        }
    }

    /// Has the open panels load something anew.
    pub(crate) fn announce(&mut self, what: &str) {
        let users: Vec<_> = self.data.online.keys().cloned().collect();
        for user in users {
            self.tell(&user, &json!({"type": "control", "what": what}));
        }
    }

    /// A line of the event log about the platform itself.
    pub(crate) fn log_state(&mut self, hub: &Hub, page: &str, what: impl Into<String>) {
        let at_ms = hub.now_ms(self);
        let page = page.to_owned();
        self.log(LogEntry {
            n: 0,
            at_ms,
            kind: "state",
            page,
            user: String::new(),
            title: what.into(),
            status: None,
            attempt: None,
            took_ms: None,
            note: None,
        });
    }

    /// Whether the app hears this field of this page.
    pub(crate) fn subscribed(&self, page: &str, field: &str) -> bool {
        self.data.app.callback.is_some()
            && self.data.app.fields.as_ref().is_none_or(|fields| fields.contains(field))
            && self.data.pages.get(page).is_some_and(|p| p.subscribed_fields.contains(field))
    }

    /// Queues a webhook event, if the app is subscribed to its field. Returns its sequence number.
    ///
    /// While another app controls the thread, what people write and what is shown to them goes to the field
    /// `standby` instead, and a postback without its payload (reference 6).
    pub(crate) fn push_event(&mut self, hub: &Hub, mut new: NewEvent) -> Option<u64> {
        let mut place = new.place;
        let waits = place == Place::Messaging
            && crate::routing::STANDBY_FIELDS.contains(&new.field)
            && crate::routing::in_standby(self, hub, &new.key);
        if waits {
            place = Place::Standby;
            if let Some(Value::Object(postback)) = new.item.get_mut("postback") {
                postback.remove("payload");
            }
        }
        if !self.subscribed(&new.key.page, if waits { "standby" } else { new.field }) {
            return None;
        }
        if self.data.queues.get(&new.key).map_or(0, std::collections::VecDeque::len) >= limits::QUEUE_EVENTS {
            tracing::warn!("a conversation's webhook queue is full; the newest event is dropped");
            return None;
        }
        let seq = self.seq();
        let n = self.data.threads.get_mut(&new.key).map_or(seq, |thread| {
            thread.events += 1;
            thread.events
        });
        let event = Event {
            seq,
            n,
            at_ms: hub.now_ms(self),
            field: new.field.to_owned(),
            place,
            item: new.item,
            due_ms: 0,
            hold_ms: new.hold_ms,
            once: new.wait.is_some() && new.once,
            message: new.message,
            swallowed: new.swallowed,
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

    /// Forgets the waiting events of a page.
    pub(crate) fn drop_events_of(&mut self, page: &str) -> usize {
        let dropped: Vec<_> = self
            .data
            .queues
            .iter()
            .filter(|(key, _)| key.page == page)
            .flat_map(|(key, queue)| queue.iter().map(|e| (key.clone(), e.seq, e.message)))
            .collect();
        for (key, seq, message) in &dropped {
            self.drop_event(key, *seq);
            self.data.waiters.remove(seq);
            if let Some(message) = message {
                self.set_progress(key, *message, Progress::Failed);
            }
        }
        dropped.len()
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
        self.data.names.clear();
        self.data.faults = crate::faults::Faults::default();
        self.data.settings = Settings::from_config(&hub.config);
        self.data.chaos = None;
        self.data.chaos_counts.clear();
        self.data.answered.clear();
        self.data.usage = crate::usage::Usage::default();
        self.data.log.clear();
        self.data.app.clock_offset_ms = 0;
        self.data.app.frozen_at_ms = None;
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
                thread.ad_window_until_ms = 0;
                thread.owner = None;
                thread.reach = crate::model::Reach::Open;
                thread.own_menu = None;
                (thread.sends, thread.events, thread.minted) = (0, 0, 0);
                thread.linked = false;
                thread.page_seen_ms = 0;
                thread.typing_until_ms = 0;
            }
            self.save_thread(&key);
        }
        if !all {
            for page in &hub.config.pages {
                if let Some(state) = self.data.pages.get_mut(&page.id) {
                    state.restricted = false;
                    state.token = crate::model::TokenHealth::Alive;
                    state.denied.clear();
                    state.failing_since_ms = None;
                    state.alerted = false;
                }
                self.save_page(&page.id);
            }
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
    pub(crate) place: Place,
    pub(crate) item: Value,
    pub(crate) hold_ms: u64,
    pub(crate) once: bool,
    pub(crate) message: Option<u64>,
    pub(crate) swallowed: bool,
    pub(crate) wait: Option<oneshot::Sender<bool>>,
}

impl NewEvent {
    /// An ordinary event: retried until answered 200, nobody waits.
    pub(crate) fn new(key: &ThreadKey, field: &'static str, item: Value) -> Self {
        Self {
            key: key.clone(),
            field,
            place: Place::Messaging,
            item,
            hold_ms: 0,
            once: false,
            message: None,
            swallowed: false,
            wait: None,
        }
    }

    /// A change of a page, outside of any conversation.
    pub(crate) fn change(page: &str, field: &'static str, value: Value) -> Self {
        let mut event = Self::page(page, field, value);
        event.place = Place::Changes;
        event
    }

    /// A messaging item of a page without a person.
    pub(crate) fn page(page: &str, field: &'static str, item: Value) -> Self {
        Self::new(&ThreadKey { page: page.to_owned(), user: String::new() }, field, item)
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
