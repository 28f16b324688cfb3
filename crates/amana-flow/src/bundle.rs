//! The customer's bundle: every receipt, and the proof that these are all (`docs/disclosure-log.md`).

use crate::disclosure_log::{Proofs, blocking, broken};
use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::limits::{BUNDLE_RECEIPTS_MAX, BUNDLE_TRIES, BUNDLE_WAIT, LOG_PAGE};
use crate::session::Browser;
use amana_core::{Clusters, CustomerId, InstitutionId, Shard};
use amana_gate::{ReceiptDraft, ReceiptKind, Recipient};
use amana_log::bundle::{Parts, SegmentPart, build};
use amana_log::entry::{Entry, IndexLeaf};
use amana_log::index::{IndexTree, SegmentIndex};
use amana_log::limits::TILE_WIDTH;
use amana_log::note::Note;
use amana_log::tiles::TreeReader;
use amana_store::{Command, CustomerPlace, LogSegment};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Gateway {
    /// The bundle of the customer who is signed in, as JSON. That they fetched it is a receipt first, and is in it.
    /// `since` is the size of the checkpoint that they saved last.
    ///
    /// # Errors
    /// When the session is over, or store or log fail.
    pub async fn bundle(&self, cookie: &str, since: Option<u64>) -> Result<String, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        Ok(self
            .bundle_of(&viewer.institution, viewer.shard, viewer.customer, Recipient::Customer, since)
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
        since: Option<u64>,
    ) -> Result<String, FlowError> {
        let look = self.look_by(institution, by, "bundle");
        self.store.submit(vec![Command::Record { shard, customer, receipt: look }]).await?;
        self.proof_of(shard, customer, since).await
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

    fn look_by(&self, institution: &InstitutionId, by: Recipient, what: &str) -> ReceiptDraft {
        ReceiptDraft {
            kind: ReceiptKind::View,
            institution: institution.clone(),
            agreement: None,
            consent: None,
            purpose: None,
            clusters: Clusters::default(),
            channel: None,
            recipient: by,
            form: None,
            template: Some(what.to_owned()),
            payload_sha256: None,
            policy_set_sha256: None,
            decided_at: self.now(),
        }
    }

    /// The bundle of a customer, without a receipt of its own: for whoever has recorded the look already.
    pub(crate) async fn proof_of(
        &self,
        shard: Shard,
        customer: CustomerId,
        since: Option<u64>,
    ) -> Result<String, FlowError> {
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
        self.built(shard, customer, since).await
    }

    async fn built(
        &self,
        shard: Shard,
        customer: CustomerId,
        since: Option<u64>,
    ) -> Result<String, FlowError> {
        let Some((size, note)) = self.store.log_checkpoint().await? else {
            return Err(broken("there is no checkpoint yet; try again in a second"));
        };
        let key = self.store.log_key(shard, customer).await?;
        let key = key.ok_or(FlowError::Unreadable("customer"))?;
        let mut receipts = Vec::new();
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        loop {
            let from = u64::try_from(receipts.len()).unwrap_or(u64::MAX) + 1;
            if from > BUNDLE_RECEIPTS_MAX {
                return Err(broken("there are more receipts than a bundle may hold"));
            }
            let page = self.store.receipts(shard, customer, from, LOG_PAGE).await?;
            let covered: Vec<_> = page.into_iter().take_while(|r| r.log_index < size).collect();
            if covered.is_empty() {
                break;
            }
            for receipt in covered {
                let place: Place =
                    serde_json::from_slice(&receipt.bytes).map_err(|_| FlowError::Unreadable("receipt"))?;
                counts.insert(place.segment, place.n);
                receipts.push((receipt.log_index, receipt.bytes));
            }
        }
        let ended: Vec<LogSegment> =
            self.store.log_segments(0).await?.into_iter().filter(|s| s.last < size - 1).collect();
        // The open segment of the checkpoint: its last leaf is an index entry of it.
        let open = ended.last().map_or(0, |s| s.segment + 1);
        let first = ended.last().map_or(0, |s| s.last + 1);
        // From the first receipt on no segment may be left out: one could hold a receipt that is withheld.
        let from = counts.first_key_value().map_or(0, |(segment, _)| *segment);
        for segment in from..=open {
            counts.entry(segment).or_insert(0);
        }
        let tree = self.open_index(open, first, size - 1).await?;
        let vkey = self.log.parts.signer.verifier().clone();
        let tiles = Arc::clone(&self.log.parts.tiles);
        let since = since.filter(|old| *old <= size);
        blocking(move || {
            let checkpoint = Note::parse(&note).map_err(broken)?;
            let mut segments = Vec::new();
            for (segment, count) in counts {
                let end = ended.iter().find(|s| s.segment == segment).map(|s| s.last);
                segments.push(SegmentPart {
                    segment,
                    count,
                    index: end.unwrap_or(size - 1),
                    open: if end.is_some() { None } else { Some(&tree) },
                });
            }
            let parts = Parts { vkey: &vkey, checkpoint: &checkpoint, key: &key, segments, receipts, since };
            build(&*tiles, parts).and_then(|bundle| bundle.to_json()).map_err(broken)
        })
        .await
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
