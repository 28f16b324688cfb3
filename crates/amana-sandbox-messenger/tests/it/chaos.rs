//! The chaos mode: a client that does what the reference says comes through, and a seed repeats the faults.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PAGE, Rig, TOKEN};

/// Sends a text until it is known to have arrived, as a careful client does: an error that says "not sent" is tried
/// again, an answer that says nothing is looked up by its echo and, where none comes, in the conversation. Gives the
/// number of calls.
async fn send_carefully(rig: &Rig, psid: &str, text: &str) -> usize {
    let url = format!("{}/v26.0/me/messages?access_token={TOKEN}", rig.base);
    let body = json!({"recipient": {"id": psid}, "message": {"text": text, "metadata": text}});
    for calls in 1..50 {
        let answer = match rig.client.post(&url).json(&body).send().await {
            Ok(response) => response.json::<Value>().await.ok(),
            Err(_) => None,
        };
        let code = answer.as_ref().map(|a| a["error"]["code"].as_u64());
        match code {
            Some(None) => return calls,
            Some(Some(2 | 4 | 32 | 613 | 80_006)) => continue,
            _ => {}
        }
        // Nobody knows. When nothing is on its way any more, an echo says that it was sent; a missing one says nothing,
        // and the platform is asked what it has.
        rig.idle().await;
        let came = rig.hooks().iter().any(|h| {
            let entries = h.json["entry"].as_array().unwrap();
            let mut items = entries.iter().flat_map(|e| e["messaging"].as_array().unwrap());
            items.any(|i| i["message"]["metadata"] == text && i["message"]["is_echo"] == true)
        });
        if came || is_there(rig, psid, text).await {
            return calls;
        }
    }
    panic!("{text} never arrived");
}

/// Whether the conversation has this text, as the Conversations API tells.
async fn is_there(rig: &Rig, psid: &str, text: &str) -> bool {
    let (_, list) =
        rig.graph("GET", &format!("me/conversations?platform=messenger&user_id={psid}"), None).await;
    let id = list["data"][0]["id"].as_str().expect("a conversation");
    let (_, newest) = rig.graph("GET", &format!("{id}/messages?fields=message&limit=20"), None).await;
    newest["data"].as_array().expect("messages").iter().any(|message| message["message"] == text)
}

async fn run(seed: u64) -> (Value, Vec<String>) {
    let rig = Rig::with(None, |config| config.seed = Some(1)).await;
    let chaos = json!({
        "seed": seed, "duplicate": 200, "reorder": 200, "delay": 200, "delay_max_ms": 10, "lose_answer": 100,
        "lose_request": 100, "drop_connection": 100, "sent_error": 100, "transient": 100, "throttled": 100, "slow": 100,
        "slow_max_ms": 10, "drop_echo": 200, "echo_first": 200
    });
    rig.post("/control/settings", json!({"conversations_per_s": 0})).await;
    let psid = rig.say("amal", "hi").await;
    rig.idle().await;
    let set = rig.post("/control/chaos", chaos).await;
    assert_eq!(set["chaos"]["seed"], seed, "{set}");
    for i in 0..30 {
        send_carefully(&rig, &psid, &format!("m{i}")).await;
    }
    rig.idle().await;
    let thread = rig.thread("amal").await;
    let shown = thread["messages"].as_array().unwrap().iter().filter(|m| m["from"] == "page");
    let texts: Vec<_> = shown.map(|m| m["body"]["text"].as_str().unwrap().to_owned()).collect();
    let state = rig.get("/control/chaos").await;
    let ended = rig.post("/control/chaos", json!({"off": true})).await;
    assert!(ended["chaos"].is_null());
    (state["counts"].clone(), texts)
}

/// Goal: a careful client delivers each message once and in order under every fault, and the seed repeats the faults of
/// the calls. (Those of webhooks repeat for the same events, see below; here their number depends on how the client
/// waits.)
#[tokio::test]
async fn a_careful_client_comes_through_and_a_seed_repeats() {
    let (first, texts) = run(11).await;
    let wanted: Vec<_> = (0..30).map(|i| format!("m{i}")).collect();
    assert_eq!(texts, wanted);
    let (second, _) = run(11).await;
    let calls =
        ["lose_request", "drop_connection", "sent_error", "transient", "throttled", "slow", "drop_echo"];
    for fault in calls {
        assert_eq!(first[fault], second[fault], "{fault}: {first} {second}");
    }
    let happened = |counts: &Value| calls.iter().filter_map(|f| counts[*f].as_u64()).sum::<u64>();
    assert!(happened(&first) > 10, "{first}");
    let (third, _) = run(12).await;
    assert_ne!(first, third);
}

/// People who all write the same, everything of it waiting before the first goes out; an app that answers 200 to it.
/// Gives how often each fault happened, and the ids of each person's messages as they were delivered.
async fn fixed(seed: u64) -> (Value, BTreeMap<String, Vec<String>>) {
    const PEOPLE: usize = 12;
    const EACH: usize = 20;
    let rig = Rig::with(None, |config| config.seed = Some(1)).await;
    // On a clock that stands still the first try of each conversation is the last for now: what follows waits behind.
    rig.post("/control/clock", json!({"freeze": true})).await;
    rig.answer_with(503);
    let users: Vec<String> = (0..PEOPLE).map(|person| format!("u{person}")).collect();
    let mut who = HashMap::new();
    for user in &users {
        who.insert(rig.say(user, "first").await, user.clone());
    }
    rig.until("/control/webhooks", |hooks| hooks["attempts_failed"] == PEOPLE).await;
    let chaos = json!({"seed": seed, "duplicate": 200, "reorder": 300, "delay": 200, "delay_max_ms": 5,
        "lose_answer": 0, "batch": 4, "echo_first": 200});
    rig.post("/control/chaos", chaos).await;
    for n in 0..EACH {
        for user in &users {
            rig.say(user, &n.to_string()).await;
        }
    }
    let before = rig.hooks().len();
    rig.answer_with(200);
    rig.post("/control/clock", json!({"freeze": false})).await;
    rig.idle().await;
    let mut delivered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for hook in &rig.hooks()[before..] {
        for entry in hook.json["entry"].as_array().unwrap() {
            for item in entry["messaging"].as_array().unwrap() {
                let user = who[item["sender"]["id"].as_str().unwrap()].clone();
                let mid = item["message"]["mid"].as_str().unwrap().to_owned();
                delivered.entry(user).or_default().push(mid);
            }
        }
    }
    assert_eq!(delivered.len(), PEOPLE);
    for (user, mids) in &delivered {
        let different: HashSet<&String> = mids.iter().collect();
        assert_eq!(different.len(), EACH + 1, "{user} is heard in full");
    }
    let mut counts = rig.get("/control/chaos").await["counts"].clone();
    // Which conversations share a webhook is a matter of time, and promised nowhere.
    counts.as_object_mut().unwrap().remove("batch");
    (counts, delivered)
}

/// Goal: of the same webhooks a seed repeats each fault and each conversation's order; another seed has others.
#[tokio::test]
async fn of_the_same_events_a_seed_repeats_the_faults_and_the_order() {
    let (counts, order) = fixed(11).await;
    for fault in ["duplicate", "reorder", "delay"] {
        assert!(counts[fault].as_u64() > Some(10), "{fault}: {counts}");
    }
    let (again, same) = fixed(11).await;
    assert_eq!((&counts, &order), (&again, &same));
    let (_, other) = fixed(12).await;
    assert_ne!(order, other);
}

/// Goal: with the default mix, the events of many conversations arrive, each at least once and with one id.
#[tokio::test]
async fn events_arrive_under_the_default_mix() {
    let rig = Rig::new().await;
    rig.post("/control/chaos", json!({"seed": 3})).await;
    let users: Vec<_> = (0..20).map(|i| format!("u{i}")).collect();
    for round in 0..5 {
        for user in &users {
            rig.post(
                &format!("/control/users/{user}/say"),
                json!({"page": PAGE, "text": format!("{user} {round}")}),
            )
            .await;
        }
    }
    rig.idle().await;
    let mut mids: HashMap<String, Vec<String>> = HashMap::new();
    let mut items = 0;
    for hook in rig.hooks() {
        for entry in hook.json["entry"].as_array().unwrap() {
            for item in entry["messaging"].as_array().unwrap() {
                items += 1;
                let mid = item["message"]["mid"].as_str().unwrap().to_owned();
                let of = mids.entry(item["message"]["text"].as_str().unwrap().to_owned()).or_default();
                if !of.contains(&mid) {
                    of.push(mid);
                }
            }
        }
    }
    assert_eq!(mids.len(), 100);
    assert!(mids.values().all(|m| m.len() == 1));
    assert!(items > 100, "some came twice: {items}");
    let state = rig.get("/control/chaos").await;
    assert!(state["counts"]["duplicate"].as_u64().unwrap() > 0, "{state}");
}

/// Goal: the faults of a whole page or person answer with their codes and carry nothing out; a send that hangs is
/// carried out and echoed while its caller waits in vain, and shows its age among the waiting events.
#[tokio::test]
async fn tokens_pages_people_and_answers_fail_for_one_call() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.idle().await;
    let none = json!({
        "seed": 1, "duplicate": 0, "reorder": 0, "delay": 0, "lose_answer": 0, "batch": 0, "echo_first": 0,
        "drop_echo": 0, "lose_request": 0, "drop_connection": 0, "sent_error": 0, "transient": 0, "throttled": 0,
        "slow": 0, "hang": 0, "token_dead": 0, "page_blocked": 0, "user_blocked": 0
    });
    let only = |fault: &str| {
        let mut chaos = none.clone();
        chaos[fault] = json!(1_000);
        chaos
    };
    let body = json!({"recipient": {"id": psid}, "message": {"text": "hello"}});
    for (fault, code, sub) in
        [("token_dead", 190, 460), ("page_blocked", 10, 1_893_063), ("user_blocked", 551, 1_545_041)]
    {
        rig.post("/control/chaos", only(fault)).await;
        let (_, answer) = rig.graph("POST", "me/messages", Some(body.clone())).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["error_subcode"]),
            (&json!(code), &json!(sub))
        );
        assert_eq!(rig.get("/control/chaos").await["counts"][fault], 1);
    }
    rig.post("/control/chaos", only("hang")).await;
    let url = format!("{}/v26.0/me/messages?access_token={TOKEN}", rig.base);
    let call = rig.client.post(&url).json(&body).timeout(Duration::from_millis(300)).send().await;
    assert!(call.is_err_and(|error| error.is_timeout()));
    rig.idle().await;
    let thread = rig.thread("amal").await;
    let shown = thread["messages"].as_array().unwrap().iter().filter(|m| m["from"] == "page").count();
    assert_eq!(shown, 1, "the refused ones were not carried out, the one that hung was: {thread}");
    let echoes = rig.hooks().iter().filter(|hook| hook.item()["message"]["is_echo"] == true).count();
    assert_eq!(echoes, 1);

    rig.post("/control/clock", json!({"freeze": true})).await;
    rig.answer_with(503);
    rig.say("amal", "hi again").await;
    rig.post("/control/clock", json!({"advance_ms": 1_500})).await;
    let hooks = rig.get("/control/webhooks").await;
    assert_eq!((&hooks["pending"], &hooks["oldest_ms"]), (&json!(1), &json!(1_500)), "{hooks}");
}
