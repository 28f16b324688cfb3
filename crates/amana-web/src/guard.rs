//! What holds for every request: headers, time, panics, who may post, one log line without anything private.

use crate::assets::{self, Asset};
use crate::browser;
use crate::limits::{REQUEST_TIME, RETRY_BEGIN_S};
use crate::notice_page;
use crate::respond::{problem, say};
use crate::words::Words;
use crate::{Shared, WebState};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::any::Any;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Instrument as _;

/// The headers of every answer, made once; and the policies of the pages that have a program.
#[derive(Debug)]
pub(crate) struct Headers {
    all: Vec<(HeaderName, HeaderValue)>,
    verifier: Option<HeaderValue>,
    notice: Option<HeaderValue>,
    passkey: Option<HeaderValue>,
}

/// Left in the answer of a page whose program may run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scripted {
    /// [`crate::verify_page`], which fetches from here.
    Verifier,
    /// [`crate::notice_page`], which fetches nothing.
    Notice,
    /// [`crate::passkeys`], which fetches nothing.
    Passkey,
}

impl Headers {
    /// The headers of a deployment.
    ///
    /// `Referrer-Policy: same-origin` and not `no-referrer`: with the latter, browsers send `Origin: null` with
    /// forms (Fetch §3.2, "append a request Origin header"), and the check of [`same_site`] could not tell our
    /// pages from others. No address of ours goes to another site either way. The page behind a notice says
    /// `no-referrer` all the same: browsers of today say `Sec-Fetch-Site`, and those that do not cannot use its form.
    ///
    /// `form-action` names the banks and the platform, since Chromium applies it to the redirects that follow a form.
    pub(crate) fn new(state: &WebState) -> Self {
        let mut form_action = String::from("'self'");
        for origin in &state.form_action_origins {
            let plain = origin.bytes().all(|b| b.is_ascii_graphic() && !b";,'\"".contains(&b));
            if plain && !origin.is_empty() {
                form_action.push(' ');
                form_action.push_str(origin);
            } else {
                tracing::error!(
                    "an origin for forms is not one and is left out of the content security policy"
                );
            }
        }
        let csp = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action {form_action}; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        // One file by its whole address, which holds its hash; it puts no markup into the page.
        let scripted = |script: &Asset, connect: &str| {
            let policy = format!(
                "{csp}; script-src {}{}; connect-src {connect}; require-trusted-types-for 'script'; trusted-types 'none'",
                state.public_url.origin().ascii_serialization(),
                script.path
            );
            HeaderValue::from_str(&policy).ok()
        };
        let verifier = scripted(assets::verifier(), "'self'");
        let (notice, passkey) = (scripted(assets::notice(), "'none'"), scripted(assets::passkey(), "'none'"));
        let fixed = HeaderValue::from_static;
        let mut headers = vec![
            (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            (header::X_FRAME_OPTIONS, fixed("DENY")),
            (header::REFERRER_POLICY, fixed("same-origin")),
            (HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin")),
            (HeaderName::from_static("cross-origin-resource-policy"), fixed("same-origin")),
            (
                HeaderName::from_static("permissions-policy"),
                fixed("camera=(), geolocation=(), microphone=()"),
            ),
        ];
        if let Ok(csp) = HeaderValue::from_str(&csp) {
            headers.push((header::CONTENT_SECURITY_POLICY, csp));
        }
        if state.public_url.scheme() == "https" {
            headers.push((header::STRICT_TRANSPORT_SECURITY, fixed("max-age=31536000")));
        }
        Self { all: headers, verifier, notice, passkey }
    }

    fn apply(&self, to: &mut Response, unreferred: bool) {
        let scripted = match to.extensions().get::<Scripted>() {
            Some(Scripted::Verifier) => self.verifier.clone(),
            Some(Scripted::Notice) => self.notice.clone(),
            Some(Scripted::Passkey) => self.passkey.clone(),
            None => None,
        };
        let to = to.headers_mut();
        for (name, value) in &self.all {
            to.insert(name.clone(), value.clone());
        }
        if unreferred {
            to.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
        if let Some(policy) = scripted {
            to.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if !to.contains_key(header::CACHE_CONTROL) {
            to.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// Left in an answer whose page has to be made where the language is known.
#[derive(Debug, Clone, Copy)]
struct Bare(&'static str);

/// The outermost: time limit, headers, the log line, and a page for what has none.
pub(crate) async fn outer(
    State((headers, _)): State<(Arc<Headers>, Arc<WebState>)>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let lang = browser::lang(request.headers(), None);
    let unreferred = notice_page::is_here(request.uri().path());
    let span = tracing::info_span!(
        target: "amana::trace", "http", route, method = method.as_str(), status = tracing::field::Empty
    );
    let answered = tokio::time::timeout(REQUEST_TIME, next.run(request).instrument(span.clone()));
    let mut response = match answered.await {
        Ok(response) => response,
        Err(_) => bare(StatusCode::GATEWAY_TIMEOUT, "busy"),
    };
    if let Some(Bare(what)) = response.extensions().get::<Bare>().copied() {
        let status = response.status();
        let allow = response.headers().get(header::ALLOW).cloned();
        response = if for_machines(&route) {
            problem(status, status.canonical_reason().unwrap_or_default(), Value::Null)
        } else {
            say(Words::new(lang, "/"), status, what, false)
        };
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    headers.apply(&mut response, unreferred);
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    span.record("status", status);
    // The route's pattern and not its address: an address may hold a token.
    tracing::info!(%method, route, status, ms, "answered");
    metrics::counter!("amana_http_requests_total", "route" => route, "status" => status.to_string())
        .increment(1);
    response
}

fn for_machines(route: &str) -> bool {
    ["/webhooks/", "/events/", "/healthz", "/readyz", "/metrics", "/log/"]
        .iter()
        .any(|p| route.starts_with(p))
}

fn bare(status: StatusCode, what: &'static str) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(Bare(what));
    response
}

/// After a panic: a page without detail. The panic hook has told the operator already.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    metrics::counter!("amana_http_panics_total").increment(1);
    bare(StatusCode::INTERNAL_SERVER_ERROR, "internal")
}

/// No such route.
pub(crate) async fn not_found() -> Response {
    bare(StatusCode::NOT_FOUND, "not-found")
}

/// A known route, asked in another way.
pub(crate) async fn not_allowed() -> Response {
    bare(StatusCode::METHOD_NOT_ALLOWED, "method")
}

/// Forms of our pages are taken from our pages alone. Browsers say where a form comes from in `Sec-Fetch-Site`
/// or, older ones, in `Origin`; what says neither is no browser and brings no cookie of anybody.
pub(crate) async fn same_site(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !from_here(&state, request.headers()) {
        tracing::warn!("a form from another site was refused");
        let words = Words::new(browser::lang(request.headers(), None), "/");
        return say(words, StatusCode::FORBIDDEN, "foreign-post", false);
    }
    next.run(request).await
}

/// At most so many a second, all people together: what these routes ask of a bank or the platform costs these a call.
pub(crate) async fn metered(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if shared.door.admits(shared.state.gateway.clock().now()) {
        return next.run(request).await;
    }
    metrics::counter!("amana_http_slowed_total").increment(1);
    let words = Words::new(browser::lang(request.headers(), None), "/");
    let mut response = say(words, StatusCode::TOO_MANY_REQUESTS, "busy", false);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_BEGIN_S.into());
    response
}

fn from_here(state: &WebState, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    headers.get(header::ORIGIN).is_none_or(|origin| {
        origin.to_str().is_ok_and(|origin| origin == state.public_url.origin().ascii_serialization())
    })
}
