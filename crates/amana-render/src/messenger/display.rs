//! Our own bytes read back for a person: "what was said" on the privacy page.

use serde::Deserialize;

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
}

#[derive(Deserialize)]
struct Element {
    title: String,
    subtitle: Option<String>,
    #[serde(default)]
    buttons: Vec<Titled>,
}

#[derive(Deserialize)]
struct Titled {
    title: Option<String>,
}

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
        for element in payload.elements {
            match element.subtitle {
                Some(subtitle) => said.lines.push((element.title, subtitle)),
                // Only the element that holds the text has no subtitle.
                None => said.text = element.title,
            }
            buttons.extend(element.buttons);
        }
        buttons.extend(payload.buttons);
    }
    buttons.extend(message.quick_replies);
    said.buttons = buttons.into_iter().filter_map(|button| button.title).collect();
    if said.text.is_empty() && said.lines.is_empty() { None } else { Some(said) }
}
