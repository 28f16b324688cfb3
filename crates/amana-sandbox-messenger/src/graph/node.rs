//! Objects read by id: page, app, person; and the small edges of a page.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::{Call, Caller};
use crate::actions;
use crate::hub::Hub;

/// Only the fields asked for, and the id.
pub(super) fn pick(call: &Call, all: Value) -> Value {
    let fields = call.params.list("fields");
    let Value::Object(all) = all else { return all };
    let shown: Map<String, Value> =
        all.into_iter().filter(|(k, _)| k == "id" || fields.is_empty() || fields.contains(k)).collect();
    Value::Object(shown)
}

/// `GET /{page}?fields=id,name`, and `GET /me?fields=recipient&account_linking_token=T` (reference 5, step 4).
pub(super) fn page(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    if call.params.list("fields").iter().any(|f| f == "recipient")
        || call.params.get("account_linking_token").is_some()
    {
        let token = call.params.text("account_linking_token").unwrap_or_default();
        let psid = hub.with(|inner, hub| {
            let now = hub.now_ms(inner);
            let token = inner.data.link_tokens.get(&token)?;
            let alive = token.expires_ms > now && token.key.page == page;
            alive.then(|| inner.data.threads.get(&token.key).map(|t| t.psid.clone())).flatten()
        })?;
        let psid = psid.ok_or_else(GraphError::link_token)?;
        return Ok(json!({"id": page, "recipient": psid}));
    }
    let name = hub.config.page(page).map(|p| p.name.clone()).unwrap_or_default();
    let all = json!({
        "id": page, "name": name, "category": "Financial Service",
        "messaging_feature_status": {"hop_v2": true, "msgr_multi_app": true, "ig_multi_app": false},
    });
    if call.params.list("fields").is_empty() {
        return Ok(json!({"id": page, "name": name}));
    }
    Ok(pick(call, all))
}

/// `GET /{app-id}`.
pub(super) fn app(hub: &Hub, call: &Call) -> Value {
    pick(call, json!({"id": hub.config.app_id, "name": "Sandbox app"}))
}

/// `GET /{psid}?fields=first_name,last_name,…`.
pub(super) fn user(hub: &Arc<Hub>, call: &Call, caller: &Caller, psid: &str) -> Result<Value, GraphError> {
    let known = hub.with(|inner, _| {
        let key = inner.data.psids.get(psid)?;
        let user = inner.data.users.get(&key.user)?;
        let denied = inner.data.pages.get(&key.page).is_some_and(|p| p.denied.contains("pages_user_locale"));
        Some((key.page.clone(), user.name.clone(), user.locale.clone(), denied))
    })?;
    // Without the right to user profiles the answer is an empty object (reference 8).
    if !hub.with(|inner, _| inner.data.settings.profile_access)? {
        return Ok(json!({}));
    }
    let Some((_, name, locale, denied)) = known.filter(|(page, ..)| *caller == Caller::Page(page.clone()))
    else {
        return Err(GraphError::no_object("GET", psid));
    };
    let (first, last) = person(&name, &locale);
    let picture = hub.config.public_base_url.join("/chat/person.svg").map(String::from).unwrap_or_default();
    let full = format!("{first} {last}").trim().to_owned();
    let mut all = json!({
        "id": psid, "name": full, "first_name": first, "last_name": last, "profile_pic": picture, "locale": locale,
        "timezone": 0,
    });
    if let (Value::Object(map), true) = (&mut all, denied) {
        map.remove("locale");
    }
    Ok(pick(call, all))
}

/// The name behind a demo user. The default user `you` is a person too.
pub(crate) fn person(user: &str, locale: &str) -> (String, String) {
    match (user, locale.starts_with("ar")) {
        ("you", false) => ("Sam".to_owned(), "Haddad".to_owned()),
        ("you", true) => ("سامي".to_owned(), "حداد".to_owned()),
        _ => match user.split_once(' ') {
            Some((first, last)) => (first.to_owned(), last.trim().to_owned()),
            None => (user.to_owned(), String::new()),
        },
    }
}

/// `GET /{asid}/ids_for_pages` with the app token: the page-scoped ids of one person.
pub(super) fn ids_for_pages(hub: &Arc<Hub>, asid: &str) -> Result<Value, GraphError> {
    let data: Vec<_> = hub.with(|inner, hub| {
        let name = inner.data.users.values().find(|user| user.asid == asid).map(|user| user.name.clone());
        let threads = inner.data.threads.values().filter(|t| Some(&t.key.user) == name.as_ref());
        threads
            .map(|t| {
                let name = hub.config.page(&t.key.page).map(|p| p.name.clone());
                json!({"id": t.psid, "page": {"id": t.key.page, "name": name}})
            })
            .collect()
    })?;
    Ok(json!({ "data": data }))
}

/// `POST /me/unlink_accounts {"psid"}`.
pub(super) fn unlink_accounts(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let psid = call.params.text("psid").ok_or_else(|| GraphError::param("The parameter psid is required"))?;
    hub.with(|inner, hub| {
        let key = inner.data.psids.get(&psid).filter(|k| k.page == page).cloned()?;
        actions::unlink(inner, hub, &key)
    })?
    .ok_or_else(GraphError::no_user)?;
    Ok(json!({"result": "unlink account success"}))
}
