//! Consents as the client sees and ends them (FDX Consent API).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bearer, FdxError, Query};
use crate::app::{App, AtBank, Shared};
use crate::records::{Consent, Revocation, Token, TokenUse};

/// FDX ConsentResource list: one per account.
pub(crate) fn resources(consent: &Consent) -> Value {
    let one = |id: &String| {
        let clusters: Vec<&str> = consent.clusters_of(id).iter().map(|cluster| cluster.name()).collect();
        json!({ "resourceType": "ACCOUNT", "resourceId": id, "dataClusters": clusters })
    };
    Value::Array(consent.account_ids.iter().map(one).collect())
}

fn grant(app: &App, consent: &Consent, now: Timestamp) -> Value {
    let client =
        app.client(&consent.client_id).map_or(consent.client_id.as_str(), |client| client.name.as_str());
    let updated = consent.revoked.as_ref().map_or(consent.created, |revocation| revocation.at);
    json!({
        "id": consent.id,
        "status": consent.status(now),
        "createdTime": consent.created,
        "expirationTime": consent.expires,
        "updatedTime": updated,
        "customerId": consent.customer_id,
        "parties": [{ "name": client, "type": "DATA_RECIPIENT" }],
        "durationType": consent.duration_type.name(),
        "durationPeriod": consent.duration_days,
        "lookbackPeriod": consent.lookback_days,
        "resources": resources(consent),
    })
}

/// The consent, if it belongs to the token: to its grant, or, with a token of the client itself, to the client.
fn owned(app: &App, bank: AtBank, token: &Token, id: &str) -> Result<Consent, FdxError> {
    let AtBank(brand) = bank;
    app.bank(brand, |bank, _| bank.consents.get(id).cloned())
        .flatten()
        .filter(|consent| consent.client_id == token.client_id)
        .filter(|consent| token.usage == TokenUse::Client || token.consent_id.as_ref() == Some(&consent.id))
        .ok_or_else(|| FdxError::new(StatusCode::NOT_FOUND, "1107", "there is no such consent"))
}

/// `GET /consents` (searchForConsentGrants): those of one customer, newest first. A client finds its own only; a token
/// of a customer's consent finds that one.
pub(crate) async fn search(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(token): Bearer,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    let customer =
        params.get("customerId").ok_or_else(|| FdxError::invalid_input("`customerId` is missing"))?;
    let status = params.get("status");
    if status.is_some_and(|status| !["ACTIVE", "EXPIRED", "REVOKED"].contains(&status)) {
        return Err(FdxError::invalid_input("`status` must be ACTIVE, EXPIRED or REVOKED"));
    }
    let now = app.now();
    let mut found = app
        .bank(brand, |bank, _| {
            let mine = |consent: &&Consent| {
                consent.client_id == token.client_id
                    && consent.customer_id == customer
                    && (token.usage == TokenUse::Client || token.consent_id.as_ref() == Some(&consent.id))
                    && status.is_none_or(|status| consent.status(now) == status)
            };
            bank.consents.values().filter(mine).cloned().collect::<Vec<_>>()
        })
        .unwrap_or_default();
    found.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
    let grants: Vec<Value> = found.iter().map(|consent| grant(&app, consent, now)).collect();
    Ok(Json(json!({ "consentGrants": grants })))
}

/// `GET /consents/{consentId}` (getConsentGrant).
pub(crate) async fn one(
    State(app): State<Shared>,
    bank: AtBank,
    Bearer(token): Bearer,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    let consent = owned(&app, bank, &token, &id)?;
    Ok(Json(grant(&app, &consent, app.now())))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RevocationRequest {
    reason: Option<String>,
    other_reason: Option<String>,
    initiator: Option<String>,
}

const REASONS: [&str; 4] = ["USER_ACTION", "BUSINESS_RULE", "SECURITY_EVENT", "OTHER"];
const INITIATORS: [&str; 7] = [
    "DATA_ACCESS_PLATFORM",
    "DATA_PROVIDER",
    "DATA_RECIPIENT",
    "INDIVIDUAL",
    "MERCHANT",
    "TOKEN_ISSUER",
    "VENDOR",
];

/// `PUT /consents/{consentId}/revocation` (revokeConsent): 204, 409 if it has ended already.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    bank: AtBank,
    Bearer(token): Bearer,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, FdxError> {
    let request: RevocationRequest = serde_json::from_slice(&body)
        .map_err(|_| FdxError::invalid_input("the body must be JSON with `reason` and `initiator`"))?;
    let reason = request.reason.unwrap_or_else(|| "USER_ACTION".to_owned());
    let initiator = request.initiator.unwrap_or_else(|| "DATA_RECIPIENT".to_owned());
    if !REASONS.contains(&reason.as_str()) || !INITIATORS.contains(&initiator.as_str()) {
        return Err(FdxError::invalid_input("`reason` or `initiator` is not a value of FDX"));
    }
    let consent = owned(&app, bank, &token, &id)?;
    let revocation = Revocation { at: app.now(), reason, other_reason: request.other_reason, initiator };
    let ended =
        app.bank(bank.0, |bank, db| bank.end_consent(db, &consent.id, &revocation)).unwrap_or(Ok(false))?;
    if ended {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(FdxError::new(StatusCode::CONFLICT, "401", "the consent has ended already"))
    }
}

/// `GET /consents/{consentId}/revocation` (getConsentRevocation).
pub(crate) async fn revocation(
    State(app): State<Shared>,
    bank: AtBank,
    Bearer(token): Bearer,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    let consent = owned(&app, bank, &token, &id)?;
    let revocations: Vec<Value> = consent
        .revoked
        .iter()
        .map(|revocation| {
            json!({
                "status": "REVOKED",
                "reason": revocation.reason,
                "otherReason": revocation.other_reason,
                "initiator": revocation.initiator,
                "updatedTime": revocation.at,
            })
        })
        .collect();
    Ok(Json(json!({ "revocations": revocations })))
}
