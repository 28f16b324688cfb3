//! FDX entities from the bank's books. A field appears only if a granted cluster covers it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::model::{Account, Txn, TxnState};
use crate::records::Cluster;

/// AccountDescriptor, and with `details` the flat DepositAccount or LineOfCreditAccount.
pub(crate) fn account(
    account: &Account,
    clusters: &BTreeSet<Cluster>,
    details: bool,
    now: Timestamp,
) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("accountCategory", json!(account.kind.category()));
    put("accountId", json!(account.id));
    put("accountType", json!(account.kind.account_type()));
    put("accountNumberDisplay", json!(account.number_display()));
    put("productName", json!(account.product));
    put("nickname", json!(format!("{} {}", account.product, account.number_display())));
    put("status", json!("OPEN"));
    put("currency", json!({ "currencyCode": account.currency.code() }));
    if details {
        let deposit = account.kind.is_deposit();
        put("balanceType", json!(if deposit { "ASSET" } else { "LIABILITY" }));
        let detailed = clusters.contains(&Cluster::AccountDetailed);
        // UX v3.0: ACCOUNT_DETAILED is "the above and balances, credit limits, due dates, interest rates".
        if detailed || clusters.contains(&Cluster::Balances) {
            let balances = account.balances();
            let money = |minor: i64| account.currency.number(minor);
            put("balanceAsOf", json!(now));
            if deposit {
                put("currentBalance", money(balances.ledger_minor));
                put("availableBalance", money(balances.available_minor));
            } else {
                put("currentBalance", money(balances.ledger_minor.saturating_neg()));
                put("availableCredit", money(balances.available_minor));
            }
        }
        if detailed {
            put("transferIn", json!(deposit));
            put("transferOut", json!(deposit));
            if !deposit {
                put("creditLine", account.currency.number(account.credit_line_minor));
                put("cardNetwork", json!("VISA"));
            }
        }
    }
    Value::Object(out)
}

/// A DepositTransaction or LineOfCreditTransaction. The amount is absolute; `debitCreditMemo` has the direction.
pub(crate) fn transaction(account: &Account, txn: &Txn) -> Value {
    let deposit = account.kind.is_deposit();
    let credit = txn.amount_minor > 0;
    let status = match (txn.state, deposit) {
        (TxnState::Posted, _) => "POSTED",
        (_, true) => "PENDING",
        (_, false) => "AUTHORIZATION",
    };
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("accountCategory", json!(account.kind.category()));
    put("accountId", json!(account.id));
    put("transactionId", json!(txn.id));
    put("transactionTimestamp", json!(txn.at));
    if let Some(at) = txn.posted_at {
        put("postedTimestamp", json!(at));
    }
    put("description", json!(txn.description));
    put("debitCreditMemo", json!(if credit { "CREDIT" } else { "DEBIT" }));
    put("status", json!(status));
    put("amount", account.currency.number(txn.amount_minor.saturating_abs()));
    put("transactionType", json!(txn.kind.fdx_type(deposit, credit)));
    if let Some(reference) = &txn.reference_id {
        put("referenceTransactionId", json!(reference));
    }
    if let Some(merchant) = &txn.merchant {
        put("transactionPayee", json!({ "merchantName": { "name1": merchant } }));
    }
    if let Some(mcc) = &txn.mcc {
        put("categoryCode", json!(mcc));
        put("categoryType", json!("MCC"));
    }
    if !deposit {
        put("cardNumberDisplay", json!(account.number_display()));
    }
    if let Some((minor, currency)) = &txn.foreign {
        put("foreignAmount", currency.number(*minor));
        put("foreignCurrency", json!(currency.code()));
    }
    Value::Object(out)
}
