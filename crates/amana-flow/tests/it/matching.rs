//! A posting under another id, without a reference: known again, and taken back when it was wrong.

use crate::support::*;
use amana_core::*;

use BankEventKind::{TransactionAuthorised as A, TransactionPosted as P};

#[tokio::test]
async fn a_posting_that_refers_to_nothing_is_the_same_story() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    rig.pushes(rig.transaction(A, "t1", None, 450)).await;
    assert_eq!(rig.sees("1").len(), 1);
    // The book is read from the store, after a restart too.
    rig.restart().await;
    rig.pushes(rig.transaction(P, "p1", None, 450)).await;
    assert!(rig.sees("1").is_empty(), "the same amount at the same shop");
    rig.pushes(rig.transaction(A, "t2", None, 2_000)).await;
    rig.sees("1");
    rig.pushes(rig.transaction(P, "p2", None, 2_400)).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("24.00") && said[0].contains("changed"), "{said:?}");
    rig.pushes(rig.transaction(P, "p3", None, 450)).await;
    assert_eq!(rig.sees("1").len(), 1, "a second purchase is a second message");
}

#[tokio::test]
async fn a_wrong_match_is_taken_back_and_what_was_silent_is_told() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.pushes(rig.transaction(A, "t1", None, 450)).await;
    rig.pushes(rig.transaction(P, "p1", None, 450)).await;
    assert_eq!(rig.sees("1").len(), 1);
    rig.pushes(rig.transaction(P, "p2", Some("t1"), 450)).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("4.50"), "p1 was a purchase of its own: {said:?}");
    for again in ["p1", "p2"] {
        rig.pushes(rig.transaction(P, again, None, 450)).await;
        assert!(rig.sees("1").is_empty(), "{again} is known");
    }
}

/// The same for a customer who is away: both wait, and come together.
#[tokio::test]
async fn what_is_taken_back_while_the_customer_is_away_waits() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(25 * 3_600);
    rig.pushes(rig.transaction(A, "t1", None, 450)).await;
    rig.pushes(rig.transaction(P, "p1", None, 450)).await;
    rig.pushes(rig.transaction(P, "p2", Some("t1"), 450)).await;
    assert!(rig.sees("1").is_empty());
    rig.says("1", "hello").await;
    rig.gateway.settle().await.expect("settled");
    let said = rig.sees("1").join("\n");
    assert_eq!(said.matches("4.50").count(), 2, "two purchases: {said}");
}

/// What the book holds is under the customer's key, and goes with the customer.
#[tokio::test]
async fn the_book_is_sealed() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.pushes(rig.transaction(A, "t-secret", None, 987_654)).await;
    assert_eq!(rig.sees("1").len(), 1);
    let mut files = 0;
    for file in std::fs::read_dir(rig.folder.path()).expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("reads");
        files += 1;
        for word in ["Blue Bottle", "t-secret", "987654"] {
            assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()), "{word} is in the clear");
        }
    }
    assert!(files > 1, "the database is a file of this folder");
}
