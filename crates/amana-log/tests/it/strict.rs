//! The vectors of JSON that parsers read differently.

use amana_log::bundle::Bundle;

use crate::vectors::{Vector, edit_base64, vector};
use crate::world::World;

fn bundle() -> Bundle {
    let mut world = World::new(2);
    for customer in [0, 1, 0] {
        world.disclose(customer);
    }
    world.checkpoint();
    world.bundle(0, None)
}

/// A receipt's text changed; everything else would have to be made to fit, and is not looked at any more.
fn receipt(name: &'static str, about: &'static str, from: &'static str, to: &'static str) -> Vector {
    vector(name, "format", about, &bundle()).with(|bundle| {
        edit_base64(&mut bundle["receipts"][1]["receipt"], |bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains(from), "{name}");
            *bytes = text.replacen(from, to, 1).into_bytes();
        });
    })
}

pub(crate) fn vectors() -> Vec<Vector> {
    let text = |name, expect, about, from: &'static str, to: &str| {
        vector(name, expect, about, &bundle()).with_text(|text| text.replacen(from, to, 1))
    };
    let deep = |levels: usize| format!("{{\"extra\":{}{},", "[".repeat(levels), "]".repeat(levels));
    // Whatever the order of its members, this is somewhere in the bundle.
    vec![
        text("json-member-twice", "format", "`v` stands twice, with one value.", "{", "{\"v\":1,"),
        text(
            "json-unknown-member-twice",
            "format",
            "A member that nobody reads stands twice.",
            "{",
            "{\"x\":1,\"x\":2,",
        ),
        text(
            "json-member-twice-escaped",
            "format",
            "It stands twice, once with an escape.",
            "{",
            "{\"\\u0076\":1,",
        ),
        text("json-depth", "ok", "Sixteen levels.", "{", &deep(15)),
        text("json-too-deep", "format", "Seventeen levels.", "{", &deep(16)),
        text("json-whole-with-point", "format", "A whole number with a point.", "\"v\":1", "\"v\":1.0"),
        text(
            "json-whole-with-exponent",
            "format",
            "A whole number with an exponent.",
            "\"v\":1",
            "\"v\":1e0",
        ),
        text(
            "json-negative-unknown",
            "format",
            "A negative number where nobody reads it.",
            "{",
            "{\"x\":-1,",
        ),
        text(
            "json-huge-unknown",
            "format",
            "A number that no double holds, where nobody reads it.",
            "{",
            "{\"x\":1e999,",
        ),
        text(
            "json-lone-surrogate",
            "format",
            "A string that is no Unicode, where nobody reads it.",
            "{",
            "{\"x\":\"\\ud800\",",
        ),
        text("json-escaped", "ok", "Escapes are read.", "{", "{\"\\u00e9\":\"\\ud83e\\uddfe\\n\","),
        text("json-after-the-end", "format", "Something follows the bundle.", "{", "{}{"),
        receipt(
            "receipt-member-twice",
            "A receipt's `kind` stands twice.",
            "\"kind\":",
            "\"kind\":\"view\",\"kind\":",
        ),
        receipt(
            "receipt-member-twice-escaped",
            "The same, once with an escape.",
            "\"kind\":",
            "\"\\u006bind\":\"view\",\"kind\":",
        ),
        receipt("receipt-fraction", "A receipt's number with a point.", "\"seq\":2", "\"seq\":2.0"),
        receipt(
            "receipt-too-deep",
            "A receipt of seventeen levels.",
            "{\"",
            "{\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],\"",
        ),
        vector("segment-is-a-list", "format", "A segment's members without their names.", &bundle()).with(
            |bundle| {
                let index = bundle["segments"][0]["index"].clone();
                bundle["segments"][0]["index"] =
                    serde_json::json!([index["log_index"], index["entry"], index["proof"]]);
            },
        ),
        vector("receipt-is-a-list", "format", "A receipt's members without their names.", &bundle()).with(
            |bundle| {
                let receipt = bundle["receipts"][0].clone();
                bundle["receipts"][0] =
                    serde_json::json!([receipt["log_index"], receipt["receipt"], receipt["proof"]]);
            },
        ),
    ]
}
