//! The templates that have no logic of their own.

use crate::words::Words;
use amana_core::InstitutionId;
use askama::Template;

/// The first page.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct Home {
    pub(crate) w: Words,
}

/// A bank to pick.
#[derive(Debug)]
pub(crate) struct BankChoice {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) initial: String,
}

impl BankChoice {
    pub(crate) fn new(id: &InstitutionId, name: &str) -> Self {
        // "بنك الأرز" and "Bank of Cedars" should not all be shown as the letter of "bank".
        let telling = name.split_whitespace().find(|word| {
            !["bank", "the", "of", "بنك", "مصرف", "البنك", "المصرف"].contains(&word.to_lowercase().as_str())
        });
        let word = telling.or_else(|| name.split_whitespace().next()).unwrap_or_default();
        let word = word.strip_prefix("ال").unwrap_or(word);
        let initial = word.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        Self { id: id.as_str().to_owned(), name: name.to_owned(), initial }
    }
}

/// Which bank is to be linked?
#[derive(Debug, Template)]
#[template(path = "picker.html")]
pub(crate) struct Picker {
    pub(crate) w: Words,
    /// Whose chat it is.
    pub(crate) person: Option<String>,
    pub(crate) hidden: Vec<(&'static str, String)>,
    pub(crate) banks: Vec<BankChoice>,
}

/// The way out of the platform's browser, for who wants to link.
#[derive(Debug, Template)]
#[template(path = "elsewhere.html")]
pub(crate) struct Elsewhere {
    pub(crate) w: Words,
    /// What the form asks a link with; empty where there is one.
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// The link, as a person would copy it, and on this site.
    pub(crate) link: Option<(String, String)>,
}

/// One thing to say, with links.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) w: Words,
    pub(crate) heading: String,
    pub(crate) texts: Vec<String>,
    pub(crate) links: Vec<(String, String)>,
    pub(crate) good: bool,
}

/// Whether really everything is to be erased.
#[derive(Debug, Template)]
#[template(path = "erase.html")]
pub(crate) struct Erase {
    pub(crate) w: Words,
    pub(crate) csrf: String,
    pub(crate) word: String,
}

/// The way to a page of the customer's own, for somebody who is not signed in.
#[derive(Debug, Template)]
#[template(path = "privacy_out.html")]
pub(crate) struct PrivacyOut {
    pub(crate) w: Words,
    pub(crate) lang: &'static str,
    pub(crate) to: &'static str,
    pub(crate) banks: Vec<BankChoice>,
    pub(crate) status: Option<String>,
}
