//! The chat page of the demo user: the page itself, its small JSON API, and its live updates.
//!
//! There is no login: whoever reaches the simulator may be any demo user. It is a sandbox, and binds to
//! loopback in the demo.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::BroadcastStream;

use crate::actions::{self, ActionError, Tapped};
use crate::graph::person;
use crate::hub::{Hub, Inner};
use crate::limits;
use crate::model::{From, Progress, ThreadKey};

const PAGE: &str = include_str!("../static/chat.html");
const STYLE: &str = include_str!("../static/chat.css");
const SCRIPT: &str = include_str!("../static/chat.js");
const BUBBLES: &str = include_str!("../static/bubbles.js");
const PANEL: &str = include_str!("../static/panel.js");
const CONTROL: &str = include_str!("../static/control.js");
const VERBS: &str = include_str!("../static/verbs.js");
const CONTROL_STYLE: &str = include_str!("../static/control.css");
const WORDS: &str = include_str!("../static/words.js");
const PERSON: &str = include_str!("../static/person.svg");

/// Only our own scripts and styles; pictures of generic cards may come from anywhere.
const POLICY: &str =
    "default-src 'self'; img-src 'self' https: http: data:; frame-ancestors 'none'; base-uri 'none'";

/// Routes of the chat page.
pub(crate) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/chat") }))
        .route("/chat", get(page))
        .route("/m/{page}", get(short_link))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/chat/app.css", get(|| async { asset("text/css; charset=utf-8", STYLE) }))
        .route("/chat/app.js", get(|| async { asset("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/chat/words.js", get(|| async { asset("text/javascript; charset=utf-8", WORDS) }))
        .route("/chat/bubbles.js", get(|| async { asset("text/javascript; charset=utf-8", BUBBLES) }))
        .route("/chat/panel.js", get(|| async { asset("text/javascript; charset=utf-8", PANEL) }))
        .route("/chat/control.js", get(|| async { asset("text/javascript; charset=utf-8", CONTROL) }))
        .route("/chat/verbs.js", get(|| async { asset("text/javascript; charset=utf-8", VERBS) }))
        .route("/chat/control.css", get(|| async { asset("text/css; charset=utf-8", CONTROL_STYLE) }))
        .route("/chat/person.svg", get(|| async { asset("image/svg+xml", PERSON) }))
        .route("/chat/api/thread", get(thread))
        .route("/chat/api/threads", get(threads))
        .route("/chat/api/say", post(say))
        .route("/chat/api/tap", post(tap))
        .route("/chat/api/read", post(read))
        .route("/chat/api/locale", post(locale))
        .route("/chat/link", get(open_link))
        .route("/chat/events", get(events))
}

/// Headers of every HTML page.
pub(crate) fn page_headers() -> [(header::HeaderName, &'static str); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}

fn asset(kind: &'static str, body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

#[derive(Deserialize)]
struct Where {
    #[serde(default)]
    page: String,
    #[serde(default = "default_user")]
    user: String,
}

fn default_user() -> String {
    "you".to_owned()
}

impl Where {
    fn key(&self, hub: &Hub) -> ThreadKey {
        let first = || hub.config.pages.first().map(|p| p.id.clone()).unwrap_or_default();
        let page = if self.page.is_empty() { first() } else { self.page.clone() };
        ThreadKey { page, user: self.user.trim().to_owned() }
    }
}

/// An action's error as JSON with a fitting status.
pub(crate) fn refuse(error: &ActionError) -> Response {
    let status = match error {
        ActionError::NoThread(_) => StatusCode::NOT_FOUND,
        ActionError::NoButton { .. } | ActionError::Refused(_) => StatusCode::CONFLICT,
        ActionError::Busy => StatusCode::TOO_MANY_REQUESTS,
        ActionError::State(_) => StatusCode::INTERNAL_SERVER_ERROR,
        ActionError::Text | ActionError::Kind(_) => StatusCode::BAD_REQUEST,
    };
    (status, Json(json!({"error": error.to_string()}))).into_response()
}

/// `GET /chat?page=PAGE&user=NAME&lang=en|ar`. The shell is the same for all; the language is set before first
/// paint.
async fn page(
    State(hub): State<Arc<Hub>>,
    Query(at): Query<Where>,
    Query(rest): Query<HashMap<String, String>>,
) -> Response {
    let key = at.key(&hub);
    let locale = hub.with(|inner, hub| {
        let wanted = match rest.get("lang").map(String::as_str) {
            Some("ar") => Some("ar_AR"),
            Some("en") => Some("en_US"),
            _ => None,
        };
        inner.thread(hub, &key)?;
        if let Some(wanted) = wanted {
            inner.set_locale(hub, &key.user, wanted);
        }
        inner.data.users.get(&key.user).map(|u| u.locale.clone())
    });
    let Ok(Some(locale)) = locale else {
        return refuse(&ActionError::NoThread(key.page));
    };
    let (lang, dir) = if locale.starts_with("ar") { ("ar", "rtl") } else { ("en", "ltr") };
    let html = PAGE.replacen("{lang}", lang, 1).replacen("{dir}", dir, 1);
    (page_headers(), Html(html)).into_response()
}

/// `GET /m/PAGE`: what m.me/PAGE is on the real platform.
async fn short_link(axum::extract::Path(page): axum::extract::Path<String>) -> Redirect {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("page", &page).finish();
    Redirect::temporary(&format!("/chat?{query}"))
}

/// The profile property's entry for a locale, else the default one.
fn localised<'a>(profile: &'a BTreeMap<String, Value>, name: &str, locale: &str) -> Option<&'a Value> {
    let items = profile.get(name)?.as_array()?;
    let of = |wanted: &str| items.iter().find(|i| i.get("locale").and_then(Value::as_str) == Some(wanted));
    of(locale).or_else(|| of("default")).or_else(|| items.first())
}

fn colour(hub: &Hub, page: &str) -> String {
    const PALETTE: [&str; 6] = ["#1a6b54", "#8a2f4d", "#2a4d8f", "#7a4a12", "#5a3a8c", "#0f6674"];
    let own = hub.config.page(page).and_then(|p| p.colour.clone());
    own.unwrap_or_else(|| {
        let sum: usize = page.bytes().map(usize::from).sum();
        PALETTE.get(sum % PALETTE.len()).copied().unwrap_or("#2a4d8f").to_owned()
    })
}

fn thread_json(inner: &mut Inner, hub: &Hub, key: &ThreadKey) -> Option<Value> {
    let now = hub.now_ms(inner);
    let thread = inner.thread(hub, key)?.clone();
    let user = inner.data.users.get(&key.user).cloned()?;
    let profile = inner.data.pages.get(&key.page).map(|p| p.profile.clone()).unwrap_or_default();
    let (first, last) = person(&user.name, &user.locale);
    let greeting = localised(&profile, "greeting", &user.locale)
        .and_then(|g| g.get("text"))
        .and_then(Value::as_str)
        .map(|text| {
            // Names may run against the text: isolate them.
            let isolated = |name: &str| format!("\u{2068}{}\u{2069}", name.trim());
            text.replace("{{user_first_name}}", &isolated(&first))
                .replace("{{user_last_name}}", &isolated(&last))
                .replace("{{user_full_name}}", &isolated(&format!("{first} {last}")))
        });
    let own_menu = thread.own_menu.clone().map(|menu| BTreeMap::from([("persistent_menu".to_owned(), menu)]));
    let menu = localised(own_menu.as_ref().unwrap_or(&profile), "persistent_menu", &user.locale);
    let breakers = match profile.get("ice_breakers").and_then(Value::as_array) {
        Some(items) if items.iter().any(|i| i.get("call_to_actions").is_some()) => {
            localised(&profile, "ice_breakers", &user.locale).and_then(|b| b.get("call_to_actions")).cloned()
        }
        Some(items) => Some(json!(items)),
        None => None,
    };
    Some(json!({
        "page": {"id": key.page, "name": hub.config.page(&key.page).map(|p| p.name.clone()),
                 "colour": colour(hub, &key.page)},
        "user": {"name": user.name, "first_name": first, "locale": user.locale},
        "psid": thread.psid,
        "linked": thread.linked,
        "typing": thread.typing_until_ms > now,
        "page_seen_ms": thread.page_seen_ms,
        "window_ends_ms": thread.last_inbound_ms
            .map(|t| (t + inner.data.settings.window_ms).max(thread.ad_window_until_ms)),
        "owner": crate::routing::owner(inner, hub, key),
        "reach": thread.reach,
        "app_id": hub.config.app_id,
        "now_ms": now,
        "greeting": greeting,
        "get_started": profile.get("get_started"),
        "ice_breakers": breakers,
        "menu": menu.and_then(|m| m.get("call_to_actions")),
        "composer_disabled": menu.and_then(|m| m.get("composer_input_disabled")).and_then(Value::as_bool),
        "messages": thread.messages,
        "wire": thread.wire,
        "subscribed": inner.subscribed(&key.page, "messages"),
    }))
}

async fn thread(State(hub): State<Arc<Hub>>, Query(at): Query<Where>) -> Response {
    let key = at.key(&hub);
    match hub.with(|inner, hub| thread_json(inner, hub, &key)) {
        Ok(Some(json)) => Json(json).into_response(),
        Ok(None) => refuse(&ActionError::NoThread(key.page)),
        Err(error) => refuse(&error.into()),
    }
}

/// The list of pages with the newest message of each.
async fn threads(State(hub): State<Arc<Hub>>, Query(at): Query<Where>) -> Response {
    let list = hub.with(|inner, hub| {
        let pages = hub.config.pages.iter().map(|page| {
            let key = ThreadKey { page: page.id.clone(), user: at.user.trim().to_owned() };
            let thread = inner.data.threads.get(&key);
            let last = thread.and_then(|t| t.messages.iter().rev().find(|m| m.from != From::System));
            let unread = thread.map_or(0, |t| {
                t.messages.iter().filter(|m| m.from == From::Page && m.progress != Progress::Read).count()
            });
            json!({"page": page.id, "name": page.name, "colour": colour(hub, &page.id), "last": last, "unread": unread})
        });
        pages.collect::<Vec<_>>()
    });
    match list {
        Ok(list) => Json(list).into_response(),
        Err(error) => refuse(&error.into()),
    }
}

#[derive(Deserialize)]
struct Say {
    #[serde(flatten)]
    at: Where,
    text: String,
}

async fn say(State(hub): State<Arc<Hub>>, Json(body): Json<Say>) -> Response {
    match actions::say(&hub, &body.at.key(&hub), &body.text) {
        Ok(mid) => Json(json!({"mid": mid})).into_response(),
        Err(error) => refuse(&error),
    }
}

#[derive(Deserialize)]
struct Tap {
    #[serde(flatten)]
    at: Where,
    kind: String,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    title: String,
}

async fn tap(State(hub): State<Arc<Hub>>, Json(body): Json<Tap>) -> Response {
    match actions::tap(&hub, &body.at.key(&hub), &body.kind, &body.payload, &body.title) {
        Ok(Tapped::Done(mid)) => Json(json!({"mid": mid})).into_response(),
        Ok(Tapped::Open(url)) => Json(json!({"open": url})).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn read(State(hub): State<Arc<Hub>>, Json(at): Json<Where>) -> Response {
    let key = at.key(&hub);
    match hub.with(|inner, hub| actions::advance(inner, hub, &key, Progress::Read)) {
        Ok(moved) => Json(json!({"read": moved})).into_response(),
        Err(error) => refuse(&error.into()),
    }
}

#[derive(Deserialize)]
struct Locale {
    user: String,
    locale: String,
}

async fn locale(State(hub): State<Arc<Hub>>, Json(body): Json<Locale>) -> Response {
    if !matches!(body.locale.as_str(), "en_US" | "ar_AR") {
        let error = json!({"error": "`locale` is neither `en_US` nor `ar_AR`"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    match hub.with(|inner, hub| inner.set_locale(hub, body.user.trim(), &body.locale)) {
        Ok(set) => Json(json!({"set": set})).into_response(),
        Err(error) => refuse(&error.into()),
    }
}

/// `GET /chat/link?page=&user=`: what a tap on "Log in" opens in a new tab.
async fn open_link(State(hub): State<Arc<Hub>>, Query(at): Query<Where>) -> Response {
    match actions::tap(&hub, &at.key(&hub), "account_link", "", "") {
        Ok(Tapped::Open(url)) => ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&url)).into_response(),
        Ok(Tapped::Done(_)) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(&error),
    }
}

/// Counts a chat page as an online device for as long as its stream lives.
struct Online {
    hub: Arc<Hub>,
    user: String,
}

impl Drop for Online {
    fn drop(&mut self) {
        let user = std::mem::take(&mut self.user);
        let _ = self.hub.with(|inner, _| {
            let left = inner.data.online.get(&user).copied().unwrap_or(0).saturating_sub(1);
            if left == 0 {
                inner.data.online.remove(&user);
            } else {
                inner.data.online.insert(user, left);
            }
        });
    }
}

/// `GET /chat/events?user=`: live updates of all of a user's threads. An open stream is an online device: what
/// was sent meanwhile counts as delivered.
async fn events(State(hub): State<Arc<Hub>>, Query(at): Query<Where>) -> Response {
    let user = at.user.trim().to_owned();
    let receiver = hub.bus.subscribe();
    let known = hub.with(|inner, hub| {
        inner.user(hub, &user)?;
        *inner.data.online.entry(user.clone()).or_default() += 1;
        let keys: Vec<_> = inner.data.threads.keys().filter(|k| k.user == user).cloned().collect();
        for key in keys {
            actions::advance(inner, hub, &key, Progress::Delivered);
        }
        Some(())
    });
    if !matches!(known, Ok(Some(()))) {
        return refuse(&ActionError::NoThread(at.page));
    }
    let online = Online { hub: Arc::clone(&hub), user: user.clone() };
    let shutdown = hub.shutdown.clone();
    let stream = BroadcastStream::new(receiver)
        .filter_map(move |update| {
            let mine = match update {
                Ok(live) if live.user == online.user => Some(live.json),
                Ok(_) => None,
                // The page was too slow to hear everything.
                Err(_) => Some(json!({"type": "resync"}).to_string()),
            };
            std::future::ready(mine.map(|json| Ok::<_, Infallible>(SseEvent::default().data(json))))
        })
        .take_until(shutdown.cancelled_owned());
    Sse::new(stream).keep_alive(KeepAlive::new().interval(limits::SSE_KEEP_ALIVE)).into_response()
}
