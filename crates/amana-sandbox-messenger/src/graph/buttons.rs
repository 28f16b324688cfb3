//! Buttons, common to several templates (messenger reference 2, "Buttons").

use serde_json::{Map, Value};

use super::error::GraphError;
use crate::limits;

/// Checks a list of `min` to three buttons.
pub(super) fn check_buttons(value: Option<&Value>, min: usize, place: &str) -> Result<(), GraphError> {
    let Some(value) = value else {
        return if min == 0 {
            Ok(())
        } else {
            Err(GraphError::param(format!("Param {place}[buttons] is required")))
        };
    };
    let Value::Array(buttons) = value else {
        return Err(GraphError::param(format!("Param {place}[buttons] must be an array")));
    };
    if buttons.len() < min || buttons.len() > limits::BUTTONS {
        return Err(GraphError::param(format!(
            "Param {place}[buttons] must have between {} and {} buttons",
            min.max(1),
            limits::BUTTONS
        )));
    }
    for (i, button) in buttons.iter().enumerate() {
        let place = format!("{place}[buttons][{i}]");
        let Value::Object(button) = button else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        check_button(button, &place)?;
    }
    Ok(())
}

fn check_button(button: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    let kind = required(button, "type", place)?.to_ascii_lowercase();
    match kind.as_str() {
        "web_url" => {
            title(button, place)?;
            url(button, place, false)?;
            if let Some(ratio) = button.get("webview_height_ratio").and_then(Value::as_str)
                && !["compact", "tall", "full"].contains(&ratio.to_ascii_lowercase().as_str())
            {
                return Err(GraphError::param(format!("Param {place}[webview_height_ratio] is not valid")));
            }
            if button.get("messenger_extensions").and_then(Value::as_bool) == Some(true) {
                url(button, place, true)?;
            }
            Ok(())
        }
        "postback" => {
            title(button, place)?;
            payload(button, place)
        }
        "phone_number" => {
            title(button, place)?;
            if required(button, "payload", place)?.starts_with('+') {
                Ok(())
            } else {
                Err(GraphError::param(format!(
                    "Param {place}[payload] must be a phone number beginning with +"
                )))
            }
        }
        "account_link" => url(button, place, true),
        "account_unlink" => Ok(()),
        "game_play" | "audio_call" => {
            title(button, place)?;
            Err(GraphError::not_built(&format!("a button of type {kind}")))
        }
        _ => Err(GraphError::param(format!(
            "Param {place}[type] must be one of {{web_url, postback, phone_number, account_link, account_unlink}}"
        ))),
    }
}

fn title(button: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    length(required(button, "title", place)?, limits::BUTTON_TITLE_CHARS, &format!("{place}[title]"))
}

fn payload(button: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    length(required(button, "payload", place)?, limits::PAYLOAD_CHARS, &format!("{place}[payload]"))
}

/// A required, non-empty string.
pub(super) fn required<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<&'a str, GraphError> {
    match map.get(name) {
        Some(Value::String(s)) if !s.trim().is_empty() => Ok(s),
        Some(Value::String(_)) | None | Some(Value::Null) => {
            Err(GraphError::param(format!("Param {place}[{name}] is required and must be non-empty")))
        }
        Some(_) => Err(GraphError::param(format!("Param {place}[{name}] must be a string"))),
    }
}

/// At most `limit` characters.
pub(super) fn length(text: &str, limit: usize, place: &str) -> Result<(), GraphError> {
    if text.chars().count() > limit {
        return Err(GraphError::param(format!(
            "Length of param {place} must be less than or equal to {limit}"
        )));
    }
    Ok(())
}

/// A URL that a browser opens. Where Meta requires https, plain http is let through to loopback hosts only:
/// without that no sandbox could run without certificates.
fn url(button: &Map<String, Value>, place: &str, secure: bool) -> Result<(), GraphError> {
    check_url(required(button, "url", place)?, &format!("{place}[url]"), secure)
}

/// See [`url`]; for a value that is already at hand.
pub(super) fn check_url(text: &str, place: &str, secure: bool) -> Result<(), GraphError> {
    let not_valid = || GraphError::param(format!("Param {place} should represent a valid URL"));
    let url = url::Url::parse(text).map_err(|_| not_valid())?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if !secure || is_loopback(&url) => Ok(()),
        "http" => Err(GraphError::param(format!("Param {place} must use https"))),
        _ => Err(not_valid()),
    }
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
