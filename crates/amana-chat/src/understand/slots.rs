//! The shop that a question names, as the customer wrote it.

use super::lexicon as lex;
use super::when::When;
use super::words::Words;
use crate::limits::{MERCHANT_CHARS_MAX, MERCHANT_WORDS_MAX};

/// Prepositions before a shop, the surest first.
const BEFORE: &[&[&str]] = &[
    &["at", "عند", "لدي"],
    &["on", "في", "علي", "ع", "فى"],
    &["from", "in", "with", "to", "من", "مع"],
    &["for"],
];

/// Words at which a shop's name ends.
const ENDS: &[&str] = &[
    "at",
    "on",
    "in",
    "from",
    "with",
    "this",
    "last",
    "during",
    "since",
    "between",
    "please",
    "pls",
    "today",
    "yesterday",
    "so",
    "past",
    "altogether",
    "total",
    "recently",
    "lately",
    "using",
    "again",
    "did",
    "was",
    "have",
    "until",
    "over",
    "within",
    "for",
    "per",
    "ever",
    "now",
    "and",
    "but",
    "then",
    "thanks",
    "in",
    "by",
    "is",
    "i",
    "في",
    "من",
    "علي",
    "عند",
    "خلال",
    "منذ",
    "لو",
    "كم",
    "اليوم",
    "امس",
    "هذا",
    "هذه",
    "اخر",
    "الان",
    "الي",
    "حتي",
    "بس",
    "رجا",
    "كلها",
    "كله",
    "بالكامل",
    "شكرا",
    "الحين",
    "لحد",
    "بالشهر",
    "بطاقتي",
    "اللي",
];

/// Words that are no shop.
const NO_SHOP: &[&str] = &[
    "the",
    "a",
    "an",
    "my",
    "me",
    "it",
    "that",
    "all",
    "everything",
    "everywhere",
    "anything",
    "total",
    "average",
    "general",
    "account",
    "accounts",
    "card",
    "cards",
    "credit",
    "debit",
    "checking",
    "savings",
    "bank",
    "them",
    "there",
    "here",
    "stuff",
    "things",
    "shopping",
    "money",
    "cash",
    "purchases",
    "transactions",
    "spending",
    "month",
    "week",
    "year",
    "day",
    "days",
    "much",
    "what",
    "which",
    "each",
    "every",
    "file",
    "record",
    "own",
    "chat",
    "history",
    "activity",
    "your",
    "our",
    "past",
    "last",
    "recent",
    "حسابي",
    "الحساب",
    "حساب",
    "حساباتي",
    "بطاقتي",
    "البطاقه",
    "بطاقه",
    "بدايه",
    "اول",
    "beginning",
    "start",
    "البنك",
    "بنك",
    "كل",
    "شي",
    "المجموع",
    "الكل",
    "اموالي",
    "فلوسي",
    "فلوس",
    "المال",
    "هنا",
    "هناك",
    "كم",
    "العام",
    "الحين",
    "المشتريات",
    "التسوق",
    "عام",
    "المعاملات",
];

/// The shop, if the words name one. `verb` is where "spent" stands: "paid Netflix", "my Amazon spending".
pub(super) fn merchant(
    text: &str,
    words: &Words<'_>,
    when: Option<&When>,
    verb: Option<(usize, usize)>,
) -> Option<String> {
    quoted(text)
        .or_else(|| {
            BEFORE.iter().find_map(|group| {
                (0..words.len())
                    .filter(|i| group.contains(&words.at(*i)) && when.is_none_or(|w| !w.covers(*i)))
                    .find_map(|i| name(words, i + 1, when))
            })
        })
        .or_else(|| attached(words, when))
        .or_else(|| {
            let (at, len) = verb?;
            let direct = ["paid", "pay", "دفعت"].contains(&words.at(at));
            if direct && let Some(name) = name(words, at + len, when) {
                // "دفعت لنتفلكس": the preposition is grown onto the name.
                return Some(name.strip_prefix('ل').map(str::to_owned).unwrap_or(name));
            }
            let after_name = ["spending", "expenses", "spendings", "cost", "costs"].contains(&words.at(at));
            after_name.then(|| name_before(words, at))?
        })
}

/// What stands in quotation marks, if it is short enough to be a name.
fn quoted(text: &str) -> Option<String> {
    const MARKS: [(char, char); 4] = [('"', '"'), ('“', '”'), ('«', '»'), ('„', '“')];
    MARKS.iter().find_map(|(open, close)| {
        let (_, rest) = text.split_once(*open)?;
        let (inside, _) = rest.split_once(*close)?;
        tidy(inside)
    })
}

/// The name that begins at a word: to the time, an ending word, a mark, or the most words that a name has.
fn name(words: &Words<'_>, start: usize, when: Option<&When>) -> Option<String> {
    let mut start = start;
    while ["the", "a", "an", "my", "محل", "متجر", "مطعم_"].contains(&words.at(start)) {
        start += 1;
    }
    let mut end = start;
    while end < words.len()
        && end - start < MERCHANT_WORDS_MAX
        && when.is_none_or(|w| !w.covers(end))
        && !ENDS.contains(&words.at(end))
    {
        end += 1;
        if ends_clause(words, end - 1) {
            break;
        }
    }
    between(words, start, end)
}

/// Whether a mark that ends a clause stands after a word.
fn ends_clause(words: &Words<'_>, i: usize) -> bool {
    let chunk = |j: usize| words.words.get(j).map(|w| w.chunk);
    let last_of_chunk = chunk(i) != chunk(i + 1);
    let raw = chunk(i).and_then(|c| words.chunks.get(c)).copied().unwrap_or_default();
    last_of_chunk && raw.ends_with(['?', '!', ',', ';', '.', ':', '؟', '،', '؛', '…'])
}

/// "my Amazon spending": the words before it that are no filler.
fn name_before(words: &Words<'_>, at: usize) -> Option<String> {
    const FILL: [&str; 18] = [
        "show", "me", "whats", "what", "is", "was", "are", "how", "much", "total", "monthly", "weekly",
        "tell", "about", "did", "does", "has", "do",
    ];
    let mut start = at;
    while let Some(before) = start.checked_sub(1) {
        let word = words.at(before);
        if FILL.contains(&word) || NO_SHOP.contains(&word) || ENDS.contains(&word) || at - before > 3 {
            break;
        }
        start = before;
    }
    between(words, start, at)
}

/// "بستاربكس": the preposition grown onto the name. Only after a word for spending or transactions.
fn attached(words: &Words<'_>, when: Option<&When>) -> Option<String> {
    let verb = words
        .find(&lex::SPENT)
        .or_else(|| words.find(&lex::SPEND))
        .or_else(|| words.find(&lex::TRANSACTIONS));
    let after = verb.map(|(i, n)| i + n)?;
    (after..words.len()).filter(|i| when.is_none_or(|w| !w.covers(*i))).find_map(|i| {
        let bare = words.at(i).strip_prefix('ب').filter(|rest| rest.chars().count() >= 3)?;
        let known = words.phrase_at(&lex::CARD, i).is_some()
            || NO_SHOP.contains(&bare)
            || ENDS.contains(&words.at(i));
        if known {
            return None;
        }
        let whole = name(words, i, when)?;
        whole.strip_prefix('ب').map(|n| n.trim_start_matches('ـ').to_owned())
    })
}

/// The text of the words from `start` to before `end`, if it is a name.
fn between(words: &Words<'_>, start: usize, end: usize) -> Option<String> {
    if start >= end
        || (start..end)
            .all(|i| NO_SHOP.contains(&words.at(i)) || words.at(i).bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    // "my credit card": what begins with an account is no shop.
    if NO_SHOP.contains(&words.at(start)) && words.at(start).is_ascii() {
        return None;
    }
    let chunk = |i: usize| words.words.get(i).map(|w| w.chunk);
    let (first, last) = (chunk(start)?, chunk(end - 1)?);
    tidy(&words.chunks.get(first..=last)?.join(" "))
}

/// A name without marks at its ends; `None` if nothing is left or it is too long for a name.
fn tidy(name: &str) -> Option<String> {
    let name = amana_render::format::clean(name);
    let name = name.trim_matches(|c: char| !c.is_alphanumeric() && !"%&+#".contains(c));
    let name = name
        .strip_suffix("'s")
        .or_else(|| name.strip_suffix("’s"))
        .filter(|n| n.contains('@'))
        .unwrap_or(name);
    let fits = name.chars().count() <= MERCHANT_CHARS_MAX && name.split(' ').count() <= MERCHANT_WORDS_MAX;
    (fits && name.chars().any(char::is_alphabetic)).then(|| name.to_owned())
}
