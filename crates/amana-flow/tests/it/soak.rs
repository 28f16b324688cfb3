//! More than fifty thousand messages through a platform that does all it can to lose, repeat and swap them.
//!
//! The gateway on its real store, with its real Messenger client, over real HTTP, against the simulator of the platform
//! with every fault on at once. Both go by one clock, which this test moves; no wait of either is real.
//!
//! What is demanded, of what the *customers* see in the simulator's threads, not of what the gateway believes:
//! - every question that the platform brought to the gateway's door is answered once, and a conversation's answers
//!   come in the order in which its questions came to the door;
//! - every event that the bank was told is taken is told once, and a conversation's come in the order of the bank;
//! - each night everybody is away for a day, and the bank has news: of that a customer sees one approved text that says
//!   so, and the news when they are back;
//! - what was asked while people in the Page's inbox had the conversation is theirs to answer, and everything else
//!   waits until they are done;
//! - the platform has its 200s in time: 99 of 100 within a second of real time, as it measures them itself; some come
//!   too late for it on purpose, and it brings again what was taken;
//! - a customer sees nothing else; at the end nothing is waiting, given up or unexplained.
//!
//! No fault is ever switched off until that is judged, also not while the door is shut: then echoes are late or given
//! up for good, and answers are missing as well, more often than in all the rest.
#![allow(
    clippy::print_stdout,
    reason = "a run of minutes says how far it is, and by which seed it is repeated"
)]

use crate::crash::{amount, amounts, purchase};
use crate::support::*;
use amana_channel::messenger::{self, INBOX_APP, Timeouts};
use amana_channel::webhook::{InboundKind, parse, verify_signature};
use amana_channel::{Messenger, PageToken, Profile};
use amana_core::*;
use amana_flow::{Gateway, Reconcile};
use amana_sandbox_messenger as sandbox;
use amana_store::{AlarmKind, ChannelHealth};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What all randomness of a run is made from, where the environment names no other.
const SEED: u64 = 4_711;
/// How many people write where the environment (`AMANA_SOAK_PEOPLE`) names no number: more than 50,000 messages are in
/// their threads at the end. A quarter of them takes a quarter of the processor's time.
const PEOPLE: usize = 48;
/// How many days they do, and the questions and bank events of one person on one of them: as many calls as a Page has
/// for a person and day, almost. On the second day the door is shut.
const DAYS: usize = 7;
const ROUNDS: usize = 56;
/// What the bank tells of each person while they are away.
const NEWS_AWAY: usize = 3;
/// The messages that must be in the thread of each of them at the end: what they wrote, and what the page wrote.
const MESSAGES_EACH_MIN: usize = 1_050;
/// How long the platform waits for the 200s of the webhooks, 99 of 100 of them, in milliseconds of real time.
const ANSWERED_P99_MS: u64 = 1_000;
/// After how many ticks without news that are due somebody asks again.
const ASKS_AGAIN_TICKS: u32 = 500;
/// How long before anything that counts people wrote for the first time, in milliseconds: nobody was there to take that
/// in, and what the platform has there within the time by which clocks may differ is held against what came in.
const HELLO_MS: i64 = 600_000;
/// How often the gateway is told to look at the clock, in ticks.
const LOOK_TICKS: u32 = 5;
/// How many events and messages may wait in the gateway before people hold their breath.
const BACKLOG_MAX: u64 = 300;
/// How much a person may have spent without having heard of it: less than what one message tells in full, and what is
/// spent while they are away comes to it.
const UNTOLD_MAX: usize = 8;
/// How often the clock moves.
const TICK: Duration = Duration::from_millis(20);
/// What a tick is on the clock: while all goes well; while an event that is due has not gone out for long, so that no
/// echo gets old by our haste; and while nothing happens.
const TICK_MS: i64 = 300;
const TICK_SLOW_MS: i64 = 20;
const TICK_IDLE_MS: i64 = 5_000;
const LATE_MS: i64 = 5_000;
/// How often somebody with whom nothing else happens reads, in seconds of the clock.
const BYSTANDER_S: i64 = 45;
/// Ticks without anything happening after which nothing is.
const IDLE_TICKS: u32 = 5;
/// How long any one thing may take in real time. It bounds a run that hangs, nothing else.
const PATIENCE: Duration = Duration::from_secs(300);
/// Of how many webhooks one is answered too late, in real time: the platform waits for five seconds.
const LATE_EVERY: u64 = 1_000;
const LATE: Duration = Duration::from_millis(5_500);
/// How many people somebody in the Page's inbox answers.
const ANSWERED_BY_PEOPLE: usize = 3;
/// How long the client waits for an answer: hangs are real.
const CALL: Duration = Duration::from_secs(4);

/// What is in the approved text, and in no other message.
const NOTICE: &str = "There is news about your account";

#[expect(
    clippy::disallowed_methods,
    reason = "a run that failed is repeated by its seed, and studied with fewer"
)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Different bytes each time, the same in each run.
struct Counted(AtomicU64);

impl sandbox::Entropy for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&ids::sha256(&[&n.to_be_bytes()])[..chunk.len()]);
        }
    }
}

/// The gateway's door: what `amana-web` does with a webhook, and a note of what came through it.
#[derive(Default)]
struct Door {
    gateway: Mutex<Option<Arc<Gateway>>>,
    shut: AtomicBool,
    /// Webhooks that came through it, and how many of their 200s were late on purpose.
    came: AtomicU64,
    late: AtomicU64,
    /// Questions that came while another app had the conversation.
    stood_by: Mutex<HashSet<String>>,
    /// Questions by person, in the order in which they came in for the first time.
    heard: Mutex<HashMap<String, Vec<String>>>,
    known: Mutex<HashSet<String>>,
}

impl Door {
    async fn receive(&self, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let Some(gateway) = self.gateway.lock().unwrap().clone() else { return StatusCode::OK };
        if self.shut.load(Ordering::SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let signature = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
        if verify_signature(&Secret::new("app-secret"), body, signature).is_err() {
            return StatusCode::FORBIDDEN;
        }
        let parsed = parse(body).expect("the platform's own shape");
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        let stored = async {
            gateway.accept_channel(&parsed.channel_events).await?;
            gateway.accept_chat(&parsed.events).await
        };
        if stored.await.is_err() {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        for event in &parsed.events {
            match &event.kind {
                InboundKind::Text { mid, text } if self.known.lock().unwrap().insert(mid.clone()) => {
                    let psid = event.conversation.psid.to_string();
                    self.heard.lock().unwrap().entry(psid).or_default().extend(questions(text));
                }
                InboundKind::Standby(inner) => {
                    if let InboundKind::Text { text, .. } = &**inner {
                        self.stood_by.lock().unwrap().extend(questions(text));
                    }
                }
                _ => {}
            }
        }
        // Everything is taken, and its platform does not hear of it in time.
        if self.came.fetch_add(1, Ordering::SeqCst) % LATE_EVERY == LATE_EVERY - 1 {
            self.late.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(LATE).await;
        }
        StatusCode::OK
    }
}

/// The marks of questions in a text: `q` and five digits.
fn questions(text: &str) -> Vec<String> {
    let digits = |at: usize| text.get(at + 1..at + 6).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    text.match_indices(['q', 'Q']).filter_map(|(at, _)| digits(at).map(|d| format!("q{d}"))).collect()
}

/// The lines of a message that a person reads, without what stands on its buttons.
fn lines(body: &Value) -> Vec<String> {
    let payload = &body["attachment"]["payload"];
    let elements = payload["elements"].as_array().into_iter().flatten();
    let of_elements = elements.flat_map(|element| [&element["title"], &element["subtitle"]]);
    let all = [&body["text"], &payload["text"]].into_iter().chain(of_elements);
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

struct Person {
    name: String,
    psid: String,
    /// What they asked, and what the bank told them, each in its order.
    asked: Mutex<Vec<String>>,
    spent: Mutex<Vec<u64>>,
    /// What they asked while nobody could hear it.
    lost: Mutex<HashSet<String>>,
    /// What they have seen so far.
    seen: tokio::sync::Mutex<Seen>,
}

/// What a person saw of the page, read as far as a message.
#[derive(Default)]
struct Seen {
    last: u64,
    /// Marks and amounts, oldest first.
    marks: Vec<String>,
    /// How many of them are amounts.
    told: usize,
    /// Approved texts.
    notices: usize,
    /// All messages, theirs as well.
    messages: usize,
}

struct Soak {
    seed: u64,
    base: String,
    http: reqwest::Client,
    rig: Rig,
    gateway: Arc<Gateway>,
    door: Arc<Door>,
    people: Vec<Arc<Person>>,
    serial: AtomicU64,
    /// Milliseconds of a tick whatever happens; 0: as it goes.
    forced: AtomicI64,
    backlog: AtomicU64,
    /// Whether everybody is away, so that news wait for long.
    away: AtomicBool,
    /// How many approved texts people saw at night.
    notices: AtomicUsize,
    /// Whether there are troubles; life goes on until they are over.
    troubled: AtomicBool,
    faults: Mutex<BTreeMap<String, u64>>,
    begun: Instant,
}

impl Soak {
    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/{path}", self.base)).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/control/{path}", self.base);
        let answer = self.http.post(url).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap_or_default());
        answer.json().await.expect("JSON")
    }

    /// Begins or changes the chaos; what happened so far is added up.
    async fn chaos(&self, chaos: Value) {
        let counts = self.get("control/chaos").await["counts"].clone();
        for (fault, n) in counts.as_object().into_iter().flatten() {
            *self.faults.lock().unwrap().entry(fault.clone()).or_default() += n.as_u64().unwrap_or(0);
        }
        self.control("chaos", chaos).await;
    }

    async fn ask(&self, person: &Person) -> String {
        let mark = format!("q{:05}", self.serial.fetch_add(1, Ordering::SeqCst));
        let body = json!({"page": PAGE, "text": format!("transactions at {mark}")});
        // In the list before it can come back; a person asks one thing at a time.
        person.asked.lock().unwrap().push(mark.clone());
        self.control(&format!("users/{}/say", person.name), body).await;
        mark
    }

    async fn spend(&self, person: &Person, times: usize) {
        for _ in 0..times {
            let n = self.serial.fetch_add(1, Ordering::SeqCst);
            person.spent.lock().unwrap().push(n);
            let (of, at) = (account(&format!("a-{}", person.psid)), self.rig.clock.now());
            let event = purchase(n, &person.psid, &of, at);
            let accepted = self.gateway.accept_bank(&[event]).await.expect("the bank's event is taken");
            assert_eq!(accepted.stored, 1, "{accepted:?}");
            // Banks repeat themselves, too.
            if n.is_multiple_of(10) {
                let again = purchase(n, &person.psid, &of, at);
                assert_eq!(self.gateway.accept_bank(&[again]).await.expect("taken").duplicates, 1);
            }
        }
    }

    /// Everybody asks and spends, `rounds` times, as fast as the gateway takes it, and on for as long as there are
    /// troubles: what nobody sends anything into is none.
    async fn live(self: &Arc<Self>, rounds: usize) {
        let mut lives = tokio::task::JoinSet::new();
        for (place, person) in self.people.iter().cloned().enumerate() {
            let soak = self.clone();
            lives.spawn(async move {
                for round in 0.. {
                    if round >= rounds && !soak.troubled.load(Ordering::SeqCst) {
                        return;
                    }
                    soak.breathe().await;
                    soak.ask(&person).await;
                    // What waits is told as one message, of which twelve in full: nobody spends more meanwhile.
                    let mut waited = 0_u32;
                    while soak.untold(&person).await >= UNTOLD_MAX {
                        tokio::time::sleep(TICK).await;
                        waited += 1;
                        // Who has blocked the page hears what waits only when they write again: they do.
                        if waited.is_multiple_of(ASKS_AGAIN_TICKS) {
                            soak.ask(&person).await;
                        }
                    }
                    soak.spend(&person, 1).await;
                    if (round + place).is_multiple_of(20) {
                        soak.control(&format!("users/{}/read", person.name), json!({"page": PAGE})).await;
                    }
                }
            });
        }
        while let Some(done) = lives.join_next().await {
            done.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        }
    }

    /// What a person has spent and not heard of; more than that only as long as it does not matter.
    async fn untold(&self, person: &Person) -> usize {
        let spent = person.spent.lock().unwrap().len();
        let told = person.seen.lock().await.told;
        if spent - told < UNTOLD_MAX {
            return spent - told;
        }
        spent - self.seen(person).await.told
    }

    async fn breathe(&self) {
        while self.backlog.load(Ordering::SeqCst) > BACKLOG_MAX {
            tokio::time::sleep(TICK).await;
        }
    }

    /// Moves the clock until told to stop.
    async fn keep_time(self: Arc<Self>, stop: CancellationToken) {
        let (mut before, mut still, mut ticks) = (Value::Null, 0, 0_u32);
        while !stop.is_cancelled() {
            tokio::time::sleep(TICK).await;
            let hooks = self.get("control/webhooks").await;
            ticks += 1;
            if ticks.is_multiple_of(LOOK_TICKS) {
                self.gateway.look_now();
            }
            if ticks.is_multiple_of(10) {
                let counts = self.rig.store.counts().await.expect("answers");
                self.backlog.store(counts.inbox_waiting + counts.outbox_open, Ordering::SeqCst);
            }
            still = if hooks["delivered"] == before["delivered"] { still + 1 } else { 0 };
            let forced = self.forced.load(Ordering::SeqCst);
            let by = if forced > 0 {
                forced
            } else if hooks["late_ms"].as_i64().unwrap_or(0) > LATE_MS {
                TICK_SLOW_MS
            } else if hooks["pending"] == 0 && still > IDLE_TICKS {
                TICK_IDLE_MS
            } else {
                TICK_MS
            };
            self.pass(by).await;
            before = hooks;
        }
    }

    /// So much time passes; who sleeps by the platform's clock looks again.
    async fn pass(&self, milliseconds: i64) {
        self.rig.clock.advance_ms(milliseconds);
        self.control("clock", json!({"advance_ms": 0})).await;
    }

    /// For as long as it takes until the operator is told, but for a minute and a half at least: whether anything is
    /// sent meanwhile depends on what rests just then.
    async fn until_told(&self, kind: AlarmKind) {
        for _ in 0..40 {
            self.until_later(90).await;
            let alarms = self.rig.store.alarms(false, 1_000).await.expect("answers");
            if alarms.iter().any(|alarm| alarm.kind == kind) {
                return;
            }
        }
        panic!("seed {}: nobody is told of {kind:?}", self.seed);
    }

    /// Whether it is on record that the channel stands so; `None`: well.
    async fn stands(&self, health: Option<ChannelHealth>) -> bool {
        let states = self.rig.store.channel_states().await.expect("answers");
        states.first().map(|state| state.health) == health
    }

    async fn until_later(&self, seconds: i64) {
        let until = self.rig.clock.now().as_second() + seconds;
        self.wait("the clock goes on", || async { self.rig.clock.now().as_second() >= until }).await;
    }

    async fn wait<F: Future<Output = bool>>(&self, what: &str, test: impl Fn() -> F) {
        let until = Instant::now() + PATIENCE;
        while !test().await {
            if Instant::now() >= until {
                let counts = self.rig.store.counts().await;
                let hooks = self.get("control/webhooks").await;
                panic!("seed {}: {what}: not yet; {counts:?} {hooks}", self.seed);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Until nothing is on its way. Who blocked the page hears what waits only when they write again: they do.
    async fn come_to_rest(&self) {
        let last = AtomicI64::new(0);
        loop {
            self.wait("everything comes to rest", || async {
                // Somebody always reads something: what is in doubt is not settled on a page where nothing happens.
                let now = self.rig.clock.now().as_second();
                if now - last.load(Ordering::SeqCst) >= BYSTANDER_S {
                    last.store(now, Ordering::SeqCst);
                    let item = json!({"read": {"watermark": now * 1_000}});
                    let read =
                        json!({"page": PAGE, "user": "bystander", "field": "message_reads", "item": item});
                    self.control("webhook", read).await;
                }
                let counts = self.rig.store.counts().await.expect("answers");
                let hooks = self.get("control/webhooks").await;
                let held = counts.outbox_held > 0;
                let told = counts.news_waiting == 0 || held || self.away.load(Ordering::SeqCst);
                counts.inbox_waiting + counts.outbox_open == 0 && told && hooks["pending"] == 0
            })
            .await;
            let nothing_held = self.rig.store.counts().await.expect("answers").outbox_held == 0;
            if nothing_held || self.away.load(Ordering::SeqCst) {
                return;
            }
            for person in &self.people {
                if self.seen(person).await.marks.len() < self.wanted(person).len() {
                    self.ask(person).await;
                }
            }
        }
    }

    fn wanted(&self, person: &Person) -> Vec<String> {
        let heard = self.door.heard.lock().unwrap().get(&person.psid).cloned().unwrap_or_default();
        heard.into_iter().chain(person.spent.lock().unwrap().iter().map(|n| amount(*n))).collect()
    }

    /// What a person sees of the page.
    async fn seen<'a>(&self, person: &'a Person) -> tokio::sync::MutexGuard<'a, Seen> {
        let mut seen = person.seen.lock().await;
        let part = format!("after={}&messages_only=true", seen.last);
        let thread = self.get(&format!("control/threads/{PAGE}/{}?{part}", person.name)).await;
        for message in thread["messages"].as_array().expect("messages") {
            seen.last = message["seq"].as_u64().expect("a number");
            seen.messages += 1;
            // What people wrote and what somebody in the inbox did.
            if message["from"] != "page" || message["body"]["agent"] == true {
                continue;
            }
            let said = plain(&message["body"].to_string());
            let before = seen.marks.len();
            // All that is to be read, each time that it is: what is told twice in one message is told twice.
            for line in lines(&message["body"]) {
                let line = plain(&line);
                seen.marks.extend(questions(&line).into_iter().chain(amounts(&line)));
            }
            seen.told += seen.marks[before..].iter().filter(|mark| !mark.starts_with('q')).count();
            if seen.marks.len() == before && said.contains(NOTICE) {
                seen.notices += 1;
                continue;
            }
            assert!(
                seen.marks.len() > before,
                "seed {}: {} sees what nobody meant: {said}",
                self.seed,
                person.name
            );
        }
        seen
    }

    /// How often somebody blocked the page by chance, since the chaos was last changed.
    async fn blocked(&self) -> u64 {
        self.get("control/chaos").await["counts"]["user_blocked"].as_u64().unwrap_or(0)
    }

    /// A day later nobody may be written to; what the bank says meanwhile waits until they write. That there is
    /// something they are told once, by the text that the platform approved.
    async fn night(&self, night: usize) {
        self.away.store(true, Ordering::SeqCst);
        self.pass(25 * 3_600_000).await;
        let (dead, blocked) =
            (self.rig.store.counts().await.expect("answers").outbox_dead, self.blocked().await);
        let mut before = Vec::new();
        for person in &self.people {
            let seen = self.seen(person).await;
            before.push((seen.marks.len(), seen.notices));
            drop(seen);
            self.spend(person, NEWS_AWAY).await;
        }
        self.come_to_rest().await;
        let mut unheard = 0;
        for (person, (marks, notices)) in self.people.iter().zip(before) {
            let seen = self.seen(person).await;
            assert_eq!(seen.marks.len(), marks, "seed {}: told outside of the window", self.seed);
            assert!(seen.notices <= notices + 1, "seed {}: told twice that there is news", self.seed);
            unheard += notices + 1 - seen.notices;
            self.notices.fetch_add(seen.notices - notices, Ordering::SeqCst);
        }
        // Who has blocked the page just then gets no such text, also later: the news themselves wait for them.
        let counts = self.rig.store.counts().await.expect("answers");
        assert_eq!(unheard as u64, self.blocked().await - blocked, "seed {}: night {night}", self.seed);
        assert_eq!(unheard as u64, counts.outbox_dead - dead, "seed {}: {counts:?}", self.seed);
        self.away.store(false, Ordering::SeqCst);
        for person in &self.people {
            self.ask(person).await;
        }
        self.say(&format!("night {night} is over"));
    }

    fn say(&self, what: &str) {
        println!("{:6.1} s: {what}", self.begun.elapsed().as_secs_f64());
    }
}

fn profile() -> Profile {
    Profile {
        get_started_payload: "v1:start".to_owned(),
        greeting: vec![(Lang::English, "Welcome".to_owned())],
        menu: vec![(
            Lang::English,
            vec![Action::Postback { title: "Balance".to_owned(), payload: "v1:balance".to_owned() }],
        )],
        ice_breakers: Vec::new(),
        account_linking_url: Some("http://127.0.0.1:9/link".to_owned()),
        public_url: None,
    }
}

/// The simulator and the gateway, and everybody linked.
async fn begin(stop: &CancellationToken) -> Arc<Soak> {
    let (seed, begun) = (number("AMANA_SOAK_SEED").unwrap_or(SEED), Instant::now());
    let count = number("AMANA_SOAK_PEOPLE").and_then(|n| usize::try_from(n).ok()).unwrap_or(PEOPLE);
    let rig = Rig::new().await;
    let door = Arc::new(Door::default());
    let hooks = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let callback = format!("http://{}/webhook", hooks.local_addr().expect("an address"));
    let handler = {
        let door = door.clone();
        move |headers: HeaderMap, body: Bytes| {
            let door = door.clone();
            async move { door.receive(&headers, &body).await }
        }
    };
    let app = axum::Router::new().route("/webhook", axum::routing::post(handler));
    tokio::spawn(async move { axum::serve(hooks, app).await });

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let pages = vec![sandbox::PageConfig::new(PAGE, "Cedar Bank", "page-token")];
    let mut config = sandbox::MessengerConfig::new(base.parse().expect("a url"), "4242", "app-secret", pages);
    config.webhook_url = Some(callback.parse().expect("a url"));
    config.require_appsecret_proof = true;
    config.seed = Some(seed);
    let clock = rig.clock.clone();
    let (clock, entropy) = (Arc::new(move || clock.now()), Arc::new(Counted(AtomicU64::new(seed))));
    tokio::spawn(sandbox::serve(listener, config, clock, entropy, stop.clone()));

    let token = PageToken::new(Secret::new("page-token"));
    let page = messenger::PageConfig {
        id: conversation("1").channel,
        proof: token.proof(&Secret::new("app-secret")),
        token,
    };
    let messenger = Messenger::new(messenger::MessengerConfig {
        graph_url: base.parse().expect("a url"),
        graph_version: "v26.0".to_owned(),
        app_id: "4242".to_owned(),
        app: None,
        pages: vec![page],
        timeouts: Timeouts { connect: Duration::from_secs(2), call: CALL },
    });
    let messenger = Arc::new(messenger.expect("a client"));
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().expect("a client");
    messenger.setup(&conversation("1").channel, &profile()).await.expect("the page is set up");
    let texts = messenger.bring_templates(&conversation("1").channel).await.expect("templates are taken");
    assert!(texts.iter().all(|text| text.approved), "{texts:?}");

    let mut people = Vec::new();
    for n in 0..count {
        let name = format!("person-{n}");
        let hello = json!({"page": PAGE, "text": "hello"});
        let url = format!("{base}/control/users/{name}/say");
        http.post(url).json(&hello).send().await.expect("said");
        let url = format!("{base}/control/threads/{PAGE}/{name}");
        let thread: Value = http.get(url).send().await.expect("read").json().await.expect("JSON");
        let psid = thread["psid"].as_str().expect("an id").to_owned();
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        *rig.bank.checking.lock().unwrap() = format!("a-{psid}");
        rig.link(&psid).await;
        people.push(Arc::new(Person {
            name,
            psid,
            asked: Mutex::default(),
            spent: Mutex::default(),
            lost: Mutex::default(),
            seen: tokio::sync::Mutex::default(),
        }));
    }
    let gateway = build_with(
        rig.store.clone(),
        &rig.bank,
        messenger,
        rig.clock.clone(),
        Arc::new(SeededEntropy::new(seed)),
        (log_parts(), Reconcile { allowed_apps: [INBOX_APP.to_owned()].into(), ..Reconcile::default() }),
    );
    *door.gateway.lock().unwrap() = Some(gateway.clone());
    tokio::spawn(gateway.clone().run_inbox(stop.clone()));
    tokio::spawn(gateway.clone().run_outbox(stop.clone()));
    tokio::spawn(gateway.clone().run_jobs(stop.clone()));
    tokio::spawn(gateway.clone().run_log(stop.clone()));
    let soak = Arc::new(Soak {
        seed,
        base,
        http,
        rig,
        gateway,
        door,
        people,
        serial: AtomicU64::new(1),
        forced: AtomicI64::new(0),
        backlog: AtomicU64::new(0),
        away: AtomicBool::new(false),
        notices: AtomicUsize::new(0),
        troubled: AtomicBool::new(false),
        faults: Mutex::default(),
        begun,
    });
    // A few people who write more in a day than anybody does; and ids and times in whatever type from the beginning.
    soak.control("settings", json!({"calls_per_person": 0})).await;
    soak.control("faults", json!({"loose_types": true})).await;
    tokio::spawn(soak.clone().keep_time(stop.clone()));
    soak.wait("the first words are over", || async { soak.get("control/webhooks").await["pending"] == 0 })
        .await;
    soak.pass(HELLO_MS).await;
    soak.say("everybody is linked");
    soak
}

/// Troubles of the whole page and of some people, one after the other, while everybody lives.
async fn troubles(soak: &Soak) {
    soak.troubled.store(true, Ordering::SeqCst);
    let page = format!("pages/{PAGE}");
    for code in [4, 32, 613, 80_006] {
        soak.until_later(20).await;
        soak.control("faults", json!({"throttle": {"code": code, "for_s": 20}})).await;
    }
    // What the answers say of the calls that are left, of the Page and of the app: it rests before it is refused.
    for usage in [json!({"page": 95}), json!({"app": 95})] {
        soak.until_later(60).await;
        soak.wait("the channel stands well", || soak.stands(None)).await;
        soak.control("faults", json!({"usage": usage})).await;
        soak.wait("the channel rests by what answers say", || soak.stands(Some(ChannelHealth::Throttled)))
            .await;
        soak.control("faults", json!({"usage": null})).await;
    }
    // Somebody in the Page's inbox answers, which takes the conversation, and is done after a while.
    let answered = soak.people.iter().take(ANSWERED_BY_PEOPLE);
    for person in answered.clone() {
        let reply = json!({"do": "reply", "page": PAGE, "text": "I look into it"});
        soak.control(&format!("users/{}/inbox", person.name), reply).await;
        // Whoever has somebody's ear is asked on.
        let text = json!({"page": PAGE, "text": "thank you"});
        soak.control(&format!("users/{}/say", person.name), text).await;
    }
    soak.until_later(300).await;
    for person in answered {
        soak.control(&format!("users/{}/inbox", person.name), json!({"do": "done", "page": PAGE})).await;
    }
    soak.until_later(60).await;
    soak.control(&page, json!({"token": "password_changed"})).await;
    soak.until_told(AlarmKind::TokenDead).await;
    soak.control(&page, json!({"token": "alive"})).await;
    soak.until_later(60).await;
    soak.control(&page, json!({"restricted": true})).await;
    soak.until_told(AlarmKind::ChannelBlocked).await;
    soak.control(&page, json!({"restricted": false})).await;
    for reach in ["blocked", "unavailable"] {
        let some: Vec<_> = soak.people.iter().step_by(17).collect();
        for person in &some {
            soak.control(&format!("users/{}/reach", person.name), json!({"page": PAGE, "reach": reach}))
                .await;
        }
        soak.until_later(120).await;
        for person in &some {
            soak.control(&format!("users/{}/reach", person.name), json!({"page": PAGE, "reach": "open"}))
                .await;
        }
    }
    soak.troubled.store(false, Ordering::SeqCst);
    soak.say("the troubles are over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_message_arrives_once_and_in_order_whatever_the_platform_does() {
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    let soak = begin(&stop).await;
    println!("seed {}", soak.seed);
    // What stops the whole page for a minute is rare, and one of the troubles beside: else most of a run is waiting.
    let all = json!({
        "seed": soak.seed, "duplicate": 100, "reorder": 100, "delay": 100, "delay_max_ms": 500, "lose_answer": 20,
        "batch": 16, "echo_first": 100, "drop_echo": 50, "lose_request": 5, "drop_connection": 10, "sent_error": 5,
        "transient": 5, "throttled": 1, "slow": 20, "slow_max_ms": 100, "hang": 1, "hang_ms": 60_000,
        "token_dead": 1, "page_blocked": 1, "user_blocked": 3
    });
    let with = |seed: u64, changes: &[(&str, u64)]| {
        let mut chaos = all.clone();
        chaos["seed"] = json!(seed);
        for (name, value) in changes {
            chaos[*name] = json!(value);
        }
        chaos
    };

    soak.chaos(all.clone()).await;
    // The troubles first, so that life knows of them.
    tokio::join!(troubles(&soak), soak.live(ROUNDS));
    soak.say("all was said");
    soak.come_to_rest().await;
    soak.say("everything at once has come to rest");
    soak.night(1).await;
    soak.live(ROUNDS).await;
    soak.come_to_rest().await;

    // Twenty minutes before a shut door: the platform tries again and again. Then more than an hour: it gives up.
    // More of what is in doubt than in all the rest of the run.
    let ambiguous = [("drop_connection", 100), ("sent_error", 50), ("lose_request", 50)];
    for (seconds, gives_up) in [(1_200, false), (4_000, true)] {
        soak.chaos(with(soak.seed + u64::from(gives_up) + 1, &ambiguous)).await;
        soak.come_to_rest().await;
        let lost = soak.get("control/webhooks").await["given_up"].as_u64().unwrap_or(0);
        soak.door.shut.store(true, Ordering::SeqCst);
        for person in &soak.people {
            let mark = soak.ask(person).await;
            soak.spend(person, 2).await;
            if gives_up {
                person.lost.lock().unwrap().insert(mark);
            }
        }
        soak.forced.store(10_000, Ordering::SeqCst);
        soak.until_later(seconds).await;
        soak.forced.store(0, Ordering::SeqCst);
        let lost = soak.get("control/webhooks").await["given_up"].as_u64().unwrap_or(0) - lost;
        assert_eq!(lost > 0, gives_up, "seed {}: an hour of failures ends the subscription", soak.seed);
        soak.door.shut.store(false, Ordering::SeqCst);
        // Nobody tells the gateway that it hears nothing any more: it finds out, and has itself told again.
        soak.wait("the gateway hears again", || async {
            let pages = soak.get("control/pages").await;
            pages[0]["subscribed_fields"].as_array().is_some_and(|fields| !fields.is_empty())
        })
        .await;
        if gives_up {
            // What was asked meanwhile is fetched from the platform's record, and answered.
            soak.wait("what was not heard is fetched", || async {
                for person in &soak.people {
                    let lost = person.lost.lock().unwrap().clone();
                    let seen = soak.seen(person).await;
                    if !lost.iter().all(|mark| seen.marks.contains(mark)) {
                        return false;
                    }
                }
                true
            })
            .await;
            for person in &soak.people {
                let fetched: Vec<String> = person.lost.lock().unwrap().drain().collect();
                let mut heard = soak.door.heard.lock().unwrap();
                heard.entry(person.psid.clone()).or_default().extend(fetched);
            }
        }
        soak.come_to_rest().await;
        let counts = soak.get("control/chaos").await["counts"].clone();
        let what = if gives_up { "the platform gave up, and was asked again" } else { "the door was shut" };
        soak.say(&format!("{what}; meanwhile {counts}"));
    }

    soak.chaos(with(soak.seed + 3, &[])).await;
    for day in 3..=DAYS {
        soak.night(day - 1).await;
        soak.live(ROUNDS).await;
        soak.come_to_rest().await;
        soak.say(&format!("day {day} is over"));
    }
    soak.chaos(json!({"off": true})).await;
    judge(&soak).await;
}

/// Holds what people saw against what was put in.
async fn judge(soak: &Soak) {
    let seed = soak.seed;
    let (mut asked, mut answered, mut told, mut lost, mut messages, mut notices) = (0, 0, 0, 0, 0, 0);
    let mut theirs = 0;
    for person in &soak.people {
        let heard = soak.door.heard.lock().unwrap().get(&person.psid).cloned().unwrap_or_default();
        let seen = soak.seen(person).await;
        let (answers, news): (Vec<String>, Vec<String>) =
            seen.marks.iter().cloned().partition(|mark| mark.starts_with('q'));
        notices += seen.notices;
        messages += seen.messages;
        assert_eq!(answers, heard, "seed {seed}: the answers of {}", person.name);
        let spent: Vec<String> = person.spent.lock().unwrap().iter().map(|n| amount(*n)).collect();
        assert_eq!(news, spent, "seed {seed}: what {} was told", person.name);
        // The platform brings what it does not give up.
        let unheard = person.lost.lock().unwrap();
        let mine = person.asked.lock().unwrap();
        let stood_by = soak.door.stood_by.lock().unwrap();
        for mark in mine.iter() {
            let came = heard.contains(mark) || unheard.contains(mark) || stood_by.contains(mark);
            assert!(came, "seed {seed}: {mark} never came");
        }
        theirs += mine.iter().filter(|mark| stood_by.contains(*mark)).count();
        (asked, answered, told) = (asked + mine.len(), answered + answers.len(), told + news.len());
        lost += mine.len() - heard.len();
    }
    let counts = soak.rig.store.counts().await.expect("answers");
    let open = (counts.inbox_waiting, counts.outbox_open, counts.outbox_held, counts.news_waiting);
    assert_eq!(open, (0, 0, 0, 0), "seed {seed}: something is still on its way: {counts:?}");
    // One text for each night and person, but to whom nothing could be sent then.
    assert_eq!(notices, soak.notices.load(Ordering::SeqCst), "seed {seed}: told by day that there is news");
    let unheard = soak.people.len() * (DAYS - 1) - notices;
    let given_up = (counts.inbox_failed, counts.outbox_dead);
    assert_eq!(given_up, (0, unheard as u64), "seed {seed}: given up: {counts:?}");
    assert!(notices > unheard * 20, "seed {seed}: most hear that there is news: {notices}");
    let alarms = soak.rig.store.alarms(false, 1_000).await.expect("answers");
    let odd = alarms
        .iter()
        .find(|a| !matches!(a.kind, AlarmKind::TokenDead | AlarmKind::ChannelBlocked | AlarmKind::Deaf));
    assert!(odd.is_none(), "seed {seed}: {odd:?}");
    for kind in [AlarmKind::TokenDead, AlarmKind::ChannelBlocked, AlarmKind::Deaf] {
        assert!(alarms.iter().any(|alarm| alarm.kind == kind), "seed {seed}: nobody was told of {kind:?}");
    }
    let faults = soak.faults.lock().unwrap().clone();
    for fault in [
        "duplicate",
        "reorder",
        "delay",
        "lose_answer",
        "batch",
        "echo_first",
        "drop_echo",
        "lose_request",
        "drop_connection",
        "sent_error",
        "transient",
        "throttled",
        "slow",
        "hang",
        "token_dead",
        "page_blocked",
        "user_blocked",
    ] {
        assert!(faults.contains_key(fault), "seed {seed}: {fault} never happened: {faults:?}");
    }
    let late = soak.door.late.load(Ordering::SeqCst);
    assert!(late > 0, "seed {seed}: no 200 was late");
    assert!(theirs > 0, "seed {seed}: nobody asked while people in the inbox had the conversation");
    assert!(messages >= soak.people.len() * MESSAGES_EACH_MIN, "only {messages} messages");
    let hooks = soak.get("control/webhooks").await["answered"].clone();
    println!(
        "seed {seed}: {messages} messages ({asked} asked, {lost} of them to nobody or to people in the inbox ({theirs}), {answered} answered, \
         {told} told, {notices} told that there is news) in {:?}; 200s: {hooks}, {late} late; {faults:?}",
        soak.begun.elapsed()
    );
    let p99 = hooks["p99_ms"].as_u64().expect("a number");
    assert!(p99 <= ANSWERED_P99_MS, "seed {seed}: the platform waited for its 200s: {hooks}");
}
