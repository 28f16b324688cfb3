//! Style sheets name sides by reading direction (`margin-inline-start`), so that a page in Arabic mirrors by itself.
//!
//! A physical side that is meant stays, with its reason in a comment on the line before or on the same line:
//! `/* tidy: physical, because the shadow falls the same way in both directions */`.

use super::{Finding, Source};

/// Starts the reason for a physical side.
const EXCEPTION: &str = "tidy: physical, because ";
/// Properties that name a physical side, with what to write instead.
const PROPERTIES: [(&str, &str); 16] = [
    ("left", "inset-inline-start"),
    ("right", "inset-inline-end"),
    ("margin-left", "margin-inline-start"),
    ("margin-right", "margin-inline-end"),
    ("padding-left", "padding-inline-start"),
    ("padding-right", "padding-inline-end"),
    ("border-left", "border-inline-start"),
    ("border-right", "border-inline-end"),
    ("border-top-left-radius", "border-start-start-radius"),
    ("border-top-right-radius", "border-start-end-radius"),
    ("border-bottom-left-radius", "border-end-start-radius"),
    ("border-bottom-right-radius", "border-end-end-radius"),
    ("scroll-margin-left", "scroll-margin-inline-start"),
    ("scroll-margin-right", "scroll-margin-inline-end"),
    ("scroll-padding-left", "scroll-padding-inline-start"),
    ("scroll-padding-right", "scroll-padding-inline-end"),
];
/// Properties whose values name a side.
const SIDED_VALUES: [&str; 3] = ["text-align", "float", "clear"];
/// Shorthands whose second and fourth value are right and left.
const SHORTHANDS: [&str; 3] = ["margin", "padding", "inset"];

/// Checks one style sheet.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.text.lines().collect();
    let excused = |number: usize| {
        let has = |index: Option<usize>| {
            index.and_then(|i| lines.get(i)).is_some_and(|line| line.contains(EXCEPTION))
        };
        has(number.checked_sub(1)) || has(number.checked_sub(2))
    };
    declarations(&source.text)
        .into_iter()
        .filter_map(|found| Some((found.line, complaint(&found.property, &found.value)?)))
        .filter(|(line, _)| !excused(*line))
        .map(|(line, message)| Finding::new(&source.path, line, message))
        .collect()
}

fn complaint(property: &str, value: &str) -> Option<String> {
    for (banned, instead) in PROPERTIES {
        if property == banned {
            return Some(format!("`{banned}` names a physical side; write `{instead}`"));
        }
        // `border-left-color` and its like.
        let tail = property.strip_prefix(banned).filter(|tail| tail.starts_with('-'));
        if let (Some(tail), true) = (tail, banned.starts_with("border-") && !banned.ends_with("radius")) {
            return Some(format!("`{property}` names a physical side; write `{instead}{tail}`"));
        }
    }
    let words: Vec<&str> = value.split_whitespace().filter(|word| *word != "!important").collect();
    if SIDED_VALUES.contains(&property) {
        for (side, logical) in [("left", "start"), ("right", "end")] {
            if words.contains(&side) {
                let logical =
                    if property == "text-align" { logical.to_owned() } else { format!("inline-{logical}") };
                return Some(format!(
                    "`{property}: {side}` names a physical side; write `{property}: {logical}`"
                ));
            }
        }
    }
    if SHORTHANDS.contains(&property)
        && let [_, right, _, left] = words.as_slice()
        && right != left
        && !value.contains('(')
    {
        return Some(format!(
            "`{property}` with different right and left values; write `{property}-block` and `{property}-inline`"
        ));
    }
    None
}

struct Declaration {
    line: usize,
    property: String,
    value: String,
}

/// The declarations of a style sheet, comments and strings left out. A selector such as `a:hover` is none, because a
/// brace follows it.
fn declarations(text: &str) -> Vec<Declaration> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    let mut begun_at = 1;
    let mut pending = String::new();
    let mut take = |pending: &mut String, line: usize| {
        if let Some((property, value)) = pending.split_once(':') {
            let property = property.trim().to_ascii_lowercase();
            let value = value.trim().to_ascii_lowercase();
            found.push(Declaration { line, property, value });
        }
        pending.clear();
    };
    while let Some(c) = chars.next() {
        match c {
            '\n' => {
                line += 1;
                pending.push(' ');
            }
            '/' if chars.peek() == Some(&'*') => {
                let mut before = ' ';
                for inside in chars.by_ref().skip(1) {
                    if inside == '\n' {
                        line += 1;
                    }
                    if before == '*' && inside == '/' {
                        break;
                    }
                    before = inside;
                }
            }
            '"' | '\'' => {
                let mut escaped = false;
                for inside in chars.by_ref() {
                    if inside == '\n' {
                        line += 1;
                    }
                    if inside == c && !escaped {
                        break;
                    }
                    escaped = inside == '\\' && !escaped;
                }
                pending.push_str("\"\"");
            }
            '{' => pending.clear(),
            ';' | '}' => take(&mut pending, begun_at),
            _ => {
                if pending.trim().is_empty() && !c.is_whitespace() {
                    begun_at = line;
                }
                pending.push(c);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source { path: "a.css".to_owned(), text: text.to_owned() };
        check(&source).iter().map(ToString::to_string).collect()
    }

    /// Goal: each physical property and value is found, at its line, with what to write instead.
    #[test]
    fn physical_sides() {
        assert_eq!(
            found("a {\n  color: red;\n  margin-left: 1px\n}\n"),
            ["a.css:3: `margin-left` names a physical side; write `margin-inline-start`"]
        );
        for bad in [
            "a{left:0}",
            "a{position:absolute;right:0;}",
            "a { PADDING-RIGHT : 2px; }",
            "a { border-left-color: red; }",
            "a { border-top-left-radius: 2px; }",
            "a { text-align: left; }",
            "a { float: right !important; }",
            "a { margin: 0 1px 0 2px; }",
            "@media (width > 3px) { a { inset: 0 0 0 auto } }",
        ] {
            assert_eq!(found(bad).len(), 1, "{bad}");
        }
    }

    /// Goal: logical properties, names that only look physical, comments and strings pass.
    #[test]
    fn logical_sides() {
        for fine in [
            "a { margin-inline-start: 1px; inset-inline-end: 0; text-align: start; }",
            "a:hover { color: red; } .left { color: red; } .a-left:not(.right) { top: 0 }",
            "a { margin: 0 1px 2px 1px; margin: 0 auto; }",
            "/* left: 0; */ a::before { content: \"left: 0; }\"; }",
            "a { background: url('left:1;right:2'); --left-side: 1px; }",
        ] {
            assert!(found(fine).is_empty(), "{fine}: {:?}", found(fine));
        }
    }

    /// Goal: a physical side with a reason passes, and only the declaration next to the reason.
    #[test]
    fn reasons() {
        let text =
            "a {\n  /* tidy: physical, because the light comes from there */\n  left: 0;\n  right: 0;\n}\n";
        assert_eq!(found(text), ["a.css:4: `right` names a physical side; write `inset-inline-end`"]);
    }
}
