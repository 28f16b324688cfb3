//! The one way in which the rest of the house talks to a bank.

use crate::error::{BankError, BankErrorClass};
use crate::hints::{Missed, Topic};
use crate::tokens::{Pending, Tokens};
use amana_core::{
    Account, AccountId, BankEvent, BankEventBody, Clusters, Evidence, InstitutionId, Lang, Page, Secret,
    Timestamp, Transaction,
};
use amana_gate::{Protected, Subject};
use async_trait::async_trait;
use std::collections::BTreeMap;
use url::Url;

/// What is asked of the customer on the bank's pages.
#[derive(Debug, Clone)]
pub struct AuthorizeAsk {
    /// Where the bank sends the browser back to; exactly as registered with the bank.
    pub redirect_uri: Url,
    /// The kinds of data.
    pub clusters: Clusters,
    /// For how long, in days (FDX `durationPeriod`).
    pub duration_days: u32,
    /// How far back transactions may be read, in days (FDX `lookbackPeriod`).
    pub lookback_days: u32,
    /// The language of the bank's pages (`ui_locales`).
    pub lang: Lang,
    /// Only who it is: no data, no refresh token. For signing in to the privacy page.
    pub login_only: bool,
}

/// An authorization that has begun.
#[derive(Debug)]
pub struct Authorization {
    /// Where to send the browser.
    pub url: Url,
    /// What must be kept until the callback, at rest only encrypted.
    pub pending: Pending,
}

/// The query of the callback, as it came: untrusted.
#[derive(Debug, Clone, Default)]
pub struct Callback {
    /// The authorization code.
    pub code: Option<amana_core::Secret>,
    /// Ours, given back.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The bank's words about it. Never shown or logged.
    pub error_description: Option<String>,
}

/// What an authorization gave.
#[derive(Debug)]
pub struct Granted {
    /// The tokens; to be stored before they are used.
    pub tokens: Tokens,
    /// The bank's own id of the customer: `sub` of the verified ID token, or of a JWT access token.
    pub subject: Option<String>,
    /// The bank's id of the consent (`grant_id`, `fdxConsentId`, or the claim of a JWT access token).
    pub bank_consent: Option<String>,
    /// How the customer proved who they are, from the verified ID token if there is one.
    pub evidence: Option<Evidence>,
}

/// On whose behalf a call is made (FDX `FDX-API-Actor-Type`); banks count the two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Actor {
    /// The customer waits for the answer.
    User,
    /// Nobody waits.
    Batch,
}

impl Actor {
    /// The header's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Batch => "BATCH",
        }
    }
}

/// Why a grant is taken back, as the bank is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TakenBack {
    /// Whether the customer did it (FDX `USER_ACTION`, `INDIVIDUAL`), or it follows from a rule of ours
    /// (`BUSINESS_RULE`, `DATA_RECIPIENT`): its time is over, another grant holds instead.
    pub by_customer: bool,
    /// Whether they wait for it.
    pub actor: Actor,
}

impl TakenBack {
    /// By the customer, just now.
    pub const BY_CUSTOMER: Self = Self { by_customer: true, actor: Actor::User };

    /// FDX's `reason` and `initiator`.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        if self.by_customer { ("USER_ACTION", "INDIVIDUAL") } else { ("BUSINESS_RULE", "DATA_RECIPIENT") }
    }
}

/// How a grant stands at the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum GrantStatus {
    /// The bank does not say, or says something that we do not know: nothing follows from it.
    #[default]
    Unknown,
    /// It is in force.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
    /// The bank has nothing at the address of the grant. It may be gone, or the address may be wrong: only together
    /// with a refused refresh does it mean that the grant is over.
    Missing,
}

/// The bank's own record of a grant. It has the last word: what it does not hold (any more) we do not either.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct GrantState {
    /// How it stands.
    pub status: GrantStatus,
    /// When it ends, if the bank says.
    pub expires: Option<Timestamp>,
    /// Whether it is for one reading, which is then to be the only one (FDX `ONE_TIME`).
    #[serde(default)]
    pub once: bool,
    /// The accounts that it holds, if the bank says; it may be fewer than were asked for.
    pub accounts: Option<Vec<AccountId>>,
    /// What kinds of data it holds of an account, where the bank says so.
    #[serde(default)]
    pub clusters: BTreeMap<AccountId, Clusters>,
}

impl GrantState {
    /// One of which nothing else is known.
    #[must_use]
    pub fn only(status: GrantStatus) -> Self {
        Self { status, ..Self::default() }
    }

    /// Whether the bank says that it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status, GrantStatus::Expired | GrantStatus::Revoked)
    }
}

/// The accounts that the customer shares.
pub struct Accounts {
    /// Their ids, for consents and routing.
    pub ids: Vec<AccountId>,
    /// The rest of it, closed.
    pub data: Protected<Vec<Account>>,
    /// How many rows could not be read and were left out (an unreadable id or amount, an error of that account). At
    /// least one if the list was not read to its end, or the bank calls it partial (206).
    pub skipped: usize,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("ids", &self.ids.len()).field("skipped", &self.skipped).finish()
    }
}

/// What is read for news.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Of {
    /// The balances of every account.
    Balances,
    /// The transactions of an account from `from` (inclusive) to `to` (exclusive).
    Transactions {
        /// The account.
        account: AccountId,
        /// The first instant.
        from: Timestamp,
        /// The instant after the last.
        to: Timestamp,
    },
}

/// What a bank that pushes nothing says when it is asked: the events that it would have sent, oldest first.
pub struct News {
    /// The events. They name a transaction as a pushed one does; their own ids are of what they say, so that the same
    /// row read again is the same event.
    pub events: Vec<(BankEvent, Protected<BankEventBody>)>,
    /// Whether that is all of it.
    pub whole: bool,
    /// The calls that it took: a list has as many as it has pages.
    pub calls: u32,
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("News").field("events", &self.events.len()).field("whole", &self.whole).finish()
    }
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What, in a few words.
    pub what: &'static str,
    /// How it stands: a fact such as a URL.
    pub found: String,
    /// What to do about it, if something should be done though it works.
    pub warning: Option<String>,
}

/// A healthy institution: what was checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// In the order of checking.
    pub checked: Vec<Checked>,
}

/// An institution that cannot work as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("institution `{institution}`: {what}")]
pub struct CheckError {
    /// The institution.
    pub institution: InstitutionId,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
    /// What was found to be in order before.
    pub checked: Vec<Checked>,
}

/// A bank as a data provider. It knows no channel.
#[async_trait]
pub trait Bank: Send + Sync {
    /// Which bank.
    fn id(&self) -> &InstitutionId;

    /// Begins an authorization: pushed (RFC 9126) if the server can, with PKCE S256, `state` and `nonce`.
    ///
    /// # Errors
    /// When the server's metadata cannot be read or the pushed request is refused.
    async fn begin(&self, ask: &AuthorizeAsk) -> Result<Authorization, BankError>;

    /// Ends an authorization: checks `state` and `iss`, redeems the code, verifies the ID token.
    ///
    /// # Errors
    /// `Declined` when the customer said no, `BadCallback` when the callback is not the request's, else as the bank
    /// answers. The code is spent in any case.
    async fn complete(&self, pending: &Pending, callback: &Callback) -> Result<Granted, BankError>;

    /// New tokens. The caller stores them before using them, and never refreshes the same tokens twice at a time. Where
    /// [`Tokens::doubt`] says so they are stored and not used.
    ///
    /// # Errors
    /// `RelinkNeeded` when the refresh token is not good any more, or there is none.
    async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, BankError>;

    /// The accounts that the customer shares, with balances where the scope allows.
    ///
    /// # Errors
    /// As the bank answers. A single row that cannot be read is left out and counted, never fatal.
    async fn accounts(&self, tokens: &Tokens, subject: &Subject, actor: Actor)
    -> Result<Accounts, BankError>;

    /// Transactions from `from` (inclusive) to `to` (exclusive), the newest first.
    ///
    /// # Errors
    /// As the bank answers. A single row that cannot be read is left out, never fatal; when rows are left out because
    /// of our own limits, the page says that it is truncated.
    async fn transactions(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        account: &AccountId,
        from: Timestamp,
        to: Timestamp,
        actor: Actor,
    ) -> Result<Protected<Page<Transaction>>, BankError>;

    /// What has come about, for a bank that pushes nothing. Nobody waits for it.
    ///
    /// # Errors
    /// As the bank answers; `Wait` when the connection's budget is spent. A row that cannot be read is left out, and
    /// what came is not called the whole.
    async fn news(&self, tokens: &Tokens, subject: &Subject, of: &Of) -> Result<News, BankError>;

    /// How the grant stands at the bank (FDX `GET /consents/{id}`); unknown where the bank has no such call. Nobody
    /// waits for it, and no budget keeps it from being asked.
    ///
    /// # Errors
    /// As the bank answers.
    async fn grant(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        bank_consent: Option<&str>,
    ) -> Result<GrantState, BankError>;

    /// Takes the grant back at the bank: the FDX consent where the profile has that API, then refresh and access token
    /// (RFC 7009). What is gone already counts as taken back.
    ///
    /// # Errors
    /// When the bank could not be told everything; to be tried again until it succeeds.
    async fn revoke(
        &self,
        tokens: &Tokens,
        bank_consent: Option<&str>,
        why: TakenBack,
    ) -> Result<(), BankError>;

    /// Takes one refresh token back and nothing else (RFC 7009): another person's, where the customer's own grant lives
    /// on under another link. Where the bank has no such endpoint there is nothing to do.
    ///
    /// # Errors
    /// When the bank could not be told; to be tried again until it succeeds.
    async fn revoke_refresh(&self, refresh: &Secret) -> Result<(), BankError>;

    /// Has us notified of something at `callback` (FDX `POST /notification-subscriptions`): the subscription's id. It
    /// is the application's and no customer's.
    ///
    /// # Errors
    /// As the bank answers; `OurRequest` where it has no such call.
    async fn subscribe(&self, topic: Topic, callback: &Url) -> Result<String, BankError> {
        let _ = (topic, callback);
        Err(self.without_notifications())
    }

    /// Whether a subscription is (still) there.
    ///
    /// # Errors
    /// As the bank answers.
    async fn subscribed(&self, subscription: &str) -> Result<bool, BankError> {
        let _ = subscription;
        Err(self.without_notifications())
    }

    /// Ends a subscription. One that is not there has ended.
    ///
    /// # Errors
    /// As the bank answers; to be tried again.
    async fn unsubscribe(&self, subscription: &str) -> Result<(), BankError> {
        let _ = subscription;
        Err(self.without_notifications())
    }

    /// What the bank has notified of and keeps (FDX `GET /notifications`): the first page, or the one of a key.
    ///
    /// # Errors
    /// As the bank answers; `OurRequest` where it has no such call, or does not know the key.
    async fn missed(&self, page: Option<&str>) -> Result<Missed, BankError> {
        let _ = page;
        Err(self.without_notifications())
    }

    /// Whether whoever shows this token is the bank, and notifies us at `callback` (FDX Security Model v5.0: a JWT that
    /// the publisher's own key signs).
    ///
    /// # Errors
    /// Transient when the bank's keys cannot be read now; anything else is a *no*.
    async fn publisher(&self, token: &Secret, callback: &Url) -> Result<(), BankError> {
        let _ = (token, callback);
        Err(self.without_notifications())
    }

    /// What a bank without notifications says.
    #[doc(hidden)]
    fn without_notifications(&self) -> BankError {
        let class = BankErrorClass::OurRequest("this bank has no notifications");
        BankError { institution: self.id().clone(), interaction: None, class }
    }

    /// Checks metadata, endpoints, the client's credentials and the API's address, for the operator.
    ///
    /// # Errors
    /// The first thing that keeps the institution from working, and how to mend it.
    async fn check(&self) -> Result<CheckReport, CheckError>;
}
