//! What a customer, or the bank, does to consents without the application: `POST /{bank}/control/consents/…`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::app::{AtBank, Shared};
use crate::bank::Bank;
use crate::db::{Change, Db};
use crate::error::Error;
use crate::records::{Consent, Revocation, kind};

/// Whose consents, and which accounts they keep.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Of {
    customer: String,
    /// For narrowing: the accounts that stay.
    #[serde(default)]
    keep: BTreeSet<String>,
}

/// The active consents of a customer, by login or id.
fn of(bank: &Bank, customer: &str, now: jiff::Timestamp) -> Vec<Consent> {
    let id = bank.customers.values().find(|c| c.username == customer || c.id == customer).map(|c| &c.id);
    bank.consents.values().filter(|c| Some(&c.customer_id) == id && c.is_active(now)).cloned().collect()
}

fn done(changed: Option<Result<usize, Error>>) -> Response {
    match changed.unwrap_or(Ok(0)) {
        Ok(0) => {
            let body = json!({ "error": "not_found", "message": "there is no such active consent" });
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
        Ok(consents) => Json(json!({ "consents": consents })).into_response(),
        Err(error) => {
            tracing::error!(%error, "the bank's state could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `…/control/consents/revoke`: as on the bank's own page.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    body: Result<Json<Of>, JsonRejection>,
) -> Response {
    let Json(order) = match body {
        Ok(order) => order,
        Err(rejection) => return rejection.into_response(),
    };
    let revocation = Revocation {
        at: app.now(),
        reason: "USER_ACTION".to_owned(),
        other_reason: None,
        initiator: "INDIVIDUAL".to_owned(),
    };
    done(app.bank(brand, |bank, db| {
        let consents = of(bank, &order.customer, revocation.at);
        for consent in &consents {
            bank.end_consent(db, &consent.id, &revocation)?;
        }
        Ok(consents.len())
    }))
}

/// `…/control/consents/narrow`: the consents keep these accounts alone.
pub(crate) async fn narrow(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    body: Result<Json<Of>, JsonRejection>,
) -> Response {
    let Json(order) = match body {
        Ok(order) => order,
        Err(rejection) => return rejection.into_response(),
    };
    let now = app.now();
    done(app.bank(brand, |bank, db| {
        let consents = of(bank, &order.customer, now);
        let count = consents.len();
        for consent in consents {
            keep(bank, db, consent, &order.keep)?;
        }
        Ok(count)
    }))
}

fn keep(
    bank: &mut Bank,
    db: &mut Db,
    mut consent: Consent,
    accounts: &BTreeSet<String>,
) -> Result<(), Error> {
    consent.account_ids.retain(|id| accounts.contains(id));
    db.commit(&[Change::put(kind::CONSENT, bank.brand.id, &consent.id, &consent)?])?;
    bank.consents.insert(consent.id.clone(), consent);
    Ok(())
}
