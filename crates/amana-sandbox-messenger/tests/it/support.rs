//! One simulator, one recording webhook receiver, one client.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use amana_sandbox_messenger::{Entropy, Error, MessengerConfig, PageConfig, serve};
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const APP_ID: &str = "1900000000000001";
pub(crate) const SECRET: &str = "app-secret";
pub(crate) const PAGE: &str = "1001";
pub(crate) const TOKEN: &str = "token-1001";
pub(crate) const OTHER: &str = "1002";
pub(crate) const FIELDS: &str = "messages,messaging_postbacks,message_echoes,message_deliveries,message_reads,messaging_account_linking,\
     messaging_handovers,standby,message_reactions,message_edits,messaging_referrals,messaging_policy_enforcement,\
     message_template_status_update";
/// Longest wait of a test for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes that only depend on the seed.
pub(crate) struct Seeded(pub(crate) AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, buf: &mut [u8]) {
        for byte in buf {
            let n = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (n ^ (n >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = mixed.to_be_bytes()[1];
        }
    }
}

/// One recorded webhook.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) sha256: String,
    pub(crate) sha1: String,
    pub(crate) raw: Vec<u8>,
    pub(crate) json: Value,
    pub(crate) at: Instant,
}

impl Hook {
    pub(crate) fn item(&self) -> &Value {
        &self.json["entry"][0]["messaging"][0]
    }
}

#[derive(Default)]
struct Receiver {
    hooks: Mutex<Vec<Hook>>,
    status: AtomicU16,
    delay_ms: AtomicU64,
}

pub(crate) struct Rig {
    pub(crate) base: String,
    pub(crate) client: reqwest::Client,
    receiver: Arc<Receiver>,
    stop: CancellationToken,
    server: Option<JoinHandle<Result<(), Error>>>,
}

impl Rig {
    /// A fresh simulator in memory, subscribed to everything.
    pub(crate) async fn new() -> Self {
        Self::with(None, |_| {}).await
    }

    pub(crate) async fn with(dir: Option<PathBuf>, change: impl FnOnce(&mut MessengerConfig)) -> Self {
        let receiver = Arc::new(Receiver { status: AtomicU16::new(200), ..Receiver::default() });
        let hooks = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback = format!("http://{}/webhooks/messenger", hooks.local_addr().unwrap());
        let app = axum::Router::new()
            .route("/webhooks/messenger", get(verify).post(record))
            .with_state(Arc::clone(&receiver));
        tokio::spawn(async move { axum::serve(hooks, app).await });

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let pages = [(PAGE, "Meridian Bank", TOKEN), (OTHER, "Cedar Credit Union", "token-1002")].map(
            |(id, name, token)| {
                let mut page = PageConfig::new(id, name, token);
                page.subscribed_fields = FIELDS.split(',').map(str::to_owned).collect();
                page
            },
        );
        let mut config = MessengerConfig::new(base.parse().unwrap(), APP_ID, SECRET, pages.to_vec());
        config.webhook_url = Some(callback.parse().unwrap());
        config.webhook_timeout = Duration::from_secs(3);
        config.verify_token = "verify-me".to_owned();
        config.data_dir = dir;
        change(&mut config);
        let stop = CancellationToken::new();
        let started = Instant::now();
        let clock = Arc::new(move || {
            let start = jiff::Timestamp::from_second(1_795_500_000).unwrap();
            start + jiff::SignedDuration::try_from(started.elapsed()).unwrap()
        });
        let entropy = Arc::new(Seeded(AtomicU64::new(7)));
        let server = tokio::spawn(serve(listener, config, clock, entropy, stop.clone()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self { base, client, receiver, stop, server: Some(server) }
    }

    /// Stops the simulator and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let server = self.server.take().unwrap();
        tokio::time::timeout(PATIENCE, server).await.expect("the simulator stops").unwrap().unwrap();
    }

    pub(crate) fn answer_with(&self, status: u16) {
        self.receiver.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn answer_after(&self, delay: Duration) {
        self.receiver.delay_ms.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn hooks(&self) -> Vec<Hook> {
        self.receiver.hooks.lock().unwrap().clone()
    }

    /// Waits until `enough` of the recorded webhooks satisfy the test, and returns those.
    pub(crate) async fn wait(&self, enough: usize, test: impl Fn(&Value) -> bool) -> Vec<Hook> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found: Vec<_> = self.hooks().into_iter().filter(|h| test(h.item())).collect();
            if found.len() >= enough {
                return found;
            }
            assert!(
                Instant::now() < until,
                "{enough} webhooks awaited, {} came: {:?}",
                found.len(),
                self.hooks()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until no webhook is pending.
    pub(crate) async fn idle(&self) {
        let until = Instant::now() + PATIENCE;
        while self.get("/control/webhooks").await["pending"] != 0 {
            assert!(Instant::now() < until, "webhooks stay pending");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.client
            .post(format!("{}{path}", self.base))
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// A Graph call with the page token; status and body.
    pub(crate) async fn graph(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/v26.0/{path}{mark}access_token={TOKEN}", self.base);
        let mut request = self.client.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A Graph call's answer with its headers.
    pub(crate) async fn graph_headers(&self, path: &str) -> HeaderMap {
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/v26.0/{path}{mark}access_token={TOKEN}", self.base);
        self.client.get(url).send().await.unwrap().headers().clone()
    }

    /// Waits until the control API's answer satisfies the test.
    pub(crate) async fn until(&self, path: &str, test: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let got = self.get(path).await;
            if test(&got) {
                return got;
            }
            assert!(Instant::now() < until, "{path} stays {got}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The person writes; returns the page-scoped id.
    pub(crate) async fn say(&self, user: &str, text: &str) -> String {
        let said =
            self.post(&format!("/control/users/{user}/say"), json!({"page": PAGE, "text": text})).await;
        assert!(said["mid"].is_string(), "{said}");
        self.psid(user).await
    }

    pub(crate) async fn psid(&self, user: &str) -> String {
        self.get(&format!("/control/threads/{PAGE}/{user}")).await["psid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn thread(&self, user: &str) -> Value {
        self.get(&format!("/control/threads/{PAGE}/{user}")).await
    }

    /// A send to the page-scoped id with this message.
    pub(crate) async fn send(&self, psid: &str, message: Value) -> (u16, Value) {
        let body = json!({"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": message});
        self.graph("POST", "me/messages", Some(body)).await
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn verify(Query(query): Query<std::collections::HashMap<String, String>>) -> (StatusCode, String) {
    if query.get("hub.verify_token").map(String::as_str) == Some("verify-me")
        && query["hub.mode"] == "subscribe"
    {
        return (StatusCode::OK, query["hub.challenge"].clone());
    }
    (StatusCode::FORBIDDEN, String::new())
}

async fn record(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let hook = Hook {
        sha256: text("x-hub-signature-256"),
        sha1: text("x-hub-signature"),
        raw: body.to_vec(),
        json: serde_json::from_slice(&body).unwrap(),
        at: Instant::now(),
    };
    receiver.hooks.lock().unwrap().push(hook);
    tokio::time::sleep(Duration::from_millis(receiver.delay_ms.load(Ordering::SeqCst))).await;
    StatusCode::from_u16(receiver.status.load(Ordering::SeqCst)).unwrap()
}
