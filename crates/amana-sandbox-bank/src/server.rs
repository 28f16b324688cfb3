//! The routes.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post, put};

use crate::app::Shared;
use crate::{control, control_consents, fdx, front, limits, oauth, openapi, pages};

/// All institutions' routes.
pub(crate) fn router(app: Shared) -> Router {
    // Written out, not nested: nested routers with fallbacks of their own cannot begin with a parameter.
    let data = Router::new()
        .route("/{bank}/fdx/v6/accounts", get(fdx::accounts::list))
        .route("/{bank}/fdx/v6/accounts/{accountId}", get(fdx::accounts::one))
        .route("/{bank}/fdx/v6/accounts/{accountId}/transactions", get(fdx::transactions::list))
        .route("/{bank}/fdx/v6/accounts/{accountId}/contact", get(fdx::customers::contact))
        .route("/{bank}/fdx/v6/accounts/{accountId}/statements", get(fdx::statements::list))
        .route("/{bank}/fdx/v6/accounts/{accountId}/statements/{statementId}", get(fdx::statements::one))
        .route("/{bank}/fdx/v6/accounts/{accountId}/payment-networks", get(fdx::networks::list))
        .route(
            "/{bank}/fdx/v6/accounts/{accountId}/payment-networks/{paymentNetworkId}",
            get(fdx::networks::one),
        )
        .route("/{bank}/fdx/v6/accounts/{accountId}/asset-transfer-networks", get(fdx::networks::assets))
        .route("/{bank}/fdx/v6/accounts/{accountId}/terms-and-conditions", get(fdx::networks::terms))
        .route("/{bank}/fdx/v6/accounts/{accountId}/transaction-images/{imageId}", get(fdx::images::one))
        .route("/{bank}/fdx/v6/accounts/{accountId}/reward-transactions", get(fdx::rewards::transactions))
        .route("/{bank}/fdx/v6/reward-programs", get(fdx::rewards::programs))
        .route("/{bank}/fdx/v6/reward-programs/{rewardProgramId}", get(fdx::rewards::one))
        .route("/{bank}/fdx/v6/reward-programs/{rewardProgramId}/categories", get(fdx::rewards::categories))
        .route("/{bank}/fdx/v6/customers", get(fdx::customers::list))
        .route("/{bank}/fdx/v6/customers/current", get(fdx::customers::me))
        .route("/{bank}/fdx/v6/customers/{customerId}", get(fdx::customers::one))
        .route("/{bank}/fdx/v6/consents", get(fdx::consents::search).post(fdx::consents::create))
        .route("/{bank}/fdx/v6/consents/{consentId}", get(fdx::consents::one))
        .route(
            "/{bank}/fdx/v6/consents/{consentId}/revocation",
            put(fdx::consents::revoke).get(fdx::consents::revocation),
        )
        .route("/{bank}/fdx/v6/notification-subscriptions", post(fdx::notifications::subscribe))
        .route(
            "/{bank}/fdx/v6/notification-subscriptions/{subscriptionId}",
            get(fdx::notifications::one).delete(fdx::notifications::unsubscribe),
        )
        .route("/{bank}/fdx/v6/notifications", get(fdx::notifications::list))
        .route("/{bank}/fdx/v6/availability", get(fdx::meta::availability))
        .route("/{bank}/fdx/v6/capability", get(fdx::meta::capability))
        .route("/{bank}/fdx/v6/certification-metrics", get(fdx::meta::metrics))
        .route("/{bank}/fdx/v6/{*rest}", any(fdx::no_such_path))
        .method_not_allowed_fallback(fdx::no_such_method)
        .layer(from_fn_with_state(app.clone(), fdx::envelope));
    let authorization = Router::new()
        .route("/.well-known/oauth-authorization-server/{bank}", get(oauth::metadata::discovery))
        .route("/.well-known/openid-configuration/{bank}", get(oauth::metadata::discovery))
        .route("/{bank}/.well-known/oauth-authorization-server", get(oauth::metadata::discovery))
        .route("/{bank}/.well-known/openid-configuration", get(oauth::metadata::discovery))
        .route("/{bank}/jwks", get(oauth::metadata::jwks))
        .route("/{bank}/par", post(oauth::request::par))
        .route("/{bank}/token", post(oauth::token::token))
        .route("/{bank}/revoke", post(oauth::revoke::revoke))
        .route("/{bank}/introspect", post(oauth::introspect::introspect));
    let own_pages = Router::new()
        .route("/", get(pages::home::banks))
        .route("/{bank}", get(pages::home::home))
        .route("/{bank}/", get(pages::home::home))
        .route("/{bank}/authorize", get(pages::sign_in::authorize).post(pages::sign_in::authorize_post))
        .route("/{bank}/login", get(pages::sign_in::login).post(pages::sign_in::login_post))
        .route("/{bank}/consent", get(pages::consent::consent).post(pages::consent::consent_post))
        .route("/{bank}/till", get(pages::till::till).post(pages::till::till_post))
        .route("/{bank}/{*rest}", get(pages::no_page))
        .layer(from_fn(page_headers));
    let controls = Router::new()
        .route("/{bank}/control/purchase", post(control::purchase))
        .route("/{bank}/control/post", post(control::post))
        .route("/{bank}/control/deposit", post(control::deposit))
        .route("/{bank}/control/refund", post(control::refund))
        .route("/{bank}/control/reverse", post(control::reverse))
        .route("/{bank}/control/redeliver", post(control::redeliver))
        .route("/{bank}/control/reorder", post(control::reorder))
        .route("/{bank}/control/expire", post(control::expire))
        .route("/{bank}/control/fault", post(control::fault))
        .route("/{bank}/control/events", get(control::events))
        .route("/{bank}/control/notifications", get(control::notifications))
        .route("/{bank}/control/consents/revoke", post(control_consents::revoke))
        .route("/{bank}/control/consents/narrow", post(control_consents::narrow));
    let bank = Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/assets/bank.css", get(pages::neutral_style))
        .route("/{bank}/assets/bank.css", get(pages::style))
        .merge(data)
        .merge(authorization)
        .merge(own_pages)
        .merge(controls)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .with_state(app.clone());
    front::wrap(app, bank).layer(from_fn(whole_body))
}

/// Reads a request's body before anything answers it: who answers without has the connection closed under a client that
/// is still sending, or about to use it again. One whose length is not told, or too long, is its handler's to refuse.
async fn whole_body(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_none_or(|length| length > limits::BODY_BYTES_MAX) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match to_bytes(body, limits::BODY_BYTES_MAX).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        // It ended within its body.
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
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
