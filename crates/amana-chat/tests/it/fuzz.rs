//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

#[test]
fn fuzz_understand() {
    let seeds = [
        "what is my balance?",
        "what did I spend last month at Blue Bottle over 20 USD",
        "stop everything",
        "كم رصيدي؟",
        "كم أنفقت في ٣ نوفمبر ٢٠٢٦",
        "purchases between 3/11/2026 and yesterday",
    ];
    harness::run(&seeds.map(|text| text.as_bytes().to_vec()), checks::understand);
}
