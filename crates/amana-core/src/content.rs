//! A message in the chat, before a channel gives it its own shape. Texts are finished: in the customer's language,
//! with amounts and names isolated.

use crate::{ChannelId, Psid};
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
}

impl Content {
    /// A plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
