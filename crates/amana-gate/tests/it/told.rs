//! Whether an event is what was told, and which rows are new: the answers that the gate gives of two values.

use crate::support::*;
use amana_core::*;
use amana_gate::*;

fn subject() -> Subject {
    Subject { institution: bank(BANK), customer: customer(1) }
}

fn event(minor: i64) -> Protected<BankEventBody> {
    Protected::new(subject(), paid(minor))
}

#[test]
fn two_marks_of_one_value_differ_and_only_the_same_value_is_told() {
    let entropy = SeededEntropy::new(1);
    let key = DataKey::generate(&entropy);
    let (one, two) =
        (event(4_210).mark_told(&key, b"s", &entropy), event(4_210).mark_told(&key, b"s", &entropy));
    let halves = |told: &Told| told.stored().as_chunks::<16>().0.to_vec();
    assert!(halves(&one).iter().zip(halves(&two)).all(|(a, b)| *a != b), "neither salt nor MAC is the same");
    for told in [&one, &two] {
        let stored = Told::from_stored(told.stored());
        assert!(event(4_210).is_told(&stored, &key, b"s"));
        assert!(!event(4_211).is_told(&stored, &key, b"s"));
        assert!(!event(-4_210).is_told(&stored, &key, b"s"));
    }
    for at in 0..32 {
        let mut bytes = one.stored();
        bytes[at] ^= 1;
        assert!(!event(4_210).is_told(&Told::from_stored(bytes), &key, b"s"), "byte {at}");
        bytes[(at + 1) % 32] ^= 1;
        assert!(!event(4_210).is_told(&Told::from_stored(bytes), &key, b"s"), "byte {at} and the next");
    }
    for nothing in [[0; 32], [0xff; 32]] {
        assert!(!event(4_210).is_told(&Told::from_stored(nothing), &key, b"s"));
    }
}

/// What a customer is told is amount, currency, direction and account: each of them, and of a balance what can be
/// spent.
#[test]
fn each_part_of_what_is_told_is_in_the_mark() {
    let entropy = SeededEntropy::new(2);
    let key = DataKey::generate(&entropy);
    let of = |body: BankEventBody| Protected::new(subject(), body);
    let told = |body: BankEventBody| of(body).mark_told(&key, b"s", &entropy);
    let BankEventBody::Transaction(t) = paid(4_210) else { unreachable!("a transaction") };
    let mark = told(BankEventBody::Transaction(t.clone()));
    let euro = Money::new(4_210, Currency::from_code("EUR").expect("a currency"));
    let others = [
        Transaction { amount: euro, ..t.clone() },
        Transaction { direction: Direction::In, ..t.clone() },
        Transaction { account: account("a2"), ..t.clone() },
    ];
    for other in others {
        assert!(!of(BankEventBody::Transaction(other)).is_told(&mark, &key, b"s"));
    }
    // Booked under another id, by a longer name: there is nothing new to say.
    let booked = Transaction { id: "t2".into(), merchant: None, description: "BLUE".into(), ..t.clone() };
    assert!(of(BankEventBody::Transaction(booked)).is_told(&mark, &key, b"s"));

    let usd = |minor| Some(Money::new(minor, t.amount.currency));
    let balance = |id: &str, current, available| {
        BankEventBody::Balance(Account {
            id: account(id),
            name: "Checking".into(),
            last_four: None,
            kind: AccountKind::Checking,
            current,
            available,
            as_of: None,
        })
    };
    let mark = told(balance("a1", usd(500), usd(100)));
    assert!(of(balance("a1", usd(600), usd(100))).is_told(&mark, &key, b"s"), "the booking alone");
    assert!(!of(balance("a1", usd(500), usd(101))).is_told(&mark, &key, b"s"));
    assert!(!of(balance("a2", usd(500), usd(100))).is_told(&mark, &key, b"s"));
    let mark = told(balance("a1", usd(0), None));
    assert!(of(balance("a1", usd(0), None)).is_told(&mark, &key, b"s"));
    assert!(!of(balance("a1", None, None)).is_told(&mark, &key, b"s"), "nothing known is not nothing there");
}

#[test]
fn a_mark_is_one_customers_one_keys_and_one_storys() {
    let entropy = SeededEntropy::new(3);
    let (key, other) = (DataKey::generate(&entropy), DataKey::generate(&entropy));
    let told = event(4_210).mark_told(&key, b"story", &entropy);
    assert!(event(4_210).is_told(&told, &key, b"story"));
    assert!(!event(4_210).is_told(&told, &key, b"another"));
    assert!(!event(4_210).is_told(&told, &other, b"story"));
    assert!(!event(4_210).is_told(&told, &key.for_purpose(Purpose::TransactionUpdate), b"story"));
    for subject in [
        Subject { customer: customer(2), ..subject() },
        Subject { institution: bank("another-bank"), ..subject() },
    ] {
        assert!(!Protected::new(subject, paid(4_210)).is_told(&told, &key, b"story"));
    }
}

fn row(id: &str, minor: i64, second: i64) -> ReadRow {
    let BankEventBody::Transaction(t) = paid(minor) else { unreachable!("a transaction") };
    let occurred = Timestamp::from_second(1_800_000_000 + second).expect("an instant");
    let event = BankEvent {
        institution: bank(BANK),
        id: format!("read posted {id}"),
        occurred,
        account: account("a1"),
        subject: None,
        kind: BankEventKind::TransactionPosted,
        transaction_id: Some(id.into()),
        reference_id: None,
    };
    let body = Protected::new(subject(), BankEventBody::Transaction(Transaction { id: id.into(), ..t }));
    ReadRow { event, body, fresh: true }
}

const ALL: ReadHow = ReadHow { whole: true, news_max: 10, rows_max: 10 };

fn ids(found: &ReadNews) -> Vec<&str> {
    found.news.iter().filter_map(|new| new.event.transaction_id.as_deref()).collect()
}

#[test]
fn what_was_read_is_known_again_and_what_changed_is_new() {
    let entropy = SeededEntropy::new(4);
    let key = DataKey::generate(&entropy);
    let who = subject();
    let of = (&who, &key);
    let mut seen = Seen::default();
    let rows = || vec![row("a", 100, 1), row("b", 200, 2)];
    let first = seen.take_in(rows(), of, &ALL);
    assert_eq!((ids(&first), first.more), (vec!["a", "b"], false));
    assert_ne!(first.news[0].name, first.news[1].name);
    let sealed = seen.seal(of, b"p", &entropy).expect("seals");
    let mut again = Seen::unseal(of, b"p", &sealed).expect("opens");
    assert!(again.take_in(rows(), of, &ALL).news.is_empty());
    let changed = again.take_in(vec![row("a", 100, 1), row("b", 201, 2)], of, &ALL);
    assert_eq!(ids(&changed), ["b"]);
    assert_ne!(changed.news[0].name, first.news[1].name, "the store does not take it for the one before");
    // The same rows by other ids are none that are new; a second one that says the same is.
    let mut renamed = Seen::unseal(of, b"p", &sealed).expect("opens");
    let found = renamed.take_in(vec![row("a2", 100, 1), row("b2", 200, 2), row("c", 200, 2)], of, &ALL);
    assert_eq!(ids(&found), ["c"]);
    // What is not fresh is only known again.
    let mut seen = Seen::default();
    let old = ReadRow { fresh: false, ..row("a", 100, 1) };
    assert!(seen.take_in(vec![old], of, &ALL).news.is_empty());
    assert!(seen.take_in(vec![row("a", 100, 1)], of, &ALL).news.is_empty());
}

/// Where a bank knows only the day, a row that says what one said that went may be another: it is none that is new
/// only where all ids have changed at once, of enough rows, and at least half of them say what was said.
#[test]
fn where_only_the_day_is_known_rows_are_renamed_all_at_once_or_not_at_all() {
    let key = DataKey::new([7; 32]);
    let who = subject();
    let of = (&who, &key);
    let rows = |names: &[(&str, i64)]| names.iter().map(|(id, minor)| row(id, *minor, 0)).collect::<Vec<_>>();
    let after = |before: &[(&str, i64)], then: &[(&str, i64)]| {
        let mut seen = Seen::default();
        let _ = seen.take_in(rows(before), of, &ALL);
        ids(&seen.take_in(rows(then), of, &ALL)).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let three = [("a", 100), ("b", 200), ("c", 300)];
    assert!(after(&three, &[("a2", 100), ("b2", 200), ("c2", 300)]).is_empty());
    assert_eq!(after(&three, &[("a", 100), ("b", 200), ("x", 300)]), ["x"]);
    assert_eq!(after(&three, &[("a2", 100), ("b2", 200), ("new", 999)]), ["new"]);
    assert_eq!(after(&three, &[("a2", 100), ("x", 998), ("y", 999)]), ["a2", "x", "y"]);
    assert_eq!(after(&three[..2], &[("a2", 100), ("b2", 200)]), ["a2", "b2"]);
    // Two that say what one said are one of three that was found again, not two.
    assert_eq!(after(&three, &[("a2", 100), ("a3", 100)]), ["a2", "a3"]);
}

#[test]
fn a_reading_has_bounds() {
    let key = DataKey::new([7; 32]);
    let who = subject();
    let of = (&who, &key);
    let rows = || vec![row("a", 100, 1), row("b", 200, 2), row("c", 300, 3)];
    let mut seen = Seen::default();
    let two = ReadHow { news_max: 2, ..ALL };
    let found = seen.take_in(rows(), of, &two);
    assert_eq!((ids(&found), found.more), (vec!["a", "b"], true));
    let found = seen.take_in(rows(), of, &two);
    assert_eq!((ids(&found), found.more), (vec!["c"], false), "the rest comes next");
    // A list that is not whole forgets nothing, a whole one what is not there.
    let part = ReadHow { whole: false, ..ALL };
    assert!(seen.take_in(vec![row("a", 100, 1)], of, &part).news.is_empty());
    assert!(seen.take_in(rows(), of, &ALL).news.is_empty());
    assert!(seen.take_in(vec![row("a", 100, 1)], of, &ALL).news.is_empty());
    assert_eq!(ids(&seen.take_in(rows(), of, &ALL)), ["b", "c"]);
    // No more is kept than there is room for.
    let entropy = SeededEntropy::new(5);
    let mut narrow = Seen::default();
    let _ = narrow.take_in(rows(), of, &ReadHow { rows_max: 1, ..ALL });
    let sealed = narrow.seal(of, b"p", &entropy).expect("seals");
    assert_eq!(sealed.len(), 12 + 4 + 8 + 8 + 16);
}

#[test]
fn what_was_seen_is_one_customers_and_one_readings_and_shows_nothing() {
    let entropy = SeededEntropy::new(6);
    let (key, other) = (DataKey::generate(&entropy), DataKey::generate(&entropy));
    let who = subject();
    let of = (&who, &key);
    let mut seen = Seen::default();
    // Two purchases that say the same.
    let _ = seen.take_in(vec![row("a", 100, 1), row("b", 100, 1)], of, &ALL);
    let sealed = seen.seal(of, b"p", &entropy).expect("seals");
    assert_ne!(sealed, seen.seal(of, b"p", &entropy).expect("seals"));
    assert!(Seen::unseal(of, b"p", &sealed).is_ok());
    assert!(key.open(b"p", &sealed).is_err(), "the holder of the key does not open it");
    let elsewhere = Subject { institution: bank("another-bank"), ..subject() };
    let somebody = Subject { customer: customer(2), ..subject() };
    assert!(Seen::unseal((&who, &other), b"p", &sealed).is_err());
    assert!(Seen::unseal(of, b"q", &sealed).is_err());
    assert!(Seen::unseal((&elsewhere, &key), b"p", &sealed).is_err());
    assert!(Seen::unseal((&somebody, &key), b"p", &sealed).is_err());
    assert!(Seen::unseal(of, b"p", &sealed[..sealed.len() - 1]).is_err());
    assert!(Seen::unseal(of, b"p", b"").is_err());
    // Somebody else's rows are left out.
    let body = Protected::new(somebody, paid(100));
    let theirs = ReadRow { body, ..row("a", 100, 1) };
    assert!(Seen::default().take_in(vec![theirs], of, &ALL).news.is_empty());
}

/// No two transactions have one name, whatever envelope they are put into: names tell nothing of two of them.
#[test]
fn a_name_is_one_transactions() {
    let key = DataKey::new([7; 32]);
    let who = subject();
    let name = |row| Seen::default().take_in(vec![row], (&who, &key), &ALL).news.remove(0).name;
    assert_eq!(name(row("a", 100, 1)), name(row("a", 100, 1)));
    let in_the_same_envelope = ReadRow { event: row("a", 100, 1).event, ..row("b", 100, 1) };
    assert_ne!(name(row("a", 100, 1)), name(in_the_same_envelope));
}
