//! `/events/{institution}`.

use crate::support::{BANK, Browser, EVENT_TOKEN, World, purchase};
use amana_core::Lang;
use amana_store::{Command, SubmitError};
use axum::http::StatusCode;
use serde_json::json;

const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

#[tokio::test]
async fn an_unknown_institution_and_a_wrong_token_look_the_same() {
    let world = World::new().await;
    let event = purchase("e1", "a1").to_string();
    let wrong_token = world.events(BANK, Some("guess"), ONE, event.clone()).await;
    let unknown = world.events("nobody", Some(EVENT_TOKEN), ONE, event.clone()).await;
    // Configured, but without a token: it cannot push.
    let without = world.events("harbor", Some(EVENT_TOKEN), ONE, event.clone()).await;
    let empty = world.events("harbor", Some(""), ONE, event.clone()).await;
    let none = world.events(BANK, None, ONE, event).await;
    for answer in [&wrong_token, &unknown, &without, &empty, &none] {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.text(), wrong_token.text());
    }
}

#[tokio::test]
async fn who_brings_no_token_is_refused_before_the_body_is_read() {
    let world = World::new().await;
    let endless = || {
        axum::body::Body::from_stream(futures_util::stream::pending::<
            Result<axum::body::Bytes, std::io::Error>,
        >())
    };
    for token in [None, Some("guess"), Some("")] {
        let asked = world.events(BANK, token, ONE, endless());
        let answer = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await;
        assert_eq!(answer.expect("before the body").status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn events_are_stored_once_and_those_of_nobody_are_counted() {
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let answer = world.pushes(&purchase("e1", "a1")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json(), json!({"stored": 1, "duplicates": 0, "unmatched": 0, "ignored": 0}));
    let again = world.pushes(&purchase("e1", "a1")).await;
    assert_eq!(again.json(), json!({"stored": 0, "duplicates": 1, "unmatched": 0, "ignored": 0}));

    let mut later = purchase("e3", "a1");
    later["type"] = json!("bank.something.new.v1");
    let batch = json!([purchase("e2", "a1"), purchase("e2", "unknown-account"), later]).to_string();
    let answer = world.events(BANK, Some(EVENT_TOKEN), BATCH, batch).await;
    assert_eq!(answer.json(), json!({"stored": 1, "duplicates": 0, "unmatched": 1, "ignored": 1}));
}

#[tokio::test]
async fn errors_name_the_event_and_the_attribute_and_nothing_is_taken() {
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let mut bad = purchase("e2", "a1");
    bad.as_object_mut().expect("an object").remove("time");
    let batch = json!([purchase("e1", "a1"), bad]).to_string();
    let answer = world.events(BANK, Some(EVENT_TOKEN), BATCH, batch).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!((problem["index"].as_u64(), problem["attribute"].as_str()), (Some(1), Some("time")));
    assert!(!answer.text().contains("Blue Bottle"));
    assert_eq!(world.gateway.store().counts().await.expect("counts").inbox_waiting, 0);

    for (media, body, status) in [
        ("text/plain", "{}".to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", "{}".to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (ONE, "{".to_owned(), StatusCode::BAD_REQUEST),
        (ONE, "[]".to_owned(), StatusCode::BAD_REQUEST),
        (BATCH, "{}".to_owned(), StatusCode::BAD_REQUEST),
        (BATCH, format!("[{}]", vec!["{}"; 1_001].join(",")), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        assert_eq!(world.events(BANK, Some(EVENT_TOKEN), media, body).await.status, status, "{media}");
    }
    let invalid = world.events(BANK, Some(EVENT_TOKEN), ONE, &b"{\"id\": \"\xff\"}"[..]).await;
    assert_eq!(invalid.status, StatusCode::BAD_REQUEST);
    let large = world.events(BANK, Some(EVENT_TOKEN), ONE, vec![b' '; 10 << 20]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn binary_mode_is_taken_too() {
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let event = purchase("e1", "a1");
    let mut request = axum::http::Request::post(format!("/events/{BANK}"))
        .header("content-type", "application/json")
        .header("authorization", format!("bearer {EVENT_TOKEN}"));
    for name in ["specversion", "id", "source", "type", "time"] {
        request = request.header(format!("ce-{name}"), event[name].as_str().expect("text"));
    }
    let answer = world.send(request.body(event["data"].to_string().into()).expect("a request")).await;
    assert_eq!(answer.json()["stored"], 1, "{}", answer.text());
}

/// A camt.054 file takes the way of the other events: known by its token, taken whole or not at all, once.
#[tokio::test]
async fn a_notification_file_is_taken_once_and_a_bad_one_is_told_where() {
    const XML: &str = "application/xml; charset=utf-8";
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let file = |account: &str, amount: &str| {
        format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn>\n<Ntfctn>\
             <Id>1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>USD</Ccy></Acct><Ntry>\
             <Amt Ccy=\"USD\">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt>\
             <Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>t9</AcctSvcrRef></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
        )
    };
    let refused = world.events(BANK, Some("guess"), XML, file("a1", "4.50")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let answer = world.events(BANK, Some(EVENT_TOKEN), XML, file("a1", "4.50")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json(), json!({"stored": 1, "duplicates": 0, "unmatched": 0, "ignored": 0}));
    let again = world.events(BANK, Some(EVENT_TOKEN), XML, file("a1", "4.50")).await;
    assert_eq!(again.json(), json!({"stored": 0, "duplicates": 1, "unmatched": 0, "ignored": 0}));
    let nobody = world.events(BANK, Some(EVENT_TOKEN), XML, file("unknown", "4.50")).await;
    assert_eq!(nobody.json()["unmatched"], 1);
    let bad = world.events(BANK, Some(EVENT_TOKEN), XML, file("a1", "four")).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = bad.json();
    assert_eq!(said["line"], 2);
    assert!(said["column"].as_u64().is_some_and(|column| column > 1), "{said}");
    assert!(!said["detail"].as_str().unwrap_or_default().contains("four"), "{said}");
    let large = " ".repeat(4 * 1024 * 1024 + 1);
    let large = world.events(BANK, Some(EVENT_TOKEN), XML, large).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// The writer cannot go on, and its queue is full: the bank is told to come again, nothing grows, and when the writer
/// goes on what was refused is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_when_the_writers_queue_is_full_is_asked_to_come_again() {
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let store = world.gateway.store().clone();
    let file = world.folder.path().join("amana.sqlite");
    let mut holder = rusqlite::Connection::open(file).expect("opens");
    let lock = holder.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("the lock");
    let kill = || Command::ClearKill(amana_core::KillScope::All);
    let (began, mut waiting) = (std::time::Instant::now(), Vec::new());
    let full = amana_store::limits::WRITER_QUEUE_MAX;
    let refused = loop {
        // What the writer has in its hands makes room, and so does what SQLite gives up, having waited for the lock.
        while store.writer_waiting() < full {
            for _ in store.writer_waiting()..full {
                let store = store.clone();
                waiting.push(tokio::spawn(async move { store.submit(vec![kill()]).await }));
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            assert!(began.elapsed().as_secs() < 60, "it is never full");
        }
        let answer = world.events(BANK, Some(EVENT_TOKEN), ONE, purchase("e1", "a1").to_string()).await;
        if store.writer_waiting() == full {
            break answer;
        }
    };
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "2"));
    assert!(!refused.text().contains("Blue Bottle"));
    assert_eq!(store.writer_waiting(), full, "not one more");
    let given_up = began.elapsed() > amana_store::limits::SQLITE_BUSY_WAIT;
    drop(lock);
    for task in waiting {
        let answer = task.await.expect("runs");
        let store = given_up && matches!(answer, Err(SubmitError::Store(_)));
        assert!(store || matches!(answer, Ok(_) | Err(SubmitError::Overloaded)), "{answer:?}");
    }
    let taken = world.events(BANK, Some(EVENT_TOKEN), ONE, purchase("e1", "a1").to_string()).await;
    assert_eq!(taken.json(), json!({"stored": 1, "duplicates": 0, "unmatched": 0, "ignored": 0}));
}
