//! The texts of messages that hold no bank data.

use amana_core::Lang;
use amana_render::Catalogue;
use std::sync::LazyLock;

const SOURCES: &[(Lang, &str)] = &[
    (Lang::English, include_str!("../locales/en/chat.ftl")),
    (Lang::Arabic, include_str!("../locales/ar/chat.ftl")),
];

/// The chat's catalogue.
#[must_use]
pub fn chat() -> &'static Catalogue {
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
        assert!(catalogue.ids(Lang::Arabic).count() > 50);
    }
}
