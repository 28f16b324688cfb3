//! Egress tickets: what the guard lets out, and what it does not (abuse cases 16 and 17).

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use amana_render::{Encoding, Story, UpdateArgs};
use base64::Engine as _;
use serde_json::{Value, json};

struct Rig {
    gate: Gate,
    key: DataKey,
    entropy: SeededEntropy,
}

impl Rig {
    fn new() -> Self {
        let entropy = SeededEntropy::new(3);
        Self { gate: Gate::new(DataKey::new([5; 32])), key: DataKey::generate(&entropy), entropy }
    }

    fn guard(&self) -> TicketGuard {
        TicketGuard::new(self.gate.egress_key().expect("a key"), now())
    }

    fn row(&self, world: &World) -> OutboxRow {
        let disclosure = self.gate.disclose::<purpose::TransactionUpdate, _>(
            &world.facts(),
            &StandardPolicy,
            &Protected::new(world.subject.clone(), paid(4_210)),
            (&world.accounts, world.clusters),
            &world.recipient,
            &UpdateArgs { story: Story::New, account: None },
            &context(world.now),
            Encoding::MessengerUpdate,
            MessageId::from_bytes([4; 16]),
            &self.key,
            &self.entropy,
        );
        disclosure.expect("allowed").row
    }

    fn released(&self, world: &World) -> Result<Released, Denial> {
        self.gate.release(self.row(&World::good()), &world.facts(), &StandardPolicy, &self.key)
    }

    fn frame(&self) -> EgressFrame {
        self.released(&World::good()).expect("released").into_frame()
    }
}

/// A copy, as somebody at the socket could make one: the type itself has none.
fn copy(frame: &EgressFrame) -> EgressFrame {
    serde_json::from_value(serde_json::to_value(frame).expect("JSON")).expect("a frame")
}

/// The same with other bytes.
fn with_body(frame: &EgressFrame, body: &[u8]) -> EgressFrame {
    with(frame, "/body", json!(base64::engine::general_purpose::STANDARD.encode(body)))
}

/// The frame with one field of its JSON changed.
fn with(frame: &EgressFrame, pointer: &str, value: Value) -> EgressFrame {
    let mut json = serde_json::to_value(frame).expect("JSON");
    *json.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    serde_json::from_value(json).expect("a frame")
}

fn later(seconds: i64) -> Timestamp {
    from_micros(micros(now()) + seconds * 1_000_000)
}

fn refused(guard: &TicketGuard, frame: EgressFrame, at: Timestamp) -> Option<TicketError> {
    guard.admit(frame, at).map(|_| ()).err()
}

#[test]
fn a_good_ticket_lets_its_bytes_out() {
    let (rig, world) = (Rig::new(), World::good());
    let frame = rig.frame();
    let over_the_wire: EgressFrame =
        serde_json::from_slice(&serde_json::to_vec(&frame).expect("JSON")).expect("a frame");
    let released = rig.guard().admit(over_the_wire, later(1)).expect("good");
    assert_eq!(released.recipient(), &world.recipient);
    assert_eq!(released.message(), MessageId::from_bytes([4; 16]));
    let subject = released.ticket().subjects().first().expect("bank data has a subject").clone();
    assert_eq!((subject.customer, subject.link), (customer(1), LinkId::from_bytes([8; 16])));
    let body = String::from_utf8(released.into_body()).expect("UTF-8");
    assert!(body.contains("$42.10") && body.contains("Blue Bottle"), "{body}");
}

#[test]
fn abuse_17_a_ticket_is_used_once() {
    let rig = Rig::new();
    let (guard, frame) = (rig.guard(), rig.frame());
    assert_eq!(refused(&guard, copy(&frame), later(1)), None);
    assert_eq!(refused(&guard, copy(&frame), later(1)), Some(TicketError::Used));
    assert_eq!(refused(&guard, copy(&frame), later(59)), Some(TicketError::Used));
    assert_eq!(refused(&guard, copy(&frame), later(60)), Some(TicketError::Expired));
    // The gate may let the same message out once more (an attempt failed): that is another ticket.
    assert_eq!(refused(&guard, rig.frame(), later(1)), None);
    // A guard that began anew does not know what was used, so it takes nothing from before.
    let began_anew = TicketGuard::new(rig.gate.egress_key().expect("a key"), later(2));
    assert_eq!(refused(&began_anew, frame, later(3)), Some(TicketError::NotOfThisTime));
}

#[test]
fn abuse_17_only_one_of_many_at_once_wins() {
    let rig = Rig::new();
    let (guard, frame) = (rig.guard(), rig.frame());
    let wins: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| usize::from(refused(&guard, copy(&frame), later(1)).is_none())))
            .collect();
        tries.into_iter().map(|t| t.join().expect("no panic")).sum()
    });
    assert_eq!(wins, 1);
}

#[test]
fn abuse_17_a_ticket_is_for_these_bytes_this_person_and_this_minute() {
    let rig = Rig::new();
    let (guard, frame) = (rig.guard(), rig.frame());
    let body = String::from_utf8(rig.released(&World::good()).expect("released").into_body()).expect("UTF-8");
    let other_bytes = with_body(&frame, body.replace("42", "43").as_bytes());
    assert_eq!(refused(&guard, other_bytes, later(1)), Some(TicketError::OtherBytes));

    let us = micros(now());
    let changes = [
        ("/ticket/recipient/psid", json!("666")),
        ("/ticket/recipient/channel", json!("1002")),
        ("/ticket/message", json!(MessageId::from_bytes([9; 16]))),
        ("/ticket/subjects/0/customer", json!(customer(2))),
        ("/ticket/subjects/0/link", json!(LinkId::from_bytes([1; 16]))),
        ("/ticket/subjects/0/institution", json!("pine-bank")),
        ("/ticket/subjects/0/purpose", json!("BalanceUpdate")),
        ("/ticket/subjects/0/purpose", json!(null)),
        ("/ticket/subjects", json!([])),
        ("/ticket/serial", json!(77)),
        ("/ticket/issued_us", json!(us + 1)),
        ("/ticket/expires_us", json!(us + 3_600_000_000)),
        ("/ticket/payload_sha256", json!("00".repeat(32))),
        ("/ticket/signature", json!("00".repeat(64))),
    ];
    for (field, value) in changes {
        assert_eq!(
            refused(&guard, with(&frame, field, value), later(1)),
            Some(TicketError::Forged),
            "{field}"
        );
    }
    // Both changed to fit each other: still not what was signed.
    let both =
        with(&frame, "/ticket/payload_sha256", json!(hex::encode(amana_core::ids::sha256(&[b"mine"]))));
    assert_eq!(refused(&guard, with_body(&both, b"mine"), later(1)), Some(TicketError::Forged));

    assert_eq!(refused(&guard, copy(&frame), later(60)), Some(TicketError::Expired));
    assert_eq!(refused(&guard, copy(&frame), later(-6)), Some(TicketError::NotOfThisTime));
    let large = with_body(&frame, &vec![b'x'; EGRESS_BODY_BYTES_MAX + 1]);
    assert_eq!(refused(&guard, large, later(1)), Some(TicketError::TooLarge));
    // None of the refusals used the ticket up.
    assert_eq!(refused(&guard, frame, later(1)), None);
}

#[test]
fn abuse_17_another_key_signs_nothing_here() {
    let rig = Rig::new();
    let thief = Rig { gate: Gate::new(DataKey::new([6; 32])), ..Rig::new() };
    assert_eq!(refused(&rig.guard(), thief.frame(), later(1)), Some(TicketError::Forged));
    // A key of nothing (small order) is no master key.
    let guard = TicketGuard::new([0; 32], now());
    assert_eq!(refused(&guard, rig.frame(), later(1)), Some(TicketError::Forged));
}

#[test]
fn abuse_16_a_changed_binding_ends_what_waits() {
    let rig = Rig::new();
    type Change = fn(&mut Consent);
    let changes: &[(Change, Denial)] = &[
        (|c| c.psid = Psid::new("777").expect("an id"), Denial::RecipientNotSubject),
        (|c| c.channel = ChannelId::new("1002").expect("an id"), Denial::RecipientNotSubject),
        (|c| c.customer = customer(2), Denial::RecipientNotSubject),
    ];
    for (i, (change, denial)) in changes.iter().enumerate() {
        let mut world = World::good();
        change(world.consent.as_mut().expect("a consent"));
        assert_eq!(rig.released(&world).map(|_| ()).err(), Some(*denial), "change {i}");
    }
}

#[test]
fn switches_stop_a_ticket_by_what_it_names() {
    let rig = Rig::new();
    let ticket = rig.released(&World::good()).expect("released").ticket().clone();
    let on = |scope| KillSwitches(vec![Kill { scope, reason: String::new(), since: now() }]);
    for scope in [
        KillScope::All,
        KillScope::Institution(bank(BANK)),
        KillScope::Channel(ChannelId::new(PAGE).expect("an id")),
        KillScope::Customer(customer(1)),
    ] {
        assert!(ticket.is_stopped(&on(scope)));
    }
    let purpose = Purpose::TransactionUpdate;
    for scope in [flow(purpose, None, None), flow(purpose, Some(BANK), None), flow(purpose, None, Some(PAGE))]
    {
        assert!(ticket.is_stopped(&on(scope)));
    }
    for scope in [
        KillScope::Institution(bank("pine-bank")),
        KillScope::Customer(customer(2)),
        flow(Purpose::BalanceUpdate, None, None),
        flow(purpose, Some("pine-bank"), None),
        flow(purpose, None, Some("1002")),
    ] {
        assert!(!ticket.is_stopped(&on(scope)));
    }
    assert!(!ticket.is_stopped(&KillSwitches::default()));
}
