//! The keeper of the disclosure log: index entries, tiles, checkpoints, witnesses (`docs/disclosure-log.md`).
//!
//! Entries come into the log in the store's own commits. The keeper follows: it reserves the place of the next index
//! entry, reads what came before it, writes tiles, fills the place, signs the checkpoint and publishes it. Everything
//! that it writes follows from the stored entries, so a crash anywhere only repeats work, and two keepers on one
//! database write the same bytes.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{LOG_PAGE, LOG_READERS_MAX, LOG_ROUND_EVERY, WITNESS_GRACE, WITNESS_WAIT};
use amana_log::LogError;
use amana_log::checkpoint::Checkpoint;
use amana_log::entry::{Entry, IndexLeaf};
use amana_log::index::{IndexTree, SegmentIndex};
use amana_log::note::{LogSigner, Note, parse_signatures};
use amana_log::policy::Policy;
use amana_log::tiles::{Resource, TileRead as _, TileStore, TreeReader, TreeWriter};
use amana_log::witness::AddCheckpoint;
use amana_store::{Command, LogSegment, ReservedIndex, SubmitError};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

/// Where the log's files are.
pub type Tiles = Arc<dyn TileStore + Send + Sync>;

/// How the log is kept.
pub struct LogParts {
    /// Signs checkpoints; its name is the log's origin.
    pub signer: LogSigner,
    /// Where the public files are written.
    pub tiles: Tiles,
    /// Who must have cosigned a checkpoint before it is published; `None` where nobody is asked.
    pub witnesses: Option<Witnesses>,
    /// Entries after which a segment ends.
    pub segment_entries: u64,
    /// Seconds after its first entry at which a segment ends.
    pub segment_seconds: u64,
}

/// The witnesses of a policy, and how they are reached.
pub struct Witnesses {
    /// Who they are, and how many must have signed.
    pub policy: Policy,
    /// How they are asked.
    pub client: Arc<dyn WitnessClient>,
}

/// Asks a witness for its cosignature (C2SP `tlog-witness`).
#[async_trait]
pub trait WitnessClient: Send + Sync {
    /// `POST <url>/add-checkpoint` with this body; the status and the answer's body.
    ///
    /// # Errors
    /// Why there was no answer, in words for the operator's log.
    async fn add_checkpoint(&self, url: &str, body: String) -> Result<(u16, String), String>;
}

/// A public file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The content.
    pub bytes: Vec<u8>,
    /// Whether it never changes.
    pub immutable: bool,
    /// The media type.
    pub content_type: &'static str,
}

/// The keeper and what it holds between rounds.
pub(crate) struct LogKeeper {
    pub(crate) parts: LogParts,
    state: Mutex<Kept>,
    /// The index that bundles are being proved with.
    pub(crate) proofs: Mutex<Option<Proofs>>,
    /// Room for readers of its public files.
    readers: Semaphore,
}

/// The whole index of the open segment, as a checkpoint has it, for as long as a bundle needs it.
pub(crate) struct Proofs {
    pub(crate) segment: u64,
    /// The log index of the checkpoint's last entry.
    pub(crate) end: u64,
    pub(crate) tree: Weak<IndexTree>,
}

#[derive(Default)]
struct Kept {
    /// The tree and the open segment; `None` before the first round and after a failure: it is read anew then.
    tree: Option<State>,
    /// The size of the checkpoint whose tiles, and where this process keeps it whose file, were written last.
    written: u64,
    /// The size of the checkpoint for which it was said last that witnesses are missing.
    late: u64,
    /// Per witness (its URL), the size that it has cosigned last.
    witnessed: HashMap<String, u64>,
}

/// The log as far as its tiles are written, and the index of the open segment.
struct State {
    tree: TreeWriter<Tiles>,
    index: SegmentIndex,
    /// Whether the last leaf is an index entry: only then can there be a checkpoint of this size.
    covered: bool,
}

/// With all that led to it: that a file cannot be written does not help an operator, why it cannot does.
pub(crate) fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FlowError {
    let error = error.into();
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    FlowError::Log(said)
}

impl State {
    /// Takes entries in that the store has; `ended` are the segments that have ended.
    fn append(&mut self, entries: &[Vec<u8>], ended: &[LogSegment]) -> Result<(), FlowError> {
        let mut leaves = Vec::new();
        for bytes in entries {
            let entry = Entry::decode(bytes).map_err(broken)?;
            let log_index = self.tree.append(&entry);
            self.covered = matches!(entry, Entry::Index(_));
            if let Entry::Receipt { label, .. } = entry {
                leaves.push(IndexLeaf { label, log_index });
            }
            if ended.iter().any(|s| s.segment == self.index.segment() && s.last == log_index) {
                self.index.add(std::mem::take(&mut leaves)).map_err(broken)?;
                self.end_segment(log_index)?;
            }
        }
        self.index.add(leaves).map_err(broken)
    }

    /// Writes the content of a reserved index entry and every tile up to it.
    fn fill(&mut self, reserved: ReservedIndex) -> Result<Vec<u8>, FlowError> {
        let here = (self.tree.size(), self.index.segment(), self.index.first());
        if here != (reserved.log_index, reserved.segment, reserved.first) {
            return Err(broken("the tiles and the database do not agree on where the log stands"));
        }
        let entry = Entry::Index(self.index.entry(reserved.log_index).map_err(broken)?);
        self.tree.append(&entry);
        self.covered = true;
        self.tree.flush().map_err(broken)?;
        if reserved.is_final {
            self.end_segment(reserved.log_index)?;
        }
        Ok(entry.encode().as_ref().to_vec())
    }

    fn end_segment(&mut self, last: u64) -> Result<(), FlowError> {
        let next = SegmentIndex::new(self.index.segment() + 1, last + 1);
        let ended = std::mem::replace(&mut self.index, next);
        ended.into_tree().write_tiles(self.tree.store()).map_err(broken)
    }
}

impl LogKeeper {
    pub(crate) fn new(parts: LogParts) -> Self {
        let readers = Semaphore::new(LOG_READERS_MAX);
        Self { parts, state: Mutex::default(), proofs: Mutex::default(), readers }
    }

    /// The keeper's own index of a segment, if it holds everything before `end` of it; more may have come since.
    pub(crate) async fn index_of(&self, segment: u64, first: u64, end: u64) -> Option<SegmentIndex> {
        let kept = self.state.lock().await;
        let state = kept.tree.as_ref()?;
        let this = (state.index.segment(), state.index.first()) == (segment, first);
        (this && state.tree.size() > end).then(|| state.index.clone())
    }
}

/// The checkpoint of a published note.
fn checkpoint_of(note: &str) -> Result<Checkpoint, FlowError> {
    Checkpoint::parse(Note::parse(note).map_err(broken)?.text()).map_err(broken)
}

/// Runs work that computes or writes files, off the threads that serve.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FlowError> + Send + 'static,
) -> Result<T, FlowError> {
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

impl Gateway {
    /// Keeps the log until told to stop: a round every [`LOG_ROUND_EVERY`], from beginning to beginning, so that a
    /// checkpoint is out within a second of each entry's commit: the wait for the next round, and that round.
    pub async fn run_log(self: Arc<Self>, stop: CancellationToken) {
        let mut rounds = tokio::time::interval(LOG_ROUND_EVERY);
        // After a round that took longer the next one comes at once, and nothing is made up for.
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = rounds.tick() => {}
            }
            if self.shards.keeps_cell()
                && let Err(error) = self.log_round().await
            {
                metrics::counter!("amana_log_failures_total").increment(1);
                tracing::error!(%error, "no checkpoint of the disclosure log could be made now");
            }
        }
    }

    /// Looks whether the published checkpoint is one that this database has made. A database that knows less than what
    /// was published is an older copy: going on would fork the log, which nobody may do, so the gateway must not start.
    ///
    /// # Errors
    /// When it is not, with what to do; when the store or the files cannot be read.
    pub async fn check_published_log(&self) -> Result<(), FlowError> {
        let tiles = Arc::clone(&self.log.parts.tiles);
        let Some(file) = blocking(move || tiles.read("checkpoint").map_err(broken)).await? else {
            return Ok(());
        };
        // After the file, which follows it: another node may publish meanwhile.
        let made = match self.store.log_checkpoint().await? {
            Some((_, note)) => Some(checkpoint_of(&note)?),
            None => None,
        };
        let published = checkpoint_of(std::str::from_utf8(&file).map_err(broken)?)?;
        let origin = self.log.parts.signer.verifier().name();
        if published.origin != origin {
            let other = published.origin;
            return Err(FlowError::Log(format!(
                "its folder holds another log, `{other}`: keep that name with `[disclosure_log] origin`, or give `{origin}` a folder of \
                 its own"
            )));
        }
        let known = made.as_ref().map_or(0, |made| made.size);
        let same = made.is_some_and(|made| made.size != published.size || made.root == published.root);
        if published.size > known || !same {
            let size = published.size;
            return Err(FlowError::Log(format!(
                "{size} entries are published, of which this database has {known}, or other ones: it is an older copy. \
                 Put the newest one back; if it is lost, see `Backup and restore` in docs/operate.md"
            )));
        }
        Ok(())
    }

    /// One round: everything that is durable now is in the published checkpoint afterwards (where witnesses are needed
    /// and do not answer, in a later one). Public for tests and for whoever needs a proof at once.
    ///
    /// # Errors
    /// When the store or the files fail. Nothing is lost: the next round goes on from what is stored.
    pub async fn log_round(&self) -> Result<(), FlowError> {
        let mut kept = self.log.state.lock().await;
        let parts = &self.log.parts;
        let reserve = Command::ReserveIndex {
            now: self.now(),
            segment_entries: parts.segment_entries,
            segment_seconds: parts.segment_seconds,
        };
        self.store.submit(vec![reserve]).await?;
        let mut state = match kept.tree.take() {
            Some(state) => state,
            None => self.open_log().await?,
        };
        let head = self.store.log_head().await?;
        state = self.catch_up(state, head.reserved.map_or(head.size, |r| r.log_index)).await?;
        if let Some(reserved) = head.reserved.filter(|r| r.log_index == state.tree.size()) {
            let (after, entry) = blocking(move || {
                let filled = state.fill(reserved)?;
                Ok((state, filled))
            })
            .await?;
            state = after;
            let fill = Command::FillIndex { log_index: reserved.log_index, entry };
            match self.store.submit(vec![fill]).await {
                // Another keeper on this database has filled it, with the same bytes.
                Ok(_) | Err(SubmitError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let published = self.store.log_checkpoint().await?.map_or(0, |(size, _)| size);
        if state.covered && state.tree.size() > published {
            state = self.publish(&mut kept, state).await?;
        }
        // What stands in the database is what is published; the file follows, once its tiles are there.
        let lease = self.store.lease();
        let several = lease.node.is_some();
        // The one file that changes is one node's. One that stood still just before it wrote an older one writes it
        // when it goes on: so it is looked at each time.
        let keeps = self.shards.keeps_cell() && lease.is_fresh;
        if let Some((size, note)) = self.store.log_checkpoint().await?
            && (size > kept.written || (several && keeps))
            && size <= state.tree.size()
        {
            let (tiles, store) = (Arc::clone(&parts.tiles), Arc::clone(&self.store));
            state = blocking(move || {
                state.tree.flush().map_err(broken)?;
                let stands = |file: Vec<u8>| file == note.as_bytes();
                // Writing the tiles may have taken longer than a lease.
                let keeps = keeps && store.lease().is_fresh;
                if keeps && !(several && tiles.read("checkpoint").map_err(broken)?.is_some_and(stands)) {
                    tiles.replace("checkpoint", note.as_bytes()).map_err(broken)?;
                }
                Ok(state)
            })
            .await?;
            kept.written = size;
        }
        kept.tree = Some(state);
        Ok(())
    }

    /// Signs the tree as it is, asks the witnesses, and keeps the checkpoint. Where it ends before that, or too few
    /// witnesses answer, the next round does it again, whether anything came meanwhile or not.
    async fn publish(&self, kept: &mut Kept, mut state: State) -> Result<State, FlowError> {
        let parts = &self.log.parts;
        let (origin, size) = (parts.signer.verifier().name().to_owned(), state.tree.size());
        let checkpoint = Checkpoint { origin, size, root: state.tree.root() };
        let mut note = checkpoint.sign(&parts.signer).map_err(broken)?;
        if let Some(witnesses) = &parts.witnesses {
            // The proofs for them are read from the tiles.
            state = blocking(move || {
                state.tree.flush().map_err(broken)?;
                Ok(state)
            })
            .await?;
            if !self.cosign(witnesses, &mut kept.witnessed, &mut note, size).await {
                metrics::counter!("amana_log_unwitnessed_total").increment(1);
                if kept.late != size {
                    kept.late = size;
                    tracing::error!(
                        size,
                        "too few witnesses cosigned a checkpoint; it is not published until they do, or a later one is"
                    );
                }
                return Ok(state);
            }
        }
        self.store.submit(vec![Command::PutCheckpoint { size, note: note.to_string() }]).await?;
        Ok(state)
    }

    /// Takes in what the store has up to `until`, or up to a place that is not written yet.
    async fn catch_up(&self, mut state: State, until: u64) -> Result<State, FlowError> {
        while state.tree.size() < until {
            let from = state.tree.size();
            let limit = usize::try_from(until - from).unwrap_or(LOG_PAGE).min(LOG_PAGE);
            let entries = self.store.log_entries(from, limit).await?;
            if entries.is_empty() {
                break;
            }
            self.publish_rules(&entries).await?;
            let ended = self.store.log_segments(state.index.segment()).await?;
            state = blocking(move || {
                state.append(&entries, &ended)?;
                // Where much is to be caught up with, it does not wait in memory.
                state.tree.flush_full().map_err(broken)?;
                Ok(state)
            })
            .await?;
        }
        Ok(state)
    }

    /// Publishes the documents behind rule changes, before a checkpoint covers these.
    async fn publish_rules(&self, entries: &[Vec<u8>]) -> Result<(), FlowError> {
        for bytes in entries {
            let Entry::Rule { sha256 } = Entry::decode(bytes).map_err(broken)? else { continue };
            let document = self.store.log_rule(&sha256).await?;
            let document = document.ok_or(FlowError::Unreadable("rule of the log"))?;
            let (tiles, path) = (Arc::clone(&self.log.parts.tiles), Resource::Rule { sha256 }.path());
            blocking(move || tiles.write(&path, document.as_bytes()).map_err(broken)).await?;
        }
        Ok(())
    }

    /// The state at the newest checkpoint, from its tiles; where these are not there or not those, from the start.
    async fn open_log(&self) -> Result<State, FlowError> {
        let published = match self.store.log_checkpoint().await? {
            Some((_, note)) => Some(checkpoint_of(&note)?),
            None => None,
        };
        let tiles = Arc::clone(&self.log.parts.tiles);
        let tree = blocking(move || {
            if let Some(published) = published {
                match TreeWriter::open(Arc::clone(&tiles), published.size) {
                    Ok(tree) if tree.root() == published.root => return Ok(tree),
                    Ok(_) => return Err(broken("the log's tiles are not those of its checkpoint; remove the folder of the log, and it is written anew from the database")),
                    Err(error @ (LogError::TileMissing { .. } | LogError::TileDamaged { .. })) => {
                        tracing::warn!(%error, "the log's tiles are not complete; they are written anew from the database");
                    }
                    // That they cannot be read now says nothing of them.
                    Err(error) => return Err(broken(error)),
                }
            }
            TreeWriter::open(tiles, 0).map_err(broken)
        })
        .await?;
        let at = tree.size();
        let ended = self.store.log_segments(0).await?;
        let before = ended.iter().take_while(|s| s.last < at);
        let (segment, first) = before.last().map_or((0, 0), |s| (s.segment + 1, s.last + 1));
        // A published checkpoint ends with an index entry.
        let mut state = State { tree, index: SegmentIndex::new(segment, first), covered: at > 0 };
        // The open segment's index, from its entries; they are in the tree already.
        let mut from = first;
        while from < at {
            let limit = usize::try_from(at - from).unwrap_or(LOG_PAGE).min(LOG_PAGE);
            let entries = self.store.log_entries(from, limit).await?;
            if entries.is_empty() {
                return Err(broken("an entry of the disclosure log is missing in the database"));
            }
            let mut leaves = Vec::new();
            for (bytes, log_index) in entries.iter().zip(from..) {
                if let Entry::Receipt { label, .. } = Entry::decode(bytes).map_err(broken)? {
                    leaves.push(IndexLeaf { label, log_index });
                }
            }
            from += u64::try_from(entries.len()).unwrap_or(u64::MAX);
            state.index.add(leaves).map_err(broken)?;
        }
        Ok(state)
    }

    /// A public file of the log by its path below the log's address; `None` when there is no such file.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub async fn log_file(&self, path: &str) -> Result<Option<LogFile>, FlowError> {
        let Some(resource) = Resource::parse(path) else { return Ok(None) };
        let (tiles, path) = (Arc::clone(&self.log.parts.tiles), resource.path());
        // Anybody may ask, and a bucket may hang: who waits here holds no thread that the store's readers need.
        let _room = self.log.readers.acquire().await.map_err(broken)?;
        let bytes = blocking(move || tiles.read(&path).map_err(broken)).await?;
        Ok(bytes.map(|bytes| LogFile {
            bytes,
            immutable: resource.immutable(),
            content_type: resource.content_type(),
        }))
    }

    /// Asks the witnesses that have an address for their cosignatures, all at once; whether there are enough. Once
    /// there are, the others have [`WITNESS_GRACE`]: who is not needed holds no checkpoint up.
    async fn cosign(
        &self,
        witnesses: &Witnesses,
        witnessed: &mut HashMap<String, u64>,
        note: &mut Note,
        size: u64,
    ) -> bool {
        let urls = witnesses.policy.witnesses().iter().filter_map(|witness| witness.url.as_deref());
        let mut silent: BTreeSet<&str> = urls.clone().collect();
        let asked = urls.map(|url| {
            let (client, old) = (&witnesses.client, witnessed.get(url).copied().unwrap_or_default());
            let note = note.clone();
            async move { (url, self.cosignature(&**client, url, old, note, size).await) }
        });
        let mut asked: FuturesUnordered<_> = asked.collect();
        let grace = tokio::time::sleep(WITNESS_WAIT * 2 + WITNESS_GRACE);
        tokio::pin!(grace);
        let mut enough = witnesses.policy.weigh(note).quorum;
        if enough {
            grace.as_mut().reset(tokio::time::Instant::now() + WITNESS_GRACE);
        }
        loop {
            let (url, answer) = tokio::select! {
                biased;
                next = asked.next() => match next {
                    Some(answered) => answered,
                    None => return enough,
                },
                () = &mut grace => {
                    for url in silent {
                        tracing::warn!(url, "a witness that the policy can do without was not waited for");
                    }
                    return enough;
                }
            };
            silent.remove(url);
            match answer {
                Ok(lines) => {
                    let signatures = parse_signatures(&lines).unwrap_or_default();
                    if witnesses.policy.collect(note, &signatures) == 0 {
                        tracing::warn!(url, "a witness answered with no signature of a key of the policy");
                    }
                    witnessed.insert(url.to_owned(), size);
                }
                Err(why) => tracing::warn!(url, why, "a witness did not cosign"),
            }
            if !enough && witnesses.policy.weigh(note).quorum {
                enough = true;
                grace.as_mut().reset(tokio::time::Instant::now() + WITNESS_GRACE);
            }
        }
    }

    /// One witness's cosignature. Where it has another size in mind it says which, and is asked again from there.
    async fn cosignature(
        &self,
        client: &dyn WitnessClient,
        url: &str,
        mut old: u64,
        note: Note,
        size: u64,
    ) -> Result<String, String> {
        for _ in 0..2 {
            let (tiles, note, from) = (Arc::clone(&self.log.parts.tiles), note.clone(), old);
            let body = blocking(move || {
                let proof = TreeReader::new(&*tiles, size).consistency(from, size).map_err(broken)?;
                Ok(AddCheckpoint::new(from, proof, note).map_err(broken)?.body())
            })
            .await
            .map_err(|error| error.to_string())?;
            let answer = tokio::time::timeout(WITNESS_WAIT, client.add_checkpoint(url, body)).await;
            let (status, text) = answer.map_err(|_| "it takes too long".to_owned())??;
            match status {
                200 => return Ok(text),
                409 => old = text.trim().parse().map_err(|_| "it says no size".to_owned())?,
                _ => return Err(format!("status {status}")),
            }
            if old > size {
                return Err(
                    "it has cosigned a longer log than there is: the database is an older copy".to_owned()
                );
            }
        }
        Err("it changes its mind about the size".to_owned())
    }
}
