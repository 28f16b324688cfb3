//! The book: one purchase is told once, two are two.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "small numbers; figures for docs/benchmarks.md, over as many lives as the environment says"
)]

mod cases;
mod life;
mod measure;
mod naive;
mod oracle;

use amana_core::Transaction;
use amana_pure::Book;
use life::{HOSTILE, Mix, ORDINARY};
use measure::{Figures, measure};
use naive::Naive;
use std::time::{Duration, Instant};

/// Lives that a run of the tests goes through. `AMANA_BOOK_LIVES=400` measures what `docs/benchmarks.md` says.
const LIVES: u64 = 8;
/// The first of them. The book was made looking at the errors in lives below four hundred, and no others.
const FROM: u64 = 1_000;
/// Lives that it takes until there are enough banks of each kind among them.
const LIVES_APART: u64 = 60;
const DAYS: i64 = 60;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|number| number.parse().ok())
}

fn lives() -> u64 {
    number("AMANA_BOOK_LIVES").unwrap_or(LIVES)
}

/// At least so many lives, from those on that nobody looked at when the book was made.
fn seeds(at_least: u64) -> std::ops::Range<u64> {
    let from = number("AMANA_BOOK_FROM").unwrap_or(FROM);
    from..from + lives().max(at_least)
}

fn book_and_naive(name: &str, mix: &Mix, at_least: u64) -> (Figures, Figures) {
    let (book, naive) = (
        measure(seeds(at_least), mix, DAYS, Book::default),
        measure(seeds(at_least), mix, DAYS, Naive::default),
    );
    for (who, of) in [("book", &book), ("naive", &naive)] {
        println!(
            "{name}, {who}: precision {:.4} (equal ones aside {:.4}), recall {:.4} ({:.4}); {of:?}",
            of.precision(),
            of.precision_alike(),
            of.recall(),
            of.recall_alike(),
        );
        println!("{name}, {who}: named {:.4?}, unnamed {:.4?}", of.of_named(), of.of_unnamed());
    }
    (book, naive)
}

#[test]
fn postings_find_their_authorizations_in_ordinary_lives() {
    let (book, naive) = book_and_naive("ordinary", &ORDINARY, LIVES_APART);
    assert!(book.true_pairs > 500, "{book:?}");
    assert!(book.precision() >= 0.99 && book.recall() >= 0.99, "{book:?}");
    // Of a purchase that nobody hears of there is one in a thousand at most; twice is the smaller evil.
    assert!(book.silent * 1_000 <= book.purchases && book.twice * 100 <= book.purchases, "{book:?}");
    assert!(naive.recall() < 0.9, "the lives are too easy: {naive:?}");
}

/// The bank's own word must not hide how well the rest is found: each by itself. Of two equal purchases it is no error
/// to the customer to take one for the other.
#[test]
fn pairs_that_the_bank_does_not_name_are_found_as_well() {
    let book = measure(seeds(LIVES_APART), &ORDINARY, DAYS, Book::default);
    let (named, unnamed) = (book.of_named(), book.of_unnamed());
    println!("ordinary, book: named {named:.4?}, unnamed {unnamed:.4?}; {book:?}");
    assert!(named.iter().all(|share| *share >= 0.99), "{named:?}");
    let [precision, recall, precision_alike, recall_alike] = unnamed;
    assert!(precision_alike >= 0.993 && recall_alike >= 0.993, "{unnamed:?}");
    assert!(precision >= 0.98 && recall >= 0.98, "{unnamed:?}");
}

#[test]
fn hard_lives_are_read_as_well_as_they_can_be() {
    let (book, naive) = book_and_naive("hard", &HOSTILE, LIVES_APART);
    assert!(book.precision() >= 0.93 && book.recall() >= 0.93, "{book:?}");
    assert!(book.precision_alike() >= 0.96 && book.recall_alike() >= 0.96, "{book:?}");
    assert!(book.silent * 50 <= book.purchases, "{book:?}");
    assert!(book.recall() > naive.recall() && book.twice < naive.twice, "{book:?} {naive:?}");
}

/// In hard lives even who knows the odds, sees the whole history, and is told shops, copies, reversals and shipments
/// cannot tell each purchase from the next. The ordinary bound is in reach of an oracle where lives are ordinary, which
/// shows that it is one.
#[test]
fn an_oracle_says_how_much_can_be_known() {
    for (name, mix) in [("ordinary", &ORDINARY), ("hard", &HOSTILE)] {
        let mut oracle = Figures::default();
        for seed in seeds(1) {
            oracle.add(oracle::figures(&life::life(seed, mix, DAYS), mix, seed));
        }
        let (precision, recall) = (oracle.precision(), oracle.recall());
        println!("{name}, oracle: precision {precision:.4}, recall {recall:.4}; {oracle:?}");
        println!("{name}, oracle: named {:.4?}, unnamed {:.4?}", oracle.of_named(), oracle.of_unnamed());
        let book = measure(seeds(1), mix, DAYS, Book::default);
        assert_eq!(oracle.true_pairs, book.true_pairs);
        assert!(oracle.recall() >= book.recall(), "{oracle:?} {book:?}");
    }
}

/// A bank that always says what settles what is always believed.
#[test]
fn a_banks_own_word_is_never_doubted() {
    let mix = Mix { references: [1, 0, 0, 0], unannounced: 0, disorder: 0, other_id: 0, ..HOSTILE };
    let figures = measure(0..3, &mix, 30, Book::default);
    assert_eq!((figures.precision(), figures.recall()), (1.0, 1.0), "{figures:?}");
}

/// What a book costs each event: read, advanced, written, as it is at rest.
#[test]
fn a_book_is_small_and_comes_back_the_same() {
    let (mut events, mut bytes, mut largest, mut lines) = (0_usize, 0_usize, 0_usize, 0_usize);
    let (mut reading, mut advancing, mut writing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for seed in 0..lives() {
        for mix in [&ORDINARY, &HOSTILE] {
            let mut sealed = serde_json::to_vec(&Book::default()).unwrap();
            for event in &life::life(seed, mix, DAYS).events {
                // Ids as long as a bank's.
                let long = |id: &String| format!("txn_{id:0>24}");
                let (id, reference_id) = (long(&event.t.id), event.t.reference_id.as_ref().map(long));
                let t = Transaction { id, reference_id, ..event.t.clone() };
                let start = Instant::now();
                let mut book: Book = serde_json::from_slice(&sealed).unwrap();
                let read = Instant::now();
                book.advance(event.kind, &t, event.occurred, event.arrives());
                let advanced = Instant::now();
                sealed = serde_json::to_vec(&book).unwrap();
                (reading, advancing) = (reading + (read - start), advancing + (advanced - read));
                writing += advanced.elapsed();
                assert_eq!(serde_json::from_slice::<Book>(&sealed).unwrap(), book);
                (events, bytes) = (events + 1, bytes + sealed.len());
                largest = largest.max(sealed.len());
            }
            lines = lines.max(Book::pairs(&serde_json::from_slice(&sealed).unwrap()).count());
        }
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / events as f64;
    println!(
        "{events} events: {} bytes on average, {largest} at most; read {:.0} µs, advance {:.0} µs, write {:.0} µs",
        bytes / events,
        each(reading),
        each(advancing),
        each(writing)
    );
    assert!(lines > 50 && largest < 80_000, "{lines} pairs, {largest} bytes");
}
