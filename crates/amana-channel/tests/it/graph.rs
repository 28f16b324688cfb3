//! A Graph API on a loopback port that records what it was asked and answers as it was told.

use amana_channel::{AppCredentials, Messenger, MessengerConfig, PageConfig, PageToken, Timeouts};
use amana_core::{
    Address, ChannelId, Content, Entropy, KillSwitches, MessageId, Psid, Secret, SeededEntropy, Timestamp,
};
use amana_gate::{AgentWords, DataKey, Facts, Gate, Released, StandardPolicy};
use amana_render::Encoding;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) const PAGE: &str = "1001";
pub(crate) const PERSON: &str = "24601246012460124";
pub(crate) const TOKEN: &str = "PAGETOKEN";

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) raw_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a json body")
    }
}

/// An answer, after a while.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) after: Duration,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), after: Duration::ZERO }
    }
    pub(crate) fn ok(body: &Value) -> Self {
        Self::new(200, body.to_string())
    }
    pub(crate) fn error(code: i64, sub: Option<i64>) -> Self {
        let error = json!({"message": "(#1) words", "type": "OAuthException", "code": code, "error_subcode": sub,
            "fbtrace_id": "A1"});
        Self::new(400, json!({ "error": error }).to_string())
    }
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
    pub(crate) fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

#[derive(Default)]
struct Inner {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

/// The server. Without an answer that was put in, it says that it sent the message.
#[derive(Clone)]
pub(crate) struct Graph {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Graph {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let graph = Self { url, inner: Arc::default() };
        let app = axum::Router::new().fallback(answer).with_state(graph.clone());
        let app = app.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, app).await });
        graph
    }
    pub(crate) fn then(&self, answer: Answer) {
        self.inner.lock().expect("lock").answers.push_back(answer);
    }
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner.lock().expect("lock").asked.clone()
    }
    pub(crate) fn messenger(&self) -> Messenger {
        messenger(&self.url)
    }
}

async fn answer(
    State(graph): State<Graph>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let raw_query = uri.query().unwrap_or_default().to_owned();
    let query = url_pairs(&raw_query);
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query,
        raw_query,
        headers,
        body: body.to_vec(),
    };
    let answer = {
        let mut inner = graph.inner.lock().expect("lock");
        inner.asked.push(asked);
        inner.answers.pop_front()
    };
    let answer = answer.unwrap_or_else(|| Answer::ok(&json!({"recipient_id": PERSON, "message_id": "m_1"})));
    tokio::time::sleep(answer.after).await;
    let mut response = (StatusCode::from_u16(answer.status).expect("status"), answer.body).into_response();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().expect("header"));
    }
    response
}

fn url_pairs(query: &str) -> BTreeMap<String, String> {
    let url = format!("http://x/?{query}").parse::<url::Url>().expect("a query");
    url.query_pairs().into_owned().collect()
}

/// A server that takes one whole request per connection, writes `answer` as it is and drops the connection.
pub(crate) async fn raw_server(answer: &'static [u8]) -> (String, Arc<Mutex<u32>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Arc::new(Mutex::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut seen = Vec::new();
            let mut buffer = [0u8; 4096];
            // The body is the end of every send: `"}}`.
            while !seen.ends_with(b"\"}}") {
                match socket.read(&mut buffer).await {
                    Ok(n) if n > 0 => seen.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            *count.lock().expect("lock") += 1;
            let _ = socket.write_all(answer).await;
        }
    });
    (url, requests)
}

pub(crate) fn config(url: &str) -> MessengerConfig {
    MessengerConfig {
        graph_url: url.parse().expect("url"),
        graph_version: "v26.0".to_owned(),
        app_id: "4242".to_owned(),
        app: Some(AppCredentials::of_secret("4242", &Secret::new("APPSECRET"))),
        pages: vec![page_config(TOKEN)],
        timeouts: Timeouts { connect: Duration::from_millis(500), call: Duration::from_millis(1500) },
    }
}

/// The page with this token, and what the app's secret makes of it.
pub(crate) fn page_config(token: &str) -> PageConfig {
    let token = PageToken::new(Secret::new(token));
    PageConfig { id: page(), proof: token.proof(&Secret::new("APPSECRET")), token }
}

pub(crate) fn messenger(url: &str) -> Messenger {
    Messenger::new(config(url)).expect("a configuration")
}

pub(crate) fn page() -> ChannelId {
    ChannelId::new(PAGE).expect("id")
}

pub(crate) fn address() -> Address {
    Address { channel: page(), psid: Psid::new(PERSON).expect("id") }
}

pub(crate) fn message_id() -> MessageId {
    MessageId::from_bytes(*b"0123456789abcdef")
}

/// A message that may leave, by the gate's own way.
pub(crate) fn released(content: &Content, to: &Address) -> Released {
    released_as(content, to, Encoding::MessengerUpdate)
}

/// What a human wrote, outside the window.
pub(crate) fn released_of_agent(text: &str, to: &Address, persona: &str) -> Released {
    let entropy = SeededEntropy::new(7);
    let entropy: &dyn Entropy = &entropy;
    let (gate, key) = (Gate::new(DataKey::generate(entropy)), DataKey::generate(entropy));
    let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("instant");
    let words = AgentWords {
        by: "api:huda",
        text,
        media: None,
        persona: Some(persona),
        last_inbound: now,
        links: &[],
    };
    let row = gate.agent(words, None, to, message_id(), now, &key, entropy).expect("written").row;
    gate.release_agent(row, &[], &KillSwitches::default(), now, &key).expect("released")
}

/// The same in another encoding.
pub(crate) fn released_as(content: &Content, to: &Address, encoding: Encoding) -> Released {
    let entropy = SeededEntropy::new(7);
    let entropy: &dyn Entropy = &entropy;
    let (gate, key) = (Gate::new(DataKey::generate(entropy)), DataKey::generate(entropy));
    let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("instant");
    let disclosure = gate.plain(content, to, encoding, message_id(), now, &key, entropy).expect("encodable");
    let facts = Facts { agreement: None, consent: None, kills: &KillSwitches::default(), now };
    gate.release(disclosure.row, &facts, &StandardPolicy, &key).expect("released")
}
