//! `messenger_profile` (messenger reference 2.1).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Call;
use super::buttons::{check_url, length, required};
use super::error::GraphError;
use crate::hub::{Hub, Inner};
use crate::limits;
use crate::model::ThreadKey;
use crate::usage::Meter;

const FIELDS: [&str; 7] = [
    "get_started",
    "greeting",
    "ice_breakers",
    "persistent_menu",
    "whitelisted_domains",
    "account_linking_url",
    "commands",
];
/// Parameters of the call that are no property.
const OTHER: [&str; 4] = ["access_token", "appsecret_proof", "platform", "method"];

/// Ten calls of a page in ten minutes, reading ones too (2.1: "calls").
fn charge(hub: &Arc<Hub>, meter: Meter, whose: &str) -> Result<(), GraphError> {
    let within = hub.with(|inner, hub| {
        let now = hub.now_ms(inner);
        let limit = u64::from(inner.data.settings.profile_per_10min);
        inner.data.usage.charge(now, meter, whose, limit)
    })?;
    if within { Ok(()) } else { Err(GraphError::throttled(613)) }
}

/// `GET ?fields=a,b`.
pub(super) fn get(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    charge(hub, Meter::Profile, page)?;
    let fields = call.params.list("fields");
    let profile =
        hub.with(|inner, _| inner.data.pages.get(page).map(|p| p.profile.clone()).unwrap_or_default())?;
    let shown: Map<String, Value> =
        profile.into_iter().filter(|(k, _)| fields.is_empty() || fields.contains(k)).collect();
    let data = if shown.is_empty() { json!([]) } else { json!([shown]) };
    Ok(json!({ "data": data }))
}

/// `POST`: sets the properties given, all or none.
pub(super) fn post(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    charge(hub, Meter::Profile, page)?;
    let given: Vec<&str> = call.params.names().filter(|n| !OTHER.contains(n)).collect();
    let unknown: Vec<String> =
        given.iter().filter(|n| !FIELDS.contains(n)).map(|n| (*n).to_owned()).collect();
    if !unknown.is_empty() {
        return Err(GraphError::unknown_keys(&unknown, "messenger_profile"));
    }
    if given.is_empty() {
        return Err(GraphError::param(
            "Requires one of the params: get_started,greeting,ice_breakers,persistent_menu",
        ));
    }
    let mut new = Vec::with_capacity(given.len());
    for name in given {
        let Some(value) = call.params.get(name) else { continue };
        check(name, value)?;
        new.push((name.to_owned(), value.clone()));
    }
    hub.with(|inner, _| {
        let profile = &mut inner.data.pages.entry(page.to_owned()).or_default().profile;
        let has_start = profile.contains_key("get_started") || new.iter().any(|(k, _)| k == "get_started");
        if new.iter().any(|(k, _)| k == "persistent_menu") && !has_start {
            return Err(GraphError::param(
                "You must set a Get Started button if you also wish to use persistent menu.",
            ));
        }
        profile.extend(new);
        inner.save_page(page);
        Ok(json!({"result": "success"}))
    })?
}

/// `DELETE` with `fields` in query or body, any case.
pub(super) fn delete(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    charge(hub, Meter::Profile, page)?;
    let fields = call.params.list("fields");
    if fields.is_empty() {
        return Err(GraphError::param("The parameter fields is required"));
    }
    if let Some(unknown) = fields.iter().find(|f| !FIELDS.contains(&f.as_str())) {
        return Err(GraphError::param(format!("Param fields has the unknown value {unknown}")));
    }
    hub.with(|inner, _| {
        let profile = &mut inner.data.pages.entry(page.to_owned()).or_default().profile;
        let loses_start = fields.iter().any(|f| f == "get_started");
        let keeps_menu =
            profile.contains_key("persistent_menu") && !fields.iter().any(|f| f == "persistent_menu");
        if loses_start && keeps_menu {
            return Err(GraphError::param(
                "You must delete the persistent menu before the Get Started button.",
            ));
        }
        profile.retain(|k, _| !fields.contains(k));
        inner.save_page(page);
        Ok(json!({"result": "success"}))
    })?
}

/// The person whose menu the call is about; ten calls in ten minutes each.
fn whose_menu(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<(String, ThreadKey), GraphError> {
    let psid = call.params.text("psid").ok_or_else(|| GraphError::param("The parameter psid is required"))?;
    let key = hub.with(|inner, _| inner.data.psids.get(&psid).filter(|k| k.page == page).cloned())?;
    let key = key.ok_or_else(GraphError::no_user)?;
    charge(hub, Meter::OwnMenu, &psid)?;
    Ok((psid, key))
}

fn put_own_menu(inner: &mut Inner, key: &ThreadKey, menu: Option<Value>) {
    if let Some(thread) = inner.data.threads.get_mut(key) {
        thread.own_menu = menu;
    }
    inner.save_thread(key);
    inner.tell(&key.user, &json!({"type": "profile", "page": key.page}));
}

/// `GET /{page}/custom_user_settings?psid=`.
pub(super) fn own_menu(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let (psid, key) = whose_menu(hub, call, page)?;
    let menu = hub.with(|inner, _| inner.data.threads.get(&key).and_then(|t| t.own_menu.clone()))?;
    let level = |menu: Value| json!({"user_level_persistent_menu": menu});
    Ok(json!({"data": menu.map(|menu| vec![level(menu)]).unwrap_or_default(), "psid": psid}))
}

/// `POST /{page}/custom_user_settings {psid, persistent_menu}`.
pub(super) fn set_own_menu(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let (_, key) = whose_menu(hub, call, page)?;
    let menu = call.params.get("persistent_menu").cloned();
    let menu = menu.ok_or_else(|| GraphError::param("The parameter persistent_menu is required"))?;
    check("persistent_menu", &menu)?;
    hub.with(|inner, _| put_own_menu(inner, &key, Some(menu)))?;
    Ok(json!({"result": "success"}))
}

/// `DELETE /{page}/custom_user_settings?psid=&params=["persistent_menu"]`.
pub(super) fn delete_own_menu(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let (_, key) = whose_menu(hub, call, page)?;
    hub.with(|inner, _| put_own_menu(inner, &key, None))?;
    Ok(json!({"result": "success"}))
}

fn check(name: &str, value: &Value) -> Result<(), GraphError> {
    match name {
        "get_started" => match value {
            Value::Object(map) => length(
                required(map, "payload", "get_started")?,
                limits::PAYLOAD_CHARS,
                "get_started[payload]",
            ),
            _ => Err(GraphError::param("Param get_started must be a JSON object")),
        },
        "greeting" => localised(value, "greeting", |map, place| {
            length(required(map, "text", place)?, limits::GREETING_CHARS, &format!("{place}[text]"))
        }),
        "persistent_menu" => localised(value, "persistent_menu", check_menu),
        "ice_breakers" => check_ice_breakers(value),
        "whitelisted_domains" => check_domains(value),
        "account_linking_url" => check_url(value.as_str().unwrap_or_default(), "account_linking_url", true),
        _ => match value {
            Value::Array(_) => Ok(()),
            _ => Err(GraphError::param(format!("Param {name} must be an array"))),
        },
    }
}

/// A list of objects with a `locale`, one of them `default`.
fn localised(
    value: &Value,
    name: &str,
    check: impl Fn(&Map<String, Value>, &str) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    let Value::Array(items) = value else {
        return Err(GraphError::param(format!("Param {name} must be an array")));
    };
    let mut has_default = false;
    for (i, item) in items.iter().enumerate() {
        let place = format!("{name}[{i}]");
        let Value::Object(map) = item else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        has_default |= required(map, "locale", &place)? == "default";
        check(map, &place)?;
    }
    if has_default {
        return Ok(());
    }
    Err(GraphError::param(format!("Param {name} must have an entry for locale default")))
}

fn check_menu(map: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    let items = map.get("call_to_actions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let composer_off = map.get("composer_input_disabled").and_then(Value::as_bool).unwrap_or(false);
    if items.len() > limits::MENU_ITEMS || (items.is_empty() && !composer_off) {
        return Err(GraphError::param(format!(
            "Param {place}[call_to_actions] must have between 1 and {} entries",
            limits::MENU_ITEMS
        )));
    }
    for (i, item) in items.iter().enumerate() {
        let place = format!("{place}[call_to_actions][{i}]");
        let Value::Object(item) = item else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        length(required(item, "title", &place)?, limits::MENU_TITLE_CHARS, &format!("{place}[title]"))?;
        match required(item, "type", &place)?.to_ascii_lowercase().as_str() {
            "postback" => length(required(item, "payload", &place)?, limits::PAYLOAD_CHARS, &place)?,
            "web_url" => check_url(required(item, "url", &place)?, &format!("{place}[url]"), false)?,
            _ => {
                return Err(GraphError::param(format!(
                    "Param {place}[type] must be one of {{postback, web_url}}"
                )));
            }
        }
    }
    Ok(())
}

fn check_ice_breakers(value: &Value) -> Result<(), GraphError> {
    let questions = |items: &[Value], place: &str| {
        if items.is_empty() || items.len() > limits::ICE_BREAKERS {
            return Err(GraphError::param(format!("Param {place} must have between 1 and 4 questions")));
        }
        for item in items {
            let Value::Object(item) = item else {
                return Err(GraphError::param(format!("Param {place} must hold JSON objects")));
            };
            required(item, "question", place)?;
            required(item, "payload", place)?;
        }
        Ok(())
    };
    let Value::Array(items) = value else {
        return Err(GraphError::param("Param ice_breakers must be an array"));
    };
    let new_form = items.iter().filter(|i| i.get("call_to_actions").is_some()).count();
    if new_form == 0 {
        return questions(items, "ice_breakers");
    }
    if new_form != items.len() {
        return Err(GraphError::param("Param ice_breakers must not mix both forms"));
    }
    localised(value, "ice_breakers", |map, place| {
        let items =
            map.get("call_to_actions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        questions(items, place)
    })
}

/// A fully qualified name: a host of a local network has none.
fn is_whole(name: &str) -> bool {
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    labels.len() > 1 && labels.iter().all(|label| !label.is_empty()) && labels.last() != Some(&"localhost")
}

fn check_domains(value: &Value) -> Result<(), GraphError> {
    let Value::Array(domains) = value else {
        return Err(GraphError::param("Param whitelisted_domains must be an array"));
    };
    if domains.len() > limits::WHITELISTED_DOMAINS {
        return Err(GraphError::param("Param whitelisted_domains must have at most 50 domains"));
    }
    for domain in domains {
        let url = domain.as_str().and_then(|d| url::Url::parse(d).ok());
        let fits = url.is_some_and(|url| {
            url.scheme() == "https" && matches!(url.host(), Some(url::Host::Domain(name)) if is_whole(name))
        });
        if !fits {
            return Err(GraphError::param(
                "Param whitelisted_domains must hold https domains, no IP, no localhost",
            ));
        }
    }
    Ok(())
}
