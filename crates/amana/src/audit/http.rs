//! The log over HTTP: its files for an auditor, and a witness for the keeper.

use crate::limits;
use amana_flow::WitnessClient;
use amana_log::tiles::TileRead;
use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode};
use std::io;
use url::Url;

/// A client with bounds. A machine without root certificates can still speak plain http.
///
/// # Errors
/// When the system's certificates cannot be used.
pub(crate) fn client(plain: bool) -> reqwest::Result<Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .connect_timeout(limits::CHECK_CONNECT)
        .timeout(limits::AUDIT_CALL)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("amana-audit/", env!("CARGO_PKG_VERSION")));
    if plain { builder.tls_certs_only([]).build() } else { builder.build() }
}

/// The body, if it is within the bound.
async fn bounded(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(format!("the answer is larger than {bytes_max} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The files below a log's address. Reading blocks: use it off the runtime's threads.
pub(crate) struct HttpTiles {
    base: Url,
    client: Client,
    runtime: tokio::runtime::Handle,
}

impl HttpTiles {
    /// The log at an address. Call it within a runtime.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(crate) fn new(mut base: Url) -> reqwest::Result<Self> {
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let client = client(base.scheme() == "http")?;
        Ok(Self { base, client, runtime: tokio::runtime::Handle::current() })
    }

    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let url = self.base.join(path).map_err(|error| error.to_string())?;
        let response = self.client.get(url).send().await;
        let response = response.map_err(|error| error.without_url().to_string())?;
        match response.status() {
            StatusCode::OK => bounded(response, limits::TILE_BYTES_MAX).await.map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!("`{path}`: status {status}")),
        }
    }
}

impl TileRead for HttpTiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.runtime.block_on(self.get(path)).map_err(io::Error::other)
    }
}

/// Asks witnesses over HTTP.
pub(crate) struct WitnessHttp {
    plain: Client,
    tls: Option<Client>,
}

impl WitnessHttp {
    /// A client; `tls` where a witness has an `https` address.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(crate) fn new(tls: bool) -> reqwest::Result<Self> {
        Ok(Self { plain: client(true)?, tls: if tls { Some(client(false)?) } else { None } })
    }
}

#[async_trait]
impl WitnessClient for WitnessHttp {
    async fn add_checkpoint(&self, url: &str, body: String) -> Result<(u16, String), String> {
        let client = if url.starts_with("https:") { self.tls.as_ref() } else { Some(&self.plain) };
        let client = client.ok_or("no client for https")?;
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let response = client.post(url).body(body).send().await;
        let response = response.map_err(|error| error.without_url().to_string())?;
        let status = response.status().as_u16();
        let bytes = bounded(response, limits::TILE_BYTES_MAX).await?;
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }
}
