//! Normalising: one spelling for what people write in many. For understanding and comparing only; never shown.

use alloc::string::String;
use icu_normalizer::DecomposingNormalizerBorrowed;

/// The words of a text, normalised and separated by single spaces: compatibility forms folded, lower case, without
/// accents, direction marks, tatweel, diacritics and punctuation; digits in ASCII; letters that Arabic writers
/// interchange as one; a letter at most twice in a row.
#[must_use]
pub fn normalise(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let mut out = String::with_capacity(decomposed.len());
    let mut run = (' ', 0u8);
    for c in decomposed.chars().flat_map(char::to_lowercase) {
        let Some(c) = fold(c) else { continue };
        let c = if c.is_alphanumeric() { c } else { ' ' };
        if c == ' ' {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            run = (' ', 0);
            continue;
        }
        run = if run.0 == c { (c, run.1.saturating_add(1)) } else { (c, 1) };
        if run.1 <= 2 || c.is_ascii_digit() {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// A character's one form; `None` for what does not count at all.
fn fold(c: char) -> Option<char> {
    Some(match c {
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{FEFF}'
        | '\u{061C}'
        | '\u{00AD}'
        | '\u{0640}'
        | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}'
        | '\u{0670}'
        | '\u{06D6}'..='\u{06ED}'
        | '\u{0300}'..='\u{036F}'
        | 'ء'
        // "McDonald's", "don't": the mark joins.
        | '\'' | '’' | '‘' | '`' | '´' => return None,
        '\u{0660}'..='\u{0669}' => ascii_digit(c, 0x0660),
        '\u{06F0}'..='\u{06F9}' => ascii_digit(c, 0x06F0),
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ئ' | 'ی' => 'ي',
        'ة' => 'ه',
        'ؤ' => 'و',
        'گ' | 'ک' => 'ك',
        'پ' => 'ب',
        'چ' => 'ج',
        'ڤ' => 'ف',
        c => c,
    })
}

fn ascii_digit(c: char, zero: u32) -> char {
    u32::from(c).checked_sub(zero).and_then(|d| char::from_digit(d, 10)).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::normalise;
    use alloc::string::String;
    use proptest::prelude::*;

    #[test]
    fn many_spellings_are_one() {
        for (raw, want) in [
            ("  Hello,   World! ", "hello world"),
            ("كَمْ رَصِيـــدي؟", "كم رصيدي"),
            ("أإآ", "اا"),
            ("٣٠ يوم", "30 يوم"),
            ("۱۲", "12"),
            ("\u{202E}abc\u{202C}", "abc"),
            ("McDonald’s", "mcdonalds"),
            ("helloooooo", "helloo"),
            ("100000", "100000"),
            ("ﻛﻢ", "كم"),
            ("Café de Flore", "cafe de flore"),
            ("ｂａｌａｎｃｅ", "balance"),
            ("", ""),
            ("?!", ""),
        ] {
            assert_eq!(normalise(raw), want, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(text in any::<String>()) {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
