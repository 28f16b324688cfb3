//! A person's own statement as a customer of the sandbox bank.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::brand;
use crate::db::Change;
use crate::error::Error;
use crate::generator::instant;
use crate::limits;
use crate::model::{Account, AccountKind, Customer, Txn, TxnKind, TxnState, product_names};
use crate::money::Currency;
use crate::prng::stable_id;
use crate::records::kind;

/// A customer to import. Importing the same user name again merges account by account: an account with a known number
/// is replaced, others are added; so importing the same file twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedCustomer {
    /// Sign-in name; must not be one of a demonstration customer. The password is `demo`.
    pub username: String,
    /// Name on the bank's pages.
    pub display_name: String,
    /// The accounts, at least one.
    pub accounts: Vec<ImportedAccount>,
}

/// An account of an imported customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedAccount {
    /// Account or card number; only its last four characters are ever shown.
    pub number: String,
    /// Kind of account.
    pub kind: AccountKind,
    /// ISO 4217 code.
    pub currency: String,
    /// Balance after all transactions, in minor units; negative on a card that owes.
    pub ledger_balance_minor: i64,
    /// Available balance, in minor units, if the statement has one.
    pub available_minor: Option<i64>,
    /// The transactions, in any order.
    pub transactions: Vec<ImportedTransaction>,
}

/// A posted transaction of an imported account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedTransaction {
    /// The statement's own identifier, if it has one; must be unique in the account.
    pub id: Option<String>,
    /// Day of posting.
    pub posted: Date,
    /// Minor units; positive = money in (or a card payment), negative = money out (or a card purchase).
    pub amount_minor: i64,
    /// The statement's text.
    pub description: String,
    /// The shop, if the statement tells it apart.
    pub merchant: Option<String>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportOutcome {
    /// Accounts the customer has now.
    pub accounts: usize,
    /// Transactions in all of them.
    pub transactions: usize,
    /// False if everything was there already.
    pub changed: bool,
}

fn refuse(what: String) -> Error {
    Error::Import(what)
}

/// Imports all of it or, with an error, nothing.
pub(crate) fn import(app: &App, bank_id: &str, customer: &ImportedCustomer) -> Result<ImportOutcome, Error> {
    let brand = brand::find(bank_id).ok_or_else(|| refuse(format!("there is no institution `{bank_id}`")))?;
    app.bank(brand, |bank, db| {
        let demonstration =
            bank.customer_by_username(&customer.username).is_some_and(|customer| !customer.imported);
        if demonstration {
            return Err(refuse(format!(
                "`{}` is a demonstration customer; choose another name",
                customer.username
            )));
        }
        let before = bank.imports.get(&customer.username);
        let merged = merge(before, customer);
        let changed = before != Some(&merged);
        let (record, mut accounts) = build(bank_id, &merged)?;
        let outcome = ImportOutcome {
            accounts: accounts.len(),
            transactions: merged.accounts.iter().map(|account| account.transactions.len()).sum(),
            changed,
        };
        if changed {
            // What was bought at the till with an account stays on it.
            for account in &mut accounts {
                let Some(old) = bank.accounts.get(&account.id) else { continue };
                for txn in old.txns.iter().filter(|txn| txn.id.starts_with(crate::model::HAND_MADE)) {
                    account.apply(txn.clone());
                }
            }
            db.commit(&[Change::put(kind::IMPORT, bank_id, &merged.username, &merged)?])?;
            bank.add_customer(record, accounts);
            bank.imports.insert(merged.username.clone(), merged);
        }
        Ok(outcome)
    })
    .unwrap_or_else(|| Err(refuse(format!("the institution `{bank_id}` does not run here"))))
}

fn merge(before: Option<&ImportedCustomer>, new: &ImportedCustomer) -> ImportedCustomer {
    let mut merged = new.clone();
    for old in before.into_iter().flat_map(|before| &before.accounts) {
        if !merged.accounts.iter().any(|account| account.number == old.number) {
            merged.accounts.push(old.clone());
        }
    }
    merged.accounts.sort_by(|a, b| a.number.cmp(&b.number));
    merged
}

/// Checks an import and makes the customer and its accounts of it.
pub(crate) fn build(bank_id: &str, imported: &ImportedCustomer) -> Result<(Customer, Vec<Account>), Error> {
    let username = &imported.username;
    let name_ok = (1..=40).contains(&username.len())
        && username
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    if !name_ok {
        return Err(refuse("a user name has 1 to 40 of: small letters, digits, `-`, `_`, `.`".to_owned()));
    }
    if imported.accounts.is_empty() || imported.accounts.len() > limits::IMPORT_ACCOUNTS_MAX {
        return Err(refuse(format!("a customer has 1 to {} accounts", limits::IMPORT_ACCOUNTS_MAX)));
    }
    let customer_id = stable_id("cus_", &["import", bank_id, username]);
    let mut accounts = Vec::new();
    for account in &imported.accounts {
        accounts.push(build_account(bank_id, username, &customer_id, account)?);
    }
    let mut ids: Vec<String> = accounts.iter().map(|account| account.id.clone()).collect();
    ids.sort();
    ids.dedup();
    if ids.len() != accounts.len() {
        return Err(refuse("two accounts have the same number".to_owned()));
    }
    let (first, last) =
        imported.display_name.trim().rsplit_once(' ').unwrap_or((imported.display_name.trim(), ""));
    let customer = Customer {
        id: customer_id,
        username: username.clone(),
        first: if first.is_empty() { username.clone() } else { first.to_owned() },
        last: last.to_owned(),
        name_ar: String::new(),
        imported: true,
        account_ids: accounts.iter().map(|account| account.id.clone()).collect(),
    };
    Ok((customer, accounts))
}

fn build_account(
    bank_id: &str,
    username: &str,
    customer_id: &str,
    imported: &ImportedAccount,
) -> Result<Account, Error> {
    let wrong = |what: &str| refuse(format!("account ending `{}`: {what}", last_digits(&imported.number)));
    if imported.number.trim().is_empty() {
        return Err(refuse("an account has no number".to_owned()));
    }
    let currency =
        Currency::parse(&imported.currency).ok_or_else(|| wrong("its currency is not an ISO 4217 code"))?;
    if imported.transactions.len() > limits::IMPORT_TRANSACTIONS_MAX {
        return Err(wrong("it has too many transactions"));
    }
    let in_range = |minor: i64| minor.unsigned_abs() <= limits::AMOUNT_MINOR_MAX.unsigned_abs();
    if !in_range(imported.ledger_balance_minor) || !imported.available_minor.is_none_or(in_range) {
        return Err(wrong("its balance is too large"));
    }
    let account_id = stable_id("acc_", &["import", bank_id, username, &imported.number]);
    let mut txns = Vec::with_capacity(imported.transactions.len());
    let mut moved = 0_i64;
    let mut seen = std::collections::BTreeSet::new();
    for (index, transaction) in imported.transactions.iter().enumerate() {
        if !in_range(transaction.amount_minor) {
            return Err(wrong("an amount is too large"));
        }
        let own = transaction.id.clone().unwrap_or_else(|| {
            format!("{}|{}|{}|{index}", transaction.posted, transaction.amount_minor, transaction.description)
        });
        if !seen.insert(own.clone()) {
            return Err(wrong("two transactions have the same identifier"));
        }
        let at = instant(transaction.posted, 12 * 60).ok_or_else(|| wrong("a date is out of range"))?;
        moved = moved.saturating_add(transaction.amount_minor);
        txns.push(Txn {
            id: stable_id("txn_i", &[&account_id, &own]),
            account_id: account_id.clone(),
            reference_id: None,
            state: TxnState::Posted,
            kind: TxnKind::Other,
            amount_minor: transaction.amount_minor,
            at,
            posted_at: Some(at),
            description: transaction.description.clone(),
            merchant: transaction.merchant.clone(),
            mcc: None,
            foreign: None,
        });
    }
    txns.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
    let (product, product_ar) = product_names(imported.kind);
    let mut account = Account {
        id: account_id,
        customer_id: customer_id.to_owned(),
        kind: imported.kind,
        currency,
        last_digits: last_digits(&imported.number),
        product,
        product_ar,
        opening_minor: imported.ledger_balance_minor.saturating_sub(moved),
        credit_line_minor: 0,
        available_shift_minor: 0,
        txns,
    };
    if let Some(available) = imported.available_minor {
        account.available_shift_minor = available.saturating_sub(account.balances().available_minor);
    } else if account.kind == AccountKind::CreditCard {
        // No statement tells the credit line: one that leaves room to try a purchase.
        let room = 10_i64.saturating_pow(currency.exponent()).saturating_mul(1_000);
        account.available_shift_minor = room.saturating_sub(account.balances().available_minor).max(0);
    }
    Ok(account)
}

fn last_digits(number: &str) -> String {
    let kept: Vec<char> = number.chars().filter(|c| c.is_alphanumeric()).collect();
    kept.iter().skip(kept.len().saturating_sub(4)).collect()
}
