//! Killed in the middle and started again: every purchase is told, exactly once.

use crate::chat::{Chat, Till, link};
use crate::process::{Demo, folder};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Purchases per run.
const PURCHASES: u32 = 12;
/// Kills in the middle.
const KILLS: usize = 3;

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
        tokio::time::sleep(Duration::from_millis(60 * kill as u64)).await;
        demo.process.kill();
        demo = Demo::start(&data, ports, &[]);
    }

    let until = Instant::now() + Duration::from_secs(60);
    let counts = loop {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for message in chat.said().await {
            for number in 1..=bought {
                if message.contains("Corner Shop") && message.contains(&format!("$3.{number:02}")) {
                    *counts.entry(number).or_default() += 1;
                }
            }
        }
        if counts.len() == bought as usize || Instant::now() > until {
            break counts;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    // Whatever would come twice has time to do so: an unconfirmed message waits ten seconds for its echo.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let said = chat.said().await;
    for number in 1..=bought {
        let needle = format!("$3.{number:02}");
        let times = said.iter().filter(|m| m.contains("Corner Shop") && m.contains(&needle)).count();
        assert_eq!(
            times,
            1,
            "{needle} was told {times} times (counted before: {:?}); {:#?}",
            counts.get(&number),
            said
        );
    }
    let (status, _) = demo.process.interrupt();
    assert!(status.success());
}
