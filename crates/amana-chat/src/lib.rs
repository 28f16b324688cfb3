//! What a customer means, and what Amana says that holds no bank data (English and Arabic).
//!
//! ```text
//! text ── Understand ──▶ Intent ──(flow fetches)──▶ Protected<T> ── gate, with a `Render` of amana-render ──▶ Content
//! tap  ── Intent::from_payload ─┘                                    plain messages: `plain` ──────────▶ Content
//! ```
//!
//! What is **not** here: no I/O, no clock, no bank client, no channel's wire format, and no bank data: how that is said
//! is `amana-render`'s, below the gate. Everything is a pure function of its arguments.
//!
//! Invariants:
//! - Every sentence a person reads comes from the Fluent catalogues in `locales/`, in both languages.
//! - A payload of a button holds no bank data, and understanding yields only an [`Intent`]: a closed list.
//! - Days and months are counted in UTC until an institution's time zone is configured.

mod catalogue;
mod intent;
pub mod limits;
pub mod plain;
mod profile;
mod understand;

pub use catalogue::chat;
pub use intent::Intent;
pub use profile::{Profile, profile};
pub use understand::{Rules, Understand, Understood};
