//! C2SP `tlog-policy`: a file that says which logs are known and which witnesses must have cosigned a checkpoint.

use std::collections::HashSet;

use crate::LogError;
use crate::limits::{POLICY_MAX_BYTES, POLICY_MAX_NAMES};
use crate::note::{KeyKind, Note, VerifierKey};

/// A log of a policy file.
#[derive(Clone, Debug)]
pub struct PolicyLog {
    /// The key that its checkpoints are signed with; its name is the log's origin.
    pub key: VerifierKey,
    /// The log's address, where the file gives one.
    pub url: Option<String>,
}

/// A witness of a policy file.
#[derive(Clone, Debug)]
pub struct PolicyWitness {
    /// What the policy file calls it.
    pub name: String,
    /// The key that it cosigns with.
    pub key: VerifierKey,
    /// Where checkpoints are submitted to it, where the file says so.
    pub url: Option<String>,
}

/// What a name in the file stands for.
#[derive(Clone, Debug)]
enum Rule {
    /// The witness with this place in the list.
    Witness(usize),
    /// So many of these earlier names.
    Group { threshold: usize, members: Vec<usize> },
}

/// A policy file.
#[derive(Clone, Debug)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    /// In the order of the file: a group refers to earlier ones only.
    rules: Vec<Rule>,
    /// The rule that must hold; `None` for `quorum none`.
    quorum: Option<usize>,
}

/// The name that stands for no witness at all.
const NONE: &str = "none";

struct Parser<'a> {
    policy: Policy,
    names: Vec<&'a str>,
    members: HashSet<usize>,
    quorum: bool,
}

impl<'a> Parser<'a> {
    fn line(&mut self, words: &[&'a str]) -> Result<(), &'static str> {
        match words {
            [] => Ok(()),
            ["log", key] => self.log(key, None),
            ["log", key, url] => self.log(key, Some(url)),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, threshold, members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            ["log" | "witness" | "group" | "quorum", ..] => Err("it has too few or too many words"),
            _ => Err("it begins with none of `log`, `witness`, `group`, `quorum`"),
        }
    }

    fn key(&self, key: &str, kind: KeyKind) -> Result<VerifierKey, &'static str> {
        let key = VerifierKey::parse(key).map_err(|error| match error {
            LogError::Key { what } => what,
            _ => "the key does not parse",
        })?;
        if key.kind() != kind {
            return Err("a log's key has type 1, a witness's type 4");
        }
        let Policy { logs, witnesses, .. } = &self.policy;
        let mut known = logs.iter().map(|log| &log.key).chain(witnesses.iter().map(|witness| &witness.key));
        if known.any(|known| known.kind() == kind && known.public() == key.public()) {
            return Err("the same key stands twice");
        }
        Ok(key)
    }

    fn log(&mut self, key: &str, url: Option<&&str>) -> Result<(), &'static str> {
        let key = self.key(key, KeyKind::Ed25519)?;
        self.policy.logs.push(PolicyLog { key, url: url.map(ToString::to_string) });
        Ok(())
    }

    fn name(&mut self, name: &'a str, rule: Rule) -> Result<(), &'static str> {
        if name == NONE || self.names.contains(&name) {
            return Err("the name is taken");
        }
        self.names.push(name);
        self.policy.rules.push(rule);
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize, &'static str> {
        self.names.iter().position(|known| *known == name).ok_or("no line before this one defines the name")
    }

    fn witness(&mut self, name: &'a str, key: &str, url: Option<&&str>) -> Result<(), &'static str> {
        let key = self.key(key, KeyKind::Cosignature)?;
        self.name(name, Rule::Witness(self.policy.witnesses.len()))?;
        self.policy.witnesses.push(PolicyWitness {
            name: name.to_owned(),
            key,
            url: url.map(ToString::to_string),
        });
        Ok(())
    }

    fn group(&mut self, name: &'a str, threshold: &str, members: &[&str]) -> Result<(), &'static str> {
        let members = members.iter().map(|member| self.find(member)).collect::<Result<Vec<_>, _>>()?;
        // Else one witness would count twice.
        if !members.iter().all(|member| self.members.insert(*member)) {
            return Err("a name may be a member only once in the file");
        }
        let plain = !threshold.starts_with(['+', '0']);
        let threshold = match threshold {
            "all" => members.len(),
            "any" => 1,
            number => {
                number.parse().ok().filter(|_| plain).ok_or("the threshold is no number, `any` or `all`")?
            }
        };
        if threshold == 0 || threshold > members.len() {
            return Err("the threshold is not between 1 and the number of members");
        }
        self.name(name, Rule::Group { threshold, members })
    }

    fn quorum(&mut self, name: &str) -> Result<(), &'static str> {
        if self.quorum {
            return Err("there is a `quorum` line already");
        }
        self.quorum = true;
        self.policy.quorum = if name == NONE { None } else { Some(self.find(name)?) };
        Ok(())
    }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// The first line that is wrong, and how. Files above [`POLICY_MAX_BYTES`] or [`POLICY_MAX_NAMES`] are refused.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let whole = |what| LogError::Policy { line: 0, what };
        if text.len() > POLICY_MAX_BYTES {
            return Err(whole("the file is too long"));
        }
        let policy = Self { logs: Vec::new(), witnesses: Vec::new(), rules: Vec::new(), quorum: None };
        let mut parser = Parser { policy, names: Vec::new(), members: HashSet::new(), quorum: false };
        for (number, line) in (1..).zip(text.split('\n')) {
            let bad = |what| LogError::Policy { line: number, what };
            if line.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
                return Err(bad("it has a control character; a line ends with a newline alone"));
            }
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_some_and(|word| word.starts_with('#')) {
                continue;
            }
            parser.line(&words).map_err(bad)?;
            if parser.names.len() + parser.policy.logs.len() > POLICY_MAX_NAMES {
                return Err(bad("the file defines too many names"));
            }
        }
        if parser.quorum { Ok(parser.policy) } else { Err(whole("there is no `quorum` line")) }
    }

    /// The logs it knows.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses it knows.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Whether a log's key is in it.
    #[must_use]
    pub fn knows(&self, log: &VerifierKey) -> bool {
        self.logs.iter().any(|known| known.key == *log)
    }

    /// Holds the note's cosignatures against the quorum: the names of the witnesses whose cosignatures are good, and
    /// whether they are enough. A cosignature that is not good counts as none.
    #[must_use]
    pub fn weigh(&self, note: &Note) -> Weighed {
        let good: Vec<bool> =
            self.witnesses.iter().map(|witness| note.signed_by(&witness.key).is_some()).collect();
        let mut holds: Vec<bool> = Vec::new();
        for rule in &self.rules {
            holds.push(match rule {
                Rule::Witness(place) => good.get(*place).copied().unwrap_or(false),
                Rule::Group { threshold, members } => {
                    let cosigned =
                        members.iter().filter(|member| holds.get(**member).copied().unwrap_or(false));
                    cosigned.count() >= *threshold
                }
            });
        }
        let quorum = self.quorum.is_none_or(|quorum| holds.get(quorum).copied().unwrap_or(false));
        let named = self.witnesses.iter().zip(good).filter(|(_, good)| *good);
        Weighed { quorum, witnesses: named.map(|(witness, _)| witness.name.clone()).collect() }
    }

    /// Adds to `note` those signatures that a witness of this policy made over it; how many.
    pub fn collect(&self, note: &mut Note, signatures: &[crate::note::Signature]) -> usize {
        let keys = || self.witnesses.iter().map(|witness| &witness.key);
        signatures.iter().filter(|signature| keys().any(|key| note.add(signature, key))).count()
    }
}

/// What a policy finds of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// Whether the cosignatures are enough.
    pub quorum: bool,
    /// Who cosigned, by the names of the policy file.
    pub witnesses: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::merkle::EMPTY_ROOT;
    use crate::note::{Cosigner, LogSigner};

    fn keys() -> (LogSigner, Vec<Cosigner>) {
        let log = LogSigner::new("example.org/log", &[9; 32]).unwrap();
        let witness = |number: u8| Cosigner::new(&format!("example.org/w{number}"), &[number; 32]).unwrap();
        (log, (0..5).map(witness).collect())
    }

    /// The example of the specification: two of three X and one of two Y.
    fn example() -> String {
        let (log, witnesses) = keys();
        let key = |place: usize| witnesses[place].verifier().to_string();
        format!(
            "# who must have signed\nlog {}\t https://example.org/log \n\nwitness X1 {}\nwitness X2 {}\n  witness X3 {}\n\
             group X-witnesses 2 X1 X2 X3\nwitness Y1 {} https://example.org/y\nwitness Y2 {}\n\
             group Y-witnesses any Y1 Y2\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
            log.verifier(),
            key(0),
            key(1),
            key(2),
            key(3),
            key(4)
        )
    }

    #[test]
    fn a_quorum_is_what_the_groups_say() {
        let (log, witnesses) = keys();
        let policy = Policy::parse(&example()).unwrap();
        assert!(policy.knows(log.verifier()));
        assert!(!policy.knows(witnesses[0].verifier()));
        assert_eq!(policy.witnesses()[3].url.as_deref(), Some("https://example.org/y"));
        let checkpoint = Checkpoint { origin: "example.org/log".to_owned(), size: 0, root: EMPTY_ROOT };
        for chosen in 0..32_usize {
            let mut note = checkpoint.sign(&log).unwrap();
            let is = |place: usize| chosen >> place & 1 == 1;
            for (place, witness) in witnesses.iter().enumerate() {
                if is(place) {
                    let signature = witness.cosign(note.text(), 1);
                    assert_eq!(policy.collect(&mut note, &[signature]), 1);
                }
            }
            let x = (0..3).filter(|place| is(*place)).count();
            let expected = x >= 2 && (is(3) || is(4));
            let weighed = policy.weigh(&note);
            assert_eq!(weighed.quorum, expected, "{chosen:05b}");
            assert_eq!(weighed.witnesses.len(), chosen.count_ones() as usize);
        }
        let note = checkpoint.sign(&log).unwrap();
        assert!(Policy::parse("quorum none").unwrap().weigh(&note).quorum);
    }

    #[test]
    fn a_wrong_file_says_its_line() {
        let (log, witnesses) = keys();
        let w0 = witnesses[0].verifier().to_string();
        let log = log.verifier().to_string();
        for (text, line) in [
            (String::new(), 0),
            (format!("log {log}\n"), 0),
            (format!("log {log}\nlog {log}\nquorum none\n"), 2),
            (format!("log {w0}\nquorum none\n"), 1),
            (format!("witness a {log}\nquorum a\n"), 1),
            (format!("witness none {w0}\nquorum none\n"), 1),
            (format!("witness a {w0}\nwitness a {w0}\nquorum a\n"), 2),
            ("quorum a\n".to_owned(), 1),
            ("quorum none\nquorum none\n".to_owned(), 2),
            (format!("witness a {w0}\ngroup g 2 a\nquorum g\n"), 2),
            (format!("witness a {w0}\ngroup g 0 a\nquorum g\n"), 2),
            (format!("witness a {w0}\ngroup g 01 a\nquorum g\n"), 2),
            (format!("witness a {w0}\ngroup g all\nquorum g\n"), 2),
            (format!("witness a {w0}\ngroup g any a a\nquorum g\n"), 2),
            (format!("witness a {w0}\ngroup g any a\ngroup h any a g\nquorum h\n"), 3),
            (format!("witness a {w0}\ngroup g any g\nquorum g\n"), 2),
            ("quorum none\r\n".to_owned(), 1),
            ("quorum none more\n".to_owned(), 1),
            ("Quorum none\n".to_owned(), 1),
        ] {
            match Policy::parse(&text) {
                Err(LogError::Policy { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
