//! From the bank's event to the Send API. To see the number:
//! `cargo test --release -p amana --test it latency -- --nocapture`.

use crate::chat::{Chat, Till, link};
use crate::process::{Demo, folder};
use std::time::Duration;

/// Purchases that are measured.
const PURCHASES: usize = 30;
/// The bound of the test, far above the goal (250 ms at the median on an idle machine), as builds may run beside.
const BOUND: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_event_to_send_call() {
    let (_keep, data) = folder();
    let demo = Demo::start(&data, [0; 3], &[]);
    let chat = Chat::new(&demo.chat, "1000", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    let till = Till::new(&demo.bank, "harbor-bank");
    let mut took = Vec::new();
    for number in 1..=PURCHASES {
        let before = chat.said().await.len();
        till.buy("sam", "Meter Shop", &format!("1.{number:02}")).await;
        let needle = format!("$1.{number:02}");
        chat.hears(before, &needle).await;
        // The event's own time is that of the purchase, a moment before the bank's POST.
        let events = till.events().await;
        let event = events.iter().find(|e| e["type"] == "bank.transaction.authorised.v1").expect("an event");
        let made: jiff::Timestamp = event["time"].as_str().expect("a time").parse().expect("a time");
        let sends = chat.sends().await;
        let sent = sends.iter().rev().find(|send| {
            let words = crate::browser::plain(&send["request"].to_string());
            words.contains(&needle)
        });
        let arrived = sent.expect("a send")["arrived_us"].as_i64().expect("a time");
        took.push(Duration::from_micros(u64::try_from(arrived - made.as_microsecond()).expect("after")));
    }
    took.sort();
    let (median, worst) = (took[PURCHASES / 2], took[PURCHASES - 1]);
    println!("bank event to Send API: median {median:?}, worst {worst:?} of {PURCHASES}");
    assert!(median <= BOUND, "the median is {median:?}");
}
