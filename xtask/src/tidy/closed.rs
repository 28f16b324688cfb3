//! The crates that see bank data in the clear keep nothing and reach nothing, and what opens is called in few places.
//!
//! A reading of text: it holds honest authors to the plan and shows a reviewer where to look. It is no proof against
//! somebody who sets out to deceive it.

use super::rust::{has_word, split};
use super::{Finding, Source};

/// A crate that sees bank data in the clear, and what it may name of `std`: nothing that prints, stores, sends, waits
/// or asks for the time.
const CLOSED: [(&str, &[&str]); 4] = [
    ("crates/amana-core/src/", &["collections", "fmt", "ops", "str", "sync"]),
    ("crates/amana-pure/src/", &[]),
    ("crates/amana-render/src/", &["collections", "fmt", "sync"]),
    ("crates/amana-gate/src/", &["collections", "error", "fmt", "sync", "time"]),
];
/// The one static that they may have: the catalogue, made of constants and never written.
const STATICS: [(&str, &str); 1] =
    [("crates/amana-render/src/catalogue.rs", "static CATALOGUE: LazyLock<Catalogue>")];
/// Macros that print, or panic: a panic's message goes to the process's error output.
const MACROS: [&str; 17] = [
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "panic!",
    "assert!",
    "assert_eq!",
    "assert_ne!",
    "debug_assert!",
    "debug_assert_eq!",
    "debug_assert_ne!",
    "unreachable!",
    "thread_local!",
    "include!",
    "asm!",
    "global_asm!",
];
/// Calls that panic, with the error in the message.
const CALLS: [&str; 4] = [".unwrap()", ".expect(", ".unwrap_err()", ".expect_err("];

/// What opens a value, and where it may be called beside tests. Each is a place to read.
const DOORS: [(&str, &[&str]); 12] = [
    // A key under a key of one's own can be read, and then all that it sealed.
    (".wrap(", &["crates/amana-gate/src/", "crates/amana-store/src/keyring.rs"]),
    ("DataKey::wrap", &[]),
    // A human's own words: where who wrote them is recorded.
    ("HumanAgentAct::of_keystroke(", &["crates/amana-gate/src/agent.rs"]),
    ("HumanAgentAct::of_choice(", &["crates/amana-gate/src/agent.rs"]),
    (".into_html(", &["crates/amana-web/src/respond.rs"]),
    // The subject's own copy of everything about them.
    (".into_json(", &["crates/amana-flow/src/export.rs"]),
    ("Released::into_body", &[]),
    ("released.into_body(", &["crates/amana-channel/src/messenger/mod.rs"]),
    (".into_frame(", &["crates/amana-channel/src/egress.rs", "crates/amana/src/roles/egress.rs"]),
    ("open_in_test", &["crates/amana-gate/src/protected.rs"]),
    // Who reads it hands it on to egress, and to nothing else.
    (
        "PageToken",
        &["crates/amana-channel/src/", "crates/amana/src/config/", "crates/amana/src/bench/rig.rs"],
    ),
    ("open-in-tests", &["crates/amana-gate/src/protected.rs", "xtask/src/tidy/"]),
];

/// Whose `new` closes a value that was in the clear: what a bank said, as it is parsed, and values without a customer
/// in what measures. A value that somebody made up could be held against a customer's.
const CLOSERS: [&str; 2] = ["Protected", "Unaddressed"];
/// Where it may be called beside tests.
const CLOSERS_IN: [&str; 4] =
    ["crates/amana-bank/src/", "crates/amana-gate/src/", "crates/amana/src/bench/decide.rs", "counts/src/"];

/// What makes a bank's events of bytes, whoever wrote them: who calls it closes values of their own, too.
const PARSERS: [&str; 3] = ["parse_events", "parse_binary_event", "parse_notification"];
/// Where it may be called, or given another name, beside tests: where the sender has proved to be the bank, where it
/// is measured and where it is fuzzed.
const PARSERS_IN: [&str; 5] = [
    "crates/amana-bank/src/",
    "crates/amana-bank/fuzz/",
    "crates/amana-kafka/src/record.rs",
    "crates/amana-web/src/events.rs",
    "crates/amana/src/bench/decide.rs",
];

/// Checks one Rust file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let path = source.path.as_str();
    let mut findings = Vec::new();
    if is_test(path) {
        return findings;
    }
    let closed = CLOSED.into_iter().find(|(folder, _)| path.starts_with(folder));
    let lines = split(&source.text);
    let mut in_tests = false;
    let mut words = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = line.code.as_str();
        // By the house's layout a module of tests is the end of its file, or ends with a brace at the margin.
        in_tests = match in_tests {
            false => code.starts_with("#[cfg(test)]"),
            true => !code.starts_with('}'),
        };
        if in_tests {
            continue;
        }
        let mut find = |message: String| findings.push(Finding::new(path, index + 1, message));
        if let Some((_, std_allowed)) = closed {
            for message in leaks(path, code, std_allowed) {
                find(message);
            }
        }
        for (door, places) in DOORS {
            // The text, not the code, for words that stand in a string.
            if code.contains(door) && !places.iter().any(|place| path.starts_with(place)) {
                let places = if places.is_empty() { "tests".to_owned() } else { places.join(", ") };
                find(format!("`{door}` opens what is closed: only in {places}"));
            }
        }
        words.extend(words_of(code).into_iter().map(|word| (index + 1, word)));
    }
    for (at, (line, name)) in words.iter().enumerate() {
        let message = if PARSERS.contains(name) && !PARSERS_IN.iter().any(|place| path.starts_with(place)) {
            format!("`{name}` closes what anybody could have written: only in {}", PARSERS_IN.join(", "))
        } else if closes(&words, at) && !CLOSERS_IN.iter().any(|place| path.starts_with(place)) {
            let places = CLOSERS_IN.join(", ");
            format!("a made-up value could be held against a customer's: closed only in {places}")
        } else {
            continue;
        };
        findings.push(Finding::new(path, *line, message));
    }
    if path == "crates/amana-pure/src/lib.rs" && !lines.iter().any(|line| line.code == "#![no_std]") {
        findings.push(Finding::new(path, 1, "this crate is `#![no_std]`: that is what it is for"));
    }
    findings
}

/// A word of code, with its line.
type Word<'a> = (usize, &'a str);

/// The names of a line of code, and what stands between them: each sign alone, but for these.
fn words_of(code: &str) -> Vec<&str> {
    const SIGNS: [&str; 3] = ["::", "->", "=>"];
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let sign =
            SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or(first.len_utf8(), |sign| sign.len());
        let (word, after) = rest.split_at(if name > 0 { name } else { sign });
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// Whether the word at a place is a type that closes, and its `new` is named, or could be by a name that is not found:
/// another one in a `use`, that of an alias, or the `Self` of a trait. Over lines, as spaces do not matter.
fn closes(words: &[Word<'_>], at: usize) -> bool {
    let word = |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", |(_, word)| *word);
    if !CLOSERS.contains(&word(Some(at))) {
        return false;
    }
    // What stands before the path that the type ends.
    let mut begin = at;
    while word(begin.checked_sub(1)) == "::" {
        let is_name = word(begin.checked_sub(2)).starts_with(|c: char| c.is_alphanumeric() || c == '_');
        begin -= if is_name { 2 } else { 1 };
    }
    let before = word(begin.checked_sub(1));
    let statement = words.iter().take(begin).rev().map(|(_, word)| *word);
    let in_alias = statement.take_while(|word| !matches!(*word, ";" | "{" | "}")).any(|word| word == "type");
    if word(Some(at + 1)) == "as" || before == "for" || (before == "=" && in_alias) {
        return true;
    }
    let mut next = at + 1;
    if word(Some(next)) == "::" && word(Some(next + 1)) == "<" {
        next += 1;
    }
    if word(Some(next)) == "<" {
        let mut depth = 0_usize;
        while next < words.len() {
            match word(Some(next)) {
                "<" => depth += 1,
                ">" => depth = depth.saturating_sub(1),
                _ => {}
            }
            next += 1;
            if depth == 0 {
                break;
            }
        }
    }
    // `<Protected<_>>::new`, but not `Vec::<Protected<_>>::new`.
    if before == "<" && word(begin.checked_sub(2)) != "::" && word(Some(next)) == ">" {
        next += 1;
    }
    word(Some(next)) == "::" && word(Some(next + 1)) == "new"
}

/// What a line of a closed crate must not say.
fn leaks(path: &str, code: &str, std_allowed: &[&str]) -> Vec<String> {
    let mut messages = Vec::new();
    for (at, _) in code.match_indices("std") {
        let before = code.get(..at).and_then(|head| head.chars().next_back());
        let tail = code.get(at + 3..).unwrap_or_default();
        let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
        if before.is_some_and(part_of_name) || tail.starts_with(part_of_name) {
            continue;
        }
        let named: String =
            tail.strip_prefix("::").unwrap_or_default().chars().take_while(|c| part_of_name(*c)).collect();
        if !std_allowed.contains(&named.as_str()) {
            messages.push(format!(
                "`std::{named}` in a crate that sees bank data in the clear; it may name: {}",
                if std_allowed.is_empty() { "nothing of `std`".to_owned() } else { std_allowed.join(", ") }
            ));
        }
    }
    let lifetime_aside = code.replace("'static", "");
    let allowed = STATICS.iter().any(|(file, text)| *file == path && code.trim().starts_with(text));
    if has_word(&lifetime_aside, "static") && !allowed {
        messages.push("a static could keep bank data".to_owned());
    }
    let extern_alloc = code.trim() == "extern crate alloc;";
    if (has_word(code, "extern") && !extern_alloc) || has_word(code, "unsafe") {
        messages.push("nothing foreign and nothing unsafe in a crate that sees bank data".to_owned());
    }
    // A constant is computed by the compiler: no value of a customer is in it.
    if !code.trim_start().starts_with("const _:") {
        messages.extend(
            MACROS
                .iter()
                .filter(|name| has_word(code, name))
                .map(|name| format!("`{name}` prints or panics: bank data could be in its message")),
        );
    }
    messages.extend(
        CALLS
            .iter()
            .filter(|call| code.contains(*call))
            .map(|call| format!("`{call}` panics with what it met: return the error")),
    );
    messages
}

/// Whether a manifest opens the gate for anything but tests.
pub(crate) fn check_manifest(source: &Source) -> Vec<Finding> {
    const FEATURE: &str = "open-in-tests";
    let mut section = "";
    let mut findings = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim();
        }
        let declared = section == "[features]" && source.path == "crates/amana-gate/Cargo.toml";
        let is_comment = line.trim_start().starts_with('#');
        if line.contains(FEATURE) && !is_comment && section != "[dev-dependencies]" && !declared {
            let message = format!("`{FEATURE}` opens the gate: only in [dev-dependencies], not in {section}");
            findings.push(Finding::new(&source.path, index + 1, message));
        }
    }
    findings
}

fn is_test(path: &str) -> bool {
    ["/tests/", "/examples/", "/benches/"].iter().any(|part| path.contains(part))
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

    const RENDER: &str = "crates/amana-render/src/say.rs";

    /// Goal: each way for a crate that sees bank data to keep it or let it out is found.
    #[test]
    fn closed_crates_have_no_way_out() {
        for line in [
            "use std::fs;",
            "use std::net::TcpStream;",
            "std::io::stdout();",
            "use std::{fs};",
            "use std as s;",
            "extern crate std;",
            "println!(\"{x:?}\");",
            "panic!(\"{x}\");",
            "assert_eq!(a, b);",
            "static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());",
            "static CATALOGUE: LazyLock<Catalogue> = x;",
            "thread_local! {}",
            "extern \"C\" { fn write(); }",
            "let x = y.unwrap();",
            "let x = y.expect(\"\");",
            "unsafe {}",
        ] {
            assert!(!found(RENDER, line).is_empty(), "{line}");
            assert!(found("crates/amana-flow/src/a.rs", line).is_empty(), "another crate: {line}");
        }
        for line in [
            "use std::collections::BTreeMap;",
            "use std::fmt;",
            "const NAME: &'static str = \"\";",
            "// println! in a comment",
            "let text = \"std::fs\";",
            "#[expect(clippy::x, reason = \"\")]",
            "const _: () = assert!(A < B);",
            "let understood = 1;",
        ] {
            assert!(found(RENDER, line).is_empty(), "{line}: {:?}", found(RENDER, line));
        }
        let catalogue = "    static CATALOGUE: LazyLock<Catalogue> =\n";
        assert!(found("crates/amana-render/src/catalogue.rs", catalogue).is_empty());
        assert!(!found("crates/amana-pure/src/a.rs", "use std::fmt;").is_empty(), "nothing of std at all");
    }

    /// Goal: tests may print; what comes after them may not.
    #[test]
    fn tests_are_exempt_and_end() {
        let text =
            "#[cfg(test)]\nmod tests {\n    fn a() { println!(\"x\"); }\n}\nfn b() { println!(\"y\"); }\n";
        let found = found(RENDER, text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/amana-render/src/say.rs:5:"), "{found:?}");
    }

    /// Goal: the pure crate stays what it is.
    #[test]
    fn the_pure_crate_is_no_std() {
        assert!(found("crates/amana-pure/src/lib.rs", "//! Doc\n\n#![no_std]\n").is_empty());
        assert_eq!(found("crates/amana-pure/src/lib.rs", "//! Doc\n").len(), 1);
    }

    /// Goal: what opens is called where the table says, and in tests.
    #[test]
    fn doors_are_few() {
        assert_eq!(found("crates/amana-web/src/pages.rs", "html.push_str(&shown.into_html());").len(), 1);
        assert!(found("crates/amana-web/src/respond.rs", "html.push_str(&shown.into_html());").is_empty());
        assert!(found("crates/amana-flow/tests/it/a.rs", "shown.into_html();").is_empty());
        assert_eq!(found("crates/amana-flow/src/egress.rs", "released.into_body();").len(), 1);
        assert_eq!(found("crates/amana-flow/src/egress.rs", "use amana_channel::PageToken;").len(), 1);
        assert_eq!(found("crates/amana/src/gateway.rs", "use amana_channel::PageToken;").len(), 1);
        assert!(found("crates/amana/src/config/mod.rs", "use amana_channel::PageToken;").is_empty());
        let wrapped = "let read = key.wrap(&mine, b\"\", entropy);";
        assert_eq!(found("crates/amana-flow/src/export.rs", wrapped).len(), 1);
        assert!(found("crates/amana-store/src/keyring.rs", wrapped).is_empty());
    }

    /// Goal: nobody but a bank's connector closes a value, which could be a guess, however it is spelled.
    #[test]
    fn values_are_closed_where_a_bank_is_read() {
        for text in [
            "let guess = Protected::new(subject, body);",
            "Unaddressed::new(body).about(subject)",
            "bodies.map(Unaddressed::new)",
            "let guess = Protected\n    ::new(subject, body);",
            "let guess = Protected::<BankEventBody>::new(subject, body);",
            "let guess = Protected::<Vec<(Account, Page<_>)>>::new(subject, body);",
            "let guess = <Protected<_>>::new(subject, body);",
            "return <amana_gate::Protected<Page<Transaction>>>::new(subject, body);",
            "let guess = <Protected<_> >\n    ::new(subject, body);",
            "let guess = ::amana_gate::Protected :: new(subject, body);",
            "use amana_gate::{Protected as Closed, Subject};",
            "use amana_gate::Protected\n    as Closed;",
            "use amana_gate::{Subject, Unaddressed // by another name\n    as Open};",
            "type Closed<T> = Protected<T>;",
            "pub(crate) type Guess =\n    amana_gate::Unaddressed<BankEventBody>;",
            "impl Made for Thing {\n    type Out = Protected<Page<Transaction>>;\n}",
            "impl<T: BankData> Make for amana_gate::Protected<T> {}",
        ] {
            let found = |path: &str| found(path, text).len();
            assert_eq!(found("crates/amana-flow/src/update.rs"), 1, "{text}");
            assert_eq!(found("crates/amana/src/bench/rig.rs"), 1, "{text}");
            assert_eq!(found("crates/amana-bank/src/news.rs"), 0, "{text}");
            assert_eq!(found("crates/amana/src/bench/decide.rs"), 0, "{text}");
            assert_eq!(found("crates/amana-flow/tests/it/support.rs"), 0, "{text}");
        }
        for text in [
            "Protected::begun(subject)",
            "Protected::<BankEventBody>::unseal(subject, key, b\"\", sealed)",
            "let rows = Vec::<Protected<BankEventBody>>::new();",
            "let rows: Vec<Protected<BankEventBody>> = Vec::new();",
            "type Rows = Vec<(BankEvent, Protected<BankEventBody>)>;",
            "type Rows = BTreeMap<u8, u8>;\nlet begun = Protected::begun(subject);",
            "fn rows(of: &Protected<Page<Transaction>>) -> Page { Page::new() }",
            "let renewed = ProtectedRows::new();",
            "let x = \"Protected::new\"; // Protected::new",
        ] {
            let found = found("crates/amana-flow/src/update.rs", text);
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }

    /// Goal: bytes become a bank's events where their sender has proved to be the bank, and nowhere else.
    #[test]
    fn a_banks_bytes_are_read_where_its_sender_is_known() {
        for text in [
            "let guess = parse_events(&bank, media, &raw)?.events;",
            "use amana_bank::{IntakeError, parse_binary_event};",
            "use amana_bank::events::parse_events as read;",
            "amana_bank\n    ::parse_notification(&bank, file)",
        ] {
            for path in [
                "crates/amana-flow/src/poll.rs",
                "crates/amana/src/demo/mod.rs",
                "crates/amana-web/src/api.rs",
            ] {
                assert_eq!(found(path, text).len(), 1, "{path}: {text}");
            }
            for path in [
                "crates/amana-web/src/events.rs",
                "crates/amana-kafka/src/record.rs",
                "counts/benches/hot.rs",
            ] {
                assert!(found(path, text).is_empty(), "{path}: {text}");
            }
        }
        let another = found("crates/amana-flow/src/poll.rs", "let read = parse_events_of(day);");
        assert!(another.is_empty(), "{another:?}");
    }

    /// Goal: the feature that opens the gate for tests is nobody's normal dependency.
    #[test]
    fn the_gate_opens_for_tests_alone() {
        let manifest = |path: &str, text: &str| {
            check_manifest(&Source { path: path.to_owned(), text: text.to_owned() }).len()
        };
        let line = "amana-gate = { workspace = true, features = [\"open-in-tests\"] }\n";
        assert_eq!(manifest("crates/a/Cargo.toml", &format!("[dev-dependencies]\n{line}")), 0);
        assert_eq!(manifest("crates/a/Cargo.toml", &format!("[dependencies]\n{line}")), 1);
        assert_eq!(manifest("crates/a/Cargo.toml", "[features]\nx = [\"amana-gate/open-in-tests\"]\n"), 1);
        assert_eq!(manifest("crates/amana-gate/Cargo.toml", "[features]\nopen-in-tests = []\n"), 0);
    }
}
