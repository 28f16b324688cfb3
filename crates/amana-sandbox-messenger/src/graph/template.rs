//! Utility templates (messenger reference 4): registered, reviewed, filled in on a send.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Call;
use super::buttons::{length, required};
use super::error::GraphError;
use super::wording;
use crate::hub::{Hub, Inner, NewEvent};
use crate::model::Template;
use crate::settings::Review;
use crate::{ids, limits};

/// `POST message_templates`: registers a template. An existing (name, language) is an error, as identity is (page,
/// name, language). With `library_template_name` the components come from the library.
pub(super) fn create(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let need = |name: &str| {
        call.params.text(name).ok_or_else(|| GraphError::param(format!("The parameter {name} is required")))
    };
    let name = need("name")?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(GraphError::param(
            "Param name must have only lower-case letters, digits and underscores",
        ));
    }
    let language = need("language")?;
    if !need("category")?.eq_ignore_ascii_case("UTILITY") {
        return Err(GraphError::param("Param category must be one of {UTILITY}"));
    }
    let format = call.params.text("parameter_format").unwrap_or_else(|| "POSITIONAL".to_owned());
    let named = match format.to_ascii_uppercase().as_str() {
        "NAMED" => true,
        "POSITIONAL" => false,
        _ => return Err(GraphError::param("Param parameter_format must be one of {NAMED, POSITIONAL}")),
    };
    let components = match (call.params.get("components"), call.params.text("library_template_name")) {
        (Some(components @ Value::Array(_)), _) => components.clone(),
        (None, Some(from)) => super::library::components(&from, &language).ok_or_else(|| {
            GraphError::param(format!("No library template {from} exists in language {language}"))
        })?,
        _ => return Err(GraphError::param("The parameter components must be an array")),
    };
    // Neither is on record but by its name; the library here has no buttons that would need an input.
    for name in ["library_template_button_inputs", "library_template_body_inputs"] {
        let inputs = call.params.get(name);
        if inputs.is_some() && call.params.get("library_template_name").is_none() {
            return Err(GraphError::param(format!("Param {name} needs library_template_name")));
        }
        if name == "library_template_button_inputs"
            && inputs.is_some_and(|inputs| inputs.as_array().is_none_or(|all| !all.is_empty()))
        {
            return Err(GraphError::param(format!(
                "Param {name} has inputs for buttons that the template has not"
            )));
        }
    }
    check_components(&components)?;
    let id = ids::object_id(&hub.entropy);
    let status = hub.with(|inner, hub| {
        let changed_ms = hub.now_ms(inner);
        let state = inner.data.pages.entry(page.to_owned()).or_default();
        if state.templates.iter().any(|t| t.name == name && t.language == language) {
            return Err(GraphError::param("A template with this name and language already exists"));
        }
        if state.templates.len() >= limits::TEMPLATES {
            return Err(GraphError::param("This page has too many templates"));
        }
        let status = "PENDING".to_owned();
        state.templates.push(Template {
            id: id.clone(),
            name,
            language,
            named,
            components,
            status,
            reason: None,
            changed_ms,
        });
        inner.save_page(page);
        Ok(ripen(inner, hub, page, &id))
    })??;
    review_later(hub, page, &id, &status);
    Ok(json!({"id": id, "status": status, "category": "UTILITY"}))
}

/// Has a pending template decided when its review is over, although nobody asks.
fn review_later(hub: &Arc<Hub>, page: &str, id: &str, status: &str) {
    if status != "PENDING" {
        return;
    }
    let (hub, page, id) = (Arc::clone(hub), page.to_owned(), id.to_owned());
    hub.tasks.clone().spawn(async move {
        let shutdown = hub.shutdown.clone();
        let _ = shutdown
            .run_until_cancelled(async {
                let wait = hub.with(|inner, _| inner.data.settings.template_review_ms).unwrap_or(0);
                hub.sleep(wait).await;
                let _ = hub.with(|inner, hub| ripen(inner, hub, &page, &id));
            })
            .await;
    });
}

/// Decides about a template whose review is over; gives its status.
fn ripen(inner: &mut Inner, hub: &Hub, page: &str, id: &str) -> String {
    let now = hub.now_ms(inner);
    let (review, wait) = (inner.data.settings.template_review, inner.data.settings.template_review_ms);
    let template = inner.data.pages.get(page).and_then(|p| p.templates.iter().find(|t| t.id == id)).cloned();
    let Some(template) = template else { return "DELETED".to_owned() };
    let over = now - template.changed_ms >= i64::try_from(wait).unwrap_or(i64::MAX);
    if template.status != "PENDING" || review == Review::Hold || !over {
        return template.status;
    }
    let reason = match review {
        Review::Reject => Some("INCORRECT_PARAMS"),
        Review::Rules | Review::Hold => rejection(&template),
    };
    let status = if reason.is_some() { "REJECTED" } else { "APPROVED" };
    decide(inner, hub, page, &template.name, Some(&template.language), status, reason);
    status.to_owned()
}

/// Sets the status of a template (in one language or all) and says so to the app. Gives how many there were.
pub(crate) fn decide(
    inner: &mut Inner,
    hub: &Hub,
    page: &str,
    name: &str,
    language: Option<&str>,
    status: &str,
    reason: Option<&str>,
) -> usize {
    let now = hub.now_ms(inner);
    let Some(state) = inner.data.pages.get_mut(page) else { return 0 };
    let mut changed = Vec::new();
    for template in &mut state.templates {
        if template.name == name && language.is_none_or(|l| l == template.language) {
            status.clone_into(&mut template.status);
            template.reason = reason.map(str::to_owned);
            template.changed_ms = now;
            changed.push(template.clone());
        }
    }
    inner.save_page(page);
    for template in &changed {
        let value = json!({
            "event": status, "message_template_id": crate::routing::number(&template.id),
            "message_template_name": template.name, "message_template_language": template.language,
            "message_template_category": "UTILITY", "reason": reason.unwrap_or("NONE"),
        });
        inner.push_event(hub, NewEvent::change(page, "message_template_status_update", value));
        inner.log_state(hub, page, format!("template {} ({}): {status}", template.name, template.language));
    }
    changed.len()
}

/// Why Meta's review would reject a template, by the rules on record (4): its words; samples for every placeholder, for
/// an image and for an open address; placeholders in order, neither first nor last, without `# $ %`; not more
/// placeholders than words.
fn rejection(template: &Template) -> Option<&'static str> {
    const NO_SAMPLE: &str = "TEMPLATE_VARIABLES_MISSING_SAMPLE_VALUES";
    if let Some(reason) = wording::rejection(&template.components) {
        return Some(reason);
    }
    let sample = |of: &Value, name: &str| {
        of.pointer(&format!("/example/{name}")).is_some_and(|sample| match sample {
            Value::Array(all) => !all.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => false,
        })
    };
    let header = component(&template.components, "HEADER").filter(|header| is_image(header));
    if header.is_some_and(|header| !sample(&Value::Object(header.clone()), "header_handle")) {
        return Some(NO_SAMPLE);
    }
    let buttons = component(&template.components, "BUTTONS").and_then(|c| c.get("buttons"));
    for button in buttons.and_then(Value::as_array).into_iter().flatten() {
        let open = button.get("url").and_then(Value::as_str).is_some_and(|url| url.contains("{{1}}"));
        if open && !sample(button, "url_suffix_example") {
            return Some(NO_SAMPLE);
        }
    }
    for kind in ["HEADER", "BODY"] {
        let Some(own) = component(&template.components, kind) else { continue };
        let Some(text) = own.get("text").and_then(Value::as_str) else { continue };
        let wanted = placeholders(text);
        if wanted.is_empty() {
            continue;
        }
        let text = text.trim();
        let bad_name = |name: &&str| name.is_empty() || name.contains(['#', '$', '%']);
        let in_order = template.named || (1..=wanted.len()).all(|i| wanted.contains(i.to_string().as_str()));
        // A header may consist of its only placeholder.
        let at_edge = kind == "BODY" && (text.starts_with("{{") || text.ends_with("}}"));
        if wanted.iter().any(bad_name) || !in_order || at_edge {
            return Some("INCORRECT_PARAMS");
        }
        let example = own.get("example").cloned().unwrap_or_default();
        let (positional, named) = if kind == "HEADER" {
            (
                example.get("header_text").and_then(Value::as_array).map_or(0, Vec::len),
                "header_text_named_params",
            )
        } else {
            let first = example.pointer("/body_text/0").and_then(Value::as_array);
            (first.map_or(0, Vec::len), "body_text_named_params")
        };
        let named = example.get(named).and_then(Value::as_array).map_or(0, Vec::len);
        if (if template.named { named } else { positional }) < wanted.len() {
            return Some(NO_SAMPLE);
        }
        let words = text.split_whitespace().filter(|word| !word.contains("{{")).count();
        if kind == "BODY" && words < wanted.len() {
            return Some("PARAMS_TO_WORD_RATIO_EXCEED_LIMIT");
        }
    }
    None
}

fn shown(template: &Template) -> Value {
    let mut out = json!({
        "id": template.id, "name": template.name, "language": template.language, "category": "UTILITY",
        "status": template.status, "components": template.components,
        "parameter_format": if template.named { "NAMED" } else { "POSITIONAL" },
        "last_updated_time": template.changed_ms / 1_000,
    });
    if let (Value::Object(map), Some(reason)) = (&mut out, &template.reason) {
        map.insert("rejected_reason".to_owned(), json!(reason));
        map.insert("rejection_reasons".to_owned(), json!([reason]));
    }
    out
}

/// `GET /{template-id}`.
pub(super) fn read(hub: &Arc<Hub>, call: &Call, page: &str, id: &str) -> Result<Value, GraphError> {
    hub.with(|inner, hub| {
        ripen(inner, hub, page, id);
        let templates = &inner.data.pages.get(page)?.templates;
        Some(super::node::pick(call, shown(templates.iter().find(|t| t.id == id)?)))
    })?
    .ok_or_else(|| GraphError::no_object("GET", id))
}

/// `POST /{template-id}`: new components; not of an approved one, unless the setting says otherwise.
pub(super) fn edit(hub: &Arc<Hub>, call: &Call, page: &str, id: &str) -> Result<Value, GraphError> {
    let components = match call.params.get("components") {
        Some(components @ Value::Array(_)) => components.clone(),
        _ => return Err(GraphError::param("The parameter components must be an array")),
    };
    check_components(&components)?;
    let named = call.params.text("parameter_format").map(|f| f.eq_ignore_ascii_case("NAMED"));
    let status = hub.with(|inner, hub| {
        ripen(inner, hub, page, id);
        let now = hub.now_ms(inner);
        let editable = inner.data.settings.approved_editable;
        let state = inner.data.pages.get_mut(page).ok_or_else(|| GraphError::no_object("POST", id))?;
        let template = state.templates.iter_mut().find(|t| t.id == id);
        let template = template.ok_or_else(|| GraphError::no_object("POST", id))?;
        if template.status == "APPROVED" && !editable {
            return Err(GraphError::param("An approved template cannot be edited"));
        }
        template.components = components;
        template.named = named.unwrap_or(template.named);
        template.status = "PENDING".to_owned();
        template.reason = None;
        template.changed_ms = now;
        inner.save_page(page);
        Ok(ripen(inner, hub, page, id))
    })??;
    review_later(hub, page, id, &status);
    Ok(json!({"success": true}))
}

/// The kinds of components that there are, and what a header may be (reference 4.1).
fn check_kinds(components: &Value) -> Result<(), GraphError> {
    for (i, one) in components.as_array().map(Vec::as_slice).unwrap_or_default().iter().enumerate() {
        let kind = one.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        if !matches!(kind.as_str(), "HEADER" | "BODY" | "BUTTONS") {
            return Err(GraphError::param(format!(
                "Param components[{i}][type] must be one of {{HEADER, BODY, BUTTONS}}"
            )));
        }
        let format = one.get("format").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        if kind == "HEADER" && !matches!(format.as_str(), "TEXT" | "IMAGE") {
            return Err(GraphError::param(format!(
                "Param components[{i}][format] must be one of {{TEXT, IMAGE}}"
            )));
        }
    }
    Ok(())
}

fn check_components(components: &Value) -> Result<(), GraphError> {
    check_kinds(components)?;
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
        let says = button.get("text").and_then(Value::as_str).unwrap_or_default();
        if says.trim().is_empty() {
            return Err(GraphError::param(format!("Button at index {i} needs a text")));
        }
        match kind.as_str() {
            "POSTBACK" if button.get("example").is_some() => {
                return Err(
                    GraphError::param(format!("Button at index {i} has unexpected field(s)")).sub(2_388_051)
                );
            }
            "URL" => {
                let url = button.get("url").and_then(Value::as_str).unwrap_or_default();
                super::buttons::check_url(&url.replace("{{1}}", "x"), "components[BUTTONS][url]", false)?;
                if url.contains("{{") && !(url.ends_with("{{1}}") && url.matches("{{").count() == 1) {
                    return Err(GraphError::param(format!(
                        "The URL of the button at index {i} may have one placeholder, at its end"
                    )));
                }
            }
            "PHONE_NUMBER" => {
                let number = button.get("phone_number").and_then(Value::as_str).unwrap_or_default();
                if !number.starts_with('+') {
                    return Err(GraphError::param(format!(
                        "Button at index {i} needs a phone_number with +"
                    )));
                }
            }
            "POSTBACK" => {}
            "QUICK_REPLY" => {
                return Err(GraphError::param("Message Template Creation Failed").sub(2_018_416));
            }
            _ => return Err(GraphError::param(format!("Button at index {i} has an unknown type"))),
        }
    }
    Ok(())
}

/// `GET message_templates`, by name, language, status or content.
pub(super) fn list(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let name = call.params.text("name");
    let content = call.params.text("content");
    let either = call.params.text("name_or_content");
    let languages = call.params.list("language");
    let statuses = call.params.list("status");
    let data = hub.with(|inner, hub| {
        let templates = inner.data.pages.get(page).map(|p| p.templates.clone()).unwrap_or_default();
        for template in &templates {
            ripen(inner, hub, page, &template.id);
        }
        let templates = inner.data.pages.get(page).map(|p| p.templates.clone()).unwrap_or_default();
        let says = |t: &Template, wanted: &str| t.components.to_string().contains(wanted);
        templates
            .iter()
            .filter(|t| name.as_ref().is_none_or(|n| *n == t.name))
            .filter(|t| content.as_ref().is_none_or(|c| says(t, c)))
            .filter(|t| either.as_ref().is_none_or(|e| t.name.contains(e) || says(t, e)))
            .filter(|t| languages.is_empty() || languages.contains(&t.language.to_lowercase()))
            .filter(|t| statuses.is_empty() || statuses.contains(&t.status.to_lowercase()))
            .map(shown)
            .collect::<Vec<_>>()
    })?;
    let mut out = json!({"data": data, "paging": {}});
    if let (Value::Object(map), Some("true")) = (&mut out, call.params.text("summary").as_deref()) {
        map.insert("summary".to_owned(), json!({"total_count": data.len()}));
    }
    Ok(out)
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
            GraphError::param(format!("No template {name} in language {language} exists on this page"))
        })?;
    if template.status != "APPROVED" {
        let status = &template.status;
        return Err(GraphError::param(format!(
            "The template {name} in language {language} is not approved: its status is {status}"
        )));
    }
    let components = sent.get("components").cloned().unwrap_or_else(|| json!([]));
    check_sent(template, &components)?;
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

/// What a send may name: components that the template has, each once, and for an image header its one image.
fn check_sent(template: &Template, sent: &Value) -> Result<(), GraphError> {
    let place = "message[template][components]";
    let list = sent.as_array().ok_or_else(|| GraphError::param(format!("Param {place} must be an array")))?;
    let mut seen = BTreeSet::new();
    for one in list {
        let kind = one.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        if component(&template.components, &kind).is_none() {
            return Err(GraphError::param(format!("Param {place} has a {kind}, which the template has not")));
        }
        if !seen.insert(kind.clone()) {
            return Err(GraphError::param(format!("Param {place} has more than one {kind}")));
        }
    }
    let image = component(&template.components, "HEADER").is_some_and(is_image);
    if image {
        let given = component(sent, "HEADER").and_then(|c| c.get("parameters")).and_then(Value::as_array);
        let good = given.is_some_and(|given| {
            matches!(given.as_slice(), [one] if one.pointer("/image/link").or(one.pointer("/image/id")).is_some())
        });
        if !good {
            return Err(GraphError::param(format!("{place}[HEADER] needs one parameter of type image")));
        }
    }
    Ok(())
}

fn is_image(header: &Map<String, Value>) -> bool {
    header.get("format").and_then(Value::as_str).is_some_and(|format| format.eq_ignore_ascii_case("IMAGE"))
}

/// What a parameter may hold: something, on one line, no placeholder of its own.
fn check_value(value: &str, place: &str) -> Result<(), GraphError> {
    let why = if value.trim().is_empty() {
        "an empty parameter"
    } else if value.contains(['\n', '\r', '\t']) || value.contains("     ") {
        "a parameter with new lines, tabs or more than 4 spaces in a row"
    } else if value.contains("{{") || value.contains("}}") {
        "a parameter with a placeholder in it"
    } else {
        return Ok(());
    };
    Err(GraphError::param(format!("{place} has {why}")))
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
    let mut filled = BTreeSet::new();
    for (i, parameter) in given.iter().enumerate() {
        let is_text =
            parameter.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("text"));
        let value = parameter
            .get("text")
            .and_then(Value::as_str)
            .filter(|_| is_text)
            .ok_or_else(|| GraphError::param(format!("{place} needs parameters of type text")))?;
        check_value(value, &place)?;
        let key = if template.named {
            let key = parameter.get("parameter_name").and_then(Value::as_str).unwrap_or_default();
            if !wanted.contains(key) {
                return Err(GraphError::param(format!("{place} has no parameter named {key}")));
            }
            if !filled.insert(key) {
                return Err(GraphError::param(format!("{place} has two parameters named {key}")));
            }
            key.to_owned()
        } else {
            (i + 1).to_string()
        };
        out = out.replace(&format!("{{{{{key}}}}}"), value);
    }
    length(&out, limits::TEMPLATE_BODY_CHARS, &place)?;
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
    if given.len() > own.len() {
        return Err(GraphError::param("More button parameters than the template has buttons"));
    }
    let mut out = Vec::with_capacity(own.len());
    for (i, (button, parameter)) in own.iter().zip(given).enumerate() {
        let field =
            |map: &Value, name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = field(button, "type").to_ascii_uppercase();
        let title = field(button, "text");
        let of = field(parameter, "type");
        if !of.is_empty() && !of.eq_ignore_ascii_case(&kind) {
            return Err(GraphError::param(format!(
                "The parameter of button {i} is of type {of}, the button {kind}"
            )));
        }
        let (own_text, name) = if kind == "URL" { ("url", "url") } else { ("payload", "payload") };
        let open = field(button, own_text).contains("{{1}}");
        let given = field(parameter, name);
        if open && given.trim().is_empty() {
            return Err(GraphError::param(format!("The parameter of button {i} needs {name}")).sub(1_893_029));
        }
        if kind == "URL" && given.contains("://") {
            return Err(GraphError::param(format!(
                "The parameter of button {i} is a suffix of its URL, no URL"
            )));
        }
        length(&given, limits::PAYLOAD_CHARS, "message[template][components][BUTTONS]")?;
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
