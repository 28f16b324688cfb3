//! Personas: other names and pictures that a page can speak under, one per human agent (messenger reference, section
//! 2).
//!
//! A message names the persona by its id ([`amana_core::Content::persona`]).

use super::config::ChannelProblem;
use super::http::Params;
use super::{Messenger, SetupError, text_id};
use crate::limits;
use amana_core::ChannelId;
use amana_render::messenger::is_page_url;
use reqwest::Method;
use serde_json::{Value, json};

/// A name and a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    /// The platform's id.
    pub id: String,
    /// The name, ≤ 50 characters.
    pub name: String,
    /// Its picture, where the platform tells.
    pub picture: Option<String>,
}

impl Messenger {
    /// The personas of a page, at most [`limits::PERSONAS_MAX`].
    ///
    /// # Errors
    /// When the call fails.
    pub async fn personas(&self, page: &ChannelId) -> Result<Vec<Persona>, SetupError> {
        let path = [page.as_str(), "personas"];
        let answer =
            self.graph.call(page, Method::GET, &path, Params::default()).await.map_err(|r| r.class)?;
        let rows = answer.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let read = |row: &Value| {
            let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(Persona {
                id: row.get("id").and_then(text_id)?,
                name: text("name")?,
                picture: text("profile_picture_url"),
            })
        };
        Ok(rows.iter().filter_map(read).take(limits::PERSONAS_MAX).collect())
    }

    /// The persona of this name, made if the page has none: one per agent.
    ///
    /// # Errors
    /// When name or picture break a limit (nothing was called then), or a call fails.
    pub async fn persona(&self, page: &ChannelId, name: &str, picture: &str) -> Result<Persona, SetupError> {
        let name = name.trim();
        let problem = |what: &str| ChannelProblem { key: "persona", what: what.to_owned() };
        if name.is_empty() || name.chars().count() > limits::PERSONA_NAME_CHARS_MAX {
            return Err(problem("the name of a persona has 1 to 50 characters").into());
        }
        if !is_page_url(picture) {
            return Err(
                problem("the picture of a persona is an https url (http only to a loopback host)").into()
            );
        }
        if let Some(there) = self.personas(page).await?.into_iter().find(|persona| persona.name == name) {
            return Ok(there);
        }
        let body = json!({ "name": name, "profile_picture_url": picture });
        let params = Params { json: Some(body.to_string().into_bytes()), ..Params::default() };
        let path = [page.as_str(), "personas"];
        let answer = self.graph.call(page, Method::POST, &path, params).await.map_err(|r| r.class)?;
        let id = answer.get("id").and_then(text_id);
        let unclear = crate::SendError::Ambiguous { what: "the answer names no persona" };
        let id = id.ok_or(unclear)?;
        Ok(Persona { id, name: name.to_owned(), picture: Some(picture.to_owned()) })
    }

    /// Removes a persona. What was said under it stays as it is.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn remove_persona(&self, page: &ChannelId, id: &str) -> Result<(), SetupError> {
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            let what = "the id of a persona is a number".to_owned();
            return Err(ChannelProblem { key: "persona", what }.into());
        }
        self.graph.call(page, Method::DELETE, &[id], Params::default()).await.map_err(|r| r.class)?;
        Ok(())
    }
}
