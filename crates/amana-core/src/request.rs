//! A platform's request for data. Only what could become an agreement can be one: a request without a purpose, for a
//! use that is not on the list, or for everybody's data is refused where it is read.

use crate::agreement::{AgreementFault, Terms, check_terms};
use crate::{ChannelId, Clusters, Form, InstitutionId, Purpose};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The largest request, in bytes. The closed lists are short, so an honest one is far smaller.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// The longest name or address of who asks, in characters.
const REQUESTER_CHARS_MAX: usize = 200;
/// The longest word of a request that a refusal repeats, in characters.
const WORD_SHOWN_MAX: usize = 64;

/// A request as it is written down, in JSON or TOML. A field that is not here makes it unreadable: what is not
/// understood is not accepted by silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestDocument {
    /// The institution's id.
    pub institution: String,
    /// The channel's id.
    pub channel: String,
    /// Who asks: the operator's name.
    pub requested_by: String,
    /// Where they can be reached about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Whose data: `consenting`, those who consent themselves. There is no other word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customers: Option<String>,
    /// The purposes.
    #[serde(default, alias = "purposes")]
    pub purpose: Vec<RequestedPurpose>,
}

/// One purpose of a request as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestedPurpose {
    /// The purpose's word.
    pub purpose: String,
    /// The data clusters' words.
    #[serde(default)]
    pub clusters: Vec<String>,
    /// The most open form's word.
    pub form: String,
}

/// A use that no agreement can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProhibitedUse {
    /// Advertising and marketing.
    Advertising,
    /// Profiles, scores, personalisation, usage analytics.
    Profiling,
    /// Sale, resale, passing on.
    Sale,
    /// Training models, research of one's own.
    Training,
    /// Politics.
    Politics,
}

impl ProhibitedUse {
    /// The word as it stands in a refusal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advertising => "advertising",
            Self::Profiling => "profiling",
            Self::Sale => "sale",
            Self::Training => "model-training",
            Self::Politics => "politics",
        }
    }

    /// The use that a word for a purpose means, if it is one of these. It only chooses the words of a refusal: whatever
    /// is not on the list of purposes is refused.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        const STEMS: [(&str, ProhibitedUse); 33] = [
            ("politic", ProhibitedUse::Politics),
            ("election", ProhibitedUse::Politics),
            ("campaign", ProhibitedUse::Politics),
            ("sell", ProhibitedUse::Sale),
            ("sale", ProhibitedUse::Sale),
            ("broker", ProhibitedUse::Sale),
            ("moneti", ProhibitedUse::Sale),
            ("thirdpart", ProhibitedUse::Sale),
            ("transferto", ProhibitedUse::Sale),
            ("training", ProhibitedUse::Training),
            ("trainmodel", ProhibitedUse::Training),
            ("trainai", ProhibitedUse::Training),
            ("model", ProhibitedUse::Training),
            ("machinelearning", ProhibitedUse::Training),
            ("research", ProhibitedUse::Training),
            ("productdevelopment", ProhibitedUse::Training),
            ("improve", ProhibitedUse::Training),
            ("optimi", ProhibitedUse::Training),
            ("profil", ProhibitedUse::Profiling),
            ("scor", ProhibitedUse::Profiling),
            ("personali", ProhibitedUse::Profiling),
            ("recommend", ProhibitedUse::Profiling),
            ("analytic", ProhibitedUse::Profiling),
            ("segment", ProhibitedUse::Profiling),
            ("lookalike", ProhibitedUse::Profiling),
            ("insight", ProhibitedUse::Profiling),
            ("advert", ProhibitedUse::Advertising),
            ("marketing", ProhibitedUse::Advertising),
            ("promot", ProhibitedUse::Advertising),
            ("targeting", ProhibitedUse::Advertising),
            ("publicrelation", ProhibitedUse::Advertising),
            ("sponsor", ProhibitedUse::Advertising),
            ("offersofother", ProhibitedUse::Advertising),
        ];
        let plain: String =
            word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(256).collect();
        if plain == "ads" || plain == "ad" {
            return Some(Self::Advertising);
        }
        STEMS.iter().find(|(stem, _)| plain.contains(stem)).map(|(_, what)| *what)
    }
}

/// Why a request is refused before the institution is even asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefusal {
    /// Larger than [`REQUEST_BYTES_MAX`].
    #[error("the request is larger than {REQUEST_BYTES_MAX} bytes")]
    TooLarge,
    /// Not the form of a request, or a field that no request has.
    #[error("the request cannot be read: {0}")]
    Unreadable(String),
    /// A name that cannot be one.
    #[error("`{0}` is missing, too long or no name")]
    BadName(&'static str),
    /// It names no purpose.
    #[error("the request names no purpose: data without a purpose is not given")]
    NoPurpose,
    /// It is for a use that no agreement can have.
    #[error("`{word}` is a use for {}: no agreement can have it", what.as_str())]
    Prohibited {
        /// The use.
        what: ProhibitedUse,
        /// The word.
        word: String,
    },
    /// It asks for data of others than those who consent, or for all there is.
    #[error(
        "the request asks for everybody's data (`{0}`): data is given for customers who consent, purpose by purpose"
    )]
    AllCustomers(String),
    /// A purpose that is not on the list.
    #[error("`{0}` is not a purpose")]
    UnknownPurpose(String),
    /// A purpose that is named twice.
    #[error("the purpose `{0}` is named twice")]
    Twice(Purpose),
    /// A data cluster that is not on the list.
    #[error("`{0}` is not a data cluster")]
    UnknownCluster(String),
    /// A form that is not on the list.
    #[error("`{0}` is not a form: it must be `notice`, `summary` or `detail`")]
    UnknownForm(String),
    /// Terms that no agreement can have.
    #[error(transparent)]
    Terms(#[from] AgreementFault),
}

impl RequestRefusal {
    /// A stable word for records, answers and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Unreadable(_) => "unreadable",
            Self::BadName(_) => "bad-name",
            Self::NoPurpose | Self::Terms(AgreementFault::NoPurpose) => "no-purpose",
            Self::Prohibited { what, .. } => what.as_str(),
            Self::AllCustomers(_) => "all-customers",
            Self::UnknownPurpose(_) => "unknown-purpose",
            Self::Twice(_) => "purpose-twice",
            Self::UnknownCluster(_) => "unknown-cluster",
            Self::UnknownForm(_) => "unknown-form",
            Self::Terms(AgreementFault::TooMuch(_)) => "too-much-data",
            Self::Terms(AgreementFault::NoCluster(_)) => "no-data-named",
        }
    }
}

/// A request that could become an agreement. There is no other way to one than [`DataRequest::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRequest {
    institution: InstitutionId,
    channel: ChannelId,
    requested_by: String,
    contact: Option<String>,
    terms: Terms,
}

impl DataRequest {
    /// Reads a document.
    ///
    /// # Errors
    /// The reason for which it can never be an agreement.
    pub fn read(document: &RequestDocument) -> Result<Self, RequestRefusal> {
        // What is asked for comes first: a request for advertising is refused as that, however well it names itself.
        let terms = read_terms(&document.purpose)?;
        if let Some(word) = &document.customers
            && word != "consenting"
        {
            return Err(RequestRefusal::AllCustomers(shown(word)));
        }
        let requested_by = name(&document.requested_by).ok_or(RequestRefusal::BadName("requested_by"))?;
        let contact = match &document.contact {
            Some(text) => Some(name(text).ok_or(RequestRefusal::BadName("contact"))?),
            None => None,
        };
        for (word, field) in [(&document.institution, "institution"), (&document.channel, "channel")] {
            if is_everything(word) {
                return Err(RequestRefusal::AllCustomers(shown(word)));
            }
            if word.trim().is_empty() {
                return Err(RequestRefusal::BadName(field));
            }
        }
        Ok(Self {
            institution: InstitutionId::from_str(&document.institution)
                .map_err(|_| RequestRefusal::BadName("institution"))?,
            channel: ChannelId::from_str(&document.channel)
                .map_err(|_| RequestRefusal::BadName("channel"))?,
            requested_by,
            contact,
            terms,
        })
    }

    /// The institution that is asked.
    #[must_use]
    pub fn institution(&self) -> &InstitutionId {
        &self.institution
    }
    /// The channel that would carry it.
    #[must_use]
    pub fn channel(&self) -> &ChannelId {
        &self.channel
    }
    /// Who asks.
    #[must_use]
    pub fn requested_by(&self) -> &str {
        &self.requested_by
    }
    /// Where they can be reached about it.
    #[must_use]
    pub fn contact(&self) -> Option<&str> {
        self.contact.as_deref()
    }
    /// What is asked for: never empty, never more than each purpose needs.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// Reads terms as they are written down.
///
/// # Errors
/// The reason for which no agreement can have them.
pub fn read_terms(purposes: &[RequestedPurpose]) -> Result<Terms, RequestRefusal> {
    let mut terms = Terms::new();
    for asked in purposes {
        let purpose = purpose(&asked.purpose)?;
        let mut clusters = Clusters::default();
        for word in &asked.clusters {
            if is_everything(word) {
                return Err(RequestRefusal::AllCustomers(shown(word)));
            }
            clusters = clusters.with(word.parse().map_err(|_| RequestRefusal::UnknownCluster(shown(word)))?);
        }
        let form: Form = asked.form.parse().map_err(|_| RequestRefusal::UnknownForm(shown(&asked.form)))?;
        if terms.insert(purpose, (clusters, form)).is_some() {
            return Err(RequestRefusal::Twice(purpose));
        }
    }
    if terms.is_empty() {
        return Err(RequestRefusal::NoPurpose);
    }
    check_terms(&terms)?;
    Ok(terms)
}

fn purpose(word: &str) -> Result<Purpose, RequestRefusal> {
    if word.trim().is_empty() {
        return Err(RequestRefusal::NoPurpose);
    }
    match word.parse::<Purpose>() {
        Ok(purpose) => Ok(purpose),
        Err(_) if is_everything(word) => Err(RequestRefusal::AllCustomers(shown(word))),
        Err(_) => Err(match ProhibitedUse::of(word) {
            Some(what) => RequestRefusal::Prohibited { what, word: shown(word) },
            None => RequestRefusal::UnknownPurpose(shown(word)),
        }),
    }
}

/// Whether a word means all there is.
fn is_everything(word: &str) -> bool {
    let plain: String = word.chars().filter(|c| c.is_alphanumeric() || *c == '*').collect();
    let plain = plain.to_lowercase();
    word.contains('*')
        || matches!(plain.as_str(), "all" | "any" | "everything" | "everyone" | "everybody")
        || ["allcustomers", "allpurposes", "allcluster", "alldata", "alltransactions", "anypurpose"]
            .iter()
            .any(|all| plain.contains(all))
}

fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let good = !text.is_empty()
        && text.chars().count() <= REQUESTER_CHARS_MAX
        && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

/// A word for a message: short and printable.
fn shown(word: &str) -> String {
    word.chars().take(WORD_SHOWN_MAX).map(|c| if c.is_control() || c == '`' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(purpose: &str, clusters: &[&str]) -> RequestDocument {
        RequestDocument {
            institution: "cedar-bank".into(),
            channel: "1001".into(),
            requested_by: "Example Messenger".into(),
            contact: None,
            customers: None,
            purpose: vec![RequestedPurpose {
                purpose: purpose.into(),
                clusters: clusters.iter().map(|c| (*c).to_owned()).collect(),
                form: "detail".into(),
            }],
        }
    }

    #[test]
    fn an_honest_request_is_one() {
        let request =
            DataRequest::read(&asked("BalanceOnRequest", &["BALANCES", "ACCOUNT_BASIC"])).expect("a request");
        assert_eq!(request.terms().len(), 1);
        let mut document = asked("BankOffer", &[]);
        document.customers = Some("consenting".into());
        assert!(DataRequest::read(&document).is_ok(), "an offer needs no data");
    }

    #[test]
    fn what_nobody_may_ask_for_is_refused_where_it_is_read() {
        let why = |purpose: &str, clusters: &[&str]| {
            DataRequest::read(&asked(purpose, clusters)).expect_err("refused").as_str()
        };
        for (purpose, expected) in [
            ("Advertising", "advertising"),
            ("TargetedAdvertising", "advertising"),
            ("https://w3id.org/dpv#DirectMarketing", "advertising"),
            ("ads", "advertising"),
            ("Profiling", "profiling"),
            ("ProvidePersonalisedRecommendations", "profiling"),
            ("ServiceUsageAnalytics", "profiling"),
            ("SellDataToThirdParties", "sale"),
            ("resale", "sale"),
            ("data brokerage", "sale"),
            ("model training", "model-training"),
            ("ResearchAndDevelopment", "model-training"),
            ("PoliticalCampaign", "politics"),
            ("", "no-purpose"),
            ("*", "all-customers"),
            ("AnyPurpose", "all-customers"),
            ("all customers' transactions", "all-customers"),
            ("balanceonrequest", "unknown-purpose"),
            ("Fun", "unknown-purpose"),
        ] {
            assert_eq!(why(purpose, &["BALANCES"]), expected, "{purpose}");
        }
        for (clusters, expected) in [
            (&["*"][..], "all-customers"),
            (&["ALL"], "all-customers"),
            (&["TRANSACTIONS"], "too-much-data"),
            (&["BALANCES", "ORDERS"], "too-much-data"),
            (&["SECRETS"], "unknown-cluster"),
            (&[], "no-data-named"),
        ] {
            assert_eq!(why("BalanceOnRequest", clusters), expected, "{clusters:?}");
        }
    }

    #[test]
    fn everybodys_data_and_bad_names_are_refused() {
        let good = || asked("BalanceOnRequest", &["BALANCES"]);
        let why = |document: &RequestDocument| DataRequest::read(document).expect_err("refused").as_str();
        for customers in ["all", "*", "", "non-consenting"] {
            assert_eq!(
                why(&RequestDocument { customers: Some(customers.into()), ..good() }),
                "all-customers",
                "{customers}"
            );
        }
        assert_eq!(why(&RequestDocument { institution: "*".into(), ..good() }), "all-customers");
        assert_eq!(why(&RequestDocument { channel: " ".into(), ..good() }), "bad-name");
        assert_eq!(why(&RequestDocument { requested_by: "a\nb".into(), ..good() }), "bad-name");
        assert_eq!(why(&RequestDocument { contact: Some("x".repeat(201)), ..good() }), "bad-name");
        assert_eq!(why(&RequestDocument { purpose: Vec::new(), ..good() }), "no-purpose");
        let mut twice = good();
        twice.purpose.push(twice.purpose[0].clone());
        assert_eq!(why(&twice), "purpose-twice");
        let mut form = good();
        form.purpose[0].form = "everything".into();
        assert_eq!(why(&form), "unknown-form");
    }

    #[test]
    fn a_field_that_no_request_has_is_not_read_over() {
        let text =
            r#"{"institution":"a","channel":"b","requested_by":"c","secondary_use":"anything","purpose":[]}"#;
        assert!(serde_json::from_str::<RequestDocument>(text).is_err());
    }
}
