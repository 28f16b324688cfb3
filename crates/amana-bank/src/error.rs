//! What can go wrong with a bank, in classes by what to do about it.

use amana_core::InstitutionId;
use std::fmt;
use std::time::Duration;

/// The code of RFC 6749 §5.2 for a grant or refresh token that is not good (any more).
pub const INVALID_GRANT: &str = "invalid_grant";
/// A refresh was answered with another person's ID token: what came with it is not used, and the grant is over.
pub const NOT_THEIRS: &str = "the bank answered a refresh with another person's id token";
/// FDX 1107: there is nothing of what was asked for. It says nothing of the account.
pub const NO_DATA: &str = "there is no data";
/// No connection could be made: the bank is away, for whomever it is asked.
pub const UNREACHED: &str = "no connection";
/// The bank takes a request and does not answer it.
pub const UNANSWERED: &str = "no whole answer in time";

/// What to do about a failure. The texts are fixed words of ours and standard error codes, never a bank's own text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BankErrorClass {
    /// The bank takes the tokens no more (expired, revoked, `invalid_grant`, FDX 401/602/603): the customer must link
    /// again. From a call for data it may only mean that the access token has ended early: refresh once and try again;
    /// from [`crate::Bank::refresh`] it is final.
    #[error("access has ended ({0}): the customer must link again")]
    RelinkNeeded(&'static str),
    /// The customer, or the bank in the customer's name, said no on the bank's own pages.
    #[error("the authorization was refused at the bank ({0})")]
    Declined(&'static str),
    /// The account or thing does not exist (any more): FDX 701, 705. 1107 ([`NO_DATA`]) of a list of transactions is an
    /// empty list.
    #[error("what was asked for does not exist at the bank ({0})")]
    Gone(&'static str),
    /// The bank says that our request is wrong: our mistake, or the configuration's. Asking again does not help.
    #[error("the bank does not accept the request ({0}): check the institution's configuration")]
    OurRequest(&'static str),
    /// The bank asks us to come later: 429, 503, FDX 1207 and the like.
    #[error("the bank asks to wait ({what})")]
    Wait {
        /// Why.
        what: &'static str,
        /// For how long, if it says; at most [`crate::limits::RETRY_AFTER_MAX`].
        retry_after: Option<Duration>,
    },
    /// It may work if tried again: 500, no connection, time-out.
    #[error("the bank could not answer ({0}): try again")]
    Retry(&'static str),
    /// The answer is not what the standard says, or not safe to believe. Trying again rarely helps.
    #[error("the bank's answer cannot be used: {0}")]
    Nonsense(&'static str),
    /// The callback of an authorization does not belong to the request (`state`, `iss`, RFC 9207): maybe an attack.
    /// Nothing of it may be used.
    #[error("the callback does not belong to the request: {0}")]
    BadCallback(&'static str),
}

impl BankErrorClass {
    /// A stable word for metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RelinkNeeded(_) => "relink-needed",
            Self::Declined(_) => "declined",
            Self::Gone(_) => "gone",
            Self::OurRequest(_) => "our-request",
            Self::Wait { .. } => "wait",
            Self::Retry(_) => "retry",
            Self::Nonsense(_) => "nonsense",
            Self::BadCallback(_) => "bad-callback",
        }
    }

    /// Whether the grant is over: the bank refused a refresh because it is not good any more (revoked, unless proved
    /// otherwise), or answered one with another person's tokens ([`NOT_THEIRS`]).
    #[must_use]
    pub fn ends_grant(self) -> bool {
        matches!(self, Self::RelinkNeeded(INVALID_GRANT | NOT_THEIRS))
    }

    /// Whether the bank could not be reached, or did not answer: that says something of the bank, and nothing of the
    /// account or the connection that was asked for.
    #[must_use]
    pub fn is_away(self) -> bool {
        matches!(self, Self::Retry(UNREACHED | UNANSWERED))
    }

    /// Whether this one call failed, and another one may not: for another account, another kind of data.
    #[must_use]
    pub fn is_one_calls(self) -> bool {
        matches!(self, Self::Retry(_)) && !self.is_away()
    }

    /// Whether the same call can be expected to work later without anybody doing anything.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Wait { .. } | Self::Retry(_))
    }
}

/// A failed call to a bank: which bank, what class, and the interaction id by which the bank finds it in its log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BankError {
    /// The bank.
    pub institution: InstitutionId,
    /// The `x-fapi-interaction-id` (or, at the authorization server, nothing).
    pub interaction: Option<String>,
    /// What to do about it.
    pub class: BankErrorClass,
}

impl fmt::Display for BankError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "institution `{}`: {}", self.institution, self.class)?;
        self.interaction.as_ref().map_or(Ok(()), |id| write!(f, " [interaction {id}]"))
    }
}

/// A connector that cannot be built from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No profile of that name is built in.
    #[error("institution `{institution}`: there is no profile `{name}`; known are: {known}")]
    UnknownProfile {
        /// The institution.
        institution: String,
        /// What was asked for.
        name: String,
        /// Every profile that is built in.
        known: String,
    },
    /// A profile that contradicts itself, or is not TOML of the right shape.
    #[error("profile `{name}`: {what}")]
    Profile {
        /// The profile.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// An address that is not an absolute http(s) URL, or is plain http to another machine.
    #[error("institution `{institution}`: `{key}` is `{value}`; it must be {expected}")]
    Address {
        /// The institution.
        institution: InstitutionId,
        /// Which key of the configuration.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The profile's paths name a provider, and the institution none (or the other way round).
    #[error("institution `{institution}`: `provider_id` {what}")]
    Provider {
        /// The institution.
        institution: InstitutionId,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// The client's way of proving itself cannot be used.
    #[error("institution `{institution}`: {what}")]
    ClientAuth {
        /// The institution.
        institution: InstitutionId,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// The HTTP client cannot be built.
    #[error("institution `{institution}`: the http client cannot be built: {what}")]
    Http {
        /// The institution.
        institution: InstitutionId,
        /// What is wrong.
        what: String,
    },
}
