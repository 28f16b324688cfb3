//! The disclosure log as it is kept: every receipt in a checkpoint, a bundle that verifies, over restarts and crashes.

use crate::support::*;
use amana_core::*;
use amana_flow::*;
use amana_gate::Recipient;
use amana_log::audit::audit;
use amana_log::bundle::{Trust, Verified, verify};
use amana_log::checkpoint::Checkpoint;
use amana_log::note::{Cosigner, LogSigner, Note, VerifierKey};
use amana_log::policy::Policy;
use amana_log::tiles::{MemoryTiles, TileRead, TileStore};
use amana_log::witness::{AddCheckpoint, Answer, Seen, Witness};
use amana_store::{Command, Link};
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn vkey() -> VerifierKey {
    LogSigner::new("gateway.example/log", &[7; 32]).expect("a signer").verifier().clone()
}

fn parts(tiles: &Arc<MemoryTiles>, segment_entries: u64) -> LogParts {
    LogParts { tiles: tiles.clone(), segment_entries, ..log_parts() }
}

async fn link(rig: &Rig) -> Link {
    rig.store.links_of_conversation(&conversation("1")).await.expect("answers").remove(0)
}

/// The bundle of the linked customer, verified with the log's key in hand.
async fn verified(rig: &Rig, trust: &Trust) -> (String, Verified) {
    let link = link(rig).await;
    let bundle = rig
        .gateway
        .bundle_of(&link.institution, link.shard, link.customer, Recipient::Customer, BundleAsk::default())
        .await;
    let bundle = bundle.expect("a bundle").json;
    let good = verify(&bundle, trust).unwrap_or_else(|refused| panic!("{refused}"));
    (bundle, good)
}

fn pinned() -> Trust {
    Trust { vkey: Some(vkey().to_string()), ..Trust::default() }
}

/// Every receipt that the store has is in the bundle, and the public files hold up.
async fn all_is_proved(rig: &Rig, tiles: &Arc<MemoryTiles>) -> Verified {
    let (_, good) = verified(rig, &pinned()).await;
    let link = link(rig).await;
    let receipts = rig.store.receipts(link.shard, link.customer, 1, 10_000).await.expect("answers");
    assert_eq!(good.receipts, u64::try_from(receipts.len()).expect("small"));
    let report = audit(tiles, &vkey(), None, None, |_, _| ()).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(report.state.size, good.size);
    good
}

#[tokio::test]
async fn what_was_told_is_in_a_bundle_that_verifies() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(parts(&tiles, 1 << 20));
    rig.link("1").await;
    rig.says("1", "what is my balance?").await;
    let good = all_is_proved(&rig, &tiles).await;
    assert_eq!((good.kinds["consent"], good.kinds["disclosure"], good.kinds["outcome"]), (1, 1, 1));
    assert!(good.key_pinned && good.kinds["view"] == 1, "fetching the proof is in the proof");

    // What came since is in the next one, and the log grew from the first.
    let (first, _) = verified(&rig, &pinned()).await;
    rig.says("1", "stop").await;
    let note = amana_log::bundle::Bundle::parse(&first).expect("a bundle").checkpoint;
    let saved = Checkpoint::parse(Note::parse(&note).expect("a note").text()).expect("a checkpoint");
    let link = rig.store.links_ever(&conversation("1")).await.expect("answers").remove(0);
    let bundle = rig
        .gateway
        .bundle_of(
            &link.institution,
            link.shard,
            link.customer,
            Recipient::Customer,
            BundleAsk::since(saved.size),
        )
        .await;
    let trust = Trust { since: Some((saved.size, saved.root).into()), ..pinned() };
    let good = verify(&bundle.expect("a bundle").json, &trust).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!((good.since, good.kinds["revocation"]), (Some(saved.size), 1));
}

#[tokio::test]
async fn segments_end_and_restarts_go_on() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(parts(&tiles, 8));
    rig.link("1").await;
    for turn in 0..6 {
        rig.says("1", "what is my balance?").await;
        rig.gateway.log_round().await.expect("a round");
        match turn {
            // Another process goes on with the same files, or with none at all.
            2 => rig.with_log(parts(&tiles, 8)),
            4 => {
                let fresh = Arc::new(MemoryTiles::new());
                rig.with_log(parts(&fresh, 8));
                rig.gateway.log_round().await.expect("a round");
                let (again, first) = (fresh.snapshot(), tiles.snapshot());
                assert!(again.len() > 5, "{} files", again.len());
                // The first has older partial tiles beside them.
                for (path, bytes) in &again {
                    assert_eq!(Some(bytes), first.get(path), "{path}: the same entries make the same files");
                }
                rig.with_log(parts(&tiles, 8));
            }
            _ => {}
        }
    }
    let good = all_is_proved(&rig, &tiles).await;
    assert!(good.segments >= 3, "{} segments", good.segments);
}

/// Tiles in a store that cannot be read once in a while: as a bucket that is too busy.
struct Busy(Arc<MemoryTiles>, AtomicBool);

impl TileRead for Busy {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        if path.starts_with("tile/") && self.1.swap(false, Ordering::SeqCst) {
            return Err(std::io::Error::other("503 SlowDown"));
        }
        self.0.read(path)
    }
}

impl TileStore for Busy {
    fn write(&self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write(path, bytes)
    }
    fn replace(&self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.0.replace(path, bytes)
    }
    fn drop_partials(&self, paths: &[&str]) -> std::io::Result<()> {
        self.0.drop_partials(paths)
    }
}

/// That tiles cannot be read now is no reason to write all of the log anew: the round fails, says why, and the next one
/// goes on.
#[tokio::test]
async fn a_store_that_is_busy_for_a_moment_is_asked_again_and_nothing_is_written_anew() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(parts(&tiles, 8));
    rig.link("1").await;
    rig.says("1", "what is my balance?").await;
    rig.gateway.log_round().await.expect("a round");
    let before = tiles.snapshot();
    let busy = Arc::new(Busy(tiles.clone(), AtomicBool::new(true)));
    rig.with_log(LogParts { tiles: busy.clone(), ..parts(&tiles, 8) });
    rig.says("1", "what is my balance?").await;
    let said = rig.gateway.log_round().await.expect_err("it cannot be read").to_string();
    assert!(said.contains("503 SlowDown"), "{said}");
    assert!(!busy.1.load(Ordering::SeqCst) && tiles.snapshot() == before, "nothing was written");
    rig.gateway.log_round().await.expect("it goes on");
    all_is_proved(&rig, &tiles).await;
}

/// Whatever a customer has, there is a proof of it: in parts of any size, each of which goes on where the one before
/// ended, while receipts come in and segments end. The looks themselves are among them.
#[tokio::test]
async fn a_bundle_in_parts_shows_every_receipt_and_the_end() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(parts(&tiles, 7));
    rig.link("1").await;
    for _ in 0..5 {
        rig.says("1", "what is my balance?").await;
        rig.gateway.log_round().await.expect("a round");
    }
    let (whole, good) = verified(&rig, &pinned()).await;
    let remembered = amana_log::bundle::Saved::read(&whole).expect("a bundle");
    assert!(good.segments >= 3 && good.receipts > 8, "{good:?}");
    let link = link(&rig).await;
    for (receipts, segments) in [(2, 4_096), (3, 4_096), (4, 2), (100, 2), (100, 3), (100, 100)] {
        let mut ask = BundleAsk { receipts, segments, ..BundleAsk::since(remembered.size) };
        let (mut after, mut shown, mut count) = (None, 0, 0);
        loop {
            let part = rig
                .gateway
                .bundle_of(&link.institution, link.shard, link.customer, Recipient::Customer, ask)
                .await;
            let part = part.expect("a part");
            let trust = Trust { since: Some(remembered), after, ..pinned() };
            let good = verify(&part.json, &trust).unwrap_or_else(|refused| panic!("{refused}"));
            shown += good.receipts;
            count += 1;
            assert_eq!((good.mine.at.seq, good.more), (shown, part.next.is_some()));
            assert!(good.receipts <= receipts as u64 && good.segments <= segments, "{good:?}");
            // A later part alone proves nothing, and none is taken for the whole.
            if after.is_some() {
                assert!(verify(&part.json, &pinned()).is_err());
            }
            after = good.saved();
            let Some(next) = part.next else { break };
            ask = next;
        }
        let stored = rig.store.receipts(link.shard, link.customer, 1, 10_000).await.expect("answers");
        assert_eq!(shown, stored.len() as u64);
        assert_eq!(
            count == 1,
            (receipts, segments) == (100, 100),
            "{count} parts of {receipts} and {segments}"
        );
    }
    // What is asked for behind a place that there is not begins with the first receipt.
    for after in [(10_000, 0), (1, 10_000), (u64::MAX, u64::MAX), (u64::MAX, 0), (0, 2)] {
        let ask = BundleAsk { after: Some(after), ..BundleAsk::default() };
        let part = rig
            .gateway
            .bundle_of(&link.institution, link.shard, link.customer, Recipient::Customer, ask)
            .await;
        let good = verify(&part.expect("a bundle").json, &pinned());
        assert!(good.is_ok_and(|good| good.mine.at.seq == good.receipts && !good.more), "{after:?}");
    }
}

/// A bundle's index is the one that the keeper has: the entries of the open segment are not read again for each bundle.
/// Where the keeper does not have it, as after a segment ended, they are.
#[tokio::test]
async fn a_bundle_does_not_read_the_open_segment_again() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(parts(&tiles, 1 << 20));
    rig.link("1").await;
    rig.says("1", "what is my balance?").await;
    let before = all_is_proved(&rig, &tiles).await;
    let forget = || {
        let entries = tiles.snapshot().into_keys().filter(|path| path.starts_with("tile/entries/"));
        entries.filter(|path| tiles.remove(path)).count()
    };
    assert!(forget() > 0, "there are files to forget");
    // Several at once, of one checkpoint or of several: all verify.
    let link = link(&rig).await;
    let bundle = || {
        rig.gateway.bundle_of(
            &link.institution,
            link.shard,
            link.customer,
            Recipient::Customer,
            BundleAsk::default(),
        )
    };
    for _ in 0..3 {
        forget();
        let (a, b, c) = tokio::join!(bundle(), bundle(), bundle());
        for bundle in [a, b, c] {
            let good = verify(&bundle.expect("a bundle").json, &pinned())
                .unwrap_or_else(|refused| panic!("{refused}"));
            assert!(good.receipts > before.receipts);
        }
    }
}

#[tokio::test]
async fn a_crash_between_reserving_and_filling_is_made_good() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(parts(&tiles, 8));
    rig.link("1").await;
    for seconds in [60, 2 * 86_400] {
        rig.gateway.log_round().await.expect("a round");
        rig.says("1", "what is my balance?").await;
        // The keeper reserved a place (the second time a segment's last), and was killed.
        rig.clock.advance_s(seconds);
        let reserve =
            Command::ReserveIndex { now: rig.clock.now(), segment_entries: 8, segment_seconds: 86_400 };
        rig.store.submit(vec![reserve]).await.expect("reserved");
        rig.says("1", "what is my balance?").await;
        rig.with_log(parts(&tiles, 8));
    }
    all_is_proved(&rig, &tiles).await;
}

/// A witness in this process; it can be away.
struct Near {
    witness: Witness,
    seen: Mutex<Seen>,
    away: Mutex<bool>,
}

#[async_trait]
impl WitnessClient for Near {
    async fn add_checkpoint(&self, _: &str, body: String) -> Result<(u16, String), String> {
        if *self.away.lock().unwrap() {
            return Err("nobody there".into());
        }
        let request = AddCheckpoint::parse(body.as_bytes()).expect("a request");
        let mut seen = self.seen.lock().unwrap();
        let answer = self.witness.decide(&request, *seen, 1_800_000_000);
        if let Answer::Cosigned { seen: now, .. } = &answer {
            *seen = *now;
        }
        Ok((answer.status(), answer.body()))
    }
}

#[tokio::test]
async fn without_its_witness_a_checkpoint_is_not_published() {
    let mut rig = Rig::new().await;
    let mut witness = Witness::new(Cosigner::new("witness.example", &[9; 32]).expect("a key"));
    witness.trust(vkey()).expect("a log's key");
    let file = format!("log {}\nwitness w {} http://witness.example\nquorum w\n", vkey(), witness.verifier());
    let policy = || Policy::parse(&file).expect("a policy");
    let near = Arc::new(Near { witness, seen: Mutex::default(), away: Mutex::new(false) });
    let tiles = Arc::new(MemoryTiles::new());
    let with = || LogParts {
        witnesses: Some(Witnesses { policy: policy(), client: near.clone() }),
        ..parts(&tiles, 1 << 20)
    };
    rig.with_log(with());
    rig.link("1").await;
    let trust = Trust { policy: Some(policy()), ..pinned() };
    let (_, good) = verified(&rig, &trust).await;
    assert_eq!(good.witnesses, Some(vec!["w".to_owned()]));

    // It goes away: nothing newer is published, and nothing is lost.
    *near.away.lock().unwrap() = true;
    let published = rig.store.log_checkpoint().await.expect("answers");
    rig.says("1", "what is my balance?").await;
    for _ in 0..3 {
        rig.gateway.log_round().await.expect("a round");
    }
    assert_eq!(rig.store.log_checkpoint().await.expect("answers"), published);
    assert!(rig.sees("1").last().is_some_and(|said| said.contains("1,")), "answers go on");

    // It comes back: what waited is published without anything new to bring it on.
    *near.away.lock().unwrap() = false;
    let size = rig.store.log_head().await.expect("answers").size;
    rig.gateway.log_round().await.expect("a round");
    let published = rig.store.log_checkpoint().await.expect("answers").expect("one").0;
    assert_eq!((published, rig.store.log_head().await.expect("answers").size), (size, size));
    // A restarted keeper does not know the size that the witness has in mind: it is asked again from there.
    rig.with_log(with());
    let (_, good) = verified(&rig, &trust).await;
    assert_eq!(good.kinds["disclosure"], 1);
}

/// A witness that is needed, a quarter of a second away.
struct Far(Arc<Near>);

#[async_trait]
impl WitnessClient for Far {
    async fn add_checkpoint(&self, url: &str, body: String) -> Result<(u16, String), String> {
        tokio::time::sleep(Duration::from_millis(250)).await;
        self.0.add_checkpoint(url, body).await
    }
}

/// With a required witness that takes a quarter of a second every entry is in a cosigned, published checkpoint within
/// a second of its commit, at whatever moment of the keeper's round it comes. What the machine itself was away for, as
/// a timer beside it tells, is not the keeper's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_witness_a_quarter_of_a_second_away_a_checkpoint_is_out_within_a_second() {
    let mut rig = Rig::new().await;
    let mut witness = Witness::new(Cosigner::new("witness.example", &[9; 32]).expect("a key"));
    witness.trust(vkey()).expect("a log's key");
    let file = format!("log {}\nwitness w {} http://witness.example\nquorum w\n", vkey(), witness.verifier());
    let near = Arc::new(Near { witness, seen: Mutex::default(), away: Mutex::new(false) });
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(LogParts {
        witnesses: Some(Witnesses {
            policy: Policy::parse(&file).expect("a policy"),
            client: Arc::new(Far(near)),
        }),
        ..parts(&tiles, 1 << 20)
    });
    rig.link("1").await;
    rig.gateway.log_round().await.expect("a round");
    let stop = tokio_util::sync::CancellationToken::new();
    let keeper = tokio::spawn(rig.gateway.clone().run_log(stop.clone()));
    let mut waits = Vec::new();
    for number in 1..=6 {
        tokio::time::sleep(Duration::from_millis(450 + number * 97)).await;
        rig.says("1", "what is my balance?").await;
        // All that is durable now: the last of it was committed just now.
        let (committed, size) = (Instant::now(), rig.store.log_head().await.expect("answers").size);
        let mut away = Duration::ZERO;
        let published = loop {
            let asked = Instant::now();
            let file = tiles.read("checkpoint").expect("reads").expect("one");
            let note = Note::parse(std::str::from_utf8(&file).expect("text")).expect("a note");
            if Checkpoint::parse(note.text()).expect("a checkpoint").size >= size {
                break note;
            }
            assert!(committed.elapsed() < Duration::from_secs(20), "nothing is published");
            tokio::time::sleep(Duration::from_millis(5)).await;
            away += asked.elapsed().saturating_sub(Duration::from_millis(20));
        };
        let wait = committed.elapsed();
        waits.push(wait);
        assert!(wait <= Duration::from_secs(1) + away, "{waits:?}, of which {away:?} the machine was away");
        let needed = Policy::parse(&file).expect("a policy");
        assert!(needed.weigh(&published).quorum, "the witness has cosigned it");
    }
    println!("published with a witness 250 ms away: {waits:?}");
    stop.cancel();
    keeper.await.expect("it ends");
}

/// Two witnesses of which one is enough: one in this process, one that takes the question and never answers.
struct OneHangs(Arc<Near>);

#[async_trait]
impl WitnessClient for OneHangs {
    async fn add_checkpoint(&self, url: &str, body: String) -> Result<(u16, String), String> {
        match url {
            "http://witness.example" => self.0.add_checkpoint(url, body).await,
            _ => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn a_witness_that_hangs_and_is_not_needed_holds_no_checkpoint_up() {
    let mut rig = Rig::new().await;
    let mut witness = Witness::new(Cosigner::new("witness.example", &[9; 32]).expect("a key"));
    witness.trust(vkey()).expect("a log's key");
    let hangs = Cosigner::new("hangs.example", &[10; 32]).expect("a key");
    let file = format!(
        "log {}\nwitness w {} http://witness.example\nwitness h {} http://hangs.example\ngroup g any w h\nquorum g\n",
        vkey(),
        witness.verifier(),
        Witness::new(hangs).verifier()
    );
    let policy = || Policy::parse(&file).expect("a policy");
    let near = Arc::new(Near { witness, seen: Mutex::default(), away: Mutex::new(false) });
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(LogParts {
        witnesses: Some(Witnesses { policy: policy(), client: Arc::new(OneHangs(near.clone())) }),
        ..parts(&tiles, 1 << 20)
    });
    rig.link("1").await;
    let within = amana_flow::limits::WITNESS_WAIT;
    let round = tokio::time::timeout(within, rig.gateway.log_round()).await;
    round.expect("well before the other one's time is over").expect("a round");
    let size = rig.store.log_head().await.expect("answers").size;
    let published = rig.store.log_checkpoint().await.expect("answers").expect("one").0;
    assert_eq!(published, size);
    let trust = Trust { policy: Some(policy()), ..pinned() };
    assert_eq!(verified(&rig, &trust).await.1.witnesses, Some(vec!["w".to_owned()]));

    // Where the other one alone is there, its time is waited for, and nothing is published.
    let published = rig.store.log_checkpoint().await.expect("answers");
    *near.away.lock().unwrap() = true;
    rig.says("1", "what is my balance?").await;
    rig.gateway.log_round().await.expect("a round");
    assert_eq!(rig.store.log_checkpoint().await.expect("answers"), published);
}

/// A database that is put back from before what was published would fork the log: the gateway does not start on it. On
/// another log, with a folder and an origin of its own, it goes on, and everybody's proof is whole there.
#[tokio::test]
async fn an_older_database_does_not_fork_the_log() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(parts(&tiles, 1 << 20));
    rig.link("1").await;
    rig.gateway.check_published_log().await.expect("nothing is published yet");
    rig.says("1", "what is my balance?").await;
    rig.gateway.log_round().await.expect("a round");
    rig.gateway.check_published_log().await.expect("its own");
    // The file of before, as after a crash between database and file, is no fork.
    let older = tiles.read("checkpoint").expect("reads").expect("is there");
    rig.says("1", "what is my balance?").await;
    rig.gateway.log_round().await.expect("a round");
    let newest = tiles.read("checkpoint").expect("reads").expect("is there");
    tiles.replace("checkpoint", &older).expect("written");
    rig.gateway.check_published_log().await.expect("the file is late");
    tiles.replace("checkpoint", &newest).expect("written");

    // The same files under a database that never made them.
    let mut other = Rig::new().await;
    other.with_log(parts(&tiles, 1 << 20));
    let refused = other.gateway.check_published_log().await.expect_err("an older copy").to_string();
    assert!(refused.contains("older copy") && refused.contains("operate.md"), "{refused}");
    other.link("1").await;
    other.says("1", "what is my balance?").await;

    // In the folder of another log it does not start either; in a new one it goes on from its first entry.
    let signer = || LogSigner::new("gateway.example/log-2", &[8; 32]).expect("a signer");
    other.with_log(LogParts { signer: signer(), ..parts(&tiles, 1 << 20) });
    let refused = other.gateway.check_published_log().await.expect_err("another log").to_string();
    assert!(refused.contains("gateway.example/log`") && refused.contains("log-2"), "{refused}");
    let fresh = Arc::new(MemoryTiles::new());
    other.with_log(LogParts { signer: signer(), ..parts(&fresh, 1 << 20) });
    other.gateway.check_published_log().await.expect("an empty folder");
    let trust = Trust { vkey: Some(signer().verifier().to_string()), ..Trust::default() };
    let (_, good) = verified(&other, &trust).await;
    assert_eq!(good.kinds["disclosure"], 1);
}
