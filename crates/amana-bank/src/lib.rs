//! The connector: an OAuth client, an FDX client, and the intake of a bank's events.
//!
//! What is **not** here: no channel, no customer record, no database, no clock or randomness of its own. What a bank
//! says about a customer leaves this crate only as [`amana_gate::Protected`] or [`amana_gate::Unaddressed`]; wire types
//! never leave it. Errors carry classes and fixed words, never content.

mod bank;
mod config;
mod error;
pub mod limits;
pub mod profile;
mod tokens;

pub use bank::{
    Accounts, Actor, Authorization, AuthorizeAsk, Bank, Callback, CheckError, CheckReport, Checked, Granted,
};
pub use config::{ClientAuth, HttpClientOptions, InstitutionConfig};
pub use error::{BankError, BankErrorClass, ConfigError};
pub use profile::Profile;
pub use tokens::{Pending, StoredError, Tokens};
