//! Delivery of events: one worker per institution, in order per account, again and again until the answer is 2xx.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Shared};
use crate::bank::{Bank, event_key};
use crate::brand::Brand;
use crate::config::{EventMode, EventTarget};
use crate::db::{Change, Db};
use crate::error::Error;
use crate::limits;
use crate::records::{EventStatus, kind};

const SINGLE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// What the worker does next.
#[derive(Debug)]
enum Step {
    /// Deliver these events in one request (more than one, or `batch`: as a batch).
    Send { numbers: Vec<u64>, batch: bool },
    /// Nothing can go now.
    Wait,
}

/// Runs until the shutdown signal.
pub(crate) async fn run(
    app: Shared,
    brand: &'static Brand,
    target: EventTarget,
    shutdown: CancellationToken,
) {
    let Some(wake) = app.wake.get(brand.id) else { return };
    // After a failure an account rests; the others go on. Kept in memory only: a restarted bank tries at once.
    let mut resting: BTreeMap<String, (Instant, u32)> = BTreeMap::new();
    let mut reorder_since: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let held: BTreeSet<String> = resting
            .iter()
            .filter(|(_, (until, _))| *until > now)
            .map(|(account, _)| account.clone())
            .collect();
        let step = app
            .bank(brand, |bank, db| next_step(&app, bank, db, &target, &held, &mut reorder_since))
            .unwrap_or(Ok(Step::Wait));
        match step {
            Ok(Step::Send { numbers, batch }) => {
                let sent = tokio::select! {
                    () = shutdown.cancelled() => return,
                    sent = send(&app, brand, &target, &numbers, batch) => sent,
                };
                settle(&app, brand, &numbers, sent, &mut resting);
            }
            Ok(Step::Wait) => {
                let until = resting.values().map(|(until, _)| *until).filter(|until| *until > now).min();
                let pause = until.map_or(limits::RETRY_MAX, |until| until.saturating_duration_since(now));
                let pause = if reorder_since.is_some() { pause.min(Duration::from_secs(1)) } else { pause };
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = wake.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
            Err(error) => {
                tracing::error!(institution = brand.id, %error, "the event queue could not be read or written");
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(limits::RETRY_FIRST) => {}
                }
            }
        }
    }
}

fn next_step(
    app: &App,
    bank: &mut Bank,
    db: &mut Db,
    target: &EventTarget,
    held: &BTreeSet<String>,
    reorder_since: &mut Option<Instant>,
) -> Result<Step, Error> {
    drop_unwanted(app, bank, db, target)?;
    let mut waiting: Vec<u64> = bank
        .events
        .iter()
        .filter(|(_, event)| event.status == EventStatus::Waiting && !held.contains(&event.account_id))
        .map(|(number, _)| *number)
        .collect();
    if bank.reorder {
        let since = *reorder_since.get_or_insert_with(Instant::now);
        if let [_, second, ..] = waiting.as_slice() {
            let second = *second;
            bank.reorder = false;
            *reorder_since = None;
            return Ok(Step::Send { numbers: vec![second], batch: false });
        }
        if since.elapsed() < limits::REORDER_WAIT {
            return Ok(Step::Wait);
        }
        bank.reorder = false;
    }
    *reorder_since = None;
    let batch = target.mode == EventMode::Batched || bank.batch_once;
    waiting.truncate(if batch { limits::BATCH_EVENTS_MAX } else { 1 });
    if waiting.is_empty() {
        return Ok(Step::Wait);
    }
    bank.batch_once = false;
    Ok(Step::Send { numbers: waiting, batch })
}

/// Takes out what must not go any more: its consent has ended, or it is too old.
fn drop_unwanted(app: &App, bank: &mut Bank, db: &mut Db, target: &EventTarget) -> Result<(), Error> {
    let now = app.now();
    let mut changes = Vec::new();
    let mut dropped = Vec::new();
    for (number, event) in &bank.events {
        if event.status != EventStatus::Waiting {
            continue;
        }
        let wanted = bank.consented(&target.client_id, &event.account_id, event.cluster, now);
        let old = now.as_second().saturating_sub(event.created.as_second()) > limits::EVENT_LIFE_SECS;
        if !wanted || old {
            let mut event = event.clone();
            event.status = EventStatus::Dropped;
            changes.push(Change::put(kind::EVENT, bank.brand.id, &event_key(*number), &event)?);
            dropped.push((*number, event));
        }
    }
    if !changes.is_empty() {
        db.commit(&changes)?;
        bank.events.extend(dropped);
    }
    Ok(())
}

/// One POST. `Ok` holds nothing: any 2xx is the receipt.
async fn send(
    app: &App,
    brand: &'static Brand,
    target: &EventTarget,
    numbers: &[u64],
    batch: bool,
) -> Result<(), String> {
    let events: Vec<Value> = app
        .bank(brand, |bank, _| {
            numbers
                .iter()
                .filter_map(|number| bank.events.get(number))
                .map(|event| event.event.clone())
                .collect()
        })
        .unwrap_or_default();
    let (content_type, body) = match events.as_slice() {
        [event] if !batch => (SINGLE, event.to_string()),
        _ => (BATCH, Value::Array(events).to_string()),
    };
    let answer = app
        .http
        .post(&target.url)
        .header(AUTHORIZATION, format!("Bearer {}", target.token))
        .header(CONTENT_TYPE, content_type)
        .body(body)
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(answer.status().as_u16().to_string()),
        Err(error) if error.is_timeout() => Err("timeout".to_owned()),
        Err(error) if error.is_connect() => Err("no connection".to_owned()),
        Err(_) => Err("broken off".to_owned()),
    }
}

fn settle(
    app: &App,
    brand: &'static Brand,
    numbers: &[u64],
    sent: Result<(), String>,
    resting: &mut BTreeMap<String, (Instant, u32)>,
) {
    let delivered = sent.is_ok();
    if let Err(reason) = &sent {
        tracing::warn!(institution = brand.id, events = numbers.len(), %reason, "events were not taken; trying again");
    }
    let last = sent.err().unwrap_or_else(|| "2xx".to_owned());
    let accounts = app.bank(brand, |bank, db| {
        let mut changes = Vec::new();
        let mut accounts = BTreeSet::new();
        for number in numbers {
            let Some(event) = bank.events.get_mut(number) else { continue };
            event.attempts = event.attempts.saturating_add(1);
            event.last = Some(last.clone());
            accounts.insert(event.account_id.clone());
            if delivered {
                event.status = EventStatus::Delivered;
                changes.push(Change::put(kind::EVENT, brand.id, &event_key(*number), event)?);
            }
        }
        // If this commit is lost, the event goes out again after a restart: at least once, the same id.
        if !changes.is_empty() {
            db.commit(&changes)?;
        }
        Ok::<_, Error>(accounts)
    });
    let accounts = match accounts.unwrap_or_else(|| Ok(BTreeSet::new())) {
        Ok(accounts) => accounts,
        Err(error) => {
            tracing::error!(institution = brand.id, %error, "a delivery could not be noted");
            return;
        }
    };
    for account in accounts {
        if delivered {
            resting.remove(&account);
            continue;
        }
        let failures = resting.get(&account).map_or(0, |(_, failures)| *failures).saturating_add(1);
        resting.insert(account, (Instant::now() + pause(failures, app.random_u32()), failures));
    }
}

/// Exponential, with up to half of it as jitter, so that banks do not come back in step.
pub(crate) fn pause(failures: u32, random: u32) -> Duration {
    let doubled = limits::RETRY_FIRST
        .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1).min(16)).unwrap_or(1));
    let whole = doubled.min(limits::RETRY_MAX);
    let half = whole / 2;
    let jitter = half.checked_div(256).unwrap_or_default().saturating_mul(random % 257);
    half + jitter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_bounded() {
        assert!(pause(1, 0) >= limits::RETRY_FIRST / 2 && pause(1, 256) <= limits::RETRY_FIRST);
        assert!(pause(4, 0) >= limits::RETRY_FIRST * 4);
        assert!(pause(400, u32::MAX) <= limits::RETRY_MAX);
    }
}
