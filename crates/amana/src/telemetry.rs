//! The log and the metrics.

use crate::ambient::{OsEntropy, SystemClock};
use crate::config::{Log, Settings};
use crate::limits;
use crate::traces::{self, Spans};
use amana_store::Store;
use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal as _;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends the log to standard error. Standard output stays free for what a command answers.
///
/// # Errors
/// When the filter is none, or a log is set up already.
pub(crate) fn log(log: &Log) -> anyhow::Result<()> {
    log_and_spans(log, None)
}

/// The same, and spans to the collector of the settings, if there is one. Call it within a runtime.
///
/// # Errors
/// As [`log`].
pub(crate) fn log_and_traces(
    settings: &Settings,
    service: &'static str,
) -> anyhow::Result<Option<Exporting>> {
    let Some(to) = settings.traces.clone() else {
        log(&settings.log)?;
        return Ok(None);
    };
    let (spans, exporter) = traces::new(to, service, Arc::new(SystemClock), Arc::new(OsEntropy));
    log_and_spans(&settings.log, Some(spans))?;
    let stop = CancellationToken::new();
    let task = tokio::spawn(exporter.run(stop.clone()));
    Ok(Some(Exporting { stop, task }))
}

/// Spans that are being brought away.
pub(crate) struct Exporting {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Exporting {
    /// Brings the rest away, within a moment.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(limits::TRACES_CALL, self.task).await;
    }
}

fn log_and_spans(log: &Log, spans: Option<Spans>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)
        .with_context(|| format!("the log level `{}` is not a level", log.level))?;
    let to = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let spans = spans
        .map(|spans| spans.with_filter(filter_fn(traces::is_ours).with_max_level_hint(LevelFilter::INFO)));
    // Each has its own filter: what the log leaves out may be a span, and no span is in the log.
    let filter = filter.and(filter_fn(may_speak).with_max_level_hint(LevelFilter::TRACE));
    let registry = tracing_subscriber::registry().with(spans);
    let done = if log.json {
        registry.with(to.json().flatten_event(true).with_filter(filter)).try_init()
    } else {
        registry.with(to.with_filter(filter)).try_init()
    };
    done.map_err(|e| anyhow::anyhow!("the log cannot be set up: {e}"))
}

/// Other people's libraries log what they send and what is asked of a database, below `info`. Ours are written so that
/// they name nothing protected at any level.
fn may_speak(event: &tracing::Metadata<'_>) -> bool {
    let quiet_enough = *event.level() <= tracing::Level::INFO || event.target().starts_with("amana");
    quiet_enough && !traces::is_ours(event)
}

/// Installs the recorder of this process's metrics.
///
/// # Errors
/// When there is one already.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("amana_stage_seconds".to_owned()), &limits::STAGE_BUCKETS_S)
        .context("the metrics' buckets cannot be set up")?
        .install_recorder()
        .context("the metrics cannot be set up")
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
                    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; the queue is bounded far below 2^53")]
                    metrics::gauge!("amana_writer_waiting").set(store.writer_waiting() as f64);
                    for (name, value) in [
                        ("amana_inbox_waiting", counts.inbox_waiting),
                        ("amana_inbox_failed", counts.inbox_failed),
                        ("amana_outbox_open", counts.outbox_open),
                        ("amana_outbox_held", counts.outbox_held),
                        ("amana_outbox_dead", counts.outbox_dead),
                        ("amana_news_waiting", counts.news_waiting),
                        ("amana_links_active", counts.links_active),
                        ("amana_receipts", counts.receipts),
                        ("amana_jobs_dead", counts.jobs_dead),
                        ("amana_alarms_open", counts.alarms_open),
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
