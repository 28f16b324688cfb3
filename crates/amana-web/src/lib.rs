//! The HTTP surface: the platform's webhook, the banks' events, the linking pages, the customer's privacy page.
//!
//! What is **not** here: no decision and no rule (handlers are thin over [`amana_flow::Gateway`]), no SQL, no
//! script in any page but `/privacy/verify`, `/m` and where a passkey is asked for, no account of a customer other than
//! the bank's own sign-in. A page is forms, text and one style sheet.
//!
//! Invariants:
//! - A GET uses nothing up (previews and crawlers open links), except the bank's callback, which is protected by
//!   its own `state` and the browser's session. A signed-in look at the accounts leaves its receipt.
//! - A form is taken from our own pages alone, and its language, choices and notice come back as they were.
//! - Logs hold a route's pattern, never an address, a token or a name.
//! - Every sentence is in both catalogues of `locales/`, and every page in both directions.

mod accounts_page;
mod admin;
mod admin_dead;
mod admin_reply;
mod assets;
mod body;
mod browser;
mod consent;
mod consent_receipt;
mod door;
mod events;
mod guard;
mod health;
mod in_app;
pub mod limits;
mod link;
mod log;
mod notice_page;
mod notifications;
mod pages;
mod passkeys;
mod platform;
mod privacy;
mod privacy_page;
mod renew;
mod respond;
mod rights;
mod verify_page;
mod webhook;
mod words;

pub use admin::{AdminState, OPENAPI, admin_router, admin_routes};
pub use consent::notice_text;

use crate::body::BodyError;
use crate::browser::Fields;
use crate::door::Door;
use crate::words::Words;
use amana_core::{InstitutionId, Secret};
use amana_flow::Gateway;
use axum::Router;
use axum::extract::{FromRef, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;

/// Renders the metrics of the process as Prometheus text.
pub type RenderMetrics = Box<dyn Fn() -> String + Send + Sync>;

/// What the surface is made of.
pub struct WebState {
    /// The use cases.
    pub gateway: Arc<Gateway>,
    /// The platform's app secret: the key of its webhook's signature.
    pub app_secret: Secret,
    /// What the platform must know to subscribe the webhook.
    pub verify_token: Secret,
    /// Per institution, what its events must bring as bearer token. An institution without one cannot push.
    pub event_tokens: BTreeMap<InstitutionId, Secret>,
    /// Whether cookies are for HTTPS only; must be on wherever `public_url` is `https`.
    pub secure_cookies: bool,
    /// Where people find the pages.
    pub public_url: Url,
    /// Renders the metrics.
    pub metrics: RenderMetrics,
    /// The origins that a form may lead on to: the institutions' issuers (and authorization endpoints, where
    /// these are on another host), and the platform's redirect hosts. As `https://host` or `http://host:port`.
    pub form_action_origins: Vec<String>,
}

impl fmt::Debug for WebState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebState").field("public_url", &self.public_url.as_str()).finish_non_exhaustive()
    }
}

/// What the routes share: the state, and what counts over all of them.
#[derive(Clone, FromRef)]
struct Shared {
    state: Arc<WebState>,
    /// The bytes of bodies that may be held, over all requests.
    room: Arc<Semaphore>,
    door: Arc<Door>,
}

/// The whole surface. Serve it with the peer's connection; it needs nothing of it.
pub fn router(state: WebState) -> Router {
    let headers = Arc::new(guard::Headers::new(&state));
    let state = Arc::new(state);
    let shared = Shared {
        state: state.clone(),
        room: Arc::new(Semaphore::new(limits::BODIES_BYTES_MAX)),
        door: Arc::new(Door::new(limits::BEGIN_RATE_PER_S, limits::BEGIN_BURST)),
    };
    // What asks a bank or the platform for whoever comes.
    let metered = || from_fn_with_state(shared.clone(), guard::metered);

    let pages = Router::new()
        .route("/", get(privacy::home))
        .route("/lang", post(privacy::lang))
        .route("/link/start", get(link::start))
        .route("/link/messenger", get(link::messenger).route_layer(metered()))
        .route("/link/elsewhere", post(link::elsewhere).route_layer(metered()))
        .route("/link/begin", post(link::begin).route_layer(metered()))
        .route("/link/callback", get(link::callback))
        .route("/link/consent", get(link::consent).post(link::consent_give))
        .route("/link/cancel", post(link::cancel))
        .route("/link/done", get(link::done))
        .route("/link/renew", get(renew::show).merge(post(renew::begin).route_layer(metered())))
        .route(notice_page::HERE, get(notice_page::show))
        .route("/m/open", post(notice_page::open).route_layer(metered()))
        .route("/m/ready", get(notice_page::ready))
        .route("/m/show", post(notice_page::look))
        .route("/m/passkey", post(passkeys::ask).route_layer(metered()))
        .route("/m/passkey/show", post(passkeys::look))
        .route("/privacy", get(privacy::show))
        .route("/privacy/accounts", get(privacy::accounts))
        .route("/privacy/bundle", get(privacy::bundle))
        .route("/privacy/verify", get(verify_page::show))
        .route("/privacy/sign-in", post(privacy::sign_in).route_layer(metered()))
        .route("/privacy/consent/{file}", get(consent_receipt::download))
        .route("/privacy/revoke", post(privacy::revoke))
        .route("/privacy/renew", post(renew::from_privacy))
        .route("/privacy/passkeys", get(passkeys::show))
        .route("/privacy/passkeys/begin", post(passkeys::begin))
        .route("/privacy/passkeys/add", post(passkeys::add))
        .route("/privacy/passkeys/remove", post(passkeys::remove))
        .route("/privacy/export", get(rights::export))
        .route("/privacy/erase", post(rights::erase))
        .route("/privacy/leave", post(privacy::leave))
        .route("/privacy/deletion/{code}", get(platform::status))
        .layer(from_fn_with_state(state.clone(), guard::same_site));

    Router::new()
        .route("/webhooks/messenger", get(webhook::verify).post(webhook::receive))
        .route("/webhooks/messenger/data-deletion", post(platform::data_deletion))
        .route("/webhooks/messenger/deauthorise", post(platform::deauthorise))
        .route("/events/{institution}", post(events::receive))
        .route("/events/{institution}/notifications", post(notifications::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/log/{*path}", get(log::file))
        .route("/static/{file}", get(assets::serve))
        .route("/favicon.ico", get(assets::favicon))
        .route("/robots.txt", get(assets::robots))
        .merge(pages)
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::not_allowed)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(state.clone(), in_app::refuse))
        .layer(from_fn_with_state((headers, state), guard::outer))
        .with_state(shared)
}

/// Reads a form of one of our pages: the request's headers and its fields, or the answer that says why not.
async fn form(request: Request) -> Result<(HeaderMap, Fields), Response> {
    let (head, content) = request.into_parts();
    let words = || Words::new(browser::lang(&head.headers, None), "/");
    // Of its own: the bound over all forms is that of the connections.
    let room = Semaphore::new(limits::FORM_BODY_BYTES_MAX);
    match body::read(content, limits::FORM_BODY_BYTES_MAX, &room).await {
        Ok(raw) => {
            let fields = Fields::parse(&raw);
            Ok((head.headers, fields))
        }
        Err(BodyError::TooLarge | BodyError::NoRoom) => {
            Err(respond::say(words(), StatusCode::PAYLOAD_TOO_LARGE, "too-large", false))
        }
        Err(BodyError::Broken) => Err(respond::say(words(), StatusCode::BAD_REQUEST, "consent", false)),
    }
}
