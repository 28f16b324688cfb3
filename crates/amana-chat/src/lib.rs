//! What a customer means and what Amana says: understanding, rendering, languages (English and Arabic).
//!
//! ```text
//! text ── Understand ──▶ Intent ──(flow fetches)──▶ Protected<T> ── gate, with a Renderer of `render` ──▶ Content
//! tap  ── Intent::from_payload ─┘                                    plain messages: `plain` ──────────▶ Content
//! ```
//!
//! What is **not** here: no I/O, no clock, no bank client, no channel's wire format. Everything is a pure function of
//! its arguments. Renderers see bank data only when the gate calls them; the functions of [`filter`] are plain `fn`s,
//! so that they fit `Protected::map` and `map_with`.
//!
//! Invariants:
//! - Every sentence a person reads comes from the Fluent catalogues in `locales/`, in both languages.
//! - Every inserted amount, name or number is isolated (U+2066 or U+2068 … U+2069), so that no merchant's name can
//!   rearrange a sentence.
//! - A payload of a button holds no bank data, and understanding yields only an [`Intent`]: a closed list.
//! - Days and months are counted in UTC until an institution's time zone is configured.

mod catalogue;
pub mod filter;
pub mod format;
mod intent;
pub mod limits;
mod period;
pub mod plain;
mod profile;
pub mod render;
mod understand;

pub use catalogue::{Arg, Catalogue, CatalogueError, chat};
pub use filter::Filter;
pub use intent::Intent;
pub use period::{Period, PeriodLabel};
pub use profile::{Profile, profile};
pub use render::{
    AccountLabel, BALANCES, BalanceArgs, SPENDING, SpendingArgs, Story, TRANSACTIONS, TransactionsArgs,
    UPDATE, UpdateArgs,
};
pub use understand::{Rules, Understand, Understood};
