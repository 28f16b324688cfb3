//! The arithmetic of `docs/scale.md`: every figure of its second table follows from those of the first by the formula
//! that stands beside it.
//!
//! A table is of figures where its head names `name` first. `| name | value | unit | from |` gives one; `| name | how |
//! … | unit |` works one out for each column between. A name is in backticks, and so is a formula: names, numbers,
//! `+ - * /`, brackets, `ceil(…)` and `max(…, …)`.

use std::collections::BTreeMap;

use super::{Finding, Source};

/// How far a figure may be from what its formula gives: it is shown with three digits.
const ROUNDED: f64 = 0.006;

/// Checks the document, if it is among the sources.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().filter(|source| source.path == "docs/scale.md").flat_map(check_text).collect()
}

fn check_text(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line, message: String| findings.push(Finding::new(&source.path, line, message));
    let mut given: BTreeMap<&str, f64> = BTreeMap::new();
    // Of each column of the second table what is known so far.
    let mut columns: Vec<BTreeMap<&str, f64>> = Vec::new();
    let mut head: Vec<&str> = Vec::new();
    let mut worked_out = 0;
    for (line, text) in source.text.lines().enumerate().map(|(at, text)| (at + 1, text.trim())) {
        let cells: Vec<&str> = text.split('|').map(str::trim).collect();
        if !text.starts_with('|') || cells.len() < 4 {
            head.clear();
            continue;
        }
        let cells = cells.get(1..cells.len() - 1).unwrap_or_default();
        if head.is_empty() {
            head = cells.to_vec();
            if head.get(1) == Some(&"how") {
                columns = vec![given.clone(); head.len().saturating_sub(3)];
            }
            continue;
        }
        let name = cells.first().and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
        let (Some(name), Some(&"name")) = (name, head.first()) else { continue };
        if cells.len() != head.len() {
            find(line, format!("`{name}` has {} cells, its table {}", cells.len(), head.len()));
            continue;
        }
        if given.contains_key(name) || columns.iter().any(|known| known.contains_key(name)) {
            find(line, format!("`{name}` stands here twice"));
        }
        match head.get(1) {
            Some(&"value") => match number(cells.get(1).copied().unwrap_or_default()) {
                Some(value) => {
                    given.insert(name, value);
                }
                None => find(line, format!("the value of `{name}` is no number")),
            },
            Some(&"how") => {
                worked_out += 1;
                let formula = cells.get(1).and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
                for (known, shown) in columns.iter_mut().zip(cells.iter().skip(2)) {
                    let Some(shown) = number(shown) else {
                        find(line, format!("`{shown}` in the row of `{name}` is no number"));
                        continue;
                    };
                    let value = match formula.map(|formula| evaluate(formula, known)) {
                        None => shown,
                        Some(Ok(value)) => value,
                        Some(Err(why)) => {
                            find(line, format!("the formula of `{name}` cannot be read: {why}"));
                            continue;
                        }
                    };
                    if (value - shown).abs() > value.abs() * ROUNDED {
                        find(line, format!("`{name}` is {value:.4} by its formula, and {shown} is shown"));
                    }
                    known.insert(name, value);
                }
            }
            _ => {}
        }
    }
    if given.is_empty() || worked_out == 0 {
        find(
            1,
            "has no table of figures (`name`, `value`, …) or none of what follows (`name`, `how`, …)"
                .to_owned(),
        );
    }
    findings
}

fn number(text: &str) -> Option<f64> {
    text.replace(',', "").parse().ok()
}

/// A formula, as far as it is not read yet.
struct Formula<'a> {
    rest: &'a str,
    known: &'a BTreeMap<&'a str, f64>,
}

fn evaluate(text: &str, known: &BTreeMap<&str, f64>) -> Result<f64, String> {
    let mut formula = Formula { rest: text, known };
    let value = formula.sum()?;
    if formula.rest.trim().is_empty() { Ok(value) } else { Err(format!("at `{}`", formula.rest.trim())) }
}

impl<'a> Formula<'a> {
    /// Takes a sign if it is next.
    fn take(&mut self, sign: char) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn must(&mut self, sign: char) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("`{sign}` is missing at `{}`", self.rest.trim())) }
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value += self.product()?;
            } else if self.take('-') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.atom()?;
        loop {
            if self.take('*') {
                value *= self.atom()?;
            } else if self.take('/') {
                value /= self.atom()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    fn atom(&mut self) -> Result<f64, String> {
        if self.take('(') {
            let value = self.sum()?;
            return self.must(')').map(|()| value);
        }
        let word = self.word();
        match word {
            "ceil" => {
                self.must('(')?;
                let value = self.sum()?;
                // What is a whole number but for the arithmetic's own error is one.
                let value = if (value - value.round()).abs() < 1e-9 { value.round() } else { value.ceil() };
                self.must(')').map(|()| value)
            }
            "max" => {
                self.must('(')?;
                let one = self.sum()?;
                self.must(',')?;
                let other = self.sum()?;
                self.must(')').map(|()| one.max(other))
            }
            _ => match (word.parse(), self.known.get(word)) {
                (Ok(value), _) => Ok(value),
                (Err(_), Some(value)) => Ok(*value),
                (Err(_), None) => Err(format!("nothing is called `{word}` before it")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let source = Source { path: "docs/scale.md".to_owned(), text: text.to_owned() };
        check(&[source]).iter().map(ToString::to_string).collect()
    }

    const GIVEN: &str = "| name | value | unit | from |\n|---|---|---|---|\n| `a` | 1,000 | x | assumed |\n\
         | `b` | 0.25 | x | assumed |\n\nwords\n\n| name | how | 1 | 2 | unit |\n|---|---|---|---|---|\n\
         | `c` | given | 10 | 20 | x |\n";

    /// Goal: what follows from the figures passes, rounded to three digits; what does not is a finding at its line.
    #[test]
    fn figures_follow_from_figures() {
        let right = "| `d` | `ceil(c * b + 1) / (a - 400)` | 0.00667 | 0.01 | x |\n\
             | `e` | `max(c, d) * 1234.5` | 12,300 | 24,700 | x |\n";
        assert_eq!(findings(&format!("{GIVEN}{right}")), [""; 0]);
        let wrong = "| `d` | `c * a` | 10,000 | 21,000 | x |\n";
        assert_eq!(
            findings(&format!("{GIVEN}{wrong}")),
            ["docs/scale.md:11: `d` is 20000.0000 by its formula, and 21000 is shown"]
        );
    }

    /// Goal: a formula that cannot be read, a name that is not there yet and a document without figures are findings.
    #[test]
    fn what_cannot_be_checked_is_found() {
        for (row, finding) in [
            ("| `d` | `c * x` | 1 | 1 | x |\n", "nothing is called `x` before it"),
            ("| `d` | `(c * a` | 1 | 1 | x |\n", "`)` is missing"),
            ("| `d` | `c a` | 1 | 1 | x |\n", "at `a`"),
            ("| `d` | `c` | many | 20 | x |\n", "`many` in the row of `d` is no number"),
            ("| `a` | `c` | 10 | 20 | x |\n", "`a` stands here twice"),
            ("| `d` | `c` | 10 | x |\n", "`d` has 4 cells, its table 5"),
        ] {
            let found = findings(&format!("{GIVEN}{row}"));
            assert!(found.iter().any(|found| found.contains(finding)), "{row}: {found:?}");
        }
        assert_eq!(findings("words\n").len(), 1);
        assert!(check(&[]).is_empty());
    }
}
