//! The disclosure log inside the commit.

use crate::world::*;
use amana_core::*;
use amana_gate::*;
use amana_store::*;

/// Far more than a test writes.
const LONG: u64 = 1 << 20;
const DAY_S: u64 = 86_400;

fn view(customer: u8) -> Command {
    Command::Record {
        shard: Shard(u16::from(customer)),
        customer: customer_id(customer),
        receipt: draft(ReceiptKind::View),
    }
}

fn reserve(second: i64, segment_entries: u64) -> Command {
    Command::ReserveIndex { now: at(second), segment_entries, segment_seconds: DAY_S }
}

fn fill(log_index: u64) -> Command {
    Command::FillIndex { log_index, entry: vec![1; 65] }
}

async fn head(w: &World) -> LogHead {
    w.store.log_head().await.expect("answers")
}

async fn entries(w: &World, from: u64) -> Vec<Vec<u8>> {
    w.store.log_entries(from, 100).await.expect("answers")
}

/// `(segment, n)` as a receipt says it.
pub(crate) fn place(receipt: &StoredReceipt) -> (u64, u64) {
    let json: serde_json::Value = serde_json::from_slice(&receipt.bytes).expect("JSON");
    (json["segment"].as_u64().expect("a segment"), json["n"].as_u64().expect("a number"))
}

/// Who can write the database and has no key begins no history anew: nothing is recorded for that customer any more,
/// and others go on.
pub(crate) async fn a_history_that_was_changed_in_the_database_is_not_led_on(w: &World) {
    let zeros = w.place.bytes(&[0; 32]);
    let row = |set: &str| format!("UPDATE customer SET {set} WHERE id = ID");
    let from = |table: &str, id: &str| {
        let names = ["receipt_seq", "receipt_hash", "log_segment", "log_n", "receipt_mac"];
        let set = names.map(|name| format!("{name} = (SELECT f.{name} FROM {table} f WHERE f.id = {id})"));
        row(&set.join(", "))
    };
    let anew = row(&format!("receipt_seq = 0, receipt_hash = {zeros}, log_segment = 0, log_n = 0"));
    let remove = |more: &str| format!("DELETE FROM receipt WHERE customer = ID{more}");
    let attacks = [
        ("begun anew", format!("{}; {anew}", remove(""))),
        ("begun anew, the receipts left", anew),
        ("the beginning put back, the receipts left", from("kept", "ID")),
        ("the last receipt removed", remove(" AND seq = 3")),
        ("all receipts removed", remove("")),
        (
            "another receipt as the last",
            format!("{}; UPDATE receipt SET seq = 3 WHERE customer = ID AND seq = 2", remove(" AND seq = 3")),
        ),
        ("one back", row("receipt_seq = 2, log_n = 2")),
        ("another hash", row(&format!("receipt_hash = {zeros}"))),
        ("another number in the segment", row("log_n = 0")),
        ("another segment", row("log_segment = 7")),
        ("no MAC", row(&format!("receipt_mac = {zeros}"))),
        ("another customer's", from("customer", &w.place.bytes(&[1; 16]))),
        (
            "erased, and made to look as before",
            row("erased_at = 1, receipt_mac = (SELECT f.receipt_mac FROM kept f)"),
        ),
    ];
    w.customer(1).await;
    w.one(view(1)).await;
    for (n, (what, sql)) in (10_u8..).zip(attacks) {
        let id = w.place.bytes(&[n; 16]);
        w.customer(n).await;
        w.place.sql(&format!("CREATE TABLE kept AS SELECT * FROM customer WHERE id = {id}")).await;
        for _ in 0..3 {
            w.one(view(n)).await;
        }
        w.place.sql(&sql.replace("ID", &id)).await;
        let size = head(w).await.size;
        let refused = w.store.submit(vec![view(n)]).await;
        assert!(refused.is_err(), "{what}: {refused:?}");
        assert_eq!(head(w).await.size, size, "{what}: nothing came into the log");
        w.one(view(1)).await;
        w.place.sql("DROP TABLE kept").await;
    }
}

pub(crate) async fn the_place_of_an_index_entry_is_reserved_once(w: &World) {
    assert_eq!(head(w).await, LogHead { size: 0, segment: 0, first: 0, reserved: None });
    // An empty log begins with the index of nothing.
    assert_eq!(w.one(reserve(0, LONG)).await, Outcome::Changed);
    let open = ReservedIndex { log_index: 0, segment: 0, first: 0, is_final: false };
    assert_eq!(head(w).await, LogHead { size: 1, segment: 0, first: 0, reserved: Some(open) });
    assert_eq!(w.one(reserve(0, LONG)).await, Outcome::Unchanged, "one at a time");

    // Writing goes on behind it; readers see nothing past it until it is filled.
    w.customer(1).await;
    w.one(view(1)).await;
    assert!(entries(w, 0).await.is_empty());
    assert_eq!(w.one(fill(0)).await, Outcome::Changed);
    assert_eq!(w.refused(vec![fill(0)]).await, (0, "index entry"), "never written over");
    assert_eq!(w.refused(vec![fill(1)]).await, (0, "index entry"), "a receipt's entry is not written over");
    assert_eq!(entries(w, 0).await.len(), 2);
    assert_eq!(entries(w, 1).await.len(), 1);

    assert_eq!(w.one(reserve(0, LONG)).await, Outcome::Changed);
    w.one(fill(2)).await;
    assert_eq!(w.one(reserve(0, LONG)).await, Outcome::Unchanged, "nothing came since");
    assert_eq!(head(w).await, LogHead { size: 3, segment: 0, first: 0, reserved: None });
}

pub(crate) async fn a_segment_ends_when_it_is_long_or_old(w: &World) {
    w.customer(1).await;
    w.customer(2).await;
    for customer in [1, 2, 1] {
        w.one(view(customer)).await;
    }
    assert_eq!(w.one(reserve(0, 4)).await, Outcome::Changed);
    assert!(!head(w).await.reserved.expect("reserved").is_final, "three entries are not four");
    w.one(fill(3)).await;
    w.one(view(1)).await;
    assert_eq!(w.one(reserve(0, 4)).await, Outcome::Changed);
    let last = ReservedIndex { log_index: 5, segment: 0, first: 0, is_final: true };
    assert_eq!(head(w).await, LogHead { size: 6, segment: 1, first: 6, reserved: Some(last) });
    w.one(view(1)).await;
    w.one(fill(5)).await;

    // A day after the first entry of the segment it ends by its age.
    w.one(view(2)).await;
    let next_day = draft(ReceiptKind::View).decided_at.as_second() - at(0).as_second() + 86_400;
    assert_eq!(w.one(reserve(next_day - 1, LONG)).await, Outcome::Changed);
    assert!(!head(w).await.reserved.expect("reserved").is_final);
    w.one(fill(8)).await;
    w.one(view(2)).await;
    assert_eq!(w.one(reserve(next_day, LONG)).await, Outcome::Changed);
    w.one(fill(10)).await;
    let ended = w.store.log_segments(0).await.expect("answers");
    let expected =
        [LogSegment { segment: 0, first: 0, last: 5 }, LogSegment { segment: 1, first: 6, last: 10 }];
    assert_eq!(ended, expected);
    assert_eq!(w.store.log_segments(1).await.expect("answers"), expected[1..]);

    // Numbers within a segment begin anew; `chain` holds each receipt against its entry.
    let places: Vec<_> = w.chain(1).await.iter().map(place).collect();
    assert_eq!(places, [(0, 1), (0, 2), (0, 3), (1, 1)]);
    let places: Vec<_> = w.chain(2).await.iter().map(place).collect();
    assert_eq!(places, [(0, 1), (1, 1), (1, 2)]);
}

pub(crate) async fn what_is_refused_leaves_no_gap_in_the_log(w: &World) {
    w.customer(1).await;
    w.one(view(1)).await;
    for _ in 0..3 {
        let (index, _) = w.refused(vec![view(1), fill(9)]).await;
        assert_eq!(index, 1);
        w.refused(vec![view(7)]).await;
    }
    w.one(view(1)).await;
    assert_eq!(head(w).await.size, 2);
    assert_eq!(entries(w, 0).await.len(), 2);
    w.chain(1).await;
}

pub(crate) async fn a_rule_change_is_an_entry_and_its_document_is_kept(w: &World) {
    w.one(agreed(AgreementAct::Accepted, agreement(1))).await;
    let [entry] = entries(w, 0).await.try_into().expect("one entry");
    assert_eq!((entry[0], entry.len()), (2, 33));
    let hash: [u8; 32] = entry[1..].try_into().expect("a hash");
    let document = w.store.log_rule(&hash).await.expect("answers").expect("kept");
    assert_eq!(ids::sha256(&[document.as_bytes()]), hash);
    assert_eq!(w.store.log_rule(&[0; 32]).await.expect("answers"), None);
}

pub(crate) async fn the_newest_checkpoint_stays(w: &World) {
    assert_eq!(w.store.log_checkpoint().await.expect("answers"), None);
    let put = |size, note: &str| Command::PutCheckpoint { size, note: note.into() };
    assert_eq!(w.one(put(5, "five")).await, Outcome::Changed);
    assert_eq!(w.one(put(4, "four")).await, Outcome::Unchanged);
    assert_eq!(w.one(put(5, "other")).await, Outcome::Unchanged);
    assert_eq!(w.one(put(9, "nine")).await, Outcome::Changed);
    assert_eq!(w.store.log_checkpoint().await.expect("answers"), Some((9, "nine".into())));
}
