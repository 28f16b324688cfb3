//! The customer's bundle: every receipt, and the proof that these are all (`docs/disclosure-log.md`). Who has more than
//! fits into one is given several parts; each is made anew from the store, nothing is kept between them.

use crate::disclosure_log::{Proofs, blocking, broken};
use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::limits::{BUNDLE_RECEIPTS_MAX, BUNDLE_SEGMENTS_MAX, BUNDLE_TRIES, BUNDLE_WAIT, LOG_PAGE};
use crate::session::Browser;
use amana_core::{CustomerId, InstitutionId, Shard};
use amana_gate::{ReceiptDraft, ReceiptKind, Recipient};
use amana_log::bundle::{After, Parts, Receipts, SegmentPart, build};
use amana_log::entry::{Entry, IndexLeaf};
use amana_log::index::{IndexTree, SegmentIndex};
use amana_log::limits::TILE_WIDTH;
use amana_log::note::Note;
use amana_log::tiles::TreeReader;
use amana_store::{Command, CustomerPlace, LogSegment, StoredReceipt};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which bundle is asked for.
#[derive(Debug, Clone, Copy)]
pub struct BundleAsk {
    /// The size of the checkpoint that the customer saved last; one that is larger than the log is not proved.
    pub since: Option<u64>,
    /// For a later part: the number of the last receipt that was shown, and the segment in which the part before ended.
    /// Where there is no such place, the bundle begins with the first receipt, and its verifier says so.
    pub after: Option<(u64, u64)>,
    /// Receipts in one part, at least 2: each part that is fetched is a receipt itself.
    pub receipts: usize,
    /// Segments in one part, at least 2: the next one begins with the last of them.
    pub segments: u64,
}

impl Default for BundleAsk {
    fn default() -> Self {
        Self { since: None, after: None, receipts: BUNDLE_RECEIPTS_MAX, segments: BUNDLE_SEGMENTS_MAX }
    }
}

impl BundleAsk {
    /// What is asked for from a saved checkpoint of this size on.
    #[must_use]
    pub fn since(size: u64) -> Self {
        Self { since: Some(size), ..Self::default() }
    }
}

/// A bundle, or a part of one.
#[derive(Debug)]
pub struct BundlePart {
    /// Its JSON.
    pub json: String,
    /// What to ask for next; `None` when this was the last part.
    pub next: Option<BundleAsk>,
}

impl Gateway {
    /// The bundle of the customer who is signed in. That they fetched it is a receipt first, and is in it.
    ///
    /// # Errors
    /// When the session is over, or store or log fail.
    pub async fn bundle(&self, cookie: &str, ask: BundleAsk) -> Result<BundlePart, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        Ok(self
            .bundle_of(&viewer.institution, viewer.shard, viewer.customer, Recipient::Customer, ask)
            .await?)
    }

    /// The bundle of a customer, for themselves or for whoever may act for them (an operator on their request): `by` is
    /// who looks, and stands in the customer's receipts. As [`Gateway::bundle`].
    ///
    /// # Errors
    /// When there is no such customer, or store or log fail.
    pub async fn bundle_of(
        &self,
        institution: &InstitutionId,
        shard: Shard,
        customer: CustomerId,
        by: Recipient,
        ask: BundleAsk,
    ) -> Result<BundlePart, FlowError> {
        let look = self.look_by(institution, by, "bundle");
        self.store.submit(vec![Command::Record { shard, customer, receipt: look }]).await?;
        self.proof_of(shard, customer, ask).await
    }

    /// Puts on record that somebody of the institution looked at what this customer was told (`audit reconcile`).
    ///
    /// # Errors
    /// When there is no such customer, or the store fails. Then nothing may be shown.
    pub async fn record_reconciliation(&self, place: &CustomerPlace, by: String) -> Result<(), FlowError> {
        let receipt = self.look_by(&place.institution, Recipient::Agent(by), "reconcile");
        let (shard, customer) = (place.shard, place.id);
        self.store.submit(vec![Command::Record { shard, customer, receipt }]).await?;
        Ok(())
    }

    /// The receipt of a look at what is kept of a customer, or of a change of how they look, by themselves or somebody
    /// of the bank: `what` is a stable word.
    pub(crate) fn look_by(&self, institution: &InstitutionId, by: Recipient, what: &str) -> ReceiptDraft {
        ReceiptDraft {
            template: Some(what.to_owned()),
            ..ReceiptDraft::bare(ReceiptKind::View, institution.clone(), by, self.now())
        }
    }

    /// The bundle of a customer, without a receipt of its own: for whoever has recorded the look already.
    pub(crate) async fn proof_of(
        &self,
        shard: Shard,
        customer: CustomerId,
        ask: BundleAsk,
    ) -> Result<BundlePart, FlowError> {
        // A round brings what is durable now into a checkpoint; where witnesses are slow, the next ones do.
        for _ in 0..BUNDLE_TRIES {
            self.log_round().await?;
            let receipts = self.store.receipts_before(shard, customer, None, 1).await?;
            let published = self.store.log_checkpoint().await?.map_or(0, |(size, _)| size);
            if receipts.first().is_none_or(|newest| newest.log_index < published) {
                break;
            }
            tokio::time::sleep(BUNDLE_WAIT).await;
        }
        self.built(shard, customer, ask).await
    }

    async fn built(
        &self,
        shard: Shard,
        customer: CustomerId,
        ask: BundleAsk,
    ) -> Result<BundlePart, FlowError> {
        let Some((size, note)) = self.store.log_checkpoint().await? else {
            return Err(broken("there is no checkpoint yet; try again in a second"));
        };
        let key = self.store.log_key(shard, customer).await?;
        let key = key.ok_or(FlowError::Unreadable("customer"))?;
        let ended: Vec<LogSegment> =
            self.store.log_segments(0).await?.into_iter().filter(|s| s.last < size - 1).collect();
        // The open segment of the checkpoint: its last leaf is an index entry of it.
        let open = ended.last().map_or(0, |s| s.segment + 1);
        let first = ended.last().map_or(0, |s| s.last + 1);
        let begins = |segment| match ended.iter().find(|s| s.segment == segment) {
            Some(ended) => Some(ended.first),
            None => (segment == open).then_some(first),
        };
        let after = self.place_after(shard, customer, ask.after, (size, begins)).await?;
        let from = after.map_or(0, |after| after.segment);
        // No segment may be left out, from the first one on: it could hold a receipt that is withheld, or all that
        // there was before a history was begun anew.
        let cut = open.min(from.saturating_add(ask.segments.max(2) - 1));
        let begin = after.map_or(1, |after| after.seq.saturating_add(1));
        let (receipts, behind) =
            self.receipts_of_part(shard, customer, (begin, cut, size), ask.receipts).await?;
        let to = behind.map_or(cut, |segment| segment.min(cut));
        let more = behind.is_some() || cut < open;

        let mut counts: BTreeMap<u64, u64> = (from..=to).map(|segment| (segment, 0)).collect();
        if let Some(after) = after {
            counts.insert(after.segment, after.count);
        }
        let mut shown = begin - 1;
        let mut bytes: Receipts = Vec::with_capacity(receipts.len());
        for (receipt, place) in receipts {
            counts.insert(place.segment, place.n);
            shown = receipt.seq;
            bytes.push((receipt.log_index, receipt.bytes));
        }
        let tree = if more { None } else { Some(self.open_index(open, first, size - 1).await?) };
        let vkey = self.log.parts.signer.verifier().clone();
        let tiles = Arc::clone(&self.log.parts.tiles);
        let since = ask.since.filter(|old| *old <= size);
        let json = blocking(move || {
            let checkpoint = Note::parse(&note).map_err(broken)?;
            let mut segments = Vec::new();
            for (segment, count) in counts {
                let end = ended.iter().find(|s| s.segment == segment).map(|s| s.last);
                segments.push(SegmentPart {
                    segment,
                    count,
                    index: end.unwrap_or(size - 1),
                    open: tree.as_deref().filter(|_| end.is_none()),
                });
            }
            let parts = Parts {
                vkey: &vkey,
                checkpoint: &checkpoint,
                key: &key,
                segments,
                receipts: bytes,
                since,
                after,
                more,
            };
            build(&*tiles, parts).and_then(|bundle| bundle.to_json()).map_err(broken)
        })
        .await?;
        let next = more.then_some(BundleAsk { since: Some(size), after: Some((shown, to)), ..ask });
        Ok(BundlePart { json, next })
    }

    /// Where a later part begins, or `None` where there is no such place in what the checkpoint covers.
    async fn place_after(
        &self,
        shard: Shard,
        customer: CustomerId,
        after: Option<(u64, u64)>,
        (size, begins): (u64, impl Fn(u64) -> Option<u64>),
    ) -> Result<Option<After>, FlowError> {
        let Some((seq, segment)) = after else { return Ok(None) };
        let Some(first) = begins(segment) else { return Ok(None) };
        // The receipt itself and the one behind it, in whose segment the place must not lie already.
        let around = self.store.receipts(shard, customer, seq.max(1), 2).await?;
        let next = around.iter().find(|receipt| Some(receipt.seq) == seq.checked_add(1));
        if let Some(next) = next.filter(|next| next.log_index < size)
            && place(next)?.segment < segment
        {
            return Ok(None);
        }
        if seq == 0 {
            return Ok(Some(After { seq, hash: [0; 32], from: 0, segment, first, count: 0 }));
        }
        let Some(last) = around.iter().find(|receipt| receipt.seq == seq && receipt.log_index < size) else {
            return Ok(None);
        };
        let Place { segment: own, n } = place(last)?;
        let count = if own == segment { n } else { 0 };
        let after = After {
            seq,
            hash: amana_core::ids::sha256(&[&last.bytes]),
            from: last.log_index.saturating_add(1),
            segment,
            first,
            count,
        };
        Ok((own <= segment).then_some(after))
    }

    /// The receipts of a part: from number `begin` on, those that the checkpoint covers and that lie in a segment up to
    /// `cut`, at most `most`. And, where more of them follow, the segment of the next one.
    async fn receipts_of_part(
        &self,
        shard: Shard,
        customer: CustomerId,
        (begin, cut, size): (u64, u64, u64),
        most: usize,
    ) -> Result<(Vec<(StoredReceipt, Place)>, Option<u64>), FlowError> {
        let mut receipts: Vec<(StoredReceipt, Place)> = Vec::new();
        let most = most.max(2);
        let mut from = begin;
        loop {
            let page = self.store.receipts(shard, customer, from, LOG_PAGE.min(most + 1)).await?;
            if page.is_empty() {
                return Ok((receipts, None));
            }
            for receipt in page {
                if receipt.log_index >= size {
                    return Ok((receipts, None));
                }
                let place = place(&receipt)?;
                if place.segment > cut || receipts.len() == most {
                    return Ok((receipts, Some(place.segment)));
                }
                from = receipt.seq.saturating_add(1);
                receipts.push((receipt, place));
            }
        }
    }

    /// The index of the open segment from its first entry up to (without) `end`. The keeper has it in memory; where it
    /// is further on or not there yet, it is read from the log's tiles. Made one at a time, and shared by those who ask
    /// for the same: the tree of a full segment takes a hundred megabytes.
    async fn open_index(&self, segment: u64, first: u64, end: u64) -> Result<Arc<IndexTree>, FlowError> {
        let mut made = self.log.proofs.lock().await;
        let same = made.as_ref().filter(|made| (made.segment, made.end) == (segment, end));
        if let Some(tree) = same.and_then(|made| made.tree.upgrade()) {
            return Ok(tree);
        }
        let tree = match self.log.index_of(segment, first, end).await {
            Some(index) => blocking(move || Ok(index.tree(end))).await?,
            None => self.read_index(segment, first, end).await?,
        };
        let tree = Arc::new(tree);
        *made = Some(Proofs { segment, end, tree: Arc::downgrade(&tree) });
        Ok(tree)
    }

    /// The same, from the log's tiles.
    async fn read_index(&self, segment: u64, first: u64, end: u64) -> Result<IndexTree, FlowError> {
        let tiles = Arc::clone(&self.log.parts.tiles);
        blocking(move || {
            let reader = TreeReader::new(&*tiles, end + 1);
            let mut index = SegmentIndex::new(segment, first);
            let mut leaves = Vec::new();
            for bundle in first / TILE_WIDTH..end.div_ceil(TILE_WIDTH) {
                let entries = reader.entries(bundle).map_err(broken)?;
                for (entry, log_index) in entries.iter().zip(bundle * TILE_WIDTH..) {
                    if !(first..end).contains(&log_index) {
                        continue;
                    }
                    if let Entry::Receipt { label, .. } = Entry::decode(entry).map_err(broken)? {
                        leaves.push(IndexLeaf { label, log_index });
                    }
                }
            }
            index.add(leaves).map_err(broken)?;
            Ok(index.into_tree())
        })
        .await
    }
}

/// Where a receipt says that it stands.
#[derive(serde::Deserialize)]
struct Place {
    segment: u64,
    n: u64,
}

fn place(receipt: &StoredReceipt) -> Result<Place, FlowError> {
    serde_json::from_slice(&receipt.bytes).map_err(|_| FlowError::Unreadable("receipt"))
}
