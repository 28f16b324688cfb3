//! The consent receipt to download.

use crate::respond::link_error;
use crate::words::Words;
use crate::{WebState, browser};
use amana_core::ConsentId;
use amana_flow::LinkError;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// `GET /privacy/consent/{id}.jsonld`: the receipt of one of the viewer's own consents (JSON-LD 1.1, DPV terms), as an
/// attachment. Whoever is not signed in is told so, and learns nothing of the consent.
pub(crate) async fn download(
    State(state): State<Arc<WebState>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let words = || Words::new(browser::lang(&headers, None), "/privacy");
    let consent: Option<ConsentId> = file.strip_suffix(".jsonld").and_then(|id| id.parse().ok());
    let (Some(cookie), Some(consent)) = (browser::session(&state, &headers), consent) else {
        return link_error(&LinkError::Over, words());
    };
    match state.gateway.consent_receipt(cookie, consent).await {
        Ok(document) => {
            let name = format!("attachment; filename=\"{consent}.jsonld\"");
            let head = [
                (header::CONTENT_TYPE, "application/ld+json".to_owned()),
                (header::CONTENT_DISPOSITION, name),
            ];
            (head, document).into_response()
        }
        Err(error) => link_error(&error, words()),
    }
}
