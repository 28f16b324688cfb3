//! The proof from outside: a gateway with a witness, each a process, and the commands that anyone can run.

use crate::browser::{Browser, Page};
use crate::chat::{Chat, Till, link, through_the_bank};
use crate::process::{Running, amana, amana_says, folder};
use crate::serve::World;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn written(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("written");
    text(&path).to_owned()
}

/// The customer's bundle, as their privacy page gives it.
async fn bundle(browser: &mut Browser, world: &World, since: Option<&str>) -> String {
    // The checkpoint's second line is its size.
    let saved: Option<serde_json::Value> = since.map(|text| serde_json::from_str(text).expect("JSON"));
    let note = saved.map(|saved| saved["checkpoint"].as_str().expect("a note").to_owned());
    let size = note.as_deref().and_then(|note| note.lines().nth(1)).map(|size| format!("?since={size}"));
    let url = format!("{}/privacy/bundle{}", world.gateway_url, size.unwrap_or_default());
    let page: Page = browser.open(&url).await;
    assert!(page.status.is_success(), "{}", page.html);
    page.html
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_told_is_proved_with_a_witness_and_tampering_is_named() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());

    // The log's key exists before the first entry, so that a witness can know it.
    assert_eq!(world.says(&["migrate"]).code, Some(0));
    let said = world.says(&["audit", "key"]);
    let vkey = said.out.trim().to_owned();
    assert!(said.code == Some(0) && vkey.contains("/log+"), "{}{}", said.out, said.err);

    let witness_dir = keep.path().join("witness");
    let start_witness = |port: &str| {
        let mut command = amana();
        command.args(["audit", "witness", "--name", "witness.example/w", "--log", &vkey, "--listen"]);
        command.arg(format!("127.0.0.1:{port}")).arg("--data-dir").arg(&witness_dir);
        let mut witness = Running::start(command);
        let url = witness.line().rsplit(' ').next().expect("a url").to_owned();
        let key = witness.line().rsplit(' ').next().expect("a key").to_owned();
        (witness, url, key)
    };
    let (witness, url, key) = start_witness("0");
    let policy = format!("log {vkey}\nwitness w {key} {url}\nquorum w\n");
    let policy = written(keep.path(), "witnesses.policy", &policy);
    let config = std::fs::read_to_string(&world.config).expect("read");
    let section = format!("[disclosure_log]\nwitness_policy_file = \"{policy}\"\n[messenger]\n");
    std::fs::write(&world.config, config.replace("[messenger]\n", &section)).expect("written");
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));

    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    chat.ask("what is my balance?", "Harbor Bank").await;

    let mut browser = Browser::new();
    let page = browser.open(&format!("{}/privacy", world.gateway_url)).await;
    let enter = page.form("/privacy/sign-in").with("institution", "harbor-bank");
    let login = browser.submit(&page, enter).await;
    through_the_bank(&mut browser, login, "sam").await;
    let first = bundle(&mut browser, &world, None).await;
    let file = written(keep.path(), "first.json", &first);

    let pinned = ["--vkey", &vkey, "--policy", &policy];
    let said = amana_says(&[&["audit", "verify", &file] as &[&str], &pinned].concat());
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    for expected in ["good:", "consent: 1", "disclosure: 1", "cosigned by w", "the one you gave"] {
        assert!(said.out.contains(expected), "{}", said.out);
    }

    // One letter of one receipt, the last receipt, another log's key: each is named.
    let json: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    let mut withheld = json.clone();
    let receipts = withheld["receipts"].as_array_mut().expect("receipts");
    receipts.pop();
    let segments = withheld["segments"].as_array_mut().expect("segments");
    let last = segments.last_mut().expect("a segment");
    last["count"] = (last["count"].as_u64().expect("a count") - 1).into();
    let withheld = written(keep.path(), "withheld.json", &withheld.to_string());
    let said = amana_says(&["audit", "verify", &withheld, "--json"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let refused: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&refused["ok"], &refused["rule"]), (&false.into(), &"absence".into()), "{refused}");
    let other = vkey.replace("127.0.0.1", "127.0.0.2");
    let said = amana_says(&["audit", "verify", &file, "--vkey", &other]);
    assert!(said.code == Some(1) && said.out.contains("`key`"), "{}{}", said.out, said.err);

    // The public log, by address and by folder, without anybody's data; then again from where it ended.
    let log = format!("{}/log", world.gateway_url);
    let state = keep.path().join("audit.state");
    let ask = ["audit", "log", "--url", &log, "--state", text(&state)];
    let said = amana_says(&[&ask as &[&str], &pinned].concat());
    assert!(said.code == Some(0) && said.out.contains("good:"), "{}{}", said.out, said.err);
    chat.ask("what is my balance?", "Harbor Bank").await;
    let second = bundle(&mut browser, &world, Some(&first)).await;
    let said = amana_says(&[&ask as &[&str], &pinned].concat());
    assert!(said.code == Some(0) && said.out.contains("cosigned by w"), "{}{}", said.out, said.err);
    let tiles = keep.path().join("db").join("log");
    let said = amana_says(&[&["audit", "log", "--dir", text(&tiles)] as &[&str], &pinned].concat());
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);

    // The newer bundle grew from the one that was saved; the saved one is none that grew from the newer.
    let newer = written(keep.path(), "second.json", &second);
    let said = amana_says(&["audit", "verify", &newer, "--since", &file]);
    assert!(said.code == Some(0) && said.out.contains("grown from"), "{}{}", said.out, said.err);
    let said = amana_says(&["audit", "verify", &file, "--since", &newer]);
    assert!(said.code == Some(1) && said.out.contains("`consistency`"), "{}{}", said.out, said.err);

    // The witness goes away and comes back: nothing is published meanwhile, nothing is lost.
    let port = url.rsplit(':').next().expect("a port").to_owned();
    witness.kill();
    let before = crate::browser::client().get(format!("{log}/checkpoint")).send().await.expect("an answer");
    let before = before.text().await.expect("text");
    chat.ask("what is my balance?", "Harbor Bank").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let now = crate::browser::client().get(format!("{log}/checkpoint")).send().await.expect("an answer");
    assert_eq!(now.text().await.expect("text"), before);
    let (_witness, _, again) = start_witness(&port);
    assert_eq!(again, key, "the same witness");
    let third = written(keep.path(), "third.json", &bundle(&mut browser, &world, Some(&second)).await);
    let said = amana_says(&[&["audit", "verify", &third, "--since", &newer] as &[&str], &pinned].concat());
    assert!(said.code == Some(0) && said.out.contains("disclosure: 3"), "{}{}", said.out, said.err);
}

/// Purchases whose receipts' wait for a checkpoint is measured, each at another moment of the keeper's round.
const PURCHASES: u64 = 8;
/// A checkpoint is out within it (the log's format).
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(1);
/// What the machine was away for, as the watch's own timer tells, counts up to here; above it a wait is not judged.
const AWAY_MAX: Duration = Duration::from_millis(250);

/// The size of the checkpoint that is served now, 0 before the first.
async fn published(client: &reqwest::Client, world: &World) -> u64 {
    let url = format!("{}/log/checkpoint", world.gateway_url);
    let answer = client.get(url).send().await.expect("an answer");
    let note = answer.text().await.expect("text");
    note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or_default()
}

/// How large something was seen to be, and when.
type Look = (u64, Instant);

/// Looks at the checkpoint until a moment, and notes each that is larger than the one before.
async fn watch_published(client: &reqwest::Client, world: &World, until: Instant, served: &mut Vec<Look>) {
    while Instant::now() < until {
        let size = published(client, world).await;
        if served.last().is_none_or(|(last, _)| size > *last) {
            served.push((size, Instant::now()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Commits, and how long each pause between looks took too long, and when.
type Watched = (Vec<Look>, Vec<(Duration, Instant)>);

/// Looks into the database, as the gateway commits: the log's sizes, each with the moment of the look before, at which
/// it was not there yet. So a wait is longer than it was by the time between two looks, never shorter. The keeper's own
/// entries wait for nothing and are left out.
fn watch_commits(database: &Path, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Watched> {
    const EVERY: Duration = Duration::from_millis(2);
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(database, flags).expect("the database");
    std::thread::spawn(move || {
        let mut head =
            connection.prepare("SELECT size, reserved FROM log_head WHERE id = 1").expect("a statement");
        let (mut commits, mut late) = (Vec::new(), Vec::new());
        let (mut known, mut before): (Option<u64>, Instant) = (None, Instant::now());
        while !stop.load(Ordering::SeqCst) {
            let look = Instant::now();
            let read = head.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
            if let Ok((size, reserved)) = read {
                let (size, reserved) =
                    (u64::try_from(size).unwrap_or(0), u64::try_from(reserved).unwrap_or(0));
                let keepers = reserved == size && known.is_some_and(|known| known + 1 == size);
                if !keepers && known.is_some_and(|known| size > known) {
                    commits.push((size, before));
                }
                (known, before) = (Some(size), look);
            }
            std::thread::sleep(EVERY);
            late.push((look.elapsed().saturating_sub(2 * EVERY), look));
        }
        (commits, late)
    })
}

/// How long each commit waited until a checkpoint of its size was served; `None` for one that never was.
fn waits(commits: &[Look], served: &[Look]) -> Vec<Option<Duration>> {
    let out = |size: u64| served.iter().find(|(served, _)| *served >= size).map(|(_, at)| *at);
    commits.iter().map(|(size, at)| out(*size).map(|seen| seen.saturating_duration_since(*at))).collect()
}

#[test]
fn a_checkpoint_that_is_late_is_found() {
    let start = Instant::now();
    let at = |ms: u64| start + Duration::from_millis(ms);
    let commits = [(3, at(0)), (5, at(200)), (9, at(300))];
    let served = [(2, at(100)), (4, at(900)), (7, at(1_400))];
    let found = waits(&commits, &served);
    assert_eq!(found, [Some(Duration::from_millis(900)), Some(Duration::from_millis(1_200)), None]);
}

/// The limit of the log's format: an entry is in a signed, served checkpoint within a second of its commit. The commits
/// are read from the database itself, beside the gateway. What the machine was away for, as the watch's own timer
/// tells (not the gateway's answers, which may be late because of the gateway), is not the gateway's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_in_a_published_checkpoint_within_a_second_of_its_commit() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    let till = Till::new(&world.bank_url, "harbor-bank");
    let client = crate::browser::client();
    let stop = Arc::new(AtomicBool::new(false));
    let watch = watch_commits(&keep.path().join("db").join("amana.sqlite"), stop.clone());
    let mut served: Vec<Look> = Vec::new();
    for number in 1..=PURCHASES {
        // Another moment of the keeper's round each time.
        let idle = Duration::from_millis(1_900 + number * 53);
        watch_published(&client, &world, Instant::now() + idle, &mut served).await;
        till.buy("sam", "Meter Shop", &format!("1.{number:02}")).await;
        watch_published(&client, &world, Instant::now() + Duration::from_secs(2), &mut served).await;
        chat.hears(0, &format!("$1.{number:02}")).await;
    }
    // What was told last is an entry, too.
    watch_published(&client, &world, Instant::now() + Duration::from_secs(3), &mut served).await;
    stop.store(true, Ordering::SeqCst);
    let (commits, late) = watch.join().expect("the watch");
    let found = waits(&commits, &served);
    let mut judged = 0;
    for ((size, at), wait) in commits.iter().zip(&found) {
        let wait = wait.unwrap_or_else(|| panic!("{size} entries were never published: {served:?}"));
        let during = |look: &Instant| *look >= *at && *look <= *at + wait;
        let away: Duration = late.iter().filter(|(_, look)| during(look)).map(|(late, _)| *late).sum();
        if away <= AWAY_MAX {
            judged += 1;
            assert!(
                wait <= CHECKPOINT_WITHIN + away,
                "{size}: {wait:?}, of which {away:?} away; all: {found:?}"
            );
        }
    }
    // A receipt and an outcome for each purchase, at least.
    assert!(commits.len() as u64 >= 2 * PURCHASES, "{commits:?}");
    assert!(2 * judged >= commits.len(), "the machine was away for most of them: {late:?}");
    println!("from commit to published checkpoint, {judged} of {}: {found:?}", commits.len());
}

#[test]
fn what_cannot_be_read_is_said() {
    let said = amana_says(&["audit", "verify", "no-such-file.json"]);
    assert!(said.code == Some(1) && said.err.contains("`no-such-file.json` cannot be read"), "{}", said.err);
    let (keep, _) = folder();
    let nonsense = written(keep.path(), "nonsense.json", "{\"v\":1}");
    let said = amana_says(&["audit", "verify", &nonsense]);
    assert!(said.code == Some(1) && said.out.contains("`format`"), "{}{}", said.out, said.err);
    let said = amana_says(&["audit", "log", "--dir", "no-such-folder", "--vkey", "x"]);
    assert!(said.code == Some(1) && said.err.contains("--vkey"), "{}", said.err);
}
