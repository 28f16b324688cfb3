//! What the API is and whether it works (FDX Meta API).

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Bearer;
use crate::app::{AtBank, Shared};

/// The operations served, by FDX's operation ids.
const OPERATIONS: [&str; 9] = [
    "searchForAccounts",
    "getAccount",
    "searchForAccountTransactions",
    "getCustomerInfo",
    "getConsentGrant",
    "revokeConsent",
    "getConsentRevocation",
    "getAvailability",
    "getCapability",
];

/// `GET /availability`.
pub(crate) async fn availability(Bearer(_): Bearer) -> Json<Value> {
    let one = |id: &&str| json!({ "operationId": id, "status": "ALIVE" });
    Json(json!({ "availability": OPERATIONS.iter().map(one).collect::<Vec<_>>() }))
}

/// `GET /capability`.
pub(crate) async fn capability(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    Bearer(_): Bearer,
) -> Json<Value> {
    let one =
        |id: &&str| json!({ "id": id, "fdxVersions": ["V6.4.0"], "contentTypes": ["application/json"] });
    Json(json!({
        "fdxVersions": ["V6.4.0"],
        "messageFormat": "JSON",
        "operations": OPERATIONS.iter().map(one).collect::<Vec<_>>(),
        "jwksUrl": { "href": format!("{}/jwks", app.issuer(brand)) },
    }))
}
