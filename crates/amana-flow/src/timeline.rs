//! The timeline of the privacy page: which receipts are shown, and how much there was of each purpose.

use crate::egress::UNKNOWN;
use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{SCAN_PAGE, SCAN_RECEIPTS_MAX, TIMELINE_MAX};
use crate::privacy::{Read, TimelineEntry};
use crate::session::SignedIn;
use amana_core::{Consent, ConsentId, Purpose, Shard, Timestamp};
use amana_gate::{NEWS_TICKET_HOURS, ReceiptKind, Subject};
use amana_store::{Link, StoredReceipt};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// What a person looks for on the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// What the platform was told, or was meant to be told.
    Told,
    /// What was refused.
    Refused,
    /// Consents given and taken back, and erasure.
    Consents,
    /// Looks at the data.
    Looks,
    /// Messages in the chat that are not of ours.
    Others,
}

impl Looked {
    /// All, in the order of the page.
    pub const ALL: &'static [Self] = &[Self::Told, Self::Refused, Self::Consents, Self::Looks, Self::Others];

    /// The word in an address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Refused => "refused",
            Self::Consents => "consents",
            Self::Looks => "looks",
            Self::Others => "others",
        }
    }

    fn takes(self, kind: ReceiptKind) -> bool {
        match kind {
            ReceiptKind::Disclosure => self == Self::Told,
            ReceiptKind::Denial => self == Self::Refused,
            ReceiptKind::Consent | ReceiptKind::Revocation | ReceiptKind::Erasure => self == Self::Consents,
            ReceiptKind::View => self == Self::Looks,
            ReceiptKind::Sighting => self == Self::Others,
            ReceiptKind::Outcome => false,
        }
    }
}

/// Which part of the timeline is asked for; the default is the newest of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimelineFilter {
    /// Only what was for this purpose.
    pub purpose: Option<Purpose>,
    /// Only entries of this kind.
    pub kind: Option<Looked>,
    /// Only what was decided then or later. The totals count from here, too.
    pub since: Option<Timestamp>,
    /// Only entries before this receipt.
    pub before: Option<u64>,
}

impl TimelineFilter {
    fn takes(&self, read: &Read) -> bool {
        read.kind != ReceiptKind::Outcome
            && self.kind.is_none_or(|kind| kind.takes(read.kind))
            && (self.purpose.is_none() || self.purpose == read.purpose)
    }
}

/// When something was last told under a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastTold {
    /// The newest that the platform took.
    At(Timestamp),
    /// Not among the newest receipts, and there are older ones that were not looked through.
    NotLately,
}

/// How often something happened for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurposeTotal {
    /// The purpose.
    pub purpose: Purpose,
    /// Messages that the platform took.
    pub told: usize,
    /// Messages that the platform may have: they were tried, and no answer and no echo came.
    pub unknown: usize,
    /// Refusals, before or after a message was made.
    pub refused: usize,
    /// Messages of which the record does not say yet what became of them: they are on their way.
    pub open: usize,
}

/// How much there was, over all purposes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Each purpose for which there was anything.
    pub purposes: Vec<PurposeTotal>,
    /// Looks at the data.
    pub looks: usize,
    /// The receipt before which nothing was counted, because there is too much of it.
    pub counted_from: Option<u64>,
}

/// Each consent with the link on which it rests.
pub(crate) type Chats = HashMap<ConsentId, Link>;

impl Gateway {
    /// A page of entries, newest first, and the number before which older ones begin.
    pub(crate) async fn timeline(
        &self,
        viewer: &SignedIn,
        filter: &TimelineFilter,
        chats: &Chats,
    ) -> Result<(Vec<TimelineEntry>, Option<u64>), FlowError> {
        let customer = self.customer_of(viewer.shard, viewer.customer).await?;
        let subject = Subject { institution: viewer.institution.clone(), customer: viewer.customer };
        let mut entries = Vec::new();
        let mut before = filter.before;
        let mut scanned = 0;
        loop {
            let page =
                self.store.receipts_before(viewer.shard, viewer.customer, before, TIMELINE_MAX).await?;
            let full = page.len() == TIMELINE_MAX;
            for receipt in page {
                // A filter that matches nothing must not read for ever: the rest is behind "older".
                if entries.len() == TIMELINE_MAX || scanned == SCAN_RECEIPTS_MAX {
                    return Ok((entries, before));
                }
                scanned += 1;
                before = Some(receipt.seq);
                let read = read(&receipt)?;
                if filter.since.is_some_and(|since| read.decided_at < since) {
                    return Ok((entries, None));
                }
                // What became of a message is shown with the message.
                if filter.takes(&read) {
                    entries.push(self.entry(&receipt, read, &subject, &customer, chats).await?);
                }
            }
            if !full {
                return Ok((entries, None));
            }
        }
    }

    /// The links on which consents rest, ended ones too: a disclosure names its consent, and so its chat.
    pub(crate) async fn chats(&self, shard: Shard, consents: &[Consent]) -> Result<Chats, FlowError> {
        let mut chats = Chats::new();
        for consent in consents {
            let known = chats.values().find(|link: &&Link| link.id == consent.link).cloned();
            let link = match known {
                Some(link) => Some(link),
                None => self.store.link(shard, consent.link).await?,
            };
            if let Some(link) = link {
                chats.insert(consent.id, link);
            }
        }
        Ok(chats)
    }

    /// When something that the platform took was last released under each of these consents, over the newest
    /// [`SCAN_RECEIPTS_MAX`] receipts; [`LastTold::NotLately`] where older ones were not looked through.
    pub(crate) async fn last_told(
        &self,
        viewer: &SignedIn,
        mut of: BTreeSet<ConsentId>,
    ) -> Result<BTreeMap<ConsentId, LastTold>, FlowError> {
        let mut last = BTreeMap::new();
        // What became of a message stands later than its disclosure, and so is met first.
        let mut sent = HashSet::new();
        let mut before = None;
        for _ in 0..SCAN_RECEIPTS_MAX / SCAN_PAGE {
            if of.is_empty() {
                return Ok(last);
            }
            let page = self.store.receipts_before(viewer.shard, viewer.customer, before, SCAN_PAGE).await?;
            let full = page.len() == SCAN_PAGE;
            for receipt in page {
                before = Some(receipt.seq);
                let read = read(&receipt)?;
                if read.kind == ReceiptKind::Outcome && read.template.as_deref() == Some("sent") {
                    sent.extend(receipt.message);
                } else if let (ReceiptKind::Disclosure, Some(consent)) = (read.kind, read.consent)
                    && receipt.message.is_some_and(|message| sent.contains(&message))
                    && of.remove(&consent.id)
                {
                    last.insert(consent.id, LastTold::At(read.decided_at));
                }
            }
            if !full {
                return Ok(last);
            }
        }
        last.extend(of.into_iter().map(|consent| (consent, LastTold::NotLately)));
        Ok(last)
    }

    /// What there was since an instant, or ever, over the newest [`SCAN_RECEIPTS_MAX`] receipts.
    pub(crate) async fn totals(
        &self,
        viewer: &SignedIn,
        since: Option<Timestamp>,
    ) -> Result<Totals, FlowError> {
        let mut purposes: BTreeMap<Purpose, PurposeTotal> = BTreeMap::new();
        // A message that is known to be sent by now: what earlier receipts said of it was an error, or a doubt.
        let mut settled = HashSet::new();
        // What became of a message stands later than its disclosure, and so is met first.
        let mut ended = HashSet::new();
        let mut totals = Totals::default();
        let tickets_since = self
            .now()
            .checked_sub(Duration::from_hours(NEWS_TICKET_HOURS.unsigned_abs()))
            .unwrap_or(Timestamp::MIN);
        let mut before = None;
        let mut scanned = 0;
        'all: loop {
            let page = self.store.receipts_before(viewer.shard, viewer.customer, before, SCAN_PAGE).await?;
            let full = page.len() == SCAN_PAGE;
            for receipt in page {
                before = Some(receipt.seq);
                let read = read(&receipt)?;
                if since.is_some_and(|since| read.decided_at < since) {
                    break 'all;
                }
                let outcome =
                    (read.kind == ReceiptKind::Outcome).then_some(read.template.as_deref()).flatten();
                let sent = outcome == Some("sent");
                let corrected = receipt.message.is_some_and(|message| settled.contains(&message));
                let unknown = outcome == Some(UNKNOWN) && !corrected;
                let refused = read.kind == ReceiptKind::Denial && !corrected;
                // Once its ticket is over it leaves no more, also where nothing on record says so (the sweep ends it).
                let open = read.kind == ReceiptKind::Disclosure
                    && read.decided_at > tickets_since
                    && receipt.message.is_some_and(|message| !ended.contains(&message));
                if let (Some(purpose), true) = (read.purpose, sent || unknown || refused || open) {
                    let total = purposes.entry(purpose).or_insert(PurposeTotal {
                        purpose,
                        told: 0,
                        unknown: 0,
                        refused: 0,
                        open: 0,
                    });
                    total.told += usize::from(sent);
                    total.unknown += usize::from(unknown);
                    total.refused += usize::from(refused);
                    total.open += usize::from(open);
                }
                if matches!(read.kind, ReceiptKind::Outcome | ReceiptKind::Denial) {
                    ended.extend(receipt.message);
                }
                settled.extend(receipt.message.filter(|_| sent));
                totals.looks += usize::from(read.kind == ReceiptKind::View);
                scanned += 1;
                if scanned == SCAN_RECEIPTS_MAX && receipt.seq > 1 {
                    totals.counted_from = Some(receipt.seq);
                    break 'all;
                }
            }
            if !full {
                break;
            }
        }
        totals.purposes = purposes.into_values().collect();
        Ok(totals)
    }
}

fn read(receipt: &StoredReceipt) -> Result<Read, FlowError> {
    serde_json::from_slice(&receipt.bytes).map_err(|_| FlowError::Unreadable("receipt"))
}
