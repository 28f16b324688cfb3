//! What a bank knows, in our words. Only a connector makes these, and it hands them on as `Protected` alone.

use crate::{AccountId, Money, Timestamp};
use serde::{Deserialize, Serialize};

/// What kind of account; it decides how a balance is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// A current account.
    Checking,
    /// A savings account.
    Savings,
    /// A credit card: a positive balance is owed.
    CreditCard,
    /// Any other loan or line of credit: a positive balance is owed.
    Loan,
    /// Anything else.
    Other,
}

/// An account and, where the bank gave them, its balances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The bank's opaque id.
    pub id: AccountId,
    /// The name the customer knows, such as "Everyday Checking".
    pub name: String,
    /// At most the last four digits.
    pub last_four: Option<String>,
    /// The kind.
    pub kind: AccountKind,
    /// The booked balance. For a credit card or loan: what is owed, positive.
    pub current: Option<Money>,
    /// What can be spent now.
    pub available: Option<Money>,
    /// When the bank says the balances held.
    pub as_of: Option<Timestamp>,
}

/// Which way money moved, seen from the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Money left (a purchase, a fee, a payment out).
    Out,
    /// Money came (salary, a refund, a payment to the card).
    In,
    /// No money moved (a memo line).
    Memo,
}

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransactionState {
    /// Authorised, not booked.
    Pending,
    /// Booked.
    Posted,
    /// Undone.
    Reversed,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The bank's id. A pending one and its posting have different ids.
    pub id: String,
    /// The id of the authorization that this posting settles, or of the transaction that it reverses.
    pub reference_id: Option<String>,
    /// The account.
    pub account: AccountId,
    /// How far it has come.
    pub state: TransactionState,
    /// Which way the money moved.
    pub direction: Direction,
    /// The amount, never negative.
    pub amount: Money,
    /// The shop or payer, cleaned of control and direction characters.
    pub merchant: Option<String>,
    /// The bank's line of text, cleaned likewise.
    pub description: String,
    /// When it happened.
    pub at: Timestamp,
}

/// A piece of a list, and whether the bank has more than was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows that were read.
    pub rows: Vec<T>,
    /// Whether reading stopped at our own limit.
    pub truncated: bool,
}
