//! Each class of failure, over real HTTP.

use crate::graph::{Answer, Graph, address, messenger, raw_server, released};
use amana_channel::{Channel, SendError};
use amana_core::Content;
use serde_json::json;
use std::time::Duration;

async fn class_of(answer: Answer) -> Result<(), SendError> {
    let graph = Graph::start().await;
    graph.then(answer);
    let sent = graph.messenger().send(released(&Content::text("hello"), &address())).await;
    assert_eq!(graph.asked().len(), 1, "a call was repeated");
    sent.map(|_| ())
}

#[tokio::test]
async fn graph_errors_come_back_as_what_to_do() {
    let permanent = |code, sub| Err(SendError::Permanent { code, sub });
    for (code, sub, expected) in [
        (10, Some(2_018_278), Err(SendError::WindowClosed)),
        (10, Some(2_534_022), Err(SendError::WindowClosed)),
        (551, None, Err(SendError::Unreachable)),
        (200, Some(1_545_041), Err(SendError::Unreachable)),
        (190, Some(460), Err(SendError::TokenDead)),
        (190, None, Err(SendError::TokenDead)),
        (10, Some(1_893_063), Err(SendError::PageBlocked)),
        (2_018_300, None, Err(SendError::NotThreadOwner)),
        (100, Some(2_534_037), Err(SendError::NotThreadOwner)),
        (100, Some(2_018_001), permanent(100, Some(2_018_001))),
        (100, Some(1_893_061), permanent(100, Some(1_893_061))),
        (200, None, Err(SendError::NotAllowed { code: 200, sub: None })),
    ] {
        assert_eq!(class_of(Answer::error(code, sub)).await, expected, "{code}/{sub:?}");
    }
    for (code, sub, class) in [
        (613, None, "throttled"),
        (4, None, "throttled-app"),
        (80_006, None, "throttled"),
        (1200, None, "transient"),
        (1, Some(1_357_046), "ambiguous"),
        (2, None, "ambiguous"),
    ] {
        let found = class_of(Answer::error(code, sub)).await.map_err(|e| e.as_str());
        assert_eq!(found, Err(class), "{code}/{sub:?}");
    }
}

#[tokio::test]
async fn a_throttle_tells_how_long() {
    let answer = Answer::error(613, None).header("retry-after", "12");
    assert_eq!(class_of(answer).await, Err(SendError::Throttled { retry_after: Duration::from_secs(12) }));
    let answer = Answer::error(4, None).header("retry-after", "12");
    assert_eq!(class_of(answer).await, Err(SendError::ThrottledApp { retry_after: Duration::from_secs(12) }));
    let usage = json!({"1": [{"type": "messenger", "estimated_time_to_regain_access": 2}]}).to_string();
    let answer = Answer::error(80_006, None).header("x-business-use-case-usage", usage);
    assert_eq!(class_of(answer).await, Err(SendError::Throttled { retry_after: Duration::from_secs(120) }));
}

#[tokio::test]
async fn no_connection_is_surely_not_sent() {
    // A port that was free a moment ago.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let channel = messenger(&format!("http://127.0.0.1:{port}"));
    let sent = channel.send(released(&Content::text("hello"), &address())).await;
    assert!(matches!(sent, Err(SendError::NoWay { .. })), "{sent:?}");
    assert!(sent.is_err_and(|e| e.may_retry()));
}

#[tokio::test]
async fn a_slow_answer_may_have_been_sent() {
    let answer = Answer::ok(&json!({"message_id": "m_1"})).after(Duration::from_secs(4));
    assert_eq!(class_of(answer).await, Err(SendError::Ambiguous { what: "no answer in time" }));
}

#[tokio::test]
async fn a_dropped_connection_may_have_been_sent_and_is_not_repeated() {
    for answer in [
        b"".as_slice(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"message_id\":",
        b"nonsense that is no HTTP\r\n\r\n",
    ] {
        let (url, requests) = raw_server(answer).await;
        let sent = messenger(&url).send(released(&Content::text("hello"), &address())).await;
        assert!(matches!(sent, Err(SendError::Ambiguous { .. })), "{sent:?}");
        assert!(sent.is_err_and(|e| !e.may_retry()));
        assert_eq!(*requests.lock().expect("lock"), 1, "the request was written more than once");
    }
}

#[tokio::test]
async fn answers_that_say_nothing_may_have_been_sent() {
    for answer in [
        Answer::new(200, "<html>welcome</html>"),
        Answer::new(200, ""),
        Answer::ok(&json!({"recipient_id": "1"})),
        Answer::ok(&json!({"message_id": ""})),
        Answer::ok(&json!({"message_id": 5})),
        Answer::new(500, "oops"),
        Answer::new(503, json!({"error": {"code": 77}}).to_string()),
        Answer::new(200, format!("{{\"message_id\":\"{}\"}}", "m".repeat(2_000_000))),
    ] {
        let found = class_of(answer).await;
        assert!(matches!(found, Err(SendError::Ambiguous { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn refusals_below_the_graph_are_surely_not_sent() {
    for (answer, class) in [
        (Answer::new(404, "no such page"), "no-way"),
        (Answer::new(407, "proxy"), "no-way"),
        (Answer::new(429, "slow down"), "throttled"),
        (Answer::new(400, json!({"error": {"code": 77, "is_transient": true}}).to_string()), "transient"),
    ] {
        assert_eq!(class_of(answer).await.map_err(|e| e.as_str()), Err(class));
    }
}
