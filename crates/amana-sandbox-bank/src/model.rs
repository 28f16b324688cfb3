//! Customers, accounts and transactions, as the bank's books hold them.
//!
//! Amounts are signed minor units of the account's currency, seen by the holder: money in (or a debt paid) is
//! positive, money out (or a debt made) is negative. A card that owes 20.00 has the ledger balance −2000.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::money::Currency;

/// The kinds of account the sandbox keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountKind {
    /// A checking (current) account.
    Checking,
    /// A savings account.
    Savings,
    /// A credit card.
    CreditCard,
    /// A digital wallet with money in it.
    DigitalWallet,
    /// A car loan.
    Loan,
}

impl AccountKind {
    /// It holds the customer's own money; the others hold a debt.
    pub(crate) fn is_deposit(self) -> bool {
        matches!(self, Self::Checking | Self::Savings | Self::DigitalWallet)
    }

    pub(crate) fn account_type(self) -> &'static str {
        match self {
            Self::Checking => "CHECKING",
            Self::Savings => "SAVINGS",
            Self::CreditCard => "CREDITCARD",
            Self::DigitalWallet => "DIGITALWALLET",
            Self::Loan => "AUTOLOAN",
        }
    }

    pub(crate) fn category(self) -> &'static str {
        match self {
            Self::Checking | Self::Savings => "DEPOSIT_ACCOUNT",
            Self::CreditCard => "LOC_ACCOUNT",
            Self::DigitalWallet => "DIGITAL_WALLET",
            Self::Loan => "LOAN_ACCOUNT",
        }
    }

    /// The marketed product (FDX `productId`).
    pub(crate) fn product_id(self) -> &'static str {
        match self {
            Self::Checking => "everyday-checking",
            Self::Savings => "goal-savings",
            Self::CreditCard => "rewards-visa",
            Self::DigitalWallet => "pocket-wallet",
            Self::Loan => "car-loan",
        }
    }
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TxnState {
    /// Held against the available balance, not yet in the books.
    Pending,
    /// In the books.
    Posted,
    /// Was pending; has posted under another id, or was reversed. No longer listed.
    Gone,
}

/// What kind of movement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TxnKind {
    Purchase,
    Refund,
    Payment,
    DirectDeposit,
    Deposit,
    Transfer,
    AtmWithdrawal,
    BillPayment,
    Interest,
    Reversal,
    Other,
}

impl TxnKind {
    /// FDX `transactionType` for an account of this kind, with this sign.
    pub(crate) fn fdx_type(self, account: AccountKind, credit: bool) -> &'static str {
        match account {
            AccountKind::Checking | AccountKind::Savings => self.bank_type(true, credit),
            AccountKind::CreditCard => self.bank_type(false, credit),
            AccountKind::DigitalWallet => match self {
                Self::Purchase => "MERCHANT_PAYMENT",
                Self::Refund => "MERCHANT_REFUND",
                Self::Transfer if credit => "TRANSFER_IN",
                Self::Transfer => "TRANSFER_OUT",
                Self::DirectDeposit => "DIRECT_DEPOSIT",
                Self::Deposit => "DEPOSIT",
                Self::BillPayment | Self::Payment => "BILL_PAYMENT",
                Self::AtmWithdrawal => "WITHDRAWAL",
                Self::Interest => "INTEREST",
                Self::Reversal => "ADJUSTMENT",
                Self::Other => {
                    if credit {
                        "CREDIT"
                    } else {
                        "DEBIT"
                    }
                }
            },
            AccountKind::Loan => match self {
                Self::Payment | Self::Deposit | Self::Transfer if credit => "PAYMENT",
                Self::Interest => "INTEREST",
                _ => "ADJUSTMENT",
            },
        }
    }

    /// Of deposit accounts, and of cards.
    fn bank_type(self, deposit: bool, credit: bool) -> &'static str {
        match (self, deposit) {
            (Self::Purchase, true) => "POSDEBIT",
            (Self::Refund, true) => "POSCREDIT",
            (Self::DirectDeposit, true) => "DIRECTDEPOSIT",
            (Self::Transfer, true) => "TRANSFER",
            (Self::AtmWithdrawal, true) => "ATMWITHDRAWAL",
            (Self::BillPayment | Self::Payment, true) => "BILLPAYMENT",
            (Self::Interest, _) => "INTEREST",
            (Self::Deposit | Self::Other, true) if credit => "DEPOSIT",
            (Self::Other, true) | (Self::AtmWithdrawal, false) => "WITHDRAWAL",
            (Self::Payment | Self::Other, false) if credit => "PAYMENT",
            (Self::Purchase | Self::Other, false) => "PURCHASE",
            _ => "ADJUSTMENT",
        }
    }
}

/// Prefix of the ids of transactions made at the till, which history's own never have.
pub(crate) const HAND_MADE: &str = "txn_h";

/// One movement on one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Txn {
    pub(crate) id: String,
    pub(crate) account_id: String,
    /// A posting names its authorization here, a reversal its original.
    pub(crate) reference_id: Option<String>,
    pub(crate) state: TxnState,
    pub(crate) kind: TxnKind,
    /// Signed, holder's view.
    pub(crate) amount_minor: i64,
    pub(crate) at: Timestamp,
    pub(crate) posted_at: Option<Timestamp>,
    pub(crate) description: String,
    pub(crate) merchant: Option<String>,
    pub(crate) mcc: Option<String>,
    /// Absolute amount and currency of a purchase abroad.
    pub(crate) foreign: Option<(i64, Currency)>,
}

/// One account with all its movements, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) customer_id: String,
    pub(crate) kind: AccountKind,
    pub(crate) currency: Currency,
    /// Last four digits, or what is left of a shorter number.
    pub(crate) last_digits: String,
    pub(crate) product: &'static str,
    pub(crate) product_ar: &'static str,
    /// Balance before the first transaction.
    pub(crate) opening_minor: i64,
    /// Credit line of a card; 0 for the others.
    pub(crate) credit_line_minor: i64,
    /// Available balance stated by an import, as a difference from the computed one.
    pub(crate) available_shift_minor: i64,
    pub(crate) txns: Vec<Txn>,
}

/// Balances at an instant, holder's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balances {
    /// Posted movements only; negative on a card that owes.
    pub(crate) ledger_minor: i64,
    /// What can be spent now: pending debits taken off, the credit line added.
    pub(crate) available_minor: i64,
}

impl Account {
    pub(crate) fn balances(&self) -> Balances {
        let mut ledger = self.opening_minor;
        let mut held = 0_i64;
        for txn in &self.txns {
            match txn.state {
                TxnState::Posted => ledger = ledger.saturating_add(txn.amount_minor),
                TxnState::Pending if txn.amount_minor < 0 => held = held.saturating_add(txn.amount_minor),
                TxnState::Pending | TxnState::Gone => {}
            }
        }
        let available = ledger
            .saturating_add(held)
            .saturating_add(self.credit_line_minor)
            .saturating_add(self.available_shift_minor);
        Balances { ledger_minor: ledger, available_minor: available }
    }

    /// Enters a transaction, or replaces the one with its id. When one of history's own authorizations is ended by
    /// hand, the posting that history would have made of it by itself goes too.
    pub(crate) fn apply(&mut self, txn: Txn) {
        self.txns.retain(|other| {
            let own_posting = txn.state == TxnState::Gone
                && !other.id.starts_with(HAND_MADE)
                && other.reference_id.as_deref() == Some(txn.id.as_str());
            other.id != txn.id && !own_posting
        });
        let at = self.txns.partition_point(|other| other.at <= txn.at);
        self.txns.insert(at, txn);
    }

    /// Movements that a customer sees, oldest first.
    pub(crate) fn visible(&self) -> impl DoubleEndedIterator<Item = &Txn> {
        self.txns.iter().filter(|txn| txn.state != TxnState::Gone)
    }

    pub(crate) fn number_display(&self) -> String {
        format!("****{}", self.last_digits)
    }

    pub(crate) fn product_in(&self, arabic: bool) -> &'static str {
        if arabic { self.product_ar } else { self.product }
    }
}

/// A person who banks here.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) first: String,
    pub(crate) last: String,
    /// Name on Arabic pages.
    pub(crate) name_ar: String,
    /// From a statement file, not made up.
    pub(crate) imported: bool,
    pub(crate) account_ids: Vec<String>,
}

impl Customer {
    pub(crate) fn name_in(&self, arabic: bool) -> String {
        if arabic && !self.name_ar.is_empty() {
            return self.name_ar.clone();
        }
        format!("{} {}", self.first, self.last).trim().to_owned()
    }
}

/// English and Arabic product names of a kind of account.
pub(crate) fn product_names(kind: AccountKind) -> (&'static str, &'static str) {
    match kind {
        AccountKind::Checking => ("Everyday Checking", "الحساب الجاري"),
        AccountKind::Savings => ("Goal Savings", "حساب التوفير"),
        AccountKind::CreditCard => ("Rewards Visa", "بطاقة فيزا للمكافآت"),
        AccountKind::DigitalWallet => ("Pocket Wallet", "محفظة الجيب"),
        AccountKind::Loan => ("Car Loan", "قرض السيارة"),
    }
}
