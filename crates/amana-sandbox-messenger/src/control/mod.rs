//! The control API: what tests and demos do to the simulator. JSON in, JSON out; errors as `{"error": "…"}`
//! (a body that does not parse gets a plain text instead). Described in `docs/sandbox-messenger.md`.

mod platform;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::actions::{self, ActionError, Tapped};
use crate::chat::refuse;
use crate::hub::{Hub, Inner};
use crate::model::{Faults, Progress, Reach, ThreadKey};
use crate::{acts, callbacks, routing};

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
        .route("/control/users/{user}/act", post(act))
        .route("/control/users/{user}/inbox", post(inbox))
        .route("/control/users/{user}/reach", post(reach))
        .route("/control/users/{user}/data_deletion", post(data_deletion))
        .route("/control/users/{user}/deauthorize", post(deauthorize))
        .merge(platform::routes())
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
    answer(hub.with(|inner, hub| json!({"set": inner.set_locale(hub, &user, &body.locale)})))
}

/// How much of a thread is asked for.
#[derive(Deserialize)]
struct Part {
    /// Only what came after this `seq`.
    #[serde(default)]
    after: u64,
    /// Without the exchanges, which are most of it.
    #[serde(default)]
    messages_only: bool,
}

async fn thread(
    State(hub): State<Arc<Hub>>,
    Path((page, user)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Response {
    let key = ThreadKey { page, user };
    let found = hub.with(|inner, hub| {
        let owner = routing::owner(inner, hub, &key);
        let asid = inner.data.users.get(&key.user).map(|user| user.asid.clone());
        let thread = inner.data.threads.get(&key)?;
        Some(json!({
            "page": key.page, "user": key.user, "psid": thread.psid, "asid": asid, "linked": thread.linked,
            "last_inbound_ms": thread.last_inbound_ms, "owner": owner, "reach": thread.reach,
            "messages": thread.messages.iter().filter(|m| m.seq > part.after).collect::<Vec<_>>(),
            "wire": thread.wire.iter().filter(|w| !part.messages_only && w.seq > part.after).collect::<Vec<_>>(),
        }))
    });
    match found {
        Ok(Some(thread)) => Json(thread).into_response(),
        Ok(None) => refuse(&ActionError::NoThread(key.page)),
        Err(error) => refuse(&ActionError::State(error)),
    }
}

async fn act(State(hub): State<Arc<Hub>>, Path(user): Path<String>, Json(body): Json<acts::Act>) -> Response {
    match acts::act(&hub, &user, body) {
        Ok(mid) => Json(json!({"mid": mid})).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn inbox(
    State(hub): State<Arc<Hub>>,
    Path(user): Path<String>,
    Json(body): Json<acts::Inbox>,
) -> Response {
    match acts::inbox(&hub, &user, body) {
        Ok(mid) => Json(json!({"mid": mid})).into_response(),
        Err(error) => refuse(&error),
    }
}

#[derive(Deserialize)]
struct ReachOf {
    page: String,
    reach: Reach,
}

async fn reach(State(hub): State<Arc<Hub>>, Path(user): Path<String>, Json(body): Json<ReachOf>) -> Response {
    let key = ThreadKey { page: body.page, user };
    let set = hub.with(|inner, hub| {
        inner.thread(hub, &key)?.reach = body.reach;
        inner.save_thread(&key);
        inner.log_state(hub, &key.page, format!("{}: {:?}", key.user, body.reach).to_lowercase());
        Some(json!({"reach": body.reach}))
    });
    match set {
        Ok(Some(value)) => Json(value).into_response(),
        Ok(None) => refuse(&ActionError::NoThread(key.page)),
        Err(error) => refuse(&ActionError::State(error)),
    }
}

#[derive(Deserialize, Default)]
struct Callback {
    #[serde(default)]
    url: Option<String>,
}

async fn data_deletion(
    State(hub): State<Arc<Hub>>,
    Path(user): Path<String>,
    Json(body): Json<Callback>,
) -> Response {
    match callbacks::post(&hub, &user, true, body.url).await {
        Ok(answered) => Json(answered).into_response(),
        Err(what) => bad(what),
    }
}

async fn deauthorize(
    State(hub): State<Arc<Hub>>,
    Path(user): Path<String>,
    Json(body): Json<Callback>,
) -> Response {
    match callbacks::post(&hub, &user, false, body.url).await {
        Ok(answered) => Json(answered).into_response(),
        Err(what) => bad(what),
    }
}

async fn clock(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, hub| clock_json(inner, hub)))
}

fn clock_json(inner: &Inner, hub: &Hub) -> Value {
    let app = &inner.data.app;
    json!({
        "offset_s": app.clock_offset_ms / 1_000, "now_ms": hub.now_ms(inner), "frozen": app.frozen_at_ms.is_some(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    advance_s: i64,
    #[serde(default)]
    advance_ms: i64,
    #[serde(default)]
    freeze: Option<bool>,
}

async fn advance(State(hub): State<Arc<Hub>>, Json(body): Json<Advance>) -> Response {
    answer(hub.with(|inner, hub| {
        let by = body.advance_s.saturating_mul(1_000).saturating_add(body.advance_ms);
        hub.move_clock(inner, by, body.freeze);
        clock_json(inner, hub)
    }))
}

async fn faults(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, _| json!(inner.data.faults)))
}

/// Takes over the named switches; the others stay.
fn merge<T: Serialize + DeserializeOwned>(current: &T, change: Value) -> Result<T, String> {
    let mut all = json!(current);
    match (&mut all, change) {
        (Value::Object(all), Value::Object(change)) => all.extend(change),
        _ => return Err("the body is not a JSON object".to_owned()),
    }
    serde_json::from_value(all).map_err(|e| e.to_string())
}

/// A changed document as the answer, or what is wrong with the change.
fn changed(result: Result<Result<Value, String>, crate::Error>) -> Response {
    match result {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(what)) => bad(what),
        Err(error) => refuse(&ActionError::State(error)),
    }
}

async fn set_faults(State(hub): State<Arc<Hub>>, Json(change): Json<Value>) -> Response {
    changed(hub.with(|inner, hub| {
        let renewed = change.get("throttle").is_some();
        let mut faults: Faults = merge(&inner.data.faults, change)?;
        faults.check()?;
        let now = hub.now_ms(inner);
        if let Some(throttle) = faults.throttle.as_mut().filter(|_| renewed) {
            throttle.until_ms = now.saturating_add(throttle.for_s.saturating_mul(1_000));
        }
        inner.data.faults = faults;
        inner.announce("faults");
        Ok(json!(inner.data.faults))
    }))
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
    answer(hub.with(|inner, hub| {
        let pending: usize = inner.data.queues.values().map(std::collections::VecDeque::len).sum();
        let now = hub.now_ms(inner);
        // A queue is in the order of its events, but for a swap of neighbours.
        let oldest =
            inner.data.queues.values().filter_map(|queue| queue.front()).map(|event| event.at_ms).min();
        let oldest_ms = oldest.map_or(0, |at_ms| now.saturating_sub(at_ms));
        // What waits for its time, or behind such a one, is not late.
        let late = |queue: &std::collections::VecDeque<crate::model::Event>| {
            let due = queue.iter().take(2).map(|event| event.at_ms.max(event.due_ms)).max()?;
            let first = queue.front().map(|event| event.at_ms.max(event.due_ms))?;
            Some(if due > now { 0 } else { now.saturating_sub(first) })
        };
        let late_ms = inner.data.queues.values().filter_map(late).max().unwrap_or(0);
        json!({
            "pending": pending, "oldest_ms": oldest_ms, "late_ms": late_ms, "delivered": inner.data.delivered,
            "attempts_failed": inner.data.attempts_failed,
            "answered": crate::webhook::answers(&inner.data.answered),
            "given_up": inner.data.given_up, "callback": inner.data.app.callback,
            "callback_verified": inner.data.callback_verified,
        })
    }))
}

async fn pages(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, hub| json!(platform::pages_json(inner, hub))))
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
