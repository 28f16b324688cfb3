//! The listener for mutual TLS (RFC 8705): it takes a certificate from whoever has one of a known authority, lets the
//! others in without one, and tells the handlers which it was.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::MutualTls;
use crate::error::Error;
use crate::limits;

/// Who is at the other end of a connection, as far as TLS knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Hash of the certificate (RFC 8705 §3.1).
    pub(crate) x5t: Option<String>,
    /// The certificate's DNS names (`subjectAltName`).
    pub(crate) dns: Vec<String>,
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(_: IncomingStream<'_, TcpListener>) -> Self {
        Self::default()
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        let (_, connection) = stream.io().get_ref();
        let Some([own, ..]) = connection.peer_certificates() else { return Self::default() };
        let dns = webpki::EndEntityCert::try_from(own)
            .map(|certificate| certificate.valid_dns_names().map(str::to_owned).collect())
            .unwrap_or_default();
        let hash = digest::digest(&digest::SHA256, own.as_ref());
        Self { x5t: Some(URL_SAFE_NO_PAD.encode(hash)), dns }
    }
}

/// Connections whose handshake is done. Handshakes run beside each other: a slow one keeps nobody waiting.
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: AbortHandle,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, tls: &MutualTls) -> Result<Self, Error> {
        let acceptor = TlsAcceptor::from(Arc::new(server_config(tls)?));
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(limits::TLS_CONNECTIONS_WAITING);
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, from)) = listener.accept().await else {
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                    continue;
                };
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    let handshake = tokio::time::timeout(limits::HANDSHAKE_TIMEOUT, acceptor.accept(stream));
                    if let Ok(Ok(stream)) = handshake.await {
                        // The receiver is gone when the server stops; the connection ends with it.
                        let _ = sender.send((stream, from)).await;
                    }
                });
            }
        })
        .abort_handle();
        Ok(Self { address, ready, accepting })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task ends with this listener only.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

fn server_config(tls: &MutualTls) -> Result<rustls::ServerConfig, Error> {
    let wrong = |what: &str| Error::Config(format!("mutual TLS: {what}"));
    let certificates =
        |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = certificates(&tls.certificate_pem).map_err(|_| wrong("the certificate is not PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(tls.key_pem.as_bytes())
        .map_err(|_| wrong("the private key is not PEM"))?;
    let mut roots = rustls::RootCertStore::empty();
    for authority in certificates(&tls.client_authorities_pem)
        .map_err(|_| wrong("the clients' authorities are not PEM"))?
    {
        roots.add(authority).map_err(|_| wrong("an authority of the clients is no certificate"))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(|_| wrong("there is no authority of the clients"))?;
    // FAPI 2.0 §5.2.1: TLS 1.2 or later; rustls has no other suites than the recommended ones.
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| wrong("no protocol version can be used"))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|_| wrong("certificate and private key do not fit"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
