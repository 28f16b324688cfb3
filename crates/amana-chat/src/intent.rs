//! What a customer can mean: a closed list, and the payload that a button carries for each.

use crate::limits::{PAYLOAD_BYTES_MAX, TRANSACTIONS_DEFAULT, TRANSACTIONS_MAX};
use amana_core::{AccountKind, Lang};
use amana_pure::Filter;
use amana_render::{Period, PeriodLabel};
use jiff::civil::Date;

/// What a customer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// "Hello", and the tap on *Get started*.
    Greeting,
    /// What can be asked.
    Help,
    /// Wants to link a bank.
    Link,
    /// Wants to know what is there (or owed).
    Balance {
        /// Of which kind of account; `None`: all that the consent covers.
        kind: Option<AccountKind>,
    },
    /// Wants to see transactions.
    Transactions {
        /// How many, from 1 to [`TRANSACTIONS_MAX`].
        limit: u16,
        /// Only of this shop, as the customer wrote it.
        merchant: Option<String>,
        /// Only of this time.
        period: Option<Period>,
    },
    /// Wants to know what was spent.
    Spending {
        /// At this shop, as the customer wrote it; `None`: everywhere.
        merchant: Option<String>,
        /// In this time.
        period: Period,
    },
    /// Wants to see what is new: the tap on an approved text.
    News,
    /// Wants what ends soon to go on: the tap on an approved text.
    Renew,
    /// Wants to see what was disclosed.
    Privacy,
    /// Wants nothing more to come: consents are taken back.
    Stop,
    /// Wants the link gone.
    Unlink,
    /// Wants everything about them deleted. `asked` is when the question whether really was put, in Unix seconds, if
    /// this is the yes to it.
    Erase {
        /// When the question was put; `None` for the wish alone.
        asked: Option<i64>,
    },
    /// Wants another language, and says which.
    SwitchLanguage(Lang),
    /// Wants another language.
    ChooseLanguage,
    /// Says thanks.
    Thanks,
    /// Wants a human.
    Person,
    /// Wants something of a bank that Amana does not do (yet): send money, block a card.
    Unsupported,
    /// Anything else.
    Unknown,
}

/// The version of the payloads; an old button in an old message must not mean something new.
const V: &str = "v1:";

impl Intent {
    /// What a button for this intent carries. It holds no bank data; a merchant is left out.
    #[must_use]
    pub fn payload(&self) -> String {
        let rest = match self {
            Self::Greeting => "start".to_owned(),
            Self::Help => "help".to_owned(),
            Self::Link => "link".to_owned(),
            Self::Balance { kind: None } => "balance".to_owned(),
            Self::Balance { kind: Some(kind) } => format!("balance:{}", kind_word(*kind)),
            Self::Transactions { limit, .. } => format!("recent:{limit}"),
            Self::Spending { period, .. } => {
                format!("spending:{}:{}:{}", period.label.word(), period.from, period.to)
            }
            Self::News => "news".to_owned(),
            Self::Renew => "renew".to_owned(),
            Self::Privacy => "privacy".to_owned(),
            Self::Stop => "stop".to_owned(),
            Self::Unlink => "unlink".to_owned(),
            Self::Erase { asked: None } => "erase".to_owned(),
            Self::Erase { asked: Some(at) } => format!("erase:{at}"),
            Self::SwitchLanguage(lang) => format!("lang:{}", lang.tag()),
            Self::ChooseLanguage => "lang".to_owned(),
            Self::Thanks => "thanks".to_owned(),
            Self::Person => "person".to_owned(),
            Self::Unsupported => "unsupported".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        };
        format!("{V}{rest}")
    }

    /// What a payload means; [`Intent::Unknown`] for one that is not ours.
    #[must_use]
    pub fn from_payload(payload: &str) -> Self {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Self::Unknown;
        }
        let Some(rest) = payload.strip_prefix(V) else { return Self::Unknown };
        let mut parts = rest.split(':');
        let word = parts.next().unwrap_or_default();
        let slots = [parts.next(), parts.next(), parts.next()];
        if parts.next().is_some() {
            return Self::Unknown;
        }
        match (word, slots) {
            ("start", [None, ..]) => Self::Greeting,
            ("help", [None, ..]) => Self::Help,
            ("link", [None, ..]) => Self::Link,
            ("balance", [None, ..]) => Self::Balance { kind: None },
            ("balance", [Some(kind), None, _]) => {
                kind_of(kind).map_or(Self::Unknown, |kind| Self::Balance { kind: Some(kind) })
            }
            ("recent", [None, ..]) => Self::recent(TRANSACTIONS_DEFAULT),
            ("recent", [Some(limit), None, _]) => limit.parse().map_or(Self::Unknown, Self::recent),
            ("spending", [Some(label), Some(from), Some(to)]) => {
                spending(label, from, to).unwrap_or(Self::Unknown)
            }
            ("news", [None, ..]) => Self::News,
            ("renew", [None, ..]) => Self::Renew,
            ("privacy", [None, ..]) => Self::Privacy,
            ("stop", [None, ..]) => Self::Stop,
            ("unlink", [None, ..]) => Self::Unlink,
            ("erase", [None, ..]) => Self::Erase { asked: None },
            ("erase", [Some(at), None, _]) => {
                at.parse().map_or(Self::Unknown, |at| Self::Erase { asked: Some(at) })
            }
            ("lang", [None, ..]) => Self::ChooseLanguage,
            ("lang", [Some(tag), None, _]) => {
                Lang::ALL.iter().find(|l| l.tag() == tag).map_or(Self::Unknown, |l| Self::SwitchLanguage(*l))
            }
            ("thanks", [None, ..]) => Self::Thanks,
            ("person", [None, ..]) => Self::Person,
            ("unsupported", [None, ..]) => Self::Unsupported,
            _ => Self::Unknown,
        }
    }

    /// The last so many transactions, whatever they are; the number is brought into its bounds.
    #[must_use]
    pub fn recent(limit: u16) -> Self {
        Self::Transactions { limit: limit.clamp(1, TRANSACTIONS_MAX), merchant: None, period: None }
    }

    /// Which transactions the intent is about; `None` if it is not about transactions.
    #[must_use]
    pub fn filter(&self) -> Option<Filter> {
        match self {
            Self::Transactions { limit, merchant, period } => Some(Filter {
                merchant: merchant.clone(),
                from: period.as_ref().map(|p| p.from),
                to: period.as_ref().map(|p| p.to),
                limit: Some(usize::from(*limit)),
            }),
            Self::Spending { merchant, period } => Some(Filter {
                merchant: merchant.clone(),
                from: Some(period.from),
                to: Some(period.to),
                limit: None,
            }),
            _ => None,
        }
    }
}

fn spending(label: &str, from: &str, to: &str) -> Option<Intent> {
    let (from, to) = (from.parse::<Date>().ok()?, to.parse::<Date>().ok()?);
    let label = PeriodLabel::from_word(label)?;
    (from < to).then_some(Intent::Spending { merchant: None, period: Period { from, to, label } })
}

const KINDS: [(AccountKind, &str); 5] = [
    (AccountKind::Checking, "checking"),
    (AccountKind::Savings, "savings"),
    (AccountKind::CreditCard, "credit-card"),
    (AccountKind::Loan, "loan"),
    (AccountKind::Other, "other"),
];

fn kind_word(kind: AccountKind) -> &'static str {
    KINDS.iter().find(|(k, _)| *k == kind).map_or("other", |(_, w)| w)
}

fn kind_of(word: &str) -> Option<AccountKind> {
    KINDS.iter().find(|(_, w)| *w == word).map(|(k, _)| *k)
}
