//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

#[test]
fn fuzz_parse() {
    let mut seeds = Vec::new();
    for folder in ["good", "broken"] {
        let path = format!("{}/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let inputs = files.iter().filter(|path| path.extension().is_some_and(|end| end != "expected"));
        // A large one is for the tests of bounds: here it would cost the time of a hundred.
        seeds.extend(inputs.map(|path| std::fs::read(path).unwrap()).filter(|bytes| bytes.len() < 16 * 1024));
    }
    harness::run(&seeds, checks::parse);
}
