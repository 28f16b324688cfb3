//! What a page says shows its claims must be there: tests by their names, files by their paths.

use super::{Finding, Source};
use std::collections::BTreeSet;

/// The pages that map requirements to code and tests.
const PAGES: &[&str] = &["docs/regulation.md", "docs/fapi.md", "docs/proved.md"];

/// A finding for each test that such a page names and no file has, and for each path that is not there.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut functions = BTreeSet::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs")) {
        functions.extend(source.text.split("fn ").skip(1).filter_map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
            rest.get(..end)
        }));
        // What must not compile is a file.
        functions.extend(source.path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")));
    }
    let there = |path: &str| sources.iter().any(|source| source.path.starts_with(path));
    let mut findings = Vec::new();
    for page in sources.iter().filter(|source| PAGES.contains(&source.path.as_str())) {
        for (number, line) in page.text.lines().enumerate() {
            for word in line.split('`').skip(1).step_by(2) {
                let what = if is_test(word) && !functions.contains(word) {
                    "test"
                } else if is_path(word) && !there(word) {
                    "file"
                } else {
                    continue;
                };
                findings.push(Finding::new(&page.path, number + 1, format!("there is no {what} `{word}`")));
            }
        }
    }
    for page in sources.iter().filter(|source| source.path == DUTIES) {
        findings.extend(unshown(&page.path, &page.text));
    }
    findings
}

/// The page whose tables are of duties, all but the first, which says what is law.
const DUTIES: &str = "docs/regulation.md";

/// A finding for each row of duties that shows nothing: no test, file or page, nor that it is not in the program.
fn unshown(path: &str, text: &str) -> Vec<Finding> {
    let (mut tables, mut row, mut findings) = (0, 0, Vec::new());
    for (number, line) in text.lines().enumerate() {
        row = if line.starts_with('|') { row + 1 } else { 0 };
        tables += usize::from(row == 1);
        // The first two lines of a table are its head.
        if row < 3 || tables < 2 {
            continue;
        }
        let shows = line.split('`').skip(1).step_by(2).any(|word| is_test(word) || is_path(word))
            || ["](", "**not in the program**", "**not built**"].iter().any(|word| line.contains(word));
        if !shows {
            let what =
                "a duty names no test, file or page; name one, or say that it is **not in the program**";
            findings.push(Finding::new(path, number + 1, what.to_owned()));
        }
    }
    findings
}

/// A test's name is a sentence: four words or more.
fn is_test(word: &str) -> bool {
    word.matches('_').count() >= 3
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_path(word: &str) -> bool {
    ["crates/", "docs/", "verifiers/", "outside/", "e2e/", "xtask/"].iter().any(|root| word.starts_with(root))
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn what_is_named_is_there() {
        let code = source(
            "crates/a/tests/it/x.rs",
            "#[test]\nfn one_that_is_there() {}\nasync fn an_async_one_too<T>() {}",
        );
        let page = |text: &str| [source("crates/a/tests/it/x.rs", &code.text), source(PAGES[0], text)];
        let good = "`one_that_is_there`, `an_async_one_too`, `Consent::check`, `max_age`, `crates/a/tests/`, `GET /x`";
        assert!(check(&page(good)).is_empty());
        let found = check(&page("a\n`one_that_is_gone` and `crates/b/tests/`"));
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "docs/regulation.md:2: there is no test `one_that_is_gone`",
                "docs/regulation.md:2: there is no file `crates/b/tests/`"
            ]
        );
        // Each duty is shown by something.
        let head = "| law | standing |\n|---|---|\n| a | in force |\n\n| duty | here |\n|---|---|\n";
        let rows = |rows: &str| check(&page(&format!("{head}{rows}"))).len();
        for good in
            ["`one_that_is_there`", "[keys](keys.md)", "**not in the program**: x", "`crates/a/tests/`"]
        {
            assert_eq!(rows(&format!("| a | {good} |")), 0, "{good}");
        }
        assert_eq!(rows("| a | R23 |\n| b | it is so |\n| c | `one_that_is_there` |"), 2);
        // Other pages may speak of what was or will be.
        assert!(check(&[source("docs/testing.md", "`one_that_is_gone`")]).is_empty());
    }
}
