//! The gateway as four processes: the whole story passes, and each process has its own secrets and no others.

use crate::browser::client;
use crate::chat::{Chat, Till, link};
use crate::process::{CONTROLLER, PATIENCE, Running, Said, amana, amana_at, folder, run};
use crate::serve::{POSTGRES_URL, sql, try_sql};
use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ROLES: [&str; 4] = ["gate", "connector", "egress", "web"];
const MASTER_KEY: &str = "5a17c0ffee5a17c0ffee5a17c0ffee5a17c0ffee5a17c0ffee5a17c0ffee5a17";

/// Each secret: the file's name, what is in it, and whose it is.
const SECRETS: [(&str, &str, &[&str]); 7] = [
    ("master.key", MASTER_KEY, &["gate"]),
    ("app_secret", "app-secret-7Qx1", &["gate"]),
    // What `amana messenger proof` makes of app secret and page token.
    ("page_proof", "e50e00dfcfa9acae45c8ff3cac8de9870668de3c4d5b0aa4278dd67e3961e638", &["egress"]),
    ("verify_token", "verify-token-8Rw2", &["gate"]),
    ("page_token", "page-token-9Sv3", &["egress"]),
    ("client_secret", "client-secret-1Tu4", &["connector"]),
    ("event_token", "event-token-2Ut5", &["gate"]),
];

fn secret(name: &str) -> &'static str {
    SECRETS.iter().find(|(file, ..)| *file == name).expect("a secret").1
}

/// How the four are set up.
enum Shape {
    /// One user, a private folder, SQLite.
    OneUser,
    /// Each a user of its own, on PostgreSQL: the address of the store, and the one by which egress reads two tables.
    Apart { store: String, flags: String },
}

/// The numbers of the users of [`Shape::Apart`]; nobody needs to know them by name.
fn user(role: &str) -> u32 {
    61_001 + u32::try_from(ROLES.iter().position(|one| *one == role).expect("a role")).expect("small")
}

/// Whose group may enter a role's folder: its caller's.
fn caller(role: &str) -> &'static str {
    if role == "gate" { "web" } else { "gate" }
}

struct World {
    keep: tempfile::TempDir,
    shape: Shape,
    /// The gate's verifying key, once it is known.
    egress_key: String,
    gateway_url: String,
    bank_url: String,
    chat_url: String,
    _bank: Running,
    _messenger: Running,
    roles: BTreeMap<&'static str, Running>,
}

impl World {
    fn start() -> Self {
        Self::of(Shape::OneUser)
    }

    fn of(shape: Shape) -> Self {
        let (keep, _) = folder();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address")
            .port();
        let gateway_url = format!("http://127.0.0.1:{port}");
        let mut command = amana();
        command.args(["sandbox", "bank", "--port", "0", "--rotate-refresh-tokens"]);
        command.arg("--client").arg(format!("gw={}", secret("client_secret")));
        command.arg("--event-token").arg(secret("event_token"));
        command.arg("--redirect-uri").arg(format!("{gateway_url}/link/callback"));
        command.arg("--event-url").arg(format!("{gateway_url}/events"));
        command.arg("--data-dir").arg(keep.path().join("bank"));
        let mut bank = Running::start(command);
        let bank_url = bank.json()["bank"].as_str().expect("a url").to_owned();
        let mut command = amana();
        command.args(["sandbox", "messenger", "--port", "0", "--require-proof"]);
        command.arg("--page").arg(format!("55={}=Harbor", secret("page_token")));
        command
            .arg("--app-secret")
            .arg(secret("app_secret"))
            .arg("--verify-token")
            .arg(secret("verify_token"));
        command.arg("--webhook").arg(format!("{gateway_url}/webhooks/messenger"));
        let mut messenger = Running::start(command);
        let chat_url =
            messenger.json()["graph_url"].as_str().expect("a url").trim_end_matches('/').to_owned();
        let world = Self {
            keep,
            shape,
            egress_key: String::new(),
            gateway_url,
            bank_url,
            chat_url,
            _bank: bank,
            _messenger: messenger,
            roles: BTreeMap::new(),
        };
        // The operator has all; each role its own files in a folder of its own.
        world.settle("operator", |_| true);
        for role in ROLES {
            world.settle(role, |owners| owners.contains(&role));
        }
        if matches!(world.shape, Shape::Apart { .. }) {
            world.set_apart();
        }
        world
    }

    /// What an operator does for four users: `docs/operate.md`.
    fn set_apart(&self) {
        use std::os::unix::fs::chown;
        // The users must get to the program and to their own folders; what is in another's is shut.
        mode(self.keep.path(), 0o711);
        let program = self.keep.path().join("amana");
        let built = env!("CARGO_BIN_EXE_amana");
        std::fs::hard_link(built, &program)
            .or_else(|_| std::fs::copy(built, &program).map(|_| ()))
            .expect("a copy of the program");
        let run = self.keep.path().join("r");
        std::fs::create_dir(&run).expect("a folder");
        mode(&run, 0o755);
        for role in ["gate", "connector", "egress"] {
            let own = run.join(role);
            std::fs::create_dir(&own).expect("a folder");
            chown(&own, Some(user(role)), Some(user(caller(role)))).expect("root may");
            mode(&own, 0o2750);
        }
        let link = self.keep.path().join("link.key");
        std::fs::write(&link, format!("{}\n", "7b".repeat(32))).expect("written");
        chown(&link, Some(user("connector")), Some(user("gate"))).expect("root may");
        mode(&link, 0o440);
        for role in ROLES {
            self.give(role);
        }
    }

    /// A role's folder and what is in it is its user's, and shut.
    fn give(&self, role: &str) {
        let own = self.keep.path().join(role);
        for path in std::fs::read_dir(&own).expect("a folder").map(|entry| entry.expect("a file").path()) {
            std::os::unix::fs::chown(&path, Some(user(role)), Some(user(role))).expect("root may");
            mode(&path, 0o600);
        }
        std::os::unix::fs::chown(&own, Some(user(role)), Some(user(role))).expect("root may");
        mode(&own, 0o700);
    }

    /// Whether a role's user may do this (`-r`, `-w`) with a file.
    fn may(&self, role: &str, what: &str, path: &Path) -> bool {
        use std::os::unix::process::CommandExt as _;
        let mut command = std::process::Command::new("test");
        command.arg(what).arg(path).uid(user(role)).gid(user(role));
        command.status().expect("`test` runs").success()
    }

    fn socket(&self, role: &str) -> PathBuf {
        match self.shape {
            Shape::OneUser => self.keep.path().join(format!("r/{role}.sock")),
            Shape::Apart { .. } => self.keep.path().join(format!("r/{role}/{role}.sock")),
        }
    }

    fn config(&self, who: &str) -> PathBuf {
        self.keep.path().join(who).join("amana.toml")
    }

    /// The folder of one who runs something: the same configuration, and the files of the secrets that are theirs.
    fn settle(&self, who: &str, theirs: impl Fn(&[&str]) -> bool) {
        let own = self.keep.path().join(who);
        std::fs::create_dir_all(&own).expect("a folder");
        for (file, content, owners) in SECRETS {
            if theirs(owners) {
                std::fs::write(own.join(file), format!("{content}\n")).expect("written");
            }
        }
        let host = self.chat_url.trim_start_matches("http://");
        let (store, mut apart) = match &self.shape {
            Shape::OneUser => {
                (format!("sqlite:{}", self.keep.path().join("db/amana.sqlite").display()), String::new())
            }
            Shape::Apart { store, .. } => {
                // With its password in the environment of those who may have it.
                let mut bare = url::Url::parse(store).expect("a url");
                bare.set_password(None).expect("a host");
                let link = self.keep.path().join("link.key");
                (bare.into(), format!("separate_users = true\nlink_key_file = \"{}\"\n", link.display()))
            }
        };
        if !self.egress_key.is_empty() {
            apart.push_str(&format!("egress_key = \"{}\"\n", self.egress_key));
        }
        if let Shape::Apart { flags, .. } = &self.shape {
            apart.push_str(&format!("flags_url_file = \"{}\"\n", own.join("flags_url").display()));
            if who == "egress" {
                std::fs::write(own.join("flags_url"), flags).expect("written");
            }
        }
        let at = |file: &str| own.join(file).display().to_string();
        let text = format!(
            r#"
[server]
listen = "{listen}"
public_url = "{gateway}"
allow_private_addresses = true
[store]
url = "{store}"
[keys]
master_key_file = "{master}"
custody_file = "{custody}"
[roles]
folder = "{roles}"
{apart}[disclosure_log]
dir = "{log}"
[messenger]
graph_url = "{chat}"
app_id = "1900000000000001"
app_secret_file = "{app_secret}"
verify_token_file = "{verify}"
redirect_hosts = ["{host}"]
[[messenger.page]]
id = "55"
token_file = "{page}"
proof_file = "{proof}"
institutions = ["harbor-bank"]
[[institution]]
id = "harbor-bank"
name = "Harbor Bank"
issuer = "{bank}/harbor-bank"
api_url = "{bank}/harbor-bank/fdx/v6"
client_id = "gw"
client_secret_file = "{client}"
agreement = "detail"
{CONTROLLER}
event_token_file = "{event}"
[log]
format = "json"
"#,
            listen = self.gateway_url.trim_start_matches("http://"),
            gateway = self.gateway_url,
            log = self.keep.path().join("gate").join("log").display(),
            proof = at("page_proof"),
            custody = self.keep.path().join("gate").join("custody.sqlite").display(),
            master = at("master.key"),
            roles = self.keep.path().join("r").display(),
            chat = self.chat_url,
            app_secret = at("app_secret"),
            verify = at("verify_token"),
            page = at("page_token"),
            bank = self.bank_url,
            client = at("client_secret"),
            event = at("event_token"),
        );
        std::fs::write(self.config(who), text).expect("written");
    }

    fn command(&self, who: &str, arguments: &[&str]) -> std::process::Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = amana();
        if let Shape::Apart { store, .. } = &self.shape {
            if ROLES.contains(&who) {
                command = amana_at(&self.keep.path().join("amana"));
                command.uid(user(who)).gid(user(who)).current_dir(self.keep.path().join(who));
            }
            if ["gate", "operator"].contains(&who) {
                command.env("AMANA_STORE__URL", store);
            }
        }
        command.args(arguments).arg("--config").arg(self.config(who));
        command
    }

    fn says(&self, who: &str, arguments: &[&str]) -> Said {
        run(self.command(who, arguments))
    }

    fn begin(&mut self, role: &'static str) {
        self.roles.insert(role, Running::start(self.command(role, &["serve", "--role", role])));
    }

    async fn ready(&self) {
        let until = Instant::now() + PATIENCE;
        let url = format!("{}/readyz", self.gateway_url);
        while !client().get(&url).send().await.is_ok_and(|a| a.status().is_success()) {
            assert!(Instant::now() < until, "it does not serve: {}", self.logs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let egress = self.socket("egress");
        while !egress.exists() {
            assert!(Instant::now() < until, "egress does not serve: {}", self.logs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn logs(&self) -> String {
        self.roles.iter().map(|(role, process)| format!("--- {role}\n{}", process.log())).collect()
    }
}

/// The gate process needs no network: in a network namespace of its own, which has none, it carries the story over its
/// Unix sockets alone. Where no such namespace can be made this fails, since nothing was shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_26_the_gate_process_carries_the_story_without_a_network() {
    let mut world = World::start();
    for role in ROLES {
        let command = world.command(role, &["serve", "--role", role]);
        let command = if role == "gate" {
            let mut apart = amana_at(Path::new("unshare"));
            apart
                .args(["--user", "--map-root-user", "--net"])
                .arg(command.get_program())
                .args(command.get_args());
            apart
        } else {
            command
        };
        world.roles.insert(role, Running::start(command));
    }
    world.ready().await;
    let gate = world.roles["gate"].id();
    let devices = std::fs::read_to_string(format!("/proc/{gate}/net/dev")).expect("of our own child");
    let names: Vec<&str> = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
    assert_eq!(names, ["lo"], "a namespace of its own");
    let routes = std::fs::read_to_string(format!("/proc/{gate}/net/route")).expect("of our own child");
    assert!(routes.lines().count() <= 1, "no way out (a head line at the most): {routes}");
    assert_eq!(world.says("operator", &["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    let till = Till::new(&world.bank_url, "harbor-bank");
    till.buy("sam", "Meter Shop", "1.25").await;
    chat.hears(0, "$1.25").await;
}

/// Which of these a process has anywhere in the memory that it may write, or in its environment or command line.
fn found_in(pid: u32, needles: &[Vec<u8>]) -> Vec<bool> {
    let at = |name: &str| format!("/proc/{pid}/{name}");
    let mut found = vec![false; needles.len()];
    let mut begins = [false; 256];
    for needle in needles {
        begins[usize::from(needle[0])] = true;
    }
    let longest = needles.iter().map(Vec::len).max().unwrap_or(1);
    let mut look = |bytes: &[u8]| {
        for (place, byte) in bytes.iter().enumerate() {
            if begins[usize::from(*byte)] {
                for (found, needle) in found.iter_mut().zip(needles) {
                    *found |= bytes[place..].starts_with(needle);
                }
            }
        }
    };
    for name in ["environ", "cmdline"] {
        look(&std::fs::read(at(name)).expect("of our own child"));
    }
    let maps = std::fs::read_to_string(at("maps")).expect("of our own child");
    let mut memory = std::fs::File::open(at("mem")).expect("of our own child");
    let mut buffer = vec![0; 1 << 20];
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")))
    {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let parse = |text| u64::from_str_radix(text, 16).expect("an address");
        let (mut from, to) = (parse(from), parse(to));
        while from < to {
            let len = usize::try_from((to - from).min(buffer.len() as u64)).expect("small");
            let piece = &mut buffer[..len];
            if memory.seek(SeekFrom::Start(from)).is_err() || memory.read_exact(piece).is_err() {
                break;
            }
            look(piece);
            // The next piece begins a little before the end of this one, for what lies across.
            let step = if from + len as u64 == to { len } else { len - longest };
            from += step as u64;
        }
    }
    found
}

/// Which secrets a process holds. The master key may be there as digits or as bytes.
fn held(pid: u32, role: &str) -> Vec<&'static str> {
    let mut needles: Vec<_> = SECRETS.iter().map(|(_, content, _)| content.as_bytes().to_vec()).collect();
    needles.push(hex::decode(MASTER_KEY).expect("hex"));
    let found = found_in(pid, &needles);
    let in_digits = SECRETS.iter().zip(&found).filter(|(_, found)| **found).map(|((file, ..), _)| *file);
    let in_bytes = found.last().is_some_and(|found| *found).then_some("master.key");
    // What platform and banks send to us by the public port passes through it: it has no file of them.
    let passing = |file: &str| role == "web" && ["verify_token", "event_token"].contains(&file);
    // The gate wipes the master key once its keys are derived; that it was read, the store's opening shows.
    let wiped = |file: &str| role == "gate" && file == "master.key";
    let all: std::collections::BTreeSet<_> = in_digits.chain(in_bytes).collect();
    let mut held: Vec<_> = all.into_iter().filter(|file| !passing(file) && !wiped(file)).collect();
    held.sort_by_key(|file| SECRETS.iter().position(|(name, ..)| name == file));
    held
}

fn theirs(role: &str) -> Vec<&'static str> {
    SECRETS.iter().filter(|(_, _, owners)| owners.contains(&role)).map(|(file, ..)| *file).collect()
}

/// One request over a Unix socket, by hand: its status line.
fn post(socket: &Path, path: &str, body: &str) -> String {
    let until = Instant::now() + PATIENCE;
    let mut stream = loop {
        match UnixStream::connect(socket) {
            Ok(stream) => break stream,
            // It was just started.
            Err(error) => assert!(Instant::now() < until, "{}: {error}", socket.display()),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("written");
    stream.write_all(body.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_carry_the_whole_story_and_each_knows_its_own_secrets_alone() {
    let mut world = World::start();
    for role in ROLES {
        world.begin(role);
    }
    story(world).await;
}

/// Goal: the same, each process under a Unix user of its own, with PostgreSQL; what is one's the others cannot open,
/// connector and egress are reached by the gate alone, and egress sees two tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_users_on_postgresql_carry_the_whole_story_and_cannot_reach_each_others_things() {
    let root = rustix::process::geteuid().is_root();
    let Ok(admin) = std::env::var(POSTGRES_URL) else {
        panic!("{POSTGRES_URL} is not set: run `cargo xtask test`, which starts a PostgreSQL cluster");
    };
    let name = format!("amana_roles_{}", std::process::id());
    sql(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    sql(&admin, &format!("DROP ROLE IF EXISTS {name}")).await;
    sql(&admin, &format!("CREATE DATABASE {name}")).await;
    sql(&admin, &format!("CREATE ROLE {name} LOGIN PASSWORD 'flags-3Vw6'")).await;
    let mut store = url::Url::parse(&admin).expect("a url");
    store.set_path(&name);
    let mut flags = store.clone();
    flags.set_username(&name).and_then(|()| flags.set_password(Some("flags-3Vw6"))).expect("a host");
    let mut world = World::of(if root {
        Shape::Apart { store: store.to_string(), flags: flags.to_string() }
    } else {
        // Who is not root has one user: the same on PostgreSQL, the users apart are for who runs this as root.
        Shape::OneUser
    });
    if root {
        world.begin("gate");
        let until = Instant::now() + PATIENCE;
        while world.egress_key.is_empty() {
            assert!(Instant::now() < until, "the gate does not serve: {}", world.logs());
            tokio::time::sleep(Duration::from_millis(50)).await;
            let log = world.roles["gate"].log();
            if let Some((_, rest)) = log.split_once("\"egress_key\":\"") {
                world.egress_key = rest.chars().take(64).collect();
            }
        }
        world.settle("egress", |owners| owners.contains(&"egress"));
        world.give("egress");
        sql(store.as_str(), &format!("GRANT SELECT ON kill, link TO {name}")).await;
        for role in ["connector", "egress", "web"] {
            world.begin(role);
        }
        world.ready().await;
        for (file, _, owners) in SECRETS {
            for (role, of) in ROLES.iter().flat_map(|role| ROLES.map(|of| (*role, of))) {
                let path = world.keep.path().join(of).join(file);
                assert_eq!(
                    world.may(role, "-r", &path),
                    role == of && owners.contains(&of),
                    "{role}: {file}"
                );
            }
        }
        for (role, of) in ROLES.iter().flat_map(|role| ["gate", "connector", "egress"].map(|of| (*role, of)))
        {
            let reaches = role == of || role == caller(of);
            assert_eq!(world.may(role, "-w", &world.socket(of)), reaches, "{role} at the socket of {of}");
            let own = world.keep.path().join("r").join(of);
            assert_eq!(world.may(role, "-w", &own), role == of, "{role} in the folder of {of}");
        }
        let link = world.keep.path().join("link.key");
        assert_eq!(ROLES.map(|role| world.may(role, "-r", &link)), [true, true, false, false]);
        // Egress's way to the database ends at two tables.
        for (table, allowed) in [("kill", true), ("link", true), ("consent", false), ("outbox", false)] {
            let asked = try_sql(flags.as_str(), &format!("SELECT count(*) FROM {table}")).await;
            assert_eq!(asked.is_ok(), allowed, "{table}");
        }
        assert!(try_sql(flags.as_str(), "DELETE FROM kill").await.is_err());
    } else {
        for role in ROLES {
            world.begin(role);
        }
    }
    story(world).await;
    sql(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    sql(&admin, &format!("DROP ROLE {name}")).await;
}

/// Goal: what a thief of the egress process has signs no webhook.
async fn forged_webhooks_are_refused(world: &World) {
    let body = r#"{"object":"page","entry":[]}"#;
    let send = |key: &str| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
        let tag = hex::encode(ring::hmac::sign(&key, body.as_bytes()));
        let request = client()
            .post(format!("{}/webhooks/messenger", world.gateway_url))
            .header("content-type", "application/json")
            .header("x-hub-signature-256", format!("sha256={tag}"))
            .body(body);
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    for role in ["egress", "connector", "web"] {
        for file in theirs(role) {
            assert_eq!(send(secret(file)).await, 403, "{role} signs with {file}");
        }
    }
    assert_eq!(send(secret("app_secret")).await, 200, "whose the app's secret is");
}

async fn story(mut world: World) {
    world.ready().await;
    let said = world.says("operator", &["messenger", "proof", "55"]);
    assert_eq!(said.out.trim(), secret("page_proof"), "{}", said.err);
    forged_webhooks_are_refused(&world).await;
    for (role, process) in &world.roles {
        let own: Vec<_> = theirs(role).into_iter().filter(|secret| *secret != "master.key").collect();
        assert_eq!(held(process.id(), role), own, "{role}");
    }

    // Link, ask, be told, stop: as with one process.
    assert_eq!(world.says("operator", &["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    let done = link(&chat, "harbor-bank", "sam", "detail").await;
    assert!(done.status.is_success(), "{}\n{}", done.text(), world.logs());
    chat.hears(0, "is linked").await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    let till = Till::new(&world.bank_url, "harbor-bank");
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "59.99").await;
    chat.hears(before, "59.99").await;

    // A kill switch of the operator is seen by egress by itself, too.
    for scope in ["institution:harbor-bank", "purpose:TransactionUpdate,institution:harbor-bank"] {
        let kill = ["kill", "on", "--scope", scope, "--reason", "a drill"];
        assert_eq!(world.says("operator", &kill).code, Some(0));
        let before = chat.said().await.len();
        till.buy("sam", "Amazon.com", "61.01").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!chat.said().await.iter().skip(before).any(|m| m.contains("61.01")));
        assert_eq!(world.says("operator", &["kill", "off", "--scope", scope]).code, Some(0));
    }

    // A process that goes away and comes back: what waited goes then.
    world.roles.remove("egress").expect("a process").kill();
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "62.02").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!chat.said().await.iter().skip(before).any(|m| m.contains("62.02")));
    world.begin("egress");
    let until = Instant::now() + PATIENCE;
    while !chat.said().await.iter().skip(before).any(|m| m.contains("62.02")) {
        assert!(Instant::now() < until, "what waited for egress does not come: {}", world.logs());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.roles.remove("connector").expect("a process").kill();
    let before = chat.said().await.len();
    chat.say("what is my balance?").await;
    chat.hears(before, "Harbor Bank").await;
    world.begin("connector");

    // Who has egress's socket has no word there: no ticket, no message.
    let egress = world.socket("egress");
    let answer = post(&egress, "/send", "{\"recipient\":{\"id\":\"1\"},\"message\":{\"text\":\"buy\"}}");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let psid = chat.psid().await;
    let forged = serde_json::json!({
        "ticket": {
            "message": "msg_00000000000000000000000000000001", "recipient": {"channel": "55", "psid": psid},
            "subjects": [], "payload_sha256": "00".repeat(32), "serial": 1, "issued_us": 1, "expires_us": 2,
            "signature": "00".repeat(64),
        },
        "body": "e30=",
    });
    let answer = post(&egress, "/send", &forged.to_string());
    assert!(answer.contains("refused") && answer.contains("forged"), "{answer}");
    // Who has the connector's socket gets nothing without a customer's tokens.
    let connector = world.socket("connector");
    let answer = post(&connector, "/harbor-bank/accounts", "{}");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");

    chat.say("stop").await;
    chat.hears(before, "Stopped").await;
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "63.03").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!chat.said().await.iter().skip(before).any(|m| m.contains("63.03")));
    assert_eq!(world.says("operator", &["alarms", "list"]).code, Some(0), "all that was sent is covered");

    // After all that, still no process has what is another's.
    for (role, process) in &world.roles {
        let others: Vec<_> =
            held(process.id(), role).into_iter().filter(|secret| !theirs(role).contains(secret)).collect();
        assert_eq!(others, Vec::<&str>::new(), "{role}");
    }
    for (role, process) in world.roles {
        for secret in SECRETS {
            assert!(!process.log().contains(secret.1), "{role} logs {}", secret.0);
        }
        let (status, took) = process.interrupt();
        assert!(status.success() && took < Duration::from_secs(12), "{role}: {status} after {took:?}");
    }
}

/// Goal: each of the four, killed in a way that asks the system for its memory, leaves none: not where it runs, and not
/// to a program that collects dumps.
#[test]
fn abuse_11_a_gateway_that_aborts_leaves_no_core() {
    use std::os::unix::process::ExitStatusExt as _;
    let world = World::start();
    for role in ["web", "connector", "gate", "egress"] {
        let here = world.keep.path().join(format!("{role}-runs-here"));
        std::fs::create_dir(&here).expect("a folder");
        let serve = world.command(role, &["serve", "--role", role]);
        // Whoever starts it may have allowed cores.
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$@\"", "sh"]).arg(serve.get_program());
        command.args(serve.get_args()).current_dir(&here).stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let process = Running::start(command);
        let until = Instant::now() + PATIENCE;
        while !process.log().contains("serves") {
            assert!(Instant::now() < until, "{role}: {}", process.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).expect("of our child");
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{role}: {core}");
        let status = process.abort();
        assert!(status.signal() == Some(6) && !status.core_dumped(), "{role}: {status}");
        let left: Vec<_> = std::fs::read_dir(&here).expect("a folder").collect();
        assert!(left.is_empty(), "{role} leaves {left:?}");
    }
}

fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("changed");
}

#[test]
fn a_role_refuses_what_is_anothers() {
    let world = World::start();
    // In the configuration, which every role reads: no secret at all.
    let text = std::fs::read_to_string(world.config("web")).expect("a file");
    let page = format!("token_file = \"{}\"", world.keep.path().join("web/page_token").display());
    assert!(text.contains(&page));
    std::fs::write(world.config("web"), text.replace(&page, "token = \"page-token-9Sv3\"")).expect("written");
    let said = world.says("web", &["serve", "--role", "web"]);
    assert!(said.code == Some(1) && said.err.contains("`messenger.page[0].token`"), "{}", said.err);
    assert!(said.err.contains("is not for the web role") && !said.err.contains("9Sv3"), "{}", said.err);
    // In the environment.
    let mut command = world.command("connector", &["serve", "--role", "connector"]);
    command.env("AMANA_MESSENGER__APP_SECRET", "app-secret-7Qx1");
    let said = run(command);
    assert!(said.code == Some(1) && said.err.contains("AMANA_MESSENGER__APP_SECRET"), "{}", said.err);
    assert!(said.err.contains("is not for the connector role"), "{}", said.err);
    // The app's secret, which signs what the platform sends, is not for who speaks to the platform.
    let mut command = world.command("egress", &["serve", "--role", "egress"]);
    command.env("AMANA_MESSENGER__APP_SECRET", "app-secret-7Qx1");
    let said = run(command);
    assert!(said.code == Some(1) && said.err.contains("is not for the egress role"), "{}", said.err);
    // A proof that fits no more is said by the doctor, who has both.
    std::fs::write(world.keep.path().join("operator/page_proof"), "00".repeat(32)).expect("written");
    let said = world.says("operator", &["doctor"]);
    assert!(said.out.contains("does not fit token and app secret"), "{}{}", said.out, said.err);
    // Its own is needed.
    std::fs::remove_file(world.keep.path().join("egress/page_token")).expect("removed");
    let said = world.says("egress", &["serve", "--role", "egress"]);
    assert!(said.code == Some(1) && said.err.contains("token_file"), "{}", said.err);
}
