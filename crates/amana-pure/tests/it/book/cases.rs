//! Cases by name, each as a bank sends them and as the customer hears them.

use amana_core::{
    AccountId, BankEventKind, Currency, Direction, Money, Timestamp, Transaction, TransactionState,
};
use amana_pure::{Book, News, Step};
use std::str::FromStr;

use BankEventKind::{TransactionAuthorised as A, TransactionPosted as P, TransactionReversed as R};

/// What is heard: in which words, of which id, of which amount.
type Heard = (News, &'static str, i64);

/// An event: kind, id, id referred to, amount, shop, hours since the beginning.
type Said = (BankEventKind, &'static str, Option<&'static str>, i64, &'static str, i64);

fn transaction(&(kind, id, reference, minor, shop, hour): &Said) -> (Transaction, Timestamp) {
    let start = Timestamp::from_str("2026-11-02T09:17:41Z").expect("a time");
    let occurred = Timestamp::from_second(start.as_second() + hour * 3_600).expect("a time");
    // Postings have the day of their booking alone.
    let at = if kind == P { occurred.as_second().div_euclid(86_400) * 86_400 } else { occurred.as_second() };
    let transaction = Transaction {
        id: id.into(),
        reference_id: reference.map(Into::into),
        account: AccountId::new("a1").expect("an id"),
        state: match kind {
            A => TransactionState::Pending,
            R => TransactionState::Reversed,
            _ => TransactionState::Posted,
        },
        direction: if minor < 0 { Direction::In } else { Direction::Out },
        amount: Money::new(minor.abs(), Currency::from_code("USD").expect("a currency")),
        merchant: Some(shop.into()),
        description: shop.into(),
        at: Timestamp::from_second(at).expect("a time"),
    };
    (transaction, occurred)
}

fn play(events: &[Said]) -> Vec<(News, String, i64)> {
    let mut book = Book::default();
    let mut heard = Vec::new();
    for event in events {
        let (t, occurred) = transaction(event);
        let verdict = book.advance(event.0, &t, occurred, occurred);
        if let Step::Tell(news) = verdict.step {
            heard.push((news, t.id, t.amount.minor));
        }
        heard.extend(verdict.again.into_iter().map(|(news, t)| (news, t.id, t.amount.minor)));
        // The book is the same after a night in the store.
        let stored = serde_json::to_vec(&book).expect("written");
        book = serde_json::from_slice(&stored).expect("read");
    }
    heard
}

#[track_caller]
fn heard(events: &[Said], want: &[Heard]) {
    let got = play(events);
    let got: Vec<(News, &str, i64)> =
        got.iter().map(|(news, id, minor)| (*news, id.as_str(), *minor)).collect();
    assert_eq!(got, want);
}

/// What is believed to be of what in the end.
fn pairs(events: &[Said]) -> Vec<(String, String)> {
    let mut book = Book::default();
    for event in events {
        let (t, occurred) = transaction(event);
        book.advance(event.0, &t, occurred, occurred);
    }
    let mut pairs: Vec<(String, String)> = book.pairs().map(|pair| (pair.posting, pair.hold)).collect();
    pairs.sort();
    pairs
}

fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(p, h)| ((*p).into(), (*h).into())).collect()
}

const COFFEE: &str = "SQ *BLUE BOTTLE COFFEE";
const BOOKED: &str = "BLUE BOTTLE COFFEE OAKLAND CA";

#[test]
fn a_posting_without_a_reference_says_nothing_new() {
    heard(&[(A, "a", None, 475, COFFEE, 0), (P, "p", None, 475, BOOKED, 30)], &[(News::New, "a", 475)]);
}

/// A posting that comes again under another id, of a hold that is booked already: the bank names the same hold, and
/// there is no room in it for both.
#[test]
fn a_posting_that_comes_again_under_another_id_is_not_heard_twice() {
    for (held, news) in [(2_400, vec![]), (2_000, vec![(News::Changed, "p", 2_400)])] {
        let mut want = vec![(News::New, "a", held)];
        want.extend(news);
        let events = [
            (A, "a", None, held, COFFEE, 0),
            (P, "p", Some("a"), 2_400, BOOKED, 30),
            (P, "q", Some("a"), 2_400, BOOKED, 36),
            (P, "q", Some("a"), 2_400, BOOKED, 37),
        ];
        heard(&events, &want);
    }
}

/// Three equal parcels are three parts of what was held, and a fourth posting is one of them again.
#[test]
fn equal_parts_of_a_shipment_are_heard_as_long_as_they_fit_into_it() {
    heard(
        &[
            (A, "a", None, 3_000, COFFEE, 0),
            (P, "p", Some("a"), 1_000, BOOKED, 30),
            (P, "q", Some("a"), 1_000, BOOKED, 32),
            (P, "r", Some("a"), 1_000, BOOKED, 34),
            (P, "s", Some("a"), 1_000, BOOKED, 36),
        ],
        &[
            (News::New, "a", 3_000),
            (News::Changed, "p", 1_000),
            (News::New, "q", 1_000),
            (News::New, "r", 1_000),
        ],
    );
}

#[test]
fn a_reference_to_somebody_else_is_not_overruled() {
    heard(
        &[
            (A, "a", None, 475, COFFEE, 0),
            (P, "p", Some("x"), 475, BOOKED, 30),
            (P, "q", Some("a"), 475, BOOKED, 40),
        ],
        &[(News::New, "a", 475), (News::New, "p", 475)],
    );
}

#[test]
fn two_equal_purchases_are_two() {
    heard(
        &[
            (A, "a", None, 475, COFFEE, 0),
            (A, "b", None, 475, COFFEE, 24),
            (P, "p", None, 475, BOOKED, 40),
            (P, "q", None, 475, BOOKED, 64),
            (P, "o", None, 475, BOOKED, 65),
        ],
        &[(News::New, "a", 475), (News::New, "b", 475), (News::New, "o", 475)],
    );
}

#[test]
fn tip_pump_hotel_and_rate_change_the_amount() {
    for (held, booked, shop, hours, known) in [
        (5_000, 6_000, "LUIGI TRATTORIA", 30, true),
        (100, 4_312, "SHELL OIL 57442", 30, true),
        (15_000, 4_312, "CHEVRON 0091", 30, true),
        (50_000, 61_250, "MARRIOTT SF", 14 * 24, true),
        (4_210, 4_263, "MONOPRIX PARIS", 50, true),
        (5_000, 9_900, "LUIGI TRATTORIA", 30, false),
        (15_000, 4_312, "BOOKS INC", 30, false),
        (5_000, 6_000, "LUIGI TRATTORIA", 20 * 24, false),
    ] {
        let news = if known { News::Changed } else { News::New };
        heard(
            &[(A, "a", None, held, shop, 0), (P, "p", None, booked, shop, hours)],
            &[(News::New, "a", held), (news, "p", booked)],
        );
    }
}

#[test]
fn another_name_is_said_and_not_told_as_another_purchase() {
    heard(
        &[(A, "a", None, 4_783, "CITY GYM", 0), (P, "p", None, 4_783, "ABC FITNESS SVCS", 30)],
        &[(News::New, "a", 4_783), (News::Posted, "p", 4_783)],
    );
    // A small one is this one's, as long as nothing else waits at that amount: then it is told, and found later.
    let waits = [(A, "a", None, 475, "CITY GYM", 0), (A, "b", None, 475, COFFEE, 1)];
    let gym = (P, "p", None, 475, "ABC FITNESS SVCS", 30);
    let both = [(News::New, "a", 475), (News::New, "b", 475)];
    heard(&[waits[0], gym], &[(News::New, "a", 475), (News::Posted, "p", 475)]);
    heard(&[waits.as_slice(), &[gym]].concat(), &[both.as_slice(), &[(News::New, "p", 475)]].concat());
    let later = [waits.as_slice(), &[gym, (P, "q", None, 475, BOOKED, 50)]].concat();
    assert_eq!(pairs(&later), of(&[("p", "a"), ("q", "b")]));
    // A round amount is nobody's.
    heard(
        &[(A, "a", None, 5_000, "CITY GYM", 0), (P, "p", None, 5_000, "ABC FITNESS SVCS", 30)],
        &[(News::New, "a", 5_000), (News::New, "p", 5_000)],
    );
}

#[test]
fn parts_of_a_shipment_add_up() {
    heard(
        &[
            (A, "a", None, 10_000, "AMZN Mktp US*2K3", 0),
            (P, "p", None, 3_010, "AMAZON.COM", 30),
            (P, "q", None, 6_990, "AMAZON.COM", 60),
            (P, "x", None, 6_990, "AMAZON.COM", 61),
        ],
        &[
            (News::New, "a", 10_000),
            (News::New, "p", 3_010),
            (News::Changed, "q", 6_990),
            (News::New, "x", 6_990),
        ],
    );
    heard(
        &[
            (A, "a", None, 100, COFFEE, 0),
            (P, "p", Some("a"), 30, BOOKED, 30),
            (P, "q", Some("a"), 70, BOOKED, 40),
            (P, "q", Some("a"), 70, BOOKED, 41),
        ],
        &[(News::New, "a", 100), (News::Changed, "p", 30), (News::New, "q", 70)],
    );
}

/// The undo: a coffee that was bought offline was taken for the one that was authorised. When the bank books that one,
/// the other is told.
#[test]
fn what_a_wrong_match_silenced_is_told_when_the_bank_says_otherwise() {
    let wrong = [(A, "a", None, 475, COFFEE, 0), (P, "p", None, 475, BOOKED, 30)];
    let told = [(News::New, "a", 475), (News::New, "p", 475)];
    // By reference, by its own id, or because the hold was given back.
    heard(&[wrong.as_slice(), &[(P, "q", Some("a"), 475, BOOKED, 50)]].concat(), &told);
    heard(&[wrong.as_slice(), &[(P, "a", None, 475, BOOKED, 50)]].concat(), &told);
    let undone = [wrong.as_slice(), &[(R, "r", Some("a"), 475, COFFEE, 50)]].concat();
    heard(&undone, &[(News::New, "a", 475), (News::Reversed, "r", 475), (News::New, "p", 475)]);
    // Where another hold is free, it is that one's, and nothing has to be said.
    let free =
        [wrong.as_slice(), &[(A, "b", None, 475, COFFEE, 20), (P, "q", Some("a"), 475, BOOKED, 50)]].concat();
    heard(&free, &[(News::New, "a", 475), (News::New, "b", 475)]);
}

#[test]
fn stronger_evidence_takes_a_hold_from_weaker() {
    // Not a tip after all.
    heard(
        &[
            (A, "a", None, 5_000, "LUIGI TRATTORIA", 0),
            (P, "p", None, 5_900, "LUIGI TRATTORIA", 30),
            (P, "q", None, 5_000, "LUIGI TRATTORIA", 50),
        ],
        &[
            (News::New, "a", 5_000),
            (News::Changed, "p", 5_900),
            (News::Changed, "q", 5_000),
            (News::New, "p", 5_900),
        ],
    );
}

#[test]
fn copies_are_silent_and_reversals_are_told_once() {
    heard(
        &[
            (A, "a", None, 475, COFFEE, 0),
            (A, "a", None, 475, COFFEE, 0),
            (P, "p", Some("a"), 475, BOOKED, 30),
            (A, "a", None, 475, COFFEE, 31),
            (P, "p", Some("a"), 475, BOOKED, 32),
            (R, "r", Some("p"), 475, COFFEE, 50),
            (R, "r", Some("p"), 475, COFFEE, 51),
            (R, "s", Some("a"), 475, COFFEE, 52),
        ],
        &[(News::New, "a", 475), (News::Reversed, "r", 475)],
    );
    // A hold that grows; its posting is no news.
    heard(
        &[
            (A, "a", None, 20_000, "ROTANA HOTEL", 0),
            (A, "a", None, 40_000, "ROTANA HOTEL", 24),
            (P, "p", None, 40_000, "ROTANA HOTEL", 60),
        ],
        &[(News::New, "a", 20_000), (News::Changed, "a", 40_000)],
    );
}

#[test]
fn a_refund_is_a_fact_of_its_own() {
    heard(
        &[
            (A, "a", None, 475, COFFEE, 0),
            (P, "f", Some("a"), -475, BOOKED, 30),
            (P, "p", None, 475, BOOKED, 31),
        ],
        &[(News::New, "a", 475), (News::New, "f", 475)],
    );
}

#[test]
fn a_posting_that_overtook_its_authorization_is_told_once() {
    let mut book = Book::default();
    let (posting, late) = ((P, "p", None, 475, BOOKED, 30), (A, "a", None, 475, COFFEE, 0));
    let steps: Vec<Step> = [posting, late, (A, "b", None, 475, COFFEE, 40)]
        .iter()
        .map(|event| {
            let (t, occurred) = transaction(event);
            book.advance(event.0, &t, occurred, occurred).step
        })
        .collect();
    assert_eq!(steps, [Step::Tell(News::New), Step::Remember, Step::Tell(News::New)]);
}

/// The same where the bank writes nothing but the day: the authorization comes when its posting was told.
#[test]
fn a_day_that_overtook_its_authorization_is_told_once() {
    let mut book = Book::default();
    let mut step = |event: Said, day: Option<i64>| {
        let (mut t, occurred) = transaction(&event);
        if let Some(day) = day {
            t.at = Timestamp::from_second(t.at.as_second() + day * 86_400).expect("a time");
        }
        book.advance(event.0, &t, occurred, occurred).step
    };
    assert_eq!(step((P, "p", None, 475, BOOKED, 30), Some(-1)), Step::Tell(News::New));
    assert_eq!(step((A, "a", None, 475, COFFEE, 0), None), Step::Remember);
    // A purchase of the next day is one of its own.
    assert_eq!(step((P, "q", None, 900, BOOKED, 60), Some(-1)), Step::Tell(News::New));
    assert_eq!(step((A, "b", None, 900, COFFEE, 59), None), Step::Tell(News::New));
}

/// A bank shows how it books: one that took a day forty times is not taken to need eleven. What else it may be is told.
#[test]
fn a_banks_habit_says_which_days_are_strange() {
    let ids: Vec<(&'static str, &'static str)> =
        (0..41).map(|n| (&*format!("a{n}").leak(), &*format!("p{n}").leak())).collect();
    let mut events: Vec<Said> = Vec::new();
    for ((hold, posting), n) in ids.iter().zip(0_i64..) {
        events.push((A, hold, None, 1_000 + n * 37, COFFEE, n * 6));
        events.push((P, posting, None, 1_000 + n * 37, BOOKED, n * 6 + 24));
    }
    events.sort_by_key(|event| event.5);
    let late = |known: usize| {
        let mut all = events.get(..known).expect("so many").to_vec();
        let hour = 12 * 24;
        all.push((A, "lost", None, 475, COFFEE, hour));
        all.push((P, "late", None, 475, BOOKED, hour + 11 * 24));
        play(&all).iter().filter(|(_, id, _)| id == "late").count()
    };
    assert_eq!((late(10), late(events.len())), (0, 1));
}

/// Of two equal purchases each has the posting of its days, also when the first posting came to the wrong one.
#[test]
fn a_hold_that_was_never_booked_does_not_shift_those_after_it() {
    let day = 24;
    let events = [
        (A, "never", None, 475, COFFEE, 0),
        (A, "a", None, 475, COFFEE, 8 * day),
        (P, "p", None, 475, BOOKED, 9 * day),
        (A, "b", None, 475, COFFEE, 16 * day),
        (P, "q", None, 475, BOOKED, 17 * day),
    ];
    assert_eq!(pairs(&events), of(&[("p", "a"), ("q", "b")]));
    heard(&events, &[(News::New, "never", 475), (News::New, "a", 475), (News::New, "b", 475)]);
}

#[test]
fn the_book_forgets_and_stays_small() {
    let mut book = Book::default();
    for n in 0..1_200_i64 {
        let (mut t, occurred) = transaction(&(A, "a", None, 100 + n, COFFEE, n / 50));
        t.id = format!("a{n}");
        t.description = "م".repeat(10_000);
        book.advance(A, &t, occurred, occurred);
    }
    assert!(!book.knows("a0") && book.knows("a1199"));
    assert!(serde_json::to_vec(&book).expect("written").len() < 512 * 1024);
    let (t, later) = transaction(&(A, "z", None, 1, COFFEE, 60 * 24));
    book.advance(A, &t, later, later);
    assert!(!book.knows("a1199") && book.knows("z"));
}

/// What a night in the store must not change: parts of a second, other ids, another currency, what is undone, a hold
/// that is forgotten. And a book that names what is not in it is damage, not another book.
#[test]
fn a_written_book_is_the_same_and_a_damaged_one_is_refused() {
    let mut book = Book::default();
    let mut said = |event: Said, change: fn(&mut Transaction)| {
        let (mut t, occurred) = transaction(&event);
        change(&mut t);
        book.advance(event.0, &t, occurred, occurred);
        let written = serde_json::to_value(&book).expect("written");
        assert_eq!(serde_json::from_value::<Book>(written).expect("read"), book, "after {}", t.id);
    };
    let second_and_more = |t: &mut Transaction| {
        t.at = Timestamp::new(t.at.as_second(), 123_456_789).expect("a time");
        t.merchant = None;
    };
    said((A, "h1", None, 1_250, "Cafe Noor", 0), second_and_more);
    said((A, "h1 again", None, 1_250, "Cafe Noor", 1), |t| {
        t.at = Timestamp::from_str("2026-11-02T09:17:41.123456789Z").expect("a time");
        t.merchant = None;
    });
    said((P, "p1", Some("h1"), 1_400, "Cafe Noor", 30), |t| {
        t.amount.currency = Currency::from_code("KWD").expect("a currency");
    });
    said((A, "h2", None, 900, "Pump 7", 2), |_| ());
    said((R, "r2", Some("h2"), 900, "Pump 7", 3), |_| ());
    said((P, "p3", Some("nobody knows"), 55, "Kiosk", 4), |_| ());
    said((P, "p4", None, 77, "Kiosk", 24 * 60), |_| ());
    assert!(!book.knows("h1") && book.knows("p4"), "sixty days are more than the book reaches");

    let (first, _) = transaction(&(A, "h", None, 100, "Shop", 0));
    let (second, at) = transaction(&(P, "p", Some("h"), 100, "Shop", 20));
    let mut book = Book::default();
    book.advance(A, &first, first.at, at);
    book.advance(P, &second, at, at);
    assert_eq!(book.pairs().count(), 1);
    let whole = serde_json::to_value(&book).expect("written");
    let mut refused = 0;
    for (place, wrong) in [
        ("/lines/0/4", serde_json::json!([7, 0])),
        ("/lines/0/4", serde_json::json!([0, 7])),
        ("/lines/0/5", serde_json::json!([7, 0])),
        ("/lines/0/5", serde_json::json!([0, 7])),
        ("/lines/1/8", serde_json::json!(7)),
        ("/lines/1/9/0", serde_json::json!(7)),
        ("/lines/0/6", serde_json::json!(i64::MAX)),
        ("/since", serde_json::json!(i64::MIN)),
    ] {
        let mut damaged = whole.clone();
        *damaged.pointer_mut(place).expect(place) = wrong;
        refused += usize::from(serde_json::from_value::<Book>(damaged).is_err());
    }
    assert_eq!(refused, 8);
}

/// What was silent because of it goes with it, and what the bank sends after that finds nothing to go on with.
#[test]
fn a_transaction_that_was_never_told_is_new_again() {
    let mut book = Book::default();
    let tell = |book: &mut Book, said: Said| {
        let (t, occurred) = transaction(&said);
        book.advance(said.0, &t, occurred, occurred).step
    };
    assert_eq!(tell(&mut book, (A, "a", None, 475, COFFEE, 0)), Step::Tell(News::New));
    assert_eq!(tell(&mut book, (A, "b", None, 900, COFFEE, 1)), Step::Tell(News::New));
    let mut kept = book.clone();
    assert_eq!(tell(&mut kept, (P, "p", None, 475, BOOKED, 30)), Step::Remember);
    for book in [&mut book, &mut kept] {
        book.forget_untold("a");
        book.forget_untold("nobody's");
        assert!(!book.knows("a") && !book.knows("p") && book.knows("b"));
        assert_eq!(tell(book, (P, "q", None, 475, BOOKED, 31)), Step::Tell(News::New));
        assert_eq!(tell(book, (P, "r", Some("b"), 900, BOOKED, 32)), Step::Remember, "what was told stays");
    }
}

/// Parts of one order, some of them under the bank's word: none is taken for another order's, nor told twice.
#[test]
fn a_late_part_goes_to_the_order_that_it_makes_whole() {
    // The first part has no name, those after it have.
    let shop = "SHEIN.COM";
    let events = [
        (A, "a", None, 16_714, shop, 0),
        (P, "p", None, 2_251, shop, 30),
        (P, "q", Some("a"), 6_050, shop, 30),
        (P, "r", Some("a"), 8_413, shop, 31),
    ];
    assert_eq!(pairs(&events), of(&[("p", "a"), ("q", "a"), ("r", "a")]));
    heard(
        &events,
        &[
            (News::New, "a", 16_714),
            (News::New, "p", 2_251),
            (News::Changed, "q", 6_050),
            (News::New, "r", 8_413),
        ],
    );
    // An older order still has room for the first part; the second one shows whose it is.
    let events = [
        (A, "a", None, 16_714, shop, 0),
        (P, "q", Some("a"), 6_050, shop, 30),
        (A, "b", None, 8_264, shop, 200),
        (P, "s", None, 1_401, shop, 230),
        (P, "t", None, 6_863, shop, 231),
    ];
    assert_eq!(pairs(&events), of(&[("q", "a"), ("s", "b"), ("t", "b")]));
}
