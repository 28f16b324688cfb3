//! Wraps comments that are longer than a line may be. rustfmt leaves comments alone.
//!
//! Only lines that hold nothing but a `//`, `///` or `//!` comment are touched, and of these only prose: no tables, no
//! headings, no code between fences.

/// The text with its long comments wrapped, or `None` when there was nothing to wrap.
pub(super) fn comments(text: &str, limit: usize) -> Option<String> {
    let mut out: Vec<String> = Vec::new();
    let mut changed = false;
    let mut fenced = false;
    // What did not fit, with the beginning of the line that it goes to.
    let mut rest: Option<(String, String)> = None;
    for line in text.lines() {
        let comment = split(line);
        if let Some((lead, words)) = rest.take() {
            match &comment {
                Some((next_lead, next))
                    if *next_lead == lead.trim_end_matches(' ').to_owned() + " " && flows(next) =>
                {
                    let joined = format!("{lead}{words} {next}");
                    rest = place(&joined, limit, &mut out);
                    continue;
                }
                _ => {
                    let mut left = Some((lead, words));
                    while let Some((lead, words)) = left {
                        left = place(&format!("{lead}{words}"), limit, &mut out);
                    }
                }
            }
        }
        let Some((_, content)) = comment else {
            fenced = false;
            out.push(line.to_owned());
            continue;
        };
        if content.starts_with("```") {
            fenced = !fenced;
        }
        if fenced || breakable_chars(line) <= limit || content.starts_with(['|', '#']) {
            out.push(line.to_owned());
            continue;
        }
        let before = out.len();
        rest = place(line, limit, &mut out);
        changed |= rest.is_some() || out.len() > before + 1;
    }
    let mut left = rest;
    while let Some((lead, words)) = left {
        left = place(&format!("{lead}{words}"), limit, &mut out);
    }
    if !changed {
        return None;
    }
    let mut wrapped = out.join("\n");
    if text.ends_with('\n') {
        wrapped.push('\n');
    }
    Some(wrapped)
}

/// The length of a line without its addresses, which `tidy` does not count either.
fn breakable_chars(line: &str) -> usize {
    line.chars().count()
        - line.split_whitespace().filter(|w| w.contains("://")).map(|w| w.chars().count()).sum::<usize>()
}

/// A comment line's beginning (`    /// `) and its content.
fn split(line: &str) -> Option<(String, &str)> {
    let indent = line.len() - line.trim_start().len();
    let body = line.get(indent..)?;
    let marker = ["///", "//!", "//"].into_iter().find(|marker| body.starts_with(marker))?;
    let content = body.get(marker.len()..)?.strip_prefix(' ')?;
    // `////` and its like are drawings.
    (!content.is_empty())
        .then(|| (line.get(..indent + marker.len() + 1).unwrap_or_default().to_owned(), content))
}

/// Whether a line goes on with the sentence before it, so that words may be put before its own.
fn flows(content: &str) -> bool {
    let number = content.chars().take_while(char::is_ascii_digit).count();
    let is_item = content.starts_with(["- ", "* "].map(|mark| mark.chars().next().unwrap_or('-')))
        || (number > 0 && content.get(number..).is_some_and(|tail| tail.starts_with(['.', ')'])));
    !is_item && !content.starts_with([' ', '|', '#', '`', '>', '['])
}

/// Puts as much of `line` as fits into `out`; returns the rest and the beginning of its line.
fn place(line: &str, limit: usize, out: &mut Vec<String>) -> Option<(String, String)> {
    let Some((lead, content)) = split(line) else {
        out.push(line.to_owned());
        return None;
    };
    if line.chars().count() <= limit {
        out.push(line.to_owned());
        return None;
    }
    let inner = content.trim_start();
    let mut hang = content.len() - inner.len();
    let number = inner.chars().take_while(char::is_ascii_digit).count();
    if inner.starts_with("- ") || inner.starts_with("* ") {
        hang += 2;
    } else if number > 0 && inner.get(number..).is_some_and(|tail| tail.starts_with(". ")) {
        hang += number + 2;
    }
    let first_word = lead.len() + hang;
    let cut = line
        .char_indices()
        .enumerate()
        .take_while(|(count, _)| *count <= limit)
        .filter(|(_, (at, c))| *c == ' ' && *at > first_word && balanced(line.get(..*at).unwrap_or_default()))
        .map(|(_, (at, _))| at)
        .last();
    let Some(cut) = cut else {
        out.push(line.to_owned());
        return None;
    };
    out.push(line.get(..cut).unwrap_or_default().trim_end().to_owned());
    let words = line.get(cut..).unwrap_or_default().trim_start().to_owned();
    Some((format!("{lead}{}", " ".repeat(hang)), words))
}

/// Whether no inline code is open at the end of `text`: code is not broken.
fn balanced(text: &str) -> bool {
    text.matches('`').count().is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the rest of a long line flows into the next one of the same comment.
    #[test]
    fn prose_flows() {
        let text = "fn a() {\n    // one two three four five\n    // six\n}\n";
        assert_eq!(
            comments(text, 24).as_deref(),
            Some("fn a() {\n    // one two three\n    // four five six\n}\n")
        );
    }

    /// Goal: items hang, and what must stay whole stays whole.
    #[test]
    fn structure_stays() {
        assert_eq!(
            comments("/// - one two three four\n/// - five\n", 18).as_deref(),
            Some("/// - one two\n///   three four\n/// - five\n")
        );
        for whole in [
            "/// | a very long table row indeed |\n",
            "/// ```\n/// let a = a_very_long_line();\n/// ```\n",
            "let a = \"a string that is long\"; // note\n",
            "/// averyveryverylongwordthatcannotbreak\n",
            "/// see https://example.org/a for it\n",
        ] {
            assert_eq!(comments(whole, 18), None, "{whole}");
        }
        // Inline code is not broken.
        assert_eq!(
            comments("// see `a b c d e f g` for\n", 18).as_deref(),
            Some("// see\n// `a b c d e f g`\n// for\n")
        );
        assert_eq!(comments("// one `a b c` two x\n", 18).as_deref(), Some("// one `a b c` two\n// x\n"));
    }

    /// Goal: no word is lost or changed.
    #[test]
    fn words_stay() {
        let words: Vec<String> = (0..200).map(|n| format!("w{n}")).collect();
        let text = format!("//! {}\nuse a;\n", words.join(" "));
        let wrapped = comments(&text, 60).expect("long");
        assert!(wrapped.lines().all(|line| line.chars().count() <= 60));
        let again: Vec<&str> = wrapped
            .lines()
            .filter(|line| line.starts_with("//!"))
            .flat_map(|line| line.trim_start_matches("//!").split_whitespace())
            .collect();
        assert_eq!(again, words);
        assert!(wrapped.ends_with("use a;\n"));
    }
}
