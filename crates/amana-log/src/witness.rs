//! C2SP `tlog-witness`: a third party that cosigns a log's checkpoints after it has seen that each grew from the one
//! before. Pure: who runs it brings HTTP, a clock, and a place for each log's [`Seen`].

use std::collections::BTreeMap;

use crate::checkpoint::Checkpoint;
use crate::limits::{PROOF_MAX_HASHES, REQUEST_MAX_BYTES};
use crate::merkle::{EMPTY_ROOT, Hash, verify_consistency};
use crate::note::{Cosigner, KeyKind, Note, VerifierKey};
use crate::{LogError, bytes};

/// The body of an `add-checkpoint` request.
#[derive(Clone, Debug)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

impl AddCheckpoint {
    /// Asks for a cosignature on `note`, with the proof from the tree of `old` leaves.
    ///
    /// # Errors
    /// When the note is no checkpoint.
    pub fn new(old: u64, proof: Vec<Hash>, note: Note) -> Result<Self, LogError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { old, proof, note, checkpoint })
    }

    /// Reads a request body.
    ///
    /// # Errors
    /// When it is none; answer 400.
    pub fn parse(body: &[u8]) -> Result<Self, LogError> {
        let bad = |what| LogError::Note { what };
        if body.len() > REQUEST_MAX_BYTES {
            return Err(bad("the request is too long"));
        }
        let body = std::str::from_utf8(body).map_err(|_| bad("the request is not UTF-8"))?;
        let (head, note) = body.split_once("\n\n").ok_or(bad("no empty line comes before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(bytes::decimal);
        let old = old.ok_or(bad("the first line is not `old` and a size"))?;
        let proof: Option<Vec<Hash>> = lines.map(bytes::hash_from_base64).collect();
        let proof = proof.ok_or(bad("a line of the proof is no hash in base64"))?;
        if proof.len() > PROOF_MAX_HASHES {
            return Err(bad("the proof has more than 63 lines"));
        }
        Self::new(old, proof, Note::parse(note)?)
    }

    /// The request body.
    #[must_use]
    pub fn body(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| bytes::to_base64(hash) + "\n").collect();
        format!("old {}\n{proof}\n{}", self.old, self.note)
    }

    /// Which log it is about. Nobody has checked the signature yet.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.checkpoint.origin
    }
}

/// The last checkpoint that a witness cosigned for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The tree's leaves.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Default for Seen {
    /// None yet: the empty tree.
    fn default() -> Self {
        Self { size: 0, root: EMPTY_ROOT }
    }
}

/// What a witness answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Cosigned. **Before** the answer goes out, `seen` must be kept durably in place of the one that was passed in,
    /// and only if that one is still there; otherwise ask again. Status 200.
    Cosigned {
        /// The new state of this log.
        seen: Seen,
        /// The signature line, with its newline.
        body: String,
    },
    /// The request contradicts itself. Status 400.
    BadRequest,
    /// No signature of a key that is trusted for this log. Status 403.
    Forbidden,
    /// The log is not known here. Status 404.
    UnknownLog,
    /// The old size is not the last one cosigned, or the same size has another root. Status 409.
    Conflict {
        /// The last size cosigned.
        size: u64,
    },
    /// The proof does not hold: keep the request, it may be evidence. Status 422.
    Inconsistent,
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Cosigned { .. } => 200,
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent => 422,
        }
    }

    /// The response body.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned { body, .. } => body.clone(),
            Self::BadRequest => "the old size is above the checkpoint's\n".to_owned(),
            Self::Forbidden => "no signature by a key that is trusted for this log\n".to_owned(),
            Self::UnknownLog => "this log is not known here\n".to_owned(),
            Self::Conflict { size } => format!("{size}\n"),
            Self::Inconsistent => "the consistency proof does not hold\n".to_owned(),
        }
    }

    /// The response's media type.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }
}

/// A witness: its key, and the keys of the logs that it knows.
pub struct Witness {
    cosigner: Cosigner,
    logs: BTreeMap<String, Vec<VerifierKey>>,
}

impl Witness {
    /// A witness that knows no log yet.
    #[must_use]
    pub fn new(cosigner: Cosigner) -> Self {
        Self { cosigner, logs: BTreeMap::new() }
    }

    /// Trusts a log's key for the origin that is the key's name.
    ///
    /// # Errors
    /// When it is no log's key.
    pub fn trust(&mut self, log: VerifierKey) -> Result<(), LogError> {
        if log.kind() != KeyKind::Ed25519 {
            return Err(LogError::Key { what: "a log's key has type 1" });
        }
        self.logs.entry(log.name().to_owned()).or_default().push(log);
        Ok(())
    }

    /// What others verify its cosignatures with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        self.cosigner.verifier()
    }

    /// Decides on a request. `seen` is what is kept for the request's origin, the default where nothing is; `unix` is
    /// the time in seconds.
    #[must_use]
    pub fn decide(&self, request: &AddCheckpoint, seen: Seen, unix: u64) -> Answer {
        let new = &request.checkpoint;
        let Some(keys) = self.logs.get(&new.origin) else {
            return Answer::UnknownLog;
        };
        if !keys.iter().any(|key| request.note.signed_by(key).is_some()) {
            return Answer::Forbidden;
        }
        if request.old > new.size {
            return Answer::BadRequest;
        }
        if request.old != seen.size || (seen.size == new.size && seen.root != new.root) {
            return Answer::Conflict { size: seen.size };
        }
        if verify_consistency(seen.size, new.size, &seen.root, &new.root, &request.proof).is_err() {
            return Answer::Inconsistent;
        }
        let body = self.cosigner.cosign(request.note.text(), unix).to_string();
        Answer::Cosigned { seen: Seen { size: new.size, root: new.root }, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{Frontier, leaf_hash};
    use crate::note::{LogSigner, parse_signatures};
    use crate::tiles::{MemoryTiles, TreeReader, TreeWriter};

    const ORIGIN: &str = "example.org/log";

    fn fixture() -> (LogSigner, Witness, MemoryTiles) {
        let log = LogSigner::new(ORIGIN, &[1; 32]).unwrap();
        let mut witness = Witness::new(Cosigner::new("example.org/w", &[2; 32]).unwrap());
        witness.trust(log.verifier().clone()).unwrap();
        let tiles = MemoryTiles::new();
        let mut writer = TreeWriter::open(&tiles, 0).unwrap();
        for leaf in 0..20_u8 {
            writer.append_bytes(&[leaf]);
        }
        writer.flush().unwrap();
        (log, witness, tiles)
    }

    fn request(log: &LogSigner, tiles: &MemoryTiles, old: u64, size: u64) -> AddCheckpoint {
        let reader = TreeReader::new(tiles, 20);
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: reader.root(size).unwrap() };
        let proof = reader.consistency(old.min(size), size).unwrap();
        let request = AddCheckpoint::new(old, proof, checkpoint.sign(log).unwrap()).unwrap();
        // By way of the wire.
        AddCheckpoint::parse(request.body().as_bytes()).unwrap()
    }

    #[test]
    fn a_growing_log_is_cosigned() {
        let (log, witness, tiles) = fixture();
        let mut seen = Seen::default();
        for (old, size) in [(0, 0), (0, 7), (7, 7), (7, 8), (8, 20)] {
            let request = request(&log, &tiles, old, size);
            let answer = witness.decide(&request, seen, 1000 + size);
            assert_eq!(answer.status(), 200, "{old} to {size}");
            let Answer::Cosigned { seen: next, body } = answer else { unreachable!() };
            let mut note = request.note.clone();
            let signatures = parse_signatures(&body).unwrap();
            assert!(note.add(&signatures[0], witness.verifier()));
            assert_eq!(note.signed_by(witness.verifier()).unwrap().time, Some(1000 + size));
            assert_eq!(next.size, size);
            seen = next;
        }
    }

    #[test]
    fn abuse_20_a_witness_signs_nothing_but_a_log_that_grew() {
        let (log, witness, tiles) = fixture();
        let root = |size| TreeReader::new(&tiles, 20).root(size).unwrap();
        let seen = Seen { size: 7, root: root(7) };
        let good = request(&log, &tiles, 7, 20);
        assert_eq!(witness.decide(&good, seen, 1).status(), 200);
        // Another size than the one seen, with what it is.
        let answer = witness.decide(&request(&log, &tiles, 6, 20), seen, 1);
        assert_eq!(
            (answer.status(), answer.body().as_str(), answer.content_type()),
            (409, "7\n", "text/x.tlog.size")
        );
        assert_eq!(witness.decide(&request(&log, &tiles, 0, 20), seen, 1).status(), 409);
        // Back to an earlier tree.
        assert_eq!(witness.decide(&request(&log, &tiles, 7, 6), seen, 1).status(), 400);
        assert_eq!(witness.decide(&request(&log, &tiles, 6, 6), seen, 1).status(), 409);
        // A fork: the same size with another root, or a tree that did not grow from this one.
        let forked = Seen { size: 7, root: [9; 32] };
        assert_eq!(witness.decide(&request(&log, &tiles, 7, 7), forked, 1).status(), 409);
        assert_eq!(witness.decide(&good, forked, 1).status(), 422);
        let mut bad = good.clone();
        bad.proof.pop();
        assert_eq!(witness.decide(&bad, seen, 1).status(), 422);
        // Unknown log, wrong key, edited text.
        let other = LogSigner::new("example.org/other", &[1; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "example.org/other".to_owned(), size: 20, root: root(20) };
        let unknown = AddCheckpoint::new(7, good.proof.clone(), checkpoint.sign(&other).unwrap()).unwrap();
        assert_eq!(witness.decide(&unknown, seen, 1).status(), 404);
        let thief = LogSigner::new(ORIGIN, &[3; 32]).unwrap();
        assert_eq!(witness.decide(&request(&thief, &tiles, 7, 20), seen, 1).status(), 403);
        // An empty tree with a root that is none.
        let mut frontier = Frontier::new();
        frontier.append(leaf_hash(b"x"));
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: frontier.root() };
        let empty = AddCheckpoint::new(0, Vec::new(), checkpoint.sign(&log).unwrap()).unwrap();
        assert_eq!(witness.decide(&empty, Seen::default(), 1).status(), 409);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let (log, _, tiles) = fixture();
        let good = request(&log, &tiles, 7, 20).body();
        assert!(AddCheckpoint::parse(good.as_bytes()).is_ok());
        for body in [
            String::new(),
            good.replace("old 7", "old 07"),
            good.replace("old 7", "old -7"),
            good.replace("old 7", "Old 7"),
            good.replacen("\n\n", "\n", 1),
            good.replacen('=', "", 1),
            good.replacen(
                "old 7\n",
                &format!("old 7\n{}", format!("{}\n", bytes::to_base64(&[0; 32])).repeat(64)),
                1,
            ),
        ] {
            assert!(AddCheckpoint::parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(AddCheckpoint::parse(&[0xff; 10]).is_err());
    }
}
