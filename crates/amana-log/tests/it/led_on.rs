//! The vectors of a log that led a customer's chain on past a receipt that it had written.

use amana_log::bundle::Bundle;
use amana_log::tiles::TreeReader;
use serde_json::{Value, json};

use crate::vectors::{Vector, add, list, vector};
use crate::world::{World, base64};

/// A log in which a receipt was written, and the customer's chain led on from the one before it in the next segment, as
/// if it had never been. Segment 2 is open, and idle for the customer. The bundle is made with that receipt, since no
/// other one can be, and it is taken out of it.
fn led_on() -> World {
    let mut world = World::new(2);
    world.receipt(0, "consent");
    world.disclose(0);
    world.checkpoint();
    world.disclose(0);
    let withheld = world.customers[0].receipts.pop().unwrap();
    world.end_segment();
    world.disclose(0);
    world.end_segment();
    world.disclose(1);
    world.checkpoint();
    world.customers[0].receipts.insert(2, withheld);
    world
}

/// Takes a receipt out of a bundle and out of its segment's count.
fn take_out(bundle: &mut Value, receipt: usize, segment: usize) {
    list(bundle, "receipts").remove(receipt);
    add(&mut bundle["segments"][segment]["count"], -1);
}

/// The first segment as it stood in that log before the receipt that is withheld.
fn led_on_before() -> Value {
    let mut world = World::new(2);
    world.receipt(0, "consent");
    world.disclose(0);
    world.checkpoint();
    let bundle: Value = serde_json::from_str(&world.bundle(0, None).to_json().unwrap()).unwrap();
    bundle["segments"][0].clone()
}

/// The same, of which an idle segment holds the receipt that is withheld.
fn led_on_over_a_segment() -> World {
    let mut world = World::new(2);
    world.receipt(0, "consent");
    world.end_segment();
    world.disclose(0);
    let withheld = world.customers[0].receipts.pop().unwrap();
    world.end_segment();
    world.disclose(0);
    world.checkpoint();
    world.customers[0].receipts.insert(1, withheld);
    world
}

/// Refused by the segment that holds the receipt, or because that segment or its end is left out.
pub(crate) fn vectors() -> Vec<Vector> {
    let (led, over) = (led_on(), led_on_over_a_segment());
    let absence = |name, about, bundle: &Bundle| vector(name, "absence", about, bundle);
    vec![
        absence(
            "led-on",
            "A receipt is withheld, and the chain goes on from the one before in the next segment.",
            &led.bundle(0, None),
        )
        .with(|bundle| take_out(bundle, 2, 0)),
        vector(
            "led-on-earlier-index",
            "freshness",
            "The same, and the segment's index is an earlier one, without it.",
            &led.bundle(0, None),
        )
        .with(|bundle| {
            take_out(bundle, 2, 0);
            let mut segment = led_on_before();
            let (early, size) = (led.checkpoints[0].0, led.writer.size());
            let proof = TreeReader::new(&*led.tiles, size).inclusion(early - 1, size).unwrap();
            segment["index"]["proof"] = json!(proof.iter().map(|hash| base64(hash)).collect::<Vec<_>>());
            bundle["segments"][0] = segment;
        }),
        absence(
            "led-on-between",
            "The withheld receipt is in a segment between the others.",
            &over.bundle(0, None),
        )
        .with(|bundle| take_out(bundle, 1, 1)),
        vector(
            "led-on-between-dropped",
            "freshness",
            "The same, and that segment is not listed.",
            &over.bundle(0, None),
        )
        .with(|bundle| {
            take_out(bundle, 1, 1);
            list(bundle, "segments").remove(1);
        }),
    ]
}
