//! The listening side: so many connections at once, and none that holds its place without saying anything.

use crate::limits;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Until a request's head is there, and between two requests.
    pub(crate) head: Duration,
    /// Connections at once.
    pub(crate) connections: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { head: limits::HEAD_TIME, connections: limits::CONNECTIONS_MAX }
    }
}

/// Where connections come from.
pub(crate) trait Accept: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// The next one.
    fn next(&self) -> impl Future<Output = std::io::Result<Self::Stream>> + Send;
}

impl Accept for TcpListener {
    type Stream = tokio::net::TcpStream;
    async fn next(&self) -> std::io::Result<Self::Stream> {
        let (stream, _) = self.accept().await?;
        // Small answers must not wait for more to be sent.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

#[cfg(unix)]
impl Accept for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;
    async fn next(&self) -> std::io::Result<Self::Stream> {
        Ok(self.accept().await?.0)
    }
}

/// Serves HTTP/1.1 until `soft`, then finishes the requests that are begun. Dropping it closes every connection.
pub(crate) async fn serve<L: Accept>(listener: L, router: Router, soft: CancellationToken, bounds: Bounds) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head);
    let places = Arc::new(Semaphore::new(bounds.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // It is never closed; and without a place nothing is accepted.
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.next().await)
        };
        let (place, accepted) = tokio::select! {
            () = soft.cancelled() => break,
            // The tasks that ended are let go of, so that the set does not grow.
            Some(_) = connections.join_next() => continue,
            next = next => next,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            // The other side was gone before it was its turn.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
                ) =>
            {
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted: check the limit of open files");
                tokio::time::sleep(limits::ACCEPT_REST).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service).into_owned());
        connections.spawn(async move {
            if let Err(error) = connection.await {
                // Too slow, broken off, or not HTTP: the other side's affair.
                tracing::debug!(error, "a connection ended early");
            }
            drop(place);
        });
    }
    // Nobody new.
    drop(listener);
    graceful.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    const LONG: Duration = Duration::from_secs(20);

    struct Server {
        at: SocketAddr,
        soft: CancellationToken,
        task: JoinHandle<()>,
    }

    async fn server(bounds: Bounds) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let soft = CancellationToken::new();
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            "slow"
        };
        let router = Router::new().route("/healthz", get(|| async { "ok" })).route("/slow", get(slow));
        let task = tokio::spawn(serve(listener, router, soft.clone(), bounds));
        Server { at, soft, task }
    }

    async fn says(at: SocketAddr, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(at).await.expect("connected");
        stream.write_all(bytes).await.expect("written");
        stream
    }

    /// Everything until the other side closes.
    async fn rest(mut stream: TcpStream) -> String {
        let mut all = Vec::new();
        // A reset is an end as well.
        let _ = timeout(LONG, stream.read_to_end(&mut all)).await.expect("it is closed in time");
        String::from_utf8_lossy(&all).into_owned()
    }

    fn ask(path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
    }

    #[tokio::test]
    async fn half_open_connections_are_closed_and_others_are_answered_meanwhile() {
        let server = server(Bounds { head: Duration::from_millis(800), connections: 64 }).await;
        let silent = says(server.at, b"").await;
        let half = says(server.at, b"GET /healthz HTTP/1.1\r\nhost: x\r\n").await;
        let kept = says(server.at, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(rest(says(server.at, &ask("/healthz")).await).await.ends_with("ok"));
        for stream in [&silent, &half] {
            // Still there: what was answered did not wait for their end.
            assert_eq!(stream.try_read(&mut [0]).map_err(|e| e.kind()), Err(ErrorKind::WouldBlock));
        }
        assert!(!rest(half).await.contains("200 OK"));
        assert_eq!(rest(silent).await, "");
        assert!(rest(kept).await.ends_with("ok"), "an idle connection is closed as well");
    }

    #[tokio::test]
    async fn who_finds_no_place_waits_for_one() {
        let server = server(Bounds { head: Duration::from_millis(800), connections: 2 }).await;
        let first = says(server.at, b"GET").await;
        let second = says(server.at, b"").await;
        // Both places are held by those who say nothing; the third is served when they are closed.
        assert!(rest(says(server.at, &ask("/healthz")).await).await.ends_with("ok"));
        let mut byte = [0];
        assert!(first.try_read(&mut byte).is_ok() || second.try_read(&mut byte).is_ok(), "one had to go");
    }

    #[tokio::test]
    async fn a_soft_stop_finishes_what_is_begun_and_takes_nothing_new() {
        let server = server(Bounds { head: LONG, connections: 8 }).await;
        let begun = says(server.at, &ask("/slow")).await;
        let idle = says(server.at, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.soft.cancel();
        assert!(rest(begun).await.ends_with("slow"));
        assert!(rest(idle).await.ends_with("ok"), "a connection without a request does not hold the end up");
        timeout(LONG, server.task).await.expect("it ends").expect("well");
        assert!(TcpStream::connect(server.at).await.is_err());
    }
}
