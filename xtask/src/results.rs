//! Reads what test runners print: cargo's `test result:` lines, and the `ok` / `not ok` lines of our own scripts.

use std::fmt::Write as _;
use std::time::Duration;

use crate::binaries::Binary;
use crate::run::seconds;

/// One row of the closing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    /// `amana-gate tests/it/main.rs`, `browser story`, `format` …
    pub(crate) name: String,
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Tests that failed, and suites that ended without a result.
    pub(crate) failed: usize,
    /// Tests that were not run.
    pub(crate) skipped: usize,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

impl Suite {
    /// A row for a step that either worked or did not.
    pub(crate) fn step(name: &str, success: bool, elapsed: Duration) -> Self {
        Self {
            name: name.to_owned(),
            passed: usize::from(success),
            failed: usize::from(!success),
            skipped: 0,
            elapsed,
        }
    }
}

/// What was run, and what failed by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// The rows of the table.
    pub(crate) suites: Vec<Suite>,
    /// Names of the failed tests, with their suite.
    pub(crate) failures: Vec<String>,
}

impl Results {
    /// One row for a step that failed.
    pub(crate) fn failed_step(name: &str, elapsed: Duration) -> Self {
        let failures = vec![format!("{name}: see above")];
        Self { suites: vec![Suite::step(name, false, elapsed)], failures }
    }

    /// Adds the rows of another command.
    pub(crate) fn add(&mut self, other: Self) {
        self.suites.extend(other.suites);
        self.failures.extend(other.failures);
    }

    /// The sum of the failed column.
    pub(crate) fn failed(&self) -> usize {
        self.suites.iter().map(|suite| suite.failed).sum()
    }

    /// The table, the names of the failed tests, and the line `N passed, N failed` as the last one (with `, N skipped`
    /// only where something was).
    pub(crate) fn table(&self) -> String {
        let width = self.suites.iter().map(|suite| suite.name.chars().count()).max().unwrap_or(0).max(5);
        let mut out = format!(
            "\n{:<width$}  {:>6}  {:>6}  {:>7}  {:>12}\n",
            "suite", "passed", "failed", "skipped", "time"
        );
        for suite in &self.suites {
            let _ = writeln!(
                out,
                "{:<width$}  {:>6}  {:>6}  {:>7}  {:>12}",
                suite.name,
                suite.passed,
                suite.failed,
                suite.skipped,
                seconds(suite.elapsed)
            );
        }
        if !self.failures.is_empty() {
            out.push_str("\nfailed:\n");
            for failure in &self.failures {
                let _ = writeln!(out, "  {failure}");
            }
        }
        let passed: usize = self.suites.iter().map(|suite| suite.passed).sum();
        let skipped: usize = self.suites.iter().map(|suite| suite.skipped).sum();
        let _ = write!(out, "\n{passed} passed, {} failed", self.failed());
        if skipped > 0 {
            let _ = write!(out, ", {skipped} skipped");
        }
        out
    }
}

/// Reads the output of `cargo test --no-fail-fast`, whose exit was good if `success`.
///
/// Nothing that went wrong can vanish: a test binary that was started but gave no result counts as one failure, and so
/// does a run that failed (a compile error, say) without any failed test.
pub(crate) fn cargo(output: &str, success: bool, elapsed: Duration) -> Results {
    let mut results = Results::default();
    let mut package = String::new();
    let mut open: Option<String> = None;
    let mut untried = 0;
    let close_without_result = |open: &mut Option<String>, results: &mut Results| {
        if let Some(name) = open.take()
            && !success
        {
            results.failures.push(format!("{name}: ended without a result"));
            results.suites.push(Suite { name, passed: 0, failed: 1, skipped: 0, elapsed: Duration::ZERO });
        }
    };
    for line in output.lines() {
        let line = line.trim();
        if let Some(rest) =
            line.strip_prefix("Running ").filter(|rest| rest.ends_with(')') && rest.contains(" ("))
        {
            close_without_result(&mut open, &mut results);
            let (target, binary) = rest.rsplit_once(" (").unwrap_or((rest, ""));
            if let Some(root) = target.strip_prefix("unittests ") {
                // Every package begins with its unit tests, and only their binary bears the package's name.
                package = package_of(binary.trim_end_matches(')'));
                open = Some(format!("{package} {root}"));
            } else {
                open = Some(format!("{package} {target}"));
            }
        } else if let Some(name) = line.strip_prefix("Doc-tests ") {
            close_without_result(&mut open, &mut results);
            open = Some(format!("{} documentation", name.replace('_', "-")));
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            let name = open.take().unwrap_or_else(|| "unnamed suite".to_owned());
            // A test that says itself that it could not be tried here has not passed.
            let untried = std::mem::take(&mut untried);
            if let Some(mut suite) = suite(&name, rest)
                && suite.passed + suite.failed + suite.skipped > 0
            {
                suite.passed = suite.passed.saturating_sub(untried);
                suite.skipped += untried;
                results.suites.push(suite);
            }
        } else if line.starts_with("SKIPPED ") {
            untried += 1;
        } else if let Some(test) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            results.failures.push(format!("{}: {test}", open.as_deref().unwrap_or("unnamed suite")));
        }
    }
    close_without_result(&mut open, &mut results);
    if !success && results.failed() == 0 {
        results.failures.push("cargo test: did not build, or ended early (see above)".to_owned());
        results.suites.push(Suite::step("cargo test", false, elapsed));
    }
    results
}

/// Reads what one test program printed.
pub(crate) fn binary(binary: &Binary, output: &str, success: bool, elapsed: Duration) -> Results {
    // As cargo would have headed it.
    let head = format!("Running unittests {} (deps/{}-0)", binary.target, binary.package);
    cargo(&format!("{head}\n{output}"), success, elapsed)
}

/// `amana-gate` from `target/debug/deps/amana_gate-0123456789abcdef`.
pub(crate) fn package_of(binary: &str) -> String {
    let file = binary.rsplit('/').next().unwrap_or(binary);
    file.rsplit_once('-').map_or(file, |(name, _)| name).replace('_', "-")
}

/// Reads `ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s`.
fn suite(name: &str, rest: &str) -> Option<Suite> {
    let number = |word: &str| -> Option<usize> {
        rest.split(['.', ';']).map(str::trim).find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
    };
    let elapsed = rest
        .rsplit_once("finished in ")
        .and_then(|(_, time)| time.strip_suffix('s')?.parse::<f64>().ok())
        .and_then(|time| Duration::try_from_secs_f64(time).ok())
        .unwrap_or_default();
    Some(Suite {
        name: name.to_owned(),
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("ignored")?,
        elapsed,
    })
}

/// Reads a script's lines `ok SCOPE what` and `not ok SCOPE what` (the browser story, the verifiers); one row of
/// `title` per scope.
pub(crate) fn script(title: &str, output: &str, success: bool, elapsed: Duration) -> Results {
    let mut results = Results::default();
    for line in output.lines() {
        let (passed, rest) = if let Some(rest) = line.strip_prefix("ok ") {
            (true, rest)
        } else if let Some(rest) = line.strip_prefix("not ok ") {
            (false, rest)
        } else {
            continue;
        };
        let (scope, what) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = format!("{title} ({scope})");
        if !passed {
            results.failures.push(format!("{name}: {what}"));
        }
        let index = results.suites.iter().position(|suite| suite.name == name).unwrap_or_else(|| {
            results.suites.push(Suite { name, passed: 0, failed: 0, skipped: 0, elapsed });
            results.suites.len() - 1
        });
        if let Some(suite) = results.suites.get_mut(index) {
            suite.passed += usize::from(passed);
            suite.failed += usize::from(!passed);
        }
    }
    if results.suites.is_empty() || (!success && results.failed() == 0) {
        results.failures.push(format!("{title}: ended early (see above)"));
        results.suites.push(Suite::step(title, false, elapsed));
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
   Compiling amana-gate v0.1.0
     Running unittests src/lib.rs (target/debug/deps/amana_gate-0123456789abcdef)

running 2 tests
test decide::tests::denies ... ok
SKIPPED decide::tests::away: no such thing here
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s

     Running tests/it/main.rs (target/debug/deps/it-fedcba9876543210)
test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests amana_gate

running 0 tests
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    /// Goal: each binary is one row under its package's name; empty ones are left out.
    #[test]
    fn reads_cargo_results() {
        let results = cargo(GOOD, false, Duration::ZERO);
        let rows: Vec<_> =
            results.suites.iter().map(|s| (s.name.as_str(), s.passed, s.failed, s.skipped)).collect();
        assert_eq!(rows, [("amana-gate src/lib.rs", 1, 0, 1), ("amana-gate tests/it/main.rs", 3, 1, 1)]);
        assert_eq!(results.suites[0].elapsed, Duration::from_millis(1_500));
        assert!(results.table().ends_with("\n4 passed, 1 failed, 2 skipped"), "{}", results.table());
    }

    /// Goal: names of failed tests are kept with their suite.
    #[test]
    fn names_failures() {
        let text = "     Running tests/it/main.rs (t/it-1)\ntest a::b ... FAILED\ntest c ... ok\n";
        assert_eq!(cargo(text, true, Duration::ZERO).failures, [" tests/it/main.rs: a::b"]);
    }

    /// Goal: a binary that died, a build that failed and a run without output are failures, not silence.
    #[test]
    fn nothing_vanishes() {
        let died = "     Running unittests src/lib.rs (t/amana_core-1)\nrunning 9 tests\nerror: signal 9\n";
        let results = cargo(died, false, Duration::ZERO);
        assert_eq!(results.failed(), 1);
        assert_eq!(results.failures, ["amana-core src/lib.rs: ended without a result"]);
        let unbuilt = cargo("error[E0308]: mismatched types\n", false, Duration::ZERO);
        assert!(unbuilt.table().ends_with("\n0 passed, 1 failed"));
        assert_eq!(script("story", "", true, Duration::ZERO).failed(), 1);
        assert_eq!(script("story", "ok en chat\n", false, Duration::ZERO).failed(), 1);
    }

    /// Goal: the last line is exactly `N passed, N failed`, alone, where nothing was skipped.
    #[test]
    fn the_last_line() {
        let output = "ok en a\nok ar a\nnot ok ar b: no such button\n# note\n";
        let mut results = script("browser story", output, false, Duration::ZERO);
        results
            .add(Results { suites: vec![Suite::step("format", true, Duration::ZERO)], ..Results::default() });
        assert_eq!(results.table().lines().last(), Some("3 passed, 1 failed"));
        assert_eq!(results.failures, ["browser story (ar): b: no such button"]);
    }
}
