//! The log and the metrics.

use crate::config::Log;
use crate::limits;
use amana_store::Store;
use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal as _;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Sends the log to standard error. Standard output stays free for what a command answers.
///
/// # Errors
/// When the filter is none, or a log is set up already.
pub(crate) fn log(log: &Log) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.level)
        .with_context(|| format!("the log level `{}` is not a level", log.level))?;
    let colours = std::io::stderr().is_terminal();
    let to =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let done = if log.json { to.json().flatten_event(true).try_init() } else { to.try_init() };
    done.map_err(|e| anyhow::anyhow!("the log cannot be set up: {e}"))
}

/// Installs the recorder of this process's metrics.
///
/// # Errors
/// When there is one already.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().context("the metrics cannot be set up")
}

/// Keeps the gauges of waiting rows, until stopped.
pub(crate) async fn keep_gauges(store: Arc<dyn Store>, handle: PrometheusHandle, stop: CancellationToken) {
    let mut counting = tokio::time::interval(limits::GAUGES_EVERY);
    let mut tidying = tokio::time::interval(limits::METRICS_UPKEEP_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tidying.tick() => handle.run_upkeep(),
            _ = counting.tick() => match store.counts().await {
                Ok(counts) => {
                    for (name, value) in [
                        ("amana_inbox_waiting", counts.inbox_waiting),
                        ("amana_inbox_failed", counts.inbox_failed),
                        ("amana_outbox_open", counts.outbox_open),
                        ("amana_outbox_held", counts.outbox_held),
                        ("amana_outbox_dead", counts.outbox_dead),
                        ("amana_links_active", counts.links_active),
                        ("amana_receipts", counts.receipts),
                    ] {
                        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^53")]
                        metrics::gauge!(name).set(value as f64);
                    }
                    metrics::gauge!("amana_store_up").set(1.0);
                }
                Err(error) => {
                    metrics::gauge!("amana_store_up").set(0.0);
                    tracing::warn!(%error, "the waiting rows could not be counted");
                }
            },
        }
    }
}
