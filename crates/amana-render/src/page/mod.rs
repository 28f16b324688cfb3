//! Fragments of the gateway's own pages that show what a bank said. The pages put them in whole, and never see a value.

mod accounts;
mod choices;
mod html;
mod message;
mod said;

pub use accounts::accounts;
pub use choices::choices;
pub use message::{message, message_lines};
pub use said::said;

/// A piece of a page, and the same as lines of plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment {
    /// HTML. Whatever came from a bank is escaped and isolated in it.
    pub html: String,
    /// The text, line by line: for the customer's own copy, and to be hashed.
    pub lines: Vec<String>,
}
