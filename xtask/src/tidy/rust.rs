//! Rules for Rust files: length of lines and files, words that mean unfinished work, crate documentation.

use super::{Finding, Source};
use crate::limits;

/// Macros that stand for work not done, or were left over from looking for a mistake.
const MACROS_BANNED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// Marks of unfinished work in comments. (In a string, three X are ISO 4217's code for "no currency".)
const MARKS_BANNED: [&str; 2] = ["FIXME", "XXX"];

/// Checks one Rust file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = source.path.as_str();
    let lines = split(&source.text);
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        // A row of a table in documentation is one line, however long.
        let is_table =
            line.code.trim().is_empty() && line.comment.trim_start_matches(['/', '!', ' ']).starts_with('|');
        if line.breakable_chars > limits::LINE_CHARS_MAX && !is_table {
            findings.push(Finding::new(
                path,
                number,
                format!(
                    "line of {} characters (strings and addresses not counted); the limit is {}",
                    line.breakable_chars,
                    limits::LINE_CHARS_MAX
                ),
            ));
        }
        for word in MACROS_BANNED {
            if has_word(&line.code, word) {
                findings.push(Finding::new(path, number, format!("`{word}`: finish it, or return an error")));
            }
        }
        for mark in MARKS_BANNED {
            if has_mark(&line.comment, mark) {
                findings.push(Finding::new(
                    path,
                    number,
                    format!("`{mark}` in a comment: do it now, or file it"),
                ));
            }
        }
    }
    if lines.len() > limits::FILE_LINES_MAX {
        findings.push(Finding::new(
            path,
            limits::FILE_LINES_MAX + 1,
            format!("{} lines; the limit is {}: split it by idea", lines.len(), limits::FILE_LINES_MAX),
        ));
    }
    let is_root = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
    if is_root && !source.text.starts_with("//!") {
        findings.push(Finding::new(
            path,
            1,
            "a crate begins with `//!`: what it does, and what is not in it",
        ));
    }
    findings
}

/// Whether `mark` begins a word of `comment` and is one: `.XXX` in a date format is not.
fn has_mark(comment: &str, mark: &str) -> bool {
    comment
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '*' | '(' | '!'))
        .filter_map(|word| word.strip_prefix(mark))
        .any(|tail| tail.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_'))
}

/// Whether `word` stands in `text` with no letter, digit or underscore directly before or after it.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|tail| tail.chars().next());
        // After a macro's `!` anything may follow.
        !before.is_some_and(part_of_name) && (word.ends_with('!') || !after.is_some_and(part_of_name))
    })
}

/// One line, taken apart.
#[derive(Default, Debug)]
pub(super) struct Line {
    /// Its code; each string literal is an empty one.
    pub(super) code: String,
    /// Its comments.
    comment: String,
    /// Its length in characters without the content of string literals and without addresses (`https://…`): what an
    /// author can break. Test data and addresses are better whole.
    breakable_chars: usize,
}

enum State {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text { raw_hashes: Option<usize> },
}

/// Takes a Rust file apart into lines of code and comment.
///
/// Not a full lexer: it knows comments (nested), string literals (plain, byte, raw) and character literals, which is
/// what the rules need.
pub(super) fn split(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut state = State::Code;
    let mut index = 0;
    let close = |line: &mut Line| {
        let addresses: usize = line
            .comment
            .split_whitespace()
            .filter(|word| word.contains("://"))
            .map(|word| word.chars().count())
            .sum();
        line.breakable_chars = line.breakable_chars.saturating_sub(addresses);
    };
    while index < chars.len() {
        let c = at(index);
        if c == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            close(&mut line);
            lines.push(std::mem::take(&mut line));
            index += 1;
            continue;
        }
        let mut taken = 1;
        match state {
            State::Code => {
                if c == '/' && at(index + 1) == '/' {
                    state = State::LineComment;
                    line.comment.push(c);
                } else if c == '/' && at(index + 1) == '*' {
                    state = State::BlockComment { depth: 1 };
                    taken = 2;
                } else if c == '"' {
                    state = State::Text { raw_hashes: None };
                    line.code.push_str("\"\"");
                } else if let Some(hashes) = raw_start(&chars, index) {
                    state = State::Text { raw_hashes: Some(hashes) };
                    line.code.push_str("\"\"");
                    taken = hashes + 2;
                } else if c == '\'' {
                    // `'a'` and `'\n'` are characters, `'a` is a lifetime. A quote in one must not open a string.
                    if at(index + 1) == '\\' {
                        taken = 3 + (index + 3..index + 12).take_while(|&next| at(next) != '\'').count();
                        taken += 1;
                    } else if at(index + 2) == '\'' {
                        taken = 3;
                    }
                    line.code.push(c);
                } else {
                    line.code.push(c);
                }
                line.breakable_chars += taken;
            }
            State::LineComment => {
                line.comment.push(c);
                line.breakable_chars += 1;
            }
            State::BlockComment { depth } => {
                if c == '/' && at(index + 1) == '*' {
                    state = State::BlockComment { depth: depth + 1 };
                    taken = 2;
                } else if c == '*' && at(index + 1) == '/' {
                    state = if depth == 1 { State::Code } else { State::BlockComment { depth: depth - 1 } };
                    taken = 2;
                } else {
                    line.comment.push(c);
                }
                line.breakable_chars += taken;
            }
            State::Text { raw_hashes: None } => match c {
                // The escaped character may be the line's end, which must still end the line.
                '\\' if at(index + 1) != '\n' => taken = 2,
                '"' => state = State::Code,
                _ => {}
            },
            State::Text { raw_hashes: Some(hashes) } => {
                if c == '"' && (1..=hashes).all(|step| at(index + step) == '#') {
                    state = State::Code;
                    taken = hashes + 1;
                }
            }
        }
        index += taken;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        close(&mut line);
        lines.push(line);
    }
    lines
}

/// The number of `#` of a raw string that starts at `index` (`r"`, `r#"`), `None` when none starts there.
fn raw_start(chars: &[char], index: usize) -> Option<usize> {
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    if at(index) != 'r' {
        return None;
    }
    // `r` as the end of a name (`for`, `br"` apart) starts no string.
    let before = index.checked_sub(1).map(at);
    if before.is_some_and(|c| (c.is_alphanumeric() || c == '_') && c != 'b' && c != 'c') {
        return None;
    }
    let hashes = (index + 1..chars.len()).take_while(|&next| at(next) == '#').count();
    (at(index + 1 + hashes) == '"').then_some(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Source { path: path.to_owned(), text: text.to_owned() })
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Goal: a line is too long by its code and words, never by a string or an address that cannot be broken.
    #[test]
    fn long_lines() {
        let limit = limits::LINE_CHARS_MAX;
        let fits = "x".repeat(limit);
        assert!(found("a.rs", &format!("{fits}\n")).is_empty());
        let over = found("a.rs", &format!("ok\n{fits}x\n"));
        assert_eq!(over.len(), 1);
        assert!(over[0].starts_with("a.rs:2: line of 121 characters"), "{over:?}");
        let comment = "word ".repeat(30);
        assert_eq!(found("a.rs", &format!("// {comment}\n")).len(), 1);

        let long = "y".repeat(300);
        assert!(found("a.rs", &format!("let a = \"{long}\";\n")).is_empty());
        assert!(found("a.rs", &format!("let a = r#\"{long}\n{long}\"#;\n")).is_empty());
        assert!(found("a.rs", &format!("/// See https://example.org/{long} for it.\n")).is_empty());
        // The string ends, and the code after it counts.
        assert_eq!(found("a.rs", &format!("let a = \"s\"; {long}\n")).len(), 1);
        assert!(found("a.rs", &format!("//! | a | {comment} |\n")).is_empty());
        // Characters count, not bytes.
        assert!(found("a.rs", &format!("// {}\n", "ب".repeat(limit - 3))).is_empty());
    }

    /// Goal: unfinished work is found in code and comments, and only there.
    #[test]
    fn banned_words() {
        assert_eq!(found("a.rs", "fn f() { todo!() }\n"), ["a.rs:1: `todo!`: finish it, or return an error"]);
        assert_eq!(found("a.rs", "x\nfn f() { std::dbg!(1); unimplemented!() }\n").len(), 2);
        assert_eq!(found("a.rs", "// FIXME later\n/* a\n XXX */\n").len(), 2);
        for fine in [
            "let a = \"todo!\";\n",
            "let currency = \"XXX\";\n",
            "let a = '\"'; // the word todo! in a comment\n",
            "my_todo!();\n",
            "// XXXL is a size\n",
            "// the OFX form is YYYYMMDDHHMMSS.XXX[offset]\n",
            "let a = r#\"FIXME \" dbg!\"#;\n",
            "let a = b'\\''; let b = \"FIXME\";\n",
        ] {
            assert!(found("a.rs", fine).is_empty(), "{fine}");
        }
        // The quote in a character literal opens no string: what follows is code again.
        assert_eq!(found("a.rs", "let a = ('\"', '\\\\', '\\u{1F600}'); todo!()\n").len(), 1);
        // A lifetime is no character literal.
        assert_eq!(found("a.rs", "fn f<'a>(x: &'a str) { todo!() }\n").len(), 1);
    }

    /// Goal: a file past the limit is reported once, at the first line too many.
    #[test]
    fn long_files() {
        let limit = limits::FILE_LINES_MAX;
        assert!(found("a.rs", &"x\n".repeat(limit)).is_empty());
        let over = found("a.rs", &"x\n".repeat(limit + 1));
        assert_eq!(
            over,
            [format!("a.rs:{}: {} lines; the limit is {limit}: split it by idea", limit + 1, limit + 1)]
        );
    }

    /// Goal: crate roots are documented; other files need not begin so.
    #[test]
    fn crate_documentation() {
        assert_eq!(found("crates/x/src/lib.rs", "use a;\n").len(), 1);
        assert!(found("crates/x/src/lib.rs", "//! What it is.\n").is_empty());
        assert!(found("crates/x/src/other.rs", "use a;\n").is_empty());
    }
}
