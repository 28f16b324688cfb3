//! One call to another process of ours: HTTP/1.1 with JSON over its Unix socket.

use crate::limits;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// A process of ours.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    socket: PathBuf,
    /// How long a whole call may take.
    time: Duration,
}

/// Why a call has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The process is not there: surely nothing was done.
    NotReached,
    /// It was asked, and whether it did anything is not known.
    InDoubt,
}

impl Peer {
    /// The process behind a socket.
    pub(crate) fn new(socket: PathBuf, time: Duration) -> Self {
        Self { socket, time }
    }

    /// A connection to it.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) async fn connect<B>(&self) -> Result<http1::SendRequest<B>, CallError>
    where
        B: hyper::body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let reach = async {
            let stream = UnixStream::connect(&self.socket).await.ok()?;
            http1::handshake(TokioIo::new(stream)).await.ok()
        };
        let reached = timeout(limits::ROLE_CONNECT, reach).await.ok().flatten();
        let (sender, connection) = reached.ok_or(CallError::NotReached)?;
        // It ends with the answer, or when the sender is dropped.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(sender)
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn call<A: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        ask: &A,
    ) -> Result<T, CallError> {
        let body = serde_json::to_vec(ask).map_err(|_| CallError::NotReached)?;
        let request = Request::post(path)
            .header("host", "amana")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| CallError::NotReached)?;
        let mut sender = self.connect().await?;
        let answer = async {
            let answer = sender.send_request(request).await.ok()?;
            if answer.status() != StatusCode::OK {
                return None;
            }
            let body =
                Limited::new(answer.into_body(), limits::ROLE_ANSWER_BYTES_MAX).collect().await.ok()?;
            serde_json::from_slice(&body.to_bytes()).ok()
        };
        timeout(self.time, answer).await.ok().flatten().ok_or(CallError::InDoubt)
    }
}
