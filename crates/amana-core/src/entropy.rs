//! Randomness is an argument: nothing below the binary asks the system for it.

use ring::digest::{SHA256, digest};
use std::sync::Mutex;

/// A source of random bytes. What comes out makes ids, tokens and keys, so the real one is the operating system's.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// `N` random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N]
    where
        Self: Sized,
    {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

impl dyn Entropy + '_ {
    /// `N` random bytes.
    #[must_use]
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

/// Repeatable bytes from a seed, for tests and simulation: SHA-256(seed ‖ counter), block after block.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: Mutex<u64>,
}

impl SeededEntropy {
    /// The source of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut counter = self.counter.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in buffer.chunks_mut(32) {
            let mut block = [0u8; 16];
            let (seed, count) = block.split_at_mut(8);
            seed.copy_from_slice(&self.seed.to_be_bytes());
            count.copy_from_slice(&counter.to_be_bytes());
            *counter = counter.wrapping_add(1);
            let hash = digest(&SHA256, &block);
            for (to, from) in chunk.iter_mut().zip(hash.as_ref()) {
                *to = *from;
            }
        }
    }
}
