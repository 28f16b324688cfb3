//! What is over is swept away, customers whose time is over are erased, and what is kept is reported.

use crate::gateway::Gateway;
use crate::limits::{RETENTION_EVERY, SWEEP_AGAIN, SWEEP_EVERY};
use amana_store::{Command, DataKind, Outcome};
use std::sync::Arc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

impl Gateway {
    /// Works until the token is cancelled. Beside the jobs, which wait for no sweep and no count of all there is; and
    /// sweeps wait for no erasure.
    pub(crate) async fn run_retention(self: Arc<Self>, stop: CancellationToken) {
        tokio::join!(self.run_sweeps(&stop), self.run_keeping(&stop));
    }

    async fn run_sweeps(&self, stop: &CancellationToken) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(sweep.tick()).await.is_some() {
            if self.shards.keeps_cell() && self.sweep().await {
                // More is over than one sweep takes: else what comes faster would be kept for ever.
                sweep.reset_after(SWEEP_AGAIN);
            }
        }
    }

    async fn run_keeping(&self, stop: &CancellationToken) {
        let mut keeping = tokio::time::interval(RETENTION_EVERY);
        keeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(keeping.tick()).await.is_some() {
            if self.shards.keeps_cell() {
                self.keep_retention(stop).await;
            } else {
                // What is overdue is another node's to say now. It may come to this one meanwhile.
                for kind in DataKind::ALL {
                    metrics::gauge!("amana_retention_overdue_seconds", "kind" => kind.as_str()).set(0.0);
                }
                keeping.reset_after(SWEEP_EVERY);
            }
        }
    }

    /// Whether there is more than it took.
    async fn sweep(&self) -> bool {
        self.reconcile_deliveries().await;
        let sweep = Command::Sweep { now: self.now(), keep: *self.store.retention() };
        match self.store.submit(vec![sweep]).await {
            Ok(outcomes) => outcomes == [Outcome::More],
            Err(error) => {
                tracing::warn!(%error, "what is over could not be swept away");
                false
            }
        }
    }

    /// Reports what is kept, and erases customers who have had no link for long.
    async fn keep_retention(&self, stop: &CancellationToken) {
        self.report_retention().await;
        match self.erase_idle(stop).await {
            Ok(0) => {}
            Ok(erased) => {
                tracing::info!(erased, "customers without a link were erased: their time is over");
                self.report_retention().await;
            }
            Err(error) => tracing::warn!(%error, "customers whose time is over could not be erased"),
        }
    }

    async fn report_retention(&self) {
        let report = match self.store.retention_report().await {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(%error, "what is kept could not be counted");
                return;
            }
        };
        let (now, keep) = (self.now(), self.store.retention());
        for holding in report.holdings {
            let kind = holding.kind.as_str();
            let oldest_s = holding.oldest.map_or(0, |at| now.as_second().saturating_sub(at.as_second()));
            let overdue_s = holding.overdue_s(now, keep);
            let days = holding.kind.days(keep);
            let (rows, removed) = (holding.rows, holding.removed_total);
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^53")]
            {
                metrics::gauge!("amana_retention_rows", "kind" => kind).set(rows as f64);
                metrics::gauge!("amana_retention_oldest_seconds", "kind" => kind).set(oldest_s as f64);
                metrics::gauge!("amana_retention_overdue_seconds", "kind" => kind).set(overdue_s as f64);
                metrics::gauge!("amana_retention_removed_rows", "kind" => kind).set(removed as f64);
            }
            tracing::info!(kind, days, rows, oldest_s, overdue_s, removed, "retention");
        }
    }
}
