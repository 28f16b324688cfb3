//! The web role: the public port. It parses HTTP, bounds it, and hands each request on to the gate. It holds no secret,
//! knows no page and reads no body.

use super::Role;
use super::folder::Folder;
use super::peer::Peer;
use crate::config::Settings;
use crate::lifecycle::Stop;
use crate::{limits, serve, server};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// Headers that are about one connection, not about the request (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
];

/// Serves until stopped.
///
/// # Errors
/// When the port or the folder cannot be used.
pub(crate) async fn run(settings: &Settings, folder: &Folder, stop: Stop) -> anyhow::Result<()> {
    let listener = serve::bind(settings.listen, "choose another with `[server] listen`").await?;
    let address = listener.local_addr()?;
    let gate = Arc::new(Peer::new(folder.socket(Role::Gate), limits::FORWARD_TIME));
    let router = Router::new().fallback(forward).with_state(gate);
    tracing::info!(%address, "amana web serves");
    server::serve(listener, router, stop.soft, server::Bounds::default()).await;
    Ok(())
}

fn without_hops(headers: &mut HeaderMap) {
    // What `Connection` names is of this connection, too.
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

async fn forward(State(gate): State<Arc<Peer>>, mut request: Request) -> Response {
    let no = |status: StatusCode| (status, [(header::CACHE_CONTROL, "no-store")]).into_response();
    // To the gate the target is a path, whatever form it came in.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = path.parse::<Uri>() else { return no(StatusCode::BAD_REQUEST) };
    *request.uri_mut() = uri;
    without_hops(request.headers_mut());
    let Ok(mut sender) = gate.connect::<Body>().await else {
        tracing::warn!("the gate does not answer on its socket");
        return no(StatusCode::SERVICE_UNAVAILABLE);
    };
    match tokio::time::timeout(limits::FORWARD_TIME, sender.send_request(request)).await {
        Ok(Ok(mut answer)) => {
            without_hops(answer.headers_mut());
            answer.map(Body::new)
        }
        Ok(Err(_)) => no(StatusCode::BAD_GATEWAY),
        Err(_) => no(StatusCode::GATEWAY_TIMEOUT),
    }
}
