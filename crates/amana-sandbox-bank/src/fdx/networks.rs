//! How money and assets reach an account, and the terms that it is held under.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::entity::PURCHASE_APR;
use super::{Consented, FdxError, Query, paging};
use crate::app::Shared;
use crate::brand::Brand;
use crate::model::{Account, AccountKind};
use crate::money::Currency;
use crate::oauth::Params;
use crate::pages::text::Lang;
use crate::prng::{Prng, stable_id};
use crate::records::Cluster;

/// A number that belongs to nobody: ABA routing numbers do not begin with 99, and ISO 3166 will not assign `ZZ`.
fn bank_id(brand: &Brand, dollars: bool) -> String {
    if dollars {
        return format!("99{:07}", Prng::labelled(&[brand.id, "routing"]).range(0, 9_999_999));
    }
    let letters: String = brand.id.chars().filter(char::is_ascii_alphabetic).take(4).collect();
    format!("{}ZZ22", letters.to_ascii_uppercase())
}

fn networks(brand: &Brand, client_id: &str, account: &Account) -> Vec<Value> {
    let dollars = account.currency == Currency::USD;
    let kinds: &[&str] = if dollars { &["US_ACH", "US_RTP"] } else { &["SWIFT_WIRE"] };
    // A number of its own for the application, in place of the account's (FDX: tokenized account number).
    let number = Prng::labelled(&[&account.id, client_id, "number"]).range(100_000_000_000, 999_999_999_999);
    let one = |kind: &&str| {
        json!({
            "paymentNetworkId": stable_id("pn_", &[&account.id, client_id, kind]),
            "bankId": bank_id(brand, dollars),
            "bankIdType": if dollars { "US_ABA_NUMBER" } else { "BIC" },
            "identifier": number.to_string(),
            "identifierType": "TOKENIZED_ACCOUNT_NUMBER",
            "type": kind,
            "transferIn": true,
            "transferOut": account.kind == AccountKind::Checking,
            "supportsRequestForPayment": false,
        })
    };
    kinds.iter().map(one).collect()
}

/// The networks of an account; `None` of a type that none reaches.
fn of(app: &Shared, consented: &Consented, account_id: &str) -> Result<Option<Vec<Value>>, FdxError> {
    consented.need_of(account_id, &[Cluster::PaymentSupport])?;
    app.bank(consented.brand, |bank, _| {
        let account = bank.accounts.get(account_id)?;
        let holds_money = matches!(account.kind, AccountKind::Checking | AccountKind::Savings);
        Some(holds_money.then(|| networks(consented.brand, &consented.consent.client_id, account)))
    })
    .flatten()
    .ok_or_else(FdxError::account_not_found)
}

/// What each filter may name (FDX 6.4).
const FILTERS: [(&str, &str, &[&str]); 3] = [
    ("bankIdType", "bankIdType", &["BIC", "CA_ROUTING_NUMBER", "US_ABA_NUMBER"]),
    (
        "paymentNetworkTypes",
        "type",
        &[
            "CA_ACSS",
            "CA_LVTS",
            "SWIFT_WIRE",
            "US_ACH",
            "US_CHECK",
            "US_CHIPS",
            "US_FEDNOW",
            "US_FEDWIRE",
            "US_RTP",
            "US_RTP_RFP",
        ],
    ),
    ("identifierTypes", "identifierType", &["ACCOUNT_NUMBER", "IBAN", "TOKENIZED_ACCOUNT_NUMBER"]),
];

fn filtered(mut rows: Vec<Value>, params: &Params) -> Result<Vec<Value>, FdxError> {
    for (parameter, field, known) in FILTERS {
        let Some(text) = params.get(parameter) else { continue };
        let wanted: Vec<&str> = text.split(',').map(str::trim).collect();
        if wanted.iter().any(|one| !known.contains(one)) {
            return Err(FdxError::invalid_input(format!("`{parameter}` has a value that FDX has not")));
        }
        rows.retain(|row| row.get(field).and_then(Value::as_str).is_some_and(|own| wanted.contains(&own)));
    }
    Ok(rows)
}

/// `GET /accounts/{accountId}/payment-networks` (getAccountPaymentNetworks).
pub(crate) async fn list(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    let rows = of(&app, &consented, &account_id)?.ok_or_else(|| {
        let what = "no payment network reaches this type of account";
        FdxError::new(StatusCode::UNPROCESSABLE_ENTITY, "704", what)
    })?;
    let rows = filtered(rows, &params)?;
    let base = format!("{}/fdx/v6/accounts/{account_id}/payment-networks", app.issuer(consented.brand));
    let kept = FILTERS.map(|(parameter, _, _)| parameter);
    paging::list("paymentNetworks", rows, &params, (&base, &kept)).map(Json)
}

/// `GET /accounts/{accountId}/payment-networks/{paymentNetworkId}` (getAccountPaymentNetwork): a list of one.
pub(crate) async fn one(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id, id)): Path<(String, String, String)>,
) -> Result<Json<Value>, FdxError> {
    // (Of an account that none reaches, a network that is asked for by its id is one that is not there.)
    let mut rows = of(&app, &consented, &account_id)?.unwrap_or_default();
    rows.retain(|row| row.get("paymentNetworkId").and_then(Value::as_str) == Some(&id));
    if rows.is_empty() {
        return Err(FdxError::new(StatusCode::NOT_FOUND, "1107", "there is no such payment network"));
    }
    Ok(Json(json!({ "page": { "totalElements": rows.len() }, "paymentNetworks": rows })))
}

/// `GET /accounts/{accountId}/asset-transfer-networks` (getAccountAssetTransferNetworks). No account here holds
/// securities, so no network takes any over: the list is empty.
pub(crate) async fn assets(
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    consented.need_of(&account_id, &[Cluster::AccountDetailed])?;
    Ok(Json(json!({ "assetTransferNetworks": [] })))
}

/// `GET /accounts/{accountId}/terms-and-conditions` (getTermsAndConditions), with a title in the caller's language.
pub(crate) async fn terms(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, FdxError> {
    consented.need_of(&account_id, &[Cluster::TermsAndConditions])?;
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let lang = accept.and_then(Lang::from_accept).unwrap_or(Lang::En);
    let (_, opened) = app.history;
    app.bank(consented.brand, |bank, _| {
        let account = bank.accounts.get(&account_id)?;
        let fee = |units: i64| {
            account.currency.number(units.saturating_mul(10_i64.saturating_pow(account.currency.exponent())))
        };
        let current = match account.kind {
            AccountKind::CreditCard => json!({
                "effectiveDate": opened,
                "annualMembershipFee": fee(0),
                "latePaymentFee": fee(8),
                "purchaseApr": PURCHASE_APR,
            }),
            AccountKind::Loan => json!({ "effectiveDate": opened, "latePaymentFee": fee(25) }),
            AccountKind::Checking | AccountKind::Savings | AccountKind::DigitalWallet => json!({
                "effectiveDate": opened,
                "monthlyAccountFee": fee(0),
                "domesticAtmFee": fee(0),
                "overdraftAllowed": false,
            }),
        };
        Some(Json(json!({
            "accountCategory": account.kind.category(),
            "productId": account.kind.product_id(),
            "uris": [{
                "uri": format!("{}/", app.issuer(consented.brand)),
                "title": lang.text().terms,
                "lang": lang.code(),
                "effectiveDate": opened,
            }],
            "current": current,
        })))
    })
    .flatten()
    .ok_or_else(FdxError::account_not_found)
}
