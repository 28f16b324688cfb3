//! Identifiers, all drawn from the injected random source.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A source of random bytes. The binary passes the operating system's; a test passes a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer with random bytes.
    fn fill(&self, buf: &mut [u8]);
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
