//! The texts of a Messenger profile: greeting, get-started payload, persistent menu.

use crate::catalogue::chat;
use crate::intent::Intent;
use amana_core::{Action, Lang};

/// What a page's profile says in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Above an empty chat; at most [`crate::limits::GREETING_CHARS_MAX`] characters.
    pub greeting: String,
    /// What the *Get started* button sends.
    pub get_started: String,
    /// The persistent menu: `Postback`s with titles of at most [`crate::limits::MENU_TITLE_CHARS_MAX`] characters.
    pub menu: Vec<Action>,
    /// Questions to begin with, each with what it sends back; at most [`crate::limits::ICE_BREAKERS_MAX`].
    pub ice_breakers: Vec<(String, String)>,
}

/// The profile in a language. It names no bank, so that it can be set once for a page of several.
#[must_use]
pub fn profile(lang: Lang) -> Profile {
    let entry = |id: &str, intent: Intent| Action::Postback {
        title: chat().text(lang, id, &[]),
        payload: intent.payload(),
    };
    let question = |id: &str, intent: Intent| (chat().text(lang, id, &[]), intent.payload());
    Profile {
        ice_breakers: vec![
            question("ice-link", Intent::Link),
            question("ice-help", Intent::Help),
            question("ice-privacy", Intent::Privacy),
            question("ice-person", Intent::Person),
        ],
        greeting: chat().text(lang, "profile-greeting", &[]),
        get_started: Intent::Greeting.payload(),
        menu: vec![
            entry("menu-balance", Intent::Balance { kind: None }),
            entry("menu-recent", Intent::recent(crate::limits::TRANSACTIONS_DEFAULT)),
            entry("menu-link", Intent::Link),
            entry("menu-privacy", Intent::Privacy),
            entry("menu-language", Intent::ChooseLanguage),
            entry("menu-person", Intent::Person),
            entry("menu-help", Intent::Help),
            entry("menu-stop", Intent::Stop),
        ],
    }
}
