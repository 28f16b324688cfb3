//! Killed at random, again and again, under load: no bytes at the platform without a durable receipt, no receipt lost,
//! the chain whole, nothing told twice and nothing forgotten. Abuse case 18.
//!
//! The gateway is a process of its own (this very program) on a real SQLite file; the platform is the parent, which
//! owns everything that came through the pipe. The process's clock stands still but for what the parent adds, so that
//! sixty seconds of waiting for echoes cost nothing.
//!
//! It kills a process, not a machine: what the kernel has taken is kept. That commits are synced to the disk is
//! SQLite's `synchronous=FULL`, which the store sets and its own tests look at.

use crate::support::*;
use amana_channel::webhook::{EchoWords, Inbound, InboundKind};
use amana_channel::{
    ApprovedText, Channel, LinkingError, People, SendError, Sent, ThreadOwner, WindowPolicy,
};
use amana_core::*;
use amana_flow::limits::{DOOR_OPEN_S, ECHO_WAIT_AFTER_START_S, ECHO_WAIT_S};
use amana_flow::{BundleAsk, Gateway, LogParts, Reconcile};
use amana_gate::{Gate, OutboxRow, Recipient, Released, Unaddressed};
use amana_log::audit::{State, audit};
use amana_log::bundle::{Trust, verify};
use amana_log::tiles::{DirTiles, Fsync};
use amana_store::{OutboxState, Store};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Tells the child, which is this very program, in what folder its database is.
const CHILD_FOLDER: &str = "AMANA_FLOW_CRASH_FOLDER";
/// Makes the randomness of each child its own.
const CHILD_ROUND: &str = "AMANA_FLOW_CRASH_ROUND";
/// What the child's clock shows at its start, in microseconds since the epoch.
const CHILD_NOW: &str = "AMANA_FLOW_CRASH_NOW";
/// A child that was not killed by then ends by itself.
const CHILD_LIFE: Duration = Duration::from_secs(300);
/// How many times it is killed.
const KILLS: u16 = 200;
/// How many chats there are, each with a customer of its own.
const CHATS: usize = 12;
/// How many purchases the bank pushes at once, and in a round: a new one for each that was taken.
const PUSHES: usize = 12;
const PUSHES_IN_ROUND: usize = 40;
/// In which rounds a customer stops everything; the last chats are theirs.
const STOPS: [u16; 3] = [50, 100, 150];
/// After how many lines of its a child is killed, at the most: work, and not time, so that a busy machine kills as
/// often in the middle as an idle one.
const LINES_MAX: u64 = 110;
/// A child that says less is killed then, in milliseconds; and all are a little later than a line, at random.
const LIFE_MAX_MS: u64 = 3_000;
const LATER_MAX_MS: u64 = 12;
/// How late the platform's echoes of the last round may be, in milliseconds.
const ECHO_LATE_MAX_MS: u64 = 400;
/// Entries after which a segment of the log ends: there are to be many, so that kills come while one ends.
const SEGMENT_ENTRIES: u64 = 400;
/// By how much the parent moves the clock, so that every echo that was waited for is late: after a start, and after a
/// send in doubt.
const ADVANCE_S: i64 = DOOR_OPEN_S + 120;
/// How often at most the clock is moved while everything comes to rest.
const REST_STEP: Duration = Duration::from_millis(500);
const _: () = assert!(ECHO_WAIT_S < ADVANCE_S && ECHO_WAIT_AFTER_START_S < ADVANCE_S && ADVANCE_S % 60 == 0);
/// How long a child may take to start, and the last one until nothing is left to do. None of the gateway's own waits is
/// in it, since those pass by the parent's clock: it is a start and the work on what the kills left, on a machine that
/// may be busy with much else. How long it took is printed.
const PATIENCE: Duration = Duration::from_secs(120);

// ---- the child ----

/// The way to the platform: a line for each message, which is sent when the parent has answered it.
#[derive(Default)]
struct Pipe {
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

/// One write for one line, so that the parent never reads a half one as whole.
fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("\n{line}\n").as_bytes());
    let _ = out.flush();
}

#[async_trait]
impl Channel for Pipe {
    async fn send(&self, released: Released) -> Result<Sent, SendError> {
        let (message, psid) = (released.message().to_string(), released.recipient().psid.to_string());
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap().insert(message.clone(), sender);
        tell(&format!("send {psid} {message} {}", hex::encode(released.into_body())));
        answer.await.map_err(|_| SendError::Ambiguous { what: "a test" })?;
        Ok(Sent { mid: format!("m_{message}"), rest: None })
    }
    async fn typing(&self, _: &Address, _: bool) -> Result<(), SendError> {
        Ok(())
    }
    async fn mark_seen(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn linking_recipient(&self, _: &ChannelId, _: &str) -> Result<Psid, LinkingError> {
        Err(LinkingError::BadToken)
    }
    async fn unlink(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn locale(&self, _: &Address) -> Option<Lang> {
        None
    }
    async fn name(&self, _: &Address) -> Option<String> {
        None
    }
    async fn pass_to_people(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn owner(&self, _: &Address) -> Result<ThreadOwner, SendError> {
        Ok(ThreadOwner::Nobody)
    }
    async fn take_back(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn approved_texts(&self, _: &ChannelId) -> Result<Vec<ApprovedText>, SendError> {
        Ok(Vec::new())
    }
    async fn people(&self, _: &str) -> Result<People, SendError> {
        Ok(People::default())
    }
    fn encoding_outside(&self) -> Option<amana_render::Encoding> {
        None
    }
    async fn said_since(&self, _: &Address, _: Timestamp) -> Result<amana_channel::History, SendError> {
        Ok(amana_channel::History::Unkept)
    }
    async fn talked_since(&self, _: &ChannelId, _: Timestamp) -> Result<Option<Vec<String>>, SendError> {
        Ok(None)
    }
    async fn heard_in(
        &self,
        _: &ChannelId,
        _: &str,
        _: Timestamp,
    ) -> Result<Vec<amana_channel::Heard>, SendError> {
        Ok(Vec::new())
    }
    async fn unheard(&self, _: &ChannelId) -> Result<Vec<String>, SendError> {
        Ok(Vec::new())
    }
    async fn listen(&self, _: &ChannelId) -> Result<Vec<String>, SendError> {
        Ok(Vec::new())
    }
    fn encoding(&self, reply: bool) -> amana_render::Encoding {
        if reply { amana_render::Encoding::MessengerReply } else { amana_render::Encoding::MessengerUpdate }
    }
    fn capabilities(&self) -> amana_channel::Capabilities {
        let window = WindowPolicy { open_for: None };
        amana_channel::Capabilities { window, ..amana_channel::messenger::capabilities() }
    }
}

/// The log's files, beside the database.
fn tiles(folder: &Path) -> DirTiles {
    DirTiles::new(folder.join("log"), Fsync::Never)
}

fn log_in(folder: &Path) -> LogParts {
    LogParts { tiles: Arc::new(tiles(folder)), segment_entries: SEGMENT_ENTRIES, ..log_parts() }
}

/// A purchase of `1000 + n` cents by the holder of a chat, on one of their accounts.
pub(crate) fn purchase(
    n: u64,
    psid: &str,
    of: &AccountId,
    at: Timestamp,
) -> (BankEvent, Unaddressed<BankEventBody>) {
    let id = format!("t{n}");
    let event = BankEvent {
        institution: InstitutionId::new(BANK).unwrap(),
        id: id.clone(),
        occurred: at,
        account: of.clone(),
        subject: Some(format!("customer-{psid}")),
        kind: BankEventKind::TransactionAuthorised,
        transaction_id: Some(id.clone()),
        reference_id: None,
    };
    let body = BankEventBody::Transaction(Transaction {
        id,
        reference_id: None,
        account: of.clone(),
        state: TransactionState::Pending,
        direction: Direction::Out,
        amount: usd(1_000 + i64::try_from(n).unwrap()),
        merchant: Some("Corner Shop".into()),
        description: "CORNER".into(),
        at,
    });
    (event, Unaddressed::new(body))
}

/// How the purchase's amount is said.
pub(crate) fn amount(n: u64) -> String {
    let cents = 1_000 + n;
    let (whole, part) = (cents / 100, cents % 100);
    if whole >= 1_000 {
        format!("${},{:03}.{part:02}", whole / 1_000, whole % 1_000)
    } else {
        format!("${whole}.{part:02}")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program that is killed is told by its environment what to do"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Not a test of its own: the program that is killed. Without its variables there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Some(folder), Some(round), Some(now)) =
        (variable(CHILD_FOLDER), variable(CHILD_ROUND), variable(CHILD_NOW))
    else {
        return;
    };
    let entropy = Arc::new(SeededEntropy::new(7_000 + round.parse::<u64>().unwrap()));
    let clock = Arc::new(ManualClock::at(from_micros(now.parse().unwrap())));
    let store = open(Path::new(&folder), entropy.clone(), clock.clone()).await;
    let pipe = Arc::new(Pipe::default());
    let bank = Arc::new(FakeBank::new(clock.clone()));
    let log = (log_in(Path::new(&folder)), Reconcile::default());
    let gateway = build_with(store.clone(), &bank, pipe.clone(), clock.clone(), entropy, log);
    let stop = CancellationToken::new();
    tokio::spawn(gateway.clone().run_inbox(stop.clone()));
    tokio::spawn(gateway.clone().run_outbox(stop.clone()));
    tokio::spawn(gateway.clone().run_jobs(stop.clone()));
    tokio::spawn(gateway.clone().run_log(stop));
    let (sender, mut orders) = tokio::sync::mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    tell("ready");
    let obeying = async {
        while let Some(order) = orders.recv().await {
            let (gateway, clock, pipe) = (gateway.clone(), clock.clone(), pipe.clone());
            tokio::spawn(async move { obey(&order, &gateway, &clock, &pipe).await });
        }
    };
    let _ = tokio::time::timeout(CHILD_LIFE, obeying).await;
}

async fn obey(order: &str, gateway: &Gateway, clock: &ManualClock, pipe: &Pipe) {
    let words: Vec<&str> = order.split(' ').collect();
    let inbound = |psid: &str, name: &str, kind| Inbound {
        conversation: conversation(psid),
        at: clock.now(),
        key: EventKey::new(None, PAGE, name),
        kind,
    };
    match words[..] {
        ["ok", message] => {
            if let Some(sender) = pipe.waiting.lock().unwrap().remove(message) {
                let _ = sender.send(());
            }
        }
        ["push", n, psid] => {
            let event = purchase(n.parse().unwrap(), psid, &account("a1"), clock.now());
            if gateway.accept_bank(&[event]).await.is_ok() {
                tell(&format!("took {n}"));
            }
        }
        ["ask", n, psid, text] => {
            let kind = InboundKind::Text { mid: format!("mid{n}"), text: text.into() };
            if gateway.accept_chat(&[inbound(psid, n, kind)]).await.is_ok() {
                tell(&format!("asked {n}"));
            }
        }
        ["echo", message, psid] => {
            let id: MessageId = message.parse().unwrap();
            let mid = format!("m_{message}");
            let kind = InboundKind::Echo {
                mid: mid.clone(),
                metadata: Some(id),
                app_id: None,
                words: EchoWords::default(),
            };
            if gateway.accept_chat(&[inbound(psid, &mid, kind)]).await.is_err() {
                return;
            }
            // Taken is durable; but the parent moves the clock by the minute for which an echo is waited for, so it
            // hears of echoes only when they have settled their message.
            loop {
                match gateway.store().outbox_entry(id).await {
                    Ok(Some(entry)) if entry.state == OutboxState::Sent => break,
                    _ => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
            tell(&format!("echoed {message}"));
        }
        // Time passes while the platform's webhooks come in: what is in doubt is not settled where none does.
        ["advance", seconds] => {
            for minute in 0..seconds.parse::<i64>().unwrap() / 60 {
                clock.advance_s(60);
                let read = |psid: &str| {
                    let kind = InboundKind::Read { watermark: clock.now() };
                    inbound(psid, &format!("read{minute}"), kind)
                };
                let reads: Vec<Inbound> = (1..=CHATS).map(|n| read(&n.to_string())).collect();
                let _ = gateway.accept_chat(&reads).await;
            }
        }
        ["rest"] => loop {
            let counts = gateway.store().counts().await.unwrap();
            if counts.inbox_waiting == 0 && counts.outbox_open == 0 {
                return tell("resting");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        },
        _ => panic!("an order that nobody gives: {order}"),
    }
}

// ---- the parent ----

struct Running {
    child: Child,
    orders: ChildStdin,
    lines: Receiver<String>,
}

impl Running {
    fn start(folder: &Path, round: u16, now: Timestamp) -> Self {
        let mut child = Process::new(std::env::current_exe().expect("a program"))
            .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
            .env(CHILD_FOLDER, folder)
            .env(CHILD_ROUND, round.to_string())
            .env(CHILD_NOW, micros(now).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let orders = child.stdin.take().expect("a pipe");
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = Vec::new();
            loop {
                line.clear();
                match out.read_until(b'\n', &mut line) {
                    // A line that was cut off by the kill never arrived.
                    Ok(n) if n > 0 && line.ends_with(b"\n") => {
                        let text = String::from_utf8_lossy(&line).trim().to_owned();
                        if !text.is_empty() && sender.send(text).is_err() {
                            return;
                        }
                    }
                    _ => return,
                }
            }
        });
        Self { child, orders, lines }
    }

    /// Gives an order; a process that is gone hears nothing.
    fn order(&mut self, order: &str) {
        let _ = self.orders.write_all(format!("{order}\n").as_bytes());
    }

    /// Kills it without a word, and gives what it had written before.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("is killed");
        assert!(!self.child.wait().expect("ends").success(), "it did not end by itself");
        self.lines.iter().collect()
    }
}

/// What the platform, the bank and the customers know of.
#[derive(Default)]
struct Outside {
    /// Message, chat and bytes, in the order of arrival.
    arrived: Vec<(String, String, Vec<u8>)>,
    /// How many of them were held against the store.
    checked: usize,
    /// Echoes that the gateway has not settled.
    echoes: BTreeMap<String, String>,
    /// Purchases and questions that the gateway took, and those that are offered until it does.
    took: BTreeSet<u64>,
    offered: BTreeMap<u64, String>,
    asked: BTreeSet<u64>,
    /// Chats that were stopped, from which arrival on nothing of the bank may come, and which were offered before.
    stopped: BTreeMap<String, usize>,
    resting: bool,
}

impl Outside {
    /// Reads what the process says, answers what has to be answered, and tells whether an event was taken.
    fn hear(&mut self, line: &str, process: Option<&mut Running>) -> bool {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["send", psid, message, body] => {
                self.arrived.push((message.into(), psid.into(), hex::decode(body).expect("hex")));
                self.echoes.insert(message.into(), psid.into());
                if let Some(process) = process {
                    process.order(&format!("ok {message}"));
                    process.order(&format!("echo {message} {psid}"));
                }
            }
            ["echoed", message] => {
                self.echoes.remove(message);
            }
            ["took", n] => {
                let n = n.parse().expect("a number");
                self.took.insert(n);
                self.offered.remove(&n);
                return true;
            }
            ["asked", n] => {
                self.asked.insert(n.parse().expect("a number"));
            }
            ["resting"] => self.resting = true,
            // What the test program says by itself.
            _ => {}
        }
        false
    }

    /// Notes who has stopped everything: from here on nothing of the bank may arrive for them.
    async fn note_stops(&mut self, store: &Arc<dyn Store>, stopping: impl Iterator<Item = &String>) {
        for psid in stopping {
            let over = store.links_of_conversation(&conversation(psid)).await.unwrap().is_empty();
            if over && !self.stopped.contains_key(psid) {
                self.stopped.insert(psid.clone(), self.arrived.len());
            }
        }
    }

    /// Every byte that arrived has its message and its receipt in the store, and no message arrived twice.
    async fn hold_against(&mut self, store: &Arc<dyn Store>, receipts: &HashMap<String, usize>) {
        for (place, (message, psid, body)) in self.arrived.iter().enumerate().skip(self.checked) {
            let id: MessageId = message.parse().expect("an id");
            let entry = store.outbox_entry(id).await.expect("answers");
            let entry = entry.unwrap_or_else(|| panic!("bytes of {message} arrived and are not durable"));
            // Of one without bank data that is sent neither hash nor recipient is kept; its ticket is of them.
            let Address { channel, .. } = entry.row.recipient.clone();
            let recipient = Address { channel, psid: Psid::new(psid.as_str()).expect("an id") };
            let arrived = OutboxRow { recipient, payload_sha256: ids::sha256(&[body]), ..entry.row.clone() };
            let gate = Gate::new(store.keyring().ticket());
            assert!(gate.ticket_is_ours(&arrived), "other bytes than were decided, or to somebody else");
            assert_eq!(entry.person, store.keyring().blind_person(&conversation(psid)));
            if entry.row.basis.is_some() {
                let stopped = self.stopped.get(psid).is_some_and(|from| place >= *from);
                assert!(!stopped, "{message} arrived after the customer had stopped everything");
                let hash = hex::encode(ids::sha256(&[body]));
                assert!(receipts.contains_key(&hash), "bytes of {message} arrived without a receipt");
            }
        }
        self.checked = self.arrived.len();
        let different: BTreeSet<&String> = self.arrived.iter().map(|(message, ..)| message).collect();
        assert_eq!(different.len(), self.arrived.len(), "a message arrived twice");
    }
}

/// The receipts of one customer as far as they are known: nothing of that may change or go.
struct Chain {
    shard: Shard,
    customer: CustomerId,
    seq: u64,
    hash: [u8; 32],
}

impl Chain {
    /// Reads what is new, and checks that it follows what was there.
    async fn follow(&mut self, store: &Arc<dyn Store>, payloads: &mut HashMap<String, usize>) {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        loop {
            let page =
                store.receipts(self.shard, self.customer, self.seq.max(1), 1_000).await.expect("answers");
            let mut rows = page.into_iter();
            if self.seq > 0 {
                let known = rows.next().expect("the last receipt is still there");
                assert_eq!(ids::sha256(&[&known.bytes]), self.hash, "a receipt was changed");
            }
            let before = self.seq;
            for receipt in rows {
                let wire: serde_json::Value = serde_json::from_slice(&receipt.bytes).expect("JSON");
                assert_eq!(receipt.seq, self.seq + 1, "a gap");
                assert_eq!(
                    wire["prev"].as_str().expect("text"),
                    STANDARD.encode(self.hash),
                    "the chain forks"
                );
                if wire["kind"] == "disclosure" {
                    let payload = wire["payload_sha256"].as_str().expect("a hash").to_owned();
                    *payloads.entry(payload).or_default() += 1;
                }
                self.seq = receipt.seq;
                self.hash = ids::sha256(&[&receipt.bytes]);
            }
            if self.seq == before {
                return;
            }
        }
    }
}

/// The public log as an auditor reads it, from where the last audit ended: every entry, index and root since.
fn audited(folder: &Path, before: Option<&State>) -> State {
    let key = log_parts().signer.verifier().clone();
    let report = audit(&tiles(folder), &key, None, before, |_, _| ());
    report.unwrap_or_else(|fault| panic!("the log does not hold up: {fault}")).state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_18_killed_at_random_no_bytes_without_a_receipt_and_nothing_told_twice() {
    let mut rig = Rig::new().await;
    rig.with_log(log_in(rig.folder.path()));
    let psids: Vec<String> = (1..=CHATS).map(|n| n.to_string()).collect();
    let mut chains = Vec::new();
    for psid in &psids {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        rig.link(psid).await;
        let link = rig.store.links_of_conversation(&conversation(psid)).await.unwrap().remove(0);
        chains.push(Chain { shard: link.shard, customer: link.customer, seq: 0, hash: [0; 32] });
    }
    let random = SeededEntropy::new(4_711);
    let number = |below: u64| u64::from_be_bytes(random.bytes::<8>()) % below;
    let mut outside = Outside::default();
    let mut receipts = HashMap::new();
    let (mut purchases, mut questions, mut in_the_middle) = (Vec::<String>::new(), 1_000_000u64, 0u16);
    let mut stopping: BTreeMap<u64, String> = BTreeMap::new();
    let mut asked_by: BTreeMap<u64, String> = BTreeMap::new();
    rig.gateway.log_round().await.expect("a first checkpoint");
    let mut state = Some(audited(rig.folder.path(), None));
    let first = state.clone().expect("one");
    let begun = Instant::now();
    for round in 0..KILLS {
        let mut process = Running::start(rig.folder.path(), round, rig.clock.now());
        let first = process.lines.recv_timeout(PATIENCE);
        let first =
            std::iter::once(first).chain(std::iter::from_fn(|| Some(process.lines.recv_timeout(PATIENCE))));
        for line in first {
            let line = line.expect("the gateway starts");
            outside.hear(&line, None);
            if line == "ready" {
                break;
            }
        }
        // The platform brings its echoes again, the bank the events that nobody took.
        let again: Vec<String> = outside.echoes.iter().map(|(m, psid)| format!("echo {m} {psid}")).collect();
        let pushes: Vec<String> =
            outside.offered.iter().map(|(n, psid)| format!("push {n} {psid}")).collect();
        pushes.iter().for_each(|order| process.order(order));
        if STOPS.contains(&round) {
            questions += 1;
            let psid = psids[CHATS - 1 - stopping.len()].clone();
            stopping.insert(questions, psid);
        }
        for (n, psid) in &stopping {
            if !outside.asked.contains(n) {
                process.order(&format!("ask {n} {psid} stop"));
            }
        }
        let buyers = u64::try_from(CHATS - stopping.len()).unwrap();
        let mut push = |outside: &mut Outside, process: &mut Running| {
            let (n, psid) = (purchases.len(), psids[usize::try_from(number(buyers)).unwrap()].clone());
            outside.offered.insert(u64::try_from(n).unwrap(), psid.clone());
            process.order(&format!("push {n} {psid}"));
            purchases.push(psid);
        };
        (pushes.len()..PUSHES).for_each(|_| push(&mut outside, &mut process));
        questions += 1;
        let asker = &psids[usize::from(round) % usize::try_from(buyers).unwrap()];
        asked_by.insert(questions, asker.clone());
        process.order(&format!("ask {questions} {asker} balance"));
        // A moment at random, and whatever is said until then.
        let mut until = Instant::now() + Duration::from_millis(LIFE_MAX_MS);
        let mut lines = number(LINES_MAX);
        let (mut moved, mut left) = (false, PUSHES_IN_ROUND - PUSHES);
        // The platform's echoes come when they come: at once, or after what is new has begun.
        let echo_at = Instant::now() + Duration::from_millis(number(2) * number(ECHO_LATE_MAX_MS));
        let mut brought = false;
        loop {
            let now = Instant::now();
            if !brought && now >= echo_at {
                brought = true;
                again.iter().for_each(|order| process.order(order));
            }
            let next = if brought { until } else { until.min(echo_at) };
            match process.lines.recv_timeout(next.saturating_duration_since(now)) {
                Ok(line) => {
                    lines = lines.saturating_sub(1);
                    if lines == 0 {
                        until = until.min(Instant::now() + Duration::from_millis(number(LATER_MAX_MS)));
                        lines = u64::MAX;
                    }
                    if outside.hear(&line, Some(&mut process)) && left > 0 {
                        left -= 1;
                        push(&mut outside, &mut process);
                    }
                }
                Err(RecvTimeoutError::Timeout) if next < until => {}
                Err(_) => break,
            }
            // When every echo is settled, what is still in doubt has not arrived: the minute is over.
            if !moved
                && brought
                && outside.echoes.keys().all(|m| !again.iter().any(|order| order.contains(m.as_str())))
            {
                moved = true;
                process.order(&format!("advance {ADVANCE_S}"));
                rig.clock.advance_s(ADVANCE_S);
            }
        }
        for line in process.kill() {
            outside.hear(&line, None);
        }
        for chain in &mut chains {
            chain.follow(&rig.store, &mut receipts).await;
        }
        outside.hold_against(&rig.store, &receipts).await;
        state = Some(audited(rig.folder.path(), state.as_ref()));
        let counts = rig.store.counts().await.unwrap();
        if counts.inbox_waiting + counts.outbox_open > 0 || !outside.offered.is_empty() {
            in_the_middle += 1;
        }
        outside.note_stops(&rig.store, stopping.values()).await;
    }
    let (killed_in, in_time) = (begun.elapsed(), outside.arrived.len());

    // Nobody kills it any more: it comes to rest, and everything that was taken has been told, once.
    let mut process = Running::start(rig.folder.path(), KILLS, rig.clock.now());
    let again: Vec<String> = outside.echoes.iter().map(|(m, psid)| format!("echo {m} {psid}")).collect();
    again.iter().for_each(|order| process.order(order));
    let (mut asked, resting_from) = (false, Instant::now());
    let mut advanced = Instant::now();
    // As long as messages arrive it is on its way: how many are left is a matter of how quickly events were taken.
    let (mut until, mut came) = (Instant::now() + PATIENCE, outside.arrived.len());
    while !outside.resting {
        if outside.arrived.len() > came {
            (until, came) = (Instant::now() + PATIENCE, outside.arrived.len());
        }
        let left = until.saturating_duration_since(Instant::now());
        let line = process.lines.recv_timeout(left.min(Duration::from_millis(200)));
        match line {
            Ok(line) => drop(outside.hear(&line, Some(&mut process))),
            Err(_) if left.is_zero() => {
                let counts = rig.store.counts().await.unwrap();
                let mut stuck = Vec::new();
                for message in outside.echoes.keys() {
                    stuck.push(rig.store.outbox_entry(message.parse().expect("an id")).await.unwrap());
                }
                panic!("the gateway does not come to rest: {counts:?}, no echo settled {stuck:#?}");
            }
            Err(_) => {}
        }
        // Not at every line: on a busy machine days would pass, and an answer's ticket with them.
        if outside.echoes.is_empty() && advanced.elapsed() >= REST_STEP {
            advanced = Instant::now();
            process.order(&format!("advance {ADVANCE_S}"));
            if !std::mem::replace(&mut asked, true) {
                process.order("rest");
            }
        }
    }
    let rested_in = resting_from.elapsed();
    for line in process.kill() {
        outside.hear(&line, None);
    }
    for chain in &mut chains {
        chain.follow(&rig.store, &mut receipts).await;
    }
    outside.hold_against(&rig.store, &receipts).await;
    // A stop of the last rounds may have had its turn only now.
    outside.note_stops(&rig.store, stopping.values()).await;

    // The log from its first entry on, and for each customer a proof that these receipts are there and no others.
    rig.with_log(log_in(rig.folder.path()));
    rig.gateway.log_round().await.expect("a last checkpoint");
    let last = audited(rig.folder.path(), None);
    assert!(last.size > state.as_ref().map_or(0, |s| s.size) && last.segment > 3, "{last:?}");
    assert_eq!(audited(rig.folder.path(), state.as_ref()), last);
    let key = log_parts().signer.verifier().to_string();
    for chain in &mut chains {
        let bank = InstitutionId::new(BANK).unwrap();
        let bundle = rig
            .gateway
            .bundle_of(&bank, chain.shard, chain.customer, Recipient::Customer, BundleAsk::since(first.size))
            .await;
        let trust = Trust {
            vkey: Some(key.clone()),
            since: Some((first.size, first.root).into()),
            ..Trust::default()
        };
        let good =
            verify(&bundle.expect("a bundle").json, &trust).unwrap_or_else(|refused| panic!("{refused}"));
        chain.follow(&rig.store, &mut receipts).await;
        assert_eq!(good.receipts, chain.seq, "every receipt is proved");
    }

    let counts = rig.store.counts().await.unwrap();
    let aside = (counts.inbox_failed, counts.outbox_dead, counts.alarms_open);
    assert_eq!(aside, (0, 0, 0), "events given up, messages given up, alarms");

    let mut told: HashMap<String, usize> = HashMap::new();
    for (.., body) in &outside.arrived {
        for amount in amounts(&String::from_utf8_lossy(body)) {
            *told.entry(amount).or_default() += 1;
        }
    }
    for (n, psid) in (0u64..).zip(&purchases) {
        let times = told.get(&amount(n)).copied().unwrap_or(0);
        assert!(times <= 1, "the purchase of {} was told {times} times", amount(n));
        // What was taken is told, but to who stopped everything meanwhile.
        let forgotten = times == 0 && outside.took.contains(&n) && !outside.stopped.contains_key(psid);
        assert!(!forgotten, "the purchase of {} for {psid} was taken and never told", amount(n));
    }
    assert_eq!(outside.stopped.len(), STOPS.len(), "everybody who wanted to stop has stopped");
    // A question that was taken is answered once; one that was on its way when the process died, at most once.
    for psid in &psids {
        let to_them = outside.arrived.iter().filter(|(_, to, _)| to == psid);
        let answers =
            to_them.filter(|(.., body)| String::from_utf8_lossy(body).contains("$1,234.56")).count();
        let offered: Vec<&u64> = asked_by.iter().filter(|(_, of)| *of == psid).map(|(n, _)| n).collect();
        let taken = offered.iter().filter(|n| outside.asked.contains(n)).count();
        let least = if outside.stopped.contains_key(psid) { 0 } else { taken };
        assert!(
            (least..=offered.len()).contains(&answers),
            "{answers} answers to {psid}, who asked {} times, of which {taken} were taken; beside them: {:#?}",
            offered.len(),
            outside
                .arrived
                .iter()
                .filter(|(_, to, _)| to == psid)
                .map(|(.., body)| String::from_utf8_lossy(body))
                .filter(|body| !body.contains("$1,234.56") && amounts(body).is_empty())
                .collect::<Vec<_>>()
        );
    }
    // The load was a load, and the kills came while it was carried.
    assert!(in_time > 5 * usize::from(KILLS), "only {in_time} messages arrived between the kills");
    assert!(in_the_middle > KILLS / 2, "only {in_the_middle} of {KILLS} kills left something unfinished");
    println!(
        "{KILLS} kills in {killed_in:?}, {in_the_middle} of them in the middle of something; {} purchases taken of {}, \
         {in_time} messages before the last kill, {} in all, {} disclosures on record; at rest {rested_in:?} after the \
         last start",
        outside.took.len(),
        purchases.len(),
        outside.arrived.len(),
        receipts.len(),
    );
}

/// The amounts that a text says.
pub(crate) fn amounts(text: &str) -> Vec<String> {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    text.match_indices('$')
        .map(|(at, _)| {
            text[at..].chars().enumerate().take_while(|(i, c)| *i == 0 || digits(*c)).map(|(_, c)| c)
        })
        .map(|amount| amount.collect::<String>().trim_end_matches(['.', ',']).to_owned())
        .collect()
}
