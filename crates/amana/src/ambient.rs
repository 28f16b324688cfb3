//! The real clock and the operating system's randomness. Nothing else in the house asks for either.

use amana_core::{Clock, Entropy, Timestamp};

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the real clock is made")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsEntropy;

impl OsEntropy {
    fn draw(buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            // Keys and tokens would be guessable. The system has no randomness to give, so nothing here can go on.
            tracing::error!(
                "the operating system gives no randomness; nothing can be kept secret without it"
            );
            std::process::abort();
        }
    }

    /// Random bytes as hexadecimal digits.
    pub(crate) fn hex<const N: usize>() -> String {
        let mut bytes = [0; N];
        Self::draw(&mut bytes);
        hex::encode(bytes)
    }
}

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        Self::draw(buffer);
    }
}

impl amana_sandbox_bank::Entropy for OsEntropy {
    fn fill(&self, out: &mut [u8]) {
        Self::draw(out);
    }
}

impl amana_sandbox_messenger::Entropy for OsEntropy {
    fn fill(&self, buf: &mut [u8]) {
        Self::draw(buf);
    }
}
