//! Random command sequences against both engines and a small model in memory: the same answers, the same state.

use crate::model_commands::command;
use crate::place::Place;
use crate::world::*;
use amana_core::*;
use amana_store::*;
use proptest::{prelude::*, test_runner::Config, test_runner::TestRunner};
use std::collections::{BTreeMap, BTreeSet};

/// Sequences that are played. Each needs a database of its own on PostgreSQL.
const CASES: u32 = 12;

/// A time at which events that are done are forgotten and tickets are over.
const MONTHS: i64 = 60 * 86_400;

/// A command, as the model sees it. Small numbers, so that they meet.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Accept {
        lane: u8,
        n: u8,
    },
    /// The n-th head at that time; beyond the last, the one that was finished before.
    FinishHead {
        which: u8,
        second: i64,
        result: u8,
    },
    Customer(u8),
    Record(u8),
    Grant {
        n: u8,
        customer: u8,
        link: u8,
    },
    Revoke {
        n: u8,
        customer: u8,
    },
    Disclose {
        conversation: u8,
        n: u8,
        second: i64,
    },
    Claim {
        n: u8,
        from: OutboxState,
        second: i64,
    },
    Finish {
        n: u8,
        delivery: u8,
        second: i64,
    },
    Echoed {
        conversation: u8,
        n: u8,
    },
    OpenWindow(u8),
    Replay {
        n: u8,
        second: i64,
    },
    PutToken(u8),
    Consume {
        n: u8,
        second: i64,
    },
    PutGrant {
        customer: u8,
        expected: i64,
    },
    DropGrant {
        customer: u8,
        expected: i64,
    },
    CreateLink {
        n: u8,
        customer: u8,
        active: bool,
    },
    SetLink {
        n: u8,
        customer: u8,
        from: LinkState,
        to: LinkState,
    },
    PutSession(u8),
    TakeSession(u8),
    Agreement(u32),
    SetKill(bool),
    ClearKill(bool),
    Enqueue(u8),
    FinishJob {
        n: u8,
        outcome: u8,
        second: i64,
    },
    CancelJob(u8),
    ReplayEvent {
        lane: u8,
        n: u8,
    },
    Recover(i64),
    Sweep(i64),
    SetLang {
        conversation: u8,
        arabic: bool,
    },
    Inbound {
        conversation: u8,
        second: i64,
    },
}

/// A command, and where it is turned to; `None` leaves it to chance.
type Aimed = (Op, Option<u8>);

fn op() -> impl Strategy<Value = Op> {
    let few = || 0u8..4;
    let customer = || 1u8..3;
    let second = || 0i64..6;
    let state = || {
        prop::sample::select(vec![
            OutboxState::Pending,
            OutboxState::Pending,
            OutboxState::Pending,
            OutboxState::Sending,
            OutboxState::Unconfirmed,
            OutboxState::Held,
            OutboxState::Sent,
            OutboxState::Dead,
        ])
    };
    let link_state = || prop::sample::select(vec![LinkState::Pending, LinkState::Active, LinkState::Ended]);
    let inbox = prop_oneof![
        (few(), 0u8..8).prop_map(|(lane, n)| Op::Accept { lane, n }),
        (few(), second(), 0u8..4).prop_map(|(which, second, result)| Op::FinishHead {
            which,
            second,
            result
        }),
        (few(), 0u8..8).prop_map(|(lane, n)| Op::ReplayEvent { lane, n }),
    ];
    let people = prop_oneof![
        customer().prop_map(Op::Customer),
        customer().prop_map(Op::Customer),
        customer().prop_map(Op::Record),
        (few(), customer(), few()).prop_map(|(n, customer, link)| Op::Grant { n, customer, link }),
        (few(), customer()).prop_map(|(n, customer)| Op::Revoke { n, customer }),
        (customer(), 0i64..3).prop_map(|(customer, expected)| Op::PutGrant { customer, expected }),
        (customer(), 0i64..3).prop_map(|(customer, expected)| Op::DropGrant { customer, expected }),
        (few(), customer(), any::<bool>()).prop_map(|(n, customer, active)| Op::CreateLink {
            n,
            customer,
            active
        }),
        (few(), customer(), link_state(), link_state()).prop_map(|(n, customer, from, to)| Op::SetLink {
            n,
            customer,
            from,
            to
        }),
    ];
    let outbox = prop_oneof![
        (1u8..3, 0u8..5, second()).prop_map(|(conversation, n, second)| Op::Disclose {
            conversation,
            n,
            second
        }),
        (0u8..5, state(), second()).prop_map(|(n, from, second)| Op::Claim { n, from, second }),
        (0u8..5, prop::sample::select(vec![0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 7]), second())
            .prop_map(|(n, delivery, second)| Op::Finish { n, delivery, second }),
        (1u8..3, 0u8..5).prop_map(|(conversation, n)| Op::Echoed { conversation, n }),
        (1u8..3).prop_map(Op::OpenWindow),
        (0u8..5, second()).prop_map(|(n, second)| Op::Replay { n, second }),
        second().prop_map(Op::Recover),
    ];
    let rest = prop_oneof![
        few().prop_map(Op::PutToken),
        (few(), prop_oneof![Just(1), Just(599), Just(600)]).prop_map(|(n, second)| Op::Consume { n, second }),
        few().prop_map(Op::PutSession),
        few().prop_map(Op::TakeSession),
        (1u32..4).prop_map(Op::Agreement),
        any::<bool>().prop_map(Op::SetKill),
        any::<bool>().prop_map(Op::ClearKill),
        few().prop_map(Op::Enqueue),
        (few(), 0u8..3, second()).prop_map(|(n, outcome, second)| Op::FinishJob { n, outcome, second }),
        few().prop_map(Op::CancelJob),
        prop::sample::select(vec![50, 150, 599, 700, MONTHS]).prop_map(Op::Sweep),
        (1u8..3, any::<bool>()).prop_map(|(conversation, arabic)| Op::SetLang { conversation, arabic }),
        (1u8..3, second()).prop_map(|(conversation, second)| Op::Inbound { conversation, second }),
    ];
    prop_oneof![2 => inbox, 4 => people, 6 => outbox, 2 => rest]
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    lane: u8,
    n: u8,
    state: char,
    not_before: i64,
    attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    n: u8,
    conversation: u8,
    state: OutboxState,
    due: i64,
    created: i64,
    attempts: u32,
    mid: Option<String>,
    reason: Option<String>,
    doubtful: bool,
    /// It was given up for so long that its recipient is gone.
    over: bool,
}

impl Message {
    /// How often its bytes may have left.
    fn attempts_made(&self) -> u32 {
        match self.state {
            OutboxState::Denied => self.attempts.saturating_sub(1).max(u32::from(self.doubtful)),
            _ => self.attempts,
        }
    }
}

/// What the store must be like, in the plainest form.
#[derive(Debug, Clone, Default)]
struct Model {
    events: Vec<Event>,
    /// The events of the heads that were finished last, to finish them again.
    finished: Option<usize>,
    customers: BTreeMap<u8, u64>,
    consents: Vec<(u8, u8, u8, bool)>,
    messages: Vec<Message>,
    /// Echoes that need no explanation any more, by person and message, and those of them that are alarms.
    echoed: BTreeSet<(u8, u8)>,
    alarms: BTreeSet<(u8, u8)>,
    tokens: BTreeMap<u8, bool>,
    grants: BTreeMap<u8, i64>,
    links: Vec<(u8, u8, LinkState)>,
    sessions: BTreeSet<u8>,
    agreement: u32,
    kills: BTreeSet<bool>,
    jobs: BTreeMap<u8, (i64, u32, bool)>,
    conversations: BTreeMap<u8, (Lang, bool, Option<i64>)>,
}

type Expected = Result<Outcome, &'static str>;

fn when(holds: bool, what: &'static str) -> Expected {
    if holds { Ok(Outcome::Changed) } else { Err(what) }
}

fn maybe(changed: bool) -> Expected {
    Ok(if changed { Outcome::Changed } else { Outcome::Unchanged })
}

impl Model {
    fn inbox_heads(&self, second: i64) -> Vec<usize> {
        let mut lanes = BTreeSet::new();
        let waiting = self.events.iter().enumerate().filter(|(_, e)| e.state == 'w');
        let firsts = waiting.filter(|(_, e)| lanes.insert(e.lane)).collect::<Vec<_>>();
        firsts.into_iter().filter(|(_, e)| e.not_before <= second).map(|(i, _)| i).collect()
    }

    fn outbox_heads(&self, second: i64) -> Vec<&Message> {
        use OutboxState::{Dead, Denied, Held, Sent};
        let mut conversations = BTreeSet::new();
        let open = self.messages.iter().filter(|m| ![Sent, Dead, Denied].contains(&m.state));
        let firsts: Vec<_> = open.filter(|m| conversations.insert(m.conversation)).collect();
        let mut due: Vec<_> = firsts.into_iter().filter(|m| m.state != Held && m.due <= second).collect();
        // Of equal times the earlier message: the sort is stable.
        due.sort_by_key(|m| m.due);
        due
    }

    /// Most random commands miss; this one is turned to something that is there, if anything is.
    fn aim(&self, op: Op, pick: u8) -> Op {
        use OutboxState::{Dead, Held, Pending, Sending, Unconfirmed};
        fn one<T: Clone>(all: &[T], pick: u8) -> Option<T> {
            all.get(usize::from(pick) % all.len().max(1)).cloned()
        }
        let messages = |states: &[OutboxState]| -> Vec<Message> {
            self.messages.iter().filter(|m| states.contains(&m.state)).cloned().collect()
        };
        let aimed = match op {
            Op::FinishHead { second, result, .. } => {
                let heads = u8::try_from(self.inbox_heads(second).len()).expect("few").max(1);
                Some(Op::FinishHead { which: pick % heads, second, result })
            }
            Op::Record(_) => {
                let all: Vec<u8> = self.customers.keys().copied().collect();
                one(&all, pick).map(Op::Record)
            }
            Op::Revoke { .. } => {
                let active: Vec<_> = self.consents.iter().filter(|c| c.3).collect();
                one(&active, pick).map(|c| Op::Revoke { n: c.0, customer: c.1 })
            }
            Op::Disclose { conversation, second, .. } => {
                let n = u8::try_from(self.messages.len()).expect("few") + 10;
                Some(Op::Disclose { conversation, n, second })
            }
            Op::Claim { second, .. } => one(&messages(&[Pending, Sending, Unconfirmed, Held]), pick)
                .map(|m| Op::Claim { n: m.n, from: m.state, second }),
            Op::Finish { delivery, second, .. } => {
                one(&messages(&[Pending, Sending, Unconfirmed, Held]), pick).map(|m| Op::Finish {
                    n: m.n,
                    delivery,
                    second,
                })
            }
            Op::Echoed { .. } => {
                one(&self.messages, pick).map(|m| Op::Echoed { conversation: m.conversation, n: m.n })
            }
            Op::Replay { second, .. } => one(&messages(&[Dead]), pick).map(|m| Op::Replay { n: m.n, second }),
            Op::Consume { second, .. } => {
                let unused: Vec<u8> = self.tokens.iter().filter(|t| !*t.1).map(|t| *t.0).collect();
                one(&unused, pick).map(|n| Op::Consume { n, second })
            }
            Op::PutGrant { .. } => {
                let all: Vec<u8> = self.customers.keys().copied().collect();
                one(&all, pick).map(|customer| Op::PutGrant {
                    customer,
                    expected: self.grants.get(&customer).copied().unwrap_or(0),
                })
            }
            Op::SetLink { to, .. } => {
                one(&self.links, pick).map(|l| Op::SetLink { n: l.0, customer: l.1, from: l.2, to })
            }
            Op::TakeSession(_) => {
                let all: Vec<u8> = self.sessions.iter().copied().collect();
                one(&all, pick).map(Op::TakeSession)
            }
            Op::Agreement(_) => Some(Op::Agreement(self.agreement + 1)),
            Op::DropGrant { .. } => {
                let all: Vec<_> =
                    self.grants.iter().map(|(customer, version)| (*customer, *version)).collect();
                one(&all, pick).map(|(customer, expected)| Op::DropGrant { customer, expected })
            }
            Op::ReplayEvent { .. } => {
                let failed: Vec<_> = self.events.iter().filter(|e| e.state == 'f').collect();
                one(&failed, pick).map(|e| Op::ReplayEvent { lane: e.lane, n: e.n })
            }
            Op::FinishJob { outcome, second, .. } => {
                let all: Vec<u8> = self.jobs.keys().copied().collect();
                one(&all, pick).map(|n| Op::FinishJob { n, outcome, second })
            }
            ref other => Some(other.clone()),
        };
        aimed.unwrap_or(op)
    }

    fn sweep(&mut self, second: i64) -> Outcome {
        let before = (self.tokens.len(), self.sessions.len());
        if second >= 600 {
            self.tokens.clear();
        }
        if second >= 100 {
            self.sessions.clear();
        }
        let mut any = before != (self.tokens.len(), self.sessions.len());
        if second == MONTHS {
            for event in self.events.iter_mut().filter(|e| e.state == 'd') {
                event.state = 'x';
                any = true;
            }
            // The place of one that is gone is another's now, if it comes again. One that was put off is where it was.
            self.finished = self.finished.filter(|index| self.events[*index].state != 'x');
            let waits = [OutboxState::Pending, OutboxState::Held];
            for m in self.messages.iter_mut().filter(|m| waits.contains(&m.state)) {
                if m.doubtful {
                    (m.state, m.due) = (OutboxState::Unconfirmed, second);
                } else {
                    (m.state, m.reason) = (OutboxState::Dead, Some("expired".to_owned()));
                }
                any = true;
            }
            for m in self.messages.iter_mut().filter(|m| m.state == OutboxState::Dead) {
                m.over = true;
            }
            any |= !std::mem::take(&mut self.echoed).is_empty();
        }
        if any { Outcome::Changed } else { Outcome::Unchanged }
    }

    fn receipt(&mut self, customer: u8) -> Expected {
        let seq = self.customers.get_mut(&customer).ok_or("customer")?;
        *seq += 1;
        Ok(Outcome::Receipt(*seq))
    }

    fn message(
        &mut self,
        n: u8,
        allowed: impl Fn(OutboxState) -> bool,
    ) -> Result<&mut Message, &'static str> {
        self.messages.iter_mut().find(|m| m.n == n && allowed(m.state)).ok_or("message")
    }

    fn apply(&mut self, op: &Op) -> Expected {
        use OutboxState::{Dead, Denied, Held, Pending, Sending, Sent, Unconfirmed};
        let open = |state| [Pending, Sending, Unconfirmed, Held].contains(&state);
        match *op {
            Op::Accept { lane, n } => {
                if self.events.iter().any(|e| e.lane == lane && e.n == n && e.state != 'x') {
                    return Ok(Outcome::Duplicate);
                }
                self.events.push(Event { lane, n, state: 'w', not_before: i64::MIN, attempts: 0 });
                Ok(Outcome::Changed)
            }
            Op::FinishHead { which, second, result } => {
                let heads = self.inbox_heads(second);
                let Some(index) = heads.get(usize::from(which)).copied().or(self.finished) else {
                    return Err("inbox event");
                };
                self.finished = Some(index);
                let event = &mut self.events[index];
                when(event.state == 'w', "inbox event")?;
                event.attempts += u32::from(result != 3);
                match result {
                    0 => event.state = 'd',
                    1 | 3 => event.not_before = second + 2,
                    _ => event.state = 'f',
                }
                Ok(Outcome::Changed)
            }
            Op::ReplayEvent { lane, n } => {
                let failed = self.events.iter_mut().find(|e| e.lane == lane && e.n == n && e.state == 'f');
                let event = failed.ok_or("inbox event")?;
                (event.state, event.not_before, event.attempts) = ('w', i64::MIN, 0);
                Ok(Outcome::Changed)
            }
            Op::Customer(n) => {
                when(!self.customers.contains_key(&n), "customer")?;
                self.customers.insert(n, 0);
                Ok(Outcome::Changed)
            }
            Op::Record(customer) => self.receipt(customer),
            Op::Grant { n, customer, link } => {
                when(self.customers.contains_key(&customer), "customer")?;
                let clash = self
                    .consents
                    .iter()
                    .any(|&(id, c, l, active)| c == customer && (id == n || (l == link && active)));
                when(!clash, "consent")?;
                self.consents.push((n, customer, link, true));
                self.receipt(customer)
            }
            Op::Revoke { n, customer } => {
                let found = self.consents.iter_mut().find(|c| c.0 == n && c.1 == customer && c.3);
                found.ok_or("consent")?.3 = false;
                self.receipt(customer)
            }
            Op::Disclose { conversation, n, second } => {
                when(self.messages.iter().all(|m| m.n != n), "message")?;
                let held = self.messages.iter().any(|m| m.conversation == conversation && m.state == Held);
                self.messages.push(Message {
                    n,
                    conversation,
                    state: if held { Held } else { Pending },
                    due: second,
                    created: second,
                    attempts: 0,
                    mid: None,
                    reason: None,
                    doubtful: false,
                    over: false,
                });
                Ok(Outcome::Changed)
            }
            Op::Claim { n, from, second } => {
                let message = self.message(n, |state| state == from && open(state))?;
                message.doubtful |= [Sending, Unconfirmed].contains(&message.state);
                message.state = Sending;
                message.due = second;
                message.attempts += 1;
                Ok(Outcome::Changed)
            }
            Op::Finish { n, delivery, second } => {
                let conversation = self.message(n, open)?.conversation;
                let last = self.conversations.get(&conversation).and_then(|c| c.2);
                let seen = (delivery == 2).then_some(second);
                if [2, 7].contains(&delivery) && last <= seen {
                    let after = self.messages.iter_mut().skip_while(|m| m.n != n).skip(1);
                    after
                        .filter(|m| m.conversation == conversation && m.state == Pending)
                        .for_each(|m| m.state = Held);
                }
                let message = self.message(n, open)?;
                message.attempts = message.attempts.saturating_sub(u32::from(delivery == 6));
                let (state, due) = match delivery {
                    0 => (Sent, None),
                    1 | 6 => (Pending, Some(second)),
                    2 | 7 if last > seen => (Pending, Some(9)),
                    2 | 7 => (Held, None),
                    3 => (Unconfirmed, Some(second)),
                    4 => (Dead, None),
                    _ => (Denied, None),
                };
                message.doubtful |= state == Unconfirmed;
                message.state = if message.doubtful && state == Pending { Unconfirmed } else { state };
                message.due = due.unwrap_or(message.due);
                message.mid = (state == Sent).then(|| "mid".to_owned());
                message.reason = [Dead, Denied].contains(&state).then(|| "why".to_owned());
                Ok(Outcome::Changed)
            }
            Op::Echoed { conversation, n } => {
                if self.echoed.contains(&(conversation, n)) {
                    return Ok(Outcome::Unchanged);
                }
                let mid = format!("echo-{conversation}-{n}");
                let found = self.message(n, |_| true).ok().filter(|m| m.conversation == conversation);
                let covered = found.filter(|m| {
                    let own = m.mid.is_none() || m.mid.as_ref() == Some(&mid);
                    m.attempts_made() > u32::from(!own)
                });
                match covered {
                    Some(m) => {
                        if m.state != Sent {
                            (m.state, m.mid, m.reason) = (Sent, Some(mid.clone()), None);
                        } else if m.mid == Some(mid) {
                            return Ok(Outcome::Unchanged);
                        }
                        self.echoed.insert((conversation, n));
                        Ok(Outcome::Unchanged)
                    }
                    None => {
                        self.echoed.insert((conversation, n));
                        let new = self.alarms.insert((conversation, n));
                        let told = self.links.iter().any(|l| l.1 == conversation && l.2 == LinkState::Active);
                        if new && told {
                            self.receipt(conversation)?;
                        }
                        maybe(new)
                    }
                }
            }
            Op::OpenWindow(conversation) => {
                let mut any = false;
                for m in
                    self.messages.iter_mut().filter(|m| m.conversation == conversation && m.state == Held)
                {
                    m.state = if m.doubtful { Unconfirmed } else { Pending };
                    m.due = m.created;
                    any = true;
                }
                maybe(any)
            }
            Op::Replay { n, second } => {
                let message = self.message(n, |state| state == Dead)?;
                when(!message.over, "message")?;
                (message.due, message.reason) = (second, None);
                message.state = if message.doubtful { Unconfirmed } else { Pending };
                message.attempts = u32::from(message.doubtful);
                Ok(Outcome::Changed)
            }
            Op::PutToken(n) => {
                when(!self.tokens.contains_key(&n), "token")?;
                self.tokens.insert(n, false);
                Ok(Outcome::Changed)
            }
            Op::Consume { n, second } => {
                let used = self.tokens.get_mut(&n).filter(|used| !**used && second < 600).ok_or("token")?;
                *used = true;
                Ok(Outcome::Changed)
            }
            Op::PutGrant { customer, expected } => {
                when(self.customers.contains_key(&customer), "customer")?;
                when(self.grants.get(&customer).copied().unwrap_or(0) == expected, "bank grant")?;
                self.grants.insert(customer, expected + 1);
                Ok(Outcome::Changed)
            }
            Op::DropGrant { customer, expected } => {
                when(self.grants.get(&customer).copied().unwrap_or(0) == expected, "bank grant")?;
                maybe(self.grants.remove(&customer).is_some())
            }
            Op::CreateLink { n, customer, active } => {
                when(self.customers.contains_key(&customer), "customer")?;
                let clash = |l: &(u8, u8, LinkState)| {
                    l.1 == customer && (l.0 == n || (active && l.2 == LinkState::Active))
                };
                when(!self.links.iter().any(clash), "link")?;
                self.links.push((n, customer, if active { LinkState::Active } else { LinkState::Pending }));
                Ok(Outcome::Changed)
            }
            Op::SetLink { n, customer, from, to } => {
                let another =
                    |l: &(u8, u8, LinkState)| l.0 != n && l.1 == customer && l.2 == LinkState::Active;
                when(to != LinkState::Active || !self.links.iter().any(another), "link")?;
                let link = self.links.iter_mut().find(|l| **l == (n, customer, from)).ok_or("link")?;
                link.2 = to;
                Ok(Outcome::Changed)
            }
            Op::PutSession(n) => {
                self.sessions.insert(n);
                Ok(Outcome::Changed)
            }
            Op::TakeSession(n) => when(self.sessions.remove(&n), "session"),
            Op::Agreement(version) => {
                when(version == self.agreement + 1, "agreement")?;
                self.agreement = version;
                Ok(Outcome::Changed)
            }
            Op::SetKill(all) => maybe(self.kills.insert(all)),
            Op::ClearKill(all) => maybe(self.kills.remove(&all)),
            Op::Enqueue(n) => {
                when(!self.jobs.contains_key(&n), "job")?;
                self.jobs.insert(n, (i64::from(n), 0, false));
                Ok(Outcome::Changed)
            }
            Op::FinishJob { n, outcome, second } => {
                let job = self.jobs.get_mut(&n).filter(|job| !job.2).ok_or("job")?;
                match outcome {
                    0 => *job = (second, job.1 + 1, false),
                    1 => *job = (job.0, job.1 + 1, true),
                    _ => {
                        self.jobs.remove(&n);
                    }
                }
                Ok(Outcome::Changed)
            }
            Op::CancelJob(n) => maybe(self.jobs.remove(&n).is_some()),
            Op::Recover(second) => {
                let mut any = false;
                for m in self.messages.iter_mut().filter(|m| [Sending, Unconfirmed].contains(&m.state)) {
                    (m.state, m.due, m.doubtful) = (Unconfirmed, m.due.max(second), true);
                    any = true;
                }
                maybe(any)
            }
            Op::Sweep(second) => Ok(self.sweep(second)),
            Op::SetLang { conversation, arabic } => {
                let lang = if arabic { Lang::Arabic } else { Lang::English };
                let entry = self.conversations.entry(conversation).or_insert((lang, true, None));
                (entry.0, entry.1) = (lang, true);
                Ok(Outcome::Changed)
            }
            Op::Inbound { conversation, second } => {
                let entry = self.conversations.entry(conversation).or_default();
                *entry = (Lang::English, false, entry.2.max(Some(second)));
                Ok(Outcome::Changed)
            }
        }
    }
}

/// A store under comparison, with the positions of the events it has seen as heads.
struct Played {
    world: World,
    positions: BTreeMap<(u8, u8), (Shard, i64)>,
}

impl Played {
    async fn submit(&mut self, model: &Model, ops: &[Op]) -> Result<Vec<Outcome>, (usize, &'static str)> {
        for row in waiting(&self.world.store, 1_000, 100).await {
            self.positions.insert((row.lane[0], row.key.0[0]), (row.shard, row.position));
        }
        let mut commands = Vec::new();
        // Within a submission, heads are those before it: the model is asked the same way.
        for op in ops {
            let head = match *op {
                Op::FinishHead { which, second, .. } => {
                    let index = model.inbox_heads(second).get(usize::from(which)).copied().or(model.finished);
                    index.map(|i| (model.events[i].lane, model.events[i].n))
                }
                Op::ReplayEvent { lane, n } => Some((lane, n)),
                _ => None,
            };
            let head = head.and_then(|key| self.positions.get(&key).copied());
            commands.push(command(&self.world, op, head).await);
        }
        match self.world.store.submit(commands).await {
            Ok(outcomes) => Ok(outcomes),
            other => Err(conflict(other)),
        }
    }

    /// Everything that can be asked is as in the model.
    async fn check(&self, model: &Model) {
        let store = &self.world.store;
        for second in [-1, 2, 5, 20] {
            let rows = waiting(store, second, 100).await;
            let heads: Vec<_> = rows.iter().map(|r| (r.lane[0], r.key.0[0], r.attempts)).collect();
            let expected: Vec<_> = model
                .inbox_heads(second)
                .into_iter()
                .map(|i| (model.events[i].lane, model.events[i].n, model.events[i].attempts))
                .collect();
            assert_eq!(heads, expected, "inbox heads at {second}");
            let rows = store.outbox_heads(at(second), &[], 100).await.expect("answers");
            let heads: Vec<u8> = rows.iter().map(|r| r.row.message.as_bytes()[0]).collect();
            let expected: Vec<u8> = model.outbox_heads(second).iter().map(|m| m.n).collect();
            assert_eq!(heads, expected, "outbox heads at {second}");
        }
        for m in &model.messages {
            let entry = store.outbox_entry(message(m.n)).await.expect("answers").expect("is there");
            assert_eq!((entry.state, entry.due_at, entry.attempts), (m.state, at(m.due), m.attempts));
            assert_eq!((&entry.mid, &entry.reason, entry.doubtful), (&m.mid, &m.reason, m.doubtful));
        }
        for n in 1..3u8 {
            let (shard, customer) = (Shard(u16::from(n)), customer_id(n));
            let receipts = u64::try_from(self.world.chain(n).await.len()).expect("small");
            assert_eq!(receipts, model.customers.get(&n).copied().unwrap_or(0));
            let consents = store.consents(shard, customer).await.expect("answers");
            let states: Vec<_> =
                consents.iter().map(|c| (c.id.as_bytes()[0], c.state == ConsentState::Active)).collect();
            let expected: Vec<_> =
                model.consents.iter().rev().filter(|c| c.1 == n).map(|c| (c.0, c.3)).collect();
            assert_eq!(states, expected);
            let version = store
                .bank_grant(shard, LinkId::from_bytes([n; 16]))
                .await
                .expect("answers")
                .map(|g| g.version);
            assert_eq!(version, model.grants.get(&n).copied());
            let links = store.links_of_conversation(&conversation(n)).await.expect("answers");
            let links: Vec<_> = links.iter().map(|l| (l.id.as_bytes()[0], n, l.state)).collect();
            let expected: Vec<_> =
                model.links.iter().filter(|l| l.1 == n && l.2 != LinkState::Ended).copied().collect();
            assert_eq!(links, expected);
            let stored = store.conversation(&conversation(n)).await.expect("answers");
            let stored = stored.map(|c| (c.lang, c.lang_chosen, c.last_inbound_at));
            let expected = model.conversations.get(&n).map(|c| (c.0, c.1, c.2.map(at)));
            assert_eq!(stored, expected);
        }
        let active = store.links_of_account(&id("cedar-bank"), &id("acc-1")).await.expect("answers");
        let active: Vec<_> = active.iter().map(|l| (l.id.as_bytes()[0], l.shard.0)).collect();
        let expected: Vec<_> = model.links.iter().filter(|l| l.2 == LinkState::Active).collect();
        assert_eq!(active, expected.iter().map(|l| (l.0, u16::from(l.1))).collect::<Vec<_>>());
        for n in 0..4u8 {
            let used = store.token(&[n; 32]).await.expect("answers").map(|t| t.consumed_at.is_some());
            assert_eq!(used, model.tokens.get(&n).copied());
            let there = store.session(&[n; 32], at(0)).await.expect("answers").is_some();
            assert_eq!(there, model.sessions.contains(&n));
        }
        let version = store.agreement(&id("cedar-bank"), &id("1001")).await.expect("answers");
        assert_eq!(version.map_or(0, |a| a.version), model.agreement);
        assert_eq!(store.kills().await.expect("answers").0.len(), model.kills.len());
        let jobs = store.jobs_due(at(100), 100).await.expect("answers");
        let jobs: BTreeMap<_, _> = jobs.iter().map(|j| (j.id[0], (j.due_at, j.attempts))).collect();
        let waits = model.jobs.iter().filter(|(_, job)| !job.2);
        assert_eq!(jobs, waits.map(|(n, (due, tries, _))| (*n, (at(*due), *tries))).collect());
        let failed = store.inbox_failed(100).await.expect("answers");
        let failed: BTreeSet<_> = failed.iter().map(|e| (e.position, e.attempts)).collect();
        let expected: Vec<_> = model.events.iter().filter(|e| e.state == 'f').collect();
        assert_eq!(
            failed.iter().map(|(_, attempts)| *attempts).collect::<Vec<_>>(),
            expected.iter().map(|e| e.attempts).collect::<Vec<_>>()
        );
        let events =
            |state| u64::try_from(model.events.iter().filter(|e| e.state == state).count()).expect("small");
        let messages = |states: &[OutboxState]| {
            u64::try_from(model.messages.iter().filter(|m| states.contains(&m.state)).count()).expect("small")
        };
        let expected = Counts {
            inbox_waiting: events('w'),
            inbox_failed: events('f'),
            outbox_open: messages(&[OutboxState::Pending, OutboxState::Sending, OutboxState::Unconfirmed]),
            outbox_held: messages(&[OutboxState::Held]),
            outbox_dead: messages(&[OutboxState::Dead]),
            links_active: u64::try_from(active.len()).expect("small"),
            receipts: model.customers.values().sum(),
            alarms_open: u64::try_from(model.alarms.len()).expect("small"),
            jobs_dead: u64::try_from(model.jobs.values().filter(|job| job.2).count()).expect("small"),
            ..Counts::default()
        };
        assert_eq!(store.counts().await.expect("answers"), expected);
    }
}

async fn play(submissions: &[Vec<Aimed>]) {
    let mut stores = Vec::new();
    for place in [Place::sqlite(), Place::postgres().await] {
        stores.push(Played { world: World::on(place).await, positions: BTreeMap::new() });
    }
    let mut model = Model::default();
    for (step, aimed) in submissions.iter().enumerate() {
        let turn = |(op, pick): &Aimed| pick.map_or(op.clone(), |pick| model.aim(op.clone(), pick));
        let ops: Vec<Op> = aimed.iter().map(turn).collect();
        let mut next = model.clone();
        let mut expected = Ok(Vec::new());
        for (index, op) in ops.iter().enumerate() {
            match (next.apply(op), &mut expected) {
                (Ok(outcome), Ok(outcomes)) => outcomes.push(outcome),
                (Err(what), _) => {
                    expected = Err((index, what));
                    break;
                }
                (Ok(_), Err(_)) => unreachable!("left at the first refusal"),
            }
        }
        for played in &mut stores {
            assert_eq!(played.submit(&model, &ops).await, expected, "{ops:?}");
        }
        if expected.is_ok() {
            model = next;
        }
        // Every few steps and at the end: asking everything costs more than the steps.
        if step % 8 == 7 || step + 1 == submissions.len() {
            for played in &stores {
                played.check(&model).await;
            }
        }
    }
    for played in stores {
        played.world.close().await;
    }
}

/// At most one event is finished in a submission, since heads are named as they were before it.
fn submission() -> impl Strategy<Value = Vec<Aimed>> {
    // Mostly one command: a longer submission is often refused as a whole, and then nothing moves on.
    let length = prop_oneof![4 => 1usize..2, 1 => 2usize..5];
    length
        .prop_flat_map(|length| {
            prop::collection::vec((op(), prop::option::weighted(0.8, any::<u8>())), length)
        })
        .prop_map(|mut ops| {
            if ops.len() > 1 && ops.iter().any(|(op, _)| matches!(op, Op::FinishHead { .. })) {
                // What makes a new head would change which one is meant.
                ops.retain(|(op, _)| !matches!(op, Op::Accept { .. } | Op::ReplayEvent { .. }));
                let mut seen = false;
                ops.retain(|(op, _)| {
                    !matches!(op, Op::FinishHead { .. }) || !std::mem::replace(&mut seen, true)
                });
            }
            ops
        })
}

#[test]
fn both_engines_answer_as_the_model_does() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runs");
    let config =
        Config { cases: CASES, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(submission(), 40..90), |submissions| {
            // A failed comparison panics inside; the runner catches it and shrinks.
            runtime.block_on(play(&submissions));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
