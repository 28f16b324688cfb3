//! What a `message` may be (messenger reference 2, limits and templates). Pure: no state, no clock.

use serde_json::{Map, Value};

use super::buttons::{check_buttons, check_url, length, required};
use super::error::GraphError;
use super::params::text as text_of;
use super::templates;
use crate::limits;

const MESSAGE_KEYS: [&str; 7] =
    ["text", "attachment", "attachments", "quick_replies", "metadata", "template", "sticker_id"];
const CONTENT_KEYS: [&str; 5] = ["text", "attachment", "attachments", "template", "sticker_id"];

/// Checks a whole message, except the parameters of a utility template.
pub(super) fn check_message(message: &Map<String, Value>) -> Result<(), GraphError> {
    let unknown: Vec<String> =
        message.keys().filter(|k| !MESSAGE_KEYS.contains(&k.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(GraphError::unknown_keys(&unknown, "message"));
    }
    let content: Vec<&str> =
        CONTENT_KEYS.into_iter().filter(|k| message.get(*k).is_some_and(|v| !v.is_null())).collect();
    match content.as_slice() {
        [] => {
            return Err(GraphError::param("Message cannot be empty, must provide valid attachment or text"));
        }
        [_] => {}
        _ => {
            return Err(GraphError::param(format!(
                "Param message must have exactly one of text, attachment, attachments, template; found {}",
                content.join(", ")
            )));
        }
    }
    if let Some(text) = message.get("text") {
        check_text(text)?;
    }
    if let Some(attachment) = message.get("attachment") {
        check_attachment(attachment)?;
    }
    if let Some(images) = message.get("attachments").filter(|v| !v.is_null()) {
        check_images(images)?;
    }
    if let Some(sticker) = message.get("sticker_id").filter(|v| !v.is_null())
        && text_of(sticker).is_none_or(|id| id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(GraphError::param("Param message[sticker_id] must be a number"));
    }
    if let Some(metadata) = message.get("metadata").filter(|v| !v.is_null()) {
        let metadata =
            metadata.as_str().ok_or_else(|| GraphError::param("Param message[metadata] must be a string"))?;
        if metadata.chars().count() >= limits::METADATA_CHARS {
            return Err(GraphError::param("Length of param message[metadata] must be less than 1000"));
        }
    }
    check_quick_replies(message.get("quick_replies"))
}

/// `attachments`: up to thirty images.
fn check_images(images: &Value) -> Result<(), GraphError> {
    let items = images.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() || items.len() > limits::IMAGES {
        return Err(GraphError::param(format!(
            "Param message[attachments] must have between 1 and {} images",
            limits::IMAGES
        )));
    }
    for (i, item) in items.iter().enumerate() {
        let is_image =
            item.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("image"));
        if !is_image || item.get("payload").is_none_or(|p| !p.is_object()) {
            return Err(GraphError::param(format!("Param message[attachments][{i}] must be an image")));
        }
    }
    Ok(())
}

fn check_text(text: &Value) -> Result<(), GraphError> {
    let text = text.as_str().ok_or_else(|| GraphError::param("Param message[text] must be a string"))?;
    if text.is_empty() {
        return Err(GraphError::param("Message cannot be empty, must provide valid attachment or text"));
    }
    if text.chars().count() >= limits::TEXT_CHARS {
        return Err(GraphError::param("Length of param message[text] must be less than 2000"));
    }
    Ok(())
}

fn check_quick_replies(value: Option<&Value>) -> Result<(), GraphError> {
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(()) };
    let Value::Array(replies) = value else {
        return Err(GraphError::param("Param message[quick_replies] must be an array"));
    };
    if replies.is_empty() || replies.len() > limits::QUICK_REPLIES {
        return Err(GraphError::param(format!(
            "Param message[quick_replies] must have between 1 and {} quick replies",
            limits::QUICK_REPLIES
        )));
    }
    for (i, reply) in replies.iter().enumerate() {
        let place = format!("message[quick_replies][{i}]");
        let Value::Object(reply) = reply else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        match required(reply, "content_type", &place)?.to_ascii_lowercase().as_str() {
            "text" => {
                length(
                    required(reply, "title", &place)?,
                    limits::BUTTON_TITLE_CHARS,
                    &format!("{place}[title]"),
                )?;
                length(
                    required(reply, "payload", &place)?,
                    limits::PAYLOAD_CHARS,
                    &format!("{place}[payload]"),
                )?;
            }
            "user_phone_number" | "user_email" => {}
            _ => {
                return Err(GraphError::param(format!(
                    "Param {place}[content_type] must be one of {{text, user_phone_number, user_email}}"
                )));
            }
        }
    }
    Ok(())
}

fn check_attachment(value: &Value) -> Result<(), GraphError> {
    let Value::Object(attachment) = value else {
        return Err(GraphError::param("Param message[attachment] must be a JSON object"));
    };
    let kind = required(attachment, "type", "message[attachment]")?.to_ascii_lowercase();
    let Some(Value::Object(payload)) = attachment.get("payload") else {
        return Err(GraphError::param("Param message[attachment][payload] is required"));
    };
    match kind.as_str() {
        "template" => check_template(payload),
        // What the payload of these says is looked up when it is sent.
        "image" | "audio" | "video" | "file" => Ok(()),
        _ => Err(GraphError::param(
            "Param message[attachment][type] must be one of {audio, file, image, template, video}",
        )),
    }
}

fn check_template(payload: &Map<String, Value>) -> Result<(), GraphError> {
    let place = "message[attachment][payload]";
    match required(payload, "template_type", place)?.to_ascii_lowercase().as_str() {
        "button" => {
            length(required(payload, "text", place)?, limits::BUTTON_TEXT_CHARS, &format!("{place}[text]"))?;
            check_buttons(payload.get("buttons"), 1, place)
        }
        "generic" => check_generic(payload, place),
        "receipt" => check_receipt(payload, place),
        "media" => templates::media(payload, place),
        "coupon" => templates::coupon(payload, place),
        "customer_feedback" => templates::feedback(payload, place),
        "image_grid" => templates::image_grid(payload, place),
        "one_time_notif_req" => templates::notification(payload, place),
        // No page here has a form; so Meta answers where there is none of that name.
        "instant_form" => Err(GraphError::no_form()),
        kind @ ("customer_information" | "product") => {
            Err(GraphError::not_built(&format!("the template {kind}")))
        }
        _ => Err(GraphError::param("Invalid template type")),
    }
}

fn check_generic(payload: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    let elements = match payload.get("elements") {
        Some(Value::Array(elements)) if (1..=limits::GENERIC_ELEMENTS).contains(&elements.len()) => elements,
        _ => {
            return Err(GraphError::param(format!(
                "Param {place}[elements] must have between 1 and {} elements",
                limits::GENERIC_ELEMENTS
            )));
        }
    };
    for (i, element) in elements.iter().enumerate() {
        let place = format!("{place}[elements][{i}]");
        let Value::Object(element) = element else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        length(required(element, "title", &place)?, limits::GENERIC_TITLE_CHARS, &format!("{place}[title]"))?;
        if let Some(subtitle) = element.get("subtitle").and_then(Value::as_str) {
            length(subtitle, limits::GENERIC_TITLE_CHARS, &format!("{place}[subtitle]"))?;
        }
        if !["subtitle", "image_url", "buttons", "default_action"].iter().any(|k| element.contains_key(*k)) {
            return Err(GraphError::param(format!(
                "Param {place} must have at least one property beside title"
            )));
        }
        if let Some(image) = element.get("image_url") {
            check_url(image.as_str().unwrap_or_default(), &format!("{place}[image_url]"), false)?;
        }
        if let Some(action) = element.get("default_action") {
            let place = format!("{place}[default_action]");
            let Value::Object(action) = action else {
                return Err(GraphError::param(format!("Param {place} must be a JSON object")));
            };
            if !required(action, "type", &place)?.eq_ignore_ascii_case("web_url")
                || action.contains_key("title")
            {
                return Err(GraphError::param(format!(
                    "Param {place} must be a web_url button without a title"
                )));
            }
            check_url(required(action, "url", &place)?, &format!("{place}[url]"), false)?;
        }
        if element.contains_key("buttons") {
            check_buttons(element.get("buttons"), 1, &place)?;
        }
    }
    Ok(())
}

fn check_receipt(payload: &Map<String, Value>, place: &str) -> Result<(), GraphError> {
    for name in ["recipient_name", "order_number", "payment_method"] {
        required(payload, name, place)?;
    }
    let currency = required(payload, "currency", place)?;
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err(GraphError::param(format!("Param {place}[currency] must be an ISO 4217 code")));
    }
    let Some(Value::Object(summary)) = payload.get("summary") else {
        return Err(GraphError::param(format!("Param {place}[summary] is required")));
    };
    let places = decimals(currency);
    let in_summary = format!("{place}[summary]");
    amount(summary, "total_cost", &in_summary, (true, places))?;
    for name in ["subtotal", "shipping_cost", "total_tax"] {
        amount(summary, name, &in_summary, (false, places))?;
    }
    if let Some(address) = payload.get("address").filter(|v| !v.is_null()) {
        let place = format!("{place}[address]");
        let Value::Object(address) = address else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        for name in ["street_1", "city", "postal_code", "state", "country"] {
            required(address, name, &place)?;
        }
        if required(address, "country", &place)?.chars().count() != 2 {
            return Err(GraphError::param(format!("Param {place}[country] must have two letters")));
        }
    }
    let elements = list(payload, "elements", place)?;
    if elements.len() > limits::RECEIPT_ELEMENTS {
        return Err(GraphError::param(format!(
            "Param {place}[elements] must have at most {} elements",
            limits::RECEIPT_ELEMENTS
        )));
    }
    for (i, element) in elements.iter().enumerate() {
        let place = format!("{place}[elements][{i}]");
        let Value::Object(element) = element else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        required(element, "title", &place)?;
        amount(element, "price", &place, (true, places))?;
    }
    for (i, adjustment) in list(payload, "adjustments", place)?.iter().enumerate() {
        let place = format!("{place}[adjustments][{i}]");
        let Value::Object(adjustment) = adjustment else {
            return Err(GraphError::param(format!("Param {place} must be a JSON object")));
        };
        amount(adjustment, "amount", &place, (false, places))?;
    }
    Ok(())
}

fn list<'a>(map: &'a Map<String, Value>, name: &str, place: &str) -> Result<&'a [Value], GraphError> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(GraphError::param(format!("Param {place}[{name}] must be an array"))),
    }
}

/// "At most two places mostly": three in currencies that have a thousandth.
fn decimals(currency: &str) -> usize {
    let thousandths = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
    if thousandths.iter().any(|code| currency.eq_ignore_ascii_case(code)) { 3 } else { 2 }
}

/// A decimal with a dot and at most so many places, as a number or as a string of one (clients send both).
fn amount(
    map: &Map<String, Value>,
    name: &str,
    place: &str,
    (needed, places): (bool, usize),
) -> Result<(), GraphError> {
    let text = match map.get(name) {
        None | Some(Value::Null) if needed => {
            return Err(GraphError::param(format!("Param {place}[{name}] is required")));
        }
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Number(n)) => n.to_string(),
        Some(Value::String(s)) => s.clone(),
        Some(_) => String::new(),
    };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if all_digits(whole) && all_digits(fraction) {
        if fraction.len() > places {
            return Err(GraphError::param(format!(
                "Param {place}[{name}] must have at most {places} decimal places"
            )));
        }
        return Ok(());
    }
    Err(GraphError::param(format!("Param {place}[{name}] must be a number")))
}
