//! Values that occur nowhere else, and the search for them in eight encodings.
//!
//! Every text begins with a prefix that is searched for, and says after it what it is and whose; every amount begins
//! with the same seven digits, and its number says whose it is. So two dozen patterns find millions of different
//! values, and a piece of one is enough.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How texts in Latin letters begin, and those in Arabic letters.
const LATIN: &str = "Kq7Zx4Wv";
const ARABIC: &str = "قهظوكزغث";
/// How amounts begin when they are written: `73,910,000,000.00` and so on.
const AMOUNT: &str = "73,910,00";
const AMOUNT_ARABIC: &str = "٧٣٬٩١٠٬٠٠";
/// The same without separators, as digits: then six digits follow, with or without a point before the last two.
const AMOUNT_PLAIN: &str = "7391000";
/// The first amount, in minor units.
const AMOUNT_FIRST: u64 = 7_391_000_000_000;
/// How many amounts there are.
pub(crate) const AMOUNTS: usize = 1_000_000;
/// How the ids of persons at the platform begin.
pub(crate) const PERSON: &str = "884219";

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// An amount or balance.
    Amount,
    /// A shop or payer.
    Merchant,
    /// What the customer calls an account.
    Nickname,
    /// What a person wrote in the chat.
    Typed,
    /// The bank's id of an account.
    AccountId,
    /// Anything else that a bank says: numbers, ids, descriptions, addresses, subjects.
    Other,
    /// Tokens and codes of banks.
    Token,
    /// Secrets of the configuration.
    Secret,
    /// What the platform or a bank says in an error.
    Complaint,
    /// The id of a person at the platform.
    Person,
}

const CLASSES: &[(Class, char)] = &[
    (Class::Merchant, 'M'),
    (Class::Nickname, 'N'),
    (Class::Typed, 'Q'),
    (Class::AccountId, 'A'),
    (Class::Other, 'O'),
    (Class::Token, 'T'),
    (Class::Secret, 'S'),
    (Class::Complaint, 'C'),
];

/// A text of a class that belongs to somebody.
pub(crate) fn text(class: Class, owner: usize, n: usize) -> String {
    marked(LATIN, class, owner, n)
}

/// The same, beginning in Arabic letters.
pub(crate) fn arabic(class: Class, owner: usize, n: usize) -> String {
    marked(ARABIC, class, owner, n)
}

fn marked(prefix: &str, class: Class, owner: usize, n: usize) -> String {
    let letter = CLASSES.iter().find(|(c, _)| *c == class).expect("a class of texts").1;
    format!("{prefix}{letter}{owner:02}{n:07}")
}

/// The `n`-th amount, as a JSON number with two decimals.
pub(crate) fn amount(n: usize) -> String {
    let minor = AMOUNT_FIRST + u64::try_from(n % AMOUNTS).expect("small");
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// How the `n`-th amount is said in English.
pub(crate) fn said(n: usize) -> String {
    let minor = AMOUNT_FIRST + u64::try_from(n % AMOUNTS).expect("small");
    let whole = minor / 100;
    let thousands = [1_000_000, 1_000, 1].map(|unit| format!("{:03}", whole / unit % 1_000));
    format!("{},{}.{:02}", whole / 1_000_000_000, thousands.join(","), minor % 100)
}

/// The numbers of all amounts that are said in a text, in English or in Arabic digits.
pub(crate) fn amounts_said(text: &str) -> Vec<usize> {
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, ',' | '٬'))
        .map(|c| match c {
            '٠'..='٩' => char::from_digit(u32::from(c) - u32::from('٠'), 10).unwrap_or(c),
            '٫' => '.',
            c => c,
        })
        .collect();
    let said = plain.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|word| {
        let minor: u64 = word.trim_matches('.').replace('.', "").parse().ok()?;
        let number = usize::try_from(minor.checked_sub(AMOUNT_FIRST)?).ok()?;
        (number < AMOUNTS).then_some(number)
    });
    said.collect()
}

/// Whose a shop is, and the number of what was bought there.
pub(crate) fn shop(word: &str) -> Option<(usize, usize)> {
    let rest = [LATIN, ARABIC].iter().find_map(|prefix| word.strip_prefix(prefix))?.strip_prefix('M')?;
    Some((rest.get(..2)?.parse().ok()?, rest.get(2..9)?.parse().ok()?))
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it is; `None` when it is encoded, so that only its beginning can be read.
    pub(crate) class: Option<Class>,
    /// Whose it is, as far as the text says it.
    pub(crate) owner: Option<usize>,
    /// In which encoding.
    pub(crate) encoding: &'static str,
    /// Where.
    pub(crate) at: usize,
}

/// The search.
pub(crate) struct Search {
    automaton: AhoCorasick,
    patterns: Vec<(&'static str, &'static str)>,
}

impl Search {
    pub(crate) fn new() -> Self {
        let mut bytes: Vec<Vec<u8>> = Vec::new();
        let mut patterns = Vec::new();
        for prefix in [LATIN, ARABIC, AMOUNT, AMOUNT_ARABIC] {
            for (encoding, pattern) in encodings(prefix) {
                if !bytes.contains(&pattern) {
                    bytes.push(pattern);
                    patterns.push((encoding, prefix));
                }
            }
        }
        bytes.push(PERSON.into());
        patterns.push(("as it is", PERSON));
        // Seven digits backwards are in many a number.
        for (encoding, pattern) in encodings(AMOUNT_PLAIN).into_iter().filter(|(name, _)| *name != "reversed")
        {
            if !bytes.contains(&pattern) {
                bytes.push(pattern);
                patterns.push((encoding, AMOUNT_PLAIN));
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(bytes)
            .expect("patterns");
        Self { automaton, patterns }
    }

    /// Everything that is found in some bytes.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<Found> {
        let found = self.automaton.find_overlapping_iter(bytes).filter_map(|m| {
            let (encoding, prefix) = self.patterns[m.pattern().as_usize()];
            let (class, owner) = match prefix {
                AMOUNT_PLAIN if encoding == "as it is" => {
                    (plain_amount(bytes, m.start()).then_some(Class::Amount)?, None)
                }
                // A number of its own, not a piece of an id in hexadecimal digits: its owner's two digits end it.
                PERSON => {
                    let owner = number(bytes.get(m.end()..m.end() + 2))?;
                    let part_of_more = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_alphanumeric);
                    if m.start().checked_sub(1).is_some_and(part_of_more) || part_of_more(m.end() + 2) {
                        return None;
                    }
                    (Class::Person, Some(owner))
                }
                AMOUNT | AMOUNT_ARABIC => (Class::Amount, None),
                _ if encoding == "as it is" => read(&bytes[m.end()..]).unwrap_or((Class::Other, None)),
                _ => return Some(Found { class: None, owner: None, encoding, at: m.start() }),
            };
            let class = (encoding == "as it is").then_some(class);
            Some(Found { class, owner, encoding, at: m.start() })
        });
        found.collect()
    }
}

/// Class and owner, behind the prefix.
fn read(rest: &[u8]) -> Option<(Class, Option<usize>)> {
    let letter = char::from(*rest.first()?).to_ascii_uppercase();
    let class = CLASSES.iter().find(|(_, c)| *c == letter)?.0;
    Some((class, number(rest.get(1..3))))
}

fn number(digits: Option<&[u8]>) -> Option<usize> {
    std::str::from_utf8(digits?).ok()?.parse().ok()
}

/// Whether these are the digits of an amount and not of some longer number, or of an id in hexadecimal digits.
fn plain_amount(bytes: &[u8], at: usize) -> bool {
    let part_of_more = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_alphanumeric);
    if at > 0 && part_of_more(at - 1) {
        return false;
    }
    let behind = bytes.get(at + AMOUNT_PLAIN.len()..).unwrap_or_default();
    let shape: Vec<u8> =
        behind.iter().take(7).map(|b| if b.is_ascii_digit() { b'0' } else { b'.' }).collect();
    let in_units = shape.starts_with(b"0000.00") && behind.get(4) == Some(&b'.');
    let end = at + AMOUNT_PLAIN.len();
    (in_units && !part_of_more(end + 7)) || (shape.starts_with(b"000000") && !part_of_more(end + 6))
}

/// The beginning of a value, in every encoding. Of base64 only the letters that do not depend on what stands around.
fn encodings(prefix: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = prefix.as_bytes();
    let mut all = vec![
        ("as it is", bytes.to_vec()),
        ("hex", hex::encode(bytes).into_bytes()),
        ("HEX", hex::encode_upper(bytes).into_bytes()),
        ("percent", bytes.iter().map(|b| format!("%{b:02X}")).collect::<String>().into_bytes()),
        ("reversed", prefix.chars().rev().collect::<String>().into_bytes()),
        ("utf-16", prefix.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("json", prefix.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>().into_bytes()),
    ];
    for shift in 0..3 {
        let padded = [vec![0; shift], bytes.to_vec()].concat();
        let (from, to) = ((8 * shift).div_ceil(6), 8 * padded.len() / 6);
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            all.push(("base64", text.as_bytes()[from..to].to_vec()));
        }
    }
    all
}

/// A search that finds nothing is worth nothing: every class, in every encoding, in the middle of other bytes.
#[test]
fn what_is_planted_is_found_in_each_encoding() {
    let search = Search::new();
    let texts = [
        text(Class::Merchant, 7, 3),
        arabic(Class::Other, 41, 9),
        said(77),
        "٧٣٬٩١٠٬٠٠٠٬٠٠٠٫٧٧".to_owned(),
        amount(77),
    ];
    for value in &texts {
        let b = value.as_bytes();
        let planted: [(&str, Vec<u8>); 8] = [
            ("as it is", b.to_vec()),
            ("hex", hex::encode(b).into_bytes()),
            ("HEX", hex::encode_upper(b).into_bytes()),
            ("percent", b.iter().map(|b| format!("%{b:02x}")).collect::<String>().into_bytes()),
            ("reversed", value.chars().rev().collect::<String>().into_bytes()),
            ("utf-16", value.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            ("json", value.encode_utf16().map(|u| format!("\\u{u:04X}")).collect::<String>().into_bytes()),
            ("base64", STANDARD_NO_PAD.encode(b).into_bytes()),
        ];
        for (encoding, bytes) in planted {
            if *value == amount(77) && ["as it is", "reversed"].contains(&encoding) {
                continue;
            }
            for before in 0..4 {
                let noise = [vec![b'x'; before], bytes.clone(), b"yyy".to_vec()].concat();
                assert!(!search.find(&noise).is_empty(), "{value} in {encoding}");
            }
            // Base64 of something longer, in which the value begins at any byte.
            for before in 0..3 {
                let longer = [vec![b' '; before], b.to_vec(), b"  ".to_vec()].concat();
                assert!(!search.find(URL_SAFE_NO_PAD.encode(longer).as_bytes()).is_empty(), "{value}");
            }
        }
    }
    for digits in [amount(77), amount(77).replace('.', "")] {
        let found = search.find(format!("{{\"x\":{digits}}}").as_bytes());
        assert_eq!(found.first().and_then(|f| f.class), Some(Class::Amount), "{digits}");
        assert!(
            search.find(format!("1{digits}").as_bytes()).is_empty()
                && search.find(format!("{digits}1").as_bytes()).is_empty()
        );
    }
    for text in [format!("you paid {}.", said(77)), "دفعت ٧٣٬٩١٠٬٠٠٠٬٠٠٠٫٧٧ دولار".to_owned()]
    {
        assert_eq!(amounts_said(&text), [77], "{text}");
    }
    assert_eq!(shop(&text(Class::Merchant, 7, 3)), Some((7, 3)));
    assert_eq!(shop(&arabic(Class::Merchant, 41, 1_234_567)), Some((41, 1_234_567)));
    assert_eq!(shop(&text(Class::Nickname, 7, 3)), None);
    let found = search.find(text(Class::Token, 12, 5).as_bytes());
    assert_eq!((found[0].class, found[0].owner), (Some(Class::Token), Some(12)));
    assert!(
        search.find(b"nothing 2026-11-24T10:00:00.123456Z msg_01a20cff7d0071e180f30fed0e54b6e1").is_empty()
    );
}
