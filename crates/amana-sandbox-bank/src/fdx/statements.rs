//! Account statements: their list, and each as a document (searchForAccountStatements, getAccountStatement).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::transactions::named_window;
use super::{Consented, FdxError, Query, paging};
use crate::app::Shared;
use crate::generator::{day_of, instant};
use crate::model::Account;
use crate::pdf;
use crate::records::{Cluster, Consent};
use crate::statements::{self, Statement};

const PDF: &str = "application/pdf";
const JSON: &str = "application/json";

/// The statements that lie wholly in the consent's look-back, newest first.
fn visible<'a>(account: &'a Account, consent: &Consent, now: jiff::Timestamp) -> Vec<Statement<'a>> {
    let earliest = consent.reaches_back_to();
    let mut all = statements::of(account, day_of(now));
    all.retain(|one| instant(one.first, 0).is_some_and(|first| first >= earliest));
    all.reverse();
    all
}

fn described(account: &Account, statement: &Statement<'_>, href: &str) -> Value {
    json!({
        "accountId": account.id,
        "statementId": statement.id,
        "statementDate": statement.last,
        "description": format!("Statement from {} to {}", statement.first, statement.last),
        "status": "AVAILABLE",
        "links": [{ "href": href, "action": "GET", "rel": "self", "types": [PDF, JSON] }],
    })
}

/// `GET /accounts/{accountId}/statements`.
pub(crate) async fn list(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    consented.need_of(&account_id, &[Cluster::Statements])?;
    let window = named_window(&params)?;
    let base = format!("{}/fdx/v6/accounts/{account_id}/statements", app.issuer(consented.brand));
    let rows = app
        .bank(consented.brand, |bank, _| {
            let account = bank.accounts.get(&account_id)?;
            let inside = |one: &Statement<'_>| match (window, instant(one.last, 0)) {
                (Some(window), Some(at)) => window.holds(at),
                (None, _) => true,
                (Some(_), None) => false,
            };
            let found = visible(account, &consented.consent, app.now());
            let found = found.iter().filter(|one| inside(one));
            Some(found.map(|one| described(account, one, &format!("{base}/{}", one.id))).collect())
        })
        .flatten()
        .ok_or_else(FdxError::account_not_found)?;
    let kept = ["startTime", "endTime", "startDate", "endDate"];
    paging::list("statements", rows, &params, (&base, &kept)).map(Json)
}

/// What the caller wants, in the order in which it is named; without a word, JSON.
fn wanted(headers: &HeaderMap) -> Option<&'static str> {
    let Some(accept) = headers.get(header::ACCEPT) else { return Some(JSON) };
    accept.to_str().unwrap_or_default().split(',').find_map(|kind| {
        match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            PDF => Some(PDF),
            JSON | "application/*" | "*/*" => Some(JSON),
            _ => None,
        }
    })
}

/// `GET /accounts/{accountId}/statements/{statementId}`: the PDF, or the same within JSON.
pub(crate) async fn one(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, FdxError> {
    consented.need_of(&account_id, &[Cluster::Statements])?;
    let kind = wanted(&headers).ok_or_else(|| {
        FdxError::new(
            StatusCode::NOT_ACCEPTABLE,
            "1104",
            "a statement is `application/pdf` or `application/json`",
        )
    })?;
    let base = format!("{}/fdx/v6/accounts/{account_id}/statements", app.issuer(consented.brand));
    let found = app.bank(consented.brand, |bank, _| {
        let account = bank.accounts.get(&account_id)?;
        let statement =
            visible(account, &consented.consent, app.now()).into_iter().find(|one| one.id == id)?;
        let document = pdf::document(&statements::lines(consented.brand.name, account, &statement));
        Some((described(account, &statement, &format!("{base}/{id}")), document))
    });
    let (mut body, document) = found
        .flatten()
        .ok_or_else(|| FdxError::new(StatusCode::NOT_FOUND, "1104", "there is no such statement"))?;
    if kind == PDF {
        return Ok(([(header::CONTENT_TYPE, PDF)], document).into_response());
    }
    if let Some(body) = body.as_object_mut() {
        body.insert("imageType".to_owned(), json!(PDF));
        body.insert("image".to_owned(), json!(STANDARD.encode(document)));
    }
    Ok(Json(body).into_response())
}
