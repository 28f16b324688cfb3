//! Utility templates: brought to the platform, and asked after (messenger reference, section 4).

use super::http::Params;
use super::{Messenger, SetupError};
use crate::channel::{ApprovedText, SendError};
use crate::limits;
use amana_core::{ChannelId, Lang};
use amana_render::messenger::template_locale;
use amana_render::messenger::utility::{ToApprove, to_approve};
use reqwest::Method;
use serde_json::{Value, json};

/// The state of a template that the platform does not have.
pub(crate) const MISSING: &str = "MISSING";

impl Messenger {
    /// How our templates stand on a page: one row for each, in each language.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn templates(&self, page: &ChannelId) -> Result<Vec<ApprovedText>, SendError> {
        let ours = to_approve();
        let mut rows: Vec<Value> = Vec::new();
        let mut names: Vec<&str> = ours.iter().map(|text| text.name).collect();
        names.dedup();
        for name in names {
            let params = Params { query: &[("name", name)], ..Params::default() };
            let path = [page.as_str(), "message_templates"];
            let answer = self.graph.call(page, Method::GET, &path, params).await.map_err(|r| r.class)?;
            let found = answer.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            rows.extend(found.into_iter().take(limits::TEMPLATES_MAX));
        }
        Ok(ours.iter().map(|text| standing(text, &rows)).collect())
    }

    /// Brings to the platform what it does not have of our templates. What was rejected is not brought again: the same
    /// words would be rejected again.
    ///
    /// # Errors
    /// When a call fails; what was brought before stays.
    pub async fn bring_templates(&self, page: &ChannelId) -> Result<Vec<ApprovedText>, SetupError> {
        let have = self.templates(page).await?;
        for (text, _) in to_approve().iter().zip(&have).filter(|(_, have)| have.status == MISSING) {
            let params =
                Params { json: Some(definition(text).to_string().into_bytes()), ..Params::default() };
            let path = [page.as_str(), "message_templates"];
            self.graph.call(page, Method::POST, &path, params).await.map_err(|refused| refused.class)?;
        }
        Ok(self.templates(page).await?)
    }
}

fn standing(text: &ToApprove, rows: &[Value]) -> ApprovedText {
    let locale = template_locale(text.lang);
    let said = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    let same = |row: &&Value| {
        said(row, "name").as_deref() == Some(text.name)
            && said(row, "language").as_deref().and_then(Lang::from_tag) == Lang::from_tag(locale)
    };
    let row = rows.iter().find(same);
    let status = row.and_then(|row| said(row, "status")).unwrap_or_else(|| MISSING.to_owned());
    let reason = row.and_then(|row| said(row, "rejected_reason")).filter(|r| !r.eq_ignore_ascii_case("none"));
    let approved = status.eq_ignore_ascii_case("APPROVED");
    ApprovedText { name: text.name.to_owned(), lang: text.lang, approved, status, reason }
}

/// What the platform is told of a template.
fn definition(text: &ToApprove) -> Value {
    let mut components = vec![json!({
        "type": "BODY", "text": text.body, "example": { "body_text": [text.examples] },
    })];
    if !text.buttons.is_empty() {
        // No `example` here: the platform refuses one on a postback button.
        let buttons: Vec<Value> = text
            .buttons
            .iter()
            .map(|title| json!({ "type": "POSTBACK", "text": title, "payload": "{{1}}" }))
            .collect();
        components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
    }
    json!({
        "name": text.name, "language": template_locale(text.lang), "category": "UTILITY",
        "parameter_format": "POSITIONAL", "components": components,
    })
}
