//! Personas (messenger reference 2): names and pictures that a page speaks under.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Call;
use super::buttons::{check_url, length};
use super::error::GraphError;
use crate::hub::{Hub, Inner};
use crate::model::Persona;
use crate::{ids, limits};

/// `POST /{page}/personas`.
pub(super) fn create(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let need = |name: &str| {
        let value = call.params.text(name).filter(|value| !value.trim().is_empty());
        value.ok_or_else(|| GraphError::param(format!("The parameter {name} is required")))
    };
    let name = need("name")?;
    length(&name, limits::PERSONA_NAME_CHARS, "name")?;
    let picture = need("profile_picture_url")?;
    check_url(&picture, "profile_picture_url", false)?;
    let id = ids::object_id(&hub.entropy);
    hub.with(|inner, _| {
        let state = inner.data.pages.entry(page.to_owned()).or_default();
        if state.personas.len() >= limits::PAGE_OBJECTS {
            return Err(GraphError::param("This page has too many personas"));
        }
        state.personas.push(Persona { id: id.clone(), name, picture, deleted: false });
        inner.save_page(page);
        Ok(json!({"id": id}))
    })?
}

fn shown(persona: &Persona) -> Value {
    json!({"id": persona.id, "name": persona.name, "profile_picture_url": persona.picture})
}

/// `GET /{page}/personas`: all on one page; what comes `after` it is empty.
pub(super) fn list(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    if call.params.text("after").is_some() {
        return Ok(json!({"data": []}));
    }
    let data: Vec<_> = hub.with(|inner, _| {
        let personas = inner.data.pages.get(page).map(|p| p.personas.as_slice()).unwrap_or_default();
        personas.iter().filter(|p| !p.deleted).map(shown).collect()
    })?;
    if data.is_empty() {
        return Ok(json!({"data": []}));
    }
    Ok(json!({"data": data, "paging": {"cursors": {"before": "QVFI", "after": "QVFJ"}}}))
}

/// `GET /{persona-id}`.
pub(super) fn read(hub: &Arc<Hub>, page: &str, id: &str) -> Result<Value, GraphError> {
    hub.with(|inner, _| find(inner, page, id).map(|p| shown(&p)))?
        .ok_or_else(|| GraphError::no_object("GET", id))
}

/// `DELETE /{persona-id}`: soft, past messages keep their name.
pub(super) fn delete(hub: &Arc<Hub>, page: &str, id: &str) -> Result<Value, GraphError> {
    hub.with(|inner, _| {
        let state = inner.data.pages.get_mut(page)?;
        let persona = state.personas.iter_mut().find(|p| p.id == id && !p.deleted)?;
        persona.deleted = true;
        inner.save_page(page);
        Some(json!({"success": true}))
    })?
    .ok_or_else(|| GraphError::no_object("DELETE", id))
}

/// A persona that messages may be sent under.
pub(super) fn find(inner: &Inner, page: &str, id: &str) -> Option<Persona> {
    inner.data.pages.get(page)?.personas.iter().find(|p| p.id == id && !p.deleted).cloned()
}
