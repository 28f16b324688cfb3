//! The Graph API: versions, tokens, objects and edges.
//!
//! Not here: private replies, marketing, calls. Calls to them get an error that says so.

pub(crate) mod error;
pub(crate) mod params;

mod apps;
mod buttons;
mod check;
mod conversations;
mod fate;
mod fields;
mod library;
mod node;
mod personas;
pub(crate) use node::person;
mod profile;
pub(crate) mod recipient;
mod recorded;
mod saved;
mod send;
mod template;
mod templates;
mod threads;
mod wording;
pub(crate) use fields::FIELDS;
pub(crate) use template::decide as decide_template;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::hub::{Hub, Inner};
use crate::model::{LogEntry, TokenHealth};
use crate::{ids, limits, usage, wire};
use error::GraphError;
use params::Params;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Caller {
    /// A page token.
    Page(String),
    /// An app token, `APPID|SECRET`.
    App,
}

/// What the first path part names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Page(String),
    App,
    User(String),
    /// A person by the app-scoped id.
    Person(String),
    Template(String),
    Persona(String),
    Conversation(String),
    Message(String),
}

/// One call, parsed.
struct Call {
    method: Method,
    params: Params,
    arrived_us: i64,
}

/// The answer of a handler: usually JSON, or a connection that breaks.
enum Answer {
    Json(Value),
    Drop,
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// Every Graph call comes through here.
pub(crate) async fn handle(
    State(hub): State<Arc<Hub>>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let arrived_us = (hub.clock)().as_microsecond();
    let kind =
        headers.get(axum::http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if body.len() > limits::BODY_BYTES && !kind.starts_with("multipart/") {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let mut who = None;
    let result = route(&hub, &method, &uri, &headers, &body, arrived_us, &mut who).await;
    let usage = headers_of(&hub, &uri, who.as_deref());
    let mut response = match result {
        Ok(Answer::Json(value)) => Json(value).into_response(),
        Ok(Answer::Drop) => return dropped(),
        Err(error) => {
            let trace = ids::trace(&hub.entropy);
            log_refusal(&hub, &method, &uri, who.as_deref(), &error);
            (error.status, Json(error.body(&trace))).into_response()
        }
    };
    for (name, value) in usage {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Version, cache and rates (reference 2.3).
fn headers_of(hub: &Arc<Hub>, uri: &axum::http::Uri, page: Option<&str>) -> Vec<(&'static str, String)> {
    let version = uri.path().split('/').nth(1).unwrap_or_default();
    let mut out =
        vec![("facebook-api-version", version.to_owned()), ("cache-control", "private, no-store".to_owned())];
    if let Ok((app, business)) = hub.with(|inner, hub| usage::headers(inner, hub, page)) {
        out.push(("x-app-usage", app));
        out.extend(business.map(|value| ("x-business-use-case-usage", value)));
    }
    out
}

fn log_refusal(
    hub: &Arc<Hub>,
    method: &Method,
    uri: &axum::http::Uri,
    page: Option<&str>,
    error: &GraphError,
) {
    let edge = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let sub = error.subcode.map(|sub| format!("/{sub}")).unwrap_or_default();
    let _ = hub.with(|inner, hub| {
        let at_ms = hub.now_ms(inner);
        inner.log(LogEntry {
            n: 0,
            at_ms,
            kind: "call",
            page: page.unwrap_or_default().to_owned(),
            user: String::new(),
            title: format!("{method} {edge}"),
            status: Some(error.status.as_u16()),
            attempt: None,
            took_ms: None,
            note: Some(format!("{}{sub}: {}", error.code, error.message)),
        });
    });
}

/// An answer whose body breaks off: the client sees a lost connection.
fn dropped() -> Response {
    let broken = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::other("dropped by a fault switch"))
    });
    (StatusCode::OK, axum::body::Body::from_stream(broken)).into_response()
}

async fn route(
    hub: &Arc<Hub>,
    method: &Method,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
    body: &[u8],
    arrived_us: i64,
    who: &mut Option<String>,
) -> Result<Answer, GraphError> {
    let mut parts = uri.path().split('/').filter(|p| !p.is_empty());
    let version = parts.next().unwrap_or_default();
    check_version(version, uri.path())?;
    let params = Params::read(uri.query().unwrap_or_default(), headers, body)?;
    let caller = authenticate(hub, &params, headers)?;
    if let Caller::Page(page) = &caller {
        *who = Some(page.clone());
        hub.with(|inner, hub| within_rates(inner, hub, page))??;
    }
    let rest: Vec<&str> = parts.collect();
    let call = Call { method: effective(method.clone(), &params), params, arrived_us };
    if let ["debug_token"] = rest.as_slice() {
        return apps::debug_token(hub, &call).map(Answer::from);
    }
    let (name, edge) = match rest.as_slice() {
        [name] => (*name, ""),
        [name, edge] => (*name, *edge),
        _ => return Err(GraphError::new(2_500, format!("Unknown path components: {}", uri.path()))),
    };
    let node =
        resolve(hub, &caller, name)?.ok_or_else(|| GraphError::no_object(call.method.as_str(), name))?;
    dispatch(hub, &call, &caller, &node, name, edge).await
}

/// Rates that hold for every call of a page: the page's day, and a throttle of the whole app.
fn within_rates(inner: &mut Inner, hub: &Hub, page: &str) -> Result<(), GraphError> {
    let now = hub.now_ms(inner);
    let throttle = inner.data.faults.throttle.as_ref().filter(|t| t.holds(now, page));
    if let Some(throttle) = throttle.filter(|t| matches!(t.code, 4 | 17 | 80_006)) {
        return Err(GraphError::throttled(throttle.code));
    }
    if usage::charge_day(inner, hub, page) { Ok(()) } else { Err(GraphError::throttled(80_006)) }
}

/// The permission that an edge of a page needs.
fn permission(edge: &str) -> Option<&'static str> {
    match edge {
        "messages"
        | "personas"
        | "message_attachments"
        | "conversations"
        | "pass_thread_control"
        | "take_thread_control"
        | "release_thread_control"
        | "request_thread_control"
        | "extend_thread_control"
        | "thread_owner" => Some("pages_messaging"),
        "messenger_profile" | "custom_user_settings" | "subscribed_apps" => Some("pages_manage_metadata"),
        "message_templates" => Some("pages_utility_messaging"),
        _ => None,
    }
}

async fn dispatch(
    hub: &Arc<Hub>,
    call: &Call,
    caller: &Caller,
    node: &Node,
    name: &str,
    edge: &str,
) -> Result<Answer, GraphError> {
    let unsupported = || Err(GraphError::no_object(call.method.as_str(), name));
    let method = call.method.as_str();
    match node {
        Node::App => match (method, edge) {
            ("GET", "subscriptions") => apps::subscriptions(hub, caller).map(Answer::from),
            ("POST", "subscriptions") => apps::subscribe(hub, caller, call).await.map(Answer::from),
            ("DELETE", "subscriptions") => apps::unsubscribe(hub, caller).map(Answer::from),
            ("GET", "") => Ok(node::app(hub, call).into()),
            _ => unsupported(),
        },
        Node::User(psid) => match (method, edge) {
            ("GET", "") => node::user(hub, call, caller, psid).map(Answer::from),
            _ => unsupported(),
        },
        Node::Person(asid) => match (method, edge) {
            ("GET", "ids_for_pages") => node::ids_for_pages(hub, asid).map(Answer::from),
            _ => unsupported(),
        },
        Node::Template(id) => match (method, edge) {
            ("GET", "") => template::read(hub, call, own(caller), id).map(Answer::from),
            ("POST", "") => template::edit(hub, call, own(caller), id).map(Answer::from),
            _ => unsupported(),
        },
        Node::Persona(id) => match (method, edge) {
            ("GET", "") => personas::read(hub, own(caller), id).map(Answer::from),
            ("DELETE", "") => personas::delete(hub, own(caller), id).map(Answer::from),
            _ => unsupported(),
        },
        Node::Conversation(id) => match (method, edge) {
            ("GET", "" | "messages") => {
                conversations::read(hub, call, own(caller), id, edge).map(Answer::from)
            }
            _ => unsupported(),
        },
        Node::Message(mid) => match (method, edge) {
            ("GET", "") => conversations::message(hub, call, own(caller), mid).map(Answer::from),
            _ => unsupported(),
        },
        Node::Page(page) => {
            let denied = permission(edge).filter(|name| {
                let read =
                    hub.with(|inner, _| inner.data.pages.get(page).is_some_and(|p| p.denied.contains(*name)));
                matches!(read, Ok(true))
            });
            if let Some(name) = denied {
                return Err(GraphError::permission(name));
            }
            on_page(hub, call, page, edge, name).await
        }
    }
}

/// The page of the token, or nothing that a page has.
fn own(caller: &Caller) -> &str {
    match caller {
        Caller::Page(page) => page,
        Caller::App => "",
    }
}

async fn on_page(
    hub: &Arc<Hub>,
    call: &Call,
    page: &str,
    edge: &str,
    name: &str,
) -> Result<Answer, GraphError> {
    let value = match (call.method.as_str(), edge) {
        ("POST", "messages") => return send::messages(hub, call, page).await,
        ("GET", "messenger_profile") => profile::get(hub, call, page),
        ("POST", "messenger_profile") => profile::post(hub, call, page),
        ("DELETE", "messenger_profile") => profile::delete(hub, call, page),
        ("GET", "custom_user_settings") => profile::own_menu(hub, call, page),
        ("POST", "custom_user_settings") => profile::set_own_menu(hub, call, page),
        ("DELETE", "custom_user_settings") => profile::delete_own_menu(hub, call, page),
        ("GET", "subscribed_apps") => apps::subscribed(hub, page),
        ("POST", "subscribed_apps") => apps::subscribe_page(hub, call, page),
        ("DELETE", "subscribed_apps") => apps::unsubscribe_page(hub, page),
        ("GET", "message_templates") => template::list(hub, call, page),
        ("POST", "message_templates") => template::create(hub, call, page),
        ("DELETE", "message_templates") => template::delete(hub, call, page),
        ("GET", "message_template_library") => Ok(library::list(call)),
        ("GET", "personas") => personas::list(hub, call, page),
        ("POST", "personas") => personas::create(hub, call, page),
        ("POST", "message_attachments") => saved::create(hub, call, page),
        ("GET", "thread_owner") => threads::owner(hub, call, page),
        (
            "POST",
            "pass_thread_control"
            | "take_thread_control"
            | "release_thread_control"
            | "request_thread_control"
            | "extend_thread_control",
        ) => threads::control(hub, call, page, edge),
        ("GET", "conversations") => conversations::list(hub, call, page),
        ("POST", "unlink_accounts") => node::unlink_accounts(hub, call, page),
        ("GET", "") => node::page(hub, call, page),
        _ => Err(GraphError::no_object(call.method.as_str(), name)),
    };
    value.map(Answer::from)
}

/// Graph clients may send DELETE as `POST ?method=delete`.
fn effective(method: Method, params: &Params) -> Method {
    let asked = params.text("method").map(|m| m.to_ascii_uppercase());
    match (method == Method::POST, asked.as_deref()) {
        (true, Some("DELETE")) => Method::DELETE,
        (true, Some("GET")) => Method::GET,
        _ => method,
    }
}

fn check_version(version: &str, path: &str) -> Result<(), GraphError> {
    let parsed = version
        .strip_prefix('v')
        .and_then(|v| v.split_once('.'))
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parsed {
        Some(version) if version >= limits::GRAPH_VERSION_MIN => Ok(()),
        _ => Err(GraphError::new(2_500, format!("Unknown path components: {path}"))),
    }
}

fn authenticate(hub: &Arc<Hub>, params: &Params, headers: &HeaderMap) -> Result<Caller, GraphError> {
    let bearer = headers
        .get(axum::http::header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned());
    let Some(token) = params.text("access_token").or(bearer) else {
        return Err(GraphError::new(104, "An access token is required to request this resource."));
    };
    let app_token = format!("{}|{}", hub.config.app_id, hub.config.app_secret);
    let caller = if token == app_token {
        Caller::App
    } else {
        let page = hub.config.pages.iter().find(|p| p.token == token).ok_or_else(GraphError::bad_token)?;
        if let Some(error) = hub.with(|inner, _| token_error(inner, &page.id))? {
            return Err(error);
        }
        Caller::Page(page.id.clone())
    };
    if caller == Caller::App {
        // Whoever holds the app token holds the secret; real clients send the page token's proof along with it.
        return Ok(caller);
    }
    match params.text("appsecret_proof") {
        Some(proof) if !wire::proof_holds(&hub.config.app_secret, &token, &proof) => {
            Err(method_error("Invalid appsecret_proof provided in the API argument"))
        }
        None if hub.with(|inner, _| inner.data.settings.require_appsecret_proof)? => {
            Err(method_error("API calls from the server require an appsecret_proof argument"))
        }
        _ => Ok(caller),
    }
}

/// The error of a page's token, if it is dead.
fn token_error(inner: &Inner, page: &str) -> Option<GraphError> {
    if inner.data.faults.token_dead {
        return GraphError::token(TokenHealth::PasswordChanged);
    }
    GraphError::token(inner.data.pages.get(page)?.token)
}

fn method_error(message: &str) -> GraphError {
    let mut error = GraphError::new(100, message);
    error.kind = "GraphMethodException";
    error
}

fn resolve(hub: &Arc<Hub>, caller: &Caller, name: &str) -> Result<Option<Node>, GraphError> {
    let own = match caller {
        Caller::Page(page) => Some(page),
        Caller::App => None,
    };
    if name == "me" {
        return Ok(own.map(|page| Node::Page(page.clone())));
    }
    if name == hub.config.app_id {
        return Ok(Some(Node::App));
    }
    if hub.config.page(name).is_some() {
        // A page token opens its own page only.
        return Ok(own.filter(|page| *page == name).map(|page| Node::Page(page.clone())));
    }
    hub.with(|inner, _| {
        let Some(own) = own else {
            let known = inner.data.users.values().any(|user| user.asid == name);
            return known.then(|| Node::Person(name.to_owned()));
        };
        let page = inner.data.pages.get(own);
        if inner.data.psids.get(name).is_some_and(|key| key.page == *own) {
            return Some(Node::User(name.to_owned()));
        }
        if page.is_some_and(|p| p.templates.iter().any(|t| t.id == name)) {
            return Some(Node::Template(name.to_owned()));
        }
        if page.is_some_and(|p| p.personas.iter().any(|p| p.id == name)) {
            return Some(Node::Persona(name.to_owned()));
        }
        match name.split_once('_') {
            Some(("t", id)) if inner.data.psids.get(id).is_some_and(|key| key.page == *own) => {
                Some(Node::Conversation(id.to_owned()))
            }
            Some(("m", _)) => Some(Node::Message(name.to_owned())),
            _ => None,
        }
    })
    .map_err(GraphError::from)
}
