//! The virtual clock: retries, the alert, the unsubscription after an hour, standing still, seeds.

use serde_json::{Value, json};

use crate::support::{PAGE, Rig};

fn is_text(item: &Value) -> bool {
    item["message"]["text"].is_string() && item["message"]["is_echo"].is_null()
}

/// Goal: fifteen minutes of failures raise an alert, an hour unsubscribes the app from the page, and nothing is
/// replayed.
#[tokio::test]
async fn an_hour_of_failures_unsubscribes() {
    let rig = Rig::new().await;
    rig.answer_with(500);
    rig.say("amal", "one").await;
    rig.wait(1, is_text).await;
    rig.until("/control/pages", |p| p[0]["failing_since_ms"].is_i64()).await;
    rig.post("/control/clock", json!({"advance_s": 16 * 60})).await;
    rig.until("/control/pages", |p| p[0]["alerted"] == true).await;
    rig.post("/control/clock", json!({"advance_s": 45 * 60})).await;
    rig.until("/control/pages", |p| p[0]["subscribed_fields"] == json!([])).await;
    rig.idle().await;
    assert_eq!(rig.thread("amal").await["messages"][0]["progress"], "failed");
    let before = rig.hooks().len();
    rig.answer_with(200);
    rig.say("amal", "two").await;
    rig.idle().await;
    assert_eq!(rig.hooks().len(), before, "the app hears nothing until it subscribes again");
    let fields = json!({"subscribed_fields": ["messages"]});
    rig.graph("POST", "me/subscribed_apps", Some(fields)).await;
    rig.say("amal", "three").await;
    let last = rig.wait(1, |i| i["message"]["text"] == "three").await;
    assert!(
        !last.is_empty() && !rig.hooks().iter().any(|h| h.item()["message"]["text"] == "two"),
        "no replay"
    );
    let log = rig.get("/control/log").await;
    let said =
        |what: &str| log.as_array().unwrap().iter().any(|e| e["title"].as_str().unwrap().contains(what));
    assert!(said("webhooks failing") && said("webhooks disabled"), "{log}");
}

/// Goal: one answer of 200 in between ends the count.
#[tokio::test]
async fn one_answer_ends_the_count() {
    let rig = Rig::new().await;
    rig.answer_with(500);
    rig.say("amal", "one").await;
    rig.until("/control/pages", |p| p[0]["failing_since_ms"].is_i64()).await;
    rig.post("/control/clock", json!({"advance_s": 50 * 60})).await;
    rig.until("/control/pages", |p| p[0]["alerted"] == true).await;
    rig.answer_with(200);
    rig.post("/control/clock", json!({"advance_s": 60})).await;
    rig.until("/control/pages", |p| p[0]["failing_since_ms"].is_null() && p[0]["alerted"] == false).await;
}

/// Goal: a clock that stands still moves only when told, and a retry waits for it.
#[tokio::test]
async fn the_clock_can_stand_still() {
    let rig = Rig::new().await;
    let stopped = rig.post("/control/clock", json!({"freeze": true})).await;
    assert_eq!(stopped["frozen"], true);
    rig.answer_with(500);
    rig.say("amal", "one").await;
    rig.until("/control/webhooks", |w| w["attempts_failed"] == 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let still = rig.get("/control/clock").await;
    assert_eq!(still["now_ms"], stopped["now_ms"]);
    assert_eq!(rig.hooks().len(), 1, "the retry of 200 ms has not come");
    rig.answer_with(200);
    let moved = rig.post("/control/clock", json!({"advance_ms": 200})).await;
    assert_eq!(moved["now_ms"].as_i64(), stopped["now_ms"].as_i64().map(|ms| ms + 200));
    rig.idle().await;
    assert_eq!(rig.hooks().len(), 2);
    let gone_on = rig.post("/control/clock", json!({"freeze": false})).await;
    assert_eq!(gone_on["frozen"], false);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert!(rig.get("/control/clock").await["now_ms"].as_i64() > gone_on["now_ms"].as_i64());
}

/// Goal: two runs with one seed give the same ids to the same conversations, whatever the order between them.
#[tokio::test]
async fn a_seed_repeats_the_ids() {
    let run = async |seed: u64, users: [&'static str; 2]| {
        let rig = Rig::with(None, |config| config.seed = Some(seed)).await;
        for user in users {
            rig.say(user, "hi").await;
            rig.say(user, "again").await;
        }
        let mut out = Vec::new();
        for user in ["amal", "basil"] {
            let thread = rig.thread(user).await;
            let mids: Vec<_> =
                thread["messages"].as_array().unwrap().iter().map(|m| m["mid"].clone()).collect();
            out.push(json!({"psid": thread["psid"], "asid": thread["asid"], "mids": mids}));
        }
        out
    };
    let first = run(5, ["amal", "basil"]).await;
    assert_eq!(first, run(5, ["basil", "amal"]).await);
    assert_ne!(first, run(6, ["amal", "basil"]).await);
    assert_ne!(first[0]["mids"][0], first[0]["mids"][1]);
    let rig = Rig::with(None, |_| {}).await;
    rig.post("/control/seed", json!({"seed": 5})).await;
    rig.say("amal", "hi").await;
    assert_eq!(rig.psid("amal").await, first[0]["psid"].as_str().unwrap());
    let (_, profile) = rig.graph("GET", &format!("{PAGE}?fields=id"), None).await;
    assert_eq!(profile["id"], PAGE);
}
