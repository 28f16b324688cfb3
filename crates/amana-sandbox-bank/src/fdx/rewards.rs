//! Points of the card: the programme, its categories, and what each purchase earned (REWARDS).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::transactions::window;
use super::{Consented, FdxError, Query, paging};
use crate::app::Shared;
use crate::brand::Brand;
use crate::model::{Account, AccountKind, Txn, TxnKind, TxnState};
use crate::prng::stable_id;
use crate::records::Cluster;

/// A category of the programme: its id, its name, and points for a whole unit of money.
type Category = (&'static str, &'static str, i64);

const GROCERIES: Category = ("groceries", "Groceries", 2);
const DINING: Category = ("dining", "Dining", 3);
const EVERYTHING: Category = ("everything", "Everything else", 1);

fn category_of(txn: &Txn) -> Category {
    match txn.mcc.as_deref() {
        Some("5411") => GROCERIES,
        Some("5812" | "5814") => DINING,
        _ => EVERYTHING,
    }
}

fn program_id(brand: &Brand) -> String {
    stable_id("rwp_", &[brand.id])
}

/// The points of a transaction: purchases earn them, refunds and reversals take them back, and nothing else counts.
fn points(account: &Account, txn: &Txn) -> Option<(Category, i64)> {
    let counts = matches!(txn.kind, TxnKind::Purchase | TxnKind::Refund | TxnKind::Reversal);
    if account.kind != AccountKind::CreditCard || txn.state != TxnState::Posted || !counts {
        return None;
    }
    let category = category_of(txn);
    // Spending is negative to its holder.
    let units = txn.amount_minor.checked_div(10_i64.saturating_pow(account.currency.exponent()))?;
    let points = units.saturating_neg().saturating_mul(category.2);
    (points != 0).then_some((category, points))
}

fn earned(account: &Account, txn: &Txn) -> Option<Value> {
    let ((category, _, _), points) = points(account, txn)?;
    let reward = if points > 0 {
        json!({ "categoryId": category, "accrued": points, "type": "POINTS" })
    } else {
        json!({ "categoryId": category, "adjusted": points, "type": "POINTS" })
    };
    Some(json!({
        "accountId": account.id,
        "transactionId": txn.id,
        "transactionTimestamp": txn.at,
        "postedTimestamp": txn.posted_at.unwrap_or(txn.at),
        "description": txn.description,
        "debitCreditMemo": if txn.amount_minor > 0 { "CREDIT" } else { "DEBIT" },
        "status": "POSTED",
        "amount": account.currency.number(txn.amount_minor.saturating_abs()),
        "rewards": [reward],
    }))
}

/// `GET /accounts/{accountId}/reward-transactions`, newest first; of an account without points the list is empty.
pub(crate) async fn transactions(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    consented.need_of(&account_id, &[Cluster::Rewards])?;
    let window = window(&params, app.now(), &consented.consent)?;
    let base = format!("{}/fdx/v6/accounts/{account_id}/reward-transactions", app.issuer(consented.brand));
    let rows = app
        .bank(consented.brand, |bank, _| {
            let account = bank.accounts.get(&account_id)?;
            let mut inside: Vec<_> = account.visible().filter(|txn| window.holds(txn.at)).collect();
            inside.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
            Some(inside.into_iter().filter_map(|txn| earned(account, txn)).collect())
        })
        .flatten()
        .ok_or_else(FdxError::account_not_found)?;
    paging::list("rewardTransactions", rows, &params, (&base, &["startDate", "endDate"])).map(Json)
}

/// The programme, with the cards of the consent that are in it; `None` if there are none.
fn program(app: &Shared, consented: &Consented) -> Result<Option<Value>, FdxError> {
    consented.need_any(&[Cluster::Rewards])?;
    let memberships: Vec<Value> = app
        .bank(consented.brand, |bank, _| {
            let shown = |account: &&Account| {
                account.kind == AccountKind::CreditCard
                    && consented.consent.clusters_of(&account.id).contains(&Cluster::Rewards)
            };
            let ids = consented.consent.account_ids.iter();
            let cards = ids.filter_map(|id| bank.accounts.get(id)).filter(shown);
            let member = |account: &Account| {
                let all = account.visible().filter_map(|txn| points(account, txn));
                let balance = all.fold(0_i64, |sum, (_, points)| sum.saturating_add(points)).max(0);
                json!({
                    "accountIds": [account.id],
                    "customerId": account.customer_id,
                    "memberId": stable_id("rwm_", &[&account.id]),
                    "businessOrConsumer": "CONSUMER",
                    "balances": [{ "name": "Points", "type": "POINTS", "balance": balance }],
                })
            };
            cards.map(member).collect()
        })
        .unwrap_or_default();
    Ok((!memberships.is_empty()).then(|| {
        json!({
            "rewardProgramId": program_id(consented.brand),
            "programName": format!("{} Points", consented.brand.name),
            "programUrl": format!("{}/", app.issuer(consented.brand)),
            "memberships": memberships,
        })
    }))
}

fn no_program() -> FdxError {
    FdxError::new(StatusCode::NOT_FOUND, "1101", "there is no such reward program")
}

/// `GET /reward-programs` (searchRewardPrograms).
pub(crate) async fn programs(
    State(app): State<Shared>,
    consented: Consented,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    let rows = program(&app, &consented)?.into_iter().collect();
    let base = format!("{}/fdx/v6/reward-programs", app.issuer(consented.brand));
    paging::list("rewardPrograms", rows, &params, (&base, &[])).map(Json)
}

/// `GET /reward-programs/{rewardProgramId}` (getRewardProgram).
pub(crate) async fn one(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    let found = program(&app, &consented)?.filter(|_| id == program_id(consented.brand));
    found.map(Json).ok_or_else(no_program)
}

/// `GET /reward-programs/{rewardProgramId}/categories` (getRewardProgramCategories).
pub(crate) async fn categories(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, id)): Path<(String, String)>,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    program(&app, &consented)?.filter(|_| id == program_id(consented.brand)).ok_or_else(no_program)?;
    let one = |(category, name, multiplier): Category| {
        json!({
            "rewardProgramId": id,
            "categoryId": category,
            "categoryName": name,
            "multiplier": multiplier,
        })
    };
    let rows = [GROCERIES, DINING, EVERYTHING].map(one).into();
    let base = format!("{}/fdx/v6/reward-programs/{id}/categories", app.issuer(consented.brand));
    paging::list("rewardCategories", rows, &params, (&base, &[])).map(Json)
}
