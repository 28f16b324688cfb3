//! The Graph API: versions, tokens, objects and edges.
//!
//! Not here: uploads, personas, conversations, conversation routing beyond `thread_owner`, rate limits. Calls
//! to them get an error that says so.

pub(crate) mod error;
pub(crate) mod params;

mod apps;
mod buttons;
mod check;
mod node;
pub(crate) use node::person;
mod profile;
mod send;
mod template;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::hub::Hub;
use crate::{ids, limits, wire};
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
    let result = route(&hub, method, &uri, &headers, &body, arrived_us).await;
    match result {
        Ok(Answer::Json(value)) => (graph_headers(uri.path()), Json(value)).into_response(),
        Ok(Answer::Drop) => dropped(),
        Err(error) => {
            let trace = ids::trace(&*hub.entropy);
            (error.status, graph_headers(uri.path()), Json(error.body(&trace))).into_response()
        }
    }
}

fn graph_headers(path: &str) -> [(&'static str, String); 2] {
    let version = path.split('/').nth(1).unwrap_or_default();
    [("facebook-api-version", version.to_owned()), ("cache-control", "private, no-store".to_owned())]
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
    method: Method,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
    body: &[u8],
    arrived_us: i64,
) -> Result<Answer, GraphError> {
    let mut parts = uri.path().split('/').filter(|p| !p.is_empty());
    let version = parts.next().unwrap_or_default();
    check_version(version, uri.path())?;
    let params = Params::read(uri.query().unwrap_or_default(), headers, body)?;
    let caller = authenticate(hub, &params, headers)?;
    let rest: Vec<&str> = parts.collect();
    let call = Call { method: effective(method, &params), params, arrived_us };
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
        Node::Page(page) => match (method, edge) {
            ("POST", "messages") => send::messages(hub, call, page).await,
            ("GET", "messenger_profile") => profile::get(hub, call, page).map(Answer::from),
            ("POST", "messenger_profile") => profile::post(hub, call, page).map(Answer::from),
            ("DELETE", "messenger_profile") => profile::delete(hub, call, page).map(Answer::from),
            ("GET", "subscribed_apps") => apps::subscribed(hub, page).map(Answer::from),
            ("POST", "subscribed_apps") => apps::subscribe_page(hub, call, page).map(Answer::from),
            ("DELETE", "subscribed_apps") => apps::unsubscribe_page(hub, page).map(Answer::from),
            ("GET", "message_templates") => template::list(hub, call, page).map(Answer::from),
            ("POST", "message_templates") => template::create(hub, call, page).map(Answer::from),
            ("DELETE", "message_templates") => template::delete(hub, call, page).map(Answer::from),
            ("GET", "thread_owner") => node::thread_owner(hub, call, page).map(Answer::from),
            ("POST", "unlink_accounts") => node::unlink_accounts(hub, call, page).map(Answer::from),
            ("GET", "") => node::page(hub, call, page).map(Answer::from),
            (
                _,
                "personas"
                | "message_attachments"
                | "pass_thread_control"
                | "take_thread_control"
                | "release_thread_control"
                | "request_thread_control"
                | "extend_thread_control"
                | "conversations"
                | "custom_user_settings"
                | "message_template_library",
            ) => Err(GraphError::not_built(&format!("the edge {edge}"))),
            _ => unsupported(),
        },
    }
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
        if hub.with(|inner, _| inner.data.faults.token_dead)? {
            return Err(GraphError::dead_token());
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
        None if hub.config.require_appsecret_proof => {
            Err(method_error("API calls from the server require an appsecret_proof argument"))
        }
        _ => Ok(caller),
    }
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
    let known = hub.with(|inner, _| inner.data.psids.get(name).map(|key| key.page.clone()))?;
    Ok(known.filter(|page| Some(page) == own).map(|_| Node::User(name.to_owned())))
}
