//! The last look before the platform: what was not the gate's, was used, is stopped or unbound reaches no network.

use crate::graph::{Graph, address, messenger, page};
use amana_channel::{Channel, Egress, Messenger, SendError, StopFlags};
use amana_core::*;
use amana_gate::*;
use amana_render::{Encoding, RenderContext, TransactionsArgs};
use async_trait::async_trait;
use base64::Engine as _;
use std::sync::{Arc, Mutex};

fn now() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().expect("an instant")
}

#[derive(Default)]
struct Flags {
    kills: Mutex<Option<KillSwitches>>,
    ended: Mutex<bool>,
}

#[async_trait]
impl StopFlags for Flags {
    async fn kills(&self) -> Option<KillSwitches> {
        self.kills.lock().expect("lock").clone()
    }
    async fn is_bound(&self, link: LinkId) -> Option<bool> {
        Some(link == LinkId::from_bytes([8; 16]) && !*self.ended.lock().expect("lock"))
    }
}

struct Rig {
    graph: Graph,
    egress: Egress<Messenger>,
    flags: Arc<Flags>,
    clock: Arc<ManualClock>,
    gate: Gate,
    key: DataKey,
}

impl Rig {
    async fn new() -> Self {
        let graph = Graph::start().await;
        let gate = Gate::new(DataKey::new([5; 32]));
        let clock = Arc::new(ManualClock::at(now()));
        let flags = Arc::new(Flags::default());
        *flags.kills.lock().expect("lock") = Some(KillSwitches::default());
        let guard = TicketGuard::new(gate.egress_key().expect("a key"), now());
        let channel = Arc::new(messenger(&graph.url));
        let egress = Egress::new(guard, flags.clone(), clock.clone(), channel);
        Self { graph, egress, flags, clock, gate, key: DataKey::new([6; 32]) }
    }

    fn released(&self, text: &str) -> Released {
        let entropy = SeededEntropy::new(7);
        let encode = Encoding::MessengerUpdate;
        let (message, now) = (MessageId::from_bytes([1; 16]), self.clock.now());
        let plain =
            self.gate.plain(&Content::text(text), &address(), encode, message, now, &self.key, &entropy);
        let kills = KillSwitches::default();
        let facts = Facts { agreement: None, consent: None, kills: &kills, now };
        let row = plain.expect("encodable").row;
        self.gate.release(row, &facts, &StandardPolicy, &self.key).expect("released")
    }

    fn kill(&self, scope: KillScope) {
        let kill = Kill { scope, reason: String::new(), since: now() };
        *self.flags.kills.lock().expect("lock") = Some(KillSwitches(vec![kill]));
    }
}

#[tokio::test]
async fn what_the_gate_signed_is_sent_once() {
    let rig = Rig::new().await;
    let sent = rig.egress.send(rig.released("hello")).await;
    assert_eq!(sent.map(|s| s.mid), Ok("m_1".to_owned()));
    assert_eq!(rig.graph.asked().len(), 1);
}

#[tokio::test]
async fn abuse_17_a_thief_with_the_socket_and_a_copy_of_a_ticket_sends_nothing() {
    let rig = Rig::new().await;
    // The type has no copy and shows no bytes; somebody at the socket sees them.
    let seen = serde_json::to_value(rig.released("hello").into_frame()).expect("JSON");
    let frame = |seen: &serde_json::Value| serde_json::from_value(seen.clone()).expect("a frame");
    rig.egress.deliver(frame(&seen)).await.expect("the real one");
    let refused = |result: Result<_, SendError>| match result {
        Err(SendError::Refused { why }) => why,
        other => panic!("not refused: {:?}", other.map(|_: amana_channel::Sent| ())),
    };
    assert_eq!(refused(rig.egress.deliver(frame(&seen)).await), TicketError::Used);
    let mut mine = seen.clone();
    mine["body"] = base64::engine::general_purpose::STANDARD.encode(b"{\"recipient\":{\"id\":\"1\"}}").into();
    assert_eq!(refused(rig.egress.deliver(frame(&mine)).await), TicketError::OtherBytes);
    let thief = Rig { gate: Gate::new(DataKey::new([9; 32])), ..Rig::new().await };
    assert_eq!(refused(rig.egress.deliver(thief.released("x").into_frame()).await), TicketError::Forged);
    let late = rig.released("late").into_frame();
    rig.clock.advance_s(61);
    assert_eq!(refused(rig.egress.deliver(late).await), TicketError::Expired);
    assert_eq!(rig.graph.asked().len(), 1, "the one message is all that the platform ever saw");
}

#[tokio::test]
async fn abuse_05_a_switch_that_came_after_the_gate_said_yes_stops_the_send() {
    let rig = Rig::new().await;
    for scope in [KillScope::All, KillScope::Channel(page())] {
        let released = rig.released("hello");
        rig.kill(scope);
        let result = rig.egress.send(released).await;
        assert_eq!(result, Err(SendError::Refused { why: TicketError::Killed }));
    }
    let released = rig.released("hello");
    *rig.flags.kills.lock().expect("lock") = None;
    let result = rig.egress.send(released).await;
    assert_eq!(result, Err(SendError::Refused { why: TicketError::NoAnswer }), "what cannot be read is a no");
    assert!(rig.graph.asked().is_empty());
}

/// The ticket says for which purpose the bytes are: egress need not believe anybody else about it.
#[tokio::test]
async fn abuse_05_a_switch_of_one_purpose_that_came_after_the_gate_said_yes_stops_that_purpose() {
    let rig = Rig::new().await;
    let flow = |purpose, institution: Option<&str>| {
        let institution = institution.map(|id| InstitutionId::new(id).expect("an id"));
        KillScope::Purpose(PurposeScope { purpose, institution, channel: None })
    };
    for (scope, stops) in [
        (flow(Purpose::TransactionUpdate, None), true),
        (flow(Purpose::TransactionUpdate, Some("cedar-bank")), true),
        (flow(Purpose::TransactionUpdate, Some("pine-bank")), false),
        (flow(Purpose::BalanceUpdate, Some("cedar-bank")), false),
    ] {
        let (data, plain) = (with_data(&rig), rig.released("hello"));
        rig.kill(scope.clone());
        let before = rig.graph.asked().len();
        let result = rig.egress.send(data).await;
        let refused = Err(SendError::Refused { why: TicketError::Killed });
        assert_eq!(result.map(drop), if stops { refused } else { Ok(()) }, "{scope:?}");
        assert_eq!(rig.graph.asked().len() - before, usize::from(!stops));
        assert!(rig.egress.send(plain).await.is_ok(), "what has no purpose goes: {scope:?}");
    }
}

/// A message with a customer's data, released on a link that was good a moment ago.
fn with_data(rig: &Rig) -> Released {
    let bank = InstitutionId::new("cedar-bank").expect("an id");
    let customer = CustomerId::from_bytes([1; 16]);
    let account = AccountId::new("a1").expect("an id");
    let purpose = Purpose::TransactionUpdate;
    let agreement = Agreement {
        id: AgreementId::from_bytes([9; 16]),
        institution: bank.clone(),
        channel: page(),
        state: AgreementState::Active,
        terms: [(purpose, (purpose.clusters(), Form::Detail))].into(),
        version: 1,
        changed_at: now(),
    };
    let grant =
        Grant { accounts: [account.clone()].into(), clusters: purpose.clusters(), form: Form::Detail };
    let consent = Consent {
        id: ConsentId::from_bytes([7; 16]),
        customer,
        link: LinkId::from_bytes([8; 16]),
        institution: bank.clone(),
        channel: page(),
        psid: address().psid,
        grants: [(purpose, grant)].into(),
        lang: Lang::English,
        notice_sha256: "00".into(),
        granted_at: "2026-11-01T00:00:00Z".parse().expect("an instant"),
        expires_at: "2027-01-01T00:00:00Z".parse().expect("an instant"),
        state: ConsentState::Active,
        revoked_at: None,
    };
    let kills = KillSwitches::default();
    let facts =
        Facts { agreement: Some(&agreement), consent: Some(&consent), kills: &kills, now: rig.clock.now() };
    let context = RenderContext {
        lang: Lang::English,
        institution_name: "Cedar Bank".into(),
        now: rig.clock.now(),
        open_url: None,
    };
    let disclosure = rig.gate.disclose::<purpose::TransactionUpdate, _>(
        &facts,
        &StandardPolicy,
        &Protected::new(Subject { institution: bank, customer }, Page { rows: Vec::new(), truncated: false }),
        (&[account], Clusters::of(&[Cluster::Transactions])),
        &address(),
        &TransactionsArgs::default(),
        &context,
        Encoding::MessengerUpdate,
        MessageId::from_bytes([2; 16]),
        &rig.key,
        &SeededEntropy::new(8),
    );
    let row = disclosure.expect("allowed").row;
    rig.gate.release(row, &facts, &StandardPolicy, &rig.key).expect("released")
}

#[tokio::test]
async fn abuse_16_a_ticket_ends_with_the_link_that_it_names() {
    let rig = Rig::new().await;
    let (first, second) = (with_data(&rig), with_data(&rig));
    assert!(rig.egress.send(first).await.is_ok());
    *rig.flags.ended.lock().expect("lock") = true;
    let unbound = Err(SendError::Refused { why: TicketError::Unbound });
    assert_eq!(rig.egress.send(second).await, unbound);
    assert_eq!(rig.graph.asked().len(), 1);
    // A message without bank data (the farewell) names no link.
    assert!(rig.egress.send(rig.released("goodbye")).await.is_ok());
}
