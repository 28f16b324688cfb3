//! Arrows between crates point only downwards. The table is the house plan: a new arrow is a decision, made here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Finding;

/// Which crate may know which, by normal and build dependencies. Dev-dependencies are free: a test may join anything.
const TABLE: [(&str, &[&str]); 20] = [
    ("amana-core", &[]),
    ("amana-log", &[]),
    ("amana-object", &["amana-core", "amana-log"]),
    ("amana-pure", &["amana-core"]),
    ("amana-render", &["amana-core", "amana-pure"]),
    ("amana-gate", &["amana-core", "amana-pure", "amana-render"]),
    ("amana-policy", &["amana-core", "amana-gate"]),
    ("amana-statement", &[]),
    ("amana-passkey", &[]),
    ("amana-sandbox-bank", &["amana-statement"]),
    ("amana-sandbox-messenger", &[]),
    ("amana-bank", &["amana-core", "amana-gate", "amana-statement"]),
    ("amana-channel", &["amana-core", "amana-render", "amana-gate"]),
    ("amana-store", &["amana-core", "amana-log", "amana-gate"]),
    ("amana-chat", &["amana-core", "amana-pure", "amana-render"]),
    (
        "amana-flow",
        &[
            "amana-core",
            "amana-log",
            "amana-pure",
            "amana-render",
            "amana-gate",
            "amana-store",
            "amana-bank",
            "amana-channel",
            "amana-chat",
            "amana-passkey",
        ],
    ),
    // The web shell calls the pure parsers of connector and channel, and the catalogue, itself: passing them through
    // `flow` would only rename them.
    (
        "amana-web",
        &[
            "amana-core",
            "amana-render",
            "amana-gate",
            "amana-store",
            "amana-bank",
            "amana-channel",
            "amana-chat",
            "amana-flow",
            "amana-passkey",
        ],
    ),
    // As the web shell: another door to the same intake.
    ("amana-kafka", &["amana-core", "amana-gate", "amana-store", "amana-bank", "amana-flow"]),
    (
        "amana",
        &[
            "amana-core",
            "amana-log",
            "amana-object",
            "amana-gate",
            "amana-policy",
            "amana-render",
            "amana-statement",
            "amana-sandbox-bank",
            "amana-sandbox-messenger",
            "amana-bank",
            "amana-channel",
            "amana-store",
            "amana-chat",
            "amana-flow",
            "amana-web",
            "amana-kafka",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that never meet, not even through others: what speaks to banks must not reach what sends to platforms.
const APART: [(&str, &str); 2] = [("amana-bank", "amana-channel"), ("amana-channel", "amana-bank")];

/// A crate of the workspace.
pub(crate) struct Member {
    /// Its name.
    name: String,
    /// Its manifest, from the repository's root, and the manifest's text.
    manifest: String,
    text: String,
    /// The workspace crates in its normal and build dependencies.
    knows: BTreeSet<String>,
}

/// Reads the workspace from `cargo metadata`.
pub(crate) fn read(root: &Path, cargo: &Path) -> Result<Vec<Member>> {
    let out = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .context("cannot run `cargo metadata`")?;
    if !out.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    members(&String::from_utf8_lossy(&out.stdout), root)
}

fn members(metadata: &str, root: &Path) -> Result<Vec<Member>> {
    let metadata: serde_json::Value =
        serde_json::from_str(metadata).context("`cargo metadata` printed what is not JSON")?;
    let packages = metadata.get("packages").and_then(serde_json::Value::as_array).context("no packages")?;
    let word = |value: &serde_json::Value, key: &str| {
        value.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    packages
        .iter()
        .map(|package| {
            let path = word(package, "manifest_path");
            let full = Path::new(&path);
            let manifest = full.strip_prefix(root).unwrap_or(full).to_string_lossy().into_owned();
            let knows = package
                .get("dependencies")
                .and_then(serde_json::Value::as_array)
                .into_iter()
                .flatten()
                // A crate of the workspace is the one that comes from a folder.
                .filter(|dependency| dependency.get("path").is_some_and(serde_json::Value::is_string))
                .filter(|dependency| word(dependency, "kind") != "dev")
                .map(|dependency| word(dependency, "name"))
                .collect();
            let text = std::fs::read_to_string(full).unwrap_or_default();
            Ok(Member { name: word(package, "name"), manifest, text, knows })
        })
        .collect()
}

/// Checks the arrows of `members` against the table.
pub(crate) fn check(members: &[Member]) -> Vec<Finding> {
    let table: BTreeMap<&str, &[&str]> = TABLE.into_iter().collect();
    let mut findings = Vec::new();
    for member in members {
        let Some(allowed) = table.get(member.name.as_str()) else {
            let message = format!(
                "`{}` is not in the table of arrows (xtask/src/tidy/arrows.rs): say there what it may know",
                member.name
            );
            findings.push(Finding::new(&member.manifest, 1, message));
            continue;
        };
        for known in member.knows.iter().filter(|known| !allowed.contains(&known.as_str())) {
            let may = if allowed.is_empty() { "no other crate".to_owned() } else { allowed.join(", ") };
            let message = format!("`{}` must not know `{known}`; it may know: {may}", member.name);
            findings.push(Finding::new(&member.manifest, line_of(&member.text, known), message));
        }
    }
    for (from, to) in APART {
        if let Some(way) = way(members, from, to) {
            let member = members.iter().find(|member| member.name == from);
            let manifest = member.map_or("Cargo.toml", |member| member.manifest.as_str());
            let line = way.get(1).map_or(1, |next| line_of(member.map_or("", |m| m.text.as_str()), next));
            let message = format!("`{from}` reaches `{to}` ({}): the two never meet", way.join(" → "));
            findings.push(Finding::new(manifest, line, message));
        }
    }
    findings
}

/// A way along the arrows from one crate to another, if there is one.
fn way(members: &[Member], from: &str, to: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![from.to_owned()]];
    while let Some(path) = open.pop() {
        let last = path.last()?.clone();
        if last == to {
            return Some(path);
        }
        if !seen.insert(last.clone()) {
            continue;
        }
        for next in members.iter().filter(|member| member.name == last).flat_map(|member| &member.knows) {
            let mut longer = path.clone();
            longer.push(next.clone());
            open.push(longer);
        }
    }
    None
}

fn line_of(manifest: &str, dependency: &str) -> usize {
    manifest
        .lines()
        .position(|line| {
            line.trim_start().strip_prefix(dependency).is_some_and(|tail| tail.starts_with([' ', '.', '=']))
        })
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, knows: &[&str]) -> Member {
        let lines: Vec<String> = knows.iter().map(|known| format!("{known}.workspace = true")).collect();
        Member {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            text: format!("[dependencies]\n{}\n", lines.join("\n")),
            knows: knows.iter().map(|&known| known.to_owned()).collect(),
        }
    }

    fn found(members: &[Member]) -> Vec<String> {
        check(members).iter().map(ToString::to_string).collect()
    }

    /// Goal: an arrow upwards or sideways is found at its line; allowed ones pass.
    #[test]
    fn arrows() {
        assert!(found(&[member("amana-gate", &["amana-core"]), member("amana-core", &[])]).is_empty());
        assert_eq!(
            found(&[member("amana-channel", &["amana-core", "amana-store"])]),
            [
                "crates/amana-channel/Cargo.toml:3: `amana-channel` must not know `amana-store`; it may know: amana-core, amana-render, amana-gate"
            ]
        );
        assert_eq!(found(&[member("amana-new", &[])]).len(), 1);
    }

    /// Goal: bank and channel are apart even where each single arrow would be allowed one day.
    #[test]
    fn bank_and_channel_never_meet() {
        let through = [
            member("amana-bank", &["amana-gate"]),
            member("amana-gate", &["amana-core"]),
            member("amana-core", &["amana-channel"]),
        ];
        let found = found(&through);
        assert!(
            found.iter().any(|finding| finding.contains(
                "`amana-bank` reaches `amana-channel` (amana-bank → amana-gate → amana-core → amana-channel)"
            )),
            "{found:?}"
        );
    }

    /// Goal: the table itself has no way from one of the pair to the other, and no cycle.
    #[test]
    fn the_table_is_a_plan_downwards() {
        let plan: Vec<Member> = TABLE.iter().map(|(name, knows)| member(name, knows)).collect();
        assert!(found(&plan).is_empty());
        for (name, knows) in TABLE {
            for known in knows {
                assert!(way(&plan, known, name).is_none(), "{name} and {known} know each other");
            }
        }
    }

    /// Goal: dev-dependencies are exempt, registry crates are no arrows.
    #[test]
    fn reads_cargo_metadata() {
        let metadata = r#"{"packages":[{"name":"amana-gate","manifest_path":"/r/crates/g/Cargo.toml","dependencies":[
            {"name":"amana-core","kind":null,"path":"/r/crates/c"},
            {"name":"amana-web","kind":"dev","path":"/r/crates/w"},
            {"name":"amana-log","kind":"build","path":"/r/crates/l"},
            {"name":"serde","kind":null,"path":null}]}]}"#;
        let members = members(metadata, Path::new("/r")).expect("reads");
        assert_eq!(members[0].manifest, "crates/g/Cargo.toml");
        assert_eq!(members[0].knows.iter().collect::<Vec<_>>(), ["amana-core", "amana-log"]);
    }
}
