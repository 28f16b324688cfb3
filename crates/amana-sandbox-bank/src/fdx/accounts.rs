//! Accounts and the customer behind the consent.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{Consented, FdxError, Query, entity, paging};
use crate::app::Shared;
use crate::records::Cluster;

const ACCOUNT_CLUSTERS: [Cluster; 3] = [Cluster::AccountBasic, Cluster::AccountDetailed, Cluster::Balances];

/// `GET /accounts` (searchForAccounts).
pub(crate) async fn list(
    State(app): State<Shared>,
    consented: Consented,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    consented.need_any(&ACCOUNT_CLUSTERS)?;
    let details = match params.get("resultType") {
        None | Some("lightweight") => false,
        Some("details") => true,
        Some(_) => return Err(FdxError::invalid_input("`resultType` must be `lightweight` or `details`")),
    };
    let only: Option<BTreeSet<&str>> =
        params.get("accountIds").map(|ids| ids.split(',').map(str::trim).collect());
    let limit = paging::limit(&params)?;
    let after = params.get("pageKey").map(paging::parts::<1>).transpose()?.map(|[id]| id);
    let now = app.now();
    let consent = &consented.consent;
    let ids: Vec<&String> = consent
        .account_ids
        .iter()
        .filter(|id| only.as_ref().is_none_or(|only| only.contains(id.as_str())))
        .collect();
    let rest: Vec<&String> =
        ids.iter().copied().filter(|id| after.as_ref().is_none_or(|after| *id > after)).collect();
    let rows = app
        .bank(consented.brand, |bank, _| {
            let page = rest.iter().take(limit).filter_map(|id| bank.accounts.get(*id));
            page.map(|account| entity::account(account, &consent.clusters_of(&account.id), details, now))
                .collect::<Vec<_>>()
        })
        .unwrap_or_default();
    let next = (rest.len() > limit).then(|| {
        let key = paging::key(&[rest.get(limit - 1).map_or("", |id| id.as_str())]);
        let base = format!("{}/fdx/v6/accounts", app.issuer(consented.brand));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in ["resultType", "accountIds", "limit"] {
            if let Some(value) = params.get(name) {
                query.append_pair(name, value);
            }
        }
        let query = query.append_pair("pageKey", &key).finish();
        (key, format!("{base}?{query}"))
    });
    Ok(Json(paging::body("accounts", rows, ids.len(), next)))
}

/// `GET /accounts/{accountId}` (getAccount): always with details.
pub(crate) async fn one(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    consented.need_any(&ACCOUNT_CLUSTERS)?;
    consented.need_of(&account_id, &ACCOUNT_CLUSTERS)?;
    let now = app.now();
    app.bank(consented.brand, |bank, _| {
        bank.accounts
            .get(&account_id)
            .map(|account| entity::account(account, &consented.consent.clusters_of(&account.id), true, now))
    })
    .flatten()
    .map(Json)
    .ok_or_else(FdxError::account_not_found)
}

/// `GET /customers/current` (getCustomerInfo). The identifier needs no cluster: the token stands for the customer.
/// The name is CUSTOMER_CONTACT's.
pub(crate) async fn customer(
    State(app): State<Shared>,
    consented: Consented,
) -> Result<Json<Value>, FdxError> {
    let consent = &consented.consent;
    let with_name = consent.clusters.contains(&Cluster::CustomerContact);
    app.bank(consented.brand, |bank, _| {
        let customer = bank.customers.get(&consent.customer_id)?;
        let mut out = json!({ "customerId": customer.id, "type": "CONSUMER" });
        if let (true, Some(object)) = (with_name, out.as_object_mut()) {
            object.insert("name".to_owned(), json!({ "first": customer.first, "last": customer.last }));
        }
        Some(out)
    })
    .flatten()
    .map(Json)
    .ok_or_else(|| FdxError::new(axum::http::StatusCode::NOT_FOUND, "601", "customer not found"))
}

/// `GET /accounts/{accountId}/contact` (getAccountContact): who holds it.
pub(crate) async fn contact(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    consented.need_any(&[Cluster::CustomerContact])?;
    consented.need_of(&account_id, &[Cluster::CustomerContact])?;
    app.bank(consented.brand, |bank, _| {
        let customer = bank.customers.get(&bank.accounts.get(&account_id)?.customer_id)?;
        let name = json!({ "first": customer.first, "last": customer.last });
        Some(json!({ "holders": [{ "relationship": "PRIMARY", "name": name }] }))
    })
    .flatten()
    .map(Json)
    .ok_or_else(FdxError::account_not_found)
}
