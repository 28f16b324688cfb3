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
    /// The process is not there, or did not understand what it was given: surely nothing was done.
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
            // What cannot be read is turned away before anything is done with it.
            if answer.status().is_client_error() {
                return Some(Err(CallError::NotReached));
            }
            if answer.status() != StatusCode::OK {
                return None;
            }
            let body =
                Limited::new(answer.into_body(), limits::ROLE_ANSWER_BYTES_MAX).collect().await.ok()?;
            serde_json::from_slice(&body.to_bytes()).ok().map(Ok)
        };
        timeout(self.time, answer).await.ok().flatten().unwrap_or(Err(CallError::InDoubt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::post;

    /// Only what may have been done is in doubt: a message that a process turned away was sent to nobody.
    #[tokio::test]
    async fn what_was_turned_away_was_not_done_and_what_broke_may_have_been() {
        let keep = tempfile::tempdir().expect("a folder");
        let socket = keep.path().join("peer.sock");
        let peer = Peer::new(socket.clone(), Duration::from_secs(5));
        assert_eq!(peer.call::<_, u8>("/bad", &1).await, Err(CallError::NotReached), "nobody is there");
        let router = Router::new()
            .route("/bad", post(async || axum::http::StatusCode::BAD_REQUEST))
            .route("/large", post(async || axum::http::StatusCode::PAYLOAD_TOO_LARGE))
            .route("/broken", post(async || axum::http::StatusCode::INTERNAL_SERVER_ERROR))
            .route("/odd", post(async || "what?"))
            .route("/good", post(async || "7"));
        let listener = tokio::net::UnixListener::bind(&socket).expect("listens");
        tokio::spawn(async move { axum::serve(listener, router).await });
        for (path, answer) in [
            ("/bad", Err(CallError::NotReached)),
            ("/large", Err(CallError::NotReached)),
            ("/broken", Err(CallError::InDoubt)),
            ("/odd", Err(CallError::InDoubt)),
            ("/good", Ok(7)),
        ] {
            assert_eq!(peer.call::<_, u8>(path, &1).await, answer, "{path}");
        }
    }
}
