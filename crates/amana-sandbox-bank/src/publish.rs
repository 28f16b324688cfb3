//! Sending notifications: one worker per institution, each again and again until the answer is 2xx, with the faults
//! that were asked for. The bank proves itself as FDX's Security Model v5.0 wants it of a publisher: by a JWT that its
//! own key signs, for the callback's address, with the scope to publish.

use std::time::Duration;

use jiff::Timestamp;
use p256::ecdsa::SigningKey;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Shared};
use crate::bank::{Bank, event_key};
use crate::brand::Brand;
use crate::db::{Change, Db};
use crate::error::Error;
use crate::faults::{Fault, FaultKind, Place};
use crate::limits;
use crate::notifications::{Notice, PUBLISH, tell_expired};
use crate::oauth::metadata::{sign_jwt, sign_jwt_as};
use crate::push::pause;
use crate::records::{EventStatus, kind};

/// One notification on its way.
struct Sending {
    number: u64,
    to: String,
    body: String,
    /// Sent twice.
    twice: bool,
    /// Signed by somebody else.
    forged: bool,
}

/// Runs until the shutdown signal.
pub(crate) async fn run(app: Shared, brand: &'static Brand, shutdown: CancellationToken) {
    let Some(noticed) = app.bank(brand, |bank, _| bank.noticed.clone()) else { return };
    // Since when a notification waits for another that is to overtake it.
    let mut swapping: Option<Instant> = None;
    loop {
        let next = app.bank(brand, |bank, db| next(&app, bank, db, &mut swapping)).unwrap_or(Ok(None));
        match next {
            Ok(Some(sending)) => {
                let sent = tokio::select! {
                    () = shutdown.cancelled() => return,
                    sent = send(&app, brand, &sending) => sent,
                };
                if let Err(error) = settle(&app, brand, sending.number, sent) {
                    tracing::error!(institution = brand.id, %error, "a notification's delivery could not be noted");
                }
            }
            outcome => {
                if let Err(error) = outcome {
                    tracing::error!(institution = brand.id, %error, "the notifications could not be read or written");
                }
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = noticed.notified() => {}
                    () = tokio::time::sleep(limits::NOTICE_LOOK) => {}
                }
            }
        }
    }
}

fn next(
    app: &App,
    bank: &mut Bank,
    db: &mut Db,
    swapping: &mut Option<Instant>,
) -> Result<Option<Sending>, Error> {
    let now = app.now();
    tell_expired(bank, db, now)?;
    drop_unwanted(bank, db, now)?;
    let mut due: Vec<u64> = bank
        .notices
        .iter()
        .filter(|(_, notice)| notice.status == EventStatus::Waiting && notice.due <= now)
        .map(|(number, _)| *number)
        .collect();
    if due.is_empty() {
        return Ok(None);
    }
    let swap = |fault: &Fault| fault.place == Place::Notifications && fault.kind == FaultKind::Reordered;
    if bank.faults.iter().any(swap) {
        let since = *swapping.get_or_insert_with(Instant::now);
        if due.len() < 2 && since.elapsed() < limits::REORDER_WAIT {
            return Ok(None);
        }
        *swapping = None;
        take_fault(bank, FaultKind::Reordered);
        if due.len() > 1 {
            due.swap(0, 1);
        }
    }
    let Some(number) = due.first().copied() else { return Ok(None) };
    if let Some(ms) = take_fault(bank, FaultKind::Slow) {
        let late = jiff::SignedDuration::from_millis(i64::try_from(ms).unwrap_or(1_000));
        if let Some(notice) = bank.notices.get_mut(&number) {
            notice.due = now.checked_add(late).unwrap_or(now);
            db.commit(&[Change::put(kind::NOTICE, bank.brand.id, &event_key(number), notice)?])?;
        }
        return Ok(None);
    }
    let Some(notice) = bank.notices.get(&number).cloned() else { return Ok(None) };
    let Some(to) = bank.subscriptions.get(&notice.subscription_id).map(|one| one.callback_url.clone()) else {
        return Ok(None);
    };
    let mut body = notice.body.clone();
    if take_fault(bank, FaultKind::Misdirected).is_some() {
        misdirect(app, bank, &notice, &mut body);
    }
    let broken = take_fault(bank, FaultKind::Nonsense).is_some();
    let body = if broken { "{\"notificationId\": \u{0}".to_owned() } else { body.to_string() };
    let twice = take_fault(bank, FaultKind::Duplicates).is_some();
    let forged = take_fault(bank, FaultKind::Forged).is_some();
    Ok(Some(Sending { number, to, body, twice, forged }))
}

/// Takes a fault of notifications; its milliseconds.
fn take_fault(bank: &mut Bank, kind: FaultKind) -> Option<u64> {
    let at =
        bank.faults.iter().position(|fault| fault.place == Place::Notifications && fault.kind == kind)?;
    let fault = bank.faults.get_mut(at)?;
    let ms = fault.ms.unwrap_or(1_000);
    if let Some(times) = &mut fault.times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            bank.faults.remove(at);
        }
    }
    Some(ms)
}

/// Another consent's id stands in it: one of the same client's if there is one, else one that nobody has.
fn misdirect(app: &App, bank: &Bank, notice: &Notice, body: &mut Value) {
    let Some(id) = body.pointer_mut("/notificationPayload/id") else { return };
    let others = bank.consents.values().filter(|consent| consent.client_id == notice.client_id);
    let other = match &notice.needs {
        None => others.map(|consent| consent.id.clone()).find(|other| id.as_str() != Some(other)),
        Some((account, _)) => bank.accounts.keys().find(|other| *other != account).cloned(),
    };
    *id = json!(other.unwrap_or_else(|| app.uuid()));
}

/// Takes out what must not go any more: nobody wants it, its consent has ended, or it is too old.
fn drop_unwanted(bank: &mut Bank, db: &mut Db, now: Timestamp) -> Result<(), Error> {
    let mut changes = Vec::new();
    let mut dropped = Vec::new();
    for (number, notice) in bank.notices.iter().filter(|(_, n)| n.status == EventStatus::Waiting) {
        let wanted = bank.subscriptions.contains_key(&notice.subscription_id)
            && notice
                .needs
                .as_ref()
                .is_none_or(|(account, cluster)| bank.consented(&notice.client_id, account, *cluster, now));
        let age = now.as_second().saturating_sub(notice.created.as_second());
        if !wanted || age > limits::EVENT_LIFE_SECS {
            let mut notice = notice.clone();
            notice.status = EventStatus::Dropped;
            changes.push(Change::put(kind::NOTICE, bank.brand.id, &event_key(*number), &notice)?);
            dropped.push((*number, notice));
        }
    }
    if !changes.is_empty() {
        db.commit(&changes)?;
        bank.notices.extend(dropped);
    }
    Ok(())
}

/// What the bank shows with a notification.
fn proof(app: &App, brand: &Brand, to: &str, key: &SigningKey, forged: bool) -> String {
    let (issuer, now) = (app.issuer(brand), app.now().as_second());
    let claims = json!({
        "iss": issuer,
        "sub": issuer,
        "aud": to,
        "iat": now,
        "exp": now.saturating_add(limits::PUBLISHER_TOKEN_LIFE_SECS),
        "jti": app.secret(),
        "scope": PUBLISH,
    });
    if forged { sign_jwt_as(key, &app.signing_key, &claims) } else { sign_jwt(key, &claims) }
}

/// One POST, or two. `Ok` holds nothing: any 2xx is the receipt.
async fn send(app: &App, brand: &'static Brand, sending: &Sending) -> Result<(), String> {
    let key = if sending.forged { somebody_elses(app) } else { app.signing_key.clone() };
    let mut sent = Err(String::new());
    for _ in 0..1 + u8::from(sending.twice) {
        let answer = app
            .http
            .post(&sending.to)
            .bearer_auth(proof(app, brand, &sending.to, &key, sending.forged))
            .header(CONTENT_TYPE, "application/json")
            .header("x-fapi-interaction-id", app.uuid())
            .body(sending.body.clone())
            .send()
            .await;
        sent = match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.status().as_u16().to_string()),
            Err(error) if error.is_timeout() => Err("timeout".to_owned()),
            Err(error) if error.is_connect() => Err("no connection".to_owned()),
            Err(_) => Err("broken off".to_owned()),
        };
    }
    sent
}

/// A key that is not the bank's.
fn somebody_elses(app: &App) -> SigningKey {
    loop {
        // A random 256-bit number is a valid P-256 key but for a chance of 2^-32.
        if let Ok(key) = SigningKey::from_slice(&app.random_32()) {
            return key;
        }
    }
}

fn settle(app: &App, brand: &'static Brand, number: u64, sent: Result<(), String>) -> Result<(), Error> {
    app.bank(brand, |bank, db| {
        let Some(notice) = bank.notices.get_mut(&number) else { return Ok(()) };
        notice.attempts = notice.attempts.saturating_add(1);
        match sent {
            Ok(()) => {
                notice.status = EventStatus::Delivered;
                notice.last = Some("2xx".to_owned());
            }
            Err(reason) => {
                tracing::warn!(institution = brand.id, %reason, "a notification was not taken; trying again");
                let wait: Duration = pause(notice.attempts, app.random_u32());
                let wait = jiff::SignedDuration::try_from(wait).unwrap_or_default();
                notice.due = app.now().checked_add(wait).unwrap_or(notice.due);
                notice.last = Some(reason);
            }
        }
        db.commit(&[Change::put(kind::NOTICE, brand.id, &event_key(number), notice)?])
    })
    .unwrap_or(Ok(()))
}
