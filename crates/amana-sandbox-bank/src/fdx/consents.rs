//! Consents as the client asks for, sees and ends them (FDX Consent API). FDX has the client call it with a token of
//! its own (client credentials), and under FAPI 2.0 nothing else is taken; a Green bank takes the customer's token as
//! well, for that token's own consent.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bearer, FdxError, Query};
use crate::app::{App, AtBank, Shared};
use crate::db::Change;
use crate::error::Error;
use crate::limits;
use crate::oauth::request::consent_request;
use crate::records::{Consent, DurationType, Requested, Revocation, Token, TokenUse, kind};

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
    let mut grant = json!({
        "id": consent.id,
        "status": consent.status(now),
        "createdTime": consent.created,
        "expirationTime": consent.expires,
        "updatedTime": updated,
        "customerId": consent.customer_id,
        "parties": [{ "name": client, "type": "DATA_RECIPIENT" }],
        "durationType": consent.duration_type.name(),
        "lookbackPeriod": consent.lookback_days,
        "resources": resources(consent),
    });
    if let (DurationType::TimeBound, Some(grant)) = (consent.duration_type, grant.as_object_mut()) {
        grant.insert("durationPeriod".to_owned(), json!(consent.duration_days));
    }
    grant
}

/// What was asked for and is not given yet. FDX has no status for it, so it has none.
fn asked(app: &App, id: &str, requested: &Requested) -> Value {
    let client =
        app.client(&requested.client_id).map_or(requested.client_id.as_str(), |client| client.name.as_str());
    let ask = &requested.ask;
    let clusters: Vec<&str> = ask.clusters.iter().map(|cluster| cluster.name()).collect();
    let mut grant = json!({
        "id": id,
        "createdTime": requested.created,
        "parties": [{ "name": client, "type": "DATA_RECIPIENT" }],
        "durationType": ask.duration_type.name(),
        "lookbackPeriod": ask.lookback_days,
        // The customer picks the accounts.
        "resources": [{ "resourceType": "ACCOUNT", "dataClusters": clusters }],
    });
    if let Some(grant) = grant.as_object_mut() {
        if let Some(customer) = &requested.customer_id {
            grant.insert("customerId".to_owned(), json!(customer));
        }
        if ask.duration_type == DurationType::TimeBound {
            grant.insert("durationPeriod".to_owned(), json!(ask.duration_days));
        }
    }
    grant
}

/// Refuses a token that is not the client's own, where nothing else is taken.
fn may_call(app: &App, token: &Token) -> Result<(), FdxError> {
    if app.config.is_blue() && token.usage != TokenUse::Client {
        return Err(FdxError::forbidden("consents are told to a token of the client itself"));
    }
    Ok(())
}

/// `POST /consents` (createConsentGrant): asks for a consent, which its customer gives on the bank's page when an
/// authorization request names it (`fdxConsentId` in `authorization_details`); until then it opens nothing.
pub(crate) async fn create(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(token): Bearer,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), FdxError> {
    if token.usage != TokenUse::Client {
        return Err(FdxError::forbidden("consents are asked for with a token of the client itself"));
    }
    let request: Value = serde_json::from_slice(&body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| FdxError::invalid_input("the body must be a consent request in JSON"))?;
    let ask = consent_request(&request).map_err(FdxError::invalid_input)?;
    let customer_id = match request.get("customerId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if id.chars().count() <= limits::ID_CHARS_MAX => Some(id.clone()),
        Some(_) => return Err(FdxError::invalid_input("`customerId` is not one")),
    };
    let requested = Requested {
        client_id: token.client_id,
        customer_id,
        ask,
        created: app.now(),
        expires: app.later(limits::CONSENT_REQUEST_LIFE_SECS),
    };
    let id = app.uuid();
    let stored = app.bank(brand, |bank, db| {
        bank.prune(db, requested.created)?;
        let own = bank.requested.values().filter(|one| one.client_id == requested.client_id).count();
        if own >= limits::CONSENT_REQUESTS_MAX {
            return Ok(false);
        }
        db.commit(&[Change::put(kind::REQUESTED, brand.id, &id, &requested)?])?;
        bank.requested.insert(id.clone(), requested.clone());
        Ok::<_, Error>(true)
    });
    if !stored.unwrap_or(Ok(false))? {
        let what = "the client has asked for too many consents";
        return Err(FdxError::new(StatusCode::TOO_MANY_REQUESTS, "1207", what));
    }
    Ok((StatusCode::CREATED, Json(asked(&app, &id, &requested))))
}

/// What the client has asked for and nobody has given yet, for a token of its own.
fn waiting(app: &App, AtBank(brand): &AtBank, token: &Token, id: &str) -> Option<Requested> {
    let now = app.now();
    let found = app.bank(brand, |bank, _| bank.requested.get(id).cloned()).flatten();
    found.filter(|one| {
        token.usage == TokenUse::Client && one.client_id == token.client_id && one.expires > now
    })
}

/// The consent, if it belongs to the token: to its grant, or, with a token of the client itself, to the client.
fn owned(app: &App, bank: AtBank, token: &Token, id: &str) -> Result<Consent, FdxError> {
    let AtBank(brand) = bank;
    may_call(app, token)?;
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
    may_call(&app, &token)?;
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
    if let Some(requested) = waiting(&app, &bank, &token, &id) {
        return Ok(Json(asked(&app, &id, &requested)));
    }
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
    if waiting(&app, &bank, &token, &id).is_some() {
        return Err(FdxError::new(StatusCode::CONFLICT, "401", "nobody has given this consent yet"));
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
    if waiting(&app, &bank, &token, &id).is_some() {
        return Ok(Json(json!({ "revocations": [] })));
    }
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
