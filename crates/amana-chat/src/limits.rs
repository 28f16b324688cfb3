//! Every limit of this crate.

/// Characters of an incoming text that are read; the rest is ignored (a Messenger text holds 2,000).
pub const TEXT_CHARS_MAX: usize = 600;
/// Words of an incoming text that are read.
pub const WORDS_MAX: usize = 80;
/// Words beyond which a text is not taken as a wish to stop, unlink or change the language: those are said shortly.
pub const COMMAND_WORDS_MAX: usize = 14;
/// Characters of a merchant's name in a question.
pub const MERCHANT_CHARS_MAX: usize = 60;
/// Words of a merchant's name in a question.
pub const MERCHANT_WORDS_MAX: usize = 6;
/// Transactions that a list shows when the customer names no number.
pub const TRANSACTIONS_DEFAULT: u16 = 5;
/// The most transactions that a list shows; Messenger shows ten lines of a card.
pub const TRANSACTIONS_MAX: u16 = 10;
/// Characters of a button's or quick reply's title (Messenger: 20).
pub const TITLE_CHARS_MAX: usize = 20;
/// Characters of a title in Messenger's persistent menu.
pub const MENU_TITLE_CHARS_MAX: usize = 30;
/// Characters of Messenger's greeting.
pub const GREETING_CHARS_MAX: usize = 160;
/// Bytes of a button's payload (Messenger: 1,000); ours are far shorter.
pub const PAYLOAD_BYTES_MAX: usize = 100;
/// Questions to begin with, of a page.
pub const ICE_BREAKERS_MAX: usize = 4;
/// The longest question to begin with, in characters.
pub const ICE_BREAKER_CHARS_MAX: usize = 80;
