//! A page's subscription and profile: read, compared, and written only where they differ (messenger
//! reference, 1.1, 1.4, 2.1).
//!
//! The profile may be written ten times in ten minutes, so all that differs goes in one call.

use super::config::{
    AppWebhook, Area, ChannelProblem, PageStatus, Profile, SetupError, SetupReport, TokenState,
};
use super::error::Refused;
use super::http::Params;
use super::{Messenger, text_id};
use crate::channel::SendError;
use crate::limits;
use crate::webhook::app_secret_proof;
use amana_core::{Action, ChannelId, Lang, Secret};
use amana_render::limits::messenger::PAYLOAD_CHARS_MAX;
use amana_render::messenger::is_page_url;
use reqwest::Method;
use serde_json::{Map, Value, json};
use url::Url;

/// The webhook fields that a page subscribes. Not `response_feedback`: it would add buttons to every message
/// (section 1.4).
pub const FIELDS: &[&str] = &[
    "messages",
    "messaging_postbacks",
    "message_echoes",
    "message_deliveries",
    "message_reads",
    "message_reactions",
    "message_edits",
    "messaging_referrals",
    "messaging_account_linking",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
    "message_template_status_update",
];

const GET_STARTED: &str = "get_started";
const GREETING: &str = "greeting";
const MENU: &str = "persistent_menu";
const ICE_BREAKERS: &str = "ice_breakers";
const LINKING_URL: &str = "account_linking_url";
const DOMAINS: &str = "whitelisted_domains";
const PROPERTIES: &str =
    "get_started,greeting,persistent_menu,ice_breakers,account_linking_url,whitelisted_domains";

impl Messenger {
    /// Subscribes the page and writes its profile: reads first, writes only what differs, so it may run at
    /// every start.
    ///
    /// # Errors
    /// When the profile breaks a limit (nothing was called then), or a call fails.
    pub async fn setup(&self, page: &ChannelId, profile: &Profile) -> Result<SetupReport, SetupError> {
        let wanted = properties(profile)?;
        let failed = |refused: Refused| SetupError::Call(refused.class);

        let subscribed = self.subscribe(page).await.map_err(failed)?;
        let have = self.profile(page).await.map_err(failed)?;
        let written = differing(&wanted, &have);
        if !written.is_empty() {
            let mut body = Map::new();
            for name in &written {
                let value = wanted.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
                let value = with_present(name, value.unwrap_or_default(), have.get(*name));
                if *name == DOMAINS && value.as_array().is_some_and(|all| all.len() > limits::DOMAINS_MAX) {
                    let what =
                        "the page has as many domains as it may, 50, and ours is not one: take one away";
                    return Err(problem(DOMAINS, what).into());
                }
                body.insert((*name).to_owned(), value);
            }
            let json = Some(Value::Object(body).to_string().into_bytes());
            let path = [page.as_str(), "messenger_profile"];
            let params = Params { json, ..Params::default() };
            self.graph.call(page, Method::POST, &path, params).await.map_err(failed)?;
        }
        tracing::info!(channel = %page, ?subscribed, ?written, "page set up");
        Ok(SetupReport { subscribed, written })
    }

    /// The fields that we need and are not subscribed.
    pub(super) async fn unsubscribed(&self, page: &ChannelId) -> Result<Vec<&'static str>, Refused> {
        Ok(missing(&self.subscribed(page).await?))
    }

    /// Subscribes the fields that we need and are not subscribed; which those were.
    pub(super) async fn subscribe(&self, page: &ChannelId) -> Result<Vec<&'static str>, Refused> {
        let have = self.subscribed(page).await?;
        let subscribed = missing(&have);
        if !subscribed.is_empty() {
            // Fields beyond ours stay as they are: the call replaces the list.
            let mut all: Vec<&str> = have.iter().map(String::as_str).collect();
            all.extend(&subscribed);
            let query = [("subscribed_fields", all.join(","))];
            let query = query.each_ref().map(|(name, value)| (*name, value.as_str()));
            let params = Params { query: &query, ..Params::default() };
            let path = [page.as_str(), "subscribed_apps"];
            self.graph.call(page, Method::POST, &path, params).await?;
        }
        Ok(subscribed)
    }

    /// How the page stands, for `amana doctor`. Changes nothing. Without `profile` the profile is not
    /// compared.
    pub async fn status(&self, page: &ChannelId, profile: Option<&Profile>) -> PageStatus {
        let mut status = PageStatus::unknown(page);
        if !self.graph.knows(page) {
            return status;
        }
        let params = Params { query: &[("fields", "id,name")], ..Params::default() };
        match self.graph.call(page, Method::GET, &["me"], params).await {
            Ok(answer) => {
                status.name = answer.get("name").and_then(Value::as_str).map(str::to_owned);
                status.token = match answer.get("id").and_then(text_id) {
                    Some(id) if id == page.as_str() => TokenState::Valid,
                    Some(other) => TokenState::OtherPage(other),
                    None => TokenState::NotTried("the answer names no page".to_owned()),
                };
            }
            Err(Refused { class: SendError::TokenDead, .. }) => status.token = TokenState::Dead,
            Err(refused) => status.token = TokenState::NotTried(refused.class.to_string()),
        }
        if status.token != TokenState::Valid {
            return status;
        }
        let closed = &mut status.closed;
        let subscribed = self.subscribed(page).await.map_err(|refused| refused.class);
        status.missing_fields = open_or(closed, Area::Webhooks, subscribed).map(|have| missing(&have));
        status.profile_differs = match profile.map(properties) {
            None => Some(Vec::new()),
            Some(Ok(wanted)) => {
                let have = self.profile(page).await.map_err(|refused| refused.class);
                open_or(closed, Area::Profile, have).map(|have| differing(&wanted, &have))
            }
            Some(Err(_)) => None,
        };
        // Sending itself cannot be tried; this edge asks for the same permission.
        let sends = self.graph.call(page, Method::GET, &[page.as_str(), "personas"], Params::default()).await;
        let closed = &mut status.closed;
        if let Err(refused) = sends {
            closed.push((Area::Messaging, refused.class.to_string()));
        }
        status.templates = open_or(closed, Area::Templates, self.templates(page).await);
        status
    }

    /// Where the platform sends the app's events, and which fields it has subscribed. Asked with the app's own token,
    /// which its secret makes, so also where every page's token is dead.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn app_webhook(&self, app_secret: &Secret) -> Result<AppWebhook, SendError> {
        let token = Secret::new(format!("{}|{}", self.app_id, app_secret.expose()));
        let proof = Secret::new(app_secret_proof(app_secret, &token));
        let path = [self.app_id.as_str(), "subscriptions"];
        let answer = self.graph.call_as_app(&token, proof, &path).await.map_err(|refused| refused.class)?;
        let rows = answer.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let of_pages = rows.iter().find(|row| row.get("object").and_then(Value::as_str) == Some("page"));
        let Some(row) = of_pages else {
            return Ok(AppWebhook { callback: None, active: false, missing_fields: FIELDS.to_vec() });
        };
        // A field is its name, or an object with its name and version.
        let name = |field: &Value| -> Option<String> {
            field.as_str().or_else(|| field.get("name")?.as_str()).map(str::to_owned)
        };
        let fields = row.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let have: Vec<String> = fields.iter().filter_map(name).collect();
        Ok(AppWebhook {
            callback: row.get("callback_url").and_then(Value::as_str).map(str::to_owned),
            active: row.get("active").and_then(Value::as_bool).unwrap_or(true),
            missing_fields: missing(&have),
        })
    }

    /// The fields that this app has subscribed for the page.
    async fn subscribed(&self, page: &ChannelId) -> Result<Vec<String>, Refused> {
        let path = [page.as_str(), "subscribed_apps"];
        let answer = self.graph.call(page, Method::GET, &path, Params::default()).await?;
        let apps = answer.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let ours = apps.iter().find(|app| app.get("id").and_then(text_id).as_deref() == Some(&self.app_id));
        let fields = ours.and_then(|app| app.get("subscribed_fields")).and_then(Value::as_array);
        Ok(fields.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The profile as it is.
    async fn profile(&self, page: &ChannelId) -> Result<Map<String, Value>, Refused> {
        let params = Params { query: &[("fields", PROPERTIES)], ..Params::default() };
        let path = [page.as_str(), "messenger_profile"];
        let mut answer = self.graph.call(page, Method::GET, &path, params).await?;
        let mut profile = Map::new();
        // One object as a rule, but nothing says that it stays so.
        for part in answer.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(part) = part.take() {
                profile.extend(part);
            }
        }
        Ok(profile)
    }
}

/// What an area answered; if it is closed to us, that is noted.
fn open_or<T>(closed: &mut Vec<(Area, String)>, area: Area, answer: Result<T, SendError>) -> Option<T> {
    answer.map_err(|error| closed.push((area, error.to_string()))).ok()
}

fn missing(have: &[String]) -> Vec<&'static str> {
    FIELDS.iter().copied().filter(|field| !have.iter().any(|h| h == field)).collect()
}

fn differing(wanted: &[(&'static str, Value)], have: &Map<String, Value>) -> Vec<&'static str> {
    let same = |name: &str, value: &Value| match (name, have.get(name)) {
        (_, None) => false,
        (DOMAINS, Some(have)) => origins(value).iter().all(|origin| origins(have).contains(origin)),
        (_, Some(have)) => holds(have, value),
    };
    wanted.iter().filter(|(name, value)| !same(name, value)).map(|(name, _)| *name).collect()
}

/// Whether the platform's value says all that ours says. It may have added defaults to objects, and put
/// languages in another order.
fn holds(have: &Value, wanted: &Value) -> bool {
    match (have, wanted) {
        (Value::Object(have), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| have.get(key).is_some_and(|h| holds(h, value)))
        }
        (Value::Array(have), Value::Array(wanted)) => {
            let locale = |value: &Value| value.get("locale").and_then(Value::as_str).map(str::to_owned);
            have.len() == wanted.len()
                && wanted.iter().zip(have).all(|(value, in_place)| match locale(value) {
                    Some(name) => have.iter().any(|h| locale(h).as_ref() == Some(&name) && holds(h, value)),
                    None => holds(in_place, value),
                })
        }
        (have, wanted) => have == wanted,
    }
}

/// Domains that others put on the list stay there.
fn with_present(name: &str, wanted: Value, have: Option<&Value>) -> Value {
    let (DOMAINS, Some(have)) = (name, have) else { return wanted };
    let mut all = origins(have);
    for origin in origins(&wanted) {
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    json!(all)
}

/// The domains without their last slash, which Messenger adds.
fn origins(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(|domain| domain.trim_end_matches('/').to_lowercase()).collect()
}

/// The profile as Messenger's properties, every limit checked.
fn properties(profile: &Profile) -> Result<Vec<(&'static str, Value)>, ChannelProblem> {
    let payload = &profile.get_started_payload;
    if payload.trim().is_empty() || payload.chars().count() > PAYLOAD_CHARS_MAX {
        return Err(problem(GET_STARTED, "the payload has 1 to 1000 characters"));
    }
    let mut all = vec![(GET_STARTED, json!({ "payload": payload }))];

    let greeting = localised(GREETING, &profile.greeting, |text| {
        if text.trim().is_empty() || text.chars().count() > limits::GREETING_CHARS_MAX {
            return Err(problem(GREETING, "a greeting has 1 to 160 characters"));
        }
        Ok(json!({ "text": text }))
    })?;
    all.push((GREETING, greeting));

    let menu = localised(MENU, &profile.menu, |actions| {
        if actions.is_empty() || actions.len() > limits::MENU_ITEMS_MAX {
            return Err(problem(MENU, "a menu has 1 to 20 entries"));
        }
        let entries = actions.iter().map(menu_entry).collect::<Result<Vec<_>, _>>()?;
        Ok(json!({ "composer_input_disabled": false, "call_to_actions": entries }))
    })?;
    all.push((MENU, menu));

    if !profile.ice_breakers.is_empty() {
        let breakers = localised(ICE_BREAKERS, &profile.ice_breakers, |questions| {
            if questions.is_empty() || questions.len() > limits::ICE_BREAKERS_MAX {
                return Err(problem(ICE_BREAKERS, "a language has 1 to 4 ice breakers"));
            }
            let entries = questions.iter().map(ice_breaker).collect::<Result<Vec<_>, _>>()?;
            Ok(json!({ "call_to_actions": entries }))
        })?;
        all.push((ICE_BREAKERS, breakers));
    }

    if let Some(url) = &profile.account_linking_url {
        if !is_page_url(url) {
            return Err(problem(LINKING_URL, "expected an https URL (http only to a loopback host)"));
        }
        all.push((LINKING_URL, json!(url)));
    }
    if let Some(origin) = profile.public_url.as_deref().and_then(whitelistable) {
        all.push((DOMAINS, json!([origin])));
    }
    Ok(all)
}

/// One entry per language with its locale. English is Messenger's `default`, which it requires.
fn localised<T>(
    name: &'static str,
    texts: &[(Lang, T)],
    of: impl Fn(&T) -> Result<Value, ChannelProblem>,
) -> Result<Value, ChannelProblem> {
    if texts.iter().filter(|(lang, _)| *lang == Lang::English).count() != 1 {
        return Err(problem(name, "expected one English text, which is the default"));
    }
    let mut out = Vec::with_capacity(texts.len());
    for (lang, text) in texts {
        let locale = match lang {
            Lang::English => "default",
            Lang::Arabic => "ar_AR",
        };
        let mut value = of(text)?;
        if let Value::Object(map) = &mut value {
            map.insert("locale".to_owned(), json!(locale));
        }
        out.push(value);
    }
    Ok(Value::Array(out))
}

fn ice_breaker((question, payload): &(String, String)) -> Result<Value, ChannelProblem> {
    if question.trim().is_empty() || question.chars().count() > limits::ICE_BREAKER_CHARS_MAX {
        return Err(problem(ICE_BREAKERS, "the question of an ice breaker has 1 to 80 characters"));
    }
    if payload.trim().is_empty() || payload.chars().count() > PAYLOAD_CHARS_MAX {
        return Err(problem(ICE_BREAKERS, "the payload of an ice breaker has 1 to 1000 characters"));
    }
    Ok(json!({ "question": question, "payload": payload }))
}

fn menu_entry(action: &Action) -> Result<Value, ChannelProblem> {
    let title_of = |title: &str| {
        let fits = !title.trim().is_empty() && title.chars().count() <= limits::MENU_TITLE_CHARS_MAX;
        if fits { Ok(()) } else { Err(problem(MENU, "the title of an entry has 1 to 30 characters")) }
    };
    match action {
        Action::Postback { title, payload } => {
            title_of(title)?;
            if payload.trim().is_empty() || payload.chars().count() > PAYLOAD_CHARS_MAX {
                return Err(problem(MENU, "the payload of an entry has 1 to 1000 characters"));
            }
            Ok(json!({"type": "postback", "title": title, "payload": payload}))
        }
        Action::Url { title, url } => {
            title_of(title)?;
            if !is_page_url(url) {
                return Err(problem(MENU, "expected an https URL (http only to a loopback host)"));
            }
            Ok(json!({"type": "web_url", "title": title, "url": url}))
        }
        Action::LinkAccount { .. } | Action::UnlinkAccount => {
            Err(problem(MENU, "an entry is a postback or a URL: linking works from a message's button only"))
        }
    }
}

/// The origin of a URL that Messenger lets on its list: https and a domain with a dot, no address, not this
/// machine.
fn whitelistable(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let domain = url.domain().filter(|d| d.contains('.') && !d.ends_with(".localhost"));
    (url.scheme() == "https" && domain.is_some()).then(|| url.origin().ascii_serialization())
}

fn problem(property: &'static str, what: &str) -> ChannelProblem {
    ChannelProblem { key: property, what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_tolerates_defaults_order_and_slashes() {
        let have = json!([{"locale": "ar_AR", "text": "b", "x": 1}, {"locale": "default", "text": "a"}]);
        let wanted = json!([{"locale": "default", "text": "a"}, {"locale": "ar_AR", "text": "b"}]);
        assert!(holds(&have, &wanted));
        assert!(!holds(&have, &json!([{"locale": "default", "text": "a"}])), "a language too many");
        assert!(!holds(
            &have,
            &json!([{"locale": "default", "text": "c"}, {"locale": "ar_AR", "text": "b"}])
        ));
        let mut map = Map::new();
        map.insert(DOMAINS.to_owned(), json!(["https://other.example/", "https://bank.example/"]));
        assert!(differing(&[(DOMAINS, json!(["https://bank.example"]))], &map).is_empty());
        assert_eq!(
            with_present(DOMAINS, json!(["https://new.example"]), map.get(DOMAINS)),
            json!(["https://other.example", "https://bank.example", "https://new.example"])
        );
    }

    #[test]
    fn only_public_https_names_are_whitelisted() {
        assert_eq!(whitelistable("https://bank.example/x").as_deref(), Some("https://bank.example"));
        for not in
            ["http://bank.example", "https://127.0.0.1", "https://localhost", "https://[::1]", "nonsense"]
        {
            assert_eq!(whitelistable(not), None, "{not}");
        }
    }
}
