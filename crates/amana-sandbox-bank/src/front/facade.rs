//! The gateway that stands before the bank: it takes requests as its provider wants them, puts them to the bank as the
//! bank wants them, and says the answers in its provider's way.
#![allow(clippy::result_large_err, reason = "a refusal is the whole answer, made once a request")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ring::digest;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use super::{
    BeforeHistory, Front, FrontDates, FrontErrors, FrontHistory, FrontPaging, FrontPar, GrantId, Revokes,
    rows,
};
use crate::app::{Shared, sha256_hex};
use crate::limits;
use crate::oauth::metadata::OFFLINE_ACCESS;
use crate::oauth::presented::SeenPath;
use crate::records::Cluster;

const INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");
/// The authorization server's endpoints, by the names that the bank gives them.
const ENDPOINTS: [&str; 6] = ["authorize", "token", "par", "revoke", "jwks", "introspect"];
const FORM: &str = "application/x-www-form-urlencoded";
/// What a provider without PKCE shows to the bank behind it, which wants it: its requests and codes go nowhere else.
const VERIFIER: &str = "the-provider-in-front-of-this-bank-knows-no-pkce";
/// What the bank's own API is below; fronts have bases of their own.
const OWN_BASE: &str = "fdx/v6";

/// Calls of one token in one minute.
#[derive(Default)]
struct Spent {
    minute: i64,
    calls: BTreeMap<String, u32>,
}

struct Facade {
    app: Shared,
    front: Front,
    bank: Router,
    spent: Mutex<Spent>,
}

/// The bank's routes behind its front, if it has one.
pub(crate) fn wrap(app: Shared, bank: Router) -> Router {
    let Some(front) = app.config.front.clone() else { return bank };
    let facade = Facade { app, front, bank, spent: Mutex::default() };
    Router::new().fallback(answer).with_state(Arc::new(facade))
}

/// What a request is, and where it is at the bank.
enum Call {
    /// A page, or a part of the sandbox: nothing to translate but where redirects lead.
    AsItIs,
    /// What this provider has not.
    Missing,
    Metadata,
    Endpoint(&'static str, String),
    /// A list of rows under this name.
    List(&'static str, String),
    Account(String),
    /// The consent, customer and meta calls.
    OfTheApi(String),
}

/// What is translated in an answer of the API.
enum Shown {
    /// The rows under this name.
    List(&'static str),
    /// It is one row.
    Row,
    /// Errors alone.
    Whole,
}

async fn answer(State(facade): State<Arc<Facade>>, request: Request) -> Response {
    let call = facade.call_of(request.uri().path());
    let response = match call {
        Call::Missing => facade.error(StatusCode::NOT_FOUND, "1107", "there is no such resource"),
        Call::AsItIs => facade.ask(request).await,
        Call::Metadata => facade.metadata(request).await,
        Call::Endpoint(name, path) => facade.endpoint(name, path, request).await,
        Call::List(name, path) => facade.api(request, Shown::List(name), path).await,
        Call::Account(path) => facade.api(request, Shown::Row, path).await,
        Call::OfTheApi(path) => facade.api(request, Shown::Whole, path).await,
    };
    facade.without_issuer(response)
}

impl Facade {
    fn call_of(&self, path: &str) -> Call {
        let (oauth, api) = (&self.front.oauth, &self.front.api);
        if path.contains("/.well-known/") {
            return if oauth.metadata { Call::Metadata } else { Call::Missing };
        }
        let Some((bank, rest)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
            return Call::AsItIs;
        };
        for name in ENDPOINTS {
            if rest == self.front.endpoint(name) {
                let gone = name == "par" && oauth.par == FrontPar::None
                    || name == "revoke" && oauth.revokes == Revokes::None;
                return if gone { Call::Missing } else { Call::Endpoint(name, format!("/{bank}/{name}")) };
            }
        }
        let below =
            if api.base.is_empty() { Some(rest) } else { rest.strip_prefix(&format!("{}/", api.base)) };
        if let Some(below) = below {
            let at = |path: String| format!("/{bank}/{OWN_BASE}/{path}");
            if let Some(id) = self.fits(&api.transactions, below) {
                return Call::List("transactions", at(format!("accounts/{id}/transactions")));
            }
            if self.fits(&api.accounts, below).is_some() {
                return Call::List("accounts", at("accounts".to_owned()));
            }
            if let Some(id) = self.fits(&api.account, below) {
                return Call::Account(at(format!("accounts/{id}")));
            }
            if !api.base.is_empty() {
                return if api.consents { Call::OfTheApi(at(below.to_owned())) } else { Call::Missing };
            }
        }
        // The bank's own names are not seen from outside.
        if rest.starts_with("fdx/") || ENDPOINTS.contains(&rest) { Call::Missing } else { Call::AsItIs }
    }

    /// The account of a path that fits the template; empty if the template names none.
    fn fits(&self, template: &str, path: &str) -> Option<String> {
        if template.is_empty() {
            return None;
        }
        let (mut wanted, mut given) = (template.split('/'), path.split('/'));
        let mut account = String::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(account),
                (Some("{account}"), Some(id)) if !id.is_empty() => id.clone_into(&mut account),
                (Some("{provider}"), Some(id)) if id == self.front.api.provider => {}
                (Some(word), Some(same)) if word == same && !word.starts_with('{') => {}
                _ => return None,
            }
        }
    }

    /// The bank's answer.
    async fn ask(&self, request: Request) -> Response {
        self.bank.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    /// The same for a request that is asked at another path, remembering where it came.
    async fn ask_at(&self, mut request: Request, path: &str, query: &str) -> Response {
        let seen = request.uri().path().to_owned();
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let Ok(uri) = target.parse::<Uri>() else {
            return self.error(StatusCode::BAD_REQUEST, "401", "the address cannot be read");
        };
        *request.uri_mut() = uri;
        request.extensions_mut().insert(SeenPath(seen));
        self.ask(request).await
    }

    fn error(&self, status: StatusCode, code: &str, message: &str) -> Response {
        let body = rows::error(self.front.api.errors, json!({ "code": code, "message": message }));
        (status, axum::Json(body)).into_response()
    }

    // The authorization server.

    async fn metadata(&self, request: Request) -> Response {
        let response = self.ask(request).await;
        let (front, oauth) = (&self.front, &self.front.oauth);
        edit(response, |object| {
            let issuer = object.get("issuer").and_then(Value::as_str).unwrap_or_default().to_owned();
            for (member, name) in [
                ("authorization_endpoint", "authorize"),
                ("token_endpoint", "token"),
                ("pushed_authorization_request_endpoint", "par"),
                ("revocation_endpoint", "revoke"),
                ("jwks_uri", "jwks"),
                ("introspection_endpoint", "introspect"),
            ] {
                object.insert(member.to_owned(), json!(format!("{issuer}/{}", front.endpoint(name))));
            }
            if oauth.par == FrontPar::None {
                object.remove("pushed_authorization_request_endpoint");
            }
            if oauth.revokes == Revokes::None {
                object.remove("revocation_endpoint");
            }
            if !oauth.rar {
                object.remove("authorization_details_types_supported");
            }
            if !oauth.pkce {
                object.remove("code_challenge_methods_supported");
            }
            object.insert("authorization_response_iss_parameter_supported".to_owned(), json!(oauth.iss));
            for endpoint in ["token", "revocation", "introspection"] {
                let member = format!("{endpoint}_endpoint_auth_methods_supported");
                object.insert(member, json!(oauth.client_auth));
            }
            if let Some(scope) = &oauth.data_scope {
                let scopes = ["openid", OFFLINE_ACCESS, scope.as_str()];
                object.insert("scopes_supported".to_owned(), json!(scopes));
            }
            let base = format!("{issuer}/{}", front.api.base);
            object.insert("fdx_api_base_url".to_owned(), json!(base));
        })
        .await
    }

    async fn endpoint(&self, name: &'static str, path: String, request: Request) -> Response {
        if request.method() != Method::POST || name == "jwks" || name == "introspect" {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let query = if name == "authorize" {
                match self.authorization(parse(query.as_bytes())) {
                    Ok(pairs) => encode(&pairs),
                    Err(response) => return response,
                }
            } else {
                query
            };
            return self.ask_at(request, &path, &query).await;
        }
        let (mut parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, limits::BODY_BYTES_MAX).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let is_form = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(FORM.as_bytes()));
        let body = if is_form {
            match self.form(name, parse(&body)) {
                Ok(pairs) => Bytes::from(encode(&pairs)),
                Err(response) => return response,
            }
        } else {
            body
        };
        parts.headers.remove(header::CONTENT_LENGTH);
        let response = self.ask_at(Request::from_parts(parts, Body::from(body)), &path, "").await;
        if name == "token" && response.status() == StatusCode::OK {
            return edit(response, |object| self.token_answer(object)).await;
        }
        response
    }

    fn form(&self, name: &str, pairs: Pairs) -> Result<Pairs, Response> {
        match name {
            "authorize" | "par" => self.authorization(pairs),
            "token" => {
                let mut pairs = self.named_resource(pairs)?;
                let of_code = get(&pairs, "grant_type") == Some("authorization_code");
                if !self.front.oauth.pkce && of_code {
                    unknown(&pairs, "code_verifier")?;
                    pairs.push(("code_verifier".to_owned(), VERIFIER.to_owned()));
                }
                Ok(pairs)
            }
            "revoke" if self.front.oauth.revokes == Revokes::RefreshToken => {
                if get(&pairs, "token_type_hint") == Some("access_token") {
                    return Err(oauth_error("unsupported_token_type"));
                }
                Ok(pairs)
            }
            _ => Ok(pairs),
        }
    }

    /// `resource` is asked for, and is no business of the bank behind.
    fn named_resource(&self, mut pairs: Pairs) -> Result<Pairs, Response> {
        if let Some(resource) = &self.front.oauth.resource {
            if get(&pairs, "resource") != Some(resource) {
                return Err(oauth_error("invalid_target"));
            }
            pairs.retain(|(name, _)| name != "resource");
        }
        Ok(pairs)
    }

    fn authorization(&self, pairs: Pairs) -> Result<Pairs, Response> {
        let oauth = &self.front.oauth;
        // What was pushed was looked at when it was.
        if get(&pairs, "request_uri").is_some() {
            return Ok(pairs);
        }
        let mut pairs = self.named_resource(pairs)?;
        if !oauth.pkce {
            unknown(&pairs, "code_challenge")?;
            unknown(&pairs, "code_challenge_method")?;
            let hash = digest::digest(&digest::SHA256, VERIFIER.as_bytes());
            pairs.push(("code_challenge".to_owned(), URL_SAFE_NO_PAD.encode(hash)));
            pairs.push(("code_challenge_method".to_owned(), "S256".to_owned()));
        }
        if !oauth.rar {
            pairs.retain(|(name, _)| name != "authorization_details");
        }
        let prompted = get(&pairs, "prompt").is_some_and(|prompt| prompt.split(' ').any(|p| p == "consent"));
        if let Some((_, scope)) = pairs.iter_mut().find(|(name, _)| name == "scope") {
            let mut scopes: Vec<String> = scope.split(' ').map(str::to_owned).collect();
            if let Some(data) = &oauth.data_scope {
                // The bank's own scopes are not known here.
                for scope in &mut scopes {
                    if scope.starts_with("fdx:") {
                        scope.insert_str(0, "unknown:");
                    }
                }
                if scopes.contains(data) {
                    scopes.retain(|scope| scope != data || data == OFFLINE_ACCESS);
                    let all = [Cluster::AccountBasic, Cluster::Balances, Cluster::Transactions];
                    scopes.extend(all.iter().map(|cluster| cluster.scope().to_owned()));
                }
            }
            let for_data = scopes.iter().any(|scope| Cluster::by_scope(scope).is_some());
            if oauth.refresh_always && for_data && !scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
                scopes.push(OFFLINE_ACCESS.to_owned());
            }
            if oauth.refresh_needs_prompt && !prompted {
                scopes.retain(|scope| scope != OFFLINE_ACCESS);
            }
            *scope = scopes.join(" ");
        }
        Ok(pairs)
    }

    fn token_answer(&self, object: &mut Map<String, Value>) {
        let oauth = &self.front.oauth;
        let keep = match oauth.grant_id {
            GrantId::GrantId => "grant_id",
            GrantId::FdxConsentId => "fdxConsentId",
            GrantId::Claim | GrantId::None => "",
        };
        for member in ["grant_id", "fdxConsentId"] {
            if member != keep {
                object.remove(member);
            }
        }
        if !oauth.rar {
            object.remove("authorization_details");
        }
        if let Some(seconds) = oauth.says_secs {
            object.insert("expires_in".to_owned(), json!(seconds));
        }
        if let (Some(data), Some(Value::String(scope))) = (&oauth.data_scope, object.get_mut("scope")) {
            let for_data = scope.split(' ').any(|scope| scope.starts_with("fdx:"));
            let mut scopes: Vec<&str> = scope.split(' ').filter(|scope| !scope.starts_with("fdx:")).collect();
            if for_data && !scopes.contains(&data.as_str()) {
                scopes.push(data);
            }
            *scope = scopes.join(" ");
        }
        for (name, value) in &oauth.answer {
            object.insert(name.clone(), value.clone());
        }
    }

    /// A redirect to the application, without `iss` where this provider sends none.
    fn without_issuer(&self, mut response: Response) -> Response {
        if self.front.oauth.iss {
            return response;
        }
        let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let Some(mut to) = to.and_then(|to| url::Url::parse(to).ok()) else { return response };
        if to.as_str().starts_with(&self.app.config.public_base_url) {
            return response;
        }
        let pairs: Pairs = to.query_pairs().into_owned().filter(|(name, _)| name != "iss").collect();
        to.query_pairs_mut().clear().extend_pairs(pairs);
        if let Ok(to) = HeaderValue::from_str(to.as_str()) {
            response.headers_mut().insert(header::LOCATION, to);
        }
        response
    }

    // The data API.

    async fn api(&self, mut request: Request, shown: Shown, path: String) -> Response {
        let api = &self.front.api;
        if let Some(missing) = api.headers.iter().find(|name| !request.headers().contains_key(name.as_str()))
        {
            let message = format!("the header `{missing}` is missing");
            return self.error(StatusCode::BAD_REQUEST, "401", &message);
        }
        if let Some(response) = self.too_many(&request) {
            return response;
        }
        if !api.interaction_id && !request.headers().contains_key(INTERACTION_ID) {
            // The bank behind wants one.
            if let Ok(id) = HeaderValue::from_str(&self.app.uuid()) {
                request.headers_mut().insert(INTERACTION_ID, id);
            }
        }
        let query = parse(request.uri().query().unwrap_or_default().as_bytes());
        let response = match shown {
            Shown::Whole => {
                let response = self.ask_at(request, &path, &encode(&query)).await;
                self.spelled(response, |body| body).await
            }
            Shown::Row => {
                let response = self.ask_at(request, &path, &encode(&query)).await;
                self.spelled(response, |body| rows::dress(api, body)).await
            }
            Shown::List(name) => match self.asked(name, query) {
                Ok(query) if api.paging == FrontPaging::Offset => {
                    self.by_offset(request, name, &path, query).await
                }
                Ok(query) => {
                    let here = request.uri().path().to_owned();
                    let response = self.ask_at(request, &path, &encode(&query)).await;
                    self.spelled(response, |body| self.page(name, body, &here)).await
                }
                Err(response) => response,
            },
        };
        self.unechoed(response)
    }

    fn unechoed(&self, mut response: Response) -> Response {
        if !self.front.api.interaction_id {
            response.headers_mut().remove(INTERACTION_ID);
        }
        response
    }

    /// 429 if the request's token has had its calls of this minute.
    fn too_many(&self, request: &Request) -> Option<Response> {
        let most = self.front.api.calls_a_minute?;
        let token = request.headers().get(header::AUTHORIZATION).and_then(|token| token.to_str().ok())?;
        let second = self.app.now().as_second();
        let minute = second.div_euclid(60);
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.minute != minute {
            *spent = Spent { minute, ..Spent::default() };
        }
        let calls = spent.calls.entry(sha256_hex(token)).or_default();
        *calls = calls.saturating_add(1);
        if *calls <= most {
            return None;
        }
        let mut response = self.error(StatusCode::TOO_MANY_REQUESTS, "1207", "too many requests");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(60 - second.rem_euclid(60)));
        Some(response)
    }

    /// A list's query as the bank takes it: without what this provider does not know, and within its history.
    fn asked(&self, list: &str, mut query: Pairs) -> Result<Pairs, Response> {
        let api = &self.front.api;
        let (days, times) = (["startDate", "endDate"], ["startTime", "endTime"]);
        let (ours, others) = if api.dates == FrontDates::Date { (days, times) } else { (times, days) };
        query.retain(|(name, _)| !others.contains(&name.as_str()));
        if api.dates == FrontDates::Ignored && list == "transactions" {
            // All that the consent reaches back to.
            for (name, at) in times.into_iter().zip(["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]) {
                put(&mut query, name, at.to_owned());
            }
        }
        let rows = get(&query, "limit").and_then(|rows| rows.parse().ok()).unwrap_or(api.rows_max);
        put(&mut query, "limit", rows.clamp(1, api.rows_max).to_string());
        if api.history != FrontHistory::Open
            && let (Some(begins), Some(from)) =
                (api.history.begins(self.app.now()), get(&query, ours[0]).and_then(instant))
            && from < begins
        {
            if api.before_history == BeforeHistory::Error {
                return Err(self.error(StatusCode::BAD_REQUEST, "703", "the range lies before history"));
            }
            let begins = match api.dates {
                FrontDates::Time | FrontDates::Ignored => begins.to_string(),
                FrontDates::Date => TimeZone::UTC.to_datetime(begins).date().to_string(),
            };
            put(&mut query, ours[0], begins);
        }
        Ok(query)
    }

    /// One page with the front's way to the next one. `here` is the address without its query.
    fn page(&self, name: &str, mut body: Value, here: &str) -> Value {
        let href =
            body.pointer("/links/next/href").and_then(Value::as_str).and_then(|to| url::Url::parse(to).ok());
        if let Some(object) = body.as_object_mut() {
            if let Some(list) = object.get_mut(name).and_then(Value::as_array_mut) {
                let dressed: Vec<Value> =
                    list.drain(..).map(|row| rows::dress(&self.front.api, row)).collect();
                *list = dressed;
            }
            object.remove("links");
            if self.front.api.paging == FrontPaging::Link {
                if let Some(page) = object.get_mut("page").and_then(Value::as_object_mut) {
                    page.remove("nextPageKey");
                }
                if let Some(query) = href.as_ref().and_then(url::Url::query) {
                    let next = json!({ "next": { "href": format!("{here}?{query}") } });
                    object.insert("links".to_owned(), next);
                }
            }
        }
        body
    }

    /// Reads the bank's whole list, as offsets count through it, and cuts a page out of it.
    async fn by_offset(&self, request: Request, name: &str, path: &str, mut query: Pairs) -> Response {
        let rows_max = get(&query, "limit").and_then(|rows| rows.parse::<usize>().ok()).unwrap_or(1);
        let offset = match get(&query, "offset").map(str::parse::<usize>) {
            None => 0,
            Some(Ok(offset)) => offset,
            Some(Err(_)) => return self.error(StatusCode::BAD_REQUEST, "401", "`offset` is not a number"),
        };
        query.retain(|(name, _)| name != "offset" && name != "pageKey");
        put(&mut query, "limit", limits::PAGE_ROWS_MAX.to_string());
        let (parts, _) = request.into_parts();
        let mut all = Vec::new();
        // What is whole only in part makes the whole a part.
        let mut status = StatusCode::OK;
        for _ in 0..limits::FRONT_PAGES_MAX {
            let mut again = Request::new(Body::empty());
            again.headers_mut().clone_from(&parts.headers);
            again.extensions_mut().clone_from(&parts.extensions);
            *again.uri_mut() = parts.uri.clone();
            let response = self.ask_at(again, path, &encode(&query)).await;
            match response.status() {
                StatusCode::OK => {}
                StatusCode::PARTIAL_CONTENT => status = StatusCode::PARTIAL_CONTENT,
                _ => return self.spelled(response, |body| body).await,
            }
            let Some(mut body) = json_of(response).await else {
                return self.error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "500",
                    "the bank's answer cannot be read",
                );
            };
            if let Some(rows) = body.get_mut(name).and_then(Value::as_array_mut) {
                all.append(rows);
            }
            match body.pointer("/page/nextPageKey").and_then(Value::as_str) {
                Some(key) => put(&mut query, "pageKey", key.to_owned()),
                None => break,
            }
        }
        let total = all.len();
        let rows: Vec<Value> = all
            .into_iter()
            .skip(offset)
            .take(rows_max)
            .map(|row| rows::dress(&self.front.api, row))
            .collect();
        let next = offset.saturating_add(rows.len());
        let mut page = json!({ "totalElements": total });
        if next < total
            && let Some(page) = page.as_object_mut()
        {
            // A string in the schema, a number in the wild.
            let next = match self.front.api.errors {
                FrontErrors::String => json!(next.to_string()),
                FrontErrors::Number | FrontErrors::Plain => json!(next),
            };
            page.insert("nextOffset".to_owned(), next);
        } else if self.front.api.bare_last_page {
            page = json!({});
        }
        (status, axum::Json(json!({ "page": page, name: rows }))).into_response()
    }

    /// An answer of the API in the front's spelling.
    async fn spelled(&self, response: Response, good: impl FnOnce(Value) -> Value) -> Response {
        let status = response.status();
        let errors = self.front.api.errors;
        let mut invalid = false;
        let mut response = change(response, |body| {
            if status.is_success() {
                return good(body);
            }
            invalid = errors == FrontErrors::Plain && body.get("code").is_some_and(|code| code == "701");
            rows::error(errors, body)
        })
        .await;
        if invalid {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response
    }
}

type Pairs = Vec<(String, String)>;

fn parse(text: &[u8]) -> Pairs {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn encode(pairs: &Pairs) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn get<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn put(pairs: &mut Pairs, name: &str, value: String) {
    pairs.retain(|(own, _)| own != name);
    pairs.push((name.to_owned(), value));
}

/// An instant, or the beginning of a day.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let day: Date = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// Refuses a parameter that this provider does not know.
fn unknown(pairs: &Pairs, name: &str) -> Result<(), Response> {
    if get(pairs, name).is_some() { Err(oauth_error("invalid_request")) } else { Ok(()) }
}

fn oauth_error(code: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": code }))).into_response()
}

async fn json_of(response: Response) -> Option<Value> {
    let body = to_bytes(response.into_body(), limits::FRONT_BODY_BYTES_MAX).await.ok()?;
    serde_json::from_slice(&body).ok()
}

/// An answer with another body, if it has one of JSON. What is not JSON (a fault, an empty answer) stays as it is.
async fn change(response: Response, by: impl FnOnce(Value) -> Value) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, limits::FRONT_BODY_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(value) => Bytes::from(by(value).to_string()),
        Err(_) => body,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

async fn edit(response: Response, by: impl FnOnce(&mut Map<String, Value>)) -> Response {
    change(response, |mut body| {
        if let Some(object) = body.as_object_mut() {
            by(object);
        }
        body
    })
    .await
}
