//! The JSON control API of the demonstration: `POST /{bank}/control/…`. It takes JSON only, so that no web page of
//! another origin can use it without the browser asking first.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::{AtBank, Shared};
use crate::bank::event_key;
use crate::db::Change;
use crate::error::Error;
use crate::faults::{Fault, FaultKind, whole};
use crate::limits;
use crate::model::{AccountKind, Txn};
use crate::notifications::{self, Told};
use crate::records::{Consent, EventStatus, kind};
use crate::teller::{self, Refused, Where};

pub(crate) type Body<T> = Result<Json<T>, JsonRejection>;

/// An amount as a JSON number or string, kept digit by digit.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Amount(String);

impl TryFrom<Value> for Amount {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            _ => Err("an amount is a number or a string"),
        }
    }
}

fn say(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": code, "message": message }))).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NoCustomer | Self::NoAccount | Self::NoTransaction => (StatusCode::NOT_FOUND, "not_found"),
            Self::Amount(_) | Self::Merchant | Self::Currency => (StatusCode::BAD_REQUEST, "invalid_input"),
            Self::NoFunds => (StatusCode::CONFLICT, "insufficient_funds"),
            Self::State => (StatusCode::CONFLICT, "wrong_state"),
            Self::Store(error) => {
                tracing::error!(%error, "the bank's state could not be written");
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
        };
        let message = if matches!(self, Self::Store(_)) {
            "could not store the change".to_owned()
        } else {
            self.to_string()
        };
        say(status, code, &message)
    }
}

pub(crate) fn take<T>(body: Body<T>) -> Result<T, Box<Response>> {
    body.map(|Json(value)| value)
        .map_err(|rejection| Box::new(say(rejection.status(), "invalid_input", &rejection.body_text())))
}

fn told(done: Result<Txn, Refused>) -> Response {
    match done {
        Ok(txn) => Json(json!({
            "transactionId": txn.id,
            "accountId": txn.account_id,
            "referenceTransactionId": txn.reference_id,
        }))
        .into_response(),
        Err(refused) => refused.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Purchase {
    customer: String,
    account_id: Option<String>,
    merchant: String,
    amount: Amount,
    currency: Option<String>,
}

/// `…/control/purchase`
pub(crate) async fn purchase(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    body: Body<Purchase>,
) -> Response {
    let order = match take(body) {
        Ok(order) => order,
        Err(response) => return *response,
    };
    let at = Where {
        customer: &order.customer,
        account_id: order.account_id.as_deref(),
        or_kind: AccountKind::CreditCard,
    };
    told(teller::purchase(&app, brand, &at, &order.merchant, &order.amount.0, order.currency.as_deref()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Post {
    transaction_id: String,
    amount: Option<Amount>,
}

/// `…/control/post`
pub(crate) async fn post(State(app): State<Shared>, AtBank(brand): AtBank, body: Body<Post>) -> Response {
    match take(body) {
        Ok(order) => told(teller::post(
            &app,
            brand,
            &order.transaction_id,
            order.amount.as_ref().map(|a| a.0.as_str()),
        )),
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Deposit {
    customer: String,
    account_id: Option<String>,
    amount: Amount,
    /// Who pays; absent = the employer.
    from: Option<String>,
}

/// `…/control/deposit`
pub(crate) async fn deposit(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    body: Body<Deposit>,
) -> Response {
    let order = match take(body) {
        Ok(order) => order,
        Err(response) => return *response,
    };
    let at = Where {
        customer: &order.customer,
        account_id: order.account_id.as_deref(),
        or_kind: AccountKind::Checking,
    };
    let from = order.from.as_deref();
    told(teller::deposit(
        &app,
        brand,
        &at,
        from.unwrap_or("NORTHWIND LABS PAYROLL"),
        &order.amount.0,
        from.is_none(),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Refund {
    customer: String,
    account_id: Option<String>,
    merchant: String,
    amount: Amount,
}

/// `…/control/refund`
pub(crate) async fn refund(State(app): State<Shared>, AtBank(brand): AtBank, body: Body<Refund>) -> Response {
    let order = match take(body) {
        Ok(order) => order,
        Err(response) => return *response,
    };
    let at = Where {
        customer: &order.customer,
        account_id: order.account_id.as_deref(),
        or_kind: AccountKind::CreditCard,
    };
    told(teller::refund(&app, brand, &at, &order.merchant, &order.amount.0))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Reverse {
    transaction_id: String,
}

/// `…/control/reverse`
pub(crate) async fn reverse(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    body: Body<Reverse>,
) -> Response {
    match take(body) {
        Ok(order) => told(teller::reverse(&app, brand, &order.transaction_id)),
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Redeliver {
    event_id: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    last: Option<usize>,
    #[serde(default)]
    batch: bool,
}

/// `…/control/redeliver`: sends delivered events again, unchanged.
pub(crate) async fn redeliver(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    body: Body<Redeliver>,
) -> Response {
    let order = match take(body) {
        Ok(order) => order,
        Err(response) => return *response,
    };
    let done = app.bank(brand, |bank, db| {
        let numbers: Vec<u64> = bank
            .events
            .iter()
            .rev()
            .filter(|(_, event)| event.status == EventStatus::Delivered)
            .filter(|(_, event)| {
                order
                    .event_id
                    .as_deref()
                    .is_none_or(|id| event.event.get("id").and_then(Value::as_str) == Some(id))
            })
            .take(order.last.unwrap_or(1).min(limits::REDELIVER_MAX))
            .map(|(number, _)| *number)
            .collect();
        let mut changes = Vec::new();
        let mut again = Vec::new();
        for number in &numbers {
            if let Some(event) = bank.events.get(number) {
                let mut event = event.clone();
                event.status = EventStatus::Waiting;
                event.created = app.now();
                changes.push(Change::put(kind::EVENT, brand.id, &event_key(*number), &event)?);
                again.push((*number, event));
            }
        }
        db.commit(&changes)?;
        bank.batch_once = order.batch;
        bank.events.extend(again);
        Ok::<_, Error>(numbers.len())
    });
    app.wake(brand);
    match done.unwrap_or(Ok(0)) {
        Ok(0) => say(StatusCode::NOT_FOUND, "not_found", "there is no such delivered event"),
        Ok(events) => Json(json!({ "redelivering": events })).into_response(),
        Err(error) => Refused::Store(error).into_response(),
    }
}

/// `…/control/reorder`: the next two events go out swapped.
pub(crate) async fn reorder(State(app): State<Shared>, AtBank(brand): AtBank) -> Response {
    app.bank(brand, |bank, _| bank.reorder = true);
    Json(json!({ "reorder": true })).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Expire {
    customer: String,
}

/// `…/control/expire`: the customer's consents run out now, as if their time had come.
pub(crate) async fn expire(State(app): State<Shared>, AtBank(brand): AtBank, body: Body<Expire>) -> Response {
    let order = match take(body) {
        Ok(order) => order,
        Err(response) => return *response,
    };
    let now = app.now();
    let done = app.bank(brand, |bank, db| {
        let customer = bank.customer_by_username(&order.customer).ok_or(Refused::NoCustomer)?.id.clone();
        let mut ended: Vec<Consent> = bank.consents.values().cloned().collect();
        ended.retain(|consent| consent.customer_id == customer && consent.is_active(now));
        let mut changes = Vec::new();
        for consent in &mut ended {
            consent.expires = now;
            changes.push(Change::put(kind::CONSENT, brand.id, &consent.id, consent)?);
        }
        let told = ended
            .iter()
            .flat_map(|consent| notifications::about_consent(bank, Told::ConsentExpired, consent, now))
            .collect();
        let told = notifications::number(bank, told, &mut changes)?;
        db.commit(&changes)?;
        notifications::take_in(bank, told);
        let expired = ended.len();
        bank.consents.extend(ended.into_iter().map(|consent| (consent.id.clone(), consent)));
        Ok::<_, Refused>(expired)
    });
    match done.unwrap_or(Err(Refused::NoCustomer)) {
        Ok(expired) => Json(json!({ "expired": expired })).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// `…/control/fault`
pub(crate) async fn fault(State(app): State<Shared>, AtBank(brand): AtBank, body: Body<Fault>) -> Response {
    let fault = match take(body) {
        Ok(fault) => fault,
        Err(response) => return *response,
    };
    if !fault.kind.strikes(fault.place) {
        return say(
            StatusCode::BAD_REQUEST,
            "invalid_input",
            "this kind of fault does not happen at this place",
        );
    }
    let active = app.bank(brand, |bank, _| {
        if fault.kind == FaultKind::None {
            bank.faults.clear();
        } else {
            bank.faults.push(fault);
        }
        bank.faults.len()
    });
    Json(json!({ "faults": active })).into_response()
}

/// `GET …/control/notifications`: what FDX notifications have been and will be sent, newest first.
pub(crate) async fn notifications(State(app): State<Shared>, AtBank(brand): AtBank) -> Response {
    let rows = app.bank(brand, |bank, _| {
        bank.notices
            .values()
            .rev()
            .take(limits::REDELIVER_MAX)
            .map(|notice| {
                json!({
                    "id": notice.body.get("notificationId"),
                    "type": notice.body.get("type"),
                    "time": notice.body.get("sentOn"),
                    "status": notice.status,
                    "attempts": notice.attempts,
                    "last": notice.last,
                })
            })
            .collect::<Vec<_>>()
    });
    Json(json!({ "notifications": rows })).into_response()
}

/// `GET …/control/events`: what has been and will be told, newest first, without the bodies. `status` is
/// `waiting`, `delivered` or `dropped` (its consent ended, or it was too old).
pub(crate) async fn events(State(app): State<Shared>, AtBank(brand): AtBank) -> Response {
    let rows = app.bank(brand, |bank, _| {
        bank.events
            .values()
            .rev()
            .take(limits::REDELIVER_MAX)
            .map(|event| {
                json!({
                    "id": event.event.get("id"),
                    "type": event.event.get("type"),
                    "time": event.event.get("time"),
                    "status": event.status,
                    "attempts": event.attempts,
                    "last": event.last,
                })
            })
            .collect::<Vec<_>>()
    });
    Json(json!({ "events": rows })).into_response()
}
