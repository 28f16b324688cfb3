//! The forms of Messenger's own: receipt, media, and texts that were approved beforehand (messenger reference, sections
//! 2 and 4).

use super::encode::{at_most, not_empty, payload_of, refused, url_of};
use crate::encoding::EncodeError;
use crate::limits::messenger as limits;
use amana_core::{ApprovedForm, Lang, MediaForm, MediaKind, Money, ReceiptAddress, ReceiptForm, ReceiptItem};
use serde::Serialize;
use serde_json::Number;

/// The payload of a receipt template.
#[derive(Serialize)]
pub(super) struct ReceiptPayload<'a> {
    template_type: &'static str,
    recipient_name: &'a str,
    order_number: &'a str,
    currency: &'static str,
    payment_method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elements: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Place<'a>>,
    summary: Summary,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    adjustments: Vec<Adjustment<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
    price: Number,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<&'a str>,
}

#[derive(Serialize)]
struct Place<'a> {
    street_1: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    street_2: Option<&'a str>,
    city: &'a str,
    postal_code: &'a str,
    state: &'a str,
    country: &'a str,
}

#[derive(Serialize)]
struct Summary {
    total_cost: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtotal: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_cost: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tax: Option<Number>,
}

#[derive(Serialize)]
struct Adjustment<'a> {
    name: &'a str,
    amount: Number,
}

pub(super) fn receipt(form: &ReceiptForm) -> Result<ReceiptPayload<'_>, EncodeError> {
    let in_currency = |money: Money| amount(money, form.total);
    let maybe = |money: Option<Money>| money.map(in_currency).transpose();
    if form.items.len() > limits::RECEIPT_ITEMS_MAX {
        return Err(refused(format!("a receipt has at most {} items", limits::RECEIPT_ITEMS_MAX)));
    }
    if form.adjustments.len() > limits::RECEIPT_ADJUSTMENTS_MAX {
        return Err(refused(format!(
            "a receipt has at most {} adjustments",
            limits::RECEIPT_ADJUSTMENTS_MAX
        )));
    }
    let line = |item: &'_ ReceiptItem| -> Result<(), EncodeError> {
        words(&item.title, "the title of a receipt's item")?;
        item.subtitle.as_deref().map(|text| words(text, "the subtitle of a receipt's item")).transpose()?;
        item.image_url.as_deref().map(url_of).transpose()?;
        Ok(())
    };
    form.items.iter().try_for_each(line)?;
    Ok(ReceiptPayload {
        template_type: "receipt",
        recipient_name: words(&form.recipient_name, "the recipient's name of a receipt")?,
        order_number: words(&form.order_number, "the order number of a receipt")?,
        currency: form.total.currency.code(),
        payment_method: words(&form.payment_method, "the payment method of a receipt")?,
        merchant_name: some_words(form.merchant_name.as_deref(), "the merchant's name of a receipt")?,
        timestamp: form.ordered_at.map(|at| at.as_second().to_string()),
        order_url: form.order_url.as_deref().map(url_of).transpose()?,
        elements: form
            .items
            .iter()
            .map(|item| {
                Ok(Line {
                    title: &item.title,
                    subtitle: item.subtitle.as_deref(),
                    quantity: item.quantity,
                    price: in_currency(item.price)?,
                    currency: form.total.currency.code(),
                    image_url: item.image_url.as_deref(),
                })
            })
            .collect::<Result<_, EncodeError>>()?,
        address: form.address.as_ref().map(place).transpose()?,
        summary: Summary {
            total_cost: in_currency(form.total)?,
            subtotal: maybe(form.subtotal)?,
            shipping_cost: maybe(form.shipping)?,
            total_tax: maybe(form.tax)?,
        },
        adjustments: form
            .adjustments
            .iter()
            .map(|(name, money)| {
                let name = words(name, "the name of a receipt's adjustment")?;
                Ok(Adjustment { name, amount: in_currency(*money)? })
            })
            .collect::<Result<_, EncodeError>>()?,
    })
}

fn place(address: &ReceiptAddress) -> Result<Place<'_>, EncodeError> {
    let country = &address.country;
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(refused("the country of a receipt's address is two capital letters"));
    }
    Ok(Place {
        street_1: words(&address.street_1, "the street of a receipt's address")?,
        street_2: some_words(address.street_2.as_deref(), "the street of a receipt's address")?,
        city: words(&address.city, "the city of a receipt's address")?,
        postal_code: words(&address.postal_code, "the postal code of a receipt's address")?,
        state: words(&address.state, "the state of a receipt's address")?,
        country,
    })
}

/// An amount as the platform writes one: a dot, at most two places. What does not fit is refused, not rounded.
fn amount(money: Money, total: Money) -> Result<Number, EncodeError> {
    if money.currency != total.currency {
        return Err(refused("the amounts of a receipt are all in its currency"));
    }
    let written = money.to_string();
    let number = written.split(' ').next().unwrap_or_default();
    let number = match number.split_once('.') {
        Some((_, places)) if places.len() > limits::RECEIPT_PLACES_MAX => {
            let (kept, rest) = number.split_at(number.len() - (places.len() - limits::RECEIPT_PLACES_MAX));
            if rest.bytes().any(|digit| digit != b'0') {
                return Err(refused("an amount of a receipt has at most two decimal places"));
            }
            kept
        }
        _ => number,
    };
    number.parse().map_err(|_| refused("an amount of a receipt is a decimal number"))
}

/// The payload of a media template: one element.
#[derive(Serialize)]
pub(super) struct MediaPayload<'a, B> {
    template_type: &'static str,
    elements: [MediaElement<'a, B>; 1],
}

#[derive(Serialize)]
pub(super) struct MediaElement<'a, B> {
    media_type: &'static str,
    attachment_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buttons: Vec<B>,
}

pub(super) fn media<B>(form: &MediaForm, buttons: Vec<B>) -> Result<MediaPayload<'_, B>, EncodeError> {
    let media_type = match form.media {
        MediaKind::Image => "image",
        MediaKind::Video => "video",
    };
    let attachment_id = id_of(&form.attachment_id, "the id of an attachment")?;
    let element = MediaElement { media_type, attachment_id, buttons };
    Ok(MediaPayload { template_type: "media", elements: [element] })
}

/// `message.template` of an approved text (section 4; the shape that was proved live).
#[derive(Serialize)]
pub(super) struct UtilityTemplate<'a> {
    name: &'a str,
    language: Language,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct Language {
    code: &'static str,
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    parameters: Vec<Parameter<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Parameter<'a> {
    #[serde(rename = "text")]
    Text { text: &'a str },
    #[serde(rename = "POSTBACK")]
    Postback { payload: &'a str },
}

/// The locale of a language at the platform.
#[must_use]
pub fn template_locale(lang: Lang) -> &'static str {
    match lang {
        Lang::English => "en",
        Lang::Arabic => "ar",
    }
}

pub(super) fn utility(form: &ApprovedForm) -> Result<UtilityTemplate<'_>, EncodeError> {
    let snake = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if form.name.is_empty() || !form.name.bytes().all(snake) {
        return Err(refused("the name of an approved text is of small letters, digits and `_`"));
    }
    if form.payloads.len() > limits::BUTTONS_MAX {
        return Err(refused(format!("at most {} buttons", limits::BUTTONS_MAX)));
    }
    let mut components = Vec::new();
    let gap = |text: &'_ String| -> Result<(), EncodeError> {
        let what = "what stands in a gap of an approved text";
        not_empty(text, what)?;
        at_most(text, limits::TEMPLATE_PARAMETER_CHARS_MAX, what)?;
        let broken = text.contains(|c: char| c.is_control());
        if broken { Err(refused(format!("{what} is on one line"))) } else { Ok(()) }
    };
    form.body.iter().try_for_each(gap)?;
    if !form.body.is_empty() {
        let parameters = form.body.iter().map(|text| Parameter::Text { text }).collect();
        components.push(Component { kind: "body", parameters });
    }
    if !form.payloads.is_empty() {
        let parameters = form
            .payloads
            .iter()
            .map(|payload| Ok(Parameter::Postback { payload: payload_of(payload)? }))
            .collect::<Result<_, EncodeError>>()?;
        components.push(Component { kind: "buttons", parameters });
    }
    let language = Language { code: template_locale(form.lang) };
    Ok(UtilityTemplate { name: &form.name, language, components })
}

fn words<'a>(text: &'a str, what: &str) -> Result<&'a str, EncodeError> {
    not_empty(text, what)?;
    at_most(text, limits::RECEIPT_TEXT_CHARS_MAX, what)
}

fn some_words<'a>(text: Option<&'a str>, what: &str) -> Result<Option<&'a str>, EncodeError> {
    text.map(|text| words(text, what)).transpose()
}

/// An id of the platform's.
pub(super) fn id_of<'a>(id: &'a str, what: &str) -> Result<&'a str, EncodeError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if id.is_empty() || id.len() > limits::ID_CHARS_MAX || !id.bytes().all(plain) {
        return Err(refused(format!("{what} is 1 to {} letters, digits, `_` or `-`", limits::ID_CHARS_MAX)));
    }
    Ok(id)
}
