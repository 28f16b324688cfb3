//! `amana alarms`: what the reconciliation found.

use crate::ambient::SystemClock;
use crate::config::Settings;
use crate::who::acting;
use crate::{operate, output};
use amana_core::Clock as _;
use amana_store::limits::ALARMS_LISTED_MAX;
use amana_store::{Alarm, Command, SubmitError};
use anyhow::{Context as _, bail};
use serde_json::json;

/// `amana alarms list`. Answers whether any is open.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn list(settings: &Settings, all: bool, as_json: bool) -> anyhow::Result<bool> {
    let alarms = operate::existing(settings).await?.alarms(all, ALARMS_LISTED_MAX).await?;
    if as_json {
        let rows: Vec<_> = alarms.iter().map(row).collect();
        output::line(&serde_json::to_string_pretty(&rows)?);
    } else if alarms.is_empty() {
        output::line("no alarm: every message on the Pages is covered, or an allowed app's");
    } else {
        for alarm in &alarms {
            output::line(&line(alarm));
        }
    }
    Ok(alarms.iter().any(|alarm| alarm.closed_at.is_none()))
}

fn line(alarm: &Alarm) -> String {
    let mut line = format!(
        "{} {} page:{} {}",
        hex::encode(alarm.id),
        operate::at(alarm.at),
        alarm.channel,
        alarm.kind.as_str()
    );
    if let Some(app) = &alarm.app_id {
        line += &format!(" app:{}", shown(app));
    }
    if let Some(message) = alarm.message {
        line += &format!(" {message}");
    }
    line += &format!(" {}", shown(&alarm.mid));
    if let Some(closed) = alarm.closed_at {
        line += &format!(" (closed {}", operate::at(closed));
        line += &alarm.closed_by.as_ref().map_or_else(|| ")".to_owned(), |by| format!(" by {})", shown(by)));
    }
    line
}

fn row(alarm: &Alarm) -> serde_json::Value {
    json!({
        "id": hex::encode(alarm.id), "at": operate::at(alarm.at), "page": alarm.channel, "kind": alarm.kind.as_str(),
        "app_id": alarm.app_id, "message": alarm.message, "mid": alarm.mid,
        "closed_at": alarm.closed_at.map(operate::at), "closed_by": alarm.closed_by,
    })
}

/// The platform's texts, on one line.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c.is_whitespace() { '?' } else { c }).collect()
}

/// `amana alarms close`.
///
/// # Errors
/// When there is no such open alarm, or the store cannot be written.
pub(crate) async fn close(settings: &Settings, alarm: &str, by: Option<&str>) -> anyhow::Result<()> {
    let mut id = [0; 16];
    hex::decode_to_slice(alarm, &mut id).context("give an id as `amana alarms list` prints it")?;
    let store = operate::existing(settings).await?;
    match store.submit(vec![Command::CloseAlarm { id, by: acting(by), at: SystemClock.now() }]).await {
        Ok(_) => output::line("closed"),
        Err(SubmitError::Conflict { .. }) => {
            bail!("there is no such open alarm; `amana alarms list` shows those that there are")
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
