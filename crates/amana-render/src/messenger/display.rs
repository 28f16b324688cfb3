//! Our own bytes read back for a person: "what was said" on the privacy page.

use super::utility;
use amana_core::{ApprovedForm, Lang};
use serde::Deserialize;
use serde_json::{Number, Value};

/// What was said, read back from our own bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The text; may be empty.
    pub text: String,
    /// The lines of a card: title and subtitle.
    pub lines: Vec<(String, String)>,
    /// What the buttons and quick replies said. *Log in* and *Log out* are the platform's own words and not
    /// in it.
    pub buttons: Vec<String>,
}

#[derive(Deserialize)]
struct Call {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    text: Option<String>,
    attachment: Option<Attachment>,
    template: Option<Approved>,
    #[serde(default)]
    quick_replies: Vec<Titled>,
}

#[derive(Deserialize)]
struct Attachment {
    payload: Template,
}

#[derive(Deserialize)]
struct Template {
    text: Option<String>,
    #[serde(default)]
    elements: Vec<Element>,
    #[serde(default)]
    buttons: Vec<Titled>,
    // Of a receipt.
    order_number: Option<String>,
    merchant_name: Option<String>,
    currency: Option<String>,
    summary: Option<Summary>,
}

#[derive(Deserialize)]
struct Summary {
    total_cost: Number,
}

#[derive(Deserialize)]
struct Approved {
    name: String,
    language: Language,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Language {
    code: String,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Vec<Value>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    title: String,
    subtitle: Option<String>,
    price: Option<Number>,
    media_type: Option<String>,
    #[serde(default)]
    buttons: Vec<Titled>,
}

#[derive(Deserialize)]
struct Titled {
    title: Option<String>,
}

/// A picture, and a film, in every language.
const IMAGE: &str = "\u{1F5BC}";
/// See [`IMAGE`].
const VIDEO: &str = "\u{1F39E}";

/// Reads our own encoding back for a person's eyes. `None` if the bytes are not of this encoding.
#[must_use]
pub fn decode_for_display(bytes: &[u8]) -> Option<Said> {
    let message = serde_json::from_slice::<Call>(bytes).ok()?.message;
    let mut said = Said { text: message.text.unwrap_or_default(), ..Said::default() };
    let mut buttons = Vec::new();
    if let Some(Attachment { payload }) = message.attachment {
        if let Some(text) = payload.text {
            said.text = text;
        }
        let receipt = [payload.merchant_name, payload.order_number].into_iter().flatten();
        if let Some(summary) = payload.summary {
            let total = format!("{} {}", summary.total_cost, payload.currency.unwrap_or_default());
            said.text = receipt.chain([total]).collect::<Vec<_>>().join(" · ");
        }
        for element in payload.elements {
            match (element.subtitle, element.price, element.media_type) {
                (subtitle, Some(price), _) => {
                    let parts = subtitle.into_iter().chain([price.to_string()]);
                    said.lines.push((element.title, parts.collect::<Vec<_>>().join(" · ")));
                }
                (None, None, Some(media)) => {
                    said.text = (if media == "video" { VIDEO } else { IMAGE }).to_owned();
                }
                (Some(subtitle), ..) => said.lines.push((element.title, subtitle)),
                // Only the element that holds the text has no subtitle.
                (None, None, None) => said.text = element.title,
            }
            buttons.extend(element.buttons);
        }
        buttons.extend(payload.buttons);
    }
    buttons.extend(message.quick_replies);
    said.buttons = buttons.into_iter().filter_map(|button| button.title).collect();
    if let Some(form) = message.template {
        let (text, buttons) = utility::as_read(&approved(form)?)?;
        said.text = text;
        said.buttons = buttons;
    }
    if said.text.is_empty() && said.lines.is_empty() { None } else { Some(said) }
}

/// What stood in the gaps of an approved text.
fn approved(form: Approved) -> Option<ApprovedForm> {
    let lang = Lang::from_tag(&form.language.code)?;
    let body = form.components.into_iter().find(|part| part.kind == "body")?.parameters;
    let text = |value: &Value| value.get("text").and_then(Value::as_str).map(str::to_owned);
    Some(ApprovedForm {
        name: form.name,
        lang,
        body: body.iter().filter_map(text).collect(),
        payloads: Vec::new(),
    })
}
