//! Every field of a bank holds a value that occurs nowhere else, and every byte that leaves the gateway is searched for
//! them, in eight encodings. Abuse cases 1, 11 and 19.
//!
//! The gateway is the real binary, logging all it can. What leaves it: what the platform gets, the log, the metrics,
//! every page and address it answers with, and the files of its database. Somebody else's value, a value in a form that
//! the customer did not allow, or any value where none belongs, fails the test; and what was allowed must have arrived.

mod bank;
mod marks;
mod platform;

use crate::browser::{Browser, Page, client};
use crate::process::{CONTROLLER, Running, amana, folder};
use bank::{ACCOUNTS, Bank, ROWS};
pub(crate) use bank::{account_id, subject};
pub(crate) use marks::{Class, text};
use marks::{Found, PERSON, Search, said};
use platform::Platform;
use reqwest::Client;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub(crate) const BANK: &str = "cedar-bank";
const PAGE: &str = "7755";
const CLIENT: &str = "gateway";
/// Customers with a chat; a quarter of each form.
const OWNERS: usize = 40;
/// Customers of whom the bank sends events, too, and who never linked anything.
const STRANGERS: usize = 80;
/// Events and questions in all.
const EVENTS: usize = 100_000;
/// Events in a request: the bank's largest batch.
const BATCH: usize = 1_000;
/// Questions beside three batches.
const QUESTIONS: usize = 36;
/// How long the gateway may take to come to rest at the end.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a customer allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed {
    Detail,
    Summary,
    Notice,
    /// Balances on request in a notice, and nothing else.
    Little,
}

fn allowed(owner: usize) -> Allowed {
    [Allowed::Detail, Allowed::Summary, Allowed::Notice, Allowed::Little][owner % 4]
}

pub(crate) fn psid(owner: usize) -> String {
    format!("{PERSON}{owner:02}")
}

/// Where bytes were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A message to this customer.
    Chat(usize),
    /// Anything else that the platform gets.
    Platform,
    /// A page for this customer, signed in or about to allow.
    Own(usize),
    /// An answer to anybody.
    Answer,
    Log,
    Metrics,
    Database,
    /// Any other file that the gateway made: the public log.
    Files,
}

/// Whether a value may be there.
fn may_be(found: &Found, place: Place) -> bool {
    let Some(class) = found.class else { return false };
    let theirs = |owner: usize| found.owner.is_none_or(|of| of == owner);
    match place {
        Place::Chat(owner) => {
            theirs(owner)
                && match class {
                    Class::Person | Class::Typed => true,
                    Class::Amount => matches!(allowed(owner), Allowed::Detail | Allowed::Summary),
                    Class::Merchant | Class::Nickname => allowed(owner) == Allowed::Detail,
                    _ => false,
                }
        }
        // Ids of persons are the platform's own words.
        Place::Platform => class == Class::Person,
        Place::Own(owner) => {
            theirs(owner)
                && matches!(class, Class::Amount | Class::Merchant | Class::Nickname | Class::AccountId)
        }
        Place::Answer | Place::Log | Place::Metrics | Place::Database | Place::Files => false,
    }
}

/// What was found where it must not be.
#[derive(Default)]
struct Leaks {
    all: BTreeMap<String, (usize, String)>,
    searched: BTreeMap<&'static str, usize>,
}

impl Leaks {
    fn look(&mut self, search: &Search, what: &'static str, bytes: &[u8], place: Place) -> Vec<Found> {
        *self.searched.entry(what).or_default() += bytes.len();
        let found = search.find(bytes);
        for f in found.iter().filter(|f| !may_be(f, place)) {
            let from = f.at.saturating_sub(80);
            let around = &bytes[from..bytes.len().min(f.at + 80)];
            let kind = format!("{what} {place:?}: {:?} in `{}`", f.class, f.encoding);
            let entry =
                self.all.entry(kind).or_insert_with(|| (0, String::from_utf8_lossy(around).into_owned()));
            entry.0 += 1;
        }
        found
    }
}

/// The gateway and all around it.
pub(crate) struct World {
    pub(crate) bank: Arc<Bank>,
    pub(crate) platform: Arc<Platform>,
    url: String,
    folder: std::path::PathBuf,
    client: Client,
    app_secret: String,
    event_token: String,
    messages: std::sync::atomic::AtomicUsize,
}

impl World {
    /// Starts them, with more in the gateway's configuration.
    pub(crate) async fn start_with(folder: &Path, more: &str) -> (Self, Running) {
        let (bank, platform) = (Bank::start(CLIENT).await, Platform::start().await);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let url = format!("http://127.0.0.1:{port}");
        let secret = |n| text(Class::Secret, 97, n);
        let (app_secret, event_token) = (secret(1), secret(2));
        let config = format!(
            r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "{url}"
allow_private_addresses = true
[store]
url = "sqlite:{database}"
[messenger]
graph_url = "{graph}"
app_id = "1900000000000001"
app_secret = "{app_secret}"
verify_token = "{verify}"
redirect_hosts = ["www.facebook.com"]
[[messenger.page]]
id = "{PAGE}"
token = "{token}"
institutions = ["{BANK}"]
[[institution]]
id = "{BANK}"
name = "Cedar Bank"
name_ar = "بنك الأرز"
profile = "fdx"
issuer = "{issuer}"
api_url = "{issuer}/fdx/v6"
client_id = "{CLIENT}"
client_secret = "{client_secret}"
event_token = "{event_token}"
agreement = "detail"
{CONTROLLER}
[log]
level = "trace"
{more}"#,
            database = folder.join("amana.sqlite").display(),
            graph = platform.url,
            verify = secret(3),
            token = secret(4),
            issuer = bank.issuer,
            client_secret = secret(5),
        );
        std::fs::write(folder.join("amana.toml"), config).expect("written");
        let mut command = amana();
        command.arg("serve").arg("--config").arg(folder.join("amana.toml"));
        let running = Running::start(command);
        let client = client();
        let until = Instant::now() + PATIENCE;
        while !client.get(format!("{url}/readyz")).send().await.is_ok_and(|a| a.status().is_success()) {
            assert!(Instant::now() < until, "it does not serve: {}", running.log());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let world = Self {
            bank,
            platform,
            url,
            folder: folder.to_owned(),
            client,
            app_secret,
            event_token,
            messages: std::sync::atomic::AtomicUsize::new(0),
        };
        (world, running)
    }

    /// Posts bytes; gives status and everything that was answered.
    async fn post(&self, path: &str, media: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Vec<u8>) {
        let mut request =
            self.client.post(format!("{}{path}", self.url)).header("content-type", media).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        let (status, mut all) = (answer.status().as_u16(), format!("{:?}", answer.headers()).into_bytes());
        all.extend(answer.bytes().await.expect("a body"));
        (status, all)
    }

    async fn says(&self, owner: usize, said: &str) -> (u16, Vec<u8>) {
        let n = self.messages.fetch_add(1, Ordering::SeqCst);
        let now = jiff::Timestamp::now().as_millisecond();
        let body = json!({"object": "page", "entry": [{"id": PAGE, "time": now, "messaging": [{
            "sender": {"id": psid(owner)}, "recipient": {"id": PAGE}, "timestamp": now,
            "message": {"mid": format!("mid.{n}"), "text": said}}]}]})
        .to_string();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.app_secret.as_bytes());
        let signature = format!("sha256={}", hex::encode(ring::hmac::sign(&key, body.as_bytes())));
        self.post(
            "/webhooks/messenger",
            "application/json",
            &[("x-hub-signature-256", &signature)],
            body.into_bytes(),
        )
        .await
    }

    pub(crate) async fn events(&self, media: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let bearer = format!("Bearer {}", self.event_token);
        // A full queue asks to come again.
        loop {
            let headers = [("authorization", bearer.as_str())];
            let answer = self.post(&format!("/events/{BANK}"), media, &headers, body.clone()).await;
            if answer.0 != 503 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Links a customer's chat, as a person does. Gives the browser, with all that it was answered.
    pub(crate) async fn link(&self, owner: usize) -> Browser {
        self.bank.next.store(owner, Ordering::SeqCst);
        let words = if owner.is_multiple_of(2) { "link my bank" } else { "اربط مصرفي" };
        assert_eq!(self.says(owner, words).await.0, 200);
        let until = Instant::now() + PATIENCE;
        let address = loop {
            let messages = self.platform.to(&psid(owner));
            let all = messages.iter().map(Value::to_string).collect::<String>();
            if let Some(at) = all.find("/link/start?t=") {
                let rest = &all[at..];
                break format!("{}{}", self.url, &rest[..rest.find('"').expect("an end")]);
            }
            assert!(Instant::now() < until, "no link for {owner}: {all}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let mut browser = Browser::new();
        let picker = browser.open(&address).await;
        let page = browser.submit(&picker, picker.form("/link/begin").with("institution", BANK)).await;
        assert!(page.url.path().ends_with("/link/consent"), "{}: {}", page.url, page.text());
        let form = match allowed(owner) {
            Allowed::Detail => "detail",
            Allowed::Summary => "summary",
            Allowed::Notice | Allowed::Little => "notice",
        };
        let mut consent = page.form("/link/consent").with("account", &account_id(owner, 0));
        for purpose in page.values("purpose") {
            if allowed(owner) != Allowed::Little || purpose == "BalanceOnRequest" {
                consent = consent.set(&format!("form.{purpose}"), form).with("purpose", &purpose);
            }
        }
        let done = browser.submit(&page, consent).await;
        assert!(done.status.is_success() && done.url.path() == "/link/done", "{}: {}", done.url, done.text());
        browser
    }

    /// Signs in at the bank and opens the own pages.
    async fn look(&self, owner: usize) -> (Browser, Page) {
        self.bank.next.store(owner, Ordering::SeqCst);
        let mut browser = Browser::new();
        let entrance = browser.open(&format!("{}/privacy", self.url)).await;
        let enter = entrance.form("/privacy/sign-in").with("institution", BANK);
        let page = browser.submit(&entrance, enter).await;
        assert_eq!(page.url.path(), "/privacy", "{}", page.text());
        browser.open(&format!("{}/privacy/accounts", self.url)).await;
        (browser, page)
    }

    pub(crate) async fn gauge(&self, name: &str) -> Option<u64> {
        let answer = self.client.get(format!("{}/metrics", self.url)).send().await.ok()?;
        let text = answer.text().await.ok()?;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }
}

/// What the bank says happened.
struct Events<'a> {
    world: &'a World,
    random: amana_core::SeededEntropy,
    made: usize,
    /// Purchases that a customer is to be told of: whose, which merchant's number, which amount.
    told: Vec<(usize, usize, usize)>,
    /// Whose each event is, and on which of their accounts.
    accounts: Vec<(usize, usize)>,
}

impl Events<'_> {
    fn number(&self, below: usize) -> usize {
        use amana_core::Entropy as _;
        usize::try_from(u64::from_be_bytes(self.random.bytes::<8>()) % u64::try_from(below).expect("small"))
            .expect("small")
    }

    /// A random event about anybody.
    fn next(&mut self) -> Value {
        let n = self.made;
        self.made += 1;
        let who = self.number(OWNERS + STRANGERS);
        // Strangers, and sometimes the account that was not chosen.
        // (two digits say whose a value is, so strangers share numbers with each other, and with nobody else).
        let owner = if who < OWNERS { who } else { 50 + (who - OWNERS) % 40 };
        let account = usize::from(self.number(4) == 0) % ACCOUNTS;
        let id = account_id(owner, account);
        let m = self.world.bank.amount(owner, account);
        self.accounts.push((owner, account));
        let other = |k: usize| text(Class::Other, owner, (9_000_000 + n * 5 + k) % 10_000_000);
        let (kind, status) = match self.number(8) {
            0 => ("bank.transaction.posted.v1", "POSTED"),
            1 => ("bank.deposit.posted.v1", "POSTED"),
            2 => ("bank.transaction.reversed.v1", "POSTED"),
            3 => ("bank.balance.changed.v1", ""),
            _ => ("bank.transaction.authorised.v1", "AUTHORIZATION"),
        };
        let mut data = json!({
            "customerId": subject(owner), "accountId": id, "currency": "USD", "traceId": other(1),
            "customerName": other(2),
        });
        if status.is_empty() {
            let number = |m: usize| serde_json::from_str::<Value>(&marks::amount(m)).expect("a number");
            data["balance"] = json!({"accountType": "CHECKING", "nickname": text(Class::Nickname, owner, n),
                "accountNumber": other(3), "currentBalance": number(m), "availableBalance": number(self.world.bank.amount(owner, account))});
        } else {
            data["transaction"] = self.world.bank.transaction_of(owner, &id, n, status, m);
            if kind.contains("authorised")
                && who < OWNERS
                && account == 0
                && allowed(owner) != Allowed::Little
            {
                self.told.push((owner, n, m));
            }
        }
        json!({
            "specversion": "1.0", "id": other(0), "source": format!("https://bank.example/{}", other(4)), "type": kind,
            "time": jiff::Timestamp::now().to_string(), "data": data, "subject": other(0),
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_11_no_value_of_a_bank_is_where_no_consent_allows_it() {
    let begun = Instant::now();
    let (_keep, data) = folder();
    std::fs::create_dir_all(&data).expect("a folder");
    let collector = Platform::start().await;
    let traces = format!("[traces]\nendpoint = \"{}/v1/traces\"\n", collector.url);
    let (world, running) = World::start_with(&data, &traces).await;
    let search = Search::new();
    let mut leaks = Leaks::default();

    for owner in 0..OWNERS {
        let browser = world.link(owner).await;
        for answer in browser.answers_of(&world.url) {
            leaks.look(&search, "pages", answer.as_bytes(), Place::Own(owner));
        }
    }
    let linked = begun.elapsed();

    // What goes wrong is part of every day: the bank fails, answers nonsense, the platform refuses.
    world.bank.fails.store(37, Ordering::SeqCst);
    world.platform.fails.store(211, Ordering::SeqCst);
    let mut events = Events {
        world: &world,
        random: amana_core::SeededEntropy::new(5),
        made: 0,
        told: Vec::new(),
        accounts: Vec::new(),
    };
    let (mut asked, mut unmatched) = (0usize, 0u64);
    while events.made + asked < EVENTS {
        // Three requests at once, as three workers of a bank would.
        let mut body = || {
            let batch: Vec<Value> = (0..BATCH).map(|_| events.next()).collect();
            Value::Array(batch).to_string().into_bytes()
        };
        let media = "application/cloudevents-batch+json";
        let (one, two, three) = tokio::join!(
            world.events(media, body()),
            world.events(media, body()),
            world.events(media, body())
        );
        for (status, answer) in [one, two, three] {
            assert_eq!(status, 202, "{}", String::from_utf8_lossy(&answer));
            let counted = String::from_utf8_lossy(&answer);
            let counted: Value =
                serde_json::from_str(&counted[counted.rfind('{').expect("json")..]).expect("json");
            unmatched += counted["unmatched"].as_u64().expect("a number");
            leaks.look(&search, "answers to the bank", &answer, Place::Answer);
        }
        for _ in 0..QUESTIONS {
            let owner = events.number(OWNERS);
            let question = match events.number(4) {
                0 => "what's my balance?".to_owned(),
                1 => "recent transactions".to_owned(),
                2 => format!("what did I spend at {}", text(Class::Typed, owner, asked)),
                _ => "كم رصيدي؟".to_owned(),
            };
            let (_, answer) = world.says(owner, &question).await;
            leaks.look(&search, "answers to the platform", &answer, Place::Answer);
            asked += 1;
        }
        if events.made.is_multiple_of(30_000) {
            wrong(&world, &search, &mut leaks, events.made).await;
            let metrics = world.client.get(format!("{}/metrics", world.url)).send().await.expect("an answer");
            let metrics = metrics.bytes().await.expect("a body");
            leaks.look(&search, "metrics", &metrics, Place::Metrics);
        }
    }
    let (pushed, told) = (begun.elapsed(), std::mem::take(&mut events.told));
    assert!(events.made + asked >= EVENTS);

    // To rest: twice in a row, as an event is for a moment neither waiting nor a message.
    let (until, mut still) = (Instant::now() + PATIENCE, 0);
    while still < 2 {
        assert!(Instant::now() < until, "the gateway does not come to rest");
        tokio::time::sleep(Duration::from_millis(5_100)).await;
        let rest = world.gauge("amana_inbox_waiting").await == Some(0)
            && world.gauge("amana_outbox_open").await == Some(0);
        still = if rest { still + 1 } else { 0 };
    }
    let rested = begun.elapsed();

    world.bank.fails.store(0, Ordering::SeqCst);
    let mut on_pages = Vec::new();
    for owner in 0..8 {
        let (browser, page) = world.look(owner).await;
        // The page says what was said, so what was said in detail is on it.
        let says = page.html.contains(&text(Class::Merchant, owner, 0)[..9]);
        assert_eq!(says, allowed(owner) == Allowed::Detail, "{owner}: {}", page.text());
        for answer in browser.answers_of(&world.url) {
            leaks.look(&search, "pages", answer.as_bytes(), Place::Own(owner));
            on_pages.extend(marks::amounts_said(answer).into_iter().map(|m| (owner, m)));
        }
    }
    for path in ["/", "/privacy", "/privacy/accounts", "/link/consent", "/nothing", "/healthz", "/readyz"] {
        let answer = world.client.get(format!("{}{path}", world.url)).send().await.expect("an answer");
        let head = format!("{:?}", answer.headers());
        let body = answer.text().await.expect("a body");
        leaks.look(&search, "pages of nobody", format!("{head}{body}").as_bytes(), Place::Answer);
    }
    let metrics = world.client.get(format!("{}/metrics", world.url)).send().await.expect("an answer");
    leaks.look(&search, "metrics", &metrics.bytes().await.expect("a body"), Place::Metrics);

    // What the platform got. Whose an amount or a shop is, and of which account, only its number says.
    let whose = std::mem::take(&mut *world.bank.whose.lock().expect("lock"));
    let mut strangers = Vec::new();
    let mut merchants: HashMap<usize, HashSet<String>> = HashMap::new();
    let mut amounts: HashMap<usize, HashSet<String>> = HashMap::new();
    let mut messages = 0;
    for came in world.platform.came.lock().expect("lock").iter() {
        leaks.look(&search, "addresses at the platform", came.head.as_bytes(), Place::Platform);
        let body: Value = serde_json::from_slice(&came.body).unwrap_or(Value::Null);
        let to = body["recipient"]["id"].as_str().and_then(|id| id.strip_prefix(PERSON)?.parse().ok());
        match to {
            Some(owner) => {
                messages += 1;
                leaks.look(&search, "messages", &came.body, Place::Chat(owner));
                let said = String::from_utf8_lossy(&came.body);
                strangers.extend(not_of(owner, &said, &whose, &events.accounts));
                let spoken = said.split(|c: char| !c.is_ascii_digit() && !matches!(c, ',' | '.'));
                amounts.entry(owner).or_default().extend(
                    spoken
                        .map(|w| w.trim_end_matches(['.', ',']))
                        .filter(|w| w.len() > 12)
                        .map(str::to_owned),
                );
                merchants.entry(owner).or_default().extend(
                    said.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 16).map(str::to_owned),
                );
            }
            None => drop(leaks.look(&search, "other calls", &came.body, Place::Platform)),
        }
    }

    // What an OpenTelemetry collector got: spans of all that was done, and no word of what.
    let mut spans: BTreeMap<String, usize> = BTreeMap::new();
    for came in collector.came.lock().expect("lock").iter() {
        leaks.look(&search, "traces", came.head.as_bytes(), Place::Log);
        leaks.look(&search, "traces", &came.body, Place::Log);
        let body: Value = serde_json::from_slice(&came.body).expect("JSON");
        for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans") {
            *spans.entry(span["name"].as_str().expect("a name").to_owned()).or_default() += 1;
        }
    }
    for name in ["http", "intake", "event", "answer", "send"] {
        assert!(spans.get(name).is_some_and(|n| *n > 100), "spans of `{name}`: {spans:?}");
    }

    // The database as it lies there, and what was logged.
    let log = running.log();
    leaks.look(&search, "log", log.as_bytes(), Place::Log);
    // Every file that it made: the database and its companions, the public log, whatever comes. Its configuration and
    // its keys are secrets by themselves.
    let mut folders = vec![world.folder.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).expect("a folder").map(|f| f.expect("a file").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|end| end != "toml" && end != "key") {
                let bytes = std::fs::read(&path).expect("readable");
                let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                let (what, place) = if name.starts_with("amana.sqlite") {
                    ("database", Place::Database)
                } else {
                    ("other files", Place::Files)
                };
                leaks.look(&search, what, &bytes, place);
                files += 1;
            }
        }
    }
    assert!(files > 3, "a database and a log are {files} files");

    println!(
        "{} events, {asked} questions, {unmatched} events of nobody or not allowed, {messages} messages",
        events.made
    );
    println!("linked {linked:?}, pushed {pushed:?}, at rest {rested:?}, all {:?}", begun.elapsed());
    println!("searched: {:?}", leaks.searched);
    assert!(leaks.all.is_empty(), "values leaked: {:#?}", leaks.all);
    assert!(on_pages.len() > 100, "{} amounts on pages", on_pages.len());
    assert!(on_pages.iter().all(|(owner, m)| whose[*m].0 == *owner), "an amount of another on a page");
    assert!(strangers.is_empty(), "of others, or of accounts that were not chosen: {strangers:#?}");

    // And what was allowed has arrived: the amount where amounts are allowed, the shop where all is.
    let mut checked = [0usize; 3];
    for (owner, n, m) in &told {
        let amount_said = amounts.get(owner).is_some_and(|all| all.contains(&said(*m)));
        let shop = if n % 10 != 9 && n % 3 == 0 {
            marks::arabic(Class::Merchant, *owner, *n)
        } else {
            text(Class::Merchant, *owner, *n)
        };
        let shop_said = merchants.get(owner).is_some_and(|all| all.contains(&shop));
        // In Arabic amounts are written otherwise; there the shop alone is looked for.
        let english = owner % 2 == 0;
        match allowed(*owner) {
            Allowed::Detail => {
                checked[0] += 1;
                assert!(shop_said && (amount_said || !english), "{owner} was not told of {shop}");
            }
            Allowed::Summary => {
                checked[1] += 1;
                assert!(!shop_said && (amount_said || !english), "{owner} was not told of {}", said(*m));
            }
            Allowed::Notice | Allowed::Little => {
                checked[2] += 1;
                assert!(!shop_said && !amount_said);
            }
        }
    }
    assert!(checked.iter().all(|n| *n > 1_000), "told: {checked:?}");
    // The search can fail: what one customer was told in detail would not have been allowed to another, nor in a log.
    let owner = (0..OWNERS).find(|o| allowed(*o) == Allowed::Detail).expect("one");
    let told = world.platform.to(&psid(owner)).iter().map(Value::to_string).collect::<String>();
    let mut planted = Leaks::default();
    planted.look(&search, "planted", told.as_bytes(), Place::Chat(owner));
    assert!(planted.all.is_empty(), "{:#?}", planted.all);
    planted.look(&search, "planted", told.as_bytes(), Place::Chat(owner + 4));
    planted.look(&search, "planted", told.as_bytes(), Place::Log);
    assert!(not_of(owner, &told, &whose, &events.accounts).is_empty());
    assert!(!not_of(owner + 4, &told, &whose, &events.accounts).is_empty());
    let not_chosen = whose.iter().position(|whose| *whose == (owner, 1)).expect("an amount");
    assert_eq!(not_of(owner, &said(not_chosen), &whose, &events.accounts).len(), 1);
    let not_chosen = (ROWS..).find(|n| events.accounts[*n] == (owner, 1)).expect("an event");
    let shop = text(Class::Merchant, owner, not_chosen);
    assert_eq!(not_of(owner, &shop, &whose, &events.accounts).len(), 1);
    assert!(planted.all.len() >= 4, "{:#?}", planted.all);
    let (status, _) = running.interrupt();
    assert!(status.success());
}

/// The amounts and shops in a text that are not of this customer's chosen account. (A sum of several is none of them;
/// the numbers of the shops in a bank's lists are those of the first events, so those are judged by their owner.)
fn not_of(owner: usize, text: &str, amounts: &[(usize, usize)], events: &[(usize, usize)]) -> Vec<String> {
    let amounts = marks::amounts_said(text)
        .into_iter()
        .filter(|m| amounts.get(*m) != Some(&(owner, 0)))
        .map(|m| format!("amount {m} to {owner}"));
    let shops = text
        .split(|c: char| !c.is_alphanumeric())
        .filter_map(marks::shop)
        .filter(|(of, n)| *of != owner || (*n >= ROWS && events.get(*n) != Some(&(owner, 0))))
        .map(|(of, n)| format!("shop {n} of {of} to {owner}"));
    amounts.chain(shops).collect()
}

/// What is wrong in every way that is ours to answer: each with a value inside.
async fn wrong(world: &World, search: &Search, leaks: &mut Leaks, n: usize) {
    let value = || text(Class::Other, 60, n % 1_000_000);
    let mut event = json!({"specversion": "1.0", "id": value(), "source": value(),
        "type": "bank.transaction.authorised.v1", "time": "2026-11-24T10:00:00Z",
        "data": {"customerId": value(), "accountId": value(), "currency": value(), "transaction": {"amount": value()}}});
    let mut answers = Vec::new();
    for (key, wrong) in [
        ("time", json!(value())),
        ("data", json!(value())),
        ("type", json!(value())),
        ("source", json!(format!("{} x", value()))),
        ("id", json!(value().repeat(40))),
    ] {
        let right = std::mem::replace(&mut event[key], wrong);
        answers.push(world.events("application/cloudevents+json", event.to_string().into_bytes()).await.1);
        event[key] = right;
    }
    answers.push(world.events("application/cloudevents+json", event.to_string().into_bytes()).await.1);
    answers.push(
        world.events("application/cloudevents+json", format!("{{\"{}\"", value()).into_bytes()).await.1,
    );
    answers.push(world.events(&format!("text/{}", value()), value().into_bytes()).await.1);
    let path = format!("/events/{}", value());
    answers.push(
        world.post(&path, "application/json", &[("authorization", &value())], value().into_bytes()).await.1,
    );
    let signature = [("x-hub-signature-256", "sha256=00")];
    answers.push(
        world.post("/webhooks/messenger", "application/json", &signature, value().into_bytes()).await.1,
    );
    for path in [
        "/link/start?t=",
        "/link/messenger?page=",
        "/link/callback?code=",
        "/link/callback?error=x&error_description=",
        "/privacy?before=",
        "/log/",
        "/static/",
    ] {
        let answer =
            world.client.get(format!("{}{path}{}", world.url, value())).send().await.expect("an answer");
        let mut all = format!("{:?}", answer.headers()).into_bytes();
        all.extend(answer.bytes().await.expect("a body"));
        // Where linking begins, the language switch leads back to where the browser is, with all that stands in the
        // address: that came from the browser and goes to it.
        if !["/link/start?t=", "/link/messenger?page="].contains(&path) {
            answers.push(all);
        }
    }
    for answer in answers {
        leaks.look(search, "answers to what is wrong", &answer, Place::Answer);
    }
    // A callback that is the bank's, with a state that is nobody's, and one for a session that is there.
    let mut browser = Browser::new();
    world.bank.next.store(60, Ordering::SeqCst);
    let entrance = browser.open(&format!("{}/privacy", world.url)).await;
    let page = browser.submit(&entrance, entrance.form("/privacy/sign-in").with("institution", BANK)).await;
    assert!(!page.text().contains(&subject(60)), "{}", page.text());
    for answer in browser.answers_of(&world.url) {
        leaks.look(search, "answers to what is wrong", answer.as_bytes(), Place::Answer);
    }
}
