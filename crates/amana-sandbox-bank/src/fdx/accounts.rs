//! Accounts.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::{Consented, FdxError, Query, entity, paging};
use crate::app::Shared;
use crate::records::Cluster;

/// An account is shown if one of these is granted of it.
const ACCOUNT_CLUSTERS: [Cluster; 4] =
    [Cluster::AccountBasic, Cluster::AccountDetailed, Cluster::Balances, Cluster::Bills];

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
    let shown = BTreeSet::from(ACCOUNT_CLUSTERS);
    let ids: Vec<&String> = consent
        .account_ids
        .iter()
        .filter(|id| !consent.clusters_of(id).is_disjoint(&shown))
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
