//! The texts: Fluent catalogues, one bundle for each language, built once.

use amana_core::Lang;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_syntax::ast::Entry;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

/// What is put into a text. Fluent isolates each with U+2068 … U+2069, so that it cannot rearrange what is around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arg<'a> {
    /// A finished string (a formatted amount, a name).
    Text(&'a str),
    /// A number that chooses the plural form.
    Count(usize),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

/// A catalogue that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Not Fluent syntax.
    #[error(
        "the {lang} catalogue has a syntax error near `{near}`: {what}; see projectfluent.org/fluent/guide"
    )]
    Syntax {
        /// The language's tag.
        lang: &'static str,
        /// The line where it is.
        near: String,
        /// What the parser says.
        what: String,
    },
    /// The same id twice.
    #[error("the {lang} catalogue has `{id}` twice; rename or remove one")]
    Twice {
        /// The language's tag.
        lang: &'static str,
        /// The id.
        id: String,
    },
}

struct Texts {
    lang: Lang,
    ids: BTreeSet<String>,
    bundle: FluentBundle<FluentResource>,
}

/// Texts by id in every language. Share one; lookups need no lock and no allocation beyond the text.
#[derive(Default)]
pub struct Catalogue {
    texts: Vec<Texts>,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.texts.iter().map(|t| (t.lang, t.ids.len()))).finish()
    }
}

impl Catalogue {
    /// A catalogue from Fluent sources. A language may come several times, with different ids.
    ///
    /// # Errors
    /// When a source is not Fluent syntax, or a language has an id twice.
    pub fn new(sources: &[(Lang, &str)]) -> Result<Self, CatalogueError> {
        let mut texts: Vec<Texts> = Vec::new();
        for lang in Lang::ALL.iter().copied() {
            let id: LanguageIdentifier = lang.tag().parse().unwrap_or_default();
            let mut bundle = FluentBundle::new_concurrent(vec![id]);
            bundle.set_use_isolating(true);
            let mut ids = BTreeSet::new();
            for (_, source) in sources.iter().filter(|(l, _)| *l == lang) {
                let resource = FluentResource::try_new((*source).to_owned()).map_err(|(_, errors)| {
                    let first = errors.first();
                    let at = first.map_or(0, |e| e.pos.start);
                    let near = source.get(at..).unwrap_or_default().lines().find(|l| !l.is_empty());
                    CatalogueError::Syntax {
                        lang: lang.tag(),
                        near: near.unwrap_or_default().chars().take(60).collect(),
                        what: first.map(ToString::to_string).unwrap_or_default(),
                    }
                })?;
                for entry in resource.entries() {
                    if let Entry::Message(message) = entry
                        && !ids.insert(message.id.name.to_owned())
                    {
                        let id = message.id.name.to_owned();
                        return Err(CatalogueError::Twice { lang: lang.tag(), id });
                    }
                }
                bundle.add_resource_overriding(resource);
            }
            texts.push(Texts { lang, ids, bundle });
        }
        Ok(Self { texts })
    }

    /// The text of an id with its arguments. An id that the language lacks is said in English, one that English lacks
    /// as the id itself; [`Catalogue::missing`] lets a test make sure that neither happens.
    #[must_use]
    pub fn text(&self, lang: Lang, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        let fluent: FluentArgs<'_> = args
            .iter()
            .map(|(name, arg)| {
                let value = match arg {
                    Arg::Text(text) => FluentValue::from(*text),
                    Arg::Count(n) => FluentValue::from(*n),
                };
                (*name, value)
            })
            .collect();
        let in_lang = |lang: Lang| {
            let texts = self.texts.iter().find(|t| t.lang == lang)?;
            let pattern = texts.bundle.get_message(id)?.value()?;
            Some(texts.bundle.format_pattern(pattern, Some(&fluent), &mut Vec::new()).into_owned())
        };
        in_lang(lang).or_else(|| in_lang(Lang::English)).unwrap_or_else(|| id.to_owned())
    }

    /// Every id of a language.
    pub fn ids(&self, lang: Lang) -> impl Iterator<Item = &str> {
        self.texts.iter().filter(move |t| t.lang == lang).flat_map(|t| t.ids.iter().map(String::as_str))
    }

    /// Every id that some language has and another lacks, with the language that lacks it.
    #[must_use]
    pub fn missing(&self) -> Vec<(Lang, String)> {
        let all: BTreeSet<&String> = self.texts.iter().flat_map(|t| &t.ids).collect();
        let mut missing = Vec::new();
        for texts in &self.texts {
            missing.extend(
                all.iter().filter(|id| !texts.ids.contains(**id)).map(|id| (texts.lang, (*id).clone())),
            );
        }
        missing
    }
}

/// The sources of this crate's catalogue.
const SOURCES: &[(Lang, &str)] = &[
    (Lang::English, include_str!("../locales/en/render.ftl")),
    (Lang::Arabic, include_str!("../locales/ar/render.ftl")),
];

/// What is said about bank data.
#[must_use]
pub fn texts() -> &'static Catalogue {
    // The sources are part of the program and a test builds them, so the empty catalogue is never seen.
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(SOURCES).unwrap_or_default());
    &CATALOGUE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole_in_both_languages() {
        let catalogue = Catalogue::new(SOURCES).expect("the sources are right");
        assert_eq!(catalogue.missing(), []);
        assert!(catalogue.ids(Lang::Arabic).count() > 80);
    }

    #[test]
    fn errors_say_where() {
        let broken = Catalogue::new(&[(Lang::English, "a = A\nb = { $\n")]).expect_err("broken");
        assert!(broken.to_string().contains("the en catalogue has a syntax error near `"), "{broken}");
        let twice = Catalogue::new(&[(Lang::Arabic, "a = A\na = B\n")]).expect_err("twice");
        assert_eq!(twice.to_string(), "the ar catalogue has `a` twice; rename or remove one");
    }

    #[test]
    fn a_missing_text_falls_back_and_is_reported() {
        let c =
            Catalogue::new(&[(Lang::English, "a = A { $x }\n"), (Lang::Arabic, "b = ب\n")]).expect("right");
        assert_eq!(c.text(Lang::Arabic, "a", &[("x", Arg::Text("1"))]), "A \u{2068}1\u{2069}");
        assert_eq!(c.text(Lang::English, "b", &[]), "b");
        assert_eq!(c.missing(), [(Lang::English, "b".to_owned()), (Lang::Arabic, "a".to_owned())]);
    }
}
