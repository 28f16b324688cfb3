//! `kill -9` in the middle of an erasure: the next start brings it to its end, and it holds against a copy of the
//! database from before, which the start cleans, on PostgreSQL too.

use crate::browser::Browser;
use crate::chat::{Chat, link, through_the_bank};
use crate::process::{amana_says, folder};
use crate::serve::{POSTGRES_URL, World, sql};
use amana_core::{CustomerId, ManualClock, SeededEntropy, Shard, Timestamp};
use amana_gate::{DataKey, Told};
use amana_store::{
    Command, Custody as _, Holder, JobKind, Keys, Share, SqliteCustody, Store, Story, StoryState,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an erasure may take to begin, or to end after a start, on a machine that builds something else beside.
const PATIENCE: Duration = Duration::from_secs(120);
/// Stories that each customer has: ten steps of an erasure, so that there is a middle to be killed in.
const STORIES: u32 = 20_000;

/// When the process is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after the button was pressed.
    After(Duration),
    /// As soon as it is certain: the first commit is there.
    Certain,
    /// As soon as the share of the customer's key is destroyed.
    Destroyed,
    /// So long after that: some rows are removed.
    Removing(Duration),
}

/// The files of a gateway, seen by another process.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn custody(&self) -> SqliteCustody {
        SqliteCustody::open(&self.folder.join("custody.sqlite"), false).expect("the custody")
    }

    /// The database of a folder, under the gateway's keys of now.
    async fn store(&self, database: &Path) -> Arc<dyn Store> {
        let text = std::fs::read_to_string(self.folder.join("master.key")).expect("the master key");
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key).expect("a key");
        let keys = Keys::new(Arc::new(DataKey::new(key)), Arc::new(self.custody()));
        let url = format!("sqlite:{}", database.join("amana.sqlite").display());
        let clock = Arc::new(ManualClock::at(now()));
        amana_store::open(&url, keys, Arc::new(SeededEntropy::new(7)), clock).await.expect("a store")
    }

    fn share(&self, id: CustomerId) -> Option<Share> {
        self.custody().share(Holder::Customer(id)).expect("answers")
    }

    /// In how many of the folder's files these bytes stand.
    fn found(&self, bytes: &[u8]) -> usize {
        let files =
            std::fs::read_dir(&self.folder).expect("a folder").map(|file| file.expect("a file").path());
        let holds =
            |path: &PathBuf| std::fs::read(path).expect("reads").windows(bytes.len()).any(|w| w == bytes);
        files.filter(|path| path.is_file() && holds(path)).count()
    }

    fn copy_of_the_database(&self, to: &Path) {
        std::fs::create_dir(to).expect("a folder");
        // Whoever closes the database last takes its side files away: a copy that met that moment is made anew.
        for _ in 0..10 {
            if self.copied(to).expect("copied") {
                return;
            }
        }
        panic!("the database does not hold still");
    }

    /// Whether every file was still there when its turn came.
    fn copied(&self, to: &Path) -> std::io::Result<bool> {
        for file in std::fs::read_dir(&self.folder)? {
            let file = file?;
            if !file.file_name().to_string_lossy().starts_with("amana.sqlite") {
                continue;
            }
            match std::fs::copy(file.path(), to.join(file.file_name())) {
                Ok(_) => {}
                Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => {
                    std::fs::remove_dir_all(to)?;
                    std::fs::create_dir(to)?;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    amana_core::from_micros(i64::try_from(since.as_micros()).expect("fits"))
}

/// A browser that is signed in to the privacy page.
async fn signed_in(world: &World, user: &str) -> Browser {
    let mut browser = Browser::new();
    let page = browser.open(&format!("{}/privacy", world.gateway_url)).await;
    let enter = page.form("/privacy/sign-in").with("institution", "harbor-bank");
    let login = browser.submit(&page, enter).await;
    through_the_bank(&mut browser, login, user).await;
    browser
}

/// The customer who signs in so, by their own export.
async fn id_of(world: &World, user: &str) -> CustomerId {
    let mut browser = signed_in(world, user).await;
    let answer = browser.open(&format!("{}/privacy/export", world.gateway_url)).await;
    let taken: serde_json::Value = serde_json::from_str(&answer.html).expect("JSON");
    taken["customer"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

async fn linked(world: &World, name: &str, user: &str) -> CustomerId {
    let chat = Chat::new(&world.chat_url, "55", name);
    link(&chat, "harbor-bank", user, "detail").await;
    chat.hears(0, "is linked").await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    id_of(world, user).await
}

/// Gives a customer a long past.
async fn with_a_past(store: &Arc<dyn Store>, shard: Shard, customer: CustomerId) {
    let story = |n: u32| {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_be_bytes());
        let (state, told, at) = (StoryState::Posted, Told::from_stored([0; 32]), now());
        Command::PutStory(Story { shard, customer, key, state, told, at, by: None })
    };
    for first in (0..STORIES).step_by(1_000) {
        store.submit((first..first + 1_000).map(story).collect()).await.expect("kept");
    }
}

/// What can be opened of a customer: receipts, consents, links, and the key of their log.
async fn opened(store: &Arc<dyn Store>, shard: Shard, id: CustomerId) -> [bool; 4] {
    [
        store.receipts(shard, id, 1, 10).await.is_ok_and(|found| !found.is_empty()),
        store.consents(shard, id).await.is_ok_and(|found| !found.is_empty()),
        store.links_ever_of_customer(shard, id).await.is_ok_and(|found| !found.is_empty()),
        store.log_key(shard, id).await.is_ok_and(|found| found.is_some()),
    ]
}

/// Asks `holds` until it does.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "{what} did not come");
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// The platform's own way, from its dashboard's callback to the end: it names the person by an id that no chat knows,
/// and tells the app alone whose chat that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_asks_the_platform_is_erased_here() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let files = Files { folder: keep.path().join("db") };
    let other = linked(&world, "other", "noura").await;
    let id = linked(&world, "amal", "sam").await;

    let url = format!("{}/control/users/amal/data_deletion", world.chat_url);
    let callback = format!("{}/webhooks/messenger/data-deletion", world.gateway_url);
    let answer = crate::browser::client().post(url).json(&serde_json::json!({"url": callback})).send().await;
    let answer: serde_json::Value = answer.expect("an answer").json().await.expect("JSON");
    assert_eq!((&answer["status"], &answer["problems"]), (&200.into(), &serde_json::json!([])), "{answer}");
    let status = answer["answer"]["url"].as_str().expect("a page").to_owned();

    let watch = files.store(&files.folder).await;
    until("the erasure's end", async || watch.customer_place(id).await.expect("answers").is_none()).await;
    assert!(files.share(id).is_none(), "nothing opens it any more");
    assert!(watch.customer_place(other).await.expect("answers").is_some(), "nobody else's");
    until("the page's word", async || Browser::new().open(&status).await.text().contains("It is done")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_is_killed_in_the_middle_ends_after_the_next_start() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let files = Files { folder: keep.path().join("db") };
    let vkey = world.says(&["audit", "key"]).out.trim().to_owned();
    let other = linked(&world, "other", "noura").await;
    let state = keep.path().join("audit.state");
    let state = state.to_str().expect("text");

    let moments = [
        Moment::Certain,
        Moment::Destroyed,
        Moment::Removing(Duration::from_millis(15)),
        Moment::After(Duration::from_millis(3)),
        Moment::After(Duration::from_millis(40)),
    ];
    let mut in_the_middle = 0;
    for (round, moment) in moments.into_iter().enumerate() {
        let id = linked(&world, &format!("chat{round}"), "sam").await;
        let store = files.store(&files.folder).await;
        let place = store.customer_place(id).await.expect("answers").expect("is there");
        with_a_past(&store, place.shard, id).await;
        drop(store);
        world.stop();
        let before = keep.path().join(format!("before{round}"));
        files.copy_of_the_database(&before);
        let share = files.share(id).expect("a share");
        assert_eq!(files.found(share.as_slice()), 1, "the search finds what is there");
        let copy = files.store(&before).await;
        assert_eq!(opened(&copy, place.shard, id).await, [true; 4], "{moment:?}: it opens so far");
        drop(copy);
        world.serve().await;

        // The two steps of the page; in the second one the process is killed.
        let mut browser = signed_in(&world, "sam").await;
        let page = browser.open(&format!("{}/privacy", world.gateway_url)).await;
        let asked = browser.submit(&page, page.form("/privacy/erase")).await;
        let request = asked.form("/privacy/erase").request(&browser, &asked);
        let watch = files.store(&files.folder).await;
        let pressed = tokio::spawn(request.send());
        let certain = async || {
            let place = watch.customer_place(id).await.expect("answers");
            place.is_none_or(|place| place.erased_at.is_some())
        };
        // Opened once: opening takes the lock for writing, for which the gateway would have to wait.
        let custody = files.custody();
        let destroyed = async || custody.share(Holder::Customer(id)).expect("answers").is_none();
        match moment {
            Moment::After(long) => tokio::time::sleep(long).await,
            Moment::Certain => until("the erasure's first commit", certain).await,
            Moment::Destroyed => until("the share's end", destroyed).await,
            Moment::Removing(long) => {
                until("the share's end", destroyed).await;
                tokio::time::sleep(long).await;
            }
        }
        world.kill();
        let _ = pressed.await;
        let found = watch.customer_place(id).await.expect("answers");
        let begun = found.as_ref().is_none_or(|place| place.erased_at.is_some());
        println!("{moment:?}: begun {begun}, share {}, row {}", files.share(id).is_some(), found.is_some());
        in_the_middle += u32::from(begun && found.is_some());
        drop(watch);

        // The next start: what had begun ends by itself; what had not is as it was, and ends when it is asked again.
        world.serve().await;
        if !begun {
            let said = world.says(&["customer", "erase", &id.to_string(), "--yes"]);
            assert_eq!(said.code, Some(0), "{}", said.err);
        }
        let watch = files.store(&files.folder).await;
        until("the erasure's end", async || {
            let gone = watch.customer_place(id).await.expect("answers").is_none();
            let jobs = watch.jobs_due(amana_core::from_micros(i64::MAX), 1_000).await.expect("answers");
            // The bank is told, and of the customer's jobs none is left.
            gone && jobs.iter().all(|job| job.customer != id && job.kind != JobKind::RevokeAtBank)
        })
        .await;
        assert_eq!(watch.counts().await.expect("answers").jobs_dead, 0, "{moment:?}");
        assert!(files.share(id).is_none() && files.custody().destroyed(None).expect("answers").contains(&id));
        assert_eq!(files.found(share.as_slice()), 0, "{moment:?}: the share is in no file");
        assert_eq!(opened(&watch, place.shard, id).await, [false; 4], "{moment:?}");
        drop(watch);
        let copy = files.store(&before).await;
        assert_eq!(
            opened(&copy, place.shard, id).await,
            [false; 4],
            "{moment:?}: nor out of the copy from before"
        );
        let others = copy.customer_place(other).await.expect("answers").expect("is there");
        assert_eq!(opened(&copy, others.shard, other).await, [true; 4], "{moment:?}: the others' does");
        drop(copy);

        // The log has only grown, and proves what another customer was told.
        let tiles = files.folder.join("log");
        let tiles = tiles.to_str().expect("text");
        let bundle = keep.path().join(format!("bundle{round}.json"));
        let bundle = bundle.to_str().expect("text");
        let said = world.says(&["audit", "export", "--customer", &other.to_string(), "--out", bundle]);
        assert_eq!(said.code, Some(0), "{moment:?}: {}", said.err);
        let said = amana_says(&["audit", "verify", bundle, "--vkey", &vkey]);
        assert_eq!(said.code, Some(0), "{moment:?}: {}{}", said.out, said.err);
        let said = amana_says(&["audit", "log", "--dir", tiles, "--vkey", &vkey, "--state", state]);
        assert_eq!(said.code, Some(0), "{moment:?}: {}{}", said.out, said.err);
    }
    // Of the first three moments at least the one after the share's end is one: ten steps are left then.
    assert!(in_the_middle >= 1, "no kill came in the middle");
}

/// Yesterday's database is put back on PostgreSQL, with yesterday's log and today's custody: nothing of the erased
/// opens, and the gateway's start removes them again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yesterdays_database_on_postgresql_is_cleaned_at_the_start() {
    let Ok(admin) = std::env::var(POSTGRES_URL) else {
        panic!("{POSTGRES_URL} is not set: run `cargo xtask test`, which starts a PostgreSQL cluster");
    };
    let name = format!("amana_erased_{}", std::process::id());
    for database in [name.clone(), format!("{name}_then")] {
        sql(&admin, &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
    }
    sql(&admin, &format!("CREATE DATABASE {name}")).await;
    let (server, _) = admin.rsplit_once('/').expect("a url with a database");
    let url = format!("{server}/{name}");
    let (keep, _) = folder();
    let (key, log) = (keep.path().join("master.key"), keep.path().join("log"));
    std::fs::write(&key, "5a".repeat(32)).expect("written");
    let keys =
        format!("master_key_file = \"{}\"\n[disclosure_log]\ndir = \"{}\"", key.display(), log.display());
    let mut world = World::start_with(keep.path(), &url, &keys);
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let stays = linked(&world, "other", "noura").await;
    let gone = linked(&world, "chat", "sam").await;
    let store = async || {
        let custody = SqliteCustody::open(&keep.path().join("custody.sqlite"), false).expect("the custody");
        let keys = Keys::new(Arc::new(DataKey::new([0x5a; 32])), Arc::new(custody));
        let clock = Arc::new(ManualClock::at(now()));
        amana_store::open(&url, keys, Arc::new(SeededEntropy::new(7)), clock).await.expect("a store")
    };
    let shard_of = async |store: &Arc<dyn Store>, id| {
        store.customer_place(id).await.expect("answers").map(|place| place.shard)
    };

    world.stop();
    let today = store().await;
    let shard = shard_of(&today, gone).await.expect("is there");
    assert_eq!(opened(&today, shard, gone).await, [true; 4], "it opens so far");
    drop(today);
    sql(&admin, &format!("CREATE DATABASE {name}_then TEMPLATE {name}")).await;
    let log_then = keep.path().join("log.then");
    let copied = std::process::Command::new("cp").arg("-r").args([&log, &log_then]).status();
    assert!(copied.expect("`cp` runs").success());
    world.serve().await;
    let said = world.says(&["customer", "erase", &gone.to_string(), "--yes"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    world.stop();

    sql(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    sql(&admin, &format!("ALTER DATABASE {name}_then RENAME TO {name}")).await;
    std::fs::remove_dir_all(&log).expect("removed");
    std::fs::rename(&log_then, &log).expect("put back");
    let restored = store().await;
    assert!(shard_of(&restored, gone).await.is_some(), "the rows are back");
    assert_eq!(opened(&restored, shard, gone).await, [false; 4]);
    drop(restored);
    world.serve().await;
    let cleaned = store().await;
    assert_eq!(shard_of(&cleaned, gone).await, None, "the start removed them again");
    let others = shard_of(&cleaned, stays).await.expect("is there");
    assert_eq!(opened(&cleaned, others, stays).await, [true; 4], "nobody else");
    drop(cleaned);
    world.stop();
    sql(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
