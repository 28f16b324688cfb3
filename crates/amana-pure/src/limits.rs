//! Every limit of this crate.

/// Seconds that may lie between the two sides of a transfer between the customer's own accounts: three days.
pub const OWN_TRANSFER_SECONDS_MAX: i64 = 3 * 86_400;
/// Words after "transfer to" among which the account is named.
pub const ACCOUNT_WORD_REACH: usize = 4;
