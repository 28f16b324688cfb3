//! `/webhooks/messenger`.

use crate::support::{PAGE, PERSON, World, message, sign};
use amana_channel::webhook::{KeptItem, parse};
use amana_flow::GivenUp;
use amana_web::limits::{BODIES_BYTES_MAX, WEBHOOK_BODY_BYTES_MAX};
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Error;
use std::time::Duration;
use tower::ServiceExt as _;

/// A body that begins so and never ends.
fn endless(begin: Vec<u8>) -> Body {
    let begin = stream::iter([Ok::<_, Error>(Bytes::from(begin))]);
    Body::from_stream(begin.chain(stream::pending()))
}

fn signed_so(signature: &str, body: Body) -> Request<Body> {
    Request::post("/webhooks/messenger")
        .header("x-hub-signature-256", signature)
        .body(body)
        .expect("a request")
}

#[tokio::test]
async fn what_bears_no_signature_is_refused_before_its_body_is_read() {
    let world = World::new().await;
    let soon = |request| async {
        tokio::time::timeout(Duration::from_secs(10), world.send(request)).await.expect("before the body")
    };
    let none = Request::post("/webhooks/messenger").body(endless(Vec::new())).expect("a request");
    assert_eq!(soon(none).await.status, StatusCode::UNAUTHORIZED);
    for malformed in ["", "sha256=", "sha256=zz", "sha1=00", &"0".repeat(64)] {
        let answer = soon(signed_so(malformed, endless(Vec::new()))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{malformed}");
        assert!(answer.text().contains("malformed"), "{malformed}");
    }
}

#[tokio::test]
async fn bodies_that_do_not_end_leave_no_room_and_who_comes_then_is_asked_to_come_again() {
    let world = World::new().await;
    let fake = format!("sha256={}", "0".repeat(64));
    let slow: Vec<_> = (0..BODIES_BYTES_MAX / WEBHOOK_BODY_BYTES_MAX)
        .map(|_| {
            let request = signed_so(&fake, endless(vec![b' '; WEBHOOK_BODY_BYTES_MAX]));
            tokio::spawn(world.app.clone().oneshot(request))
        })
        .collect();
    // One thread: what can be read is read before the timer fires. Nothing else may take room meanwhile.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let answer = world.webhook(message("m1", "hi")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let event = crate::support::purchase("e1", "a1").to_string();
    let token = Some(crate::support::EVENT_TOKEN);
    let event = world.events(crate::support::BANK, token, "application/cloudevents+json", event).await;
    assert_eq!((event.status, event.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "2"));
    for task in slow {
        task.abort();
        assert!(task.await.is_err_and(|e| e.is_cancelled()));
    }
    assert_eq!(world.webhook(message("m2", "hi")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_handshake_answers_the_challenge_to_who_knows_the_token_alone() {
    let world = World::new().await;
    let good = world
        .get("/webhooks/messenger?hub.mode=subscribe&hub.verify_token=verify+me&hub.challenge=115")
        .await;
    assert_eq!((good.status, good.text().as_str()), (StatusCode::OK, "115"));
    assert!(good.header("content-type").starts_with("text/plain"));
    let bad =
        world.get("/webhooks/messenger?hub.mode=subscribe&hub.verify_token=verify&hub.challenge=115").await;
    assert_eq!(bad.status, StatusCode::FORBIDDEN);
    assert_eq!(bad.header("content-type"), "application/problem+json");
    assert_eq!(world.get("/webhooks/messenger").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_signed_bytes_are_stored_and_a_redelivery_changes_nothing() {
    let world = World::new().await;
    let waiting = || async { world.gateway.store().counts().await.expect("counts").inbox_waiting };
    let body = message("m1", "hello");
    let post = |signature: Option<String>, body: String| {
        let mut request = Request::post("/webhooks/messenger");
        if let Some(signature) = signature {
            request = request.header("x-hub-signature-256", signature);
        }
        request.body(Body::from(body)).expect("a request")
    };
    assert_eq!(world.send(post(None, body.clone())).await.status, StatusCode::UNAUTHORIZED);
    let of_another = sign(b"another body");
    assert_eq!(world.send(post(Some(of_another), body.clone())).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.send(post(Some("sha256=zz".into()), body.clone())).await.status, StatusCode::FORBIDDEN);
    assert_eq!(waiting().await, 0);

    assert_eq!(world.webhook(body.clone()).await.status, StatusCode::OK);
    assert_eq!(waiting().await, 1);
    assert_eq!(world.webhook(body).await.status, StatusCode::OK);
    assert_eq!(waiting().await, 1, "the same message twice is one event");
}

#[tokio::test]
async fn bad_bodies_are_kept_and_lose_nothing_of_their_neighbours() {
    let world = World::new().await;
    // Signed, so the platform's: refused it would come again, until the webhooks are switched off.
    for body in ["{", r#"{"object":"instagram","entry":[]}"#, "{"] {
        assert_eq!(world.webhook(body).await.status, StatusCode::OK, "{body}");
    }
    // A message without an id beside a good one, and something that nobody knows yet.
    let item = |extra: &str| {
        format!(
            r#"{{"sender":{{"id":"{PERSON}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":1764000000000,{extra}}}"#
        )
    };
    let items = [
        item(r#""message":{"text":"SECRET-WORDS"}"#),
        item(r#""message":{"mid":"m_good","text":"hello"}"#),
        item(r#""hologram":{"says":"SECRET-WORDS"}"#),
    ];
    let body = format!(
        r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1,"messaging":[{}]}}]}}"#,
        items.join(",")
    );
    assert_eq!(world.webhook(body).await.status, StatusCode::OK);
    world.gateway.settle().await.expect("settled");
    assert!(world.channel.last.lock().expect("lock").contains("text"), "the good one was answered");
    let kept = world.gateway.store().inbox_failed(10).await.expect("answers");
    let why: Vec<String> = kept.iter().map(|event| event.reason.clone()).collect();
    assert_eq!(why.len(), 4, "each once: {why:#?}");
    for told in ["message.mid", "`object`", "not JSON", "hologram"] {
        assert_eq!(why.iter().filter(|why| why.contains(told)).count(), 1, "{told}: {why:#?}");
    }
    assert!(!why.concat().contains("SECRET"), "{why:#?}");
    // Tried again, by this version: it stays where it is.
    let again = GivenUp::Event(kept[0].shard, kept[0].position);
    world.gateway.try_again(again).await.expect("taken up");
    world.gateway.settle().await.expect("settled");
    let world_counts = world.gateway.store().counts().await.expect("counts");
    assert_eq!((world_counts.inbox_waiting, world_counts.inbox_failed), (0, 4));
    let world = World::new().await;

    // Ten megabytes, with a good signature: too much, and the sender hears it.
    let large = world.webhook(vec![b' '; 10 << 20]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.json()["detail"].as_str().is_some_and(|d| d.contains("larger than")), "{}", large.text());

    // Broken UTF-8 in a signed message: it is mended and stored.
    let mut broken = message("m1", "BAD").into_bytes();
    let at = broken.windows(3).position(|w| w == b"BAD").expect("there");
    broken[at] = 0xff;
    assert_eq!(world.webhook(broken).await.status, StatusCode::OK);
    assert_eq!(world.gateway.store().counts().await.expect("counts").inbox_waiting, 1);

    // A page that is not ours, and an event without a person: taken and forgotten.
    let other = message("m2", "hi").replace("\"1001\"", "\"777\"");
    assert_eq!(world.webhook(other).await.status, StatusCode::OK);
    let policy = r#"{"object":"page","entry":[{"id":"1001","time":1,"messaging":[{"recipient":{"id":"1001"},
        "timestamp":1,"policy_enforcement":{"action":"block","reason":"spam"}}]}]}"#;
    assert_eq!(world.webhook(policy).await.status, StatusCode::OK);
    assert_eq!(world.gateway.store().counts().await.expect("counts").inbox_waiting, 1);
}

/// The fixtures of `amana-channel`, one for every kind of event and every quirk on record.
fn every_fixture() -> Vec<(String, String, bool)> {
    let items: Vec<Value> =
        serde_json::from_str(include_str!("../../../amana-channel/tests/it/inbound.json")).expect("a list");
    let bodies: Vec<Value> =
        serde_json::from_str(include_str!("../../../amana-channel/tests/it/bodies.json")).expect("a list");
    let items = items.iter().map(|fixture| {
        let mut item = fixture["item"].clone();
        let ends = if fixture["echo"] == true { [PAGE, PERSON] } else { [PERSON, PAGE] };
        item["sender"] = json!({ "id": ends[0] });
        item["recipient"] = json!({ "id": ends[1] });
        item["timestamp"] = fixture.get("timestamp").cloned().unwrap_or(json!(1_764_000_000_000_i64));
        let body = json!({"object": "page", "entry": [{"id": PAGE, "time": 1_764_000_000_000_i64, "messaging": [item]}]});
        (fixture["name"].as_str().expect("a name").to_owned(), body.to_string(), false)
    });
    let bodies = bodies.iter().map(|fixture| {
        let text = |key: &str| fixture[key].as_str().expect("a text").to_owned();
        (text("name"), text("body"), fixture.get("refused").is_some())
    });
    items.chain(bodies).collect()
}

#[tokio::test]
async fn every_fixture_is_taken_and_worked_off_or_kept_as_it_came() {
    let world = World::new().await;
    let mut kept = BTreeSet::new();
    for (n, (name, body, refused)) in every_fixture().into_iter().enumerate() {
        // Each is somebody else's, and a message of its own.
        let body = body
            .replace("\"m_", &format!("\"m_{n}_"))
            .replace(&format!("\"{PERSON}\""), &format!("\"7{n}\""));
        let answer = world.webhook(body.clone()).await;
        // Refused by the reader is kept as it came: what is signed is the platform's.
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        let before = kept.len();
        kept.extend(
            match parse(body.as_bytes()) {
                Ok(parsed) => parsed.kept,
                Err(error) => vec![KeptItem::whole(body.as_bytes(), &error)],
            }
            .into_iter()
            .map(|item| item.key.0),
        );
        assert!(!refused || kept.len() > before, "{name}: what is refused is kept, and is no other's");
        world.gateway.settle().await.expect("settled");
        let counts = world.gateway.store().counts().await.expect("counts");
        assert_eq!((counts.inbox_waiting, counts.inbox_failed), (0, kept.len() as u64), "{name}");
    }
}
