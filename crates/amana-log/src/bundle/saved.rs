//! What a customer keeps of a bundle that was verified, for the next one to be held against.

use serde::{Deserialize, Serialize};

use super::{Bundle, hash, whole};
use crate::LogError;
use crate::checkpoint::Checkpoint;
use crate::merkle::{Hash, sha256};
use crate::note::Note;

/// Up to where a customer's receipts were shown: the next part of a bundle begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The number of the last receipt; 0 before the first.
    #[serde(with = "whole")]
    pub seq: u64,
    /// The hash of its bytes, which the next one's `prev` says; zeros before the first.
    #[serde(with = "hash")]
    pub hash: Hash,
    /// The log index behind it: the next receipt lies there or later.
    #[serde(with = "whole")]
    pub from: u64,
    /// The last segment that was shown. What is before it was shown whole.
    #[serde(with = "whole")]
    pub segment: u64,
    /// Where that segment begins.
    #[serde(with = "whole")]
    pub first: u64,
    /// The receipts of it that were shown.
    #[serde(with = "whole")]
    pub count: u64,
}

/// Whose receipts, and up to where they were shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mine {
    /// SHA-256 of the customer's key: what must be the same in every bundle of theirs.
    #[serde(with = "hash")]
    pub who: Hash,
    /// Up to where.
    pub at: After,
}

/// What is kept of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The checkpoint's size.
    #[serde(with = "whole")]
    pub size: u64,
    /// The checkpoint's root.
    #[serde(with = "hash")]
    pub root: Hash,
    /// Whose receipts; `None` where a checkpoint alone was kept.
    #[serde(default)]
    pub mine: Option<Mine>,
}

impl From<(u64, Hash)> for Saved {
    fn from((size, root): (u64, Hash)) -> Self {
        Self { size, root, mine: None }
    }
}

impl Saved {
    /// What is to be kept of a bundle or, where the text is a signed note, of a bare checkpoint. Nothing is verified:
    /// the caller says that they did.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn read(text: &str) -> Result<Self, LogError> {
        let bundle = text.trim_start().starts_with('{').then(|| Bundle::parse(text)).transpose()?;
        let note = Note::parse(bundle.as_ref().map_or(text, |bundle| bundle.checkpoint.as_str()))?;
        let Checkpoint { size, root, .. } = Checkpoint::parse(note.text())?;
        Ok(Self { size, root, mine: bundle.and_then(|bundle| bundle.mine()) })
    }
}

impl Bundle {
    /// Whose receipts these are, and up to where they go; `None` where no segment is listed.
    pub(super) fn mine(&self) -> Option<Mine> {
        let segment = self.segments.last()?;
        let before = self.after;
        let more = u64::try_from(self.receipts.len()).ok()?;
        let last = self.receipts.last();
        let at = After {
            seq: before.map_or(0, |after| after.seq).checked_add(more)?,
            hash: last.map_or(before.map_or([0; 32], |after| after.hash), |last| sha256(&last.receipt)),
            from: match last {
                Some(last) => last.log_index.checked_add(1)?,
                None => before.map_or(0, |after| after.from),
            },
            segment: segment.segment,
            first: segment.first,
            count: segment.count,
        };
        Some(Mine { who: sha256(&self.key), at })
    }
}
