//! What a customer, or the bank, does to consents without the application: `POST /{bank}/control/consents/…`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::app::{AtBank, Shared};
use crate::bank::Bank;
use crate::control::{Body, take};
use crate::db::{Change, Db};
use crate::error::Error;
use crate::notifications::{self, Told};
use crate::records::{Cluster, Consent, Revocation, kind};
use crate::teller::Refused;

/// Whose consents.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Of {
    customer: String,
}

/// Whose consents, and which accounts they keep.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Narrow {
    customer: String,
    #[serde(default)]
    keep: BTreeSet<String>,
    /// Of accounts that stay: the clusters that they keep no longer.
    #[serde(default)]
    without: BTreeMap<String, BTreeSet<Cluster>>,
}

/// The active consents of a customer.
fn of(bank: &Bank, customer: &str, now: jiff::Timestamp) -> Result<Vec<Consent>, Refused> {
    let id = &bank.customer_by_username(customer).ok_or(Refused::NoCustomer)?.id;
    Ok(bank.consents.values().filter(|c| c.customer_id == *id && c.is_active(now)).cloned().collect())
}

fn done(changed: Option<Result<usize, Refused>>) -> Response {
    match changed.unwrap_or(Err(Refused::NoCustomer)) {
        Ok(consents) => Json(json!({ "consents": consents })).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// `…/control/consents/revoke`: as on the bank's own page.
pub(crate) async fn revoke(State(app): State<Shared>, AtBank(brand): AtBank, body: Body<Of>) -> Response {
    let order = match take(body) {
        Ok(order) => order,
        Err(response) => return *response,
    };
    let revocation = Revocation {
        at: app.now(),
        reason: "USER_ACTION".to_owned(),
        other_reason: None,
        initiator: "INDIVIDUAL".to_owned(),
    };
    done(app.bank(brand, |bank, db| {
        let consents = of(bank, &order.customer, revocation.at)?;
        for consent in &consents {
            bank.end_consent(db, &consent.id, &revocation)?;
        }
        Ok(consents.len())
    }))
}

/// `…/control/consents/narrow`: the consents keep these accounts alone, and of some only some clusters.
pub(crate) async fn narrow(State(app): State<Shared>, AtBank(brand): AtBank, body: Body<Narrow>) -> Response {
    let order = match take(body) {
        Ok(order) => order,
        Err(response) => return *response,
    };
    let now = app.now();
    done(app.bank(brand, |bank, db| {
        let consents = of(bank, &order.customer, now)?;
        let count = consents.len();
        for consent in consents {
            keep(bank, db, consent, &order, now)?;
        }
        Ok(count)
    }))
}

fn keep(
    bank: &mut Bank,
    db: &mut Db,
    mut consent: Consent,
    order: &Narrow,
    now: jiff::Timestamp,
) -> Result<(), Error> {
    consent.account_ids.retain(|id| order.keep.contains(id));
    for (account, clusters) in &order.without {
        consent.without.entry(account.clone()).or_default().extend(clusters);
    }
    consent.without.retain(|account, _| order.keep.contains(account));
    let mut changes = vec![Change::put(kind::CONSENT, bank.brand.id, &consent.id, &consent)?];
    let told = notifications::about_consent(bank, Told::ConsentUpdated, &consent, now);
    let told = notifications::number(bank, told, &mut changes)?;
    db.commit(&changes)?;
    notifications::take_in(bank, told);
    bank.consents.insert(consent.id.clone(), consent);
    Ok(())
}
