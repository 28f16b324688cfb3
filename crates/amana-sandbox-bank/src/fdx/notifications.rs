//! The event notification API (FDX 6.6): subscriptions of a client, and its notifications to be fetched. The third
//! call,
//! `POST /notifications`, is the client's own: this bank makes it ([`crate::publish`]).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bearer, FdxError, Query, paging};
use crate::app::{AtBank, Shared};
use crate::config::ClientRegistration;
use crate::db::Change;
use crate::error::Error;
use crate::limits;
use crate::notifications::{SUBSCRIBE, Subscription, Told};
use crate::records::{EventStatus, Token, TokenUse, kind};

/// The client itself, by a token of its own with the scope for this.
fn subscriber(token: &Token) -> Result<&str, FdxError> {
    if token.usage == TokenUse::Client && token.scopes.contains(SUBSCRIBE) {
        return Ok(&token.client_id);
    }
    Err(FdxError::forbidden(format!("a token of the client's own with the scope `{SUBSCRIBE}` is needed")))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(rename = "type")]
    told: String,
    category: String,
    callback_url: String,
    subscriber: Party,
    effective_date: Option<Date>,
}

/// FDX `Party`, as far as it is looked at.
#[derive(Deserialize)]
struct Party {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

const PARTY_TYPES: [&str; 7] = [
    "DATA_ACCESS_PLATFORM",
    "DATA_PROVIDER",
    "DATA_RECIPIENT",
    "INDIVIDUAL",
    "MERCHANT",
    "TOKEN_ISSUER",
    "VENDOR",
];

fn shown(subscription: &Subscription) -> Value {
    let mut body = json!({
        "subscriptionId": subscription.id,
        "type": subscription.told,
        "category": subscription.told.category(),
        "callbackUrl": subscription.callback_url,
        "subscriber": subscription.subscriber,
    });
    if let (Some(date), Some(body)) = (subscription.effective, body.as_object_mut()) {
        body.insert("effectiveDate".to_owned(), json!(date));
    }
    body
}

/// Where a client may have itself notified: at a server of which it has registered a redirect URI. So nobody has this
/// bank call a third party.
fn registered(client: &ClientRegistration, address: &str) -> bool {
    let Ok(url) = url::Url::parse(address) else { return false };
    let origin = url.origin();
    address.len() <= limits::PARAMETER_BYTES_MAX
        && matches!(url.scheme(), "http" | "https")
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && client.redirect_uris.iter().any(|own| url::Url::parse(own).is_ok_and(|own| own.origin() == origin))
}

/// `POST /notification-subscriptions` (createNotificationSubscription).
pub(crate) async fn subscribe(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(token): Bearer,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), FdxError> {
    let client_id = subscriber(&token)?.to_owned();
    let unreadable = || {
        FdxError::invalid_input(
            "the body must be JSON with `type`, `category`, `callbackUrl` and `subscriber`",
        )
    };
    let given: Value = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let told: Told = serde_json::from_value(json!(wanted.told))
        .map_err(|_| FdxError::invalid_input("this bank does not notify of this `type`"))?;
    if wanted.category != told.category() {
        return Err(FdxError::invalid_input(format!("the `category` of this type is {}", told.category())));
    }
    if !app.client(&client_id).is_some_and(|client| registered(client, &wanted.callback_url)) {
        return Err(FdxError::invalid_input(
            "`callbackUrl` must be at the origin of a registered redirect URI",
        ));
    }
    if wanted.subscriber.name.is_empty() || !PARTY_TYPES.contains(&wanted.subscriber.kind.as_str()) {
        return Err(FdxError::invalid_input("`subscriber` must have a `name` and a `type` of FDX"));
    }
    let subscription = Subscription {
        id: app.uuid(),
        client_id,
        told,
        callback_url: wanted.callback_url,
        subscriber: given.get("subscriber").cloned().unwrap_or_default(),
        effective: wanted.effective_date,
    };
    let stored = app.bank(brand, |bank, db| {
        let own = || bank.subscriptions.values().filter(|one| one.client_id == subscription.client_id);
        // The same again is the same: who lost the answer may ask again.
        let same = |one: &&Subscription| {
            (one.told, &one.callback_url, &one.subscriber)
                == (subscription.told, &subscription.callback_url, &subscription.subscriber)
        };
        if let Some(there) = own().find(same) {
            return Ok(Some(there.clone()));
        }
        if own().count() >= limits::SUBSCRIPTIONS_MAX {
            return Ok(None);
        }
        db.commit(&[Change::put(kind::SUBSCRIPTION, brand.id, &subscription.id, &subscription)?])?;
        bank.subscriptions.insert(subscription.id.clone(), subscription.clone());
        Ok::<_, Error>(Some(subscription.clone()))
    });
    let stored = stored.unwrap_or(Ok(None))?.ok_or_else(|| {
        FdxError::new(StatusCode::TOO_MANY_REQUESTS, "1207", "the client has too many subscriptions")
    })?;
    Ok((StatusCode::CREATED, Json(shown(&stored))))
}

fn unknown() -> FdxError {
    FdxError::new(StatusCode::NOT_FOUND, "1107", "there is no such subscription")
}

/// `GET /notification-subscriptions/{subscriptionId}` (getNotificationSubscription).
pub(crate) async fn one(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(token): Bearer,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    let client_id = subscriber(&token)?;
    app.bank(brand, |bank, _| bank.subscriptions.get(&id).filter(|one| one.client_id == client_id).map(shown))
        .flatten()
        .map(Json)
        .ok_or_else(unknown)
}

/// `DELETE /notification-subscriptions/{subscriptionId}` (deleteNotificationSubscription). What waits for it is
/// dropped.
pub(crate) async fn unsubscribe(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(token): Bearer,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, FdxError> {
    let client_id = subscriber(&token)?;
    let gone = app.bank(brand, |bank, db| {
        if bank.subscriptions.get(&id).is_none_or(|one| one.client_id != client_id) {
            return Ok(false);
        }
        db.commit(&[Change::delete(kind::SUBSCRIPTION, brand.id, &id)])?;
        bank.subscriptions.remove(&id);
        Ok::<_, Error>(true)
    });
    if gone.unwrap_or(Ok(false))? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

/// `GET /notifications` (getNotifications): the client's own, oldest first, sent or not, while they are kept.
pub(crate) async fn list(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(token): Bearer,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    let client_id = subscriber(&token)?;
    let rows = paging::limit(&params)?;
    let after: u64 = match params.get("pageKey") {
        None => 0,
        Some(key) => {
            let [number] = paging::parts::<1>(key)?;
            number.parse().map_err(|_| paging::wrong_key())?
        }
    };
    let now = app.now();
    let own: Vec<(u64, Value)> = app
        .bank(brand, |bank, _| {
            let allowed = |needs: &Option<_>| {
                needs.as_ref().is_none_or(|(account, cluster): &(String, _)| {
                    bank.consented(client_id, account, *cluster, now)
                })
            };
            bank.notices
                .iter()
                .filter(|(_, notice)| notice.client_id == client_id && notice.status != EventStatus::Dropped)
                .filter(|(_, notice)| allowed(&notice.needs))
                .map(|(number, notice)| (*number, notice.body.clone()))
                .collect()
        })
        .unwrap_or_default();
    let total = own.len();
    let mut rest = own.into_iter().filter(|(number, _)| *number > after);
    let page: Vec<(u64, Value)> = rest.by_ref().take(rows).collect();
    let next = rest.next().and_then(|_| page.last()).map(|(last, _)| {
        let key = paging::key(&[&last.to_string()]);
        let href = format!("{}/fdx/v6/notifications?limit={rows}&pageKey={key}", app.issuer(brand));
        (key, href)
    });
    let rows = page.into_iter().map(|(_, body)| body).collect();
    Ok(Json(paging::body("notifications", rows, total, next)))
}
