//! The connector: an OAuth client, an FDX client, and the intake of a bank's events and notifications.
//!
//! What is **not** here: no channel, no customer record, no database, no clock or randomness of its own. What a bank
//! says about a customer leaves this crate only as [`amana_gate::Protected`] or [`amana_gate::Unaddressed`]; wire types
//! never leave it. Errors carry classes and fixed words, never content.

mod bank;
mod camt;
mod check;
mod config;
mod connector;
mod error;
pub mod events;
mod fdx;
mod hints;
mod http;
pub mod limits;
mod news;
mod oauth;
#[doc(hidden)]
pub mod probe;
pub mod profile;
mod text;
mod tokens;

pub use bank::{
    Accounts, Actor, Authorization, AuthorizeAsk, Bank, Callback, CheckError, CheckReport, Checked,
    GrantState, GrantStatus, Granted, News, Of, TakenBack,
};
pub use camt::{is_xml, parse_notification};
pub use config::{ClientAuth, ClientCertificate, HttpClientOptions, InstitutionConfig, SigningKey, Tls};
pub use connector::FdxBank;
pub use error::{
    BankError, BankErrorClass, ConfigError, INVALID_GRANT, NO_DATA, NOT_THEIRS, UNANSWERED, UNREACHED,
};
pub use events::{Intake, IntakeError, event_key, parse_binary_event, parse_events};
pub use hints::{Hint, HintError, Missed, Prompt, Topic, Whose, parse_hint};
pub use oauth::DpopKey;
pub use profile::Profile;
pub use tokens::{Doubt, Once, Pending, Renewing, StoredError, Tokens};
