//! Dead files: a Rust file that no module names is compiled by nobody and tested by nobody.

use std::collections::BTreeMap;

use super::{Finding, Source};

/// Reports every file under a crate's `src/` or `tests/it/` that its parent module does not declare.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let texts: BTreeMap<&str, &str> =
        sources.iter().map(|source| (source.path.as_str(), source.text.as_str())).collect();
    let mut findings = Vec::new();
    for path in texts.keys().filter(|path| path.ends_with(".rs")) {
        let Some((name, parents)) = parents_of(path) else { continue };
        let known: Vec<&str> =
            parents.iter().filter_map(|parent| texts.get(parent.as_str()).copied()).collect();
        if !known.iter().any(|text| declares(text, &name)) {
            findings.push(Finding::new(
                path,
                1,
                format!("no module declares `mod {name};`: declare it or delete it"),
            ));
        }
    }
    findings
}

/// The module's name and the files that may declare it; `None` for roots and for files that are not modules.
fn parents_of(path: &str) -> Option<(String, Vec<String>)> {
    let (base, rest) = ["/src/", "/tests/it/"].iter().find_map(|marker| {
        let at = path.find(marker)?;
        Some((path.get(..at + marker.len())?, path.get(at + marker.len()..)?))
    })?;
    let stem = rest.strip_suffix(".rs")?;
    if matches!(stem, "lib" | "main") || stem.starts_with("bin/") {
        return None;
    }
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    Some(match stem.rsplit_once('/') {
        None => (stem.to_owned(), vec![format!("{base}lib.rs"), format!("{base}main.rs")]),
        Some((folder, name)) => {
            (name.to_owned(), vec![format!("{base}{folder}.rs"), format!("{base}{folder}/mod.rs")])
        }
    })
}

/// Whether `text` declares the module `name`, or names its file in a `#[path]` attribute.
fn declares(text: &str, name: &str) -> bool {
    let declaration = format!("mod {name};");
    let attribute = format!("{name}.rs\"]");
    text.lines().map(str::trim).any(|line| {
        let code = line.split("//").next().unwrap_or(line);
        code.contains("#[path") && code.contains(&attribute)
            || code.find(&declaration).is_some_and(|at| {
                code.get(..at).is_some_and(|head| head.is_empty() || head.ends_with([' ', ']']))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// Goal: a file is alive when its parent names it, whichever way the parent is laid out.
    #[test]
    fn dead_files() {
        let sources = [
            source("crates/x/src/lib.rs", "//! X.\nmod a;\npub(crate) mod b;\n// mod dead;\n"),
            source("crates/x/src/a.rs", "mod inner;\n"),
            source("crates/x/src/a/inner.rs", ""),
            source("crates/x/src/b/mod.rs", "#[cfg(test)] mod deep;\n"),
            source("crates/x/src/b/deep.rs", ""),
            source("crates/x/src/dead.rs", ""),
            source("crates/x/src/bin/tool.rs", ""),
            source("crates/x/tests/it/main.rs", "mod one;\n"),
            source("crates/x/tests/it/one.rs", ""),
            source("crates/x/tests/it/two.rs", ""),
            source("crates/x/tests/ui/leak.rs", ""),
        ];
        let found: Vec<String> = check(&sources).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/x/src/dead.rs:1: no module declares `mod dead;`: declare it or delete it",
                "crates/x/tests/it/two.rs:1: no module declares `mod two;`: declare it or delete it",
            ]
        );
    }
}
