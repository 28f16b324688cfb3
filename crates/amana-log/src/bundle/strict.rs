//! The JSON that a bundle and a receipt may be (`docs/disclosure-log.md`, "JSON"): what two parsers could read
//! differently is refused before either is asked. Written over the bytes, since what `serde_json` takes depends on what
//! else is built with it.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::limits::{JSON_MAX_DEPTH, TREE_MAX_LEAVES};

/// Whether `text` is one JSON object in which no member stands twice, nothing lies deeper than [`JSON_MAX_DEPTH`],
/// every number is whole and at most 2^53 − 1, and every string is Unicode. `Err` is the byte at which it is not.
pub(super) fn check(text: &str) -> Result<(), usize> {
    let mut scan = Scan { text, at: 0 };
    scan.blanks();
    let object = scan.peek() == Some(b'{');
    let whole = object && scan.value(0).is_some() && {
        scan.blanks();
        scan.at == text.len()
    };
    if whole { Ok(()) } else { Err(scan.at) }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes one byte, and the blanks behind it.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then_some(())?;
        self.at += 1;
        self.blanks();
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' => self.items(depth + 1, b'}', Some(HashSet::new())),
            b'[' => self.items(depth + 1, b']', None),
            b'"' => self.string().map(|_| ()),
            b'0'..=b'9' => self.number(),
            _ => ["true", "false", "null"]
                .into_iter()
                .find_map(|word| self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())),
        }
    }

    /// What is between two brackets; with `names`, those of an object.
    fn items(&mut self, depth: usize, end: u8, mut names: Option<HashSet<Cow<'a, str>>>) -> Option<()> {
        (depth <= JSON_MAX_DEPTH).then_some(())?;
        self.at += 1;
        self.blanks();
        if self.peek()? == end {
            self.at += 1;
            return Some(());
        }
        loop {
            if let Some(names) = &mut names {
                names.insert(self.string()?).then_some(())?;
                self.blanks();
                self.take(b':')?;
            }
            self.value(depth)?;
            self.blanks();
            if self.peek()? == end {
                self.at += 1;
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        (self.peek()? == b'"').then_some(())?;
        let from = self.at;
        let mut escaped = false;
        loop {
            self.at += 1;
            match self.peek()? {
                b'"' => break,
                // What is escaped is looked at below: here alone that an escaped quotation mark ends nothing.
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                0..0x20 => return None,
                _ => (),
            }
        }
        self.at += 1;
        let literal = self.text.get(from..self.at)?;
        if escaped {
            return serde_json::from_str::<String>(literal).ok().map(Cow::Owned);
        }
        literal.get(1..literal.len().checked_sub(1)?).map(Cow::Borrowed)
    }

    fn number(&mut self) -> Option<()> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let digits = self.text.get(from..self.at)?;
        let other =
            matches!(self.peek(), Some(b'.' | b'e' | b'E')) || (digits.len() > 1 && digits.starts_with('0'));
        (!other && digits.parse::<u64>().is_ok_and(|number| number <= TREE_MAX_LEAVES)).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_what_every_parser_reads_alike_is_taken() {
        for good in [
            "{}",
            " {\"a\":[1,0,9007199254740991,true,false,null,\"\\u00e9\\ud83e\\uddfe\"],\"b\":{\"a\":{}}}\n",
            "{\"\":\"\\\\\",\"\\\\\":\"\\\"\"}",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "[]",
            "1",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"\\u0061\":1}",
            "{\"a\":{\"b\":1,\"c\":2,\"b\":3}}",
            "{\"a\":-1}",
            "{\"a\":-0}",
            "{\"a\":1.0}",
            "{\"a\":1e0}",
            "{\"a\":01}",
            "{\"a\":9007199254740992}",
            "{\"a\":99999999999999999999999999}",
            "{\"a\":\"\\ud800\"}",
            "{\"\\udc00\":1}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\n\"}",
            "{\"a\":tru}",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":[1,]}",
            "{\"a\":[1}",
            "{} {}",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "\u{feff}{}",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert_eq!(check(&deep(16)), Ok(()));
        assert!(check(&deep(17)).is_err());
        assert!(check(&deep(100_000)).is_err());
    }
}
