//! A text as words that can be looked for: exactly, by their beginning, and with a small typing error.

use crate::limits::{TEXT_CHARS_MAX, WORDS_MAX};
use amana_pure::normalise;

/// One word of a text.
#[derive(Debug)]
pub(super) struct Word {
    /// Normalised.
    pub(super) norm: String,
    /// The piece of the text, between white space, that it comes from.
    pub(super) chunk: usize,
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
}

/// Phrases, one of which is enough.
#[derive(Debug)]
pub(super) struct Set(Vec<Phrase>);

impl Set {
    /// A set from phrases separated by `|`, in ordinary spelling; they are normalised here, once.
    pub(super) fn new(phrases: &str) -> Self {
        let pattern =
            |word: &str| Pattern { text: normalise(word.trim_end_matches('*')), open: word.ends_with('*') };
        let phrase = |p: &str| p.split_whitespace().map(pattern).collect::<Phrase>();
        Self(phrases.split('|').map(phrase).filter(|p| !p.is_empty()).collect())
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
                norm.split(' ')
                    .filter(|w| !w.is_empty())
                    .map(|w| Word { norm: w.to_owned(), chunk })
                    .collect::<Vec<_>>()
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
            words.iter().zip(phrase).all(|(w, p)| matches(&w.norm, p)).then_some(phrase.len())
        };
        set.0.iter().filter_map(at).max()
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

fn matches(word: &str, pattern: &Pattern) -> bool {
    let want = pattern.text.as_str();
    if pattern.open {
        // An Arabic ending (my, your, plural) is short; a longer rest is another word.
        return forms(word).any(|f| f.strip_prefix(want).is_some_and(|rest| rest.chars().count() <= 4));
    }
    forms(word).any(|f| f == want || typo(f, want))
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
fn typo(word: &str, want: &str) -> bool {
    let (w, v): (Vec<char>, Vec<char>) = (word.chars().collect(), want.chars().collect());
    let ascii = want.is_ascii();
    let enough = if ascii { v.len() >= 6 && w.len() >= 5 } else { v.len() >= 5 && w.len() >= 5 };
    if !enough || w.len().abs_diff(v.len()) > 1 || w.first() != v.first() {
        return false;
    }
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
