//! Channels: what comes in from a chat platform, and the only door out to it.
//!
//! ```text
//! webhook bytes ── webhook::verify_signature ─▶ webhook::parse ─▶ Inbound (to the durable inbox)
//! Released      ── Egress: ticket and kill switches, once more ─▶ Channel::send ─▶ the platform's API
//!                  ─▶ Sent, or a SendError: what may be done next
//! ```
//!
//! Invariants:
//! - A page's token lives in [`Messenger`] and nowhere else; it travels in a header, never in a URL, log or
//!   error.
//! - Nothing is sent that is not [`amana_gate::Released`], and only to the host of the configured Graph URL.
//! - A send that may have happened is never repeated from here: it comes back as [`SendError::Ambiguous`].
//!
//! What is **not** here: no bank, no store, no clock, no retry loop, no dialogue. What a platform calls its
//! fields stays inside `webhook` and `messenger`.

mod channel;
mod egress;
pub mod limits;
pub mod messenger;
pub mod webhook;

pub use channel::{
    ApprovedText, Capabilities, Channel, Heard, History, LinkingError, People, Rest, SaidThere, SendError,
    Sent, ThreadOwner, WindowPolicy,
};
pub use egress::{Egress, StopFlags};
pub use messenger::{
    AppCredentials, AppWebhook, Area, ChannelProblem, Messenger, MessengerConfig, PageConfig, PageStatus,
    PageToken, Persona, Profile, SetupError, SetupReport, Timeouts, TokenState,
};
