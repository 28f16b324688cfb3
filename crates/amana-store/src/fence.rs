//! What this process knows of its own lease, without asking: which node it is, until when it may trust that, and
//! whether others have ended it. The word that counts is the database's, in each transaction (`node.rs`).

use crate::limits::{LEASE, LEASE_TRUST};
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// How a process's lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The node that it is; `None` where it is the only process, or does not work on shards.
    pub node: Option<i64>,
    /// Whether it was renewed so short a time ago that nobody can have ended it: what no database can take back may be
    /// begun. By a clock that goes on while the process stands still.
    pub is_fresh: bool,
    /// Whether others may have ended it: its time is over by that clock, or is known to be lost.
    pub is_over: bool,
    /// Whether others have ended it. It never comes back: the process has to start anew.
    pub is_lost: bool,
}

#[derive(Default)]
struct State {
    node: Option<i64>,
    renewed: Option<Instant>,
    lost: bool,
}

/// A node's own memory of its lease.
#[derive(Default)]
pub(crate) struct Fence(Mutex<State>);

impl Fence {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This process is that node from here on; `at` is before it was written down.
    pub(crate) fn join(&self, node: i64, at: Instant) {
        self.with(|state| *state = State { node: Some(node), renewed: Some(at), lost: false });
    }

    /// A transaction that began at `at` has renewed it.
    pub(crate) fn renewed(&self, at: Instant) {
        self.with(|state| state.renewed = Some(at));
    }

    /// Others have ended it.
    pub(crate) fn lose(&self) {
        self.with(|state| state.lost = true);
    }

    /// The node; 0 where every shard is this process's.
    pub(crate) fn node_or_all(&self) -> i64 {
        self.with(|state| state.node.unwrap_or(0))
    }

    pub(crate) fn lease(&self) -> Lease {
        self.with(|state| {
            let within = |time| state.renewed.is_some_and(|at| at.elapsed() < time) && !state.lost;
            Lease {
                node: state.node,
                is_fresh: state.node.is_none() || within(LEASE_TRUST),
                is_over: state.node.is_some() && !within(LEASE),
                is_lost: state.lost,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a lease is trusted for a part of its time, and never again once it is lost.
    #[test]
    fn a_lease_is_trusted_for_a_while() {
        let fence = Fence::default();
        let lease = Lease { node: None, is_fresh: true, is_over: false, is_lost: false };
        assert_eq!(fence.lease(), lease);
        // The times of a test that a busy machine interrupts are far from the bound.
        let before = |time| Instant::now().checked_sub(time).expect("a clock that runs for longer");
        fence.join(7, before(LEASE_TRUST));
        let lease = Lease { node: Some(7), is_fresh: false, ..lease };
        assert_eq!(fence.lease(), lease);
        fence.renewed(before(LEASE));
        assert_eq!(fence.lease(), Lease { is_over: true, ..lease });
        fence.renewed(Instant::now() + LEASE_TRUST);
        assert_eq!((fence.node_or_all(), fence.lease().is_fresh), (7, true));
        fence.lose();
        assert_eq!(fence.lease(), Lease { is_over: true, is_lost: true, ..lease });
    }
}
