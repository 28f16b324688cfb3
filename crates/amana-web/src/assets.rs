//! The style sheet, the icon and the three programs: part of the program, under names that hold their hash, so that
//! browsers may keep them.

use crate::limits::STATIC_AGE_S;
use amana_core::ids::sha256;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::LazyLock;

/// A file with its address.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) path: String,
    media: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, end: &str, media: &'static str, text: &'static str) -> Self {
        let hash: String = hex::encode(sha256(&[text.as_bytes()])).chars().take(16).collect();
        Self { path: format!("/static/{stem}.{hash}.{end}"), media, text }
    }

    /// SHA-256 of the file, in hex.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(sha256(&[self.text.as_bytes()]))
    }

    /// What a page says of the file, so that a browser runs no other (W3C Subresource Integrity).
    pub(crate) fn integrity(&self) -> String {
        format!("sha256-{}", STANDARD.encode(sha256(&[self.text.as_bytes()])))
    }
}

static CSS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("web", "css", "text/css; charset=utf-8", include_str!("../assets/web.css")));
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/favicon.svg")));
/// The verifier, as it stands in the repository: who reads it there reads what runs here.
static VERIFIER: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../../../verifiers/browser/verify.js");
    Asset::new("verify", "js", "text/javascript; charset=utf-8", text)
});

/// The program of the page behind a notice.
static NOTICE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("notice", "js", "text/javascript; charset=utf-8", include_str!("../assets/notice.js"))
});

/// The program that asks the browser for a passkey.
static PASSKEY: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("passkey", "js", "text/javascript; charset=utf-8", include_str!("../assets/passkey.js"))
});

pub(crate) fn css() -> &'static Asset {
    &CSS
}

pub(crate) fn icon() -> &'static Asset {
    &ICON
}

pub(crate) fn verifier() -> &'static Asset {
    &VERIFIER
}

pub(crate) fn notice() -> &'static Asset {
    &NOTICE
}

pub(crate) fn passkey() -> &'static Asset {
    &PASSKEY
}

/// `GET /static/{file}`.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    for asset in [css(), icon(), verifier(), notice(), passkey()] {
        if asset.path.strip_prefix("/static/") == Some(file.as_str()) {
            let age = format!("public, max-age={STATIC_AGE_S}, immutable");
            return (
                [(header::CONTENT_TYPE, asset.media.to_owned()), (header::CACHE_CONTROL, age)],
                asset.text,
            )
                .into_response();
        }
    }
    crate::guard::not_found().await
}

/// `GET /favicon.ico`: browsers ask for it wherever they are.
pub(crate) async fn favicon() -> Response {
    ([(header::CONTENT_TYPE, ICON.media)], ICON.text).into_response()
}

/// `GET /robots.txt`: nothing here is for an index.
pub(crate) async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}
