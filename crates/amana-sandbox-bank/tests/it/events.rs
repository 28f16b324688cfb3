//! Pushed events: what is told, to whom, in what order, and that nothing is lost.

use std::time::Duration;

use amana_sandbox_bank::EventMode;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::util::{BANK, Receiver, Running, start_with};

async fn start_for(receiver: &Receiver) -> Running {
    let target = receiver.target();
    start_with(|config| {
        config.event_targets.insert(BANK.to_owned(), target);
    })
    .await
}

fn types(got: &[crate::util::Received]) -> Vec<String> {
    got.iter().map(|one| one.body["type"].as_str().unwrap().to_owned()).collect()
}

async fn buy(bank: &Running) -> Value {
    let (status, body) = bank
        .control(
            "purchase",
            json!({ "customer": "layla", "merchant": "Blue Bottle Coffee", "amount": "4.50" }),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test]
async fn a_purchase_is_told_as_cloud_events() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    let token = bank.link(&bank.ask(), &[2]).await;
    let bought = buy(&bank).await;
    let got = receiver.wait_for(2).await;
    assert_eq!(types(&got), ["bank.transaction.authorised.v1", "bank.balance.changed.v1"]);
    for one in &got {
        assert_eq!(one.authorization, "Bearer event-token");
        assert_eq!(one.content_type, "application/cloudevents+json");
        assert_eq!(one.body["specversion"], "1.0");
        assert_eq!(one.body["source"], bank.issuer.as_str());
        assert_eq!(one.body["subject"], bought["accountId"]);
        assert_eq!(one.body["datacontenttype"], "application/json");
        assert_eq!(one.body["time"], "2026-11-24T15:30:00Z");
        assert_eq!(one.body["data"]["accountId"], bought["accountId"]);
    }
    let transaction = &got[0].body["data"]["transaction"];
    assert_eq!(transaction["transactionId"], bought["transactionId"]);
    assert_eq!(transaction["amount"].to_string(), "4.50");
    // The event's balance is what the API says.
    let account = &bank.accounts(token["access_token"].as_str().unwrap()).await[0];
    let balance = &got[1].body["data"]["balance"];
    assert_eq!(balance["currentBalance"], account["currentBalance"]);
    assert_eq!(balance["availableBalance"], account["availableCredit"]);
    assert_eq!(balance["currency"], "USD");
    // Posting, salary (another account: not consented, not told), refund, reversal.
    let (_, posted) = bank.control("post", json!({ "transactionId": bought["transactionId"] })).await;
    bank.control("deposit", json!({ "customer": "layla", "amount": 100 })).await;
    bank.control("refund", json!({ "customer": "layla", "merchant": "Blue Bottle Coffee", "amount": 1 }))
        .await;
    bank.control("reverse", json!({ "transactionId": posted["transactionId"] })).await;
    let got = receiver.wait_for(8).await;
    assert_eq!(
        types(&got[2..]),
        [
            "bank.transaction.posted.v1",
            "bank.balance.changed.v1",
            "bank.transaction.posted.v1",
            "bank.balance.changed.v1",
            "bank.transaction.reversed.v1",
            "bank.balance.changed.v1",
        ]
    );
    assert_eq!(got[2].body["data"]["transaction"]["referenceTransactionId"], bought["transactionId"]);
    assert_eq!(got[6].body["data"]["transaction"]["referenceTransactionId"], posted["transactionId"]);
    assert_eq!(got[6].body["data"]["transaction"]["debitCreditMemo"], "CREDIT");
}

#[tokio::test]
async fn only_what_was_consented_is_told_and_only_as_long_as_it_is() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    buy(&bank).await;
    let mut ask = bank.ask();
    ask.insert("scope", "fdx:accountbasic:read fdx:transactions:read offline_access".to_owned());
    let answer = bank.link(&ask, &[2]).await;
    buy(&bank).await;
    // BALANCES was not granted: one event only.
    assert_eq!(types(&receiver.wait_for(1).await), ["bank.transaction.authorised.v1"]);
    // The gateway is down, an event waits, the consent ends: it must not go out any more.
    receiver.answers.lock().unwrap().extend([500; 50]);
    buy(&bank).await;
    receiver.wait_for(2).await;
    let request = bank.http.post(bank.url("/revoke")).header("authorization", crate::util::basic());
    let refresh = answer["refresh_token"].as_str().unwrap();
    assert_eq!(request.form(&[("token", refresh)]).send().await.unwrap().status(), StatusCode::OK);
    receiver.answers.lock().unwrap().clear();
    let before = receiver.got().len();
    buy(&bank).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(receiver.got().len(), before, "an event went out after the consent had ended");
}

#[tokio::test]
async fn refused_events_come_again_unchanged_and_in_order() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    bank.link(&bank.ask(), &[2]).await;
    receiver.answers.lock().unwrap().extend([503, 401, 302]);
    buy(&bank).await;
    bank.clock.forward(30);
    let got = receiver.wait_for(5).await;
    assert!(got[..4].iter().all(|one| one.body == got[0].body), "an event changed between deliveries");
    assert_eq!(types(&got[3..]), ["bank.transaction.authorised.v1", "bank.balance.changed.v1"]);
}

#[tokio::test]
async fn a_killed_bank_tells_after_its_restart() {
    let receiver = Receiver::start().await;
    let address = receiver.url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let bank = start_for(&receiver).await;
    let answer = bank.link(&bank.ask(), &[2]).await;
    drop(receiver);
    let bought = buy(&bank).await;
    let bank = bank.restart(|_| {}).await;
    let receiver = Receiver::start_on(&address).await;
    let got = receiver.wait_for(2).await;
    assert_eq!(got[0].body["data"]["transaction"]["transactionId"], bought["transactionId"]);
    // Tokens, consents and purchases are there too, and the history is the same.
    let token = answer["access_token"].as_str().unwrap();
    let accounts = bank.accounts(token).await;
    assert_eq!(got[1].body["data"]["balance"]["currentBalance"], accounts[0]["currentBalance"]);
    let (status, _) = bank.control("post", json!({ "transactionId": bought["transactionId"] })).await;
    assert_eq!(status, StatusCode::OK);
    receiver.wait_for(4).await;
    // A third life tells nothing twice.
    let bank = bank.restart(|_| {}).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.got().len(), 4);
    let (status, _) = bank.control("post", json!({ "transactionId": bought["transactionId"] })).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn batches_redelivery_and_reordering() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    bank.link(&bank.ask(), &[2]).await;
    buy(&bank).await;
    let first = receiver.wait_for(2).await;
    let (_, again) = bank.control("redeliver", json!({ "last": 2, "batch": true })).await;
    assert_eq!(again["redelivering"], 2);
    let got = receiver.wait_for(3).await;
    assert_eq!(got[2].content_type, "application/cloudevents-batch+json");
    assert_eq!(got[2].body, json!([first[0].body, first[1].body]));
    let id = first[1].body["id"].as_str().unwrap();
    bank.control("redeliver", json!({ "eventId": id })).await;
    assert_eq!(receiver.wait_for(4).await[3].body, first[1].body);
    bank.control("reorder", json!({})).await;
    buy(&bank).await;
    let got = receiver.wait_for(6).await;
    assert_eq!(types(&got[4..]), ["bank.balance.changed.v1", "bank.transaction.authorised.v1"]);
}

#[tokio::test]
async fn a_batched_target_gets_batches() {
    let receiver = Receiver::start().await;
    let mut target = receiver.target();
    target.mode = EventMode::Batched;
    let bank = start_with(|config| {
        config.event_targets.insert(BANK.to_owned(), target);
    })
    .await;
    bank.link(&bank.ask(), &[2]).await;
    buy(&bank).await;
    let got = receiver.wait_for(1).await;
    assert_eq!(got[0].content_type, "application/cloudevents-batch+json");
    assert_eq!(got[0].body.as_array().unwrap().len(), 2);
}

/// What the control API says of each event's way out.
#[tokio::test]
async fn the_list_of_events_names_where_each_stands() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    bank.link(&bank.ask(), &[2]).await;
    buy(&bank).await;
    receiver.wait_for(2).await;
    // The bank notes the delivery after the receiver's answer.
    for _ in 0..200 {
        let list = bank.get_ok("", &bank.url("/control/events")).await;
        let status: Vec<_> =
            list["events"].as_array().unwrap().iter().map(|event| &event["status"]).collect();
        assert_eq!(status.len(), 2);
        if status.iter().all(|status| *status == "delivered") {
            return;
        }
        assert!(status.iter().all(|status| *status == "waiting" || *status == "delivered"), "{status:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the events are not delivered after 5 s");
}

#[tokio::test]
async fn a_decimal_comma_is_refused() {
    let bank = start_with(|_| {}).await;
    for amount in ["12,34", "1,2"] {
        let order = json!({ "customer": "layla", "merchant": "Blue Bottle Coffee", "amount": amount });
        let (status, body) = bank.control("purchase", order).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(body["message"].as_str().unwrap().contains("groups of three"), "{body}");
    }
}
