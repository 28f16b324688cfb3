//! Every limit of this crate.

/// Seconds that may lie between the two sides of a transfer between the customer's own accounts: three days.
pub const OWN_TRANSFER_SECONDS_MAX: i64 = 3 * 86_400;
/// Words after "transfer to" among which the account is named.
pub const ACCOUNT_WORD_REACH: usize = 4;

/// Days for which a transaction stays in the book: the longest that a card's hold may stand (31 for hotels and hired
/// cars), and two weeks more for evidence that comes late.
pub const BOOK_DAYS: i64 = 45;
/// Transactions that one account's book holds, so that its row stays small (about fifty kilobytes): eleven a day.
pub const BOOK_LINES_MAX: usize = 500;
/// Bytes of a shop's name and of the bank's text that the book keeps: more than a statement's line has.
pub const BOOK_TEXT_BYTES_MAX: usize = 160;
/// Other ids of one transaction that the book remembers.
pub const BOOK_IDS_MAX: usize = 8;
/// Days between a purchase and its posting where amount and shop agree. Networks give a merchant seven; weekends and
/// holidays come on top.
pub const EXACT_DAYS_MAX: i64 = 12;
/// The same where the amount has changed, as after a tip.
pub const ADJUSTED_DAYS_MAX: i64 = 7;
/// The same at hotels and car rentals, whose holds stand for a month.
pub const LODGING_DAYS_MAX: i64 = 31;
/// The same where the amount is to the cent the same and only the name differs.
pub const RENAMED_DAYS_MAX: i64 = 5;
/// The same where there is one authorization and one posting of the amount: what networks give a merchant.
pub const LONELY_DAYS_MAX: i64 = 7;
/// Seconds by which a posting's time may lie before its authorization's, where it is a time: clocks differ.
pub const CLOCKS_DIFFER_SECONDS_MAX: i64 = 3_600;
/// The same where the time is only a day: the bank's day may begin half a day before or after ours.
pub const DAYS_DIFFER_SECONDS_MAX: i64 = 36 * 3_600;
/// Seconds after which a transaction that comes once more under another id, to the second at the same time, was
/// renamed by the bank. Within them it is a second purchase: whoever is charged twice must hear of it.
pub const RENAMED_AFTER_SECONDS_MIN: i64 = 600;
/// Parts into which a shipment is split at most, where the bank does not say what they are parts of.
pub const PARTS_MAX: usize = 5;
