//! Media: by address, or saved under an id that holds for 90 days (messenger reference 2). The simulator fetches
//! nothing: that a download fails is a fault switch (`media_error`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Call;
use super::buttons::check_url;
use super::error::GraphError;
use super::params::text;
use crate::hub::{Hub, Inner};
use crate::model::Saved;
use crate::{ids, limits};

/// What a media attachment comes to: its kind, its address, and the id under which it was saved.
pub(super) struct Media {
    pub(super) kind: String,
    pub(super) url: String,
    pub(super) saved: Option<String>,
}

/// `POST /{page}/message_attachments`: `message.attachment` by address or with `filedata`, `is_reusable` or not.
pub(super) fn create(hub: &Arc<Hub>, call: &Call, page: &str) -> Result<Value, GraphError> {
    let message = call
        .params
        .object("message")?
        .ok_or_else(|| GraphError::param("The parameter message is required"))?;
    let attachment = message.get("attachment").and_then(Value::as_object);
    let attachment = attachment.ok_or_else(|| GraphError::param("Param message[attachment] is required"))?;
    hub.with(|inner, hub| {
        let media = resolve(inner, hub, page, attachment, call.params.get("filedata"), true)?;
        Ok(json!({"attachment_id": media.saved}))
    })?
}

/// The address that was saved under an id for this page: 2018074 where there is none of this kind.
fn kept(inner: &Inner, page: &str, kind: &str, id: &str, now: i64) -> Result<String, GraphError> {
    let state = inner.data.pages.get(page);
    let found = state.and_then(|s| s.saved.iter().find(|s| s.id == id));
    let found = found.filter(|s| now - s.at_ms < limits::SAVED_MS && s.kind == kind);
    let found = found.ok_or_else(|| {
        GraphError::param("Possible invalid ID or you do not own the attachment").sub(2_018_074)
    })?;
    Ok(found.url.clone())
}

/// The element of a media template that names what was saved: it is there.
pub(super) fn of_template(
    inner: &Inner,
    hub: &Hub,
    page: &str,
    element: &Map<String, Value>,
) -> Result<(), GraphError> {
    let kind = element.get("media_type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let id = element.get("attachment_id").and_then(text).unwrap_or_default();
    kept(inner, page, &kind, &id, hub.now_ms(inner)).map(drop)
}

/// Resolves a media attachment: exactly one of `url`, `attachment_id` and an uploaded file; `save` it, or do so when it
/// is reusable.
pub(super) fn resolve(
    inner: &mut Inner,
    hub: &Hub,
    page: &str,
    attachment: &Map<String, Value>,
    file: Option<&Value>,
    save: bool,
) -> Result<Media, GraphError> {
    let kind = attachment.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if !["image", "audio", "video", "file"].contains(&kind.as_str()) {
        return Err(GraphError::param(
            "Param message[attachment][type] must be one of {audio, file, image, template, video}",
        ));
    }
    let place = "message[attachment][payload]";
    let Some(payload) = attachment.get("payload").and_then(Value::as_object) else {
        return Err(GraphError::param(format!("Param {place} is required")));
    };
    let reusable = matches!(payload.get("is_reusable"), Some(Value::Bool(true)))
        || payload.get("is_reusable").and_then(text).as_deref() == Some("true");
    let now = hub.now_ms(inner);
    let uploaded = file.map(|file| uploaded(hub, &kind, file)).transpose()?;
    let given = payload.get("url").and_then(Value::as_str);
    if given.is_some() && uploaded.is_some() {
        return Err(GraphError::param(format!("Param {place} must not have a url beside filedata")));
    }
    match (given.or(uploaded.as_deref()), payload.get("attachment_id").and_then(text)) {
        (Some(url), None) => {
            check_url(url, &format!("{place}[url]"), false)?;
            if let Some(sub) = inner.data.faults.media_error {
                return Err(GraphError::param(media_text(sub)).sub(sub));
            }
            let saved = save || reusable;
            let url = url.to_owned();
            let id = saved.then(|| keep(inner, hub, page, &kind, &url, now)).transpose()?;
            Ok(Media { kind, url, saved: id })
        }
        (None, Some(id)) => {
            let url = kept(inner, page, &kind, &id, now)?;
            Ok(Media { kind, url, saved: None })
        }
        _ => Err(GraphError::param(format!("Param {place} must have exactly one of url and attachment_id"))),
    }
}

/// The address that an uploaded file would have. Too large: 2018109; of another kind than it says: 2018047.
fn uploaded(hub: &Hub, kind: &str, file: &Value) -> Result<String, GraphError> {
    let of = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default();
    if file.get("size").and_then(Value::as_u64).is_none_or(|n| n > limits::UPLOAD_BYTES) {
        return Err(GraphError::param(media_text(2_018_109)).sub(2_018_109));
    }
    let fits = kind == "file" || of("type").starts_with(&format!("{kind}/"));
    if !fits {
        return Err(GraphError::param(media_text(2_018_047)).sub(2_018_047));
    }
    let mut url = hub.config.public_base_url.clone();
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.clear().push("uploads").push(&ids::object_id(&hub.entropy)).push(of("filename"));
    }
    Ok(url.into())
}

fn keep(
    inner: &mut Inner,
    hub: &Hub,
    page: &str,
    kind: &str,
    url: &str,
    now: i64,
) -> Result<String, GraphError> {
    let state = inner.data.pages.entry(page.to_owned()).or_default();
    state.saved.retain(|s| now - s.at_ms < limits::SAVED_MS);
    if state.saved.len() >= limits::PAGE_OBJECTS {
        return Err(GraphError::param("Upload attachment failure").sub(2_018_047));
    }
    let id = ids::object_id(&hub.entropy);
    state.saved.push(Saved { id: id.clone(), kind: kind.to_owned(), url: url.to_owned(), at_ms: now });
    inner.save_page(page);
    Ok(id)
}

fn media_text(sub: u32) -> &'static str {
    match sub {
        2_018_008 => "Failed to fetch the file from the url",
        2_018_047 => "Upload attachment failure",
        2_018_109 => "Attachment size exceeds allowable limit",
        _ => "Video upload timed out or video is corrupted",
    }
}
