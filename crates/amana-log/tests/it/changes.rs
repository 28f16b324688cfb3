//! The random changes of the vectors on which the verifiers in JavaScript agree (`verifiers/changes.json`): this one
//! says the same of each.

use std::collections::BTreeMap;
use std::path::Path;

use amana_log::bundle::{Saved, Trust, verify};
use amana_log::policy::Policy;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Trusted {
    vkey: Option<String>,
    policy: Option<String>,
    since: Option<Saved>,
    after: Option<Saved>,
}

/// A vector's bundle as it stands in its file, and what its verifier trusts.
fn read(folder: &Path, name: &str) -> (String, Trust) {
    let file = std::fs::read_to_string(folder.join(format!("vectors/{name}.json"))).unwrap();
    let text = file.split_once("\n\"bundle\": ").unwrap().1.strip_suffix("\n}\n").unwrap();
    // A bundle that is no JSON of a writer's stands there as a text.
    let text = if text.starts_with('"') { serde_json::from_str(text).unwrap() } else { text.to_owned() };
    let trust = serde_json::from_str::<Value>(&file).unwrap()["trust"].take();
    let trust: Trusted = serde_json::from_value(trust).unwrap();
    let policy = trust.policy.map(|policy| Policy::parse(&policy).unwrap());
    (text, Trust { vkey: trust.vkey, policy, since: trust.since, after: trust.after })
}

#[test]
fn all_three_verifiers_say_the_same_of_every_change() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verifiers");
    let changes = std::fs::read_to_string(folder.join("changes.json")).unwrap();
    let changes: Vec<(String, usize, usize, String, String)> = serde_json::from_str(&changes).unwrap();
    let mut vectors = BTreeMap::new();
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (number, (name, at, drop, insert, expect)) in changes.iter().enumerate() {
        let (text, trust) = vectors.entry(name).or_insert_with(|| read(&folder, name));
        let changed = format!("{}{insert}{}", &text[..*at], &text[at + drop..]);
        let found = match verify(&changed, trust) {
            Ok(_) => "ok".to_owned(),
            Err(rejected) => rejected.to_string(),
        };
        if found.split(':').next() != Some(expect) {
            wrong.push(format!("{number}: {name}, {at} - {drop} + `{insert}`: {expect}, found {found}"));
        }
        *tally.entry(expect.clone()).or_insert(0) += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for rule in [
        "ok",
        "format",
        "signature",
        "consistency",
        "memory",
        "index",
        "freshness",
        "chain",
        "inclusion",
        "absence",
    ] {
        assert!(tally.contains_key(rule), "no change is answered with `{rule}`: {tally:?}");
    }
}
