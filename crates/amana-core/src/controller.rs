//! The party that answers for a consent: what ISO/IEC TS 27560 asks to be known of a controller.

use crate::Lang;
use serde::{Deserialize, Serialize};

/// Who controls the data, as a consent record and its receipt say it (ISO/IEC TS 27560:2023, *party* and parts of
/// *PII processing*). It comes from the institution's configuration, and each record keeps what held when it was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Controller {
    /// The legal name.
    pub name: String,
    /// The postal address.
    pub address: Option<String>,
    /// Whom to write to or call about one's data.
    pub contact: Option<String>,
    /// Under whose law, such as `US-CA` or `AE`.
    pub jurisdiction: Option<String>,
    /// How long data about a consent is kept, in words.
    pub retention: Option<String>,
    /// Where it is kept, such as a country.
    pub storage: Option<String>,
    /// The address of the privacy notice.
    pub privacy_notice: Option<String>,
}

impl Controller {
    /// What ISO/IEC TS 27560 asks of every record and is not known: the configuration's keys, each with what it says.
    #[must_use]
    pub fn missing(&self) -> Vec<(&'static str, &'static str)> {
        [
            ("address", "the bank's postal address", &self.address),
            ("contact", "whom customers write to or call about their data", &self.contact),
            ("jurisdiction", "under whose law, such as `US-CA` or `AE`", &self.jurisdiction),
            ("retention", "how long data about a consent is kept, in words", &self.retention),
            ("storage", "where it is kept, such as a country", &self.storage),
            ("privacy_notice", "the https address of the bank's privacy notice", &self.privacy_notice),
        ]
        .into_iter()
        .filter_map(|(key, says, value)| {
            let known = value.as_ref().is_some_and(|text| !text.trim().is_empty());
            (!known).then_some((key, says))
        })
        .collect()
    }
}

/// A data aggregator through which a bank is read (12 CFR 1033.431).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregator {
    /// Its name in English.
    pub name: String,
    /// Its name in Arabic.
    pub name_ar: String,
}

impl Aggregator {
    /// Its name in a language.
    #[must_use]
    pub fn name_in(&self, lang: Lang) -> &str {
        match lang {
            Lang::English => &self.name,
            Lang::Arabic => &self.name_ar,
        }
    }
}
