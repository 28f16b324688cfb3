//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
pub(crate) mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

fn vectors() -> Vec<serde_json::Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../verifiers/vectors");
    let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    files.iter().filter(|path| path.extension().is_some_and(|end| end == "json")).map(read).collect()
}

#[test]
fn fuzz_bundle() {
    let text = |vector: &serde_json::Value| match vector.get("bundle") {
        Some(serde_json::Value::String(text)) => Some(text.clone().into_bytes()),
        Some(bundle) => Some(bundle.to_string().into_bytes()),
        None => None,
    };
    let seeds: Vec<_> = vectors().iter().filter_map(text).collect();
    harness::run(&seeds, |bytes| checks::bundle(&String::from_utf8_lossy(bytes)));
}

#[test]
fn fuzz_texts() {
    // Checkpoints, keys and policies stand in the vectors as texts, however deep.
    let mut seeds = vec![
        b"old 1\n\ncedar.example/log\n2\nAAAA\n\n\xe2\x80\x94 x AAAA\n".to_vec(),
        vec![0, 4, 1, 2, 3, 4],
    ];
    for vector in vectors() {
        let mut open = vec![&vector];
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::String(text) if text.len() > 20 => seeds.push(text.clone().into_bytes()),
                serde_json::Value::Array(items) => open.extend(items),
                serde_json::Value::Object(members) => open.extend(members.values()),
                _ => {}
            }
        }
    }
    seeds.sort();
    seeds.dedup();
    harness::run(&seeds, checks::texts);
}
