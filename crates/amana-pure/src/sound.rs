//! Whether two names in different scripts sound alike: both become skeletons of consonants, since Arabic writes few
//! vowels and has no p, v or ch. Short skeletons say too little and never match.

use alloc::string::String;
use alloc::vec::Vec;

/// Consonants that a skeleton needs.
const SKELETON_MIN: usize = 3;

/// Everyday words and names too short for a skeleton, as normalised words in Arabic, with the Latin word.
const PAIRS: &[(&str, &str)] = &[
    ("قهوه", "coffee"),
    ("مقهي", "cafe"),
    ("كافيه", "cafe"),
    ("كوفي", "coffee"),
    ("اوبر", "uber"),
    ("ابل", "apple"),
    ("ايكيا", "ikea"),
    ("نون", "noon"),
    ("شل", "shell"),
    ("جاب", "gap"),
    ("زارا", "zara"),
    ("صيدليه", "pharmacy"),
    ("مطعم", "restaurant"),
    ("بقاله", "grocery"),
    ("سوبرماركت", "market"),
];

/// Whether the words `wanted`, in one script, sound like words of `merchant` in the other, one after the other.
pub(super) fn alike(wanted: &[String], merchant: &[String]) -> bool {
    let arabic = |words: &[String]| words.iter().any(|w| w.chars().any(is_arabic));
    if arabic(wanted) == arabic(merchant) {
        return false;
    }
    let pair =
        |a: &str, b: &str| PAIRS.iter().any(|(ar, en)| (*ar == a && *en == b) || (*ar == b && *en == a));
    if let [one] = wanted
        && merchant.iter().any(|m| pair(one, m))
    {
        return true;
    }
    let (wanted, merchant) = (bones(wanted), bones(merchant));
    if wanted.concat().len() < SKELETON_MIN {
        return false;
    }
    let joined = wanted.concat();
    (0..merchant.len()).any(|start| {
        (start + 1..=merchant.len()).any(|end| merchant.get(start..end).is_some_and(|m| m.concat() == joined))
    })
}

fn is_arabic(c: char) -> bool {
    ('\u{0600}'..='\u{06FF}').contains(&c)
}

fn bones(words: &[String]) -> Vec<String> {
    words.iter().map(|w| skeleton(w)).collect()
}

/// The consonants of a word in Latin letters; letters that one of the scripts cannot tell apart become one.
fn skeleton(word: &str) -> String {
    let mut out = String::new();
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let sound = match c {
            'c' | 's' if chars.peek() == Some(&'h') => "s",
            'c' if matches!(chars.peek(), Some('e' | 'i' | 'y')) => "s",
            'c' | 'k' | 'q' | 'ك' | 'ق' | 'خ' => "k",
            'b' | 'p' | 'ب' => "b",
            'f' | 'v' | 'ف' => "f",
            'g' | 'j' | 'ج' | 'غ' => "g",
            's' | 'z' | 'س' | 'ص' | 'ش' | 'ز' | 'ظ' => "s",
            'd' | 'د' | 'ض' | 'ذ' => "d",
            't' | 'ت' | 'ط' | 'ث' => "t",
            'x' => "ks",
            'l' | 'ل' => "l",
            'm' | 'م' => "m",
            'n' | 'ن' => "n",
            'r' | 'ر' => "r",
            c if c.is_ascii_digit() => {
                out.push(c);
                continue;
            }
            _ => continue,
        };
        if !out.ends_with(sound) {
            out.push_str(sound);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::merchant_matches;

    #[test]
    fn names_are_alike_across_the_scripts() {
        for (ar, en) in [
            ("بلو بوتل", "BLUE BOTTLE COFFEE #12"),
            ("ستاربكس", "Starbucks"),
            ("أمازون", "AMAZON.COM*2K3"),
            ("كارفور", "Carrefour Mall"),
            ("نتفلكس", "NETFLIX.COM"),
            ("ماكدونالدز", "McDonald's"),
            ("القهوة", "Blue Bottle Coffee"),
            ("تارجت", "Target T-102"),
            ("وولمارت", "Walmart"),
            ("شانيل", "Chanel"),
            ("سينما", "Cinema"),
        ] {
            assert!(merchant_matches(ar, en), "{ar} {en}");
            assert!(
                merchant_matches(en.split(['*', '#', '.']).next().unwrap(), ar) || en.contains(' '),
                "{en} {ar}"
            );
        }
        for (ar, en) in [
            ("ستاربكس", "Carrefour"),
            ("بلو", "Apple"),
            ("دبي", "Tube"),
            ("نون", "Union"),
            // One consonant more or less is another name.
            ("ستاربكس", "Starks"),
            ("تارجت", "Tart"),
            ("ماكدونالدز", "Macnals"),
            ("بلو بوتل", "Be Bot"),
            ("كارفور 7", "Carrefour 9"),
        ] {
            assert!(!merchant_matches(ar, en), "{ar} {en}");
        }
        // Words too short for a skeleton, either way round.
        assert!(merchant_matches("coffee", "القهوة") && merchant_matches("القهوة", "coffee"));
        assert!(!merchant_matches("coffee", "مطعم") && !merchant_matches("مطعم", "coffee"));
        assert!(!merchant_matches("tea", "القهوة") && !merchant_matches("شاي", "coffee"));
    }

    #[test]
    fn names_match_by_the_start_of_words() {
        for (wanted, merchant) in [
            ("7 eleven", "7-ELEVEN #12"),
            ("seven", "SEVEN ELEVEN"),
            ("blue bottle", "SQ *BLUE BOTTLE COFFEE"),
            ("mcdonalds", "McDonald’s 1234"),
            ("wal mart", "WALMART"),
            ("AT&T", "AT&T BILL"),
            ("مطعم الشام", "مَطعم الشّام"),
        ] {
            assert!(merchant_matches(wanted, merchant), "{wanted} {merchant}");
        }
        for (wanted, merchant) in [
            ("bottle blue", "Blue Bottle"),
            ("art", "Walmart"),
            ("a", "Amazon"),
            ("", "Amazon"),
            ("x", ""),
            ("?!", "Amazon"),
            // Too short to begin with an article.
            ("في", "الفي"),
        ] {
            assert!(!merchant_matches(wanted, merchant), "{wanted} {merchant}");
        }
    }
}
