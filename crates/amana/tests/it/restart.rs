//! Killed in the middle and started again: every purchase is told, exactly once.

use crate::chat::{Chat, Till, link};
use crate::process::{DOUBT, Demo, folder};
use std::time::{Duration, Instant};

/// Purchases per run.
const PURCHASES: u32 = 12;
/// Kills in the middle.
const KILLS: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_purchase_is_told_exactly_once_over_kills() {
    let (_keep, data) = folder();
    let mut demo = Demo::start(&data, [0; 3], &[]);
    let ports = demo.ports();
    let chat = Chat::new(&demo.chat, "1000", "you");
    link(&chat, "palm-credit", "omar", "detail").await;
    chat.hears(0, "is linked").await;

    let mut bought = 0;
    for kill in 0..KILLS {
        let till = Till::new(&demo.bank, "palm-credit");
        for _ in 0..PURCHASES {
            // Amounts tell the purchases apart: 3.01, 3.02, …
            bought += 1;
            till.buy("omar", "Corner Shop", &format!("3.{bought:02}")).await;
        }
        // A different moment each time: at once, and while messages flow.
        tokio::time::sleep(Duration::from_millis(60 * kill)).await;
        demo.process.kill();
        demo = Demo::start(&data, ports, &[]);
    }

    // The platform's webhooks say that the door is open again: only then a missing echo says something.
    chat.say("hello").await;
    // A message that was on its way at a kill waits for its echo before it is sent again; until then it is open. When
    // nothing is open any more, nothing can come twice.
    at_rest(&demo).await;
    let said = chat.said().await;
    for number in 1..=bought {
        let needle = format!("$3.{number:02}");
        let times = said.iter().filter(|m| m.contains("Corner Shop") && m.contains(&needle)).count();
        assert_eq!(times, 1, "{needle} was told {times} times; {said:#?}");
    }
    let (status, _) = demo.process.interrupt();
    assert!(status.success());
}

/// Waits until the gateway has nothing left to do, by its own gauges.
async fn at_rest(demo: &Demo) {
    let client = crate::browser::client();
    let until = Instant::now() + DOUBT;
    // Twice in a row, as an event is for a moment neither waiting nor a message.
    let mut still = 0;
    while still < 2 {
        assert!(Instant::now() < until, "the gateway does not come to rest");
        tokio::time::sleep(Duration::from_secs(6)).await;
        let answer = client.get(format!("{}/metrics", demo.gateway)).send().await;
        let answer = answer.unwrap_or_else(|e| panic!("{e:?}; the log: {}", demo.process.log()));
        let metrics = answer.text().await.expect("text");
        let none = ["amana_inbox_waiting 0", "amana_outbox_open 0"];
        still = if none.iter().all(|line| metrics.lines().any(|l| l == *line)) { still + 1 } else { 0 };
    }
}
