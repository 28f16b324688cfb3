//! Conversation Routing: who has a thread (messenger reference, section 6).
//!
//! A page has a default app or none. With one, a thread is idle (only the default app may send) or has an owner;
//! without one all apps get the webhooks and all may send, and nobody can take. The page's inbox, where humans answer,
//! is an app like others: [`INBOX_APP`].

use super::config::ChannelProblem;
use super::http::Params;
use super::{Messenger, SetupError, text_id};
use crate::channel::{SendError, ThreadOwner};
use crate::limits;
use amana_core::{Address, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The page's inbox as an app. (One page of the documentation prints it with a digit less.)
pub const INBOX_APP: &str = "263902037430900";

impl Messenger {
    /// Who has the person's thread.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn thread_owner(&self, of: &Address) -> Result<ThreadOwner, SendError> {
        let page = &of.channel;
        let params = Params { query: &[("recipient", of.psid.as_str())], ..Params::default() };
        let path = [page.as_str(), "thread_owner"];
        let answer = self.graph.call(page, Method::GET, &path, params).await.map_err(|r| r.class)?;
        let owner = answer
            .get("data")
            .and_then(Value::as_array)
            .and_then(|rows| rows.first())
            .and_then(|row| row.get("thread_owner"));
        let Some(owner) = owner else { return Ok(ThreadOwner::Nobody) };
        let until = owner.get("expiration").and_then(Value::as_i64);
        let until = until.filter(|at| *at > 0).and_then(|at| Timestamp::from_second(at).ok());
        Ok(ThreadOwner::Owned { app: owner.get("app_id").and_then(text_id), until })
    }

    /// Gives the thread to another app; [`INBOX_APP`] is the page's inbox. Allowed for the owner, and when it is idle.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn pass_thread(&self, of: &Address, app: &str, note: Option<&str>) -> Result<(), SendError> {
        self.control(of, "pass_thread_control", json!({ "target_app_id": app }), note).await
    }

    /// Takes the thread from whoever has it. Only the default app may; without one the platform answers #27.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn take_thread(&self, of: &Address, note: Option<&str>) -> Result<(), SendError> {
        self.control(of, "take_thread_control", json!({}), note).await
    }

    /// Asks the owner for the thread.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn request_thread(&self, of: &Address, note: Option<&str>) -> Result<(), SendError> {
        self.control(of, "request_thread_control", json!({}), note).await
    }

    /// Gives the thread back: it is idle then.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn release_thread(&self, of: &Address) -> Result<(), SendError> {
        self.control(of, "release_thread_control", json!({}), None).await
    }

    /// Keeps the thread for longer than the day after which it would be idle; at most [`limits::EXTEND_MAX`] from now.
    ///
    /// # Errors
    /// When the time is longer, or none (nothing was called then), or the call fails.
    pub async fn extend_thread(&self, of: &Address, time: Duration) -> Result<(), SetupError> {
        if time.as_secs() == 0 || time > limits::EXTEND_MAX {
            let what = "control of a conversation is extended by at most 7 days (168 hours), and by more than nothing";
            return Err(ChannelProblem { key: "duration", what: what.to_owned() }.into());
        }
        self.control(of, "extend_thread_control", json!({ "duration": time.as_secs() }), None).await?;
        Ok(())
    }

    async fn control(
        &self,
        of: &Address,
        edge: &str,
        mut body: Value,
        note: Option<&str>,
    ) -> Result<(), SendError> {
        let page = &of.channel;
        if let Value::Object(map) = &mut body {
            map.insert("recipient".to_owned(), json!({ "id": of.psid.as_str() }));
            if let Some(note) = note {
                let note: String = note.chars().take(limits::HANDOVER_METADATA_CHARS_MAX).collect();
                map.insert("metadata".to_owned(), json!(note));
            }
        }
        let params = Params { json: Some(body.to_string().into_bytes()), ..Params::default() };
        let done = self.graph.call(page, Method::POST, &[page.as_str(), edge], params).await;
        done.map(|_| ()).map_err(|refused| refused.class)
    }
}
