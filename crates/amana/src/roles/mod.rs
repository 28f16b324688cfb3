//! The gateway as four processes, each with its own secrets, joined by Unix sockets in a private folder.
//!
//! ```text
//! internet ─▶ web ─▶ gate.sock ─▶ GATE ─▶ connector.sock ─▶ connector ─▶ banks
//!                                  │ └──▶ egress.sock    ─▶ egress    ─▶ the platform
//!                               database ◀── kill switches, links (read only) ──┘
//! ```
//!
//! | role | has | has not |
//! |---|---|---|
//! | web | the public port | any secret |
//! | gate | master key, database, app secret (checks webhooks), event tokens | the Page's token, the bank's client keys |
//! | connector | the bank's client keys; the key that seals data for the gate | master key, database, Page's token |
//! | egress | the Page's token and the proof that goes with it, a token of the app's; the gate's verifying key | master key, bank's keys, app secret, any way to sign |

#[cfg(unix)]
pub(crate) mod connector;
#[cfg(unix)]
pub(crate) mod egress;
#[cfg(unix)]
pub(crate) mod folder;
#[cfg(unix)]
mod peer;
mod role;
#[cfg(unix)]
pub(crate) mod web;
#[cfg(unix)]
mod wire;

pub(crate) use role::Role;
