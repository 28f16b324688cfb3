//! What the crates that see bank data are linked with, down to the last dependency: nothing that speaks to a network, a
//! disk or a log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Finding;

/// The crates that see bank data in the clear, with all that is below them.
const CLOSED: [&str; 4] = ["amana-core", "amana-pure", "amana-render", "amana-gate"];

/// What speaks, keeps or writes down. (`getrandom` and `libc` come with the cryptography.)
const SPEAKS: [&str; 27] = [
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "h2",
    "rustls",
    "native-tls",
    "openssl",
    "curl",
    "ureq",
    "async-std",
    "smol",
    "axum",
    "tonic",
    "rusqlite",
    "tokio-postgres",
    "nix",
    "rustix",
    "libloading",
    "tempfile",
    "memmap2",
    "log",
    "tracing",
    "tracing-core",
    "metrics",
    "env_logger",
];

/// Crates that never meet, whatever the way: what speaks to banks must not reach what sends to platforms.
const APART: [(&str, &str); 2] = [("amana-bank", "amana-channel"), ("amana-channel", "amana-bank")];

/// Who is linked with whom, by name, over normal and build dependencies.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Checks what `cargo tree` says of the whole graph, with the features that the program is built with.
/// (`cargo metadata` also names optional dependencies that nobody asked for.)
///
/// # Errors
/// When `cargo tree` cannot be run.
pub(crate) fn check(root: &Path, cargo: &Path) -> Result<Vec<Finding>> {
    let out = Command::new(cargo)
        .args(["tree", "--offline", "--workspace", "--edges", "normal,build"])
        .args(["--prefix", "depth", "--format", " {p}"])
        .current_dir(root)
        .output()
        .context("cannot run `cargo tree`")?;
    if !out.status.success() {
        bail!("`cargo tree` failed: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(findings(&graph(&String::from_utf8_lossy(&out.stdout))))
}

fn findings(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |of: &str, message: String| {
        findings.push(Finding::new(&format!("crates/{of}/Cargo.toml"), 1, message));
    };
    for closed in CLOSED {
        if !graph.contains_key(closed) {
            find(closed, format!("`{closed}` is not in the graph: its rules would hold for nothing"));
        }
        for speaks in SPEAKS {
            if let Some(way) = way(graph, closed, speaks) {
                find(closed, format!("`{closed}` sees bank data and is linked with `{speaks}` ({way})"));
            }
        }
    }
    // Kafka over TLS has it, for those who build it with that feature.
    if let Some(way) = way(graph, "amana", "openssl-sys") {
        find("amana", format!("the program is linked with OpenSSL ({way}): TLS is rustls"));
    }
    for (from, to) in APART {
        if let Some(way) = way(graph, from, to) {
            find(from, format!("`{from}` reaches `{to}` ({way}): the two never meet"));
        }
    }
    findings
}

/// Reads lines of a depth and a package, such as `2 serde v1.0.229`. What a package knows is below it where it comes
/// first, and left out afterwards. Two versions of a crate are one here: the union of what they know.
fn graph(tree: &str) -> Graph {
    let mut graph = Graph::new();
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        let (Some(Ok(depth)), Some(name)) = (words.next().map(str::parse::<usize>), words.next()) else {
            continue;
        };
        above.truncate(depth);
        if let Some(parent) = above.last() {
            graph.entry(parent.clone()).or_default().insert(name.to_owned());
        }
        graph.entry(name.to_owned()).or_default();
        above.push(name.to_owned());
    }
    graph
}

/// The shortest way along the graph, as `a → b → c`.
fn way(graph: &Graph, from: &str, to: &str) -> Option<String> {
    let mut came: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([from]);
    while let Some(at) = open.pop_front() {
        if at == to && at != from {
            let mut way = vec![at];
            while let Some(before) = came.get(way.last()?) {
                way.push(before);
            }
            way.reverse();
            return Some(way.join(" → "));
        }
        for next in graph.get(at).into_iter().flatten() {
            if next != from && !came.contains_key(next.as_str()) {
                came.insert(next, at);
                open.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(edges: &[(&str, &str)]) -> Graph {
        let mut graph: Graph = CLOSED.iter().map(|name| ((*name).to_owned(), BTreeSet::new())).collect();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    /// Goal: a network or a log below the gate is found however deep it is, and named with the way to it.
    #[test]
    fn what_speaks_is_found() {
        assert!(findings(&with(&[("amana-gate", "amana-render"), ("amana-bank", "tokio")])).is_empty());
        let deep = with(&[("amana-gate", "amana-render"), ("amana-render", "some"), ("some", "log")]);
        let found: Vec<String> = findings(&deep).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().any(|f| f.contains("amana-gate → amana-render → some → log")), "{found:?}");
        assert_eq!(findings(&Graph::new()).len(), CLOSED.len(), "an empty graph proves nothing");
    }

    /// Goal: bank and channel do not meet through a crate of somebody else's either.
    #[test]
    fn bank_and_channel_stay_apart() {
        let met = with(&[("amana-bank", "other"), ("other", "amana-channel")]);
        let found: Vec<String> = findings(&met).iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|f| f.contains("amana-bank → other → amana-channel")), "{found:?}");
    }

    /// Goal: depths become arrows; what was shown before, and a second version, add to what is known.
    #[test]
    fn reads_cargo_tree() {
        let tree = "0 a v0.1.0 (/r/a)\n1 b v1.0.0\n2 c v1.0.0\n1 d v2.0.0\n\n0 e v0.1.0 (/r/e)\n1 b v1.0.0 (*)\n\
                    1 d v1.0.0\n2 f v1.0.0 (proc-macro)\n";
        let graph = graph(tree);
        assert_eq!(graph["a"].iter().collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(way(&graph, "e", "c").as_deref(), Some("e → b → c"));
        assert_eq!(way(&graph, "a", "f").as_deref(), Some("a → d → f"));
        assert_eq!(way(&graph, "c", "a"), None);
    }
}
