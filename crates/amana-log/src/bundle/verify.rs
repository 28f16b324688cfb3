//! Verifying a bundle: the rules of `docs/disclosure-log.md`, in their order. Pure; trusts nothing but its arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{After, Bundle, LeafPart, Mine, Object, Receipt, Saved, strict, whole};
use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, IndexEntry, IndexLeaf};
use crate::index::{Absence, Neighbour};
use crate::limits::{KINDS_MAX, SHOWN_MAX_CHARS, TREE_MAX_LEAVES};
use crate::merkle::{leaf_hash, sha256, verify_consistency, verify_inclusion};
use crate::note::{KeyKind, Note, VerifierKey};
use crate::policy::Policy;
use crate::{CustomerKey, bytes};

/// The rules, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The bundle is JSON of its shape.
    Format,
    /// The log's key is the pinned one.
    Key,
    /// The checkpoint is signed by the log.
    Signature,
    /// The policy's quorum cosigned it.
    Witness,
    /// It grew from the checkpoint that was saved.
    Consistency,
    /// It is the same customer's, and what they were shown before is there as it was.
    Memory,
    /// Each segment's index entry is in the log and says what it must.
    Index,
    /// The index is as new as the checkpoint, and no segment is left out.
    Freshness,
    /// The receipts are numbered and chained without a gap.
    Chain,
    /// Each receipt is in the log, within its segment.
    Inclusion,
    /// The next receipt is in no index.
    Absence,
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Format => "format",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Witness => "witness",
            Self::Consistency => "consistency",
            Self::Memory => "memory",
            Self::Index => "index",
            Self::Freshness => "freshness",
            Self::Chain => "chain",
            Self::Inclusion => "inclusion",
            Self::Absence => "absence",
        })
    }
}

/// What the verifier knows by itself. The more it is given, the more is proved.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The log's key, in its text form. Without one the bundle's own is believed.
    pub vkey: Option<String>,
    /// Who must have cosigned.
    pub policy: Option<Policy>,
    /// What the customer saved last; comes before the bundle's `since`.
    pub since: Option<Saved>,
    /// Of a bundle in parts: what the part before, verified just now, ended with.
    pub after: Option<Saved>,
}

/// Why a bundle is refused: the first rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {detail}")]
pub struct Rejected {
    /// The rule.
    pub rule: Rule,
    /// Where, and how. Nothing of what a receipt says.
    pub detail: String,
}

/// What a good bundle proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The log.
    pub origin: String,
    /// The checkpoint's size.
    pub size: u64,
    /// The checkpoint's root, in base64: to be saved, with the size, as the next `since`.
    pub root: String,
    /// The receipts in it: all, unless it is a part.
    pub receipts: u64,
    /// How many of each kind; kinds beyond [`KINDS_MAX`] are counted as `other`.
    pub kinds: BTreeMap<String, u64>,
    /// When the first was decided, as it says itself.
    pub first: Option<String>,
    /// When the last was decided.
    pub last: Option<String>,
    /// Segments looked at.
    pub segments: u64,
    /// Whether the log's key was the verifier's own.
    pub key_pinned: bool,
    /// The witnesses of the policy whose cosignatures are good; `None` without a policy.
    pub witnesses: Option<Vec<String>>,
    /// The size of the earlier checkpoint that this one grew from.
    pub since: Option<u64>,
    /// Whose receipts, and up to where: to be saved, too.
    pub mine: Mine,
    /// Whether another part follows: until it is verified, nothing is said of the end.
    pub more: bool,
}

impl Verified {
    /// What is to be kept: the next `since`, and for the next part `after`.
    #[must_use]
    pub fn saved(&self) -> Option<Saved> {
        let root = bytes::hash_from_base64(&self.root)?;
        Some(Saved { size: self.size, root, mine: Some(self.mine) })
    }
}

/// What a receipt says that the rules need; the last two are for the report alone.
#[derive(Deserialize)]
struct Fields {
    #[serde(with = "whole")]
    v: u64,
    #[serde(with = "whole")]
    seq: u64,
    prev: String,
    #[serde(with = "whole")]
    segment: u64,
    #[serde(with = "whole")]
    n: u64,
    #[serde(default)]
    kind: Value,
    #[serde(default)]
    decided_at: Value,
}

fn reject<T>(rule: Rule, detail: impl Into<String>) -> Result<T, Rejected> {
    Err(Rejected { rule, detail: detail.into() })
}

fn ensure(holds: bool, rule: Rule, detail: impl FnOnce() -> String) -> Result<(), Rejected> {
    if holds { Ok(()) } else { reject(rule, detail()) }
}

/// Verifies a bundle, given as its JSON text.
///
/// # Errors
/// The first rule that does not hold.
pub fn verify(text: &str, trust: &Trust) -> Result<Verified, Rejected> {
    let bundle = Bundle::read(text).or_else(|why| reject(Rule::Format, why))?;
    ensure(bundle.v == 1, Rule::Format, || format!("version {} is not known", bundle.v))?;
    let fields = bundle.fields()?;
    bundle.verify(trust, &fields)
}

impl Bundle {
    /// Verifies a bundle whose shape was checked by reading it.
    fn verify(&self, trust: &Trust, fields: &[Fields]) -> Result<Verified, Rejected> {
        let pinned = trust.vkey.as_ref();
        ensure(pinned.is_none_or(|pin| *pin == self.vkey), Rule::Key, || "another log's key".to_owned())?;
        let (vkey, note, checkpoint) = self.signature()?;
        let witnesses = witnesses(trust.policy.as_ref(), &vkey, &note)?;
        let since = self.consistency(trust.after.or(trust.since), &checkpoint)?;
        self.memory(trust)?;
        let indexes = self.indexes(&checkpoint)?;
        self.freshness(&checkpoint)?;
        self.chain(fields)?;
        self.inclusion(&checkpoint, &indexes, fields)?;
        self.absence(&indexes)?;
        let mut kinds = BTreeMap::new();
        for receipt in fields {
            let kind = short(&receipt.kind);
            let known = kinds.len() < KINDS_MAX || kinds.contains_key(&kind);
            let kind = if known { kind } else { "other".to_owned() };
            *kinds.entry(kind).or_insert(0) += 1;
        }
        Ok(Verified {
            origin: checkpoint.origin,
            size: checkpoint.size,
            root: bytes::to_base64(&checkpoint.root),
            receipts: fields.len() as u64,
            kinds,
            first: fields.first().map(|receipt| short(&receipt.decided_at)),
            last: fields.last().map(|receipt| short(&receipt.decided_at)),
            segments: self.segments.len() as u64,
            key_pinned: pinned.is_some(),
            witnesses,
            since,
            mine: self.mine().map_or_else(|| reject(Rule::Freshness, "no segment is listed"), Ok)?,
            more: self.more,
        })
    }

    fn signature(&self) -> Result<(VerifierKey, Note, Checkpoint), Rejected> {
        let bad = |detail: String| Rejected { rule: Rule::Signature, detail };
        let vkey = VerifierKey::parse(&self.vkey).map_err(|error| bad(error.to_string()))?;
        let note = Note::parse(&self.checkpoint).map_err(|error| bad(error.to_string()))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| bad(error.to_string()))?;
        let log = vkey.kind() == KeyKind::Ed25519 && vkey.name() == checkpoint.origin;
        ensure(log, Rule::Signature, || "the key is not that of the checkpoint's log".to_owned())?;
        ensure(note.signed_by(&vkey).is_some(), Rule::Signature, || {
            "the checkpoint has no good signature of the log".to_owned()
        })?;
        Ok((vkey, note, checkpoint))
    }

    fn consistency(&self, own: Option<Saved>, now: &Checkpoint) -> Result<Option<u64>, Rejected> {
        let theirs = self.since.as_ref();
        let own = own.map(|saved| (saved.size, saved.root));
        let Some((size, root)) = own.or(theirs.map(|since| (since.size, since.root))) else {
            return Ok(None);
        };
        ensure(size <= now.size, Rule::Consistency, || {
            format!("the checkpoint has {} leaves, the saved one had {size}", now.size)
        })?;
        // The proof is the bundle's; what it begins at is the verifier's own.
        let theirs = theirs.filter(|since| since.size == size);
        ensure(theirs.is_some() || size == now.size, Rule::Consistency, || {
            format!("the bundle has no proof from the {size} leaves of the saved checkpoint")
        })?;
        let proof = theirs.map_or(&[][..], |since| since.proof.as_slice());
        verify_consistency(size, now.size, &root, &now.root, proof)
            .or_else(|_| reject(Rule::Consistency, "the log did not grow from the saved checkpoint"))?;
        Ok(Some(size))
    }

    /// The key of what was saved, and its receipts: as many, the same bytes. By the last one's hash, since the rule
    /// `chain` leads from it to all before.
    fn memory(&self, trust: &Trust) -> Result<(), Rejected> {
        let bad = |what: &str| Rejected { rule: Rule::Memory, detail: what.to_owned() };
        let saved = trust.since.and_then(|saved| saved.mine);
        let before = trust.after.and_then(|saved| saved.mine);
        let who = sha256(&self.key);
        if saved.into_iter().chain(before).any(|mine| mine.who != who) {
            return Err(bad("the key is not that of the bundle that was saved"));
        }
        match (self.after, trust.after) {
            (None, None) => (),
            (None, Some(_)) => return Err(bad("it does not go on where the part before ended")),
            (Some(after), part) => {
                let known = if part.is_some() { before } else { saved };
                let known =
                    known.ok_or_else(|| bad("it is a later part, and the one before is not known"))?;
                if known.at != after {
                    return Err(bad("it does not go on where the part before ended"));
                }
            }
        }
        let Some(Mine { at: After { seq, hash, .. }, .. }) = saved.filter(|mine| mine.at.seq > 0) else {
            return Ok(());
        };
        let (base, before) = self.after.map_or((0, [0; 32]), |after| (after.seq, after.hash));
        let found = match seq.checked_sub(base) {
            // A part before held it.
            None => return Ok(()),
            Some(0) => Some(before),
            Some(number) => {
                let place = usize::try_from(number - 1).ok();
                place.and_then(|place| self.receipts.get(place)).map(|receipt| sha256(&receipt.receipt))
            }
        };
        match found {
            Some(found) if found == hash => Ok(()),
            Some(_) => Err(bad("a receipt is not the one that was saved")),
            // A later part must hold it.
            None if self.more => Ok(()),
            None => Err(bad("there are fewer receipts than were saved")),
        }
    }

    fn indexes(&self, now: &Checkpoint) -> Result<Vec<IndexEntry>, Rejected> {
        let mut indexes: Vec<IndexEntry> = Vec::new();
        for segment in &self.segments {
            let number = segment.segment;
            let bad =
                |what: &str| Rejected { rule: Rule::Index, detail: format!("segment {number}: {what}") };
            if indexes.last().is_some_and(|before| before.segment >= number) {
                return Err(bad("it does not come after the one before"));
            }
            let Ok(Entry::Index(index)) = Entry::decode(&segment.index.entry) else {
                return Err(bad("its index entry is none"));
            };
            let at = segment.index.log_index;
            let leaf = leaf_hash(&segment.index.entry);
            verify_inclusion(&leaf, at, now.size, &segment.index.proof, &now.root)
                .map_err(|_| bad("its index entry is not in the log"))?;
            if index.segment != number || index.first != segment.first {
                return Err(bad("its index entry is another segment's"));
            }
            if at.checked_sub(index.first) != Some(index.covered) {
                return Err(bad("its index entry does not cover all before it"));
            }
            if index.size > TREE_MAX_LEAVES {
                return Err(bad("its index is too large"));
            }
            if number == 0 && index.first != 0 {
                return Err(bad("it does not begin at 0"));
            }
            indexes.push(index);
        }
        Ok(indexes)
    }

    /// What the receipts say.
    fn fields(&self) -> Result<Vec<Fields>, Rejected> {
        let read = |(number, receipt): (u64, &Receipt)| {
            let text = std::str::from_utf8(&receipt.receipt).ok().filter(|text| strict::check(text).is_ok());
            let fields = text.and_then(|text| serde_json::from_str::<Object<Fields>>(text).ok());
            fields.map(|fields| fields.0).ok_or_else(|| Rejected {
                rule: Rule::Format,
                detail: format!("receipt {number} is not a JSON object with the members that it needs"),
            })
        };
        (1..).zip(&self.receipts).map(read).collect()
    }

    fn freshness(&self, now: &Checkpoint) -> Result<(), Rejected> {
        // From the first segment on nothing may be left out: a segment that is not listed, or whose last entries are
        // not covered, could hold a receipt from which the chain was led on anew, or all that was before it began anew.
        let begins = self.segments.first().map(|segment| (segment.segment, segment.first));
        let wanted = self.after.map_or((0, 0), |after| (after.segment, after.first));
        ensure(begins == Some(wanted), Rule::Freshness, || {
            format!("segment {} is not listed first", wanted.0)
        })?;
        let last = self.segments.last().map(|segment| segment.index.log_index);
        ensure(self.more || last == now.size.checked_sub(1), Rule::Freshness, || {
            "the last segment's index entry is not the checkpoint's last leaf".to_owned()
        })?;
        for (before, after) in self.segments.iter().zip(self.segments.iter().skip(1)) {
            let number = before.segment;
            ensure(number.checked_add(1) == Some(after.segment), Rule::Freshness, || {
                format!("the segment after {number} is not listed")
            })?;
            ensure(before.index.log_index.checked_add(1) == Some(after.first), Rule::Freshness, || {
                format!("segment {} does not begin where segment {number} ends", after.segment)
            })?;
        }
        Ok(())
    }

    fn chain(&self, fields: &[Fields]) -> Result<(), Rejected> {
        let after = self.after;
        let mut prev = after.map_or([0; 32], |after| after.hash);
        let mut counts: BTreeMap<u64, u64> = after.iter().map(|after| (after.segment, after.count)).collect();
        let mut segment = 0;
        let listed: BTreeSet<u64> = self.segments.iter().map(|segment| segment.segment).collect();
        for ((number, receipt), fields) in self.numbered().zip(fields) {
            let bad =
                |what: &str| Rejected { rule: Rule::Chain, detail: format!("receipt {number}: {what}") };
            if fields.v != 1 {
                return Err(bad("its version is not known"));
            }
            if fields.seq != number {
                return Err(bad("its number is another one"));
            }
            if bytes::hash_from_base64(&fields.prev) != Some(prev) {
                return Err(bad("it does not follow the one before"));
            }
            prev = sha256(&receipt.receipt);
            if fields.segment < segment {
                return Err(bad("its segment comes before that of the one before"));
            }
            segment = fields.segment;
            let count = counts.entry(fields.segment).or_insert(0);
            *count += 1;
            if fields.n != *count {
                return Err(bad("its number within the segment is another one"));
            }
            if !listed.contains(&fields.segment) {
                return Err(bad("its segment is not listed"));
            }
        }
        for segment in &self.segments {
            let number = segment.segment;
            ensure(segment.count == counts.get(&number).copied().unwrap_or(0), Rule::Chain, || {
                format!("segment {number}: its count is not that of its receipts")
            })?;
        }
        Ok(())
    }

    fn inclusion(&self, now: &Checkpoint, indexes: &[IndexEntry], fields: &[Fields]) -> Result<(), Rejected> {
        let key = CustomerKey::new(&self.key);
        let segments: BTreeMap<u64, &IndexEntry> =
            indexes.iter().map(|index| (index.segment, index)).collect();
        let mut from = self.after.map_or(0, |after| after.from);
        for ((number, receipt), fields) in self.numbered().zip(fields) {
            let bad =
                |what: &str| Rejected { rule: Rule::Inclusion, detail: format!("receipt {number}: {what}") };
            let at = receipt.log_index;
            let leaf = key.entry(fields.segment, fields.n, &receipt.receipt).leaf_hash();
            verify_inclusion(&leaf, at, now.size, &receipt.proof, &now.root)
                .map_err(|_| bad("it is not in the log at its place"))?;
            let within = segments
                .get(&fields.segment)
                .is_some_and(|index| at.checked_sub(index.first).is_some_and(|place| place < index.covered));
            if !within {
                return Err(bad("its place is outside its segment"));
            }
            if at < from {
                return Err(bad("its place does not come after that of the one before"));
            }
            from = at.saturating_add(1);
        }
        Ok(())
    }

    /// The receipts with the numbers that they must bear.
    fn numbered(&self) -> impl Iterator<Item = (u64, &Receipt)> {
        (self.after.map_or(0, |after| after.seq).saturating_add(1)..).zip(&self.receipts)
    }

    fn absence(&self, indexes: &[IndexEntry]) -> Result<(), Rejected> {
        let key = CustomerKey::new(&self.key);
        for (segment, index) in self.segments.iter().zip(indexes) {
            let bad = |what: &str| Rejected {
                rule: Rule::Absence,
                detail: format!("segment {}: {what}", segment.segment),
            };
            let side = |part: &LeafPart| -> Option<Neighbour> {
                let leaf = IndexLeaf::decode(&part.leaf)?;
                Some(Neighbour { position: part.position, leaf, proof: part.proof.clone() })
            };
            // The last one of a part that another follows has none: it was seen when the bundle was read.
            let Some(absence) = &segment.absence else { continue };
            let (low, high) = (side(&absence.low), side(&absence.high));
            let (low, high) = low.zip(high).ok_or_else(|| bad("a leaf of the index has not 40 bytes"))?;
            let next = segment.count.checked_add(1).ok_or_else(|| bad("its count is too large"))?;
            let label = key.label(segment.segment, next);
            Absence { low, high }.verify(&label, index.size, &index.root).map_err(bad)?;
        }
        Ok(())
    }
}

fn witnesses(
    policy: Option<&Policy>,
    vkey: &VerifierKey,
    note: &Note,
) -> Result<Option<Vec<String>>, Rejected> {
    let Some(policy) = policy else { return Ok(None) };
    ensure(policy.knows(vkey), Rule::Witness, || "the policy file does not know the log".to_owned())?;
    let weighed = policy.weigh(note);
    ensure(weighed.quorum, Rule::Witness, || {
        format!("{} good cosignatures are no quorum of the policy file", weighed.witnesses.len())
    })?;
    Ok(Some(weighed.witnesses))
}

fn short(text: &Value) -> String {
    text.as_str().unwrap_or_default().chars().take(SHOWN_MAX_CHARS).collect()
}
