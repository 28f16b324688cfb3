//! The metrics that exist are those that the operator's guide explains and the dashboard shows, no more and no fewer.

use std::collections::BTreeSet;
use std::path::Path;

/// Every `amana_…` name in a text that is followed by one of `ends`.
fn names(text: &str) -> BTreeSet<String> {
    text.match_indices("amana_")
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        .map(|(at, _)| {
            let name = text[at..].split(|c: char| !(c.is_ascii_lowercase() || c == '_')).next();
            name.unwrap_or_default().trim_end_matches("_bucket").to_owned()
        })
        .collect()
}

/// The names that the sources give to the recorder: the first text of a macro, and the list of gauges.
fn recorded(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            recorded(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            for (at, _) in text.match_indices("\"amana_") {
                let before = text[..at].trim_end();
                let macros = ["counter!(", "gauge!(", "histogram!("];
                let listed = path.ends_with("telemetry.rs") && before.ends_with('(');
                if listed || macros.iter().any(|name| before.ends_with(name)) {
                    found.extend(names(text[at + 1..].split('"').next().unwrap_or_default()));
                }
            }
        }
    }
}

#[test]
fn guide_and_dashboard_name_every_metric_and_none_besides() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut recorded_names = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("crates")).expect("the crates") {
        recorded(&entry.expect("an entry").path().join("src"), &mut recorded_names);
    }
    assert!(
        recorded_names.len() > 30 && recorded_names.contains("amana_stage_seconds"),
        "{recorded_names:?}"
    );
    let read = |name: &str| std::fs::read_to_string(root.join(name)).expect("a document");
    let dashboard = read("docs/grafana.json");
    let document: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let shown: BTreeSet<String> = document["panels"]
        .as_array()
        .expect("panels")
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"))
        .flat_map(|target| names(target["expr"].as_str().expect("an expression")))
        .collect();
    assert_eq!(shown, recorded_names, "the dashboard (left) and the sources");
    let guide = names(&read("docs/operate.md"));
    let missing: Vec<&String> = recorded_names.difference(&guide).collect();
    assert!(missing.is_empty(), "not in docs/operate.md: {missing:?}");
}
