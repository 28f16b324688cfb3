//! The languages a person can be spoken to in.

use serde::{Deserialize, Serialize};

/// A language with a complete catalogue. Adding one means a catalogue, not a code path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Lang {
    /// English, left to right.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Arabic, right to left.
    #[serde(rename = "ar")]
    Arabic,
}

impl Lang {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::English, Self::Arabic];

    /// The BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Arabic => "ar",
        }
    }

    /// The value of HTML's `dir`.
    #[must_use]
    pub fn dir(self) -> &'static str {
        match self {
            Self::English => "ltr",
            Self::Arabic => "rtl",
        }
    }

    /// The language of a tag such as `ar`, `ar_AR`, `ar-SA` or `en_US`; `None` if there is no catalogue for it.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.iter().copied().find(|l| l.tag().eq_ignore_ascii_case(primary.trim()))
    }

    /// The first language of an `Accept-Language` header that has a catalogue (order of preference by `q`).
    #[must_use]
    pub fn negotiate(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in header.split(',').take(32) {
            let mut pieces = part.split(';');
            let Some(lang) = pieces.next().and_then(|tag| Self::from_tag(tag.trim())) else { continue };
            let q = pieces.find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            if best.is_none_or(|(b, _)| q > b) {
                best = Some((q, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }

    /// The language that a text is written in: Arabic if any of its letters is (a foreign shop's name in an Arabic
    /// question does not make it English), else English. `None` without letters.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        // The Arabic blocks of Unicode: the letters, their supplement, and the two blocks of presentation forms.
        const ARABIC: [std::ops::RangeInclusive<char>; 4] = [
            '\u{0600}'..='\u{06FF}',
            '\u{0750}'..='\u{077F}',
            '\u{FB50}'..='\u{FDFF}',
            '\u{FE70}'..='\u{FEFF}',
        ];
        let mut letters = text.chars().filter(|c| c.is_alphabetic()).peekable();
        letters.peek()?;
        Some(if letters.any(|c| ARABIC.iter().any(|block| block.contains(&c))) {
            Self::Arabic
        } else {
            Self::English
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_headers_and_text() {
        assert_eq!(Lang::from_tag("ar_AR"), Some(Lang::Arabic));
        assert_eq!(Lang::from_tag("fr"), None);
        assert_eq!(Lang::negotiate("fr, ar;q=0.8, en;q=0.9"), Some(Lang::English));
        assert_eq!(Lang::negotiate("ar-SA,ar;q=0.9"), Some(Lang::Arabic));
        assert_eq!(Lang::of_text("كم رصيدي؟"), Some(Lang::Arabic));
        assert_eq!(Lang::of_text("123 ok"), Some(Lang::English));
        assert_eq!(Lang::of_text("Netflix كم دفعت؟"), Some(Lang::Arabic));
        assert_eq!(Lang::of_text("12 / 3"), None);
    }
}
