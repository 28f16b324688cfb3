//! Reading FDX entities into our words: wrapped (4.6 to 5.3) or flat (6.x), tolerant of what banks really send.

use super::value::{self, Unreadable};
use crate::limits::{DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX};
use crate::profile::Shape;
use crate::text;
use amana_core::{
    Account, AccountId, AccountKind, Currency, Direction, Money, Timestamp, Transaction, TransactionState,
};
use serde_json::Value;

/// A row without its wrapper, and the category that the wrapper said.
pub(crate) fn unwrap(row: &Value, shape: Shape) -> Result<(&Value, Option<String>), Unreadable> {
    let object = row.as_object().ok_or(Unreadable)?;
    let mut entries = object.iter();
    let wrapped = match (entries.next(), entries.next()) {
        (Some((key, inner)), None)
            if inner.is_object() && (key.ends_with("Account") || key.ends_with("Transaction")) =>
        {
            Some((key, inner))
        }
        _ => None,
    };
    match (shape, wrapped) {
        (Shape::Flat, _) | (Shape::Auto, None) => Ok((row, None)),
        (Shape::Wrapped, None) => Err(Unreadable),
        (Shape::Wrapped | Shape::Auto, Some((key, inner))) => {
            let stem = key.trim_end_matches("Account").trim_end_matches("Transaction");
            Ok((inner, Some(stem.to_ascii_uppercase())))
        }
    }
}

/// An account, its currency, and how many of its balances could not be read.
pub(crate) struct AccountRow {
    pub(crate) account: Account,
    pub(crate) currency: Option<Currency>,
    pub(crate) unreadable: usize,
}

/// Reads an account. A balance that cannot be read is left out and counted: the account is still the customer's.
pub(crate) fn account(
    row: &Value,
    shape: Shape,
    default_currency: Option<Currency>,
) -> Result<AccountRow, Unreadable> {
    let (row, wrapper) = unwrap(row, shape)?;
    // An account that failed at the bank carries its error instead of its data.
    if row.get("error").is_some_and(Value::is_object) {
        return Err(Unreadable);
    }
    let id = AccountId::new(value::text(row, "accountId").ok_or(Unreadable)?).map_err(|_| Unreadable)?;
    let kind = kind(row, wrapper.as_deref());
    let currency = value::currency(row, "currency").or(default_currency);
    let (mut current, mut available, mut unreadable) = (None, None, 0);
    if let Some(currency) = currency {
        let mut first = |names: &[&str]| {
            for name in names {
                match value::money(row, name, currency) {
                    Ok(None) => {}
                    Ok(found) => return found,
                    Err(Unreadable) => {
                        unreadable += 1;
                        return None;
                    }
                }
            }
            None
        };
        current = first(&["currentBalance", "principalBalance"]);
        available = match kind {
            AccountKind::CreditCard | AccountKind::Loan => first(&["availableCredit", "availableBalance"]),
            AccountKind::Checking | AccountKind::Savings | AccountKind::Other => {
                first(&["availableBalance", "availableCredit"])
            }
        };
    }
    let owed = matches!(kind, AccountKind::CreditCard | AccountKind::Loan);
    // `balanceType` says what a positive balance means; ours means owed for cards and loans, owned for the rest.
    let turned = match value::word(row, "balanceType").as_deref() {
        Some("ASSET") => owed,
        Some("LIABILITY") => !owed,
        _ => false,
    };
    if turned {
        current = current.map(negated);
    }
    let last_four = value::text(row, "accountNumberDisplay")
        .and_then(|t| text::last_four_of_display(&t))
        .or_else(|| value::text(row, "accountNumber").and_then(|t| text::last_four_of_number(&t)));
    Ok(AccountRow {
        account: Account {
            id,
            name: name(row, last_four.as_deref()),
            last_four,
            kind,
            current,
            available,
            as_of: value::instant(row, "balanceAsOf").or_else(|| value::instant(row, "asOf")),
        },
        currency,
        unreadable,
    })
}

fn negated(money: Money) -> Money {
    Money::new(money.minor.saturating_neg(), money.currency)
}

fn name(row: &Value, last_four: Option<&str>) -> String {
    ["nickname", "productName", "description"]
        .iter()
        .filter_map(|key| value::text(row, key))
        .map(|name| text::without_number(&text::clean(&name, NAME_CHARS_MAX), last_four))
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

fn kind(row: &Value, wrapper: Option<&str>) -> AccountKind {
    let kind = value::word(row, "accountType").unwrap_or_default();
    match kind.as_str() {
        "CHECKING" | "LIMITEDPURPOSECHECKING" | "CURRENT" => return AccountKind::Checking,
        "CREDITCARD" | "CHARGE" => return AccountKind::CreditCard,
        "MONEYMARKET" | "CD" => return AccountKind::Savings,
        _ if kind.contains("SAVING") => return AccountKind::Savings,
        _ => {}
    }
    let category =
        value::word(row, "accountCategory").or_else(|| wrapper.map(str::to_owned)).unwrap_or_default();
    if category.starts_with("LOAN") || category.starts_with("BNPL") {
        AccountKind::Loan
    } else if category.starts_with("LOC") || category.starts_with("LINEOFCREDIT") {
        let a_card = row.get("cardNetwork").is_some_and(Value::is_string);
        if a_card { AccountKind::CreditCard } else { AccountKind::Loan }
    } else {
        AccountKind::Other
    }
}

/// A transaction, and when it was booked (to match it against a period by either time).
pub(crate) struct TransactionRow {
    pub(crate) transaction: Transaction,
    pub(crate) posted: Option<Timestamp>,
}

/// Reads a transaction of an account whose currency is known. Amount, direction, id and time must be readable: a
/// guessed one would be a lie about money.
pub(crate) fn transaction(
    row: &Value,
    shape: Shape,
    account: &AccountId,
    account_currency: Currency,
) -> Result<TransactionRow, Unreadable> {
    let (row, _) = unwrap(row, shape)?;
    let currency = value::currency(row, "currency").unwrap_or(account_currency);
    flat_transaction(row, account, currency).map_err(|_| Unreadable)
}

/// When a transaction was made that cannot be read as a whole, if at least that can be read.
pub(crate) fn time_of_unreadable(row: &Value) -> Option<Timestamp> {
    let (row, _) = unwrap(row, Shape::Auto).ok()?;
    value::instant(row, "transactionTimestamp").or_else(|| value::instant(row, "postedTimestamp"))
}

/// Reads a flat transaction; the error names the field.
fn flat_transaction(
    row: &Value,
    account: &AccountId,
    currency: Currency,
) -> Result<TransactionRow, &'static str> {
    let id = foreign(row, "transactionId").ok_or("transactionId")?;
    let amount = value::money(row, "amount", currency).ok().flatten().ok_or("amount")?.abs();
    let direction = match value::word(row, "debitCreditMemo").as_deref() {
        Some("DEBIT") => Direction::Out,
        Some("CREDIT") => Direction::In,
        Some("MEMO") => Direction::Memo,
        _ => return Err("debitCreditMemo"),
    };
    let posted = value::instant(row, "postedTimestamp");
    let at = value::instant(row, "transactionTimestamp").or(posted).ok_or("transactionTimestamp")?;
    let state = match value::word(row, "status").as_deref() {
        Some("POSTED") => TransactionState::Posted,
        Some("PENDING" | "AUTHORIZATION" | "MEMO") => TransactionState::Pending,
        // A word that we do not know, or none: booked if it says when.
        _ if posted.is_some() => TransactionState::Posted,
        _ => TransactionState::Pending,
    };
    let description = value::text(row, "description")
        .or_else(|| value::text(row, "memo"))
        .map(|t| text::clean(&t, DESCRIPTION_CHARS_MAX))
        .unwrap_or_default();
    let merchant = merchant(row)
        .or_else(|| (!description.is_empty()).then(|| text::clean(&description, NAME_CHARS_MAX)));
    Ok(TransactionRow {
        transaction: Transaction {
            id,
            reference_id: foreign(row, "referenceTransactionId"),
            account: account.clone(),
            state,
            direction,
            amount,
            merchant,
            description,
            at,
        },
        posted,
    })
}

/// An id that can be one: bounded, without control characters.
fn foreign(row: &Value, name: &str) -> Option<String> {
    value::text(row, name)
        .filter(|id| id.len() <= amana_core::ids::FOREIGN_ID_BYTES_MAX && !id.chars().any(char::is_control))
}

/// The shop or payer: `transactionPayee` (6.x), else `payee` (older).
fn merchant(row: &Value) -> Option<String> {
    let named = row.get("transactionPayee").and_then(|payee| {
        value::text(payee, "merchantName")
            .or_else(|| value::text(payee.get("merchantName")?, "name1"))
            .or_else(|| value::text(payee.get("merchantName")?, "name"))
            .or_else(|| person(payee.get("individualName")?))
    });
    named
        .or_else(|| value::text(row, "payee"))
        .map(|name| text::clean(&name, NAME_CHARS_MAX))
        .filter(|name| !name.is_empty())
}

fn person(name: &Value) -> Option<String> {
    if let Some(whole) = name.as_str() {
        return Some(whole.to_owned());
    }
    let parts: Vec<String> = ["first", "last"].iter().filter_map(|part| value::text(name, part)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// What an event is about.
pub(crate) struct EventRow<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) currency: Option<Currency>,
    pub(crate) state: TransactionState,
}

/// The transaction of an event; the error names the field below `data`.
pub(crate) fn transaction_of_event(row: &Value, about: &EventRow<'_>) -> Result<Transaction, &'static str> {
    let (row, _) = unwrap(row, Shape::Auto).map_err(|_| "transaction")?;
    let currency = about.currency.or_else(|| value::currency(row, "currency")).ok_or("currency")?;
    if value::text(row, "accountId").is_some_and(|id| id != about.account.as_str()) {
        return Err("transaction.accountId");
    }
    let mut read = flat_transaction(row, about.account, currency).map_err(|field| match field {
        "transactionId" => "transaction.transactionId",
        "amount" => "transaction.amount",
        "debitCreditMemo" => "transaction.debitCreditMemo",
        _ => "transaction.transactionTimestamp",
    })?;
    read.transaction.state = about.state;
    Ok(read.transaction)
}

/// The balance of an event; the error names the field below `data`.
pub(crate) fn balance_of_event(
    balance: &Value,
    account_id: &AccountId,
    currency: Option<Currency>,
) -> Result<Account, &'static str> {
    let mut fields = balance.as_object().cloned().ok_or("balance")?;
    fields.insert("accountId".to_owned(), Value::String(account_id.as_str().to_owned()));
    let row = account(&Value::Object(fields), Shape::Flat, currency).map_err(|_| "balance")?;
    if row.currency.is_none() {
        return Err("balance.currency");
    }
    if row.unreadable > 0 || (row.account.current.is_none() && row.account.available.is_none()) {
        return Err("balance.currentBalance");
    }
    Ok(row.account)
}
