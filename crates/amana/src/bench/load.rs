//! Open-loop load: what is due when, by whom it is sent, and how long it took since it was due.

use super::{Plan, progress, seconds};
use crate::limits::{BENCH_DIGITS, BENCH_WAIT_US_MAX};
use hdrhistogram::Histogram;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Waits, from when a thing was due until it was done.
#[derive(Clone)]
pub(crate) struct Waits(Arc<Mutex<Histogram<u64>>>);

impl Waits {
    /// None yet.
    ///
    /// # Errors
    /// Never with these bounds; the histogram's own word is passed on.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let histogram = Histogram::new_with_bounds(1, BENCH_WAIT_US_MAX, BENCH_DIGITS)?;
        Ok(Self(Arc::new(Mutex::new(histogram))))
    }

    /// One more. What is longer than can be told apart counts as the longest.
    pub(crate) fn add(&self, wait: Duration) {
        let us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX).max(1);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(us);
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The wait below which this share of them lies, in microseconds.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).value_at_quantile(share)
    }
}

/// When things are due: the nth at the start and n spans of time. The first ones warm up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    started: Instant,
    per_second: f64,
    warm: u64,
    /// How many there are in all.
    pub(crate) total: u64,
}

impl Schedule {
    /// From now on, at so many requests a second as bring the plan's events when each holds `events`.
    pub(crate) fn of(plan: &Plan, events: u32) -> Self {
        let per_second = f64::from(plan.rate) / f64::from(events.max(1));
        let count = |s: u32| -> u64 {
            let whole = u64::from(plan.rate) * u64::from(s);
            whole.div_ceil(u64::from(events.max(1)))
        };
        let warm = count(plan.warm_up);
        Self { started: Instant::now(), per_second, warm, total: warm + count(plan.seconds).max(1) }
    }

    /// When the nth is due.
    pub(crate) fn due(&self, n: u64) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "below 2^53 requests")]
        let after = n as f64 / self.per_second;
        self.started + Duration::try_from_secs_f64(after).unwrap_or_default()
    }

    /// Whether the nth is timed.
    pub(crate) fn timed(&self, n: u64) -> bool {
        n >= self.warm
    }
}

/// Has `senders` tasks do what is due, each one thing at a time. `one` is told the number of the thing and of the
/// sender.
///
/// # Errors
/// The first error of any of them: a load that is not what was said is no measurement.
pub(crate) async fn offer<F, Fut>(
    plan: &Plan,
    schedule: Schedule,
    senders: u16,
    waits: &Waits,
    one: F,
) -> anyhow::Result<()>
where
    F: Fn(u64, u16) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..senders {
        let (next, one, waits) = (next.clone(), one.clone(), waits.clone());
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= schedule.total {
                    return anyhow::Ok(());
                }
                let due = schedule.due(n);
                // The timer's grain is a millisecond: what is due sooner than that is done at once rather than late.
                if due > Instant::now() + Duration::from_millis(1) {
                    tokio::time::sleep_until(due.into()).await;
                }
                one(n, sender).await?;
                if schedule.timed(n) {
                    waits.add(Instant::now().saturating_duration_since(due));
                }
            }
        });
    }
    let total = schedule.total;
    let quiet = plan.quiet;
    let mut ticks = tokio::time::interval(seconds(5));
    ticks.tick().await;
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => return Ok(()),
                Some(ended) => ended??,
            },
            _ = ticks.tick() => {
                let begun = next.load(Ordering::Relaxed).min(total);
                let p99 = waits.quantile(0.99) / 1_000;
                progress(quiet, &format!("  {begun} of {total} requests begun; 99 % of the timed within {p99} ms"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rate: u32) -> Plan {
        Plan {
            rate,
            seconds: 1,
            warm_up: 0,
            customers: 1,
            pages: 1,
            connections: 1,
            batch: 1,
            change_every: 0,
            quiet: true,
        }
    }

    /// One sender that stalls once for 300 ms at a hundred a second: thirty things were due meanwhile, and their waits
    /// are of the stall, though each was quick once it was begun.
    #[tokio::test]
    async fn a_stall_is_in_the_waits_of_all_that_was_due_meanwhile() {
        let plan = plan(100);
        let waits = Waits::new().expect("bounds");
        let stall = |n: u64, _| async move {
            if n == 20 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            Ok(())
        };
        offer(&plan, Schedule::of(&plan, 1), 1, &waits, stall).await.expect("offered");
        assert_eq!(waits.count(), 100);
        assert!(waits.quantile(0.80) >= 50_000, "{} µs", waits.quantile(0.80));
        assert!(waits.quantile(1.0) >= 290_000);
    }

    #[tokio::test]
    async fn an_error_is_no_measurement() {
        let plan = plan(100);
        let waits = Waits::new().expect("bounds");
        let fails = |n: u64, _| async move { if n == 3 { anyhow::bail!("refused") } else { Ok(()) } };
        assert!(offer(&plan, Schedule::of(&plan, 1), 2, &waits, fails).await.is_err());
    }

    #[test]
    fn requests_bring_the_events_that_were_asked_for() {
        let mut plan = plan(1_000);
        plan.warm_up = 2;
        let schedule = Schedule::of(&plan, 300);
        assert_eq!(schedule.total, 7 + 4);
        assert!(!schedule.timed(6) && schedule.timed(7));
        let gap = schedule.due(8).duration_since(schedule.due(7));
        assert!(gap > Duration::from_millis(299) && gap < Duration::from_millis(301));
    }
}
