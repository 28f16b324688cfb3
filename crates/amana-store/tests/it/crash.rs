//! A process that is killed at random moments: what it was told is durable is there, and receipts have no gaps.

use crate::place::{Place, variable};
use crate::world::*;
use amana_core::*;
use amana_gate::ReceiptKind;
use amana_store::*;
use std::io::{BufRead as _, Write as _};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Tells the child, which is this very program, on what database to write.
const CHILD_URL: &str = "AMANA_STORE_CRASH_URL";
/// Makes each child's events differ from those before.
const CHILD_ROUND: &str = "AMANA_STORE_CRASH_ROUND";
const ROUNDS: u8 = 20;
/// A child that was not killed by then ends by itself.
const CHILD_LIFE: Duration = Duration::from_secs(20);

fn crash_event(round: u8, worker: u8, n: u16) -> NewInbox {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&[round, worker, n.to_be_bytes()[0], n.to_be_bytes()[1]]);
    NewInbox { key: EventKey(key), ..event(worker, worker) }
}

/// Not a test of its own: the program that is killed. Without its variables there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Some(url), Some(round)) = (variable(CHILD_URL), variable(CHILD_ROUND)) else { return };
    let round: u8 = round.parse().expect("a number");
    let entropy = Arc::new(SeededEntropy::new(1000 + u64::from(round)));
    let clock = Arc::new(ManualClock::at(at(0)));
    let store = open_at(&url, MASTER, &entropy, &clock).await.expect("opens");
    let mut tasks = Vec::new();
    for worker in 0..6u8 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            for n in 0..u16::MAX {
                let record = Command::Record {
                    shard: Shard(1),
                    customer: customer_id(1),
                    receipt: draft(ReceiptKind::View),
                };
                let event = Command::Accept(crash_event(round, worker, n));
                let outcomes = store.submit(vec![event, record]).await.expect("kept");
                let [Outcome::Changed, Outcome::Receipt(seq)] = outcomes[..] else { panic!("{outcomes:?}") };
                // One write for one line, so that the parent never reads half of one.
                let mut out = std::io::stdout().lock();
                out.write_all(format!("\nack {worker} {n} {seq}\n").as_bytes()).expect("is read");
                out.flush().expect("is read");
            }
        }));
    }
    tokio::time::sleep(CHILD_LIFE).await;
}

async fn killed_again_and_again(place: Place) {
    let world = World::on(place).await;
    world.customer(1).await;
    let random = SeededEntropy::new(99);
    let (mut acknowledged, mut last, mut hash) = (0usize, 0u64, [0; 32]);
    for round in 0..ROUNDS {
        let mut child = Process::new(std::env::current_exe().expect("a program"))
            .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
            .env(CHILD_URL, world.place.url())
            .env(CHILD_ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut lines = std::io::BufReader::new(child.stdout.take().expect("a pipe")).lines();
        // Killed some time after its first acknowledgement, and then read to the end.
        let mut acks: Vec<(u8, u16, u64)> = Vec::new();
        let mut read = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["ack", worker, n, seq] = words[..] {
                let number = |text: &str| text.parse::<u64>().expect("a number");
                acks.push((
                    u8::try_from(number(worker)).expect("small"),
                    u16::try_from(number(n)).expect("small"),
                    number(seq),
                ));
            }
        };
        for line in lines.by_ref() {
            let line = line.expect("a line");
            read(&line);
            if line.starts_with("ack ") {
                break;
            }
        }
        let [pause] = random.bytes::<1>();
        std::thread::sleep(Duration::from_micros(u64::from(pause) * 400));
        child.kill().expect("is killed");
        lines.map_while(Result::ok).for_each(|line| read(&line));
        assert!(!child.wait().expect("ends").success(), "it did not end by itself");
        assert!(!acks.is_empty(), "round {round} acknowledged nothing");
        acknowledged += acks.len();

        // PostgreSQL may still be finishing what the dead process had sent; a submission of ours comes after it in
        // the customer's row.
        let after = world
            .one(Command::Record {
                shard: Shard(1),
                customer: customer_id(1),
                receipt: draft(ReceiptKind::Denial),
            })
            .await;
        let Outcome::Receipt(end) = after else { panic!("{after:?}") };
        let mut receipts = Vec::new();
        while last + u64::try_from(receipts.len()).expect("small") < end {
            let from = last + 1 + u64::try_from(receipts.len()).expect("small");
            let page = world.store.receipts(Shard(1), customer_id(1), from, 10_000).await.expect("answers");
            assert!(!page.is_empty(), "receipts are missing from {from} to {end}");
            receipts.extend(page);
        }
        hash = check_chain(&receipts, last + 1, hash);
        assert!(
            acks.iter().all(|(_, _, seq)| *seq > last && *seq < end),
            "every acknowledged receipt is there"
        );
        let events: Vec<Command> =
            acks.iter().map(|(worker, n, _)| Command::Accept(crash_event(round, *worker, *n))).collect();
        let outcomes = world.store.submit(events).await.expect("kept");
        assert!(outcomes.iter().all(|o| *o == Outcome::Duplicate), "every acknowledged event is there");
        last = end;
    }
    // Event and receipt were one submission: as many of the one as of the other, beside one receipt a round.
    let counts = world.store.counts().await.expect("answers");
    assert_eq!(counts.inbox_waiting + u64::from(ROUNDS), counts.receipts);
    assert!(acknowledged >= usize::from(ROUNDS));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_killed_again_and_again() {
    killed_again_and_again(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_killed_again_and_again() {
    killed_again_and_again(Place::postgres().await).await;
}
