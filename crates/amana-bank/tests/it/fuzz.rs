//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

use crate::events::{balance, purchase};

#[test]
fn fuzz_events() {
    let (one, other) = (purchase(), balance());
    let batch = serde_json::json!([one, other]);
    let data = one["data"].clone();
    harness::run(&[one, other, batch, data].map(|value| value.to_string().into_bytes()), checks::events);
}
