//! A message in the chat, before a channel gives it its own shape. Texts are finished: in the customer's language,
//! with amounts and names isolated.

use crate::{ChannelId, Lang, Money, Psid, Timestamp};
use serde::{Deserialize, Serialize};

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The channel.
    pub channel: ChannelId,
    /// The person on it.
    pub psid: Psid,
}

/// Something that a customer can tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Action {
    /// Sends a payload back to us.
    Postback {
        /// What the button says.
        title: String,
        /// What comes back. Opaque to the customer, never bank data.
        payload: String,
    },
    /// Opens a page of ours.
    Url {
        /// What the button says.
        title: String,
        /// Where it leads.
        url: String,
    },
    /// Opens the platform's account-linking flow at a page of ours.
    LinkAccount {
        /// The account-linking page.
        url: String,
    },
    /// Asks the platform to forget the link.
    UnlinkAccount,
}

/// One line of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardLine {
    /// What.
    pub title: String,
    /// More about it.
    pub subtitle: String,
}

/// A list of things, each with a title and a subtitle: accounts with balances, transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The lines, at most ten are shown by Messenger.
    pub lines: Vec<CardLine>,
}

/// A message in the chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    /// The text. May be empty if there is a card.
    pub text: String,
    /// A card below the text.
    pub card: Option<Card>,
    /// Buttons that stay (Messenger: at most three).
    pub buttons: Vec<Action>,
    /// Suggestions that vanish after the next message (Messenger: at most thirteen); only `Postback`.
    pub suggestions: Vec<Action>,
    /// A form of the platform's own. Where there is one, it is the message: a channel that has the form sends it
    /// instead of text, card and buttons; one that has it not says those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rich: Option<Rich>,
    /// As whom it is said: the platform's id of a persona. `None`: as the page itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// What becomes of the conversation once it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadControl>,
}

/// A form of a platform's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Rich {
    /// The receipt of a purchase that was made.
    Receipt(Box<ReceiptForm>),
    /// A picture or a film that the platform already has.
    Media(MediaForm),
    /// A text that the platform approved beforehand: the only thing that may be sent when the person has been away.
    Approved(ApprovedForm),
}

/// The receipt of a purchase, as a chat shows one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptForm {
    /// Who bought.
    pub recipient_name: String,
    /// The number of the order; no other receipt of the page has it.
    pub order_number: String,
    /// How it was paid, with at most the last four digits of anything.
    pub payment_method: String,
    /// The shop.
    pub merchant_name: Option<String>,
    /// When it was ordered.
    pub ordered_at: Option<Timestamp>,
    /// A page with the order.
    pub order_url: Option<String>,
    /// What was bought.
    pub items: Vec<ReceiptItem>,
    /// Where it goes.
    pub address: Option<ReceiptAddress>,
    /// What was paid in all. All amounts of a receipt are in its currency.
    pub total: Money,
    /// The items alone.
    pub subtotal: Option<Money>,
    /// The way to the door.
    pub shipping: Option<Money>,
    /// Taxes.
    pub tax: Option<Money>,
    /// Deductions and additions, each with its name.
    pub adjustments: Vec<(String, Money)>,
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptItem {
    /// What.
    pub title: String,
    /// More about it.
    pub subtitle: Option<String>,
    /// How many.
    pub quantity: Option<u32>,
    /// The price; may be nothing.
    pub price: Money,
    /// A picture of it.
    pub image_url: Option<String>,
}

/// An address on a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptAddress {
    /// Street and number.
    pub street_1: String,
    /// More of it.
    pub street_2: Option<String>,
    /// City.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
    /// State or region.
    pub state: String,
    /// Country, two letters.
    pub country: String,
}

/// A picture or a film, named by the platform's own id of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaForm {
    /// What it is.
    pub media: MediaKind,
    /// The platform's id of the saved attachment.
    pub attachment_id: String,
}

/// What a platform can show above buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A film.
    Video,
}

/// An approved text with what stands in its gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedForm {
    /// Its name at the platform.
    pub name: String,
    /// In which language.
    pub lang: Lang,
    /// What stands in the gaps of the text, in their order.
    pub body: Vec<String>,
    /// What its buttons send back, in their order.
    pub payloads: Vec<String>,
}

/// Who has the conversation next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "to", content = "app")]
pub enum ThreadControl {
    /// The app of this id.
    Pass(String),
    /// Nobody: the page's default app.
    Release,
}

impl Content {
    /// A plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
