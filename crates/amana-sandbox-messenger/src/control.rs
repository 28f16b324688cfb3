//! The control API: what tests and demos do to the simulator. JSON in, JSON out; errors as `{"error": "…"}`
//! (a body that does not parse gets a plain text instead).
//!
//! | call | body or answer |
//! |---|---|
//! | `POST /control/users/{user}/say` | `{"page","text"}` → `{"mid"}`: the person writes |
//! | `POST /control/users/{user}/tap` | `{"page","kind","payload","title"}`, kind `postback`, `quick_reply`, `get_started`, `menu`, `account_link`, `account_unlink` → `{"mid"}`, or `{"open": URL}` for `account_link` (the newest Log In button) |
//! | `POST /control/users/{user}/read` | `{"page"}` → `{"read": n}`: the person looks at the thread (delivery and read webhooks) |
//! | `POST /control/users/{user}/locale` | `{"locale": "en_US" or "ar_AR"}` |
//! | `GET /control/threads/{page}/{user}` | the thread: `psid`, `linked`, `messages` with `progress` and `at_ms`, `wire` |
//! | `GET /control/clock`, `POST` | `{"advance_s": n}` → `{"offset_s","now_ms"}`: moves the virtual clock (windows, tokens) |
//! | `GET /control/faults`, `POST` | any of the switches below; the ones not named stay |
//! | `GET /control/sends` | every accepted send: `mid`, `psid`, `arrived_us` (µs since the epoch, real clock), `request`; `?after=n` skips n |
//! | `GET /control/webhooks` | `{"pending","delivered","attempts_failed","given_up","callback","callback_verified"}` |
//! | `GET /control/pages` | pages with name and subscribed fields |
//! | `POST /control/reset` | `{}` forgets messages, queue, sends, faults, clock; `{"all": true}` also page-scoped ids, profiles, subscriptions |
//!
//! # Faults
//! `duplicate`, `reorder`, `drop_echo`, `echo_first`, `token_dead` (booleans), `delay_ms` (≤ 60 000),
//! `drop_connection_next` (so many sends are carried out without an answer),
//! `fail_next: {"code","subcode","message","status","times"}` (the next sends fail; `null` ends it).

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::actions::{self, ActionError, Tapped};
use crate::chat::refuse;
use crate::hub::Hub;
use crate::limits;
use crate::model::{Faults, Progress, ThreadKey};

/// Routes of the control API.
pub(crate) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/control/users/{user}/say", post(say))
        .route("/control/users/{user}/tap", post(tap))
        .route("/control/users/{user}/read", post(read))
        .route("/control/users/{user}/locale", post(locale))
        .route("/control/threads/{page}/{user}", get(thread))
        .route("/control/clock", get(clock).post(advance))
        .route("/control/faults", get(faults).post(set_faults))
        .route("/control/sends", get(sends))
        .route("/control/webhooks", get(webhooks))
        .route("/control/pages", get(pages))
        .route("/control/reset", post(reset))
}

fn bad(what: impl Into<String>) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": what.into()}))).into_response()
}

fn answer(result: Result<Value, crate::Error>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => refuse(&ActionError::State(error)),
    }
}

#[derive(Deserialize)]
struct Say {
    page: String,
    text: String,
}

async fn say(State(hub): State<Arc<Hub>>, Path(user): Path<String>, Json(body): Json<Say>) -> Response {
    match actions::say(&hub, &ThreadKey { page: body.page, user }, &body.text) {
        Ok(mid) => Json(json!({"mid": mid})).into_response(),
        Err(error) => refuse(&error),
    }
}

#[derive(Deserialize)]
struct Tap {
    page: String,
    kind: String,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    title: String,
}

async fn tap(State(hub): State<Arc<Hub>>, Path(user): Path<String>, Json(body): Json<Tap>) -> Response {
    let key = ThreadKey { page: body.page, user };
    match actions::tap(&hub, &key, &body.kind, &body.payload, &body.title) {
        Ok(Tapped::Done(mid)) => Json(json!({"mid": mid})).into_response(),
        Ok(Tapped::Open(url)) => Json(json!({"open": url})).into_response(),
        Err(error) => refuse(&error),
    }
}

#[derive(Deserialize)]
struct Page {
    page: String,
}

async fn read(State(hub): State<Arc<Hub>>, Path(user): Path<String>, Json(body): Json<Page>) -> Response {
    let key = ThreadKey { page: body.page, user };
    answer(hub.with(|inner, hub| json!({"read": actions::advance(inner, hub, &key, Progress::Read)})))
}

#[derive(Deserialize)]
struct Locale {
    locale: String,
}

async fn locale(State(hub): State<Arc<Hub>>, Path(user): Path<String>, Json(body): Json<Locale>) -> Response {
    if !matches!(body.locale.as_str(), "en_US" | "ar_AR") {
        return bad("`locale` is neither `en_US` nor `ar_AR`");
    }
    answer(hub.with(|inner, _| json!({"set": inner.set_locale(&user, &body.locale)})))
}

async fn thread(State(hub): State<Arc<Hub>>, Path((page, user)): Path<(String, String)>) -> Response {
    let key = ThreadKey { page, user };
    let found = hub.with(|inner, _| {
        let thread = inner.data.threads.get(&key)?;
        Some(json!({
            "page": key.page, "user": key.user, "psid": thread.psid, "linked": thread.linked,
            "last_inbound_ms": thread.last_inbound_ms, "messages": thread.messages, "wire": thread.wire,
        }))
    });
    match found {
        Ok(Some(thread)) => Json(thread).into_response(),
        Ok(None) => refuse(&ActionError::NoThread(key.page)),
        Err(error) => refuse(&ActionError::State(error)),
    }
}

async fn clock(State(hub): State<Arc<Hub>>) -> Response {
    answer(
        hub.with(
            |inner, hub| json!({"offset_s": inner.data.app.clock_offset_s, "now_ms": hub.now_ms(inner)}),
        ),
    )
}

#[derive(Deserialize)]
struct Advance {
    advance_s: i64,
}

async fn advance(State(hub): State<Arc<Hub>>, Json(body): Json<Advance>) -> Response {
    answer(hub.with(|inner, hub| {
        inner.data.app.clock_offset_s = inner.data.app.clock_offset_s.saturating_add(body.advance_s);
        inner.save_app();
        json!({"offset_s": inner.data.app.clock_offset_s, "now_ms": hub.now_ms(inner)})
    }))
}

async fn faults(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, _| json!(inner.data.faults)))
}

async fn set_faults(State(hub): State<Arc<Hub>>, Json(change): Json<Value>) -> Response {
    let merged = hub.with(|inner, _| {
        let mut all = json!(inner.data.faults);
        if let (Value::Object(all), Value::Object(change)) = (&mut all, change) {
            all.extend(change);
        }
        let faults: Faults = serde_json::from_value(all).map_err(|e| e.to_string())?;
        if faults.delay_ms > limits::FAULT_DELAY_MS {
            return Err(format!("`delay_ms` is more than {}", limits::FAULT_DELAY_MS));
        }
        inner.data.faults = faults.clone();
        Ok(json!(faults))
    });
    match merged {
        Ok(Ok(faults)) => Json(faults).into_response(),
        Ok(Err(what)) => bad(what),
        Err(error) => refuse(&ActionError::State(error)),
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: usize,
}

async fn sends(State(hub): State<Arc<Hub>>, Query(query): Query<After>) -> Response {
    answer(hub.with(|inner, _| json!(inner.data.sends.iter().skip(query.after).collect::<Vec<_>>())))
}

async fn webhooks(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, _| {
        let pending: usize = inner.data.queues.values().map(std::collections::VecDeque::len).sum();
        json!({
            "pending": pending, "delivered": inner.data.delivered, "attempts_failed": inner.data.attempts_failed,
            "given_up": inner.data.given_up, "callback": inner.data.app.callback,
            "callback_verified": inner.data.callback_verified,
        })
    }))
}

async fn pages(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, hub| {
        let pages = hub.config.pages.iter().map(|page| {
            let fields = inner.data.pages.get(&page.id).map(|p| p.subscribed_fields.clone());
            json!({"id": page.id, "name": page.name, "subscribed_fields": fields})
        });
        json!(pages.collect::<Vec<_>>())
    }))
}

#[derive(Deserialize, Default)]
struct Reset {
    #[serde(default)]
    all: bool,
}

async fn reset(State(hub): State<Arc<Hub>>, body: Option<Json<Reset>>) -> Response {
    let all = body.is_some_and(|Json(body)| body.all);
    answer(hub.with(|inner, hub| {
        inner.reset(hub, all);
        json!({"reset": true})
    }))
}
