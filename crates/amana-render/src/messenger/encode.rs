//! Content to the exact bytes of one Send API call (messenger reference, section 2).
//!
//! | content | becomes |
//! |---|---|
//! | text | `text`, less than 2,000 characters |
//! | text and buttons | button template; a text over 640 characters is refused, not cut |
//! | card | generic template, one element per line; buttons on the first element |
//! | card, text and buttons | generic template that begins with an element of the text and the buttons |
//! | card and text | text: an element of a title alone is not allowed, and a list reads better in one bubble |
//! | card that does not fit (over 10 elements, a part empty or over 80 characters) | text, each line as two |
//! | suggestions | quick replies beside any of these |
//! | receipt, media | the template of that name (`rich.rs`) instead of text and card |
//! | approved text | `message.template`, by [`encode_utility`] alone; the others say text and buttons |
//! | persona | `persona_id` |
//! | thread control | `thread_control` of the same call, so that no echo goes astray |
//!
//! `messaging_type` is the caller's choice of function: [`encode_reply`] for an answer to what the person
//! just did (`RESPONSE`), [`encode`] for anything else (`UPDATE`), [`encode_utility`] for an approved text
//! (`UTILITY`), [`encode_human_agent`] for a human agent's own words (`MESSAGE_TAG`). The first two are no right to
//! write outside the window. The bytes depend on the arguments alone: structs, not maps, so the order of keys is fixed.

use crate::encoding::EncodeError;
use crate::limits::messenger as limits;
use crate::messenger::rich::{self, MediaPayload, ReceiptPayload, UtilityTemplate};
use amana_core::{Action, Address, Card, Content, MessageId, Rich, ThreadControl};
use serde::Serialize;
use url::Url;

/// Encodes a message that nobody asked for just now (`messaging_type: UPDATE`).
///
/// # Errors
/// When a limit of Messenger is broken; the error names it.
pub fn encode(content: &Content, to: &Address, message: MessageId) -> Result<Vec<u8>, EncodeError> {
    encode_as(Kind::UPDATE, content, to, message)
}

/// Encodes an answer to what the person just did (`messaging_type: RESPONSE`).
///
/// # Errors
/// As [`encode`].
pub fn encode_reply(content: &Content, to: &Address, message: MessageId) -> Result<Vec<u8>, EncodeError> {
    encode_as(Kind::RESPONSE, content, to, message)
}

/// Encodes the approved text of the content (`messaging_type: UTILITY`), and nothing beside it: free text in the same
/// call would be refused outside the window (messenger reference, section 4).
///
/// # Errors
/// When there is no approved text, or a limit is broken.
pub fn encode_utility(content: &Content, to: &Address, message: MessageId) -> Result<Vec<u8>, EncodeError> {
    let Some(Rich::Approved(form)) = &content.rich else {
        return Err(refused("outside the window an approved text alone may be sent"));
    };
    let body = Body::Template(rich::utility(form)?);
    written(Kind { messaging_type: "UTILITY", tag: None }, body, Vec::new(), content, to, message)
}

/// Encodes what a human agent wrote (`HUMAN_AGENT`). Who may: [`crate::HumanAgentAct`].
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_human_agent(
    content: &Content,
    to: &Address,
    message: MessageId,
) -> Result<Vec<u8>, EncodeError> {
    encode_as(Kind { messaging_type: "MESSAGE_TAG", tag: Some("HUMAN_AGENT") }, content, to, message)
}

/// `messaging_type` and `tag`.
#[derive(Clone, Copy)]
struct Kind {
    messaging_type: &'static str,
    tag: Option<&'static str>,
}

impl Kind {
    const UPDATE: Self = Self { messaging_type: "UPDATE", tag: None };
    const RESPONSE: Self = Self { messaging_type: "RESPONSE", tag: None };
}

#[derive(Serialize)]
struct Call<'a> {
    recipient: Recipient<'a>,
    messaging_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persona_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_control: Option<Control<'a>>,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Control<'a> {
    control_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Recipient<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    body: Body<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quick_replies: Vec<QuickReply<'a>>,
    metadata: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Body<'a> {
    Text(String),
    Attachment(Attachment<'a>),
    Template(UtilityTemplate<'a>),
}

#[derive(Serialize)]
struct Attachment<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    payload: Payload<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Plain(Template<'a>),
    Receipt(Box<ReceiptPayload<'a>>),
    Media(MediaPayload<'a, Button<'a>>),
}

#[derive(Serialize)]
struct Template<'a> {
    template_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elements: Option<Vec<Element<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buttons: Vec<Button<'a>>,
}

#[derive(Serialize)]
struct Element<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buttons: Vec<Button<'a>>,
}

#[derive(Serialize)]
struct Button<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webview_share_button: Option<&'static str>,
}

#[derive(Serialize)]
struct QuickReply<'a> {
    content_type: &'static str,
    title: &'a str,
    payload: &'a str,
}

fn encode_as(
    kind: Kind,
    content: &Content,
    to: &Address,
    message: MessageId,
) -> Result<Vec<u8>, EncodeError> {
    let suggestions = quick_replies(&content.suggestions)?;
    written(kind, body(content)?, suggestions, content, to, message)
}

fn written(
    Kind { messaging_type, tag }: Kind,
    body: Body<'_>,
    quick_replies: Vec<QuickReply<'_>>,
    content: &Content,
    to: &Address,
    message: MessageId,
) -> Result<Vec<u8>, EncodeError> {
    let metadata = message.to_string();
    at_most(&metadata, limits::METADATA_CHARS_MAX, "the metadata")?;
    let persona_id =
        content.persona.as_deref().map(|id| rich::id_of(id, "the id of a persona")).transpose()?;
    let thread_control = match &content.thread {
        None => None,
        Some(ThreadControl::Release) => Some(Control { control_type: "release", app_id: None }),
        Some(ThreadControl::Pass(app)) => {
            Some(Control { control_type: "pass", app_id: Some(rich::id_of(app, "the id of an app")?) })
        }
    };
    let recipient = Recipient { id: to.psid.as_str() };
    let message = Message { body, quick_replies, metadata };
    let call = Call { recipient, messaging_type, tag, persona_id, thread_control, message };
    serde_json::to_vec(&call).map_err(|_| refused("the message cannot be written as json"))
}

fn body(content: &Content) -> Result<Body<'_>, EncodeError> {
    let text = content.text.trim();
    let buttons = content.buttons.iter().map(button).collect::<Result<Vec<_>, _>>()?;
    if buttons.len() > limits::BUTTONS_MAX {
        return Err(refused(format!("at most {} buttons", limits::BUTTONS_MAX)));
    }
    match &content.rich {
        Some(Rich::Receipt(form)) if buttons.is_empty() => {
            return Ok(attached(Payload::Receipt(Box::new(rich::receipt(form)?))));
        }
        Some(Rich::Receipt(_)) => return Err(refused("a receipt has no buttons")),
        Some(Rich::Media(form)) => return Ok(attached(Payload::Media(rich::media(form, buttons)?))),
        Some(Rich::Approved(_)) | None => {}
    }
    let card = content.card.as_ref().filter(|card| !card.lines.is_empty());
    match card {
        Some(card) if fits_generic(card, text, !buttons.is_empty()) => Ok(generic(card, text, buttons)),
        Some(card) => text_or_buttons(with_lines(text, card), buttons),
        None => text_or_buttons(text.to_owned(), buttons),
    }
}

fn text_or_buttons(text: String, buttons: Vec<Button<'_>>) -> Result<Body<'_>, EncodeError> {
    if text.is_empty() {
        return Err(refused("a message has a text or a card"));
    }
    if buttons.is_empty() {
        at_most(&text, limits::TEXT_CHARS_MAX, "a text")?;
        return Ok(Body::Text(text));
    }
    at_most(&text, limits::BUTTON_TEXT_CHARS_MAX, "a text with buttons")?;
    Ok(template(Template { template_type: "button", text: Some(text), elements: None, buttons }))
}

fn fits_generic(card: &Card, text: &str, has_buttons: bool) -> bool {
    let fits = |text: &str| !text.trim().is_empty() && text.chars().count() <= limits::ELEMENT_CHARS_MAX;
    let leads = usize::from(!text.is_empty());
    card.lines.len() + leads <= limits::ELEMENTS_MAX
        && (text.is_empty() || (has_buttons && fits(text)))
        && card.lines.iter().all(|line| fits(&line.title) && fits(&line.subtitle))
}

fn generic<'a>(card: &'a Card, text: &'a str, buttons: Vec<Button<'a>>) -> Body<'a> {
    let mut elements = Vec::with_capacity(card.lines.len() + 1);
    if !text.is_empty() {
        elements.push(Element { title: text, subtitle: None, buttons: Vec::new() });
    }
    elements.extend(card.lines.iter().map(|line| Element {
        title: &line.title,
        subtitle: Some(&line.subtitle),
        buttons: Vec::new(),
    }));
    if let Some(first) = elements.first_mut() {
        first.buttons = buttons;
    }
    template(Template { template_type: "generic", text: None, elements: Some(elements), buttons: Vec::new() })
}

fn template(payload: Template<'_>) -> Body<'_> {
    attached(Payload::Plain(payload))
}

fn attached(payload: Payload<'_>) -> Body<'_> {
    Body::Attachment(Attachment { kind: "template", payload })
}

/// Title and subtitle on lines of their own: each is a paragraph with its own direction, so English and
/// Arabic do not mix.
fn with_lines(text: &str, card: &Card) -> String {
    let mut blocks = Vec::with_capacity(card.lines.len() + 1);
    if !text.is_empty() {
        blocks.push(text.to_owned());
    }
    for line in &card.lines {
        let parts = [line.title.trim(), line.subtitle.trim()];
        let block = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n");
        if !block.is_empty() {
            blocks.push(block);
        }
    }
    blocks.join("\n\n")
}

fn button(action: &Action) -> Result<Button<'_>, EncodeError> {
    let none = Button { kind: "", title: None, payload: None, url: None, webview_share_button: None };
    Ok(match action {
        Action::Postback { title, payload } => {
            let (title, payload) = (title_of(title)?, payload_of(payload)?);
            Button { kind: "postback", title: Some(title), payload: Some(payload), ..none }
        }
        Action::Url { title, url } => {
            let (title, url) = (title_of(title)?, url_of(url)?);
            // The pages are one person's: no share button beside them (section 7).
            Button {
                kind: "web_url",
                title: Some(title),
                url: Some(url),
                webview_share_button: Some("hide"),
                ..none
            }
        }
        Action::LinkAccount { url } => Button { kind: "account_link", url: Some(url_of(url)?), ..none },
        Action::UnlinkAccount => Button { kind: "account_unlink", ..none },
    })
}

fn quick_replies(suggestions: &[Action]) -> Result<Vec<QuickReply<'_>>, EncodeError> {
    if suggestions.len() > limits::QUICK_REPLIES_MAX {
        return Err(refused(format!("at most {} quick replies", limits::QUICK_REPLIES_MAX)));
    }
    suggestions.iter().map(quick_reply).collect()
}

fn quick_reply(action: &Action) -> Result<QuickReply<'_>, EncodeError> {
    let Action::Postback { title, payload } = action else {
        return Err(refused("a quick reply is a postback"));
    };
    Ok(QuickReply { content_type: "text", title: title_of(title)?, payload: payload_of(payload)? })
}

fn title_of(title: &str) -> Result<&str, EncodeError> {
    not_empty(title, "the title of a button")?;
    at_most(title, limits::BUTTON_TITLE_CHARS_MAX, "the title of a button")
}

pub(super) fn payload_of(payload: &str) -> Result<&str, EncodeError> {
    not_empty(payload, "the payload of a button")?;
    at_most(payload, limits::PAYLOAD_CHARS_MAX, "the payload of a button")
}

pub(super) fn url_of(text: &str) -> Result<&str, EncodeError> {
    if is_page_url(text) { Ok(text) } else { Err(refused(URL_RULE)) }
}

const URL_RULE: &str =
    "the url of a button is https (http only to a loopback host), without user name, of at most 2048 bytes";

/// Whether a platform may be given this URL: https, or http on this machine alone.
#[must_use]
pub fn is_page_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    scheme
        && text.len() <= limits::URL_BYTES_MAX
        && url.username().is_empty()
        && url.password().is_none()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Whether the host is this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

pub(super) fn not_empty(text: &str, what: &str) -> Result<(), EncodeError> {
    if text.trim().is_empty() { Err(refused(format!("{what} is not empty"))) } else { Ok(()) }
}

pub(super) fn at_most<'a>(text: &'a str, limit: usize, what: &str) -> Result<&'a str, EncodeError> {
    let length = text.chars().count();
    if length <= limit {
        return Ok(text);
    }
    Err(refused(format!("{what} has at most {limit} characters, this one has {length}")))
}

pub(super) fn refused(limit: impl Into<String>) -> EncodeError {
    EncodeError { limit: limit.into() }
}
