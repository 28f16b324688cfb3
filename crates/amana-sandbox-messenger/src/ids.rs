//! Identifiers, all drawn from the injected random source.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A source of random bytes. The binary passes the operating system's; a test passes a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer with random bytes.
    fn fill(&self, buf: &mut [u8]);
}

/// The random source of a running simulator: the injected one, or a generator with a seed.
pub(crate) struct Random {
    outer: std::sync::Arc<dyn Entropy>,
    seeded: std::sync::Mutex<Option<Generator>>,
}

/// Blocks of SHA-256 over seed and counter.
struct Generator {
    seed: u64,
    counter: u64,
}

impl Random {
    pub(crate) fn new(outer: std::sync::Arc<dyn Entropy>) -> Self {
        Self { outer, seeded: std::sync::Mutex::new(None) }
    }

    /// From now on everything is drawn from this seed, or from the injected source again.
    pub(crate) fn seed(&self, seed: Option<u64>) {
        let mut seeded = self.seeded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *seeded = seed.map(|seed| Generator { seed, counter: 0 });
    }

    /// With a seed, a source that depends on the seed and these words alone, so that the ids of one conversation
    /// do not depend on what others do meanwhile; without one, the injected source.
    pub(crate) fn at(&self, words: &[&str]) -> Self {
        let seeded = self.seeded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let derived = seeded.as_ref().map(|generator| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &generator.seed.to_be_bytes());
            let tag = ring::hmac::sign(&key, words.join("\0").as_bytes());
            let seed = tag.as_ref().iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
            Generator { seed, counter: 0 }
        });
        Self { outer: std::sync::Arc::clone(&self.outer), seeded: std::sync::Mutex::new(derived) }
    }
}

impl Entropy for Random {
    fn fill(&self, buf: &mut [u8]) {
        let mut seeded = self.seeded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(generator) = seeded.as_mut() else { return self.outer.fill(buf) };
        for chunk in buf.chunks_mut(32) {
            let mut block = Vec::with_capacity(16);
            block.extend_from_slice(&generator.seed.to_be_bytes());
            block.extend_from_slice(&generator.counter.to_be_bytes());
            generator.counter = generator.counter.wrapping_add(1);
            let hash = ring::digest::digest(&ring::digest::SHA256, &block);
            for (to, from) in chunk.iter_mut().zip(hash.as_ref()) {
                *to = *from;
            }
        }
    }
}

fn token<const N: usize>(entropy: &dyn Entropy) -> String {
    let mut raw = [0_u8; N];
    entropy.fill(&mut raw);
    URL_SAFE_NO_PAD.encode(raw)
}

fn number(entropy: &dyn Entropy) -> u64 {
    let mut raw = [0_u8; 8];
    entropy.fill(&mut raw);
    u64::from_le_bytes(raw)
}

/// A message id: `m_` and 80 base64url characters.
pub(crate) fn mid(entropy: &dyn Entropy) -> String {
    format!("m_{}", token::<60>(entropy))
}

/// A page-scoped id: 16 or 17 digits.
pub(crate) fn psid(entropy: &dyn Entropy) -> String {
    (1_000_000_000_000_000 + number(entropy) % 90_000_000_000_000_000).to_string()
}

/// The id of a registered template: digits, as Graph objects have.
pub(crate) fn object_id(entropy: &dyn Entropy) -> String {
    psid(entropy)
}

/// The trace id Meta puts into every error.
pub(crate) fn trace(entropy: &dyn Entropy) -> String {
    format!("A{}", token::<16>(entropy))
}

/// An opaque account linking token.
pub(crate) fn link_token(entropy: &dyn Entropy) -> String {
    token::<48>(entropy)
}

/// The challenge of a webhook verification. The documentation shows an integer.
pub(crate) fn challenge(entropy: &dyn Entropy) -> String {
    (number(entropy) % 9_000_000_000 + 1_000_000_000).to_string()
}
