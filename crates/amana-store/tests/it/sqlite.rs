//! What only SQLite can show.

use crate::place::Place;
use crate::world::*;
use amana_core::*;
use amana_gate::ReceiptKind;
use amana_store::*;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(at(0)))
}

async fn refused(url: &str, options: OpenOptions) -> OpenError {
    let folder = tempfile::tempdir().expect("a folder");
    let beside = format!("sqlite:{}", folder.path().join("keys").display());
    let opened =
        open_with(url, keys(&beside, MASTER), Arc::new(SeededEntropy::new(1)), clock(), options).await;
    opened.err().expect("does not open")
}

#[tokio::test]
async fn folder_and_file_are_their_owners_alone() {
    let world = World::on(Place::sqlite()).await;
    let file = world.place.file();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("a folder")), 0o700);
    world.customer(1).await;
    assert_eq!(mode(&file.with_extension("db-wal")), 0o600);
}

#[tokio::test]
async fn urls_say_what_they_are() {
    let default = OpenOptions::default();
    for (url, scheme) in
        [("mysql://me:secret@host/x", "`mysql`"), ("amana.db", "`amana.db`"), ("sqlite:", "`sqlite`")]
    {
        let text = refused(url, default).await.to_string();
        assert!(
            text.starts_with(scheme) && text.contains("sqlite:PATH") && !text.contains("secret"),
            "{text}"
        );
    }
    let dir = tempfile::tempdir().expect("a folder");
    let text = refused(&format!("sqlite:{}", dir.path().display()), default).await.to_string();
    assert!(text.contains("cannot be opened") && text.contains("check the path"), "{text}");
    let file = dir.path().join("not-a-database");
    std::fs::write(&file, vec![b'x'; 8192]).expect("writes");
    let text = refused(&format!("sqlite:{}", file.display()), default).await.to_string();
    assert!(text.contains("not a database"), "{text}");
}

#[tokio::test]
async fn migrations_run_once_and_only_forward() {
    let place = Place::sqlite();
    let waits = OpenOptions { auto_migrate: false, ..OpenOptions::default() };
    let pending = refused(&place.url(), waits).await;
    assert!(matches!(pending, OpenError::Pending { found: 0, needed: 1 }), "{pending}");
    assert!(pending.to_string().contains("amana migrate"));
    let report = migrate(&place.url(), &*clock()).await.expect("migrates");
    assert_eq!((report.from, report.to, report.applied.as_slice()), (0, 1, &["0001_start".to_owned()][..]));
    let report = migrate(&place.url(), &*clock()).await.expect("migrates");
    assert_eq!((report.from, report.to, report.applied.len()), (1, 1, 0));
    let opened =
        open_with(&place.url(), keys(&place.url(), MASTER), Arc::new(SeededEntropy::new(1)), clock(), waits)
            .await;
    assert!(opened.is_ok());
    place.sql("UPDATE schema_change SET checksum = X'00'").await;
    let changed = refused(&place.url(), waits).await;
    assert!(matches!(changed, OpenError::Changed { number: 1 }), "{changed}");
    place.sql("INSERT INTO schema_change VALUES (99, 'later', X'00', 0)").await;
    place.sql("DELETE FROM schema_change WHERE number = 1").await;
    let newer = refused(&place.url(), OpenOptions::default()).await;
    assert!(matches!(newer, OpenError::Newer { found: 99, known: 1 }), "{newer}");
    assert!(newer.to_string().contains("install the newer version"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_file_take_turns() {
    let world = World::on(Place::sqlite()).await;
    world.customer(1).await;
    let other = world.another().await;
    let mut tasks = Vec::new();
    for n in 0..40u8 {
        let store = Arc::clone(if n % 2 == 0 { &world.store } else { &other });
        tasks.push(tokio::spawn(async move {
            let record = Command::Record {
                shard: Shard(1),
                customer: customer_id(1),
                receipt: draft(amana_gate::ReceiptKind::View),
            };
            store.submit(vec![record, Command::Accept(event(1, n))]).await.expect("kept");
        }));
    }
    for task in tasks {
        task.await.expect("runs");
    }
    assert_eq!(world.chain(1).await.len(), 40);
    assert_eq!(world.store.counts().await.expect("answers").inbox_waiting, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_said_at_the_door() {
    let world = World::on(Place::sqlite()).await;
    // Another process holds the write lock, so the writer waits and the queue fills.
    let holder = rusqlite::Connection::open(world.place.file()).expect("opens");
    holder.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let mut waiting = Vec::new();
    let mut overloaded = 0;
    for n in 0..limits::WRITER_QUEUE_MAX + limits::SQLITE_BATCH_COMMANDS_MAX + 10 {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        let event = NewInbox { key: EventKey(key), body: Vec::new(), ..event(1, 1) };
        let store = Arc::clone(&world.store);
        let mut submit = Box::pin(async move { store.submit(vec![Command::Accept(event)]).await });
        match std::future::poll_fn(|context| std::task::Poll::Ready(submit.as_mut().poll(context))).await {
            std::task::Poll::Ready(Err(SubmitError::Overloaded)) => overloaded += 1,
            std::task::Poll::Ready(other) => panic!("{other:?}"),
            std::task::Poll::Pending => waiting.push(submit),
        }
    }
    assert!(overloaded >= 10, "{overloaded}");
    holder.execute_batch("ROLLBACK").expect("unlocks");
    let kept = waiting.len();
    for submit in waiting {
        assert_eq!(submit.await.expect("kept"), [Outcome::Changed]);
    }
    let counted = world.store.counts().await.expect("answers").inbox_waiting;
    assert_eq!(counted, u64::try_from(kept).expect("small"));
}

/// The goal: queries of one piece of work see one moment, whichever way they read, and its connection comes back, also
/// from work that was given up: more often than there are connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_at_one_moment_see_one_moment() {
    let world = World::on(Place::sqlite()).await;
    let store = &world.store;
    for n in 1..=10u8 {
        let (mut before, mut after) = (None, None);
        let seen = async || {
            let sums = store.counts().await.expect("answers").receipts;
            (sums, store.customer(Shard(u16::from(n)), customer_id(n)).await.expect("answers").is_some())
        };
        let record = Command::Record {
            shard: Shard(u16::from(n)),
            customer: customer_id(n),
            receipt: draft(ReceiptKind::View),
        };
        let commands = vec![world.create_customer(n).await, record];
        let work = async {
            before = Some(seen().await);
            store.submit(commands).await.expect("is kept");
            after = Some(seen().await);
        };
        store.at_one_moment(Box::pin(work)).await.expect("runs");
        assert_eq!(before, after, "what was submitted meanwhile is not seen");
        assert!(before.is_some_and(|(_, there)| !there));
        assert!(seen().await.1, "and then it is");

        let work = async {
            seen().await;
            std::future::pending::<()>().await;
        };
        let given_up = store.at_one_moment(Box::pin(work));
        let waited = tokio::time::timeout(std::time::Duration::from_millis(1), given_up).await;
        assert!(waited.is_err());
    }
    world.customer(11).await;
}
