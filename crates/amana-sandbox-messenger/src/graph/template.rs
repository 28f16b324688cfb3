//! Utility templates (messenger reference 4): registered, approved at once, filled in on a send.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Call;
use super::buttons::{length, required};
use super::error::GraphError;
use crate::hub::{Hub, Inner};
use crate::model::Template;
use crate::{ids, limits};

/// `POST message_templates`: registers a template, approved at once. An existing (name, language) is an error,
/// as identity is (page, name, language).
pub(super) fn create(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let need = |name: &str| {
        call.params.text(name).ok_or_else(|| GraphError::param(format!("The parameter {name} is required")))
    };
    let name = need("name")?;
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(GraphError::param(
            "Param name must have only lower-case letters, digits and underscores",
        ));
    }
    let language = need("language")?;
    if !need("category")?.eq_ignore_ascii_case("UTILITY") {
        return Err(GraphError::param("Param category must be one of {UTILITY}"));
    }
    let format = call.params.text("parameter_format").unwrap_or_default();
    let components = match call.params.get("components") {
        Some(components @ Value::Array(_)) => components.clone(),
        _ => return Err(GraphError::param("The parameter components must be an array")),
    };
    check_components(&components)?;
    let id = ids::object_id(&*hub.entropy);
    let template =
        Template { id: id.clone(), name, language, named: format.eq_ignore_ascii_case("NAMED"), components };
    hub.with(|inner, _| {
        let state = inner.data.pages.entry(page.to_owned()).or_default();
        if state.templates.iter().any(|t| t.name == template.name && t.language == template.language) {
            return Err(GraphError::param("A template with this name and language already exists"));
        }
        state.templates.push(template);
        inner.save_page(page);
        Ok(json!({"id": id, "status": "APPROVED", "category": "UTILITY"}))
    })?
}

fn check_components(components: &Value) -> Result<(), GraphError> {
    let body =
        component(components, "BODY").ok_or_else(|| GraphError::param("Param components needs a BODY"))?;
    length(
        required(body, "text", "components[BODY]")?,
        limits::TEMPLATE_BODY_CHARS,
        "components[BODY][text]",
    )?;
    let buttons = component(components, "BUTTONS").and_then(|c| c.get("buttons")).and_then(Value::as_array);
    let buttons = buttons.map(Vec::as_slice).unwrap_or_default();
    if buttons.len() > limits::BUTTONS {
        return Err(GraphError::param("Param components[BUTTONS] must have at most 3 buttons"));
    }
    for (i, button) in buttons.iter().enumerate() {
        let kind = button.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        match kind.as_str() {
            "POSTBACK" if button.get("example").is_some() => {
                return Err(
                    GraphError::param(format!("Button at index {i} has unexpected field(s)")).sub(2_388_051)
                );
            }
            "POSTBACK" | "URL" | "PHONE_NUMBER" => {}
            "QUICK_REPLY" => {
                return Err(GraphError::param("Message Template Creation Failed").sub(2_018_416));
            }
            _ => return Err(GraphError::param(format!("Button at index {i} has an unknown type"))),
        }
    }
    Ok(())
}

/// `GET message_templates`, by name, language or status.
pub(super) fn list(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let name = call.params.text("name");
    let languages = call.params.list("language");
    let data = hub.with(|inner, _| {
        let templates = inner.data.pages.get(page).map(|p| p.templates.clone()).unwrap_or_default();
        templates
            .iter()
            .filter(|t| name.as_ref().is_none_or(|n| *n == t.name))
            .filter(|t| languages.is_empty() || languages.contains(&t.language.to_lowercase()))
            .map(|t| {
                json!({
                    "id": t.id, "name": t.name, "language": t.language, "category": "UTILITY", "status": "APPROVED",
                    "components": t.components, "parameter_format": if t.named { "NAMED" } else { "POSITIONAL" },
                })
            })
            .collect::<Vec<_>>()
    })?;
    Ok(json!({ "data": data }))
}

/// `DELETE message_templates`: all languages of a name, or one by `template_id` / `hsm_id`.
pub(super) fn delete(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let name = call.params.text("name").ok_or_else(|| GraphError::param("The parameter name is required"))?;
    let id = call.params.text("template_id").or_else(|| call.params.text("hsm_id"));
    hub.with(|inner, _| {
        let state = inner.data.pages.entry(page.to_owned()).or_default();
        let before = state.templates.len();
        state.templates.retain(|t| t.name != name || id.as_ref().is_some_and(|id| *id != t.id));
        if state.templates.len() == before {
            return Err(GraphError::param("Message template not found"));
        }
        inner.save_page(page);
        Ok(json!({"success": true}))
    })?
}

fn component<'a>(components: &'a Value, kind: &str) -> Option<&'a Map<String, Value>> {
    components
        .as_array()?
        .iter()
        .filter_map(Value::as_object)
        .find(|c| c.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case(kind)))
}

/// Fills a registered template in and returns what the person sees: a text, or a button template.
pub(super) fn render(
    inner: &Inner,
    page: &str,
    sent: &Map<String, Value>,
) -> Result<Map<String, Value>, GraphError> {
    let place = "message[template]";
    let name = required(sent, "name", place)?;
    let language = match sent.get("language") {
        Some(Value::Object(language)) => required(language, "code", "message[template][language]")?,
        _ => return Err(GraphError::param("Param message[template][language][code] is required")),
    };
    let template = inner
        .data
        .pages
        .get(page)
        .and_then(|p| p.templates.iter().find(|t| t.name == name && t.language == language))
        .ok_or_else(|| {
            GraphError::param(format!(
                "No approved template {name} in language {language} exists on this page"
            ))
        })?;
    let components = sent.get("components").cloned().unwrap_or_else(|| json!([]));
    let header = filled(template, &components, "HEADER")?;
    let body = filled(template, &components, "BODY")?.unwrap_or_default();
    let text = match header {
        Some(header) => format!("{header}\n\n{body}"),
        None => body,
    };
    let buttons = buttons(template, &components)?;
    let shown = if buttons.is_empty() {
        json!({ "text": text })
    } else {
        json!({"attachment": {"type": "template",
            "payload": {"template_type": "button", "text": text, "buttons": buttons}}})
    };
    match shown {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// The text of a component with its parameters in place.
fn filled(template: &Template, sent: &Value, kind: &str) -> Result<Option<String>, GraphError> {
    let Some(own) = component(&template.components, kind) else { return Ok(None) };
    let Some(text) = own.get("text").and_then(Value::as_str) else { return Ok(None) };
    let empty = Vec::new();
    let given =
        component(sent, kind).and_then(|c| c.get("parameters")).and_then(Value::as_array).unwrap_or(&empty);
    let place = format!("message[template][components][{kind}]");
    let wanted = placeholders(text);
    if wanted.len() != given.len() {
        return Err(GraphError::param(format!(
            "Number of parameters in {place} does not match: expected {}, found {}",
            wanted.len(),
            given.len()
        )));
    }
    let mut out = text.to_owned();
    for (i, parameter) in given.iter().enumerate() {
        let value = parameter
            .get("text")
            .and_then(Value::as_str)
            .ok_or_else(|| GraphError::param(format!("{place} needs parameters of type text")))?;
        let key = if template.named {
            let key = parameter.get("parameter_name").and_then(Value::as_str).unwrap_or_default();
            if !wanted.contains(key) {
                return Err(GraphError::param(format!("{place} has no parameter named {key}")));
            }
            key.to_owned()
        } else {
            (i + 1).to_string()
        };
        out = out.replace(&format!("{{{{{key}}}}}"), value);
    }
    Ok(Some(out))
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split("{{").skip(1).filter_map(|part| part.split_once("}}")).map(|(name, _)| name.trim()).collect()
}

/// The buttons, with positional parameters (also in NAMED templates). Fewer parameters than buttons: 100/1893029.
fn buttons(template: &Template, sent: &Value) -> Result<Vec<Value>, GraphError> {
    let own =
        component(&template.components, "BUTTONS").and_then(|c| c.get("buttons")).and_then(Value::as_array);
    let own = own.map(Vec::as_slice).unwrap_or_default();
    let given = component(sent, "BUTTONS").and_then(|c| c.get("parameters")).and_then(Value::as_array);
    let given = given.map(Vec::as_slice).unwrap_or_default();
    if given.iter().any(|p| p.get("index").is_some()) {
        return Err(GraphError::unknown_keys(&["index".to_owned()], "parameters"));
    }
    if given.len() < own.len() {
        return Err(
            GraphError::param("User pass less payload than required for POSTBACK button").sub(1_893_029)
        );
    }
    let mut out = Vec::with_capacity(own.len());
    for (button, parameter) in own.iter().zip(given) {
        let field =
            |map: &Value, name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = field(button, "type").to_ascii_uppercase();
        let title = field(button, "text");
        out.push(match kind.as_str() {
            "URL" => {
                let url = field(button, "url").replace("{{1}}", &field(parameter, "url"));
                json!({"type": "web_url", "title": title, "url": url})
            }
            "PHONE_NUMBER" => {
                json!({"type": "phone_number", "title": title, "payload": field(button, "phone_number")})
            }
            _ => {
                let payload = match field(button, "payload") {
                    own if own.contains("{{1}}") => own.replace("{{1}}", &field(parameter, "payload")),
                    own if own.is_empty() => field(parameter, "payload"),
                    own => own,
                };
                json!({"type": "postback", "title": title, "payload": payload})
            }
        });
    }
    Ok(out)
}
