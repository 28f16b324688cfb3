//! From a text to an [`Intent`]. Rules now; a trained model can stand behind the same trait later.

use crate::Intent;
use amana_core::{Lang, Timestamp};

mod beyond;
mod lexicon;
mod rules;
mod slots;
mod when;
mod words;

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// What is meant.
    pub intent: Intent,
    /// The language the text is written in; the customer's own where the text has no letters.
    pub lang: Lang,
}

/// Understands a text. Pure: the same text at the same instant means the same.
pub trait Understand: Send + Sync {
    /// What a text means. `lang` is the customer's language, `now` the instant that "today" is counted from.
    fn understand(&self, text: &str, lang: Lang, now: Timestamp) -> Understood;
}

/// Understanding by rules, for English and Arabic (standard, Gulf, Egyptian, Levantine).
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules;

impl Understand for Rules {
    fn understand(&self, text: &str, lang: Lang, now: Timestamp) -> Understood {
        let lang = Lang::of_text(text).unwrap_or(lang);
        let today = amana_render::format::date_of(now);
        Understood { intent: rules::intent(text, today), lang }
    }
}
