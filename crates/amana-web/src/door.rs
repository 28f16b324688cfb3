//! How many people a second may begin what asks a bank or the platform: whoever comes may, so all together have a
//! bound.

use amana_core::{Timestamp, micros};
use std::sync::atomic::{AtomicI64, Ordering};

/// A token bucket, kept as the instant (in microseconds) at which it will be full again.
#[derive(Debug)]
pub(crate) struct Door {
    full_at: AtomicI64,
    interval: i64,
    burst: i64,
}

impl Door {
    /// `rate` a second in the long run, `burst` at once.
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        Self {
            full_at: AtomicI64::new(i64::MIN),
            interval: 1_000_000 / i64::from(rate.max(1)),
            burst: i64::from(burst),
        }
    }

    /// Whether one more may come in now.
    pub(crate) fn admits(&self, now: Timestamp) -> bool {
        let now = micros(now);
        let latest = now.saturating_add(self.interval.saturating_mul(self.burst));
        let step = |full_at: i64| {
            // Later than it can be: the clock was set back, and the door must not be closed until it is there again.
            let from = if full_at > latest { now } else { full_at.max(now) };
            let next = from.saturating_add(self.interval);
            (next <= latest).then_some(next)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_then_the_rate_and_a_clock_set_back_does_not_close_it_for_long() {
        let at: Timestamp = "2026-11-24T10:00:00Z".parse().expect("an instant");
        let door = Door::new(2, 3);
        let come = |at: Timestamp| (0..10).filter(|_| door.admits(at)).count();
        assert_eq!(come(at), 3);
        assert_eq!(come(at + Duration::from_millis(400)), 0);
        assert_eq!(come(at + Duration::from_millis(1_000)), 2);
        assert_eq!(come(at + Duration::from_secs(60)), 3);
        let back = at - Duration::from_secs(3_600);
        assert_eq!(come(back), 3);
        assert_eq!(come(back + Duration::from_millis(1_000)), 2);
    }
}
