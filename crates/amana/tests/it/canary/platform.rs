//! A platform that keeps every byte that came to it.

use super::marks::{Class, text};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A request that came.
pub(crate) struct Came {
    /// Method, address and headers, without the two that carry our secrets by design.
    pub(crate) head: String,
    pub(crate) body: Bytes,
}

#[derive(Default)]
pub(crate) struct Platform {
    pub(crate) url: String,
    pub(crate) came: Mutex<Vec<Came>>,
    /// Every so many messages are refused for a while, with a value in the complaint; 0: none.
    pub(crate) fails: AtomicUsize,
    count: AtomicUsize,
}

impl Platform {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let platform = Arc::new(Self { url, ..Self::default() });
        let app = axum::Router::new().fallback(serve).with_state(Arc::clone(&platform));
        tokio::spawn(async move { axum::serve(listener, app).await });
        platform
    }

    /// Messages that came for a person, the newest last.
    pub(crate) fn to(&self, psid: &str) -> Vec<Value> {
        let needle = format!("\"{psid}\"");
        let came = self.came.lock().expect("lock");
        let texts = came.iter().filter_map(|c| std::str::from_utf8(&c.body).ok());
        texts.filter(|t| t.contains(&needle)).filter_map(|t| serde_json::from_str(t).ok()).collect()
    }
}

async fn serve(State(platform): State<Arc<Platform>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let count = platform.count.fetch_add(1, Ordering::SeqCst);
    let every = platform.fails.load(Ordering::SeqCst);
    let message = head.uri.path().ends_with("/messages") && body.windows(9).any(|w| w == b"\"message\"");
    let (status, said) = if message && every > 0 && count.is_multiple_of(every) {
        let complaint = text(Class::Complaint, 98, count);
        let error = json!({"message": complaint, "type": "OAuthException", "code": 1200, "fbtrace_id": complaint,
            "error_user_title": complaint, "error_user_msg": complaint, "is_transient": true});
        (400, json!({"error": error}))
    } else if message {
        (200, json!({"recipient_id": "x", "message_id": format!("m_{count}")}))
    } else {
        (200, json!({"success": true}))
    };
    let mut shown = format!("{} {}\n", head.method, head.uri);
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != "authorization") {
        shown.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    platform.came.lock().expect("lock").push(Came { head: shown, body });
    Response::builder()
        .status(StatusCode::from_u16(status).expect("a status"))
        .body(Body::from(said.to_string()))
        .expect("an answer")
}
