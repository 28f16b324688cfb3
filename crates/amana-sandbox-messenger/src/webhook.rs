//! The webhook engine (messenger reference 1.2, 1.3, 1.6): per conversation one event after the other, each
//! tried until it is answered 200, with the fault switches and the chaos mode of the control API.
//!
//! Retries go by the virtual clock. After a quarter of an hour without a single 200 the page's state says so; after an
//! hour the app is unsubscribed from the page and what waits is lost: there is no replay.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use crate::faults::take;
use crate::hub::Hub;
use crate::limits;
use crate::model::{Event, Faults, LogEntry, Place, Progress, ThreadKey, WireEntry};
use crate::wire::{escape_at, meta_json, webhook_signatures};

/// Events that wait for others to go out with them.
#[derive(Default)]
pub(crate) struct Batch(Mutex<Vec<(Ready, oneshot::Sender<Outcome>)>>);

/// An event with its time, ready to go out.
#[derive(Clone)]
struct Ready {
    page: String,
    place: Place,
    field: String,
    item: Value,
}

/// What came of one webhook.
#[derive(Debug, Clone)]
struct Outcome {
    ok: bool,
    body: String,
    status: Option<u16>,
    note: String,
    took_ms: u64,
}

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
    // By chance an event is overtaken once: its draw is the same each time, and in a conversation in which there is
    // always a next one it would never go.
    let mut overtaken = None;
    loop {
        let Some((event, faults, waiting)) = next(&hub, &key, 0) else { return };
        let reorder = faults.reorder || (overtaken != Some(event.seq) && chance(&hub, "reorder", &event));
        if reorder && waiting < 2 {
            let hold = if faults.reorder { limits::REORDER_HOLD } else { limits::CHAOS_HOLD };
            tokio::time::sleep(hold).await;
        }
        let event = if reorder {
            // The second in line goes first; the first then has a new neighbour to be swapped with, or goes alone.
            match next(&hub, &key, 1) {
                Some((second, _, _)) => {
                    overtaken = Some(event.seq);
                    second
                }
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

/// Whether the chaos mode has this fault for the event.
fn chance(hub: &Arc<Hub>, fault: &'static str, event: &Event) -> bool {
    let drawn = hub.with(|inner, _| {
        let chaos = inner.data.chaos.as_ref()?;
        let chance = match fault {
            "reorder" => chaos.reorder,
            "duplicate" => chaos.duplicate,
            "delay" => chaos.delay,
            _ => chaos.lose_answer,
        };
        let hit = chaos.happens(fault, chance, &event.key, event.n);
        if hit {
            *inner.data.chaos_counts.entry(fault).or_default() += 1;
        }
        Some(hit)
    });
    matches!(drawn, Ok(Some(true)))
}

async fn deliver(hub: &Arc<Hub>, event: &Event) {
    if event.swallowed {
        return settle(hub, event, true);
    }
    if event.hold_ms > 0 {
        // The platform's own latency: not by the virtual clock, which may stand still.
        tokio::time::sleep(Duration::from_millis(event.hold_ms)).await;
    }
    if chance(hub, "delay", event) {
        let wait = hub.with(|inner, _| {
            inner.data.chaos.as_ref().map(|c| c.wait("delay", c.delay_max_ms, &event.key, event.n))
        });
        rest(hub, event, wait.ok().flatten().unwrap_or(0)).await;
    }
    let mut attempt = 0_usize;
    loop {
        let Some(faults) = wanted(hub, event) else { return };
        if faults.delay_ms > 0 {
            rest(hub, event, faults.delay_ms.min(limits::FAULT_DELAY_MS)).await;
        }
        let dropped_echo = faults.drop_echo && event.field == "message_echoes";
        let mut ok = dropped_echo || post(hub, event, attempt).await;
        if ok && !dropped_echo {
            if faults.duplicate || (attempt == 0 && chance(hub, "duplicate", event)) {
                post(hub, event, attempt + 1).await;
            }
            // The app did all it could; the platform does not know it. (A linking that waits for its answer is spared:
            // it is tried once.)
            if !event.once && answer_lost(hub, event, attempt) {
                ok = false;
            }
        }
        if ok || event.once {
            return settle(hub, event, ok);
        }
        if failed(hub, event) {
            return;
        }
        let delay = limits::RETRY_DELAYS.get(attempt).or(limits::RETRY_DELAYS.last()).copied();
        rest(hub, event, delay.and_then(|d| u64::try_from(d.as_millis()).ok()).unwrap_or(1_000)).await;
        attempt += 1;
    }
}

/// The event waits by the virtual clock, and says until when.
async fn rest(hub: &Arc<Hub>, event: &Event, ms: u64) {
    let noted = hub.with(|inner, hub| {
        let due = hub.now_ms(inner).saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        let queue = inner.data.queues.get_mut(&event.key);
        if let Some(event) = queue.and_then(|queue| queue.iter_mut().find(|e| e.seq == event.seq)) {
            event.due_ms = due;
        }
    });
    if let Err(error) = noted {
        tracing::error!(%error, "the wait of a webhook could not be noted");
    }
    hub.sleep(ms).await;
}

fn answer_lost(hub: &Arc<Hub>, event: &Event, attempt: usize) -> bool {
    let switched = hub.with(|inner, _| take(&mut inner.data.faults.lose_answer_next));
    matches!(switched, Ok(true)) || (attempt == 0 && chance(hub, "lose_answer", event))
}

/// Notes a failed attempt. `true`: the app was unsubscribed from the page, and the event is gone.
fn failed(hub: &Arc<Hub>, event: &Event) -> bool {
    let page = &event.key.page;
    let gone = hub.with(|inner, hub| {
        inner.data.attempts_failed += 1;
        if let Some(seq) = event.message {
            inner.set_progress(&event.key, seq, Progress::Retrying);
        }
        let now = hub.now_ms(inner);
        let (alert, disable) = (inner.data.settings.alert_after_ms, inner.data.settings.unsubscribe_after_ms);
        let state = inner.data.pages.get_mut(page)?;
        let since = *state.failing_since_ms.get_or_insert(now);
        let first = now - since >= alert && !std::mem::replace(&mut state.alerted, now - since >= alert);
        if now - since >= disable {
            state.subscribed_fields.clear();
            state.failing_since_ms = None;
            state.alerted = false;
            inner.save_page(page);
            let lost = inner.drop_events_of(page);
            inner.data.given_up += u64::try_from(lost).unwrap_or(0);
            inner.log_state(hub, page, "webhooks disabled: the app is unsubscribed from the page");
            return Some(true);
        }
        if first {
            inner.log_state(hub, page, "webhooks failing for 15 minutes");
        }
        Some(false)
    });
    matches!(gone, Ok(Some(true)))
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

/// One attempt. Every attempt but the first gives the event a new timestamp, as Meta's repeats have (1.6).
async fn post(hub: &Arc<Hub>, event: &Event, attempt: usize) -> bool {
    let read = hub.with(|inner, hub| {
        let chaos = inner.data.chaos.as_ref().map_or(0, |c| c.batch);
        (hub.now_ms(inner), inner.data.faults.batch.max(chaos), inner.data.faults.loose_types)
    });
    let Ok((now, batch, loose)) = read else { return false };
    // A redelivery bears a time of its own, also one of the same millisecond.
    let later = i64::try_from(attempt).unwrap_or(i64::MAX);
    let at = if attempt > 0 { now.max(event.at_ms.saturating_add(later)) } else { event.at_ms };
    let ready = ready(event, at, loose);
    let outcome = if batch > 1 && !event.once {
        together(hub, ready, batch).await
    } else {
        send(hub, vec![ready]).await
    };
    let ok = outcome.ok;
    let entry = WireEntry {
        seq: 0,
        at_ms: now,
        direction: "webhook".to_owned(),
        title: event.field.clone(),
        request: outcome.body,
        status: outcome.status,
        response: outcome.note.clone(),
        took_ms: Some(outcome.took_ms),
    };
    let line = LogEntry {
        n: 0,
        at_ms: now,
        kind: "webhook",
        page: event.key.page.clone(),
        user: event.key.user.clone(),
        title: match event.place {
            Place::Standby => format!("standby: {}", event.field),
            Place::Messaging | Place::Changes => event.field.clone(),
        },
        status: outcome.status,
        attempt: Some(attempt + 1),
        took_ms: Some(outcome.took_ms),
        note: (!outcome.note.is_empty()).then_some(outcome.note),
    };
    let _ = hub.with(|inner, _| {
        inner.add_wire(&event.key, entry);
        inner.log(line);
        if ok && let Some(state) = inner.data.pages.get_mut(&event.key.page) {
            state.failing_since_ms = None;
            state.alerted = false;
        }
    });
    ok
}

/// Gives the event its time, which is milliseconds; in the loose form a postback's is seconds in a string, ids are
/// numbers, and a delivery has none, as Meta's own samples show them (1.3).
fn ready(event: &Event, timestamp: i64, loose: bool) -> Ready {
    let mut item = event.item.clone();
    if let (Value::Object(map), true) = (&mut item, event.place != Place::Changes) {
        map.insert("timestamp".to_owned(), json!(timestamp));
        if loose {
            loosen(map, timestamp);
        }
    }
    Ready { page: event.key.page.clone(), place: event.place, field: event.field.clone(), item }
}

fn loosen(item: &mut Map<String, Value>, timestamp: i64) {
    for party in ["sender", "recipient"] {
        if let Some(Value::Object(party)) = item.get_mut(party)
            && let Some(number) =
                party.get("id").and_then(Value::as_str).and_then(|id| id.parse::<u64>().ok())
        {
            party.insert("id".to_owned(), json!(number));
        }
    }
    if item.contains_key("postback") {
        item.insert("timestamp".to_owned(), json!((timestamp / 1_000).to_string()));
    } else if item.contains_key("delivery") || item.contains_key("read") {
        item.remove("timestamp");
    }
}

/// Sends the event with those of other conversations that come within a moment.
async fn together(hub: &Arc<Hub>, ready: Ready, most: u32) -> Outcome {
    let (sender, receiver) = oneshot::channel();
    let most = usize::try_from(most).unwrap_or(1);
    let (first, full) = {
        let mut waiting = hub.batch.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((ready, sender));
        (waiting.len() == 1, (waiting.len() >= most).then(|| std::mem::take(&mut *waiting)))
    };
    if let Some(full) = full {
        flush(hub, full).await;
    } else if first {
        tokio::time::sleep(limits::BATCH_HOLD).await;
        let waiting = {
            let mut waiting = hub.batch.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        flush(hub, waiting).await;
    }
    let lost = || Outcome {
        ok: false,
        body: String::new(),
        status: None,
        note: "the batch was given up".to_owned(),
        took_ms: 0,
    };
    receiver.await.unwrap_or_else(|_| lost())
}

async fn flush(hub: &Arc<Hub>, batch: Vec<(Ready, oneshot::Sender<Outcome>)>) {
    if batch.is_empty() {
        return;
    }
    let (events, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    if events.len() > 1 {
        let _ = hub.with(|inner, _| {
            if inner.data.chaos.is_some() {
                *inner.data.chaos_counts.entry("batch").or_default() += 1;
            }
        });
    }
    let outcome = send(hub, events).await;
    for sender in senders {
        let _ = sender.send(outcome.clone());
    }
}

/// One POST to the callback.
async fn send(hub: &Arc<Hub>, events: Vec<Ready>) -> Outcome {
    let failure = |note: &str| Outcome {
        ok: false,
        body: String::new(),
        status: None,
        note: note.to_owned(),
        took_ms: 0,
    };
    let read = hub.with(|inner, hub| {
        let settings = &inner.data.settings;
        (hub.now_ms(inner), inner.data.app.callback.clone(), settings.webhook_timeout_ms, settings.escape_at)
    });
    let Ok((now, Some(callback), timeout_ms, at)) = read else { return failure("no callback") };
    let mut body = meta_json(&envelope(&events, now));
    if at {
        body = escape_at(&body);
    }
    let signatures = webhook_signatures(&hub.config.app_secret, body.as_bytes());
    let started = Instant::now();
    let answer = hub
        .http
        .post(&callback)
        .timeout(Duration::from_millis(timeout_ms))
        .header("content-type", "application/json")
        .header("x-hub-signature-256", signatures.sha256)
        .header("x-hub-signature", signatures.sha1)
        .body(body.clone())
        .send()
        .await;
    let (status, note) = match answer {
        Ok(response) => (Some(response.status().as_u16()), String::new()),
        Err(error) if error.is_timeout() => (None, "no answer in time".to_owned()),
        Err(error) if error.is_connect() => (None, "connection refused".to_owned()),
        Err(_) => (None, "connection lost".to_owned()),
    };
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let ok = status == Some(200);
    if ok {
        let _ = hub.with(|inner, _| *inner.data.answered.entry(took_ms).or_default() += 1);
    }
    Outcome { ok, body, status, note, took_ms }
}

/// How long the app took for its 200s, from the first byte of the request on, in milliseconds of real time.
pub(crate) fn answers(answered: &BTreeMap<u64, u64>) -> Value {
    let count: u64 = answered.values().sum();
    // The smallest time within which so many of a hundred were answered.
    let within = |percent: u64| {
        let enough = (count * percent).div_ceil(100);
        let mut so_far = 0;
        let found = answered.iter().find(|(_, n)| {
            so_far += **n;
            so_far >= enough
        });
        found.map_or(0, |(ms, _)| *ms)
    };
    let max = answered.keys().last().copied().unwrap_or(0);
    json!({"count": count, "p50_ms": within(50), "p99_ms": within(99), "max_ms": max})
}

/// The envelope (1.3). Times are milliseconds. Two neighbouring events of a page share an entry, as load makes them do.
fn envelope(events: &[Ready], now: i64) -> Value {
    let mut entries: Vec<Map<String, Value>> = Vec::new();
    for event in events {
        let (array, item) = match event.place {
            Place::Messaging => ("messaging", event.item.clone()),
            Place::Standby => ("standby", event.item.clone()),
            Place::Changes => ("changes", json!({"field": event.field, "value": event.item})),
        };
        let last = entries.last_mut().filter(|entry| {
            entry.get("id").and_then(Value::as_str) == Some(&event.page)
                && entry.get(array).and_then(Value::as_array).is_some_and(|items| items.len() == 1)
        });
        match last.and_then(|entry| entry.get_mut(array)).and_then(Value::as_array_mut) {
            Some(items) => items.push(item),
            None => {
                let entry = json!({"id": event.page, "time": now, array: [item]});
                entries.extend(entry.as_object().cloned());
            }
        }
    }
    json!({"object": "page", "entry": entries})
}

/// Asks a callback to prove itself (1.1): `hub.mode`, `hub.verify_token`, `hub.challenge`, the challenge echoed
/// with 200.
///
/// # Errors
/// What went wrong, in Meta's words where they are known.
pub(crate) async fn handshake(hub: &Arc<Hub>, callback: &str, verify_token: &str) -> Result<(), String> {
    let challenge = crate::ids::challenge(&hub.entropy);
    let mut url = url::Url::parse(callback).map_err(|_| "callback_url is not a URL".to_owned())?;
    url.query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", &challenge)
        .append_pair("hub.verify_token", verify_token);
    let failed = |why: String| format!("Callback verification failed with the following errors: {why}");
    let timeout_ms = hub.with(|inner, _| inner.data.settings.webhook_timeout_ms).unwrap_or(5_000);
    let response =
        hub.http.get(url.as_str()).timeout(Duration::from_millis(timeout_ms)).send().await.map_err(|e| {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a share of the answers is counted, not of the times.
    #[test]
    fn a_share_of_the_answers_came_within_its_time() {
        assert_eq!(answers(&BTreeMap::new())["p99_ms"], 0);
        let times = BTreeMap::from([(3, 60), (10, 38), (900, 2)]);
        let said = answers(&times);
        assert_eq!(said, json!({"count": 100, "p50_ms": 3, "p99_ms": 900, "max_ms": 900}));
        let times = BTreeMap::from([(3, 60), (10, 39), (900, 1)]);
        assert_eq!(answers(&times)["p99_ms"], 10);
    }
}
