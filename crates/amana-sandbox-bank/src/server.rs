//! The routes.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};

use crate::app::Shared;
use crate::{control, fdx, limits, oauth, pages};

/// All institutions' routes.
pub(crate) fn router(app: Shared) -> Router {
    let data = Router::new()
        .route("/accounts", get(fdx::accounts::list))
        .route("/accounts/{account_id}", get(fdx::accounts::one))
        .route("/accounts/{account_id}/transactions", get(fdx::transactions::list))
        .route("/customers/current", get(fdx::accounts::customer))
        .route("/consents/{consent_id}", get(fdx::consents::one))
        .route("/consents/{consent_id}/revocation", put(fdx::consents::revoke).get(fdx::consents::revocation))
        .route("/availability", get(fdx::meta::availability))
        .route("/capability", get(fdx::meta::capability))
        .fallback(fdx::no_such_path)
        .method_not_allowed_fallback(fdx::no_such_method)
        .layer(from_fn_with_state(app.clone(), fdx::envelope));
    let authorization = Router::new()
        .route("/.well-known/oauth-authorization-server", get(oauth::metadata::discovery))
        .route("/.well-known/openid-configuration", get(oauth::metadata::discovery))
        .route("/jwks", get(oauth::metadata::jwks))
        .route("/par", post(oauth::request::par))
        .route("/token", post(oauth::token::token))
        .route("/revoke", post(oauth::revoke::revoke));
    let own_pages = Router::new()
        .route("/authorize", get(pages::sign_in::authorize).post(pages::sign_in::authorize_post))
        .route("/login", get(pages::sign_in::login).post(pages::sign_in::login_post))
        .route("/consent", get(pages::consent::consent).post(pages::consent::consent_post))
        .route("/till", get(pages::till::till).post(pages::till::till_post))
        .layer(from_fn(page_headers));
    let controls = Router::new()
        .route("/purchase", post(control::purchase))
        .route("/post", post(control::post))
        .route("/deposit", post(control::deposit))
        .route("/refund", post(control::refund))
        .route("/reverse", post(control::reverse))
        .route("/redeliver", post(control::redeliver))
        .route("/reorder", post(control::reorder))
        .route("/fault", post(control::fault))
        .route("/events", get(control::events));
    Router::new()
        .route("/", get(pages::home::banks).layer(from_fn(page_headers)))
        .route("/assets/bank.css", get(pages::neutral_style))
        .route("/.well-known/oauth-authorization-server/{bank}", get(oauth::metadata::discovery))
        .route("/.well-known/openid-configuration/{bank}", get(oauth::metadata::discovery))
        .route("/{bank}", get(pages::home::home).layer(from_fn(page_headers)))
        .route("/{bank}/", get(pages::home::home).layer(from_fn(page_headers)))
        .route("/{bank}/assets/bank.css", get(pages::style))
        .route("/{bank}/{*rest}", get(pages::no_page).layer(from_fn(page_headers)))
        .nest("/{bank}/fdx/v6", data)
        .nest("/{bank}/control", controls)
        .merge(Router::new().nest("/{bank}", authorization.merge(own_pages)))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .with_state(app)
}

/// Pages load nothing from elsewhere, run no scripts, and cannot be framed. `form-action` is left open on purpose: the
/// consent form's answer redirects to the application, which browsers count as the form's target.
async fn page_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
