//! What remains of a message's words, how long a ticket is good, and the book behind the gate.

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use amana_pure::{Book, Step};
use amana_render::{Encoding, Story, UpdateArgs};

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

    fn plain(&self, message: u8, text: &str) -> OutboxRow {
        let (message, to) = (MessageId::from_bytes([message; 16]), to(PAGE, PSID));
        let (text, encoding) = (Content::text(text), Encoding::MessengerUpdate);
        let made = self.gate.plain(&text, &to, encoding, message, now(), &self.key, &self.entropy);
        made.expect("made").row
    }

    fn told(&self, encoding: Encoding) -> OutboxRow {
        let mut world = World::good();
        if let Some(consent) = &mut world.consent {
            consent.grants.values_mut().for_each(|grant| grant.form = Form::Notice);
        }
        let made = self.gate.disclose::<purpose::TransactionUpdate, _>(
            &world.facts(),
            &StandardPolicy,
            &Protected::new(world.subject.clone(), paid(4_210)),
            (&world.accounts, world.clusters),
            &world.recipient,
            &UpdateArgs { story: Story::New, account: None },
            &context(world.now),
            encoding,
            MessageId::from_bytes([4; 16]),
            &self.key,
            &self.entropy,
        );
        made.expect("allowed").row
    }
}

#[test]
fn what_remains_of_a_messages_words_tells_these_from_others() {
    let rig = Rig::new();
    let (row, again, other) =
        (rig.plain(1, "hello  there"), rig.plain(1, "hello there"), rig.plain(2, "hello there"));
    assert!(!row.said.is_empty() && row.said != other.said, "bound to its message");
    assert_eq!(row.said, again.said, "what a platform changes does not count");
    assert!(rig.gate.row_said(&row, "hello there"));
    for not in ["hello", "good bye", "", " "] {
        assert!(!rig.gate.row_said(&row, not), "{not:?}");
    }
    let elsewhere = OutboxRow { said: other.said.clone(), ..row.clone() };
    assert!(!rig.gate.row_said(&elsewhere, "hello there"));
    assert!(!rig.gate.row_said(&OutboxRow { said: Vec::new(), ..row }, "hello there"));
    assert!(!Gate::new(DataKey::new([6; 32])).row_said(&other, "hello there"), "of another key");
}

/// What waits for a chat goes over to another key whole, and stays closed; bank data do not, nor does what is not the
/// message that its ticket vouches for.
#[test]
fn a_message_without_bank_data_goes_over_to_another_key_whole_or_not_at_all() {
    let rig = Rig::new();
    let (row, other) = (rig.plain(1, "hello"), DataKey::generate(&rig.entropy));
    let over = |row: &OutboxRow, from: &DataKey| {
        reseal_plain(row.message, (&row.payload, row.payload_sha256), (from, &other), &rig.entropy)
    };
    let payload = over(&row, &rig.key).expect("goes over");
    assert_eq!(over(&row, &other), Err(KeyError), "of another key");
    let gone = OutboxRow { payload, ..row.clone() };
    assert_eq!(rig.gate.row_says(&gone, &other, "hello"), Ok(true));
    assert!(rig.gate.row_says(&gone, &rig.key, "hello").is_err(), "nothing of it is left under the first");
    let elsewhere = OutboxRow { message: MessageId::from_bytes([2; 16]), ..row.clone() };
    assert_eq!(over(&elsewhere, &rig.key), Err(KeyError), "another message's");
    let others = OutboxRow { payload_sha256: [0; 32], ..row };
    assert_eq!(over(&others, &rig.key), Err(KeyError), "other bytes");
    assert_eq!(over(&rig.told(Encoding::MessengerUpdate), &rig.key), Err(KeyError), "bank data");
}

#[test]
fn an_approved_text_says_what_it_says_and_nothing_else() {
    let rig = Rig::new();
    let row = rig.told(Encoding::MessengerUtility);
    assert!(rig.gate.row_says_all(&row, &rig.key, &[]).expect("opens"));
    assert!(!rig.gate.row_says_all(&row, &rig.key, &["good bye"]).expect("opens"));
}

#[test]
fn news_have_a_longer_time_than_what_is_said_of_now() {
    let rig = Rig::new();
    let hours = |row: &OutboxRow| (row.expires_at.as_second() - now().as_second()) / 3_600;
    assert_eq!(hours(&rig.told(Encoding::MessengerUpdate)), NEWS_TICKET_HOURS);
    assert_eq!(hours(&rig.plain(1, "hello")), TICKET_HOURS);
}

#[test]
fn the_book_takes_in_its_own_customers_transactions_alone() {
    let of = |n: u8| Subject { institution: bank(BANK), customer: customer(n) };
    let mut book = Protected::new(of(1), Book::default());
    let kind = BankEventKind::TransactionPosted;
    let event = |n| Protected::new(of(n), paid(4_210));
    assert!(book.advance(kind, &event(2), now(), now()).is_none() && !book.knows("t1"), "another's");
    let first = book.advance(kind, &event(1), now(), now()).expect("taken in");
    assert!(matches!(first.step, Step::Tell(_)) && book.knows("t1") && !book.knows("t2"));
    assert_eq!(book.advance(kind, &event(1), now(), now()).expect("known").step, Step::Drop);
    book.forget_untold("t1");
    assert!(!book.knows("t1"), "of what was never told nothing stays");
}
