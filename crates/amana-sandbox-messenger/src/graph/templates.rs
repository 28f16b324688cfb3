//! The less common message templates (messenger reference 2): media, coupon, customer feedback, image grid, one-time
//! notification request.

use serde_json::{Map, Value};

use super::buttons::{check_buttons, check_url, length, required};
use super::error::GraphError;
use super::params::text;

/// The only element of a template that has exactly one.
fn only<'a>(payload: &'a Map<String, Value>, place: &str) -> Result<&'a Map<String, Value>, GraphError> {
    match payload.get("elements").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(element)]) => Ok(element),
        _ => Err(GraphError::param(format!("Param {place}[elements] must have exactly 1 element"))),
    }
}

/// Exactly one element: image or video, by attachment id or Facebook address, not both; up to three buttons.
pub(super) fn media(payload: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    let element = only(payload, place)?;
    let place = format!("{place}[elements][0]");
    let kind = required(element, "media_type", &place)?.to_ascii_lowercase();
    if !matches!(kind.as_str(), "image" | "video") {
        return Err(GraphError::param(format!("Param {place}[media_type] must be one of {{image, video}}")));
    }
    match (element.get("url").and_then(Value::as_str), element.get("attachment_id").and_then(text)) {
        (Some(url), None) => {
            check_url(url, &format!("{place}[url]"), true)?;
            let host = url::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned));
            let facebook = |host: &String| host == "facebook.com" || host.ends_with(".facebook.com");
            if !host.as_ref().is_some_and(facebook) {
                return Err(GraphError::param(format!("Param {place}[url] must be a Facebook URL")));
            }
        }
        (None, Some(_)) => {}
        _ => {
            return Err(GraphError::param(format!(
                "Param {place} must have exactly one of url and attachment_id"
            )));
        }
    }
    check_buttons(element.get("buttons"), 0, &place)
}

/// Title and subtitle of at most 80 characters; a code without spaces, or an address.
pub(super) fn coupon(payload: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    length(required(payload, "title", place)?, 80, &format!("{place}[title]"))?;
    if let Some(subtitle) = payload.get("subtitle").and_then(Value::as_str) {
        length(subtitle, 80, &format!("{place}[subtitle]"))?;
    }
    let code = payload.get("coupon_code").and_then(Value::as_str);
    let url = payload.get("coupon_url").and_then(Value::as_str);
    if code.is_some_and(|code| code.is_empty() || code.contains(char::is_whitespace)) {
        return Err(GraphError::param(format!("Param {place}[coupon_code] must have no spaces")));
    }
    if let Some(url) = url {
        check_url(url, &format!("{place}[coupon_url]"), false)?;
    }
    if code.is_none() && url.is_none() {
        return Err(GraphError::param(format!("Param {place} must have a coupon_code or a coupon_url")));
    }
    Ok(())
}

/// Title 65, subtitle 80, button 20, one question, expiry in 1 to 7 days.
pub(super) fn feedback(payload: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    length(required(payload, "title", place)?, 65, &format!("{place}[title]"))?;
    length(required(payload, "subtitle", place)?, 80, &format!("{place}[subtitle]"))?;
    length(required(payload, "button_title", place)?, 20, &format!("{place}[button_title]"))?;
    let screens = payload.get("feedback_screens").and_then(Value::as_array).map(Vec::as_slice);
    let questions = match screens {
        Some([screen]) => screen.get("questions").and_then(Value::as_array).map(Vec::as_slice),
        _ => None,
    };
    let Some([question]) = questions else {
        return Err(GraphError::param(format!(
            "Param {place}[feedback_screens] must have exactly 1 question"
        )));
    };
    let kind = question.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if question.get("id").and_then(Value::as_str).is_none_or(str::is_empty)
        || !matches!(kind.as_str(), "csat" | "nps" | "ces")
    {
        return Err(GraphError::param(format!(
            "Param {place}[feedback_screens] must have a question with an id, of type csat, nps or ces"
        )));
    }
    if let Some(days) = payload.get("expires_in_days") {
        let days = text(days).and_then(|d| d.parse::<u32>().ok()).unwrap_or(0);
        if !(1..=7).contains(&days) {
            return Err(GraphError::param(format!("Param {place}[expires_in_days] must be between 1 and 7")));
        }
    }
    Ok(())
}

/// One element with two to six images, one hero at most; title 45, subtitle 80, up to three buttons.
pub(super) fn image_grid(payload: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    let element = only(payload, place)?;
    let place = format!("{place}[elements][0]");
    for (name, limit) in [("title", 45), ("subtitle", 80)] {
        if let Some(value) = element.get(name).and_then(Value::as_str) {
            length(value, limit, &format!("{place}[{name}]"))?;
        }
    }
    let images = element.get("images").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let heroes = images.iter().filter(|i| i.get("is_hero").and_then(Value::as_bool) == Some(true)).count();
    if !(2..=6).contains(&images.len()) || heroes > 1 {
        return Err(GraphError::param(format!(
            "Param {place}[images] must have between 2 and 6 images, one of them the hero at most"
        )));
    }
    check_buttons(element.get("buttons"), 0, &place)?;
    for (i, button) in element
        .get("buttons")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let kind = button.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        if !matches!(kind.as_str(), "web_url" | "postback") {
            return Err(GraphError::param(format!(
                "Param {place}[buttons][{i}][type] must be one of {{web_url, postback}}"
            )));
        }
    }
    Ok(())
}

/// Title of at most 65 characters and a payload.
pub(super) fn notification(payload: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    length(required(payload, "title", place)?, 65, &format!("{place}[title]"))?;
    required(payload, "payload", place).map(|_| ())
}
