//! Subscriptions of the app and of a page, and `debug_token` (messenger reference 1.1).

use std::sync::Arc;

use serde_json::{Value, json};

use super::error::GraphError;
use super::fields::FIELDS;
use super::{Call, Caller};
use crate::hub::Hub;
use crate::limits;

fn needs_app(caller: &Caller) -> Result<(), GraphError> {
    if *caller == Caller::App {
        return Ok(());
    }
    Err(GraphError::new(15, "(#15) This method must be called with an app access_token."))
}

fn fields(call: &Call, name: &str) -> Result<Vec<String>, GraphError> {
    let fields = call.params.list(name);
    if fields.is_empty() {
        return Err(GraphError::param(format!("The parameter {name} is required.")));
    }
    match fields.iter().find(|f| !FIELDS.contains(&f.as_str())) {
        Some(unknown) => Err(GraphError::param(format!("Param {name} has the unknown value \"{unknown}\""))),
        None => Ok(fields),
    }
}

/// `GET /{app-id}/subscriptions`.
pub(super) fn subscriptions(hub: &Arc<Hub>, caller: &Caller) -> Result<Value, GraphError> {
    needs_app(caller)?;
    let app = hub.with(|inner, _| inner.data.app.clone())?;
    let Some(callback) = app.callback else { return Ok(json!({"data": []})) };
    let fields: Vec<_> = match app.fields {
        Some(fields) => fields.into_iter().collect(),
        None => FIELDS.iter().map(|f| (*f).to_owned()).collect(),
    };
    let fields: Vec<_> =
        fields.iter().map(|f| json!({"name": f, "version": limits::GRAPH_VERSION})).collect();
    Ok(json!({"data": [{"object": "page", "callback_url": callback, "active": true, "fields": fields}]}))
}

/// `POST /{app-id}/subscriptions`: verifies the callback first, as Meta does.
pub(super) async fn subscribe(hub: &Arc<Hub>, caller: &Caller, call: &Call) -> Result<Value, GraphError> {
    needs_app(caller)?;
    let need = |name: &str| {
        call.params.text(name).ok_or_else(|| GraphError::param(format!("The parameter {name} is required.")))
    };
    if need("object")? != "page" {
        return Err(GraphError::param("Param object must be page"));
    }
    let fields = fields(call, "fields")?;
    let callback = need("callback_url")?;
    let verify_token = need("verify_token")?;
    super::buttons::check_url(&callback, "callback_url", true)?;
    crate::webhook::handshake(hub, &callback, &verify_token)
        .await
        .map_err(|why| GraphError::new(2_200, format!("(#2200) {why}")))?;
    hub.with(|inner, _| {
        inner.data.app.callback = Some(callback);
        inner.data.app.fields = Some(fields.into_iter().collect());
        inner.save_app();
    })?;
    Ok(json!({"success": true}))
}

/// `DELETE /{app-id}/subscriptions`.
pub(super) fn unsubscribe(hub: &Arc<Hub>, caller: &Caller) -> Result<Value, GraphError> {
    needs_app(caller)?;
    hub.with(|inner, _| {
        inner.data.app.callback = None;
        inner.data.app.fields = None;
        inner.save_app();
    })?;
    Ok(json!({"success": true}))
}

/// `GET /{page}/subscribed_apps`.
pub(super) fn subscribed(hub: &Arc<Hub>, page: &str) -> Result<Value, GraphError> {
    let fields = hub.with(|inner, _| inner.data.pages.get(page).map(|p| p.subscribed_fields.clone()))?;
    let fields = fields.unwrap_or_default();
    if fields.is_empty() {
        return Ok(json!({"data": []}));
    }
    Ok(json!({"data": [{
        "category": "Business", "link": hub.config.public_base_url.as_str(), "name": "Sandbox app",
        "id": hub.config.app_id, "subscribed_fields": fields,
    }]}))
}

/// `POST /{page}/subscribed_apps`: replaces the page's fields. JSON array, form array and comma list all work.
pub(super) fn subscribe_page(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let fields = fields(call, "subscribed_fields")?;
    hub.with(|inner, _| {
        let state = inner.data.pages.entry(page.to_owned()).or_default();
        state.subscribed_fields = fields.into_iter().collect();
        state.failing_since_ms = None;
        state.alerted = false;
        inner.save_page(page);
    })?;
    Ok(json!({"success": true}))
}

/// `DELETE /{page}/subscribed_apps`.
pub(super) fn unsubscribe_page(hub: &Arc<Hub>, page: &str) -> Result<Value, GraphError> {
    hub.with(|inner, _| {
        inner.data.pages.entry(page.to_owned()).or_default().subscribed_fields.clear();
        inner.save_page(page);
    })?;
    Ok(json!({"success": true}))
}

/// `GET /debug_token?input_token=`.
pub(super) fn debug_token(hub: &Arc<Hub>, call: &Call) -> Result<Value, GraphError> {
    let input = call
        .params
        .text("input_token")
        .ok_or_else(|| GraphError::param("The parameter input_token is required."))?;
    let page = hub.config.pages.iter().find(|p| p.token == input);
    let Some(page) = page else { return Ok(invalid(&GraphError::bad_token())) };
    let (dead, denied) = hub.with(|inner, _| {
        let denied = inner.data.pages.get(&page.id).map(|p| p.denied.clone()).unwrap_or_default();
        (super::token_error(inner, &page.id), denied)
    })?;
    if let Some(error) = dead {
        return Ok(invalid(&error));
    }
    let scopes: Vec<_> = SCOPES.into_iter().filter(|scope| !denied.contains(*scope)).collect();
    Ok(json!({"data": {
        "app_id": hub.config.app_id, "type": "PAGE", "application": "Sandbox app", "is_valid": true,
        "expires_at": 0, "data_access_expires_at": 0, "profile_id": page.id, "scopes": scopes,
    }}))
}

fn invalid(error: &GraphError) -> Value {
    json!({"data": {
        "is_valid": false, "scopes": [],
        "error": {"code": error.code, "subcode": error.subcode, "message": error.message},
    }})
}

/// What a page token of the simulator may do, unless the control API takes it away.
const SCOPES: [&str; 5] = [
    "pages_messaging",
    "pages_manage_metadata",
    "pages_utility_messaging",
    "pages_show_list",
    "pages_user_locale",
];
