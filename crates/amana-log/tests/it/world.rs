//! A deployment in small: customers, a log with segments, checkpoints, witnesses. Deterministic.

use std::collections::BTreeMap;
use std::sync::Arc;

use amana_log::bundle::{After, Bundle, Parts, Saved, SegmentPart, build};
use amana_log::checkpoint::Checkpoint;
use amana_log::index::{IndexTree, SegmentIndex};
use amana_log::merkle::sha256;
use amana_log::note::{Cosigner, LogSigner, Note, parse_signatures};
use amana_log::policy::Policy;
use amana_log::tiles::{MemoryTiles, TileStore, TreeReader, TreeWriter};
use amana_log::witness::{AddCheckpoint, Answer, Seen, Witness};
use amana_log::{CustomerKey, Entry, Hash, IndexEntry, IndexLeaf};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "amana.example/log";

/// A customer, and what the store would know of them.
pub(crate) struct Customer {
    pub(crate) key: [u8; 32],
    /// Log index, bytes and segment of each receipt.
    pub(crate) receipts: Vec<(u64, Vec<u8>, u64)>,
    n: BTreeMap<u64, u64>,
}

pub(crate) struct World {
    pub(crate) signer: LogSigner,
    pub(crate) tiles: Arc<MemoryTiles>,
    pub(crate) writer: TreeWriter<Arc<MemoryTiles>>,
    pub(crate) index: SegmentIndex,
    /// Receipts since the last index entry.
    pending: Vec<IndexLeaf>,
    pub(crate) customers: Vec<Customer>,
    /// The log index of each ended segment's final index entry.
    pub(crate) finals: Vec<u64>,
    /// Every published checkpoint, the size and the note.
    pub(crate) checkpoints: Vec<(u64, Note)>,
    witnesses: Vec<(Witness, Seen)>,
    minutes: u64,
}

pub(crate) fn seed(name: &str) -> [u8; 32] {
    sha256(format!("amana test seed: {name}").as_bytes())
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

impl World {
    pub(crate) fn new(customers: usize) -> Self {
        Self::named("", customers)
    }

    /// Another world with other customers and another log key under the same origin, when `name` differs.
    pub(crate) fn named(name: &str, customers: usize) -> Self {
        let tiles = Arc::new(MemoryTiles::new());
        let signer = LogSigner::new(ORIGIN, &seed("log")).unwrap();
        let customer = |number: usize| Customer {
            key: seed(&format!("customer {name}{number}")),
            receipts: Vec::new(),
            n: BTreeMap::new(),
        };
        let witness = |number: usize| {
            let name = format!("witness.example/w{number}");
            let mut witness = Witness::new(Cosigner::new(&name, &seed(&name)).unwrap());
            witness.trust(signer.verifier().clone()).unwrap();
            (witness, Seen::default())
        };
        let witnesses = (1..=3).map(witness).collect();
        Self {
            writer: TreeWriter::open(Arc::clone(&tiles), 0).unwrap(),
            signer,
            tiles,
            index: SegmentIndex::new(0, 0),
            pending: Vec::new(),
            customers: (0..customers).map(customer).collect(),
            finals: Vec::new(),
            checkpoints: Vec::new(),
            witnesses,
            minutes: 0,
        }
    }

    pub(crate) fn segment(&self) -> u64 {
        self.index.segment()
    }

    pub(crate) fn vkey(&self) -> String {
        self.signer.verifier().to_string()
    }

    /// A receipt of the next number for a customer.
    pub(crate) fn disclose(&mut self, customer: usize) {
        self.receipt(customer, "disclosure");
    }

    pub(crate) fn receipt(&mut self, number: usize, kind: &str) {
        let segment = self.index.segment();
        self.minutes += 7;
        let (day, hour, minute) = (1 + self.minutes / 1440, self.minutes / 60 % 24, self.minutes % 60);
        let customer = &mut self.customers[number];
        let n = customer.n.entry(segment).or_insert(0);
        *n += 1;
        let prev = customer.receipts.last().map_or([0; 32], |(_, bytes, _)| sha256(bytes));
        let told = kind == "disclosure";
        let fields = json!({
            "v": 1, "seq": customer.receipts.len() + 1, "prev": base64(&prev), "segment": segment, "n": *n,
            "kind": kind, "institution": "riverbank", "agreement": "riverbank-1",
            "consent": {"hash": hex::encode(seed("consent")), "id": "0192f1c0-0000-7000-8000-000000000001"},
            "purpose": if told { json!("purchase_updates") } else { Value::Null },
            "clusters": if told { json!(["accounts", "transactions"]) } else { json!([]) },
            "channel": "messenger", "recipient": "customer",
            "form": if told { json!("full") } else { Value::Null },
            "template": if told { json!("purchase") } else { Value::Null },
            "payload_sha256": if told { json!(hex::encode(seed(&format!("payload {number} {n}")))) } else { Value::Null },
            "policy_set_sha256": hex::encode(seed("policy")),
            "decided_at": format!("2026-11-{day:02}T{hour:02}:{minute:02}:00Z"),
        });
        // Sorted by name: RFC 8785 for these values.
        let sorted: BTreeMap<String, Value> = fields.as_object().unwrap().clone().into_iter().collect();
        let bytes = serde_json::to_vec(&sorted).unwrap();
        let entry = CustomerKey::new(&customer.key).entry(segment, *n, &bytes);
        let log_index = self.writer.append(&entry);
        customer.receipts.push((log_index, bytes, segment));
        let Entry::Receipt { label, .. } = entry else { unreachable!() };
        self.pending.push(IndexLeaf { label, log_index });
    }

    pub(crate) fn rule(&mut self, document: &[u8]) {
        let sha256 = sha256(document);
        self.tiles.write(&format!("rules/{}", hex::encode(sha256)), document).unwrap();
        self.writer.append(&Entry::Rule { sha256 });
    }

    /// A rule entry whose document is published nowhere.
    pub(crate) fn forget_document(&mut self) {
        self.writer.append(&Entry::Rule { sha256: [7; 32] });
    }

    /// Forgets a customer's last receipt, which is in the log: their next one bears its number, and its label.
    pub(crate) fn forget_last(&mut self, number: usize) {
        let customer = &mut self.customers[number];
        let (.., segment) = customer.receipts.pop().unwrap();
        *customer.n.get_mut(&segment).unwrap() -= 1;
    }

    /// Forgets all of a customer's receipts: their next one is a first one again.
    pub(crate) fn forget_all(&mut self, number: usize) -> Vec<(u64, Vec<u8>, u64)> {
        let customer = &mut self.customers[number];
        customer.n.clear();
        std::mem::take(&mut customer.receipts)
    }

    /// Takes the last pending receipt out of the index: what a lying log would do.
    pub(crate) fn hide_last(&mut self) {
        self.pending.pop();
    }

    /// Publishes a checkpoint.
    pub(crate) fn checkpoint(&mut self) -> Note {
        self.checkpoint_with(|_| ())
    }

    /// Publishes a checkpoint whose index entry says what `lie` makes of it.
    pub(crate) fn checkpoint_with(&mut self, lie: impl FnOnce(&mut IndexEntry)) -> Note {
        self.index.add(std::mem::take(&mut self.pending)).unwrap();
        let mut entry = self.index.entry(self.writer.size()).unwrap();
        lie(&mut entry);
        self.writer.append(&Entry::Index(entry));
        self.sign_as_it_is()
    }

    /// Publishes a checkpoint of the log as it is, which may end with any entry.
    pub(crate) fn sign_as_it_is(&mut self) -> Note {
        self.writer.flush().unwrap();
        let (size, root) = (self.writer.size(), self.writer.root());
        let note = Checkpoint { origin: ORIGIN.to_owned(), size, root }.sign(&self.signer).unwrap();
        self.tiles.replace("checkpoint", note.to_string().as_bytes()).unwrap();
        self.checkpoints.push((size, note.clone()));
        note
    }

    /// Lets the first `count` witnesses cosign the newest checkpoint.
    pub(crate) fn cosign(&mut self, count: usize) -> Note {
        let (size, mut note) = self.checkpoints.pop().unwrap();
        for (witness, seen) in self.witnesses.iter_mut().take(count) {
            let proof = TreeReader::new(&*self.tiles, size).consistency(seen.size, size).unwrap();
            let request = AddCheckpoint::new(seen.size, proof, note.clone()).unwrap();
            let Answer::Cosigned { seen: next, body } = witness.decide(&request, *seen, 1_793_000_000 + size)
            else {
                panic!("a witness refused");
            };
            *seen = next;
            assert!(note.add(&parse_signatures(&body).unwrap()[0], witness.verifier()));
        }
        self.checkpoints.push((size, note.clone()));
        self.tiles.replace("checkpoint", note.to_string().as_bytes()).unwrap();
        note
    }

    /// A policy file: this log, and `threshold` of the three witnesses.
    pub(crate) fn policy(&self, threshold: &str) -> String {
        let mut text = format!("log {}\n", self.vkey());
        for (place, (witness, _)) in (1..).zip(&self.witnesses) {
            text += &format!("witness w{place} {}\n", witness.verifier());
        }
        text + &format!("group quorum-group {threshold} w1 w2 w3\nquorum quorum-group\n")
    }

    /// Ends the segment with a checkpoint.
    pub(crate) fn end_segment(&mut self) {
        self.checkpoint();
        self.end_segment_here();
    }

    /// Ends the segment at the last index entry, which is the last leaf.
    pub(crate) fn end_segment_here(&mut self) {
        let last = self.writer.size() - 1;
        self.open_segment_at(last + 1);
        self.finals.push(last);
    }

    fn open_segment_at(&mut self, first: u64) {
        let next = SegmentIndex::new(self.index.segment() + 1, first);
        let ended = std::mem::replace(&mut self.index, next);
        ended.into_tree().write_tiles(&*self.tiles).unwrap();
    }

    /// The customer's bundle for the newest checkpoint.
    pub(crate) fn bundle(&self, customer: usize, since: Option<u64>) -> Bundle {
        self.bundle_at(customer, self.checkpoints.len() - 1, since)
    }

    /// The bundle for an earlier checkpoint of the open segment.
    pub(crate) fn bundle_at(&self, number: usize, checkpoint: usize, since: Option<u64>) -> Bundle {
        self.part_at(number, checkpoint, since, (None, usize::MAX))
    }

    /// A part of the customer's bundle for the newest checkpoint: it begins after `after`, and holds at most `take`
    /// receipts.
    pub(crate) fn part(&self, customer: usize, after: Option<&Saved>, take: usize) -> Bundle {
        let at = after.map(|saved| saved.mine.unwrap().at);
        self.part_at(customer, self.checkpoints.len() - 1, after.map(|saved| saved.size), (at, take))
    }

    fn part_at(
        &self,
        number: usize,
        checkpoint: usize,
        since: Option<u64>,
        (after, take): (Option<After>, usize),
    ) -> Bundle {
        let customer = &self.customers[number];
        let (size, note) = &self.checkpoints[checkpoint];
        let index_at = size - 1;
        let open = self.index.tree(index_at);
        let all: Vec<_> = customer.receipts.iter().filter(|(at, ..)| at < size).collect();
        let begin = usize::try_from(after.map_or(0, |after| after.seq)).unwrap();
        let end = begin.saturating_add(take).min(all.len());
        let more = end < all.len();
        let to = if more { all[end].2 } else { self.segment() };
        let segments = (after.map_or(0, |after| after.segment)..=to).map(|segment| {
            let ended = self.finals.get(usize::try_from(segment).unwrap());
            SegmentPart {
                segment,
                count: all[..end].iter().filter(|(.., at)| *at == segment).count() as u64,
                index: ended.copied().unwrap_or(index_at),
                open: if ended.is_some() { None } else { Some::<&IndexTree>(&open) },
            }
        });
        let parts = Parts {
            vkey: self.signer.verifier(),
            checkpoint: note,
            key: &CustomerKey::new(&customer.key),
            segments: segments.collect(),
            receipts: all[begin..end].iter().map(|(at, bytes, _)| (*at, bytes.clone())).collect(),
            since,
            after,
            more,
        };
        build(&*self.tiles, parts).unwrap()
    }

    pub(crate) fn root(&self, size: u64) -> Hash {
        TreeReader::new(&*self.tiles, self.writer.size()).root(size).unwrap()
    }

    pub(crate) fn parsed_policy(&self, threshold: &str) -> Policy {
        Policy::parse(&self.policy(threshold)).unwrap()
    }
}
