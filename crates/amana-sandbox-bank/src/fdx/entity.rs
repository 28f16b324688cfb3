//! FDX entities from the bank's books. A field appears only if a granted cluster covers it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::generator::day_of;
use crate::model::{Account, AccountKind, Txn, TxnState};
use crate::records::Cluster;
use crate::statements::{self, Bill};

/// AccountDescriptor, and with `details` the flat entity of its category.
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
    put("status", json!("OPEN"));
    put("currency", json!({ "currencyCode": account.currency.code() }));
    let detailed = clusters.contains(&Cluster::AccountDetailed);
    // UX v3.0: display name, masked number and type identify an account, ACCOUNT_DETAILED has them, too.
    if detailed || clusters.contains(&Cluster::AccountBasic) {
        put("accountType", json!(account.kind.account_type()));
        put("accountNumberDisplay", json!(account.number_display()));
        put("productId", json!(account.kind.product_id()));
        put("productName", json!(account.product));
        put("nickname", json!(format!("{} {}", account.product, account.number_display())));
    }
    if details {
        let deposit = account.kind.is_deposit();
        put("balanceType", json!(if deposit { "ASSET" } else { "LIABILITY" }));
        let money = |minor: i64| account.currency.number(minor);
        // UX v3.0: ACCOUNT_DETAILED is "the above and balances, credit limits, due dates, interest rates".
        if detailed || clusters.contains(&Cluster::Balances) {
            let balances = account.balances();
            put("balanceAsOf", json!(now));
            match account.kind {
                AccountKind::CreditCard => {
                    put("currentBalance", money(balances.ledger_minor.saturating_neg()));
                    put("availableCredit", money(balances.available_minor));
                }
                AccountKind::Loan => {
                    put("principalBalance", money(balances.ledger_minor.saturating_neg()));
                }
                AccountKind::Checking | AccountKind::Savings | AccountKind::DigitalWallet => {
                    put("currentBalance", money(balances.ledger_minor));
                    put("availableBalance", money(balances.available_minor));
                }
            }
        }
        if detailed {
            put("transferIn", json!(deposit));
            put("transferOut", json!(deposit));
            if account.kind == AccountKind::CreditCard {
                put("creditLine", money(account.credit_line_minor));
                put("cardNetwork", json!("VISA"));
            }
            if account.kind == AccountKind::Loan {
                put("originalPrincipal", money(account.opening_minor.saturating_neg()));
                put("paymentFrequency", json!("MONTHLY"));
            }
            for (name, value) in rates(account, day_of(now)) {
                put(name, value);
            }
        }
        if account.kind == AccountKind::CreditCard && clusters.contains(&Cluster::Bills) {
            let bill = statements::bill(account, day_of(now));
            put("bills", Value::Array(bill.iter().map(|bill| bill_of(account, bill)).collect()));
        }
    }
    Value::Object(out)
}

/// The yearly rates of an account in percent, by FDX 6.4's names for them (`InterestRate` and the named APRs, which
/// took the place of `interestRate`), and whether it may be overdrawn. All of them are made up, and the same every day.
fn rates(account: &Account, today: jiff::civil::Date) -> Vec<(&'static str, Value)> {
    let rate = |percent: f64, kind: &str, compounded: &str| json!({ "rate": percent, "rateAsOf": today, "type": kind, "compoundingPeriod": compounded });
    match account.kind {
        AccountKind::Savings => vec![
            ("earnedInterest", rate(SAVINGS_RATE, "VARIABLE", "DAILY")),
            ("annualPercentageYield", json!(SAVINGS_YIELD)),
        ],
        AccountKind::CreditCard => vec![
            ("chargedInterest", rate(PURCHASE_APR, "VARIABLE", "DAILY")),
            ("purchasesApr", json!(PURCHASE_APR)),
            ("advancesApr", json!(ADVANCE_APR)),
            ("balanceTransfersApr", json!(PURCHASE_APR)),
        ],
        AccountKind::Loan => vec![
            ("chargedInterest", rate(LOAN_RATE, "FIXED", "MONTHLY")),
            ("annualPercentageRate", json!(LOAN_RATE)),
        ],
        AccountKind::Checking => vec![
            ("overdraftOptIn", json!(false)),
            ("overdrafted", json!(account.balances().ledger_minor < 0)),
        ],
        AccountKind::DigitalWallet => Vec::new(),
    }
}

/// What a purchase on credit costs a year, in percent.
pub(super) const PURCHASE_APR: f64 = 19.99;
const ADVANCE_APR: f64 = 24.99;
const LOAN_RATE: f64 = 6.25;
const SAVINGS_RATE: f64 = 3.92;
/// The same with interest on interest.
const SAVINGS_YIELD: f64 = 4.0;

/// FDX Bill.
fn bill_of(account: &Account, bill: &Bill) -> Value {
    let money = |minor: i64| account.currency.number(minor);
    let mut out = json!({
        "totalPaymentDue": money(bill.balance_minor),
        "minimumPaymentDue": money(bill.minimum_minor),
        "dueDate": bill.due,
        "autoPayEnabled": false,
        "pastDueAmount": money(0),
        "statementBalance": money(bill.balance_minor),
        "statementDate": bill.statement_date,
    });
    if let (Some((day, minor)), Some(out)) = (bill.last_payment, out.as_object_mut()) {
        out.insert("lastPaymentAmount".to_owned(), money(minor));
        out.insert("lastPaymentDate".to_owned(), json!(day));
    }
    out
}

/// A transaction of the account's category. The amount is absolute; `debitCreditMemo` has the direction.
pub(crate) fn transaction(account: &Account, txn: &Txn) -> Value {
    let card = account.kind == AccountKind::CreditCard;
    let credit = txn.amount_minor > 0;
    let status = match (txn.state, card) {
        (TxnState::Posted, _) => "POSTED",
        (_, false) => "PENDING",
        (_, true) => "AUTHORIZATION",
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
    put("transactionType", json!(txn.kind.fdx_type(account.kind, credit)));
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
    if card {
        put("cardNumberDisplay", json!(account.number_display()));
    }
    if let Some((minor, currency)) = &txn.foreign {
        put("foreignAmount", currency.number(*minor));
        put("foreignCurrency", json!(currency.code()));
    }
    Value::Object(out)
}
