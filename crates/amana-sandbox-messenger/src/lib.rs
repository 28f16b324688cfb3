//! A simulator of the Messenger Platform: the Graph API and the webhooks of Facebook Pages over real HTTP, with
//! a chat page for the person at the other end.
//!
//! What is **not** here: anything of Amana. This crate knows Meta's protocol only, so that the gateway is
//! tested against what Meta documents and not against itself. Also not here: private replies, marketing messages,
//! calls, and the templates `product`, `instant_form` and
//! `customer_information`; calls to them get an error that says so.
//!
//! Faults, the virtual clock, the seed and the chaos mode are moved by a control API: `docs/sandbox-messenger.md`.
//!
//! As strict as what it stands for: limits, windows, tags, tokens and error shapes are Meta's; where Meta's
//! text is silent or contradicts itself the stricter reading is taken. Time and randomness are arguments.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # struct Os; impl amana_sandbox_messenger::Entropy for Os { fn fill(&self, _: &mut [u8]) {} }
//! use amana_sandbox_messenger::{MessengerConfig, PageConfig, serve};
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let base = format!("http://{}/", listener.local_addr()?).parse()?;
//! let pages = vec![PageConfig::new("1001", "Meridian Bank", "page-token")];
//! let config = MessengerConfig::new(base, "2002", "app-secret", pages);
//! let clock = std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
//! serve(listener, config, clock, std::sync::Arc::new(Os), Default::default()).await?;
//! # Ok(()) }
//! ```

mod actions;
mod acts;
mod callbacks;
mod chaos;
mod chat;
mod config;
mod control;
mod error;
mod faults;
mod graph;
mod hub;
mod ids;
mod limits;
mod linking;
mod model;
mod routing;
mod settings;
mod store;
mod usage;
mod webhook;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{MessengerConfig, PageConfig};
pub use error::Error;
pub use hub::Clock;
pub use ids::Entropy;

/// Runs the simulator on `listener` until `shutdown` is cancelled, then ends the live streams, finishes open
/// requests and stops. Waiting webhooks stay stored and go out at the next start.
///
/// # Errors
/// [`Error::Config`] for a configuration that cannot work, [`Error::DataDir`], [`Error::Store`] and
/// [`Error::Document`] for a state that cannot be loaded, [`Error::Serve`] when the listener fails.
pub async fn serve(
    listener: TcpListener,
    config: MessengerConfig,
    clock: Clock,
    entropy: Arc<dyn Entropy>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let hub = hub::Hub::open(config, clock, entropy, shutdown.clone())?;
    verify_configured_callback(&hub);
    let app = Router::new()
        .merge(chat::routes())
        .merge(control::routes())
        .route("/messenger/account_linking", get(linking::come_back))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .merge(
            Router::new()
                .route("/{version}/{*path}", any(graph::handle))
                .fallback(graph::handle)
                .layer(DefaultBodyLimit::max(limits::MULTIPART_BYTES)),
        )
        .with_state(Arc::clone(&hub));
    let served = axum::serve(listener, app).with_graceful_shutdown(shutdown.clone().cancelled_owned()).await;
    // A failed listener ends the rest too.
    shutdown.cancel();
    hub.tasks.close();
    if tokio::time::timeout(limits::STOP_WAIT, hub.tasks.wait()).await.is_err() {
        tracing::warn!("webhook deliveries did not end in time");
    }
    served.map_err(Error::Serve)
}

/// Meta verifies a callback when the dashboard is saved (1.1). Ours comes from the configuration, and the
/// gateway may start after us: so the handshake is tried in the background, and its outcome is shown by `GET
/// /control/webhooks`.
fn verify_configured_callback(hub: &Arc<hub::Hub>) {
    let Some(callback) = hub.config.webhook_url.as_ref().map(ToString::to_string) else { return };
    let hub = Arc::clone(hub);
    hub.tasks.clone().spawn(async move {
        let shutdown = hub.shutdown.clone();
        let _ = shutdown
            .run_until_cancelled(async {
                for delay in limits::RETRY_DELAYS {
                    let outcome = webhook::handshake(&hub, &callback, &hub.config.verify_token).await;
                    let _ = hub.with(|inner, _| inner.data.callback_verified = Some(outcome.is_ok()));
                    match outcome {
                        Ok(()) => return,
                        Err(why) => tracing::debug!(why, "the configured callback is not verified yet"),
                    }
                    tokio::time::sleep(delay.max(Duration::from_millis(200))).await;
                }
                tracing::warn!("the configured callback did not pass its verification");
            })
            .await;
    });
}
