//! Abuse cases: each number of `docs/abuse-cases.md` has a test that bears it, and what the page names is there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Source};

/// The page that lists them.
const PAGE: &str = "docs/abuse-cases.md";
/// How many there are.
const CASES: u32 = 28;
/// How a test of a case begins: then two digits.
const PREFIX: &str = "abuse_";
/// What stands in the place of tests where there are none yet; it has to be said.
const OPEN: &str = "**open**";

/// A row of the page: its line, and the tests that it names.
struct Row {
    line: usize,
    tests: BTreeSet<String>,
    open: bool,
}

/// Checks the page against the tests.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let tests = tests_of(sources);
    let Some(page) = sources.iter().find(|source| source.path == PAGE) else {
        let message = format!("there are tests of abuse cases, and no `{PAGE}` that says what they are");
        let first = tests.values().next();
        return first.map(|(path, line)| Finding::new(path, *line, message)).into_iter().collect();
    };
    let mut findings = Vec::new();
    let mut rows: BTreeMap<u32, Row> = BTreeMap::new();
    for (index, text) in page.text.lines().enumerate() {
        let Some((number, row)) = row_of(index + 1, text) else { continue };
        if rows.insert(number, row).is_some() {
            findings.push(Finding::new(PAGE, index + 1, format!("case {number} is there twice")));
        }
    }
    for number in 1..=CASES {
        let Some(row) = rows.get(&number) else {
            findings.push(Finding::new(PAGE, 1, format!("case {number} is missing: add its row")));
            continue;
        };
        let prefix = format!("{PREFIX}{number:02}_");
        let own: BTreeSet<&String> = tests.keys().filter(|name| name.starts_with(&prefix)).collect();
        match (own.is_empty(), row.open) {
            (true, false) => findings.push(Finding::new(
                PAGE,
                row.line,
                format!("no test is named `{prefix}…`: write one, or say {OPEN} and why"),
            )),
            (false, true) => {
                findings.push(Finding::new(
                    PAGE,
                    row.line,
                    format!("case {number} has tests and is said to be open"),
                ));
            }
            _ => {}
        }
        for name in row.tests.iter().filter(|name| !tests.contains_key(*name)) {
            findings.push(Finding::new(PAGE, row.line, format!("there is no test `{name}`")));
        }
        for name in row.tests.iter().filter(|name| name.starts_with(PREFIX) && !name.starts_with(&prefix)) {
            findings.push(Finding::new(
                PAGE,
                row.line,
                format!("`{name}` bears another number than {number}"),
            ));
        }
        for name in own.into_iter().filter(|name| !row.tests.contains(*name)) {
            if let Some((path, line)) = tests.get(name) {
                findings.push(Finding::new(path, *line, format!("`{name}` is not in its row of `{PAGE}`")));
            }
        }
    }
    for (name, (path, line)) in &tests {
        let number = name.get(PREFIX.len()..PREFIX.len() + 2).and_then(|digits| digits.parse::<u32>().ok());
        if !number.is_some_and(|n| (1..=CASES).contains(&n)) {
            findings.push(Finding::new(path, *line, format!("`{name}` has no number from 01 to {CASES}")));
        }
    }
    findings
}

/// Every function that begins with the prefix, with its place.
fn tests_of(sources: &[Source]) -> BTreeMap<String, (String, usize)> {
    let mut tests = BTreeMap::new();
    let crates = sources.iter().filter(|s| s.path.starts_with("crates/") && s.path.ends_with(".rs"));
    for source in crates {
        for (index, line) in source.text.lines().enumerate() {
            let line = line.trim_start();
            let after = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
            let name = after.and_then(|rest| rest.split('(').next()).filter(|name| name.starts_with(PREFIX));
            if let Some(name) = name {
                tests.insert(name.to_owned(), (source.path.clone(), index + 1));
            }
        }
    }
    tests
}

/// The row of a case: `| 7 | abuse | control | tests | what stays |`.
fn row_of(line: usize, text: &str) -> Option<(u32, Row)> {
    let cells: Vec<&str> = text.trim().strip_prefix('|')?.split('|').map(str::trim).collect();
    let number = cells.first()?.parse().ok()?;
    let cell = cells.get(3)?;
    let tests = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some((number, Row { line, tests, open: cell.contains(OPEN) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn page(special: &[(u32, &str)]) -> Source {
        let rows: String = (1..=CASES)
            .map(|n| {
                let tests =
                    special.iter().find(|(number, _)| *number == n).map_or("**open**: later", |(_, t)| t);
                format!("| {n} | what | how | {tests} | rest |\n")
            })
            .collect();
        source(
            PAGE,
            &format!(
                "# Abuse cases\n\n| # | abuse | control | tests | stays |\n|---|---|---|---|---|\n{rows}"
            ),
        )
    }

    /// Goal: page and tests agree, in both directions, and a case without a test is found.
    #[test]
    fn page_and_tests_agree() {
        let code = source(
            "crates/x/tests/it/abuse.rs",
            "#[test]\nfn abuse_01_first() {}\n#[tokio::test]\nasync fn abuse_02_second() {}\n",
        );
        let found = |page: Source| -> Vec<String> {
            check(&[page, source(&code.path, &code.text)]).iter().map(ToString::to_string).collect()
        };
        assert!(found(page(&[(1, "`abuse_01_first`"), (2, "`abuse_02_second`")])).is_empty());
        assert_eq!(
            found(page(&[(1, "`abuse_01_first`"), (2, "nothing"), (3, "none")])),
            [
                "crates/x/tests/it/abuse.rs:4: `abuse_02_second` is not in its row of `docs/abuse-cases.md`",
                "docs/abuse-cases.md:7: no test is named `abuse_03_…`: write one, or say **open** and why",
            ]
        );
        assert_eq!(
            found(page(&[(1, "`abuse_01_first`, `abuse_01_gone`"), (2, "`abuse_02_second` **open**")])),
            [
                "docs/abuse-cases.md:5: there is no test `abuse_01_gone`",
                "docs/abuse-cases.md:6: case 2 has tests and is said to be open",
            ]
        );
    }

    /// Goal: a number that is none is found, and a page that is not there.
    #[test]
    fn numbers_and_the_page_are_asked_for() {
        let code = source("crates/x/src/lib.rs", "fn abuse_29_more() {}\n");
        let found: Vec<String> =
            check(&[page(&[]), source(&code.path, &code.text)]).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["crates/x/src/lib.rs:1: `abuse_29_more` has no number from 01 to 28"]);
        assert_eq!(check(&[code]).len(), 1);
        assert!(check(&[]).is_empty());
    }
}
