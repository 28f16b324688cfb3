//! What a file says, in one shape for all formats.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

/// The format a statement was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// OFX 1.x, SGML.
    Ofx1,
    /// OFX 2.x, XML.
    Ofx2,
    /// ISO 20022 bank-to-customer statement.
    Camt053,
    /// ISO 20022 bank-to-customer debit/credit notification. Carries no balances.
    Camt054,
}

/// One statement of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where it was read from.
    pub format: Format,
    /// The bank's name as the file gives it (OFX `FI/ORG`, camt `Acct/Svcr/FinInstnId/Nm`).
    pub institution_name: Option<String>,
    /// The account.
    pub account: Account,
    /// Booked balance at the start of the statement (camt `OPBD`); OFX has none.
    pub opening_balance: Option<Balance>,
    /// Booked balance (OFX `LEDGERBAL`; camt `CLBD`, else `ITBD`), the latest if there are several.
    pub ledger_balance: Option<Balance>,
    /// Available balance (OFX `AVAILBAL`; camt `CLAV`, else `ITAV`), the latest if there are several.
    pub available_balance: Option<Balance>,
    /// The transactions, in the order of the file.
    pub transactions: Vec<Transaction>,
}

/// The account a statement is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Account number as the bank writes it; an IBAN without spaces. Protected data.
    pub number: String,
    /// What kind of account.
    pub kind: AccountKind,
    /// ISO 4217 code of an existing currency, upper case. Balances are in it.
    pub currency: String,
}

/// What kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// OFX `CHECKING`; ISO 20022 `CACC`, `SLRY`, `TRAN`, `TRAS`.
    Checking,
    /// OFX `SAVINGS`, `MONEYMRKT`; ISO 20022 `SVGS`, `LLSV`, `ONDP`, `MOMA`.
    Savings,
    /// An OFX credit-card statement.
    CreditCard,
    /// Anything else, and whatever the file does not say.
    Other,
}

/// A balance, in the account's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Minor units, negative when the customer owes.
    pub minor: i64,
    /// The day it holds for, as the bank writes it.
    pub as_of: Date,
    /// The instant it holds for, where the file gives one.
    pub time: Option<Timestamp>,
}

/// Whether the bank has booked a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// In the account's books.
    Booked,
    /// Announced (OFX `STMTTRNP`; camt `PDNG`, `FUTR`).
    Pending,
}

/// One transaction. All texts are single-line, trimmed, without control and bidirectional-override characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The bank's identifier (OFX `FITID`; camt `AcctSvcrRef`, else `NtryRef`; `entry/n` for the n-th part of a
    /// batch without its own). Banks repeat and forget it: see [`Statement::keys`].
    pub id: Option<String>,
    /// Whether that is an identifier for good (OFX `FITID`; camt `AcctSvcrRef`), and no number that another file may
    /// use again (camt `NtryRef`).
    pub id_lasts: bool,
    /// The day of booking as the bank writes it, in its own time zone; for a pending one the day it is expected.
    pub booked: Date,
    /// The instant of booking, where the file gives a time of day. OFX without a zone is UTC (OFX 2.3 §3.2.8.2);
    /// camt without a zone is some local time, so there is no instant. Midnight stands for "no time" and gives none.
    pub time: Option<Timestamp>,
    /// The day from which it bears interest or is available.
    pub value_date: Option<Date>,
    /// Minor units of `currency`; credit positive.
    pub minor: i64,
    /// ISO 4217 code of an existing currency; mostly the account's.
    pub currency: String,
    /// Booked or pending.
    pub status: Status,
    /// The entry reverses an earlier one (camt `RvslInd`). The sign of `minor` is that of this entry all the same.
    pub reversal: bool,
    /// The other side: payee, merchant, payer.
    pub name: Option<String>,
    /// What the bank or the payer wrote about it.
    pub memo: Option<String>,
    /// OFX `TRNTYPE` (`POS`), or camt `BkTxCd` as `PMNT-CCRD-POSD`, else the bank's own code.
    pub code: Option<String>,
    /// Cheque number, end-to-end id or creditor's reference.
    pub reference: Option<String>,
}

impl Statement {
    /// One key per transaction, in their order; unique in this statement and the same whenever the same
    /// transactions are exported again.
    ///
    /// It is the bank's id where that is there and unique; a repeated one gets `#2`, `#3`, …. Without an id it is
    /// made from date, amount and texts (64-bit FNV-1a, so that it shows none of them).
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut taken = std::collections::HashSet::new();
        self.transactions
            .iter()
            .map(|t| {
                let base = t.id.clone().unwrap_or_else(|| t.content_key());
                let count = seen.entry(base.clone()).or_insert(0);
                loop {
                    *count += 1;
                    let key = if *count == 1 { base.clone() } else { format!("{base}#{count}") };
                    // A bank may itself write an id that ends in `#2`.
                    if taken.insert(key.clone()) {
                        return key;
                    }
                }
            })
            .collect()
    }
}

impl Transaction {
    fn content_key(&self) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let minor = self.minor.to_string();
        let booked = self.booked.to_string();
        let parts = [
            booked.as_str(),
            minor.as_str(),
            self.currency.as_str(),
            self.name.as_deref().unwrap_or_default(),
            self.memo.as_deref().unwrap_or_default(),
            self.reference.as_deref().unwrap_or_default(),
        ];
        for part in parts {
            // 0 ends each part, so that moving text from one to the next changes the key.
            for byte in part.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("~{hash:016x}")
    }
}
