//! What can go wrong in a flow.

use amana_bank::BankError;
use amana_channel::LinkingError;
use amana_core::ConsentError;
use amana_gate::{Denial, KeyError};
use amana_passkey::PasskeyError;
use amana_store::{StoreError, SubmitError};

/// A flow that could not be carried through. Nothing of it names data.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A submission was not kept.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Stored bytes could not be opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The gate refused a message that holds no bank data: a text of ours breaks a limit of the channel.
    #[error("a message of ours was refused: {0}")]
    Plain(Denial),
    /// A stored record cannot be read.
    #[error("a stored {0} cannot be read: a damaged row, or one of a newer version")]
    Unreadable(&'static str),
    /// The disclosure log's files or entries are not as they must be.
    #[error("the disclosure log: {0}")]
    Log(String),
    /// The institution or channel of a row is not in the configuration any more.
    #[error("the {0} of a stored row is not configured any more: put it back, or end its links")]
    NotConfigured(&'static str),
    /// This process may not go on with it: other nodes may have its shards.
    #[error("this node's lease is over")]
    NotLeased,
    /// A message was put under another customer's key after it was read.
    #[error("a message is under another key than when it was read")]
    Moved,
}

impl FlowError {
    /// Whether a stored row cannot be read: waiting does not mend it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Store(error) | Self::Submit(SubmitError::Store(error)) => error.is_damage(),
            Self::Key(_) | Self::Unreadable(_) => true,
            Self::Submit(_)
            | Self::Plain(_)
            | Self::Log(_)
            | Self::NotConfigured(_)
            | Self::NotLeased
            | Self::Moved => false,
        }
    }
}

/// Why linking, or entering the privacy page, cannot go on. What the person is told is chosen by the kind.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The one-time link or the browser session is unknown, used or over.
    #[error("the link or session is unknown, used or over")]
    Over,
    /// The platform's linking token names nobody.
    #[error(transparent)]
    Platform(#[from] LinkingError),
    /// The place to return to is not the platform's.
    #[error("the address to return to is not one of the platform's hosts")]
    ForeignRedirect,
    /// The institution is not offered on this channel.
    #[error("the institution is not offered on this page")]
    NoSuchInstitution,
    /// The customer said no at the bank.
    #[error("the authorization was refused at the bank")]
    Declined,
    /// The bank could not answer, or answered what cannot be used.
    #[error(transparent)]
    Bank(BankError),
    /// A kill switch is on for this customer.
    #[error("a kill switch stops this customer's data")]
    Stopped,
    /// The person who signed in is not linked in this chat.
    #[error("the person who signed in is not linked in this chat")]
    NotLinked,
    /// The consent is not one that can be recorded.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// The bank shared no account.
    #[error("the bank shared no account")]
    NoAccounts,
    /// The page behind a notice is unknown, was opened, is over, or may not be shown any more.
    #[error("the page behind the notice is unknown, was opened, or is over")]
    PageOver,
    /// The page behind a notice is somebody else's than who signed in.
    #[error("the page behind the notice is another customer's")]
    PageOfAnother,
    /// The passkey is not one that opens the page, or does not prove that it is.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// The flow itself failed.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<StoreError> for LinkError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<SubmitError> for LinkError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Conflict {
                what: "token" | "session" | "passkey" | "number of passkeys", ..
            } => Self::Over,
            other => Self::Flow(other.into()),
        }
    }
}

impl From<KeyError> for LinkError {
    fn from(error: KeyError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<BankError> for LinkError {
    fn from(error: BankError) -> Self {
        match error.class {
            amana_bank::BankErrorClass::Declined(_) => Self::Declined,
            amana_bank::BankErrorClass::BadCallback(_) => Self::Over,
            _ => Self::Bank(error),
        }
    }
}
