//! The quick replies below most answers.

use crate::catalogue::texts;
use amana_core::{Action, Lang};

/// What is offered: the title's text, and the payload that `amana_chat::Intent` reads (a test there holds the two
/// together). A payload holds no bank data.
const OFFERED: [(&str, &str); 4] = [
    ("quick-balance", "v1:balance"),
    ("quick-recent", "v1:recent:5"),
    ("quick-help", "v1:help"),
    ("quick-privacy", "v1:privacy"),
];

/// The quick replies below most answers: balance, recent, help, my privacy.
#[must_use]
pub fn suggestions(lang: Lang) -> Vec<Action> {
    let action = |(id, payload): (&str, &str)| Action::Postback {
        title: texts().text(lang, id, &[]),
        payload: payload.to_owned(),
    };
    OFFERED.map(action).to_vec()
}
