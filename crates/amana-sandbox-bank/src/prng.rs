//! A small seeded generator for made-up history. Never for secrets: those come from [`crate::Entropy`].

use ring::digest;

/// SplitMix64 (Steele, Lea, Flood 2014), seeded by hashing labels: the same labels give the same numbers.
pub(crate) struct Prng(u64);

impl Prng {
    /// A generator for exactly this sequence of labels.
    pub(crate) fn labelled(labels: &[&str]) -> Self {
        let hash = hash_labels(labels);
        Self(hash.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn range(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).unsigned_abs().saturating_add(1);
        // The bias of the remainder is below 2^-40 for the spans used here.
        let offset = i64::try_from(self.next() % span).unwrap_or(0);
        low.saturating_add(offset)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.range(1, 100) <= percent
    }

    /// One of the items, or `None` if there are none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let last = i64::try_from(items.len()).ok()?.checked_sub(1)?;
        items.get(usize::try_from(self.range(0, last)).ok()?)
    }
}

fn hash_labels(labels: &[&str]) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    for label in labels {
        context.update(label.as_bytes());
        context.update(&[0]);
    }
    context.finish().as_ref().to_vec()
}

/// An identifier that is the same for the same labels: `prefix` and 24 hexadecimal digits.
pub(crate) fn stable_id(prefix: &str, labels: &[&str]) -> String {
    let hash = hash_labels(labels);
    let short: Vec<u8> = hash.into_iter().take(12).collect();
    format!("{prefix}{}", hex::encode(short))
}
