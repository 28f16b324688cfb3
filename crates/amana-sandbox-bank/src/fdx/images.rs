//! Slips of transactions, each as an image (getAccountTransactionImages). Which transactions have one is told with
//! them, to who may see it (IMAGES).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Consented, FdxError};
use crate::app::Shared;
use crate::model::{Account, Txn, TxnKind, TxnState};
use crate::pdf;
use crate::prng::stable_id;
use crate::records::Cluster;

/// The one kind of image that is kept here.
const PDF: &str = "application/pdf";

/// The id of a transaction's slip: of what was bought or paid in at a counter, once it is in the books.
pub(super) fn id_of(txn: &Txn) -> Option<String> {
    let slip = matches!(txn.kind, TxnKind::Purchase | TxnKind::Deposit | TxnKind::AtmWithdrawal);
    (slip && txn.state == TxnState::Posted).then(|| stable_id("img_", &[&txn.account_id, &txn.id]))
}

fn lines(bank: &str, account: &Account, txn: &Txn) -> Vec<String> {
    vec![
        bank.to_owned(),
        format!("{} {}", account.product, account.number_display()),
        String::new(),
        txn.at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        txn.merchant.as_ref().unwrap_or(&txn.description).clone(),
        format!("{} {}", account.currency.number(txn.amount_minor.saturating_abs()), account.currency.code()),
    ]
}

/// Whether the caller takes it; without a word, anything.
fn taken(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT) else { return true };
    accept.to_str().unwrap_or_default().split(',').any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        [PDF, "application/*", "*/*"].contains(&kind.as_str())
    })
}

/// `GET /accounts/{accountId}/transaction-images/{imageId}`.
pub(crate) async fn one(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, FdxError> {
    consented.need_of(&account_id, &[Cluster::Images])?;
    if !taken(&headers) {
        let what = "an image is `application/pdf`";
        return Err(FdxError::new(StatusCode::NOT_ACCEPTABLE, "1103", what));
    }
    let earliest = consented.consent.reaches_back_to();
    let found = app.bank(consented.brand, |bank, _| {
        let account = bank.accounts.get(&account_id)?;
        let txn = account.visible().find(|txn| txn.at >= earliest && id_of(txn).as_ref() == Some(&id))?;
        Some(pdf::document(&lines(consented.brand.name, account, txn)))
    });
    let document = found
        .flatten()
        .ok_or_else(|| FdxError::new(StatusCode::NOT_FOUND, "1103", "there is no such image"))?;
    Ok(([(header::CONTENT_TYPE, PDF)], document).into_response())
}
