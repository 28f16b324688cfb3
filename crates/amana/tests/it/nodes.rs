//! Three gateways on one PostgreSQL, killed and stopped at random under load: nothing is lost, told twice or out of
//! order.
//!
//! What is true afterwards says a program of its own, `examples/nodes_check.rs`, from the simulator's record and the
//! public log. The faults follow from a seed: `AMANA_TEST_NODES_SEED`; how many there are, `AMANA_TEST_NODES_FAULTS`;
//! for how long a node is stopped, `AMANA_TEST_NODES_PAUSE_S`; how often is bought, `AMANA_TEST_NODES_BUY_MS`. A node
//! that is stopped is replaced at once, as a supervisor does, and goes on beside its successors when its time has come.
//!
//! How long a hand-over took is read from the database: from its clock right before the fault to the time that each
//! shard's lease bears. When the test gets to look at it is not in it.

use crate::browser::client;
use crate::chat::{Chat, Till, link};
use crate::process::{CONTROLLER, DOUBT, PATIENCE, Running, amana, amana_says, folder, run};
use crate::serve::{POSTGRES_URL, free_port, sql};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What an operator has before the nodes: hands each request to a node that answers, the next one each time.
struct Front {
    ports: Mutex<Vec<u16>>,
    turn: AtomicUsize,
    /// Whether a node that does not answer soon is passed over.
    impatient: AtomicBool,
    client: reqwest::Client,
}

async fn pass_on(
    State(front): State<Arc<Front>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let patience = if front.impatient.load(Ordering::Relaxed) { 2 } else { 30 };
    let first = front.turn.fetch_add(1, Ordering::Relaxed);
    let ports = front.ports.lock().expect("ports").clone();
    for n in 0..ports.len() {
        let port = ports[(first + n) % ports.len()];
        let sent = front
            .client
            .request(method.clone(), format!("http://127.0.0.1:{port}{path}"))
            .headers(headers.clone())
            .body(body.clone())
            .timeout(Duration::from_secs(patience))
            .send()
            .await;
        let Ok(answer) = sent else { continue };
        if answer.status().is_server_error() {
            continue;
        }
        let (status, heads) = (answer.status(), answer.headers().clone());
        let Ok(bytes) = answer.bytes().await else { continue };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = status;
        *response.headers_mut() = heads;
        response.headers_mut().remove(header::TRANSFER_ENCODING);
        return response;
    }
    let mut response = Response::new(Body::from("no node answers"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// Numbers that follow from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// What of the leases concerns a test, read from the database.
struct Leases(tokio_postgres::Client);

impl Leases {
    async fn of(url: &str) -> Self {
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL");
        tokio::spawn(connection);
        Self(client)
    }

    async fn count(&self, text: &str) -> i64 {
        self.0.query_one(text, &[]).await.expect("reads").get(0)
    }

    /// The shards that nobody has who lives, or that this process had.
    async fn astray(&self, process: u32) -> i64 {
        self.count(&format!(
            "SELECT count(*) FROM lease l LEFT JOIN node n ON n.id = l.node \
             WHERE n.id IS NULL OR n.ended_at IS NOT NULL OR n.name LIKE '%(process {process})'"
        ))
        .await
    }

    /// The database's clock, in microseconds.
    async fn clock(&self) -> i64 {
        self.count("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)").await
    }

    /// Waits until every shard is held by one who lives and is not this process; how long after `from` the last one was
    /// taken, by the database's clock.
    async fn handed_over(&self, process: u32, from: i64) -> Duration {
        let begun = Instant::now();
        while self.astray(process).await > 0 {
            assert!(begun.elapsed() < PATIENCE, "shards are nobody's");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let last = self.count("SELECT max(since) FROM lease").await;
        Duration::from_micros(u64::try_from(last - from).expect("later"))
    }

    /// Ends the node that makes the next claim, in the very commit of that claim: the message's id and the node's name.
    async fn end_at_next_claim(&self) -> (String, String) {
        let trap = "CREATE TABLE caught (one BIGINT PRIMARY KEY, message BYTEA, node BIGINT);
            CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE of BIGINT;
            BEGIN
                IF OLD.state = 0 AND NEW.state = 1 THEN
                    SELECT node INTO of FROM lease WHERE shard = NEW.shard;
                    INSERT INTO caught VALUES (1, NEW.message, of) ON CONFLICT DO NOTHING;
                    IF NOT FOUND THEN RETURN NULL; END IF;
                    UPDATE node SET ended_at = until, fenced = 1 WHERE id = of;
                    UPDATE lease SET node = NULL, epoch = epoch + 1 WHERE node = of;
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER trap AFTER UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION trap();";
        self.0.batch_execute(trap).await.expect("the trap is set");
        let begun = Instant::now();
        let caught = "SELECT encode(c.message, 'hex'), n.name FROM caught c JOIN node n ON n.id = c.node";
        loop {
            if let Some(row) = self.0.query_opt(caught, &[]).await.expect("reads") {
                self.0.batch_execute("DROP TRIGGER trap ON outbox").await.expect("it is taken away");
                return (row.get(0), row.get(1));
            }
            assert!(begun.elapsed() < PATIENCE, "nothing was sent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until so many live, and each has its share.
    async fn shared_by(&self, nodes: i64) {
        let begun = Instant::now();
        let text = "SELECT count(*) FROM (SELECT node FROM lease WHERE node IS NOT NULL GROUP BY node \
             HAVING count(*) BETWEEN 4096 / $1 - $1 AND 4096 / $1 + 1) s"
            .replace("$1", &nodes.to_string());
        while self.count(&text).await < nodes {
            assert!(begun.elapsed() < PATIENCE, "the shards are not shared");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until no event waits and no message is open.
    async fn at_rest(&self, chat: &Chat, world: &World) {
        // A message may be in doubt twice: with its own node, and with the one that took its shard.
        let until =
            Instant::now() + Duration::from_secs(number("AMANA_TEST_NODES_REST_S", 2 * DOUBT.as_secs()));
        let open = "SELECT (SELECT count(*) FROM inbox WHERE state = 0) \
             + (SELECT count(*) FROM outbox WHERE state < 4) + (SELECT count(*) FROM waiting)";
        while self.count(open).await > 0 {
            if Instant::now() > until {
                let logs: Vec<String> = world.nodes.iter().flatten().map(Running::log).collect();
                panic!("the gateway does not come to rest: {}", logs.join("\n---\n"));
            }
            // Each node must hear that the platform's webhooks come in, else no echo is missed.
            chat.say("hello").await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

/// A hand-over that takes so long is looked into: the nodes' own words are printed.
const SLOW: Duration = Duration::from_secs(4);

/// So many lines are a node's last words.
const LAST_LINES: usize = 80;

struct World {
    folder: PathBuf,
    /// A node's configuration, for the port 0.
    text: String,
    front: Arc<Front>,
    nodes: Vec<Option<Running>>,
}

impl World {
    fn config(&self, node: usize) -> PathBuf {
        self.folder.join(format!("node{node}.toml"))
    }

    /// Starts again what ended by itself, as an operator's supervisor does: on a busy machine a node may miss its time.
    async fn look_after(&mut self) -> usize {
        let mut ended = 0;
        for node in 0..self.nodes.len() {
            if self.nodes[node].as_mut().is_some_and(Running::is_over) {
                let log = self.nodes[node].take().map(|node| node.log()).unwrap_or_default();
                assert!(log.contains("this node's lease is over"), "node {node} ended: {log}");
                self.start(node).await;
                ended += 1;
            }
        }
        ended
    }

    /// What the nodes that run said last.
    fn last_words(&self) -> Vec<String> {
        let last = |node: &Running| {
            let log = node.log();
            let lines: Vec<&str> = log.lines().collect();
            format!("process {}:\n{}", node.id(), lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
        };
        self.nodes.iter().flatten().map(last).collect()
    }

    /// Waits for the end of a node that others ended.
    fn ended_by_others(node: Running) {
        let (status, log) = node.ended();
        assert!(!status.success() && log.contains("this node's lease is over"), "{status}: {log}");
    }

    /// Starts a node, at a port of its own, and waits until it serves.
    async fn start(&mut self, node: usize) {
        let port = free_port();
        let text = self.text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
        std::fs::write(self.config(node), text).expect("written");
        let mut command = amana();
        command.arg("serve").arg("--config").arg(self.config(node));
        self.nodes[node] = Some(Running::start(command));
        let (until, url) = (Instant::now() + PATIENCE, format!("http://127.0.0.1:{port}/readyz"));
        while !client().get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let log = self.nodes[node].as_ref().map(Running::log).unwrap_or_default();
            assert!(Instant::now() < until, "node {node} does not serve: {log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.front.ports.lock().expect("ports")[node] = port;
    }
}

fn configuration(folder: &Path, front: &str, store: &str, bank: &str, chat: &str) -> String {
    let (at, host) = (folder.display(), chat.trim_start_matches("http://"));
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
public_url = "{front}"
allow_private_addresses = true
[store]
url = "{store}"
[keys]
master_key_file = "{at}/master.key"
custody_file = "{at}/custody.sqlite"
[disclosure_log]
dir = "{at}/log"
[messenger]
graph_url = "{chat}"
app_id = "1900000000000001"
app_secret = "sandbox-app-secret"
verify_token = "sandbox-verify-token"
redirect_hosts = ["{host}"]
[[messenger.page]]
id = "55"
token_file = "{at}/page_token"
institutions = ["harbor-bank"]
[[institution]]
id = "harbor-bank"
name = "Harbor Bank"
issuer = "{bank}/harbor-bank"
api_url = "{bank}/harbor-bank/fdx/v6"
client_id = "gw"
client_secret = "client-secret-1"
agreement = "detail"
{CONTROLLER}
event_token = "event-token-1"
[log]
format = "json"
"#
    )
}

/// The bank's customers, each with chats.
const PEOPLE: [(&str, [&str; 3]); 2] =
    [("sam", ["sam-a", "sam-b", "sam-c"]), ("omar", ["omar-a", "omar-b", "omar-c"])];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_while_nodes_die_and_stop() {
    let Ok(admin) = std::env::var(POSTGRES_URL) else {
        panic!("{POSTGRES_URL} is not set: run `cargo xtask test`, which starts a PostgreSQL cluster");
    };
    let name = format!("amana_nodes_{}", std::process::id());
    sql(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    sql(&admin, &format!("CREATE DATABASE {name}")).await;
    let (server, _) = admin.rsplit_once('/').expect("a url with a database");
    let store = format!("{server}/{name}");
    let (faults, seed) = (number("AMANA_TEST_NODES_FAULTS", 3), number("AMANA_TEST_NODES_SEED", 1));
    let pause = Duration::from_secs(number("AMANA_TEST_NODES_PAUSE_S", 6));
    let between = Duration::from_millis(number("AMANA_TEST_NODES_BUY_MS", 500));

    // What stands around the nodes.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let front_url = format!("http://{}", listener.local_addr().expect("an address"));
    let front = Arc::new(Front {
        ports: Mutex::new(vec![0; 3]),
        turn: AtomicUsize::new(0),
        impatient: AtomicBool::new(false),
        client: client(),
    });
    let app = axum::Router::new().fallback(pass_on).with_state(front.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (keep, _) = folder();
    let mut command = amana();
    command.args([
        "sandbox",
        "bank",
        "--port",
        "0",
        "--client",
        "gw=client-secret-1",
        "--event-token",
        "event-token-1",
    ]);
    command.arg("--redirect-uri").arg(format!("{front_url}/link/callback"));
    command.arg("--event-url").arg(format!("{front_url}/events"));
    command.arg("--data-dir").arg(keep.path().join("bank"));
    let mut bank = Running::start(command);
    let bank_url = bank.json()["bank"].as_str().expect("a url").to_owned();
    let mut command = amana();
    command.args(["sandbox", "messenger", "--port", "0", "--page", "55=page-token-1=Harbor"]);
    command.arg("--webhook").arg(format!("{front_url}/webhooks/messenger"));
    let mut messenger = Running::start(command);
    let chat_url = messenger.json()["graph_url"].as_str().expect("a url").trim_end_matches('/').to_owned();

    let text = configuration(keep.path(), &front_url, &store, &bank_url, &chat_url);
    let mut world =
        World { folder: keep.path().to_owned(), text, front: front.clone(), nodes: vec![None, None, None] };
    std::fs::write(keep.path().join("page_token"), "page-token-1\n").expect("written");
    std::fs::write(keep.path().join("master.key"), "5a".repeat(32)).expect("written");
    // The first makes the schema and the keys.
    for node in 0..3 {
        world.start(node).await;
    }
    let leases = Leases::of(&store).await;
    leases.shared_by(3).await;
    let says = |arguments: &[&str]| {
        let mut command = amana();
        command.args(arguments).arg("--config").arg(world.config(0));
        run(command)
    };
    assert_eq!(says(&["messenger", "setup"]).code, Some(0));
    let vkey = says(&["audit", "key"]).out.trim().to_owned();

    let mut chats = Vec::new();
    for (customer, people) in PEOPLE {
        for person in people {
            let chat = Chat::new(&chat_url, "55", person);
            link(&chat, "harbor-bank", customer, "detail").await;
            chat.hears(0, "is linked").await;
            chats.push((customer, chat.psid().await, chat));
        }
    }
    front.impatient.store(true, Ordering::Relaxed);
    // The platform's limit of calls a day is not what is tried here.
    let settings = format!("{chat_url}/control/settings");
    let lifted =
        client().post(settings).json(&serde_json::json!({"calls_per_person": 1_000_000})).send().await;
    assert!(lifted.expect("an answer").status().is_success());

    // The load: purchases of both, one after the other, until the faults are over.
    let over = Arc::new(AtomicBool::new(false));
    let buying = tokio::spawn({
        let (over, bank_url) = (over.clone(), bank_url.clone());
        async move {
            let (till, mut bought) = (Till::new(&bank_url, "harbor-bank"), Vec::new());
            // Whom an aunt makes rich buys from that account for as long as it takes.
            let mut accounts = Vec::new();
            for (customer, _) in PEOPLE {
                let rich = serde_json::json!({"customer": customer, "amount": "500000.00", "from": "Aunt"});
                accounts.push((customer, till.act("deposit", rich).await["accountId"].clone()));
            }
            while !over.load(Ordering::Relaxed) {
                for (customer, account) in &accounts {
                    // Amounts tell the purchases apart.
                    let number = bought.len() + 1;
                    let amount = format!("{}.{:02}", number / 100, number % 100);
                    let order = serde_json::json!({
                        "customer": customer, "accountId": account, "merchant": "Corner Shop", "amount": amount,
                    });
                    till.act("purchase", order).await;
                    bought.push((*customer, amount));
                }
                tokio::time::sleep(between).await;
            }
            bought
        }
    });
    // And people who ask: their words come in by webhooks, at any node.
    let mut dice = Dice(seed);
    let (mut took, mut late) = (Vec::new(), 0);
    // First one whose lease ends right after it claimed a message: it must not send that any more.
    let (claimed, caught) = leases.end_at_next_claim().await;
    let at = |node: &Option<Running>| {
        node.as_ref().is_some_and(|n| caught.ends_with(&format!("(process {})", n.id())))
    };
    let victim = world.nodes.iter().position(at).expect("one of the three");
    World::ended_by_others(world.nodes[victim].take().expect("it runs"));
    let sends = format!("{chat_url}/control/sends");
    let sent = async || {
        let text = client().get(&sends).send().await.expect("an answer").text().await.expect("text");
        text.matches(&claimed).count()
    };
    assert_eq!(sent().await, 0, "node {victim} sent what it had claimed after others had ended it");
    world.start(victim).await;
    leases.shared_by(3).await;

    let mut asleep: Vec<(Instant, Running)> = Vec::new();
    for fault in 0..faults {
        tokio::time::sleep(Duration::from_millis(500 + dice.next(1500))).await;
        for _ in 0..asleep.iter().take_while(|(wakes, _)| *wakes <= Instant::now()).count() {
            let (_, node) = asleep.remove(0);
            node.signal("-CONT");
            World::ended_by_others(node);
        }
        let victim = usize::try_from(dice.next(3)).expect("small");
        late += world.look_after().await;
        let asking = usize::try_from(dice.next(chats.len() as u64)).expect("small");
        chats[asking].2.say("what is my balance?").await;
        let node = world.nodes[victim].take().expect("it runs");
        let (process, from) = (node.id(), leases.clock().await);
        let what = if dice.next(2) == 0 {
            node.kill();
            "killed"
        } else {
            node.signal("-STOP");
            asleep.push((Instant::now() + pause, node));
            "stopped"
        };
        let time = leases.handed_over(process, from).await;
        println!("fault {fault}: node {victim} {what}, its shards were others' after {time:?}");
        if time >= SLOW {
            println!("it was slow; the others said meanwhile:\n{}", world.last_words().join("\n---\n"));
        }
        took.push(time);
        world.start(victim).await;
        late += world.look_after().await;
        leases.shared_by(3).await;
    }
    for (wakes, node) in asleep {
        tokio::time::sleep(wakes.saturating_duration_since(Instant::now())).await;
        node.signal("-CONT");
        World::ended_by_others(node);
    }
    over.store(true, Ordering::Relaxed);
    let bought = buying.await.expect("bought");
    late += world.look_after().await;
    leases.at_rest(&chats[0].2, &world).await;
    took.sort_unstable();
    let slowest = took.last().copied().unwrap_or_default();
    println!(
        "{faults} faults, {late} nodes late by themselves, {} purchases; handed over: median {:?}, slowest {slowest:?}",
        bought.len(),
        took.get(took.len() / 2)
    );
    assert_eq!(
        leases.count("SELECT count(*) FROM outbox WHERE state = 5").await,
        0,
        "messages were given up"
    );
    assert_eq!(leases.count("SELECT count(*) FROM inbox WHERE state = 2").await, 0, "events were given up");

    assert_eq!(sent().await, 1, "what was claimed was sent by another, once");

    // One that is told to stop gives its shards back at once.
    let node = world.nodes[2].take().expect("it runs");
    let process = node.id();
    let (status, _) = node.interrupt();
    assert!(status.success());
    assert!(leases.count(&format!("SELECT shards_of.n FROM (SELECT count(*) AS n FROM lease l JOIN node n ON n.id = l.node WHERE n.name LIKE '%(process {process})') shards_of")).await == 0);

    let mut record = String::new();
    for (customer, psid, _) in &chats {
        writeln!(record, "chat {customer} {psid}").expect("written");
    }
    for (customer, amount) in &bought {
        writeln!(record, "bought {customer} ${amount}").expect("written");
    }
    let path = keep.path().join("record");
    std::fs::write(&path, record).expect("written");
    let tool = Path::new(env!("CARGO_BIN_EXE_amana")).with_file_name("examples").join("nodes_check");
    assert!(tool.exists(), "build the checker: cargo build -p amana --example nodes_check");
    let mut command = std::process::Command::new(tool);
    command.arg(&path).arg(&chat_url).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let said = run(command);
    print!("{}", said.out);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let log = format!("{front_url}/log");
    let said = amana_says(&["audit", "log", "--url", &log, "--vkey", &vkey, "--json"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    println!("the log: {}", report["report"]["receipts"]);
    // Each of these messages has a receipt of the disclosure and one of its outcome.
    let told: u64 = bought.iter().map(|_| 3).sum();
    assert!(report["report"]["receipts"].as_u64().expect("a count") >= 2 * told, "{report}");
    // What was lost or doubled is told first, for it would be worse.
    assert!(slowest < Duration::from_secs(5), "{took:?}");
    drop(world);
    sql(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
