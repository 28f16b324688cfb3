//! From a decision to released bytes: what was committed is what leaves, or nothing.

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use amana_render::{BalanceArgs, Encoding, Story, UpdateArgs};
use std::collections::BTreeSet;

const AMOUNT: i64 = 987_654_321;
const SAID: &str = "9,876,543.21";

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
        self.gate.disclose::<purpose::TransactionUpdate, _>(
            &world.facts(),
            &StandardPolicy,
            &Protected::new(world.subject.clone(), paid(value)),
            (&world.accounts, world.clusters),
            &world.recipient,
            &UpdateArgs { story: Story::New, account: None },
            &context(world.now),
            Encoding::MessengerUpdate,
            MessageId::from_bytes([4; 16]),
            &self.key,
            &self.entropy,
        )
    }

    /// The text of what leaves.
    fn release(&self, row: OutboxRow, world: &World) -> Result<String, Denial> {
        let body = self.gate.release(row, &world.facts(), &StandardPolicy, &self.key)?.into_body();
        let call: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let text = call["message"]["text"].as_str().expect("a text");
        Ok(text.replace(['\u{2066}', '\u{2068}', '\u{2069}'], ""))
    }
}

#[test]
fn what_was_decided_leaves_and_its_receipt_says_so() {
    let (rig, world) = (Rig::new(), World::good());
    let disclosure = rig.disclose(&world, AMOUNT).expect("allowed");
    let receipt = disclosure.receipt.expect("bank data has a receipt");
    assert_eq!(receipt.kind, ReceiptKind::Disclosure);
    assert_eq!(receipt.form, Some(Form::Detail));
    assert!(
        !String::from_utf8_lossy(&receipt.seal(1, [0; 32], (0, 1)).bytes).contains(SAID),
        "a receipt holds no data"
    );
    assert!(
        !disclosure.row.payload.windows(SAID.len()).any(|w| w == SAID.as_bytes()),
        "at rest it is ciphertext"
    );
    let text = "You paid $9,876,543.21 at Blue Bottle. Cedar Bank has booked it.";
    assert_eq!(rig.release(disclosure.row, &world).as_deref(), Ok(text));
}

#[test]
fn each_form_shows_what_it_may() {
    for (form, text) in [
        (Form::Notice, "There is news about your account at Cedar Bank."),
        (Form::Summary, "$9,876,543.21 left your account at Cedar Bank."),
        (Form::Detail, "You paid $9,876,543.21 at Blue Bottle. Cedar Bank has booked it."),
    ] {
        let (rig, mut world) = (Rig::new(), World::good());
        world.consent.as_mut().unwrap().grants.get_mut(&Purpose::TransactionUpdate).unwrap().form = form;
        let row = rig.disclose(&world, AMOUNT).expect("allowed").row;
        assert_eq!(rig.release(row, &world).as_deref(), Ok(text));
    }
}

#[test]
fn revoked_killed_or_tightened_in_between_does_not_leave() {
    let rig = Rig::new();
    let row = rig.disclose(&World::good(), AMOUNT).expect("allowed").row;
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
                let scope = flow(Purpose::TransactionUpdate, Some(BANK), Some(PAGE));
                w.kills.0.push(Kill { scope, reason: String::new(), since: w.now });
            },
            Denial::PurposeKilled,
        ),
        (
            |w| {
                w.consent.as_mut().unwrap().grants.get_mut(&Purpose::TransactionUpdate).unwrap().form =
                    Form::Notice;
            },
            Denial::Policy,
        ),
        (
            |w| w.now = w.now.checked_add(std::time::Duration::from_secs(144 * 3_600)).unwrap(),
            Denial::TicketExpired,
        ),
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
    let row = rig.disclose(&world, AMOUNT).expect("allowed").row;
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
    let refusal = rig.disclose(&world, AMOUNT).expect_err("revoked");
    assert_eq!((refusal.denial, refusal.receipt.kind), (Denial::ConsentRevoked, ReceiptKind::Denial));
    assert_eq!(refusal.receipt.payload_sha256, None);
}

#[test]
fn messages_without_data_need_a_ticket_too_and_stop_at_the_kill_switch() {
    let (rig, mut world) = (Rig::new(), World::good());
    let id = MessageId::from_bytes([4; 16]);
    let plain = rig
        .gate
        .plain(
            &Content::text("hello"),
            &world.recipient,
            Encoding::MessengerReply,
            id,
            world.now,
            &rig.key,
            &rig.entropy,
        )
        .expect("fits");
    assert!(plain.receipt.is_none());
    assert_eq!(rig.release(plain.row.clone(), &world), Ok("hello".to_owned()));
    for purpose in Purpose::ALL {
        let scope = flow(*purpose, None, None);
        world.kills.0.push(Kill { scope, reason: String::new(), since: world.now });
    }
    assert_eq!(rig.release(plain.row.clone(), &world), Ok("hello".to_owned()), "it has no purpose");
    world.kills.0.push(Kill { scope: KillScope::All, reason: String::new(), since: world.now });
    assert_eq!(rig.release(plain.row, &world), Err(Denial::Killed));
    let long = Content::text("x".repeat(2_000));
    let refused = rig.gate.plain(
        &long,
        &world.recipient,
        Encoding::MessengerReply,
        id,
        world.now,
        &rig.key,
        &rig.entropy,
    );
    assert_eq!(refused.expect_err("too long"), Denial::NotEncodable);
}

fn accounts() -> Vec<Account> {
    let usd = Currency::from_code("USD").expect("a currency");
    vec![Account {
        id: account("a1"),
        name: "Everyday Checking".into(),
        last_four: Some("1234".into()),
        kind: AccountKind::Checking,
        current: Some(Money::new(AMOUNT, usd)),
        available: None,
        as_of: None,
    }]
}

fn page(account_id: &str) -> Page<Transaction> {
    let BankEventBody::Transaction(t) = paid(AMOUNT) else { unreachable!("a transaction") };
    Page { rows: vec![Transaction { account: account(account_id), ..t }], truncated: false }
}

#[test]
fn only_the_subject_sees_a_value_on_our_own_page() {
    let (rig, world) = (Rig::new(), World::good());
    let (gate, mine) = (&rig.gate, &world.subject);
    let other = Subject { customer: customer(2), ..mine.clone() };
    let elsewhere = Subject { institution: bank("x"), ..mine.clone() };
    let data = || Protected::new(mine.clone(), accounts());
    let pages = |of: &Subject| [(account("a1"), Protected::new(of.clone(), page("a1")))];
    let none = BTreeSet::new();
    let shown = gate.show_accounts(&data(), &pages(mine), mine, Lang::English, now()).expect("theirs");
    let html = shown.into_html();
    assert!(html.contains(SAID) && html.contains("Blue Bottle"), "{html}");
    let chosen = gate.show_choices(&data(), &none, mine, Lang::English).expect("theirs");
    assert!(chosen.into_html().contains("Everyday Checking"));
    for viewer in [&other, &elsewhere] {
        let shown = gate.show_accounts(&data(), &pages(viewer), viewer, Lang::English, now());
        assert_eq!(shown.err(), Some(Denial::RecipientNotSubject));
        let shown = gate.show_choices(&data(), &none, viewer, Lang::English);
        assert_eq!(shown.err(), Some(Denial::RecipientNotSubject));
        // One page of somebody else among one's own.
        let shown = gate.show_accounts(&data(), &pages(viewer), mine, Lang::English, now());
        assert_eq!(shown.err(), Some(Denial::RecipientNotSubject));
    }
}

#[test]
fn only_the_subject_reads_what_was_said() {
    let (rig, world) = (Rig::new(), World::good());
    let row = rig.disclose(&world, AMOUNT).expect("allowed").row;
    let said = |row: &OutboxRow, viewer: &Subject, key: &DataKey| {
        rig.gate.said(row, viewer, key).map(Shown::into_json)
    };
    let json = said(&row, &world.subject, &rig.key).expect("theirs");
    assert_eq!(serde_json::from_str::<Vec<String>>(&json).expect("JSON").len(), 1);
    assert!(json.contains(SAID), "{json}");
    let other = Subject { customer: customer(2), ..world.subject.clone() };
    let elsewhere = Subject { institution: bank("x"), ..world.subject.clone() };
    for viewer in [other, elsewhere] {
        assert_eq!(said(&row, &viewer, &rig.key), Err(Denial::RecipientNotSubject));
    }
    assert_eq!(said(&row, &world.subject, &DataKey::new([1; 32])), Err(Denial::Unreadable));
    let nobodys = OutboxRow { basis: None, ..row };
    assert_eq!(said(&nobodys, &world.subject, &rig.key), Err(Denial::RecipientNotSubject));
}

#[test]
fn the_holder_of_a_key_cannot_open_what_the_gate_sealed() {
    let (rig, world) = (Rig::new(), World::good());
    let data = Protected::new(world.subject.clone(), accounts());
    let sealed = data.seal(&rig.key, b"row", &rig.entropy).expect("sealed");
    assert!(rig.key.open(b"row", &sealed).is_err());
    let row = rig.disclose(&world, AMOUNT).expect("allowed").row;
    let context = [b"outbox payload".as_slice(), row.message.as_bytes()].concat();
    assert!(rig.key.open(&context, &row.payload).is_err());
    let again = Protected::<Vec<Account>>::unseal(world.subject.clone(), &rig.key, b"row", &sealed)
        .expect("unseals, still closed");
    let shown = rig.gate.show_accounts(&again, &[], &world.subject, Lang::English, now());
    assert!(shown.expect("theirs").into_html().contains(SAID));
}

#[test]
fn values_of_two_people_do_not_become_one() {
    let mine = Subject { institution: bank(BANK), customer: customer(1) };
    let other = Subject { institution: bank(BANK), customer: customer(2) };
    let values = |subject: &Subject| Protected::new(subject.clone(), page("a1"));
    assert!(Protected::merge(vec![values(&mine), values(&mine)]).is_some());
    assert!(Protected::merge(vec![values(&mine), values(&other)]).is_none());
    assert!(Protected::<Page<Transaction>>::merge(vec![]).is_none());
    let event = |of: &Subject| Protected::new(of.clone(), paid(4_210));
    assert!(Protected::gather(vec![event(&mine), event(&mine)]).is_some());
    assert!(Protected::gather(vec![event(&mine), event(&other)]).is_none());
    assert!(Protected::<BankEventBody>::gather(vec![]).is_none());
}

/// What narrows a value narrows it: what is shown afterwards lacks the rest.
#[test]
fn what_was_narrowed_is_all_that_is_left() {
    let (rig, mut world) = (Rig::new(), World::good());
    let mut two = accounts();
    two.push(Account {
        id: account("a2"),
        name: "Hidden".into(),
        kind: AccountKind::Savings,
        ..two[0].clone()
    });
    let data = || Protected::new(world.subject.clone(), two.clone());
    let show = |data: &Protected<Vec<Account>>| {
        let shown = rig.gate.show_choices(data, &BTreeSet::new(), &world.subject, Lang::English);
        shown.expect("theirs").into_html()
    };
    assert!(show(&data()).contains("Hidden"));
    assert!(!show(&data().only(&BTreeSet::from([account("a1")]))).contains("Hidden"));
    assert!(!show(&data().of_kind(&Some(AccountKind::Checking))).contains("Hidden"));
    assert_eq!(data().subject(), &world.subject);
    let filter = amana_pure::Filter { merchant: Some("Lyft".into()), ..amana_pure::Filter::default() };
    for (filter, rows) in [(filter, 0), (amana_pure::Filter::default(), 1)] {
        let page = Protected::new(world.subject.clone(), page("a1")).matching(&filter);
        let pages = [(account("a1"), page)];
        let shown = rig.gate.show_accounts(&data(), &pages, &world.subject, Lang::English, now());
        let html = shown.expect("theirs").into_html();
        assert_eq!(html.matches("<tr><td").count(), rows, "{html}");
    }
    // The same through a disclosure: only what was asked about is said.
    world.clusters = Purpose::BalanceOnRequest.clusters();
    let disclosed = rig
        .gate
        .disclose::<purpose::BalanceOnRequest, _>(
            &world.facts(),
            &StandardPolicy,
            &Protected::new(world.subject.clone(), two.clone()).only(&BTreeSet::from([account("a1")])),
            (&world.accounts, world.clusters),
            &world.recipient,
            &BalanceArgs::default(),
            &context(world.now),
            Encoding::MessengerReply,
            MessageId::from_bytes([4; 16]),
            &rig.key,
            &rig.entropy,
        )
        .expect("allowed");
    let said = rig.gate.said(&disclosed.row, &world.subject, &rig.key).expect("theirs").into_json();
    assert!(said.contains(SAID) && !said.contains("Hidden"), "{said}");
}

#[test]
fn protection_costs_no_space_beyond_the_subject() {
    assert_eq!(size_of::<Protected<Vec<Account>>>(), size_of::<Subject>() + size_of::<Vec<Account>>());
}

/// What stands in records as a hash or a word is that hash and that word.
#[test]
fn hashes_and_words_in_records_are_of_what_they_say() {
    let (rig, mut world) = (Rig::new(), World::good());
    assert_eq!(StandardPolicy.set_sha256(), hex::encode(ids::sha256(&[b""])));
    assert_eq!(Denial::NoConsent.to_string(), "no-consent");
    let hash_of = |world: &World| {
        let receipt = rig.disclose(world, AMOUNT).expect("allowed").receipt.expect("one");
        receipt.consent.expect("named").1
    };
    let hash = hash_of(&world);
    assert!(hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{hash}");
    assert_eq!(hash_of(&world), hash);
    world.consent.as_mut().expect("one").notice_sha256 = "01".into();
    assert_ne!(hash_of(&world), hash, "another consent, another hash");
    // How it stands now does not change what was given.
    let mut over = consent();
    let given = ReceiptDraft::of_consent_given(&over, None, now()).consent;
    over.state = ConsentState::Revoked;
    assert_eq!(ReceiptDraft::of_consent_given(&over, None, now()).consent, given);

    let row = rig.disclose(&World::good(), AMOUNT).expect("allowed").row;
    let subject = World::good().subject;
    let shown = || rig.gate.said(&row, &subject, &rig.key).expect("theirs");
    let lines: Vec<String> = serde_json::from_str(&shown().into_json()).expect("JSON");
    assert_eq!(shown().sha256(), ids::sha256(&[lines.join("\n").as_bytes()]));
}

/// The bytes of one message do not open in the place of another's.
#[test]
fn sealed_bytes_are_bound_to_their_message() {
    let (rig, world) = (Rig::new(), World::good());
    let row = rig.disclose(&world, AMOUNT).expect("allowed").row;
    let elsewhere = OutboxRow { message: MessageId::from_bytes([5; 16]), ..row.clone() };
    assert_eq!(rig.gate.said(&row, &world.subject, &rig.key).err(), None);
    assert_eq!(rig.gate.said(&elsewhere, &world.subject, &rig.key).err(), Some(Denial::Unreadable));
}

/// Whether a message says a text is answered for the whole text, and for nothing.
#[test]
fn a_row_says_what_it_says() {
    let (rig, world) = (Rig::new(), World::good());
    let row = rig.disclose(&world, AMOUNT).expect("allowed").row;
    let subject = &world.subject;
    let json = rig.gate.said(&row, subject, &rig.key).expect("theirs").into_json();
    let text = serde_json::from_str::<Vec<String>>(&json).expect("JSON").remove(0);
    let says = |text: &str| rig.gate.row_says(&row, &rig.key, text);
    assert_eq!(says(&text), Ok(true));
    assert_eq!(says(&text.replace("9,876", "9,877")), Ok(false));
    assert_eq!((says(""), says(" \n")), (Ok(false), Ok(false)));
    assert_eq!(rig.gate.row_says(&row, &DataKey::new([1; 32]), &text), Err(Denial::Unreadable));
}
