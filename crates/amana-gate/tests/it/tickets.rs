//! From a decision to released bytes: what was committed is what leaves, or nothing.

use crate::support::*;
use amana_core::*;
use amana_gate::*;

const RENDERER: Renderer<i64, ()> = Renderer {
    template: "test",
    notice: |_| Content::text("something new"),
    summary: |v, (), _| Content::text(format!("about {v}")),
    detail: |v, (), _| Content::text(format!("exactly {v} at a shop")),
};

fn encode(content: &Content, _: &Address, _: MessageId) -> Result<Vec<u8>, EncodeError> {
    if content.text.len() > 100 {
        Err(EncodeError { limit: "100 bytes".into() })
    } else {
        Ok(content.text.clone().into_bytes())
    }
}

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

    fn disclose(&self, world: &World, value: i64) -> Result<Disclosure, Box<Refusal>> {
        let context = RenderContext {
            lang: Lang::English,
            institution_name: "Cedar Bank".into(),
            now: world.now,
            open_url: None,
            form: Form::Notice,
        };
        self.gate.disclose::<purpose::TransactionUpdate, _, _>(
            &world.facts(),
            &StandardPolicy,
            &Protected::new(world.subject.clone(), value),
            (&world.accounts, world.clusters),
            &world.recipient,
            &RENDERER,
            &(),
            &context,
            encode,
            MessageId::from_bytes([4; 16]),
            &self.key,
            &self.entropy,
        )
    }

    fn release(&self, row: OutboxRow, world: &World) -> Result<Vec<u8>, Denial> {
        self.gate.release(row, &world.facts(), &StandardPolicy, &self.key).map(Released::into_body)
    }
}

#[test]
fn what_was_decided_leaves_and_its_receipt_says_so() {
    let (rig, world) = (Rig::new(), World::good());
    let disclosure = rig.disclose(&world, 987654321).expect("allowed");
    let receipt = disclosure.receipt.expect("bank data has a receipt");
    assert_eq!(receipt.kind, ReceiptKind::Disclosure);
    assert_eq!(receipt.form, Some(Form::Detail));
    assert!(
        !String::from_utf8_lossy(&receipt.seal(1, [0; 32], (0, 1)).bytes).contains("987654321"),
        "a receipt holds no data"
    );
    assert!(!disclosure.row.payload.windows(9).any(|w| w == b"987654321"), "at rest it is ciphertext");
    assert_eq!(rig.release(disclosure.row, &world), Ok(b"exactly 987654321 at a shop".to_vec()));
}

#[test]
fn each_form_shows_what_it_may() {
    for (form, text) in [
        (Form::Notice, "something new"),
        (Form::Summary, "about 987654321"),
        (Form::Detail, "exactly 987654321 at a shop"),
    ] {
        let (rig, mut world) = (Rig::new(), World::good());
        world.consent.as_mut().unwrap().grants.get_mut(&Purpose::TransactionUpdate).unwrap().form = form;
        let row = rig.disclose(&world, 987654321).expect("allowed").row;
        assert_eq!(rig.release(row, &world), Ok(text.as_bytes().to_vec()));
    }
}

#[test]
fn revoked_killed_or_tightened_in_between_does_not_leave() {
    let rig = Rig::new();
    let row = rig.disclose(&World::good(), 987654321).expect("allowed").row;
    type Change = fn(&mut World);
    let changes: &[(Change, Denial)] = &[
        (|w| w.consent.as_mut().unwrap().state = ConsentState::Revoked, Denial::ConsentRevoked),
        (|w| w.consent = None, Denial::NoConsent),
        (|w| w.agreement.as_mut().unwrap().state = AgreementState::Terminated, Denial::AgreementNotInForce),
        (
            |w| w.kills.0.push(Kill { scope: KillScope::All, reason: String::new(), since: w.now }),
            Denial::Killed,
        ),
        (
            |w| {
                w.consent.as_mut().unwrap().grants.get_mut(&Purpose::TransactionUpdate).unwrap().form =
                    Form::Notice;
            },
            Denial::Policy,
        ),
        (|w| w.now = at("2026-11-28T10:00:00Z"), Denial::TicketExpired),
    ];
    for (change, denial) in changes {
        let mut world = World::good();
        change(&mut world);
        assert_eq!(rig.release(row.clone(), &world), Err(*denial));
    }
}

#[test]
fn a_changed_row_does_not_leave() {
    let (rig, world) = (Rig::new(), World::good());
    let row = rig.disclose(&world, 987654321).expect("allowed").row;
    let changes: &[fn(&mut OutboxRow)] = &[
        |r| r.recipient = to(PAGE, "999"),
        |r| r.message = MessageId::from_bytes([5; 16]),
        |r| r.basis = None,
        |r| r.basis.as_mut().unwrap().purpose = Purpose::BalanceOnRequest,
        |r| r.basis.as_mut().unwrap().consent = ConsentId::from_bytes([1; 16]),
        |r| r.payload_sha256[0] ^= 1,
        |r| r.expires_at = at("2030-01-01T00:00:00Z"),
        |r| r.ticket[31] ^= 1,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut changed = row.clone();
        change(&mut changed);
        assert_eq!(rig.release(changed, &world), Err(Denial::BadTicket), "change {i}");
    }
    let mut changed = row.clone();
    changed.payload[20] ^= 1;
    assert_eq!(rig.release(changed, &world), Err(Denial::Unreadable));
    let other = Rig { gate: Gate::new(DataKey::new([6; 32])), ..Rig::new() };
    assert_eq!(other.release(row, &world), Err(Denial::BadTicket), "another gate's ticket");
}

#[test]
fn refusals_carry_a_receipt_and_no_bytes() {
    let (rig, mut world) = (Rig::new(), World::good());
    world.consent.as_mut().unwrap().state = ConsentState::Revoked;
    let refusal = rig.disclose(&world, 987654321).expect_err("revoked");
    assert_eq!((refusal.denial, refusal.receipt.kind), (Denial::ConsentRevoked, ReceiptKind::Denial));
    assert_eq!(refusal.receipt.payload_sha256, None);
}

#[test]
fn messages_without_data_need_a_ticket_too_and_stop_at_the_kill_switch() {
    let (rig, mut world) = (Rig::new(), World::good());
    let id = MessageId::from_bytes([4; 16]);
    let plain = rig
        .gate
        .plain(&Content::text("hello"), &world.recipient, encode, id, world.now, &rig.key, &rig.entropy)
        .expect("fits");
    assert!(plain.receipt.is_none());
    assert_eq!(rig.release(plain.row.clone(), &world), Ok(b"hello".to_vec()));
    world.kills.0.push(Kill { scope: KillScope::All, reason: String::new(), since: world.now });
    assert_eq!(rig.release(plain.row, &world), Err(Denial::Killed));
    let long = Content::text("x".repeat(101));
    let refused = rig.gate.plain(&long, &world.recipient, encode, id, world.now, &rig.key, &rig.entropy);
    assert_eq!(refused.expect_err("too long"), Denial::NotEncodable);
}

#[test]
fn only_the_subject_sees_a_value_on_our_own_page() {
    let (rig, world) = (Rig::new(), World::good());
    let data = Protected::new(world.subject.clone(), 987654321i64);
    assert_eq!(rig.gate.show_to_subject(&data, &world.subject, &(), |v, ()| *v), Ok(987654321));
    let other = Subject { customer: customer(2), ..world.subject };
    assert_eq!(rig.gate.show_to_subject(&data, &other, &(), |v, ()| *v), Err(Denial::RecipientNotSubject));
}

#[test]
fn the_holder_of_a_key_cannot_open_what_the_gate_sealed() {
    let (rig, world) = (Rig::new(), World::good());
    let data = Protected::new(world.subject.clone(), 987654321i64);
    let sealed = data.seal(&rig.key, b"row", &rig.entropy).expect("sealed");
    assert!(rig.key.open(b"row", &sealed).is_err());
    let row = rig.disclose(&world, 987654321).expect("allowed").row;
    let context = [b"outbox payload".as_slice(), row.message.as_bytes()].concat();
    assert!(rig.key.open(&context, &row.payload).is_err());
    let again = Protected::<i64>::unseal(world.subject.clone(), &rig.key, b"row", &sealed)
        .expect("unseals, still closed");
    assert_eq!(rig.gate.show_to_subject(&again, &world.subject, &(), |v, ()| *v), Ok(987654321));
}

#[test]
fn values_of_two_people_do_not_become_one() {
    let mine = Subject { institution: bank(BANK), customer: customer(1) };
    let other = Subject { institution: bank(BANK), customer: customer(2) };
    let values = |subject: &Subject| Protected::new(subject.clone(), 1i64);
    assert!(Protected::collect(vec![values(&mine), values(&mine)]).is_some());
    assert!(Protected::collect(vec![values(&mine), values(&other)]).is_none());
    assert!(Protected::<i64>::collect(vec![]).is_none());
}

#[test]
fn protection_costs_no_space_beyond_the_subject() {
    assert_eq!(size_of::<Protected<[u8; 1000]>>(), size_of::<Subject>() + 1000);
}
