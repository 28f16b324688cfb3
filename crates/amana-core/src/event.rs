//! What a bank pushes: one event about one account of one customer.

use crate::{Account, AccountId, InstitutionId, Timestamp, Transaction};
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BankEventKind {
    /// A card transaction was authorised.
    TransactionAuthorised,
    /// A transaction was booked (a deposit too).
    TransactionPosted,
    /// A transaction was undone.
    TransactionReversed,
    /// A balance changed.
    BalanceChanged,
}

/// The envelope: routing facts that are not protected (nothing of it tells what was bought or what is left).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankEvent {
    /// Who says so.
    pub institution: InstitutionId,
    /// The event's id at its source; with the source it names the event for ever (CloudEvents 1.0 §3.1).
    pub id: String,
    /// When it happened. The same on every redelivery.
    pub occurred: Timestamp,
    /// The account.
    pub account: AccountId,
    /// The bank's own id of the customer, if it says; one account may have several holders.
    pub subject: Option<String>,
    /// What happened.
    pub kind: BankEventKind,
    /// The transaction's id, for events about one.
    pub transaction_id: Option<String>,
    /// The id of the authorization it settles or the transaction it reverses.
    pub reference_id: Option<String>,
}

/// The content: protected from the moment it is parsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BankEventBody {
    /// About a transaction.
    Transaction(Transaction),
    /// About a balance.
    Balance(Account),
}
