//! What the processes say to each other, as JSON. Errors travel as their class and numbers; the words stand in the log
//! of the process in which they happened.

use amana_bank::{AuthorizeAsk, BankError, BankErrorClass, Callback, INVALID_GRANT, UNREACHED};
use amana_channel::webhook::EchoWords;
use amana_channel::{History, LinkingError, SaidThere, SendError};
use amana_core::{
    AccountId, Address, BankEvent, ChannelId, Clusters, CustomerId, InstitutionId, Lang, Secret, Timestamp,
};
use amana_gate::TicketError;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

/// Where an error of another process is explained.
const TOLD: &str = "its own log says why";

#[derive(Serialize, Deserialize)]
pub(super) struct Begin {
    redirect_uri: Url,
    clusters: Clusters,
    duration_days: u32,
    lookback_days: u32,
    lang: Lang,
    login_only: bool,
}

impl Begin {
    pub(super) fn of(ask: &AuthorizeAsk) -> Self {
        Self {
            redirect_uri: ask.redirect_uri.clone(),
            clusters: ask.clusters,
            duration_days: ask.duration_days,
            lookback_days: ask.lookback_days,
            lang: ask.lang,
            login_only: ask.login_only,
        }
    }

    pub(super) fn ask(self) -> AuthorizeAsk {
        AuthorizeAsk {
            redirect_uri: self.redirect_uri,
            clusters: self.clusters,
            duration_days: self.duration_days,
            lookback_days: self.lookback_days,
            lang: self.lang,
            login_only: self.login_only,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Back {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

impl Back {
    pub(super) fn of(callback: &Callback) -> Self {
        Self {
            code: callback.code.as_ref().map(|code| code.expose().to_owned()),
            state: callback.state.clone(),
            iss: callback.iss.clone(),
            error: callback.error.clone(),
        }
    }

    pub(super) fn callback(self) -> Callback {
        Callback {
            code: self.code.map(Secret::new),
            state: self.state,
            iss: self.iss,
            error: self.error,
            error_description: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Authorized {
    pub(super) url: Url,
    pub(super) pending: amana_bank::Pending,
}

/// Tokens, as the connector writes them down.
#[derive(Serialize, Deserialize)]
pub(super) struct WireTokens(String);

impl WireTokens {
    pub(super) fn of(tokens: &amana_bank::Tokens) -> Self {
        // It is JSON, so it is UTF-8.
        Self(String::from_utf8(tokens.to_bytes()).unwrap_or_default())
    }
    pub(super) fn tokens(&self) -> Option<amana_bank::Tokens> {
        amana_bank::Tokens::from_bytes(self.0.as_bytes()).ok()
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Complete {
    pub(super) pending: amana_bank::Pending,
    pub(super) callback: Back,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireGranted {
    pub(super) tokens: WireTokens,
    pub(super) subject: Option<String>,
    pub(super) bank_consent: Option<String>,
    pub(super) evidence: Option<amana_core::Evidence>,
}

/// A question about a customer's data. The answer is sealed for this question alone.
#[derive(Serialize, Deserialize)]
pub(super) struct Fetch {
    pub(super) tokens: WireTokens,
    pub(super) customer: CustomerId,
    pub(super) user_waits: bool,
    /// The account and the period, for transactions.
    pub(super) of: Option<(AccountId, Timestamp, Timestamp)>,
    /// Random, of the gate.
    pub(super) nonce: String,
}

/// What the sealed answer is bound to: bank, customer, question.
pub(super) fn seal_context(
    institution: &InstitutionId,
    call: &str,
    customer: CustomerId,
    nonce: &str,
) -> Vec<u8> {
    let parts: [&[u8]; 4] =
        [institution.as_str().as_bytes(), call.as_bytes(), customer.as_bytes(), nonce.as_bytes()];
    parts.iter().flat_map(|p| (p.len() as u64).to_be_bytes().into_iter().chain(p.iter().copied())).collect()
}

#[derive(Serialize, Deserialize)]
pub(super) struct Fetched {
    /// The ids of the accounts; empty for transactions.
    pub(super) ids: Vec<AccountId>,
    pub(super) skipped: usize,
    /// The data, sealed; hexadecimal.
    pub(super) sealed: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct LookAtGrant {
    pub(super) tokens: WireTokens,
    pub(super) customer: CustomerId,
    pub(super) bank_consent: Option<String>,
}

/// A reading for news. The answer is sealed for this question alone.
#[derive(Serialize, Deserialize)]
pub(super) struct ReadNews {
    pub(super) tokens: WireTokens,
    pub(super) customer: CustomerId,
    pub(super) of: amana_bank::Of,
    /// Random, of the gate.
    pub(super) nonce: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireNews {
    /// Each event's envelope, and its content, sealed; hexadecimal.
    pub(super) events: Vec<(BankEvent, String)>,
    pub(super) whole: bool,
    pub(super) calls: u32,
}

/// What the content of an event is bound to: the question, and its place among the answer's events.
pub(super) fn news_context(institution: &InstitutionId, ask: &ReadNews, place: usize) -> Vec<u8> {
    let mut context = seal_context(institution, "news", ask.customer, &ask.nonce);
    context.extend_from_slice(&(place as u64).to_be_bytes());
    context
}

#[derive(Serialize, Deserialize)]
pub(super) struct Subscribe {
    pub(super) topic: amana_bank::Topic,
    pub(super) callback: url::Url,
}

/// A token that somebody showed who says to be the bank.
#[derive(Serialize, Deserialize)]
pub(super) struct Publisher {
    pub(super) token: String,
    pub(super) callback: url::Url,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Revoke {
    pub(super) tokens: WireTokens,
    pub(super) bank_consent: Option<String>,
    pub(super) why: amana_bank::TakenBack,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireBankError {
    class: String,
    retry_after_s: Option<u64>,
    interaction: Option<String>,
}

impl WireBankError {
    pub(super) fn of(error: &BankError) -> Self {
        let retry_after_s = match error.class {
            BankErrorClass::Wait { retry_after, .. } => retry_after.map(|wait| wait.as_secs()),
            _ => None,
        };
        let class = match error.class {
            class if class.ends_grant() => INVALID_GRANT,
            class if class.is_away() => UNREACHED,
            class => class.as_str(),
        };
        Self { class: class.to_owned(), retry_after_s, interaction: error.interaction.clone() }
    }

    pub(super) fn error(self, institution: &InstitutionId) -> BankError {
        let class = match self.class.as_str() {
            "relink-needed" => BankErrorClass::RelinkNeeded(TOLD),
            INVALID_GRANT => BankErrorClass::RelinkNeeded(INVALID_GRANT),
            UNREACHED => BankErrorClass::Retry(UNREACHED),
            "declined" => BankErrorClass::Declined(TOLD),
            "gone" => BankErrorClass::Gone(TOLD),
            "our-request" => BankErrorClass::OurRequest(TOLD),
            "wait" => {
                BankErrorClass::Wait { what: TOLD, retry_after: self.retry_after_s.map(Duration::from_secs) }
            }
            "retry" => BankErrorClass::Retry(TOLD),
            "bad-callback" => BankErrorClass::BadCallback(TOLD),
            _ => BankErrorClass::Nonsense(TOLD),
        };
        BankError { institution: institution.clone(), interaction: self.interaction, class }
    }
}

/// A question to egress about a person or a channel.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    Typing { to: Address, on: bool },
    MarkSeen { to: Address },
    LinkingRecipient { channel: ChannelId, token: String },
    Unlink { to: Address },
    Locale { of: Address },
    Name { of: Address },
    PassToPeople { of: Address },
    Owner { of: Address },
    TakeBack { of: Address },
    ApprovedTexts { channel: ChannelId },
    People { app_scoped: String },
    Unheard { channel: ChannelId },
    Listen { channel: ChannelId },
    SaidSince { to: Address, since: Timestamp },
    TalkedSince { channel: ChannelId, since: Timestamp },
    HeardIn { channel: ChannelId, thread: String, since: Timestamp },
}

/// What the platform tells of a conversation: of each message its id, what it says, and whether that is all of it.
#[derive(Serialize, Deserialize)]
pub(super) enum WireHistory {
    Unkept,
    Untold,
    Said(Vec<(String, Vec<String>, bool)>),
}

impl From<History> for WireHistory {
    fn from(history: History) -> Self {
        match history {
            History::Unkept => Self::Unkept,
            History::Untold => Self::Untold,
            History::Said(all) => {
                let said = |SaidThere { mid, words, whole }| (mid, words.0, whole);
                Self::Said(all.into_iter().map(said).collect())
            }
        }
    }
}

impl From<WireHistory> for History {
    fn from(wire: WireHistory) -> Self {
        let read = |(mid, words, whole)| SaidThere { mid, words: EchoWords(words), whole };
        match wire {
            WireHistory::Unkept => Self::Unkept,
            WireHistory::Untold => Self::Untold,
            WireHistory::Said(all) => Self::Said(all.into_iter().map(read).collect()),
        }
    }
}

/// The platform took a message.
#[derive(Serialize, Deserialize)]
pub(super) struct WireSent {
    pub(super) mid: String,
    pub(super) rest_s: Option<u64>,
    /// Whether all channels of the app are to rest.
    #[serde(default)]
    pub(super) whole_app: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "kebab-case")]
pub(super) enum WireSendError {
    WindowClosed,
    Unreachable,
    Permanent {
        code: i64,
        sub: Option<i64>,
    },
    NotAllowed {
        code: i64,
        sub: Option<i64>,
    },
    NoWay,
    TokenDead,
    PageBlocked,
    Throttled {
        retry_after_s: u64,
    },
    ThrottledApp {
        retry_after_s: u64,
    },
    ThrottledPerson {
        retry_after_s: u64,
    },
    Transient,
    Ambiguous,
    NotThreadOwner,
    Refused {
        why: TicketError,
    },
    UnknownChannel,
    /// Of a linking token alone.
    BadToken,
    /// Of a linking token alone.
    Unclear,
}

impl WireSendError {
    pub(super) fn of(error: &SendError) -> Self {
        match error {
            SendError::WindowClosed => Self::WindowClosed,
            SendError::Unreachable => Self::Unreachable,
            SendError::Permanent { code, sub } => Self::Permanent { code: *code, sub: *sub },
            SendError::NotAllowed { code, sub } => Self::NotAllowed { code: *code, sub: *sub },
            SendError::NoWay { .. } => Self::NoWay,
            SendError::TokenDead => Self::TokenDead,
            SendError::PageBlocked => Self::PageBlocked,
            SendError::Throttled { retry_after } => Self::Throttled { retry_after_s: retry_after.as_secs() },
            SendError::ThrottledApp { retry_after } => {
                Self::ThrottledApp { retry_after_s: retry_after.as_secs() }
            }
            SendError::ThrottledPerson { retry_after } => {
                Self::ThrottledPerson { retry_after_s: retry_after.as_secs() }
            }
            SendError::Transient { .. } => Self::Transient,
            SendError::NotThreadOwner => Self::NotThreadOwner,
            SendError::Refused { why } => Self::Refused { why: *why },
            SendError::UnknownChannel => Self::UnknownChannel,
            // What is new and not known here may have been sent.
            _ => Self::Ambiguous,
        }
    }

    pub(super) fn of_linking(error: &LinkingError) -> Self {
        match error {
            LinkingError::BadToken => Self::BadToken,
            LinkingError::Unclear => Self::Unclear,
            LinkingError::Call(error) => Self::of(error),
        }
    }

    pub(super) fn error(&self) -> SendError {
        match self {
            Self::WindowClosed => SendError::WindowClosed,
            Self::Unreachable => SendError::Unreachable,
            Self::Permanent { code, sub } => SendError::Permanent { code: *code, sub: *sub },
            Self::NotAllowed { code, sub } => SendError::NotAllowed { code: *code, sub: *sub },
            Self::NoWay => SendError::NoWay { what: "egress says so; its own log says why" },
            Self::TokenDead => SendError::TokenDead,
            Self::PageBlocked => SendError::PageBlocked,
            Self::Throttled { retry_after_s } => {
                SendError::Throttled { retry_after: Duration::from_secs(*retry_after_s) }
            }
            Self::ThrottledApp { retry_after_s } => {
                SendError::ThrottledApp { retry_after: Duration::from_secs(*retry_after_s) }
            }
            Self::ThrottledPerson { retry_after_s } => {
                SendError::ThrottledPerson { retry_after: Duration::from_secs(*retry_after_s) }
            }
            Self::Transient => SendError::Transient { what: "egress says so; its own log says why" },
            Self::NotThreadOwner => SendError::NotThreadOwner,
            Self::Refused { why } => SendError::Refused { why: *why },
            Self::UnknownChannel => SendError::UnknownChannel,
            Self::Ambiguous | Self::BadToken | Self::Unclear => {
                SendError::Ambiguous { what: "egress says so; its own log says why" }
            }
        }
    }

    pub(super) fn linking(&self) -> LinkingError {
        match self {
            Self::BadToken => LinkingError::BadToken,
            Self::Unclear => LinkingError::Unclear,
            other => LinkingError::Call(other.error()),
        }
    }
}
