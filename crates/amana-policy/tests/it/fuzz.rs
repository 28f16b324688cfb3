//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

#[test]
fn fuzz_document() {
    let seeds = [
        include_str!("../../policies/default.cedar"),
        include_str!("../../policies/example-notice-only.cedar"),
        include_str!("../../policies/example-quiet-nights.cedar"),
        "permit (principal, action, resource);",
        "forbid (principal == Purpose::\"BankOffer\", action, resource) when { context.sensitivity > 0 };",
    ];
    harness::run(&seeds.map(|text| text.as_bytes().to_vec()), checks::document);
}
