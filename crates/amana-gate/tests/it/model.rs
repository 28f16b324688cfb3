//! A model of revoke, kill and send, searched exhaustively: which orders of steps may ever happen, and which two
//! omissions break the promise.
//!
//! It is a model of the design, not of the code: `tickets.rs` and the crash tests hold the code to it. Abuse cases 5
//! and 18.

use stateright::{Checker, Model, Property};

/// Receipts that a run may write: enough for a send, a crash and a send again.
const RECEIPTS_MAX: u8 = 4;
/// Crashes that a run may have.
const CRASHES_MAX: u8 = 2;

/// The design, and the two steps that can be left out of it.
#[derive(Clone, Copy)]
struct Design {
    /// A ticket is good only for a receipt that is durable.
    wait_fsync: bool,
    /// Consent and kill switches are read again at the send.
    recheck: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    consent: bool,
    killed: bool,
    /// Receipts written, and how many of them a crash leaves.
    log: u8,
    durable: u8,
    /// The highest receipt whose bytes are at the platform.
    sent: u8,
    inflight: Option<u8>,
    sent_after_revoke: bool,
    crashes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Grant,
    Revoke,
    Kill,
    Append,
    Fsync,
    Crash,
    Send,
}

impl Model for Design {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        steps.push(if state.consent { Step::Revoke } else { Step::Grant });
        if !state.killed {
            steps.push(Step::Kill);
        }
        if state.consent && !state.killed && state.inflight.is_none() && state.log < RECEIPTS_MAX {
            steps.push(Step::Append);
        }
        if state.durable < state.log {
            steps.push(Step::Fsync);
        }
        if state.crashes < CRASHES_MAX {
            steps.push(Step::Crash);
        }
        if state.inflight.is_some_and(|seq| !self.wait_fsync || seq <= state.durable) {
            steps.push(Step::Send);
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Grant => state.consent = true,
            Step::Revoke => state.consent = false,
            Step::Kill => state.killed = true,
            Step::Append => {
                state.log += 1;
                state.inflight = Some(state.log);
            }
            Step::Fsync => state.durable = state.log,
            Step::Crash => {
                state.log = state.durable;
                state.inflight = None;
                state.crashes += 1;
            }
            Step::Send => {
                let seq = state.inflight.take()?;
                let allowed = state.consent && !state.killed;
                if !allowed && self.recheck {
                    return Some(state);
                }
                state.sent_after_revoke |= !allowed;
                state.sent = state.sent.max(seq);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("no bytes without a durable receipt", |_, s| s.sent <= s.durable),
            Property::<Self>::always("no send after revoke or kill", |_, s| !s.sent_after_revoke),
            Property::<Self>::sometimes("can send", |_, s| s.sent > 0),
        ]
    }
}

/// Searches the whole space of a design: its states (all that were reached, and different ones) and what was found.
fn search(wait_fsync: bool, recheck: bool) -> (usize, usize, Vec<&'static str>) {
    let checker = Design { wait_fsync, recheck }.checker().spawn_bfs().join();
    let mut found: Vec<_> = checker.discoveries().into_keys().collect();
    found.sort_unstable();
    (checker.state_count(), checker.unique_state_count(), found)
}

#[test]
fn the_design_sends_and_never_without_a_receipt_nor_after_a_stop() {
    assert_eq!(search(true, true), (1181, 420, vec!["can send"]));
}

#[test]
fn abuse_18_without_waiting_for_the_disk_bytes_leave_without_a_receipt() {
    assert_eq!(search(false, true), (5201, 1540, vec!["can send", "no bytes without a durable receipt"]));
}

#[test]
fn abuse_05_without_asking_again_a_revoked_message_leaves() {
    assert_eq!(search(true, false), (1243, 456, vec!["can send", "no send after revoke or kill"]));
}
