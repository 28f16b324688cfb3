//! Time is an argument: nothing below the binary asks the system for it.

pub use jiff::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};

/// A source of the present instant.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}

/// Microseconds since the epoch, the form in which both stores keep an instant.
#[must_use]
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant of so many microseconds since the epoch; an impossible number becomes the nearest possible instant.
#[must_use]
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// A clock that stands until it is moved: for tests, the simulator and anything replayed.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(micros(at)))
    }
    /// Moves the clock by so many seconds.
    pub fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
    /// Moves the clock by so many milliseconds.
    pub fn advance_ms(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds.saturating_mul(1_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        from_micros(self.0.load(Ordering::SeqCst))
    }
}
