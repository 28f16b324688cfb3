//! Every limit of this crate.

/// Days that a question about spending covers when it names no period.
pub const PERIOD_DAYS_DEFAULT: u16 = 30;
/// How far back a period may reach, in days.
pub const PERIOD_DAYS_MAX: u16 = 1_100;
/// Characters of a name from a bank (merchant, account) that are shown.
pub const NAME_CHARS_MAX: usize = 64;
/// Lines of a card; Messenger shows ten.
pub const CARD_LINES_MAX: usize = 10;
/// Updates that one message tells, the newest ones; of the others it says how many they are.
pub const UPDATES_TOLD_MAX: usize = 12;
/// Merchants' names that an answer about spending lists as what was counted.
pub const MATCHED_NAMES_MAX: usize = 3;
/// Transactions of an account that the page of accounts shows.
pub const PAGE_ROWS_MAX: usize = 10;

/// Messenger's own limits of a message, of its Send API reference; characters are Unicode scalar values.
pub mod messenger {
    /// A text has less than 2,000 characters.
    pub const TEXT_CHARS_MAX: usize = 1_999;
    /// The text of a button template.
    pub const BUTTON_TEXT_CHARS_MAX: usize = 640;
    /// Buttons of a template.
    pub const BUTTONS_MAX: usize = 3;
    /// The title of a button or quick reply.
    pub const BUTTON_TITLE_CHARS_MAX: usize = 20;
    /// The payload of a postback or quick reply.
    pub const PAYLOAD_CHARS_MAX: usize = 1_000;
    /// Quick replies of a message.
    pub const QUICK_REPLIES_MAX: usize = 13;
    /// Elements of a generic template.
    pub const ELEMENTS_MAX: usize = 10;
    /// Title and subtitle of an element.
    pub const ELEMENT_CHARS_MAX: usize = 80;
    /// The longest URL of a button, in bytes (ours; Meta states none).
    pub const URL_BYTES_MAX: usize = 2_048;

    /// Lines of a receipt.
    pub const RECEIPT_ITEMS_MAX: usize = 100;
    /// Adjustments of a receipt (ours; Meta states none).
    pub const RECEIPT_ADJUSTMENTS_MAX: usize = 20;
    /// Any text of a receipt, in characters (ours; Meta states none).
    pub const RECEIPT_TEXT_CHARS_MAX: usize = 200;
    /// Decimal places of an amount on a receipt.
    pub const RECEIPT_PLACES_MAX: usize = 2;
    /// The id of a persona, an app or an attachment, in characters (ours; Meta's have about 20 digits).
    pub const ID_CHARS_MAX: usize = 64;
    /// The text of an approved template.
    pub const TEMPLATE_BODY_CHARS_MAX: usize = 1_024;
    /// What stands in one gap of an approved template (ours; a name, never a sentence).
    pub const TEMPLATE_PARAMETER_CHARS_MAX: usize = 120;
    /// Metadata has less than 1,000 characters. Ours is a message id, under which its receipt is found.
    pub const METADATA_CHARS_MAX: usize = 999;

    const _: () = assert!(BUTTON_TEXT_CHARS_MAX < TEXT_CHARS_MAX);
}
