//! How bank data is said: sentences in a chat, fragments of the gateway's own pages, and the exact bytes that a channel
//! takes. English and Arabic.
//!
//! ```text
//! values ── Render, in the form that was decided ─▶ Content ── Encoding ─▶ bytes for the platform
//! values ── page ─▶ Fragment (HTML, escaped by construction)
//! ```
//!
//! The gate alone has protected values, and calls these functions; it takes no others, since [`Render`] is sealed and
//! [`Encoding`] is a closed list. So nobody outside can see a value on its way to a person.
//!
//! What is **not** here: no I/O, no clock, no log, no way to keep anything. `cargo xtask tidy` makes sure of it: of
//! `std` only what is harmless, one static (the catalogue, made of constants), no macro that prints or panics, and no
//! crate below that has a network or a log. What a customer means, and messages without bank data, are `amana-chat`'s.
//!
//! Invariants:
//! - Every sentence a person reads comes from the Fluent catalogues in `locales/`, in both languages.
//! - Every inserted amount, name or number is isolated (U+2066 or U+2068 … U+2069, or `<bdi>`), so that no merchant's
//!   name can rearrange a sentence.
//! - Days and months are counted in UTC until an institution's time zone is configured.

mod catalogue;
mod encoding;
pub mod format;
pub mod limits;
pub mod messenger;
pub mod page;
mod period;
mod say;
mod suggest;

pub use catalogue::{Arg, Catalogue, CatalogueError, texts};
pub use encoding::{EncodeError, Encoding, HUMAN_AGENT_FOR_S, HumanAgentAct};
pub use page::Fragment;
pub use period::{Period, PeriodLabel};
pub use say::{
    AccountLabel, BalanceArgs, Render, RenderContext, SpendingArgs, Story, TransactionsArgs, UpdateArgs,
    UpdatesArgs,
};
pub use suggest::suggestions;
