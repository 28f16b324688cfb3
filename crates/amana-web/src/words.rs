//! The words of the pages: the catalogue, and what every page needs to be in one language.

use crate::assets;
use amana_core::{Cluster, Currency, Form, Lang, Money, Purpose};
use amana_render::format::{masked, money};
use amana_render::{Arg, Catalogue};
use std::sync::LazyLock;

const SOURCES: &[(Lang, &str)] = &[
    (Lang::English, include_str!("../locales/en/web.ftl")),
    (Lang::Arabic, include_str!("../locales/ar/web.ftl")),
];

/// The catalogue of the pages. A test builds it from the same sources, so it is never `None`.
static CATALOGUE: LazyLock<Option<Catalogue>> = LazyLock::new(|| Catalogue::new(SOURCES).ok());

/// One page's language, and where its language switch leads back to.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) lang: Lang,
    pub(crate) back: String,
}

impl Words {
    pub(crate) fn new(lang: Lang, back: impl Into<String>) -> Self {
        Self { lang, back: back.into() }
    }

    /// A text without arguments.
    pub(crate) fn t(&self, id: &str) -> String {
        self.with(id, &[])
    }

    /// A text with arguments, each isolated by U+2068 and U+2069.
    pub(crate) fn with(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        CATALOGUE.as_ref().map_or_else(|| id.to_owned(), |c| c.text(self.lang, id, args))
    }

    /// A text with one argument, as HTML: escaped, the argument in `<bdi>`.
    pub(crate) fn html(&self, id: &str, name: &str, value: &str) -> String {
        let clean: String = value.chars().filter(|c| !is_isolate(*c)).collect();
        let mut out = String::new();
        for c in self.with(id, &[(name, Arg::Text(&clean))]).chars() {
            match c {
                '\u{2068}' => out.push_str("<bdi>"),
                '\u{2069}' => out.push_str("</bdi>"),
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
        }
        out
    }

    /// Whether the language has a text.
    pub(crate) fn has(&self, id: &str) -> bool {
        CATALOGUE.as_ref().is_some_and(|c| c.ids(self.lang).any(|known| known == id))
    }

    /// What the chat would show for a purpose in a form, with made-up amounts; only the purposes that are
    /// served have one.
    pub(crate) fn example(&self, purpose: Purpose, form: Form) -> Option<String> {
        let id = format!("example-{purpose}-{form}");
        if !self.has(&id) {
            return None;
        }
        let dollars = Currency::from_code("USD").ok()?;
        let amount = |minor| money(self.lang, Money::new(minor, dollars));
        let account = format!("{} {}", self.t("example-account"), masked("1234"));
        let (balance, booked, paid, shop) =
            (amount(248_015), amount(251_015), amount(451), self.t("example-shop"));
        let args = [
            ("account", Arg::Text(&account)),
            ("balance", Arg::Text(&balance)),
            ("booked", Arg::Text(&booked)),
            ("paid", Arg::Text(&paid)),
            ("shop", Arg::Text(&shop)),
        ];
        Some(self.with(&id, &args))
    }

    pub(crate) fn count(&self, id: &str, count: usize) -> String {
        self.with(id, &[("count", Arg::Count(count))])
    }

    pub(crate) fn other(&self) -> Lang {
        match self.lang {
            Lang::English => Lang::Arabic,
            Lang::Arabic => Lang::English,
        }
    }

    pub(crate) fn css(&self) -> &'static str {
        assets::css().path.as_str()
    }

    pub(crate) fn icon(&self) -> &'static str {
        assets::icon().path.as_str()
    }

    pub(crate) fn purpose(&self, purpose: Purpose) -> String {
        self.t(&format!("purpose-{purpose}"))
    }

    pub(crate) fn cluster(&self, cluster: Cluster) -> String {
        self.t(&format!("cluster-{cluster}"))
    }

    pub(crate) fn form_short(&self, form: Form) -> String {
        self.t(&format!("form-short-{form}"))
    }

    /// Things one after the other, as the language separates them.
    pub(crate) fn list(&self, things: &[String]) -> String {
        things.join(match self.lang {
            Lang::English => ", ",
            Lang::Arabic => "، ",
        })
    }
}

fn is_isolate(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole_and_names_every_word_of_the_closed_lists() {
        let catalogue = Catalogue::new(SOURCES).expect("the sources are right");
        assert_eq!(catalogue.missing(), []);
        for lang in Lang::ALL {
            let words = Words::new(*lang, "/");
            for purpose in Purpose::ALL {
                for kind in ["purpose", "why", "because"] {
                    assert!(words.has(&format!("{kind}-{purpose}")), "{kind}-{purpose}");
                }
            }
            assert!(Cluster::ALL.iter().all(|c| words.has(&format!("cluster-{c}"))));
            assert!(Form::ALL.iter().all(|f| words.has(&format!("form-{f}"))));
            assert!(Form::ALL.iter().all(|f| words.has(&format!("form-short-{f}"))));
        }
    }

    /// What people write themselves is not asked of the consent, and not kept: whoever promises the whole says so.
    #[test]
    fn the_promise_names_its_exception() {
        for (lang, people) in [
            (Lang::English, "what people of the bank write to you themselves"),
            (Lang::Arabic, "ما يكتبه لك موظفو البنك بأنفسهم"),
        ] {
            for id in ["foot-promise", "home-two-text", "privacy-lead"] {
                let said = Words::new(lang, "/").t(id);
                assert!(said.contains(people), "{id}: {said}");
            }
        }
    }

    #[test]
    fn a_name_cannot_become_markup_or_turn_the_line() {
        let html = Words::new(Lang::English, "/").html("consent-heading", "bank", "<b>\u{202E}B&B\u{2069}");
        assert_eq!(html, "What may <bdi>&lt;b&gt;B&amp;B</bdi> share with Messenger?");
    }
}
