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

use amana_pure::Book;
use life::{HOSTILE, Mix, ORDINARY};
use measure::{Figures, measure};
use naive::Naive;

/// Lives that a run of the tests goes through. `AMANA_BOOK_LIVES=200` measures what `docs/benchmarks.md` says.
const LIVES: u64 = 6;
const DAYS: i64 = 60;

fn lives() -> u64 {
    std::env::var("AMANA_BOOK_LIVES").ok().and_then(|lives| lives.parse().ok()).unwrap_or(LIVES)
}

fn book_and_naive(name: &str, mix: &Mix) -> (Figures, Figures) {
    let (book, naive) =
        (measure(0..lives(), mix, DAYS, Book::default), measure(0..lives(), mix, DAYS, Naive::default));
    for (who, of) in [("book", &book), ("naive", &naive)] {
        println!(
            "{name}, {who}: precision {:.4} (equal ones aside {:.4}), recall {:.4} ({:.4}); {of:?}",
            of.precision(),
            of.precision_alike(),
            of.recall(),
            of.recall_alike(),
        );
    }
    (book, naive)
}

#[test]
fn postings_find_their_authorizations_in_ordinary_lives() {
    let (book, naive) = book_and_naive("ordinary", &ORDINARY);
    assert!(book.true_pairs > 500, "{book:?}");
    assert!(book.precision() >= 0.99 && book.recall() >= 0.99, "{book:?}");
    // Of a purchase that nobody hears of there is one in a thousand at most; twice is the smaller evil.
    assert!(book.silent * 1_000 <= book.purchases && book.twice * 100 <= book.purchases, "{book:?}");
    assert!(naive.recall() < 0.9, "the lives are too easy: {naive:?}");
}

#[test]
fn hard_lives_are_read_as_well_as_they_can_be() {
    let (book, naive) = book_and_naive("hard", &HOSTILE);
    assert!(book.precision_alike() >= 0.95 && book.recall_alike() >= 0.95, "{book:?}");
    assert!(book.silent * 50 <= book.purchases, "{book:?}");
    assert!(book.recall() > naive.recall() && book.twice < naive.twice, "{book:?} {naive:?}");
}

/// A bank that always says what settles what is always believed.
#[test]
fn a_banks_own_word_is_never_doubted() {
    let mix = Mix { references: [1, 0, 0, 0], unannounced: 0, disorder: 0, other_id: 0, ..HOSTILE };
    let figures = measure(0..3, &mix, 30, Book::default);
    assert_eq!((figures.precision(), figures.recall()), (1.0, 1.0), "{figures:?}");
}
