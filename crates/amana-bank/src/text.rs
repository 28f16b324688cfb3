//! Cleaning of a bank's texts before anybody sees them.

/// The text without control, direction and invisible characters, spaces collapsed, at most `chars_max` characters.
///
/// Direction characters make a text read otherwise than it is (U+202E turns `gnp.exe` around); the house isolates every
/// foreign text itself. The joiners U+200C and U+200D stay: Arabic script and emoji need them.
pub(crate) fn clean(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max * 4));
    let mut kept = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = kept > 0;
            continue;
        }
        if invisible(c) {
            continue;
        }
        if gap {
            if kept + 2 > chars_max {
                break;
            }
            out.push(' ');
            kept += 1;
            gap = false;
        }
        if kept == chars_max {
            break;
        }
        out.push(c);
        kept += 1;
    }
    out
}

/// Whether a character is not seen, or turns the text around it.
pub(crate) fn invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// The last four digits of a number that the bank has masked already. Never more than four.
pub(crate) fn last_four_of_display(display: &str) -> Option<String> {
    let digits: Vec<char> = display.chars().filter(char::is_ascii_digit).collect();
    let from = digits.len().saturating_sub(4);
    digits.get(from..).filter(|last| !last.is_empty()).map(|last| last.iter().collect())
}

/// The last four digits of a full account number; nothing if that would be the whole of it.
pub(crate) fn last_four_of_number(number: &str) -> Option<String> {
    (number.chars().filter(char::is_ascii_digit).count() > 4).then(|| last_four_of_display(number)).flatten()
}

/// A name without the masked number at its end, which stands beside it anyway: `Visa ****2618` becomes `Visa`.
pub(crate) fn without_number(name: &str, last_four: Option<&str>) -> String {
    let Some((before, last)) = name.rsplit_once(' ') else { return name.to_owned() };
    let mask = |c: char| matches!(c, '*' | 'x' | 'X' | '•' | '·' | '…' | '.' | '-' | '#' | '(' | ')');
    let bare = last.trim_matches(mask);
    let is_number = last_four
        .is_some_and(|digits| bare.ends_with(digits) && bare.chars().all(|c| c.is_ascii_digit() || mask(c)));
    if is_number { before.trim_end().to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_cleaned_and_numbers_cut() {
        assert_eq!(clean("  BLUE\u{202E} BOTTLE\n\t#12 \u{2069}", 80), "BLUE BOTTLE #12");
        assert_eq!(clean("قهوة\u{200F} الصباح", 80), "قهوة الصباح");
        assert_eq!(clean("می\u{200C}خواهم", 80), "می\u{200C}خواهم");
        assert_eq!(clean("abc def", 4), "abc");
        assert_eq!(clean("abc def", 5), "abc d");
        for (name, bare) in [
            ("Rewards Visa ****2618", "Rewards Visa"),
            ("Checking (...2618)", "Checking"),
            ("Amex 2618", "Amex"),
            ("Visa 4111111111112618", "Visa"),
            ("Savings 2020", "Savings 2020"),
            ("2618", "2618"),
        ] {
            assert_eq!(without_number(name, Some("2618")), bare);
        }
        assert_eq!(without_number("Visa ****2618", None), "Visa ****2618");
        assert_eq!(last_four_of_display("xxxx-xxxx-4321").as_deref(), Some("4321"));
        assert_eq!(last_four_of_display("…88").as_deref(), Some("88"));
        assert_eq!(last_four_of_display("none"), None);
        assert_eq!(last_four_of_number("123"), None);
        assert_eq!(last_four_of_number("0123456789").as_deref(), Some("6789"));
    }

    proptest! {
        #[test]
        fn nothing_bad_survives(text in any::<String>(), max in 0usize..40) {
            let cleaned = clean(&text, max);
            prop_assert!(cleaned.chars().count() <= max);
            prop_assert!(!cleaned.chars().any(|c| c.is_control() || invisible(c)));
            prop_assert_eq!(clean(&cleaned, max), cleaned.trim_end());
        }
    }
}
