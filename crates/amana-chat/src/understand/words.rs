//! A text as words that can be looked for: exactly, by their beginning, and with a small typing error.

use crate::limits::{TEXT_CHARS_MAX, WORDS_MAX};
use amana_pure::normalise;
use std::collections::HashMap;

/// One word of a text.
#[derive(Debug)]
pub(super) struct Word {
    /// Normalised.
    pub(super) norm: String,
    /// The piece of the text, between white space, that it comes from.
    pub(super) chunk: usize,
    /// Where each of its [`forms`] begins: a text is held against a thousand phrases, and they are the same each time.
    forms: Vec<usize>,
    /// The first letters of its forms, each once.
    firsts: Vec<char>,
}

impl Word {
    fn new(norm: &str, chunk: usize) -> Self {
        let forms: Vec<usize> = forms(norm).map(|form| norm.len() - form.len()).collect();
        let mut firsts: Vec<char> = forms.iter().filter_map(|at| norm.get(*at..)?.chars().next()).collect();
        firsts.sort_unstable();
        firsts.dedup();
        Self { norm: norm.to_owned(), chunk, forms, firsts }
    }

    fn forms(&self) -> impl Iterator<Item = &str> {
        self.forms.iter().filter_map(|at| self.norm.get(*at..))
    }
}

/// A text in words.
#[derive(Debug)]
pub(super) struct Words<'a> {
    /// The pieces between white space, as they were written.
    pub(super) chunks: Vec<&'a str>,
    /// The words.
    pub(super) words: Vec<Word>,
}

/// A phrase to look for: a pattern for each word.
type Phrase = Vec<Pattern>;

#[derive(Debug)]
struct Pattern {
    text: String,
    /// Written with `*`: the word may go on.
    open: bool,
    /// How many letters it has.
    chars: usize,
}

impl Pattern {
    fn new(word: &str) -> Self {
        let text = normalise(word.trim_end_matches('*'));
        let chars = text.chars().count();
        Self { text, open: word.ends_with('*'), chars }
    }
}

/// Phrases, one of which is enough. By the first letter of their first word, which is never taken for another: most
/// phrases begin with another letter than a word of the text, and are not looked at.
#[derive(Debug)]
pub(super) struct Set(HashMap<char, Vec<Phrase>>);

impl Set {
    /// A set from phrases separated by `|`, in ordinary spelling; they are normalised here, once.
    pub(super) fn new(phrases: &str) -> Self {
        let mut by_first: HashMap<char, Vec<Phrase>> = HashMap::new();
        for phrase in phrases.split('|') {
            let phrase: Phrase = phrase.split_whitespace().map(Pattern::new).collect();
            if let Some(first) = phrase.first().and_then(|pattern| pattern.text.chars().next()) {
                by_first.entry(first).or_default().push(phrase);
            }
        }
        Self(by_first)
    }
}

impl<'a> Words<'a> {
    /// The words of a text, of its first [`TEXT_CHARS_MAX`] characters.
    pub(super) fn of(text: &'a str) -> Self {
        let end = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(i, _)| i);
        let chunks: Vec<&str> =
            text.get(..end).unwrap_or_default().split_whitespace().take(WORDS_MAX).collect();
        let words = chunks
            .iter()
            .enumerate()
            .flat_map(|(chunk, raw)| {
                let norm = normalise(raw);
                norm.split(' ').filter(|w| !w.is_empty()).map(|w| Word::new(w, chunk)).collect::<Vec<_>>()
            })
            .take(WORDS_MAX)
            .collect();
        Self { chunks, words }
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// A word, or nothing.
    pub(super) fn at(&self, i: usize) -> &str {
        self.words.get(i).map_or("", |w| w.norm.as_str())
    }

    /// Whether a phrase of the set occurs.
    pub(super) fn has(&self, set: &Set) -> bool {
        self.find(set).is_some()
    }

    /// Where the first phrase of the set occurs: the index of its first word and its length.
    pub(super) fn find(&self, set: &Set) -> Option<(usize, usize)> {
        (0..self.words.len()).find_map(|i| self.phrase_at(set, i).map(|len| (i, len)))
    }

    /// The length of the longest phrase of the set that begins at a word.
    pub(super) fn phrase_at(&self, set: &Set, i: usize) -> Option<usize> {
        let at = |phrase: &Phrase| {
            let words = self.words.get(i..i.checked_add(phrase.len())?)?;
            words.iter().zip(phrase).all(|(w, p)| matches(w, p)).then_some(phrase.len())
        };
        let firsts = &self.words.get(i)?.firsts;
        firsts.iter().filter_map(|first| set.0.get(first)).flatten().filter_map(at).max()
    }

    /// Whether phrases of the sets cover the whole text.
    pub(super) fn only(&self, sets: &[&Set]) -> bool {
        let mut i = 0;
        while i < self.words.len() {
            match sets.iter().filter_map(|set| self.phrase_at(set, i)).max() {
                Some(len) => i += len,
                None => return false,
            }
        }
        true
    }
}

fn matches(word: &Word, pattern: &Pattern) -> bool {
    let want = pattern.text.as_str();
    if pattern.open {
        // An Arabic ending (my, your, plural) is short; a longer rest is another word.
        return word.forms().any(|f| f.strip_prefix(want).is_some_and(|rest| rest.chars().count() <= 4));
    }
    word.forms().any(|f| f == want || typo(f, pattern))
}

/// An Arabic word, and what is left without "and", "in", "to" and the article in front of it.
pub(super) fn forms(word: &str) -> impl Iterator<Item = &str> {
    const PREFIXES: [&str; 13] = ["", "هال", "و", "ال", "وال", "بال", "لل", "فال", "ب", "ل", "ف", "ها", "ه"];
    PREFIXES
        .iter()
        .filter_map(move |p| word.strip_prefix(p).filter(|rest| p.is_empty() || rest.chars().count() >= 3))
}

/// Whether a word is the wanted one with one typing error: a letter too many, too few, wrong, or two swapped. Only long
/// words, and never the first letter: a short word with an error is another word ("sent", "spent").
fn typo(word: &str, pattern: &Pattern) -> bool {
    let want = pattern.text.as_str();
    if pattern.chars < 5 || word.chars().next() != want.chars().next() {
        return false;
    }
    let ascii = want.is_ascii();
    let letters = word.chars().count();
    let enough = letters >= 5 && (!ascii || pattern.chars >= 6);
    if !enough || letters.abs_diff(pattern.chars) > 1 {
        return false;
    }
    let (w, v): (Vec<char>, Vec<char>) = (word.chars().collect(), want.chars().collect());
    // A plural or a past tense is another word, not an error.
    let stem = |s: &[char]| s.strip_suffix(&['s']).map_or_else(|| s.to_vec(), <[char]>::to_vec);
    if ascii
        && let Some((last, rest)) = w.split_last()
        && matches!(last, 's' | 'd')
        && (rest == v || rest == stem(&v))
    {
        return false;
    }
    let same = w.iter().zip(&v).take_while(|(a, b)| a == b).count();
    let (w, v) = (w.get(same..).unwrap_or_default(), v.get(same..).unwrap_or_default());
    let rest = |s: &[char], n: usize| s.get(n..).map(<[char]>::to_vec);
    rest(w, 1) == Some(v.to_vec())
        || rest(v, 1) == Some(w.to_vec())
        || (rest(w, 1).is_some() && rest(w, 1) == rest(v, 1))
        || (w.len() >= 2 && w.first() == v.get(1) && w.get(1) == v.first() && rest(w, 2) == rest(v, 2))
}
