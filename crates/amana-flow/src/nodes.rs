//! Several processes on one PostgreSQL: whose the shards are, and what this one may work on.
//!
//! Whose a shard is, the database says (`amana_store::Store::shards`). Here is what this process holds, and what it has
//! under way in each: no work begins in a shard that is not held, and a shard is given back only when nothing is under
//! way in it. So a lane, a conversation's messages and a link's jobs are one process's alone at any time. A process
//! whose lease others have ended does not mend that: it stops, and is started anew.

use crate::gateway::Gateway;
use crate::limits::{ECHO_WAIT_AFTER_START_S, FORGET_EVERY, LOOK_SLOW, NODE_POLL_EVERY, POLL_EVERY};
use amana_core::Shard;
use amana_core::ids::SHARDS;
use amana_store::limits::{LEASE, LEASE_LOOK};
use amana_store::{Answer, Command, Outcome, ShardView, SubmitError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The shard whose node does what there is once in a cell: it publishes the log's checkpoints, sweeps, and looks after
/// channels.
const OF_THE_CELL: Shard = Shard(0);

#[derive(Default)]
struct Held {
    /// `None`: this process is the only one, and has all.
    shards: Option<BTreeSet<u16>>,
    /// How many pieces of work are under way, per shard.
    under_way: BTreeMap<u16, usize>,
}

/// The shards that this process works on, and what is under way in them.
#[derive(Default)]
pub(crate) struct Shards {
    held: Mutex<Held>,
    left: Notify,
}

/// Work under way in a shard, until this is dropped: so long the shard stays this process's.
pub(crate) struct InShard {
    shards: Arc<Shards>,
    shard: u16,
}

impl Drop for InShard {
    fn drop(&mut self) {
        self.shards.with(|held| {
            if let Some(count) = held.under_way.get_mut(&self.shard) {
                *count -= 1;
                if *count == 0 {
                    held.under_way.remove(&self.shard);
                }
            }
        });
        self.shards.left.notify_one();
    }
}

impl Shards {
    fn with<T>(&self, look: impl FnOnce(&mut Held) -> T) -> T {
        look(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins work in a shard, if it is this process's.
    pub(crate) fn enter(self: &Arc<Self>, shard: Shard) -> Option<InShard> {
        self.with(|held| {
            if held.shards.as_ref().is_some_and(|shards| !shards.contains(&shard.0)) {
                return None;
            }
            *held.under_way.entry(shard.0).or_insert(0) += 1;
            Some(InShard { shards: Arc::clone(self), shard: shard.0 })
        })
    }

    /// Whether this process does what there is once in a cell.
    pub(crate) fn keeps_cell(&self) -> bool {
        self.with(|held| held.shards.as_ref().is_none_or(|shards| shards.contains(&OF_THE_CELL.0)))
    }

    /// Holds these and no others; how many of them are new.
    fn hold(&self, shards: &[Shard]) -> usize {
        let now: BTreeSet<u16> = shards.iter().map(|shard| shard.0).collect();
        self.with(|held| {
            let before = held.shards.replace(now.clone()).unwrap_or_default();
            now.difference(&before).count()
        })
    }

    /// Begins nothing any more in the shards from `from` on, and waits until nothing is under way there.
    async fn leave(&self, from: Shard) {
        self.with(|held| {
            if let Some(shards) = &mut held.shards {
                shards.split_off(&from.0);
            }
        });
        loop {
            let left = self.left.notified();
            if self.with(|held| held.under_way.range(from.0..).next().is_none()) {
                return;
            }
            left.await;
        }
    }
}

/// How many shards each of `nodes` has at most.
fn fair_share(nodes: u64) -> usize {
    usize::try_from(u64::from(SHARDS).div_ceil(nodes.max(1))).unwrap_or(usize::MAX)
}

/// Goes on with the work for as long as it is not `over`, which is asked before each step.
async fn unless<T>(over: impl Fn() -> bool, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(
        |context| {
            if over() { Poll::Ready(None) } else { work.as_mut().poll(context).map(Some) }
        },
    )
    .await
}

/// Shards are being given back until this is dropped, however that ends.
struct Giving(Arc<Gateway>);

impl Drop for Giving {
    fn drop(&mut self) {
        self.0.giving.store(false, Ordering::Release);
    }
}

/// How a node's part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeEnd {
    /// It gave its shards back.
    Left,
    /// Others ended it: its process must not go on.
    Lost,
}

impl Gateway {
    /// Becomes one of the nodes that work on the store side by side, where the engine has several. From here on this
    /// process works on the shards that [`Gateway::run_node`] takes, and on nothing before. `name` is for operators.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn join_nodes(&self, name: &str) -> Answer<()> {
        if let Some(node) = self.store.join_nodes(name).await? {
            self.shards.hold(&[]);
            tracing::info!(node, name, "this process is a node");
        }
        Ok(())
    }

    /// Renews this node's lease, takes free shards up to its share and gives back what is more, until `stop`; then it
    /// only renews; at `end` it gives everything back. The work itself must have ended by then.
    pub async fn run_node(self: Arc<Self>, stop: CancellationToken, end: CancellationToken) -> NodeEnd {
        let Some(node) = self.store.lease().node else {
            end.cancelled().await;
            return NodeEnd::Left;
        };
        // Since when the lease was renewed without a gap. Who could not renew its own cannot judge the others': after
        // the database was away, everybody's time is over.
        let mut steady: Option<Instant> = None;
        let (mut forget_from, mut forgot_at) = (self.now(), Instant::now());
        loop {
            if forgot_at.elapsed() >= FORGET_EVERY {
                // Others write down how channels stand, too.
                *self.health.lock().await = None;
                let now = self.now();
                match self.store.forget_erased(forget_from).await {
                    // An erasure is committed a little after its time, and another node's clock may be behind.
                    Ok(_) => forget_from = now.saturating_sub(2 * FORGET_EVERY).unwrap_or(forget_from),
                    Err(error) => tracing::warn!(node, %error, "whom others erased cannot be read"),
                }
                forgot_at = Instant::now();
            }
            let began = Instant::now();
            let looked = self.look_after_shards(node, steady, stop.is_cancelled()).await;
            if self.store.lease().is_lost {
                metrics::counter!("amana_node_fenced_total").increment(1);
                tracing::error!(
                    node,
                    "this node's lease is over, and others have its shards; the process stops"
                );
                return NodeEnd::Lost;
            }
            steady = match looked {
                // A look that waits for what a stopped node has locked is no gap: the database was there.
                Ok(()) if began.elapsed() < LEASE => steady.or(Some(began)),
                Ok(()) => None,
                Err(error) => {
                    tracing::warn!(node, %error, "the node's lease could not be looked after");
                    None
                }
            };
            tokio::select! {
                () = tokio::time::sleep(LEASE_LOOK) => {}
                () = end.cancelled() => break,
            }
        }
        match self.store.submit(vec![Command::EndNode { node }]).await {
            Ok(_) => tracing::info!(node, "the node gave its shards back"),
            Err(error) => tracing::warn!(node, %error, "the node's shards are free when its lease is over"),
        }
        NodeEnd::Left
    }

    /// One look: renews the lease, ends nodes whose time is over, and takes or gives shards.
    async fn look_after_shards(
        &self,
        node: i64,
        steady: Option<Instant>,
        stopping: bool,
    ) -> Result<(), SubmitError> {
        // What is being given back is not taken up again by a view from before. Asked before the commit below: that
        // one waits for a commit of this node that gives shards back, even if its answer was lost.
        let giving = self.giving.load(Ordering::Acquire);
        let began = Instant::now();
        if steady.is_some_and(|since| since.elapsed() >= LEASE) {
            self.store.submit(vec![Command::FenceNodes { node }]).await?;
        } else {
            self.store.writable().await?;
        }
        let renewed = began.elapsed();
        let mut view = self.store.shards().await?;
        let read = began.elapsed();
        let share = fair_share(view.nodes);
        if !stopping && !giving && view.held.len() < share && view.free > 0 {
            let most = u32::try_from(share - view.held.len()).unwrap_or(u32::MAX);
            let until = self.after(ECHO_WAIT_AFTER_START_S);
            let taken = self.store.submit(vec![Command::TakeShards { node, most, until }]).await?;
            // Before anything in them is begun, which is when they are held, below.
            if taken.contains(&Outcome::Changed) {
                self.doubt_what_others_sent();
            }
            view = self.store.shards().await?;
        }
        self.note_shards(&view);
        let looked = began.elapsed();
        if looked >= LOOK_SLOW {
            let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let (renewed, read, looked) = (ms(renewed), ms(read), ms(looked));
            tracing::warn!(
                node,
                renewed_ms = renewed,
                read_ms = read,
                looked_ms = looked,
                held = view.held.len(),
                free = view.free,
                nodes = view.nodes,
                "a look after the leases was slow: while it lasts, nobody's shards are taken up"
            );
        }
        if giving {
            return Ok(());
        }
        let new = self.shards.hold(&view.held);
        if new > 0 {
            metrics::counter!("amana_node_shards_taken_total").increment(new as u64);
            tracing::info!(node, new, held = view.held.len(), nodes = view.nodes, "shards were taken");
            for filled in [&self.chat_filled, &self.bank_filled, &self.outbox_filled, &self.jobs_filled] {
                filled.notify_one();
            }
        }
        if let Some(from) = view.held.get(share).copied()
            && let Some(gateway) = self.me.upgrade()
        {
            // Beside the renewals: what is under way may take as long as a bank's answer.
            self.giving.store(true, Ordering::Release);
            let given = Giving(Arc::clone(&gateway));
            tokio::spawn(async move {
                gateway.shards.leave(from).await;
                if let Err(error) = gateway.store.submit(vec![Command::GiveShards { node, from }]).await {
                    tracing::warn!(node, %error, "shards could not be given back now");
                }
                drop(given);
            });
        }
        Ok(())
    }

    /// Whether this node may begin what no database can refuse, a call to the platform: nobody has ended it, by the
    /// database's word, and it renewed its lease a short while ago.
    pub(crate) async fn may_begin(&self) -> Answer<bool> {
        Ok(self.store.lease().is_fresh && self.store.is_leased().await?)
    }

    /// The same work, which is not gone on with once others may have this node's shards: a process that was stopped in
    /// the middle looks at its lease before anything else when it goes on. `None` if it was given up, with what it had
    /// begun in doubt.
    pub(crate) async fn while_leased<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        unless(|| self.store.lease().is_over, work).await
    }

    /// How often what came in by other nodes is looked for; this one is told of its own.
    pub(crate) fn poll_every(&self) -> Duration {
        if self.store.lease().node.is_some() { NODE_POLL_EVERY } else { POLL_EVERY }
    }

    fn note_shards(&self, view: &ShardView) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^53")]
        {
            metrics::gauge!("amana_node_shards").set(view.held.len() as f64);
            metrics::gauge!("amana_shards_free").set(view.free as f64);
            metrics::gauge!("amana_nodes").set(view.nodes as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    /// Goal: together the nodes have every shard, none has more than its share, and the shares differ by little.
    #[test]
    fn shares_are_fair() {
        assert_eq!([1, 2, 3, 4096].map(fair_share), [4096, 2048, 1366, 1]);
        assert_eq!(fair_share(0), 4096);
    }

    /// Goal: what was begun goes on only while it may: the step after the end is not taken.
    #[tokio::test]
    async fn work_is_not_gone_on_with_after_its_lease() {
        let (over, steps) = (AtomicBool::new(false), AtomicUsize::new(0));
        let ends = |at| {
            let (over, steps) = (&over, &steps);
            async move {
                for step in 0..3 {
                    over.store(step == at, Ordering::Relaxed);
                    steps.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            }
        };
        let is_over = || over.load(Ordering::Relaxed);
        assert_eq!(unless(is_over, ends(9)).await, Some(()));
        assert_eq!(unless(is_over, ends(1)).await, None);
        assert_eq!(steps.load(Ordering::Relaxed), 3 + 2, "the third step of the second was not taken");
    }

    /// Goal: nothing begins in a shard that is not held, and a shard is left only when nothing is under way in it.
    #[tokio::test]
    async fn a_shard_is_left_when_nothing_is_under_way_in_it() {
        let shards = Arc::new(Shards::default());
        assert!(shards.enter(Shard(9)).is_some() && shards.keeps_cell(), "the only process has all");
        assert_eq!(shards.hold(&[Shard(0), Shard(5), Shard(9)]), 3);
        assert!(shards.enter(Shard(1)).is_none());
        let (low, high) = (shards.enter(Shard(0)), shards.enter(Shard(9)).expect("held"));
        let leaving = tokio::spawn({
            let shards = Arc::clone(&shards);
            async move { shards.leave(Shard(5)).await }
        });
        while shards.enter(Shard(5)).is_some() {
            tokio::task::yield_now().await;
        }
        assert!(shards.enter(Shard(9)).is_none(), "nothing new begins");
        assert!(!leaving.is_finished(), "something is under way");
        drop(high);
        leaving.await.expect("left");
        assert!(low.is_some() && shards.enter(Shard(0)).is_some(), "the others go on");
    }
}
