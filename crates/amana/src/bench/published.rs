//! How long an entry of the disclosure log waits for a published checkpoint.

use super::load::Waits;
use crate::limits::{BENCH_DRAIN, BENCH_LOOK};
use amana_flow::Gateway;
use amana_log::checkpoint::Checkpoint;
use amana_log::note::Note;
use amana_store::Store;
use anyhow::Context as _;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A look at the log every few milliseconds, from beside: how far the database is, how far the signed checkpoint that
/// is served. What is new in the database since the last look is taken to be durable since just after that look, which
/// makes waits longer by at most the time between two looks, never shorter.
pub(crate) struct Published {
    waits: Waits,
    settled: Arc<AtomicBool>,
}

impl Published {
    /// Looks until told to stop.
    ///
    /// # Errors
    /// When the histogram cannot be made.
    pub(crate) fn watch(
        store: Arc<dyn Store>,
        gateway: Arc<Gateway>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let waits = Waits::new()?;
        let settled = Arc::new(AtomicBool::new(false));
        let seen = Self { waits: waits.clone(), settled: settled.clone() };
        tasks.spawn(async move {
            // What was there before is not measured.
            let (mut known, mut waiting) = (None, VecDeque::new());
            let mut before = Instant::now();
            while !stop.is_cancelled() {
                let look = Instant::now();
                // What cannot be read now is read at the next look; the wait goes on meanwhile.
                if let Ok(head) = store.log_head().await {
                    // The keeper's own entry is none that waits.
                    let keepers = head
                        .reserved
                        .is_some_and(|own| known == Some(own.log_index) && own.log_index + 1 == head.size);
                    if !keepers && known.is_some_and(|known| head.size > known) {
                        settled.store(false, Ordering::Relaxed);
                        waiting.push_back((head.size, before));
                    }
                    known = Some(head.size);
                    before = look;
                }
                let served = served(&gateway).await.unwrap_or_default();
                while let Some((size, since)) = waiting.front().copied()
                    && size <= served
                {
                    waiting.pop_front();
                    waits.add(since.elapsed());
                }
                settled.store(waiting.is_empty(), Ordering::Relaxed);
                tokio::time::sleep(BENCH_LOOK).await;
            }
        });
        Ok(seen)
    }

    /// The waits, each look at which there was something new counting once; none at all if an entry is not published
    /// long after the load has ended.
    pub(crate) async fn all(&self) -> Waits {
        let ended = Instant::now();
        // What came last has been seen after two looks.
        let mut looks = 0_u8;
        while ended.elapsed() < BENCH_DRAIN {
            looks = if self.settled.load(Ordering::Relaxed) { looks + 1 } else { 0 };
            if looks > 10 {
                return self.waits.clone();
            }
            tokio::time::sleep(BENCH_LOOK).await;
        }
        Waits::new().unwrap_or_else(|_| self.waits.clone())
    }
}

/// The size of the checkpoint that `GET /log/checkpoint` answers with.
async fn served(gateway: &Gateway) -> anyhow::Result<u64> {
    let file = gateway.log_file("checkpoint").await?.context("nothing is published yet")?;
    let note = Note::parse(std::str::from_utf8(&file.bytes)?)?;
    Ok(Checkpoint::parse(note.text())?.size)
}
