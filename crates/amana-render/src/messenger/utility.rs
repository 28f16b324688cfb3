//! The texts that Messenger approves beforehand: the only ones that may be sent to a person who has been away.
//!
//! What they say is in the catalogue like everything else; the platform is given it once, with gaps, and later only
//! what stands in them. An approved text cannot be changed, so a new wording is a new name.

use crate::catalogue::{Arg, texts};
use crate::format;
use amana_core::{ApprovedForm, Lang, Timestamp};

/// The approved text "there is news about your account at …": no amount, no account, no shop.
pub const NEWS: &str = "amana_news_1";
/// What its button sends back: an act of the person, which opens the window.
pub const NEWS_PAYLOAD: &str = "v1:news";
/// The approved text "what you allowed at … ends on …": whom it was given, and the day.
pub const ENDS: &str = "amana_ends_1";
/// What its button sends back. An approved text has no room for an address of its own, so the way to renew it is the
/// answer to the tap.
pub const ENDS_PAYLOAD: &str = "v1:renew";

/// A text to be approved: what the platform is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToApprove {
    /// Its name.
    pub name: &'static str,
    /// The language.
    pub lang: Lang,
    /// The text with its gaps, `{{1}}`, `{{2}}`, …
    pub body: String,
    /// An example for each gap.
    pub examples: Vec<String>,
    /// What the buttons say. They send back `{{1}}`, which each message fills.
    pub buttons: Vec<String>,
}

/// Every text to be approved, in both languages.
#[must_use]
pub fn to_approve() -> Vec<ToApprove> {
    let word = |lang: Lang, id: &str| texts().text(lang, id, &[]);
    let news = |lang: &Lang| ToApprove {
        name: NEWS,
        lang: *lang,
        body: news_text(*lang, "{{1}}"),
        examples: vec![word(*lang, "utility-news-example")],
        buttons: vec![word(*lang, "utility-news-button")],
    };
    let ends = |lang: &Lang| ToApprove {
        name: ENDS,
        lang: *lang,
        body: ends_text(*lang, "{{1}}", "{{2}}"),
        examples: vec![word(*lang, "utility-news-example"), word(*lang, "utility-ends-example")],
        buttons: vec![word(*lang, "utility-ends-button")],
    };
    Lang::ALL.iter().map(news).chain(Lang::ALL.iter().map(ends)).collect()
}

/// The approved text of news from a bank.
#[must_use]
pub fn news(lang: Lang, bank: &str) -> ApprovedForm {
    let bank = format::clean(bank);
    ApprovedForm { name: NEWS.to_owned(), lang, body: vec![bank], payloads: vec![NEWS_PAYLOAD.to_owned()] }
}

/// The approved text of a consent that ends on the day `until`.
#[must_use]
pub fn ends(lang: Lang, bank: &str, until: Timestamp, now: Timestamp) -> ApprovedForm {
    let body = vec![format::clean(bank), bare(&format::date(lang, until, now))];
    ApprovedForm { name: ENDS.to_owned(), lang, body, payloads: vec![ENDS_PAYLOAD.to_owned()] }
}

/// How an approved text reads in the chat: text and buttons. `None` for a name that is not ours.
#[must_use]
pub fn as_read(form: &ApprovedForm) -> Option<(String, Vec<String>)> {
    let gap = |n: usize| form.body.get(n).map(String::as_str).unwrap_or_default();
    let (text, button) = match form.name.as_str() {
        NEWS => (news_text(form.lang, gap(0)), "utility-news-button"),
        ENDS => (ends_text(form.lang, gap(0), gap(1)), "utility-ends-button"),
        _ => return None,
    };
    Some((text, vec![texts().text(form.lang, button, &[])]))
}

fn news_text(lang: Lang, bank: &str) -> String {
    bare(&texts().text(lang, "utility-news", &[("bank", Arg::Text(bank))]))
}

fn ends_text(lang: Lang, bank: &str, until: &str) -> String {
    bare(&texts().text(lang, "utility-ends", &[("bank", Arg::Text(bank)), ("until", Arg::Text(until))]))
}

/// Without the marks of direction: the platform is to see gaps and letters alone.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::messenger as limits;

    /// What the platform refuses (messenger reference, section 4).
    #[test]
    fn every_text_can_be_approved() {
        let all = to_approve();
        assert_eq!(all.len(), 2 * Lang::ALL.len());
        for ToApprove { name, lang, body, examples, buttons } in all {
            assert!(body.chars().count() <= limits::TEMPLATE_BODY_CHARS_MAX, "{name} {lang:?}");
            assert_eq!(body.matches("{{").count(), examples.len(), "a sample for each gap");
            assert!(!body.starts_with("{{") && !body.ends_with("}}"), "no gap first or last: {body}");
            assert!(!body.contains(['#', '$', '%']), "{body}");
            assert!(body.split_whitespace().count() >= 6 * examples.len(), "enough words for its gaps");
            for button in buttons {
                assert!(button.chars().count() <= limits::BUTTON_TITLE_CHARS_MAX, "{button}");
            }
        }
    }

    #[test]
    fn what_is_read_is_what_was_approved() {
        let (text, buttons) = as_read(&news(Lang::English, "Cedar Bank")).expect("ours");
        assert_eq!(text, to_approve()[0].body.replace("{{1}}", "Cedar Bank"));
        assert_eq!(buttons, to_approve()[0].buttons);
        let (now, until) = ("2026-11-20T10:00:00Z", "2027-01-05T10:00:00Z");
        let (now, until) = (now.parse().expect("an instant"), until.parse().expect("an instant"));
        for &lang in Lang::ALL {
            let (text, buttons) = as_read(&ends(lang, "Cedar Bank", until, now)).expect("ours");
            let all = to_approve();
            let whole = all.iter().find(|text| (text.name, text.lang) == (ENDS, lang)).expect("to approve");
            let (bank, day) = ("Cedar Bank", bare(&format::date(lang, until, now)));
            assert!(day.contains("2027") || day.contains("٢٠٢٧"), "another year is said: {day}");
            assert_eq!(text, whole.body.replace("{{1}}", bank).replace("{{2}}", &day));
            assert_eq!(buttons, whole.buttons);
        }
        assert_eq!(as_read(&ApprovedForm { name: "other".into(), ..news(Lang::Arabic, "x") }), None);
    }
}
