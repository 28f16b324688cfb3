//! What the API is and whether it works (FDX Meta API).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Bearer;
use crate::app::{AtBank, Shared};
use crate::bank::Bank;
use crate::faults::{FaultKind, Place};

/// The operations served, by FDX's operation ids.
const OPERATIONS: [&str; 30] = [
    "searchForAccounts",
    "getAccount",
    "getAccountContact",
    "searchForAccountTransactions",
    "getAccountTransactionImages",
    "searchForAccountRewardTransactions",
    "searchRewardPrograms",
    "getRewardProgram",
    "getRewardProgramCategories",
    "searchForAccountStatements",
    "getAccountStatement",
    "getAccountPaymentNetworks",
    "getAccountPaymentNetwork",
    "getAccountAssetTransferNetworks",
    "getTermsAndConditions",
    "getCustomerInfo",
    "getCustomers",
    "getCustomer",
    "createConsentGrant",
    "searchForConsentGrants",
    "getConsentGrant",
    "revokeConsentGrant",
    "getConsentRevocation",
    "createNotificationSubscription",
    "getNotificationSubscription",
    "deleteNotificationSubscription",
    "getNotifications",
    "getAvailability",
    "getCapability",
    "getCertificationMetrics",
];

/// The data API is that of 6.4, the consent, notification and meta APIs are those of 6.6.
const VERSIONS: [&str; 2] = ["V6.4.0", "V6.6.0"];

/// How the operations did since the bank was opened.
#[derive(Default)]
pub(crate) struct Metrics(Mutex<Counts>);

#[derive(Clone, Copy, Default)]
struct Counts {
    answers: u64,
    /// Answers that were not the bank's own failure (5xx).
    good: u64,
    took: Duration,
}

impl Metrics {
    pub(crate) fn count(&self, status: StatusCode, took: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.answers = counts.answers.saturating_add(1);
        counts.good = counts.good.saturating_add(u64::from(!status.is_server_error()));
        counts.took = counts.took.saturating_add(took);
    }
}

/// `GET /certification-metrics`: of all operations together, since the bank was opened. The average time is in
/// milliseconds, the up-time a percentage of the answers.
pub(crate) async fn metrics(State(app): State<Shared>, AtBank(_): AtBank, Bearer(_): Bearer) -> Json<Value> {
    let counts = *app.metrics.0.lock().unwrap_or_else(PoisonError::into_inner);
    let per_answer = |value: u64| value.checked_div(counts.answers).unwrap_or_default();
    let micros = u64::try_from(counts.took.as_micros()).unwrap_or(u64::MAX);
    let up = if counts.answers == 0 { 100 } else { per_answer(counts.good.saturating_mul(100)) };
    let now = app.now();
    Json(json!({ "metrics": [{
        "reportStartTimestamp": app.opened,
        "reportEndTimestamp": now,
        "reportTimestamp": now,
        "metricsName": "sandbox bank",
        "operationIds": OPERATIONS,
        "responseTimeAverage": per_answer(micros) / 1_000,
        "averageUpTime": up,
    }] }))
}

/// `GET /availability`: under maintenance while that fault is on.
pub(crate) async fn availability(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(_): Bearer,
) -> Json<Value> {
    let closed = |bank: &mut Bank| {
        bank.faults.iter().any(|fault| fault.place == Place::Fdx && fault.kind == FaultKind::Unavailable)
    };
    let closed = app.bank(brand, |bank, _| closed(bank)).unwrap_or_default();
    let status = if closed { "MAINTENANCE" } else { "ALIVE" };
    let one = |id: &&str| json!({ "operationId": id, "status": status });
    Json(json!({ "availability": OPERATIONS.iter().map(one).collect::<Vec<_>>() }))
}

/// `GET /capability`.
pub(crate) async fn capability(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(_): Bearer,
) -> Json<Value> {
    let one = |id: &&str| json!({ "id": id, "fdxVersions": VERSIONS, "contentTypes": ["application/json"] });
    Json(json!({
        "fdxVersions": VERSIONS,
        "messageFormat": "JSON",
        "operations": OPERATIONS.iter().map(one).collect::<Vec<_>>(),
        "jwksUrl": { "href": format!("{}/jwks", app.issuer(brand)) },
    }))
}
