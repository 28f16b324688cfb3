//! `amana bench`: short runs of each measurement, in which nothing is lost.

use crate::process::amana_says;
use serde_json::Value;

/// One short run; its document.
fn run(what: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let mut arguments = vec!["bench", what, "--json", "--seconds", "2", "--warm-up", "1", "--dir", dir];
    arguments.extend(more);
    let said = amana_says(&arguments);
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.err);
    let document: Value = serde_json::from_str(&said.out).expect("one document of JSON");
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "what it made is gone");
    let run = document["runs"][0].clone();
    assert_eq!((&run["name"], &run["good"]), (&Value::from(what), &Value::from(true)), "{run}");
    assert!(run["achieved_per_s"].as_f64().expect("a rate") > 0.0);
    run
}

fn number(run: &Value, pointer: &str) -> u64 {
    run.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("`{pointer}` is in {run}"))
}

#[test]
fn decide_shows_each_step() {
    let run = run("decide", &["--rate", "200"]);
    assert_eq!(number(&run, "/account/offered"), 600);
    let stages = run["stages_us"].as_object().expect("stages");
    assert!(stages.len() >= 7 && stages.values().all(|us| us.as_f64().is_some_and(|us| us > 0.0)), "{run}");
}

#[test]
fn log_makes_receipts_durable() {
    let run = run("log", &["--rate", "200", "--customers", "50"]);
    assert_eq!(number(&run, "/account/recorded"), 600);
    assert_eq!(number(&run, "/waits_us/durable/count"), 400, "what warms up is not timed");
    // What is on record is in a published checkpoint within a second, half of it on a machine that does much else, too.
    assert!(number(&run, "/waits_us/from commit to published checkpoint/count") > 10, "{run}");
    assert!(number(&run, "/waits_us/from commit to published checkpoint/p50") <= 1_000_000, "{run}");
    assert!(run["fdatasync_per_s"]["before"].as_f64().expect("a rate") > 0.0);
    assert_eq!(run["durability"], "SQLite, WAL, synchronous=FULL");
}

/// Consents change meanwhile, and events of one customer come in one batch.
#[test]
fn intake_accounts_for_every_event() {
    let orders = ["--rate", "100", "--customers", "30", "--batch", "50", "--change-every", "40"];
    let run = run("intake", &orders);
    assert_eq!(number(&run, "/account/offered"), 300);
    assert_eq!(number(&run, "/account/pending") + number(&run, "/account/denied"), 300);
    assert!(number(&run, "/account/pending") > 250, "{run}");
}

/// The platform has its 200 within a second, 99 of 100 times, by the very route that it calls: signature, parser, a
/// store that syncs to the disk. At a hundred messages a second, each of which is answered once.
#[test]
fn webhook_answers_every_message_once() {
    let run = run("webhook", &["--rate", "100", "--customers", "40", "--connections", "16"]);
    assert_eq!(number(&run, "/account/sent"), 300);
    assert_eq!(number(&run, "/waits_us/at the platform/count"), 200);
    assert_eq!(number(&run, "/waits_us/acknowledged/count"), 200);
    assert!(number(&run, "/waits_us/acknowledged/p99") <= 1_000_000, "{run}");
}

#[test]
fn send_brings_every_event_to_its_chat_in_order() {
    let run = run("send", &["--rate", "30", "--customers", "10", "--pages", "3", "--connections", "8"]);
    assert_eq!((number(&run, "/account/sent"), number(&run, "/pages")), (90, 3));
    assert_eq!(number(&run, "/waits_us/at the platform/count"), 60);
}

/// A restart over what another process left: three times in their order, and the memory of that process alone.
#[test]
fn start_is_a_process_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let said = amana_says(&["bench", "start", "--json", "--customers", "300", "--dir", dir]);
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.err);
    let document: Value = serde_json::from_str(&said.out).expect("one document of JSON");
    let run = &document["runs"][0];
    assert_eq!((&run["good"], &run["customers"]), (&Value::from(true), &Value::from(300)), "{run}");
    assert!(run["achieved_per_s"].is_null() && run["cpu_s_per_million"].is_null(), "{run}");
    let after = |stage: &str| run["stages_us"][stage].as_f64().unwrap_or_else(|| panic!("{stage}: {run}"));
    let ready = after("ready for events, after");
    let durable = after("the first event durable, after");
    assert!(0.0 < ready && ready < durable, "{run}");
    assert!(durable < after("its receipt in a published checkpoint, after"), "{run}");
    let (rest, most) = (number(run, "/memory_at_rest_bytes"), number(run, "/memory_peak_bytes"));
    assert!(1_000_000 < rest && rest <= most, "{run}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "what it made is gone");
}
