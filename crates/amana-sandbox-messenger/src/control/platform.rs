//! The control API of the platform itself: settings, chaos, seed, pages, templates, raw webhooks, the event log.

use super::*;
use crate::chaos::Chaos;
use crate::graph::decide_template;
use crate::hub::NewEvent;
use crate::limits;
use crate::model::{Place, TokenHealth};
use crate::settings::Settings;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/control/settings", get(settings).post(set_settings))
        .route("/control/chaos", get(chaos).post(set_chaos))
        .route("/control/seed", post(seed))
        .route("/control/log", get(log))
        .route("/control/webhook", post(raw_webhook))
        .route("/control/pages/{page}", post(set_page))
        .route("/control/templates/{page}/{name}", post(set_template))
}

async fn settings(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, _| json!(inner.data.settings)))
}

async fn set_settings(State(hub): State<Arc<Hub>>, Json(change): Json<Value>) -> Response {
    changed(hub.with(|inner, _| {
        let settings: Settings = merge(&inner.data.settings, change)?;
        settings.check()?;
        inner.data.settings = settings;
        inner.announce("settings");
        Ok(json!(inner.data.settings))
    }))
}

fn chaos_json(inner: &Inner) -> Value {
    json!({"chaos": inner.data.chaos, "counts": inner.data.chaos_counts})
}

async fn chaos(State(hub): State<Arc<Hub>>) -> Response {
    answer(hub.with(|inner, _| chaos_json(inner)))
}

/// `{"seed": n, …}` starts it (what is not named has its default), `{"off": true}` ends it.
async fn set_chaos(State(hub): State<Arc<Hub>>, Json(change): Json<Value>) -> Response {
    changed(hub.with(|inner, hub| {
        if change.get("off").and_then(Value::as_bool) == Some(true) {
            inner.data.chaos = None;
        } else {
            let chaos: Chaos = serde_json::from_value(change).map_err(|e| e.to_string())?;
            chaos.check()?;
            // The draws begin anew, so that the same run meets the same faults.
            for thread in inner.data.threads.values_mut() {
                (thread.sends, thread.events) = (0, 0);
            }
            inner.data.chaos_counts.clear();
            inner.data.chaos = Some(chaos);
        }
        let word = if inner.data.chaos.is_some() { "chaos on" } else { "chaos off" };
        inner.log_state(hub, "", word);
        inner.announce("chaos");
        Ok(chaos_json(inner))
    }))
}

#[derive(Deserialize)]
struct Seed {
    seed: Option<u64>,
}

async fn seed(State(hub): State<Arc<Hub>>, Json(body): Json<Seed>) -> Response {
    hub.entropy.seed(body.seed);
    Json(json!({"seed": body.seed})).into_response()
}

async fn log(State(hub): State<Arc<Hub>>, Query(query): Query<After>) -> Response {
    let after = u64::try_from(query.after).unwrap_or(u64::MAX);
    answer(hub.with(|inner, _| json!(inner.data.log.iter().filter(|e| e.n > after).collect::<Vec<_>>())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    page: String,
    /// The person whose conversation it belongs to; none for events of the page.
    #[serde(default)]
    user: Option<String>,
    field: String,
    /// A messaging item; `sender` and `recipient` are filled in where they are missing and there is a person.
    #[serde(default)]
    item: Option<Value>,
    /// Or the value of a change.
    #[serde(default)]
    value: Option<Value>,
}

/// Sends any event as it is, whether this simulator has a word for it or not. The subscription still decides.
async fn raw_webhook(State(hub): State<Arc<Hub>>, Json(body): Json<Raw>) -> Response {
    changed(hub.with(|inner, hub| {
        if hub.config.page(&body.page).is_none() {
            return Err(format!("page `{}` is not configured", body.page));
        }
        let known = crate::graph::FIELDS.iter().find(|field| **field == body.field);
        let field = *known.ok_or_else(|| format!("field `{}` is none of Meta's", body.field))?;
        let key = ThreadKey { page: body.page, user: body.user.unwrap_or_default() };
        let (mut item, place) = match (body.item, body.value) {
            (Some(item @ Value::Object(_)), None) => (item, Place::Messaging),
            (None, Some(value)) => (value, Place::Changes),
            _ => return Err("give either `item`, an object, or `value`".to_owned()),
        };
        if !key.user.is_empty() && place == Place::Messaging {
            let psid = inner.thread(hub, &key).map(|t| t.psid.clone()).ok_or("no such conversation")?;
            if let Value::Object(map) = &mut item {
                map.entry("sender").or_insert_with(|| json!({"id": psid}));
                map.entry("recipient").or_insert_with(|| json!({"id": key.page}));
            }
        }
        let mut event = NewEvent::new(&key, field, item);
        event.place = place;
        let sent = inner.push_event(hub, event).is_some();
        Ok(json!({"queued": sent}))
    }))
}

/// What there is to know about each page.
pub(super) fn pages_json(inner: &Inner, hub: &Hub) -> Vec<Value> {
    let pages = hub.config.pages.iter().map(|page| {
        let state = inner.data.pages.get(&page.id).cloned().unwrap_or_default();
        let templates: Vec<_> = state
            .templates
            .iter()
            .map(|t| json!({"name": t.name, "language": t.language, "status": t.status, "reason": t.reason}))
            .collect();
        json!({
            "id": page.id, "name": page.name, "subscribed_fields": state.subscribed_fields,
            "default_app": state.default_app, "apps": state.apps, "restricted": state.restricted, "token": state.token,
            "denied": state.denied, "failing_since_ms": state.failing_since_ms, "alerted": state.alerted,
            "templates": templates,
        })
    });
    pages.collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageChange {
    /// Conversation Routing's default app; `""` is none.
    #[serde(default)]
    default_app: Option<String>,
    /// Other apps of the page.
    #[serde(default)]
    apps: Option<std::collections::BTreeSet<String>>,
    /// Restricted or not; the app hears of it (`policy_enforcement`).
    #[serde(default)]
    restricted: Option<bool>,
    /// A warning only.
    #[serde(default)]
    warning: Option<String>,
    #[serde(default)]
    token: Option<TokenHealth>,
    /// Permissions that the token lacks.
    #[serde(default)]
    denied: Option<std::collections::BTreeSet<String>>,
}

async fn set_page(
    State(hub): State<Arc<Hub>>,
    Path(page): Path<String>,
    Json(change): Json<PageChange>,
) -> Response {
    changed(hub.with(|inner, hub| {
        if hub.config.page(&page).is_none() {
            return Err(format!("page `{page}` is not configured"));
        }
        let state = inner.data.pages.entry(page.clone()).or_default();
        if let Some(app) = change.default_app {
            state.default_app = (!app.is_empty()).then_some(app);
        }
        if let Some(apps) = change.apps {
            state.apps = apps.into_iter().take(limits::PAGE_OBJECTS).collect();
        }
        if let Some(token) = change.token {
            state.token = token;
        }
        if let Some(denied) = change.denied {
            state.denied = denied;
        }
        let mut enforced = Vec::new();
        if let Some(restricted) = change.restricted.filter(|r| *r != state.restricted) {
            state.restricted = restricted;
            enforced.push(if restricted {
                json!({"action": "block", "reason": "The page has been restricted in the sandbox."})
            } else {
                json!({"action": "unblock"})
            });
        }
        if let Some(reason) = change.warning {
            enforced.push(json!({"action": "warning", "reason": reason}));
        }
        inner.save_page(&page);
        for policy in enforced {
            let item = json!({"recipient": {"id": page}, "policy_enforcement": policy});
            inner.push_event(hub, NewEvent::page(&page, "messaging_policy_enforcement", item));
        }
        inner.log_state(hub, &page, "page changed");
        inner.announce("pages");
        let all = pages_json(inner, hub);
        Ok(all.into_iter().find(|p| p.get("id").and_then(Value::as_str) == Some(&page)).unwrap_or_default())
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateChange {
    status: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

const STATUSES: [&str; 10] = [
    "APPROVED",
    "ARCHIVED",
    "DELETED",
    "DISABLED",
    "IN_APPEAL",
    "LIMIT_EXCEEDED",
    "PAUSED",
    "PENDING",
    "PENDING_DELETION",
    "REJECTED",
];

async fn set_template(
    State(hub): State<Arc<Hub>>,
    Path((page, name)): Path<(String, String)>,
    Json(change): Json<TemplateChange>,
) -> Response {
    changed(hub.with(|inner, hub| {
        let status = change.status.to_ascii_uppercase();
        if !STATUSES.contains(&status.as_str()) {
            return Err(format!("`status` is none of {}", STATUSES.join(", ")));
        }
        let language = change.language.as_deref();
        let n = decide_template(inner, hub, &page, &name, language, &status, change.reason.as_deref());
        if n == 0 { Err("no such template".to_owned()) } else { Ok(json!({"changed": n})) }
    }))
}
