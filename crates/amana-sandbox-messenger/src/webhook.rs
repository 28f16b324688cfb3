//! The webhook engine (messenger reference 1.2, 1.3, 1.6): per conversation one event after the other, each
//! tried until it is answered 200, with the fault switches of the control API.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::hub::Hub;
use crate::limits;
use crate::model::{Event, Faults, Progress, ThreadKey, WireEntry};
use crate::wire::{meta_json, webhook_signatures};

/// Starts the delivery task of a conversation, unless one is at work.
pub(crate) fn kick(hub: &Arc<Hub>, key: ThreadKey) {
    let start = hub.with(|inner, _| inner.data.running.insert(key.clone()));
    if matches!(start, Ok(true)) {
        let hub = Arc::clone(hub);
        hub.tasks.clone().spawn(async move {
            let shutdown = hub.shutdown.clone();
            // Events that are cut off stay stored and go out at the next start.
            let _ = shutdown.run_until_cancelled(run(hub, key)).await;
        });
    }
}

async fn run(hub: Arc<Hub>, key: ThreadKey) {
    loop {
        let Some((event, faults, waiting)) = next(&hub, &key, 0) else { return };
        if faults.reorder && waiting < 2 {
            tokio::time::sleep(limits::REORDER_HOLD).await;
        }
        let event = if faults.reorder {
            // The second in line goes first; the first then has a new neighbour to be swapped with, or goes alone.
            match next(&hub, &key, 1) {
                Some((second, _, _)) => second,
                None => event,
            }
        } else {
            event
        };
        deliver(&hub, &event).await;
    }
}

/// The event at `place` of the queue. When the queue is empty (`place` 0), the task is signed off in the same step.
fn next(hub: &Arc<Hub>, key: &ThreadKey, place: usize) -> Option<(Event, Faults, usize)> {
    hub.with(|inner, _| {
        let faults = inner.data.faults.clone();
        let queue = inner.data.queues.get(key);
        let found = queue.and_then(|q| q.get(place).map(|e| (e.clone(), faults, q.len())));
        if found.is_none() && place == 0 {
            inner.data.queues.remove(key);
            inner.data.running.remove(key);
        }
        found
    })
    .ok()
    .flatten()
}

/// Whether the event is still to be delivered (a reset or an abandoned wait takes it off the queue).
fn wanted(hub: &Arc<Hub>, event: &Event) -> Option<Faults> {
    hub.with(|inner, _| {
        let queue = inner.data.queues.get(&event.key)?;
        queue.iter().any(|e| e.seq == event.seq).then(|| inner.data.faults.clone())
    })
    .ok()
    .flatten()
}

async fn deliver(hub: &Arc<Hub>, event: &Event) {
    let started = Instant::now();
    let mut attempt = 0_usize;
    loop {
        let Some(faults) = wanted(hub, event) else { return };
        let wait = faults.delay_ms.min(limits::FAULT_DELAY_MS) + if attempt == 0 { event.hold_ms } else { 0 };
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        let dropped_echo = faults.drop_echo && event.field == "message_echoes";
        let ok = dropped_echo || post(hub, event, attempt > 0).await;
        if ok && faults.duplicate && !dropped_echo {
            post(hub, event, true).await;
        }
        let give_up = !ok && (event.once || started.elapsed() >= limits::RETRY_FOR);
        if ok || give_up {
            settle(hub, event, ok);
            return;
        }
        let _ = hub.with(|inner, _| {
            inner.data.attempts_failed += 1;
            if let Some(seq) = event.message {
                inner.set_progress(&event.key, seq, Progress::Retrying);
            }
        });
        let delay = limits::RETRY_DELAYS.get(attempt).or(limits::RETRY_DELAYS.last()).copied();
        tokio::time::sleep(delay.unwrap_or(limits::REORDER_HOLD)).await;
        attempt += 1;
    }
}

fn settle(hub: &Arc<Hub>, event: &Event, ok: bool) {
    let outcome = hub.with(|inner, _| {
        inner.drop_event(&event.key, event.seq);
        if ok {
            inner.data.delivered += 1;
        } else {
            inner.data.given_up += 1;
        }
        if let Some(seq) = event.message {
            let progress = if ok { Progress::Delivered } else { Progress::Failed };
            inner.set_progress(&event.key, seq, progress);
        }
        inner.data.waiters.remove(&event.seq)
    });
    match outcome {
        Ok(Some(waiter)) => {
            let _ = waiter.send(ok);
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "the outcome of a webhook could not be saved"),
    }
}

/// One attempt. `anew` gives the event a new timestamp, as Meta's repeats have (1.6).
async fn post(hub: &Arc<Hub>, event: &Event, anew: bool) -> bool {
    let Ok((now, callback)) = hub.with(|inner, hub| (hub.now_ms(inner), inner.data.app.callback.clone()))
    else {
        return false;
    };
    let Some(callback) = callback else { return false };
    let body = envelope(event, if anew { now } else { event.at_ms }, now);
    let signatures = webhook_signatures(&hub.config.app_secret, body.as_bytes());
    let started = Instant::now();
    let answer = hub
        .http
        .post(&callback)
        .header("content-type", "application/json")
        .header("x-hub-signature-256", signatures.sha256)
        .header("x-hub-signature", signatures.sha1)
        .body(body.clone())
        .send()
        .await;
    let (status, response) = match answer {
        Ok(response) => (Some(response.status().as_u16()), String::new()),
        Err(error) if error.is_timeout() => (None, "no answer in time".to_owned()),
        Err(error) if error.is_connect() => (None, "connection refused".to_owned()),
        Err(_) => (None, "connection lost".to_owned()),
    };
    let entry = WireEntry {
        seq: 0,
        at_ms: now,
        direction: "webhook".to_owned(),
        title: event.field.clone(),
        request: body,
        status,
        response,
        took_ms: u64::try_from(started.elapsed().as_millis()).ok(),
    };
    let _ = hub.with(|inner, _| inner.add_wire(&event.key, entry));
    status == Some(200)
}

/// The envelope of one event (1.3). Times are milliseconds.
fn envelope(event: &Event, timestamp: i64, now: i64) -> String {
    let mut item = event.item.clone();
    if let Value::Object(item) = &mut item {
        item.insert("timestamp".to_owned(), json!(timestamp));
    }
    meta_json(&json!({
        "object": "page",
        "entry": [{"id": event.key.page, "time": now, "messaging": [item]}],
    }))
}

/// Asks a callback to prove itself (1.1): `hub.mode`, `hub.verify_token`, `hub.challenge`, the challenge echoed
/// with 200.
///
/// # Errors
/// What went wrong, in Meta's words where they are known.
pub(crate) async fn handshake(hub: &Arc<Hub>, callback: &str, verify_token: &str) -> Result<(), String> {
    let challenge = crate::ids::challenge(&*hub.entropy);
    let mut url = url::Url::parse(callback).map_err(|_| "callback_url is not a URL".to_owned())?;
    url.query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", &challenge)
        .append_pair("hub.verify_token", verify_token);
    let failed = |why: String| format!("Callback verification failed with the following errors: {why}");
    let response = hub.http.get(url.as_str()).send().await.map_err(|e| {
        failed(if e.is_timeout() { "Operation timed out".into() } else { "Connection failed".into() })
    })?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(failed(format!("HTTP Status Code = {}", response.status().as_u16())));
    }
    let body = response.bytes().await.map_err(|_| failed("Connection lost".to_owned()))?;
    if body.as_ref() == challenge.as_bytes() {
        Ok(())
    } else {
        Err(failed("The challenge was not echoed".to_owned()))
    }
}
