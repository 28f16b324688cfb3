//! English and Arabic are equals: both Fluent catalogues of a crate hold the same messages, with the same attributes
//! and the same variables, and refer only to what exists.
//!
//! Terms (`-brand`) are a language's own business and are not compared.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser::parse;

use super::{Finding, Source};

/// The languages that each catalogue must have.
const LANGUAGES: [&str; 2] = ["en", "ar"];

/// One text that a person can see: a message's value or one of its attributes.
#[derive(Default)]
struct Shown {
    file: String,
    line: usize,
    variables: BTreeSet<String>,
    /// Messages and terms (`-name`) that it refers to.
    references: BTreeSet<String>,
}

/// One language of one catalogue: texts by `id` or `id.attribute`, and the names of its terms.
#[derive(Default)]
struct Language {
    texts: BTreeMap<String, Shown>,
    terms: BTreeSet<String>,
}

/// Checks every `…/locales/LANGUAGE/….ftl` among `sources`.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut catalogues: BTreeMap<&str, BTreeMap<&str, Language>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".ftl")) {
        let Some((catalogue, rest)) = source.path.split_once("/locales/") else { continue };
        let Some((language, _)) = rest.split_once('/') else { continue };
        let known = catalogues.entry(catalogue).or_default().entry(language).or_default();
        read(source, known, &mut findings);
    }
    for (catalogue, mut languages) in catalogues {
        for language in LANGUAGES {
            languages.entry(language).or_default();
        }
        compare(catalogue, &languages, &mut findings);
    }
    findings
}

fn read(source: &Source, language: &mut Language, findings: &mut Vec<Finding>) {
    let resource = match parse(source.text.as_str()) {
        Ok(resource) => resource,
        Err((resource, errors)) => {
            for error in errors {
                let line =
                    source.text.get(..error.pos.start).map_or(1, |head| head.matches('\n').count() + 1);
                findings.push(Finding::new(&source.path, line, format!("not valid Fluent: {}", error.kind)));
            }
            resource
        }
    };
    for entry in &resource.body {
        match entry {
            Entry::Message(message) => {
                let id = message.id.name;
                let line = line_of(&source.text, id);
                let attributes = message
                    .attributes
                    .iter()
                    .map(|each| (format!("{id}.{}", each.id.name), Some(&each.value)));
                for (key, pattern) in
                    std::iter::once((id.to_owned(), message.value.as_ref())).chain(attributes)
                {
                    let mut shown = Shown { file: source.path.clone(), line, ..Shown::default() };
                    if let Some(pattern) = pattern {
                        walk_pattern(pattern, &mut shown);
                    }
                    if let Some(first) = language.texts.get(&key) {
                        let message = format!("`{key}` is already at {}:{}", first.file, first.line);
                        findings.push(Finding::new(&source.path, line, message));
                    } else {
                        language.texts.insert(key, shown);
                    }
                }
            }
            Entry::Term(term) => {
                language.terms.insert(format!("-{}", term.id.name));
            }
            _ => {}
        }
    }
}

fn compare(catalogue: &str, languages: &BTreeMap<&str, Language>, findings: &mut Vec<Finding>) {
    for (name, language) in languages {
        for (key, shown) in &language.texts {
            for reference in &shown.references {
                if !language.texts.contains_key(reference) && !language.terms.contains(reference) {
                    let message = format!("`{key}` refers to `{reference}`, which `{name}` does not have");
                    findings.push(Finding::new(&shown.file, shown.line, message));
                }
            }
            for (other_name, other) in languages.iter().filter(|(other_name, _)| *other_name != name) {
                let Some(twin) = other.texts.get(key) else {
                    let message = format!("`{key}` is missing in `{catalogue}/locales/{other_name}/`");
                    findings.push(Finding::new(&shown.file, shown.line, message));
                    continue;
                };
                for variable in shown.variables.difference(&twin.variables) {
                    let message = format!(
                        "`{key}` has no `${variable}`, which `{name}` has ({}:{})",
                        shown.file, shown.line
                    );
                    findings.push(Finding::new(&twin.file, twin.line, message));
                }
            }
        }
    }
}

fn walk_pattern(pattern: &Pattern<&str>, shown: &mut Shown) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            walk(expression, shown);
        }
    }
}

fn walk(expression: &Expression<&str>, shown: &mut Shown) {
    match expression {
        Expression::Inline(inline) => walk_inline(inline, shown),
        Expression::Select { selector, variants } => {
            walk_inline(selector, shown);
            for variant in variants {
                walk_pattern(&variant.value, shown);
            }
        }
    }
}

fn walk_inline(inline: &InlineExpression<&str>, shown: &mut Shown) {
    match inline {
        InlineExpression::VariableReference { id } => {
            shown.variables.insert(id.name.to_owned());
        }
        InlineExpression::MessageReference { id, attribute } => {
            let key =
                attribute.as_ref().map_or(id.name.to_owned(), |each| format!("{}.{}", id.name, each.name));
            shown.references.insert(key);
        }
        InlineExpression::TermReference { id, arguments, .. } => {
            shown.references.insert(format!("-{}", id.name));
            if let Some(arguments) = arguments {
                walk_arguments(arguments, shown);
            }
        }
        InlineExpression::FunctionReference { arguments, .. } => walk_arguments(arguments, shown),
        InlineExpression::Placeable { expression } => walk(expression, shown),
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
    }
}

fn walk_arguments(arguments: &CallArguments<&str>, shown: &mut Shown) {
    for argument in &arguments.positional {
        walk_inline(argument, shown);
    }
    for argument in &arguments.named {
        walk_inline(&argument.value, shown);
    }
}

/// The line on which the message `id` begins.
fn line_of(text: &str, id: &str) -> usize {
    text.lines()
        .position(|line| line.strip_prefix(id).is_some_and(|tail| tail.trim_start().starts_with('=')))
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        let mut found: Vec<String> = check(&sources).iter().map(ToString::to_string).collect();
        found.sort();
        found
    }

    const EN: &str = "c/locales/en/a.ftl";
    const AR: &str = "c/locales/ar/a.ftl";

    /// Goal: equal catalogues pass, also when plurals differ and messages lie in other files.
    #[test]
    fn equal_catalogues() {
        let en = "-brand = Amana\nhello = Hello { $name } of { -brand }\n    .title = Hi\n\
                  n = { $count ->\n    [one] One\n   *[other] { $count } items\n}\n";
        let ar = "n = { $count ->\n    [zero] لا شيء\n    [two] اثنان\n   *[other] { $count }\n}\n";
        let ar_more = "hello = مرحبا { $name }\n    .title = أهلا\n";
        assert!(found(&[(EN, en), (AR, ar), ("c/locales/ar/b.ftl", ar_more)]).is_empty());
    }

    /// Goal: each way of being unequal is found, at the right file and line.
    #[test]
    fn unequal_catalogues() {
        assert_eq!(
            found(&[(EN, "a = A\nb = B\n"), (AR, "a = أ\n")]),
            ["c/locales/en/a.ftl:2: `b` is missing in `c/locales/ar/`"]
        );
        assert_eq!(
            found(&[(EN, "a = A { $x }\n"), (AR, "z = { $y }\na = أ\n")]),
            [
                "c/locales/ar/a.ftl:1: `z` is missing in `c/locales/en/`",
                "c/locales/ar/a.ftl:2: `a` has no `$x`, which `en` has (c/locales/en/a.ftl:1)",
            ]
        );
        // A variable inside a function's argument counts.
        assert_eq!(found(&[(EN, "a = { NUMBER($x) }\n"), (AR, "a = أ\n")]).len(), 1);
        // A missing language is all messages missing.
        assert_eq!(found(&[(EN, "a = A\n")]).len(), 1);
        // Attributes are texts that a person sees.
        assert_eq!(found(&[(EN, "a = A\n    .title = T\n"), (AR, "a = أ\n")]).len(), 1);
    }

    /// Goal: a catalogue that Fluent would reject at run time, or that shows a raw id, does not pass.
    #[test]
    fn broken_catalogues() {
        let both = |text: &str| found(&[(EN, text), (AR, text)]).len();
        assert_eq!(both("a = A\n"), 0);
        assert!(both("a = A { $x\n") >= 2);
        assert_eq!(both("a = { b }\n"), 2);
        assert_eq!(both("a = { -brand }\n"), 2);
        assert_eq!(both("a = A\na = B\n"), 2);
    }
}
