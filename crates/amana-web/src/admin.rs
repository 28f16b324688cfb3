//! The administrators' API: agreements, kill switches, dead letters, counts, and what humans answer in chats. On a
//! listener of its own, behind a bearer token. It tells nothing about a customer. Its description is
//! `docs/openapi/admin.json` (OpenAPI 3.1), served as it is.

use crate::admin_dead;
use crate::admin_reply;
use crate::body::{self, BodyError};
use crate::guard;
use crate::limits::ADMIN_BODY_BYTES_MAX;
use crate::respond::problem;
use amana_core::ids::token_hash;
use amana_core::{
    ChannelId, Form, InstitutionId, Kill, KillScope, Purpose, RequestedPurpose, Secret, read_terms,
};
use amana_flow::{
    Acceptance, AgreementError, DocumentFormat, Gateway, Standing, agreement_value, event_value,
};
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

/// The API's description.
pub const OPENAPI: &str = include_str!("../../../docs/openapi/admin.json");

/// What the API is made of.
pub struct AdminState {
    /// The use cases.
    pub gateway: Arc<Gateway>,
    /// Who may call, and the token by which each is known. Two must not have the same one.
    pub users: BTreeMap<String, Secret>,
    /// As whom they write in the chats of a page: the platform's ids of personas. Without one, as the page itself.
    pub personas: BTreeMap<String, BTreeMap<ChannelId, String>>,
}

/// Who calls, by the token that they brought: what stands in the history as who did it. No word of the caller's own.
#[derive(Clone)]
struct Caller(String);

impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminState").finish_non_exhaustive()
    }
}

type Shared = State<Arc<AdminState>>;
type Pair = Path<(String, String)>;

/// Every route: method, path, handler. The router is made of it, and a test holds the description against it.
fn table() -> Vec<(&'static str, &'static str, MethodRouter<Arc<AdminState>>)> {
    vec![
        ("get", "/admin/openapi.json", get(openapi)),
        ("get", "/admin/agreements", get(list)),
        ("post", "/admin/requests", post(request)),
        ("get", "/admin/requests/refused", get(refused)),
        ("get", "/admin/agreements/{institution}/{channel}", get(show)),
        ("get", "/admin/agreements/{institution}/{channel}/history", get(history)),
        ("post", "/admin/agreements/{institution}/{channel}/accept", post(accept)),
        ("post", "/admin/agreements/{institution}/{channel}/decline", post(decline)),
        ("post", "/admin/agreements/{institution}/{channel}/suspend", post(suspend)),
        ("post", "/admin/agreements/{institution}/{channel}/resume", post(resume)),
        ("post", "/admin/agreements/{institution}/{channel}/end", post(end)),
        ("get", "/admin/dead", get(admin_dead::list)),
        ("post", "/admin/dead/replay", post(admin_dead::replay)),
        ("post", "/admin/replies", post(admin_reply::reply)),
        ("get", "/admin/kills", get(kills)),
        ("get", "/admin/consents/counts", get(consents)),
    ]
}

/// The routes of the API: method (in small letters) and path, as OpenAPI writes them.
#[must_use]
pub fn admin_routes() -> Vec<(&'static str, &'static str)> {
    table().into_iter().map(|(method, path, _)| (method, path)).collect()
}

/// The API's router.
pub fn admin_router(state: AdminState) -> Router {
    let state = Arc::new(state);
    let mut router = Router::new();
    for (_, path, handler) in table() {
        router = router.route(path, handler);
    }
    router
        .fallback(|| async {
            problem(StatusCode::NOT_FOUND, "there is nothing at this address", Value::Null)
        })
        // Before anything else: who is not known learns nothing, not even what there is.
        .layer(from_fn_with_state(state.clone(), known))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn(not_kept))
        .with_state(state)
}

/// Lets those through who bring a token, as whom it is.
async fn known(State(state): Shared, mut request: Request, next: Next) -> Response {
    let brought = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token.trim());
    let hash = token_hash(brought);
    let mut caller = None;
    for (name, token) in &state.users {
        // Hashes are compared, all of their bytes and with everybody's: the time says nothing about a token.
        let difference = token_hash(token.expose())
            .iter()
            .zip(hash)
            .fold(0u8, |all, (ours, theirs)| all | (ours ^ theirs));
        if difference == 0 && !brought.is_empty() {
            caller = Some(Caller(format!("api:{name}")));
        }
    }
    let Some(caller) = caller else {
        let detail = "send `Authorization: Bearer` with the token of an `[[admin.user]]`";
        let mut response = problem(StatusCode::UNAUTHORIZED, detail, Value::Null);
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Nothing of it is kept by whatever stands between.
async fn not_kept(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What an act of the institution brings.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Act {
    note: Option<String>,
    only: Option<BTreeSet<Purpose>>,
    form: Option<Form>,
    terms: Option<Vec<RequestedPurpose>>,
    request_sha256: Option<String>,
}

impl Act {
    fn has_terms(&self) -> bool {
        self.only.is_some() || self.form.is_some() || self.terms.is_some()
    }
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn list(State(state): Shared) -> Response {
    let all = state.gateway.agreements().list().await;
    answer(all.map(|all| json!({ "agreements": all.iter().map(agreement_value).collect::<Vec<_>>() })))
}

async fn refused(State(state): Shared) -> Response {
    let all = state.gateway.agreements().refused().await;
    answer(all.map(|all| json!({ "events": all.iter().map(|e| event_value(e, false)).collect::<Vec<_>>() })))
}

async fn show(State(state): Shared, Path(pair): Pair) -> Response {
    let Some((institution, channel)) = ids(&pair) else { return nobody() };
    match state.gateway.agreements().standing(&institution, &channel).await {
        Ok(standing) if standing.events.is_empty() => nobody(),
        standing => answer(standing.map(|standing| standing_value(&standing))),
    }
}

async fn history(State(state): Shared, Path(pair): Pair) -> Response {
    let Some((institution, channel)) = ids(&pair) else { return nobody() };
    let standing = state.gateway.agreements().standing(&institution, &channel).await;
    answer(standing.map(|standing| {
        let events: Vec<Value> = standing.events.iter().map(|event| event_value(event, true)).collect();
        json!({ "events": events })
    }))
}

async fn request(State(state): Shared, request: Request) -> Response {
    let (head, content) = request.into_parts();
    let media = head.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let format = match media.split(';').next().unwrap_or_default().trim() {
        "application/json" => DocumentFormat::Json,
        "application/toml" => DocumentFormat::Toml,
        _ => {
            let detail = "send the request as `application/json` or `application/toml`";
            return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail, Value::Null);
        }
    };
    let room = Semaphore::new(ADMIN_BODY_BYTES_MAX);
    let raw = match body::read(content, ADMIN_BODY_BYTES_MAX, &room).await {
        Ok(raw) => raw,
        Err(error) => return bad_body(error),
    };
    let gateway = &state.gateway;
    let offered = |institution: &InstitutionId, channel: &ChannelId| gateway.offers(institution, channel);
    let by = match actor(&head) {
        Ok(by) => by,
        Err(response) => return response,
    };
    match gateway.agreements().request(&raw, format, &by, &offered).await {
        Ok(standing) => (StatusCode::CREATED, Json(standing_value(&standing))).into_response(),
        Err(error) => wrong(&error),
    }
}

async fn accept(State(state): Shared, Path(pair): Pair, request: Request) -> Response {
    let (by, act, (institution, channel)) = match act(&pair, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let terms = match act.terms.as_deref().map(read_terms).transpose() {
        Ok(terms) => terms,
        Err(refusal) => return wrong(&AgreementError::Terms(refusal.to_string())),
    };
    let accepted = Acceptance { only: act.only, form: act.form, terms, request: act.request_sha256 };
    let agreements = state.gateway.agreements();
    let agreement = agreements.accept(&institution, &channel, &accepted, &by, act.note.as_deref()).await;
    answer(agreement.map(|agreement| agreement_value(&agreement)))
}

async fn decline(State(state): Shared, Path(pair): Pair, request: Request) -> Response {
    let (by, act, (institution, channel)) = match act(&pair, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    if act.has_terms() {
        return problem(StatusCode::BAD_REQUEST, "this act takes `note` and `request_sha256`", Value::Null);
    }
    let (meant, note) = (act.request_sha256.as_deref(), act.note.as_deref());
    let declined = state.gateway.agreements().decline(&institution, &channel, meant, &by, note).await;
    answer(declined.map(|standing| standing_value(&standing)))
}

async fn suspend(State(state): Shared, Path(pair): Pair, request: Request) -> Response {
    let (by, act, (institution, channel)) = match plain_act(&pair, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let done = state.gateway.agreements().suspend(&institution, &channel, &by, act.note.as_deref()).await;
    answer(done.map(|agreement| agreement_value(&agreement)))
}

async fn resume(State(state): Shared, Path(pair): Pair, request: Request) -> Response {
    let (by, act, (institution, channel)) = match plain_act(&pair, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let done = state.gateway.agreements().resume(&institution, &channel, &by, act.note.as_deref()).await;
    answer(done.map(|agreement| agreement_value(&agreement)))
}

async fn end(State(state): Shared, Path(pair): Pair, request: Request) -> Response {
    let (by, act, (institution, channel)) = match plain_act(&pair, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let done = state.gateway.agreements().end(&institution, &channel, &by, act.note.as_deref()).await;
    answer(done.map(|agreement| agreement_value(&agreement)))
}

async fn kills(State(state): Shared) -> Response {
    let all = state.gateway.store().kills().await.map_err(AgreementError::from);
    answer(all.map(|all| json!({ "kills": all.0.iter().map(kill_value).collect::<Vec<_>>() })))
}

/// A switch; of one customer's only that there is one.
fn kill_value(kill: &Kill) -> Value {
    let (scope, id, of) = match &kill.scope {
        KillScope::All => ("all", None, None),
        KillScope::Institution(id) => ("institution", Some(id.as_str()), None),
        KillScope::Channel(id) => ("channel", Some(id.as_str()), None),
        KillScope::Customer(_) => ("customer", None, None),
        KillScope::Purpose(of) => ("purpose", None, Some(of)),
    };
    let reason = (scope != "customer").then_some(kill.reason.as_str());
    json!({
        "scope": scope, "id": id, "purpose": of.map(|of| of.purpose),
        "institution": of.and_then(|of| of.institution.as_ref()),
        "channel": of.and_then(|of| of.channel.as_ref()),
        "reason": reason, "since": kill.since,
    })
}

async fn consents(State(state): Shared) -> Response {
    let all = state.gateway.store().consent_counts().await.map_err(AgreementError::from);
    answer(all.map(|all| {
        let count = |c: &amana_store::ConsentCount| {
            json!({
                "institution": c.institution, "channel": c.channel, "active": c.active, "ended": c.ended,
            })
        };
        json!({ "consents": all.iter().map(count).collect::<Vec<_>>() })
    }))
}

fn standing_value(standing: &Standing) -> Value {
    json!({
        "agreement": standing.agreement.as_ref().map(agreement_value),
        "open_request": standing.open.as_ref().map(|event| event_value(event, true)),
    })
}

type Acting = (String, Act, (InstitutionId, ChannelId));

/// Reads an act: who, what with it, between whom.
async fn act(pair: &(String, String), request: Request) -> Result<Acting, Response> {
    let pair = ids(pair).ok_or_else(nobody)?;
    let (head, content) = request.into_parts();
    let room = Semaphore::new(ADMIN_BODY_BYTES_MAX);
    let raw = body::read(content, ADMIN_BODY_BYTES_MAX, &room).await.map_err(bad_body)?;
    let act = if raw.is_empty() {
        Act::default()
    } else {
        serde_json::from_slice(&raw).map_err(|error| {
            let detail: String = format!("the body cannot be read: {error}").chars().take(300).collect();
            problem(StatusCode::BAD_REQUEST, &detail, Value::Null)
        })?
    };
    Ok((actor(&head)?, act, pair))
}

/// The same for an act that takes a note alone.
async fn plain_act(pair: &(String, String), request: Request) -> Result<Acting, Response> {
    let read = act(pair, request).await?;
    if read.1.has_terms() || read.1.request_sha256.is_some() {
        return Err(problem(StatusCode::BAD_REQUEST, "this act takes a `note` alone", Value::Null));
    }
    Ok(read)
}

fn ids((institution, channel): &(String, String)) -> Option<(InstitutionId, ChannelId)> {
    Some((institution.parse().ok()?, channel.parse().ok()?))
}

/// Who acts, as it stands in the history. Nobody gets here whom [`known`] did not let through.
#[expect(clippy::result_large_err, reason = "the answer itself, made once")]
pub(crate) fn actor(head: &Parts) -> Result<String, Response> {
    let caller = head.extensions.get::<Caller>().map(|Caller(name)| name.clone());
    caller.ok_or_else(|| problem(StatusCode::UNAUTHORIZED, "it is not known who calls", Value::Null))
}

fn nobody() -> Response {
    problem(StatusCode::NOT_FOUND, "nothing was ever asked for or agreed between the two", Value::Null)
}

pub(crate) fn bad_body(error: BodyError) -> Response {
    match error {
        BodyError::TooLarge | BodyError::NoRoom => {
            let detail = format!("the body is larger than {ADMIN_BODY_BYTES_MAX} bytes");
            problem(StatusCode::PAYLOAD_TOO_LARGE, &detail, Value::Null)
        }
        BodyError::Broken => problem(StatusCode::BAD_REQUEST, "the body ended too early", Value::Null),
    }
}

fn answer(result: Result<Value, AgreementError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => wrong(&error),
    }
}

fn wrong(error: &AgreementError) -> Response {
    let detail = error.to_string();
    match error {
        AgreementError::Refused(refusal) => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, &detail, json!({ "refused": refusal.as_str() }))
        }
        AgreementError::NotConfigured(..) => problem(StatusCode::NOT_FOUND, &detail, Value::Null),
        AgreementError::NotNow(_) | AgreementError::Changed => {
            problem(StatusCode::CONFLICT, &detail, Value::Null)
        }
        AgreementError::Terms(_) | AgreementError::BadText(_) => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, &detail, Value::Null)
        }
        AgreementError::Store(_) | AgreementError::Submit(_) => {
            tracing::error!(%error, "the administrators' API could not answer");
            problem(StatusCode::SERVICE_UNAVAILABLE, "the store is not available", Value::Null)
        }
    }
}
